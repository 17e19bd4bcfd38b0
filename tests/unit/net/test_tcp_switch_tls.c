/* switch_tls: which connections it finds, and what it answers. */
#include "netwire.h"

#include <errno.h>

#include <ktsim/kern/ktls.h>

static struct tw *w;
static struct tw_pair p;

static int
setup(void **state)
{
	w = tw_new(1, 0);
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	tw_connect(w, &p, KAF_INET);
	return (0);
}

static int
teardown(void **state)
{
	tw_pair_close(&p);
	tw_free(w);
	return (0);
}

static int
ask(const struct ksockaddr *foreign, const struct ksockaddr *local, int mode)
{
	return (tcp_switch_tls(w->b.v, foreign, local, mode));
}

static void
ends(struct ksockaddr *foreign, struct ksockaddr *local)
{
	assert_int_equal(so_sockname(p.s.so, local), 0);
	assert_int_equal(so_peername(p.s.so, foreign), 0);
}

static void
test_it_answers_as_the_socket_option_does(void **state)
{
	struct ksockaddr f, l;
	int mode;

	ends(&f, &l);
	/* Without a session nothing happens, and that is no error. */
	assert_int_equal(ask(&f, &l, TCP_TLS_MODE_SW), 0);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(ktls_get_tx_mode(p.s.so, &mode), 0);
	assert_int_equal(mode, TCP_TLS_MODE_SW);
	assert_int_equal(ask(&f, &l, TCP_TLS_MODE_SW), 0);
	/* The card cannot; the session stays as it is. */
	assert_int_equal(ask(&f, &l, TCP_TLS_MODE_IFNET), EOPNOTSUPP);
	assert_int_equal(ktls_stats(w->b.v)->switch_failed, 1);
	assert_int_equal(ktls_get_tx_mode(p.s.so, &mode), 0);
	assert_int_equal(mode, TCP_TLS_MODE_SW);
	assert_int_equal(ask(&f, &l, TCP_TLS_MODE_NONE), EINVAL);
}

static void
test_connections_that_are_not_there(void **state)
{
	struct ksockaddr f, l, other;

	ends(&f, &l);
	other = f;
	other.sa_port++;
	assert_int_equal(ask(&other, &l, TCP_TLS_MODE_SW), ESRCH);
	assert_int_equal(ask(&l, &f, TCP_TLS_MODE_SW), ESRCH);
	other = l;
	other.sa_family = KAF_INET6;
	assert_int_equal(ask(&f, &other, TCP_TLS_MODE_SW), EINVAL);
	other = f;
	other.sa_family = l.sa_family = 99;
	assert_int_equal(ask(&other, &l, TCP_TLS_MODE_SW), EINVAL);
}

static void
test_the_sysctls_take_a_pair_foreign_end_first(void **state)
{
	const char *to_sw = "net.inet.tcp.switch_to_sw_tls",
		   *to_ifnet = "net.inet.tcp.switch_to_ifnet_tls";
	struct ksockaddr a[2], swapped[2];
	struct vnet *v = w->b.v;
	uint64_t val = 1;

	ends(&a[0], &a[1]);
	swapped[0] = a[1];
	swapped[1] = a[0];
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(sysctl_write_bytes(v, to_sw, a, sizeof(a)), 0);
	assert_int_equal(sysctl_write_bytes(v, to_ifnet, a, sizeof(a)),
	    EOPNOTSUPP);
	assert_int_equal(sysctl_write_bytes(v, to_sw, swapped, sizeof(a)),
	    ESRCH);
	assert_int_equal(sysctl_write_bytes(v, to_sw, a, sizeof(a) - 1),
	    ENOMEM);
	assert_int_equal(sysctl_write(v, to_ifnet, 1), ENOMEM);
	assert_int_equal(sysctl_write_bytes(v, to_sw, NULL, 0), EPERM);
	assert_int_equal(sysctl_read(v, to_sw, &val), EPERM);
	a[1].sa_family = 99;
	assert_int_equal(sysctl_write_bytes(v, to_ifnet, a, sizeof(a)), EINVAL);
}

static void
test_a_kernel_without_kern_tls_has_no_such_sysctls(void **state)
{
	struct vnet_params vp = { .vp_name = "other",
		.vp_ncpus = 1,
		.vp_tb = engine_timebase(w->eng),
		.vp_jobs = w->jobs,
		.vp_no_kern_tls = true };
	struct vnet *v = vnet_create(&vp);

	net_attach(v);
	inet_attach(v);
	assert_non_null(sysctl_find(w->b.v, "net.inet.tcp.switch_to_sw_tls"));
	assert_null(sysctl_find(v, "net.inet.tcp.switch_to_sw_tls"));
	assert_null(sysctl_find(v, "net.inet.tcp.switch_to_ifnet_tls"));
	inet_detach(v);
	net_detach(v);
	vnet_destroy(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_it_answers_as_the_socket_option_does, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_connections_that_are_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_kernel_without_kern_tls_has_no_such_sysctls, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_the_sysctls_take_a_pair_foreign_end_first, setup,
		    teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
