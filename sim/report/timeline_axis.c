/*
 * The picture's time axis. A failover takes a millisecond and is followed by a
 * timer of two hundred: stretches in which nothing moves are cut short, each
 * with its length written into it, so that what happens can be seen.
 */
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "timeline_priv.h"

#define QUIET_WIDTH  PX(40)
#define ACTIVE_LEAST PX(36)

void
axis_active(struct activity *a, simtime_t from, simtime_t to)
{
	if (to < a->begin || from > a->end)
		return;
	if (a->n == a->size) {
		a->size = a->size != 0 ? 2 * a->size : 256;
		a->v = xrealloc(a->v, a->size * sizeof(*a->v));
	}
	a->v[a->n++] =
	    (struct stretch) { MAX(from, a->begin), MIN(to, a->end) };
}

void
axis_active_series(struct activity *a, const struct series *s)
{
	for (unsigned i = 0; i < s->s_n; i++)
		axis_active(a, series_at(s, i),
		    series_at(s, i) + series_width(s));
}

static void
active_host(struct activity *a, const struct tl_host *h)
{
	const struct tl_port *p;

	for (p = h->th_ports; p < h->th_ports + h->th_nports; p++) {
		axis_active_series(a, &p->tp_sent);
		axis_active_series(a, &p->tp_tags);
		for (unsigned i = 0; i < p->tp_nmarks; i++)
			axis_active(a, p->tp_marks[i].tm_when,
			    p->tp_marks[i].tm_when);
	}
	axis_active_series(a, &h->th_resets);
	axis_active_series(a, &h->th_failed);
}

static void
active_all(struct activity *a, const struct timeline *tl)
{
	for (unsigned i = 0; i < tl->tl_nhosts; i++)
		active_host(a, &tl->tl_hosts[i]);
	for (unsigned i = 0; i < tl->tl_nsteps; i++)
		axis_active(a, tl->tl_steps[i].ts_when,
		    tl->tl_steps[i].ts_when);
	axis_active_series(a, &tl->tl_delivered);
}

static int
by_time(const void *x, const void *y)
{
	const struct stretch *a = x, *b = y;

	return (a->from < b->from ? -1 : a->from > b->from);
}

static int
by_length(const void *x, const void *y)
{
	const struct stretch *a = x, *b = y;
	simtime_t la = a->to - a->from, lb = b->to - b->from;

	if (la != lb)
		return (la > lb ? -1 : 1);
	return (by_time(x, y));
}

/* Between the activities, in their place: how many gaps, the longest first. */
static unsigned
gaps_find(struct activity *a)
{
	simtime_t busy;
	unsigned n = 0;

	qsort(a->v, a->n, sizeof(*a->v), by_time);
	busy = a->v[0].to;
	for (unsigned i = 1; i < a->n; i++) {
		struct stretch s = a->v[i];

		if (s.from > busy)
			a->v[n++] = (struct stretch) { busy, s.from };
		busy = MAX(busy, s.to);
	}
	qsort(a->v, n, sizeof(*a->v), by_length);
	return (n);
}

/* Those that would take a good part of what is left; shortened by a margin,
 * so that what happens has room on both sides; in order of time. */
static unsigned
gaps_choose(struct activity *a, unsigned n, simtime_t *left)
{
	unsigned chosen = 0;
	simtime_t len, pad;

	*left = a->end - a->begin;
	while (chosen < n && chosen < AXIS_QUIET) {
		len = a->v[chosen].to - a->v[chosen].from;
		if (len * 8 <= *left)
			break;
		*left -= len;
		chosen++;
	}
	for (unsigned i = 0; i < chosen; i++) {
		len = a->v[i].to - a->v[i].from;
		pad = MIN(MAX(*left / 40, SIM_US), len / 4);
		a->v[i].from += pad;
		a->v[i].to -= pad;
	}
	qsort(a->v, chosen, sizeof(*a->v), by_time);
	return (chosen);
}

static void
span_add(struct axis *ax, simtime_t from, simtime_t to, bool quiet)
{
	if (from < to)
		ax->a_spans[ax->a_nspans++] =
		    (struct axis_span) { .as_from = from,
			    .as_to = to,
			    .as_quiet = quiet };
}

