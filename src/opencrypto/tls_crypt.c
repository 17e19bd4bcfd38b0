/*
 * TLS record protection with libcrypto. Nonce and additional data are made
 * here from the record's header and number; one cipher context per executing
 * thread and direction is kept, because setting a key costs more than a small
 * record.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/opencrypto/tls_crypt.h>

struct tls_crypt {
	const struct tls_suite *tc_suite;
	uint8_t tc_key[32];
	uint8_t tc_iv[12];
	unsigned tc_slots;
	EVP_CIPHER_CTX **tc_ctx; /* [slot * 2 + decrypt], made on demand */
};

struct tls_stream {
	const struct tls_crypt *ts_crypt;
	EVP_CIPHER_CTX *ts_ctx;
};

static const EVP_CIPHER *
crypt_cipher(const struct tls_suite *suite)
{
	if (suite->cipher == TLS_CIPHER_CHACHA20)
		return (EVP_chacha20_poly1305());
	return (suite->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm());
}

struct tls_crypt *
tls_crypt_create(const struct tls_suite *suite, const uint8_t *key,
    const uint8_t *iv, unsigned slots)
{
	struct tls_crypt *tc;

	KASSERT(slots >= 1, ("tls_crypt_create: no slots"));
	tc = xcalloc(1, sizeof(*tc));
	tc->tc_suite = suite;
	memcpy(tc->tc_key, key, suite->key_len);
	memcpy(tc->tc_iv, iv, suite->iv_len);
	tc->tc_slots = slots;
	tc->tc_ctx = xcalloc((size_t)slots * 2, sizeof(*tc->tc_ctx));
	return (tc);
}

void
tls_crypt_destroy(struct tls_crypt *tc)
{
	if (tc == NULL)
		return;
	for (unsigned i = 0; i < tc->tc_slots * 2; i++)
		EVP_CIPHER_CTX_free(tc->tc_ctx[i]);
	explicit_bzero(tc->tc_key, sizeof(tc->tc_key));
	free(tc->tc_ctx);
	free(tc);
}

const struct tls_suite *
tls_crypt_suite(const struct tls_crypt *tc)
{
	return (tc->tc_suite);
}

static EVP_CIPHER_CTX *
crypt_newctx(const struct tls_crypt *tc, bool encrypt)
{
	EVP_CIPHER_CTX *ctx;

	if ((ctx = EVP_CIPHER_CTX_new()) == NULL)
		return (NULL);
	if (EVP_CipherInit_ex(ctx, crypt_cipher(tc->tc_suite), NULL, tc->tc_key,
		NULL, encrypt) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return (NULL);
	}
	return (ctx);
}

static EVP_CIPHER_CTX *
crypt_ctx(struct tls_crypt *tc, unsigned slot, bool encrypt)
{
	EVP_CIPHER_CTX **ctx;

	KASSERT(slot < tc->tc_slots, ("slot %u of %u", slot, tc->tc_slots));
	ctx = &tc->tc_ctx[slot * 2 + !encrypt];
	if (*ctx == NULL)
		*ctx = crypt_newctx(tc, encrypt);
	return (*ctx);
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
crypt_begin(EVP_CIPHER_CTX *ctx, const struct tls_crypt *tc, const uint8_t *hdr,
    uint64_t seqno)
{
	uint8_t nonce[12], aad[13];
	int aadlen, n;

	crypt_nonce(tc, hdr, seqno, nonce);
	aadlen = crypt_aad(tc, hdr, seqno, aad);
	return (EVP_CipherInit_ex(ctx, NULL, NULL, NULL, nonce, -1) == 1 &&
	    EVP_CipherUpdate(ctx, NULL, &n, aad, aadlen) == 1);
}

static bool
crypt_pieces(EVP_CIPHER_CTX *ctx, const struct tls_iov *pieces, unsigned n)
{
	int len;

	for (unsigned i = 0; i < n; i++)
		if (EVP_CipherUpdate(ctx, pieces[i].out, &len, pieces[i].in,
			(int)pieces[i].len) != 1)
			return (false);
	return (true);
}

int
tls_record_encrypt(struct tls_crypt *tc, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, uint8_t record_type, const struct tls_iov *pieces,
    unsigned npieces, uint8_t *trailer)
{
	EVP_CIPHER_CTX *ctx = crypt_ctx(tc, slot, true);
	uint8_t end[16];
	int n;

	if (ctx == NULL || !crypt_begin(ctx, tc, hdr, seqno) ||
	    !crypt_pieces(ctx, pieces, npieces))
		return (EIO);
	if (tc->tc_suite->vminor == TLS_MINOR_VER_THREE &&
	    EVP_CipherUpdate(ctx, trailer++, &n, &record_type, 1) != 1)
		return (EIO);
	if (EVP_CipherFinal_ex(ctx, end, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, trailer) != 1)
		return (EIO);
	return (0);
}

int
tls_record_decrypt(struct tls_crypt *tc, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, const struct tls_iov *pieces, unsigned npieces,
    const uint8_t *tag)
{
	EVP_CIPHER_CTX *ctx = crypt_ctx(tc, slot, false);
	uint8_t want[16], end[16];
	int n;

	if (ctx == NULL || !crypt_begin(ctx, tc, hdr, seqno) ||
	    !crypt_pieces(ctx, pieces, npieces))
		return (EIO);
	memcpy(want, tag, 16);
	if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, want) != 1)
		return (EIO);
	return (EVP_CipherFinal_ex(ctx, end, &n) == 1 ? 0 : EBADMSG);
}

/* --- stream form --- */

struct tls_stream *
tls_stream_create(const struct tls_crypt *tc)
{
	struct tls_stream *ts;

	ts = xcalloc(1, sizeof(*ts));
	ts->ts_crypt = tc;
	if ((ts->ts_ctx = crypt_newctx(tc, true)) == NULL) {
		free(ts);
		return (NULL);
	}
	return (ts);
}

void
tls_stream_destroy(struct tls_stream *ts)
{
	if (ts == NULL)
		return;
	EVP_CIPHER_CTX_free(ts->ts_ctx);
	free(ts);
}

void
tls_stream_start(struct tls_stream *ts, const uint8_t *hdr, uint64_t seqno)
{
	bool ok = crypt_begin(ts->ts_ctx, ts->ts_crypt, hdr, seqno);

	KASSERT(ok, ("tls_stream_start: libcrypto refused"));
}

void
tls_stream_update(struct tls_stream *ts, const uint8_t *in, uint8_t *out,
    uint32_t len)
{
	uint8_t scratch[4096];
	uint32_t take;
	int n, ok;

	for (; len > 0; in += take, len -= take) {
		take = out != NULL ? len : MIN(len, (uint32_t)sizeof(scratch));
		ok = EVP_CipherUpdate(ts->ts_ctx, out != NULL ? out : scratch,
		    &n, in, (int)take);
		KASSERT(ok == 1, ("tls_stream_update: libcrypto refused"));
		if (out != NULL)
			out += take;
	}
}

void
tls_stream_tag(struct tls_stream *ts, uint8_t tag[16])
{
	uint8_t end[16];
	int n, ok;

	ok = EVP_CipherFinal_ex(ts->ts_ctx, end, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ts->ts_ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag) ==
		1;
	KASSERT(ok, ("tls_stream_tag: libcrypto refused"));
}
