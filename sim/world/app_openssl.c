/*
 * Programs of OpenSSL: each does with its connections what its list of calls
 * says, and notes what became of each. What a kernel or a policy refuses is an
 * answer, with which the program goes on as a real one would: SSL_sendfile
 * without a kernel that encrypts becomes read and SSL_write.
 *
 * libssl keeps the place of a buffer that it could not write: chunks stand in
 * one of the connection's own until they are through.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/kern/ktls.h>

#include "world_priv.h"

enum { ST_CONNECT, ST_HANDSHAKE, ST_CALLS, ST_NOTIFY, ST_LINGER, ST_DONE };

static const char *const states[] = { "connects", "shakes hands", "calls",
	"close notify", "lingers", "done" };

struct program {
	unsigned pr_at;	   /* of its calls */
	uint64_t pr_done;  /* bytes of this call */
	uint64_t pr_wrote; /* of the pattern, all calls */
	uint8_t *pr_buf;   /* the chunk that is being written */
	size_t pr_len, pr_off;
	bool pr_copies; /* sendfile without a kernel */
	bool pr_notified;
	simtime_t pr_until; /* of a pause */
	struct program_result pr_res;
};

static unsigned
way(const struct conn *c)
{
	return (c->c_server ? LEDGER_S2C : LEDGER_C2S);
}

/* --- writing --- */

/* The next bytes into the buffer; they are declared here. */
static void
chunk_fill(struct conn *c, struct program *pr, struct vnode *vp, uint64_t at,
    uint64_t len)
{
	if (pr->pr_buf == NULL)
		pr->pr_buf = xcalloc(1, 1 << 20);
	pr->pr_len = (size_t)len;
	pr->pr_off = 0;
	vnode_peek(vp, at, pr->pr_buf, (uint32_t)len);
	if (!pr->pr_copies) /* or it was, as a part of the file */
		ledger_origin_file(c->c_flow, way(c), vp, at, len);
}

/* What is left of the chunk; 0: all of it is written. */
static int
chunk_write(struct conn *c, struct program *pr, struct call_result *cr,
    bool partial)
{
	size_t n, want;
	int error;

	while (pr->pr_off < pr->pr_len) {
		want = pr->pr_len - pr->pr_off;
		error = conn_write_call(c, pr->pr_buf + pr->pr_off, want,
		    partial, &n);
		cr->cr_calls++;
		cr->cr_again += error == EWOULDBLOCK;
		cr->cr_short += error == 0 && n < want;
		cr->cr_bytes += n;
		pr->pr_off += n;
		pr->pr_done += n;
		if (error != 0)
			return (error);
	}
	return (0);
}

static int
call_write(struct conn *c, struct program *pr, const struct sc_call *k,
    struct call_result *cr)
{
	struct vnode *vp = vnode_lookup(c->c_app->a_host->h_vnet, IPERF_FILE);
	uint64_t at, len;
	int error;

	for (;;) {
		error = chunk_write(c, pr, cr, k->call == SC_CALL_WRITE_EX);
		if (error != 0 || pr->pr_done == k->bytes)
			return (error);
		at = pr->pr_wrote % IPERF_FILE_SIZE;
		len = MIN(MIN(k->size, k->bytes - pr->pr_done),
		    IPERF_FILE_SIZE - at);
		chunk_fill(c, pr, vp, at, len);
		pr->pr_wrote += len;
	}
}

/* --- SSL_sendfile --- */

static int
copy_file(struct conn *c, struct program *pr, struct vnode *vp, uint64_t from,
    uint64_t len, struct call_result *cr)
{
	int error;

	for (;;) {
		error = chunk_write(c, pr, cr, false);
		if (error != 0 || pr->pr_done == len)
			return (error);
		chunk_fill(c, pr, vp, from + pr->pr_done,
		    MIN(len - pr->pr_done, (uint64_t)16384));
	}
}

static int
sendfile_once(struct conn *c, struct program *pr, struct vnode *vp,
    uint64_t from, uint64_t len, struct call_result *cr)
{
	uint32_t at = conn_stream_end(c);
	uint64_t sent = 0;
	int error;

	error = tls_endpoint_sendfile(c->c_ep, vp, from + pr->pr_done,
	    len - pr->pr_done, NULL, &sent);
	cr->cr_calls++;
	if (error == EOPNOTSUPP) {
		cr->cr_error = error;
		cr->cr_why = "BIO_get_ktls_send is 0: it reads the file and "
			     "calls SSL_write";
		pr->pr_copies = true;
		return (0);
	}
	conn_wrote(c, sent, at, "sendfile");
	cr->cr_again += error == EWOULDBLOCK;
	cr->cr_short += error == EWOULDBLOCK && sent > 0;
	cr->cr_bytes += sent;
	pr->pr_done += sent;
	return (error);
}

