/*
 * ICMPv6: neighbour discovery goes to nd6.c, echo is answered, what is said
 * about connections goes to TCP (packet too big, unreachable).
 * Source: netinet6/icmp6.c.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>

#include "inet_private.h"

#define ICMP6_MINLEN   8
#define ICMP6_UNREACH  1
#define ICMP6_TOOBIG   2
#define ICMP6_ECHO     128
#define ICMP6_REPLY    129
#define ICMP6_HOPLIMIT 64

/* errno of each code of "unreachable". */
static const int icmp6_errnos[] = {
	EHOSTUNREACH, /* no route */
	ECONNREFUSED, /* prohibited */
	EHOSTUNREACH, /* beyond scope */
	EHOSTUNREACH, /* address */
	ECONNREFUSED  /* port */
};

static uint16_t
icmp6_sum(const uint8_t *ip, const struct mbuf *m, uint32_t off, uint32_t len)
{
	return (
	    in_sum_add(in_sum_pseudo(ip + 8, ip + 24, 16, KIPPROTO_ICMPV6, len),
		in_sum_mbuf(m, off, len), 0));
}

/* The answer is a copy: received bytes are read-only. */
static void
icmp6_reflect(struct vnet *vnet, struct mbuf *m, uint32_t off)
{
	uint32_t len = (uint32_t)m->m_pkthdr.len;
	struct kip6 *ip6;
	struct mbuf *n;
	uint8_t src[16];

	if ((n = ip_copy_packet(vnet, m)) == NULL)
		return;
	ip6 = (struct kip6 *)(void *)n->m_data;
	memcpy(src, ip6->ip6_src, 16);
	memcpy(ip6->ip6_src, ip6->ip6_dst, 16);
	memcpy(ip6->ip6_dst, src, 16);
	ip6->ip6_hlim = ICMP6_HOPLIMIT;
	n->m_data[off] = ICMP6_REPLY;
	be16enc(n->m_data + off + 2, 0);
	be16enc(n->m_data + off + 2,
	    (uint16_t)~icmp6_sum(n->m_data, n, off, len - off));
	vnet->v_inet->is_ip[1].icmp_echo++;
	(void)ip6_output(vnet, n, NULL);
}

static void
icmp6_error(struct vnet *vnet, const uint8_t *icmp, uint32_t len)
{
	const uint8_t *ip = icmp + ICMP6_MINLEN;

	len -= ICMP6_MINLEN;
	if (len < sizeof(struct kip6) || ip[0] >> 4 != 6)
		return;
	vnet->v_inet->is_ip[1].icmp_unreach++;
	if (icmp[0] == ICMP6_TOOBIG)
		tcp_ctlinput(vnet, KAF_INET6, EMSGSIZE, be32dec(icmp + 4), ip,
		    len);
	else if (icmp[1] < nitems(icmp6_errnos))
		tcp_ctlinput(vnet, KAF_INET6, icmp6_errnos[icmp[1]], 0, ip,
		    len);
}

void
icmp6_input(struct vnet *vnet, struct mbuf *m, int off)
{
	uint8_t ip[sizeof(struct kip6)];
	uint8_t buf[ICMP6_MINLEN + sizeof(struct kip6) + 20];
	uint32_t len = (uint32_t)m->m_pkthdr.len - (uint32_t)off, have;
	struct ifnet *ifp = m->m_pkthdr.rcvif;

	KASSERT(off == (int)sizeof(ip), ("icmp6_input at %d", off));
	m_copydata(m, 0, sizeof(ip), ip);
	if (len < ICMP6_MINLEN ||
	    icmp6_sum(ip, m, (uint32_t)off, len) != 0xffff) {
		ip_stats_rw(vnet, KAF_INET6)->icmp_bad++;
		m_freem(m);
		return;
	}
	have = MIN(len, (uint32_t)sizeof(buf));
	m_copydata(m, off, (int)have, buf);
	/* Nobody answers a group in the group's name. */
	if (buf[0] == ICMP6_ECHO && buf[1] == 0 && ip[24] != 0xff) {
		icmp6_reflect(vnet, m, (uint32_t)off);
		return;
	}
	m_freem(m);
	if (buf[0] == ICMP6_UNREACH || buf[0] == ICMP6_TOOBIG)
		icmp6_error(vnet, buf, have);
	else
		nd6_message(vnet, ifp, ip, buf, have);
}
