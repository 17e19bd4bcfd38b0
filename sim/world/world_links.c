/* From the scenario's links and switches to wires with their ends. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/net/ieee8023ad_lacp.h>

#include "world_priv.h"

/* The two directions of a link, as the scenario has them. */
static void
link_ways(const struct sc_link *sl, struct wire_way ww[2])
{
	ww[0] = (struct wire_way) { .ww_rate_bps = sl->rate,
		.ww_delay = sl->delay,
		.ww_queue = sl->queue,
		.ww_loss_ppb = (uint32_t)sl->loss };
	ww[1] = (struct wire_way) { .ww_rate_bps = sl->back.rate,
		.ww_delay = sl->back.delay,
		.ww_queue = sl->back.queue,
		.ww_loss_ppb = (uint32_t)sl->back.loss };
}

static void
link_jitter(struct wire *wire, int end, simtime_t up_to)
{
	struct sc_impair node = { .kind = SC_IMPAIR_JITTER,
		.enabled = true,
		.jitter = { .up_to = up_to, .keep_order = true } };

	if (up_to > 0)
		wire_impair_add(wire, end, &node);
}

static void
link_impair(struct wire *wire, const struct sc_link *sl)
{
	const struct sc_impair *n;

	link_jitter(wire, 0, sl->jitter);
	link_jitter(wire, 1, sl->back.jitter);
	for (n = sl->impair; n < sl->impair + sl->nimpair; n++)
		for (int end = 0; end < 2; end++)
			if (n->from == NULL ||
			    strcmp(n->from, sl->ends.v[end]) == 0)
				wire_impair_add(wire, end, n);
}

/* Where a port stands in the switch's list; it is there. */
static unsigned
port_number(const struct sc_switch *sw, const char *name)
{
	unsigned i = 0;

	while (strcmp(sw->ports.v[i], name) != 0)
		i++;
	return (i);
}

static struct lanswitch *
build_switch(const struct sc_switch *sw, struct switch_params *sp)
{
	struct switch_lagg *laggs = xcalloc(sw->nlaggs, sizeof(*laggs)), *sl;
	const struct sc_switch_lagg *g;
	struct lanswitch *s;

	for (unsigned i = 0; i < sw->nlaggs; i++) {
		g = &sw->laggs[i];
		sl = &laggs[i];
		sl->sl_name = g->loc.name;
		sl->sl_lacp = g->proto == SC_SWITCH_LACP;
		sl->sl_fast_timeout = g->lacp_fast_timeout;
		sl->sl_nports = g->ports.n;
		for (unsigned j = 0; j < g->ports.n; j++)
			sl->sl_ports[j] = port_number(sw, g->ports.v[j]);
	}
	sp->sp_laggs = laggs;
	sp->sp_nlaggs = sw->nlaggs;
	s = switch_create(sp);
	free(laggs);
	return (s);
}

/* Behind the cards, whose numbers stay what they are without switches. */
void
links_capture_switches(struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->nswitches; i++)
		for (unsigned j = 0; j < w->w_sc->switches[i].ports.n; j++)
			if (switch_port_speaks(w->w_switches[i], j))
				switch_port(w->w_switches[i], j)->pt_capif =
				    w->w_ncapif++;
}

/* A switch's ports are there before the wires that end in them. */
static void
build_switches(struct world *w)
{
	const struct sc_switch *sw;
	struct switch_params sp;

	w->w_switches = xcalloc(w->w_sc->nswitches, sizeof(*w->w_switches));
	for (unsigned i = 0; i < w->w_sc->nswitches; i++) {
		sw = &w->w_sc->switches[i];
		sp = (struct switch_params) { .sp_tb = w->w_tb,
			.sp_name = sw->loc.name,
			.sp_ports = sw->ports.v,
			.sp_nports = sw->ports.n,
			.sp_latency = sw->latency,
			.sp_queue = sw->queue,
			.sp_pool = &w->w_pool,
			.sp_tracer = w->w_tracer };
		w->w_switches[i] = build_switch(sw, &sp);
	}
}

static void
plug_switch(struct world *w, struct wlink *l, int end)
{
	const struct sc_switch *sw;
	struct lanswitch *s;
	unsigned port;

	sw = scenario_switch_port(w->w_sc, l->l_sc->ends.v[end], &port);
	if (sw == NULL)
		return; /* a card or a device, which plugs itself in */
	s = w->w_switches[sw - w->w_sc->switches];
	switch_connect(s, port, wire_end(l->l_wire, end),
	    sw->rate != 0 ? sw->rate : wire_way(l->l_wire, end)->ww_rate_bps);
	wire_attach(l->l_wire, end, switch_port(s, port));
}

