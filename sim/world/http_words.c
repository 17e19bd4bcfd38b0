#include <string.h>
#include <strings.h>

#include "http_words.h"

bool
http_next_line(const char **p, const char *end, struct word *line)
{
	const char *nl;

	nl = memchr(*p, '\n', (size_t)(end - *p));
	if (nl == NULL || nl == *p || nl[-1] != '\r')
		return (false);
	*line = (struct word) { *p, (size_t)(nl - 1 - *p) };
	*p = nl + 1;
	for (size_t i = 0; i < line->len; i++)
		if ((unsigned char)line->p[i] < ' ' && line->p[i] != '\t')
			return (false);
	return (true);
}

bool
word_is(const struct word *w, const char *text)
{
	return (w->len == strlen(text) && strncasecmp(w->p, text, w->len) == 0);
}

struct word
word_cut(struct word *w, char sep)
{
	const char *p = w->len > 0 ? memchr(w->p, sep, w->len) : NULL;
	struct word head = { w->p, p != NULL ? (size_t)(p - w->p) : w->len };

	w->len -= head.len;
	w->p += head.len;
	if (p != NULL) {
		w->p++;
		w->len--;
	}
	return (head);
}

struct word
word_trim(struct word w)
{
	while (w.len > 0 && (*w.p == ' ' || *w.p == '\t')) {
		w.p++;
		w.len--;
	}
	while (w.len > 0 && (w.p[w.len - 1] == ' ' || w.p[w.len - 1] == '\t'))
		w.len--;
	return (w);
}

bool
word_number(const struct word *w, uint64_t *n)
{
	*n = 0;
	for (size_t i = 0; i < w->len; i++) {
		if (w->p[i] < '0' || w->p[i] > '9')
			return (false);
		/* Far above the limit and far below an overflow. */
		if (*n < UINT64_MAX / 100)
			*n = *n * 10 + (uint64_t)(w->p[i] - '0');
	}
	return (w->len > 0);
}

bool
http_field(struct word line, struct word *name, struct word *value,
    const char **why)
{
	if (line.len == 0 || memchr(line.p, ':', line.len) == NULL) {
		*why = "a field has no colon";
		return (false);
	}
	*name = word_cut(&line, ':');
	*value = word_trim(line);
	/* Also what a folded line begins with. */
	if (name->len == 0 || memchr(name->p, ' ', name->len) != NULL ||
	    memchr(name->p, '\t', name->len) != NULL) {
		*why = "a field's name has a blank in it";
		return (false);
	}
	return (true);
}

void
http_connection(struct word value, bool old, bool *keep)
{
	struct word w;

	while (value.len > 0) {
		w = word_trim(word_cut(&value, ','));
		if (word_is(&w, "close"))
			*keep = false;
		else if (word_is(&w, "keep-alive") && old)
			*keep = true;
	}
}
