/* report.html: connections: the richest as pictures, all of them as a table. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/sim/scenario.h>

#include "html_priv.h"

/* --- which are shown --- */

static uint64_t
story_score(const struct story *s)
{
	uint64_t n = 0;

	if (s == NULL)
		return (0);
	for (unsigned i = 0; i < s->s_ndrops; i++)
		n += s->s_drops[i].sd_count;
	return (n + 4 * (s->s_resets + s->s_nmodes + s->s_modes_left));
}

/* How much there is to see. */
static uint64_t
conn_score(const struct conn_result *c)
{
	uint64_t n = 0;

	for (int i = 0; i < 2; i++)
		n += story_score(c->c_side[i].story) +
		    c->c_side[i].rexmit_packs + c->c_side[i].card_rexmit_packs;
	return (n);
}

static bool
conn_richer(const struct conn_result *a, const struct conn_result *b)
{
	uint64_t x = conn_score(a), y = conn_score(b);

	if (x != y)
		return (x > y);
	return (a->c_gap.g_longest > b->c_gap.g_longest);
}

/* The richest first; of two that are the same the earlier one. */
void
html_choose(struct html *h)
{
	const struct conn_result *c = h->h_r->r_conns;
	unsigned at;

	for (; c < h->h_r->r_conns + h->h_r->r_nconns; c++) {
		if (h->h_ch == NULL || c->c_chart == NULL)
			continue;
		for (at = h->h_nshown; at > 0; at--)
			if (!conn_richer(c, h->h_shown[at - 1]))
				break;
		if (at == HTML_CONNS)
			continue;
		if (h->h_nshown < HTML_CONNS)
			h->h_nshown++;
		memmove(&h->h_shown[at + 1], &h->h_shown[at],
		    (h->h_nshown - at - 1) * sizeof(h->h_shown[0]));
		h->h_shown[at] = c;
	}
}

int
html_shown(const struct html *h, const struct conn_result *c)
{
	for (unsigned i = 0; i < h->h_nshown; i++)
		if (h->h_shown[i] == c)
			return ((int)i);
	return (-1);
}

/* --- the table --- */

static void
name_cell(struct html *h, const struct conn_result *c)
{
	int shown = html_shown(h, c);

	html_cell_begin(h);
	if (shown >= 0)
		strbuf_addf(h->h_sb, "<a href=\"#conn-%d\">", shown);
	html_text(h, c->c_name);
	if (shown >= 0)
		strbuf_adds(h->h_sb, "</a>");
	html_cell_end(h);
}

static void
mode_cell(struct html *h, const struct conn_result *c, unsigned side)
{
	const struct conn_side *s = &c->c_side[side];

	html_cell(h,
	    c->c_tls == NULL			  ? "plain"
		: s->tx_mode != TCP_TLS_MODE_NONE ? ktls_mode_name(s->tx_mode)
						  : "user space");
}

static void
conn_row(struct html *h, const struct conn_result *c)
{
	const struct conn_side *s = c->c_side;

	html_row(h, NULL);
	name_cell(h, c);
	html_cell(h, c->c_client);
	html_cell(h, c->c_server);
	html_cell(h, c->c_tls != NULL ? c->c_tls : "plain");
	html_cell(h,
	    c->c_done		      ? (c->c_outside ? "closed" : "done")
		: c->c_failed != NULL ? c->c_failed
				      : "open");
	html_num(h, c->c_outside ? c->c_sent + c->c_received : c->c_body);
	html_time(h, c->c_start);
	html_time(h, c->c_end != 0 ? c->c_end : h->h_r->r_end);
	mode_cell(h, c, 1);
	html_num(h, s[1].rexmit_packs + s[1].card_rexmit_packs);
	html_num(h, s[1].rto);
	html_num(h, s[0].rexmit_packs + s[0].card_rexmit_packs);
	html_time(h, c->c_gap.g_longest);
}

static void
conns_table(struct html *h)
{
	static const char *const heads[] = { "=name", "=client", "=server",
		"=TLS", "state", "#body bytes", "#from", "#to",
		"=server's mode", "#server sent again", "#its timeouts",
		"#client sent again", "#longest gap", NULL };
	const struct result *r = h->h_r;
	unsigned shown = MIN(r->r_nconns, HTML_ROWS);

	html_table(h,
	    "All connections; sent again: packets; gap: between two "
	    "reads of the receiver",
	    heads);
	for (unsigned i = 0; i < shown; i++)
		conn_row(h, &r->r_conns[i]);
	html_table_end(h);
	html_left_out(h, r->r_nconns - shown, "connection");
}

/* --- one --- */

