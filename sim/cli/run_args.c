/* Options of the commands that run a scenario. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "run.h"

static void
run_add_set(struct run_args *ra, char *set)
{
	ra->ra_sets =
	    xrealloc(ra->ra_sets, (ra->ra_nsets + 2) * sizeof(*ra->ra_sets));
	ra->ra_sets[ra->ra_nsets++] = set;
	ra->ra_sets[ra->ra_nsets] = NULL;
}

static int
run_set(struct run_args *ra, char *set)
{
	run_add_set(ra, set);
	strbuf_addf(&ra->ra_repeat, " --set '%s'", set);
	return (0);
}

/* "card=t6,version=1.3" sets two parameters; run_load looks for their axes. */
static int
run_case(struct run_args *ra, const char *arg)
{
	size_t len;

	free(ra->ra_case);
	ra->ra_case = xstrdup(arg);
	for (const char *w = arg; *w != '\0'; w += len + (w[len] == ',')) {
		len = strcspn(w, ",");
		run_add_set(ra, xasprintf("parameters.%.*s", (int)len, w));
	}
	strbuf_addf(&ra->ra_repeat, " --case '%s'", arg);
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
		rc = usage_error(ra->ra_cmd, "--trace: %s", strbuf_str(&err));
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
	return (usage_error(ra->ra_cmd,
	    "--trace-format wants text or ndjson, not `%s`", arg));
}

/* Into the list, which is in the order of time; the same twice is once. */
static void
run_show_add(struct run_args *ra, const struct world_show *ws)
{
	unsigned n = ra->ra_opts.wo_nshows, i = 0;
	const struct world_show *have;

	for (i = 0; i < n; i++) {
		have = &ra->ra_shows[i];
		if (have->ws_at == ws->ws_at && have->ws_what == ws->ws_what &&
		    (have->ws_of == NULL) == (ws->ws_of == NULL) &&
		    (ws->ws_of == NULL ||
			strcmp(have->ws_of, ws->ws_of) == 0)) {
			free((char *)(uintptr_t)ws->ws_of);
			return;
		}
	}
	for (i = 0; i < n && ra->ra_shows[i].ws_at <= ws->ws_at; i++)
		;
	ra->ra_shows = xrealloc(ra->ra_shows, (n + 1) * sizeof(*ra->ra_shows));
	memmove(&ra->ra_shows[i + 1], &ra->ra_shows[i],
	    (n - i) * sizeof(*ra->ra_shows));
	ra->ra_shows[i] = *ws;
	ra->ra_opts.wo_shows = ra->ra_shows;
	ra->ra_opts.wo_nshows = n + 1;
}

static int
run_dump_at(struct run_args *ra, const char *arg)
{
	struct world_show ws = { .ws_what = SHOW_STATE };

	if (parse_time(arg, &ws.ws_at) != 0)
		return (usage_error(ra->ra_cmd,
		    "--dump-at wants a time with its unit, such as 805us, not "
		    "`%s`",
		    arg));
	strbuf_addf(&ra->ra_repeat, " --dump-at %s", arg);
	run_show_add(ra, &ws);
	return (0);
}

