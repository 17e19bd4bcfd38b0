/* Claims that make sense: exactly one kind, names that are there. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/nearest.h>
#include <ktsim/base/trace.h>
#include <ktsim/sim/scenario.h>

#include "check.h"
#include "node.h"

const char *const sc_expect_names[SC_EXP_KINDS] = { "delivered", "counter",
	"mode", "time", "error", "tcp_info", "event", "order", "drops",
	"frames", "gap", "report" };

static void
check_bounds(struct chk *c, const struct sc_loc *loc, const char *what,
    const struct sc_bounds *b)
{
	const char *is = strcmp(what, "delivered") == 0 ? "bytes" : "is";

	if (!b->has_is && !b->has_min && !b->has_max)
		ERR(c, loc, "a %s claim wants `%s`, `min` or `max`", what, is);
	if (b->has_is && (b->has_min || b->has_max))
		ERR(c, loc,
		    "`%s` says exactly how much: `min` and `max` go without it",
		    is);
	if (b->has_min && b->has_max && b->min > b->max)
		ERR(c, loc,
		    "nothing is at least %ju and at most %ju: exchange `min` "
		    "and `max`",
		    (uintmax_t)b->min, (uintmax_t)b->max);
}

/* --- events --- */

static void
check_point(struct chk *c, struct sc_event *e)
{
	const char *names[TP_COUNT], *near;

	if ((e->point = trace_find(e->name)) >= 0)
		return;
	for (int i = 0; i < TP_COUNT; i++)
		names[i] = trace_catalogue[i].ti_name;
	near = nearest_name(e->name, names, TP_COUNT);
	if (near != NULL)
		ERR(c, scenario_text_at(e->name),
		    "there is no trace point `%s`; did you mean `%s`?", e->name,
		    near);
	else
		ERR(c, scenario_text_at(e->name),
		    "there is no trace point `%s`; `ktls-sim list traces` "
		    "shows them",
		    e->name);
}

/* Argument `name` of the point: its number and type; -1. */
static int
point_arg(int point, const char *name, char *type)
{
	const char *p = trace_catalogue[point].ti_args;
	size_t len;

	for (int i = 0; *p != '\0'; i++) {
		len = strcspn(p + 2, " ");
		if (strlen(name) == len && memcmp(p + 2, name, len) == 0) {
			*type = p[0];
			return (i);
		}
		p += 2 + len;
		p += *p == ' ';
	}
	return (-1);
}

/* "3", ">= 3", "!=0": true if it is one. */
static bool
match_number(const char *text, struct sc_match *m)
{
	static const struct {
		const char *sign;
		int cmp;
	} signs[] = { { "<=", SC_LE }, { ">=", SC_GE }, { "!=", SC_NE },
		{ "==", SC_EQ }, { "<", SC_LT }, { ">", SC_GT } };
	char *end;

	m->cmp = SC_EQ;
	for (unsigned i = 0; i < nitems(signs); i++)
		if (strncmp(text, signs[i].sign, strlen(signs[i].sign)) == 0) {
			m->cmp = signs[i].cmp;
			text += strlen(signs[i].sign);
			break;
		}
	m->number = strtoll(text, &end, 10);
	m->kind = SC_MATCH_NUMBER;
	return (end != text && *end == '\0');
}

static void
check_match(struct chk *c, const struct sc_event *e, const struct sc_knob *k,
    struct sc_match *m)
{
	char type = 0;
	int arg = point_arg(e->point, k->loc.name, &type);

	if (arg < 0) {
		ERR(c, &k->loc,
		    "the trace point `%s` has no argument `%s`, it has: %s",
		    e->name, k->loc.name, trace_catalogue[e->point].ti_args);
		return;
	}
	m->arg = (unsigned)arg;
	m->glob = k->text;
	m->kind = SC_MATCH_TEXT;
	if (type == 's' || match_number(k->text, m))
		return;
	m->number = errno_value(k->text);
	m->cmp = SC_EQ;
	if (type != 'i' || m->number <= 0)
		ERR(c, scenario_text_at(k->text),
		    "`%s` of `%s` is a number: write one, or >= and the like "
		    "in front of it%s",
		    k->loc.name, e->name, type == 'i' ? ", or an errno" : "");
}

static void
check_event(struct chk *c, struct sc_event *e)
{
	check_point(c, e);
	if (e->host != NULL)
		check_host_name(c, scenario_text_at(e->host), e->host);
	e->match =
	    arena_alloc(c->sc->arena, (e->nwhere + 1) * sizeof(*e->match));
	for (unsigned i = 0; i < e->nwhere && e->point >= 0; i++)
		check_match(c, e, &e->where[i], &e->match[i]);
}

