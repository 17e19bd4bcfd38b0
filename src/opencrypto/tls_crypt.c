/*
 * TLS record protection. For AEAD suites nonce and additional data are made
 * here from the record's header and number, the arithmetic is the backend's;
 * CBC suites are tls_mte.c's. One cipher context per executing thread and
 * direction is kept, because setting a key costs more than a small record.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/opencrypto/crypto_backend.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "tls_ctr.h"
#include "tls_mte.h"

/* Contexts are made on demand, [slot * 2 + decrypt]. */
struct tls_crypt {
	const struct tls_suite *tc_suite;
	const struct crypto_backend *tc_cb; /* NULL: CBC */
	uint8_t tc_key[32];
	uint8_t tc_iv[TLS_CBC_IMPLICIT_IV_LEN]; /* TLS 1.0: the next record's */
	uint8_t *tc_auth;
	unsigned tc_auth_len;
	unsigned tc_slots;
	struct crypto_ctx **tc_ctx;
	struct tls_mte **tc_mte;
	struct tls_ctr **tc_ctr; /* [slot]; NULL: none was asked for yet */
};

struct tls_stream {
	const struct tls_crypt *ts_crypt;
	struct crypto_ctx *ts_ctx;
};

static bool
crypt_cbc(const struct tls_crypt *tc)
{
	return (tc->tc_suite->cipher == TLS_CIPHER_CBC);
}

struct tls_crypt *
tls_crypt_create(const struct crypto_backend *cb, const struct tls_suite *suite,
    const struct tls_keys *k, unsigned slots)
{
	struct tls_crypt *tc;

	KASSERT(slots >= 1, ("tls_crypt_create: no slots"));
	tc = xcalloc(1, sizeof(*tc));
	tc->tc_suite = suite;
	memcpy(tc->tc_key, k->key, suite->key_len);
	if (suite->iv_len > 0)
		memcpy(tc->tc_iv, k->iv, suite->iv_len);
	tc->tc_slots = slots;
	if (!crypt_cbc(tc)) {
		tc->tc_cb = cb->cb_has(suite) ? cb : &crypto_openssl;
		tc->tc_ctx = xcalloc((size_t)slots * 2, sizeof(*tc->tc_ctx));
		return (tc);
	}
	tc->tc_mte = xcalloc((size_t)slots * 2, sizeof(*tc->tc_mte));
	tc->tc_auth = xcalloc(1, k->auth_len);
	memcpy(tc->tc_auth, k->auth, k->auth_len);
	tc->tc_auth_len = k->auth_len;
	return (tc);
}

void
tls_crypt_destroy(struct tls_crypt *tc)
{
	if (tc == NULL)
		return;
	for (unsigned i = 0; i < tc->tc_slots * 2; i++)
		if (crypt_cbc(tc))
			tls_mte_free(tc->tc_mte[i]);
		else
			tc->tc_cb->cb_free(tc->tc_ctx[i]);
	for (unsigned i = 0; tc->tc_ctr != NULL && i < tc->tc_slots; i++)
		tls_ctr_free(tc->tc_ctr[i]);
	free(tc->tc_ctr);
	explicit_bzero(tc->tc_key, sizeof(tc->tc_key));
	if (tc->tc_auth != NULL)
		explicit_bzero(tc->tc_auth, tc->tc_auth_len);
	free(tc->tc_auth);
	free(tc->tc_ctx);
	free(tc->tc_mte);
	free(tc);
}

const struct tls_suite *
tls_crypt_suite(const struct tls_crypt *tc)
{
	return (tc->tc_suite);
}

static struct crypto_ctx *
crypt_ctx(struct tls_crypt *tc, unsigned slot, bool encrypt)
{
	struct crypto_ctx **ctx;

	KASSERT(slot < tc->tc_slots, ("slot %u of %u", slot, tc->tc_slots));
	ctx = &tc->tc_ctx[slot * 2 + !encrypt];
	if (*ctx == NULL)
		*ctx = tc->tc_cb->cb_new(tc->tc_suite, tc->tc_key, encrypt);
	return (*ctx);
}

static struct tls_mte *
crypt_mte(struct tls_crypt *tc, unsigned slot, bool encrypt)
{
	struct tls_keys k = { .key = tc->tc_key,
		.auth = tc->tc_auth,
		.auth_len = tc->tc_auth_len };
	struct tls_mte **tm;

	KASSERT(slot < tc->tc_slots, ("slot %u of %u", slot, tc->tc_slots));
	tm = &tc->tc_mte[slot * 2 + !encrypt];
	if (*tm == NULL)
		*tm = tls_mte_new(tc->tc_suite, &k, encrypt);
	return (*tm);
}

