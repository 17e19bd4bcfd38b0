/* Unified diffs, and which layers of a golden moved. */
#include "support/ktest.h"

#include <string.h>

#include <ktsim/sim/suite.h>

static void
expect_diff(const char *a, const char *b, unsigned context, const char *wanted)
{
	struct strbuf sb = { 0 };

	assert_true(text_diff(a, b, "a", "b", context, &sb));
	assert_string_equal(strbuf_str(&sb), wanted);
	strbuf_fini(&sb);
}

static void
test_diffs(void **state)
{
	struct strbuf sb = { 0 };

	assert_false(text_diff("x\n", "x\n", "a", "b", 3, &sb));
	assert_int_equal(sb.sb_len, 0);
	expect_diff("1\n2\n3\n", "1\nX\n3\n", 1,
	    "--- a\n+++ b\n@@ -1,3 +1,3 @@\n 1\n-2\n+X\n 3\n");
	expect_diff("", "1\n", 3, "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+1\n");
	expect_diff("1\n", "", 3, "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-1\n");
	/* What is common in the middle is found. */
	expect_diff("a\nb\nc\nd\n", "b\nX\nd\ne\n", 0,
	    "--- a\n+++ b\n@@ -1,1 +0,0 @@\n-a\n@@ -3,1 +2,1 @@\n-c\n+X\n"
	    "@@ -4,0 +4,1 @@\n+e\n");
	/* Two hunks, and one where they would touch. */
	expect_diff("1\n2\n3\n4\n5\n6\n7\n", "X\n2\n3\n4\n5\n6\nY\n", 1,
	    "--- a\n+++ b\n@@ -1,2 +1,2 @@\n-1\n+X\n 2\n"
	    "@@ -6,2 +6,2 @@\n 6\n-7\n+Y\n");
	expect_diff("1\n2\n3\n4\n", "X\n2\n3\nY\n", 1,
	    "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-1\n+X\n 2\n 3\n-4\n+Y\n");
}

static void
test_texts_too_different_are_replaced(void **state)
{
	struct strbuf a = { 0 }, b = { 0 }, sb = { 0 };

	for (int i = 0; i < 5000; i++) {
		strbuf_addf(&a, "a%d\n", i);
		strbuf_addf(&b, "b%d\n", i);
	}
	assert_true(
	    text_diff(strbuf_str(&a), strbuf_str(&b), "a", "b", 3, &sb));
	assert_memory_equal(strbuf_str(&sb),
	    "--- a\n+++ b\n@@ -1,5000 +1,5000 @@\n-a0\n-a1\n", 42);
	strbuf_fini(&a);
	strbuf_fini(&b);
	strbuf_fini(&sb);
}

static void
golden(struct strbuf *sb, char wire, const char *report)
{
	struct suite_case c = { .sc_name = (char *)(uintptr_t) "a#1",
		.sc_has_prints = true };

	for (int i = 0; i < PRINTS; i++)
		memset(c.sc_prints[i], '0' + i, HASH_HEX_SIZE - 1);
	c.sc_prints[PRINT_WIRE][3] = wire;
	strbuf_clear(sb);
	suite_golden(&c, report, sb);
}

static void
test_goldens_say_what_moved(void **state)
{
	struct strbuf was = { 0 }, is = { 0 }, sb = { 0 };

	golden(&was, '1', "report\n");
	golden(&is, '1', "report\n");
	assert_false(
	    suite_golden_differs(strbuf_str(&was), strbuf_str(&is), &sb));
	golden(&is, 'x', "report\n");
	assert_true(
	    suite_golden_differs(strbuf_str(&was), strbuf_str(&is), &sb));
	assert_non_null(strstr(strbuf_str(&sb),
	    "moved: wire; the same: events, counters, decisions\n--- golden"));
	strbuf_clear(&sb);
	golden(&is, '1', "another\nwire x\n");
	assert_true(
	    suite_golden_differs(strbuf_str(&was), strbuf_str(&is), &sb));
	assert_non_null(
	    strstr(strbuf_str(&sb), "all fingerprints are the same\n"));
	assert_non_null(strstr(strbuf_str(&sb), "-report\n+another\n"));
	strbuf_clear(&sb);
	/* Somebody's empty file. */
	assert_true(suite_golden_differs("", strbuf_str(&is), &sb));
	assert_non_null(strstr(strbuf_str(&sb),
	    "moved: events, wire, counters, decisions; the same: nothing"));
	strbuf_fini(&was);
	strbuf_fini(&is);
	strbuf_fini(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diffs),
		cmocka_unit_test(test_texts_too_different_are_replaced),
		cmocka_unit_test(test_goldens_say_what_moved),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
