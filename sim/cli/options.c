/* Options of the commands: getopt_long with errors that name the remedy. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/nearest.h>

#include "cli.h"

#define OPTIONS_MAX 32

/* Options with a letter have it as their value. */
static bool
has_letter(const struct option *o)
{
	return (o->val < 128);
}

static void
letters(const struct option *opts, char out[2 * OPTIONS_MAX + 2])
{
	*out++ = ':';
	for (; opts->name != NULL; opts++)
		if (has_letter(opts)) {
			*out++ = (char)opts->val;
			if (opts->has_arg == required_argument)
				*out++ = ':';
		}
	*out = '\0';
}

static int
unknown_long(const struct command *c, const char *arg,
    const struct option *opts)
{
	const char *names[OPTIONS_MAX], *near;
	char *word = xstrdup(arg + 2);
	unsigned n = 0;
	int rc;

	word[strcspn(word, "=")] = '\0';
	for (; opts[n].name != NULL; n++)
		names[n] = opts[n].name;
	near = nearest_name(word, names, n);
	rc = near != NULL
	    ? usage_error(c, "unknown option `--%s`; did you mean `--%s`?",
		  word, near)
	    : usage_error(c, "unknown option `--%s`", word);
	free(word);
	return (rc);
}

static int
bad_option(const struct command *c, int opt, char **argv,
    const struct option *opts)
{
	const char *name = NULL;

	for (const struct option *o = opts; o->name != NULL; o++)
		if (optopt != 0 && o->val == optopt)
			name = o->name;
	if (name == NULL && optopt != 0)
		return (usage_error(c, "unknown option `-%c`", optopt));
	if (name == NULL)
		return (unknown_long(c, argv[optind - 1], opts));
	return (usage_error(c,
	    opt == ':' ? "--%s wants a value" : "--%s takes no value", name));
}

int
cli_options(const struct command *c, int argc, char **argv,
    const struct option *opts, cli_option_fn *take, void *arg)
{
	char shorts[2 * OPTIONS_MAX + 2];
	int opt, rc;

	letters(opts, shorts);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, shorts, opts, NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return (bad_option(c, opt, argv, opts));
		if (opt == 'h') {
			print_help(c);
			return (CLI_HELPED);
		}
		if ((rc = take(arg, opt, optarg)) != 0)
			return (rc);
	}
	return (0);
}

static int
take_none(void *arg, int opt, const char *value)
{
	return (0);
}

int
cli_only_help(const struct command *c, int argc, char **argv)
{
	static const struct option opts[] = {
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};

	return (cli_options(c, argc, argv, opts, take_none, NULL));
}

int
cli_defect(const struct command *cmd, struct defects *df, const char *arg)
{
	const char *names[DEFECT_COUNT], *near;
	int d = defect_find(arg);

	if (d >= 0) {
		defect_set(df, (enum defect)d);
		return (0);
	}
	for (int i = 0; i < DEFECT_COUNT; i++)
		names[i] = defect_catalogue[i].di_name;
	near = nearest_name(arg, names, DEFECT_COUNT);
	if (near != NULL)
		return (usage_error(cmd,
		    "there is no defect `%s`; did you mean `%s`?", arg, near));
	return (usage_error(cmd,
	    "there is no defect `%s`; `ktls-sim list defects` shows them",
	    arg));
}
