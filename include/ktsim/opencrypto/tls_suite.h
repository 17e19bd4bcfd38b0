/*
 * What is constant about a TLS cipher suite, as the kernel names them.
 * Source: sys/ktls.h, opencrypto/cryptodev.h, ktls_create_session.
 */
#ifndef KTSIM_OPENCRYPTO_TLS_SUITE_H
#define KTSIM_OPENCRYPTO_TLS_SUITE_H

#include <stdint.h>

#define TLS_MAJOR_VER_ONE	 3
#define TLS_MINOR_VER_ZERO	 1
#define TLS_MINOR_VER_ONE	 2
#define TLS_MINOR_VER_TWO	 3
#define TLS_MINOR_VER_THREE	 4

#define CRYPTO_AES_CBC		 11
#define CRYPTO_AES_NIST_GCM_16	 25
#define CRYPTO_CHACHA20_POLY1305 41

#define TLS_AEAD_GCM_LEN	 4
#define TLS_1_3_GCM_IV_LEN	 12
#define TLS_CHACHA20_IV_LEN	 12

enum tls_cipher { TLS_CIPHER_CBC, TLS_CIPHER_GCM, TLS_CIPHER_CHACHA20 };

struct tls_suite {
	const char *name; /* "aes128-gcm-1.3" */
	enum tls_cipher cipher;
	int algorithm;	 /* CRYPTO_* */
	uint8_t key_len; /* 16 or 32 */
	uint8_t vminor;	 /* TLS_MINOR_VER_* */
	uint8_t iv_len;	 /* what tls_enable must bring */
	uint8_t hlen;	 /* record header in the stream */
	uint8_t tlen;	 /* most bytes behind the payload */
	uint8_t tag_len; /* 16 */
};

extern const struct tls_suite tls_suites[];
extern const unsigned tls_nsuites;

/* NULL: no such suite. */
const struct tls_suite *tls_suite_find(int algorithm, int key_len, int vminor);
const struct tls_suite *tls_suite_byname(const char *name);

#endif
