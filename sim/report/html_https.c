/* Crowds of HTTPS clients and their servers, in tables. */
#include <ktsim/base/kassert.h>
#include <ktsim/sim/scenario.h>

#include "html_priv.h"
#include "report_priv.h"

static void
cell_milli(struct html *h, uint64_t n, unsigned digits)
{
	struct strbuf sb = { 0 };

	https_milli(n, digits, &sb);
	html_cell(h, strbuf_str(&sb));
	strbuf_fini(&sb);
}

static void
cell_bytes(struct html *h, uint64_t n)
{
	struct strbuf sb = { 0 };

	format_bytes(n, &sb);
	html_cell(h, strbuf_str(&sb));
	strbuf_fini(&sb);
}

static void
load_row(struct html *h, const struct load_result *lr)
{
	html_row(h, NULL);
	html_cell(h, lr->lr_name);
	html_num(h, lr->lr_conns);
	html_num(h, lr->lr_aborted);
	html_num(h, https_errors(lr));
	html_num(h, lr->lr_answered);
	cell_milli(h, https_rate_milli(lr), 0);
	cell_bytes(h, lr->lr_bytes);
	cell_milli(h, https_share_milli(lr) * 100, 1);
}

static void
latency_row(struct html *h, const char *name, const char *what,
    const struct hdr *d)
{
	static const uint32_t ppms[] = { 500000, 900000, 990000, 999000 };

	if (d->h_count == 0)
		return;
	html_row(h, NULL);
	html_cell(h, name);
	html_cell(h, what);
	html_num(h, d->h_count);
	for (size_t i = 0; i < nitems(ppms); i++)
		html_time(h, hdr_percentile(d, ppms[i]) / SIM_NS * SIM_NS);
	html_time(h, d->h_max / SIM_NS * SIM_NS);
}

static void
server_row(struct html *h, const struct https_result *hs)
{
	const uint64_t terms[] = { hs->hs_disk, hs->hs_software, hs->hs_copied,
		hs->hs_card };

	html_row(h, NULL);
	html_cell(h, hs->hs_name);
	html_num(h, hs->hs_requests);
	cell_bytes(h, hs->hs_bytes);
	html_num(h, hs->hs_hits);
	html_num(h, hs->hs_misses);
	for (size_t i = 0; i < nitems(terms); i++)
		cell_bytes(h, terms[i]);
	cell_milli(h, https_passes_milli(hs), 2);
}

void
html_https(struct html *h)
{
	static const char *const loads[] = { "clients", "#connections",
		"#aborted by themselves", "#failed", "#answers",
		"=requests per second", "=read", "=% encrypted by cards",
		NULL };
	static const char *const times[] = { "clients", "time to", "#number",
		"=half within", "=90 %", "=99 %", "=99.9 %", "=all", NULL };
	static const char *const servers[] = { "server", "#requests", "=bodies",
		"#pages in the cache", "#pages read from disk",
		"=disk to memory", "=software TLS", "=user space",
		"=read by cards", "=passes per byte", NULL };
	const struct result *r = h->h_r;
	const struct load_result *lr;

	if (r->r_nloads == 0)
		return;
	strbuf_adds(h->h_sb, "<h3 id=\"https\">HTTPS</h3>\n");
	html_table(h, "Crowds of clients", loads);
	for (unsigned i = 0; i < r->r_nloads; i++)
		load_row(h, &r->r_loads[i]);
	html_table_end(h);
	html_table(h, "How long they waited", times);
	for (lr = r->r_loads; lr < r->r_loads + r->r_nloads; lr++) {
		latency_row(h, lr->lr_name, "connect, shake hands",
		    &lr->lr_connect);
		latency_row(h, lr->lr_name, "first byte of an answer",
		    &lr->lr_first);
		latency_row(h, lr->lr_name, "whole answer", &lr->lr_whole);
	}
	html_table_end(h);
	html_table(h,
	    "Their servers: bytes that crossed the memory of the host, by "
	    "cause",
	    servers);
	for (unsigned i = 0; i < r->r_nhttps; i++)
		server_row(h, &r->r_https[i]);
	html_table_end(h);
}
