/*
 * The T6's driver: what a packet with a tag asks for, before anything of it is
 * queued. Source: nic-models.md 5.7, 5.8.
 */
#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/tcp.h>

#include "t6_tls.h"

struct t6_tag *
t6_packet_tag(const struct nic *n, const struct mbuf *m)
{
	if ((m->m_pkthdr.csum_flags & CSUM_SND_TAG) == 0 ||
	    m->m_pkthdr.snd_tag->ifp != &n->n_if || m->m_next == NULL)
		return (NULL);
	return ((struct t6_tag *)(void *)m->m_pkthdr.snd_tag);
}

/* --- the header --- */

static void
header_options(struct t6_pkt *p, const uint8_t *opt, uint32_t len)
{
	uint32_t n;

	for (; len > 0; opt += n, len -= n) {
		if (opt[0] == KTCPOPT_EOL)
			break;
		n = opt[0] == KTCPOPT_NOP ? 1 : len >= 2 ? opt[1] : 0;
		if (n == 0 || n > len)
			break;
		if (opt[0] == KTCPOPT_TIMESTAMP && n == 10)
			p->p_now.n_tsecr = be32dec(opt + 6);
		else if (opt[0] != KTCPOPT_NOP)
			p->p_options = true;
	}
}

/* NULL, or why not. The whole header stands in the first mbuf, and nothing
 * else does. */
static const char *
header_parse(const struct t6_tag *tt, const struct mbuf *m, struct t6_pkt *p)
{
	struct nic_hdr *h = &p->p_hdr;
	const uint8_t *th;

	h->h_len = (uint16_t)MIN(m->m_len, FRAME_HDR_MAX);
	m_copydata(m, 0, h->h_len, h->h_bytes);
	nic_hdr_parse(h);
	if (h->h_l4len == 0)
		return ("no TCP/IP header in the first mbuf");
	if (h->h_l2len != KETHER_HDR_LEN)
		return ("VLAN tag in the packet's bytes");
	if (h->h_len != m->m_len)
		return ("payload in the header's mbuf");
	th = h->h_bytes + h->h_l2len + h->h_l3len;
	p->p_flags = th[13];
	p->p_now = (struct t6_now) { .n_ack = be32dec(th + 8),
		.n_win = be16dec(th + 14),
		.n_l2t = tt->tt_shadow.sh_l2t,
		.n_timestamps = tt->tt_timestamps };
	header_options(p, th + sizeof(struct ktcphdr),
	    h->h_l4len - (uint32_t)sizeof(struct ktcphdr));
	return (NULL);
}

/* --- records --- */

/* How far into a record of len bytes TCP has asked for it before. */
static uint32_t
asked(const struct t6_tag *tt, uint32_t seq, uint32_t len)
{
	if (!tt->tt_asked_any || SEQ_LEQ(tt->tt_asked, seq))
		return (0);
	return (MIN(tt->tt_asked - seq, len));
}

/* seq: of the first byte of it that is in the packet. */
static void
record_look(const struct t6_tag *tt, struct mbuf *m, uint32_t seq,
    struct t6_rec *r)
{
	struct nic_record nr;
	struct t6_ask a;

	nic_record_open(m, &nr);
	a = (struct t6_ask) { .a_cbc = tt->tt_suite->cipher == TLS_CIPHER_CBC,
		.a_asked = asked(tt, seq - nr.r_off, nr.r_len),
		.a_off = nr.r_off,
		.a_end = nr.r_off + (uint32_t)nr.r_mlen,
		.a_hlen = nr.r_hlen,
		.a_paylen = nr.r_paylen,
		.a_tlen = nr.r_tlen };
	*r = (struct t6_rec) { .r_m = m,
		.r_seq = seq - nr.r_off,
		.r_off = nr.r_off,
		.r_hlen = nr.r_hlen,
		.r_paylen = nr.r_paylen,
		.r_tlen = nr.r_tlen };
	t6_plan(&a, &r->r_plan);
	if (r->r_plan.pl_kind == T6_FULL || r->r_plan.pl_kind == T6_SHORT)
		r->r_nsegs = t6_count_segs(m, nr.r_hlen + r->r_plan.pl_dma,
		    r->r_plan.pl_dmalen);
	nic_record_close(m, &nr);
}

