/* lagg's LACP: from two hosts that come together to tags and packets. */
#include "netwire.h"

#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/net/ieee8023ad_lacp.h>

#include "lagg_private.h"

#define CARD                                                            \
	(IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6 | IFCAP_MEXTPG | IFCAP_TSO4 | \
	    IFCAP_TSO6 | IFCAP_TXTLS4 | IFCAP_TXTLS6)

static struct tw *w;
static struct lagg_softc *la, *lb;
static struct tw_pair p;

static struct lagg_softc *
make_lagg(struct tw_host *h, unsigned host)
{
	struct lagg_softc *sc;

	assert_int_equal(lagg_create(h->v, "lagg0", "lacp", &sc), 0);
	for (unsigned i = 0; i < h->ports; i++) {
		h->port[i].ifn.if_baudrate = 1000000000;
		assert_int_equal(lagg_addport(sc, &h->port[i].ifn), 0);
	}
	if_setflags(lagg_ifp(sc), lagg_ifp(sc)->if_flags | IFF_UP);
	tw_addrs(lagg_ifp(sc), host);
	return (sc);
}

/* Flows by their numbers, so that TLS can be in the card. */
static void
by_flowid(struct lagg_softc *sc)
{
	struct lagg_opts lo = *lagg_opts(sc);

	lo.use_flowid = true;
	lo.flowid_shift = 0;
	assert_int_equal(lagg_setopts(sc, &lo), 0);
}

static void
start(unsigned ports)
{
	memset(&p, 0, sizeof(p));
	w = tw_new_bare(9, CARD, ports);
	la = make_lagg(&w->a, 1);
	lb = make_lagg(&w->b, 2);
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
	by_flowid(lb);
}

static const struct lagg_port *
port_of(unsigned i)
{
	return (w->b.port[i].ifn.if_lagg);
}

static unsigned
distributing(const struct tw_host *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->ports; i++)
		n += lacp_port_distributing(h->port[i].ifn.if_lagg->lp_psc);
	return (n);
}

/* All ports distribute at both ends, and nothing is held back. */
static void
come_together(unsigned ports)
{
	start(ports);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(distributing(&w->a), ports);
	assert_int_equal(distributing(&w->b), ports);
}

static void
finish(void)
{
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	lagg_destroy(la);
	lagg_destroy(lb);
	tw_free(w);
}

static struct mbuf *
packet(uint32_t flowid, uint8_t domain)
{
	struct mbuf *m = m_gethdr(w->b.v->v_mb, M_WAITOK, MT_DATA);

	memset(m->m_data, 0, 100);
	be16enc(m->m_data + 12, 0x88b5);
	m->m_len = m->m_pkthdr.len = 100;
	m->m_pkthdr.flowid = flowid;
	m->m_pkthdr.rsstype = M_HASHTYPE_OPAQUE;
	m->m_pkthdr.numa_domain = domain;
	return (m);
}

static int
transmit(uint32_t flowid, uint8_t domain)
{
	return (
	    lagg_ifp(lb)->if_transmit(lagg_ifp(lb), packet(flowid, domain)));
}

/* The port of a tag; NULL: refused. */
static struct ifnet *
tag_port(uint32_t flowid, uint8_t flowtype, uint8_t domain)
{
	struct if_snd_tag_alloc_params params = { .type =
						      IF_SND_TAG_TYPE_UNLIMITED,
		.flowid = flowid,
		.flowtype = flowtype,
		.numa_domain = domain };
	struct m_snd_tag *mst;
	struct ifnet *ifp;
	int error;

	error = m_snd_tag_alloc(lagg_ifp(lb), &params, &mst);
	if (error != 0) {
		assert_int_equal(error, EOPNOTSUPP);
		return (NULL);
	}
	ifp = mst->sw->next_snd_tag(mst)->ifp;
	m_snd_tag_rele(mst);
	return (ifp);
}

/* Which port sent one packet of this flow. */
static struct ifnet *
packet_port(uint32_t flowid, uint8_t domain)
{
	uint32_t was[TW_MAXPORTS];
	struct ifnet *ifp = NULL;

	for (unsigned i = 0; i < w->b.ports; i++)
		was[i] = w->b.port[i].frames;
	assert_int_equal(transmit(flowid, domain), 0);
	for (unsigned i = 0; i < w->b.ports; i++)
		if (w->b.port[i].frames != was[i]) {
			assert_null(ifp);
			ifp = &w->b.port[i].ifn;
		}
	assert_non_null(ifp);
	return (ifp);
}

