/*
 * Acknowledgements: what they free, what they say about the round trip, and
 * what repeated ones say about losses (fast retransmit, NewReno recovery by
 * RFC 6582, limited transmit by RFC 3042).
 */
#include <ktsim/base/kassert.h>

#include "tcp_private.h"

#define TCP_REXMTTHRESH 3

/* RFC 6298. */
void
tcp_xmit_timer(struct tcpcb *tp, simtime_t rtt)
{
	simtime_t delta;

	rtt = MAX(rtt, 1);
	if (tp->t_srtt == 0) {
		tp->t_srtt = rtt;
		tp->t_rttvar = rtt / 2;
	} else {
		delta = rtt > tp->t_srtt ? rtt - tp->t_srtt : tp->t_srtt - rtt;
		tp->t_rttvar = (3 * tp->t_rttvar + delta) / 4;
		tp->t_srtt = (7 * tp->t_srtt + rtt) / 8;
	}
	tp->t_rtttime = 0;
	tp->t_rxtshift = 0;
	tcp_set_rxtcur(tp);
}

/*
 * The exact time of a segment that was sent once (Karn), else the echoed
 * timestamp, which is coarse but unambiguous.
 */
static void
tcp_ack_rtt(struct tcpcb *tp, const struct tcp_seg *ts)
{
	const struct tcpopt *to = &ts->ts_opt;
	uint32_t echo = to->to_tsecr - tp->ts_offset, now = tcp_ts_now(tp);

	if (tp->t_rtttime != 0 && SEQ_GT(ts->ts_ack, tp->t_rtseq))
		tcp_xmit_timer(tp, tcp_now(tp) - tp->t_rtttime);
	else if ((tp->t_flags & TF_RCVD_TSTMP) != 0 &&
	    (to->to_flags & TOF_TS) != 0 && tp->t_rxtshift != 0 &&
	    SEQ_LEQ(echo, now))
		tcp_xmit_timer(tp, (simtime_t)(now - echo + 1) * SIM_MS);
	else if (tp->t_rxtshift != 0) {
		tp->t_rxtshift = 0;
		tcp_set_rxtcur(tp);
	}
}

/* Send one segment from snd_una, out of turn. */
static void
tcp_resend_first(struct tcpcb *tp, const char *why)
{
	const char *owhy = tp->t_why;
	uint32_t onxt = tp->snd_nxt;

	callout_stop(&tp->t_rexmt);
	tp->t_rtttime = 0;
	tp->snd_nxt = tp->snd_una;
	tp->snd_cwnd = tcp_maxseg(tp);
	tp->t_why = why;
	(void)tcp_output(tp);
	if (SEQ_GT(onxt, tp->snd_nxt))
		tp->snd_nxt = onxt;
	tp->t_why = owhy;
}

static void
tcp_fast_retransmit(struct tcpcb *tp)
{
	/* RFC 6582: these duplicates may be echoes of our own resending. */
	if (SEQ_LEQ(tp->snd_una, tp->snd_recover)) {
		tp->t_dupacks = 0;
		return;
	}
	tcp_stats_rw(tp)->fastrexmit++;
	tp->t_stats.fast_rexmit++;
	cc_newreno.enter_recovery(tp);
	tp->snd_recover = tp->snd_max;
	tp->t_flags |= TF_FASTRECOVERY;
	tcp_resend_first(tp, "fast retransmit");
	tp->snd_cwnd =
	    tp->snd_ssthresh + tcp_maxseg(tp) * (tp->t_dupacks - tp->t_limited);
}

static void
tcp_limited_transmit(struct tcpcb *tp)
{
	uint32_t ocwnd = tp->snd_cwnd, omax = tp->snd_max, sent;
	uint32_t flight = tp->snd_max - tp->snd_una;

	if (tcp_tune(tp)->rfc3042 == 0)
		return;
	tp->snd_nxt = tp->snd_max;
	tp->snd_cwnd =
	    flight + (tp->t_dupacks - tp->t_limited) * tcp_maxseg(tp);
	if (sbavail(&tp->t_inpcb->inp_socket->so_snd) > flight) {
		tp->t_flags |= TF_LIMITED;
		(void)tcp_output(tp);
		tp->t_flags &= ~TF_LIMITED;
	}
	sent = tp->snd_max - omax;
	if (sent > tcp_maxseg(tp))
		tp->t_limited = 2;
	else if (sent > 0)
		tp->t_limited++;
	/* A refusal from below has its own say in the window. */
	tp->snd_cwnd = tp->snd_cwnd > tcp_maxseg(tp) ? ocwnd : tp->snd_cwnd;
}

