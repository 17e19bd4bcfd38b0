/*
 * NewReno: slow start and congestion avoidance by bytes acknowledged (RFC
 * 5681, RFC 3465 with L = 2), half the window at a loss or mark (RFC 6582, RFC
 * 3168), one segment after a timeout.
 * Source: netinet/cc/cc_newreno.c, without ABE and HyStart++, which are off
 * there.
 */
#include <ktsim/base/kassert.h>

#include "tcp_private.h"

#define ABC_L 2 /* net.inet.tcp.abc_l_var: segments per ACK in slow start */

void
newreno_slow_start(struct tcpcb *tp, uint32_t acked)
{
	/* Behind a timeout one segment per ACK, no bursts. */
	uint32_t l = SEQ_LT(tp->snd_nxt, tp->snd_max) ? 1 : ABC_L;

	tp->t_bytes_acked = 0;
	tp->snd_cwnd += MIN(acked, l * tcp_maxseg(tp));
}

static void
newreno_ack_received(struct tcpcb *tp, uint32_t acked)
{
	if (tp->snd_cwnd <= tp->snd_ssthresh) {
		newreno_slow_start(tp, acked);
		return;
	}
	tp->t_bytes_acked += acked;
	if (tp->t_bytes_acked < tp->snd_cwnd)
		return;
	tp->t_bytes_acked -= tp->snd_cwnd;
	tp->snd_cwnd += tcp_maxseg(tp);
}

/* Half, in whole segments, two at least. */
static uint32_t
newreno_half(const struct tcpcb *tp, uint32_t win)
{
	return (MAX(win / 2 / tcp_maxseg(tp), 2) * tcp_maxseg(tp));
}

static void
newreno_cong_signal(struct tcpcb *tp, enum cc_signal sig)
{
	switch (sig) {
	case CC_NDUPACK:
	case CC_ECN:
		tp->snd_ssthresh = newreno_half(tp, tp->snd_cwnd);
		if (sig == CC_ECN)
			tp->snd_cwnd = tp->snd_ssthresh;
		break;
	case CC_RTO:
		if (tp->t_rxtshift == 1)
			tp->snd_ssthresh =
			    newreno_half(tp, MIN(tp->snd_wnd, tp->snd_cwnd));
		tp->snd_cwnd = tcp_maxseg(tp);
		break;
	case CC_RTO_ERR:
		break;
	}
}

/*
 * With less in flight than the window allows, only a segment more than that:
 * no burst.
 */
void
newreno_post_recovery(struct tcpcb *tp)
{
	uint32_t pipe, mss = tcp_maxseg(tp);

	if (!IN_FASTRECOVERY(tp->t_flags))
		return; /* a mark only */
	pipe = tcp_compute_pipe(tp);
	if (pipe < tp->snd_ssthresh)
		tp->snd_cwnd = MAX(pipe, mss) + mss;
	else
		tp->snd_cwnd = tp->snd_ssthresh;
}

/* RFC 5681, 4.1: a window that was not used is not known any more. */
void
newreno_after_idle(struct tcpcb *tp)
{
	tp->snd_ssthresh =
	    MAX(tp->snd_ssthresh, tp->snd_cwnd - tp->snd_cwnd / 4);
	tp->snd_cwnd = MIN(tp->snd_cwnd, tcp_compute_initwnd(tp));
}

const struct cc_algo cc_newreno = {
	.name = "newreno",
	.text = "RFC 5681, RFC 6582: half the window at a loss",
	.ack_received = newreno_ack_received,
	.cong_signal = newreno_cong_signal,
	.post_recovery = newreno_post_recovery,
	.after_idle = newreno_after_idle,
};
