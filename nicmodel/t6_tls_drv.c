/*
 * The T6's driver: work requests for a packet with a tag. For each record one,
 * before it what the connection's control block has to be told, and packets
 * of their own for what TP does not know how to send: options other than
 * timestamps, a piece of a TLS header, a FIN.
 *
 * Source: nic-models.md 5.8 to 5.10, 5.12.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/netinet/tcp.h>

#include "t6_tls.h"

/* A packet being written. */
struct t6_out {
	struct nic_txq *o_t;
	struct t6_tag *o_tt;
	struct t6_pkt o_p;
	uint16_t o_mss;
	bool o_posted; /* something was */
};

static void
out_post(struct t6_out *o, const uint8_t *wr, uint32_t len, uint32_t mappings,
    const struct nic_lab *lab)
{
	nic_txq_post(o->o_t, wr, T6_ROUND16(len), NULL, mappings, lab);
	o->o_posted = true;
}

/* For captures: whose packet it is. */
static struct nic_lab
out_lab(const struct t6_out *o)
{
	return ((struct nic_lab) { .l_m = o->o_p.p_m,
	    .l_tag = o->o_tt->tt_tag.number });
}

/* --- mapping --- */

/* All records' payload, before anything is posted. 0, EIO. */
static int
map_records(struct nic_txq *t, struct t6_softc *sc, uint32_t nrecs)
{
	uint32_t had = t->t_q->q_map_head, n = 0;
	struct nic_record nr;
	struct t6_rec *r;
	int got;

	for (r = sc->sc_recs; r < sc->sc_recs + nrecs; r++) {
		if (r->r_nsegs == 0)
			continue;
		if (n + r->r_nsegs > sc->sc_segs_size) {
			sc->sc_segs_size = (n + r->r_nsegs) * 2;
			sc->sc_segs = xrealloc(sc->sc_segs,
			    sc->sc_segs_size * sizeof(*sc->sc_segs));
		}
		nic_record_open(r->r_m, &nr);
		got = nic_map_chain(t, r->r_m, nr.r_hlen + r->r_plan.pl_dma,
		    r->r_plan.pl_dmalen, sc->sc_segs + n, r->r_nsegs);
		nic_record_close(r->r_m, &nr);
		if (got < 0) {
			t->t_q->q_map_head = had;
			return (-got);
		}
		n += r->r_nsegs;
	}
	return (0);
}

/* --- packets of their own --- */

/* The stack's header with another sequence, other flags, len bytes behind. */
static void
post_clear(struct t6_out *o, uint32_t seq, uint8_t flags, const uint8_t *bytes,
    uint32_t len, const struct nic_lab *lab)
{
	uint8_t pkt[FRAME_HDR_MAX + MBUF_PEXT_HDR_LEN];
	const struct nic_hdr *h = &o->o_p.p_hdr;
	uint8_t *ip = pkt + h->h_l2len, *th = ip + h->h_l3len;

	memcpy(pkt, h->h_bytes, h->h_len);
	if (h->h_ipv6)
		be16enc(ip + 4, (uint16_t)(h->h_l4len + len));
	else
		be16enc(ip + 2, (uint16_t)(h->h_l3len + h->h_l4len + len));
	be32enc(th + 4, seq);
	th[13] = flags;
	if (len > 0)
		memcpy(pkt + h->h_len, bytes, len);
	t6_post_imm(o->o_t, pkt, h->h_len + len, true, nic_vtag(o->o_p.p_m),
	    NULL, lab);
	o->o_posted = true;
}

static void
post_options(struct t6_out *o)
{
	struct nic_lab lab = out_lab(o);

	post_clear(o, o->o_p.p_hdr.h_seq,
	    o->o_p.p_flags & (uint8_t) ~(KTH_FIN | KTH_PUSH), NULL, 0, &lab);
	t6_txq(o->o_t)->kern_tls_options++;
}

