/*
 * The suites an endpoint can speak, and the way from secrets to keys.
 *
 * TLS 1.3's is a handful of HMACs for each connection. Asked for by libcrypto's
 * key derivation function they cost more than the connection's TCP, so its HMAC
 * is made once and only gets new keys.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>

#include "tls_int.h"

#define CBC_SHA1(version, ivlen)                                               \
	{ "aes128-cbc-sha1", version, 0xc009, false, CRYPTO_AES_CBC, 16,       \
		ivlen, "ECDHE-ECDSA-AES128-SHA",                               \
		"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", CRYPTO_SHA1_HMAC,      \
		20 },                                                          \
	{                                                                      \
		"aes256-cbc-sha1", version, 0xc00a, false, CRYPTO_AES_CBC, 32, \
		    ivlen, "ECDHE-ECDSA-AES256-SHA",                           \
		    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", CRYPTO_SHA1_HMAC,  \
		    20                                                         \
	}

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
	CBC_SHA1(10, 16),
	CBC_SHA1(11, 0),
	CBC_SHA1(12, 0),
	{ "aes128-cbc-sha256", 12, 0xc023, false, CRYPTO_AES_CBC, 16, 0,
	    "ECDHE-ECDSA-AES128-SHA256",
	    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", CRYPTO_SHA2_256_HMAC,
	    32 },
	{ "aes256-cbc-sha384", 12, 0xc024, true, CRYPTO_AES_CBC, 32, 0,
	    "ECDHE-ECDSA-AES256-SHA384",
	    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", CRYPTO_SHA2_384_HMAC,
	    48 },
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

static char *
md_name(const struct user_suite *us)
{
	static char sha256[] = "SHA256", sha384[] = "SHA384";

	return (us->us_sha384 ? sha384 : sha256);
}

static EVP_MAC_CTX *
kdf_hmac(struct user_kdf *kd, const struct user_suite *us)
{
	EVP_MAC_CTX **ctx = &kd->kd_hmac[us->us_sha384];
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    md_name(us), 0),
		OSSL_PARAM_construct_end()
	};
	EVP_MAC *mac;

	if (*ctx == NULL) {
		mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
		*ctx = EVP_MAC_CTX_new(mac);
		EVP_MAC_free(mac);
		if (*ctx != NULL && EVP_MAC_CTX_set_params(*ctx, p) != 1) {
			EVP_MAC_CTX_free(*ctx);
			*ctx = NULL;
		}
	}
	return (*ctx);
}

void
user_kdf_fini(struct user_kdf *kd)
{
	EVP_MAC_CTX_free(kd->kd_hmac[0]);
	EVP_MAC_CTX_free(kd->kd_hmac[1]);
	EVP_MD_free(kd->kd_sha256);
}

/* HKDF-Expand-Label without a context (RFC 8446, 7.1), at most one hash. */
static bool
expand13(struct user_kdf *kd, const struct user_suite *us,
    const uint8_t *secret, const char *label, uint8_t *out, size_t len)
{
	EVP_MAC_CTX *hmac = kdf_hmac(kd, us);
	size_t n = strlen(label), mdlen = user_suite_mdlen(us);
	uint8_t info[2 + 1 + 6 + 8 + 1 + 1], md[SECRET_MAX];
	bool ok;

	KASSERT(n <= 8 && len <= mdlen, ("expand13: %s, %zu", label, len));
	be16enc(info, (uint16_t)len);
	info[2] = (uint8_t)(6 + n);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, n);
	info[9 + n] = 0;  /* no context */
	info[10 + n] = 1; /* the first block */
	ok = hmac != NULL && EVP_MAC_init(hmac, secret, mdlen, NULL) == 1 &&
	    EVP_MAC_update(hmac, info, 11 + n) == 1 &&
	    EVP_MAC_final(hmac, md, NULL, sizeof(md)) == 1;
	if (ok)
		memcpy(out, md, len);
	OPENSSL_cleanse(md, sizeof(md));
	return (ok);
}

bool
user_keys13(struct user_kdf *kd, const struct user_suite *us,
    const uint8_t *secret, struct user_keys *uk)
{
	return (expand13(kd, us, secret, "key", uk->uk_key, us->us_keylen) &&
	    expand13(kd, us, secret, "iv", uk->uk_iv, 12));
}

/* SHA-256 in one piece. */
bool
user_sha256(struct user_kdf *kd, const void *p, size_t n, uint8_t md[32])
{
	if (kd->kd_sha256 == NULL)
		kd->kd_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return (kd->kd_sha256 != NULL &&
	    EVP_Digest(p, n, md, NULL, kd->kd_sha256, NULL) == 1);
}

static bool
prf(const OSSL_PARAM *params, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	bool ok;

	ok = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return (ok);
}

#define OCTETS(key, p, n) \
	OSSL_PARAM_construct_octet_string((key), (void *)(uintptr_t)(p), (n))

/* PRF(master, "key expansion" and the randoms); before 1.2 MD5 xor SHA-1. */
static bool
key_block(const struct user_suite *us, const uint8_t master[48],
    const uint8_t cr[32], const uint8_t sr[32], uint8_t *block, size_t len)
{
	static char md5_sha1[] = "MD5-SHA1";
	uint8_t seed[13 + 64];
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
		    us->us_version == 12 ? md_name(us) : md5_sha1, 0),
		OCTETS(OSSL_KDF_PARAM_SECRET, master, 48),
		OCTETS(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
		OSSL_PARAM_construct_end()
	};

	memcpy(seed, "key expansion", 13);
	memcpy(seed + 13, sr, 32);
	memcpy(seed + 45, cr, 32);
	return (prf(p, block, len));
}

bool
user_keys12(const struct user_suite *us, const uint8_t master[48],
    const uint8_t cr[32], const uint8_t sr[32], struct user_keys *client,
    struct user_keys *server)
{
	uint8_t block[2 * sizeof(struct user_keys)], *b = block;
	size_t mac = us->us_maclen, key = us->us_keylen, iv = us->us_ivlen;

	if (!key_block(us, master, cr, sr, block, 2 * (mac + key + iv)))
		return (false);
	memcpy(client->uk_mac, b, mac);
	memcpy(server->uk_mac, b += mac, mac);
	memcpy(client->uk_key, b += mac, key);
	memcpy(server->uk_key, b += key, key);
	memcpy(client->uk_iv, b += key, iv);
	memcpy(server->uk_iv, b += iv, iv);
	OPENSSL_cleanse(block, sizeof(block));
	return (true);
}

void
user_enable(const struct user_suite *us, const struct user_keys *uk,
    uint64_t seq, struct tls_enable *en)
{
	*en = (struct tls_enable) {
		.cipher_key = uk->uk_key,
		.iv = uk->uk_iv,
		.auth_key = user_suite_cbc(us) ? uk->uk_mac : NULL,
		.cipher_algorithm = us->us_algorithm,
		.cipher_key_len = us->us_keylen,
		.iv_len = us->us_ivlen,
		.auth_algorithm = us->us_auth,
		.auth_key_len = us->us_maclen,
		.tls_vmajor = TLS_MAJOR_VER_ONE,
		.tls_vminor =
		    (uint8_t)(us->us_version - 10 + TLS_MINOR_VER_ZERO),
	};
	be64enc(en->rec_seq, seq);
}
