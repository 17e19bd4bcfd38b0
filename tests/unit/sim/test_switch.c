/*
 * A switch between hand-made ports: who gets which frame, when, and what is
 * lost. The ports at the far ends only count.
 */
#include "ktest.h"

#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/engine.h>
#include <ktsim/sim/switch.h>

#define PORTS 4
#define RATE  1000000000ULL /* 8000 ps per byte */
#define DELAY (10 * SIM_US)
#define LAT   SIM_US
#define LEN   1000
#define SER   ((LEN + 24) * 8000ULL)

static struct engine *en;
static struct framepool pool;
static struct lanswitch *sw;
static struct wire *w[PORTS]; /* end 0: a station, end 1: the switch */
static struct wire_port station[PORTS];
static struct wire_end *far_end[PORTS];

static struct {
	unsigned n;
	simtime_t last; /* arrival */
	uint8_t payload;
} got[PORTS];
static unsigned recorded, not_recorded;
static uint8_t source_bits = 2; /* of the source address: local, no group */

static void
station_expect(void *arg, simtime_t when)
{
}

static void
station_link(void *arg, bool up)
{
}

static const struct wire_port_ops station_ops = { .expect = station_expect,
	.link = station_link };

static void
tap(void *arg, const struct wire_port *from, struct frame *f,
    const struct wire_fate *fate)
{
	if (from->pt_capif == WIRE_NOT_RECORDED)
		not_recorded++;
	else
		recorded++;
}

static void
plug(unsigned i)
{
	struct wire_params wp = { .wp_tb = engine_timebase(en),
		.wp_rate_bps = RATE,
		.wp_delay = DELAY,
		.wp_queue = 1 << 20,
		.wp_seed = 1,
		.wp_tap = tap };
	static const char *const names[] = { "a", "b", "c", "d" };

	wp.wp_name = names[i];
	w[i] = wire_create(&wp);
	station[i] = (struct wire_port) { .pt_name = names[i],
		.pt_rate_bps = RATE,
		.pt_ops = &station_ops };
	wire_attach(w[i], 0, &station[i]);
	wire_attach(w[i], 1, switch_port(sw, i));
	switch_connect(sw, i, wire_end(w[i], 1), RATE);
	far_end[i] = wire_end(w[i], 0);
	wire_set_link(w[i], true);
}

static int
setup(void **state)
{
	static const char *const ports[] = { "1", "2", "3", "4" };
	struct switch_params sp;

	en = engine_create();
	framepool_init(&pool);
	sp = (struct switch_params) { .sp_tb = engine_timebase(en),
		.sp_name = "lan",
		.sp_ports = ports,
		.sp_nports = PORTS,
		.sp_latency = LAT,
		.sp_queue = 3 * (LEN + 24) };
	sw = switch_create(&sp);
	memset(got, 0, sizeof(got));
	recorded = not_recorded = 0;
	for (unsigned i = 0; i < PORTS; i++)
		plug(i);
	return (0);
}

static int
teardown(void **state)
{
	struct strbuf sb = { 0 };

	for (unsigned i = 0; i < PORTS; i++)
		wire_destroy(w[i]);
	switch_destroy(sw);
	assert_int_equal(framepool_leaks(&pool, &sb), 0);
	framepool_fini(&pool);
	engine_destroy(en);
	return (0);
}

/* Port `from` sends, as station `as`, to station `to`; PORTS: to everybody. */
static void
send_as(unsigned from, unsigned as, unsigned to, simtime_t when)
{
	struct frame *f = frame_alloc(&pool);

	memset(f->f_hdr, 0, 14);
	if (to == PORTS)
		memset(f->f_hdr, 0xff, 6);
	else {
		f->f_hdr[0] = 2;
		f->f_hdr[5] = (uint8_t)(to + 1);
	}
	f->f_hdr[6] = source_bits;
	f->f_hdr[11] = (uint8_t)(as + 1);
	f->f_hdr[12] = 0x88;
	f->f_hdr[13] = 0xb5;
	f->f_hdrlen = 14;
	f->f_buf = framebuf_alloc(&pool);
	f->f_payload = f->f_buf->fb_data;
	f->f_paylen = LEN - 14;
	memset(f->f_buf->fb_data, (int)(0x10 + from), f->f_paylen);
	f->f_when = when;
	wire_send(far_end[from], f);
}

static void
send_at(unsigned from, unsigned to, simtime_t when)
{
	send_as(from, from, to, when);
}

/* Let it all happen, and look who got what since. */
static void
run(void)
{
	struct frameq q = STAILQ_HEAD_INITIALIZER(q);
	struct frame *f;

	(void)engine_run(en, 100 * SIM_SEC);
	memset(got, 0, sizeof(got));
	for (unsigned i = 0; i < PORTS; i++) {
		(void)wire_pull(far_end[i], SIM_NEVER, &q);
		while ((f = STAILQ_FIRST(&q)) != NULL) {
			STAILQ_REMOVE_HEAD(&q, f_link);
			got[i].n++;
			got[i].last = f->f_when;
			got[i].payload = f->f_payload[0];
			frame_rele(f);
		}
	}
}

