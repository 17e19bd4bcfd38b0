/*
 * Wires: when a frame leaves, when it arrives, and what becomes of it. Frames
 * are handed over by hand; the cards at both ends are real.
 */
#include "ktest.h"

#include <string.h>

#include <ktsim/kern/vnet.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/ip_var.h>
#include <ktsim/sim/engine.h>
#include <ktsim/sim/wire.h>

#define RATE 1000000000ULL /* 8000 ps per byte */
#define LEN  1000
#define SER  ((LEN + 24) * 8000ULL)

static struct engine *en;
static struct jobpool *jp;
static struct framepool pool;
static struct vnet *v;
static struct wire *w;
static struct nic *n[2];
static struct wire_port port[2];

/* What the tap saw. */
static struct {
	simtime_t when;
	int from;
	const char *verdict; /* one of the texts below; NULL */
} seen[64];
static unsigned nseen;

/* The wire's texts go with it. */
static const char *
kept(const char *verdict)
{
	static const char *const texts[] = { "link down", "link: loss",
		"link: queue full", "link: suspended", "link: dropped" };

	for (unsigned i = 0; verdict != NULL && i < 5; i++)
		if (strcmp(verdict, texts[i]) == 0)
			return (texts[i]);
	assert_null(verdict);
	return (NULL);
}

static void
tap(void *arg, const struct wire_port *from, struct frame *f,
    const struct wire_fate *fate)
{
	assert_true(nseen < 64);
	seen[nseen].when = engine_timebase(en)->tb_now;
	seen[nseen].from = from == &port[1];
	seen[nseen++].verdict = kept(fate->wf_lost);
}

static void
make(uint64_t link_rate, uint64_t queue, uint32_t loss, uint64_t seed)
{
	struct wire_params wp = { .wp_tb = engine_timebase(en),
		.wp_name = "a - b",
		.wp_rate_bps = link_rate,
		.wp_delay = 10 * SIM_US,
		.wp_queue = queue,
		.wp_loss_ppb = loss,
		.wp_seed = seed,
		.wp_tap = tap };
	struct nic_params np = { .np_model = "basic",
		.np_rate_bps = RATE,
		.np_mtu = 1500,
		.np_pool = &pool,
		.np_ops = &wire_nic_ops };
	static const char *const names[] = { "em0", "em1" };

	w = wire_create(&wp);
	for (int i = 0; i < 2; i++) {
		np.np_xname = names[i];
		np.np_lladdr[5] = (uint8_t)i;
		np.np_arg = wire_end(w, i);
		assert_int_equal(nic_attach(v, &np, &n[i]), 0);
		(void)if_setflags(&n[i]->n_if, n[i]->n_if.if_flags | IFF_UP);
		wire_nic_port(&port[i], n[i], 0);
		wire_attach(w, i, &port[i]);
	}
	wire_set_link(w, true);
}

static int
setup(void **state)
{
	struct vnet_params vp = { .vp_name = "h", .vp_ncpus = 1 };

	en = engine_create();
	jp = hostpool_create(0);
	vp.vp_tb = engine_timebase(en);
	vp.vp_jobs = jp;
	framepool_init(&pool);
	v = vnet_create(&vp);
	net_attach(v);
	inet_attach(v);
	nseen = 0;
	return (0);
}

static int
teardown(void **state)
{
	struct strbuf sb = { 0 };

	wire_destroy(w);
	nic_detach(n[0]);
	nic_detach(n[1]);
	assert_int_equal(vnet_leaks(v, &sb), 0);
	assert_int_equal(framepool_leaks(&pool, &sb), 0);
	strbuf_fini(&sb);
	inet_detach(v);
	net_detach(v);
	vnet_destroy(v);
	framepool_fini(&pool);
	hostpool_destroy(jp);
	engine_destroy(en);
	return (0);
}

/* Its last bit is out at `when`; its payload is that character. */
static void
hand_over_one(int end, char mark, simtime_t when)
{
	struct frame *f = frame_alloc(&pool);

	memset(f->f_hdr, 0, 14);
	f->f_hdr[5] = (uint8_t)(1 - end); /* to the other card */
	f->f_hdr[12] = 0x88;		  /* no protocol of ours */
	f->f_hdr[13] = 0xb5;
	f->f_hdrlen = 14;
	f->f_buf = framebuf_alloc(&pool);
	f->f_payload = f->f_buf->fb_data;
	f->f_paylen = LEN - 14;
	memset(f->f_buf->fb_data, mark, f->f_paylen);
	f->f_when = when;
	wire_send(wire_end(w, end), f);
}

