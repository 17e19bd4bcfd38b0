/*
 * Where errors of receiving stand among the good records, and the hazards that
 * FreeBSD has or had: each planted defect shows what it was.
 */
#include "rxbench.h"

#include "support/kpanic.h"

static void
plant(const char *name)
{
	int d = defect_find(name);

	assert_true(d >= 0);
	defect_set(&sp.sp_vnet->v_defects, (enum defect)d);
}

static void
bad(size_t len)
{
	size_t n = seal(TLS_RLTYPE_APP, len, 0);

	seqno++;
	rec[n - 1] ^= 1;
	feed(rec, n, 100);
}

static void
good_bad_good(void)
{
	good(TLS_RLTYPE_APP, 10, 100);
	bad(20);
	good(TLS_RLTYPE_APP, 30, 100);
	bad(40);
	bad(50);
	good(TLS_RLTYPE_APP, 60, 100);
	sockpair_run(&sp);
}

static void
in_place(void)
{
	good_bad_good();
	expect_record(TLS_RLTYPE_APP, 10);
	assert_true(soreadable(so));
	expect_error(EBADMSG);
	expect_record(TLS_RLTYPE_APP, 30);
	expect_error(EBADMSG);
	expect_error(EBADMSG);
	expect_record(TLS_RLTYPE_APP, 60);
	expect_error(EWOULDBLOCK);
	assert_int_equal(so->so_rcv.sb_ccc, 0);
}

static void
test_an_error_stands_where_its_record_was(void **state)
{
	all_suites(in_place);
}

static void
test_peeking_at_an_error_leaves_it(void **state)
{
	int t, flags = KMSG_PEEK;
	size_t got;

	start(&tls_suites[0]);
	bad(20);
	sockpair_run(&sp);
	assert_true(soreadable(so));
	for (int i = 0; i < 3; i++)
		assert_int_equal(tb_read(so, out, 10, &got, &t, &flags),
		    EBADMSG);
	expect_error(EBADMSG);
	assert_false(soreadable(so));
}

/* The writer has nothing to do with what was received. */
static void
test_a_writer_is_not_told(void **state)
{
	start(&tls_suites[0]);
	bad(20);
	sockpair_run(&sp);
	assert_int_equal(tb_write(so, pay, 10, -1, NULL), 0);
	expect_error(EBADMSG);
}

static void
test_the_end_of_file_comes_behind_the_error(void **state)
{
	start(&tls_suites[0]);
	bad(20);
	socantrcvmore(so);
	sockpair_run(&sp);
	expect_error(EBADMSG);
	expect_error(0);
}

static void
test_a_flush_takes_errors_too(void **state)
{
	start(&tls_suites[0]);
	bad(20);
	good(TLS_RLTYPE_APP, 5, 100);
	sockpair_run(&sp);
	sbflush(&so->so_rcv);
	SBCHECK(&so->so_rcv);
	expect_error(EWOULDBLOCK);
}

/* --- hazards --- */

static void
test_defect_error_out_of_place(void **state)
{
	start(&tls_suites[0]);
	plant("kern.rx-error-out-of-place");
	good_bad_good();
	expect_record(TLS_RLTYPE_APP, 10);
	expect_record(TLS_RLTYPE_APP, 30);
	expect_record(TLS_RLTYPE_APP, 60);
	/* Three were bad: told once, and to whoever comes first. */
	assert_int_equal(tb_write(so, pay, 10, -1, NULL), EBADMSG);
	expect_error(EWOULDBLOCK);
}

static void
wrong_version(void)
{
	size_t n = seal(TLS_RLTYPE_APP, 100, 0);

	rec[1]++;
	feed(rec, n, 100);
	sockpair_run(&sp);
}

static void
test_defect_second_read_hangs(void **state)
{
	start(&tls_suites[0]);
	wrong_version();
	expect_error(EINVAL);
	expect_error(0);
	assert_true(soreadable(so));
	teardown(NULL);
	setup(NULL);
	start(&tls_suites[0]);
	plant("kern.rx-second-read-hangs");
	wrong_version();
	expect_error(EINVAL);
	expect_error(EWOULDBLOCK); /* nothing will ever come */
	assert_false(soreadable(so));
	assert_true(ktls_idle(sp.sp_vnet));
}

static void
zeros_only(void)
{
	static const uint8_t zeros[64];
	size_t n;

	start(tls_suite_byname("aes128-gcm-1.3"));
	n = reftls_seal13_raw(suite, tb_key, tb_iv, seqno++, zeros, 64, rec);
	feed(rec, n, 100);
}

/* A kernel that panicked is not taken down. */
static volatile struct sockpair wreck;

static void
test_defect_inner_type_in_the_header(void **state)
{
	zeros_only();
	sockpair_run(&sp);
	expect_error(EBADMSG);
	teardown(NULL);
	setup(NULL);
	plant("kern.tls13-inner-type");
	zeros_only();
	EXPECT_PANIC_VOID(sockpair_run(&sp), "4294967295 bytes in a record");
	wreck = sp;
}

static void
test_defect_cbc_vector(void **state)
{
	start(tls_suite_byname("aes128-cbc-sha256-1.2"));
	good(TLS_RLTYPE_APP, 500, 7);
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 500);
	plant("kern.rx-cbc-vector");
	good(TLS_RLTYPE_APP, 500, 100); /* the header ends within an mbuf */
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 500);
	good(TLS_RLTYPE_APP, 150, 7);
	sockpair_run(&sp);
	expect_error(EBADMSG);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_an_error_stands_where_its_record_was),
		T(test_peeking_at_an_error_leaves_it),
		T(test_a_writer_is_not_told),
		T(test_the_end_of_file_comes_behind_the_error),
		T(test_a_flush_takes_errors_too),
		T(test_defect_error_out_of_place),
		T(test_defect_second_read_hangs),
		cmocka_unit_test_setup(test_defect_inner_type_in_the_header,
		    setup),
		T(test_defect_cbc_vector),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
