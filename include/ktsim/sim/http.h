/*
 * What the simulated server reads of HTTP/1.1: the head of one request, from
 * anybody. RFC 9112 where it says MUST; of the rest only what a server of
 * files needs: no folded lines, no chunked bodies, one target form (a path).
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

struct http_request {
	enum http_method hr_method;
	char hr_path[HTTP_PATH_MAX]; /* from its slash, without a query */
	uint64_t hr_length;	     /* of the body that follows */
	bool hr_keep;		     /* another request may follow */
	bool hr_continue;	     /* waits for a 100 before the body */
};

/*
 * A head as it came, up to and with its empty line. 0; or the status of the
 * refusal (400, 405, 411, 413, 414, 417, 505) and in *why one line, static,
 * that says what was wrong.
 */
int http_request_parse(const char *head, size_t len, struct http_request *,
    const char **why);
/* "404 Not Found", of the statuses that are used here. */
const char *http_status(int status);

#endif
