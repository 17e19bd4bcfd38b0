/* T6 TOE: TLS on the card's connections, both directions, and each refusal. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/uio.h>

#include "t6_drv.h"
#include "toebench.h"

static struct toeb ob;
static const struct tls_suite *gcm;
static uint8_t big[120000];

static const struct tls_suite *
suite_of(int cipher, int vminor)
{
	for (unsigned i = 0; i < tls_nsuites; i++)
		if ((int)tls_suites[i].cipher == cipher &&
		    tls_suites[i].vminor == vminor)
			return (&tls_suites[i]);
	fail_msg("no such suite");
	return (NULL);
}

static int
setup(void **state)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 11 + i / 253);
	gcm = suite_of(TLS_CIPHER_GCM, TLS_MINOR_VER_TWO);
	ob_init(&ob, "", false);
	return (0);
}

static int
teardown(void **state)
{
	ob_close(&ob);
	ob_fini(&ob);
	return (0);
}

static int
mode_of(int dir)
{
	int mode = -1;

	assert_int_equal(dir == KTLS_TX ? ktls_get_tx_mode(ob.so[SRV], &mode)
					: ktls_get_rx_mode(ob.so[SRV], &mode),
	    0);
	return (mode);
}

static int
enable(int host, int dir, const struct tls_suite *s, uint64_t seqno)
{
	struct tls_enable en = ob_enable(s, seqno);

	return (dir == KTLS_TX ? ktls_enable_tx(ob.so[host], &en)
			       : ktls_enable_rx(ob.so[host], &en));
}

/* One read: its record type; the errno as a negative number. */
static int
read_record(void *buf, size_t size, size_t *len)
{
	struct mbuf *control = NULL;
	struct kiovec iov = { buf, size };
	struct tls_get_record tgr;
	struct uio uio;
	int error = EWOULDBLOCK, type = 0;

	for (int i = 0; i < 200 && error == EWOULDBLOCK; i++) {
		uio_init(&uio, &iov, 1);
		error = soreceive(ob.so[SRV], &uio, &control, NULL);
		if (error == EWOULDBLOCK)
			ob_run(&ob, SIM_MS);
	}
	*len = uio.uio_offset;
	if (control != NULL) {
		memcpy(&tgr, control->m_data + sizeof(struct kcmsghdr),
		    sizeof(tgr));
		assert_int_equal(be16dec(tgr.tls_length), *len);
		type = tgr.tls_type;
		m_freem(control);
	}
	return (error != 0 ? -error : type);
}

static void
record_is(uint8_t type, const void *pay, size_t len)
{
	static uint8_t buf[20000];
	size_t got;

	assert_int_equal(read_record(buf, sizeof(buf), &got), type);
	assert_int_equal(got, len);
	assert_memory_equal(buf, pay, len);
}

static void
record_fails(int error)
{
	uint8_t buf[100];
	size_t got;

	assert_int_equal(read_record(buf, sizeof(buf), &got), -error);
}

/* --- transmit --- */

static void
send_records(const struct tls_suite *s)
{
	ob_pair(&ob);
	assert_int_equal(enable(SRV, KTLS_TX, s, 3), 0);
	assert_int_equal(enable(CLI, KTLS_RX, s, 3), 0);
	assert_int_equal(mode_of(KTLS_TX), TCP_TLS_MODE_TOE);
	ob_write(ob.so[SRV], big, 20000);
	ob_write(ob.so[SRV], big, 1);
	ob_read(&ob, ob.so[CLI], big, 20000);
	ob_read(&ob, ob.so[CLI], big, 1);
	ob_run(&ob, SIM_MS);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.tx_toe_tls_records"), 3);
	assert_int_equal(tcp_stats(ob.h[SRV].v)->sndtotal, 0);
}

static void
test_the_card_encrypts_AES_GCM(void **state)
{
	send_records(gcm);
	assert_int_equal(ob_sysctl(&ob, SRV, "kern.ipc.tls.toe.gcm"), 1);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.tx_toe_tls_octets"),
	    20001 + 3 * (gcm->hlen + gcm->tlen));
}

