/*
 * The public calls, and what endpoints of both kinds share: who holds the
 * keys of each direction, and the text of a failure.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>

#include "tls_int.h"

int
ep_fail(struct tls_endpoint *ep, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ep->ep_text, sizeof(ep->ep_text), fmt, ap);
	va_end(ap);
	ep->ep_info.te_error = ep->ep_text;
	return (error);
}

void
ep_note(struct tls_endpoint *ep, bool tx, const char *reason, int error)
{
	struct tls_endpoint_info *te = &ep->ep_info;

	*(tx ? &te->te_tx_reason : &te->te_rx_reason) = reason;
	*(tx ? &te->te_tx_error : &te->te_rx_error) = error;
}

int
ep_recv(struct tls_endpoint *ep, void *buf, size_t len, size_t *done,
    struct tls_io_record *ir)
{
	int error;

	if (ep->ep_one_record && ep->ep_one_taken)
		return (EWOULDBLOCK);
	error = ep->ep_io->io_recv(ep->ep_io_arg, buf, len, done, ir);
	ep->ep_one_taken = error == 0;
	return (error);
}

bool
ep_enable(struct tls_endpoint *ep, bool tx, const struct tls_enable *en)
{
	int error;

	error = ep->ep_io->io_enable(ep->ep_io_arg, tx, en);
	if (error != 0) {
		ep_note(ep, tx, "the kernel refused the keys", error);
		return (false);
	}
	*(tx ? &ep->ep_tx_kernel : &ep->ep_rx_kernel) = true;
	*(tx ? &ep->ep_info.te_tx : &ep->ep_info.te_rx) = TLS_PLACE_KERNEL;
	ep_note(ep, tx, "the kernel has the keys", 0);
	return (true);
}

static const char *
first_reason(enum tls_place place)
{
	return (place == TLS_PLACE_KERNEL
		? "libssl did not offer its keys"
		: "the scenario keeps these keys in userland");
}

int
tls_endpoint_create_io(struct tls_userland *tu, const struct tls_io *io,
    void *arg, const struct tls_params *tp, struct tls_endpoint **out)
{
	struct tls_endpoint *ep;
	const struct user_suite *us;
	int error;

	*out = NULL;
	us = user_suite_find(tp->tp_suite, tp->tp_version);
	if (us == NULL)
		return (EINVAL);
	ep = xcalloc(1, sizeof(*ep));
	ep->ep_tu = tu;
	ep->ep_io = io;
	ep->ep_io_arg = arg;
	ep->ep_suite = us;
	ep->ep_p = *tp;
	ep->ep_name = xstrdup(tp->tp_name != NULL ? tp->tp_name : "");
	ep->ep_p.tp_name = ep->ep_name;
	if (tp->tp_session != NULL)
		ep->ep_p.tp_session = ep->ep_session = xstrdup(tp->tp_session);
	prng_init(&ep->ep_rng, tp->tp_seed, ep->ep_name);
	ep_note(ep, true, first_reason(tp->tp_tx), 0);
	ep_note(ep, false, first_reason(tp->tp_rx), 0);
	error = tp->tp_handshake == TLS_HS_SYNTHETIC ? ep_synth_init(ep)
						     : ep_openssl_init(ep);
	if (error != 0) {
		tls_endpoint_destroy(ep);
		return (error);
	}
	*out = ep;
	return (0);
}

void
tls_endpoint_destroy(struct tls_endpoint *ep)
{
	if (ep == NULL)
		return;
	if (ep->ep_ops != NULL)
		ep->ep_ops->eo_destroy(ep);
	OPENSSL_cleanse(ep->ep_rx_secret, sizeof(ep->ep_rx_secret));
	free(ep->ep_ctl);
	free(ep->ep_session);
	free(ep->ep_name);
	free(ep);
}

int
tls_endpoint_handshake(struct tls_endpoint *ep)
{
	if (ep->ep_hs_done)
		return (0);
	return (ep->ep_ops->eo_handshake(ep));
}

int
tls_endpoint_write(struct tls_endpoint *ep, const void *buf, size_t len,
    size_t *done)
{
	*done = 0;
	if (!ep->ep_hs_done)
		return (EWOULDBLOCK);
	if (ep->ep_close_sent)
		return (EPIPE);
	if (len == 0)
		return (0);
	return (ep->ep_ops->eo_write(ep, buf, len, done));
}

int
tls_endpoint_write_call(struct tls_endpoint *ep, const void *buf, size_t len,
    bool partial, size_t *done)
{
	*done = 0;
	if (ep->ep_ops->eo_write_call == NULL || !ep->ep_hs_done || len == 0 ||
	    ep->ep_close_sent)
		return (tls_endpoint_write(ep, buf, len, done));
	return (ep->ep_ops->eo_write_call(ep, buf, len, partial, done));
}

int
tls_endpoint_read(struct tls_endpoint *ep, void *buf, size_t len, size_t *done)
{
	*done = 0;
	if (!ep->ep_hs_done)
		return (EWOULDBLOCK);
	if (len == 0 || ep->ep_rx_end)
		return (0);
	return (ep->ep_ops->eo_read(ep, buf, len, done));
}

int
tls_endpoint_sendfile(struct tls_endpoint *ep, struct vnode *vp, uint64_t off,
    uint64_t len, struct uio *hdr, uint64_t *sent)
{
	int error;

	*sent = 0;
	if (!ep->ep_hs_done)
		return (EWOULDBLOCK);
	if (ep->ep_close_sent)
		return (EPIPE);
	if (!ep->ep_tx_kernel)
		return (EOPNOTSUPP);
	error = ep->ep_io->io_sendfile(ep->ep_io_arg, vp, off, len, hdr, sent);
	return (error == EAGAIN ? EWOULDBLOCK : error);
}

int
tls_endpoint_handle_record(struct tls_endpoint *ep, bool *closed)
{
	uint8_t buf[256]; /* an alert is two bytes */
	size_t n = 0;
	int error;

	*closed = false;
	if (!ep->ep_rx_kernel)
		return (EOPNOTSUPP);
	ep->ep_one_record = true;
	ep->ep_one_taken = false;
	error = ep->ep_ops->eo_read(ep, buf, sizeof(buf), &n);
	ep->ep_one_record = false;
	*closed = ep->ep_rx_end;
	if (n > 0)
		return (ep_fail(ep, EPROTO, "data where an alert should be"));
	return (ep->ep_one_taken && error == EWOULDBLOCK ? 0 : error);
}

int
tls_endpoint_warn(struct tls_endpoint *ep, uint8_t description)
{
	const uint8_t alert[2] = { 1, description };
	size_t n = 0;

	if (!ep->ep_tx_kernel)
		return (EOPNOTSUPP);
	return (ep->ep_io->io_send(ep->ep_io_arg, alert, sizeof(alert),
	    RT_ALERT, &n));
}

int
tls_endpoint_shutdown(struct tls_endpoint *ep)
{
	int error;

	if (ep->ep_close_sent)
		return (0);
	if (!ep->ep_hs_done)
		return (ENOTCONN);
	error = ep->ep_ops->eo_shutdown(ep);
	if (error == 0)
		ep->ep_close_sent = true;
	return (error);
}

void
tls_endpoint_info(const struct tls_endpoint *ep, struct tls_endpoint_info *te)
{
	*te = ep->ep_info;
	te->te_version = ep->ep_suite->us_version;
}
