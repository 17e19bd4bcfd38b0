/*
 * The cryptography of TLS records: whole records for the software backend,
 * and a stream form for cards that encrypt segment by segment.
 *
 * A tls_crypt is one key with its suite. It is immutable; calls from several
 * jobs at once are safe as long as each uses its own slot (base/jobpool.h).
 * The exception is encryption in TLS 1.0: it carries the last cipher block
 * from record to record, so records come one after the other, in the stream's
 * order.
 *
 * Nonces and additional data: RFC 5288 and 7905 (TLS 1.2), RFC 8446 5.2, 5.3.
 * CBC, MAC then encrypt: RFC 2246, 4346 and 5246 6.2.3.2.
 */
#ifndef KTSIM_OPENCRYPTO_TLS_CRYPT_H
#define KTSIM_OPENCRYPTO_TLS_CRYPT_H

#include <stddef.h>
#include <stdint.h>

#include <ktsim/opencrypto/tls_suite.h>

struct crypto_backend;
struct tls_crypt;
struct tls_stream;

struct tls_iov {
	const uint8_t *in;
	uint8_t *out; /* may equal in */
	uint32_t len;
};

/* A direction's secrets. */
struct tls_keys {
	const uint8_t *key; /* suite->key_len bytes */
	const uint8_t *iv;  /* suite->iv_len bytes */
	const uint8_t
	    *auth; /* CBC: the MAC's key, of any length; else unused */
	unsigned auth_len;
};

/*
 * Copies the keys. slots: as many as the job pool has. CBC suites are
 * libcrypto's whatever the backend.
 * NULL: out of memory, or the library refuses the key.
 */
struct tls_crypt *tls_crypt_create(const struct crypto_backend *,
    const struct tls_suite *, const struct tls_keys *, unsigned slots);
void tls_crypt_destroy(struct tls_crypt *); /* NULL allowed; wipes keys */
const struct tls_suite *tls_crypt_suite(const struct tls_crypt *);

/*
 * Encrypt one record. hdr: the suite's hlen header bytes, final. pieces: the
 * payload, at most TLS_CRYPT_PIECES. trailer: receives the type byte's
 * ciphertext (TLS 1.3) and the tag, or (CBC) what MAC and padding became: what
 * the header's length leaves behind the payload. Returns 0 or EIO.
 */
#define TLS_CRYPT_PIECES 16
int tls_record_encrypt(struct tls_crypt *, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, uint8_t record_type, const struct tls_iov *pieces,
    unsigned npieces, uint8_t *trailer);

/*
 * Decrypt and verify one record of an AEAD suite. pieces: everything between header and tag
 * (for TLS 1.3 this includes the inner type and padding). hdr as received.
 * Returns 0, EBADMSG (tag wrong), or EIO.
 */
int tls_record_decrypt(struct tls_crypt *, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, const struct tls_iov *pieces, unsigned npieces,
    const uint8_t *tag);

/*
 * AES-GCM: plaintext bytes to what they were on the wire, or back (the cipher
 * is a stream). in, out: everything between header and tag, len bytes.
 * Verifies nothing. Returns 0 or EIO.
 */
int tls_record_recrypt(struct tls_crypt *, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, const uint8_t *in, uint8_t *out, uint32_t len);

/*
 * A part of a record without its tag, as it is in the whole record. AES-GCM:
 * len payload bytes from payload offset off on. CBC with explicit IV: the
 * payload's first bytes, whole blocks. Return 0 or EIO.
 */
int tls_record_ctr(struct tls_crypt *, unsigned slot, const uint8_t *hdr,
    uint64_t seqno, uint32_t off, const uint8_t *in, uint8_t *out,
    uint32_t len);
int tls_record_blocks_cbc(struct tls_crypt *, unsigned slot, const uint8_t *hdr,
    const uint8_t *in, uint8_t *out, uint32_t len);

/*
 * tls_record_decrypt for CBC suites with explicit IV. pieces: everything behind the
 * header, whole blocks, at least MAC and one byte of padding; their outputs
 * lie one behind the other from plain on. *paylen: the payload's bytes, which
 * are the first of plain. Returns 0, EBADMSG (padding or MAC wrong), or EIO.
 * Not in constant time, as FreeBSD's is not.
 */
int tls_record_decrypt_cbc(struct tls_crypt *, unsigned slot,
    const uint8_t *hdr, uint64_t seqno, const struct tls_iov *pieces,
    unsigned npieces, const uint8_t *plain, uint32_t *paylen);

/*
 * Stream form, AEAD suites: start a record, feed its payload
 * (TLS 1.3: and then the type byte) in pieces of any size, take the tag.
 * Output bytes may be thrown away (out NULL) to reach the middle of a record.
 */
struct tls_stream *tls_stream_create(
    const struct tls_crypt *); /* NULL: memory */
void tls_stream_destroy(struct tls_stream *);
void tls_stream_start(struct tls_stream *, const uint8_t *hdr, uint64_t seqno);
void tls_stream_update(struct tls_stream *, const uint8_t *in, uint8_t *out,
    uint32_t len);
void tls_stream_tag(struct tls_stream *, uint8_t tag[16]);
/*
 * The other way: start, feed what is between header and tag in pieces of any
 * size, and verify. Returns 0 or EBADMSG.
 */
struct tls_stream *tls_stream_create_rx(const struct tls_crypt *);
int tls_stream_verify(struct tls_stream *, const uint8_t tag[16]);

#endif
