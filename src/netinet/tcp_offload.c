/*
 * Connections whose TCP is a card's: what the stack asks of it, and what the
 * card tells of them. The control block mirrors the card's states, so that
 * sockets, reports and tools see what they see of any connection.
 *
 * Where the card's end of a closed connection waits for old segments to die
 * (TIME_WAIT), the host's is over at once.
 *
 * Source: netinet/tcp_offload.c, toecore.c; cxgbe/tom/t4_cpl_io.c for what a
 * driver does to the control block.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/tcp_info.h>
#include <ktsim/netinet/tcp_offload.h>

#include "tcp_private.h"

void
register_toedev(struct vnet *vnet, struct toedev *tod)
{
	TAILQ_INSERT_TAIL(&vnet->v_inet->is_toedevs, tod, tod_link);
}

void
unregister_toedev(struct vnet *vnet, struct toedev *tod)
{
	TAILQ_REMOVE(&vnet->v_inet->is_toedevs, tod, tod_link);
}

/* --- from the stack to the card --- */

int
tcp_offload_output(struct tcpcb *tp)
{
	struct toedev *tod = tp->tod;
	int error;

	if (tp->t_state != TCPS_FIN_WAIT_1 && tp->t_state != TCPS_CLOSING &&
	    tp->t_state != TCPS_LAST_ACK)
		return (tod->tod_output(tod, tp));
	if ((tp->t_flags & TF_SENTFIN) != 0)
		return (tod->tod_output(tod, tp));
	error = tod->tod_send_fin(tod, tp);
	if (error == 0)
		tp->t_flags |= TF_SENTFIN;
	return (error);
}

void
tcp_offload_rcvd(struct tcpcb *tp)
{
	tp->tod->tod_rcvd(tp->tod, tp);
}

void
tcp_offload_rst(struct tcpcb *tp)
{
	(void)tp->tod->tod_send_rst(tp->tod, tp);
}

void
tcp_offload_detach(struct tcpcb *tp)
{
	struct toedev *tod = tp->tod;
	struct ktcp_info ti;

	tcp_fill_info(tp, &ti); /* the last that the card can tell of it */
	tp->t_toe_rexmit_packs = ti.tcpi_rexmit_packs;
	tod->tod_pcb_detach(tod, tp);
	tp->t_flags &= ~TF_TOE;
	tp->tod = NULL;
	tp->t_toe = NULL;
}

/* It is switched on for the connection's family. */
static bool
toe_enabled(const struct toedev *tod, const struct inpcb *inp)
{
	return (
	    (tod->tod_ifp->if_capenable &
		(inp->inp_family == KAF_INET6 ? IFCAP_TOE6 : IFCAP_TOE4)) != 0);
}

int
tcp_offload_connect(struct tcpcb *tp)
{
	struct inpcb *inp = tp->t_inpcb;
	struct toe_conn tc = { .local = inp->inp_laddr,
		.foreign = inp->inp_faddr };
	struct toedev *tod;
	struct nhop *nh;
	int error;

	if (TAILQ_EMPTY(&inp->inp_vnet->v_inet->is_toedevs) ||
	    in_pcbroute(inp, &nh) != 0)
		return (EOPNOTSUPP);
	TAILQ_FOREACH(tod, &inp->inp_vnet->v_inet->is_toedevs, tod_link)
		if (tod->tod_ifp == nh->nh_ifp && toe_enabled(tod, inp))
			break;
	if (tod == NULL)
		return (EOPNOTSUPP);
	error = tod->tod_connect(tod, tp, &tc, &nh->nh_gw, &tp->t_toe);
	if (error != 0)
		return (error);
	tp->tod = tod;
	tp->t_flags |= TF_TOE;
	tcp_state_change(tp, TCPS_SYN_SENT);
	return (0);
}

void
tcp_offload_listen_start(struct tcpcb *tp)
{
	struct vnet *vnet = tp->t_inpcb->inp_vnet;
	struct toedev *tod;

	TAILQ_FOREACH(tod, &vnet->v_inet->is_toedevs, tod_link)
		if (toe_enabled(tod, tp->t_inpcb))
			tod->tod_listen_start(tod, tp);
}