static void
test_the_card_encrypts_AES_CBC(void **state)
{
	send_records(suite_of(TLS_CIPHER_CBC, TLS_MINOR_VER_TWO));
	assert_int_equal(ob_sysctl(&ob, SRV, "kern.ipc.tls.toe.cbc"), 1);
	teardown(NULL);
	setup(NULL);
	send_records(suite_of(TLS_CIPHER_CBC, TLS_MINOR_VER_ONE));
}

static void
test_lost_records_are_sent_again_by_the_card(void **state)
{
	ob.lose = 13;
	ob_pair(&ob);
	assert_int_equal(enable(SRV, KTLS_TX, gcm, 0), 0);
	assert_int_equal(enable(CLI, KTLS_RX, gcm, 0), 0);
	for (int i = 0; i < 4; i++) {
		ob_write(ob.so[SRV], big, 30000);
		ob_read(&ob, ob.so[CLI], big, 30000);
	}
	assert_true(ob.lost > 3);
	/* Encrypted once, whatever was lost. */
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.tx_toe_tls_records"), 8);
	assert_true(
	    ob_sysctl(&ob, SRV, "dev.cc.0.toe.tcp_retrans_segs") >= ob.lost);
}

static void
test_bytes_before_the_session_stay_plain(void **state)
{
	ob_pair(&ob);
	ob_write(ob.so[SRV], "hello", 5);
	assert_int_equal(enable(SRV, KTLS_TX, gcm, 0), 0);
	ob_write(ob.so[SRV], "secret", 6);
	ob_read(&ob, ob.so[CLI], "hello", 5);
	assert_int_equal(enable(CLI, KTLS_RX, gcm, 0), 0);
	ob_read(&ob, ob.so[CLI], "secret", 6);
}

static void
test_back_to_software_in_mid_stream(void **state)
{
	ob_pair(&ob);
	assert_int_equal(enable(SRV, KTLS_TX, gcm, 0), 0);
	assert_int_equal(enable(CLI, KTLS_RX, gcm, 0), 0);
	ob_write(ob.so[SRV], big, 20000);
	assert_int_equal(ktls_set_tx_mode(ob.so[SRV], TCP_TLS_MODE_SW), 0);
	ob_write(ob.so[SRV], big, 20000);
	assert_int_equal(mode_of(KTLS_TX), TCP_TLS_MODE_SW);
	ob_read(&ob, ob.so[CLI], big, 20000);
	ob_read(&ob, ob.so[CLI], big, 20000);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.tx_toe_tls_records"), 2);
}

static void
test_a_close_waits_for_software_encryption(void **state)
{
	ob_pair(&ob);
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_KEYS, 0), 0);
	assert_int_equal(enable(SRV, KTLS_TX, gcm, 0), 0);
	assert_int_equal(enable(CLI, KTLS_RX, gcm, 0), 0);
	ob_write(ob.so[SRV], big, 20000);
	soclose(ob.so[SRV]);
	ob.so[SRV] = NULL;
	ob_read(&ob, ob.so[CLI], big, 20000);
	assert_int_equal(so_geterror(ob.so[CLI]), 0);
}

/* --- refusals --- */

static void
test_without_a_place_for_the_key_software_does_it(void **state)
{
	ob_pair(&ob);
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_KEYS, 0), 0);
	assert_int_equal(enable(SRV, KTLS_TX, gcm, 0), 0);
	assert_int_equal(enable(SRV, KTLS_RX, gcm, 0), 0);
	assert_int_equal(mode_of(KTLS_TX), TCP_TLS_MODE_SW);
	assert_int_equal(mode_of(KTLS_RX), TCP_TLS_MODE_SW);
	assert_int_equal(enable(CLI, KTLS_TX, gcm, 0), 0);
	assert_int_equal(enable(CLI, KTLS_RX, gcm, 0), 0);
	ob_write(ob.so[SRV], big, 30000);
	ob_read(&ob, ob.so[CLI], big, 30000);
	ob_write(ob.so[CLI], big, 30000);
	ob_read(&ob, ob.so[SRV], big, 30000);
}

/* What the driver answers to a session of its own. */
static int
ask(const struct tls_suite *s, int dir)
{
	struct tls_enable en = ob_enable(s, 0);
	struct tcpcb *tp = sototcpcb(ob.so[SRV]);
	uint8_t key[32] = { 0 }, auth[64] = { 0 };
	struct ktls_session tls = {
		.params = { .suite = s,
		    .cipher_key = key,
		    .cipher_key_len = (uint16_t)en.cipher_key_len,
		    .iv_len = s->iv_len,
		    .auth_key = auth,
		    .auth_key_len = (uint16_t)en.auth_key_len }
	};

	return (tp->tod->tod_alloc_tls_session(tp->tod, tp, &tls, dir));
}

