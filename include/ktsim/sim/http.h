/*
 * What the simulated server and its clients read of HTTP/1.1: the head of one
 * request or response, from anybody. RFC 9112 where it says MUST; of the rest
 * only what files need: no folded lines, no chunked bodies, one target form (a
 * path), one range of bytes.
 */
#ifndef KTSIM_SIM_HTTP_H
#define KTSIM_SIM_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_PATH_MAX 1024	   /* with its NUL */
#define HTTP_BODY_MAX (1ULL << 36) /* 64 GiB: the body is not kept */
#define HTTP_HEAD_MAX 8192	   /* bytes, with the empty line */

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_PUT, HTTP_POST };

/* "bytes=first-last", "bytes=first-", "bytes=-last": the last so many. */
struct http_range {
	bool has, suffix;
	uint64_t first, last; /* last: UINT64_MAX: to the end */
};

struct http_request {
	enum http_method hr_method;
	char hr_path[HTTP_PATH_MAX]; /* from its slash, without a query */
	uint64_t hr_length;	     /* of the body that follows */
	bool hr_keep;		     /* another request may follow */
	bool hr_continue;	     /* waits for a 100 before the body */
	struct http_range hr_range;  /* GET: if one is to be answered */
};

/*
 * A head as it came, up to and with its empty line. 0; or the status of the
 * refusal (400, 405, 411, 413, 414, 417, 505) and in *why one line, static,
 * that says what was wrong.
 */
int http_request_parse(const char *head, size_t len, struct http_request *,
    const char **why);
/*
 * What a range means for a file of this size: 206 and which bytes; 416; or 200
 * and all of it, when there is no range or nothing to cut from.
 */
int http_range_fit(const struct http_range *, uint64_t size, uint64_t *off,
    uint64_t *len);

struct http_response {
	int hp_status;	     /* 200 to 599: what comes before is skipped */
	uint64_t hp_length;  /* of the body that follows */
	bool hp_keep;	     /* the connection goes on */
	bool hp_has_range;   /* Content-Range: bytes ... */
	bool hp_unsatisfied; /* ... and of it only the size, "*" in front */
	uint64_t hp_first, hp_last, hp_size;
};
/*
 * The same of an answer to a GET. 0, or EPROTO and in *why what was wrong. A
 * body without Content-Length is refused.
 */
int http_response_parse(const char *head, size_t len, struct http_response *,
    const char **why);

/* "404 Not Found", of the statuses that are used here. */
const char *http_status(int status);

#endif
