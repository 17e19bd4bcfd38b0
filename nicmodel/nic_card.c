/*
 * The card's common half: takes work requests from its queues in turn, lets
 * the model process them, gives their bytes the time they need on the bus and
 * their frames the time they need on the link, and writes completions.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>

#include "nic_hw.h"

/* Bytes written to the host for one: the queue and the block below which all
 * is done (both big-endian), whether the queue is stopped, zeros. */
#define CQE_SIZE 64

struct nic_bus {
	uint64_t b_bps;
	simtime_t b_free; /* it has read all that was asked for */
	simtime_t b_busy; /* in all */
};

struct nic_bus *
nic_bus_create(uint64_t bps)
{
	struct nic_bus *b = xcalloc(1, sizeof(*b));

	b->b_bps = bps;
	return (b);
}

void
nic_bus_destroy(struct nic_bus *b)
{
	free(b);
}

void
nic_bus_set_rate(struct nic_bus *b, uint64_t bps)
{
	b->b_bps = bps;
}

uint64_t
nic_bus_rate(const struct nic *n)
{
	return (n->n_card->c_bus->b_bps);
}

simtime_t
nic_bus_busy(const struct nic *n)
{
	return (n->n_card->c_bus->b_busy);
}

static simtime_t
bus_time(const struct nic_bus *b, uint64_t bytes)
{
	return (b->b_bps == 0 ? 0 : simtime_bytes(bytes, b->b_bps));
}

/* --- completions --- */

static void
cqe_push(struct nic_card *c, struct nic_queue *q, simtime_t when)
{
	/* One interrupt line: nothing overtakes. */
	c->c_cqe_last = MAX(c->c_cqe_last, when);
	KASSERT(c->c_cqe_head - c->c_cqe_tail < c->c_cqe_size,
	    ("more completions than work requests"));
	c->c_cqes[c->c_cqe_head++ & (c->c_cqe_size - 1)] =
	    (struct nic_cqe) { c->c_cqe_last, q, q->q_fetched };
}

/* Tell who looks what the card writes into host memory. */
static void
cqe_show(struct nic_card *c, const struct nic_cqe *e)
{
	const struct nic_params *np = &c->c_nic->n_params;
	uint8_t cqe[CQE_SIZE] = { 0 };
	char text[80];

	be32enc(cqe, e->e_q->q_index);
	be32enc(cqe + 4, e->e_ci);
	cqe[8] = e->e_q->q_error ? 1 : 0;
	snprintf(text, sizeof(text), "queue %u: blocks below %u are done%s",
	    e->e_q->q_index, e->e_ci,
	    e->e_q->q_error ? ", the queue is stopped" : "");
	np->np_ops->np_dma(np->np_arg, c->c_nic, e->e_q->q_index, true, cqe,
	    sizeof(cqe), text);
}

/* What is due by now is written, and the driver told once. */
static void
cqe_write(struct nic_card *c)
{
	simtime_t now = timebase_now(c->c_vnet->v_tb);
	bool any = false;
	struct nic_cqe *e;

	if (c->c_cqe_tail == c->c_cqe_head ||
	    c->c_cqes[c->c_cqe_tail & (c->c_cqe_size - 1)].e_when +
		    c->c_moderation >
		now)
		return;
	while (c->c_cqe_tail != c->c_cqe_head) {
		e = &c->c_cqes[c->c_cqe_tail & (c->c_cqe_size - 1)];
		if (e->e_when > now)
			break;
		e->e_q->q_ci = e->e_ci;
		c->c_stats->dma_cqe += CQE_SIZE;
		if (c->c_nic->n_params.np_ops->np_dma != NULL)
			cqe_show(c, e);
		c->c_cqe_tail++;
		any = true;
	}
	if (any)
		c->c_interrupt(c->c_nic);
}

/* --- the link --- */

static void
link_frame(struct nic_card *c, struct frame *f, simtime_t ready)
{
	uint32_t len = frame_len(f);

	c->c_stats->tx_frames++;
	c->c_stats->tx_bytes += len;
	c->c_nic->n_if.if_ctr.opackets++;
	c->c_nic->n_if.if_ctr.obytes += len;
	if (c->c_link_up)
		c->c_link_free = MAX(c->c_link_free, ready) +
		    simtime_bytes(MAX(len, KETHER_MIN_LEN) +
			    KETHER_LINE_OVERHEAD,
			c->c_link_bps);
	else {
		f->f_flags |= FRAME_LOST_RING;
		c->c_stats->tx_lost_ring++;
	}
	f->f_when =
	    c->c_link_up ? c->c_link_free : timebase_now(c->c_vnet->v_tb);
	c->c_nic->n_params.np_ops->np_egress(c->c_nic->n_params.np_arg,
	    c->c_nic, f);
}

