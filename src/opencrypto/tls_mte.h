/*
 * MAC, then encrypt: AES-CBC with HMAC, by libcrypto. What tls_crypt.c does
 * for AEAD suites in terms of a backend, this does for CBC as a whole: the MAC
 * must see the payload before the cipher does, and blocks run on over the
 * borders of pieces, so a backend's begin, update, tag would not fit.
 */
#ifndef TLS_MTE_H
#define TLS_MTE_H

#include <ktsim/opencrypto/tls_crypt.h>

struct tls_mte;

/* One thread's contexts for one key and direction. NULL: refused. */
struct tls_mte *tls_mte_new(const struct tls_suite *, const struct tls_keys *,
    bool encrypt);
void tls_mte_free(struct tls_mte *); /* NULL allowed */

/*
 * hdr, pieces, trailer: as tls_record_encrypt. iv: this record's; becomes the
 * last block of ciphertext. Returns 0 or EIO.
 */
int tls_mte_encrypt(struct tls_mte *, const uint8_t *hdr, uint64_t seqno,
    uint8_t iv[TLS_CBC_BLOCK_LEN], const struct tls_iov *pieces,
    unsigned npieces, uint8_t *trailer);
/* The cipher alone, from this IV on; whole blocks. */
int tls_mte_blocks(struct tls_mte *, const uint8_t iv[TLS_CBC_BLOCK_LEN],
    const uint8_t *in, uint8_t *out, uint32_t len);
/* As tls_record_decrypt_cbc. */
int tls_mte_decrypt(struct tls_mte *, const uint8_t *hdr, uint64_t seqno,
    const struct tls_iov *pieces, unsigned npieces, const uint8_t *plain,
    uint32_t *paylen);

#endif
