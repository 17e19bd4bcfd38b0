/* The neighbour table, as ARP and ND use it: asking, waiting, giving up. */
#include "netwire.h"

#include <errno.h>

#include <ktsim/kern/mbuf.h>

static struct tw *w;
static struct ifnet *ifp;

static int
setup(void **state)
{
	w = tw_new(1, 0);
	ifp = &w->a.port[0].ifn;
	tw_run(w, SIM_SEC);
	return (0);
}

static int
teardown(void **state)
{
	tw_free(w);
	return (0);
}

static struct mbuf *
packet(int family)
{
	struct mbuf *m = m_gethdr(w->a.v->v_mb, M_WAITOK, MT_DATA);

	m->m_len = m->m_pkthdr.len = 48;
	memset(m->m_data, 0, 48);
	m->m_data[0] = family == KAF_INET ? 0x45 : 0x60;
	return (m);
}

static void
resolve_a_neighbour_that_is_there(int family)
{
	struct ksockaddr gw = tw_sa(family, 2, 0);
	const struct ip_stats *st = ip_stats(w->b.v, family);
	const struct llentry *lle;
	uint8_t mac[6];
	uint64_t in;
	struct mbuf *m;

	assert_null(lle_find(ifp, family, &gw.sa_addr));
	assert_int_equal(lle_resolve(ifp, &gw, packet(family), mac),
	    EWOULDBLOCK);
	assert_int_equal(lle_resolve(ifp, &gw, packet(family), mac),
	    EWOULDBLOCK);
	lle = lle_find(ifp, family, &gw.sa_addr);
	assert_int_equal(lle->lle_holdcnt, 2);
	assert_int_equal(lle->lle_asked, 1);
	in = st->total_in;
	tw_run(w, SIM_SEC / 2);
	assert_int_equal(lle->lle_state, LLE_REACHABLE);
	assert_int_equal(lle->lle_holdcnt, 0);
	assert_true(st->total_in >= in + 2);
	m = packet(family);
	assert_int_equal(lle_resolve(ifp, &gw, m, mac), 0);
	assert_memory_equal(mac, lle->lle_lladdr, 6);
	m_freem(m);
}

static void
test_arp_answer_lets_the_waiting_packets_go(void **state)
{
	resolve_a_neighbour_that_is_there(KAF_INET);
}

static void
test_nd_answer_lets_the_waiting_packets_go(void **state)
{
	resolve_a_neighbour_that_is_there(KAF_INET6);
}

static void
give_up_on_a_neighbour_that_is_not(int family)
{
	struct ksockaddr gw = tw_sa(family, 77, 0);
	const struct llentry *lle;
	uint32_t frames = w->a.port[0].frames;
	uint8_t mac[6];

	assert_int_equal(lle_resolve(ifp, &gw, packet(family), mac),
	    EWOULDBLOCK);
	lle = lle_find(ifp, family, &gw.sa_addr);
	tw_run(w, (LLE_TRIES - 1) * LLE_RETRY + SIM_SEC / 2);
	assert_int_equal(lle->lle_state, LLE_INCOMPLETE);
	assert_int_equal(lle->lle_asked, LLE_TRIES);
	assert_int_equal(w->a.port[0].frames, frames + LLE_TRIES);
	tw_run(w, SIM_SEC);
	assert_int_equal(lle->lle_state, LLE_FAILED);
	assert_int_equal(lle->lle_holdcnt, 0);
	assert_int_equal(lle_resolve(ifp, &gw, packet(family), mac),
	    EHOSTUNREACH);
	/* After a while it may be asked again. */
	tw_run(w, LLE_DOWN_TIME);
	assert_null(lle_find(ifp, family, &gw.sa_addr));
}

static void
test_arp_gives_up_after_its_tries(void **state)
{
	give_up_on_a_neighbour_that_is_not(KAF_INET);
}

static void
test_nd_gives_up_after_its_tries(void **state)
{
	give_up_on_a_neighbour_that_is_not(KAF_INET6);
}

static void
test_oldest_packet_goes_when_too_many_wait(void **state)
{
	struct ksockaddr gw = tw_sa(KAF_INET, 77, 0);
	const struct llentry *lle;
	struct mbuf *second = NULL, *m;
	uint8_t mac[6];

	for (int i = 0; i <= LLE_HOLD_MAX; i++) {
		m = packet(KAF_INET);
		if (i == 1)
			second = m;
		assert_int_equal(lle_resolve(ifp, &gw, m, mac), EWOULDBLOCK);
	}
	lle = lle_find(ifp, KAF_INET, &gw.sa_addr);
	assert_int_equal(lle->lle_holdcnt, LLE_HOLD_MAX);
	assert_ptr_equal(lle->lle_hold, second);
	lle_flush(ifp);
	assert_null(lle_find(ifp, KAF_INET, &gw.sa_addr));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_arp_answer_lets_the_waiting_packets_go),
		T(test_nd_answer_lets_the_waiting_packets_go),
		T(test_arp_gives_up_after_its_tries),
		T(test_nd_gives_up_after_its_tries),
		T(test_oldest_packet_goes_when_too_many_wait),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
