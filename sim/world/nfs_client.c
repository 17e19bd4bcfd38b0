/*
 * A mount of NFS version 3, and what is done with it: a file is read, or
 * written, in calls of rsize bytes of which several are under way. With TLS
 * the probe of RFC 9289 comes first, then the daemon's handshake. Where that
 * does not come to TLS in the kernel the mount is refused, unless the scenario
 * wants another way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/kern/uio.h>

#include "nfs_priv.h"

#define PROBE_TIMEOUT (30 * SIM_SEC) /* rpctls_connect */

enum { PH_ROOT, PH_LOOKUP, PH_CREATE, PH_MOVE, PH_DONE };

static const struct nfs_fh root_fh = { 8, "ktls-sim" };

/* --- calls --- */

static struct nfs_slot *
slot_new(struct conn *c, struct nfs *n, unsigned proc)
{
	struct nfs_slot *ns = n->n_slots;

	while (ns->ns_used)
		ns++;
	*ns = (struct nfs_slot) { .ns_used = true,
		.ns_xid = n->n_xid++,
		.ns_proc = proc,
		.ns_at = timebase_now(c->c_app->a_world->w_tb) };
	n->n_nslots++;
	n->n_counts[proc].nc_calls++;
	return (ns);
}

/* The mark of the first call that moves data, made wrong. */
static void
spoil_mark(struct conn *c, struct nfs *n, unsigned proc, struct strbuf *sb)
{
	static const uint8_t empty[3 * RPC_MARK];
	struct strbuf wrong = { 0 };

	if (c->c_app->a_sc->marks == SC_MARKS_RIGHT || n->n_spoilt ||
	    (proc != NFSPROC_READ && proc != NFSPROC_WRITE))
		return;
	n->n_spoilt = true;
	if (c->c_app->a_sc->marks == SC_MARKS_TOO_LONG) {
		memset(sb->sb_str, 0xff, RPC_MARK);
		return;
	}
	strbuf_add(&wrong, empty, sizeof(empty));
	strbuf_add(&wrong, sb->sb_str, sb->sb_len);
	strbuf_fini(sb);
	*sb = wrong;
}

static struct nfs_slot *
call(struct conn *c, unsigned proc, enum rpc_flavor flavor,
    const struct nfs_args *na)
{
	struct nfs *n = c->c_data;
	struct nfs_slot *ns = slot_new(c, n, proc);
	struct strbuf sb = { 0 };

	rpc_put_call(&sb, ns->ns_xid, NFS_PROGRAM, NFS_V3, proc, flavor,
	    c->c_app->a_host->h_sc->loc.name);
	nfs_put_args(&sb, proc, na);
	rpc_put_end(&sb, (uint32_t)c->c_app->a_sc->fragment);
	spoil_mark(c, n, proc, &sb);
	nfs_send(c, &sb);
	return (ns);
}

/* --- replies --- */

static void
count_time(struct nfs_counts *nc, simtime_t t)
{
	if (nc->nc_ntimes == nc->nc_size) {
		nc->nc_size = MAX(2 * nc->nc_size, (size_t)16);
		nc->nc_times =
		    xrealloc(nc->nc_times, nc->nc_size * sizeof(*nc->nc_times));
	}
	nc->nc_times[nc->nc_ntimes++] = t;
}

static struct nfs_slot *
slot_of(struct conn *c, struct nfs *n, uint32_t xid)
{
	struct nfs_slot *ns;
	struct nfs_counts *nc;

	for (ns = n->n_slots; ns < n->n_slots + NFS_SLOTS; ns++)
		if (ns->ns_used && ns->ns_xid == xid)
			break;
	if (ns == n->n_slots + NFS_SLOTS)
		return (NULL);
	ns->ns_used = false;
	n->n_nslots--;
	nc = &n->n_counts[ns->ns_proc];
	nc->nc_replies++;
	count_time(nc, timebase_now(c->c_app->a_world->w_tb) - ns->ns_at);
	return (ns);
}

