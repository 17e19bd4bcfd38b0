/*
 * TCP output: whether something is to be sent, and how much. Sending it is in
 * tcp_send.c.
 *
 * Only bytes that are available (sbavail) are sent: what is being encrypted
 * is in the buffer and counts for FIN and PUSH (sbused), but stays. In a
 * recovery with SACK the holes go first, then new bytes.
 * Source: netinet/tcp_output.c.
 */
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/tcp_offload.h>

#include "tcp_private.h"

#define IP_MAXPACKET 65535
#define TCP_LINKROOM 16 /* what a link header may take */

static const uint8_t tcp_outflags[] = {
	[TCPS_CLOSED] = KTH_RST | KTH_ACK,
	[TCPS_LISTEN] = 0,
	[TCPS_SYN_SENT] = KTH_SYN,
	[TCPS_SYN_RECEIVED] = KTH_SYN | KTH_ACK,
	[TCPS_ESTABLISHED] = KTH_ACK,
	[TCPS_CLOSE_WAIT] = KTH_ACK,
	[TCPS_FIN_WAIT_1] = KTH_FIN | KTH_ACK,
	[TCPS_CLOSING] = KTH_FIN | KTH_ACK,
	[TCPS_LAST_ACK] = KTH_FIN | KTH_ACK,
	[TCPS_FIN_WAIT_2] = KTH_ACK,
	[TCPS_TIME_WAIT] = KTH_ACK,
};

/*
 * Is the connection idle, for Nagle? "More to come" remembers it for the next
 * call, so that the pieces of one write are not held back.
 */
static bool
tcp_output_idle(struct tcpcb *tp)
{
	bool idle;

	idle = (tp->t_flags & TF_LASTIDLE) != 0 || tp->snd_max == tp->snd_una;
	if (idle && TCPS_HAVEESTABLISHED(tp->t_state) &&
	    (tcp_now(tp) - tp->t_rcvtime >= tp->t_rxtcur ||
		(tp->t_sndtime != 0 &&
		    tcp_now(tp) - tp->t_sndtime >= tp->t_rxtcur)))
		cc_after_idle(tp);
	tp->t_flags &= ~TF_LASTIDLE;
	if (idle && (tp->t_flags & TF_MORETOCOME) != 0) {
		tp->t_flags |= TF_LASTIDLE;
		idle = false;
	}
	return (idle);
}

/* A window probe sends a byte into the closed window. */
static void
tcp_output_force(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if ((tp->t_flags & TF_FORCEDATA) == 0)
		return;
	if (tx->tx_sendwin == 0) {
		if (tx->tx_off < sbused(&tx->tx_so->so_snd))
			tx->tx_flags &= (uint8_t)~KTH_FIN;
		tx->tx_sendwin = 1;
	} else {
		callout_stop(&tp->t_persist);
		tp->t_persistshift = 0;
	}
}

/*
 * The window is shut and something waits, or was sent into it. Forget about the
 * bytes in flight and wait for it to open.
 */
static void
tcp_output_shut(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (tx->tx_sendwin != 0 || !TCPS_HAVEESTABLISHED(tp->t_state) ||
	    tx->tx_off >= sbavail(&tx->tx_so->so_snd) ||
	    callout_active(&tp->t_persist))
		return;
	callout_stop(&tp->t_rexmt);
	tp->t_rxtshift = 0;
	tp->snd_nxt = tp->snd_una;
	tx->tx_off = 0;
	tcp_setpersist(tp);
}

/* Grow the send buffer when it, and not the window, limits the flight. */
static void
tcp_sndbuf_autoscale(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	struct tcp_tunables *tt = tcp_tune(tp);
	struct sockbuf *sb = &tx->tx_so->so_snd;

	if (tt->sendbuf_auto == 0 || (sb->sb_flags & SB_AUTOSIZE) == 0 ||
	    sb->sb_hiwat >= tt->sendbuf_max)
		return;
	if (tp->snd_wnd / 4 * 5 < sb->sb_hiwat ||
	    sbused(sb) < sb->sb_hiwat / 8 * 7 ||
	    tx->tx_sendwin < sbused(sb) - MIN(sbused(sb), tx->tx_off))
		return;
	(void)soreserve_sb(sb,
	    (uint32_t)MIN(sb->sb_hiwat + tt->sendbuf_inc, tt->sendbuf_max));
}

