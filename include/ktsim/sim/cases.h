/*
 * The cases of a scenario: what one file comes to when its matrix is written
 * out. A case is one cell of the matrix, one repetition (a seed), and, of an
 * exhibit of the museum, without or with its planted defect. `ktls-sim test`
 * runs each in a process of its own; `ktls-sim run --case NAME` runs one.
 *
 * The order, and the names, follow from the file alone.
 */
#ifndef KTSIM_SIM_CASES_H
#define KTSIM_SIM_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>

struct sc_case {
	/*
	 * "", or "card=t6,suite=aes128-gcm": the cell, in the order of the
	 * file's axes. Letters, digits, and "=,.-_:/%" only. Seed and defect
	 * are not in it: `ktls-sim test` writes NAME[CELL]#SEED+defect.
	 */
	char *ca_cell;
	const char **ca_sets; /* NULL-terminated, for scenario_load:
				 "parameters.card=t6" */
	uint64_t ca_seed;
	/*
	 * NULL-terminated names of defects that are planted; NULL: none. With
	 * them the run has to go red, by what ca_caught_by says.
	 */
	const char **ca_defects;
	const char *ca_caught_by; /* "invariant 6", "claim once"; NULL */
};

struct sc_cases {
	char *cs_name;		/* the scenario's */
	char *cs_description;	/* NULL */
	const char **cs_tags;	/* NULL-terminated */
	const char *cs_exhibit; /* "M05"; NULL: it is none */
	bool cs_programs;	/* applications of the user's own */
	bool cs_live;		/* only `ktls-sim live` runs it: no cases */
	struct sc_case *cs_v;
	unsigned cs_n;
	void *cs_arena;
};

#define SC_CASES_MAX 100000 /* of one file; more is a mistake that is told */

/*
 * Read the file with `sets` (as scenario_load's) in every cell and check each.
 * Problems of any cell are appended to diag, each once. 0, or EINVAL, or the
 * errno of opening the file.
 */
int scenario_cases(const char *path, const char *const *sets,
    struct sc_cases **, struct strbuf *diag);
void scenario_cases_free(struct sc_cases *);
/* The case of this cell, the first repetition, without defects; NULL. */
const struct sc_case *scenario_case(const struct sc_cases *, const char *cell);

#endif