/* The probe's: may TLS begin? */
static int
probe_answered(struct conn *c, struct nfs *n, const struct rpc_reply *rp)
{
	n->n_starttls = !rp->rp_denied && rp->rp_starttls;
	n->n_probe = n->n_starttls ? RPC_STARTTLS
	    : rp->rp_denied	   ? rpc_auth_stat_name(rp->rp_auth_stat)
				   : "no STARTTLS";
	if (n->n_starttls || c->c_app->a_sc->fallback == SC_IN_CLEAR)
		return (0);
	return (nfs_failed(c, EPROTONOSUPPORT,
	    "the server does not speak TLS: %s to the probe", n->n_probe));
}

static int
call_failed(struct conn *c, struct nfs *n, const struct nfs_slot *ns,
    const char *what)
{
	n->n_counts[ns->ns_proc].nc_errors++;
	return (nfs_failed(c, EIO, "%s: %s", nfs_proc_name(ns->ns_proc), what));
}

static const char *
refusal(const struct rpc_reply *rp)
{
	static const char *const accepted[] = { "SUCCESS", "PROG_UNAVAIL",
		"PROG_MISMATCH", "PROC_UNAVAIL", "GARBAGE_ARGS", "SYSTEM_ERR" };

	if (!rp->rp_denied)
		return (accepted[rp->rp_stat]);
	return (rp->rp_stat == 0 ? "RPC_MISMATCH"
				 : rpc_auth_stat_name(rp->rp_auth_stat));
}

static void
data_read(struct conn *c, struct nfs *n, const struct nfs_res *nr)
{
	n->n_read += nr->nr_count;
	n->n_moved += nr->nr_count;
	c->c_off += nr->nr_count;
	c->c_app->a_delivered += nr->nr_count;
	story_read(c->c_app->a_world, c, nr->nr_count);
}

/* What the reply means for the mount; 0, or it cannot go on. */
static int
result(struct conn *c, struct nfs *n, const struct nfs_slot *ns,
    const struct nfs_res *nr)
{
	switch (ns->ns_proc) {
	case NFSPROC_GETATTR:
		nfs_mounted(c);
		n->n_phase = PH_LOOKUP;
		break;
	case NFSPROC_LOOKUP:
	case NFSPROC_CREATE:
		n->n_fh = nr->nr_fh;
		n->n_phase = PH_MOVE;
		if (n->n_vp == NULL)
			n->n_size = nr->nr_attr.at_size;
		break;
	case NFSPROC_READ:
		if (nr->nr_count != ns->ns_count)
			return (call_failed(c, n, ns, "a short answer"));
		data_read(c, n, nr);
		break;
	case NFSPROC_WRITE:
		if (nr->nr_count != ns->ns_count)
			return (call_failed(c, n, ns, "a short answer"));
		n->n_written += nr->nr_count;
		n->n_moved += nr->nr_count;
		c->c_off += nr->nr_count;
		break;
	default:
		break;
	}
	return (0);
}

static int
reply_results(struct conn *c, struct nfs *n, const struct nfs_slot *ns,
    struct xdr_in *xi)
{
	struct nfs_res nr;
	const char *why;

	if (nfs_get_res(xi, ns->ns_proc, &nr, &why) != 0) {
		n->n_bad++;
		return (call_failed(c, n, ns, why));
	}
	if (nr.nr_status == NFS_OK)
		return (result(c, n, ns, &nr));
	/* A file that is to be written need not be there. */
	if (ns->ns_proc == NFSPROC_LOOKUP && n->n_vp != NULL &&
	    nr.nr_status == NFSERR_NOENT) {
		n->n_counts[ns->ns_proc].nc_errors++;
		n->n_phase = PH_CREATE;
		return (0);
	}
	return (call_failed(c, n, ns, nfs_stat_name(nr.nr_status)));
}

