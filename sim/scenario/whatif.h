/* A scenario with other values in the place of wrong ones. */
#ifndef SCENARIO_WHATIF_H
#define SCENARIO_WHATIF_H

#include "load.h"

#define WHATIF_NODES 3000 /* of a larger file: when its values are right */

/* What is wrong if the values are those of the guess. */
struct guess {
	struct arena g_arena;
	struct scenario g_sc;
	struct strbuf g_text;
	struct diag_list g_list;
	unsigned g_errors;
	bool g_lost;
};

/* By guess number `which`, from 1; blank: before anything was loaded. */
void guess_make(struct guess *, unsigned which, const struct loader *,
    struct node *root, const struct scenario *blank);
void guess_fini(struct guess *);

#endif
