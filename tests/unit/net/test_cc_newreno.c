/* NewReno on a control block by itself: the window after each event. */
#include "netwire.h"

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
	tp->snd_scale = 8;
	tp->snd_wnd = 1000 * MSS;
	tp->snd_una = 5000;
	tp->snd_nxt = tp->snd_max = 5000 + 20 * MSS;
	cc_choose(tp, &cc_newreno);
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

static void
test_initial_window_is_ten_segments_or_one_after_lost_syns(void **state)
{
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
	tp->t_rxtshift = 2;
	cc_conn_init(tp);
	assert_int_equal(tp->snd_cwnd, MSS);
}

static void
test_slow_start_grows_by_what_is_acknowledged(void **state)
{
	cc_ack_received(tp, MSS);
	assert_int_equal(tp->snd_cwnd, 11 * MSS);
	/* Two segments per ACK at most, one behind a timeout. */
	cc_ack_received(tp, 5 * MSS);
	assert_int_equal(tp->snd_cwnd, 13 * MSS);
	tp->snd_nxt = tp->snd_una;
	cc_ack_received(tp, 5 * MSS);
	assert_int_equal(tp->snd_cwnd, 14 * MSS);
}

static void
test_congestion_avoidance_grows_by_a_segment_per_window(void **state)
{
	tp->snd_ssthresh = tp->snd_cwnd - 1;
	for (int i = 0; i < 9; i++)
		cc_ack_received(tp, MSS);
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
	cc_ack_received(tp, MSS);
	assert_int_equal(tp->snd_cwnd, 11 * MSS);
	assert_int_equal(tp->t_bytes_acked, 0);
}

static void
test_window_of_the_peer_stops_the_growth(void **state)
{
	tp->snd_wnd = 9 * MSS;
	cc_ack_received(tp, MSS);
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
}

static void
test_loss_halves_the_window_once(void **state)
{
	tp->snd_cwnd = 20 * MSS;
	cc_cong_signal(tp, CC_NDUPACK);
	assert_int_equal(tp->snd_ssthresh, 10 * MSS);
	assert_int_equal(tp->snd_recover, tp->snd_max);
	assert_true(IN_FASTRECOVERY(tp->t_flags));
	/* Another signal in the same window of data changes nothing. */
	cc_cong_signal(tp, CC_NDUPACK);
	assert_int_equal(tp->snd_ssthresh, 10 * MSS);
	cc_post_recovery(tp);
	assert_false(IN_RECOVERY(tp->t_flags));
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
}

static void
test_out_of_recovery_with_little_in_flight_there_is_no_burst(void **state)
{
	tp->snd_cwnd = 20 * MSS;
	cc_cong_signal(tp, CC_NDUPACK);
	tp->snd_una = tp->snd_max - 3 * MSS;
	cc_post_recovery(tp);
	assert_int_equal(tp->snd_cwnd, 4 * MSS);
	/* Never under two segments. */
	tp->snd_cwnd = 3 * MSS;
	cc_cong_signal(tp, CC_NDUPACK);
	assert_int_equal(tp->snd_ssthresh, 2 * MSS);
}

static void
test_mark_halves_the_window_at_once_and_once_per_window(void **state)
{
	tp->t_flags2 |= TF2_ECN_PERMIT;
	tp->snd_cwnd = 20 * MSS;
	cc_cong_signal(tp, CC_ECN);
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
	assert_true((tp->t_flags2 & TF2_ECN_SND_CWR) != 0);
	assert_true(IN_CONGRECOVERY(tp->t_flags));
	assert_false(IN_FASTRECOVERY(tp->t_flags));
	tp->t_flags2 &= ~TF2_ECN_SND_CWR;
	cc_cong_signal(tp, CC_ECN);
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
	assert_true((tp->t_flags2 & TF2_ECN_SND_CWR) == 0);
	/* A loss in the same window does not reduce a second time. */
	cc_cong_signal(tp, CC_NDUPACK);
	assert_int_equal(tp->snd_ssthresh, 10 * MSS);
	assert_true(IN_FASTRECOVERY(tp->t_flags));
}

static void
test_timeout_begins_again_with_one_segment(void **state)
{
	tp->snd_cwnd = 20 * MSS;
	tp->t_rxtshift = 1;
	cc_cong_signal(tp, CC_RTO);
	assert_int_equal(tp->snd_cwnd, MSS);
	assert_int_equal(tp->snd_ssthresh, 10 * MSS);
	/* The second timeout in a row does not halve again. */
	tp->t_rxtshift = 2;
	cc_cong_signal(tp, CC_RTO);
	assert_int_equal(tp->snd_ssthresh, 10 * MSS);
}

static void
test_idleness_ends_a_large_window_but_remembers_most_of_it(void **state)
{
	tp->snd_cwnd = 40 * MSS;
	tp->snd_ssthresh = 2 * MSS;
	cc_after_idle(tp);
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
	assert_int_equal(tp->snd_ssthresh, 30 * MSS);
	tp->snd_cwnd = 5 * MSS;
	cc_after_idle(tp);
	assert_int_equal(tp->snd_cwnd, 5 * MSS);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_initial_window_is_ten_segments_or_one_after_lost_syns),
		T(test_slow_start_grows_by_what_is_acknowledged),
		T(test_congestion_avoidance_grows_by_a_segment_per_window),
		T(test_window_of_the_peer_stops_the_growth),
		T(test_loss_halves_the_window_once),
		T(test_out_of_recovery_with_little_in_flight_there_is_no_burst),
		T(test_mark_halves_the_window_at_once_and_once_per_window),
		T(test_timeout_begins_again_with_one_segment),
		T(test_idleness_ends_a_large_window_but_remembers_most_of_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
