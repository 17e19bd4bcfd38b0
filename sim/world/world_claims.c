/*
 * The scenario's claims, judged at their instants or when the run is over.
 * Who fails says what made it so, if that is known: an event, a frame.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/sysctl.h>

#include "world_priv.h"

struct app *
claim_app(struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		if (strcmp(w->w_sc->apps[i].loc.name, name) == 0)
			return (&w->w_apps[i]);
	return (NULL);
}

struct conn *
world_conn(struct world *w, const char *name)
{
	const char *hash = strchr(name, '#');
	struct conn *c;

	for (unsigned i = 0; i < w->w_sc->napps && hash != NULL; i++) {
		if (strlen(w->w_sc->apps[i].loc.name) !=
			(size_t)(hash - name) ||
		    strncmp(w->w_sc->apps[i].loc.name, name,
			(size_t)(hash - name)) != 0)
			continue;
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link)
			if (c->c_index == strtoul(hash + 1, NULL, 10))
				return (c);
	}
	return (NULL);
}

/* The server's end of a client's connection; NULL. */
struct conn *
conn_peer(struct world *w, const struct conn *c)
{
	struct app *a;
	struct conn *p;

	for (unsigned i = 0; i < w->w_sc->napps; i++) {
		a = &w->w_apps[i];
		if (sc_app_is_client(a->a_sc->type))
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
		if (c->c_flow != NULL && (p = conn_peer(w, c)) != NULL)
			n += p->c_received;
	return (n);
}

/* It became more than it may. */
static void
evidence_tripped(const struct wlook *lo, struct claim_result *cl)
{
	claim_evidence(cl, lo->lo_when, lo->lo_frame,
	    "it became %ju in the event \"%s\"", (uintmax_t)lo->lo_tripped_to,
	    lo->lo_event_name);
}

/* The first connection that did not get to its end; false: all did. */
static bool
evidence_failed(const struct app *a, struct claim_result *cl)
{
	const struct conn *c, *first = NULL;

	TAILQ_FOREACH(c, &a->a_conns, c_link)
		if (c->c_failed != NULL &&
		    (first == NULL || c->c_end < first->c_end))
			first = c;
	if (first != NULL)
		claim_evidence(cl, first->c_end, first->c_end_frame,
		    "%s#%u: %s: %s", a->a_sc->loc.name, first->c_index,
		    first->c_failed, errno_name(first->c_error));
	return (first != NULL);
}

/* Who reads what this connection delivers. */
static const struct conn *
reader(struct world *w, const struct app *a, const struct conn *c)
{
	return (!app_uploads(a)	    ? c
		: c->c_flow != NULL ? conn_peer(w, c)
				    : NULL);
}

/* The last bytes that came, or who waits for the first. */
static void
evidence_last_read(struct world *w, const struct app *a,
    struct claim_result *cl)
{
	const struct conn *c, *p, *last = NULL,
				  *first = TAILQ_FIRST(&a->a_conns);

	TAILQ_FOREACH(c, &a->a_conns, c_link)
		if ((p = reader(w, a, c)) != NULL && p->c_gap.g_reads > 0 &&
		    (last == NULL || p->c_gap.g_last >= last->c_gap.g_last))
			last = p;
	if (last != NULL)
		claim_evidence(cl, last->c_gap.g_last, last->c_gap.g_last_frame,
		    "%s#%u reads the last bytes that come",
		    last->c_app->a_sc->loc.name, last->c_index);
	else if (first != NULL)
		claim_evidence(cl,
		    first->c_so != NULL ? timebase_now(w->w_tb) : first->c_end,
		    first->c_so != NULL ? w->w_frames : first->c_end_frame,
		    "%s#%u has read nothing: %s", a->a_sc->loc.name,
		    first->c_index, conn_state_name(first));
}

static void
claim_delivered(struct world *w, const struct sc_exp_delivered *e,
    const struct wlook *lo, struct claim_result *cl)
{
	const struct app *a = claim_app(w, e->app);
	uint64_t got = app_uploads(a) ? uploaded(w, a) : a->a_delivered;

	cl->cl_found = xasprintf("%ju bytes", (uintmax_t)got);
	cl->cl_ok = claim_within(&e->bounds, got);
	if (cl->cl_ok)
		return;
	if (lo->lo_tripped)
		evidence_tripped(lo, cl);
	else if (!evidence_failed(a, cl))
		evidence_last_read(w, a, cl);
}

bool
claim_within(const struct sc_bounds *b, uint64_t v)
{
	return ((!b->has_is || v == b->is) && (!b->has_min || v >= b->min) &&
	    (!b->has_max || v <= b->max));
}

static void
claim_counter(struct world *w, const struct sc_exp_counter *e,
    const struct wlook *lo, struct claim_result *cl)
{
	uint64_t v = 0;
	int error;

	error = sysctl_read(world_host(w, e->host)->h_vnet, e->name, &v);
	cl->cl_ok = error == 0 && claim_within(&e->bounds, v);
	cl->cl_found = error != 0 ? xstrdup("there is no such sysctl")
				  : xasprintf("%ju", (uintmax_t)v);
	if (!cl->cl_ok && lo->lo_tripped)
		evidence_tripped(lo, cl);
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

/* The decision by which this connection has its mode. */
static void
evidence_mode(struct world *w, const struct sc_exp_mode *e,
    const struct conn *c, struct claim_result *cl)
{
	const struct story *s = story_of(w, c->c_app->a_host, c->c_number);
	const struct story_mode *sm, *last = NULL;

	for (sm = s != NULL ? s->s_modes : NULL;
	     sm != NULL && sm < s->s_modes + s->s_nmodes; sm++)
		if (sm->sm_rx == (e->dir == 1) &&
		    (!e->has_at || sm->sm_when <= e->at))
			last = sm;
	if (last != NULL)
		claim_evidence(cl, last->sm_when, last->sm_frame,
		    "%s#%u: %s %s: %s%s%s", e->app, c->c_index,
		    e->dir == 0 ? "tx" : "rx", last->sm_mode, last->sm_why,
		    last->sm_error != 0 ? ", " : "",
		    last->sm_error != 0 ? errno_name(last->sm_error) : "");
	else
		claim_evidence(cl, c->c_established, 0,
		    "%s#%u: KTLS was never switched on (%s)", e->app,
		    c->c_index,
		    e->dir == 0 ? (c->c_side.tx_why != NULL ? c->c_side.tx_why
							    : "not asked for")
				: (c->c_side.rx_why != NULL ? c->c_side.rx_why
							    : "not asked for"));
}

static void
claim_mode(struct world *w, const struct sc_exp_mode *e,
    struct claim_result *cl)
{
	struct app *a = claim_app(w, e->app);
	unsigned looked = 0, other = 0, mode = 0;
	struct conn *c, *odd = NULL;

	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		/* At an instant: those that live then; at the end: all. */
		if ((e->has_connection && c->c_index != e->connection) ||
		    (e->has_at && (c->c_so == NULL || c->c_established == 0)))
			continue;
		looked++;
		if (conn_mode(c, e->dir) != e->is) {
			odd = other++ == 0 ? c : odd;
			mode = (unsigned)conn_mode(c, e->dir);
		}
	}
	cl->cl_ok = looked > 0 && other == 0;
	cl->cl_found = looked == 0 ? xstrdup("no connection to look at")
	    : other == 0	   ? xasprintf("%s on %u of %u connections",
					 ktls_mode_name(e->is), looked, looked)
				   : xasprintf("%s on %u of %u connections",
					 ktls_mode_name((int)mode), other, looked);
	if (odd != NULL)
		evidence_mode(w, e, odd, cl);
}

/* The connection that is done last; NULL: there is none. */
static const struct conn *
late_conn(const struct app *a)
{
	const struct conn *c, *last = NULL;

	TAILQ_FOREACH(c, &a->a_conns, c_link)
		if (last == NULL || c->c_so != NULL ||
		    (last->c_so == NULL && c->c_end > last->c_end))
			last = c;
	return (last);
}

static void
evidence_late(struct world *w, const struct app *a, struct claim_result *cl)
{
	const struct conn *c = late_conn(a);

	if (c != NULL)
		claim_evidence(cl,
		    c->c_so != NULL ? timebase_now(w->w_tb) : c->c_end,
		    c->c_so != NULL ? w->w_frames : c->c_end_frame,
		    "%s#%u is the last one", a->a_sc->loc.name, c->c_index);
}

static void
claim_time(struct world *w, const struct sc_exp_time *e,
    struct claim_result *cl)
{
	struct app *a = claim_app(w, e->app);
	struct strbuf sb = { 0 };
	simtime_t t = a->a_done_at;

	cl->cl_ok = a->a_open == 0 && a->a_failed == 0 &&
	    (!e->has_is || t == e->is) && (!e->has_min || t >= e->min) &&
	    (!e->has_max || t <= e->max);
	if (a->a_open > 0)
		strbuf_addf(&sb, "%u connections are not done", a->a_open);
	else if (a->a_failed > 0)
		strbuf_addf(&sb, "%ju connections failed",
		    (uintmax_t)a->a_failed);
	else
		format_time_exact(t, &sb);
	cl->cl_found = strbuf_take(&sb);
	if (!cl->cl_ok)
		evidence_late(w, a, cl);
}

static void
claim_error(struct world *w, const struct sc_exp_error *e,
    struct claim_result *cl)
{
	struct app *a = claim_app(w, e->app);
	unsigned looked = 0, other = 0;
	const char *found = e->is;
	struct conn *c, *odd = NULL;

	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		if (e->has_connection && c->c_index != e->connection)
			continue;
		looked++;
		if (c->c_error == errno_value(e->is))
			continue;
		odd = other++ == 0 ? c : odd;
		found = c->c_error != 0 ? errno_name(c->c_error) : "no error";
	}
	cl->cl_ok = looked > 0 && other == 0;
	cl->cl_found = looked == 0
	    ? xstrdup("no connection to look at")
	    : xasprintf("%s on %u of %u connections", found,
		  other == 0 ? looked : other, looked);
	if (odd != NULL)
		claim_evidence(cl,
		    odd->c_so != NULL ? timebase_now(w->w_tb) : odd->c_end, 0,
		    "%s#%u %s", e->app, odd->c_index,
		    odd->c_error != 0	    ? errno_name(odd->c_error)
			: odd->c_so != NULL ? "is still open"
					    : "ended well");
}

