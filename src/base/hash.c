#define XXH_INLINE_ALL
#include <xxhash.h>

#include <ktsim/base/hash.h>

uint64_t
hash64(const void *buf, size_t len, uint64_t seed)
{
	return (XXH3_64bits_withSeed(buf, len, seed));
}
