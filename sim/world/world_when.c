/*
 * Steps that wait for something. What frames tell is looked at as each leaves
 * its card, with its fate decided; all else after each event, and only while
 * such a condition is waited for. A condition that comes true posts its step
 * at the same instant (or `after` that), behind the event that made it true.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

/* A step that happens so often at one instant would go on for ever. */
#define WHENS_AT_ONCE 1000u

static bool
is_polled(const struct wstep *s)
{
	return (s->s_sc->cond.kind != SC_WHEN_RECORD);
}

int
when_arm(struct world *w, struct wstep *s, struct strbuf *err)
{
	const struct sc_when *c = &s->s_sc->cond;
	const struct sysctl_oid *oid;
	struct vnet *vnet;

	if (c->kind == SC_WHEN_COUNTER) {
		vnet = world_host(w, c->host)->h_vnet;
		oid = sysctl_find(vnet, c->counter);
		if (!vnet->v_sysctl.st_booted)
			return (0); /* it was not built to its end */
		if (oid == NULL || oid->oid_val == NULL)
			return (world_no_sysctl(w, err,
			    scenario_text_at(s->s_sc->when), vnet, c->counter));
		s->s_value = oid->oid_val;
	}
	/* Also of states: flow1 is the first one that the wires saw. */
	if ((c->kind == SC_WHEN_RECORD || c->flow != 0) && w->w_flows == NULL)
		w->w_flows = flowtrack_create();
	s->s_armed = true;
	w->w_whens_polled += is_polled(s);
	return (0);
}

static void
disarm(struct wstep *s)
{
	if (!s->s_armed)
		return;
	s->s_armed = false;
	s->s_world->w_whens_polled -= is_polled(s);
}

void
whens_off(struct world *w)
{
	for (unsigned i = 0; w->w_steps != NULL && i < w->w_sc->nsteps; i++)
		disarm(&w->w_steps[i]);
}

/* Steps that make each other's conditions true, so that time stands still. */
static void
break_circle(struct world *w)
{
	simtime_t now = timebase_now(w->w_tb);
	struct strbuf sb = { 0 };
	const struct wstep *s;

	strbuf_addf(&sb,
	    "conditions of steps make each other true without end, %u times at "
	    "this instant:",
	    WHENS_AT_ONCE);
	for (s = w->w_steps; s < w->w_steps + w->w_sc->nsteps; s++)
		if (s->s_at == now && s->s_at_once > 1)
			strbuf_addf(&sb, " `%s on %s when %s` (line %d)",
			    step_name(s->s_sc), s->s_sc->on, s->s_sc->when,
			    s->s_sc->loc.line);
	invariant_broken(w, 7, strbuf_str(&sb));
	strbuf_fini(&sb);
	whens_off(w);
}

static void
count_at_once(struct wstep *s)
{
	simtime_t now = timebase_now(s->s_world->w_tb);

	if (s->s_at != now)
		s->s_at_once = 0;
	s->s_at = now;
	if (++s->s_at_once == WHENS_AT_ONCE)
		break_circle(s->s_world);
}

static void
fire(struct wstep *s, simtime_t when)
{
	if (sim_event_pending(&s->s_event))
		return; /* it is on its way */
	if (s->s_fired++ == 0)
		s->s_first = when + s->s_sc->after;
	timebase_post(s->s_world->w_tb, &s->s_event, when + s->s_sc->after);
	count_at_once(s);
	if (s->s_sc->times != 0 && s->s_fired >= s->s_sc->times)
		disarm(s);
}

/* --- connections and flows --- */

static struct conn *
conn_numbered(struct world *w, const char *app, unsigned index)
{
	struct conn *c;

	for (unsigned i = 0; i < w->w_sc->napps; i++)
		if (strcmp(w->w_sc->apps[i].loc.name, app) == 0)
			TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link)
				if (c->c_index == index)
					return (c);
	return (NULL);
}

static bool
same_end(const struct ksockaddr *a, const struct ksockaddr *b)
{
	return (a->sa_family == b->sa_family && a->sa_port == b->sa_port &&
	    in_any_eq(&a->sa_addr, &b->sa_addr));
}

/* The client's side of it, if it is this flow. */
static bool
conn_is_flow(const struct world *w, const struct conn *c, unsigned flow)
{
	struct ksockaddr client, server, local;

	flowtrack_ends(w->w_flows, flow, &client, &server);
	local = c->c_local;
	if (local.sa_port == 0 &&
	    (c->c_so == NULL || so_sockname(c->c_so, &local) != 0))
		return (false);
	return (same_end(&local, &client) && same_end(&c->c_remote, &server));
}

static struct conn *
conn_of_flow(struct world *w, unsigned flow)
{
	struct conn *c;

	if (flow > flowtrack_flows(w->w_flows))
		return (NULL);
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		TAILQ_FOREACH(c, &w->w_apps[i].a_conns, c_link)
			if (!c->c_server && conn_is_flow(w, c, flow))
				return (c);
	return (NULL);
}

/* Found once, it stays. */
static struct conn *
when_conn(struct world *w, struct wstep *s)
{
	const struct sc_when *c = &s->s_sc->cond;

	if (s->s_conn == NULL)
		s->s_conn = c->flow != 0
		    ? conn_of_flow(w, c->flow)
		    : conn_numbered(w, c->app, c->connection);
	return (s->s_conn);
}

/* --- what frames tell --- */

