/* Scenario files: what is read, what is put over, what is refused. */
#include "support/ktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>
#include <ktsim/sim/scenario.h>

#include "node.h"

static const char head[] = "ktls_sim: 1\nname: probe\n";
static const char plain[] = "ktls_sim: 1\nname: probe\n"
			    "hosts:\n"
			    "  a:\n"
			    "    nics:\n"
			    "      n0: {}\n"
			    "  b:\n"
			    "    nics: { n0: { mtu: 9000 } }\n"
			    "    files: { /f: { size: 8MiB } }\n"
			    "links:\n"
			    "  - ends: [a.n0, b.n0]\n"
			    "    rate: 10Gbit/s\n"
			    "    loss: 0.5%\n";

static int
load(const void *bytes, size_t len, const char *const *sets,
    struct scenario **sc, struct strbuf *diag)
{
	char path[] = "/tmp/ktsim-load-XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	*sc = NULL;
	rc = scenario_load(path, sets, sc, diag);
	unlink(path);
	return (rc);
}

static struct scenario *
good(const char *text, const char *const *sets)
{
	struct strbuf diag = { 0 };
	struct scenario *sc;

	if (load(text, strlen(text), sets, &sc, &diag) != 0)
		fail_msg("refused: %s", strbuf_str(&diag));
	strbuf_fini(&diag);
	return (sc);
}

static void
bad_bytes(const void *bytes, size_t len, const char *const *sets,
    const char *part)
{
	struct strbuf diag = { 0 };
	struct scenario *sc;

	assert_int_equal(load(bytes, len, sets, &sc, &diag), EINVAL);
	assert_null(sc);
	if (strstr(strbuf_str(&diag), part) == NULL)
		fail_msg("`%s` is not in: %s", part, strbuf_str(&diag));
	strbuf_fini(&diag);
}

static void
bad(const char *text, const char *const *sets, const char *part)
{
	bad_bytes(text, strlen(text), sets, part);
}

static void
test_defaults_stand_where_nothing_is_said(void **state)
{
	struct scenario *sc = good(plain, NULL);

	assert_int_equal(sc->seed, 1);
	assert_string_equal(sc->description, "");
	assert_int_equal(sc->until, 60 * SIM_SEC);
	assert_true(sc->capture.wire);
	assert_false(sc->capture.pcap);
	assert_int_equal(sc->hosts[0].cpus, 4);
	assert_string_equal(sc->hosts[0].nics[0].model, "basic");
	assert_int_equal(sc->hosts[0].nics[0].mtu, 1500);
	assert_int_equal(sc->hosts[1].nics[0].mtu, 9000);
	assert_true(sc->hosts[1].files[0].cached);
	scenario_free(sc);
}

static void
test_units_are_resolved(void **state)
{
	struct scenario *sc = good(plain, NULL);

	assert_int_equal(sc->hosts[1].files[0].size, 8 << 20);
	assert_int_equal(sc->links[0].rate, 10000000000ULL);
	assert_int_equal(sc->links[0].loss, 5000000);
	assert_int_equal(sc->links[0].delay, SIM_SEC / 100000);
	assert_int_equal(sc->links[0].queue, 1 << 20);
	scenario_free(sc);
}

static void
test_everything_knows_its_place_in_the_file(void **state)
{
	struct scenario *sc = good(plain, NULL);

	assert_string_equal(sc->hosts[0].loc.name, "a");
	assert_int_equal(sc->hosts[0].loc.line, 4);
	assert_int_equal(sc->hosts[0].loc.col, 3);
	assert_int_equal(sc->hosts[1].nics[0].loc.line, 8);
	assert_int_equal(sc->hosts[1].nics[0].loc.col, 13);
	assert_null(sc->links[0].loc.name);
	assert_int_equal(sc->links[0].loc.line, 11);
	assert_int_equal(sc->links[0].ends.loc[1].col, 18);
	scenario_free(sc);
}

static void
test_sets_go_over_values_and_add_keys(void **state)
{
	const char *const sets[] = { "seed=7", "links[0].loss=1%",
		"hosts.a.cpus=2", "hosts.b.sysctl.kern.x.y=3",
		"capture.pcap=true", NULL };
	struct scenario *sc = good(plain, sets);

	assert_int_equal(sc->seed, 7);
	assert_int_equal(sc->links[0].loss, 10000000);
	assert_int_equal(sc->hosts[0].cpus, 2);
	assert_int_equal(sc->hosts[1].nsysctl, 1);
	assert_string_equal(sc->hosts[1].sysctl[0].loc.name, "kern.x.y");
	assert_int_equal(sc->hosts[1].sysctl[0].value.number, 3);
	assert_true(sc->capture.pcap);
	scenario_free(sc);
}

static void
test_a_set_that_cannot_be_is_named(void **state)
{
	bad(plain, (const char *const[]) { "seed", NULL },
	    "--set seed: error: write key=value");
	bad(plain, (const char *const[]) { "links[9].loss=1%", NULL },
	    "--set links[9].loss=1%: error: there is no such place");
	bad(plain, (const char *const[]) { "seed=x", NULL },
	    "--set seed=x: error: `x` is not a whole number");
}