uint32_t
t6_rec_wr_len(const struct t6_tag *tt, const struct t6_rec *r)
{
	return (t6_tls_wr_len(r->r_plan.pl_kind, r->r_hlen,
	    tt->tt_key == NULL ? tt->tt_ctxlen : 0, r->r_nsegs));
}

static uint32_t
record_blocks(const struct t6_tag *tt, const struct t6_pkt *p,
    const struct t6_rec *r)
{
	switch (r->r_plan.pl_kind) {
	case T6_NOTHING:
		return (0);
	case T6_HEADER:
		return (t6_imm_blocks(p->p_hdr.h_len + r->r_hlen));
	default:
		return (nic_blocks(t6_rec_wr_len(tt, r)));
	}
}

static struct t6_rec *
record_slot(struct t6_softc *sc, uint32_t i)
{
	if (i >= sc->sc_recs_size) {
		sc->sc_recs_size = MAX(16u, sc->sc_recs_size * 2);
		sc->sc_recs = xrealloc(sc->sc_recs,
		    sc->sc_recs_size * sizeof(*sc->sc_recs));
	}
	return (&sc->sc_recs[i]);
}

/* A record that cannot stand there; NULL: it can. */
static const char *
record_bad(const struct t6_pkt *p, const struct t6_rec *r)
{
	if (r->r_m->m_next != NULL && r->r_plan.pl_kind != T6_FULL)
		return ("a record that does not end, and another behind it");
	if (p->p_nrecs > 0 && r->r_off != 0)
		return ("a record that does not begin behind another");
	return (NULL);
}

static int
records_parse(struct t6_softc *sc, const struct t6_tag *tt, struct mbuf *m,
    struct t6_pkt *p, const char **why)
{
	uint32_t seq = p->p_hdr.h_seq;
	struct t6_rec *r;

	for (; m != NULL; m = m->m_next, p->p_nrecs++) {
		if ((m->m_flags & M_EXTPG) == 0 || m->m_epg.tls == NULL) {
			*why = "an mbuf that is no TLS record";
			return (EINVAL);
		}
		r = record_slot(sc, p->p_nrecs);
		record_look(tt, m, seq, r);
		if ((*why = record_bad(p, r)) != NULL)
			return (EINVAL);
		if (r->r_nsegs > T6_SEGS || t6_rec_wr_len(tt, r) > T6_WR_MAX) {
			*why = "a record that no work request holds";
			return (EFBIG);
		}
		p->p_blocks += record_blocks(tt, p, r);
		if (V_DEFECT(tt->tt_nic->n_vnet, T6_UNA_TWICE))
			p->p_blocks += nic_blocks(sizeof(struct t6_wr_hdr) +
			    2 * sizeof(struct t6_set_tcb));
		seq += (uint32_t)m->m_len;
	}
	p->p_end = seq;
	return (0);
}

int
t6_pkt_parse(struct t6_softc *sc, const struct t6_tag *tt, struct mbuf *m,
    struct t6_pkt *p, const char **why)
{
	int error;

	*p = (struct t6_pkt) { .p_m = m };
	if ((*why = header_parse(tt, m, p)) != NULL)
		return (EINVAL);
	if ((error = records_parse(sc, tt, m->m_next, p, why)) != 0)
		return (error);
	if (p->p_options && (p->p_flags & KTH_FIN) == 0)
		p->p_blocks += t6_imm_blocks(p->p_hdr.h_len);
	if ((p->p_flags & KTH_FIN) != 0)
		p->p_blocks += t6_imm_blocks(p->p_hdr.h_len);
	/* A layer-2 entry, and all the fields that may have to be written. */
	p->p_blocks += 1 +
	    nic_blocks((uint32_t)(sizeof(struct t6_wr_hdr) +
		T6_WRITES_MAX * sizeof(struct t6_set_tcb)));
	return (0);
}

int
t6_tls_parse(struct nic *n, const struct t6_tag *tt, struct mbuf *m,
    uint32_t *blocks, const char **why)
{
	struct t6_pkt p;
	int error;

	error = t6_pkt_parse(n->n_softc, tt, m, &p, why);
	*blocks = p.p_blocks;
	return (error);
}
