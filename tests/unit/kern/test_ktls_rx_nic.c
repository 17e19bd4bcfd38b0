/*
 * Receiving beside a card that decrypts (freebsd-ktls.md 4.2 to 4.6): no such
 * card exists here, so the tests mark mbufs by hand.
 */
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/in_pcb.h>

#include "rxbench.h"

static uint8_t wire[REFTLS_MAX + 600], clear[REFTLS_MAX + 600];
static size_t reclen;

/* The next record as it is on the wire, and as a card hands it up. */
static void
make(uint8_t type, size_t len, size_t pad)
{
	bool v13 = suite->vminor == 4;

	reclen = seal(type, len, pad);
	seqno++;
	memcpy(wire, rec, reclen);
	memcpy(clear, rec, reclen);
	memcpy(clear + suite->hlen, pay, len);
	if (v13) {
		clear[suite->hlen + len] = type;
		memset(clear + suite->hlen + len + 1, 0, pad);
	}
}

/* A packet of these bytes; the card decrypted all of it, or none. */
static void
packet(const uint8_t *p, size_t len, bool decrypted)
{
	struct mbuf *m = m_getjcl(sp.sp_vnet->v_mb, M_WAITOK, MT_DATA, M_PKTHDR,
	    MJUM16BYTES);

	memcpy(m->m_data, p, len);
	m->m_len = m->m_pkthdr.len = (int32_t)len;
	m->m_flags |= M_RDONLY;
	m->m_pkthdr.csum_flags = decrypted
	    ? CSUM_TLS_DECRYPTED
	    : CSUM_L5_CALC | CSUM_L5_VALID; /* looked at and left alone */
	sbappendstream(&so->so_rcv, m, 0);
	SBCHECK(&so->so_rcv);
}

/* The record in packets of `piece` bytes; mask says which are decrypted. */
static void
packets(size_t piece, unsigned mask)
{
	size_t n;

	for (size_t at = 0, i = 0; at < reclen; at += n, i++) {
		bool dec = (mask >> i & 1) != 0;

		n = MIN(piece, reclen - at);
		packet((dec ? clear : wire) + at, n, dec);
	}
	sockpair_run(&sp);
}

static const struct tls_suite *
gcm(unsigned i)
{
	static const char *const names[] = { "aes128-gcm-1.2", "aes256-gcm-1.2",
		"aes128-gcm-1.3", "aes256-gcm-1.3" };

	return (tls_suite_byname(names[i]));
}

#define FOR_GCM(i)                                                    \
	for (unsigned i = 0; i < 4; i++, teardown(NULL), setup(NULL)) \
		if (start(gcm(i)), 1)

static void
test_what_the_card_did_is_only_stripped(void **state)
{
	const struct ktls_stats *st;

	FOR_GCM(i)
	{
		st = ktls_stats(sp.sp_vnet);
		make(TLS_RLTYPE_APP, 3000, 0);
		clear[reclen - 1] ^= 1; /* its verdict is the card's */
		packets(1448, ~0u);
		expect_record(TLS_RLTYPE_APP, 3000);
		make(TLS_RLTYPE_ALERT, 2, suite->vminor == 4 ? 40 : 0);
		packets(1448, ~0u);
		expect_record(TLS_RLTYPE_ALERT, 2);
		make(TLS_RLTYPE_APP, 0, 0);
		packets(1448, ~0u);
		expect_record(TLS_RLTYPE_APP, 0);
		assert_int_equal(st->records_rx, 3);
		assert_int_equal(st->ocf_dec[suite->vminor == 4]
					    [TLS_CIPHER_GCM],
		    0);
		assert_int_equal(st->sw_bytes_rx, 0);
	}
}

static void
test_a_record_half_done_by_the_card_is_made_again_and_verified(void **state)
{
	const struct ktls_stats *st;
	unsigned n;

	FOR_GCM(i)
	{
		st = ktls_stats(sp.sp_vnet);
		n = 0;
		for (unsigned mask = 1; mask < 15; mask++, n++) {
			make(TLS_RLTYPE_APP, 3100, 0);
			packets((reclen + 3) / 4, mask);
			expect_record(TLS_RLTYPE_APP, 3100);
		}
		/* Pieces that end within header and tag. */
		for (size_t piece = 3; piece < 12; piece += 4, n++) {
			make(TLS_RLTYPE_APP, 40, 0);
			packets(piece, 0x5555);
			expect_record(TLS_RLTYPE_APP, 40);
		}
		assert_int_equal(st->ocf_recrypts[suite->vminor == 4], n);
		assert_int_equal(st->ocf_dec[suite->vminor == 4]
					    [TLS_CIPHER_GCM],
		    n);
	}
}

