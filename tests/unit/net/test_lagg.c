/* lagg failover: which port, which tag, and what a TLS session goes through. */
#include "netwire.h"

#include <errno.h>

#include <ktsim/kern/ktls.h>

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

	assert_int_equal(lagg_create(h->v, "lagg0", "failover", &sc), 0);
	for (unsigned i = 0; i < h->ports; i++)
		assert_int_equal(lagg_addport(sc, &h->port[i].ifn), 0);
	if_setflags(lagg_ifp(sc), lagg_ifp(sc)->if_flags | IFF_UP);
	tw_addrs(lagg_ifp(sc), host);
	return (sc);
}

static void
start(unsigned ports)
{
	memset(&p, 0, sizeof(p));
	w = tw_new_bare(9, CARD, ports);
	la = make_lagg(&w->a, 1);
	lb = make_lagg(&w->b, 2);
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

static void
test_failover_takes_primary_then_next_then_first(void **state)
{
	struct ifnet *p0, *p1, *p2;

	start(3);
	p0 = &w->b.port[0].ifn;
	p1 = &w->b.port[1].ifn;
	p2 = &w->b.port[2].ifn;
	assert_ptr_equal(lagg_active_port(lb), p0);
	if_link_state_change(p0, LINK_STATE_DOWN);
	assert_ptr_equal(lagg_active_port(lb), p1);
	if_link_state_change(p1, LINK_STATE_DOWN);
	assert_ptr_equal(lagg_active_port(lb), p2);
	if_link_state_change(p2, LINK_STATE_DOWN);
	assert_null(lagg_active_port(lb));
	assert_int_equal(lagg_ifp(lb)->if_link_state, LINK_STATE_DOWN);
	if_link_state_change(p2, LINK_STATE_UP);
	assert_ptr_equal(lagg_active_port(lb), p2);
	if_link_state_change(p0, LINK_STATE_UP);
	assert_ptr_equal(lagg_active_port(lb), p0);
	assert_int_equal(lagg_stats(lb)->failovers, 4);
	finish();
}

static void
test_port_change_leaves_cached_routes_alone(void **state)
{
	uint32_t gen;

	start(2);
	gen = route_generation(w->b.v);
	if_link_state_change(&w->b.port[0].ifn, LINK_STATE_DOWN);
	assert_int_equal(route_generation(w->b.v), gen);
	if_link_state_change(&w->b.port[1].ifn, LINK_STATE_DOWN);
	assert_true(route_generation(w->b.v) != gen);
	finish();
}

static void
test_capabilities_are_common_and_limits_the_least(void **state)
{
	struct ifnet *l;

	start(2);
	l = lagg_ifp(lb);
	assert_int_equal(l->if_capenable, CARD);
	assert_int_equal(l->if_hw_tsomax, 65518);
	assert_int_equal(if_setcap(&w->b.port[1].ifn, CARD & ~IFCAP_TXTLS4), 0);
	assert_int_equal(l->if_capenable, CARD & ~IFCAP_TXTLS4);
	assert_int_equal(w->b.port[0].ifn.if_capenable, CARD & ~IFCAP_TXTLS4);
	assert_int_equal(if_setcap(l, CARD), 0);
	assert_int_equal(w->b.port[1].ifn.if_capenable, CARD);
	finish();
}

static void
test_ports_join_and_leave(void **state)
{
	struct lagg_softc *other;
	uint8_t was[6];

	start(2);
	assert_int_equal(lagg_addport(lb, &w->b.port[0].ifn), EEXIST);
	assert_int_equal(lagg_create(w->b.v, "lagg1", "trunk", &other),
	    EPROTONOSUPPORT);
	assert_int_equal(lagg_create(w->b.v, "lagg1", "failover", &other), 0);
	assert_int_equal(lagg_addport(other, lagg_ifp(lb)), EINVAL);
	assert_int_equal(lagg_delport(other, &w->b.port[0].ifn), ENOENT);
	memcpy(was, lagg_ifp(lb)->if_lladdr, 6);
	assert_memory_equal(w->b.port[1].ifn.if_lladdr, was, 6);
	assert_int_equal(lagg_delport(lb, &w->b.port[1].ifn), 0);
	assert_memory_not_equal(w->b.port[1].ifn.if_lladdr, was, 6);
	lagg_destroy(other);
	finish();
}

static struct m_snd_tag *
take_tag(struct lagg_softc *sc)
{
	struct if_snd_tag_alloc_params params = { .type = IF_SND_TAG_TYPE_TLS };
	struct m_snd_tag *mst;

	assert_int_equal(m_snd_tag_alloc(lagg_ifp(sc), &params, &mst), 0);
	return (mst);
}

static struct mbuf *
tagged_packet(struct m_snd_tag *mst)
{
	struct mbuf *m = m_gethdr(w->b.v->v_mb, M_WAITOK, MT_DATA);

	memset(m->m_data, 0, 64);
	m->m_data[12] = 0x08;
	m->m_data[13] = 0x06; /* as if ARP: the card looks no further */
	m->m_len = m->m_pkthdr.len = 64;
	m->m_pkthdr.snd_tag = m_snd_tag_ref(mst);
	m->m_pkthdr.csum_flags = CSUM_SND_TAG;
	return (m);
}

static void
test_tag_wraps_the_active_ports_tag(void **state)
{
	struct m_snd_tag *mst;
	uint64_t live;

	start(2);
	mst = take_tag(lb);
	assert_ptr_equal(mst->ifp, lagg_ifp(lb));
	assert_ptr_equal(mst->sw->next_snd_tag(mst)->ifp, &w->b.port[0].ifn);
	assert_int_equal(sysctl_read(w->b.v, "kern.ipc.num_snd_tags", &live),
	    0);
	assert_int_equal(live, 2);
	m_snd_tag_rele(mst);
	sysctl_read(w->b.v, "kern.ipc.num_snd_tags", &live);
	assert_int_equal(live, 0);
	finish();
}

static void
test_transmit_swaps_the_tag_for_the_ports(void **state)
{
	struct m_snd_tag *mst, *inner;

	start(2);
	mst = take_tag(lb);
	inner = mst->sw->next_snd_tag(mst);
	assert_int_equal(lagg_ifp(lb)->if_transmit(lagg_ifp(lb),
			     tagged_packet(mst)),
	    0); /* the card checks whose tag it is */
	assert_int_equal(mst->refcount, 1);
	assert_int_equal(inner->refcount, 1);
	m_snd_tag_rele(mst);
	finish();
}

static void
test_tag_of_the_other_port_is_eagain(void **state)
{
	struct m_snd_tag *mst;

	start(2);
	mst = take_tag(lb);
	if_link_state_change(&w->b.port[0].ifn, LINK_STATE_DOWN);
	assert_int_equal(lagg_ifp(lb)->if_transmit(lagg_ifp(lb),
			     tagged_packet(mst)),
	    EAGAIN);
	assert_int_equal(lagg_stats(lb)->tag_mismatch, 1);
	assert_int_equal(mst->refcount, 1); /* packet and its ref are gone */
	m_snd_tag_rele(mst);
	finish();
}

/* --- rates --- */

static uint64_t inner_rate;

static int
inner_modify(struct m_snd_tag *mst, const void *params)
{
	inner_rate = *(const uint64_t *)params;
	return (inner_rate > 1000 ? EBUSY : 0);
}

static int
inner_query(struct m_snd_tag *mst, void *params)
{
	*(uint64_t *)params = inner_rate;
	return (EALREADY);
}

static void
test_rates_are_the_ports_matter(void **state)
{
	struct if_ratelimit_query_results rl = { 0 };
	struct m_snd_tag *mst, *inner;
	const struct if_snd_tag_sw *old;
	struct if_snd_tag_sw sw;
	uint64_t rate = 1000, got = 0;

	start(2);
	lagg_ifp(lb)->if_ratelimit_query(lagg_ifp(lb), &rl);
	assert_int_equal(rl.flags, RT_IS_INDIRECT);
	mst = take_tag(lb);
	inner = mst->sw->next_snd_tag(mst);
	assert_int_equal(mst->sw->snd_tag_modify(mst, &rate), EOPNOTSUPP);
	assert_int_equal(mst->sw->snd_tag_query(mst, &got), EOPNOTSUPP);
	old = inner->sw;
	sw = *old;
	sw.snd_tag_modify = inner_modify;
	sw.snd_tag_query = inner_query;
	inner->sw = &sw;
	assert_int_equal(mst->sw->snd_tag_modify(mst, &rate), 0);
	assert_int_equal(mst->sw->snd_tag_query(mst, &got), EALREADY);
	assert_int_equal(got, 1000);
	rate = 1001;
	assert_int_equal(mst->sw->snd_tag_modify(mst, &rate), EBUSY);
	inner->sw = old;
	m_snd_tag_rele(mst);
	finish();
}

/* Its ordinary tag is of the first port: TCP hears of it, and takes another. */
static void
test_paced_connection_survives_failover(void **state)
{
	uint32_t rate = 100000000;
	struct sockopt so = { .sopt_level = KSOL_SOCKET,
		.sopt_name = KSO_MAX_PACING_RATE,
		.sopt_val = &rate,
		.sopt_valsize = sizeof(rate) };

	start(2);
	tw_connect(w, &p, KAF_INET);
	assert_int_equal(sosetopt(p.s.so, &so), 0);
	p.s.to_send = 2000000;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_MS);
	assert_int_equal(w->b.port[0].tag_type, IF_SND_TAG_TYPE_RATE_LIMIT);
	assert_int_equal(w->b.port[0].tags, 1);
	tw_link(w, 0, false);
	tw_run(w, 30 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 2000000);
	assert_int_equal(p.s.error, 0);
	assert_int_equal(w->b.port[1].tag_type, IF_SND_TAG_TYPE_RATE_LIMIT);
	assert_int_equal(w->b.port[0].tags, 0);
	finish();
}

