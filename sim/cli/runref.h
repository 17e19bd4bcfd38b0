/*
 * A run, as a word on the command line names it: a scenario file, or the
 * output folder of a run, which tells the scenario as it was run, seed and defects. Since a
 * run is a pure function of these, whoever has them can have it again and look
 * closer.
 *
 *	runref_open(cmd, "ktls-out/failover", &rr);	what the folder tells
 *	runref_seed(cmd, &rr, "7"), ...			what options say
 *	runref_load(&rr, &sc);				the scenario
 *	runref_opts(&rr, &wo);				seed, defects
 *	runref_fini(&rr);
 */
#ifndef CLI_RUNREF_H
#define CLI_RUNREF_H

#include <ktsim/sim/world.h>

#include "cli.h"

struct runref {
	char *rr_name;	/* as it was named */
	char *rr_file;	/* the scenario */
	char **rr_sets; /* of options; NULL-terminated, or NULL */
	unsigned rr_nsets;
	bool rr_has_seed; /* else the scenario's; after runref_load: yes */
	uint64_t rr_seed;
	struct defects rr_defects;
	bool rr_programs; /* of the scenario's own may be started */
};

/* Each: 0, or an exit code after saying why. runref_fini in any case. */
int runref_open(const struct command *, const char *run, struct runref *);
int runref_seed(const struct command *, struct runref *, const char *);
int runref_defect(const struct command *, struct runref *, const char *name);
void runref_set(struct runref *, const char *key_value);
/* Not a live one: that cannot be had again. */
int runref_load(struct runref *, struct scenario **);
void runref_opts(const struct runref *, struct world_opts *);
/* "scenarios/a.ktls.yaml, seed 7, defect x", appended. */
void runref_text(const struct runref *, struct strbuf *);
void runref_fini(struct runref *);

#endif
