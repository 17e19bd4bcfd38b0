/*
 * What is left of a file without its mistakes: kernels and libpcap have their
 * say about that. Hosts, links, applications, steps and claims go that have a
 * mistake, then those that name them, until nothing is wrong.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "check.h"
#include "source.h"
#include "tree.h"
#include "whatif.h"

#define ROUNDS_MAX 16


static bool
same_place(const struct sc_loc *a, const struct sc_loc *b)
{
	return (a->line == b->line && a->col == b->col && a->src == b->src);
}

static bool
stands_in(const struct node *n, const struct sc_loc *at)
{
	if (same_place(&n->at, at) || same_place(&n->key, at))
		return (true);
	for (const struct node *c = n->child; c != NULL; c = c->next)
		if (stands_in(c, at))
			return (true);
	return (false);
}

static bool
says(const struct node *n, const char *text, bool begins)
{
	if (n->kind == NODE_SCALAR)
		return (begins ? strncmp(n->text, text, strlen(text)) == 0
			       : strcmp(n->text, text) == 0);
	for (const struct node *c = n->child; c != NULL; c = c->next)
		if (says(c, text, begins))
			return (true);
	return (false);
}

/* Steps and claims about sysctls of a host's cards. */
static void
forget_cards(struct node *root, const char *host)
{
	static const char *const parts[] = { "timeline", "expect" };
	struct node *of, *c, *next;

	for (unsigned i = 0; i < nitems(parts); i++) {
		if ((of = map_find(root, parts[i])) == NULL)
			continue;
		for (c = of->child; c != NULL; c = next) {
			next = c->next;
			if (says(c, host, false) && says(c, "dev.", true))
				map_remove(of, c);
		}
	}
}

static void
keep_key(struct arena *a, const struct node *from, struct node *to,
    const char *key)
{
	const struct node *n = map_find(from, key);
	struct node *copy;

	if (n == NULL)
		return;
	copy = tree_copy(a, n, NULL);
	copy->next = NULL;
	map_append(to, copy);
}

/*
 * A host that goes leaves its kernel behind, without a card: whoever speaks of
 * its sysctls can be heard. If it is wrong even so, all of it goes.
 */
static void
keep_kernel(struct arena *a, struct node *root, struct node *hosts,
    const struct node *host)
{
	struct node *kept, *sysctls, *c, *next;

	forget_cards(root, host->key.name);
	kept = arena_alloc(a, sizeof(*kept));
	kept->kind = NODE_MAP;
	kept->at = host->at;
	kept->key = host->key;
	keep_key(a, host, kept, "kern_tls");
	keep_key(a, host, kept, "sysctl");
	if (kept->nchildren == host->nchildren)
		return;
	sysctls = map_find(kept, "sysctl");
	for (c = sysctls != NULL ? sysctls->child : NULL; c != NULL; c = next) {
		next = c->next;
		if (strncmp(c->key.name, "dev.", 4) == 0)
			map_remove(sysctls, c);
	}
	map_append(hosts, kept);
}

/* Each part that is one of its kind: a host, a link, a step ... */
static bool
take_out_parts(struct arena *a, struct node *root, struct node *of,
    const struct sc_loc *at)
{
	struct node *c, *next;
	bool any = false;

	for (c = of->child; c != NULL; c = next) {
		next = c->next;
		if (!stands_in(c, at))
			continue;
		map_remove(of, c);
		if (strcmp(of->key.name, "hosts") == 0)
			keep_kernel(a, root, of, c);
		any = true;
	}
	return (any);
}

/* False: it is in no part that is there, and that the file can go without. */
static bool
take_out(struct arena *a, struct node *root, const struct sc_loc *at)
{
	static const char *const parts[] = { "hosts", "switches", "links",
		"apps", "timeline", "expect" };
	struct node *of;
	bool any = false;

	for (unsigned i = 0; at->line != 0 && i < nitems(parts); i++)
		if ((of = map_find(root, parts[i])) != NULL)
			any |= take_out_parts(a, root, of, at);
	return (any);
}

/* Rounds: what has lost something that it names is taken out next. */
static bool
take_out_all(unsigned which, const struct loader *l, struct node *root,
    const struct scenario *blank)
{
	struct guess g = { 0 };
	bool some = true, clean = false;

	for (unsigned i = 0; i < ROUNDS_MAX && some && !clean; i++) {
		guess_make(&g, which, l, root, blank);
		clean = !g.g_lost && g.g_errors == 0;
		some = false;
		for (unsigned j = 0; j < g.g_list.n; j++)
			some |= take_out(l->arena, root, &g.g_list.at[j]);
		guess_fini(&g);
	}
	return (clean);
}

