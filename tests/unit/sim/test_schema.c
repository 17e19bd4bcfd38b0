/* The key table as a JSON Schema: whole, closed, and every reference leads
 * somewhere. What it accepts: tests/scenario/test_schema.py. */
#include "ktest.h"

#include <jansson.h>
#include <string.h>

#include <ktsim/sim/scenario.h>

#include "keys.h"

static json_t *root;

static int
setup(void **state)
{
	struct strbuf sb = { 0 };

	keys_schema(&sb);
	root = json_loads(strbuf_str(&sb), JSON_REJECT_DUPLICATES, NULL);
	strbuf_fini(&sb);
	return (root != NULL ? 0 : -1);
}

static int
teardown(void **state)
{
	json_decref(root);
	return (0);
}

static void
test_the_root_has_the_tables_keys(void **state)
{
	const json_t *keys = json_object_get(root, "properties");

	assert_int_equal(json_object_size(keys), scenario_keys.n);
	for (unsigned i = 0; i < scenario_keys.n; i++)
		assert_non_null(
		    json_object_get(keys, scenario_keys.keys[i].name));
	assert_true(
	    json_is_false(json_object_get(root, "additionalProperties")));
	assert_non_null(
	    json_object_get(json_object_get(root, "patternProperties"), "^x-"));
}

/* Every $ref below o names a definition; returns how many there are. */
static unsigned
refs(json_t *o)
{
	static const char begin[] = "#/definitions/";
	unsigned n = 0;
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach(o, key, v)
	{
		if (strcmp(key, "$ref") == 0) {
			n++;
			assert_memory_equal(json_string_value(v), begin,
			    sizeof(begin) - 1);
			assert_non_null(json_object_get(json_object_get(root,
							    "definitions"),
			    json_string_value(v) + sizeof(begin) - 1));
		}
		n += refs(v);
	}
	json_array_foreach(o, i, v) n += refs(v);
	return (n);
}

static void
test_references_lead_somewhere(void **state)
{
	assert_true(refs(root) > 50);
}

/* A map without closed keys would take any misspelling. */
static void
test_definitions_of_maps_are_closed(void **state)
{
	unsigned maps = 0;
	const char *name;
	json_t *d;

	json_object_foreach(json_object_get(root, "definitions"), name, d)
	{
		if (json_object_get(d, "properties") == NULL)
			continue;
		maps++;
		assert_true(
		    json_is_false(json_object_get(d, "additionalProperties")));
	}
	assert_true(maps > 20);
}

/* `path` is a client's key: a server's rule says false. */
static void
test_a_kinds_keys_are_its_own(void **state)
{
	json_t *rules = json_object_get(json_object_get(json_object_get(root,
							    "definitions"),
					    "application-in-part"),
	    "allOf");
	const json_t *server;

	assert_int_equal(json_array_size(rules), 11); /* of each type */
	server =
	    json_object_get(json_object_get(json_array_get(rules, 0), "then"),
		"properties");
	assert_true(json_is_false(json_object_get(server, "path")));
	assert_null(json_object_get(server, "host"));
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_the_root_has_the_tables_keys),
		T(test_references_lead_somewhere),
		T(test_definitions_of_maps_are_closed),
		T(test_a_kinds_keys_are_its_own),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
