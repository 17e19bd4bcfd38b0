/* Random laws in integers, held against the mathematics. */
#include "ktest.h"

#include <math.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/laws.h>

static void
test_logarithms_and_powers_are_right(void **state)
{
	static const uint64_t xs[] = { 1, 2, 3, 10, 1000, 65537, 123456789,
		UINT64_MAX };

	for (size_t i = 0; i < nitems(xs); i++)
		assert_true(fabs((double)fx_log2(xs[i]) / 0x1p32 -
				log2((double)xs[i])) < 1e-8);
	assert_int_equal(fx_log2(1), 0);
	assert_int_equal(fx_log2((uint64_t)1 << 63), 63 * FX_ONE);
	for (int i = 0; i <= 62; i++)
		assert_int_equal(fx_exp2(i * FX_ONE), (uint64_t)1 << i);
	for (double x = 30; x < 62; x += 0.37)
		assert_true(
		    fabs((double)fx_exp2((uint64_t)(x * 0x1p32)) / exp2(x) -
			1) < 1e-8);
}

static void
test_gaps_have_the_mean_and_the_tail_of_poisson(void **state)
{
	enum { N = 200000 };
	const uint64_t mean = 1000000;
	unsigned above[4] = { 0 };
	double sum = 0;
	struct prng r;
	uint64_t gap;

	prng_init(&r, 1, "gaps");
	for (int i = 0; i < N; i++) {
		gap = law_exponential(&r, mean);
		sum += (double)gap;
		for (unsigned k = 1; k < nitems(above); k++)
			above[k] += gap > k * mean;
	}
	assert_true(fabs(sum / N / (double)mean - 1) < 0.01);
	for (unsigned k = 1; k < nitems(above); k++)
		assert_true(
		    fabs((double)above[k] / N / exp(-(double)k) - 1) < 0.05);
	assert_int_equal(law_exponential(&r, 0), 0);
}

static void
zipf_is(double s, uint64_t ppb)
{
	enum { FILES = 50, N = 400000 };
	unsigned got[FILES] = { 0 };
	struct law_zipf z;
	double all = 0, want;
	struct prng r;

	law_zipf_init(&z, FILES, ppb);
	prng_init(&r, 2, "zipf");
	for (int i = 0; i < N; i++)
		got[law_zipf_draw(&z, &r)]++;
	for (int k = 1; k <= FILES; k++)
		all += pow(k, -s);
	for (int k = 1; k <= FILES; k++) {
		want = N * pow(k, -s) / all;
		assert_true(fabs(got[k - 1] - want) < 5 * sqrt(want) + 1);
	}
	law_zipf_fini(&z);
}

static void
test_zipf_wants_the_kth_so_much_less(void **state)
{
	zipf_is(0, 0);
	zipf_is(0.8, 800000000);
	zipf_is(1, 1000000000);
	zipf_is(3, 3000000000);
}

static void
test_zipf_of_many_has_room(void **state)
{
	struct law_zipf z;
	struct prng r;

	prng_init(&r, 3, "many");
	law_zipf_init(&z, 1 << 20, 0);
	for (int i = 0; i < 1000; i++)
		assert_true(law_zipf_draw(&z, &r) < 1 << 20);
	law_zipf_fini(&z);
	law_zipf_init(&z, 1 << 20, 3000000000);
	for (uint32_t k = 1; k < z.lz_n; k++)
		assert_true(z.lz_sums[k] >= z.lz_sums[k - 1]);
	law_zipf_fini(&z);
	law_zipf_init(&z, 1, 900000000);
	assert_int_equal(law_zipf_draw(&z, &r), 0);
	law_zipf_fini(&z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logarithms_and_powers_are_right),
		cmocka_unit_test(
		    test_gaps_have_the_mean_and_the_tail_of_poisson),
		cmocka_unit_test(test_zipf_wants_the_kth_so_much_less),
		cmocka_unit_test(test_zipf_of_many_has_room),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
