/*
 * timeline.svg, its parts. Lengths are tenths of a pixel, so that the file has
 * no floating point in it and is the same everywhere.
 *
 * Order: axis_make, lanes_plan (what is drawn, how high), then the parts from
 * back to front.
 */
#ifndef TIMELINE_PRIV_H
#define TIMELINE_PRIV_H

#include <ktsim/base/strbuf.h>
#include <ktsim/sim/result.h>

#define PX(n)	   ((n)*10) /* pixels, in tenths */

#define PIC_WIDTH  PX(1060)
#define PLOT_LEFT  PX(132)
#define PLOT_WIDTH PX(820)
#define PLOT_RIGHT (PLOT_LEFT + PLOT_WIDTH)

/* A text of 12 pixels has about so wide letters; 11 pixels a little less. */
#define LETTER 66

/* --- timeline_axis.c: time, with its silent stretches cut short --- */

#define AXIS_QUIET 6 /* stretches at most */
#define AXIS_SPANS (2 * AXIS_QUIET + 1)

struct axis_span {
	simtime_t as_from, as_to;
	int as_x, as_width;
	bool as_quiet; /* nothing happens: drawn narrow, whatever it lasts */
};

struct axis {
	simtime_t a_begin, a_end;
	struct axis_span a_spans[AXIS_SPANS];
	unsigned a_nspans;
};

/* The whole run's. */
void axis_make(struct axis *, const struct result *);

/* Another one: its ends, then when something happens, then axis_finish. */
struct stretch {
	simtime_t from, to;
};
struct activity {
	struct stretch *v;
	unsigned n, size;
	simtime_t begin, end; /* begin < end */
};
void axis_active(struct activity *, simtime_t from, simtime_t to);
void axis_active_series(struct activity *, const struct series *);
void axis_finish(struct axis *, struct activity *);

/* Where an instant is; before and after the axis: its ends. */
int axis_x(const struct axis *, simtime_t);
/* Ticks with their lines from top to bottom and labels below. */
void axis_draw(const struct axis *, int top, int bottom, struct strbuf *);
/* What was cut out, over everything that was drawn there. */
void axis_draw_quiet(const struct axis *, int top, int bottom, struct strbuf *);

/* "230 ms", "1.5 s": three digits. */
void add_duration(struct strbuf *, simtime_t);

/* --- timeline_lane.c: what a port, or the receivers, did --- */

struct lane_scale {
	uint64_t ls_rate_bps; /* the lane's full height */
	uint64_t ls_tags;
};

/* A round number that the series, in columns of the picture, stay below. */
void scale_add(struct lane_scale *, const struct axis *, const struct series *);
void scale_round(struct lane_scale *);

/* With a link and without, behind the axis' lines; the rest in front. */
void lane_back(const struct axis *, const struct tl_port *, int top, int height,
    struct strbuf *);
/* scale NULL: a low lane, of states alone. */
void lane_port(const struct axis *, const struct tl_port *,
    const struct lane_scale *, int top, int height, struct strbuf *);
/* An area of class `class`. */
void lane_area(const struct axis *, const struct series *, uint64_t full_bps,
    int top, int height, const char *class, struct strbuf *);
/* Ticks where something happened. */
void lane_ticks(const struct axis *, const struct series *, int top, int height,
    const char *class, struct strbuf *);
/* "10 Gbit/s" */
void add_rate(struct strbuf *, uint64_t bps);

/* --- timeline_svg.c --- */

/* For a document that has timeline_css, without title and background. */
void timeline_inline(const struct result *, struct strbuf *);

/* --- svg.c --- */

extern const char timeline_css[]; /* of pictures made with these functions */

void add_px(struct strbuf *, int tenths);    /* "12.5" */
void add_xml(struct strbuf *, const char *); /* < > & " as they must be */
void add_attr(struct strbuf *, const char *name, int tenths); /* x="12.5" */
void add_rect(struct strbuf *, const char *class, int x, int y, int w, int h);
void add_line(struct strbuf *, const char *class, int x1, int y1, int x2,
    int y2);
/* anchor: "start", "middle", "end"; text is escaped. */
void add_text(struct strbuf *, const char *class, int x, int y,
    const char *anchor, const char *text);

#endif