static int
reply(struct conn *c)
{
	struct nfs *n = c->c_data;
	struct xdr_in xi = { n->n_reader.rr_buf, n->n_reader.rr_len, false };
	struct nfs_slot *ns;
	struct rpc_reply rp;
	const char *why;

	if (rpc_get_reply(&xi, &rp, &why) != 0) {
		n->n_bad++;
		return (nfs_failed(c, EBADMSG, "%s", why));
	}
	if ((ns = slot_of(c, n, rp.rp_xid)) == NULL) {
		n->n_bad++; /* dropped, as clnt_vc.c does */
		return (0);
	}
	if (c->c_state == ST_PROBE)
		return (probe_answered(c, n, &rp));
	if (rp.rp_denied || rp.rp_stat != RPC_SUCCESS)
		return (call_failed(c, n, ns, refusal(&rp)));
	return (reply_results(c, n, ns, &xi));
}

/* --- the mount --- */

static int
probe(struct conn *c, struct nfs *n)
{
	const struct nfs_args none = { { 0 } };
	int error;

	if (c->c_flow == NULL) {
		conn_flow(c);
		if (!c->c_app->a_sc->tls.present)
			return (0);
		(void)call(c, NFSPROC_NULL, AUTH_TLS, &none);
		nfs_timer(c, PROBE_TIMEOUT);
	}
	if (n->n_answered) /* nobody has */
		return (n->n_answer);
	if ((error = nfs_output(c)) != 0)
		return (error);
	if ((error = nfs_input(c, reply)) != EWOULDBLOCK)
		return (error != 0 ? error
				   : nfs_failed(c, ECONNRESET,
					 "the server closed at the probe"));
	if (n->n_nslots > 0)
		return (EWOULDBLOCK);
	timebase_cancel(c->c_app->a_world->w_tb, &n->n_timer);
	return (0);
}

static int
handshake(struct conn *c, struct nfs *n)
{
	int error;

	if (!n->n_starttls)
		return (0);
	if (n->n_upcalls == 0)
		nfs_upcall(c, UP_CONNECT);
	error = nfs_upcall_answer(c);
	if (error == ETIMEDOUT)
		return (nfs_failed(c, error,
		    "rpc.tlsclntd did not answer the upcall"));
	return (error);
}

/* Calls until as many are under way as may be, or nothing is left. */
static void
move(struct conn *c, struct nfs *n)
{
	const struct sc_app *sc = c->c_app->a_sc;
	uint8_t *bytes = n->n_vp != NULL ? xcalloc(1, sc->rsize) : NULL;
	struct nfs_args na = { .na_fh = n->n_fh,
		.na_stable = NFS_FILE_SYNC,
		.na_data = bytes };
	struct nfs_slot *ns;

	while (n->n_nslots <= sc->readahead && n->n_next < n->n_size) {
		na.na_offset = n->n_next;
		na.na_count = (uint32_t)MIN(sc->rsize, n->n_size - n->n_next);
		if (n->n_vp != NULL)
			vnode_peek(n->n_vp, n->n_next, bytes, na.na_count);
		ns = call(c, n->n_vp != NULL ? NFSPROC_WRITE : NFSPROC_READ,
		    AUTH_SYS, &na);
		ns->ns_offset = na.na_offset;
		ns->ns_count = na.na_count;
		n->n_next += na.na_count;
	}
	free(bytes);
	if (n->n_moved == n->n_size)
		n->n_phase = PH_DONE;
}

static void
next_calls(struct conn *c, struct nfs *n)
{
	const struct sc_app *sc = c->c_app->a_sc;
	struct nfs_args na = { .na_fh = root_fh };
	const char *path = sc->path != NULL ? sc->path : sc->upload;

	if (n->n_phase == PH_MOVE) {
		move(c, n);
		return;
	}
	if (n->n_nslots > 0 || n->n_phase == PH_DONE)
		return;
	memcpy(na.na_name, path + 1, strlen(path)); /* checked: it fits */
	(void)call(c,
	    n->n_phase == PH_ROOT	  ? NFSPROC_GETATTR
		: n->n_phase == PH_LOOKUP ? NFSPROC_LOOKUP
					  : NFSPROC_CREATE,
	    AUTH_SYS, &na);
}

