/* The exit code and both reports of a result made by hand. */
#include "support/ktest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/sim/result.h>

static struct claim_result claims[] = {
	{ .cl_line = 7,
	    .cl_claim = "client get has received 10 bytes",
	    .cl_found = "9",
	    .cl_ok = true },
};
static struct conn_result conns[16];
static char names[16][16];

static struct result
make_result(unsigned nconns)
{
	struct result r = { .r_name = "probe",
		.r_description = "by hand",
		.r_seed = 42,
		.r_end = 3 * SIM_SEC,
		.r_events = 1234,
		.r_frames = 56,
		.r_defects = "",
		.r_conns = conns,
		.r_nconns = nconns,
		.r_claims = claims,
		.r_nclaims = 1 };

	for (int i = 0; i < INVARIANTS; i++) {
		r.r_inv[i].i_name = "a rule";
		r.r_inv[i].i_checked = "things";
		r.r_inv[i].i_looked = 5;
	}
	memset(conns, 0, sizeof(conns));
	for (unsigned i = 0; i < nconns; i++) {
		snprintf(names[i], sizeof(names[i]), "get#%u", i);
		conns[i].c_name = names[i];
		conns[i].c_client = "10.0.0.2:1024";
		conns[i].c_server = "10.0.0.1:443";
		conns[i].c_tls = "TLS 1.3";
		strcpy(conns[i].c_suite, "aes128-gcm");
		conns[i].c_done = true;
		conns[i].c_end = SIM_SEC;
		conns[i].c_body = 1000;
		conns[i].c_side[1].tx_mode = TCP_TLS_MODE_SW;
	}
	claims[0].cl_ok = true;
	return (r);
}

static void
test_the_gravest_cause_makes_the_exit_code(void **state)
{
	struct result r;
	int want;

	for (int m = 0; m < 32; m++) {
		r = make_result(0);
		r.r_interrupted = m & 1;
		r.r_capture_error = m & 2 ? 28 : 0;
		r.r_inv[INVARIANTS - 1].i_broken = m & 4 ? 1 : 0;
		r.r_panic = m & 8 ? "boom" : NULL;
		claims[0].cl_ok = (m & 16) == 0;
		want = m & 1 ? 130 : m & 2 ? 3 : m & 12 ? 4 : m & 16 ? 1 : 0;
		assert_int_equal(result_exit_code(&r), want);
	}
}

static void
expect_text(const struct strbuf *sb, const char *part)
{
	if (strstr(strbuf_str(sb), part) == NULL)
		fail_msg("`%s` is not in: %s", part, strbuf_str(sb));
}

static void
test_the_text_names_what_went_wrong(void **state)
{
	struct result r = make_result(1);
	struct strbuf sb = { 0 };

	claims[0].cl_ok = false;
	r.r_inv[2].i_broken = 1;
	r.r_inv[2].i_first = "two is not three";
	r.r_panic = "out of mbufs";
	report_text(&r, NULL, &sb);
	expect_text(&sb, "probe: by hand\nseed 42, ");
	expect_text(&sb,
	    "  get#0  10.0.0.2:1024 > 10.0.0.1:443  TLS 1.3 "
	    "aes128-gcm\n    done: body of ");
	expect_text(&sb, "server tx: kernel TLS, mode ");
	expect_text(&sb, "client tx: OpenSSL in user space\n");
	expect_text(&sb,
	    "FAILED client get has received 10 bytes: found 9 "
	    "(line 7)\n");
	expect_text(&sb, "BROKEN 3. a rule: two is not three [at ");
	expect_text(&sb, "held   1. a rule: 5 things\n");
	expect_text(&sb, "PANIC: out of mbufs\n");
	strbuf_clear(&sb);
	report_text(&r, "mine.ktls.yaml", &sb);
	expect_text(&sb, "found 9 (mine.ktls.yaml:7)\n");
	strbuf_fini(&sb);
}

static void
test_many_connections_are_summed_up_with_eight_failures(void **state)
{
	struct result r = make_result(16);
	struct strbuf sb = { 0 };

	for (unsigned i = 5; i < 15; i++) {
		conns[i].c_done = false;
		conns[i].c_failed = "reset";
	}
	report_text(&r, NULL, &sb);
	expect_text(&sb, "  get#3  ");
	assert_null(strstr(strbuf_str(&sb), "  get#4  "));
	expect_text(&sb, "  get#5  ");
	expect_text(&sb, "  get#12  ");
	assert_null(strstr(strbuf_str(&sb), "  get#13  "));
	expect_text(&sb, "NOT done: reset after 1000 body bytes\n");
	expect_text(&sb, "  all: 6 of 16 done, ");
	strbuf_fini(&sb);
}

static json_int_t
number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	assert_true(json_is_integer(v));
	return (json_integer_value(v));
}

static void
test_the_json_has_the_version_and_the_numbers(void **state)
{
	struct result r = make_result(2);
	struct strbuf sb = { 0 };
	json_error_t je;
	json_t *o, *c;

	claims[0].cl_ok = false;
	report_json(&r, &sb);
	o = json_loads(strbuf_str(&sb), 0, &je);
	assert_non_null(o);
	assert_int_equal(number(o, "ktls_sim_result"), 1);
	assert_int_equal(number(o, "seed"), 42);
	assert_int_equal(number(o, "end_ps"), 3 * SIM_SEC);
	assert_int_equal(number(o, "events"), 1234);
	assert_int_equal(number(o, "frames"), 56);
	assert_int_equal(number(o, "exit_code"), 1);
	assert_true(json_is_null(json_object_get(o, "panic")));
	c = json_object_get(o, "connections");
	assert_int_equal(json_array_size(c), 2);
	assert_int_equal(number(json_array_get(c, 1), "body_bytes"), 1000);
	c = json_object_get(o, "invariants");
	assert_int_equal(json_array_size(c), INVARIANTS);
	c = json_array_get(json_object_get(o, "expectations"), 0);
	assert_true(json_is_false(json_object_get(c, "met")));
	assert_int_equal(number(c, "line"), 7);
	json_decref(o);
	strbuf_fini(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_gravest_cause_makes_the_exit_code),
		cmocka_unit_test(test_the_text_names_what_went_wrong),
		cmocka_unit_test(
		    test_many_connections_are_summed_up_with_eight_failures),
		cmocka_unit_test(test_the_json_has_the_version_and_the_numbers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
