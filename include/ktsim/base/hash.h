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

/* 128 bits of what is added piece by piece; how it was cut does not matter. */
struct hash_stream;
struct hash_stream *hash_stream_create(void);
void hash_stream_add(struct hash_stream *, const void *buf, size_t len);
/* Numbers, the same on machines of either byte order. */
void hash_stream_addu(struct hash_stream *, const uint64_t *, size_t n);
/* A string with its end. */
void hash_stream_adds(struct hash_stream *, const char *);
#define HASH_HEX_SIZE 33
/* Of what was added so far, in hexadecimal. */
void hash_stream_hex(const struct hash_stream *, char hex[HASH_HEX_SIZE]);
void hash_stream_destroy(struct hash_stream *); /* NULL: nothing */

#endif
