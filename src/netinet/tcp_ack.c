/*
 * Acknowledgements: which are believed, what they free, and what they say about
 * the round trip. What they say about losses is in tcp_recovery.c.
 */
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>

#include "tcp_private.h"

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
	tp->t_rttupdated++;
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
		ktls_tx_done(tp->t_inpcb->inp_socket);
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

/*
 * After a first timeout an ACK that answers a segment of before it (its echoed
 * timestamp tells) was on its way already: nothing had been lost (RFC 3522).
 */
static bool
tcp_rto_was_spurious(const struct tcpcb *tp, const struct tcp_seg *ts)
{
	const struct tcpopt *to = &ts->ts_opt;

	return (tp->t_rxtshift == 1 && (tp->t_flags & TF_PREVVALID) != 0 &&
	    tp->t_badrxtwin != 0 && (to->to_flags & TOF_TS) != 0 &&
	    to->to_tsecr != 0 && SEQ_LT(to->to_tsecr, tp->t_badrxtwin));
}

/* Timer and recovery point of what is still out. */
static void
tcp_ack_rest(struct tcpcb *tp)
{
	if (tp->snd_una == tp->snd_max)
		callout_stop(&tp->t_rexmt);
	else if (!callout_active(&tp->t_persist))
		callout_reset(&tp->t_rexmt, tp->t_rxtcur);
	if (IN_RECOVERY(tp->t_flags))
		return;
	/* It does not stay behind so far that it seems to be ahead. */
	if (SEQ_GT(tp->snd_una, tp->snd_recover))
		tp->snd_recover = (tp->t_flags & TF_SACK_PERMIT) != 0
		    ? tp->snd_una
		    : tp->snd_una - 1;
}

static enum tcp_verdict
tcp_new_ack(struct tcpcb *tp, struct tcp_seg *ts, enum sackstatus st)
{
	uint32_t acked = ts->ts_ack - tp->snd_una;
	bool fin;

	tcp_stats_rw(tp)->rcvackpack++;
	if (tcp_rto_was_spurious(tp, ts)) {
		TRACE(tcp_tracer(tp), tcp_rto_undone, TU(tp->t_conn));
		cc_cong_signal(tp, CC_RTO_ERR);
	}
	tcp_ack_rtt(tp, ts);
	if (!IN_FASTRECOVERY(tp->t_flags))
		tp->t_dupacks = 0;
	if (!IN_RECOVERY(tp->t_flags))
		cc_ack_received(tp, acked);
	tp->t_softerror = 0; /* something gets through */
	fin = tcp_ack_drop(tp, acked);
	tp->snd_una = ts->ts_ack;
	if (SEQ_LT(tp->snd_nxt, tp->snd_una))
		tp->snd_nxt = tp->snd_una;
	tcp_ack_rest(tp);
	ts->ts_output = true;
	if (fin)
		return (tcp_fin_acked(tp));
	tcp_recovery_ack(tp, ts, acked, st);
	return (TV_GO);
}

/* The scoreboard, if this connection has one. */
static enum sackstatus
tcp_ack_sack(struct tcpcb *tp, const struct tcp_seg *ts)
{
	enum sackstatus st;

	if ((tp->t_flags & TF_SACK_PERMIT) == 0 ||
	    ((ts->ts_opt.to_flags & TOF_SACK) == 0 &&
		TAILQ_EMPTY(&tp->snd_holes))) {
		tp->t_delivered = tp->t_sacked = 0;
		return (SACK_NOCHANGE);
	}
	st = tcp_sack_doack(tp, &ts->ts_opt, ts->ts_ack);
	if (st != SACK_NOCHANGE)
		tcp_lost_again(tp);
	return (st);
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
	enum sackstatus st;

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
		tcp_stats_rw(tp)->rcvacktoomuch++;
		return (tcp_challenge_ack(tp) ? TV_ACK : TV_DROP);
	}
	if (SEQ_LT(ts->ts_ack, tp->snd_una - tp->max_sndwnd)) {
		ts->ts_why = "acknowledgement is too old"; /* RFC 5961 */
		return (tcp_challenge_ack(tp) ? TV_ACK : TV_DROP);
	}
	st = tcp_ack_sack(tp, ts);
	tcp_ecn_input(tp, ts);
	if (SEQ_GT(ts->ts_ack, tp->snd_una))
		return (tcp_new_ack(tp, ts, st));
	tcp_dupack(tp, ts, st);
	return (TV_GO);
}
