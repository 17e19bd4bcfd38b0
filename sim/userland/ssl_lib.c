/*
 * libssl's surroundings. Everything it would take from the machine comes from
 * the run: randomness from the stream of the endpoint whose call it is, time
 * from the virtual clock, no configuration file and no environment.
 *
 * The random method and time() are process-wide by their nature, so the
 * selection is the one piece of state here that belongs to a thread and not
 * to an object. It is set for the length of one call into libssl.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include <ktsim/base/hash.h>
#include <ktsim/base/kmem.h>

#include "tls_int.h"

static _Thread_local struct tls_userland *ssl_tu;
static _Thread_local struct prng *ssl_rng;

/*
 * Seen by libssl and libcrypto instead of the C library's. Outside of our
 * calls into them it tells the machine's time, as always.
 */
time_t
time(time_t *out)
{
	struct timespec ts;
	time_t t;

	if (ssl_tu != NULL)
		t = (time_t)(ssl_tu->tu_epoch_sec + *ssl_tu->tu_now / SIM_SEC);
	else {
		clock_gettime(CLOCK_REALTIME, &ts);
		t = ts.tv_sec;
	}
	if (out != NULL)
		*out = t;
	return (t);
}

static int
sim_rand_bytes(unsigned char *buf, int n)
{
	static _Thread_local struct prng nobody = { { 1, 2, 3, 4 } };

	prng_bytes(ssl_rng != NULL ? ssl_rng : &nobody, buf, (size_t)n);
	return (1);
}

static int
sim_rand_status(void)
{
	return (1);
}

static const RAND_METHOD sim_rand = {
	.bytes = sim_rand_bytes,
	.pseudorand = sim_rand_bytes,
	.status = sim_rand_status,
};

void
ssl_enter(struct tls_userland *tu, struct prng *rng)
{
	ssl_tu = tu;
	ssl_rng = rng;
	errno = 0;
}

void
ssl_leave(void)
{
	ssl_tu = NULL;
	ssl_rng = NULL;
}

/* --- key log --- */

/*
 * Both ends of a connection learn each secret. The first to know gives it
 * out; the second time the line's hash is found and taken away, so the table
 * holds as many lines as handshakes going on have made.
 */
void
ssl_keylog_line(struct tls_userland *tu, const char *line)
{
	struct seen_line **p, *sl;
	uint64_t h;

	if (tu->tu_keylog == NULL)
		return;
	h = hash64(line, strlen(line), 0);
	for (p = &tu->tu_seen[h % SEEN_BUCKETS]; *p != NULL; p = &(*p)->sl_next)
		if ((*p)->sl_hash == h) {
			sl = *p;
			*p = sl->sl_next;
			free(sl);
			return;
		}
	sl = xcalloc(1, sizeof(*sl));
	sl->sl_hash = h;
	*p = sl;
	tu->tu_keylog(tu->tu_keylog_arg, line);
}

static int
unhex(const char *s, uint8_t *out, size_t max)
{
	size_t n;
	unsigned v;

	for (n = 0; n < max && s[0] != '\0' && s[1] != '\0'; s += 2) {
		v = (unsigned)OPENSSL_hexchar2int((unsigned char)s[0]) << 4 |
		    (unsigned)OPENSSL_hexchar2int((unsigned char)s[1]);
		out[n++] = (uint8_t)v;
	}
	return ((int)n);
}

static void
keylog_cb(const SSL *ssl, const char *line)
{
	struct tls_endpoint *ep = SSL_get_app_data(ssl);
	const char *label, *p;
	size_t len;

	label = ep->ep_p.tp_server ? "CLIENT_TRAFFIC_SECRET_0 "
				   : "SERVER_TRAFFIC_SECRET_0 ";
	len = strlen(label);
	if (strncmp(line, label, len) == 0 &&
	    (p = strchr(line + len, ' ')) != NULL)
		ep->ep_rx_secret_len = (size_t)unhex(p + 1, ep->ep_rx_secret,
		    sizeof(ep->ep_rx_secret));
	ssl_keylog_line(ep->ep_tu, line);
}

/* --- set-up --- */

/* Tickets are records of type 22 behind the handshake: they are counted. */
static void
message_cb(int write_p, int version, int type, const void *buf, size_t len,
    SSL *ssl, void *arg)
{
	struct tls_endpoint *ep = SSL_get_app_data(ssl);
	const uint8_t *p = buf;

	if (write_p != 0 || type != RT_HANDSHAKE || !ep->ep_hs_done || len == 0)
		return;
	if (p[0] == HT_NEW_SESSION_TICKET)
		ep->ep_info.te_tickets++;
	else if (p[0] == HT_KEY_UPDATE && len == 5)
		ep_key_update_seen(ep, p[4] == 1);
}

