/*
 * From the YAML tree to structures, driven by the key table: one walk that
 * finds unknown and double keys, wrong types, missing units and values out of
 * bounds, and goes on after each so that all problems are told at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/scenario.h>

#include "check.h"
#include "load.h"
#include "node.h"
#include "source.h"
#include "tree.h"

static void load_key(struct loader *, const struct key *, const struct node *,
    void *base);

static void *
field(void *base, size_t off)
{
	return ((char *)base + off);
}

static const char *
kind_name(const struct node *n)
{
	return (n->kind == NODE_MAP    ? "a map"
		: n->kind == NODE_LIST ? "a list"
				       : "a plain value");
}

static bool
want_scalar(struct loader *l, const struct key *k, const struct node *n)
{
	if (n->kind == NODE_SCALAR)
		return (true);
	diag_error(&l->diag, &n->at,
	    "`%s` wants a plain value, this "
	    "is %s",
	    k->name, kind_name(n));
	return (false);
}

/* --- scalars --- */

static const struct {
	int (*parse)(const char *, uint64_t *);
	const char *example;
} scalar_kinds[] = {
	[K_UINT] = { parse_uint, "a whole number, 0 or more, without unit" },
	[K_TIME] = { parse_time,
	    "a time with its unit (ps, ns, us, ms, s, min), such as 10us or 1.5s" },
	[K_RATE] = { parse_rate,
	    "a rate with its unit (bit/s, kbit/s, Mbit/s, Gbit/s, Tbit/s), such as 100Gbit/s" },
	[K_SIZE] = { parse_size,
	    "a size with its unit (B, kB, MB, GB, KiB, MiB, GiB), such as 8MiB or 1500B" },
	[K_PERCENT] = { parse_percent, "a percentage, such as 0.5%" },
};

static bool
load_number(struct loader *l, const struct key *k, const struct node *n,
    void *base)
{
	struct strbuf bounds = { 0 };
	uint64_t v;

	if (scalar_kinds[k->kind].parse(n->text, &v) != 0) {
		diag_error(&l->diag, &n->at, "`%s` is not %s", n->text,
		    scalar_kinds[k->kind].example);
		return (false);
	}
	if (k->max != 0 && k->min == k->max && v != k->max) {
		diag_error(&l->diag, &n->at,
		    "`%s` is always %ju here: %s is of another version of "
		    "ktls-sim",
		    k->name, (uintmax_t)k->max, n->text);
		return (false);
	}
	if (k->max != 0 && (v < k->min || v > k->max)) {
		key_bounds(k, &bounds);
		diag_error(&l->diag, &n->at,
		    "%s is out of bounds: `%s` goes from %s", n->text, k->name,
		    strbuf_str(&bounds));
		strbuf_fini(&bounds);
		return (false);
	}
	memcpy(field(base, k->off), &v, sizeof(v));
	return (true);
}

static bool
load_enum(struct loader *l, const struct key *k, const struct node *n,
    void *base)
{
	struct strbuf all = { 0 };
	const char *near;
	unsigned cnt;
	int v;

	for (v = 0; k->names[v] != NULL; v++)
		if (strcmp(k->names[v], n->text) == 0) {
			memcpy(field(base, k->off), &v, sizeof(v));
			return (true);
		}
	for (cnt = 0; k->names[cnt] != NULL; cnt++)
		strbuf_addf(&all, "%s`%s`", cnt > 0 ? ", " : "", k->names[cnt]);
	near = nearest_name(n->text, k->names, cnt);
	if (near != NULL)
		diag_error(&l->diag, &n->at,
		    "`%s` is none of %s; did "
		    "you mean `%s`?",
		    n->text, strbuf_str(&all), near);
	else
		diag_error(&l->diag, &n->at, "`%s` is none of %s", n->text,
		    strbuf_str(&all));
	strbuf_fini(&all);
	return (false);
}

static bool
load_bool(struct loader *l, const struct node *n, void *base, size_t off)
{
	bool v = strcmp(n->text, "true") == 0;

	if (!v && strcmp(n->text, "false") != 0) {
		diag_error(&l->diag, &n->at,
		    "`%s` is neither `true` "
		    "nor `false`",
		    n->text);
		return (false);
	}
	memcpy(field(base, off), &v, sizeof(v));
	return (true);
}

