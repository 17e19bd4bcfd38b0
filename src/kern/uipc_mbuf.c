/*
 * The shape of mbuf chains: length, trimming, pulling up, copying, cutting.
 * M_EXTPG mbufs have no address; every byte access goes through m_pieces.
 */
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/kern/uio.h>

uint32_t
m_length(const struct mbuf *m, struct mbuf **last)
{
	uint32_t len = 0;

	for (; m != NULL; m = m->m_next) {
		len += (uint32_t)m->m_len;
		if (m->m_next == NULL && last != NULL)
			*last = (struct mbuf *)(uintptr_t)m;
	}
	return (len);
}

void
m_advance(struct mbuf *m, int len)
{
	KASSERT(len >= 0 && len <= m->m_len,
	    ("m_advance %d of %d", len, m->m_len));
	if (m->m_flags & M_EXTPG)
		m->m_epg_off += (uint32_t)len;
	else
		m->m_data += len;
	m->m_len -= len;
}

static void
m_adj_front(struct mbuf *m, int len)
{
	int n;

	for (; m != NULL && len > 0; m = m->m_next) {
		n = MIN(len, m->m_len);
		m_advance(m, n);
		len -= n;
	}
}

static void
m_adj_back(struct mbuf *m, int keep)
{
	for (; m != NULL; m = m->m_next) {
		m->m_len = MIN(m->m_len, keep);
		keep -= m->m_len;
	}
}

void
m_adj(struct mbuf *m, int req)
{
	int total = (int)m_length(m, NULL), cut;

	cut = MIN(req >= 0 ? req : -req, total);
	if (req >= 0)
		m_adj_front(m, cut);
	else
		m_adj_back(m, total - cut);
	if (m->m_flags & M_PKTHDR)
		m->m_pkthdr.len -= cut;
}

void
m_move_pkthdr(struct mbuf *to, struct mbuf *from)
{
	if ((to->m_flags & M_EXT) == 0)
		to->m_data = to->m_dat;
	to->m_flags |=
	    M_PKTHDR | (from->m_flags & (M_BCAST | M_MCAST | M_VLANTAG));
	to->m_pkthdr = from->m_pkthdr;
	from->m_flags &= ~(uint32_t)M_PKTHDR;
}

static unsigned
piece_add(struct m_piece *out, unsigned n, unsigned max, const uint8_t *p,
    uint32_t *skip, uint32_t *len, uint32_t have)
{
	uint32_t take;

	if (*skip >= have) {
		*skip -= have;
		return (n);
	}
	take = MIN(have - *skip, *len);
	if (take == 0)
		return (n);
	KASSERT(n < max, ("m_pieces: more than %u pieces", max));
	out[n] = (struct m_piece) { p + *skip, take };
	*skip = 0;
	*len -= take;
	return (n + 1);
}

unsigned
m_pieces(const struct mbuf *m, uint32_t off, uint32_t len, struct m_piece *out,
    unsigned max)
{
	const struct m_extpg *e = &m->m_epg;
	uint32_t skip, pgoff;
	unsigned n = 0;

	KASSERT(off + len <= (uint32_t)m->m_len,
	    ("m_pieces: %u+%u of %d", off, len, m->m_len));
	if ((m->m_flags & M_EXTPG) == 0)
		return (piece_add(out, 0, max, m->m_data, &off, &len,
		    (uint32_t)m->m_len));
	skip = m->m_epg_off + off;
	n = piece_add(out, n, max, e->hdr, &skip, &len, e->hdrlen);
	pgoff = e->first_off;
	for (int i = 0; i < e->npgs && len > 0; i++) {
		n = piece_add(out, n, max,
		    PHYS_TO_DMAP(m->m_mb->mb_vm, e->pa[i]) + pgoff, &skip, &len,
		    (uint32_t)m_epg_pagelen(m, i, (int)pgoff));
		pgoff = 0;
	}
	n = piece_add(out, n, max, e->trail, &skip, &len, e->trllen);
	KASSERT(len == 0, ("m_pieces: %u bytes beyond the record", len));
	return (n);
}

