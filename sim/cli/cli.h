/* The command line's own. Exit codes are documented in README.md. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <stdio.h>

#include <ktsim/base/defect.h>
#include <ktsim/base/simtime.h>
#include <ktsim/base/trace.h>

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

extern const struct command cmd_run, cmd_check, cmd_dump, cmd_explain, cmd_list,
    cmd_schema, cmd_live, cmd_ctl, cmd_test, cmd_merge, cmd_diff, cmd_why,
    cmd_trace_byte, cmd_show, cmd_fmt, cmd_museum;

/* c_help, and the table of exit codes where c_codes says so. */
void print_help(const struct command *);
/* usage error: message, hint to --help, EXIT_USAGE */
int usage_error(const struct command *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* options.c: getopt_long with errors of ours; `help` is served. */
struct option;
/* value: NULL where there is none. 0, or an exit code after saying why. */
typedef int cli_option_fn(void *arg, int opt, const char *value);
#define CLI_HELPED (-1) /* all is done: leave with EXIT_OK */
/*
 * 0: optind is the first operand; CLI_HELPED; or an exit code. An option that
 * has a letter has it as its val, the others values from 256.
 */
int cli_options(const struct command *, int argc, char **argv,
    const struct option *, cli_option_fn *, void *arg);
/* --defect: 0, or EXIT_USAGE after saying that there is none of the name. */
int cli_defect(const struct command *, struct defects *, const char *name);
/* For commands without options of their own. */
int cli_only_help(const struct command *, int argc, char **argv);

/* color.c: what a terminal shows. */
enum style { STYLE_PLAIN, STYLE_BAD, STYLE_GOOD, STYLE_NOTE, STYLE_HEAD };
bool color_set(const char *when); /* auto, always, never; else false */
void color_text(FILE *, enum style, const char *, size_t len);
void color_word(FILE *, enum style, const char *);
void color_diag(const char *text);   /* diagnostics, to stderr */
void color_report(const char *text); /* report_text's, to stdout */

/* verbose.c: which points --verbose tells, and the telling, to stderr. */
void verbose_points(uint64_t mask[TRACE_MASK_WORDS]);
void verbose_tell(void *arg, const struct trace_rec *);

/* cmd_ctl.c: somebody answers at that control socket. */
bool ctl_alive(const char *path);

/* live_intro.c: what a person can do now. */
struct scenario;
void live_intro(FILE *, const struct scenario *, const char *out);

/* list_models.c */
void list_models(void);
void list_models_page(void); /* Markdown */
int list_model(const char *name);

/* version.c */
void print_version(void);

/* progress.c: signals and the progress line, on libevent. */
struct progress;
struct progress *progress_start(bool show);
bool progress_poll(void *arg, simtime_t now, simtime_t until);
void progress_end(struct progress *);

/* outdir.c: the output folder. 0, or an exit code after saying why. */
int outdir_prepare(const char *dir);
/* Make it, and what it is in; what is in it stays. */
int outdir_make(const char *dir);
/* Remove what a run has made of it, and it, if nothing else is in it; of a
 * folder that is not ours, nothing. */
void outdir_remove(const char *dir);
/* Write a whole file below dir; 0 or EXIT_MISSING after saying why. */
int outdir_write(const char *dir, const char *name, const char *bytes,
    size_t len);

#endif
