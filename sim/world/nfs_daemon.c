/*
 * Upcalls of the kernel's RPC, and rpc.tlsclntd and rpc.tlsservd, who answer
 * them: sys/rpc/rpcsec_tls/rpctls_impl.c, usr.sbin/rpc.tlsclntd. Upcalls are
 * netlink messages to whoever listens: nobody there is known by the timeout
 * alone. The socket is offered to the daemon with a reference of the offer's;
 * the daemon that comes takes it over, and from then on closes the socket. Who
 * waited in vain takes the offer back.
 */
#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/errnoname.h>

#include "nfs_priv.h"

static bool
upcall_ref_forgotten(const struct conn *c)
{
	return (defect_on(&c->c_app->a_world->w_opts.wo_defects,
	    DEFECT_RPC_UPCALL_REF));
}

static void
say(struct conn *c, const char *what, uint64_t value)
{
	TRACE(&c->c_app->a_world->w_tracer, app_event,
	    TS(c->c_app->a_sc->loc.name), TU(c->c_index), TS(what), TU(value));
}

/* --- the kernel --- */

static void
answer(struct conn *c, struct nfs *n, int error)
{
	simtime_t now = timebase_now(c->c_app->a_world->w_tb);

	timebase_cancel(c->c_app->a_world->w_tb, &n->n_timer);
	if (n->n_upcall == UP_CONNECT)
		n->n_handshake = now - n->n_upcall_at;
	n->n_upcall = UP_NONE;
	n->n_taken = false;
	n->n_answered = true;
	n->n_answer = error;
	n->n_upcalls_failed += error != 0;
	say(c, "upcall answered", (uint64_t)error);
	conn_post(c, 0);
}

/*
 * Nobody took the socket: the offer's reference goes. It must not be that of
 * the connection, which closes its socket itself.
 */
static void
take_back(struct conn *c, struct nfs *n)
{
	struct socket *so = n->n_entry;
	char *text;

	n->n_entry = NULL;
	if (so == c->c_so && so->so_refs < 2) {
		text = xasprintf("%s#%u: an upcall that failed gives back a "
				 "reference of the socket that it never took: "
				 "the connection's own",
		    c->c_app->a_sc->loc.name, c->c_index);
		invariant_broken(c->c_app->a_world, 6, text);
		free(text);
		return;
	}
	sorele(so);
}

static void
daemon_close(struct nfs *n)
{
	struct socket *so = n->n_fd;

	n->n_fd = NULL;
	if (so == NULL)
		return;
	(void)soshutdown(so, 2);
	sorele(so);
}

/* rpctls_rpc_failed: a daemon that hangs in libssl is helped out of it. */
static void
timed_out(void *arg)
{
	struct nfs *n = arg;
	struct conn *c = n->n_conn;

	if (n->n_upcall == UP_NONE) { /* the probe's */
		(void)nfs_failed(c, ETIMEDOUT,
		    "no answer to the probe for 30 s");
		n->n_answered = true;
		n->n_answer = ETIMEDOUT;
		conn_post(c, 0);
		return;
	}
	say(c, "upcall timed out", (uint64_t)n->n_upcall);
	if (n->n_entry != NULL)
		take_back(c, n);
	else if (n->n_taken && n->n_upcall == UP_CONNECT) {
		(void)soshutdown(c->c_so, 0);
		if (!c->c_app->a_daemon_dead)
			(void)tls_endpoint_handshake(c->c_ep);
		daemon_close(n);
	}
	answer(c, n, ETIMEDOUT);
}

void
nfs_timer(struct conn *c, simtime_t delay)
{
	struct nfs *n = c->c_data;

	timebase_cancel(c->c_app->a_world->w_tb, &n->n_timer);
	sim_event_init(&n->n_timer, EV_APP, "upcall's timeout", timed_out, n);
	timebase_post_in(c->c_app->a_world->w_tb, &n->n_timer, delay);
}

int
nfs_upcall_answer(struct conn *c)
{
	struct nfs *n = c->c_data;

	if (!n->n_answered)
		return (EWOULDBLOCK);
	n->n_answered = false;
	return (n->n_answer);
}

/* --- the daemon --- */

/* The process ends: its sockets are closed, and it answers nobody any more. */
static void
daemon_dies(struct app *a)
{
	struct conn *c;
	struct nfs *n;

	a->a_daemon_dead = true;
	TAILQ_FOREACH(c, &a->a_conns, c_link) {
		n = c->c_data;
		if (n == NULL || n->n_fd == NULL)
			continue;
		say(c, "the daemon died", 0);
		daemon_close(n);
		if (c->c_so != NULL)
			conn_post(c, 0);
	}
}

/* What each direction of the handshake came to: BIO_get_ktls_send, _recv. */
static int
kernel_has_both(struct conn *c, struct nfs *n)
{
	struct tls_endpoint_info ti;
	bool tx, rx;
	int error;

	tls_endpoint_info(c->c_ep, &ti);
	tx = ti.te_tx == TLS_PLACE_KERNEL;
	rx = ti.te_rx == TLS_PLACE_KERNEL;
	if ((tx && rx) || c->c_app->a_sc->fallback != SC_REFUSE) {
		n->n_transport = tx && rx ? NFS_KERNEL : NFS_DAEMON;
		return (0);
	}
	error = tx ? ti.te_rx_error : ti.te_tx_error;
	return (nfs_failed(c, EPROTONOSUPPORT, "the kernel does not %s: %s%s%s",
	    tx ? "decrypt" : "encrypt", tx ? ti.te_rx_reason : ti.te_tx_reason,
	    error != 0 ? ", " : "", error != 0 ? errno_name(error) : ""));
}

