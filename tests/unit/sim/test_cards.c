/*
 * What a scenario says of a card reaches the card, and what a model does not
 * take is told. The table of models is this test's: `basic` as it is, and a
 * card with a setting of each kind.
 */
#include "ktest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/nic/nic.h>
#include <ktsim/sim/result.h>
#include <ktsim/sim/scenario.h>
#include <ktsim/sim/world.h>

extern const struct nic_model nic_basic;

static const char *const paces[] = { "slow", "fast", NULL };
static const struct nic_knob knobs[] = {
	{ "entries", 8, 1, 64, NULL, "entries", "of a table", "this test" },
	{ "pace", 0, 0, 1, paces, "", "how it goes", "this test" },
	{ "wait", 500, 100, 1000000, NULL, "ns", "between two", "this test" },
	{ "plain", 1, 0, 9, NULL, "", "a number", "this test" },
	{ NULL },
};

#define CARDS 3
static struct nic_params seen[CARDS];
static unsigned nseen;
static int attach_error;

static int
tuned_attach(struct nic *n)
{
	if (attach_error != 0)
		return (attach_error);
	assert_true(nseen < CARDS);
	seen[nseen++] = n->n_params;
	return (nic_basic.nm_attach(n));
}

static struct nic_model tuned;
const struct nic_model *const nic_models[] = { &nic_basic, &tuned, NULL };

const struct nic_model *
nic_model_find(const char *name)
{
	for (unsigned i = 0; nic_models[i] != NULL; i++)
		if (strcmp(nic_models[i]->nm_name, name) == 0)
			return (nic_models[i]);
	return (NULL);
}

static int
group_setup(void **state)
{
	tuned = nic_basic;
	tuned.nm_name = "tuned";
	tuned.nm_knobs = knobs;
	tuned.nm_attach = tuned_attach;
	tuned.nm_ring = 256;
	tuned.nm_ring_max = 512;
	tuned.nm_queues = 4;
	tuned.nm_bus_bps = 50000000000;
	return (0);
}

static struct strbuf diag;
static const char *steps = ""; /* the scenario's timeline */

static int
setup(void **state)
{
	nseen = 0;
	attach_error = 0;
	strbuf_clear(&diag);
	return (0);
}

static int
group_teardown(void **state)
{
	strbuf_fini(&diag);
	return (0);
}

/* The server has these cards, "a" to "c" at most; NULL: refused. */
static struct scenario *
load(const char *cards, const char *const *sets)
{
	static const char format[] =
	    "ktls_sim: 1\n"
	    "name: cards\n"
	    "hosts:\n"
	    "  server:\n"
	    "    nics: {%s}\n"
	    "    addresses: {a: 10.0.0.1/24}\n"
	    "    files: {/f: {size: 1KiB}}\n"
	    "  client:\n"
	    "    nics: {a: {}, b: {}, c: {}}\n"
	    "    addresses: {a: 10.0.0.2/24}\n"
	    "links:\n"
	    "  - {ends: [server.a, client.a]}\n%s%s"
	    "apps:\n"
	    "  web: {type: https-server, host: server}\n"
	    "  get: {type: https-client, host: client, server: web, path: /f}\n"
	    "%s";
	bool b = strstr(cards, "b: {model") != NULL;
	bool c = strstr(cards, "c: {model") != NULL;
	struct strbuf file = { 0 };
	struct scenario *sc;

	strbuf_addf(&file, format, cards,
	    b ? "  - {ends: [server.b, client.b]}\n" : "",
	    c ? "  - {ends: [server.c, client.c]}\n" : "", steps);
	if (!b || !c) {
		/* The client's cards without a link are not there. */
		char *p =
		    strstr(file.sb_str, b ? ", c: {}}" : ", b: {}, c: {}}");

		memset(p, ' ', strlen(b ? ", c: {}}" : ", b: {}, c: {}}"));
		*p = '}';
	}
	return (scenario_parse("cards.yaml", &file, sets, &sc, &diag) == 0
		? sc
		: NULL);
}

static int
build(const char *cards, const char *const *sets)
{
	struct world_opts wo = { .wo_dry = true };
	struct scenario *sc = load(cards, sets);
	struct world *w;
	int error;

	if (sc == NULL)
		fail_msg("%s", strbuf_str(&diag));
	error = world_create(sc, &wo, &w, &diag);
	if (error == 0)
		world_destroy(w);
	else
		print_message("%s", strbuf_str(&diag));
	scenario_free(sc);
	return (error);
}