/* Frames leave as their bytes come in over the bus; returns when the last one
 * has, or when all is read if there is none. */
static simtime_t
link_frames(struct nic_card *c, struct nic_exec *x, simtime_t start)
{
	uint64_t read = x->x_dma[NIC_DMA_DESC] + x->x_dma[NIC_DMA_REREAD];
	simtime_t last;
	struct frame *f;

	last = start + bus_time(c->c_bus, read + x->x_dma[NIC_DMA_PAYLOAD]) +
	    x->x_delay;
	while ((f = STAILQ_FIRST(&x->x_out)) != NULL) {
		STAILQ_REMOVE_HEAD(&x->x_out, f_link);
		read += f->f_paylen;
		link_frame(c, f, start + bus_time(c->c_bus, read) + x->x_delay);
		last = MAX(last, c->c_link_up ? c->c_link_free : 0);
	}
	return (last);
}

/* Of the frames that a work request has made. */
static uint64_t
out_bytes(const struct nic_exec *x)
{
	uint64_t bytes = 0;
	struct frame *f;

	STAILQ_FOREACH(f, &x->x_out, f_link)
		bytes += frame_len(f);
	return (bytes);
}

void
nic_card_emit(struct nic_card *c, struct frameq *q)
{
	simtime_t now = timebase_now(c->c_vnet->v_tb);
	struct frame *f;

	while ((f = STAILQ_FIRST(q)) != NULL) {
		STAILQ_REMOVE_HEAD(q, f_link);
		link_frame(c, f, now);
	}
}

/* --- work requests --- */

static void
exec_account(struct nic_card *c, const struct nic_exec *x)
{
	const struct nic_lab *lab = &x->x_lab;
	struct nic_stats *st = c->c_stats;

	st->dma_desc += x->x_dma[NIC_DMA_DESC];
	st->dma_payload += x->x_dma[NIC_DMA_PAYLOAD] + x->x_dma[NIC_DMA_REREAD];
	st->dma_reread += x->x_dma[NIC_DMA_REREAD];
	if (x->x_dma[NIC_DMA_REREAD] > 0)
		TRACE(&c->c_vnet->v_tracer, nic_reread, TS(c->c_name),
		    TU(lab->l_m != NULL ? lab->l_m->m_pkthdr.note.pn_conn
					: lab->l_conn),
		    TU(x->x_dma[NIC_DMA_REREAD]));
}

/* Tell who looks what the card takes out of the ring. */
static void
exec_show(struct nic_card *c, const struct nic_queue *q)
{
	const struct nic_params *np = &c->c_nic->n_params;
	struct strbuf sb = { 0 };
	uint8_t tmp[NIC_WR_MAX];
	uint32_t blocks = 1;

	if (np->np_ops->np_dma == NULL)
		return;
	if (c->c_model->nm_decode != NULL)
		c->c_model->nm_decode(q, q->q_fetched, &blocks, &sb);
	/* Whatever a work request that makes no sense says of itself. */
	blocks = MIN(MAX(blocks, 1u),
	    MIN(q->q_pi - q->q_fetched, NIC_WR_MAX / NIC_BLOCK));
	np->np_ops->np_dma(np->np_arg, c->c_nic, q->q_index, false,
	    nic_ring_get(q, q->q_fetched, blocks * NIC_BLOCK, tmp),
	    blocks * NIC_BLOCK, strbuf_str(&sb));
	strbuf_fini(&sb);
}

static void
exec_bad(struct nic_card *c, struct nic_exec *x)
{
	struct frame *f;

	while ((f = STAILQ_FIRST(&x->x_out)) != NULL) {
		STAILQ_REMOVE_HEAD(&x->x_out, f_link);
		frame_rele(f);
	}
	if (!x->x_q->q_error)
		TRACE(&c->c_vnet->v_tracer, nic_cqe_err, TS(c->c_name),
		    TU(x->x_q->q_index), TU(x->x_at),
		    TS("the queue is stopped until the card is reset"));
	x->x_q->q_error = true;
	x->x_q->q_bad++;
	c->c_stats->cqe_err++;
}

