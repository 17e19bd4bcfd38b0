/* Virtual time against a clock that is the test's. */
#include "ktest.h"

#include "pace.h"

#define START 5000000000ULL /* the clock need not begin at 0 */
#define MS    1000000ULL

static struct pace pa;

static int
setup(void **state)
{
	pace_start(&pa, START);
	return (0);
}

static void
test_time_is_the_clocks_while_nothing_is_late(void **state)
{
	assert_int_equal(pace_target(&pa, START, SIM_NEVER), 0);
	assert_int_equal(pace_target(&pa, START + 7 * MS, SIM_NEVER),
	    7 * SIM_MS);
	/* The next event is to come, or late by no more than the slack. */
	assert_int_equal(pace_target(&pa, START + 8 * MS, 9 * SIM_MS),
	    8 * SIM_MS);
	assert_int_equal(pace_target(&pa, START + 10 * MS, 8 * SIM_MS),
	    10 * SIM_MS);
	assert_int_equal(pa.pa_lag, 0);
}

static void
test_what_was_lost_is_not_caught_up(void **state)
{
	/* An event of 10 ms is found at 60 ms: the machine was busy. */
	assert_int_equal(pace_target(&pa, START + 60 * MS, 10 * SIM_MS),
	    12 * SIM_MS);
	assert_int_equal(pa.pa_lag, 48 * SIM_MS);
	/* A timer of 30 ms still has its 18 ms to go. */
	assert_int_equal(pace_target(&pa, START + 61 * MS, 30 * SIM_MS),
	    13 * SIM_MS);
	assert_int_equal(pace_wait(&pa, START + 61 * MS, 30 * SIM_MS), 17 * MS);
	assert_int_equal(pa.pa_lag, 48 * SIM_MS);
}

static void
test_time_never_goes_back(void **state)
{
	simtime_t last = 0, t;

	for (uint64_t i = 0; i < 1000; i++) {
		/* Always busy: the next event is where time has come to. */
		t = pace_target(&pa, START + i * 3 * MS, last);
		assert_true(t >= last);
		assert_true(t <= i * 3 * SIM_MS);
		last = t;
	}
	/* 2 ms of virtual time for each 3 ms. */
	assert_int_equal(last + pa.pa_lag, 999 * 3 * SIM_MS);
	assert_int_equal(last, 999 * 2 * SIM_MS);
}

static void
test_waiting(void **state)
{
	assert_int_equal(pace_wait(&pa, START + 5 * MS, 5 * SIM_MS), 0);
	assert_int_equal(pace_wait(&pa, START + 5 * MS, 1), 0);
	/* Rounded up: not too early. */
	assert_int_equal(pace_wait(&pa, START, 1), 1);
	assert_int_equal(pace_wait(&pa, START, SIM_NS + 1), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    test_time_is_the_clocks_while_nothing_is_late, setup),
		cmocka_unit_test_setup(test_what_was_lost_is_not_caught_up,
		    setup),
		cmocka_unit_test_setup(test_time_never_goes_back, setup),
		cmocka_unit_test_setup(test_waiting, setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
