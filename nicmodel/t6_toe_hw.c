/* The T6: work requests of offloaded connections; their bytes go to TP. */
#include <string.h>

#include <ktsim/base/kassert.h>

#include "t6_tp.h"

/* By order of the scenario one bit of the ciphertext is wrong, and is so
 * whenever TP sends it. */
static bool
toe_corrupt(struct nic_card *c, struct framebuf *fb, uint32_t len)
{
	if (c->c_corrupt == 0)
		return (false);
	c->c_corrupt--;
	fb->fb_data[len / 2] ^= 0x10;
	return (true);
}

int
t6_exec_toe_record(struct nic_exec *x, struct tp_conn *c, struct framebuf *fb,
    uint32_t len, uint32_t wr_len, uint64_t seqno)
{
	struct tp_wr w = { .w_tls = true,
		.w_seqno = seqno,
		.w_credits = (uint32_t)(wr_len + sizeof(struct t6_wr_hdr)) / 16,
		.w_damaged = toe_corrupt(x->x_card, fb, len) };

	x->x_card->c_stats->tls_bytes += len;
	tp_conn_send(c, fb, len, &w);
	return (0);
}

static int
exec_data(struct nic_exec *x, struct tp_conn *c, const uint8_t *wr,
    uint32_t len)
{
	const struct t6_ofld_tx *ot =
	    (const void *)(wr + sizeof(struct t6_wr_hdr));
	uint32_t at = sizeof(struct t6_wr_hdr) + sizeof(*ot);
	struct framebuf *fb;
	int error;

	if (len <= at || ot->ot_len == 0 || ot->ot_len > FRAMEBUF_SIZE)
		return (NIC_EXEC_BAD);
	fb = framebuf_alloc(x->x_card->c_pool);
	error = t6_sgl_read(x, wr + at, len - at, 0, ot->ot_len, fb->fb_data,
	    NIC_DMA_PAYLOAD);
	if (error == 0)
		tp_conn_send(c, fb, ot->ot_len,
		    &(struct tp_wr) { .w_credits = len / 16 });
	framebuf_rele(fb);
	return (error);
}

int
t6_exec_toe(struct nic_exec *x, const uint8_t *wr, uint32_t len)
{
	const struct t6_wr_hdr *wh = (const void *)wr;
	const struct t6_ofld_tx *ot = (const void *)(wh + 1);
	const struct cpl_close_con *cc = (const void *)(wh + 1);
	struct tp_conn *c;

	if (wh->wh_op == FW_TLSTX_DATA_WR)
		return (t6_exec_tls(x, wr + sizeof(*wh),
		    len - (uint32_t)sizeof(*wh)));
	c = tp_conn_find(x->x_card,
	    wh->wh_op == FW_TP_WR ? cc->cc_tid : ot->ot_tid);
	if (c == NULL)
		return (NIC_EXEC_BAD);
	if (wh->wh_op == FW_OFLD_TX_DATA_WR)
		return (exec_data(x, c, wr, len));
	tp_conn_fin(c);
	return (0);
}
