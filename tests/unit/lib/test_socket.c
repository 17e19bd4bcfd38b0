/* Sockets of the library: names, connecting, blocking, bad calls. */
#include "libtest.h"

static void
test_a_pair_echoes_and_sees_the_end(void **state)
{
	char buf[16];
	int fd[2];

	new_pair(fd);
	assert_int_equal(ktlssim_write(sim, fd[0], "hello", 5), 5);
	assert_int_equal(ktlssim_shutdown(sim, fd[0], SHUT_WR), 0);
	assert_int_equal(ktlssim_read(sim, fd[1], buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(ktlssim_read(sim, fd[1], buf, sizeof(buf)), 0);
	assert_int_equal(ktlssim_write(sim, fd[0], "x", 1), -KTLSSIM_EPIPE);
}

static void
test_names_are_of_the_loopback(void **state)
{
	struct sockaddr_in a, b;
	socklen_t len = sizeof(a);
	int fd[2];

	new_pair(fd);
	assert_int_equal(ktlssim_getsockname(sim, fd[0], (struct sockaddr *)&a,
			     &len),
	    0);
	assert_int_equal(len, sizeof(a));
	len = sizeof(b);
	assert_int_equal(ktlssim_getpeername(sim, fd[1], (struct sockaddr *)&b,
			     &len),
	    0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(ntohl(a.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_true(ntohs(a.sin_port) >= 10000);
}

static void
test_a_read_that_nobody_will_answer_is_a_deadlock(void **state)
{
	char buf[4];
	int fd[2];

	new_pair(fd);
	assert_int_equal(ktlssim_read(sim, fd[1], buf, sizeof(buf)),
	    -KTLSSIM_EDEADLK);
}

static void
test_non_blocking_calls_do_not_wait(void **state)
{
	struct sockaddr_in sin = loopback(3000);
	int l = new_listener(3000), c, fl;
	uint64_t before;
	char buf[4];

	assert_int_equal(ktlssim_fcntl(sim, l, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(ktlssim_accept4(sim, l, NULL, NULL, 0),
	    -KTLSSIM_EWOULDBLOCK);
	c = ktlssim_socket(host, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	fl = ktlssim_fcntl(sim, c, F_GETFL, 0);
	assert_int_equal(fl & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(ktlssim_connect(sim, c, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    -KTLSSIM_EINPROGRESS);
	assert_int_equal(ktlssim_connect(sim, c, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    -KTLSSIM_EALREADY);
	before = ktlssim_now(sim);
	assert_int_equal(ktlssim_recv(sim, c, buf, sizeof(buf), 0),
	    -KTLSSIM_EWOULDBLOCK);
	/* Who tries again and again gets on. */
	assert_int_equal(ktlssim_now(sim) - before, 1000);
}

static void
test_refused_and_unreachable(void **state)
{
	struct sockaddr_in sin = loopback(9);
	int c = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);

	assert_int_equal(ktlssim_connect(sim, c, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    -KTLSSIM_ECONNREFUSED);
	c = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	sin.sin_addr.s_addr = htonl(0x0a000001);
	assert_int_equal(ktlssim_connect(sim, c, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    -KTLSSIM_ENETUNREACH);
}

static void
test_bad_descriptors_and_arguments(void **state)
{
	struct sockaddr sa = { .sa_family = AF_UNIX };
	int s = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0), val = 1;
	int kq = ktlssim_kqueue(sim);
	socklen_t len = sizeof(val);

	assert_int_equal(ktlssim_socket(host, AF_UNIX, SOCK_STREAM, 0),
	    -KTLSSIM_EAFNOSUPPORT);
	assert_int_equal(ktlssim_socket(host, AF_INET, SOCK_DGRAM, 0),
	    -KTLSSIM_EPROTONOSUPPORT);
	assert_int_equal(ktlssim_close(sim, 77), -KTLSSIM_EBADF);
	assert_int_equal(ktlssim_close(sim, -1), -KTLSSIM_EBADF);
	assert_int_equal(ktlssim_listen(sim, kq, 1), -KTLSSIM_ENOTSOCK);
	assert_int_equal(ktlssim_bind(sim, s, &sa, sizeof(sa)),
	    -KTLSSIM_EAFNOSUPPORT);
	assert_int_equal(ktlssim_bind(sim, s, NULL, 0), -KTLSSIM_EFAULT);
	assert_int_equal(ktlssim_setsockopt(sim, s, SOL_SOCKET, SO_BROADCAST,
			     &val, len),
	    -KTLSSIM_ENOPROTOOPT);
	assert_int_equal(ktlssim_getsockopt(sim, s, SOL_SOCKET, SO_TYPE, &val,
			     &len),
	    0);
	assert_int_equal(val, SOCK_STREAM);
	assert_int_equal(ktlssim_write(sim, s, "x", 1), -KTLSSIM_ENOTCONN);
	assert_int_equal(ktlssim_shutdown(sim, s, 7), -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_fcntl(sim, s, 999, 0), -KTLSSIM_EINVAL);
}

static void
test_a_closed_descriptor_is_given_again(void **state)
{
	int a = ktlssim_socket(host, AF_INET6, SOCK_STREAM, 0);

	assert_int_equal(ktlssim_close(sim, a), 0);
	assert_int_equal(ktlssim_socket(host, AF_INET, SOCK_STREAM, 0), a);
}

static void
test_poll_waits_until_its_timeout(void **state)
{
	struct pollfd p = { .events = POLLIN | POLLOUT };
	uint64_t before;
	int fd[2];

	new_pair(fd);
	p.fd = fd[0];
	assert_int_equal(ktlssim_poll(sim, &p, 1, -1), 1);
	assert_int_equal(p.revents, POLLOUT);
	p.events = POLLIN;
	before = ktlssim_now(sim);
	assert_int_equal(ktlssim_poll(sim, &p, 1, 250), 0);
	assert_int_equal(ktlssim_now(sim) - before, 250000000);
	assert_int_equal(ktlssim_write(sim, fd[1], "x", 1), 1);
	assert_int_equal(ktlssim_poll(sim, &p, 1, -1), 1);
	assert_int_equal(p.revents, POLLIN);
	p.fd = 99;
	assert_int_equal(ktlssim_poll(sim, &p, 1, -1), 1);
	assert_int_equal(p.revents, POLLNVAL);
}

static void
test_large_writes_go_through_with_both_ends_in_one_program(void **state)
{
	static uint8_t out[1 << 20], in[1 << 20];
	size_t sent = 0, got = 0;
	ssize_t n;
	int fd[2];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 31 + (i >> 11));
	new_pair(fd);
	assert_int_equal(ktlssim_fcntl(sim, fd[0], F_SETFL, O_NONBLOCK), 0);
	while (got < sizeof(in)) {
		n = ktlssim_write(sim, fd[0], out + sent, sizeof(out) - sent);
		if (n > 0)
			sent += (size_t)n;
		n = ktlssim_read(sim, fd[1], in + got, sizeof(in) - got);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_memory_equal(in, out, sizeof(in));
}

static void
test_sysctls_are_read_and_written(void **state)
{
	uint64_t val = 9, one = 1, zero = 0;

	assert_int_equal(ktlssim_sysctlbyname(host, "kern.ipc.tls.enable", &val,
			     &zero),
	    0);
	assert_int_equal(val, 1);
	assert_int_equal(ktlssim_sysctlbyname(host, "kern.ipc.tls.enable", &val,
			     &one),
	    0);
	assert_int_equal(val, 0);
	assert_int_equal(ktlssim_sysctlbyname(host, "kern.ipc.tls.enabel", &val,
			     NULL),
	    -KTLSSIM_ENOENT);
	assert_int_equal(ktlssim_sysctlbyname(host, "kern.ipc.tls.stats.active",
			     NULL, &one),
	    -KTLSSIM_EPERM);
	assert_int_equal(ktlssim_sysctlbyname(host, "kern.ipc.tls.maxlen", NULL,
			     &one),
	    -KTLSSIM_EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_a_pair_echoes_and_sees_the_end),
		T(test_names_are_of_the_loopback),
		T(test_a_read_that_nobody_will_answer_is_a_deadlock),
		T(test_non_blocking_calls_do_not_wait),
		T(test_refused_and_unreachable),
		T(test_bad_descriptors_and_arguments),
		T(test_a_closed_descriptor_is_given_again),
		T(test_poll_waits_until_its_timeout),
		T(test_large_writes_go_through_with_both_ends_in_one_program),
		T(test_sysctls_are_read_and_written),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
