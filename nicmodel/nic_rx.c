/*
 * The receive side. Frames are in host memory when they arrive; an interrupt,
 * held back a little, takes all that came, and LRO makes few packets of many
 * segments before the stack sees them.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/tcp_lro.h>

#include "nic_drv.h"

/* --- one frame becomes one packet --- */

static bool
nic_mine(const struct nic *n, const struct frame *f)
{
	return ((f->f_hdr[0] & 1) != 0 ||
	    memcmp(f->f_hdr, n->n_if.if_lladdr, KETHER_ADDR_LEN) == 0);
}

/* Symmetric in nothing: just stable for a flow, as RSS is. */
static uint32_t
nic_rss_hash(const struct frame *f)
{
	uint32_t off, len;

	if (f->f_l4len == 0)
		return (0);
	off = f->f_l2len + ((f->f_hdr[f->f_l2len] >> 4) == 4 ? 12u : 8u);
	len = (f->f_hdr[f->f_l2len] >> 4) == 4 ? 8u : 32u;
	/* Addresses and, right behind them, the ports. */
	return ((uint32_t)hash64(f->f_hdr + off, len + 4, 0));
}

static void
nic_rx_csum(struct nic *n, const struct frame *f, struct pkthdr *ph)
{
	bool l3ok, l4ok;

	if (f->f_l4len == 0)
		return;
	frame_csum_check(f, &l3ok, &l4ok);
	if (!l3ok || !l4ok)
		n->n_stats.rx_bad_csum++;
	ph->csum_flags = CSUM_L3_CALC | CSUM_L4_CALC |
	    (l3ok ? CSUM_L3_VALID : 0) | (l4ok ? CSUM_L4_VALID : 0);
}

static void
nic_rx_payload_free(struct mbuf *m)
{
	framebuf_rele(m->m_ext.ext_arg1);
}

struct mbuf *
nic_frame_mbuf(struct mb_state *mb, struct frame *f)
{
	struct mbuf *m, *p;

	if ((m = m_gethdr(mb, M_NOWAIT, MT_DATA)) == NULL)
		return (NULL);
	memcpy(m->m_data, f->f_hdr, f->f_hdrlen);
	m->m_len = f->f_hdrlen;
	m->m_pkthdr.len = (int32_t)frame_len(f);
	/* The sender's note numbers what is of another kernel. */
	m->m_pkthdr.note.pn_frame = f->f_id;
	if (f->f_paylen == 0)
		return (m);
	if ((p = m_get(mb, M_NOWAIT, MT_DATA)) == NULL) {
		m_freem(m);
		return (NULL);
	}
	framebuf_ref(f->f_buf);
	m_extadd(p, (uint8_t *)(uintptr_t)f->f_payload,
	    (uint32_t)roundup2(f->f_paylen, 2048), nic_rx_payload_free,
	    f->f_buf, NULL, M_RDONLY, EXT_NET_DRV);
	p->m_len = (int32_t)f->f_paylen;
	m->m_next = p;
	return (m);
}

/* The card takes the tag out and tells it apart. */
static void
nic_rx_vlan(struct mbuf *m)
{
	uint8_t *p = m->m_data;

	if (m->m_len < KETHER_HDR_LEN + KETHER_VLAN_LEN ||
	    be16dec(p + 2 * KETHER_ADDR_LEN) != KETHERTYPE_VLAN)
		return;
	m->m_flags |= M_VLANTAG;
	m->m_pkthdr.ether_vtag = be16dec(p + KETHER_HDR_LEN);
	memmove(p + KETHER_VLAN_LEN, p, 2 * KETHER_ADDR_LEN);
	m_adj(m, KETHER_VLAN_LEN);
}

static struct mbuf *
nic_rx_mbuf(struct nic *n, struct frame *f)
{
	struct mbuf *m = nic_frame_mbuf(n->n_vnet->v_mb, f);

	if (m == NULL)
		return (NULL);
	if ((n->n_if.if_capenable & IFCAP_VLAN_HWTAGGING) != 0)
		nic_rx_vlan(m);
	m->m_pkthdr.rcvif = &n->n_if;
	m->m_pkthdr.numa_domain = n->n_if.if_numa_domain;
	m->m_pkthdr.flowid = nic_rss_hash(f);
	m->m_pkthdr.rsstype = M_HASHTYPE_OPAQUE;
	return (m);
}

/* --- arrival --- */

static void
nic_rx_count(struct nic *n, uint32_t len)
{
	n->n_stats.rx_frames++;
	n->n_stats.rx_bytes += len;
	n->n_if.if_ctr.ipackets++;
	n->n_if.if_ctr.ibytes += len;
}

/* Into host memory, or not. */
static void
nic_arrived(struct nic *n, struct frame *f)
{
	uint32_t len = frame_len(f);

	if (n->n_model->nm_hw_rx != NULL && n->n_link_up)
		n->n_model->nm_hw_rx(n->n_card, &f);
	if (f == NULL) { /* the card has taken it */
		nic_rx_count(n, len);
		return;
	}
	if (!n->n_link_up || (n->n_if.if_flags & IFF_UP) == 0) {
		n->n_stats.rx_link_down++;
		TRACE(&n->n_vnet->v_tracer, nic_drop, TS(n->n_if.if_xname),
		    TU(0), TU(frame_len(f)), TI(0),
		    TS("it arrived while the link was down"), TU(f->f_id));
	} else if (!nic_mine(n, f))
		n->n_stats.rx_not_mine++;
	else {
		STAILQ_INSERT_TAIL(&n->n_rxq, f, f_link);
		return;
	}
	frame_rele(f);
}

