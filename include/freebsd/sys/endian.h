/* Byte order: the host's functions by FreeBSD's header, and the byte-wise ones. */
#ifndef KTLSSIM_FREEBSD_SYS_ENDIAN_H
#define KTLSSIM_FREEBSD_SYS_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define bswap16(x) __builtin_bswap16(x)
#define bswap32(x) __builtin_bswap32(x)
#define bswap64(x) __builtin_bswap64(x)

#define KTLSSIM_ENDIAN(bits, order)                                    \
	static inline uint##bits##_t order##bits##dec(const void *p)   \
	{                                                              \
		uint##bits##_t v;                                      \
                                                                       \
		memcpy(&v, p, sizeof(v));                              \
		return (order##bits##toh(v));                          \
	}                                                              \
	static inline void order##bits##enc(void *p, uint##bits##_t v) \
	{                                                              \
		v = hto##order##bits(v);                               \
		memcpy(p, &v, sizeof(v));                              \
	}

KTLSSIM_ENDIAN(16, be)
KTLSSIM_ENDIAN(32, be)
KTLSSIM_ENDIAN(64, be)
KTLSSIM_ENDIAN(16, le)
KTLSSIM_ENDIAN(32, le)
KTLSSIM_ENDIAN(64, le)

#undef KTLSSIM_ENDIAN

#endif
