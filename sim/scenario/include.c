/*
 * `include`: other files whose keys count as if they stood in the scenario.
 * What the scenario says itself wins; maps are merged, and what an included
 * list has comes before what the scenario's own list has.
 *
 * A scenario of somebody else's must not read what it is not given: included
 * files lie below the scenario's folder, whatever links lead out of it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "source.h"
#include "tree.h"

#define INCLUDE_DEPTH 8
#define INCLUDE_FILES 64 /* read, in all */

/* The files that are being read, each because of the next. */
struct reading {
	const struct reading *by;
	const char *real; /* resolved path */
};

struct includer {
	struct expand *x;
	char *top; /* of the scenario's folder, resolved, with its slash */
	unsigned files;
};

static bool include_all(struct includer *, struct node *root,
    const struct reading *, const char *folder, int depth);

/* "sub/common.inc.yaml" named in a file of "lib/" is "lib/sub/...". */
static const char *
joined(struct arena *a, const char *folder, const char *name)
{
	return (
	    folder[0] == '\0' ? name : arena_printf(a, "%s/%s", folder, name));
}

static bool
refuse(struct includer *in, const struct node *n, const char *fmt,
    const char *arg)
{
	diag_error(in->x->x_diag, &n->at, fmt, n->text, arg);
	return (false);
}

/* The file's resolved path, of the arena; NULL: told. */
static const char *
include_path(struct includer *in, const struct node *n, const char *path)
{
	char real[PATH_MAX];

	if (n->text[0] == '/' || n->text[0] == '\0') {
		(void)refuse(in, n,
		    "`%s`: an included file is named by its path from the "
		    "file that includes it%s",
		    "");
		return (NULL);
	}
	if (realpath(path, real) == NULL) {
		(void)refuse(in, n, "`%s` cannot be included: %s",
		    strerror(errno));
		return (NULL);
	}
	if (strncmp(real, in->top, strlen(in->top)) != 0) {
		(void)refuse(in, n,
		    "`%s` is not below the scenario's folder: what a scenario "
		    "includes lies beside it or below%s",
		    "");
		return (NULL);
	}
	return (arena_strdup(in->x->x_arena, real));
}

static bool
include_again(struct includer *in, const struct node *n,
    const struct reading *rd, const char *real, int depth)
{
	for (; rd != NULL; rd = rd->by)
		if (strcmp(rd->real, real) == 0)
			return (!refuse(in, n, "`%s` includes itself%s", ""));
	if (depth >= INCLUDE_DEPTH || ++in->files > INCLUDE_FILES)
		return (!refuse(in, n,
		    "`%s`: more than 64 files are included, or one in the "
		    "other more than 8 deep%s",
		    ""));
	return (false);
}

static struct node *
include_read(struct includer *in, const struct node *n, const char *name,
    const char *path)
{
	struct sc_source *src = arena_alloc(in->x->x_arena, sizeof(*src));
	struct strbuf text = { 0 };
	struct node *root;
	int error;

	if ((error = source_read_file(path, &text)) != 0) {
		(void)refuse(in, n, "`%s` cannot be included: %s",
		    source_error(error));
		strbuf_fini(&text);
		return (NULL);
	}
	src->sr_name = name;
	src->sr_path = path;
	src->sr_len = text.sb_len;
	src->sr_text = arena_strdup(in->x->x_arena, strbuf_str(&text));
	strbuf_fini(&text);
	if (memchr(src->sr_text, '\0', src->sr_len) != NULL)
		src->sr_len = strlen(src->sr_text);
	root = yaml_tree(in->x->x_diag, in->x->x_arena, src);
	if (root != NULL && root->kind != NODE_MAP) {
		diag_error(in->x->x_diag, &root->at,
		    "an included file is a map of scenario keys");
		root = NULL;
	}
	return (root);
}

/* folder: of the file that includes, below the scenario's. */
static bool
include_one(struct includer *in, struct node *into, const struct node *n,
    const struct reading *by, const char *folder, int depth)
{
	struct arena *a = in->x->x_arena;
	struct reading rd = { .by = by };
	const char *name, *path, *slash, *sub;
	struct node *root;

	if (n->kind != NODE_SCALAR) {
		diag_error(in->x->x_diag, &n->at,
		    "`include` wants the names of files");
		return (false);
	}
	name = joined(a, folder, n->text);
	path = joined(a, in->x->x_folder, name);
	if ((rd.real = include_path(in, n, path)) == NULL ||
	    include_again(in, n, by, rd.real, depth) ||
	    (root = include_read(in, n, name, path)) == NULL)
		return (false);
	slash = strrchr(name, '/');
	sub = slash == NULL
	    ? ""
	    : arena_printf(a, "%.*s", (int)(slash - name), name);
	return (include_all(in, root, &rd, sub, depth + 1) &&
	    map_fill(in->x, into, root, true, NULL));
}

static bool
include_all(struct includer *in, struct node *root, const struct reading *rd,
    const char *folder, int depth)
{
	const struct node *list = map_find(root, "include"), *one[64];
	unsigned n = 0;
	bool good = true;

	if (list == NULL)
		return (true);
	map_remove(root, list);
	for (const struct node *c = list->kind == NODE_LIST ? list->child
							    : list;
	     c != NULL && n < nitems(one);
	     c = list->kind == NODE_LIST ? c->next : NULL)
		one[n++] = c;
	/* The last one is put in first: lists keep the files' order. */
	while (n-- > 0 && in->x->x_diag->errors < DIAG_MAX)
		good &= include_one(in, root, one[n], rd, folder, depth);
	return (good);
}

void
expand_includes(struct expand *x)
{
	const struct node *list = map_find(x->x_root, "include");
	struct includer in = { .x = x };
	char real[PATH_MAX];

	if (list == NULL)
		return;
	x->x_changed = true;
	if (x->x_folder == NULL) {
		diag_error(x->x_diag, &list->key,
		    "a scenario that is not read from a file cannot "
		    "`include`: there is no folder to look in");
		map_remove(x->x_root, list);
		return;
	}
	if (realpath(x->x_folder[0] != '\0' ? x->x_folder : ".", real) == NULL)
		snprintf(real, sizeof(real), "/");
	in.top = xasprintf("%s%s", real, strcmp(real, "/") == 0 ? "" : "/");
	(void)include_all(&in, x->x_root, NULL, "", 0);
	free(in.top);
}
