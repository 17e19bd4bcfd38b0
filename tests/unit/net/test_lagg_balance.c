/* lagg's protocols that use all ports: which port, which tag, and the hash. */
#include "netwire.h"

#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/ktls.h>

#include "lagg_private.h"

#define CARD                                                            \
	(IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6 | IFCAP_MEXTPG | IFCAP_TSO4 | \
	    IFCAP_TSO6 | IFCAP_TXTLS4 | IFCAP_TXTLS6)

static struct tw *w;
static struct lagg_softc *la, *lb;
static struct tw_pair p;

static struct lagg_softc *
make_lagg(struct tw_host *h, unsigned host, const char *proto)
{
	struct lagg_softc *sc;

	assert_int_equal(lagg_create(h->v, "lagg0", proto, &sc), 0);
	for (unsigned i = 0; i < h->ports; i++)
		assert_int_equal(lagg_addport(sc, &h->port[i].ifn), 0);
	if_setflags(lagg_ifp(sc), lagg_ifp(sc)->if_flags | IFF_UP);
	tw_addrs(lagg_ifp(sc), host);
	return (sc);
}

static void
start(const char *proto, unsigned ports)
{
	memset(&p, 0, sizeof(p));
	w = tw_new_bare(9, CARD, ports);
	la = make_lagg(&w->a, 1, proto);
	lb = make_lagg(&w->b, 2, proto);
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
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

/* --- the hash --- */

/* The published results of FNV-1, 32 bits. */
static void
test_fnv1_is_the_published_one(void **state)
{
	assert_int_equal(lagg_fnv32("", 0, 0x811c9dc5), 0x811c9dc5);
	assert_int_equal(lagg_fnv32("a", 1, 0x811c9dc5), 0x050c5d7e);
	assert_int_equal(lagg_fnv32("b", 1, 0x811c9dc5), 0x050c5d7d);
	assert_int_equal(lagg_fnv32("fo", 2, 0x811c9dc5), 0x6b772514);
	assert_int_equal(lagg_fnv32("foobar", 6, 0x811c9dc5), 0x31f0b262);
}

/* Ethernet, IPv4 or IPv6, ports; the rest zero. */
static struct mbuf *
frame(bool v6, const char *change, unsigned at)
{
	struct mbuf *m = m_gethdr(w->a.v->v_mb, M_WAITOK, MT_DATA);
	uint8_t *h = m->m_data;

	memset(h, 0, 100);
	be16enc(h + 12, v6 ? 0x86dd : 0x0800);
	h[14] = v6 ? 0x60 : 0x45;
	h[14 + 9] = 6;
	if (change != NULL)
		h[at] = (uint8_t)*change;
	m->m_len = m->m_pkthdr.len = 100;
	return (m);
}

static bool
counts(bool v6, unsigned at, uint32_t layers)
{
	struct mbuf *one = frame(v6, NULL, 0), *two = frame(v6, "\x01", at);
	bool differ = lagg_hash(one, layers, 7) != lagg_hash(two, layers, 7);

	m_freem(one);
	m_freem(two);
	return (differ);
}

static void
test_each_layer_takes_its_fields_and_no_others(void **state)
{
	/* destination, source; IPv4 addresses, ports; TTL. */
	static const struct {
		unsigned at;
		uint32_t layer; /* 0: none */
	} v4[] = { { 0, LAGG_HASH_L2 }, { 11, LAGG_HASH_L2 },
		{ 26, LAGG_HASH_L3 }, { 33, LAGG_HASH_L3 },
		{ 34, LAGG_HASH_L4 }, { 37, LAGG_HASH_L4 }, { 22, 0 },
		{ 38, 0 } },
	  v6[] = { { 5, LAGG_HASH_L2 }, { 22, LAGG_HASH_L3 },
		  { 53, LAGG_HASH_L3 }, { 17, LAGG_HASH_L4 }, /* label */
		  { 54, 0 } /* ports are not looked at */ };

	start("loadbalance", 2);
	for (uint32_t l = 1; l <= LAGG_HASH_ALL; l++) {
		for (unsigned i = 0; i < nitems(v4); i++)
			assert_int_equal(counts(false, v4[i].at, l),
			    (v4[i].layer & l) != 0);
		for (unsigned i = 0; i < nitems(v6); i++)
			assert_int_equal(counts(true, v6[i].at, l),
			    (v6[i].layer & l) != 0);
	}
	finish();
}

static void
test_laggs_have_seeds_of_their_own(void **state)
{
	start("loadbalance", 2);
	assert_int_not_equal(la->sc_hash_init, lb->sc_hash_init);
	finish();
}

/* --- loadbalance --- */

static void
send_bytes(uint64_t n)
{
	p.s.to_send = p.s.sent + n;
	tw_app_kick(&p.s);
	tw_run(w, 3 * SIM_SEC);
	assert_int_equal(p.s.sent, p.s.to_send);
}

static unsigned
ports_that_sent(uint32_t most)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->b.ports; i++)
		n += w->b.port[i].frames > most;
	return (n);
}

