/* Cards: their models, what their settings may be, and orders to them. */
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>
#include <ktsim/nic/nic.h>

#include "check.h"
#include "node.h"

static const char *
model_hint(struct chk *c, const char *name)
{
	static _Thread_local char text[64];
	const char *names[64], *near;
	unsigned n;

	for (n = 0; n < nitems(names) && nic_models[n] != NULL; n++)
		names[n] = nic_models[n]->nm_name;
	if (c->d->errors >= DIAG_MAX ||
	    (near = nearest_name(name, names, n)) == NULL)
		return ("");
	snprintf(text, sizeof(text), "; did you mean `%s`?", near);
	return (text);
}

/* --- settings --- */

/* "`a`, `b`", of a model's settings or a setting's words. */
static void
add_names(struct strbuf *sb, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		strbuf_addf(sb, "%s`%s`", i > 0 ? ", " : "", names[i]);
}

static void
no_such_setting(struct chk *c, const struct nic_model *model,
    const struct sc_knob *s)
{
	const char *names[NIC_MAXKNOBS], *near;
	const struct nic_knob *k = model->nm_knobs;
	struct strbuf all = { 0 };
	unsigned n = 0;

	for (; k != NULL && k->k_name != NULL && n < nitems(names); k++)
		names[n++] = k->k_name;
	if (n == 0) {
		ERR(c, &s->loc,
		    "there is no setting `%s`: the card model `%s` has none",
		    s->loc.name, model->nm_name);
		return;
	}
	add_names(&all, names, n);
	near = nearest_name(s->loc.name, names, n);
	if (near != NULL)
		ERR(c, &s->loc,
		    "the card model `%s` has no setting `%s`; did you mean "
		    "`%s`? It has %s",
		    model->nm_name, s->loc.name, near, strbuf_str(&all));
	else
		ERR(c, &s->loc,
		    "the card model `%s` has no setting `%s`: it has %s",
		    model->nm_name, s->loc.name, strbuf_str(&all));
	strbuf_fini(&all);
}

static void
setting_word(struct chk *c, const struct nic_knob *k, struct sc_knob *s)
{
	struct strbuf all = { 0 };
	unsigned n;

	for (n = 0; k->k_words[n] != NULL; n++)
		if (strcmp(k->k_words[n], s->text) == 0) {
			s->value = n;
			return;
		}
	add_names(&all, k->k_words, n);
	ERR(c, scenario_text_at(s->text), "setting `%s` is one of %s, not `%s`",
	    k->k_name, strbuf_str(&all), s->text);
	strbuf_fini(&all);
}

/* Those in ns are times, and may be written as such. */
static bool
setting_is_time(const struct nic_knob *k)
{
	return (strcmp(k->k_unit, "ns") == 0);
}

static bool
setting_parse(const struct nic_knob *k, const char *text, uint64_t *v)
{
	simtime_t t;

	if (parse_uint(text, v) == 0)
		return (true);
	if (!setting_is_time(k) || parse_time(text, &t) != 0 || t % SIM_NS != 0)
		return (false);
	*v = t / SIM_NS;
	return (true);
}

static void
setting_bounds(const struct nic_knob *k, struct strbuf *sb)
{
	if (setting_is_time(k) && k->k_max <= SIM_NEVER / SIM_NS) {
		format_time(k->k_min * SIM_NS, sb);
		strbuf_adds(sb, " to ");
		format_time(k->k_max * SIM_NS, sb);
	} else
		strbuf_addf(sb, "%ju to %ju%s%s", (uintmax_t)k->k_min,
		    (uintmax_t)k->k_max, k->k_unit[0] != '\0' ? " " : "",
		    k->k_unit);
}

static void
setting_number(struct chk *c, const struct nic_knob *k, struct sc_knob *s)
{
	const struct sc_loc *at = scenario_text_at(s->text);
	struct strbuf bounds = { 0 };

	if (!setting_parse(k, s->text, &s->value)) {
		if (setting_is_time(k))
			ERR(c, at,
			    "setting `%s`: `%s` is not a time in whole "
			    "nanoseconds, such as 50us",
			    k->k_name, s->text);
		else
			ERR(c, at,
			    "setting `%s`: `%s` is not a whole number, 0 or "
			    "more, without unit",
			    k->k_name, s->text);
	} else if (s->value < k->k_min || s->value > k->k_max) {
		setting_bounds(k, &bounds);
		ERR(c, at, "setting `%s` goes from %s: %s is out of bounds",
		    k->k_name, strbuf_str(&bounds), s->text);
	}
	strbuf_fini(&bounds);
}

