/* The timeline: what each step wants, when, and on what. */
#include <string.h>

#include <ktsim/base/kassert.h>

#include "check.h"
#include "node.h"

enum { ON_LINK, ON_HOST, ON_APP, ON_CARD, ON_IF };

/* What a step needs besides `on`; the same keys are of no use to others. */
enum {
	KEY_LOSS = 0x01,
	KEY_SYSCTL = 0x02,
	KEY_SWITCH = 0x04,
	KEY_RATE = 0x08,
	KEY_DELAY = 0x10,
	KEY_QUEUE = 0x20,
	KEY_NODE = 0x40,
	KEY_ORDER = 0x80,
	KEY_CONN = 0x100,
	KEY_ARGS = 0x200,
	KEY_DISK = 0x400,
	KEY_FOR = 0x800,
	KEY_WORKER = 0x1000,
	KEY_COMPLETION = 0x2000,
	KEY_ALLOC = 0x4000,
	KEY_COUNT = 0x8000,
	KEY_MISREADS = 0x10000
};

static const struct {
	int on;
	unsigned keys;
} actions[] = {
	[SC_DO_LINK_DOWN] = { ON_LINK, 0 },
	[SC_DO_LINK_UP] = { ON_LINK, 0 },
	[SC_DO_LOSS] = { ON_LINK, KEY_LOSS },
	[SC_DO_SYSCTL] = { ON_HOST, KEY_SYSCTL },
	[SC_DO_SWITCH_TLS] = { ON_APP, KEY_SWITCH | KEY_CONN },
	[SC_DO_FRAGMENT] = { ON_HOST, 0 },
	[SC_DO_DEFRAGMENT] = { ON_HOST, 0 },
	[SC_DO_LINK_SUSPEND] = { ON_LINK, 0 },
	[SC_DO_LINK_RESUME] = { ON_LINK, 0 },
	[SC_DO_RATE] = { ON_LINK, KEY_RATE },
	[SC_DO_DELAY] = { ON_LINK, KEY_DELAY },
	[SC_DO_QUEUE] = { ON_LINK, KEY_QUEUE },
	[SC_DO_IMPAIR] = { ON_LINK, KEY_NODE },
	[SC_DO_CARD] = { ON_CARD, KEY_ORDER | KEY_FOR | KEY_COUNT },
	[SC_DO_IFCONFIG] = { ON_IF, KEY_ARGS },
	[SC_DO_ROUTE] = { ON_HOST, KEY_ARGS },
	[SC_DO_PACING] = { ON_APP, KEY_RATE | KEY_CONN },
	[SC_DO_DISK] = { ON_HOST, KEY_DISK },
	[SC_DO_WORKERS] = { ON_HOST, KEY_FOR | KEY_WORKER },
	[SC_DO_COMPLETION] = { ON_HOST, KEY_COMPLETION },
	[SC_DO_FAIL_ALLOC] = { ON_HOST, KEY_ALLOC | KEY_COUNT },
	[SC_DO_BEHAVE] = { ON_APP, KEY_RATE | KEY_MISREADS | KEY_CONN },
	[SC_DO_ABORT] = { ON_APP, KEY_CONN },
};

static const struct {
	unsigned key;
	const char *names;
} key_names[] = {
	{ KEY_LOSS, "loss" },
	{ KEY_SYSCTL, "name, value" },
	{ KEY_SWITCH, "to, peer, list" },
	{ KEY_CONN, "connection" },
	{ KEY_RATE, "rate" },
	{ KEY_DELAY, "delay" },
	{ KEY_QUEUE, "queue" },
	{ KEY_NODE, "node, enabled, set" },
	{ KEY_ORDER, "order" },
	{ KEY_FOR, "for" },
	{ KEY_COUNT, "count" },
	{ KEY_ARGS, "args" },
	{ KEY_DISK, "latency, jitter, error" },
	{ KEY_WORKER, "worker" },
	{ KEY_COMPLETION, "completion" },
	{ KEY_ALLOC, "zone, nth" },
	{ KEY_MISREADS, "misreads" },
};

