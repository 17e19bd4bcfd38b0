/*
 * TP, the T6's TCP: its life, the port as its interface, and which of the
 * frames that arrive are TP's.
 *
 * TP is this project's TCP once more, in a network stack of the card's own: it
 * keeps what it has sent, sends it again, acknowledges, paces itself. It has
 * its own memory, counters and random numbers, and the host's clock. Who the
 * next hop is it takes from the frames that come (the real driver gives it the
 * host's neighbour entry): the peer's, or its router's.
 *
 * Source: nic-models.md 6; the silicon's inside is not public.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/net/if_llatbl.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/ip_var.h>
#include <ktsim/netinet/tcp.h>
#include <ktsim/netinet/tcp_var.h>

#include "t6_tp.h"

#define ARP_REPLY	   2
#define ND_NEIGHBOR_ADVERT 136
#define TP_CAPS                                                       \
	(IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6 | IFCAP_TSO4 | IFCAP_TSO6 | \
	    IFCAP_RXCSUM | IFCAP_RXCSUM_IPV6)

/* --- to the host --- */

/* The host hears of it when the interrupt comes, as of received frames. */
struct t6_rsp *
tp_cpl(struct t6_tp *tp, enum t6_cpl_rx op, uint32_t tid, uint32_t len)
{
	struct t6_rsp *cpl = xcalloc(1, sizeof(*cpl) + len);
	struct nic_card *c = tp->tp_card;
	struct t6_rspq *rq = tp->tp_rspq;

	cpl->c_op = op;
	cpl->c_tid = tid;
	cpl->c_len = len;
	c->c_stats->dma_rx += len;
	c->c_stats->dma_cqe += NIC_BLOCK;
	STAILQ_INSERT_TAIL(&rq->rq_cpls, cpl, c_link);
	if (!sim_event_pending(&rq->rq_intr))
		timebase_post_in(c->c_vnet->v_tb, &rq->rq_intr,
		    c->c_latency + c->c_nic->n_params.np_rx_coalesce);
	return (cpl);
}

/* --- the port --- */

static struct tp_conn *
tp_conn_of(struct inpcb *inp)
{
	return (inp != NULL && inp->inp_socket != NULL &&
		    !inp->inp_socket->so_listening
		? inp->inp_socket->so_upcall_arg
		: NULL);
}

static void
tp_ends(const uint8_t *ip, const uint8_t *th, struct ksockaddr *src,
    struct ksockaddr *dst)
{
	bool v6 = (ip[0] >> 4) == 6;
	size_t alen = v6 ? 16 : 4, off = v6 ? 8 : 12;

	memset(src, 0, sizeof(*src));
	memset(dst, 0, sizeof(*dst));
	src->sa_family = dst->sa_family = v6 ? KAF_INET6 : KAF_INET;
	memcpy(src->sa_addr.a, ip + off, alen);
	memcpy(dst->sa_addr.a, ip + off + alen, alen);
	src->sa_port = be16dec(th);
	dst->sa_port = be16dec(th + 2);
}

static void
tp_count_out(struct t6_tp *tp, const struct frame *f)
{
	struct t6_toe_stats *st = &tp->tp_rspq->rq_stats;

	st->tcp_out_segs++;
	st->tcp_retrans_segs += f->f_note.pn_rexmit;
	if (f->f_l4len != 0 &&
	    (f->f_hdr[f->f_l2len + f->f_l3len + 13] & KTH_RST) != 0)
		st->tcp_out_rsts++;
}

static void
tp_notes(struct t6_tp *tp, struct frameq *q, const struct nic_hdr *h)
{
	const uint8_t *ip = h->h_bytes + h->h_l2len;
	struct ksockaddr local, foreign;
	const struct tp_conn *c = NULL;
	struct frame *f;

	if (h->h_l4len != 0) {
		tp_ends(ip, ip + h->h_l3len, &local, &foreign);
		c = tp_conn_of(in_pcblookup(tp->tp_vnet, &local, &foreign));
	}
	STAILQ_FOREACH(f, q, f_link) {
		f->f_note.pn_conn = 0;
		if (c != NULL)
			tp_conn_note(c, f);
		tp_count_out(tp, f);
	}
}