static void
send_bytes(uint64_t n)
{
	p.s.to_send = p.s.sent + n;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(p.s.sent, p.s.to_send);
}

static void
secure(void)
{
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	assert_int_equal(tw_tls_tx(&p.s), 0);
}

static struct ifnet *
session_port(void)
{
	struct m_snd_tag *mst = p.s.so->so_snd.sb_tls_info->snd_tag;

	return (mst->sw->next_snd_tag(mst)->ifp);
}

/* --- coming up --- */

static void
test_without_a_partner_there_is_no_port(void **state)
{
	start(2);
	assert_int_equal(lagg_ifp(lb)->if_link_state, LINK_STATE_DOWN);
	assert_null(lagg_active_port(lb));
	assert_int_equal(transmit(0, M_NODOM), ENETDOWN);
	assert_int_equal(lagg_stats(lb)->no_port, 1);
	assert_null(tag_port(0, M_HASHTYPE_OPAQUE, M_NODOM));
	finish();
}

static void
test_the_lagg_is_up_when_a_port_distributes(void **state)
{
	come_together(2);
	assert_int_equal(lagg_ifp(lb)->if_link_state, LINK_STATE_UP);
	assert_ptr_equal(lagg_active_port(lb), &w->b.port[0].ifn);
	assert_int_equal(lagg_ifp(lb)->if_baudrate, 2000000000);
	tw_link(w, 0, false);
	assert_ptr_equal(lagg_active_port(lb), &w->b.port[1].ifn);
	assert_int_equal(lagg_ifp(lb)->if_link_state, LINK_STATE_UP);
	assert_int_equal(lagg_ifp(lb)->if_baudrate, 1000000000);
	tw_link(w, 1, false);
	assert_int_equal(lagg_ifp(lb)->if_link_state, LINK_STATE_DOWN);
	/* Until the pause is over it is that, and then that. */
	assert_int_equal(transmit(0, M_NODOM), ENOBUFS);
	tw_run(w, 2 * SIM_SEC);
	assert_int_equal(transmit(0, M_NODOM), ENETDOWN);
	tw_link(w, 0, true);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(lagg_ifp(lb)->if_link_state, LINK_STATE_UP);
	finish();
}

static void
test_ports_of_other_speeds_stay_outside(void **state)
{
	start(3);
	w->a.port[2].ifn.if_baudrate = 10000000;
	w->b.port[2].ifn.if_baudrate = 10000000;
	tw_link(w, 2, false);
	tw_link(w, 2, true);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(lagg_ifp(lb)->if_baudrate, 2000000000);
	assert_false(lacp_port_active(port_of(2)->lp_psc));
	for (uint32_t f = 0; f < 6; f++)
		assert_ptr_not_equal(packet_port(f, M_NODOM),
		    &w->b.port[2].ifn);
	finish();
}

static void
test_a_lagg_that_is_set_down_is_left_by_its_partner(void **state)
{
	struct ifnet *ifp;
	struct lagg_opts lo;

	start(2);
	lo = *lagg_opts(la);
	lo.lacp_fast_timeout = true;
	assert_int_equal(lagg_setopts(la, &lo), 0);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(distributing(&w->a), 2);
	ifp = lagg_ifp(lb);
	if_setflags(ifp, ifp->if_flags & ~(uint32_t)IFF_UP);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(distributing(&w->a), 0);
	if_setflags(ifp, ifp->if_flags | IFF_UP);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(distributing(&w->a), 2);
	finish();
}

/* --- which port --- */

