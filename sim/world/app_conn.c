/* What applications of all types do with their connections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/kern/uio.h>
#include <ktsim/netinet/tcp_var.h>

#include "world_priv.h"

int
conn_connect(struct conn *c)
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

/* OpenSSL programs leave all records that are no data to the library; those
 * that resume have a session of their own. */
static void
conn_library(const struct conn *c, struct tls_params *tp)
{
	const struct sc_app *sc = c->c_app->a_sc;

	if (c->c_app->a_ops != &program_ops)
		return;
	tp->tp_session = sc->resume ? sc->loc.name : "";
	tp->tp_key_update = (enum tls_key_update)sc->key_update;
}

int
conn_tls(struct conn *c)
{
	const struct sc_tls *t = &c->c_app->a_sc->tls;
	struct world *w = c->c_app->a_world;
	struct tls_params tp = { .tp_server = c->c_server,
		.tp_version = 10 + c->c_version - SC_TLS_10,
		.tp_least = c->c_server ? 10 + t->least - SC_TLS_10 : 0,
		.tp_suite = sc_suite_names[t->suite],
		.tp_tx = (enum tls_place)t->tx,
		.tp_rx = (enum tls_place)t->rx,
		.tp_handshake = (enum tls_handshake)t->handshake,
		.tp_seed = w->w_opts.wo_seed,
		.tp_alpn = c->c_app->a_ops->ao_alpn,
		.tp_spoil = t->spoil.present
		    ? (enum tls_spoil)(t->spoil.how + 1)
		    : TLS_SPOIL_NONE,
		.tp_spoil_record = t->spoil.record };
	char *name;
	int error;

	if (!t->present)
		return (0);
	name = xasprintf("%s#%u", c->c_app->a_sc->loc.name, c->c_index);
	tp.tp_name = name;
	conn_library(c, &tp);
	error = tls_endpoint_create(w->w_userland, c->c_so, &tp, &c->c_ep);
	free(name);
	return (error);
}

int
conn_read(struct conn *c, void *buf, size_t len, size_t *done)
{
	struct kiovec iov = { buf, len };
	struct uio uio;
	int error;

	if (c->c_node != NULL)
		error = ng_tls_read(c->c_node, buf, len, done);
	else if (c->c_ep != NULL)
		error = tls_endpoint_read(c->c_ep, buf, len, done);
	else {
		uio_init(&uio, &iov, 1);
		error = soreceive(c->c_so, &uio, NULL, NULL);
		*done = uio.uio_offset;
	}
	if (*done > 0)
		TRACE(&c->c_app->a_world->w_tracer, app_read,
		    TS(c->c_app->a_sc->loc.name), TU(c->c_index),
		    TU(c->c_read_off), TU(*done));
	c->c_read_off += *done;
	return (error);
}

uint32_t
conn_stream_end(const struct conn *c)
{
	const struct tcpcb *tp = sototcpcb(c->c_so);

	return (tp == NULL
		? 0
		: tp->snd_una - tp->iss - 1 + sbused(&c->c_so->so_snd));
}

void
conn_wrote(struct conn *c, size_t n, uint32_t from, const char *call)
{
	if (n > 0)
		TRACE(&c->c_app->a_world->w_tracer, app_write,
		    TS(c->c_app->a_sc->loc.name), TU(c->c_index),
		    TU(c->c_write_off), TU(n), TU(from), TU(conn_stream_end(c)),
		    TS(call));
	if (strcmp(call, "sendfile") == 0)
		c->c_by_sendfile += n;
	else
		c->c_by_write += n;
	c->c_write_off += n;
}

int
conn_write(struct conn *c, const void *buf, size_t len, size_t *done)
{
	struct kiovec iov = { (void *)(uintptr_t)buf, len };
	struct uio uio;
	int error;

	if (c->c_node != NULL)
		return (ng_tls_write(c->c_node, buf, len, done));
	/* libssl may have sent a part and ask for the same bytes again. */
	if (!c->c_write_begun)
		c->c_write_from = conn_stream_end(c);
	if (c->c_ep != NULL)
		error = tls_endpoint_write(c->c_ep, buf, len, done);
	else {
		uio_init(&uio, &iov, 1);
		error = sosend(c->c_so, &uio, NULL, 0);
		*done = uio.uio_offset;
	}
	conn_wrote(c, *done, c->c_write_from, "write");
	c->c_write_begun = *done == 0 && error == EWOULDBLOCK;
	return (error);
}

