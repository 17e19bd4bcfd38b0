/*
 * ConnectX-6 Dx, driver: is the packet's sequence number the one that the
 * card's context expects, and if not, how to bring the context there.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/netinet/tcp.h>

#include "cx6dx_drv.h"

/* What must run through the cipher before the packet. */
struct cx_recovery {
	struct mbuf *r_m; /* the first record's mbuf */
	uint32_t r_off;	  /* O: where in the record the packet begins */
	uint32_t r_from;  /* DUMP [r_from, r_off) */
	uint32_t r_seq;	  /* S */
	bool r_start;	  /* the context is loaded anew */
};

struct cx_tag *
cx_mbuf_tag(const struct nic *n, const struct mbuf *m)
{
	const struct pkthdr *ph = &m->m_pkthdr;

	if ((ph->csum_flags & CSUM_SND_TAG) == 0 ||
	    ph->snd_tag->ifp != &n->n_if ||
	    (ph->snd_tag->sw->type != IF_SND_TAG_TYPE_TLS &&
		ph->snd_tag->sw->type != IF_SND_TAG_TYPE_TLS_RATE_LIMIT))
		return (NULL);
	return ((struct cx_tag *)(void *)ph->snd_tag);
}

/* --- posting --- */

static void
tag_done(struct nic_txq *t, void *arg)
{
	m_snd_tag_rele(arg);
}

/* The work request posted last sends nothing and holds the tag. */
static void
slot_hold(struct nic_txq *t, struct cx_tag *ct, bool nop)
{
	struct nic_slot *sl = nic_txq_last(t);

	sl->sl_nop = nop;
	sl->sl_done = tag_done;
	sl->sl_arg = m_snd_tag_ref(&ct->ct_tag);
}

static void
post_static(struct nic_txq *t, struct cx_tag *ct, uint64_t seqno)
{
	struct cx_umr_wqe w;

	memset(&w, 0, sizeof(w));
	cx_ctrl_init(&w.wu_ctrl, t, CX_OPCODE_UMR, CX_OPMOD_TIS,
	    sizeof(w) / 16);
	w.wu_ctrl.wc_fm_ce_se |= CX_FENCE_INITIATOR_SMALL;
	be32enc(w.wu_ctrl.wc_imm, ct->ct_tisn << 8);
	be64enc(ct->ct_params.ps_recno, seqno);
	w.wu_static = ct->ct_params;
	nic_txq_post(t, &w, sizeof(w), NULL, 0, NULL);
	slot_hold(t, ct, true);
}

/* All zero but the TIS: the card is never told a TCP sequence number, it goes
 * on from the next bytes it sees. */
static void
post_progress(struct nic_txq *t, struct cx_tag *ct)
{
	struct cx_psv_wqe w;

	memset(&w, 0, sizeof(w));
	cx_ctrl_init(&w.wp_ctrl, t, CX_OPCODE_SET_PSV, CX_OPMOD_TIS,
	    sizeof(w) / 16);
	be32enc(w.wp_progress.pp_tisn, ct->ct_tisn);
	nic_txq_post(t, &w, sizeof(w), NULL, 0, NULL);
	slot_hold(t, ct, true);
}

/* --- DUMP --- */

/* The highest power of two that the port's MTU allows. */
static uint32_t
dump_piece(const struct nic *n)
{
	uint32_t mtu = n->n_if.if_mtu + 22, piece = 1;

	while (piece * 2 <= mtu)
		piece *= 2;
	return (piece);
}

/* An mbuf of its own over the record's bytes [from, to). NULL: no memory. */
static struct mbuf *
dump_mbuf(struct nic *n, struct mbuf *rec, uint32_t from, uint32_t to)
{
	struct mbuf *d;

	d = m_get(n->n_vnet->v_mb, M_NOWAIT, MT_DATA);
	if (d == NULL)
		return (NULL);
	mb_dupcl(d, rec);
	d->m_epg_off = from;
	d->m_len = (int32_t)(to - from);
	return (d);
}

static unsigned
dump_count(const struct nic_seg *segs, int nsegs, uint32_t piece)
{
	unsigned n = 0;

	for (int i = 0; i < nsegs; i++)
		n += (segs[i].s_len + piece - 1) / piece;
	return (n);
}

