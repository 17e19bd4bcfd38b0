/*
 * Receiving when the kernel decrypts and libssl is not asked: keys that libssl
 * did not offer (handover.c), and synthetic endpoints.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kmem.h>

#include "tls_int.h"

#define ALERT_CLOSE_NOTIFY 0
#define ALERT_WARNING	   1
/* As libssl's: so many without another record between. It never sees data
 * that a kernel reads, so that in a daemon they count for ever. */
#define MAX_WARN_ALERT_COUNT 5

/* A whole control record is in ep_ctl. */
static int
control_record(struct tls_endpoint *ep)
{
	const uint8_t *p = ep->ep_ctl;
	size_t n = ep->ep_ctl_len;

	if (ep->ep_p.tp_session != NULL && ep->ep_ssl != NULL &&
	    ep->ep_suite->us_version == 13)
		return (ep_feed_library(ep));
	ep->ep_ctl_len = 0;
	if (ep->ep_rec_type == RT_HANDSHAKE && n > 0 && p[0] == HT_KEY_UPDATE)
		return (ep_fail(ep, EPROTO,
		    "the peer updates its keys; the kernel cannot follow"));
	if (ep->ep_rec_type == RT_HANDSHAKE) {
		ep->ep_info.te_tickets++;
		return (0);
	}
	if (ep->ep_rec_type != RT_ALERT || n != 2)
		return (ep_fail(ep, EPROTO, "record of type %u, %zu bytes",
		    ep->ep_rec_type, n));
	if (p[0] == ALERT_WARNING && ++ep->ep_warnings == MAX_WARN_ALERT_COUNT)
		return (ep_fail(ep, EPROTO, "too many warn alerts"));
	if (p[0] == ALERT_WARNING && p[1] != ALERT_CLOSE_NOTIFY &&
	    (ep->ep_suite->us_version < 13 || p[1] == TLS_ALERT_USER_CANCELED))
		return (0); /* as libssl takes them */
	ep->ep_rx_end = true;
	if (p[1] != ALERT_CLOSE_NOTIFY)
		return (ep_fail(ep, EPROTO, "the peer sent alert %u", p[1]));
	ep->ep_info.te_got_close_notify = true;
	return (0);
}

/* Bytes of a control record that lie in the reader's buffer or at p. */
static int
control_bytes(struct tls_endpoint *ep, const uint8_t *p, size_t n)
{
	if (ep->ep_ctl == NULL)
		ep->ep_ctl = xrealloc(NULL, REC_MAX_PLAIN);
	if (ep->ep_ctl_len + n > REC_MAX_PLAIN)
		return (ep_fail(ep, EMSGSIZE, "control record too long"));
	memcpy(ep->ep_ctl + ep->ep_ctl_len, p, n);
	ep->ep_ctl_len += n;
	return (ep->ep_rec_left == 0 ? control_record(ep) : 0);
}

/*
 * One receive into the reader's buffer. What turns out to be a control record
 * is moved aside: *moved stays 0.
 */
static int
receive_piece(struct tls_endpoint *ep, uint8_t *buf, size_t len, size_t *moved)
{
	struct tls_io_record ir = { false };
	size_t n = 0;
	int error;

	*moved = 0;
	if (ep->ep_rec_left > 0 && len > ep->ep_rec_left)
		len = ep->ep_rec_left;
	error = ep_recv(ep, buf, len, &n, &ir);
	if (error != 0)
		return (error == EWOULDBLOCK
			? error
			: ep_fail(ep, error, "read: the socket said %s",
			      strerror(error)));
	if (ir.ir_begins) {
		ep->ep_rec_type = ir.ir_type;
		ep->ep_rec_left = ir.ir_len;
	} else if (n == 0) {
		ep->ep_rx_end = ep->ep_eof = true;
		return (0);
	}
	if (n > ep->ep_rec_left)
		return (ep_fail(ep, EPROTO,
		    "data outside of a record from the kernel"));
	ep->ep_rec_left -= n;
	if (ep->ep_rec_type != RT_APP)
		return (control_bytes(ep, buf, n));
	ep->ep_warnings = 0;
	*moved = n;
	return (0);
}

int
rx_kernel_read(struct tls_endpoint *ep, uint8_t *buf, size_t len, size_t *done)
{
	size_t n;
	int error;

	while (*done < len && !ep->ep_rx_end) {
		error = receive_piece(ep, buf + *done, len - *done, &n);
		*done += n;
		if (error != 0)
			return (error == EWOULDBLOCK && *done > 0 ? 0 : error);
	}
	return (0);
}
