/*
 * An endpoint with a synthetic handshake: no libssl state, no certificate, a
 * few hand-made records that give Wireshark something to hang the keys on.
 * The keys then go to the kernel, or records are made and opened here.
 *
 * Always the same on every version of libssl: goldens that contain handshake
 * bytes use it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kmem.h>

#include "synth.h"

int
ep_synth_init(struct tls_endpoint *ep)
{
	struct synth *sy;

	ep->ep_ops = &ep_synth_ops;
	ep->ep_synth = sy = xcalloc(1, sizeof(*sy));
	sy->sy_out = xrealloc(NULL, SYNTH_OUT_MAX);
	sy->sy_tx.ur_rng = &ep->ep_rng;
	sy->sy_state = ep->ep_p.tp_server ? SY_WAIT_HELLO : SY_SEND_HELLO;
	return (0);
}

static void
synth_destroy(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;

	user_rec_fini(&sy->sy_tx);
	user_rec_fini(&sy->sy_rx);
	OPENSSL_cleanse(&sy->sy_txkeys, sizeof(sy->sy_txkeys));
	OPENSSL_cleanse(&sy->sy_rxkeys, sizeof(sy->sy_rxkeys));
	free(sy->sy_out);
	free(sy);
}

static int
socket_error(struct tls_endpoint *ep, int error, const char *what)
{
	if (error == EWOULDBLOCK)
		return (error);
	return (ep_fail(ep, error, "%s: the socket said %s", what,
	    strerror(error)));
}

static int
flush_out(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	size_t n;
	int error;

	while (sy->sy_out_off < sy->sy_out_len) {
		n = 0;
		error = ep->ep_io->io_send(ep->ep_io_arg,
		    sy->sy_out + sy->sy_out_off,
		    sy->sy_out_len - sy->sy_out_off, 0, &n);
		sy->sy_out_off += n;
		if (error == 0 && n == 0)
			error = EWOULDBLOCK;
		if (error != 0)
			return (socket_error(ep, error, "send"));
	}
	sy->sy_out_off = sy->sy_out_len = 0;
	return (0);
}

/* Exactly `want` bytes of the record, none beyond it. */
static int
fill_in(struct tls_endpoint *ep, size_t want)
{
	struct tls_io_record ir = { false };
	struct synth *sy = ep->ep_synth;
	size_t n;
	int error;

	while (sy->sy_in_len < want) {
		n = 0;
		error = ep->ep_io->io_recv(ep->ep_io_arg,
		    sy->sy_in + sy->sy_in_len, want - sy->sy_in_len, &n, &ir);
		if (error != 0)
			return (socket_error(ep, error, "receive"));
		if (n == 0) {
			ep->ep_eof = true;
			return (ENOTCONN);
		}
		sy->sy_in_len += n;
	}
	return (0);
}

/* The next whole record into sy_in. ENOTCONN: the stream ended. */
static int
next_record(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	size_t body;
	int error;

	error = fill_in(ep, REC_HDR);
	if (error != 0)
		return (error);
	body = be16dec(sy->sy_in + 3);
	if (sy->sy_in[1] != 3 || body > REC_MAX - REC_HDR)
		return (ep_fail(ep, EPROTO, "these bytes are no TLS record"));
	return (fill_in(ep, REC_HDR + body));
}

/* --- handshake --- */

static int
on_hello(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	bool v13 = ep->ep_suite->us_version == 13;

	if (!synth_get_hello(ep, sy->sy_in, sy->sy_in_len))
		return (EPROTO);
	if (!synth_secrets(ep))
		return (ep_fail(ep, EPROTO, "libcrypto refuses the keys"));
	if (ep->ep_p.tp_server) {
		synth_put_server_hello(ep);
		if (!v13)
			synth_put_ccs(ep);
		else if (!synth_put_finished(ep))
			return (ep_fail(ep, EPROTO, "cannot encrypt"));
	}
	sy->sy_state = v13 ? SY_WAIT_FINISHED : SY_WAIT_CCS;
	return (0);
}

static int
on_ccs(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;

	if (sy->sy_in[0] != RT_CCS)
		return (ep_fail(ep, EPROTO, "expected ChangeCipherSpec"));
	if (!ep->ep_p.tp_server)
		synth_put_ccs(ep);
	sy->sy_state = SY_FLUSH;
	return (0);
}

