/*
 * Socket buffer accounting. The heart is four lines: a not ready mbuf becomes
 * sb_fnrdy if there is none, everything behind sb_fnrdy is blocked, bytes in
 * front of it are available, and sbready moves the border.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/protosw.h>
#include <ktsim/kern/sockbuf.h>
#include <ktsim/kern/vnet.h>

void
sbinit(struct sockbuf *sb, struct vnet *vnet, struct socket *so)
{
	*sb = (struct sockbuf) { .sb_vnet = vnet, .sb_so = so, .sb_lowat = 1 };
}

int
soreserve_sb(struct sockbuf *sb, uint32_t cc)
{
	uint64_t mbmax = (uint64_t)cc * 8;

	if (cc == 0 || cc > SB_MAX)
		return (ENOBUFS);
	sb->sb_hiwat = cc;
	sb->sb_mbmax = (uint32_t)MIN(mbmax, MAX(SB_MAX, 2u * cc));
	if (sb->sb_lowat > (int32_t)cc)
		sb->sb_lowat = (int32_t)cc;
	return (0);
}

long
sbspace(const struct sockbuf *sb)
{
	long bleft, mleft, space;

	if (sb->sb_flags & (SB_STOP | SB_TLS_WAIT))
		return (0);
	bleft = (long)sb->sb_hiwat - (long)sb->sb_ccc;
	mleft = (long)sb->sb_mbmax - (long)sb->sb_mbcnt;
	space = MIN(bleft, mleft);
	return (MAX(space, 0));
}

void
sballoc(struct sockbuf *sb, struct mbuf *m)
{
	sb->sb_ccc += (uint32_t)m->m_len;
	if (sb->sb_fnrdy == NULL) {
		if (m->m_flags & M_NOTREADY)
			sb->sb_fnrdy = m;
		else
			sb->sb_acc += (uint32_t)m->m_len;
	} else
		m->m_flags |= M_BLOCKED;
	if (m->m_type != MT_DATA)
		sb->sb_ctl += (uint32_t)m->m_len;
	sb->sb_mbcnt += mb_charge(m);
}

/* Make available what stands ready from m on; the border stops at the first
 * mbuf that is not. */
static void
sb_advance_fnrdy(struct sockbuf *sb, struct mbuf *m)
{
	for (; m != NULL && (m->m_flags & M_NOTREADY) == 0; m = m->m_next) {
		m->m_flags &= ~(uint32_t)M_BLOCKED;
		sb->sb_acc += (uint32_t)m->m_len;
	}
	sb->sb_fnrdy = m;
	if (m != NULL && V_DEFECT(sb->sb_vnet, SB_READY_EARLY))
		sb->sb_acc += (uint32_t)m->m_len;
}

void
sbfree(struct sockbuf *sb, struct mbuf *m)
{
	sb->sb_ccc -= (uint32_t)m->m_len;
	if (sb->sb_fnrdy == m)
		sb_advance_fnrdy(sb, m->m_next);
	else if ((m->m_flags & M_NOTAVAIL) == 0)
		sb->sb_acc -= (uint32_t)m->m_len;
	if (m->m_type != MT_DATA)
		sb->sb_ctl -= (uint32_t)m->m_len;
	sb->sb_mbcnt -= mb_charge(m);
	if (sb->sb_sndptr == m) {
		sb->sb_sndptr = NULL;
		sb->sb_sndptroff = 0;
	}
	if (sb->sb_sndptroff != 0)
		sb->sb_sndptroff -= (uint32_t)m->m_len;
}

void
sballoc_ktls_rx(struct sockbuf *sb, struct mbuf *m)
{
	sb->sb_ccc += (uint32_t)m->m_len;
	sb->sb_tlscc += (uint32_t)m->m_len;
	sb->sb_mbcnt += mb_charge(m);
}

void
sbfree_ktls_rx(struct sockbuf *sb, struct mbuf *m)
{
	sb->sb_ccc -= (uint32_t)m->m_len;
	sb->sb_tlscc -= (uint32_t)m->m_len;
	if (!V_DEFECT(sb->sb_vnet, KTLS_RX_MBCNT))
		sb->sb_mbcnt -= mb_charge(m);
}

static int
m_trailingspace(const struct mbuf *m)
{
	const uint8_t *base, *end;

	base = (m->m_flags & M_EXT) ? m->m_ext.ext_buf : m->m_dat;
	end = base + ((m->m_flags & M_EXT) ? m->m_ext.ext_size : MLEN);
	return ((int)(end - (m->m_data + m->m_len)));
}

