#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/world.h>

#include "cli.h"

struct run_args {
	const char *ra_file;
	char *ra_out;
	const char *ra_seed_text;
	struct world_opts ra_opts;
	const char **ra_sets; /* --set and --until, NULL-terminated */
	unsigned ra_nsets;
	simtime_t *ra_dump_at;	 /* in order, each once */
	struct strbuf ra_states; /* lines: files with the state */
	int ra_state_rc;
	struct strbuf ra_repeat; /* options, for the last line */
	bool ra_has_seed, ra_trace, ra_json, ra_quiet, ra_verbose,
	    ra_trace_format;
};

enum {
	OPT_OUT = 256,
	OPT_SEED,
	OPT_THREADS,
	OPT_DEFECT,
	OPT_PCAP,
	OPT_TRACE,
	OPT_TRACE_FORMAT,
	OPT_JSON,
	OPT_SET,
	OPT_UNTIL,
	OPT_DUMP_AT
};

static const struct option run_options[] = { { "out", required_argument, NULL,
						 OPT_OUT },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "set", required_argument, NULL, OPT_SET },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "dump-at", required_argument, NULL, OPT_DUMP_AT },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "defect", required_argument, NULL, OPT_DEFECT },
	{ "pcap", no_argument, NULL, OPT_PCAP },
	{ "trace", optional_argument, NULL, OPT_TRACE },
	{ "trace-format", required_argument, NULL, OPT_TRACE_FORMAT },
	{ "verbose", no_argument, NULL, 'v' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "quiet", no_argument, NULL, 'q' }, { "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 } };

static int
run_set(struct run_args *ra, char *set)
{
	ra->ra_sets =
	    xrealloc(ra->ra_sets, (ra->ra_nsets + 2) * sizeof(*ra->ra_sets));
	ra->ra_sets[ra->ra_nsets++] = set;
	ra->ra_sets[ra->ra_nsets] = NULL;
	strbuf_addf(&ra->ra_repeat, " --set '%s'", set);
	return (0);
}

/* --trace: every point; --trace=tls_*,tcp_rexmit: those. */
static int
run_trace(struct run_args *ra, const char *points)
{
	struct strbuf err = { 0 };
	int rc = 0;

	ra->ra_trace = true;
	if (trace_select(points != NULL ? points : "*",
		ra->ra_opts.wo_trace_mask, &err) != 0)
		rc = usage_error(&cmd_run, "--trace: %s", strbuf_str(&err));
	strbuf_fini(&err);
	return (rc);
}

static int
run_trace_format(struct run_args *ra, const char *arg)
{
	ra->ra_trace_format = true;
	ra->ra_opts.wo_trace_text = strcmp(arg, "text") == 0;
	if (ra->ra_opts.wo_trace_text || strcmp(arg, "ndjson") == 0)
		return (0);
	return (usage_error(&cmd_run,
	    "--trace-format wants text or ndjson, not `%s`", arg));
}

static int
run_defect(struct run_args *ra, const char *arg)
{
	const char *names[DEFECT_COUNT], *near;
	int d = defect_find(arg);

	if (d >= 0) {
		defect_set(&ra->ra_opts.wo_defects, (enum defect)d);
		strbuf_addf(&ra->ra_repeat, " --defect %s", arg);
		return (0);
	}
	for (int i = 0; i < DEFECT_COUNT; i++)
		names[i] = defect_catalogue[i].di_name;
	near = nearest_name(arg, names, DEFECT_COUNT);
	if (near != NULL)
		return (usage_error(&cmd_run,
		    "there is no defect `%s`; did you mean `%s`?", arg, near));
	return (usage_error(&cmd_run,
	    "there is no defect `%s`; `ktls-sim list defects` shows them",
	    arg));
}

static int
run_dump_at(struct run_args *ra, const char *arg)
{
	unsigned n = ra->ra_opts.wo_ndump_at, i = 0;
	simtime_t at;

	if (parse_time(arg, &at) != 0)
		return (usage_error(&cmd_run,
		    "--dump-at wants a time with its unit, such as 805us, not "
		    "`%s`",
		    arg));
	strbuf_addf(&ra->ra_repeat, " --dump-at %s", arg);
	while (i < n && ra->ra_dump_at[i] < at)
		i++;
	if (i < n && ra->ra_dump_at[i] == at)
		return (0);
	ra->ra_dump_at =
	    xrealloc(ra->ra_dump_at, (n + 1) * sizeof(*ra->ra_dump_at));
	memmove(&ra->ra_dump_at[i + 1], &ra->ra_dump_at[i],
	    (n - i) * sizeof(*ra->ra_dump_at));
	ra->ra_dump_at[i] = at;
	ra->ra_opts.wo_dump_at = ra->ra_dump_at;
	ra->ra_opts.wo_ndump_at = n + 1;
	return (0);
}

/* The world tells its state: into the folder. */
static void
run_state(void *arg, const char *name, const struct strbuf *text)
{
	struct run_args *ra = arg;
	int rc;

	rc = outdir_write(ra->ra_out, name, strbuf_str(text), text->sb_len);
	if (rc == 0)
		strbuf_addf(&ra->ra_states, "  %s/%s\n", ra->ra_out, name);
	else
		ra->ra_state_rc = rc;
}

static int
run_option(void *ctx, int opt, const char *arg)
{
	struct run_args *ra = ctx;
	uint64_t v;

	switch (opt) {
	case OPT_OUT:
		free(ra->ra_out);
		ra->ra_out = xstrdup(arg);
		return (0);
	case OPT_SEED:
		if (parse_uint(arg, &ra->ra_opts.wo_seed) != 0)
			return (usage_error(&cmd_run,
			    "--seed wants a whole "
			    "number, not `%s`",
			    arg));
		ra->ra_has_seed = true;
		strbuf_addf(&ra->ra_repeat, " --seed %s", arg);
		return (0);
	case OPT_SET:
		return (run_set(ra, xstrdup(arg)));
	case OPT_UNTIL:
		return (run_set(ra, xasprintf("until=%s", arg)));
	case OPT_DUMP_AT:
		return (run_dump_at(ra, arg));
	case OPT_THREADS:
		if (parse_uint(arg, &v) != 0 || v > 64)
			return (usage_error(&cmd_run,
			    "--threads wants 0 to "
			    "64, not `%s`",
			    arg));
		ra->ra_opts.wo_threads = (unsigned)v;
		return (0);
	case OPT_DEFECT:
		return (run_defect(ra, arg));
	case OPT_PCAP:
		ra->ra_opts.wo_pcap = true;
		strbuf_adds(&ra->ra_repeat, " --pcap");
		return (0);
	case OPT_TRACE:
		return (run_trace(ra, arg));
	case OPT_TRACE_FORMAT:
		return (run_trace_format(ra, arg));
	case OPT_JSON:
		ra->ra_json = true;
		return (0);
	case 'v':
		ra->ra_verbose = true;
		return (0);
	default:
		ra->ra_quiet = true;
		return (0);
	}
}

static int
run_parse(struct run_args *ra, int argc, char **argv)
{
	int rc;

	rc = cli_options(&cmd_run, argc, argv, run_options, run_option, ra);
	if (rc != 0)
		return (rc);
	if (ra->ra_trace_format && !ra->ra_trace)
		return (usage_error(&cmd_run,
		    "--trace-format is of --trace: give that too"));
	if (ra->ra_quiet && ra->ra_verbose)
		return (usage_error(&cmd_run,
		    "--quiet and --verbose contradict each other"));
	if (argc - optind == 2 && ra->ra_trace &&
	    access(argv[optind], F_OK) != 0)
		return (usage_error(&cmd_run,
		    "one scenario file; if `%s` are trace points: --trace=%s",
		    argv[optind], argv[optind]));
	if (argc - optind != 1)
		return (
		    usage_error(&cmd_run, "name exactly one scenario file"));
	ra->ra_file = argv[optind];
	return (0);
}

/* Reports go to the folder and to the terminal; the commands that open the
 * capture only to the terminal, because they contain paths. */
static int
run_report(const struct run_args *ra, const struct scenario *sc,
    const struct result *r)
{
	struct strbuf text = { 0 }, json = { 0 }, yaml = { 0 };
	int rc, code = result_exit_code(r);

	report_text(r, &text);
	report_json(r, &json);
	rc = outdir_write(ra->ra_out, "report.txt", strbuf_str(&text),
	    text.sb_len);
	if (rc == 0)
		rc = outdir_write(ra->ra_out, "report.json", strbuf_str(&json),
		    json.sb_len);
	strbuf_add(&yaml, sc->text, sc->textlen);
	for (unsigned i = 0; i < ra->ra_nsets; i++)
		strbuf_addf(&yaml, "# run with --set '%s'\n", ra->ra_sets[i]);
	if (rc == 0)
		rc = outdir_write(ra->ra_out, "scenario.yaml",
		    strbuf_str(&yaml), yaml.sb_len);
	strbuf_fini(&yaml);
	if (ra->ra_json)
		fputs(strbuf_str(&json), stdout);
	else if (!ra->ra_quiet)
		color_report(strbuf_str(&text));
	strbuf_fini(&text);
	strbuf_fini(&json);
	if (rc == 0)
		rc = ra->ra_state_rc;
	/* 130 stands above everything, a missing thing above a judgement. */
	return (code == EXIT_INTERRUPTED || rc == 0 ? code : rc);
}

/* Instants that the run did not come to. */
static void
run_states_missed(const struct run_args *ra, const struct world *w)
{
	struct strbuf at = { 0 };

	for (unsigned i = world_states(w); i < ra->ra_opts.wo_ndump_at; i++) {
		strbuf_clear(&at);
		format_time(ra->ra_dump_at[i], &at);
		fprintf(stderr,
		    "ktls-sim: --dump-at %s: not written, the run was over "
		    "before\n",
		    strbuf_str(&at));
	}
	strbuf_fini(&at);
}

static void
run_outro(const struct run_args *ra, const struct result *r, int code)
{
	FILE *f = ra->ra_json || ra->ra_quiet ? stderr : stdout;

	if (r->r_capture_error != 0)
		fprintf(stderr, "ktls-sim: %s: %s\n", r->r_capture_path,
		    strerror(r->r_capture_error));
	if (!ra->ra_quiet && r->r_has_wire)
		fprintf(f,
		    "\nCapture\n  %s/wire.pcapng: %ju frames, keys "
		    "inside\n  open it: wireshark %s/wire.pcapng\n  or:      "
		    "tshark -r %s/wire.pcapng -Y http\n",
		    ra->ra_out, (uintmax_t)r->r_frames, ra->ra_out, ra->ra_out);
	if (!ra->ra_quiet && ra->ra_states.sb_len > 0)
		fprintf(f, "\nState\n%s", strbuf_str(&ra->ra_states));
	if (r->r_interrupted)
		fprintf(stderr,
		    "ktls-sim: interrupted; what was captured so "
		    "far is complete\n");
	if (code != EXIT_OK) {
		color_word(stderr, STYLE_BAD,
		    code == EXIT_CLAIM		 ? "an expectation FAILED"
			: code == EXIT_INVARIANT ? "an invariant BROKE"
						 : "the run did not complete");
		fprintf(stderr, "\nto reproduce: ktls-sim run %s%s\n",
		    ra->ra_file, strbuf_str(&ra->ra_repeat));
	} else if (!ra->ra_quiet) {
		fputc('\n', f);
		color_word(f, STYLE_GOOD,
		    "all expectations met, all invariants held");
		fputc('\n', f);
	}
}

static int
run_world(struct run_args *ra, const struct scenario *sc)
{
	struct progress *pg = progress_start(!ra->ra_quiet && !ra->ra_verbose);
	struct strbuf err = { 0 };
	char *trace = NULL;
	struct world *w;
	int error, code;

	ra->ra_opts.wo_out = ra->ra_out;
	ra->ra_opts.wo_state = run_state;
	ra->ra_opts.wo_state_arg = ra;
	ra->ra_opts.wo_poll = progress_poll;
	ra->ra_opts.wo_poll_arg = pg;
	if (ra->ra_trace)
		ra->ra_opts.wo_trace = trace = xasprintf("%s/trace.%s",
		    ra->ra_out, ra->ra_opts.wo_trace_text ? "txt" : "ndjson");
	if (ra->ra_verbose) {
		ra->ra_opts.wo_tell = verbose_tell;
		verbose_points(ra->ra_opts.wo_tell_mask);
	}
	if (!ra->ra_has_seed)
		ra->ra_opts.wo_seed = sc->seed;
	error = world_create(sc, &ra->ra_opts, &w, &err);
	if (error != 0) {
		color_diag(strbuf_str(&err));
		progress_end(pg);
		strbuf_fini(&err);
		free(trace);
		return (error == EINVAL ? EXIT_USAGE : EXIT_MISSING);
	}
	world_run(w);
	progress_end(pg);
	code = run_report(ra, sc, world_result(w));
	run_states_missed(ra, w);
	run_outro(ra, world_result(w), code);
	fflush(stdout);
	world_destroy(w);
	/* A wreck cannot be taken apart: leave without looking back. */
	if (code == EXIT_INVARIANT || code == EXIT_INTERRUPTED ||
	    code == EXIT_MISSING)
		_exit(code);
	free(trace);
	strbuf_fini(&err);
	return (code);
}

/* The engine's thread has one core; what is left can help. */
static unsigned
default_threads(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return (cores <= 1 ? 0 : (unsigned)MIN(cores - 1, 4));
}

static int
run_main(int argc, char **argv)
{
	struct run_args ra = { .ra_opts.wo_threads = default_threads() };
	struct strbuf diag = { 0 };
	struct scenario *sc;
	int rc;

	if ((rc = run_parse(&ra, argc, argv)) != 0)
		goto out;
	rc = scenario_load(ra.ra_file, ra.ra_sets, &sc, &diag);
	if (rc != 0) {
		color_diag(strbuf_str(&diag));
		rc = rc == EINVAL ? EXIT_USAGE : EXIT_MISSING;
		goto out;
	}
	if (ra.ra_out == NULL)
		ra.ra_out = xasprintf("./ktls-out/%s", sc->name);
	if ((rc = outdir_prepare(ra.ra_out)) == 0)
		rc = run_world(&ra, sc);
	scenario_free(sc);
out:
	for (unsigned i = 0; i < ra.ra_nsets; i++)
		free((char *)(uintptr_t)ra.ra_sets[i]);
	free(ra.ra_sets);
	free(ra.ra_out);
	free(ra.ra_dump_at);
	strbuf_fini(&ra.ra_states);
	strbuf_fini(&ra.ra_repeat);
	strbuf_fini(&diag);
	return (rc == CLI_HELPED ? EXIT_OK : rc);
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
	    "\n"
	    "  --out DIR       where to write (default ./ktls-out/<scenario's name>)\n"
	    "  --seed N        instead of the scenario's seed\n"
	    "  --set KEY=VALUE instead of what the file says, such as links[0].loss=1% or\n"
	    "                  apps.get.connections=3; repeatable\n"
	    "  --until TIME    short for --set until=TIME\n"
	    "  --dump-at TIME  write the whole state at that instant, after everything else\n"
	    "                  that happens then, to state-TIME.txt; repeatable\n"
	    "  --threads N     host threads, 0 to 64, that do cryptography and judge\n"
	    "                  records beside the run (default: the other cores, 4 at most); the\n"
	    "                  results do not depend on it\n"
	    "  --defect NAME   plant a defect (`ktls-sim list defects`); repeatable\n"
	    "  --pcap          also write wire.pcap and sslkeys.log\n"
	    "  --trace[=POINTS]\n"
	    "                  also write trace.ndjson: all trace points, or those of a comma\n"
	    "                  list of names and globs such as --trace='tls_*,tcp_rexmit'\n"
	    "                  (`ktls-sim list traces`); repeatable\n"
	    "  --trace-format text|ndjson\n"
	    "                  text: write trace.txt instead, a line per event\n"
	    "  --json          print the report as JSON instead of text\n"
	    "  -q, --quiet     print nothing but errors\n"
	    "  -v, --verbose   tell on stderr what happens, with virtual time: phases, steps\n"
	    "                  of the timeline and of the applications, links, KTLS modes\n"
	    "  --color=WHEN    auto, always or never; NO_COLOR is honoured\n",
	.c_codes = true,
};
