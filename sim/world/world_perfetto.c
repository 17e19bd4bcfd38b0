/*
 * The trace for ui.perfetto.dev and chrome://tracing: JSON in the Trace Event
 * Format, written as it happens, nothing kept but what is open.
 *
 * A process is a host (1: the laboratory); its threads are the kernel,
 * interfaces, workers of kernel TLS, and two for each connection, one per
 * direction. Slices: a worker has work, an interface has a link, a direction
 * is in a TLS mode. A record is an asynchronous slice, from its number until
 * it has left the send buffer. Everything else is an instant.
 *
 * Times are microseconds in decimal with all their picoseconds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "perfetto_priv.h"

static const enum trace_id points[] = { TP_tcp_state, TP_tcp_drop,
	TP_tcp_rexmit, TP_tcp_rto, TP_tcp_rto_undone, TP_tcp_enobufs,
	TP_ip_drop, TP_if_link, TP_lagg_active, TP_lagg_drop, TP_vlan_drop,
	TP_lacp_state, TP_nic_drop, TP_nic_tls_restart, TP_nic_order,
	TP_tag_alloc, TP_tag_refused, TP_tag_reset, TP_tls_enable, TP_tls_mode,
	TP_tls_disable_ifnet, TP_tls_record, TP_tls_acked, TP_tls_worker,
	TP_tls_encrypted, TP_tls_decrypted, TP_tls_error, TP_disk_read,
	TP_phase, TP_wire_drop, TP_wire_impair, TP_timeline, TP_app_event,
	TP_app_error, TP_invariant };

/* --- lines --- */

void
pf_put(struct perfetto *p)
{
	fwrite(p->p_line.sb_str, 1, p->p_line.sb_len, p->p_file);
	p->p_any = true;
}

void
pf_event(struct perfetto *p, const char *ph, unsigned pid, unsigned tid,
    simtime_t when)
{
	strbuf_clear(&p->p_line);
	strbuf_addf(&p->p_line,
	    "%s{\"ph\":\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":%ju.%06ju",
	    p->p_any ? ",\n" : "", ph, pid, tid, (uintmax_t)(when / SIM_US),
	    (uintmax_t)(when % SIM_US));
}

void
pf_named(struct perfetto *p, const char *name)
{
	strbuf_adds(&p->p_line, ",\"name\":");
	strbuf_add_json(&p->p_line, name);
}

static void
args_put(struct perfetto *p, const struct trace_rec *rec)
{
	strbuf_adds(&p->p_line, ",\"args\":{");
	trace_args_json(rec, &p->p_line);
	strbuf_adds(&p->p_line, "}}");
	pf_put(p);
}

static void
end_put(struct perfetto *p, unsigned pid, unsigned tid, simtime_t when)
{
	pf_event(p, "E", pid, tid, when);
	strbuf_adds(&p->p_line, "}");
	pf_put(p);
}

/* "process_name" or "thread_name" */
static void
name_put(struct perfetto *p, const char *what, unsigned pid, unsigned tid,
    const char *name)
{
	pf_event(p, "M", pid, tid, 0);
	pf_named(p, what);
	strbuf_adds(&p->p_line, ",\"args\":{\"name\":");
	strbuf_add_json(&p->p_line, name);
	strbuf_adds(&p->p_line, "}}");
	pf_put(p);
}

/* --- whose --- */

static int
host_of(const struct world *w, const struct trace_rec *rec)
{
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		if (strcmp(w->w_sc->hosts[i].loc.name, rec->tr_who) == 0)
			return ((int)i);
	return (-1);
}

/* Cards, then laggs, then vlans; how many there are. */
static unsigned
interface(const struct sc_host *h, unsigned at, const char **name)
{
	unsigned n = h->nnics + h->nlaggs + h->nvlans;

	if (at < h->nnics)
		*name = h->nics[at].loc.name;
	else if (at < h->nnics + h->nlaggs)
		*name = h->laggs[at - h->nnics].loc.name;
	else if (at < n)
		*name = h->vlans[at - h->nnics - h->nlaggs].loc.name;
	return (n);
}

static unsigned
tid_of_if(const struct sc_host *h, const char *name)
{
	const char *has = NULL;
	unsigned n = interface(h, UINT32_MAX, &has);

	for (unsigned i = 0; i < n; i++) {
		(void)interface(h, i, &has);
		if (strcmp(has, name) == 0)
			return (TID_IF + i);
	}
	return (TID_KERNEL);
}