static unsigned
given_keys(const struct sc_step *st)
{
	return ((st->has_loss ? KEY_LOSS : 0u) |
	    (st->name != NULL || st->has_value ? KEY_SYSCTL : 0u) |
	    (st->has_to || st->has_list || st->peer != NULL ? KEY_SWITCH : 0u) |
	    (st->has_connection ? KEY_CONN : 0u) |
	    (st->has_rate ? KEY_RATE : 0u) | (st->has_delay ? KEY_DELAY : 0u) |
	    (st->has_queue ? KEY_QUEUE : 0u) |
	    (st->node != NULL || st->has_enabled || st->has_set ? KEY_NODE
								: 0u) |
	    (st->has_order ? KEY_ORDER : 0u) | (st->has_time ? KEY_FOR : 0u) |
	    (st->has_count ? KEY_COUNT : 0u) |
	    (st->args != NULL ? KEY_ARGS : 0u) |
	    (st->has_latency || st->has_jitter || st->has_disk_error ? KEY_DISK
								     : 0u) |
	    (st->has_worker ? KEY_WORKER : 0u) |
	    (st->has_completion ? KEY_COMPLETION : 0u) |
	    (st->zone != NULL || st->has_nth ? KEY_ALLOC : 0u) |
	    (st->has_misreads ? KEY_MISREADS : 0u));
}

/* The actions that have a use for this key. */
static void
users_of(unsigned key, struct strbuf *sb)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nitems(actions); i++)
		if ((actions[i].keys & key) != 0)
			strbuf_addf(sb, "%s%s", n++ > 0 ? ", " : "",
			    sc_action_names[i]);
}

static void
check_useless(struct chk *c, const struct sc_step *st)
{
	unsigned useless = given_keys(st) & ~actions[st->action].keys;
	struct strbuf sb = { 0 };

	for (unsigned i = 0; i < nitems(key_names); i++) {
		if ((useless & key_names[i].key) == 0)
			continue;
		strbuf_clear(&sb);
		users_of(key_names[i].key, &sb);
		ERR(c, &st->loc,
		    "a step `%s` has no use for a key of these: %s; steps that "
		    "have: %s",
		    sc_action_names[st->action], key_names[i].names,
		    strbuf_str(&sb));
	}
	strbuf_fini(&sb);
}

/* --- what it is about --- */

static const struct sc_link *
check_on_link(struct chk *c, const struct sc_step *st)
{
	const struct sc_link *l = scenario_link(c->sc, st->on);

	if (l != NULL)
		return (l);
	if (strchr(st->on, '.') == NULL)
		ERR(c, scenario_text_at(st->on),
		    "there is no link `%s`: write the `name` of one, or one of "
		    "its ends, host.nic%s",
		    st->on, check_port_hint(c, st->on));
	else if (check_port(c, scenario_text_at(st->on), st->on) != NULL)
		ERR(c, scenario_text_at(st->on), "no link ends at `%s`",
		    st->on);
	return (NULL);
}

/* Who reads at a rate, and who may misread, as the keys of applications say. */
static void
check_behave(struct chk *c, const struct sc_step *st, const struct sc_app *a)
{
	if (st->action != SC_DO_BEHAVE)
		return;
	if (st->has_rate && a->type != SC_APP_HTTPS_CLIENT &&
	    a->type != SC_APP_HTTPS_LOAD)
		ERR(c, &st->loc,
		    "`%s` would ignore the `rate`: those who read bodies are "
		    "https-client and https-load",
		    a->loc.name);
	if (st->has_misreads && a->type != SC_APP_HTTPS_SERVER)
		ERR(c, &st->loc,
		    "`%s` would ignore `misreads`: who sends files is an "
		    "https-server",
		    a->loc.name);
}

static void
check_on_app(struct chk *c, const struct sc_step *st)
{
	const struct sc_loc *loc = scenario_text_at(st->on);
	const struct sc_app *a = check_app_name(c, loc, st->on);

	if (a != NULL && st->has_connection)
		check_connection(c, loc, a, st->connection);
	if (a != NULL)
		check_behave(c, st, a);
}

static void
check_switch_tls(struct chk *c, const struct sc_step *st)
{
	struct ksockaddr peer;

	if (!st->has_to)
		ERR(c, &st->loc,
		    "a switch_tls step wants `to`: sw or "
		    "ifnet");
	if (st->peer != NULL && parse_endpoint(st->peer, &peer) != 0)
		ERR(c, scenario_text_at(st->peer),
		    "`%s` is not an address, such as 10.0.0.2, "
		    "10.0.0.2:443 or [fd00::2]:443",
		    st->peer);
}