static void
post_header(struct t6_out *o, const struct t6_rec *r)
{
	uint32_t from = r->r_plan.pl_start;
	struct nic_lab lab = out_lab(o);

	lab.l_rec = r->r_m;
	lab.l_skip = (int32_t)(from - r->r_off);
	post_clear(o, r->r_seq + from, o->o_p.p_flags & (uint8_t)~KTH_FIN,
	    r->r_m->m_epg.hdr + from, r->r_plan.pl_tlen - from, &lab);
	t6_txq(o->o_t)->kern_tls_header++;
}

/*
 * Behind the last byte that the card has sent, which is the stream's end
 * unless the last record was cut short: then there is a hole.
 */
static void
post_fin(struct t6_out *o)
{
	struct nic_lab lab = out_lab(o);

	post_clear(o, o->o_tt->tt_shadow.sh_seq, o->o_p.p_flags, NULL, 0, &lab);
	t6_txq(o->o_t)->kern_tls_fin++;
}

/* --- layer 2 --- */

static struct cpl_l2t_write
l2t_entry(const struct t6_out *o, uint16_t idx)
{
	struct cpl_l2t_write lw = { .lw_op = CPL_L2T_WRITE_REQ, .lw_idx = idx };
	const struct mbuf *m = o->o_p.p_m;

	memcpy(lw.lw_mac, o->o_p.p_hdr.h_bytes, sizeof(lw.lw_mac));
	if ((m->m_flags & M_VLANTAG) != 0)
		lw.lw_vlan = m->m_pkthdr.ether_vtag;
	return (lw);
}

/*
 * The route's neighbour, as the active open was told of it. FreeBSD has
 * resolved it by then; here the first packet brings the address, and the card
 * gets it by the control queue.
 */
static void
l2t_first(struct t6_out *o, const struct cpl_l2t_write *lw)
{
	struct nic *n = o->o_t->t_nic;

	t6_ctrl(n, &(struct nic_cmd) { .c_op = T6_L2T_WRITE, .c_data = lw });
	t6_ctrl(n,
	    &(struct nic_cmd) { .c_op = T6_TID_L2T,
		.c_in = { o->o_tt->tt_tid, lw->lw_idx } });
	o->o_tt->tt_shadow.sh_l2t = lw->lw_idx;
}

static void
post_l2t(struct t6_out *o, const struct cpl_l2t_write *lw)
{
	_Alignas(16) uint8_t wr[sizeof(struct t6_wr_hdr) + sizeof(*lw)] = { 0 };

	*(struct t6_wr_hdr *)(void *)wr =
	    (struct t6_wr_hdr) { .wh_op = FW_TP_WR,
		    .wh_len16 = T6_ROUND16(sizeof(wr)) / 16 };
	memcpy(wr + sizeof(struct t6_wr_hdr), lw, sizeof(*lw));
	out_post(o, wr, sizeof(wr), 0, NULL);
	t6_txq(o->o_t)->raw_wrs++;
}

static void
write_l2t(struct t6_out *o)
{
	struct t6_softc *sc = o->o_t->t_nic->n_softc;
	struct t6_tag *tt = o->o_tt;
	struct cpl_l2t_write lw = l2t_entry(o, 0);
	const struct t6_l2 *l = &sc->sc_l2t[tt->tt_l2t];
	bool fresh;

	if (!tt->tt_l2t_any || l->l_vlan != lw.lw_vlan ||
	    memcmp(l->l_mac, lw.lw_mac, 6) != 0) {
		lw.lw_idx = t6_l2t_alloc(sc, lw.lw_mac, lw.lw_vlan, &fresh);
		if (tt->tt_l2t_any) {
			if (fresh)
				post_l2t(o, &lw);
			t6_l2t_release(sc, tt->tt_l2t);
		} else
			l2t_first(o, &lw);
		tt->tt_l2t = lw.lw_idx;
		tt->tt_l2t_any = true;
	}
	/* The control block is told with the next record. */
	o->o_p.p_now.n_l2t = tt->tt_l2t;
}

