/* Trees that are copied, searched and merged. */
#ifndef SCENARIO_TREE_H
#define SCENARIO_TREE_H

#include "node.h"

/* Values of a tree; *height: how deep it goes below its root. */
unsigned tree_size(const struct node *, int *height);
/* A note for what is put somewhere: where, and by what. */
const struct sc_via *tree_via(struct arena *, const struct sc_loc *,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* via NULL: every node keeps its own. */
struct node *tree_copy(struct arena *, const struct node *,
    const struct sc_via *);

/* A map's child of this name, the first; NULL, also if it is no map. */
struct node *map_find(const struct node *map, const char *key);
/* At its end; the key's name and place are the child's own. */
void map_append(struct node *map, struct node *child);
/* The child is of this map. */
void map_remove(struct node *map, const struct node *child);

/* What is done to a whole file before the key table looks at it. */
struct expand {
	struct diag *x_diag;
	struct arena *x_arena;
	unsigned x_nodes;     /* of the tree: at most YAML_MAX_NODES */
	const char *x_folder; /* of the scenario; NULL: it has none */
	struct node *x_root;
	bool x_changed; /* the file alone does not say it all */
};

/*
 * Put what `from` has, and the map does not, into the map: maps that both have
 * are merged likewise. Lists that both have: those of `from` come first
 * (lists), or are left out. Each node that is new gets the note via, unless it
 * has one. False: told, too many values.
 */
bool map_fill(struct expand *, struct node *map, const struct node *from,
    bool lists, const struct sc_via *via);

/* --- the passes, in their order; each tells its mistakes --- */

/* include.c: files that `include` names come below what the root says. */
void expand_includes(struct expand *);
/* params.c: `$name` in values, and items whose `only` is of another cell. */
void expand_parameters(struct expand *);
/* defaults.c: what `defaults` has, where nothing is said. */
void expand_defaults(struct expand *);

/* Of the root, once it is loaded: whether the matrix has the cell that its
 * parameters make, m->left_out. */
void matrix_cell(struct arena *, const struct node *root, struct sc_matrix *m);

/* --set name=value may mean a parameter. */
bool is_parameter(const struct node *root, const char *name, size_t len);

/* print.c: the tree as canonical YAML, without what the passes used up. */
void tree_print(const struct node *root, struct strbuf *);

#endif