static int
on_finished(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	uint8_t type, *p;
	size_t n;

	if (!user_rec_open(&sy->sy_rx, sy->sy_in, sy->sy_in_len, &type, &p,
		&n) ||
	    type != RT_HANDSHAKE || !synth_get_finished(ep, p, n))
		return (ep_fail(ep, EPROTO, "expected Finished"));
	if (!ep->ep_p.tp_server && !synth_put_finished(ep))
		return (ep_fail(ep, EPROTO, "cannot encrypt"));
	sy->sy_state = SY_FLUSH;
	return (0);
}

/* One direction's keys, to the kernel or to our own record layer. */
static bool
place_keys(struct tls_endpoint *ep, bool tx)
{
	struct synth *sy = ep->ep_synth;
	struct user_keys *uk = tx ? &sy->sy_txkeys : &sy->sy_rxkeys;
	struct tls_enable en;

	if ((tx ? ep->ep_p.tp_tx : ep->ep_p.tp_rx) == TLS_PLACE_KERNEL) {
		user_enable(ep->ep_suite, uk, 0, &en);
		if (ep_enable(ep, tx, &en))
			return (true);
	}
	return (
	    user_rec_set(tx ? &sy->sy_tx : &sy->sy_rx, ep->ep_suite, uk, tx));
}

static int
finish(struct tls_endpoint *ep)
{
	if (!place_keys(ep, true) || !place_keys(ep, false))
		return (ep_fail(ep, EPROTO, "libcrypto refuses the keys"));
	strcpy(ep->ep_info.te_suite, ep->ep_suite->us_rfc);
	ep->ep_synth->sy_state = SY_DONE;
	ep->ep_hs_done = true;
	return (0);
}

static int
on_record(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	int error;

	error = next_record(ep);
	if (error == ENOTCONN)
		return (ep_fail(ep, EPROTO, "handshake: the peer closed"));
	if (error != 0)
		return (error);
	if (sy->sy_state == SY_WAIT_HELLO)
		error = on_hello(ep);
	else if (sy->sy_state == SY_WAIT_CCS)
		error = on_ccs(ep);
	else
		error = on_finished(ep);
	sy->sy_in_len = 0;
	return (error);
}

static int
synth_handshake(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	int error;

	while (sy->sy_state != SY_DONE) {
		if (sy->sy_failed)
			return (EPROTO);
		if (sy->sy_state == SY_SEND_HELLO) {
			synth_put_client_hello(ep);
			sy->sy_state = SY_WAIT_HELLO;
		}
		error = flush_out(ep);
		if (error == 0)
			error = sy->sy_state == SY_FLUSH ? finish(ep)
							 : on_record(ep);
		if (error != 0) {
			sy->sy_failed = error != EWOULDBLOCK;
			return (error);
		}
	}
	return (0);
}

/* --- data --- */

/* This is the record that the scenario wants wrong. */
static void
spoil_record(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;

	switch (ep->ep_p.tp_spoil) {
	case TLS_SPOIL_MAC:
		sy->sy_out[sy->sy_out_len - 1] ^= 1;
		break;
	case TLS_SPOIL_VERSION:
		sy->sy_out[2]++;
		break;
	case TLS_SPOIL_TRUNCATE:
		sy->sy_out_len /= 2;
		sy->sy_cut = true;
		break;
	case TLS_SPOIL_OVERSIZE:
		be16enc(sy->sy_out + 3, 32768);
		break;
	default:
		break;
	}
}

/* Seal one record and begin to send it. */
static int
send_record(struct tls_endpoint *ep, uint8_t type, const uint8_t *p, size_t n)
{
	struct synth *sy = ep->ep_synth;

	bool spoil =
	    type == RT_APP && sy->sy_records++ == ep->ep_p.tp_spoil_record;
	static const uint8_t zeros[REC_MAX_PLAIN];

	sy->sy_out_off = 0;
	if (spoil && ep->ep_p.tp_spoil == TLS_SPOIL_ZERO)
		sy->sy_out_len =
		    user_rec_seal(&sy->sy_tx, 0, zeros, n, sy->sy_out);
	else
		sy->sy_out_len =
		    user_rec_seal(&sy->sy_tx, type, p, n, sy->sy_out);
	sy->sy_pending = n;
	if (sy->sy_out_len == 0)
		return (ep_fail(ep, EPROTO, "cannot encrypt"));
	if (spoil)
		spoil_record(ep);
	return (flush_out(ep));
}

