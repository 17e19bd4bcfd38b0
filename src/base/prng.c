#include <string.h>

#include <ktsim/base/hash.h>
#include <ktsim/base/prng.h>

static uint64_t
splitmix64(uint64_t *x)
{
	uint64_t z;

	z = (*x += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (z ^ (z >> 31));
}

void
prng_init(struct prng *r, uint64_t seed, const char *name)
{
	uint64_t x;

	x = splitmix64(&seed) ^ hash64(name, strlen(name), 0);
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&x);
}

static uint64_t
rotl(uint64_t x, int k)
{
	return ((x << k) | (x >> (64 - k)));
}

uint64_t
prng_u64(struct prng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return (result);
}

uint64_t
prng_below(struct prng *r, uint64_t bound)
{
	uint64_t x, limit;

	if (bound == 0)
		return (0);
	/* Refuse the tail that would make small values likelier. */
	limit = UINT64_MAX - UINT64_MAX % bound;
	do
		x = prng_u64(r);
	while (x >= limit);
	return (x % bound);
}

bool
prng_chance(struct prng *r, uint32_t ppb)
{
	unsigned __int128 x = prng_u64(r);

	return ((uint64_t)((x * 1000000000) >> 64) < ppb);
}

void
prng_bytes(struct prng *r, void *buf, size_t len)
{
	uint8_t *p = buf;
	uint64_t x;
	size_t n;

	while (len > 0) {
		x = prng_u64(r);
		n = len < 8 ? len : 8;
		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)(x >> (8 * i));
		p += n;
		len -= n;
	}
}