static void
test_mistakes_are_told_with_their_place(void **state)
{
	bad("ktls_sim: 1\nname: p\nhosts: {}\nname: q\n", NULL,
	    ":4:1: error: `name` is given twice\n");
	bad("ktls_sim: 1\nname: p\nhosts: {}\nname: q\n", NULL,
	    ":2:1: note: the first one is here\n  name: p\n  ^\n");
	bad("ktls_sim: 1\nname: p\nhosts: {}\nsede: 3\n", NULL,
	    ":4:1: error: there is no scenario key `sede`; did you mean "
	    "`seed`?");
	bad(head, NULL, "wants the key `hosts`");
	bad("ktls_sim: 1\nname: p\nhosts: {}\nuntil: 5\n", NULL,
	    ":4:8: error: `5` is not a time with its unit");
	bad("ktls_sim: 2\nname: p\nhosts: {}\n", NULL,
	    ":1:11: error: `ktls_sim` is always 1 here");
	bad("ktls_sim: 1\nname: p\nhosts: {}\nlinks:\n- ends: [a.n, b.n]\n",
	    NULL, ":5:10: error: there is no host `a`");
}

static void
test_hostile_files_are_refused(void **state)
{
	static char big[YAML_MAX_FILE + 2];
	char deep[2 * YAML_MAX_DEPTH];

	memset(deep, '[', sizeof(deep));
	bad_bytes(deep, sizeof(deep), NULL, "nested more than 64 deep");
	memset(big, '#', sizeof(big));
	bad_bytes(big, sizeof(big), NULL, "larger than 1 MiB");
	big[0] = '[';
	for (int i = 1; i < 2 * YAML_MAX_NODES + 1; i++)
		big[i] = i % 2 ? 'x' : ',';
	bad_bytes(big, 2 * YAML_MAX_NODES + 1, NULL, "more than 100000 values");
	memset(big, 'x', YAML_MAX_SCALAR + 1);
	bad_bytes(big, YAML_MAX_SCALAR + 1, NULL, "a value longer than");
	bad("name: \"a\\0b\"\n", NULL, "with a NUL in it");
	bad_bytes("name: a\0b\n", 10, NULL, ":1:8: error: not valid YAML");
	bad("", NULL, "the file is empty");
	bad("a: *x\nb: &x 1\n", NULL, "there is no anchor `&x` above");
}

static void
test_a_missing_file_gives_its_errno(void **state)
{
	struct strbuf diag = { 0 };
	struct scenario *sc = NULL;

	assert_int_equal(scenario_load("/nonexistent/x.yaml", NULL, &sc, &diag),
	    ENOENT);
	assert_non_null(strstr(strbuf_str(&diag), "/nonexistent/x.yaml: "));
	strbuf_fini(&diag);
}

static void
test_keys_are_explained_and_the_nearest_is_found(void **state)
{
	struct strbuf sb = { 0 };

	assert_int_equal(keys_explain("hosts.server.cpus", &sb), 0);
	assert_non_null(strstr(strbuf_str(&sb), "hosts.cpus\n"));
	assert_non_null(strstr(strbuf_str(&sb), "default: 4\n"));
	assert_non_null(strstr(strbuf_str(&sb), "bounds:  1 to 256\n"));
	strbuf_clear(&sb);
	assert_int_equal(keys_explain("links[0].loss", &sb), 0);
	assert_non_null(strstr(strbuf_str(&sb), "bounds:  0% to 100%\n"));
	assert_int_equal(keys_explain("nonsense", &sb), ENOENT);
	assert_string_equal(keys_nearest("sede"), "seed");
	assert_string_equal(keys_nearest("hosts.cpu"), "hosts.cpus");
	assert_null(keys_nearest("qqqqqqqqqqqq"));
	strbuf_fini(&sb);
}

/* Two servers from one anchor, the second with a change of its own. */
static const char shared[] =
    "ktls_sim: 1\nname: probe\n"
    "x-base: &base {model: basic, mtu: 9000, ring: 64}\n"
    "x-slow: &slow {rate: 1Gbit/s, ring: 32, lro: false}\n"
    "hosts:\n"
    "  a: {nics: {n0: *base, n1: {mtu: 576, <<: [*slow, *base]}}}\n"
    "  b:\n"
    "    nics:\n"
    "      n0: &own {<<: *base, ring: &ring 128}\n"
    "      n1: {<<: {mtu: 1500, ring: *ring}, \"lro\": true}\n"
    "  c: {nics: {n0: *own, n1: {<<: []}}}\n"
    "links:\n"
    "  - &first {ends: [a.n0, b.n0], loss: 1%}\n"
    "  - {<<: *first, ends: [a.n1, b.n1]}\n"
    "  - {ends: [c.n0, c.n1]}\n";