const char *
claim_file(const struct scenario *sc, const struct sc_loc *loc)
{
	return (loc->src == NULL || loc->src == &sc->source
		? NULL
		: loc->src->sr_name);
}

void
claim_evidence(struct claim_result *cl, simtime_t when, uint64_t frame,
    const char *fmt, ...)
{
	struct strbuf sb = { 0 };
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	free(cl->cl_first);
	cl->cl_first = strbuf_take(&sb);
	cl->cl_when = when;
	claim_frame(cl, frame);
}

void
claim_frame(struct claim_result *cl, uint64_t frame)
{
	if (frame != 0 && cl->cl_nframes < CLAIM_FRAMES &&
	    (cl->cl_nframes == 0 || cl->cl_frames[cl->cl_nframes - 1] != frame))
		cl->cl_frames[cl->cl_nframes++] = frame;
}

static void
claim_gap(struct world *w, const struct sc_exp_gap *e, struct claim_result *cl)
{
	struct app *a = claim_app(w, e->app);
	struct strbuf sb = { 0 };
	struct story_gap g, longest = { 0 };
	const struct conn *c, *p, *at = NULL;

	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		p = app_uploads(a) ? conn_peer(w, c) : c;
		if (p == NULL)
			continue;
		g = p->c_gap;
		if (c->c_so != NULL)
			story_gap_open(&g, timebase_now(w->w_tb));
		if (at == NULL || g.g_longest > longest.g_longest) {
			longest = g;
			at = c;
		}
	}
	cl->cl_ok = at != NULL &&
	    (!e->has_min || longest.g_longest >= e->min) &&
	    (!e->has_max || longest.g_longest <= e->max);
	if (at == NULL) {
		cl->cl_found = xstrdup("no connection to look at");
		return;
	}
	format_time_exact(longest.g_longest, &sb);
	cl->cl_found = strbuf_take(&sb);
	if (!cl->cl_ok)
		claim_evidence(cl, longest.g_from, longest.g_frame,
		    "%s#%u waits from here", e->app, at->c_index);
}