void
tcp_offload_listen_stop(struct tcpcb *tp)
{
	struct toedev *tod;

	TAILQ_FOREACH(tod, &tp->t_inpcb->inp_vnet->v_inet->is_toedevs, tod_link)
		tod->tod_listen_stop(tod, tp);
}

/* --- a connection begins --- */

/* What was set before, or is the listener's. */
static void
toe_options(struct tcpcb *tp)
{
	int nodelay = (tp->t_flags & TF_NODELAY) != 0;
	const char *cc = tp->t_cc->name;

	tp->tod->tod_ctloutput(tp->tod, tp, KTCP_NODELAY, &nodelay,
	    sizeof(nodelay));
	tp->tod->tod_ctloutput(tp->tod, tp, KTCP_CONGESTION, cc, strlen(cc));
}

static void
toe_begin(struct tcpcb *tp, const struct toe_conn *tc)
{
	tp->t_offloaded = true;
	tp->iss = tc->iss;
	tp->irs = tc->irs;
	tp->snd_una = tp->snd_nxt = tp->snd_max = tc->iss + 1;
	tp->rcv_nxt = tp->rcv_adv = tp->last_ack_sent = tc->irs + 1;
	tp->t_maxseg = tc->maxseg;
	tp->snd_scale = tc->snd_scale;
	tp->rcv_scale = tc->rcv_scale;
	if (tc->timestamps)
		tp->t_flags |= TF_RCVD_TSTMP;
	toe_options(tp);
	tcp_established(tp);
}

struct tcpcb *
toe_accepted(struct toedev *tod, struct tcpcb *listener,
    const struct toe_conn *tc, void *toep)
{
	struct socket *so = sonewconn(listener->t_inpcb->inp_socket);
	struct tcpcb *tp;

	if (so == NULL) {
		tcp_stats_rw(listener)->listendrop++;
		return (NULL);
	}
	tp = tcp_inherit(listener, so, &tc->local, &tc->foreign,
	    tod->tod_ifp->if_numa_domain);
	tp->tod = tod;
	tp->t_toe = toep;
	tp->t_flags |= TF_TOE;
	soisconnecting(so);
	tcp_state_change(tp, TCPS_SYN_RECEIVED);
	tcp_stats_rw(tp)->accepts++;
	toe_begin(tp, tc);
	return (tp);
}

void
toe_connected(struct tcpcb *tp, const struct toe_conn *tc)
{
	toe_begin(tp, tc);
	(void)tcp_output(tp); /* what waited, a FIN too */
}

/* As if there were no card; the socket is connecting already. */
void
toe_open_failed(struct tcpcb *tp)
{
	struct inpcb *inp = tp->t_inpcb;

	tp->t_flags &= ~TF_TOE;
	tp->tod = NULL;
	tp->t_toe = NULL;
	tcp_open(tp);
	in_pcbref(inp);
	(void)tcp_output(tp);
	(void)in_pcbrele(inp);
}

/* --- data --- */

/* As the driver does it, whose windows are not the host's to see. */
static void
toe_snd_autosize(struct tcpcb *tp, struct sockbuf *sb)
{
	struct tcp_tunables *tt = tcp_tune(tp);

	if (tt->sendbuf_auto == 0 || (sb->sb_flags & SB_AUTOSIZE) == 0 ||
	    sb->sb_hiwat >= tt->sendbuf_max ||
	    sbused(sb) < sb->sb_hiwat / 8 * 7)
		return;
	(void)soreserve_sb(sb,
	    (uint32_t)MIN(sb->sb_hiwat + tt->sendbuf_inc, tt->sendbuf_max));
}

static void
toe_rcv_autosize(struct tcpcb *tp, struct sockbuf *sb, uint32_t len)
{
	struct tcp_tunables *tt = tcp_tune(tp);

	if (tt->recvbuf_auto == 0 || (sb->sb_flags & SB_AUTOSIZE) == 0 ||
	    sb->sb_hiwat >= tt->recvbuf_max ||
	    len <= (uint32_t)MAX(sbspace(sb), 0) / 8 * 7)
		return;
	(void)soreserve_sb(sb,
	    (uint32_t)MIN(sb->sb_hiwat + sb->sb_hiwat / 2, tt->recvbuf_max));
}