static void
test_versions_and_ciphers_that_it_does_not_know(void **state)
{
	ob_pair(&ob);
	assert_int_equal(ask(suite_of(TLS_CIPHER_GCM, TLS_MINOR_VER_THREE),
			     KTLS_TX),
	    EPROTONOSUPPORT);
	assert_int_equal(ask(suite_of(TLS_CIPHER_CHACHA20, TLS_MINOR_VER_TWO),
			     KTLS_TX),
	    EPROTONOSUPPORT);
	assert_int_equal(ask(suite_of(TLS_CIPHER_CBC, TLS_MINOR_VER_ZERO),
			     KTLS_RX),
	    EPROTONOSUPPORT);
}

static void
test_a_keys_place_is_taken_until_the_key_is_written(void **state)
{
	struct socket *so[2];

	ob_pair(&ob);
	so[CLI] = ob_connect(&ob, CLI, SRV);
	so[SRV] = ob_accept(&ob);
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_KEYS, 1), 0);
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_STALL, SIM_SEC), 0);
	assert_int_equal(ask(gcm, KTLS_TX), 0);
	soabort(ob.so[SRV]);
	ob.so[SRV] = so[SRV];
	/* It is gone, but the write of its key is on its way. */
	assert_int_equal(ask(gcm, KTLS_RX), ENOSPC);
	ob_run(&ob, 2 * SIM_SEC);
	assert_int_equal(ask(gcm, KTLS_RX), 0);
	soclose(so[CLI]);
}

static void
test_errnos_of_the_driver(void **state)
{
	const struct nic *n = ob.h[SRV].n;

	ob_pair(&ob);
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_KEYS, 0), 0);
	assert_int_equal(ask(gcm, KTLS_TX), ENOSPC);
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_KEYS, 1), 0);
	/* No descriptors: the queues are stuck and full of packets. */
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_STALL, SIM_SEC), 0);
	for (unsigned i = 0; i < n->n_drv->d_nsend; i++) {
		uint8_t nop[NIC_BLOCK] = { FW_TP_WR, 0, 0, 0, 4 };

		while (nic_txq_room(&n->n_drv->d_txqs[i]) > 0)
			nic_txq_post(&n->n_drv->d_txqs[i], nop, NIC_BLOCK, NULL,
			    0, NULL);
		nic_txq_ring(&n->n_drv->d_txqs[i]);
	}
	assert_int_equal(ask(gcm, KTLS_TX), EAGAIN);
	ob_run(&ob, 2 * SIM_SEC);
	assert_int_equal(ask(gcm, KTLS_TX), 0);
	assert_int_equal(ask(gcm, KTLS_TX), EOPNOTSUPP);
	/* The one place is taken. */
	assert_int_equal(ask(gcm, KTLS_RX), ENOSPC);
}

/* --- receive --- */

static uint32_t
rec(uint8_t *out, uint64_t seqno, uint8_t type, const void *p, uint32_t len)
{
	return (ob_record(gcm, seqno, type, p, len, out));
}

static void
test_the_card_decrypts_and_tells_types(void **state)
{
	ob_pair(&ob);
	assert_int_equal(enable(SRV, KTLS_RX, gcm, 9), 0);
	assert_int_equal(enable(CLI, KTLS_TX, gcm, 9), 0);
	ob_run(&ob, SIM_MS);
	assert_int_equal(mode_of(KTLS_RX), TCP_TLS_MODE_TOE);
	ob_write(ob.so[CLI], big, 40000);
	record_is(TLS_RLTYPE_APP, big, 16384);
	record_is(TLS_RLTYPE_APP, big + 16384, 16384);
	record_is(TLS_RLTYPE_APP, big + 32768, 7232);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.rx_toe_tls_records"), 3);
	assert_int_equal(ob_sysctl(&ob, SRV, "kern.ipc.tls.toe.gcm"), 1);
	assert_int_equal(ob_sysctl(&ob, SRV,
			     "kern.ipc.tls.stats.ocf.tls12_gcm_decrypts"),
	    0);
}

