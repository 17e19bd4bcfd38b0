/*
 * The Internet checksum (RFC 1071). Sums are folded 16-bit values in network
 * order, not complemented: in_cksum_add combines them.
 */
#ifndef KTSIM_NETINET_IN_CKSUM_H
#define KTSIM_NETINET_IN_CKSUM_H

#include <stddef.h>
#include <stdint.h>

struct mbuf;

/* Sum of a run of bytes that begins at an even offset of the whole. */
uint16_t in_sum(const void *p, size_t len);
/* b follows a; odd: a had an odd number of bytes. */
uint16_t in_sum_add(uint16_t a, uint16_t b, int odd);
/* Sum of the pseudo header; src, dst of 4 or 16 bytes. */
uint16_t in_sum_pseudo(const uint8_t *src, const uint8_t *dst, int addrlen,
    uint8_t proto, uint32_t len);
/* Sum over a chain from byte skip on (M_EXTPG too). */
uint16_t in_sum_mbuf(const struct mbuf *, uint32_t skip, uint32_t len);

#endif
