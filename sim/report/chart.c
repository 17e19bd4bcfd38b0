/* Pictures with a scale: curves over an axis of time. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "chart.h"

#define COLUMN	PX(2)  /* a curve has one step in so much of the picture */
#define BETWEEN PX(34) /* lines of a scale, at least */
#define STRIPE	PX(4)  /* a rate is a mean over so much */

/* --- scales --- */

static uint64_t
step_bytes(uint64_t least)
{
	uint64_t step = 1;

	while (step < least)
		step *= 2;
	return (step);
}

static uint64_t
step_decimal(uint64_t least)
{
	static const unsigned round[] = { 1, 2, 5 };

	for (uint64_t ten = 1;; ten *= 10)
		for (unsigned i = 0; i < nitems(round); i++)
			if (ten * round[i] >= least)
				return (ten * round[i]);
}

void
chart_scale(struct chart *c, enum chart_unit unit, uint64_t most)
{
	unsigned lines = (unsigned)MAX(c->c_height / BETWEEN, 1);
	uint64_t least = howmany(MAX(most, 1), lines);

	c->c_unit = unit;
	c->c_step =
	    unit == UNIT_BYTES ? step_bytes(least) : step_decimal(least);
	c->c_full = howmany(MAX(most, 1), c->c_step) * c->c_step;
}

/* As a part of a power of 1024 that is not too small for the scale's end; the
 * step is a power of two, so that few decimals are exact. */
static void
value_bytes(const struct chart *c, uint64_t value)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	uint64_t one = 1, rest;
	unsigned u = 0;

	while (u + 1 < nitems(names) && c->c_full >= one * 1024 &&
	    c->c_step >= one * 128) {
		one *= 1024;
		u++;
	}
	strbuf_addu(c->c_sb, value / one);
	rest = value % one;
	if (rest > 0)
		strbuf_adds(c->c_sb, ".");
	for (; rest > 0; rest = rest * 10 % one)
		strbuf_addu(c->c_sb, rest * 10 / one);
	strbuf_addf(c->c_sb, " %s", names[u]);
}

static void
value_text(const struct chart *c, uint64_t value)
{
	if (value == 0 || c->c_unit == UNIT_COUNT)
		strbuf_addu(c->c_sb, value);
	else if (c->c_unit == UNIT_RATE)
		add_rate(c->c_sb, value);
	else
		value_bytes(c, value);
}

int
chart_y(const struct chart *c, uint64_t value)
{
	int h = (int)((unsigned __int128)MIN(value, c->c_full) *
	    (unsigned)c->c_height / c->c_full);

	return (c->c_top + c->c_height - h);
}

void
chart_grid(const struct chart *c)
{
	int y;

	add_rect(c->c_sb, "plot", PLOT_LEFT, c->c_top, PLOT_WIDTH, c->c_height);
	for (uint64_t v = 0; v <= c->c_full; v += c->c_step) {
		y = chart_y(c, v);
		add_line(c->c_sb, "grid", PLOT_LEFT, y, PLOT_RIGHT, y);
		strbuf_adds(c->c_sb,
		    "<text class=\"tick\" text-anchor=\"end\"");
		add_attr(c->c_sb, "x", PLOT_LEFT - PX(6));
		add_attr(c->c_sb, "y", y + PX(4));
		strbuf_adds(c->c_sb, ">");
		value_text(c, v);
		strbuf_adds(c->c_sb, "</text>\n");
	}
}

/* --- curves --- */

static void
path_to(struct strbuf *sb, char command, int tenths)
{
	strbuf_add(sb, &command, 1);
	add_px(sb, tenths);
}

/* What a column of the picture has: where the curve ends, and its extremes. */
struct pen {
	struct strbuf *sb;
	int x, y;      /* where it is */
	int low, high; /* of this column, as y: low is the larger one */
};

static void
pen_column(struct pen *p, int x, int y)
{
	int end = p->y;

	if (x == p->x) {
		p->low = MAX(p->low, y);
		p->high = MIN(p->high, y);
		p->y = y;
		return;
	}
	/* The column is left by its last value, after its extremes. */
	if (p->high < end)
		path_to(p->sb, 'V', p->high);
	if (p->low > end)
		path_to(p->sb, 'V', p->low);
	path_to(p->sb, 'V', end);
	path_to(p->sb, 'H', x);
	p->x = x;
	p->low = p->high = p->y = y;
}

