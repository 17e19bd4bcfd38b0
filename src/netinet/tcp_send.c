/*
 * Sending one packet: what it is called in notes and counters, how sequence
 * space and timers move, and what a refusal from below means.
 *
 * A refusal (ring full, or a TLS packet without its send tag) is no loss of the
 * path, yet it is answered like one: one segment, and the retransmission timer
 * decides when to try again.
 * Source: netinet/tcp_output.c.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>

#include "tcp_private.h"

static const char *
tcp_output_why(const struct tcp_xmit *tx)
{
	const struct tcpcb *tp = tx->tx_tp;

	if ((tp->t_flags & TF_FORCEDATA) != 0 && tx->tx_len > 0)
		return ("window probe");
	if (tx->tx_hole != NULL)
		return ("SACK");
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
	if ((tp->t_flags & TF_FORCEDATA) != 0) {
		tp->t_stats.probes++;
		st->sndprobe++;
	}
	if (tx->tx_rexmit) {
		st->sndrexmitpack++;
		st->sndrexmitbyte += tx->tx_len;
		/* FreeBSD's counters take the packet as a whole; ours do not. */
		old = MIN(tx->tx_len, tp->snd_max - tx->tx_seq);
		tp->t_stats.rexmit_packs++;
		tp->t_stats.rexmit_bytes += old;
		if (tx->tx_hole != NULL) {
			st->sack_rexmits++;
			st->sack_rexmit_bytes += tx->tx_len;
			tp->t_stats.sack_rexmit_bytes += tx->tx_len;
		}
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

/* Something is out that was not a probe: the two timers exclude each other. */
static void
tcp_start_rexmt(struct tcpcb *tp)
{
	if (callout_active(&tp->t_rexmt))
		return;
	callout_stop(&tp->t_persist);
	tp->t_persistshift = 0;
	callout_reset(&tp->t_rexmt, tp->t_rxtcur);
}

/* Sequence space and timers move, whether the packet got out or not. */
static void
tcp_output_advance(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	uint32_t n = tx->tx_len + ((tx->tx_flags & KTH_SYN) != 0) +
	    ((tx->tx_flags & KTH_FIN) != 0);

	if (tx->tx_len > 0)
		tp->t_sndtime = tcp_now(tp);
	if (IN_RECOVERY(tp->t_flags))
		tp->t_prr_out += tx->tx_len;
	if (tx->tx_hole != NULL) {
		tcp_sack_sent(tp, tx->tx_hole, tx->tx_len);
		tcp_start_rexmt(tp);
		return;
	}
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
	tcp_start_rexmt(tp);
}

/* The packet did not get out: so the bytes are still to be sent. */
static void
tcp_output_back_out(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (IN_RECOVERY(tp->t_flags))
		tp->t_prr_out -= MIN(tx->tx_len, tp->t_prr_out);
	if (tx->tx_hole != NULL) {
		tcp_sack_unsent(tp, tx->tx_hole, tx->tx_len);
		return;
	}
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
		TRACE(tcp_tracer(tp), tcp_mtu, TU(tp->t_conn), TU(mss),
		    TS("another route"));
		tx->tx_sendalot = true;
		return (0);
	case EHOSTUNREACH:
	case ENETDOWN:
	case ENETUNREACH:
		/* Planted: nobody comes back from it. */
		if (error == ENETDOWN &&
		    V_DEFECT(tp->t_inpcb->inp_vnet, LACP_ENETDOWN)) {
			soerror_set(tx->tx_so, error);
			return (error);
		}
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
	tp->t_dsack.end = tp->t_dsack.start; /* reported, once */
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

/* The first number of what goes. */
static void
tcp_output_seq(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (tx->tx_hole != NULL) {
		tx->tx_seq = tx->tx_hole->rxmit;
		tx->tx_rexmit = true;
		return;
	}
	/* A FIN that was sent has its own number, behind the data. */
	if ((tx->tx_flags & KTH_FIN) != 0 && (tp->t_flags & TF_SENTFIN) != 0 &&
	    tp->snd_nxt == tp->snd_max && tx->tx_len == 0)
		tp->snd_nxt--;
	tx->tx_seq = tp->snd_nxt;
	/* A probe's byte lies beyond the window: a peer whose own is shut would
	 * not take a number behind it. */
	if (tx->tx_len == 0 && (tx->tx_flags & (KTH_SYN | KTH_FIN)) == 0 &&
	    !callout_active(&tp->t_persist))
		tx->tx_seq = tp->snd_max;
	tx->tx_rexmit = SEQ_LT(tx->tx_seq, tp->snd_max);
}

int
tcp_send(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	struct inpcb *inp = tp->t_inpcb;
	struct mbuf *m;
	int error;

	tcp_output_seq(tx);
	tcp_output_window(tx);
	tcp_ecn_output(tx);
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
	if (SEQ_GT(tx->tx_seq + tx->tx_len, tp->snd_out))
		tp->snd_out = tx->tx_seq + tx->tx_len;
	if (tx->tx_len > 0)
		tcp_account_for_send(tp, tx->tx_len, tx->tx_rexmit,
		    tp->t_nic_ktls_xmit != 0);
	tcp_output_told(tx);
	return (0);
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
