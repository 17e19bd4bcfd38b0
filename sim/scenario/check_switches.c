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

static bool
is_port_of(const struct sc_host *h, const char *end)
{
	size_t len = strlen(h->loc.name);

	return (strncmp(end, h->loc.name, len) == 0 && end[len] == '.');
}

/* What is behind the host's end of this link: a set, or a single link. */
static bool
behind(struct sets *s, const struct sc_link *l, const struct sc_host *h,
    unsigned *id)
{
	int end = is_port_of(h, l->ends.v[0]) ? 0
	    : is_port_of(h, l->ends.v[1])     ? 1
					      : -1;

	if (end < 0)
		return (false);
	if (!end_set(s, l->ends.v[1 - end], id))
		*id = s->sc->nswitches + (unsigned)(l - s->sc->links);
	return (true);
}

bool
check_cabled(struct chk *c, const struct sc_host *x, const struct sc_host *y)
{
	struct sets s = { .sc = c->sc };
	const struct sc_link *l, *m;
	unsigned a, b;

	join(&s, NULL);
	for (l = c->sc->links; l < c->sc->links + c->sc->nlinks; l++) {
		if (l->ends.n != 2 || !behind(&s, l, x, &a))
			continue;
		for (m = c->sc->links; m < c->sc->links + c->sc->nlinks; m++)
			if (m->ends.n == 2 && behind(&s, m, y, &b) && a == b)
				return (true);
	}
	return (false);
}
