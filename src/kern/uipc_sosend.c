/*
 * write(2) and its kin. With a transmit session each pass over the uio
 * becomes page-backed mbufs of one TLS record each, framed before they are
 * appended, and handed to the worker after.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/uio.h>
#include <ktsim/kern/vnet.h>

/* State of one call. */
struct sosend_call {
	struct socket *so;
	struct ktls_session *tls;    /* held; NULL */
	const struct ksockaddr *nam; /* where to connect, if it is not; NULL */
	uint8_t rtype;
	bool atomic;
};

/*
 * Only the first message is looked at and only its type is compared, as in
 * FreeBSD. What is not ours stays for the protocol to refuse.
 */
static struct mbuf *
sosend_control(struct sosend_call *c, struct mbuf *control)
{
	struct kcmsghdr *cm;

	if (control == NULL || c->tls == NULL)
		return (control);
	cm = mtod(control, struct kcmsghdr *);
	if (cm->cmsg_type != TLS_SET_RECORD_TYPE ||
	    cm->cmsg_len < sizeof(*cm) + 1)
		return (control);
	c->rtype = *KCMSG_DATA(cm);
	c->atomic = true;
	m_freem(control);
	return (NULL);
}

/* Is there room for resid bytes, or at least enough to be worth it? */
static int
sosend_room(const struct sosend_call *c, size_t resid, long clen, long *space)
{
	const struct sockbuf *sb = &c->so->so_snd;

	*space = sbspace(sb);
	if ((c->atomic && resid > sb->sb_hiwat) || clen > (long)sb->sb_hiwat)
		return (EMSGSIZE);
	if (*space < (long)resid + clen &&
	    (c->atomic || *space < sb->sb_lowat || *space < clen))
		return (EWOULDBLOCK);
	*space -= clen;
	return (0);
}

/*
 * Give a chain to the protocol, and in software mode to the worker. The chain
 * is gone afterwards in any case.
 */
static int
sosend_push(struct sosend_call *c, struct mbuf *top, struct mbuf *control,
    int flags)
{
	int enq_cnt = 0, error;

	if (c->tls == NULL)
		return (c->so->so_proto->pr_send(c->so, flags, top, c->nam,
		    control));
	ktls_frame(top, c->tls, &enq_cnt, c->rtype);
	c->rtype = TLS_RLTYPE_APP;
	if (c->tls->mode == TCP_TLS_MODE_SW)
		flags |= PRUS_NOTREADY;
	error = c->so->so_proto->pr_send(c->so, flags, top, c->nam, control);
	if (c->tls->mode != TCP_TLS_MODE_SW)
		return (error);
	if (error != 0)
		m_freem(top);
	else
		ktls_enqueue(top, c->so, enq_cnt);
	return (error);
}

static int
sosend_pass(struct sosend_call *c, struct uio *uio, struct mbuf **control,
    int flags, long space)
{
	struct mbuf *top, *ctl;
	int len, prflags;

	len = (int)MIN((size_t)space, uio->uio_resid);
	top = m_uiotombuf(c->so->so_vnet->v_mb, uio, M_WAITOK, len,
	    c->tls != NULL ? c->tls->params.max_frame_len : 0,
	    c->tls != NULL ? M_EXTPG : 0);
	if (top == NULL)
		return (ENOBUFS);
	/* More comes at once only if there is room for it. */
	prflags =
	    (uio->uio_resid > 0 && space > len) || (flags & KMSG_MORETOCOME)
	    ? PRUS_MORETOCOME
	    : 0;
	ctl = *control;
	*control = NULL;
	return (sosend_push(c, top, ctl, prflags));
}

static int
sosend_loop(struct sosend_call *c, struct uio *uio, struct mbuf **control,
    int flags)
{
	long space, clen;
	int error;

	do {
		if ((error = so_cansend(c->so, c->nam != NULL)) != 0)
			return (error);
		clen = *control != NULL ? (long)m_length(*control, NULL) : 0;
		error = sosend_room(c, uio->uio_resid, clen, &space);
		if (error != 0)
			return (error);
		error = sosend_pass(c, uio, control, flags, space);
		if (error != 0)
			return (error);
	} while (uio->uio_resid > 0);
	return (0);
}

/*
 * Which empty messages are none: TLS has none but 1.0's, and without it there
 * is nothing to append, unless the call is to connect.
 */
static bool
sosend_nothing(const struct sosend_call *c, const struct mbuf *control,
    int *error)
{
	if (c->tls != NULL) {
		*error = EINVAL;
		return (!ktls_permit_empty_frames(c->tls));
	}
	*error = 0;
	if (control != NULL || c->nam != NULL)
		return (false);
	*error = so_cansend(c->so, false);
	return (true);
}

int
sosendto(struct socket *so, const struct ksockaddr *nam, struct uio *uio,
    struct mbuf *control, int flags)
{
	struct sosend_call c = { .so = so,
		.nam = nam,
		.rtype = TLS_RLTYPE_APP };
	size_t start = uio->uio_resid;
	int error;

	if ((flags & KMSG_EOR) != 0 || so->so_listening) {
		m_freem(control);
		return (so->so_listening ? ENOTCONN : EINVAL);
	}
	c.tls = ktls_hold(so->so_snd.sb_tls_info);
	control = sosend_control(&c, control);
	if (start > 0 || !sosend_nothing(&c, control, &error))
		error = sosend_loop(&c, uio, &control, flags);
	m_freem(control);
	if (c.tls != NULL)
		ktls_free(c.tls);
	if (error == EWOULDBLOCK && uio->uio_resid < start)
		error = 0; /* what was taken is what write(2) returns */
	return (error);
}

int
sosend(struct socket *so, struct uio *uio, struct mbuf *control, int flags)
{
	return (sosendto(so, NULL, uio, control, flags));
}

/* May the chain go now, as a whole? */
static int
sosend_chain_check(struct sosend_call *c, uint32_t len, int flags)
{
	long space;
	int error;

	if (flags & KMSG_EOR)
		return (EINVAL);
	if (len == 0 && c->tls != NULL && !ktls_permit_empty_frames(c->tls))
		return (EINVAL);
	if ((error = so_cansend(c->so, false)) != 0)
		return (error);
	return (sosend_room(c, len, 0, &space));
}

int
sosend_chain(struct socket *so, struct mbuf *top, struct mbuf *control,
    int flags)
{
	struct sosend_call c = { .so = so, .rtype = TLS_RLTYPE_APP };
	uint32_t len = m_length(top, NULL);
	int error;

	c.tls = ktls_hold(so->so_snd.sb_tls_info);
	c.atomic = true;
	control = sosend_control(&c, control);
	if ((error = sosend_chain_check(&c, len, flags)) != 0) {
		m_freem(top);
		m_freem(control);
	} else
		error = sosend_push(&c, top, control,
		    (flags & KMSG_MORETOCOME) ? PRUS_MORETOCOME : 0);
	if (c.tls != NULL)
		ktls_free(c.tls);
	return (error);
}
