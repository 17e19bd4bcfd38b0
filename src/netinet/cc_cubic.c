/*
 * CUBIC (RFC 9438), FreeBSD's default: the window follows a cubic function of
 * the time since the last reduction, flat around the window at which that
 * happened, and is never smaller than what Reno would have.
 *
 *   W_cubic(t) = C (t - K)^3 + W_max     C = 0.4 segments/s^3
 *   K = cbrt((W_max - cwnd at the epoch's start) / C)
 *
 * As in FreeBSD the first reduction of a connection halves (slow start has
 * overshot by up to two), the later ones leave 0.7; slow start is NewReno's,
 * without HyStart++ (FreeBSD's default stack does not use it).
 *
 * Integers throughout: bytes, microseconds, 128 bits where they meet.
 */
#include <ktsim/base/kassert.h>

#include "tcp_private.h"

#define BETA(w)	 ((uint32_t)((uint64_t)(w)*7 / 10))
#define FC(w)	 ((uint32_t)((uint64_t)(w)*17 / 20)) /* (1 + beta) / 2 */
#define EST_ONE	 1024
#define DIFF_MAX 1000000000 /* us away from K: 17 minutes, then it is huge */

static uint64_t
cube_root(unsigned __int128 v)
{
	uint64_t lo = 0, hi = 1ULL << 40, mid;

	while (lo < hi) { /* the largest whose cube is not more than v */
		mid = (lo + hi + 1) / 2;
		if ((unsigned __int128)mid * mid * mid <= v)
			lo = mid;
		else
			hi = mid - 1;
	}
	return (lo);
}

/* Microseconds until the function is back at w_max, from w below it. */
static uint64_t
cubic_k(uint32_t w_max, uint32_t w, uint32_t mss)
{
	if (w >= w_max)
		return (0);
	/* segments / 0.4 in s^3, times 10^18 for us^3 */
	return (cube_root((unsigned __int128)(w_max - w) * 10 / 4 *
	    1000000000000000000ULL / mss));
}

/* The function, t after the epoch's start; bytes, not below 0. */
static uint64_t
cubic_window(const struct cubic_data *cu, uint64_t t_us, uint32_t mss)
{
	int64_t d = (int64_t)t_us - (int64_t)cu->cu_k_us;
	__int128 w;

	d = MIN(MAX(d, -DIFF_MAX), DIFF_MAX);
	w = (__int128)d * d * d * 4 / 10;
	w = w * mss / 1000000000000000000LL + cu->cu_w_max;
	return (w < 0 ? 0 : (uint64_t)MIN(w, (__int128)UINT32_MAX));
}

/* Congestion avoidance begins, behind a recovery or a slow start. */
static void
cubic_epoch(struct tcpcb *tp, struct cubic_data *cu)
{
	cu->cu_in_ca = true;
	cu->cu_epoch = tcp_now(tp);
	cu->cu_w_est = (uint64_t)tp->snd_cwnd * EST_ONE;
	/* Behind a timeout, or beyond the old maximum: from here upwards. */
	if (cu->cu_after_rto || cu->cu_w_max < tp->snd_cwnd)
		cu->cu_w_max = tp->snd_cwnd;
	cu->cu_after_rto = false;
	cu->cu_k_us = cubic_k(cu->cu_w_max, tp->snd_cwnd, tcp_maxseg(tp));
}

/* Reno's window, grown by this ACK; alpha = 3 (1 - beta) / (1 + beta). */
static uint32_t
cubic_estimate(struct tcpcb *tp, struct cubic_data *cu, uint32_t acked)
{
	uint64_t incr =
	    (uint64_t)tcp_maxseg(tp) * acked * EST_ONE / tp->snd_cwnd;

	if (cu->cu_w_est < (uint64_t)cu->cu_prior * EST_ONE)
		incr = incr * 9 / 17;
	cu->cu_w_est += incr;
	return ((uint32_t)MIN(cu->cu_w_est / EST_ONE, UINT32_MAX));
}

