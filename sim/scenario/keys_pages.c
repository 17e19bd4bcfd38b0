/*
 * The key table as people read it: the reference page, the manual page, and
 * one key explained.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/mdoc.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/scenario.h>

#include "keys.h"

/* --- reference page --- */

static const char *const kind_text[] = { "text", "number", "true or false",
	"time with unit", "rate with unit", "size with unit", "percentage",
	"word", "word or list of words", "map", "map of names", "list of maps",
	"map of name: number", "number",
	"map of name: number, time with unit or word",
	"list of maps of name: word or list of words" };
_Static_assert(nitems(kind_text) == K_CELLS + 1, "a text for each kind");

/* The version of ktls-sim that had the key first. */
static const char *
key_since(const struct key *k)
{
	return (k->since != NULL ? k->since : "0.1");
}

/*
 * Every key as one writes it: "hosts.NAME.nics.NAME.mtu", "links[].rate".
 * prefix: of the keys of this map.
 */
typedef void key_fn(void *arg, const char *path, const struct key *);

static void
keys_written(const struct key_map *map, const char *prefix, key_fn *fn,
    void *arg)
{
	char path[256];

	for (const struct key *k = map->keys; k < map->keys + map->n; k++) {
		snprintf(path, sizeof(path), "%s%s", prefix, k->name);
		fn(arg, path, k);
		if (k->map == NULL || k->as != NULL)
			continue;
		snprintf(path, sizeof(path), "%s%s%s.", prefix, k->name,
		    k->kind == K_MAPOF	    ? ".NAME"
			: k->kind == K_LIST ? "[]"
					    : "");
		keys_written(k->map, path, fn, arg);
	}
}

static void
reference_key(void *arg, const char *path, const struct key *k)
{
	struct strbuf *sb = arg;

	strbuf_addf(sb, "| `%s` | %s", path, kind_text[k->kind]);
	for (unsigned i = 0; k->names != NULL && k->names[i] != NULL; i++)
		strbuf_addf(sb, "%s`%s`", i == 0 ? ": " : ", ", k->names[i]);
	strbuf_addf(sb, " | %s | ",
	    k->required		 ? "required"
		: k->def != NULL ? k->def
				 : "");
	if (k->max != 0)
		key_bounds(k, sb);
	strbuf_addf(sb, " | %s | %s |\n", key_since(k), k->text);
}

void
keys_reference(struct strbuf *sb)
{
	strbuf_adds(sb,
	    "| key | value | default | bounds | since | meaning |\n"
	    "|---|---|---|---|---|---|\n");
	keys_written(&scenario_keys, "", reference_key, sb);
}

static void
mdoc_key(void *arg, const char *path, const struct key *k)
{
	struct strbuf *sb = arg;

	strbuf_adds(sb, ".It Sy ");
	mdoc_word(path, sb);
	strbuf_addf(sb, "\n.Pq %s", kind_text[k->kind]);
	strbuf_adds(sb, "\n");
	mdoc_line(k->text, sb);
	strbuf_adds(sb, ".\n");
	for (unsigned i = 0; k->names != NULL && k->names[i] != NULL; i++) {
		strbuf_adds(sb, i == 0 ? "One of\n.Cm " : " ,\n.Cm ");
		mdoc_word(k->names[i], sb);
	}
	if (k->names != NULL)
		strbuf_adds(sb, " .\n");
	if (k->required)
		strbuf_adds(sb, "Required.\n");
	else if (k->def != NULL && k->def[0] != '\0') {
		strbuf_adds(sb, "Default:\n.Cm ");
		mdoc_word(k->def, sb);
		strbuf_adds(sb, " .\n");
	}
	if (k->max != 0) {
		strbuf_adds(sb, "From ");
		key_bounds(k, sb);
		strbuf_adds(sb, ".\n");
	}
	strbuf_addf(sb, "Since %s.\n", key_since(k));
}

void
keys_mdoc(struct strbuf *sb)
{
	strbuf_adds(sb, ".Bl -tag -width Ds\n");
	keys_written(&scenario_keys, "", mdoc_key, sb);
	strbuf_adds(sb, ".El\n");
}

struct paths_arg {
	void (*pa_fn)(void *arg, const char *path, const char *text);
	void *pa_arg;
};

static void
paths_key(void *arg, const char *path, const struct key *k)
{
	struct paths_arg *pa = arg;

	pa->pa_fn(pa->pa_arg, path, k->text);
}

void
keys_paths(void (*fn)(void *arg, const char *path, const char *text), void *arg)
{
	struct paths_arg pa = { fn, arg };

	keys_written(&scenario_keys, "", paths_key, &pa);
}

/* --- one key, explained --- */

/* Visit every key with its path ("hosts.cpus"); stops when fn says so. */
static bool
keys_walk(const struct key_map *map, const char *prefix,
    bool (*fn)(void *arg, const char *path, const struct key *), void *arg)
{
	char path[256];

	for (const struct key *k = map->keys; k < map->keys + map->n; k++) {
		snprintf(path, sizeof(path), "%s%s", prefix, k->name);
		if (fn(arg, path, k))
			return (true);
		if (k->map == NULL || k->as != NULL)
			continue;
		snprintf(path, sizeof(path), "%s%s.", prefix, k->name);
		if (keys_walk(k->map, path, fn, arg))
			return (true);
	}
	return (false);
}

