/*
 * The transport over a simulated socket: the calls that a program makes,
 * nothing deeper.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/uio.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/sim/tls_endpoint.h>
#include <ktsim/sim/tls_io.h>

static int
sock_send(void *arg, const void *buf, size_t len, uint8_t type, size_t *done)
{
	struct socket *so = arg;
	struct mbuf *control = NULL;
	struct kiovec iov = { (void *)(uintptr_t)buf, len };
	struct uio uio;
	int error;

	if (type != 0) /* sendmsg copies it in, and waits for memory */
		control = sbcreatecontrol(so->so_vnet->v_mb, &type,
		    sizeof(type), TLS_SET_RECORD_TYPE, KIPPROTO_TCP, M_WAITOK);
	uio_init(&uio, &iov, 1);
	error = sosend(so, &uio, control, 0);
	*done = len - uio.uio_resid;
	return (error);
}

/* The record head that came with the data, if one did; frees the chain. */
static void
take_control(struct mbuf *control, struct tls_io_record *ir)
{
	struct tls_get_record tgr;
	struct kcmsghdr *cm;

	for (struct mbuf *m = control; m != NULL; m = m->m_next) {
		cm = mtod(m, struct kcmsghdr *);
		if (cm->cmsg_type != TLS_GET_RECORD ||
		    cm->cmsg_len < sizeof(*cm) + sizeof(tgr))
			continue;
		memcpy(&tgr, KCMSG_DATA(cm), sizeof(tgr));
		ir->ir_begins = true;
		ir->ir_type = tgr.tls_type;
		ir->ir_len = be16dec(tgr.tls_length);
	}
	m_freem(control);
}

static int
sock_recv(void *arg, void *buf, size_t len, size_t *done,
    struct tls_io_record *ir)
{
	struct kiovec iov = { buf, len };
	struct mbuf *control = NULL;
	struct uio uio;
	int error, flags = 0;

	uio_init(&uio, &iov, 1);
	error = soreceive(arg, &uio, &control, &flags);
	*done = len - uio.uio_resid;
	take_control(control, ir);
	return (error);
}

static int
sock_enable(void *arg, bool tx, const struct tls_enable *en)
{
	struct sockopt sopt = {
		.sopt_set = true,
		.sopt_level = KIPPROTO_TCP,
		.sopt_name = tx ? TCP_TXTLS_ENABLE : TCP_RXTLS_ENABLE,
		.sopt_val = (void *)(uintptr_t)en,
		.sopt_valsize = sizeof(*en),
	};

	return (sosetopt(arg, &sopt));
}

static int
sock_sendfile(void *arg, struct vnode *vp, uint64_t off, uint64_t len,
    struct uio *hdr, uint64_t *sent)
{
	return (sosendfile(arg, vp, off, len, hdr, 0, sent));
}

static const struct tls_io sock_io = {
	.io_send = sock_send,
	.io_recv = sock_recv,
	.io_enable = sock_enable,
	.io_sendfile = sock_sendfile,
};

int
tls_endpoint_create(struct tls_userland *tu, struct socket *so,
    const struct tls_params *tp, struct tls_endpoint **out)
{
	return (tls_endpoint_create_io(tu, &sock_io, so, tp, out));
}
