/* Cases of a suite, counted and put in order. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

const char *const suite_verdict_names[SV_COUNT] = {
	[SV_PASSED] = "passed",
	[SV_SKIPPED] = "skipped",
	[SV_FAILED] = "failed",
	[SV_BROKE] = "broke",
	[SV_ERROR] = "error",
	[SV_MISSING] = "missing",
	[SV_CRASHED] = "crashed",
	[SV_TIMEOUT] = "timeout",
};

struct suite_case *
suite_add(struct suite *s)
{
	struct suite_case *c;

	if (s->s_n == s->s_size) {
		s->s_size = s->s_size != 0 ? 2 * s->s_size : 64;
		s->s_v = xrealloc(s->s_v, s->s_size * sizeof(*s->s_v));
	}
	c = &s->s_v[s->s_n++];
	*c = (struct suite_case) { .sc_code = -1 };
	return (c);
}

void
suite_add_shard(struct suite *s, uint64_t k, uint64_t n)
{
	for (unsigned i = 0; i < s->s_nshards; i++)
		if (s->s_shards[i].sh_k == k && s->s_shards[i].sh_n == n)
			return;
	s->s_shards =
	    xrealloc(s->s_shards, (s->s_nshards + 1) * sizeof(*s->s_shards));
	s->s_shards[s->s_nshards++] = (struct suite_shard) { k, n };
}

struct suite_fault *
suite_add_fault(struct suite_case *c)
{
	struct suite_fault *f;

	c->sc_faults =
	    xrealloc(c->sc_faults, (c->sc_nfaults + 1) * sizeof(*c->sc_faults));
	f = &c->sc_faults[c->sc_nfaults++];
	*f = (struct suite_fault) { 0 };
	return (f);
}

void
suite_set_why(struct suite_case *c, const char *fmt, ...)
{
	struct strbuf sb = { 0 };
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	free(c->sc_why);
	c->sc_why = strbuf_take(&sb);
}

void
suite_case_fini(struct suite_case *c)
{
	struct suite_fault *f;

	for (unsigned i = 0; i < c->sc_nfaults; i++) {
		f = &c->sc_faults[i];
		free(f->sf_name);
		free(f->sf_where);
		free(f->sf_what);
		free(f->sf_found);
		free(f->sf_first);
		free(f->sf_frames);
	}
	free(c->sc_faults);
	free(c->sc_name);
	free(c->sc_file);
	free(c->sc_cell);
	free(c->sc_defects);
	free(c->sc_caught_by);
	free(c->sc_why);
	free(c->sc_golden);
	free(c->sc_again);
	*c = (struct suite_case) { 0 };
}

void
suite_fini(struct suite *s)
{
	for (size_t i = 0; i < s->s_n; i++)
		suite_case_fini(&s->s_v[i]);
	free(s->s_v);
	free(s->s_shards);
	*s = (struct suite) { 0 };
}

const struct suite_case *
suite_find(const struct suite *s, const char *name)
{
	for (size_t i = 0; i < s->s_n; i++)
		if (strcmp(s->s_v[i].sc_name, name) == 0)
			return (&s->s_v[i]);
	return (NULL);
}

static int
case_order(const void *va, const void *vb)
{
	const struct suite_case *a = va, *b = vb;

	if (a->sc_position != b->sc_position)
		return (a->sc_position < b->sc_position ? -1 : 1);
	return (strcmp(a->sc_name, b->sc_name));
}

void
suite_sort(struct suite *s)
{
	if (s->s_n > 1)
		qsort(s->s_v, s->s_n, sizeof(*s->s_v), case_order);
}

bool
suite_bad(const struct suite_case *c)
{
	return (c->sc_verdict != SV_PASSED && c->sc_verdict != SV_SKIPPED);
}

void
suite_count(const struct suite *s, struct suite_counts *sc)
{
	*sc = (struct suite_counts) { 0 };
	for (size_t i = 0; i < s->s_n; i++) {
		sc->n[s->s_v[i].sc_verdict]++;
		if (suite_bad(&s->s_v[i]))
			sc->failed++;
	}
}

/* A process that does not come to its end has broken what a run promises. */
static const struct {
	enum suite_verdict verdict;
	int code;
} worst_first[] = {
	{ SV_MISSING, 3 },
	{ SV_ERROR, 2 },
	{ SV_BROKE, 4 },
	{ SV_CRASHED, 4 },
	{ SV_TIMEOUT, 4 },
	{ SV_FAILED, 1 },
};

int
suite_exit_code(const struct suite *s)
{
	struct suite_counts sc;

	suite_count(s, &sc);
	for (size_t i = 0; i < nitems(worst_first); i++)
		if (sc.n[worst_first[i].verdict] > 0)
			return (worst_first[i].code);
	return (0);
}
