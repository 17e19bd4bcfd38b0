/* The timeline: steps that the scenario timed, and carrying one out. */
#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/kmem.h>
#include <ktsim/kern/vm.h>

#include "world_priv.h"

/* --- what a step does: 0, or the errno of who refused --- */

static int
do_link(struct world *w, const struct sc_step *st, const char **call)
{
	wire_set_link(world_wire_of(w, st->on), st->action == SC_DO_LINK_UP);
	return (0);
}

static int
do_suspend(struct world *w, const struct sc_step *st, const char **call)
{
	wire_suspend(world_wire_of(w, st->on),
	    st->action == SC_DO_LINK_SUSPEND);
	return (0);
}

static int
do_loss(struct world *w, const struct sc_step *st, const char **call)
{
	wire_set_loss(world_wire_of(w, st->on), (uint32_t)st->loss);
	return (0);
}

static int
do_way(struct world *w, const struct sc_step *st, const char **call)
{
	struct wire *wire = world_wire_of(w, st->on);
	struct wire_way ww;

	for (int end = 0; end < 2; end++) {
		ww = *wire_way(wire, end);
		if (st->action == SC_DO_RATE)
			ww.ww_rate_bps = st->rate;
		else if (st->action == SC_DO_DELAY)
			ww.ww_delay = st->delay;
		else
			ww.ww_queue = st->queue;
		wire_set_way(wire, end, &ww);
	}
	return (0);
}

static int
do_impair(struct world *w, const struct sc_step *st, const char **call)
{
	struct wire *wire = world_wire_of(w, st->on);
	int error = 0;

	if (st->has_set)
		error = wire_impair_set(wire, st->node, &st->set);
	if (error == 0 && st->has_enabled)
		error = wire_impair_enable(wire, st->node, st->enabled);
	return (error);
}

static int
do_sysctl(struct world *w, const struct sc_step *st, const char **call)
{
	return (world_sysctl_set(world_host(w, st->on)->h_vnet, st->name,
	    &st->value));
}

static int
do_switch_tls(struct world *w, const struct sc_step *st, const char **call)
{
	return (apps_switch_tls(w, st));
}

static int
do_pacing(struct world *w, const struct sc_step *st, const char **call)
{
	return (apps_pacing(w, st));
}

static int
do_card(struct world *w, const struct sc_step *st, const char **call)
{
	return (card_order(w, st));
}

static int
do_fragment(struct world *w, const struct sc_step *st, const char **call)
{
	vm_fragment(world_host(w, st->on)->h_vnet->v_vm,
	    st->action == SC_DO_FRAGMENT);
	return (0);
}

static const struct {
	const char *name; /* in reports */
	/* The errno of who refused, and what was refused if it has a name of
	 * its own. */
	int (*fn)(struct world *, const struct sc_step *, const char **call);
} actions[] = {
	[SC_DO_LINK_DOWN] = { "link down", do_link },
	[SC_DO_LINK_UP] = { "link up", do_link },
	[SC_DO_LOSS] = { "loss", do_loss },
	[SC_DO_SYSCTL] = { "sysctl", do_sysctl },
	[SC_DO_SWITCH_TLS] = { "switch TLS", do_switch_tls },
	[SC_DO_FRAGMENT] = { "fragment memory", do_fragment },
	[SC_DO_DEFRAGMENT] = { "defragment memory", do_fragment },
	[SC_DO_LINK_SUSPEND] = { "link suspended", do_suspend },
	[SC_DO_LINK_RESUME] = { "link resumed", do_suspend },
	[SC_DO_RATE] = { "rate", do_way },
	[SC_DO_DELAY] = { "delay", do_way },
	[SC_DO_QUEUE] = { "queue", do_way },
	[SC_DO_IMPAIR] = { "impair", do_impair },
	[SC_DO_CARD] = { "card", do_card },
	[SC_DO_IFCONFIG] = { "ifconfig", world_ifconfig },
	[SC_DO_ROUTE] = { "route", world_route },
	[SC_DO_PACING] = { "pacing", do_pacing },
	[SC_DO_DISK] = { "disk", do_disk },
	[SC_DO_WORKERS] = { "workers held", do_workers },
	[SC_DO_COMPLETION] = { "completion order", do_completion },
	[SC_DO_FAIL_ALLOC] = { "allocation fails", do_fail_alloc },
	[SC_DO_BEHAVE] = { "behave", do_behave },
	[SC_DO_ABORT] = { "abort", do_abort },
};

const char *
step_name(const struct sc_step *st)
{
	return (actions[st->action].name);
}

/* What is told of a step besides its name and what it is on. */
static const char *
step_part(const struct sc_step *st)
{
	if (st->action == SC_DO_CARD)
		return (sc_order_names[st->order]);
	return (st->args != NULL   ? st->args
		: st->zone != NULL ? st->zone
				   : st->node);
}

int
world_do(struct world *w, const struct sc_step *st, const char **callp)
{
	const char *call = NULL, *part = step_part(st);
	int error = actions[st->action].fn(w, st, &call);
	char *target;

	if (callp != NULL)
		*callp = call;
	bool told;

	target =
	    part != NULL ? xasprintf("%s %s", st->on, part) : xstrdup(st->on);
	TRACE(&w->w_tracer, timeline, TS(actions[st->action].name), TS(target));
	/* An application tells each connection's refusal itself. */
	told = st->action == SC_DO_SWITCH_TLS || st->action == SC_DO_PACING;
	if (error != 0 && (!told || error == ESRCH))
		TRACE(&w->w_tracer, app_error, TS("timeline"), TU(0),
		    TS(call != NULL	       ? call
			    : st->name != NULL ? st->name
					       : target),
		    TI(error));
	free(target);
	return (error);
}

/* --- when it happens --- */

static void
step_run(void *arg)
{
	struct wstep *s = arg;
	const struct sc_step *st = s->s_sc;
	struct timebase *tb = s->s_world->w_tb;

	if (st->has_every &&
	    (!st->has_times || st->times == 0 || ++s->s_fired < st->times))
		timebase_post(tb, &s->s_event, timebase_now(tb) + st->every);
	(void)world_do(s->s_world, st, NULL);
}

int
steps_create(struct world *w, struct strbuf *err)
{
	const struct sc_step *st;
	struct wstep *s;
	int bad = 0;

	w->w_steps = xcalloc(w->w_sc->nsteps, sizeof(*w->w_steps));
	for (unsigned i = 0; i < w->w_sc->nsteps; i++) {
		s = &w->w_steps[i];
		st = &w->w_sc->timeline[i];
		if (st->action == SC_DO_SYSCTL &&
		    world_sysctl_step(w, st, err) != 0)
			bad = EINVAL;
		if (step_host_check(w, st, err) != 0)
			bad = EINVAL;
		s->s_world = w;
		s->s_sc = st;
		sim_event_init(&s->s_event, EV_TIMELINE, "timeline", step_run,
		    s);
		if (st->when == NULL)
			timebase_post(w->w_tb, &s->s_event, st->at);
		else if (when_arm(w, s, err) != 0)
			bad = EINVAL;
	}
	return (bad);
}

void
steps_cancel(struct world *w)
{
	for (unsigned i = 0; w->w_steps != NULL && i < w->w_sc->nsteps; i++)
		timebase_cancel(w->w_tb, &w->w_steps[i].s_event);
	whens_off(w);
}
