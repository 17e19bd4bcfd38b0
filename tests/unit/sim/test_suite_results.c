/* The result file there and back, merging, and what is made for others. */
#include "support/ktest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

static void
fill(struct suite *s, const char *name, uint64_t position,
    enum suite_verdict verdict)
{
	struct suite_case *c = suite_add(s);

	c->sc_name = xstrdup(name);
	c->sc_file = xasprintf("%.1s.ktls.yaml", name);
	c->sc_cell = xstrdup("");
	c->sc_position = position;
	c->sc_verdict = verdict;
	c->sc_code = verdict == SV_PASSED ? 0 : 1;
	c->sc_has_prints = true;
	for (int i = 0; i < PRINTS; i++)
		memset(c->sc_prints[i], 'a' + i, HASH_HEX_SIZE - 1);
}

/* With everything that a case can have. */
static void
fill_rich(struct suite *s)
{
	struct suite_case *c;
	struct suite_fault *f;

	fill(s, "b#2+defect", 7, SV_FAILED);
	c = &s->s_v[s->s_n - 1];
	c->sc_defects = xstrdup("kern.a,nic.b");
	c->sc_caught_by = xstrdup("invariant 3");
	c->sc_seed = UINT64_MAX;
	c->sc_golden = xstrdup("-a\n+b\n");
	c->sc_again = xstrdup("ktls-sim run <b>");
	c->sc_wall_ms = 1234;
	suite_set_why(c, "first & \"line\"\nsecond\x01");
	f = suite_add_fault(c);
	f->sf_number = 3;
	f->sf_what = xstrdup("nonces");
	f = suite_add_fault(c);
	f->sf_where = xstrdup("b.ktls.yaml:9");
	f->sf_what = xstrdup("x < 3 ]]>");
	f->sf_found = xstrdup("\xff");
	f->sf_frames = xstrdup("7, 8");
	f->sf_first = xstrdup("at \xe2\x82\xac");
}

static void
test_there_and_back(void **state)
{
	struct strbuf a = { 0 }, b = { 0 }, err = { 0 };
	struct suite s = { 0 }, t = { 0 };

	fill(&s, "a#1", 3, SV_PASSED);
	fill_rich(&s);
	suite_add_shard(&s, 1, 2);
	suite_json(&s, &a);
	assert_int_equal(suite_parse(strbuf_str(&a), a.sb_len, &t, &err), 0);
	suite_json(&t, &b);
	assert_string_equal(strbuf_str(&a), strbuf_str(&b));
	assert_true(t.s_v[1].sc_seed == UINT64_MAX);
	assert_int_equal(t.s_v[1].sc_faults[0].sf_number, 3);
	/* JSON has no such bytes. */
	assert_string_equal(t.s_v[1].sc_faults[1].sf_found, "\xef\xbf\xbd");
	suite_fini(&s);
	suite_fini(&t);
	strbuf_fini(&a);
	strbuf_fini(&b);
}

static void
expect_refused(const char *text, const char *why)
{
	struct strbuf err = { 0 };
	struct suite s = { 0 };

	assert_int_equal(suite_parse(text, strlen(text), &s, &err), EINVAL);
	if (strstr(strbuf_str(&err), why) == NULL)
		fail_msg("%s: %s", text, strbuf_str(&err));
	assert_int_equal(s.s_n, 0);
	strbuf_fini(&err);
}

static void
test_other_files_are_refused(void **state)
{
	expect_refused("", "line");
	expect_refused("{\"a\":", "line 1");
	expect_refused("[]", "not a result file");
	expect_refused("{\"ktls_sim_result\":1}", "not a result file");
	expect_refused("{\"ktls_sim_suite\":2,\"cases\":[]}",
	    "result format 2, this ktls-sim knows 1");
	expect_refused("{\"ktls_sim_suite\":1}", "no list `cases`");
	expect_refused("{\"ktls_sim_suite\":1,\"cases\":[{}]}", "case 1");
	expect_refused("{\"ktls_sim_suite\":1,\"cases\":[{\"name\":\"a\","
		       "\"file\":\"a\",\"cell\":\"\",\"verdict\":\"green\"}]}",
	    "case 1");
}

static void
test_merged_in_the_suite_s_order(void **state)
{
	struct suite s = { 0 }, a = { 0 }, b = { 0 };
	struct strbuf said = { 0 };

	fill(&a, "c#1", 4, SV_PASSED);
	fill(&a, "a#1", 1, SV_PASSED);
	fill(&b, "b#1", 2, SV_FAILED);
	suite_add_shard(&a, 1, 3);
	suite_add_shard(&b, 3, 3);
	suite_merge(&s, &a, &said);
	suite_merge(&s, &b, &said);
	assert_int_equal(said.sb_len, 0);
	assert_int_equal(s.s_n, 3);
	assert_string_equal(s.s_v[0].sc_name, "a#1");
	assert_string_equal(s.s_v[1].sc_name, "b#1");
	assert_string_equal(s.s_v[2].sc_name, "c#1");
	assert_int_equal(suite_exit_code(&s), 1);
	assert_int_equal(suite_missing_shards(&s, &said), 1);
	assert_string_equal(strbuf_str(&said), "shard 2/3 is not among them\n");
	strbuf_fini(&said);
	suite_fini(&a);
	suite_fini(&b);
	suite_fini(&s);
}

