/* Lanes of the picture: a port's, with its states, bytes and tags; an area. */
#include <string.h>

#include <ktsim/base/kassert.h>

#include "timeline_priv.h"

#define COLUMN PX(3) /* throughput is a mean over so much of the picture */

struct column {
	simtime_t from, to;
	int x, width;
};

/* Column i of a span; false: there are no more. */
static bool
column_of(const struct axis_span *s, unsigned i, struct column *c)
{
	int at = (int)i * COLUMN;
	simtime_t len = s->as_to - s->as_from;

	if (at >= s->as_width)
		return (false);
	c->x = s->as_x + at;
	c->width = MIN(COLUMN, s->as_width - at);
	c->from = s->as_from +
	    (simtime_t)((unsigned __int128)len * (unsigned)at /
		(unsigned)s->as_width);
	c->to = s->as_from +
	    (simtime_t)((unsigned __int128)len * (unsigned)(at + c->width) /
		(unsigned)s->as_width);
	return (c->to > c->from);
}

static uint64_t
column_rate(const struct series *s, const struct column *c)
{
	return ((uint64_t)((unsigned __int128)series_sum(s, c->from, c->to) *
	    8 * SIM_SEC / (c->to - c->from)));
}

void
scale_add(struct lane_scale *ls, const struct axis *ax, const struct series *s)
{
	const struct axis_span *as;
	struct column c;

	for (as = ax->a_spans; as < ax->a_spans + ax->a_nspans; as++)
		for (unsigned i = 0; !as->as_quiet && column_of(as, i, &c); i++)
			ls->ls_rate_bps =
			    MAX(ls->ls_rate_bps, column_rate(s, &c));
}

/* A column may have one frame too many: what is a little above 10 Gbit/s is
 * a link of 10 Gbit/s. */
void
scale_round(struct lane_scale *ls)
{
	static const unsigned round[] = { 10, 15, 20, 25, 30, 40, 50, 60, 80 };
	uint64_t want = ls->ls_rate_bps - ls->ls_rate_bps / 16;

	for (uint64_t ten = 1;; ten *= 10)
		for (unsigned i = 0; i < nitems(round); i++)
			if (ten * round[i] >= want) {
				ls->ls_rate_bps = ten * round[i];
				return;
			}
}

void
add_rate(struct strbuf *sb, uint64_t bps)
{
	static const char *const units[] = { "bit/s", "kbit/s", "Mbit/s",
		"Gbit/s", "Tbit/s" };
	uint64_t one = 1;
	unsigned u = 0;

	while (u + 1 < nitems(units) && bps >= one * 1000) {
		one *= 1000;
		u++;
	}
	strbuf_addf(sb, "%ju", (uintmax_t)(bps / one));
	if (bps % one != 0)
		strbuf_addf(sb, ".%ju", (uintmax_t)(bps % one * 10 / one));
	strbuf_addf(sb, " %s", units[u]);
}

static int
height_of(uint64_t value, uint64_t full, int height)
{
	if (full == 0)
		return (0);
	return ((int)((unsigned __int128)MIN(value, full) * (unsigned)height /
	    full));
}

static void
add_to(struct strbuf *sb, char command, int tenths)
{
	strbuf_addf(sb, "%c", command);
	add_px(sb, tenths);
}

static void
area_span(const struct axis_span *as, const struct series *s, uint64_t full,
    int top, int height, struct strbuf *sb)
{
	int y, last = top + height;
	struct column c;

	add_to(sb, 'M', as->as_x);
	add_to(sb, ' ', last);
	for (unsigned i = 0; column_of(as, i, &c); i++) {
		y = top + height - height_of(column_rate(s, &c), full, height);
		if (y == last)
			continue;
		add_to(sb, 'H', c.x);
		add_to(sb, 'V', y);
		last = y;
	}
	add_to(sb, 'H', as->as_x + as->as_width);
	add_to(sb, 'V', top + height);
	strbuf_adds(sb, "Z");
}