/* "ifconfig@120ms", "ifconfig:server.lagg0@120ms". */
static int
run_show(struct run_args *ra, const char *arg)
{
	struct world_show ws = { .ws_what = SHOW_IFCONFIG };
	const char *at = strchr(arg, '@');
	static const char what[] = "ifconfig";
	size_t n = sizeof(what) - 1;

	if (at == NULL || strncmp(arg, what, n) != 0 ||
	    (arg[n] != '@' && arg[n] != ':') ||
	    parse_time(at + 1, &ws.ws_at) != 0)
		return (usage_error(ra->ra_cmd,
		    "--show wants ifconfig@TIME or ifconfig:HOST.INTERFACE@TIME, "
		    "such as ifconfig:server.lagg0@120ms, not `%s`",
		    arg));
	if (arg[n] == ':')
		ws.ws_of = xasprintf("%.*s", (int)(at - arg - (long)n - 1),
		    arg + n + 1);
	strbuf_addf(&ra->ra_repeat, " --show %s", arg);
	run_show_add(ra, &ws);
	return (0);
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
			return (usage_error(ra->ra_cmd,
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
	case OPT_SHOW:
		return (run_show(ra, arg));
	case OPT_THREADS:
		if (parse_uint(arg, &v) != 0 || v > 64)
			return (usage_error(ra->ra_cmd,
			    "--threads wants 0 to "
			    "64, not `%s`",
			    arg));
		ra->ra_opts.wo_threads = (unsigned)v;
		return (0);
	case OPT_DEFECT:
		strbuf_addf(&ra->ra_repeat, " --defect %s", arg);
		return (cli_defect(ra->ra_cmd, &ra->ra_opts.wo_defects, arg));
	case OPT_PCAP:
		ra->ra_opts.wo_pcap = true;
		strbuf_adds(&ra->ra_repeat, " --pcap");
		return (0);
	case OPT_NETNS:
		free(ra->ra_netns);
		ra->ra_netns = xstrdup(arg);
		return (0);
	case OPT_PROGRAMS:
		ra->ra_opts.wo_programs = true;
		strbuf_adds(&ra->ra_repeat, " --allow-programs");
		return (0);
	case OPT_CASE:
		return (run_case(ra, arg));
	case OPT_TRACE:
		return (run_trace(ra, arg));
	case OPT_TRACE_FORMAT:
		return (run_trace_format(ra, arg));
	case OPT_PERFETTO:
		ra->ra_perfetto = true;
		return (0);
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

/* The engine's thread has one core; what is left can help. */
static unsigned
default_threads(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return (cores <= 1 ? 0 : (unsigned)MIN(cores - 1, 4));
}

static int
run_parse(struct run_args *ra, int argc, char **argv)
{
	int rc;

	ra->ra_opts.wo_threads = default_threads();
	rc = cli_options(ra->ra_cmd, argc, argv, run_option, ra);
	if (rc != 0)
		return (rc);
	if (ra->ra_trace_format && !ra->ra_trace)
		return (usage_error(ra->ra_cmd,
		    "--trace-format is of --trace: give that too"));
	if (ra->ra_quiet && ra->ra_verbose)
		return (usage_error(ra->ra_cmd,
		    "--quiet and --verbose contradict each other"));
	if (argc - optind == 2 && ra->ra_trace &&
	    access(argv[optind], F_OK) != 0)
		return (usage_error(ra->ra_cmd,
		    "one scenario file; if `%s` are trace points: --trace=%s",
		    argv[optind], argv[optind]));
	if (argc - optind != 1)
		return (
		    usage_error(ra->ra_cmd, "name exactly one scenario file"));
	ra->ra_file = argv[optind];
	return (0);
}

static void
run_args_fini(struct run_args *ra)
{
	for (unsigned i = 0; i < ra->ra_nsets; i++)
		free((char *)(uintptr_t)ra->ra_sets[i]);
	free(ra->ra_sets);
	free(ra->ra_out);
	free(ra->ra_netns);
	free(ra->ra_case);
	for (unsigned i = 0; i < ra->ra_opts.wo_nshows; i++)
		free((char *)(uintptr_t)ra->ra_shows[i].ws_of);
	free(ra->ra_shows);
	strbuf_fini(&ra->ra_shown);
	free((char *)(uintptr_t)ra->ra_opts.wo_trace);
	free((char *)(uintptr_t)ra->ra_opts.wo_perfetto);
	strbuf_fini(&ra->ra_states);
	strbuf_fini(&ra->ra_repeat);
}

int
run_command(const struct command *cmd, int argc, char **argv,
    int (*fn)(struct run_args *, const struct scenario *))
{
	struct run_args ra = { .ra_cmd = cmd };
	struct scenario *sc;
	int rc;

	if ((rc = run_parse(&ra, argc, argv)) == 0 &&
	    (rc = run_load(&ra, &sc)) == 0) {
		rc = fn(&ra, sc);
		scenario_free(sc);
	}
	run_args_fini(&ra);
	return (rc == CLI_HELPED ? EXIT_OK : rc);
}
