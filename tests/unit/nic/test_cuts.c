/*
 * Every cut, on every card that knows TLS, in every suite it takes: a part of
 * the stream is sent in order, lost and sent again, lost once more and sent
 * again, and new data follows. What is on the wire must be the bytes of one
 * encryption of each whole record, always.
 *
 * Bounded here; with KTLS_SLOW=1 (./dev test --slow) all begins and ends of
 * the larger records too.
 */
#include "nicstream.h"

#include <errno.h>
#include <stdlib.h>

static struct nicbench b;
static struct nb_stream st;
static struct nb_port *p;
static struct m_snd_tag *mst;
static const char *model;
static uint32_t mss;
static unsigned long cuts;

/* Long streams keep the ring from telling time; begin where it is even. */
static void
cut(uint32_t from, uint32_t to, uint32_t next)
{
	uint32_t end = nb_stream_len(&st);

	(void)nb_stream_go(&st, p, mst, from, to, mss); /* lost */
	(void)nb_stream_go(&st, p, mst, from, to, mss); /* and again */
	if (next < end)
		(void)nb_stream_go(&st, p, mst, next, MIN(end, next + 300),
		    mss);
	cuts++;
}

static bool
slow(void)
{
	return (getenv("KTLS_SLOW") != NULL);
}

/* All begins and ends. */
static void
cut_all(void)
{
	uint32_t end = nb_stream_len(&st);

	for (uint32_t from = 0; from < end; from++)
		for (uint32_t to = from + 1; to <= end; to++)
			cut(from, to, to + (from * 7 + to) % 40);
}

/* All begins with some ends, all ends with some begins: each step and each
 * place around a record's ends, its header and its tag. */
static void
cut_edges(uint32_t step)
{
	uint32_t end = nb_stream_len(&st), at;
	static const int near[] = { -18, -17, -16, -15, -1, 0, 1, 4, 5, 12, 13,
		14, 21, 22 };

	for (uint32_t from = 0; from < end; from += step) {
		cut(from, MIN(end, from + 1448), from);
		for (unsigned i = 1; i <= st.nrec; i++)
			for (unsigned k = 0; k < nitems(near); k++) {
				at = st.at[i] + (uint32_t)near[k];
				if (at > from && at <= end && at - from < 40000)
					cut(from, at, at);
			}
	}
	for (uint32_t to = 1; to <= end; to += step)
		for (unsigned i = 0; i < st.nrec; i++)
			for (unsigned k = 0; k < nitems(near); k++) {
				at = st.at[i] + (uint32_t)near[k];
				if (at < to && to - at < 40000)
					cut(at, to, to);
			}
}

static bool
open_stream(const struct tls_suite *s, uint32_t size, unsigned n)
{
	struct if_snd_tag_alloc_params par = { .type = IF_SND_TAG_TYPE_TLS,
		.flowid = 1,
		.flowtype = M_HASHTYPE_OPAQUE,
		.tls = &st.t.tls };
	uint32_t sizes[NB_MAXREC];

	for (unsigned i = 0; i < n; i++)
		sizes[i] = size;
	nb_init(&b, model, 0);
	p = &b.port[0];
	nb_stream_init(&b, &st, s, sizes, n);
	if (nb_tag_try(p, &par, &mst) == 0)
		return (true);
	nb_stream_fini(&st);
	nb_fini(&b);
	return (false);
}

static void
close_stream(void)
{
	m_snd_tag_rele(mst);
	nb_run(&b);
	nb_stream_fini(&st);
	nb_fini(&b);
}

static unsigned
each_suite(uint32_t size, unsigned n, void (*fn)(void))
{
	unsigned suites = 0;

	for (unsigned i = 0; i < NB_NSUITES; i++) {
		if (!open_stream(&tls_suites[i], size, n))
			continue;
		(void)nb_stream_go(&st, p, mst, 0,
		    MIN(nb_stream_len(&st), 60000), 1448);
		fn();
		close_stream();
		suites++;
	}
	return (suites);
}

static void
edges_17(void)
{
	cut_edges(17);
}

static void
edges_1(void)
{
	cut_edges(1);
}

static void
edges_431(void)
{
	cut_edges(slow() ? 7 : 431);
}

static void
card(const char *name)
{
	model = name;
	mss = 0;
	assert_true(each_suite(1, 3, cut_all) > 0);
	assert_true(each_suite(16, 3, cut_all) > 0);
	assert_true(each_suite(100, 2, slow() ? cut_all : edges_1) > 0);
	assert_true(each_suite(1448, 2, slow() ? edges_1 : edges_17) > 0);
	mss = 1448;
	assert_true(each_suite(16384, 3, edges_431) > 0);
	print_message("%s: %lu cuts\n", name, cuts);
}

static void
test_every_cut_is_exact_on_the_ideal_card(void **state)
{
	card("ideal");
}

static void
test_every_cut_is_exact_on_connectx_6_dx(void **state)
{
	card("cx6dx");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cut_is_exact_on_the_ideal_card),
		cmocka_unit_test(test_every_cut_is_exact_on_connectx_6_dx),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
