/* Scenarios in their canonical form. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include "cli.h"

enum { OPT_CHECK = 256 };

struct fmt_args {
	bool fa_check, fa_write;
};

static const struct cli_option options[] = {
	{ "check", OPT_CHECK, NULL,
	    "list the files that are not, exit code 1 if there are any" },
	{ "write", 'w', NULL, "rewrite the files that are not" },
	{ NULL },
};

static int
on_option(void *ctx, int opt, const char *arg)
{
	struct fmt_args *fa = ctx;

	(void)arg;
	if (opt == OPT_CHECK)
		fa->fa_check = true;
	else
		fa->fa_write = true;
	return (0);
}

/* In one step, with the modes it had: who reads it has one or the other. A
 * symbolic link stays, what it names is replaced. */
static int
replace(const char *name, const struct strbuf *text)
{
	char *real = realpath(name, NULL);
	const char *path = real != NULL ? real : name;
	char *tmp = xasprintf("%s.fmt-%ld", path, (long)getpid());
	struct stat st;
	int error = 0;
	FILE *f;

	f = fopen(tmp, "w");
	if (f == NULL ||
	    fwrite(strbuf_str(text), 1, text->sb_len, f) != text->sb_len)
		error = errno;
	if (f != NULL && fclose(f) != 0 && error == 0)
		error = errno;
	if (error == 0 && stat(path, &st) == 0)
		(void)chmod(tmp, st.st_mode & 07777);
	if (error == 0 && rename(tmp, path) != 0)
		error = errno;
	if (error != 0) {
		fprintf(stderr, "ktls-sim: %s: %s\n", path, strerror(error));
		(void)unlink(tmp);
	}
	free(tmp);
	free(real);
	return (error == 0 ? 0 : EXIT_MISSING);
}

static int
fmt_file(const struct fmt_args *fa, const char *path)
{
	struct strbuf in = { 0 }, out = { 0 }, diag = { 0 };
	int rc = scenario_read_format(path, &in, &out, &diag);
	bool same;

	color_diag(strbuf_str(&diag));
	same = rc == 0 && in.sb_len == out.sb_len &&
	    memcmp(strbuf_str(&in), strbuf_str(&out), in.sb_len) == 0;
	rc = rc == 0 ? 0 : rc == EINVAL ? EXIT_USAGE : EXIT_MISSING;
	if (rc == 0 && fa->fa_check && !same) {
		printf("%s\n", path);
		rc = EXIT_CLAIM;
	}
	if (rc == 0 && fa->fa_write && !same)
		rc = replace(path, &out);
	if (rc == 0 && !fa->fa_check && !fa->fa_write)
		fputs(strbuf_str(&out), stdout);
	strbuf_fini(&in);
	strbuf_fini(&out);
	strbuf_fini(&diag);
	return (rc);
}

static int
fmt_main(int argc, char **argv)
{
	struct fmt_args fa = { 0 };
	int rc = cli_options(&cmd_fmt, argc, argv, on_option, &fa), one;

	if (rc != 0)
		return (rc == CLI_HELPED ? EXIT_OK : rc);
	if (optind == argc)
		return (usage_error(&cmd_fmt, "name a scenario file"));
	if (fa.fa_check && fa.fa_write)
		return (usage_error(&cmd_fmt,
		    "--check and --write contradict each other"));
	for (int i = optind; i < argc; i++) {
		if (fa.fa_write && strcmp(argv[i], "-") == 0)
			one = usage_error(&cmd_fmt,
			    "standard input cannot be rewritten");
		else
			one = fmt_file(&fa, argv[i]);
		rc = one > rc ? one : rc;
	}
	return (rc);
}

const struct command cmd_fmt = {
	.c_name = "fmt",
	.c_run = fmt_main,
	.c_text = "print scenarios in canonical form, or rewrite them",
	.c_usage = "[--check | --write] FILE.ktls.yaml ...",
	.c_examples =
	    "ktls-sim fmt my.ktls.yaml              print it\n"
	    "ktls-sim fmt --write scenarios/*.yaml  rewrite them\n"
	    "ktls-sim fmt --check scenarios/*.yaml  list those that are not, exit 1\n",
	.c_options = options,
	.c_notes =
	    "Two blanks a level; {} and [] on one line, or written out if longer than 160;\n"
	    "quotes where a value would be another type without them. Comments, the order\n"
	    "of keys and single blank lines stay. What a file says never changes; one with\n"
	    "tags (!!str), which scenarios do not have, is refused, and\n"
	    "one with line breaks beside LF and CR LF. A block (|, >) whose blanks say\n"
	    "something else in another place becomes a quoted text.\n",
	.c_operands = { WORDS_SCENARIO },
	.c_repeats = true,
};
