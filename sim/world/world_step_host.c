/* Steps about a host's kernel: its disk, its TLS workers, its memory. */
#include <errno.h>
#include <string.h>

#include <ktsim/kern/ktls.h>

#include "world_priv.h"

/* --- the disk --- */

bool
steps_disk(const struct world *w, const struct whost *h)
{
	const struct sc_step *st;

	for (st = w->w_sc->timeline; st < w->w_sc->timeline + w->w_sc->nsteps;
	     st++)
		if (st->action == SC_DO_DISK &&
		    strcmp(st->on, h->h_sc->loc.name) == 0)
			return (true);
	return (scenario_is_live(w->w_sc)); /* an order may be one */
}

int
do_disk(struct world *w, const struct sc_step *st, const char **call)
{
	struct whost *h = world_host(w, st->on);

	if (st->has_latency)
		h->h_disk_latency = st->latency;
	if (st->has_jitter)
		h->h_disk_jitter = st->jitter;
	if (st->has_disk_error)
		h->h_disk_error = st->disk_error;
	return (0);
}

/* --- TLS workers --- */

static void
workers_hold(struct whost *h, const struct sc_step *st)
{
	for (unsigned i = 0; i < h->h_sc->cpus; i++)
		if (!st->has_worker || st->worker == i)
			ktls_wq_hold(h->h_vnet, i);
}

static void
workers_release(void *arg)
{
	struct whost *h = arg;

	for (unsigned i = 0; i < h->h_sc->cpus; i++)
		ktls_wq_release(h->h_vnet, i);
}

/* Held ones are released together, when the last step's time is over. */
int
do_workers(struct world *w, const struct sc_step *st, const char **call)
{
	struct whost *h = world_host(w, st->on);
	simtime_t until = timebase_now(w->w_tb) + st->time;

	if (!h->h_sc->kern_tls)
		return (EOPNOTSUPP);
	workers_hold(h, st);
	if (sim_event_pending(&h->h_release)) {
		until = MAX(until, h->h_release.ev_when);
		timebase_cancel(w->w_tb, &h->h_release);
	} else
		sim_event_init(&h->h_release, EV_TIMELINE, "workers go on",
		    workers_release, h);
	timebase_post(w->w_tb, &h->h_release, until);
	return (0);
}

int
do_completion(struct world *w, const struct sc_step *st, const char **call)
{
	world_completion(world_host(w, st->on), st->completion);
	return (0);
}

/* --- memory --- */

int
do_fail_alloc(struct world *w, const struct sc_step *st, const char **call)
{
	struct vnet *vnet = world_host(w, st->on)->h_vnet;
	struct kzone *z = kmem_zone(&vnet->v_kmem, st->zone);

	if (z == NULL)
		return (ENOENT);
	z->z_fail_after = st->nth - 1;
	z->z_fail_count = st->has_count ? st->count : 1;
	return (0);
}

static int
no_zone(struct world *w, const struct sc_step *st, struct strbuf *err)
{
	struct vnet *vnet = world_host(w, st->on)->h_vnet;
	struct strbuf names = { 0 };
	const struct kzone *z;

	SLIST_FOREACH(z, &vnet->v_kmem.km_zones, z_link)
		strbuf_addf(&names, "%s%s", names.sb_len > 0 ? ", " : "",
		    z->z_name);
	scenario_error(w->w_sc, scenario_text_at(st->zone), err,
	    "there is no zone `%s`; the kernel has: %s", st->zone,
	    strbuf_str(&names));
	strbuf_fini(&names);
	return (EINVAL);
}

int
step_host_check(struct world *w, const struct sc_step *st, struct strbuf *err)
{
	struct vnet *vnet;

	if (st->action != SC_DO_FAIL_ALLOC)
		return (0);
	vnet = world_host(w, st->on)->h_vnet;
	return (kmem_zone(&vnet->v_kmem, st->zone) != NULL
		? 0
		: no_zone(w, st, err));
}

/* --- the end --- */

void
hosts_faults_off(struct world *w)
{
	struct kzone *z;
	struct whost *h;

	for (h = w->w_hosts; h < w->w_hosts + w->w_sc->nhosts; h++) {
		h->h_disk_error = false;
		if (sim_event_pending(&h->h_release)) {
			timebase_cancel(w->w_tb, &h->h_release);
			workers_release(h);
		}
		SLIST_FOREACH(z, &h->h_vnet->v_kmem.km_zones, z_link)
			z->z_fail_count = 0;
	}
}
