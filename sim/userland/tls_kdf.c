/*
 * The suites an endpoint can speak, and the way from secrets to keys, by
 * libcrypto's key derivation functions.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include <ktsim/base/kassert.h>

#include "tls_int.h"

static const struct user_suite suites[] = {
	{ "aes128-gcm", 13, 0x1301, false, CRYPTO_AES_NIST_GCM_16, 16, 12,
	    "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256" },
	{ "aes256-gcm", 13, 0x1302, true, CRYPTO_AES_NIST_GCM_16, 32, 12,
	    "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384" },
	{ "chacha20-poly1305", 13, 0x1303, false, CRYPTO_CHACHA20_POLY1305, 32,
	    12, "TLS_CHACHA20_POLY1305_SHA256",
	    "TLS_CHACHA20_POLY1305_SHA256" },
	{ "aes128-gcm", 12, 0xc02b, false, CRYPTO_AES_NIST_GCM_16, 16, 4,
	    "ECDHE-ECDSA-AES128-GCM-SHA256",
	    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	{ "aes256-gcm", 12, 0xc02c, true, CRYPTO_AES_NIST_GCM_16, 32, 4,
	    "ECDHE-ECDSA-AES256-GCM-SHA384",
	    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
	{ "chacha20-poly1305", 12, 0xcca9, false, CRYPTO_CHACHA20_POLY1305, 32,
	    12, "ECDHE-ECDSA-CHACHA20-POLY1305",
	    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
};

const struct user_suite *
user_suite_find(const char *name, int version)
{
	for (size_t i = 0; i < nitems(suites); i++)
		if (name != NULL && suites[i].us_version == version &&
		    strcmp(suites[i].us_name, name) == 0)
			return (&suites[i]);
	return (NULL);
}

size_t
user_suite_mdlen(const struct user_suite *us)
{
	return (us->us_sha384 ? 48 : 32);
}

static bool
kdf_derive(const char *name, const OSSL_PARAM *params, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	bool ok;

	ok = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return (ok);
}

static char *
md_name(const struct user_suite *us)
{
	static char sha256[] = "SHA256", sha384[] = "SHA384";

	return (us->us_sha384 ? sha384 : sha256);
}

#define OCTETS(key, p, n) \
	OSSL_PARAM_construct_octet_string((key), (void *)(uintptr_t)(p), (n))

static bool
expand13(const struct user_suite *us, const uint8_t *secret, const char *label,
    uint8_t *out, size_t len)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM p[] = { OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
		    md_name(us), 0),
		OCTETS(OSSL_KDF_PARAM_KEY, secret, user_suite_mdlen(us)),
		OCTETS(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6),
		OCTETS(OSSL_KDF_PARAM_LABEL, label, strlen(label)),
		OSSL_PARAM_construct_end() };

	return (kdf_derive("TLS13-KDF", p, out, len));
}

bool
user_keys13(const struct user_suite *us, const uint8_t *secret,
    struct user_keys *uk)
{
	return (expand13(us, secret, "key", uk->uk_key, us->us_keylen) &&
	    expand13(us, secret, "iv", uk->uk_iv, 12));
}

bool
user_keys12(const struct user_suite *us, const uint8_t master[48],
    const uint8_t cr[32], const uint8_t sr[32], struct user_keys *client,
    struct user_keys *server)
{
	uint8_t seed[13 + 64], block[2 * (32 + 12)], *b = block;
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
		    md_name(us), 0),
		OCTETS(OSSL_KDF_PARAM_SECRET, master, 48),
		OCTETS(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
		OSSL_PARAM_construct_end()
	};

	memcpy(seed, "key expansion", 13);
	memcpy(seed + 13, sr, 32);
	memcpy(seed + 45, cr, 32);
	if (!kdf_derive("TLS1-PRF", p, block,
		2u * (us->us_keylen + us->us_ivlen)))
		return (false);
	memcpy(client->uk_key, b, us->us_keylen);
	memcpy(server->uk_key, b += us->us_keylen, us->us_keylen);
	memcpy(client->uk_iv, b += us->us_keylen, us->us_ivlen);
	memcpy(server->uk_iv, b += us->us_ivlen, us->us_ivlen);
	return (true);
}

void
user_enable(const struct user_suite *us, const struct user_keys *uk,
    struct tls_enable *en)
{
	*en = (struct tls_enable) {
		.cipher_key = uk->uk_key,
		.iv = uk->uk_iv,
		.cipher_algorithm = us->us_algorithm,
		.cipher_key_len = us->us_keylen,
		.iv_len = us->us_ivlen,
		.tls_vmajor = TLS_MAJOR_VER_ONE,
		.tls_vminor = us->us_version == 13 ? TLS_MINOR_VER_THREE
						   : TLS_MINOR_VER_TWO,
	};
}
