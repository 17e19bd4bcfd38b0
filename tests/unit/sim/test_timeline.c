/* The picture of a run made by hand: where time is, and what is drawn. */
#include "ktest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "timeline_priv.h"

static struct conn_result conns[2];
static struct tl_port ports[2];
static struct tl_host host;
static struct timeline tl;
static struct result r;

static void
link_marks(struct tl_port *p, simtime_t down)
{
	p->tp_marks[0] = (struct tl_mark) { 0, TL_LINK, true };
	p->tp_marks[1] = (struct tl_mark) { 0, TL_SENDS, true };
	p->tp_nmarks = 2;
	if (down == 0)
		return;
	p->tp_marks[2] = (struct tl_mark) { down, TL_LINK, false };
	p->tp_marks[3] = (struct tl_mark) { down, TL_SENDS, false };
	p->tp_nmarks = 4;
}

/* 1 ms of traffic at 1 Gbit/s, 200 ms of nothing, 1 ms. */
static int
setup(void **state)
{
	simtime_t bin = series_width(&ports[0].tp_sent);

	memset(conns, 0, sizeof(conns));
	memset(ports, 0, sizeof(ports));
	ports[0].tp_name = "mce0";
	ports[1].tp_name = "mce1";
	ports[0].tp_model = ports[1].tp_model = "cx6dx";
	ports[0].tp_lagg = ports[1].tp_lagg = "lagg0";
	ports[0].tp_tags.s_level = ports[1].tp_tags.s_level = true;
	link_marks(&ports[0], SIM_MS);
	link_marks(&ports[1], 0);
	host = (struct tl_host) { .th_name = "server",
		.th_ports = ports,
		.th_nports = 2 };
	tl = (struct timeline) { .tl_worth = true,
		.tl_hosts = &host,
		.tl_nhosts = 1,
		.tl_nsteps = 1 };
	tl.tl_steps[0] = (struct tl_step) { SIM_MS, "link down: a < b & c", 1 };
	for (unsigned i = 0; i < 2; i++)
		for (simtime_t t = 0; t < SIM_MS; t += bin) {
			series_add(&ports[i].tp_sent, i * 201 * SIM_MS + t,
			    131);
			ports[i].tp_bytes += 131;
		}
	for (simtime_t t = 0; t < SIM_MS; t += bin)
		series_add(&tl.tl_delivered, t, 131);
	series_add(&tl.tl_delivered, 202 * SIM_MS, 1250);
	series_add(&ports[0].tp_tags, 10 * SIM_US, 1);
	series_add(&ports[0].tp_tags, 201 * SIM_MS, 0);
	series_add(&ports[1].tp_tags, 201 * SIM_MS, 1);
	ports[0].tp_tags_most = ports[1].tp_tags_most = 1;
	series_add(&host.th_resets, 201 * SIM_MS, 1);
	conns[0].c_name = "get#0";
	conns[0].c_end = 202 * SIM_MS;
	conns[0].c_gap =
	    (struct story_gap) { 101, 0, 202 * SIM_MS, 201 * SIM_MS, SIM_MS };
	conns[1] = conns[0];
	conns[1].c_name = "get#1";
	conns[1].c_gap.g_longest = SIM_MS;
	r = (struct result) { .r_name = "probe",
		.r_description = "\"by\" <hand> & eye",
		.r_end = 203 * SIM_MS,
		.r_conns = conns,
		.r_nconns = 2,
		.r_over_time = &tl };
	return (0);
}

static int
teardown(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		series_fini(&ports[i].tp_sent);
		series_fini(&ports[i].tp_tags);
	}
	series_fini(&host.th_resets);
	series_fini(&tl.tl_delivered);
	return (0);
}

static void
test_silence_is_cut_short(void **state)
{
	struct axis ax;
	const struct axis_span *s = ax.a_spans;

	axis_make(&ax, &r);
	assert_int_equal(ax.a_nspans, 3);
	assert_false(s[0].as_quiet);
	assert_true(s[1].as_quiet);
	assert_false(s[2].as_quiet);
	assert_int_equal(s[0].as_from, 0);
	assert_int_equal(s[1].as_width, PX(40));
	/* Some of it is left on both sides, so that ends are seen. */
	assert_true(s[1].as_from > SIM_MS && s[1].as_from < 2 * SIM_MS);
	assert_true(s[1].as_to < 201 * SIM_MS && s[1].as_to > 200 * SIM_MS);
	assert_true(s[2].as_to >= 202 * SIM_MS);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(s[i].as_to, s[i + 1].as_from);
		assert_int_equal(s[i].as_x + s[i].as_width, s[i + 1].as_x);
	}
	/* All of the plot is used, but for what division leaves. */
	assert_int_equal(s[0].as_x, PLOT_LEFT);
	assert_in_range(s[2].as_x + s[2].as_width, PLOT_RIGHT - 3, PLOT_RIGHT);
	/* Times are in order. */
	assert_int_equal(axis_x(&ax, 0), PLOT_LEFT);
	assert_int_equal(axis_x(&ax, s[1].as_from), s[1].as_x);
	for (simtime_t t = 0; t < 202 * SIM_MS; t += 100 * SIM_US)
		assert_true(axis_x(&ax, t) <= axis_x(&ax, t + 100 * SIM_US));
	assert_int_equal(axis_x(&ax, SIM_SEC), s[2].as_x + s[2].as_width);
}

