/*
 * The storybook and the picture's collector, fed with trace records by hand:
 * who a record is of, and what happens when there is no more room.
 */
#include "ktest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world_priv.h"

static struct sc_nic nics[] = { { .loc = { .name = "mce0" }, .model = "cx6dx" },
	{ .loc = { .name = "mce1" }, .model = "cx6dx" } };
static struct sc_lagg laggs[] = { { .loc = { .name = "lagg0" } } };
static const char *ports[] = { "mce0", "mce1" };
static struct sc_host hosts[] = { { .loc = { .name = "server" },
				      .nics = nics,
				      .nnics = 2,
				      .laggs = laggs,
				      .nlaggs = 1 },
	{ .loc = { .name = "client" } } };
static struct scenario sc = { .hosts = hosts, .nhosts = 2 };
static struct whost whosts[2];
static struct world w;

static int
setup(void **state)
{
	memset(&w, 0, sizeof(w));
	laggs[0].ports.v = ports;
	laggs[0].ports.n = 2;
	w.w_sc = &sc;
	w.w_hosts = whosts;
	story_init(&w);
	timeline_init(&w);
	return (0);
}

static int
teardown(void **state)
{
	timeline_fini(&w);
	story_fini(&w);
	return (0);
}

static simtime_t now;

static void
told(enum trace_id id, const char *who, const struct trace_arg *args,
    unsigned n)
{
	struct trace_rec rec = { .tr_when = now,
		.tr_id = id,
		.tr_who = who,
		.tr_args = args,
		.tr_nargs = n };

	story_trace(&w, &rec);
}
#define TELL(name, who, ...)                                             \
	do {                                                             \
		const struct trace_arg ta_[] = { __VA_ARGS__ };          \
		told(TP_##name, who, ta_, sizeof(ta_) / sizeof(ta_[0])); \
	} while (0)

static const struct story *
of(uint32_t conn)
{
	return (story_of(&w, &whosts[0], conn));
}

static void
test_a_tag_is_released_for_whom_it_was_taken(void **state)
{
	const struct story *s;

	TELL(tag_alloc, "server", TU(3), TS("mce0"), TU(5),
	    TS("queue, inside a TLS tag"));
	TELL(tag_alloc, "server", TU(3), TS("mce0"), TU(6), TS("port's"));
	TELL(tag_alloc, "server", TU(3), TS("lagg0"), TU(7), TS("TLS"));
	TELL(tag_alloc, "server", TU(4), TS("mce0"), TU(8), TS("port's"));
	/* Numbers are each host's own. */
	TELL(tag_free, "client", TS("mce0"), TU(6));
	assert_int_equal(of(3)->s_ifs[0].si_released, 0);
	TELL(tag_free, "server", TS("mce0"), TU(6));
	TELL(tag_free, "server", TS("mce0"), TU(5));
	TELL(tag_free, "server", TS("mce0"), TU(99)); /* nobody's */
	s = of(3);
	assert_int_equal(s->s_nifs, 2);
	assert_string_equal(s->s_ifs[0].si_name, "mce0");
	assert_int_equal(s->s_ifs[0].si_taken, 1);
	assert_int_equal(s->s_ifs[0].si_released, 1);
	assert_int_equal(s->s_ifs[0].si_inner_taken, 1);
	assert_int_equal(s->s_ifs[0].si_inner_released, 1);
	assert_string_equal(s->s_ifs[1].si_name, "lagg0");
	assert_int_equal(s->s_ifs[1].si_released, 0);
	assert_int_equal(of(4)->s_ifs[0].si_taken, 1);
	assert_int_equal(of(4)->s_ifs[0].si_released, 0);
	assert_null(of(5));
	assert_null(of(1000));
}

static void
test_refusals_without_an_interface_are_of_none(void **state)
{
	TELL(tag_refused, "server", TU(3), TS("-"), TI(6), TS("no route"));
	TELL(tag_refused, "server", TU(3), TS("mce0"), TI(12), TS("full"));
	assert_int_equal(of(3)->s_nifs, 1);
	assert_int_equal(of(3)->s_ifs[0].si_refused, 1);
}

static void
test_interfaces_beyond_the_eighth_are_counted(void **state)
{
	char name[8] = "nic?";

	for (int i = 0; i < STORY_IFS + 2; i++) {
		name[3] = (char)('a' + i); /* the text is only lent */
		TELL(nic_reread, "server", TS(name), TU(3), TU(100));
		TELL(nic_reread, "server", TS(name), TU(3), TU(11));
	}
	assert_int_equal(of(3)->s_nifs, STORY_IFS);
	assert_string_equal(of(3)->s_ifs[7].si_name, "nich");
	assert_int_equal(of(3)->s_ifs[7].si_reread, 111);
	assert_int_equal(of(3)->s_ifs_left, 4);
}

static void
test_drops_are_kept_by_reason(void **state)
{
	static const char *const why[] = { "a", "b", "c", "d", "e", "f", "g",
		"h", "i" };
	const struct story *s;

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 9; i++) {
			now = 100 * round + i;
			TELL(ip_drop, "server", TU(3), TU(1000), TI(35),
			    TS(why[i]), TU(0));
		}
	s = of(3);
	assert_int_equal(s->s_ndrops, STORY_DROPS);
	assert_int_equal(s->s_drops_left, 2); /* the ninth reason, twice */
	assert_int_equal(s->s_drops[7].sd_place, STORY_KERNEL);
	assert_string_equal(s->s_drops[7].sd_at, "IP");
	assert_string_equal(s->s_drops[7].sd_why, "h");
	assert_int_equal(s->s_drops[7].sd_error, 35);
	assert_int_equal(s->s_drops[7].sd_count, 2);
	assert_int_equal(s->s_drops[7].sd_bytes, 2000);
	assert_int_equal(s->s_drops[7].sd_first, 7);
	assert_int_equal(s->s_drops[7].sd_last, 107);
	assert_int_equal(s->s_drops_after_port, 0);
	/* Another errno is another reason; it finds no room. */
	TELL(ip_drop, "server", TU(3), TU(1000), TI(36), TS("h"), TU(0));
	assert_int_equal(of(3)->s_drops_left, 3);
	/* A lagg's drops are a port's doing; so are all after one fell. */
	TELL(lagg_drop, "server", TS("lagg0"), TU(4), TU(66), TI(35), TS("x"),
	    TU(0));
	assert_int_equal(of(4)->s_drops_after_port, 1);
	TELL(if_link, "server", TS("mce0"), TS("down"));
	TELL(ip_drop, "server", TU(3), TU(1000), TI(36), TS("h"), TU(0));
	assert_int_equal(of(3)->s_drops_after_port, 1);
	/* Nobody's packet (ARP) is in no story. */
	TELL(ip_drop, "server", TU(0), TU(42), TI(36), TS("h"), TU(0));
	assert_null(of(0));
}

