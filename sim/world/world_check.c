/*
 * The judging: cheap checks while the run goes on, the expensive ones at its
 * end, the scenario's claims at their instants. Checkers only read.
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

/* --- claims --- */

static struct app *
claim_app(struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		if (strcmp(w->w_sc->apps[i].loc.name, name) == 0)
			return (&w->w_apps[i]);
	return (NULL);
}

/* The server's end of a client's connection; NULL. */
static struct conn *
peer_of(struct world *w, const struct conn *c)
{
	struct app *a;
	struct conn *p;

	for (unsigned i = 0; i < w->w_sc->napps; i++) {
		a = &w->w_apps[i];
		if (a->a_sc->type != SC_APP_HTTPS_SERVER)
			continue;
		TAILQ_FOREACH(p, &a->a_conns, c_link)
			if (p->c_flow != NULL && p->c_flow == c->c_flow)
				return (p);
	}
	return (NULL);
}

/* What the server has of a client that sends. */
static uint64_t
uploaded(struct world *w, const struct app *a)
{
	const struct conn *c, *p;
	uint64_t n = 0;

	TAILQ_FOREACH(c, &a->a_conns, c_link)
		if (c->c_flow != NULL && (p = peer_of(w, c)) != NULL)
			n += p->c_received;
	return (n);
}

static void
claim_delivered(struct world *w, const struct sc_exp_delivered *e,
    struct claim_result *cl)
{
	const struct app *a = claim_app(w, e->app);
	bool up = a->a_sc->upload != NULL;
	uint64_t got = up ? uploaded(w, a) : a->a_delivered;

	cl->cl_claim = xasprintf(up ? "%s delivers %ju body bytes"
				    : "%s receives %ju body bytes",
	    e->app, (uintmax_t)e->bytes);
	cl->cl_found = xasprintf("%ju bytes", (uintmax_t)got);
	cl->cl_ok = got == e->bytes;
}

void
claim_bounds(const struct sc_bounds *b, struct strbuf *sb)
{
	if (b->has_is)
		strbuf_addf(sb, " is %ju", (uintmax_t)b->is);
	if (b->has_min)
		strbuf_addf(sb, " is at least %ju", (uintmax_t)b->min);
	if (b->has_max)
		strbuf_addf(sb, " is at most %ju", (uintmax_t)b->max);
}

bool
claim_within(const struct sc_bounds *b, uint64_t v)
{
	return ((!b->has_is || v == b->is) && (!b->has_min || v >= b->min) &&
	    (!b->has_max || v <= b->max));
}

static void
claim_counter(struct world *w, const struct sc_exp_counter *e,
    struct claim_result *cl)
{
	struct strbuf sb = { 0 };
	uint64_t v = 0;
	int error;

	error = sysctl_read(world_host(w, e->host)->h_vnet, e->name, &v);
	strbuf_addf(&sb, "%s %s", e->host, e->name);
	claim_bounds(&e->bounds, &sb);
	cl->cl_claim = strbuf_take(&sb);
	cl->cl_ok = error == 0 && claim_within(&e->bounds, v);
	cl->cl_found = error != 0 ? xstrdup("there is no such sysctl")
				  : xasprintf("%ju", (uintmax_t)v);
}

static int
conn_mode(struct conn *c, int dir)
{
	int mode = TCP_TLS_MODE_NONE;

	if (c->c_so == NULL)
		return (dir == 0 ? c->c_side.tx_mode : c->c_side.rx_mode);
	if (dir == 0)
		(void)ktls_get_tx_mode(c->c_so, &mode);
	else
		(void)ktls_get_rx_mode(c->c_so, &mode);
	return (mode);
}

static void
claim_mode(struct world *w, const struct sc_exp_mode *e,
    struct claim_result *cl)
{
	struct app *a = claim_app(w, e->app);
	unsigned looked = 0, other = 0, mode = 0;
	struct conn *c;

	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		/* At an instant: those that live then; at the end: all. */
		if (e->has_at && (c->c_so == NULL || c->c_established == 0))
			continue;
		looked++;
		if (conn_mode(c, e->dir) != e->is) {
			other++;
			mode = (unsigned)conn_mode(c, e->dir);
		}
	}
	cl->cl_claim = xasprintf("%s %s mode is %s", e->app,
	    e->dir == 0 ? "tx" : "rx", ktls_mode_name(e->is));
	cl->cl_ok = looked > 0 && other == 0;
	cl->cl_found = looked == 0 ? xstrdup("no connection to look at")
	    : other == 0	   ? xasprintf("%s on %u of %u connections",
					 ktls_mode_name(e->is), looked, looked)
				   : xasprintf("%s on %u of %u connections",
					 ktls_mode_name((int)mode), other, looked);
}

static void
claim_time(struct world *w, const struct sc_exp_time *e,
    struct claim_result *cl)
{
	struct app *a = claim_app(w, e->app);
	struct strbuf sb = { 0 };

	strbuf_addf(&sb, "%s is done by ", e->app);
	format_time(e->max, &sb);
	cl->cl_claim = strbuf_take(&sb);
	cl->cl_ok =
	    a->a_open == 0 && a->a_failed == 0 && a->a_done_at <= e->max;
	if (a->a_open > 0)
		strbuf_addf(&sb, "%u connections are not done", a->a_open);
	else if (a->a_failed > 0)
		strbuf_addf(&sb, "%ju connections failed",
		    (uintmax_t)a->a_failed);
	else
		format_time(a->a_done_at, &sb);
	cl->cl_found = strbuf_take(&sb);
}