static void
assert_got(unsigned a, unsigned b, unsigned c, unsigned d)
{
	assert_int_equal(got[0].n, a);
	assert_int_equal(got[1].n, b);
	assert_int_equal(got[2].n, c);
	assert_int_equal(got[3].n, d);
}

static void
test_unknown_goes_everywhere_but_back(void **state)
{
	send_at(0, 1, SER);
	run();
	assert_got(0, 1, 1, 1);
	assert_int_equal(got[1].payload, 0x10);
	assert_int_equal(switch_stats(sw, 0)->flooded, 1);
}

static void
test_it_learns_from_what_is_sent(void **state)
{
	send_at(0, 1, SER);
	run();
	send_at(1, 0, SIM_SEC + SIM_MS);
	run();
	assert_got(1, 0, 0, 0);
	send_at(0, 1, 3 * SIM_SEC);
	run();
	assert_got(0, 1, 0, 0);
}

static void
test_broadcast_is_never_learnt(void **state)
{
	for (unsigned i = 0; i < PORTS; i++)
		send_at(i, PORTS, (i + 1) * SIM_MS);
	run();
	assert_got(3, 3, 3, 3);
}

static void
test_store_and_forward_takes_its_time(void **state)
{
	send_at(0, 1, SER);
	run();
	/* Out of the station at SER; a cable; latency; once more on a line;
	 * a cable. */
	assert_int_equal(got[1].last, SER + DELAY + LAT + SER + DELAY);
}

static void
test_a_frame_is_recorded_where_it_begins(void **state)
{
	send_at(0, 1, SER);
	run();
	assert_int_equal(recorded, 1);
	assert_int_equal(not_recorded, 3);
}

/* Two stations at full rate to a third: one frame in two does not fit. */
static void
test_a_port_that_is_too_slow_drops(void **state)
{
	send_at(2, PORTS, SER); /* so that it is known */
	run();
	for (unsigned i = 0; i < 20; i++)
		for (unsigned from = 0; from < 2; from++)
			send_at(from, 2, SIM_SEC + SIM_MS + i * SER);
	run();
	assert_int_equal(got[2].n + switch_stats(sw, 2)->queue_drops, 40);
	assert_in_range(switch_stats(sw, 2)->queue_drops, 15, 19);
	assert_int_equal(switch_stats(sw, 2)->in, 1);
}

static void
test_a_station_that_moves_is_found_again(void **state)
{
	send_at(1, PORTS, SER);
	run();
	send_at(0, 1, SIM_SEC + SIM_MS);
	run();
	assert_got(0, 1, 0, 0);
	send_as(3, 1, PORTS, 3 * SIM_SEC); /* now it is behind port 4 */
	run();
	send_at(0, 1, 5 * SIM_SEC);
	run();
	assert_got(0, 0, 0, 1);
	wire_set_link(w[3], false); /* forgets what was there */
	send_at(0, 1, 7 * SIM_SEC);
	run();
	assert_got(0, 1, 1, 0);
}

static void
test_what_is_behind_the_same_port_stays_there(void **state)
{
	send_at(0, PORTS, SER);
	run();
	/* Station 1's address was heard on port 1, and asks from there. */
	send_at(0, 0, SIM_SEC + SIM_MS);
	run();
	assert_got(0, 0, 0, 0);
	assert_int_equal(switch_stats(sw, 0)->filtered, 1);
}

static void
test_a_switch_as_text(void **state)
{
	struct strbuf sb = { 0 };

	send_at(0, 1, SER);
	source_bits = 3; /* no station has a group's address: not learnt */
	send_at(0, 1, SIM_MS);
	source_bits = 2;
	run();
	switch_dump(sw, &sb, 0);
	assert_string_equal(strbuf_str(&sb),
	    "switch lan\n"
	    "  port lan.1 link up: in 2 out 0 flooded 2 filtered 0 queue full 0\n"
	    "  port lan.2 link up: in 0 out 2 flooded 0 filtered 0 queue full 0\n"
	    "  port lan.3 link up: in 0 out 2 flooded 0 filtered 0 queue full 0\n"
	    "  port lan.4 link up: in 0 out 2 flooded 0 filtered 0 queue full 0\n"
	    "  02:00:00:00:00:01 at lan.1\n");
	strbuf_fini(&sb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_unknown_goes_everywhere_but_back),
		T(test_it_learns_from_what_is_sent),
		T(test_broadcast_is_never_learnt),
		T(test_store_and_forward_takes_its_time),
		T(test_a_frame_is_recorded_where_it_begins),
		T(test_a_port_that_is_too_slow_drops),
		T(test_a_station_that_moves_is_found_again),
		T(test_what_is_behind_the_same_port_stays_there),
		T(test_a_switch_as_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