static void
frame_is(uint64_t id, unsigned host, uint32_t conn)
{
	struct frame f = { .f_id = id, .f_note = { .pn_conn = conn } };

	story_frame(&w, host, &f);
}

static void
test_a_frame_that_is_lost_is_its_senders(void **state)
{
	const struct story *s;

	frame_is(7, 0, 3);
	frame_is(8, 1, 3); /* the other host's third connection */
	TELL(wire_drop, "", TS("cable"), TU(7), TU(1514), TS("loss"));
	TELL(wire_drop, "", TS("cable"), TU(9), TU(1514), TS("loss"));
	TELL(nic_drop, "client", TS("em0"), TU(0), TU(1514), TI(0),
	    TS("no link"), TU(7));
	TELL(lagg_drop, "server", TS("lagg0"), TU(0), TU(66), TI(0),
	    TS("not active"), TU(8));
	s = of(3);
	assert_int_equal(s->s_ndrops, 2);
	assert_int_equal(s->s_drops[0].sd_place, STORY_WIRE);
	assert_string_equal(s->s_drops[0].sd_at, "cable");
	assert_int_equal(s->s_drops[0].sd_count, 1);
	assert_int_equal(s->s_drops[1].sd_place, STORY_CARD);
	assert_string_equal(s->s_drops[1].sd_at, "client em0");
	s = story_of(&w, &whosts[1], 3);
	assert_int_equal(s->s_ndrops, 1);
	assert_int_equal(s->s_drops[0].sd_place, STORY_KERNEL);
	assert_string_equal(s->s_drops[0].sd_at, "server lagg0");
	/* The same place in the table, another frame. */
	frame_is(7 + 65536, 0, 4);
	TELL(wire_drop, "", TS("cable"), TU(7), TU(1514), TS("loss"));
	assert_int_equal(of(3)->s_drops[0].sd_count, 1);
	assert_null(of(4));
}

