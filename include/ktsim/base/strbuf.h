/*
 * A growing string, always NUL-terminated. Zero-initialise; strbuf_fini frees.
 * strbuf_take hands the text to the caller (free()) and leaves it empty.
 */
#ifndef KTSIM_BASE_STRBUF_H
#define KTSIM_BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct strbuf {
	char *sb_str; /* NULL until something was added */
	size_t sb_len;
	size_t sb_size;
};

void strbuf_addf(struct strbuf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
void strbuf_add(struct strbuf *, const void *bytes, size_t len);
void strbuf_adds(struct strbuf *, const char *str);
/* A number in decimal, where printf would cost more than the rest. */
void strbuf_addu(struct strbuf *, uint64_t);
/* As a JSON string, in its quotes. */
void strbuf_add_json(struct strbuf *, const char *);
const char *strbuf_str(const struct strbuf *); /* "" when empty */
char *strbuf_take(struct strbuf *);
void strbuf_clear(struct strbuf *);
void strbuf_fini(struct strbuf *);

#endif
