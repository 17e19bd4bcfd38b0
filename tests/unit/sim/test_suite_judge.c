/* Verdicts, from reports and exit statuses made by hand. */
#include "support/ktest.h"

#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

#define HEX "00112233445566778899aabbccddeeff"
#define PRINTS_TEXT                                                \
	"\"fingerprints\":{\"events\":\"" HEX "\",\"wire\":\"" HEX \
	"\",\"counters\":\"" HEX "\",\"decisions\":\"" HEX "\"}"
#define GREEN                                                             \
	"{\"panic\":null,\"invariants\":[{\"number\":1,\"name\":\"a\","   \
	"\"broken\":0}],\"expectations\":[{\"claim\":\"x\",\"met\":true," \
	"\"line\":3}]," PRINTS_TEXT "}"
#define CLAIM                                                                  \
	"{\"invariants\":[],\"expectations\":[{\"claim\":\"x is 7\",\"name\":" \
	"\"once\",\"found\":\"8\",\"met\":false,\"line\":3,\"first\":\"it "    \
	"was\",\"frames\":[12,15]}]}"
/* 6 comes before 4. */
#define BROKEN                                                             \
	"{\"invariants\":[{\"number\":4,\"name\":\"d\",\"broken\":2,"      \
	"\"first\":\"here\",\"first_ps\":9},{\"number\":6,\"name\":\"f\"," \
	"\"broken\":1,\"first_ps\":5}],\"expectations\":[]}"
#define PANIC "{\"panic\":\"oops\",\"invariants\":[],\"expectations\":[]}"

static struct suite_case
judged(const char *report, struct suite_exit se, const char *caught_by)
{
	struct suite_case c = { .sc_file = xstrdup("a.ktls.yaml") };

	se.se_limit = "60s";
	se.se_memory = "4GiB";
	if (caught_by != NULL) {
		c.sc_defects = xstrdup("kern.x");
		c.sc_caught_by = *caught_by != '\0' ? xstrdup(caught_by) : NULL;
	}
	suite_judge(&c, report, report != NULL ? strlen(report) : 0, &se);
	return (c);
}

/* What it is, and a text that has to be in its why. */
static void
expect(const char *report, struct suite_exit se, const char *caught_by,
    enum suite_verdict verdict, const char *why)
{
	struct suite_case c = judged(report, se, caught_by);

	assert_string_equal(suite_verdict_names[c.sc_verdict],
	    suite_verdict_names[verdict]);
	if (why == NULL)
		assert_null(c.sc_why);
	else {
		assert_non_null(c.sc_why);
		assert_non_null(strstr(c.sc_why, why));
	}
	suite_case_fini(&c);
}

#define CODE(n) ((struct suite_exit) { .se_code = (n) })

static void
test_plain_cases(void **state)
{
	struct suite_exit oom = { .se_code = 3,
		.se_stderr = "ktls-sim: out of memory\n" };
	struct suite_exit killed = { .se_code = -1,
		.se_signal = 9,
		.se_timeout = true };
	struct suite_exit crashed = { .se_code = -1, .se_signal = 11 };
	struct suite_exit error = { .se_code = 2, .se_stderr = "a:1: no\n" };

	expect(GREEN, CODE(0), NULL, SV_PASSED, NULL);
	expect(CLAIM, CODE(1), NULL, SV_FAILED, NULL);
	expect(BROKEN, CODE(4), NULL, SV_BROKE, NULL);
	expect(PANIC, CODE(4), NULL, SV_BROKE, "panicked: oops");
	expect(NULL, error, NULL, SV_ERROR, "a:1: no");
	expect(NULL, oom, NULL, SV_MISSING, "4GiB are allowed");
	expect(NULL, killed, NULL, SV_TIMEOUT, "after 60s");
	expect(NULL, crashed, NULL, SV_CRASHED, "signal 11");
	/* A report that is half there is none. */
	expect("{\"panic\":", CODE(0), NULL, SV_CRASHED, "without a report");
	expect(NULL, CODE(1), NULL, SV_CRASHED, "without a report");
	expect(GREEN, CODE(66), NULL, SV_CRASHED, "exit code 66");
}

static void
test_what_failed_is_told(void **state)
{
	struct suite_case c = judged(CLAIM, CODE(1), NULL);

	assert_int_equal(c.sc_nfaults, 1);
	assert_string_equal(c.sc_faults[0].sf_where, "a.ktls.yaml:3");
	assert_string_equal(c.sc_faults[0].sf_what, "x is 7");
	assert_string_equal(c.sc_faults[0].sf_found, "8");
	assert_string_equal(c.sc_faults[0].sf_first, "it was");
	assert_string_equal(c.sc_faults[0].sf_frames, "12, 15");
	assert_false(c.sc_has_prints);
	suite_case_fini(&c);
	c = judged(BROKEN, CODE(4), NULL);
	assert_int_equal(c.sc_nfaults, 2);
	assert_int_equal(c.sc_faults[0].sf_number, 4);
	assert_string_equal(c.sc_faults[0].sf_found, "broken 2 times");
	suite_case_fini(&c);
	c = judged(GREEN, CODE(0), NULL);
	assert_true(c.sc_has_prints);
	assert_string_equal(c.sc_prints[PRINT_WIRE], HEX);
	suite_case_fini(&c);
}

static void
test_a_planted_defect_must_be_caught_by_whom_it_says(void **state)
{
	struct suite_exit killed = { .se_code = -1, .se_timeout = true };
	struct suite_exit crashed = { .se_code = -1, .se_signal = 11 };

	expect(BROKEN, CODE(4), "invariant 6", SV_PASSED, NULL);
	expect(BROKEN, CODE(4), "invariant 4", SV_FAILED,
	    "caught by invariant 6, not by invariant 4");
	expect(CLAIM, CODE(1), "claim once", SV_PASSED, NULL);
	expect(CLAIM, CODE(1), "claim twice", SV_FAILED,
	    "caught by the expectation once at a.ktls.yaml:3, not by claim "
	    "twice");
	expect(CLAIM, CODE(1), "invariant 6", SV_FAILED, "not by invariant 6");
	expect(GREEN, CODE(0), "invariant 6", SV_FAILED,
	    "kern.x was not caught by invariant 6");
	expect(PANIC, CODE(4), "invariant 6", SV_FAILED,
	    "caught by a panic of a simulated kernel, not by");
	expect(GREEN, CODE(0), "", SV_FAILED, "was not caught");
	expect(CLAIM, CODE(1), "", SV_PASSED, NULL);
	expect(PANIC, CODE(4), "", SV_FAILED, "caught by a panic");
	expect(NULL, killed, "invariant 6", SV_TIMEOUT, "killed");
	expect(NULL, crashed, "invariant 6", SV_CRASHED, "signal 11");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_cases),
		cmocka_unit_test(test_what_failed_is_told),
		cmocka_unit_test(
		    test_a_planted_defect_must_be_caught_by_whom_it_says),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
