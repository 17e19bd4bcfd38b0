/* From a tree to structures, by the key table. */
#ifndef SCENARIO_LOAD_H
#define SCENARIO_LOAD_H

#include "keys.h"
#include "node.h"

struct loader {
	struct diag diag;
	struct arena *arena;
	bool partial; /* the next map needs none of its keys */
};

/* Whether it is one; what is wrong, also a key that is there twice, is told. */
bool load_want_map(struct loader *, const struct key *, const struct node *);
/* Fill in the structure of this map. */
void load_map(struct loader *, const struct node *, const struct key_map *,
    void *base);

#endif
