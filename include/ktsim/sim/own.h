/*
 * An application of the user's own: a program that speaks lines over its
 * standard input and output (docs/apps.md). It is asked in lock step: it gets
 * an event, and says what it wants up to a line `wait`. Only that takes wall
 * time; virtual time stands still.
 */
#ifndef KTSIM_SIM_OWN_H
#define KTSIM_SIM_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>

/* --- what it says --- */

#define OWN_LINE_MAX   4096		   /* of a line */
#define OWN_WRITE_MAX  ((uint64_t)1 << 20) /* of one `write` */
#define OWN_ANSWER_MAX ((uint64_t)64 << 20)
#define OWN_TIMER_MIN  1000 /* ns */
#define OWN_TIMER_MAX  ((uint64_t)60 * 1000000000)
#define OWN_KEY_MAX    32
#define OWN_NO_NUMBER  UINT64_MAX

enum own_verb {
	OWN_WAIT,
	OWN_WRITE,    /* oc_data, oc_n[0] bytes of it */
	OWN_SENDFILE, /* oc_text, from oc_n[0], oc_n[1] bytes or to the end */
	OWN_READ,     /* oc_n[0] */
	OWN_TIMER,    /* oc_n[0] ns */
	OWN_LOG,      /* oc_text */
	OWN_REPORT,   /* oc_text, oc_n[0] */
	OWN_CLOSE
};

struct own_cmd {
	enum own_verb oc_verb;
	const char *oc_text; /* until the next call for the reader */
	const uint8_t *oc_data;
	uint64_t oc_n[2]; /* OWN_NO_NUMBER: not given */
};

struct own_reader {
	struct strbuf or_in;
	size_t or_off;		    /* taken so far */
	char or_line[OWN_LINE_MAX]; /* that is being parsed */
};

void own_reader_put(struct own_reader *, const void *, size_t);
/* 0; EAGAIN: more bytes are wanted; EBADMSG: why, a text to be printed. */
int own_reader_next(struct own_reader *, struct own_cmd *, struct strbuf *why);
/* Something was begun. */
bool own_reader_mid(const struct own_reader *);
void own_reader_fini(struct own_reader *);

/* --- the process --- */

struct own_proc;

struct own_start {
	const char *os_file; /* the program, resolved */
	const char *os_folder;
	const char *const *os_words; /* NULL-terminated, the program first */
	unsigned os_patience_ms;     /* for each answer; 0: OWN_PATIENCE_MS */
};
#define OWN_PATIENCE_MS 10000

/*
 * In a process group of its own, with nothing open but the three, and an
 * environment that says nothing of this machine's user. An errno.
 */
int own_proc_start(const struct own_start *, struct own_proc **);
/* NULL: go on; or what is wrong with it, static. */
typedef const char *own_cmd_fn(void *arg, const struct own_cmd *);
/*
 * Tell it of an event, do what it says. 0: it waits for the next one; ENOENT: it
 * ended, and all was well; EPROTO: why.
 */
int own_proc_ask(struct own_proc *, const void *event, size_t len, own_cmd_fn *,
    void *arg, struct strbuf *why);
/* No more events will come: it has to end now. 0, or EPROTO: why. */
int own_proc_end(struct own_proc *, struct strbuf *why);
/* What is left of it and of its group is killed. NULL allowed. */
void own_proc_destroy(struct own_proc *);

#endif
