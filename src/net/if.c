/*
 * Interfaces: the host's list of them, their addresses, flags and link state.
 *
 * An interface belongs to its driver, which embeds it; this file only keeps
 * it in the list and tells those concerned when something about it changes:
 * the lagg above a port, the routes, the neighbours.
 */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/net/if_vlan.h>
#include "lagg_private.h"

/* What a driver that sets nothing gets, as FreeBSD's if_attach_internal. */
#define IF_MINMTU	72 /* net/if.h */
#define IF_MAXMTU	65535
#define TSO_MAXSEGCOUNT 35
#define TSO_MAXSEGSIZE	2048
#define TSO_MAXBYTES	(32 * 2048 - 18) /* header and VLAN tag off */

void
net_attach(struct vnet *vnet)
{
	struct net_state *ns;

	ns = xcalloc(1, sizeof(*ns));
	TAILQ_INIT(&ns->ns_ifs);
	LIST_INIT(&ns->ns_routes);
	LIST_INIT(&ns->ns_lles);
	ns->ns_rtgen = 1;
	vnet->v_net = ns;
	snd_tag_wrap_attach(vnet);
	sysctl_add(vnet, "kern.ipc.num_snd_tags", &ns->ns_num_snd_tags, CTL_RD,
	    NULL, "Number of currently allocated send tags");
	sysctl_add(vnet, "net.link.lagg.failover_rx_all", &ns->ns_lagg_rx_all,
	    CTL_RW, NULL, "Accept input from any interface in a failover lagg");
}

void
net_detach(struct vnet *vnet)
{
	struct net_state *ns = vnet->v_net;

	if (ns == NULL)
		return;
	KASSERT(TAILQ_EMPTY(&ns->ns_ifs),
	    ("net_detach: interface %s lives",
		TAILQ_FIRST(&ns->ns_ifs)->if_xname));
	sysctl_remove(vnet, "kern.ipc.num_snd_tags");
	sysctl_remove(vnet, "net.link.lagg.");
	kzone_fini(&ns->ns_wrap_tags);
	vnet->v_net = NULL;
	free(ns);
}

void
if_attach(struct vnet *vnet, struct ifnet *ifp, const char *xname)
{
	struct net_state *ns = vnet->v_net;

	KASSERT(strlen(xname) < sizeof(ifp->if_xname), ("name %s", xname));
	KASSERT(if_lookup(vnet, xname) == NULL, ("if_attach: %s twice", xname));
	ifp->if_numa_domain = M_NODOM;
	ifp->if_vnet = vnet;
	if (ifp->if_xname != xname)
		snprintf(ifp->if_xname, sizeof(ifp->if_xname), "%s", xname);
	ifp->if_index = ++ns->ns_ifindex;
	if (ifp->if_mtu == 0)
		ifp->if_mtu = 1500;
	if (ifp->if_hw_tsomax == 0 && ifp->if_hw_tsomaxsegcount == 0 &&
	    ifp->if_hw_tsomaxsegsize == 0) {
		ifp->if_hw_tsomax = MIN(65535, TSO_MAXBYTES);
		ifp->if_hw_tsomaxsegcount = TSO_MAXSEGCOUNT;
		ifp->if_hw_tsomaxsegsize = TSO_MAXSEGSIZE;
	}
	if_setcap(ifp, ifp->if_capenable);
	TAILQ_INSERT_TAIL(&ns->ns_ifs, ifp, if_link);
}

void
if_detach(struct ifnet *ifp)
{
	struct net_state *ns = ifp->if_vnet->v_net;
	struct ifvlan *ifv;
	struct ifaddr *ifa;

	KASSERT(ifp->if_lagg == NULL,
	    ("if_detach: %s is a lagg port", ifp->if_xname));
	while ((ifv = LIST_FIRST(&ifp->if_vlans)) != NULL)
		vlan_unconfig(ifv);
	route_flush_ifp(ifp);
	lle_flush(ifp);
	while ((ifa = ifp->if_addrs) != NULL) {
		ifp->if_addrs = ifa->ifa_next;
		(void)route_delete(ifp->if_vnet, ifa->ifa_family,
		    &ifa->ifa_addr, net_addrbits(ifa->ifa_family));
		free(ifa);
	}
	TAILQ_REMOVE(&ns->ns_ifs, ifp, if_link);
}

struct ifnet *
if_lookup(struct vnet *vnet, const char *xname)
{
	struct ifnet *ifp;

	TAILQ_FOREACH(ifp, &vnet->v_net->ns_ifs, if_link)
		if (strcmp(ifp->if_xname, xname) == 0)
			return (ifp);
	return (NULL);
}