/* Everything was called for: its direction may end already. */
static void
half_close(struct conn *c, struct nfs *n)
{
	if (!c->c_app->a_sc->half_close || n->n_half_closed ||
	    n->n_phase != PH_MOVE || n->n_next < n->n_size || n->n_nout > 0)
		return;
	n->n_half_closed = true;
	(void)soshutdown(c->c_so, 1);
}

/* Replies that came have made room for another call, or were the last. */
static bool
more_to_call(const struct conn *c, const struct nfs *n)
{
	if (n->n_phase != PH_MOVE)
		return (n->n_nslots == 0);
	return (n->n_moved == n->n_size ||
	    (n->n_nslots <= c->c_app->a_sc->readahead &&
		n->n_next < n->n_size));
}

/* The file goes over, call by call. */
static int
work(struct conn *c, struct nfs *n)
{
	const struct sc_app *sc = c->c_app->a_sc;
	int error;

	if (sc->upload != NULL && n->n_vp == NULL) {
		n->n_vp = vnode_lookup(c->c_app->a_host->h_vnet, sc->upload);
		n->n_size = vnode_size(n->n_vp);
	}
	error = nfs_upcall_answer(c);
	if (error == ETIMEDOUT)
		return (nfs_failed(c, error,
		    "rpc.tlsclntd did not answer the upcall"));
	if (error != 0 && error != EWOULDBLOCK)
		return (error);
	do {
		next_calls(c, n);
		if (n->n_phase == PH_DONE)
			return (0);
		error = nfs_output(c);
		if (error != 0 && error != EWOULDBLOCK)
			return (error);
		half_close(c, n);
		error = nfs_input(c, reply);
		if (error == 0 &&
		    !(n->n_phase == PH_MOVE && n->n_moved == n->n_size))
			return (nfs_failed(c, ECONNRESET,
			    "the server closed the connection"));
		if (error == 0)
			return (0); /* with all that was asked for */
		if (error != EWOULDBLOCK)
			return (error);
	} while (n->n_upcall == UP_NONE && more_to_call(c, n));
	return (EWOULDBLOCK);
}

static int
unmount(struct conn *c, struct nfs *n)
{
	if (n->n_transport != NFS_KERNEL)
		return (conn_notify(c));
	if (n->n_upcall == UP_NONE && !n->n_answered)
		nfs_upcall(c, UP_DISCONNECT);
	return (nfs_upcall_answer(c));
}

/* The server's own end; what it says is of no interest. */
static int
linger(struct conn *c, struct nfs *n)
{
	struct world *w = c->c_app->a_world;
	int error;

	if (n->n_transport != NFS_KERNEL)
		return (conn_linger(c));
	do {
		struct kiovec iov = { w->w_scratch, WORLD_SCRATCH };
		struct uio uio;

		uio_init(&uio, &iov, 1);
		error = soreceive(c->c_so, &uio, NULL, NULL);
		if (error == 0 && uio.uio_offset == 0)
			break;
	} while (error == 0);
	return (error == ECONNRESET ? 0 : error);
}

int
nfs_client_step(struct conn *c, const char **call_name)
{
	struct nfs *n = c->c_data;

	switch (c->c_state) {
	case ST_CONNECT:
		return (conn_connect(c));
	case ST_PROBE:
		return (probe(c, n));
	case ST_HANDSHAKE:
		return (handshake(c, n));
	case ST_SERVE:
		return (work(c, n));
	case ST_UNMOUNT:
		return (unmount(c, n));
	default:
		return (linger(c, n));
	}
}
