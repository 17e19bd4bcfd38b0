/*
 * What programs ask of libssl besides reading and writing: sessions to resume,
 * KeyUpdate, renegotiation; and records that are no data, when the kernel
 * decrypts and libssl was passed by.
 *
 * Such a record reaches libssl 3.0, which cannot read those of 1.3 from a
 * kernel, as it would without one: sealed with the peer's keys, which it has. It
 * counts only the records that it sees, so the numbers are those of what was fed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "tls_int.h"

/* --- sessions --- */

static struct kept_session *
session_of(struct tls_userland *tu, const char *name, bool make)
{
	struct kept_session *ks;

	for (ks = tu->tu_sessions; ks != NULL; ks = ks->ks_next)
		if (strcmp(ks->ks_name, name) == 0)
			return (ks);
	if (!make)
		return (NULL);
	ks = xcalloc(1, sizeof(*ks));
	ks->ks_name = xstrdup(name);
	ks->ks_next = tu->tu_sessions;
	tu->tu_sessions = ks;
	return (ks);
}

void
ep_resume(struct tls_endpoint *ep)
{
	struct kept_session *ks =
	    session_of(ep->ep_tu, ep->ep_p.tp_session, false);

	if (ks != NULL)
		(void)SSL_set_session(ep->ep_ssl, ks->ks_session);
}

/* 1: the session is ours now. */
int
ep_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_endpoint *ep = SSL_get_app_data(ssl);
	struct kept_session *ks;

	if (ep->ep_p.tp_session == NULL || ep->ep_p.tp_session[0] == '\0')
		return (0);
	ks = session_of(ep->ep_tu, ep->ep_p.tp_session, true);
	SSL_SESSION_free(ks->ks_session);
	ks->ks_session = session;
	return (1);
}

void
ep_sessions_free(struct tls_userland *tu)
{
	struct kept_session *ks;

	while ((ks = tu->tu_sessions) != NULL) {
		tu->tu_sessions = ks->ks_next;
		SSL_SESSION_free(ks->ks_session);
		free(ks->ks_name);
		free(ks);
	}
}

/* --- KeyUpdate --- */

void
ep_key_update_seen(struct tls_endpoint *ep, bool asks)
{
	if (ep->ep_p.tp_key_update == TLS_KU_REFUSE)
		ep->ep_ku_refused =
		    "the peer updates its keys, which the policy refuses";
	else if (ep->ep_rx_kernel)
		ep->ep_ku_refused =
		    "the peer updates its keys; the kernel cannot follow";
	else if (asks && ep->ep_tx_kernel)
		ep->ep_ku_refused =
		    "the peer asks for new keys; the kernel cannot change "
		    "them";
	else
		ep->ep_info.te_key_updates++;
}

/* NULL: nothing is in the way. */
static const char *
key_update_hindrance(const struct tls_endpoint *ep, bool ask)
{
	if (ep->ep_ssl == NULL || ep->ep_suite->us_version < 13)
		return ("KeyUpdate is of TLS 1.3");
	if (ep->ep_p.tp_key_update == TLS_KU_REFUSE)
		return ("the policy refuses it");
	if (ep->ep_tx_kernel)
		return ("the kernel has the transmit keys, and takes no second "
			"ones");
	if (ask && ep->ep_rx_kernel)
		return ("the kernel has the receive keys, and takes no second "
			"ones");
	return (NULL);
}

int
tls_endpoint_key_update(struct tls_endpoint *ep, bool ask, const char **why)
{
	int ret = 1;

	if (!ep->ep_ku_begun && (*why = key_update_hindrance(ep, ask)) != NULL)
		return (EOPNOTSUPP);
	ep_call_begin(ep);
	if (!ep->ep_ku_begun)
		ret = SSL_key_update(ep->ep_ssl,
		    ask ? SSL_KEY_UPDATE_REQUESTED
			: SSL_KEY_UPDATE_NOT_REQUESTED);
	ep->ep_ku_begun = true;
	if (ret == 1)
		ret = SSL_do_handshake(ep->ep_ssl);
	if (ret != 1)
		return (ep_call_error(ep, ret, "key update"));
	ssl_leave();
	ep->ep_ku_begun = false;
	return (0);
}

