/*
 * Records of RPC over a socket that the kernel holds: sys/rpc's clnt_vc.c and
 * svc_vc.c. With TLS what is sent is copied into M_EXTPG mbufs cut to the size
 * of a record (_rpc_copym_into_ext_pgs), and reading says MSG_TLSAPPDATA: an
 * alert stays where it is, ENXIO, and is the daemon's; other records that are
 * no data (tickets) are thrown away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/kern/uio.h>

#include "nfs_priv.h"

static bool
lost_daemon(const struct conn *c, const struct nfs *n)
{
	return (c->c_app->a_daemon_dead && n->n_transport != NFS_CLEAR);
}

static int
daemon_died(struct conn *c)
{
	return (nfs_failed(c, ECONNRESET,
	    "the daemon died, and its sockets were closed"));
}

/* --- out --- */

static enum ledger_dir
out_dir(const struct conn *c)
{
	return (c->c_server ? LEDGER_S2C : LEDGER_C2S);
}

void
nfs_send(struct conn *c, struct strbuf *sb)
{
	struct nfs *n = c->c_data;
	struct nfs_msg *nm = xcalloc(1, sizeof(*nm) + sb->sb_len);

	nm->nm_len = sb->sb_len;
	memcpy(nm->nm_bytes, sb->sb_str, sb->sb_len);
	strbuf_fini(sb);
	STAILQ_INSERT_TAIL(&n->n_out, nm, nm_link);
	n->n_nout++;
	ledger_origin_bytes(c->c_flow, out_dir(c), nm->nm_bytes, nm->nm_len);
}

/* All or nothing, as the kernel sends. */
static int
send_chain(struct conn *c, struct nfs_msg *nm)
{
	const struct ktls_session *tls = c->c_so->so_snd.sb_tls_info;
	struct kiovec iov = { nm->nm_bytes, nm->nm_len };
	uint32_t from = conn_stream_end(c);
	struct mbuf *m;
	struct uio uio;
	int error;

	if (sbspace(&c->c_so->so_snd) < (long)nm->nm_len) {
		/* Gone, or just full? */
		error = so_cansend(c->c_so, false);
		return (error != 0 ? error : EWOULDBLOCK);
	}
	uio_init(&uio, &iov, 1);
	m = m_uiotombuf(c->c_so->so_vnet->v_mb, &uio, M_WAITOK, (int)nm->nm_len,
	    tls != NULL ? tls->params.max_frame_len : 0,
	    tls != NULL ? M_EXTPG : 0);
	if (m == NULL)
		return (ENOBUFS);
	error = sosend_chain(c->c_so, m, NULL, 0);
	if (error != 0)
		return (error);
	conn_wrote(c, nm->nm_len, from, "sosend");
	nm->nm_off = nm->nm_len;
	return (0);
}

/* Through the daemon: it writes by libssl. */
static int
send_by_daemon(struct conn *c, struct nfs_msg *nm)
{
	size_t done;
	int error;

	do {
		error = conn_write(c, nm->nm_bytes + nm->nm_off,
		    nm->nm_len - nm->nm_off, &done);
		nm->nm_off += done;
	} while (error == 0 && nm->nm_off < nm->nm_len);
	return (error);
}

/* Between two records of RPC. */
static int
send_alert(struct conn *c, struct nfs *n)
{
	int error = tls_endpoint_warn(c->c_ep, TLS_ALERT_USER_CANCELED);

	if (error != 0)
		return (error);
	n->n_alert_due = false;
	n->n_alerts_sent++;
	return (0);
}

static void
sent(struct conn *c, struct nfs *n, struct nfs_msg *nm)
{
	uint64_t every = c->c_app->a_sc->alert_every;

	n->n_sent++;
	n->n_sent_bytes += nm->nm_len;
	STAILQ_REMOVE_HEAD(&n->n_out, nm_link);
	n->n_nout--;
	free(nm);
	n->n_alert_due = n->n_transport == NFS_KERNEL && every != 0 &&
	    ++n->n_until_alert % every == 0;
}

int
nfs_output(struct conn *c)
{
	struct nfs *n = c->c_data;
	struct nfs_msg *nm;
	int error = 0;

	for (;;) {
		if (n->n_alert_due && (error = send_alert(c, n)) != 0)
			break;
		if ((nm = STAILQ_FIRST(&n->n_out)) == NULL)
			return (0);
		error = n->n_transport == NFS_DAEMON ? send_by_daemon(c, nm)
						     : send_chain(c, nm);
		if (error != 0)
			break;
		sent(c, n, nm);
	}
	if (error == EWOULDBLOCK)
		return (error);
	return (lost_daemon(c, n) ? daemon_died(c)
				  : nfs_failed(c, error, "sending failed: %s",
					errno_name(error)));
}