static void
card_begin(struct nic_card *c, struct nic_queue *q)
{
	simtime_t now = timebase_now(c->c_vnet->v_tb), start, done, last;
	struct nic_exec x = { .x_card = c,
		.x_q = q,
		.x_at = q->q_fetched,
		.x_blocks = 1,
		.x_room = q->q_pi - q->q_fetched,
		.x_lab = q->q_lab[q->q_fetched & (q->q_blocks - 1)] };

	STAILQ_INIT(&x.x_out);
	/* A stopped queue completes what it is given, and sends nothing. */
	if (q->q_error)
		x.x_blocks = x.x_room;
	else
		exec_show(c, q);
	if (q->q_error || c->c_model->nm_hw_exec(&x) != 0)
		exec_bad(c, &x);
	KASSERT(x.x_blocks > 0 && x.x_blocks <= x.x_room,
	    ("%s: a work request of %u blocks, posted are %u", c->c_name,
		x.x_blocks, x.x_room));
	x.x_dma[NIC_DMA_DESC] += (uint64_t)x.x_blocks * NIC_BLOCK;
	q->q_fetched += x.x_blocks;
	exec_account(c, &x);
	start = MAX(now, c->c_bus->b_free);
	done = start +
	    bus_time(c->c_bus,
		x.x_dma[NIC_DMA_DESC] + x.x_dma[NIC_DMA_PAYLOAD] +
		    x.x_dma[NIC_DMA_REREAD]) +
	    x.x_delay;
	c->c_bus->b_free = done;
	c->c_bus->b_busy += done - start;
	if (q->q_rate_bps != 0)
		q->q_next = MAX(q->q_next, now) +
		    simtime_bytes(out_bytes(&x), q->q_rate_bps);
	last = link_frames(c, &x, start);
	cqe_push(c, q, MAX(last, now));
	c->c_next = MAX(done, now);
	if (c->c_link_free > c->c_buffer)
		c->c_next = MAX(c->c_next, c->c_link_free - c->c_buffer);
}

/* When a work request of this queue may be begun; SIM_NEVER: it has none. */
static simtime_t
queue_ready(const struct nic_queue *q)
{
	if (q->q_pi == q->q_fetched || q->q_hung)
		return (SIM_NEVER);
	return (q->q_next);
}

/* The queue whose turn it is at this instant; else *next: when there is one. */
static struct nic_queue *
card_pick(struct nic_card *c, simtime_t now, simtime_t *next)
{
	struct nic_queue *q;
	simtime_t when;

	*next = SIM_NEVER;
	for (unsigned i = 0; i < c->c_nqueues; i++) {
		q = &c->c_queues[(c->c_turn + i) % c->c_nqueues];
		when = queue_ready(q);
		if (when <= now) {
			c->c_turn = (q->q_index + 1) % c->c_nqueues;
			return (q);
		}
		*next = MIN(*next, when);
	}
	return (NULL);
}

static void
card_schedule(struct nic_card *c)
{
	simtime_t now = timebase_now(c->c_vnet->v_tb), when = SIM_NEVER, cqe;

	for (unsigned i = 0; i < c->c_nqueues; i++)
		when = MIN(when, queue_ready(&c->c_queues[i]));
	if (when != SIM_NEVER)
		when = MAX(when, c->c_next);
	if (c->c_cqe_tail != c->c_cqe_head) {
		cqe = c->c_cqes[c->c_cqe_tail & (c->c_cqe_size - 1)].e_when +
		    c->c_moderation;
		when = MIN(when, cqe);
	}
	if (when == SIM_NEVER)
		timebase_cancel(c->c_vnet->v_tb, &c->c_ev);
	else
		timebase_post(c->c_vnet->v_tb, &c->c_ev, MAX(when, now));
}

static void
card_run(void *arg)
{
	struct nic_card *c = arg;
	simtime_t now = timebase_now(c->c_vnet->v_tb), next;
	struct nic_queue *q;

	c->c_running = true;
	cqe_write(c);
	while (c->c_next <= now && (q = card_pick(c, now, &next)) != NULL)
		card_begin(c, q);
	c->c_running = false;
	card_schedule(c);
}

void
nic_doorbell(struct nic_queue *q, uint32_t pi)
{
	struct nic_card *c = q->q_card;
	simtime_t now = timebase_now(c->c_vnet->v_tb);
	bool idle = true;

	for (unsigned i = 0; i < c->c_nqueues && idle; i++)
		idle = queue_ready(&c->c_queues[i]) == SIM_NEVER;
	q->q_pi = pi;
	if (c->c_running || q->q_hung)
		return;
	/* What was begun last is not done yet: the card is awake. */
	if (c->c_cqe_head != c->c_cqe_tail && c->c_cqe_last >= now)
		idle = false;
	if (idle && c->c_next <= now)
		c->c_next = now + c->c_latency;
	card_schedule(c);
}

