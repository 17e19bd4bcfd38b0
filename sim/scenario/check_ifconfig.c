/* Steps of a timeline that are commands of a host: ifconfig, route. */
#include <string.h>

#include <ktsim/base/kassert.h>

#include "addr.h"
#include "check.h"
#include "node.h"

/* "host.interface": the host, and where the interface's name begins. */
static struct sc_host *
on_interface(struct chk *c, const struct sc_step *st, const char **ifname)
{
	const struct sc_loc *loc = scenario_text_at(st->on);
	const char *dot = strchr(st->on, '.');
	struct sc_host *h;

	*ifname = dot != NULL ? dot + 1 : st->on;
	if (dot == NULL) {
		ERR(c, loc,
		    "`%s`: name an interface as host.interface, such as "
		    "server.lagg0",
		    st->on);
		return (NULL);
	}
	h = check_host_name(c, loc,
	    arena_printf(c->sc->arena, "%.*s", (int)(dot - st->on), st->on));
	if (h != NULL && !check_is_ifname(h, *ifname)) {
		ERR(c, loc, "host `%s` has no interface `%s`%s", h->loc.name,
		    *ifname, HINT(c, *ifname, h->nics, h->nnics));
		return (NULL);
	}
	return (h);
}

bool
scenario_has_interface(const struct scenario *sc, const char *name)
{
	const struct sc_host *h;
	size_t len;

	for (h = sc->hosts; h < sc->hosts + sc->nhosts; h++) {
		len = strlen(h->loc.name);
		if (strncmp(name, h->loc.name, len) != 0)
			continue;
		if (name[len] == '\0')
			return (true);
		if (name[len] == '.' &&
		    (check_is_ifname(h, name + len + 1) ||
			strcmp(name + len + 1, "lo0") == 0))
			return (true);
	}
	return (false);
}

static void
check_ifc_word(struct chk *c, const struct sc_loc *loc, struct sc_host *h,
    const char *ifname, const struct sc_ifconfig *ic)
{
	const char *why;

	switch (ic->ic_word) {
	case SC_IFC_LAGGPORT:
		if (check_find_nic(h, ic->ic_arg) == NULL)
			ERR(c, loc, "host `%s` has no card `%s`%s", h->loc.name,
			    ic->ic_arg, HINT(c, ic->ic_arg, h->nics, h->nnics));
		/* FALLTHROUGH */
	case SC_IFC_LAGGPROTO:
	case SC_IFC_LAGGHASH:
	case SC_IFC_LAGGOPT:
	case SC_IFC_FLOWID_SHIFT:
	case SC_IFC_RR_LIMIT:
		if (!check_is_lagg(h, ifname))
			ERR(c, loc, "`%s` is no lagg", ifname);
		break;
	case SC_IFC_VLAN:
		if (!check_is_ifname(h, ic->ic_arg))
			ERR(c, loc, "host `%s` has no interface `%s`",
			    h->loc.name, ic->ic_arg);
		/* FALLTHROUGH */
	case SC_IFC_NO_VLAN:
		if (!check_is_vlan(h, ifname))
			ERR(c, loc, "`%s` is no vlan", ifname);
		break;
	case SC_IFC_ADDR:
		why = addr_unusable(ic->ic_family, &ic->ic_addr, ic->ic_plen);
		if (why != NULL)
			ERR(c, loc, "the address of `inet` %s", why);
		break;
	default:
		break;
	}
}

void
check_ifconfig(struct chk *c, struct sc_step *st)
{
	const char *ifname, *why, *where;
	const struct sc_loc *loc;
	struct sc_host *h = on_interface(c, st, &ifname);

	if (st->args == NULL) {
		ERR(c, &st->loc,
		    "an ifconfig step wants `args`: what one would type behind "
		    "`ifconfig %s`",
		    ifname);
		return;
	}
	loc = scenario_text_at(st->args);
	if (scenario_ifconfig(st->args, c->sc->arena, &st->ifc, &st->nifc, &why,
		&where) != 0)
		ERR(c, loc,
		    *where != '\0' ? "ifconfig, at `%s`: %s" : "ifconfig%s: %s",
		    where, why);
	else
		for (unsigned i = 0; h != NULL && i < st->nifc; i++)
			check_ifc_word(c, loc, h, ifname, &st->ifc[i]);
}

void
check_route(struct chk *c, struct sc_step *st)
{
	const char *why, *where;
	const struct sc_loc *loc;
	struct sc_host *h;

	if (st->args == NULL) {
		ERR(c, &st->loc,
		    "a route step wants `args`: what one would type behind "
		    "`route`, such as `change 10.0.0.0/24 -interface mce1`");
		return;
	}
	loc = scenario_text_at(st->args);
	if (scenario_route(st->args, c->sc->arena, &st->route, &why, &where) !=
	    0) {
		ERR(c, loc,
		    *where != '\0' ? "route, at `%s`: %s" : "route%s: %s",
		    where, why);
		return;
	}
	for (unsigned i = 0; i < c->sc->nhosts; i++) {
		h = &c->sc->hosts[i];
		if (strcmp(h->loc.name, st->on) == 0 &&
		    st->route.rc_ifname != NULL &&
		    !check_is_ifname(h, st->route.rc_ifname))
			ERR(c, loc, "host `%s` has no interface `%s`%s",
			    h->loc.name, st->route.rc_ifname,
			    HINT(c, st->route.rc_ifname, h->nics, h->nnics));
	}
}