static uint32_t
tcp_recwin(const struct tcpcb *tp, const struct socket *so)
{
	long space = MAX(sbspace(&so->so_rcv), 0);

	return ((uint32_t)MIN(space, (long)TCP_MAXWIN << tp->rcv_scale));
}

/* A handshake's segment carries nothing, and only the first has the SYN. */
static bool
tcp_measure_syn(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (TCPS_HAVEESTABLISHED(tp->t_state))
		return (false);
	tx->tx_len = tx->tx_off = 0;
	tx->tx_flags &= (uint8_t)~KTH_FIN;
	if (tp->snd_nxt != tp->iss)
		tx->tx_flags &= (uint8_t)~KTH_SYN;
	return (true);
}

/*
 * Bytes of a hole that the windows let go again. In a recovery snd_cwnd counts
 * what was sent again and what was sent new since it began.
 */
static bool
tcp_measure_hole(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	struct sackhole *p;
	uint32_t avail;

	tx->tx_hole = NULL;
	if ((tp->t_flags & TF_SACK_PERMIT) == 0 ||
	    !IN_FASTRECOVERY(tp->t_flags) ||
	    tx->tx_sendwin <= tp->t_sack_rexmit ||
	    (p = tcp_sack_output(tp)) == NULL)
		return (false);
	tx->tx_off = p->rxmit - tp->snd_una;
	avail = sbavail(&tx->tx_so->so_snd);
	if (tx->tx_off >= avail)
		return (false); /* the FIN's number, not ours to give */
	tx->tx_len = MIN(tx->tx_sendwin - tp->t_sack_rexmit,
	    SEQ_MIN(p->end, tp->snd_recover) - p->rxmit);
	tx->tx_len = MIN(tx->tx_len, avail - tx->tx_off);
	tx->tx_hole = p;
	tx->tx_sendalot = true;
	return (true);
}

/* New bytes, or those behind snd_nxt that a timeout took back. */
static void
tcp_measure_data(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	uint32_t avail = sbavail(&tx->tx_so->so_snd), limit, used, cwin;
	/* Behind all that the scoreboard had, with the rest of its window. */
	bool behind =
	    tp->t_sack_rexmit > 0 && SEQ_GEQ(tp->snd_nxt, tp->snd_max);

	tx->tx_off = tp->snd_nxt - tp->snd_una;
	limit = MIN(avail, behind ? tp->snd_wnd : tx->tx_sendwin);
	tx->tx_len = limit > tx->tx_off ? limit - tx->tx_off : 0;
	if (behind) {
		used = tp->t_sack_rexmit + tp->snd_nxt -
		    SEQ_MIN(tp->snd_nxt, tp->snd_recover);
		cwin = tp->snd_cwnd > used ? tp->snd_cwnd - used : 0;
		tx->tx_len = MIN(tx->tx_len, cwin);
	}
	if (tx->tx_len == 0)
		tcp_output_shut(tx);
}

/* Where we are, what the windows allow. */
static void
tcp_measure(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	tx->tx_sendalot = tx->tx_tso = false;
	if (SEQ_LT(tp->snd_nxt, tp->snd_max))
		tcp_sack_adjust(tp);
	tx->tx_off = tp->snd_nxt - tp->snd_una;
	tx->tx_sendwin = MIN(tp->snd_wnd, tp->snd_cwnd);
	tx->tx_flags = tcp_outflags[tp->t_state];
	tx->tx_recwin = tcp_recwin(tp, tx->tx_so);
	tx->tx_hole = NULL;
	if (tcp_measure_syn(tx))
		return;
	if (!tcp_measure_hole(tx)) {
		tcp_output_force(tx);
		tcp_measure_data(tx);
	}
	tcp_sndbuf_autoscale(tx);
	/* The FIN goes with the last byte, encrypted or not. */
	if (tx->tx_hole != NULL ||
	    tx->tx_off + tx->tx_len < sbused(&tx->tx_so->so_snd))
		tx->tx_flags &= (uint8_t)~KTH_FIN;
}

