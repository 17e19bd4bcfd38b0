/* Trees that are copied, searched and merged. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "tree.h"

unsigned
tree_size(const struct node *n, int *height)
{
	unsigned size = 1;
	int h;

	*height = 0;
	for (const struct node *c = n->child; c != NULL; c = c->next) {
		size += tree_size(c, &h);
		*height = MAX(*height, h + 1);
	}
	return (size);
}

const struct sc_via *
tree_via(struct arena *a, const struct sc_loc *at, const char *fmt, ...)
{
	struct sc_via *via = arena_alloc(a, sizeof(*via));
	struct strbuf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	via->at = *at;
	via->text = arena_strdup(a, strbuf_str(&text));
	strbuf_fini(&text);
	return (via);
}

struct node *
tree_copy(struct arena *a, const struct node *from, const struct sc_via *via)
{
	struct node *n = arena_alloc(a, sizeof(*n)), **np = &n->child;

	*n = *from;
	n->next = NULL;
	n->twin = NULL;
	if (via != NULL)
		n->at.via = n->key.via = via;
	for (const struct node *c = from->child; c != NULL; c = c->next) {
		*np = tree_copy(a, c, via);
		np = &(*np)->next;
	}
	return (n);
}

/* --- maps --- */

struct node *
map_find(const struct node *map, const char *key)
{
	struct node *n = map->kind == NODE_MAP ? map->child : NULL;

	while (n != NULL && strcmp(n->key.name, key) != 0)
		n = n->next;
	return (n);
}

void
map_append(struct node *map, struct node *child)
{
	struct node **np = &map->child;

	while (*np != NULL)
		np = &(*np)->next;
	child->next = NULL;
	*np = child;
	map->nchildren++;
}

void
map_remove(struct node *map, const struct node *child)
{
	struct node **np = &map->child;

	while (*np != child)
		np = &(*np)->next;
	*np = child->next;
	map->nchildren--;
}

/* --- merging --- */

/* A map's children by name: a hostile file has some ten thousand. */
struct map_index {
	struct node **slots;
	unsigned mask;
};

static unsigned
index_slot(const struct map_index *mi, const char *key)
{
	unsigned i = (unsigned)hash64(key, strlen(key), 0) & mi->mask;

	while (mi->slots[i] != NULL && strcmp(mi->slots[i]->key.name, key) != 0)
		i = (i + 1) & mi->mask;
	return (i);
}

static void
index_init(struct map_index *mi, const struct node *map, unsigned more)
{
	unsigned size = 16, i;

	while (size < 2 * (map->nchildren + more))
		size *= 2;
	mi->slots = xcalloc(size, sizeof(*mi->slots));
	mi->mask = size - 1;
	for (struct node *c = map->child; c != NULL; c = c->next)
		if (mi->slots[i = index_slot(mi, c->key.name)] == NULL)
			mi->slots[i] = c;
}

static bool
pay(struct expand *x, const struct node *n)
{
	int height;

	x->x_nodes += tree_size(n, &height);
	if (x->x_nodes <= YAML_MAX_NODES)
		return (true);
	diag_error(x->x_diag, &n->at,
	    "with this the scenario has more than %d values", YAML_MAX_NODES);
	return (false);
}

static struct node *
new_copy(struct expand *x, const struct node *from, const struct sc_via *via)
{
	if (!pay(x, from))
		return (NULL);
	return (tree_copy(x->x_arena, from, from->at.via == NULL ? via : NULL));
}

/* What from has comes in front. */
static bool
list_fill(struct expand *x, struct node *list, const struct node *from,
    const struct sc_via *via)
{
	struct node **np = &list->child, *n;

	for (const struct node *c = from->child; c != NULL; c = c->next) {
		if ((n = new_copy(x, c, via)) == NULL)
			return (false);
		n->next = *np;
		*np = n;
		np = &n->next;
		list->nchildren++;
	}
	return (true);
}

static bool
child_fill(struct expand *x, struct node *mine, const struct node *c,
    bool lists, const struct sc_via *via)
{
	if (mine->kind != c->kind)
		return (true);
	if (c->kind == NODE_MAP)
		return (map_fill(x, mine, c, lists, via));
	return (c->kind != NODE_LIST || !lists || list_fill(x, mine, c, via));
}

bool
map_fill(struct expand *x, struct node *map, const struct node *from,
    bool lists, const struct sc_via *via)
{
	struct map_index mi;
	struct node *mine, *n, **tail = &map->child;
	bool ok = true;

	index_init(&mi, map, from->nchildren);
	while (*tail != NULL)
		tail = &(*tail)->next;
	for (const struct node *c = from->child; c != NULL && ok; c = c->next) {
		mine = mi.slots[index_slot(&mi, c->key.name)];
		if (mine != NULL) {
			ok = child_fill(x, mine, c, lists, via);
			continue;
		}
		ok = (n = new_copy(x, c, via)) != NULL;
		if (!ok)
			break;
		*tail = n;
		tail = &n->next;
		map->nchildren++;
	}
	free(mi.slots);
	return (ok);
}
