/*
 * Routes: a list searched for the longest prefix. Hosts of the laboratory
 * have a handful, and connections cache the answer together with the
 * generation it was true for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "net_private.h"

bool
net_prefix_match(const struct in_any *dst, const struct in_any *net, int plen)
{
	int bytes = plen / 8, bits = plen % 8;
	uint8_t mask;

	if (memcmp(dst->a, net->a, (size_t)bytes) != 0)
		return (false);
	if (bits == 0)
		return (true);
	mask = (uint8_t)(0xff << (8 - bits));
	return (((dst->a[bytes] ^ net->a[bytes]) & mask) == 0);
}

static void
net_prefix_mask(struct in_any *addr, int plen)
{
	for (int i = 0; i < 16; i++) {
		int bits = plen - 8 * i;

		if (bits <= 0)
			addr->a[i] = 0;
		else if (bits < 8)
			addr->a[i] &= (uint8_t)(0xff << (8 - bits));
	}
}

static struct rtentry *
route_find(struct net_state *ns, int family, const struct in_any *dst, int plen)
{
	struct rtentry *rt;

	LIST_FOREACH(rt, &ns->ns_routes, rt_link)
		if (rt->rt_family == family && rt->rt_plen == plen &&
		    in_any_eq(&rt->rt_dst, dst))
			break;
	return (rt);
}

int
route_add(struct vnet *vnet, int family, const struct in_any *dst, int plen,
    const struct in_any *gw, struct ifnet *ifp)
{
	struct net_state *ns = vnet->v_net;
	struct in_any net = *dst;
	struct rtentry *rt;

	KASSERT(plen >= 0 && plen <= net_addrbits(family), ("plen %d", plen));
	net_prefix_mask(&net, plen);
	if (route_find(ns, family, &net, plen) != NULL)
		return (EEXIST);
	rt = xcalloc(1, sizeof(*rt));
	rt->rt_family = (uint8_t)family;
	rt->rt_plen = (uint8_t)plen;
	rt->rt_dst = net;
	if (gw != NULL)
		rt->rt_gw = *gw;
	rt->rt_ifp = ifp;
	LIST_INSERT_HEAD(&ns->ns_routes, rt, rt_link);
	route_changed(vnet);
	return (0);
}

int
route_delete_ifp(struct vnet *vnet, int family, const struct in_any *dst,
    int plen, const struct ifnet *ifp)
{
	struct in_any net = *dst;
	struct rtentry *rt;

	net_prefix_mask(&net, plen);
	rt = route_find(vnet->v_net, family, &net, plen);
	if (rt == NULL || (ifp != NULL && rt->rt_ifp != ifp))
		return (ESRCH);
	LIST_REMOVE(rt, rt_link);
	free(rt);
	route_changed(vnet);
	return (0);
}

int
route_delete(struct vnet *vnet, int family, const struct in_any *dst, int plen)
{
	return (route_delete_ifp(vnet, family, dst, plen, NULL));
}

void
route_flush_ifp(struct ifnet *ifp)
{
	struct rtentry *rt, *next;

	LIST_FOREACH_SAFE(rt, &ifp->if_vnet->v_net->ns_routes, rt_link, next) {
		if (rt->rt_ifp != ifp)
			continue;
		LIST_REMOVE(rt, rt_link);
		free(rt);
	}
	route_changed(ifp->if_vnet);
}

/* The interface's address in the next hop's prefix, else its first one. */
static void
route_source(const struct ifnet *ifp, int family, const struct in_any *hop,
    struct in_any *src)
{
	const struct ifaddr *ifa;

	for (ifa = ifp->if_addrs; ifa != NULL; ifa = ifa->ifa_next)
		if (ifa->ifa_family == family &&
		    net_prefix_match(hop, &ifa->ifa_addr, ifa->ifa_plen))
			break;
	if (ifa == NULL)
		ifa = if_addr_first(ifp, family);
	if (ifa != NULL)
		*src = ifa->ifa_addr;
}

int
route_lookup(struct vnet *vnet, int family, const struct in_any *dst,
    struct nhop *nh)
{
	struct net_state *ns = vnet->v_net;
	struct rtentry *rt, *best = NULL;

	LIST_FOREACH(rt, &ns->ns_routes, rt_link)
		if (rt->rt_family == family &&
		    net_prefix_match(dst, &rt->rt_dst, rt->rt_plen) &&
		    (best == NULL || rt->rt_plen > best->rt_plen))
			best = rt;
	if (best == NULL)
		return (EHOSTUNREACH);
	memset(nh, 0, sizeof(*nh));
	nh->nh_ifp = best->rt_ifp;
	nh->nh_gw.sa_family = (uint8_t)family;
	nh->nh_gw.sa_addr = in_any_zero(&best->rt_gw) ? *dst : best->rt_gw;
	/* To itself a host speaks from the address it is spoken to at. */
	if ((best->rt_ifp->if_flags & IFF_LOOPBACK) != 0 &&
	    if_addr_owner(vnet, family, dst) != NULL)
		nh->nh_src = *dst;
	else
		route_source(best->rt_ifp, family, &nh->nh_gw.sa_addr,
		    &nh->nh_src);
	nh->nh_mtu = best->rt_ifp->if_mtu;
	nh->nh_gen = ns->ns_rtgen;
	return (0);
}

uint32_t
route_generation(const struct vnet *vnet)
{
	return (vnet->v_net->ns_rtgen);
}

void
route_changed(struct vnet *vnet)
{
	vnet->v_net->ns_rtgen++;
}
