/* libcrypto's EVP: the backend that is always there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <ktsim/base/kmem.h>
#include <ktsim/opencrypto/crypto_backend.h>

struct crypto_ctx {
	EVP_CIPHER_CTX *cc_evp;
	bool cc_encrypt;
};

static bool
openssl_has(const struct tls_suite *suite)
{
	return (true);
}

static const EVP_CIPHER *
openssl_cipher(const struct tls_suite *suite)
{
	if (suite->cipher == TLS_CIPHER_CHACHA20)
		return (EVP_chacha20_poly1305());
	return (suite->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm());
}

static void
openssl_free(struct crypto_ctx *cc)
{
	if (cc == NULL)
		return;
	EVP_CIPHER_CTX_free(cc->cc_evp);
	free(cc);
}

static struct crypto_ctx *
openssl_new(const struct tls_suite *suite, const uint8_t *key, bool encrypt)
{
	struct crypto_ctx *cc = xcalloc(1, sizeof(*cc));

	cc->cc_encrypt = encrypt;
	cc->cc_evp = EVP_CIPHER_CTX_new();
	if (cc->cc_evp == NULL ||
	    EVP_CipherInit_ex(cc->cc_evp, openssl_cipher(suite), NULL, key,
		NULL, encrypt) != 1) {
		openssl_free(cc);
		return (NULL);
	}
	return (cc);
}

static bool
openssl_begin(struct crypto_ctx *cc, const uint8_t nonce[12],
    const uint8_t *aad, int aadlen)
{
	int n;

	return (
	    EVP_CipherInit_ex(cc->cc_evp, NULL, NULL, NULL, nonce, -1) == 1 &&
	    EVP_CipherUpdate(cc->cc_evp, NULL, &n, aad, aadlen) == 1);
}

static bool
openssl_update(struct crypto_ctx *cc, const uint8_t *in, uint8_t *out,
    uint32_t len)
{
	int n;

	return (EVP_CipherUpdate(cc->cc_evp, out, &n, in, (int)len) == 1);
}

static int
openssl_tag(struct crypto_ctx *cc, uint8_t tag[16])
{
	uint8_t end[16];
	int n;

	if (!cc->cc_encrypt) {
		if (EVP_CIPHER_CTX_ctrl(cc->cc_evp, EVP_CTRL_AEAD_SET_TAG, 16,
			tag) != 1)
			return (EIO);
		return (
		    EVP_CipherFinal_ex(cc->cc_evp, end, &n) == 1 ? 0 : EBADMSG);
	}
	if (EVP_CipherFinal_ex(cc->cc_evp, end, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(cc->cc_evp, EVP_CTRL_AEAD_GET_TAG, 16, tag) !=
		1)
		return (EIO);
	return (0);
}

#define OPENSSL_METHODS                                                        \
	.cb_has = openssl_has, .cb_new = openssl_new, .cb_free = openssl_free, \
	.cb_begin = openssl_begin, .cb_update = openssl_update,                \
	.cb_tag = openssl_tag

const struct crypto_backend crypto_openssl = {
	.cb_name = "openssl",
	.cb_text = "libcrypto, one record after the other",
	.cb_per_record = 250 * SIM_NS,
	.cb_ps_per_byte = { 1400, 190, 340 },
	OPENSSL_METHODS,
};

/* The bytes of the modelled accelerator; its time is crypto_accel.c's. */
const struct crypto_backend crypto_accel = {
	.cb_name = "accel",
	.cb_text = "a modelled asynchronous accelerator, see `accel` of a host",
	.cb_accel = true,
	OPENSSL_METHODS,
};
