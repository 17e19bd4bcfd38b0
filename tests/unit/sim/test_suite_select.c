/* Names of cases: made, matched, cut into shards. */
#include "support/ktest.h"

#include <stdio.h>
#include <string.h>

#include <ktsim/sim/suite.h>

static void
expect_name(const char *file, const char *cell, uint64_t seed, bool planted,
    const char *wanted)
{
	struct strbuf sb = { 0 };

	suite_name(file, cell, seed, planted, &sb);
	assert_string_equal(strbuf_str(&sb), wanted);
	strbuf_fini(&sb);
}

static void
test_a_name_tells_file_cell_seed_and_defect(void **state)
{
	expect_name("scenarios/a.ktls.yaml", "", 1, false, "scenarios/a#1");
	expect_name("./scenarios/a.ktls.yaml", "", 1, false, "scenarios/a#1");
	expect_name(".//a.ktls.yaml", "card=t6,rate=1%", 18446744073709551615u,
	    true, "a[card=t6,rate=1%]#18446744073709551615+defect");
	expect_name("../b.yaml", "", 0, false, "../b.yaml#0");
	expect_name(".ktls.yaml", "", 0, false, ".ktls.yaml#0");
}

static void
expect_file(const char *name, const char *wanted)
{
	struct strbuf sb = { 0 };

	suite_file_name(name, &sb);
	assert_string_equal(strbuf_str(&sb), wanted);
	strbuf_fini(&sb);
}

static void
test_names_of_files_are_safe_and_never_shared(void **state)
{
	struct strbuf a = { 0 }, b = { 0 };
	char name[400];

	expect_file("a#1+defect", "a#1+defect");
	suite_file_name("x/a#1", &a);
	suite_file_name("x_a#1", &b);
	assert_string_not_equal(strbuf_str(&a), strbuf_str(&b));
	assert_null(strchr(strbuf_str(&a), '/'));
	strbuf_clear(&a);
	suite_file_name("../../etc/passwd", &a);
	assert_memory_equal(strbuf_str(&a), ".._.._etc_passwd-", 17);
	strbuf_clear(&a);
	suite_file_name("..", &a);
	assert_string_not_equal(strbuf_str(&a), "..");
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	strbuf_clear(&a);
	strbuf_clear(&b);
	suite_file_name(name, &a);
	name[sizeof(name) - 2] = 'm';
	suite_file_name(name, &b);
	assert_true(strlen(strbuf_str(&a)) < 140);
	assert_string_not_equal(strbuf_str(&a), strbuf_str(&b));
	strbuf_fini(&a);
	strbuf_fini(&b);
}

static bool
selected(const char *filter)
{
	static const char *const tags[] = { "slow", "lagg", NULL };

	return (suite_selected(filter, "s/failover[card=t6,v=1]#3", tags));
}

static void
test_filters(void **state)
{
	assert_true(selected(""));
	assert_true(selected("failover"));
	assert_false(selected("quick"));
	assert_true(selected("quick,failover"));
	assert_true(selected("quick,,failover,"));
	assert_false(selected("failover,!t6"));
	assert_false(selected("!t6,failover"));
	assert_true(selected("!cx6dx"));
	/* A name may be pasted: brackets and the comma in them are letters. */
	assert_true(selected("s/failover[card=t6,v=1]#3"));
	assert_true(selected("quick,[card=t6,v=1]"));
	assert_false(selected("[card=t6,v=2]"));
	/* A glob is the whole name. */
	assert_true(selected("s/*#3"));
	assert_true(selected("*[card=t?,v=1]*"));
	assert_false(selected("*[tq]*"));
	assert_false(selected("failover*"));
	assert_true(selected("tag:lagg"));
	assert_false(selected("tag:lag"));
	assert_false(selected("failover,!tag:slow"));
	assert_true(selected("tag:other,failover"));
}

static void
test_shards_are_of_names_alone(void **state)
{
	unsigned count[4] = { 0 };
	char name[32];

	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "scenarios/a#%d", i);
		count[suite_shard_of(name, 4) - 1]++;
		assert_int_equal(suite_shard_of(name, 1), 1);
	}
	for (int i = 0; i < 4; i++)
		assert_true(count[i] > 60 && count[i] < 140);
	/* It must not move: result files of old shards would not fit. */
	assert_int_equal(suite_shard_of("scenarios/quickstart#1", 1000), 45);
	assert_int_equal(suite_shard_of("scenarios/quickstart#1+defect", 1000),
	    suite_shard_of("scenarios/quickstart#1", 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_tells_file_cell_seed_and_defect),
		cmocka_unit_test(test_names_of_files_are_safe_and_never_shared),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_shards_are_of_names_alone),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
