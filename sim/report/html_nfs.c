/* Mounts of NFS in report.html: what each came to, and its calls. */
#include <ktsim/sim/scenario.h>

#include "html_priv.h"

static void
mount_row(struct html *h, const struct nfs_end *ne)
{
	html_row(h, NULL);
	html_cell(h, ne->ne_name);
	html_cell(h, ne->ne_state);
	html_cell(h, ne->ne_reason != NULL ? ne->ne_reason : "");
	html_cell(h, ne->ne_probe != NULL ? ne->ne_probe : "");
	html_cell(h, nfs_transport_words(ne));
	html_time(h, ne->ne_handshake);
	html_num(h, ne->ne_upcalls);
	html_num(h, ne->ne_upcalls_failed);
	html_num(h, ne->ne_rpc_sent);
	html_num(h, ne->ne_rpc_got);
	html_num(h, ne->ne_tls_records);
	html_num(h, ne->ne_alerts);
	html_num(h, ne->ne_discarded);
}

static void
mounts(struct html *h)
{
	static const char *const heads[] = { "end", "state", "reason",
		"answer to the probe", "transport", "=handshake", "#upcalls",
		"#failed", "#RPC records sent", "#received",
		"#TLS records sent", "#alerts to the daemon",
		"#tickets discarded", NULL };
	const struct result *r = h->h_r;

	html_table(h, "NFS: mounts and the server's ends of them", heads);
	for (unsigned i = 0; i < r->r_nnfs; i++)
		for (unsigned k = 0; k < r->r_nfs[i].nf_nends; k++)
			mount_row(h, &r->r_nfs[i].nf_ends[k]);
	html_table_end(h);
}

static void
call_row(struct html *h, const struct nfs_end *ne,
    const struct nfs_proc_result *np)
{
	html_row(h, NULL);
	html_cell(h, ne->ne_name);
	html_cell(h, np->np_name);
	html_num(h, np->np_calls);
	html_num(h, np->np_replies);
	html_num(h, np->np_errors);
	html_time(h, np->np_p50);
	html_time(h, np->np_p90);
	html_time(h, np->np_p99);
	html_time(h, np->np_max);
}

static void
calls(struct html *h)
{
	static const char *const heads[] = { "mount", "procedure", "#calls",
		"#replies", "#errors", "=p50", "=p90", "=p99", "=longest",
		NULL };
	const struct result *r = h->h_r;
	const struct nfs_end *ne;

	html_table(h, "NFS: calls, and how long their replies took", heads);
	for (unsigned i = 0; i < r->r_nnfs; i++)
		for (unsigned k = 0; k < r->r_nfs[i].nf_nends; k++) {
			ne = &r->r_nfs[i].nf_ends[k];
			if (r->r_nfs[i].nf_server)
				continue;
			for (unsigned p = 0; p < NFS_RESULT_PROCS; p++)
				if (ne->ne_procs[p].np_calls > 0)
					call_row(h, ne, &ne->ne_procs[p]);
		}
	html_table_end(h);
}

void
html_nfs(struct html *h)
{
	if (h->h_r->r_nnfs == 0)
		return;
	strbuf_adds(h->h_sb, "<h3 id=\"nfs\">NFS</h3>\n");
	mounts(h);
	calls(h);
}
