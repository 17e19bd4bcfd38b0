/*
 * Colour is put on what is printed, never into what is made: files and
 * goldens have none. When: --color, else NO_COLOR (https://no-color.org),
 * else whether somebody can see it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>

#include "cli.h"

#define RED    "\033[1;31m"
#define GREEN  "\033[32m"
#define CYAN   "\033[36m"
#define BOLD   "\033[1m"
#define NORMAL "\033[0m"

static enum { AUTO, ALWAYS, NEVER } color_when;

static const char *const styles[] = {
	[STYLE_BAD] = RED,
	[STYLE_GOOD] = GREEN,
	[STYLE_NOTE] = CYAN,
	[STYLE_HEAD] = BOLD,
};

bool
color_set(const char *when)
{
	static const char *const names[] = { "auto", "always", "never" };

	for (unsigned i = 0; i < nitems(names); i++)
		if (strcmp(when, names[i]) == 0) {
			color_when = i;
			return (true);
		}
	return (false);
}

static bool
color_on(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (color_when != AUTO)
		return (color_when == ALWAYS);
	if ((no != NULL && *no != '\0') || term == NULL ||
	    strcmp(term, "dumb") == 0)
		return (false);
	return (isatty(fileno(f)) != 0);
}

/* Texts of a scenario may hold anything; what a terminal would obey is shown. */
static void
put_text(FILE *f, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	for (; p < end; p++)
		if ((*p < 32 && *p != '\n' && *p != '\t') || *p == 127)
			fprintf(f, "\\x%02x", *p);
		else if (*p == 0xc2 && p + 1 < end && p[1] >= 0x80 &&
		    p[1] < 0xa0)
			fprintf(f, "\\u00%02x", *++p);
		else
			putc(*p, f);
}

void
color_text(FILE *f, enum style s, const char *text, size_t len)
{
	bool on = s != STYLE_PLAIN && color_on(f);

	if (f == stderr)
		(void)stdout_flush(); /* what is there already stands first */
	fputs(on ? styles[s] : "", f);
	put_text(f, text, len);
	fputs(on ? NORMAL : "", f);
}

void
color_word(FILE *f, enum style s, const char *text)
{
	color_text(f, s, text, strlen(text));
}

/* Where a line's coloured part begins, how long it is, and how it looks. */
typedef enum style line_style_fn(const char *line, size_t len, bool after_empty,
    size_t *from, size_t *n);

static void
color_lines(FILE *f, const char *text, line_style_fn *style)
{
	bool after_empty = true;
	size_t len, from, n;
	enum style s;

	for (; *text != '\0'; text += len) {
		len = strcspn(text, "\n");
		from = 0;
		n = len;
		s = style(text, len, after_empty, &from, &n);
		put_text(f, text, from);
		color_text(f, s, text + from, n);
		put_text(f, text + from + n, len - from - n);
		after_empty = len == 0;
		if (text[len] == '\n') {
			fputc('\n', f);
			len++;
		}
	}
}

/* "file:line:col: error: text", the line itself, and the caret below it. */
static enum style
diag_style(const char *line, size_t len, bool after_empty, size_t *from,
    size_t *n)
{
	static const struct {
		const char *word;
		enum style style;
	} classes[] = {
		{ ": error: ", STYLE_BAD },
		{ ": warning: ", STYLE_HEAD },
		{ ": note: ", STYLE_NOTE },
	};
	const char *p;

	if (len > 0 && strspn(line, " ^~|\t") >= len &&
	    memchr(line, '^', len) != NULL)
		return (STYLE_GOOD);
	for (size_t i = 0; i < nitems(classes); i++) {
		p = strstr(line, classes[i].word);
		if (p == NULL || p >= line + len)
			continue;
		*from = (size_t)(p - line) + 2;
		*n = strlen(classes[i].word) - 3;
		return (classes[i].style);
	}
	return (STYLE_PLAIN);
}

void
color_diag(const char *text)
{
	color_lines(stderr, text, diag_style);
}

static enum style
report_style(const char *line, size_t len, bool after_empty, size_t *from,
    size_t *n)
{
	static const struct {
		const char *start;
		enum style style;
	} words[] = {
		{ "  held  ", STYLE_GOOD },
		{ "  met   ", STYLE_GOOD },
		{ "  BROKEN", STYLE_BAD },
		{ "  FAILED", STYLE_BAD },
		{ "  PANIC:", STYLE_BAD },
		{ "    NOT done:", STYLE_BAD },
	};

	if (after_empty && len > 0 && *line != ' ')
		return (STYLE_HEAD);
	for (size_t i = 0; i < nitems(words); i++)
		if (strncmp(line, words[i].start, strlen(words[i].start)) ==
		    0) {
			*from = strspn(words[i].start, " ");
			*n = strlen(words[i].start) - *from;
			return (words[i].style);
		}
	return (STYLE_PLAIN);
}

void
color_report(const char *text)
{
	color_lines(stdout, text, report_style);
}