/* --- the control block --- */

static uint8_t *
put_writes(uint8_t *p, uint32_t tid, const struct t6_write *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++, p += sizeof(struct t6_set_tcb))
		*(struct t6_set_tcb *)(void *)p =
		    t6_set_tcb(tid, w[i].w_field, w[i].w_val);
	return (p);
}

static void
post_writes(struct t6_out *o, const struct t6_write *w, unsigned n)
{
	_Alignas(16) uint8_t wr[T6_WR_MAX] = { 0 };
	uint32_t len;

	len = (uint32_t)(put_writes(wr + sizeof(struct t6_wr_hdr),
			     o->o_tt->tt_tid, w, n) -
	    wr);
	*(struct t6_wr_hdr *)(void *)wr =
	    (struct t6_wr_hdr) { .wh_op = FW_ULPTX_WR, .wh_len16 = len / 16 };
	out_post(o, wr, len, 0, NULL);
	t6_txq(o->o_t)->raw_wrs++;
}

static void
shadow_update(struct t6_out *o, const struct t6_rec *r)
{
	struct t6_shadow *sh = &o->o_tt->tt_shadow;

	sh->sh_seq = r->r_seq + r->r_plan.pl_tlen;
	sh->sh_ack = o->o_p.p_now.n_ack;
	sh->sh_win = o->o_p.p_now.n_win;
	sh->sh_l2t = o->o_p.p_now.n_l2t;
	if (o->o_p.p_now.n_timestamps)
		sh->sh_tsecr = o->o_p.p_now.n_tsecr;
}

/* --- a record --- */

static enum t6_cipher_mode
record_mode(const struct t6_tag *tt, bool full)
{
	if (tt->tt_suite->cipher == TLS_CIPHER_CBC)
		return (full ? T6_CBC_HMAC : T6_CBC);
	return (full ? T6_GCM : T6_CTR);
}

static uint8_t *
put_sec(uint8_t *p, const struct t6_out *o, const struct t6_rec *r)
{
	const struct t6_tag *tt = o->o_tt;
	bool full = r->r_plan.pl_kind == T6_FULL;
	struct t6_tls_head *h = (void *)p;

	h->h_txpkt = (struct ulp_txpkt) { .up_op = ULP_TX_PKT,
		.up_len16 = T6_ROUND16(t6_rec_wr_len(tt, r) -
				sizeof(struct t6_wr_hdr)) /
		    16 };
	h->h_sec = (struct cpl_tx_sec_pdu) { .sp_op = CPL_TX_SEC_PDU,
		.sp_mode = (uint8_t)record_mode(tt, full),
		.sp_vminor = tt->tt_suite->vminor,
		.sp_hdrlen = (uint8_t)r->r_hlen,
		.sp_pldlen = r->r_plan.pl_dmalen,
		.sp_tail = full ? r->r_tlen : 0,
		.sp_auth = (uint16_t)tt->tt_suite->auth_algorithm,
		.sp_ivlen = full ? 0 : T6_IV_LEN,
		.sp_keylen = tt->tt_key == NULL ? (uint8_t)tt->tt_ctxlen : 0,
		.sp_nohdr = r->r_plan.pl_start >= r->r_hlen,
		.sp_seqno = r->r_m->m_epg.seqno };
	return (p + sizeof(*h));
}

static uint8_t *
put_key(uint8_t *p, const struct t6_tag *tt)
{
	if (tt->tt_key == NULL) {
		memcpy(p, tt->tt_ctx, tt->tt_ctxlen);
		return (p + tt->tt_ctxlen);
	}
	*(struct ulptx_sc_memrd *)(void *)p =
	    (struct ulptx_sc_memrd) { .mr_op = ULP_TX_SC_MEMRD,
		    .mr_addr = tt->tt_key->e_addr };
	return (p + sizeof(struct ulptx_sc_memrd));
}

