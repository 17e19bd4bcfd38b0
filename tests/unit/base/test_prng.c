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
	    { 0x1e28178eedbf0f30ULL, 0x32dadb1a9e4a4d08ULL,
		0x4ef49088479a6d5cULL } },
	{ 0, "loss",
	    { 0xb22c02c319bed7b8ULL, 0x948d8552e64fbbfdULL,
		0x274f91fa81ad00deULL } },
	{ 0, "host.nonce",
	    { 0x19e79d72d9155561ULL, 0x2a62111f5dc9a088ULL,
		0xf0b4638bd0134afcULL } },
	{ 1000003, "",
	    { 0xec617f516e5d62feULL, 0xc48811b8b03a014cULL,
		0x9ed6605e49867216ULL } },
	{ 1000003, "loss",
	    { 0x6141f2bf7b1456d7ULL, 0x4c3a20901cfa86fcULL,
		0x53892a15b9782f10ULL } },
	{ 1000003, "host.nonce",
	    { 0x596c6e0df276daeeULL, 0xd94104785234525dULL,
		0x979876d1df8fa044ULL } },
	{ 8000024, "",
	    { 0xafee120907f53ce2ULL, 0xdb4eb5e3f33835b1ULL,
		0x2f053a8bb7cf83bfULL } },
	{ 8000024, "loss",
	    { 0xf8fa0ccf4a7d65c2ULL, 0xcc9e1ef26fd6eb54ULL,
		0x3161a5caea4e9f39ULL } },
	{ 8000024, "host.nonce",
	    { 0x6027dfea75956c4eULL, 0x4479a11a9c721e86ULL,
		0x699300927d48e789ULL } },
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

static void
test_fnv_agrees_with_its_published_vectors(void **state)
{
	assert_true(fnv1a64("", 0, FNV1A64_BASIS) == 0xcbf29ce484222325ULL);
	assert_true(fnv1a64("a", 1, FNV1A64_BASIS) == 0xaf63dc4c8601ec8cULL);
	assert_true(
	    fnv1a64("foobar", 6, FNV1A64_BASIS) == 0x85944171f73967e8ULL);
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
		cmocka_unit_test(test_fnv_agrees_with_its_published_vectors),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