static void
claim_error(struct world *w, const struct sc_exp_error *e,
    struct claim_result *cl)
{
	struct app *a = claim_app(w, e->app);
	unsigned looked = 0, other = 0;
	const char *found = e->is;
	struct conn *c;

	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		looked++;
		if (c->c_error == errno_value(e->is))
			continue;
		other++;
		found = c->c_error != 0 ? errno_name(c->c_error) : "no error";
	}
	cl->cl_claim = xasprintf("%s fails with %s", e->app, e->is);
	cl->cl_ok = looked > 0 && other == 0;
	cl->cl_found = looked == 0
	    ? xstrdup("no connection to look at")
	    : xasprintf("%s on %u of %u connections", found,
		  other == 0 ? looked : other, looked);
}

static const char *const expect_kinds[] = { "delivered", "counter", "mode",
	"time", "error", "tcp_info" };

const char *
claim_file(const struct scenario *sc, const struct sc_loc *loc)
{
	return (loc->src == NULL || loc->src == &sc->source
		? NULL
		: loc->src->sr_name);
}

static void
claim_judge(struct world *w, unsigned i)
{
	const struct sc_expect *e = &w->w_sc->expect[i];
	struct claim_result *cl = &w->w_res.r_claims[i];

	cl->cl_line = e->loc.line;
	cl->cl_col = e->loc.col;
	cl->cl_name = e->name;
	cl->cl_kind = expect_kinds[e->kind];
	cl->cl_file = claim_file(w->w_sc, &e->loc);
	switch (e->kind) {
	case SC_EXP_DELIVERED:
		claim_delivered(w, &e->delivered, cl);
		break;
	case SC_EXP_COUNTER:
		claim_counter(w, &e->counter, cl);
		break;
	case SC_EXP_MODE:
		claim_mode(w, &e->mode, cl);
		break;
	case SC_EXP_TCP_INFO:
		claim_tcp_info(claim_app(w, e->tcp_info.app), &e->tcp_info, cl);
		break;
	case SC_EXP_TIME:
		claim_time(w, &e->time, cl);
		break;
	default:
		claim_error(w, &e->error, cl);
		break;
	}
	w->w_looks[i].lo_judged = true;
}

static void
look_event(void *arg)
{
	struct wlook *lo = arg;

	claim_judge(lo->lo_world, lo->lo_index);
}

void
judge_claims_begin(struct world *w)
{
	const struct sc_expect *e;
	struct wlook *lo;

	w->w_looks = xcalloc(w->w_sc->nexpect, sizeof(*w->w_looks));
	w->w_res.r_claims = xcalloc(w->w_sc->nexpect + w->w_sc->nsteps,
	    sizeof(*w->w_res.r_claims));
	w->w_res.r_nclaims = w->w_sc->nexpect;
	for (unsigned i = 0; i < w->w_sc->nsteps; i++)
		w->w_res.r_nclaims += w->w_sc->timeline[i].must;
	for (unsigned i = 0; i < w->w_sc->nexpect; i++) {
		e = &w->w_sc->expect[i];
		lo = &w->w_looks[i];
		lo->lo_world = w;
		lo->lo_index = i;
		/* After everything else of that instant. */
		sim_event_init(&lo->lo_event, EV_JUDGE, "claim", look_event,
		    lo);
		if (e->kind == SC_EXP_COUNTER && e->counter.has_at)
			timebase_post(w->w_tb, &lo->lo_event, e->counter.at);
		else if (e->kind == SC_EXP_MODE && e->mode.has_at)
			timebase_post(w->w_tb, &lo->lo_event, e->mode.at);
		else if (e->kind == SC_EXP_TCP_INFO && e->tcp_info.has_at)
			timebase_post(w->w_tb, &lo->lo_event, e->tcp_info.at);
	}
}

void
judge_claims_end(struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->nexpect; i++) {
		timebase_cancel(w->w_tb, &w->w_looks[i].lo_event);
		if (!w->w_looks[i].lo_judged)
			claim_judge(w, i);
	}
	whens_judge(w);
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
		r->c_tls = versions[c->c_app->a_sc->tls.version];
	memcpy(r->c_suite, c->c_suite, sizeof(r->c_suite));
	r->c_done = c->c_so == NULL && c->c_failed == NULL;
	r->c_failed = c->c_failed;
	r->c_start = c->c_start;
	r->c_established = c->c_established;
	r->c_end = c->c_end;
}

static void
collect_conn(struct world *w, struct conn *c)
{
	struct conn_result *r = &w->w_res.r_conns[w->w_res.r_nconns++];
	struct conn *p = c->c_flow != NULL ? peer_of(w, c) : NULL;

	if (c->c_so != NULL)
		app_conn_modes(c);
	collect_name(r, c, &c->c_local, &c->c_remote);
	r->c_body = c->c_before + c->c_off;
	if (c->c_app->a_sc->upload != NULL)
		r->c_body = p != NULL ? p->c_received : 0;
	r->c_gap = c->c_gap;
	if (c->c_app->a_sc->upload != NULL && p != NULL)
		r->c_gap = p->c_gap;
	/* A client whose socket is open has not got, or sent, all of it. */
	if (c->c_so != NULL)
		story_gap_open(&r->c_gap, timebase_now(w->w_tb));
	r->c_side[0] = c->c_side;
	r->c_side[0].story = story_of(w, c->c_app->a_host, c->c_number);
	if (p == NULL)
		return;
	if (p->c_so != NULL)
		app_conn_modes(p);
	r->c_side[1] = p->c_side;
	r->c_side[1].story = story_of(w, p->c_app->a_host, p->c_number);
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
	r->c_side[1] = c->c_side;
	r->c_side[1].story = story_of(w, c->c_app->a_host, c->c_number);
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
	if (w->w_timeline.tl_worth && w->w_sc->capture.timeline)
		r->r_timeline = &w->w_timeline;
}