static bool
number_within(const struct sc_bounds *b, const struct report_number *v)
{
	bool more = v->rest > 0;

	return ((!b->has_is || (v->whole == b->is && !more)) &&
	    (!b->has_min || v->whole >= b->min) &&
	    (!b->has_max || v->whole < b->max ||
		(v->whole == b->max && !more)));
}

/* As few digits as tell it from all others. */
static char *
number_text(const struct report_number *v)
{
	double real = (double)v->whole + v->rest;
	char text[32];

	if (v->rest == 0)
		return (xasprintf("%ju", (uintmax_t)v->whole));
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, real);
		if (strtod(text, NULL) == real)
			break;
	}
	return (xstrdup(text));
}

/* Its number, once the report is made. */
static void
claim_report(struct world *w, const struct sc_exp_report *e,
    struct claim_result *cl)
{
	struct report_number v;
	const char *why;

	why = report_number(&w->w_res, e->path, &v);
	cl->cl_ok = why == NULL && number_within(&e->bounds, &v);
	cl->cl_found = why != NULL ? xstrdup(why) : number_text(&v);
	if (!cl->cl_ok && why == NULL)
		claim_evidence(cl, w->w_res.r_end, w->w_res.r_frames,
		    "the run is over, and this its result");
}

static void
claim_judge(struct world *w, unsigned i)
{
	const struct sc_expect *e = &w->w_sc->expect[i];
	struct claim_result *cl = &w->w_res.r_claims[i];

	switch (e->kind) {
	case SC_EXP_DELIVERED:
		claim_delivered(w, &e->delivered, &w->w_looks[i], cl);
		break;
	case SC_EXP_COUNTER:
		claim_counter(w, &e->counter, &w->w_looks[i], cl);
		break;
	case SC_EXP_MODE:
		claim_mode(w, &e->mode, cl);
		break;
	case SC_EXP_TCP_INFO:
		claim_tcp_info(w, &e->tcp_info, cl);
		break;
	case SC_EXP_TIME:
		claim_time(w, &e->time, cl);
		break;
	case SC_EXP_ERROR:
		claim_error(w, &e->error, cl);
		break;
	case SC_EXP_GAP:
		claim_gap(w, &e->gap, cl);
		break;
	case SC_EXP_REPORT:
		claim_report(w, &e->report, cl);
		break;
	default:
		claim_counted(w, i, cl);
		break;
	}
	/* What never was, nothing made so: then it is the last instant. */
	if (!cl->cl_ok && cl->cl_found != NULL && cl->cl_first == NULL)
		claim_evidence(cl, timebase_now(w->w_tb),
		    cl->cl_nframes == 0 ? w->w_frames : 0,
		    cl->cl_nframes == 0 ? "not so until here"
					: "it was judged");
	w->w_looks[i].lo_judged = true;
}

