/*
 * Pictures with a scale: curves of series over an axis of time, for
 * report.html. Lengths are tenths of a pixel (timeline_priv.h).
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include <ktsim/sim/charts.h>

#include "timeline_priv.h"

enum chart_unit {
	UNIT_BYTES, /* KiB, MiB */
	UNIT_RATE,  /* bit/s */
	UNIT_COUNT
};

struct chart {
	const struct axis *c_axis;
	int c_top, c_height;
	enum chart_unit c_unit;
	uint64_t c_full, c_step; /* of the scale: its end, between lines */
	struct strbuf *c_sb;
};

/* The scale has room for `most`. */
void chart_scale(struct chart *, enum chart_unit, uint64_t most);
/* Background, lines with their values. */
void chart_grid(const struct chart *);
int chart_y(const struct chart *, uint64_t value);

/* A level as a line, or down to the bottom as an area. */
void chart_line(const struct chart *, const struct series *, const char *class);
void chart_area(const struct chart *, const struct series *, const char *class);
/* Peaks, each of which lasts `every`, or as long as its bin. */
void chart_peaks(const struct chart *, const struct series *, simtime_t every,
    const char *class);
/* Sums as rates, one on top of the other; n of them. */
void chart_stack(const struct chart *, const struct series *, unsigned n,
    const char *const classes[]);
/* The highest of chart_stack, for chart_scale. */
uint64_t chart_stack_most(const struct axis *, const struct series *,
    unsigned n);
/* Highest bin of a level. */
uint64_t series_most(const struct series *);
/* Upright bars; with a cross in the middle of each where `cross` is set. */
void chart_marks(const struct chart *, const struct marks *, bool cross,
    const char *class);

/* Beginning and end of a picture; title and what a reader of screens is told.
 * id: of the title; "ID-d" is the description's. */
void svg_begin(struct strbuf *, int height, const char *id, const char *title,
    const char *desc);
void svg_end(struct strbuf *);

#endif
