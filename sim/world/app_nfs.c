/* NFS over TLS (RFC 9289): the application, and what is told of it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "nfs_priv.h"

static const char *const states[] = { "connects", "probes", "shakes hands",
	"serves", "unmounts", "lingers", "done" };

int
nfs_failed(struct conn *c, int error, const char *fmt, ...)
{
	struct nfs *n = c->c_data;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n->n_reason == NULL)
		n->n_reason = xstrdup(text);
	return (error);
}

/* As soreserve of the kernel's RPC: a message goes in whole. */
static void
reserve(struct conn *c)
{
	int val = SB_MAX;
	struct sockopt so = { .sopt_level = KSOL_SOCKET,
		.sopt_name = KSO_SNDBUF,
		.sopt_val = &val,
		.sopt_valsize = sizeof(val) };

	if (c->c_app->a_sc->sndbuf == 0)
		(void)sosetopt(c->c_so, &so);
}

static struct nfs *
nfs_create(struct conn *c)
{
	struct nfs *n = xcalloc(1, sizeof(*n));
	struct prng rng;
	char *name;

	n->n_conn = c;
	STAILQ_INIT(&n->n_out);
	name = xasprintf("nfs xid %s#%u", c->c_app->a_sc->loc.name, c->c_index);
	prng_init(&rng, c->c_app->a_world->w_opts.wo_seed, name);
	free(name);
	n->n_xid = (uint32_t)prng_u64(&rng);
	reserve(c);
	return (n);
}

static int
nfs_step(struct conn *c, const char **call)
{
	*call = states[c->c_state];
	return (
	    c->c_server ? nfs_server_step(c, call) : nfs_client_step(c, call));
}

static int
nfs_next_state(struct conn *c)
{
	return (c->c_state + 1);
}

static void
nfs_run(struct conn *c)
{
	static const struct conn_machine m = { nfs_step, nfs_next_state,
		ST_DONE };

	if (c->c_data == NULL)
		c->c_data = nfs_create(c);
	nfs_daemon_run(c);
	conn_machine(c, &m);
}

/* The numbers stay for the report. */
static void
nfs_end(struct conn *c)
{
	struct nfs *n = c->c_data;
	struct nfs_msg *nm;

	if (n == NULL)
		return;
	nfs_daemon_end(n);
	while ((nm = STAILQ_FIRST(&n->n_out)) != NULL) {
		STAILQ_REMOVE_HEAD(&n->n_out, nm_link);
		free(nm);
	}
}

/* For `why`: the daemon. */
static bool
nfs_waits(const struct conn *c, struct strbuf *sb)
{
	static const char *const what[] = { "", "shake hands",
		"take a record that is no data", "end TLS" };
	const struct sc_daemon *d = &c->c_app->a_sc->daemon;
	const struct nfs *n = c->c_data;

	if (n == NULL || n->n_upcall == UP_NONE)
		return (false);
	strbuf_addf(sb, "the kernel of %s asked %s to %s at ",
	    c->c_app->a_host->h_sc->loc.name,
	    c->c_server ? "rpc.tlsservd" : "rpc.tlsclntd", what[n->n_upcall]);
	format_time(n->n_upcall_at, sb);
	strbuf_addf(sb, ", which %s; it gives up at ",
	    c->c_app->a_daemon_dead ? "has died"
		: d->absent	    ? "nobody runs"
		: n->n_taken	    ? "is at it"
				    : "has not come to it");
	format_time(n->n_upcall_at + d->timeout, sb);
	return (true);
}

/* --- the report --- */

