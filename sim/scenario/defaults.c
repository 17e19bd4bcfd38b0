/*
 * `defaults`: what every host, card, link and application has that does not
 * say otherwise itself. Maps are merged key by key.
 */
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "keys.h"
#include "tree.h"

/* An application takes no default that is one of another type's. */
static const struct node *
fitting(struct expand *x, const struct node *from, const struct node *item,
    const struct key_map *km)
{
	const struct node *type = map_find(item, km->keys[0].name);
	struct node *fit;
	const struct key *k;
	unsigned kind = 0;

	if (km->keys[0].kind != K_ENUM || type == NULL ||
	    type->kind != NODE_SCALAR)
		return (from);
	while (km->keys[0].names[kind] != NULL &&
	    strcmp(km->keys[0].names[kind], type->text) != 0)
		kind++;
	fit = tree_copy(x->x_arena, from, NULL);
	for (k = km->keys; k < km->keys + km->n; k++) {
		const struct node *n = map_find(fit, k->name);

		if (n != NULL && k->of != 0 && (k->of >> kind & 1) == 0)
			map_remove(fit, n);
	}
	return (fit);
}

/* Into every item of a list, or every value of a map. */
static bool
fill_each(struct expand *x, struct node *of, const struct node *from,
    const struct key_map *km)
{
	const struct sc_via *via;
	struct node *c = of != NULL ? of->child : NULL;

	for (; c != NULL; c = c->next) {
		if (c->kind != NODE_MAP)
			continue;
		via = tree_via(x->x_arena, c->key.line != 0 ? &c->key : &c->at,
		    "`defaults` gives it to this %s", km->what);
		if (!map_fill(x, c, fitting(x, from, c, km), false, via))
			return (false);
	}
	return (true);
}

static bool
fill_cards(struct expand *x, const struct node *from)
{
	struct node *hosts = map_find(x->x_root, "hosts");
	struct node *h = hosts != NULL ? hosts->child : NULL;

	for (; h != NULL; h = h->next)
		if (!fill_each(x, map_find(h, "nics"), from, &nic_map))
			return (false);
	return (true);
}

void
expand_defaults(struct expand *x)
{
	static const struct {
		const char *name, *of;
		const struct key_map *km;
	} table[] = { { "host", "hosts", &host_map },
		{ "link", "links", &link_map }, { "app", "apps", &app_map } };
	const struct node *defaults = map_find(x->x_root, "defaults"), *from;

	if (defaults == NULL)
		return;
	x->x_changed = true;
	/* A host's defaults may have cards, which have defaults. */
	for (unsigned i = 0; i < nitems(table); i++) {
		from = map_find(defaults, table[i].name);
		if (from != NULL && from->kind == NODE_MAP &&
		    !fill_each(x, map_find(x->x_root, table[i].of), from,
			table[i].km))
			return;
	}
	from = map_find(defaults, "nic");
	if (from != NULL && from->kind == NODE_MAP)
		(void)fill_cards(x, from);
}
