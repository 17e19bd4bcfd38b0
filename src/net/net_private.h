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
	struct kzone ns_wrap_tags;
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
/* The route of this prefix, if it leads by this interface. ESRCH. */
int route_delete_ifp(struct vnet *, int family, const struct in_any *dst,
    int plen, const struct ifnet *);
/* Forget the interface's routes. */
void route_flush_ifp(struct ifnet *);

/* --- if_snd_tag.c: tags that wrap the lower interface's --- */
void snd_tag_wrap_attach(struct vnet *);
/* The lower interface's tag itself, told to the trace as `whose`. */
int snd_tag_lower(struct ifnet *lower, const struct if_snd_tag_alloc_params *,
    const char *whose, struct m_snd_tag **);
/*
 * ifp's tag around one of `lower`. EOPNOTSUPP: a type that is not wrapped;
 * ENOMEM: no memory for the wrapper; EINPROGRESS: params->wait is told later;
 * else the lower interface's errno.
 */
int snd_tag_wrap(struct ifnet *ifp, struct ifnet *lower,
    const struct if_snd_tag_alloc_params *, const char *whose,
    struct m_snd_tag **);
/* The packet has ifp's tag and goes to `lower`: now it has the one inside.
 * EAGAIN: that is another interface's; nothing changed. */
int snd_tag_unwrap(struct mbuf *, const struct ifnet *ifp,
    const struct ifnet *lower);

/* --- if_vlan.c: a parent tells its vlans --- */
void vlan_link_state(struct ifnet *parent);
void vlan_trunk_capabilities(struct ifnet *parent);
void vlan_lladdr(struct ifnet *parent);
/* All their addresses, to the link. */
void vlan_announce(struct ifnet *parent);
/* A frame with a VLAN tag: goes to the vlan of it, or is dropped (NULL); is
 * the parent's own, now without the tag. */
struct mbuf *vlan_input(struct ifnet *parent, struct mbuf *);
/* The largest MTU that a vlan may have. EINVAL: no parent. */
int vlan_mtu_max(const struct ifnet *, uint32_t *max);

/* A lagg's MTU is that of all its ports; an errno: it stays on all. */
int lagg_setmtu(struct ifnet *, uint32_t mtu);
/* Recompute a lagg's capabilities after a port's changed. */
void lagg_port_capchange(struct lagg_port *);

#endif