static void
look_event(void *arg)
{
	struct wlook *lo = arg;

	claim_judge(lo->lo_world, lo->lo_index);
}

/* When it is looked at, if not at the end. */
static bool
claim_instant(const struct sc_expect *e, simtime_t *at)
{
	*at = e->kind == SC_EXP_COUNTER	  ? e->counter.at
	    : e->kind == SC_EXP_DELIVERED ? e->delivered.at
	    : e->kind == SC_EXP_MODE	  ? e->mode.at
					  : e->tcp_info.at;
	return ((e->kind == SC_EXP_COUNTER && e->counter.has_at) ||
	    (e->kind == SC_EXP_DELIVERED && e->delivered.has_at) ||
	    (e->kind == SC_EXP_MODE && e->mode.has_at) ||
	    (e->kind == SC_EXP_TCP_INFO && e->tcp_info.has_at));
}

/* --- counters that must not go beyond something --- */

/* So that a failed claim can say when it did. */
static void
claim_watch(struct world *w, struct wlook *lo, const uint64_t *value,
    const struct sc_bounds *b)
{
	if (value == NULL || (!b->has_is && !b->has_max))
		return;
	lo->lo_value = value;
	lo->lo_most = b->has_is ? b->is : b->max;
	w->w_watched++;
}

/* What is one number from the start to the end. */
static void
claim_watch_value(struct world *w, struct wlook *lo, const struct sc_expect *e)
{
	const struct sysctl_oid *oid;
	const struct app *a;

	if (e->kind == SC_EXP_COUNTER) {
		oid = sysctl_find(world_host(w, e->counter.host)->h_vnet,
		    e->counter.name);
		claim_watch(w, lo, oid != NULL ? oid->oid_val : NULL,
		    &e->counter.bounds);
	} else if (e->kind == SC_EXP_DELIVERED) {
		a = claim_app(w, e->delivered.app);
		claim_watch(w, lo, app_uploads(a) ? NULL : &a->a_delivered,
		    &e->delivered.bounds);
	}
}

