/*
 * Random streams. Each consumer has its own, seeded by (run seed, name), so
 * that adding a consumer moves nobody else's numbers. xoshiro256** filled by
 * splitmix64 over the hash of the name. Not for secrets of real use.
 */
#ifndef KTSIM_BASE_PRNG_H
#define KTSIM_BASE_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prng {
	uint64_t s[4];
};

void prng_init(struct prng *, uint64_t seed, const char *name);
uint64_t prng_u64(struct prng *);
/* Uniform in [0, bound), unbiased; bound 0 gives 0. */
uint64_t prng_below(struct prng *, uint64_t bound);
/* True with probability ppb / 10^9; draws exactly one number. */
bool prng_chance(struct prng *, uint32_t ppb);
void prng_bytes(struct prng *, void *buf, size_t len);

#endif