static void
curve(const struct chart *c, const struct series *s, bool area,
    const char *class)
{
	const struct axis *ax = c->c_axis;
	struct pen p = { .sb = c->c_sb, .x = PLOT_LEFT };
	simtime_t at;
	int y;

	if (s->s_n == 0)
		return;
	p.y = p.low = p.high = chart_y(c, series_level(s, ax->a_begin));
	strbuf_addf(p.sb, "<path class=\"%s\" d=\"", class);
	path_to(p.sb, 'M', PLOT_LEFT);
	path_to(p.sb, ' ', area ? c->c_top + c->c_height : p.y);
	for (unsigned i = 0; i < s->s_n; i++) {
		at = series_at(s, i);
		y = chart_y(c, s->s_bins[i].sb_value);
		if (at < ax->a_begin || y == p.y)
			continue;
		if (at > ax->a_end)
			break;
		pen_column(&p, axis_x(ax, at) / COLUMN * COLUMN, y);
	}
	pen_column(&p, PLOT_RIGHT, p.y);
	if (area) {
		path_to(p.sb, 'V', c->c_top + c->c_height);
		strbuf_adds(p.sb, "Z");
	}
	strbuf_adds(p.sb, "\"/>\n");
}

void
chart_line(const struct chart *c, const struct series *s, const char *class)
{
	curve(c, s, false, class);
}

void
chart_area(const struct chart *c, const struct series *s, const char *class)
{
	curve(c, s, true, class);
}

uint64_t
series_most(const struct series *s)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < s->s_n; i++)
		most = MAX(most, s->s_bins[i].sb_value);
	return (most);
}

/* --- peaks --- */

static void
peak_draw(const struct chart *c, int from, int to, int y)
{
	path_to(c->c_sb, 'M', from);
	path_to(c->c_sb, ' ', c->c_top + c->c_height);
	path_to(c->c_sb, 'V', y);
	path_to(c->c_sb, 'H', to);
	path_to(c->c_sb, 'V', c->c_top + c->c_height);
	strbuf_adds(c->c_sb, "Z");
}

/* Neighbours that are of one height are one. */
void
chart_peaks(const struct chart *c, const struct series *s, simtime_t every,
    const char *class)
{
	simtime_t width = MAX(series_width(s), every), at;
	int from = -1, to = -1, x, end, y, last = 0;

	if (s->s_n == 0)
		return;
	strbuf_addf(c->c_sb, "<path class=\"%s\" d=\"", class);
	for (unsigned i = 0; i < s->s_n; i++) {
		at = series_at(s, i);
		if (at + width < c->c_axis->a_begin || at > c->c_axis->a_end)
			continue;
		x = axis_x(c->c_axis, at) / COLUMN * COLUMN;
		end = MAX(axis_x(c->c_axis, at + width), x + COLUMN);
		y = chart_y(c, s->s_bins[i].sb_value);
		if (from >= 0 && (x == from || (y == last && x <= to))) {
			last = MIN(last, y);
			to = MAX(to, end);
			continue;
		}
		if (from >= 0)
			peak_draw(c, from, MIN(to, x), last);
		from = x;
		to = end;
		last = y;
	}
	if (from >= 0)
		peak_draw(c, from, to, last);
	strbuf_adds(c->c_sb, "\"/>\n");
}

/* --- rates --- */

/* Stripe i of a span that is drawn to its scale; false: there are no more. */
static bool
stripe_of(const struct axis_span *as, unsigned i, simtime_t *from,
    simtime_t *to, int *x)
{
	simtime_t len = as->as_to - as->as_from;
	unsigned at = i * STRIPE, width = (unsigned)as->as_width;

	if (at >= width || as->as_quiet)
		return (false);
	*x = as->as_x + (int)at;
	*from = as->as_from + (simtime_t)((unsigned __int128)len * at / width);
	*to = as->as_from +
	    (simtime_t)((unsigned __int128)len * MIN(at + STRIPE, width) /
		width);
	return (*to > *from);
}

static uint64_t
stripe_rate(const struct series *s, unsigned n, simtime_t from, simtime_t to)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += series_sum(&s[i], from, to);
	return ((uint64_t)((unsigned __int128)sum * 8 * SIM_SEC / (to - from)));
}

