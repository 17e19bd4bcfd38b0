#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "reftls.h"

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static const EVP_CIPHER *
ref_cipher(const struct tls_suite *s)
{
	if (s->algorithm == CRYPTO_CHACHA20_POLY1305)
		return (EVP_chacha20_poly1305());
	return (s->key_len == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm());
}

static bool
ref_v13(const struct tls_suite *s)
{
	return (s->vminor == 4);
}

static bool
ref_explicit(const struct tls_suite *s)
{
	return (s->algorithm == CRYPTO_AES_NIST_GCM_16 && !ref_v13(s));
}

/* RFC 5288 3: salt || explicit. RFC 7905 2, RFC 8446 5.3: iv xor 0^4||seq. */
static void
ref_nonce(const struct tls_suite *s, const uint8_t *iv, const uint8_t *rec,
    uint64_t seqno, uint8_t nonce[12])
{
	if (ref_explicit(s)) {
		memcpy(nonce, iv, 4);
		memcpy(nonce + 4, rec + 5, 8);
		return;
	}
	memcpy(nonce, iv, 12);
	for (int i = 0; i < 8; i++)
		nonce[11 - i] ^= (uint8_t)(seqno >> (8 * i));
}

/* RFC 5246 6.2.3.3: seq, type, version, length. RFC 8446 5.2: the header. */
static int
ref_aad(const struct tls_suite *s, const uint8_t *rec, uint64_t seqno,
    size_t plainlen, uint8_t aad[13])
{
	if (ref_v13(s)) {
		memcpy(aad, rec, 5);
		return (5);
	}
	for (int i = 0; i < 8; i++)
		aad[i] = (uint8_t)(seqno >> (56 - 8 * i));
	aad[8] = rec[0];
	aad[9] = rec[1];
	aad[10] = rec[2];
	aad[11] = (uint8_t)(plainlen >> 8);
	aad[12] = (uint8_t)plainlen;
	return (13);
}

/* --- CBC: RFC 2246, 4346, 5246 6.2.3.2 --- */

static bool
ref_cbc(const struct tls_suite *s)
{
	return (s->algorithm == CRYPTO_AES_CBC);
}

static size_t
ref_mac(const struct tls_suite *s, const uint8_t *rec, uint64_t seqno,
    const uint8_t *pay, size_t paylen, uint8_t *mac)
{
	const EVP_MD *md = s->auth_algorithm == CRYPTO_SHA1_HMAC ? EVP_sha1()
	    : s->auth_algorithm == CRYPTO_SHA2_256_HMAC		 ? EVP_sha256()
								 : EVP_sha384();
	uint8_t *in = malloc(13 + paylen);
	unsigned len;

	MUST(in != NULL);
	(void)ref_aad(s, rec, seqno, paylen, in);
	memcpy(in + 13, pay, paylen);
	MUST(HMAC(md, REFTLS_AUTH_KEY, REFTLS_AUTH_KEY_LEN, in, 13 + paylen,
		 mac, &len) != NULL);
	free(in);
	return (len);
}