static bool
mb_has_tls(const struct mbuf *m)
{
	return ((m->m_flags & M_EXTPG) != 0 && m->m_epg.tls != NULL);
}

/* m's bytes may be copied to the end of n. */
static bool
sb_mergeable(const struct sockbuf *sb, const struct mbuf *n,
    const struct mbuf *m)
{
	return (n != NULL &&
	    (n->m_flags & (M_EOR | M_NOTREADY | M_EXTPG)) == 0 &&
	    (m->m_flags & M_NOTREADY) == 0 && !mb_has_tls(m) &&
	    (sb->sb_flags & SB_NOCOALESCE) == 0 && m_writable(n) &&
	    m->m_type == n->m_type && m->m_len <= MCLBYTES / 4 &&
	    m->m_len <= m_trailingspace(n));
}

/* Append chain m behind n (the tail of the last record, or NULL). */
static void
sbcompress(struct sockbuf *sb, struct mbuf *m, struct mbuf *n)
{
	uint32_t eor = 0;

	while (m != NULL) {
		eor |= m->m_flags & M_EOR;
		if (m->m_len == 0 &&
		    (eor == 0 || m->m_next != NULL || n != NULL)) {
			m = m_free(m);
			continue;
		}
		if (sb_mergeable(sb, n, m)) {
			m_copydata(m, 0, m->m_len, n->m_data + n->m_len);
			n->m_len += m->m_len;
			sb->sb_ccc += (uint32_t)m->m_len;
			if (sb->sb_fnrdy == NULL)
				sb->sb_acc += (uint32_t)m->m_len;
			if (m->m_type != MT_DATA)
				sb->sb_ctl += (uint32_t)m->m_len;
			m = m_free(m);
			continue;
		}
		if ((m->m_flags & (M_EXTPG | M_NOTREADY)) == M_EXTPG &&
		    !mb_has_tls(m))
			(void)mb_unmapped_compress(m);
		if (n != NULL)
			n->m_next = m;
		else
			sb->sb_mb = m;
		sb->sb_mbtail = n = m;
		sballoc(sb, m);
		m->m_flags &= ~(uint32_t)M_EOR;
		m = m->m_next;
		n->m_next = NULL;
	}
	if (eor != 0 && n != NULL)
		n->m_flags |= M_EOR;
}

static void
m_clear_protoflags(struct mbuf *m, uint32_t keep)
{
	for (; m != NULL; m = m->m_next)
		m->m_flags &= ~(uint32_t)(M_PROTOFLAGS & ~keep);
}

static void
m_demote(struct mbuf *m)
{
	for (; m != NULL; m = m->m_next) {
		KASSERT((m->m_flags & M_PKTHDR) == 0 ||
			(m->m_pkthdr.csum_flags & CSUM_SND_TAG) == 0,
		    ("packet with a send tag enters a socket buffer"));
		m->m_flags &= ~(uint32_t)M_PKTHDR;
	}
}

void
sbappendstream(struct sockbuf *sb, struct mbuf *m, int flags)
{
	KASSERT(m->m_nextpkt == NULL, ("sbappendstream: packet chain"));
	if (sb->sb_tls_info != NULL && (sb->sb_flags & SB_TLS_RX) != 0) {
		sbappend_ktls_rx(sb, m);
		return;
	}
	KASSERT(sb->sb_mb == sb->sb_lastrecord, ("sbappendstream: records"));
	m_demote(m);
	m_clear_protoflags(m, (flags & PRUS_NOTREADY) ? M_NOTREADY : 0);
	if (sb->sb_tls_info != NULL)
		ktls_seq(sb, m);
	sbcompress(sb, m, sb->sb_mbtail);
	sb->sb_lastrecord = sb->sb_mb;
}

/* Small pieces of one kind are kept in one mbuf. */
static bool
sb_merge_ktls_rx(struct sockbuf *sb, struct mbuf *m)
{
	struct mbuf *n = sb->sb_mtlstail;

	if (n == NULL || !m_writable(n) || m->m_len > MCLBYTES / 4 ||
	    ((n->m_flags | m->m_flags) & M_EXTPG) != 0 ||
	    ((n->m_flags ^ m->m_flags) & M_DECRYPTED) != 0 ||
	    m->m_len > m_trailingspace(n))
		return (false);
	memcpy(n->m_data + n->m_len, m->m_data, (size_t)m->m_len);
	n->m_len += m->m_len;
	sb->sb_ccc += (uint32_t)m->m_len;
	sb->sb_tlscc += (uint32_t)m->m_len;
	m_free(m);
	return (true);
}

