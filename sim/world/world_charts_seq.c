/*
 * Charts: sequence numbers over time, from the frames alone, as they leave
 * their senders: what was sent, sent again, lost, acknowledged, told by SACK,
 * and how far the window reached.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/nic/frame.h>

#include "charts_priv.h"

#define OPT_NOP	   1
#define OPT_WSCALE 3
#define OPT_SACK   5

void
chart_conn_fini(struct chart_conn *cn)
{
	for (int i = 0; i < 2; i++) {
		series_fini(&cn->cn_dir[i].cd_sent);
		series_fini(&cn->cn_dir[i].cd_acked);
		series_fini(&cn->cn_dir[i].cd_limit);
		marks_fini(&cn->cn_dir[i].cd_again);
		marks_fini(&cn->cn_dir[i].cd_sacked);
		marks_fini(&cn->cn_dir[i].cd_lost);
		series_fini(&cn->cn_buffer[i].cb_ready);
		series_fini(&cn->cn_buffer[i].cb_all);
		series_fini(&cn->cn_buffer[i].cb_cwnd);
	}
	*cn = (struct chart_conn) { 0 };
}

/* --- who is followed --- */

static bool
keys_reverse(const struct flowkey *a, const struct flowkey *b)
{
	return (a->fk_sport == b->fk_dport && a->fk_dport == b->fk_sport &&
	    a->fk_vlan_v6 == b->fk_vlan_v6 &&
	    memcmp(a->fk_src, b->fk_dst, sizeof(a->fk_src)) == 0 &&
	    memcmp(a->fk_dst, b->fk_src, sizeof(a->fk_dst)) == 0);
}

static bool
keys_equal(const struct flowkey *a, const struct flowkey *b)
{
	return (memcmp(a, b, sizeof(*a)) == 0);
}

/* The connection that has the key in one of its directions; slot from 1. */
static unsigned
slot_with(const struct charts *ch, const struct flowkey *k, unsigned *side)
{
	const struct chart_conn *cn = ch->ch_conns;

	for (unsigned i = 0; i < CHART_CONNS && cn[i].cn_used; i++) {
		const struct flowkey *first = &cn[i].cn_dir[0].cd_key;

		if (keys_equal(k, first) || keys_reverse(k, first)) {
			*side = keys_equal(k, first) ? 0 : 1;
			return (i + 1);
		}
	}
	return (0);
}

/* Frames of a connection that is not followed any more are nobody's. */
static void
recent_forget(struct chartbook *b, unsigned at)
{
	for (unsigned i = 0; i < RECENT; i++)
		if (b->b_recent[i].re_slot == at)
			b->b_recent[i].re_id = 0;
}

/* The one to whom nothing happened yet; or none. */
static unsigned
slot_poor(struct world *w)
{
	struct chart_conn *cn = w->w_charts.ch_conns;
	struct chartbook *b = w->w_chartbook;

	for (unsigned i = 0; i < CHART_CONNS; i++) {
		if (cn[i].cn_score > 0)
			continue;
		for (int s = 0; s < 2; s++)
			if (cn[i].cn_hosts[s] != CHART_NOHOST)
				book_conn(w, cn[i].cn_hosts[s],
				    cn[i].cn_numbers[s])
				    ->bc_slot = SLOT_NONE;
		chart_conn_fini(&cn[i]);
		recent_forget(b, i);
		b->b_conns[i][0] = b->b_conns[i][1] = NULL;
		return (i + 1);
	}
	b->b_all_rich = true;
	return (0);
}

static unsigned
slot_free(const struct charts *ch)
{
	for (unsigned i = 0; i < CHART_CONNS; i++)
		if (!ch->ch_conns[i].cn_used)
			return (i + 1);
	return (0);
}

static void
slot_open(struct world *w, unsigned slot, const struct segment *sg, bool wanted)
{
	struct chart_conn *cn = &w->w_charts.ch_conns[slot - 1];

	cn->cn_used = true;
	cn->cn_score = wanted; /* it is not given up again */
	cn->cn_since = timebase_now(w->w_tb);
	cn->cn_whole = (sg->sg_flags & (SEG_SYN | SEG_ACK)) == SEG_SYN;
	cn->cn_dir[0].cd_key = sg->sg_key;
	cn->cn_hosts[0] = cn->cn_hosts[1] = CHART_NOHOST;
}

