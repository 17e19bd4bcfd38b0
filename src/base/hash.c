#define XXH_INLINE_ALL
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>

uint64_t
hash64(const void *buf, size_t len, uint64_t seed)
{
	return (XXH3_64bits_withSeed(buf, len, seed));
}

static XXH3_state_t *
stream_state(const struct hash_stream *hs)
{
	return ((XXH3_state_t *)(uintptr_t)hs);
}

struct hash_stream *
hash_stream_create(void)
{
	XXH3_state_t *st = XXH3_createState(); /* it wants to be aligned */

	KASSERT(st != NULL, ("hash_stream_create: out of memory"));
	XXH3_128bits_reset(st);
	return ((struct hash_stream *)st);
}

void
hash_stream_add(struct hash_stream *hs, const void *buf, size_t len)
{
	XXH3_128bits_update(stream_state(hs), buf, len);
}

void
hash_stream_addu(struct hash_stream *hs, const uint64_t *v, size_t n)
{
	uint8_t b[8 * HASH_NUMBERS_MAX];

	KASSERT(n <= HASH_NUMBERS_MAX, ("hash_stream_addu: %zu numbers", n));
	for (size_t i = 0; i < 8 * n; i++)
		b[i] = (uint8_t)(v[i / 8] >> (8 * (i % 8)));
	hash_stream_add(hs, b, 8 * n);
}

void
hash_stream_adds(struct hash_stream *hs, const char *s)
{
	hash_stream_add(hs, s, strlen(s) + 1);
}

void
hash_stream_hex(const struct hash_stream *hs, char hex[HASH_HEX_SIZE])
{
	XXH128_hash_t h = XXH3_128bits_digest(stream_state(hs));

	snprintf(hex, HASH_HEX_SIZE, "%016" PRIx64 "%016" PRIx64, h.high64,
	    h.low64);
}

void
hash_stream_destroy(struct hash_stream *hs)
{
	XXH3_freeState(stream_state(hs));
}
