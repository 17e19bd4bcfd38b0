/*
 * The picture of a run: ports with their link, their part in a lagg, what they
 * sent and the tags on them; what the receivers got, and their longest gap;
 * the steps that were taken; all over one axis of time. A file of its own, no
 * scripts, for light and dark.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "timeline_priv.h"

#define TITLE_Y	   PX(28)
#define STEPS_TOP  PX(62)
#define STEP_ROW   PX(17)
#define STEP_ROWS  8
#define HOST_HEAD  PX(24)
#define RESET_ROW  PX(18)
#define LANE	   PX(66)
#define LANE_THIN  PX(20)
#define LANE_SPACE PX(6)
#define RECEIVERS  PX(72)
#define GAP_ROW	   PX(26)

static const char defs[] =
    "<defs><pattern id=\"hatch\" width=\"8\" height=\"8\" "
    "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
    "<line class=\"hatch\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"8\"/>"
    "</pattern></defs>\n";

/* --- what is drawn --- */

struct picture {
	const struct result *p_r;
	const struct timeline *p_tl;
	struct axis p_axis;
	const struct conn_result *p_gap; /* whose gap is the longest; NULL */
	unsigned p_step_rows;
	int p_top, p_bottom; /* of the lanes */
};

static bool
host_has_tags(const struct tl_host *h)
{
	for (unsigned i = 0; i < h->th_nports; i++)
		if (h->th_ports[i].tp_tags_most > 0)
			return (true);
	return (false);
}

static uint64_t
host_bytes(const struct tl_host *h)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < h->th_nports; i++)
		n += h->th_ports[i].tp_bytes;
	return (n);
}

/* Its bytes are worth a look: it has tags, or sends a good part of all. */
static bool
host_is_tall(const struct picture *p, const struct tl_host *h)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < p->p_tl->tl_nhosts; i++)
		most = MAX(most, host_bytes(&p->p_tl->tl_hosts[i]));
	return (host_has_tags(h) || host_bytes(h) * 10 > most);
}

/* Its ports are: whoever has a lagg, or bytes that are worth a look. */
static bool
host_is_drawn(const struct picture *p, const struct tl_host *h)
{
	for (unsigned i = 0; i < h->th_nports; i++)
		if (h->th_ports[i].tp_lagg != NULL)
			return (true);
	return (h->th_nports > 0 && host_is_tall(p, h));
}

static int
host_head(const struct tl_host *h)
{
	return (HOST_HEAD +
	    (h->th_resets.s_n + h->th_failed.s_n > 0 ? RESET_ROW : 0));
}

static int
host_height(const struct picture *p, const struct tl_host *h)
{
	int lane = host_is_tall(p, h) ? LANE : LANE_THIN;

	if (!host_is_drawn(p, h))
		return (0);
	return (host_head(h) + (int)h->th_nports * (lane + LANE_SPACE));
}

static void
picture_find_gap(struct picture *p)
{
	const struct conn_result *c = p->p_r->r_conns;

	for (; c < p->p_r->r_conns + p->p_r->r_nconns; c++)
		if (c->c_gap.g_longest > 0 &&
		    (p->p_gap == NULL ||
			c->c_gap.g_longest > p->p_gap->c_gap.g_longest))
			p->p_gap = c;
}

/* --- steps --- */

/*
 * The lowest row whose label, from its line to `to`, is crossed by no line of
 * a later step, which come down from their rows: STEP_ROWS: there is none.
 */
static unsigned
step_row(int begins[STEP_ROWS], int from, int to)
{
	unsigned row = STEP_ROWS;

	while (row > 0 && begins[row - 1] >= to + PX(8))
		row--;
	if (row < STEP_ROWS)
		begins[row] = from;
	return (row);
}

/* The first of those with its text. */
static const struct tl_step *
step_first(const struct picture *p, const struct tl_step *ts)
{
	const struct tl_step *first = p->p_tl->tl_steps;

	while (strcmp(first->ts_text, ts->ts_text) != 0)
		first++;
	return (first);
}

/* Of many that are the same, the first stands for all. */
static bool
step_is_seen(const struct picture *p, const struct tl_step *ts)
{
	const struct tl_step *first = step_first(p, ts);

	if (first->ts_times > TL_REPEATS && ts != first)
		return (false);
	return (
	    ts->ts_when >= p->p_axis.a_begin && ts->ts_when <= p->p_axis.a_end);
}

