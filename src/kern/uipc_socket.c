/*
 * Life of sockets: creation, listening queues, connection states, closing,
 * references. Data goes through uipc_sosend.c and uipc_soreceive.c.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>

static void so_orphan_run(void *arg, int pending);

static struct socket *
soalloc(struct vnet *vnet, const struct protosw *proto, int family)
{
	struct socket *so;

	so = kzone_alloc(&vnet->v_socket_zone, M_NOWAIT | M_ZERO);
	if (so == NULL)
		return (NULL);
	so->so_vnet = vnet;
	so->so_proto = proto;
	so->so_family = (uint8_t)family;
	so->so_refs = 1;
	so->so_number = (uint32_t)vnet->v_socket_zone.z_allocs;
	TAILQ_INIT(&so->so_comp);
	TAILQ_INIT(&so->so_incomp);
	task_init(&so->so_orphan, so_orphan_run, so);
	sbinit(&so->so_snd, vnet, so);
	sbinit(&so->so_rcv, vnet, so);
	so->so_snd.sb_lowat = 2048;
	return (so);
}

int
socreate(struct vnet *vnet, const struct protosw *proto, int family,
    struct socket **out)
{
	struct socket *so;
	int error;

	if ((so = soalloc(vnet, proto, family)) == NULL)
		return (ENOBUFS);
	if ((error = proto->pr_attach(so)) != 0) {
		kzone_free(&vnet->v_socket_zone, so);
		return (error);
	}
	*out = so;
	return (0);
}

void
soref(struct socket *so)
{
	KASSERT(so->so_refs > 0, ("soref of a dead socket"));
	so->so_refs++;
}

void
sorele(struct socket *so)
{
	KASSERT(so->so_refs > 0, ("sorele of a dead socket"));
	if (--so->so_refs > 0)
		return;
	KASSERT(so->so_listen == NULL, ("socket freed on a listen queue"));
	if (so->so_pcb != NULL)
		so->so_proto->pr_detach(so);
	sbdestroy(&so->so_snd);
	sbdestroy(&so->so_rcv);
	kzone_free(&so->so_vnet->v_socket_zone, so);
}

void
soupcall_set(struct socket *so, so_upcall_fn *fn, void *arg)
{
	so->so_upcall = fn;
	so->so_upcall_arg = arg;
}

static void
soupcall(struct socket *so, enum so_event ev)
{
	if (so->so_upcall != NULL)
		so->so_upcall(so, so->so_upcall_arg, ev);
}

/* What a splice moves is none of the user's business. */
void
sorwakeup(struct socket *so)
{
	if (so->so_splice != NULL)
		so_splice_dispatch(so->so_splice);
	else
		soupcall(so, SO_READABLE);
}

void
sowwakeup(struct socket *so)
{
	if (so->so_splice_back != NULL)
		so_splice_dispatch(so->so_splice_back);
	else
		soupcall(so, SO_WRITABLE);
}

void
soerror_set(struct socket *so, int error)
{
	so->so_error = error;
	if (so->so_splice != NULL)
		so_splice_dispatch(so->so_splice);
	if (so->so_splice_back != NULL)
		so_splice_dispatch(so->so_splice_back);
	soupcall(so, SO_ERROR_EVENT);
}

int
so_geterror(struct socket *so)
{
	int error = so->so_error;

	so->so_error = 0;
	return (error);
}

int
so_cansend(struct socket *so, bool named)
{
	if (so->so_snd.sb_state & SBS_CANTSENDMORE)
		return (EPIPE);
	if (so->so_error != 0)
		return (so_geterror(so));
	if ((so->so_state & SS_ISCONNECTED) == 0 && !named)
		return (ENOTCONN);
	return (0);
}

int
sobind(struct socket *so, const struct ksockaddr *sa)
{
	return (so->so_proto->pr_bind(so, sa));
}

int
solisten(struct socket *so, int backlog)
{
	if ((so->so_state &
		(SS_ISCONNECTED | SS_ISCONNECTING | SS_ISDISCONNECTING)) != 0)
		return (EINVAL);
	if (so->so_snd.sb_tls_info != NULL || so->so_rcv.sb_tls_info != NULL)
		return (EINVAL);
	if (backlog < 0 || backlog > 1024)
		backlog = 1024;
	so->so_qlimit = MAX(backlog, 1);
	so->so_listening = true;
	return (so->so_proto->pr_listen(so, backlog));
}

int
soconnect(struct socket *so, const struct ksockaddr *sa)
{
	if (so->so_listening)
		return (EOPNOTSUPP);
	if (so->so_state & SS_ISCONNECTED)
		return (EISCONN);
	if (so->so_state & SS_ISCONNECTING)
		return (EALREADY);
	so->so_error = 0;
	return (so->so_proto->pr_connect(so, sa));
}

/* --- listening queues --- */

