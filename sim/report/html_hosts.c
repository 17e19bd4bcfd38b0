/*
 * report.html: workers' queues, cards' rings and what went over their buses,
 * over the time of the whole run.
 */
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "html_priv.h"

#define LANES	   12 /* of a picture */
#define LANE_TOP   PX(16)
#define LANE	   PX(46)
#define LANE_SPACE PX(16)
#define BUS_LANE   PX(84)

struct lanes {
	struct html *l_h;
	struct axis l_axis;
	const char *l_id, *l_title, *l_label;
	int l_height; /* of one */
	unsigned l_n, l_left;
	int l_y; /* of the next one */
};

/* How many there are, before the first one. */
static void
lanes_begin(struct lanes *l, unsigned n, const char *desc)
{
	struct strbuf *sb = l->l_h->h_sb;
	int bottom;

	l->l_n = MIN(n, LANES);
	l->l_left = n - l->l_n;
	bottom = LANE_TOP + (int)l->l_n * (l->l_height + LANE_SPACE);
	strbuf_addf(sb, "<h3>%s</h3>\n", l->l_title);
	html_figure(l->l_h, l->l_title);
	svg_begin(sb, bottom + PX(24), l->l_id, l->l_title, desc);
	axis_draw(&l->l_axis, LANE_TOP, bottom, sb);
	l->l_y = LANE_TOP;
}

static struct chart
lane_chart(struct lanes *l, enum chart_unit unit, uint64_t most,
    const char *name, const char *what)
{
	struct chart c = { .c_axis = &l->l_axis,
		.c_top = l->l_y,
		.c_height = l->l_height,
		.c_sb = l->l_h->h_sb };

	chart_scale(&c, unit, most);
	chart_grid(&c);
	add_text(c.c_sb, "host", PX(4), l->l_y + PX(12), "start", name);
	add_text(c.c_sb, "note", PX(4), l->l_y + PX(27), "start", what);
	l->l_y += l->l_height + LANE_SPACE;
	return (c);
}

static void
lanes_end(struct lanes *l, const char *const *key, const char *note)
{
	axis_draw_quiet(&l->l_axis, LANE_TOP, l->l_y, l->l_h->h_sb);
	svg_end(l->l_h->h_sb);
	html_figure_end(l->l_h, key, note);
	html_left_out(l->l_h, l->l_left, l->l_label);
}

/* Between two looks, at the end. */
static simtime_t
every(const struct charts *ch)
{
	return ((simtime_t)1 << (SERIES_SHIFT + ch->ch_wider));
}

/* --- workers --- */

static void
workers(struct html *h, const struct axis *ax)
{
	const struct charts *ch = h->h_ch;
	const struct chart_worker *cw = ch->ch_workers,
				  *end = cw + ch->ch_nworkers;
	struct lanes l = { .l_h = h,
		.l_axis = *ax,
		.l_id = "workers",
		.l_title = "KTLS workers: work before them, over time",
		.l_label = "worker",
		.l_height = LANE };
	struct strbuf text = { 0 };
	struct chart c;
	unsigned n = 0;

	for (; cw < end; cw++) {
		if (cw->cw_most == 0)
			continue;
		strbuf_addf(&text, "%s%s, worker %u: up to %ju",
		    n++ > 0 ? "; " : "", cw->cw_host, cw->cw_cpu,
		    (uintmax_t)cw->cw_most);
	}
	if (n > 0)
		lanes_begin(&l, n, strbuf_str(&text));
	for (cw = ch->ch_workers; cw < end && l.l_n > 0; cw++) {
		if (cw->cw_most == 0)
			continue;
		strbuf_clear(&text);
		strbuf_addf(&text, "worker %u", cw->cw_cpu);
		c = lane_chart(&l, UNIT_COUNT, cw->cw_most, cw->cw_host,
		    strbuf_str(&text));
		chart_peaks(&c, &cw->cw_depth, every(ch), "depth");
		l.l_n--;
	}
	strbuf_fini(&text);
	if (n > 0)
		lanes_end(&l, NULL,
		    "Batches to encrypt and sockets to decrypt that wait, and "
		    "what is under way: the most between two looks. Workers "
		    "that had no work are not drawn.");
}

/* --- rings --- */