/* Bytes beyond the hole that this ACK says have arrived. */
static uint32_t
tcp_sacked(const struct tcpcb *tp, const struct tcp_seg *ts)
{
	const struct tcp_sackblk *sb;
	uint32_t n = 0;

	if ((tp->t_flags & TF_SACK_PERMIT) == 0)
		return (0);
	for (unsigned i = 0; i < ts->ts_opt.to_nsacks; i++) {
		sb = &ts->ts_opt.to_sacks[i];
		if (SEQ_GT(sb->start, tp->snd_una) &&
		    SEQ_GT(sb->end, sb->start) && SEQ_LEQ(sb->end, tp->snd_max))
			n += sb->end - sb->start;
	}
	return (n);
}

/*
 * RFC 6675: more than two segments beyond the hole say as much as three
 * duplicates, which a receiver with LRO may never send.
 */
static bool
tcp_lost(const struct tcpcb *tp, const struct tcp_seg *ts)
{
	return (tp->t_dupacks == TCP_REXMTTHRESH ||
	    (tp->t_dupacks < TCP_REXMTTHRESH &&
		tcp_sacked(tp, ts) > (TCP_REXMTTHRESH - 1) * tcp_maxseg(tp)));
}

static bool
tcp_is_dupack(const struct tcpcb *tp, const struct tcp_seg *ts)
{
	return (ts->ts_ack == tp->snd_una && ts->ts_len == 0 &&
	    (ts->ts_flags & (KTH_SYN | KTH_FIN)) == 0 &&
	    (ts->ts_win == tp->snd_wnd || tcp_sacked(tp, ts) > 0) &&
	    tp->snd_una != tp->snd_max && !callout_active(&tp->t_persist));
}

/* Nothing new is acknowledged. */
static enum tcp_verdict
tcp_dupack(struct tcpcb *tp, struct tcp_seg *ts)
{
	if (!tcp_is_dupack(tp, ts)) {
		if (ts->ts_ack == tp->snd_una && ts->ts_win != tp->snd_wnd)
			return (TV_GO); /* a window update says nothing */
		tp->t_dupacks = 0;
		return (TV_GO);
	}
	tcp_stats_rw(tp)->rcvdupack++;
	tp->t_stats.dupacks++;
	if (++tp->t_dupacks == 1)
		tp->t_limited = 0;
	if (IN_FASTRECOVERY(tp->t_flags)) {
		tp->snd_cwnd += tcp_maxseg(tp); /* one has left the path */
		ts->ts_output = true;
	} else if (tcp_lost(tp, ts))
		tcp_fast_retransmit(tp);
	else if (tp->t_dupacks < TCP_REXMTTHRESH && tp->snd_nxt == tp->snd_max)
		tcp_limited_transmit(tp);
	return (TV_GO);
}

/* In recovery, snd_una has moved by acked. */
static void
tcp_recovery_ack(struct tcpcb *tp, uint32_t acked)
{
	uint32_t cwnd = tp->snd_cwnd;

	if (SEQ_GEQ(tp->snd_una, tp->snd_recover)) {
		tp->t_flags &= ~TF_FASTRECOVERY;
		tp->t_dupacks = 0;
		cc_newreno.post_recovery(tp);
		return;
	}
	/* Partial: the next hole begins right here. */
	tp->t_flags |= TF_ACKNOW;
	tcp_resend_first(tp, "fast retransmit");
	tp->snd_cwnd = cwnd > acked ? cwnd - acked : 0;
	tp->snd_cwnd += tcp_maxseg(tp);
}

/* Returns true when our FIN is among what is acknowledged. */
static bool
tcp_ack_drop(struct tcpcb *tp, uint32_t acked)
{
	struct socket *so = tp->t_inpcb->inp_socket;
	uint32_t avail = sbavail(&so->so_snd), n = MIN(acked, avail);

	tp->snd_wnd = tp->snd_wnd > n ? tp->snd_wnd - n : 0;
	sbdrop(&so->so_snd, n);
	if (n > 0)
		sowwakeup(so);
	return (acked > avail && (tp->t_flags & TF_SENTFIN) != 0);
}

