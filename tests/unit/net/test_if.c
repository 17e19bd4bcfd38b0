/* Interfaces, routes, neighbours. */
#include "netwire.h"

#include <errno.h>

#include <ktsim/base/bytes.h>

static struct tw *w;

static int
setup(void **state)
{
	w = tw_new(5, IFCAP_TXCSUM | IFCAP_TSO4);
	return (0);
}

static int
teardown(void **state)
{
	w->hook = NULL;
	tw_free(w);
	return (0);
}

static struct in_any
v4(uint32_t a)
{
	struct in_any x = { { 0 } };

	be32enc(x.a, a);
	return (x);
}

static void
test_tso_limits_default_as_freebsd(void **state)
{
	struct ifnet *ifp = &w->a.port[0].ifn;

	assert_int_equal(ifp->if_hw_tsomax, 65518);
	assert_int_equal(ifp->if_hw_tsomaxsegcount, 35);
	assert_int_equal(ifp->if_hw_tsomaxsegsize, 2048);
	assert_int_equal(ifp->if_hwassist, CSUM_IP | CSUM_IP_TCP | CSUM_IP_TSO);
	assert_int_equal(if_setcap(ifp, IFCAP_TXTLS4), EINVAL);
	assert_int_equal(if_setcap(ifp, IFCAP_TSO4), 0);
	assert_int_equal(ifp->if_hwassist, 0);
}

static void
test_capability_names(void **state)
{
	struct strbuf sb = { 0 };

	assert_int_equal(if_capbyname("txtls4"), IFCAP_TXTLS4);
	assert_int_equal(if_capbyname("mextpg"), IFCAP_MEXTPG);
	assert_int_equal(if_capbyname("txtls"), IFCAP_TXTLS4 | IFCAP_TXTLS6);
	assert_int_equal(if_capbyname("warp"), 0);
	if_capnames(IFCAP_RXCSUM | IFCAP_TSO4 | IFCAP_RXTLS6, &sb);
	assert_string_equal(strbuf_str(&sb), "RXCSUM,TSO4,RXTLS6");
	strbuf_fini(&sb);
}

static void
test_longest_prefix_wins(void **state)
{
	struct vnet *v = w->a.v;
	struct ifnet *ifp = &w->a.port[0].ifn;
	struct in_any any = v4(0), gw1 = v4(0x0a000002), gw2 = v4(0x0a000003);
	struct in_any net = v4(0xc0a80000), dst = v4(0xc0a80105), host = dst;
	struct nhop nh;
	uint32_t gen;

	assert_int_equal(route_lookup(v, KAF_INET, &dst, &nh), EHOSTUNREACH);
	gen = route_generation(v);
	assert_int_equal(route_add(v, KAF_INET, &any, 0, &gw1, ifp), 0);
	assert_true(route_generation(v) != gen);
	assert_int_equal(route_add(v, KAF_INET, &any, 0, &gw1, ifp), EEXIST);
	assert_int_equal(route_add(v, KAF_INET, &net, 17, &gw2, ifp), 0);
	assert_int_equal(route_lookup(v, KAF_INET, &dst, &nh), 0);
	assert_true(in_any_eq(&nh.nh_gw.sa_addr, &gw2));
	assert_int_equal(route_add(v, KAF_INET, &host, 32, NULL, ifp), 0);
	assert_int_equal(route_lookup(v, KAF_INET, &dst, &nh), 0);
	assert_true(in_any_eq(&nh.nh_gw.sa_addr, &dst));
	assert_int_equal(route_delete(v, KAF_INET, &host, 32), 0);
	assert_int_equal(route_delete(v, KAF_INET, &host, 32), ESRCH);
	dst = v4(0xc0a88001); /* outside of /17 */
	assert_int_equal(route_lookup(v, KAF_INET, &dst, &nh), 0);
	assert_true(in_any_eq(&nh.nh_gw.sa_addr, &gw1));
	dst = tw_addr(KAF_INET, 1);
	assert_true(in_any_eq(&nh.nh_src, &dst));
}

static void
test_addresses(void **state)
{
	struct ifnet *ifp = &w->a.port[0].ifn;
	struct in_any a = v4(0x0a000009);

	assert_int_equal(if_addr_add(ifp, KAF_INET, &a, 24), 0);
	assert_int_equal(if_addr_add(ifp, KAF_INET, &a, 24), EEXIST);
	assert_int_equal(if_addr_add(ifp, 99, &a, 24), EINVAL);
	assert_ptr_equal(if_addr_owner(w->a.v, KAF_INET, &a), ifp);
	a = v4(0x0a00000a);
	assert_null(if_addr_owner(w->a.v, KAF_INET, &a));
	assert_ptr_equal(if_lookup(w->a.v, "tw0"), ifp);
	assert_null(if_lookup(w->a.v, "tw9"));
}

static int
resolve(struct ifnet *ifp, const struct in_any *a)
{
	struct ksockaddr gw = { .sa_family = KAF_INET, .sa_addr = *a };
	struct mbuf *m = m_gethdr(ifp->if_vnet->v_mb, M_WAITOK, MT_DATA);
	uint8_t ll[6];
	int error;

	m->m_data += 16;
	m->m_len = m->m_pkthdr.len = 40;
	memset(m->m_data, 0, 40);
	error = lle_resolve(ifp, &gw, m, ll);
	if (error == 0)
		m_freem(m);
	return (error);
}

