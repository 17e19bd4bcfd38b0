/*
 * A server's end: nfsd over sys/rpc. Calls come in one after the other and are
 * answered at once; files are those of the host, which clients read, and one
 * for each connection that CREATE makes, of which the length is kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>

#include "nfs_priv.h"

#define FH_LEN	8u
#define FH_MADE (1ULL << 32) /* and the connection: the file it made */

static const char root_fh[FH_LEN + 1] = "ktls-sim";

/* --- files --- */

static void
fh_put(struct nfs_fh *fh, uint64_t id)
{
	fh->fh_len = FH_LEN;
	be64enc(fh->fh_data, id);
}

/* Of a file of the host: its place in the list, from 1. */
static const struct sc_file *
fh_file(const struct conn *c, const struct nfs_fh *fh)
{
	const struct sc_host *h = c->c_app->a_host->h_sc;
	uint64_t id;

	if (fh->fh_len != FH_LEN)
		return (NULL);
	id = be64dec(fh->fh_data);
	return (id >= 1 && id <= h->nfiles ? &h->files[id - 1] : NULL);
}

static bool
fh_is_root(const struct nfs_fh *fh)
{
	return (
	    fh->fh_len == FH_LEN && memcmp(fh->fh_data, root_fh, FH_LEN) == 0);
}

static bool
fh_is_made(const struct conn *c, const struct nfs_fh *fh)
{
	const struct nfs *n = c->c_data;

	return (n->n_created != NULL && fh->fh_len == FH_LEN &&
	    be64dec(fh->fh_data) == FH_MADE + c->c_index);
}

static uint32_t
attributes(const struct conn *c, const struct nfs_fh *fh, struct nfs_res *nr)
{
	const struct nfs *n = c->c_data;
	const struct sc_file *f = fh_file(c, fh);

	nr->nr_has_attr = true;
	if (fh_is_root(fh))
		nr->nr_attr = (struct nfs_attr) { true, 512, 1 };
	else if (fh_is_made(c, fh))
		nr->nr_attr = (struct nfs_attr) { false, n->n_created_size,
			be64dec(fh->fh_data) };
	else if (f != NULL)
		nr->nr_attr = (struct nfs_attr) { false, f->size,
			be64dec(fh->fh_data) + 1 };
	else
		nr->nr_has_attr = false;
	return (nr->nr_has_attr ? NFS_OK : NFSERR_STALE);
}

static uint32_t
lookup(const struct conn *c, const struct nfs_args *na, struct nfs_res *nr)
{
	const struct sc_host *h = c->c_app->a_host->h_sc;
	const struct nfs *n = c->c_data;
	unsigned i = 0;

	if (!fh_is_root(&na->na_fh))
		return (NFSERR_STALE);
	if (n->n_created != NULL && strcmp(n->n_created, na->na_name) == 0) {
		fh_put(&nr->nr_fh, FH_MADE + c->c_index);
		return (attributes(c, &nr->nr_fh, nr));
	}
	while (
	    i < h->nfiles && strcmp(h->files[i].loc.name + 1, na->na_name) != 0)
		i++;
	if (i == h->nfiles)
		return (NFSERR_NOENT);
	fh_put(&nr->nr_fh, i + 1);
	return (attributes(c, &nr->nr_fh, nr));
}

/* *data: to be freed when the reply is made. */
static uint32_t
read_file(struct conn *c, const struct nfs_args *na, struct nfs_res *nr,
    uint8_t **data)
{
	const struct sc_file *f = fh_file(c, &na->na_fh);
	struct nfs *n = c->c_data;
	struct vnode *vp;

	if (f == NULL)
		return (
		    fh_is_made(c, &na->na_fh) ? NFSERR_NOTSUPP : NFSERR_STALE);
	(void)attributes(c, &na->na_fh, nr);
	if (na->na_offset < f->size)
		nr->nr_count =
		    (uint32_t)MIN((uint64_t)MIN(na->na_count, NFS_IOMAX),
			f->size - na->na_offset);
	nr->nr_eof = na->na_offset + nr->nr_count >= f->size;
	*data = xcalloc(1, nr->nr_count + 1);
	vp = vnode_lookup(c->c_app->a_host->h_vnet, f->loc.name);
	if (nr->nr_count > 0)
		vnode_peek(vp, na->na_offset, *data, nr->nr_count);
	nr->nr_data = *data;
	n->n_read += nr->nr_count;
	return (NFS_OK);
}