/* --- in --- */

/* Of which type the record is; frees the control message. */
static uint8_t
record_type(struct mbuf *control)
{
	uint8_t type = TLS_RLTYPE_APP;

	for (struct mbuf *m = control; m != NULL; m = m->m_next) {
		const struct kcmsghdr *cm = mtod(m, struct kcmsghdr *);

		if (cm->cmsg_type == TLS_GET_RECORD)
			type = *KCMSG_DATA(cm);
	}
	m_freem(control);
	return (type);
}

/* One soreceive. *data: these bytes are the stream's. */
static int
receive(struct conn *c, struct nfs *n, size_t *len, bool *data)
{
	bool any = defect_on(&c->c_app->a_world->w_opts.wo_defects,
	    DEFECT_RPC_ANY_RECORD);
	struct world *w = c->c_app->a_world;
	struct kiovec iov = { w->w_scratch, WORLD_SCRATCH };
	int error, flags = 0;
	struct mbuf *control = NULL;
	struct uio uio;
	uint8_t type;

	*data = true;
	*len = 0;
	if (n->n_transport == NFS_DAEMON)
		return (conn_read(c, w->w_scratch, WORLD_SCRATCH, len));
	if (n->n_transport == NFS_KERNEL && !any)
		flags = KMSG_TLSAPPDATA;
	uio_init(&uio, &iov, 1);
	error = soreceive(c->c_so, &uio, &control, &flags);
	*len = uio.uio_offset;
	type = record_type(control);
	if (error == 0 && type != TLS_RLTYPE_APP && !any) {
		*data = false;
		n->n_discarded++;
	}
	return (error);
}

/* Bytes of the stream: records, as far as they are whole. */
static int
stream(struct conn *c, struct nfs *n, size_t len, int (*record)(struct conn *))
{
	const uint8_t *p = c->c_app->a_world->w_scratch;
	const char *why = NULL;
	size_t used;
	int error;

	n->n_got_bytes += len;
	conn_was_read(c, p, len);
	TRACE(&c->c_app->a_world->w_tracer, app_read,
	    TS(c->c_app->a_sc->loc.name), TU(c->c_index), TU(c->c_read_off),
	    TU(len));
	c->c_read_off += len;
	for (; len > 0; p += used, len -= used) {
		error = rpc_reader_put(&n->n_reader, p, len, &used, &why);
		if (error == EAGAIN)
			return (0);
		if (error != 0) {
			n->n_bad++;
			return (nfs_failed(c, error, "%s", why));
		}
		error = record(c);
		rpc_reader_next(&n->n_reader);
		if (error != 0)
			return (error);
		if (n->n_starttls && len > used && n->n_transport == NFS_CLEAR)
			return (nfs_failed(c, EPROTO,
			    "bytes came behind the probe, before its answer"));
	}
	return (0);
}

/* Its daemon has died, or the other end is done. */
static int
end_of_file(struct conn *c, struct nfs *n)
{
	n->n_eof = true;
	if (lost_daemon(c, n))
		return (daemon_died(c));
	if (rpc_reader_mid(&n->n_reader))
		return (nfs_failed(c, ECONNRESET,
		    "the connection ended within an RPC record"));
	return (0);
}

int
nfs_input(struct conn *c, int (*record)(struct conn *))
{
	struct nfs *n = c->c_data;
	size_t len;
	bool data;
	int error;

	while (n->n_upcall == UP_NONE && !n->n_answered) {
		error = receive(c, n, &len, &data);
		if (error == ENXIO) {
			n->n_alerts++;
			nfs_upcall(c, UP_RECORD);
			break;
		}
		if (error != 0 && error != EWOULDBLOCK)
			return (nfs_failed(c, error, "receiving failed: %s",
			    errno_name(error)));
		if (len == 0 && error == 0 && data)
			return (end_of_file(c, n));
		if (data && len > 0) {
			int stop = stream(c, n, len, record);

			if (stop != 0)
				return (stop);
		}
		if (error != 0)
			return (error);
	}
	return (EWOULDBLOCK);
}
