/*
 * Keys for the kernel that libssl has but does not offer: TLS 1.3 for
 * receiving (libssl 3.0), and everything of CBC (libssl on Linux; FreeBSD's
 * offers it unless encrypt-then-MAC was agreed, which our contexts never do).
 * They are taken when the handshake is done, and libssl is left alone with
 * the directions that stay in userland.
 *
 * libssl reads exactly one record at a time, so the socket's buffer then begins
 * with the first record behind the peer's Finished. In 1.3 that is number 0
 * under the peer's traffic secret, which was seen in the key log. To 1.2 it is
 * number 1 of each direction: the Finished was number 0, and tickets are not
 * encrypted. In 1.0 the next IV is the end of our own Finished.
 */
#include <errno.h>
#include <string.h>

#include "tls_int.h"

void
ep_tail_note(struct tls_endpoint *ep, const uint8_t *p, size_t n)
{
	size_t keep;

	if (n > sizeof(ep->ep_tail)) {
		p += n - sizeof(ep->ep_tail);
		n = sizeof(ep->ep_tail);
	}
	keep = sizeof(ep->ep_tail) - n;
	memmove(ep->ep_tail, ep->ep_tail + n, keep);
	memcpy(ep->ep_tail + keep, p, n);
}

static bool
give(struct tls_endpoint *ep, bool tx, const struct user_keys *uk, uint64_t seq)
{
	struct tls_enable en;

	user_enable(ep->ep_suite, uk, seq, &en);
	return (ep_enable(ep, tx, &en));
}

static void
rx13_handover(struct tls_endpoint *ep)
{
	struct user_keys uk;

	if (ep->ep_rx_secret_len != user_suite_mdlen(ep->ep_suite) ||
	    !user_keys13(&ep->ep_tu->tu_kdf, ep->ep_suite, ep->ep_rx_secret,
		&uk)) {
		ep_note(ep, false, "libssl did not show its traffic secret", 0);
		return;
	}
	ep->ep_rx_direct = give(ep, false, &uk, 0);
	OPENSSL_cleanse(&uk, sizeof(uk));
}

/* From the master secret: uk[0] client's, uk[1] server's. */
static bool
cbc_keys(struct tls_endpoint *ep, struct user_keys uk[2])
{
	uint8_t master[48], cr[32], sr[32];
	bool ok;

	ok = SSL_SESSION_get_master_key(SSL_get_session(ep->ep_ssl), master,
		 sizeof(master)) == sizeof(master) &&
	    SSL_get_client_random(ep->ep_ssl, cr, sizeof(cr)) == sizeof(cr) &&
	    SSL_get_server_random(ep->ep_ssl, sr, sizeof(sr)) == sizeof(sr) &&
	    user_keys12(ep->ep_suite, master, cr, sr, &uk[0], &uk[1]);
	OPENSSL_cleanse(master, sizeof(master));
	return (ok);
}

static void
cbc_handover(struct tls_endpoint *ep, bool tx, bool rx)
{
	bool me = ep->ep_p.tp_server;
	struct user_keys uk[2];

	if (!cbc_keys(ep, uk)) {
		ep_note(ep, true, "libssl did not show its master secret", 0);
		ep_note(ep, false, "libssl did not show its master secret", 0);
		return;
	}
	if (ep->ep_suite->us_version == 10)
		memcpy(uk[me].uk_iv, ep->ep_tail, sizeof(ep->ep_tail));
	if (tx)
		ep->ep_tx_direct = give(ep, true, &uk[me], 1);
	if (rx)
		ep->ep_rx_direct = give(ep, false, &uk[!me], 1);
	OPENSSL_cleanse(uk, sizeof(uk));
}

void
ep_handover(struct tls_endpoint *ep)
{
	bool cbc = user_suite_cbc(ep->ep_suite);
	bool tx = ep->ep_p.tp_tx == TLS_PLACE_KERNEL && cbc;
	bool rx = ep->ep_p.tp_rx == TLS_PLACE_KERNEL &&
	    (cbc || ep->ep_suite->us_version == 13);

	if (rx && SSL_has_pending(ep->ep_ssl)) {
		ep_note(ep, false, "libssl has read ahead", 0);
		rx = false;
	}
	if (cbc && (tx || rx))
		cbc_handover(ep, tx, rx);
	else if (rx)
		rx13_handover(ep);
}