static void
post_dump(struct nic_txq *t, struct cx_tag *ct, uint64_t addr, uint32_t len,
    bool first)
{
	struct nic_lab lab = { .l_conn = ct->ct_conn };
	struct cx_dump_wqe w;

	memset(&w, 0, sizeof(w));
	cx_ctrl_init(&w.wd_ctrl, t, CX_OPCODE_DUMP, 0, sizeof(w) / 16);
	if (first)
		w.wd_ctrl.wc_fm_ce_se |= CX_FENCE_INITIATOR_SMALL;
	be32enc(w.wd_ctrl.wc_imm, ct->ct_tisn << 8);
	be32enc(w.wd_data.wd_len, len);
	be64enc(w.wd_data.wd_addr, addr);
	nic_txq_post(t, &w, sizeof(w), NULL, 0, &lab);
	slot_hold(t, ct, false);
	t->t_stats.packets++;
	t->t_stats.bytes += len;
}

static void
post_dumps(struct nic_txq *t, struct cx_tag *ct, const struct nic_seg *segs,
    int nsegs)
{
	uint32_t piece = dump_piece(t->t_nic), len;
	bool first = true;

	for (int i = 0; i < nsegs; i++)
		for (uint32_t at = 0; at < segs[i].s_len; at += len) {
			len = MIN(piece, segs[i].s_len - at);
			post_dump(t, ct, segs[i].s_addr + at, len, first);
			first = false;
		}
}

/* 0; or an errno: nothing was posted, the mbuf is gone. */
static int
dump(struct nic_txq *t, struct cx_tag *ct, struct mbuf *d)
{
	struct nic_seg segs[MBUF_PEXT_MAX_PGS + 2];
	struct nic_slot *sl;
	int n;

	n = nic_map_chain(t, d, 0, (uint32_t)d->m_len, segs, nitems(segs));
	if (n < 0) {
		m_freem(d);
		return (-n);
	}
	if (dump_count(segs, n, dump_piece(t->t_nic)) > nic_txq_room(t)) {
		t->t_q->q_map_head -= (uint32_t)n;
		t->t_stats.enobuf++;
		m_freem(d);
		return (ENOBUFS);
	}
	post_dumps(t, ct, segs, n);
	sl = nic_txq_last(t);
	sl->sl_m = d;
	sl->sl_mappings = (uint32_t)n;
	t->t_packets++;
	return (0);
}

/* --- recovery: nic-models.md 3.10 --- */

static void
recovery_told(struct cx_tag *ct, const struct cx_recovery *r)
{
	struct nic *n = ct->ct_nic;

	n->n_stats.tls_restarts++;
	TRACE(&n->n_vnet->v_tracer, nic_tls_restart, TS(n->n_if.if_xname),
	    TU(ct->ct_conn), TU(ct->ct_tag.number), TU(r->r_m->m_epg.seqno),
	    TU(r->r_off), TU(r->r_off - r->r_from));
}

static enum cx_hook
recover_dump(struct nic_txq *t, struct cx_tag *ct, const struct cx_recovery *r,
    struct mbuf *d, uint32_t *reread, const char **why)
{
	uint32_t len = r->r_off - r->r_from;

	cx_softc(t->t_nic)->cs_stats.tx_bytes_ooo += len;
	recovery_told(ct, r);
	if (dump(t, ct, d) != 0) {
		/* Where the card stands now: the next packet cannot match. */
		ct->ct_expected_seq = r->r_seq - len;
		*why = "no room, or no mapping, for the bytes before it";
		return (CX_FAILURE);
	}
	ct->ct_expected_seq = r->r_seq;
	*reread = len;
	return (CX_LOOP);
}

static enum cx_hook
recover(struct nic_txq *t, struct cx_tag *ct, const struct cx_recovery *r,
    uint32_t *reread, const char **why)
{
	struct cx_tls_stats *st = &cx_softc(t->t_nic)->cs_stats;
	struct mbuf *d = NULL;

	if (r->r_off > r->r_from) {
		d = dump_mbuf(t->t_nic, r->r_m, r->r_from, r->r_off);
		if (d == NULL) {
			st->tx_error++;
			*why = "no mbuf for the bytes before it";
			return (CX_FAILURE);
		}
	}
	st->tx_packets_ooo++;
	if (r->r_start) {
		post_static(t, ct, r->r_m->m_epg.seqno);
		post_progress(t, ct);
	}
	if (d != NULL)
		return (recover_dump(t, ct, r, d, reread, why));
	cx_post_nop(t, CX_FENCE_INITIATOR_SMALL, ct);
	ct->ct_expected_seq = r->r_seq;
	return (CX_LOOP);
}