void
links_build(struct world *w)
{
	const struct sc_link *sl;
	struct wire_params wp;
	struct wire_way ww[2];
	struct wlink *l;
	char *name;

	build_switches(w);
	w->w_links = xcalloc(w->w_sc->nlinks, sizeof(*w->w_links));
	for (unsigned i = 0; i < w->w_sc->nlinks; i++) {
		sl = &w->w_sc->links[i];
		l = &w->w_links[i];
		name = xasprintf("%s - %s", sl->ends.v[0], sl->ends.v[1]);
		wp = (struct wire_params) { .wp_tb = w->w_tb,
			.wp_name = name,
			.wp_seed = w->w_opts.wo_seed,
			.wp_tracer = w->w_tracer,
			.wp_tap = tap_frame,
			.wp_dma = dma_packet,
			.wp_tap_arg = w };
		l->l_sc = sl;
		l->l_wire = wire_create(&wp);
		free(name);
		link_ways(sl, ww);
		l->l_device = -1;
		for (int end = 0; end < 2; end++) {
			wire_set_way(l->l_wire, end, &ww[end]);
			if (scenario_device(sl->ends.v[end]) != NULL)
				l->l_device = end;
			plug_switch(w, l, end);
		}
		link_impair(l->l_wire, sl);
	}
}

void
links_take_down(struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->nlinks && w->w_links != NULL; i++) {
		wire_destroy(w->w_links[i].l_wire);
		w->w_links[i].l_wire = NULL;
	}
	for (unsigned i = 0; i < w->w_sc->nswitches && w->w_switches != NULL;
	     i++) {
		switch_destroy(w->w_switches[i]);
		w->w_switches[i] = NULL;
	}
}

static bool
links_have_lacp(const struct world *w)
{
	const struct sc_switch *sw;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		for (unsigned j = 0; j < w->w_sc->hosts[i].nlaggs; j++)
			if (strcmp(lagg_protoname(w->w_hosts[i].h_laggs[j]),
				"lacp") == 0)
				return (true);
	for (sw = w->w_sc->switches;
	     sw < w->w_sc->switches + w->w_sc->nswitches; sw++)
		for (unsigned j = 0; j < sw->nlaggs; j++)
			if (sw->laggs[j].proto == SC_SWITCH_LACP)
				return (true);
	return (false);
}

/* A port that was taken out of its lagg says no farewell, and its link stays:
 * until the PDUs are missed, the partner sends to it. */
simtime_t
links_deaf_time(const struct world *w)
{
	return (links_have_lacp(w)
		? (LACP_LONG_TIMEOUT_TIME + LACP_SHORT_TIMEOUT_TIME + 2) *
		    SIM_SEC
		: 0);
}

/* How long what is on the way may need at most, on any one link. */
simtime_t
links_slowest(const struct world *w, uint64_t bytes)
{
	const struct sc_impair *n;
	const struct wire_way *ww;
	const struct sc_link *sl;
	simtime_t t, slow = 0;

	for (unsigned i = 0; i < w->w_sc->nlinks; i++) {
		sl = w->w_links[i].l_sc;
		for (int end = 0; end < 2; end++) {
			ww = wire_way(w->w_links[i].l_wire, end);
			t = simtime_bytes(bytes, ww->ww_rate_bps) +
			    8 * ww->ww_delay;
			for (n = sl->impair; n < sl->impair + sl->nimpair; n++)
				t += 8 * (n->delay + n->jitter.up_to) +
				    simtime_bytes(bytes, n->rate.rate);
			slow = MAX(slow, t);
		}
	}
	return (slow);
}

struct wire *
world_wire_of(struct world *w, const char *name)
{
	const struct sc_link *l = scenario_link(w->w_sc, name);

	return (l != NULL ? w->w_links[l - w->w_sc->links].l_wire : NULL);
}

/* --- what came of it --- */

static void
collect_node(struct world *w, unsigned link, int end, unsigned i)
{
	const struct impair *im = wire_impair(w->w_links[link].l_wire, end);
	const struct impair_stats *s = impair_stats(im, i);

	if (i == 0 && s->lost == 0)
		return;
	w->w_res.r_nodes[w->w_res.r_nnodes++] =
	    (struct node_result) { .n_from = xstrdup(
				       w->w_sc->links[link].ends.v[end]),
		    .n_name = impair_name(im, i),
		    .n_kind = impair_kind(im, i),
		    .seen = s->seen,
		    .lost = s->lost,
		    .duplicated = s->duplicated,
		    .delayed = s->delayed,
		    .corrupted = s->corrupted,
		    .marked = s->marked };
}

/* Of directions that have more than the link's own loss. */
void
links_collect_nodes(struct world *w)
{
	unsigned n = 0, count;

	for (unsigned i = 0; i < w->w_sc->nlinks; i++)
		for (int end = 0; end < 2; end++)
			n += impair_count(
			    wire_impair(w->w_links[i].l_wire, end));
	w->w_res.r_nodes = xcalloc(n, sizeof(*w->w_res.r_nodes));
	for (unsigned i = 0; i < w->w_sc->nlinks; i++)
		for (int end = 0; end < 2; end++) {
			count = impair_count(
			    wire_impair(w->w_links[i].l_wire, end));
			for (unsigned j = 0; count > 1 && j < count; j++)
				collect_node(w, i, end, j);
		}
}
