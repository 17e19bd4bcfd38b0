/* Signals reach a run through libevent, at the next poll and not before. */
#include "ktest.h"

#include <signal.h>

#include "cli.h"

static void
test_poll_goes_on_until_a_signal_came(void **state)
{
	static const int sigs[] = { SIGINT, SIGTERM };
	struct progress *pg;

	for (int i = 0; i < 2; i++) {
		pg = progress_start(false);
		for (int n = 0; n < 10; n++)
			assert_false(progress_poll(pg, 0, SIM_SEC));
		raise(sigs[i]);
		assert_true(progress_poll(pg, 0, SIM_SEC));
		assert_true(progress_poll(pg, 0, SIM_SEC)); /* stays */
		progress_end(pg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_poll_goes_on_until_a_signal_came),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
