/* The command line's own. Exit codes are documented in README.md. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <ktsim/base/simtime.h>

enum {
	EXIT_OK = 0,
	EXIT_CLAIM = 1,
	EXIT_USAGE = 2,
	EXIT_MISSING = 3,
	EXIT_INVARIANT = 4,
	EXIT_INTERRUPTED = 130
};

struct command {
	const char *c_name;
	int (*c_run)(int argc, char **argv);
	const char *c_text; /* one line */
	const char *c_help; /* options and examples */
	bool c_codes;	    /* any of the exit codes may come */
};

/* What the program ends with, and what its diagnostics are: for --help and
 * `list errors`. */
struct exit_code {
	int ec_code;
	const char *ec_text;
};
extern const struct exit_code exit_codes[];
extern const unsigned nexit_codes;

extern const struct command cmd_run, cmd_check, cmd_dump, cmd_explain, cmd_list;

/* c_help, and the table of exit codes where c_codes says so. */
void print_help(const struct command *);
/* usage error: message, hint to --help, EXIT_USAGE */
int usage_error(const struct command *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* progress.c: signals and the progress line, on libevent. */
struct progress;
struct progress *progress_start(bool show);
bool progress_poll(void *arg, simtime_t now, simtime_t until);
void progress_end(struct progress *);

/* outdir.c: the output folder. 0, or an exit code after saying why. */
int outdir_prepare(const char *dir);
/* Write a whole file below dir; 0 or EXIT_MISSING after saying why. */
int outdir_write(const char *dir, const char *name, const char *bytes,
    size_t len);

#endif