/* A server without a protocol of its own does not answer the extension; one
 * that has one wants it offered, or nothing. */
static int
alpn_cb(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	const struct tls_endpoint *ep = SSL_get_app_data(ssl);
	const char *name = ep->ep_p.tp_alpn;
	size_t len;

	if (name == NULL)
		return (SSL_TLSEXT_ERR_NOACK);
	len = strlen(name);
	for (unsigned i = 0; i < inlen; i += 1u + in[i])
		if (in[i] == len && i + len < inlen &&
		    memcmp(in + i + 1, name, len) == 0) {
			*out = in + i + 1;
			*outlen = (unsigned char)len;
			return (SSL_TLSEXT_ERR_OK);
		}
	return (SSL_TLSEXT_ERR_ALERT_FATAL);
}

static SSL_CTX *
make_ctx(bool server)
{
	SSL_CTX *ctx;

	ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (ctx == NULL)
		return (NULL);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
		SSL_OP_NO_ENCRYPT_THEN_MAC | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	/* A client keeps what ep_new_session wants kept. */
	SSL_CTX_set_session_cache_mode(ctx,
	    server ? SSL_SESS_CACHE_OFF
		   : SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	if (!server)
		SSL_CTX_sess_set_new_cb(ctx, ep_new_session);
	/*
	 * The client does not verify the server's certificate: it is a
	 * self-signed one that all servers share, and who the peer is was
	 * settled by the scenario.
	 */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_keylog_callback(ctx, keylog_cb);
	SSL_CTX_set_msg_callback(ctx, message_cb);
	if (server)
		SSL_CTX_set_alpn_select_cb(ctx, alpn_cb, NULL);
	/* X25519 is used; 1.2 wants the certificate's curve named as well. */
	if (SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1 ||
	    (server && !ssl_cert_use(ctx))) {
		SSL_CTX_free(ctx);
		return (NULL);
	}
	return (ctx);
}

static const char *
userland_init(struct tls_userland *tu)
{
	const char *why = NULL;

	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return ("libssl cannot be initialised");
	if (RAND_get_rand_method() != &sim_rand &&
	    RAND_set_rand_method(&sim_rand) != 1)
		return ("libcrypto does not take a random method");
	ssl_enter(tu, &tu->tu_rng);
	tu->tu_bio = ktls_bio_method();
	tu->tu_ctx[0] = make_ctx(false);
	tu->tu_ctx[1] = make_ctx(true);
	ssl_leave();
	if (tu->tu_bio == NULL || tu->tu_ctx[0] == NULL ||
	    tu->tu_ctx[1] == NULL)
		why = "libssl refuses our settings";
	return (why);
}

int
tls_userland_create(const simtime_t *now, uint64_t epoch_sec, uint64_t seed,
    tls_keylog_fn *keylog, void *keylog_arg, struct tls_userland **out,
    const char **why)
{
	struct tls_userland *tu;

	*out = NULL;
	tu = xcalloc(1, sizeof(*tu));
	tu->tu_now = now;
	tu->tu_epoch_sec = epoch_sec;
	tu->tu_seed = seed;
	prng_init(&tu->tu_rng, seed, "tls_userland");
	*why = userland_init(tu);
	if (*why == NULL)
		*why = ssl_selftest(tu);
	if (*why != NULL) {
		tls_userland_destroy(tu);
		return (ENOTSUP);
	}
	tu->tu_keylog = keylog;
	tu->tu_keylog_arg = keylog_arg;
	*out = tu;
	return (0);
}

static void
seen_free(struct tls_userland *tu)
{
	struct seen_line *sl;

	for (int i = 0; i < SEEN_BUCKETS; i++)
		while ((sl = tu->tu_seen[i]) != NULL) {
			tu->tu_seen[i] = sl->sl_next;
			free(sl);
		}
}

void
tls_userland_destroy(struct tls_userland *tu)
{
	if (tu == NULL)
		return;
	SSL_CTX_free(tu->tu_ctx[0]);
	SSL_CTX_free(tu->tu_ctx[1]);
	BIO_meth_free(tu->tu_bio);
	ep_sessions_free(tu);
	user_kdf_fini(&tu->tu_kdf);
	seen_free(tu);
	free(tu);
}
