/*
 * A bottleneck inside of a wire: frames leave it at its rate, wait in front
 * of it, and are dropped at the queue's end (drop-tail) or by RED before
 * that. RED as in Floyd and Jacobson 1993, the average with weight 1/512, in
 * whole numbers; with ECN as in RFC 3168: from `max` on it drops all the same.
 */
#include <stdlib.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/flowkey.h>

#include "impair_priv.h"

#define AVG_SHIFT 9
#define PPB	  1000000000ULL

/* --- the queue --- */

/* Those that are out by now wait no more. */
static void
queue_settle(struct bottleneck *q, simtime_t now)
{
	while (q->bn_n > 0 && q->bn_out[q->bn_first] <= now) {
		q->bn_first = (q->bn_first + 1) % q->bn_size;
		q->bn_n--;
	}
}

static void
queue_push(struct bottleneck *q, simtime_t out)
{
	simtime_t *ring;

	if (q->bn_n == q->bn_size) {
		ring = xcalloc(2 * q->bn_size + 16, sizeof(*ring));
		for (unsigned i = 0; i < q->bn_n; i++)
			ring[i] = q->bn_out[(q->bn_first + i) % q->bn_size];
		free(q->bn_out);
		q->bn_out = ring;
		q->bn_first = 0;
		q->bn_size = 2 * q->bn_size + 16;
	}
	q->bn_out[(q->bn_first + q->bn_n++) % q->bn_size] = out;
}

/* --- RED --- */

static uint64_t
bytes_in(simtime_t time, uint64_t rate)
{
	return ((uint64_t)((unsigned __int128)time * rate / (8 * SIM_SEC)));
}

/* While nothing waited the average went down, a step for each frame that
 * could have passed. */
static void
red_idle(struct node *n, simtime_t now, simtime_t ser)
{
	struct bottleneck *q = &n->n_queue;
	uint64_t steps;

	if (q->bn_busy >= now)
		return;
	steps = (now - q->bn_busy) / MAX(ser, (simtime_t)1);
	for (; steps > 0 && q->bn_avg >> AVG_SHIFT > 0; steps--)
		q->bn_avg -= q->bn_avg >> AVG_SHIFT;
}

/* Chance of a mark, growing with the average and with the frames since the
 * last one. */
static uint64_t
red_chance(const struct node *n, uint64_t avg)
{
	const struct sc_red *r = &n->n_p.rate.red;
	unsigned __int128 pb;
	uint64_t taken;

	pb = (unsigned __int128)r->chance * (avg - r->min) / (r->max - r->min);
	taken =
	    (uint64_t)MIN(pb * n->n_queue.bn_unmarked, (unsigned __int128)PPB);
	return (taken >= PPB ? PPB : (uint64_t)(pb * PPB / (PPB - taken)));
}

enum red { RED_PASS, RED_MARK, RED_DROP };

static enum red
red(struct node *n, uint64_t backlog, uint64_t u)
{
	const struct sc_red *r = &n->n_p.rate.red;
	struct bottleneck *q = &n->n_queue;
	uint64_t avg, chance;

	q->bn_avg += backlog - (q->bn_avg >> AVG_SHIFT);
	avg = q->bn_avg >> AVG_SHIFT;
	if (avg < r->min) {
		q->bn_unmarked = 0;
		return (RED_PASS);
	}
	if (avg >= r->max) {
		q->bn_unmarked = 0;
		return (RED_DROP);
	}
	chance = red_chance(n, avg);
	q->bn_unmarked++;
	if ((uint64_t)(((unsigned __int128)u * PPB) >> 64) >= chance)
		return (RED_PASS);
	q->bn_unmarked = 0;
	return (RED_MARK);
}

/* ECN capable transport, or marked already: RFC 3168 5. */
bool
frame_is_ect(const struct frame *f)
{
	uint16_t type, vlan;
	unsigned l3;

	type = segment_ethertype(f, &l3, &vlan);
	if (type == KETHERTYPE_IP && l3 + 20u <= f->f_hdrlen)
		return ((f->f_hdr[l3 + 1] & 3) != 0);
	if (type == KETHERTYPE_IPV6 && l3 + 40u <= f->f_hdrlen)
		return ((f->f_hdr[l3 + 1] & 0x30) != 0);
	return (false);
}

/* Lost or marked by RED; false: lost. */
static bool
red_apply(struct node *n, const struct frame *f, uint64_t backlog, uint64_t u,
    struct impair_fate *fate)
{
	enum red what = red(n, backlog, u);

	if (what == RED_PASS)
		return (true);
	if (what == RED_MARK && n->n_p.rate.red.ecn && frame_is_ect(f)) {
		fate->if_ce = true;
		n->n_stats.marked++;
		return (true);
	}
	fate->if_lost = n->n_red;
	return (false);
}

void
bottleneck_apply(struct node *n, const struct frame *f, uint64_t u,
    struct impair_fate *fate)
{
	const struct sc_bottleneck *p = &n->n_p.rate;
	struct bottleneck *q = &n->n_queue;
	simtime_t now = fate->if_when, ser, wait;
	uint32_t len;

	len = MAX(frame_len(f), KETHER_MIN_LEN) + KETHER_LINE_OVERHEAD;
	ser = simtime_bytes(len, p->rate);
	wait = q->bn_busy > now ? q->bn_busy - now : 0;
	queue_settle(q, now);
	if (p->red.present) {
		red_idle(n, now, ser);
		if (!red_apply(n, f, bytes_in(wait, p->rate), u, fate))
			return;
	}
	if ((p->queue != 0 && wait + ser > simtime_bytes(p->queue, p->rate)) ||
	    (p->packets != 0 && q->bn_n >= p->packets)) {
		fate->if_lost = n->n_lost;
		return;
	}
	q->bn_busy = now + wait + ser;
	if (p->packets != 0)
		queue_push(q, q->bn_busy);
	n->n_stats.delayed += wait > 0;
	fate->if_when = q->bn_busy;
}
