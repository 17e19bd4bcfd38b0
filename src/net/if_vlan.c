/*
 * vlan(4): see net/if_vlan.h. The parent keeps a list of its vlans and tells
 * them of its link, its capabilities and its address.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/net/if_vlan.h>

#include "net_private.h"

#define VLAN_VID_MAX 4094

struct ifvlan {
	struct ifnet ifv_ifnet; /* first */
	LIST_ENTRY(ifvlan) ifv_link;
	struct ifnet *ifv_parent;
	uint16_t ifv_vid;
	uint16_t ifv_mtufudge;	/* bytes that the tag takes of the MTU */
	uint64_t ifv_capenable; /* what the user did not switch off */
	bool ifv_rxtls;
	bool ifv_capchange; /* we follow the parent */
};

/* --- out --- */

static void
vlan_told(struct ifnet *ifp, const struct mbuf *m, int error, const char *why)
{
	TRACE(&ifp->if_vnet->v_tracer, vlan_drop, TS(ifp->if_xname),
	    TU(m->m_pkthdr.note.pn_conn), TU(m->m_pkthdr.len), TI(error),
	    TS(why), TU(m->m_pkthdr.note.pn_frame));
}

static int
vlan_drop(struct ifnet *ifp, struct mbuf *m, int error, const char *why)
{
	vlan_told(ifp, m, error, why);
	ifp->if_ctr.oerrors++;
	m_freem(m);
	return (error);
}

/* The tag goes between the addresses and the type. NULL: no memory. */
static struct mbuf *
vlan_encap(struct mbuf *m, uint16_t vtag)
{
	uint8_t *p;

	if ((m = m_prepend(m, KETHER_VLAN_LEN, M_NOWAIT)) == NULL ||
	    (m->m_len < KETHER_HDR_LEN + KETHER_VLAN_LEN &&
		(m = m_pullup(m, KETHER_HDR_LEN + KETHER_VLAN_LEN)) == NULL))
		return (NULL);
	p = m->m_data;
	memmove(p, p + KETHER_VLAN_LEN, 2 * KETHER_ADDR_LEN);
	be16enc(p + 2 * KETHER_ADDR_LEN, KETHERTYPE_VLAN);
	be16enc(p + 2 * KETHER_ADDR_LEN + 2, vtag);
	m->m_pkthdr.l2hlen += KETHER_VLAN_LEN;
	return (m);
}

static int
vlan_send(struct ifvlan *ifv, struct mbuf *m)
{
	struct ifnet *ifp = &ifv->ifv_ifnet, *p = ifv->ifv_parent;
	uint64_t len = (uint64_t)m->m_pkthdr.len;
	int error;

	if ((p->if_capenable & IFCAP_VLAN_HWTAGGING) != 0) {
		m->m_flags |= M_VLANTAG;
		m->m_pkthdr.ether_vtag = ifv->ifv_vid;
	} else if ((m = vlan_encap(m, ifv->ifv_vid)) == NULL) {
		ifp->if_ctr.oerrors++;
		return (ENOBUFS);
	}
	error = p->if_transmit(p, m);
	if (error == 0) {
		ifp->if_ctr.opackets++;
		ifp->if_ctr.obytes += len;
	} else
		ifp->if_ctr.oerrors++;
	return (error);
}

static int
vlan_transmit(struct ifnet *ifp, struct mbuf *m)
{
	struct ifvlan *ifv = ifp->if_softc;
	struct ifnet *p = ifv->ifv_parent;

	if (p == NULL)
		return (vlan_drop(ifp, m, ENETDOWN, "no parent"));
	if ((m->m_pkthdr.csum_flags & CSUM_SND_TAG) != 0 &&
	    snd_tag_unwrap(m, ifp, p) != 0)
		return (
		    vlan_drop(ifp, m, EAGAIN, "send tag is not of the parent"));
	if ((p->if_flags & IFF_UP) == 0)
		return (vlan_drop(ifp, m, ENETDOWN, "the parent is not up"));
	return (vlan_send(ifv, m));
}

/* --- in --- */

