/*
 * An endpoint run by stock libssl: handshake, data and alerts are its own
 * code; where its keys went to the kernel it writes plaintext and reads
 * decrypted records through our BIO.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tls_int.h"

void
ep_call_begin(struct tls_endpoint *ep)
{
	ssl_enter(ep->ep_tu, &ep->ep_rng);
	ERR_clear_error();
	ep->ep_io_error = 0;
}

/* The errno of a call that returned ret; leaves libssl. */
int
ep_call_error(struct tls_endpoint *ep, int ret, const char *what)
{
	int err = SSL_get_error(ep->ep_ssl, ret);
	unsigned long e = ERR_peek_error();
	const char *text;

	ERR_clear_error();
	ssl_leave();
	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		return (EWOULDBLOCK);
	if (ep->ep_io_error != 0)
		return (ep_fail(ep, ep->ep_io_error, "%s: the socket said %s",
		    what, strerror(ep->ep_io_error)));
	text = e != 0 ? ERR_reason_error_string(e) : NULL;
	if (text == NULL)
		text = ep->ep_eof ? "the peer closed" : "unknown reason";
	return (ep_fail(ep, EPROTO, "%s: libssl: %s", what, text));
}

/* The suite has a name for TLS 1.3 and one for what was before; a server of
 * both offers both. */
static bool
set_names(struct tls_endpoint *ep, int version)
{
	const struct user_suite *us =
	    user_suite_find(ep->ep_p.tp_suite, version);

	if (us == NULL)
		return (false);
	if (version == 13)
		return (SSL_set_ciphersuites(ep->ep_ssl, us->us_openssl) == 1);
	return (SSL_set_cipher_list(ep->ep_ssl, us->us_openssl) == 1);
}

static bool
set_suite(struct tls_endpoint *ep)
{
	const struct user_suite *us = ep->ep_suite;
	int least = ep->ep_p.tp_least != 0 ? ep->ep_p.tp_least : us->us_version;
	SSL *ssl = ep->ep_ssl;

	/* What is old enough for CBC is below what libssl calls secure. */
	if (user_suite_cbc(us))
		SSL_set_security_level(ssl, 0);
	if (SSL_set_min_proto_version(ssl, TLS1_VERSION + least - 10) != 1 ||
	    SSL_set_max_proto_version(ssl,
		TLS1_VERSION + us->us_version - 10) != 1)
		return (false);
	return (set_names(ep, us->us_version) &&
	    (least == us->us_version || us->us_version < 13 ||
		set_names(ep, 12)));
}

/* What a client offers; a server answers in ssl_lib.c. */
static bool
set_alpn(struct tls_endpoint *ep)
{
	const char *name = ep->ep_p.tp_alpn;
	uint8_t list[32];
	size_t len;

	if (name == NULL || ep->ep_p.tp_server)
		return (true);
	len = strlen(name);
	if (len >= sizeof(list))
		return (false);
	list[0] = (uint8_t)len;
	memcpy(list + 1, name, len);
	return (SSL_set_alpn_protos(ep->ep_ssl, list, (unsigned)len + 1) == 0);
}

static bool
make_ssl(struct tls_endpoint *ep)
{
	BIO *bio;

	ep->ep_ssl = SSL_new(ep->ep_tu->tu_ctx[ep->ep_p.tp_server]);
	bio = BIO_new(ep->ep_tu->tu_bio);
	if (ep->ep_ssl == NULL || bio == NULL) {
		BIO_free(bio);
		return (false);
	}
	BIO_set_data(bio, ep);
	SSL_set_bio(ep->ep_ssl, bio, bio);
	SSL_set_app_data(ep->ep_ssl, ep);
	if (ep->ep_p.tp_tx == TLS_PLACE_KERNEL ||
	    ep->ep_p.tp_rx == TLS_PLACE_KERNEL)
		SSL_set_options(ep->ep_ssl, SSL_OP_ENABLE_KTLS);
	if (!set_alpn(ep))
		return (false);
	if (ep->ep_p.tp_session != NULL && !ep->ep_p.tp_server)
		ep_resume(ep);
	if (ep->ep_p.tp_server)
		SSL_set_accept_state(ep->ep_ssl);
	else
		SSL_set_connect_state(ep->ep_ssl);
	return (set_suite(ep));
}

int
ep_openssl_init(struct tls_endpoint *ep)
{
	bool ok;

	ep->ep_ops = &ep_openssl_ops;
	ep_call_begin(ep);
	ok = make_ssl(ep);
	ssl_leave();
	return (ok ? 0 : EINVAL);
}