static void
test_all_ports_down_is_enetdown_and_no_tag(void **state)
{
	struct if_snd_tag_alloc_params params = { .type = IF_SND_TAG_TYPE_TLS };
	struct m_snd_tag *mst;
	struct mbuf *m;

	start(2);
	tw_link(w, 0, false);
	tw_link(w, 1, false);
	m = m_gethdr(w->b.v->v_mb, M_WAITOK, MT_DATA);
	assert_int_equal(lagg_ifp(lb)->if_transmit(lagg_ifp(lb), m), ENETDOWN);
	assert_int_equal(lagg_stats(lb)->no_port, 1);
	assert_int_equal(m_snd_tag_alloc(lagg_ifp(lb), &params, &mst),
	    EOPNOTSUPP);
	finish();
}

static void
test_plain_connection_survives_failover(void **state)
{
	start(2);
	tw_connect(w, &p, KAF_INET);
	p.s.to_send = 2000000;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_MS);
	tw_link(w, 0, false);
	tw_run(w, 30 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 2000000);
	assert_true(p.c.eof);
	assert_true(w->b.port[1].frames > 100);
	finish();
}

static void
test_non_active_port_is_not_heard(void **state)
{
	start(2);
	tw_connect(w, &p, KAF_INET);
	/* Only b changes over: a still listens on port 0. */
	if_link_state_change(&w->b.port[0].ifn, LINK_STATE_DOWN);
	p.s.to_send = 10000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_SEC);
	assert_int_equal(p.c.rcvd, 0);
	assert_true(lagg_stats(la)->rx_inactive > 0);
	assert_int_equal(sysctl_write(w->a.v, "net.link.lagg.failover_rx_all",
			     1),
	    0);
	if_link_state_change(&w->a.port[0].ifn, LINK_STATE_DOWN);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 10000);
	finish();
}

