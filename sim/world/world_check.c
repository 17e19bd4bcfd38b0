/*
 * The judging: cheap checks while the run goes on, the expensive ones at its
 * end. Checkers only read.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/netinet/ip_var.h>
#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

/* --- invariants --- */

void
check_now(struct world *w)
{
	struct app *a;
	struct conn *c;
	char *text;

	for (unsigned i = 0; i < w->w_sc->napps; i++) {
		a = &w->w_apps[i];
		TAILQ_FOREACH(c, &a->a_conns, c_link) {
			if (c->c_so == NULL)
				continue;
			SBCHECK(&c->c_so->so_snd);
			SBCHECK(&c->c_so->so_rcv);
			w->w_res.r_inv[3].i_looked += 2;
		}
	}
	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		w->w_res.r_inv[6].i_looked++;
		if (!ktls_stuck(w->w_hosts[i].h_vnet) ||
		    w->w_res.r_inv[6].i_broken > 0)
			continue;
		text = xasprintf("host %s: records wait for encryption and "
				 "their worker sleeps",
		    w->w_sc->hosts[i].loc.name);
		invariant_broken(w, 7, text);
		free(text);
		engine_stop(w->w_engine);
	}
}

static void
check_oracle(struct world *w)
{
	const struct record_oracle *ro = judge_finish(w->w_judge);
	const struct oracle_dir *d;

	for (unsigned i = 0; i < record_oracle_ndirs(ro); i++) {
		d = record_oracle_dir(ro, i);
		w->w_res.r_inv[1].i_looked += d->od_records;
		w->w_res.r_inv[2].i_looked += d->od_records;
		w->w_res.r_records_judged += d->od_records;
	}
}

static void
check_lines(struct world *w, int number, struct strbuf *sb)
{
	char *line = strbuf_take(sb), *nl;

	if ((nl = strchr(line, '\n')) != NULL)
		*nl = '\0';
	invariant_broken(w, number, line);
	free(line);
}

void
check_end(struct world *w)
{
	struct ledger_totals lt;
	struct strbuf sb = { 0 };

	if (!w->w_res.r_interrupted && w->w_res.r_inv[6].i_broken == 0)
		ledger_finish(w->w_ledger);
	ledger_totals(w->w_ledger, &lt);
	w->w_res.r_inv[0].i_looked = lt.delivered;
	check_oracle(w);
	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		for (unsigned f = 0; f < w->w_sc->hosts[i].nfiles; f++)
			w->w_res.r_inv[4].i_looked +=
			    howmany(w->w_sc->hosts[i].files[f].size, PAGE_SIZE);
		if (vfs_verify(w->w_hosts[i].h_vnet, &sb) > 0)
			check_lines(w, 5, &sb);
	}
	strbuf_fini(&sb);
}

/* A tag that outlives its connection would make the card's detach panic. */
bool
check_tags(struct world *w)
{
	struct whost *h;
	char *text;
	bool ok = true;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		h = &w->w_hosts[i];
		inet_purge(h->h_vnet);
		for (unsigned j = 0; j < h->h_sc->nnics; j++) {
			if (h->h_nics[j]->n_stats.tls_tags == 0)
				continue;
			text =
			    xasprintf("%s: %s: %ju send tags never came back",
				h->h_sc->loc.name, h->h_nics[j]->n_if.if_xname,
				(uintmax_t)h->h_nics[j]->n_stats.tls_tags);
			invariant_broken(w, 6, text);
			free(text);
			ok = false;
		}
	}
	return (ok);
}

/* With the interfaces gone nothing may be in use. */
void
check_home(struct world *w)
{
	struct strbuf sb = { 0 };
	struct vnet *vnet;
	const struct kzone *z;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		vnet = w->w_hosts[i].h_vnet;
		SLIST_FOREACH(z, &vnet->v_kmem.km_zones, z_link)
			w->w_res.r_inv[5].i_looked += z->z_allocs;
		if (vnet_leaks(vnet, &sb) > 0)
			check_lines(w, 6, &sb);
	}
	judge_settle(w->w_judge);
	if (framepool_leaks(&w->w_pool, &sb) > 0)
		check_lines(w, 6, &sb);
	strbuf_fini(&sb);
}

/* --- the result --- */

static char *
addr_text(const struct ksockaddr *sa)
{
	struct strbuf sb = { 0 };

	if (sa->sa_family == KAF_INET6)
		strbuf_adds(&sb, "[");
	format_addr(sa->sa_family, &sa->sa_addr, &sb);
	strbuf_addf(&sb, "%s:%u", sa->sa_family == KAF_INET6 ? "]" : "",
	    sa->sa_port);
	return (strbuf_take(&sb));
}

static void
collect_name(struct conn_result *r, const struct conn *c,
    const struct ksockaddr *client, const struct ksockaddr *server)
{
	static const char *const versions[] = { "TLS 1.0", "TLS 1.1", "TLS 1.2",
		"TLS 1.3" };

	r->c_name = xasprintf("%s#%u", c->c_app->a_sc->loc.name, c->c_index);
	r->c_client = addr_text(client);
	r->c_server = addr_text(server);
	if (c->c_app->a_sc->tls.present)
		r->c_tls = versions[c->c_version];
	memcpy(r->c_suite, c->c_suite, sizeof(r->c_suite));
	r->c_done = c->c_so == NULL && c->c_failed == NULL;
	r->c_failed = c->c_failed;
	r->c_start = c->c_start;
	r->c_established = c->c_established;
	r->c_end = c->c_end;
}

