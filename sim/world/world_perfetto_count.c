/*
 * The Perfetto trace: counters. Levels are looked at between two events, as
 * the charts do (charts.h), and told where they have changed.
 */
#include <stdlib.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/tcp_var.h>

#include "perfetto_priv.h"

static void
counter_put(struct perfetto *p, unsigned pid, simtime_t when, const char *name,
    const char *fmt, uint64_t a, uint64_t b)
{
	pf_event(p, "C", pid, 0, when);
	pf_named(p, name);
	strbuf_adds(&p->p_line, ",\"args\":{");
	strbuf_addf(&p->p_line, "\"%s\":%ju", fmt, (uintmax_t)a);
	if (b != UINT64_MAX)
		strbuf_addf(&p->p_line, ",\"not ready\":%ju", (uintmax_t)b);
	strbuf_adds(&p->p_line, "}}");
	pf_put(p);
}

static void
look_conn(struct world *w, struct counted *co, simtime_t now)
{
	const struct conn *c = co->co_conn;
	unsigned pid = PID_HOST + (unsigned)(c->c_app->a_host - w->w_hosts);
	uint32_t ready = 0, all = 0, cwnd = 0;
	char *name;

	if (c->c_so != NULL) {
		ready = sbavail(&c->c_so->so_snd);
		all = sbused(&c->c_so->so_snd);
		if (c->c_so->so_pcb != NULL)
			cwnd = sototcpcb(c->c_so)->snd_cwnd;
	}
	name = xasprintf("%s#%u send buffer", c->c_app->a_sc->loc.name,
	    c->c_index);
	if (ready != co->co_ready || all != co->co_all)
		counter_put(w->w_perfetto, pid, now, name, "ready", ready,
		    all - ready);
	free(name);
	name = xasprintf("%s#%u cwnd", c->c_app->a_sc->loc.name, c->c_index);
	if (cwnd != co->co_cwnd)
		counter_put(w->w_perfetto, pid, now, name, "bytes", cwnd,
		    UINT64_MAX);
	free(name);
	*co = (struct counted) { c, ready, all, cwnd };
}

static void
look_level(struct perfetto *p, unsigned pid, simtime_t now, uint64_t *last,
    uint64_t value, const char *what, unsigned number)
{
	char *name;

	if (*last == value)
		return;
	*last = value;
	name = xasprintf("%s %u", what, number);
	counter_put(p, pid, now, name, "waiting", value, UINT64_MAX);
	free(name);
}

static void
look_worker(struct perfetto *p, const struct vnet *vnet, unsigned host,
    unsigned cpu, simtime_t now)
{
	struct ktls_worker_look lk;

	ktls_worker_look(vnet, cpu, &lk);
	look_level(p, PID_HOST + host, now, &p->p_hosts[host].ph_depth[cpu],
	    lk.kw_queued + lk.kw_inflight, "queue of worker", cpu);
}

void
perfetto_look(struct world *w)
{
	struct perfetto *p = w->w_perfetto;
	simtime_t now = timebase_now(w->w_tb);
	const struct whost *h;

	for (unsigned i = 0; i < p->p_ncounted; i++)
		look_conn(w, &p->p_counted[i], now);
	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		h = &w->w_hosts[i];
		for (unsigned j = 0; j < h->h_sc->cpus; j++)
			look_worker(p, h->h_vnet, i, j, now);
		for (unsigned j = 0; j < h->h_sc->nnics; j++)
			look_level(p, PID_HOST + i, now,
			    &p->p_hosts[i].ph_ring[j],
			    nic_tx_pending(h->h_nics[j]), "ring of card", j);
	}
	if (++p->p_looks % LOOK_DOUBLES == 0)
		p->p_every *= 2;
	w->w_perfetto_at = now + p->p_every;
}
