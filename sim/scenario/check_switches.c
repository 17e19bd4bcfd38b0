/*
 * Switches, and who can reach whom over cables. Everything that frames can
 * get to without a host in between is one segment: sets of switches that are
 * joined as links are looked at; a link within one set is a loop.
 */
#include <string.h>

#include "check.h"
#include "node.h"

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