static uint32_t
write_file(struct conn *c, const struct nfs_args *na, struct nfs_res *nr)
{
	struct nfs *n = c->c_data;

	if (!fh_is_made(c, &na->na_fh))
		return (fh_file(c, &na->na_fh) != NULL ? NFSERR_NOTSUPP
						       : NFSERR_STALE);
	n->n_created_size =
	    MAX(n->n_created_size, na->na_offset + na->na_count);
	n->n_written += na->na_count;
	c->c_received += na->na_count;
	story_read(c->c_app->a_world, c, na->na_count);
	nr->nr_count = na->na_count;
	nr->nr_committed = NFS_FILE_SYNC;
	return (attributes(c, &na->na_fh, nr));
}

static uint32_t
create(struct conn *c, const struct nfs_args *na, struct nfs_res *nr)
{
	struct nfs *n = c->c_data;

	if (!fh_is_root(&na->na_fh))
		return (NFSERR_STALE);
	if (n->n_created != NULL)
		return (NFSERR_NOTSUPP);
	n->n_created = xstrdup(na->na_name);
	fh_put(&nr->nr_fh, FH_MADE + c->c_index);
	return (attributes(c, &nr->nr_fh, nr));
}

static uint32_t
perform(struct conn *c, unsigned proc, const struct nfs_args *na,
    struct nfs_res *nr, uint8_t **data)
{
	switch (proc) {
	case NFSPROC_GETATTR:
		return (attributes(c, &na->na_fh, nr));
	case NFSPROC_LOOKUP:
		return (lookup(c, na, nr));
	case NFSPROC_READ:
		return (read_file(c, na, nr, data));
	case NFSPROC_WRITE:
		return (write_file(c, na, nr));
	case NFSPROC_CREATE:
		return (create(c, na, nr));
	default:
		return (NFS_OK);
	}
}

/* --- calls --- */

static void
send(struct conn *c, struct strbuf *sb)
{
	rpc_put_end(sb, (uint32_t)c->c_app->a_sc->fragment);
	nfs_send(c, sb);
}

static void
accepted(struct conn *c, uint32_t xid, enum rpc_accept_stat stat)
{
	struct strbuf sb = { 0 };

	rpc_put_accepted(&sb, xid, stat, false);
	send(c, &sb);
}

static int
denied(struct conn *c, const struct rpc_call *rc, enum rpc_auth_stat why)
{
	struct strbuf sb = { 0 };
	struct nfs *n = c->c_data;

	if (nfs_proc_name(rc->rc_proc) != NULL)
		n->n_counts[rc->rc_proc].nc_errors++;
	rpc_put_denied(&sb, rc->rc_xid, why);
	send(c, &sb);
	return (0);
}

/* _svcauth_rpcsec_tls: the probe. The answer goes out, then the daemon is
 * called. */
static int
probed(struct conn *c, struct nfs *n, const struct rpc_call *rc)
{
	struct strbuf sb = { 0 };

	if (rc->rc_cred_len != 0 || rc->rc_verf_len != 0 ||
	    rc->rc_verf_flavor != AUTH_NONE)
		return (denied(c, rc, RPC_AUTH_BADCRED));
	n->n_probe = rpc_auth_stat_name(RPC_AUTH_REJECTEDCRED);
	if (rc->rc_proc != NFSPROC_NULL || !c->c_app->a_sc->tls.present ||
	    n->n_transport != NFS_CLEAR)
		return (denied(c, rc, RPC_AUTH_REJECTEDCRED));
	n->n_probe = RPC_STARTTLS;
	n->n_starttls = true;
	rpc_put_accepted(&sb, rc->rc_xid, RPC_SUCCESS, true);
	send(c, &sb);
	return (0);
}

static int
procedure(struct conn *c, struct nfs *n, const struct rpc_call *rc,
    struct xdr_in *xi)
{
	struct nfs_res nr = { 0 };
	struct strbuf sb = { 0 };
	uint8_t *data = NULL;
	struct nfs_args na;

