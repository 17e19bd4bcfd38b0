/* Reading heads of HTTP, word by word: what request and response share. */
#ifndef HTTP_WORDS_H
#define HTTP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of the head. */
struct word {
	const char *p;
	size_t len;
};

/* The next line of [*p, end) without its CRLF. False: there is none, or it is
 * not clean. */
bool http_next_line(const char **p, const char *end, struct word *line);
bool word_is(const struct word *, const char *text); /* whatever case */
/* Up to the separator, which is skipped; all of it when there is none. */
struct word word_cut(struct word *, char sep);
struct word word_trim(struct word);
/* Digits only. A number far above any limit stays far above it. */
bool word_number(const struct word *, uint64_t *);
/* The field Connection: whether it stays; old: of HTTP/1.0. */
void http_connection(struct word value, bool old, bool *keep);
/* "name: value". False, and why (static): it is none. */
bool http_field(struct word line, struct word *name, struct word *value,
    const char **why);

#endif
