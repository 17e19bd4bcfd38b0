/*
 * Opening a record of a CBC suite: MAC, then encrypt, as RFC 2246 (1.0: the
 * IV is the last block of the record before), RFC 4346 and 5246 (1.1, 1.2: it
 * stands in front) say in 6.2.3.2. And the set of explicit IVs that were seen:
 * RFC 5246 wants them unpredictable, so none comes twice.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>

#include "oracle_int.h"

#define BLOCK 16

static size_t
explicit_len(const struct okey *k)
{
	return (k->ok_suite->os_version >= 11 ? BLOCK : 0);
}

bool
ocbc_set(struct okey *k, const uint8_t *mackey)
{
	size_t len = k->ok_suite->os_maclen;
	char sha1[] = "SHA1", sha256[] = "SHA256", sha384[] = "SHA384";
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    len == 20	    ? sha1
			: len == 32 ? sha256
				    : sha384,
		    0),
		OSSL_PARAM_construct_end()
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	EVP_CIPHER_CTX_set_padding(k->ok_ctx, 0);
	k->ok_mac = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac);
	return (
	    k->ok_mac != NULL && EVP_MAC_init(k->ok_mac, mackey, len, p) == 1);
}

void
ocbc_reset(struct okey *k)
{
	EVP_MAC_CTX_free(k->ok_mac);
	free(k->ok_ivs.iv);
}

static bool
mac_ok(struct okey *k, const uint8_t *rec, uint64_t seq, const uint8_t *p,
    size_t n)
{
	uint8_t head[13], mac[48];
	size_t len;

	wr64(head, seq);
	memcpy(head + 8, rec, 3);
	head[11] = (uint8_t)(n >> 8);
	head[12] = (uint8_t)n;
	return (EVP_MAC_init(k->ok_mac, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(k->ok_mac, head, sizeof(head)) == 1 &&
	    EVP_MAC_update(k->ok_mac, p, n) == 1 &&
	    EVP_MAC_final(k->ok_mac, mac, &len, sizeof(mac)) == 1 &&
	    memcmp(mac, p + n, len) == 0);
}

int
ocbc_open(struct okey *k, const uint8_t *rec, size_t len, uint64_t seq,
    uint8_t *out)
{
	size_t head = 5 + explicit_len(k), maclen = k->ok_suite->os_maclen, n,
	       pad;
	int m;

	if (len < head + BLOCK || (len - head) % BLOCK != 0)
		return (-1);
	n = len - head;
	if (EVP_DecryptInit_ex(k->ok_ctx, NULL, NULL, NULL,
		head > 5 ? rec + 5 : k->ok_iv) != 1 ||
	    EVP_DecryptUpdate(k->ok_ctx, out, &m, rec + head, (int)n) != 1)
		return (-1);
	/* The last byte counts the others, which all are like it. */
	pad = out[n - 1];
	if (n < maclen + pad + 1)
		return (-1);
	for (size_t i = 0; i < pad; i++)
		if (out[n - 2 - i] != pad)
			return (-1);
	n -= maclen + pad + 1;
	return (mac_ok(k, rec, seq, out, n) ? (int)n : -1);
}

/* --- IVs --- */

static bool
ivs_put(struct oivs *ov, const uint8_t iv[BLOCK])
{
	static const uint8_t none[BLOCK];
	size_t i = rd64(iv) & (ov->size - 1);

	if (memcmp(iv, none, BLOCK) == 0)
		return (true); /* marks a free slot: never kept */
	for (; memcmp(ov->iv[i], none, BLOCK) != 0;
	     i = (i + 1) & (ov->size - 1))
		if (memcmp(ov->iv[i], iv, BLOCK) == 0)
			return (false);
	memcpy(ov->iv[i], iv, BLOCK);
	ov->n++;
	return (true);
}

/* Half full at most. */
static void
ivs_grow(struct oivs *ov)
{
	struct oivs old = *ov;

	ov->size = old.size == 0 ? 64 : 2 * old.size;
	ov->iv = oracle_alloc(ov->size * sizeof(*ov->iv));
	ov->n = 0;
	for (size_t i = 0; i < old.size; i++)
		(void)ivs_put(ov, old.iv[i]);
	free(old.iv);
}

bool
ocbc_passed(struct okey *k, const uint8_t *rec, size_t len)
{
	struct oivs *ov = &k->ok_ivs;

	if (len < 5 + BLOCK)
		return (true);
	if (explicit_len(k) == 0) {
		memcpy(k->ok_iv, rec + len - BLOCK, BLOCK);
		return (true);
	}
	if (2 * ov->n >= ov->size)
		ivs_grow(ov);
	return (ivs_put(ov, rec + 5));
}
