/* Control blocks: who may have which port, and how long they live. */
#include "netwire.h"

#include <errno.h>

static struct tw *w;
static struct socket *so[3];

static int
setup(void **state)
{
	w = tw_new(1, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET,
				     &so[i]),
		    0);
	return (0);
}

static int
teardown(void **state)
{
	for (int i = 0; i < 3; i++)
		if (so[i] != NULL)
			soclose(so[i]);
	tw_free(w);
	return (0);
}

static void
test_port_in_use_is_eaddrinuse_until_it_is_free(void **state)
{
	struct ksockaddr sa = tw_sa(KAF_INET, 1, 443);

	assert_int_equal(in_pcbbind(sotoinpcb(so[0]), &sa), 0);
	assert_int_equal(in_pcbbind(sotoinpcb(so[1]), &sa), EADDRINUSE);
	assert_int_equal(sotoinpcb(so[1])->inp_laddr.sa_port, 0);
	soclose(so[0]);
	so[0] = NULL;
	assert_int_equal(in_pcbbind(sotoinpcb(so[1]), &sa), 0);
	assert_int_equal(sotoinpcb(so[1])->inp_laddr.sa_port, 443);
}

static void
test_ephemeral_ports_differ_and_are_of_their_range(void **state)
{
	struct ksockaddr sa = tw_sa(KAF_INET, 1, 0);
	uint16_t port[3];

	for (int i = 0; i < 3; i++) {
		assert_int_equal(in_pcbbind(sotoinpcb(so[i]), &sa), 0);
		port[i] = sotoinpcb(so[i])->inp_laddr.sa_port;
		assert_true(port[i] >= 10000);
	}
	assert_int_not_equal(port[0], port[1]);
	assert_int_not_equal(port[0], port[2]);
	assert_int_not_equal(port[1], port[2]);
}

static void
test_last_reference_ends_the_block(void **state)
{
	struct inpcb *inp = sotoinpcb(so[0]);

	assert_int_equal(inp->inp_refcount, 1);
	in_pcbref(inp);
	in_pcbref(inp);
	assert_false(in_pcbrele(inp));
	soclose(so[0]);
	so[0] = NULL;
	assert_int_equal(inp->inp_refcount, 1);
	assert_null(inp->inp_socket);
	assert_true(inp_dropped(inp));
	assert_true(in_pcbrele(inp));
}

static void
test_connecting_chooses_the_source_and_is_found_by_both_ends(void **state)
{
	struct ksockaddr to = tw_sa(KAF_INET, 2, 443);
	struct in_any me = tw_addr(KAF_INET, 1);
	struct inpcb *inp = sotoinpcb(so[0]);

	assert_int_equal(in_pcbconnect(inp, &to), 0);
	assert_true(in_any_eq(&inp->inp_laddr.sa_addr, &me));
	assert_true(inp->inp_laddr.sa_port >= 10000);
	assert_ptr_equal(in_pcblookup(w->a.v, &inp->inp_laddr, &to), inp);
	in_pcbdrop(inp);
	assert_null(in_pcblookup(w->a.v, &inp->inp_laddr, &to));
	assert_true(inp_dropped(inp));
}

static void
test_route_is_cached_until_the_generation_moves(void **state)
{
	struct ksockaddr to = tw_sa(KAF_INET, 2, 443);
	struct inpcb *inp = sotoinpcb(so[0]);
	struct nhop *nh;
	uint32_t gen;

	assert_int_equal(in_pcbconnect(inp, &to), 0);
	assert_int_equal(in_pcbroute(inp, &nh), 0);
	gen = nh->nh_gen;
	route_changed(w->a.v);
	assert_int_equal(in_pcbroute(inp, &nh), 0);
	assert_int_equal(nh->nh_gen, gen + 1);
	assert_int_equal(route_delete(w->a.v, KAF_INET, &to.sa_addr, 24), 0);
	assert_int_equal(in_pcbroute(inp, &nh), EHOSTUNREACH);
	assert_false(inp->inp_route_ok);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_port_in_use_is_eaddrinuse_until_it_is_free),
		T(test_ephemeral_ports_differ_and_are_of_their_range),
		T(test_last_reference_ends_the_block),
		T(test_connecting_chooses_the_source_and_is_found_by_both_ends),
		T(test_route_is_cached_until_the_generation_moves),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
