/*
 * Software encryption. The worker prepares a batch (where the output goes),
 * submits its cryptography to the host's threads, and is told at the modelled
 * instant that it is complete.
 *
 * Anonymous pages are encrypted in place. File pages belong to the page cache
 * and are never written: the ciphertext goes into new pages, a contiguous
 * buffer where the record has more than two, and replaces them in the mbuf.
 *
 * The records of a batch are walked by m_next inside the live socket buffer:
 * legal because they are not ready, so nobody else touches their links. The
 * last one's link may lead to later batches; the page count says where to stop.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "ktls_priv.h"

/* --- preparing --- */

static bool
ktls_alloc_output(struct ktls_wq *wq, struct ktls_rec *r, const struct mbuf *m)
{
	struct vm *vm = wq->wq_vnet->v_vm;
	vm_paddr_t pa = ktls_buffer_alloc(wq, m->m_epg.npgs);

	r->r_contig = pa != 0;
	if (pa == 0 && m->m_epg.npgs > 2)
		wq->wq_vnet->v_ktls->ks_stats.contig_fails++;
	for (int i = 0; i < m->m_epg.npgs; i++) {
		r->r_newpa[i] = pa != 0 ? pa + (vm_paddr_t)i * PAGE_SIZE
					: vm_page_alloc(vm);
		if (r->r_newpa[i] == 0) {
			while (i-- > 0)
				vm_page_rele(vm, r->r_newpa[i]);
			return (false);
		}
	}
	return (true);
}

static void
ktls_rec_pieces(struct vnet *vnet, struct ktls_rec *r, const struct mbuf *m)
{
	uint32_t pgoff = m->m_epg.first_off;

	for (int i = 0; i < m->m_epg.npgs; i++) {
		r->r_pieces[i].in =
		    PHYS_TO_DMAP(vnet->v_vm, m->m_epg.pa[i]) + pgoff;
		r->r_pieces[i].len = (uint32_t)m_epg_pagelen(m, i, (int)pgoff);
		r->r_pieces[i].out = r->r_separate
		    ? PHYS_TO_DMAP(vnet->v_vm, r->r_newpa[i]) + pgoff
		    : PHYS_TO_DMAP(vnet->v_vm, m->m_epg.pa[i]) + pgoff;
		pgoff = 0;
	}
	r->r_npieces = m->m_epg.npgs;
}

static struct ktls_rec *
ktls_rec_prepare(struct ktls_wq *wq, struct mbuf *m)
{
	struct vnet *vnet = wq->wq_vnet;
	struct ktls_state *ks = vnet->v_ktls;
	struct ktls_rec *r;

	KASSERT(m->m_epg.tls != NULL && (m->m_flags & M_NOTREADY) != 0,
	    ("ktls_encrypt: not a plaintext record"));
	r = kzone_alloc(&ks->ks_rec_zone, M_WAITOK);
	*r = (struct ktls_rec) { .r_m = m,
		.r_tls = m->m_epg.tls,
		.r_crypt = m->m_epg.tls->crypt,
		.r_type = m->m_epg.record_type,
		.r_separate = (m->m_epg.flags & EPG_FLAG_ANON) == 0 };
	if (V_DEFECT(vnet, KTLS_INPLACE_FILE))
		r->r_separate = false;
	if (m->m_epg.npgs == 4 && m->m_epg.first_off > 0 &&
	    V_DEFECT(vnet, FULL_PAGES_NO_TYPE))
		r->r_type = 0;
	if (r->r_separate && !ktls_alloc_output(wq, r, m)) {
		r->r_separate = false;
		r->r_error = ENOMEM;
		return (r);
	}
	if (r->r_separate)
		ks->ks_stats.ocf_separate++;
	else
		ks->ks_stats.ocf_inplace++;
	ktls_rec_pieces(vnet, r, m);
	return (r);
}

/* --- on a host thread: touches nothing but the unit's records --- */

static void
ktls_unit_run(struct job *job, unsigned slot)
{
	struct ktls_unit *u = containerof(job, struct ktls_unit, u_job);
	struct tls_iov iov[MBUF_PEXT_MAX_PGS];
	struct ktls_rec *r;

	for (r = u->u_recs; r != NULL; r = r->r_next) {
		if (r->r_error != 0)
			continue;
		for (unsigned i = 0; i < r->r_npieces; i++)
			iov[i] = (struct tls_iov) { r->r_pieces[i].in,
				r->r_pieces[i].out, r->r_pieces[i].len };
		r->r_error = tls_record_encrypt(r->r_crypt, slot,
		    r->r_m->m_epg.hdr, r->r_m->m_epg.seqno, r->r_type, iov,
		    r->r_npieces, r->r_m->m_epg.trail);
	}
}