static unsigned
tid_of_conn(uint64_t conn, bool rx)
{
	return (TID_CONN + 2 * (unsigned)conn + rx);
}

/* The thread of an instant. */
static unsigned
tid_of(const struct sc_host *h, const struct trace_rec *rec)
{
	static const char *const ifs[] = { "ifp", "lagg", "vlan" };

	if (trace_arg_u(rec, "conn") != 0)
		return (tid_of_conn(trace_arg_u(rec, "conn"), false));
	for (size_t i = 0; i < nitems(ifs); i++)
		if (trace_getarg(rec, ifs[i]) != NULL)
			return (tid_of_if(h, trace_arg_s(rec, ifs[i])));
	return (TID_KERNEL);
}

static struct known *
known_of(struct perfetto *p, unsigned host, uint64_t conn)
{
	uint32_t old = p->p_hosts[host].ph_size, new = MAX(old, 16);
	struct known *v = p->p_hosts[host].ph_conns;

	if (conn >= old) {
		while (new <= conn)
			new *= 2;
		v = xrealloc(v, new * sizeof(*v));
		memset(v + old, 0, (new - old) * sizeof(*v));
		p->p_hosts[host].ph_conns = v;
		p->p_hosts[host].ph_size = new;
	}
	return (&v[conn]);
}

/* Both threads of a connection; app NULL: by its number, as long as no
 * application has it. */
static void
conn_named(struct perfetto *p, unsigned host, uint64_t conn, const char *app)
{
	static const char *const dirs[] = { "tx", "rx" };
	struct known *kn = known_of(p, host, conn);
	char *name;

	if (kn->kn_named && app == NULL)
		return;
	kn->kn_named = true;
	for (int rx = 0; rx < 2; rx++) {
		name = app != NULL
		    ? xasprintf("%s %s", app, dirs[rx])
		    : xasprintf("connection %ju %s", (uintmax_t)conn, dirs[rx]);
		name_put(p, "thread_name", PID_HOST + host,
		    tid_of_conn(conn, rx), name);
		free(name);
	}
}

/* --- slices --- */

/* A mode ends where the next begins, or with the connection. */
static void
mode_end(struct perfetto *p, unsigned host, uint64_t conn, bool rx,
    simtime_t when)
{
	bool *open = &known_of(p, host, conn)->kn_mode[rx];

	if (*open)
		end_put(p, PID_HOST + host, tid_of_conn(conn, rx), when);
	*open = false;
}

static void
mode_slice(struct perfetto *p, unsigned host, const struct trace_rec *rec)
{
	bool rx = strcmp(trace_arg_s(rec, "dir"), "rx") == 0;
	uint64_t conn = trace_arg_u(rec, "conn");

	mode_end(p, host, conn, rx, rec->tr_when);
	known_of(p, host, conn)->kn_mode[rx] = true;
	pf_event(p, "B", PID_HOST + host, tid_of_conn(conn, rx), rec->tr_when);
	pf_named(p, trace_arg_s(rec, "mode"));
	args_put(p, rec);
}

static void
link_slice(struct perfetto *p, unsigned host, unsigned tid,
    const struct trace_rec *rec)
{
	bool up = strcmp(trace_arg_s(rec, "state"), "up") == 0;

	if (tid < TID_IF || up == p->p_hosts[host].ph_links[tid - TID_IF])
		return;
	p->p_hosts[host].ph_links[tid - TID_IF] = up;
	if (!up) {
		end_put(p, PID_HOST + host, tid, rec->tr_when);
		return;
	}
	pf_event(p, "B", PID_HOST + host, tid, rec->tr_when);
	pf_named(p, "link up");
	args_put(p, rec);
}

static void
worker_slice(struct perfetto *p, unsigned host, const struct trace_rec *rec)
{
	bool busy = strcmp(trace_arg_s(rec, "state"), "busy") == 0;
	unsigned wq = (unsigned)trace_arg_u(rec, "wq");

	if (p->p_hosts[host].ph_busy[wq] == busy)
		return;
	p->p_hosts[host].ph_busy[wq] = busy;
	if (!busy) {
		end_put(p, PID_HOST + host, TID_WORKER + wq, rec->tr_when);
		return;
	}
	pf_event(p, "B", PID_HOST + host, TID_WORKER + wq, rec->tr_when);
	pf_named(p, "busy");
	args_put(p, rec);
}

