/* SO_SPLICE, over two pairs: left[1]'s bytes go to right[0]. */
#include "libtls.h"

static int left[2], right[2];

static int
set(int fd, int to, int64_t max, int idle_ms)
{
	struct ktlssim_splice sp = { .sp_fd = to,
		.sp_max = max,
		.sp_idle = { .tv_usec = idle_ms * 1000 } };

	return (ktlssim_setsockopt(sim, fd, SOL_SOCKET, KTLSSIM_SO_SPLICE, &sp,
	    sizeof(sp)));
}

static int64_t
spliced(int fd)
{
	socklen_t len = sizeof(int64_t);
	int64_t n = -1;

	assert_int_equal(ktlssim_getsockopt(sim, fd, SOL_SOCKET,
			     KTLSSIM_SO_SPLICE, &n, &len),
	    0);
	assert_int_equal(len, sizeof(n));
	return (n);
}

static int
two_pairs(void **state)
{
	if (setup(state) != 0)
		return (1);
	new_pair(left);
	new_pair(right);
	return (0);
}

static void
expect(int fd, const char *text)
{
	char buf[64];
	size_t n = strlen(text);

	assert_int_equal(ktlssim_recv(sim, fd, buf, n, MSG_WAITALL), n);
	assert_memory_equal(buf, text, n);
}

static void
test_bytes_go_through_both_ways_and_are_counted(void **state)
{
	assert_int_equal(ktlssim_write(sim, left[0], "early ", 6), 6);
	assert_int_equal(set(left[1], right[0], 0, 0), 0);
	assert_int_equal(set(right[0], left[1], 0, 0), 0);
	assert_int_equal(ktlssim_write(sim, left[0], "there", 5), 5);
	expect(right[1], "early there");
	assert_int_equal(ktlssim_write(sim, right[1], "back", 4), 4);
	expect(left[0], "back");
	assert_int_equal(spliced(left[1]), 11);
	assert_int_equal(spliced(right[0]), 4);
	assert_int_equal(set(left[1], -1, 0, 0), 0);
	assert_int_equal(spliced(left[1]), 11);
	assert_int_equal(set(left[1], -1, 0, 0), -KTLSSIM_ENOTCONN);
	/* A second splice counts anew. */
	assert_int_equal(set(left[1], right[0], 0, 0), 0);
	assert_int_equal(spliced(left[1]), 0);
}

static void
test_more_than_the_buffers_hold(void **state)
{
	static uint8_t out[1 << 20], in[1 << 20];
	size_t sent = 0, got = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 37 + (i >> 10));
	assert_int_equal(set(left[1], right[0], 0, 0), 0);
	assert_int_equal(ktlssim_fcntl(sim, left[0], F_SETFL, O_NONBLOCK), 0);
	while (got < sizeof(in)) {
		n = ktlssim_write(sim, left[0], out + sent, sizeof(out) - sent);
		if (n > 0)
			sent += (size_t)n;
		n = ktlssim_read(sim, right[1], in + got, sizeof(in) - got);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(spliced(left[1]), sizeof(in));
}

static void
test_after_its_maximum_the_user_has_the_socket_again(void **state)
{
	assert_int_equal(set(left[1], right[0], 5, 0), 0);
	assert_int_equal(ktlssim_write(sim, left[0], "12345678", 8), 8);
	expect(right[1], "12345");
	expect(left[1], "678");
	assert_int_equal(spliced(left[1]), 5);
	assert_int_equal(set(left[1], -1, 0, 0), -KTLSSIM_ENOTCONN);
}

static void
test_an_idle_splice_ends(void **state)
{
	assert_int_equal(set(left[1], right[0], 0, 500), 0);
	assert_int_equal(ktlssim_sleep(sim, 400000000), 0);
	assert_int_equal(ktlssim_write(sim, left[0], "A", 1), 1);
	expect(right[1], "A");
	assert_int_equal(ktlssim_sleep(sim, 400000000), 0);
	assert_int_equal(ktlssim_write(sim, left[0], "B", 1), 1);
	expect(right[1], "B");
	assert_int_equal(ktlssim_sleep(sim, 550000000), 0);
	assert_int_equal(ktlssim_write(sim, left[0], "C", 1), 1);
	expect(left[1], "C");
}

static void
test_poll_and_kevent_are_not_told(void **state)
{
	struct pollfd p = { .fd = left[1], .events = POLLIN };
	struct ktlssim_kevent ev = { .ident = (uintptr_t)left[1],
		.filter = KTLSSIM_EVFILT_READ,
		.flags = KTLSSIM_EV_ADD };
	int kq = ktlssim_kqueue(sim);
	struct timespec no = { 0 };

	assert_int_equal(set(left[1], right[0], 0, 0), 0);
	assert_int_equal(ktlssim_kevent(sim, kq, &ev, 1, NULL, 0, &no), 0);
	assert_int_equal(ktlssim_write(sim, left[0], "x", 1), 1);
	assert_int_equal(ktlssim_poll(sim, &p, 1, 100), 0);
	assert_int_equal(ktlssim_kevent(sim, kq, NULL, 0, &ev, 1, &no), 0);
	p = (struct pollfd) { .fd = right[0], .events = POLLOUT };
	assert_int_equal(ktlssim_poll(sim, &p, 1, 100), 0);
	assert_int_equal(set(left[1], -1, 0, 0), 0);
	assert_int_equal(ktlssim_poll(sim, &p, 1, 100), 1);
}