static void
receive_cbc(int vminor)
{
	const struct tls_suite *s = suite_of(TLS_CIPHER_CBC, vminor);
	uint8_t wire[1000];

	ob_pair(&ob);
	assert_int_equal(enable(SRV, KTLS_RX, s, 0), 0);
	ob_run(&ob, SIM_MS);
	ob_write(ob.so[CLI], wire,
	    ob_record(s, 0, TLS_RLTYPE_HANDSHAKE, "hi", 2, wire));
	ob_write(ob.so[CLI], wire,
	    ob_record(s, 1, TLS_RLTYPE_APP, big, 700, wire));
	record_is(TLS_RLTYPE_HANDSHAKE, "hi", 2);
	record_is(TLS_RLTYPE_APP, big, 700);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.rx_toe_tls_records"), 2);
}

static void
test_the_card_decrypts_AES_CBC(void **state)
{
	receive_cbc(TLS_MINOR_VER_TWO);
	teardown(NULL);
	setup(NULL);
	receive_cbc(TLS_MINOR_VER_ONE);
}

/*
 * The host has `had` bytes of the stream when TLS is enabled: wherever that
 * ends, no record is lost, and from the next boundary on the card has them.
 */
static void
receive_from(uint32_t had, unsigned by_card)
{
	uint8_t wire[4096];
	uint32_t len = 0;

	len += rec(wire + len, 0, TLS_RLTYPE_HANDSHAKE, "first", 5);
	len += rec(wire + len, 1, TLS_RLTYPE_APP, big, 1000);
	len += rec(wire + len, 2, TLS_RLTYPE_ALERT, "\1\0", 2);
	ob_pair(&ob);
	ob_write(ob.so[CLI], wire, had);
	ob_run(&ob, 10 * SIM_MS);
	assert_int_equal(enable(SRV, KTLS_RX, gcm, 0), 0);
	ob_run(&ob, 5 * SIM_MS);
	ob_write(ob.so[CLI], wire + had, len - had);
	record_is(TLS_RLTYPE_HANDSHAKE, "first", 5);
	record_is(TLS_RLTYPE_APP, big, 1000);
	record_is(TLS_RLTYPE_ALERT, "\1\0", 2);
	assert_int_equal(mode_of(KTLS_RX), TCP_TLS_MODE_TOE);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.rx_toe_tls_records"),
	    by_card);
	teardown(NULL);
	setup(NULL);
}

static void
test_receive_begins_at_a_records_boundary(void **state)
{
	uint32_t first = gcm->hlen + 5u + gcm->tlen;

	receive_from(0, 3);
	receive_from(1, 2); /* in the first header: byte by byte */
	receive_from(4, 2);
	receive_from(5, 2);
	receive_from(first - 1, 2);
	receive_from(first, 2);
	receive_from(first + 3, 1);
	receive_from(first + 500, 1);
}

static void
test_a_bad_tag_costs_one_record(void **state)
{
	uint8_t wire[2000];
	uint32_t len;

	ob_pair(&ob);
	assert_int_equal(enable(SRV, KTLS_RX, gcm, 0), 0);
	ob_run(&ob, SIM_MS);
	ob_write(ob.so[CLI], wire, rec(wire, 0, TLS_RLTYPE_APP, "one", 3));
	len = rec(wire, 1, TLS_RLTYPE_APP, "two", 3);
	wire[len - 1] ^= 1;
	ob_write(ob.so[CLI], wire, len);
	ob_write(ob.so[CLI], wire, rec(wire, 2, TLS_RLTYPE_APP, "three", 5));
	record_is(TLS_RLTYPE_APP, "one", 3);
	record_fails(EBADMSG);
	record_is(TLS_RLTYPE_APP, "three", 5);
	assert_int_equal(ktls_stats(ob.h[SRV].v)->failed_crypto, 1);
}

static void
test_a_record_too_short_costs_one_record(void **state)
{
	uint8_t wire[2000] = { TLS_RLTYPE_APP, 3, 3, 0, 10 };

	ob_pair(&ob);
	assert_int_equal(enable(SRV, KTLS_RX, gcm, 0), 0);
	ob_run(&ob, SIM_MS);
	ob_write(ob.so[CLI], wire, 15);
	ob_write(ob.so[CLI], wire, rec(wire, 1, TLS_RLTYPE_APP, "two", 3));
	record_fails(EMSGSIZE);
	record_is(TLS_RLTYPE_APP, "two", 3);
}

