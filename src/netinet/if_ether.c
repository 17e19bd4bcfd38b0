/* ARP: questions and answers about IPv4 neighbours (RFC 826). */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/ip.h>

#include "inet_private.h"

#define ARP_REQUEST   1
#define ARP_REPLY     2
#define ARP_FRAME_LEN (KETHER_HDR_LEN + (int)sizeof(struct karp))

static const uint8_t ether_broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff };

CTASSERT(sizeof(struct karp) == 28);

static void
arp_send(struct ifnet *ifp, uint16_t op, const uint8_t dst[6],
    const uint8_t spa[4], const uint8_t tha[6], const uint8_t tpa[4])
{
	struct ether_header *eh;
	struct karp *ar;
	struct mbuf *m;

	if (ifp->if_lagg != NULL) /* it speaks by the lagg alone */
		return;
	m = m_gethdr(ifp->if_vnet->v_mb, M_NOWAIT, MT_DATA);
	if (m == NULL)
		return;
	m->m_len = m->m_pkthdr.len = ARP_FRAME_LEN;
	m->m_pkthdr.l2hlen = KETHER_HDR_LEN;
	eh = (struct ether_header *)(void *)m->m_data;
	memcpy(eh->ether_dhost, dst, 6);
	memcpy(eh->ether_shost, ifp->if_lladdr, 6);
	be16enc(eh->ether_type, KETHERTYPE_ARP);
	ar = (struct karp *)(void *)(eh + 1);
	be16enc(ar->ar_hrd, 1);
	be16enc(ar->ar_pro, KETHERTYPE_IP);
	ar->ar_hln = 6;
	ar->ar_pln = 4;
	be16enc(ar->ar_op, op);
	memcpy(ar->ar_sha, ifp->if_lladdr, 6);
	memcpy(ar->ar_spa, spa, 4);
	memcpy(ar->ar_tha, tha, 6);
	memcpy(ar->ar_tpa, tpa, 4);
	(void)ether_output_frame(ifp, m);
}

static void
arp_solicit(struct ifnet *ifp, const struct in_any *addr)
{
	static const uint8_t nobody[6];
	const struct ifaddr *ifa = if_addr_first(ifp, KAF_INET);

	if (ifa != NULL)
		arp_send(ifp, ARP_REQUEST, ether_broadcast, ifa->ifa_addr.a,
		    nobody, addr->a);
}

/* Gratuitous: a request for our own address. */
static void
arp_announce(struct ifnet *ifp, const struct in_any *addr)
{
	static const uint8_t nobody[6];

	arp_send(ifp, ARP_REQUEST, ether_broadcast, addr->a, nobody, addr->a);
}

void
arp_attach(struct vnet *vnet)
{
	lle_register(vnet, KAF_INET, arp_solicit, arp_announce);
	netisr_register(vnet, NETISR_ARP, arp_input);
}

static bool
arp_valid(const struct karp *ar)
{
	return (be16dec(ar->ar_hrd) == 1 &&
	    be16dec(ar->ar_pro) == KETHERTYPE_IP && ar->ar_hln == 6 &&
	    ar->ar_pln == 4);
}

/*
 * Who asks for our address will get packets from us, so its own is learned;
 * others only refresh what we have.
 */
void
arp_input(struct vnet *vnet, struct mbuf *m)
{
	struct ifnet *ifp = m->m_pkthdr.rcvif;
	struct in_any spa = { { 0 } }, tpa = { { 0 } };
	struct karp ar;
	bool forus;

	if (m_length(m, NULL) < sizeof(ar)) {
		m_freem(m);
		return;
	}
	m_copydata(m, 0, sizeof(ar), &ar);
	m_freem(m);
	if (!arp_valid(&ar))
		return;
	memcpy(spa.a, ar.ar_spa, 4);
	memcpy(tpa.a, ar.ar_tpa, 4);
	forus = if_addr_owner(vnet, KAF_INET, &tpa) == ifp;
	if (if_addr_owner(vnet, KAF_INET, &spa) == NULL && !in_any_zero(&spa))
		lle_learn(ifp, KAF_INET, &spa, ar.ar_sha, forus);
	if (forus && be16dec(ar.ar_op) == ARP_REQUEST)
		arp_send(ifp, ARP_REPLY, ar.ar_sha, ar.ar_tpa, ar.ar_sha,
		    ar.ar_spa);
}
