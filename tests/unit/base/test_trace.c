/* Trace records as text and JSON, and the choice of points. */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/base/trace.h>

#include "ktest.h"

static struct trace_rec
mode_rec(const struct trace_arg *args)
{
	return ((struct trace_rec) { .tr_when = 1 * SIM_SEC + 5,
	    .tr_id = TP_tls_mode,
	    .tr_who = "server",
	    .tr_args = args,
	    .tr_nargs = 5 });
}

static void
test_a_record_as_text(void **state)
{
	const struct trace_arg args[] = { TU(7), TS("tx"), TS("sw"), TI(EAGAIN),
		TS("no \"tag\"") };
	struct trace_rec rec = mode_rec(args);
	struct strbuf sb = { 0 };

	trace_text(&rec, &sb);
	assert_string_equal(strbuf_str(&sb),
	    "1.000000000005 server tls_mode conn=7 dir=tx mode=sw "
	    "error=EAGAIN reason=\"no \\u0022tag\\u0022\"\n");
	strbuf_clear(&sb);
	rec.tr_who = "";
	trace_text(&rec, &sb);
	assert_non_null(strstr(strbuf_str(&sb), " - tls_mode "));
	strbuf_fini(&sb);
}

static void
test_a_record_as_json(void **state)
{
	const struct trace_arg args[] = { TU(7), TS("tx"), TS(""), TI(-3),
		TS("a\\b\n") };
	struct trace_rec rec = mode_rec(args);
	struct strbuf sb = { 0 };

	trace_ndjson(&rec, &sb);
	assert_string_equal(strbuf_str(&sb),
	    "{\"ps\":1000000000005,\"at\":\"server\",\"point\":\"tls_mode\","
	    "\"conn\":7,\"dir\":\"tx\",\"mode\":\"\",\"error\":-3,"
	    "\"reason\":\"a\\u005cb\\u000a\"}\n");
	strbuf_fini(&sb);
}

static void
test_arguments_by_name(void **state)
{
	const struct trace_arg args[] = { TU(7), TS("tx"), TS(NULL), TI(-3),
		TS("why") };
	struct trace_rec rec = mode_rec(args);

	assert_int_equal(trace_arg_u(&rec, "conn"), 7);
	assert_int_equal(trace_arg_i(&rec, "error"), -3);
	assert_string_equal(trace_arg_s(&rec, "reason"), "why");
	assert_string_equal(trace_arg_s(&rec, "mode"), "");
	assert_ptr_equal(trace_getarg(&rec, "dir"), &args[1]);
	/* Half a name is none. */
	assert_null(trace_getarg(&rec, "con"));
	assert_int_equal(trace_arg_u(&rec, "seqno"), 0);
	assert_int_equal(trace_arg_i(&rec, "errors"), 0);
	assert_string_equal(trace_arg_s(&rec, "who"), "");
}

static unsigned
count(const uint64_t *mask)
{
	unsigned n = 0;

	for (int i = 0; i < TP_COUNT; i++)
		n += trace_mask_has(mask, (enum trace_id)i);
	return (n);
}

static void
test_points_by_name_and_glob(void **state)
{
	uint64_t mask[TRACE_MASK_WORDS] = { 0 }, all[TRACE_MASK_WORDS] = { 0 };
	struct strbuf err = { 0 };

	assert_int_equal(trace_select("tag_*,tcp_rexmit", mask, &err), 0);
	assert_int_equal(count(mask), 5);
	assert_true(trace_mask_has(mask, TP_tcp_rexmit));
	assert_true(trace_mask_has(mask, TP_tag_reset));
	assert_false(trace_mask_has(mask, TP_tls_mode));
	assert_int_equal(trace_select("*", all, &err), 0);
	assert_int_equal(count(all), TP_COUNT);
	assert_string_equal(strbuf_str(&err), "");
}

static void
assert_refused(const char *points, const char *text)
{
	uint64_t mask[TRACE_MASK_WORDS] = { 0 };
	struct strbuf err = { 0 };

	assert_int_equal(trace_select(points, mask, &err), EINVAL);
	assert_string_equal(strbuf_str(&err), text);
	strbuf_fini(&err);
}

static void
test_an_unknown_point_is_told_with_the_nearest(void **state)
{
	assert_refused("tls_mode,tpc_drop",
	    "there is no trace point `tpc_drop`; did you mean `tcp_drop`?");
	assert_refused("zz*",
	    "no trace point matches `zz*`; `ktls-sim list traces` shows them");
	assert_refused(",", "no trace point is named");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_as_text),
		cmocka_unit_test(test_a_record_as_json),
		cmocka_unit_test(test_arguments_by_name),
		cmocka_unit_test(test_points_by_name_and_glob),
		cmocka_unit_test(
		    test_an_unknown_point_is_told_with_the_nearest),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
