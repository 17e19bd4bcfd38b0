/* The modelled accelerator alone: time, order, the full queue, a failure. */
#include "support/ktest.h"

#include <errno.h>
#include <stdio.h>

#include <ktsim/base/kassert.h>
#include <ktsim/opencrypto/crypto_accel.h>
#include <ktsim/sim/engine.h>

#include "support/kpanic.h"

#define US SIM_US

static struct engine *en;
static struct crypto_accel *ac;
static struct crypto_op ops[8];
static struct {
	unsigned op;
	int error;
	simtime_t when;
} came[16];
static unsigned ncame;

static void
done(void *arg, int error)
{
	came[ncame].op = (unsigned)((struct crypto_op *)arg - ops);
	came[ncame].error = error;
	came[ncame++].when = engine_timebase(en)->tb_now;
}

/* 1000 bytes take an engine 8 us. */
static void
begin(uint32_t depth, uint32_t engines, uint64_t fail_op)
{
	struct crypto_accel_params p = { .ca_depth = depth,
		.ca_engines = engines,
		.ca_rate_bps = 1000000000,
		.ca_latency = 5 * US,
		.ca_fail_op = fail_op };

	en = engine_create();
	ac = crypto_accel_create(engine_timebase(en), &p);
	ncame = 0;
	for (unsigned i = 0; i < nitems(ops); i++)
		crypto_op_init(&ops[i], ac, done, &ops[i]);
}

static void
end(void)
{
	(void)engine_run(en, SIM_NEVER - 1);
	crypto_accel_destroy(ac);
	engine_destroy(en);
}

static void
is(unsigned i, unsigned op, int error, simtime_t when)
{
	assert_int_equal(came[i].op, op);
	assert_int_equal(came[i].error, error);
	assert_int_equal(came[i].when, when);
}

static void
test_one_engine_works_in_order_and_tells_after_its_latency(void **state)
{
	begin(8, 1, 0);
	crypto_accel_dispatch(&ops[0], 1000);
	crypto_accel_dispatch(&ops[1], 500);
	(void)engine_run(en, SIM_NEVER - 1);
	is(0, 0, 0, 13 * US);
	is(1, 1, 0, 17 * US);
	/* An engine that was idle begins now, not in the past. */
	crypto_accel_dispatch(&ops[2], 1000);
	(void)engine_run(en, SIM_NEVER - 1);
	is(2, 2, 0, 17 * US + 13 * US);
	end();
}

static void
test_two_engines_finish_in_another_order(void **state)
{
	begin(8, 2, 0);
	crypto_accel_dispatch(&ops[0], 4000);
	crypto_accel_dispatch(&ops[1], 1000);
	crypto_accel_dispatch(&ops[2], 1000);
	(void)engine_run(en, SIM_NEVER - 1);
	is(0, 1, 0, 13 * US);
	is(1, 2, 0, 21 * US);
	is(2, 0, 0, 37 * US);
	end();
}

static void
test_a_full_queue_is_eagain_after_the_latency(void **state)
{
	begin(2, 1, 0);
	for (unsigned i = 0; i < 3; i++)
		crypto_accel_dispatch(&ops[i], 1000);
	assert_int_equal(crypto_accel_stats(ac)->inside, 2);
	(void)engine_run(en, 5 * US);
	is(0, 2, EAGAIN, 5 * US);
	assert_int_equal(crypto_accel_stats(ac)->inside, 2);
	(void)engine_run(en, 13 * US);
	is(1, 0, 0, 13 * US);
	crypto_accel_dispatch(&ops[2], 1000); /* now there is room */
	(void)engine_run(en, SIM_NEVER - 1);
	is(2, 1, 0, 21 * US);
	is(3, 2, 0, 29 * US);
	assert_int_equal(crypto_accel_stats(ac)->ops, 3);
	assert_int_equal(crypto_accel_stats(ac)->refused, 1);
	assert_int_equal(crypto_accel_stats(ac)->inside, 0);
	assert_int_equal(crypto_accel_stats(ac)->inside_max, 2);
	end();
}

/* Refused ones are not counted: the second that was taken fails. */
static void
test_the_nth_operation_that_was_taken_fails(void **state)
{
	begin(1, 1, 2);
	crypto_accel_dispatch(&ops[0], 1000);
	crypto_accel_dispatch(&ops[1], 1000);
	(void)engine_run(en, SIM_NEVER - 1);
	is(0, 1, EAGAIN, 5 * US);
	is(1, 0, 0, 13 * US);
	crypto_accel_dispatch(&ops[1], 1000);
	crypto_accel_dispatch(&ops[2], 1000);
	(void)engine_run(en, SIM_NEVER - 1);
	is(2, 2, EAGAIN, 18 * US);
	is(3, 1, EIO, 26 * US);
	end();
}

static void
test_it_may_not_go_with_operations_inside(void **state)
{
	begin(1, 1, 0);
	crypto_accel_dispatch(&ops[0], 1000);
	EXPECT_PANIC_VOID(crypto_accel_destroy(ac), "operations inside");
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_one_engine_works_in_order_and_tells_after_its_latency),
		cmocka_unit_test(test_two_engines_finish_in_another_order),
		cmocka_unit_test(test_a_full_queue_is_eagain_after_the_latency),
		cmocka_unit_test(test_the_nth_operation_that_was_taken_fails),
		cmocka_unit_test(test_it_may_not_go_with_operations_inside),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
