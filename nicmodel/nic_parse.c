#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/tcp.h>

#include "nic_parse.h"

static bool
parse_v4(const uint8_t *p, uint32_t len, uint16_t *l3)
{
	if (len < sizeof(struct kip) || (p[0] >> 4) != 4)
		return (false);
	*l3 = (uint16_t)((p[0] & 0xf) * 4);
	/* A later fragment has no TCP header. */
	return (*l3 >= sizeof(struct kip) && p[9] == KIPPROTO_TCP &&
	    (be16dec(p + 6) & (KIP_MF | KIP_OFFMASK)) == 0);
}

static bool
parse_v6(const uint8_t *p, uint32_t len, uint16_t *l3)
{
	*l3 = sizeof(struct kip6);
	return (len >= *l3 && (p[0] >> 4) == 6 && p[6] == KIPPROTO_TCP);
}

void
nic_parse_hdr(const uint8_t *hdr, uint32_t len, uint16_t *l2, uint16_t *l3,
    uint16_t *l4)
{
	uint16_t type;
	bool tcp = false;

	*l2 = KETHER_HDR_LEN;
	*l3 = *l4 = 0;
	if (len < KETHER_HDR_LEN)
		return;
	type = be16dec(hdr + 12);
	if (type == KETHERTYPE_VLAN &&
	    len >= KETHER_HDR_LEN + KETHER_VLAN_LEN) {
		type = be16dec(hdr + 16);
		*l2 += KETHER_VLAN_LEN;
	}
	if (type == KETHERTYPE_IP)
		tcp = parse_v4(hdr + *l2, len - *l2, l3);
	else if (type == KETHERTYPE_IPV6)
		tcp = parse_v6(hdr + *l2, len - *l2, l3);
	if (!tcp || len < (uint32_t)*l2 + *l3 + sizeof(struct ktcphdr)) {
		*l3 = 0;
		return;
	}
	*l4 = (uint16_t)((hdr[*l2 + *l3 + 12] >> 4) * 4);
	if (*l4 < sizeof(struct ktcphdr) || (uint32_t)*l2 + *l3 + *l4 > len)
		*l3 = *l4 = 0;
}

void
nic_hdr_parse(struct nic_hdr *h)
{
	nic_parse_hdr(h->h_bytes, h->h_len, &h->h_l2len, &h->h_l3len,
	    &h->h_l4len);
	h->h_ipv6 = false;
	h->h_seq = 0;
	if (h->h_l4len == 0)
		return;
	h->h_len = (uint16_t)(h->h_l2len + h->h_l3len + h->h_l4len);
	h->h_ipv6 = (h->h_bytes[h->h_l2len] >> 4) == 6;
	h->h_seq = be32dec(h->h_bytes + h->h_l2len + h->h_l3len + 4);
}

uint16_t
nic_vtag(const struct mbuf *m)
{
	return ((m->m_flags & M_VLANTAG) != 0 ? m->m_pkthdr.ether_vtag : 0);
}

void
nic_hdr_vlan(struct nic_hdr *h, uint16_t vtag)
{
	const uint32_t macs = 2 * KETHER_ADDR_LEN;
	uint8_t *p = h->h_bytes + macs;

	if (vtag == 0)
		return;
	KASSERT(h->h_len + KETHER_VLAN_LEN <= FRAME_HDR_MAX,
	    ("header of %u bytes and a VLAN tag", h->h_len));
	memmove(p + KETHER_VLAN_LEN, p, h->h_len - macs);
	be16enc(p, KETHERTYPE_VLAN);
	be16enc(p + 2, vtag);
	h->h_len += KETHER_VLAN_LEN;
	h->h_l2len += KETHER_VLAN_LEN;
}

int
nic_parse(struct mbuf *m, struct nic_pkt *p)
{
	uint32_t total = (uint32_t)m->m_pkthdr.len;
	struct nic_hdr *h = &p->p_hdr;

	if (total < KETHER_HDR_LEN)
		return (EINVAL);
	h->h_len = (uint16_t)MIN(total,
	    (uint32_t)FRAME_HDR_MAX - (nic_vtag(m) != 0 ? KETHER_VLAN_LEN : 0));
	m_copydata(m, 0, h->h_len, h->h_bytes);
	nic_hdr_parse(h);
	p->p_m = m;
	p->p_paylen = total - h->h_len;
	p->p_mss =
	    (m->m_pkthdr.csum_flags & CSUM_TSO) ? m->m_pkthdr.tso_segsz : 0;
	p->p_csum = h->h_l4len != 0 &&
	    (m->m_pkthdr.csum_flags & (CSUM_TCP_ANY | CSUM_TSO)) != 0;
	if (p->p_paylen > FRAMEBUF_SIZE || (h->h_l4len == 0 && p->p_mss != 0))
		return (EINVAL);
	return (0);
}
