/*
 * IP input, both versions: is the packet whole, right, and for us? Fragments
 * and extension headers are not handled: nobody in the laboratory makes them.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>

#include "inet_private.h"

#define LINK_SPACE 16 /* in front of a packet, for the link header */

static void
ip_input_drop(struct vnet *vnet, struct mbuf *m, uint64_t *counter,
    const char *why)
{
	(*counter)++;
	(void)ip_drop_packet(vnet, m, 0, why);
}

struct mbuf *
ip_copy_packet(struct vnet *vnet, struct mbuf *m)
{
	uint32_t len = (uint32_t)m->m_pkthdr.len;
	struct mbuf *n;

	n = m_getjcl(vnet->v_mb, M_NOWAIT, MT_DATA, M_PKTHDR,
	    len <= MCLBYTES - LINK_SPACE ? MCLBYTES : MJUM16BYTES);
	if (n != NULL && len > MJUM16BYTES - LINK_SPACE) {
		m_freem(n);
		n = NULL;
	}
	if (n != NULL) {
		n->m_data += LINK_SPACE;
		m_copydata(m, 0, (int)len, n->m_data);
		n->m_len = n->m_pkthdr.len = (int32_t)len;
	}
	m_freem(m);
	return (n);
}

/* Cut link padding. False: shorter than it says. */
static bool
ip_trim(struct mbuf *m, uint32_t len)
{
	uint32_t have = (uint32_t)m->m_pkthdr.len;

	if (have < len)
		return (false);
	if (have > len) {
		m_adj(m, -(int)(have - len));
		m->m_pkthdr.len = (int32_t)len;
	}
	return (true);
}

static bool
ip_sum_ok(const struct mbuf *m, uint32_t hlen)
{
	if ((m->m_pkthdr.csum_flags & CSUM_L3_CALC) != 0)
		return ((m->m_pkthdr.csum_flags & CSUM_L3_VALID) != 0);
	return (in_sum(m->m_data, hlen) == 0xffff);
}

static void
ip_deliver(struct vnet *vnet, struct mbuf *m, uint32_t hlen,
    struct ip_stats *st)
{
	const struct kip *ip = (const struct kip *)(void *)m->m_data;
	struct in_any dst = { { 0 } };

	memcpy(dst.a, ip->ip_dst, 4);
	if (if_addr_owner(vnet, KAF_INET, &dst) == NULL)
		ip_input_drop(vnet, m, &st->not_mine, "not for this host");
	else if ((be16dec(ip->ip_off) & (KIP_MF | KIP_OFFMASK)) != 0)
		ip_input_drop(vnet, m, &st->fragments, "fragment");
	else if (ip->ip_p == KIPPROTO_ICMP) {
		st->delivered++;
		icmp_input(vnet, m, hlen);
	} else if (ip->ip_p != KIPPROTO_TCP)
		ip_input_drop(vnet, m, &st->no_proto, "unknown protocol");
	else {
		st->delivered++;
		tcp_input(vnet, m, hlen, KAF_INET);
	}
}

void
ip_input(struct vnet *vnet, struct mbuf *m)
{
	struct ip_stats *st = ip_stats_rw(vnet, KAF_INET);
	const struct kip *ip;
	uint32_t hlen;

	st->total_in++;
	if ((uint32_t)m->m_pkthdr.len < sizeof(*ip)) {
		ip_input_drop(vnet, m, &st->too_short, "shorter than a header");
		return;
	}
	if ((m = m_pullup(m, (int)sizeof(*ip))) == NULL)
		return;
	ip = (const struct kip *)(void *)m->m_data;
	hlen = (uint32_t)(ip->ip_vhl & 0x0f) << 2;
	if (ip->ip_vhl >> 4 != 4)
		ip_input_drop(vnet, m, &st->bad_version, "not IPv4");
	else if (hlen != sizeof(*ip) || be16dec(ip->ip_len) < hlen)
		ip_input_drop(vnet, m, &st->bad_header, "bad header length");
	else if (!ip_sum_ok(m, hlen))
		ip_input_drop(vnet, m, &st->bad_sum, "bad header checksum");
	else if (!ip_trim(m, be16dec(ip->ip_len)))
		ip_input_drop(vnet, m, &st->too_short, "packet is cut off");
	else
		ip_deliver(vnet, m, hlen, st);
}

/* Ours, or a group all nodes or our neighbours' questions are sent to. */
static bool
ip6_mine(struct vnet *vnet, const struct in_any *dst)
{
	if (dst->a[0] == 0xff)
		return (dst->a[1] == 0x02);
	return (if_addr_owner(vnet, KAF_INET6, dst) != NULL);
}

void
ip6_input(struct vnet *vnet, struct mbuf *m)
{
	struct ip_stats *st = ip_stats_rw(vnet, KAF_INET6);
	const struct kip6 *ip6;
	struct in_any dst;

	st->total_in++;
	if ((uint32_t)m->m_pkthdr.len < sizeof(*ip6)) {
		ip_input_drop(vnet, m, &st->too_short, "shorter than a header");
		return;
	}
	if ((m = m_pullup(m, (int)sizeof(*ip6))) == NULL)
		return;
	ip6 = (const struct kip6 *)(void *)m->m_data;
	memcpy(dst.a, ip6->ip6_dst, 16);
	if (ip6->ip6_flow[0] >> 4 != 6)
		ip_input_drop(vnet, m, &st->bad_version, "not IPv6");
	else if (!ip_trim(m, sizeof(*ip6) + be16dec(ip6->ip6_plen)))
		ip_input_drop(vnet, m, &st->too_short, "packet is cut off");
	else if (!ip6_mine(vnet, &dst))
		ip_input_drop(vnet, m, &st->not_mine, "not for this host");
	else if (ip6->ip6_nxt == KIPPROTO_ICMPV6) {
		st->delivered++;
		icmp6_input(vnet, m, sizeof(*ip6));
	} else if (ip6->ip6_nxt == KIPPROTO_TCP && dst.a[0] != 0xff) {
		st->delivered++;
		tcp_input(vnet, m, sizeof(*ip6), KAF_INET6);
	} else
		ip_input_drop(vnet, m, &st->no_proto, "unknown protocol");
}