/* A side is this host's connection. */
static void
slot_join(struct world *w, unsigned slot, unsigned side, unsigned host,
    uint32_t number)
{
	struct chart_conn *cn = &w->w_charts.ch_conns[slot - 1];
	struct book_conn *bc = book_conn(w, host, number);

	bc->bc_slot = (uint8_t)slot;
	bc->bc_side = (uint8_t)side;
	cn->cn_hosts[side] = host;
	cn->cn_numbers[side] = number;
	w->w_chartbook->b_conns[slot - 1][side] = bc->bc_conn;
}

/* Of a connection that has none, or should have one; 0: it gets none. */
static unsigned
slot_get(struct world *w, unsigned host, uint32_t number, bool wanted,
    const struct segment *sg, unsigned *side)
{
	unsigned slot = slot_with(&w->w_charts, &sg->sg_key, side);

	if (slot == 0) {
		if ((slot = slot_free(&w->w_charts)) == 0 && wanted)
			slot = slot_poor(w);
		if (slot == 0) {
			if (!wanted && (sg->sg_flags & SEG_SYN) != 0 &&
			    (sg->sg_flags & SEG_ACK) == 0)
				w->w_charts.ch_not_followed++;
			if (number != 0)
				book_conn(w, host, number)->bc_slot = SLOT_NONE;
			return (0);
		}
		slot_open(w, slot, sg, wanted);
		*side = 0;
	}
	if (number != 0)
		slot_join(w, slot, *side, host, number);
	return (slot);
}

void
charts_rich(struct world *w, unsigned host, uint32_t number)
{
	struct book_conn *bc;

	if (w->w_charts_at == SIM_NEVER || number == 0)
		return;
	bc = book_conn(w, host, number);
	if (bc->bc_slot == SLOT_NONE && !w->w_chartbook->b_all_rich)
		bc->bc_slot = SLOT_WANT;
	else if (bc->bc_slot != SLOT_NEW && bc->bc_slot < SLOT_WANT)
		w->w_charts.ch_conns[bc->bc_slot - 1].cn_score++;
}

/* Slot from 1, and the segment; 0: nobody follows it. */
static unsigned
slot_of(struct world *w, unsigned host, const struct frame *f,
    struct segment *sg, unsigned *side)
{
	uint32_t number = f->f_note.pn_conn;
	const struct book_conn *bc;

	if (host == CHART_NOHOST || number == 0) {
		if (!segment_parse(f, sg))
			return (0);
		return (host == CHART_NOHOST
			? slot_get(w, host, 0, false, sg, side)
			: slot_with(&w->w_charts, &sg->sg_key, side));
	}
	if (f->f_note.pn_rexmit)
		charts_rich(w, host, number);
	bc = book_conn(w, host, number);
	if (bc->bc_slot == SLOT_NONE || !segment_parse(f, sg))
		return (0);
	if (bc->bc_slot == SLOT_NEW || bc->bc_slot == SLOT_WANT)
		return (slot_get(w, host, number, bc->bc_slot == SLOT_WANT, sg,
		    side));
	*side = bc->bc_side;
	return (bc->bc_slot);
}

/* --- one direction --- */

static uint64_t
dir_place(const struct chart_dir *d, uint32_t seq)
{
	int64_t at = (int64_t)d->cd_next +
	    (int32_t)(seq - (d->cd_first + (uint32_t)d->cd_next));

	return (at > 0 ? (uint64_t)at : 0);
}

static void
dir_begin(struct chart_dir *d, const struct segment *sg)
{
	d->cd_known = true;
	d->cd_key = sg->sg_key;
	d->cd_first = sg->sg_seq;
	d->cd_sent.s_level = d->cd_acked.s_level = d->cd_limit.s_level = true;
	d->cd_sent.s_most = d->cd_acked.s_most = d->cd_limit.s_most =
	    CHART_BINS;
}

static void
dir_sent(struct world *w, struct chart_dir *d, unsigned slot, unsigned side,
    const struct segment *sg, const struct frame *f)
{
	simtime_t now = timebase_now(w->w_tb);
	uint32_t len = sg->sg_len + ((sg->sg_flags & SEG_SYN) != 0) +
	    ((sg->sg_flags & SEG_FIN) != 0);
	uint64_t lo = dir_place(d, sg->sg_seq);

	if (len == 0)
		return;
	w->w_chartbook->b_recent[f->f_id % RECENT] =
	    (struct recent) { .re_id = f->f_id,
		    .re_lo = lo,
		    .re_len = len,
		    .re_slot = (uint8_t)(slot - 1),
		    .re_side = (uint8_t)side };
	if (lo < d->cd_next)
		marks_add(&d->cd_again, now, lo, lo + len, f->f_id);
	if (lo + len > d->cd_next) {
		d->cd_next = lo + len;
		series_add(&d->cd_sent, now, d->cd_next);
	}
}