static void
test_a_flow_has_one_port(void **state)
{
	start("loadbalance", 4);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	send_bytes(300000);
	/* ARP, by its own headers, may go elsewhere. */
	assert_int_equal(ports_that_sent(20), 1);
	assert_int_equal(lagg_ifp(lb)->if_baudrate,
	    4 * w->b.port[0].ifn.if_baudrate);
	finish();
}

static void
test_without_flow_numbers_there_are_no_tags(void **state)
{
	start("loadbalance", 2);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(p.s.so->so_snd.sb_tls_info->mode, TCP_TLS_MODE_SW);
	send_bytes(100000);
	finish();
}

static struct lagg_opts
by_flowid(uint32_t shift)
{
	struct lagg_opts lo = *lagg_opts(lb);

	lo.use_flowid = true;
	lo.flowid_shift = shift;
	return (lo);
}

/* The tag is of the port that the packets take, or each one would be lost. */
static void
test_with_flow_numbers_tag_and_packets_agree(void **state)
{
	struct m_snd_tag *mst, *inner;
	struct lagg_opts lo;

	for (uint32_t shift = 0; shift < 20; shift += 5) {
		start("loadbalance", 3);
		lo = by_flowid(shift);
		assert_int_equal(lagg_setopts(lb, &lo), 0);
		tw_connect(w, &p, KAF_INET);
		p.c.raw = true;
		assert_int_equal(tw_tls_tx(&p.s), 0);
		assert_int_equal(p.s.so->so_snd.sb_tls_info->mode,
		    TCP_TLS_MODE_IFNET);
		mst = p.s.so->so_snd.sb_tls_info->snd_tag;
		inner = mst->sw->next_snd_tag(mst);
		assert_ptr_equal(inner->ifp,
		    &w->b.port[(tw_tp(&p.s)->t_inpcb->inp_flowid >> shift) % 3]
			 .ifn);
		send_bytes(100000);
		assert_int_equal(lagg_stats(lb)->tag_mismatch, 0);
		finish();
	}
}

/* The port's link goes: the flow has the next one, and a new tag there. */
static void
test_a_flow_moves_with_its_tag_when_its_port_goes(void **state)
{
	struct m_snd_tag *mst;
	struct ifnet *was;
	struct lagg_opts lo;

	start("loadbalance", 2);
	lo = by_flowid(0);
	assert_int_equal(lagg_setopts(lb, &lo), 0);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	mst = p.s.so->so_snd.sb_tls_info->snd_tag;
	was = mst->sw->next_snd_tag(mst)->ifp;
	send_bytes(50000);
	tw_link(w, was == &w->b.port[0].ifn ? 0 : 1, false);
	send_bytes(50000);
	assert_int_equal(lagg_stats(lb)->tag_mismatch > 0, 1);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset, 1);
	mst = p.s.so->so_snd.sb_tls_info->snd_tag;
	assert_ptr_not_equal(mst->sw->next_snd_tag(mst)->ifp, was);
	finish();
}

/* --- roundrobin --- */

static void
test_roundrobin_takes_the_ports_in_turn(void **state)
{
	start("roundrobin", 3);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	send_bytes(300000);
	assert_int_equal(ports_that_sent(20), 3);
	finish();
}

