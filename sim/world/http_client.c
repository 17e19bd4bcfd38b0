/* The client's side: connect, ask, compare what comes with the ledger. */
#include <errno.h>

#include "http_priv.h"

static void
client_ask(struct conn *c)
{
	const struct sc_app *sc = c->c_app->a_sc;
	const char *end;
	struct vnode *vp;

	c->c_more = ++c->c_requests < sc->requests;
	end = c->c_more ? "keep-alive" : "close";
	if (sc->upload == NULL) {
		http_set_buf(c,
		    xasprintf("GET %s HTTP/1.1\r\nHost: %s.sim\r\n"
			      "User-Agent: ktls-sim\r\nConnection: %s\r\n\r\n",
			sc->path, sc->server, end));
		return;
	}
	vp = vnode_lookup(c->c_app->a_host->h_vnet, sc->upload);
	c->c_upload = true;
	http_set_buf(c,
	    xasprintf("PUT %s HTTP/1.1\r\nHost: %s.sim\r\n"
		      "User-Agent: ktls-sim\r\nContent-Length: %ju\r\n"
		      "Connection: %s\r\n\r\n",
		sc->upload, sc->server, (uintmax_t)vnode_size(vp), end));
	http_set_file(c, vp, 0, vnode_size(vp));
}

static int
client_request(struct conn *c)
{
	if (c->c_buf.sb_len == 0)
		client_ask(c);
	return (http_write_buf(c));
}

static int
client_header(struct conn *c)
{
	struct http_response hp;
	const char *why;
	int error;

	if (c->c_bufoff != 0) {
		strbuf_clear(&c->c_buf);
		c->c_bufoff = 0;
	}
	if ((error = http_read_header(c)) != 0)
		return (error);
	error =
	    http_response_parse(c->c_buf.sb_str, c->c_buf.sb_len, &hp, &why);
	if (error != 0 || hp.hp_status != 200)
		return (EPROTO);
	c->c_len = hp.hp_length;
	c->c_off = 0;
	return (0);
}

int
http_read_body(struct conn *c, bool exactly)
{
	struct world *w = c->c_app->a_world;
	size_t n, may, want;
	int error;

	while (c->c_off < c->c_len) {
		want = exactly
		    ? (size_t)MIN(c->c_len - c->c_off, (uint64_t)WORLD_SCRATCH)
		    : WORLD_SCRATCH;
		may = conn_may_read(c, want);
		if (may == 0)
			return (EWOULDBLOCK);
		error = conn_read(c, w->w_scratch, may, &n);
		if (error != 0 && n == 0)
			return (error);
		if (n == 0)
			return (ECONNRESET);
		conn_was_read(c, w->w_scratch, n);
		c->c_off += n;
		c->c_read_bytes += n;
		if (!c->c_upload) {
			c->c_app->a_delivered += n;
			story_read(w, c, n);
		}
		if (conn_aborts(c))
			return (EWOULDBLOCK);
		if (error != 0)
			return (error); /* behind these bytes */
	}
	return (0);
}

int
http_client_step(struct conn *c, const char **call)
{
	switch (c->c_state) {
	case ST_CONNECT:
		*call = "connect";
		return (conn_connect(c));
	case ST_HANDSHAKE:
		*call = "handshake";
		return (conn_handshake(c));
	case ST_REQUEST:
		*call = "write request";
		return (client_request(c));
	case ST_UPLOAD:
		*call = "sendfile";
		return (http_send_body(c));
	case ST_HEADER:
		*call = "read header";
		return (client_header(c));
	case ST_BODY:
		*call = "read body";
		return (http_read_body(c, false));
	case ST_NOTIFY:
		*call = "shutdown";
		return (conn_notify(c));
	default:
		*call = "close";
		return (conn_linger(c));
	}
}