static int
call_sendfile(struct conn *c, struct program *pr, const struct sc_call *k,
    struct call_result *cr)
{
	struct vnode *vp = vnode_lookup(c->c_app->a_host->h_vnet, k->file);
	uint64_t len = k->bytes != 0 ? k->bytes : vnode_size(vp) - k->offset;
	int error;

	if (cr->cr_calls == 0)
		ledger_origin_file(c->c_flow, way(c), vp, k->offset, len);
	while (pr->pr_done < len) {
		error = pr->pr_copies
		    ? copy_file(c, pr, vp, k->offset, len, cr)
		    : sendfile_once(c, pr, vp, k->offset, len, cr);
		if (error != 0)
			return (error == EAGAIN ? EWOULDBLOCK : error);
	}
	return (0);
}

/* --- reading --- */

static void
was_read(struct conn *c, size_t n)
{
	conn_was_read(c, c->c_app->a_world->w_scratch, n);
	story_read(c->c_app->a_world, c, n);
	c->c_off += n;
	if (c->c_server)
		c->c_received += n;
	else
		c->c_app->a_delivered += n;
}

static int
call_read(struct conn *c, struct program *pr, const struct sc_call *k,
    struct call_result *cr)
{
	uint64_t left;
	size_t n;
	int error;

	for (;;) {
		left = k->bytes != 0 ? k->bytes - pr->pr_done : UINT64_MAX;
		if (left == 0)
			return (0);
		error = conn_read(c, c->c_app->a_world->w_scratch,
		    (size_t)MIN(MIN(left, k->size), (uint64_t)WORLD_SCRATCH),
		    &n);
		cr->cr_calls++;
		cr->cr_again += error == EWOULDBLOCK;
		cr->cr_bytes += n;
		pr->pr_done += n;
		if (n > 0)
			was_read(c, n);
		if (error != 0)
			return (error);
		if (n == 0) /* an end, wanted or not */
			return (k->bytes == 0 ? 0 : ECONNRESET);
	}
}

/* --- the others --- */

/* A refusal is an answer. */
static int
refused(struct call_result *cr, int error, const char *why)
{
	if (error != EOPNOTSUPP)
		return (error);
	cr->cr_error = error;
	cr->cr_why = why;
	return (0);
}

/* Linux hands the state of its keys back; FreeBSD knows no such question. */
static int
call_take_back(struct conn *c, struct call_result *cr)
{
	struct tls_enable en;
	struct sockopt so_opt = { .sopt_level = KIPPROTO_TCP,
		.sopt_name = TCP_TXTLS_ENABLE,
		.sopt_val = &en,
		.sopt_valsize = sizeof(en) };

	cr->cr_error = sogetopt(c->c_so, &so_opt);
	cr->cr_why = "the kernel gives no keys and no record numbers back";
	return (cr->cr_error != 0 ? 0 : EPROTO);
}

static int
call_pause(struct conn *c, struct program *pr, const struct sc_call *k)
{
	simtime_t now = timebase_now(c->c_app->a_world->w_tb);

	if (pr->pr_until == 0)
		pr->pr_until = now + k->time;
	if (now >= pr->pr_until) {
		pr->pr_until = 0;
		return (0);
	}
	conn_post(c, pr->pr_until - now);
	return (EWOULDBLOCK);
}

static int
call(struct conn *c, struct program *pr, const struct sc_call *k,
    struct call_result *cr)
{
	const char *why = NULL;
	int error;

	switch (k->call) {
	case SC_CALL_WRITE:
	case SC_CALL_WRITE_EX:
		return (call_write(c, pr, k, cr));
	case SC_CALL_SENDFILE:
		return (call_sendfile(c, pr, k, cr));
	case SC_CALL_READ:
		return (call_read(c, pr, k, cr));
	case SC_CALL_PAUSE:
		return (call_pause(c, pr, k));
	default:
		break;
	}
	cr->cr_calls++;
	switch (k->call) {
	case SC_CALL_KEY_UPDATE:
		error = tls_endpoint_key_update(c->c_ep, k->request, &why);
		return (refused(cr, error, why));
	case SC_CALL_RENEGOTIATE:
		error = tls_endpoint_renegotiate(c->c_ep, &why);
		return (refused(cr, error, why));
	case SC_CALL_TAKE_BACK:
		return (call_take_back(c, cr));
	default:
		error = conn_notify(c);
		pr->pr_notified = error == 0;
		return (error);
	}
}

/* --- the machine --- */