static void
step_text(const struct tl_step *ts, struct strbuf *sb)
{
	strbuf_adds(sb, ts->ts_text);
	if (ts->ts_times > TL_REPEATS)
		strbuf_addf(sb, ", %u times", ts->ts_times);
}

static int
step_width(const struct tl_step *ts)
{
	struct strbuf text = { 0 };
	int width;

	step_text(ts, &text);
	width = (int)text.sb_len * LETTER;
	strbuf_fini(&text);
	return (width);
}

/* To the right of its line, or to the left where there is no room. */
static int
step_from(const struct picture *p, const struct tl_step *ts)
{
	int x = axis_x(&p->p_axis, ts->ts_when);

	return (x + step_width(ts) + PX(5) <= PIC_WIDTH - PX(8)
		? x + PX(5)
		: x - PX(5) - step_width(ts));
}

static void
step_draw(const struct picture *p, const struct tl_step *ts, unsigned row,
    struct strbuf *sb)
{
	int x = axis_x(&p->p_axis, ts->ts_when), from = step_from(p, ts);
	int y = p->p_top - PX(8) - (int)MIN(row, p->p_step_rows) * STEP_ROW;
	struct strbuf text = { 0 };

	add_line(sb, "step", x, row < STEP_ROWS ? y - PX(11) : y, x,
	    p->p_bottom);
	step_text(ts, &text);
	if (row < STEP_ROWS)
		add_text(sb, "step-t", from > x ? from : x - PX(5), y,
		    from > x ? "start" : "end", strbuf_str(&text));
	strbuf_fini(&text);
}

/* With sb NULL only how many rows it takes. */
static unsigned
steps_draw(const struct picture *p, struct strbuf *sb)
{
	const struct timeline *tl = p->p_tl;
	int begins[STEP_ROWS], x, from;
	unsigned row, rows = 0;

	for (row = 0; row < STEP_ROWS; row++)
		begins[row] = PIC_WIDTH + PX(8);
	for (unsigned i = tl->tl_nsteps; i > 0; i--) {
		const struct tl_step *ts = &tl->tl_steps[i - 1];

		if (!step_is_seen(p, ts))
			continue;
		x = axis_x(&p->p_axis, ts->ts_when);
		from = step_from(p, ts);
		row = step_row(begins, MIN(from, x), from + step_width(ts));
		rows = MAX(rows, MIN(row + 1, (unsigned)STEP_ROWS));
		if (sb != NULL)
			step_draw(p, ts, row, sb);
	}
	return (rows);
}

/* --- hosts --- */

static void
count_text(struct strbuf *sb, const char *class, int y, const char *before,
    uint64_t n, const char *what)
{
	struct strbuf text = { 0 };

	strbuf_addf(&text, "%s%ju %s%s", before, (uintmax_t)n, what,
	    n == 1 ? "" : "s");
	add_text(sb, class, PLOT_RIGHT + PX(8), y, "start", strbuf_str(&text));
	strbuf_fini(&text);
}

static uint64_t
series_all(const struct series *s)
{
	return (series_sum(s, 0, SIM_NEVER));
}

static void
resets_draw(const struct picture *p, const struct tl_host *h, int y,
    struct strbuf *sb)
{
	uint64_t failed = series_all(&h->th_failed);

	add_text(sb, "label", PX(16), y + PX(12), "start", "tag resets");
	lane_ticks(&p->p_axis, &h->th_resets, y + PX(2), PX(12), "reset", sb);
	lane_ticks(&p->p_axis, &h->th_failed, y + PX(2), PX(12), "failed", sb);
	if (failed > 0)
		count_text(sb, "failed-t", y + PX(12), "", failed, "failure");
	else
		count_text(sb, "reset-t", y + PX(12), "",
		    series_all(&h->th_resets), "reset");
}

static void
port_labels(const struct tl_port *tp, const struct lane_scale *ls, int y,
    struct strbuf *sb)
{
	struct strbuf rate = { 0 };

	add_text(sb, "port", PX(16), y + (ls != NULL ? PX(16) : PX(14)),
	    "start", tp->tp_name);
	if (ls == NULL)
		return;
	add_text(sb, "note", PX(16), y + PX(32), "start", tp->tp_model);
	if (tp->tp_lagg != NULL)
		add_text(sb, "note", PX(16), y + PX(47), "start", tp->tp_lagg);
	add_rate(&rate, ls->ls_rate_bps);
	add_text(sb, "sent-t", PLOT_RIGHT + PX(8), y + PX(12), "start",
	    strbuf_str(&rate));
	strbuf_fini(&rate);
	if (tp->tp_tags_most > 0)
		count_text(sb, "tags-t", y + PX(30), "\u2264 ",
		    tp->tp_tags_most, "tag");
}