static void
check_events(struct chk *c, struct sc_expect *e)
{
	struct sc_bounds *b = &e->event.bounds;

	if (e->kind == SC_EXP_ORDER) {
		if (e->order.nevents < 2)
			ERR(c, &e->order.loc,
			    "an order claim wants two events or more");
		for (unsigned i = 0; i < e->order.nevents; i++)
			check_event(c, &e->order.events[i]);
		return;
	}
	check_event(c, &e->event.event);
	if (!b->has_is && !b->has_min && !b->has_max) {
		b->has_min = true;
		b->min = 1;
	}
	check_bounds(c, &e->event.loc, "event", b);
	if (e->event.has_before && e->event.before <= e->event.after)
		ERR(c, &e->event.loc,
		    "nothing happens: `before` is not later "
		    "than `after`");
}

/* --- the others --- */

static void
check_time(struct chk *c, const struct sc_exp_time *e)
{
	if (!e->has_is && !e->has_min && !e->has_max)
		ERR(c, &e->loc, "a time claim wants `is`, `min` or `max`");
	if (e->has_min && e->has_max && e->min > e->max)
		ERR(c, &e->loc,
		    "nothing is done after `min` and before `max`: exchange "
		    "them");
	if (e->has_is && (e->has_min || e->has_max))
		ERR(c, &e->loc,
		    "`is` says exactly when: `min` and `max` go without it");
}

static void
check_gap(struct chk *c, const struct sc_exp_gap *e)
{
	if (!e->has_min && !e->has_max)
		ERR(c, &e->loc, "a gap claim wants `min` or `max`");
	if (e->has_min && e->has_max && e->min > e->max)
		ERR(c, &e->loc,
		    "no wait is as long as `min` and no longer than `max`: "
		    "exchange them");
}

/* --- where packets are dropped --- */

struct places {
	const char **names;
	unsigned n, size;
	struct arena *arena;
};

static void
add_place(struct places *p, const char *name)
{
	const char **more;

	if (p->n == p->size) {
		p->size = p->size != 0 ? 2 * p->size : 64;
		more = arena_alloc(p->arena, p->size * sizeof(*more));
		if (p->n > 0)
			memcpy(more, p->names, p->n * sizeof(*more));
		p->names = more;
	}
	p->names[p->n++] = name;
}

static void
add_interface(struct places *p, const struct sc_host *h,
    const struct sc_loc *name)
{
	add_place(p, name->name);
	add_place(p, arena_printf(p->arena, "%s.%s", h->loc.name, name->name));
}

static void
host_places(const struct sc_host *h, struct places *p)
{
	add_place(p, h->loc.name);
	for (unsigned i = 0; i < h->nnics; i++)
		add_interface(p, h, &h->nics[i].loc);
	for (unsigned i = 0; i < h->nlaggs; i++)
		add_interface(p, h, &h->laggs[i].loc);
	for (unsigned i = 0; i < h->nvlans; i++)
		add_interface(p, h, &h->vlans[i].loc);
}

/* Links are told by their names, and by their ends as in reports. */
static void
link_places(const struct sc_link *l, struct places *p)
{
	if (l->name != NULL)
		add_place(p, l->name);
	if (l->ends.n == 2)
		add_place(p,
		    arena_printf(p->arena, "%s - %s", l->ends.v[0],
			l->ends.v[1]));
}

static void
switch_places(const struct sc_switch *s, struct places *p)
{
	for (unsigned i = 0; i < s->ports.n; i++)
		add_place(p,
		    arena_printf(p->arena, "%s.%s", s->loc.name,
			s->ports.v[i]));
}

/* Of no place a claim would be met in silence. */
static void
check_drops_where(struct chk *c, const char *where)
{
	struct places p = { .arena = c->sc->arena };
	const char *near;

	if (where == NULL || strpbrk(where, "*?[\\") != NULL)
		return;
	for (unsigned i = 0; i < c->sc->nhosts; i++)
		host_places(&c->sc->hosts[i], &p);
	for (unsigned i = 0; i < c->sc->nlinks; i++)
		link_places(&c->sc->links[i], &p);
	for (unsigned i = 0; i < c->sc->nswitches; i++)
		switch_places(&c->sc->switches[i], &p);
	for (unsigned i = 0; i < p.n; i++)
		if (strcmp(p.names[i], where) == 0)
			return;
	near = nearest_name(where, p.names, p.n);
	ERR(c, scenario_text_at(where),
	    "nothing is dropped at `%s`: write a host, an interface, host.nic, "
	    "a link or switch.port%s%s%s",
	    where, near != NULL ? "; did you mean `" : "",
	    near != NULL ? near : "", near != NULL ? "`?" : "");
}

/* --- numbers of the report --- */

/* Behind a word: ".word", "[3]" or "[*]"; NULL: neither. */
static const char *
path_part(const char *p)
{
	size_t n;

	if (*p == '.')
		return ((n = strcspn(p + 1, ".[]")) > 0 ? p + 1 + n : NULL);
	if (strncmp(p, "[*]", 3) == 0)
		return (p + 3);
	if (*p != '[' || (n = strspn(p + 1, "0123456789")) == 0 ||
	    p[1 + n] != ']')
		return (NULL);
	return (p + n + 2);
}

