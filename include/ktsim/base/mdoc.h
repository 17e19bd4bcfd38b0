/* Text as a manual page (mdoc) has it. */
#ifndef KTSIM_BASE_MDOC_H
#define KTSIM_BASE_MDOC_H

#include <ktsim/base/strbuf.h>

/* One argument of a macro, in quotes if it needs them. */
void mdoc_word(const char *, struct strbuf *);
/* A line of text; what stands in backquotes gets quotation marks. */
void mdoc_line(const char *, struct strbuf *);
/*
 * Paragraphs, with empty lines between them. Lines that begin with a blank
 * stand as they are.
 */
void mdoc_text(const char *, struct strbuf *);

#endif