/* The port: the stack's packet becomes frames, from the card's own memory. */
static int
tp_transmit(struct ifnet *ifp, struct mbuf *m)
{
	struct t6_tp *tp = ifp->if_softc;
	struct nic_card *c = tp->tp_card;
	struct nic_exec x = { .x_card = c,
		.x_q = &c->c_queues[0],
		.x_lab = { .l_m = m } };
	struct nic_send s = { 0 };
	struct nic_pkt pk;

	if (tp->tp_dying || nic_parse(m, &pk) != 0) {
		m_freem(m);
		return (ENETDOWN);
	}
	STAILQ_INIT(&x.x_out);
	s.s_hdr = pk.p_hdr;
	s.s_paylen = pk.p_paylen;
	s.s_mss = pk.p_mss;
	s.s_csum = pk.p_csum;
	s.s_fb = framebuf_alloc(c->c_pool);
	m_copydata(m, pk.p_hdr.h_len, (int)pk.p_paylen, s.s_fb->fb_data);
	nic_segment(&x, &s);
	framebuf_rele(s.s_fb);
	tp_notes(tp, &x.x_out, &pk.p_hdr);
	nic_card_emit(c, &x.x_out);
	m_freem(m);
	return (0);
}

/* --- which frames are TP's --- */

/* Handshakes under way will need a tid, too. */
static bool
tp_tid_left(const struct t6_tp *tp)
{
	uint32_t left = t6_tids_left(tp->tp_card->c_softc), waiting = 0;
	const struct tp_listener *l;

	TAILQ_FOREACH(l, &tp->tp_listeners, l_link)
		waiting += (uint32_t)l->l_so->so_qlen;
	return (left > waiting);
}

/*
 * One of two must answer. A SYN that the host was left has its own SYN|ACK
 * under way: when it comes again it is the host's again, even if there is a
 * tid by now.
 */
static bool
tp_declined(const struct t6_tp *tp, const struct ksockaddr *src,
    const struct ksockaddr *dst)
{
	simtime_t now = timebase_now(tp->tp_vnet->v_tb);
	const struct tp_declined *d;

	for (unsigned i = 0; i < MIN(tp->tp_ndeclined, TP_DECLINED); i++) {
		d = &tp->tp_declined[i];
		if (d->d_until > now && d->d_src.sa_port == src->sa_port &&
		    d->d_dst.sa_port == dst->sa_port &&
		    in_any_eq(&d->d_src.sa_addr, &src->sa_addr) &&
		    in_any_eq(&d->d_dst.sa_addr, &dst->sa_addr))
			return (true);
	}
	return (false);
}

static void
tp_decline(struct t6_tp *tp, const struct ksockaddr *src,
    const struct ksockaddr *dst)
{
	tp->tp_rspq->rq_stats.declined++;
	tp->tp_declined[tp->tp_ndeclined++ % TP_DECLINED] =
	    (struct tp_declined) { .d_src = *src,
		    .d_dst = *dst,
		    .d_until =
			timebase_now(tp->tp_vnet->v_tb) + TP_DECLINED_FOR };
}

/* A connection's, or a SYN for a listener as long as there are tids. */
static bool
tp_wants(struct t6_tp *tp, const struct frame *f, const struct ksockaddr *src,
    const struct ksockaddr *dst)
{
	uint8_t flags = f->f_hdr[f->f_l2len + f->f_l3len + 13];
	struct inpcb *inp;

	inp = in_pcblookup(tp->tp_vnet, dst, src);
	if (inp == NULL)
		return (false);
	if (intotcpcb(inp)->t_state != TCPS_LISTEN)
		return (true);
	if ((flags & (KTH_SYN | KTH_ACK | KTH_RST)) != KTH_SYN ||
	    if_addr_owner(tp->tp_vnet, dst->sa_family, &dst->sa_addr) == NULL)
		return (false);
	if (tp_declined(tp, src, dst))
		return (false);
	if (tp_tid_left(tp))
		return (true);
	tp_decline(tp, src, dst);
	return (false);
}

