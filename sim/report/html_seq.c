/*
 * report.html: a connection over time: the sequence numbers of the side that
 * sent more, as tcptrace draws them, its TLS mode, and its send buffer.
 */
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/scenario.h>

#include "html_priv.h"

#define MARKS_TOP  PX(14)
#define SEQ_TOP	   PX(44)
#define SEQ_HEIGHT PX(250)
#define BAND_TOP   (SEQ_TOP + SEQ_HEIGHT + PX(8))
#define BAND	   PX(18)
#define BUF_TOP	   (BAND_TOP + BAND + PX(44))
#define BUF_HEIGHT PX(110)

struct sequence {
	const struct conn_result *s_conn;
	const struct conn_side *s_side; /* who sent it */
	const struct chart_dir *s_dir;
	const struct chart_buffer *s_buffer;
	const char *s_who, *s_peer;
	struct axis s_axis;
	struct chart s_seq, s_buf;
	bool s_nobody; /* its buffer is not known */
};

/* Whoever sent more. */
static void
sequence_of(struct sequence *s, const struct conn_result *c)
{
	const struct chart_conn *cn = c->c_chart;
	unsigned client = c->c_chart_client, at = client;
	bool server;

	if (cn->cn_dir[1 - client].cd_next >= cn->cn_dir[client].cd_next)
		at = 1 - client;
	server = at != client;
	s->s_conn = c;
	s->s_dir = &cn->cn_dir[at];
	s->s_buffer = &cn->cn_buffer[at];
	s->s_side = &c->c_side[server];
	s->s_who = server ? "server" : "client";
	s->s_peer = server ? "client" : "server";
	s->s_nobody = !s->s_buffer->cb_known;
}

static void
sequence_axis(struct sequence *s, const struct html *h)
{
	const struct chart_dir *d = s->s_dir;
	struct activity a = { .begin = s->s_conn->c_chart->cn_since,
		.end = s->s_conn->c_end };

	if (a.end <= a.begin)
		a.end = MAX(h->h_r->r_end, a.begin + SIM_US);
	axis_active_series(&a, &d->cd_sent);
	axis_active_series(&a, &d->cd_acked);
	for (unsigned i = 0; i < d->cd_again.m_n; i++)
		axis_active(&a, marks_when(&d->cd_again, i),
		    marks_when(&d->cd_again, i));
	axis_finish(&s->s_axis, &a);
}

/* --- the mode --- */

static const char *
mode_class(const char *mode)
{
	if (strcmp(mode, "sw") == 0)
		return ("mode-sw");
	return (strcmp(mode, "none") == 0 ? "mode-none" : "mode-nic");
}

static const char *
mode_words(const char *mode)
{
	if (strcmp(mode, "sw") == 0)
		return ("software");
	if (strcmp(mode, "ifnet") == 0)
		return ("NIC (ifnet)");
	return (strcmp(mode, "toe") == 0 ? "NIC (TOE)" : mode);
}

/* The middle of the longest stretch between two x that is not silence. */
static int
band_middle(const struct axis *ax, int from, int to, int *room)
{
	int lo, hi, middle = from;

	*room = 0;
	for (unsigned i = 0; i < ax->a_nspans; i++) {
		lo = MAX(ax->a_spans[i].as_x, from);
		hi = MIN(ax->a_spans[i].as_x + ax->a_spans[i].as_width, to);
		if (ax->a_spans[i].as_quiet || hi - lo <= *room)
			continue;
		*room = hi - lo;
		middle = (lo + hi) / 2;
	}
	return (middle);
}

static void
band_piece(const struct sequence *s, const char *mode, int from, int to,
    struct strbuf *sb)
{
	const char *words = mode_words(mode);
	int room, middle = band_middle(&s->s_axis, from, to, &room);

	add_rect(sb, mode_class(mode), from, BAND_TOP, MAX(to - from, PX(1)),
	    BAND);
	if ((int)strlen(words) * LETTER + PX(6) < room)
		add_text(sb, "band-t", middle, BAND_TOP + PX(13), "middle",
		    words);
}

static void
band(const struct sequence *s, struct strbuf *sb)
{
	const struct story *st = s->s_side->story;
	const struct story_mode *last = NULL;
	int from = PLOT_LEFT, x;

	add_text(sb, "label", PLOT_LEFT - PX(6), BAND_TOP + PX(13), "end",
	    "TLS mode");
	for (unsigned i = 0; st != NULL && i < st->s_nmodes; i++) {
		const struct story_mode *m = &st->s_modes[i];

		if (m->sm_rx)
			continue;
		x = axis_x(&s->s_axis, m->sm_when);
		if (last != NULL && x > from)
			band_piece(s, last->sm_mode, from, x, sb);
		last = m;
		from = x;
	}
	if (last != NULL)
		band_piece(s, last->sm_mode, from, PLOT_RIGHT, sb);
	else
		add_text(sb, "note", PLOT_LEFT + PX(6), BAND_TOP + PX(13),
		    "start",
		    s->s_conn->c_tls == NULL ? "no TLS" : "user space");
}

/* --- sequence and buffer --- */

static void
label(int y, const char *text, struct strbuf *sb)
{
	add_text(sb, "label", PX(4), y, "start", text);
}