/* Reports print texts, and a terminal would listen: C0, DEL and C1; 0: none. */
static unsigned
control_letter(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	for (; *p != '\0'; p++)
		if ((*p < ' ' && *p != '\n' && *p != '\t') || *p == 127)
			return (*p);
		else if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			return (p[1]);
	return (0);
}

static bool
load_text(struct loader *l, const struct key *k, const struct node *n,
    void *base)
{
	const char *s;
	unsigned bad;

	if ((bad = control_letter(n->text)) != 0) {
		diag_error(&l->diag, &n->at,
		    "`%s` has the control character 0x%x in it: write "
		    "letters, blanks and line ends",
		    k->name, bad);
		return (false);
	}
	s = text_placed(l->arena, n->text, &n->at);
	memcpy(field(base, k->off), &s, sizeof(s));
	return (true);
}

/* --- collections --- */

static void
load_strlist(struct loader *l, const struct key *k, const struct node *n,
    struct sc_strlist *sl)
{
	const struct node *c = n->kind == NODE_LIST ? n->child : n;
	unsigned cnt = n->kind == NODE_LIST ? n->nchildren : 1;

	sl->v = arena_alloc(l->arena, (cnt + 1) * sizeof(*sl->v));
	sl->loc = arena_alloc(l->arena, (cnt + 1) * sizeof(*sl->loc));
	for (; c != NULL; c = n->kind == NODE_LIST ? c->next : NULL) {
		if (!want_scalar(l, k, c)) {
			l->lost = true;
			continue;
		}
		sl->loc[sl->n] = c->at;
		sl->loc[sl->n].name = c->text;
		sl->v[sl->n++] = c->text;
	}
}

static void
put_array(void *base, const struct key *k, void *array, unsigned n)
{
	memcpy(field(base, k->off), &array, sizeof(array));
	memcpy(field(base, k->noff), &n, sizeof(n));
}

static int
by_key_and_place(const void *va, const void *vb)
{
	const struct node *a = *(const struct node *const *)va;
	const struct node *b = *(const struct node *const *)vb;
	int c = strcmp(a->key.name, b->key.name);

	return (c != 0			     ? c
		: a->key.line != b->key.line ? a->key.line - b->key.line
					     : a->key.col - b->key.col);
}

/* By sorting: a hostile file has some ten thousand keys in one map. */
static void
duplicate_check(struct loader *l, const struct node *map)
{
	struct node **all, *n;
	unsigned cnt = 0;

	all = xcalloc(map->nchildren + 1, sizeof(*all));
	for (n = map->child; n != NULL; n = n->next)
		all[cnt++] = n;
	qsort(all, cnt, sizeof(*all), by_key_and_place);
	for (unsigned i = 1; i < cnt; i++)
		if (strcmp(all[i]->key.name, all[i - 1]->key.name) == 0)
			all[i]->twin = all[i - 1]->twin != NULL
			    ? all[i - 1]->twin
			    : all[i - 1];
	free(all);
	for (n = map->child; n != NULL; n = n->next) {
		if (n->twin == NULL)
			continue;
		diag_error(&l->diag, &n->key, "`%s` is given twice",
		    n->key.name);
		diag_note(&l->diag, &n->twin->key, "the first one is here");
	}
}

bool
load_want_map(struct loader *l, const struct key *k, const struct node *n)
{
	if (n->kind == NODE_MAP) {
		duplicate_check(l, n);
		return (true);
	}
	diag_error(&l->diag, &n->at, "`%s` wants a map, this is %s", k->name,
	    kind_name(n));
	return (false);
}

/* A value's name: letters, digits and - behind a small letter. */
static bool
is_word(const char *s)
{
	return (*s >= 'a' && *s <= 'z' &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s));
}

