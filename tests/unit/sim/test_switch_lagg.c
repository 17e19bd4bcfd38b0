/*
 * A switch's laggs: ports 1 and 2 are one, 3 and 4 are not. With LACP a second
 * engine is at the far ends of 1 and 2.
 */
#include "ktest.h"

#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ieee8023ad_lacp.h>
#include <ktsim/sim/engine.h>
#include <ktsim/sim/switch.h>

#define PORTS 4
#define RATE  1000000000ULL

struct station {
	struct wire_port port;
	struct wire_end *end;
	struct sim_event ev;
	struct lacp_port *lacp;
	unsigned got, slow, markers;
	bool mute; /* of LACP */
};

static struct engine *en;
static struct framepool pool;
static struct lanswitch *sw;
static struct wire *w[PORTS];
static struct station st[PORTS];
static struct lacp_softc *host;
static unsigned numbered, recorded_at_switch;
static uint64_t id;

static void
arrival(void *arg)
{
	struct station *s = arg;
	struct frameq q = STAILQ_HEAD_INITIALIZER(q);
	simtime_t next, now = timebase_now(engine_timebase(en));
	struct frame *f;

	next = wire_pull(s->end, now + 1, &q);
	if (next != SIM_NEVER)
		timebase_post(engine_timebase(en), &s->ev, next);
	while ((f = STAILQ_FIRST(&q)) != NULL) {
		STAILQ_REMOVE_HEAD(&q, f_link);
		if (lacp_is_slow(f->f_hdr, f->f_hdrlen)) {
			s->slow++;
			s->markers += f->f_hdr[14] == 2;
			if (s->lacp != NULL)
				(void)lacp_input(s->lacp, f->f_hdr,
				    frame_len(f));
		} else
			s->got++;
		frame_rele(f);
	}
}

static void
expect(void *arg, simtime_t when)
{
	struct station *s = arg;

	if (!sim_event_pending(&s->ev) || s->ev.ev_when > when)
		timebase_post(engine_timebase(en), &s->ev, when);
}

static void
link_changed(void *arg, bool up)
{
	struct station *s = arg;

	if (s->lacp != NULL)
		lacp_port_link(s->lacp, up, true, RATE);
}

static const struct wire_port_ops station_ops = { .expect = expect,
	.link = link_changed };

static void
send_bytes(struct station *s, const uint8_t *bytes, uint32_t len)
{
	struct frame *f = frame_alloc(&pool);

	frame_fill(f, NULL, 0, bytes, len);
	f->f_when = timebase_now(engine_timebase(en));
	wire_send(s->end, f);
}

static int
host_sends(void *owner, const uint8_t *bytes)
{
	struct station *s = owner;

	if (!s->mute)
		send_bytes(s, bytes, LACP_FRAME_LEN);
	return (0);
}

static void
host_changed(void *arg, const char *reason)
{
}

static const struct lacp_ops host_ops = { .lo_transmit = host_sends,
	.lo_changed = host_changed };

/* As the world's: what has its number was recorded. */
static void
tap(void *arg, const struct wire_port *from, struct frame *f,
    const struct wire_fate *fate)
{
	if (f->f_id != 0) {
		numbered++;
		return;
	}
	f->f_id = ++id;
	recorded_at_switch += strncmp(from->pt_name, "lan.", 4) == 0;
}

static void
plug(unsigned i)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	struct wire_params wp = { .wp_tb = engine_timebase(en),
		.wp_name = names[i],
		.wp_rate_bps = RATE,
		.wp_delay = SIM_US,
		.wp_queue = 1 << 20,
		.wp_seed = 1,
		.wp_tap = tap };

	w[i] = wire_create(&wp);
	st[i].port = (struct wire_port) { .pt_name = names[i],
		.pt_rate_bps = RATE,
		.pt_ops = &station_ops,
		.pt_arg = &st[i] };
	sim_event_init(&st[i].ev, EV_WIRE, "station", arrival, &st[i]);
	wire_attach(w[i], 0, &st[i].port);
	wire_attach(w[i], 1, switch_port(sw, i));
	switch_connect(sw, i, wire_end(w[i], 1), RATE);
	st[i].end = wire_end(w[i], 0);
	wire_set_link(w[i], true);
}