void
m_copydata(const struct mbuf *m, int off, int len, void *dst)
{
	struct m_piece pc[MBUF_PEXT_MAX_PGS + 2];
	uint8_t *p = dst;
	unsigned n;
	int take;

	for (; len > 0; m = m->m_next) {
		KASSERT(m != NULL, ("m_copydata beyond the chain"));
		if (off >= m->m_len) {
			off -= m->m_len;
			continue;
		}
		take = MIN(len, m->m_len - off);
		n = m_pieces(m, (uint32_t)off, (uint32_t)take, pc, nitems(pc));
		for (unsigned i = 0; i < n; i++) {
			memcpy(p, pc[i].p, pc[i].len);
			p += pc[i].len;
		}
		len -= take;
		off = 0;
	}
}

struct mbuf *
m_pullup(struct mbuf *m, int len)
{
	struct mbuf *n;
	int take;

	if (m->m_len >= len && (m->m_flags & M_EXTPG) == 0)
		return (m);
	if (len > MHLEN || (int)m_length(m, NULL) < len ||
	    (n = m_get(m->m_mb, M_NOWAIT, m->m_type)) == NULL) {
		m_freem(m);
		return (NULL);
	}
	m_copydata(m, 0, len, n->m_dat);
	if (m->m_flags & M_PKTHDR)
		m_move_pkthdr(n, m);
	n->m_len = len;
	/* What n now holds goes from the front of the old chain. */
	while (len > 0) {
		take = MIN(len, m->m_len);
		m_advance(m, take);
		len -= take;
		if (m->m_len == 0)
			m = m_free(m);
	}
	n->m_next = m;
	return (n);
}

struct mbuf *
m_prepend(struct mbuf *m, int plen, int how)
{
	struct mbuf *n;
	int room = 0;

	KASSERT(plen <= MHLEN, ("m_prepend of %d", plen));
	if ((m->m_flags & M_EXT) == 0)
		room = (int)(m->m_data - m->m_dat);
	if (room >= plen && m_writable(m)) {
		m->m_data -= plen;
		m->m_len += plen;
		if (m->m_flags & M_PKTHDR)
			m->m_pkthdr.len += plen;
		return (m);
	}
	if ((n = m_get(m->m_mb, how, m->m_type)) == NULL) {
		m_freem(m);
		return (NULL);
	}
	if (m->m_flags & M_PKTHDR) {
		m_move_pkthdr(n, m);
		n->m_pkthdr.len += plen;
	}
	/* Leave room in front for the next layer's header. */
	n->m_data = n->m_dat + (MHLEN - plen) / 2;
	n->m_len = plen;
	n->m_next = m;
	return (n);
}

/* The part of one mbuf behind `off`, as a new mbuf. */
static struct mbuf *
m_tail(struct mbuf *m, int off, int how)
{
	struct mbuf *n;

	if ((n = m_get(m->m_mb, how, m->m_type)) == NULL)
		return (NULL);
	n->m_len = m->m_len - off;
	if (m->m_flags & M_EXT) {
		mb_dupcl(n, m);
		if (m->m_flags & M_EXTPG)
			n->m_epg_off += (uint32_t)off;
		else
			n->m_data += off;
	} else
		memcpy(n->m_dat, m->m_data + off, (size_t)n->m_len);
	n->m_flags |= m->m_flags & (M_PROTOFLAGS | M_EOR);
	return (n);
}

struct mbuf *
m_split(struct mbuf *m0, int len0, int how)
{
	struct mbuf *m, *n;
	int len = len0;

	for (m = m0; m != NULL && len > m->m_len; m = m->m_next)
		len -= m->m_len;
	if (m == NULL)
		return (NULL);
	if (len == m->m_len)
		n = m->m_next;
	else {
		if ((n = m_tail(m, len, how)) == NULL)
			return (NULL);
		n->m_next = m->m_next;
		m->m_len = len;
		m->m_flags &= ~(uint32_t)M_EOR;
	}
	m->m_next = NULL;
	if (m0->m_flags & M_PKTHDR)
		m0->m_pkthdr.len = len0;
	return (n);
}