/* cnt frames back to back, the first one's last bit at `first`. */
static void
hand_over(int end, unsigned cnt, simtime_t first)
{
	for (unsigned i = 0; i < cnt; i++)
		hand_over_one(end, 'x', first + i * SER);
}

static void
test_tap_sees_a_frame_when_its_last_bit_leaves(void **state)
{
	make(RATE, 1 << 20, 0, 1);
	hand_over(0, 3, SER);
	(void)engine_run(en, SIM_SEC);
	assert_int_equal(nseen, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(seen[i].when, (i + 1) * SER);
		assert_null(seen[i].verdict);
	}
	assert_int_equal(n[1]->n_stats.rx_frames, 3);
	assert_int_equal(n[0]->n_stats.rx_frames, 0);
}

static void
test_arrival_is_a_delay_after_egress(void **state)
{
	make(RATE, 1 << 20, 0, 1);
	hand_over(0, 1, SER);
	(void)engine_run(en, SER + 10 * SIM_US - 1);
	assert_int_equal(n[1]->n_stats.rx_frames, 0);
	assert_false(wire_idle(w));
	(void)engine_run(en, SER + 10 * SIM_US);
	assert_int_equal(n[1]->n_stats.rx_frames, 1);
	assert_true(wire_idle(w));
}

static void
test_both_directions_are_seen_in_order_of_time(void **state)
{
	make(RATE, 1 << 20, 0, 1);
	hand_over(0, 3, SER);
	hand_over(1, 3, SER / 2);
	(void)engine_run(en, SIM_SEC);
	assert_int_equal(nseen, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(seen[i].from, (i + 1) % 2);
	assert_int_equal(wire_stats(w, 0)->frames, 3);
	assert_int_equal(wire_stats(w, 1)->bytes, 3 * LEN);
}

static void
test_link_down_loses_what_is_still_in_the_card(void **state)
{
	make(RATE, 1 << 20, 0, 1);
	hand_over(0, 4, SER);
	(void)engine_run(en, 2 * SER);
	wire_set_link(w, false);
	(void)engine_run(en, 2 * SER + 1);
	wire_set_link(w, true); /* up again before they arrive */
	wire_set_link(w, false);
	(void)engine_run(en, SIM_SEC);
	assert_int_equal(nseen, 4);
	assert_null(seen[1].verdict);
	assert_string_equal(seen[2].verdict, "link down");
	assert_string_equal(seen[3].verdict, "link down");
	assert_int_equal(wire_stats(w, 0)->down_drops, 2);
	/* Those under way reached a card without a link. */
	assert_int_equal(n[1]->n_stats.rx_frames, 0);
	assert_int_equal(n[1]->n_stats.rx_link_down, 2);
}

static unsigned
losses(uint64_t seed)
{
	make(RATE, 1 << 20, 500000000, seed);
	hand_over(0, 60, SER);
	(void)engine_run(en, SIM_SEC);
	return ((unsigned)wire_stats(w, 0)->lost);
}

static void
test_loss_follows_the_seed(void **state)
{
	const char *first[60];
	unsigned lost, same = 0;

	lost = losses(1);
	assert_true(lost > 15 && lost < 45);
	assert_int_equal(n[1]->n_stats.rx_frames, 60 - lost);
	for (unsigned i = 0; i < 60; i++)
		first[i] = seen[i].verdict;
	teardown(NULL);
	setup(NULL);
	assert_int_equal(losses(1), lost);
	for (unsigned i = 0; i < 60; i++)
		assert_ptr_equal(seen[i].verdict, first[i]);
	teardown(NULL);
	setup(NULL);
	(void)losses(2);
	for (unsigned i = 0; i < 60; i++)
		same += seen[i].verdict == first[i];
	assert_true(same < 60);
}

/* The other direction draws from its own stream. */
static void
test_directions_do_not_share_their_chance(void **state)
{
	const char *alone[20];

	make(RATE, 1 << 20, 500000000, 7);
	hand_over(0, 20, SER);
	(void)engine_run(en, SIM_SEC);
	for (unsigned i = 0; i < 20; i++)
		alone[i] = seen[i].verdict;
	teardown(NULL);
	setup(NULL);
	make(RATE, 1 << 20, 500000000, 7);
	hand_over(0, 20, SER);
	hand_over(1, 20, SER / 2);
	(void)engine_run(en, SIM_SEC);
	for (unsigned i = 0, j = 0; i < 40; i++)
		if (seen[i].from == 0)
			assert_ptr_equal(seen[i].verdict, alone[j++]);
}

static void
test_slower_link_queues_and_drops_behind_its_queue(void **state)
{
	/* A tenth of the port's rate, room for three frames on the line. */
	make(RATE / 10, 3 * (LEN + 24), 0, 1);
	hand_over(0, 6, SER);
	(void)engine_run(en, SIM_SEC);
	assert_int_equal(wire_stats(w, 0)->queue_drops, 3);
	for (unsigned i = 0; i < 6; i++) {
		if (i < 3)
			assert_null(seen[i].verdict);
		else
			assert_string_equal(seen[i].verdict,
			    "link: queue full");
	}
	assert_int_equal(n[1]->n_stats.rx_frames, 3);
	/* Each takes ten times as long; the last one's arrival says so. */
	assert_int_equal(n[1]->n_stats.rx_bytes, 3 * LEN);
}

static void
test_a_wire_as_text(void **state)
{
	struct strbuf sb = { 0 };

	make(RATE, 1 << 20, 5000, 1);
	hand_over(0, 3, SER);
	(void)engine_run(en, 2 * SER);
	wire_dump(w, &sb, 0);
	assert_string_equal(strbuf_str(&sb),
	    "wire a - b link up 1000000000 bit/s delay 10us loss 5000 ppb queue 1048576\n"
	    "  from em0: 2 frames 2000 bytes, lost 0 queue full 0 link down 0 egress@24.576us\n"
	    "    leaving 1 frames 1000 bytes, out at 24.576us to 24.576us\n"
	    "    in flight 2 frames 2000 bytes, arriving at 18.192us to 26.384us\n"
	    "  from em1: 0 frames 0 bytes, lost 0 queue full 0 link down 0\n"
	    "    leaving 0 frames 0 bytes\n"
	    "    in flight 0 frames 0 bytes\n");
	strbuf_fini(&sb);
}

static void
test_a_suspended_link_is_a_black_hole_with_a_carrier(void **state)
{
	make(RATE, 1 << 20, 0, 1);
	hand_over(0, 4, SER);
	(void)engine_run(en, 2 * SER);
	wire_suspend(w, true);
	(void)engine_run(en, 3 * SER);
	wire_suspend(w, false);
	(void)engine_run(en, SIM_SEC);
	assert_int_equal(nseen, 4);
	for (unsigned i = 0; i < 4; i++)
		if (i == 2)
			assert_string_equal(seen[i].verdict, "link: suspended");
		else
			assert_null(seen[i].verdict);
	assert_int_equal(wire_stats(w, 0)->suspended_drops, 1);
	assert_int_equal(n[1]->n_stats.rx_frames, 3);
	assert_int_equal(n[1]->n_stats.rx_link_down, 0);
}

/* Long enough that nothing arrives while the test looks. */
static void
set_delay(simtime_t delay)
{
	struct wire_way ww = *wire_way(w, 0);

	ww.ww_delay = delay;
	wire_set_way(w, 0, &ww);
}

/* What arrived by then, in order of arrival: the payloads' first bytes. */
static void
assert_arrives(simtime_t before, const char *order)
{
	struct frameq q = STAILQ_HEAD_INITIALIZER(q);
	simtime_t last = 0;
	struct frame *f;

	(void)wire_pull(wire_end(w, 1), before, &q);
	while ((f = STAILQ_FIRST(&q)) != NULL) {
		assert_true(f->f_when >= last && f->f_when < before);
		last = f->f_when;
		assert_int_equal(f->f_payload[0], *order);
		order++;
		STAILQ_REMOVE_HEAD(&q, f_link);
		frame_rele(f);
	}
	assert_int_equal(*order, 0);
}

static void
hand_over_marked(const char *marks, simtime_t first)
{
	for (unsigned i = 0; marks[i] != '\0'; i++)
		hand_over_one(0, marks[i], first + i * SER);
}

static void
test_late_frames_are_overtaken(void **state)
{
	const struct sc_impair node = { .kind = SC_IMPAIR_REORDER,
		.name = "late",
		.enabled = true,
		.reorder = { .every = 2, .delay = 2 * SER + SER / 2 } };

	make(RATE, 1 << 20, 0, 1);
	wire_impair_add(w, 0, &node);
	set_delay(SIM_MS);
	/* b and d are late by two and a half frames. */
	hand_over_marked("abcdef", SER);
	(void)engine_run(en, 6 * SER); /* all are out, none was taken */
	assert_arrives(SIM_SEC, "acbedf");
}

static void
test_the_interrupt_comes_for_who_overtakes(void **state)
{
	const struct sc_impair node = { .kind = SC_IMPAIR_REORDER,
		.name = "late",
		.enabled = true,
		.reorder = { .every = 1, .delay = SIM_MS } };

	make(RATE, 1 << 20, 0, 1);
	wire_impair_add(w, 0, &node);
	hand_over(0, 1, SER);
	(void)engine_run(en, SER);
	assert_int_equal(wire_impair_enable(w, "late", false), 0);
	hand_over(0, 1, 2 * SER);
	/* The first one is due a millisecond later; the second one now. */
	(void)engine_run(en, 2 * SER + 10 * SIM_US);
	assert_int_equal(n[1]->n_stats.rx_frames, 1);
	(void)engine_run(en, SIM_SEC);
	assert_int_equal(n[1]->n_stats.rx_frames, 2);
}

static void
test_a_shorter_delay_lets_nobody_overtake(void **state)
{
	make(RATE, 1 << 20, 0, 1);
	set_delay(SIM_MS);
	hand_over_marked("abc", SER);
	(void)engine_run(en, 2 * SER);
	set_delay(0);
	(void)engine_run(en, 3 * SER);
	assert_arrives(2 * SER + SIM_MS, "a");
	assert_arrives(2 * SER + SIM_MS + 1, "bc");
}

static void
test_ways_differ(void **state)
{
	struct wire_way ww;

	make(RATE, 1 << 20, 0, 1);
	ww = *wire_way(w, 1);
	ww.ww_delay = SIM_MS;
	ww.ww_loss_ppb = 1000000000;
	wire_set_way(w, 1, &ww);
	hand_over(0, 1, SER);
	hand_over(1, 1, SER);
	(void)engine_run(en, SIM_SEC);
	assert_int_equal(wire_stats(w, 0)->lost, 0);
	assert_int_equal(wire_stats(w, 1)->lost, 1);
	wire_set_loss(w, 0);
	hand_over(1, 1, SIM_SEC + SER);
	(void)engine_run(en, SIM_SEC + SER + SIM_MS - 1);
	assert_int_equal(n[0]->n_stats.rx_frames, 0);
	(void)engine_run(en, SIM_SEC + SER + SIM_MS);
	assert_int_equal(n[0]->n_stats.rx_frames, 1);
}

static void
test_faults_off_mends_it_all(void **state)
{
	const struct sc_impair node = { .kind = SC_IMPAIR_LOSS,
		.name = "more",
		.enabled = true,
		.loss = 1000000000 };

	make(RATE, 1 << 20, 1000000000, 1);
	wire_impair_add(w, 0, &node);
	wire_set_link(w, false);
	wire_suspend(w, true);
	wire_faults_off(w);
	hand_over(0, 5, SER);
	(void)engine_run(en, SIM_SEC);
	assert_int_equal(n[1]->n_stats.rx_frames, 5);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_wire_as_text),
		T(test_tap_sees_a_frame_when_its_last_bit_leaves),
		T(test_arrival_is_a_delay_after_egress),
		T(test_both_directions_are_seen_in_order_of_time),
		T(test_link_down_loses_what_is_still_in_the_card),
		T(test_loss_follows_the_seed),
		T(test_directions_do_not_share_their_chance),
		T(test_slower_link_queues_and_drops_behind_its_queue),
		T(test_a_suspended_link_is_a_black_hole_with_a_carrier),
		T(test_late_frames_are_overtaken),
		T(test_the_interrupt_comes_for_who_overtakes),
		T(test_a_shorter_delay_lets_nobody_overtake),
		T(test_ways_differ),
		T(test_faults_off_mends_it_all),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
