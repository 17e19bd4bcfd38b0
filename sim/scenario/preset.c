/*
 * What a link is when the scenario does not say: presets, the way back, and
 * switches with a number for ports. Runs before the checks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "check.h"
#include "node.h"

#define MBIT 1000000ULL
#define KIB  1024ULL

/* From the first end (the network's side) to the second, and back. */
struct way {
	uint64_t rate, queue, loss;
	simtime_t delay, jitter;
};

static const struct preset {
	struct way forth, back;
	uint64_t port_rate; /* 0: as the link */
} presets[] = {
	[SC_PRESET_DATACENTRE] = { { 100000 * MBIT, 1024 * KIB, 0, 5 * SIM_US,
				       0 },
	    { 100000 * MBIT, 1024 * KIB, 0, 5 * SIM_US, 0 }, 0 },
	[SC_PRESET_BROADBAND] = { { 100 * MBIT, 256 * KIB, 100000, 8 * SIM_MS,
				      2 * SIM_MS },
	    { 20 * MBIT, 128 * KIB, 100000, 8 * SIM_MS, 2 * SIM_MS },
	    1000 * MBIT },
	[SC_PRESET_4G] = { { 30 * MBIT, 512 * KIB, 1000000, 25 * SIM_MS,
			       15 * SIM_MS },
	    { 10 * MBIT, 256 * KIB, 1000000, 25 * SIM_MS, 15 * SIM_MS },
	    1000 * MBIT },
	[SC_PRESET_SATELLITE] = { { 25 * MBIT, 1024 * KIB, 1000000,
				      300 * SIM_MS, 10 * SIM_MS },
	    { 3 * MBIT, 256 * KIB, 1000000, 300 * SIM_MS, 10 * SIM_MS },
	    1000 * MBIT },
};

/* What the link says itself stays; back first, it asks what was given. */
static void
link_complete(struct sc_link *l)
{
	const struct preset *p =
	    l->preset != SC_PRESET_NONE ? &presets[l->preset] : NULL;
	struct sc_back *b = &l->back;

#define COMPLETE(key)                         \
	if (p != NULL && !l->has_##key) {     \
		l->key = p->forth.key;        \
		if (!b->has_##key)            \
			b->key = p->back.key; \
	} else if (!b->has_##key)             \
	b->key = l->key

	COMPLETE(rate);
	COMPLETE(queue);
	COMPLETE(loss);
	COMPLETE(delay);
	COMPLETE(jitter);
#undef COMPLETE
	if (p != NULL)
		l->port_rate = p->port_rate;
}

#define PORTS_MAX 256

/* `ports: 4` stands for [1, 2, 3, 4]. */
static void
switch_complete(struct arena *a, struct sc_switch *sw)
{
	struct sc_loc at;
	uint64_t n;
	char name[8];

	if (sw->ports.n != 1 || parse_uint(sw->ports.v[0], &n) != 0 || n == 0 ||
	    n > PORTS_MAX)
		return;
	at = sw->ports.loc[0];
	sw->ports.v = arena_alloc(a, n * sizeof(*sw->ports.v));
	sw->ports.loc = arena_alloc(a, n * sizeof(*sw->ports.loc));
	for (sw->ports.n = 0; sw->ports.n < n; sw->ports.n++) {
		snprintf(name, sizeof(name), "%u", sw->ports.n + 1);
		sw->ports.v[sw->ports.n] = arena_strdup(a, name);
		sw->ports.loc[sw->ports.n] = at;
	}
}

void
scenario_complete(struct scenario *sc)
{
	for (unsigned i = 0; i < sc->nlinks; i++)
		link_complete(&sc->links[i]);
	for (unsigned i = 0; i < sc->nswitches; i++)
		switch_complete(sc->arena, &sc->switches[i]);
}

const struct sc_link *
scenario_link(const struct scenario *sc, const char *name)
{
	const struct sc_link *l;

	for (l = sc->links; l < sc->links + sc->nlinks; l++) {
		if (l->name != NULL && strcmp(l->name, name) == 0)
			return (l);
		for (unsigned j = 0; j < l->ends.n; j++)
			if (strcmp(l->ends.v[j], name) == 0)
				return (l);
	}
	return (NULL);
}

const struct sc_switch *
scenario_switch_port(const struct scenario *sc, const char *name,
    unsigned *port)
{
	const struct sc_switch *sw;
	size_t len = strcspn(name, ".");

	for (sw = sc->switches; sw < sc->switches + sc->nswitches; sw++) {
		if (strlen(sw->loc.name) != len ||
		    memcmp(sw->loc.name, name, len) != 0 || name[len] != '.')
			continue;
		for (unsigned i = 0; i < sw->ports.n; i++)
			if (strcmp(sw->ports.v[i], name + len + 1) == 0) {
				*port = i;
				return (sw);
			}
	}
	return (NULL);
}