/* TLS header; of a part also the IV: GCM's counter block for its first byte,
 * CBC's explicit IV. */
static uint8_t *
put_imm(uint8_t *p, const struct t6_tag *tt, const struct t6_rec *r)
{
	const struct t6_keyctx_hdr *kh = (const void *)tt->tt_ctx;
	const uint8_t *hdr = r->r_m->m_epg.hdr;
	uint8_t *iv = p + r->r_hlen;

	memcpy(p, hdr, r->r_hlen);
	if (r->r_plan.pl_kind == T6_FULL)
		return (p + T6_ROUND16(r->r_hlen));
	if (tt->tt_suite->cipher == TLS_CIPHER_GCM) {
		memcpy(iv, kh->kh_salt, 4);
		memcpy(iv + 4, hdr + 5, 8);
		be32enc(iv + 12, 2 + r->r_plan.pl_dma / 16);
	} else
		memcpy(iv, hdr + 5, T6_IV_LEN);
	return (p + T6_ROUND16(r->r_hlen + T6_IV_LEN));
}

/* Everything of the record's work request behind its header. */
static uint8_t *
put_record(uint8_t *p, const struct t6_out *o, const struct t6_rec *r,
    const struct nic_seg *segs)
{
	p = put_key(put_sec(p, o, r), o->o_tt);
	*(struct cpl_tx_data *)(void *)p =
	    (struct cpl_tx_data) { .td_op = CPL_TX_DATA,
		    .td_shove = (o->o_p.p_flags & KTH_PUSH) != 0 &&
			r->r_m->m_next == NULL,
		    .td_mss = o->o_mss,
		    .td_tid = o->o_tt->tt_tid,
		    .td_len = r->r_plan.pl_tlen - r->r_plan.pl_start,
		    .td_seq = r->r_seq + r->r_plan.pl_start };
	p = put_imm(p + sizeof(struct cpl_tx_data), o->o_tt, r);
	t6_put_sgl(p, segs, r->r_nsegs);
	return (p + t6_sgl_len(r->r_nsegs));
}

static void
record_count(struct t6_txq *tx, const struct t6_rec *r)
{
	tx->kern_tls_records++;
	tx->kern_tls_octets += r->r_plan.pl_octets;
	tx->kern_tls_waste += r->r_plan.pl_waste;
	if (r->r_plan.pl_kind != T6_FULL)
		tx->kern_tls_short++;
	else if (r->r_off == 0)
		tx->kern_tls_full++;
	else
		tx->kern_tls_partial++;
}

static void
post_record(struct t6_out *o, const struct t6_rec *r,
    const struct nic_seg *segs)
{
	_Alignas(16) uint8_t wr[T6_WR_MAX] = { 0 };
	struct nic_lab lab = out_lab(o);
	uint32_t need = t6_rec_wr_len(o->o_tt, r), len;
	struct t6_write w[T6_WRITES_MAX];
	uint8_t *p = wr + sizeof(struct t6_wr_hdr);
	unsigned n;

	lab.l_rec = r->r_m;
	lab.l_skip = (int32_t)(r->r_plan.pl_start - r->r_off);
	n = t6_tcb_writes(&o->o_tt->tt_shadow, &o->o_p.p_now,
	    r->r_seq + r->r_plan.pl_tx_max, r->r_off, w);
	if (n > 0 && nic_knob(o->o_t->t_nic, T6_KNOB_COMBO_WRS) != 0 &&
	    need + n * sizeof(struct t6_set_tcb) <= T6_WR_MAX)
		p = put_writes(p, o->o_tt->tt_tid, w, n);
	else if (n > 0)
		post_writes(o, w, n);
	len = (uint32_t)(put_record(p, o, r, segs) - wr);
	*(struct t6_wr_hdr *)(void *)wr =
	    (struct t6_wr_hdr) { .wh_op = FW_ULPTX_WR,
		    .wh_len16 = T6_ROUND16(len) / 16 };
	out_post(o, wr, len, r->r_nsegs, &lab);
	shadow_update(o, r);
}

