/*
 * NewReno congestion control: slow start and congestion avoidance by bytes
 * acknowledged (RFC 5681, RFC 3465), halving at a loss (RFC 6582), one
 * segment after a timeout. Initial window of ten segments (RFC 6928).
 */
#include <ktsim/base/kassert.h>

#include "tcp_private.h"

#define ABC_L 2 /* segments per ACK in slow start, at most */

static uint32_t
newreno_initial(const struct tcpcb *tp)
{
	uint32_t mss = tcp_maxseg(tp);
	uint32_t seg = (uint32_t)tcp_tune(tp)->initcwnd_segments;

	return (MIN(seg * mss, MAX(2 * mss, seg * 1460)));
}

static void
newreno_conn_init(struct tcpcb *tp)
{
	/* A SYN that was lost costs the initial window (RFC 6928). */
	tp->snd_cwnd =
	    tp->t_rxtshift > 1 ? tcp_maxseg(tp) : newreno_initial(tp);
	tp->snd_ssthresh = (uint32_t)TCP_MAXWIN << TCP_MAX_WINSHIFT;
}

static void
newreno_ack_received(struct tcpcb *tp, uint32_t acked)
{
	uint32_t mss = tcp_maxseg(tp), max, incr = 0;

	/* What the peer's window holds back says nothing about the path. */
	if (tp->snd_cwnd > tp->snd_wnd)
		return;
	if (tp->snd_cwnd < tp->snd_ssthresh) {
		/* Behind a timeout one segment per ACK, no bursts. */
		incr = MIN(acked,
		    (SEQ_LT(tp->snd_nxt, tp->snd_max) ? 1 : ABC_L) * mss);
	} else {
		tp->t_bytes_acked += acked;
		if (tp->t_bytes_acked >= tp->snd_cwnd) {
			tp->t_bytes_acked -= tp->snd_cwnd;
			incr = mss;
		}
	}
	max = (uint32_t)TCP_MAXWIN << tp->snd_scale;
	tp->snd_cwnd = MIN(tp->snd_cwnd + incr, max);
}

static uint32_t
newreno_half(const struct tcpcb *tp)
{
	uint32_t flight = tp->snd_max - tp->snd_una;

	return (MAX(flight / 2 / tcp_maxseg(tp), 2) * tcp_maxseg(tp));
}

static void
newreno_enter_recovery(struct tcpcb *tp)
{
	tp->snd_ssthresh = newreno_half(tp);
	tp->t_bytes_acked = 0;
}

static void
newreno_rto(struct tcpcb *tp)
{
	if (tp->t_rxtshift == 1)
		tp->snd_ssthresh = newreno_half(tp);
	tp->snd_cwnd = tcp_maxseg(tp);
	tp->t_bytes_acked = 0;
}

/* Out of recovery: not more than is in flight and a segment, so no burst. */
static void
newreno_post_recovery(struct tcpcb *tp)
{
	uint32_t flight = tp->snd_max - tp->snd_una;

	if (flight < tp->snd_ssthresh)
		tp->snd_cwnd = MAX(flight, tcp_maxseg(tp)) + tcp_maxseg(tp);
	else
		tp->snd_cwnd = tp->snd_ssthresh;
	tp->t_bytes_acked = 0;
}

const struct cc_algo cc_newreno = {
	.name = "newreno",
	.conn_init = newreno_conn_init,
	.ack_received = newreno_ack_received,
	.enter_recovery = newreno_enter_recovery,
	.rto = newreno_rto,
	.post_recovery = newreno_post_recovery,
};
