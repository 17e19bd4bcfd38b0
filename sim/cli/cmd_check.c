#include <getopt.h>
#include <stdio.h>

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
	int rc;

	if ((rc = cli_only_help(&cmd_check, argc, argv)) != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (optind == argc)
		return (usage_error(&cmd_check, "name a scenario file"));
	for (int i = optind; i < argc; i++) {
		strbuf_clear(&diag);
		if (check_file(argv[i], &diag))
			printf("%s: ok\n", argv[i]);
		else {
			color_diag(strbuf_str(&diag));
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
