/*
 * The work queues: one worker per simulated CPU.
 *
 * A worker is a little state machine. Asleep: wq_running is false. Woken, it
 * takes both lists whole, works through the batches first and the sockets
 * after, and looks again; it sleeps when both lists are empty. While crypto
 * that it must wait for is under way (wq_waiting), nothing else of this
 * worker moves. A held worker stops in front of its next piece of work.
 */
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>

#include "ktls_priv.h"

static void
ktls_wq_wakeup(void *arg)
{
	ktls_wq_next(arg);
}

/*
 * The CPUs of each domain. With an empty one among them all workers are
 * chosen from, as if bind_threads were 1.
 */
static void
ktls_wq_domains(struct vnet *vnet)
{
	struct ktls_state *ks = vnet->v_ktls;
	struct ktls_domain *d;

	for (int i = 0; i < vnet->v_ncpus; i++) {
		d = &ks->ks_domains[vnet_cpu_domain(vnet, i)];
		if (d->d_count++ == 0)
			d->d_first = (unsigned)i;
	}
	for (int i = 0; i < vnet->v_ndomains; i++)
		if (ks->ks_bind_threads > 1 && ks->ks_domains[i].d_count == 0)
			ks->ks_bind_threads = 1;
}

/* Every session of a connection, and so all its work, is one worker's. */
unsigned
ktls_get_cpu(struct socket *so)
{
	struct vnet *vnet = so->so_vnet;
	struct ktls_state *ks = vnet->v_ktls;
	unsigned domain = ktls_inp_numa_domain(so);
	const struct ktls_domain *d;

	if (ks->ks_bind_threads > 1 && domain != M_NODOM) {
		KASSERT(domain < (unsigned)vnet->v_ndomains,
		    ("no NUMA domain %u", domain));
		d = &ks->ks_domains[domain];
		return (d->d_first + ktls_inp_flowid(so) % d->d_count);
	}
	return (ktls_inp_flowid(so) % (unsigned)vnet->v_ncpus);
}

void
ktls_wq_start(struct vnet *vnet)
{
	struct ktls_state *ks = vnet->v_ktls;
	struct ktls_wq *wq;

	if (ks->ks_wq != NULL)
		return;
	ks->ks_wq = xcalloc((size_t)vnet->v_ncpus, sizeof(*ks->ks_wq));
	for (int i = 0; i < vnet->v_ncpus; i++) {
		wq = &ks->ks_wq[i];
		wq->wq_vnet = vnet;
		wq->wq_cpu = (unsigned)i;
		STAILQ_INIT(&wq->wq_m);
		STAILQ_INIT(&wq->wq_cur_m);
		STAILQ_INIT(&wq->wq_so);
		STAILQ_INIT(&wq->wq_cur_so);
		sim_event_init(&wq->wq_wake, EV_TASK, "ktls worker",
		    ktls_wq_wakeup, wq);
	}
	ktls_wq_domains(vnet);
	ks->ks_stats.threads = (uint64_t)vnet->v_ncpus;
}

void
ktls_wq_fini(struct vnet *vnet)
{
	struct ktls_state *ks = vnet->v_ktls;

	if (ks->ks_wq == NULL)
		return;
	for (int i = 0; i < vnet->v_ncpus; i++)
		timebase_cancel(vnet->v_tb, &ks->ks_wq[i].wq_wake);
	free(ks->ks_wq);
	ks->ks_wq = NULL;
}

static bool
ktls_wq_has_work(const struct ktls_wq *wq)
{
	return (!STAILQ_EMPTY(&wq->wq_m) || !STAILQ_EMPTY(&wq->wq_so) ||
	    !STAILQ_EMPTY(&wq->wq_cur_m) || !STAILQ_EMPTY(&wq->wq_cur_so));
}

/* Something was queued: wake the worker unless it is up already. */
static void
ktls_wq_kick(struct ktls_wq *wq)
{
	struct vnet *vnet = wq->wq_vnet;

	wq->wq_peak = MAX(wq->wq_peak, wq->wq_queued + wq->wq_inflight);
	if (wq->wq_running)
		return;
	if (V_DEFECT(vnet, KTLS_LOST_WAKEUP))
		return;
	wq->wq_running = true;
	vnet->v_ktls->ks_stats.wakeups++;
	TRACE(&vnet->v_tracer, tls_worker, TU(wq->wq_cpu), TS("busy"));
	timebase_post_in(vnet->v_tb, &wq->wq_wake,
	    vnet->v_ktls->ks_cost.wakeup);
}

static struct ktls_wq *
ktls_wq_of(const struct ktls_session *tls)
{
	return (&tls->vnet->v_ktls->ks_wq[tls->wq_index]);
}

