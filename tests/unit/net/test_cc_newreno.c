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
	cc_newreno.conn_init(tp);
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
	cc_newreno.conn_init(tp);
	assert_int_equal(tp->snd_cwnd, MSS);
}

static void
test_slow_start_grows_by_what_is_acknowledged(void **state)
{
	cc_newreno.ack_received(tp, MSS);
	assert_int_equal(tp->snd_cwnd, 11 * MSS);
	/* Two segments per ACK at most, one behind a timeout. */
	cc_newreno.ack_received(tp, 5 * MSS);
	assert_int_equal(tp->snd_cwnd, 13 * MSS);
	tp->snd_nxt = tp->snd_una;
	cc_newreno.ack_received(tp, 5 * MSS);
	assert_int_equal(tp->snd_cwnd, 14 * MSS);
}

static void
test_congestion_avoidance_grows_by_a_segment_per_window(void **state)
{
	tp->snd_ssthresh = tp->snd_cwnd;
	for (int i = 0; i < 9; i++)
		cc_newreno.ack_received(tp, MSS);
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
	cc_newreno.ack_received(tp, MSS);
	assert_int_equal(tp->snd_cwnd, 11 * MSS);
	assert_int_equal(tp->t_bytes_acked, 0);
}

static void
test_window_of_the_peer_stops_the_growth(void **state)
{
	tp->snd_wnd = 9 * MSS;
	cc_newreno.ack_received(tp, MSS);
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
}

static void
test_recovery_halves_what_is_in_flight(void **state)
{
	cc_newreno.enter_recovery(tp);
	assert_int_equal(tp->snd_ssthresh, 10 * MSS);
	cc_newreno.post_recovery(tp);
	assert_int_equal(tp->snd_cwnd, 10 * MSS);
	/* Little in flight: no burst afterwards. */
	tp->snd_una = tp->snd_max - 3 * MSS;
	cc_newreno.post_recovery(tp);
	assert_int_equal(tp->snd_cwnd, 4 * MSS);
	/* Never under two segments. */
	cc_newreno.enter_recovery(tp);
	assert_int_equal(tp->snd_ssthresh, 2 * MSS);
}

static void
test_timeout_begins_again_with_one_segment(void **state)
{
	tp->t_rxtshift = 1;
	cc_newreno.rto(tp);
	assert_int_equal(tp->snd_cwnd, MSS);
	assert_int_equal(tp->snd_ssthresh, 10 * MSS);
	/* The second timeout in a row does not halve again. */
	tp->t_rxtshift = 2;
	tp->snd_una = tp->snd_max - 8 * MSS;
	cc_newreno.rto(tp);
	assert_int_equal(tp->snd_ssthresh, 10 * MSS);
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
		T(test_recovery_halves_what_is_in_flight),
		T(test_timeout_begins_again_with_one_segment),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
