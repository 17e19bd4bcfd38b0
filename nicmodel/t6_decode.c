/* T6 work requests as text, a line each, for captures of the bus. */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/strbuf.h>

#include "t6_toe.h"

static const char *const field_names[TCB_FIELDS] = {
	[TCB_T_FLAGS] = "T_FLAGS",
	[TCB_L2T_IX] = "L2T_IX",
	[TCB_TX_MAX] = "TX_MAX",
	[TCB_SND_UNA_RAW] = "SND_UNA_RAW",
	[TCB_SND_NXT_RAW] = "SND_NXT_RAW",
	[TCB_SND_MAX_RAW] = "SND_MAX_RAW",
	[TCB_RCV_NXT] = "RCV_NXT",
	[TCB_RCV_WND] = "RCV_WND",
	[TCB_T_RTSEQ_RECENT] = "T_RTSEQ_RECENT",
	[TCB_TS_OFFSET] = "TS_OFFSET",
};
static const char *const mode_names[] = { "GCM", "CTR", "CBC-HMAC", "CBC" };

static void
decode_tcb(const struct t6_set_tcb *s, bool first, struct strbuf *sb)
{
	const struct cpl_set_tcb_field *st = &s->s_cpl;

	if (first)
		strbuf_addf(sb, " SET_TCB tid %u:", st->st_tid);
	strbuf_addf(sb, "%s %s=%ju", first ? "" : ",",
	    st->st_word < TCB_FIELDS ? field_names[st->st_word] : "?",
	    (uintmax_t)(st->st_val & st->st_mask));
}

static void
decode_tls(const uint8_t *p, uint32_t len, struct strbuf *sb)
{
	const struct cpl_tx_sec_pdu *sp =
	    &((const struct t6_tls_head *)(const void *)p)->h_sec;
	const struct cpl_tx_data *td =
	    (const void *)(p + sizeof(struct t6_tls_head) +
		(sp->sp_keylen != 0 ? sp->sp_keylen
				    : sizeof(struct ulptx_sc_memrd)));

	if (sp->sp_keylen % 16 != 0 || (const uint8_t *)(td + 1) > p + len) {
		strbuf_adds(sb, " malformed");
		return;
	}
	strbuf_addf(sb,
	    " TLS tid %u record %ju %s %s tlen %u seq %u mss %u%s%s",
	    td->td_tid, (uintmax_t)sp->sp_seqno,
	    sp->sp_mode < nitems(mode_names) ? mode_names[sp->sp_mode] : "?",
	    sp->sp_tail != 0 ? "full" : "short", td->td_len, td->td_seq,
	    td->td_mss, td->td_shove ? " PSH" : "",
	    sp->sp_keylen != 0 ? " inline key" : "");
}

static void
decode_ulptx(const uint8_t *wr, uint32_t len, struct strbuf *sb)
{
	uint32_t at = sizeof(struct t6_wr_hdr), n;
	const struct ulp_txpkt *up;
	bool first = true;

	strbuf_adds(sb, "FW_ULPTX_WR");
	for (; at < len; at += n * 16) {
		up = (const void *)(wr + at);
		n = up->up_len16;
		if (n < 2 || n > (len - at) / 16) {
			strbuf_adds(sb, " malformed");
			return;
		}
		if (up->up_op == ULP_TX_MEM_WRITE)
			strbuf_addf(sb, " MEM_WRITE %u bytes at 0x%x",
			    ((const struct t6_mem_write *)(const void *)up)
				->mw_len,
			    ((const struct t6_mem_write *)(const void *)up)
				->mw_addr);
		else if (wr[at + 16] == CPL_SET_TCB_FIELD &&
		    n * 16 >= sizeof(struct t6_set_tcb)) {
			decode_tcb((const void *)up, first, sb);
			first = false;
		} else
			decode_tls(wr + at, n * 16, sb);
	}
}

static void
decode_pkt(const uint8_t *wr, struct strbuf *sb)
{
	const uint8_t *p = wr + sizeof(struct t6_wr_hdr);
	const struct cpl_tx_pkt_lso *lso = (const void *)p;
	const struct cpl_tx_pkt *tp;

	strbuf_adds(sb, "FW_ETH_TX_PKT_WR");
	if (lso->ls_op == CPL_TX_PKT_LSO) {
		strbuf_addf(sb, " LSO mss %u", lso->ls_mss);
		p += sizeof(*lso);
	}
	tp = (const void *)p;
	strbuf_addf(sb, " %u bytes%s", tp->tp_len,
	    tp->tp_imm ? ", immediate" : "");
	if (tp->tp_vlan != 0)
		strbuf_addf(sb, " vlan %u", tp->tp_vlan);
}

static void
decode_ofld(const uint8_t *wr, struct strbuf *sb)
{
	const struct t6_ofld_tx *ot =
	    (const void *)(wr + sizeof(struct t6_wr_hdr));

	strbuf_addf(sb, "FW_OFLD_TX_DATA_WR tid %u %u bytes", ot->ot_tid,
	    ot->ot_len);
}

static void
decode_tp(const uint8_t *wr, struct strbuf *sb)
{
	const uint8_t *p = wr + sizeof(struct t6_wr_hdr);
	const struct cpl_l2t_write *lw = (const void *)p;

	if (*p == CPL_CLOSE_CON_REQ)
		strbuf_addf(sb, "FW_TP_WR CLOSE_CON_REQ tid %u",
		    ((const struct cpl_close_con *)(const void *)p)->cc_tid);
	else
		strbuf_addf(sb, "FW_TP_WR L2T_WRITE entry %u vlan %u",
		    lw->lw_idx, lw->lw_vlan);
}

void
t6_decode(const struct nic_queue *q, uint32_t at, uint32_t *blocks,
    struct strbuf *sb)
{
	_Alignas(16) uint8_t tmp[T6_WR_MAX];
	const struct t6_wr_hdr *wh = (const void *)nic_ring_block(q, at);
	uint32_t len = MIN(wh->wh_len16 * 16, (uint32_t)T6_WR_MAX);
	const uint8_t *wr;

	*blocks = MAX(nic_blocks(len), 1u);
	wr = nic_ring_get(q, at, len, tmp);
	if (wh->wh_op == FW_ULPTX_WR)
		decode_ulptx(wr, len, sb);
	else if (wh->wh_op == FW_ETH_TX_PKT_WR)
		decode_pkt(wr, sb);
	else if (wh->wh_op == FW_TLSTX_DATA_WR) {
		strbuf_adds(sb, "FW_TLSTX_DATA_WR");
		decode_tls(wr + sizeof(*wh), len - (uint32_t)sizeof(*wh), sb);
	} else if (wh->wh_op == FW_OFLD_TX_DATA_WR)
		decode_ofld(wr, sb);
	else
		decode_tp(wr, sb);
}
