/*
 * Sending when the kernel encrypts and libssl is not asked: synthetic
 * endpoints, and CBC, whose keys libssl does not offer on Linux.
 *
 * TLS 1.0: an empty record goes in front of each write, as libssl does it, so
 * that nobody can choose bytes for a known IV. That is what FreeBSD permits
 * empty writes for. sendfile has none, as SSL_sendfile.
 */
#include <errno.h>
#include <string.h>

#include "tls_int.h"

static int
socket_error(struct tls_endpoint *ep, int error, const char *what)
{
	if (error == EWOULDBLOCK)
		return (error);
	return (ep_fail(ep, error, "%s: the socket said %s", what,
	    strerror(error)));
}

static int
send_empty(struct tls_endpoint *ep)
{
	size_t n = 0;
	int error;

	if (ep->ep_suite->us_version != 10 || ep->ep_empty_sent)
		return (0);
	error = ep->ep_io->io_send(ep->ep_io_arg, "", 0, 0, &n);
	ep->ep_empty_sent = error == 0;
	return (error);
}

int
tx_kernel_write(struct tls_endpoint *ep, const uint8_t *buf, size_t len,
    size_t *done)
{
	size_t n;
	int error;

	while (*done < len) {
		n = 0;
		error = send_empty(ep);
		if (error == 0) {
			error = ep->ep_io->io_send(ep->ep_io_arg, buf + *done,
			    len - *done, 0, &n);
			*done += n;
		}
		if (n > 0)
			ep->ep_empty_sent = false;
		else if (error == 0)
			error = EWOULDBLOCK;
		if (error == EWOULDBLOCK && *done > 0)
			return (0);
		if (error != 0)
			return (socket_error(ep, error, "write"));
	}
	return (0);
}

int
tx_kernel_shutdown(struct tls_endpoint *ep)
{
	static const uint8_t close_notify[2] = { 1, 0 };
	size_t n = 0;
	int error;

	error = ep->ep_io->io_send(ep->ep_io_arg, close_notify,
	    sizeof(close_notify), RT_ALERT, &n);
	return (error != 0 ? socket_error(ep, error, "shutdown") : 0);
}