static void
test_tags_and_packets_have_the_same_port(void **state)
{
	struct ifnet *ifp;
	unsigned n[3] = { 0 };

	come_together(3);
	for (uint32_t f = 0; f < 12; f++) {
		ifp = tag_port(f, M_HASHTYPE_OPAQUE, M_NODOM);
		assert_non_null(ifp);
		assert_ptr_equal(packet_port(f, M_NODOM), ifp);
		assert_ptr_equal(tag_port(f + 3, M_HASHTYPE_OPAQUE, M_NODOM),
		    ifp);
		n[ifp->if_index - 1]++;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(n[i], 4);
	finish();
}

static void
test_the_shift_leaves_bits_out(void **state)
{
	struct lagg_opts lo;

	come_together(2);
	lo = *lagg_opts(lb);
	lo.flowid_shift = 4;
	assert_int_equal(lagg_setopts(lb, &lo), 0);
	for (uint32_t f = 1; f < 16; f++)
		assert_ptr_equal(tag_port(f, M_HASHTYPE_OPAQUE, M_NODOM),
		    tag_port(0, M_HASHTYPE_OPAQUE, M_NODOM));
	assert_ptr_not_equal(tag_port(16, M_HASHTYPE_OPAQUE, M_NODOM),
	    tag_port(0, M_HASHTYPE_OPAQUE, M_NODOM));
	finish();
}

static void
test_without_flow_numbers_there_are_no_tags(void **state)
{
	struct lagg_opts lo;

	come_together(2);
	assert_null(tag_port(0, M_HASHTYPE_NONE, M_NODOM));
	lo = *lagg_opts(lb);
	lo.use_flowid = false;
	assert_int_equal(lagg_setopts(lb, &lo), 0);
	assert_null(tag_port(0, M_HASHTYPE_OPAQUE, M_NODOM));
	/* Packets have a port all the same, by their headers. */
	assert_ptr_equal(packet_port(1, M_NODOM), packet_port(2, M_NODOM));
	secure();
	assert_int_equal(p.s.so->so_snd.sb_tls_info->mode, TCP_TLS_MODE_SW);
	send_bytes(60000);
	finish();
}

static bool
is_port(const struct ifnet *ifp, unsigned a, unsigned b)
{
	return (ifp == &w->b.port[a].ifn || ifp == &w->b.port[b].ifn);
}

/* Ports 0 and 1 are domain 0's, port 2 domain 1's, port 3 nobody's. */
static void
test_flows_of_a_domain_have_its_ports(void **state)
{
	struct lagg_opts lo;
	struct ifnet *ifp;
	unsigned outside = 0;

	start(4);
	w->b.port[0].ifn.if_numa_domain = w->b.port[1].ifn.if_numa_domain = 0;
	w->b.port[2].ifn.if_numa_domain = 1;
	tw_run(w, 12 * SIM_SEC);
	assert_int_equal(distributing(&w->b), 4);
	for (uint32_t f = 0; f < 8; f++) {
		ifp = tag_port(f, M_HASHTYPE_OPAQUE, 0);
		assert_true(is_port(ifp, 0, 1));
		assert_ptr_equal(packet_port(f, 0), ifp);
		assert_ptr_equal(packet_port(f, 1), &w->b.port[2].ifn);
		/* A domain without ports, or none: all of them. */
		assert_ptr_equal(packet_port(f, 5), packet_port(f, M_NODOM));
		outside += !is_port(packet_port(f, 5), 0, 1);
	}
	assert_int_equal(outside, 4);
	lo = *lagg_opts(lb);
	assert_true(lo.use_numa); /* the default */
	lo.use_numa = false;
	assert_int_equal(lagg_setopts(lb, &lo), 0);
	for (uint32_t f = 0; f < 8; f++)
		assert_ptr_equal(packet_port(f, 0), packet_port(f, M_NODOM));
	/* Ports of one domain alone: it makes no difference. */
	lo.use_numa = true;
	assert_int_equal(lagg_setopts(lb, &lo), 0);
	tw_link(w, 2, false);
	tw_run(w, 2 * SIM_SEC);
	for (uint32_t f = 0; f < 8; f++)
		assert_ptr_equal(packet_port(f, 0), packet_port(f, M_NODOM));
	finish();
}

/* What TCP sends says the connection's domain, as its tag was told. */
static void
test_a_connection_of_a_domain_keeps_its_port(void **state)
{
	start(2);
	for (unsigned i = 0; i < 2; i++)
		w->b.port[i].ifn.if_numa_domain = (uint8_t)i;
	tw_run(w, 10 * SIM_SEC);
	secure();
	assert_int_equal(tw_tp(&p.s)->t_inpcb->inp_numa_domain,
	    session_port()->if_numa_domain);
	send_bytes(200000);
	assert_int_equal(lagg_stats(lb)->tag_mismatch, 0);
	finish();
}

/* --- the pause --- */

static void
test_in_the_pause_packets_and_tags_are_refused(void **state)
{
	come_together(2);
	assert_int_equal(lagg_stats(lb)->suppressed > 0, 1); /* coming up */
	tw_link(w, 0, false);
	assert_null(tag_port(0, M_HASHTYPE_OPAQUE, M_NODOM));
	assert_int_equal(transmit(0, M_NODOM), ENOBUFS);
	tw_run(w, SIM_SEC - SIM_MS);
	assert_null(tag_port(0, M_HASHTYPE_OPAQUE, M_NODOM));
	assert_int_equal(transmit(0, M_NODOM), ENOBUFS);
	tw_run(w, SIM_MS);
	assert_ptr_equal(tag_port(0, M_HASHTYPE_OPAQUE, M_NODOM),
	    &w->b.port[1].ifn);
	assert_int_equal(transmit(0, M_NODOM), 0);
	finish();
}

/* With answers to the markers it is over in a round trip of the wire. */
static void
test_markers_end_the_pause_early(void **state)
{
	come_together(2);
	assert_int_equal(lagg_delport(lb, &w->b.port[1].ifn), 0);
	assert_int_equal(transmit(0, M_NODOM), ENOBUFS);
	tw_run(w, SIM_MS);
	assert_int_equal(transmit(0, M_NODOM), 0);
	finish();
}

/* The primary goes, with the lagg's address: the others begin anew, under the
 * address of the next one. */
static void
test_without_its_primary_the_lagg_is_another_system(void **state)
{
	uint8_t was[6];

	come_together(2);
	memcpy(was, lagg_ifp(lb)->if_lladdr, 6);
	assert_int_equal(lagg_delport(lb, &w->b.port[0].ifn), 0);
	assert_memory_not_equal(lagg_ifp(lb)->if_lladdr, was, 6);
	assert_int_equal(transmit(0, M_NODOM), ENETDOWN);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(transmit(0, M_NODOM), 0);
	finish();
}

/* Another protocol and back: `laggproto`. */
static void
test_another_protocol_and_back(void **state)
{
	come_together(2);
	assert_int_equal(lagg_setproto(lb, "trunk"), EPROTONOSUPPORT);
	assert_int_equal(lagg_setproto(lb, "loadbalance"), 0);
	assert_string_equal(lagg_protoname(lb), "loadbalance");
	assert_int_equal(transmit(0, M_NODOM), 0);
	assert_int_equal(lagg_setproto(lb, "lacp"), 0);
	assert_int_equal(transmit(0, M_NODOM), ENETDOWN);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(transmit(0, M_NODOM), 0);
	finish();
}

/* The connection stands still for the pause; then it gets its new tag. */
static void
test_a_connection_outlives_the_loss_of_its_port(void **state)
{
	struct ifnet *was;

	come_together(2);
	secure();
	assert_int_equal(p.s.so->so_snd.sb_tls_info->mode, TCP_TLS_MODE_IFNET);
	send_bytes(50000);
	was = session_port();
	p.s.to_send += 2000000;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_MS);
	tw_link(w, was == &w->b.port[0].ifn ? 0 : 1, false);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(p.s.sent, p.s.to_send);
	assert_int_equal(lagg_stats(lb)->tag_mismatch > 0, 1);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset, 1);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset_failed, 0);
	assert_ptr_not_equal(session_port(), was);
	finish();
}

