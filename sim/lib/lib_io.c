/* Data in and out of sockets: read, write and their kin. */
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>

#include "lib_priv.h"

CTASSERT(KTLSSIM_TLS_SET_RECORD_TYPE == TLS_SET_RECORD_TYPE);
CTASSERT(KTLSSIM_TLS_GET_RECORD == TLS_GET_RECORD);
CTASSERT(KTLSSIM_MSG_TLSAPPDATA == KMSG_TLSAPPDATA);

#define CONTROL_MAX ((size_t)64) /* bytes in a control message */

/* --- vectors and control messages --- */

/*
 * Until lib_uio_done. EINVAL: too many, or more than SSIZE_MAX bytes;
 * EFAULT: there are none where some should be.
 */
static int
lib_uio(struct ktlssim *sim, const struct iovec *iov, int cnt, struct uio *uio)
{
	struct kiovec *out;
	size_t total = 0;

	if (cnt < 0 || cnt > UIO_MAXIOV)
		return (EINVAL);
	if (iov == NULL && cnt > 0)
		return (EFAULT);
	KASSERT(sim->s_iov == NULL, ("lib_uio: two at once"));
	out = sim->s_iov = xcalloc((size_t)MAX(cnt, 1), sizeof(*out));
	for (int i = 0; i < cnt; i++) {
		if (iov[i].iov_len > (size_t)SSIZE_MAX - total)
			return (EINVAL);
		if (iov[i].iov_base == NULL && iov[i].iov_len > 0)
			return (EFAULT);
		total += iov[i].iov_len;
		out[i] = (struct kiovec) { iov[i].iov_base, iov[i].iov_len };
	}
	uio_init(uio, out, cnt);
	return (0);
}

static void
lib_uio_done(struct ktlssim *sim)
{
	free(sim->s_iov);
	sim->s_iov = NULL;
}

/*
 * The first control message as the kernel has it: more is not looked at, and
 * of it no more than the longest that anybody knows.
 */
static int
lib_control_in(struct lib_file *f, const struct msghdr *msg,
    struct mbuf **control)
{
	const struct cmsghdr *cm = msg->msg_control;
	size_t len = msg->msg_controllen, data;

	*control = NULL;
	if (cm == NULL || len == 0)
		return (0);
	if (len < sizeof(*cm) || len > MCLBYTES)
		return (EINVAL);
	data = MIN(len, cm->cmsg_len);
	data = data > CMSG_LEN(0) ? MIN(data - CMSG_LEN(0), CONTROL_MAX) : 0;
	*control = sbcreatecontrol(f->f_so->so_vnet->v_mb, CMSG_DATA(cm),
	    (int)data, cm->cmsg_type, cm->cmsg_level, M_WAITOK);
	return (*control != NULL ? 0 : ENOBUFS);
}

/* What fits of the kernel's messages, as recvmsg(2) gives them. */
static void
lib_control_out(struct mbuf *m, struct msghdr *msg, int *flags)
{
	uint8_t *p = msg->msg_control, one[CMSG_SPACE(CONTROL_MAX)];
	size_t room = p != NULL ? msg->msg_controllen : 0, len, used = 0;
	const struct kcmsghdr *kc;
	struct cmsghdr *cm;

	for (; m != NULL; m = m->m_next) {
		kc = mtod(m, const struct kcmsghdr *);
		len = kc->cmsg_len - sizeof(*kc);
		KASSERT(len <= CONTROL_MAX,
		    ("control message of %zu bytes", len));
		memset(one, 0, sizeof(one));
		cm = (struct cmsghdr *)(void *)one;
		cm->cmsg_len = CMSG_LEN(len);
		cm->cmsg_level = kc->cmsg_level;
		cm->cmsg_type = kc->cmsg_type;
		memcpy(CMSG_DATA(cm),
		    KCMSG_DATA((struct kcmsghdr *)(uintptr_t)kc), len);
		if (room - used < CMSG_LEN(len))
			*flags |= MSG_CTRUNC;
		len = MIN(room - used, CMSG_SPACE(len));
		memcpy(p + used, one, len);
		used += len;
	}
	msg->msg_controllen = used;
}

/* --- out --- */