int
conn_write_call(struct conn *c, const void *buf, size_t len, bool partial,
    size_t *done)
{
	int error;

	if (!c->c_write_begun)
		c->c_write_from = conn_stream_end(c);
	error = tls_endpoint_write_call(c->c_ep, buf, len, partial, done);
	conn_wrote(c, *done, c->c_write_from, "write");
	c->c_write_begun = *done == 0 && error == EWOULDBLOCK;
	return (error);
}

void
conn_flow(struct conn *c)
{
	struct world *w = c->c_app->a_world;
	char *name;

	(void)so_sockname(c->c_so, &c->c_local);
	(void)so_peername(c->c_so, &c->c_remote);
	c->c_established = timebase_now(w->w_tb);
	c->c_outside = c->c_server && world_host_at(w, &c->c_remote) == NULL;
	name = xasprintf("%s#%u", c->c_app->a_sc->loc.name, c->c_index);
	c->c_flow = c->c_server
	    ? ledger_open(w->w_ledger, &c->c_remote, &c->c_local, NULL)
	    : ledger_open(w->w_ledger, &c->c_local, &c->c_remote, name);
	free(name);
}

int
conn_handshake(struct conn *c)
{
	struct tls_endpoint_info ti;
	int error;

	if (c->c_flow == NULL) {
		conn_flow(c);
		if ((error = conn_tls(c)) != 0)
			return (error);
	}
	if (c->c_ep == NULL)
		return (0);
	if ((error = tls_endpoint_handshake(c->c_ep)) != 0)
		return (error);
	tls_endpoint_info(c->c_ep, &ti);
	c->c_version = SC_TLS_10 + ti.te_version - 10;
	if (c->c_app->a_sc->tls.stack == SC_STACK_NODE)
		c->c_node = ng_tls_create(c);
	return (0);
}

void
conn_was_read(struct conn *c, const void *p, size_t n)
{
	if (!c->c_outside)
		ledger_read(c->c_flow, c->c_server ? LEDGER_C2S : LEDGER_S2C, p,
		    n);
}

/* Whatever else the peer says is of no interest, but has to be right. */
int
conn_linger(struct conn *c)
{
	struct world *w = c->c_app->a_world;
	size_t n;
	int error;

	do {
		error = conn_read(c, w->w_scratch, WORLD_SCRATCH, &n);
		if (n > 0)
			conn_was_read(c, w->w_scratch, n);
	} while (error == 0 && n > 0);
	return (error == ECONNRESET ? 0 : error);
}

int
conn_notify(struct conn *c)
{
	int error = 0;

	if (c->c_node != NULL && (error = ng_tls_drained(c->c_node)) != 0)
		return (error);
	if (c->c_ep != NULL)
		error = tls_endpoint_shutdown(c->c_ep);
	if (error == EWOULDBLOCK && c->c_server &&
	    defect_on(&c->c_app->a_world->w_opts.wo_defects,
		DEFECT_NOTIFY_LOST))
		error = 0;
	if (error == 0)
		(void)soshutdown(c->c_so, 1);
	return (error);
}

/* One machine for applications of all types: step by step until it blocks. */
void
conn_machine(struct conn *c, const struct conn_machine *m)
{
	const char *call;
	int error;

	while (c->c_state != m->cm_done) {
		error = m->cm_step(c, &call);
		if (error == EWOULDBLOCK)
			return;
		if (error != 0) {
			conn_fail(c, call, error);
			return;
		}
		TRACE(&c->c_app->a_world->w_tracer, app_event,
		    TS(c->c_app->a_sc->loc.name), TU(c->c_index), TS(call),
		    TU(c->c_off));
		c->c_state = m->cm_next(c);
	}
	conn_close(c);
}
