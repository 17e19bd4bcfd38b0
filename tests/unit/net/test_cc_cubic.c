/* CUBIC on a control block by itself, against the formulas of RFC 9438. */
#include "netwire.h"

#include <errno.h>
#include <math.h>

#include "tcp_private.h"

#define MSS 1000

static struct tw *w;
static struct socket *so;
static struct tcpcb *tp;

static int
setup(void **state)
{
	w = tw_new(1, 0);
	assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET, &so), 0);
	tp = sototcpcb(so);
	tp->t_flags &= ~TF_RCVD_TSTMP;
	tp->t_maxseg = MSS;
	tp->snd_scale = 14;
	tp->snd_wnd = 100000 * MSS;
	tp->snd_una = 5000;
	tp->snd_nxt = tp->snd_max = 5000 + 1000 * MSS;
	tp->t_srtt = 100 * SIM_MS;
	cc_choose(tp, &cc_cubic);
	cc_conn_init(tp);
	return (0);
}

static int
teardown(void **state)
{
	soclose(so);
	tw_free(w);
	return (0);
}

/* The second reduction of a connection, from cwnd segments. */
static void
reduce(uint32_t cwnd)
{
	tp->snd_cwnd = cwnd * MSS;
	tp->snd_ssthresh = MSS;
	cc_cong_signal(tp, CC_NDUPACK);
	cc_post_recovery(tp);
	tp->snd_cwnd = tp->snd_ssthresh + 1;
}

static void
nothing(void *arg)
{
}

/* Time passes only from event to event. */
static void
wait_for(simtime_t time)
{
	struct timebase *tb = w->a.v->v_tb;
	struct sim_event ev;

	sim_event_init(&ev, EV_APP, "tick", nothing, NULL);
	timebase_post_in(tb, &ev, time);
	tw_run(w, time);
}

/* ACKs of a whole window per round trip of 100 ms, for so long. */
static void
acks(simtime_t time)
{
	simtime_t end = timebase_now(w->a.v->v_tb) + time;
	uint32_t n;

	while (timebase_now(w->a.v->v_tb) < end) {
		n = tp->snd_cwnd / MSS;
		for (uint32_t i = 0; i < n; i++) {
			wait_for(100 * SIM_MS / n);
			cc_ack_received(tp, MSS);
		}
	}
}

static void
test_default_of_a_host_is_cubic(void **state)
{
	struct socket *so2;

	assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET, &so2), 0);
	assert_string_equal(sototcpcb(so2)->t_cc->name, "cubic");
	soclose(so2);
	assert_int_equal(sysctl_write(w->a.v, "net.inet.tcp.cc.algorithm", 0),
	    0);
	assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET, &so2), 0);
	assert_string_equal(sototcpcb(so2)->t_cc->name, "newreno");
	soclose(so2);
	assert_int_equal(sysctl_write(w->a.v, "net.inet.tcp.cc.algorithm", 2),
	    EINVAL);
}

static void
test_first_reduction_halves_later_ones_leave_seven_tenths(void **state)
{
	tp->snd_cwnd = 100 * MSS;
	cc_cong_signal(tp, CC_NDUPACK);
	assert_int_equal(tp->snd_ssthresh, 50 * MSS);
	assert_int_equal(tp->t_ccdata.cubic.now.cu_w_max, 70 * MSS);
	cc_post_recovery(tp);
	tp->snd_cwnd = 100 * MSS;
	cc_cong_signal(tp, CC_NDUPACK);
	assert_int_equal(tp->snd_ssthresh, 70 * MSS);
	assert_int_equal(tp->t_ccdata.cubic.now.cu_w_max, 100 * MSS);
	cc_post_recovery(tp);
	/* Below the last maximum: fast convergence. */
	tp->snd_cwnd = 80 * MSS;
	cc_cong_signal(tp, CC_NDUPACK);
	assert_int_equal(tp->snd_ssthresh, 56 * MSS);
	assert_int_equal(tp->t_ccdata.cubic.now.cu_w_max, 68 * MSS);
}