static void
spans_place(struct axis *ax)
{
	simtime_t busy = 0;
	int room = PLOT_WIDTH, x = PLOT_LEFT;
	struct axis_span *s, *end = ax->a_spans + ax->a_nspans;

	for (s = ax->a_spans; s < end; s++) {
		s->as_width = s->as_quiet ? QUIET_WIDTH : ACTIVE_LEAST;
		room -= s->as_width;
		if (!s->as_quiet)
			busy += s->as_to - s->as_from;
	}
	for (s = ax->a_spans; s < end; s++) {
		if (!s->as_quiet)
			s->as_width += (int)((unsigned __int128)room *
			    (s->as_to - s->as_from) / busy);
		s->as_x = x;
		x += s->as_width;
	}
}

/* From the first connection or step to the last connection's end. */
static void
axis_ends(struct axis *ax, const struct result *r)
{
	const struct timeline *tl = r->r_over_time;
	const struct conn_result *c;

	ax->a_begin = r->r_end;
	for (c = r->r_conns; c < r->r_conns + r->r_nconns; c++) {
		ax->a_begin = MIN(ax->a_begin, c->c_start);
		ax->a_end = MAX(ax->a_end, c->c_end != 0 ? c->c_end : r->r_end);
	}
	if (r->r_nconns == 0)
		ax->a_begin = 0;
	if (tl->tl_nsteps > 0)
		ax->a_begin = MIN(ax->a_begin, tl->tl_steps[0].ts_when);
	if (ax->a_end <= ax->a_begin)
		ax->a_end = MAX(r->r_end, ax->a_begin + SIM_US);
}

void
axis_finish(struct axis *ax, struct activity *a)
{
	simtime_t at, left;
	unsigned n;

	*ax = (struct axis) { .a_begin = a->begin, .a_end = a->end };
	axis_active(a, a->begin, a->begin);
	axis_active(a, a->end, a->end);
	n = gaps_choose(a, gaps_find(a), &left);
	ax->a_end += MAX(left / 50, SIM_US); /* the last step is seen whole */
	at = ax->a_begin;
	for (unsigned i = 0; i < n; i++) {
		span_add(ax, at, a->v[i].from, false);
		span_add(ax, a->v[i].from, a->v[i].to, true);
		at = a->v[i].to;
	}
	span_add(ax, at, ax->a_end, false);
	spans_place(ax);
	free(a->v);
}

void
axis_make(struct axis *ax, const struct result *r)
{
	struct activity a = { 0 };

	*ax = (struct axis) { 0 };
	axis_ends(ax, r);
	a.begin = ax->a_begin;
	a.end = ax->a_end;
	active_all(&a, r->r_over_time);
	axis_finish(ax, &a);
}

int
axis_x(const struct axis *ax, simtime_t when)
{
	const struct axis_span *s, *end = ax->a_spans + ax->a_nspans;

	if (when <= ax->a_begin)
		return (PLOT_LEFT);
	for (s = ax->a_spans; s < end; s++)
		if (when < s->as_to)
			return (s->as_x +
			    (int)((unsigned __int128)s->as_width *
				(when - s->as_from) / (s->as_to - s->as_from)));
	return (end[-1].as_x + end[-1].as_width);
}

/* --- ticks --- */

static const struct {
	const char *name;
	simtime_t ps;
} units[] = { { "s", SIM_SEC }, { "ms", SIM_MS }, { "µs", SIM_US },
	{ "ns", SIM_NS } };

/* In the unit that is right for it, with as many decimals as `step` needs. */
static void
add_instant(struct strbuf *sb, simtime_t t, simtime_t step)
{
	unsigned u = 0, decimals = 0;
	simtime_t rest, one;

	if (t == 0) {
		strbuf_adds(sb, "0");
		return;
	}
	while (u + 1 < nitems(units) && t < units[u].ps)
		u++;
	for (one = units[u].ps; one > step && one % 10 == 0; one /= 10)
		decimals++;
	strbuf_addf(sb, "%ju", (uintmax_t)(t / units[u].ps));
	rest = t % units[u].ps;
	if (decimals > 0)
		strbuf_addf(sb, ".%0*ju", (int)decimals,
		    (uintmax_t)(rest / one));
	strbuf_addf(sb, " %s", units[u].name);
}

