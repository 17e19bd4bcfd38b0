/*
 * The socket's calls into TCP: tcp_protosw.
 *
 * When the user closes, a connection that has not ended keeps the socket by a
 * reference of its own (INP_SOCKREF) until tcp_close.
 */
#include <errno.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/tcp_offload.h>

#include "tcp_private.h"
#include "tcp_ctloutput.h"

struct inpcb *
sotoinpcb(struct socket *so)
{
	return (so->so_pcb);
}

struct tcpcb *
sototcpcb(struct socket *so)
{
	return (intotcpcb(sotoinpcb(so)));
}

static bool
tcp_gone(struct socket *so)
{
	return ((sotoinpcb(so)->inp_flags & INP_DROPPED) != 0);
}

static int
tcp_usr_attach(struct socket *so)
{
	struct tcp_tunables *tt = &so->so_vnet->v_inet->is_tune;
	struct inpcb *inp;
	int error;

	if ((error = soreserve_sb(&so->so_snd, (uint32_t)tt->sendspace)) != 0 ||
	    (error = soreserve_sb(&so->so_rcv, (uint32_t)tt->recvspace)) != 0 ||
	    (error = in_pcballoc(so)) != 0)
		return (error);
	so->so_snd.sb_flags |= SB_AUTOSIZE;
	so->so_rcv.sb_flags |= SB_AUTOSIZE;
	inp = sotoinpcb(so);
	if (tcp_newtcpcb(inp) == NULL) {
		so->so_pcb = NULL;
		inp->inp_socket = NULL;
		(void)in_pcbrele(inp);
		return (ENOBUFS);
	}
	return (0);
}

/* The socket is being freed. */
static void
tcp_usr_detach(struct socket *so)
{
	struct inpcb *inp = sotoinpcb(so);

	KASSERT((inp->inp_flags & INP_SOCKREF) == 0,
	    ("tcp_usr_detach: the "
	     "connection still holds the socket"));
	if ((inp->inp_flags & INP_DROPPED) == 0) {
		tcp_timer_stop(intotcpcb(inp));
		tcp_reass_flush(intotcpcb(inp));
		in_pcbdrop(inp);
	}
	so->so_pcb = NULL;
	inp->inp_socket = NULL;
	(void)in_pcbrele(inp);
}

static int
tcp_usr_bind(struct socket *so, const struct ksockaddr *nam)
{
	if (tcp_gone(so))
		return (EINVAL);
	return (in_pcbbind(sotoinpcb(so), nam));
}

static int
tcp_usr_listen(struct socket *so, int backlog)
{
	struct inpcb *inp = sotoinpcb(so);
	struct ksockaddr any = { .sa_family = inp->inp_family };
	int error;

	if (tcp_gone(so))
		return (EINVAL);
	if (inp->inp_laddr.sa_port == 0 && (error = in_pcbbind(inp, &any)) != 0)
		return (error);
	tcp_state_change(intotcpcb(inp), TCPS_LISTEN);
	tcp_offload_listen_start(intotcpcb(inp));
	return (0);
}

void
tcp_open(struct tcpcb *tp)
{
	tcp_connecting(tp, TCPS_SYN_SENT);
	tcp_mss(tp, tcp_maxseg_route(tp));
}

/* Everything of a connect but the first segment. */
static int
tcp_connect(struct tcpcb *tp, const struct ksockaddr *nam)
{
	int error;

	if ((error = in_pcbconnect(tp->t_inpcb, nam)) != 0)
		return (error);
	soisconnecting(tp->t_inpcb->inp_socket);
	tcp_stats_rw(tp)->connattempt++;
	if (tcp_offload_connect(tp) != 0)
		tcp_open(tp);
	return (0);
}

