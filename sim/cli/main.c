#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "cli.h"

#ifndef KTSIM_VERSION
#error KTSIM_VERSION comes from meson.build
#endif

static const struct command *const commands[] = { &cmd_run, &cmd_check,
	&cmd_dump, &cmd_explain, &cmd_list };

int
usage_error(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "ktls-sim %s: ", c->c_name);
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
};
const unsigned nexit_codes = nitems(exit_codes);

void
print_help(const struct command *c)
{
	fputs(c->c_help, stdout);
	if (!c->c_codes)
		return;
	puts("\nExit codes:");
	for (unsigned i = 0; i < nexit_codes; i++)
		printf("  %-4d %s\n", exit_codes[i].ec_code,
		    exit_codes[i].ec_text);
}

static void
help(FILE *f)
{
	fputs("ktls-sim: the FreeBSD kernel TLS datapath, simulated\n\n"
	      "usage: ktls-sim COMMAND [options]\n\n",
	    f);
	for (size_t i = 0; i < nitems(commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i]->c_name,
		    commands[i]->c_text);
	fputs(
	    "  help     this text; `ktls-sim COMMAND --help` for one command\n"
	    "  version  the version\n\n"
	    "begin with: ktls-sim run scenarios/quickstart.ktls.yaml\n",
	    f);
}

int
main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* the write's errno tells */
	if (argc < 2) {
		help(stderr);
		return (EXIT_USAGE);
	}
	for (size_t i = 0; i < nitems(commands); i++)
		if (strcmp(argv[1], commands[i]->c_name) == 0)
			return (commands[i]->c_run(argc - 1, argv + 1));
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		help(stdout);
		return (EXIT_OK);
	}
	if (strcmp(argv[1], "version") == 0 ||
	    strcmp(argv[1], "--version") == 0) {
		puts("ktls-sim " KTSIM_VERSION);
		return (EXIT_OK);
	}
	fprintf(stderr, "ktls-sim: there is no command `%s`\n", argv[1]);
	help(stderr);
	return (EXIT_USAGE);
}