void
claims_watch(struct world *w)
{
	struct wlook *lo;

	for (lo = w->w_looks; lo < w->w_looks + w->w_sc->nexpect; lo++) {
		if (lo->lo_value == NULL || *lo->lo_value <= lo->lo_most)
			continue;
		lo->lo_tripped = true;
		lo->lo_tripped_to = *lo->lo_value;
		lo->lo_when = timebase_now(w->w_tb);
		lo->lo_frame = w->w_frames;
		lo->lo_event_name = engine_last(w->w_engine);
		lo->lo_value = NULL;
		w->w_watched--;
	}
}

/* --- the run's life --- */

/* A run that breaks off says what it did not judge. */
static void
claim_begin(struct world *w, const struct sc_expect *e, struct claim_result *cl)
{
	cl->cl_line = e->loc.line;
	cl->cl_col = e->loc.col;
	cl->cl_name = e->name;
	cl->cl_kind = sc_expect_names[e->kind];
	cl->cl_file = claim_file(w->w_sc, &e->loc);
	cl->cl_claim = claim_text(w, e);
}

void
judge_claims_begin(struct world *w)
{
	const struct sc_expect *e;
	struct wlook *lo;
	simtime_t at;

	w->w_res.r_claims = xcalloc(w->w_sc->nexpect + w->w_sc->nsteps,
	    sizeof(*w->w_res.r_claims));
	w->w_res.r_nclaims = w->w_sc->nexpect;
	for (unsigned i = 0; i < w->w_sc->nsteps; i++)
		w->w_res.r_nclaims += w->w_sc->timeline[i].must;
	for (unsigned i = 0; i < w->w_sc->nexpect; i++) {
		e = &w->w_sc->expect[i];
		claim_begin(w, e, &w->w_res.r_claims[i]);
		lo = &w->w_looks[i];
		lo->lo_world = w;
		lo->lo_index = i;
		/* After everything else of that instant. */
		sim_event_init(&lo->lo_event, EV_JUDGE, "claim", look_event,
		    lo);
		if (claim_instant(e, &at))
			timebase_post(w->w_tb, &lo->lo_event, at);
		claim_watch_value(w, lo, e);
	}
	whens_claim(w);
}

void
judge_claims_end(struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->nexpect; i++) {
		timebase_cancel(w->w_tb, &w->w_looks[i].lo_event);
		if (!w->w_looks[i].lo_judged &&
		    w->w_sc->expect[i].kind != SC_EXP_REPORT)
			claim_judge(w, i);
	}
	w->w_watched = 0;
	whens_judge(w);
}

void
judge_report_claims(struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->nexpect; i++)
		if (w->w_sc->expect[i].kind == SC_EXP_REPORT)
			claim_judge(w, i);
}