static int
tcp_usr_connect(struct socket *so, const struct ksockaddr *nam)
{
	struct inpcb *inp = sotoinpcb(so);
	struct tcpcb *tp = intotcpcb(inp);
	int error;

	if (tcp_gone(so))
		return (ECONNREFUSED);
	if (tp->t_state != TCPS_CLOSED)
		return (EINVAL);
	if ((error = tcp_connect(tp, nam)) != 0)
		return (error);
	in_pcbref(inp);
	error = tcp_output(tp);
	(void)in_pcbrele(inp);
	return (error != 0 ? error : EINPROGRESS);
}

/* Errors of pr_send: who frees m depends on PRUS_NOTREADY. */
static int
tcp_send_refuse(struct mbuf *m, int flags, int error)
{
	if ((flags & PRUS_NOTREADY) == 0)
		m_freem(m);
	return (error);
}

/* An address given with the first bytes: may one connect there? */
static int
tcp_send_name(const struct tcpcb *tp, const struct ksockaddr *nam)
{
	const uint8_t *a = nam->sa_addr.a;
	bool v6 = nam->sa_family == KAF_INET6;

	if (nam->sa_family != tp->t_inpcb->inp_family)
		return (EAFNOSUPPORT);
	if (v6 ? a[0] == 0xff : (a[0] & 0xf0) == 0xe0)
		return (EAFNOSUPPORT);
	if (!v6 && be32dec(a) == UINT32_MAX)
		return (EACCES);
	return (0);
}

/* Control messages, state and address: nothing is appended before these. */
static int
tcp_send_check(struct socket *so, const struct ksockaddr *nam,
    const struct mbuf *control)
{
	const struct tcpcb *tp = sototcpcb(so);

	if (tcp_gone(so))
		return (ECONNRESET);
	if (control != NULL)
		return (EINVAL);
	if (tp->t_state >= TCPS_SYN_SENT)
		return (0);
	if (tp->t_state == TCPS_LISTEN || nam == NULL)
		return (ENOTCONN);
	return (tcp_send_name(tp, nam));
}

static int
tcp_usr_send(struct socket *so, int flags, struct mbuf *m,
    const struct ksockaddr *nam, struct mbuf *control)
{
	struct inpcb *inp = sotoinpcb(so);
	struct tcpcb *tp = intotcpcb(inp);
	int error;

	error = tcp_send_check(so, nam, control);
	m_freem(control);
	if (error != 0)
		return (tcp_send_refuse(m, flags, error));
	sbappendstream(&so->so_snd, m, flags);
	if (tp->t_state < TCPS_SYN_SENT &&
	    (error = tcp_connect(tp, nam)) != 0) {
		sbflush(&so->so_snd); /* leaves what is not ready to us */
		return (error);
	}
	in_pcbref(inp);
	if ((flags & PRUS_EOF) != 0) {
		socantsendmore(so);
		tcp_usrclosed(tp);
	}
	if (!inp_dropped(inp) && (flags & PRUS_NOTREADY) == 0) {
		if ((flags & PRUS_MORETOCOME) != 0)
			tp->t_flags |= TF_MORETOCOME;
		error = tcp_output(tp);
		if (!V_DEFECT(so->so_vnet, MORETOCOME_STAYS))
			tp->t_flags &= ~TF_MORETOCOME;
	}
	(void)in_pcbrele(inp);
	return (error);
}

static int
tcp_usr_ready(struct socket *so, struct mbuf *m, int count)
{
	struct inpcb *inp = sotoinpcb(so);
	int error;

	if (inp == NULL || inp_dropped(inp)) {
		(void)mb_free_notready(m, count);
		return (ECONNRESET);
	}
	error = sbready(&so->so_snd, m, count);
	TRACE(&so->so_vnet->v_tracer, so_ready, TU(intotcpcb(inp)->t_conn),
	    TU(so->so_number), TU(sbavail(&so->so_snd)),
	    TU(sbused(&so->so_snd)), TI(error));
	if (error == 0 && !V_DEFECT(so->so_vnet, TCP_READY_SILENT))
		error = tcp_output(intotcpcb(inp));
	return (error);
}