static void
ktls_wq_batch(struct ktls_session *tls, struct mbuf *m)
{
	struct ktls_wq *wq = ktls_wq_of(tls);

	STAILQ_INSERT_TAIL(&wq->wq_m, m, m_epg.stailq);
	wq->wq_queued++;
	tls->vnet->v_ktls->ks_stats.sw_tx_inqueue++;
	TRACE(&tls->vnet->v_tracer, tls_enqueue, TU(tls->conn),
	    TU(tls->wq_index), TU(m->m_epg.enc_cnt));
	ktls_wq_kick(wq);
}

/* --- TLS 1.0: each record's IV is the end of the one before --- */

/* Records of a batch. */
static uint64_t
ktls_batched_records(const struct mbuf *m)
{
	uint64_t n = 0;

	for (int pages = m->m_epg.enc_cnt; pages > 0; m = m->m_next, n++)
		pages -= MAX(m->m_epg.nrdy, 1);
	return (n);
}

/* A batch whose turn has not come: into the list, which is sorted. */
static void
ktls_pending_insert(struct ktls_session *tls, struct mbuf *m)
{
	struct mbufq later = STAILQ_HEAD_INITIALIZER(later), before;
	struct mbuf *n;

	STAILQ_INIT(&before);
	while ((n = STAILQ_FIRST(&tls->pending_records)) != NULL) {
		STAILQ_REMOVE_HEAD(&tls->pending_records, m_epg.stailq);
		if (n->m_epg.seqno < m->m_epg.seqno)
			STAILQ_INSERT_TAIL(&before, n, m_epg.stailq);
		else
			STAILQ_INSERT_TAIL(&later, n, m_epg.stailq);
	}
	STAILQ_INSERT_TAIL(&before, m, m_epg.stailq);
	STAILQ_CONCAT(&before, &later);
	STAILQ_CONCAT(&tls->pending_records, &before);
	tls->vnet->v_ktls->ks_stats.sw_tx_pending++;
	TRACE(&tls->vnet->v_tracer, tls_pending, TU(tls->conn),
	    TU(m->m_epg.seqno), TU(tls->next_seqno));
}

/* Batches whose turn it is now; all of them once the order is lost. */
static void
ktls_pending_run(struct ktls_session *tls)
{
	struct mbuf *m;

	while ((m = STAILQ_FIRST(&tls->pending_records)) != NULL &&
	    (tls->order_lost || m->m_epg.seqno == tls->next_seqno)) {
		STAILQ_REMOVE_HEAD(&tls->pending_records, m_epg.stailq);
		tls->vnet->v_ktls->ks_stats.sw_tx_pending--;
		tls->next_seqno = m->m_epg.seqno + ktls_batched_records(m);
		ktls_wq_batch(tls, m);
	}
}

void
ktls_abandon(struct mbuf *m)
{
	struct ktls_session *tls = m->m_epg.tls;

	if (!tls->sequential_records)
		return;
	tls->order_lost = true;
	ktls_pending_run(tls);
}

void
ktls_enqueue(struct mbuf *m, struct socket *so, int page_count)
{
	struct ktls_session *tls = m->m_epg.tls;

	KASSERT((m->m_flags & (M_EXTPG | M_NOTREADY)) == (M_EXTPG | M_NOTREADY),
	    ("ktls_enqueue: not a not ready record"));
	KASSERT(page_count != 0 && tls->mode == TCP_TLS_MODE_SW,
	    ("ktls_enqueue: nothing to encrypt"));
	soref(so);
	m->m_epg.enc_cnt = page_count;
	m->m_epg.so = so;
	if (!tls->sequential_records || V_DEFECT(tls->vnet, KTLS_UNORDERED)) {
		ktls_wq_batch(tls, m);
		return;
	}
	if (m->m_epg.seqno != tls->next_seqno && !tls->order_lost) {
		ktls_pending_insert(tls, m);
		return;
	}
	tls->next_seqno = m->m_epg.seqno + ktls_batched_records(m);
	ktls_wq_batch(tls, m);
	ktls_pending_run(tls);
}

/*
 * The last reference to a record with a session goes away in a context that
 * must not destroy sessions: the worker does it.
 */
void
ktls_mb_free_extpg(struct mbuf *m)
{
	struct ktls_session *tls = m->m_epg.tls;
	struct ktls_wq *wq;

	if (tls->refcount > 1) {
		tls->refcount--;
		mb_free_raw(m);
		return;
	}
	m->m_epg.flags |= EPG_FLAG_2FREE;
	wq = ktls_wq_of(tls);
	STAILQ_INSERT_TAIL(&wq->wq_m, m, m_epg.stailq);
	wq->wq_queued++;
	ktls_wq_kick(wq);
}

