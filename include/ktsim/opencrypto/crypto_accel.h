/*
 * A modelled crypto accelerator: a card that takes operations into a queue and
 * tells when each is done, in whatever order its engines finish. Time and
 * order are its own; the bytes are somebody else's (its backend's are
 * libcrypto's).
 *
 * An operation is embedded in its owner and belongs to the accelerator from
 * dispatch to its callback. When the queue is full the callback comes with
 * EAGAIN, and the owner may dispatch again: so does ktls_ocf.
 * Source of the protocol: crypto_dispatch(9), opencrypto/ktls_ocf.c.
 */
#ifndef KTSIM_OPENCRYPTO_CRYPTO_ACCEL_H
#define KTSIM_OPENCRYPTO_CRYPTO_ACCEL_H

#include <stdint.h>

#include <ktsim/base/timebase.h>

#define CRYPTO_ACCEL_ENGINES 64 /* at most */

struct crypto_accel;

struct crypto_accel_params {
	uint32_t ca_depth;    /* operations inside, 1 to 65536 */
	uint32_t ca_engines;  /* 1 to CRYPTO_ACCEL_ENGINES */
	uint64_t ca_rate_bps; /* of each engine, not 0 */
	simtime_t ca_latency; /* from an engine's end to the callback, and of
				  a refusal; not 0 */
	uint64_t ca_fail_op;  /* this one, from 1, is EIO; 0: none */
};

/* error: 0 done; EAGAIN the queue was full; EIO the operation failed. */
typedef void crypto_done_fn(void *arg, int error);

struct crypto_op {
	struct sim_event co_event;
	struct crypto_accel *co_accel;
	crypto_done_fn *co_done;
	void *co_arg;
	int co_error;
};

struct crypto_accel_stats {
	uint64_t ops;	  /* taken */
	uint64_t refused; /* EAGAIN */
	uint64_t inside;  /* now */
	uint64_t inside_max;
};

/* The parameters are copied. */
struct crypto_accel *crypto_accel_create(struct timebase *,
    const struct crypto_accel_params *);
/* No operation may be inside. NULL allowed. */
void crypto_accel_destroy(struct crypto_accel *);
const struct crypto_accel_stats *crypto_accel_stats(
    const struct crypto_accel *);

void crypto_op_init(struct crypto_op *, struct crypto_accel *, crypto_done_fn *,
    void *arg);
/*
 * len bytes of work. Always takes the operation; the callback comes later
 * than now. Operations go to the engine that is free first, in order.
 */
void crypto_accel_dispatch(struct crypto_op *, uint32_t len);

#endif
