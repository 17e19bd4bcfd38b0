#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>

#include "cli.h"

const struct command *const commands[] = { &cmd_run, &cmd_live, &cmd_ctl,
	&cmd_test, &cmd_merge, &cmd_museum, &cmd_diff, &cmd_why,
	&cmd_trace_byte, &cmd_show, &cmd_check, &cmd_fmt, &cmd_dump,
	&cmd_explain, &cmd_schema, &cmd_list, &cmd_completion };
const unsigned ncommands = nitems(commands);

int
usage_error(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	color_word(stderr, STYLE_BAD, "ktls-sim ");
	color_word(stderr, STYLE_BAD, c->c_name);
	color_word(stderr, STYLE_BAD, ":");
	fputc(' ', stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nktls-sim %s --help says more\n", c->c_name);
	return (EXIT_USAGE);
}

const struct exit_code exit_codes[] = {
	{ EXIT_OK, "expectations met and invariants held" },
	{ EXIT_CLAIM, "an expectation failed" },
	{ EXIT_USAGE, "usage or scenario error" },
	{ EXIT_MISSING, "something needed is missing (file, disk space)" },
	{ EXIT_INVARIANT,
	    "an invariant broke, or a simulated kernel panicked" },
	{ EXIT_INTERRUPTED, "interrupted; what was captured is complete" },
	{ 0, NULL },
};

static void
help(FILE *f)
{
	fputs("ktls-sim: the FreeBSD kernel TLS datapath, simulated\n\n"
	      "usage: ktls-sim COMMAND [options]\n\n",
	    f);
	for (size_t i = 0; i < nitems(commands); i++)
		fprintf(f, "  %-10s %s\n", commands[i]->c_name,
		    commands[i]->c_text);
	fputs(
	    "  help       this text; `ktls-sim help COMMAND` for one command\n"
	    "  version    the version, and those of the libraries\n\n"
	    "With every command: --color=auto|always|never (default auto: on a terminal,\n"
	    "unless NO_COLOR is set).\n\n"
	    "begin with: ktls-sim run scenarios/quickstart.ktls.yaml\n",
	    f);
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < nitems(commands); i++)
		if (strcmp(name, commands[i]->c_name) == 0)
			return (commands[i]);
	return (NULL);
}

static const char *
nearest_command(const char *word)
{
	const char *names[nitems(commands) + 2];
	unsigned n = 0;

	for (; n < nitems(commands); n++)
		names[n] = commands[n]->c_name;
	names[n++] = "help";
	names[n++] = "version";
	return (nearest_name(word, names, n));
}

static int
no_command(const char *word)
{
	const char *near = nearest_command(word);

	color_word(stderr, STYLE_BAD, "ktls-sim:");
	fprintf(stderr, " there is no command `%s`", word);
	if (near != NULL)
		fprintf(stderr, "; did you mean `%s`?\n", near);
	else
		fprintf(stderr, "; `ktls-sim help` shows them all\n");
	return (EXIT_USAGE);
}

/* `help` and `help COMMAND` */
static int
help_main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2 || strcmp(argv[1], "help") == 0 ||
	    strcmp(argv[1], "version") == 0) {
		help(stdout);
		return (EXIT_OK);
	}
	if ((c = find_command(argv[1])) == NULL)
		return (no_command(argv[1]));
	print_help(c);
	return (EXIT_OK);
}

static bool
is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return (strcmp(word, a) == 0 || strcmp(word, b) == 0 ||
	    strcmp(word, c) == 0);
}

/*
 * --color goes with every command, before it or behind it: taken out here.
 * Behind `--` there are operands only.
 */
static int
take_color(int *argc, char **argv)
{
	int n = 1;
	bool ours = true;

	for (int i = 1; i < *argc; i++) {
		ours = ours && strcmp(argv[i], "--") != 0;
		if (!ours || strncmp(argv[i], "--color", 7) != 0 ||
		    (argv[i][7] != '=' && argv[i][7] != '\0')) {
			argv[n++] = argv[i];
			continue;
		}
		if (argv[i][7] != '=' || !color_set(argv[i] + 8)) {
			fprintf(stderr,
			    "ktls-sim: `%s`: --color=auto, --color=always or --color=never\n",
			    argv[i]);
			return (EXIT_USAGE);
		}
	}
	argv[n] = NULL;
	*argc = n;
	return (0);
}

static int
command_main(int argc, char **argv)
{
	const struct command *c;

	if (take_color(&argc, argv) != 0)
		return (EXIT_USAGE);
	if (argc < 2) {
		help(stderr);
		return (EXIT_USAGE);
	}
	if ((c = find_command(argv[1])) != NULL)
		return (c->c_run(argc - 1, argv + 1));
	if (is_one_of(argv[1], "help", "--help", "-h"))
		return (help_main(argc - 1, argv + 1));
	if (is_one_of(argv[1], "version", "--version", "-V")) {
		print_version();
		return (EXIT_OK);
	}
	return (no_command(argv[1]));
}

int
main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* the write's errno tells */
	return (stdout_code(command_main(argc, argv)));
}
