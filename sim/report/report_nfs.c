/*
 * What mounts of NFS came to, for somebody who runs them: state and reason,
 * the probe, the daemon, calls and how long they took, records.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/scenario.h>

#include "report_priv.h"

static void
set(json_t *o, const char *name, uint64_t v)
{
	json_object_set_new(o, name, json_integer((json_int_t)v));
}

static json_t *
procedure(const struct nfs_proc_result *np)
{
	json_t *o = json_object();

	set(o, "calls", np->np_calls);
	set(o, "replies", np->np_replies);
	set(o, "errors", np->np_errors);
	if (np->np_max == 0)
		return (o);
	set(o, "p50_ps", np->np_p50);
	set(o, "p90_ps", np->np_p90);
	set(o, "p99_ps", np->np_p99);
	set(o, "max_ps", np->np_max);
	return (o);
}

static json_t *
procedures(const struct nfs_end *ne)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < NFS_RESULT_PROCS; i++)
		if (ne->ne_procs[i].np_calls > 0)
			json_object_set_new(o, ne->ne_procs[i].np_name,
			    procedure(&ne->ne_procs[i]));
	return (o);
}

static json_t *
end_json(const struct nfs_end *ne)
{
	const struct {
		const char *name;
		uint64_t v;
	} numbers[] = {
		{ "handshake_ps", ne->ne_handshake },
		{ "upcalls", ne->ne_upcalls },
		{ "upcalls_failed", ne->ne_upcalls_failed },
		{ "upcalls_late", ne->ne_late },
		{ "rpc_sent", ne->ne_rpc_sent },
		{ "rpc_received", ne->ne_rpc_got },
		{ "fragments_received", ne->ne_fragments_got },
		{ "bytes_sent", ne->ne_bytes_sent },
		{ "bytes_received", ne->ne_bytes_got },
		{ "file_bytes_read", ne->ne_read },
		{ "file_bytes_written", ne->ne_written },
		{ "tls_records_sent", ne->ne_tls_records },
		{ "alerts_handled", ne->ne_alerts },
		{ "records_discarded", ne->ne_discarded },
		{ "alerts_sent", ne->ne_alerts_sent },
		{ "bad_messages", ne->ne_bad },
	};
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(ne->ne_name));
	json_object_set_new(o, "state", json_string(ne->ne_state));
	if (ne->ne_reason != NULL)
		json_object_set_new(o, "reason", json_string(ne->ne_reason));
	if (ne->ne_probe != NULL)
		json_object_set_new(o, "probe", json_string(ne->ne_probe));
	json_object_set_new(o, "transport", json_string(ne->ne_transport));
	for (size_t i = 0; i < nitems(numbers); i++)
		set(o, numbers[i].name, numbers[i].v);
	json_object_set_new(o, "procedures", procedures(ne));
	return (o);
}

void
j_nfs(json_t *o, const struct result *r)
{
	static const char *const states[] = { "done", "refused", "broken",
		"unfinished" };
	json_t *all = json_object(), *one, *ends;
	const struct nfs_result *nf;
	uint64_t n;

	for (nf = r->r_nfs; nf < r->r_nfs + r->r_nnfs; nf++) {
		one = json_object();
		ends = json_array();
		json_object_set_new(one, "server", json_boolean(nf->nf_server));
		for (size_t s = 0; s < nitems(states); s++) {
			n = 0;
			for (unsigned i = 0; i < nf->nf_nends; i++)
				n += strcmp(nf->nf_ends[i].ne_state,
					 states[s]) == 0;
			set(one, states[s], n);
		}
		for (unsigned i = 0; i < nf->nf_nends; i++)
			json_array_append_new(ends, end_json(&nf->nf_ends[i]));
		json_object_set_new(one, "ends", ends);
		json_object_set_new(all, nf->nf_name, one);
	}
	if (r->r_nnfs > 0)
		json_object_set(o, "nfs", all);
	json_decref(all);
}

/* --- in words --- */

const char *
nfs_transport_words(const struct nfs_end *ne)
{
	return (strcmp(ne->ne_transport, "kernel") == 0 ? "TLS in the kernel"
		: strcmp(ne->ne_transport, "daemon") == 0
		? "TLS through the daemon"
		: "in clear");
}

static void
count_of(uint64_t n, const char *what, struct strbuf *sb)
{
	strbuf_addf(sb, "%" PRIu64 " %s%s", n, what, plural(n));
}