/* The states behind our FIN. TV_DROP: the connection is over. */
static enum tcp_verdict
tcp_fin_acked(struct tcpcb *tp)
{
	switch (tp->t_state) {
	case TCPS_FIN_WAIT_1:
		tcp_state_change(tp, TCPS_FIN_WAIT_2);
		tcp_usrclosed(tp); /* for its timer */
		return (TV_GO);
	case TCPS_CLOSING:
		tcp_twstart(tp);
		return (TV_DONE);
	case TCPS_LAST_ACK:
		tcp_close(tp);
		return (TV_DONE);
	default:
		return (TV_GO);
	}
}

static enum tcp_verdict
tcp_new_ack(struct tcpcb *tp, struct tcp_seg *ts)
{
	uint32_t acked = ts->ts_ack - tp->snd_una;
	bool recovery = IN_FASTRECOVERY(tp->t_flags), fin;

	tcp_stats_rw(tp)->rcvackpack++;
	tcp_ack_rtt(tp, ts);
	if (!recovery) {
		tp->t_dupacks = 0;
		cc_newreno.ack_received(tp, acked);
	}
	tp->t_softerror = 0; /* something gets through */
	fin = tcp_ack_drop(tp, acked);
	tp->snd_una = ts->ts_ack;
	if (SEQ_LT(tp->snd_nxt, tp->snd_una))
		tp->snd_nxt = tp->snd_una;
	if (tp->snd_una == tp->snd_max)
		callout_stop(&tp->t_rexmt);
	else if (!callout_active(&tp->t_persist))
		callout_reset(&tp->t_rexmt, tp->t_rxtcur);
	ts->ts_output = true;
	if (fin)
		return (tcp_fin_acked(tp));
	if (recovery)
		tcp_recovery_ack(tp, acked);
	else if (SEQ_GT(tp->snd_una, tp->snd_recover))
		tp->snd_recover = tp->snd_una - 1; /* does not wrap away */
	return (TV_GO);
}

/* The ACK of our SYN in SYN_RECEIVED. */
static void
tcp_syn_acked(struct tcpcb *tp, struct tcp_seg *ts)
{
	tp->snd_una++; /* the SYN's number */
	if (SEQ_LT(tp->snd_nxt, tp->snd_una))
		tp->snd_nxt = tp->snd_una;
	callout_stop(&tp->t_rexmt);
	tcp_established(tp);
	tp->t_rxtshift = 0;
	if (tp->t_rtttime != 0)
		tcp_xmit_timer(tp, tcp_now(tp) - tp->t_rtttime);
	tcp_set_rxtcur(tp);
	tp->snd_wnd = tp->max_sndwnd = ts->ts_win;
	tp->snd_wl1 = ts->ts_seq - 1; /* the window is taken below */
	ts->ts_output = true;
}

enum tcp_verdict
tcp_ack_input(struct tcpcb *tp, struct tcp_seg *ts)
{
	if (tp->t_state == TCPS_SYN_RECEIVED) {
		if (ts->ts_ack == tp->iss) {
			ts->ts_why = "does not acknowledge our SYN";
			return (TV_DROP);
		}
		tcp_syn_acked(tp, ts);
	}
	if (tp->t_state == TCPS_TIME_WAIT) {
		/* The peer did not get our last ACK: wait once more. */
		if ((ts->ts_flags & KTH_FIN) == 0 && ts->ts_len == 0 &&
		    (tp->t_flags & TF_ACKNOW) == 0)
			return (TV_DONE);
		callout_reset(&tp->t_2msl, 2 * tcp_tune(tp)->msl * SIM_MS);
		ts->ts_why = "in TIME_WAIT";
		return (TV_ACK);
	}
	if (SEQ_GT(ts->ts_ack, tp->snd_max)) {
		ts->ts_why = "acknowledges what was not sent";
		return (TV_ACK);
	}
	if (SEQ_LT(ts->ts_ack, tp->snd_una - tp->max_sndwnd)) {
		ts->ts_why = "acknowledgement is too old"; /* RFC 5961 */
		return (TV_ACK);
	}
	if (SEQ_LEQ(ts->ts_ack, tp->snd_una))
		return (tcp_dupack(tp, ts));
	return (tcp_new_ack(tp, ts));
}