static void
sb_add_ktls_rx(struct sockbuf *sb, struct mbuf *m)
{
	if (sb->sb_mtlstail != NULL)
		sb->sb_mtlstail->m_next = m;
	else
		sb->sb_mtls = m;
	sb->sb_mtlstail = m;
	sballoc_ktls_rx(sb, m);
}

void
sbappend_ktls_rx(struct sockbuf *sb, struct mbuf *m)
{
	uint32_t csum = 0, keep;
	struct ifnet *ifp = NULL;
	struct mbuf *n;

	if (m->m_flags & M_PKTHDR) {
		csum = m->m_pkthdr.csum_flags;
		ifp = m->m_pkthdr.leaf_rcvif;
	}
	keep = (csum & CSUM_TLS_MASK) == CSUM_TLS_DECRYPTED ? M_DECRYPTED : 0;
	m_demote(m);
	for (; m != NULL; m = n) {
		n = m->m_next;
		m->m_next = NULL;
		m->m_flags =
		    (m->m_flags & ~(uint32_t)M_PROTOFLAGS) | M_NOTREADY | keep;
		if (m->m_len == 0)
			m_free(m);
		else if (!sb_merge_ktls_rx(sb, m))
			sb_add_ktls_rx(sb, m);
	}
	ktls_check_rx(sb);
	if (ifp != NULL)
		ktls_input_ifp_mismatch(sb, ifp);
}

void
sbappendcontrol(struct sockbuf *sb, struct mbuf *data, struct mbuf *control)
{
	struct mbuf *top, *m, *last = NULL;

	top = control != NULL ? control : data;
	KASSERT(top != NULL, ("sbappendcontrol of nothing"));
	if (control != NULL) {
		for (m = control; m->m_next != NULL; m = m->m_next)
			;
		m->m_next = data;
	}
	m_demote(top);
	for (m = top; m != NULL; m = m->m_next) {
		sballoc(sb, m);
		last = m;
	}
	if (sb->sb_lastrecord != NULL)
		sb->sb_lastrecord->m_nextpkt = top;
	else
		sb->sb_mb = top;
	sb->sb_lastrecord = top;
	sb->sb_mbtail = last;
}

/*
 * Make what has just become ready cheap to keep: small page-backed records
 * turn into plain mbufs, small plain neighbours merge. A one-byte record
 * otherwise holds a page until it is acknowledged.
 */
static void
sbready_compress(struct sockbuf *sb, struct mbuf *m0, struct mbuf *end)
{
	struct mbuf *m, *n;
	uint32_t before;

	for (m = m0; m != end; m = n) {
		n = m->m_next;
		if ((m->m_flags & M_EXTPG) != 0 && m->m_len <= MLEN &&
		    !mb_has_tls(m)) {
			before = mb_charge(m);
			if (mb_unmapped_compress(m) == 0)
				sb->sb_mbcnt -= before - mb_charge(m);
		}
		while (n != NULL && n != end && (n->m_flags & M_EXTPG) == 0 &&
		    (m->m_flags & M_BLOCKED) == (n->m_flags & M_BLOCKED) &&
		    sb_mergeable(sb, m, n)) {
			memcpy(m->m_data + m->m_len, n->m_data,
			    (size_t)n->m_len);
			m->m_len += n->m_len;
			m->m_next = n->m_next;
			sb->sb_mbcnt -= mb_charge(n);
			if (sb->sb_mbtail == n)
				sb->sb_mbtail = m;
			if (sb->sb_sndptr == n) {
				sb->sb_sndptr = NULL;
				sb->sb_sndptroff = 0;
			}
			m_free(n);
			n = m->m_next;
		}
	}
}

/* Take `count` units of readiness from m0 on; *endp is the first mbuf that is
 * not complete. */
static void
sbready_units(struct sockbuf *sb, struct mbuf *m0, int count, uint32_t blocker,
    struct mbuf **endp)
{
	struct mbuf *m;
	int i = 0;

