/* A suite: every case in a process of its own, judged, told, exit code. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "test.h"

#define JOBS_MAX    256
#define TIMEOUT_MAX (24 * 3600 * SIM_SEC)
#define MEMORY_MIN  (16u << 20)

enum {
	OPT_JOBS = 256,
	OPT_FILTER,
	OPT_SHARD,
	OPT_SEEDS,
	OPT_TAP,
	OPT_JUNIT,
	OPT_JSON,
	OPT_OUT,
	OPT_TIMEOUT,
	OPT_MEMORY,
	OPT_RERUN,
	OPT_GOLDEN,
	OPT_BLESS,
	OPT_LIST,
	OPT_SET,
	OPT_KEEP,
	OPT_PROGRAMS
};

static const struct cli_option test_options[] = {
	{ NULL, 0, NULL, "Which cases" },
	{ "filter", OPT_FILTER, "LIST",
	    "comma list: a case is run if its name contains, or as a glob (* and ?) is, one of them; tag:WORD: if its scenario has that tag; none that one with ! before it says" },
	{ "shard", OPT_SHARD, "K/N",
	    "the K-th of N parts, by a hash of each case's name" },
	{ "seeds", OPT_SEEDS, "A-B",
	    "each case with these seeds, instead of its own" },
	{ "set", OPT_SET, "KEY=VALUE",
	    "in every scenario, instead of what the file says; repeatable",
	    WORDS_SET },
	{ "rerun-failed", OPT_RERUN, NULL,
	    "what did not pass the last time in --out" },
	{ "list", OPT_LIST, NULL, "print the names, run nothing" },
	{ NULL, 0, NULL, "How" },
	{ "jobs", OPT_JOBS, "N",
	    "so many at once (default: one for each core)" },
	{ "timeout", OPT_TIMEOUT, "TIME",
	    "a case that takes longer by the wall clock is killed (60s)" },
	{ "memory", OPT_MEMORY, "SIZE",
	    "address space of a case (4GiB; sanitizer builds: no limit)" },
	{ "allow-programs", OPT_PROGRAMS, NULL, ALLOW_PROGRAMS },
	{ "golden", OPT_GOLDEN, "DIR",
	    "compare report and fingerprints of each case with a file there",
	    WORDS_FOLDER },
	{ "bless", OPT_BLESS, NULL,
	    "with --golden: write these files, tell what changed" },
	{ NULL, 0, NULL, "What is told" },
	{ "out", OPT_OUT, "DIR",
	    "results.json, and the output of each case that did not pass (default ./ktls-out/test)",
	    WORDS_FOLDER },
	{ "keep", OPT_KEEP, NULL, "keep the output of the others, too" },
	{ "tap", OPT_TAP, NULL, "TAP version 13 on standard output" },
	{ "junit", OPT_JUNIT, "FILE", "JUnit XML; - is standard output",
	    WORDS_FILE },
	{ "json", OPT_JSON, "FILE",
	    "what results.json has, to be merged (`ktls-sim merge`)",
	    WORDS_FILE },
	{ "quiet", 'q', NULL,
	    "no progress; nothing at all if everything passed" },
	{ NULL },
};

/* "3/8": two numbers around a sign. */
static bool
two_numbers(const char *arg, char sign, uint64_t *a, uint64_t *b)
{
	const char *at = strchr(arg, sign);
	char *first;
	bool ok;

	if (at == NULL)
		return (false);
	first = xasprintf("%.*s", (int)(at - arg), arg);
	ok = parse_uint(first, a) == 0 && parse_uint(at + 1, b) == 0;
	free(first);
	return (ok);
}

static int
test_jobs(struct test_args *ta, const char *arg)
{
	uint64_t v;

	if (parse_uint(arg, &v) != 0 || v < 1 || v > JOBS_MAX)
		return (usage_error(&cmd_test, "--jobs wants 1 to %d, not `%s`",
		    JOBS_MAX, arg));
	ta->ta_jobs = (unsigned)v;
	return (0);
}

static int
test_shard(struct test_args *ta, const char *arg)
{
	if (!two_numbers(arg, '/', &ta->ta_shard_k, &ta->ta_shard_n) ||
	    ta->ta_shard_k < 1 || ta->ta_shard_k > ta->ta_shard_n)
		return (usage_error(&cmd_test,
		    "--shard wants K/N with K from 1 to N, such as 1/4, not "
		    "`%s`",
		    arg));
	return (0);
}

static int
test_seeds(struct test_args *ta, const char *arg)
{
	ta->ta_has_seeds = true;
	if (parse_uint(arg, &ta->ta_seed_a) == 0) {
		ta->ta_seed_b = ta->ta_seed_a;
		return (0);
	}
	if (!two_numbers(arg, '-', &ta->ta_seed_a, &ta->ta_seed_b) ||
	    ta->ta_seed_a > ta->ta_seed_b || ta->ta_seed_b == UINT64_MAX)
		return (usage_error(&cmd_test,
		    "--seeds wants A-B, such as 1-20, not `%s`", arg));
	return (0);
}

