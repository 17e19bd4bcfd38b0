/* Software receive: freebsd-ktls.md 1.7 and 4, records made by libcrypto. */
#include "rxbench.h"

/* --- good records --- */

static void
cut_anyhow(void)
{
	static const size_t lens[] = { 0, 1, 15, 1000, 4096, 16384 };
	static const size_t pieces[] = { 1, 3, 100, 1448, MCLBYTES };

	for (unsigned i = 0; i < nitems(lens); i++)
		for (unsigned k = 0; k < nitems(pieces); k++) {
			if (lens[i] > 4096 && pieces[k] < 100)
				continue;
			good(TLS_RLTYPE_APP, lens[i], pieces[k]);
			assert_int_equal(sbavail(&so->so_rcv), 0);
			sockpair_run(&sp);
			expect_record(TLS_RLTYPE_APP, lens[i]);
			expect_error(EWOULDBLOCK);
		}
}

static void
test_records_cut_into_any_mbufs_arrive_whole(void **state)
{
	all_suites(cut_anyhow);
}

static void
types_and_many(void)
{
	good(TLS_RLTYPE_APP, 100, 50);
	good(TLS_RLTYPE_ALERT, 2, 50);
	good(TLS_RLTYPE_HANDSHAKE, 300, 50);
	good(TLS_RLTYPE_APP, 7, 1);
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 100);
	expect_record(TLS_RLTYPE_ALERT, 2);
	expect_record(TLS_RLTYPE_HANDSHAKE, 300);
	expect_record(TLS_RLTYPE_APP, 7);
	assert_int_equal(ktls_stats(sp.sp_vnet)->records_rx, 4);
	assert_int_equal(ktls_stats(sp.sp_vnet)->sw_bytes_rx, 409);
}

static void
test_each_record_keeps_its_type_and_its_end(void **state)
{
	all_suites(types_and_many);
}

/* Two records and a half, whatever the border between calls. */
static void
test_bytes_may_come_in_any_portions(void **state)
{
	static uint8_t stream[3000];
	size_t n = 0, a;

	start(tls_suite_byname("aes256-gcm-1.3"));
	for (int i = 0; i < 3; i++) {
		a = seal(TLS_RLTYPE_APP, 500, 0);
		seqno++;
		memcpy(stream + n, rec, a);
		n += a;
	}
	for (size_t at = 0; at < n; at += a) {
		a = MIN(n - at, 1 + at % 97);
		feed(stream + at, a, 64);
		sockpair_run(&sp);
	}
	for (int i = 0; i < 3; i++)
		expect_record(TLS_RLTYPE_APP, 500);
}

static void
test_padding_of_tls13_is_stripped(void **state)
{
	start(tls_suite_byname("aes128-gcm-1.3"));
	for (size_t pad = 0; pad < 400; pad += 133) {
		size_t n = seal(TLS_RLTYPE_APP, 50, pad);

		seqno++;
		feed(rec, n, 70);
		sockpair_run(&sp);
		expect_record(TLS_RLTYPE_APP, 50);
	}
}

/* --- reading --- */

static void
test_a_short_buffer_gets_the_control_message_once_and_eor_at_the_end(
    void **state)
{
	int t, flags;
	size_t got, at;

	start(&tls_suites[0]);
	good(TLS_RLTYPE_APP, 1000, 400);
	sockpair_run(&sp);
	for (at = 0; at < 1000; at += got) {
		flags = 0;
		assert_int_equal(tb_read(so, out + at, 300, &got, &t, &flags),
		    0);
		assert_int_equal(got, MIN(300, 1000 - at));
		assert_int_equal(t,
		    at == 0 ? TB_REC(TLS_RLTYPE_APP, 1000) : -1);
		assert_int_equal(flags & KMSG_EOR,
		    at + got == 1000 ? KMSG_EOR : 0);
		SBCHECK(&so->so_rcv);
	}
	assert_memory_equal(out, pay, 1000);
}

static void
test_peeking_takes_nothing(void **state)
{
	int t, flags;
	size_t got;

	start(&tls_suites[3]);
	good(TLS_RLTYPE_ALERT, 2, 10);
	good(TLS_RLTYPE_APP, 20, 10);
	sockpair_run(&sp);
	for (int i = 0; i < 3; i++) {
		flags = KMSG_PEEK;
		assert_int_equal(tb_read(so, out, 1, &got, &t, &flags), 0);
		assert_int_equal(t, TB_REC(TLS_RLTYPE_ALERT, 2));
		assert_int_equal(got, 1);
	}
	flags = KMSG_TLSAPPDATA;
	assert_int_equal(tb_read(so, out, 100, &got, &t, &flags), ENXIO);
	expect_record(TLS_RLTYPE_ALERT, 2);
	expect_record(TLS_RLTYPE_APP, 20);
}