	if (nfs_proc_name(rc->rc_proc) == NULL) {
		accepted(c, rc->rc_xid, RPC_PROC_UNAVAIL);
		return (0);
	}
	if (nfs_get_args(xi, rc->rc_proc, &na) != 0) {
		n->n_bad++;
		accepted(c, rc->rc_xid, RPC_GARBAGE_ARGS);
		return (0);
	}
	nr.nr_status = perform(c, rc->rc_proc, &na, &nr, &data);
	n->n_counts[rc->rc_proc].nc_errors += nr.nr_status != NFS_OK;
	rpc_put_accepted(&sb, rc->rc_xid, RPC_SUCCESS, false);
	nfs_put_res(&sb, rc->rc_proc, &nr);
	free(data);
	send(c, &sb);
	return (0);
}

static int
called(struct conn *c, struct nfs *n, const struct rpc_call *rc,
    struct xdr_in *xi)
{
	if (rc->rc_prog != NFS_PROGRAM || rc->rc_vers != NFS_V3) {
		accepted(c, rc->rc_xid,
		    rc->rc_prog != NFS_PROGRAM ? RPC_PROG_UNAVAIL
					       : RPC_PROG_MISMATCH);
		return (0);
	}
	if (nfs_proc_name(rc->rc_proc) != NULL) {
		n->n_counts[rc->rc_proc].nc_calls++;
		n->n_counts[rc->rc_proc].nc_replies++;
	}
	if (rc->rc_flavor == AUTH_TLS)
		return (probed(c, n, rc));
	/* exports(5) are asked for a file, which NULL has not. */
	if (c->c_app->a_sc->require_tls && n->n_transport == NFS_CLEAR &&
	    rc->rc_proc != NFSPROC_NULL)
		return (denied(c, rc, RPC_AUTH_TOOWEAK));
	nfs_mounted(c);
	return (procedure(c, n, rc, xi));
}

static int
record(struct conn *c)
{
	struct nfs *n = c->c_data;
	struct xdr_in xi = { n->n_reader.rr_buf, n->n_reader.rr_len, false };
	struct rpc_call rc;
	const char *why;
	int error;

	if (rpc_get_call(&xi, &rc, &why) != 0) {
		n->n_bad++;
		return (nfs_failed(c, EBADMSG, "%s", why));
	}
	if ((error = called(c, n, &rc, &xi)) != 0)
		return (error);
	error = nfs_output(c);
	if (error != 0 && error != EWOULDBLOCK)
		return (error);
	/* Nothing more is read before this is TLS. */
	if (n->n_starttls && n->n_transport == NFS_CLEAR && n->n_upcalls == 0)
		nfs_upcall(c, UP_CONNECT);
	return (0);
}

/* An upcall's end; EWOULDBLOCK: none. */
static int
upcall_over(struct conn *c)
{
	int error = nfs_upcall_answer(c);

	if (error == ETIMEDOUT)
		return (nfs_failed(c, error,
		    "rpc.tlsservd did not answer the upcall"));
	return (error);
}

static int
serve(struct conn *c, struct nfs *n)
{
	int error;

	if (c->c_flow == NULL)
		conn_flow(c);
	error = upcall_over(c);
	if (error != 0 && error != EWOULDBLOCK)
		return (error);
	error = nfs_output(c);
	if (error != 0)
		return (error);
	/* The other end is done; so is this one, when all was answered. */
	if (n->n_eof)
		return (0);
	do {
		error = nfs_input(c, record);
		if (error != 0)
			return (error);
		error = nfs_output(c);
	} while (error == 0 && !n->n_eof);
	return (error);
}

static int
disconnect(struct conn *c, struct nfs *n)
{
	int error;

	if (n->n_transport != NFS_KERNEL) {
		error = conn_notify(c);
		return (error == EPIPE ? 0 : error);
	}
	if (n->n_upcall == UP_NONE && !n->n_answered)
		nfs_upcall(c, UP_DISCONNECT);
	return (upcall_over(c));
}

int
nfs_server_step(struct conn *c, const char **call)
{
	struct nfs *n = c->c_data;

	if (c->c_state == ST_SERVE)
		return (serve(c, n));
	return (c->c_state == ST_UNMOUNT ? disconnect(c, n) : 0);
}
