/*
 * Anchors, aliases and merge keys. An alias is copied out where it stands,
 * which makes everything behind it (--set, positions, the key table) simple,
 * and is paid from the file's one budget of values before anything is copied:
 * an alias bomb costs no more than a file of that many values.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>

#include "node.h"
#include "tree.h"

static struct anchor *
anchor_find(const struct aliases *as, const char *name)
{
	struct anchor *an;

	for (an = as->anchors; an != NULL; an = an->next)
		if (strcmp(an->name, name) == 0)
			break;
	return (an);
}

struct anchor *
anchor_begin(struct aliases *as, const char *name, const struct sc_loc *at)
{
	struct anchor *an = anchor_find(as, name);

	if (an != NULL) {
		diag_error(as->diag, at, "the anchor `&%s` is given twice",
		    name);
		diag_note(as->diag, &an->at, "the first one is here");
		return (NULL);
	}
	if (++as->nanchors > YAML_MAX_ALIAS) {
		diag_error(as->diag, at, "more than %d anchors in one file",
		    YAML_MAX_ALIAS);
		return (NULL);
	}
	an = arena_alloc(as->arena, sizeof(*an));
	an->name = arena_strdup(as->arena, name);
	an->at = *at;
	an->next = as->anchors;
	as->anchors = an;
	return (an);
}

/* --- expansion --- */

static void
alias_unknown(struct aliases *as, const char *name, const struct sc_loc *at)
{
	const char *names[YAML_MAX_ALIAS], *near;
	struct anchor *an;
	unsigned n = 0;

	for (an = as->anchors; an != NULL; an = an->next)
		names[n++] = an->name;
	near = nearest_name(name, names, n);
	if (near != NULL)
		diag_error(as->diag, at,
		    "there is no anchor `&%s` above; did you mean `*%s`?", name,
		    near);
	else
		diag_error(as->diag, at,
		    "there is no anchor `&%s` above: write it in front of "
		    "the value that `*%s` stands for",
		    name, name);
}

struct node *
alias_expand(struct aliases *as, const char *name, const struct sc_loc *at,
    int depth)
{
	struct anchor *an = anchor_find(as, name);
	struct node *n;
	unsigned size;
	int height;

	if (an == NULL) {
		alias_unknown(as, name, at);
		return (NULL);
	}
	if (an->node == NULL) {
		diag_error(as->diag, at,
		    "`*%s` stands inside of what it stands for", name);
		diag_note(as->diag, &an->at, "which begins here");
		return (NULL);
	}
	if (++as->used > YAML_MAX_ALIAS) {
		diag_error(as->diag, at, "more than %d aliases in one file",
		    YAML_MAX_ALIAS);
		return (NULL);
	}
	size = tree_size(an->node, &height);
	if (size > YAML_MAX_NODES - *as->nodes) {
		diag_error(as->diag, at,
		    "with what `*%s` stands for the file has more than %d "
		    "values: write fewer or smaller aliases",
		    name, YAML_MAX_NODES);
		return (NULL);
	}
	if (depth + height > YAML_MAX_DEPTH) {
		diag_error(as->diag, at,
		    "with what `*%s` stands for the file is nested more than "
		    "%d deep",
		    name, YAML_MAX_DEPTH);
		return (NULL);
	}
	*as->nodes += size;
	n = tree_copy(as->arena, an->node,
	    tree_via(as->arena, at, "the alias `*%s` puts it here", an->name));
	n->key = (struct sc_loc) { 0 };
	n->merge = false;
	return (n);
}

/* --- merge keys --- */

/* Keys that a map has, each with the number of the map it is from. */
struct taken {
	struct {
		const char *key;
		unsigned from;
	} * slots;
	unsigned mask;
};

static void
taken_init(struct taken *t, unsigned keys)
{
	unsigned size = 16;

	while (size < 2 * keys)
		size *= 2;
	t->slots = xcalloc(size, sizeof(*t->slots));
	t->mask = size - 1;
}

/* May map number `from` put this key in? Only one map may. */
static bool
taken_try(struct taken *t, const char *key, unsigned from)
{
	unsigned i = (unsigned)hash64(key, strlen(key), 0) & t->mask;

	while (t->slots[i].key != NULL && strcmp(t->slots[i].key, key) != 0)
		i = (i + 1) & t->mask;
	if (t->slots[i].key == NULL) {
		t->slots[i].key = key;
		t->slots[i].from = from;
	}
	return (t->slots[i].from == from);
}

/*
 * Put the children of src that are not taken to where *np points. src stays
 * as it is: it may have an anchor. A key that src itself has twice stays
 * twice, to be told later.
 */
static struct node **
merge_one(struct arena *a, struct node *map, struct node **np,
    const struct node *src, struct taken *t, unsigned from)
{
	struct node *n;

	for (const struct node *c = src->child; c != NULL; c = c->next) {
		if (!taken_try(t, c->key.name, from))
			continue;
		n = arena_alloc(a, sizeof(*n));
		*n = *c;
		n->next = *np;
		*np = n;
		np = &n->next;
		map->nchildren++;
	}
	return (np);
}

/* The merge key's value is a map or a list of maps; the keys in all of them. */
static bool
merge_value(struct diag *d, const struct node *v, unsigned *keys)
{
	const struct node *c = v->kind == NODE_LIST ? v->child : v;

	for (; c != NULL; c = v->kind == NODE_LIST ? c->next : NULL) {
		if (c->kind != NODE_MAP) {
			diag_error(d, &c->at,
			    "`<<` wants a map or a list of maps, such as "
			    "<<: *name");
			return (false);
		}
		*keys += c->nchildren;
	}
	return (true);
}

static struct node **
merge_key(struct node *map)
{
	struct node **np = &map->child;

	while (!(*np)->merge)
		np = &(*np)->next;
	return (np);
}

bool
map_merge(struct aliases *as, struct node *map)
{
	struct node **np = merge_key(map), *m = *np, *c;
	unsigned keys = map->nchildren, from = 0;
	struct taken t;

	for (c = m->next; c != NULL; c = c->next) {
		if (!c->merge)
			continue;
		diag_error(as->diag, &c->key,
		    "`<<` is given twice: name all maps in one, "
		    "<<: [*one, *other]");
		diag_note(as->diag, &m->key, "the first one is here");
		return (false);
	}
	if (!merge_value(as->diag, m, &keys))
		return (false);
	*np = m->next;
	map->nchildren--;
	taken_init(&t, keys);
	for (c = map->child; c != NULL; c = c->next)
		(void)taken_try(&t, c->key.name, 0);
	c = m->kind == NODE_LIST ? m->child : m;
	for (; c != NULL; c = m->kind == NODE_LIST ? c->next : NULL)
		np = merge_one(as->arena, map, np, c, &t, ++from);
	free(t.slots);
	return (true);
}
