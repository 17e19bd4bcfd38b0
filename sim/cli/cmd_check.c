#include <stdio.h>
#include <string.h>

#include <ktsim/sim/world.h>

#include "cli.h"

/* Read it, and build its world: the kernels have their say on sysctls,
 * laggs, addresses and ports. */
static bool
check_file(const char *path, struct strbuf *diag)
{
	struct world_opts wo = { .wo_dry = true };
	struct scenario *sc;
	struct world *w;
	int error;

	if (scenario_load(path, NULL, &sc, diag) != 0)
		return (false);
	if ((error = world_create(sc, &wo, &w, diag)) == 0)
		world_destroy(w);
	scenario_free(sc);
	return (error == 0);
}

static int
check_main(int argc, char **argv)
{
	struct strbuf diag = { 0 };
	int rc = EXIT_OK;

	if (argc < 2)
		return (usage_error(&cmd_check, "name a scenario file"));
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		fputs(cmd_check.c_help, stdout);
		return (EXIT_OK);
	}
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '\0')
			return (usage_error(&cmd_check, "unknown option `%s`",
			    argv[i]));
		strbuf_clear(&diag);
		if (check_file(argv[i], &diag))
			printf("%s: ok\n", argv[i]);
		else {
			fputs(strbuf_str(&diag), stderr);
			rc = EXIT_USAGE;
		}
	}
	strbuf_fini(&diag);
	return (rc);
}

const struct command cmd_check = {
	.c_name = "check",
	.c_run = check_main,
	.c_text = "read scenarios and report every mistake, run nothing",
	.c_help = "usage: ktls-sim check FILE.ktls.yaml ...\n",
};
