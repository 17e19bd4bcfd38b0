#include <stddef.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/opencrypto/tls_suite.h>

#define GCM12(bits, keylen)                                               \
	{                                                                 \
		"aes" #bits "-gcm-1.2", TLS_CIPHER_GCM,                   \
		    CRYPTO_AES_NIST_GCM_16, 0, keylen, TLS_MINOR_VER_TWO, \
		    TLS_AEAD_GCM_LEN, 13, 16, 16                          \
	}
#define GCM13(bits, keylen)                                                 \
	{                                                                   \
		"aes" #bits "-gcm-1.3", TLS_CIPHER_GCM,                     \
		    CRYPTO_AES_NIST_GCM_16, 0, keylen, TLS_MINOR_VER_THREE, \
		    TLS_1_3_GCM_IV_LEN, 5, 17, 16                           \
	}

/* sha: as in the name; mac: its bytes; ver: as in the name */
#define CBC(bits, keylen, sha, auth, mac, ver, vminor)                        \
	{                                                                     \
		"aes" #bits "-cbc-sha" #sha "-" ver, TLS_CIPHER_CBC,          \
		    CRYPTO_AES_CBC, auth, keylen, vminor,                     \
		    vminor == TLS_MINOR_VER_ZERO ? TLS_CBC_IMPLICIT_IV_LEN    \
						 : 0,                         \
		    vminor == TLS_MINOR_VER_ZERO ? 5 : 5 + TLS_CBC_BLOCK_LEN, \
		    mac + TLS_CBC_BLOCK_LEN, mac                              \
	}
#define CBC_BOTH(sha, auth, mac, ver, vminor)      \
	CBC(128, 16, sha, auth, mac, ver, vminor), \
	    CBC(256, 32, sha, auth, mac, ver, vminor)

const struct tls_suite tls_suites[] = {
	GCM12(128, 16),
	GCM12(256, 32),
	{ "chacha20-poly1305-1.2", TLS_CIPHER_CHACHA20,
	    CRYPTO_CHACHA20_POLY1305, 0, 32, TLS_MINOR_VER_TWO,
	    TLS_CHACHA20_IV_LEN, 5, 16, 16 },
	GCM13(128, 16),
	GCM13(256, 32),
	{ "chacha20-poly1305-1.3", TLS_CIPHER_CHACHA20,
	    CRYPTO_CHACHA20_POLY1305, 0, 32, TLS_MINOR_VER_THREE,
	    TLS_CHACHA20_IV_LEN, 5, 17, 16 },
	CBC_BOTH(1, CRYPTO_SHA1_HMAC, 20, "1.0", TLS_MINOR_VER_ZERO),
	CBC_BOTH(1, CRYPTO_SHA1_HMAC, 20, "1.1", TLS_MINOR_VER_ONE),
	CBC_BOTH(1, CRYPTO_SHA1_HMAC, 20, "1.2", TLS_MINOR_VER_TWO),
	CBC_BOTH(256, CRYPTO_SHA2_256_HMAC, 32, "1.2", TLS_MINOR_VER_TWO),
	CBC_BOTH(384, CRYPTO_SHA2_384_HMAC, 48, "1.2", TLS_MINOR_VER_TWO),
};
const unsigned tls_nsuites = nitems(tls_suites);

const struct tls_suite *
tls_suite_find(int algorithm, int auth_algorithm, int key_len, int vminor)
{
	for (unsigned i = 0; i < tls_nsuites; i++)
		if (tls_suites[i].algorithm == algorithm &&
		    tls_suites[i].auth_algorithm == auth_algorithm &&
		    (key_len == 0 || tls_suites[i].key_len == key_len) &&
		    tls_suites[i].vminor == vminor)
			return (&tls_suites[i]);
	return (NULL);
}

const struct tls_suite *
tls_suite_byname(const char *name)
{
	for (unsigned i = 0; i < tls_nsuites; i++)
		if (strcmp(tls_suites[i].name, name) == 0)
			return (&tls_suites[i]);
	return (NULL);
}

unsigned
tls_suite_trailer(const struct tls_suite *s, unsigned paylen)
{
	if (s->cipher != TLS_CIPHER_CBC)
		return (s->tlen);
	return (s->tlen - (paylen + s->tlen) % TLS_CBC_BLOCK_LEN);
}