void
lane_area(const struct axis *ax, const struct series *s, uint64_t full_bps,
    int top, int height, const char *class, struct strbuf *sb)
{
	const struct axis_span *as;

	if (s->s_n == 0)
		return;
	strbuf_addf(sb, "<path class=\"%s\" d=\"", class);
	for (as = ax->a_spans; as < ax->a_spans + ax->a_nspans; as++)
		if (!as->as_quiet)
			area_span(as, s, full_bps, top, height, sb);
	strbuf_adds(sb, "\"/>\n");
}

void
lane_ticks(const struct axis *ax, const struct series *s, int top, int height,
    const char *class, struct strbuf *sb)
{
	int x, last = -1;

	for (unsigned i = 0; i < s->s_n; i++) {
		if (series_at(s, i) + series_width(s) < ax->a_begin ||
		    series_at(s, i) > ax->a_end)
			continue;
		x = axis_x(ax, series_at(s, i));
		if (last >= 0 && x - last < PX(1))
			continue;
		last = x;
		add_line(sb, class, x, top, x, top + height);
	}
}

/* --- a port --- */

/* Rectangles where a state of the port holds (or does not). */
static void
port_state(const struct axis *ax, const struct tl_port *p, enum tl_what what,
    bool on, int top, int height, const char *class, struct strbuf *sb)
{
	int from = PLOT_LEFT, to;
	int known = p->tp_marks_left == 0
	    ? PLOT_RIGHT
	    : axis_x(ax, p->tp_marks[p->tp_nmarks - 1].tm_when);
	bool is = !on ? true : false; /* at the beginning all is off */

	for (unsigned i = 0; i <= p->tp_nmarks; i++) {
		const struct tl_mark *m = &p->tp_marks[i];

		if (i < p->tp_nmarks && m->tm_what != what)
			continue;
		to = i < p->tp_nmarks ? axis_x(ax, m->tm_when) : known;
		if (is && to > from)
			add_rect(sb, class, from, top, to - from, height);
		if (i == p->tp_nmarks)
			break;
		from = to;
		is = m->tm_on == on;
	}
}

static void
port_tags(const struct axis *ax, const struct tl_port *p, uint64_t full,
    int top, int height, struct strbuf *sb)
{
	int bottom = top + height, y, last;

	if (p->tp_tags_most == 0)
		return;
	last = bottom -
	    height_of(series_level(&p->tp_tags, ax->a_begin), full, height);
	strbuf_adds(sb, "<path class=\"tags\" d=\"");
	add_to(sb, 'M', PLOT_LEFT);
	add_to(sb, ' ', last);
	for (unsigned i = 0; i < p->tp_tags.s_n; i++) {
		if (series_at(&p->tp_tags, i) > ax->a_end)
			break;
		y = bottom -
		    height_of(p->tp_tags.s_bins[i].sb_value, full, height);
		if (y == last || series_at(&p->tp_tags, i) < ax->a_begin)
			continue;
		add_to(sb, 'H', axis_x(ax, series_at(&p->tp_tags, i)));
		add_to(sb, 'V', y);
		last = y;
	}
	add_to(sb, 'H', PLOT_RIGHT);
	strbuf_adds(sb, "\"/>\n");
}

void
lane_back(const struct axis *ax, const struct tl_port *p, int top, int height,
    struct strbuf *sb)
{
	port_state(ax, p, TL_LINK, true, top, height, "up", sb);
	port_state(ax, p, TL_LINK, false, top, height, "down", sb);
}

void
lane_port(const struct axis *ax, const struct tl_port *p,
    const struct lane_scale *ls, int top, int height, struct strbuf *sb)
{
	int edge = PX(4);

	if (ls != NULL)
		lane_area(ax, &p->tp_sent, ls->ls_rate_bps, top + PX(3),
		    height - edge - PX(3), "sent", sb);
	port_state(ax, p, TL_PAUSED, true, top, height, "paused", sb);
	port_state(ax, p, TL_SENDS, true, top + height - edge, edge, "sends",
	    sb);
	if (ls != NULL)
		port_tags(ax, p, ls->ls_tags, top + PX(7),
		    height - edge - PX(8), sb);
}