static void
test_rr_limit_packets_go_to_one_port_in_a_row(void **state)
{
	struct lagg_opts lo;
	struct mbuf *m;

	start("roundrobin", 2);
	lo = *lagg_opts(lb);
	lo.rr_limit = 3;
	assert_int_equal(lagg_setopts(lb, &lo), 0);
	for (unsigned i = 0; i < 12; i++) {
		m = frame(false, NULL, 0);
		assert_ptr_equal(lb->sc_proto->lpr_port(lb, m)->lp_ifp,
		    &w->b.port[i / 3 % 2].ifn);
		m_freem(m);
	}
	finish();
}

static void
test_roundrobin_and_broadcast_have_no_tags(void **state)
{
	static const char *const protos[] = { "roundrobin", "broadcast" };

	for (unsigned i = 0; i < 2; i++) {
		start(protos[i], 2);
		tw_connect(w, &p, KAF_INET);
		p.c.raw = true;
		assert_int_equal(tw_tls_tx(&p.s), 0);
		assert_int_equal(p.s.so->so_snd.sb_tls_info->mode,
		    TCP_TLS_MODE_SW);
		send_bytes(60000);
		finish();
	}
}

/* --- broadcast --- */

static void
test_broadcast_sends_by_every_active_port(void **state)
{
	uint32_t was;

	start("broadcast", 3);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	send_bytes(100000);
	assert_true(w->b.port[0].frames > 50);
	assert_int_equal(w->b.port[0].frames, w->b.port[1].frames);
	assert_int_equal(w->b.port[0].frames, w->b.port[2].frames);
	tw_link(w, 1, false);
	was = w->b.port[1].frames;
	send_bytes(50000);
	assert_int_equal(w->b.port[1].frames, was);
	assert_int_equal(w->b.port[0].frames, w->b.port[2].frames);
	finish();
}

static void
test_one_port_that_takes_a_broadcast_packet_is_enough(void **state)
{
	struct ifnet *ifp;

	start("broadcast", 2);
	ifp = lagg_ifp(lb);
	w->b.port[0].refuse = 1;
	assert_int_equal(ifp->if_transmit(ifp, frame(false, NULL, 0)), 0);
	w->b.port[0].refuse = w->b.port[1].refuse = 1;
	assert_int_equal(ifp->if_transmit(ifp, frame(false, NULL, 0)), ENOBUFS);
	tw_link(w, 0, false);
	tw_link(w, 1, false);
	assert_int_equal(ifp->if_transmit(ifp, frame(false, NULL, 0)),
	    ENETDOWN);
	assert_int_equal(lagg_stats(lb)->no_port, 1);
	finish();
}

static void
test_options_out_of_bounds(void **state)
{
	struct lagg_opts lo;

	start("loadbalance", 2);
	lo = by_flowid(32);
	assert_int_equal(lagg_setopts(lb, &lo), EINVAL);
	lo = by_flowid(31);
	lo.rr_limit = 0;
	assert_int_equal(lagg_setopts(lb, &lo), EINVAL);
	lo.rr_limit = 1;
	lo.hash_layers = 8;
	assert_int_equal(lagg_setopts(lb, &lo), EINVAL);
	lo.hash_layers = 0; /* all in one port */
	assert_int_equal(lagg_setopts(lb, &lo), 0);
	assert_int_equal(lagg_opts(lb)->flowid_shift, 31);
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fnv1_is_the_published_one),
		cmocka_unit_test(
		    test_each_layer_takes_its_fields_and_no_others),
		cmocka_unit_test(test_laggs_have_seeds_of_their_own),
		cmocka_unit_test(test_a_flow_has_one_port),
		cmocka_unit_test(test_without_flow_numbers_there_are_no_tags),
		cmocka_unit_test(test_with_flow_numbers_tag_and_packets_agree),
		cmocka_unit_test(
		    test_a_flow_moves_with_its_tag_when_its_port_goes),
		cmocka_unit_test(test_roundrobin_takes_the_ports_in_turn),
		cmocka_unit_test(test_rr_limit_packets_go_to_one_port_in_a_row),
		cmocka_unit_test(test_roundrobin_and_broadcast_have_no_tags),
		cmocka_unit_test(test_broadcast_sends_by_every_active_port),
		cmocka_unit_test(
		    test_one_port_that_takes_a_broadcast_packet_is_enough),
		cmocka_unit_test(test_options_out_of_bounds),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
