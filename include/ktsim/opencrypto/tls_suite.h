/*
 * What is constant about a TLS cipher suite, as the kernel names them.
 * Source: sys/ktls.h, opencrypto/cryptodev.h, ktls_create_session.
 */
#ifndef KTSIM_OPENCRYPTO_TLS_SUITE_H
#define KTSIM_OPENCRYPTO_TLS_SUITE_H

#include <stdbool.h>
#include <stdint.h>

#define TLS_MAJOR_VER_ONE	 3
#define TLS_MINOR_VER_ZERO	 1
#define TLS_MINOR_VER_ONE	 2
#define TLS_MINOR_VER_TWO	 3
#define TLS_MINOR_VER_THREE	 4

#define CRYPTO_SHA1_HMAC	 7
#define CRYPTO_AES_CBC		 11
#define CRYPTO_SHA2_256_HMAC	 18
#define CRYPTO_SHA2_384_HMAC	 19
#define CRYPTO_AES_NIST_GCM_16	 25
#define CRYPTO_CHACHA20_POLY1305 41

#define TLS_AEAD_GCM_LEN	 4
#define TLS_1_3_GCM_IV_LEN	 12
#define TLS_CHACHA20_IV_LEN	 12
#define TLS_CBC_IMPLICIT_IV_LEN	 16
#define TLS_CBC_BLOCK_LEN	 16

enum tls_cipher { TLS_CIPHER_CBC, TLS_CIPHER_GCM, TLS_CIPHER_CHACHA20 };

struct tls_suite {
	const char *name; /* "aes128-gcm-1.3" */
	enum tls_cipher cipher;
	int algorithm;	    /* CRYPTO_* */
	int auth_algorithm; /* CRYPTO_*_HMAC; 0: AEAD */
	uint8_t key_len;    /* 16 or 32 */
	uint8_t vminor;	    /* TLS_MINOR_VER_* */
	uint8_t iv_len;	    /* what tls_enable must bring; 0: nothing is used */
	uint8_t hlen;	    /* record header in the stream */
	uint8_t tlen;	    /* most bytes behind the payload */
	uint8_t tag_len;    /* AEAD: 16; CBC: the MAC, padding not counted */
};

extern const struct tls_suite tls_suites[];
extern const unsigned tls_nsuites;

/* NULL: no such suite. key_len 0: of any key length. */
const struct tls_suite *tls_suite_find(int algorithm, int auth_algorithm,
    int key_len, int vminor);
const struct tls_suite *tls_suite_byname(const char *name);

/*
 * Bytes behind the payload of a record: tag and inner type, or MAC and the
 * least padding (1 to 16 bytes) that fills the last block.
 */
unsigned tls_suite_trailer(const struct tls_suite *, unsigned paylen);

/* TLS 1.0: each record's IV is the last block of the one before. */
static inline bool
tls_suite_chained(const struct tls_suite *s)
{
	return (s->cipher == TLS_CIPHER_CBC && s->vminor == TLS_MINOR_VER_ZERO);
}

#endif
