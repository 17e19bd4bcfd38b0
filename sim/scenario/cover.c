/*
 * Covering arrays by the greedy method: again and again the cell that has most
 * combinations which none had before, the first one of several. That is within
 * a logarithm of the fewest, and the same everywhere.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "cover.h"

uint64_t
cover_product(const struct sc_matrix *m)
{
	uint64_t n = 1;

	for (unsigned i = 0; i < m->naxes; i++) {
		if (m->axes[i].values.n != 0 &&
		    n > UINT64_MAX / m->axes[i].values.n)
			return (UINT64_MAX);
		n *= m->axes[i].values.n;
	}
	return (n);
}

unsigned
cover_value(const struct sc_matrix *m, uint64_t cell, unsigned i)
{
	for (unsigned j = m->naxes - 1; j > i; j--)
		cell /= m->axes[j].values.n;
	return ((unsigned)(cell % m->axes[i].values.n));
}

static bool
listed(const struct sc_strlist *sl, const char *v)
{
	for (unsigned i = 0; i < sl->n; i++)
		if (strcmp(sl->v[i], v) == 0)
			return (true);
	return (false);
}

/* Has each axis, in `values`, one that ex names? */
static bool
fits(const struct sc_matrix *m, const char *const *values,
    const struct sc_cell *ex)
{
	const struct sc_axis *ax;

	for (unsigned i = 0; i < m->naxes; i++) {
		ax = &m->axes[i];
		for (unsigned j = 0; j < ex->naxes; j++)
			if (strcmp(ex->axes[j].loc.name, ax->loc.name) == 0 &&
			    !listed(&ex->axes[j].values, values[i]))
				return (false);
	}
	return (true);
}

const struct sc_cell *
cover_excluded(const struct sc_matrix *m, const char *const *values)
{
	for (unsigned i = 0; i < m->nexclude; i++)
		if (fits(m, values, &m->exclude[i]))
			return (&m->exclude[i]);
	return (NULL);
}

static bool
excluded(const struct sc_matrix *m, uint64_t cell)
{
	const char **values = xcalloc(m->naxes + 1, sizeof(*values));
	bool is;

	for (unsigned i = 0; i < m->naxes; i++)
		values[i] = m->axes[i].values.v[cover_value(m, cell, i)];
	is = cover_excluded(m, values) != NULL;
	free(values);
	return (is);
}

/* --- combinations of values of t axes --- */

#define MAX_TUPLES 5005 /* 15 axes, 6 of them */

struct cover {
	const struct sc_matrix *m;
	unsigned t, ntuples;
	uint8_t axes[MAX_TUPLES][6];
	unsigned base[MAX_TUPLES]; /* of the tuple's combinations in `met` */
	bool *met;
};

/* Every choice of t axes, in order. */
static void
cover_choose(struct cover *cv, unsigned from, unsigned have, uint8_t *axes)
{
	if (have == cv->t) {
		memcpy(cv->axes[cv->ntuples++], axes, cv->t);
		return;
	}
	for (unsigned i = from; i < cv->m->naxes; i++) {
		axes[have] = (uint8_t)i;
		cover_choose(cv, i + 1, have + 1, axes);
	}
}

static void
cover_init(struct cover *cv)
{
	uint8_t axes[6];
	unsigned total = 0, here;

	cover_choose(cv, 0, 0, axes);
	for (unsigned i = 0; i < cv->ntuples; i++) {
		cv->base[i] = total;
		here = 1;
		for (unsigned j = 0; j < cv->t; j++)
			here *= cv->m->axes[cv->axes[i][j]].values.n;
		total += here;
	}
	cv->met = xcalloc(total + 1, sizeof(*cv->met));
}

static unsigned
cover_slot(const struct cover *cv, const unsigned *value, unsigned tuple)
{
	unsigned slot = 0, axis;

	for (unsigned j = 0; j < cv->t; j++) {
		axis = cv->axes[tuple][j];
		slot = slot * cv->m->axes[axis].values.n + value[axis];
	}
	return (cv->base[tuple] + slot);
}

/* How many combinations of this cell none had; take: they are had now. */
static unsigned
cover_gain(struct cover *cv, uint64_t cell, bool take)
{
	unsigned value[16], gain = 0;
	bool *met;

	for (unsigned i = 0; i < cv->m->naxes; i++)
		value[i] = cover_value(cv->m, cell, i);
	for (unsigned i = 0; i < cv->ntuples; i++) {
		met = &cv->met[cover_slot(cv, value, i)];
		gain += !*met;
		*met |= take;
	}
	return (gain);
}

static int
by_number(const void *va, const void *vb)
{
	uint64_t a = *(const uint64_t *)va, b = *(const uint64_t *)vb;

	return (a < b ? -1 : a > b);
}

/* all[n] into the few that are enough; their number. */
static unsigned
cover_few(const struct sc_matrix *m, uint64_t *all, unsigned n)
{
	struct cover *cv = xcalloc(1, sizeof(*cv));
	unsigned *gain = xcalloc(n + 1, sizeof(*gain)), few = 0, best;
	uint64_t *taken = xcalloc(n + 1, sizeof(*taken));

	cv->m = m;
	cv->t = (unsigned)m->strength;
	cover_init(cv);
	memset(gain, 0xff, n * sizeof(*gain)); /* not known: any */
	for (;;) {
		best = n;
		for (unsigned i = 0; i < n; i++) {
			/* What one gains never grows. */
			if (best < n && gain[i] <= gain[best])
				continue;
			gain[i] = cover_gain(cv, all[i], false);
			if (gain[i] > 0 && (best == n || gain[i] > gain[best]))
				best = i;
		}
		if (best == n)
			break;
		(void)cover_gain(cv, all[best], true);
		gain[best] = 0;
		taken[few++] = all[best];
	}
	memcpy(all, taken, few * sizeof(*all));
	qsort(all, few, sizeof(*all), by_number);
	free(taken);
	free(gain);
	free(cv->met);
	free(cv);
	return (few);
}

uint64_t *
cover_cells(const struct sc_matrix *m, unsigned *n)
{
	uint64_t product = cover_product(m);
	uint64_t *all = xcalloc((size_t)product + 1, sizeof(*all));

	*n = 0;
	for (uint64_t cell = 0; cell < product; cell++)
		if (!excluded(m, cell))
			all[(*n)++] = cell;
	if (m->strength > 0 && m->strength < m->naxes)
		*n = cover_few(m, all, *n);
	return (all);
}