static struct ifvlan *
vlan_find(struct ifnet *parent, unsigned vid)
{
	struct ifvlan *ifv;

	LIST_FOREACH(ifv, &parent->if_vlans, ifv_link)
		if (ifv->ifv_vid == vid)
			break;
	return (ifv);
}

/* The tag of a frame, which has none afterwards. */
static unsigned
vlan_strip(struct mbuf *m)
{
	uint8_t *p = m->m_data;
	unsigned vtag;

	if ((m->m_flags & M_VLANTAG) != 0) {
		m->m_flags &= ~(uint32_t)M_VLANTAG;
		return (m->m_pkthdr.ether_vtag);
	}
	vtag = be16dec(p + KETHER_HDR_LEN);
	memmove(p + KETHER_VLAN_LEN, p, 2 * KETHER_ADDR_LEN);
	m_adj(m, KETHER_VLAN_LEN);
	return (vtag);
}

/* What was meant for this host; a switch floods much that is not. */
static void
vlan_input_told(struct ifnet *parent, struct ifvlan *ifv, const struct mbuf *m)
{
	if ((m->m_data[0] & 1) != 0)
		return;
	if (ifv != NULL)
		vlan_told(&ifv->ifv_ifnet, m, 0,
		    "received while the vlan was not up");
	else
		vlan_told(parent, m, 0, "received with the number of no vlan");
}

struct mbuf *
vlan_input(struct ifnet *parent, struct mbuf *m)
{
	struct ifvlan *ifv;
	struct ifnet *ifp;
	unsigned vid;

	if ((m->m_flags & M_VLANTAG) == 0 &&
	    m->m_len < KETHER_HDR_LEN + KETHER_VLAN_LEN &&
	    (m = m_pullup(m, KETHER_HDR_LEN + KETHER_VLAN_LEN)) == NULL) {
		parent->if_ctr.ierrors++;
		return (NULL);
	}
	vid = vlan_strip(m) & 0xfff;
	if (vid == 0) /* a priority alone */
		return (m);
	ifv = vlan_find(parent, vid);
	if (ifv == NULL || (ifv->ifv_ifnet.if_flags & IFF_UP) == 0) {
		parent->if_ctr.noproto++;
		vlan_input_told(parent, ifv, m);
		m_freem(m);
		return (NULL);
	}
	ifp = &ifv->ifv_ifnet;
	ifp->if_ctr.ipackets++;
	ifp->if_ctr.ibytes += (uint64_t)m->m_pkthdr.len;
	ifp->if_input(ifp, m);
	return (NULL);
}

/* --- send tags --- */

static int
vlan_snd_tag_alloc(struct ifnet *ifp,
    const struct if_snd_tag_alloc_params *params, struct m_snd_tag **mstp)
{
	struct ifvlan *ifv = ifp->if_softc;
	struct if_snd_tag_alloc_params rx = *params;

	*mstp = NULL;
	if (ifv->ifv_parent == NULL)
		return (EOPNOTSUPP);
	if (params->type != IF_SND_TAG_TYPE_TLS_RX)
		return (snd_tag_wrap(ifp, ifv->ifv_parent, params, "parent's",
		    mstp));
	if (params->vlan_id != 0)
		return (EOPNOTSUPP);
	rx.vlan_id = ifv->ifv_vid;
	if (params->vlan_told != NULL)
		*params->vlan_told = ifv->ifv_vid;
	return (snd_tag_lower(ifv->ifv_parent, &rx, "parent's", mstp));
}

/* Its parent is to be asked. */
static void
vlan_ratelimit_query(struct ifnet *ifp, struct if_ratelimit_query_results *rl)
{
	rl->flags = RT_IS_INDIRECT;
}

/* --- capabilities --- */

/*
 * What tagged frames can have of the parent's `has` (capabilities, or those
 * that are enabled). Checksums are the card's only if it also puts the tag in.
 */
