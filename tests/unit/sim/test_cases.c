/* What the matrix of a scenario comes to. */
#include "support/ktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/cases.h>
#include <ktsim/sim/scenario.h>

#include "cover.h"

static int
cases(const char *more, const char *const *sets, struct sc_cases **cs,
    struct strbuf *diag)
{
	char path[] = "/tmp/ktsim-cases-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	dprintf(fd, "ktls_sim: 1\nname: probe\nhosts: {a: {}}\n%s", more);
	close(fd);
	*cs = NULL;
	rc = scenario_cases(path, sets, cs, diag);
	unlink(path);
	return (rc);
}

static struct sc_cases *
good(const char *more, const char *const *sets)
{
	struct strbuf diag = { 0 };
	struct sc_cases *cs;

	if (cases(more, sets, &cs, &diag) != 0)
		fail_msg("refused: %s", strbuf_str(&diag));
	strbuf_fini(&diag);
	return (cs);
}

static void
bad(const char *more, const char *part)
{
	struct strbuf diag = { 0 };
	struct sc_cases *cs;

	assert_int_equal(cases(more, NULL, &cs, &diag), EINVAL);
	assert_null(cs);
	if (strstr(strbuf_str(&diag), part) == NULL)
		fail_msg("`%s` is not in: %s", part, strbuf_str(&diag));
	strbuf_fini(&diag);
}

static void
test_a_file_without_matrix_is_one_case(void **state)
{
	struct sc_cases *cs = good("seed: 7\ntags: [x, y]\n", NULL);

	(void)state;
	assert_int_equal(cs->cs_n, 1);
	assert_string_equal(cs->cs_name, "probe");
	assert_null(cs->cs_description);
	assert_string_equal(cs->cs_tags[1], "y");
	assert_null(cs->cs_tags[2]);
	assert_string_equal(cs->cs_v[0].ca_cell, "");
	assert_null(cs->cs_v[0].ca_sets[0]);
	assert_int_equal(cs->cs_v[0].ca_seed, 7);
	assert_null(cs->cs_v[0].ca_defects);
	assert_ptr_equal(scenario_case(cs, ""), &cs->cs_v[0]);
	assert_null(scenario_case(cs, "a=b"));
	scenario_cases_free(cs);
}

static void
test_cells_go_through_all_values_the_last_axis_fastest(void **state)
{
	struct sc_cases *cs =
	    good("matrix: {axes: {a: [1, 2], b: [x, y, z]}}\nrepeat: 2\n"
		 "until: ${a}s\n",
		NULL);
	static const char *const names[] = { "a=1,b=x", "a=1,b=y", "a=1,b=z",
		"a=2,b=x", "a=2,b=y", "a=2,b=z" };

	(void)state;
	assert_int_equal(cs->cs_n, 12);
	for (unsigned i = 0; i < 12; i++) {
		assert_string_equal(cs->cs_v[i].ca_cell, names[i / 2]);
		assert_int_equal(cs->cs_v[i].ca_seed, 1 + i % 2);
	}
	assert_string_equal(cs->cs_v[11].ca_sets[0], "parameters.a=2");
	assert_string_equal(cs->cs_v[11].ca_sets[1], "parameters.b=z");
	assert_null(cs->cs_v[11].ca_sets[2]);
	scenario_cases_free(cs);
}

static void
test_excluded_cells_are_left_out(void **state)
{
	struct sc_cases *cs =
	    good("matrix:\n"
		 "  axes: {a: [1, 2], b: [x, y, z]}\n"
		 "  exclude: [{a: 2, b: [x, z]}, {a: 1, b: y}]\n",
		NULL);

	(void)state;
	assert_int_equal(cs->cs_n, 3);
	assert_string_equal(cs->cs_v[0].ca_cell, "a=1,b=x");
	assert_string_equal(cs->cs_v[1].ca_cell, "a=1,b=z");
	assert_string_equal(cs->cs_v[2].ca_cell, "a=2,b=y");
	scenario_cases_free(cs);
}

static void
test_an_exhibit_has_a_case_with_its_defect(void **state)
{
	struct sc_cases *cs =
	    good("exhibit: {id: M05, title: t, defects: net.eagain-leak,\n"
		 "  caught_by: invariant 6}\n",
		NULL);

	(void)state;
	assert_int_equal(cs->cs_n, 2);
	assert_string_equal(cs->cs_exhibit, "M05");
	assert_null(cs->cs_v[0].ca_defects);
	assert_null(cs->cs_v[0].ca_caught_by);
	assert_string_equal(cs->cs_v[1].ca_defects[0], "net.eagain-leak");
	assert_null(cs->cs_v[1].ca_defects[1]);
	assert_string_equal(cs->cs_v[1].ca_caught_by, "invariant 6");
	scenario_cases_free(cs);
}

