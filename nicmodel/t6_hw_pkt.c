/* The T6: packets as they are, and gather lists. */
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>

#include "t6_hw.h"

/* The i-th segment of a gather list. */
static struct ulptx_sgl
sgl_seg(const uint8_t *sgl, uint32_t i)
{
	const struct ulptx_sgl *sg = (const void *)sgl;
	const struct ulptx_sge_pair *sp = (const void *)(sg + 1);

	if (i == 0)
		return (*sg);
	sp += (i - 1) / 2;
	return ((struct ulptx_sgl) { .sg_len0 = sp->sp_len[(i - 1) & 1],
	    .sg_addr0 = sp->sp_addr[(i - 1) & 1] });
}

int
t6_sgl_read(struct nic_exec *x, const uint8_t *sgl, uint32_t sgl_len,
    uint32_t off, uint32_t len, uint8_t *dst, enum nic_dma cause)
{
	const struct ulptx_sgl *sg = (const void *)sgl;
	struct ulptx_sgl seg;
	const uint8_t *from;
	uint32_t n;

	if (len == 0)
		return (0);
	if (sgl_len < sizeof(*sg) || sg->sg_nsegs > T6_SEGS ||
	    t6_sgl_len(sg->sg_nsegs) > sgl_len)
		return (NIC_EXEC_BAD);
	for (uint32_t i = 0; i < sg->sg_nsegs && len > 0; i++) {
		seg = sgl_seg(sgl, i);
		if (off >= seg.sg_len0) {
			off -= seg.sg_len0;
			continue;
		}
		n = MIN(seg.sg_len0 - off, len);
		from = nic_dma_read(x, seg.sg_addr0 + off, n, cause);
		if (from == NULL)
			return (NIC_EXEC_BAD);
		memcpy(dst, from, n);
		dst += n;
		len -= n;
		off = 0;
	}
	return (len == 0 ? 0 : NIC_EXEC_BAD);
}

/* Where the packet's bytes are: behind the command, or somewhere in memory. */
struct pkt_src {
	const uint8_t *ps_at;
	uint32_t ps_len;
	bool ps_imm;
};

static int
pkt_read(struct nic_exec *x, const struct pkt_src *ps, uint32_t off,
    uint32_t len, uint8_t *dst, enum nic_dma cause)
{
	if (!ps->ps_imm)
		return (t6_sgl_read(x, ps->ps_at, ps->ps_len, off, len, dst,
		    cause));
	if (off + len > ps->ps_len)
		return (NIC_EXEC_BAD);
	memcpy(dst, ps->ps_at + off, len);
	return (0);
}

/* Headers first, which say how much of what was read is payload. */
static int
pkt_header(struct nic_exec *x, const struct pkt_src *ps,
    const struct cpl_tx_pkt *tp, struct nic_hdr *h)
{
	uint32_t have = MIN(tp->tp_len,
	    (uint32_t)FRAME_HDR_MAX - (tp->tp_vlan != 0 ? KETHER_VLAN_LEN : 0));

	if (pkt_read(x, ps, 0, have, h->h_bytes, NIC_DMA_DESC) != 0)
		return (NIC_EXEC_BAD);
	h->h_len = (uint16_t)have;
	nic_hdr_parse(h);
	if (!ps->ps_imm)
		x->x_dma[NIC_DMA_DESC] -= have - h->h_len;
	return (0);
}

static int
pkt_send(struct nic_exec *x, const struct pkt_src *ps,
    const struct cpl_tx_pkt *tp, struct nic_send *s)
{
	uint32_t hlen = s->s_hdr.h_len;
	int error = 0;

	s->s_paylen = tp->tp_len - hlen;
	if (s->s_paylen > FRAMEBUF_SIZE)
		return (NIC_EXEC_BAD);
	s->s_fb = s->s_paylen > 0 ? framebuf_alloc(x->x_card->c_pool) : NULL;
	if (s->s_paylen > 0)
		error = pkt_read(x, ps, hlen, s->s_paylen, s->s_fb->fb_data,
		    NIC_DMA_PAYLOAD);
	if (error == 0) {
		nic_hdr_vlan(&s->s_hdr, tp->tp_vlan);
		nic_segment(x, s);
	}
	if (s->s_fb != NULL)
		framebuf_rele(s->s_fb);
	return (error);
}

int
t6_exec_pkt(struct nic_exec *x, const uint8_t *wr, uint32_t len)
{
	uint32_t at = sizeof(struct t6_wr_hdr);
	const struct cpl_tx_pkt_lso *lso = NULL;
	struct nic_send s = { .s_mss = 0 };
	const struct cpl_tx_pkt *tp;
	struct pkt_src ps;

	if (len >= at + sizeof(*lso) && wr[at] == CPL_TX_PKT_LSO) {
		lso = (const void *)(wr + at);
		at += sizeof(*lso);
	}
	tp = (const void *)(wr + at);
	if (len < at + sizeof(*tp) || tp->tp_op != CPL_TX_PKT_XT ||
	    tp->tp_len < KETHER_HDR_LEN || (lso != NULL && lso->ls_mss == 0))
		return (NIC_EXEC_BAD);
	at += sizeof(*tp);
	ps = (struct pkt_src) { wr + at, len - at, tp->tp_imm != 0 };
	if (pkt_header(x, &ps, tp, &s.s_hdr) != 0)
		return (NIC_EXEC_BAD);
	s.s_csum = tp->tp_csum && s.s_hdr.h_l4len != 0;
	s.s_mss = lso != NULL && s.s_hdr.h_l4len != 0 ? lso->ls_mss : 0;
	return (pkt_send(x, &ps, tp, &s));
}
