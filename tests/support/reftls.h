/*
 * TLS records made with libcrypto directly: nonce and additional data written
 * from the RFCs a second time, so that a mistake in src/opencrypto cannot
 * agree with itself.
 */
#ifndef REFTLS_H
#define REFTLS_H

#include <stddef.h>
#include <stdint.h>

#include <ktsim/opencrypto/tls_suite.h>

#define REFTLS_MAX (16384 + 5 + 16 + 48 + 256)

/* Of CBC suites, always this one; longer than no hash's block. */
#define REFTLS_AUTH_KEY	    "a MAC key of some length"
#define REFTLS_AUTH_KEY_LEN 24

/*
 * A whole record for paylen bytes into out; returns its length. iv: 4 bytes of
 * salt (TLS 1.2 GCM), 12, or 16 (TLS 1.0). pad: zero bytes behind the inner
 * type (TLS 1.3), or more padding than the least (CBC; multiple of 16).
 * explicit_nonce: also makes the explicit IV of TLS 1.1 and 1.2 CBC.
 */
size_t reftls_seal(const struct tls_suite *, const uint8_t *key,
    const uint8_t *iv, uint64_t explicit_nonce, uint64_t seqno, uint8_t type,
    const uint8_t *pay, size_t paylen, size_t pad, uint8_t *out);
/* The inner plaintext as it stands (no type is added): for bad TLS 1.3. */
size_t reftls_seal13_raw(const struct tls_suite *, const uint8_t *key,
    const uint8_t *iv, uint64_t seqno, const uint8_t *inner, size_t innerlen,
    uint8_t *out);
/*
 * Opens a whole record: payload length, or -1 when the tag, MAC or padding is
 * wrong. *type: the inner one for TLS 1.3.
 */
long reftls_open(const struct tls_suite *, const uint8_t *key,
    const uint8_t *iv, uint64_t seqno, const uint8_t *rec, size_t len,
    uint8_t *pay, uint8_t *type);

#endif