static void
tcp_usr_rcvd(struct socket *so, int flags)
{
	struct tcpcb *tp = sototcpcb(so);

	if (tcp_gone(so) || !TCPS_HAVEESTABLISHED(tp->t_state))
		return;
	if ((tp->t_flags & TF_TOE) != 0)
		tcp_offload_rcvd(tp);
	else
		(void)tcp_output(tp);
}

static int
tcp_usr_shutdown(struct socket *so)
{
	struct inpcb *inp = sotoinpcb(so);
	int error = 0;

	if (tcp_gone(so))
		return (ECONNRESET);
	in_pcbref(inp);
	socantsendmore(so);
	tcp_usrclosed(intotcpcb(inp));
	if (!inp_dropped(inp))
		error = tcp_output(intotcpcb(inp));
	(void)in_pcbrele(inp);
	return (error);
}

/* The user wants neither to send nor to receive any more. */
static void
tcp_disconnect(struct tcpcb *tp)
{
	struct inpcb *inp = tp->t_inpcb;
	struct socket *so = inp->inp_socket;

	in_pcbref(inp);
	if (!TCPS_HAVEESTABLISHED(tp->t_state) &&
	    tp->t_state != TCPS_SYN_RECEIVED)
		tcp_close(tp);
	else {
		soisdisconnecting(so);
		sbflush(&so->so_rcv);
		tcp_usrclosed(tp);
		if (!inp_dropped(inp))
			(void)tcp_output(tp);
	}
	(void)in_pcbrele(inp);
}

static int
tcp_usr_disconnect(struct socket *so)
{
	struct tcpcb *tp = sototcpcb(so);

	if (tcp_gone(so))
		return (ECONNRESET);
	if (tp->t_state != TCPS_TIME_WAIT)
		tcp_disconnect(tp);
	return (0);
}

static void
tcp_usr_close(struct socket *so)
{
	struct inpcb *inp = sotoinpcb(so);
	struct tcpcb *tp = intotcpcb(inp);

	if (!tcp_gone(so)) {
		tp->t_flags |= TF_CLOSED;
		if (tp->t_state != TCPS_TIME_WAIT)
			tcp_disconnect(tp);
	}
	if (!tcp_gone(so) && (inp->inp_flags & INP_SOCKREF) == 0) {
		soref(so);
		inp->inp_flags |= INP_SOCKREF;
	}
}

static void
tcp_usr_abort(struct socket *so)
{
	if (!tcp_gone(so))
		tcp_drop(sototcpcb(so), ECONNABORTED, "aborted by its user");
}

static int
tcp_usr_sockaddr(struct socket *so, struct ksockaddr *nam)
{
	*nam = sotoinpcb(so)->inp_laddr;
	return (0);
}

static int
tcp_usr_peeraddr(struct socket *so, struct ksockaddr *nam)
{
	if (sotoinpcb(so)->inp_faddr.sa_port == 0)
		return (ENOTCONN);
	*nam = sotoinpcb(so)->inp_faddr;
	return (0);
}

const struct protosw tcp_protosw = {
	.pr_protocol = KIPPROTO_TCP,
	.pr_attach = tcp_usr_attach,
	.pr_detach = tcp_usr_detach,
	.pr_bind = tcp_usr_bind,
	.pr_listen = tcp_usr_listen,
	.pr_connect = tcp_usr_connect,
	.pr_send = tcp_usr_send,
	.pr_ready = tcp_usr_ready,
	.pr_rcvd = tcp_usr_rcvd,
	.pr_shutdown = tcp_usr_shutdown,
	.pr_disconnect = tcp_usr_disconnect,
	.pr_close = tcp_usr_close,
	.pr_abort = tcp_usr_abort,
	.pr_ctloutput = tcp_ctloutput,
	.pr_sockaddr = tcp_usr_sockaddr,
	.pr_peeraddr = tcp_usr_peeraddr,
};
