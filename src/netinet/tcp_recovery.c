/*
 * What repeated and partial acknowledgements say about losses, and what is done
 * about it.
 *
 *  - Limited transmit (RFC 3042): each of the first two duplicates lets a new
 *    segment go.
 *  - The third duplicate, or more than two segments SACKed (RFC 6675), begins a
 *    recovery. With SACK the holes are sent again, one segment at a time, as
 *    Proportional Rate Reduction (RFC 6937) allows; without it NewReno (RFC
 *    6582) sends the first segment again and one more per partial ACK.
 *  - A hole that was sent again and still is one, while later bytes arrive, was
 *    lost once more: sent again, at the cost of another reduction.
 *  - The tail of a window whose last segments were lost: when an ACK without
 *    SACK leaves the scoreboard empty before the recovery's end, the last
 *    segment is sent again ("rescue"), and its SACK shows the rest.
 *
 * Source: tcp_input.c of late 2024 (tcp_do_segment, tcp_do_prr_ack,
 * tcp_newreno_partial_ack), tcp_sack.c (tcp_sack_partialack,
 * tcp_sack_lost_retransmission).
 */
#include <ktsim/base/kassert.h>

#include "tcp_private.h"

/* SACK drives, as far as this ACK and what is known go. */
static bool
tcp_is_sack_recovery(const struct tcpcb *tp, const struct tcp_seg *ts)
{
	return ((tp->t_flags & TF_SACK_PERMIT) != 0 &&
	    ((ts->ts_opt.to_flags & TOF_SACK) != 0 ||
		!TAILQ_EMPTY(&tp->snd_holes)));
}

/* Send one segment from seq, out of turn. */
static void
tcp_resend(struct tcpcb *tp, uint32_t seq, const char *why)
{
	const char *owhy = tp->t_why;
	uint32_t onxt = tp->snd_nxt;

	callout_stop(&tp->t_rexmt);
	tp->t_rtttime = 0;
	tp->snd_nxt = seq;
	tp->snd_cwnd = seq - tp->snd_una + tcp_maxseg(tp);
	tp->t_why = why;
	(void)tcp_output(tp);
	if (SEQ_GT(onxt, tp->snd_nxt))
		tp->snd_nxt = onxt;
	tp->t_why = owhy;
}

/* --- how much may go: RFC 6937 --- */

static void
tcp_do_prr_ack(struct tcpcb *tp, enum sackstatus st)
{
	uint32_t mss = tcp_maxseg(tp), pipe = tcp_compute_pipe(tp);
	int64_t cnt, limit;

	tp->t_prr_delivered += tp->t_delivered;
	if (pipe >= tp->snd_ssthresh) {
		cnt = (int64_t)howmany((uint64_t)tp->t_prr_delivered *
			      tp->snd_ssthresh,
			  MAX(tp->t_recover_fs, 1u)) -
		    tp->t_prr_out + mss - 1;
	} else {
		limit = (int64_t)tp->t_prr_delivered - tp->t_prr_out;
		/* No new loss, and something was delivered: catch up. */
		if (st != SACK_NEWLOSS && tp->t_delivered > 0)
			limit = MAX(limit, (int64_t)tp->t_delivered) + mss;
		cnt = MIN((int64_t)tp->snd_ssthresh - pipe, limit);
	}
	cnt = MAX(cnt, 0) / mss * mss;
	tp->snd_cwnd = MAX(tp->snd_nxt - SEQ_MIN(tp->snd_nxt, tp->snd_recover) +
		tp->t_sack_rexmit + (uint32_t)cnt,
	    mss);
}

/* --- beginning --- */

/*
 * A recovery that is over only in part: what is repeated of it says nothing new
 * (RFC 6582, and behind a timeout RFC 6675 too). The window that a mark
 * reduced is no recovery: its losses are news.
 */
static bool
tcp_recovery_old(const struct tcpcb *tp)
{
	if ((tp->t_flags & TF_SACK_PERMIT) != 0)
		return (IN_FASTRECOVERY(tp->t_flags) ||
		    (!IN_CONGRECOVERY(tp->t_flags) &&
			SEQ_LT(tp->snd_una, tp->snd_recover)));
	return (SEQ_LEQ(tp->snd_una, tp->snd_recover));
}