static void
check_report(struct chk *c, const struct sc_exp_report *e)
{
	size_t n = strcspn(e->path, ".[]");
	const char *p = n > 0 ? e->path + n : NULL;

	check_bounds(c, &e->loc, "report", &e->bounds);
	while (p != NULL && *p != '\0')
		p = path_part(p);
	if (p == NULL)
		ERR(c, scenario_text_at(e->path),
		    "`%s` is no path of report.json: write words with dots "
		    "between them, and [NUMBER] or [*] behind a list",
		    e->path);
}

/* --- about applications --- */

static const char *
claim_app_name(const struct sc_expect *e)
{
	switch (e->kind) {
	case SC_EXP_DELIVERED:
		return (e->delivered.app);
	case SC_EXP_MODE:
		return (e->mode.app);
	case SC_EXP_TIME:
		return (e->time.app);
	case SC_EXP_ERROR:
		return (e->error.app);
	case SC_EXP_TCP_INFO:
		return (e->tcp_info.app);
	case SC_EXP_GAP:
		return (e->gap.app);
	default:
		return (NULL);
	}
}

static bool
claim_connection(const struct sc_expect *e, uint64_t *number)
{
	*number = e->kind == SC_EXP_MODE ? e->mode.connection
	    : e->kind == SC_EXP_ERROR	 ? e->error.connection
					 : e->tcp_info.connection;
	return (e->mode.has_connection || e->error.has_connection ||
	    e->tcp_info.has_connection);
}

/* Of a claim about an application: it is there, and of the right kind. */
static void
check_claim_app(struct chk *c, const struct sc_expect *e)
{
	const char *app = claim_app_name(e);
	const struct sc_app *a;
	uint64_t number;

	if (app == NULL)
		return;
	a = check_app_name(c, scenario_text_at(app), app);
	if (a != NULL && !sc_app_is_client(a->type) && e->kind != SC_EXP_MODE &&
	    e->kind != SC_EXP_ERROR && e->kind != SC_EXP_TCP_INFO)
		ERR(c, scenario_text_at(app),
		    "`%s` is a server; this claim is about a client", app);
	if (a != NULL && claim_connection(e, &number))
		check_connection(c, scenario_text_at(app), a, number);
}

static void
check_details(struct chk *c, struct sc_expect *e)
{
	switch (e->kind) {
	case SC_EXP_DELIVERED:
		check_bounds(c, &e->delivered.loc, "delivered",
		    &e->delivered.bounds);
		break;
	case SC_EXP_COUNTER:
		check_host_name(c, scenario_text_at(e->counter.host),
		    e->counter.host);
		check_bounds(c, &e->counter.loc, "counter", &e->counter.bounds);
		break;
	case SC_EXP_TIME:
		check_time(c, &e->time);
		break;
	case SC_EXP_TCP_INFO:
		check_bounds(c, &e->tcp_info.loc, "tcp_info",
		    &e->tcp_info.bounds);
		break;
	case SC_EXP_ERROR:
		if (errno_value(e->error.is) <= 0)
			ERR(c, scenario_text_at(e->error.is),
			    "`%s` is no errno: `ktls-sim list errors` has "
			    "them",
			    e->error.is);
		break;
	case SC_EXP_EVENT:
	case SC_EXP_ORDER:
		check_events(c, e);
		break;
	case SC_EXP_DROPS:
		check_bounds(c, &e->drops.loc, "drops", &e->drops.bounds);
		check_drops_where(c, e->drops.where);
		break;
	case SC_EXP_FRAMES:
		check_bounds(c, &e->frames.loc, "frames", &e->frames.bounds);
		break;
	case SC_EXP_GAP:
		check_gap(c, &e->gap);
		break;
	case SC_EXP_REPORT:
		check_report(c, &e->report);
		break;
	default:
		break;
	}
}

void
check_claim(struct chk *c, struct sc_expect *e)
{
	const struct sc_loc *locs[SC_EXP_KINDS] = { &e->delivered.loc,
		&e->counter.loc, &e->mode.loc, &e->time.loc, &e->error.loc,
		&e->tcp_info.loc, &e->event.loc, &e->order.loc, &e->drops.loc,
		&e->frames.loc, &e->gap.loc, &e->report.loc };
	unsigned n = 0;

	for (unsigned i = 0; i < SC_EXP_KINDS; i++)
		if (locs[i]->line != 0) {
			e->kind = (int)i;
			n++;
		}
	if (n != 1) {
		ERR(c, &e->loc,
		    "a claim has exactly one kind, this one has %u; "
		    "`ktls-sim explain expect` shows the kinds",
		    n);
		return;
	}
	check_instant(c, &e->loc,
	    MAX(MAX(e->counter.at, e->mode.at),
		MAX(e->tcp_info.at, e->delivered.at)));
	check_details(c, e);
	check_claim_app(c, e);
}