static void
tp_input(struct t6_tp *tp, struct frame *f, const struct ksockaddr *src,
    const struct ksockaddr *dst)
{
	struct mb_state *mb = tp->tp_vnet->v_mb;
	struct tp_conn *c;
	bool l3ok, l4ok;
	struct mbuf *m;

	tp->tp_rspq->rq_stats.tcp_in_segs++;
	if ((m = nic_frame_mbuf(mb, f)) == NULL)
		return;
	frame_csum_check(f, &l3ok, &l4ok);
	m->m_pkthdr.csum_flags = CSUM_L3_CALC | CSUM_L4_CALC |
	    (l3ok ? CSUM_L3_VALID : 0) | (l4ok ? CSUM_L4_VALID : 0);
	if (l3ok && l4ok)
		lle_learn(&tp->tp_if, src->sa_family, &src->sa_addr,
		    f->f_hdr + KETHER_ADDR_LEN, true);
	tp->tp_if.if_input(&tp->tp_if, m);
	c = tp_conn_of(in_pcblookup(tp->tp_vnet, dst, src));
	if (c != NULL)
		tp_conn_touch(c); /* states change without an upcall */
}

/*
 * What is not a connection's, and yet TP must hear, as the host does: a
 * neighbour's address (the answer of ARP, or of ND), and that a packet was too
 * big or its destination cannot be reached (ICMP).
 */
static bool
tp_overhears(const struct frame *f)
{
	const uint8_t *p = f->f_hdr + KETHER_HDR_LEN;
	uint16_t type = be16dec(f->f_hdr + 12);
	uint8_t icmp;

	if (f->f_hdrlen < KETHER_HDR_LEN + 28)
		return (false);
	if (type == KETHERTYPE_ARP)
		return (be16dec(p + 6) == ARP_REPLY);
	if (type == KETHERTYPE_IP)
		return (p[9] == KIPPROTO_ICMP && p[(p[0] & 0xf) * 4] == 3);
	if (type != KETHERTYPE_IPV6 || p[6] != KIPPROTO_ICMPV6 ||
	    f->f_hdrlen <= KETHER_HDR_LEN + sizeof(struct kip6))
		return (false);
	icmp = p[sizeof(struct kip6)];
	return (icmp == ND_NEIGHBOR_ADVERT || icmp == 1 || icmp == 2);
}

static void
tp_overhear(struct t6_tp *tp, struct frame *f)
{
	struct mbuf *m;

	if (tp_overhears(f) &&
	    (m = nic_frame_mbuf(tp->tp_vnet->v_mb, f)) != NULL)
		tp->tp_if.if_input(&tp->tp_if, m);
}

void
t6_tp_rx(struct nic_card *c, struct frame **fp)
{
	struct t6_hw *th = c->c_softc;
	struct t6_tp *tp = th->th_tp;
	struct ksockaddr src, dst;
	struct frame *f = *fp;
	const uint8_t *ip;

	if (tp != NULL && f->f_l4len == 0)
		tp_overhear(tp, f);
	if (tp == NULL || f->f_l4len == 0 || f->f_l2len != KETHER_HDR_LEN ||
	    memcmp(f->f_hdr, tp->tp_if.if_lladdr, KETHER_ADDR_LEN) != 0)
		return;
	ip = f->f_hdr + f->f_l2len;
	tp_ends(ip, ip + f->f_l3len, &src, &dst);
	if (!tp_wants(tp, f, &src, &dst))
		return;
	tp_input(tp, f, &src, &dst);
	frame_rele(f);
	*fp = NULL;
}

/* --- events --- */

void
tp_post(struct t6_tp *tp)
{
	if (!tp->tp_dying && !sim_event_pending(&tp->tp_ev))
		timebase_post_in(tp->tp_vnet->v_tb, &tp->tp_ev, 0);
}

void
tp_conn_touch(struct tp_conn *c)
{
	if (!c->c_dirty)
		TAILQ_INSERT_TAIL(&c->c_tp->tp_dirty, c, c_dlink);
	c->c_dirty = true;
	tp_post(c->c_tp);
}

