/*
 * HTTP/1.1 over TLS, as plain as it gets: one request after the other on a
 * connection, headers by write, files by sendfile where the kernel holds the
 * transmit key; the last request asks to close. What server and client share;
 * their steps are in http_server.c and http_client.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/kern/uio.h>

#include "http_priv.h"

static const char *const http_states[] = { "connects", "shakes hands",
	"request", "upload", "header", "body", "close notify", "lingers",
	"done" };

/* These bytes of the file go next; they are the ledger's, too. */
void
http_set_file(struct conn *c, struct vnode *vp, uint64_t off, uint64_t len)
{
	c->c_vp = vp;
	c->c_off = off;
	c->c_len = off + len;
	if (c->c_outside)
		ledger_outside(c->c_flow, LEDGER_S2C, len);
	else
		ledger_origin_file(c->c_flow,
		    c->c_server ? LEDGER_S2C : LEDGER_C2S, vp, off, len);
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
int
http_read_header(struct conn *c)
{
	size_t want, n;
	char piece[4];
	int error;

	while ((want = http_header_missing(c)) > 0) {
		if (c->c_buf.sb_len >= HTTP_HEAD_MAX)
			return (EMSGSIZE);
		if ((error = conn_read(c, piece, want, &n)) != 0)
			return (error);
		if (n == 0)
			return (ECONNRESET);
		conn_was_read(c, piece, n);
		strbuf_add(&c->c_buf, piece, n);
	}
	return (0);
}

/* Write the rest of c_buf. */
int
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

void
http_set_buf(struct conn *c, char *text)
{
	strbuf_clear(&c->c_buf);
	strbuf_adds(&c->c_buf, text);
	c->c_bufoff = 0;
	if (c->c_outside)
		ledger_outside(c->c_flow, LEDGER_S2C, strlen(text));
	else
		ledger_origin_bytes(c->c_flow,
		    c->c_server ? LEDGER_S2C : LEDGER_C2S, text, strlen(text));
	free(text);
}

static void
http_paged_in(void *arg, int error)
{
	struct conn *c = arg;

	c->c_paging--;
	if (error != 0)
		c->c_page_error = error;
	if (c->c_paging == 0 && c->c_so != NULL)
		conn_post(c, 0);
}

/*
 * read(2) of a file: its pages come from the page cache, or the disk is waited
 * for (by this connection, as with aio or a thread that reads).
 */
static int
http_page_in(struct conn *c, uint32_t len)
{
	struct vm *vm = c->c_app->a_host->h_vnet->v_vm;
	uint64_t first = MAX(c->c_off, c->c_paged) >> PAGE_SHIFT;
	uint64_t last = (c->c_off + len - 1) >> PAGE_SHIFT;
	vm_paddr_t pa;
	bool cold;

	for (uint64_t i = first; i <= last; i++) {
		pa = vnode_getpage(c->c_vp, i, false, &cold, http_paged_in, c);
		if (pa == 0)
			return (ENOMEM);
		c->c_paging += cold;
		vm_page_rele(vm, pa);
	}
	c->c_paged = (last + 1) << PAGE_SHIFT;
	return (c->c_paging > 0 ? EWOULDBLOCK : 0);
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
		if (c->c_paging > 0)
			return (EWOULDBLOCK);
		if (c->c_page_error != 0)
			return (c->c_page_error);
		if (c->c_off + want > c->c_paged &&
		    (error = http_page_in(c, want)) != 0)
			return (error);
		vnode_peek(c->c_vp, c->c_off, w->w_scratch, want);
		error = conn_write(c, w->w_scratch, want, &n);
		c->c_off += n;
		c->c_sent += n;
		c->c_copied += n;
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
	uint32_t from = conn_stream_end(c);
	int error;

	uio_init(&uio, &iov, 1);
	if (c->c_ep != NULL)
		error = tls_endpoint_sendfile(c->c_ep, c->c_vp, c->c_off,
		    c->c_len - c->c_off, hdr, sent);
	else
		error = sosendfile(c->c_so, c->c_vp, c->c_off,
		    c->c_len - c->c_off, hdr, 0, sent);
	if (error != EOPNOTSUPP)
		conn_wrote(c, *sent, from, "sendfile");
	c->c_bufoff += uio.uio_offset;
	*sent -= MIN(*sent, uio.uio_offset);
	return (error);
}

static bool
misreads(const struct conn *c, int how, enum defect d)
{
	return (c->c_misreads == how ||
	    defect_on(&c->c_app->a_world->w_opts.wo_defects, d));
}

/* EAGAIN taken for something else; true: for the end of the file. */
static bool
http_misreads(struct conn *c, uint64_t *sent)
{
	if (misreads(c, SC_MISREADS_EAGAIN, DEFECT_APP_EAGAIN_EOF)) {
		c->c_off = c->c_len;
		return (true);
	}
	if (*sent > 0 && !c->c_resent &&
	    misreads(c, SC_MISREADS_PARTIAL, DEFECT_APP_RESEND)) {
		c->c_resent = true; /* as if nothing was taken */
		*sent = 0;
	}
	return (false);
}

int
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
		if (error == EAGAIN && http_misreads(c, &sent))
			return (0);
		c->c_off += sent;
		c->c_sent += sent;
		if (error != 0)
			return (error == EAGAIN ? EWOULDBLOCK : error);
	}
	return (0);
}

/* The body is through: to the next request, or to the end. */
static int
http_next_state(struct conn *c)
{
	if (c->c_state == ST_REQUEST && !c->c_upload)
		return (ST_HEADER);
	if (c->c_state != ST_BODY)
		return (c->c_state + 1);
	if (!c->c_more)
		return (ST_NOTIFY);
	c->c_before += c->c_off;
	c->c_off = 0;
	strbuf_clear(&c->c_buf);
	c->c_bufoff = 0;
	return (ST_REQUEST);
}

/* Server and client differ in their steps only. */
static int
http_step(struct conn *c, const char **call)
{
	return (c->c_server ? http_server_step(c, call)
			    : http_client_step(c, call));
}

static void
http_run(struct conn *c)
{
	static const struct conn_machine m = { http_step, http_next_state,
		ST_DONE };

	if (c->c_server && c->c_state == ST_CONNECT)
		c->c_state = ST_HANDSHAKE; /* it was accepted connected */
	conn_machine(c, &m);
}

const struct app_ops http_ops = { .ao_run = http_run,
	.ao_collect = http_collect,
	.ao_states = http_states };
