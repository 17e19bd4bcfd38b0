/*
 * HTTP/1.1 over TLS, as plain as it gets: one GET after the other on a
 * connection, the response's header by write, its body by sendfile where the
 * kernel holds the transmit key; the last request asks to close.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/kern/uio.h>

#include "world_priv.h"

#define REQUEST_MAX 8192

enum {
	ST_CONNECT,
	ST_HANDSHAKE,
	ST_REQUEST,
	ST_HEADER,
	ST_BODY,
	ST_NOTIFY,
	ST_LINGER,
	ST_DONE
};

const char *
http_state_name(int state)
{
	static const char *const names[] = { "connects", "shakes hands",
		"request", "header", "body", "close notify", "lingers",
		"done" };

	return (names[state]);
}

/* The ledger's flow, and which of its directions is ours to send. */
static void
http_open_flow(struct conn *c)
{
	struct world *w = c->c_app->a_world;
	char *name;

	(void)so_sockname(c->c_so, &c->c_local);
	(void)so_peername(c->c_so, &c->c_remote);
	c->c_established = timebase_now(w->w_tb);
	name = xasprintf("%s#%u", c->c_app->a_sc->loc.name, c->c_index);
	c->c_flow = c->c_server
	    ? ledger_open(w->w_ledger, &c->c_remote, &c->c_local, NULL)
	    : ledger_open(w->w_ledger, &c->c_local, &c->c_remote, name);
	free(name);
}

static int
http_handshake(struct conn *c)
{
	int error;

	if (c->c_flow == NULL) {
		http_open_flow(c);
		if ((error = conn_tls(c)) != 0)
			return (error);
	}
	return (c->c_ep != NULL ? tls_endpoint_handshake(c->c_ep) : 0);
}

/* Of the empty line that ends the header, how many bytes are missing? */
static size_t
http_header_missing(const struct conn *c)
{
	size_t have = MIN(c->c_buf.sb_len, 4);

	while (have > 0 &&
	    memcmp(c->c_buf.sb_str + c->c_buf.sb_len - have, "\r\n\r\n",
		have) != 0)
		have--;
	return (4 - have);
}

/*
 * Read header bytes into c_buf up to the empty line; 0: it is there. No more
 * than what is missing at least, so that not one byte of the body is read.
 */
static int
http_read_header(struct conn *c)
{
	enum ledger_dir dir = c->c_server ? LEDGER_C2S : LEDGER_S2C;
	size_t want, n;
	char piece[4];
	int error;

	while ((want = http_header_missing(c)) > 0) {
		if (c->c_buf.sb_len > REQUEST_MAX)
			return (EMSGSIZE);
		if ((error = conn_read(c, piece, want, &n)) != 0)
			return (error);
		if (n == 0)
			return (ECONNRESET);
		ledger_read(c->c_flow, dir, piece, n);
		strbuf_add(&c->c_buf, piece, n);
	}
	return (0);
}

/* Write the rest of c_buf. */
static int
http_write_buf(struct conn *c)
{
	size_t n;
	int error;

	while (c->c_bufoff < c->c_buf.sb_len) {
		error = conn_write(c, c->c_buf.sb_str + c->c_bufoff,
		    c->c_buf.sb_len - c->c_bufoff, &n);
		c->c_bufoff += n;
		if (error != 0)
			return (error);
	}
	return (0);
}

static void
http_set_buf(struct conn *c, char *text)
{
	strbuf_clear(&c->c_buf);
	strbuf_adds(&c->c_buf, text);
	c->c_bufoff = 0;
	ledger_origin_bytes(c->c_flow, c->c_server ? LEDGER_S2C : LEDGER_C2S,
	    text, strlen(text));
	free(text);
}

/* --- server --- */