static void
test_a_mistake_of_one_cell_is_found_and_told_once(void **state)
{
	struct strbuf diag = { 0 };
	struct sc_cases *cs;
	const char *text, *p;

	(void)state;
	assert_int_equal(cases("matrix: {axes: {t: [1s, 2m, 3s], b: [1, 2]}}\n"
			       "until: $t\n",
			     NULL, &cs, &diag),
	    EINVAL);
	text = strbuf_str(&diag);
	p = strstr(text, "`2m` is not a time");
	assert_non_null(p);
	assert_null(strstr(p + 1, "`2m` is not a time"));
	assert_non_null(strstr(text, "note: in the case [t=2m,b=1]"));
	strbuf_fini(&diag);
}

static void
test_what_is_too_much_is_refused(void **state)
{
	(void)state;
	bad("matrix: {axes: {a: [1, 2]}, exclude: [{a: [1, 2]}]}\n",
	    "`exclude` leaves no cell");
	bad("matrix: {axes: {a: [1, 2]}}\nrepeat: 60000\n",
	    "more than 100000 cases: give the matrix a `strength`");
	bad("matrix:\n  axes:\n"
	    "    a: &v [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n    b: *v\n    c: *v\n"
	    "    d: *v\n    e: *v\n    f: *v\n    g: *v\n",
	    "the axes have more than 1000000 combinations");
}

/* --- covering --- */

static struct sc_matrix
matrix(struct sc_axis *axes, unsigned n, unsigned values, uint64_t strength)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g",
		"h", "i", "j" };
	static const char *words[] = { "0", "1", "2", "3" };

	for (unsigned i = 0; i < n; i++)
		axes[i] = (struct sc_axis) { .loc.name = names[i],
			.values = { .v = words, .n = values } };
	return ((struct sc_matrix) { .axes = axes,
	    .naxes = n,
	    .strength = strength });
}

/* Does some cell have these values of these axes? */
static bool
has(const struct sc_matrix *m, const uint64_t *cells, unsigned n,
    const unsigned *axis, const unsigned *value, unsigned t)
{
	unsigned j;

	for (unsigned i = 0; i < n; i++) {
		for (j = 0; j < t; j++)
			if (cover_value(m, cells[i], axis[j]) != value[j])
				break;
		if (j == t)
			return (true);
	}
	return (false);
}

static void
test_every_pair_of_values_meets_in_few_cells(void **state)
{
	struct sc_axis axes[10];
	struct sc_matrix m = matrix(axes, 10, 3, 2);
	unsigned n;
	uint64_t *cells = cover_cells(&m, &n);

	(void)state;
	/* 9 are the least there can be; 59049 are all. */
	assert_in_range(n, 9, 25);
	for (unsigned a = 0; a < 10; a++)
		for (unsigned b = a + 1; b < 10; b++)
			for (unsigned v = 0; v < 9; v++)
				assert_true(
				    has(&m, cells, n, (unsigned[]) { a, b },
					(unsigned[]) { v / 3, v % 3 }, 2));
	free(cells);
}

static void
test_triples_meet_where_none_is_excluded(void **state)
{
	const char *two[] = { "2" }, *one[] = { "1" };
	struct sc_axis axes[5],
	    gone[] = { { .loc.name = "a", .values = { .v = two, .n = 1 } },
		    { .loc.name = "b", .values = { .v = one, .n = 1 } } };
	struct sc_cell exclude = { .axes = gone, .naxes = 2 };
	struct sc_matrix m = matrix(axes, 5, 3, 3);
	unsigned n;
	uint64_t *cells;

	(void)state;
	m.exclude = &exclude;
	m.nexclude = 1;
	cells = cover_cells(&m, &n);
	assert_in_range(n, 27, 60);
	assert_false(
	    has(&m, cells, n, (unsigned[]) { 0, 1 }, (unsigned[]) { 2, 1 }, 2));
	for (unsigned v = 0; v < 27; v++) {
		unsigned value[] = { v / 9, v / 3 % 3, v % 3 };
		bool out = value[0] == 2 && value[1] == 1;

		assert_int_equal(has(&m, cells, n, (unsigned[]) { 0, 1, 4 },
				     value, 3),
		    !out);
		assert_true(
		    has(&m, cells, n, (unsigned[]) { 2, 3, 4 }, value, 3));
	}
	free(cells);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_without_matrix_is_one_case),
		cmocka_unit_test(
		    test_cells_go_through_all_values_the_last_axis_fastest),
		cmocka_unit_test(test_excluded_cells_are_left_out),
		cmocka_unit_test(test_an_exhibit_has_a_case_with_its_defect),
		cmocka_unit_test(
		    test_a_mistake_of_one_cell_is_found_and_told_once),
		cmocka_unit_test(test_what_is_too_much_is_refused),
		cmocka_unit_test(test_every_pair_of_values_meets_in_few_cells),
		cmocka_unit_test(test_triples_meet_where_none_is_excluded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
