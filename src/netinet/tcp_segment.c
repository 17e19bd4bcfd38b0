/*
 * Building one packet: references to the bytes of the send buffer, and the
 * headers in front of them.
 *
 * A packet (or TSO burst) never mixes TLS sessions, nor plaintext of a session
 * with bytes of none: the check in ip_output looks at its first mbuf alone,
 * and a card has one tag per packet. tcp_m_copym ends it at the boundary.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>

#include "tcp_private.h"

#define TCP_LINKHDR \
	20 /* room for the link header with a VLAN tag: max_linkhdr */

/* Whose plaintext these bytes are; NULL: nobody's. */
static const struct ktls_session *
mb_session(const struct mbuf *m)
{
	return ((m->m_flags & M_EXTPG) != 0 ? m->m_epg.tls : NULL);
}

/* DMA segments a card spends on len bytes of this mbuf. */
static uint32_t
mb_segcnt(const struct mbuf *m, uint32_t len, uint32_t segsize)
{
	/* One more for a page's crossing, TLS header and trailer each. */
	if ((m->m_flags & M_EXTPG) != 0)
		return (3 + howmany(len, MIN(segsize, PAGE_SIZE)));
	return (howmany(len, segsize));
}

/* As many bytes of the mbuf as `left` segments hold. */
static uint32_t
mb_fit(const struct mbuf *m, uint32_t len, uint32_t left, uint32_t segsize)
{
	uint32_t fixed = 0;

	if ((m->m_flags & M_EXTPG) != 0) {
		fixed = 3;
		segsize = MIN(segsize, PAGE_SIZE);
	}
	if (left <= fixed)
		return (0);
	return (
	    (uint32_t)MIN((uint64_t)len, (uint64_t)(left - fixed) * segsize));
}

/* A reference to [off, off+len) of one mbuf, or a copy of what is inside. */
static struct mbuf *
mb_slice(struct mbuf *m, uint32_t off, uint32_t len)
{
	struct mbuf *n;

	n = m_get(m->m_mb, M_NOWAIT, m->m_type);
	if (n == NULL)
		return (NULL);
	if ((m->m_flags & M_EXT) != 0) {
		mb_dupcl(n, m);
		n->m_len = m->m_len;
		m_advance(n, (int)off);
	} else
		memcpy(n->m_data, m->m_data + off, len);
	n->m_len = (int32_t)len;
	return (n);
}

struct mbuf *
tcp_m_copym(struct tcpcb *tp, struct mbuf *m, uint32_t off, uint32_t *lenp,
    uint32_t maxsegcnt, uint32_t maxsegsize, bool hw_tls)
{
	const struct ktls_session *tls;
	struct mbuf *top = NULL, **tail = &top, *n;
	uint32_t want = *lenp, done = 0, used = 0, take;

	KASSERT(off < (uint32_t)m->m_len || want == 0,
	    ("tcp_m_copym: offset "
	     "%u of %d",
		off, m->m_len));
	tls = mb_session(m);
	for (; m != NULL && done < want; m = m->m_next, off = 0) {
		if (mb_session(m) != tls)
			break;
		KASSERT((m->m_flags & M_NOTAVAIL) == 0,
		    ("tcp_m_copym: conn %u sends what is not ready",
			tp->t_conn));
		take = MIN(want - done, (uint32_t)m->m_len - off);
		if (take == 0)
			continue;
		if (maxsegcnt != 0) {
			take = mb_fit(m, take, maxsegcnt - used, maxsegsize);
			if (take == 0)
				break;
			used += mb_segcnt(m, take, maxsegsize);
		}
		n = mb_slice(m, off, take);
		if (n == NULL) {
			if (!V_DEFECT(tp->t_inpcb->inp_vnet,
				CLONE_FAILURE_LEAKS))
				m_freem(top);
			*lenp = 0;
			return (NULL);
		}
		*tail = n;
		tail = &n->m_next;
		done += take;
		if (take < (uint32_t)m->m_len - off)
			break;
	}
	*lenp = done;
	return (top);
}

/* Small plain data travels inside the header's mbuf. */
static bool
tcp_copy_inline(const struct tcp_xmit *tx, const struct mbuf *mb,
    uint32_t hdrlen)
{
	return (tx->tx_tp->t_nic_ktls_xmit == 0 &&
	    tx->tx_len + hdrlen + TCP_LINKHDR <= MHLEN &&
	    mb_session(mb) == NULL);
}

/* Payload behind the header mbuf m. False: no memory. */
static bool
tcp_attach_payload(struct tcp_xmit *tx, struct mbuf *m)
{
	struct tcpcb *tp = tx->tx_tp;
	struct sockbuf *sb = &tx->tx_so->so_snd;
	uint32_t moff, off = tx->tx_off, len = tx->tx_len;
	struct mbuf *mb;

	if (V_DEFECT(tp->t_inpcb->inp_vnet, TCP_REXMIT_OFFSET) &&
	    tx->tx_rexmit && tx->tx_off + len < sbavail(sb))
		off++;
	mb = sbsndptr_noadv(sb, off, &moff);
	if (tcp_copy_inline(tx, mb, (uint32_t)m->m_len)) {
		m_copydata(mb, (int)moff, (int)len, m->m_data + m->m_len);
		m->m_len += (int32_t)len;
	} else {
		m->m_next = tcp_m_copym(tp, mb, moff, &len,
		    tx->tx_tso && tp->t_tsomaxsegsize != 0
			? tp->t_tsomaxsegcount
			: 0,
		    tp->t_tsomaxsegsize, tp->t_nic_ktls_xmit != 0);
		if (m->m_next == NULL)
			return (false);
	}
	if (len < tx->tx_len) {
		tx->tx_len = len;
		tx->tx_flags &= (uint8_t)~KTH_FIN;
		tx->tx_sendalot = true;
	}
	if (tx->tx_len <= (uint32_t)tp->t_maxseg - tx->tx_optlen)
		tx->tx_tso = false;
	if (!tx->tx_rexmit)
		sbsndptr_adv(sb, mb, tx->tx_len);
	return (true);
}