static void
cubic_ack_received(struct tcpcb *tp, uint32_t acked)
{
	struct cubic_data *cu = &tp->t_ccdata.cubic.now;
	uint64_t t, target, cwnd = tp->snd_cwnd;
	uint32_t mss = tcp_maxseg(tp), est;

	if (tp->snd_cwnd <= tp->snd_ssthresh) {
		cu->cu_in_ca = false;
		newreno_slow_start(tp, acked);
		return;
	}
	if (!cu->cu_in_ca)
		cubic_epoch(tp, cu);
	est = cubic_estimate(tp, cu, acked);
	t = (tcp_now(tp) - cu->cu_epoch) / SIM_US;
	if (cubic_window(cu, t, mss) < est) {
		tp->snd_cwnd = MAX(tp->snd_cwnd, est);
		return;
	}
	target = cubic_window(cu, t + tp->t_srtt / SIM_US, mss);
	target = MIN(MAX(target, cwnd), cwnd + cwnd / 2);
	tp->snd_cwnd = (uint32_t)(cwnd + (target - cwnd) * acked / cwnd);
}

/* Time in which the window was not used does not count (RFC 9438, 5.8). */
static void
cubic_app_limited(struct tcpcb *tp)
{
	tp->t_ccdata.cubic.now.cu_in_ca = false;
}

static void
cubic_reduce(struct tcpcb *tp)
{
	struct cubic_data *cu = &tp->t_ccdata.cubic.now;
	uint32_t cwnd = tp->snd_cwnd, mss = tcp_maxseg(tp), ssthresh;

	cu->cu_prior = cwnd;
	/* Fast convergence: room for those who came since. */
	cu->cu_w_max = cwnd < cu->cu_w_max ? FC(cwnd) : cwnd;
	ssthresh = BETA(cwnd);
	if (!cu->cu_congested) {
		ssthresh = cwnd / 2;
		cu->cu_w_max = BETA(cwnd);
	}
	cu->cu_congested = true;
	cu->cu_in_ca = false;
	tp->snd_ssthresh = MAX(ssthresh, 2 * mss);
}

static void
cubic_cong_signal(struct tcpcb *tp, enum cc_signal sig)
{
	struct cubic_state *cs = &tp->t_ccdata.cubic;

	switch (sig) {
	case CC_NDUPACK:
		cubic_reduce(tp);
		break;
	case CC_ECN:
		cubic_reduce(tp);
		tp->snd_cwnd = tp->snd_ssthresh;
		break;
	case CC_RTO:
		if (tp->t_rxtshift == 1) {
			cs->before_rto = cs->now;
			tp->snd_ssthresh =
			    MAX(BETA(MIN(tp->snd_cwnd, tp->snd_wnd)),
				2 * tcp_maxseg(tp));
			cs->now.cu_prior = tp->snd_cwnd;
		}
		cs->now.cu_congested = cs->now.cu_after_rto = true;
		cs->now.cu_in_ca = false;
		tp->snd_cwnd = tcp_maxseg(tp);
		break;
	case CC_RTO_ERR:
		cs->now = cs->before_rto;
		break;
	}
}

static void
cubic_after_idle(struct tcpcb *tp)
{
	struct cubic_data *cu = &tp->t_ccdata.cubic.now;

	cu->cu_w_max = MAX(cu->cu_w_max, tp->snd_cwnd);
	cu->cu_in_ca = false;
	newreno_after_idle(tp);
}

const struct cc_algo cc_cubic = {
	.name = "cubic",
	.text = "RFC 9438: a cubic function of the time since the last loss",
	.ack_received = cubic_ack_received,
	.app_limited = cubic_app_limited,
	.cong_signal = cubic_cong_signal,
	.post_recovery = newreno_post_recovery,
	.after_idle = cubic_after_idle,
};