/* Sender's silly window avoidance and Nagle: is this data worth a packet? */
static bool
tcp_want_data(const struct tcp_xmit *tx)
{
	const struct tcpcb *tp = tx->tx_tp;

	if (tx->tx_len == 0)
		return (false);
	if (tx->tx_len >= tcp_maxseg(tp))
		return (true);
	if ((tp->t_flags & TF_MORETOCOME) == 0 &&
	    (tx->tx_idle || (tp->t_flags & TF_NODELAY) != 0) &&
	    tx->tx_off + tx->tx_len >= sbavail(&tx->tx_so->so_snd) &&
	    (tp->t_flags & TF_NOPUSH) == 0)
		return (true);
	if ((tp->t_flags & TF_FORCEDATA) != 0 || tx->tx_hole != NULL)
		return (true);
	if (tp->max_sndwnd > 0 && tx->tx_len >= tp->max_sndwnd / 2)
		return (true);
	return (SEQ_LT(tp->snd_nxt, tp->snd_max));
}

/* Receiver's side of it: tell of a window only when it grew by something. */
static bool
tcp_want_window(const struct tcp_xmit *tx)
{
	const struct tcpcb *tp = tx->tx_tp;
	uint32_t hiwat = tx->tx_so->so_rcv.sb_hiwat, oldwin = 0, adv;

	if (tx->tx_recwin == 0 || !TCPS_HAVEESTABLISHED(tp->t_state) ||
	    TCPS_HAVERCVDFIN(tp->t_state) || (tp->t_flags & TF_DELACK) != 0)
		return (false);
	if (SEQ_GT(tp->rcv_adv, tp->rcv_nxt))
		oldwin = tp->rcv_adv - tp->rcv_nxt;
	if (tx->tx_recwin <= oldwin)
		return (false);
	adv = tx->tx_recwin - oldwin;
	if (oldwin >> tp->rcv_scale >= (adv + oldwin) >> tp->rcv_scale)
		return (false);
	if (adv >= 2u * tp->t_maxseg &&
	    (adv >= hiwat / 4 || tx->tx_recwin <= hiwat / 8 ||
		hiwat <= 8u * tp->t_maxseg))
		return (true);
	return (2 * adv >= hiwat);
}

static bool
tcp_want(const struct tcp_xmit *tx)
{
	const struct tcpcb *tp = tx->tx_tp;

	if (tcp_want_data(tx) || tcp_want_window(tx))
		return (true);
	if ((tx->tx_flags & KTH_SYN) != 0)
		return (true);
	/* Before the peer's SYN there is nothing to acknowledge. */
	if ((tp->t_flags & TF_ACKNOW) != 0 && TCPS_HAVERCVDSYN(tp->t_state))
		return (true);
	return ((tx->tx_flags & KTH_FIN) != 0 &&
	    ((tp->t_flags & TF_SENTFIN) == 0 || tp->snd_nxt == tp->snd_una));
}

static uint32_t
tcp_hdrlen(const struct tcp_xmit *tx)
{
	return (
	    (tx->tx_tp->t_inpcb->inp_family == KAF_INET6 ? sizeof(struct kip6)
							 : sizeof(struct kip)) +
	    sizeof(struct ktcphdr) + tx->tx_optlen);
}

/*
 * What is sent again ends where new bytes begin, so that a segment is either
 * old or new: counts are exact, and Wireshark, which skips a retransmission
 * whole, loses no new byte with it. It also ends where bytes begin that the
 * peer has told to have.
 *
 * Not so when it was repeated in vain and a card encrypts it: there are cards
 * that cannot send a part of a record's trailer (Chelsio T6), and FreeBSD,
 * which knows no such end, gives them all of it.
 */
static void
tcp_limit_rexmit(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	uint32_t most;

	if (SEQ_GEQ(tp->snd_nxt, tp->snd_max) || tx->tx_hole != NULL ||
	    (tp->t_nic_ktls_xmit != 0 && tp->t_rxtshift > 1))
		return;
	most = tcp_sack_unsacked(tp, tp->snd_nxt);
	/* What was refused below is new to everybody else. */
	if (SEQ_LT(tp->snd_nxt, tp->snd_out))
		most = MIN(most, tp->snd_out - tp->snd_nxt);
	if (tx->tx_len <= most)
		return;
	tx->tx_len = most;
	tx->tx_flags &= (uint8_t)~KTH_FIN;
	tx->tx_sendalot = true;
}

