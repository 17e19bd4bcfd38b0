/*
 * report.html: one file that needs nothing else, without scripts, light or
 * dark as the browser is. Here: its elements, and the order of its parts.
 */
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/scenario.h>

#include "html_priv.h"

void
html_text(struct html *h, const char *text)
{
	add_xml(h->h_sb, text);
}

void
html_h2(struct html *h, const char *id, const char *text)
{
	strbuf_addf(h->h_sb, "<h2 id=\"%s\">", id);
	html_text(h, text);
	strbuf_adds(h->h_sb, "</h2>\n");
}

/* --- tables --- */

static const char *
kind_class(char kind)
{
	return (kind == '#'   ? " class=\"n\""
		: kind == '=' ? " class=\"w\""
			      : "");
}

void
html_table(struct html *h, const char *caption, const char *const *heads)
{
	char kind;

	strbuf_adds(h->h_sb,
	    "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"");
	html_text(h, caption);
	strbuf_adds(h->h_sb, "\">\n<table>\n<caption>");
	html_text(h, caption);
	strbuf_adds(h->h_sb, "</caption>\n<thead><tr>");
	for (unsigned i = 0; heads[i] != NULL; i++) {
		KASSERT(i < nitems(h->h_kinds), ("%s: too wide", caption));
		kind = heads[i][0] == '#' || heads[i][0] == '=' ? heads[i][0]
								: '\0';
		h->h_kinds[i] = kind;
		strbuf_addf(h->h_sb, "<th scope=\"col\"%s>", kind_class(kind));
		html_text(h, heads[i] + (kind != '\0'));
		strbuf_adds(h->h_sb, "</th>");
	}
	strbuf_adds(h->h_sb, "</tr></thead>\n<tbody>\n");
	h->h_column = 0;
}

void
html_row(struct html *h, const char *id)
{
	if (h->h_column > 0)
		strbuf_adds(h->h_sb, "</tr>\n");
	if (id != NULL)
		strbuf_addf(h->h_sb, "<tr id=\"%s\">", id);
	else
		strbuf_adds(h->h_sb, "<tr>");
	h->h_column = 0;
}

void
html_cell_begin(struct html *h)
{
	const char *class = kind_class(h->h_kinds[h->h_column]);

	if (h->h_column == 0)
		strbuf_addf(h->h_sb, "<th scope=\"row\"%s>", class);
	else
		strbuf_addf(h->h_sb, "<td%s>", class);
}

void
html_cell_end(struct html *h)
{
	strbuf_adds(h->h_sb, h->h_column == 0 ? "</th>" : "</td>");
	h->h_column++;
}

void
html_cell(struct html *h, const char *text)
{
	html_cell_begin(h);
	html_text(h, text != NULL ? text : "");
	html_cell_end(h);
}

void
html_num(struct html *h, uint64_t n)
{
	html_cell_begin(h);
	strbuf_addu(h->h_sb, n);
	html_cell_end(h);
}

void
html_time(struct html *h, simtime_t t)
{
	html_cell_begin(h);
	format_time(t, h->h_sb);
	html_cell_end(h);
}

void
html_table_end(struct html *h)
{
	if (h->h_column > 0)
		strbuf_adds(h->h_sb, "</tr>\n");
	strbuf_adds(h->h_sb, "</tbody>\n</table>\n</div>\n");
	h->h_column = 0;
}

void
html_left_out(struct html *h, uint64_t n, const char *what)
{
	if (n > 0)
		strbuf_addf(h->h_sb,
		    "<p class=\"left\">%ju more %s%s left out"
		    " here; report.json and the trace have "
		    "them.</p>\n",
		    (uintmax_t)n, what, n == 1 ? " is" : "s are");
}

/* --- figures --- */

void
html_figure(struct html *h, const char *label)
{
	strbuf_adds(h->h_sb,
	    "<figure>\n<div class=\"wide\" role=\"region\" tabindex=\"0\" "
	    "aria-label=\"");
	html_text(h, label);
	strbuf_adds(h->h_sb, "\">\n");
}

void
html_figure_end(struct html *h, const char *const *key, const char *note)
{
	strbuf_adds(h->h_sb, "</div>\n<figcaption>");
	for (; key != NULL && key[0] != NULL; key += 2) {
		strbuf_addf(h->h_sb,
		    "<span class=\"key\"><svg class=\"sample\" width=\"26\" "
		    "height=\"12\" aria-hidden=\"true\">%s</svg> ",
		    key[0]);
		html_text(h, key[1]);
		strbuf_adds(h->h_sb, "</span>\n");
	}
	if (note != NULL) {
		strbuf_adds(h->h_sb, "<span class=\"note-l\">");
		html_text(h, note);
		strbuf_adds(h->h_sb, "</span>\n");
	}
	strbuf_adds(h->h_sb, "</figcaption>\n</figure>\n");
}

/* --- the whole --- */

static void
ports(struct html *h)
{
	const struct timeline *tl = h->h_r->r_over_time;
	uint64_t sent = 0;

	if (tl == NULL)
		return;
	for (unsigned i = 0; i < tl->tl_nhosts; i++)
		for (unsigned j = 0; j < tl->tl_hosts[i].th_nports; j++)
			sent += tl->tl_hosts[i].th_ports[j].tp_bytes;
	if (sent == 0)
		return;
	html_h2(h, "ports", "Ports and tags over time");
	html_figure(h, "Ports and tags over time");
	timeline_inline(h->h_r, h->h_sb);
	html_figure_end(h, NULL,
	    "Each lane is a port: what it sent, its link, whether it may send, "
	    "its send tags. Silent stretches are cut short. The receivers' "
	    "lane is what applications read of bodies.");
}

void
report_html(const struct result *r, struct strbuf *sb)
{
	struct html h = { .h_r = r, .h_sb = sb };

	if (r->r_charts != NULL && r->r_charts->ch_on)
		h.h_ch = r->r_charts;
	html_choose(&h);
	html_head(&h);
	html_verdict(&h);
	html_conns(&h);
	ports(&h);
	html_hosts(&h);
	html_events(&h);
	html_tables(&h);
	strbuf_adds(sb, "</main>\n</body>\n</html>\n");
}
