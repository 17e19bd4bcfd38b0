/*
 * Parameters: `$name` and `${name}` in values stand for what `parameters`, a
 * cell of the matrix or --set gives the name; `$$` is a dollar. Items with
 * `only` are left out where another value is given.
 *
 * A parameter that only the matrix knows has the first value of its axis.
 */
#include <ctype.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>

#include "cover.h"
#include "tree.h"

#define MAX_PARAMETERS 256

struct param {
	const char *name;
	const struct node *value, *axis; /* of the two one may be NULL */
};
struct params {
	struct expand *x;
	struct param v[MAX_PARAMETERS];
	unsigned n;
};

static bool
name_char(char c)
{
	return (isalnum((unsigned char)c) || c == '_');
}

static struct param *
param_find(struct params *ps, const char *name, size_t len)
{
	for (unsigned i = 0; i < ps->n; i++)
		if (strlen(ps->v[i].name) == len &&
		    memcmp(ps->v[i].name, name, len) == 0)
			return (&ps->v[i]);
	return (NULL);
}

static void
param_unknown(struct params *ps, const struct sc_loc *at, const char *name,
    size_t len)
{
	const char *names[MAX_PARAMETERS], *near, *word;

	word = arena_printf(ps->x->x_arena, "%.*s", (int)MIN(len, 64), name);
	for (unsigned i = 0; i < ps->n; i++)
		names[i] = ps->v[i].name;
	near = nearest_name(word, names, ps->n);
	if (near != NULL)
		diag_error(ps->x->x_diag, at,
		    "there is no parameter `%s`; did you mean `%s`?", word,
		    near);
	else
		diag_error(ps->x->x_diag, at,
		    "there is no parameter `%s`: give it a value in "
		    "`parameters` or an axis in `matrix`; a dollar is $$",
		    word);
}

/* --- what there is --- */

static const struct node *
first_value(const struct node *axis)
{
	return (axis->kind == NODE_LIST ? axis->child : axis);
}

static void
param_add(struct params *ps, const struct node *n, bool axis)
{
	struct param *p = param_find(ps, n->key.name, strlen(n->key.name));
	size_t len = 0;

	while (name_char(n->key.name[len]))
		len++;
	if (len == 0 || len > 64 || n->key.name[len] != '\0' ||
	    isdigit((unsigned char)n->key.name[0])) {
		diag_error(ps->x->x_diag, &n->key,
		    "parameter `%s`: use 1 to 64 letters, digits and _, a "
		    "letter first",
		    n->key.name);
		return;
	}
	if (p == NULL) {
		if (ps->n == MAX_PARAMETERS) {
			diag_error(ps->x->x_diag, &n->key,
			    "more than %d parameters", MAX_PARAMETERS);
			return;
		}
		p = &ps->v[ps->n++];
		*p = (struct param) { .name = n->key.name };
	}
	if (axis) {
		p->axis = n;
		if (p->value == NULL)
			p->value = first_value(n);
	} else
		p->value = n;
}

static void
params_collect(struct params *ps)
{
	const struct node *root = ps->x->x_root, *n;
	const struct node *map = map_find(root, "parameters");
	const struct node *matrix = map_find(root, "matrix");
	const struct node *axes =
	    matrix != NULL ? map_find(matrix, "axes") : NULL;

	if (map != NULL && map->kind == NODE_MAP)
		for (n = map->child; n != NULL; n = n->next)
			param_add(ps, n, false);
	if (axes != NULL && axes->kind == NODE_MAP)
		for (n = axes->child; n != NULL; n = n->next)
			param_add(ps, n, true);
}

bool
is_parameter(const struct node *root, const char *name, size_t len)
{
	const struct node *maps[2] = { map_find(root, "parameters"),
		map_find(root, "matrix") };

	if (maps[1] != NULL)
		maps[1] = map_find(maps[1], "axes");
	for (unsigned i = 0; i < nitems(maps); i++) {
		if (maps[i] == NULL || maps[i]->kind != NODE_MAP)
			continue;
		for (const struct node *n = maps[i]->child; n != NULL;
		     n = n->next)
			if (strlen(n->key.name) == len &&
			    memcmp(n->key.name, name, len) == 0)
				return (true);
	}
	return (false);
}

/* --- in values --- */

/* Behind a `$`: the name's place and length, and the length of all; 0: it is
 * a dollar like any other. */
static size_t
reference(const char *p, const char **name, size_t *len)
{
	bool braced = *p == '{';

	*name = braced ? p + 1 : p;
	*len = 0;
	if (isdigit((unsigned char)**name))
		return (0);
	while (name_char((*name)[*len]))
		++*len;
	if (*len == 0 || (braced && (*name)[*len] != '}'))
		return (0);
	return (*len + (braced ? 2 : 0));
}

