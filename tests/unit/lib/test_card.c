/* Cards and programs: where FreeBSD's setsockopt sleeps, time passes. */
#include "libtest.h"

#define PROGRAM(card, more)                                                 \
	"ktls_sim: 1\n"                                                     \
	"name: card\n"                                                      \
	"hosts:\n"                                                          \
	"  a:\n"                                                            \
	"    sysctl: {kern.ipc.tls.enable: 1, "                             \
	"kern.ipc.tls.ifnet.permitted: 1}\n" more "    nics: {mce0: {" card \
	"}}\n"                                                              \
	"    addresses: {mce0: 10.0.0.1/24}\n"                              \
	"  b:\n"                                                            \
	"    sysctl: {kern.ipc.tls.enable: 1, "                             \
	"kern.ipc.tls.ifnet.permitted: 1}\n"                                \
	"    nics: {mce0: {" card "}}\n"                                    \
	"    addresses: {mce0: 10.0.0.2/24}\n"                              \
	"links:\n"                                                          \
	"  - {ends: [a.mce0, b.mce0], delay: 10us, rate: 10Gbit/s}\n"       \
	"checks: {records: false}\n"

static int out, in;

static void
open_world(const char *text)
{
	struct ktlssim_params p = { .scenario_text = text };
	struct ktlssim_host *b;
	struct sockaddr_in sin;
	char *why;
	int l;

	assert_int_equal(ktlssim_open(&p, &sim, &why), 0);
	host = ktlssim_host(sim, "a");
	b = ktlssim_host(sim, "b");
	assert_int_equal(ktlssim_host_addr(b, AF_INET, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	sin.sin_port = htons(80);
	l = ktlssim_socket(b, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_bind(sim, l, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(ktlssim_listen(sim, l, 1), 0);
	out = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_connect(sim, out, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	in = ktlssim_accept4(sim, l, NULL, NULL, 0);
	assert_true(in >= 0);
}

static void
close_world(void)
{
	assert_int_equal(teardown(NULL), 0);
}

static int
mode(int fd, int name)
{
	socklen_t len = sizeof(int);
	int v = -1;

	assert_int_equal(ktlssim_getsockopt(sim, fd, IPPROTO_TCP, name, &v,
			     &len),
	    0);
	return (v);
}

static void
test_enabling_takes_as_long_as_the_card(void **state)
{
	uint64_t t0;
	char buf[64];

	open_world(PROGRAM("model: cx6dx, settings: {cmd_time: 400ms}", ""));
	t0 = ktlssim_now(sim);
	assert_int_equal(enable_tls(out, KTLSSIM_TCP_TXTLS_ENABLE), 0);
	/* TIS and DEK. */
	assert_in_range(ktlssim_now(sim) - t0, 800000000, 800001000);
	assert_int_equal(mode(out, KTLSSIM_TCP_TXTLS_MODE),
	    KTLSSIM_TCP_TLS_MODE_IFNET);
	assert_int_equal(enable_tls(out, KTLSSIM_TCP_TXTLS_ENABLE),
	    -KTLSSIM_EALREADY);
	/* Software decrypts until the card has answered. */
	assert_int_equal(enable_tls(in, KTLSSIM_TCP_RXTLS_ENABLE), 0);
	assert_int_equal(mode(in, KTLSSIM_TCP_RXTLS_MODE),
	    KTLSSIM_TCP_TLS_MODE_SW);
	assert_int_equal(ktlssim_write(sim, out, "hello", 5), 5);
	assert_int_equal(ktlssim_read(sim, in, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	/* A read that nobody will answer waits for the card, not for ever. */
	assert_int_equal(ktlssim_read(sim, in, buf, sizeof(buf)),
	    -KTLSSIM_EDEADLK);
	assert_int_equal(mode(in, KTLSSIM_TCP_RXTLS_MODE),
	    KTLSSIM_TCP_TLS_MODE_IFNET);
	close_world();
}

static void
test_switching_takes_as_long_as_well(void **state)
{
	int v = KTLSSIM_TCP_TLS_MODE_SW;
	uint64_t t0;

	open_world(PROGRAM("model: cx6dx, settings: {cmd_time: 400ms}", ""));
	assert_int_equal(enable_tls(out, KTLSSIM_TCP_TXTLS_ENABLE), 0);
	t0 = ktlssim_now(sim);
	assert_int_equal(ktlssim_setsockopt(sim, out, IPPROTO_TCP,
			     KTLSSIM_TCP_TXTLS_MODE, &v, sizeof(v)),
	    0);
	assert_int_equal(ktlssim_now(sim), t0);
	v = KTLSSIM_TCP_TLS_MODE_IFNET;
	assert_int_equal(ktlssim_setsockopt(sim, out, IPPROTO_TCP,
			     KTLSSIM_TCP_TXTLS_MODE, &v, sizeof(v)),
	    0);
	assert_true(ktlssim_now(sim) - t0 >= 400000000);
	assert_int_equal(mode(out, KTLSSIM_TCP_TXTLS_MODE),
	    KTLSSIM_TCP_TLS_MODE_IFNET);
	close_world();
}

static void
test_a_card_that_refuses_means_software(void **state)
{
	uint64_t t0;

	open_world(PROGRAM("model: cx6dx, settings: {log_max_dek: 0}", ""));
	t0 = ktlssim_now(sim);
	assert_int_equal(enable_tls(out, KTLSSIM_TCP_TXTLS_ENABLE), 0);
	assert_int_equal(ktlssim_now(sim), t0);
	assert_int_equal(mode(out, KTLSSIM_TCP_TXTLS_MODE),
	    KTLSSIM_TCP_TLS_MODE_SW);
	close_world();
}

/* No card and no library: the call says so, as FreeBSD's does. */
static void
test_neither_card_nor_software_is_an_error_of_the_call(void **state)
{
	char buf[8];

	open_world(PROGRAM("model: t6", "    crypto: none\n"));
	/* TLS 1.3: T6 refuses at once. */
	assert_int_equal(enable_tls(out, KTLSSIM_TCP_TXTLS_ENABLE),
	    -KTLSSIM_EOPNOTSUPP);
	assert_int_equal(ktlssim_write(sim, out, "x", 1), 1);
	assert_int_equal(ktlssim_read(sim, in, buf, 8), 1);
	close_world();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enabling_takes_as_long_as_the_card),
		cmocka_unit_test(test_switching_takes_as_long_as_well),
		cmocka_unit_test(test_a_card_that_refuses_means_software),
		cmocka_unit_test(
		    test_neither_card_nor_software_is_an_error_of_the_call),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
