/* What a program does wrong: refused with an errno, never a crash. */
#include "libtest.h"

#include <limits.h>

/* What a kernel that panics had in its hands, only its stack knew. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return ("leak:ktls_unit_alloc\n");
}

static uint8_t buf[100000];

static void
test_null_pointers_are_efault(void **state)
{
	int fd[2], kq = ktlssim_kqueue(sim);

	new_pair(fd);
#define FAULT(call) assert_int_equal(call, -KTLSSIM_EFAULT)
	FAULT(ktlssim_write(sim, fd[0], NULL, 10));
	FAULT(ktlssim_writev(sim, fd[0], NULL, 2));
	FAULT(ktlssim_sendto(sim, fd[0], NULL, 1, 0, NULL, 0));
	FAULT(ktlssim_sendmsg(sim, fd[0], NULL, 0));
	assert_int_equal(ktlssim_write(sim, fd[0], "abc", 3), 3);
	FAULT(ktlssim_read(sim, fd[1], NULL, 10));
	FAULT(ktlssim_readv(sim, fd[1], NULL, 1));
	FAULT(ktlssim_recvmsg(sim, fd[1], NULL, 0));
	FAULT(ktlssim_fionread(sim, fd[1], NULL));
	FAULT(ktlssim_poll(sim, NULL, 1, 0));
	FAULT(ktlssim_kevent(sim, kq, NULL, 1, NULL, 0, NULL));
	FAULT(ktlssim_kevent(sim, kq, NULL, 0, NULL, 1, NULL));
	FAULT(ktlssim_sysctlbyname(host, NULL, NULL, NULL));
	FAULT(ktlssim_open_file(host, NULL));
	FAULT(ktlssim_aio_write(sim, NULL));
	FAULT(ktlssim_aio_suspend(sim, NULL, 1, NULL));
	FAULT(ktlssim_open(NULL, NULL, NULL));
#undef FAULT
	/* Nothing to reach: nothing is reached for. */
	assert_int_equal(ktlssim_write(sim, fd[0], NULL, 0), 0);
	assert_int_equal(ktlssim_writev(sim, fd[0], NULL, 0), 0);
	assert_int_equal(ktlssim_poll(sim, NULL, 0, 0), 0);
	assert_int_equal(ktlssim_close_world(NULL, NULL), 0);
}

static void
test_an_asynchronous_write_from_nowhere(void **state)
{
	struct ktlssim_aiocb cb = { .aio_nbytes = 10 };
	int fd[2];

	new_pair(fd);
	cb.aio_fildes = fd[0];
	assert_int_equal(ktlssim_aio_write(sim, &cb), -KTLSSIM_EFAULT);
}

static void
test_vectors_too_long(void **state)
{
	struct iovec iov = { buf, 3 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = (size_t)UINT_MAX + 2 };
	int fd[2];

	new_pair(fd);
	assert_int_equal(ktlssim_sendmsg(sim, fd[0], &msg, 0),
	    -KTLSSIM_EMSGSIZE);
	assert_int_equal(ktlssim_recvmsg(sim, fd[0], &msg, 0),
	    -KTLSSIM_EMSGSIZE);
	assert_int_equal(ktlssim_writev(sim, fd[0], &iov, 1025),
	    -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_readv(sim, fd[0], &iov, -1), -KTLSSIM_EINVAL);
}

