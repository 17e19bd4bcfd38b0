/*
 * An explanation: what happened, line by line, and what it comes to. Rendered
 * as text or as JSON.
 */
#ifndef KTSIM_SIM_TALE_H
#define KTSIM_SIM_TALE_H

#include <stdbool.h>

#include <ktsim/base/simtime.h>
#include <ktsim/base/strbuf.h>

struct tale_line {
	bool tl_timed;
	simtime_t tl_when;
	char *tl_where; /* host, application, link; "" */
	char *tl_text;
	uint64_t tl_frame; /* of wire.pcapng; 0: none */
};

struct tale {
	char *ta_title;	 /* what was asked */
	char *ta_sum;	 /* the answer in one sentence */
	char *ta_remedy; /* what to do about it; NULL */
	struct tale_line *ta_lines;
	unsigned ta_n, ta_size;
};

void tale_add(struct tale *, simtime_t, const char *where, uint64_t frame,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* A line without a time. */
void tale_note(struct tale *, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void tale_sum(struct tale *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void tale_sort(struct tale *); /* by time; those without one stay in front */
void tale_text(const struct tale *, struct strbuf *);
void tale_json(const struct tale *, struct strbuf *);
void tale_fini(struct tale *);

#endif