/* Whether a word is one of the sysctl's is known later. */
static bool
load_value(struct loader *l, const struct node *n, struct sc_value *v)
{
	if (is_word(n->text)) {
		v->word = n->text;
		return (true);
	}
	if (parse_uint(n->text, &v->number) == 0)
		return (true);
	diag_error(&l->diag, &n->at, "`%s` is not %s", n->text,
	    scalar_kinds[K_UINT].example);
	return (false);
}

static void
load_settings(struct loader *l, const struct key *k, const struct node *n,
    void *base)
{
	struct sc_setting *s;
	const struct node *c;
	unsigned cnt = 0;

	if (!load_want_map(l, k, n))
		return;
	s = arena_alloc(l->arena, (n->nchildren + 1) * sizeof(*s));
	for (c = n->child; c != NULL; c = c->next) {
		if (c->kind != NODE_SCALAR) {
			diag_error(&l->diag, &c->at,
			    "%s `%s` wants a number, this is %s: a name is "
			    "written whole, with its dots",
			    k->name, c->key.name, kind_name(c));
			continue;
		}
		if (load_value(l, c, &s[cnt].value))
			s[cnt++].loc = c->key;
	}
	put_array(base, k, s, cnt);
}

/* Settings of a model that is looked at later: the text as it stands. */
static void
load_knobs(struct loader *l, const struct key *k, const struct node *n,
    void *base)
{
	struct sc_knob *s;
	const struct node *c;
	unsigned cnt = 0;

	if (!load_want_map(l, k, n))
		return;
	s = arena_alloc(l->arena, (n->nchildren + 1) * sizeof(*s));
	for (c = n->child; c != NULL; c = c->next) {
		if (!want_scalar(l, &(struct key) { .name = c->key.name }, c))
			continue;
		s[cnt].text = text_placed(l->arena, c->text, &c->at);
		s[cnt++].loc = c->key;
	}
	put_array(base, k, s, cnt);
}

/* Named children: structures with the key's table, or address lists. */
static void
load_mapof(struct loader *l, const struct key *k, const struct node *n,
    void *base)
{
	size_t size = k->map != NULL ? k->map->size : sizeof(struct sc_addrs);
	const struct node *c;
	unsigned cnt = 0;
	char *array, *item;

	if (!load_want_map(l, k, n)) {
		l->lost = true;
		return;
	}
	array = arena_alloc(l->arena, (n->nchildren + 1) * size);
	for (c = n->child; c != NULL; c = c->next, cnt++) {
		item = array + cnt * size;
		*(struct sc_loc *)(void *)item = c->key;
		if (k->map == NULL)
			load_strlist(l, k, c,
			    &((struct sc_addrs *)(void *)item)->cidr);
		else if (c->kind == NODE_MAP)
			load_map(l, c, k->map, item);
		else {
			l->lost = true;
			diag_error(&l->diag, &c->at,
			    "%s `%s` wants a "
			    "map, this is %s",
			    k->map->what, c->key.name, kind_name(c));
		}
	}
	put_array(base, k, array, cnt);
}

static const struct key one_cell = { .name = "cell",
	.kind = K_MAPOF,
	.off = F(sc_cell, axes),
	.noff = F(sc_cell, naxes) };

/* A map in a list: by the key's table, or one of the names of axes. */
static void
load_item(struct loader *l, const struct key *k, const struct node *n,
    void *item)
{
	if (k->map != NULL)
		load_map(l, n, k->map, item);
	else {
		*(struct sc_loc *)item = n->at;
		load_mapof(l, &one_cell, n, item);
	}
	((struct sc_loc *)item)->name = NULL;
}

static void
load_list(struct loader *l, const struct key *k, const struct node *n,
    void *base)
{
	size_t size = k->map != NULL ? k->map->size : sizeof(struct sc_cell);
	const struct node *c;
	unsigned cnt = 0;
	char *array, *item;

	if (n->kind != NODE_LIST) {
		l->lost = true;
		diag_error(&l->diag, &n->at,
		    "`%s` wants a list, this "
		    "is %s",
		    k->name, kind_name(n));
		return;
	}
	array = arena_alloc(l->arena, (n->nchildren + 1) * size);
	for (c = n->child; c != NULL; c = c->next) {
		if (c->kind != NODE_MAP) {
			l->lost = true;
			diag_error(&l->diag, &c->at,
			    "one %s is a map, "
			    "this is %s",
			    k->map != NULL ? k->map->what : "cell",
			    kind_name(c));
			continue;
		}
		item = array + cnt++ * size;
		load_item(l, k, c, item);
	}
	put_array(base, k, array, cnt);
}

