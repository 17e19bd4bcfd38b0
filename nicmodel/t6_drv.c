/*
 * The T6's driver: packets. In front of each queue of descriptors stands a
 * ring of packets (FreeBSD's mp_ring): what does not fit in descriptors waits
 * there, and only its overflow is ENOBUFS. Packets are checked before they go
 * in; what happens behind it is no longer the caller's.
 *
 * Source: nic-models.md 5.2, 5.7, 5.14; cxgbe(4)'s FW_ETH_TX_PKT_WR.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>

#include "t6_drv.h"

#define IMM_MAX	 96 /* a packet up to this is put into two descriptors */
#define LSO_SEGS 38 /* TX_SGL_SEGS_TSO */

/* --- ordinary packets --- */

unsigned
t6_count_segs(const struct mbuf *m, uint32_t off, uint32_t len)
{
	struct m_piece pc[MBUF_PEXT_MAX_PGS + 2];
	unsigned n = 0;
	uint32_t take;

	for (; len > 0; m = m->m_next) {
		if (off >= (uint32_t)m->m_len) {
			off -= (uint32_t)m->m_len;
			continue;
		}
		take = MIN(len, (uint32_t)m->m_len - off);
		n += m_pieces(m, off, take, pc, nitems(pc));
		len -= take;
		off = 0;
	}
	return (n);
}

static bool
pkt_lso(const struct mbuf *m)
{
	return ((m->m_pkthdr.csum_flags & CSUM_TSO) != 0);
}

static bool
pkt_imm(const struct mbuf *m)
{
	if (pkt_lso(m) || m->m_pkthdr.len > IMM_MAX)
		return (false);
	for (; m != NULL; m = m->m_next)
		if ((m->m_flags & M_EXTPG) != 0)
			return (false);
	return (true);
}

uint32_t
t6_imm_blocks(uint32_t len)
{
	return (nic_blocks((uint32_t)sizeof(struct t6_wr_hdr) +
	    (uint32_t)sizeof(struct cpl_tx_pkt) + len));
}

static uint32_t
pkt_wr_len(const struct mbuf *m, uint32_t nsegs)
{
	return ((uint32_t)sizeof(struct t6_wr_hdr) +
	    (uint32_t)sizeof(struct cpl_tx_pkt) + t6_sgl_len(nsegs) +
	    (pkt_lso(m) ? (uint32_t)sizeof(struct cpl_tx_pkt_lso) : 0));
}

static unsigned
pkt_segs(const struct mbuf *m)
{
	return (t6_count_segs(m, 0, (uint32_t)m->m_pkthdr.len));
}

/* A record may go to the card only with a tag of this port. */
static bool
plain_refused(struct nic *n, const struct mbuf *m)
{
	for (; m != NULL; m = m->m_next)
		if ((m->m_flags & M_EXTPG) != 0 && m->m_epg.tls != NULL &&
		    !V_DEFECT(n->n_vnet, NET_NO_TAG_CHECK)) {
			n->n_stats.tls_plain_refused++;
			return (true);
		}
	return (false);
}

static int
pkt_parse(struct nic *n, struct mbuf *m, const char **why)
{
	struct nic_pkt p;
	int error;

	if ((error = nic_parse(m, &p)) != 0)
		return (error);
	if (plain_refused(n, m)) {
		*why = "TLS record without a send tag of this port";
		return (EINVAL);
	}
	if (pkt_segs(m) <= (pkt_lso(m) ? LSO_SEGS : T6_SEGS))
		return (0);
	*why = "more segments than a work request holds";
	return (nic_defrag(n, m) ? 0 : EFBIG);
}

void
t6_put_sgl(uint8_t *p, const struct nic_seg *segs, uint32_t nsegs)
{
	struct ulptx_sgl *sg = (void *)p;
	struct ulptx_sge_pair *sp = (void *)(sg + 1);

	if (nsegs == 0)
		return;
	*sg = (struct ulptx_sgl) { nsegs, segs[0].s_len, segs[0].s_addr };
	for (uint32_t i = 1; i < nsegs; i++) {
		sp[(i - 1) / 2].sp_len[(i - 1) & 1] = segs[i].s_len;
		sp[(i - 1) / 2].sp_addr[(i - 1) & 1] = segs[i].s_addr;
	}
}

static uint8_t *
put_pkt(uint8_t *p, uint32_t len, bool csum, uint16_t vlan, bool imm)
{
	*(struct cpl_tx_pkt *)(void *)p =
	    (struct cpl_tx_pkt) { .tp_op = CPL_TX_PKT_XT,
		    .tp_csum = csum,
		    .tp_vlan = vlan,
		    .tp_len = len,
		    .tp_imm = imm };
	return (p + sizeof(struct cpl_tx_pkt));
}

