#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kmem.h>

#include "tls_ctr.h"

#define BLOCK	  16
#define GCM_FIRST 2 /* counter of the payload's first block; 1 is the tag's */

struct tls_ctr {
	EVP_CIPHER_CTX *tx_evp;
};

struct tls_ctr *
tls_ctr_new(const struct tls_suite *suite, const uint8_t *key)
{
	struct tls_ctr *tx = xcalloc(1, sizeof(*tx));

	tx->tx_evp = EVP_CIPHER_CTX_new();
	if (tx->tx_evp == NULL ||
	    EVP_CipherInit_ex(tx->tx_evp,
		suite->key_len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr(),
		NULL, key, NULL, 1) != 1) {
		tls_ctr_free(tx);
		return (NULL);
	}
	return (tx);
}

void
tls_ctr_free(struct tls_ctr *tx)
{
	if (tx == NULL)
		return;
	EVP_CIPHER_CTX_free(tx->tx_evp);
	free(tx);
}

bool
tls_ctr_crypt(struct tls_ctr *tx, const uint8_t nonce[12], uint32_t off,
    const uint8_t *in, uint8_t *out, uint32_t len)
{
	uint8_t iv[BLOCK], skipped[BLOCK] = { 0 };
	int n;

	memcpy(iv, nonce, 12);
	be32enc(iv + 12, GCM_FIRST + off / BLOCK);
	if (len == 0)
		return (true);
	if (EVP_CipherInit_ex(tx->tx_evp, NULL, NULL, NULL, iv, -1) != 1)
		return (false);
	if (off % BLOCK != 0 &&
	    EVP_CipherUpdate(tx->tx_evp, skipped, &n, skipped,
		(int)(off % BLOCK)) != 1)
		return (false);
	return (EVP_CipherUpdate(tx->tx_evp, out, &n, in, (int)len) == 1);
}
