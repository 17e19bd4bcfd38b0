/* sendto with an address: implied connect and every refusal. */
#include <stdbool.h>

#include "libtls.h"

static struct sockaddr_in6
addr6(uint8_t first, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };

	sin6.sin6_addr.s6_addr[0] = first;
	sin6.sin6_addr.s6_addr[15] = 1;
	return (sin6);
}

static ssize_t
to4(int fd, uint32_t addr, uint16_t port)
{
	struct sockaddr_in sin = loopback(port);

	sin.sin_addr.s_addr = htonl(addr);
	return (ktlssim_sendto(sim, fd, "hello", 5, 0, (struct sockaddr *)&sin,
	    sizeof(sin)));
}

static ssize_t
to6(int fd, uint8_t first)
{
	struct sockaddr_in6 sin6 = addr6(first, 1);

	return (ktlssim_sendto(sim, fd, "hello", 5, 0, (struct sockaddr *)&sin6,
	    sizeof(sin6)));
}

/* The teardown counts what is left: nothing may. */
static void
test_bad_addresses_are_refused_with_and_without_tls(void **state)
{
	int s, s6;

	for (int tls = 0; tls < 2; tls++) {
		s = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
		s6 = ktlssim_socket(host, AF_INET6, SOCK_STREAM, 0);
		if (tls) {
			assert_int_equal(tls_on(s, KTLSSIM_TCP_TXTLS_ENABLE),
			    0);
			assert_int_equal(tls_on(s6, KTLSSIM_TCP_TXTLS_ENABLE),
			    0);
		}
		assert_int_equal(to4(s, 0xffffffff, 1), -KTLSSIM_EACCES);
		assert_int_equal(to4(s, 0xe0000001, 1), -KTLSSIM_EAFNOSUPPORT);
		assert_int_equal(to4(s, 0xefffffff, 1), -KTLSSIM_EAFNOSUPPORT);
		assert_int_equal(to4(s, 0x0a000001, 1), -KTLSSIM_ENETUNREACH);
		assert_int_equal(to6(s, 0), -KTLSSIM_EAFNOSUPPORT);
		assert_int_equal(to6(s6, 0xff), -KTLSSIM_EAFNOSUPPORT);
		assert_int_equal(to4(s6, INADDR_LOOPBACK, 1),
		    -KTLSSIM_EAFNOSUPPORT);
		assert_int_equal(ktlssim_sendto(sim, s, "x", 1, 0, NULL, 0),
		    -KTLSSIM_ENOTCONN);
		/* It is as fresh as before. */
		assert_int_equal(ktlssim_listen(sim, s, 1),
		    tls ? -KTLSSIM_EINVAL : 0);
	}
	assert_int_equal(to4(s, 0xffffffff, 1), -KTLSSIM_EACCES);
	assert_int_equal(ktlssim_close(sim, s), 0);
}

static void
test_a_listener_sends_nothing(void **state)
{
	int l = new_listener(2900);

	assert_int_equal(to4(l, INADDR_LOOPBACK, 2901), -KTLSSIM_ENOTCONN);
	assert_int_equal(ktlssim_write(sim, l, "x", 1), -KTLSSIM_ENOTCONN);
}

static void
test_the_address_of_a_connected_socket_is_not_looked_at(void **state)
{
	char buf[8];
	int fd[2];

	new_pair(fd);
	assert_int_equal(to4(fd[0], 0xffffffff, 1), 5);
	assert_int_equal(to6(fd[0], 0xff), 5);
	assert_int_equal(ktlssim_recv(sim, fd[1], buf, 8, MSG_WAITALL), 8);
	assert_memory_equal(buf, "hellohel", 8);
}

static void
implied(bool tls)
{
	struct sockaddr_in sin = loopback(2910);
	struct msghdr msg = { .msg_name = &sin, .msg_namelen = sizeof(sin) };
	struct iovec iov = { (void *)(uintptr_t) " world", 6 };
	int l = new_listener(2910), c, s;
	char buf[16] = "";

	c = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	if (tls)
		assert_int_equal(tls_on(c, KTLSSIM_TCP_TXTLS_ENABLE), 0);
	assert_int_equal(to4(c, INADDR_LOOPBACK, 2910), 5);
	/* Still on its way: the name says again that this is meant. */
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	assert_int_equal(ktlssim_sendmsg(sim, c, &msg, 0), 6);
	s = ktlssim_accept4(sim, l, NULL, NULL, 0);
	assert_true(s >= 0);
	if (tls)
		assert_int_equal(tls_on(s, KTLSSIM_TCP_RXTLS_ENABLE), 0);
	for (size_t at = 0; at < 11;) {
		ssize_t n = ktlssim_read(sim, s, buf + at, 11 - at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	assert_string_equal(buf, "hello world");
}

static void
test_the_first_bytes_connect(void **state)
{
	implied(false);
}

static void
test_the_first_record_connects(void **state)
{
	implied(true);
}

static void
test_an_empty_message_with_an_address_connects_too(void **state)
{
	struct sockaddr_in sin = loopback(2920);
	int l = new_listener(2920), c;

	c = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_sendto(sim, c, NULL, 0, 0,
			     (struct sockaddr *)&sin, sizeof(sin)),
	    0);
	assert_true(ktlssim_accept4(sim, l, NULL, NULL, 0) >= 0);
}

static void
test_nobody_there_is_told_to_the_next_call(void **state)
{
	char buf[4];
	int c = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);

	assert_int_equal(to4(c, INADDR_LOOPBACK, 9), 5);
	assert_int_equal(ktlssim_read(sim, c, buf, sizeof(buf)),
	    -KTLSSIM_ECONNREFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_bad_addresses_are_refused_with_and_without_tls),
		T(test_a_listener_sends_nothing),
		T(test_the_address_of_a_connected_socket_is_not_looked_at),
		T(test_the_first_bytes_connect),
		T(test_the_first_record_connects),
		T(test_an_empty_message_with_an_address_connects_too),
		T(test_nobody_there_is_told_to_the_next_call),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