static void
header_ends_it(uint8_t major, uint16_t length, int error)
{
	uint8_t wire[1000] = { TLS_RLTYPE_APP, major, 3, (uint8_t)(length >> 8),
		(uint8_t)length };

	ob_pair(&ob);
	assert_int_equal(enable(SRV, KTLS_RX, gcm, 0), 0);
	ob_run(&ob, SIM_MS);
	ob_write(ob.so[CLI], wire, sizeof(wire));
	record_fails(error);
	ob_run(&ob, SIM_MS);
	assert_int_equal(so_geterror(ob.so[CLI]), ECONNRESET);
	assert_int_equal(ktls_stats(ob.h[SRV].v)->corrupted_records, 1);
	teardown(NULL);
	setup(NULL);
}

static void
test_a_bad_header_ends_the_connection(void **state)
{
	header_ends_it(2, 100, EINVAL);
	header_ends_it(3, 32768, EMSGSIZE);
}

static void
test_the_end_within_a_record(void **state)
{
	uint8_t wire[2000], b[10];
	size_t len;

	ob_pair(&ob);
	assert_int_equal(enable(SRV, KTLS_RX, gcm, 0), 0);
	ob_run(&ob, SIM_MS);
	(void)rec(wire, 0, TLS_RLTYPE_APP, big, 1000);
	ob_write(ob.so[CLI], wire, 500);
	soclose(ob.so[CLI]);
	ob.so[CLI] = NULL;
	record_fails(EMSGSIZE);
	assert_int_equal(read_record(b, sizeof(b), &len), 0);
	assert_int_equal(len, 0); /* and end of file */
}

static void
test_a_card_that_does_not_stop_leaves_it_to_software(void **state)
{
	ob_pair(&ob);
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_CMD_FAIL, 1), 0);
	assert_int_equal(enable(SRV, KTLS_RX, gcm, 0), 0);
	assert_int_equal(enable(CLI, KTLS_TX, gcm, 0), 0);
	assert_int_equal(mode_of(KTLS_RX), TCP_TLS_MODE_TOE);
	ob_run(&ob, SIM_MS);
	assert_int_equal(mode_of(KTLS_RX), TCP_TLS_MODE_SW);
	ob_write(ob.so[CLI], big, 20000);
	ob_read(&ob, ob.so[SRV], big, 20000);
}

static void
test_a_slow_reader_gets_every_record(void **state)
{
	struct uio uio;
	struct kiovec iov = { big, sizeof(big) };

	ob_pair(&ob);
	ob.so[SRV]->so_rcv.sb_flags &= (uint16_t)~SB_AUTOSIZE;
	assert_int_equal(enable(SRV, KTLS_RX, gcm, 0), 0);
	assert_int_equal(enable(CLI, KTLS_TX, gcm, 0), 0);
	uio_init(&uio, &iov, 1);
	for (int i = 0; i < 30; i++) {
		(void)sosend(ob.so[CLI], &uio, NULL, 0);
		ob_run(&ob, SIM_MS);
	}
	ob_read(&ob, ob.so[SRV], big, uio.uio_offset);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_the_card_encrypts_AES_GCM),
		T(test_the_card_encrypts_AES_CBC),
		T(test_lost_records_are_sent_again_by_the_card),
		T(test_bytes_before_the_session_stay_plain),
		T(test_back_to_software_in_mid_stream),
		T(test_a_close_waits_for_software_encryption),
		T(test_without_a_place_for_the_key_software_does_it),
		T(test_versions_and_ciphers_that_it_does_not_know),
		T(test_a_keys_place_is_taken_until_the_key_is_written),
		T(test_errnos_of_the_driver),
		T(test_the_card_decrypts_and_tells_types),
		T(test_the_card_decrypts_AES_CBC),
		T(test_receive_begins_at_a_records_boundary),
		T(test_a_bad_tag_costs_one_record),
		T(test_a_record_too_short_costs_one_record),
		T(test_a_bad_header_ends_the_connection),
		T(test_the_end_within_a_record),
		T(test_a_card_that_does_not_stop_leaves_it_to_software),
		T(test_a_slow_reader_gets_every_record),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