void
nic_card_kick(struct nic_card *c)
{
	if (!c->c_running)
		card_schedule(c);
}

void
nic_queue_set_rate(struct nic_card *c, struct nic_queue *q, uint64_t rate_bps)
{
	simtime_t now = timebase_now(c->c_vnet->v_tb), left = 0;

	if (q->q_next > now && rate_bps != 0)
		left = (simtime_t)((unsigned __int128)(q->q_next - now) *
		    q->q_rate_bps / rate_bps);
	q->q_next = now + left;
	q->q_rate_bps = rate_bps;
	nic_card_kick(c);
}

bool
nic_card_idle(const struct nic_card *c)
{
	for (unsigned i = 0; i < c->c_nqueues; i++)
		if (c->c_queues[i].q_ci != c->c_queues[i].q_pi)
			return (false);
	return (true);
}

void
nic_card_restart(const struct nic_exec *x, uint64_t seqno, uint32_t off,
    uint32_t reread)
{
	struct nic_card *c = x->x_card;
	const struct mbuf *m = x->x_lab.l_m;

	c->c_stats->tls_restarts++;
	TRACE(&c->c_vnet->v_tracer, nic_tls_restart, TS(c->c_name),
	    TU(m != NULL ? m->m_pkthdr.note.pn_conn : 0), TU(x->x_lab.l_tag),
	    TU(seqno), TU(off), TU(reread));
}

/* --- life --- */

static void
queue_init(struct nic_card *c, unsigned index, uint32_t blocks)
{
	struct nic_queue *q = &c->c_queues[index];

	q->q_card = c;
	q->q_index = index;
	q->q_blocks = blocks;
	q->q_ring = xcalloc(blocks, NIC_BLOCK);
	q->q_lab = xcalloc(blocks, sizeof(*q->q_lab));
	q->q_map_size = 64;
	q->q_map = xcalloc(q->q_map_size, sizeof(*q->q_map));
	q->q_map_head = q->q_map_tail = 1; /* no address is 0 */
}

void
nic_card_init(struct nic_card *c, struct nic *n, unsigned nqueues,
    uint32_t blocks)
{
	const struct nic_model *model = n->n_model;
	const struct nic_params *np = &n->n_params;

	*c = (struct nic_card) { .c_model = model,
		.c_nic = n,
		.c_vnet = n->n_vnet,
		.c_name = n->n_if.if_xname,
		.c_pool = np->np_pool,
		.c_stats = &n->n_stats,
		.c_link_bps = np->np_rate_bps,
		.c_latency = model->nm_fetch,
		.c_buffer = simtime_bytes(model->nm_buffer, np->np_rate_bps),
		.c_moderation = np->np_tx_coalesce,
		.c_nqueues = nqueues };
	c->c_bus = np->np_bus;
	if (c->c_bus == NULL)
		c->c_own_bus = c->c_bus = nic_bus_create(
		    np->np_bus_bps != 0 ? np->np_bus_bps : model->nm_bus_bps);
	c->c_queues = xcalloc(nqueues, sizeof(*c->c_queues));
	for (unsigned i = 0; i < nqueues; i++)
		queue_init(c, i, blocks);
	for (c->c_cqe_size = 1; c->c_cqe_size < nqueues * blocks;)
		c->c_cqe_size *= 2;
	c->c_cqes = xcalloc(c->c_cqe_size, sizeof(*c->c_cqes));
	sim_event_init(&c->c_ev, EV_NIC, "nic", card_run, c);
}

void
nic_card_fini(struct nic_card *c)
{
	timebase_cancel(c->c_vnet->v_tb, &c->c_ev);
	for (unsigned i = 0; i < c->c_nqueues; i++) {
		free(c->c_queues[i].q_ring);
		free(c->c_queues[i].q_lab);
		free(c->c_queues[i].q_map);
	}
	free(c->c_queues);
	free(c->c_cqes);
	nic_bus_destroy(c->c_own_bus);
}

void
nic_card_reset(struct nic_card *c)
{
	struct nic_queue *q;

	timebase_cancel(c->c_vnet->v_tb, &c->c_ev);
	for (unsigned i = 0; i < c->c_nqueues; i++) {
		q = &c->c_queues[i];
		q->q_pi = q->q_ci = q->q_fetched = 0;
		q->q_error = false;
		q->q_next = 0;
		q->q_map_tail = q->q_map_head;
	}
	c->c_cqe_head = c->c_cqe_tail = 0;
	if (c->c_model->nm_hw_reset != NULL)
		c->c_model->nm_hw_reset(c);
}
