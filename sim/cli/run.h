/* What the commands that run a scenario share: `run` and `live`. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <getopt.h>

#include <ktsim/sim/world.h>

#include "cli.h"

struct run_args {
	const struct command *ra_cmd;
	const char *ra_file;
	char *ra_out;
	char *ra_netns; /* live */
	char *ra_case;	/* run: a cell of the matrix; NULL */
	const char *ra_seed_text;
	struct world_opts ra_opts;
	const char **ra_sets; /* --set and --until, NULL-terminated */
	unsigned ra_nsets;
	struct world_show *ra_shows; /* in order */
	struct strbuf ra_shown;	     /* what --show is for */
	struct strbuf ra_states;     /* lines: files with the state */
	int ra_state_rc;
	struct strbuf ra_repeat; /* options, for the last line */
	bool ra_has_seed, ra_trace, ra_json, ra_quiet, ra_verbose,
	    ra_trace_format, ra_perfetto;
};

enum {
	OPT_OUT = 256,
	OPT_SEED,
	OPT_THREADS,
	OPT_DEFECT,
	OPT_PCAP,
	OPT_TRACE,
	OPT_TRACE_FORMAT,
	OPT_PERFETTO,
	OPT_JSON,
	OPT_SET,
	OPT_UNTIL,
	OPT_DUMP_AT,
	OPT_SHOW,
	OPT_NETNS,
	OPT_CASE
};

/* Options that run and live have both. */
#define RUN_OPTIONS                                                        \
	{ "out", required_argument, NULL, OPT_OUT },                       \
	    { "seed", required_argument, NULL, OPT_SEED },                 \
	    { "set", required_argument, NULL, OPT_SET },                   \
	    { "until", required_argument, NULL, OPT_UNTIL },               \
	    { "threads", required_argument, NULL, OPT_THREADS },           \
	    { "defect", required_argument, NULL, OPT_DEFECT },             \
	    { "pcap", no_argument, NULL, OPT_PCAP },                       \
	    { "trace", optional_argument, NULL, OPT_TRACE },               \
	    { "trace-format", required_argument, NULL, OPT_TRACE_FORMAT }, \
	    { "perfetto", no_argument, NULL, OPT_PERFETTO },               \
	    { "verbose", no_argument, NULL, 'v' },                         \
	    { "json", no_argument, NULL, OPT_JSON },                       \
	    { "quiet", no_argument, NULL, 'q' },                           \
	{                                                                  \
		"help", no_argument, NULL, 'h'                             \
	}

/* run_args.c */
/* The whole of a command that takes a scenario: its options, loading, fn, whose
 * exit code it is. */
int run_command(const struct command *, const struct option *, int argc,
    char **argv, int (*fn)(struct run_args *, const struct scenario *));

/* run_output.c */
/*
 * Read the scenario, prepare its folder, and the options of its world but for
 * what looks after the run. 0 or an exit code after saying why.
 */
int run_load(struct run_args *, struct scenario **);
/* world_create's errno as an exit code, after showing the diagnostics. */
int run_refused(int error, const struct strbuf *err);
/* Reports, and the last lines for a person; the exit code. */
int run_report(const struct run_args *, const struct scenario *,
    const struct world *);
/* The world goes; does not return if it is a wreck. */
void run_over(struct world *, int code);

/* Of the help texts. */
#define HELP_OUT_SEED_SET                                                                \
	"  --out DIR       where to write (default ./ktls-out/<scenario's name>)\n"      \
	"  --seed N        instead of the scenario's seed\n"                             \
	"  --set KEY=VALUE instead of what the file says, such as links[0].loss=1% or\n" \
	"                  apps.get.connections=3; repeatable\n"
#define HELP_DEFECT_TO_COLOR                                                                 \
	"  --defect NAME   plant a defect (`ktls-sim list defects`); repeatable\n"           \
	"  --pcap          also write wire.pcap and sslkeys.log\n"                           \
	"  --trace[=POINTS]\n"                                                               \
	"                  also write trace.ndjson: all trace points, or those of a comma\n" \
	"                  list of names and globs such as --trace='tls_*,tcp_rexmit'\n"     \
	"                  (`ktls-sim list traces`); repeatable\n"                           \
	"  --trace-format text|ndjson\n"                                                     \
	"                  text: write trace.txt instead, a line per event\n"                \
	"  --perfetto      also write trace.perfetto.json, which ui.perfetto.dev opens\n"    \
	"  --json          print the report as JSON instead of text\n"                       \
	"  -q, --quiet     print nothing but errors\n"                                       \
	"  -v, --verbose   tell on stderr what happens, with virtual time: phases, steps\n"  \
	"                  of the timeline and of the applications, links, KTLS modes\n"     \
	"  --color=WHEN    auto, always or never; NO_COLOR is honoured\n"

#endif