	for (m = m0; m != NULL && i < count; m = m->m_next) {
		KASSERT(m->m_flags & M_NOTREADY, ("sbready: mbuf is ready"));
		if ((m->m_flags & M_EXTPG) != 0 && m->m_epg.npgs != 0) {
			if (count - i < m->m_epg.nrdy) {
				m->m_epg.nrdy -= (uint8_t)(count - i);
				break;
			}
			i += m->m_epg.nrdy;
			m->m_epg.nrdy = 0;
		} else
			i++;
		m->m_flags &= ~(uint32_t)(M_NOTREADY | blocker);
		if (blocker != 0)
			sb->sb_acc += (uint32_t)m->m_len;
	}
	*endp = m;
}

int
sbready(struct sockbuf *sb, struct mbuf *m0, int count)
{
	uint32_t blocker;
	struct mbuf *m;

	KASSERT(sb->sb_fnrdy != NULL, ("sbready: nothing is not ready"));
	KASSERT(count > 0, ("sbready: count %d", count));
	blocker = sb->sb_fnrdy == m0 ? M_BLOCKED : 0;
	sbready_units(sb, m0, count, blocker, &m);
	if (m == m0)
		return (EINPROGRESS);
	if (blocker == 0) {
		sbready_compress(sb, m0, m);
		return (EINPROGRESS);
	}
	sb_advance_fnrdy(sb, m);
	sbready_compress(sb, m0, m);
	SBCHECK(sb);
	return (0);
}

static void
sb_empty_fixup(struct sockbuf *sb)
{
	if (sb->sb_mb == NULL) {
		sb->sb_mbtail = NULL;
		sb->sb_lastrecord = NULL;
	}
}

/* Planted: the pages go now, whoever refers to the record yet. */
static void
sb_free_pages(struct mbuf *m)
{
	struct mbuf *orig;

	if ((m->m_flags & M_EXTPG) == 0)
		return;
	orig = m->m_ext.ext_orig;
	if (orig->m_ext.ext_free != mb_free_mext_pgs)
		return;
	mb_free_mext_pgs(orig);
	orig->m_epg.npgs = 0;
}

/*
 * Take len bytes off the front. Not ready mbufs go out of the accounting but
 * are not freed, and keep their m_next: a worker or a disk still walks them.
 */
/* For who watches: a TLS record goes, encrypted in software or not. */
static void
sb_record_gone(const struct sockbuf *sb, const struct mbuf *m)
{
	if ((m->m_flags & M_EXTPG) == 0 || m->m_epg.hdrlen == 0 ||
	    sb->sb_tls_info == NULL)
		return;
	TRACE(&sb->sb_vnet->v_tracer, tls_acked, TU(sb->sb_tls_info->conn),
	    TU(m->m_epg.seqno));
}

struct mbuf *
sbcut(struct sockbuf *sb, uint32_t len)
{
	struct mbuf *m, *n, *next, *mfree = NULL;
	bool ready;

	m = sb->sb_mb;
	next = m != NULL ? m->m_nextpkt : NULL;
	while (len > 0) {
		if (m == NULL) {
			KASSERT(next != NULL, ("sbcut: %u bytes beyond", len));
			m = next;
			next = m->m_nextpkt;
		}
		if ((uint32_t)m->m_len > len) {
			KASSERT((m->m_flags & M_NOTAVAIL) == 0,
			    ("sbcut: half of an unavailable mbuf"));
			m_advance(m, (int)len);
			sb->sb_ccc -= len;
			sb->sb_acc -= len;
			if (sb->sb_sndptroff != 0)
				sb->sb_sndptroff -= len;
			if (m->m_type != MT_DATA)
				sb->sb_ctl -= len;
			break;
		}
		len -= (uint32_t)m->m_len;
		ready = (m->m_flags & M_NOTREADY) == 0;
		n = m->m_next;
		sb_record_gone(sb, m);
		sbfree(sb, m);
		if (V_DEFECT(sb->sb_vnet, SB_ACK_FREES))
			sb_free_pages(m);
		if (ready) {
			m->m_next = mfree;
			mfree = m;
		}
		m = n;
	}
	if (m != NULL) {
		if (sb->sb_lastrecord == sb->sb_mb)
			sb->sb_lastrecord = m;
		sb->sb_mb = m;
		m->m_nextpkt = next;
	} else {
		sb->sb_mb = next;
		if (next != NULL && next->m_nextpkt == NULL)
			sb->sb_lastrecord = next;
	}
	sb_empty_fixup(sb);
	if (sb->sb_mb != NULL && sb->sb_mb->m_nextpkt == NULL)
		sb->sb_lastrecord = sb->sb_mb;
	return (mfree);
}

