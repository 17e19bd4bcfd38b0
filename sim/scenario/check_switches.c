/*
 * Switches, and who can reach whom over cables. Everything that frames can
 * get to without a host in between is one segment: sets of switches that are
 * joined as links are looked at; a link within one set is a loop.
 */
#include <string.h>

#include "check.h"
#include "node.h"

/* The lagg of the switch that has this port; NULL. */
static const struct sc_switch_lagg *
lagg_of(const struct sc_switch *sw, const char *port)
{
	const struct sc_switch_lagg *g;

	for (g = sw->laggs; g < sw->laggs + sw->nlaggs; g++)
		for (unsigned i = 0; i < g->ports.n; i++)
			if (strcmp(g->ports.v[i], port) == 0)
				return (g);
	return (NULL);
}

static void
check_lagg_port(struct chk *c, const struct sc_switch *sw,
    const struct sc_switch_lagg *g, unsigned i)
{
	const char *name = g->ports.v[i];
	bool found = false;

	for (unsigned j = 0; j < sw->ports.n; j++)
		found |= strcmp(sw->ports.v[j], name) == 0;
	if (!found)
		ERR(c, &g->ports.loc[i], "switch `%s` has no port `%s`",
		    sw->loc.name, name);
	found = lagg_of(sw, name) != g;
	for (unsigned j = 0; j < i; j++)
		found |= strcmp(g->ports.v[j], name) == 0;
	if (found)
		ERR(c, &g->ports.loc[i],
		    "port `%s` of switch `%s` is in a lagg already", name,
		    sw->loc.name);
}

static void
check_switch_laggs(struct chk *c, const struct sc_switch *sw)
{
	const struct sc_switch_lagg *g;

	for (g = sw->laggs; g < sw->laggs + sw->nlaggs; g++) {
		check_word(c, &g->loc, g->loc.name, "lagg name", 15);
		if (g->ports.n == 0 || g->ports.n > SC_SWITCH_LAGG_PORTS)
			ERR(c, &g->loc,
			    "lagg `%s` wants 1 to %d ports of switch `%s`",
			    g->loc.name, SC_SWITCH_LAGG_PORTS, sw->loc.name);
		for (unsigned i = 0; i < g->ports.n; i++)
			check_lagg_port(c, sw, g, i);
	}
}

static void
check_switch(struct chk *c, struct sc_switch *sw)
{
	check_word(c, &sw->loc, sw->loc.name, "switch name", 31);
	for (unsigned i = 0; i < c->sc->nhosts; i++)
		if (strcmp(c->sc->hosts[i].loc.name, sw->loc.name) == 0)
			ERR(c, &sw->loc,
			    "there is a host `%s`: give the switch another name",
			    sw->loc.name);
	if (sw->ports.n < 2)
		ERR(c, &sw->loc,
		    "switch `%s` wants two ports or more: `ports: [a, b]`, or a "
		    "number up to 256",
		    sw->loc.name);
	for (unsigned i = 0; i < sw->ports.n; i++) {
		check_word(c, &sw->ports.loc[i], sw->ports.v[i], "port name",
		    15);
		for (unsigned j = 0; j < i; j++)
			if (strcmp(sw->ports.v[i], sw->ports.v[j]) == 0)
				ERR(c, &sw->ports.loc[i],
				    "switch `%s` has a port `%s` already",
				    sw->loc.name, sw->ports.v[i]);
	}
	check_switch_laggs(c, sw);
}

/* Sets of switches: each points to another of its set, or to itself. */
struct sets {
	const struct scenario *sc;
	unsigned *of;
};

static unsigned
set_of(struct sets *s, unsigned i)
{
	while (s->of[i] != i)
		i = s->of[i];
	return (i);
}

/* The set at an end of a link; false: a host stands there. */
static bool
end_set(struct sets *s, const char *end, unsigned *set)
{
	const struct sc_switch *sw;
	unsigned port;

	if ((sw = scenario_switch_port(s->sc, end, &port)) == NULL)
		return (false);
	*set = set_of(s, (unsigned)(sw - s->sc->switches));
	return (true);
}

