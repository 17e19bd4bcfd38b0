/* The drivers' common half. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>

#include "nic_drv.h"

/* --- posting --- */

void
nic_txq_post(struct nic_txq *t, const void *wr, uint32_t len, struct mbuf *m,
    uint32_t mappings, const struct nic_lab *lab)
{
	uint32_t blocks = nic_blocks(len), last = t->t_pi + blocks - 1;
	struct nic_queue *q = t->t_q;
	struct nic_slot *sl = &t->t_slots[last & (q->q_blocks - 1)];

	KASSERT(blocks <= nic_txq_room(t),
	    ("%s: %u blocks posted, room for %u", t->t_nic->n_if.if_xname,
		blocks, nic_txq_room(t)));
	nic_ring_put(q, t->t_pi, wr, len);
	q->q_lab[t->t_pi & (q->q_blocks - 1)] =
	    lab != NULL ? *lab : (struct nic_lab) { 0 };
	*sl = (struct nic_slot) { .sl_m = m, .sl_mappings = mappings };
	if (m != NULL)
		t->t_packets++;
	t->t_pi += blocks;
}

struct nic_slot *
nic_txq_last(struct nic_txq *t)
{
	return (&t->t_slots[(t->t_pi - 1) & (t->t_q->q_blocks - 1)]);
}

void
nic_txq_ring(struct nic_txq *t)
{
	if (t->t_q->q_pi != t->t_pi)
		nic_doorbell(t->t_q, t->t_pi);
}

/* --- completions --- */

static void
slot_done(struct nic_txq *t, struct nic_slot *sl)
{
	struct nic_slot done = *sl;

	*sl = (struct nic_slot) { 0 };
	if (done.sl_mappings != 0)
		nic_dma_unmap(t->t_q, done.sl_mappings);
	if (done.sl_nop)
		t->t_stats.nop++;
	if (done.sl_m != NULL) {
		t->t_packets--;
		m_freem(done.sl_m);
	}
	if (done.sl_done != NULL)
		done.sl_done(t, done.sl_arg);
}

static void
txq_reap(struct nic_txq *t)
{
	t->t_stats.cqe_err = t->t_q->q_bad;
	while (t->t_ci != t->t_q->q_ci) {
		t->t_ci++;
		slot_done(t,
		    &t->t_slots[(t->t_ci - 1) & (t->t_q->q_blocks - 1)]);
	}
}

void
nic_drv_interrupt(struct nic *n)
{
	for (unsigned i = 0; i < n->n_drv->d_ntxqs; i++)
		txq_reap(&n->n_drv->d_txqs[i]);
	if (n->n_model->nm_reaped != NULL)
		n->n_model->nm_reaped(n);
}

void
nic_drv_drop_all(struct nic *n)
{
	struct nic_txq *t;

	for (unsigned i = 0; i < n->n_drv->d_ntxqs; i++) {
		t = &n->n_drv->d_txqs[i];
		while (t->t_ci != t->t_pi) {
			t->t_ci++;
			slot_done(t,
			    &t->t_slots[(t->t_ci - 1) &
				(t->t_q->q_blocks - 1)]);
		}
		t->t_pi = t->t_ci = 0;
	}
}

uint32_t
nic_tx_pending(const struct nic *n)
{
	uint32_t packets = 0;

	for (unsigned i = 0; i < n->n_drv->d_ntxqs; i++)
		packets += n->n_drv->d_txqs[i].t_packets;
	return (packets);
}

/* --- mapping --- */

static bool
map_refused(struct nic *n)
{
	if (n->n_drv->d_dma_fail == 0)
		return (false);
	n->n_drv->d_dma_fail--;
	n->n_stats.dma_map_failed++;
	return (true);
}

int
nic_map_chain(struct nic_txq *t, const struct mbuf *m, uint32_t off,
    uint32_t len, struct nic_seg *segs, unsigned max)
{
	struct m_piece pc[MBUF_PEXT_MAX_PGS + 2];
	struct nic_queue *q = t->t_q;
	uint32_t take;
	unsigned n = 0, np;

	if (map_refused(t->t_nic))
		return (-EIO);
	for (; len > 0; m = m->m_next) {
		KASSERT(m != NULL, ("mapping beyond the packet"));
		if (off >= (uint32_t)m->m_len) {
			off -= (uint32_t)m->m_len;
			continue;
		}
		take = MIN(len, (uint32_t)m->m_len - off);
		np = m_pieces(m, off, take, pc, nitems(pc));
		if (n + np > max)
			goto toobig;
		for (unsigned i = 0; i < np; i++)
			segs[n++] = (struct nic_seg) {
				nic_dma_map(q, pc[i].p, pc[i].len), pc[i].len
			};
		len -= take;
		off = 0;
	}
	return ((int)n);
toobig:
	q->q_map_head -= n;
	return (-EFBIG);
}

void
nic_record_open(struct mbuf *m, struct nic_record *r)
{
	const struct m_extpg *e = &m->m_epg;
	uint32_t pgoff = e->first_off;

	r->r_off = m->m_epg_off;
	r->r_mlen = m->m_len;
	r->r_hlen = e->hdrlen;
	r->r_tlen = e->trllen;
	r->r_paylen = 0;
	for (int i = 0; i < e->npgs; i++, pgoff = 0)
		r->r_paylen += (uint32_t)m_epg_pagelen(m, i, (int)pgoff);
	r->r_len = r->r_hlen + r->r_paylen + r->r_tlen;
	m->m_epg_off = 0;
	m->m_len = (int32_t)r->r_len;
}

