/*
 * The Internet checksum. Words are added as they lie in memory, several at
 * a time with the carries kept, and the result is turned to network order
 * once: one's complement sums do not care about byte order until the end.
 */
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/netinet/in_cksum.h>

static uint16_t
in_fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return ((uint16_t)sum);
}

static uint16_t
in_hton(uint16_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__builtin_bswap16(v));
#else
	return (v);
#endif
}

/*
 * Whole blocks of 64 bytes: 32-bit halves into 64-bit lanes, which have room
 * for the carries of any packet, so no addition waits for another.
 */
static uint64_t
in_sum_blocks(const uint8_t **pp, size_t *lenp)
{
	uint64_t lane[16] = { 0 }, sum = 0;
	const uint8_t *b = *pp;
	size_t len = *lenp;
	uint32_t w[16];

	for (; len >= sizeof(w); b += sizeof(w), len -= sizeof(w)) {
		memcpy(w, b, sizeof(w));
		for (int i = 0; i < 16; i++)
			lane[i] += w[i];
	}
	for (int i = 0; i < 16; i++)
		sum += lane[i];
	*pp = b;
	*lenp = len;
	return (sum);
}

uint16_t
in_sum(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint64_t sum, w;

	sum = in_sum_blocks(&b, &len);
	for (; len >= 8; b += 8, len -= 8) {
		memcpy(&w, b, 8);
		sum += w;
		sum += sum < w; /* end-around carry */
	}
	if (len > 0) {
		w = 0;
		memcpy(&w, b, len);
		sum += w;
		sum += sum < w;
	}
	return (in_hton(in_fold(sum)));
}

uint16_t
in_sum_add(uint16_t a, uint16_t b, int odd)
{
	if (odd)
		b = __builtin_bswap16(b);
	return (in_fold((uint64_t)a + b));
}

uint16_t
in_sum_pseudo(const uint8_t *src, const uint8_t *dst, int addrlen,
    uint8_t proto, uint32_t len)
{
	uint64_t sum;

	sum = (uint64_t)in_sum(src, (size_t)addrlen) +
	    in_sum(dst, (size_t)addrlen) + proto + (len >> 16) + (len & 0xffff);
	return (in_fold(sum));
}

/* Sum of bytes [off, off+len) of one mbuf, whichever kind. */
static uint16_t
in_sum_one(const struct mbuf *m, uint32_t off, uint32_t len)
{
	struct m_piece piece[MBUF_PEXT_MAX_PGS + 2];
	uint16_t sum = 0;
	uint32_t done = 0;
	unsigned i, n;

	if ((m->m_flags & M_EXTPG) == 0)
		return (in_sum(m->m_data + off, len));
	n = m_pieces(m, off, len, piece, nitems(piece));
	for (i = 0; i < n; i++) {
		sum =
		    in_sum_add(sum, in_sum(piece[i].p, piece[i].len), done & 1);
		done += piece[i].len;
	}
	KASSERT(done == len, ("in_sum: %u of %u bytes", done, len));
	return (sum);
}

uint16_t
in_sum_mbuf(const struct mbuf *m, uint32_t skip, uint32_t len)
{
	uint16_t sum = 0;
	uint32_t done = 0, n;

	while (skip >= (uint32_t)m->m_len && len > 0) {
		skip -= (uint32_t)m->m_len;
		m = m->m_next;
		KASSERT(m != NULL, ("in_sum_mbuf: chain too short"));
	}
	while (done < len) {
		KASSERT(m != NULL, ("in_sum_mbuf: chain too short"));
		n = MIN((uint32_t)m->m_len - skip, len - done);
		sum = in_sum_add(sum, in_sum_one(m, skip, n), done & 1);
		done += n;
		skip = 0;
		m = m->m_next;
	}
	return (sum);
}
