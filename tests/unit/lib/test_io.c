/* Data: records, control messages, flags, vectors, blocking. */
#include "libtest.h"

static uint8_t out[100000], in[100000];

static ssize_t
send_record(int fd, uint8_t type, const void *p, size_t len)
{
	char cbuf[CMSG_SPACE(1)] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = cbuf,
		.msg_controllen = sizeof(cbuf) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = IPPROTO_TCP;
	cm->cmsg_type = KTLSSIM_TLS_SET_RECORD_TYPE;
	cm->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cm) = type;
	return (ktlssim_sendmsg(sim, fd, &msg, 0));
}

/* Returns what recvmsg does; *type is -1 without a control message. */
static ssize_t
receive(int fd, size_t len, int flags, size_t room, int *type, int *mflags)
{
	struct ktlssim_tls_get_record tgr;
	char cbuf[CMSG_SPACE(sizeof(tgr))];
	struct iovec iov = { in, len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = cbuf,
		.msg_controllen = room };
	ssize_t n = ktlssim_recvmsg(sim, fd, &msg, flags);

	*type = -1;
	*mflags = msg.msg_flags;
	if (n >= 0 && msg.msg_controllen >= CMSG_LEN(sizeof(tgr))) {
		memcpy(&tgr, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(tgr));
		*type = tgr.tls_type;
	}
	return (n);
}
#define ROOM CMSG_SPACE(sizeof(struct ktlssim_tls_get_record))

static void
test_one_record_a_call_with_its_type(void **state)
{
	int fd[2], type, flags;

	new_tls_pair(fd);
	assert_int_equal(ktlssim_write(sim, fd[0], "data", 4), 4);
	assert_int_equal(send_record(fd[0], 21, "\1\0", 2), 2);
	assert_int_equal(receive(fd[1], sizeof(in), 0, ROOM, &type, &flags), 4);
	assert_int_equal(type, 23);
	assert_int_equal(flags, MSG_EOR);
	assert_int_equal(receive(fd[1], sizeof(in), 0, ROOM, &type, &flags), 2);
	assert_int_equal(type, 21);
}

static void
test_a_record_in_pieces_has_one_control_message(void **state)
{
	int fd[2], type, flags;

	new_tls_pair(fd);
	assert_int_equal(ktlssim_write(sim, fd[0], "0123456789", 10), 10);
	assert_int_equal(receive(fd[1], 4, 0, ROOM, &type, &flags), 4);
	assert_int_equal(type, 23);
	assert_int_equal(flags, 0);
	assert_int_equal(receive(fd[1], 99, 0, ROOM, &type, &flags), 6);
	assert_int_equal(type, -1);
	assert_int_equal(flags, MSG_EOR);
}

static void
test_peek_leaves_the_record_and_its_message(void **state)
{
	int fd[2], type, flags;

	new_tls_pair(fd);
	assert_int_equal(ktlssim_write(sim, fd[0], "peek", 4), 4);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(receive(fd[1], 99, i < 2 ? MSG_PEEK : 0, ROOM,
				     &type, &flags),
		    4);
		assert_int_equal(type, 23);
		assert_memory_equal(in, "peek", 4);
	}
}

static void
test_small_control_buffers_are_told(void **state)
{
	int fd[2], type, flags;

	new_tls_pair(fd);
	assert_int_equal(ktlssim_write(sim, fd[0], "ab", 2), 2);
	assert_int_equal(receive(fd[1], 99, 0, 8, &type, &flags), 2);
	assert_int_equal(flags & MSG_CTRUNC, MSG_CTRUNC);
	/* No buffer at all: nobody asked. */
	assert_int_equal(ktlssim_write(sim, fd[0], "cd", 2), 2);
	assert_int_equal(receive(fd[1], 99, 0, 0, &type, &flags), 2);
	assert_int_equal(flags, MSG_EOR);
}

