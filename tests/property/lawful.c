/* See lawful.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kmem.h>
#include <ktsim/netinet/tcp_var.h>

#include "lawful.h"

/* A connection that got no new tag. */
struct refusal {
	simtime_t r_when;
	uint64_t r_conn;
	int r_error;
	bool r_client, r_pause, r_no_port; /* LACP's, at that instant */
};

/* A connection's row of timeouts. */
struct vain {
	uint64_t v_conn;
	bool v_client;
	uint64_t v_lost;      /* l_lost at the last one */
	unsigned v_explained; /* intervals in which something was lost */
};

static unsigned
steps_of(const struct part *p)
{
	unsigned n = 0;

	for (const char *s = p->p_text; (s = strchr(s, '\n')) != NULL; s++)
		n++;
	return (n);
}

static bool
strikes(const struct part *p, const struct wstep *first, simtime_t when)
{
	const struct wstep *last = first + steps_of(p) - 1;
	uint64_t us = (uint64_t)(when / SIM_US);

	if (!p->p_when)
		return (us >= p->p_from && (us <= p->p_to || p->p_forever));
	return (first->s_fired > 0 && when >= first->s_first &&
	    (when <= last->s_first || p->p_forever));
}

/* What the drawn steps permit on this host at this instant. */
static unsigned
permitted(const struct lawful *l, bool client, simtime_t when)
{
	unsigned lawful = 0, ports = LAW_PORT0 | LAW_PORT1;
	const struct wstep *step = l->l_steps;
	const struct part *p;

	for (unsigned i = 0; i < l->l_rw->rw_nparts; i++) {
		p = &l->l_rw->rw_part[i];
		if (p->p_at != AT_TIMELINE || p->p_out)
			continue;
		/* A wire has two ends. */
		if (strikes(p, step, when))
			lawful |= p->p_client == client ? p->p_lawful
							: p->p_lawful & ports;
		step += steps_of(p);
	}
	return (lawful);
}

/* The errno with which a tag was refused, when a new one was needed. */
static bool
may_refuse(const struct lawful *l, const struct refusal *r)
{
	unsigned lawful = permitted(l, r->r_client, r->r_when);
	unsigned ports = LAW_PORT0 | LAW_PORT1;

	switch (r->r_error) {
	case EOPNOTSUPP:
		return ((lawful & LAW_NO_TAG) != 0 ||
		    (lawful & ports) == ports || r->r_pause ||
		    (l->l_rw->rw_lacp && r->r_no_port));
	case ENXIO:
		return ((lawful & LAW_NO_ROUTE) != 0);
	case ENOENT:
		return ((lawful & LAW_NO_ADDR) != 0);
	case ENOMEM:
		return (!r->r_client && l->l_rw->rw_full);
	default:
		return (false);
	}
}

char *
lawful_refusals(struct lawful *l, const struct world *w)
{
	const struct refusal *r = l->l_refusals;
	struct strbuf sb = { 0 };

	l->l_steps = w->w_steps;
	for (unsigned i = 0; i < l->l_nrefusals; i++, r++) {
		if (may_refuse(l, r)) {
			l->l_aborts++;
			continue;
		}
		strbuf_addf(&sb, "%s: conn %" PRIu64 " got no new tag (%s) at ",
		    r->r_client ? "client" : "server", r->r_conn,
		    errno_name(r->r_error));
		format_time(r->r_when, &sb);
		return (strbuf_take(&sb));
	}
	return (NULL);
}

static void
tag_reset(struct lawful *l, const struct trace_rec *rec)
{
	bool client = strcmp(rec->tr_who, "client") == 0;
	int error = (int)rec->tr_args[1].i;

	/* Receive tags end nothing; who is gone cannot be dropped. */
	if (error == 0 || error == ECONNRESET ||
	    strcmp(rec->tr_args[2].s, "connection dropped") != 0)
		return;
	l->l_refusals = xrealloc(l->l_refusals,
	    (l->l_nrefusals + 1) * sizeof(*l->l_refusals));
	l->l_refusals[l->l_nrefusals++] =
	    (struct refusal) { .r_when = rec->tr_when,
		    .r_conn = rec->tr_args[0].u,
		    .r_error = error,
		    .r_client = client,
		    .r_pause = l->l_paused[client] != 0,
		    .r_no_port = l->l_no_port[client] };
}

static void
lacp_state(struct lawful *l, const struct trace_rec *rec)
{
	bool client = strcmp(rec->tr_who, "client") == 0;

	if (strcmp(rec->tr_args[0].s, "lagg0") != 0 ||
	    strcmp(rec->tr_args[1].s, "distribution") != 0)
		return;
	if (strcmp(rec->tr_args[2].s, "suppressed") == 0) {
		l->l_paused[client] = rec->tr_when;
		l->l_pauses++;
	} else
		l->l_paused[client] = 0;
}

