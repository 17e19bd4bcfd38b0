/*
 * ifconfig(8) and route(8) of a host: each word is an ioctl or a routing
 * message, carried out in turn until the kernel refuses one. What is told of a
 * refusal is the name that the command itself would print.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/net/if_llatbl.h>
#include <ktsim/net/if_vlan.h>

#include "world_priv.h"

/* "host.interface" was checked. */
static struct ifnet *
step_ifp(struct world *w, const char *on, struct whost **hp)
{
	const char *dot = strchr(on, '.');

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		const char *name = w->w_sc->hosts[i].loc.name;

		if (strlen(name) == (size_t)(dot - on) &&
		    memcmp(name, on, (size_t)(dot - on)) == 0) {
			*hp = &w->w_hosts[i];
			return (if_lookup((*hp)->h_vnet, dot + 1));
		}
	}
	return (NULL);
}

/* --- lagg --- */

static void
ifc_lagg_switch(struct lagg_opts *lo, const char *name, bool on)
{
	if (strcmp(name, "use_flowid") == 0)
		lo->use_flowid = on;
	else if (strcmp(name, "use_numa") == 0)
		lo->use_numa = on;
	else if (strcmp(name, "lacp_strict") == 0)
		lo->lacp_strict = on;
	else
		lo->lacp_fast_timeout = on;
}

static int
ifc_lagg_opts(struct ifnet *ifp, const struct sc_ifconfig *ic)
{
	struct lagg_softc *sc = ifp_to_lagg(ifp);
	struct lagg_opts lo = *lagg_opts(sc);

	switch (ic->ic_word) {
	case SC_IFC_LAGGHASH:
		lo.hash_layers = (uint32_t)ic->ic_number;
		break;
	case SC_IFC_FLOWID_SHIFT:
		lo.flowid_shift = (uint32_t)ic->ic_number;
		break;
	case SC_IFC_RR_LIMIT:
		lo.rr_limit = (uint32_t)ic->ic_number;
		break;
	default:
		ifc_lagg_switch(&lo, ic->ic_name, !ic->ic_minus);
		break;
	}
	return (lagg_setopts(sc, &lo));
}

static int
ifc_lagg(struct ifnet *ifp, const struct sc_ifconfig *ic, const char **call)
{
	struct lagg_softc *sc = ifp_to_lagg(ifp);
	struct ifnet *port;

	switch (ic->ic_word) {
	case SC_IFC_LAGGPROTO:
		*call = "SIOCSLAGG";
		return (lagg_setproto(sc, ic->ic_arg));
	case SC_IFC_LAGGPORT:
		*call = ic->ic_minus ? "SIOCSLAGGDELPORT" : "SIOCSLAGGPORT";
		port = if_lookup(ifp->if_vnet, ic->ic_arg);
		return (ic->ic_minus ? lagg_delport(sc, port)
				     : lagg_addport(sc, port));
	case SC_IFC_LAGGHASH:
		*call = "SIOCSLAGGHASH";
		return (ifc_lagg_opts(ifp, ic));
	default:
		*call = "SIOCSLAGGOPTS";
		return (ifc_lagg_opts(ifp, ic));
	}
}

/* --- vlan --- */

static int
ifc_vlan(struct ifnet *ifp, const struct sc_ifconfig *ic)
{
	struct ifvlan *ifv = ifp_to_vlan(ifp);

	if (ic->ic_word == SC_IFC_NO_VLAN) {
		vlan_unconfig(ifv);
		return (0);
	}
	return (vlan_config(ifv, if_lookup(ifp->if_vnet, ic->ic_arg),
	    (unsigned)MIN(ic->ic_number, 0xffffu)));
}

/* --- any interface --- */

static int
ifc_cap(struct ifnet *ifp, const struct sc_ifconfig *ic)
{
	uint64_t bits = if_capbyname(ic->ic_name);

	/* ifconfig asks for what is there of a pair. */
	if ((bits & ifp->if_capabilities) != 0)
		bits &= ifp->if_capabilities;
	return (if_setcap(ifp,
	    ic->ic_minus ? ifp->if_capenable & ~bits
			 : ifp->if_capenable | bits));
}

static int
ifc_addr(struct ifnet *ifp, const struct sc_ifconfig *ic)
{
	int error;

	if (ic->ic_minus)
		return (if_addr_remove(ifp, ic->ic_family, &ic->ic_addr));
	error = if_setflags(ifp, ifp->if_flags | IFF_UP);
	if (error == 0)
		error =
		    if_addr_add(ifp, ic->ic_family, &ic->ic_addr, ic->ic_plen);
	/* Those on the link learn where the address is now. */
	if (error == 0 && ifp->if_link_state == LINK_STATE_UP)
		lle_announce(ifp);
	return (error);
}

