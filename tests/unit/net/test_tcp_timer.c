/* Timeouts: how long each is, and what window probes do. */
#include "netwire.h"

#include "tcp_private.h"

static struct tw *w;
static struct tw_pair p;

static int
setup(void **state)
{
	memset(&p, 0, sizeof(p));
	w = tw_new(1, 0);
	tw_connect(w, &p, KAF_INET);
	return (0);
}

static int
teardown(void **state)
{
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	tw_free(w);
	return (0);
}

static void
test_backoff_doubles_the_timeout_up_to_its_limit(void **state)
{
	struct tcpcb *tp = tw_tp(&p.c);
	simtime_t slop = tcp_tune(tp)->rexmit_slop * SIM_MS;

	tp->t_srtt = SIM_SEC;
	tp->t_rttvar = SIM_SEC / 4;
	for (tp->t_rxtshift = 0; tp->t_rxtshift < 5; tp->t_rxtshift++) {
		tcp_set_rxtcur(tp);
		assert_true(
		    tp->t_rxtcur == ((2 * SIM_SEC) << tp->t_rxtshift) + slop);
	}
	tp->t_rxtshift = TCP_MAXRXTSHIFT;
	tcp_set_rxtcur(tp);
	assert_true(tp->t_rxtcur == 64 * SIM_SEC);
	tp->t_rxtshift = 0;
}

static void
test_timeout_is_never_under_the_minimum(void **state)
{
	struct tcpcb *tp = tw_tp(&p.c);

	tp->t_srtt = SIM_US;
	tp->t_rttvar = 0;
	assert_true(tcp_rexmtval(tp) == tcp_tune(tp)->rexmit_min * SIM_MS);
}

/* As a connection begins, and as one goes on whose estimate was given up. */
static void
test_without_an_estimate_it_is_all_in_the_variation(void **state)
{
	struct tcpcb *tp = tw_tp(&p.c);

	tp->t_srtt = 0;
	tp->t_rttvar = tcp_tune(tp)->rexmit_initial * SIM_MS / 4;
	assert_true(tcp_rexmtval(tp) == tcp_tune(tp)->rexmit_initial * SIM_MS);
	tp->t_rttvar = 15 * SIM_MS;
	assert_true(tcp_rexmtval(tp) == 60 * SIM_MS);
}

static void
test_closed_window_is_probed_less_and_less_often(void **state)
{
	struct tcpcb *tp = tw_tp(&p.s);
	uint64_t early, late;

	p.c.stop_reading = true;
	p.s.to_send = 1000000;
	tw_app_kick(&p.s);
	tw_run(w, 60 * SIM_SEC);
	early = tcp_stats(w->b.v)->persisttimeo;
	assert_true(early >= 2);
	assert_true(callout_active(&tp->t_persist));
	assert_false(callout_active(&tp->t_rexmt));
	tw_run(w, 60 * SIM_SEC);
	late = tcp_stats(w->b.v)->persisttimeo - early;
	assert_true(late >= 1);
	assert_true(late < early);
	assert_int_equal(tp->t_state, TCPS_ESTABLISHED);
	p.c.stop_reading = false;
	tw_app_kick(&p.c);
	tw_run(w, 60 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 1000000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_backoff_doubles_the_timeout_up_to_its_limit),
		T(test_timeout_is_never_under_the_minimum),
		T(test_without_an_estimate_it_is_all_in_the_variation),
		T(test_closed_window_is_probed_less_and_less_often),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
