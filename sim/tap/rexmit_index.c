/*
 * Which frame carried these bytes first. Per flow direction a sorted array of
 * disjoint sequence intervals, each with the frame that brought it; new bytes
 * nearly always go to the end, acknowledged ones leave at the front.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/base/hash.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/tap.h>

#include <ktsim/sim/flowkey.h>

#define SEQ_LT(a, b)  ((int32_t)((a) - (b)) < 0)
#define SEQ_LEQ(a, b) ((int32_t)((a) - (b)) <= 0)

struct carried {
	uint32_t ca_from, ca_to; /* [from, to) */
	uint64_t ca_frame;
};

struct rexmit_flow {
	struct rexmit_flow *rf_next; /* hash chain */
	struct flowkey rf_key;
	struct carried *rf_c;
	unsigned rf_first, rf_n, rf_size; /* [first, n) live */
};

struct rexmit_index {
	struct rexmit_flow **ri_hash;
	unsigned ri_size, ri_flows; /* size: a power of 2 */
	bool ri_disorder;
};

struct rexmit_index *
rexmit_index_create(void)
{
	struct rexmit_index *ri;

	ri = xcalloc(1, sizeof(*ri));
	ri->ri_size = 64;
	ri->ri_hash = xcalloc(ri->ri_size, sizeof(*ri->ri_hash));
	return (ri);
}

void
rexmit_index_destroy(struct rexmit_index *ri)
{
	struct rexmit_flow *rf, *next;

	if (ri == NULL)
		return;
	for (unsigned i = 0; i < ri->ri_size; i++)
		for (rf = ri->ri_hash[i]; rf != NULL; rf = next) {
			next = rf->rf_next;
			free(rf->rf_c);
			free(rf);
		}
	free(ri->ri_hash);
	free(ri);
}

static unsigned
flow_slot(const struct rexmit_index *ri, const struct flowkey *fk)
{
	return ((unsigned)hash64(fk, sizeof(*fk), 0) & (ri->ri_size - 1));
}

static void
index_grow(struct rexmit_index *ri)
{
	struct rexmit_flow **old = ri->ri_hash, *rf, *next;
	unsigned n = ri->ri_size, slot;

	ri->ri_size *= 2;
	ri->ri_hash = xcalloc(ri->ri_size, sizeof(*ri->ri_hash));
	for (unsigned i = 0; i < n; i++)
		for (rf = old[i]; rf != NULL; rf = next) {
			next = rf->rf_next;
			slot = flow_slot(ri, &rf->rf_key);
			rf->rf_next = ri->ri_hash[slot];
			ri->ri_hash[slot] = rf;
		}
	free(old);
}

static struct rexmit_flow *
flow_find(struct rexmit_index *ri, const struct flowkey *fk, bool create)
{
	struct rexmit_flow *rf;
	unsigned slot = flow_slot(ri, fk);

	for (rf = ri->ri_hash[slot]; rf != NULL; rf = rf->rf_next)
		if (memcmp(&rf->rf_key, fk, sizeof(*fk)) == 0)
			return (rf);
	if (!create)
		return (NULL);
	if (++ri->ri_flows > 2 * ri->ri_size) {
		index_grow(ri);
		slot = flow_slot(ri, fk);
	}
	rf = xcalloc(1, sizeof(*rf));
	rf->rf_key = *fk;
	rf->rf_next = ri->ri_hash[slot];
	ri->ri_hash[slot] = rf;
	return (rf);
}

