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

const struct cli_option common_options[] = {
	{ "color", 256, "=WHEN", "auto, always or never; NO_COLOR is honoured",
	    WORDS_COLOR },
	{ "help", 'h', NULL, "this text" },
	{ NULL },
};

/* The same for getopt_long. */
struct opts {
	struct option op_long[OPTIONS_MAX + 1];
	char op_letters[2 * OPTIONS_MAX + 2];
	unsigned op_n, op_nletters;
};

static void
opts_add(struct opts *op, const struct cli_option *o)
{
	struct option *l = &op->op_long[op->op_n++];

	KASSERT(op->op_n <= OPTIONS_MAX,
	    ("more options than there is room for"));
	l->name = o->co_name;
	l->val = o->co_val;
	l->has_arg = o->co_arg == NULL ? no_argument
	    : o->co_arg[0] == '['      ? optional_argument
				       : required_argument;
	if (o->co_val >= 128)
		return;
	op->op_letters[op->op_nletters++] = (char)o->co_val;
	if (l->has_arg == required_argument)
		op->op_letters[op->op_nletters++] = ':';
}

static void
opts_make(struct opts *op, const struct cli_option *o)
{
	static const struct cli_option none[] = { { NULL } };

	*op = (struct opts) { .op_letters = ":", .op_nletters = 1 };
	for (o = o != NULL ? o : none; o->co_name != NULL || o->co_text != NULL;
	     o++)
		if (o->co_name != NULL)
			opts_add(op, o);
	/* --color was taken before (main.c). */
	opts_add(op, &common_options[1]);
}

static int
unknown_long(const struct command *c, const char *arg, const struct opts *op)
{
	const char *names[OPTIONS_MAX], *near;
	char *word = xstrdup(arg + 2);
	int rc;

	word[strcspn(word, "=")] = '\0';
	for (unsigned i = 0; i < op->op_n; i++)
		names[i] = op->op_long[i].name;
	near = nearest_name(word, names, op->op_n);
	rc = near != NULL
	    ? usage_error(c, "unknown option `--%s`; did you mean `--%s`?",
		  word, near)
	    : usage_error(c, "unknown option `--%s`", word);
	free(word);
	return (rc);
}

static int
bad_option(const struct command *c, int opt, char **argv, const struct opts *op)
{
	const char *name = NULL;

	for (unsigned i = 0; i < op->op_n; i++)
		if (optopt != 0 && op->op_long[i].val == optopt)
			name = op->op_long[i].name;
	if (name == NULL && optopt != 0)
		return (usage_error(c, "unknown option `-%c`", optopt));
	if (name == NULL)
		return (unknown_long(c, argv[optind - 1], op));
	return (usage_error(c,
	    opt == ':' ? "--%s wants a value" : "--%s takes no value", name));
}

int
cli_options(const struct command *c, int argc, char **argv, cli_option_fn *take,
    void *arg)
{
	struct opts op;
	int opt, rc;

	opts_make(&op, c->c_options);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, op.op_letters, op.op_long,
		    NULL)) != -1) {
		if (opt == '?' || opt == ':')
			return (bad_option(c, opt, argv, &op));
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
	return (cli_options(c, argc, argv, take_none, NULL));
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