static void
assert_refused(const char *cards, const char *const *sets, const char *text)
{
	strbuf_clear(&diag);
	if (load(cards, sets) != NULL)
		fail_msg("taken: %s", cards);
	if (strstr(strbuf_str(&diag), text) == NULL)
		fail_msg("wanted: %s\nfound: %s", text, strbuf_str(&diag));
}

static void
test_settings_reach_the_card_and_the_others_are_the_models(void **state)
{
	assert_int_equal(build("a: {model: tuned, settings: "
			       "{wait: 50us, pace: fast, entries: 64}}",
			     NULL),
	    0);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].np_knobs[0], 64);
	assert_int_equal(seen[0].np_knobs[1], 1);
	assert_int_equal(seen[0].np_knobs[2], 50000);
	assert_int_equal(seen[0].np_knobs[3], 1); /* the default */
	assert_int_equal(seen[0].np_knobs_set, 0x7);
}

static void
test_a_time_may_be_written_in_nanoseconds(void **state)
{
	assert_int_equal(build("a: {model: tuned, settings: {wait: 700}}",
			     NULL),
	    0);
	assert_int_equal(seen[0].np_knobs[2], 700);
}

static void
test_set_changes_a_setting_and_gives_one(void **state)
{
	static const char *const sets[] = {
		"hosts.server.nics.a.settings.entries=3",
		"hosts.server.nics.a.settings.pace=slow",
		"hosts.server.nics.a.queues=2", NULL
	};
	static const char *const wrong[] = {
		"hosts.server.nics.a.settings.pace=fst", NULL
	};

	assert_int_equal(build("a: {model: tuned, settings: {entries: 5}}",
			     sets),
	    0);
	assert_int_equal(seen[0].np_knobs[0], 3);
	assert_int_equal(seen[0].np_knobs[1], 0);
	assert_int_equal(seen[0].np_queues, 2);
	assert_refused("a: {model: tuned}", wrong,
	    "--set hosts.server.nics.a.settings.pace=fst: error: setting "
	    "`pace` is one of `slow`, `fast`, not `fst`");
}

static void
test_what_a_model_does_not_take_is_told(void **state)
{
	static const char *const cases[][2] = {
		{ "entires: 3",
		    "the card model `tuned` has no setting `entires`; did you "
		    "mean `entries`? It has `entries`, `pace`, `wait`, "
		    "`plain`" },
		{ "xyz: 3",
		    "the card model `tuned` has no setting `xyz`: it has "
		    "`entries`, `pace`, `wait`, `plain`" },
		{ "pace: 1",
		    "setting `pace` is one of `slow`, `fast`, not `1`" },
		{ "wait: soon",
		    "setting `wait`: `soon` is not a time in whole "
		    "nanoseconds, such as 50us" },
		{ "wait: 1500ps", "setting `wait`: `1500ps` is not a time" },
		{ "wait: 2ms",
		    "setting `wait` goes from 100 ns to 1 ms: 2ms is out of "
		    "bounds" },
		{ "entries: 50us",
		    "setting `entries`: `50us` is not a whole number, 0 or "
		    "more, without unit" },
		{ "entries: 0",
		    "setting `entries` goes from 1 to 64 entries: 0 is out of "
		    "bounds" },
		{ "plain: 10",
		    "setting `plain` goes from 0 to 9: 10 is out of bounds" },
	};
	char cards[128];

	for (size_t i = 0; i < nitems(cases); i++) {
		snprintf(cards, sizeof(cards),
		    "a: {model: tuned, settings: {%s}}", cases[i][0]);
		assert_refused(cards, NULL, cases[i][1]);
	}
	assert_refused("a: {model: tuned, ring: 513}", NULL,
	    "card `a`: a ring of the model `tuned` has at most 512 slots");
}

static void
test_settings_that_do_not_fit_together_are_told_of_the_card(void **state)
{
	attach_error = EINVAL;
	assert_int_equal(build("a: {model: tuned, settings: {entries: 5}}",
			     NULL),
	    EINVAL);
	assert_non_null(strstr(strbuf_str(&diag),
	    "cards.yaml:5:12: error: card `a`: its `settings` do not fit "
	    "together: `ktls-sim list models tuned` says what they mean"));
}

