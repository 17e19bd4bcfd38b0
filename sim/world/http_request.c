#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/http.h>

#include "http_words.h"

/* What is being read, and what is known so far. */
struct reading {
	const char *p, *end;
	struct http_request *rq;
	const char *why;
	bool has_length, has_host, old;
	unsigned ranges; /* fields */
	bool if_range;
};

static const struct {
	int code;
	const char *text;
} statuses[] = {
	{ 200, "200 OK" },
	{ 206, "206 Partial Content" },
	{ 400, "400 Bad Request" },
	{ 404, "404 Not Found" },
	{ 405, "405 Method Not Allowed" },
	{ 411, "411 Length Required" },
	{ 413, "413 Content Too Large" },
	{ 414, "414 URI Too Long" },
	{ 416, "416 Range Not Satisfiable" },
	{ 417, "417 Expectation Failed" },
	{ 431, "431 Request Header Fields Too Large" },
	{ 505, "505 HTTP Version Not Supported" },
};

const char *
http_status(int status)
{
	for (size_t i = 0; i < nitems(statuses); i++)
		if (statuses[i].code == status)
			return (statuses[i].text);
	return ("500 Internal Server Error");
}

static int
refuse(struct reading *r, int status, const char *why)
{
	r->why = why;
	return (status);
}

/* --- the request line --- */

static int
read_method(struct reading *r, const struct word *w)
{
	static const char *const names[] = { "GET", "HEAD", "PUT", "POST" };

	for (size_t i = 0; i < nitems(names); i++)
		if (w->len == strlen(names[i]) &&
		    memcmp(w->p, names[i], w->len) == 0) {
			r->rq->hr_method = (enum http_method)i;
			return (0);
		}
	return (refuse(r, 405, "GET, HEAD, PUT and POST are served here"));
}

static int
read_target(struct reading *r, struct word w)
{
	struct word path = word_cut(&w, '?');

	if (path.len == 0 || path.p[0] != '/')
		return (refuse(r, 400, "the target is not a path"));
	for (size_t i = 0; i < path.len; i++)
		if (path.p[i] < '!' || path.p[i] > '~')
			return (refuse(r, 400,
			    "the path has a character that must be escaped"));
	if (path.len >= HTTP_PATH_MAX)
		return (refuse(r, 414, "the path has up to 1023 characters"));
	memcpy(r->rq->hr_path, path.p, path.len);
	r->rq->hr_path[path.len] = '\0';
	return (0);
}

static int
read_version(struct reading *r, const struct word *w)
{
	if (w->len != 8 || memcmp(w->p, "HTTP/", 5) != 0)
		return (refuse(r, 400, "the request line ends with HTTP/1.1"));
	if (memcmp(w->p + 5, "1.0", 3) != 0 && memcmp(w->p + 5, "1.1", 3) != 0)
		return (refuse(r, 505, "HTTP/1.1 is spoken here"));
	r->old = w->p[7] == '0';
	r->rq->hr_keep = !r->old;
	return (0);
}

static int
read_request_line(struct reading *r)
{
	struct word line, method, target;
	int status;

	if (!http_next_line(&r->p, r->end, &line))
		return (refuse(r, 400, "the request line is damaged"));
	method = word_cut(&line, ' ');
	target = word_cut(&line, ' ');
	if (method.len == 0 || line.len == 0)
		return (refuse(r, 400,
		    "a request line has a method, a path and a version"));
	if ((status = read_version(r, &line)) != 0 ||
	    (status = read_method(r, &method)) != 0)
		return (status);
	return (read_target(r, target));
}

/* --- the fields --- */

static int
read_length(struct reading *r, const struct word *value)
{
	uint64_t n;

	if (value->len == 0)
		return (refuse(r, 400, "Content-Length is empty"));
	if (!word_number(value, &n))
		return (refuse(r, 400, "Content-Length is no number"));
	if (r->has_length && n != r->rq->hr_length)
		return (refuse(r, 400, "two Content-Lengths that differ"));
	r->has_length = true;
	r->rq->hr_length = n;
	return (0);
}

