/* What a client reads of an answer: its status, how long its body is, which
 * bytes it is of, and whether another answer may follow. */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/http.h>

#include "http_words.h"

struct reading {
	struct http_response *hp;
	const char *why;
	bool has_length, old;
};

static int
refuse(struct reading *r, const char *why)
{
	r->why = why;
	return (EPROTO);
}

/* "HTTP/1.1 206 Partial Content"; the text may be missing, with its blank. */
static int
read_status_line(struct reading *r, struct word line)
{
	struct word version = word_cut(&line, ' ');
	struct word status = word_cut(&line, ' ');
	uint64_t n;

	if (!word_is(&version, "HTTP/1.1") && !word_is(&version, "HTTP/1.0"))
		return (refuse(r, "a status line begins with HTTP/1.1"));
	if (status.len != 3 || !word_number(&status, &n) || n < 200 || n > 599)
		return (refuse(r, "the status is none of a last answer"));
	r->hp->hp_status = (int)n;
	r->old = version.p[7] == '0';
	r->hp->hp_keep = !r->old;
	return (0);
}

/* "bytes 0-99/1000", "bytes" and an asterisk "/1000". */
static int
read_range(struct reading *r, struct word value)
{
	struct http_response *hp = r->hp;
	struct word unit = word_cut(&value, ' ');
	struct word part = word_cut(&value, '/'), first;

	if (!word_is(&unit, "bytes") || !word_number(&value, &hp->hp_size))
		return (refuse(r, "Content-Range is none of bytes"));
	hp->hp_has_range = true;
	hp->hp_unsatisfied = word_is(&part, "*");
	if (hp->hp_unsatisfied)
		return (0);
	first = word_cut(&part, '-');
	if (!word_number(&first, &hp->hp_first) ||
	    !word_number(&part, &hp->hp_last) || hp->hp_first > hp->hp_last ||
	    hp->hp_last >= hp->hp_size)
		return (refuse(r, "Content-Range is no part of the file"));
	return (0);
}

static int
read_field(struct reading *r, struct word line)
{
	struct word name, value;
	uint64_t n;

	if (!http_field(line, &name, &value, &r->why))
		return (EPROTO);
	if (word_is(&name, "Transfer-Encoding"))
		return (refuse(r, "chunked bodies are not taken"));
	if (word_is(&name, "Content-Range"))
		return (read_range(r, value));
	if (word_is(&name, "Connection"))
		http_connection(value, r->old, &r->hp->hp_keep);
	if (!word_is(&name, "Content-Length"))
		return (0);
	if (!word_number(&value, &n) || n > HTTP_BODY_MAX)
		return (refuse(r, "Content-Length is no number up to 64 GiB"));
	if (r->has_length && n != r->hp->hp_length)
		return (refuse(r, "two Content-Lengths that differ"));
	r->has_length = true;
	r->hp->hp_length = n;
	return (0);
}

/* What only the whole head can tell. */
static int
judge(struct reading *r)
{
	const struct http_response *hp = r->hp;

	if (!r->has_length)
		return (refuse(r, "the field Content-Length is missing"));
	if (hp->hp_status == 206 &&
	    (!hp->hp_has_range || hp->hp_unsatisfied ||
		hp->hp_last - hp->hp_first + 1 != hp->hp_length))
		return (refuse(r,
		    "206 wants a Content-Range of the body's length"));
	return (0);
}

int
http_response_parse(const char *head, size_t len, struct http_response *hp,
    const char **why)
{
	struct reading r = { .hp = hp };
	const char *p = head, *end = head + len;
	struct word line;
	int error;

	memset(hp, 0, sizeof(*hp));
	error = http_next_line(&p, end, &line)
	    ? read_status_line(&r, line)
	    : refuse(&r, "the status line is damaged");
	while (error == 0) {
		if (!http_next_line(&p, end, &line))
			error = refuse(&r, "a field is damaged");
		else if (line.len == 0)
			break;
		else
			error = read_field(&r, line);
	}
	if (error == 0)
		error = judge(&r);
	*why = r.why;
	return (error);
}