static int
test_timeout(struct test_args *ta, const char *arg)
{
	simtime_t t;

	if (parse_time(arg, &t) != 0 || t < SIM_MS || t > TIMEOUT_MAX)
		return (usage_error(&cmd_test,
		    "--timeout wants a time from 1ms to 24h with its unit, "
		    "such as 90s, not `%s`",
		    arg));
	ta->ta_timeout_ms = t / SIM_MS;
	ta->ta_timeout_text = arg;
	return (0);
}

static int
test_memory(struct test_args *ta, const char *arg)
{
	uint64_t v;

	if (parse_size(arg, &v) != 0 || v < MEMORY_MIN)
		return (usage_error(&cmd_test,
		    "--memory wants at least 16MiB, such as 4GiB, not `%s`",
		    arg));
	ta->ta_memory = v;
	ta->ta_memory_text = arg;
	return (0);
}

static void
test_filter(struct test_args *ta, const char *arg)
{
	strbuf_addf(&ta->ta_filter, "%s%s", ta->ta_filter.sb_len > 0 ? "," : "",
	    arg);
}

static void
test_set(struct test_args *ta, const char *arg)
{
	ta->ta_sets =
	    xrealloc(ta->ta_sets, (ta->ta_nsets + 2) * sizeof(*ta->ta_sets));
	ta->ta_sets[ta->ta_nsets++] = arg;
	ta->ta_sets[ta->ta_nsets] = NULL;
}

/* Options that only say how it is told. */
static void
test_option_plain(struct test_args *ta, int opt, const char *arg)
{
	switch (opt) {
	case OPT_FILTER:
		test_filter(ta, arg);
		break;
	case OPT_TAP:
		ta->ta_tap = true;
		break;
	case OPT_JUNIT:
		ta->ta_junit = arg;
		break;
	case OPT_JSON:
		ta->ta_json = arg;
		break;
	case OPT_OUT:
		ta->ta_out = arg;
		break;
	case OPT_RERUN:
		ta->ta_rerun = true;
		break;
	case OPT_GOLDEN:
		ta->ta_golden = arg;
		break;
	case OPT_BLESS:
		ta->ta_bless = true;
		break;
	case OPT_LIST:
		ta->ta_list = true;
		break;
	case OPT_SET:
		test_set(ta, arg);
		break;
	case OPT_PROGRAMS:
		ta->ta_programs = true;
		break;
	case OPT_KEEP:
		ta->ta_keep = true;
		break;
	default:
		ta->ta_quiet = true;
	}
}

static int
test_option(void *ctx, int opt, const char *arg)
{
	struct test_args *ta = ctx;

	switch (opt) {
	case OPT_JOBS:
		return (test_jobs(ta, arg));
	case OPT_SHARD:
		return (test_shard(ta, arg));
	case OPT_SEEDS:
		return (test_seeds(ta, arg));
	case OPT_TIMEOUT:
		return (test_timeout(ta, arg));
	case OPT_MEMORY:
		return (test_memory(ta, arg));
	default:
		test_option_plain(ta, opt, arg);
		return (0);
	}
}

static bool
is_stdout(const char *path)
{
	return (path != NULL && strcmp(path, "-") == 0);
}

static int
test_parse(struct test_args *ta, int argc, char **argv)
{
	static const char *const none[1];
	int rc;

	if ((rc = cli_options(&cmd_test, argc, argv, test_option, ta)) != 0)
		return (rc);
	if (ta->ta_sets == NULL)
		ta->ta_sets = xcalloc(1, sizeof(*none));
	if (ta->ta_tap + is_stdout(ta->ta_junit) + is_stdout(ta->ta_json) > 1)
		return (usage_error(&cmd_test,
		    "only one of --tap, --junit - and --json - can have "
		    "standard output"));
	if (ta->ta_bless && ta->ta_golden == NULL)
		return (usage_error(&cmd_test,
		    "--bless writes goldens: say where with --golden DIR"));
	ta->ta_files = argv + optind;
	ta->ta_nfiles = argc - optind;
	return (0);
}

/* --- */

static int
test_list(const struct suite *s)
{
	for (size_t i = 0; i < s->s_n; i++) {
		puts(s->s_v[i].sc_name);
		if (s->s_v[i].sc_verdict == SV_ERROR)
			color_diag(s->s_v[i].sc_why);
	}
	return (suite_exit_code(s));
}

typedef void render_fn(const struct suite *, struct strbuf *);

static int
test_render(const struct suite *s, render_fn *render, const char *path)
{
	struct strbuf sb = { 0 };
	int rc;

	render(s, &sb);
	rc = test_write(path, &sb);
	strbuf_fini(&sb);
	return (rc);
}

