/* IPv4, IPv6, ICMPv6 and ARP on the wire: byte arrays, network order. */
#ifndef KTSIM_NETINET_IP_H
#define KTSIM_NETINET_IP_H

#include <stdint.h>

#define KIPPROTO_ICMP	1
#define KIPPROTO_ICMPV6 58
#ifndef KIPPROTO_TCP
#define KIPPROTO_TCP 6
#endif

struct kip {
	uint8_t ip_vhl; /* 0x45: version, header words */
	uint8_t ip_tos;
	uint8_t ip_len[2];
	uint8_t ip_id[2];
	uint8_t ip_off[2];
	uint8_t ip_ttl;
	uint8_t ip_p;
	uint8_t ip_sum[2];
	uint8_t ip_src[4];
	uint8_t ip_dst[4];
};
#define KIP_DF	    0x4000
#define KIP_MF	    0x2000
#define KIP_OFFMASK 0x1fff

struct kip6 {
	uint8_t ip6_flow[4]; /* version, class, flow label */
	uint8_t ip6_plen[2];
	uint8_t ip6_nxt;
	uint8_t ip6_hlim;
	uint8_t ip6_src[16];
	uint8_t ip6_dst[16];
};

struct karp {
	uint8_t ar_hrd[2], ar_pro[2];
	uint8_t ar_hln, ar_pln;
	uint8_t ar_op[2];
	uint8_t ar_sha[6], ar_spa[4], ar_tha[6], ar_tpa[4];
};

struct knd { /* neighbour solicitation and advertisement */
	uint8_t nd_type, nd_code;
	uint8_t nd_sum[2];
	uint8_t nd_flags[4];
	uint8_t nd_target[16];
	uint8_t nd_opt_type, nd_opt_len; /* 1 source, 2 target */
	uint8_t nd_opt_lladdr[6];
};
#define KND_SOLICIT 135
#define KND_ADVERT  136

#endif
