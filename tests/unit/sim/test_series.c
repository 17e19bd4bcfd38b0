/* Quantities over time: sums and levels, and what is kept when bins widen. */
#include "ktest.h"

#include <ktsim/sim/series.h>

#define BIN ((simtime_t)1 << SERIES_SHIFT)

static void
test_sums_in_whole_and_in_part(void **state)
{
	struct series s = { 0 };

	series_add(&s, 0, 10);
	series_add(&s, BIN - 1, 20);
	series_add(&s, 5 * BIN, 100);
	assert_int_equal(s.s_n, 2); /* nothing is kept of what is between */
	assert_int_equal(series_width(&s), BIN);
	assert_int_equal(series_at(&s, 1), 5 * BIN);
	assert_int_equal(series_sum(&s, 0, BIN), 30);
	assert_int_equal(series_sum(&s, BIN, 5 * BIN), 0);
	assert_int_equal(series_sum(&s, 0, SIM_NEVER), 130);
	assert_int_equal(series_sum(&s, BIN / 2, BIN), 15);
	assert_int_equal(series_sum(&s, 5 * BIN + BIN / 4, 5 * BIN + BIN / 2),
	    25);
	assert_int_equal(series_sum(&s, 6 * BIN, 9 * BIN), 0);
	series_fini(&s);
	assert_int_equal(series_sum(&s, 0, SIM_NEVER), 0);
}

static void
test_levels_stay(void **state)
{
	struct series s = { .s_level = true };

	assert_int_equal(series_level(&s, BIN), 0);
	series_add(&s, 2 * BIN, 1);
	series_add(&s, 2 * BIN + 1, 7);
	series_add(&s, 9 * BIN, 3);
	assert_int_equal(series_level(&s, BIN), 0);
	assert_int_equal(series_level(&s, 2 * BIN), 7);
	assert_int_equal(series_level(&s, 8 * BIN), 7);
	assert_int_equal(series_level(&s, 100 * BIN), 3);
	series_fini(&s);
}

/* Memory is bounded, and no byte is lost for that. */
static void
test_bins_widen(void **state)
{
	struct series sum = { 0 }, level = { .s_level = true };
	uint64_t n = 3 * SERIES_BINS;

	for (uint64_t i = 0; i < n; i++) {
		series_add(&sum, i * BIN, i);
		series_add(&level, i * BIN, i);
		assert_true(sum.s_n <= SERIES_BINS);
	}
	assert_int_equal(series_width(&sum), 4 * BIN);
	assert_int_equal(series_sum(&sum, 0, SIM_NEVER), n * (n - 1) / 2);
	assert_int_equal(series_sum(&sum, 4 * BIN, 8 * BIN), 4 + 5 + 6 + 7);
	assert_int_equal(series_level(&level, 4 * BIN), 7);
	assert_int_equal(series_level(&level, n * BIN), n - 1);
	series_fini(&sum);
	series_fini(&level);
}

/* Long silence costs nothing: bins stay as narrow as they are. */
static void
test_silence_is_free(void **state)
{
	struct series s = { 0 };

	for (uint64_t i = 0; i < SERIES_BINS; i++)
		series_add(&s, i * SIM_SEC, 1);
	assert_int_equal(series_width(&s), BIN);
	/* Far apart, neighbours do not become one before bins are wide. */
	series_add(&s, (simtime_t)SERIES_BINS * SIM_SEC, 1);
	assert_true(s.s_n <= SERIES_BINS);
	assert_int_equal(series_sum(&s, 0, SIM_NEVER), SERIES_BINS + 1);
	series_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_in_whole_and_in_part),
		cmocka_unit_test(test_levels_stay),
		cmocka_unit_test(test_bins_widen),
		cmocka_unit_test(test_silence_is_free),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