/*
 * One range of bytes; what is no range, and a list of them, is as if it had
 * not been said (RFC 9110, 14.2).
 */
static void
read_range(struct reading *r, struct word value)
{
	struct http_range *hr = &r->rq->hr_range;
	struct word unit = word_cut(&value, '='), first;

	r->ranges++;
	value = word_trim(value);
	if (!word_is(&unit, "bytes") || memchr(value.p, '-', value.len) == NULL)
		return;
	first = word_cut(&value, '-');
	*hr = (struct http_range) { .has = true, .last = UINT64_MAX };
	if (value.len > 0 && !word_number(&value, &hr->last))
		hr->has = false;
	if (first.len > 0 && !word_number(&first, &hr->first))
		hr->has = false;
	hr->suffix = first.len == 0;
	if ((hr->suffix && value.len == 0) ||
	    (!hr->suffix && hr->first > hr->last))
		hr->has = false;
}

static int
read_field(struct reading *r, struct word line)
{
	struct word name, value;
	const char *why;

	if (!http_field(line, &name, &value, &why))
		return (refuse(r, 400, why));
	if (word_is(&name, "Content-Length"))
		return (read_length(r, &value));
	if (word_is(&name, "Transfer-Encoding"))
		return (refuse(r, 411,
		    "chunked bodies are not taken: send a Content-Length"));
	if (word_is(&name, "Expect")) {
		if (!word_is(&value, "100-continue"))
			return (refuse(r, 417, "100-continue can be expected"));
		r->rq->hr_continue = !r->old;
	} else if (word_is(&name, "Connection"))
		http_connection(value, r->old, &r->rq->hr_keep);
	else if (word_is(&name, "Host"))
		r->has_host = true;
	else if (word_is(&name, "Range"))
		read_range(r, value);
	else if (word_is(&name, "If-Range"))
		r->if_range = true;
	return (0);
}

/* What only the whole head can tell. */
static int
judge(struct reading *r)
{
	struct http_request *rq = r->rq;
	bool up = rq->hr_method == HTTP_PUT || rq->hr_method == HTTP_POST;

	if (!r->has_host && !r->old)
		return (refuse(r, 400, "the field Host is missing"));
	if (up && !r->has_length)
		return (refuse(r, 411, "a body wants a Content-Length"));
	if (!up && rq->hr_length > 0)
		return (refuse(r, 400, "GET and HEAD have no body here"));
	if (rq->hr_length > HTTP_BODY_MAX)
		return (refuse(r, 413, "a body has up to 64 GiB"));
	rq->hr_continue &= rq->hr_length > 0;
	/* Only for GET; files have no validator that an If-Range could name. */
	if (rq->hr_method != HTTP_GET || r->ranges > 1 || r->if_range ||
	    !rq->hr_range.has)
		rq->hr_range = (struct http_range) { 0 };
	return (0);
}

int
http_request_parse(const char *head, size_t len, struct http_request *rq,
    const char **why)
{
	struct reading r = { .p = head, .end = head + len, .rq = rq };
	struct word line;
	int status;

	memset(rq, 0, sizeof(*rq));
	status = read_request_line(&r);
	while (status == 0) {
		if (!http_next_line(&r.p, r.end, &line))
			status = refuse(&r, 400, "a field is damaged");
		else if (line.len == 0)
			break;
		else
			status = read_field(&r, line);
	}
	if (status == 0)
		status = judge(&r);
	*why = r.why;
	return (status);
}

int
http_range_fit(const struct http_range *hr, uint64_t size, uint64_t *off,
    uint64_t *len)
{
	*off = 0;
	*len = size;
	/* Nothing has no part of it that Content-Range could name. */
	if (!hr->has || (hr->suffix && hr->last > 0 && size == 0))
		return (200);
	if (hr->suffix ? hr->last == 0 : hr->first >= size)
		return (416);
	*off = hr->suffix ? size - MIN(hr->last, size) : hr->first;
	if (!hr->suffix && hr->last < size)
		*len = hr->last + 1;
	*len -= *off;
	return (206);
}