static void
make_host(void)
{
	static const struct tracer silent;
	struct lacp_params p = { .lpa_tb = engine_timebase(en),
		.lpa_tracer = &silent,
		.lpa_ops = &host_ops,
		.lpa_name = "lagg0",
		.lpa_strict = true };
	struct lacp_port_params pp = { .lpp_name = "mce",
		.lpp_sysmac = { 2, 0, 0, 0, 0, 1 } };

	host = lacp_create(&p);
	for (unsigned i = 0; i < 2; i++) {
		pp.lpp_owner = &st[i];
		pp.lpp_portno = (uint16_t)(i + 1);
		pp.lpp_lladdr[0] = 2;
		pp.lpp_lladdr[5] = (uint8_t)(i + 1);
		st[i].lacp = lacp_port_create(host, &pp);
	}
	lacp_start(host);
}

static void
make(bool lacp)
{
	static const char *const ports[] = { "1", "2", "3", "4" };
	struct switch_lagg lagg = { .sl_name = "po1",
		.sl_lacp = lacp,
		.sl_ports = { 0, 1 },
		.sl_nports = 2 };
	struct switch_params sp;

	en = engine_create();
	framepool_init(&pool);
	memset(st, 0, sizeof(st));
	numbered = recorded_at_switch = 0;
	id = 0;
	sp = (struct switch_params) { .sp_tb = engine_timebase(en),
		.sp_name = "lan",
		.sp_ports = ports,
		.sp_nports = PORTS,
		.sp_latency = SIM_US,
		.sp_queue = 1 << 20,
		.sp_laggs = &lagg,
		.sp_nlaggs = 1,
		.sp_pool = &pool };
	sw = switch_create(&sp);
	if (lacp)
		make_host();
	for (unsigned i = 0; i < PORTS; i++)
		plug(i);
}

static int
setup_static(void **state)
{
	make(false);
	return (0);
}

static int
setup_lacp(void **state)
{
	make(true);
	return (0);
}

static int
teardown(void **state)
{
	struct strbuf sb = { 0 };

	lacp_destroy(host);
	host = NULL;
	for (unsigned i = 0; i < PORTS; i++)
		wire_destroy(w[i]);
	switch_destroy(sw);
	assert_int_equal(framepool_leaks(&pool, &sb), 0);
	framepool_fini(&pool);
	engine_destroy(en);
	return (0);
}

static void
run(simtime_t delta)
{
	(void)engine_run(en, timebase_now(engine_timebase(en)) + delta);
}

/* A TCP segment from station `as`, at wire `from`, to station `to`; 99: to
 * everybody. Its port makes the flow. */
static void
packet(unsigned from, unsigned as, unsigned to, uint16_t sport)
{
	uint8_t p[60] = { 0 };

	if (to == 99)
		memset(p, 0xff, 6);
	else {
		p[0] = 2;
		p[5] = (uint8_t)to;
	}
	p[6] = 2;
	p[11] = (uint8_t)as;
	be16enc(p + 12, 0x0800);
	p[14] = 0x45;
	be16enc(p + 16, 40);
	p[23] = 6;
	p[26] = p[30] = 10;
	p[29] = (uint8_t)as;
	p[33] = (uint8_t)to;
	be16enc(p + 34, to > as ? sport : 443);
	be16enc(p + 36, to > as ? 443 : sport);
	p[46] = 0x50;
	send_bytes(&st[from], p, sizeof(p));
	run(SIM_MS);
}

static void
forget_counts(void)
{
	for (unsigned i = 0; i < PORTS; i++)
		st[i].got = st[i].slow = st[i].markers = 0;
}

/* --- static --- */