static void
value_expand(struct params *ps, struct node *n)
{
	struct strbuf out = { 0 };
	const char *p = n->text, *name;
	const struct sc_via *via = NULL;
	const struct param *pa;
	size_t len, all;

	for (; *p != '\0'; p++) {
		if (*p != '$') {
			strbuf_add(&out, p, 1);
			continue;
		}
		if (p[1] == '$') {
			strbuf_adds(&out, "$");
			p++;
			continue;
		}
		if ((all = reference(p + 1, &name, &len)) == 0) {
			strbuf_adds(&out, "$");
			continue;
		}
		p += all;
		if ((pa = param_find(ps, name, len)) == NULL) {
			param_unknown(ps, &n->at, name, len);
			n->told = true;
			continue;
		}
		/* That it is no plain value is told where it stands. */
		n->told |= pa->value == NULL || pa->value->kind != NODE_SCALAR;
		if (n->told ||
		    out.sb_len + strlen(pa->value->text) > YAML_MAX_SCALAR)
			continue;
		strbuf_adds(&out, pa->value->text);
		via = tree_via(ps->x->x_arena, &pa->value->at, "`$%s` is `%s`",
		    pa->name, pa->value->text);
	}
	n->text = arena_strdup(ps->x->x_arena, strbuf_str(&out));
	strbuf_fini(&out);
	if (via != NULL && n->at.via == NULL)
		n->at.via = via;
	ps->x->x_changed = true;
}

static void
tree_expand(struct params *ps, struct node *n)
{
	if (n->kind == NODE_SCALAR && strchr(n->text, '$') != NULL)
		value_expand(ps, n);
	for (struct node *c = n->child; c != NULL; c = c->next)
		tree_expand(ps, c);
}

/* --- only --- */

static bool
axis_has(const struct node *axis, const char *text)
{
	const struct node *c = first_value(axis);

	for (; c != NULL; c = axis->kind == NODE_LIST ? c->next : NULL)
		if (c->kind == NODE_SCALAR && strcmp(c->text, text) == 0)
			return (true);
	return (false);
}

/* One word of an `only`: is it the parameter's value? */
static bool
only_word(struct params *ps, const struct param *pa, const struct node *w)
{
	if (w->kind != NODE_SCALAR) {
		diag_error(ps->x->x_diag, &w->at,
		    "`only` wants a value or a list of values");
		return (false);
	}
	if (pa->axis != NULL && !axis_has(pa->axis, w->text)) {
		diag_error(ps->x->x_diag, &w->at,
		    "`%s` is no value of the axis `%s`", w->text, pa->name);
		return (false);
	}
	return (pa->value != NULL && pa->value->kind == NODE_SCALAR &&
	    strcmp(pa->value->text, w->text) == 0);
}

static bool
only_one(struct params *ps, const struct node *n)
{
	const struct param *pa;
	bool is = false;

	pa = param_find(ps, n->key.name, strlen(n->key.name));
	if (pa == NULL) {
		param_unknown(ps, &n->key, n->key.name, strlen(n->key.name));
		return (true);
	}
	for (const struct node *w = first_value(n); w != NULL;
	     w = n->kind == NODE_LIST ? w->next : NULL)
		is |= only_word(ps, pa, w);
	return (is);
}

/* The item stays; without its `only`. */
static bool
item_stays(struct params *ps, struct node *item)
{
	struct node *only = map_find(item, "only");
	bool stays = true;

	if (only == NULL)
		return (true);
	if (only->kind != NODE_MAP) {
		diag_error(ps->x->x_diag, &only->at,
		    "`only` wants a map, such as {card: [t6, cx6dx]}");
		map_remove(item, only);
		return (true);
	}
	for (const struct node *n = only->child; n != NULL; n = n->next)
		stays &= only_one(ps, n);
	map_remove(item, only);
	ps->x->x_changed = true;
	return (stays);
}

static void
items_filter(struct params *ps, struct node *of)
{
	struct node *c, *next;

	for (c = of != NULL ? of->child : NULL; c != NULL; c = next) {
		next = c->next;
		if (!item_stays(ps, c))
			map_remove(of, c);
	}
}

void
expand_parameters(struct expand *x)
{
	static const char *const with_only[] = { "links", "apps", "timeline",
		"expect" };
	static const char *const definitions[] = { "parameters", "matrix" };
	struct params ps = { .x = x };

	params_collect(&ps);
	for (unsigned i = 0; i < nitems(definitions); i++)
		if (map_find(x->x_root, definitions[i]) != NULL)
			x->x_changed = true;
	for (unsigned i = 0; i < nitems(with_only); i++)
		items_filter(&ps, map_find(x->x_root, with_only[i]));
	for (struct node *c = x->x_root->child; c != NULL; c = c->next)
		if (strcmp(c->key.name, "parameters") != 0 &&
		    strcmp(c->key.name, "matrix") != 0 &&
		    strncmp(c->key.name, "x-", 2) != 0)
			tree_expand(&ps, c);
}

/* --- which cell it is --- */

void
matrix_cell(struct arena *a, const struct node *root, struct sc_matrix *m)
{
	const struct node *map = map_find(root, "parameters"), *n;
	const char **values = arena_alloc(a, (m->naxes + 1) * sizeof(*values));
	const struct sc_axis *ax;

	for (unsigned i = 0; i < m->naxes; i++) {
		ax = &m->axes[i];
		n = map != NULL ? map_find(map, ax->loc.name) : NULL;
		values[i] = n != NULL && n->kind == NODE_SCALAR ? n->text
		    : ax->values.n > 0 ? ax->values.v[0]
				       : "";
	}
	m->left_out = cover_excluded(m, values);
}