/* In the instant in which a packet has the wrong tag a link goes down. */
static struct {
	struct sim_event ev;
	unsigned link;
	bool armed;
} second;

static void
second_goes(void *arg)
{
	tw_link(w, second.link, false);
}

static void
watch(struct trace_sink *ts, const struct trace_rec *r)
{
	const struct trace_arg *error;

	if (!second.armed || r->tr_id != TP_lagg_drop)
		return;
	error = trace_getarg(r, "error");
	if (error->i != EAGAIN)
		return;
	second.armed = false;
	timebase_post(engine_timebase(w->eng), &second.ev, r->tr_when);
}

/*
 * FreeBSD's hazard: a tag is being replaced (a packet had the wrong one) when
 * the next pause begins. The tag is refused, and the connection dropped.
 */
static void
test_a_reset_in_the_pause_drops_the_connection(void **state)
{
	unsigned was;

	come_together(3);
	secure();
	send_bytes(50000);
	was = session_port() == &w->b.port[0].ifn ? 0
	    : session_port() == &w->b.port[1].ifn ? 1
						  : 2;
	tw_link(w, was, false);
	tw_run(w, SIM_SEC); /* the pause is over */
	second.link = was == 0 ? 1 : 0;
	second.armed = true;
	sim_event_init(&second.ev, EV_TIMELINE, "second", second_goes, NULL);
	w->sink.ts_emit = watch;
	p.s.to_send += 1000;
	tw_app_kick(&p.s);
	tw_run(w, 2 * SIM_SEC);
	assert_int_equal(lagg_stats(lb)->tag_mismatch, 1);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset_failed, 1);
	assert_int_equal(p.s.error, ECONNABORTED);
	finish();
}