void
sbdrop(struct sockbuf *sb, uint32_t len)
{
	m_freem(sbcut(sb, len));
}

void
sbdroprecord(struct sockbuf *sb)
{
	struct mbuf *m = sb->sb_mb;

	if (m == NULL)
		return;
	sb->sb_mb = m->m_nextpkt;
	while (m != NULL) {
		sbfree(sb, m);
		m = m_free(m);
	}
	sb_empty_fixup(sb);
}

void
sbdrop_ktls_rx(struct sockbuf *sb)
{
	struct mbuf *m;

	while ((m = sb->sb_mtls) != NULL) {
		sb->sb_mtls = m->m_next;
		sbfree_ktls_rx(sb, m);
		m_free(m);
	}
	sb->sb_mtlstail = NULL;
}

void
sbflush(struct sockbuf *sb)
{
	/* A worker learns from sb_tlsdcc == 0 that nobody wants its record. */
	sbdrop_ktls_rx(sb);
	sb->sb_ccc -= sb->sb_tlsdcc;
	sb->sb_tlsdcc = 0;
	while (sb->sb_mb != NULL) {
		if (sb->sb_ccc == 0)
			sbdroprecord(sb); /* only empty mbufs are left */
		else
			sbdrop(sb, sb->sb_ccc);
	}
	KASSERT(sb->sb_ccc == 0 && sb->sb_acc == 0 && sb->sb_mbcnt == 0,
	    ("sbflush: ccc %u acc %u mbcnt %u left", sb->sb_ccc, sb->sb_acc,
		sb->sb_mbcnt));
}

void
sbdestroy(struct sockbuf *sb)
{
	sbflush(sb);
	if (sb->sb_tls_info != NULL) {
		ktls_free(sb->sb_tls_info);
		sb->sb_tls_info = NULL;
	}
}

struct mbuf *
sbsndptr_noadv(struct sockbuf *sb, uint32_t off, uint32_t *moff)
{
	struct mbuf *m;

	if (sb->sb_sndptr != NULL && sb->sb_sndptroff <= off) {
		m = sb->sb_sndptr;
		off -= sb->sb_sndptroff;
	} else
		m = sb->sb_mb;
	while (m != NULL && off >= (uint32_t)m->m_len) {
		off -= (uint32_t)m->m_len;
		m = m->m_next;
	}
	*moff = off;
	return (m);
}

/*
 * len bytes of the buffer, counted from the place of the hint's mbuf mb, were
 * sent: let the hint stand at the mbuf where the next bytes are.
 */
void
sbsndptr_adv(struct sockbuf *sb, struct mbuf *mb, uint32_t len)
{
	struct mbuf *m;

	if (sb->sb_sndptr == NULL) {
		sb->sb_sndptr = sb->sb_mb;
		sb->sb_sndptroff = 0;
	}
	/* Catch up with mb if the hint stands in front of it. */
	for (m = sb->sb_sndptr; m != NULL && m != mb; m = m->m_next)
		;
	if (m == NULL)
		return;
	while (sb->sb_sndptr != mb) {
		sb->sb_sndptroff += (uint32_t)sb->sb_sndptr->m_len;
		sb->sb_sndptr = sb->sb_sndptr->m_next;
	}
	while (len >= (uint32_t)sb->sb_sndptr->m_len &&
	    sb->sb_sndptr->m_next != NULL) {
		len -= (uint32_t)sb->sb_sndptr->m_len;
		sb->sb_sndptroff += (uint32_t)sb->sb_sndptr->m_len;
		sb->sb_sndptr = sb->sb_sndptr->m_next;
	}
}

struct mbuf *
sbcreatecontrol(struct mb_state *mb, const void *p, int size, int type,
    int level, int how)
{
	struct kcmsghdr *cm;
	struct mbuf *m;

	KASSERT((size_t)size + sizeof(*cm) <= MLEN, ("control of %d", size));
	if ((m = m_get(mb, how, MT_CONTROL)) == NULL)
		return (NULL);
	cm = mtod(m, struct kcmsghdr *);
	cm->cmsg_len = (uint32_t)((size_t)size + sizeof(*cm));
	cm->cmsg_level = level;
	cm->cmsg_type = type;
	if (p != NULL)
		memcpy(KCMSG_DATA(cm), p, (size_t)size);
	m->m_len = (int32_t)cm->cmsg_len;
	return (m);
}