void
add_duration(struct strbuf *sb, simtime_t t)
{
	unsigned u = 0;
	simtime_t step = 1;

	while (u + 1 < nitems(units) && t < units[u].ps)
		u++;
	while (t / step >= 1000)
		step *= 10;
	t = (t + step / 2) / step * step;
	while (u > 0 && t >= units[u - 1].ps)
		u--;
	/* No decimals that are zero. */
	while (step < units[u].ps && t % (step * 10) == 0)
		step *= 10;
	add_instant(sb, t, step);
}

/* The lowest of 1, 2, 5, 10 ... that is not below. */
static simtime_t
round_up(simtime_t least)
{
	static const unsigned round[] = { 1, 2, 5 };

	for (simtime_t ten = 1;; ten *= 10)
		for (unsigned i = 0; i < nitems(round); i++)
			if (ten * round[i] >= least)
				return (ten * round[i]);
}

static simtime_t
tick_after(const struct axis_span *s, simtime_t step)
{
	return ((s->as_from + step - 1) / step * step);
}

/* One every 78 pixels; in a span that is shorter at least one. */
static simtime_t
tick_step(const struct axis_span *s)
{
	simtime_t len = s->as_to - s->as_from;
	simtime_t step = round_up((simtime_t)((unsigned __int128)len * PX(78) /
	    (unsigned)s->as_width));

	if (tick_after(s, step) < s->as_to)
		return (step);
	for (step = round_up(len); step > 1; step = round_up(step / 3))
		if (tick_after(s, step) < s->as_to)
			break;
	return (step);
}

static int
text_width(const struct strbuf *sb)
{
	return ((int)sb->sb_len * LETTER);
}

static void
span_ticks(const struct axis *ax, const struct axis_span *s, int top,
    int bottom, int *free_x, struct strbuf *sb)
{
	simtime_t step = tick_step(s), t;
	struct strbuf label = { 0 };
	int x, half;

	for (t = tick_after(s, step); t < s->as_to; t += step) {
		x = axis_x(ax, t);
		strbuf_clear(&label);
		add_instant(&label, t, step);
		half = text_width(&label) / 2;
		if (x - half < *free_x || x + half > PLOT_RIGHT + PX(40))
			continue;
		*free_x = x + half + PX(10);
		add_line(sb, "grid", x, top, x, bottom + PX(4));
		add_text(sb, "tick", x, bottom + PX(18), "middle",
		    strbuf_str(&label));
	}
	strbuf_fini(&label);
}

void
axis_draw(const struct axis *ax, int top, int bottom, struct strbuf *sb)
{
	const struct axis_span *s;
	int free_x = 0;

	for (s = ax->a_spans; s < ax->a_spans + ax->a_nspans; s++)
		if (!s->as_quiet)
			span_ticks(ax, s, top, bottom, &free_x, sb);
	add_line(sb, "axis", PLOT_LEFT, bottom, PLOT_RIGHT, bottom);
}

void
axis_draw_quiet(const struct axis *ax, int top, int bottom, struct strbuf *sb)
{
	const struct axis_span *s;
	int x;

	for (s = ax->a_spans; s < ax->a_spans + ax->a_nspans; s++) {
		if (!s->as_quiet)
			continue;
		add_rect(sb, "quiet", s->as_x, top, s->as_width,
		    bottom - top + PX(2));
		add_line(sb, "cut", s->as_x, top, s->as_x, bottom + PX(2));
		x = s->as_x + s->as_width;
		add_line(sb, "cut", x, top, x, bottom + PX(2));
		x = s->as_x + s->as_width / 2 + PX(4);
		strbuf_adds(sb,
		    "<text class=\"note\" text-anchor=\"middle\" "
		    "transform=\"translate(");
		add_px(sb, x);
		strbuf_adds(sb, " ");
		add_px(sb, (top + bottom) / 2);
		strbuf_adds(sb, ") rotate(-90)\">");
		add_duration(sb, s->as_to - s->as_from);
		strbuf_adds(sb, " of silence</text>\n");
	}
}