/* --- completing --- */

static uint32_t
ktls_rec_len(const struct ktls_rec *r)
{
	return ((uint32_t)r->r_m->m_len - r->r_m->m_epg.hdrlen -
	    r->r_m->m_epg.trllen);
}

/* The record is ciphertext from here on: "no session" says so. */
static void
ktls_rec_finish(struct vnet *vnet, struct ktls_rec *r)
{
	struct ktls_stats *st = &vnet->v_ktls->ks_stats;
	const struct tls_suite *suite = r->r_tls->params.suite;
	struct mbuf *m = r->r_m;

	if (r->r_separate) {
		m->m_ext.ext_free(m);
		for (int i = 0; i < m->m_epg.npgs; i++)
			m->m_epg.pa[i] = r->r_newpa[i];
		m->m_epg.flags |= EPG_FLAG_ANON;
		m->m_ext.ext_free =
		    r->r_contig ? ktls_free_mext_contig : mb_free_mext_pgs;
		m->m_ext.ext_arg1 = vnet;
	}
	if (r->r_error == 0) {
		st->records_tx++;
		st->sw_bytes_tx += ktls_rec_len(r);
		st->ocf_enc[ktls_ocf_row(suite)][suite->cipher]++;
		TRACE(&vnet->v_tracer, tls_encrypted, TU(r->r_tls->conn),
		    TU(m->m_epg.seqno), TU(ktls_rec_len(r)));
	}
	m->m_epg.tls = NULL;
	ktls_free(r->r_tls);
}

static void
ktls_unit_settle(struct ktls_unit *u)
{
	if (!u->u_settled)
		jobpool_wait(u->u_wq->wq_vnet->v_jobs, &u->u_job);
	u->u_settled = true;
}

void
ktls_settle(struct vnet *vnet)
{
	struct ktls_unit *u;

	TAILQ_FOREACH(u, &vnet->v_ktls->ks_units, u_link)
		ktls_unit_settle(u);
}

static void
ktls_unit_done(void *arg)
{
	struct ktls_unit *u = arg;
	struct ktls_wq *wq = u->u_wq;
	struct vnet *vnet = wq->wq_vnet;
	struct ktls_state *ks = vnet->v_ktls;
	struct socket *so = u->u_so;
	struct ktls_rec *r;
	bool sync = u->u_sync;
	int error = 0;

	ktls_unit_settle(u);
	TAILQ_REMOVE(&ks->ks_units, u, u_link);
	if (u->u_at != NULL && u->u_op.co_error != 0)
		u->u_at->r_error = u->u_op.co_error;
	while ((r = u->u_recs) != NULL) {
		u->u_recs = r->r_next;
		if (r->r_error != 0) {
			error = r->r_error;
			TRACE(&vnet->v_tracer, tls_error, TU(r->r_tls->conn),
			    TU(r->r_m->m_epg.seqno), TI(error),
			    TS("encryption failed"));
		}
		ktls_rec_finish(vnet, r);
		kzone_free(&ks->ks_rec_zone, r);
	}
	if (error == 0)
		(void)so->so_proto->pr_ready(so, u->u_top, u->u_pages);
	else {
		ks->ks_stats.failed_crypto++;
		ktls_drop(so, EIO, "encryption failed");
		mb_free_notready(u->u_top, u->u_pages);
	}
	kzone_free(&ks->ks_unit_zone, u);
	wq->wq_inflight--;
	if ((so->so_state & SS_ISDISCONNECTED) == 0 ||
	    !V_DEFECT(vnet, CLOSE_KEEPS_SOCKET))
		sorele(so);
	if (sync)
		ktls_wq_next(wq);
}

/* --- dispatch --- */

static struct ktls_unit *
ktls_unit_alloc(struct ktls_wq *wq, struct mbuf *top, struct socket *so,
    bool sync)
{
	struct ktls_unit *u;

	u = kzone_alloc(&wq->wq_vnet->v_ktls->ks_unit_zone, M_WAITOK);
	*u = (struct ktls_unit) { .u_wq = wq,
		.u_so = so,
		.u_top = top,
		.u_sync = sync };
	u->u_job.job_run = ktls_unit_run;
	sim_event_init(&u->u_event, EV_CRYPTO, "ktls encrypted", ktls_unit_done,
	    u);
	soref(so);
	return (u);
}

static void
ktls_unit_dispatch(struct ktls_unit *u)
{
	crypto_accel_dispatch(&u->u_op, ktls_rec_len(u->u_at));
}

