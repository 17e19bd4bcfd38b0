/* Routes: the longest prefix wins, and every change moves the generation. */
#include "netwire.h"

#include <errno.h>

#include "net_private.h"

static struct tw *w;
static struct vnet *v;
static struct ifnet *ifp;

static int
setup(void **state)
{
	w = tw_new(1, 0);
	v = w->a.v;
	ifp = &w->a.port[0].ifn;
	return (0);
}

static int
teardown(void **state)
{
	tw_free(w);
	return (0);
}

static struct in_any
v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return ((struct in_any) { { a, b, c, d } });
}

static void
test_longest_prefix_wins_in_whatever_order_they_came(void **state)
{
	struct in_any n16 = v4(192, 168, 0, 0), n20 = v4(192, 168, 16, 0);
	struct in_any in = v4(192, 168, 31, 255), out = v4(192, 168, 32, 0);
	struct in_any g1 = v4(10, 0, 0, 3), g2 = v4(10, 0, 0, 4);
	struct nhop nh;

	assert_int_equal(route_add(v, KAF_INET, &n20, 20, &g2, ifp), 0);
	assert_int_equal(route_add(v, KAF_INET, &n16, 16, &g1, ifp), 0);
	assert_int_equal(route_lookup(v, KAF_INET, &in, &nh), 0);
	assert_true(in_any_eq(&nh.nh_gw.sa_addr, &g2));
	assert_int_equal(route_lookup(v, KAF_INET, &out, &nh), 0);
	assert_true(in_any_eq(&nh.nh_gw.sa_addr, &g1));
	assert_int_equal(route_delete(v, KAF_INET, &n20, 20), 0);
	assert_int_equal(route_lookup(v, KAF_INET, &in, &nh), 0);
	assert_true(in_any_eq(&nh.nh_gw.sa_addr, &g1));
}

static void
test_default_route_takes_what_nothing_else_does(void **state)
{
	struct in_any any = v4(0, 0, 0, 0), far = v4(8, 8, 8, 8);
	struct in_any gw = v4(10, 0, 0, 9), near = v4(10, 0, 0, 2);
	struct in_any me = tw_addr(KAF_INET, 1);
	struct nhop nh;

	assert_int_equal(route_add(v, KAF_INET, &any, 0, &gw, ifp), 0);
	assert_int_equal(route_lookup(v, KAF_INET, &far, &nh), 0);
	assert_true(in_any_eq(&nh.nh_gw.sa_addr, &gw));
	assert_true(in_any_eq(&nh.nh_src, &me));
	assert_ptr_equal(nh.nh_ifp, ifp);
	/* On link: the next hop is the destination itself. */
	assert_int_equal(route_lookup(v, KAF_INET, &near, &nh), 0);
	assert_true(in_any_eq(&nh.nh_gw.sa_addr, &near));
}

static void
test_same_prefix_twice_is_eexist_whatever_its_host_bits(void **state)
{
	struct in_any n = v4(192, 168, 1, 0), n7 = v4(192, 168, 1, 7);

	assert_int_equal(route_add(v, KAF_INET, &n, 24, NULL, ifp), 0);
	assert_int_equal(route_add(v, KAF_INET, &n7, 24, NULL, ifp), EEXIST);
	assert_int_equal(route_add(v, KAF_INET, &n, 25, NULL, ifp), 0);
	assert_int_equal(route_delete(v, KAF_INET, &n7, 24), 0);
	assert_int_equal(route_delete(v, KAF_INET, &n, 24), ESRCH);
}

static void
test_without_a_route_the_host_is_unreachable(void **state)
{
	struct in_any far = v4(8, 8, 8, 8), any = v4(0, 0, 0, 0);
	struct nhop nh;

	assert_int_equal(route_lookup(v, KAF_INET, &far, &nh), EHOSTUNREACH);
	/* The other family's default route is none. */
	assert_int_equal(route_add(v, KAF_INET6, &any, 0, NULL, ifp), 0);
	assert_int_equal(route_lookup(v, KAF_INET, &far, &nh), EHOSTUNREACH);
}

static void
test_generation_moves_with_every_change_and_with_nothing_else(void **state)
{
	struct in_any n = v4(192, 168, 1, 0);
	uint32_t gen = route_generation(v);
	struct nhop nh;

	assert_int_equal(route_add(v, KAF_INET, &n, 24, NULL, ifp), 0);
	assert_int_equal(route_generation(v), gen + 1);
	assert_int_equal(route_add(v, KAF_INET, &n, 24, NULL, ifp), EEXIST);
	assert_int_equal(route_lookup(v, KAF_INET, &n, &nh), 0);
	assert_int_equal(nh.nh_gen, gen + 1);
	assert_int_equal(route_generation(v), gen + 1);
	assert_int_equal(route_delete(v, KAF_INET, &n, 24), 0);
	assert_int_equal(route_generation(v), gen + 2);
}

static void
test_flushing_an_interface_forgets_its_routes(void **state)
{
	struct in_any near = tw_addr(KAF_INET, 2);
	uint32_t gen = route_generation(v);
	struct nhop nh;

	assert_int_equal(route_lookup(v, KAF_INET, &near, &nh), 0);
	route_flush_ifp(ifp);
	assert_int_equal(route_lookup(v, KAF_INET, &near, &nh), EHOSTUNREACH);
	assert_int_not_equal(route_generation(v), gen);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_longest_prefix_wins_in_whatever_order_they_came),
		T(test_default_route_takes_what_nothing_else_does),
		T(test_same_prefix_twice_is_eexist_whatever_its_host_bits),
		T(test_without_a_route_the_host_is_unreachable),
		T(test_generation_moves_with_every_change_and_with_nothing_else),
		T(test_flushing_an_interface_forgets_its_routes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
