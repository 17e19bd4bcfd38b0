/* Ends of links that are devices of this machine, while a world is live. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>

#include "world_priv.h"

#define LAST_WORDS (100 * SIM_MS) /* until resets are out */

/* --- a world that is built to be checked: behind the end there is nothing --- */

static void
nowhere_expect(void *arg, simtime_t when)
{
}

static void
nowhere_link(void *arg, bool up)
{
}

static const struct wire_port_ops nowhere = { .expect = nowhere_expect,
	.link = nowhere_link };

/* --- attaching --- */

/* The card at the link's other end says how long packets may be. */
static uint32_t
outside_mtu(struct world *w, const struct wlink *l)
{
	const char *port = l->l_sc->ends.v[1 - l->l_device];
	const struct sc_host *h;
	char *name;
	bool found;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		h = &w->w_sc->hosts[i];
		for (unsigned j = 0; j < h->nnics; j++) {
			name = xasprintf("%s.%s", h->loc.name,
			    h->nics[j].loc.name);
			found = strcmp(name, port) == 0;
			free(name);
			if (found)
				return ((uint32_t)h->nics[j].mtu);
		}
	}
	return (1500);
}

static int
outside_attach_one(struct world *w, struct wlink *l, struct strbuf *err)
{
	const char *end = l->l_sc->ends.v[l->l_device];
	const struct world_outside *ou = w->w_opts.wo_outside;
	struct outside_params op = { .op_end = end,
		.op_mtu = outside_mtu(w, l),
		.op_wire = wire_end(l->l_wire, l->l_device),
		.op_tb = w->w_tb,
		.op_pool = &w->w_pool };
	int error = 0;

	l->l_outside =
	    (struct wire_port) { .pt_name = end, .pt_ops = &nowhere };
	if (ou != NULL) {
		w->w_outside = true;
		error = ou->ou_attach(ou->ou_arg, &op, &l->l_outside, err);
	} else if (!w->w_opts.wo_dry) {
		scenario_error(w->w_sc, &l->l_sc->ends.loc[l->l_device], err,
		    "`%s` is a device of this machine: `ktls-sim live` runs "
		    "this scenario",
		    end);
		return (EINVAL);
	}
	/* The wire's rate and queue are for what comes from there, too. */
	l->l_outside.pt_rate_bps = UINT64_MAX;
	l->l_outside.pt_outside = true;
	l->l_outside.pt_capif = w->w_ncapif++;
	wire_attach(l->l_wire, l->l_device, &l->l_outside);
	return (error);
}

int
outside_attach(struct world *w, struct strbuf *err)
{
	int error = 0, one;

	for (unsigned i = 0; i < w->w_sc->nlinks; i++) {
		if (w->w_links[i].l_device < 0)
			continue;
		one = outside_attach_one(w, &w->w_links[i], err);
		if (one != 0)
			error = one;
	}
	return (error);
}

void
outside_detach(struct world *w)
{
	if (!w->w_outside)
		return;
	w->w_outside = false;
	w->w_opts.wo_outside->ou_detach(w->w_opts.wo_outside->ou_arg);
}

void
outside_reset(struct world *w)
{
	if (!w->w_outside)
		return;
	apps_deafen(w);
	apps_reset_outside(w);
	world_settle(w, LAST_WORDS);
	outside_detach(w);
}