static void
ref_blocks(const struct tls_suite *s, const uint8_t *key, const uint8_t *iv,
    uint8_t *p, size_t len, int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	MUST(ctx != NULL);
	MUST(EVP_CipherInit_ex(ctx,
		 s->key_len == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc(), NULL,
		 key, iv, encrypt) == 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	MUST(EVP_CipherUpdate(ctx, p, &n, p, (int)len) == 1 && n == (int)len);
	EVP_CIPHER_CTX_free(ctx);
}

static size_t
ref_seal_cbc(const struct tls_suite *s, const uint8_t *key, const uint8_t *iv,
    uint64_t seqno, const uint8_t *pay, size_t paylen, size_t pad, uint8_t *rec)
{
	size_t hlen = s->vminor == 1 ? 5 : 21, n = paylen, body;

	memmove(rec + hlen, pay, paylen);
	n += ref_mac(s, rec, seqno, pay, paylen, rec + hlen + n);
	pad += 16 - n % 16;
	memset(rec + hlen + n, (int)pad - 1, pad);
	n += pad;
	body = hlen - 5 + n;
	rec[3] = (uint8_t)(body >> 8);
	rec[4] = (uint8_t)body;
	ref_blocks(s, key, hlen == 5 ? iv : rec + 5, rec + hlen, n, 1);
	return (hlen + n);
}

static long
ref_open_cbc(const struct tls_suite *s, const uint8_t *key, const uint8_t *iv,
    uint64_t seqno, const uint8_t *rec, size_t len, uint8_t *pay)
{
	size_t hlen = s->vminor == 1 ? 5 : 21, n = len - hlen, pad, maclen;
	uint8_t mac[48], *p;
	bool ok;

	if (len < hlen + 32 || n % 16 != 0)
		return (-1);
	p = malloc(n);
	MUST(p != NULL);
	memcpy(p, rec + hlen, n);
	ref_blocks(s, key, hlen == 5 ? iv : rec + 5, p, n, 0);
	maclen = s->auth_algorithm == CRYPTO_SHA1_HMAC	? 20
	    : s->auth_algorithm == CRYPTO_SHA2_256_HMAC ? 32
							: 48;
	pad = p[n - 1] + 1u;
	ok = pad + maclen <= n;
	for (size_t i = 1; ok && i <= pad; i++)
		ok = p[n - i] == pad - 1;
	if (ok) {
		n -= pad + maclen;
		(void)ref_mac(s, rec, seqno, p, n, mac);
		ok = memcmp(mac, p + n, maclen) == 0;
		memcpy(pay, p, n);
	}
	free(p);
	return (ok ? (long)n : -1);
}

/* --- AEAD --- */

static size_t
ref_crypt(const struct tls_suite *s, const uint8_t *key, const uint8_t *iv,
    uint64_t seqno, const uint8_t *in, size_t inlen, uint8_t *rec)
{
	size_t body, hlen = ref_explicit(s) ? 13 : 5;
	uint8_t nonce[12], aad[13];
	EVP_CIPHER_CTX *ctx;
	int n, aadlen;

	body = hlen - 5 + inlen + 16;
	rec[3] = (uint8_t)(body >> 8);
	rec[4] = (uint8_t)body;
	ref_nonce(s, iv, rec, seqno, nonce);
	aadlen = ref_aad(s, rec, seqno, inlen, aad);
	MUST((ctx = EVP_CIPHER_CTX_new()) != NULL);
	MUST(EVP_EncryptInit_ex(ctx, ref_cipher(s), NULL, key, nonce) == 1);
	MUST(EVP_EncryptUpdate(ctx, NULL, &n, aad, aadlen) == 1);
	MUST(EVP_EncryptUpdate(ctx, rec + hlen, &n, in, (int)inlen) == 1);
	MUST(EVP_EncryptFinal_ex(ctx, rec + hlen + inlen, &n) == 1);
	MUST(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16,
		 rec + hlen + inlen) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return (5 + body);
}

static void
ref_header(const struct tls_suite *s, uint8_t type, uint64_t explicit_nonce,
    uint8_t *rec)
{
	rec[0] = ref_v13(s) ? 23 : type;
	rec[1] = 3;
	rec[2] = ref_v13(s) ? 3 : s->vminor;
	for (int i = 0; i < 8 && s->hlen > 5; i++)
		rec[5 + i] = (uint8_t)(explicit_nonce >> (56 - 8 * i));
	if (s->hlen > 13)
		memcpy(rec + 13, rec + 5, 8);
}

size_t
reftls_seal(const struct tls_suite *s, const uint8_t *key, const uint8_t *iv,
    uint64_t explicit_nonce, uint64_t seqno, uint8_t type, const uint8_t *pay,
    size_t paylen, size_t pad, uint8_t *out)
{
	uint8_t *inner = malloc(paylen + 1 + pad);
	size_t n = paylen;

	MUST(inner != NULL);
	if (paylen > 0)
		memcpy(inner, pay, paylen);
	if (ref_v13(s)) {
		inner[n++] = type;
		memset(inner + n, 0, pad);
		n += pad;
	}
	ref_header(s, type, explicit_nonce, out);
	if (ref_cbc(s))
		n = ref_seal_cbc(s, key, iv, seqno, inner, n, pad, out);
	else
		n = ref_crypt(s, key, iv, seqno, inner, n, out);
	free(inner);
	return (n);
}

size_t
reftls_seal13_raw(const struct tls_suite *s, const uint8_t *key,
    const uint8_t *iv, uint64_t seqno, const uint8_t *inner, size_t innerlen,
    uint8_t *out)
{
	ref_header(s, 23, 0, out);
	return (ref_crypt(s, key, iv, seqno, inner, innerlen, out));
}

long
reftls_open(const struct tls_suite *s, const uint8_t *key, const uint8_t *iv,
    uint64_t seqno, const uint8_t *rec, size_t len, uint8_t *pay, uint8_t *type)
{
	size_t hlen = ref_explicit(s) ? 13 : 5, n = len - hlen - 16;
	uint8_t nonce[12], aad[13], tag[16], *plain;
	EVP_CIPHER_CTX *ctx;
	int got, aadlen, ok;

	if (ref_cbc(s)) {
		*type = rec[0];
		return (ref_open_cbc(s, key, iv, seqno, rec, len, pay));
	}
	if (len < hlen + 16)
		return (-1);
	plain = malloc(n + 1);
	MUST(plain != NULL);
	ref_nonce(s, iv, rec, seqno, nonce);
	aadlen = ref_aad(s, rec, seqno, n, aad);
	memcpy(tag, rec + len - 16, 16);
	MUST((ctx = EVP_CIPHER_CTX_new()) != NULL);
	MUST(EVP_DecryptInit_ex(ctx, ref_cipher(s), NULL, key, nonce) == 1);
	MUST(EVP_DecryptUpdate(ctx, NULL, &got, aad, aadlen) == 1);
	MUST(EVP_DecryptUpdate(ctx, plain, &got, rec + hlen, (int)n) == 1);
	MUST(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1);
	ok = EVP_DecryptFinal_ex(ctx, plain + n, &got);
	EVP_CIPHER_CTX_free(ctx);
	*type = rec[0];
	if (ok == 1 && ref_v13(s)) {
		while (n > 0 && plain[n - 1] == 0)
			n--;
		if (n == 0)
			ok = 0;
		else
			*type = plain[--n];
	}
	memcpy(pay, plain, n);
	free(plain);
	return (ok == 1 ? (long)n : -1);
}