/* The address of a message; *namp is NULL when it has none. */
static int
lib_name_in(const struct msghdr *msg, struct ksockaddr *ka,
    const struct ksockaddr **namp)
{
	*namp = NULL;
	if (msg == NULL || msg->msg_name == NULL)
		return (0);
	*namp = ka;
	return (lib_sa_in(msg->msg_name, msg->msg_namelen, ka));
}

ssize_t
lib_send(struct lib_file *f, struct uio *uio, const struct msghdr *msg,
    int kflags, bool nonblock)
{
	size_t want = uio->uio_resid;
	const struct ksockaddr *nam;
	struct mbuf *control = NULL;
	struct ksockaddr ka;
	int error;

	if ((error = lib_name_in(msg, &ka, &nam)) != 0)
		return (-error);
	f->f_used |= nam != NULL;
	for (;;) {
		if (msg != NULL &&
		    (error = lib_control_in(f, msg, &control)) != 0)
			break;
		error = sosendto(f->f_so, nam, uio, control, kflags);
		if ((error != 0 && error != EWOULDBLOCK) || nonblock ||
		    (error == 0 && uio->uio_resid == 0))
			break;
		if ((error = lib_wait_socket(f)) != 0)
			break;
	}
	if (error == EWOULDBLOCK)
		lib_tick(f->f_sim);
	return (error != 0 ? -error : (ssize_t)(want - uio->uio_resid));
}

static ssize_t
lib_sendv(struct ktlssim *sim, int fd, const struct iovec *iov, int cnt,
    const struct msghdr *msg, int flags)
{
	struct lib_file *f;
	struct uio uio;
	ssize_t r;
	int error;

	if ((error = lib_socket_of(sim, fd, &f)) != 0)
		return (-error);
	if ((flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR)) != 0)
		return (-EOPNOTSUPP);
	if ((error = lib_uio(sim, iov, cnt, &uio)) != 0)
		r = -error;
	else
		r = lib_send(f, &uio, msg, flags & MSG_EOR ? KMSG_EOR : 0,
		    f->f_nonblock || (flags & MSG_DONTWAIT) != 0);
	lib_uio_done(sim);
	return (r);
}

ssize_t
ktlssim_write(struct ktlssim *sim, int fd, const void *buf, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };

	LIB_CALL(sim, lib_sendv(sim, fd, &iov, 1, NULL, 0));
}

ssize_t
ktlssim_writev(struct ktlssim *sim, int fd, const struct iovec *iov, int cnt)
{
	LIB_CALL(sim, lib_sendv(sim, fd, iov, cnt, NULL, 0));
}

static ssize_t
lib_sendmsg(struct ktlssim *sim, int fd, const struct msghdr *msg, int flags)
{
	if (msg == NULL)
		return (-EFAULT);
	if (msg->msg_iovlen > UIO_MAXIOV)
		return (-EMSGSIZE);
	if (msg->msg_control != NULL && msg->msg_controllen > 0 &&
	    msg->msg_controllen < sizeof(struct cmsghdr))
		return (-EINVAL);
	return (
	    lib_sendv(sim, fd, msg->msg_iov, (int)msg->msg_iovlen, msg, flags));
}

ssize_t
ktlssim_sendmsg(struct ktlssim *sim, int fd, const struct msghdr *msg,
    int flags)
{
	LIB_CALL(sim, lib_sendmsg(sim, fd, msg, flags));
}

ssize_t
ktlssim_sendto(struct ktlssim *sim, int fd, const void *buf, size_t len,
    int flags, const struct sockaddr *sa, socklen_t salen)
{
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	struct msghdr msg = { .msg_name = (void *)(uintptr_t)sa,
		.msg_namelen = salen };

	LIB_CALL(sim, lib_sendv(sim, fd, &iov, 1, &msg, flags));
}

/* --- in --- */

/* One call of the kernel, which may give less than a waiting reader wants. */
static int
lib_receive_once(struct lib_file *f, struct uio *uio, struct msghdr *msg,
    int kflags, int *outflags)
{
	struct mbuf *control = NULL;
	bool ask =
	    msg != NULL && msg->msg_control != NULL && msg->msg_controllen > 0;
	int error;

	error = soreceive(f->f_so, uio, ask ? &control : NULL, &kflags);
	if (error != 0)
		return (error);
	if (kflags & KMSG_EOR)
		*outflags |= MSG_EOR;
	if (ask)
		lib_control_out(control, msg, outflags);
	m_freem(control);
	return (0);
}

