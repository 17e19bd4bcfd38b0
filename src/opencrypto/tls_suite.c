#include <stddef.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/opencrypto/tls_suite.h>

#define GCM12(bits, keylen)                                            \
	{                                                              \
		"aes" #bits "-gcm-1.2", TLS_CIPHER_GCM,                \
		    CRYPTO_AES_NIST_GCM_16, keylen, TLS_MINOR_VER_TWO, \
		    TLS_AEAD_GCM_LEN, 13, 16, 16                       \
	}
#define GCM13(bits, keylen)                                              \
	{                                                                \
		"aes" #bits "-gcm-1.3", TLS_CIPHER_GCM,                  \
		    CRYPTO_AES_NIST_GCM_16, keylen, TLS_MINOR_VER_THREE, \
		    TLS_1_3_GCM_IV_LEN, 5, 17, 16                        \
	}

const struct tls_suite tls_suites[] = {
	GCM12(128, 16),
	GCM12(256, 32),
	{ "chacha20-poly1305-1.2", TLS_CIPHER_CHACHA20,
	    CRYPTO_CHACHA20_POLY1305, 32, TLS_MINOR_VER_TWO,
	    TLS_CHACHA20_IV_LEN, 5, 16, 16 },
	GCM13(128, 16),
	GCM13(256, 32),
	{ "chacha20-poly1305-1.3", TLS_CIPHER_CHACHA20,
	    CRYPTO_CHACHA20_POLY1305, 32, TLS_MINOR_VER_THREE,
	    TLS_CHACHA20_IV_LEN, 5, 17, 16 },
};
const unsigned tls_nsuites = nitems(tls_suites);

const struct tls_suite *
tls_suite_find(int algorithm, int key_len, int vminor)
{
	for (unsigned i = 0; i < tls_nsuites; i++)
		if (tls_suites[i].algorithm == algorithm &&
		    tls_suites[i].key_len == key_len &&
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
