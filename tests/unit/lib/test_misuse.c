/* What a program does wrong: refused with an errno, never a crash. */
#include "libtest.h"

#include <limits.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_null_pointers_are_efault),
		T(test_an_asynchronous_write_from_nowhere),
		T(test_vectors_too_long),
		T(test_a_long_control_message),
		T(test_asynchronous_writes_that_nobody_asks_for),
		T(test_what_is_written_only_cannot_be_read),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
