/*
 * Hashing of keys and contents: XXH3, the same on every machine. Not for
 * secrets. Nothing may depend on the order in which a hash table yields its
 * entries.
 */
#ifndef KTSIM_BASE_HASH_H
#define KTSIM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash64(const void *buf, size_t len, uint64_t seed);

#endif