static uint64_t
vlan_caps_of(const struct ifvlan *ifv, uint64_t has, uint64_t csum_needs)
{
	uint64_t caps;

	caps = has &
	    (IFCAP_MEXTPG | IFCAP_TXRTLMT | IFCAP_TXTLS4 | IFCAP_TXTLS6 |
		IFCAP_TXTLS_RTLMT);
	if ((has & csum_needs) == csum_needs)
		caps |= has &
		    (IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 |
			IFCAP_TXCSUM_IPV6);
	if ((has & IFCAP_VLAN_HWCSUM) != 0)
		caps |= has & IFCAP_LRO;
	if ((has & IFCAP_VLAN_HWTSO) != 0)
		caps |= has & (IFCAP_TSO4 | IFCAP_TSO6);
	if (ifv->ifv_rxtls)
		caps |= has & (IFCAP_RXTLS4 | IFCAP_RXTLS6);
	return (caps);
}

static uint64_t
vlan_enabled(const struct ifvlan *ifv)
{
	const struct ifnet *p = ifv->ifv_parent;

	return (ifv->ifv_capenable & ifv->ifv_ifnet.if_capabilities &
	    vlan_caps_of(ifv, p->if_capenable,
		IFCAP_VLAN_HWCSUM | IFCAP_VLAN_HWTAGGING));
}

static void
vlan_capabilities(struct ifvlan *ifv)
{
	struct ifnet *ifp = &ifv->ifv_ifnet, *p = ifv->ifv_parent;

	ifp->if_hw_tsomax = p->if_hw_tsomax;
	ifp->if_hw_tsomaxsegcount = p->if_hw_tsomaxsegcount;
	ifp->if_hw_tsomaxsegsize = p->if_hw_tsomaxsegsize;
	ifp->if_capabilities =
	    vlan_caps_of(ifv, p->if_capabilities, IFCAP_VLAN_HWCSUM);
	ifv->ifv_capchange = true;
	(void)if_setcap(ifp, vlan_enabled(ifv));
	ifv->ifv_capchange = false;
}

void
vlan_trunk_capabilities(struct ifnet *parent)
{
	struct ifvlan *ifv;

	LIST_FOREACH(ifv, &parent->if_vlans, ifv_link)
		vlan_capabilities(ifv);
}

/* The user's wish is kept, and what of it the parent has is enabled. */
static int
vlan_ioctl(struct ifnet *ifp, uint64_t *capenable, uint32_t flags)
{
	struct ifvlan *ifv = ifp->if_softc;

	if (ifv->ifv_capchange || *capenable == ifp->if_capenable)
		return (0);
	/* What it never had cannot have been switched off. */
	ifv->ifv_capenable = *capenable | ~ifp->if_capabilities;
	if (ifv->ifv_parent != NULL)
		*capenable = vlan_enabled(ifv);
	return (0);
}

/* --- what happens to the parent --- */

void
vlan_link_state(struct ifnet *parent)
{
	struct ifvlan *ifv;

	LIST_FOREACH(ifv, &parent->if_vlans, ifv_link) {
		ifv->ifv_ifnet.if_baudrate = parent->if_baudrate;
		if_link_state_change(&ifv->ifv_ifnet, parent->if_link_state);
	}
}

void
vlan_lladdr(struct ifnet *parent)
{
	struct ifvlan *ifv;

	LIST_FOREACH(ifv, &parent->if_vlans, ifv_link)
		memcpy(ifv->ifv_ifnet.if_lladdr, parent->if_lladdr,
		    KETHER_ADDR_LEN);
}

void
vlan_announce(struct ifnet *parent)
{
	struct ifvlan *ifv;

	LIST_FOREACH(ifv, &parent->if_vlans, ifv_link)
		lle_announce(&ifv->ifv_ifnet);
}

int
vlan_mtu_max(const struct ifnet *ifp, uint32_t *max)
{
	const struct ifvlan *ifv = ifp->if_softc;

	if (ifv->ifv_parent == NULL)
		return (EINVAL);
	*max = ifv->ifv_parent->if_mtu - ifv->ifv_mtufudge;
	return (0);
}

/* --- its life --- */

