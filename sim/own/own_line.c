/* What a program says, line by line: foreign bytes. */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/own.h>

#define SHOWN 60 /* characters of a wrong line */

void
own_reader_put(struct own_reader * or, const void *p, size_t n)
{
	if (or->or_off > 0) {
		memmove(or->or_in.sb_str, or->or_in.sb_str + or->or_off,
		    or->or_in.sb_len - or->or_off);
		or->or_in.sb_len -= or->or_off;
		or->or_off = 0;
	}
	strbuf_add(& or->or_in, p, n);
}

bool
own_reader_mid(const struct own_reader * or)
{
	return (or->or_off < or->or_in.sb_len);
}

void
own_reader_fini(struct own_reader * or)
{
	strbuf_fini(& or->or_in);
	or->or_off = 0;
}

static bool
printable(char ch)
{
	return (ch >= ' ' && ch < 127);
}

static int
bad(struct strbuf *why, const char *line, size_t len, const char *what)
{
	strbuf_adds(why, "it said `");
	for (size_t i = 0; i < len && i < SHOWN; i++)
		strbuf_addf(why, "%c", printable(line[i]) ? line[i] : '?');
	strbuf_addf(why, "%s`: %s", len > SHOWN ? "..." : "", what);
	return (EBADMSG);
}

/* Decimal digits, nothing else. */
static bool
number(const char *w, uint64_t *v)
{
	unsigned digit;

	*v = 0;
	if (*w == '\0')
		return (false);
	for (; *w != '\0'; w++) {
		digit = (unsigned)*w - '0';
		if (digit > 9 || *v > ((uint64_t)INT64_MAX - digit) / 10)
			return (false);
		*v = *v * 10 + digit;
	}
	return (true);
}

static bool
key_word(const char *w)
{
	size_t n = strspn(w,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_");

	return (n >= 1 && n <= OWN_KEY_MAX && w[n] == '\0');
}

/* How a command is written: what stands behind its word. */
static const struct syntax {
	const char *word;
	enum own_verb verb;
	bool text, rest;   /* a word first; or all that follows */
	unsigned min, max; /* numbers */
	uint64_t from, to; /* of the first one */
	const char *how;
} syntaxes[] = {
	{ "wait", OWN_WAIT, false, false, 0, 0, 0, 0, "wait" },
	{ "write", OWN_WRITE, false, false, 1, 1, 0, OWN_WRITE_MAX,
	    "write LENGTH, up to 1048576, and so many bytes behind the line" },
	{ "sendfile", OWN_SENDFILE, true, false, 0, 2, 0, INT64_MAX,
	    "sendfile PATH [OFFSET [LENGTH]]" },
	{ "read", OWN_READ, false, false, 1, 1, 0, INT64_MAX, "read LENGTH" },
	{ "timer", OWN_TIMER, false, false, 1, 1, OWN_TIMER_MIN, OWN_TIMER_MAX,
	    "timer NANOSECONDS, 1000 to 60000000000" },
	{ "log", OWN_LOG, false, true, 0, 0, 0, 0, "log TEXT" },
	{ "report", OWN_REPORT, true, false, 1, 1, 0, INT64_MAX,
	    "report KEY NUMBER; a key has letters, digits and _, 32 at most" },
	{ "close", OWN_CLOSE, false, false, 0, 0, 0, 0, "close" },
};

static const struct syntax *
find_syntax(const char *word, size_t len)
{
	for (size_t i = 0; i < nitems(syntaxes); i++)
		if (strlen(syntaxes[i].word) == len &&
		    memcmp(syntaxes[i].word, word, len) == 0)
			return (&syntaxes[i]);
	return (NULL);
}

/* The next word of the line, which is cut there; NULL: none. */
static char *
next_word(char **line)
{
	char *w = *line, *end;

	if (w == NULL || *w == '\0')
		return (NULL);
	if ((end = strchr(w, ' ')) == NULL)
		*line = NULL;
	else {
		*end = '\0';
		*line = end + 1;
	}
	return (w);
}

static bool
arguments(const struct syntax *sy, char *rest, struct own_cmd *oc)
{
	unsigned n = 0;
	char *w;

	if (sy->text) {
		if ((oc->oc_text = next_word(&rest)) == NULL ||
		    (sy->verb == OWN_REPORT && !key_word(oc->oc_text)))
			return (false);
	}
	for (; n < sy->max && (w = next_word(&rest)) != NULL; n++)
		if (!number(w, &oc->oc_n[n]))
			return (false);
	return (n >= sy->min && rest == NULL &&
	    (n == 0 || (oc->oc_n[0] >= sy->from && oc->oc_n[0] <= sy->to)));
}

/* line: cut at its end, and may be cut further. */
static int
parse(char *line, size_t len, struct own_cmd *oc, struct strbuf *why)
{
	size_t word = strcspn(line, " ");
	const struct syntax *sy;
	char copy[SHOWN + 2];

	*oc = (struct own_cmd) { .oc_n = { OWN_NO_NUMBER, OWN_NO_NUMBER } };
	for (size_t i = 0; i < len; i++)
		if (!printable(line[i]) && line[i] != '\t')
			return (bad(why, line, len,
			    "a line has printable ASCII only"));
	if ((sy = find_syntax(line, word)) == NULL)
		return (bad(why, line, len,
		    "that is no command (wait, write, sendfile, read, timer, "
		    "log, report, close)"));
	oc->oc_verb = sy->verb;
	memcpy(copy, line, MIN(len, sizeof(copy)));
	if (sy->rest) {
		oc->oc_text = line + word + (line[word] == ' ');
		return (0);
	}
	if (arguments(sy, line[word] == ' ' ? line + word + 1 : NULL, oc))
		return (0);
	return (bad(why, copy, MIN(len, sizeof(copy)), sy->how));
}

int
own_reader_next(struct own_reader * or, struct own_cmd *oc, struct strbuf *why)
{
	char *line = or->or_in.sb_str + or->or_off, *end, *copy = or->or_line;
	size_t left = or->or_in.sb_len - or->or_off, len;
	int error;

	if (left == 0)
		return (EAGAIN);
	end = memchr(line, '\n', MIN(left, (size_t)OWN_LINE_MAX));
	if (end == NULL && left >= OWN_LINE_MAX)
		return (bad(why, line, left, "a line has up to 4095 bytes"));
	if (end == NULL)
		return (EAGAIN);
	len = (size_t)(end - line);
	/* A `write` is parsed again when its bytes have come. */
	memcpy(copy, line, len);
	copy[len] = '\0';
	if ((error = parse(copy, len, oc, why)) != 0)
		return (error);
	if (oc->oc_verb == OWN_WRITE) {
		if (left - len - 1 < oc->oc_n[0])
			return (EAGAIN);
		oc->oc_data = (const uint8_t *)end + 1;
		or->or_off += (size_t)oc->oc_n[0];
	}
	/* In place, where the text may stay. */
	if (oc->oc_text != NULL) {
		memcpy(line, copy, len + 1);
		oc->oc_text = line + (oc->oc_text - copy);
	}
	or->or_off += len + 1;
	return (0);
}
