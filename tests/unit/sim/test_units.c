/* Numbers with units and addresses: strict on the way in, short on the way out. */
#include "support/ktest.h"

#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/prng.h>
#include <ktsim/sim/scenario.h>

static void
expect_addr(const char *in, int family, int plen, const char *text)
{
	struct strbuf sb = { 0 };
	struct in_any a;
	int fam, len;

	if (parse_cidr(in, &fam, &a, &len) != 0)
		fail_msg("%s was refused", in);
	assert_int_equal(fam, family);
	assert_int_equal(len, plen);
	format_addr(fam, &a, &sb);
	assert_string_equal(strbuf_str(&sb), text);
	strbuf_fini(&sb);
}

static void
test_addresses_are_read_and_written_in_their_short_form(void **state)
{
	expect_addr("10.0.0.1/24", KAF_INET, 24, "10.0.0.1");
	expect_addr("255.255.255.255/32", KAF_INET, 32, "255.255.255.255");
	expect_addr("0.0.0.0/0", KAF_INET, 0, "0.0.0.0");
	expect_addr("::/0", KAF_INET6, 0, "::");
	expect_addr("::1/128", KAF_INET6, 128, "::1");
	expect_addr("1::/16", KAF_INET6, 16, "1::");
	expect_addr("fd00::1/64", KAF_INET6, 64, "fd00::1");
	expect_addr("FD00:0:0:1:0:0:0:1/64", KAF_INET6, 64, "fd00:0:0:1::1");
	expect_addr("1:2:3:4:5:6:7:8/64", KAF_INET6, 64, "1:2:3:4:5:6:7:8");
	expect_addr("1:0:3:4:5:6:7:8/64", KAF_INET6, 64, "1:0:3:4:5:6:7:8");
	expect_addr("1:2:3:4:5:6:7::/64", KAF_INET6, 64, "1:2:3:4:5:6:7:0");
	expect_addr("1:2:3:4:5:6::/64", KAF_INET6, 64, "1:2:3:4:5:6::");
}

static void
test_what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = { "", "/", "10.0.0.1", "10.0.0.1/",
		"10.0.0.1/33", "10.0.0/24", "10.0.0.256/24", "10.0.0.1.2/24",
		" 10.0.0.1/24", "10. 0.0.1/24", "+1.0.0.1/24", "-1.0.0.1/24",
		"10.0.0.1x/24", "10.0.0.1/-1", "fd00::1/129", "fd00::1::2/64",
		"1:2:3:4:5:6:7/64", "1:2:3:4:5:6:7:8:9/64", ":1::2/64",
		"fd00::1:/64", "fd00:::1/64", "0x1::/64", "12345::/64",
		"g::/64", "1: 2::/64", "+1::/64", "1:2:3:4:5:6:7:8::/64" };
	struct in_any a;
	int fam, len;

	for (unsigned i = 0; i < nitems(bad); i++)
		if (parse_cidr(bad[i], &fam, &a, &len) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
}

static void
test_random_ipv6_addresses_survive_the_round_trip(void **state)
{
	struct strbuf sb = { 0 };
	struct in_any a, c;
	struct prng r;
	int fam, len;

	prng_init(&r, 1, "test_units");
	for (int i = 0; i < 20000; i++) {
		prng_bytes(&r, a.a, 16);
		for (int w = 0; w < 8; w++)
			if (prng_below(&r, 2) == 0)
				memset(a.a + 2 * w, 0, 2);
		strbuf_clear(&sb);
		format_addr(KAF_INET6, &a, &sb);
		strbuf_adds(&sb, "/64");
		if (parse_cidr(strbuf_str(&sb), &fam, &c, &len) != 0)
			fail_msg("%s", strbuf_str(&sb));
		assert_memory_equal(a.a, c.a, 16);
	}
	strbuf_fini(&sb);
}

static void
test_numbers_want_their_units_and_come_out_whole(void **state)
{
	uint64_t v;

	assert_int_equal(parse_time("1.5 ms", &v), 0);
	assert_true(v == 1500 * SIM_US);
	assert_int_equal(parse_time("1ps", &v), 0);
	assert_int_equal(parse_time("0.5ps", &v), EINVAL);
	assert_int_equal(parse_time("5", &v), EINVAL);
	assert_int_equal(parse_time("ms", &v), EINVAL);
	assert_int_equal(parse_time("-1ms", &v), EINVAL);
	assert_int_equal(parse_time("1.2.3ms", &v), EINVAL);
	assert_int_equal(parse_time(".5ms", &v), EINVAL);
	assert_int_equal(parse_time("18446745s", &v), EINVAL);
	assert_int_equal(parse_rate("100Gbit/s", &v), 0);
	assert_true(v == 100000000000ULL);
	assert_int_equal(parse_rate("100G", &v), EINVAL);
	assert_int_equal(parse_size("8MiB", &v), 0);
	assert_true(v == 8 * 1024 * 1024);
	assert_int_equal(parse_size("8", &v), EINVAL);
	assert_int_equal(parse_percent("0.5%", &v), 0);
	assert_true(v == 5000000);
	assert_int_equal(parse_percent("0.5", &v), EINVAL);
	assert_int_equal(parse_uint("1_000", &v), 0);
	assert_true(v == 1000);
	assert_int_equal(parse_uint("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(parse_uint("18446744073709551616", &v), EINVAL);
	assert_int_equal(parse_uint("1x", &v), EINVAL);
}

static void
test_an_exact_time_has_all_its_digits(void **state)
{
	static const struct {
		simtime_t t;
		const char *text;
	} times[] = { { 0, "0 s" }, { 1, "1 ps" }, { 999, "999 ps" },
		{ SIM_NS + 1, "1.001 ns" }, { 10 * SIM_US, "10 us" },
		{ 8500219230, "8.50021923 ms" }, { SIM_SEC, "1 s" },
		{ 100 * SIM_SEC + 1, "100.000000000001 s" } };
	struct strbuf sb = { 0 };

	for (size_t i = 0; i < nitems(times); i++) {
		strbuf_clear(&sb);
		format_time_exact(times[i].t, &sb);
		assert_string_equal(strbuf_str(&sb), times[i].text);
	}
	strbuf_fini(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_addresses_are_read_and_written_in_their_short_form),
		cmocka_unit_test(test_what_is_no_address_is_refused),
		cmocka_unit_test(test_an_exact_time_has_all_its_digits),
		cmocka_unit_test(
		    test_random_ipv6_addresses_survive_the_round_trip),
		cmocka_unit_test(
		    test_numbers_want_their_units_and_come_out_whole),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
