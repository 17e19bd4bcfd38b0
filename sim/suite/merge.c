/* Results of shards, of machines, of days: one suite. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/suite.h>

/* Layers in which two results of a case differ. */
static void
layers_apart(const struct suite_case *a, const struct suite_case *b,
    struct strbuf *sb)
{
	if (!a->sc_has_prints || !b->sc_has_prints)
		return;
	for (int i = 0; i < PRINTS; i++)
		if (strcmp(a->sc_prints[i], b->sc_prints[i]) != 0)
			strbuf_addf(sb, "%s%s", sb->sb_len > 0 ? ", " : "",
			    print_names[i]);
}

/* Worse stands before better; two that are as bad, as they came. */
static bool
is_worse(const struct suite_case *a, const struct suite_case *b)
{
	return (suite_bad(a) != suite_bad(b) ? suite_bad(a)
					     : a->sc_verdict > b->sc_verdict);
}

/* The same case twice: the worse of both stays in a. */
static void
merge_twice(struct suite_case *a, struct suite_case *b, struct strbuf *said)
{
	struct strbuf layers = { 0 };
	bool flaky = a->sc_flaky || b->sc_flaky;
	struct suite_case c;

	layers_apart(a, b, &layers);
	if (a->sc_verdict != b->sc_verdict) {
		flaky = true;
		strbuf_addf(said, "%s: %s in one result, %s in another\n",
		    a->sc_name, suite_verdict_names[a->sc_verdict],
		    suite_verdict_names[b->sc_verdict]);
	}
	if (layers.sb_len > 0) {
		flaky = true;
		strbuf_addf(said, "%s: fingerprints differ: %s\n", a->sc_name,
		    strbuf_str(&layers));
	}
	strbuf_fini(&layers);
	if (is_worse(b, a)) {
		c = *a;
		*a = *b;
		*b = c;
	}
	a->sc_flaky = flaky;
	suite_case_fini(b);
}

static int
name_order(const void *va, const void *vb)
{
	const struct suite_case *const *a = va, *const *b = vb;

	return (strcmp((*a)->sc_name, (*b)->sc_name));
}

static struct suite_case **
by_name(struct suite *s)
{
	struct suite_case **v =
	    xcalloc(s->s_n + 1, sizeof(struct suite_case *));

	for (size_t i = 0; i < s->s_n; i++)
		v[i] = &s->s_v[i];
	if (s->s_n > 1)
		qsort(v, s->s_n, sizeof(*v), name_order);
	return (v);
}

bool
suite_of_one(const struct suite *a, const struct suite *b, struct strbuf *said)
{
	const struct suite_shard *x = a->s_shards, *y = b->s_shards;

	if (a->s_nshards == 0 || b->s_nshards == 0 || x->sh_n == y->sh_n)
		return (true);
	strbuf_addf(said,
	    "shard %ju/%ju does not go with %ju/%ju: all must be of one "
	    "suite, cut into as many parts",
	    (uintmax_t)y->sh_k, (uintmax_t)y->sh_n, (uintmax_t)x->sh_k,
	    (uintmax_t)x->sh_n);
	return (false);
}

void
suite_merge(struct suite *into, struct suite *from, struct strbuf *said)
{
	size_t had = into->s_n;
	struct suite_case **v, **hit, *c, *key;

	/* Room first: the pointers are to stay good. */
	for (size_t i = 0; i < from->s_n; i++)
		(void)suite_add(into);
	into->s_n = had;
	v = by_name(into);
	for (size_t i = 0; i < from->s_n; i++) {
		c = &from->s_v[i];
		key = c;
		hit = had == 0 ? NULL
			       : bsearch(&key, v, had, sizeof(*v), name_order);
		if (hit != NULL)
			merge_twice(*hit, c, said);
		else
			*suite_add(into) = *c;
	}
	free(v);
	from->s_n = 0; /* they have moved */
	for (unsigned i = 0; i < from->s_nshards; i++)
		suite_add_shard(into, from->s_shards[i].sh_k,
		    from->s_shards[i].sh_n);
	suite_sort(into);
}

static bool
has_shard(const struct suite *s, uint64_t k, uint64_t n)
{
	for (unsigned i = 0; i < s->s_nshards; i++)
		if (s->s_shards[i].sh_k == k && s->s_shards[i].sh_n == n)
			return (true);
	return (false);
}

unsigned
suite_missing_shards(const struct suite *s, struct strbuf *said)
{
	unsigned missing = 0;
	uint64_t n;

	if (s->s_nshards == 0)
		return (0);
	n = s->s_shards[0].sh_n;
	for (uint64_t k = 1; k <= n && missing < 20; k++)
		if (!has_shard(s, k, n)) {
			missing++;
			strbuf_addf(said, "shard %ju/%ju is not among them\n",
			    (uintmax_t)k, (uintmax_t)n);
		}
	return (missing);
}