static void
test_addresses_are_learnt_of_the_lagg(void **state)
{
	packet(2, 3, 99, 1); /* 3 and 4 are known */
	packet(3, 4, 99, 1);
	packet(0, 1, 99, 1);
	forget_counts();
	packet(1, 1, 3, 2); /* the same station by the other port */
	assert_int_equal(st[2].got, 1);
	for (uint16_t i = 0; i < 32; i++)
		packet(2, 3, 1, i);
	assert_int_equal(st[0].got + st[1].got, 32);
	assert_in_range(st[0].got, 6, 26); /* flows are spread */
	assert_int_equal(st[3].got, 0);
	/* From one of its ports to the other: it is there already. */
	forget_counts();
	packet(0, 9, 1, 1);
	assert_int_equal(st[0].got + st[1].got, 0);
	assert_int_equal(switch_stats(sw, 0)->filtered, 1);
}

static void
test_a_flood_reaches_one_port_of_the_lagg(void **state)
{
	packet(2, 3, 99, 1);
	assert_int_equal(st[0].got + st[1].got, 1);
	assert_int_equal(st[3].got, 1);
	forget_counts();
	packet(1, 1, 99, 1);
	assert_int_equal(st[0].got + st[1].got, 0);
	assert_int_equal(st[2].got, 1);
	assert_int_equal(st[3].got, 1);
}

/* A flow has one port of a lagg, both ways the same. */
static void
test_the_hash_is_symmetric(void **state)
{
	unsigned there;

	packet(2, 3, 99, 1);
	packet(0, 1, 99, 1);
	for (uint16_t i = 0; i < 8; i++) {
		forget_counts();
		packet(2, 3, 1, i); /* 3 to 1: from port 443 */
		there = st[1].got;
		packet(2, 3, 1, i);
		assert_int_equal(st[1].got, 2 * there);
		/* The same flow as 1 has it, heard of 3's side. */
		packet(0, 3, 99, 1); /* 3 is behind the lagg now */
		forget_counts();
		packet(2, 1, 3, i);
		assert_int_equal(st[1].got, there);
		packet(2, 3, 99, 1);
		packet(0, 1, 99, 1);
	}
}

static void
test_a_lagg_lives_as_long_as_one_port(void **state)
{
	packet(0, 1, 99, 1);
	wire_set_link(w[0], false);
	forget_counts();
	for (uint16_t i = 0; i < 8; i++)
		packet(2, 3, 1, i);
	assert_int_equal(st[1].got, 8); /* still known */
	assert_int_equal(st[3].got, 0);
	wire_set_link(w[1], false);
	forget_counts();
	packet(2, 3, 1, 1);
	assert_int_equal(st[0].got + st[1].got, 0);
	assert_int_equal(st[3].got, 1); /* forgotten: flooded */
}

static void
test_what_is_meant_for_bridges_stays(void **state)
{
	static const uint8_t last[] = { 0, 2, 15, 16 };
	uint8_t p[60] = { 0x01, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0x88,
		0x09, 1 };

	for (unsigned i = 0; i < nitems(last); i++) {
		forget_counts();
		p[5] = last[i];
		send_bytes(&st[2], p, sizeof(p));
		run(SIM_MS);
		assert_int_equal(st[3].got + st[3].slow, last[i] == 16);
	}
	assert_int_equal(switch_stats(sw, 2)->filtered, 3);
}

/* --- LACP --- */

static void
test_a_host_and_the_switch_come_together(void **state)
{
	packet(0, 1, 99, 1); /* not yet: it is not heard */
	assert_int_equal(st[2].got, 0);
	packet(2, 3, 99, 1);
	assert_int_equal(st[0].got + st[1].got, 0);
	assert_int_equal(st[3].got, 1);
	run(10 * SIM_SEC);
	assert_int_equal(lacp_active_count(host), 2);
	forget_counts();
	packet(0, 1, 99, 1);
	packet(1, 1, 99, 1);
	assert_int_equal(st[2].got, 2);
	for (uint16_t i = 0; i < 32; i++)
		packet(2, 3, 1, i);
	assert_int_equal(st[0].got + st[1].got, 32);
	assert_in_range(st[0].got, 6, 26);
	/* Nobody else hears a word of it. */
	assert_int_equal(st[2].slow + st[3].slow, 0);
}