/* A new connection only goes without the card. */
static void
test_tls_that_is_enabled_in_the_pause_is_in_software(void **state)
{
	come_together(2);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	tw_link(w, 0, false);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(p.s.so->so_snd.sb_tls_info->mode, TCP_TLS_MODE_SW);
	send_bytes(50000);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset_failed, 0);
	finish();
}

/* --- in --- */

static void
receive(unsigned port)
{
	struct ifnet *ifp = &w->b.port[port].ifn;

	ifp->if_input(ifp, packet(0, M_NODOM));
}

static void
test_only_collecting_ports_are_heard(void **state)
{
	uint64_t in;

	start(2);
	receive(0);
	assert_int_equal(lagg_stats(lb)->rx_inactive, 1);
	tw_run(w, 10 * SIM_SEC);
	in = lagg_ifp(lb)->if_ctr.ipackets;
	receive(0);
	receive(1);
	assert_int_equal(lagg_ifp(lb)->if_ctr.ipackets, in + 2);
	tw_link(w, 0, false);
	receive(0);
	receive(1);
	assert_int_equal(lagg_ifp(lb)->if_ctr.ipackets, in + 3);
	assert_int_equal(lagg_stats(lb)->rx_inactive, 2);
	/* In its aggregator again, where it waits before it collects. */
	tw_link(w, 0, true);
	while (lacp_port_mux(port_of(0)->lp_psc) != LACP_MUX_WAITING)
		tw_run(w, SIM_SEC);
	assert_true(lacp_port_active(port_of(0)->lp_psc));
	receive(0);
	assert_int_equal(lagg_stats(lb)->rx_inactive, 3);
	finish();
}

/* Collecting is not enough: its aggregator is not the one in use. */
static void
test_ports_of_another_aggregator_are_not_heard(void **state)
{
	start(2);
	w->a.port[1].ifn.if_baudrate = 10000000;
	w->b.port[1].ifn.if_baudrate = 10000000;
	tw_link(w, 1, false);
	tw_link(w, 1, true);
	tw_run(w, 10 * SIM_SEC);
	assert_true(lacp_port_collecting(port_of(1)->lp_psc));
	receive(0);
	assert_int_equal(lagg_stats(lb)->rx_inactive, 0);
	receive(1);
	assert_int_equal(lagg_stats(lb)->rx_inactive, 1);
	finish();
}

/* A frame of the slow protocols that is not LACP's goes the way of all. */
static void
test_other_slow_protocols_are_no_business_of_lacp(void **state)
{
	static const uint8_t oam[] = { 1, 0x80, 0xc2, 0, 0, 2, 2, 0, 0, 0, 0, 1,
		0x88, 0x09, 3 };
	struct ifnet *ifp;
	struct mbuf *m;
	uint64_t in;

	come_together(2);
	ifp = &w->b.port[0].ifn;
	in = lagg_ifp(lb)->if_ctr.ipackets;
	m = packet(0, M_NODOM);
	memcpy(m->m_data, oam, sizeof(oam));
	ifp->if_input(ifp, m);
	assert_int_equal(lagg_ifp(lb)->if_ctr.ipackets, in + 1);
	m = packet(0, M_NODOM);
	memcpy(m->m_data, oam, sizeof(oam));
	m->m_data[14] = 1; /* LACP's, too short: gone */
	ifp->if_input(ifp, m);
	assert_int_equal(lagg_ifp(lb)->if_ctr.ipackets, in + 1);
	finish();
}

/* --- ports come and go --- */

