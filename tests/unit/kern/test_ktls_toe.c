/* TOE mode in the kernel: who is asked first, what a refusal leads to, and in
 * which order a reader gets what software and what the card decrypted. */
#include "rxbench.h"

static int
mode(int dir)
{
	int m = -1;

	assert_int_equal(dir == KTLS_TX ? ktls_get_tx_mode(so, &m)
					: ktls_get_rx_mode(so, &m),
	    0);
	return (m);
}

static void
enable(int error)
{
	struct tls_enable en = tb_enable(&tls_suites[0], 41);

	sp.sp_toe = true;
	sp.sp_toe_error = error;
	suite = &tls_suites[0];
	seqno = 41;
	assert_int_equal(ktls_enable_tx(so, &en), 0);
	assert_int_equal(ktls_enable_rx(so, &en), 0);
}

static void
test_the_card_that_has_the_connection_is_asked_first(void **state)
{
	struct ktls_stats *st = ktls_stats(sp.sp_vnet);

	enable(0);
	assert_int_equal(mode(KTLS_TX), TCP_TLS_MODE_TOE);
	assert_int_equal(mode(KTLS_RX), TCP_TLS_MODE_TOE);
	assert_int_equal(st->mode_cipher[TCP_TLS_MODE_TOE]
					[tls_suites[0].cipher],
	    2);
	assert_int_equal(st->mode_cipher[TCP_TLS_MODE_SW][tls_suites[0].cipher],
	    0);
}

static void
test_what_it_refuses_software_does(void **state)
{
	static const int errors[] = { EPROTONOSUPPORT, ENOSPC, EAGAIN, ENOMEM,
		EOPNOTSUPP, EINVAL };

	for (unsigned i = 0; i < nitems(errors); i++) {
		enable(errors[i]);
		assert_int_equal(mode(KTLS_TX), TCP_TLS_MODE_SW);
		assert_int_equal(mode(KTLS_RX), TCP_TLS_MODE_SW);
		teardown(NULL);
		setup(NULL);
	}
}

static struct mbuf *
plain(const char *text)
{
	return (tb_chain(sp.sp_vnet, (const uint8_t *)text, strlen(text),
	    strlen(text)));
}

static void
card_record(const char *text)
{
	struct tls_get_record tgr = { .tls_type = TLS_RLTYPE_APP,
		.tls_vmajor = 3,
		.tls_vminor = 3,
		.tls_length = { 0, (uint8_t)strlen(text) } };

	ktls_toe_record(so, 1, &tgr, *text != '\0' ? plain(text) : NULL);
	SBCHECK(&so->so_rcv);
}

static int
next(char *buf, size_t size)
{
	struct kiovec iov = { buf, size - 1 };
	struct uio uio;
	int error;

	uio_init(&uio, &iov, 1);
	error = soreceive(so, &uio, NULL, NULL);
	buf[uio.uio_offset] = '\0';
	return (error);
}

static void
test_the_cards_records_come_behind_softwares(void **state)
{
	char buf[1000];
	size_t len;

	enable(0);
	len = seal(TLS_RLTYPE_APP, 300, 0);
	feed(rec, len, len); /* the host had it already */
	card_record("second");
	ktls_toe_record_bad(so, 1, EBADMSG, false);
	card_record("fourth");
	assert_int_equal(next(buf, sizeof(buf)), EWOULDBLOCK);
	sockpair_run(&sp);
	assert_int_equal(next(buf, sizeof(buf)), 0);
	assert_memory_equal(buf, pay, 300);
	assert_int_equal(next(buf, sizeof(buf)), 0);
	assert_string_equal(buf, "second");
	assert_int_equal(next(buf, sizeof(buf)), EBADMSG);
	assert_int_equal(next(buf, sizeof(buf)), 0);
	assert_string_equal(buf, "fourth");
	/* Nothing is left to software: they are there at once. */
	card_record("fifth");
	assert_int_equal(next(buf, sizeof(buf)), 0);
	assert_string_equal(buf, "fifth");
	assert_int_equal(ktls_stats(sp.sp_vnet)->failed_crypto, 1);
}

static void
test_records_that_nobody_read_go_with_the_session(void **state)
{
	size_t len;

	enable(0);
	len = seal(TLS_RLTYPE_APP, 300, 0);
	feed(rec, len - 1, len); /* software waits for its last byte */
	sockpair_run(&sp);
	card_record("never");
	card_record("");
}

static void
test_a_card_that_cannot_after_all(void **state)
{
	struct ktls_stats *st = ktls_stats(sp.sp_vnet);

	enable(0);
	ktls_toe_rx_failed(so, EIO);
	assert_int_equal(mode(KTLS_RX), TCP_TLS_MODE_SW);
	assert_int_equal(mode(KTLS_TX), TCP_TLS_MODE_TOE);
	assert_int_equal(st->mode_cipher[TCP_TLS_MODE_SW][tls_suites[0].cipher],
	    1);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_the_card_that_has_the_connection_is_asked_first),
		T(test_what_it_refuses_software_does),
		T(test_the_cards_records_come_behind_softwares),
		T(test_records_that_nobody_read_go_with_the_session),
		T(test_a_card_that_cannot_after_all),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
