/* Chains of mbufs as text, in the manner of m_print. */
#include <inttypes.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>

#define M_DUMP_MAX 64 /* mbufs of one chain; the rest is summed up */

static const struct dump_flag m_flag_names[] = { { M_EXT, "EXT" },
	{ M_PKTHDR, "PKTHDR" }, { M_EOR, "EOR" }, { M_RDONLY, "RDONLY" },
	{ M_BCAST, "BCAST" }, { M_MCAST, "MCAST" }, { M_VLANTAG, "VLANTAG" },
	{ M_EXTPG, "EXTPG" }, { M_NOTREADY, "NOTREADY" },
	{ M_BLOCKED, "BLOCKED" }, { M_DECRYPTED, "DECRYPTED" } };

static const struct dump_flag csum_names[] = { { CSUM_IP, "IP" },
	{ CSUM_IP_TCP, "IP_TCP" }, { CSUM_IP_TSO, "IP_TSO" },
	{ CSUM_IP6_TCP, "IP6_TCP" }, { CSUM_IP6_TSO, "IP6_TSO" },
	{ CSUM_L3_CALC, "L3_CALC" }, { CSUM_L3_VALID, "L3_VALID" },
	{ CSUM_L4_CALC, "L4_CALC" }, { CSUM_L4_VALID, "L4_VALID" },
	{ CSUM_L5_CALC, "L5_CALC" }, { CSUM_L5_VALID, "L5_VALID" },
	{ CSUM_SND_TAG, "SND_TAG" } };

static const char *
m_ext_name(const struct mbuf *m)
{
	switch (m->m_ext.ext_type) {
	case EXT_CLUSTER:
		return ("cluster");
	case EXT_JUMBOP:
		return ("jumbop");
	case EXT_JUMBO16:
		return ("jumbo16");
	case EXT_SFBUF:
		return ("sfbuf");
	case EXT_NET_DRV:
		return ("driver");
	default:
		return ("pages");
	}
}

static void
m_dump_pkthdr(const struct mbuf *m, struct strbuf *sb, int indent)
{
	const struct pkthdr *ph = &m->m_pkthdr;
	const struct pkt_note *pn = &ph->note;

	strbuf_addf(sb, "%*spacket len %d", indent, "", ph->len);
	if (ph->csum_flags != 0)
		strbuf_adds(sb, " csum");
	dump_flags(sb, ph->csum_flags, csum_names, nitems(csum_names));
	if (ph->tso_segsz != 0)
		strbuf_addf(sb, " tso_segsz %u", ph->tso_segsz);
	if (ph->lro_nsegs > 1)
		strbuf_addf(sb, " lro %u", ph->lro_nsegs);
	if (pn->pn_conn != 0)
		strbuf_addf(sb, " conn %u", pn->pn_conn);
	if ((ph->csum_flags & CSUM_SND_TAG) != 0)
		strbuf_addf(sb, " tag %u", ph->snd_tag->number);
	if (pn->pn_mode != PKT_PLAIN)
		strbuf_addf(sb, " record %" PRIu64 " from %u", pn->pn_rec_seqno,
		    pn->pn_rec_off);
	if (pn->pn_why != NULL)
		strbuf_addf(sb, " (%s)", pn->pn_why);
	strbuf_adds(sb, "\n");
}

static void
m_dump_extpg(const struct mbuf *m, struct strbuf *sb)
{
	const struct m_extpg *e = &m->m_epg;

	strbuf_addf(sb, "; pages %u nrdy %u first_off %u last_len %u", e->npgs,
	    e->nrdy, e->first_off, e->last_len);
	if (e->hdrlen != 0 || e->trllen != 0)
		strbuf_addf(sb, " hdr %u trl %u", e->hdrlen, e->trllen);
	if (m->m_epg_off != 0)
		strbuf_addf(sb, " from %u", m->m_epg_off);
	if ((e->flags & EPG_FLAG_ANON) != 0)
		strbuf_adds(sb, " anonymous");
	if (e->tls != NULL)
		strbuf_addf(sb, " tls %u", e->tls->number);
	if (e->hdrlen != 0)
		strbuf_addf(sb, " record %" PRIu64 " type %u", e->seqno,
		    e->record_type);
}

static void
m_dump_one(const struct mbuf *m, unsigned i, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*smbuf %u: len %d%s", indent, "", i, m->m_len,
	    m->m_type == MT_CONTROL ? " control" : "");
	dump_flags(sb, m->m_flags, m_flag_names, nitems(m_flag_names));
	if ((m->m_flags & M_EXTPG) != 0)
		m_dump_extpg(m, sb);
	else if ((m->m_flags & M_EXT) != 0)
		strbuf_addf(sb, "; %s %u", m_ext_name(m), m->m_ext.ext_size);
	if ((m->m_flags & M_EXT) != 0 && *m->m_ext.ext_cnt > 1)
		strbuf_addf(sb, " refs %u", *m->m_ext.ext_cnt);
	strbuf_adds(sb, "\n");
}

void
m_dump(const struct mbuf *m, struct strbuf *sb, int indent)
{
	unsigned i, more = 0;
	uint64_t bytes = 0;

	if (m != NULL && (m->m_flags & M_PKTHDR) != 0)
		m_dump_pkthdr(m, sb, indent);
	for (i = 0; m != NULL && i < M_DUMP_MAX; m = m->m_next)
		m_dump_one(m, i++, sb, indent);
	for (; m != NULL; m = m->m_next, more++)
		bytes += (uint64_t)m->m_len;
	if (more > 0)
		strbuf_addf(sb, "%*sand %u mbufs more: %" PRIu64 " bytes\n",
		    indent, "", more, bytes);
}