static void
test_a_port_whose_link_goes_is_left_at_once(void **state)
{
	run(10 * SIM_SEC);
	packet(0, 1, 99, 1);
	wire_set_link(w[0], false);
	run(SIM_MS); /* the other one has answered its marker */
	forget_counts();
	for (uint16_t i = 0; i < 8; i++)
		packet(2, 3, 1, i);
	assert_int_equal(st[1].got, 8);
	wire_set_link(w[1], false);
	run(2 * SIM_SEC);
	forget_counts();
	packet(2, 3, 1, 1);
	assert_int_equal(st[3].got, 1); /* forgotten: flooded */
	wire_set_link(w[0], true);
	wire_set_link(w[1], true);
	run(10 * SIM_SEC);
	assert_int_equal(lacp_active_count(host), 2);
}

static void
test_in_the_pause_nothing_is_sent_by_the_lagg(void **state)
{
	run(10 * SIM_SEC);
	packet(0, 1, 99, 1);
	st[1].mute = true; /* the marker is not answered */
	wire_set_link(w[0], false);
	forget_counts();
	packet(2, 3, 1, 1);
	run(SIM_SEC - 2 * SIM_MS);
	assert_int_equal(st[1].got, 0);
	assert_int_equal(st[1].markers, 1);
	run(SIM_MS);
	packet(2, 3, 1, 1);
	assert_int_equal(st[1].got, 1);
}

static void
test_a_host_without_lacp_gets_no_port(void **state)
{
	st[0].mute = st[1].mute = true;
	run(10 * SIM_SEC);
	forget_counts();
	packet(0, 1, 99, 1);
	packet(2, 3, 99, 1);
	assert_int_equal(st[0].got + st[1].got + st[2].got, 0);
	assert_int_equal(st[3].got, 1);
}

static void
test_its_own_frames_are_recorded_where_they_begin(void **state)
{
	assert_true(switch_port_speaks(sw, 0));
	assert_false(switch_port_speaks(sw, 2));
	run(10 * SIM_SEC);
	assert_int_equal(recorded_at_switch, st[0].slow + st[1].slow);
	assert_true(recorded_at_switch > 8);
	assert_int_equal(numbered, 0);
	packet(0, 1, 99, 1); /* goes on by 3 and 4, with its number */
	assert_int_equal(numbered, 2);
}

static void
test_a_lagg_as_text(void **state)
{
	struct strbuf sb = { 0 };

	run(10 * SIM_SEC);
	packet(1, 1, 99, 1);
	switch_dump(sw, &sb, 0);
	assert_non_null(strstr(strbuf_str(&sb),
	    "  lagg lan.po1 lacp, distributing ports 2\n"
	    "    port lan.1\n"
	    "      lacp <ACTIVE,COLLECTING,DISTRIBUTING> rx CURRENT periodic "
	    "SLOW mux DISTRIBUTING\n"));
	assert_non_null(
	    strstr(strbuf_str(&sb), "  02:00:00:00:00:01 at lan.po1\n"));
	strbuf_fini(&sb);
}

#define S(t) cmocka_unit_test_setup_teardown(t, setup_static, teardown)
#define L(t) cmocka_unit_test_setup_teardown(t, setup_lacp, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		S(test_addresses_are_learnt_of_the_lagg),
		S(test_a_flood_reaches_one_port_of_the_lagg),
		S(test_the_hash_is_symmetric),
		S(test_a_lagg_lives_as_long_as_one_port),
		S(test_what_is_meant_for_bridges_stays),
		L(test_a_host_and_the_switch_come_together),
		L(test_a_port_whose_link_goes_is_left_at_once),
		L(test_in_the_pause_nothing_is_sent_by_the_lagg),
		L(test_a_host_without_lacp_gets_no_port),
		L(test_its_own_frames_are_recorded_where_they_begin),
		L(test_a_lagg_as_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