static void
test_aliases_and_merge_keys_are_written_out(void **state)
{
	struct scenario *sc = good(shared, NULL);
	const struct sc_nic *n;

	n = sc->hosts[0].nics;
	assert_string_equal(n[0].loc.name, "n0");
	assert_int_equal(n[0].mtu, 9000);
	assert_int_equal(n[0].ring, 64);
	/* The map's own, then the first of the list, then the second. */
	assert_int_equal(n[1].mtu, 576);
	assert_int_equal(n[1].ring, 32);
	assert_int_equal(n[1].rate, 1000000000);
	assert_false(n[1].lro);
	n = sc->hosts[1].nics;
	assert_int_equal(n[0].ring, 128);
	assert_int_equal(n[0].mtu, 9000);
	assert_int_equal(n[1].ring, 128);
	assert_int_equal(n[1].mtu, 1500);
	/* An anchor on a map that was merged itself. */
	assert_int_equal(sc->hosts[2].nics[0].ring, 128);
	assert_int_equal(sc->hosts[2].nics[0].mtu, 9000);
	assert_int_equal(sc->links[1].loss, sc->links[0].loss);
	assert_string_equal(sc->links[1].ends.v[0], "a.n1");
	assert_int_equal(sc->links[2].loss, 0);
	scenario_free(sc);
}

static void
test_an_alias_keeps_the_places_of_definition_and_use(void **state)
{
	struct scenario *sc = good(shared, NULL);
	const struct sc_loc *own = &sc->links[0].ends.loc[0];

	assert_int_equal(own->line, 13);
	assert_null(own->via);
	scenario_free(sc);
	bad("ktls_sim: 1\nname: probe\nx-n: &n {mtu: 5}\n"
	    "hosts: {a: {nics: {n0: *n}}}\n",
	    NULL, ":3:15: error: 5 is out of bounds");
	bad("ktls_sim: 1\nname: probe\nx-n: &n {mtu: 5}\n"
	    "hosts: {a: {nics: {n0: *n}}}\n",
	    NULL, ":4:24: note: the alias `*n` puts it here\n");
}

static void
test_a_set_changes_one_use_of_an_anchor(void **state)
{
	const char *const one[] = { "hosts.a.nics.n0.mtu=1280",
		"links[1].loss=2%", "hosts.c.nics.n0.ring=7", NULL };
	const char *const def[] = { "x-base.mtu=1280", NULL };
	struct scenario *sc = good(shared, one);

	assert_int_equal(sc->hosts[0].nics[0].mtu, 1280);
	assert_int_equal(sc->hosts[0].nics[0].ring, 64);
	assert_int_equal(sc->hosts[1].nics[0].mtu, 9000);
	assert_int_equal(sc->hosts[2].nics[0].mtu, 9000);
	assert_int_equal(sc->hosts[2].nics[0].ring, 7);
	assert_int_equal(sc->hosts[1].nics[0].ring, 128);
	assert_int_equal(sc->hosts[1].nics[1].ring, 128);
	assert_int_equal(sc->links[0].loss, 10000000);
	assert_int_equal(sc->links[1].loss, 20000000);
	scenario_free(sc);
	/* The definition itself is a place like any other. */
	sc = good(shared, def);
	assert_int_equal(sc->hosts[0].nics[0].mtu, 9000);
	scenario_free(sc);
}

static void
test_a_quoted_merge_key_is_a_key(void **state)
{
	bad("ktls_sim: 1\nname: probe\nhosts: {a: {\"<<\": {cpus: 2}}}\n", NULL,
	    "there is no host key `<<`");
}

static void
test_edit_distance_counts_single_changes(void **state)
{
	assert_int_equal(edit_distance("", ""), 0);
	assert_int_equal(edit_distance("", "abc"), 3);
	assert_int_equal(edit_distance("abc", ""), 3);
	assert_int_equal(edit_distance("seed", "seed"), 0);
	assert_int_equal(edit_distance("seed", "sede"), 2);
	assert_int_equal(edit_distance("kitten", "sitting"), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_stand_where_nothing_is_said),
		cmocka_unit_test(test_units_are_resolved),
		cmocka_unit_test(test_everything_knows_its_place_in_the_file),
		cmocka_unit_test(test_sets_go_over_values_and_add_keys),
		cmocka_unit_test(test_a_set_that_cannot_be_is_named),
		cmocka_unit_test(test_mistakes_are_told_with_their_place),
		cmocka_unit_test(test_hostile_files_are_refused),
		cmocka_unit_test(test_a_missing_file_gives_its_errno),
		cmocka_unit_test(
		    test_keys_are_explained_and_the_nearest_is_found),
		cmocka_unit_test(test_aliases_and_merge_keys_are_written_out),
		cmocka_unit_test(
		    test_an_alias_keeps_the_places_of_definition_and_use),
		cmocka_unit_test(test_a_set_changes_one_use_of_an_anchor),
		cmocka_unit_test(test_a_quoted_merge_key_is_a_key),
		cmocka_unit_test(test_edit_distance_counts_single_changes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
