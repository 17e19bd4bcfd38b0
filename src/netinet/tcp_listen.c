/*
 * A segment for a listener. A SYN makes a socket at once: there is no cache
 * of half-open connections, the laboratory has no SYN floods.
 */
#include <ktsim/base/kassert.h>

#include "tcp_private.h"

/* What a new connection takes over from its listener. */
#define TF_INHERIT (TF_NODELAY | TF_NOPUSH)

struct tcpcb *
tcp_inherit(struct tcpcb *listener, struct socket *so,
    const struct ksockaddr *laddr, const struct ksockaddr *faddr,
    uint8_t numa_domain)
{
	struct inpcb *inp = sotoinpcb(so);
	struct tcpcb *tp = intotcpcb(inp);
	struct socket *lso = listener->t_inpcb->inp_socket;

	in_pcbaccepted(inp, laddr, faddr);
	inp->inp_numa_domain = numa_domain;
	tp->t_flags |= listener->t_flags & TF_INHERIT;
	if (tp->t_cc != listener->t_cc)
		cc_choose(tp, listener->t_cc);
	tp->t_keepidle = listener->t_keepidle;
	tp->t_keepintvl = listener->t_keepintvl;
	tp->t_keepcnt = listener->t_keepcnt;
	(void)soreserve_sb(&so->so_snd, lso->so_snd.sb_hiwat);
	(void)soreserve_sb(&so->so_rcv, lso->so_rcv.sb_hiwat);
	so->so_snd.sb_flags = (uint16_t)((so->so_snd.sb_flags & ~SB_AUTOSIZE) |
	    (lso->so_snd.sb_flags & SB_AUTOSIZE));
	so->so_rcv.sb_flags = (uint16_t)((so->so_rcv.sb_flags & ~SB_AUTOSIZE) |
	    (lso->so_rcv.sb_flags & SB_AUTOSIZE));
	return (tp);
}

static void
tcp_accept(struct tcpcb *listener, struct socket *so, const struct tcp_seg *ts)
{
	struct tcpcb *tp;

	/* FreeBSD takes the ACK that ends the handshake: syncache_socket. */
	tp = tcp_inherit(listener, so, &ts->ts_laddr, &ts->ts_faddr,
	    ts->ts_m->m_pkthdr.numa_domain);
	soisconnecting(so);
	tcp_connecting(tp, TCPS_SYN_RECEIVED);
	tp->irs = ts->ts_seq;
	tp->rcv_nxt = tp->rcv_adv = tp->last_ack_sent = tp->irs + 1;
	tcp_negotiate(tp, ts);
	tcp_ecn_input_syn(tp, ts);
	tp->snd_wnd = tp->max_sndwnd = ts->ts_win;
	tp->snd_wl1 = ts->ts_seq;
	tp->t_flags |= TF_ACKNOW;
	tcp_stats_rw(tp)->accepts++;
	(void)tcp_output(tp);
}

void
tcp_listen_input(struct tcpcb *tp, struct tcp_seg *ts)
{
	struct socket *so;

	if ((ts->ts_flags & KTH_RST) != 0) {
		ts->ts_why = "reset for a listener";
		tcp_trace_discard(tp, ts);
		return;
	}
	if ((ts->ts_flags & KTH_ACK) != 0) {
		ts->ts_why = "acknowledgement for a listener";
		tcp_trace_discard(tp, ts);
		tcp_respond_rst(ts, tp->t_conn);
		return;
	}
	if ((ts->ts_flags & KTH_SYN) == 0) {
		ts->ts_why = "no SYN for a listener";
		tcp_trace_discard(tp, ts);
		return;
	}
	so = sonewconn(tp->t_inpcb->inp_socket);
	if (so == NULL) {
		ts->ts_why = "listen queue is full";
		tcp_trace_discard(tp, ts);
		tcp_stats_rw(tp)->listendrop++;
		return;
	}
	tcp_accept(tp, so, ts);
}
