/* The YAML tree with a position on every node. */
#ifndef SCENARIO_NODE_H
#define SCENARIO_NODE_H

#include <stdarg.h>
#include <stddef.h>

#include <stdbool.h>

#include <ktsim/base/strbuf.h>
#include <ktsim/sim/scenario.h>

enum node_kind { NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
	enum node_kind kind;
	struct sc_loc at;  /* where it stands */
	const char *text;  /* scalar */
	bool plain;	   /* scalar without quotes */
	struct sc_loc key; /* when a map's child: its key, and where */
	bool merge;	   /* the key is `<<` */
	bool told;	   /* what is wrong with its text */
	struct node *child, *next;
	const struct node *twin; /* the first child with the same key */
	unsigned nchildren;
};

/* Everything the loader allocates, freed together. */
struct arena_block;
struct arena {
	struct arena_block *blocks;
};
void *arena_alloc(struct arena *, size_t size); /* zeroed */
char *arena_strdup(struct arena *, const char *);
char *arena_printf(struct arena *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *);
/*
 * A text that the loader gives away (K_STR), kept behind its place, where
 * scenario_text_at finds it.
 */
const char *text_placed(struct arena *, const char *, const struct sc_loc *);

#define DIAG_MAX 20 /* more than this are counted, not printed */

/* Of each error that was printed: where its text begins, and what it is about. */
struct diag_list {
	unsigned n;
	size_t from[DIAG_MAX];
	struct sc_loc at[DIAG_MAX];
};

/* Collects diagnostics with the line they speak of. */
struct diag {
	const struct sc_source *src; /* the scenario's own file */
	const char *const *sets;     /* what line -1, -2 ... stands for */
	struct strbuf *out;
	unsigned errors;
	struct diag_list *list; /* NULL: nobody asks for the single ones */
};

/*
 * With a note where the alias stands, when an alias put it there, and the like.
 * The same said of the same place is said once.
 */
void diag_error(struct diag *, const struct sc_loc *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void diag_verror(struct diag *, const struct sc_loc *, const char *fmt, va_list)
    __attribute__((format(printf, 3, 0)));
void diag_note(struct diag *, const struct sc_loc *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Limits against hostile files. */
#define YAML_MAX_FILE	(1024 * 1024)
#define YAML_MAX_DEPTH	64
#define YAML_MAX_NODES	100000 /* with what aliases stand for */
#define YAML_MAX_SCALAR 65536
#define YAML_MAX_ALIAS	1000

/*
 * Put sets[i] ("key.key[2].key=value") into the tree: the value's node gets
 * line -(i + 1). Maps that are missing on the way are made; list items are not.
 */
void tree_set(struct diag *, struct arena *, struct node *root, int i);
/*
 * A file's tree. NULL when it is not YAML, or breaks a limit; the reason is in
 * diag.
 */
struct node *yaml_tree(struct diag *, struct arena *, const struct sc_source *);

/* --- anchors and aliases (alias.c) --- */

struct anchor {
	struct anchor *next;
	const char *name;
	struct sc_loc at;
	const struct node *node; /* NULL: still being read */
};

/* What `&name` and `*name` of one file come to. */
struct aliases {
	struct diag *diag;
	struct arena *arena;
	struct anchor *anchors; /* the latest first */
	unsigned *nodes;	/* of the tree, copies included */
	unsigned used, nanchors;
};

/* `&name` stands here; the node follows when it is read. NULL: told. */
struct anchor *anchor_begin(struct aliases *, const char *name,
    const struct sc_loc *);
/*
 * A copy of what `*name` stands for: each use is a tree of its own, so that
 * changing one does not change the others. NULL: told.
 */
struct node *alias_expand(struct aliases *, const char *name,
    const struct sc_loc *, int depth);
/*
 * Put what the merge key `<<` of a map names in its place: the map's own keys
 * win, then the maps in their order. False: told.
 */
bool map_merge(struct aliases *, struct node *map);

#endif