static int
ifc_word(struct ifnet *ifp, const struct sc_ifconfig *ic, const char **call)
{
	switch (ic->ic_word) {
	case SC_IFC_UP:
	case SC_IFC_DOWN:
		*call = "SIOCSIFFLAGS";
		return (if_setflags(ifp,
		    ic->ic_word == SC_IFC_UP
			? ifp->if_flags | IFF_UP
			: ifp->if_flags & ~(uint32_t)IFF_UP));
	case SC_IFC_CAP:
		*call = "SIOCSIFCAP";
		return (ifc_cap(ifp, ic));
	case SC_IFC_MTU:
		*call = "SIOCSIFMTU";
		return (if_setmtu(ifp, (uint32_t)ic->ic_number));
	case SC_IFC_VLAN:
	case SC_IFC_NO_VLAN:
		*call = "SIOCSETVLAN";
		return (ifc_vlan(ifp, ic));
	case SC_IFC_ADDR:
		*call = ic->ic_minus ? "SIOCDIFADDR" : "SIOCAIFADDR";
		return (ifc_addr(ifp, ic));
	default:
		return (ifc_lagg(ifp, ic, call));
	}
}

int
world_ifconfig(struct world *w, const struct sc_step *st, const char **call)
{
	struct whost *h;
	struct ifnet *ifp = step_ifp(w, st->on, &h);
	int error = 0;

	KASSERT(ifp != NULL, ("no interface %s", st->on));
	for (unsigned i = 0; i < st->nifc && error == 0; i++)
		error = ifc_word(ifp, &st->ifc[i], call);
	return (error);
}

/* --- route --- */

static struct ifnet *
route_ifp(struct vnet *vnet, const struct sc_route *rc, int *error)
{
	struct nhop nh;

	if (rc->rc_ifname != NULL)
		return (if_lookup(vnet, rc->rc_ifname));
	*error = route_lookup(vnet, rc->rc_family, &rc->rc_gw, &nh);
	if (*error != 0)
		*error = ENETUNREACH;
	return (*error == 0 ? nh.nh_ifp : NULL);
}

int
world_route(struct world *w, const struct sc_step *st, const char **call)
{
	static const char *const calls[] = { "route add", "route delete",
		"route change" };
	struct vnet *vnet = world_host(w, st->on)->h_vnet;
	const struct sc_route *rc = &st->route;
	struct ifnet *ifp;
	int error = 0;

	*call = calls[rc->rc_verb];
	if (rc->rc_verb == SC_ROUTE_DELETE)
		return (route_delete(vnet, rc->rc_family, &rc->rc_dst,
		    rc->rc_plen));
	if ((ifp = route_ifp(vnet, rc, &error)) == NULL)
		return (error);
	/* A change of what is not there is refused, and adds nothing. */
	if (rc->rc_verb == SC_ROUTE_CHANGE &&
	    (error = route_delete(vnet, rc->rc_family, &rc->rc_dst,
		 rc->rc_plen)) != 0)
		return (error);
	return (route_add(vnet, rc->rc_family, &rc->rc_dst, rc->rc_plen,
	    &rc->rc_gw, ifp));
}

/* --- what they leave --- */

static bool
lagg_had_port(const struct sc_host *h, const char *port)
{
	for (unsigned i = 0; i < h->nlaggs; i++)
		for (unsigned j = 0; j < h->laggs[i].ports.n; j++)
			if (strcmp(h->laggs[i].ports.v[j], port) == 0)
				return (true);
	return (false);
}

/* A command took a port away whose link stays: a partner that does not speak
 * LACP goes on sending to it. */
static bool
card_is_deaf(const struct sc_host *h, const struct ifnet *ifp)
{
	if (ifp->if_link_state != LINK_STATE_UP)
		return (false);
	return (ifp->if_lagg != NULL ? (ifp->if_flags & IFF_UP) == 0
				     : lagg_had_port(h, ifp->if_xname));
}

static bool
cidr_is_gone(struct vnet *vnet, const char *cidr)
{
	struct in_any addr;
	struct ifnet *ifp;
	int family, plen;

	if (parse_cidr(cidr, &family, &addr, &plen) != 0)
		return (false);
	ifp = if_addr_owner(vnet, family, &addr);
	return (ifp == NULL || (ifp->if_flags & IFF_UP) == 0);
}

/* An address that the scenario gave: others still send to it. */
static bool
host_is_gone(const struct whost *h)
{
	const struct sc_addrs *sa;

	for (sa = h->h_sc->addrs; sa < h->h_sc->addrs + h->h_sc->naddrs; sa++)
		for (unsigned i = 0; i < sa->cidr.n; i++)
			if (cidr_is_gone(h->h_vnet, sa->cidr.v[i]))
				return (true);
	return (false);
}

bool
commands_black_hole(const struct world *w)
{
	const struct whost *h;

	for (h = w->w_hosts; h < w->w_hosts + w->w_sc->nhosts; h++) {
		if (host_is_gone(h))
			return (true);
		for (unsigned j = 0; j < h->h_sc->nnics; j++)
			if (card_is_deaf(h->h_sc, &h->h_nics[j]->n_if))
				return (true);
	}
	return (false);
}