/*
 * The accelerator is done with a record. Where the worker waits (CBC), the
 * next one follows.
 */
static void
ktls_unit_accelerated(void *arg, int error)
{
	struct ktls_unit *u = arg;

	if (error == EAGAIN &&
	    !V_DEFECT(u->u_wq->wq_vnet, ACCEL_EAGAIN_FAILS)) {
		u->u_wq->wq_vnet->v_ktls->ks_stats.ocf_retries++;
		ktls_unit_dispatch(u);
	} else if (error == 0 && u->u_at->r_next != NULL) {
		u->u_at = u->u_at->r_next;
		ktls_unit_dispatch(u);
	} else
		ktls_unit_done(u);
}

static void
ktls_unit_start(struct ktls_unit *u, simtime_t cost)
{
	struct vnet *vnet = u->u_wq->wq_vnet;

	u->u_wq->wq_inflight++;
	if (u->u_sync)
		u->u_wq->wq_waiting = true;
	u->u_job.job_ns = (uint32_t)MIN(cost / SIM_NS, (simtime_t)UINT32_MAX);
	jobpool_submit(vnet->v_jobs, &u->u_job);
	TAILQ_INSERT_TAIL(&vnet->v_ktls->ks_units, u, u_link);
	if (vnet->v_accel != NULL) {
		crypto_op_init(&u->u_op, vnet->v_accel, ktls_unit_accelerated,
		    u);
		u->u_at = u->u_recs;
		ktls_unit_dispatch(u);
		return;
	}
	timebase_post_in(vnet->v_tb, &u->u_event, cost);
}

/* One record's share of the batch, in units of pr_ready. */
static int
ktls_rec_units(const struct mbuf *m)
{
	return (MAX(m->m_epg.nrdy, 1));
}

static void
ktls_encrypt_sync(struct ktls_wq *wq, struct mbuf *top, struct socket *so,
    int total)
{
	struct vnet *vnet = wq->wq_vnet;
	struct ktls_unit *u = ktls_unit_alloc(wq, top, so, true);
	struct ktls_rec **rp = &u->u_recs;
	simtime_t cost = 0;
	struct mbuf *m;

	for (m = top; u->u_pages < total; m = m->m_next) {
		*rp = ktls_rec_prepare(wq, m);
		cost +=
		    ktls_cost_of(vnet->v_ktls, (*rp)->r_tls, ktls_rec_len(*rp));
		rp = &(*rp)->r_next;
		u->u_pages += ktls_rec_units(m);
	}
	KASSERT(u->u_pages == total,
	    ("ktls_encrypt: %d pages of %d", u->u_pages, total));
	vnet->v_ktls->ks_stats.worker_ns += cost / SIM_NS;
	ktls_unit_start(u, cost);
}

/* Each record completes on its own: the accelerator's, or when the scenario
 * says so. */
static void
ktls_encrypt_async(struct ktls_wq *wq, struct mbuf *top, struct socket *so,
    int total)
{
	struct vnet *vnet = wq->wq_vnet;
	struct ktls_state *ks = vnet->v_ktls;
	struct ktls_unit *u;
	struct ktls_rec *r;
	simtime_t cost;
	struct mbuf *m;

	for (m = top; total > 0; m = m->m_next) {
		u = ktls_unit_alloc(wq, m, so, false);
		u->u_recs = r = ktls_rec_prepare(wq, m);
		u->u_pages = ktls_rec_units(m);
		total -= u->u_pages;
		cost = ktls_cost_of(ks, r->r_tls, ktls_rec_len(r));
		if (vnet->v_accel == NULL)
			cost = ks->ks_complete(ks->ks_complete_arg, r->r_tls,
			    m->m_epg.seqno, cost);
		ktls_unit_start(u, cost);
	}
}

void
ktls_encrypt(struct ktls_wq *wq, struct mbuf *top)
{
	struct socket *so = top->m_epg.so;
	int total = top->m_epg.enc_cnt;
	bool cbc = top->m_epg.tls->params.suite->cipher == TLS_CIPHER_CBC;

	top->m_epg.so = NULL;
	top->m_epg.enc_cnt = 0;
	/* As FreeBSD: CBC is never dispatched asynchronously. */
	if (cbc ||
	    (wq->wq_vnet->v_ktls->ks_complete == NULL &&
		wq->wq_vnet->v_accel == NULL))
		ktls_encrypt_sync(wq, top, so, total);
	else
		ktls_encrypt_async(wq, top, so, total);
	sorele(so); /* the queue's; the units have their own */
}