static void
recovery_plan(struct cx_recovery *r, const struct cx_tag *ct, bool first)
{
	uint32_t delta = r->r_seq - ct->ct_expected_seq;

	/*
	 * Only a step forward within the same record goes on from where the
	 * card is; a step back is a huge delta. The driver trusts that a tag's
	 * first packet, for which it says E = ~S, is one as well; it is not
	 * when 2S + 1 is less than O (the planted defect).
	 */
	if (V_DEFECT(ct->ct_nic->n_vnet, NIC_SETUP_GAP))
		first = false;
	r->r_start = first || r->r_off == 0 || delta >= r->r_off;
	/* Planted: as plain numbers, which is wrong across 2^32. */
	if (V_DEFECT(ct->ct_nic->n_vnet, NIC_PLAIN_COMPARE) && !first &&
	    r->r_off > 0 && r->r_seq > ct->ct_expected_seq &&
	    SEQ_LT(r->r_seq, ct->ct_expected_seq))
		r->r_start = false;
	r->r_from = r->r_start ? 0 : r->r_off - MIN(delta, r->r_off);
}

/* --- the hook --- */

/* The packet's first payload mbuf, and bytes of it before the payload. */
static struct mbuf *
first_record(const struct nic_pkt *p, uint32_t *skip)
{
	struct mbuf *m = p->p_m;

	*skip = p->p_hdr.h_len;
	while (m != NULL && *skip >= (uint32_t)m->m_len) {
		*skip -= (uint32_t)m->m_len;
		m = m->m_next;
	}
	if (m == NULL || (m->m_flags & M_EXTPG) == 0 || m->m_epg.tls == NULL)
		return (NULL);
	return (m);
}

/* In the fast path: counted, and E moves on although nothing is posted yet
 * (M15, M16). */
static enum cx_hook
expected(struct nic_txq *t, struct cx_tag *ct, const struct nic_pkt *p,
    uint32_t *tisn)
{
	struct cx_tls_stats *st = &cx_softc(t->t_nic)->cs_stats;

	st->tx_packets++;
	st->tx_bytes += (uint64_t)p->p_m->m_pkthdr.len;
	t->t_nic->n_stats.tls_packets++;
	ct->ct_expected_seq += p->p_paylen;
	*tisn = ct->ct_tisn;
	return (CX_CONTINUE);
}

/* Bytes of no record go as they are. Planted: through the context, which is
 * loaded for them. */
static void
resync_clear(struct nic_txq *t, struct cx_tag *ct, uint32_t *tisn)
{
	if (!V_DEFECT(t->t_nic->n_vnet, NIC_CLEAR_RESYNC) ||
	    ct->ct_state == CX_TAG_INIT)
		return;
	post_static(t, ct, 0);
	post_progress(t, ct);
	*tisn = ct->ct_tisn;
}

enum cx_hook
cx_tls_hook(struct nic_txq *t, struct mbuf *m, const struct nic_pkt *p,
    uint32_t *tisn, uint32_t *reread, const char **why)
{
	struct cx_tag *ct = cx_mbuf_tag(t->t_nic, m);
	struct cx_recovery r = { .r_seq = p->p_hdr.h_seq };
	uint32_t skip;
	bool first;

	*tisn = 0;
	if (ct == NULL)
		return (CX_CONTINUE);
	if (p->p_hdr.h_l4len == 0) {
		*why = "its headers are none that TLS offload knows";
		return (CX_FAILURE);
	}
	if (p->p_paylen == 0)
		return (CX_CONTINUE);
	if ((r.r_m = first_record(p, &skip)) == NULL) {
		resync_clear(t, ct, tisn);
		return (CX_CONTINUE);
	}
	if (ct->ct_state == CX_TAG_INIT) {
		*why = "the card's objects of its tag could not be made";
		return (cx_tag_lost(ct) ? CX_NO_TAG : CX_FAILURE);
	}
	KASSERT(ct->ct_state <= CX_TAG_TXRDY, ("packet of a released tag"));
	if ((first = ct->ct_state == CX_TAG_SETUP)) {
		ct->ct_state = CX_TAG_TXRDY;
		ct->ct_expected_seq = ~r.r_seq;
	}
	if (ct->ct_expected_seq == r.r_seq)
		return (expected(t, ct, p, tisn));
	/* Planted: taken for done, and sent as any other packet. */
	if (!first && V_DEFECT(t->t_nic->n_vnet, NIC_OOO_PLAIN))
		return (CX_CONTINUE);
	r.r_off = r.r_m->m_epg_off + skip;
	recovery_plan(&r, ct, first);
	return (recover(t, ct, &r, reread, why));
}
