/*
 * The slow truth beside the fast accounting: everything in a socket buffer
 * counted again from its chains.
 */
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/sockbuf.h>

struct sbsums {
	uint32_t acc, ccc, mbcnt, ctl, tlscc;
};

static void
sbcheck_mbuf(const struct sockbuf *sb, const struct mbuf *m, bool behind,
    struct sbsums *s, const char *file, int line)
{
	uint32_t avail = m->m_flags & M_NOTAVAIL;

	if (m == sb->sb_fnrdy && (avail & M_NOTREADY) == 0)
		kpanic("sbcheck at %s:%d: sb_fnrdy is ready", file, line);
	if (behind && avail == 0)
		kpanic("sbcheck at %s:%d: available mbuf behind sb_fnrdy", file,
		    line);
	if (!behind && avail != 0)
		kpanic(
		    "sbcheck at %s:%d: unavailable mbuf (flags %#x) in front "
		    "of sb_fnrdy",
		    file, line, avail);
	s->ccc += (uint32_t)m->m_len;
	if (!behind)
		s->acc += (uint32_t)m->m_len;
	s->mbcnt += mb_charge(m);
	if (m->m_type != MT_DATA)
		s->ctl += (uint32_t)m->m_len;
}

static void
sbcheck_tls(const struct sockbuf *sb, struct sbsums *s, const char *file,
    int line)
{
	const struct mbuf *m, *last = NULL;

	for (m = sb->sb_mtls; m != NULL; m = m->m_next) {
		if ((m->m_flags & M_NOTREADY) == 0)
			kpanic("sbcheck at %s:%d: ready mbuf among undecrypted",
			    file, line);
		s->tlscc += (uint32_t)m->m_len;
		s->mbcnt += mb_charge(m);
		last = m;
	}
	if (last != sb->sb_mtlstail)
		kpanic("sbcheck at %s:%d: sb_mtlstail is not the tail", file,
		    line);
}

void
sbcheck(const struct sockbuf *sb, const char *path, int line)
{
	/* The name only: where the tree was built is nobody's affair. */
	const char *slash = strrchr(path, '/');
	const char *file = slash != NULL ? slash + 1 : path;
	const struct mbuf *m, *n, *last = NULL;
	struct sbsums s = { 0 };
	bool behind = false, seen = sb->sb_fnrdy == NULL;

	for (n = sb->sb_mb; n != NULL; n = n->m_nextpkt) {
		for (m = n; m != NULL; m = m->m_next) {
			if (m == sb->sb_fnrdy)
				behind = seen = true;
			sbcheck_mbuf(sb, m, behind, &s, file, line);
			last = m;
		}
	}
	if (!seen)
		kpanic("sbcheck at %s:%d: sb_fnrdy is not in the buffer", file,
		    line);
	if (last != sb->sb_mbtail)
		kpanic("sbcheck at %s:%d: sb_mbtail is not the tail", file,
		    line);
	sbcheck_tls(sb, &s, file, line);
	s.ccc += s.tlscc + sb->sb_tlsdcc;
	if (s.acc != sb->sb_acc || s.ccc != sb->sb_ccc || s.ctl != sb->sb_ctl ||
	    s.mbcnt != sb->sb_mbcnt || s.tlscc != sb->sb_tlscc)
		kpanic("sbcheck at %s:%d: counted/kept acc %u/%u ccc %u/%u "
		       "mbcnt %u/%u ctl %u/%u tlscc %u/%u",
		    file, line, s.acc, sb->sb_acc, s.ccc, sb->sb_ccc, s.mbcnt,
		    sb->sb_mbcnt, s.ctl, sb->sb_ctl, s.tlscc, sb->sb_tlscc);
}