/* As SSL_write: a record counts when it is sent; offer the same bytes again. */
static int
write_user(struct tls_endpoint *ep, const uint8_t *buf, size_t len,
    size_t *done)
{
	struct synth *sy = ep->ep_synth;
	size_t n;
	int error;

	while (*done < len) {
		n = len - *done < REC_MAX_PLAIN ? len - *done : REC_MAX_PLAIN;
		if (sy->sy_out_len == 0)
			error = send_record(ep, RT_APP, buf + *done, n);
		else
			error = flush_out(ep);
		if (error != 0)
			return (error == EWOULDBLOCK && *done > 0 ? 0 : error);
		if (sy->sy_cut)
			return (ep_fail(ep, EPIPE,
			    "cut off in mid record, as the scenario wants it"));
		*done += sy->sy_pending;
		sy->sy_pending = 0;
	}
	return (0);
}

static int
synth_write(struct tls_endpoint *ep, const uint8_t *buf, size_t len,
    size_t *done)
{
	if (ep->ep_tx_kernel)
		return (tx_kernel_write(ep, buf, len, done));
	return (write_user(ep, buf, len, done));
}

static int
on_alert(struct tls_endpoint *ep, const uint8_t *p, size_t n)
{
	if (n == 2 && p[0] == 1 && p[1] == TLS_ALERT_USER_CANCELED)
		return (0);
	ep->ep_rx_end = true;
	if (n != 2 || p[1] != 0)
		return (ep_fail(ep, EPROTO, "the peer sent alert %u",
		    n == 2 ? p[1] : 0));
	ep->ep_info.te_got_close_notify = true;
	return (0);
}

/* The next record's plaintext becomes readable, or its meaning is done. */
static int
open_next(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	uint8_t type, *p;
	size_t n;
	int error;

	error = next_record(ep);
	if (error == ENOTCONN) {
		ep->ep_rx_end = true;
		return (0);
	}
	if (error != 0)
		return (error);
	n = sy->sy_in_len;
	sy->sy_in_len = 0;
	if (!user_rec_open(&sy->sy_rx, sy->sy_in, n, &type, &p, &n))
		return (ep_fail(ep, EBADMSG, "a record does not open"));
	if (type == RT_ALERT)
		return (on_alert(ep, p, n));
	if (type == RT_HANDSHAKE)
		ep->ep_info.te_tickets++;
	if (type == RT_APP) {
		sy->sy_plain = p;
		sy->sy_plain_len = n;
	}
	return (0);
}

static int
synth_read(struct tls_endpoint *ep, uint8_t *buf, size_t len, size_t *done)
{
	struct synth *sy = ep->ep_synth;
	size_t n;
	int error;

	if (ep->ep_rx_kernel)
		return (rx_kernel_read(ep, buf, len, done));
	while (*done < len && !ep->ep_rx_end) {
		if (sy->sy_plain_len == 0) {
			error = open_next(ep);
			if (error == EWOULDBLOCK && *done > 0)
				return (0);
			if (error != 0)
				return (error);
			continue;
		}
		n = len - *done < sy->sy_plain_len ? len - *done
						   : sy->sy_plain_len;
		memcpy(buf + *done, sy->sy_plain, n);
		sy->sy_plain += n;
		sy->sy_plain_len -= n;
		*done += n;
	}
	return (0);
}

static int
synth_shutdown(struct tls_endpoint *ep)
{
	static const uint8_t close_notify[2] = { 1, 0 };
	struct synth *sy = ep->ep_synth;
	int error;

	if (ep->ep_tx_kernel)
		return (tx_kernel_shutdown(ep));
	error = flush_out(ep);
	if (error != 0 || sy->sy_closing)
		return (error);
	sy->sy_closing = true;
	return (send_record(ep, RT_ALERT, close_notify, sizeof(close_notify)));
}

const struct ep_ops ep_synth_ops = {
	.eo_handshake = synth_handshake,
	.eo_write = synth_write,
	.eo_read = synth_read,
	.eo_shutdown = synth_shutdown,
	.eo_destroy = synth_destroy,
};
