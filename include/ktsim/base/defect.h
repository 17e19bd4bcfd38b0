/*
 * Planted defects: named switches of the model, off by default, each the
 * proof that a checker can go red. They change src/, nicmodel/ or an
 * application, never a checker. The catalogue is defects.def.
 */
#ifndef KTSIM_BASE_DEFECT_H
#define KTSIM_BASE_DEFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum defect {
#define DEFECT(sym, name, invariant, text) DEFECT_##sym,
#include <ktsim/base/defects.def>
#undef DEFECT
	DEFECT_COUNT
};

#define DEFECT_BY_CLAIM (-1) /* a claim of its exhibit in the museum */

struct defect_info {
	const char *di_name; /* layer.kebab-case */
	/* The one that must catch it, 1 to 7; 0: no scenario meets it, a unit
	 * test does; or DEFECT_BY_CLAIM. */
	int di_invariant;
	const char *di_text;
};

extern const struct defect_info defect_catalogue[DEFECT_COUNT];

struct defects {
	uint64_t df_bits[(DEFECT_COUNT + 63) / 64];
};

static inline bool
defect_on(const struct defects *df, enum defect d)
{
	return (
	    __builtin_expect((df->df_bits[d / 64] >> (d % 64)) & 1, 0) != 0);
}

void defect_set(struct defects *, enum defect);
/* -1 when there is none of that name. */
int defect_find(const char *name);

#endif
