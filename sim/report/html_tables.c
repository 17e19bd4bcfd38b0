/* report.html: what the counters, the cards and the facts say. */
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>

#include "html_priv.h"

static void
error_cell(struct html *h, int error)
{
	html_cell(h, error != 0 ? errno_name(error) : "");
}

/* --- facts --- */

static bool
is_mode(const struct fact *f)
{
	return (f->f_id == TP_tls_mode || f->f_id == TP_tls_disable_ifnet ||
	    (f->f_id == TP_tls_enable && f->f_error != 0));
}

static void
mode_row(struct html *h, const struct fact *f)
{
	bool given_up = f->f_id == TP_tls_disable_ifnet;

	html_row(h, NULL);
	html_cell(h, f->f_who);
	html_cell(h, given_up ? "tx" : f->f_s[0]);
	html_cell(h,
	    given_up			 ? "the card is given up"
		: f->f_id == TP_tls_mode ? f->f_s[1]
					 : "refused");
	html_num(h, f->f_count);
	html_cell(h, given_up ? f->f_s[0] : f->f_s[2]);
	error_cell(h, f->f_error);
	html_time(h, f->f_first);
	html_time(h, f->f_last);
}

static bool
is_error(const struct fact *f)
{
	return (f->f_id == TP_app_error || f->f_id == TP_tls_error ||
	    f->f_id == TP_tcp_drop || f->f_id == TP_tcp_enobufs ||
	    f->f_id == TP_tag_refused);
}

static void
error_row(struct html *h, const struct fact *f)
{
	struct strbuf text = { 0 };

	for (int i = 0; i < 3 && f->f_s[i] != NULL; i++)
		strbuf_addf(&text, "%s%s", i > 0 ? ": " : "", f->f_s[i]);
	html_row(h, NULL);
	html_cell(h, *f->f_who != '\0' ? f->f_who : "application");
	html_cell(h, trace_catalogue[f->f_id].ti_text);
	html_cell(h, strbuf_str(&text));
	error_cell(h, f->f_error);
	html_num(h, f->f_count);
	html_time(h, f->f_first);
	html_time(h, f->f_last);
	strbuf_fini(&text);
}

static void
drop_row(struct html *h, const struct fact *f)
{
	const char *where = f->f_id != TP_ip_drop ? f->f_s[0] : "IP";

	html_row(h, NULL);
	html_cell(h, *f->f_who != '\0' ? f->f_who : "wire");
	html_cell(h, where);
	html_cell(h, f->f_id != TP_ip_drop ? f->f_s[1] : f->f_s[0]);
	error_cell(h, f->f_error);
	html_num(h, f->f_count);
	html_num(h, f->f_len);
	html_time(h, f->f_first);
	html_time(h, f->f_last);
}

/* Those of a kind; `none` if there is none. */
static void
facts(struct html *h, const char *id, const char *title, const char *caption,
    const char *const *heads, bool (*is)(const struct fact *),
    void (*row)(struct html *, const struct fact *), const char *none)
{
	const struct result *r = h->h_r;
	unsigned n = 0;

	html_h2(h, id, title);
	for (unsigned i = 0; i < r->r_nfacts; i++) {
		if (!is(&r->r_facts[i]))
			continue;
		if (n++ == 0)
			html_table(h, caption, heads);
		if (n <= HTML_ROWS)
			row(h, &r->r_facts[i]);
	}
	if (n == 0)
		strbuf_addf(h->h_sb, "<p>%s</p>\n", none);
	else
		html_table_end(h);
	html_left_out(h, n > HTML_ROWS ? n - HTML_ROWS : 0, "line");
}

static void
all_facts(struct html *h)
{
	static const char *const modes[] = { "=host", "=direction", "mode",
		"#connections", "why", "=error", "#first", "#last", NULL };
	static const char *const drops[] = { "=host", "where", "why", "=error",
		"#packets", "#bytes", "#first", "#last", NULL };
	static const char *const errors[] = { "=host", "kind", "what", "=error",
		"#times", "#first", "#last", NULL };

	facts(h, "modes", "Kernel TLS: modes and why",
	    "Decisions, by their reasons", modes, is_mode, mode_row,
	    "No kernel TLS was decided about.");
	facts(h, "drops", "Drops and why", "Packets that did not arrive", drops,
	    fact_is_drop, drop_row, "Nothing was dropped.");
	facts(h, "errors", "Errors", "What was refused or failed", errors,
	    is_error, error_row, "No call failed.");
}

/* --- cards, links, impairments, steps --- */

