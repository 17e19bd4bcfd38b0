/*
 * From one packet to its frames: the payload is fetched once, into one
 * buffer, through the model (which may encrypt on the way), and then cut; each
 * frame gets its own edited copy of the headers and a slice of the buffer.
 *
 * Header edits: nic-models.md section 2.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/netinet/tcp.h>

#include "nic_parse.h"

void
nic_copy(struct mbuf *m, uint32_t off, uint32_t len, uint8_t *dst)
{
	struct m_piece pc[MBUF_PEXT_MAX_PGS + 2];
	unsigned n;

	n = m_pieces(m, off, len, pc, nitems(pc));
	for (unsigned i = 0; i < n; i++) {
		memcpy(dst, pc[i].p, pc[i].len);
		dst += pc[i].len;
	}
}

int
nic_fetch_plain(struct nic *n, const struct nic_pkt *p, struct mbuf *m,
    uint32_t off, uint32_t len, uint8_t *dst, struct nic_payload *pl)
{
	if ((m->m_flags & M_EXTPG) != 0 && m->m_epg.tls != NULL &&
	    !V_DEFECT(n->n_vnet, NET_NO_TAG_CHECK)) {
		n->n_stats.tls_plain_refused++;
		TRACE(&n->n_vnet->v_tracer, nic_drop, TS(n->n_if.if_xname),
		    TU(p->p_m->m_pkthdr.note.pn_conn), TU(p->p_m->m_pkthdr.len),
		    TI(EINVAL),
		    TS("TLS record without a send tag of this port"));
		return (EINVAL);
	}
	nic_copy(m, off, len, dst);
	return (0);
}

static void
payload_mark(struct nic_payload *pl, uint32_t at, const struct mbuf *m,
    uint32_t off)
{
	struct nic_recmark *rm;

	if (pl->pl_nmarks == NIC_MAXMARKS)
		return;
	rm = &pl->pl_marks[pl->pl_nmarks++];
	*rm = (struct nic_recmark) { .rm_at = at, .rm_mode = PKT_PLAIN };
	if ((m->m_flags & M_EXTPG) == 0 || m->m_epg.hdrlen == 0)
		return;
	rm->rm_seqno = m->m_epg.seqno;
	rm->rm_off = m->m_epg_off + off;
	rm->rm_mode = m->m_epg.tls != NULL ? PKT_KTLS_IFNET : PKT_KTLS_SW;
}

static int
payload_fetch(struct nic *n, const struct nic_pkt *p, nic_fetch_fn *fn,
    struct nic_payload *pl)
{
	uint32_t skip = p->p_hdrlen, done = 0, len;
	struct mbuf *m;
	int error;

	for (m = p->p_m; m != NULL; m = m->m_next) {
		if (skip >= (uint32_t)m->m_len) {
			skip -= (uint32_t)m->m_len;
			continue;
		}
		len = (uint32_t)m->m_len - skip;
		payload_mark(pl, done, m, skip);
		error = fn(n, p, m, skip, len, pl->pl_bytes + done, pl);
		if (error != 0)
			return (error);
		done += len;
		skip = 0;
	}
	KASSERT(done == p->p_paylen, ("fetched %u of %u", done, p->p_paylen));
	n->n_stats.dma_payload += done + pl->pl_reread;
	n->n_stats.dma_reread += pl->pl_reread;
	return (0);
}

/* Lengths, identification, sequence and flags of segment i. */
static void
frame_edit(struct frame *f, const struct nic_pkt *p, unsigned i, uint32_t at,
    bool last)
{
	uint8_t *ip = f->f_hdr + p->p_l2len, *th = ip + p->p_l3len;
	uint32_t l4 = p->p_l4len + f->f_paylen;

	if (p->p_ipv6)
		be16enc(ip + 4, (uint16_t)l4);
	else {
		be16enc(ip + 2, (uint16_t)(p->p_l3len + l4));
		be16enc(ip + 4, (uint16_t)(be16dec(ip + 4) + i));
	}
	be32enc(th + 4, p->p_seq + at);
	if (!last)
		th[13] &= (uint8_t) ~(KTH_FIN | KTH_PUSH | KTH_RST);
	if (i > 0)
		th[13] &= (uint8_t)~KTH_CWR;
}

static void
frame_note(struct frame *f, const struct nic_pkt *p,
    const struct nic_payload *pl, uint32_t at, uint32_t burst)
{
	const struct nic_recmark *rm = NULL;
	struct pkt_note *pn = &f->f_note;

	*pn = p->p_m->m_pkthdr.note;
	pn->pn_burst = burst;
	pn->pn_tag = pl->pl_tag;
	if (at == 0)
		pn->pn_reread = pl->pl_reread;
	for (unsigned i = 0; i < pl->pl_nmarks && pl->pl_marks[i].rm_at <= at;
	     i++)
		rm = &pl->pl_marks[i];
	if (rm != NULL && f->f_paylen > 0) {
		pn->pn_mode = rm->rm_mode;
		pn->pn_rec_seqno = rm->rm_seqno;
		pn->pn_rec_off = rm->rm_off + (at - rm->rm_at);
	}
	pn->pn_rexmit = pn->pn_tcp && f->f_paylen > 0 &&
	    SEQ_LT(p->p_seq + at, pn->pn_snd_max);
}

static struct frame *
frame_build(struct nic *n, const struct nic_pkt *p, struct framebuf *fb,
    uint32_t at, uint32_t len)
{
	struct frame *f;

	f = frame_alloc(n->n_params.np_pool);
	f->f_hdrlen = p->p_hdrlen;
	f->f_l2len = p->p_l2len;
	f->f_l3len = p->p_l3len;
	f->f_l4len = p->p_l4len;
	memcpy(f->f_hdr, p->p_hdr, p->p_hdrlen);
	f->f_paylen = len;
	if (len > 0) {
		framebuf_ref(fb);
		f->f_buf = fb;
		f->f_payload = fb->fb_data + at;
	}
	if (p->p_csum)
		f->f_flags |= FRAME_CSUM_LAZY;
	return (f);
}

static void
nic_cut(struct nic *n, const struct nic_pkt *p, const struct nic_payload *pl,
    struct framebuf *fb, struct frameq *out)
{
	uint32_t at = 0, len, mss = p->p_mss, burst = 0;
	struct frame *f;
	unsigned i = 0;

	if (mss == 0 || mss >= p->p_paylen)
		mss = MAX(p->p_paylen, 1);
	else {
		burst = ++n->n_bursts;
		n->n_stats.tx_bursts++;
	}
	do {
		len = MIN(mss, p->p_paylen - at);
		f = frame_build(n, p, fb, at, len);
		if (p->p_l4len != 0 && p->p_mss != 0)
			frame_edit(f, p, i, at, at + len == p->p_paylen);
		frame_note(f, p, pl, at, burst);
		STAILQ_INSERT_TAIL(out, f, f_link);
		at += len;
		i++;
	} while (at < p->p_paylen);
}

int
nic_segment(struct nic *n, const struct nic_pkt *p, nic_fetch_fn *fn,
    struct frameq *out)
{
	struct framebuf *fb = NULL;
	struct nic_payload pl;
	int error = 0;

	pl.pl_nmarks = 0;
	pl.pl_reread = pl.pl_tag = 0;
	if (p->p_paylen > 0) {
		fb = framebuf_alloc(n->n_params.np_pool);
		pl.pl_bytes = fb->fb_data;
		error = payload_fetch(n, p, fn, &pl);
	}
	if (error == 0)
		nic_cut(n, p, &pl, fb, out);
	if (fb != NULL)
		framebuf_rele(fb);
	return (error);
}