/* A connection that found no descriptor is there when there is one. */
static void
test_no_descriptor_left(void **state)
{
	int l = new_listener(81), c, s, last = -1;
	struct sockaddr_in sin = loopback(81);

	c = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_connect(sim, c, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	while ((s = ktlssim_kqueue(sim)) >= 0)
		last = s;
	assert_int_equal(s, -KTLSSIM_EMFILE);
	assert_int_equal(last, 3 + 65536 - 1);
	assert_int_equal(ktlssim_socket(host, AF_INET, SOCK_STREAM, 0),
	    -KTLSSIM_EMFILE);
	assert_int_equal(ktlssim_accept4(sim, l, NULL, NULL, 0),
	    -KTLSSIM_EMFILE);
	assert_int_equal(ktlssim_close(sim, 100), 0);
	s = ktlssim_accept4(sim, l, NULL, NULL, 0);
	assert_int_equal(s, 100);
	assert_int_equal(ktlssim_write(sim, c, "abc", 3), 3);
	assert_int_equal(ktlssim_read(sim, s, buf, 10), 3);
}

/* Only its first byte is looked at. */
static void
test_a_long_control_message(void **state)
{
	static union {
		struct cmsghdr cm;
		uint8_t bytes[1500];
	} c;
	struct iovec iov = { buf, 10 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &c,
		.msg_controllen = sizeof(c) };
	int fd[2];

	new_tls_pair(fd);
	c.cm.cmsg_len = sizeof(c);
	c.cm.cmsg_level = IPPROTO_TCP;
	c.cm.cmsg_type = KTLSSIM_TLS_SET_RECORD_TYPE;
	*CMSG_DATA(&c.cm) = 21;
	assert_int_equal(ktlssim_sendmsg(sim, fd[0], &msg, 0), 10);
	assert_int_equal(ktlssim_recvmsg(sim, fd[1], &msg, 0), 10);
	assert_int_equal(*CMSG_DATA(&c.cm), 21);
	c.cm.cmsg_len = SIZE_MAX;
	c.cm.cmsg_type = KTLSSIM_TLS_SET_RECORD_TYPE;
	msg.msg_controllen = sizeof(c);
	assert_int_equal(ktlssim_sendmsg(sim, fd[0], &msg, 0), 10);
}

/* Nobody asked how it ended: the world frees what it has of it. */
static void
test_asynchronous_writes_that_nobody_asks_for(void **state)
{
	struct ktlssim_aiocb done = { .aio_buf = buf, .aio_nbytes = 10 };
	struct ktlssim_aiocb never = { .aio_buf = buf,
		.aio_nbytes = sizeof(buf) };
	int fd[2];

	new_pair(fd);
	done.aio_fildes = never.aio_fildes = fd[0];
	assert_int_equal(ktlssim_aio_write(sim, &done), 0);
	assert_int_equal(ktlssim_aio_write(sim, &never), 0);
	assert_int_equal(ktlssim_sleep(sim, 1000), 0);
	assert_int_equal(ktlssim_aio_error(sim, &done), 0);
}

static void
test_what_is_written_only_cannot_be_read(void **state)
{
	uint64_t val = 0;

	assert_int_equal(ktlssim_sysctlbyname(host,
			     "net.inet.tcp.switch_to_sw_tls", &val, NULL),
	    -KTLSSIM_EPERM);
	/* Two addresses are wanted. */
	assert_int_equal(ktlssim_sysctlbyname(host,
			     "net.inet.tcp.switch_to_sw_tls", NULL, &val),
	    -KTLSSIM_ENOMEM);
}

/* A limit that comes after the simulation's own patience is still a limit. */
static void
test_a_long_timeout_is_no_deadlock(void **state)
{
	struct timespec day = { 86400, 0 };
	struct ktlssim_kevent ev;
	struct pollfd pfd = { .events = POLLIN };
	int fd[2];

	new_pair(fd);
	pfd.fd = fd[0];
	assert_int_equal(ktlssim_poll(sim, &pfd, 1, INT_MAX), 0);
	assert_int_equal(ktlssim_ppoll(sim, &pfd, 1, &day), 0);
	assert_int_equal(ktlssim_kevent(sim, ktlssim_kqueue(sim), NULL, 0, &ev,
			     1, &day),
	    0);
	assert_int_equal(ktlssim_aio_suspend(sim,
			     (struct ktlssim_aiocb *[]) { NULL }, 1, &day),
	    -KTLSSIM_EAGAIN);
	assert_int_equal(ktlssim_read(sim, fd[0], buf, 1), -KTLSSIM_EDEADLK);
	assert_int_equal(ktlssim_poll(sim, &pfd, 1, -1), -KTLSSIM_EDEADLK);
	assert_int_equal(ktlssim_ppoll(sim, &pfd, 1,
			     &(struct timespec) { 0, -1 }),
	    -KTLSSIM_EINVAL);
}

/*
 * A kernel that panics: all calls say so from there on, another world goes on,
 * and the verdict tells.
 */
static void
test_a_panic_ends_the_world_and_only_it(void **state)
{
	struct ktlssim_params p = { .defect = "kern.sbready-early" };
	struct ktlssim *good = sim;
	char *why, *report;
	ssize_t r = 0;
	int fd[2];

	assert_int_equal(ktlssim_open(&p, &sim, &why), 0);
	host = ktlssim_host(sim, NULL);
	new_tls_pair(fd);
	for (int i = 0; i < 1000 && r >= 0; i++)
		r = ktlssim_write(sim, fd[0], buf, sizeof(buf) / 2);
	assert_int_equal(r, -KTLSSIM_EDOOFUS);
	assert_non_null(ktlssim_panic(sim));
	assert_int_equal(ktlssim_read(sim, fd[1], buf, 1), -KTLSSIM_EDOOFUS);
	assert_int_equal(ktlssim_close(sim, fd[0]), -KTLSSIM_EDOOFUS);
	assert_int_equal(ktlssim_sleep(sim, 1), -KTLSSIM_EDOOFUS);
	assert_int_equal(ktlssim_kqueue(sim), -KTLSSIM_EDOOFUS);
	assert_true(ktlssim_close_world(sim, &report) > 0);
	assert_non_null(strstr(report, "invariant 4"));
	free(report);
	sim = good;
	host = ktlssim_host(sim, NULL);
	new_tls_pair(fd);
	assert_int_equal(ktlssim_write(sim, fd[0], buf, 10), 10);
	assert_null(ktlssim_panic(sim));
	p.defect = "kern.none";
	assert_int_equal(ktlssim_open(&p, &good, &why), -KTLSSIM_EINVAL);
	assert_non_null(strstr(why, "kern.none"));
	free(why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_null_pointers_are_efault),
		T(test_an_asynchronous_write_from_nowhere),
		T(test_vectors_too_long),
		T(test_no_descriptor_left),
		T(test_a_long_control_message),
		T(test_asynchronous_writes_that_nobody_asks_for),
		T(test_what_is_written_only_cannot_be_read),
		T(test_a_long_timeout_is_no_deadlock),
		T(test_a_panic_ends_the_world_and_only_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
