/* ConnectX-6 Dx: a work-queue element as text. */
#include <ktsim/base/bytes.h>

#include "cx6dx_wqe.h"

static const char *
opcode_name(uint8_t opcode)
{
	switch (opcode) {
	case CX_OPCODE_NOP:
		return ("NOP");
	case CX_OPCODE_SEND:
		return ("SEND");
	case CX_OPCODE_LSO:
		return ("LSO");
	case CX_OPCODE_SET_PSV:
		return ("SET_PSV");
	case CX_OPCODE_GET_PSV:
		return ("GET_PSV");
	case CX_OPCODE_DUMP:
		return ("DUMP");
	case CX_OPCODE_UMR:
		return ("UMR");
	default:
		return ("opcode?");
	}
}

static void
decode_send(const struct cx_ctrl *c, struct strbuf *sb)
{
	const struct cx_eth *e = (const void *)(c + 1);
	uint32_t hdr = be16dec(e->we_inline_size), used, len = 0;
	const struct cx_data *d;

	used = (uint32_t)(sizeof(*c) + CX_ETH_INLINE + hdr + 15) & ~15u;
	for (; used + sizeof(*d) <= c->wc_ds * 16u; used += sizeof(*d)) {
		d = (const void *)((const uint8_t *)c + used);
		len += be32dec(d->wd_len);
	}
	strbuf_addf(sb, " header %u payload %u", hdr, len);
	if (c->wc_opcode == CX_OPCODE_LSO)
		strbuf_addf(sb, " mss %u", be16dec(e->we_mss));
}

void
cx_decode(const struct nic_queue *q, uint32_t at, uint32_t *blocks,
    struct strbuf *sb)
{
	const struct cx_ctrl *c = (const void *)nic_ring_block(q, at);
	const struct cx_umr_wqe *u = (const void *)c;
	const struct cx_dump_wqe *d = (const void *)c;
	uint32_t tisn = be32dec(c->wc_imm) >> 8;

	*blocks = c->wc_ds != 0 ? nic_blocks(c->wc_ds * 16u) : 1;
	strbuf_addf(sb, "%s index %u ds %u", opcode_name(c->wc_opcode),
	    be16dec(c->wc_index), c->wc_ds);
	if (tisn != 0)
		strbuf_addf(sb, " TIS %u", tisn);
	if (c->wc_fm_ce_se & CX_FENCE_INITIATOR_SMALL)
		strbuf_adds(sb, " fenced");
	if (c->wc_opcode == CX_OPCODE_SEND || c->wc_opcode == CX_OPCODE_LSO)
		decode_send(c, sb);
	else if (c->wc_opcode == CX_OPCODE_UMR)
		strbuf_addf(sb, " static parameters: record %ju DEK %u",
		    (uintmax_t)be64dec(u->wu_static.ps_recno),
		    be32dec(u->wu_static.ps_dek));
	else if (c->wc_opcode == CX_OPCODE_SET_PSV)
		strbuf_addf(sb, " progress of TIS %u",
		    be32dec(((const struct cx_psv_wqe *)(const void *)c)
				->wp_progress.pp_tisn));
	else if (c->wc_opcode == CX_OPCODE_DUMP)
		strbuf_addf(sb, " %u bytes", be32dec(d->wd_data.wd_len));
}
