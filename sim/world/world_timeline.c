/*
 * The run over time, for the picture: of each host's cards what they sent, how
 * many tags they had, and whether they could and should send; of the receivers
 * what they got.
 */
#include <stdlib.h>
#include <string.h>

#include "world_priv.h"

static const struct sc_lagg *
lagg_with(const struct sc_host *h, const char *port)
{
	for (unsigned i = 0; i < h->nlaggs; i++)
		for (unsigned j = 0; j < h->laggs[i].ports.n; j++)
			if (strcmp(h->laggs[i].ports.v[j], port) == 0)
				return (&h->laggs[i]);
	return (NULL);
}

static void
port_init(struct tl_port *p, const struct sc_host *h, const struct sc_nic *n)
{
	const struct sc_lagg *l = lagg_with(h, n->loc.name);
	const char *proto;

	p->tp_name = n->loc.name;
	p->tp_model = n->model;
	p->tp_tags.s_level = true;
	if (l == NULL)
		return;
	proto = sc_lagg_protos[l->proto];
	p->tp_lagg = l->loc.name;
	p->tp_told =
	    strcmp(proto, "failover") == 0 || strcmp(proto, "lacp") == 0;
}

void
timeline_init(struct world *w)
{
	struct timeline *tl = &w->w_timeline;
	const struct sc_host *h;

	tl->tl_nhosts = w->w_sc->nhosts;
	tl->tl_hosts = xcalloc(tl->tl_nhosts, sizeof(*tl->tl_hosts));
	for (unsigned i = 0; i < tl->tl_nhosts; i++) {
		h = &w->w_sc->hosts[i];
		tl->tl_hosts[i].th_name = h->loc.name;
		tl->tl_hosts[i].th_nports = h->nnics;
		tl->tl_hosts[i].th_ports =
		    xcalloc(h->nnics, sizeof(struct tl_port));
		for (unsigned j = 0; j < h->nnics; j++)
			port_init(&tl->tl_hosts[i].th_ports[j], h, &h->nics[j]);
		if (h->nlaggs + h->nvlans > 0)
			tl->tl_worth = true;
	}
}

void
timeline_fini(struct world *w)
{
	struct timeline *tl = &w->w_timeline;
	struct tl_host *h;

	for (h = tl->tl_hosts; h < tl->tl_hosts + tl->tl_nhosts; h++) {
		for (unsigned j = 0; j < h->th_nports; j++) {
			series_fini(&h->th_ports[j].tp_sent);
			series_fini(&h->th_ports[j].tp_tags);
		}
		free(h->th_ports);
		series_fini(&h->th_resets);
		series_fini(&h->th_failed);
	}
	free(tl->tl_hosts);
	for (unsigned i = 0; i < tl->tl_nsteps; i++)
		free(tl->tl_steps[i].ts_text);
	series_fini(&tl->tl_delivered);
	*tl = (struct timeline) { 0 };
}

/* --- ports --- */

static bool
port_is(const struct tl_port *p, enum tl_what what)
{
	for (unsigned i = p->tp_nmarks; i > 0; i--)
		if (p->tp_marks[i - 1].tm_what == what)
			return (p->tp_marks[i - 1].tm_on);
	return (false);
}

static void
port_mark(struct tl_port *p, simtime_t when, enum tl_what what, bool on)
{
	if (port_is(p, what) == on)
		return;
	if (p->tp_nmarks == TL_MARKS)
		p->tp_marks_left++;
	else
		p->tp_marks[p->tp_nmarks++] =
		    (struct tl_mark) { when, what, on };
}

static const char *
text_of(const struct trace_rec *rec, const char *name)
{
	return (trace_getarg(rec, name)->s);
}

static struct tl_port *
port_of(struct tl_host *h, const struct trace_rec *rec)
{
	const char *name = text_of(rec, "ifp");

	for (unsigned i = 0; i < h->th_nports; i++)
		if (strcmp(h->th_ports[i].tp_name, name) == 0)
			return (&h->th_ports[i]);
	return (NULL);
}

static void
port_link(struct tl_host *h, const struct trace_rec *rec)
{
	bool up = strcmp(text_of(rec, "state"), "up") == 0;
	struct tl_port *p = port_of(h, rec);

	if (p == NULL)
		return;
	port_mark(p, rec->tr_when, TL_LINK, up);
	if (!p->tp_told)
		port_mark(p, rec->tr_when, TL_SENDS, up);
}

/* Whoever balances has an active port, too, for what belongs to no flow. */
static void
lagg_chose(struct tl_host *h, const struct trace_rec *rec)
{
	const char *lagg = text_of(rec, "lagg"), *port = text_of(rec, "port");
	struct tl_port *p;

	for (p = h->th_ports; p < h->th_ports + h->th_nports; p++)
		if (p->tp_told && strcmp(p->tp_lagg, lagg) == 0)
			port_mark(p, rec->tr_when, TL_SENDS,
			    strcmp(p->tp_name, port) == 0);
}

