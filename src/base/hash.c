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

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
void
hash_stream_addu(struct hash_stream *hs, const uint64_t *v, size_t n)
{
	hash_stream_add(hs, v, n * sizeof(*v));
}
#else
void
hash_stream_addu(struct hash_stream *hs, const uint64_t *v, size_t n)
{
	uint64_t le;

	for (size_t i = 0; i < n; i++) {
		le = __builtin_bswap64(v[i]);
		hash_stream_add(hs, &le, sizeof(le));
	}
}
#endif

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