static void
tls_failover(int family, int flaps, uint64_t bytes)
{
	struct tcpcb *s;

	start(2);
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
	tw_connect(w, &p, family);
	p.c.raw = true;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	s = tw_tp(&p.s);
	assert_true(inp_ktls_xmit(s->t_inpcb));
	assert_int_equal(w->b.port[0].tags, 1);
	p.s.to_send = bytes;
	p.s.shut_after = p.c.shut_after = true;
	tw_app_kick(&p.s);
	for (int i = 0; i < flaps; i++) {
		tw_run(w, 5 * SIM_MS);
		tw_link(w, i & 1, false);
		tw_link(w, !(i & 1), true);
		tw_run(w, 300 * SIM_MS);
	}
	tw_run(w, 30 * SIM_SEC);
	assert_true(p.c.eof);
	assert_int_equal(p.c.rcvd, s->t_stats.snd_bytes);
	assert_true(p.c.rcvd > bytes);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset, flaps);
	assert_true(lagg_stats(lb)->tag_mismatch >= (uint64_t)flaps);
	finish();
}

static void
test_tls_session_follows_the_port(void **state)
{
	tls_failover(KAF_INET, 1, 5000000);
	tls_failover(KAF_INET6, 1, 5000000);
}

static void
test_flapping_is_survived_each_time(void **state)
{
	tls_failover(KAF_INET, 4, 80000000);
}

static void
test_refused_reset_ends_the_connection(void **state)
{
	start(2);
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	p.s.to_send = 5000000;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_MS);
	w->b.port[1].ifn.if_snd_tag_alloc = NULL;
	tw_link(w, 0, false);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(p.s.error, ECONNABORTED);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset_dropped, 1);
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_failover_takes_primary_then_next_then_first),
		cmocka_unit_test(test_rates_are_the_ports_matter),
		cmocka_unit_test(test_paced_connection_survives_failover),
		cmocka_unit_test(test_port_change_leaves_cached_routes_alone),
		cmocka_unit_test(
		    test_capabilities_are_common_and_limits_the_least),
		cmocka_unit_test(test_ports_join_and_leave),
		cmocka_unit_test(test_tag_wraps_the_active_ports_tag),
		cmocka_unit_test(test_transmit_swaps_the_tag_for_the_ports),
		cmocka_unit_test(test_tag_of_the_other_port_is_eagain),
		cmocka_unit_test(test_all_ports_down_is_enetdown_and_no_tag),
		cmocka_unit_test(test_plain_connection_survives_failover),
		cmocka_unit_test(test_non_active_port_is_not_heard),
		cmocka_unit_test(test_tls_session_follows_the_port),
		cmocka_unit_test(test_flapping_is_survived_each_time),
		cmocka_unit_test(test_refused_reset_ends_the_connection),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