static void
record_begin(struct perfetto *p, const char *ph, unsigned host, uint64_t conn,
    uint64_t seqno, simtime_t when)
{
	pf_event(p, ph, PID_HOST + host, tid_of_conn(conn, false), when);
	strbuf_addf(&p->p_line,
	    ",\"cat\":\"record\",\"id\":\"%u:%ju:%ju\",\"name\":\"%s\"", host,
	    (uintmax_t)conn, (uintmax_t)seqno,
	    *ph == 'n' ? "encrypted" : "record");
}

/* Those before `seqno`: short ones are copied, and leave without a word. */
static void
records_end(struct perfetto *p, unsigned host, uint64_t conn, uint64_t seqno,
    simtime_t when)
{
	struct known *kn = known_of(p, host, conn);

	for (; kn->kn_ended < seqno; kn->kn_ended++) {
		record_begin(p, "e", host, conn, kn->kn_ended, when);
		strbuf_adds(&p->p_line, "}");
		pf_put(p);
	}
}

static void
record_slice(struct perfetto *p, unsigned host, const struct trace_rec *rec)
{
	uint64_t conn = trace_arg_u(rec, "conn"),
		 seqno = trace_arg_u(rec, "seqno");
	struct known *kn = known_of(p, host, conn);

	if (rec->tr_id == TP_tls_acked) {
		records_end(p, host, conn, MIN(seqno + 1, kn->kn_begun),
		    rec->tr_when);
		return;
	}
	if (rec->tr_id == TP_tls_record) {
		if (kn->kn_begun == 0)
			kn->kn_ended = seqno;
		if (kn->kn_begun > seqno)
			return; /* the same number again: a planted defect */
		kn->kn_begun = seqno + 1;
	}
	record_begin(p, rec->tr_id == TP_tls_record ? "b" : "n", host, conn,
	    seqno, rec->tr_when);
	args_put(p, rec);
}

static void
slices_end(struct perfetto *p, unsigned host, uint64_t conn, simtime_t when)
{
	mode_end(p, host, conn, false, when);
	mode_end(p, host, conn, true, when);
	records_end(p, host, conn, known_of(p, host, conn)->kn_begun, when);
}

static void
instant(struct perfetto *p, unsigned pid, unsigned tid, const char *scope,
    const struct trace_rec *rec)
{
	pf_event(p, "i", pid, tid, rec->tr_when);
	strbuf_addf(&p->p_line, ",\"s\":\"%s\",\"cat\":\"%s\"", scope,
	    trace_catalogue[rec->tr_id].ti_name);
	pf_named(p, trace_catalogue[rec->tr_id].ti_name);
	args_put(p, rec);
}

static void
host_event(const struct world *w, unsigned host, const struct trace_rec *rec)
{
	unsigned tid = tid_of(&w->w_sc->hosts[host], rec);
	struct perfetto *p = w->w_perfetto;

	if (trace_arg_u(rec, "conn") != 0)
		conn_named(p, host, trace_arg_u(rec, "conn"), NULL);
	switch (rec->tr_id) {
	case TP_tls_mode:
		mode_slice(p, host, rec);
		break;
	case TP_if_link:
		link_slice(p, host, tid, rec);
		break;
	case TP_tls_worker:
		worker_slice(p, host, rec);
		break;
	case TP_tls_record:
	case TP_tls_encrypted:
	case TP_tls_acked:
		record_slice(p, host, rec);
		break;
	default:
		instant(p, PID_HOST + host, tid, "t", rec);
		break;
	}
	if (rec->tr_id == TP_tcp_state &&
	    strcmp(trace_arg_s(rec, "to"), "CLOSED") == 0)
		slices_end(p, host, trace_arg_u(rec, "conn"), rec->tr_when);
}

void
perfetto_trace(struct world *w, const struct trace_rec *rec)
{
	int host;

	for (size_t i = 0; i < nitems(points); i++) {
		if (points[i] != rec->tr_id)
			continue;
		if ((host = host_of(w, rec)) >= 0)
			host_event(w, (unsigned)host, rec);
		else
			instant(w->w_perfetto, PID_LAB,
			    trace_getarg(rec, "link") != NULL ? TID_WIRES
							      : TID_KERNEL,
			    rec->tr_id == TP_timeline ? "g" : "t", rec);
		return;
	}
}

/* --- beginning and end --- */

