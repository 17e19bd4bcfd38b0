/*
 * --set: a value from the command line put over the tree, before the key
 * table looks at it, so that it is checked like any other.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>

#include "keys.h"
#include "node.h"
#include "tree.h"

/*
 * The child that p names, and the length of its key there. Keys may have dots
 * in them (files, sysctls): of those that fit, the longest is meant.
 */
static struct node *
map_child(struct node *map, const char *p, size_t *len)
{
	struct node *n, *best = NULL;
	size_t l;

	*len = strcspn(p, ".[=");
	for (n = map->child; n != NULL; n = n->next) {
		l = strlen(n->key.name);
		if (strncmp(p, n->key.name, l) == 0 && p[l] != '\0' &&
		    strchr(".[=", p[l]) != NULL && (best == NULL || l > *len)) {
			best = n;
			*len = l;
		}
	}
	return (best);
}

static struct node *
map_add(struct arena *a, struct node *map, const char *key, size_t len,
    const struct sc_loc *at)
{
	struct node **np, *n = arena_alloc(a, sizeof(*n));
	char *name = arena_alloc(a, len + 1);

	n->kind = NODE_MAP;
	memcpy(name, key, len);
	n->at = n->key = *at;
	n->key.name = name;
	for (np = &map->child; *np != NULL; np = &(*np)->next)
		;
	*np = n;
	map->nchildren++;
	return (n);
}

/* "[3]" behind a word: that item of a list; NULL when there is none. */
static struct node *
list_item(struct node *list, const char **p)
{
	struct node *n = list->child;
	char *end;
	unsigned long i;

	i = strtoul(*p + 1, &end, 10);
	if (list->kind != NODE_LIST || end == *p + 1 || *end != ']')
		return (NULL);
	*p = end + 1;
	while (n != NULL && i-- > 0)
		n = n->next;
	return (n);
}

/*
 * Where the path is in the key table. In a map of names the table has no key:
 * the name is the file's.
 */
struct place {
	const struct key_map *map; /* NULL: outside of the table */
	bool names;		   /* the next word is a name */
};

static struct place
place_next(struct place pl, const char *word, size_t len)
{
	const struct key *k;

	if (pl.map == NULL || pl.names)
		return ((struct place) { pl.map, false });
	for (k = pl.map->keys; k < pl.map->keys + pl.map->n; k++)
		if (strlen(k->name) == len && memcmp(k->name, word, len) == 0)
			return ((struct place) { k->map,
			    k->kind == K_MAPOF && k->map != NULL });
	return ((struct place) { NULL, false });
}

/* Of a name that is not there: a path has dots itself, a host has none. */
static size_t
name_len(const char *p)
{
	size_t len = strcspn(p, "=");

	if (*p != '/')
		return (strcspn(p, ".="));
	for (size_t i = len; i > 0; i--)
		if (p[i - 1] == '.')
			return (i - 1);
	return (len);
}

/* A host, a card, a file ... that the file does not have is not made. */
static void
no_such_name(struct diag *d, const struct sc_loc *at, const struct node *map,
    const struct key_map *km, const char *p, size_t len)
{
	const char **names = xcalloc(map->nchildren + 1, sizeof(*names)), *near;
	char word[128];
	unsigned n = 0;

	snprintf(word, sizeof(word), "%.*s", (int)len, p);
	for (const struct node *c = map->child; c != NULL; c = c->next)
		names[n++] = c->key.name;
	near = nearest_name(word, names, n);
	free(names);
	if (near != NULL)
		diag_error(d, at, "the file has no %s `%s`; did you mean `%s`?",
		    km->what, word, near);
	else
		diag_error(d, at, "the file has no %s `%s` to change", km->what,
		    word);
}

/* A new key below `parameters`: only of an axis that has no default there. */
static bool
parameter_there(struct diag *d, struct arena *a, const struct node *root,
    const char *p, size_t len, const struct sc_loc *at)
{
	if (is_parameter(root, p, len))
		return (true);
	diag_error(d, at, "the scenario has no parameter `%s`",
	    arena_printf(a, "%.*s", (int)MIN(len, 64), p));
	return (false);
}

/* Follow or make the path up to '='; NULL: it cannot be followed. */
static struct node *
set_target(struct diag *d, struct arena *a, struct node *root, const char **pp,
    const struct sc_loc *at)
{
	struct node *n = root;
	struct place pl = { &scenario_keys, false };
	const char *p = *pp;
	struct node *child;
	size_t len = strcspn(p, ".[=");

	/* A parameter's name is enough. */
	if (p[len] == '=' &&
	    map_find(n, arena_printf(a, "%.*s", (int)MIN(len, 64), p)) ==
		NULL &&
	    is_parameter(n, p, len)) {
		if ((child = map_find(n, "parameters")) == NULL)
			child = map_add(a, n, "parameters", 10, at);
		n = child;
	}

	for (;;) {
		if (n->kind != NODE_MAP)
			return (NULL);
		child = map_child(n, p, &len);
		if (len == 0)
			return (NULL);
		/* What is new below sysctl is one name, dots and all. */
		if (child == NULL && n->key.name != NULL &&
		    strcmp(n->key.name, "sysctl") == 0)
			len = strcspn(p, "=");
		if (child == NULL && pl.names) {
			len = name_len(p);
			no_such_name(d, at, n, pl.map, p, len);
			return (NULL);
		}
		if (child == NULL && n->key.name != NULL &&
		    strcmp(n->key.name, "parameters") == 0 &&
		    !parameter_there(d, a, root, p, len, at))
			return (NULL);
		pl = place_next(pl, p, len);
		n = child != NULL ? child : map_add(a, n, p, len, at);
		p += len;
		while (*p == '[')
			if ((n = list_item(n, &p)) == NULL)
				return (NULL);
		*pp = p;
		if (*p == '=')
			return (n);
		if (*p++ != '.')
			return (NULL);
	}
}

void
tree_set(struct diag *d, struct arena *a, struct node *root, int i)
{
	const char *p = d->sets[i];
	const struct sc_loc at = { .line = -(i + 1), .col = 1 };
	unsigned errors = d->errors;
	const char *key;
	struct node *n;

	if (strchr(p, '=') == NULL) {
		diag_error(d, &at, "write key=value");
		return;
	}
	if (strncmp(p, "include", strcspn(p, "[.=")) == 0 &&
	    strcspn(p, "[.=") == strlen("include")) {
		diag_error(d, &at,
		    "what is included is read before --set: write `include` "
		    "into the file");
		return;
	}
	if (root->kind != NODE_MAP ||
	    (n = set_target(d, a, root, &p, &at)) == NULL) {
		if (d->errors == errors)
			diag_error(d, &at,
			    "there is no such place in the file; a "
			    "path is like apps.get.connections or links[0].loss");
		return;
	}
	n->kind = NODE_SCALAR;
	n->plain = true;
	n->text = arena_strdup(a, p + 1);
	n->child = NULL;
	n->nchildren = 0;
	key = n->key.name;
	n->at = n->key = at;
	n->key.name = key;
}
