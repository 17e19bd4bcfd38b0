/*
 * CBC records of synthetic endpoints: MAC, then encrypt; RFC 2246, 4346, 5246
 * 6.2.3.2. Padding is the least.
 */
#include <string.h>

#include <openssl/core_names.h>

#include <ktsim/base/bytes.h>

#include "tls_int.h"

#define BLOCK 16

static size_t
head_len(const struct user_rec *ur)
{
	return (REC_HDR + (ur->ur_suite->us_version > 10 ? BLOCK : 0));
}

bool
user_cbc_set(struct user_rec *ur, const struct user_keys *uk)
{
	static char sha1[] = "SHA1", sha256[] = "SHA256", sha384[] = "SHA384";
	size_t len = ur->ur_suite->us_maclen;
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    len == 20	    ? sha1
			: len == 32 ? sha256
				    : sha384,
		    0),
		OSSL_PARAM_construct_end()
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	EVP_MAC_CTX_free(ur->ur_mac);
	ur->ur_mac = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac);
	return (ur->ur_mac != NULL &&
	    EVP_CIPHER_CTX_set_padding(ur->ur_ctx, 0) == 1 &&
	    EVP_MAC_init(ur->ur_mac, uk->uk_mac, len, p) == 1);
}

static bool
make_mac(struct user_rec *ur, const uint8_t *rec, const uint8_t *p, size_t n,
    uint8_t mac[SECRET_MAX])
{
	uint8_t head[13];
	size_t len;

	be64enc(head, ur->ur_seq);
	memcpy(head + 8, rec, 3);
	be16enc(head + 11, (uint16_t)n);
	return (EVP_MAC_init(ur->ur_mac, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(ur->ur_mac, head, sizeof(head)) == 1 &&
	    EVP_MAC_update(ur->ur_mac, p, n) == 1 &&
	    EVP_MAC_final(ur->ur_mac, mac, &len, SECRET_MAX) == 1);
}

static bool
run_cbc(struct user_rec *ur, const uint8_t *iv, uint8_t *p, size_t n)
{
	int m;

	return (EVP_CipherInit_ex(ur->ur_ctx, NULL, NULL, NULL, iv, -1) == 1 &&
	    EVP_CipherUpdate(ur->ur_ctx, p, &m, p, (int)n) == 1);
}

size_t
user_cbc_seal(struct user_rec *ur, uint8_t type, const uint8_t *p, size_t len,
    uint8_t *out)
{
	size_t head = head_len(ur), n = len + ur->ur_suite->us_maclen, pad;
	uint8_t *body = out + head;

	pad = BLOCK - n % BLOCK;
	out[0] = type;
	be16enc(out + 1, user_suite_wire(ur->ur_suite));
	be16enc(out + 3, (uint16_t)(head - REC_HDR + n + pad));
	if (head > REC_HDR) {
		prng_bytes(ur->ur_rng, ur->ur_iv, BLOCK);
		memcpy(out + REC_HDR, ur->ur_iv, BLOCK);
	}
	memcpy(body, p, len);
	if (!make_mac(ur, out, body, len, body + len))
		return (0);
	memset(body + n, (int)pad - 1, pad);
	if (!run_cbc(ur, ur->ur_iv, body, n + pad))
		return (0);
	memcpy(ur->ur_iv, body + n + pad - BLOCK, BLOCK);
	ur->ur_seq++;
	return (head + n + pad);
}

bool
user_cbc_open(struct user_rec *ur, uint8_t *rec, size_t len, uint8_t **plain,
    size_t *plainlen)
{
	size_t head = head_len(ur), maclen = ur->ur_suite->us_maclen, n, pad;
	uint8_t *body = rec + head, mac[SECRET_MAX], last[BLOCK];

	if (len < head + BLOCK || (len - head) % BLOCK != 0)
		return (false);
	n = len - head;
	memcpy(last, rec + len - BLOCK, BLOCK);
	if (!run_cbc(ur, head > REC_HDR ? rec + REC_HDR : ur->ur_iv, body, n))
		return (false);
	pad = body[n - 1] + 1u;
	if (n < maclen + pad)
		return (false);
	for (size_t i = 1; i <= pad; i++)
		if (body[n - i] != pad - 1)
			return (false);
	n -= maclen + pad;
	if (!make_mac(ur, rec, body, n, mac) ||
	    memcmp(mac, body + n, maclen) != 0)
		return (false);
	memcpy(ur->ur_iv, last, BLOCK);
	ur->ur_seq++;
	*plain = body;
	*plainlen = n;
	return (true);
}