/* What rounds to no bytes per second would be no limit at all. */
void
check_pacing(struct chk *c, const struct sc_loc *loc, uint64_t rate)
{
	if (rate > 0 && rate < 8)
		ERR(c, loc,
		    "a pacing rate is 8 bit/s, one byte per second, at least; "
		    "0bit/s is none");
}

/* A link has one; connections may have none, or what 32 bits can say. */
static void
check_rate(struct chk *c, const struct sc_step *st)
{
	bool pacing = st->action == SC_DO_PACING;

	if (st->action == SC_DO_BEHAVE)
		return;
	if (pacing)
		check_pacing(c, &st->loc, st->rate);
	if (pacing ? st->rate > SC_PACING_MAX : st->rate < 1000)
		ERR(c, &st->loc, "`rate` of a step %s is %s",
		    pacing ? "pacing" : "rate",
		    pacing ? "34 Gbit/s at most: 2^32 - 1 bytes per second"
			   : "1 kbit/s at least");
}

/* By its name, or the name that a nameless one has: its kind. */
static const struct sc_impair *
find_node(const struct sc_link *l, const char *name)
{
	const struct sc_impair *n;

	for (n = l->impair; n < l->impair + l->nimpair; n++)
		if (strcmp(n->name != NULL ? n->name : sc_impair_names[n->kind],
			name) == 0)
			return (n);
	return (NULL);
}

static void
check_node(struct chk *c, struct sc_step *st, const struct sc_link *l)
{
	const struct sc_impair *n;

	if (st->node == NULL || (!st->has_enabled && !st->has_set)) {
		ERR(c, &st->loc,
		    "an impair step wants `node`, and `enabled` or `set`");
		return;
	}
	if (l == NULL)
		return;
	if ((n = find_node(l, st->node)) == NULL) {
		ERR(c, scenario_text_at(st->node),
		    "this link has no impairment `%s`: the names are those of "
		    "its `impair`, or their kinds",
		    st->node);
		return;
	}
	if (!st->has_set || !check_impair(c, l, &st->set))
		return;
	if (st->set.kind != n->kind)
		ERR(c, &st->set.loc,
		    "`%s` is of kind %s, `set` of kind %s: a node stays what it "
		    "is",
		    st->node, sc_impair_names[n->kind],
		    sc_impair_names[st->set.kind]);
	if (st->set.name != NULL || st->set.from != NULL)
		ERR(c, &st->set.loc,
		    "`set` has neither `name` nor `from`: `node` says which");
}

/* The steps of hosts and applications that need some key. */
static void
check_wants(struct chk *c, const struct sc_step *st)
{
	unsigned given = given_keys(st);
	const char *wants = NULL;

	if (st->action == SC_DO_DISK && (given & KEY_DISK) == 0)
		wants = "`latency`, `jitter` or `error`";
	else if (st->action == SC_DO_WORKERS && !st->has_time)
		wants = "`for`: how long they take nothing up";
	else if (st->action == SC_DO_COMPLETION && !st->has_completion)
		wants = "`completion`";
	else if (st->action == SC_DO_FAIL_ALLOC && st->zone == NULL)
		wants = "`zone`";
	else if (st->action == SC_DO_BEHAVE &&
	    (given & (KEY_RATE | KEY_MISREADS)) == 0)
		wants = "`rate` or `misreads`";
	if (wants != NULL)
		ERR(c, &st->loc, "a step `%s` wants %s",
		    sc_action_names[st->action], wants);
}

static void
check_worker(struct chk *c, const struct sc_step *st)
{
	for (unsigned i = 0; i < c->sc->nhosts; i++)
		if (st->has_worker &&
		    strcmp(c->sc->hosts[i].loc.name, st->on) == 0 &&
		    st->worker >= c->sc->hosts[i].cpus)
			ERR(c, &st->loc,
			    "host `%s` has the workers 0 to %ju: one for each "
			    "of its `cpus`",
			    st->on, (uintmax_t)c->sc->hosts[i].cpus - 1);
}