void
perfetto_conn(struct world *w, const struct conn *c)
{
	struct perfetto *p = w->w_perfetto;
	char *name;

	if (p == NULL)
		return;
	name = xasprintf("%s#%u", c->c_app->a_sc->loc.name, c->c_index);
	conn_named(p, (unsigned)(c->c_app->a_host - w->w_hosts), c->c_number,
	    name);
	free(name);
	if (p->p_ncounted < COUNTED)
		p->p_counted[p->p_ncounted++].co_conn = c;
}

static void
host_names(struct world *w, unsigned host)
{
	const struct sc_host *h = &w->w_sc->hosts[host];
	struct perfetto *p = w->w_perfetto;
	unsigned pid = PID_HOST + host;
	const char *name = NULL;
	unsigned n = interface(h, UINT32_MAX, &name);
	char *text;

	p->p_hosts[host].ph_links = xcalloc(MAX(n, 1), sizeof(bool));
	p->p_hosts[host].ph_depth = xcalloc(h->cpus, sizeof(uint64_t));
	p->p_hosts[host].ph_busy = xcalloc(h->cpus, sizeof(bool));
	p->p_hosts[host].ph_ring = xcalloc(MAX(h->nnics, 1), sizeof(uint64_t));
	name_put(p, "process_name", pid, 0, h->loc.name);
	name_put(p, "thread_name", pid, TID_KERNEL, "kernel");
	for (unsigned i = 0; i < n; i++) {
		(void)interface(h, i, &name);
		name_put(p, "thread_name", pid, TID_IF + i, name);
	}
	for (unsigned i = 0; i < h->cpus; i++) {
		text = xasprintf("KTLS worker %u", i);
		name_put(p, "thread_name", pid, TID_WORKER + i, text);
		free(text);
	}
}

int
perfetto_open(struct world *w, struct strbuf *err)
{
	struct perfetto *p;

	w->w_perfetto_at = SIM_NEVER;
	if (w->w_opts.wo_perfetto == NULL)
		return (0);
	p = xcalloc(1, sizeof(*p));
	p->p_path = xstrdup(w->w_opts.wo_perfetto);
	if ((p->p_file = fopen(p->p_path, "w")) == NULL) {
		strbuf_addf(err, "cannot write %s: %s\n", p->p_path,
		    strerror(errno));
		free(p->p_path);
		free(p);
		return (errno);
	}
	p->p_hosts = xcalloc(w->w_sc->nhosts, sizeof(*p->p_hosts));
	p->p_every = LOOK_FIRST;
	w->w_perfetto = p;
	w->w_perfetto_at = 0;
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", p->p_file);
	name_put(p, "process_name", PID_LAB, 0, "laboratory");
	name_put(p, "thread_name", PID_LAB, TID_KERNEL, "scenario");
	name_put(p, "thread_name", PID_LAB, TID_WIRES, "wires");
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		host_names(w, i);
	for (size_t i = 0; i < nitems(points); i++)
		trace_mask_add(w->w_sink.ts_mask, points[i]);
	return (0);
}

/* What is open ends with the run. */
static void
host_end(const struct world *w, unsigned host, simtime_t now)
{
	const struct sc_host *h = &w->w_sc->hosts[host];
	struct perfetto *p = w->w_perfetto;
	unsigned pid = PID_HOST + host;
	const char *name = NULL;

	for (uint32_t c = 0; c < p->p_hosts[host].ph_size; c++)
		slices_end(p, host, c, now);
	for (unsigned i = 0; i < interface(h, UINT32_MAX, &name); i++)
		if (p->p_hosts[host].ph_links[i])
			end_put(p, pid, TID_IF + i, now);
	for (unsigned i = 0; i < h->cpus; i++)
		if (p->p_hosts[host].ph_busy[i])
			end_put(p, pid, TID_WORKER + i, now);
	free(p->p_hosts[host].ph_conns);
	free(p->p_hosts[host].ph_links);
	free(p->p_hosts[host].ph_depth);
	free(p->p_hosts[host].ph_busy);
	free(p->p_hosts[host].ph_ring);
}

void
perfetto_close(struct world *w)
{
	struct perfetto *p = w->w_perfetto;

	if (p == NULL)
		return;
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		host_end(w, i, timebase_now(w->w_tb));
	fputs("\n]}\n", p->p_file);
	w->w_perfetto = NULL;
	w->w_perfetto_at = SIM_NEVER;
	if (ferror(p->p_file) != 0 || fclose(p->p_file) != 0)
		tap_error(w, errno != 0 ? errno : EIO, p->p_path);
	free(p->p_path);
	free(p->p_hosts);
	strbuf_fini(&p->p_line);
	free(p);
}
