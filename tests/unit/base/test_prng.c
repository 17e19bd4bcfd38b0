/* Random streams: their numbers are part of every recorded run. */
#include "support/ktest.h"

#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/prng.h>

/* Changing these changes what every seed of every scenario means. */
static const struct {
	uint64_t seed;
	const char *name;
	uint64_t first[3];
} fixed[] = {
	{ 0, "",
	    { 0xb4be9deaf80c3569ULL, 0xe242fb6dea33eff9ULL,
		0x9f6a95426b9e25eaULL } },
	{ 0, "loss",
	    { 0x5f87c8e5c38e92c5ULL, 0x5ad20b64b01a0038ULL,
		0x62590a3202cae351ULL } },
	{ 0, "host.nonce",
	    { 0x3f66ee0bc0df4048ULL, 0x47037ebe715f7711ULL,
		0x0758b5aea6bfd229ULL } },
	{ 1000003, "",
	    { 0x477432ccf17795cbULL, 0x0036c21afe0132e5ULL,
		0x6f291c6d1b69cd3aULL } },
	{ 1000003, "loss",
	    { 0xe370837f4b316c05ULL, 0xe80e6b66e92dcff6ULL,
		0xb219ca0dca71f471ULL } },
	{ 1000003, "host.nonce",
	    { 0x4286bd446a67b271ULL, 0x83eea588d1c0bfecULL,
		0x4fa00a276d46bc3dULL } },
	{ 8000024, "",
	    { 0x1175e21561311cc2ULL, 0x9373a8d892ba88c2ULL,
		0x419fd1ca86811532ULL } },
	{ 8000024, "loss",
	    { 0xdb1aea02bdefab06ULL, 0x1c3596dcc0d56a42ULL,
		0x86c05b2afe2b34b0ULL } },
	{ 8000024, "host.nonce",
	    { 0x92ee034ad32e6088ULL, 0x6bad214f843db247ULL,
		0xc68913be2204c5d3ULL } },
};

static void
test_the_first_numbers_of_each_stream_never_change(void **state)
{
	struct prng r;

	for (unsigned i = 0; i < nitems(fixed); i++) {
		prng_init(&r, fixed[i].seed, fixed[i].name);
		for (int k = 0; k < 3; k++)
			assert_true(prng_u64(&r) == fixed[i].first[k]);
	}
}

static void
test_streams_of_other_names_are_other_streams(void **state)
{
	struct prng a, b;
	int same = 0;

	prng_init(&a, 1, "wire a");
	prng_init(&b, 1, "wire b");
	for (int i = 0; i < 1000; i++)
		same += prng_u64(&a) == prng_u64(&b);
	assert_int_equal(same, 0);
}

static void
test_below_is_uniform_and_in_range(void **state)
{
	static const uint64_t bounds[] = { 1, 2, 3, 7, 10, 64 };
	unsigned count[64];
	struct prng r;

	prng_init(&r, 5, "below");
	assert_true(prng_below(&r, 0) == 0);
	for (unsigned i = 0; i < nitems(bounds); i++) {
		memset(count, 0, sizeof(count));
		for (int k = 0; k < 64000; k++) {
			uint64_t x = prng_below(&r, bounds[i]);

			assert_true(x < bounds[i]);
			count[x]++;
		}
		for (unsigned k = 0; k < bounds[i]; k++)
			assert_in_range(count[k], 64000 / bounds[i] * 85 / 100,
			    64000 / bounds[i] * 115 / 100);
	}
	/* A remainder would double the chance of the lower half here. */
	count[0] = 0;
	for (int k = 0; k < 30000; k++)
		count[0] += prng_below(&r, 3ULL << 62) < 1ULL << 63;
	assert_in_range(count[0], 19400, 20600);
}

static void
test_chance_draws_one_number_whatever_the_odds(void **state)
{
	static const uint32_t odds[] = { 0, 1, 500000000, 1000000000 };
	struct prng a, b;

	prng_init(&a, 5, "chance");
	prng_init(&b, 5, "chance");
	for (unsigned i = 0; i < nitems(odds); i++)
		for (int k = 0; k < 100; k++) {
			bool hit = prng_chance(&a, odds[i]);

			if (odds[i] == 0)
				assert_false(hit);
			if (odds[i] == 1000000000)
				assert_true(hit);
			(void)prng_u64(&b);
		}
	assert_true(prng_u64(&a) == prng_u64(&b));
}

static void
test_chance_comes_as_often_as_it_says(void **state)
{
	unsigned hits = 0;
	struct prng r;

	prng_init(&r, 5, "odds");
	for (int i = 0; i < 100000; i++)
		hits += prng_chance(&r, 10000000); /* 1 % */
	assert_in_range(hits, 900, 1100);
}

static void
test_bytes_are_the_numbers_little_end_first(void **state)
{
	struct prng a, b;
	uint8_t buf[11];
	uint64_t x;

	prng_init(&a, 5, "bytes");
	prng_init(&b, 5, "bytes");
	prng_bytes(&a, buf, sizeof(buf));
	x = prng_u64(&b);
	for (int i = 0; i < 8; i++)
		assert_int_equal(buf[i], (uint8_t)(x >> (8 * i)));
	x = prng_u64(&b);
	for (int i = 0; i < 3; i++)
		assert_int_equal(buf[8 + i], (uint8_t)(x >> (8 * i)));
	assert_true(prng_u64(&a) == prng_u64(&b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_the_first_numbers_of_each_stream_never_change),
		cmocka_unit_test(test_streams_of_other_names_are_other_streams),
		cmocka_unit_test(test_below_is_uniform_and_in_range),
		cmocka_unit_test(
		    test_chance_draws_one_number_whatever_the_odds),
		cmocka_unit_test(test_chance_comes_as_often_as_it_says),
		cmocka_unit_test(test_bytes_are_the_numbers_little_end_first),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