void
vlan_create(struct vnet *vnet, const char *xname, struct ifvlan **ifvp)
{
	static const uint8_t nolladdr[KETHER_ADDR_LEN];
	struct ifvlan *ifv = xcalloc(1, sizeof(*ifv));
	struct ifnet *ifp = &ifv->ifv_ifnet;

	ifv->ifv_capenable = UINT64_MAX;
	ifp->if_softc = ifv;
	ifp->if_transmit = vlan_transmit;
	ifp->if_snd_tag_alloc = vlan_snd_tag_alloc;
	ifp->if_ratelimit_query = vlan_ratelimit_query;
	ifp->if_ioctl = vlan_ioctl;
	ifp->if_link_state = LINK_STATE_UNKNOWN;
	ether_ifattach(ifp, nolladdr);
	if_attach(vnet, ifp, xname);
	*ifvp = ifv;
}

void
vlan_destroy(struct ifvlan *ifv)
{
	if (ifv == NULL)
		return;
	vlan_unconfig(ifv);
	if_detach(&ifv->ifv_ifnet);
	free(ifv);
}

static int
vlan_may_stand(struct ifvlan *ifv, struct ifnet *p, unsigned vid)
{
	struct ifvlan *other;

	if ((p->if_flags & IFF_BROADCAST) == 0 || ifp_to_vlan(p) != NULL)
		return (EPROTONOSUPPORT);
	if (vid == 0 || vid > VLAN_VID_MAX)
		return (EINVAL);
	if (ifv->ifv_parent != NULL && ifv->ifv_parent != p)
		return (EBUSY);
	other = vlan_find(p, vid);
	return (other == NULL || other == ifv ? 0 : EEXIST);
}

int
vlan_config(struct ifvlan *ifv, struct ifnet *p, unsigned vid)
{
	struct ifnet *ifp = &ifv->ifv_ifnet;
	int error;

	if ((error = vlan_may_stand(ifv, p, vid)) != 0)
		return (error);
	ifv->ifv_vid = (uint16_t)vid;
	if (ifv->ifv_parent != NULL)
		return (0);
	ifv->ifv_parent = p;
	ifv->ifv_mtufudge =
	    (p->if_capenable & IFCAP_VLAN_MTU) != 0 ? 0 : KETHER_VLAN_LEN;
	LIST_INSERT_HEAD(&p->if_vlans, ifv, ifv_link);
	ifp->if_mtu = p->if_mtu - ifv->ifv_mtufudge;
	ifp->if_baudrate = p->if_baudrate;
	ifp->if_numa_domain = p->if_numa_domain;
	ifp->if_flags |= IFF_DRV_RUNNING;
	memcpy(ifp->if_lladdr, p->if_lladdr, KETHER_ADDR_LEN);
	vlan_capabilities(ifv);
	if_link_state_change(ifp, p->if_link_state);
	/* Its addresses are at another card's perhaps. */
	if (ifp->if_link_state == LINK_STATE_UP)
		lle_announce(ifp);
	route_changed(ifp->if_vnet);
	return (0);
}

void
vlan_unconfig(struct ifvlan *ifv)
{
	struct ifnet *ifp = &ifv->ifv_ifnet;

	if (ifv->ifv_parent == NULL)
		return;
	LIST_REMOVE(ifv, ifv_link);
	ifv->ifv_parent = NULL;
	ifv->ifv_vid = 0;
	ifp->if_mtu = 1500;
	ifp->if_flags &= ~(uint32_t)IFF_DRV_RUNNING;
	if_link_state_change(ifp, LINK_STATE_UNKNOWN);
	route_changed(ifp->if_vnet);
}

void
vlan_set_rxtls(struct ifvlan *ifv, bool on)
{
	ifv->ifv_rxtls = on;
	if (ifv->ifv_parent != NULL)
		vlan_capabilities(ifv);
}

struct ifnet *
vlan_ifp(struct ifvlan *ifv)
{
	return (&ifv->ifv_ifnet);
}

struct ifvlan *
ifp_to_vlan(struct ifnet *ifp)
{
	return (ifp->if_transmit == vlan_transmit ? ifp->if_softc : NULL);
}

struct ifnet *
vlan_parent(const struct ifvlan *ifv)
{
	return (ifv->ifv_parent);
}

unsigned
vlan_vid(const struct ifvlan *ifv)
{
	return (ifv->ifv_vid);
}