/* RFC 5288: salt and explicit nonce; RFC 7905, 8446: IV xor record number. */
static void
crypt_nonce(const struct tls_crypt *tc, const uint8_t *hdr, uint64_t seqno,
    uint8_t nonce[12])
{
	const struct tls_suite *s = tc->tc_suite;

	if (s->cipher == TLS_CIPHER_GCM && s->vminor == TLS_MINOR_VER_TWO) {
		memcpy(nonce, tc->tc_iv, 4);
		memcpy(nonce + 4, hdr + 5, 8);
		return;
	}
	memcpy(nonce, tc->tc_iv, 4);
	be64enc(nonce + 4, seqno ^ be64dec(tc->tc_iv + 4));
}

/* RFC 5246 6.2.3.3: 13 bytes; RFC 8446 5.2: the header. */
static int
crypt_aad(const struct tls_crypt *tc, const uint8_t *hdr, uint64_t seqno,
    uint8_t aad[13])
{
	const struct tls_suite *s = tc->tc_suite;
	int body = be16dec(hdr + 3);

	if (s->vminor == TLS_MINOR_VER_THREE) {
		memcpy(aad, hdr, 5);
		return (5);
	}
	be64enc(aad, seqno);
	memcpy(aad + 8, hdr, 3);
	be16enc(aad + 11, (uint16_t)(body - (s->hlen - 5) - s->tag_len));
	return (13);
}

static bool
crypt_begin(struct crypto_ctx *ctx, const struct tls_crypt *tc,
    const uint8_t *hdr, uint64_t seqno)
{
	uint8_t nonce[12], aad[13];
	int aadlen;

	crypt_nonce(tc, hdr, seqno, nonce);
	aadlen = crypt_aad(tc, hdr, seqno, aad);
	return (tc->tc_cb->cb_begin(ctx, nonce, aad, aadlen));
}

static bool
crypt_pieces(struct crypto_ctx *ctx, const struct tls_crypt *tc,
    const struct tls_iov *pieces, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!tc->tc_cb->cb_update(ctx, pieces[i].in, pieces[i].out,
			pieces[i].len))
			return (false);
	return (true);
}

static int
crypt_encrypt_cbc(struct tls_crypt *tc, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, const struct tls_iov *pieces, unsigned npieces,
    uint8_t *trailer)
{
	struct tls_mte *tm = crypt_mte(tc, slot, true);
	uint8_t explicit_iv[TLS_CBC_BLOCK_LEN], *iv = tc->tc_iv;

	if (tm == NULL)
		return (EIO);
	if (!tls_suite_chained(tc->tc_suite))
		iv = memcpy(explicit_iv, hdr + 5, sizeof(explicit_iv));
	return (tls_mte_encrypt(tm, hdr, seqno, iv, pieces, npieces, trailer));
}

int
tls_record_encrypt(struct tls_crypt *tc, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, uint8_t record_type, const struct tls_iov *pieces,
    unsigned npieces, uint8_t *trailer)
{
	struct crypto_ctx *ctx;

	if (crypt_cbc(tc))
		return (crypt_encrypt_cbc(tc, slot, hdr, seqno, pieces, npieces,
		    trailer));
	ctx = crypt_ctx(tc, slot, true);
	if (ctx == NULL || !crypt_begin(ctx, tc, hdr, seqno) ||
	    !crypt_pieces(ctx, tc, pieces, npieces))
		return (EIO);
	if (tc->tc_suite->vminor == TLS_MINOR_VER_THREE &&
	    !tc->tc_cb->cb_update(ctx, &record_type, trailer++, 1))
		return (EIO);
	return (tc->tc_cb->cb_tag(ctx, trailer));
}

int
tls_record_decrypt(struct tls_crypt *tc, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, const struct tls_iov *pieces, unsigned npieces,
    const uint8_t *tag)
{
	struct crypto_ctx *ctx = crypt_ctx(tc, slot, false);
	uint8_t want[16];

	if (ctx == NULL || !crypt_begin(ctx, tc, hdr, seqno) ||
	    !crypt_pieces(ctx, tc, pieces, npieces))
		return (EIO);
	memcpy(want, tag, 16);
	return (tc->tc_cb->cb_tag(ctx, want));
}

int
tls_record_recrypt(struct tls_crypt *tc, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, const uint8_t *in, uint8_t *out, uint32_t len)
{
	/* GCM encrypts with AES-CTR from counter 2 on; its tag is not asked. */
	struct crypto_ctx *ctx = crypt_ctx(tc, slot, true);

	KASSERT(tc->tc_suite->cipher == TLS_CIPHER_GCM,
	    ("tls_record_recrypt: not AES-GCM"));
	if (ctx == NULL || !crypt_begin(ctx, tc, hdr, seqno) ||
	    !tc->tc_cb->cb_update(ctx, in, out, len))
		return (EIO);
	return (0);
}