static void
test_waitall_fills_the_buffer_but_stays_in_the_record(void **state)
{
	int fd[2], plain[2];

	new_pair(plain);
	assert_int_equal(ktlssim_write(sim, plain[0], "abc", 3), 3);
	assert_int_equal(ktlssim_write(sim, plain[0], "def", 3), 3);
	assert_int_equal(ktlssim_recv(sim, plain[1], in, 6, MSG_WAITALL), 6);
	new_tls_pair(fd);
	assert_int_equal(ktlssim_write(sim, fd[0], "abc", 3), 3);
	assert_int_equal(ktlssim_write(sim, fd[0], "def", 3), 3);
	assert_int_equal(ktlssim_recv(sim, fd[1], in, 6, MSG_WAITALL), 3);
	/* The end of the stream ends the waiting. */
	assert_int_equal(ktlssim_write(sim, plain[0], "gh", 2), 2);
	assert_int_equal(ktlssim_close(sim, plain[0]), 0);
	assert_int_equal(ktlssim_recv(sim, plain[1], in, 6, MSG_WAITALL), 2);
	assert_int_equal(ktlssim_recv(sim, plain[1], in, 6, MSG_WAITALL), 0);
}

static void
test_tlsappdata_does_not_pass_an_alert(void **state)
{
	int fd[2], type, flags;

	new_tls_pair(fd);
	assert_int_equal(send_record(fd[0], 21, "\1\0", 2), 2);
	assert_int_equal(receive(fd[1], 99, MSG_PEEK, ROOM, &type, &flags), 2);
	assert_int_equal(ktlssim_recv(sim, fd[1], in, 99,
			     KTLSSIM_MSG_TLSAPPDATA),
	    -KTLSSIM_ENXIO);
	assert_int_equal(receive(fd[1], 99, 0, ROOM, &type, &flags), 2);
	assert_int_equal(type, 21);
}

static void
test_an_atomic_record_that_does_not_fit(void **state)
{
	int fd[2], val = 8192;

	new_tls_pair(fd);
	assert_int_equal(ktlssim_setsockopt(sim, fd[0], SOL_SOCKET, SO_SNDBUF,
			     &val, sizeof(val)),
	    0);
	nonblock(fd[0]);
	assert_int_equal(send_record(fd[0], 22, out, 8193), -KTLSSIM_EMSGSIZE);
	while (ktlssim_write(sim, fd[0], out, 8000) > 0)
		;
	assert_int_equal(send_record(fd[0], 22, out, 8192),
	    -KTLSSIM_EWOULDBLOCK);
}

/* A typed write waits until there is room for all of it. */
static void
test_an_atomic_record_waits_for_room(void **state)
{
	int fd[2], val = 16384, type, flags;
	size_t sent = 0;
	ssize_t n;

	new_tls_pair(fd);
	assert_int_equal(ktlssim_setsockopt(sim, fd[0], SOL_SOCKET, SO_SNDBUF,
			     &val, sizeof(val)),
	    0);
	nonblock(fd[0]);
	while ((n = ktlssim_write(sim, fd[0], out, 3000)) == 3000)
		sent += 3000;
	assert_int_equal(send_record(fd[0], 22, out, 9000),
	    -KTLSSIM_EWOULDBLOCK);
	assert_int_equal(ktlssim_fcntl(sim, fd[0], F_SETFL, 0), 0);
	assert_int_equal(send_record(fd[0], 22, out, 9000), 9000);
	sent += n > 0 ? (size_t)n : 0;
	for (size_t got = 0; got < sent; got += (size_t)n) {
		n = receive(fd[1], sizeof(in), 0, ROOM, &type, &flags);
		assert_true(n > 0 && type == 23);
	}
	assert_int_equal(receive(fd[1], sizeof(in), 0, ROOM, &type, &flags),
	    9000);
	assert_int_equal(type, 22);
}

/*
 * A buffer too small for one record is made large enough when TLS comes. Small
 * from the beginning: a window that was offered is not taken back.
 */