static void
host_back(const struct picture *p, const struct tl_host *h, int y,
    struct strbuf *sb)
{
	int lane = host_is_tall(p, h) ? LANE : LANE_THIN;

	y += host_head(h);
	for (unsigned i = 0; i < h->th_nports; i++) {
		lane_back(&p->p_axis, &h->th_ports[i], y, lane, sb);
		y += lane + LANE_SPACE;
	}
}

static void
host_draw(const struct picture *p, const struct tl_host *h, int y,
    struct strbuf *sb)
{
	bool tall = host_is_tall(p, h);
	struct lane_scale ls = { 0 };
	int lane = tall ? LANE : LANE_THIN;

	add_text(sb, "host", PX(16), y + PX(15), "start", h->th_name);
	if (h->th_resets.s_n + h->th_failed.s_n > 0)
		resets_draw(p, h, y + HOST_HEAD, sb);
	y += host_head(h);
	for (unsigned i = 0; i < h->th_nports; i++) {
		scale_add(&ls, &p->p_axis, &h->th_ports[i].tp_sent);
		ls.ls_tags = MAX(ls.ls_tags, h->th_ports[i].tp_tags_most);
	}
	scale_round(&ls);
	for (unsigned i = 0; i < h->th_nports; i++) {
		lane_port(&p->p_axis, &h->th_ports[i], tall ? &ls : NULL, y,
		    lane, sb);
		port_labels(&h->th_ports[i], tall ? &ls : NULL, y, sb);
		y += lane + LANE_SPACE;
	}
}

/* --- receivers --- */

/* From where to where nothing was read. */
static void
gap_ends(const struct picture *p, int *from, int *to)
{
	const struct story_gap *g = &p->p_gap->c_gap;

	*from = axis_x(&p->p_axis, g->g_from);
	*to = MAX(axis_x(&p->p_axis, g->g_from + g->g_longest), *from + PX(1));
}

static void
receivers_back(const struct picture *p, int y, struct strbuf *sb)
{
	int from, to;

	y += GAP_ROW;
	add_rect(sb, "up", PLOT_LEFT, y, PLOT_WIDTH, RECEIVERS);
	if (p->p_gap == NULL)
		return;
	gap_ends(p, &from, &to);
	add_rect(sb, "gap-b", from, y, to - from, RECEIVERS);
}

static void
receivers_draw(const struct picture *p, int y, struct strbuf *sb)
{
	struct lane_scale ls = { 0 };
	struct strbuf rate = { 0 };

	scale_add(&ls, &p->p_axis, &p->p_tl->tl_delivered);
	scale_round(&ls);
	y += GAP_ROW;
	lane_area(&p->p_axis, &p->p_tl->tl_delivered, ls.ls_rate_bps, y + PX(3),
	    RECEIVERS - PX(3), "got", sb);
	add_text(sb, "host", PX(16), y + PX(16), "start", "receivers");
	add_text(sb, "note", PX(16), y + PX(32), "start", "body bytes");
	add_rate(&rate, ls.ls_rate_bps);
	add_text(sb, "got-t", PLOT_RIGHT + PX(8), y + PX(12), "start",
	    strbuf_str(&rate));
	strbuf_fini(&rate);
}

/* Over everything, silent stretches included. */
static void
gap_draw(const struct picture *p, int y, struct strbuf *sb)
{
	struct strbuf text = { 0 };
	int from, to, half, middle;

	if (p->p_gap == NULL)
		return;
	gap_ends(p, &from, &to);
	strbuf_adds(&text, "longest gap ");
	add_duration(&text, p->p_gap->c_gap.g_longest);
	strbuf_addf(&text, ", %s", p->p_gap->c_name);
	half = (int)text.sb_len * LETTER / 2;
	middle = MAX(PLOT_LEFT + half, MIN(PLOT_RIGHT - half, (from + to) / 2));
	add_text(sb, "gap-t", middle, y + PX(11), "middle", strbuf_str(&text));
	y += PX(20);
	add_line(sb, "gap", from, y, to, y);
	add_line(sb, "gap", from, y - PX(4), from, y + PX(4));
	add_line(sb, "gap", to, y - PX(4), to, y + PX(4));
	strbuf_fini(&text);
}

