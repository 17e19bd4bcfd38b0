/* A scenario from its start to its report, as fast as it goes. */
#include <stdio.h>

#include "run.h"

static const struct cli_option run_options[] = {
	RUN_OPTIONS_FIRST,
	{ "case", OPT_CASE, "CELL",
	    "a cell of the scenario's matrix, such as card=t6,version=1.3; without it each axis has its first value" },
	{ "dump-at", OPT_DUMP_AT, "TIME",
	    "write the whole state at that instant, after everything else that happens then, to state-TIME.txt; repeatable" },
	{ "show", OPT_SHOW, "ifconfig[:HOST[.INTERFACE]]@TIME",
	    "print the interfaces as `ifconfig -v` would at that instant (also to ifconfig-TIME.txt); repeatable",
	    WORDS_STATE },
	{ "allow-programs", OPT_PROGRAMS, NULL, ALLOW_PROGRAMS },
	RUN_OPTIONS_LAST,
};

static int
run_world(struct run_args *ra, const struct scenario *sc)
{
	struct progress *pg = progress_start(!ra->ra_quiet && !ra->ra_verbose);
	struct strbuf err = { 0 };
	struct world *w;
	int error, code;

	ra->ra_opts.wo_poll = progress_poll;
	ra->ra_opts.wo_poll_arg = pg;
	error = world_create(sc, &ra->ra_opts, &w, &err);
	if (error != 0) {
		code = run_refused(error, &err);
		progress_end(pg);
		strbuf_fini(&err);
		return (code);
	}
	world_run(w);
	progress_end(pg);
	code = run_report(ra, sc, w);
	run_over(w, code);
	return (code);
}

static int
run_main(int argc, char **argv)
{
	return (run_command(&cmd_run, argc, argv, run_world));
}

const struct command cmd_run = {
	.c_name = "run",
	.c_run = run_main,
	.c_text = "run a scenario, write captures and a report",
	.c_usage = "[options] FILE.ktls.yaml",
	.c_examples =
	    "ktls-sim run scenarios/quickstart.ktls.yaml\n"
	    "ktls-sim run --seed 7 --pcap scenarios/failover.ktls.yaml\n"
	    "ktls-sim run --defect nic.skip-encrypt scenarios/failover.ktls.yaml\n",
	.c_options = run_options,
	.c_codes = exit_codes,
	.c_operands = { WORDS_SCENARIO },
};