static void
test_queues_interrupts_and_the_bus(void **state)
{
	assert_int_equal(build("a: {model: tuned, queues: 8, tx_coalesce: 4us, "
			       "pcie: 30Gbit/s}, b: {model: tuned}",
			     NULL),
	    0);
	assert_int_equal(nseen, 2);
	assert_int_equal(seen[0].np_queues, 8);
	assert_int_equal(seen[0].np_tx_coalesce, 4 * SIM_US);
	assert_int_equal(seen[0].np_bus_bps, 30000000000);
	assert_null(seen[0].np_bus);
	assert_int_equal(seen[1].np_queues, 0);
	assert_int_equal(seen[1].np_tx_coalesce, 0);
	assert_int_equal(seen[1].np_bus_bps, 0);
}

static void
test_cards_of_one_bus_share_it_and_others_do_not(void **state)
{
	assert_int_equal(build("a: {model: tuned, bus: x}, b: {model: tuned, "
			       "bus: y}, c: {model: tuned, bus: x}",
			     NULL),
	    0);
	assert_int_equal(nseen, 3);
	assert_non_null(seen[0].np_bus);
	assert_ptr_equal(seen[0].np_bus, seen[2].np_bus);
	assert_non_null(seen[1].np_bus);
	assert_ptr_not_equal(seen[0].np_bus, seen[1].np_bus);
}

/* --- orders that only the card can refuse --- */

static int
tuned_order(struct nic_card *c, enum nic_order order, uint64_t value)
{
	return (order == NIC_ORDER_KEYS && value <= 64 ? 0 : EOPNOTSUPP);
}

static const struct fact *
find_fact(const struct result *r, enum trace_id id)
{
	for (unsigned i = 0; i < r->r_nfacts; i++)
		if (r->r_facts[i].f_id == id)
			return (&r->r_facts[i]);
	return (NULL);
}

static void
test_an_order_that_the_card_refuses_is_told_and_the_run_goes_on(void **state)
{
	static const char *const sets[] = { "seed=1", NULL };
	struct world_opts wo = { .wo_seed = 1 };
	const struct result *r;
	const struct fact *f;
	struct scenario *sc;
	struct world *w;

	tuned.nm_hw_order = tuned_order;
	steps =
	    "timeline:\n"
	    "  - {at: 1us, do: card, on: server.a, order: keys, count: 64}\n"
	    "  - {at: 2us, do: card, on: server.a, order: contexts, "
	    "count: 1}\n";
	sc = load("a: {model: tuned}", sets);
	steps = "";
	if (sc == NULL)
		fail_msg("%s", strbuf_str(&diag));
	assert_int_equal(world_create(sc, &wo, &w, &diag), 0);
	world_run(w);
	r = world_result(w);
	assert_int_equal(result_exit_code(r), 0);
	assert_true(r->r_conns[0].c_done);
	f = find_fact(r, TP_app_error);
	assert_non_null(f);
	assert_int_equal(f->f_count, 1);
	assert_int_equal(f->f_error, EOPNOTSUPP);
	assert_string_equal(f->f_s[0], "timeline");
	assert_string_equal(f->f_s[1], "server.a contexts");
	assert_int_equal(f->f_first, 2 * SIM_US);
	world_destroy(w);
	scenario_free(sc);
	tuned.nm_hw_order = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    test_settings_reach_the_card_and_the_others_are_the_models,
		    setup),
		cmocka_unit_test_setup(
		    test_a_time_may_be_written_in_nanoseconds, setup),
		cmocka_unit_test_setup(test_set_changes_a_setting_and_gives_one,
		    setup),
		cmocka_unit_test_setup(test_what_a_model_does_not_take_is_told,
		    setup),
		cmocka_unit_test_setup(
		    test_settings_that_do_not_fit_together_are_told_of_the_card,
		    setup),
		cmocka_unit_test_setup(test_queues_interrupts_and_the_bus,
		    setup),
		cmocka_unit_test_setup(
		    test_cards_of_one_bus_share_it_and_others_do_not, setup),
		cmocka_unit_test_setup(
		    test_an_order_that_the_card_refuses_is_told_and_the_run_goes_on,
		    setup),
	};

	return (cmocka_run_group_tests(tests, group_setup, group_teardown));
}
