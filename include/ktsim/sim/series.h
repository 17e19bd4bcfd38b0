/*
 * A quantity over time in bounded memory: bins of 2^shift picoseconds, of
 * which only those are kept in which something happened. When there are
 * SERIES_BINS of them the bins become twice as wide. Times never go back.
 *
 * A sum adds up what came in a bin (bytes, resets); a level is what the last
 * one in the bin said (tags alive) and stays until the next; a peak is the
 * highest that came in a bin (waiting work).
 *
 * Values depend on the calls alone, so that what is drawn from them can be
 * compared byte for byte.
 */
#ifndef KTSIM_SIM_SERIES_H
#define KTSIM_SIM_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>

#define SERIES_BINS  4096
#define SERIES_SHIFT 20 /* of the narrowest bins, about a microsecond */

struct series_bin {
	uint64_t sb_at; /* from sb_at << shift on */
	uint64_t sb_value;
};

/* All zero is empty, and a sum. */
struct series {
	bool s_level, s_peak;
	unsigned s_most;  /* bins; 0: SERIES_BINS */
	unsigned s_wider; /* shift is SERIES_SHIFT + s_wider */
	unsigned s_n, s_size;
	struct series_bin *s_bins; /* in order; malloc */
};

void series_fini(struct series *);
void series_add(struct series *, simtime_t when, uint64_t value);
simtime_t series_width(const struct series *);		/* of a bin, ps */
simtime_t series_at(const struct series *, unsigned i); /* where bin i begins */
/* Of a sum, in [from, to): a bin that is there in part counts in part. */
uint64_t series_sum(const struct series *, simtime_t from, simtime_t to);
/* Of a level, what it is at this instant, or in the bin of it; 0 before all. */
uint64_t series_level(const struct series *, simtime_t);

#endif