static void
tp_run(void *arg)
{
	struct t6_tp *tp = arg;
	struct tp_listener *l;
	struct tp_conn *c;
	struct socket *so;

	TAILQ_FOREACH(l, &tp->tp_listeners, l_link)
		while (soaccept(l->l_so, &so) == 0)
			tp_accept(l, so);
	while ((c = TAILQ_FIRST(&tp->tp_dirty)) != NULL) {
		TAILQ_REMOVE(&tp->tp_dirty, c, c_dlink);
		c->c_dirty = false;
		tp_conn_work(c);
	}
}

/* --- life --- */

static void
tp_ifattach(struct t6_tp *tp)
{
	static const struct in_any any;
	const struct nic_params *np = &tp->tp_card->c_nic->n_params;
	struct ifnet *ifp = &tp->tp_if;

	ifp->if_softc = tp;
	ifp->if_mtu = np->np_mtu;
	ifp->if_baudrate = np->np_rate_bps;
	ifp->if_capabilities = TP_CAPS;
	ifp->if_hw_tsomax = 65535;
	ifp->if_hw_tsomaxsegcount = 255;
	ifp->if_hw_tsomaxsegsize = 65536;
	if_attach(tp->tp_vnet, ifp, "tp0");
	ether_ifattach(ifp, np->np_lladdr);
	ifp->if_transmit = tp_transmit;
	(void)if_setcap(ifp, TP_CAPS);
	(void)if_setflags(ifp, ifp->if_flags | IFF_UP);
	(void)route_add(tp->tp_vnet, KAF_INET, &any, 0, &any, ifp);
	(void)route_add(tp->tp_vnet, KAF_INET6, &any, 0, &any, ifp);
}

struct t6_tp *
t6_tp_create(struct nic_card *c)
{
	struct vnet *host = c->c_vnet;
	char *name = xasprintf("%s:%s", host->v_name, c->c_name);
	struct vnet_params vp = { .vp_name = name,
		.vp_ncpus = 1,
		.vp_seed = host->v_seed,
		.vp_tb = host->v_tb,
		.vp_jobs = host->v_jobs,
		.vp_sink = host->v_tracer.t_sink,
		.vp_no_kern_tls = true };
	struct t6_tp *tp = xcalloc(1, sizeof(*tp));

	tp->tp_card = c;
	tp->tp_vnet = vnet_create(&vp);
	free(name);
	net_attach(tp->tp_vnet);
	inet_attach(tp->tp_vnet);
	tp->tp_vnet->v_sysctl.st_booted = true;
	TAILQ_INIT(&tp->tp_listeners);
	TAILQ_INIT(&tp->tp_conns);
	TAILQ_INIT(&tp->tp_dirty);
	sim_event_init(&tp->tp_ev, EV_NIC, "T6 TP", tp_run, tp);
	tp_ifattach(tp);
	return (tp);
}

/* Sockets whose end waits for the task queue. */
static void
tp_run_tasks(struct vnet *vnet)
{
	struct sim_event *ev = &vnet->v_taskq.tq_event;

	while (sim_event_pending(ev)) {
		timebase_cancel(vnet->v_tb, ev);
		ev->ev_fn(ev->ev_arg);
	}
}

/* Power is off: nothing is said to anybody. */
void
t6_tp_destroy(struct t6_tp *tp)
{
	struct strbuf sb = { 0 };

	if (tp == NULL)
		return;
	tp->tp_dying = true;
	timebase_cancel(tp->tp_vnet->v_tb, &tp->tp_ev);
	while (!TAILQ_EMPTY(&tp->tp_conns)) {
		tp_conn_abort(TAILQ_FIRST(&tp->tp_conns),
		    "the card was reset or detached");
		tp_conn_free(TAILQ_FIRST(&tp->tp_conns));
	}
	while (!TAILQ_EMPTY(&tp->tp_listeners))
		tp_listener_free(TAILQ_FIRST(&tp->tp_listeners));
	inet_purge(tp->tp_vnet);
	tp_run_tasks(tp->tp_vnet);
	if_detach(&tp->tp_if);
	KASSERT(vnet_leaks(tp->tp_vnet, &sb) == 0,
	    ("the card's TCP: %s", strbuf_str(&sb)));
	inet_detach(tp->tp_vnet);
	net_detach(tp->tp_vnet);
	vnet_destroy(tp->tp_vnet);
	strbuf_fini(&sb);
	free(tp);
}