static int
by_time(const void *a, const void *b)
{
	const simtime_t *x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

/* The smallest that so many in a hundred do not exceed. */
static simtime_t
percentile(const struct nfs_counts *nc, unsigned percent)
{
	size_t i = (nc->nc_ntimes * percent + 99) / 100;

	return (nc->nc_ntimes == 0 ? 0 : nc->nc_times[i > 0 ? i - 1 : 0]);
}

static void
collect_procs(const struct nfs *n, struct nfs_end *ne)
{
	unsigned k = 0;

	for (unsigned i = 0; i < NFS_NPROCS; i++) {
		const struct nfs_counts *nc = &n->n_counts[i];

		if (nfs_proc_name(i) == NULL)
			continue;
		if (nc->nc_ntimes > 0)
			qsort(nc->nc_times, nc->nc_ntimes,
			    sizeof(*nc->nc_times), by_time);
		ne->ne_procs[k++] =
		    (struct nfs_proc_result) { .np_name = nfs_proc_name(i),
			    .np_calls = nc->nc_calls,
			    .np_replies = nc->nc_replies,
			    .np_errors = nc->nc_errors,
			    .np_p50 = percentile(nc, 50),
			    .np_p90 = percentile(nc, 90),
			    .np_p99 = percentile(nc, 99),
			    .np_max = percentile(nc, 100) };
	}
}

static const char *
state_of(const struct conn *c, const struct nfs *n)
{
	if (c->c_so != NULL)
		return ("unfinished");
	if (c->c_failed == NULL)
		return ("done");
	if (n->n_reason == NULL && c->c_error == 0)
		return ("unfinished");
	return (n->n_mounted ? "broken" : "refused");
}

static void
collect_end(struct conn *c, struct nfs_end *ne)
{
	static const char *const transports[] = { "clear", "kernel", "daemon" };
	const struct nfs *n = c->c_data;

	ne->ne_name = xasprintf("%s#%u", c->c_app->a_sc->loc.name, c->c_index);
	ne->ne_state = "unfinished";
	ne->ne_transport = "clear";
	if (n == NULL)
		return;
	ne->ne_state = state_of(c, n);
	ne->ne_reason = n->n_reason != NULL ? n->n_reason : c->c_failed;
	ne->ne_probe = n->n_probe;
	ne->ne_transport = transports[n->n_transport];
	ne->ne_handshake = n->n_handshake;
	ne->ne_upcalls = n->n_upcalls;
	ne->ne_upcalls_failed = n->n_upcalls_failed;
	ne->ne_late = n->n_late;
	ne->ne_rpc_sent = n->n_sent;
	ne->ne_rpc_got = n->n_reader.rr_records;
	ne->ne_fragments_got = n->n_reader.rr_all_frags;
	ne->ne_bytes_sent = n->n_sent_bytes;
	ne->ne_bytes_got = n->n_got_bytes;
	ne->ne_read = n->n_read;
	ne->ne_written = n->n_written;
	ne->ne_tls_records = c->c_side.kernel_records;
	ne->ne_alerts = n->n_alerts;
	ne->ne_discarded = n->n_discarded;
	ne->ne_alerts_sent = n->n_alerts_sent;
	ne->ne_bad = n->n_bad;
	collect_procs(n, ne);
}

static void
nfs_collect(struct app *a)
{
	struct result *r = &a->a_world->w_res;
	struct nfs_result *nf;
	struct conn *c;

	r->r_nfs = xrealloc(r->r_nfs, (r->r_nnfs + 1) * sizeof(*r->r_nfs));
	nf = &r->r_nfs[r->r_nnfs++];
	*nf = (struct nfs_result) { .nf_name = a->a_sc->loc.name,
		.nf_server = !sc_app_is_client(a->a_sc->type),
		.nf_ends = xcalloc(a->a_nconns + 1, sizeof(*nf->nf_ends)) };
	TAILQ_FOREACH(c, &a->a_conns, c_link)
		collect_end(c, &nf->nf_ends[nf->nf_nends++]);
}

static void
nfs_free(struct conn *c)
{
	struct world *w = c->c_app->a_world;
	struct nfs *n = c->c_data;

	if (!w->w_wrecked) {
		timebase_cancel(w->w_tb, &n->n_comes);
		timebase_cancel(w->w_tb, &n->n_timer);
	}
	rpc_reader_fini(&n->n_reader);
	for (unsigned i = 0; i < NFS_NPROCS; i++)
		free(n->n_counts[i].nc_times);
	free(n->n_created);
	free(n->n_reason);
	free(n);
}

const struct app_ops nfs_ops = { .ao_run = nfs_run,
	.ao_end = nfs_end,
	.ao_collect = nfs_collect,
	.ao_free = nfs_free,
	.ao_states = states,
	.ao_alpn = "sunrpc",
	.ao_waits = nfs_waits };
