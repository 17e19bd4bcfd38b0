/* ConnectX-6 Dx, card: work-queue elements and the firmware's commands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/kern/vnet.h>

#include "cx6dx_hw.h"

/* --- SEND and LSO --- */

/* The payload's segments; through the context, if there is one. */
static int
send_gather(struct nic_exec *x, const struct cx_data *d, unsigned n,
    struct cx_context *cc, uint8_t *out)
{
	const uint8_t *p;
	uint32_t len;

	for (unsigned i = 0; i < n; i++) {
		len = be32dec(d[i].wd_len);
		p = nic_dma_read(x, be64dec(d[i].wd_addr), len,
		    NIC_DMA_PAYLOAD);
		if (p == NULL)
			return (NIC_EXEC_BAD);
		if (cc == NULL)
			memcpy(out, p, len);
		else if (cx_stream(x, cc, p, out, len) != 0)
			return (NIC_EXEC_BAD);
		out += len;
	}
	return (0);
}

static uint64_t
data_len(const struct cx_data *d, unsigned n)
{
	uint64_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += be32dec(d[i].wd_len);
	return (len);
}

static int
send_parse(const struct cx_ctrl *c, struct nic_send *s,
    const struct cx_data **d, unsigned *n)
{
	const struct cx_eth *e = (const void *)(c + 1);
	uint32_t hdr = be16dec(e->we_inline_size), used;

	used = (uint32_t)(sizeof(*c) + CX_ETH_INLINE + hdr + 15) & ~15u;
	if (c->wc_ds < 2 || hdr > FRAME_HDR_MAX || used > c->wc_ds * 16u)
		return (NIC_EXEC_BAD);
	memcpy(s->s_hdr.h_bytes, (const uint8_t *)e + CX_ETH_INLINE, hdr);
	s->s_hdr.h_len = (uint16_t)hdr;
	nic_hdr_parse(&s->s_hdr);
	s->s_csum = e->we_cs_flags != 0;
	s->s_mss = c->wc_opcode == CX_OPCODE_LSO ? be16dec(e->we_mss) : 0;
	*d = (const void *)((const uint8_t *)c + used);
	*n = (c->wc_ds * 16u - used) / 16;
	if (c->wc_opcode == CX_OPCODE_LSO &&
	    (s->s_mss == 0 || s->s_hdr.h_l4len == 0))
		return (NIC_EXEC_BAD);
	return (data_len(*d, *n) > FRAMEBUF_SIZE ? NIC_EXEC_BAD : 0);
}

static int
exec_send(struct nic_exec *x, const struct cx_ctrl *c)
{
	struct cx_hw *h = x->x_card->c_softc;
	uint32_t tisn = be32dec(c->wc_imm) >> 8;
	struct cx_context *cc = NULL;
	const struct cx_data *d;
	struct nic_send s;
	unsigned n;
	int error;

	if (send_parse(c, &s, &d, &n) != 0 ||
	    (tisn != 0 && (cc = cx_context(h, tisn)) == NULL))
		return (NIC_EXEC_BAD);
	s.s_paylen = (uint32_t)data_len(d, n);
	s.s_skip = 0;
	s.s_tls = cc != NULL;
	s.s_fb = s.s_paylen > 0 ? framebuf_alloc(x->x_card->c_pool) : NULL;
	error = s.s_fb == NULL ? 0 : send_gather(x, d, n, cc, s.s_fb->fb_data);
	if (error == 0)
		nic_segment(x, &s);
	if (cc != NULL)
		x->x_card->c_stats->tls_bytes += s.s_paylen;
	if (s.s_fb != NULL)
		framebuf_rele(s.s_fb);
	return (error);
}

/* --- the others --- */

static int
exec_dump(struct nic_exec *x, const struct cx_ctrl *c)
{
	const struct cx_data *d = (const void *)(c + 1);
	struct cx_context *cc;
	uint32_t len = be32dec(d->wd_len);
	const uint8_t *p;

	cc = cx_context(x->x_card->c_softc, be32dec(c->wc_imm) >> 8);
	if (cc == NULL || c->wc_ds != 2)
		return (NIC_EXEC_BAD);
	p = nic_dma_read(x, be64dec(d->wd_addr), len, NIC_DMA_REREAD);
	if (p == NULL)
		return (NIC_EXEC_BAD);
	/* The planted defect: one cipher block is forgotten. */
	if (V_DEFECT(x->x_card->c_vnet, NIC_RESTART_COUNTER) && len > 64)
		len -= 16;
	return (cx_stream(x, cc, p, NULL, len));
}

static int
exec_umr(struct nic_exec *x, const struct cx_ctrl *c)
{
	const struct cx_umr_wqe *w = (const void *)c;
	uint32_t number = be32dec(c->wc_imm) >> 8;

	if (c->wc_opmod == CX_OPMOD_TIR && c->wc_ds == sizeof(*w) / 16)
		return (
		    cx_rx_static(x->x_card->c_softc, number, &w->wu_static));
	if (c->wc_opmod != CX_OPMOD_TIS || c->wc_ds != sizeof(*w) / 16)
		return (NIC_EXEC_BAD);
	return (cx_load_static(x->x_card->c_softc, number, &w->wu_static));
}