static void
tcp_enter_sack_recovery(struct tcpcb *tp)
{
	tcp_stats_rw(tp)->sack_recovery_episode++;
	tp->t_stats.sack_episodes++;
	tp->t_prr_delivered = tcp_maxseg(tp);
	tp->snd_cwnd = tcp_maxseg(tp);
	(void)tcp_output(tp);
}

static void
tcp_enter_recovery(struct tcpcb *tp, bool sack)
{
	if (tcp_recovery_old(tp)) {
		tp->t_dupacks = 0;
		return;
	}
	tcp_stats_rw(tp)->fastrexmit++;
	tp->t_stats.fast_rexmit++;
	tp->t_dupacks = TCP_REXMTTHRESH;
	cc_cong_signal(tp, CC_NDUPACK);
	callout_stop(&tp->t_rexmt);
	tp->t_rtttime = 0;
	tp->t_prr_out = 0;
	tp->t_recover_fs = MAX(tp->snd_nxt - tp->snd_una, 1);
	if (sack) {
		tcp_enter_sack_recovery(tp);
		return;
	}
	tcp_resend(tp, tp->snd_una, "fast retransmit");
	tp->snd_cwnd =
	    tp->snd_ssthresh + tcp_maxseg(tp) * (tp->t_dupacks - tp->t_limited);
}

/* More than two segments beyond the hole: as much as three duplicates say. */
static bool
tcp_sack_says_lost(const struct tcpcb *tp)
{
	return ((tp->t_flags & TF_SACK_PERMIT) != 0 &&
	    tp->t_sacked > (TCP_REXMTTHRESH - 1) * tcp_maxseg(tp));
}

static void
tcp_limited_transmit(struct tcpcb *tp)
{
	uint32_t ocwnd = tp->snd_cwnd, omax = tp->snd_max, sent;
	uint32_t mss = tcp_maxseg(tp), flight = tp->snd_nxt - tp->snd_una;

	if (tcp_tune(tp)->rfc3042 == 0 || tp->snd_nxt != tp->snd_max)
		return;
	if (tp->t_dupacks == 1)
		tp->t_limited = 0;
	tp->snd_cwnd = flight + (tp->t_dupacks - tp->t_limited) * mss;
	if (sbavail(&tp->t_inpcb->inp_socket->so_snd) > flight) {
		tp->t_flags |= TF_LIMITED;
		(void)tcp_output(tp);
		tp->t_flags &= ~TF_LIMITED;
	}
	sent = tp->snd_max - omax;
	if (sent > mss)
		tp->t_limited = 2;
	else if (sent > 0)
		tp->t_limited++;
	/* A refusal from below has its own say in the window. */
	tp->snd_cwnd = tp->snd_cwnd > mss ? ocwnd : tp->snd_cwnd;
}

/* --- an ACK of nothing new --- */

/*
 * RFC 5681, section 2, and RFC 6675: with SACK what makes a duplicate is news
 * of the scoreboard; an ACK that only changes the window, or repeats blocks,
 * is none.
 */
static bool
tcp_is_dupack(const struct tcpcb *tp, const struct tcp_seg *ts,
    enum sackstatus st)
{
	if (ts->ts_ack != tp->snd_una || ts->ts_len != 0 ||
	    (ts->ts_flags & (KTH_SYN | KTH_FIN)) != 0)
		return (false);
	if (tcp_is_sack_recovery(tp, ts))
		return (st != SACK_NOCHANGE);
	return (ts->ts_win == tp->snd_wnd);
}

/* Another one in recovery: a segment has left the path. */
static void
tcp_recovery_dupack(struct tcpcb *tp, enum sackstatus st)
{
	if ((tp->t_flags & TF_SACK_PERMIT) != 0)
		tcp_do_prr_ack(tp, st);
	else
		tp->snd_cwnd += tcp_maxseg(tp);
}

