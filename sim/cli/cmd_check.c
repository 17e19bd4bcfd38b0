#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include <ktsim/sim/world.h>

#include "cli.h"

/* Read it, and build its world: the kernels have their say on sysctls,
 * laggs, addresses and ports. */
static int
check_file(const char *path, struct strbuf *diag)
{
	struct world_opts wo = { .wo_dry = true };
	struct scenario *sc;
	struct world *w;
	int error;

	if ((error = scenario_load(path, NULL, &sc, diag)) != 0)
		return (error == EINVAL ? EXIT_USAGE : EXIT_MISSING);
	if ((error = world_create(sc, &wo, &w, diag)) == 0)
		world_destroy(w);
	scenario_free(sc);
	return (error == 0	  ? EXIT_OK
		: error == EINVAL ? EXIT_USAGE
				  : EXIT_MISSING);
}

static int
check_main(int argc, char **argv)
{
	struct strbuf diag = { 0 };
	int rc, one;

	if ((rc = cli_only_help(&cmd_check, argc, argv)) != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (optind == argc)
		return (usage_error(&cmd_check, "name a scenario file"));
	for (int i = optind; i < argc; i++) {
		strbuf_clear(&diag);
		one = check_file(argv[i], &diag);
		if (one == EXIT_OK)
			printf("%s: ok\n", argv[i]);
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
	.c_help = "usage: ktls-sim check FILE.ktls.yaml ...\n",
};