static int
exec_psv(struct nic_exec *x, const struct cx_ctrl *c)
{
	const struct cx_psv_wqe *w = (const void *)c;
	uint32_t number = be32dec(w->wp_progress.pp_tisn) & 0xffffff;

	if (c->wc_opmod == CX_OPMOD_TIR && c->wc_ds == sizeof(*w) / 16)
		return (cx_rx_progress(x->x_card->c_softc, number));
	if (c->wc_opmod != CX_OPMOD_TIS || c->wc_ds != sizeof(*w) / 16)
		return (NIC_EXEC_BAD);
	return (cx_load_progress(x->x_card->c_softc, number));
}

/* The state of a TIR, written to host memory. */
static int
exec_get_psv(struct nic_exec *x, const struct cx_ctrl *c)
{
	const struct cx_get_psv_wqe *w = (const void *)c;
	const struct cx_tir *t;
	struct cx_progress *pp;
	uint32_t tirn = be32dec(w->wg_psvn) & 0xffffff;

	t = cx_tir(x->x_card->c_softc, tirn);
	pp = (void *)(uintptr_t)nic_dma_read(x, be64dec(w->wg_addr),
	    sizeof(*pp), NIC_DMA_CQE);
	if (t == NULL || pp == NULL || c->wc_ds != sizeof(*w) / 16)
		return (NIC_EXEC_BAD);
	memset(pp, 0, sizeof(*pp));
	be32enc(pp->pp_tisn, tirn);
	be32enc(pp->pp_next_seq, t->ct_next);
	be32enc(pp->pp_hw_resync_seq, t->ct_resync_seq);
	pp->pp_state =
	    (uint8_t)((unsigned)t->ct_tracker << 6 | (unsigned)t->ct_auth << 4);
	return (0);
}

int
cx_hw_exec(struct nic_exec *x)
{
	const struct cx_ctrl *c = (const void *)nic_ring_block(x->x_q, x->x_at);
	uint32_t edge = x->x_q->q_blocks - (x->x_at & (x->x_q->q_blocks - 1));

	x->x_blocks = nic_blocks(c->wc_ds * 16u);
	/* The driver pads: none lies across the ring's end. */
	if (c->wc_ds == 0 || x->x_blocks > x->x_room || x->x_blocks > edge) {
		x->x_blocks = 1;
		return (NIC_EXEC_BAD);
	}
	switch (c->wc_opcode) {
	case CX_OPCODE_NOP:
		return (0);
	case CX_OPCODE_SEND:
	case CX_OPCODE_LSO:
		return (exec_send(x, c));
	case CX_OPCODE_DUMP:
		return (exec_dump(x, c));
	case CX_OPCODE_UMR:
		return (exec_umr(x, c));
	case CX_OPCODE_SET_PSV:
		return (exec_psv(x, c));
	case CX_OPCODE_GET_PSV:
		return (exec_get_psv(x, c));
	default:
		return (NIC_EXEC_BAD);
	}
}

/* --- commands --- */

uint32_t
cx_table_take(struct cx_table *t, void **items, size_t size,
    bool (*used)(const void *))
{
	uint32_t i = t->t_free, old = t->t_size;
	char *grown;

	if (t->t_used >= t->t_limit)
		return (0);
	while (i < old && used((char *)*items + i * size))
		i++;
	if (i == old) {
		t->t_size = MAX(16u, old * 2);
		grown = xcalloc(t->t_size, size);
		if (old > 0)
			memcpy(grown, *items, old * size);
		free(*items);
		*items = grown;
	}
	t->t_free = i + 1;
	t->t_used++;
	return (i + 1);
}

void
cx_table_give(struct cx_table *t, uint32_t number)
{
	t->t_used--;
	t->t_free = MIN(t->t_free, number - 1);
}

static bool
tis_used(const void *item)
{
	return (((const struct cx_context *)item)->cc_used);
}

static bool
dek_used(const void *item)
{
	return (((const struct cx_key *)item)->k_len != 0);
}

static void
create_tis(struct cx_hw *h, struct nic_cmd *cmd)
{
	void *items = h->h_tis;
	uint32_t tisn;

	tisn =
	    cx_table_take(&h->h_tis_table, &items, sizeof(*h->h_tis), tis_used);
	h->h_tis = items;
	if (tisn == 0) {
		cmd->c_status = ENOMEM;
		return;
	}
	h->h_tis[tisn - 1].cc_used = true;
	cmd->c_out[0] = tisn;
}