static void
test_modes_are_kept_in_order(void **state)
{
	const struct story *s;

	for (unsigned i = 0; i < STORY_MODES + 1; i++) {
		now = i;
		assert_int_equal(of(3) != NULL && of(3)->s_nmodes > 1, i > 1);
		TELL(tls_mode, "server", TU(3), TS(i == 1 ? "rx" : "tx"),
		    TS("sw"), TI(i == 2 ? 12 : 0), TS("asked for"));
	}
	s = of(3);
	assert_int_equal(s->s_nmodes, STORY_MODES);
	assert_int_equal(s->s_modes_left, 1);
	assert_true(s->s_modes[1].sm_rx);
	assert_int_equal(s->s_modes[2].sm_error, 12);
	assert_int_equal(s->s_modes[15].sm_when, 15);
	assert_string_equal(s->s_modes[15].sm_mode, "sw");
}

static void
test_resets_and_what_makes_a_picture_worth_it(void **state)
{
	assert_true(w.w_timeline.tl_worth); /* there is a lagg */
	w.w_timeline.tl_worth = false;
	TELL(tls_mode, "server", TU(3), TS("tx"), TS("sw"), TI(0), TS("x"));
	TELL(tls_mode, "server", TU(3), TS("rx"), TS("ifnet"), TI(0), TS("x"));
	assert_false(w.w_timeline.tl_worth);
	TELL(tls_mode, "server", TU(3), TS("tx"), TS("ifnet"), TI(0), TS("x"));
	assert_true(w.w_timeline.tl_worth);
	w.w_timeline.tl_worth = false;
	TELL(tag_reset, "server", TU(3), TI(0), TS("new tag"));
	TELL(tag_reset, "server", TU(3), TI(12), TS("refused"));
	assert_true(w.w_timeline.tl_worth);
	assert_int_equal(of(3)->s_resets, 2);
	assert_int_equal(of(3)->s_resets_failed, 1);
	assert_int_equal(w.w_timeline.tl_hosts[0].th_resets.s_n, 1);
	assert_int_equal(w.w_timeline.tl_hosts[0].th_failed.s_n, 1);
}

static void
mark_is(const struct tl_port *p, unsigned i, enum tl_what what, bool on,
    simtime_t when)
{
	assert_true(i < p->tp_nmarks);
	assert_int_equal(p->tp_marks[i].tm_what, what);
	assert_int_equal(p->tp_marks[i].tm_on, on);
	assert_int_equal(p->tp_marks[i].tm_when, when);
}

static void
test_a_failover_laggs_ports(void **state)
{
	const struct tl_port *p = w.w_timeline.tl_hosts[0].th_ports;

	assert_string_equal(p[0].tp_lagg, "lagg0");
	now = 10;
	TELL(if_link, "server", TS("mce0"), TS("up"));
	TELL(if_link, "server", TS("mce1"), TS("up"));
	TELL(lagg_active, "server", TS("lagg0"), TS("mce0"), TS("x"));
	now = 20;
	TELL(if_link, "server", TS("mce0"), TS("down"));
	TELL(if_link, "server", TS("mce0"), TS("down")); /* no news */
	TELL(lagg_active, "server", TS("lagg0"), TS("mce1"), TS("x"));
	assert_int_equal(p[0].tp_nmarks, 4);
	mark_is(&p[0], 0, TL_LINK, true, 10);
	mark_is(&p[0], 1, TL_SENDS, true, 10);
	mark_is(&p[0], 2, TL_LINK, false, 20);
	mark_is(&p[0], 3, TL_SENDS, false, 20);
	assert_int_equal(p[1].tp_nmarks, 2);
	mark_is(&p[1], 1, TL_SENDS, true, 20);
	for (unsigned i = 0; i < TL_MARKS; i++)
		TELL(if_link, "server", TS("mce0"), TS(i % 2 ? "down" : "up"));
	assert_int_equal(p[0].tp_nmarks, TL_MARKS);
	assert_true(p[0].tp_marks_left > 0);
}