static void
test_one_read_never_crosses_a_record(void **state)
{
	int t, flags = KMSG_WAITALL;
	size_t got;

	start(&tls_suites[1]);
	good(TLS_RLTYPE_APP, 10, 10);
	good(TLS_RLTYPE_APP, 20, 10);
	sockpair_run(&sp);
	assert_int_equal(tb_read(so, out, 30, &got, &t, &flags), 0);
	assert_int_equal(got, 10);
	expect_record(TLS_RLTYPE_APP, 20);
}

/* --- bad records --- */

static void
bad_tag(void)
{
	size_t n = seal(TLS_RLTYPE_APP, 100, 0);

	seqno++;
	rec[n - 1] ^= 1;
	feed(rec, n, 37);
	sockpair_run(&sp);
	expect_error(EBADMSG);
	expect_error(EWOULDBLOCK); /* told once */
	assert_true(so->so_state & SS_ISCONNECTED);
	good(TLS_RLTYPE_APP, 60, 37); /* its number was used up */
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 60);
	assert_int_equal(ktls_stats(sp.sp_vnet)->failed_crypto, 1);
}

static void
test_a_bad_tag_costs_one_record_and_its_number(void **state)
{
	all_suites(bad_tag);
}

/* 10.3 of freebsd-ktls.md: padding, MAC, IV, length. */
static void
cbc_wrongs(void)
{
	size_t n, at, len;

	for (len = 0; len <= 33; len++)
		good(TLS_RLTYPE_APP, len, 37);
	sockpair_run(&sp);
	for (len = 0; len <= 33; len++)
		expect_record(TLS_RLTYPE_APP, len);
	for (size_t pad = 16; pad <= 240; pad += 16) {
		n = seal(TLS_RLTYPE_APP, 16, pad);
		seqno++;
		feed(rec, n, 100);
		sockpair_run(&sp);
		expect_record(TLS_RLTYPE_APP, 16);
	}
	/* Every byte behind the 5 of the header matters. */
	n = seal(TLS_RLTYPE_APP, 40, 16);
	for (at = 5; at < n; at++) {
		(void)seal(TLS_RLTYPE_APP, 40, 16);
		seqno++;
		rec[at] ^= 1;
		feed(rec, n, 64);
		sockpair_run(&sp);
		expect_error(EBADMSG);
	}
	/* One byte more than whole blocks. */
	n = seal(TLS_RLTYPE_APP, 40, 0);
	seqno++;
	be16enc(rec + 3, (uint16_t)(n + 1 - 5));
	feed(rec, n + 1, 64);
	sockpair_run(&sp);
	expect_error(EMSGSIZE);
	/* Whole blocks, but no room for a MAC. */
	n = (size_t)suite->hlen + suite->tag_len / 16 * 16;
	seqno++;
	be16enc(rec + 3, (uint16_t)(n - 5));
	feed(rec, n, 64);
	sockpair_run(&sp);
	expect_error(EMSGSIZE);
	assert_true(so->so_state & SS_ISCONNECTED);
	good(TLS_RLTYPE_APP, 1, 37);
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 1);
	assert_int_equal(ktls_stats(sp.sp_vnet)->ocf_dec[1][TLS_CIPHER_CBC],
	    ktls_stats(sp.sp_vnet)->records_rx);
}

static void
test_cbc_takes_any_padding_and_refuses_every_flipped_byte(void **state)
{
	suites(cbc_wrongs, true);
}

/* The explicit IV is cut off: less than a header drops the connection. */
static void
cbc_short_header(void)
{
	memset(rec, 0, 40);
	rec[0] = 23;
	rec[1] = 3;
	rec[2] = wire_minor();
	be16enc(rec + 3, 6);
	feed(rec, 11, 4);
	sockpair_run(&sp);
	expect_error(EMSGSIZE);
	assert_true(so->so_state & SS_ISDISCONNECTED);
}

static void
test_cbc_record_without_room_for_its_iv_drops_with_emsgsize(void **state)
{
	suites(cbc_short_header, true);
}

static void
test_inner_plaintext_of_zeros_only_is_ebadmsg(void **state)
{
	static const uint8_t zeros[300];
	size_t n;

	start(tls_suite_byname("chacha20-poly1305-1.3"));
	for (size_t len = 1; len <= 300; len += 299) {
		n = reftls_seal13_raw(suite, tb_key, tb_iv, seqno++, zeros, len,
		    rec);
		feed(rec, n, 100);
		sockpair_run(&sp);
		expect_error(EBADMSG);
		assert_int_equal(so->so_rcv.sb_ccc, 0);
	}
	good(TLS_RLTYPE_APP, 5, 100);
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 5);
}