static int
all_calls(struct conn *c, struct program *pr)
{
	const struct sc_app *sc = c->c_app->a_sc;
	struct call_result *cr;
	int error;

	for (; pr->pr_at < sc->ncalls; pr->pr_at++) {
		cr = &pr->pr_res.pg_calls[pr->pr_at];
		if (!cr->cr_begun) {
			cr->cr_begun = true;
			cr->cr_from = timebase_now(c->c_app->a_world->w_tb);
			pr->pr_done = 0;
			pr->pr_len = pr->pr_off = 0;
			pr->pr_copies = false;
		}
		error = call(c, pr, &sc->calls[pr->pr_at], cr);
		if (error != 0)
			return (error);
		cr->cr_ended = true;
		cr->cr_to = timebase_now(c->c_app->a_world->w_tb);
	}
	return (0);
}

/* What BIO_get_ktls_send and _recv would say now. */
static void
note_keys(struct conn *c, struct program_result *pg)
{
	struct tls_endpoint_info te;

	tls_endpoint_info(c->c_ep, &te);
	pg->pg_shaken = timebase_now(c->c_app->a_world->w_tb);
	pg->pg_send = te.te_tx == TLS_PLACE_KERNEL;
	pg->pg_recv = te.te_rx == TLS_PLACE_KERNEL;
	pg->pg_send_why = te.te_tx_reason;
	pg->pg_recv_why = te.te_rx_reason;
	pg->pg_send_error = te.te_tx_error;
	pg->pg_recv_error = te.te_rx_error;
}

static int
program_step(struct conn *c, const char **name)
{
	struct program *pr = c->c_data;
	int error;

	*name = states[c->c_state];
	switch (c->c_state) {
	case ST_CONNECT:
		return (c->c_server ? 0 : conn_connect(c));
	case ST_HANDSHAKE:
		if ((error = conn_handshake(c)) == 0)
			note_keys(c, &pr->pr_res);
		return (error);
	case ST_CALLS:
		*name = pr->pr_at < c->c_app->a_sc->ncalls
		    ? sc_call_names[c->c_app->a_sc->calls[pr->pr_at].call]
		    : "calls";
		return (all_calls(c, pr));
	case ST_NOTIFY:
		return (pr->pr_notified ? 0 : conn_notify(c));
	default:
		return (conn_linger(c));
	}
}

static int
program_next(struct conn *c)
{
	return (c->c_state + 1);
}

static struct program *
program_create(const struct conn *c)
{
	const struct sc_app *sc = c->c_app->a_sc;
	struct program *pr = xcalloc(1, sizeof(*pr));
	struct program_result *pg = &pr->pr_res;

	pg->pg_app = sc->loc.name;
	pg->pg_conn = c->c_index;
	pg->pg_server = c->c_server;
	pg->pg_tx_asked = sc->tls.tx == TLS_PLACE_KERNEL;
	pg->pg_rx_asked = sc->tls.rx == TLS_PLACE_KERNEL;
	pg->pg_ncalls = sc->ncalls;
	pg->pg_calls = xcalloc(sc->ncalls, sizeof(*pg->pg_calls));
	for (unsigned i = 0; i < sc->ncalls; i++)
		pg->pg_calls[i].cr_call = sc_call_names[sc->calls[i].call];
	return (pr);
}

static void
program_run(struct conn *c)
{
	static const struct conn_machine m = { program_step, program_next,
		ST_DONE };

	if (c->c_data == NULL)
		c->c_data = program_create(c);
	conn_machine(c, &m);
}

/* The endpoint is about to go: what it knows of the end. */
static void
program_end(struct conn *c)
{
	struct program *pr = c->c_data;

	if (pr == NULL)
		return;
	pr->pr_res.pg_failed = c->c_failed;
	free(pr->pr_buf);
	pr->pr_buf = NULL;
}

/* --- the report --- */

static void
program_collect(struct app *a)
{
	struct result *r = &a->a_world->w_res;
	struct program_result *pg;
	struct conn *c;

	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		if (c->c_data == NULL)
			continue;
		r->r_programs = xrealloc(r->r_programs,
		    (r->r_nprograms + 1) * sizeof(*r->r_programs));
		pg = &r->r_programs[r->r_nprograms++];
		*pg = ((struct program *)c->c_data)->pr_res;
		pg->pg_connected = c->c_established;
		pg->pg_tickets = c->c_side.tickets;
		pg->pg_resumed = c->c_side.resumed;
		pg->pg_key_updates = c->c_side.key_updates;
		pg->pg_failed = c->c_failed;
		pg->pg_error = c->c_tls_error;
	}
}

static void
program_free(struct conn *c)
{
	struct program *pr = c->c_data;

	free(pr->pr_buf);
	free(pr->pr_res.pg_calls);
	free(pr);
}

const struct app_ops program_ops = { .ao_run = program_run,
	.ao_end = program_end,
	.ao_collect = program_collect,
	.ao_free = program_free,
	.ao_states = states };