struct socket *
sonewconn(struct socket *head)
{
	struct socket *so;

	/* As FreeBSD, half as many again as the backlog says. */
	if (head->so_qlen > 3 * head->so_qlimit / 2) {
		head->so_overflow++;
		return (NULL);
	}
	so = soalloc(head->so_vnet, head->so_proto, head->so_family);
	if (so == NULL)
		return (NULL);
	so->so_snd.sb_lowat = head->so_snd.sb_lowat;
	if (so->so_proto->pr_attach(so) != 0) {
		kzone_free(&head->so_vnet->v_socket_zone, so);
		return (NULL);
	}
	so->so_listen = head;
	TAILQ_INSERT_TAIL(&head->so_incomp, so, so_list);
	head->so_qlen++;
	return (so);
}

static void
so_dequeue(struct socket *so)
{
	struct socket *head = so->so_listen;

	if (so->so_oncomp)
		TAILQ_REMOVE(&head->so_comp, so, so_list);
	else
		TAILQ_REMOVE(&head->so_incomp, so, so_list);
	head->so_qlen--;
	so->so_listen = NULL;
	so->so_oncomp = false;
}

/* A connection that died before it was complete has no user to close it. */
static void
so_orphan_run(void *arg, int pending)
{
	struct socket *so = arg;

	so->so_state |= SS_NOFDREF;
	sorele(so);
}

int
soaccept(struct socket *head, struct socket **out)
{
	struct socket *so;

	if (!head->so_listening)
		return (EINVAL);
	if ((so = TAILQ_FIRST(&head->so_comp)) == NULL) {
		if (head->so_error != 0)
			return (so_geterror(head));
		return (EWOULDBLOCK);
	}
	so_dequeue(so);
	*out = so;
	return (0);
}

/* --- connection states, told by the protocol --- */

void
soisconnecting(struct socket *so)
{
	so->so_state &= (uint16_t)~SS_ISDISCONNECTED;
	so->so_state |= SS_ISCONNECTING;
}

void
soisconnected(struct socket *so)
{
	struct socket *head = so->so_listen;

	so->so_state &= (uint16_t) ~(SS_ISCONNECTING | SS_ISDISCONNECTING);
	so->so_state |= SS_ISCONNECTED;
	if (head != NULL && !so->so_oncomp) {
		TAILQ_REMOVE(&head->so_incomp, so, so_list);
		TAILQ_INSERT_TAIL(&head->so_comp, so, so_list);
		so->so_oncomp = true;
		sorwakeup(head);
		return;
	}
	sorwakeup(so);
	sowwakeup(so);
}

void
soisdisconnecting(struct socket *so)
{
	so->so_state &= (uint16_t)~SS_ISCONNECTING;
	so->so_state |= SS_ISDISCONNECTING;
	socantrcvmore(so);
	socantsendmore(so);
}

void
soisdisconnected(struct socket *so)
{
	so->so_state &=
	    (uint16_t) ~(SS_ISCONNECTING | SS_ISCONNECTED | SS_ISDISCONNECTING);
	so->so_state |= SS_ISDISCONNECTED;
	if (so->so_listen != NULL && !so->so_oncomp) {
		so_dequeue(so);
		taskqueue_enqueue(&so->so_vnet->v_taskq, &so->so_orphan);
		return;
	}
	socantrcvmore(so);
	sbflush(&so->so_snd);
	socantsendmore(so);
}

void
socantsendmore(struct socket *so)
{
	so->so_snd.sb_state |= SBS_CANTSENDMORE;
	sowwakeup(so);
}

/* EOF may be the moment at which a partial record becomes an error. */
void
socantrcvmore(struct socket *so)
{
	so->so_rcv.sb_state |= SBS_CANTRCVMORE;
	if (so->so_rcv.sb_flags & SB_TLS_RX)
		ktls_check_rx(&so->so_rcv);
	sorwakeup(so);
}

/* --- closing --- */

int
soshutdown(struct socket *so, int how)
{
	if ((so->so_state &
		(SS_ISCONNECTED | SS_ISCONNECTING | SS_ISDISCONNECTING)) == 0)
		return (ENOTCONN);
	if (how != 1) {
		so->so_rcv.sb_state |= SBS_CANTRCVMORE;
		sbflush(&so->so_rcv);
	}
	if (how != 0)
		return (so->so_proto->pr_shutdown(so));
	return (0);
}

static void
so_close_listener(struct socket *head)
{
	struct socket *so;

	while ((so = TAILQ_FIRST(&head->so_comp)) != NULL ||
	    (so = TAILQ_FIRST(&head->so_incomp)) != NULL) {
		so_dequeue(so);
		soabort(so);
	}
}

void
soclose(struct socket *so)
{
	KASSERT((so->so_state & SS_NOFDREF) == 0, ("soclose twice"));
	so->so_upcall = NULL;
	if (so->so_splice != NULL)
		so_splice_undo(so->so_splice);
	if (so->so_splice_back != NULL)
		so_splice_undo(so->so_splice_back);
	so->so_state |= SS_NOFDREF;
	if (so->so_listening)
		so_close_listener(so);
	if ((so->so_state & SS_ISCONNECTED) != 0 &&
	    (so->so_state & SS_ISDISCONNECTING) == 0)
		(void)so->so_proto->pr_disconnect(so);
	so->so_proto->pr_close(so);
	sorele(so);
}