static bool
lib_at_end(const struct lib_file *f)
{
	return (f->f_so->so_error != 0 ||
	    (f->f_so->so_rcv.sb_state & SBS_CANTRCVMORE) != 0);
}

/*
 * MSG_WAITALL goes on until the buffer is full or the record ends; only the
 * first piece brings control messages.
 */
static int
lib_receive_loop(struct lib_file *f, struct uio *uio, struct msghdr *msg,
    int kflags, bool nonblock, int *outflags)
{
	size_t before;
	int error;

	for (;;) {
		before = uio->uio_resid;
		error = lib_receive_once(f, uio, msg, kflags, outflags);
		if (error == 0 && uio->uio_resid < before)
			msg = NULL;
		if (error == 0 &&
		    ((kflags & KMSG_WAITALL) == 0 || uio->uio_resid == 0 ||
			uio->uio_resid == before || (kflags & KMSG_PEEK) != 0 ||
			(*outflags & MSG_EOR) != 0))
			return (0);
		if (error != 0 && (error != EWOULDBLOCK || nonblock))
			break;
		if (uio->uio_offset > 0 && sbavail(&f->f_so->so_rcv) == 0 &&
		    lib_at_end(f))
			return (0); /* the error is the next call's */
		if ((error == EWOULDBLOCK || sbavail(&f->f_so->so_rcv) == 0) &&
		    (error = nonblock ? EWOULDBLOCK : lib_wait_socket(f)) != 0)
			break;
	}
	return (uio->uio_offset > 0 ? 0 : error);
}

static ssize_t
lib_receive(struct ktlssim *sim, int fd, const struct iovec *iov, int cnt,
    struct msghdr *msg, int flags)
{
	int kflags = (flags & MSG_PEEK ? KMSG_PEEK : 0) |
	    (flags & MSG_WAITALL ? KMSG_WAITALL : 0) |
	    (flags & KTLSSIM_MSG_TLSAPPDATA);
	int outflags = 0, error;
	struct lib_file *f;
	struct uio uio;
	size_t want = 0;

	if ((error = lib_socket_of(sim, fd, &f)) != 0)
		return (-error);
	if ((flags &
		~(MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT | MSG_CMSG_CLOEXEC |
		    KTLSSIM_MSG_TLSAPPDATA)) != 0)
		return (-EOPNOTSUPP);
	if ((error = lib_uio(sim, iov, cnt, &uio)) == 0) {
		want = uio.uio_resid;
		error = lib_receive_loop(f, &uio, msg, kflags,
		    f->f_nonblock || (flags & MSG_DONTWAIT) != 0, &outflags);
	}
	lib_uio_done(sim);
	if (error == EWOULDBLOCK)
		lib_tick(sim);
	if (error != 0)
		return (-error);
	if (msg != NULL)
		msg->msg_flags = outflags;
	return ((ssize_t)(want - uio.uio_resid));
}

ssize_t
ktlssim_read(struct ktlssim *sim, int fd, void *buf, size_t len)
{
	struct iovec iov = { buf, len };

	LIB_CALL(sim, lib_receive(sim, fd, &iov, 1, NULL, 0));
}

ssize_t
ktlssim_readv(struct ktlssim *sim, int fd, const struct iovec *iov, int cnt)
{
	LIB_CALL(sim, lib_receive(sim, fd, iov, cnt, NULL, 0));
}

ssize_t
ktlssim_recv(struct ktlssim *sim, int fd, void *buf, size_t len, int flags)
{
	struct iovec iov = { buf, len };

	LIB_CALL(sim, lib_receive(sim, fd, &iov, 1, NULL, flags));
}

/* msg_controllen is what was given only if there was any. */
static ssize_t
lib_recvmsg(struct ktlssim *sim, int fd, struct msghdr *msg, int flags)
{
	size_t room;
	ssize_t r;

	if (msg == NULL)
		return (-EFAULT);
	if (msg->msg_iovlen > UIO_MAXIOV)
		return (-EMSGSIZE);
	room = msg->msg_controllen;
	r = lib_receive(sim, fd, msg->msg_iov, (int)msg->msg_iovlen, msg,
	    flags);
	if (r >= 0 && (msg->msg_control == NULL || room == 0))
		msg->msg_controllen = 0;
	if (r >= 0)
		msg->msg_namelen = 0;
	return (r);
}