/* A frame may overtake those that were told before. */
static void
nic_rx_post(struct nic *n, struct sim_event *ev, simtime_t when)
{
	if (!sim_event_pending(ev) || ev->ev_when > when)
		timebase_post(n->n_vnet->v_tb, ev, when);
}

void
nic_rx_expect(struct nic *n, simtime_t when)
{
	if (n->n_card->c_rx_now)
		nic_rx_post(n, &n->n_look_ev, when);
	else
		nic_rx_post(n, &n->n_intr_ev,
		    when + n->n_params.np_rx_coalesce);
}

void
nic_rx(struct nic *n, struct frame *f)
{
	nic_arrived(n, f);
	if (!STAILQ_EMPTY(&n->n_rxq))
		nic_rx_expect(n, timebase_now(n->n_vnet->v_tb));
}

/* Fetch what arrived before `before`; returns when the next one will. */
static simtime_t
nic_pull(struct nic *n, simtime_t before)
{
	struct frameq q = STAILQ_HEAD_INITIALIZER(q);
	simtime_t next;
	struct frame *f;

	if (n->n_params.np_ops->np_pull == NULL)
		return (SIM_NEVER);
	next = n->n_params.np_ops->np_pull(n->n_params.np_arg, n, before, &q);
	while ((f = STAILQ_FIRST(&q)) != NULL) {
		STAILQ_REMOVE_HEAD(&q, f_link);
		nic_arrived(n, f);
	}
	return (next);
}

/* What has arrived so far is judged by the state that ends now. */
void
nic_rx_settle(struct nic *n)
{
	(void)nic_pull(n, timebase_now(n->n_vnet->v_tb));
}

/* A card that looks into frames itself takes its own; the others wait for
 * the interrupt. */
static void
nic_rx_look(void *arg)
{
	struct nic *n = arg;
	simtime_t now = timebase_now(n->n_vnet->v_tb), next;

	next = nic_pull(n, now + 1);
	if (next != SIM_NEVER)
		nic_rx_expect(n, next);
	if (!STAILQ_EMPTY(&n->n_rxq))
		nic_rx_post(n, &n->n_intr_ev, now + n->n_params.np_rx_coalesce);
}

/* --- interrupt --- */

static void
nic_rx_one(struct nic *n, struct frame *f)
{
	struct ifnet *ifp = &n->n_if;
	struct mbuf *m;

	if ((m = nic_rx_mbuf(n, f)) == NULL) {
		ifp->if_ctr.iqdrops++;
		frame_rele(f);
		return;
	}
	nic_rx_csum(n, f, &m->m_pkthdr);
	nic_rx_count(n, frame_len(f));
	n->n_stats.dma_rx += frame_len(f);
	n->n_stats.rx_decrypted += f->f_rxtls == RXTLS_DECRYPTED;
	if (n->n_model->nm_rx != NULL)
		n->n_model->nm_rx(n, f, m);
	frame_rele(f);
	if ((ifp->if_capenable & IFCAP_LRO) != 0 &&
	    tcp_lro_rx(n->n_lro, m) == 0)
		return;
	ifp->if_input(ifp, m);
}

static void
nic_rx_intr(void *arg)
{
	struct nic *n = arg;
	struct frameq q = STAILQ_HEAD_INITIALIZER(q);
	struct frame *f;
	simtime_t next;

	next = nic_pull(n, timebase_now(n->n_vnet->v_tb) + 1);
	if (next != SIM_NEVER)
		nic_rx_expect(n, next);
	n->n_stats.rx_interrupts++;
	STAILQ_CONCAT(&q, &n->n_rxq);
	while ((f = STAILQ_FIRST(&q)) != NULL) {
		STAILQ_REMOVE_HEAD(&q, f_link);
		nic_rx_one(n, f);
	}
	tcp_lro_flush_all(n->n_lro);
}

void
nic_rx_init(struct nic *n)
{
	STAILQ_INIT(&n->n_rxq);
	sim_event_init(&n->n_intr_ev, EV_NIC, "nic interrupt", nic_rx_intr, n);
	sim_event_init(&n->n_look_ev, EV_NIC, "nic arrival", nic_rx_look, n);
	n->n_lro = tcp_lro_init(&n->n_if);
}

void
nic_rx_fini(struct nic *n)
{
	struct frame *f;

	timebase_cancel(n->n_vnet->v_tb, &n->n_intr_ev);
	timebase_cancel(n->n_vnet->v_tb, &n->n_look_ev);
	while ((f = STAILQ_FIRST(&n->n_rxq)) != NULL) {
		STAILQ_REMOVE_HEAD(&n->n_rxq, f_link);
		frame_rele(f);
	}
	tcp_lro_free(n->n_lro);
}
