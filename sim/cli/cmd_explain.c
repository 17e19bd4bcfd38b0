#include <stdio.h>
#include <string.h>

#include <ktsim/sim/scenario.h>

#include "cli.h"

static int
explain_main(int argc, char **argv)
{
	struct strbuf sb = { 0 };
	const char *near;

	if (argc != 2)
		return (
		    usage_error(&cmd_explain, "name one key of a scenario"));
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		fputs(cmd_explain.c_help, stdout);
		return (EXIT_OK);
	}
	if (keys_explain(argv[1], &sb) == 0) {
		fputs(strbuf_str(&sb), stdout);
		strbuf_fini(&sb);
		return (EXIT_OK);
	}
	near = keys_nearest(argv[1]);
	if (near != NULL)
		return (usage_error(&cmd_explain,
		    "there is no key `%s`; did "
		    "you mean `%s`?",
		    argv[1], near));
	return (usage_error(&cmd_explain,
	    "there is no key `%s`; `ktls-sim "
	    "list keys` shows them all",
	    argv[1]));
}

const struct command cmd_explain = {
	.c_name = "explain",
	.c_run = explain_main,
	.c_text = "what a scenario key means, its default and bounds",
	.c_help = "usage: ktls-sim explain KEY\n"
		  "\n"
		  "  ktls-sim explain until\n"
		  "  ktls-sim explain hosts.server.nics.mce0.ring\n"
		  "  ktls-sim explain loss            every key of that name\n",
};
