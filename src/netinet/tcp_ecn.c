/*
 * Explicit congestion notification (RFC 3168): routers mark packets instead of
 * dropping them, the receiver echoes marks (ECE) until the sender tells (CWR)
 * that it has reduced its window.
 *
 * net.inet.tcp.ecn.enable: 0 never, 1 ask for it and agree, 2 (the default)
 * agree only. Retransmissions, window probes and packets without data are not
 * marked as capable.
 *
 * Source: netinet/tcp_ecn.c, without accurate ECN.
 */
#include "tcp_private.h"

#define ECN_MASK 0x3
#define ECN_ECT1 0x1
#define ECN_ECT0 0x2
#define ECN_CE	 0x3
#define KTH_ECN	 (KTH_ECE | KTH_CWR)

void
tcp_ecn_input_syn(struct tcpcb *tp, const struct tcp_seg *ts)
{
	if ((ts->ts_flags & KTH_ECN) != KTH_ECN ||
	    tcp_tune(tp)->ecn_enable == 0)
		return;
	tp->t_flags2 |= TF2_ECN_PERMIT;
	tcp_stats_rw(tp)->ecn_shs++;
}

void
tcp_ecn_input_synack(struct tcpcb *tp, const struct tcp_seg *ts)
{
	if ((ts->ts_flags & KTH_ECN) != KTH_ECE ||
	    tcp_tune(tp)->ecn_enable != 1)
		return;
	tp->t_flags2 |= TF2_ECN_PERMIT;
	tcp_stats_rw(tp)->ecn_shs++;
}

static void
tcp_ecn_codepoint(struct tcpcb *tp, uint8_t tos)
{
	struct tcp_stats *st = tcp_stats_rw(tp);

	switch (tos & ECN_MASK) {
	case ECN_CE:
		st->ecn_rcvce++;
		tp->t_stats.ecn_ce++;
		if ((tp->t_flags2 & TF2_ECN_SND_ECE) == 0)
			TRACE(tcp_tracer(tp), tcp_ecn, TU(tp->t_conn),
			    TS("a mark came: echoed"));
		tp->t_flags2 |= TF2_ECN_SND_ECE;
		break;
	case ECN_ECT0:
		st->ecn_rcvect0++;
		break;
	case ECN_ECT1:
		st->ecn_rcvect1++;
		break;
	}
}

void
tcp_ecn_input(struct tcpcb *tp, const struct tcp_seg *ts)
{
	if ((tp->t_flags2 & TF2_ECN_PERMIT) == 0)
		return;
	/* Told; a mark of this very segment begins anew. */
	if ((ts->ts_flags & KTH_CWR) != 0) {
		tp->t_flags2 &= ~TF2_ECN_SND_ECE;
		tp->t_flags |= TF_ACKNOW;
	}
	tcp_ecn_codepoint(tp, ts->ts_tos);
	if ((ts->ts_flags & KTH_ECE) == 0 || (ts->ts_flags & KTH_SYN) != 0)
		return;
	tcp_stats_rw(tp)->ecn_rcvece++;
	if (!IN_CONGRECOVERY(tp->t_flags))
		TRACE(tcp_tracer(tp), tcp_ecn, TU(tp->t_conn),
		    TS("the peer echoes a mark: window reduced"));
	cc_cong_signal(tp, CC_ECN);
}

static void
tcp_ecn_output_syn(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	if (tp->t_state == TCPS_SYN_RECEIVED) {
		if ((tp->t_flags2 & TF2_ECN_PERMIT) != 0 && tp->t_rxtshift == 0)
			tx->tx_flags |= KTH_ECE;
		return;
	}
	/* A path that loses such SYNs gets one without. */
	if (tcp_tune(tp)->ecn_enable == 1 &&
	    tp->t_rxtshift <= tcp_tune(tp)->ecn_maxretries)
		tx->tx_flags |= KTH_ECN;
}

void
tcp_ecn_output(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;

	tx->tx_ect = false;
	if ((tx->tx_flags & KTH_SYN) != 0) {
		tcp_ecn_output_syn(tx);
		return;
	}
	if ((tp->t_flags2 & TF2_ECN_PERMIT) == 0)
		return;
	if (tx->tx_len > 0 && !tx->tx_rexmit &&
	    (tp->t_flags & TF_FORCEDATA) == 0) {
		tx->tx_ect = true;
		tcp_stats_rw(tp)->ecn_sndect0++;
		if ((tp->t_flags2 & TF2_ECN_SND_CWR) != 0) {
			tx->tx_flags |= KTH_CWR;
			tp->t_flags2 &= ~TF2_ECN_SND_CWR;
		}
	}
	if ((tp->t_flags2 & TF2_ECN_SND_ECE) != 0)
		tx->tx_flags |= KTH_ECE;
}