struct ifnet *
if_first(struct vnet *vnet)
{
	return (TAILQ_FIRST(&vnet->v_net->ns_ifs));
}

static struct ifaddr *
if_addr_find(const struct ifnet *ifp, int family, const struct in_any *addr)
{
	struct ifaddr *ifa;

	for (ifa = ifp->if_addrs; ifa != NULL; ifa = ifa->ifa_next)
		if (ifa->ifa_family == family &&
		    in_any_eq(&ifa->ifa_addr, addr))
			break;
	return (ifa);
}

int
if_addr_add(struct ifnet *ifp, int family, const struct in_any *addr, int plen)
{
	static const struct in_any onlink;
	struct ifnet *loif = ifp->if_vnet->v_net->ns_loif;
	struct ifaddr *ifa, **tail;

	if ((family != KAF_INET && family != KAF_INET6) || plen < 0 ||
	    plen > net_addrbits(family))
		return (EINVAL);
	if (if_addr_owner(ifp->if_vnet, family, addr) != NULL)
		return (EEXIST);
	ifa = xcalloc(1, sizeof(*ifa));
	ifa->ifa_family = (uint8_t)family;
	ifa->ifa_addr = *addr;
	ifa->ifa_plen = (uint8_t)plen;
	for (tail = &ifp->if_addrs; *tail != NULL; tail = &(*tail)->ifa_next)
		;
	*tail = ifa;
	/* What the host sends to itself does not leave it. */
	if (loif != NULL && loif != ifp)
		(void)route_add(ifp->if_vnet, family, addr,
		    net_addrbits(family), &onlink, loif);
	(void)route_add(ifp->if_vnet, family, addr, plen, &onlink, ifp);
	/* A second address of a prefix shares the first one's route. */
	return (0);
}

const struct ifaddr *
if_addr_first(const struct ifnet *ifp, int family)
{
	const struct ifaddr *ifa;

	for (ifa = ifp->if_addrs; ifa != NULL; ifa = ifa->ifa_next)
		if (ifa->ifa_family == family)
			break;
	return (ifa);
}

const struct ifaddr *
if_addr_host(struct vnet *vnet, int family)
{
	const struct ifaddr *ifa, *found = NULL;
	struct ifnet *ifp;

	TAILQ_FOREACH(ifp, &vnet->v_net->ns_ifs, if_link) {
		if ((ifa = if_addr_first(ifp, family)) == NULL)
			continue;
		if ((ifp->if_flags & IFF_LOOPBACK) == 0)
			return (ifa);
		found = ifa;
	}
	return (found);
}

struct ifnet *
if_addr_owner(struct vnet *vnet, int family, const struct in_any *addr)
{
	struct ifnet *ifp;

	TAILQ_FOREACH(ifp, &vnet->v_net->ns_ifs, if_link)
		if (if_addr_find(ifp, family, addr) != NULL)
			return (ifp);
	return (NULL);
}

static const char *
if_link_name(enum if_link_state state)
{
	switch (state) {
	case LINK_STATE_UP:
		return ("up");
	case LINK_STATE_DOWN:
		return ("down");
	default:
		return ("unknown");
	}
}

/*
 * A port's change concerns its lagg alone: the connections' route stays on
 * the lagg. Anybody else's may make a cached route stale. An interface that
 * comes back tells its link where its addresses are.
 */
void
if_link_state_change(struct ifnet *ifp, enum if_link_state state)
{
	enum if_link_state old = ifp->if_link_state;

	if (old == state)
		return;
	ifp->if_link_state = state;
	TRACE(&ifp->if_vnet->v_tracer, if_link, TS(ifp->if_xname),
	    TS(if_link_name(state)));
	if (ifp->if_lagg != NULL) {
		lagg_linkstate(ifp->if_lagg);
		return;
	}
	route_changed(ifp->if_vnet);
	if (old == LINK_STATE_DOWN && state == LINK_STATE_UP)
		lle_announce(ifp);
	vlan_link_state(ifp);
}

/* Another interface with an address in the prefix; NULL. */
static struct ifnet *
if_of_prefix(const struct ifnet * not, const struct ifaddr *ifa)
{
	const struct ifaddr *other;
	struct ifnet *ifp;

	TAILQ_FOREACH(ifp, &not ->if_vnet->v_net->ns_ifs, if_link) {
		if (ifp == not || (ifp->if_flags & IFF_UP) == 0 ||
		    (ifp->if_flags & IFF_LOOPBACK) != 0)
			continue;
		for (other = ifp->if_addrs; other != NULL;
		     other = other->ifa_next)
			if (other->ifa_family == ifa->ifa_family &&
			    other->ifa_plen == ifa->ifa_plen &&
			    net_prefix_match(&other->ifa_addr, &ifa->ifa_addr,
				ifa->ifa_plen))
				return (ifp);
	}
	return (NULL);
}

