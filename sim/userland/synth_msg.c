/*
 * The few handshake messages of a synthetic endpoint, and its secrets.
 *
 * Enough for Wireshark and for the record oracle, which check no certificate,
 * key exchange or Finished: hellos with randoms, version and suite; for 1.2
 * ChangeCipherSpec both ways; for 1.3 EncryptedExtensions and Finished under
 * the handshake keys. The secrets are a pure function of the run's seed and
 * the two randoms that went over the wire, so both ends know them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/bytes.h>

#include "synth.h"

#define HT_CLIENT_HELLO 1
#define HT_SERVER_HELLO 2
#define HT_ENC_EXT	8
#define HT_FINISHED	20

static void
put(struct synth *sy, const void *p, size_t n)
{
	memcpy(sy->sy_out + sy->sy_out_len, p, n);
	sy->sy_out_len += n;
}

static void
put8(struct synth *sy, unsigned v)
{
	uint8_t b = (uint8_t)v;

	put(sy, &b, 1);
}

static void
put16(struct synth *sy, unsigned v)
{
	uint8_t b[2];

	be16enc(b, (uint16_t)v);
	put(sy, b, 2);
}

/* SHA-256 in counter mode over seed, label and randoms. */
static bool
secret(const struct tls_endpoint *ep, const char *label, uint8_t *out,
    size_t len)
{
	const struct synth *sy = ep->ep_synth;
	uint8_t in[8 + 1 + 32 + 64] = { 0 }, md[32];
	size_t lablen = strlen(label), n;

	be64enc(in, ep->ep_p.tp_seed);
	memcpy(in + 9, label, lablen < 32 ? lablen : 32);
	memcpy(in + 41, sy->sy_cr, 32);
	memcpy(in + 73, sy->sy_sr, 32);
	for (; len > 0; len -= n, out += n, in[8]++) {
		n = len < sizeof(md) ? len : sizeof(md);
		if (!user_sha256(&ep->ep_tu->tu_kdf, in, sizeof(in), md))
			return (false);
		memcpy(out, md, n);
	}
	return (true);
}

/* --- hellos --- */

static void
put_extensions(struct tls_endpoint *ep, bool server)
{
	struct synth *sy = ep->ep_synth;
	uint8_t share[32];

	if (ep->ep_suite->us_version != 13)
		return;
	prng_bytes(&ep->ep_rng, share, sizeof(share));
	if (server) {
		put16(sy, 6 + 40);
		put(sy, "\x00\x2b\x00\x02\x03\x04", 6);
		put(sy, "\x00\x33\x00\x24\x00\x1d\x00\x20", 8);
	} else {
		put16(sy, 7 + 8 + 8 + 42);
		put(sy, "\x00\x2b\x00\x03\x02\x03\x04", 7);
		put(sy, "\x00\x0a\x00\x04\x00\x02\x00\x1d", 8);
		put(sy, "\x00\x0d\x00\x04\x00\x02\x04\x03", 8);
		put(sy, "\x00\x33\x00\x26\x00\x24\x00\x1d\x00\x20", 10);
	}
	put(sy, share, sizeof(share));
}

static void
put_hello(struct tls_endpoint *ep, bool server, const uint8_t random[32])
{
	struct synth *sy = ep->ep_synth;
	uint16_t version = user_suite_wire(ep->ep_suite);
	size_t start = sy->sy_out_len, len;
	uint8_t *rec = sy->sy_out + start;

	put8(sy, RT_HANDSHAKE);
	put16(sy, server ? version : 0x0301);
	put16(sy, 0);
	put8(sy, server ? HT_SERVER_HELLO : HT_CLIENT_HELLO);
	put(sy, "\0\0\0", 3);
	put16(sy, version);
	put(sy, random, 32);
	put8(sy, 0); /* no session id */
	if (!server)
		put16(sy, 2);
	put16(sy, ep->ep_suite->us_id);
	if (!server)
		put8(sy, 1);
	put8(sy, 0); /* no compression */
	put_extensions(ep, server);
	len = sy->sy_out_len - start;
	be16enc(rec + 3, (uint16_t)(len - REC_HDR));
	be16enc(rec + REC_HDR + 2, (uint16_t)(len - REC_HDR - 4));
}

void
synth_put_client_hello(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;

	prng_bytes(&ep->ep_rng, sy->sy_cr, sizeof(sy->sy_cr));
	put_hello(ep, false, sy->sy_cr);
}

void
synth_put_server_hello(struct tls_endpoint *ep)
{
	put_hello(ep, true, ep->ep_synth->sy_sr);
}

void
synth_put_ccs(struct tls_endpoint *ep)
{
	put8(ep->ep_synth, RT_CCS);
	put16(ep->ep_synth, user_suite_wire(ep->ep_suite));
	put(ep->ep_synth, "\x00\x01\x01", 3);
}

