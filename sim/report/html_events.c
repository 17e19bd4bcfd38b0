/*
 * report.html: the events that matter, each with the frame of wire.pcapng that
 * it concerns and the pictures that show its connection.
 */
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "html_priv.h"

static const char *const kind_names[CE_KINDS] = {
	[CE_STEP] = "step",
	[CE_LINK] = "link",
	[CE_PORT] = "active port",
	[CE_MODE] = "TLS mode",
	[CE_TAG] = "send tag",
	[CE_RTO] = "timeout",
	[CE_DROP] = "drop",
	[CE_REREAD] = "recovery",
	[CE_ERROR] = "error",
};

static bool
side_is(const struct conn_side *s, const struct chart_event *e)
{
	return (s->host != NULL && s->number == e->ce_conn &&
	    strcmp(s->host, e->ce_conn_host) == 0);
}

static bool
event_of(const struct chart_event *e, const struct conn_result *c)
{
	return (e->ce_conn != 0 &&
	    (side_is(&c->c_side[0], e) || side_is(&c->c_side[1], e)));
}

static const struct conn_result *
event_conn(const struct html *h, const struct chart_event *e)
{
	const struct result *r = h->h_r;

	for (unsigned i = 0; e->ce_conn != 0 && i < r->r_nconns; i++)
		if (event_of(e, &r->r_conns[i]))
			return (&r->r_conns[i]);
	return (NULL);
}

/* --- the table --- */

static void
conn_cell(struct html *h, const struct chart_event *e)
{
	const struct conn_result *c = event_conn(h, e);
	int shown = c != NULL ? html_shown(h, c) : -1;

	html_cell_begin(h);
	if (shown >= 0)
		strbuf_addf(h->h_sb, "<a href=\"#conn-%d\">", shown);
	if (c != NULL)
		html_text(h, c->c_name);
	if (shown >= 0)
		strbuf_adds(h->h_sb, "</a>");
	html_cell_end(h);
}

static void
frame_cells(struct html *h, const struct chart_event *e)
{
	static const char *const how[] = { [CF_THIS] = "frame",
		[CF_NEXT] = "next: frame",
		[CF_LAST] = "after frame" };
	bool many = e->ce_packets > 1;

	html_cell_begin(h);
	if (many)
		strbuf_addf(h->h_sb, "frames %ju to %ju",
		    (uintmax_t)e->ce_frame, (uintmax_t)e->ce_last_frame);
	else if (e->ce_how != CF_NONE)
		strbuf_addf(h->h_sb, "%s %ju", how[e->ce_how],
		    (uintmax_t)e->ce_frame);
	html_cell_end(h);
	html_cell_begin(h);
	if (many)
		strbuf_addf(h->h_sb, "<code>frame.number in {%ju..%ju}</code>",
		    (uintmax_t)e->ce_frame, (uintmax_t)e->ce_last_frame);
	else if (e->ce_how != CF_NONE)
		strbuf_addf(h->h_sb, "<code>frame.number == %ju</code>",
		    (uintmax_t)e->ce_frame);
	html_cell_end(h);
}

static void
what_cell(struct html *h, const struct chart_event *e)
{
	html_cell_begin(h);
	html_text(h, e->ce_text);
	if (e->ce_kind == CE_DROP)
		strbuf_addf(h->h_sb, ", %ju packet%s, %ju bytes",
		    (uintmax_t)e->ce_packets, plural(e->ce_packets),
		    (uintmax_t)e->ce_bytes);
	html_cell_end(h);
}

static void
event_row(struct html *h, unsigned i)
{
	const struct chart_event *e = &h->h_ch->ch_events[i];
	char id[24];

	snprintf(id, sizeof(id), "event-%u", i + 1);
	html_row(h, id);
	html_num(h, i + 1);
	html_time(h, e->ce_when);
	html_cell(h, kind_names[e->ce_kind]);
	html_cell(h, e->ce_who);
	conn_cell(h, e);
	what_cell(h, e);
	frame_cells(h, e);
}

void
html_events(struct html *h)
{
	static const char *const heads[] = { "#no.", "#time", "=kind", "=host",
		"=connection", "what", "=of wire.pcapng", "=Wireshark's filter",
		NULL };
	const struct charts *ch = h->h_ch;

	if (ch == NULL)
		return;
	html_h2(h, "events", "Events");
	if (ch->ch_nevents == 0) {
		strbuf_adds(h->h_sb, "<p>Nothing of note happened.</p>\n");
		return;
	}
	html_table(h,
	    "Steps, links, modes, tags, timeouts, drops, errors; next: the "
	    "first frame of that connection, or host, afterwards",
	    heads);
	for (unsigned i = 0; i < ch->ch_nevents; i++)
		event_row(h, i);
	html_table_end(h);
	for (int k = 0; k < CE_KINDS; k++)
		if (ch->ch_left[k] > 0)
			strbuf_addf(h->h_sb,
			    "<p class=\"left\">Of kind \u201c%s\u201d the "
			    "first %d are here; %ju more are in the "
			    "trace.</p>\n",
			    kind_names[k], CHART_EVENTS,
			    (uintmax_t)ch->ch_left[k]);
}

/* --- in pictures --- */

/* Frames that were lost have their crosses already. */
static bool
event_is_seen(const struct chart_event *e, const struct conn_result *c,
    const struct axis *ax)
{
	return (e->ce_when >= ax->a_begin && e->ce_when <= ax->a_end &&
	    (event_of(e, c) || e->ce_kind == CE_STEP) &&
	    (e->ce_kind != CE_DROP || e->ce_how != CF_THIS));
}

static bool
event_is_cross(const struct chart_event *e, const struct conn_result *c,
    const struct axis *ax)
{
	return (
	    e->ce_kind == CE_DROP && e->ce_how == CF_THIS && event_of(e, c));
}

void
html_event_marks(struct html *h, const struct conn_result *c,
    const struct axis *ax, int y, int bottom)
{
	const struct charts *ch = h->h_ch;
	int free_x = 0, last = -1, x, width;
	char text[16];

	for (unsigned i = 0; i < ch->ch_nevents; i++) {
		const struct chart_event *e = &ch->ch_events[i];

		if (!event_is_seen(e, c, ax))
			continue;
		x = axis_x(ax, e->ce_when);
		width = snprintf(text, sizeof(text), "%u", i + 1) * LETTER;
		if (last >= 0 && x - last < PX(2))
			continue;
		last = x;
		add_line(h->h_sb, "event", x, y + PX(3), x, bottom);
		if (x - width / 2 < free_x)
			continue;
		free_x = x + width / 2 + PX(4);
		add_text(h->h_sb, "event-t", x, y, "middle", text);
	}
}

static void
links_of(struct html *h, const struct conn_result *c, const struct axis *ax,
    bool (*is)(const struct chart_event *, const struct conn_result *,
	const struct axis *),
    const char *what)
{
	const struct charts *ch = h->h_ch;
	unsigned n = 0;

	for (unsigned i = 0; i < ch->ch_nevents; i++) {
		if (!is(&ch->ch_events[i], c, ax))
			continue;
		strbuf_addf(h->h_sb, "%s<a href=\"#event-%u\">%u</a>",
		    n++ == 0 ? what : ", ", i + 1, i + 1);
	}
	if (n > 0)
		strbuf_adds(h->h_sb, ".</p>\n");
}

void
html_event_links(struct html *h, const struct conn_result *c,
    const struct axis *ax)
{
	links_of(h, c, ax, event_is_seen,
	    "<p>Events, by the numbers above the picture: ");
	links_of(h, c, ax, event_is_cross,
	    "<p>Events of which the crosses tell: ");
}