static void
bad_version(void)
{
	size_t n = seal(TLS_RLTYPE_APP, 100, 0);

	rec[2]++;
	feed(rec, n, 1000);
	sockpair_run(&sp);
	assert_true(so->so_state & SS_ISDISCONNECTED);
	expect_error(EINVAL);
	expect_error(0); /* then end of file, for ever */
	expect_error(0);
	assert_int_equal(ktls_stats(sp.sp_vnet)->corrupted_records, 1);
	assert_int_equal(so->so_rcv.sb_ccc, 0);
}

static void
test_a_wrong_version_drops_the_connection_with_einval(void **state)
{
	all_suites(bad_version);
}

static void
test_an_outer_type_that_is_not_23_drops_tls13(void **state)
{
	size_t n;

	start(tls_suite_byname("aes128-gcm-1.3"));
	n = seal(TLS_RLTYPE_APP, 10, 0);
	rec[0] = TLS_RLTYPE_HANDSHAKE;
	feed(rec, n, 1000);
	sockpair_run(&sp);
	expect_error(EINVAL);
	assert_true(so->so_state & SS_ISDISCONNECTED);
}

static void
oversize(void)
{
	uint32_t most = (uint32_t)suite->hlen + 16384 + suite->tlen;
	static uint8_t big[20000];

	memset(big, 0, sizeof(big));
	big[0] = 23;
	big[1] = 3;
	big[2] = wire_minor();
	be16enc(big + 3, (uint16_t)(most + 1 - 5));
	feed(big, most + 1, MCLBYTES);
	sockpair_run(&sp);
	expect_error(EMSGSIZE);
	assert_true(so->so_state & SS_ISDISCONNECTED);
}

static void
test_a_record_longer_than_any_may_be_drops_with_emsgsize(void **state)
{
	all_suites(oversize);
}

/* Long enough for the header, too short for the tag: only this record. */
static void
runt(void)
{
	uint32_t least = (uint32_t)suite->hlen + suite->tlen;

	if (tb_cbc(suite)) /* header, IV, one padded MAC */
		least = suite->hlen + (suite->tag_len + 16u) / 16 * 16;

	memset(rec, 0, sizeof(rec));
	rec[0] = 23;
	rec[1] = 3;
	rec[2] = wire_minor();
	be16enc(rec + 3, (uint16_t)(least - 1 - 5));
	feed(rec, least - 1, 4);
	seqno++;
	sockpair_run(&sp);
	expect_error(EMSGSIZE);
	assert_true(so->so_state & SS_ISCONNECTED);
	good(TLS_RLTYPE_APP, 0, 100);
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 0);
}

static void
test_a_record_too_short_for_its_tag_is_emsgsize_and_the_next_good(void **state)
{
	all_suites(runt);
}

static void
half_and_eof(void)
{
	size_t n = seal(TLS_RLTYPE_APP, 100, 0);

	feed(rec, n - 1, 30);
	sockpair_run(&sp);
	expect_error(EWOULDBLOCK);
	assert_false(soreadable(so));
	socantrcvmore(so);
	sockpair_run(&sp);
	assert_true(soreadable(so));
	expect_error(EMSGSIZE);
	expect_error(0);
}

static void
test_end_of_file_in_mid_record_is_emsgsize(void **state)
{
	all_suites(half_and_eof);
}

static void
test_end_of_file_in_mid_header_is_emsgsize(void **state)
{
	start(&tls_suites[0]);
	(void)seal(TLS_RLTYPE_APP, 100, 0);
	feed(rec, 3, 1);
	socantrcvmore(so);
	sockpair_run(&sp);
	expect_error(EMSGSIZE);
	expect_error(0);
}

static void
test_end_of_file_behind_whole_records_is_plain(void **state)
{
	start(&tls_suites[0]);
	good(TLS_RLTYPE_APP, 10, 1);
	socantrcvmore(so);
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 10);
	expect_error(0);
}

/* --- beginnings and ends --- */

static void
test_bytes_that_came_before_enabling_are_records_too(void **state)
{
	size_t n;

	suite = &tls_suites[4];
	seqno = 41;
	n = seal(TLS_RLTYPE_APP, 700, 0);
	sbappendstream(&so->so_rcv, tb_chain(sp.sp_vnet, rec, n, 100), 0);
	assert_int_equal(sbavail(&so->so_rcv), n);
	start(suite);
	assert_int_equal(sbavail(&so->so_rcv), 0);
	assert_int_equal(sbused(&so->so_rcv), n);
	seqno++;
	good(TLS_RLTYPE_APP, 3, 100);
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 700);
	expect_record(TLS_RLTYPE_APP, 3);
}