void
chart_frame_lost(struct world *w, uint64_t id)
{
	struct recent *re = &w->w_chartbook->b_recent[id % RECENT];

	if (re->re_id != id || re->re_lost)
		return;
	re->re_lost = true;
	marks_add(&w->w_charts.ch_conns[re->re_slot]
		       .cn_dir[re->re_side]
		       .cd_lost,
	    timebase_now(w->w_tb), re->re_lo, re->re_lo + re->re_len, id);
}

void
chart_frame_whose(const struct world *w, uint64_t id, unsigned *host,
    uint32_t *number)
{
	const struct recent *re = &w->w_chartbook->b_recent[id % RECENT];
	const struct chart_conn *cn = &w->w_charts.ch_conns[re->re_slot];

	if (re->re_id != id)
		return;
	*host = cn->cn_hosts[re->re_side];
	*number = cn->cn_numbers[re->re_side];
}

/* --- what the other side says of it --- */

static void
option_sack(struct world *w, struct chart_dir *d, const uint8_t *p,
    unsigned len, uint64_t frame)
{
	for (; len >= 8; p += 8, len -= 8)
		marks_add(&d->cd_sacked, timebase_now(w->w_tb),
		    dir_place(d, be32dec(p)), dir_place(d, be32dec(p + 4)),
		    frame);
}

/* mine: of the direction that the segment is of; other: it speaks of. */
static void
options_read(struct world *w, struct chart_dir *mine, struct chart_dir *other,
    const struct segment *sg, const struct frame *f)
{
	const uint8_t *p = f->f_hdr + sg->sg_optoff, *end = p + sg->sg_optlen;

	while (p + 1 < end && *p != 0) {
		if (*p == OPT_NOP) {
			p++;
			continue;
		}
		if (p[1] < 2 || p + p[1] > end)
			return;
		if (*p == OPT_WSCALE && p[1] == 3)
			mine->cd_scale = (uint8_t)(1 + MIN(p[2], 14));
		if (*p == OPT_SACK && other->cd_known)
			option_sack(w, other, p + 2, p[1] - 2u, f->f_id);
		p += p[1];
	}
}

static void
dir_acked(struct world *w, struct chart_conn *cn, unsigned side,
    const struct segment *sg)
{
	struct chart_dir *mine = &cn->cn_dir[side],
			 *other = &cn->cn_dir[1 - side];
	simtime_t now = timebase_now(w->w_tb);
	uint64_t ack, edge;
	unsigned scale = 0;

	if (!other->cd_known || (sg->sg_flags & SEG_ACK) == 0)
		return;
	ack = dir_place(other, sg->sg_ack);
	if (ack > other->cd_ack) {
		other->cd_ack = ack;
		series_add(&other->cd_acked, now, ack);
	}
	if (!mine->cd_syn || !other->cd_syn)
		return;
	/* A SYN's window is not scaled; else both must have wanted it. */
	if ((sg->sg_flags & SEG_SYN) == 0 && mine->cd_scale > 0 &&
	    other->cd_scale > 0)
		scale = mine->cd_scale - 1u;
	edge = ack + ((uint64_t)sg->sg_win << scale);
	if (edge > other->cd_edge) {
		other->cd_edge = edge;
		series_add(&other->cd_limit, now, edge);
	}
}

static void
conn_frame(struct world *w, unsigned slot, unsigned side,
    const struct segment *sg, const struct frame *f)
{
	struct chart_conn *cn = &w->w_charts.ch_conns[slot - 1];
	struct chart_dir *mine = &cn->cn_dir[side];

	if (!mine->cd_known)
		dir_begin(mine, sg);
	dir_sent(w, mine, slot, side, sg, f);
	if ((sg->sg_flags & SEG_SYN) != 0 || sg->sg_optlen > 12)
		options_read(w, mine, &cn->cn_dir[1 - side], sg, f);
	if ((sg->sg_flags & SEG_SYN) != 0)
		mine->cd_syn = true;
	dir_acked(w, cn, side, sg);
}

void
charts_frame(struct world *w, unsigned host, const struct frame *f)
{
	struct segment sg;
	unsigned slot, side;

	if (w->w_chartbook->b_npending > 0)
		chart_events_frame(w, host, f);
	if ((slot = slot_of(w, host, f, &sg, &side)) != 0)
		conn_frame(w, slot, side, &sg, f);
}