ssize_t
ktlssim_recvmsg(struct ktlssim *sim, int fd, struct msghdr *msg, int flags)
{
	LIB_CALL(sim, lib_recvmsg(sim, fd, msg, flags));
}

/* --- sendfile --- */

/* The body and its headers; *sent counts both. */
static int
lib_sendfile_body(struct lib_file *f, struct vnode *vp, uint64_t off,
    uint64_t nbytes, struct uio *hdr, int kflags, uint64_t *sent)
{
	uint64_t size = vnode_size(vp), left, hdrlen, n;
	int error;

	left = off >= size ? 0 : size - off;
	if (nbytes != 0)
		left = MIN(left, nbytes);
	while (left > 0 || (hdr != NULL && hdr->uio_resid > 0)) {
		hdrlen = hdr != NULL ? hdr->uio_resid : 0;
		error = sosendfile(f->f_so, vp, left > 0 ? off : size, left,
		    hdr, kflags, &n);
		*sent += n;
		n -= hdrlen - (hdr != NULL ? hdr->uio_resid : 0);
		off += n;
		left -= n;
		if (error != 0 && (error != EAGAIN || f->f_nonblock))
			return (error);
		if (error == EAGAIN && (error = lib_wait_socket(f)) != 0)
			return (error);
	}
	return (0);
}

static int
lib_sendfile_trailer(struct lib_file *f, const struct ktlssim_sf_hdtr *hdtr,
    uint64_t *sent)
{
	struct uio uio;
	ssize_t r;

	if (hdtr == NULL || hdtr->trailers == NULL || hdtr->trl_cnt == 0)
		return (0);
	r = -lib_uio(f->f_sim, hdtr->trailers, hdtr->trl_cnt, &uio);
	if (r == 0)
		r = lib_send(f, &uio, NULL, 0, f->f_nonblock);
	lib_uio_done(f->f_sim);
	if (r > 0)
		*sent += (uint64_t)r;
	return (r < 0 ? (int)-r : 0);
}

static int
lib_sendfile(struct ktlssim *sim, int file, int fd, off_t off, size_t nbytes,
    const struct ktlssim_sf_hdtr *hdtr, off_t *sbytes, int flags)
{
	struct lib_file *vf = lib_lookup(sim, file), *f;
	uint64_t sent = 0;
	struct uio uio;
	int error;

	if (sbytes != NULL)
		*sbytes = 0;
	if (off < 0 || (flags & ~KTLSSIM_SF_NODISKIO) != 0)
		return (-EINVAL);
	if ((error = lib_socket_of(sim, fd, &f)) != 0)
		return (-error);
	if (vf == NULL || vf->f_type != LIB_VNODE)
		return (vf == NULL ? -EBADF : -EINVAL);
	if (vf->f_host != f->f_host)
		return (-EINVAL); /* another machine's file */
	if (hdtr != NULL && hdtr->headers != NULL)
		error = lib_uio(sim, hdtr->headers, hdtr->hdr_cnt, &uio);
	if (error == 0)
		error = lib_sendfile_body(f, vf->f_vp, (uint64_t)off, nbytes,
		    sim->s_iov != NULL ? &uio : NULL,
		    flags & KTLSSIM_SF_NODISKIO ? SF_NODISKIO : 0, &sent);
	lib_uio_done(sim);
	if (error == 0)
		error = lib_sendfile_trailer(f, hdtr, &sent);
	else if (error == EAGAIN)
		lib_tick(sim);
	if (sbytes != NULL)
		*sbytes = (off_t)sent;
	return (-error);
}

int
ktlssim_sendfile(struct ktlssim *sim, int file, int fd, off_t off,
    size_t nbytes, const struct ktlssim_sf_hdtr *hdtr, off_t *sbytes, int flags)
{
	LIB_CALL(sim,
	    lib_sendfile(sim, file, fd, off, nbytes, hdtr, sbytes, flags));
}
