/* kqueue: what is registered, when it is reported, and in which order. */
#include "libtest.h"

static int kq;

static int
change(int fd, short filter, unsigned flags, unsigned fflags, int64_t data)
{
	struct ktlssim_kevent ev = { .ident = (uintptr_t)fd,
		.filter = filter,
		.flags = (unsigned short)flags,
		.fflags = fflags,
		.data = data,
		.udata = &kq };

	return (ktlssim_kevent(sim, kq, &ev, 1, NULL, 0, NULL));
}

static int
collect(struct ktlssim_kevent *ev, int n)
{
	static const struct timespec now;

	return (ktlssim_kevent(sim, kq, NULL, 0, ev, n, &now));
}

static int
kqsetup(void **state)
{
	if (setup(state) != 0)
		return (1);
	kq = ktlssim_kqueue(sim);
	return (kq < 0);
}

static void
test_level_triggered_until_it_is_read(void **state)
{
	struct ktlssim_kevent ev;
	char buf[8];
	int fd[2];

	new_pair(fd);
	assert_int_equal(change(fd[1], KTLSSIM_EVFILT_READ, KTLSSIM_EV_ADD, 0,
			     0),
	    0);
	assert_int_equal(collect(&ev, 1), 0);
	assert_int_equal(ktlssim_write(sim, fd[0], "hello", 5), 5);
	assert_int_equal(ktlssim_kevent(sim, kq, NULL, 0, &ev, 1, NULL), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(collect(&ev, 1), 1);
		assert_int_equal(ev.ident, fd[1]);
		assert_int_equal(ev.data, 5);
		assert_ptr_equal(ev.udata, &kq);
		assert_int_equal(ev.flags & KTLSSIM_EV_EOF, 0);
	}
	assert_int_equal(ktlssim_read(sim, fd[1], buf, 8), 5);
	assert_int_equal(collect(&ev, 1), 0);
}

static void
test_clear_reports_each_arrival_once(void **state)
{
	struct ktlssim_kevent ev;
	int fd[2];

	new_pair(fd);
	assert_int_equal(change(fd[1], KTLSSIM_EVFILT_READ,
			     KTLSSIM_EV_ADD | KTLSSIM_EV_CLEAR, 0, 0),
	    0);
	for (int i = 1; i < 4; i++) {
		assert_int_equal(ktlssim_write(sim, fd[0], "x", 1), 1);
		assert_int_equal(ktlssim_sleep(sim, 1000000000), 0);
		assert_int_equal(collect(&ev, 1), 1);
		assert_int_equal(ev.data, i);
		assert_int_equal(collect(&ev, 1), 0);
	}
}

static void
test_oneshot_dispatch_disable_delete(void **state)
{
	struct ktlssim_kevent ev;
	int fd[2];

	new_pair(fd);
	assert_int_equal(change(fd[0], KTLSSIM_EVFILT_WRITE,
			     KTLSSIM_EV_ADD | KTLSSIM_EV_ONESHOT, 0, 0),
	    0);
	assert_int_equal(collect(&ev, 1), 1);
	assert_int_equal(collect(&ev, 1), 0);
	assert_int_equal(change(fd[0], KTLSSIM_EVFILT_WRITE, KTLSSIM_EV_ENABLE,
			     0, 0),
	    -KTLSSIM_ENOENT);
	assert_int_equal(change(fd[0], KTLSSIM_EVFILT_WRITE,
			     KTLSSIM_EV_ADD | KTLSSIM_EV_DISPATCH, 0, 0),
	    0);
	assert_int_equal(collect(&ev, 1), 1);
	assert_int_equal(collect(&ev, 1), 0);
	assert_int_equal(change(fd[0], KTLSSIM_EVFILT_WRITE, KTLSSIM_EV_ENABLE,
			     0, 0),
	    0);
	assert_int_equal(collect(&ev, 1), 1);
	assert_int_equal(change(fd[0], KTLSSIM_EVFILT_WRITE, KTLSSIM_EV_DELETE,
			     0, 0),
	    0);
	assert_int_equal(change(fd[0], KTLSSIM_EVFILT_WRITE, KTLSSIM_EV_DELETE,
			     0, 0),
	    -KTLSSIM_ENOENT);
}