void
soabort(struct socket *so)
{
	so->so_upcall = NULL;
	so->so_state |= SS_NOFDREF;
	so->so_proto->pr_abort(so);
	sorele(so);
}

/* --- names, options, readiness --- */

int
so_sockname(struct socket *so, struct ksockaddr *sa)
{
	return (so->so_proto->pr_sockaddr(so, sa));
}

int
so_peername(struct socket *so, struct ksockaddr *sa)
{
	return (so->so_proto->pr_peeraddr(so, sa));
}

/* At the next packet, unless the protocol has more to do, or refuses. */
static int
so_set_pacing(struct socket *so, struct sockopt *sopt, uint32_t rate)
{
	int error = so->so_proto->pr_ctloutput(so, sopt);

	if (error == 0)
		so->so_max_pacing_rate = rate;
	return (error);
}

static int
sosetopt_socket(struct socket *so, struct sockopt *sopt)
{
	int val;

	if (sopt->sopt_valsize < sizeof(val))
		return (EINVAL);
	memcpy(&val, sopt->sopt_val, sizeof(val));
	switch (sopt->sopt_name) {
	case KSO_KEEPALIVE:
		so->so_options = val != 0
		    ? so->so_options | KSO_KEEPALIVE
		    : so->so_options & (uint32_t)~KSO_KEEPALIVE;
		return (0);
	case KSO_MAX_PACING_RATE:
		return (so_set_pacing(so, sopt, (uint32_t)val));
	case KSO_SNDBUF:
		so->so_snd.sb_flags &= (uint16_t)~SB_AUTOSIZE;
		return (val < 1 ? EINVAL
				: soreserve_sb(&so->so_snd, (uint32_t)val));
	case KSO_RCVBUF:
		so->so_rcv.sb_flags &= (uint16_t)~SB_AUTOSIZE;
		return (val < 1 ? EINVAL
				: soreserve_sb(&so->so_rcv, (uint32_t)val));
	case KSO_SNDLOWAT:
		if (val < 1)
			return (EINVAL);
		so->so_snd.sb_lowat = MIN(val, (int)so->so_snd.sb_hiwat);
		return (0);
	default:
		return (ENOPROTOOPT);
	}
}

int
sosetopt(struct socket *so, struct sockopt *sopt)
{
	sopt->sopt_set = true;
	if (sopt->sopt_level == KSOL_SOCKET)
		return (sosetopt_socket(so, sopt));
	return (so->so_proto->pr_ctloutput(so, sopt));
}

int
sogetopt(struct socket *so, struct sockopt *sopt)
{
	int val;

	sopt->sopt_set = false;
	if (sopt->sopt_level != KSOL_SOCKET)
		return (so->so_proto->pr_ctloutput(so, sopt));
	switch (sopt->sopt_name) {
	case KSO_KEEPALIVE:
		val = (int)(so->so_options & KSO_KEEPALIVE);
		break;
	case KSO_MAX_PACING_RATE:
		val = (int)so->so_max_pacing_rate;
		break;
	case KSO_SNDBUF:
		val = (int)so->so_snd.sb_hiwat;
		break;
	case KSO_RCVBUF:
		val = (int)so->so_rcv.sb_hiwat;
		break;
	case KSO_SNDLOWAT:
		val = so->so_snd.sb_lowat;
		break;
	case KSO_ERROR:
		val = so_geterror(so);
		break;
	default:
		return (ENOPROTOOPT);
	}
	sopt->sopt_valsize = MIN(sopt->sopt_valsize, sizeof(val));
	memcpy(sopt->sopt_val, &val, sopt->sopt_valsize);
	return (0);
}

bool
soreadable(const struct socket *so)
{
	const struct sockbuf *sb = &so->so_rcv;

	if (so->so_listening)
		return (!TAILQ_EMPTY(&so->so_comp) || so->so_error != 0);
	if (sb->sb_flags & SB_SPLICED)
		return (false);
	if (sbavail(sb) > 0 || so->so_error != 0)
		return (true);
	return ((sb->sb_state & SBS_CANTRCVMORE) != 0 && sb->sb_tlscc == 0 &&
	    sb->sb_tlsdcc == 0);
}

bool
sowriteable(const struct socket *so)
{
	const struct sockbuf *sb = &so->so_snd;

	if (sb->sb_flags & SB_SPLICED)
		return (false);
	if ((sb->sb_state & SBS_CANTSENDMORE) != 0 || so->so_error != 0)
		return (true);
	return ((so->so_state & SS_ISCONNECTED) != 0 &&
	    sbspace(sb) >= sb->sb_lowat);
}