static void
test_contradictions_are_told(void **state)
{
	struct suite s = { 0 }, a = { 0 }, b = { 0 };
	struct strbuf said = { 0 };

	fill(&a, "a#1", 0, SV_PASSED);
	fill(&a, "b#1", 1, SV_FAILED);
	fill(&a, "c#1", 2, SV_PASSED);
	fill(&b, "a#1", 0, SV_TIMEOUT);
	fill(&b, "b#1", 1, SV_FAILED);
	fill(&b, "c#1", 2, SV_PASSED);
	b.s_v[2].sc_prints[PRINT_WIRE][0] = 'x';
	suite_merge(&s, &a, &said);
	suite_merge(&s, &b, &said);
	assert_string_equal(strbuf_str(&said),
	    "a#1: passed in one result, timeout in another\n"
	    "c#1: fingerprints differ: wire\n");
	assert_int_equal(s.s_n, 3);
	assert_int_equal(s.s_v[0].sc_verdict, SV_TIMEOUT);
	assert_true(s.s_v[0].sc_flaky);
	assert_false(s.s_v[1].sc_flaky);
	assert_true(s.s_v[2].sc_flaky);
	strbuf_fini(&said);
	suite_fini(&a);
	suite_fini(&b);
	suite_fini(&s);
}

static void
test_the_worst_exit_code_counts(void **state)
{
	static const struct {
		enum suite_verdict verdict;
		int code;
	} steps[] = {
		{ SV_PASSED, 0 },
		{ SV_SKIPPED, 0 },
		{ SV_FAILED, 1 },
		{ SV_TIMEOUT, 4 },
		{ SV_BROKE, 4 },
		{ SV_ERROR, 2 },
		{ SV_CRASHED, 2 },
		{ SV_MISSING, 3 },
		{ SV_FAILED, 3 },
	};
	struct suite s = { 0 };

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		fill(&s, "a#1", i, steps[i].verdict);
		assert_int_equal(suite_exit_code(&s), steps[i].code);
	}
	suite_fini(&s);
}

static void
expect_in(const struct strbuf *sb, const char *text)
{
	if (strstr(strbuf_str(sb), text) == NULL)
		fail_msg("no %s in:\n%s", text, strbuf_str(sb));
}

static void
test_junit_is_xml_whatever_was_said(void **state)
{
	struct strbuf sb = { 0 };
	struct suite s = { 0 };

	fill(&s, "a#1", 0, SV_PASSED);
	fill_rich(&s);
	suite_junit(&s, &sb);
	expect_in(&sb,
	    "<testsuites name=\"ktls-sim\" tests=\"2\" "
	    "failures=\"1\" errors=\"0\" skipped=\"0\" "
	    "time=\"1.234\">");
	expect_in(&sb, "<testsuite name=\"a.ktls.yaml\" tests=\"1\"");
	expect_in(&sb, "name=\"a#1\" time=\"0.000\"/>");
	expect_in(&sb,
	    "<failure type=\"failed\" message=\"first &amp; "
	    "&quot;line&quot;\">first");
	expect_in(&sb, "second\xef\xbf\xbd\n");
	expect_in(&sb,
	    "b.ktls.yaml:9: x &lt; 3 ]]&gt;\n  found: "
	    "\xef\xbf\xbd\n  first: at \xe2\x82\xac\n  frames: 7, 8\n");
	expect_in(&sb, "to reproduce: ktls-sim run &lt;b&gt;\n</failure>");
	suite_fini(&s);
	strbuf_fini(&sb);
}

static void
test_tap_has_a_block_under_what_failed(void **state)
{
	struct strbuf sb = { 0 };
	struct suite s = { 0 };

	fill(&s, "a # 1", 0, SV_PASSED);
	fill(&s, "live", 1, SV_SKIPPED);
	suite_set_why(&s.s_v[1], "a device");
	fill_rich(&s);
	suite_tap(&s, &sb);
	expect_in(&sb,
	    "TAP version 13\n1..3\nok 1 - a \\# 1\n"
	    "ok 2 - live # SKIP a device\nnot ok 3 - b#2+defect\n"
	    "  ---\n  verdict: failed\n  why: \"first & "
	    "\\\"line\\\"\\nsecond\\x01\"\n  faults:\n"
	    "    - invariant: 3\n      what: \"nonces\"\n"
	    "    - where: \"b.ktls.yaml:9\"\n");
	expect_in(&sb,
	    "  golden: \"-a\\n+b\\n\"\n  reproduce: \"ktls-sim run "
	    "<b>\"\n  ...\n");
	suite_fini(&s);
	strbuf_fini(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_other_files_are_refused),
		cmocka_unit_test(test_merged_in_the_suite_s_order),
		cmocka_unit_test(test_contradictions_are_told),
		cmocka_unit_test(test_the_worst_exit_code_counts),
		cmocka_unit_test(test_junit_is_xml_whatever_was_said),
		cmocka_unit_test(test_tap_has_a_block_under_what_failed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
