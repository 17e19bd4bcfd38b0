/* A scenario from its start to its report, as fast as it goes. */
#include <stdio.h>

#include "run.h"

static const struct option run_options[] = { RUN_OPTIONS,
	{ "dump-at", required_argument, NULL, OPT_DUMP_AT },
	{ "show", required_argument, NULL, OPT_SHOW },
	{ "case", required_argument, NULL, OPT_CASE }, { NULL, 0, NULL, 0 } };

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
	return (run_command(&cmd_run, run_options, argc, argv, run_world));
}

const struct command cmd_run = {
	.c_name = "run",
	.c_run = run_main,
	.c_text = "run a scenario, write captures and a report",
	.c_help =
	    "usage: ktls-sim run [options] FILE.ktls.yaml\n"
	    "\n"
	    "  ktls-sim run scenarios/quickstart.ktls.yaml\n"
	    "  ktls-sim run --seed 7 --pcap scenarios/failover.ktls.yaml\n"
	    "  ktls-sim run --defect nic.skip-encrypt scenarios/failover.ktls.yaml\n"
	    "\n" HELP_OUT_SEED_SET
	    "  --case CELL     a cell of the scenario's matrix, such as card=t6,version=1.3;\n"
	    "                  without it each axis has its first value\n"
	    "  --until TIME    short for --set until=TIME\n"
	    "  --dump-at TIME  write the whole state at that instant, after everything else\n"
	    "                  that happens then, to state-TIME.txt; repeatable\n"
	    "  --show ifconfig[:HOST[.INTERFACE]]@TIME\n"
	    "                  print the interfaces as `ifconfig -v` would at that instant\n"
	    "                  (also to ifconfig-TIME.txt); repeatable\n"
	    "  --threads N     host threads, 0 to 64, that do cryptography and judge\n"
	    "                  records beside the run (default: the other cores, 4 at most); the\n"
	    "                  results do not depend on it\n" HELP_DEFECT_TO_COLOR,
	.c_codes = true,
};
