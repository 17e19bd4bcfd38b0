#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/net/if_llatbl.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/ip_var.h>
#include <ktsim/netinet/tcp.h>
#include <ktsim/netinet/tcp_var.h>

#include "inet_private.h"
#include "seg.h"

static const uint8_t peer_lladdr[6] = { 2, 0, 0, 0, 'p', 0 };
static const uint8_t host_lladdr[6] = { 2, 0, 0, 0, 'h', 0 };

static struct in_any
addr_of(int family, uint8_t host)
{
	struct in_any a = { { 0 } };

	a.a[0] = family == KAF_INET ? 10 : 0xfd;
	a.a[family == KAF_INET ? 3 : 15] = host;
	return (a);
}

static uint32_t
iphlen(const struct seg_host *h)
{
	return (h->family == KAF_INET6 ? 40 : 20);
}

struct tcpcb *
seg_tcpcb(const struct seg_host *h)
{
	struct inpcb *inp;

	if (h->so != NULL)
		return (sototcpcb(h->so));
	TAILQ_FOREACH(inp, &h->v->v_inet->is_pcbs, inp_list)
		if (inp->inp_faddr.sa_port != 0)
			return (intotcpcb(inp));
	return (NULL);
}

/* --- what the host sends --- */

static void
sent_options(const struct seg_host *h, const uint8_t *p, uint32_t len,
    struct seg_pkt *k)
{
	const struct tcpcb *tp = seg_tcpcb(h);
	struct seg_opt *o;

	k->has_opts = true;
	while (len > 0 && k->nopts < SEG_MAXOPTS) {
		o = &k->opt[k->nopts++];
		if (p[0] == KTCPOPT_NOP) {
			o->kind = SO_NOP;
			p++;
			len--;
			continue;
		}
		switch (p[0]) {
		case KTCPOPT_MAXSEG:
			o->kind = SO_MSS;
			o->v[0] = be16dec(p + 2);
			break;
		case KTCPOPT_WINDOW:
			o->kind = SO_WSCALE;
			o->v[0] = p[2];
			break;
		case KTCPOPT_SACK_PERMITTED:
			o->kind = SO_SACKOK;
			break;
		case KTCPOPT_TIMESTAMP:
			o->kind = SO_TS;
			o->v[0] =
			    be32dec(p + 2) - (tp != NULL ? tp->ts_offset : 0);
			o->v[1] = be32dec(p + 6);
			break;
		case KTCPOPT_SACK:
			o->kind = SO_SACK;
			for (unsigned i = 2; i < p[1] && o->n < 8; i += 4)
				o->v[o->n++] = be32dec(p + i) - SEG_IRS;
			break;
		}
		len -= MIN(len, p[1]);
		p += p[1];
	}
}

static void
sent_tcp(struct seg_host *h, const uint8_t *ip, const uint8_t *th,
    uint32_t tlen, const char *why)
{
	struct seg_sent *s = calloc(1, sizeof(*s));
	struct seg_pkt *p = &s->p;
	uint32_t hlen = (th[12] >> 4) * 4u;

	s->when = h->tb->tb_now;
	p->flags = th[13];
	p->seq = be32dec(th + 4) - h->iss;
	p->len = tlen - hlen;
	p->has_ack = (p->flags & KTH_ACK) != 0;
	p->ack = p->has_ack ? be32dec(th + 8) - SEG_IRS : 0;
	/* A reset for nobody has the number that was asked for. */
	p->has_win = true;
	p->win = be16dec(th + 14);
	p->ecn = h->family == KAF_INET6 ? ip[1] >> 4 & 3 : ip[1] & 3;
	sent_options(h, th + 20, hlen - 20, p);
	if (why != NULL) {
		p->has_why = true;
		snprintf(p->why, sizeof(p->why), "%s", why);
	}
	*h->sent_tail = s;
	h->sent_tail = &s->next;
	strbuf_addf(&h->log, "  %.6f > ", (double)s->when / 1e12);
	seg_print(p, NULL, &h->log);
	strbuf_adds(&h->log, "\n");
}

/* One frame on the wire. */
static void
sent_frame(struct seg_host *h, const uint8_t *d, uint32_t len, const char *why)
{
	const uint8_t *ip = d + KETHER_HDR_LEN, *th = ip + iphlen(h);
	uint32_t tlen;

	h->ip_id_len = len - KETHER_HDR_LEN;
	if (be16dec(d + 12) == KETHERTYPE_ARP)
		return;
	tlen = h->family == KAF_INET6 ? be16dec(ip + 4) : be16dec(ip + 2) - 20u;
	if (ip[h->family == KAF_INET6 ? 6 : 9] != KIPPROTO_TCP) {
		strbuf_addf(&h->log, "  %.6f > icmp type %u, %u bytes\n",
		    (double)h->tb->tb_now / 1e12, th[0], tlen);
		return;
	}
	sent_tcp(h, ip, th, tlen, why);
}