/* What one end knows. */
static void
collect_side(const struct world *w, struct conn_result *r, unsigned side,
    const struct conn *c)
{
	const struct chart_conn *chart;
	unsigned at;

	r->c_side[side] = c->c_side;
	r->c_side[side].story = story_of(w, c->c_app->a_host, c->c_number);
	r->c_side[side].host = c->c_app->a_host->h_sc->loc.name;
	r->c_side[side].number = c->c_number;
	if ((chart = charts_of(w, c, &at)) == NULL)
		return;
	r->c_chart = chart;
	r->c_chart_client = side == 0 ? at : 1 - at;
}

static void
collect_conn(struct world *w, struct conn *c)
{
	struct conn_result *r = &w->w_res.r_conns[w->w_res.r_nconns++];
	struct conn *p = c->c_flow != NULL ? conn_peer(w, c) : NULL;

	if (c->c_so != NULL)
		app_conn_modes(c);
	collect_name(r, c, &c->c_local, &c->c_remote);
	r->c_body = c->c_before + c->c_off;
	if (app_uploads(c->c_app))
		r->c_body = p != NULL ? p->c_received : 0;
	r->c_gap = c->c_gap;
	if (app_uploads(c->c_app) && p != NULL)
		r->c_gap = p->c_gap;
	/* A client whose socket is open has not got, or sent, all of it. */
	if (c->c_so != NULL)
		story_gap_open(&r->c_gap, timebase_now(w->w_tb));
	collect_side(w, r, 0, c);
	if (p == NULL)
		return;
	if (p->c_so != NULL)
		app_conn_modes(p);
	r->c_server_name =
	    xasprintf("%s#%u", p->c_app->a_sc->loc.name, p->c_index);
	collect_side(w, r, 1, p);
}

/* What the server knows of a connection whose client is outside. */
static void
collect_outside(struct world *w, struct conn *c)
{
	struct conn_result *r = &w->w_res.r_conns[w->w_res.r_nconns++];

	if (c->c_so != NULL)
		app_conn_modes(c);
	collect_name(r, c, &c->c_remote, &c->c_local);
	r->c_outside = true;
	r->c_requests = c->c_requests;
	r->c_sent = c->c_sent;
	r->c_received = c->c_received;
	collect_side(w, r, 1, c);
	r->c_gap = c->c_gap;
}

static void
collect_conns(struct world *w, const struct app *a)
{
	struct conn *c;

	TAILQ_FOREACH(c, &a->a_conns, c_link)
		if (!c->c_server)
			collect_conn(w, c);
		else if (c->c_outside)
			collect_outside(w, c);
}

static void
collect_counters(struct world *w)
{
	struct result *r = &w->w_res;
	const struct sysctl_tree *st;
	unsigned n = 0;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		n += w->w_hosts[i].h_vnet->v_sysctl.st_count;
	r->r_counters = xcalloc(n, sizeof(*r->r_counters));
	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		st = &w->w_hosts[i].h_vnet->v_sysctl;
		for (unsigned j = 0; j < st->st_count; j++) {
			const struct sysctl_oid *o = &st->st_oids[j];

			if (o->oid_kind != CTL_CTR ||
			    *o->oid_val == o->oid_initial)
				continue;
			r->r_counters[r->r_ncounters++] =
			    (struct counter_result) {
				    .ct_host = w->w_sc->hosts[i].loc.name,
				    .ct_name = xstrdup(o->oid_name),
				    .ct_before = o->oid_initial,
				    .ct_after = *o->oid_val,
				    .ct_descr = o->oid_descr
			    };
		}
	}
}

static void
collect_links(struct world *w)
{
	struct result *r = &w->w_res;
	const struct wire_stats *ws;

	r->r_links = xcalloc(w->w_sc->nlinks, sizeof(*r->r_links));
	r->r_nlinks = w->w_sc->nlinks;
	for (unsigned i = 0; i < w->w_sc->nlinks; i++) {
		r->r_links[i].l_name = xstrdup(wire_name(w->w_links[i].l_wire));
		for (int d = 0; d < 2; d++) {
			ws = wire_stats(w->w_links[i].l_wire, d);
			r->r_links[i].l_dir[d].frames = ws->frames;
			r->r_links[i].l_dir[d].bytes = ws->bytes;
			r->r_links[i].l_dir[d].lost = ws->lost;
			r->r_links[i].l_dir[d].queue_drops = ws->queue_drops;
			r->r_links[i].l_dir[d].down_drops = ws->down_drops;
			r->r_links[i].l_dir[d].suspended_drops =
			    ws->suspended_drops;
		}
	}
}

void
collect_result(struct world *w)
{
	struct result *r = &w->w_res;
	unsigned n = 0;

	charts_freeze(w, false);
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		n += w->w_apps[i].a_nconns;
	r->r_conns = xcalloc(n, sizeof(*r->r_conns));
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		collect_conns(w, &w->w_apps[i]);
	collect_counters(w);
	collect_links(w);
	collect_cards(w);
	links_collect_nodes(w);
	r->r_end = timebase_now(w->w_tb);
	r->r_events = engine_events(w->w_engine);
	r->r_frames = w->w_frames;
	r->r_over_time = &w->w_timeline;
	r->r_charts = &w->w_charts;
	if (w->w_timeline.tl_worth && w->w_sc->capture.timeline)
		r->r_timeline = &w->w_timeline;
	apps_collect(w);
}
