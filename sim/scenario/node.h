/* The YAML tree with a position on every node. */
#ifndef SCENARIO_NODE_H
#define SCENARIO_NODE_H

#include <stddef.h>

#include <ktsim/base/strbuf.h>

enum node_kind { NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
	enum node_kind kind;
	int line, col;	 /* from 1 */
	char *text;	 /* scalar */
	char *key;	 /* when a map's child: its key ... */
	int kline, kcol; /* ... and where the key stands */
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
void arena_free(struct arena *);

/* Collects diagnostics with the line they speak of. */
struct diag {
	const char *path;
	const char *const *sets; /* what line -1, -2 ... stands for */
	const char *text;
	size_t textlen;
	struct strbuf *out;
	unsigned errors;
};
#define DIAG_MAX 20 /* more than this are counted, not printed */

void diag_error(struct diag *, int line, int col, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void diag_note(struct diag *, int line, int col, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Limits against hostile files. */
#define YAML_MAX_FILE	(1024 * 1024)
#define YAML_MAX_DEPTH	64
#define YAML_MAX_NODES	100000
#define YAML_MAX_SCALAR 65536

/*
 * Put sets[i] ("key.key[2].key=value") into the tree: the value's node gets
 * line -(i + 1). Maps that are missing on the way are made; list items are not.
 */
void tree_set(struct diag *, struct arena *, struct node *root, int i);
/* NULL when it is not YAML, or breaks a limit; the reason is in diag. */
struct node *yaml_tree(struct diag *, struct arena *);

#endif
