#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/tcp.h>
#include <ktsim/netinet/tcp_lro.h>

#define LRO_LENGTH_LIM 65535 /* of the merged IP packet */
#define TCPOPT_TSTAMP_HDR \
	(KTCPOPT_NOP << 24 | KTCPOPT_NOP << 16 | KTCPOPT_TIMESTAMP << 8 | 10)

/* One connection's segments of this interrupt. */
struct lro_entry {
	struct mbuf *le_head, *le_tail; /* NULL: free */
	uint8_t le_key[39];		/* addresses, ports, family, VLAN */
	uint32_t le_next_seq;
	uint32_t le_iplen;     /* of the merged packet */
	uint16_t le_l3, le_th; /* offsets in the first mbuf */
	bool le_ts;
	uint32_t le_tsval;
	uint32_t le_nsegs;
	uint8_t le_flags, le_tos; /* a mark must not get lost */
	uint32_t le_tls; /* what the card decrypted stays apart from the rest */
};

struct lro_ctrl {
	struct ifnet *lc_ifp;
	struct lro_entry lc_e[TCP_LRO_ENTRIES];
	unsigned lc_next; /* to be evicted */
	struct lro_stats lc_stats;
};

/* A packet as far as it matters here. */
struct lro_pkt {
	uint8_t key[39];
	uint16_t l3, th, hdrlen; /* offsets; all headers together */
	uint32_t iplen, datalen, seq;
	uint8_t flags, tos;
	bool ts;
	uint32_t tsval;
};

struct lro_ctrl *
tcp_lro_init(struct ifnet *ifp)
{
	struct lro_ctrl *lc = xcalloc(1, sizeof(*lc));

	lc->lc_ifp = ifp;
	return (lc);
}

void
tcp_lro_free(struct lro_ctrl *lc)
{
	if (lc == NULL)
		return;
	for (int i = 0; i < TCP_LRO_ENTRIES; i++)
		KASSERT(lc->lc_e[i].le_head == NULL,
		    ("tcp_lro_free: segments are left"));
	free(lc);
}

struct lro_stats *
tcp_lro_stats(struct lro_ctrl *lc)
{
	return (&lc->lc_stats);
}

/* --- parsing --- */

static bool
lro_ip4(const uint8_t *ip, uint32_t len, struct lro_pkt *p)
{
	if (len < sizeof(struct kip) || ip[0] != 0x45 ||
	    ip[9] != KIPPROTO_TCP ||
	    (be16dec(ip + 6) & (KIP_MF | KIP_OFFMASK)) != 0)
		return (false);
	p->iplen = be16dec(ip + 2);
	p->tos = ip[1];
	p->th = (uint16_t)(p->l3 + sizeof(struct kip));
	memcpy(p->key, ip + 12, 8);
	p->key[36] = 4;
	return (true);
}

static bool
lro_ip6(const uint8_t *ip, uint32_t len, struct lro_pkt *p)
{
	if (len < sizeof(struct kip6) || ip[0] >> 4 != 6 ||
	    ip[6] != KIPPROTO_TCP)
		return (false);
	p->iplen = sizeof(struct kip6) + be16dec(ip + 4);
	p->tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
	p->th = (uint16_t)(p->l3 + sizeof(struct kip6));
	memcpy(p->key, ip + 8, 32);
	p->key[36] = 6;
	return (true);
}

/* The connection is known when this is true; whether it can be merged is
 * another question. */
static bool
lro_parse_flow(const struct mbuf *m, struct lro_pkt *p)
{
	const uint8_t *h = m->m_data;
	uint32_t len = (uint32_t)m->m_len;
	uint16_t type;

	memset(p, 0, sizeof(*p));
	if (len < KETHER_HDR_LEN)
		return (false);
	p->l3 = KETHER_HDR_LEN;
	type = be16dec(h + 12);
	if (type == KETHERTYPE_IP	  ? !lro_ip4(h + p->l3, len - p->l3, p)
		: type == KETHERTYPE_IPV6 ? !lro_ip6(h + p->l3, len - p->l3, p)
					  : true)
		return (false);
	if (len < p->th + sizeof(struct ktcphdr))
		return (false);
	memcpy(p->key + 32, h + p->th, 4);
	if ((m->m_flags & M_VLANTAG) != 0)
		be16enc(p->key + 37, m->m_pkthdr.ether_vtag);
	return (true);
}

static bool
lro_mergeable(const struct mbuf *m, struct lro_pkt *p)
{
	const uint8_t *th = m->m_data + p->th;
	uint32_t thlen = (uint32_t)(th[12] >> 4) * 4;

	p->hdrlen = (uint16_t)(p->th + thlen);
	p->flags = th[13];
	if ((p->flags & ~(KTH_ACK | KTH_PUSH)) != 0 ||
	    (p->flags & KTH_ACK) == 0 || (uint32_t)m->m_len < p->hdrlen)
		return (false);
	if (thlen == sizeof(struct ktcphdr) + 12 &&
	    be32dec(th + 20) == TCPOPT_TSTAMP_HDR) {
		p->ts = true;
		p->tsval = be32dec(th + 24);
	} else if (thlen != sizeof(struct ktcphdr))
		return (false);
	if ((uint32_t)m->m_pkthdr.len != p->l3 + p->iplen ||
	    p->iplen <= (uint32_t)(p->hdrlen - p->l3))
		return (false);
	p->datalen = p->iplen - (p->hdrlen - p->l3);
	p->seq = be32dec(th + 4);
	return ((m->m_pkthdr.csum_flags & CSUM_L4_VALID) != 0);
}

