/* What libcrypto sealed, spoilt in all the ways, and what the kernel says. */
#include "accept.h"

static uint8_t rec[REFTLS_MAX + 40000];

static size_t
seal(const struct accept_suite *as, size_t len, size_t pad)
{
	return (reftls_seal(&as->as_suite, accept_key, accept_iv,
	    0x1122334455667788ULL + seqno, seqno, 23, pay, len, pad, rec));
}

static void
start(const struct accept_case *c)
{
	assert_int_equal(accept_enable(c->ac_suite, false), 0);
}

/* The peer has no kernel TLS: it writes what it likes. */
static void
put(size_t len)
{
	assert_int_equal(ktlssim_write(sim, sv[0], rec, len), len);
}

static void
put_and_close(size_t len)
{
	int r;

	put(len);
	r = ktlssim_shutdown(sim, sv[0], SHUT_WR);
	/* The other side may have reset the connection already. */
	if (r != 0 && r != -KTLSSIM_ENOTCONN && r != -KTLSSIM_ECONNRESET)
		fail_msg("shutdown: %s", ktlssim_errname(r));
}

/* Where in a record the ciphertext begins. */
static size_t
hlen(const struct accept_suite *as)
{
	return (as->as_suite.hlen);
}

/* --- what is good --- */

static void
expect_record(const struct accept_suite *as, const uint8_t *want, size_t len)
{
	static uint8_t buf[16384 + 1];
	char cbuf[CMSG_SPACE(sizeof(struct ktlssim_tls_get_record)) +
	    CMSG_SPACE(16)];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = cbuf,
		.msg_controllen = sizeof(cbuf) };
	struct ktlssim_tls_get_record tgr;
	struct cmsghdr *cm;

	assert_int_equal(ktlssim_recvmsg(sim, sv[1], &msg, 0), len);
	assert_int_equal(msg.msg_flags, MSG_EOR);
	cm = CMSG_FIRSTHDR(&msg);
	assert_non_null(cm);
	assert_int_equal(cm->cmsg_level, IPPROTO_TCP);
	assert_int_equal(cm->cmsg_type, KTLSSIM_TLS_GET_RECORD);
	assert_int_equal(cm->cmsg_len, CMSG_LEN(sizeof(tgr)));
	assert_null(CMSG_NXTHDR(&msg, cm));
	memcpy(&tgr, CMSG_DATA(cm), sizeof(tgr));
	assert_int_equal(tgr.tls_type, 23);
	assert_int_equal(tgr.tls_vmajor, 3);
	assert_int_equal(tgr.tls_vminor,
	    as->as_suite.vminor == 4 ? 3 : as->as_suite.vminor);
	assert_int_equal(ntohs(tgr.tls_length), len);
	assert_memory_equal(buf, want, len);
}

static void
receive_one(const struct accept_case *c, size_t len, size_t pad)
{
	start(c);
	put(seal(c->ac_suite, len, pad));
	expect_record(c->ac_suite, pay, len);
}

static void
receive_short(const struct accept_case *c)
{
	receive_one(c, 64, 0);
}

static void
receive_padding(const struct accept_case *c)
{
	receive_one(c, (size_t)c->ac_param, 0);
}

static void
receive_padding_extra(const struct accept_case *c)
{
	receive_one(c, 16, 16 * (size_t)c->ac_param);
}

static void
receive_short_padded(const struct accept_case *c)
{
	receive_one(c, 64, 16);
}

/* Records of `step` bytes and `pad` bytes of padding, one per recvmsg. */
static void
receive_stream(const struct accept_case *c, size_t step, size_t pad)
{
	struct ktlssim_kevent ev[2] = {
		{ .ident = (uintptr_t)sv[0], .filter = KTLSSIM_EVFILT_WRITE,
		    .flags = KTLSSIM_EV_ADD },
		{ .ident = (uintptr_t)sv[1], .filter = KTLSSIM_EVFILT_READ,
		    .flags = KTLSSIM_EV_ADD },
	}, out[2];
	size_t made = 0, off = 0, len = 0, got = 0, n;
	int kq = ktlssim_kqueue(sim), r;
	ssize_t w;

	start(c);
	assert_int_equal(ktlssim_kevent(sim, kq, ev, 2, NULL, 0, NULL), 0);
	while (got < sizeof(pay)) {
		r = ktlssim_kevent(sim, kq, NULL, 0, out, 2, NULL);
		assert_true(r > 0);
		for (int i = 0; i < r; i++) {
			if (out[i].filter == KTLSSIM_EVFILT_READ) {
				n = sizeof(pay) - got < step ? sizeof(pay) - got
							     : step;
				expect_record(c->ac_suite, pay + got, n);
				got += n;
				continue;
			}
			if (off == len && made < sizeof(pay)) {
				n = sizeof(pay) - made < step
				    ? sizeof(pay) - made
				    : step;
				len = reftls_seal(&c->ac_suite->as_suite,
				    accept_key, accept_iv, seqno, seqno, 23,
				    pay + made, n, pad, rec);
				seqno++;
				made += n;
				off = 0;
			}
			w = ktlssim_write(sim, sv[0], rec + off, len - off);
			assert_true(w >= 0);
			off += (size_t)w;
			if (off < len || made < sizeof(pay))
				continue;
			ev[0].flags = KTLSSIM_EV_DISABLE;
			assert_int_equal(ktlssim_kevent(sim, kq, ev, 1, NULL, 0,
					     NULL),
			    0);
		}
	}
}