void
t6_post_imm(struct nic_txq *t, const uint8_t *pkt, uint32_t len, bool csum,
    uint16_t vlan, struct mbuf *m, const struct nic_lab *lab)
{
	_Alignas(16) uint8_t wr[T6_WR_MAX] = { 0 };
	struct t6_wr_hdr *wh = (void *)wr;
	struct t6_txq *tx = t6_txq(t);
	uint8_t *p;

	p = put_pkt((uint8_t *)(wh + 1), len, csum, vlan, true);
	KASSERT(len <= (uint32_t)(wr + sizeof(wr) - p),
	    ("%u bytes of immediate data", len));
	memcpy(p, pkt, len);
	len += (uint32_t)(p - wr);
	*wh = (struct t6_wr_hdr) { .wh_op = FW_ETH_TX_PKT_WR,
		.wh_len16 = T6_ROUND16(len) / 16 };
	nic_txq_post(t, wr, T6_ROUND16(len), m, 0, lab);
	tx->txpkt_wrs++;
	tx->imm_wrs++;
	if (csum)
		tx->txcsum++;
}

/* The first payload byte, for captures. */
static struct nic_lab
pkt_lab(const struct mbuf *m, uint32_t hdrlen)
{
	struct nic_lab lab = { .l_m = m };

	while (m != NULL && hdrlen >= (uint32_t)m->m_len) {
		hdrlen -= (uint32_t)m->m_len;
		m = m->m_next;
	}
	lab.l_rec = m;
	lab.l_skip = (int32_t)hdrlen;
	return (lab);
}

static void
pkt_post_sgl(struct nic_txq *t, const struct nic_pkt *pk,
    const struct nic_seg *segs, uint32_t nsegs, const struct nic_lab *lab)
{
	_Alignas(16) uint8_t wr[T6_WR_MAX] = { 0 };
	uint32_t len = pkt_wr_len(pk->p_m, nsegs);
	struct t6_wr_hdr *wh = (void *)wr;
	uint8_t *p = (uint8_t *)(wh + 1);
	struct t6_txq *tx = t6_txq(t);

	*wh = (struct t6_wr_hdr) { .wh_op = FW_ETH_TX_PKT_WR,
		.wh_len16 = T6_ROUND16(len) / 16 };
	if (pkt_lso(pk->p_m)) {
		*(struct cpl_tx_pkt_lso *)(void *)p =
		    (struct cpl_tx_pkt_lso) { .ls_op = CPL_TX_PKT_LSO,
			    .ls_mss = (uint16_t)pk->p_mss,
			    .ls_len = (uint32_t)pk->p_m->m_pkthdr.len };
		p += sizeof(struct cpl_tx_pkt_lso);
		tx->tso_wrs++;
	}
	p = put_pkt(p, (uint32_t)pk->p_m->m_pkthdr.len, pk->p_csum,
	    nic_vtag(pk->p_m), false);
	t6_put_sgl(p, segs, nsegs);
	nic_txq_post(t, wr, T6_ROUND16(len), pk->p_m, nsegs, lab);
	tx->txpkt_wrs++;
	tx->sgl_wrs++;
	if (pk->p_csum)
		tx->txcsum++;
}

static int
pkt_write(struct nic_txq *t, struct mbuf *m)
{
	uint32_t len = (uint32_t)m->m_pkthdr.len;
	struct nic_seg segs[T6_SEGS];
	uint8_t bytes[IMM_MAX];
	struct nic_lab lab;
	struct nic_pkt pk;
	int n;

	n = nic_parse(m, &pk);
	KASSERT(n == 0, ("a packet in the ring is malformed"));
	lab = pkt_lab(m, pk.p_hdr.h_len);
	if (pkt_imm(m)) {
		m_copydata(m, 0, (int)len, bytes);
		t6_post_imm(t, bytes, len, pk.p_csum, nic_vtag(m), m, &lab);
		return (0);
	}
	n = nic_map_chain(t, m, 0, len, segs, nitems(segs));
	if (n < 0)
		return (-n);
	pkt_post_sgl(t, &pk, segs, (uint32_t)n, &lab);
	return (0);
}

/* --- the software ring --- */

/*
 * Asked anew when the packet's turn comes: what is in front of it in the ring
 * may have moved how far TCP has asked, and with it what the packet takes.
 */
static int
soft_blocks(const struct nic_txq *t, struct mbuf *m, uint32_t *blocks)
{
	const struct t6_tag *tt = t6_packet_tag(t->t_nic, m);
	const char *why;
	int error;

	if ((m->m_flags & MC_RAW_WR) != 0)
		*blocks = nic_blocks((uint32_t)m->m_len);
	else if (tt == NULL)
		*blocks = pkt_imm(m) ? t6_imm_blocks((uint32_t)m->m_pkthdr.len)
				     : nic_blocks(pkt_wr_len(m, pkt_segs(m)));
	else if ((error = t6_tls_parse(t->t_nic, tt, m, blocks, &why)) != 0)
		return (error);
	return (*blocks > t->t_size ? EFBIG : 0);
}

