/* Big-endian loads and stores at any alignment. */
#ifndef KTSIM_BASE_BYTES_H
#define KTSIM_BASE_BYTES_H

#include <stdint.h>

static inline uint16_t
be16dec(const void *p)
{
	const uint8_t *b = p;

	return ((uint16_t)((b[0] << 8) | b[1]));
}

static inline uint32_t
be32dec(const void *p)
{
	const uint8_t *b = p;

	return (((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) |
	    ((uint32_t)b[2] << 8) | b[3]);
}

static inline uint64_t
be64dec(const void *p)
{
	const uint8_t *b = p;

	return (((uint64_t)be32dec(b) << 32) | be32dec(b + 4));
}

static inline void
be16enc(void *p, uint16_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static inline void
be32enc(void *p, uint32_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)(v >> 24);
	b[1] = (uint8_t)(v >> 16);
	b[2] = (uint8_t)(v >> 8);
	b[3] = (uint8_t)v;
}

static inline void
be64enc(void *p, uint64_t v)
{
	uint8_t *b = p;

	be32enc(b, (uint32_t)(v >> 32));
	be32enc(b + 4, (uint32_t)v);
}

#endif
