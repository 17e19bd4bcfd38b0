/* report.html of results made by hand: scales and curves, marks in bounded
 * memory, letters that must be written otherwise, evidence, emptiness. */
#include "ktest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "html_priv.h"

#define BIN ((simtime_t)1 << SERIES_SHIFT)

static bool
has(const struct strbuf *sb, const char *text)
{
	return (strstr(strbuf_str(sb), text) != NULL);
}

/* --- marks --- */

static void
test_marks_join_in_a_bin(void **state)
{
	struct marks m = { 0 };

	marks_add(&m, 5, 100, 200, 7);
	marks_add(&m, BIN - 1, 50, 60, 8);
	marks_add(&m, 3 * BIN, 300, 400, 9);
	assert_int_equal(m.m_n, 2);
	assert_int_equal(m.m_count, 3);
	assert_int_equal(m.m_marks[0].mk_lo, 50);
	assert_int_equal(m.m_marks[0].mk_hi, 200);
	assert_int_equal(m.m_marks[0].mk_frame, 7);
	assert_int_equal(m.m_marks[0].mk_count, 2);
	assert_int_equal(marks_when(&m, 1), 3 * BIN);
	marks_fini(&m);
	assert_int_equal(m.m_n, 0);
}

static void
test_marks_are_bounded(void **state)
{
	struct marks m = { 0 };
	uint64_t sum = 0;

	for (uint64_t i = 0; i < 100000; i++)
		marks_add(&m, i * BIN, i, i + 1, i + 1);
	assert_true(m.m_n <= CHART_MARKS && m.m_n > CHART_MARKS / 4);
	assert_int_equal(m.m_count, 100000);
	for (unsigned i = 0; i < m.m_n; i++) {
		sum += m.m_marks[i].mk_count;
		assert_true(m.m_marks[i].mk_hi - m.m_marks[i].mk_lo ==
		    m.m_marks[i].mk_count);
		assert_int_equal(m.m_marks[i].mk_frame, m.m_marks[i].mk_lo + 1);
	}
	assert_int_equal(sum, 100000);
	marks_fini(&m);
}

static void
test_series_have_their_own_bound(void **state)
{
	struct series s = { .s_most = 16 };

	for (uint64_t i = 0; i < 1000; i++)
		series_add(&s, i * BIN, 1);
	assert_true(s.s_n <= 16);
	assert_int_equal(series_sum(&s, 0, SIM_NEVER), 1000);
	series_fini(&s);
}

/* --- charts --- */

static struct axis
axis_of(simtime_t end)
{
	struct activity a = { .end = end };
	struct axis ax;

	axis_active(&a, 0, end);
	axis_finish(&ax, &a);
	return (ax);
}

static void
scale_says(enum chart_unit unit, uint64_t most, int height, const char *first,
    const char *last)
{
	struct strbuf sb = { 0 }, want = { 0 };
	struct axis ax = axis_of(SIM_MS);
	struct chart c = { .c_axis = &ax, .c_height = height, .c_sb = &sb };

	chart_scale(&c, unit, most);
	assert_true(c.c_full >= most && c.c_full % c.c_step == 0);
	assert_true(c.c_full - most < c.c_step);
	chart_grid(&c);
	strbuf_addf(&want, ">%s</text>", first);
	assert_true(has(&sb, want.sb_str));
	strbuf_clear(&want);
	strbuf_addf(&want, ">%s</text>", last);
	assert_true(has(&sb, want.sb_str));
	assert_true(has(&sb, ">0</text>"));
	strbuf_fini(&sb);
	strbuf_fini(&want);
}

static void
test_scales_have_their_units(void **state)
{
	scale_says(UNIT_BYTES, 1, PX(100), "1 B", "1 B");
	scale_says(UNIT_BYTES, 65536, PX(110), "32 KiB", "64 KiB");
	scale_says(UNIT_BYTES, 1300000, PX(250), "0.25 MiB", "1.25 MiB");
	scale_says(UNIT_BYTES, 9 << 20, PX(250), "2 MiB", "10 MiB");
	scale_says(UNIT_RATE, 38000000000, PX(84), "20 Gbit/s", "40 Gbit/s");
	scale_says(UNIT_COUNT, 3, PX(46), "5", "5");
	scale_says(UNIT_COUNT, 7, PX(200), "2", "8");
}

/* A value that lasts less than a column is seen all the same. */
static void
test_curves_keep_their_peaks(void **state)
{
	struct axis ax = axis_of(SIM_SEC);
	struct strbuf sb = { 0 };
	struct chart c = { .c_axis = &ax, .c_height = PX(100), .c_sb = &sb };
	struct series s = { .s_level = true };

	chart_scale(&c, UNIT_COUNT, 10);
	series_add(&s, 500 * SIM_MS, 10);
	series_add(&s, 500 * SIM_MS + 2 * BIN, 1);
	series_add(&s, 500 * SIM_MS + 4 * BIN, 0);
	chart_line(&c, &s, "x");
	assert_true(has(&sb, "V0V100H"));
	assert_int_equal(series_most(&s), 10);
	series_fini(&s);
	strbuf_fini(&sb);
}

static void
test_peaks_stay_when_bins_widen(void **state)
{
	struct axis ax = axis_of(SIM_SEC);
	struct strbuf sb = { 0 };
	struct chart c = { .c_axis = &ax, .c_height = PX(100), .c_sb = &sb };
	struct series s = { .s_peak = true, .s_most = 16 };

	for (uint64_t i = 0; i < 1000; i++)
		series_add(&s, i * SIM_MS, i == 500 ? 9 : 3);
	assert_true(s.s_n <= 16);
	assert_int_equal(series_most(&s), 9);
	chart_scale(&c, UNIT_COUNT, 10);
	chart_peaks(&c, &s, SIM_MS, "x");
	/* Low, high, low; each down to the bottom. */
	assert_true(has(&sb, "V70H") && has(&sb, "V10H"));
	assert_true(strstr(strstr(sb.sb_str, "V10H"), "V70H") != NULL);
	series_fini(&s);
	strbuf_fini(&sb);
}

