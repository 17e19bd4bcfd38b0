/*
 * Who does the arithmetic of software TLS: a table per library. All give the
 * same bytes; they differ in speed, and a host uses the one that its scenario
 * names (default: openssl), never one chosen by the machine.
 *
 * A cipher context belongs to one key and direction and is used by one thread
 * at a time.
 */
#ifndef KTSIM_OPENCRYPTO_CRYPTO_BACKEND_H
#define KTSIM_OPENCRYPTO_CRYPTO_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>
#include <ktsim/opencrypto/tls_suite.h>

struct crypto_ctx;

struct crypto_backend {
	const char *cb_name;
	const char *cb_text; /* one line */
	/* What a record costs a simulated CPU: measured, docs/differences.md.
	 * ps_per_byte is by enum tls_cipher. */
	simtime_t cb_per_record;
	uint32_t cb_ps_per_byte[3];
	/* Operations are those of a crypto_accel.h, dispatched without
	 * waiting; the two above do not count. */
	bool cb_accel;
	/*
	 * Can it run on this machine? Called on the engine's thread before
	 * anything else of the table; NULL method: always. Not: why says it.
	 */
	bool (*cb_usable)(const char **why);
	/* Suites it does not have are left to openssl. Never asked of CBC,
	 * which is libcrypto's in any case (tls_mte.c). */
	bool (*cb_has)(const struct tls_suite *);
	/*
	 * NULL: out of memory, or the library refuses the key. NULL method:
	 * there is no library, and so none of the others either.
	 */
	struct crypto_ctx *(*cb_new)(const struct tls_suite *,
	    const uint8_t *key, bool encrypt);
	void (*cb_free)(struct crypto_ctx *); /* NULL allowed; wipes the key */
	/* One record: begin, then pieces in order, then the tag. */
	bool (*cb_begin)(struct crypto_ctx *, const uint8_t nonce[12],
	    const uint8_t *aad, int aadlen);
	bool (*cb_update)(struct crypto_ctx *, const uint8_t *in, uint8_t *out,
	    uint32_t len);
	/* Encrypting: writes it. Decrypting: 0, or EBADMSG. EIO: refused. */
	int (*cb_tag)(struct crypto_ctx *, uint8_t tag[16]);
};

extern const struct crypto_backend *const crypto_backends[]; /* NULL-ended */
extern const struct crypto_backend crypto_openssl;
const struct crypto_backend *crypto_backend_find(const char *name);

#endif
