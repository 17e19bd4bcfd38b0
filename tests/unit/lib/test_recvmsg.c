/*
 * recvmsg of TLS records: control messages, flags, and typed sends, through
 * the kernel at both ends.
 */
#include "libtls.h"

static int fd[2];
static char data[40000];
static struct {
	ssize_t n;
	int flags;
	int type, len; /* of TLS_GET_RECORD; -1: none */
	size_t controllen;
} got;

static int
tls_pair(void **state)
{
	if (setup(state) != 0)
		return (1);
	new_pair(fd);
	assert_int_equal(tls_on(fd[0], KTLSSIM_TCP_TXTLS_ENABLE), 0);
	assert_int_equal(tls_on(fd[1], KTLSSIM_TCP_RXTLS_ENABLE), 0);
	return (0);
}

static ssize_t
send_typed(int s, uint8_t type, const void *p, size_t len, int flags)
{
	uint8_t buf[CMSG_SPACE(1)] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = buf,
		.msg_controllen = sizeof(buf) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = IPPROTO_TCP;
	cm->cmsg_type = KTLSSIM_TLS_SET_RECORD_TYPE;
	cm->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cm) = type;
	return (ktlssim_sendmsg(sim, s, &msg, flags));
}

static ssize_t
receive(size_t len, size_t control, int flags)
{
	uint8_t buf[CMSG_SPACE(64)];
	struct ktlssim_tls_get_record tgr;
	struct iovec iov = { data, len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control > 0 ? buf : NULL,
		.msg_controllen = control };
	struct cmsghdr *cm;

	got.n = ktlssim_recvmsg(sim, fd[1], &msg, flags);
	got.flags = msg.msg_flags;
	got.type = got.len = -1;
	got.controllen = got.n >= 0 ? msg.msg_controllen : 0;
	if (got.controllen >= CMSG_LEN(sizeof(tgr))) {
		cm = CMSG_FIRSTHDR(&msg);
		assert_int_equal(cm->cmsg_type, KTLSSIM_TLS_GET_RECORD);
		memcpy(&tgr, CMSG_DATA(cm), sizeof(tgr));
		got.type = tgr.tls_type;
		got.len = ntohs(tgr.tls_length);
	}
	return (got.n);
}

#define ALL CMSG_SPACE(64)

static void
expect(ssize_t n, int type, int len, int flags)
{
	assert_int_equal(got.n, n);
	assert_int_equal(got.type, type);
	assert_int_equal(got.len, len);
	assert_int_equal(got.flags, flags);
}

static void
test_peeking_shows_record_and_control_again_and_again(void **state)
{
	assert_int_equal(send_typed(fd[0], 21, "\1\0", 2, 0), 2);
	assert_int_equal(ktlssim_write(sim, fd[0], "data", 4), 4);
	for (int i = 0; i < 3; i++) {
		receive(100, ALL, MSG_PEEK);
		expect(2, 21, 2, MSG_EOR);
		receive(1, ALL, MSG_PEEK);
		expect(1, 21, 2, 0);
	}
	/* Peeking without room for control does not lose it. */
	receive(100, 0, MSG_PEEK);
	expect(2, -1, -1, MSG_EOR);
	receive(100, ALL, 0);
	expect(2, 21, 2, MSG_EOR);
	receive(100, ALL, MSG_PEEK);
	expect(4, 23, 4, MSG_EOR);
	receive(100, ALL, 0);
	expect(4, 23, 4, MSG_EOR);
}

static void
test_waiting_for_all_stops_at_the_records_end(void **state)
{
	assert_int_equal(ktlssim_write(sim, fd[0], "first", 5), 5);
	assert_int_equal(ktlssim_write(sim, fd[0], "second", 6), 6);
	receive(100, ALL, MSG_WAITALL);
	expect(5, 23, 5, MSG_EOR);
	/* Less than the record: no end, and the control came with it. */
	receive(2, ALL, MSG_WAITALL);
	expect(2, 23, 6, 0);
	receive(100, ALL, MSG_WAITALL);
	expect(4, -1, -1, MSG_EOR);
	assert_memory_equal(data, "cond", 4);
}