/* The documents that were asked for; any that cannot be written is told. */
int
test_documents(const struct suite *s, bool tap, const char *junit,
    const char *json)
{
	int rc = 0, one;

	if (tap && (one = test_render(s, suite_tap, "-")) != 0)
		rc = one;
	if (junit != NULL && (one = test_render(s, suite_junit, junit)) != 0)
		rc = one;
	if (json != NULL && (one = test_render(s, suite_json, json)) != 0)
		rc = one;
	return (rc);
}

static int
test_go(struct test_plan *tp, const struct test_args *ta, struct suite *before)
{
	bool out =
	    !ta->ta_tap && !is_stdout(ta->ta_junit) && !is_stdout(ta->ta_json);
	bool whole = test_run(tp, ta);
	int code = suite_exit_code(&tp->tp_suite), rc;

	rc = test_documents(&tp->tp_suite, ta->ta_tap, ta->ta_junit,
	    ta->ta_json);
	test_summary(out ? stdout : stderr, tp, ta);
	fflush(stdout);
	if (rc == 0)
		rc = test_write_results(ta, before, &tp->tp_suite);
	if (!whole)
		fputs("ktls-sim test: interrupted; --rerun-failed runs what "
		      "was not run\n",
		    stderr);
	return (!whole ? EXIT_INTERRUPTED : rc != 0 ? rc : code);
}

/* Hours of work are not to end at a folder that is not there. */
static int
test_can_write(const char *path)
{
	FILE *f;

	if (path == NULL || is_stdout(path))
		return (0);
	if ((f = fopen(path, "a")) == NULL) {
		fprintf(stderr, "ktls-sim test: %s: %s\n", path,
		    strerror(errno));
		return (EXIT_MISSING);
	}
	fclose(f);
	return (0);
}

static int
test_prepared(struct test_plan *tp, const struct test_args *ta)
{
	struct suite before = { 0 };
	int rc = 0;

	if (ta->ta_rerun)
		rc = test_rerun(tp, ta, &before);
	if (rc == 0 && ta->ta_list)
		rc = test_list(&tp->tp_suite);
	else if (rc == 0 && (rc = test_can_write(ta->ta_junit)) == 0 &&
	    (rc = test_can_write(ta->ta_json)) == 0 &&
	    (rc = test_out_prepare(ta, tp)) == 0 &&
	    (!ta->ta_bless || (rc = outdir_make(ta->ta_golden)) == 0))
		rc = test_go(tp, ta, &before);
	suite_fini(&before);
	return (rc);
}

static unsigned
default_jobs(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return (cores < 1 ? 1 : (unsigned)MIN(cores, JOBS_MAX));
}

void
test_defaults(struct test_args *ta, const char *out)
{
	*ta = (struct test_args) { .ta_jobs = default_jobs(),
		.ta_out = out,
		.ta_timeout_ms = 60000,
		.ta_timeout_text = "60s",
		.ta_memory = (uint64_t)4 << 30,
		.ta_memory_text = "4GiB" };
}

static int
test_main(int argc, char **argv)
{
	struct test_plan tp = { 0 };
	struct test_args ta;
	int rc;

	test_defaults(&ta, "./ktls-out/test");
	if ((rc = test_parse(&ta, argc, argv)) == 0 &&
	    (rc = test_collect(&tp, &ta)) == 0)
		rc = test_prepared(&tp, &ta);
	test_plan_fini(&tp);
	strbuf_fini(&ta.ta_filter);
	free(ta.ta_sets);
	return (rc == CLI_HELPED ? EXIT_OK : rc);
}

const struct command cmd_test = {
	.c_name = "test",
	.c_run = test_main,
	.c_text =
	    "run a suite: many scenarios, each case in a process of its own",
	.c_usage = "[options] [FILE.ktls.yaml|FOLDER ...]",
	.c_examples =
	    "ktls-sim test\n"
	    "ktls-sim test --filter 'failover,!t6' --seeds 1-20 scenarios\n"
	    "ktls-sim test --shard 2/4 --json shard-2.json scenarios\n",
	.c_intro =
	    "Folders are searched for *.ktls.yaml (default: scenarios if it is there, else\n"
	    "this one). A case is a file, a cell of its matrix, a seed, and perhaps its\n"
	    "planted defect: scenarios/failover[card=t6]#3+defect.\n",
	.c_options = test_options,
	.c_notes =
	    "docs/testing.md: suites on many machines, in CI, and the result file. Of several\n"
	    "exit codes the first in the order 130, 3, 2, 4, 1 counts; a case that crashed or\n"
	    "timed out counts as 4.\n",
	.c_codes = exit_codes,
	.c_operands = { WORDS_SCENARIO },
	.c_repeats = true,
};
