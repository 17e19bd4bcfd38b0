/*
 * Opening one record: nonces and additional data of RFC 5288, 7905 (TLS 1.2)
 * and RFC 8446 5.2, 5.3. And the set of explicit nonces that were seen.
 */
#include <stdlib.h>
#include <string.h>

#include "oracle_int.h"

#define TAGLEN 16

static size_t
explicit_len(const struct osuite *os)
{
	return (os->os_version == 12 && os->os_aead == OA_GCM ? 8 : 0);
}

static void
make_nonce(const struct okey *k, const uint8_t *rec, uint64_t seq,
    uint8_t nonce[12])
{
	uint8_t num[8];

	memcpy(nonce, k->ok_iv, 12);
	if (explicit_len(k->ok_suite) != 0) {
		memcpy(nonce + 4, rec + 5, 8);
		return;
	}
	wr64(num, seq);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= num[i];
}

static int
make_aad(const struct okey *k, const uint8_t *rec, size_t plainlen,
    uint64_t seq, uint8_t aad[13])
{
	if (k->ok_suite->os_version == 13) {
		memcpy(aad, rec, 5);
		return (5);
	}
	wr64(aad, seq);
	memcpy(aad + 8, rec, 3);
	aad[11] = (uint8_t)(plainlen >> 8);
	aad[12] = (uint8_t)plainlen;
	return (13);
}

int
okey_open(struct okey *k, const uint8_t *rec, size_t len, uint64_t seq,
    uint8_t *out)
{
	size_t head = 5 + explicit_len(k->ok_suite), plainlen;
	uint8_t nonce[12], aad[13];
	int n, m, aadlen;

	if (k->ok_suite->os_aead == OA_CBC)
		return (ocbc_open(k, rec, len, seq, out));
	if (len < head + TAGLEN)
		return (-1);
	plainlen = len - head - TAGLEN;
	make_nonce(k, rec, seq, nonce);
	aadlen = make_aad(k, rec, plainlen, seq, aad);
	if (EVP_DecryptInit_ex(k->ok_ctx, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_CIPHER_CTX_ctrl(k->ok_ctx, EVP_CTRL_AEAD_SET_TAG, TAGLEN,
		(void *)(uintptr_t)(rec + len - TAGLEN)) != 1 ||
	    EVP_DecryptUpdate(k->ok_ctx, NULL, &n, aad, aadlen) != 1 ||
	    EVP_DecryptUpdate(k->ok_ctx, out, &n, rec + head, (int)plainlen) !=
		1 ||
	    EVP_DecryptFinal_ex(k->ok_ctx, out + plainlen, &m) != 1)
		return (-1);
	return ((int)plainlen);
}

/* First range whose end is not below v. */
static size_t
oset_search(const struct oset *os, uint64_t v)
{
	size_t lo = 0, hi = os->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (os->r[mid].hi < v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

static void
oset_insert(struct oset *os, size_t i, uint64_t v)
{
	if (os->n == os->size) {
		os->size = 2 * os->size + 4;
		os->r = oracle_realloc(os->r, os->size * sizeof(*os->r));
	}
	memmove(os->r + i + 1, os->r + i, (os->n - i) * sizeof(*os->r));
	os->r[i] = (struct once_range) { v, v };
	os->n++;
}

/*
 * Senders count, so nearly every nonce extends the range that was extended
 * last. Two ranges that meet may stay two.
 */
bool
oset_add(struct oset *os, uint64_t v)
{
	size_t i = os->last;

	if (i < os->n && v == os->r[i].hi + 1 && v != 0 &&
	    (i + 1 == os->n || os->r[i + 1].lo > v)) {
		os->r[i].hi = v;
		return (true);
	}
	i = oset_search(os, v);
	if (i < os->n && os->r[i].lo <= v)
		return (false);
	if (i > 0 && v != 0 && os->r[i - 1].hi == v - 1) {
		os->r[i - 1].hi = v;
		os->last = i - 1;
		return (true);
	}
	oset_insert(os, i, v);
	os->last = i;
	return (true);
}

void
oset_fini(struct oset *os)
{
	free(os->r);
	memset(os, 0, sizeof(*os));
}