/*
 * Planted: TX_MAX is told in front of a packet's second record as if that had
 * been sent already, and SND_UNA with it.
 */
static void
una_twice(struct t6_out *o, const struct t6_rec *r)
{
	struct t6_write w[] = { { TCB_TX_MAX, r->r_seq + r->r_plan.pl_tlen },
		{ TCB_SND_UNA_RAW, 0 } };

	if (r > ((struct t6_softc *)o->o_t->t_nic->n_softc)->sc_recs &&
	    V_DEFECT(o->o_t->t_nic->n_vnet, T6_UNA_TWICE))
		post_writes(o, w, nitems(w));
}

static void
write_records(struct t6_out *o)
{
	struct t6_softc *sc = o->o_t->t_nic->n_softc;
	const struct nic_seg *segs = sc->sc_segs;
	const struct t6_rec *r;

	for (r = sc->sc_recs; r < sc->sc_recs + o->o_p.p_nrecs; r++) {
		if (r->r_plan.pl_kind == T6_HEADER) {
			post_header(o, r);
			continue;
		}
		record_count(t6_txq(o->o_t), r);
		if (r->r_plan.pl_kind == T6_NOTHING)
			continue;
		una_twice(o, r);
		post_record(o, r, segs);
		segs += r->r_nsegs;
	}
}

/* --- the packet --- */

/* What TP is to cut at: the stack says so only of a burst. */
static uint16_t
out_mss(struct t6_out *o)
{
	const struct pkthdr *ph = &o->o_p.p_m->m_pkthdr;
	struct t6_shadow *sh = &o->o_tt->tt_shadow;

	if ((ph->csum_flags & CSUM_TSO) != 0)
		sh->sh_mss = ph->tso_segsz;
	if (sh->sh_mss != 0)
		return (sh->sh_mss);
	return ((uint16_t)(o->o_t->t_nic->n_if.if_mtu - o->o_p.p_hdr.h_l3len -
	    o->o_p.p_hdr.h_l4len));
}

static void
write_fin(struct t6_out *o)
{
	const struct t6_softc *sc = o->o_t->t_nic->n_softc;

	if (sc->sc_recs[o->o_p.p_nrecs - 1].r_plan.pl_kind != T6_FULL)
		t6_txq(o->o_t)->kern_tls_fin_short++;
	post_fin(o);
}

/* The packet goes with the last of its work requests. */
static void
out_finish(struct t6_out *o)
{
	struct mbuf *m = o->o_p.p_m;

	if (!o->o_tt->tt_asked_any || SEQ_GT(o->o_p.p_end, o->o_tt->tt_asked)) {
		o->o_tt->tt_asked = o->o_p.p_end;
		o->o_tt->tt_asked_any = true;
	}
	if (!o->o_posted) {
		m_freem(m);
		return;
	}
	nic_txq_last(o->o_t)->sl_m = m;
	o->o_t->t_packets++;
}

int
t6_tls_write(struct nic_txq *t, struct t6_tag *tt, struct mbuf *m)
{
	struct t6_out o = { .o_t = t, .o_tt = tt };
	struct t6_softc *sc = t->t_nic->n_softc;
	const char *why;
	int error;

	error = t6_pkt_parse(sc, tt, m, &o.o_p, &why);
	KASSERT(error == 0, ("a packet in the ring is malformed: %s", why));
	if ((error = map_records(t, sc, o.o_p.p_nrecs)) != 0)
		return (error);
	o.o_mss = out_mss(&o);
	if (o.o_p.p_options && (o.o_p.p_flags & KTH_FIN) == 0)
		post_options(&o);
	write_l2t(&o);
	write_records(&o);
	if ((o.o_p.p_flags & KTH_FIN) != 0)
		write_fin(&o);
	out_finish(&o);
	return (0);
}