/* First live interval that ends behind seq; rf_n when there is none. */
static unsigned
flow_search(const struct rexmit_flow *rf, uint32_t seq)
{
	unsigned lo = rf->rf_first, hi = rf->rf_n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (SEQ_LEQ(rf->rf_c[mid].ca_to, seq))
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

static void
flow_room(struct rexmit_flow *rf)
{
	if (rf->rf_n < rf->rf_size)
		return;
	if (rf->rf_first > rf->rf_size / 2) {
		rf->rf_n -= rf->rf_first;
		memmove(rf->rf_c, rf->rf_c + rf->rf_first,
		    rf->rf_n * sizeof(*rf->rf_c));
		rf->rf_first = 0;
		return;
	}
	rf->rf_size = rf->rf_size != 0 ? 2 * rf->rf_size : 16;
	rf->rf_c = xrealloc(rf->rf_c, rf->rf_size * sizeof(*rf->rf_c));
}

static void
flow_insert(struct rexmit_flow *rf, unsigned at, uint32_t from, uint32_t to,
    uint64_t frame)
{
	unsigned back = rf->rf_n - at; /* room-making may move the array */

	flow_room(rf);
	at = rf->rf_n - back;
	memmove(rf->rf_c + at + 1, rf->rf_c + at, back * sizeof(*rf->rf_c));
	rf->rf_c[at] = (struct carried) { from, to, frame };
	rf->rf_n++;
}

/* Remember the parts of [from, to) that nobody carried before; was there one? */
static bool
flow_add(struct rexmit_flow *rf, uint32_t from, uint32_t to, uint64_t frame)
{
	unsigned i;
	uint32_t end;
	bool any = false;

	while (SEQ_LT(from, to)) {
		i = flow_search(rf, from);
		if (i < rf->rf_n && SEQ_LEQ(rf->rf_c[i].ca_from, from)) {
			from = rf->rf_c[i].ca_to;
			continue;
		}
		end = to;
		if (i < rf->rf_n && SEQ_LT(rf->rf_c[i].ca_from, end))
			end = rf->rf_c[i].ca_from;
		flow_insert(rf, i, from, end, frame);
		from = end;
		any = true;
	}
	return (any);
}

/*
 * An acknowledgement that was seen leaving may be lost, and the bytes sent
 * again all the same: what is acknowledged is kept for a while longer.
 */
#define KEEP_ACKED (4u << 20)

static void
flow_acked(struct rexmit_flow *rf, uint32_t ack)
{
	while (rf->rf_first < rf->rf_n &&
	    SEQ_LEQ(rf->rf_c[rf->rf_first].ca_to, ack))
		rf->rf_first++;
	if (rf->rf_first == rf->rf_n)
		rf->rf_first = rf->rf_n = 0;
}

static void
track_ack(struct rexmit_index *ri, const struct segment *sg)
{
	struct rexmit_flow *rf;
	struct flowkey back = sg->sg_key;

	memcpy(back.fk_src, sg->sg_key.fk_dst, sizeof(back.fk_src));
	memcpy(back.fk_dst, sg->sg_key.fk_src, sizeof(back.fk_dst));
	back.fk_sport = sg->sg_key.fk_dport;
	back.fk_dport = sg->sg_key.fk_sport;
	rf = flow_find(ri, &back, false);
	if (rf != NULL)
		flow_acked(rf, sg->sg_ack - KEEP_ACKED);
}

uint64_t
rexmit_track(struct rexmit_index *ri, const struct frame *f)
{
	struct rexmit_flow *rf;
	struct segment sg;
	uint32_t len, end;
	uint64_t first = 0;
	unsigned i;
	bool below;

	if (!segment_parse(f, &sg))
		return (0);
	if ((sg.sg_flags & SEG_ACK) != 0)
		track_ack(ri, &sg);
	len = sg.sg_len + ((sg.sg_flags & SEG_SYN) != 0) +
	    ((sg.sg_flags & SEG_FIN) != 0);
	if (len == 0)
		return (0);
	rf = flow_find(ri, &sg.sg_key, true);
	i = flow_search(rf, sg.sg_seq);
	if (i < rf->rf_n && SEQ_LEQ(rf->rf_c[i].ca_from, sg.sg_seq))
		first = rf->rf_c[i].ca_frame;
	else if ((sg.sg_flags & SEG_SYN) != 0)
		rf->rf_first = rf->rf_n = 0; /* the ports are used again */
	end = sg.sg_seq + len - ((sg.sg_flags & SEG_FIN) != 0);
	below = rf->rf_n > rf->rf_first &&
	    SEQ_LT(sg.sg_seq, rf->rf_c[rf->rf_n - 1].ca_to);
	if (flow_add(rf, sg.sg_seq, end, f->f_id) && below)
		ri->ri_disorder = true;
	(void)flow_add(rf, end, sg.sg_seq + len, f->f_id);
	return (first);
}

bool
rexmit_disorder(const struct rexmit_index *ri)
{
	return (ri->ri_disorder);
}
