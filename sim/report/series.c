/* A quantity over time in bounded memory. */
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/series.h>

void
series_fini(struct series *s)
{
	free(s->s_bins);
	*s = (struct series) { 0 };
}

/* Another value in a bin. */
static void
bin_take(const struct series *s, struct series_bin *b, uint64_t value)
{
	if (s->s_level)
		b->sb_value = value;
	else if (s->s_peak)
		b->sb_value = MAX(b->sb_value, value);
	else
		b->sb_value += value;
}

/* Neighbours become one. */
static void
series_widen(struct series *s)
{
	struct series_bin *b = s->s_bins;
	unsigned n = 0;
	uint64_t at;

	for (unsigned i = 0; i < s->s_n; i++) {
		at = b[i].sb_at / 2;
		if (n == 0 || b[n - 1].sb_at != at)
			b[n++] = (struct series_bin) { at, b[i].sb_value };
		else
			bin_take(s, &b[n - 1], b[i].sb_value);
	}
	s->s_n = n;
	s->s_wider++;
}

void
series_add(struct series *s, simtime_t when, uint64_t value)
{
	uint64_t at = when >> (SERIES_SHIFT + s->s_wider);
	struct series_bin *last = s->s_n > 0 ? &s->s_bins[s->s_n - 1] : NULL;

	if (last != NULL && last->sb_at == at) {
		bin_take(s, last, value);
		return;
	}
	while (s->s_n == (s->s_most != 0 ? s->s_most : SERIES_BINS))
		series_widen(s);
	if (s->s_n == s->s_size) {
		s->s_size = s->s_size != 0 ? 2 * s->s_size : 16;
		s->s_bins = xrealloc(s->s_bins, s->s_size * sizeof(*s->s_bins));
	}
	at = when >> (SERIES_SHIFT + s->s_wider);
	last = s->s_n > 0 ? &s->s_bins[s->s_n - 1] : NULL;
	if (last != NULL && last->sb_at == at) /* in wider bins it is */
		bin_take(s, last, value);
	else
		s->s_bins[s->s_n++] = (struct series_bin) { at, value };
}

simtime_t
series_width(const struct series *s)
{
	return ((simtime_t)1 << (SERIES_SHIFT + s->s_wider));
}

simtime_t
series_at(const struct series *s, unsigned i)
{
	return (s->s_bins[i].sb_at << (SERIES_SHIFT + s->s_wider));
}

/* The first bin that begins behind the instant's. */
static unsigned
series_behind(const struct series *s, simtime_t when)
{
	uint64_t at = when >> (SERIES_SHIFT + s->s_wider);
	unsigned lo = 0, hi = s->s_n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (s->s_bins[mid].sb_at <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

uint64_t
series_sum(const struct series *s, simtime_t from, simtime_t to)
{
	unsigned i = series_behind(s, from);
	simtime_t width = series_width(s), begin, lo, hi;
	uint64_t sum = 0;

	if (i > 0)
		i--; /* the instant may lie in it */
	for (; i < s->s_n && (begin = series_at(s, i)) < to; i++) {
		lo = MAX(begin, from);
		hi = MIN(begin + width, to);
		if (hi > lo)
			sum += (uint64_t)((unsigned __int128)s->s_bins[i]
					      .sb_value *
			    (hi - lo) / width);
	}
	return (sum);
}

uint64_t
series_level(const struct series *s, simtime_t when)
{
	unsigned i = series_behind(s, when);

	return (i > 0 ? s->s_bins[i - 1].sb_value : 0);
}