static void
conn_section(struct html *h, unsigned i)
{
	const struct conn_result *c = h->h_shown[i];
	struct strbuf words = { 0 };

	strbuf_addf(h->h_sb, "<h3 id=\"conn-%u\">", i);
	html_text(h, c->c_name);
	strbuf_adds(h->h_sb, "</h3>\n");
	html_sequence(h, c, i);
	text_conn(c, &words);
	strbuf_adds(h->h_sb, "<details><summary>");
	html_text(h, c->c_name);
	strbuf_adds(h->h_sb, " in words</summary>\n<pre>");
	for (const char *p = strbuf_str(&words); *p != '\0';) {
		size_t len = strcspn(p, "\n");
		char *line = strndup(p, len);

		html_text(h, line);
		strbuf_adds(h->h_sb, "\n");
		free(line);
		p += len + (p[len] == '\n');
	}
	strbuf_adds(h->h_sb, "</pre></details>\n");
	strbuf_fini(&words);
}

/* --- iperf --- */

static void
iperf_row(struct html *h, const struct iperf_result *ir, int way,
    const struct iperf_way *iw)
{
	struct strbuf sb = { 0 };

	html_row(h, NULL);
	html_cell(h, ir->ir_name);
	html_cell(h, way == 0 ? "client to server" : "server to client");
	html_num(h, ir->ir_nstreams);
	format_bytes(iw->iw_got, &sb);
	html_cell(h, strbuf_str(&sb));
	html_time(h, iw->iw_time);
	strbuf_clear(&sb);
	iperf_rate(iw, &sb);
	html_cell(h, strbuf_str(&sb));
	html_num(h, iw->iw_rexmits);
	strbuf_fini(&sb);
}

static void
iperf_table(struct html *h)
{
	static const char *const heads[] = { "client", "way", "#streams",
		"=read", "=in", "=rate", "#retransmitted segments", NULL };
	const struct result *r = h->h_r;
	struct iperf_way iw;

	if (r->r_niperf == 0)
		return;
	strbuf_adds(h->h_sb, "<h3 id=\"iperf\">iperf</h3>\n");
	html_table(h, "What iperf clients measured; intervals: report.json",
	    heads);
	for (unsigned i = 0; i < r->r_niperf; i++)
		for (int way = 0; way < 2; way++)
			if (iperf_way(&r->r_iperf[i], way, &iw))
				iperf_row(h, &r->r_iperf[i], way, &iw);
	html_table_end(h);
}

/* --- OpenSSL programs --- */

static void
program_rows(struct html *h, const struct program_result *pg)
{
	struct strbuf sb = { 0 };
	char *name = xasprintf("%s#%u", pg->pg_app, pg->pg_conn);

	for (unsigned i = 0; i < pg->pg_ncalls; i++) {
		html_row(h, NULL);
		html_cell(h, name);
		html_cell(h, pg->pg_server ? "server" : "client");
		html_cell(h, pg->pg_calls[i].cr_call);
		strbuf_clear(&sb);
		call_text(&pg->pg_calls[i], &sb);
		html_cell(h, strbuf_str(&sb));
		if (pg->pg_calls[i].cr_ended)
			html_time(h, pg->pg_calls[i].cr_to);
		else
			html_cell(h, "");
	}
	free(name);
	strbuf_fini(&sb);
}

static void
programs_table(struct html *h)
{
	static const char *const heads[] = { "connection", "side", "call",
		"what became of it", "=done at", NULL };
	const struct result *r = h->h_r;

	if (r->r_nprograms == 0)
		return;
	strbuf_adds(h->h_sb, "<h3 id=\"openssl\">OpenSSL programs</h3>\n");
	html_table(h, "Their calls; keys and steps: report.txt", heads);
	for (unsigned i = 0; i < r->r_nprograms && i < 2 * CONNS_SHOWN; i++)
		program_rows(h, &r->r_programs[i]);
	html_table_end(h);
}

void
html_conns(struct html *h)
{
	const struct result *r = h->h_r;

	if (r->r_nconns == 0)
		return;
	html_h2(h, "connections", "Connections");
	iperf_table(h);
	programs_table(h);
	html_nfs(h);
	html_https(h);
	html_own(h);
	html_compare(h);
	if (h->h_nshown > 0 && h->h_nshown < r->r_nconns) {
		strbuf_addf(h->h_sb,
		    "<p>Pictures of %u of %u connections, those to whom most "
		    "happened (packets sent again or dropped, tags, modes, "
		    "gaps)",
		    h->h_nshown, r->r_nconns);
		if (h->h_ch->ch_not_followed > 0)
			strbuf_addf(h->h_sb,
			    ", chosen from %u that were followed", CHART_CONNS);
		strbuf_adds(h->h_sb,
		    "; <a href=\"#all\">all in a table</a>.</p>\n");
	}
	for (unsigned i = 0; i < h->h_nshown; i++)
		conn_section(h, i);
	strbuf_adds(h->h_sb, "<h3 id=\"all\">All connections</h3>\n");
	conns_table(h);
}