static void
test_without_silence_nothing_is_cut(void **state)
{
	struct axis ax;

	for (simtime_t t = SIM_MS; t < 202 * SIM_MS; t += 5 * SIM_MS)
		series_add(&host.th_failed, t, 1);
	axis_make(&ax, &r);
	assert_int_equal(ax.a_nspans, 1);
	assert_int_equal(ax.a_spans[0].as_width, PLOT_WIDTH);
	series_fini(&host.th_failed);
}

static void
test_a_run_without_connections_has_an_axis(void **state)
{
	struct axis ax;

	r.r_nconns = 0;
	axis_make(&ax, &r);
	assert_int_equal(ax.a_begin, 0);
	assert_true(ax.a_end > r.r_end);
	r.r_end = 0;
	tl.tl_nsteps = 0;
	axis_make(&ax, &r);
	assert_true(ax.a_end > ax.a_begin && ax.a_nspans >= 1);
}

/* A gigabit a second all the time fills the lane from end to end. */
static void
test_the_height_is_the_rate(void **state)
{
	struct axis ax = { .a_end = SIM_MS,
		.a_nspans = 1,
		.a_spans = { { .as_to = SIM_MS,
		    .as_x = PX(100),
		    .as_width = PX(30) } } };
	struct series s = { 0 };
	struct lane_scale ls = { 0 };
	struct strbuf sb = { 0 };
	simtime_t bin = series_width(&s);

	/* 125 bytes a microsecond. */
	for (simtime_t t = 0; t < SIM_MS + bin; t += bin)
		series_add(&s, t, 131072);
	scale_add(&ls, &ax, &s);
	scale_round(&ls);
	assert_int_equal(ls.ls_rate_bps, 1000000000000);
	lane_area(&ax, &s, 2 * ls.ls_rate_bps, PX(10), PX(40), "sent", &sb);
	/* Half of the height; 3 pixels a column, all alike. */
	assert_string_equal(strbuf_str(&sb),
	    "<path class=\"sent\" d=\"M100 50H100V30H130V50Z\"/>\n");
	strbuf_clear(&sb);
	add_rate(&sb, ls.ls_rate_bps);
	assert_string_equal(strbuf_str(&sb), "1 Tbit/s");
	strbuf_fini(&sb);
	series_fini(&s);
}

static void
duration_is(simtime_t t, const char *want)
{
	struct strbuf sb = { 0 };

	add_duration(&sb, t);
	assert_string_equal(strbuf_str(&sb), want);
	strbuf_fini(&sb);
}

static void
test_durations_have_three_digits(void **state)
{
	duration_is(0, "0");
	duration_is(200 * SIM_MS, "200 ms");
	duration_is(530094 * SIM_US, "530 ms");
	duration_is(2676 * SIM_MS, "2.68 s");
	duration_is(1500 * SIM_US, "1.5 ms");
	duration_is(39749 * SIM_US, "39.7 ms");
	duration_is(999999 * SIM_US, "1 s");
	duration_is(196344 * SIM_NS, "196 \u00b5s");
	duration_is(7 * SIM_SEC, "7 s");
	duration_is(12345 * SIM_SEC, "12300 s");
}

static unsigned
count_of(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return (n);
}