/* --- renegotiation --- */

int
tls_endpoint_renegotiate(struct tls_endpoint *ep, const char **why)
{
	int ret = 1, error;

	*why = "libssl no longer has the keys";
	if (ep->ep_ssl == NULL || ep->ep_tx_direct)
		return (EOPNOTSUPP);
	ep_call_begin(ep);
	/* A client of 1.2 only: others are refused before a byte is sent. */
	if (!ep->ep_reneg_begun && !ep->ep_p.tp_server)
		SSL_clear_options(ep->ep_ssl, SSL_OP_NO_RENEGOTIATION);
	if (!ep->ep_reneg_begun && (ret = SSL_renegotiate(ep->ep_ssl)) != 1) {
		*why = ERR_reason_error_string(ERR_peek_error());
		ERR_clear_error();
		ssl_leave();
		return (EOPNOTSUPP);
	}
	ep->ep_reneg_begun = true;
	ret = SSL_do_handshake(ep->ep_ssl);
	if (ret == 1) {
		ssl_leave();
		return (0);
	}
	error = ep_call_error(ep, ret, "renegotiation");
	*why = ep->ep_info.te_error;
	return (error);
}

/* --- records that are no data --- */

static bool
feed_seal(struct tls_endpoint *ep)
{
	struct user_keys uk;
	bool ok = true;

	if (ep->ep_feed == NULL) {
		ep->ep_feed = xcalloc(1, REC_MAX);
		ok = user_keys13(&ep->ep_tu->tu_kdf, ep->ep_suite,
			 ep->ep_rx_secret, &uk) &&
		    user_rec_set(&ep->ep_feed_rec, ep->ep_suite, &uk, true);
		OPENSSL_cleanse(&uk, sizeof(uk));
	}
	if (!ok)
		return (false);
	ep->ep_feed_off = 0;
	ep->ep_feed_len = user_rec_seal(&ep->ep_feed_rec, ep->ep_rec_type,
	    ep->ep_ctl, ep->ep_ctl_len, ep->ep_feed);
	return (ep->ep_feed_len > 0);
}

int
ep_feed_read(struct tls_endpoint *ep, char *p, size_t len, size_t *done)
{
	*done = MIN(len, ep->ep_feed_len - ep->ep_feed_off);
	if (*done == 0)
		return (EWOULDBLOCK);
	memcpy(p, ep->ep_feed + ep->ep_feed_off, *done);
	ep->ep_feed_off += *done;
	return (0);
}

int
ep_feed_library(struct tls_endpoint *ep)
{
	uint8_t none;
	size_t n;
	int ret, error;

	if (!feed_seal(ep))
		return (ep_fail(ep, EPROTO, "a record cannot be sealed"));
	ep->ep_ctl_len = 0;
	ep_call_begin(ep);
	ep->ep_feeding = true;
	ret = SSL_read_ex(ep->ep_ssl, &none, 1, &n);
	ep->ep_feeding = false;
	if (ep->ep_ku_refused != NULL) {
		ssl_leave();
		return (ep_fail(ep, EPROTO, "%s", ep->ep_ku_refused));
	}
	if (SSL_get_error(ep->ep_ssl, ret) == SSL_ERROR_ZERO_RETURN) {
		ssl_leave();
		ep->ep_rx_end = true;
		ep->ep_info.te_got_close_notify = true;
		return (0);
	}
	error = ep_call_error(ep, ret, "read");
	if (error != EWOULDBLOCK)
		ep->ep_rx_end = true;
	return (error == EWOULDBLOCK ? 0 : error);
}
