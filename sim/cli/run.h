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
	OPT_CASE,
	OPT_PROGRAMS
};

/* Options that run and live have both: those before their own, and behind. */
#define RUN_OPTIONS_FIRST                                                                                            \
	{ "out", OPT_OUT, "DIR",                                                                                     \
		"where to write (default ./ktls-out/<scenario's name>)",                                             \
		WORDS_FOLDER },                                                                                      \
	    { "seed", OPT_SEED, "N", "instead of the scenario's seed" },                                             \
	    { "set", OPT_SET, "KEY=VALUE",                                                                           \
		    "instead of what the file says, such as links[0].loss=1% or apps.get.connections=3; repeatable", \
		    WORDS_SET },                                                                                     \
	{                                                                                                            \
		"until", OPT_UNTIL, "TIME", "short for --set until=TIME"                                             \
	}
#define RUN_OPTIONS_LAST                                                                                                                                                              \
	{                                                                                                                                                                             \
		"threads", OPT_THREADS, "N",                                                                                                                                          \
		"host threads, 0 to 64, that do cryptography and judge records beside the run (default: the other cores, 4 at most); the results do not depend on it"                 \
	},                                                                                                                                                                            \
	    { "defect", OPT_DEFECT, "NAME",                                                                                                                                           \
		    "plant a defect (`ktls-sim list defects`); repeatable",                                                                                                           \
		    WORDS_DEFECT },                                                                                                                                                   \
	    { "pcap", OPT_PCAP, NULL,                                                                                                                                                 \
		    "also write wire.pcap and sslkeys.log" },                                                                                                                         \
	    { "trace", OPT_TRACE, "[=POINTS]",                                                                                                                                        \
		    "also write trace.ndjson: all trace points, or those of a comma list of names and globs such as --trace='tls_*,tcp_rexmit' (`ktls-sim list traces`); repeatable", \
		    WORDS_POINT },                                                                                                                                                    \
	    { "trace-format", OPT_TRACE_FORMAT, "text|ndjson",                                                                                                                        \
		    "text: write trace.txt instead, a line per event",                                                                                                                \
		    WORDS_TRACE_FORMAT },                                                                                                                                             \
	    { "perfetto", OPT_PERFETTO, NULL,                                                                                                                                         \
		    "also write trace.perfetto.json, which ui.perfetto.dev opens" },                                                                                                  \
	    { "json", OPT_JSON, NULL,                                                                                                                                                 \
		    "print the report as JSON instead of text" },                                                                                                                     \
	    { "quiet", 'q', NULL, "print nothing but errors" },                                                                                                                       \
	    { "verbose", 'v', NULL,                                                                                                                                                   \
		    "tell on stderr what happens, with virtual time: phases, steps of the timeline and of the applications, links, KTLS modes" },                                     \
	{                                                                                                                                                                             \
		NULL                                                                                                                                                                  \
	}

/* run_args.c */
/* The whole of a command that takes a scenario: its options, loading, fn, whose
 * exit code it is. */
int run_command(const struct command *, int argc, char **argv,
    int (*fn)(struct run_args *, const struct scenario *));

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

#endif