void
toe_acked(struct tcpcb *tp, uint32_t bytes)
{
	struct socket *so = tp->t_inpcb->inp_socket;

	KASSERT(bytes <= tp->snd_nxt - tp->snd_una,
	    ("conn %u: %u bytes acknowledged, out are %u", tp->t_conn, bytes,
		tp->snd_nxt - tp->snd_una));
	toe_snd_autosize(tp, &so->so_snd);
	sbdrop(&so->so_snd, bytes);
	tp->snd_una += bytes;
	sowwakeup(so);
}

/* Nobody reads any more: as without a card, what comes is answered with a
 * reset. True: so it was. */
static bool
toe_unwanted(struct tcpcb *tp, uint32_t len)
{
	if ((tp->t_flags & TF_CLOSED) == 0 || len == 0 ||
	    tp->t_state <= TCPS_CLOSE_WAIT)
		return (false);
	tcp_drop(tp, ECONNRESET, "data after the user closed");
	return (true);
}

static void
toe_received(struct tcpcb *tp, uint32_t len)
{
	struct socket *so = tp->t_inpcb->inp_socket;

	tp->rcv_nxt += len;
	tp->t_rcvtime = tcp_now(tp);
	tcp_stats_rw(tp)->rcvbyte += len;
	tp->t_stats.rcv_bytes += len;
	toe_rcv_autosize(tp, &so->so_rcv, len);
}

void
toe_data(struct tcpcb *tp, struct mbuf *m)
{
	struct socket *so = tp->t_inpcb->inp_socket;
	uint32_t len = m_length(m, NULL);

	if (toe_unwanted(tp, len)) {
		m_freem(m);
		return;
	}
	toe_received(tp, len);
	if ((so->so_rcv.sb_state & SBS_CANTRCVMORE) != 0)
		m_freem(m);
	else {
		sbappendstream(&so->so_rcv, m, 0);
		sorwakeup(so);
	}
}

void
toe_record(struct tcpcb *tp, uint64_t seqno, const struct tls_get_record *tgr,
    struct mbuf *m, uint32_t wirelen)
{
	struct socket *so = tp->t_inpcb->inp_socket;

	if (toe_unwanted(tp, wirelen)) {
		m_freem(m);
		return;
	}
	toe_received(tp, wirelen);
	if ((so->so_rcv.sb_state & SBS_CANTRCVMORE) != 0)
		m_freem(m);
	else
		ktls_toe_record(so, seqno, tgr, m);
}

void
toe_record_bad(struct tcpcb *tp, uint64_t seqno, int error, bool fatal,
    uint32_t wirelen)
{
	struct socket *so = tp->t_inpcb->inp_socket;

	if (toe_unwanted(tp, wirelen))
		return;
	toe_received(tp, wirelen);
	ktls_toe_record_bad(so, seqno, error, fatal);
	if (fatal)
		tcp_drop(tp, error, "bad TLS record header");
}

void
toe_truncated(struct tcpcb *tp, uint32_t wirelen)
{
	if (toe_unwanted(tp, wirelen))
		return;
	toe_received(tp, wirelen);
	soerror_set(tp->t_inpcb->inp_socket, EMSGSIZE);
}

void
toe_rx_tls_failed(struct tcpcb *tp, int error)
{
	ktls_toe_rx_failed(tp->t_inpcb->inp_socket, error);
}

/* --- a connection ends --- */

void
toe_peer_close(struct tcpcb *tp)
{
	struct inpcb *inp = tp->t_inpcb;

	in_pcbref(inp);
	tp->rcv_nxt++;
	socantrcvmore(inp->inp_socket);
	switch (tp->t_state) {
	case TCPS_ESTABLISHED:
		tcp_state_change(tp, TCPS_CLOSE_WAIT);
		break;
	case TCPS_FIN_WAIT_1:
		tcp_state_change(tp, TCPS_CLOSING);
		break;
	case TCPS_FIN_WAIT_2:
		tcp_close(tp);
		break;
	default:
		break;
	}
	(void)in_pcbrele(inp);
}

void
toe_fin_acked(struct tcpcb *tp)
{
	switch (tp->t_state) {
	case TCPS_FIN_WAIT_1:
		tcp_state_change(tp, TCPS_FIN_WAIT_2);
		tcp_usrclosed(tp); /* for its timer */
		return;
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
		tcp_close(tp);
		return;
	default:
		return;
	}
}