static void
test_a_flush_while_the_worker_decrypts_loses_only_that_record(void **state)
{
	simtime_t now;

	start(&tls_suites[2]);
	good(TLS_RLTYPE_APP, 5000, 1000);
	now = engine_timebase(sp.sp_engine)->tb_now;
	while (so->so_rcv.sb_tlsdcc == 0)
		assert_true(engine_step(sp.sp_engine, now + SIM_SEC));
	SBCHECK(&so->so_rcv);
	sbflush(&so->so_rcv);
	SBCHECK(&so->so_rcv);
	assert_int_equal(so->so_rcv.sb_ccc, 0);
	sockpair_run(&sp);
	assert_true(ktls_idle(sp.sp_vnet));
	assert_int_equal(so->so_rcv.sb_ccc, 0);
	good(TLS_RLTYPE_APP, 10, 1000);
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 10);
}

static void
test_claimed_ciphertext_takes_window(void **state)
{
	long space;

	start(&tls_suites[0]);
	space = sbspace(&so->so_rcv);
	(void)seal(TLS_RLTYPE_APP, 1000, 0);
	feed(rec, 500, 500);
	assert_int_equal(sbspace(&so->so_rcv), space - 500);
	assert_int_equal(so->so_rcv.sb_tlscc, 500);
	assert_int_equal(sbavail(&so->so_rcv), 0);
}

/* Random streams, random portions, random readers; now and then a bad tag. */
static void
test_random_streams_arrive_exactly(void **state)
{
	struct prng r;
	int t, flags;
	size_t got, n;

	prng_init(&r, 3, "test_ktls_rx");
	start(&tls_suites[prng_below(&r, tls_nsuites)]);
	for (int i = 0; i < 400; i++) {
		size_t len = (size_t)prng_below(&r,
		    prng_below(&r, 9) == 0 ? 16385 : 900);
		bool bad = prng_below(&r, 10) == 0;

		n = seal(TLS_RLTYPE_APP, len,
		    suite->vminor == 4 && len < 16000 ? prng_below(&r, 300)
						      : 0);
		seqno++;
		if (bad)
			rec[5 + prng_below(&r, n - 5)] ^= 0x40;
		for (size_t at = 0; at < n; at += got) {
			got = 1 + prng_below(&r, 3000);
			got = MIN(got, n - at);
			feed(rec + at, got, 1 + prng_below(&r, 2000));
			if (prng_below(&r, 2) == 0)
				sockpair_run(&sp);
		}
		sockpair_run(&sp);
		if (bad) {
			expect_error(EBADMSG);
			continue;
		}
		flags = 0;
		for (size_t at = 0; at < len || at == 0; at += got) {
			assert_int_equal(tb_read(so, out + at,
					     1 + prng_below(&r, 4000), &got, &t,
					     &flags),
			    0);
			assert_int_equal(t >= 0, at == 0);
			if (len == 0)
				break;
		}
		assert_memory_equal(out, pay, len);
	}
	assert_int_equal(so->so_rcv.sb_ccc, 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_records_cut_into_any_mbufs_arrive_whole),
		T(test_each_record_keeps_its_type_and_its_end),
		T(test_bytes_may_come_in_any_portions),
		T(test_padding_of_tls13_is_stripped),
		T(test_a_short_buffer_gets_the_control_message_once_and_eor_at_the_end),
		T(test_peeking_takes_nothing),
		T(test_one_read_never_crosses_a_record),
		T(test_a_bad_tag_costs_one_record_and_its_number),
		T(test_cbc_takes_any_padding_and_refuses_every_flipped_byte),
		T(test_cbc_record_without_room_for_its_iv_drops_with_emsgsize),
		T(test_inner_plaintext_of_zeros_only_is_ebadmsg),
		T(test_a_wrong_version_drops_the_connection_with_einval),
		T(test_an_outer_type_that_is_not_23_drops_tls13),
		T(test_a_record_longer_than_any_may_be_drops_with_emsgsize),
		T(test_a_record_too_short_for_its_tag_is_emsgsize_and_the_next_good),
		T(test_end_of_file_in_mid_record_is_emsgsize),
		T(test_end_of_file_in_mid_header_is_emsgsize),
		T(test_end_of_file_behind_whole_records_is_plain),
		T(test_bytes_that_came_before_enabling_are_records_too),
		T(test_a_flush_while_the_worker_decrypts_loses_only_that_record),
		T(test_claimed_ciphertext_takes_window),
		T(test_random_streams_arrive_exactly),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