/* --- the key --- */

static bool
any_paused(const struct timeline *tl)
{
	for (unsigned i = 0; i < tl->tl_nhosts; i++)
		for (unsigned j = 0; j < tl->tl_hosts[i].th_nports; j++) {
			const struct tl_port *p = &tl->tl_hosts[i].th_ports[j];

			for (unsigned k = 0; k < p->tp_nmarks; k++)
				if (p->tp_marks[k].tm_what == TL_PAUSED)
					return (true);
		}
	return (false);
}

static int
key_text(int x, int y, const char *text, struct strbuf *sb)
{
	add_text(sb, "note", x + PX(21), y + PX(10), "start", text);
	return (x + PX(45) + (int)strlen(text) * (LETTER - 6));
}

static void
key_draw(const struct picture *p, int y, struct strbuf *sb)
{
	bool tags = false;
	int x = PLOT_LEFT;

	for (unsigned i = 0; i < p->p_tl->tl_nhosts; i++)
		tags = tags || host_has_tags(&p->p_tl->tl_hosts[i]);
	add_rect(sb, "sent", x, y + PX(1), PX(16), PX(10));
	x = key_text(x, y, "sent on the wire", sb);
	if (tags) {
		add_line(sb, "tags", x, y + PX(6), x + PX(16), y + PX(6));
		x = key_text(x, y, "send tags", sb);
	}
	add_rect(sb, "sends", x, y + PX(4), PX(16), PX(4));
	x = key_text(x, y, "may send (active, distributing)", sb);
	add_rect(sb, "down", x, y + PX(1), PX(16), PX(10));
	x = key_text(x, y, "no link", sb);
	if (any_paused(p->p_tl)) {
		add_rect(sb, "paused", x, y + PX(1), PX(16), PX(10));
		x = key_text(x, y, "LACP holds the lagg back", sb);
	}
	add_rect(sb, "got", x, y + PX(1), PX(16), PX(10));
	(void)key_text(x, y, "read by applications", sb);
}

/* --- the whole --- */

static void
marks_left(const struct tl_port *p, struct strbuf *sb)
{
	if (p->tp_marks_left == 0)
		return;
	strbuf_addf(sb, "; %s changed %u more times than are drawn, after ",
	    p->tp_name, p->tp_marks_left);
	add_duration(sb, p->tp_marks[p->tp_nmarks - 1].tm_when);
}

static void
describe(const struct picture *p, struct strbuf *sb)
{
	const struct timeline *tl = p->p_tl;

	for (unsigned i = 0; i < tl->tl_nhosts; i++) {
		const struct tl_host *h = &tl->tl_hosts[i];

		if (!host_is_drawn(p, h))
			continue;
		strbuf_addf(sb, "Host %s:", h->th_name);
		for (unsigned j = 0; j < h->th_nports; j++)
			strbuf_addf(sb,
			    "%s %s sent %ju bytes with up to %ju send tags",
			    j > 0 ? "," : "", h->th_ports[j].tp_name,
			    (uintmax_t)h->th_ports[j].tp_bytes,
			    (uintmax_t)h->th_ports[j].tp_tags_most);
		for (unsigned j = 0; j < h->th_nports; j++)
			marks_left(&h->th_ports[j], sb);
		strbuf_addf(sb, "; %ju tags were reset. ",
		    (uintmax_t)(series_all(&h->th_resets) +
			series_all(&h->th_failed)));
	}
	strbuf_addf(sb, "The receivers read %ju body bytes",
	    (uintmax_t)tl->tl_delivered_bytes);
	if (p->p_gap != NULL) {
		strbuf_adds(sb, "; the longest gap was ");
		add_duration(sb, p->p_gap->c_gap.g_longest);
		strbuf_addf(sb, ", of %s", p->p_gap->c_name);
	}
	strbuf_adds(sb, ".");
	if (tl->tl_steps_left > 0)
		strbuf_addf(sb, " %u more steps are not drawn.",
		    tl->tl_steps_left);
	for (unsigned i = 0; i < tl->tl_nsteps; i++) {
		strbuf_adds(sb, " At ");
		add_duration(sb, tl->tl_steps[i].ts_when);
		strbuf_adds(sb, " ");
		add_xml(sb, tl->tl_steps[i].ts_text);
		if (step_first(p, &tl->tl_steps[i]) == &tl->tl_steps[i] &&
		    tl->tl_steps[i].ts_times > TL_REPEATS)
			strbuf_addf(sb, ", %u times in all",
			    tl->tl_steps[i].ts_times);
		strbuf_adds(sb, ".");
	}
}

