/*
 * Ethernet: the header goes on (ether_output) and comes off (ether_input).
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>

#include "net_private.h"

CTASSERT(sizeof(struct ether_header) == KETHER_HDR_LEN);

void
ether_ifattach(struct ifnet *ifp, const uint8_t lladdr[6])
{
	memcpy(ifp->if_lladdr, lladdr, KETHER_ADDR_LEN);
	ifp->if_output = ether_output;
	if (ifp->if_input == NULL)
		ifp->if_input = ether_input;
	ifp->if_flags |= IFF_BROADCAST | IFF_MULTICAST;
	if (ifp->if_mtu == 0)
		ifp->if_mtu = 1500;
}

static int
ether_drop(struct ifnet *ifp, struct mbuf *m, int error, const char *why)
{
	TRACE(&ifp->if_vnet->v_tracer, ip_drop, TU(m->m_pkthdr.note.pn_conn),
	    TU(m->m_pkthdr.len), TI(error), TS(why),
	    TU(m->m_pkthdr.note.pn_frame));
	ifp->if_ctr.oerrors++;
	m_freem(m);
	return (error);
}

/* Destinations that need no question: groups map to link addresses. */
static bool
ether_multicast(const struct ksockaddr *dst, uint8_t lladdr[6])
{
	if (net_is_v6(dst->sa_family)) {
		if (dst->sa_addr.a[0] != 0xff)
			return (false);
		lladdr[0] = lladdr[1] = 0x33;
		memcpy(lladdr + 2, dst->sa_addr.a + 12, 4);
		return (true);
	}
	if (be32dec(dst->sa_addr.a) != 0xffffffff)
		return (false);
	memset(lladdr, 0xff, KETHER_ADDR_LEN);
	return (true);
}

int
ether_output(struct ifnet *ifp, struct mbuf *m, const struct ksockaddr *dst)
{
	uint8_t lladdr[KETHER_ADDR_LEN];
	struct ether_header *eh;
	int error;

	if ((ifp->if_flags & IFF_UP) == 0)
		return (ether_drop(ifp, m, ENETDOWN, "interface is not up"));
	/* lagg_port_output: a route that still leads to the port. */
	if (ifp->if_lagg != NULL)
		return (ether_drop(ifp, m, ENETDOWN,
		    "the interface is a port of a lagg"));
	if (!ether_multicast(dst, lladdr)) {
		error = lle_resolve(ifp, dst, m, lladdr);
		if (error != 0) /* m waits, or is gone */
			return (error == EWOULDBLOCK ? 0 : error);
	}
	m = m_prepend(m, KETHER_HDR_LEN, M_NOWAIT);
	if (m == NULL)
		return (ENOBUFS);
	eh = (struct ether_header *)m->m_data;
	memcpy(eh->ether_dhost, lladdr, KETHER_ADDR_LEN);
	memcpy(eh->ether_shost, ifp->if_lladdr, KETHER_ADDR_LEN);
	be16enc(eh->ether_type,
	    net_is_v6(dst->sa_family) ? KETHERTYPE_IPV6 : KETHERTYPE_IP);
	m->m_pkthdr.l2hlen = KETHER_HDR_LEN;
	return (ether_output_frame(ifp, m));
}

int
ether_output_frame(struct ifnet *ifp, struct mbuf *m)
{
	return (ifp->if_transmit(ifp, m));
}

static void
ether_input_drop(struct ifnet *ifp, struct mbuf *m)
{
	ifp->if_ctr.ierrors++;
	m_freem(m);
}

void
ether_input(struct ifnet *ifp, struct mbuf *m)
{
	const struct ether_header *eh;
	uint16_t type;

	KASSERT((m->m_flags & M_PKTHDR) != 0, ("ether_input: no header"));
	m->m_pkthdr.rcvif = ifp;
	if (m->m_pkthdr.leaf_rcvif == NULL)
		m->m_pkthdr.leaf_rcvif = ifp;
	if (m->m_len < KETHER_HDR_LEN &&
	    (m = m_pullup(m, KETHER_HDR_LEN)) == NULL) {
		ifp->if_ctr.ierrors++;
		return;
	}
	eh = (const struct ether_header *)m->m_data;
	if (((m->m_flags & M_VLANTAG) != 0 ||
		be16dec(eh->ether_type) == KETHERTYPE_VLAN) &&
	    (m = vlan_input(ifp, m)) == NULL)
		return;
	eh = (const struct ether_header *)m->m_data;
	if ((eh->ether_dhost[0] & 1) == 0 &&
	    memcmp(eh->ether_dhost, ifp->if_lladdr, KETHER_ADDR_LEN) != 0) {
		ether_input_drop(ifp, m);
		return;
	}
	if ((eh->ether_dhost[0] & 1) != 0)
		m->m_flags |= M_MCAST;
	type = be16dec(eh->ether_type);
	m_adj(m, KETHER_HDR_LEN);
	switch (type) {
	case KETHERTYPE_IP:
		netisr_dispatch(ifp->if_vnet, NETISR_IP, m);
		break;
	case KETHERTYPE_IPV6:
		netisr_dispatch(ifp->if_vnet, NETISR_IPV6, m);
		break;
	case KETHERTYPE_ARP:
		netisr_dispatch(ifp->if_vnet, NETISR_ARP, m);
		break;
	default:
		ether_input_drop(ifp, m);
	}
}