/* The card cuts a burst as they all do. */
static void
sent_burst(struct seg_host *h, const uint8_t *d, uint32_t len,
    const struct mbuf *m)
{
	uint32_t l3 = KETHER_HDR_LEN + iphlen(h), hdr, off, n;
	uint8_t f[KETHER_HDR_LEN + 100 + 65536];

	hdr = l3 + (d[l3 + 12] >> 4) * 4u;
	for (off = 0; off < len - hdr; off += n) {
		n = MIN((uint32_t)m->m_pkthdr.tso_segsz, len - hdr - off);
		memcpy(f, d, hdr);
		memcpy(f + hdr, d + hdr + off, n);
		be32enc(f + l3 + 4, be32dec(d + l3 + 4) + off);
		if (off + n < len - hdr)
			f[l3 + 13] &= (uint8_t) ~(KTH_FIN | KTH_PUSH);
		if (off > 0)
			f[l3 + 13] &= (uint8_t)~KTH_CWR;
		if (h->family == KAF_INET6)
			be16enc(f + KETHER_HDR_LEN + 4,
			    (uint16_t)(hdr + n - l3));
		else
			be16enc(f + KETHER_HDR_LEN + 2,
			    (uint16_t)(hdr + n - KETHER_HDR_LEN));
		sent_frame(h, f, hdr + n, m->m_pkthdr.note.pn_why);
	}
}

static int
host_transmit(struct ifnet *ifp, struct mbuf *m)
{
	struct seg_host *h = (struct seg_host *)(void *)ifp;
	uint32_t len = (uint32_t)m->m_pkthdr.len;
	uint8_t *d;

	if (h->refuse > 0) {
		h->refuse--;
		m_freem(m);
		return (ENOBUFS);
	}
	d = malloc(len);
	m_copydata(m, 0, (int)len, d);
	if ((m->m_pkthdr.csum_flags & CSUM_TSO) != 0)
		sent_burst(h, d, len, m);
	else
		sent_frame(h, d, len, m->m_pkthdr.note.pn_why);
	free(d);
	m_freem(m);
	return (0);
}

/* --- what it gets --- */

static uint32_t
put_options(const struct seg_host *h, const struct seg_pkt *p, uint8_t *o)
{
	const struct tcpcb *tp = seg_tcpcb(h);
	const struct seg_opt *s;
	uint8_t *b = o;

	for (unsigned i = 0; i < p->nopts; i++) {
		s = &p->opt[i];
		switch (s->kind) {
		case SO_MSS:
			b[0] = KTCPOPT_MAXSEG;
			b[1] = 4;
			be16enc(b + 2, (uint16_t)s->v[0]);
			break;
		case SO_NOP:
			*b++ = KTCPOPT_NOP;
			continue;
		case SO_WSCALE:
			b[0] = KTCPOPT_WINDOW;
			b[1] = 3;
			b[2] = (uint8_t)s->v[0];
			break;
		case SO_SACKOK:
			b[0] = KTCPOPT_SACK_PERMITTED;
			b[1] = 2;
			break;
		case SO_TS:
			b[0] = KTCPOPT_TIMESTAMP;
			b[1] = 10;
			be32enc(b + 2, s->v[0]);
			be32enc(b + 6,
			    s->v[1] == 0 || tp == NULL
				? 0
				: s->v[1] + tp->ts_offset);
			break;
		case SO_SACK:
			b[0] = KTCPOPT_SACK;
			b[1] = (uint8_t)(2 + 4 * s->n);
			for (unsigned j = 0; j < s->n; j++)
				be32enc(b + 2 + 4 * j, s->v[j] + h->iss);
			break;
		}
		b += b[1];
	}
	while ((b - o) % 4 != 0)
		*b++ = KTCPOPT_EOL;
	return ((uint32_t)(b - o));
}