static void
check_action(struct chk *c, struct sc_step *st)
{
	const struct sc_link *l = NULL;
	unsigned keys = actions[st->action].keys;

	if (actions[st->action].on == ON_LINK)
		l = check_on_link(c, st);
	else if (actions[st->action].on == ON_HOST)
		check_host_name(c, scenario_text_at(st->on), st->on);
	else if (actions[st->action].on == ON_CARD)
		check_card_step(c, st);
	else if (actions[st->action].on == ON_IF)
		check_ifconfig(c, st);
	else
		check_on_app(c, st);
	if (keys == KEY_SYSCTL && (st->name == NULL || !st->has_value))
		ERR(c, &st->loc,
		    "a sysctl step wants `name` "
		    "and `value`");
	if ((keys & KEY_SWITCH) != 0)
		check_switch_tls(c, st);
	if (st->action == SC_DO_ROUTE)
		check_route(c, st);
	if (keys == KEY_LOSS && !st->has_loss)
		ERR(c, &st->loc, "a loss step wants `loss`");
	if ((keys & KEY_RATE) != 0 && st->has_rate)
		check_rate(c, st);
	if (st->action == SC_DO_PACING && !st->has_rate)
		ERR(c, &st->loc, "a pacing step wants `rate`");
	if ((keys == KEY_RATE && !st->has_rate) ||
	    (keys == KEY_DELAY && !st->has_delay) ||
	    (keys == KEY_QUEUE && !st->has_queue))
		ERR(c, &st->loc,
		    "a step rate, delay or queue wants the key of its name");
	if (keys == KEY_NODE)
		check_node(c, st, l);
	check_wants(c, st);
	check_worker(c, st);
}

/* --- when --- */

static void
check_conn_name(struct chk *c, const struct sc_loc *loc,
    const struct sc_when *w)
{
	const struct sc_app *a = check_app_name(c, loc, w->app);

	if (a == NULL)
		return;
	if (!sc_app_is_client(a->type))
		ERR(c, loc,
		    "`%s` is a server: connections are counted by their client",
		    w->app);
	else
		check_connection(c, loc, a, w->connection);
}

static void
check_when(struct chk *c, struct sc_step *st)
{
	const struct sc_loc *loc = scenario_text_at(st->when);
	const char *why, *rest;
	const struct sc_app *a;
	struct sc_when *w = &st->cond;

	if (when_parse(st->when, c->sc->arena, w, &why, &rest) != 0) {
		if (*rest == '\0')
			ERR(c, loc, "`%s` is no condition, at its end: %s",
			    st->when, why);
		else
			ERR(c, loc, "`%s` is no condition, at `%s`: %s",
			    st->when, rest, why);
		return;
	}
	if (w->kind == SC_WHEN_COUNTER)
		check_host_name(c, loc, w->host);
	else if (w->kind == SC_WHEN_DELIVERED) {
		a = check_app_name(c, loc, w->app);
		if (a != NULL && !sc_app_is_client(a->type))
			ERR(c, loc,
			    "`%s` is a server: what is delivered is counted by "
			    "its clients",
			    w->app);
	} else if (w->app != NULL)
		check_conn_name(c, loc, w);
}

static void
check_time(struct chk *c, struct sc_step *st)
{
	if (st->has_at == (st->when != NULL))
		ERR(c, &st->loc,
		    "a step happens `at` an instant, or `when` something does: "
		    "give one of the two");
	else if (st->when != NULL && st->has_every)
		ERR(c, &st->loc,
		    "`every` is for steps with `at`; one with `when` has "
		    "`times`");
	else if (st->when != NULL)
		check_when(c, st);
	else if (st->has_after || st->has_must ||
	    (st->has_times && !st->has_every))
		ERR(c, &st->loc,
		    "`after` and `must` are for steps with `when`, `times` for "
		    "those and for `every`");
	else
		check_instant(c, &st->loc, st->at);
}

void
check_steps(struct chk *c)
{
	for (unsigned i = 0; i < c->sc->nsteps; i++) {
		check_time(c, &c->sc->timeline[i]);
		check_action(c, &c->sc->timeline[i]);
		check_useless(c, &c->sc->timeline[i]);
	}
}
