/*
 * TCP output: whether something is to be sent, and how much.
 *
 * Only bytes that are available (sbavail) are sent: what is being encrypted
 * is in the buffer and counts for FIN and PUSH (sbused), but stays. A refusal
 * from below (ring full, or a TLS packet without its send tag) is no loss of
 * the path, yet it is answered like one: one segment, and the retransmission
 * timer decides when to try again.
 * Source: netinet/tcp_output.c.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/ip.h>

#include "tcp_private.h"

#define TF_LASTIDLE  0x08000
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
	/* RFC 5681, 4.1: a window that was not used is not known any more. */
	if (idle && tcp_now(tp) - tp->t_rcvtime >= tp->t_rxtcur &&
	    TCPS_HAVEESTABLISHED(tp->t_state))
		tp->snd_cwnd = MIN(tp->snd_cwnd,
		    (uint32_t)tcp_tune(tp)->initcwnd_segments * tcp_maxseg(tp));
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
 * The window shrank behind what was sent. If it is shut, forget about the
 * bytes in flight and wait for it to open.
 */
static void
tcp_output_shut(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (tp->snd_wnd != 0 || !TCPS_HAVEESTABLISHED(tp->t_state) ||
	    tx->tx_off >= sbavail(&tx->tx_so->so_snd))
		return;
	callout_stop(&tp->t_rexmt);
	tp->t_rxtshift = 0;
	tp->snd_nxt = tp->snd_una;
	tx->tx_off = 0;
	if (!callout_active(&tp->t_persist))
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

/* Where we are, what the windows allow. */
static void
tcp_measure(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	struct sockbuf *sb = &tx->tx_so->so_snd;
	uint32_t limit;

	tx->tx_sendalot = tx->tx_tso = false;
	tx->tx_off = tp->snd_nxt - tp->snd_una;
	tx->tx_sendwin = MIN(tp->snd_wnd, tp->snd_cwnd);
	tx->tx_flags = tcp_outflags[tp->t_state];
	tx->tx_recwin = tcp_recwin(tp, tx->tx_so);
	if (tcp_measure_syn(tx))
		return;
	tcp_output_force(tx);
	limit = MIN(sbavail(sb), tx->tx_sendwin);
	tx->tx_len = limit > tx->tx_off ? limit - tx->tx_off : 0;
	if (limit < tx->tx_off)
		tcp_output_shut(tx);
	tcp_sndbuf_autoscale(tx);
	/* The FIN goes with the last byte, encrypted or not. */
	if (tx->tx_off + tx->tx_len < sbused(sb))
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
	if ((tp->t_flags & TF_FORCEDATA) != 0)
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
 * whole, loses no new byte with it.
 */
static void
tcp_limit_rexmit(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (SEQ_GEQ(tp->snd_nxt, tp->snd_max) ||
	    tx->tx_len <= tp->snd_max - tp->snd_nxt)
		return;
	tx->tx_len = tp->snd_max - tp->snd_nxt;
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
	/* SACK blocks would be repeated in each segment: no burst then. */
	tx->tx_tso = tp->t_tso && (tp->t_flags & TF_FORCEDATA) == 0 &&
	    (tp->t_segq == NULL || (tp->t_flags & TF_SACK_PERMIT) == 0);
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

static const char *
tcp_output_why(const struct tcp_xmit *tx)
{
	const struct tcpcb *tp = tx->tx_tp;

	if ((tp->t_flags & TF_FORCEDATA) != 0 && tx->tx_len > 0)
		return ("window probe");
	if (tx->tx_rexmit)
		return (tp->t_why);
	if ((tp->t_flags & TF_LIMITED) != 0)
		return ("limited transmit");
	return (NULL);
}

static void
tcp_output_count(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	struct tcp_stats *st = tcp_stats_rw(tp);
	uint32_t mss = tp->t_maxseg - tx->tx_optlen, old;

	st->sndtotal++;
	if (tx->tx_len == 0)
		return;
	tp->t_stats.snd_bursts++;
	tp->t_stats.snd_segs += howmany(tx->tx_len, mss);
	if ((tp->t_flags & TF_FORCEDATA) != 0)
		tp->t_stats.probes++;
	if (tx->tx_rexmit) {
		st->sndrexmitpack++;
		st->sndrexmitbyte += tx->tx_len;
		/* FreeBSD's counters take the packet as a whole; ours do not. */
		old = MIN(tx->tx_len, tp->snd_max - tx->tx_seq);
		tp->t_stats.rexmit_packs++;
		tp->t_stats.rexmit_bytes += old;
		tp->t_stats.snd_bytes += tx->tx_len - old;
		TRACE(tcp_tracer(tp), tcp_rexmit, TU(tp->t_conn),
		    TU(tx->tx_seq), TU(tx->tx_len),
		    TS(tx->tx_why != NULL ? tx->tx_why : "refused before"));
	} else {
		st->sndpack++;
		st->sndbyte += tx->tx_len;
		tp->t_stats.snd_bytes += tx->tx_len;
	}
}

/* Sequence space and timers move, whether the packet got out or not. */
static void
tcp_output_advance(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	uint32_t n = tx->tx_len + ((tx->tx_flags & KTH_SYN) != 0) +
	    ((tx->tx_flags & KTH_FIN) != 0);

	if ((tx->tx_flags & KTH_FIN) != 0)
		tp->t_flags |= TF_SENTFIN;
	if ((tp->t_flags & TF_FORCEDATA) != 0 &&
	    callout_active(&tp->t_persist)) {
		/* A probe does not move snd_nxt: it is sent till taken. */
		tp->snd_max = SEQ_MAX(tp->snd_max, tx->tx_seq + n);
		return;
	}
	if (n == 0)
		return;
	tp->snd_nxt = tx->tx_seq + n;
	if (SEQ_GT(tp->snd_nxt, tp->snd_max)) {
		tp->snd_max = tp->snd_nxt;
		if (tp->t_rtttime == 0) {
			tp->t_rtttime = MAX(tcp_now(tp), 1);
			tp->t_rtseq = tx->tx_seq;
		}
	}
	if (SEQ_GEQ(tp->snd_nxt, tp->snd_max))
		tp->t_why = NULL;
	if (!callout_active(&tp->t_rexmt)) {
		callout_stop(&tp->t_persist);
		tp->t_persistshift = 0;
		callout_reset(&tp->t_rexmt, tp->t_rxtcur);
	}
}

/* The packet did not get out: so the bytes are still to be sent. */
static void
tcp_output_back_out(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if ((tp->t_flags & TF_FORCEDATA) != 0 && callout_active(&tp->t_persist))
		return;
	if (tx->tx_len > 0 || (tx->tx_flags & (KTH_SYN | KTH_FIN)) != 0)
		tp->snd_nxt = tx->tx_seq;
}

/* What a refusal means. 0: dealt with; tx_sendalot: try again at once. */
static int
tcp_output_error(struct tcp_xmit *tx, int error)
{
	struct tcpcb *tp = tx->tx_tp;
	uint32_t mss;

	tcp_output_back_out(tx);
	switch (error) {
	case ENOBUFS:
		KASSERT(tx->tx_len == 0 || callout_active(&tp->t_rexmt) ||
			callout_active(&tp->t_persist),
		    ("conn %u: refused and no "
		     "timer runs",
			tp->t_conn));
		TRACE(tcp_tracer(tp), tcp_enobufs, TU(tp->t_conn), TI(error));
		tp->t_stats.enobufs++;
		tp->snd_cwnd = tcp_maxseg(tp);
		tx->tx_sendalot = false;
		return (0);
	case EMSGSIZE:
		/* The route leads elsewhere now, where less fits. */
		mss = tcp_maxseg_route(tp);
		if (mss >= tp->t_maxseg)
			return (error);
		tp->t_maxseg = (uint16_t)mss;
		tx->tx_sendalot = true;
		return (0);
	case EHOSTUNREACH:
	case ENETDOWN:
	case ENETUNREACH:
		if (TCPS_HAVERCVDSYN(tp->t_state) ||
		    tp->t_state == TCPS_SYN_SENT) {
			tp->t_softerror = error;
			tx->tx_sendalot = false;
			return (0);
		}
		return (error);
	default:
		return (error);
	}
}

/* What a packet that got out has told the peer. */
static void
tcp_output_told(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (SEQ_GT(tp->rcv_nxt + tx->tx_recwin, tp->rcv_adv))
		tp->rcv_adv = tp->rcv_nxt + tx->tx_recwin;
	tp->last_ack_sent = tp->rcv_nxt;
	tp->t_flags &= ~(TF_ACKNOW | TF_DELACK);
	callout_stop(&tp->t_delack);
}

/* The window for the header; a promise is never taken back. */
static void
tcp_output_window(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (tx->tx_recwin < tx->tx_so->so_rcv.sb_hiwat / 4 &&
	    tx->tx_recwin < tp->t_maxseg)
		tx->tx_recwin = 0;
	if (SEQ_GT(tp->rcv_adv, tp->rcv_nxt) && TCPS_HAVERCVDSYN(tp->t_state))
		tx->tx_recwin = MAX(tx->tx_recwin, tp->rcv_adv - tp->rcv_nxt);
	if ((tx->tx_flags & KTH_SYN) != 0)
		tx->tx_recwin = MIN(tx->tx_recwin, TCP_MAXWIN);
	else
		tx->tx_recwin = MIN(tx->tx_recwin >> tp->rcv_scale, TCP_MAXWIN)
		    << tp->rcv_scale;
	if (tx->tx_recwin == 0)
		tp->t_flags |= TF_RXWIN0SENT;
	else
		tp->t_flags &= ~TF_RXWIN0SENT;
}

static int
tcp_output_packet(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	struct inpcb *inp = tp->t_inpcb;
	struct mbuf *m;
	int error;

	/* A FIN that was sent has its own number, behind the data. */
	if ((tx->tx_flags & KTH_FIN) != 0 && (tp->t_flags & TF_SENTFIN) != 0 &&
	    tp->snd_nxt == tp->snd_max && tx->tx_len == 0)
		tp->snd_nxt--;
	tx->tx_seq = tp->snd_nxt;
	if (tx->tx_len == 0 && (tx->tx_flags & (KTH_SYN | KTH_FIN)) == 0)
		tx->tx_seq = tp->snd_max;
	tx->tx_rexmit = SEQ_LT(tx->tx_seq, tp->snd_max);
	tcp_output_window(tx);
	tx->tx_why = tcp_output_why(tx);
	m = tcp_build(tx);
	if (m != NULL) {
		tcp_output_count(tx);
		error = inp->inp_family == KAF_INET6
		    ? ip6_output(inp->inp_vnet, m, inp)
		    : ip_output(inp->inp_vnet, m, inp);
	} else
		error = ENOBUFS;
	tcp_output_advance(tx);
	if (error != 0)
		return (tcp_output_error(tx, error));
	if (tx->tx_len > 0)
		tcp_account_for_send(tp, tx->tx_len, tx->tx_rexmit,
		    tp->t_nic_ktls_xmit != 0);
	tcp_output_told(tx);
	return (0);
}

/* Nothing goes, but something waits: somebody must come back to it. */
static void
tcp_output_nothing(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (sbavail(&tx->tx_so->so_snd) == 0 ||
	    !TCPS_HAVEESTABLISHED(tp->t_state) ||
	    callout_active(&tp->t_rexmt) || callout_active(&tp->t_persist))
		return;
	tp->t_rxtshift = 0;
	tp->t_persistshift = 0;
	tcp_setpersist(tp);
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
	memset(&tx, 0, sizeof(tx));
	tx.tx_tp = tp;
	tx.tx_so = inp->inp_socket;
	tx.tx_idle = tcp_output_idle(tp);
	tcp_update_tso(tp);
	do {
		tcp_measure(&tx);
		if (!tcp_want(&tx)) {
			tcp_output_nothing(&tx);
			return (0);
		}
		tcp_add_options(&tx);
		tcp_limit(&tx);
		error = tcp_output_packet(&tx);
	} while (error == 0 && tx.tx_sendalot);
	return (error);
}

void
tcp_account_for_send(struct tcpcb *tp, uint32_t len, bool rexmit, bool hw_tls)
{
	if (rexmit)
		tp->t_snd_rxt_bytes += len;
	else
		tp->t_snd_first_bytes += len;
	if (hw_tls && rexmit && len > 0)
		ktls_account_rexmit(tp->t_inpcb->inp_socket,
		    tp->t_snd_first_bytes, tp->t_snd_rxt_bytes);
}
