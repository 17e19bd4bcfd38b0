/* From a file to its cases. */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/sim/cases.h>
#include <ktsim/sim/scenario.h>

#include "node.h"

int
scenario_cases(const char *path, const char *const *sets, struct sc_cases **out,
    struct strbuf *diag)
{
	static const char *none[1];
	struct scenario *sc;
	struct sc_cases *cs;
	int error;

	if ((error = scenario_load(path, sets, &sc, diag)) != 0)
		return (error);
	cs = xcalloc(1, sizeof(*cs));
	cs->cs_name = xstrdup(sc->name);
	if (sc->description != NULL)
		cs->cs_description = xstrdup(sc->description);
	cs->cs_tags = none;
	cs->cs_live = scenario_is_live(sc);
	cs->cs_v = xcalloc(1, sizeof(*cs->cs_v));
	cs->cs_v[0].ca_cell = xstrdup("");
	cs->cs_v[0].ca_sets = none;
	cs->cs_v[0].ca_seed = sc->seed;
	cs->cs_n = cs->cs_live ? 0 : 1;
	scenario_free(sc);
	*out = cs;
	return (0);
}

void
scenario_cases_free(struct sc_cases *cs)
{
	if (cs == NULL)
		return;
	free(cs->cs_v[0].ca_cell);
	free(cs->cs_v);
	free(cs->cs_name);
	free(cs->cs_description);
	free(cs);
}

const struct sc_case *
scenario_case(const struct sc_cases *cs, const char *cell)
{
	for (unsigned i = 0; i < cs->cs_n; i++)
		if (strcmp(cs->cs_v[i].ca_cell, cell) == 0 &&
		    cs->cs_v[i].ca_defects == NULL)
			return (&cs->cs_v[i]);
	return (NULL);
}