bool
synth_get_hello(struct tls_endpoint *ep, const uint8_t *rec, size_t len)
{
	struct synth *sy = ep->ep_synth;
	bool server = ep->ep_p.tp_server;
	size_t at = REC_HDR + 4 + 2 + 32; /* session id's length */
	bool has13;

	if (rec[0] != RT_HANDSHAKE || len < at + (server ? 7 : 4) ||
	    rec[at] != 0 ||
	    rec[REC_HDR] != (server ? HT_CLIENT_HELLO : HT_SERVER_HELLO)) {
		(void)ep_fail(ep, EPROTO,
		    "the peer's first record is not the "
		    "hello of a synthetic endpoint");
		return (false);
	}
	has13 = len > at + 9; /* only then are there extensions */
	if (be16dec(rec + REC_HDR + 4) != user_suite_wire(ep->ep_suite) ||
	    be16dec(rec + at + (server ? 3 : 1)) != ep->ep_suite->us_id ||
	    has13 != (ep->ep_suite->us_version == 13)) {
		(void)ep_fail(ep, EPROTO,
		    "the peer speaks another version or suite");
		return (false);
	}
	memcpy(server ? sy->sy_cr : sy->sy_sr, rec + REC_HDR + 6, 32);
	if (server)
		prng_bytes(&ep->ep_rng, sy->sy_sr, sizeof(sy->sy_sr));
	return (true);
}

/* --- secrets --- */

static char *
put_hex(char *s, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*s++ = hex[p[i] >> 4];
		*s++ = hex[p[i] & 15];
	}
	return (s);
}

static void
log_secret(struct tls_endpoint *ep, const char *label, const uint8_t *p,
    size_t n)
{
	char line[64 + 64 + 2 * SECRET_MAX], *s = line;

	s += sprintf(s, "%s ", label);
	s = put_hex(s, ep->ep_synth->sy_cr, 32);
	*s++ = ' ';
	s = put_hex(s, p, n);
	*s = '\0';
	ssl_keylog_line(ep->ep_tu, line);
}

static bool
keys13(struct tls_endpoint *ep, const char *label, struct user_keys *uk)
{
	uint8_t buf[SECRET_MAX];
	size_t n = user_suite_mdlen(ep->ep_suite);
	bool ok;

	if (!secret(ep, label, buf, n))
		return (false);
	log_secret(ep, label, buf, n);
	ok = user_keys13(&ep->ep_tu->tu_kdf, ep->ep_suite, buf, uk);
	OPENSSL_cleanse(buf, sizeof(buf));
	return (ok);
}

static bool
secrets13(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	struct user_keys hs[2]; /* [server] */
	bool me = ep->ep_p.tp_server;

	return (keys13(ep, "SERVER_HANDSHAKE_TRAFFIC_SECRET", &hs[1]) &&
	    keys13(ep, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", &hs[0]) &&
	    keys13(ep, "SERVER_TRAFFIC_SECRET_0",
		me ? &sy->sy_txkeys : &sy->sy_rxkeys) &&
	    keys13(ep, "CLIENT_TRAFFIC_SECRET_0",
		me ? &sy->sy_rxkeys : &sy->sy_txkeys) &&
	    user_rec_set(&sy->sy_tx, ep->ep_suite, &hs[me], true) &&
	    user_rec_set(&sy->sy_rx, ep->ep_suite, &hs[!me], false));
}

static bool
secrets12(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	bool me = ep->ep_p.tp_server;
	uint8_t master[48];

	if (!secret(ep, "CLIENT_RANDOM", master, sizeof(master)))
		return (false);
	log_secret(ep, "CLIENT_RANDOM", master, sizeof(master));
	return (user_keys12(ep->ep_suite, master, sy->sy_cr, sy->sy_sr,
	    me ? &sy->sy_rxkeys : &sy->sy_txkeys,
	    me ? &sy->sy_txkeys : &sy->sy_rxkeys));
}

bool
synth_secrets(struct tls_endpoint *ep)
{
	return (ep->ep_suite->us_version == 13 ? secrets13(ep) : secrets12(ep));
}

/* --- 1.3: the encrypted messages --- */

bool
synth_put_finished(struct tls_endpoint *ep)
{
	struct synth *sy = ep->ep_synth;
	size_t md = user_suite_mdlen(ep->ep_suite), n = 0, len;
	uint8_t msg[6 + 4 + SECRET_MAX];

	if (ep->ep_p.tp_server) {
		memcpy(msg, "\x08\x00\x00\x02\x00\x00", 6);
		n = 6;
	}
	msg[n] = HT_FINISHED;
	msg[n + 1] = msg[n + 2] = 0;
	msg[n + 3] = (uint8_t)md;
	if (!secret(ep, "finished", msg + n + 4, md))
		return (false);
	len = user_rec_seal(&sy->sy_tx, RT_HANDSHAKE, msg, n + 4 + md,
	    sy->sy_out + sy->sy_out_len);
	sy->sy_out_len += len;
	return (len != 0);
}

bool
synth_get_finished(struct tls_endpoint *ep, const uint8_t *p, size_t len)
{
	size_t md = user_suite_mdlen(ep->ep_suite);

	if (!ep->ep_p.tp_server && len > 6 && p[0] == HT_ENC_EXT) {
		p += 6;
		len -= 6;
	}
	return (len == 4 + md && p[0] == HT_FINISHED);
}
