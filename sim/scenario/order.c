/* An order to a scenario that runs: one item of a timeline. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "check.h"
#include "load.h"
#include "tree.h"

/* The rules see a scenario whose timeline is this step. */
static void
order_check(struct loader *l, const struct scenario *sc, struct sc_step *st)
{
	struct scenario one = *sc;

	if (st->when != NULL || st->has_every) {
		diag_error(&l->diag, &st->loc,
		    "an order is carried out now: `when` and `every` are for "
		    "steps of the timeline");
		return;
	}
	one.arena = l->arena;
	one.timeline = st;
	one.nsteps = 1;
	scenario_check_steps(&l->diag, &one);
}

int
scenario_order(const struct scenario *sc, const char *yaml,
    struct sc_order **out, struct strbuf *text)
{
	struct key order = { .name = "order" };
	const struct sc_source src = { .sr_name = "order",
		.sr_path = "order",
		.sr_text = yaml,
		.sr_len = strlen(yaml) };
	struct loader l = { .diag = { .src = &src, .out = text } };
	struct sc_order *so = xcalloc(1, sizeof(*so));
	struct node *n;

	so->arena = l.arena = xcalloc(1, sizeof(*l.arena));
	n = yaml_tree(&l.diag, l.arena, &src);
	if (n != NULL && map_find(n, "only") != NULL)
		diag_error(&l.diag, &map_find(n, "only")->key,
		    "an order has no cells to choose from: leave `only` out");
	if (n != NULL && load_want_map(&l, &order, n)) {
		load_map(&l, n, &step_map, &so->step);
		if (l.diag.errors == 0)
			order_check(&l, sc, &so->step);
	}
	if (l.diag.errors > 0) {
		scenario_order_free(so);
		return (EINVAL);
	}
	*out = so;
	return (0);
}

void
scenario_order_free(struct sc_order *so)
{
	if (so == NULL)
		return;
	arena_free(so->arena);
	free(so->arena);
	free(so);
}
