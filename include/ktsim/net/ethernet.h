/* Ethernet on the wire. */
#ifndef KTSIM_NET_ETHERNET_H
#define KTSIM_NET_ETHERNET_H

#include <stdint.h>

#define KETHER_ADDR_LEN 6
#define KETHER_HDR_LEN	14
#define KETHER_VLAN_LEN 4
#define KETHER_CRC_LEN	4
/* preamble, start delimiter, CRC, gap: what a frame costs on the line besides */
#define KETHER_LINE_OVERHEAD 24
#define KETHER_MIN_LEN	     60 /* without CRC */

#define KETHERTYPE_IP	     0x0800
#define KETHERTYPE_ARP	     0x0806
#define KETHERTYPE_VLAN	     0x8100
#define KETHERTYPE_IPV6	     0x86dd
#define KETHERTYPE_SLOW	     0x8809 /* slow protocols: LACP, markers */

struct ether_header {
	uint8_t ether_dhost[6];
	uint8_t ether_shost[6];
	uint8_t ether_type[2];
};

#endif