static void
test_tags_alive_without_those_inside(void **state)
{
	const struct tl_port *p = w.w_timeline.tl_hosts[0].th_ports;

	now = SIM_MS;
	TELL(tag_alloc, "server", TU(3), TS("mce0"), TU(5),
	    TS("queue, inside a TLS tag"));
	TELL(tag_alloc, "server", TU(3), TS("mce0"), TU(6), TS("port's"));
	TELL(tag_alloc, "server", TU(4), TS("mce0"), TU(7), TS("port's"));
	now = 2 * SIM_MS;
	TELL(tag_free, "server", TS("mce0"), TU(5));
	TELL(tag_free, "server", TS("mce0"), TU(6));
	TELL(tag_free, "server", TS("mce0"), TU(99));
	assert_int_equal(p->tp_tags_most, 2);
	assert_int_equal(p->tp_alive, 1);
	assert_int_equal(series_level(&p->tp_tags, SIM_MS / 2), 0);
	assert_int_equal(series_level(&p->tp_tags, SIM_MS + SIM_US * 2), 2);
	assert_int_equal(series_level(&p->tp_tags, 3 * SIM_MS), 1);
	assert_int_equal(p[1].tp_tags_most, 0);
}

static void
test_steps_are_bounded(void **state)
{
	char name[16];

	for (unsigned i = 0; i < TL_STEPS + 3; i++) {
		(void)snprintf(name, sizeof(name), "wan%u", i);
		TELL(timeline, "", TS("link down"), TS(name));
	}
	assert_int_equal(w.w_timeline.tl_nsteps, TL_STEPS);
	assert_int_equal(w.w_timeline.tl_steps_left, 3);
	assert_string_equal(w.w_timeline.tl_steps[0].ts_text,
	    "link down: wan0");
}

static void
test_steps_that_repeat_stand_together(void **state)
{
	for (unsigned i = 0; i < 100; i++)
		TELL(timeline, "", TS("link down"), TS("wan"));
	TELL(timeline, "", TS("link up"), TS("wan"));
	assert_int_equal(w.w_timeline.tl_nsteps, TL_REPEATS + 1);
	assert_int_equal(w.w_timeline.tl_steps[0].ts_times, 100);
	assert_int_equal(w.w_timeline.tl_steps_left, 0);
}

static void
test_the_gap_is_the_longest_between_two_reads(void **state)
{
	static const simtime_t reads[] = { 5, 6, 9, 20, 22 };
	struct timebase tb = { 0 };
	struct conn c = { 0 };

	w.w_tb = &tb;
	for (unsigned i = 0; i < nitems(reads); i++) {
		tb.tb_now = reads[i];
		story_read(&w, &c, 1000);
	}
	assert_int_equal(c.c_gap.g_reads, 5);
	assert_int_equal(c.c_gap.g_first, 5);
	assert_int_equal(c.c_gap.g_last, 22);
	assert_int_equal(c.c_gap.g_longest, 11);
	assert_int_equal(c.c_gap.g_from, 9);
	assert_int_equal(w.w_timeline.tl_delivered_bytes, 5000);
	w.w_draining = true; /* what comes then is not told */
	tb.tb_now = 1000;
	story_read(&w, &c, 1000);
	assert_int_equal(c.c_gap.g_longest, 11);
	assert_int_equal(w.w_timeline.tl_delivered_bytes, 5000);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_tag_is_released_for_whom_it_was_taken),
		T(test_refusals_without_an_interface_are_of_none),
		T(test_interfaces_beyond_the_eighth_are_counted),
		T(test_drops_are_kept_by_reason),
		T(test_a_frame_that_is_lost_is_its_senders),
		T(test_modes_are_kept_in_order),
		T(test_resets_and_what_makes_a_picture_worth_it),
		T(test_a_failover_laggs_ports),
		T(test_tags_alive_without_those_inside),
		T(test_steps_are_bounded),
		T(test_steps_that_repeat_stand_together),
		T(test_the_gap_is_the_longest_between_two_reads),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