static struct mbuf *
m_uio_extpg(struct mb_state *mb, struct uio *uio, int how, int len)
{
	vm_paddr_t pa;
	struct mbuf *m;
	int n;

	if ((m = mb_alloc_ext_pgs(mb, how, mb_free_mext_pgs)) == NULL)
		return (NULL);
	m->m_epg.flags = EPG_FLAG_ANON;
	for (; len > 0; len -= n) {
		if ((pa = vm_page_alloc(mb->mb_vm)) == 0) {
			m_free(m);
			return (NULL);
		}
		n = MIN(len, PAGE_SIZE);
		m->m_epg.pa[m->m_epg.npgs++] = pa;
		m->m_epg.last_len = (uint16_t)n;
		m->m_ext.ext_size += PAGE_SIZE;
		m->m_len += n;
		uiomove_in(PHYS_TO_DMAP(mb->mb_vm, pa), (size_t)n, uio);
	}
	return (m);
}

static struct mbuf *
m_uio_plain(struct mb_state *mb, struct uio *uio, int how, int len)
{
	struct mbuf *m;

	m = len <= MLEN ? m_get(mb, how, MT_DATA)
			: m_getjcl(mb, how, MT_DATA, 0,
			      len <= MCLBYTES ? MCLBYTES : MJUMPAGESIZE);
	if (m == NULL)
		return (NULL);
	uiomove_in(m->m_data, (size_t)len, uio);
	m->m_len = len;
	return (m);
}

struct mbuf *
m_uiotombuf(struct mb_state *mb, struct uio *uio, int how, int len, int maxseg,
    int flags)
{
	struct mbuf *top = NULL, **mp = &top, *m;
	int n;

	KASSERT(!(flags & M_EXTPG) || maxseg <= 4 * PAGE_SIZE,
	    ("m_uiotombuf: segments of %d", maxseg));
	do {
		if (flags & M_EXTPG) {
			n = MIN(len, maxseg);
			m = m_uio_extpg(mb, uio, how, n);
		} else {
			n = MIN(len, MJUMPAGESIZE);
			m = m_uio_plain(mb, uio, how, n);
		}
		if (m == NULL) {
			m_freem(top);
			return (NULL);
		}
		*mp = m;
		mp = &m->m_next;
		len -= n;
	} while (len > 0);
	return (top);
}

static struct mbuf *
m_copyone(struct mbuf *m, int how)
{
	struct mbuf *n;

	n = (m->m_flags & M_PKTHDR) != 0 ? m_gethdr(m->m_mb, how, m->m_type)
					 : m_get(m->m_mb, how, m->m_type);
	if (n == NULL)
		return (NULL);
	if ((m->m_flags & M_PKTHDR) != 0) {
		n->m_pkthdr = m->m_pkthdr;
		/* Each has a reference of its own (m_dup_pkthdr). */
		if ((m->m_pkthdr.csum_flags & CSUM_SND_TAG) != 0)
			(void)m_snd_tag_ref(m->m_pkthdr.snd_tag);
		n->m_flags |= m->m_flags & M_VLANTAG;
	}
	if ((m->m_flags & M_EXT) != 0)
		mb_dupcl(n, m);
	else
		memcpy(n->m_data, m->m_data, (size_t)m->m_len);
	n->m_len = m->m_len;
	return (n);
}

struct mbuf *
m_copypacket(struct mbuf *m, int how)
{
	struct mbuf *top = NULL, **tail = &top;

	for (; m != NULL; m = m->m_next) {
		if ((*tail = m_copyone(m, how)) == NULL) {
			m_freem(top);
			return (NULL);
		}
		tail = &(*tail)->m_next;
	}
	return (top);
}