void
toe_aborted(struct tcpcb *tp, int error, const char *why)
{
	struct inpcb *inp = tp->t_inpcb;

	in_pcbref(inp);
	TRACE(tcp_tracer(tp), tcp_drop, TU(tp->t_conn), TI(error), TS(why));
	tp->t_softreason = why;
	tcp_stats_rw(tp)->drops++;
	if (tp->t_state <= TCPS_CLOSE_WAIT || tp->t_state == TCPS_FIN_WAIT_1 ||
	    tp->t_state == TCPS_FIN_WAIT_2)
		soerror_set(inp->inp_socket, error);
	tcp_close(tp);
	(void)in_pcbrele(inp);
}

/* --- what the driver asks --- */

void *
toe_of(const struct tcpcb *tp)
{
	return (tp->t_toe);
}

uint32_t
toe_conn_number(const struct tcpcb *tp)
{
	return (tp->t_conn);
}

uint32_t
toe_flowid(const struct tcpcb *tp)
{
	return (tp->t_inpcb->inp_flowid);
}

void
toe_listen_addr(const struct tcpcb *tp, struct ksockaddr *sa)
{
	*sa = tp->t_inpcb->inp_laddr;
}

uint32_t
toe_snd_avail(const struct tcpcb *tp)
{
	uint32_t taken = tp->snd_nxt - tp->snd_una;
	uint32_t avail = sbavail(&tp->t_inpcb->inp_socket->so_snd);

	return (avail > taken ? avail - taken : 0);
}

bool
toe_snd_done(const struct tcpcb *tp)
{
	return (sbused(&tp->t_inpcb->inp_socket->so_snd) ==
	    tp->snd_nxt - tp->snd_una);
}

struct mbuf *
toe_snd_copy(struct tcpcb *tp, uint32_t *len, unsigned maxsegs, bool *record)
{
	struct sockbuf *sb = &tp->t_inpcb->inp_socket->so_snd;
	uint32_t avail = toe_snd_avail(tp), moff;
	struct mbuf *m;

	if (avail == 0)
		return (NULL);
	m = sbsndptr_noadv(sb, tp->snd_nxt - tp->snd_una, &moff);
	*record = (m->m_flags & M_EXTPG) != 0 && m->m_epg.tls != NULL;
	if (*record) {
		KASSERT(moff == 0, ("conn %u: half a record", tp->t_conn));
		*len = (uint32_t)m->m_len;
		return (tcp_m_copym(tp, m, 0, len, 0, 0, true));
	}
	*len = MIN(*len, avail);
	return (tcp_m_copym(tp, m, moff, len, maxsegs, 65536, false));
}

void
toe_sent(struct tcpcb *tp, uint32_t len)
{
	struct sockbuf *sb = &tp->t_inpcb->inp_socket->so_snd;
	uint32_t moff;

	sbsndptr_adv(sb, sbsndptr_noadv(sb, tp->snd_nxt - tp->snd_una, &moff),
	    len);
	tp->snd_nxt += len;
	tp->snd_max = tp->snd_nxt;
	tp->t_sndtime = tcp_now(tp);
	tp->t_stats.snd_bytes += len;
}

uint32_t
toe_rcv_space(const struct tcpcb *tp)
{
	return ((uint32_t)MAX(sbspace(&tp->t_inpcb->inp_socket->so_rcv), 0));
}

bool
toe_pending_rx_info(const struct tcpcb *tp, uint64_t *seqnop, uint32_t *residp)
{
	return (ktls_pending_rx_info(&tp->t_inpcb->inp_socket->so_rcv, seqnop,
	    residp));
}

/* --- for kernel TLS --- */

bool
inp_toe(const struct inpcb *inp)
{
	return (!inp_dropped(inp) && (inp->inp_ppcb->t_flags & TF_TOE) != 0);
}

int
inp_toe_alloc_tls(struct inpcb *inp, struct ktls_session *tls)
{
	struct tcpcb *tp = intotcpcb(inp);

	return (
	    tp->tod->tod_alloc_tls_session(tp->tod, tp, tls, tls->direction));
}