static int
soft_write(struct nic_txq *t, struct mbuf *m)
{
	struct t6_tag *tt = t6_packet_tag(t->t_nic, m);

	if ((m->m_flags & MC_RAW_WR) != 0) {
		nic_txq_post(t, m->m_data, (uint32_t)m->m_len, m, 0, NULL);
		t6_txq(t)->raw_wrs++;
		return (0);
	}
	return (tt != NULL ? t6_tls_write(t, tt, m) : pkt_write(t, m));
}

static void
soft_drop(struct nic *n, struct mbuf *m, int error)
{
	n->n_if.if_ctr.oerrors++;
	TRACE(&n->n_vnet->v_tracer, nic_drop, TS(n->n_if.if_xname),
	    TU(m->m_pkthdr.note.pn_conn), TU(m->m_pkthdr.len), TI(error),
	    TS("behind the software ring"), TU(0));
	m_freem(m);
}

static struct mbuf *
soft_take(struct t6_txq *tx)
{
	struct mbuf *m = tx->tx_soft;

	if ((tx->tx_soft = m->m_nextpkt) == NULL)
		tx->tx_soft_last = &tx->tx_soft;
	m->m_nextpkt = NULL;
	tx->tx_nsoft--;
	return (m);
}

/* As long as there are descriptors for the next one. */
static void
soft_drain(struct nic_txq *t)
{
	struct t6_txq *tx = t6_txq(t);
	uint32_t blocks = 0;
	struct mbuf *m;
	int error;

	while (tx->tx_soft != NULL) {
		error = soft_blocks(t, tx->tx_soft, &blocks);
		if (error == 0 && blocks > nic_txq_room(t))
			break;
		m = soft_take(tx);
		if (error == 0)
			error = soft_write(t, m);
		if (error != 0)
			soft_drop(t->t_nic, m, error);
	}
	nic_txq_ring(t);
}

int
t6_enqueue(struct nic *n, struct nic_txq *t, struct mbuf *m)
{
	struct t6_txq *tx = t6_txq(t);

	if (tx->tx_nsoft >= nic_knob(n, T6_KNOB_SOFT_RING))
		return (ENOBUFS);
	m->m_nextpkt = NULL;
	*tx->tx_soft_last = m;
	tx->tx_soft_last = &m->m_nextpkt;
	tx->tx_nsoft++;
	soft_drain(t);
	return (0);
}

void
t6_soft_flush(struct nic *n)
{
	struct t6_softc *sc = n->n_softc;

	for (unsigned i = 0; i < n->n_drv->d_nsend; i++)
		while (sc->sc_txqs[i].tx_soft != NULL)
			m_freem(soft_take(&sc->sc_txqs[i]));
}

void
t6_reaped(struct nic *n)
{
	for (unsigned i = 0; i < n->n_drv->d_nsend; i++)
		soft_drain(&n->n_drv->d_txqs[i]);
	t6_toe_reaped(n);
}

/* --- if_transmit --- */

/* A session's packets all go through the queue that its tag has chosen. */
unsigned
t6_select(struct nic *n, const struct mbuf *m)
{
	const struct t6_tag *tt = t6_packet_tag(n, m);

	if (tt != NULL)
		return (tt->tt_txq);
	return (m->m_pkthdr.rsstype == M_HASHTYPE_NONE
		? 0
		: m->m_pkthdr.flowid % n->n_drv->d_nsend);
}

static int
t6_check(struct nic *n, const struct nic_txq *t, struct mbuf *m,
    const char **why)
{
	const struct t6_tag *tt = t6_packet_tag(n, m);
	uint32_t blocks = 0;
	int error;

	if (tt == NULL)
		return (pkt_parse(n, m, why));
	error = t6_tls_parse(n, tt, m, &blocks, why);
	if (error == 0 && blocks > t->t_size) {
		*why = "more descriptors than the queue has";
		return (EFBIG);
	}
	return (error);
}

int
t6_transmit(struct nic *n, struct nic_queue *q, struct mbuf *m,
    const char **why)
{
	struct nic_txq *t = nic_txq(n, q);
	struct t6_txq *tx = t6_txq(t);
	const struct t6_tag *tt = t6_packet_tag(n, m);
	int error;

	if (!n->n_link_up) {
		*why = "the link is down";
		return (ENETDOWN);
	}
	if (tt != NULL && tt->tt_dead) {
		*why = "the card was reset, its connection is gone";
		return (EAGAIN);
	}
	if (tx->tx_nsoft >= nic_knob(n, T6_KNOB_SOFT_RING)) {
		*why = "software ring is full";
		return (ENOBUFS);
	}
	if ((error = t6_check(n, t, m, why)) != 0) {
		tx->tx_parse_error++;
		return (error);
	}
	if (tt != NULL)
		n->n_stats.tls_packets++;
	return (t6_enqueue(n, t, m));
}
