/* From a scenario or an output folder to what makes the run again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include <ktsim/base/kmem.h>

#include "runref.h"

/* --- a folder --- */

static int
no_run(const char *dir, const char *why)
{
	fprintf(stderr,
	    "ktls-sim: %s: %s: name a scenario file, or the output folder of "
	    "`ktls-sim run`\n",
	    dir, why);
	return (EXIT_MISSING);
}

/* "a, b" */
static int
folder_defects(const struct command *cmd, struct runref *rr, const char *names)
{
	char *copy = xstrdup(names), *last = NULL, *name;
	int rc = 0;

	for (name = strtok_r(copy, ", ", &last); name != NULL && rc == 0;
	     name = strtok_r(NULL, ", ", &last))
		rc = runref_defect(cmd, rr, name);
	free(copy);
	return (rc);
}

static int
folder_report(const struct command *cmd, struct runref *rr, const char *dir)
{
	char *path = xasprintf("%s/report.json", dir);
	json_t *o = json_load_file(path, 0, NULL);
	const json_t *seed = json_object_get(o, "seed");
	const char *defects = json_string_value(json_object_get(o, "defects"));
	int rc;

	if (!json_is_integer(seed) || defects == NULL)
		rc = no_run(dir, "there is no report.json of a run");
	else if (json_is_true(json_object_get(o, "live")))
		rc = no_run(dir, "a live session cannot be had again");
	else {
		rr->rr_has_seed = true;
		rr->rr_seed = (uint64_t)json_integer_value(seed);
		rc = folder_defects(cmd, rr, defects);
	}
	json_decref(o);
	free(path);
	return (rc);
}

/* The scenario as it was run, with --set and matrix: it needs nothing else. */
static int
folder_scenario(struct runref *rr, const char *dir)
{
	rr->rr_file = xasprintf("%s/scenario.yaml", dir);
	if (access(rr->rr_file, F_OK) == 0)
		return (0);
	return (no_run(dir, "there is no scenario.yaml of a run"));
}

int
runref_open(const struct command *cmd, const char *run, struct runref *rr)
{
	struct stat st;
	int rc;

	*rr = (struct runref) { .rr_name = xstrdup(run) };
	if (stat(run, &st) != 0) {
		fprintf(stderr, "ktls-sim: %s: %s\n", run, strerror(errno));
		return (EXIT_MISSING);
	}
	if (!S_ISDIR(st.st_mode)) {
		rr->rr_file = xstrdup(run);
		return (0);
	}
	rc = folder_report(cmd, rr, run);
	return (rc != 0 ? rc : folder_scenario(rr, run));
}

/* --- options --- */

int
runref_seed(const struct command *cmd, struct runref *rr, const char *arg)
{
	rr->rr_has_seed = parse_uint(arg, &rr->rr_seed) == 0;
	if (rr->rr_has_seed)
		return (0);
	return (usage_error(cmd, "a seed is a whole number, not `%s`", arg));
}

int
runref_defect(const struct command *cmd, struct runref *rr, const char *name)
{
	return (cli_defect(cmd, &rr->rr_defects, name));
}

void
runref_set(struct runref *rr, const char *key_value)
{
	rr->rr_sets =
	    xrealloc(rr->rr_sets, (rr->rr_nsets + 2) * sizeof(*rr->rr_sets));
	rr->rr_sets[rr->rr_nsets++] = xstrdup(key_value);
	rr->rr_sets[rr->rr_nsets] = NULL;
}

/* --- the run --- */

int
runref_load(struct runref *rr, struct scenario **out)
{
	struct strbuf diag = { 0 };
	struct scenario *sc;
	int error;

	error = scenario_load(rr->rr_file, (const char *const *)rr->rr_sets,
	    &sc, &diag);
	color_diag(strbuf_str(&diag));
	strbuf_fini(&diag);
	if (error != 0)
		return (error == EINVAL ? EXIT_USAGE : EXIT_MISSING);
	if (scenario_is_live(sc)) {
		scenario_free(sc);
		fprintf(stderr,
		    "ktls-sim: %s: a link ends at a device of this machine: "
		    "what happens there cannot be had again\n",
		    rr->rr_name);
		return (EXIT_USAGE);
	}
	if (!rr->rr_has_seed)
		rr->rr_seed = sc->seed;
	rr->rr_has_seed = true;
	*out = sc;
	return (0);
}

void
runref_opts(const struct runref *rr, struct world_opts *wo)
{
	wo->wo_seed = rr->rr_seed;
	wo->wo_defects = rr->rr_defects;
	wo->wo_programs = rr->rr_programs;
}

void
runref_text(const struct runref *rr, struct strbuf *sb)
{
	strbuf_addf(sb, "%s", rr->rr_name);
	for (unsigned i = 0; i < rr->rr_nsets; i++)
		strbuf_addf(sb, ", %s", rr->rr_sets[i]);
	strbuf_addf(sb, ", seed %ju", (uintmax_t)rr->rr_seed);
	for (int i = 0; i < DEFECT_COUNT; i++)
		if (defect_on(&rr->rr_defects, (enum defect)i))
			strbuf_addf(sb, ", defect %s",
			    defect_catalogue[i].di_name);
}

void
runref_fini(struct runref *rr)
{
	for (unsigned i = 0; i < rr->rr_nsets; i++)
		free(rr->rr_sets[i]);
	free(rr->rr_sets);
	free(rr->rr_name);
	free(rr->rr_file);
	*rr = (struct runref) { 0 };
}