/* The prefix's route leaves the interface: to another one that has an address
 * in it, if there is any (in_scrubprefix, nd6_prefix_offlink). */
static void
if_prefix_leave(struct ifnet *ifp, const struct ifaddr *ifa)
{
	static const struct in_any onlink;
	struct vnet *vnet = ifp->if_vnet;
	struct ifnet *other;

	if (route_delete_ifp(vnet, ifa->ifa_family, &ifa->ifa_addr,
		ifa->ifa_plen, ifp) != 0)
		return;
	if ((other = if_of_prefix(ifp, ifa)) != NULL)
		(void)route_add(vnet, ifa->ifa_family, &ifa->ifa_addr,
		    ifa->ifa_plen, &onlink, other);
}

/* Administratively down: its routes are gone. Up: those of its addresses are
 * there again, if no other interface has them. */
static void
if_routes(struct ifnet *ifp, bool up)
{
	static const struct in_any onlink;
	const struct ifaddr *ifa;

	for (ifa = ifp->if_addrs; ifa != NULL; ifa = ifa->ifa_next)
		if (up)
			(void)route_add(ifp->if_vnet, ifa->ifa_family,
			    &ifa->ifa_addr, ifa->ifa_plen, &onlink, ifp);
		else
			if_prefix_leave(ifp, ifa);
	if (!up)
		route_flush_ifp(ifp);
	else if (ifp->if_link_state == LINK_STATE_UP)
		lle_announce(ifp);
}

int
if_setflags(struct ifnet *ifp, uint32_t flags)
{
	uint32_t was = ifp->if_flags;
	int error;

	if (flags == was)
		return (0);
	if (ifp->if_ioctl != NULL) {
		uint64_t capenable = ifp->if_capenable;

		error = ifp->if_ioctl(ifp, &capenable, flags);
		if (error != 0)
			return (error);
	}
	ifp->if_flags = flags;
	if (((was ^ flags) & IFF_UP) != 0 && (flags & IFF_LOOPBACK) == 0)
		if_routes(ifp, (flags & IFF_UP) != 0);
	if (ifp->if_lagg != NULL)
		lagg_linkstate(ifp->if_lagg);
	else
		route_changed(ifp->if_vnet);
	return (0);
}

static int
if_mtu_driver(struct ifnet *ifp, uint32_t mtu)
{
	uint32_t max;
	int error;

	if (ifp_to_vlan(ifp) == NULL)
		return (ifp->if_set_mtu != NULL ? ifp->if_set_mtu(ifp, mtu)
						: EINVAL);
	if ((error = vlan_mtu_max(ifp, &max)) != 0)
		return (error);
	return (mtu <= max ? 0 : EINVAL);
}

/* What connections know of their way's MTU is looked up again. */
int
if_setmtu(struct ifnet *ifp, uint32_t mtu)
{
	int error;

	if (mtu < IF_MINMTU || mtu > IF_MAXMTU || ifp->if_lagg != NULL)
		return (EINVAL);
	if (mtu == ifp->if_mtu)
		return (0);
	if ((error = if_mtu_driver(ifp, mtu)) != 0)
		return (error);
	ifp->if_mtu = mtu;
	route_changed(ifp->if_vnet);
	return (0);
}

/* Another address of the interface keeps the prefix's route. */
static bool
if_prefix_shared(const struct ifnet *ifp, const struct ifaddr *gone)
{
	const struct ifaddr *ifa;

	for (ifa = ifp->if_addrs; ifa != NULL; ifa = ifa->ifa_next)
		if (ifa != gone && ifa->ifa_family == gone->ifa_family &&
		    ifa->ifa_plen == gone->ifa_plen &&
		    net_prefix_match(&ifa->ifa_addr, &gone->ifa_addr,
			gone->ifa_plen))
			return (true);
	return (false);
}

int
if_addr_remove(struct ifnet *ifp, int family, const struct in_any *addr)
{
	struct ifaddr *ifa = if_addr_find(ifp, family, addr), **p;
	struct vnet *vnet = ifp->if_vnet;

	if (ifa == NULL)
		return (EADDRNOTAVAIL);
	if (!if_prefix_shared(ifp, ifa))
		if_prefix_leave(ifp, ifa);
	(void)route_delete_ifp(vnet, family, addr, net_addrbits(family),
	    vnet->v_net->ns_loif);
	for (p = &ifp->if_addrs; *p != ifa; p = &(*p)->ifa_next)
		;
	*p = ifa->ifa_next;
	free(ifa);
	return (0);
}