static void
test_the_end_of_file_ends_it(void **state)
{
	char b;

	assert_int_equal(set(left[1], right[0], 0, 0), 0);
	assert_int_equal(ktlssim_write(sim, left[0], "last", 4), 4);
	assert_int_equal(ktlssim_shutdown(sim, left[0], SHUT_WR), 0);
	expect(right[1], "last");
	assert_int_equal(ktlssim_read(sim, left[1], &b, 1), 0);
	assert_int_equal(set(left[1], -1, 0, 0), -KTLSSIM_ENOTCONN);
	/* The sink goes on. */
	assert_int_equal(ktlssim_write(sim, right[0], "more", 4), 4);
	expect(right[1], "more");
}

static void
test_closing_either_end_ends_it(void **state)
{
	assert_int_equal(set(left[1], right[0], 0, 0), 0);
	assert_int_equal(ktlssim_close(sim, right[0]), 0);
	assert_int_equal(ktlssim_write(sim, left[0], "x", 1), 1);
	expect(left[1], "x");
	new_pair(right);
	assert_int_equal(set(left[1], right[0], 0, 0), 0);
	assert_int_equal(ktlssim_close(sim, left[1]), 0);
	assert_int_equal(ktlssim_write(sim, right[0], "y", 1), 1);
	expect(right[1], "y");
}

static void
test_refusals(void **state)
{
	int fresh = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	int kq = ktlssim_kqueue(sim), l = new_listener(2990), val = 0;
	socklen_t len = sizeof(val);

	assert_int_equal(set(left[1], right[0], -3, 0), -KTLSSIM_EINVAL);
	assert_int_equal(set(left[1], -1, 0, 0), -KTLSSIM_ENOTCONN);
	assert_int_equal(set(left[1], kq, 0, 0), -KTLSSIM_ENOTSOCK);
	assert_int_equal(set(left[1], 999, 0, 0), -KTLSSIM_EBADF);
	assert_int_equal(set(left[1], fresh, 0, 0), -KTLSSIM_ENOTCONN);
	assert_int_equal(set(fresh, left[1], 0, 0), -KTLSSIM_ENOTCONN);
	assert_int_equal(set(left[1], l, 0, 0), -KTLSSIM_EINVAL);
	assert_int_equal(set(l, left[1], 0, 0), -KTLSSIM_EINVAL);
	assert_int_equal(set(l, -1, 0, 0), -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_setsockopt(sim, left[1], SOL_SOCKET,
			     KTLSSIM_SO_SPLICE, &val, len),
	    -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_getsockopt(sim, left[1], SOL_SOCKET,
			     KTLSSIM_SO_SPLICE, &val, &len),
	    -KTLSSIM_EINVAL);
	assert_int_equal(set(left[1], right[0], 0, 0), 0);
	assert_int_equal(set(left[1], right[1], 0, 0), -KTLSSIM_EBUSY);
	assert_int_equal(set(left[0], right[0], 0, 0), -KTLSSIM_EBUSY);
}

/* Neither may be spliced, and what is spliced gets no TLS. */
static void
test_tls_and_splices_exclude_each_other(void **state)
{
	assert_int_equal(tls_on(left[1], KTLSSIM_TCP_RXTLS_ENABLE), 0);
	assert_int_equal(set(left[1], right[0], 0, 0), -KTLSSIM_EINVAL);
	assert_int_equal(tls_on(right[1], KTLSSIM_TCP_TXTLS_ENABLE), 0);
	assert_int_equal(set(left[0], right[1], 0, 0), -KTLSSIM_EINVAL);
	/* The other directions of both are plain. */
	assert_int_equal(set(right[1], left[1], 0, 0), 0);
	assert_int_equal(tls_on(right[1], KTLSSIM_TCP_RXTLS_ENABLE),
	    -KTLSSIM_EINVAL);
	assert_int_equal(tls_on(left[1], KTLSSIM_TCP_TXTLS_ENABLE),
	    -KTLSSIM_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, two_pairs, teardown)
		T(test_bytes_go_through_both_ways_and_are_counted),
		T(test_more_than_the_buffers_hold),
		T(test_after_its_maximum_the_user_has_the_socket_again),
		T(test_an_idle_splice_ends),
		T(test_poll_and_kevent_are_not_told),
		T(test_the_end_of_file_ends_it),
		T(test_closing_either_end_ends_it),
		T(test_refusals),
		T(test_tls_and_splices_exclude_each_other),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