void
ktls_enqueue_rx(struct socket *so)
{
	struct ktls_wq *wq = ktls_wq_of(so->so_rcv.sb_tls_info);

	soref(so);
	STAILQ_INSERT_TAIL(&wq->wq_so, so, so_ktls_rx);
	wq->wq_queued++;
	wq->wq_vnet->v_ktls->ks_stats.sw_rx_inqueue++;
	ktls_wq_kick(wq);
}

static void
ktls_wq_do_batch(struct ktls_wq *wq)
{
	struct mbuf *m = STAILQ_FIRST(&wq->wq_cur_m);

	STAILQ_REMOVE_HEAD(&wq->wq_cur_m, m_epg.stailq);
	wq->wq_queued--;
	if (m->m_epg.flags & EPG_FLAG_2FREE) {
		ktls_free(m->m_epg.tls);
		mb_free_raw(m);
		return;
	}
	wq->wq_vnet->v_ktls->ks_stats.sw_tx_inqueue--;
	ktls_encrypt(wq, m);
}

static void
ktls_wq_do_socket(struct ktls_wq *wq)
{
	struct socket *so = STAILQ_FIRST(&wq->wq_cur_so);

	STAILQ_REMOVE_HEAD(&wq->wq_cur_so, so_ktls_rx);
	wq->wq_queued--;
	wq->wq_vnet->v_ktls->ks_stats.sw_rx_inqueue--;
	(void)ktls_decrypt(wq, so);
}

void
ktls_wq_next(struct ktls_wq *wq)
{
	wq->wq_waiting = false;
	while (!wq->wq_held && !wq->wq_waiting) {
		if (!STAILQ_EMPTY(&wq->wq_cur_m))
			ktls_wq_do_batch(wq);
		else if (!STAILQ_EMPTY(&wq->wq_cur_so))
			ktls_wq_do_socket(wq);
		else if (ktls_wq_has_work(wq)) {
			STAILQ_CONCAT(&wq->wq_cur_m, &wq->wq_m);
			STAILQ_CONCAT(&wq->wq_cur_so, &wq->wq_so);
		} else {
			wq->wq_running = false;
			TRACE(&wq->wq_vnet->v_tracer, tls_worker,
			    TU(wq->wq_cpu), TS("idle"));
			return;
		}
	}
}

void
ktls_wq_hold(struct vnet *vnet, unsigned cpu)
{
	ktls_wq_start(vnet);
	KASSERT(cpu < (unsigned)vnet->v_ncpus, ("no worker %u", cpu));
	vnet->v_ktls->ks_wq[cpu].wq_held = true;
}

void
ktls_wq_release(struct vnet *vnet, unsigned cpu)
{
	struct ktls_wq *wq = &vnet->v_ktls->ks_wq[cpu];

	wq->wq_held = false;
	if (wq->wq_running && !wq->wq_waiting)
		timebase_post_in(vnet->v_tb, &wq->wq_wake, 0);
}

void
ktls_worker_look(const struct vnet *vnet, unsigned cpu,
    struct ktls_worker_look *lk)
{
	const struct ktls_wq *wq;

	*lk = (struct ktls_worker_look) { 0 };
	if (vnet->v_ktls->ks_wq == NULL)
		return;
	wq = &vnet->v_ktls->ks_wq[cpu];
	lk->kw_held = wq->wq_held;
	lk->kw_running = wq->wq_running;
	lk->kw_inflight = wq->wq_inflight;
	lk->kw_queued = wq->wq_queued;
}

unsigned
ktls_wq_peak(struct vnet *vnet, unsigned cpu)
{
	struct ktls_wq *wq;
	unsigned peak;

	if (vnet->v_ktls->ks_wq == NULL)
		return (0);
	wq = &vnet->v_ktls->ks_wq[cpu];
	peak = MAX(wq->wq_peak, wq->wq_queued + wq->wq_inflight);
	wq->wq_peak = wq->wq_queued + wq->wq_inflight;
	return (peak);
}

bool
ktls_idle(const struct vnet *vnet)
{
	const struct ktls_state *ks = vnet->v_ktls;

	for (int i = 0; ks->ks_wq != NULL && i < vnet->v_ncpus; i++)
		if (ktls_wq_has_work(&ks->ks_wq[i]) ||
		    ks->ks_wq[i].wq_inflight > 0)
			return (false);
	return (true);
}

bool
ktls_stuck(const struct vnet *vnet)
{
	const struct ktls_state *ks = vnet->v_ktls;

	for (int i = 0; ks->ks_wq != NULL && i < vnet->v_ncpus; i++)
		if (ktls_wq_has_work(&ks->ks_wq[i]) &&
		    !ks->ks_wq[i].wq_running && !ks->ks_wq[i].wq_held)
			return (true);
	return (false);
}