static void
test_what_the_card_did_wrong_in_a_half_done_record_is_ebadmsg(void **state)
{
	FOR_GCM(i)
	{
		make(TLS_RLTYPE_APP, 3100, 0);
		clear[100] ^= 1;
		packets(1000, 1);
		expect_error(EBADMSG);
		make(TLS_RLTYPE_APP, 10, 0);
		packets(1000, 0);
		expect_record(TLS_RLTYPE_APP, 10);
	}
}

/* No card is given such a session; if one claims it all the same: */
static void
test_suites_that_cannot_be_made_again_take_nothing_from_a_card(void **state)
{
	static const char *const names[] = { "chacha20-poly1305-1.3",
		"aes128-cbc-sha1-1.2" };

	for (unsigned i = 0; i < nitems(names); i++) {
		start(tls_suite_byname(names[i]));
		make(TLS_RLTYPE_APP, 1000, 0);
		packets(500, 1);
		expect_error(EBADMSG);
		good(TLS_RLTYPE_APP, 5, 100);
		sockpair_run(&sp);
		expect_record(TLS_RLTYPE_APP, 5);
		teardown(NULL);
		setup(NULL);
	}
}

static unsigned
raw_mbufs(void)
{
	unsigned n = 0;

	for (struct mbuf *m = so->so_rcv.sb_mtls; m != NULL; m = m->m_next)
		n++;
	return (n);
}

static void
small(const uint8_t *p, size_t len, bool decrypted)
{
	struct mbuf *m =
	    m_getjcl(sp.sp_vnet->v_mb, M_WAITOK, MT_DATA, M_PKTHDR, MCLBYTES);

	memcpy(m->m_data, p, len);
	m->m_len = m->m_pkthdr.len = (int32_t)len;
	m->m_pkthdr.csum_flags = decrypted ? CSUM_TLS_DECRYPTED : 0;
	sbappendstream(&so->so_rcv, m, 0);
	SBCHECK(&so->so_rcv);
}

static void
test_small_pieces_merge_with_their_own_kind_only(void **state)
{
	start(gcm(0));
	make(TLS_RLTYPE_APP, 3000, 0);
	small(wire, 500, false);
	small(wire + 500, 512, false);
	assert_int_equal(raw_mbufs(), 1);
	small(wire + 1012, 513, false); /* worth an mbuf of its own */
	assert_int_equal(raw_mbufs(), 2);
	small(clear + 1525, 100, true);
	assert_int_equal(raw_mbufs(), 3);
	small(clear + 1625, 100, true);
	assert_int_equal(raw_mbufs(), 3);
	small(wire + 1725, 100, false);
	assert_int_equal(raw_mbufs(), 4);
	assert_int_equal(so->so_rcv.sb_tlscc, 1825);
	packet(wire + 1825, reclen - 1825, false);
	assert_int_equal(raw_mbufs(), 5);
	sockpair_run(&sp);
	expect_record(TLS_RLTYPE_APP, 3000);
}

/* --- telling the card --- */

static struct if_snd_tag_modify_tls_rx told;
static unsigned ntold;

static int
fake_modify(struct m_snd_tag *mst, const void *params)
{
	memcpy(&told, params, sizeof(told));
	ntold++;
	return (0);
}

static const struct if_snd_tag_sw fake_sw = { .snd_tag_modify = fake_modify,
	.type = IF_SND_TAG_TYPE_TLS_RX };
static struct m_snd_tag fake_tag;

static void
with_tag(void)
{
	fake_tag = (struct m_snd_tag) { .sw = &fake_sw, .refcount = 1 };
	so->so_rcv.sb_tls_info->snd_tag = &fake_tag;
	ntold = 0;
	sp.sp_rcv_nxt = 5000;
}

static void
expect_told(unsigned n, uint32_t tcp_sn, uint32_t len, uint64_t num)
{
	assert_int_equal(ntold, n);
	assert_int_equal(told.tcp_sn, tcp_sn);
	assert_int_equal(told.tls_rec_length, len);
	assert_int_equal(told.tls_seq_number, num);
}

static bool
resyncing(void)
{
	return ((so->so_rcv.sb_flags & SB_TLS_RX_RESYNC) != 0);
}

static void
test_the_card_is_told_of_each_record_until_it_is_in_step(void **state)
{
	uint32_t at = 5000;

	start(gcm(2));
	with_tag();
	make(TLS_RLTYPE_APP, 300, 0);
	sp.sp_rcv_nxt += reclen;
	packets(200, 0);
	expect_told(1, at, (uint32_t)reclen, 41);
	assert_true(resyncing());
	at += (uint32_t)reclen;
	make(TLS_RLTYPE_APP, 200, 0);
	sp.sp_rcv_nxt += reclen;
	packets(100, 2); /* the second of three pieces is the card's */
	expect_told(2, at, (uint32_t)reclen, 42);
	assert_true(resyncing());
	at += (uint32_t)reclen;
	make(TLS_RLTYPE_APP, 100, 0);
	sp.sp_rcv_nxt += reclen;
	packets(100, ~0u);
	expect_told(3, at + (uint32_t)reclen, 0, 43);
	assert_false(resyncing());
	make(TLS_RLTYPE_APP, 100, 0);
	sp.sp_rcv_nxt += reclen;
	packets(100, ~0u);
	assert_int_equal(ntold, 3); /* it knows */
	for (int i = 0; i < 4; i++) {
		int t, flags = 0;
		size_t got;

		assert_int_equal(tb_read(so, out, sizeof(out), &got, &t,
				     &flags),
		    0);
	}
}

