/* Result files of shards into one. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

struct merge_args {
	const char *ma_junit;
	bool ma_tap;
};

enum { OPT_JUNIT = 256, OPT_TAP };

static const struct cli_option merge_options[] = {
	{ "junit", OPT_JUNIT, "FILE", "JUnit XML of all of it, too",
	    WORDS_FILE },
	{ "tap", OPT_TAP, NULL, "TAP on standard output, too" },
	{ NULL },
};

static int
merge_option(void *ctx, int opt, const char *arg)
{
	struct merge_args *ma = ctx;

	if (opt == OPT_JUNIT)
		ma->ma_junit = arg;
	else
		ma->ma_tap = true;
	return (0);
}

/* One more file. 0, or an exit code after saying why. */
static int
merge_file(struct suite *s, const char *path, struct strbuf *said)
{
	struct strbuf err = { 0 };
	struct suite one = { 0 };
	size_t len = 0;
	char *text;
	int rc = 0;

	if ((text = test_read(path, &len)) == NULL) {
		fprintf(stderr, "ktls-sim merge: %s: %s\n", path,
		    strerror(errno));
		return (EXIT_MISSING);
	}
	if (suite_parse(text, len, &one, &err) != 0) {
		fprintf(stderr, "ktls-sim merge: %s: %s\n", path,
		    strbuf_str(&err));
		rc = EXIT_USAGE;
	} else if (!suite_of_one(s, &one, &err)) {
		fprintf(stderr, "ktls-sim merge: %s: %s\n", path,
		    strbuf_str(&err));
		rc = EXIT_USAGE;
	} else
		suite_merge(s, &one, said);
	suite_fini(&one);
	strbuf_fini(&err);
	free(text);
	return (rc);
}

/* `merge shard-*.json`, the file to write forgotten, is to cost no shard. */
static int
merge_spares(const char *out)
{
	struct strbuf err = { 0 };
	struct suite was = { 0 };
	size_t len = 0;
	char *text = strcmp(out, "-") == 0 ? NULL : test_read(out, &len);
	bool shard;

	shard = text != NULL && suite_parse(text, len, &was, &err) == 0 &&
	    was.s_nshards == 1;
	suite_fini(&was);
	strbuf_fini(&err);
	free(text);
	if (!shard)
		return (0);
	return (usage_error(&cmd_merge,
	    "%s is the result of a shard and would be overwritten: the file to "
	    "write comes first; remove it if it is meant",
	    out));
}

static int
merge_files(const struct merge_args *ma, const char *out, char **files)
{
	struct strbuf flaky = { 0 }, missing = { 0 };
	struct suite_counts sc;
	struct suite s = { 0 };
	int rc = 0, code;

	for (; *files != NULL && rc == 0; files++)
		rc = merge_file(&s, *files, &flaky);
	if (rc == 0)
		rc = test_documents(&s, ma->ma_tap, ma->ma_junit, out);
	if (rc == 0) {
		code = suite_exit_code(&s);
		if (flaky.sb_len > 0 && code == EXIT_OK)
			code = EXIT_CLAIM;
		if (suite_missing_shards(&s, &missing) > 0)
			code = EXIT_MISSING;
		color_word(stderr, STYLE_BAD, strbuf_str(&flaky));
		color_word(stderr, STYLE_BAD, strbuf_str(&missing));
		suite_count(&s, &sc);
		test_tell_counts(stderr, &sc);
		rc = code;
	}
	suite_fini(&s);
	strbuf_fini(&flaky);
	strbuf_fini(&missing);
	return (rc);
}

static int
merge_main(int argc, char **argv)
{
	struct merge_args ma = { 0 };
	const char *out;
	int rc;

	if ((rc = cli_options(&cmd_merge, argc, argv, merge_option, &ma)) != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (argc - optind < 2)
		return (usage_error(&cmd_merge,
		    "name the file to write, and what goes into it"));
	out = argv[optind];
	if (ma.ma_tap + (ma.ma_junit != NULL && strcmp(ma.ma_junit, "-") == 0) +
		(strcmp(out, "-") == 0) >
	    1)
		return (usage_error(&cmd_merge,
		    "only one document can have standard output"));
	if ((rc = merge_spares(out)) != 0)
		return (rc);
	return (merge_files(&ma, out, argv + optind + 1));
}

const struct command cmd_merge = {
	.c_name = "merge",
	.c_run = merge_main,
	.c_text = "result files of `test` (of shards, of machines) into one",
	.c_usage = "[--junit FILE] [--tap] OUT.json A.json [B.json ...]",
	.c_examples =
	    "ktls-sim merge all.json shard-*.json\n"
	    "ktls-sim merge --junit all.xml all.json shard-1.json shard-2.json\n",
	.c_intro =
	    "Reads what `ktls-sim test --json` wrote and writes it as one file; - is\n"
	    "standard output. The order is that of the suite, whatever that of the files.\n",
	.c_options = merge_options,
	.c_notes =
	    "A case that is there twice with different verdicts or fingerprints is told: the\n"
	    "worse of both counts, and the exit code is 1 at least. A shard that is not among\n"
	    "the files is told, exit code 3. Otherwise the exit code is what `test` would\n"
	    "have ended with; 2 if a file is none of `test`, or of another format, or of a\n"
	    "suite cut into another number of shards. OUT.json is overwritten, unless it is\n"
	    "the result of one shard: then it was most likely forgotten.\n",
	.c_codes = exit_codes,
	.c_operands = { WORDS_FILE },
	.c_repeats = true,
};