/* --- collecting --- */

/* The headers of the first segment say what all of them say together. */
static void
lro_rewrite(struct lro_entry *le)
{
	uint8_t *ip = le->le_head->m_data + le->le_l3;
	uint8_t *th = le->le_head->m_data + le->le_th;

	if (le->le_key[36] == 4)
		be16enc(ip + 2, (uint16_t)le->le_iplen);
	else
		be16enc(ip + 4, (uint16_t)(le->le_iplen - sizeof(struct kip6)));
	th[13] = le->le_flags;
	le->le_head->m_pkthdr.len = (int32_t)(le->le_l3 + le->le_iplen);
	le->le_head->m_pkthdr.lro_nsegs = (uint16_t)le->le_nsegs;
}

static void
lro_flush(struct lro_ctrl *lc, struct lro_entry *le)
{
	struct mbuf *m = le->le_head;

	if (m == NULL)
		return;
	if (le->le_nsegs > 1)
		lro_rewrite(le);
	le->le_head = NULL;
	lc->lc_stats.lro_flushed++;
	lc->lc_ifp->if_input(lc->lc_ifp, m);
}

void
tcp_lro_flush_all(struct lro_ctrl *lc)
{
	for (unsigned i = 0; i < TCP_LRO_ENTRIES; i++)
		lro_flush(lc, &lc->lc_e[(lc->lc_next + i) % TCP_LRO_ENTRIES]);
	lc->lc_next = 0;
}

static struct lro_entry *
lro_find(struct lro_ctrl *lc, const struct lro_pkt *p)
{
	for (unsigned i = 0; i < TCP_LRO_ENTRIES; i++)
		if (lc->lc_e[i].le_head != NULL &&
		    memcmp(lc->lc_e[i].le_key, p->key, sizeof(p->key)) == 0)
			return (&lc->lc_e[i]);
	return (NULL);
}

/* Entries are taken in turn, so the oldest is the one that must go. */
static struct lro_entry *
lro_entry_new(struct lro_ctrl *lc)
{
	struct lro_entry *le = &lc->lc_e[lc->lc_next];

	lc->lc_next = (lc->lc_next + 1) % TCP_LRO_ENTRIES;
	lro_flush(lc, le);
	return (le);
}

static struct mbuf *
lro_last(struct mbuf *m)
{
	while (m->m_next != NULL)
		m = m->m_next;
	return (m);
}

static void
lro_begin(struct lro_entry *le, struct mbuf *m, const struct lro_pkt *p)
{
	le->le_head = m;
	le->le_tail = lro_last(m);
	memcpy(le->le_key, p->key, sizeof(le->le_key));
	le->le_next_seq = p->seq + p->datalen;
	le->le_iplen = p->iplen;
	le->le_l3 = p->l3;
	le->le_th = p->th;
	le->le_ts = p->ts;
	le->le_tsval = p->tsval;
	le->le_nsegs = 1;
	le->le_flags = p->flags;
	le->le_tos = p->tos;
	le->le_tls = m->m_pkthdr.csum_flags & CSUM_TLS_MASK;
}

static bool
lro_follows(const struct lro_entry *le, const struct mbuf *m,
    const struct lro_pkt *p)
{
	return (p->seq == le->le_next_seq && p->ts == le->le_ts &&
	    p->tos == le->le_tos &&
	    (m->m_pkthdr.csum_flags & CSUM_TLS_MASK) == le->le_tls &&
	    (!p->ts || SEQ_GEQ(p->tsval, le->le_tsval)) &&
	    le->le_iplen + p->datalen <= LRO_LENGTH_LIM);
}

/* The newest acknowledgement, window and timestamps count. */
static void
lro_append(struct lro_entry *le, struct mbuf *m, const struct lro_pkt *p)
{
	uint8_t *to = le->le_head->m_data + le->le_th;
	const uint8_t *from = m->m_data + p->th;

	memcpy(to + 8, from + 8, 4);
	memcpy(to + 14, from + 14, 2);
	if (p->ts) {
		memcpy(to + 24, from + 24, 8);
		le->le_tsval = p->tsval;
	}
	le->le_flags |= p->flags;
	le->le_next_seq += p->datalen;
	le->le_iplen += p->datalen;
	le->le_nsegs++;
	m_adj(m, p->hdrlen);
	m->m_flags &= ~(uint32_t)M_PKTHDR;
	if (m->m_len == 0)
		m = m_free(m);
	le->le_tail->m_next = m;
	le->le_tail = lro_last(m);
}

int
tcp_lro_rx(struct lro_ctrl *lc, struct mbuf *m)
{
	struct lro_entry *le;
	struct lro_pkt p;

	if (!lro_parse_flow(m, &p))
		return (TCP_LRO_CANNOT);
	le = lro_find(lc, &p);
	if (!lro_mergeable(m, &p)) {
		if (le != NULL)
			lro_flush(lc, le);
		return (TCP_LRO_CANNOT);
	}
	lc->lc_stats.lro_queued++;
	if (le != NULL && lro_follows(le, m, &p)) {
		lro_append(le, m, &p);
		return (0);
	}
	if (le != NULL)
		lro_flush(lc, le);
	else
		le = lro_entry_new(lc);
	lro_begin(le, m, &p);
	return (0);
}