static int
http_parse_request(struct conn *c)
{
	const char *end;
	char path[1024];

	if (sscanf(strbuf_str(&c->c_buf), "GET %1023s HTTP/1.1\r\n", path) != 1)
		return (EPROTO);
	c->c_more =
	    strstr(strbuf_str(&c->c_buf), "Connection: close\r\n") == NULL;
	end = c->c_more ? "keep-alive" : "close";
	c->c_off = 0;
	c->c_vp = vnode_lookup(c->c_app->a_host->h_vnet, path);
	if (c->c_vp == NULL) {
		http_set_buf(c,
		    xasprintf("HTTP/1.1 404 Not Found\r\n"
			      "Content-Length: 0\r\nConnection: %s\r\n\r\n",
			end));
		c->c_len = 0;
		return (0);
	}
	c->c_len = vnode_size(c->c_vp);
	http_set_buf(c,
	    xasprintf("HTTP/1.1 200 OK\r\nServer: ktls-sim\r\n"
		      "Content-Type: application/octet-stream\r\n"
		      "Content-Length: %ju\r\nConnection: %s\r\n\r\n",
		(uintmax_t)c->c_len, end));
	ledger_origin_file(c->c_flow, LEDGER_S2C, c->c_vp, 0, c->c_len);
	return (0);
}

/* Without the kernel's help: read the file, write the bytes. */
static int
http_copy_body(struct conn *c)
{
	struct world *w = c->c_app->a_world;
	uint32_t want;
	size_t n;
	int error;

	while (c->c_off < c->c_len) {
		want = (uint32_t)MIN(c->c_len - c->c_off, (uint64_t)16384);
		vnode_peek(c->c_vp, c->c_off, w->w_scratch, want);
		error = conn_write(c, w->w_scratch, want, &n);
		c->c_off += n;
		if (error != 0)
			return (error);
	}
	return (0);
}

/* What is left of the header, if it goes with the file, and of the file. */
static int
http_sendfile_once(struct conn *c, uint64_t *sent)
{
	struct kiovec iov = { c->c_buf.sb_str + c->c_bufoff,
		c->c_buf.sb_len - c->c_bufoff };
	struct uio uio, *hdr = iov.iov_len > 0 ? &uio : NULL;
	int error;

	uio_init(&uio, &iov, 1);
	if (c->c_ep != NULL)
		error = tls_endpoint_sendfile(c->c_ep, c->c_vp, c->c_off,
		    c->c_len - c->c_off, hdr, sent);
	else
		error = sosendfile(c->c_so, c->c_vp, c->c_off,
		    c->c_len - c->c_off, hdr, 0, sent);
	c->c_bufoff += uio.uio_offset;
	*sent -= MIN(*sent, uio.uio_offset);
	return (error);
}

static int
http_send_body(struct conn *c)
{
	uint64_t sent;
	int error;

	while (c->c_off < c->c_len) {
		sent = 0;
		error = http_sendfile_once(c, &sent);
		if (error == EOPNOTSUPP) {
			error = http_write_buf(c);
			return (error != 0 ? error : http_copy_body(c));
		}
		if (error == EAGAIN && sent > 0 && !c->c_resent &&
		    defect_on(&c->c_app->a_world->w_opts.wo_defects,
			DEFECT_APP_RESEND)) {
			c->c_resent = true; /* as if nothing was taken */
			sent = 0;
		}
		c->c_off += sent;
		if (error != 0)
			return (error == EAGAIN ? EWOULDBLOCK : error);
	}
	return (0);
}

/* Wait for the peer's end; whatever else it says is of no interest. */
static int
http_linger(struct conn *c)
{
	struct world *w = c->c_app->a_world;
	size_t n;
	int error;

	do
		error = conn_read(c, w->w_scratch, WORLD_SCRATCH, &n);
	while (error == 0 && n > 0);
	return (error == ECONNRESET ? 0 : error);
}

static int
http_notify(struct conn *c)
{
	int error = 0;

	if (c->c_ep != NULL)
		error = tls_endpoint_shutdown(c->c_ep);
	if (error == 0)
		(void)soshutdown(c->c_so, 1);
	return (error);
}

/* One step of the machine; 0 goes on, EWOULDBLOCK waits. */
static int
server_step(struct conn *c, const char **call)
{
	int error;

	switch (c->c_state) {
	case ST_HANDSHAKE:
		*call = "handshake";
		return (http_handshake(c));
	case ST_REQUEST:
		*call = "read request";
		error = http_read_header(c);
		return (error != 0 ? error : http_parse_request(c));
	case ST_HEADER:
		*call = "write header";
		if (c->c_app->a_sc->header == 1 && c->c_len > 0)
			return (0); /* with the file */
		return (http_write_buf(c));
	case ST_BODY:
		*call = "sendfile";
		return (http_send_body(c));
	case ST_NOTIFY:
		*call = "shutdown";
		return (http_notify(c));
	default:
		*call = "close";
		return (http_linger(c));
	}
}

