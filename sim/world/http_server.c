/*
 * The server's side: GET and HEAD answer with a file, PUT and POST with how
 * many bytes came and their SHA-256, so that a client outside can compare.
 * What is wrong with a request is said in the answer's body, and the
 * connection ends.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/sim/digest.h>

#include "http_priv.h"

/* The head of the answer, and a text as its body. */
static void
server_answer(struct conn *c, int status, const char *text)
{
	c->c_vp = NULL;
	c->c_off = c->c_len = 0;
	http_set_buf(c,
	    xasprintf("HTTP/1.1 %s\r\nServer: ktls-sim\r\n%s"
		      "Content-Type: text/plain\r\n"
		      "Content-Length: %zu\r\nConnection: %s\r\n\r\n%s",
		http_status(status),
		status == 405 ? "Allow: GET, HEAD, PUT, POST\r\n" : "",
		strlen(text), c->c_more ? "keep-alive" : "close",
		c->c_head ? "" : text));
}

/* What follows the head is not known to be a request: the last answer. */
static void
server_refuse(struct conn *c, int status, const char *why)
{
	char *text = xasprintf("%s\n", why);

	c->c_more = false;
	server_answer(c, status, text);
	free(text);
}

/* What is behind the status, for a file's bytes [off, off + len). */
static char *
server_range_field(int status, const struct vnode *vp, uint64_t off,
    uint64_t len)
{
	uintmax_t size = vnode_size(vp);

	if (status == 416)
		return (xasprintf("Content-Range: bytes */%ju\r\n", size));
	if (status == 206)
		return (xasprintf("Content-Range: bytes %ju-%ju/%ju\r\n",
		    (uintmax_t)off, (uintmax_t)(off + len - 1), size));
	return (xstrdup(""));
}

/* All of the file, or the part that is asked for. */
static void
server_send(struct conn *c, struct vnode *vp, const struct http_range *hr)
{
	uint64_t off, len;
	int status = http_range_fit(hr, vnode_size(vp), &off, &len);
	char *range = server_range_field(status, vp, off, len);

	if (status == 416)
		off = len = 0;
	http_set_buf(c,
	    xasprintf("HTTP/1.1 %s\r\nServer: ktls-sim\r\n"
		      "Content-Type: application/octet-stream\r\n"
		      "%sContent-Length: %ju\r\nConnection: %s\r\n\r\n",
		http_status(status), range, (uintmax_t)len,
		c->c_more ? "keep-alive" : "close"));
	free(range);
	if (c->c_head)
		c->c_off = c->c_len = 0;
	else
		http_set_file(c, vp, off, len);
	c->c_paged = 0;
}

static void
server_file(struct conn *c, const struct http_request *rq)
{
	struct vnode *vp = vnode_lookup(c->c_app->a_host->h_vnet, rq->hr_path);
	char *text;

	if (vp != NULL) {
		server_send(c, vp, &rq->hr_range);
		return;
	}
	text = xasprintf("there is no file %s\n", rq->hr_path);
	server_answer(c, 404, text);
	free(text);
}

/* A body comes: room for its digest, and leave to send it. */
static void
server_expect_body(struct conn *c, const struct http_request *rq)
{
	c->c_upload = true;
	c->c_off = 0;
	c->c_len = rq->hr_length;
	c->c_digest = digest_create();
	if (rq->hr_continue)
		http_set_buf(c, xstrdup("HTTP/1.1 100 Continue\r\n\r\n"));
	else
		strbuf_clear(&c->c_buf);
	c->c_bufoff = 0;
}

static int
server_parse(struct conn *c)
{
	struct http_request rq;
	const char *why;
	int status;

	status =
	    http_request_parse(c->c_buf.sb_str, c->c_buf.sb_len, &rq, &why);
	c->c_upload = false;
	c->c_head = status == 0 && rq.hr_method == HTTP_HEAD;
	c->c_more = status == 0 && rq.hr_keep;
	c->c_requests++;
	c->c_empty = 0;
	if (status != 0)
		server_refuse(c, status, why);
	else if (rq.hr_method == HTTP_PUT || rq.hr_method == HTTP_POST)
		server_expect_body(c, &rq);
	else
		server_file(c, &rq);
	return (0);
}

static int
server_request(struct conn *c)
{
	int error;

	error = http_read_header(c);
	if (error == 0)
		return (server_parse(c));
	c->c_upload = c->c_head = false;
	if (error == EMSGSIZE) {
		server_refuse(c, 431, "a request's head has up to 8 KiB");
		return (0);
	}
	/* A client outside may go when it has what it asked for. */
	if (error == ECONNRESET && c->c_outside && c->c_requests > 0 &&
	    c->c_buf.sb_len == 0) {
		c->c_off = c->c_len = 0;
		c->c_more = false;
		return (0);
	}
	return (error);
}

static void
server_received(struct conn *c)
{
	char hex[DIGEST_HEX], *text;

	digest_take(c->c_digest, hex);
	c->c_digest = NULL;
	text = xasprintf("bytes %ju\nsha256 %s\n", (uintmax_t)c->c_len, hex);
	server_answer(c, 200, text);
	free(text);
}

/* Never more than the body: what follows is the next request. */
static int
server_upload(struct conn *c)
{
	struct world *w = c->c_app->a_world;
	size_t n;
	int error;

	if ((error = http_write_buf(c)) != 0)
		return (error);
	while (c->c_off < c->c_len) {
		error = conn_read(c, w->w_scratch,
		    (size_t)MIN(c->c_len - c->c_off, (uint64_t)WORLD_SCRATCH),
		    &n);
		if (error != 0 && n == 0)
			return (error);
		if (n == 0)
			return (ECONNRESET);
		conn_was_read(c, w->w_scratch, n);
		digest_add(c->c_digest, w->w_scratch, n);
		c->c_off += n;
		c->c_received += n;
		story_read(w, c, n);
		if (error != 0)
			return (error); /* behind these bytes */
	}
	server_received(c);
	return (0);
}

int
http_server_step(struct conn *c, const char **call)
{
	int error;

	switch (c->c_state) {
	case ST_HANDSHAKE:
		*call = "handshake";
		return (conn_handshake(c));
	case ST_REQUEST:
		*call = "read request";
		return (server_request(c));
	case ST_UPLOAD:
		*call = "read body";
		return (server_upload(c));
	case ST_HEADER:
		*call = "write header";
		if (c->c_bufoff == 0 && (error = conn_empty_writes(c)) != 0)
			return (error);
		if (c->c_app->a_sc->header == 1 && c->c_off < c->c_len)
			return (0); /* with the file */
		return (http_write_buf(c));
	case ST_BODY:
		*call = "sendfile";
		return (http_send_body(c));
	case ST_NOTIFY:
		*call = "shutdown";
		return (conn_notify(c));
	default:
		*call = "close";
		return (conn_linger(c));
	}
}
