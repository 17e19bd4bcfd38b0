/* TCP options as they come: good ones, odd ones and broken ones. */
#include "support/ktest.h"

#include <string.h>

#include "tcp_private.h"

static struct tcpopt to;

static void
test_options_of_a_syn_are_all_read(void **state)
{
	const uint8_t p[] = { 2, 4, 0x05, 0xb4, 1, 3, 3, 6, 4, 2, 8, 10, 0, 0,
		1, 2, 0, 0, 3, 4 };

	tcp_parse_options(&to, p, sizeof(p), true);
	assert_int_equal(to.to_flags,
	    TOF_MSS | TOF_SCALE | TOF_SACKPERM | TOF_TS);
	assert_int_equal(to.to_mss, 1460);
	assert_int_equal(to.to_wscale, 6);
	assert_int_equal(to.to_tsval, 0x102);
	assert_int_equal(to.to_tsecr, 0x304);
	/* Without SYN, only the timestamp means something. */
	tcp_parse_options(&to, p, sizeof(p), false);
	assert_int_equal(to.to_flags, TOF_TS);
}

static void
test_window_scale_is_cut_at_fourteen(void **state)
{
	const uint8_t p[] = { 3, 3, 200 };

	tcp_parse_options(&to, p, sizeof(p), true);
	assert_int_equal(to.to_wscale, TCP_MAX_WINSHIFT);
}

static void
test_unknown_options_are_skipped_and_the_end_is_the_end(void **state)
{
	const uint8_t p[] = { 99, 5, 1, 2, 3, 2, 4, 1, 0, 0, 3, 3, 6 };

	tcp_parse_options(&to, p, sizeof(p), true);
	assert_int_equal(to.to_flags, TOF_MSS);
	assert_int_equal(to.to_mss, 256);
}

static void
test_broken_lengths_end_the_reading(void **state)
{
	const uint8_t zero[] = { 99, 0, 2, 4, 1, 0 };
	const uint8_t beyond[] = { 2, 5, 1, 0 };
	const uint8_t wrong[] = { 2, 3, 1, 3, 3, 6 };

	tcp_parse_options(&to, zero, sizeof(zero), true);
	assert_int_equal(to.to_flags, 0);
	tcp_parse_options(&to, beyond, sizeof(beyond), true);
	assert_int_equal(to.to_flags, 0);
	tcp_parse_options(&to, beyond, 1, true);
	assert_int_equal(to.to_flags, 0);
	/* Known, of the wrong size: only this one is left out. */
	tcp_parse_options(&to, wrong, sizeof(wrong), true);
	assert_int_equal(to.to_flags, TOF_SCALE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_of_a_syn_are_all_read),
		cmocka_unit_test(test_window_scale_is_cut_at_fourteen),
		cmocka_unit_test(
		    test_unknown_options_are_skipped_and_the_end_is_the_end),
		cmocka_unit_test(test_broken_lengths_end_the_reading),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
