/*
 * Records protected here, in userland: what a synthetic endpoint does when
 * its keys are not in the kernel, and for the handshake's own records.
 */
#include <string.h>

#include <ktsim/base/bytes.h>

#include "tls_int.h"

#define TAGLEN 16

static const EVP_CIPHER *
suite_cipher(const struct user_suite *us)
{
	if (us->us_algorithm == CRYPTO_CHACHA20_POLY1305)
		return (EVP_chacha20_poly1305());
	if (user_suite_cbc(us))
		return (us->us_keylen == 16 ? EVP_aes_128_cbc()
					    : EVP_aes_256_cbc());
	return (us->us_keylen == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm());
}

static size_t
explicit_len(const struct user_suite *us)
{
	return (us->us_version == 12 && us->us_ivlen == 4 ? 8 : 0);
}

bool
user_rec_set(struct user_rec *ur, const struct user_suite *us,
    const struct user_keys *uk, bool seal)
{
	ur->ur_suite = us;
	ur->ur_seq = 0;
	memcpy(ur->ur_iv, uk->uk_iv, sizeof(ur->ur_iv));
	if (ur->ur_ctx == NULL)
		ur->ur_ctx = EVP_CIPHER_CTX_new();
	return (ur->ur_ctx != NULL &&
	    EVP_CipherInit_ex(ur->ur_ctx, suite_cipher(us), NULL, uk->uk_key,
		NULL, seal) == 1 &&
	    (!user_suite_cbc(us) || user_cbc_set(ur, uk)));
}

void
user_rec_fini(struct user_rec *ur)
{
	EVP_CIPHER_CTX_free(ur->ur_ctx);
	EVP_MAC_CTX_free(ur->ur_mac);
	ur->ur_ctx = NULL;
	ur->ur_mac = NULL;
}

/* 1.2 GCM: salt and the eight bytes in the record; else IV xor number. */
static bool
set_nonce(struct user_rec *ur, const uint8_t *rec)
{
	uint8_t nonce[12], num[8];

	memcpy(nonce, ur->ur_iv, 12);
	be64enc(num, ur->ur_seq);
	if (explicit_len(ur->ur_suite) != 0)
		memcpy(nonce + 4, rec + REC_HDR, 8);
	else
		for (int i = 0; i < 8; i++)
			nonce[4 + i] ^= num[i];
	return (
	    EVP_CipherInit_ex(ur->ur_ctx, NULL, NULL, NULL, nonce, -1) == 1);
}

static bool
set_aad(struct user_rec *ur, const uint8_t *rec, size_t plainlen)
{
	uint8_t aad[13];
	int n;

	if (ur->ur_suite->us_version == 13)
		return (
		    EVP_CipherUpdate(ur->ur_ctx, NULL, &n, rec, REC_HDR) == 1);
	be64enc(aad, ur->ur_seq);
	memcpy(aad + 8, rec, 3);
	be16enc(aad + 11, (uint16_t)plainlen);
	return (EVP_CipherUpdate(ur->ur_ctx, NULL, &n, aad, 13) == 1);
}

size_t
user_rec_seal(struct user_rec *ur, uint8_t type, const uint8_t *p, size_t len,
    uint8_t *out)
{
	bool v13 = ur->ur_suite->us_version == 13;
	size_t head = REC_HDR + explicit_len(ur->ur_suite), n = len + v13;
	uint8_t *body = out + head;
	int m;

	if (user_suite_cbc(ur->ur_suite))
		return (user_cbc_seal(ur, type, p, len, out));
	out[0] = v13 ? RT_APP : type;
	be16enc(out + 1, 0x0303);
	be16enc(out + 3, (uint16_t)(head - REC_HDR + n + TAGLEN));
	if (head > REC_HDR)
		be64enc(out + REC_HDR, ur->ur_seq);
	memcpy(body, p, len);
	if (v13)
		body[len] = type;
	if (!set_nonce(ur, out) || !set_aad(ur, out, len) ||
	    EVP_CipherUpdate(ur->ur_ctx, body, &m, body, (int)n) != 1 ||
	    EVP_CipherFinal_ex(ur->ur_ctx, body + n, &m) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ur->ur_ctx, EVP_CTRL_AEAD_GET_TAG, TAGLEN,
		body + n) != 1)
		return (0);
	ur->ur_seq++;
	return (head + n + TAGLEN);
}

bool
user_rec_open(struct user_rec *ur, uint8_t *rec, size_t len, uint8_t *type,
    uint8_t **plain, size_t *plainlen)
{
	size_t head = REC_HDR + explicit_len(ur->ur_suite), n;
	int m;

	*type = rec[0];
	if (user_suite_cbc(ur->ur_suite))
		return (user_cbc_open(ur, rec, len, plain, plainlen));
	if (len < head + TAGLEN)
		return (false);
	n = len - head - TAGLEN;
	if (!set_nonce(ur, rec) || !set_aad(ur, rec, n) ||
	    EVP_CIPHER_CTX_ctrl(ur->ur_ctx, EVP_CTRL_AEAD_SET_TAG, TAGLEN,
		rec + head + n) != 1 ||
	    EVP_CipherUpdate(ur->ur_ctx, rec + head, &m, rec + head, (int)n) !=
		1 ||
	    EVP_CipherFinal_ex(ur->ur_ctx, rec + head + n, &m) != 1)
		return (false);
	ur->ur_seq++;
	if (ur->ur_suite->us_version == 13) {
		while (n > 0 && rec[head + n - 1] == 0)
			n--;
		if (n == 0)
			return (false);
		*type = rec[head + --n];
	}
	*plain = rec + head;
	*plainlen = n;
	return (true);
}