/* The tree without what has mistakes. NULL: nothing is left of it. */
static struct node *
root_remaining(struct loader *l, struct scenario *sc, unsigned which,
    const char *folder)
{
	struct node *root = load_root(l, sc, folder), *hosts;
	struct scenario blank;
	int height;

	sc->remainder = true;
	blank = *sc;
	if (root == NULL || l->lost ||
	    tree_size(root, &height) > WHATIF_NODES ||
	    !take_out_all(which, l, root, &blank))
		return (NULL);
	hosts = map_find(root, "hosts");
	return (hosts != NULL && hosts->nchildren > 0 ? root : NULL);
}

/* --- cards whose link went --- */

static void
strlist_add(struct sc_strlist *sl, const char *word)
{
	sl->loc[sl->n] = (struct sc_loc) { .name = word };
	sl->v[sl->n++] = word;
}

static void
strlist_room(struct scenario *sc, struct sc_strlist *sl, unsigned n)
{
	sl->n = 0;
	sl->v = arena_alloc(sc->arena, n * sizeof(*sl->v));
	sl->loc = arena_alloc(sc->arena, n * sizeof(*sl->loc));
}

static void
join_card(struct loader *l, struct scenario *sc, struct sc_switch *sw,
    const char *card)
{
	const struct node nothing = { .kind = NODE_MAP };
	struct sc_link *to = &sc->links[sc->nlinks++];
	char *port = arena_printf(sc->arena, "%u", sw->ports.n + 1);

	strlist_add(&sw->ports, port);
	load_map(l, &nothing, &link_map, to);
	strlist_room(sc, &to->ends, 2);
	strlist_add(&to->ends, card);
	strlist_add(&to->ends,
	    arena_printf(sc->arena, "%s.%s", sw->loc.name, port));
}

static void *
grown(struct scenario *sc, const void *old, size_t n, size_t more, size_t size)
{
	char *all = arena_alloc(sc->arena, (n + more) * size);

	if (n > 0)
		memcpy(all, old, n * size);
	return (all);
}

/* A card is built with its link: those that have lost it share a switch, whose
 * name nobody can have given to anything. */
static void
join_cards(struct loader *l, struct scenario *sc)
{
	const struct node nothing = { .kind = NODE_MAP };
	struct sc_switch *sw;
	unsigned cards = 0;
	char *name;

	for (unsigned i = 0; i < sc->nhosts; i++)
		cards += sc->hosts[i].nnics;
	sc->links = grown(sc, sc->links, sc->nlinks, cards, sizeof(*sc->links));
	sc->switches =
	    grown(sc, sc->switches, sc->nswitches, 1, sizeof(*sc->switches));
	sw = &sc->switches[sc->nswitches++];
	load_map(l, &nothing, &switch_map, sw);
	sw->loc.name = "(none)";
	strlist_room(sc, &sw->ports, cards + 1);
	for (unsigned i = 0; i < sc->nhosts; i++)
		for (unsigned j = 0; j < sc->hosts[i].nnics; j++) {
			name = arena_printf(sc->arena, "%s.%s",
			    sc->hosts[i].loc.name,
			    sc->hosts[i].nics[j].loc.name);
			if (scenario_link(sc, name) == NULL)
				join_card(l, sc, sw, name);
		}
	if (sw->ports.n == 0)
		sc->nswitches--;
	scenario_complete(sc);
}

static int
remainder_of(const char *path, const char *folder, struct strbuf *file,
    const char *const *sets, unsigned which, struct scenario **out)
{
	struct strbuf unread = { 0 };
	struct loader l;
	struct scenario *sc = scenario_blank(&l, path, file, sets, &unread);
	struct node *root = root_remaining(&l, sc, which, folder);

	if (root != NULL) {
		l.guess = which;
		load_scenario(&l, root, sc);
		scenario_check(&l.diag, sc);
		join_cards(&l, sc);
		*out = sc;
	} else
		scenario_free(sc);
	strbuf_fini(&unread);
	return (root != NULL ? 0 : ENOENT);
}

int
scenario_remainder_parse(const char *path, struct strbuf *file,
    const char *const *sets, unsigned which, struct scenario **out)
{
	return (remainder_of(path, NULL, file, sets, which, out));
}

int
scenario_remainder(const char *path, const char *const *sets, unsigned which,
    struct scenario **out)
{
	struct strbuf file = { 0 };
	char *folder;
	int error;

	if (source_read_file(path, &file) != 0) {
		strbuf_fini(&file);
		return (ENOENT);
	}
	folder = source_folder(path);
	error = remainder_of(path, folder, &file, sets, which, out);
	free(folder);
	return (error);
}
