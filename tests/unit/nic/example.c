/*
 * A card to begin with: the smallest that is whole. A work request holds the
 * packet's header and the addresses of its payload; the card segments and
 * writes checksums. The driver asks the card for a context for each packet, by
 * a command, and gives it back when the packet is done.
 *
 * A real model has its driver half and its hardware half in two files, which
 * share the layout of the work request and nothing else. docs/nics.md goes
 * through this one step by step.
 */
#include "example.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/kern/vnet.h>

#include "nic_drv.h"

/* --- 1. what driver and card share: the work request, commands --- */

#define EX_SEND 0x51 /* so that zeros are no work request */
#define EX_CSUM 0x1
#define EX_SEGS 32

/* Then the header, rounded up to 16 bytes, and w_nsegs of ex_seg. */
struct ex_wr {
	uint8_t w_op;
	uint8_t w_flags;
	uint16_t w_hdrlen;
	uint16_t w_mss; /* 0: one frame */
	uint16_t w_nsegs;
	uint32_t w_paylen;
	uint32_t w_zero;
};

struct ex_seg {
	uint64_t s_addr; /* on the bus */
	uint32_t s_len;
	uint32_t s_zero;
};

#define EX_HDR_ROOM(len) (((uint32_t)(len) + 15) & ~15u)
#define EX_MAX                                               \
	(sizeof(struct ex_wr) + EX_HDR_ROOM(FRAME_HDR_MAX) + \
	    EX_SEGS * sizeof(struct ex_seg))
_Static_assert(EX_MAX <= NIC_WR_MAX, "the longest one fits");

static uint32_t
ex_wr_len(const struct ex_wr *w)
{
	return ((uint32_t)(sizeof(*w) + EX_HDR_ROOM(w->w_hdrlen) +
	    w->w_nsegs * sizeof(struct ex_seg)));
}

enum ex_op { EX_CONTEXT_TAKE, EX_CONTEXT_GIVE };

/* --- 2. the driver --- */

struct ex_softc {
	uint64_t sc_no_context; /* packets refused for want of one */
};

static int
ex_context(struct nic *n, enum ex_op op)
{
	struct nic_cmd cmd = { .c_op = op };

	return (nic_cmd_now(n, &cmd));
}

/* The packet's completion came, or it was given up. */
static void
ex_done(struct nic_txq *t, void *arg)
{
	(void)ex_context(t->t_nic, EX_CONTEXT_GIVE);
}

static int
ex_attach(struct nic *n)
{
	struct ex_softc *sc;
	char name[64];

	n->n_softc = sc = xcalloc(1, sizeof(*sc));
	snprintf(name, sizeof(name), "dev.%s.no_context", n->n_if.if_xname);
	sysctl_add(n->n_vnet, name, &sc->sc_no_context, CTL_CTR, NULL,
	    "packets refused: no context");
	return (0);
}

static void
ex_detach(struct nic *n)
{
	free(n->n_softc);
}

/* For captures: where the payload begins. */
static struct nic_lab
ex_lab(const struct nic_pkt *p)
{
	struct nic_lab lab = { .l_m = p->p_m, .l_skip = p->p_hdr.h_len };

	if (p->p_paylen == 0)
		return (lab);
	for (lab.l_rec = p->p_m; lab.l_skip >= lab.l_rec->m_len;
	     lab.l_rec = lab.l_rec->m_next)
		lab.l_skip -= lab.l_rec->m_len;
	return (lab);
}

static int
ex_post(struct nic_txq *t, const struct nic_pkt *p)
{
	_Alignas(8) uint8_t wr[EX_MAX] = { 0 };
	struct ex_wr *w = (void *)wr;
	struct nic_seg segs[EX_SEGS];
	struct nic_lab lab = ex_lab(p);
	struct ex_seg *out;
	int nsegs;

	nsegs = nic_map_chain(t, p->p_m, p->p_hdr.h_len, p->p_paylen, segs,
	    EX_SEGS);
	if (nsegs < 0)
		return (-nsegs);
	*w = (struct ex_wr) { .w_op = EX_SEND,
		.w_flags = p->p_csum ? EX_CSUM : 0,
		.w_hdrlen = p->p_hdr.h_len,
		.w_mss = (uint16_t)p->p_mss,
		.w_nsegs = (uint16_t)nsegs,
		.w_paylen = p->p_paylen };
	memcpy(w + 1, p->p_hdr.h_bytes, p->p_hdr.h_len);
	out = (void *)(wr + sizeof(*w) + EX_HDR_ROOM(w->w_hdrlen));
	for (int i = 0; i < nsegs; i++)
		out[i] = (struct ex_seg) { .s_addr = segs[i].s_addr,
			.s_len = segs[i].s_len };
	nic_txq_post(t, wr, ex_wr_len(w), p->p_m, (uint32_t)nsegs, &lab);
	nic_txq_last(t)->sl_done = ex_done;
	nic_txq_ring(t);
	return (0);
}

/* An errno: nothing has changed, the packet is the caller's. */
static int
ex_transmit(struct nic *n, struct nic_queue *q, struct mbuf *m,
    const char **why)
{
	struct ex_softc *sc = n->n_softc;
	struct nic_txq *t = nic_txq(n, q);
	struct nic_pkt p;
	int error;

	if (nic_txq_room(t) < nic_blocks(EX_MAX)) {
		*why = "transmit ring is full";
		return (ENOBUFS);
	}
	if ((error = nic_parse(m, &p)) != 0)
		return (error);
	if (ex_context(n, EX_CONTEXT_TAKE) != 0) {
		sc->sc_no_context++;
		*why = "no context";
		return (ENOBUFS);
	}
	if ((error = ex_post(t, &p)) != 0)
		(void)ex_context(n, EX_CONTEXT_GIVE);
	return (error);
}