/* What is queued behind a record does not move its place. */
static void
test_the_place_told_is_the_headers_whatever_came_behind(void **state)
{
	size_t first;

	start(gcm(1));
	with_tag();
	make(TLS_RLTYPE_APP, 300, 0);
	first = reclen;
	packet(wire, reclen, false);
	make(TLS_RLTYPE_APP, 300, 0);
	packet(wire, 70, false);
	sp.sp_rcv_nxt += first + 70;
	sockpair_run(&sp);
	expect_told(1, 5000, (uint32_t)first, 41);
}

static void
test_without_a_tag_nobody_is_told(void **state)
{
	start(gcm(0));
	make(TLS_RLTYPE_APP, 300, 0);
	packets(200, 0);
	assert_true(resyncing());
	make(TLS_RLTYPE_APP, 300, 0);
	packets(200, ~0u);
	assert_false(resyncing());
}

static void
test_a_bad_record_tells_nothing(void **state)
{
	start(gcm(0));
	with_tag();
	make(TLS_RLTYPE_APP, 300, 0);
	wire[50] ^= 1;
	packets(200, 0);
	expect_error(EBADMSG);
	assert_int_equal(ntold, 0);
	assert_false(resyncing());
}

static void
test_a_driver_may_ask_where_the_next_record_is(void **state)
{
	struct inpcb *inp = inp_of_socket(so);
	uint32_t tcpseq;
	uint64_t num;

	start(gcm(0));
	sp.sp_rcv_nxt = 7000;
	assert_int_equal(ktls_get_rx_sequence(inp, &tcpseq, &num), 0);
	assert_int_equal(tcpseq, 7000);
	assert_int_equal(num, 41);
	make(TLS_RLTYPE_APP, 300, 0);
	packet(wire, 70, false);
	sp.sp_rcv_nxt += 70;
	assert_int_equal(ktls_get_rx_sequence(inp, &tcpseq, &num), 0);
	assert_int_equal(tcpseq, 7000);
	assert_int_equal(num, 41);
	sp.sp_dropped = true;
	assert_int_equal(ktls_get_rx_sequence(inp, &tcpseq, &num), ECONNRESET);
	sp.sp_dropped = false;
	inp->inp_socket = NULL;
	assert_int_equal(ktls_get_rx_sequence(inp, &tcpseq, &num), EINVAL);
	inp->inp_socket = so;
}

static void
expect_pending(bool ok, uint64_t num, uint32_t resid)
{
	uint64_t n = 0;
	uint32_t r = 99;

	assert_int_equal(ktls_pending_rx_info(&so->so_rcv, &n, &r), ok);
	assert_int_equal(r, resid);
	if (ok)
		assert_int_equal(n, num);
}

static void
test_a_driver_may_ask_what_the_last_record_lacks(void **state)
{
	size_t first;

	start(gcm(0));
	expect_pending(true, 41, 0);
	make(TLS_RLTYPE_APP, 300, 0);
	first = reclen;
	packet(wire, 4, false);
	expect_pending(false, 0, 0);
	packet(wire + 4, 1, false);
	expect_pending(true, 42, (uint32_t)reclen - 5);
	packet(wire + 5, reclen - 5, false); /* the worker has not run */
	expect_pending(true, 42, 0);
	make(TLS_RLTYPE_APP, 500, 0);
	packet(wire, 100, false);
	expect_pending(true, 43, (uint32_t)reclen - 100);
	assert_int_equal(so->so_rcv.sb_tlscc, first + 100);
	sockpair_run(&sp);
	expect_pending(true, 43, (uint32_t)reclen - 100);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_what_the_card_did_is_only_stripped),
		T(test_a_record_half_done_by_the_card_is_made_again_and_verified),
		T(test_what_the_card_did_wrong_in_a_half_done_record_is_ebadmsg),
		T(test_suites_that_cannot_be_made_again_take_nothing_from_a_card),
		T(test_small_pieces_merge_with_their_own_kind_only),
		T(test_the_card_is_told_of_each_record_until_it_is_in_step),
		T(test_the_place_told_is_the_headers_whatever_came_behind),
		T(test_without_a_tag_nobody_is_told),
		T(test_a_bad_record_tells_nothing),
		T(test_a_driver_may_ask_where_the_next_record_is),
		T(test_a_driver_may_ask_what_the_last_record_lacks),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
