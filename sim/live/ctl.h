/*
 * The control socket: a line in, an answer out. An answer is any number of
 * lines that begin with a blank, then "ok" or "error: TEXT".
 */
#ifndef LIVE_CTL_H
#define LIVE_CTL_H

#include <stdbool.h>

#include <ktsim/base/strbuf.h>

struct event_base;
struct scenario;

/* --- ctl_words.c: what a line means --- */

enum ctl_kind {
	CTL_ORDER,	 /* cw_yaml: a timeline's item */
	CTL_READ_SYSCTL, /* cw_host, cw_name */
	CTL_IFCONFIG,	 /* show cw_name: a host, or one of its interfaces */
	CTL_STATUS,
	CTL_STATUS_JSON,
	CTL_STOP,
	CTL_HELP
};

struct ctl_words {
	enum ctl_kind cw_kind;
	struct strbuf cw_yaml;
	char *cw_host, *cw_name;
};

/* False: err says what is wrong with the line. Free with ctl_words_fini. */
bool ctl_words_parse(const struct scenario *, const char *line,
    struct ctl_words *, struct strbuf *err);
void ctl_words_fini(struct ctl_words *);
extern const char ctl_help[]; /* lines */
/* The messages alone, in one line, of diagnostics with file and caret. */
void ctl_one_line(const char *diag, struct strbuf *);

/* --- ctl.c: the socket --- */

#define CTL_LINE_MAX 4096

struct ctl;
/* Answer one line: whole lines into out, the last one "ok" or "error: ...". */
typedef void ctl_answer_fn(void *arg, const char *line, struct strbuf *out);

/* An errno, with text in err. The socket is the caller's user's alone. */
int ctl_create(struct event_base *, const char *path, ctl_answer_fn *,
    void *arg, struct ctl **, struct strbuf *err);
/* Answer what has come; not from inside an event's callback. */
void ctl_serve(struct ctl *);
void ctl_destroy(struct ctl *); /* the socket is removed; NULL allowed */

#endif