#define DESCRIPTION_LETTERS 140

/* Its upper edge is where the title would begin, or where it would end. */
static void
head_svg(const struct picture *p, int top, int height, struct strbuf *sb)
{
	strbuf_adds(sb, "<svg xmlns=\"http://www.w3.org/2000/svg\"");
	strbuf_adds(sb, " viewBox=\"0 ");
	add_px(sb, top);
	strbuf_adds(sb, " ");
	add_px(sb, PIC_WIDTH);
	strbuf_adds(sb, " ");
	add_px(sb, height - top);
	strbuf_adds(sb, "\"");
	add_attr(sb, "width", PIC_WIDTH);
	add_attr(sb, "height", height - top);
	strbuf_adds(sb,
	    " role=\"img\" aria-labelledby=\"title desc\">\n"
	    "<title id=\"title\">");
	add_xml(sb, p->p_r->r_name);
	strbuf_adds(sb, ": ");
	add_xml(sb, p->p_r->r_description);
	strbuf_adds(sb, "</title>\n<desc id=\"desc\">");
	describe(p, sb);
	strbuf_adds(sb, "</desc>\n");
}

static void
head_draw(const struct picture *p, int height, struct strbuf *sb)
{
	const char *text = p->p_r->r_description;
	struct strbuf cut = { 0 };

	strbuf_adds(sb, "<style>\n");
	strbuf_adds(sb, timeline_css);
	strbuf_adds(sb, "</style>\n");
	strbuf_adds(sb, defs);
	add_rect(sb, "page", 0, 0, PIC_WIDTH, height);
	add_text(sb, "title", PX(16), TITLE_Y, "start", p->p_r->r_name);
	strbuf_add(&cut, text, MIN(strlen(text), (size_t)DESCRIPTION_LETTERS));
	if (strlen(text) > DESCRIPTION_LETTERS)
		strbuf_adds(&cut, " ...");
	add_text(sb, "label", PX(16), TITLE_Y + PX(19), "start",
	    strbuf_str(&cut));
	strbuf_fini(&cut);
}

typedef void draw_host(const struct picture *, const struct tl_host *, int y,
    struct strbuf *);

/* Those that are to be drawn, one below the other; where the next would be. */
static int
hosts_each(const struct picture *p, draw_host *draw, struct strbuf *sb)
{
	const struct tl_host *h = p->p_tl->tl_hosts;
	int y = p->p_top;

	for (; h < p->p_tl->tl_hosts + p->p_tl->tl_nhosts; h++) {
		if (draw != NULL && host_is_drawn(p, h))
			draw(p, h, y, sb);
		y += host_height(p, h);
	}
	return (y);
}

static void
picture_draw(const struct result *r, bool alone, struct strbuf *sb)
{
	struct picture p = { .p_r = r, .p_tl = r->r_over_time };
	int y;

	axis_make(&p.p_axis, r);
	picture_find_gap(&p);
	p.p_step_rows = steps_draw(&p, NULL);
	p.p_top = STEPS_TOP + (int)p.p_step_rows * STEP_ROW;
	y = hosts_each(&p, NULL, NULL);
	p.p_bottom = y + GAP_ROW + RECEIVERS;
	head_svg(&p, alone ? 0 : STEPS_TOP - PX(8), p.p_bottom + PX(62), sb);
	if (alone)
		head_draw(&p, p.p_bottom + PX(62), sb);
	else
		strbuf_adds(sb, defs);
	(void)hosts_each(&p, host_back, sb);
	receivers_back(&p, y, sb);
	axis_draw(&p.p_axis, p.p_top, p.p_bottom, sb);
	(void)hosts_each(&p, host_draw, sb);
	receivers_draw(&p, y, sb);
	axis_draw_quiet(&p.p_axis, p.p_top, p.p_bottom, sb);
	gap_draw(&p, y, sb);
	(void)steps_draw(&p, sb);
	key_draw(&p, p.p_bottom + PX(36), sb);
	strbuf_adds(sb, "</svg>\n");
}

void
report_timeline(const struct result *r, struct strbuf *sb)
{
	picture_draw(r, true, sb);
}

void
timeline_inline(const struct result *r, struct strbuf *sb)
{
	picture_draw(r, false, sb);
}