/* What the passes over the tree have used: its values are looked at once. */
static void
load_scratch(struct loader *l, const struct key *k, const struct node *n)
{
	struct key here = *k;
	size_t size = k->map != NULL ? k->map->size : 0;

	here.scratch = false;
	here.off = 0;
	here.noff = sizeof(void *);
	l->partial = k->kind == K_MAP;
	load_key(l, &here, n, arena_alloc(l->arena, MAX(size, (size_t)64)));
	l->partial = false;
}

static bool
load_scalar(struct loader *l, const struct key *k, const struct node *n,
    void *base)
{
	switch (k->kind) {
	case K_STR:
		return (load_text(l, k, n, base));
	case K_ENUM:
		return (load_enum(l, k, n, base));
	case K_BOOL:
		return (load_bool(l, n, base, k->off));
	case K_VALUE:
		return (load_value(l, n, field(base, k->off)));
	default:
		return (load_number(l, k, n, base));
	}
}

static void
load_key(struct loader *l, const struct key *k, const struct node *n,
    void *base)
{
	if (k->scratch) {
		load_scratch(l, k, n);
		return;
	}
	switch (k->kind) {
	case K_MAP:
		if (load_want_map(l, k, n))
			load_map(l, n, k->map, field(base, k->off));
		return;
	case K_MAPOF:
		load_mapof(l, k, n, base);
		return;
	case K_LIST:
	case K_CELLS:
		load_list(l, k, n, base);
		return;
	case K_SETTINGS:
		load_settings(l, k, n, base);
		return;
	case K_KNOBS:
		load_knobs(l, k, n, base);
		return;
	case K_STRLIST:
		load_strlist(l, k, n, field(base, k->off));
		return;
	default:
		break;
	}
	if (n->told || !want_scalar(l, k, n) || !load_scalar(l, k, n, base))
		guess_value(l, k, n, &n->at, base);
}

/* --- maps --- */

static bool
is_collection(const struct key *k)
{
	return (k->kind == K_MAPOF || k->kind == K_LIST ||
	    k->kind == K_SETTINGS || k->kind == K_KNOBS || k->kind == K_CELLS);
}

static void
load_defaults(struct loader *l, const struct key_map *map, void *base)
{
	/* Where a collection of none begins, and ends. */
	static const struct sc_loc none;
	struct node n = { .kind = NODE_SCALAR };

	for (const struct key *k = map->keys; k < map->keys + map->n; k++) {
		if (k->scratch)
			continue;
		if (k->kind == K_MAP)
			load_defaults(l, k->map, field(base, k->off));
		else if (is_collection(k))
			put_array(base, k, (void *)(uintptr_t)&none, 0);
		if (k->def == NULL)
			continue;
		n.text = k->def;
		load_key(l, k, &n, base);
	}
}

static const struct key *
find_key(const struct key_map *map, const char *name)
{
	const struct key *k;

	for (k = map->keys; k < map->keys + map->n; k++)
		if (strcmp(k->name, name) == 0)
			return (k);
	return (NULL);
}

/* The key that may be meant; NULL. */
static const struct key *
unknown_key(struct loader *l, const struct key_map *map, const struct node *n)
{
	const char *names[64], *near = NULL;

	for (unsigned i = 0; i < map->n; i++)
		names[i] = map->keys[i].name;
	if (l->diag.errors < DIAG_MAX) /* else nobody reads it */
		near = nearest_name(n->key.name, names, map->n);
	if (near != NULL)
		diag_error(&l->diag, &n->key,
		    "there is no %s key "
		    "`%s`; did you mean `%s`?",
		    map->what, n->key.name, near);
	else
		diag_error(&l->diag, &n->key,
		    "there is no %s key "
		    "`%s`; `ktls-sim list keys` shows them all",
		    map->what, n->key.name);
	return (near != NULL ? find_key(map, near) : NULL);
}