static uint8_t *
put_ip(const struct seg_host *h, uint8_t *ip, uint8_t proto, uint32_t len,
    uint8_t ecn)
{
	struct in_any us = addr_of(h->family, 1), peer = addr_of(h->family, 2);

	memset(ip, 0, iphlen(h));
	if (h->family == KAF_INET6) {
		ip[0] = 0x60;
		ip[1] = (uint8_t)(ecn << 4);
		be16enc(ip + 4, (uint16_t)len);
		ip[6] = proto == KIPPROTO_ICMP ? KIPPROTO_ICMPV6 : proto;
		ip[7] = 64;
		memcpy(ip + 8, peer.a, 16);
		memcpy(ip + 24, us.a, 16);
	} else {
		ip[0] = 0x45;
		ip[1] = ecn;
		be16enc(ip + 2, (uint16_t)(20 + len));
		ip[8] = 64;
		ip[9] = proto;
		memcpy(ip + 12, peer.a, 4);
		memcpy(ip + 16, us.a, 4);
		be16enc(ip + 10, (uint16_t)~in_sum(ip, 20));
	}
	return (ip + iphlen(h));
}

static uint16_t
l4_sum(const struct seg_host *h, const uint8_t *l4, uint8_t proto, uint32_t len)
{
	struct in_any us = addr_of(h->family, 1), peer = addr_of(h->family, 2);

	return ((uint16_t)~in_sum_add(in_sum_pseudo(peer.a, us.a,
					  h->family == KAF_INET6 ? 16 : 4,
					  proto, len),
	    in_sum(l4, len), 0));
}

static void
deliver(struct seg_host *h, const uint8_t *pkt, uint32_t len)
{
	struct mbuf *m;

	m = m_getjcl(h->v->v_mb, M_WAITOK, MT_DATA, M_PKTHDR, MJUM16BYTES);
	memcpy(m->m_data, host_lladdr, 6);
	memcpy(m->m_data + 6, peer_lladdr, 6);
	be16enc(m->m_data + 12,
	    h->family == KAF_INET6 ? KETHERTYPE_IPV6 : KETHERTYPE_IP);
	memcpy(m->m_data + KETHER_HDR_LEN, pkt, len);
	m->m_len = m->m_pkthdr.len = (int32_t)(KETHER_HDR_LEN + len);
	m->m_pkthdr.rcvif = &h->ifn;
	h->ifn.if_input(&h->ifn, m);
}

void
seg_inject(struct seg_host *h, const struct seg_pkt *p)
{
	uint8_t pkt[16384], *th, opts[64];
	uint32_t olen = put_options(h, p, opts), tlen;

	tlen = 20 + olen + p->len;
	th = put_ip(h, pkt, KIPPROTO_TCP, tlen, p->ecn);
	memset(th, 0, 20);
	be16enc(th, h->fport);
	be16enc(th + 2, h->lport);
	be32enc(th + 4, p->seq + SEG_IRS);
	be32enc(th + 8, p->has_ack ? p->ack + h->iss : 0);
	th[12] = (uint8_t)((20 + olen) / 4 << 4);
	th[13] = p->flags;
	be16enc(th + 14, (uint16_t)p->win);
	memcpy(th + 20, opts, olen);
	for (uint32_t i = 0; i < p->len; i++)
		th[20 + olen + i] = (uint8_t)(p->seq + i);
	be16enc(th + 16, l4_sum(h, th, KIPPROTO_TCP, tlen));
	strbuf_addf(&h->log, "  %.6f < ", (double)h->tb->tb_now / 1e12);
	seg_print(p, NULL, &h->log);
	strbuf_adds(&h->log, "\n");
	deliver(h, pkt, iphlen(h) + tlen);
}

/* The packet quoted is one of ours. */
static uint32_t
put_quote(const struct seg_host *h, uint8_t *q, uint32_t seq)
{
	struct in_any us = addr_of(h->family, 1), peer = addr_of(h->family, 2);
	uint8_t *th = q + iphlen(h);

	memset(q, 0, iphlen(h) + 8);
	q[0] = h->family == KAF_INET6 ? 0x60 : 0x45;
	if (h->family == KAF_INET6) {
		be16enc(q + 4, SEG_MTU - 40);
		q[6] = KIPPROTO_TCP;
		memcpy(q + 8, us.a, 16);
		memcpy(q + 24, peer.a, 16);
	} else {
		be16enc(q + 2, SEG_MTU);
		q[9] = KIPPROTO_TCP;
		memcpy(q + 12, us.a, 4);
		memcpy(q + 16, peer.a, 4);
	}
	be16enc(th, h->lport);
	be16enc(th + 2, h->fport);
	be32enc(th + 4, seq + h->iss);
	return (iphlen(h) + 8);
}

