/* The histogram's percentiles against those of the sorted values. */
#include "ktest.h"

#include <stdlib.h>
#include <string.h>

#include <ktsim/base/hdr.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/prng.h>

static struct hdr h;

static int
cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y ? -1 : x > y);
}

/* Sorted: the value at which the share is full. */
static uint64_t
exact(const uint64_t *v, size_t n, uint32_t ppm)
{
	size_t want = (n * ppm + 999999) / 1000000;

	return (v[want > 0 ? want - 1 : 0]);
}

static void
test_percentiles_are_those_of_the_sorted_values(void **state)
{
	static const uint32_t ppms[] = { 0, 1, 500000, 900000, 990000, 999000,
		999999, 1000000 };
	enum { N = 5000 };
	static uint64_t v[N];
	uint64_t want, got, sum = 0;
	struct prng r;

	memset(&h, 0, sizeof(h));
	prng_init(&r, 1, "hdr");
	for (int i = 0; i < N; i++) {
		/* From some to 2^60: all powers of two alike. */
		v[i] = prng_u64(&r) >> (4 + prng_below(&r, 56));
		hdr_add(&h, v[i]);
		sum += v[i] / N;
	}
	qsort(v, N, sizeof(v[0]), cmp);
	for (size_t i = 0; i < nitems(ppms); i++) {
		want = exact(v, N, ppms[i]);
		got = hdr_percentile(&h, ppms[i]);
		assert_true(got >= want);
		assert_true(got - want <= want >> HDR_SUB);
	}
	assert_int_equal(hdr_percentile(&h, 1000000), v[N - 1]);
	assert_true(h.h_count == N);
	assert_int_equal(h.h_min, v[0]);
	assert_int_equal(h.h_max, v[N - 1]);
	assert_true(hdr_mean(&h) - sum <= N);
}

static void
test_small_values_are_exact_and_large_ones_have_room(void **state)
{
	memset(&h, 0, sizeof(h));
	assert_int_equal(hdr_percentile(&h, 500000), 0);
	assert_int_equal(hdr_mean(&h), 0);
	for (uint64_t i = 0; i < 256; i++)
		hdr_add(&h, i);
	for (uint32_t i = 0; i < 256; i++)
		assert_int_equal(hdr_percentile(&h, (i + 1) * 1000000 / 256),
		    i);
	memset(&h, 0, sizeof(h));
	hdr_add(&h, 0);
	hdr_add(&h, UINT64_MAX);
	assert_int_equal(hdr_percentile(&h, 500000), 0);
	assert_int_equal(hdr_percentile(&h, 500001), UINT64_MAX);
	assert_int_equal(hdr_mean(&h), UINT64_MAX / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_percentiles_are_those_of_the_sorted_values),
		cmocka_unit_test(
		    test_small_values_are_exact_and_large_ones_have_room),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