static bool
flow_is_meant(struct world *w, struct wstep *s, const struct flow_seg *seg)
{
	const struct sc_when *c = &s->s_sc->cond;
	struct conn *conn;

	if (seg->fs_flow == 0 ||
	    seg->fs_from_server != (c->side == SC_SIDE_SERVER))
		return (false);
	if (c->flow != 0)
		return (seg->fs_flow == c->flow);
	conn = when_conn(w, s);
	return (conn != NULL && conn_is_flow(w, conn, seg->fs_flow));
}

/* Of the segment that is meant, or of the record: its last byte was sent, or
 * got through; or any part of it was lost. */
static bool
record_came(const struct sc_when *c, const struct flow_rec *r,
    const struct wire_fate *fate)
{
	bool lost = fate->wf_lost != NULL;

	if (!c->any_record && r->fr_number != c->record)
		return (false);
	if (c->segment != 0 && r->fr_segment != c->segment)
		return (false);
	if (c->fate == SC_FATE_LOST)
		return (lost);
	if (c->fate == SC_FATE_DELIVERED && lost)
		return (false);
	return (c->segment != 0 || r->fr_last);
}

void
whens_frame(struct world *w, const struct frame *f,
    const struct wire_fate *fate)
{
	const struct sc_when *c;
	struct flow_seg seg;
	struct wstep *s;

	if (w->w_flows == NULL)
		return;
	flowtrack_frame(w->w_flows, f, &seg);
	for (unsigned i = 0; i < w->w_sc->nsteps && seg.fs_nrecs > 0; i++) {
		s = &w->w_steps[i];
		if (!s->s_armed || is_polled(s) || !flow_is_meant(w, s, &seg))
			continue;
		c = &s->s_sc->cond;
		for (unsigned r = 0; r < seg.fs_nrecs && s->s_armed; r++)
			if (record_came(c, &seg.fs_rec[r], fate))
				fire(s,
				    c->fate == SC_FATE_DELIVERED
					? fate->wf_arrives
					: timebase_now(w->w_tb));
	}
}

/* --- what is asked after each event --- */

static bool
compare(int cmp, uint64_t a, uint64_t b)
{
	switch (cmp) {
	case SC_LT:
		return (a < b);
	case SC_LE:
		return (a <= b);
	case SC_EQ:
		return (a == b);
	case SC_NE:
		return (a != b);
	case SC_GE:
		return (a >= b);
	default:
		return (a > b);
	}
}

static bool
state_is(const struct conn *c, int state)
{
	const struct tcpcb *tp;

	if (c == NULL)
		return (false);
	if (c->c_so == NULL)
		return (state == TCPS_CLOSED);
	tp = sototcpcb(c->c_so);
	return (tp != NULL && (int)tp->t_state == state);
}

static uint64_t
app_delivered(const struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		if (strcmp(w->w_sc->apps[i].loc.name, name) == 0)
			return (w->w_apps[i].a_delivered);
	return (0);
}

static bool
is_true(struct world *w, struct wstep *s)
{
	const struct sc_when *c = &s->s_sc->cond;

	if (c->kind == SC_WHEN_COUNTER)
		return (compare(c->cmp, *s->s_value, c->value));
	if (c->kind == SC_WHEN_DELIVERED)
		return (compare(c->cmp, app_delivered(w, c->app), c->value));
	return (state_is(when_conn(w, s), c->state));
}

void
whens_poll(struct world *w)
{
	struct wstep *s;
	bool now;

	for (unsigned i = 0; i < w->w_sc->nsteps; i++) {
		s = &w->w_steps[i];
		if (!s->s_armed || !is_polled(s))
			continue;
		now = is_true(w, s);
		if (now && !s->s_was)
			fire(s, timebase_now(w->w_tb));
		s->s_was = now;
	}
}

/* --- what came of it --- */

static char *
step_text(const struct sc_step *st)
{
	return (xasprintf("%s on %s when %s", step_name(st), st->on, st->when));
}

/* Behind the other claims: steps that must happen. */
void
whens_claim(struct world *w)
{
	struct claim_result *cl = &w->w_res.r_claims[w->w_sc->nexpect];
	const struct sc_step *st;

	for (st = w->w_sc->timeline; st < w->w_sc->timeline + w->w_sc->nsteps;
	     st++)
		if (st->must)
			*cl++ = (struct claim_result) { .cl_line = st->loc.line,
				.cl_col = st->loc.col,
				.cl_kind = "step",
				.cl_file = claim_file(w->w_sc, &st->loc),
				.cl_claim = step_text(st) };
}

/* Conditions that were waited for: their claim where the step must happen, else
 * a word in the report if it did not. */
void
whens_judge(struct world *w)
{
	struct result *r = &w->w_res;
	struct claim_result *cl = &r->r_claims[w->w_sc->nexpect];
	struct strbuf sb = { 0 };
	const struct wstep *s;

	r->r_waiting = xcalloc(w->w_sc->nsteps, sizeof(*r->r_waiting));
	for (s = w->w_steps; s < w->w_steps + w->w_sc->nsteps; s++) {
		if (s->s_sc->when == NULL || (s->s_fired > 0 && !s->s_sc->must))
			continue;
		if (!s->s_sc->must) {
			r->r_waiting[r->r_nwaiting++] =
			    (struct waiting_result) { step_text(s->s_sc),
				    s->s_sc->loc.line };
			continue;
		}
		cl->cl_ok = s->s_fired > 0;
		if (cl->cl_ok) {
			strbuf_adds(&sb, "it, at ");
			format_time(s->s_first, &sb);
		} else
			strbuf_adds(&sb, "that it never came true");
		(cl++)->cl_found = strbuf_take(&sb);
	}
}
