/*
 * A scenario's file: from its text to a tree, the passes over that, the key
 * table, and the rules; whatever goes wrong is told in one go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "check.h"
#include "load.h"
#include "node.h"
#include "source.h"
#include "tree.h"


/* Everything that changes the tree before the key table looks at it. */
static void
expand(struct loader *l, struct scenario *sc, struct node *root,
    const char *folder)
{
	struct expand x = { .x_diag = &l->diag,
		.x_arena = l->arena,
		.x_folder = folder,
		.x_root = root };
	struct strbuf sb = { 0 };
	unsigned errors;
	int height;

	x.x_nodes = tree_size(root, &height);
	expand_includes(&x);
	for (int i = 0; l->diag.sets != NULL && l->diag.sets[i] != NULL; i++) {
		tree_set(&l->diag, l->arena, root, i);
		x.x_changed = true;
	}
	l->lost = l->diag.errors > 0;
	expand_parameters(&x);
	errors = l->diag.errors;
	expand_defaults(&x);
	l->lost |= l->diag.errors > errors;
	if (!x.x_changed) {
		sc->processed = sc->text;
		return;
	}
	tree_print(root, &sb);
	sc->processed = arena_strdup(l->arena, strbuf_str(&sb));
	strbuf_fini(&sb);
}

void
load_scenario(struct loader *l, struct node *root, struct scenario *sc)
{
	load_map(l, root, &scenario_keys, sc);
	/* What is wrong with the scenario's name is told where it stands. */
	for (const struct node *c = root->child; c != NULL; c = c->next)
		if (strcmp(c->key.name, "name") == 0)
			sc->loc = c->at;
	if (l->diag.errors > 0 && l->guess == 0)
		return;
	matrix_cell(l->arena, root, &sc->matrix);
	scenario_complete(sc);
}

struct node *
load_root(struct loader *l, struct scenario *sc, const char *folder)
{
	struct key root = { .name = "scenario" };
	struct node *n;

	if ((n = yaml_tree(&l->diag, l->arena, l->diag.src)) == NULL)
		return (NULL);
	if (!load_want_map(l, &root, n))
		return (NULL);
	expand(l, sc, n, folder);
	return (n);
}

static void
load_tree(struct loader *l, struct scenario *sc, const char *folder)
{
	struct node *root = load_root(l, sc, folder);
	struct scenario blank = *sc;

	if (root == NULL)
		return;
	load_scenario(l, root, sc);
	if (l->diag.errors == 0)
		scenario_check(&l->diag, sc);
	else if (!l->lost && l->diag.errors <= DIAG_MAX)
		check_whatever(l, root, &blank);
}

struct scenario *
scenario_blank(struct loader *l, const char *path, struct strbuf *file,
    const char *const *sets, struct strbuf *text)
{
	struct scenario *sc = xcalloc(1, sizeof(*sc));

	sc->arena = xcalloc(1, sizeof(struct arena));
	sc->sets = sets;
	sc->path = xstrdup(path);
	sc->textlen = file->sb_len;
	sc->text = strbuf_take(file);
	sc->source = (struct sc_source) { .sr_name = sc->path,
		.sr_path = sc->path,
		.sr_text = sc->text,
		.sr_len = sc->textlen };
	*l = (struct loader) {
		.diag = { .src = &sc->source, .sets = sets, .out = text },
		.arena = sc->arena
	};
	return (sc);
}

int
source_parse(const char *path, const char *folder, struct strbuf *file,
    const char *const *sets, struct scenario **out, struct strbuf *text)
{
	struct loader l;
	struct scenario *sc = scenario_blank(&l, path, file, sets, text);

	load_tree(&l, sc, folder);
	if (l.diag.errors > DIAG_MAX)
		strbuf_addf(text, "%s: %u more errors\n", path,
		    l.diag.errors - DIAG_MAX);
	if (l.diag.errors > 0) {
		scenario_free(sc);
		return (EINVAL);
	}
	*out = sc;
	return (0);
}

int
scenario_load(const char *path, const char *const *sets, struct scenario **out,
    struct strbuf *text)
{
	struct strbuf file = { 0 };
	char *folder;
	int error;

	if ((error = source_read(path, &file)) != 0) {
		strbuf_fini(&file);
		strbuf_addf(text, "%s: error: %s\n", path, source_error(error));
		return (error == EFBIG ? EINVAL : error);
	}
	folder = source_folder(path);
	error = source_parse(path, folder, &file, sets, out, text);
	free(folder);
	return (error);
}

int
scenario_parse(const char *path, struct strbuf *file, const char *const *sets,
    struct scenario **out, struct strbuf *text)
{
	return (source_parse(path, NULL, file, sets, out, text));
}

void
scenario_error(const struct scenario *sc, const struct sc_loc *at,
    struct strbuf *text, const char *fmt, ...)
{
	struct diag d = { .src = &sc->source, .sets = sc->sets, .out = text };
	va_list ap;

	va_start(ap, fmt);
	diag_verror(&d, at, fmt, ap);
	va_end(ap);
}

void
scenario_free(struct scenario *sc)
{
	if (sc == NULL)
		return;
	arena_free(sc->arena);
	free(sc->arena);
	free(sc->path);
	free(sc->text);
	free(sc);
}
