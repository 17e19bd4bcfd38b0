/*
 * Random laws in integers, so that the same stream gives the same numbers
 * whatever the compiler and the library of mathematics. Logarithms are of base
 * 2 with 32 bits behind the point, right to about 2^-30.
 */
#ifndef KTSIM_BASE_LAWS_H
#define KTSIM_BASE_LAWS_H

#include <stdint.h>

#include <ktsim/base/prng.h>

#define FX_ONE ((uint64_t)1 << 32)

uint64_t fx_log2(uint64_t x); /* x from 1; rounded down */
uint64_t fx_exp2(uint64_t x); /* the whole part; x up to 62 */

/* A gap of a Poisson process with this mean; draws one number. */
uint64_t law_exponential(struct prng *, uint64_t mean);

/*
 * Zipf's law: of n things the k-th (from 1) is wanted k^-s times as often as
 * the first. s in parts per billion, up to 3; n up to 2^20.
 */
struct law_zipf {
	uint64_t *lz_sums; /* of the weights, up to and with each */
	uint32_t lz_n;
};
void law_zipf_init(struct law_zipf *, uint32_t n, uint64_t s_ppb);
void law_zipf_fini(struct law_zipf *);
/* Which one, from 0; draws at least one number. */
uint32_t law_zipf_draw(const struct law_zipf *, struct prng *);

#endif
