#include <stdio.h>
#include <string.h>

#include <ktsim/sim/scenario.h>

#include "cli.h"

static int
check_main(int argc, char **argv)
{
	struct strbuf diag = { 0 };
	struct scenario *sc;
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
		if (scenario_load(argv[i], NULL, &sc, &diag) != 0) {
			fputs(strbuf_str(&diag), stderr);
			rc = EXIT_USAGE;
			continue;
		}
		printf("%s: ok\n", argv[i]);
		scenario_free(sc);
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