static void
run_connect(struct conn *c, struct nfs *n)
{
	struct tls_endpoint_info ti;
	int error = tls_endpoint_handshake(c->c_ep);

	if (error == EWOULDBLOCK) {
		if (c->c_app->a_sc->daemon.dies == SC_DIES_IN_HANDSHAKE)
			daemon_dies(c->c_app);
		return;
	}
	if (error == 0)
		error = kernel_has_both(c, n);
	else {
		tls_endpoint_info(c->c_ep, &ti);
		(void)nfs_failed(c, error, "the handshake failed: %s",
		    ti.te_error != NULL ? ti.te_error : errno_name(error));
	}
	if (error != 0)
		daemon_close(n);
	answer(c, n, error);
}

void
nfs_mounted(struct conn *c)
{
	struct nfs *n = c->c_data;

	if (n->n_mounted)
		return;
	n->n_mounted = true;
	if (n->n_fd != NULL && c->c_app->a_sc->daemon.dies == SC_DIES_MOUNTED)
		daemon_dies(c->c_app);
}

static void
run_record(struct conn *c, struct nfs *n)
{
	struct tls_endpoint_info ti;
	bool closed;
	int error = tls_endpoint_handle_record(c->c_ep, &closed);

	if (error == EWOULDBLOCK)
		error = 0;
	if (error != 0) {
		tls_endpoint_info(c->c_ep, &ti);
		(void)nfs_failed(c, error, "%s",
		    ti.te_error != NULL ? ti.te_error : errno_name(error));
	}
	n->n_tells_eof |= closed;
	answer(c, n, error);
}

static void
run_disconnect(struct conn *c, struct nfs *n)
{
	int error = tls_endpoint_shutdown(c->c_ep);

	if (error == EWOULDBLOCK)
		return;
	(void)soshutdown(c->c_so, 1);
	sorele(n->n_fd);
	n->n_fd = NULL;
	answer(c, n, 0);
}

void
nfs_daemon_run(struct conn *c)
{
	struct nfs *n = c->c_data;

	if (!n->n_taken || c->c_app->a_daemon_dead)
		return;
	if (n->n_upcall == UP_CONNECT)
		run_connect(c, n);
	else if (n->n_upcall == UP_RECORD)
		run_record(c, n);
	else if (n->n_upcall == UP_DISCONNECT)
		run_disconnect(c, n);
}

/* It asks the kernel for the socket, and has a descriptor. */
static int
take_socket(struct conn *c, struct nfs *n)
{
	n->n_fd = n->n_entry;
	n->n_entry = NULL;
	if (upcall_ref_forgotten(c))
		soref(n->n_fd);
	return (conn_tls(c));
}

static void
comes(void *arg)
{
	struct nfs *n = arg;
	struct conn *c = n->n_conn;
	int error = 0;

	if (c->c_app->a_daemon_dead)
		return;
	if (n->n_upcall == UP_NONE) { /* EPERM: no such socket */
		n->n_late++;
		say(c, "the daemon is late", 0);
		return;
	}
	n->n_taken = true;
	if (n->n_upcall == UP_CONNECT)
		error = take_socket(c, n);
	if (error != 0) {
		daemon_close(n);
		answer(c, n, error);
		return;
	}
	nfs_daemon_run(c);
}

void
nfs_upcall(struct conn *c, enum nfs_upcall what)
{
	const struct sc_daemon *d = &c->c_app->a_sc->daemon;
	struct timebase *tb = c->c_app->a_world->w_tb;
	struct nfs *n = c->c_data;

	n->n_upcall = (int)what;
	n->n_upcall_at = timebase_now(tb);
	n->n_upcalls++;
	say(c, "upcall", (uint64_t)what);
	if (what == UP_CONNECT) {
		n->n_entry = c->c_so;
		if (!upcall_ref_forgotten(c))
			soref(n->n_entry);
	}
	nfs_timer(c, d->timeout);
	if (d->absent || c->c_app->a_daemon_dead)
		return;
	timebase_cancel(tb, &n->n_comes);
	sim_event_init(&n->n_comes, EV_APP, "the daemon comes", comes, n);
	timebase_post_in(tb, &n->n_comes, d->delay);
}

void
nfs_daemon_end(struct nfs *n)
{
	struct conn *c = n->n_conn;

	timebase_cancel(c->c_app->a_world->w_tb, &n->n_timer);
	n->n_upcall = UP_NONE;
	n->n_taken = false;
	if (n->n_entry != NULL && !upcall_ref_forgotten(c))
		take_back(c, n);
	n->n_entry = NULL;
	if (n->n_fd != NULL)
		sorele(n->n_fd);
	n->n_fd = NULL;
}