int
tls_record_ctr(struct tls_crypt *tc, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, uint32_t off, const uint8_t *in, uint8_t *out, uint32_t len)
{
	uint8_t nonce[12];

	KASSERT(tc->tc_suite->cipher == TLS_CIPHER_GCM,
	    ("tls_record_ctr: not AES-GCM"));
	KASSERT(slot < tc->tc_slots, ("slot %u of %u", slot, tc->tc_slots));
	if (tc->tc_ctr == NULL)
		tc->tc_ctr = xcalloc(tc->tc_slots, sizeof(*tc->tc_ctr));
	if (tc->tc_ctr[slot] == NULL)
		tc->tc_ctr[slot] = tls_ctr_new(tc->tc_suite, tc->tc_key);
	crypt_nonce(tc, hdr, seqno, nonce);
	if (tc->tc_ctr[slot] == NULL ||
	    !tls_ctr_crypt(tc->tc_ctr[slot], nonce, off, in, out, len))
		return (EIO);
	return (0);
}

int
tls_record_blocks_cbc(struct tls_crypt *tc, unsigned slot, const uint8_t *hdr,
    const uint8_t *in, uint8_t *out, uint32_t len)
{
	struct tls_mte *tm = crypt_mte(tc, slot, true);

	KASSERT(!tls_suite_chained(tc->tc_suite),
	    ("tls_record_blocks_cbc: no explicit IV"));
	return (tm == NULL ? EIO : tls_mte_blocks(tm, hdr + 5, in, out, len));
}

int
tls_record_decrypt_cbc(struct tls_crypt *tc, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, const struct tls_iov *pieces, unsigned npieces,
    const uint8_t *plain, uint32_t *paylen)
{
	struct tls_mte *tm = crypt_mte(tc, slot, false);

	KASSERT(!tls_suite_chained(tc->tc_suite),
	    ("tls_record_decrypt_cbc: no explicit IV"));
	return (tm == NULL ? EIO
			   : tls_mte_decrypt(tm, hdr, seqno, pieces, npieces,
				 plain, paylen));
}

/* --- stream form --- */

static struct tls_stream *
stream_create(const struct tls_crypt *tc, bool encrypt)
{
	struct tls_stream *ts;

	ts = xcalloc(1, sizeof(*ts));
	ts->ts_crypt = tc;
	ts->ts_ctx = tc->tc_cb->cb_new(tc->tc_suite, tc->tc_key, encrypt);
	if (ts->ts_ctx == NULL) {
		free(ts);
		return (NULL);
	}
	return (ts);
}

struct tls_stream *
tls_stream_create(const struct tls_crypt *tc)
{
	return (stream_create(tc, true));
}

struct tls_stream *
tls_stream_create_rx(const struct tls_crypt *tc)
{
	return (stream_create(tc, false));
}

int
tls_stream_verify(struct tls_stream *ts, const uint8_t tag[16])
{
	uint8_t want[16];

	memcpy(want, tag, sizeof(want));
	return (
	    ts->ts_crypt->tc_cb->cb_tag(ts->ts_ctx, want) == 0 ? 0 : EBADMSG);
}

void
tls_stream_destroy(struct tls_stream *ts)
{
	if (ts == NULL)
		return;
	ts->ts_crypt->tc_cb->cb_free(ts->ts_ctx);
	free(ts);
}

void
tls_stream_start(struct tls_stream *ts, const uint8_t *hdr, uint64_t seqno)
{
	bool ok = crypt_begin(ts->ts_ctx, ts->ts_crypt, hdr, seqno);

	KASSERT(ok, ("tls_stream_start: refused"));
}

void
tls_stream_update(struct tls_stream *ts, const uint8_t *in, uint8_t *out,
    uint32_t len)
{
	uint8_t scratch[4096];
	uint32_t take;
	bool ok;

	for (; len > 0; in += take, len -= take) {
		take = out != NULL ? len : MIN(len, (uint32_t)sizeof(scratch));
		ok = ts->ts_crypt->tc_cb->cb_update(ts->ts_ctx, in,
		    out != NULL ? out : scratch, take);
		KASSERT(ok, ("tls_stream_update: refused"));
		if (out != NULL)
			out += take;
	}
}

void
tls_stream_tag(struct tls_stream *ts, uint8_t tag[16])
{
	int error = ts->ts_crypt->tc_cb->cb_tag(ts->ts_ctx, tag);

	KASSERT(error == 0, ("tls_stream_tag: refused"));
}
