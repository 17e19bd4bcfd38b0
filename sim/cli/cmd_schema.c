#include <getopt.h>
#include <stdio.h>

#include <ktsim/sim/scenario.h>

#include "cli.h"

static int
schema_main(int argc, char **argv)
{
	struct strbuf sb = { 0 };
	int rc;

	if ((rc = cli_only_help(&cmd_schema, argc, argv)) != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (argc > optind)
		return (usage_error(&cmd_schema,
		    "`%s` is too much: it prints the schema, and is told "
		    "nothing",
		    argv[optind]));
	keys_schema(&sb);
	fputs(strbuf_str(&sb), stdout);
	strbuf_fini(&sb);
	return (EXIT_OK);
}

const struct command cmd_schema = {
	.c_name = "schema",
	.c_run = schema_main,
	.c_text = "a JSON Schema of scenarios, for editors",
	.c_help =
	    "usage: ktls-sim schema > ktls-sim.schema.json\n"
	    "\n"
	    "An editor with YAML's language server completes keys, explains them and\n"
	    "marks mistakes when a scenario begins with this line:\n"
	    "\n"
	    "  # yaml-language-server: $schema=ktls-sim.schema.json\n"
	    "\n"
	    "or when its settings give the schema to all files *.ktls.yaml. `ktls-sim\n"
	    "check` knows more: names that must exist, and what fits together.\n",
};
