/* Ranges of a sequence over time in bounded memory. */
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/charts.h>

void
marks_fini(struct marks *m)
{
	free(m->m_marks);
	*m = (struct marks) { 0 };
}

static void
mark_join(struct mark *mk, const struct mark *with)
{
	mk->mk_lo = MIN(mk->mk_lo, with->mk_lo);
	mk->mk_hi = MAX(mk->mk_hi, with->mk_hi);
	mk->mk_count += with->mk_count;
}

/* Neighbours become one. */
static void
marks_widen(struct marks *m)
{
	struct mark *v = m->m_marks;
	unsigned n = 0;

	for (unsigned i = 0; i < m->m_n; i++) {
		v[i].mk_at /= 2;
		if (n > 0 && v[n - 1].mk_at == v[i].mk_at)
			mark_join(&v[n - 1], &v[i]);
		else
			v[n++] = v[i];
	}
	m->m_n = n;
	m->m_wider++;
}

static bool
mark_joins_last(struct marks *m, struct mark *mk, simtime_t when)
{
	mk->mk_at = when >> (SERIES_SHIFT + m->m_wider);
	if (m->m_n == 0 || m->m_marks[m->m_n - 1].mk_at != mk->mk_at)
		return (false);
	mark_join(&m->m_marks[m->m_n - 1], mk);
	return (true);
}

void
marks_add(struct marks *m, simtime_t when, uint64_t lo, uint64_t hi,
    uint64_t frame)
{
	struct mark mk = { .mk_lo = lo,
		.mk_hi = hi,
		.mk_frame = frame,
		.mk_count = 1 };

	m->m_count++;
	if (mark_joins_last(m, &mk, when))
		return;
	while (m->m_n == CHART_MARKS)
		marks_widen(m);
	if (mark_joins_last(m, &mk, when)) /* in wider bins it does */
		return;
	if (m->m_n == m->m_size) {
		m->m_size = m->m_size != 0 ? 2 * m->m_size : 16;
		m->m_marks =
		    xrealloc(m->m_marks, m->m_size * sizeof(*m->m_marks));
	}
	m->m_marks[m->m_n++] = mk;
}

simtime_t
marks_when(const struct marks *m, unsigned i)
{
	return (m->m_marks[i].mk_at << (SERIES_SHIFT + m->m_wider));
}
