/* The timeline: steps that the scenario timed, and carrying one out. */
#include <errno.h>

#include <ktsim/base/kmem.h>
#include <ktsim/kern/vm.h>

#include "world_priv.h"

int
world_do(struct world *w, const struct sc_step *st)
{
	static const char *const names[] = { "link down", "link up", "loss",
		"sysctl", "switch TLS", "fragment memory",
		"defragment memory" };
	int error = 0, refused = 0;

	switch (st->action) {
	case SC_DO_LINK_DOWN:
	case SC_DO_LINK_UP:
		wire_set_link(world_wire_of(w, st->on),
		    st->action == SC_DO_LINK_UP);
		break;
	case SC_DO_LOSS:
		wire_set_loss(world_wire_of(w, st->on), (uint32_t)st->loss);
		break;
	case SC_DO_SWITCH_TLS:
		refused = apps_switch_tls(w, st);
		break;
	case SC_DO_FRAGMENT:
	case SC_DO_DEFRAGMENT:
		vm_fragment(world_host(w, st->on)->h_vnet->v_vm,
		    st->action == SC_DO_FRAGMENT);
		break;
	default:
		error = sysctl_write(world_host(w, st->on)->h_vnet, st->name,
		    st->value);
		break;
	}
	TRACE(&w->w_tracer, timeline, TS(names[st->action]), TS(st->on));
	if (error != 0)
		TRACE(&w->w_tracer, app_error, TS("timeline"), TU(0),
		    TS(st->name), TI(error));
	return (error != 0 ? error : refused);
}

static void
step_run(void *arg)
{
	struct wstep *s = arg;

	(void)world_do(s->s_world, s->s_sc);
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
		s->s_world = w;
		s->s_sc = st;
		sim_event_init(&s->s_event, EV_TIMELINE, "timeline", step_run,
		    s);
		timebase_post(w->w_tb, &s->s_event, st->at);
	}
	return (bad);
}