static void
mark_given(const struct key *k, void *base, const struct node *n)
{
	bool given = true;

	if (k->scratch)
		return;
	if (k->noff != 0 && !is_collection(k))
		memcpy(field(base, k->noff), &given, sizeof(given));
	if (k->kind == K_MAP)
		*(struct sc_loc *)field(base, k->off) = n->key;
}

/* "`a` and `b`": the kinds that have a key. */
static const char *
kinds_of(struct loader *l, const char *const *kinds, unsigned of)
{
	const char *text = "";

	for (unsigned i = 0; kinds[i] != NULL; i++)
		if ((of >> i & 1) != 0)
			text = arena_printf(l->arena, "%s%s`%s`", text,
			    text[0] != '\0' ? " and " : "", kinds[i]);
	return (text);
}

/* Keys that a thing of this kind would ignore: km's first key is its kind. */
static void
foreign_keys(struct loader *l, const struct node *map, const struct key_map *km,
    void *base)
{
	const char *const *kinds = km->keys[0].names;
	const char *nothing = NULL;
	const struct node *n;
	const struct key *k;
	int kind;

	memcpy(&kind, field(base, km->keys[0].off), sizeof(kind));
	for (n = map->child; n != NULL; n = n->next)
		for (k = km->keys; k < km->keys + km->n; k++)
			if (strcmp(k->name, n->key.name) == 0 && k->of != 0 &&
			    (k->of >> kind & 1) == 0) {
				/* So nobody asks what it names. */
				if (k->kind == K_STR)
					memcpy(field(base, k->off), &nothing,
					    sizeof(nothing));
				diag_error(&l->diag, &n->key,
				    "`%s` is a key of %s: this is `%s`, "
				    "which would ignore it",
				    k->name, kinds_of(l, kinds, k->of),
				    kinds[kind]);
			}
}

/* The key of the table; NULL: there is none, which was told. */
static const struct key *
known_key(struct loader *l, const struct key_map *km, const struct node *map,
    const struct node *n)
{
	const struct key *k = find_key(km, n->key.name);

	if (k != NULL ||
	    (km == &scenario_keys && strncmp(n->key.name, "x-", 2) == 0))
		return (k);
	if ((k = unknown_key(l, km, n)) == NULL)
		l->lost |= n->kind != NODE_SCALAR; /* whatever it has */
	/* By turns it is a slip of the pen, and nothing at all. */
	return (k != NULL && l->guess % 2 == 1 && map_find(map, k->name) == NULL
		? k
		: NULL);
}

static void
missing_key(struct loader *l, const struct key_map *km, const struct key *k,
    const struct sc_loc *loc, void *base)
{
	diag_error(&l->diag, loc, "%s %s%s%swants the key `%s`: %s", km->what,
	    loc->name != NULL ? "`" : "", loc->name != NULL ? loc->name : "",
	    loc->name != NULL ? "` " : "", k->name, k->text);
	guess_value(l, k, NULL, loc, base);
}

void
load_map(struct loader *l, const struct node *map, const struct key_map *km,
    void *base)
{
	struct sc_loc *loc = base;
	const struct node *n;
	const struct key *k;
	bool seen[64] = { false }, partial = l->partial;

	l->partial = false;
	if (loc->line == 0) {
		*loc = map->at;
		loc->name = NULL;
	}
	load_defaults(l, km, base);
	for (n = map->child; n != NULL; n = n->next) {
		if ((k = known_key(l, km, map, n)) == NULL)
			continue;
		seen[k - km->keys] = true;
		load_key(l, k, n, base);
		/* What is no map: by turns nothing at all. */
		if (k->kind != K_MAP || n->kind == NODE_MAP ||
		    l->guess % 2 == 1)
			mark_given(k, base, n);
	}
	if (seen[0] && km->keys[0].kind == K_ENUM)
		foreign_keys(l, map, km, base);
	for (k = km->keys; k < km->keys + km->n; k++)
		if (k->required && !partial && !seen[k - km->keys])
			missing_key(l, km, k, loc, base);
}