static void
text_state(const struct nfs_end *ne, struct strbuf *sb)
{
	strbuf_addf(sb, "  %s: %s", ne->ne_name, ne->ne_state);
	if (ne->ne_reason != NULL)
		strbuf_addf(sb, ": %s", ne->ne_reason);
	strbuf_addf(sb, "\n    %s", nfs_transport_words(ne));
	if (ne->ne_probe != NULL)
		strbuf_addf(sb, "; answer to the probe: %s", ne->ne_probe);
	if (ne->ne_handshake > 0) {
		strbuf_adds(sb,
		    strcmp(ne->ne_transport, "clear") == 0
			? "; the handshake was given up after "
			: "; the daemon's handshake took ");
		format_time(ne->ne_handshake, sb);
	}
	if (ne->ne_upcalls > 0) {
		strbuf_adds(sb, "; ");
		count_of(ne->ne_upcalls, "upcall", sb);
		if (ne->ne_upcalls_failed > 0)
			strbuf_addf(sb, ", %" PRIu64 " failed",
			    ne->ne_upcalls_failed);
		if (ne->ne_late > 0)
			strbuf_adds(sb, ", the daemon came too late");
	}
	strbuf_adds(sb, "\n");
}

/* From call to reply. */
static void
text_times(const struct nfs_proc_result *np, struct strbuf *sb)
{
	const simtime_t times[] = { np->np_p50, np->np_p90, np->np_p99,
		np->np_max };
	static const char *const names[] = { "p50 ", "p90 ", "p99 ",
		"longest " };

	if (np->np_replies == 1) {
		strbuf_adds(sb, ", ");
		format_time(np->np_max, sb);
		return;
	}
	for (size_t i = 0; i < nitems(times); i++) {
		strbuf_addf(sb, ", %s", names[i]);
		format_time(times[i], sb);
	}
}

static void
text_procedure(const struct nfs_proc_result *np, struct strbuf *sb)
{
	strbuf_addf(sb, "    %s: ", np->np_name);
	count_of(np->np_calls, "call", sb);
	if (np->np_replies != np->np_calls)
		strbuf_addf(sb, ", %" PRIu64 " answered", np->np_replies);
	if (np->np_errors > 0) {
		strbuf_adds(sb, ", ");
		count_of(np->np_errors, "error", sb);
	}
	if (np->np_max > 0)
		text_times(np, sb);
	strbuf_adds(sb, "\n");
}

static void
text_records(const struct nfs_end *ne, struct strbuf *sb)
{
	strbuf_adds(sb, "    sent ");
	count_of(ne->ne_rpc_sent, "RPC record", sb);
	strbuf_adds(sb, " (");
	format_bytes(ne->ne_bytes_sent, sb);
	strbuf_adds(sb, ")");
	if (ne->ne_tls_records > 0) {
		strbuf_adds(sb, " in ");
		count_of(ne->ne_tls_records, "TLS record", sb);
	}
	strbuf_adds(sb, ", received ");
	count_of(ne->ne_rpc_got, "RPC record", sb);
	strbuf_adds(sb, " (");
	format_bytes(ne->ne_bytes_got, sb);
	strbuf_adds(sb, ")");
	if (ne->ne_fragments_got != ne->ne_rpc_got) {
		strbuf_adds(sb, " in ");
		count_of(ne->ne_fragments_got, "fragment", sb);
	}
	strbuf_adds(sb, "\n");
}

static void
text_other(const struct nfs_end *ne, struct strbuf *sb)
{
	if (ne->ne_alerts + ne->ne_discarded + ne->ne_alerts_sent > 0) {
		strbuf_adds(sb, "    no data: ");
		count_of(ne->ne_alerts, "alert", sb);
		strbuf_adds(sb, " given to the daemon, ");
		count_of(ne->ne_discarded, "record", sb);
		strbuf_adds(sb, " discarded (tickets), ");
		count_of(ne->ne_alerts_sent, "alert", sb);
		strbuf_adds(sb, " sent\n");
	}
	if (ne->ne_bad > 0) {
		strbuf_adds(sb, "    ");
		count_of(ne->ne_bad, "bad message", sb);
		strbuf_adds(sb, "\n");
	}
}

void
text_nfs(const struct result *r, struct strbuf *sb)
{
	const struct nfs_end *ne;

	if (r->r_nnfs > 0)
		heading(sb, "NFS");
	for (unsigned i = 0; i < r->r_nnfs; i++)
		for (unsigned k = 0; k < r->r_nfs[i].nf_nends; k++) {
			ne = &r->r_nfs[i].nf_ends[k];
			text_state(ne, sb);
			for (unsigned p = 0; p < NFS_RESULT_PROCS; p++)
				if (ne->ne_procs[p].np_calls > 0)
					text_procedure(&ne->ne_procs[p], sb);
			text_records(ne, sb);
			text_other(ne, sb);
		}
}