static void
rings(struct html *h, const struct axis *ax)
{
	const struct charts *ch = h->h_ch;
	const struct chart_card *cc = ch->ch_cards, *end = cc + ch->ch_ncards;
	struct lanes l = { .l_h = h,
		.l_axis = *ax,
		.l_id = "rings",
		.l_title = "Cards: packets in their rings over time",
		.l_label = "card",
		.l_height = LANE };
	struct strbuf text = { 0 };
	struct chart c;
	unsigned n = 0;

	for (; cc < end; cc++)
		if (cc->cc_most > 0)
			strbuf_addf(&text, "%s%s %s: up to %ju packets",
			    n++ > 0 ? "; " : "", cc->cc_host, cc->cc_name,
			    (uintmax_t)cc->cc_most);
	if (n > 0)
		lanes_begin(&l, n, strbuf_str(&text));
	for (cc = ch->ch_cards; cc < end && l.l_n > 0; cc++) {
		if (cc->cc_most == 0)
			continue;
		c = lane_chart(&l, UNIT_COUNT, cc->cc_most, cc->cc_host,
		    cc->cc_name);
		chart_peaks(&c, &cc->cc_ring, every(ch), "depth");
		l.l_n--;
	}
	strbuf_fini(&text);
	if (n > 0)
		lanes_end(&l, NULL,
		    "Packets that the driver has posted and the card has not "
		    "completed, as they were found between events.");
}

/* --- buses --- */

static uint64_t
card_bytes(const struct chart_card *cc)
{
	uint64_t n = 0;

	for (int b = 0; b < BUS_CAUSES; b++)
		n += cc->cc_total[b];
	return (n);
}

static void
bus_describe(const struct charts *ch, unsigned *n, struct strbuf *text)
{
	const struct chart_card *cc = ch->ch_cards;

	for (*n = 0; cc < ch->ch_cards + ch->ch_ncards; cc++)
		if (card_bytes(cc) > 0)
			strbuf_addf(text,
			    "%s%s %s: payload %ju, read again %ju, work "
			    "requests %ju, completions %ju, received %ju bytes",
			    (*n)++ > 0 ? "; " : "", cc->cc_host, cc->cc_name,
			    (uintmax_t)cc->cc_total[BUS_PAYLOAD],
			    (uintmax_t)cc->cc_total[BUS_REREAD],
			    (uintmax_t)cc->cc_total[BUS_DESC],
			    (uintmax_t)cc->cc_total[BUS_CQE],
			    (uintmax_t)cc->cc_total[BUS_RX]);
}

static void
buses(struct html *h, const struct axis *ax)
{
	static const char *const classes[BUS_CAUSES] = { "bus1", "bus2", "bus3",
		"bus4", "bus5" };
	static const char *const key[] = {
		"<rect class=\"bus1\" width=\"26\" height=\"12\"/>", "payload",
		"<rect class=\"bus2\" width=\"26\" height=\"12\"/>",
		"payload read again",
		"<rect class=\"bus3\" width=\"26\" height=\"12\"/>",
		"work requests",
		"<rect class=\"bus4\" width=\"26\" height=\"12\"/>",
		"completions",
		"<rect class=\"bus5\" width=\"26\" height=\"12\"/>",
		"received frames", NULL
	};
	const struct charts *ch = h->h_ch;
	const struct chart_card *cc = ch->ch_cards, *end = cc + ch->ch_ncards;
	struct lanes l = { .l_h = h,
		.l_axis = *ax,
		.l_id = "buses",
		.l_title = "Cards: bytes over PCIe by cause, over time",
		.l_label = "card",
		.l_height = BUS_LANE };
	struct strbuf text = { 0 };
	struct chart c;
	unsigned n;

	bus_describe(ch, &n, &text);
	if (n > 0)
		lanes_begin(&l, n, strbuf_str(&text));
	for (; cc < end && l.l_n > 0; cc++) {
		if (card_bytes(cc) == 0)
			continue;
		c = lane_chart(&l, UNIT_RATE,
		    chart_stack_most(ax, cc->cc_bus, BUS_CAUSES), cc->cc_host,
		    cc->cc_name);
		chart_stack(&c, cc->cc_bus, BUS_CAUSES, classes);
		l.l_n--;
	}
	strbuf_fini(&text);
	if (n > 0)
		lanes_end(&l, key,
		    "Rates, one on top of the other, from the bottom in the "
		    "order above.");
}

void
html_hosts(struct html *h)
{
	const struct charts *ch = h->h_ch;
	struct axis ax;

	if (ch == NULL || h->h_r->r_over_time == NULL)
		return;
	html_h2(h, "queues", "Queues and buses over time");
	axis_make(&ax, h->h_r);
	strbuf_addf(h->h_sb,
	    "<p>Levels were looked at %ju times, in virtual time, between two "
	    "events of the run.</p>\n",
	    (uintmax_t)ch->ch_looks);
	workers(h, &ax);
	rings(h, &ax);
	buses(h, &ax);
}
