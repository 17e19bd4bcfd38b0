/* The hardware of the cards that are nobody's product. */
#include <string.h>

#include <ktsim/base/kassert.h>

#include "gen_wr.h"

static int
exec_plain(struct nic_exec *x, const struct gen_part *p,
    const struct gen_seg *seg, uint8_t *dst)
{
	const uint8_t *from;
	uint64_t sum = 0;

	for (unsigned i = 0; i < p->p_nsegs; i++)
		sum += seg[i].s_len;
	if (sum != p->p_len)
		return (NIC_EXEC_BAD);
	for (unsigned i = 0; i < p->p_nsegs; i++) {
		from = nic_dma_read(x, seg[i].s_addr, seg[i].s_len,
		    NIC_DMA_PAYLOAD);
		if (from == NULL)
			return (NIC_EXEC_BAD);
		memcpy(dst, from, seg[i].s_len);
		dst += seg[i].s_len;
	}
	return (0);
}

static int
exec_parts(struct nic_exec *x, const struct gen_wr *wr, const uint8_t *at,
    const uint8_t *end, gen_record_fn *record, struct nic_send *s)
{
	uint8_t *dst = s->s_fb != NULL ? s->s_fb->fb_data : NULL;
	const struct gen_part *p;
	const struct gen_seg *seg;
	uint32_t left = wr->w_paylen;
	int error;

	for (unsigned i = 0; i < wr->w_nparts; i++) {
		p = (const void *)at;
		seg = (const void *)(at + sizeof(*p));
		if ((size_t)(end - at) < sizeof(*p) ||
		    (size_t)(end - at) <
			sizeof(*p) + p->p_nsegs * sizeof(*seg) ||
		    p->p_len > left)
			return (NIC_EXEC_BAD);
		if (p->p_kind == GEN_RECORD && record == NULL)
			return (NIC_EXEC_BAD);
		error = p->p_kind == GEN_RECORD ? record(x, wr, p, seg, dst)
						: exec_plain(x, p, seg, dst);
		if (error != 0)
			return (error);
		at += sizeof(*p) + p->p_nsegs * sizeof(*seg);
		dst += p->p_len;
		left -= p->p_len;
	}
	return (left == 0 ? 0 : NIC_EXEC_BAD);
}

int
gen_exec(struct nic_exec *x, gen_record_fn *record)
{
	const struct gen_desc *d =
	    (const void *)nic_ring_block(x->x_q, x->x_at);
	const struct gen_wr *wr;
	struct nic_send s;
	const uint8_t *at;
	int error = 0;

	x->x_blocks = 1;
	wr = (const void *)nic_dma_read(x, d->g_table, d->g_len, NIC_DMA_DESC);
	if (wr == NULL || d->g_len < sizeof(*wr) ||
	    d->g_len < sizeof(*wr) + GEN_HDR_ROOM(wr->w_hdrlen) ||
	    wr->w_hdrlen > FRAME_HDR_MAX || wr->w_paylen > FRAMEBUF_SIZE)
		return (NIC_EXEC_BAD);
	at = (const uint8_t *)(wr + 1);
	memcpy(s.s_hdr.h_bytes, at, wr->w_hdrlen);
	s.s_hdr.h_len = wr->w_hdrlen;
	nic_hdr_parse(&s.s_hdr);
	s.s_paylen = wr->w_paylen;
	s.s_mss = (wr->w_flags & GEN_TSO) ? wr->w_mss : 0;
	s.s_csum = (wr->w_flags & GEN_CSUM) != 0;
	s.s_skip = 0;
	s.s_tls = wr->w_context != 0;
	s.s_fb = s.s_paylen > 0 ? framebuf_alloc(x->x_card->c_pool) : NULL;
	error = exec_parts(x, wr, at + GEN_HDR_ROOM(wr->w_hdrlen),
	    (const uint8_t *)wr + d->g_len, record, &s);
	if (error == 0)
		nic_segment(x, &s);
	if (s.s_fb != NULL)
		framebuf_rele(s.s_fb);
	return (error);
}

void
gen_decode(const struct nic_queue *q, uint32_t at, uint32_t *blocks,
    struct strbuf *sb)
{
	const struct gen_desc *d = (const void *)nic_ring_block(q, at);

	*blocks = 1;
	strbuf_addf(sb, "SEND, table of %u bytes", d->g_len);
}
