/*
 * --set: a value from the command line put over the tree, before the key
 * table looks at it, so that it is checked like any other.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "node.h"

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

/* Follow or make the path up to '='; NULL: it cannot be followed. */
static struct node *
set_target(struct arena *a, struct node *n, const char **pp,
    const struct sc_loc *at)
{
	const char *p = *pp;
	struct node *child;
	size_t len;

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
	const char *key;
	struct node *n;

	if (strchr(p, '=') == NULL) {
		diag_error(d, &at, "write key=value");
		return;
	}
	if (root->kind != NODE_MAP ||
	    (n = set_target(a, root, &p, &at)) == NULL) {
		diag_error(d, &at,
		    "there is no such place in the file; a "
		    "path is like apps.get.connections or links[0].loss");
		return;
	}
	n->kind = NODE_SCALAR;
	n->text = arena_strdup(a, p + 1);
	n->child = NULL;
	n->nchildren = 0;
	key = n->key.name;
	n->at = n->key = at;
	n->key.name = key;
}
