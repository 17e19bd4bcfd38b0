/* Virtual time: a total order, against a sorted list; and the job pool. */
#include "support/ktest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/prng.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/sim/engine.h>

#include "support/kpanic.h"

static struct engine *en;
static struct timebase *tb;
static char order[256];

static int
setup(void **state)
{
	en = engine_create();
	tb = engine_timebase(en);
	order[0] = '\0';
	return (0);
}

static int
teardown(void **state)
{
	engine_destroy(en);
	return (0);
}

static void
note(void *arg)
{
	strcat(order, arg);
}

static void
ev(struct sim_event *e, enum event_class c, const char *name)
{
	sim_event_init(e, c, "note", note, (void *)(uintptr_t)name);
}

static void
test_events_fire_by_time_then_class_then_posting(void **state)
{
	struct sim_event e[5];

	ev(&e[0], EV_APP, "a");
	ev(&e[1], EV_TASK, "t");
	ev(&e[2], EV_TASK, "u");
	ev(&e[3], EV_WIRE, "w");
	ev(&e[4], EV_APP, "0");
	timebase_post(tb, &e[0], 10);
	timebase_post(tb, &e[2], 10);
	timebase_post(tb, &e[1], 10);
	timebase_post(tb, &e[3], 10);
	timebase_post(tb, &e[4], 9);
	assert_int_equal(engine_run(en, 100), ENGINE_QUIET);
	assert_string_equal(order, "0wuta");
	assert_int_equal(engine_events(en), 5);
}

static void
test_moving_an_event_posts_it_anew(void **state)
{
	struct sim_event a, b;

	ev(&a, EV_TASK, "a");
	ev(&b, EV_TASK, "b");
	timebase_post(tb, &a, 5);
	timebase_post(tb, &b, 7);
	timebase_post(tb, &a, 7); /* now behind b */
	assert_true(sim_event_pending(&a));
	(void)engine_run(en, 100);
	assert_string_equal(order, "ba");
	assert_false(sim_event_pending(&a));
	timebase_post(tb, &a, 200);
	timebase_cancel(tb, &a);
	timebase_cancel(tb, &a);
	assert_false(sim_event_pending(&a));
	assert_int_equal(engine_run(en, 300), ENGINE_QUIET);
	assert_string_equal(order, "ba");
}

static void
test_the_horizon_is_kept_and_the_run_goes_on(void **state)
{
	struct sim_event a;

	ev(&a, EV_TASK, "a");
	timebase_post(tb, &a, 50);
	assert_int_equal(engine_run(en, 49), ENGINE_HORIZON);
	assert_true(tb->tb_now == 49);
	assert_false(engine_step(en, 49));
	assert_int_equal(engine_run(en, 50), ENGINE_QUIET);
	assert_true(tb->tb_now == 50);
	assert_string_equal(order, "a");
	EXPECT_PANIC_VOID(timebase_post(tb, &a, 49), "into the past");
}

static unsigned fired;

static void
again(void *arg)
{
	struct sim_event *e = arg;

	assert_false(sim_event_pending(e));
	assert_string_equal(engine_current(en), "again");
	if (++fired == 5)
		engine_stop(en);
	timebase_post_in(tb, e, fired == 3 ? 0 : 10);
}

static void
test_a_handler_may_post_itself_and_stop_the_run(void **state)
{
	struct sim_event e;

	fired = 0;
	sim_event_init(&e, EV_TASK, "again", again, &e);
	timebase_post(tb, &e, 0);
	assert_int_equal(engine_run(en, 1000), ENGINE_STOPPED);
	assert_int_equal(fired, 5);
	assert_true(tb->tb_now == 30);
	assert_null(engine_current(en));
	timebase_cancel(tb, &e);
}

/* --- random --- */

#define N 200

static struct {
	struct sim_event e;
	bool pending;
	simtime_t when;
	uint64_t posted;
} r_ev[N];
static uint64_t r_posts;
static struct prng rnd;

static bool
before(unsigned a, unsigned b)
{
	if (r_ev[a].when != r_ev[b].when)
		return (r_ev[a].when < r_ev[b].when);
	if (r_ev[a].e.ev_class != r_ev[b].e.ev_class)
		return (r_ev[a].e.ev_class < r_ev[b].e.ev_class);
	return (r_ev[a].posted < r_ev[b].posted);
}

static void
random_op(void)
{
	unsigned i = (unsigned)prng_below(&rnd, N);

	if (prng_below(&rnd, 4) == 0) {
		timebase_cancel(tb, &r_ev[i].e);
		r_ev[i].pending = false;
		return;
	}
	r_ev[i].when = tb->tb_now + prng_below(&rnd, 50);
	r_ev[i].posted = ++r_posts;
	r_ev[i].pending = true;
	timebase_post(tb, &r_ev[i].e, r_ev[i].when);
}

