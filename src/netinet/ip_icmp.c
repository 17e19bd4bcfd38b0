/*
 * ICMP for IPv4: echo is answered, what is said about connections goes to TCP.
 * Nothing is reported by this host itself: it forwards nothing, and TCP answers
 * with resets.
 * Source: netinet/ip_icmp.c.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>

#include "inet_private.h"

#define ICMP_MINLEN   8
#define ICMP_ECHO     8
#define ICMP_REPLY    0
#define ICMP_UNREACH  3
#define ICMP_CODES    16
#define ICMP_NEEDFRAG 4
#define ICMP_TTL      64

/* errno of each code of "unreachable"; 0: nothing for TCP. */
static const int icmp_errnos[ICMP_CODES] = {
	[0] = EHOSTUNREACH,  /* net */
	[1] = EHOSTUNREACH,  /* host */
	[2] = ECONNREFUSED,  /* protocol */
	[3] = ECONNREFUSED,  /* port */
	[4] = EMSGSIZE,	     /* fragmentation needed and DF set */
	[5] = EHOSTUNREACH,  /* source route failed */
	[6] = EHOSTUNREACH,  /* net unknown */
	[7] = EHOSTUNREACH,  /* host unknown */
	[9] = ECONNREFUSED,  /* net prohibited */
	[10] = ECONNREFUSED, /* host prohibited */
	[11] = EHOSTUNREACH, /* net, for the type of service */
	[12] = EHOSTUNREACH, /* host, for the type of service */
	[13] = ECONNREFUSED, /* filtered */
};

/* The packet itself goes back: other type, addresses exchanged. */
static void
icmp_reflect(struct vnet *vnet, struct mbuf *m, uint32_t hlen)
{
	struct kip *ip;
	struct mbuf *n;
	uint8_t src[4];
	uint32_t len = (uint32_t)m->m_pkthdr.len;

	if ((n = ip_copy_packet(vnet, m)) == NULL)
		return;
	ip = (struct kip *)(void *)n->m_data;
	memcpy(src, ip->ip_src, 4);
	memcpy(ip->ip_src, ip->ip_dst, 4);
	memcpy(ip->ip_dst, src, 4);
	ip->ip_ttl = ICMP_TTL;
	n->m_data[hlen] = ICMP_REPLY;
	be16enc(n->m_data + hlen + 2, 0);
	be16enc(n->m_data + hlen + 2,
	    (uint16_t)~in_sum(n->m_data + hlen, len - hlen));
	vnet->v_inet->is_ip[0].icmp_echo++;
	(void)ip_output(vnet, n, NULL);
}

static void
icmp_unreach(struct vnet *vnet, const uint8_t *icmp, uint32_t len)
{
	uint8_t code = icmp[1];
	const uint8_t *ip = icmp + ICMP_MINLEN;

	len -= ICMP_MINLEN;
	if (code >= ICMP_CODES || icmp_errnos[code] == 0 ||
	    len < sizeof(struct kip) || ip[0] >> 4 != 4 ||
	    (ip[0] & 0x0f) < sizeof(struct kip) / 4)
		return;
	vnet->v_inet->is_ip[0].icmp_unreach++;
	tcp_ctlinput(vnet, KAF_INET, icmp_errnos[code],
	    code == ICMP_NEEDFRAG ? be16dec(icmp + 6) : 0, ip, len);
}

void
icmp_input(struct vnet *vnet, struct mbuf *m, uint32_t hlen)
{
	uint8_t buf[ICMP_MINLEN + 60 + 8]; /* with the header quoted */
	uint32_t len = (uint32_t)m->m_pkthdr.len - hlen;

	if (len < ICMP_MINLEN || in_sum_mbuf(m, hlen, len) != 0xffff) {
		vnet->v_inet->is_ip[0].icmp_bad++;
		m_freem(m);
		return;
	}
	m_copydata(m, (int)hlen, (int)MIN(len, sizeof(buf)), buf);
	if (buf[0] == ICMP_ECHO && buf[1] == 0) {
		icmp_reflect(vnet, m, hlen);
		return;
	}
	m_freem(m);
	if (buf[0] == ICMP_UNREACH)
		icmp_unreach(vnet, buf, MIN(len, (uint32_t)sizeof(buf)));
}
