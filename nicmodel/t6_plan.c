/* The decision table: nic-models.md 5.8 and 5.10. */
#include <string.h>

#include <ktsim/base/kassert.h>

#include "t6_plan.h"

#define BLOCK	     16
#define ROUNDDOWN(n) ((n) / BLOCK * BLOCK)

/* The beginning of the block of payload that an offset lies in. */
static uint32_t
block_of(const struct t6_ask *a, uint32_t off)
{
	return (
	    off <= a->a_hlen ? off : a->a_hlen + ROUNDDOWN(off - a->a_hlen));
}

/* How far a work request without tag may reach: never into the trailer. */
static uint32_t
short_end(const struct t6_ask *a)
{
	uint32_t end = MIN(a->a_end, a->a_hlen + a->a_paylen);

	return (a->a_cbc ? block_of(a, end) : end);
}

/* A trailer goes again as a whole, a block of CBC too. */
static uint32_t
tx_max(const struct t6_ask *a)
{
	uint32_t off = MIN(a->a_off, a->a_hlen + a->a_paylen);

	return (a->a_cbc ? block_of(a, off) : off);
}

static void
plan_full(const struct t6_ask *a, struct t6_plan *pl)
{
	pl->pl_kind = T6_FULL;
	pl->pl_tlen = a->a_hlen + a->a_paylen + a->a_tlen;
	pl->pl_dmalen = a->a_paylen;
	pl->pl_waste = a->a_off;
}

/* From `from` on, which is what SND_UNA becomes. */
static void
plan_short(const struct t6_ask *a, struct t6_plan *pl, uint32_t from)
{
	pl->pl_kind = T6_SHORT;
	pl->pl_tx_max = from;
	if (!a->a_cbc && from >= a->a_hlen) {
		pl->pl_start = block_of(a, from);
		pl->pl_dma = pl->pl_start - a->a_hlen;
	}
	pl->pl_dmalen = pl->pl_tlen - a->a_hlen - pl->pl_dma;
	if (a->a_cbc)
		pl->pl_waste = a->a_off;
	else if (a->a_off >= pl->pl_start && from >= a->a_hlen)
		pl->pl_waste = MIN(a->a_off, pl->pl_tlen) - pl->pl_start;
}

static void
plan_header(const struct t6_ask *a, struct t6_plan *pl, uint32_t from)
{
	pl->pl_kind = T6_HEADER;
	pl->pl_start = from;
	pl->pl_tlen = MIN(a->a_end, a->a_hlen);
}

/* Where a range must end at least for a byte of it to be sent: with its last
 * block, or with the whole trailer. */
static uint32_t
least_end(const struct t6_ask *a)
{
	uint32_t trailer = a->a_hlen + a->a_paylen, end = a->a_end;

	if (a->a_cbc && end > a->a_hlen)
		end = block_of(a, end + BLOCK - 1);
	return (end > trailer ? trailer + a->a_tlen : end);
}

/*
 * Not a byte of what is asked for can be sent. That may be all, when the rest
 * comes with the next range. But when TCP repeats itself there is none, and
 * it would repeat itself forever: then more of the record is sent, if TCP has
 * asked for so much before; else what the peer has already, which it answers.
 */
static void
plan_nothing(const struct t6_ask *a, struct t6_plan *pl)
{
	struct t6_ask more = *a;

	pl->pl_kind = T6_NOTHING;
	if (a->a_asked < a->a_end)
		return;
	more.a_end = least_end(a);
	more.a_asked = 0;
	if (a->a_asked >= more.a_end)
		t6_plan(&more, pl);
	else if (pl->pl_tlen > a->a_hlen)
		plan_short(a, pl, block_of(a, pl->pl_tlen - 1));
	else
		plan_header(a, pl, 0);
}

void
t6_plan(const struct t6_ask *a, struct t6_plan *pl)
{
	*pl = (struct t6_plan) { .pl_tx_max = tx_max(a) };
	if (a->a_end == a->a_hlen + a->a_paylen + a->a_tlen)
		plan_full(a, pl);
	else {
		pl->pl_tlen = short_end(a);
		if (a->a_off < a->a_hlen && pl->pl_tlen <= a->a_hlen)
			plan_header(a, pl, a->a_off);
		else if (pl->pl_tlen <= pl->pl_tx_max)
			plan_nothing(a, pl);
		else
			plan_short(a, pl, pl->pl_tx_max);
	}
	if (pl->pl_tlen > a->a_off)
		pl->pl_octets = pl->pl_tlen - a->a_off;
}

uint32_t
t6_tls_wr_len(enum t6_kind kind, uint32_t hlen, uint32_t keylen, uint32_t nsegs)
{
	uint32_t imm = hlen + (kind == T6_SHORT ? T6_IV_LEN : 0);

	return ((uint32_t)sizeof(struct t6_wr_hdr) +
	    (uint32_t)sizeof(struct t6_tls_head) +
	    (keylen != 0 ? keylen : (uint32_t)sizeof(struct ulptx_sc_memrd)) +
	    (uint32_t)sizeof(struct cpl_tx_data) + T6_ROUND16(imm) +
	    t6_sgl_len(nsegs));
}

unsigned
t6_tcb_writes(const struct t6_shadow *sh, const struct t6_now *now,
    uint32_t tx_max_seq, uint32_t off, struct t6_write w[T6_WRITES_MAX])
{
	bool first = sh->sh_seq == 0 && sh->sh_ack == 0 && sh->sh_win == 0;
	unsigned n = 0;

	if (now->n_l2t != sh->sh_l2t)
		w[n++] = (struct t6_write) { TCB_L2T_IX, now->n_l2t };
	if (now->n_timestamps && now->n_tsecr != sh->sh_tsecr)
		w[n++] = (struct t6_write) { TCB_T_RTSEQ_RECENT, now->n_tsecr };
	if (first || sh->sh_seq != tx_max_seq)
		w[n++] = (struct t6_write) { TCB_TX_MAX, tx_max_seq };
	if (sh->sh_seq != tx_max_seq || off != 0)
		w[n++] = (struct t6_write) { TCB_SND_UNA_RAW, 0 };
	if (now->n_ack != sh->sh_ack)
		w[n++] = (struct t6_write) { TCB_RCV_NXT, now->n_ack };
	if (now->n_win != sh->sh_win)
		w[n++] = (struct t6_write) { TCB_RCV_WND, now->n_win };
	return (n);
}
