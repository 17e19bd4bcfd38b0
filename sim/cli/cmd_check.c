#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/sim/cases.h>
#include <ktsim/sim/world.h>

#include "cli.h"

static int
check_code(int error)
{
	return (error == 0	  ? EXIT_OK
		: error == EINVAL ? EXIT_USAGE
				  : EXIT_MISSING);
}

/* Build its world: the kernels have their say on sysctls, laggs, addresses and
 * ports. */
static int
check_world(const char *path, const char *const *sets, struct strbuf *diag)
{
	struct world_opts wo = { .wo_dry = true };
	struct scenario *sc;
	struct world *w;
	int error;

	if ((error = scenario_load(path, sets, &sc, diag)) != 0)
		return (error);
	if ((error = world_create(sc, &wo, &w, diag)) == 0)
		world_destroy(w);
	scenario_free(sc);
	return (error);
}

/* Every cell of the matrix was read; now each is built. */
static int
check_cells(const char *path, const struct sc_cases *cs, struct strbuf *diag)
{
	struct strbuf one = { 0 };
	int error = 0, e;

	for (unsigned i = 0; i < cs->cs_n; i++) {
		if (cs->cs_v[i].ca_defects != NULL ||
		    (i > 0 && cs->cs_v[i].ca_sets == cs->cs_v[i - 1].ca_sets))
			continue;
		strbuf_clear(&one);
		if ((e = check_world(path, cs->cs_v[i].ca_sets, &one)) == 0)
			continue;
		error = e;
		if (strstr(strbuf_str(diag), strbuf_str(&one)) == NULL)
			strbuf_add(diag, strbuf_str(&one), one.sb_len);
	}
	strbuf_fini(&one);
	return (error);
}

static int
check_file(const char *path, struct strbuf *diag, unsigned *cases)
{
	struct sc_cases *cs;
	int error;

	*cases = 1;
	/* What comes from a pipe can be read once. */
	if (strcmp(path, "-") == 0)
		return (check_code(check_world(path, NULL, diag)));
	if ((error = scenario_cases(path, NULL, &cs, diag)) != 0) {
		if (error == EINVAL)
			world_refuses(path, NULL, diag);
		return (check_code(error));
	}
	*cases = cs->cs_n;
	error = cs->cs_live ? check_world(path, NULL, diag)
			    : check_cells(path, cs, diag);
	scenario_cases_free(cs);
	return (check_code(error));
}

static void
check_good(const char *path, unsigned cases)
{
	if (cases > 1)
		printf("%s: ok, %u cases\n", path, cases);
	else
		printf("%s: ok\n", path);
}

static int
check_main(int argc, char **argv)
{
	struct strbuf diag = { 0 };
	unsigned cases;
	int rc, one;

	if ((rc = cli_only_help(&cmd_check, argc, argv)) != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (optind == argc)
		return (usage_error(&cmd_check, "name a scenario file"));
	for (int i = optind; i < argc; i++) {
		strbuf_clear(&diag);
		one = check_file(argv[i], &diag, &cases);
		if (one == EXIT_OK)
			check_good(argv[i], cases);
		else
			color_diag(strbuf_str(&diag));
		if (one > rc)
			rc = one; /* what is missing stands above mistakes */
	}
	strbuf_fini(&diag);
	return (rc);
}

const struct command cmd_check = {
	.c_name = "check",
	.c_run = check_main,
	.c_text = "read scenarios and report every mistake, run nothing",
	.c_usage = "FILE.ktls.yaml ...",
	.c_operands = { WORDS_SCENARIO },
	.c_repeats = true,
};