static bool
by_chance(const char *reason)
{
	return (strncmp(reason, "link: ", 6) == 0 &&
	    strcmp(reason, "link: suspended") != 0);
}

static struct vain *
vain_of(struct lawful *l, const struct trace_rec *rec)
{
	bool client = strcmp(rec->tr_who, "client") == 0;
	struct vain *v;

	for (v = l->l_vain; v < l->l_vain + l->l_nvain; v++)
		if (v->v_conn == rec->tr_args[0].u && v->v_client == client)
			return (v);
	l->l_vain = xrealloc(l->l_vain, (l->l_nvain + 1) * sizeof(*l->l_vain));
	v = &l->l_vain[l->l_nvain++];
	*v = (struct vain) { .v_conn = rec->tr_args[0].u, .v_client = client };
	return (v);
}

static void
timed_out(struct lawful *l, const struct trace_rec *rec)
{
	struct vain *v = vain_of(l, rec);

	if (rec->tr_args[1].u == 1)
		v->v_explained = 0;
	else
		v->v_explained += l->l_lost > v->v_lost;
	v->v_lost = l->l_lost;
}

static void
dropped(struct lawful *l, const struct trace_rec *rec)
{
	const struct vain *v;

	if (rec->tr_args[1].i != ETIMEDOUT)
		return;
	v = vain_of(l, rec);
	if (v->v_explained + (l->l_lost > v->v_lost) == TCP_MAXRXTSHIFT)
		l->l_gave_up++;
}

static void
told(void *arg, const struct trace_rec *rec)
{
	struct lawful *l = arg;

	switch (rec->tr_id) {
	case TP_tag_reset:
		return (tag_reset(l, rec));
	case TP_lacp_state:
		return (lacp_state(l, rec));
	case TP_wire_drop:
		l->l_lost += by_chance(rec->tr_args[3].s);
		return;
	case TP_tcp_rto:
		return (timed_out(l, rec));
	case TP_tcp_drop:
		return (dropped(l, rec));
	default:
		l->l_no_port[strcmp(rec->tr_who, "client") == 0] =
		    strcmp(rec->tr_args[1].s, "none") == 0;
	}
}

void
lawful_init(struct lawful *l, const struct rworld *rw, struct world_opts *wo)
{
	*l = (struct lawful) { .l_rw = rw };
	l->l_no_port[0] = l->l_no_port[1] = true;
	wo->wo_tell = told;
	wo->wo_tell_arg = l;
	trace_mask_add(wo->wo_tell_mask, TP_tag_reset);
	trace_mask_add(wo->wo_tell_mask, TP_lacp_state);
	trace_mask_add(wo->wo_tell_mask, TP_lagg_active);
	trace_mask_add(wo->wo_tell_mask, TP_wire_drop);
	trace_mask_add(wo->wo_tell_mask, TP_tcp_rto);
	trace_mask_add(wo->wo_tell_mask, TP_tcp_drop);
}

void
lawful_fini(struct lawful *l)
{
	free(l->l_refusals);
	free(l->l_vain);
}

/* A connect that is refused at once. */
static bool
not_begun(const struct lawful *l, const struct conn *c)
{
	unsigned lawful = permitted(l, true, c->c_start);

	if (c->c_server || c->c_established != 0 || c->c_end != c->c_start)
		return (false);
	return ((c->c_error == ENETUNREACH && (lawful & LAW_NO_ROUTE) != 0) ||
	    (c->c_error == EADDRNOTAVAIL && (lawful & LAW_NO_ADDR) != 0));
}

/* How the two ends hear of it: who lost the card, and its peer by a RST. */
static bool
tells_abort(int error)
{
	return (error == ECONNABORTED || error == ECONNRESET ||
	    error == EPIPE || error == EMSGSIZE);
}

bool
lawful_conn(struct lawful *l, const struct conn *c)
{
	if (not_begun(l, c))
		return (true);
	if (l->l_aborts == 0 || !tells_abort(c->c_error))
		return (false);
	l->l_failed[c->c_server]++;
	return (true);
}

bool
lawful_gave_up(struct lawful *l, const struct conn *c)
{
	if ((c->c_error != ETIMEDOUT || c->c_established == 0) &&
	    !tells_abort(c->c_error))
		return (false);
	if (l->l_in_vain[c->c_server] == l->l_gave_up)
		return (false);
	l->l_in_vain[c->c_server]++;
	return (true);
}

bool
lawful_too_many(const struct lawful *l)
{
	return (l->l_failed[0] > l->l_aborts || l->l_failed[1] > l->l_aborts);
}
