/* What the kernel sends, opened by libcrypto. */
#include "accept.h"

static uint8_t iv[16]; /* TLS 1.0's moves on */

static void
start(const struct accept_case *c)
{
	assert_int_equal(accept_enable(c->ac_suite, true), 0);
	memcpy(iv, accept_iv, sizeof(iv));
}

static void
read_exactly(uint8_t *p, size_t len)
{
	ssize_t n;

	for (size_t got = 0; got < len; got += (size_t)n) {
		n = ktlssim_read(sim, sv[1], p + got, len - got);
		assert_true(n > 0);
	}
}

/* The header alone, and the whole record. Returns its bytes. */
static size_t
read_record(const struct accept_suite *as, uint8_t *rec)
{
	const struct tls_suite *s = &as->as_suite;
	size_t len;

	read_exactly(rec, 5);
	assert_int_equal(rec[1], 3);
	assert_int_equal(rec[2], s->vminor == 4 ? 3 : s->vminor);
	if (s->vminor == 4)
		assert_int_equal(rec[0], 23);
	len = 5 + ((size_t)rec[3] << 8 | rec[4]);
	assert_true(len <= accept_maxrec(as));
	read_exactly(rec + 5, len - 5);
	return (len);
}

/* Opens the next record; its payload goes to out. Returns the bytes of it. */
static size_t
open_record(const struct accept_suite *as, uint8_t type, uint8_t *out,
    size_t *reclen)
{
	static uint8_t rec[REFTLS_MAX];
	uint8_t got;
	long n;

	*reclen = read_record(as, rec);
	n = reftls_open(&as->as_suite, accept_key, iv, seqno, rec, *reclen, out,
	    &got);
	assert_true(n >= 0);
	assert_int_equal(got, type);
	seqno++;
	if (as->as_set == SET_A)
		memcpy(iv, rec + *reclen - 16, 16);
	return ((size_t)n);
}

static void
expect_payload(const struct accept_suite *as, uint8_t type, size_t total)
{
	static uint8_t out[sizeof(pay) + 16384];
	size_t n = 0, reclen;

	while (n < total) {
		n += open_record(as, type, out + n, &reclen);
		assert_true(n <= total);
	}
	assert_memory_equal(out, pay, total);
}

static void
transmit_short(const struct accept_case *c)
{
	start(c);
	assert_int_equal(ktlssim_write(sim, sv[0], pay, 64), 64);
	expect_payload(c->ac_suite, 23, 64);
}

/* 64 KiB through a socket that does not block, with kqueue and small room. */
static void
transmit_long(const struct accept_case *c)
{
	struct ktlssim_kevent ev[2] = {
		{ .ident = (uintptr_t)sv[0], .filter = KTLSSIM_EVFILT_WRITE,
		    .flags = KTLSSIM_EV_ADD },
		{ .ident = (uintptr_t)sv[1], .filter = KTLSSIM_EVFILT_READ,
		    .flags = KTLSSIM_EV_ADD },
	}, out[2];
	static uint8_t got[sizeof(pay) + 16384];
	size_t sent = 0, n = 0, reclen;
	int kq = ktlssim_kqueue(sim), r;
	ssize_t w;

	start(c);
	assert_int_equal(ktlssim_kevent(sim, kq, ev, 2, NULL, 0, NULL), 0);
	while (n < sizeof(pay)) {
		r = ktlssim_kevent(sim, kq, NULL, 0, out, 2, NULL);
		assert_true(r > 0);
		for (int i = 0; i < r; i++) {
			if (out[i].filter == KTLSSIM_EVFILT_READ) {
				n += open_record(c->ac_suite, 23, got + n,
				    &reclen);
				continue;
			}
			w = ktlssim_write(sim, sv[0], pay + sent,
			    sizeof(pay) - sent);
			assert_true(w > 0);
			if ((sent += (size_t)w) < sizeof(pay))
				continue;
			ev[0].flags = KTLSSIM_EV_DISABLE;
			assert_int_equal(ktlssim_kevent(sim, kq, ev, 1, NULL, 0,
					     NULL),
			    0);
		}
	}
	assert_int_equal(n, sizeof(pay));
	assert_memory_equal(got, pay, sizeof(pay));
}

static void
send_control(uint8_t type, size_t len)
{
	char cbuf[CMSG_SPACE(1)] = { 0 };
	struct iovec iov = { pay, len };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = cbuf,
		.msg_controllen = sizeof(cbuf) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = IPPROTO_TCP;
	cm->cmsg_type = KTLSSIM_TLS_SET_RECORD_TYPE;
	cm->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cm) = type;
	assert_int_equal(ktlssim_sendmsg(sim, sv[0], &msg, 0), len);
}

/* One record of this type and payload, and nothing behind it. */
static size_t
expect_control(const struct accept_suite *as, uint8_t type, size_t len)
{
	uint8_t out[16384];
	size_t reclen;
	int more;

	assert_int_equal(open_record(as, type, out, &reclen), len);
	assert_memory_equal(out, pay, len);
	assert_int_equal(ktlssim_fionread(sim, sv[1], &more), 0);
	assert_int_equal(more, 0);
	return (reclen);
}

static void
transmit_control(const struct accept_case *c)
{
	start(c);
	send_control(33, 32);
	(void)expect_control(c->ac_suite, 33, 32);
	/* The next call is application data again. */
	assert_int_equal(ktlssim_write(sim, sv[0], pay, 1), 1);
	expect_payload(c->ac_suite, 23, 1);
}

static void
transmit_padding(const struct accept_case *c)
{
	const struct accept_suite *as = c->ac_suite;
	size_t len = (size_t)c->ac_param, want;

	start(c);
	send_control(33, len);
	want = len + as->as_mac + 1;
	want += (16 - want % 16) % 16;
	want += as->as_set == SET_A ? 5 : 21;
	assert_int_equal(expect_control(as, 33, len), want);
}

static void
transmit_empty_fragment(const struct accept_case *c)
{
	uint8_t out[64];
	size_t reclen;

	start(c);
	if (c->ac_suite->as_set != SET_A) {
		assert_int_equal(ktlssim_write(sim, sv[0], pay, 0),
		    -KTLSSIM_EINVAL);
		return;
	}
	assert_int_equal(ktlssim_write(sim, sv[0], pay, 0), 0);
	assert_int_equal(open_record(c->ac_suite, 23, out, &reclen), 0);
	assert_int_equal(reclen, 5 + 32);
}

const struct accept_group accept_transmit[] = {
	{ "short", SET_ALL, 0, 0, transmit_short },
	{ "long", SET_ALL, 0, 0, transmit_long },
	{ "control", SET_ALL, 0, 0, transmit_control },
	{ "padding", SET_CBC, 1, 16, transmit_padding },
	{ "empty_fragment", SET_ALL, 0, 0, transmit_empty_fragment },
};
const unsigned accept_ntransmit =
    sizeof(accept_transmit) / sizeof(accept_transmit[0]);