static void
test_control_that_does_not_fit_is_cut(void **state)
{
	for (size_t room = 1; room <= CMSG_LEN(6); room += 7) {
		assert_int_equal(ktlssim_write(sim, fd[0], "x", 1), 1);
		receive(10, room, 0);
		assert_int_equal(got.n, 1);
		assert_int_equal(got.flags,
		    MSG_EOR | (room < CMSG_LEN(6) ? MSG_CTRUNC : 0));
		assert_true(got.controllen <= room);
	}
	assert_int_equal(ktlssim_write(sim, fd[0], "x", 1), 1);
	receive(10, CMSG_LEN(6), 0);
	expect(1, 23, 1, MSG_EOR);
	/* No buffer at all is no truncation: nobody asked. */
	assert_int_equal(ktlssim_write(sim, fd[0], "x", 1), 1);
	receive(10, 0, 0);
	expect(1, -1, -1, MSG_EOR);
}

static void
test_kernel_readers_are_not_given_alerts(void **state)
{
	assert_int_equal(ktlssim_write(sim, fd[0], "data", 4), 4);
	assert_int_equal(send_typed(fd[0], 21, "\1\0", 2, 0), 2);
	assert_int_equal(send_typed(fd[0], 22, "ticket", 6, 0), 6);
	receive(10, ALL, KTLSSIM_MSG_TLSAPPDATA);
	expect(4, 23, 4, MSG_EOR);
	for (int i = 0; i < 2; i++)
		assert_int_equal(receive(10, ALL, KTLSSIM_MSG_TLSAPPDATA),
		    -KTLSSIM_ENXIO);
	receive(10, ALL, 0);
	expect(2, 21, 2, MSG_EOR);
	receive(10, ALL, KTLSSIM_MSG_TLSAPPDATA);
	expect(6, 22, 6, MSG_EOR);
}

static void
test_types_are_for_one_call_and_long_ones_for_all_records(void **state)
{
	static char big[20000];

	assert_int_equal(send_typed(fd[0], 42, big, sizeof(big), 0),
	    sizeof(big));
	assert_int_equal(ktlssim_write(sim, fd[0], "x", 1), 1);
	receive(sizeof(data), ALL, 0);
	expect(16384, 42, 16384, MSG_EOR);
	receive(sizeof(data), ALL, 0);
	expect(3616, 42, 3616, MSG_EOR);
	receive(sizeof(data), ALL, 0);
	expect(1, 23, 1, MSG_EOR);
}

static void
fix_buffer(int s, int name, int size)
{
	assert_int_equal(ktlssim_setsockopt(sim, s, SOL_SOCKET, name, &size,
			     sizeof(size)),
	    0);
}

static void
test_a_typed_message_goes_as_a_whole_or_not_at_all(void **state)
{
	static char big[40000];
	size_t in = 0, n;

	fix_buffer(fd[0], SO_SNDBUF, 32768);
	fix_buffer(fd[1], SO_RCVBUF, 32768);
	assert_int_equal(send_typed(fd[0], 22, big, 32769, 0),
	    -KTLSSIM_EMSGSIZE);
	/* Until both buffers are full, however often one looks. */
	for (int tries = 0; tries < 5; tries++) {
		while (send_typed(fd[0], 22, big, 20000, MSG_DONTWAIT) == 20000)
			in += 20000;
		assert_int_equal(ktlssim_sleep(sim, 1000000000), 0);
	}
	assert_int_equal(send_typed(fd[0], 22, big, 20000, MSG_DONTWAIT),
	    -KTLSSIM_EWOULDBLOCK);
	for (n = 0; n < in; n += (size_t)got.n) {
		assert_true(receive(sizeof(data), ALL, 0) > 0);
		assert_int_equal(got.type, 22);
	}
	assert_int_equal(n, in);
	assert_int_equal(send_typed(fd[0], 22, big, 20000, 0), 20000);
	receive(sizeof(data), ALL, 0);
	expect(16384, 22, 16384, MSG_EOR);
}