static void
test_the_picture_has_what_it_must(void **state)
{
	static const char *const must[] = {
		"<title id=\"title\">probe: &quot;by&quot; &lt;hand&gt; &amp; eye</title>",
		"Host server: mce0 sent 124974 bytes with up to 1 send tags, "
		"mce1 sent 124974 bytes with up to 1 send tags; 1 tags were "
		"reset. ",
		"the longest gap was 201 ms, of get#0.",
		" At 1 ms link down: a &lt; b &amp; c.</desc>",
		">link down: a &lt; b &amp; c</text>",
		">longest gap 201 ms, get#0</text>", ">server</text>",
		">mce0</text>", ">mce1</text>", ">cx6dx</text>",
		">lagg0</text>", ">1 Gbit/s</text>", ">\u2264 1 tag</text>",
		">1 reset</text>", " of silence</text>", ">receivers</text>",
		"@media (prefers-color-scheme:dark)"
	};
	struct strbuf one = { 0 }, two = { 0 };
	const char *text;

	report_timeline(&r, &one);
	report_timeline(&r, &two);
	text = strbuf_str(&one);
	assert_string_equal(text, strbuf_str(&two));
	for (size_t i = 0; i < nitems(must); i++)
		if (strstr(text, must[i]) == NULL)
			fail_msg("no \"%s\" in:\n%s", must[i], text);
	/* One area for each port, in two parts, and the receivers'. */
	assert_int_equal(count_of(text, "<path class=\"sent\""), 2);
	assert_int_equal(count_of(text, "<path class=\"tags\""), 2);
	assert_int_equal(count_of(text, "<path class=\"got\""), 1);
	assert_int_equal(count_of(text, "<line class=\"reset\""), 1);
	/* The port without link, and the key's. */
	assert_int_equal(count_of(text, "<rect class=\"down\""), 2);
	assert_int_equal(count_of(text, "class=\"paused\""), 0);
	strbuf_fini(&one);
	strbuf_fini(&two);
}

static void
test_a_lagg_that_is_held_back_is_hatched(void **state)
{
	struct strbuf sb = { 0 };

	ports[1].tp_marks[2] = (struct tl_mark) { SIM_MS / 2, TL_PAUSED, true };
	ports[1].tp_marks[3] = (struct tl_mark) { SIM_MS, TL_PAUSED, false };
	ports[1].tp_nmarks = 4;
	report_timeline(&r, &sb);
	/* Once on the lane, once in the key. */
	assert_int_equal(count_of(strbuf_str(&sb), "<rect class=\"paused\""),
	    2);
	assert_non_null(
	    strstr(strbuf_str(&sb), ">LACP holds the lagg back</text>"));
	strbuf_fini(&sb);
}

/* Labels of steps close together stand in rows; beyond the last they are
 * left out, their lines are not. */
static void
test_many_steps(void **state)
{
	struct strbuf sb = { 0 };

	tl.tl_nsteps = 12;
	for (unsigned i = 0; i < 12; i++)
		tl.tl_steps[i] = (struct tl_step) { SIM_MS + i * SIM_US,
			"link down: all", 1 };
	tl.tl_steps_left = 5;
	report_timeline(&r, &sb);
	assert_int_equal(count_of(strbuf_str(&sb), ">link down: all<"), 8);
	assert_int_equal(count_of(strbuf_str(&sb), "<line class=\"step\""), 12);
	assert_non_null(
	    strstr(strbuf_str(&sb), " 5 more steps are not drawn."));
	strbuf_fini(&sb);
}

/* Twelve times the same: the first says how often. */
static void
test_a_step_that_repeats(void **state)
{
	struct strbuf sb = { 0 };

	tl.tl_nsteps = TL_REPEATS;
	for (unsigned i = 0; i < TL_REPEATS; i++)
		tl.tl_steps[i] = (struct tl_step) { SIM_MS + i * SIM_US,
			"link down: all", i == 0 ? 12 : 1 };
	report_timeline(&r, &sb);
	assert_int_equal(count_of(strbuf_str(&sb), "<line class=\"step\""), 1);
	assert_non_null(strstr(strbuf_str(&sb), ">link down: all, 12 times<"));
	assert_non_null(strstr(strbuf_str(&sb), "all, 12 times in all."));
	strbuf_fini(&sb);
}

/* What is not known of a port is not drawn: its link went down at 1 ms, and
 * what came after was left out. */
static void
test_marks_that_found_no_room(void **state)
{
	struct strbuf sb = { 0 };

	report_timeline(&r, &sb);
	assert_int_equal(count_of(strbuf_str(&sb), "<rect class=\"down\""), 2);
	strbuf_fini(&sb);
	ports[0].tp_marks_left = 7;
	report_timeline(&r, &sb);
	/* Only the key's. */
	assert_int_equal(count_of(strbuf_str(&sb), "<rect class=\"down\""), 1);
	assert_non_null(strstr(strbuf_str(&sb),
	    "; mce0 changed 7 more times than are drawn, after 1 ms"));
	strbuf_fini(&sb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_silence_is_cut_short),
		T(test_without_silence_nothing_is_cut),
		T(test_a_run_without_connections_has_an_axis),
		T(test_the_height_is_the_rate),
		T(test_durations_have_three_digits),
		T(test_the_picture_has_what_it_must),
		T(test_a_lagg_that_is_held_back_is_hatched),
		T(test_many_steps),
		T(test_a_step_that_repeats),
		T(test_marks_that_found_no_room),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