void
tcp_dupack(struct tcpcb *tp, struct tcp_seg *ts, enum sackstatus st)
{
	if (!tcp_is_dupack(tp, ts, st))
		return;
	if (!callout_active(&tp->t_rexmt)) {
		tp->t_dupacks = 0; /* of nothing that is out */
		return;
	}
	tcp_stats_rw(tp)->rcvdupack++;
	tp->t_stats.dupacks++;
	tp->t_dupacks++;
	if (IN_FASTRECOVERY(tp->t_flags)) {
		tcp_recovery_dupack(tp, st);
		ts->ts_output = true;
	} else if (tp->t_dupacks >= TCP_REXMTTHRESH || tcp_sack_says_lost(tp))
		tcp_enter_recovery(tp, tcp_is_sack_recovery(tp, ts));
	else
		tcp_limited_transmit(tp);
}

void
tcp_lost_again(struct tcpcb *tp)
{
	if (!tcp_sack_lost_retransmission(tp))
		return;
	/* From the window that this recovery was to end with. */
	tp->snd_cwnd = tp->snd_ssthresh;
	tp->t_flags &= ~(TF_FASTRECOVERY | TF_CONGRECOVERY);
	cc_cong_signal(tp, CC_NDUPACK);
	tp->snd_cwnd = tcp_maxseg(tp);
	tp->t_prr_delivered = tp->t_prr_out = 0;
	tp->t_recover_fs = MAX(tp->snd_max - tp->snd_una, 1);
}

/* --- an ACK of something new; snd_una has moved by acked --- */

/* The last segment before the recovery's end, without the FIN. */
static void
tcp_rescue(struct tcpcb *tp)
{
	uint32_t mss = tcp_maxseg(tp), high = tp->snd_max, cwnd = tp->snd_cwnd;

	if ((tp->t_flags & TF_SENTFIN) != 0)
		high--;
	high = SEQ_MIN(high, tp->snd_recover);
	if (SEQ_GEQ(tp->snd_una, high))
		return;
	tcp_stats_rw(tp)->sack_rescue++;
	tcp_resend(tp, SEQ_MAX(tp->snd_una, high - mss), "rescue");
	tp->snd_cwnd = cwnd;
}

static void
tcp_sack_partialack(struct tcpcb *tp, uint32_t acked)
{
	uint32_t mss = tcp_maxseg(tp);

	tp->snd_cwnd = MIN(tp->t_sack_rexmit + tp->snd_nxt -
		SEQ_MIN(tp->snd_nxt, tp->snd_recover) +
		(acked / mss >= 2 ? 2 : 1) * mss,
	    tp->snd_ssthresh);
	if (TAILQ_EMPTY(&tp->snd_holes) && tp->snd_nxt == tp->snd_max)
		tcp_rescue(tp);
}

static void
tcp_newreno_partial_ack(struct tcpcb *tp, uint32_t acked)
{
	uint32_t cwnd = tp->snd_cwnd;

	/* The next hole begins right here. */
	tcp_resend(tp, tp->snd_una, "fast retransmit");
	tp->snd_cwnd = (cwnd > acked ? cwnd - acked : 0) + tcp_maxseg(tp);
}

static void
tcp_partial_ack(struct tcpcb *tp, const struct tcp_seg *ts, uint32_t acked,
    enum sackstatus st)
{
	tp->t_rtttime = 0;
	tp->t_flags |= TF_ACKNOW;
	if ((tp->t_flags & TF_SACK_PERMIT) == 0)
		tcp_newreno_partial_ack(tp, acked);
	else if ((ts->ts_opt.to_flags & TOF_SACK) != 0)
		tcp_do_prr_ack(tp, st);
	else
		tcp_sack_partialack(tp, acked);
}

void
tcp_recovery_ack(struct tcpcb *tp, struct tcp_seg *ts, uint32_t acked,
    enum sackstatus st)
{
	/* Blocks with an ACK of something new count like a duplicate. */
	if (st != SACK_NOCHANGE && !IN_FASTRECOVERY(tp->t_flags) &&
	    tcp_sack_says_lost(tp)) {
		tcp_enter_recovery(tp, true);
		return;
	}
	if (!IN_RECOVERY(tp->t_flags))
		return;
	if (SEQ_GEQ(tp->snd_una, tp->snd_recover))
		cc_post_recovery(tp);
	else if (IN_FASTRECOVERY(tp->t_flags))
		tcp_partial_ack(tp, ts, acked, st);
}