static bool
lagg_is_lacp(const struct sc_host *h, const char *name)
{
	for (unsigned i = 0; i < h->nlaggs; i++)
		if (strcmp(h->laggs[i].loc.name, name) == 0)
			return (strcmp(sc_lagg_protos[h->laggs[i].proto],
				    "lacp") == 0);
	return (false);
}

static void
lacp_spoke(struct tl_host *h, const struct trace_rec *rec)
{
	const char *machine = text_of(rec, "machine"),
		   *state = text_of(rec, "state"), *ifp = text_of(rec, "ifp");
	struct tl_port *p = port_of(h, rec);

	if (strcmp(machine, "mux") == 0 && p != NULL)
		port_mark(p, rec->tr_when, TL_SENDS,
		    strcmp(state, "DISTRIBUTING") == 0);
	if (strcmp(machine, "distribution") != 0)
		return;
	for (p = h->th_ports; p < h->th_ports + h->th_nports; p++)
		if (p->tp_lagg != NULL && strcmp(p->tp_lagg, ifp) == 0)
			port_mark(p, rec->tr_when, TL_PAUSED,
			    strcmp(state, "suppressed") == 0);
}

static void
port_tag(struct world *w, struct tl_host *h, const struct trace_rec *rec)
{
	struct tl_port *p = port_of(h, rec);
	const char *type = story_tag_type(w, rec);

	if (p == NULL || type == NULL || strstr(type, "inside") != NULL)
		return;
	if (rec->tr_id == TP_tag_alloc)
		p->tp_alive++;
	else
		p->tp_alive--;
	p->tp_tags_most = MAX(p->tp_tags_most, p->tp_alive);
	series_add(&p->tp_tags, rec->tr_when, p->tp_alive);
}

void
timeline_trace(struct world *w, unsigned host, const struct trace_rec *rec)
{
	struct tl_host *h = &w->w_timeline.tl_hosts[host];

	switch (rec->tr_id) {
	case TP_if_link:
		port_link(h, rec);
		break;
	case TP_lagg_active:
		if (!lagg_is_lacp(&w->w_sc->hosts[host], text_of(rec, "lagg")))
			lagg_chose(h, rec);
		break;
	case TP_lacp_state:
		lacp_spoke(h, rec);
		break;
	case TP_tag_alloc:
	case TP_tag_free:
		port_tag(w, h, rec);
		break;
	case TP_tag_reset:
		series_add(trace_getarg(rec, "error")->i == 0 ? &h->th_resets
							      : &h->th_failed,
		    rec->tr_when, 1);
		break;
	default:
		break;
	}
}

/* --- steps, frames, receivers --- */

/* True: the first of its text stands for it. */
static bool
step_repeats(struct timeline *tl, const char *text)
{
	for (unsigned i = 0; i < tl->tl_nsteps; i++)
		if (strcmp(tl->tl_steps[i].ts_text, text) == 0)
			return (++tl->tl_steps[i].ts_times > TL_REPEATS);
	return (false);
}

void
timeline_step(struct world *w, const struct trace_rec *rec)
{
	struct timeline *tl = &w->w_timeline;
	char *text =
	    xasprintf("%s: %s", text_of(rec, "action"), text_of(rec, "target"));

	if (step_repeats(tl, text)) {
		free(text);
	} else if (tl->tl_nsteps == TL_STEPS) {
		tl->tl_steps_left++;
		free(text);
	} else {
		tl->tl_steps[tl->tl_nsteps++] =
		    (struct tl_step) { rec->tr_when, text, 1 };
	}
}

/* What a card made for a link that was down was never on a wire. */
void
timeline_frame(struct world *w, const struct wire_port *from,
    const struct frame *f)
{
	struct tl_port *p;
	struct whost *h;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		h = &w->w_hosts[i];
		if (from < h->h_ports || from >= h->h_ports + h->h_sc->nnics)
			continue;
		story_frame(w, i, f);
		if (w->w_charts_at != SIM_NEVER)
			charts_frame(w, i, f);
		if ((f->f_flags & FRAME_LOST_RING) != 0)
			return;
		p = &w->w_timeline.tl_hosts[i].th_ports[from - h->h_ports];
		p->tp_bytes += frame_len(f);
		series_add(&p->tp_sent, timebase_now(w->w_tb), frame_len(f));
		return;
	}
	if (w->w_charts_at != SIM_NEVER)
		charts_frame(w, CHART_NOHOST, f);
}

void
timeline_delivered(struct world *w, uint64_t len)
{
	w->w_timeline.tl_delivered_bytes += len;
	series_add(&w->w_timeline.tl_delivered, timebase_now(w->w_tb), len);
}