/* Does what the user wrote mean this key? Names of one's own may stand
 * between the words of the path. */
static bool
path_means(const char *asked, const char *path)
{
	char word[128];
	size_t len;

	for (;;) {
		len = strcspn(path, ".");
		snprintf(word, sizeof(word), "%.*s", (int)len, path);
		/* Skip asked words until one is this one. */
		while (strncmp(asked, word, len) != 0 ||
		    (asked[len] != '\0' && asked[len] != '.' &&
			asked[len] != '[')) {
			asked += strcspn(asked, ".");
			if (*asked++ == '\0')
				return (false);
		}
		asked += len;
		asked += strcspn(asked, ".");
		path += len;
		if (*path == '\0')
			return (*asked == '\0');
		if (*asked++ == '\0')
			return (false);
		path++;
	}
}

struct explain_arg {
	const char *ex_asked;
	struct strbuf *ex_out;
	unsigned ex_found;
	unsigned ex_words; /* of the longest path that is meant */
};

static unsigned
path_words(const char *path)
{
	unsigned n = 1;

	for (; *path != '\0'; path++)
		n += *path == '.';
	return (n);
}

/* "timeline.name" could mean `name` with something skipped: longest wins. */
static bool
explain_measure(void *arg, const char *path, const struct key *k)
{
	struct explain_arg *ex = arg;

	if (path_means(ex->ex_asked, path))
		ex->ex_words = MAX(ex->ex_words, path_words(path));
	return (false);
}

void
key_bounds(const struct key *k, struct strbuf *sb)
{
	if (k->kind == K_TIME) {
		format_time(k->min, sb);
		strbuf_adds(sb, " to ");
		format_time(k->max, sb);
	} else if (k->kind == K_PERCENT)
		strbuf_adds(sb, "0% to 100%");
	else if (k->kind == K_SIZE) {
		format_bytes(k->min, sb);
		strbuf_adds(sb, " to ");
		format_bytes(k->max, sb);
	} else
		strbuf_addf(sb, "%ju to %ju%s", (uintmax_t)k->min,
		    (uintmax_t)k->max, k->kind == K_RATE ? " bit/s" : "");
}

static void
explain_key(const char *path, const struct key *k, struct strbuf *sb)
{
	strbuf_addf(sb, "%s\n  %s\n  value:   %s", path, k->text,
	    kind_text[k->kind]);
	for (unsigned i = 0; k->names != NULL && k->names[i] != NULL; i++)
		strbuf_addf(sb, "%s%s", i == 0 ? ": " : ", ", k->names[i]);
	strbuf_addf(sb, "\n  default: %s\n  since:   %s\n",
	    k->required		 ? "none, it is required"
		: k->def != NULL ? k->def
				 : "none",
	    key_since(k));
	if (k->max != 0) {
		strbuf_adds(sb, "  bounds:  ");
		key_bounds(k, sb);
		strbuf_adds(sb, "\n");
	}
	for (unsigned i = 0; k->map != NULL && i < k->map->n; i++)
		strbuf_addf(sb, "%s%s", i == 0 ? "  keys:    " : ", ",
		    k->map->keys[i].name);
	if (k->map != NULL)
		strbuf_adds(sb, "\n");
}

static bool
explain_visit(void *arg, const char *path, const struct key *k)
{
	struct explain_arg *ex = arg;

	if ((path_means(ex->ex_asked, path) &&
		path_words(path) == ex->ex_words) ||
	    strcmp(ex->ex_asked, k->name) == 0) {
		if (ex->ex_found++ > 0)
			strbuf_adds(ex->ex_out, "\n");
		explain_key(path, k, ex->ex_out);
	}
	return (false);
}

int
keys_explain(const char *path, struct strbuf *sb)
{
	struct explain_arg ex = { .ex_asked = path, .ex_out = sb };

	(void)keys_walk(&scenario_keys, "", explain_measure, &ex);
	(void)keys_walk(&scenario_keys, "", explain_visit, &ex);
	return (ex.ex_found > 0 ? 0 : ENOENT);
}

struct nearest_arg {
	const char *ne_asked;
	char ne_best[256];
	unsigned ne_dist;
};

static bool
nearest_visit(void *arg, const char *path, const struct key *k)
{
	const char *const names[] = { path, k->name };
	struct nearest_arg *ne = arg;
	unsigned dist;

	for (int i = 0; i < 2; i++) {
		dist = edit_distance(ne->ne_asked, names[i]);
		if (dist < ne->ne_dist) {
			ne->ne_dist = dist;
			snprintf(ne->ne_best, sizeof(ne->ne_best), "%s",
			    names[i]);
		}
	}
	return (false);
}

const char *
keys_nearest(const char *path)
{
	static _Thread_local struct nearest_arg ne;

	ne = (struct nearest_arg) { .ne_asked = path,
		.ne_dist = (unsigned)strnlen(path, 64) / 3 + 2 };
	(void)keys_walk(&scenario_keys, "", nearest_visit, &ne);
	return (ne.ne_best[0] != '\0' ? ne.ne_best : NULL);
}
