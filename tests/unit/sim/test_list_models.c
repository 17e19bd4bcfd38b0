/*
 * `list models` of a card with a setting of each kind, at length and as the
 * tables of docs/nics.md. The table of models is this test's.
 */
#include "ktest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ktsim/net/if_var.h>
#include <ktsim/nic/nic.h>

#include "cli.h"

static const char *const paces[] = { "slow", "fast", NULL };
static const struct nic_knob knobs[] = {
	{ "entries", 8, 1, 64, NULL, "entries", "of a table", "a manual" },
	{ "pace", 1, 0, 1, paces, "", "how it goes", "a driver" },
	{ "wait", 50000, 100, 1000000, NULL, "ns", "between two", "assumed" },
	{ "plain", 1, 0, 9, NULL, "", "a number", "assumed" },
	{ NULL },
};

static int
no_order(struct nic_card *c, enum nic_order order, uint64_t value)
{
	return (0);
}

static const struct nic_model tuned = {
	.nm_name = "tuned",
	.nm_text = "a card with settings",
	.nm_driver = "tun(4)",
	.nm_source = "this test",
	.nm_caps = IFCAP_TXCSUM | IFCAP_TSO4,
	.nm_tsomax = 4000,
	.nm_tsomaxsegcount = 3,
	.nm_tsomaxsegsize = 2048,
	.nm_ring = 256,
	.nm_ring_min = 64,
	.nm_ring_max = 512,
	.nm_queues = 4,
	.nm_extra_queues = 1,
	.nm_fetch = 1500 * SIM_NS,
	.nm_bus_bps = 52500000000,
	.nm_buffer = 65536,
	.nm_knobs = knobs,
	.nm_hw_order = no_order,
};
const struct nic_model *const nic_models[] = { &tuned, NULL };

const struct nic_model *
nic_model_find(const char *name)
{
	return (strcmp(name, "tuned") == 0 ? &tuned : NULL);
}

/* What the file under test wants of the command line. */
const struct command cmd_list;
static char usage[200];

int
usage_error(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(usage, sizeof(usage), fmt, ap);
	va_end(ap);
	return (EXIT_USAGE);
}

/* What fn prints on standard output. */
static const char *
printed(void (*fn)(void))
{
	static char text[8192];
	FILE *f = tmpfile();
	int out = dup(STDOUT_FILENO);
	size_t n;

	assert_non_null(f);
	fflush(stdout);
	assert_true(dup2(fileno(f), STDOUT_FILENO) >= 0);
	fn();
	fflush(stdout);
	assert_true(dup2(out, STDOUT_FILENO) >= 0);
	close(out);
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return (text);
}

static void
tuned_at_length(void)
{
	assert_int_equal(list_model("tuned"), EXIT_OK);
}

static void
test_a_model_at_length(void **state)
{
	assert_string_equal(printed(tuned_at_length),
	    "tuned: a card with settings\n"
	    "  FreeBSD's driver  tun(4)\n"
	    "  behaviour from    this test\n"
	    "  capabilities      TXCSUM,TSO4\n"
	    "  TSO               up to 4000 bytes, in 3 segments of up to "
	    "2048 bytes\n"
	    "  ring              256 slots, 64 to 512; of 64 bytes, rounded up "
	    "to a power of two\n"
	    "  queues            4, and 1 of its own\n"
	    "  bus               52500 Mbit/s\n"
	    "  fetch             1.5 us from a doorbell to the first bit, when "
	    "idle\n"
	    "  buffer            64 KiB of frames may wait for the link\n"
	    "  orders            reset, stall, dma-fail, keys, contexts\n"
	    "\n"
	    "  settings, `settings: {NAME: VALUE}` of a card:\n"
	    "  entries: 8 entries (1 to 64 entries)\n"
	    "      of a table\n"
	    "      source: a manual\n"
	    "  pace: fast (slow, fast)\n"
	    "      how it goes\n"
	    "      source: a driver\n"
	    "  wait: 50 us (100 ns to 1 ms)\n"
	    "      between two\n"
	    "      source: assumed\n"
	    "  plain: 1 (0 to 9)\n"
	    "      a number\n"
	    "      source: assumed\n");
}

static void
test_models_in_short(void **state)
{
	assert_string_equal(printed(list_models),
	    "tuned    tun(4)       a card with settings\n"
	    "                      TXCSUM,TSO4\n");
}

static void
test_models_as_a_page(void **state)
{
	const char *page = printed(list_models_page);

	assert_non_null(strstr(page, "### `tuned`: a card with settings\n"));
	assert_non_null(strstr(page, "| queues | 4, and 1 of its own |\n"));
	assert_non_null(strstr(page,
	    "| `pace` | fast | slow, fast | how it goes | a driver |\n"));
	assert_non_null(strstr(page,
	    "| `wait` | 50 us | 100 ns to 1 ms | between two | assumed |\n"));
	assert_non_null(strstr(page, "| `stall` | `for: TIME` | "));
	assert_non_null(strstr(page, "| `reset` |  | "));
}

static void
test_a_model_that_is_not_there(void **state)
{
	assert_int_equal(list_model("tund"), EXIT_USAGE);
	assert_string_equal(usage,
	    "there is no card model `tund`; did you mean `tuned`?");
	assert_int_equal(list_model("xyzzy"), EXIT_USAGE);
	assert_non_null(strstr(usage, "`ktls-sim list models` shows"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_model_at_length),
		cmocka_unit_test(test_models_in_short),
		cmocka_unit_test(test_models_as_a_page),
		cmocka_unit_test(test_a_model_that_is_not_there),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