uint64_t
chart_stack_most(const struct axis *ax, const struct series *s, unsigned n)
{
	const struct axis_span *as;
	uint64_t most = 0;
	simtime_t from, to;
	int x;

	for (as = ax->a_spans; as < ax->a_spans + ax->a_nspans; as++)
		for (unsigned i = 0; stripe_of(as, i, &from, &to, &x); i++)
			most = MAX(most, stripe_rate(s, n, from, to));
	return (most);
}

static void
stack_span(const struct chart *c, const struct axis_span *as,
    const struct series *s, unsigned n)
{
	int x, y, last = c->c_top + c->c_height;
	simtime_t from, to;

	path_to(c->c_sb, 'M', as->as_x);
	path_to(c->c_sb, ' ', last);
	for (unsigned i = 0; stripe_of(as, i, &from, &to, &x); i++) {
		y = chart_y(c, stripe_rate(s, n, from, to));
		if (y == last)
			continue;
		path_to(c->c_sb, 'H', x);
		path_to(c->c_sb, 'V', y);
		last = y;
	}
	path_to(c->c_sb, 'H', as->as_x + as->as_width);
	path_to(c->c_sb, 'V', c->c_top + c->c_height);
	strbuf_adds(c->c_sb, "Z");
}

/* The sum of all first, the lower ones over it. */
void
chart_stack(const struct chart *c, const struct series *s, unsigned n,
    const char *const classes[])
{
	const struct axis *ax = c->c_axis;

	for (; n > 0; n--) {
		if (s[n - 1].s_n == 0)
			continue;
		strbuf_addf(c->c_sb, "<path class=\"%s\" d=\"", classes[n - 1]);
		for (unsigned i = 0; i < ax->a_nspans; i++)
			if (!ax->a_spans[i].as_quiet)
				stack_span(c, &ax->a_spans[i], s, n);
		strbuf_adds(c->c_sb, "\"/>\n");
	}
}

/* --- marks --- */

#define BAR_LEAST PX(3)
#define CROSS	  PX(3)

void
chart_marks(const struct chart *c, const struct marks *m, bool cross,
    const char *class)
{
	int x, y1, y2, mid;

	if (m->m_n == 0)
		return;
	strbuf_addf(c->c_sb, "<path class=\"%s\" d=\"", class);
	for (unsigned i = 0; i < m->m_n; i++) {
		x = axis_x(c->c_axis, marks_when(m, i));
		y1 = chart_y(c, m->m_marks[i].mk_lo);
		y2 = MIN(chart_y(c, m->m_marks[i].mk_hi), y1 - BAR_LEAST);
		mid = (y1 + y2) / 2;
		if (cross) {
			path_to(c->c_sb, 'M', x - CROSS);
			path_to(c->c_sb, ' ', mid - CROSS);
			path_to(c->c_sb, 'L', x + CROSS);
			path_to(c->c_sb, ' ', mid + CROSS);
			path_to(c->c_sb, 'M', x - CROSS);
			path_to(c->c_sb, ' ', mid + CROSS);
			path_to(c->c_sb, 'L', x + CROSS);
			path_to(c->c_sb, ' ', mid - CROSS);
		} else {
			path_to(c->c_sb, 'M', x);
			path_to(c->c_sb, ' ', y1);
			path_to(c->c_sb, 'V', y2);
		}
	}
	strbuf_adds(c->c_sb, "\"/>\n");
}

/* --- the picture --- */

void
svg_begin(struct strbuf *sb, int height, const char *id, const char *title,
    const char *desc)
{
	strbuf_adds(sb,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
	add_px(sb, PIC_WIDTH);
	strbuf_adds(sb, " ");
	add_px(sb, height);
	strbuf_adds(sb, "\"");
	add_attr(sb, "width", PIC_WIDTH);
	add_attr(sb, "height", height);
	strbuf_addf(sb,
	    " role=\"img\" aria-labelledby=\"%s %s-d\">\n"
	    "<title id=\"%s\">",
	    id, id, id);
	add_xml(sb, title);
	strbuf_addf(sb, "</title>\n<desc id=\"%s-d\">", id);
	add_xml(sb, desc);
	strbuf_adds(sb, "</desc>\n");
}

void
svg_end(struct strbuf *sb)
{
	strbuf_adds(sb, "</svg>\n");
}