static void
test_a_port_leaves_and_comes_back_under_load(void **state)
{
	come_together(2);
	secure();
	send_bytes(50000);
	assert_int_equal(lagg_delport(lb, session_port()), 0);
	assert_int_equal(lb->sc_count, 1);
	send_bytes(50000);
	for (unsigned i = 0; i < 2; i++)
		if (w->b.port[i].ifn.if_lagg == NULL)
			assert_int_equal(lagg_addport(lb, &w->b.port[i].ifn),
			    0);
	tw_run(w, 100 * SIM_SEC); /* a period of the partner's, at most */
	assert_int_equal(distributing(&w->b), 2);
	send_bytes(50000);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset_failed, 0);
	finish();
}

/* The protocol's own state goes and comes: as a change of protocol does it. */
static void
test_state_can_be_made_anew_at_any_time(void **state)
{
	come_together(2);
	lb->sc_proto->lpr_detach(lb);
	assert_null(lb->sc_psc);
	lagg_update(lb, "test");
	assert_int_equal(lagg_ifp(lb)->if_link_state, LINK_STATE_DOWN);
	lb->sc_proto->lpr_attach(lb);
	tw_run(w, 20 * SIM_SEC);
	assert_int_equal(distributing(&w->b), 2);
	assert_int_equal(transmit(0, M_NODOM), 0);
	finish();
}

static void
test_a_pdu_without_memory_is_sent_later(void **state)
{
	start(1);
	w->b.v->v_kmem.km_fail_at = w->b.v->v_kmem.km_nowait + 1;
	tw_run(w, 12 * SIM_SEC);
	assert_int_equal(distributing(&w->b), 1);
	finish();
}

static void
test_a_lagg_as_text(void **state)
{
	struct strbuf sb = { 0 };

	come_together(1);
	lagg_dump(lb, &sb, 0);
	assert_non_null(strstr(strbuf_str(&sb),
	    "lagg lagg0 lacp active tw0, failovers 0 tag mismatches 0 no port "
	    "0 received on an inactive port 0\n"
	    "  distributing ports 1, dropped while suppressed "));
	assert_non_null(strstr(strbuf_str(&sb),
	    "  port tw0 primary link up\n"
	    "    lacp <ACTIVE,COLLECTING,DISTRIBUTING> rx CURRENT periodic "
	    "SLOW mux DISTRIBUTING\n"
	    "    actor (8000,02-00-00-00-62-00,0043,8000,0001) <ACTIVITY,"));
	strbuf_fini(&sb);
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_partner_there_is_no_port),
		cmocka_unit_test(test_the_lagg_is_up_when_a_port_distributes),
		cmocka_unit_test(test_ports_of_other_speeds_stay_outside),
		cmocka_unit_test(
		    test_a_lagg_that_is_set_down_is_left_by_its_partner),
		cmocka_unit_test(test_tags_and_packets_have_the_same_port),
		cmocka_unit_test(test_the_shift_leaves_bits_out),
		cmocka_unit_test(test_without_flow_numbers_there_are_no_tags),
		cmocka_unit_test(test_flows_of_a_domain_have_its_ports),
		cmocka_unit_test(test_a_connection_of_a_domain_keeps_its_port),
		cmocka_unit_test(
		    test_in_the_pause_packets_and_tags_are_refused),
		cmocka_unit_test(test_markers_end_the_pause_early),
		cmocka_unit_test(
		    test_without_its_primary_the_lagg_is_another_system),
		cmocka_unit_test(test_another_protocol_and_back),
		cmocka_unit_test(
		    test_a_connection_outlives_the_loss_of_its_port),
		cmocka_unit_test(
		    test_a_reset_in_the_pause_drops_the_connection),
		cmocka_unit_test(
		    test_tls_that_is_enabled_in_the_pause_is_in_software),
		cmocka_unit_test(test_only_collecting_ports_are_heard),
		cmocka_unit_test(
		    test_ports_of_another_aggregator_are_not_heard),
		cmocka_unit_test(
		    test_other_slow_protocols_are_no_business_of_lacp),
		cmocka_unit_test(test_a_port_leaves_and_comes_back_under_load),
		cmocka_unit_test(test_state_can_be_made_anew_at_any_time),
		cmocka_unit_test(test_a_pdu_without_memory_is_sent_later),
		cmocka_unit_test(test_a_lagg_as_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
