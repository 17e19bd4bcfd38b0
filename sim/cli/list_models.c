/*
 * The card models: as a table, one at length, and as a page's tables; all from
 * the models' own descriptions.
 */
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/net/if_var.h>
#include <ktsim/nic/nic.h>
#include <ktsim/sim/scenario.h>

#include "cli.h"

/* --- what a model says of itself, as label and text --- */

static void
fact_driver(const struct nic_model *m, struct strbuf *sb)
{
	strbuf_adds(sb, m->nm_driver[0] != '\0' ? m->nm_driver : "none");
}

static void
fact_source(const struct nic_model *m, struct strbuf *sb)
{
	strbuf_adds(sb, m->nm_source);
}

static void
fact_caps(const struct nic_model *m, struct strbuf *sb)
{
	if_capnames(m->nm_caps, sb);
}

static void
fact_tso(const struct nic_model *m, struct strbuf *sb)
{
	if (m->nm_tsomax == 0)
		strbuf_adds(sb, "none");
	else
		strbuf_addf(sb,
		    "up to %u bytes, in %u segments of up to %u bytes",
		    m->nm_tsomax, m->nm_tsomaxsegcount, m->nm_tsomaxsegsize);
}

static void
fact_ring(const struct nic_model *m, struct strbuf *sb)
{
	strbuf_addf(sb, "%u slots, %u to %u; %s", m->nm_ring, m->nm_ring_min,
	    m->nm_ring_max,
	    m->nm_ring_any ? "one for each packet"
			   : "of 64 bytes, rounded up to a power of two");
}

static void
fact_queues(const struct nic_model *m, struct strbuf *sb)
{
	strbuf_addf(sb, "%u", m->nm_queues);
	if (m->nm_extra_queues != 0)
		strbuf_addf(sb, ", and %u of its own", m->nm_extra_queues);
}

static void
add_rate(uint64_t bps, struct strbuf *sb)
{
	if (bps == 0)
		strbuf_adds(sb, "without limit");
	else if (bps % 1000000000 == 0)
		strbuf_addf(sb, "%ju Gbit/s", (uintmax_t)bps / 1000000000);
	else
		strbuf_addf(sb, "%ju Mbit/s", (uintmax_t)bps / 1000000);
}

static void
fact_bus(const struct nic_model *m, struct strbuf *sb)
{
	add_rate(m->nm_bus_bps, sb);
}

static void
fact_fetch(const struct nic_model *m, struct strbuf *sb)
{
	format_time(m->nm_fetch, sb);
	strbuf_adds(sb, " from a doorbell to the first bit, when idle");
}

static void
fact_buffer(const struct nic_model *m, struct strbuf *sb)
{
	if (m->nm_buffer == 0)
		strbuf_adds(sb, "none: one work request after the other");
	else {
		format_bytes(m->nm_buffer, sb);
		strbuf_adds(sb, " of frames may wait for the link");
	}
}

static void
fact_orders(const struct nic_model *m, struct strbuf *sb)
{
	const char *comma = "";

	for (int i = 0; i < NIC_ORDER_COUNT; i++)
		if (nic_order_fits(m, (enum nic_order)i)) {
			strbuf_addf(sb, "%s%s", comma, nic_orders[i].o_name);
			comma = ", ";
		}
}

static const struct {
	const char *label;
	void (*add)(const struct nic_model *, struct strbuf *);
} facts[] = {
	{ "FreeBSD's driver", fact_driver },
	{ "behaviour from", fact_source },
	{ "capabilities", fact_caps },
	{ "TSO", fact_tso },
	{ "ring", fact_ring },
	{ "queues", fact_queues },
	{ "bus", fact_bus },
	{ "fetch", fact_fetch },
	{ "buffer", fact_buffer },
	{ "orders", fact_orders },
};

/* --- settings --- */

static void
knob_value(const struct nic_knob *k, uint64_t v, struct strbuf *sb)
{
	if (k->k_words != NULL)
		strbuf_adds(sb, k->k_words[v]);
	else if (strcmp(k->k_unit, "ns") == 0 && v <= SIM_NEVER / SIM_NS)
		format_time(v * SIM_NS, sb);
	else
		strbuf_addf(sb, "%ju%s%s", (uintmax_t)v,
		    k->k_unit[0] != '\0' ? " " : "", k->k_unit);
}

static void
knob_bounds(const struct nic_knob *k, struct strbuf *sb)
{
	if (k->k_words == NULL && strcmp(k->k_unit, "ns") != 0) {
		strbuf_addf(sb, "%ju to ", (uintmax_t)k->k_min);
		knob_value(k, k->k_max, sb);
		return;
	}
	if (k->k_words == NULL) {
		knob_value(k, k->k_min, sb);
		strbuf_adds(sb, " to ");
		knob_value(k, k->k_max, sb);
		return;
	}
	for (unsigned i = 0; k->k_words[i] != NULL; i++)
		strbuf_addf(sb, "%s%s", i > 0 ? ", " : "", k->k_words[i]);
}