/* Scales and what is behind the curves. */
static void
back_draw(struct sequence *s, struct strbuf *sb)
{
	const struct chart_dir *d = s->s_dir;

	s->s_seq = (struct chart) { .c_axis = &s->s_axis,
		.c_top = SEQ_TOP,
		.c_height = SEQ_HEIGHT,
		.c_sb = sb };
	s->s_buf = (struct chart) { .c_axis = &s->s_axis,
		.c_top = BUF_TOP,
		.c_height = BUF_HEIGHT,
		.c_sb = sb };
	/* The window may reach much further than was sent. */
	chart_scale(&s->s_seq, UNIT_BYTES,
	    MIN(MAX(d->cd_edge, d->cd_next), d->cd_next + d->cd_next / 6));
	chart_grid(&s->s_seq);
	label(SEQ_TOP - PX(10), "sequence, bytes", sb);
	if (s->s_nobody)
		return;
	chart_scale(&s->s_buf, UNIT_BYTES,
	    MAX(series_most(&s->s_buffer->cb_all), 1024));
	chart_grid(&s->s_buf);
	label(BUF_TOP - PX(10), "send buffer, bytes", sb);
}

static void
curves_draw(const struct sequence *s)
{
	const struct chart_dir *d = s->s_dir;
	const struct chart_buffer *b = s->s_buffer;

	chart_line(&s->s_seq, &d->cd_limit, "tcp-limit");
	chart_line(&s->s_seq, &d->cd_sent, "tcp-sent");
	chart_line(&s->s_seq, &d->cd_acked, "tcp-ack");
	chart_marks(&s->s_seq, &d->cd_sacked, false, "tcp-sack");
	chart_marks(&s->s_seq, &d->cd_again, false, "tcp-again");
	chart_marks(&s->s_seq, &d->cd_lost, true, "tcp-lost");
	if (s->s_nobody)
		return;
	chart_area(&s->s_buf, &b->cb_all, "buf-all");
	chart_area(&s->s_buf, &b->cb_ready, "buf-ready");
	chart_line(&s->s_buf, &b->cb_cwnd, "cwnd");
}

/* One that was not followed from its beginning. */
static void
since(const struct sequence *s, struct strbuf *sb)
{
	if (s->s_conn->c_chart->cn_whole)
		return;
	strbuf_adds(sb, "It was followed only from ");
	format_time(s->s_conn->c_chart->cn_since, sb);
	strbuf_adds(sb,
	    " on, when something befell it: the first byte here is not its "
	    "first, and the window is not known. ");
}

static void
describe(const struct sequence *s, struct strbuf *sb)
{
	const struct chart_dir *d = s->s_dir;

	strbuf_addf(sb, "What the %s sent over time: %ju bytes of sequence",
	    s->s_who, (uintmax_t)d->cd_next);
	strbuf_addf(sb, ", %ju frames with bytes sent before, %ju frames lost",
	    (uintmax_t)d->cd_again.m_count, (uintmax_t)d->cd_lost.m_count);
	strbuf_addf(sb, ", %ju blocks told by SACK; %ju acknowledged.",
	    (uintmax_t)d->cd_sacked.m_count, (uintmax_t)d->cd_ack);
	if (!s->s_nobody)
		strbuf_addf(sb,
		    " Its send buffer held up to %ju bytes, of which up to "
		    "%ju were ready.",
		    (uintmax_t)series_most(&s->s_buffer->cb_all),
		    (uintmax_t)series_most(&s->s_buffer->cb_ready));
	strbuf_adds(sb, " ");
	since(s, sb);
	strbuf_adds(sb, "The tables have the numbers.");
}

static void
sequence_note(const struct sequence *s, struct strbuf *sb)
{
	strbuf_addf(sb, "From %s to %s. Frames as they leave their sender. ",
	    s->s_who, s->s_peer);
	since(s, sb);
	strbuf_adds(sb,
	    "Ready bytes (sb_acc) are those TCP may send; the others (up to "
	    "sb_ccc) wait to be encrypted or read from disk.");
}

void
html_sequence(struct html *h, const struct conn_result *c, unsigned index)
{
	static const char *const key[] = {
		"<path class=\"tcp-sent\" d=\"M1 10L25 2\"/>", "sent",
		"<path class=\"tcp-ack\" d=\"M1 10L25 2\"/>", "acknowledged",
		"<path class=\"tcp-limit\" d=\"M1 6H25\"/>",
		"window's limit; below: congestion window",
		"<path class=\"tcp-again\" d=\"M13 1V11\"/>", "sent again",
		"<path class=\"tcp-sack\" d=\"M13 1V11\"/>", "told by SACK",
		"<path class=\"tcp-lost\" d=\"M9 2L17 10M9 10L17 2\"/>", "lost",
		"<rect class=\"buf-ready\" width=\"26\" height=\"12\"/>",
		"buffer: ready",
		"<rect class=\"buf-all\" width=\"26\" height=\"12\"/>",
		"buffer: not ready", NULL
	};
	struct strbuf title = { 0 }, desc = { 0 };
	struct sequence s = { 0 };
	int bottom;
	char id[24];

	sequence_of(&s, c);
	sequence_axis(&s, h);
	bottom = s.s_nobody ? BAND_TOP + BAND : BUF_TOP + BUF_HEIGHT;
	strbuf_addf(&title, "%s: time and sequence", c->c_name);
	describe(&s, &desc);
	snprintf(id, sizeof(id), "seq-%u", index);
	html_figure(h, strbuf_str(&title));
	svg_begin(h->h_sb, bottom + PX(30), id, strbuf_str(&title),
	    strbuf_str(&desc));
	back_draw(&s, h->h_sb);
	axis_draw(&s.s_axis, SEQ_TOP, bottom, h->h_sb);
	html_event_marks(h, c, &s.s_axis, MARKS_TOP, bottom);
	band(&s, h->h_sb);
	curves_draw(&s);
	axis_draw_quiet(&s.s_axis, SEQ_TOP, bottom, h->h_sb);
	svg_end(h->h_sb);
	strbuf_clear(&desc);
	sequence_note(&s, &desc);
	html_figure_end(h, key, strbuf_str(&desc));
	html_event_links(h, c, &s.s_axis);
	strbuf_fini(&title);
	strbuf_fini(&desc);
}