static void
tcp_fill_tcphdr(const struct tcp_xmit *tx, struct ktcphdr *th)
{
	const struct tcpcb *tp = tx->tx_tp;
	const struct inpcb *inp = tp->t_inpcb;
	uint32_t win = tx->tx_recwin;

	if ((tx->tx_flags & KTH_SYN) == 0)
		win >>= tp->rcv_scale;
	memset(th, 0, sizeof(*th));
	be16enc(th->th_sport, inp->inp_laddr.sa_port);
	be16enc(th->th_dport, inp->inp_faddr.sa_port);
	be32enc(th->th_seq, tx->tx_seq);
	if ((tx->tx_flags & KTH_ACK) != 0)
		be32enc(th->th_ack, tp->rcv_nxt);
	th->th_off = (uint8_t)(((sizeof(*th) + tx->tx_optlen) >> 2) << 4);
	th->th_flags = tx->tx_flags;
	be16enc(th->th_win, (uint16_t)win);
	memcpy(th + 1, tx->tx_opt, tx->tx_optlen);
}

static void
tcp_fill_note(const struct tcp_xmit *tx, struct mbuf *m)
{
	const struct tcpcb *tp = tx->tx_tp;
	struct pkt_note *pn = &m->m_pkthdr.note;
	const struct mbuf *n = m->m_next;

	pn->pn_tcp = true;
	pn->pn_conn = tp->t_conn;
	pn->pn_snd_max = tp->snd_max;
	pn->pn_why = tx->tx_why;
	if (n == NULL || (n->m_flags & M_EXTPG) == 0)
		return;
	pn->pn_mode = n->m_epg.tls != NULL ? PKT_KTLS_IFNET : PKT_KTLS_SW;
	pn->pn_rec_seqno = n->m_epg.seqno;
	pn->pn_rec_off = n->m_epg_off;
}

/*
 * What the card needs to know. The checksum field gets the pseudo header's
 * sum, with the length of the whole burst, as FreeBSD leaves it to drivers.
 */
static void
tcp_fill_offload(const struct tcp_xmit *tx, struct mbuf *m, struct ktcphdr *th,
    uint32_t iphlen, uint32_t tcplen)
{
	const struct tcpcb *tp = tx->tx_tp;
	const struct inpcb *inp = tp->t_inpcb;
	bool v6 = inp->inp_family == KAF_INET6;

	m->m_pkthdr.csum_flags = v6 ? CSUM_IP6_TCP : CSUM_IP_TCP;
	if (tx->tx_tso) {
		m->m_pkthdr.csum_flags |= v6 ? CSUM_IP6_TSO : CSUM_IP_TSO;
		m->m_pkthdr.tso_segsz =
		    (uint16_t)(tp->t_maxseg - tx->tx_optlen);
	}
	be16enc(th->th_sum,
	    in_sum_pseudo(inp->inp_laddr.sa_addr.a, inp->inp_faddr.sa_addr.a,
		v6 ? 16 : 4, KIPPROTO_TCP, tcplen));
	m->m_pkthdr.flowid = inp->inp_flowid;
	m->m_pkthdr.rsstype = inp->inp_flowtype;
	m->m_pkthdr.numa_domain = inp->inp_numa_domain;
	m->m_pkthdr.l3hlen = (uint8_t)iphlen;
	m->m_pkthdr.l4hlen = (uint8_t)(sizeof(*th) + tx->tx_optlen);
}

/* ECT(0): routers may mark instead of dropping. */
static void
tcp_fill_ect(uint8_t *ip, uint8_t family)
{
	if (family == KAF_INET6)
		ip[1] |= 0x2 << 4;
	else
		ip[1] |= 0x2;
}

struct mbuf *
tcp_build(struct tcp_xmit *tx)
{
	struct inpcb *inp = tx->tx_tp->t_inpcb;
	struct ktcphdr *th;
	struct mbuf *m;
	uint32_t iphlen, thlen = sizeof(*th) + tx->tx_optlen;

	iphlen = inp->inp_family == KAF_INET6 ? sizeof(struct kip6)
					      : sizeof(struct kip);
	m = m_gethdr(inp->inp_vnet->v_mb, M_NOWAIT, MT_DATA);
	if (m == NULL)
		return (NULL);
	m->m_data += TCP_LINKHDR;
	m->m_len = (int32_t)(iphlen + thlen);
	if (tx->tx_len > 0 && !tcp_attach_payload(tx, m)) {
		m_freem(m);
		return (NULL);
	}
	/* PUSH when this empties the buffer, also of what is not ready. */
	if (tx->tx_len > 0 &&
	    tx->tx_off + tx->tx_len == sbused(&tx->tx_so->so_snd))
		tx->tx_flags |= KTH_PUSH;
	(void)tcp_fill_iphdr(m->m_data, &inp->inp_laddr, &inp->inp_faddr,
	    thlen + tx->tx_len);
	if (tx->tx_ect)
		tcp_fill_ect(m->m_data, inp->inp_family);
	th = (struct ktcphdr *)(void *)(m->m_data + iphlen);
	tcp_fill_tcphdr(tx, th);
	m->m_pkthdr.len = (int32_t)(iphlen + thlen + tx->tx_len);
	tcp_fill_offload(tx, m, th, iphlen, thlen + tx->tx_len);
	tcp_fill_note(tx, m);
	return (m);
}