static const struct sc_switch_lagg *
end_lagg(const struct scenario *sc, const char *end)
{
	const struct sc_switch *sw;
	unsigned port;

	sw = scenario_switch_port(sc, end, &port);
	return (sw != NULL ? lagg_of(sw, sw->ports.v[port]) : NULL);
}

/* Do the links join the same two laggs of switches? Then they are one. */
static bool
same_laggs(const struct scenario *sc, const struct sc_link *l,
    const struct sc_link *m)
{
	const struct sc_switch_lagg *a = end_lagg(sc, l->ends.v[0]);
	const struct sc_switch_lagg *b = end_lagg(sc, l->ends.v[1]);
	const struct sc_switch_lagg *x, *y;

	if (a == NULL || b == NULL || a == b || m->ends.n != 2)
		return (false);
	x = end_lagg(sc, m->ends.v[0]);
	y = end_lagg(sc, m->ends.v[1]);
	return ((a == x && b == y) || (a == y && b == x));
}

static bool
is_parallel(const struct scenario *sc, const struct sc_link *l)
{
	const struct sc_link *m;

	for (m = sc->links; m < l; m++)
		if (same_laggs(sc, l, m))
			return (true);
	return (false);
}

/* NULL chk: without a word. */
static void
join(struct sets *s, struct chk *c)
{
	const struct sc_link *l;
	unsigned a, b;

	s->of =
	    arena_alloc(s->sc->arena, (s->sc->nswitches + 1) * sizeof(*s->of));
	for (unsigned i = 0; i < s->sc->nswitches; i++)
		s->of[i] = i;
	for (l = s->sc->links; l < s->sc->links + s->sc->nlinks; l++) {
		if (l->ends.n != 2 || !end_set(s, l->ends.v[0], &a) ||
		    !end_set(s, l->ends.v[1], &b))
			continue;
		if (is_parallel(s->sc, l))
			continue;
		if (a == b && c != NULL)
			ERR(c, &l->loc,
			    "this link closes a loop of switches: frames would "
			    "go round for ever, there is no spanning tree");
		s->of[a] = b;
	}
}

void
check_switches(struct chk *c)
{
	struct sets s = { .sc = c->sc };

	for (unsigned i = 0; i < c->sc->nswitches; i++)
		check_switch(c, &c->sc->switches[i]);
	join(&s, c);
}

/* --- who is joined to whom --- */

/* One end of a link at a host: which, and the segment it is in (a set of
 * switches, or the link alone). */
struct leg {
	const struct sc_host *host;
	unsigned segment;
};

struct cabling {
	struct leg *legs;
	unsigned n;
};

static const struct sc_host *
host_at(const struct scenario *sc, const char *end)
{
	size_t len = strcspn(end, ".");

	for (unsigned i = 0; i < sc->nhosts; i++)
		if (strlen(sc->hosts[i].loc.name) == len &&
		    memcmp(sc->hosts[i].loc.name, end, len) == 0)
			return (&sc->hosts[i]);
	return (NULL);
}

/* Made once, for all clients. */
static void
cabling_make(struct chk *c)
{
	const struct scenario *sc = c->sc;
	struct cabling *cb = arena_alloc(sc->arena, sizeof(*cb));
	struct sets s = { .sc = sc };
	const struct sc_link *l;
	unsigned set;

	join(&s, NULL);
	cb->legs =
	    arena_alloc(sc->arena, (2 * sc->nlinks + 1) * sizeof(*cb->legs));
	for (l = sc->links; l < sc->links + sc->nlinks; l++)
		for (unsigned end = 0; end < 2; end++) {
			if (!end_set(&s, l->ends.v[1 - end], &set))
				set = sc->nswitches + (unsigned)(l - sc->links);
			cb->legs[cb->n++] =
			    (struct leg) { host_at(sc, l->ends.v[end]), set };
		}
	c->cabling = cb;
}

bool
check_cabled(struct chk *c, const struct sc_host *x, const struct sc_host *y)
{
	const struct cabling *cb;
	const struct leg *a, *b;

	if (c->cabling == NULL)
		cabling_make(c);
	cb = c->cabling;
	for (a = cb->legs; a < cb->legs + cb->n; a++) {
		if (a->host != x)
			continue;
		for (b = cb->legs; b < cb->legs + cb->n; b++)
			if (b->host == y && b->segment == a->segment)
				return (true);
	}
	return (false);
}