/* --- client --- */

static int
client_connect(struct conn *c)
{
	int error;

	if (c->c_so->so_state & SS_ISCONNECTED)
		return (0);
	if ((error = so_geterror(c->c_so)) != 0)
		return (error);
	if (c->c_so->so_state & SS_ISCONNECTING)
		return (EWOULDBLOCK);
	if (c->c_connecting) /* it was connecting, and is no more */
		return (ECONNABORTED);
	c->c_connecting = true;
	c->c_start = timebase_now(c->c_app->a_world->w_tb);
	error = soconnect(c->c_so, &c->c_remote);
	return (error == EINPROGRESS ? EWOULDBLOCK : error);
}

static int
client_request(struct conn *c)
{
	if (c->c_buf.sb_len == 0) {
		c->c_more = ++c->c_requests < c->c_app->a_sc->requests;
		http_set_buf(c,
		    xasprintf("GET %s HTTP/1.1\r\nHost: %s.sim\r\n"
			      "User-Agent: ktls-sim\r\nConnection: %s\r\n\r\n",
			c->c_app->a_sc->path, c->c_app->a_sc->server,
			c->c_more ? "keep-alive" : "close"));
	}
	return (http_write_buf(c));
}

static int
client_header(struct conn *c)
{
	const char *p;
	uintmax_t len;
	int error;

	if (c->c_bufoff != 0) {
		strbuf_clear(&c->c_buf);
		c->c_bufoff = 0;
	}
	if ((error = http_read_header(c)) != 0)
		return (error);
	p = strstr(strbuf_str(&c->c_buf), "Content-Length: ");
	if (p == NULL || sscanf(p + 16, "%ju", &len) != 1)
		return (EPROTO);
	c->c_len = len;
	c->c_off = 0;
	return (0);
}

static int
client_body(struct conn *c)
{
	struct world *w = c->c_app->a_world;
	size_t n;
	int error;

	while (c->c_off < c->c_len) {
		error = conn_read(c, w->w_scratch, WORLD_SCRATCH, &n);
		if (error != 0 && n == 0)
			return (error);
		if (n == 0)
			return (ECONNRESET);
		ledger_read(c->c_flow, LEDGER_S2C, w->w_scratch, n);
		c->c_off += n;
		c->c_app->a_delivered += n;
		if (error != 0)
			return (error); /* behind these bytes */
	}
	return (0);
}

static int
client_step(struct conn *c, const char **call)
{
	switch (c->c_state) {
	case ST_CONNECT:
		*call = "connect";
		return (client_connect(c));
	case ST_HANDSHAKE:
		*call = "handshake";
		return (http_handshake(c));
	case ST_REQUEST:
		*call = "write request";
		return (client_request(c));
	case ST_HEADER:
		*call = "read header";
		return (client_header(c));
	case ST_BODY:
		*call = "read body";
		return (client_body(c));
	case ST_NOTIFY:
		*call = "shutdown";
		return (http_notify(c));
	default:
		*call = "close";
		return (http_linger(c));
	}
}

/* The body is through: to the next request, or to the end. */
static int
http_next_state(struct conn *c)
{
	if (c->c_state != ST_BODY || !c->c_more)
		return (c->c_state + 1);
	c->c_before += c->c_off;
	c->c_off = 0;
	strbuf_clear(&c->c_buf);
	c->c_bufoff = 0;
	return (ST_REQUEST);
}

/* Server and client differ in their steps; the machine is one. */
void
http_run(struct conn *c)
{
	const char *call;
	int error;

	if (c->c_server && c->c_state == ST_CONNECT)
		c->c_state = ST_HANDSHAKE; /* it was accepted connected */
	while (c->c_state != ST_DONE) {
		error =
		    c->c_server ? server_step(c, &call) : client_step(c, &call);
		if (error == EWOULDBLOCK)
			return;
		if (error != 0) {
			conn_fail(c, call, error);
			return;
		}
		TRACE(&c->c_app->a_world->w_tracer, app_event,
		    TS(c->c_app->a_sc->loc.name), TU(c->c_index), TS(call),
		    TU(c->c_off));
		c->c_state = http_next_state(c);
	}
	conn_close(c);
}
