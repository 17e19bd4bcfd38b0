/* lo0: who is reached through it, and when. */
#include "netwire.h"

#include <errno.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/uio.h>
#include <ktsim/net/if_loop.h>

static struct tw *w;

static int
setup(void **state)
{
	w = tw_new_bare(5, IFCAP_TXCSUM | IFCAP_TSO4, 1);
	loif_attach(w->a.v);
	tw_addrs(&w->a.port[0].ifn, 1);
	return (0);
}

static int
teardown(void **state)
{
	loif_detach(w->a.v);
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
test_own_addresses_are_reached_through_lo0(void **state)
{
	struct in_any own = tw_addr(KAF_INET, 1), peer = tw_addr(KAF_INET, 2),
		      lo = v4(0x7f000005);
	struct nhop nh;

	assert_int_equal(route_lookup(w->a.v, KAF_INET, &own, &nh), 0);
	assert_string_equal(nh.nh_ifp->if_xname, "lo0");
	assert_true(in_any_eq(&nh.nh_src, &own));
	assert_int_equal(nh.nh_mtu, LOMTU);
	assert_int_equal(route_lookup(w->a.v, KAF_INET, &peer, &nh), 0);
	assert_ptr_equal(nh.nh_ifp, &w->a.port[0].ifn);
	assert_true(in_any_eq(&nh.nh_src, &own));
	/* All of 127/8 is this host, spoken to from 127.0.0.1. */
	assert_int_equal(route_lookup(w->a.v, KAF_INET, &lo, &nh), 0);
	lo = v4(0x7f000001);
	assert_string_equal(nh.nh_ifp->if_xname, "lo0");
	assert_true(in_any_eq(&nh.nh_src, &lo));
}

static void
test_a_connection_to_oneself_carries_bytes(void **state)
{
	int families[] = { KAF_INET, KAF_INET6 };
	struct socket *l, *c, *s;
	struct ksockaddr sa;
	struct kiovec iov;
	struct uio uio;
	char buf[8];

	for (unsigned i = 0; i < nitems(families); i++) {
		sa = tw_sa(families[i], 1, 80);
		assert_int_equal(socreate(w->a.v, &tcp_protosw, families[i],
				     &l),
		    0);
		assert_int_equal(sobind(l, &sa), 0);
		assert_int_equal(solisten(l, 1), 0);
		assert_int_equal(socreate(w->a.v, &tcp_protosw, families[i],
				     &c),
		    0);
		assert_int_equal(soconnect(c, &sa), EINPROGRESS);
		tw_run(w, SIM_MS);
		assert_int_equal(soaccept(l, &s), 0);
		iov = (struct kiovec) { (void *)(uintptr_t) "to self", 7 };
		uio_init(&uio, &iov, 1);
		assert_int_equal(sosend(c, &uio, NULL, 0), 0);
		tw_run(w, SIM_MS);
		iov = (struct kiovec) { buf, sizeof(buf) };
		uio_init(&uio, &iov, 1);
		assert_int_equal(soreceive(s, &uio, NULL, NULL), 0);
		assert_int_equal(uio.uio_offset, 7);
		assert_memory_equal(buf, "to self", 7);
		soclose(c);
		soclose(s);
		soclose(l);
		tw_run(w, 120 * SIM_SEC);
	}
	assert_int_equal(w->a.port[0].frames, 0);
}

static void
test_lo0_down_refuses(void **state)
{
	struct ifnet *lo = if_lookup(w->a.v, "lo0");
	struct ksockaddr sa = tw_sa(KAF_INET, 1, 80);
	struct socket *c;

	assert_int_equal(if_setflags(lo, lo->if_flags & ~(uint32_t)IFF_UP), 0);
	assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET, &c), 0);
	assert_int_equal(soconnect(c, &sa), EINPROGRESS);
	tw_run(w, SIM_MS);
	assert_int_equal(lo->if_ctr.oerrors, 1);
	assert_int_equal(lo->if_ctr.ipackets, 0);
	soclose(c);
}

static void
test_packets_under_way_are_freed_at_the_end(void **state)
{
	struct ksockaddr sa = tw_sa(KAF_INET, 1, 80);
	struct socket *c;

	assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET, &c), 0);
	assert_int_equal(soconnect(c, &sa), EINPROGRESS);
	soclose(c); /* its SYN waits still */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_own_addresses_are_reached_through_lo0),
		T(test_a_connection_to_oneself_carries_bytes),
		T(test_lo0_down_refuses),
		T(test_packets_under_way_are_freed_at_the_end),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