static void
test_stacks_add_up(void **state)
{
	static const char *const classes[] = { "a", "b" };
	struct axis ax = axis_of(SIM_MS);
	struct series s[2] = { { 0 } };
	struct strbuf sb = { 0 };
	struct chart c = { .c_axis = &ax, .c_height = PX(100), .c_sb = &sb };

	for (simtime_t t = 0; t < SIM_MS; t += BIN) {
		series_add(&s[0], t, 100);
		series_add(&s[1], t, 300);
	}
	assert_in_range(chart_stack_most(&ax, s, 2),
	    400 * 8 * (SIM_SEC / BIN) * 9 / 10,
	    400 * 8 * (SIM_SEC / BIN) * 11 / 10);
	chart_scale(&c, UNIT_RATE, chart_stack_most(&ax, s, 2));
	chart_stack(&c, s, 2, classes);
	/* The higher one is behind. */
	assert_true(strstr(sb.sb_str, "\"b\"") < strstr(sb.sb_str, "\"a\""));
	series_fini(&s[0]);
	series_fini(&s[1]);
	strbuf_fini(&sb);
}

/* --- the page --- */

static struct result
result_make(struct claim_result *claim)
{
	struct result r = { .r_name = "a<b>",
		.r_description = "\"x\" & <y>",
		.r_end = SIM_SEC,
		.r_defects = "",
		.r_claims = claim,
		.r_nclaims = claim != NULL };

	for (int i = 0; i < INVARIANTS; i++) {
		r.r_inv[i].i_name = "a rule";
		r.r_inv[i].i_checked = "things";
	}
	return (r);
}

static void
test_letters_and_emptiness(void **state)
{
	struct result r = result_make(NULL);
	struct strbuf sb = { 0 };

	r.r_seed = 7;
	r.r_defects = "a.b, c.d";
	report_html(&r, &sb);
	assert_true(has(&sb, "<h1>a&lt;b&gt;</h1>"));
	assert_true(has(&sb, "&quot;x&quot; &amp; &lt;y&gt;"));
	assert_true(has(&sb,
	    "ktls-sim run --seed 7 --defect a.b --defect c.d scenario.yaml"));
	assert_true(has(&sb, "The scenario expects nothing."));
	assert_true(has(&sb, "All expectations met"));
	assert_true(has(&sb, "unseen"));
	assert_false(has(&sb, "id=\"connections\""));
	assert_false(has(&sb, "id=\"events\""));
	assert_false(has(&sb, "<script"));
	strbuf_fini(&sb);
}

static void
test_a_claim_has_its_evidence(void **state)
{
	char claim_text[] = "get receives 9", found[] = "8",
	     first[] = "the link lost a frame";
	struct claim_result claim = { .cl_line = 12,
		.cl_file = "inc/more.yaml",
		.cl_name = "all <of> it",
		.cl_claim = claim_text,
		.cl_found = found,
		.cl_first = first,
		.cl_when = 5 * SIM_MS,
		.cl_frames = { 17, 23 },
		.cl_nframes = 2 };
	struct result r = result_make(&claim);
	struct strbuf sb = { 0 };

	report_html(&r, &sb);
	assert_true(has(&sb, "An expectation FAILED"));
	assert_true(has(&sb, "<span class=\"no\">FAILED</span>"));
	assert_true(has(&sb, ">inc/more.yaml:12<"));
	assert_true(has(&sb, ">all &lt;of&gt; it: get receives 9<"));
	assert_true(has(&sb, "the link lost a frame [at 5 ms]"));
	assert_true(has(&sb, "<code>frame.number == 17</code>"));
	assert_true(has(&sb, "<code>frame.number == 23</code>"));
	strbuf_clear(&sb);
	claim.cl_found = claim.cl_first = NULL;
	claim.cl_nframes = 0;
	r.r_interrupted = true;
	report_html(&r, &sb);
	assert_true(has(&sb, "INTERRUPTED"));
	assert_true(has(&sb, "not judged"));
	assert_true(has(&sb, ">all &lt;of&gt; it: get receives 9<"));
	assert_true(has(&sb, ">the run broke off<"));
	strbuf_fini(&sb);
}

static void
test_many_connections_are_bounded(void **state)
{
	static struct conn_result conns[5000];
	struct result r = result_make(NULL);
	struct strbuf sb = { 0 };

	for (unsigned i = 0; i < nitems(conns); i++) {
		conns[i].c_name = "get#0";
		conns[i].c_client = conns[i].c_server = "10.0.0.1:1";
	}
	r.r_conns = conns;
	r.r_nconns = nitems(conns);
	report_html(&r, &sb);
	assert_true(has(&sb, "4800 more connections are left out"));
	assert_true(sb.sb_len < 200000);
	strbuf_fini(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_marks_join_in_a_bin),
		cmocka_unit_test(test_marks_are_bounded),
		cmocka_unit_test(test_series_have_their_own_bound),
		cmocka_unit_test(test_scales_have_their_units),
		cmocka_unit_test(test_curves_keep_their_peaks),
		cmocka_unit_test(test_peaks_stay_when_bins_widen),
		cmocka_unit_test(test_stacks_add_up),
		cmocka_unit_test(test_letters_and_emptiness),
		cmocka_unit_test(test_a_claim_has_its_evidence),
		cmocka_unit_test(test_many_connections_are_bounded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