static void
test_eof_and_low_water(void **state)
{
	struct ktlssim_kevent ev;
	int fd[2];

	new_pair(fd);
	assert_int_equal(change(fd[1], KTLSSIM_EVFILT_READ, KTLSSIM_EV_ADD,
			     KTLSSIM_NOTE_LOWAT, 3),
	    0);
	assert_int_equal(ktlssim_write(sim, fd[0], "ab", 2), 2);
	assert_int_equal(ktlssim_sleep(sim, 1000000000), 0);
	assert_int_equal(collect(&ev, 1), 0);
	assert_int_equal(ktlssim_write(sim, fd[0], "c", 1), 1);
	assert_int_equal(ktlssim_sleep(sim, 1000000000), 0);
	assert_int_equal(collect(&ev, 1), 1);
	assert_int_equal(ktlssim_close(sim, fd[0]), 0);
	assert_int_equal(ktlssim_sleep(sim, 1000000000), 0);
	assert_int_equal(collect(&ev, 1), 1);
	assert_int_equal(ev.flags & KTLSSIM_EV_EOF, KTLSSIM_EV_EOF);
	assert_int_equal(ev.data, 3);
}

static void
test_listeners_and_the_end_of_a_descriptor(void **state)
{
	struct sockaddr_in sin = loopback(4000);
	int l = new_listener(4000), c;
	struct ktlssim_kevent ev;

	assert_int_equal(change(l, KTLSSIM_EVFILT_READ, KTLSSIM_EV_ADD, 0, 0),
	    0);
	assert_int_equal(collect(&ev, 1), 0);
	c = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_connect(sim, c, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	assert_int_equal(ktlssim_kevent(sim, kq, NULL, 0, &ev, 1, NULL), 1);
	assert_int_equal(ev.data, 1);
	/* A closed descriptor is not watched any more, nor is its heir. */
	assert_int_equal(ktlssim_close(sim, l), 0);
	assert_int_equal(collect(&ev, 1), 0);
	assert_int_equal(ktlssim_socket(host, AF_INET, SOCK_STREAM, 0), l);
	assert_int_equal(collect(&ev, 1), 0);
}

static void
test_busy_sockets_take_turns(void **state)
{
	struct ktlssim_kevent ev;
	int a[2], b[2], first;

	new_pair(a);
	new_pair(b);
	(void)change(a[0], KTLSSIM_EVFILT_WRITE, KTLSSIM_EV_ADD, 0, 0);
	(void)change(b[0], KTLSSIM_EVFILT_WRITE, KTLSSIM_EV_ADD, 0, 0);
	assert_int_equal(collect(&ev, 1), 1);
	first = (int)ev.ident;
	assert_int_equal(collect(&ev, 1), 1);
	assert_int_not_equal(ev.ident, first);
	assert_int_equal(collect(&ev, 1), 1);
	assert_int_equal(ev.ident, first);
}

static void
test_bad_changes_are_events_or_results(void **state)
{
	struct ktlssim_kevent ch[2] = {
		{ .ident = 99, .filter = KTLSSIM_EVFILT_READ,
		    .flags = KTLSSIM_EV_ADD },
		{ .ident = 3, .filter = -7, .flags = KTLSSIM_EV_ADD },
	}, ev[2];

	assert_int_equal(ktlssim_kevent(sim, kq, ch, 2, ev, 2, NULL), 2);
	assert_int_equal(ev[0].flags, KTLSSIM_EV_ERROR);
	assert_int_equal(ev[0].data, KTLSSIM_EBADF);
	assert_int_equal(ev[1].data, KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_kevent(sim, kq, ch, 2, NULL, 0, NULL),
	    -KTLSSIM_EBADF);
	assert_int_equal(ktlssim_kevent(sim, 99, NULL, 0, ev, 1, NULL),
	    -KTLSSIM_EBADF);
}

static void
test_waiting_ends_with_the_timeout_or_for_want_of_anything(void **state)
{
	struct timespec ts = { 0, 5000000 }, bad = { 0, -1 };
	struct ktlssim_kevent ev;
	uint64_t before = ktlssim_now(sim);

	assert_int_equal(ktlssim_kevent(sim, kq, NULL, 0, &ev, 1, &ts), 0);
	assert_int_equal(ktlssim_now(sim) - before, 5000000);
	assert_int_equal(ktlssim_kevent(sim, kq, NULL, 0, &ev, 1, NULL),
	    -KTLSSIM_EDEADLK);
	assert_int_equal(ktlssim_kevent(sim, kq, NULL, 0, &ev, 1, &bad),
	    -KTLSSIM_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, kqsetup, teardown)
		T(test_level_triggered_until_it_is_read),
		T(test_clear_reports_each_arrival_once),
		T(test_oneshot_dispatch_disable_delete),
		T(test_eof_and_low_water),
		T(test_listeners_and_the_end_of_a_descriptor),
		T(test_busy_sockets_take_turns),
		T(test_bad_changes_are_events_or_results),
		T(test_waiting_ends_with_the_timeout_or_for_want_of_anything),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
