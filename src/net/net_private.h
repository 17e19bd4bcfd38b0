/* What the files of src/net share: the layer's state of a host. */
#ifndef KTSIM_SRC_NET_PRIVATE_H
#define KTSIM_SRC_NET_PRIVATE_H

#include <ktsim/kern/vnet.h>
#include <ktsim/net/if_llatbl.h>
#include <ktsim/net/if_var.h>

struct rtentry {
	LIST_ENTRY(rtentry) rt_link;
	uint8_t rt_family;
	uint8_t rt_plen;
	struct in_any rt_dst; /* masked */
	struct in_any rt_gw;  /* zero: on link */
	struct ifnet *rt_ifp;
};

struct net_state {
	struct ifnethead ns_ifs;
	uint32_t ns_ifindex;   /* last one given */
	struct ifnet *ns_loif; /* lo0; NULL */
	LIST_HEAD(, rtentry) ns_routes;
	uint32_t ns_rtgen;
	LIST_HEAD(, llentry) ns_lles;
	lle_ask_fn *ns_solicit[2]; /* v4, v6 */
	lle_ask_fn *ns_announce[2];
	void (*ns_isr[NETISR_COUNT])(struct vnet *, struct mbuf *);
	uint32_t ns_tagnumber;	  /* last one given */
	uint64_t ns_num_snd_tags; /* kern.ipc.num_snd_tags */
	uint64_t ns_lagg_rx_all;  /* ...lagg.failover_rx_all */
	struct kzone ns_lagg_tags;
};

static inline bool
net_is_v6(int family)
{
	return (family == KAF_INET6);
}

/* Bits of an address of the family. */
static inline int
net_addrbits(int family)
{
	return (family == KAF_INET6 ? 128 : 32);
}

/* dst is in net/plen */
bool net_prefix_match(const struct in_any *dst, const struct in_any *net,
    int plen);
/* Forget the interface's routes. */
void route_flush_ifp(struct ifnet *);
/* Recompute a lagg's capabilities after a port's changed. */
void lagg_port_capchange(struct lagg_port *);

#endif
