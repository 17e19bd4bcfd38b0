#include <getopt.h>
#include <stdio.h>

#include <ktsim/sim/result.h>
#include <ktsim/sim/scenario.h>

#include "cli.h"

enum { OPT_REPORT = 256 };

static const struct cli_option schema_options[] = {
	{ "report", OPT_REPORT, NULL, "the schema of report.json instead" },
	{ NULL },
};

static int
schema_option(void *ctx, int opt, const char *arg)
{
	bool *report = ctx;

	*report = true;
	return (0);
}

static int
schema_main(int argc, char **argv)
{
	struct strbuf sb = { 0 };
	bool report = false;
	int rc;

	rc = cli_options(&cmd_schema, argc, argv, schema_option, &report);
	if (rc != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (argc > optind)
		return (usage_error(&cmd_schema,
		    "`%s` is too much: it prints the schema, and is told "
		    "nothing but --report",
		    argv[optind]));
	if (report)
		report_schema(&sb);
	else
		keys_schema(&sb);
	fputs(strbuf_str(&sb), stdout);
	strbuf_fini(&sb);
	return (EXIT_OK);
}

const struct command cmd_schema = {
	.c_name = "schema",
	.c_run = schema_main,
	.c_text = "a JSON Schema of scenarios, for editors; or of report.json",
	.c_usage = "[--report]",
	.c_examples = "ktls-sim schema > ktls-sim.schema.json\n"
		      "ktls-sim schema --report > report.schema.json\n",
	.c_intro =
	    "An editor with YAML's language server completes keys, explains them and\n"
	    "marks mistakes when a scenario begins with this line:\n"
	    "\n"
	    "  # yaml-language-server: $schema=ktls-sim.schema.json\n"
	    "\n"
	    "or when its settings give the schema to all files *.ktls.yaml. `ktls-sim\n"
	    "check` knows more: names that must exist, and what fits together.\n",
	.c_options = schema_options,
};