static void
test_window_follows_the_cubic_function(void **state)
{
	double k, t, want;

	reduce(1000);
	reduce(1000);
	k = cbrt((1000 - 700) / 0.4);
	cc_ack_received(tp, MSS); /* the epoch begins */
	assert_true(
	    fabs((double)tp->t_ccdata.cubic.now.cu_k_us / 1e6 - k) < 0.01);
	for (int i = 1; i <= 12; i++) {
		acks(SIM_SEC);
		t = (double)(timebase_now(w->a.v->v_tb) -
			tp->t_ccdata.cubic.now.cu_epoch) /
		    (double)SIM_SEC;
		want = 0.4 * pow(t - k, 3) + 1000;
		/* Within three per cent: it approaches its target. */
		assert_true(
		    fabs((double)tp->snd_cwnd / MSS - want) < 0.03 * want);
	}
}

static void
test_short_paths_get_what_reno_has(void **state)
{
	double want;

	/* Ten segments at 1 ms: the cubic function is flat for seconds. */
	tp->t_srtt = SIM_MS;
	reduce(20);
	reduce(20);
	want = (double)tp->snd_cwnd / MSS;
	for (int i = 0; i < 20; i++) {
		uint32_t n = tp->snd_cwnd / MSS;

		for (uint32_t j = 0; j < n; j++) {
			wait_for(SIM_MS / n);
			cc_ack_received(tp, MSS);
		}
		want += want < 20 ? 9.0 / 17 : 1;
	}
	assert_true(fabs((double)tp->snd_cwnd / MSS - want) < 1.5);
}

static void
test_timeout_then_slow_start_then_a_new_epoch(void **state)
{
	struct cubic_data *cu = &tp->t_ccdata.cubic.now;

	reduce(100);
	acks(SIM_SEC);
	tp->snd_cwnd = 100 * MSS;
	tp->t_rxtshift = 1;
	cc_cong_signal(tp, CC_RTO);
	assert_int_equal(tp->snd_cwnd, MSS);
	assert_int_equal(tp->snd_ssthresh, 70 * MSS);
	tp->snd_cwnd = 70 * MSS + 1;
	cc_ack_received(tp, MSS);
	assert_true(cu->cu_in_ca);
	assert_int_equal(cu->cu_w_max, 70 * MSS + 1);
	assert_int_equal(cu->cu_k_us, 0);
}

static void
test_timeout_that_was_a_mistake_restores_the_epoch(void **state)
{
	struct cubic_data before;

	reduce(100);
	acks(SIM_SEC);
	before = tp->t_ccdata.cubic.now;
	tp->snd_cwnd_prev = tp->snd_cwnd;
	tp->snd_ssthresh_prev = tp->snd_ssthresh;
	tp->t_rxtshift = 1;
	cc_cong_signal(tp, CC_RTO);
	cc_cong_signal(tp, CC_RTO_ERR);
	assert_int_equal(tp->snd_cwnd, tp->snd_cwnd_prev);
	assert_int_equal(tp->t_ccdata.cubic.now.cu_w_max, before.cu_w_max);
	assert_int_equal(tp->t_ccdata.cubic.now.cu_epoch, before.cu_epoch);
	assert_true(tp->t_ccdata.cubic.now.cu_in_ca);
}

static void
test_window_that_is_not_used_does_not_grow(void **state)
{
	uint32_t cwnd;

	reduce(1000);
	reduce(1000);
	cc_ack_received(tp, MSS);
	cwnd = tp->snd_cwnd;
	tp->snd_wnd = 10 * MSS;
	wait_for(20 * SIM_SEC);
	cc_ack_received(tp, MSS);
	assert_int_equal(tp->snd_cwnd, cwnd);
	/* And the time does not count afterwards. */
	tp->snd_wnd = 100000 * MSS;
	cc_ack_received(tp, MSS);
	assert_true(tp->snd_cwnd < cwnd + 2 * MSS);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_default_of_a_host_is_cubic),
		T(test_first_reduction_halves_later_ones_leave_seven_tenths),
		T(test_window_follows_the_cubic_function),
		T(test_short_paths_get_what_reno_has),
		T(test_timeout_then_slow_start_then_a_new_epoch),
		T(test_timeout_that_was_a_mistake_restores_the_epoch),
		T(test_window_that_is_not_used_does_not_grow),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
