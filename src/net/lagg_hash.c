/*
 * Which port a packet belongs to, by what stands in its headers: FNV-1 over the
 * fields that `lagghash` names, from a seed of each lagg's own.
 *
 * Source: m_ether_tcpip_hash (net/if_ethersubr.c, mbuf hash helper);
 * nic-models.md section 10.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/ip.h>

#include "lagg_private.h"

#define FNV1_32_INIT  0x811c9dc5u
#define FNV1_32_PRIME 0x01000193u
#define PROTO_UDP     17
#define PROTO_SCTP    132

uint32_t
lagg_fnv32(const void *bytes, size_t len, uint32_t h)
{
	const uint8_t *p = bytes;

	while (len-- > 0)
		h = (h * FNV1_32_PRIME) ^ *p++;
	return (h);
}

uint32_t
lagg_hash_init(struct vnet *vnet, const char *xname)
{
	struct prng rnd;
	uint32_t seed;

	vnet_prng(vnet, &rnd, xname);
	seed = (uint32_t)prng_u64(&rnd);
	return (lagg_fnv32(&seed, sizeof(seed), FNV1_32_INIT));
}

static uint32_t
hash_ip4(const uint8_t *ip, uint32_t len, uint32_t layers, uint32_t h)
{
	uint32_t hlen = (ip[0] & 0xfu) * 4;
	uint8_t proto = ip[9];

	if (layers & LAGG_HASH_L3)
		h = lagg_fnv32(ip + 12, 8, h);
	if ((layers & LAGG_HASH_L4) != 0 && len >= hlen + 4 &&
	    (proto == KIPPROTO_TCP || proto == PROTO_UDP ||
		proto == PROTO_SCTP))
		h = lagg_fnv32(ip + hlen, 4, h);
	return (h);
}

/* The flow label stands for the ports, which may be anywhere. */
static uint32_t
hash_ip6(const uint8_t *ip, uint32_t layers, uint32_t h)
{
	uint8_t label[4] = { 0, ip[1] & 0x0f, ip[2], ip[3] };

	if (layers & LAGG_HASH_L3)
		h = lagg_fnv32(ip + 8, 32, h);
	if (layers & LAGG_HASH_L4)
		h = lagg_fnv32(label, sizeof(label), h);
	return (h);
}

uint32_t
lagg_hash(const struct mbuf *m, uint32_t layers, uint32_t h)
{
	uint8_t hdr[KETHER_HDR_LEN + KETHER_VLAN_LEN + 60 + 4];
	uint32_t len = MIN((uint32_t)m->m_pkthdr.len, sizeof(hdr));
	uint32_t off = KETHER_HDR_LEN;
	uint16_t type;

	if (len < off)
		return (h);
	m_copydata(m, 0, (int)len, hdr);
	if (layers & LAGG_HASH_L2) {
		h = lagg_fnv32(hdr + 6, KETHER_ADDR_LEN, h);
		h = lagg_fnv32(hdr, KETHER_ADDR_LEN, h);
	}
	type = be16dec(hdr + 12);
	if ((m->m_flags & M_VLANTAG) != 0 && (layers & LAGG_HASH_L2) != 0)
		h = lagg_fnv32(&m->m_pkthdr.ether_vtag, 2, h);
	else if (type == KETHERTYPE_VLAN && len >= off + KETHER_VLAN_LEN) {
		if (layers & LAGG_HASH_L2)
			h = lagg_fnv32(hdr + off, 2, h);
		type = be16dec(hdr + off + 2);
		off += KETHER_VLAN_LEN;
	}
	if (type == KETHERTYPE_IP && len >= off + sizeof(struct kip))
		h = hash_ip4(hdr + off, len - off, layers, h);
	else if (type == KETHERTYPE_IPV6 && len >= off + sizeof(struct kip6))
		h = hash_ip6(hdr + off, layers, h);
	return (h);
}