static void
check_settings(struct chk *c, struct sc_nic *n, const struct nic_model *model)
{
	const struct nic_knob *k;
	struct sc_knob *s;
	int i;

	for (s = n->settings; s < n->settings + n->nsettings; s++) {
		i = nic_knob_find(model, s->loc.name);
		if (i < 0) {
			no_such_setting(c, model, s);
			continue;
		}
		s->index = (unsigned)i;
		k = &model->nm_knobs[i];
		if (k->k_words != NULL)
			setting_word(c, k, s);
		else
			setting_number(c, k, s);
	}
}

/* --- a card --- */

static void
check_limits(struct chk *c, const struct sc_nic *n,
    const struct nic_model *model)
{
	if (n->ring > model->nm_ring_max)
		ERR(c, &n->loc,
		    "card `%s`: a ring of the model `%s` has at most %u slots",
		    n->loc.name, model->nm_name, model->nm_ring_max);
	if (n->bus != NULL)
		check_word(c, scenario_text_at(n->bus), n->bus, "bus", 64);
}

void
check_cards(struct chk *c, struct sc_host *h)
{
	const struct nic_model *model;
	struct sc_nic *n;

	for (n = h->nics; n < h->nics + h->nnics; n++) {
		check_ifname(c, &n->loc);
		model = nic_model_find(n->model);
		if (model == NULL)
			ERR(c, scenario_text_at(n->model),
			    "there is no card model `%s`; "
			    "`ktls-sim list models` shows what there is%s",
			    n->model, model_hint(c, n->model));
		else {
			check_settings(c, n, model);
			check_limits(c, n, model);
		}
		if (n->has_domain && n->numa_domain >= h->numa_domains)
			ERR(c, &n->loc,
			    "card `%s` is in NUMA domain %ju: host `%s` has "
			    "the domains 0 to %ju, see `numa_domains`",
			    n->loc.name, (uintmax_t)n->numa_domain, h->loc.name,
			    (uintmax_t)h->numa_domains - 1);
	}
}

/* --- orders --- */

/* The card that a step is on; NULL: it was told. */
static const struct sc_nic *
step_card(struct chk *c, const struct sc_step *st)
{
	const struct sc_loc *at = scenario_text_at(st->on);
	unsigned port;

	if (scenario_switch_port(c->sc, st->on, &port) != NULL) {
		ERR(c, at, "`%s` is a port of a switch, not a card: host.nic",
		    st->on);
		return (NULL);
	}
	return (check_port(c, at, st->on));
}

void
check_card_step(struct chk *c, const struct sc_step *st)
{
	const struct sc_nic *n = step_card(c, st);
	const struct nic_order_info *o = &nic_orders[st->order];
	const struct nic_model *model;
	bool time, count;

	if (!st->has_order) {
		ERR(c, &st->loc,
		    "a card step wants `order`: reset, stall and the like");
		return;
	}
	KASSERT(strcmp(o->o_name, sc_order_names[st->order]) == 0,
	    ("orders in another order"));
	time = strcmp(o->o_unit, "time") == 0;
	count = strcmp(o->o_unit, "count") == 0;
	if (st->has_time != time || st->has_count != count)
		ERR(c, &st->loc, "the order %s wants %s", o->o_name,
		    time	? "`for`, a time, and no `count`"
			: count ? "`count`, a number, and no `for`"
				: "neither `for` nor `count`");
	if (n == NULL || (model = nic_model_find(n->model)) == NULL)
		return;
	if (!nic_order_fits(model, (enum nic_order)st->order))
		ERR(c, &st->loc,
		    "the card `%s` is of the model `%s`, which knows no order "
		    "%s: %s",
		    st->on, model->nm_name, o->o_name, o->o_text);
}
