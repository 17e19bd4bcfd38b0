/* The command line's own. Exit codes are documented in README.md. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <stdio.h>

#include <ktsim/base/defect.h>
#include <ktsim/base/simtime.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/base/trace.h>

enum {
	EXIT_OK = 0,
	EXIT_CLAIM = 1,
	EXIT_USAGE = 2,
	EXIT_MISSING = 3,
	EXIT_INVARIANT = 4,
	EXIT_INTERRUPTED = 130
};

/* What can stand somewhere on the command line, for completion. */
enum words {
	WORDS_NONE, /* nobody knows */
	WORDS_FILE,
	WORDS_FOLDER,
	WORDS_SCENARIO, /* a file *.ktls.yaml, or a folder */
	/* those that words_each() tells */
	WORDS_COLOR,
	WORDS_COMMAND,
	WORDS_DEFECT,
	WORDS_KEY,
	WORDS_LIST,
	WORDS_MODEL,
	WORDS_MUSEUM,
	WORDS_ORDER,
	WORDS_POINT, /* with commas between them */
	WORDS_SET,   /* KEY= */
	WORDS_SHELL,
	WORDS_SHOW,  /* WHAT@ */
	WORDS_STATE, /* ifconfig@ */
	WORDS_TRACE_FORMAT,
	WORDS_WHY,
	WORDS_KINDS
};

/* words.c: call fn with each, and what it is (NULL: its name says it). */
typedef void words_fn(void *arg, const char *word, const char *text);
void words_each(enum words, words_fn *, void *arg);

/*
 * An option: of getopt_long, --help, the manual page and the completions. One
 * without a text has that of the next one. One without a name is a heading. The
 * last one has neither.
 */
struct cli_option {
	const char *co_name;
	int co_val; /* its letter, or from 256 */
	const char *
	    co_arg; /* "FILE", "[=POINTS]" if it may be left out, "=WHEN" with the sign; NULL:
			       it takes none */
	const char *co_text;
	enum words co_words; /* what the value can be */
};

/* What the program ends with, and why. */
struct exit_code {
	int ec_code;
	const char *ec_text; /* NULL: the end */
};
extern const struct exit_code exit_codes[];

/* Of commands that run scenarios: what --allow-programs is. */
#define ALLOW_PROGRAMS \
	"start the programs that the scenario names (own-server, own-client), with your rights"
#define CLI_OPERANDS 3

struct command {
	const char *c_name;
	int (*c_run)(int argc, char **argv);
	const char *c_text;  /* one line */
	const char *c_usage; /* lines: what stands behind its name */
	/* Lines, paragraphs; NULL: none. In --help in this order. */
	const char *c_examples;
	const char *c_intro;
	const struct cli_option *c_options; /* beside those of every command */
	const char *c_notes;
	const struct exit_code *c_codes; /* NULL: 0, or what errors give */
	enum words c_operands[CLI_OPERANDS];
	bool c_repeats; /* the last of them, again and again */
};
extern const struct command *const commands[];
extern const unsigned ncommands;
extern const struct cli_option common_options[];

extern const struct command cmd_run, cmd_check, cmd_dump, cmd_explain, cmd_list,
    cmd_schema, cmd_live, cmd_ctl, cmd_test, cmd_merge, cmd_diff, cmd_why,
    cmd_trace_byte, cmd_show, cmd_fmt, cmd_museum, cmd_completion;

/* help.c */
void print_help(const struct command *);
/* "--trace[=POINTS]", "-q, --quiet" */
void option_label(const struct cli_option *, struct strbuf *);
/* mdoc.c: the commands, as a part of a manual page. */
void commands_mdoc(struct strbuf *);
void codes_mdoc(struct strbuf *);
/* usage error: message, hint to --help, EXIT_USAGE */
int usage_error(const struct command *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* options.c: getopt_long with errors of ours; `help` is served. */
/* value: NULL where there is none. 0, or an exit code after saying why. */
typedef int cli_option_fn(void *arg, int opt, const char *value);
#define CLI_HELPED (-1) /* all is done: leave with EXIT_OK */
/*
 * 0: optind is the first operand; CLI_HELPED; or an exit code. An option that
 * has a letter has it as its val, the others values from 256.
 */
int cli_options(const struct command *, int argc, char **argv, cli_option_fn *,
    void *arg);
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

/* stdout.c */
/* Write what was printed; false: something could not be written. */
bool stdout_flush(void);
/* At the end: the exit code, which is EXIT_MISSING after saying why if standard
 * output has not all of it. */
int stdout_code(int code);

/* verbose.c: which points --verbose tells, and the telling, to stderr. */
void verbose_points(uint64_t mask[TRACE_MASK_WORDS]);
void verbose_tell(void *arg, const struct trace_rec *);

/* cmd_ctl.c: somebody answers at that control socket. */
bool ctl_alive(const char *path);

/* live_intro.c: what a person can do now. */
struct scenario;
void live_intro(FILE *, const struct scenario *, const char *out);

/* cmd_list.c: the i-th list, with what it is; NULL: there are no more. */
const char *list_what(unsigned i, const char **text);

/* completion_*.c */
void completion_bash(struct strbuf *);
void completion_zsh(struct strbuf *);
void completion_fish(struct strbuf *);

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
