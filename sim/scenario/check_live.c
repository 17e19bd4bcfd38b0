/* Live scenarios: links that end at a device of this machine. */
#include <ctype.h>
#include <string.h>

#include <ktsim/sim/scenario.h>

#include "check.h"
#include "node.h"

const char *
scenario_device(const char *end)
{
	return (strncmp(end, "tap:", 4) == 0	? end + 4
		: strncmp(end, "veth:", 5) == 0 ? end + 5
						: NULL);
}

bool
scenario_is_live(const struct scenario *sc)
{
	for (unsigned i = 0; i < sc->nlinks; i++)
		for (unsigned j = 0; j < sc->links[i].ends.n; j++)
			if (scenario_device(sc->links[i].ends.v[j]) != NULL)
				return (true);
	return (false);
}

/* Linux takes more in a name; nobody wants to quote it. */
static void
check_device_name(struct diag *d, const struct sc_loc *loc, const char *end)
{
	const char *name = scenario_device(end);
	size_t i;

	for (i = 0; name[i] != '\0'; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    strchr("-_.", name[i]) == NULL)
			break;
	if (i == 0 || name[i] != '\0' || i > 15 || strspn(name, ".") == i)
		diag_error(d, loc,
		    "`%s` does not name a device: 1 to 15 letters, digits, -, "
		    "_ and . behind the colon, such as tap:ktls0",
		    end);
}

void
check_device(struct diag *d, const struct scenario *sc,
    const struct sc_link *link, unsigned j)
{
	const struct sc_strlist *o;

	check_device_name(d, &link->ends.loc[j], link->ends.v[j]);
	if (j == 1 && scenario_device(link->ends.v[0]) != NULL)
		diag_error(d, &link->loc,
		    "both ends of this link are devices of this machine: one "
		    "is a simulated card, host.nic");
	for (const struct sc_link *l = sc->links; l <= link; l++) {
		o = &l->ends;
		for (unsigned k = 0; k < o->n && (l < link || k < j); k++)
			if (scenario_device(o->v[k]) != NULL &&
			    strcmp(scenario_device(o->v[k]),
				scenario_device(link->ends.v[j])) == 0)
				diag_error(d, &link->ends.loc[j],
				    "device `%s` has a link already",
				    scenario_device(o->v[k]));
	}
}
