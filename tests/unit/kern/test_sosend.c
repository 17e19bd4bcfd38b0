/*
 * Writing with a session: how bytes become records, what each record looks
 * like, and every refusal. The stream is read back record by record with
 * libcrypto.
 */
#include "tlsbench.h"

#include "support/kpanic.h"

static struct sockpair sp;
static struct socket *so, *peer;
static uint8_t pay[200000], raw[250000], plain[20000];
static size_t rawlen;
static const struct tls_suite *suite;

static int
setup(void **state)
{
	sockpair_init(&sp, NULL, NULL);
	so = sp.sp_so[0];
	peer = sp.sp_so[1];
	rawlen = 0;
	for (unsigned i = 0; i < sizeof(pay); i++)
		pay[i] = (uint8_t)(i * 7 + (i >> 9));
	return (0);
}

static int
teardown(void **state)
{
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

static void
start(const struct tls_suite *s)
{
	struct tls_enable en = tb_enable(s, 1000);

	suite = s;
	assert_int_equal(ktls_enable_tx(so, &en), 0);
	so->so_snd.sb_hiwat = peer->so_rcv.sb_hiwat = 220000;
	so->so_snd.sb_mbmax = peer->so_rcv.sb_mbmax = 4000000;
}

static void
drain(void)
{
	int t, flags = 0;
	size_t got;

	sockpair_run(&sp);
	SBCHECK(&so->so_snd);
	while (sbavail(&peer->so_rcv) > 0) {
		assert_int_equal(tb_read(peer, raw + rawlen,
				     sizeof(raw) - rawlen, &got, &t, &flags),
		    0);
		rawlen += got;
		sockpair_run(&sp);
	}
}

struct expected {
	uint8_t type;
	uint32_t len;
};

/* The stream so far is exactly these records, and its payload is pay. */
static void
expect_records(const struct expected *e, unsigned n)
{
	size_t at = 0, off = 0, len;
	uint64_t nonce = 0;
	uint8_t type, iv[16];

	drain();
	memcpy(iv, tb_iv, sizeof(iv));
	for (unsigned i = 0; i < n; i++) {
		assert_true(at + 5 <= rawlen);
		len = 5u + be16dec(raw + at + 3);
		assert_int_equal(len,
		    suite->hlen + e[i].len +
			tls_suite_trailer(suite, e[i].len));
		assert_int_equal(raw[at], suite->vminor == 4 ? 23 : e[i].type);
		assert_int_equal(be16dec(raw + at + 1),
		    0x0300 | MIN(suite->vminor, 3));
		if (suite->hlen == 13) {
			if (i > 0)
				assert_true(be64dec(raw + at + 5) == nonce + 1);
			nonce = be64dec(raw + at + 5);
		}
		assert_int_equal(reftls_open(suite, tb_key, iv, 1000 + i,
				     raw + at, len, plain, &type),
		    e[i].len);
		assert_int_equal(type, e[i].type);
		assert_memory_equal(plain, pay + off, e[i].len);
		if (tls_suite_chained(suite))
			memcpy(iv, raw + at + len - 16, 16);
		at += len;
		off += e[i].len;
	}
	assert_int_equal(at, rawlen);
}

static void
test_a_write_is_cut_into_full_records_and_one_short_one(void **state)
{
	static const struct expected e[] = { { 23, 16384 }, { 23, 16384 },
		{ 23, 7232 }, { 23, 1 }, { 23, 16384 } };
	size_t done;

	for (unsigned i = 0; i < tls_nsuites; i++) {
		start(&tls_suites[i]);
		assert_int_equal(tb_write(so, pay, 40000, -1, &done), 0);
		assert_int_equal(done, 40000);
		assert_int_equal(tb_write(so, pay + 40000, 1, -1, &done), 0);
		assert_int_equal(tb_write(so, pay + 40001, 16384, -1, &done),
		    0);
		expect_records(e, nitems(e));
		assert_int_equal(ktls_stats(sp.sp_vnet)->records_tx, 5);
		assert_int_equal(ktls_stats(sp.sp_vnet)->ocf_inplace, 5);
		teardown(NULL);
		setup(NULL);
	}
}

static void
test_maxlen_makes_records_shorter(void **state)
{
	static const struct expected e[] = { { 23, 8192 }, { 23, 8192 },
		{ 23, 1 } };

	for (unsigned i = 0; i < tls_nsuites; i++) {
		assert_int_equal(sysctl_write(sp.sp_vnet, "kern.ipc.tls.maxlen",
				     8192),
		    0);
		start(&tls_suites[i]);
		assert_int_equal(tb_write(so, pay, 16385, -1, NULL), 0);
		expect_records(e, nitems(e));
		teardown(NULL);
		setup(NULL);
	}
}

static void
test_a_typed_write_gives_all_its_records_the_type_and_reverts(void **state)
{
	static const struct expected e[] = { { 23, 10 }, { 21, 2 },
		{ 22, 16384 }, { 22, 3616 }, { 23, 5 } };

	for (unsigned i = 0; i < tls_nsuites; i++) {
		start(&tls_suites[i]);
		assert_int_equal(tb_write(so, pay, 10, -1, NULL), 0);
		assert_int_equal(tb_write(so, pay + 10, 2, 21, NULL), 0);
		assert_int_equal(tb_write(so, pay + 12, 20000, 22, NULL), 0);
		assert_int_equal(tb_write(so, pay + 20012, 5, -1, NULL), 0);
		expect_records(e, nitems(e));
		teardown(NULL);
		setup(NULL);
	}
}

/* Every length around the borders of blocks, one record each. */
static void
test_cbc_padding_is_right_for_every_length(void **state)
{
	struct expected e[50];

	for (unsigned i = 0; i < tls_nsuites; i++) {
		if (!tb_cbc(&tls_suites[i]))
			continue;
		start(&tls_suites[i]);
		for (uint32_t k = 0, off = 0; k < nitems(e);
		     off += e[k++].len) {
			e[k] = (struct expected) { 33, k + 1 };
			assert_int_equal(tb_write(so, pay + off, k + 1, 33,
					     NULL),
			    0);
		}
		expect_records(e, nitems(e));
		assert_int_equal(ktls_stats(sp.sp_vnet)
				     ->ocf_enc[tls_suites[i].vminor > 1]
					      [TLS_CIPHER_CBC],
		    nitems(e));
		teardown(NULL);
		setup(NULL);
	}
}

static void
test_typed_writes_are_all_or_nothing(void **state)
{
	size_t done;

	start(&tls_suites[0]);
	so->so_snd.sb_hiwat = 10000;
	peer->so_rcv.sb_hiwat = 100;
	assert_int_equal(tb_write(so, pay, 10001, 22, &done), EMSGSIZE);
	assert_int_equal(done, 0);
	assert_int_equal(tb_write(so, pay, 6000, -1, &done), 0);
	assert_int_equal(tb_write(so, pay, 6000, 22, &done), EWOULDBLOCK);
	assert_int_equal(done, 0);
	assert_int_equal(so->so_snd.sb_tls_seqno, 1001);
	assert_int_equal(tb_write(so, pay, 3000, 22, &done), 0);
	peer->so_rcv.sb_hiwat = 100000;
	drain();
}

static void
test_a_partial_write_says_exactly_how_much_it_took(void **state)
{
	static const struct expected e[] = { { 23, 16384 }, { 23, 13616 } };
	size_t done;

	start(&tls_suites[3]);
	so->so_snd.sb_hiwat = 30000;
	assert_int_equal(tb_write(so, pay, 50000, -1, &done), 0);
	assert_int_equal(done, 30000);
	assert_int_equal(tb_write(so, pay + done, 20000, -1, &done),
	    EWOULDBLOCK);
	assert_int_equal(done, 0);
	expect_records(e, nitems(e));
}

static void
test_empty_writes_are_einval_with_a_session_and_nothing_without(void **state)
{
	size_t done;

	assert_int_equal(tb_write(so, pay, 0, -1, &done), 0);
	start(&tls_suites[0]);
	assert_int_equal(tb_write(so, pay, 0, -1, &done), EINVAL);
	assert_int_equal(tb_write(so, pay, 0, 21, &done), EINVAL);
	assert_int_equal(sbused(&so->so_snd), 0);
	teardown(NULL);
	setup(NULL);
	start(tls_suite_byname("aes128-cbc-sha1-1.1"));
	assert_int_equal(tb_write(so, pay, 0, -1, &done), EINVAL);
}

/* Against the known IV of the record that follows. */
static void
test_empty_writes_are_records_of_tls10(void **state)
{
	static const struct expected e[] = { { 23, 0 }, { 23, 5 }, { 23, 0 },
		{ 21, 0 }, { 23, 16384 }, { 23, 100 } };

	start(tls_suite_byname("aes256-cbc-sha1-1.0"));
	assert_int_equal(tb_write(so, pay, 0, -1, NULL), 0);
	assert_int_equal(tb_write(so, pay, 5, -1, NULL), 0);
	assert_int_equal(tb_write(so, pay, 0, -1, NULL), 0);
	assert_int_equal(tb_write(so, pay, 0, 21, NULL), 0);
	assert_int_equal(tb_write(so, pay + 5, 16484, -1, NULL), 0);
	expect_records(e, nitems(e));
	assert_int_equal(ktls_stats(sp.sp_vnet)->ocf_enc[0][TLS_CIPHER_CBC],
	    nitems(e));
}

static void
test_a_record_type_without_a_session_is_einval(void **state)
{
	size_t done;

	assert_int_equal(tb_write(so, pay, 10, 21, &done), EINVAL);
	assert_int_equal(sbused(&so->so_snd), 0);
}

static void
test_states_and_errors_refuse_a_write(void **state)
{
	size_t done;

	for (int tls = 0; tls < 2; tls++) {
		if (tls != 0)
			start(&tls_suites[0]);
		so->so_error = EBADMSG;
		assert_int_equal(tb_write(so, pay, 10, -1, &done), EBADMSG);
		assert_int_equal(so->so_error, 0);
		so->so_state &= (uint16_t)~SS_ISCONNECTED;
		assert_int_equal(tb_write(so, pay, 10, -1, &done), ENOTCONN);
		so->so_state |= SS_ISCONNECTED;
		so->so_snd.sb_state |= SBS_CANTSENDMORE;
		so->so_error = EBADMSG;
		assert_int_equal(tb_write(so, pay, 10, -1, &done), EPIPE);
		so->so_snd.sb_state &= (uint16_t)~SBS_CANTSENDMORE;
		so->so_error = 0;
		assert_int_equal(done, 0);
	}
	assert_int_equal(sbused(&so->so_snd), 0);
}

static void
test_eor_on_a_stream_is_einval(void **state)
{
	struct kiovec iov = { pay, 10 };
	struct uio uio;

	uio_init(&uio, &iov, 1);
	assert_int_equal(sosend(so, &uio, NULL, KMSG_EOR), EINVAL);
	assert_int_equal(uio.uio_resid, 10);
}

static void
test_bytes_written_before_enabling_stay_plain_in_front(void **state)
{
	static const struct expected e[] = { { 23, 100 } };

	peer->so_rcv.sb_hiwat = 20;
	assert_int_equal(tb_write(so, pay, 50, -1, NULL), 0);
	start(&tls_suites[2]);
	assert_int_equal(tb_write(so, pay, 100, -1, NULL), 0);
	drain();
	assert_memory_equal(raw, pay, 50);
	rawlen -= 50;
	memmove(raw, raw + 50, rawlen);
	expect_records(e, nitems(e));
}

/* A kernel sender's chain: each mbuf is one record already. */
static void
test_a_chain_from_the_kernel_becomes_its_mbufs_as_records(void **state)
{
	const struct expected e[] = { { 23, 5000 }, { 23, 300 } };
	struct kiovec iov[2] = { { pay, 5000 }, { pay + 5000, 300 } };
	struct uio uio;
	struct mbuf *top;

	start(&tls_suites[3]);
	uio_init(&uio, &iov[0], 1);
	top =
	    m_uiotombuf(sp.sp_vnet->v_mb, &uio, M_WAITOK, 5000, 16384, M_EXTPG);
	uio_init(&uio, &iov[1], 1);
	top->m_next =
	    m_uiotombuf(sp.sp_vnet->v_mb, &uio, M_WAITOK, 300, 16384, M_EXTPG);
	assert_int_equal(sosend_chain(so, top, NULL, 0), 0);
	expect_records(e, nitems(e));
}

/* It is atomic: no room for all of it, nothing is taken and it is freed. */
static void
test_a_chain_without_room_is_refused_and_freed(void **state)
{
	struct kiovec iov = { pay, 9000 };
	struct uio uio;

	start(&tls_suites[3]);
	so->so_snd.sb_hiwat = 8000;
	uio_init(&uio, &iov, 1);
	assert_int_equal(sosend_chain(so,
			     m_uiotombuf(sp.sp_vnet->v_mb, &uio, M_WAITOK, 9000,
				 16384, M_EXTPG),
			     NULL, 0),
	    EMSGSIZE);
	assert_int_equal(sbused(&so->so_snd), 0);
}

static struct mbuf *
chain(size_t len, int flags)
{
	struct kiovec iov = { pay, len };
	struct uio uio;

	uio_init(&uio, &iov, 1);
	return (m_uiotombuf(sp.sp_vnet->v_mb, &uio, M_WAITOK, (int)len, 16384,
	    flags));
}

static struct mbuf *
message(int type, int level, uint8_t byte, int size)
{
	return (sbcreatecontrol(sp.sp_vnet->v_mb, &byte, size, type, level,
	    M_WAITOK));
}

/* Whatever the answer, chain and control message are gone: teardown looks. */
static void
test_a_chain_is_refused_for_all_that_a_write_is(void **state)
{
	struct mbuf *c;

	for (int tls = 0; tls < 2; tls++) {
		int ext = tls ? M_EXTPG : 0;

		if (tls)
			start(&tls_suites[0]);
		so->so_snd.sb_hiwat = 5000;
		assert_int_equal(sosend_chain(so, chain(100, ext), NULL,
				     KMSG_EOR),
		    EINVAL);
		so->so_error = EBADMSG;
		assert_int_equal(sosend_chain(so, chain(100, ext), NULL, 0),
		    EBADMSG);
		so->so_state &= (uint16_t)~SS_ISCONNECTED;
		assert_int_equal(sosend_chain(so, chain(100, ext), NULL, 0),
		    ENOTCONN);
		so->so_state |= SS_ISCONNECTED;
		so->so_snd.sb_state |= SBS_CANTSENDMORE;
		assert_int_equal(sosend_chain(so, chain(100, ext), NULL, 0),
		    EPIPE);
		so->so_snd.sb_state &= (uint16_t)~SBS_CANTSENDMORE;
		peer->so_rcv.sb_hiwat = 1;
		assert_int_equal(sosend_chain(so, chain(4000, ext), NULL, 0),
		    0);
		assert_int_equal(sosend_chain(so, chain(4000, ext), NULL, 0),
		    EWOULDBLOCK);
		c = message(TLS_GET_RECORD, KIPPROTO_TCP, 21, 1);
		assert_int_equal(sosend_chain(so, chain(10, ext), c, 0),
		    EINVAL);
		peer->so_rcv.sb_hiwat = 65536;
		drain();
	}
	assert_int_equal(sosend_chain(so, chain(0, M_EXTPG), NULL, 0), EINVAL);
	assert_int_equal(so->so_snd.sb_tls_seqno, 1001);
}

static void
test_a_chain_may_have_a_type(void **state)
{
	const struct expected e[] = { { 21, 2 }, { 23, 8 } };

	start(&tls_suites[0]);
	assert_int_equal(sosend_chain(so, chain(2, M_EXTPG),
			     message(TLS_SET_RECORD_TYPE, KIPPROTO_TCP, 21, 1),
			     0),
	    0);
	assert_int_equal(tb_write(so, pay + 2, 8, -1, NULL), 0);
	expect_records(e, nitems(e));
}

/* Kernel senders are trusted to cut: what they may not give is a panic. */
static void
test_a_chain_that_is_no_records_is_a_panic(void **state)
{
	struct mbuf *m;

	start(&tls_suites[0]);
	m = chain(100, 0);
	EXPECT_PANIC(sosend_chain(so, m, NULL, 0), "not a fresh M_EXTPG");
	m_freem(m);
	ktls_free(so->so_snd.sb_tls_info); /* what the call held */
	so->so_snd.sb_tls_info->params.max_frame_len = 8192;
	m = chain(8193, M_EXTPG);
	EXPECT_PANIC(sosend_chain(so, m, NULL, 0), "8193 bytes");
	m_freem(m);
	ktls_free(so->so_snd.sb_tls_info);
	m = chain(0, M_EXTPG);
	m->m_next = chain(10, M_EXTPG);
	EXPECT_PANIC(sosend_chain(so, m, NULL, 0), "an empty record");
	m_freem(m);
	ktls_free(so->so_snd.sb_tls_info);
}

/* The type of the message decides; its level is not looked at. */
static void
test_the_level_of_a_record_type_does_not_matter_its_byte_does(void **state)
{
	const struct expected e[] = { { 42, 3 } };
	struct kiovec iov = { pay, 3 };
	struct uio uio;

	start(&tls_suites[0]);
	uio_init(&uio, &iov, 1);
	assert_int_equal(sosend(so, &uio,
			     message(TLS_SET_RECORD_TYPE, 12345, 42, 0), 0),
	    EINVAL);
	assert_int_equal(sosend(so, &uio,
			     message(TLS_GET_RECORD, KIPPROTO_TCP, 42, 1), 0),
	    EINVAL);
	iov = (struct kiovec) { pay, 3 };
	uio_init(&uio, &iov, 1);
	assert_int_equal(sosend(so, &uio,
			     message(TLS_SET_RECORD_TYPE, 12345, 42, 1), 0),
	    0);
	/* What was refused took no number. */
	expect_records(e, nitems(e));
}

static int
getopt_int(int name)
{
	int val = -1;
	struct sockopt sopt = { .sopt_level = KSOL_SOCKET,
		.sopt_name = name,
		.sopt_val = &val,
		.sopt_valsize = sizeof(val) };

	assert_int_equal(sogetopt(so, &sopt), 0);
	assert_int_equal(sopt.sopt_valsize, sizeof(val));
	return (val);
}

static void
test_options_tell_what_was_set_and_the_error_once(void **state)
{
	int val = 30000;
	struct sockopt sopt = { .sopt_level = KSOL_SOCKET,
		.sopt_name = KSO_SNDBUF,
		.sopt_val = &val,
		.sopt_valsize = sizeof(val) };

	assert_int_equal(sosetopt(so, &sopt), 0);
	assert_int_equal(getopt_int(KSO_SNDBUF), 30000);
	val = 5000;
	sopt.sopt_name = KSO_SNDLOWAT;
	assert_int_equal(sosetopt(so, &sopt), 0);
	assert_int_equal(getopt_int(KSO_SNDLOWAT), 5000);
	val = 0;
	sopt.sopt_name = KSO_RCVBUF;
	assert_int_equal(sosetopt(so, &sopt), EINVAL);
	sopt.sopt_name = 0x7777;
	assert_int_equal(sosetopt(so, &sopt), ENOPROTOOPT);
	soerror_set(so, ECONNRESET);
	assert_int_equal(getopt_int(KSO_ERROR), ECONNRESET);
	assert_int_equal(getopt_int(KSO_ERROR), 0);
}

static void
test_writable_means_room_for_the_low_water_mark(void **state)
{
	start(&tls_suites[3]);
	so->so_snd.sb_hiwat = 4000;
	so->so_snd.sb_lowat = 1000;
	assert_true(sowriteable(so));
	so->so_snd.sb_lowat = 4001;
	assert_false(sowriteable(so));
	soerror_set(so, EIO);
	assert_true(sowriteable(so)); /* a write would not wait */
	(void)so_geterror(so);
	socantsendmore(so);
	assert_true(sowriteable(so));
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_write_is_cut_into_full_records_and_one_short_one),
		T(test_maxlen_makes_records_shorter),
		T(test_a_typed_write_gives_all_its_records_the_type_and_reverts),
		T(test_cbc_padding_is_right_for_every_length),
		T(test_typed_writes_are_all_or_nothing),
		T(test_a_partial_write_says_exactly_how_much_it_took),
		T(test_empty_writes_are_einval_with_a_session_and_nothing_without),
		T(test_empty_writes_are_records_of_tls10),
		T(test_a_record_type_without_a_session_is_einval),
		T(test_states_and_errors_refuse_a_write),
		T(test_eor_on_a_stream_is_einval),
		T(test_bytes_written_before_enabling_stay_plain_in_front),
		T(test_a_chain_from_the_kernel_becomes_its_mbufs_as_records),
		T(test_a_chain_without_room_is_refused_and_freed),
		T(test_a_chain_is_refused_for_all_that_a_write_is),
		T(test_a_chain_may_have_a_type),
		T(test_a_chain_that_is_no_records_is_a_panic),
		T(test_the_level_of_a_record_type_does_not_matter_its_byte_does),
		T(test_options_tell_what_was_set_and_the_error_once),
		T(test_writable_means_room_for_the_low_water_mark),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