void
nic_record_close(struct mbuf *m, const struct nic_record *r)
{
	m->m_epg_off = r->r_off;
	m->m_len = r->r_mlen;
}

bool
nic_defrag(struct nic *n, struct mbuf *m)
{
	struct mbuf *rest = NULL, **tail = &rest, *d;
	uint32_t len = (uint32_t)m->m_pkthdr.len, off = (uint32_t)m->m_len;
	uint32_t take;

	for (; off < len; off += take) {
		take = MIN(len - off, (uint32_t)MJUM16BYTES);
		d = m_getjcl(n->n_vnet->v_mb, M_NOWAIT, MT_DATA, 0,
		    MJUM16BYTES);
		if (d == NULL) {
			m_freem(rest);
			return (false);
		}
		m_copydata(m, (int)off, (int)take, d->m_data);
		d->m_len = (int32_t)take;
		*tail = d;
		tail = &d->m_next;
	}
	m_freem(m->m_next);
	m->m_next = rest;
	return (true);
}

/* --- if_transmit --- */

static void
drv_drop(struct nic *n, struct mbuf *m, int error, const char *why)
{
	TRACE(&n->n_vnet->v_tracer, nic_drop, TS(n->n_if.if_xname),
	    TU(m->m_pkthdr.note.pn_conn), TU(m->m_pkthdr.len), TI(error),
	    TS(why), TU(0));
	m_freem(m);
}

static unsigned
drv_select(struct nic *n, const struct mbuf *m)
{
	if (n->n_model->nm_select != NULL)
		return (n->n_model->nm_select(n, m));
	if (m->m_pkthdr.rsstype == M_HASHTYPE_NONE)
		return (0);
	return (m->m_pkthdr.flowid % n->n_drv->d_nsend);
}

int
nic_transmit(struct ifnet *ifp, struct mbuf *m)
{
	struct nic *n = ifp_to_nic(ifp);
	const char *why = "the driver could not take the packet";
	struct nic_txq *t;
	int error;

	if ((ifp->if_flags & IFF_UP) == 0) {
		drv_drop(n, m, ENETDOWN, "interface is down");
		return (ENETDOWN);
	}
	m->m_nextpkt = NULL;
	t = &n->n_drv->d_txqs[drv_select(n, m)];
	error = n->n_model->nm_transmit(n, t->t_q, m, &why);
	if (error == 0) {
		n->n_stats.tx_packets++;
		return (0);
	}
	if (error == ENOBUFS) {
		n->n_stats.enobuf++;
		ifp->if_ctr.oqdrops++;
	} else
		ifp->if_ctr.oerrors++;
	drv_drop(n, m, error, why);
	return (error);
}

unsigned
nic_unit(const struct nic *n, const char *probe)
{
	const char *s = n->n_if.if_xname, *p = s + strlen(s);
	char name[64];
	unsigned unit;

	while (p > s && isdigit((unsigned char)p[-1]))
		p--;
	unit = (unsigned)strtoul(p, NULL, 10);
	for (;; unit++) {
		snprintf(name, sizeof(name), "dev.%s.%u.%s",
		    n->n_model->nm_unit, unit, probe);
		if (sysctl_find(n->n_vnet, name) == NULL)
			return (unit);
	}
}

void
nic_tag_taken(struct nic *n)
{
	n->n_stats.tls_tags_taken++;
	n->n_stats.tls_tags++;
	n->n_stats.tls_tags_max =
	    MAX(n->n_stats.tls_tags_max, n->n_stats.tls_tags);
}

/* --- life --- */

static uint32_t
ring_size(const struct nic *n)
{
	const struct nic_model *model = n->n_model;
	uint32_t want = n->n_params.np_ring;

	if (want == 0)
		return (model->nm_ring);
	return (MAX(want, model->nm_ring_min));
}

int
nic_drv_init(struct nic *n)
{
	unsigned nq = n->n_params.np_queues;
	uint32_t size = ring_size(n), blocks = 1;
	struct nic_txq *t;

	if (nq == 0)
		nq = n->n_model->nm_queues;
	if (nq == 0 || nq > NIC_MAXQUEUES || size > n->n_model->nm_ring_max)
		return (EINVAL);
	while (blocks < size)
		blocks *= 2;
	n->n_drv = xcalloc(1, sizeof(*n->n_drv));
	n->n_drv->d_ntxqs = nq + n->n_model->nm_extra_queues;
	n->n_drv->d_nsend = nq;
	n->n_card = xcalloc(1, sizeof(*n->n_card));
	nic_card_init(n->n_card, n, n->n_drv->d_ntxqs, blocks);
	n->n_card->c_interrupt = nic_drv_interrupt;
	n->n_drv->d_txqs = xcalloc(n->n_drv->d_ntxqs, sizeof(struct nic_txq));
	for (unsigned i = 0; i < n->n_drv->d_ntxqs; i++) {
		t = &n->n_drv->d_txqs[i];
		t->t_nic = n;
		t->t_q = &n->n_card->c_queues[i];
		t->t_size = n->n_model->nm_ring_any ? size : blocks;
		t->t_running = true;
		t->t_slots = xcalloc(blocks, sizeof(*t->t_slots));
	}
	return (0);
}

void
nic_drv_fini(struct nic *n)
{
	timebase_cancel(n->n_vnet->v_tb, &n->n_drv->d_stall_ev);
	nic_drv_drop_all(n);
	nic_card_fini(n->n_card);
	for (unsigned i = 0; i < n->n_drv->d_ntxqs; i++)
		free(n->n_drv->d_txqs[i].t_slots);
	free(n->n_drv->d_txqs);
	free(n->n_drv);
	free(n->n_card);
}