static void
test_neighbour_that_answers_gets_what_waited(void **state)
{
	struct ifnet *ifp = &w->a.port[0].ifn;
	struct in_any b = tw_addr(KAF_INET, 2);

	assert_int_equal(resolve(ifp, &b), EWOULDBLOCK);
	assert_int_equal(resolve(ifp, &b), EWOULDBLOCK);
	assert_int_equal(lle_find(ifp, KAF_INET, &b)->lle_holdcnt, 2);
	tw_run(w, SIM_MS * 10);
	assert_int_equal(lle_find(ifp, KAF_INET, &b)->lle_state, LLE_REACHABLE);
	assert_int_equal(w->a.port[0].frames, 3); /* request, two packets */
	assert_int_equal(resolve(ifp, &b), 0);
	/* b learned a from the question. */
	b = tw_addr(KAF_INET, 1);
	assert_int_equal(resolve(&w->b.port[0].ifn, &b), 0);
}

static void
test_silent_neighbour_is_asked_five_times_then_unreachable(void **state)
{
	struct ifnet *ifp = &w->a.port[0].ifn;
	struct in_any nobody = v4(0x0a000063);
	const struct llentry *lle;

	for (int i = 0; i < 20; i++)
		assert_int_equal(resolve(ifp, &nobody), EWOULDBLOCK);
	lle = lle_find(ifp, KAF_INET, &nobody);
	assert_int_equal(lle->lle_holdcnt, LLE_HOLD_MAX);
	tw_run(w, 4500 * SIM_MS);
	assert_int_equal(w->a.port[0].frames, 5);
	assert_int_equal(lle->lle_state, LLE_INCOMPLETE);
	tw_run(w, SIM_SEC);
	assert_int_equal(lle->lle_state, LLE_FAILED);
	assert_int_equal(lle->lle_holdcnt, 0);
	assert_int_equal(resolve(ifp, &nobody), EHOSTUNREACH);
	tw_run(w, LLE_DOWN_TIME);
	assert_int_equal(resolve(ifp, &nobody), EWOULDBLOCK);
}

static void
test_link_that_comes_back_is_announced(void **state)
{
	struct ifnet *ifp = &w->a.port[0].ifn;
	struct in_any a = tw_addr(KAF_INET, 1), a6 = tw_addr(KAF_INET6, 1);

	lle_learn(&w->b.port[0].ifn, KAF_INET, &a,
	    (const uint8_t[6]) { 2, 9, 9, 9, 9, 9 }, true);
	lle_learn(&w->b.port[0].ifn, KAF_INET6, &a6,
	    (const uint8_t[6]) { 2, 9, 9, 9, 9, 9 }, true);
	if_link_state_change(ifp, LINK_STATE_DOWN);
	if_link_state_change(ifp, LINK_STATE_UP);
	tw_run(w, SIM_MS);
	assert_memory_equal(lle_find(&w->b.port[0].ifn, KAF_INET, &a)
				->lle_lladdr,
	    ifp->if_lladdr, 6);
	assert_memory_equal(lle_find(&w->b.port[0].ifn, KAF_INET6, &a6)
				->lle_lladdr,
	    ifp->if_lladdr, 6);
}

static void
test_garbage_is_counted_and_freed(void **state)
{
	struct ifnet *ifp = &w->a.port[0].ifn;
	struct prng r;
	struct mbuf *m;

	prng_init(&r, 1, "garbage");
	for (int i = 0; i < 20000; i++) {
		m = m_getjcl(w->a.v->v_mb, M_WAITOK, MT_DATA, M_PKTHDR,
		    MCLBYTES);
		m->m_len = m->m_pkthdr.len = (int32_t)prng_below(&r, 120);
		prng_bytes(&r, m->m_data, 128);
		memcpy(m->m_data, ifp->if_lladdr, 6);
		be16enc(m->m_data + 12,
		    (const uint16_t[]) { 0x800, 0x86dd, 0x806, 0x1234 }[i & 3]);
		if ((i & 3) == 0) {
			m->m_data[14] = 0x45;
			m->m_data[23] = 6;
			be16enc(m->m_data + 16, (uint16_t)prng_below(&r, 110));
			memcpy(m->m_data + 30, tw_addr(KAF_INET, 1).a, 4);
			m->m_data[20] = m->m_data[21] = 0;
		} else if ((i & 3) == 1) {
			m->m_data[14] = 0x60;
			m->m_data[20] = i & 4 ? 6 : 58;
			be16enc(m->m_data + 18, (uint16_t)prng_below(&r, 80));
			memcpy(m->m_data + 38, tw_addr(KAF_INET6, 1).a, 16);
		}
		m->m_pkthdr.csum_flags =
		    CSUM_L3_CALC | CSUM_L3_VALID | CSUM_L4_CALC | CSUM_L4_VALID;
		ifp->if_input(ifp, m);
	}
	assert_true(tcp_stats(w->a.v)->rcvtotal > 1000);
	assert_true(tcp_stats(w->a.v)->rcvbadoff > 100);
	tw_run(w, 10 * SIM_SEC);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_tso_limits_default_as_freebsd),
		T(test_capability_names),
		T(test_longest_prefix_wins),
		T(test_addresses),
		T(test_neighbour_that_answers_gets_what_waited),
		T(test_silent_neighbour_is_asked_five_times_then_unreachable),
		T(test_link_that_comes_back_is_announced),
		T(test_garbage_is_counted_and_freed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
