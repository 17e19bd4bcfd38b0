/*
 * AES-CTR as GCM uses it, from any byte of a record on: for cards that encrypt
 * a piece of a record without its tag.
 */
#ifndef TLS_CTR_H
#define TLS_CTR_H

#include <ktsim/opencrypto/tls_suite.h>

struct tls_ctr;

/* One thread's context for one key. NULL: refused. */
struct tls_ctr *tls_ctr_new(const struct tls_suite *, const uint8_t *key);
void tls_ctr_free(struct tls_ctr *); /* NULL allowed; wipes the key */
/* Payload bytes from offset off of the record with this nonce. False: the
 * library refuses. */
bool tls_ctr_crypt(struct tls_ctr *, const uint8_t nonce[12], uint32_t off,
    const uint8_t *in, uint8_t *out, uint32_t len);

#endif