/*
 * Cut to what one packet takes: a segment, or a TSO burst that ends at a
 * segment's boundary unless it empties the buffer. A FIN behind a burst goes
 * alone.
 */
static void
tcp_limit(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	uint32_t mss, max, odd, hdr;

	KASSERT(tp->t_maxseg > tx->tx_optlen, ("maxseg %u", tp->t_maxseg));
	mss = tp->t_maxseg - tx->tx_optlen;
	tcp_limit_rexmit(tx);
	if (tx->tx_len <= mss)
		return;
	/* SACK blocks would be repeated in each segment: no burst then. What
	 * fills a hole goes one by one. */
	tx->tx_tso = tp->t_tso && (tp->t_flags & TF_FORCEDATA) == 0 &&
	    tx->tx_hole == NULL &&
	    ((tp->t_segq == NULL && tp->t_dsack.start == tp->t_dsack.end) ||
		(tp->t_flags & TF_SACK_PERMIT) == 0);
	if ((tx->tx_flags & KTH_FIN) != 0) {
		tx->tx_flags &= (uint8_t)~KTH_FIN;
		tx->tx_sendalot = true;
	}
	hdr = tcp_hdrlen(tx);
	max = MIN(tp->t_tsomax - MIN(tp->t_tsomax, hdr + TCP_LINKROOM),
	    IP_MAXPACKET - hdr);
	if (tx->tx_tso && tx->tx_len > max) {
		tx->tx_len = max;
		tx->tx_sendalot = true;
	}
	odd = tx->tx_len % mss;
	if (tx->tx_tso && odd != 0 &&
	    tx->tx_off + tx->tx_len < sbavail(&tx->tx_so->so_snd)) {
		tx->tx_len -= odd;
		tx->tx_sendalot = true;
	}
	if (!tx->tx_tso || tx->tx_len <= mss) {
		if (tx->tx_len > mss)
			tx->tx_sendalot = true;
		tx->tx_len = MIN(tx->tx_len, mss);
		tx->tx_tso = false;
	}
}

/*
 * What is out, and what waits, has a timer: somebody must come back to it. (A
 * recovery may have stopped it and found nothing to send.)
 */
static void
tcp_output_tend(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (!TCPS_HAVEESTABLISHED(tp->t_state) ||
	    callout_active(&tp->t_rexmt) || callout_active(&tp->t_persist))
		return;
	if (tp->snd_max != tp->snd_una)
		callout_reset(&tp->t_rexmt, tp->t_rxtcur);
	else if (sbavail(&tx->tx_so->so_snd) > 0) {
		tp->t_rxtshift = 0;
		tp->t_persistshift = 0;
		tcp_setpersist(tp);
	}
}

int
tcp_output(struct tcpcb *tp)
{
	struct inpcb *inp = tp->t_inpcb;
	struct tcp_xmit tx;
	int error = 0;

	KASSERT((inp->inp_flags & INP_DROPPED) == 0,
	    ("tcp_output of conn %u: "
	     "dropped",
		tp->t_conn));
	if (tp->t_state == TCPS_CLOSED || tp->t_state == TCPS_LISTEN)
		return (0);
	if ((tp->t_flags & TF_TOE) != 0)
		return (tcp_offload_output(tp));
	memset(&tx, 0, sizeof(tx));
	tx.tx_tp = tp;
	tx.tx_so = inp->inp_socket;
	tx.tx_idle = tcp_output_idle(tp);
	tcp_update_tso(tp);
	do {
		tcp_measure(&tx);
		if (!tcp_want(&tx))
			break;
		tcp_add_options(&tx);
		tcp_limit(&tx);
		error = tcp_send(&tx);
	} while (error == 0 && tx.tx_sendalot);
	if (error == 0)
		tcp_output_tend(&tx);
	return (error);
}