static void
icmp_deliver(struct seg_host *h, uint8_t *pkt, uint8_t *icmp, uint32_t len)
{
	be16enc(icmp + 2, 0);
	be16enc(icmp + 2,
	    h->family == KAF_INET6 ? l4_sum(h, icmp, KIPPROTO_ICMPV6, len)
				   : (uint16_t)~in_sum(icmp, len));
	deliver(h, pkt, iphlen(h) + len);
}

void
seg_icmp(struct seg_host *h, uint32_t seq, uint32_t mtu)
{
	uint32_t len = 8 + iphlen(h) + 8;
	uint8_t pkt[256], *icmp = put_ip(h, pkt, KIPPROTO_ICMP, len, 0);
	bool v6 = h->family == KAF_INET6;

	memset(icmp, 0, 8);
	icmp[0] = v6 ? (mtu != 0 ? 2 : 1) : 3;
	icmp[1] = v6 ? (mtu != 0 ? 0 : 4) : (mtu != 0 ? 4 : 3);
	if (v6)
		be32enc(icmp + 4, mtu);
	else
		be16enc(icmp + 6, (uint16_t)mtu);
	(void)put_quote(h, icmp + 8, seq);
	icmp_deliver(h, pkt, icmp, len);
}

void
seg_echo(struct seg_host *h, uint32_t len)
{
	uint8_t pkt[16384], *icmp = put_ip(h, pkt, KIPPROTO_ICMP, 8 + len, 0);

	memset(icmp, 0x5a, 8 + len);
	icmp[0] = h->family == KAF_INET6 ? 128 : 8;
	icmp[1] = 0;
	icmp_deliver(h, pkt, icmp, 8 + len);
}

/* --- life --- */

static void
tick(void *arg)
{
}

void
seg_run_until(struct seg_host *h, simtime_t when)
{
	if (when > h->tb->tb_now)
		timebase_post(h->tb, &h->tick, when);
	(void)engine_run(h->eng, when);
}

void
seg_host_init(struct seg_host *h, int family, uint32_t mtu, bool tso)
{
	struct vnet_params vp = { .vp_name = "h", .vp_ncpus = 1, .vp_seed = 1 };
	struct in_any us = addr_of(family, 1), peer = addr_of(family, 2);

	memset(h, 0, sizeof(*h));
	h->family = family;
	h->sent_tail = &h->sent;
	h->eng = engine_create();
	h->tb = engine_timebase(h->eng);
	h->jobs = hostpool_create(0);
	vp.vp_tb = h->tb;
	vp.vp_jobs = h->jobs;
	h->v = vnet_create(&vp);
	net_attach(h->v);
	inet_attach(h->v);
	h->mss = mtu - 20 - (family == KAF_INET6 ? 40 : 20);
	sim_event_init(&h->tick, EV_JUDGE, "tick", tick, NULL);
	h->ifn.if_transmit = host_transmit;
	h->ifn.if_capabilities = h->ifn.if_capenable = IFCAP_TXCSUM |
	    IFCAP_TXCSUM_IPV6 | IFCAP_MEXTPG |
	    (tso ? IFCAP_TSO4 | IFCAP_TSO6 : 0);
	h->ifn.if_mtu = mtu;
	ether_ifattach(&h->ifn, host_lladdr);
	if_attach(h->v, &h->ifn, "em0");
	if_setflags(&h->ifn, h->ifn.if_flags | IFF_UP | IFF_DRV_RUNNING);
	if_link_state_change(&h->ifn, LINK_STATE_UP);
	if_addr_add(&h->ifn, family, &us, family == KAF_INET6 ? 64 : 24);
	lle_learn(&h->ifn, family, &peer, peer_lladdr, true);
}

bool
seg_host_fini(struct seg_host *h, struct strbuf *err)
{
	struct socket *so = h->so;
	struct seg_sent *s;
	bool ok;

	h->so = NULL; /* what it sends now is not looked at */
	if (so != NULL)
		soclose(so);
	if (h->lso != NULL)
		soclose(h->lso);
	inet_purge(h->v);
	seg_run_until(h, h->tb->tb_now + SIM_SEC);
	timebase_cancel(h->tb, &h->tick);
	while ((s = h->sent) != NULL) {
		h->sent = s->next;
		free(s);
	}
	if_detach(&h->ifn);
	ok = vnet_leaks(h->v, err) == 0;
	inet_detach(h->v);
	net_detach(h->v);
	vnet_destroy(h->v);
	hostpool_destroy(h->jobs);
	engine_destroy(h->eng);
	strbuf_fini(&h->log);
	return (ok);
}
