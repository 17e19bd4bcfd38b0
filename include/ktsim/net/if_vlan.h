/*
 * vlan(4): an interface for one VLAN of another one, its parent.
 *
 * Frames leave by the parent with the VLAN's tag, which the card puts in
 * (IFCAP_VLAN_HWTAGGING: M_VLANTAG and ether_vtag of the packet) or this layer
 * does; frames of the VLAN that the parent receives come in here without it.
 * What the parent can do with tagged frames, this interface can, less what its
 * user switched off. Send tags wrap the parent's; a receive tag is the leaf
 * card's own, with the VLAN's number.
 *
 * A vlan stands on a card or a lagg; a vlan on a vlan (QinQ) is not modelled.
 * TOE is not handed on (FreeBSD does).
 *
 * Source: net/if_vlan.c; freebsd-ktls.md sections 5.8 and 6.
 */
#ifndef KTSIM_NET_IF_VLAN_H
#define KTSIM_NET_IF_VLAN_H

#include <ktsim/net/if_var.h>

struct ifvlan;

/* Without a parent: it has no link and sends nothing (ENETDOWN). */
void vlan_create(struct vnet *, const char *xname, struct ifvlan **);
void vlan_destroy(struct ifvlan *);
/*
 * Stand on this parent, for the VLAN 1 to 4094. EINVAL: another number; EEXIST:
 * the parent has a vlan of it; EBUSY: it stands on another parent;
 * EPROTONOSUPPORT: that is no Ethernet interface, or a vlan.
 */
int vlan_config(struct ifvlan *, struct ifnet *parent, unsigned vid);
/* Leave the parent. */
void vlan_unconfig(struct ifvlan *);
/*
 * Hand on the parent's receive TLS (RXTLS4, RXTLS6)? FreeBSD does not, as of
 * the sources that were read (2024 and 2025): false.
 */
void vlan_set_rxtls(struct ifvlan *, bool);
struct ifnet *vlan_ifp(struct ifvlan *);
/* The vlan behind an interface; NULL: it is none. */
struct ifvlan *ifp_to_vlan(struct ifnet *);
struct ifnet *vlan_parent(const struct ifvlan *); /* NULL: none */
unsigned vlan_vid(const struct ifvlan *);

#endif
