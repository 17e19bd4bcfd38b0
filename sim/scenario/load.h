/* From a tree to structures, by the key table. */
#ifndef SCENARIO_LOAD_H
#define SCENARIO_LOAD_H

#include "keys.h"
#include "node.h"

struct loader {
	struct diag diag;
	struct arena *arena;
	bool kind;	/* the value says what kind of thing it is */
	bool partial;	/* the next map needs none of its keys */
	bool lost;	/* a part that others may name was no part at all */
	unsigned guess; /* 0: wrong values are left out; else which of those
			   that may be meant stands for them (whatif.c) */
};

/* Whether it is one; what is wrong, also a key that is there twice, is told. */
bool load_want_map(struct loader *, const struct key *, const struct node *);
/* Fill in the structure of this map. */
void load_map(struct loader *, const struct node *, const struct key_map *,
    void *base);
struct strbuf;
/* A scenario that has its text, which is taken over, and a loader for it. */
struct scenario *scenario_blank(struct loader *, const char *path,
    struct strbuf *file, const char *const *sets, struct strbuf *diag);
/* The file's tree, after the passes over it. NULL: told. */
struct node *load_root(struct loader *, struct scenario *, const char *folder);
/* The whole file's, with what follows from it; sc is empty but for its text. */
void load_scenario(struct loader *, struct node *root, struct scenario *sc);

/* --- whatif.c --- */

/* A value of the key that may have been meant, by l->guess. */
void guess_value(struct loader *, const struct key *, const struct node *,
    const struct sc_loc *at, void *base);
/*
 * Values of the file are wrong, which was told: tell what is wrong besides,
 * whatever they are meant to be. blank: the scenario before it was loaded.
 */
void check_whatever(struct loader *, struct node *root,
    const struct scenario *blank);

#endif