/* --- 3. the card --- */

struct ex_hw {
	uint64_t hw_contexts, hw_used;
};

static int
ex_hw_attach(struct nic_card *c)
{
	struct ex_hw *hw;

	c->c_softc = hw = xcalloc(1, sizeof(*hw));
	hw->hw_contexts = nic_knob(c->c_nic, EX_KNOB_CONTEXTS);
	return (0);
}

static void
ex_hw_detach(struct nic_card *c)
{
	free(c->c_softc);
}

static void
ex_hw_reset(struct nic_card *c)
{
	((struct ex_hw *)c->c_softc)->hw_used = 0;
}

static void
ex_hw_cmd(struct nic_card *c, struct nic_cmd *cmd)
{
	struct ex_hw *hw = c->c_softc;

	if (cmd->c_op == EX_CONTEXT_GIVE)
		hw->hw_used--;
	else if (hw->hw_used < hw->hw_contexts)
		hw->hw_used++;
	else
		cmd->c_status = ENOMEM;
}

static int
ex_hw_order(struct nic_card *c, enum nic_order order, uint64_t value)
{
	struct ex_hw *hw = c->c_softc;

	if (order != NIC_ORDER_CONTEXTS)
		return (EOPNOTSUPP);
	if (value == 0)
		return (EINVAL);
	hw->hw_contexts = value;
	return (0);
}

static int
ex_hw_exec(struct nic_exec *x)
{
	_Alignas(8) uint8_t tmp[NIC_WR_MAX];
	const struct ex_wr *w = (const void *)nic_ring_block(x->x_q, x->x_at);
	struct nic_send s = { .s_paylen = w->w_paylen,
		.s_mss = w->w_mss,
		.s_csum = (w->w_flags & EX_CSUM) != 0 };
	const struct ex_seg *seg;
	const uint8_t *from;
	uint32_t at = 0;

	if (w->w_op != EX_SEND || w->w_hdrlen > FRAME_HDR_MAX ||
	    w->w_nsegs > EX_SEGS || w->w_paylen > FRAMEBUF_SIZE ||
	    nic_blocks(ex_wr_len(w)) > x->x_room)
		return (NIC_EXEC_BAD);
	x->x_blocks = nic_blocks(ex_wr_len(w));
	w = (const void *)nic_ring_get(x->x_q, x->x_at, ex_wr_len(w), tmp);
	memcpy(s.s_hdr.h_bytes, w + 1, w->w_hdrlen);
	s.s_hdr.h_len = w->w_hdrlen;
	nic_hdr_parse(&s.s_hdr);
	if (s.s_paylen > 0)
		s.s_fb = framebuf_alloc(x->x_card->c_pool);
	seg =
	    (const void *)((const uint8_t *)(w + 1) + EX_HDR_ROOM(w->w_hdrlen));
	for (unsigned i = 0; i < w->w_nsegs; at += seg[i++].s_len) {
		from = nic_dma_read(x, seg[i].s_addr, seg[i].s_len,
		    NIC_DMA_PAYLOAD);
		if (from == NULL || seg[i].s_len > s.s_paylen - at)
			break;
		memcpy(s.s_fb->fb_data + at, from, seg[i].s_len);
	}
	if (at == s.s_paylen)
		nic_segment(x, &s);
	if (s.s_fb != NULL)
		framebuf_rele(s.s_fb);
	return (at == s.s_paylen ? 0 : NIC_EXEC_BAD);
}

static void
ex_decode(const struct nic_queue *q, uint32_t at, uint32_t *blocks,
    struct strbuf *sb)
{
	const struct ex_wr *w = (const void *)nic_ring_block(q, at);

	*blocks = w->w_nsegs <= EX_SEGS && w->w_hdrlen <= FRAME_HDR_MAX
	    ? nic_blocks(ex_wr_len(w))
	    : 1;
	strbuf_addf(sb, "%s, header %u, payload %u in %u segments, mss %u",
	    w->w_op == EX_SEND ? "SEND" : "?", w->w_hdrlen, w->w_paylen,
	    w->w_nsegs, w->w_mss);
}

/* --- 4. its description --- */

static const struct nic_knob ex_knobs[] = {
	[EX_KNOB_CONTEXTS] = { "contexts", 64, 1, 256, NULL, "packets",
	    "packets that may be under way at once",
	    "assumed: this card does not exist" },
	{ NULL },
};

const struct nic_model nic_example = {
	.nm_name = "example",
	.nm_text = "a card to begin with: checksums and TSO",
	.nm_driver = "",
	.nm_source = "our own",
	.nm_caps = IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 |
	    IFCAP_TXCSUM_IPV6 | IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_LRO |
	    IFCAP_MEXTPG,
	.nm_tsomax = 65518,
	.nm_tsomaxsegcount = EX_SEGS - 2,
	.nm_tsomaxsegsize = 65536,
	.nm_ring = 1024,
	.nm_ring_min = 64,
	.nm_ring_max = 8192,
	.nm_queues = 2,
	.nm_fetch = 500 * SIM_NS,
	.nm_bus_bps = 50000000000,
	.nm_knobs = ex_knobs,
	.nm_attach = ex_attach,
	.nm_detach = ex_detach,
	.nm_transmit = ex_transmit,
	.nm_hw_attach = ex_hw_attach,
	.nm_hw_detach = ex_hw_detach,
	.nm_hw_reset = ex_hw_reset,
	.nm_hw_cmd = ex_hw_cmd,
	.nm_hw_order = ex_hw_order,
	.nm_hw_exec = ex_hw_exec,
	.nm_decode = ex_decode,
};