static int
openssl_handshake(struct tls_endpoint *ep)
{
	int ret;

	ep_call_begin(ep);
	ret = SSL_do_handshake(ep->ep_ssl);
	if (ret != 1)
		return (ep_call_error(ep, ret, "handshake"));
	ssl_leave();
	ep->ep_hs_done = true;
	ep->ep_info.te_resumed = SSL_session_reused(ep->ep_ssl) == 1;
	snprintf(ep->ep_info.te_suite, sizeof(ep->ep_info.te_suite), "%s",
	    SSL_get_cipher_name(ep->ep_ssl));
	/* What the client made of a server's several versions. */
	ep->ep_suite = user_suite_find(ep->ep_p.tp_suite,
	    SSL_version(ep->ep_ssl) - TLS1_VERSION + 10);
	ep_handover(ep);
	return (0);
}

/*
 * A record that libssl has begun to send counts when it is sent; until then
 * the caller must offer the same bytes again, as SSL_write demands.
 */
static int
openssl_write(struct tls_endpoint *ep, const uint8_t *buf, size_t len,
    size_t *done)
{
	size_t n;
	int ret;

	if (ep->ep_tx_direct)
		return (tx_kernel_write(ep, buf, len, done));
	ep_call_begin(ep);
	while (*done < len) {
		ret = SSL_write_ex(ep->ep_ssl, buf + *done, len - *done, &n);
		if (ret != 1) {
			ret = ep_call_error(ep, ret, "write");
			return (ret == EWOULDBLOCK && *done > 0 ? 0 : ret);
		}
		*done += n;
	}
	ssl_leave();
	return (0);
}

static int
openssl_write_call(struct tls_endpoint *ep, const uint8_t *buf, size_t len,
    bool partial, size_t *done)
{
	int ret;

	if (ep->ep_tx_direct)
		return (tx_kernel_write(ep, buf, len, done));
	ep_call_begin(ep);
	if (!partial)
		SSL_clear_mode(ep->ep_ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
	ret = SSL_write_ex(ep->ep_ssl, buf, len, done);
	SSL_set_mode(ep->ep_ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
	if (ret != 1) {
		*done = 0;
		return (ep_call_error(ep, ret, "write"));
	}
	ssl_leave();
	return (0);
}

static int
read_end(struct tls_endpoint *ep)
{
	ssl_leave();
	ep->ep_rx_end = true;
	ep->ep_info.te_got_close_notify = !ep->ep_eof;
	return (0);
}

static int
openssl_read(struct tls_endpoint *ep, uint8_t *buf, size_t len, size_t *done)
{
	size_t n;
	int ret;

	if (ep->ep_rx_direct)
		return (rx_kernel_read(ep, buf, len, done));
	ep_call_begin(ep);
	while (*done < len) {
		ret = SSL_read_ex(ep->ep_ssl, buf + *done, len - *done, &n);
		if (ep->ep_ku_refused != NULL) {
			ssl_leave();
			return (ep_fail(ep, EPROTO, "%s", ep->ep_ku_refused));
		}
		if (ret != 1 && *done > 0 &&
		    (SSL_get_error(ep->ep_ssl, ret) == SSL_ERROR_ZERO_RETURN))
			break; /* libssl will say it again */
		if (ret != 1 &&
		    SSL_get_error(ep->ep_ssl, ret) == SSL_ERROR_ZERO_RETURN)
			return (read_end(ep));
		if (ret != 1) {
			ret = ep_call_error(ep, ret, "read");
			return (ret == EWOULDBLOCK && *done > 0 ? 0 : ret);
		}
		*done += n;
	}
	ssl_leave();
	return (0);
}

static int
openssl_shutdown(struct tls_endpoint *ep)
{
	int ret;

	if (ep->ep_tx_direct)
		return (tx_kernel_shutdown(ep));
	ep_call_begin(ep);
	ret = SSL_shutdown(ep->ep_ssl);
	if (ret < 0)
		return (ep_call_error(ep, ret, "shutdown"));
	ssl_leave();
	return (0);
}

static void
openssl_destroy(struct tls_endpoint *ep)
{
	ssl_enter(ep->ep_tu, &ep->ep_rng);
	SSL_free(ep->ep_ssl);
	user_rec_fini(&ep->ep_feed_rec);
	ssl_leave();
	free(ep->ep_feed);
}

const struct ep_ops ep_openssl_ops = {
	.eo_handshake = openssl_handshake,
	.eo_write = openssl_write,
	.eo_write_call = openssl_write_call,
	.eo_read = openssl_read,
	.eo_shutdown = openssl_shutdown,
	.eo_destroy = openssl_destroy,
};