static void
receive_long(const struct accept_case *c)
{
	receive_stream(c, 16384, 0);
}

static void
receive_long_padded(const struct accept_case *c)
{
	receive_stream(c, 16384 - 15, 15);
}

/* --- what is not --- */

static void
expect_error(int error)
{
	uint8_t buf[16];
	ssize_t n = ktlssim_recv(sim, sv[1], buf, sizeof(buf), 0);

	if (n != -error)
		fail_msg("recv: %s, not %s",
		    n < 0 ? ktlssim_errname((int)n) : "data",
		    ktlssim_errname(error));
}

/* A good record of 64 bytes in which one byte is changed. */
static void
receive_changed(const struct accept_case *c, size_t at, uint8_t bits, int error)
{
	size_t n;

	start(c);
	n = seal(c->ac_suite, 64, 0);
	assert_true(at < n);
	rec[at] ^= bits;
	put(n);
	expect_error(error);
}

static void
receive_bad_data(const struct accept_case *c)
{
	receive_changed(c, hlen(c->ac_suite), 1, KTLSSIM_EBADMSG);
}

/* CBC: the byte behind the payload; AEAD: the tag's first. */
static void
receive_bad_mac(const struct accept_case *c)
{
	const struct accept_suite *as = c->ac_suite;
	size_t inner = (as->as_set & SET_T13) != 0;

	receive_changed(c, hlen(as) + 64 + inner, 1, KTLSSIM_EBADMSG);
}

static void
receive_bad_padding(const struct accept_case *c)
{
	size_t n;

	start(c);
	n = seal(c->ac_suite, 64, 0);
	rec[n - 1] ^= 1;
	put(n);
	expect_error(KTLSSIM_EBADMSG);
}

static void
receive_bad_iv(const struct accept_case *c)
{
	receive_changed(c, 5, 1, KTLSSIM_EBADMSG);
}

static void
receive_bad_header(const struct accept_case *c)
{
	size_t n;

	start(c);
	n = seal(c->ac_suite, 64, 0);
	rec[c->ac_param]++;
	put(n);
	expect_error(KTLSSIM_EINVAL);
}

static void
receive_truncated(const struct accept_case *c)
{
	start(c);
	put_and_close(seal(c->ac_suite, 64, 0) / 2);
	expect_error(KTLSSIM_EMSGSIZE);
}

/* A record of zeros with this many bytes behind its header. */
static size_t
zeros(const struct accept_suite *as, size_t body)
{
	memset(rec, 0, 5 + body);
	rec[0] = 23;
	rec[1] = 3;
	rec[2] = as->as_suite.vminor == 4 ? 3 : as->as_suite.vminor;
	rec[3] = (uint8_t)(body >> 8);
	rec[4] = (uint8_t)body;
	return (5 + body);
}

static void
receive_small(const struct accept_case *c)
{
	start(c);
	put_and_close(zeros(c->ac_suite, c->ac_suite->as_minbody - 1));
	expect_error(KTLSSIM_EMSGSIZE);
}

static void
receive_oversized(const struct accept_case *c)
{
	size_t n = zeros(c->ac_suite, 32768);
	ssize_t w;

	start(c);
	/* The connection may be reset before all of it is taken. */
	w = ktlssim_write(sim, sv[0], rec, n);
	assert_true(w > 5);
	expect_error(KTLSSIM_EMSGSIZE);
}

static void
receive_non_block_size(const struct accept_case *c)
{
	start(c);
	put(zeros(c->ac_suite, c->ac_suite->as_minbody + 1));
	expect_error(KTLSSIM_EMSGSIZE);
}

static void
receive_short_header(const struct accept_case *c)
{
	start(c);
	put_and_close(zeros(c->ac_suite, 6));
	expect_error(KTLSSIM_EMSGSIZE);
}

static void
receive_unsupported(const struct accept_case *c)
{
	assert_int_equal(accept_enable(c->ac_suite, false),
	    -KTLSSIM_EPROTONOSUPPORT);
}

const struct accept_group accept_receive[] = {
	{ "short", SET_RX, 0, 0, receive_short },
	{ "long", SET_RX, 0, 0, receive_long },
	{ "bad_data", SET_RX, 0, 0, receive_bad_data },
	{ "bad_mac", SET_RX, 0, 0, receive_bad_mac },
	{ "truncated_record", SET_RX, 0, 0, receive_truncated },
	{ "bad_major", SET_RX, 1, 1, receive_bad_header },
	{ "bad_minor", SET_RX, 2, 2, receive_bad_header },
	{ "small_record", SET_RX, 0, 0, receive_small },
	{ "oversized_record", SET_RX, 0, 0, receive_oversized },
	{ "padding", SET_B, 1, 16, receive_padding },
	{ "padding_extra_blocks", SET_B, 1, 2, receive_padding_extra },
	{ "bad_padding", SET_B, 0, 0, receive_bad_padding },
	{ "non_block_size", SET_B, 0, 0, receive_non_block_size },
	{ "bad_iv", SET_B | SET_G12, 0, 0, receive_bad_iv },
	{ "short_header", SET_B | SET_G12, 0, 0, receive_short_header },
	{ "short_padded", SET_T13, 0, 0, receive_short_padded },
	{ "long_padded", SET_T13, 0, 0, receive_long_padded },
	{ "bad_type", SET_T13, 0, 0, receive_bad_header },
	{ "unsupported", SET_A, 0, 0, receive_unsupported },
};
const unsigned accept_nreceive =
    sizeof(accept_receive) / sizeof(accept_receive[0]);