static void
test_a_whole_record_fits_any_receive_buffer(void **state)
{
	struct sockaddr_in sin = loopback(5000);
	int l = new_listener(5000), c, s, val = 4096;

	c = ktlssim_socket(host, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(ktlssim_setsockopt(sim, c, SOL_SOCKET, SO_RCVBUF, &val,
			     sizeof(val)),
	    0);
	assert_int_equal(ktlssim_connect(sim, c, (struct sockaddr *)&sin,
			     sizeof(sin)),
	    0);
	s = ktlssim_accept4(sim, l, NULL, NULL, 0);
	assert_int_equal(enable_tls(s, KTLSSIM_TCP_TXTLS_ENABLE), 0);
	assert_int_equal(enable_tls(c, KTLSSIM_TCP_RXTLS_ENABLE), 0);
	assert_int_equal(ktlssim_write(sim, s, out, 16384), 16384);
	assert_int_equal(ktlssim_recv(sim, c, in, sizeof(in), 0), 16384);
}

/* A waiting sender and a reader in one program: the buffers are the limit. */
static void
test_a_blocking_write_that_cannot_end_is_a_deadlock(void **state)
{
	int fd[2], val = 16384;

	new_pair(fd);
	assert_int_equal(ktlssim_setsockopt(sim, fd[0], SOL_SOCKET, SO_SNDBUF,
			     &val, sizeof(val)),
	    0);
	assert_int_equal(ktlssim_setsockopt(sim, fd[1], SOL_SOCKET, SO_RCVBUF,
			     &val, sizeof(val)),
	    0);
	/* TCP asks for a window for ever, but only this program could open it. */
	assert_int_equal(ktlssim_write(sim, fd[0], out, sizeof(out)),
	    -KTLSSIM_EDEADLK);
	/* Nothing is lost by it: what was taken can be read. */
	assert_true(ktlssim_read(sim, fd[1], in, sizeof(in)) > 0);
}

static void
test_vectors_are_one_stream(void **state)
{
	struct iovec iov[3] = { { "ab", 2 }, { NULL, 0 }, { "cde", 3 } };
	struct iovec rd[2] = { { in, 1 }, { in + 10, 9 } };
	int fd[2];

	new_pair(fd);
	assert_int_equal(ktlssim_writev(sim, fd[0], iov, 3), 5);
	assert_int_equal(ktlssim_readv(sim, fd[1], rd, 2), 5);
	assert_int_equal(in[0], 'a');
	assert_memory_equal(in + 10, "bcde", 4);
	assert_int_equal(ktlssim_writev(sim, fd[0], iov, -1), -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_writev(sim, fd[0], iov, 1025),
	    -KTLSSIM_EINVAL);
	iov[0].iov_len = SIZE_MAX;
	assert_int_equal(ktlssim_writev(sim, fd[0], iov, 3), -KTLSSIM_EINVAL);
}

static void
test_flags_and_control_that_are_not_known(void **state)
{
	char cbuf[sizeof(struct cmsghdr)] = { 0 };
	struct iovec iov = { out, 4 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = cbuf,
		.msg_controllen = 3 };
	int fd[2];

	new_pair(fd);
	assert_int_equal(ktlssim_sendmsg(sim, fd[0], &msg, MSG_OOB),
	    -KTLSSIM_EINVAL); /* the control message is looked at first */
	msg.msg_controllen = 0;
	assert_int_equal(ktlssim_sendmsg(sim, fd[0], &msg, MSG_OOB),
	    -KTLSSIM_EOPNOTSUPP);
	assert_int_equal(ktlssim_sendmsg(sim, fd[0], &msg, MSG_EOR),
	    -KTLSSIM_EINVAL);
	/* TCP takes no control message, and with TLS only its own. */
	msg.msg_controllen = sizeof(cbuf);
	assert_int_equal(ktlssim_sendmsg(sim, fd[0], &msg, 0), -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_recv(sim, fd[1], in, 4, MSG_OOB),
	    -KTLSSIM_EOPNOTSUPP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_one_record_a_call_with_its_type),
		T(test_a_record_in_pieces_has_one_control_message),
		T(test_peek_leaves_the_record_and_its_message),
		T(test_small_control_buffers_are_told),
		T(test_waitall_fills_the_buffer_but_stays_in_the_record),
		T(test_tlsappdata_does_not_pass_an_alert),
		T(test_an_atomic_record_that_does_not_fit),
		T(test_an_atomic_record_waits_for_room),
		T(test_a_whole_record_fits_any_receive_buffer),
		T(test_a_blocking_write_that_cannot_end_is_a_deadlock),
		T(test_vectors_are_one_stream),
		T(test_flags_and_control_that_are_not_known),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