static void
cards(struct html *h)
{
	static const char *const heads[] = { "=card", "=model",
		"#payload bytes", "#read again", "#work requests",
		"#completions", "#received", "#TLS packets", "#contexts",
		"#at once", "#refused", "#recoveries", "#decrypted", "#resets",
		NULL };
	const struct result *r = h->h_r;
	struct strbuf name = { 0 };

	if (r->r_ncards == 0)
		return;
	html_h2(h, "cards", "Cards that know TLS");
	html_table(h,
	    "Bytes over the bus by cause; TLS contexts, and states rebuilt in "
	    "mid-record",
	    heads);
	for (unsigned i = 0; i < r->r_ncards; i++) {
		const struct card_result *c = &r->r_cards[i];
		const uint64_t n[] = { c->payload, c->reread, c->desc, c->cqe,
			c->rx, c->tls_packets, c->tags, c->tags_max, c->refused,
			c->restarts, c->rx_decrypted, c->resets };

		strbuf_clear(&name);
		strbuf_addf(&name, "%s %s", c->cd_host, c->cd_name);
		html_row(h, NULL);
		html_cell(h, strbuf_str(&name));
		html_cell(h, c->cd_model);
		for (size_t j = 0; j < nitems(n); j++)
			html_num(h, n[j]);
	}
	html_table_end(h);
	strbuf_fini(&name);
}

static void
links(struct html *h)
{
	static const char *const heads[] = { "link", "=way", "#frames",
		"#bytes", "#lost", "#queue full", "#link down", "#suspended",
		NULL };
	const struct result *r = h->h_r;

	if (r->r_nlinks == 0)
		return;
	html_h2(h, "links", "Links");
	html_table(h, "What went into each link, both ways", heads);
	for (unsigned i = 0; i < 2 * r->r_nlinks; i++) {
		const struct link_result *l = &r->r_links[i / 2];
		const uint64_t n[] = { l->l_dir[i % 2].frames,
			l->l_dir[i % 2].bytes, l->l_dir[i % 2].lost,
			l->l_dir[i % 2].queue_drops, l->l_dir[i % 2].down_drops,
			l->l_dir[i % 2].suspended_drops };

		html_row(h, NULL);
		html_cell(h, l->l_name);
		html_cell(h, i % 2 == 0 ? "from the first" : "from the second");
		for (size_t j = 0; j < nitems(n); j++)
			html_num(h, n[j]);
	}
	html_table_end(h);
}

static void
nodes(struct html *h)
{
	static const char *const heads[] = { "frames from", "name", "=kind",
		"#came", "#lost", "#duplicated", "#delayed", "#corrupted",
		"#marked", NULL };
	const struct result *r = h->h_r;

	if (r->r_nnodes == 0)
		return;
	html_h2(h, "impairments", "Impairments");
	html_table(h, "What each did to the frames that came to it", heads);
	for (unsigned i = 0; i < r->r_nnodes; i++) {
		const struct node_result *nr = &r->r_nodes[i];
		const uint64_t n[] = { nr->seen, nr->lost, nr->duplicated,
			nr->delayed, nr->corrupted, nr->marked };

		html_row(h, NULL);
		html_cell(h, nr->n_from);
		html_cell(h, nr->n_name);
		html_cell(h, nr->n_kind);
		for (size_t j = 0; j < nitems(n); j++)
			html_num(h, n[j]);
	}
	html_table_end(h);
}

static void
waiting(struct html *h)
{
	static const char *const heads[] = { "step", "#line", NULL };
	const struct result *r = h->h_r;

	if (r->r_nwaiting == 0)
		return;
	html_h2(h, "waiting", "Steps that never happened");
	html_table(h, "Their conditions never came true", heads);
	for (unsigned i = 0; i < r->r_nwaiting; i++) {
		html_row(h, NULL);
		html_cell(h, r->r_waiting[i].ws_text);
		html_num(h, (uint64_t)r->r_waiting[i].ws_line);
	}
	html_table_end(h);
}

static void
counters(struct html *h)
{
	static const char *const heads[] = { "=counter", "=host", "#before",
		"#after", "#moved by", "meaning", NULL };
	const struct result *r = h->h_r;

	html_h2(h, "counters", "Counters that moved");
	if (r->r_ncounters == 0) {
		strbuf_adds(h->h_sb, "<p>None.</p>\n");
		return;
	}
	html_table(h, "sysctl counters, before and after the run", heads);
	for (unsigned i = 0; i < r->r_ncounters; i++) {
		const struct counter_result *c = &r->r_counters[i];

		html_row(h, NULL);
		html_cell(h, c->ct_name);
		html_cell(h, c->ct_host);
		html_num(h, c->ct_before);
		html_num(h, c->ct_after);
		html_num(h, c->ct_after - c->ct_before);
		html_cell(h, c->ct_descr);
	}
	html_table_end(h);
}

void
html_tables(struct html *h)
{
	all_facts(h);
	cards(h);
	links(h);
	nodes(h);
	waiting(h);
	counters(h);
}