static bool
has_knobs(const struct nic_model *m)
{
	return (m->nm_knobs != NULL && m->nm_knobs[0].k_name != NULL);
}

/* --- for a terminal --- */

static void
print_brief(const struct nic_model *m)
{
	struct strbuf sb = { 0 };

	if_capnames(m->nm_caps, &sb);
	printf("%-8s %-12s %s\n%-21s %s\n", m->nm_name,
	    m->nm_driver[0] != '\0' ? m->nm_driver : "-", m->nm_text, "",
	    strbuf_str(&sb));
	strbuf_fini(&sb);
}

static void
print_knobs(const struct nic_model *m)
{
	struct strbuf def = { 0 }, bounds = { 0 };
	const struct nic_knob *k;

	if (!has_knobs(m)) {
		puts("  settings          none");
		return;
	}
	puts("\n  settings, `settings: {NAME: VALUE}` of a card:");
	for (k = m->nm_knobs; k->k_name != NULL; k++) {
		strbuf_clear(&def);
		strbuf_clear(&bounds);
		knob_value(k, k->k_def, &def);
		knob_bounds(k, &bounds);
		printf("  %s: %s (%s)\n      %s\n      source: %s\n", k->k_name,
		    strbuf_str(&def), strbuf_str(&bounds), k->k_text,
		    k->k_source);
	}
	strbuf_fini(&def);
	strbuf_fini(&bounds);
}

static void
print_long(const struct nic_model *m)
{
	struct strbuf sb = { 0 };

	printf("%s: %s\n", m->nm_name, m->nm_text);
	for (size_t i = 0; i < nitems(facts); i++) {
		strbuf_clear(&sb);
		facts[i].add(m, &sb);
		printf("  %-17s %s\n", facts[i].label, strbuf_str(&sb));
	}
	strbuf_fini(&sb);
	print_knobs(m);
}

/* --- for docs/nics.md --- */

static void
page_model(const struct nic_model *m)
{
	struct strbuf sb = { 0 }, bounds = { 0 };
	const struct nic_knob *k;

	printf("### `%s`: %s\n\n| | |\n|---|---|\n", m->nm_name, m->nm_text);
	for (size_t i = 0; i < nitems(facts); i++) {
		strbuf_clear(&sb);
		facts[i].add(m, &sb);
		printf("| %s | %s |\n", facts[i].label, strbuf_str(&sb));
	}
	if (!has_knobs(m))
		puts("| settings | none |");
	else
		puts("\n| setting | default | bounds | meaning | source |\n"
		     "|---|---|---|---|---|");
	for (k = m->nm_knobs; has_knobs(m) && k->k_name != NULL; k++) {
		strbuf_clear(&sb);
		strbuf_clear(&bounds);
		knob_value(k, k->k_def, &sb);
		knob_bounds(k, &bounds);
		printf("| `%s` | %s | %s | %s | %s |\n", k->k_name,
		    strbuf_str(&sb), strbuf_str(&bounds), k->k_text,
		    k->k_source);
	}
	puts("");
	strbuf_fini(&sb);
	strbuf_fini(&bounds);
}

void
list_models_page(void)
{
	for (unsigned i = 0; nic_models[i] != NULL; i++)
		page_model(nic_models[i]);
	puts("### Orders\n\n| order | with | what happens |\n|---|---|---|");
	for (int i = 0; i < NIC_ORDER_COUNT; i++)
		printf("| `%s` | %s | %s |\n", nic_orders[i].o_name,
		    strcmp(nic_orders[i].o_unit, "time") == 0 ? "`for: TIME`"
			: strcmp(nic_orders[i].o_unit, "count") == 0
			? "`count: NUMBER`"
			: "",
		    nic_orders[i].o_text);
	puts("");
}

/* --- the command --- */

void
list_models(void)
{
	for (unsigned i = 0; nic_models[i] != NULL; i++)
		print_brief(nic_models[i]);
}

int
list_model(const char *name)
{
	const struct nic_model *m = nic_model_find(name);
	const char *names[64], *near;
	unsigned n;

	if (m != NULL) {
		print_long(m);
		return (EXIT_OK);
	}
	for (n = 0; n < nitems(names) && nic_models[n] != NULL; n++)
		names[n] = nic_models[n]->nm_name;
	near = nearest_name(name, names, n);
	if (near != NULL)
		return (usage_error(&cmd_list,
		    "there is no card model `%s`; did you mean `%s`?", name,
		    near));
	return (usage_error(&cmd_list,
	    "there is no card model `%s`; `ktls-sim list models` shows what "
	    "there is",
	    name));
}