static void
create_dek(struct cx_hw *h, struct nic_cmd *cmd)
{
	void *items = h->h_dek;
	struct cx_key *k;
	uint32_t dek;

	if (cmd->c_in[0] != 16 && cmd->c_in[0] != 32) {
		cmd->c_status = EINVAL;
		return;
	}
	dek =
	    cx_table_take(&h->h_dek_table, &items, sizeof(*h->h_dek), dek_used);
	h->h_dek = items;
	if (dek == 0) {
		cmd->c_status = ENOMEM;
		return;
	}
	k = &h->h_dek[dek - 1];
	*k = (struct cx_key) { .k_len = (uint8_t)cmd->c_in[0],
		.k_serial = ++h->h_serial };
	memcpy(k->k_bytes, cmd->c_data, k->k_len);
	cmd->c_out[0] = dek;
}

static void
destroy_dek(struct cx_hw *h, struct nic_cmd *cmd)
{
	uint64_t dek = cmd->c_in[0];

	if (dek == 0 || dek > h->h_dek_table.t_size ||
	    h->h_dek[dek - 1].k_len == 0) {
		cmd->c_status = EINVAL;
		return;
	}
	if (h->h_dek[dek - 1].k_used != 0)
		h->h_cached--;
	explicit_bzero(&h->h_dek[dek - 1], sizeof(struct cx_key));
	cx_table_give(&h->h_dek_table, (uint32_t)dek);
}

void
cx_hw_cmd(struct nic_card *c, struct nic_cmd *cmd)
{
	struct cx_hw *h = c->c_softc;
	struct cx_context *cc;

	switch (cmd->c_op) {
	case CX_CREATE_TIS:
		create_tis(h, cmd);
		return;
	case CX_DESTROY_TIS:
		if ((cc = cx_context(h, (uint32_t)cmd->c_in[0])) == NULL) {
			cmd->c_status = EINVAL;
			return;
		}
		cx_context_drop(cc);
		cx_table_give(&h->h_tis_table, (uint32_t)cmd->c_in[0]);
		return;
	case CX_CREATE_DEK:
		create_dek(h, cmd);
		return;
	case CX_DESTROY_DEK:
		destroy_dek(h, cmd);
		return;
	default:
		cx_rx_cmd(h, cmd);
	}
}

int
cx_hw_order(struct nic_card *c, enum nic_order order, uint64_t value)
{
	struct cx_hw *h = c->c_softc;

	switch (order) {
	case NIC_ORDER_KEYS:
		h->h_dek_table.t_limit = value;
		return (0);
	case NIC_ORDER_CONTEXTS:
		h->h_tis_table.t_limit = value;
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

/* --- life --- */

int
cx_hw_attach(struct nic_card *c)
{
	struct cx_hw *h = xcalloc(1, sizeof(*h));

	c->c_softc = h;
	h->h_tis_table.t_limit = 1ULL
	    << nic_knob(c->c_nic, CX_KNOB_LOG_MAX_TIS);
	h->h_dek_table.t_limit = 1ULL
	    << nic_knob(c->c_nic, CX_KNOB_LOG_MAX_DEK);
	h->h_tir_table.t_limit = 65535; /* of IPv4 and of IPv6 rules */
	h->h_key_cache = nic_knob(c->c_nic, CX_KNOB_KEY_CACHE);
	h->h_key_miss = nic_knob(c->c_nic, CX_KNOB_KEY_MISS) * SIM_NS;
	return (0);
}

/* Contexts and keys are gone with the power; the tables' limits stay. */
void
cx_hw_reset(struct nic_card *c)
{
	struct cx_hw *h = c->c_softc;

	for (uint32_t i = 0; i < h->h_tis_table.t_size; i++)
		cx_context_drop(&h->h_tis[i]);
	if (h->h_dek != NULL)
		explicit_bzero(h->h_dek,
		    h->h_dek_table.t_size * sizeof(*h->h_dek));
	cx_rx_reset(h);
	h->h_tis_table.t_used = h->h_dek_table.t_used = 0;
	h->h_tis_table.t_free = h->h_dek_table.t_free = 0;
	h->h_cached = 0;
}

void
cx_hw_detach(struct nic_card *c)
{
	struct cx_hw *h = c->c_softc;

	cx_hw_reset(c);
	if (h->h_rxbuf != NULL)
		framebuf_rele(h->h_rxbuf);
	free(h->h_tir);
	free(h->h_tis);
	free(h->h_dek);
	free(h);
}

void
cx_hw_dump(const struct nic_card *c, struct strbuf *sb, int indent)
{
	const struct cx_hw *h = c->c_softc;

	strbuf_addf(sb, "%*sTIS %ju of %ju, DEK %ju of %ju", indent, "",
	    (uintmax_t)h->h_tis_table.t_used, (uintmax_t)h->h_tis_table.t_limit,
	    (uintmax_t)h->h_dek_table.t_used,
	    (uintmax_t)h->h_dek_table.t_limit);
	if (h->h_key_cache != 0)
		strbuf_addf(sb, ", keys fetched %ju",
		    (uintmax_t)h->h_key_misses);
	strbuf_adds(sb, "\n");
}
