#include <getopt.h>
#include <stdio.h>

#include <ktsim/sim/scenario.h>

#include "cli.h"

static int
explain_main(int argc, char **argv)
{
	struct strbuf sb = { 0 };
	const char *key, *near;
	int rc;

	if ((rc = cli_only_help(&cmd_explain, argc, argv)) != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (argc - optind != 1)
		return (
		    usage_error(&cmd_explain, "name one key of a scenario"));
	key = argv[optind];
	if (keys_explain(key, &sb) == 0) {
		fputs(strbuf_str(&sb), stdout);
		strbuf_fini(&sb);
		return (EXIT_OK);
	}
	near = keys_nearest(key);
	if (near != NULL)
		return (usage_error(&cmd_explain,
		    "there is no key `%s`; did you mean `%s`?", key, near));
	return (usage_error(&cmd_explain,
	    "there is no key `%s`; `ktls-sim list keys` shows them all", key));
}

const struct command cmd_explain = {
	.c_name = "explain",
	.c_run = explain_main,
	.c_text = "what a scenario key means, its default and bounds",
	.c_usage = "KEY",
	.c_examples =
	    "ktls-sim explain until\n"
	    "ktls-sim explain hosts.server.nics.mce0.ring\n"
	    "ktls-sim explain loss            every key of that name\n",
	.c_operands = { WORDS_KEY },
};