static void
r_fire(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	assert_true(r_ev[me].pending);
	assert_true(r_ev[me].when == tb->tb_now);
	for (unsigned i = 0; i < N; i++)
		if (i != me && r_ev[i].pending)
			assert_true(before(me, i));
	r_ev[me].pending = false;
	fired++;
	for (uint64_t k = prng_below(&rnd, 3); k > 0 && fired < 20000; k--)
		random_op();
}

static void
test_random_posts_moves_and_cancels_agree_with_a_sorted_list(void **state)
{
	fired = 0;
	prng_init(&rnd, 1, "test_engine");
	for (unsigned i = 0; i < N; i++) {
		sim_event_init(&r_ev[i].e,
		    (enum event_class)prng_below(&rnd, EV_NCLASSES), "r",
		    r_fire, (void *)(uintptr_t)i);
		r_ev[i].pending = false;
	}
	for (int k = 0; k < 100; k++) {
		for (int i = 0; i < 100; i++)
			random_op();
		(void)engine_run(en, tb->tb_now + 100);
		for (unsigned i = 0; i < N; i++)
			assert_int_equal(r_ev[i].pending,
			    sim_event_pending(&r_ev[i].e));
	}
	assert_true(fired > 5000);
	for (unsigned i = 0; i < N; i++)
		timebase_cancel(tb, &r_ev[i].e);
}

/* --- jobs --- */

struct work {
	struct job job;
	uint64_t in, out, times;
	unsigned slot;
};

static void
work(struct job *job, unsigned slot)
{
	struct work *w = (struct work *)(void *)job;

	w->out = w->in * w->in;
	w->times++;
	w->slot = slot;
}

static void
test_every_job_is_done_once_with_any_number_of_threads(void **state)
{
	static const unsigned threads[] = { 0, 1, 8 };
	static struct work w[500];

	for (unsigned t = 0; t < 3; t++) {
		struct jobpool *jp = hostpool_create(threads[t]);

		assert_true(jp->jp_slots >= 1);
		memset(w, 0, sizeof(w));
		for (unsigned round = 1; round <= 3; round++) {
			for (unsigned i = 0; i < nitems(w); i++) {
				w[i].job.job_run = work;
				w[i].in = i * round;
				jobpool_submit(jp, &w[i].job);
			}
			for (unsigned i = nitems(w); i-- > 0;) {
				jobpool_wait(jp, &w[i].job);
				assert_true(w[i].out ==
				    (uint64_t)i * round * i * round);
				assert_true(w[i].times == round);
				assert_true(w[i].slot < jp->jp_slots);
			}
		}
		hostpool_destroy(jp);
	}
}

static void
test_without_threads_nothing_is_done_before_it_is_waited_for(void **state)
{
	struct jobpool *jp = hostpool_create(0);
	struct work w = { .job.job_run = work, .in = 3 };

	jobpool_submit(jp, &w.job);
	assert_true(w.out == 0);
	w.in = 4; /* breaking the rule shows */
	jobpool_wait(jp, &w.job);
	assert_true(w.out == 16);
	EXPECT_PANIC_VOID(jobpool_wait(jp, &w.job), "idle job");
	hostpool_destroy(jp);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static void
test_pending_events_as_text(void **state)
{
	struct strbuf sb = { 0 };
	struct sim_event e[3];

	assert_int_equal(engine_next(en), SIM_NEVER);
	engine_dump(en, &sb, 0);
	ev(&e[0], EV_APP, "a");
	ev(&e[1], EV_WIRE, "w");
	ev(&e[2], EV_TASK, "t");
	timebase_post(tb, &e[0], 2 * SIM_US);
	timebase_post(tb, &e[1], 2 * SIM_US);
	timebase_post(tb, &e[2], SIM_US / 2);
	assert_int_equal(engine_next(en), SIM_US / 2);
	engine_dump(en, &sb, 1);
	assert_string_equal(strbuf_str(&sb),
	    "events: 0 dispatched, 0 pending\n"
	    " events: 0 dispatched, 3 pending\n"
	    "   0.5us task: note\n   2us wire: note\n   2us app: note\n");
	/* Looking moved nothing. */
	(void)engine_run(en, SIM_SEC);
	assert_string_equal(order, "twa");
	strbuf_fini(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pending_events_as_text),
		T(test_events_fire_by_time_then_class_then_posting),
		T(test_moving_an_event_posts_it_anew),
		T(test_the_horizon_is_kept_and_the_run_goes_on),
		T(test_a_handler_may_post_itself_and_stop_the_run),
		T(test_random_posts_moves_and_cancels_agree_with_a_sorted_list),
		T(test_every_job_is_done_once_with_any_number_of_threads),
		T(test_without_threads_nothing_is_done_before_it_is_waited_for),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
