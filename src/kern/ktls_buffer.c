/*
 * Output buffers of software encryption: physically contiguous, so that a
 * record is one piece. They come back to a cache and stay there.
 *
 * A worker never waits for one. After a failure its queue goes without for a
 * second, and the reclaim thread of its domain is woken; that one may take as
 * long as it likes.
 */
#include <stdio.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>

#include "ktls_priv.h"

#define KTLS_RECLAIM_RUN (20 * SIM_US) /* to move what is in a run's way */
#define KTLS_RECLAIM_MAX UINT32_MAX    /* runs; a day's work */

static unsigned
ktls_buffer_pages(const struct vnet *vnet)
{
	return ((unsigned)(vnet->v_ktls->ks_maxlen >> PAGE_SHIFT));
}

static uint64_t
ktls_reclaim_runs(const struct vnet *vnet)
{
	return (MIN(vnet->v_ktls->ks_max_reclaim, KTLS_RECLAIM_MAX));
}

/* The thread has looked at all memory; it sleeps again. */
static void
ktls_reclaim_done(void *arg)
{
	struct ktls_domain *d = arg;
	struct vnet *vnet = d->d_vnet;
	uint64_t runs = ktls_reclaim_runs(vnet);

	if (vm_page_reclaim_contig(vnet->v_vm, ktls_buffer_pages(vnet), runs))
		d->d_reclaims += runs;
	d->d_running = 0;
}

static void
ktls_reclaim_wakeup(struct ktls_domain *d)
{
	struct vnet *vnet = d->d_vnet;

	if (d->d_running)
		return;
	d->d_running = 1;
	d->d_wakeups++;
	timebase_post_in(vnet->v_tb, &d->d_reclaim,
	    ktls_reclaim_runs(vnet) * KTLS_RECLAIM_RUN);
}

vm_paddr_t
ktls_buffer_alloc(struct ktls_wq *wq, int npgs)
{
	struct vnet *vnet = wq->wq_vnet;
	struct ktls_state *ks = vnet->v_ktls;
	simtime_t now = timebase_now(vnet->v_tb);
	vm_paddr_t pa;

	if (npgs <= 2 || ks->ks_sw_buffer_cache == 0)
		return (0);
	if (wq->wq_alloc_failed && now - wq->wq_lastallocfail < SIM_SEC)
		return (0);
	if (ks->ks_nbuffers > 0)
		return (ks->ks_buffers[--ks->ks_nbuffers]);
	pa = vm_page_alloc_contig(vnet->v_vm, ktls_buffer_pages(vnet));
	wq->wq_alloc_failed = pa == 0;
	if (pa == 0) {
		wq->wq_lastallocfail = now;
		ktls_reclaim_wakeup(
		    &ks->ks_domains[vnet_cpu_domain(vnet, (int)wq->wq_cpu)]);
	}
	return (pa);
}

void
ktls_free_mext_contig(struct mbuf *m)
{
	struct vnet *vnet = m->m_ext.ext_arg1;
	struct ktls_state *ks = vnet->v_ktls;

	if (ks->ks_nbuffers == ks->ks_buffers_size) {
		ks->ks_buffers_size = MAX(2 * ks->ks_buffers_size, 16u);
		ks->ks_buffers = xrealloc(ks->ks_buffers,
		    ks->ks_buffers_size * sizeof(*ks->ks_buffers));
	}
	ks->ks_buffers[ks->ks_nbuffers++] = m->m_epg.pa[0];
}

uint64_t
ktls_cached_pages(const struct vnet *vnet)
{
	return ((uint64_t)vnet->v_ktls->ks_nbuffers * ktls_buffer_pages(vnet));
}

static void
ktls_reclaim_sysctl(struct vnet *vnet, int domain)
{
	struct ktls_domain *d = &vnet->v_ktls->ks_domains[domain];
	const struct {
		const char *name;
		uint64_t *val;
		enum sysctl_kind kind;
		const char *descr;
	} oids[] = { { "reclaims", &d->d_reclaims, CTL_CTR,
			 "buffers reclaimed" },
		{ "wakeups", &d->d_wakeups, CTL_CTR, "thread wakeups" },
		{ "running", &d->d_running, CTL_RD, "thread running" } };
	char name[64];

	for (size_t i = 0; i < nitems(oids); i++) {
		snprintf(name, sizeof(name), "kern.ipc.tls.domain%d.%s", domain,
		    oids[i].name);
		sysctl_add(vnet, name, oids[i].val, oids[i].kind, NULL,
		    oids[i].descr);
	}
}

void
ktls_buffer_attach(struct vnet *vnet)
{
	struct ktls_state *ks = vnet->v_ktls;
	struct ktls_domain *d;

	for (int i = 0; i < vnet->v_ndomains; i++) {
		d = &ks->ks_domains[i];
		d->d_vnet = vnet;
		sim_event_init(&d->d_reclaim, EV_TASK, "ktls reclaim",
		    ktls_reclaim_done, d);
		if (vnet->v_kern_tls)
			ktls_reclaim_sysctl(vnet, i);
	}
}

void
ktls_buffer_detach(struct vnet *vnet)
{
	struct ktls_state *ks = vnet->v_ktls;

	for (int i = 0; i < vnet->v_ndomains; i++)
		timebase_cancel(vnet->v_tb, &ks->ks_domains[i].d_reclaim);
	free(ks->ks_buffers);
}