/* Found by fuzz_message: more than an mbuf holds was a panic. */
static void
test_of_long_control_data_the_first_byte_counts(void **state)
{
	static union {
		struct cmsghdr cm;
		char b[4096];
	} ctl;
	struct iovec iov = { data, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ctl };
	const size_t lens[] = { 0, 1, 199, 213, 1000, 2000, 2048 };

	ctl.cm.cmsg_level = IPPROTO_TCP;
	ctl.cm.cmsg_type = KTLSSIM_TLS_SET_RECORD_TYPE;
	*CMSG_DATA(&ctl.cm) = 42;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		ctl.cm.cmsg_len = CMSG_LEN(lens[i]);
		msg.msg_controllen = CMSG_LEN(lens[i]);
		assert_int_equal(ktlssim_sendmsg(sim, fd[0], &msg, 0),
		    lens[i] == 0 || lens[i] == 2048 ? -KTLSSIM_EINVAL : 1);
		if (lens[i] == 0 || lens[i] == 2048)
			continue;
		receive(10, ALL, 0);
		expect(1, 42, 1, MSG_EOR);
	}
}

static void
test_half_a_record_and_the_end_is_emsgsize(void **state)
{
	int p[2];

	new_pair(p);
	assert_int_equal(ktlssim_write(sim, p[0], "\27\3\3\0\100half", 9), 9);
	assert_int_equal(ktlssim_shutdown(sim, p[0], SHUT_WR), 0);
	assert_int_equal(tls_on(p[1], KTLSSIM_TCP_RXTLS_ENABLE), 0);
	assert_int_equal(ktlssim_read(sim, p[1], data, 10), -KTLSSIM_EMSGSIZE);
	assert_int_equal(ktlssim_read(sim, p[1], data, 10), 0);
}

static void
test_an_error_in_its_place_is_readable_and_told_once(void **state)
{
	static const char rec[] = "\27\3\3\0\24twenty bytes of junk";
	struct pollfd pf = { .events = POLLIN };
	int p[2];

	new_pair(p);
	assert_int_equal(tls_on(p[1], KTLSSIM_TCP_RXTLS_ENABLE), 0);
	assert_int_equal(ktlssim_write(sim, p[0], rec, 25), 25);
	pf.fd = p[1];
	assert_int_equal(ktlssim_poll(sim, &pf, 1, 1000), 1);
	assert_int_equal(ktlssim_read(sim, p[1], data, 10), -KTLSSIM_EBADMSG);
	assert_int_equal(ktlssim_poll(sim, &pf, 1, 1000), 0);
	assert_int_equal(ktlssim_write(sim, p[1], "alive", 5), 5);
	/* A header that is none ends the connection. */
	assert_int_equal(ktlssim_write(sim, p[0], "\27\3\7\0\24", 5), 5);
	assert_int_equal(ktlssim_write(sim, p[0], rec + 5, 20), 20);
	assert_int_equal(ktlssim_read(sim, p[1], data, 10), -KTLSSIM_EINVAL);
	assert_int_equal(ktlssim_read(sim, p[1], data, 10), 0);
	assert_int_equal(ktlssim_write(sim, p[1], "x", 1), -KTLSSIM_EPIPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, tls_pair, teardown)
		T(test_peeking_shows_record_and_control_again_and_again),
		T(test_waiting_for_all_stops_at_the_records_end),
		T(test_control_that_does_not_fit_is_cut),
		T(test_kernel_readers_are_not_given_alerts),
		T(test_types_are_for_one_call_and_long_ones_for_all_records),
		T(test_a_typed_message_goes_as_a_whole_or_not_at_all),
		T(test_of_long_control_data_the_first_byte_counts),
		T(test_half_a_record_and_the_end_is_emsgsize),
		T(test_an_error_in_its_place_is_readable_and_told_once),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
