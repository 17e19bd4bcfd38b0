#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/laws.h>

#define LN2 0xb17217f8ULL /* 32 bits behind the point */

/* 2^(1/2), 2^(1/4), ...: 62 bits behind the point. */
static const uint64_t roots[32] = { 0x5a827999fcef3242ULL,
	0x4c1bf828c6dc54b8ULL, 0x45cae0f1f545eb73ULL, 0x42d561b3e6243d8aULL,
	0x4166c34c5615d0ecULL, 0x40b268f9de0183baULL, 0x4058f6a7ecccd5b6ULL,
	0x402c6be96af2fb58ULL, 0x4016321b687027a8ULL, 0x400b18178ba33b14ULL,
	0x40058bce410147e8ULL, 0x4002c5d7bff71dafULL, 0x400162e807ee7e5bULL,
	0x4000b1730df6a524ULL, 0x400058b9497b8152ULL, 0x40002c5c955dd701ULL,
	0x4000162e46d6f26cULL, 0x40000b1722757b1bULL, 0x4000058b90fd3e0cULL,
	0x400002c5c86f3f26ULL, 0x40000162e433c79bULL, 0x400000b17218edd0ULL,
	0x40000058b90c3968ULL, 0x4000002c5c860d54ULL, 0x400000162e4302d2ULL,
	0x4000000b17218073ULL, 0x400000058b90bffcULL, 0x40000002c5c85fefULL,
	0x4000000162e42ff3ULL, 0x40000000b17217f9ULL, 0x4000000058b90bfcULL,
	0x400000002c5c85feULL };

/* The fraction bit by bit: squaring doubles a logarithm. */
uint64_t
fx_log2(uint64_t x)
{
	int whole = 63 - __builtin_clzll(x);
	uint64_t m = x << (63 - whole), log = (uint64_t)whole << 32;
	unsigned __int128 sq;

	for (int i = 31; i >= 0; i--) {
		sq = (unsigned __int128)m * m >> 63;
		if (sq >> 64 != 0) {
			log |= (uint64_t)1 << i;
			sq >>= 1;
		}
		m = (uint64_t)sq;
	}
	return (log);
}

uint64_t
fx_exp2(uint64_t x)
{
	uint64_t m = (uint64_t)1 << 62, whole = x >> 32;

	KASSERT(whole <= 62, ("2^%ju", (uintmax_t)whole));
	for (int i = 0; i < 32; i++)
		if (x >> (31 - i) & 1)
			m = (uint64_t)((unsigned __int128)m * roots[i] >> 62);
	return (m >> (62 - whole));
}

/* -ln(u) of u in (0, 1]. */
uint64_t
law_exponential(struct prng *r, uint64_t mean)
{
	uint64_t u = prng_u64(r) | 1;
	uint64_t ln =
	    (uint64_t)((unsigned __int128)(64 * FX_ONE - fx_log2(u)) * LN2 >>
		32);

	return ((uint64_t)((unsigned __int128)ln * mean >> 32));
}

void
law_zipf_init(struct law_zipf *z, uint32_t n, uint64_t s_ppb)
{
	uint64_t sum = 0, less;

	z->lz_n = n;
	z->lz_sums = xcalloc(n + 1, sizeof(*z->lz_sums));
	for (uint32_t k = 0; k < n; k++) {
		less = (uint64_t)((unsigned __int128)fx_log2(k + 1) * s_ppb /
		    1000000000);
		/* The first weighs 2^43, so that all have room in 64 bits. */
		less = MIN(less, 43 * FX_ONE);
		z->lz_sums[k] = sum += fx_exp2(43 * FX_ONE - less);
	}
}

void
law_zipf_fini(struct law_zipf *z)
{
	free(z->lz_sums);
	z->lz_sums = NULL;
}

uint32_t
law_zipf_draw(const struct law_zipf *z, struct prng *r)
{
	uint64_t x = prng_below(r, z->lz_sums[z->lz_n - 1]);
	uint32_t low = 0, high = z->lz_n - 1, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (x < z->lz_sums[mid])
			high = mid;
		else
			low = mid + 1;
	}
	return (low);
}
