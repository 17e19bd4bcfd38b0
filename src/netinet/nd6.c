/*
 * Neighbour discovery: solicitations and advertisements (RFC 4861), without
 * duplicate detection, routers or redirects.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>

#include "inet_private.h"

#define ND_FLAG_SOLICITED 0x40000000
#define ND_FLAG_OVERRIDE  0x20000000
#define ND_OPT_SOURCE	  1
#define ND_OPT_TARGET	  2
#define ND_HOPLIMIT	  255

CTASSERT(sizeof(struct knd) == 32);

static void
nd6_fill(struct mbuf *m, const struct ifnet *ifp, uint8_t type, uint32_t flags,
    const uint8_t src[16], const uint8_t dst[16], const uint8_t target[16])
{
	struct kip6 *ip6 = (struct kip6 *)(void *)m->m_data;
	struct knd *nd = (struct knd *)(void *)(ip6 + 1);
	uint16_t sum;

	memset(ip6, 0, sizeof(*ip6) + sizeof(*nd));
	ip6->ip6_flow[0] = 0x60;
	be16enc(ip6->ip6_plen, sizeof(*nd));
	ip6->ip6_nxt = KIPPROTO_ICMPV6;
	ip6->ip6_hlim = ND_HOPLIMIT;
	memcpy(ip6->ip6_src, src, 16);
	memcpy(ip6->ip6_dst, dst, 16);
	nd->nd_type = type;
	be32enc(nd->nd_flags, flags);
	memcpy(nd->nd_target, target, 16);
	nd->nd_opt_type = type == KND_SOLICIT ? ND_OPT_SOURCE : ND_OPT_TARGET;
	nd->nd_opt_len = 1;
	memcpy(nd->nd_opt_lladdr, ifp->if_lladdr, 6);
	sum = in_sum_add(in_sum_pseudo(src, dst, 16, KIPPROTO_ICMPV6,
			     sizeof(*nd)),
	    in_sum(nd, sizeof(*nd)), 0);
	be16enc(nd->nd_sum, (uint16_t)~sum);
}

static void
nd6_send(struct ifnet *ifp, uint8_t type, uint32_t flags, const uint8_t src[16],
    const struct in_any *dst, const uint8_t target[16])
{
	struct ksockaddr to = { .sa_family = KAF_INET6, .sa_addr = *dst };
	struct mbuf *m;

	m = m_gethdr(ifp->if_vnet->v_mb, M_NOWAIT, MT_DATA);
	if (m == NULL)
		return;
	m->m_data += 16; /* the link header's place */
	m->m_len = m->m_pkthdr.len = sizeof(struct kip6) + sizeof(struct knd);
	nd6_fill(m, ifp, type, flags, src, dst->a, target);
	(void)ifp->if_output(ifp, m, &to);
}

static void
nd6_solicit(struct ifnet *ifp, const struct in_any *addr)
{
	static const uint8_t solicited_node[13] = { 0xff, 0x02, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0x01, 0xff };
	const struct ifaddr *ifa = if_addr_first(ifp, KAF_INET6);
	struct in_any dst;

	if (ifa == NULL)
		return;
	memcpy(dst.a, solicited_node, 13);
	memcpy(dst.a + 13, addr->a + 13, 3);
	nd6_send(ifp, KND_SOLICIT, 0, ifa->ifa_addr.a, &dst, addr->a);
}

/* Unsolicited advertisement to all nodes. */
static void
nd6_announce(struct ifnet *ifp, const struct in_any *addr)
{
	static const struct in_any all_nodes = { { 0xff, 0x02, 0, 0, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, 0, 0, 1 } };

	nd6_send(ifp, KND_ADVERT, ND_FLAG_OVERRIDE, addr->a, &all_nodes,
	    addr->a);
}

void
nd6_attach(struct vnet *vnet)
{
	lle_register(vnet, KAF_INET6, nd6_solicit, nd6_announce);
}

static void
nd6_input(struct vnet *vnet, struct ifnet *ifp, const struct kip6 *ip6,
    const struct knd *nd)
{
	struct in_any src, target;

	memcpy(src.a, ip6->ip6_src, 16);
	memcpy(target.a, nd->nd_target, 16);
	if (nd->nd_type == KND_ADVERT) {
		if (nd->nd_opt_type == ND_OPT_TARGET)
			lle_learn(ifp, KAF_INET6, &target, nd->nd_opt_lladdr,
			    false);
		return;
	}
	if (if_addr_owner(vnet, KAF_INET6, &target) != ifp)
		return;
	if (nd->nd_opt_type == ND_OPT_SOURCE)
		lle_learn(ifp, KAF_INET6, &src, nd->nd_opt_lladdr, true);
	nd6_send(ifp, KND_ADVERT, ND_FLAG_SOLICITED | ND_FLAG_OVERRIDE,
	    target.a, &src, target.a);
}

void
nd6_message(struct vnet *vnet, struct ifnet *ifp, const uint8_t *ip,
    const uint8_t *icmp, uint32_t len)
{
	struct kip6 ip6;
	struct knd nd;

	if (len < sizeof(nd))
		return;
	memcpy(&ip6, ip, sizeof(ip6));
	memcpy(&nd, icmp, sizeof(nd));
	if (ip6.ip6_hlim == ND_HOPLIMIT && nd.nd_code == 0 &&
	    nd.nd_opt_len == 1 &&
	    (nd.nd_type == KND_SOLICIT || nd.nd_type == KND_ADVERT))
		nd6_input(vnet, ifp, &ip6, &nd);
}
