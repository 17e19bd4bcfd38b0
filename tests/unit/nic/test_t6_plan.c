/* The T6's decision table (nic-models.md 5.10) and sizes (5.6, 5.8), as pure
 * functions. */
#include "support/ktest.h"

#include <ktsim/base/kassert.h>

#include "t6_plan.h"

/* A full record of TLS 1.2 AES-GCM, and of AES-CBC with SHA-1. */
#define GCM(o, e)                                                            \
	(struct t6_ask)                                                      \
	{                                                                    \
		.a_off = (o), .a_end = (e), .a_hlen = 13, .a_paylen = 16384, \
		.a_tlen = 16                                                 \
	}
#define CBC(o, e)                                                        \
	(struct t6_ask)                                                  \
	{                                                                \
		.a_cbc = true, .a_off = (o), .a_end = (e), .a_hlen = 21, \
		.a_paylen = 16384, .a_tlen = 32                          \
	}
#define END	16413
#define CBC_END 16437

static struct t6_plan
plan(struct t6_ask a)
{
	struct t6_plan pl;

	t6_plan(&a, &pl);
	return (pl);
}

static void
expect(struct t6_ask a, enum t6_kind kind, uint32_t start, uint32_t tlen,
    uint32_t tx_max, uint32_t dma, uint32_t dmalen, uint32_t waste)
{
	struct t6_plan pl = plan(a);

	assert_int_equal(pl.pl_kind, kind);
	assert_int_equal(pl.pl_start, start);
	assert_int_equal(pl.pl_tlen, tlen);
	assert_int_equal(pl.pl_tx_max, tx_max);
	assert_int_equal(pl.pl_dma, dma);
	assert_int_equal(pl.pl_dmalen, dmalen);
	assert_int_equal(pl.pl_waste, waste);
	assert_int_equal(pl.pl_octets, tlen > a.a_off ? tlen - a.a_off : 0);
}

static void
test_a_range_that_reaches_the_end_is_the_whole_record(void **state)
{
	expect(GCM(0, END), T6_FULL, 0, END, 0, 0, 16384, 0);
	expect(GCM(5, END), T6_FULL, 0, END, 5, 0, 16384, 5);
	expect(GCM(8688, END), T6_FULL, 0, END, 8688, 0, 16384, 8688);
	/* From inside the trailer: the trailer goes again as a whole. */
	expect(GCM(16400, END), T6_FULL, 0, END, 16397, 0, 16384, 16400);
	/* CBC: a block goes again as a whole. */
	expect(CBC(21 + 37, CBC_END), T6_FULL, 0, CBC_END, 21 + 32, 0, 16384,
	    58);
	expect(CBC(16437 - 1, CBC_END), T6_FULL, 0, CBC_END, 16405, 0, 16384,
	    16436);
}

static void
test_a_range_that_ends_in_the_payload_is_short(void **state)
{
	expect(GCM(0, 1448), T6_SHORT, 0, 1448, 0, 0, 1435, 0);
	/* 1448 - 13 = 1435 = 16 * 89 + 11 */
	expect(GCM(1448, 2896), T6_SHORT, 1437, 2896, 1448, 1424, 1459, 11);
	expect(GCM(13, 14), T6_SHORT, 13, 14, 13, 0, 1, 0);
	expect(GCM(13 + 15, 100), T6_SHORT, 13, 100, 28, 0, 87, 15);
	expect(GCM(13 + 16, 100), T6_SHORT, 29, 100, 29, 16, 71, 0);
	/* From inside the header: with the header. */
	expect(GCM(7, 14), T6_SHORT, 0, 14, 7, 0, 1, 0);
	/* CBC: from the record's beginning, whole blocks. */
	expect(CBC(0, 1448), T6_SHORT, 0, 21 + 1424, 0, 0, 1424, 0);
	expect(CBC(1448, 2896), T6_SHORT, 0, 21 + 2864, 21 + 1424, 0, 2864,
	    1448);
}

static void
test_no_part_of_a_trailer_is_ever_sent(void **state)
{
	for (uint32_t e = 16397; e < END; e++)
		expect(GCM(16384, e), T6_SHORT, 13 + 16368, 16397, 16384, 16368,
		    16, 3);
	for (uint32_t o = 16397; o < END; o++)
		for (uint32_t e = o + 1; e < END; e++)
			assert_int_equal(plan(GCM(o, e)).pl_kind, T6_NOTHING);
	assert_int_equal(plan(CBC(21 + 33, 21 + 47)).pl_kind, T6_NOTHING);
	assert_int_equal(plan(CBC(21 + 1, 21 + 15)).pl_kind, T6_NOTHING);
	assert_int_equal(plan(CBC(21 + 1, 21 + 16)).pl_kind, T6_SHORT);
}

static void
test_a_range_within_the_header_goes_in_the_clear(void **state)
{
	for (uint32_t o = 0; o < 13; o++)
		for (uint32_t e = o + 1; e <= 13; e++)
			expect(GCM(o, e), T6_HEADER, o, e, o, 0, 0, 0);
	/* CBC: what remains of the range when it is rounded down. */
	expect(CBC(4, 21 + 15), T6_HEADER, 4, 21, 4, 0, 0, 0);
}

static void
test_who_repeats_a_range_of_which_nothing_can_be_sent_gets_the_bytes_before(
    void **state)
{
	struct t6_ask a = GCM(16400, 16402);

	a.a_asked = 16401;
	assert_int_equal(plan(a).pl_kind, T6_NOTHING);
	a.a_asked = 16402;
	expect(a, T6_SHORT, 13 + 16368, 16397, 13 + 16368, 16368, 16, 16);
	a = CBC(21 + 33, 21 + 40);
	a.a_asked = 21 + 47;
	expect(a, T6_SHORT, 0, 21 + 32, 21 + 16, 0, 32, 54);
	a = CBC(21 + 3, 21 + 9);
	a.a_asked = 21 + 9;
	expect(a, T6_HEADER, 0, 21, 21, 0, 0, 0);
	/* Others are not changed by it. */
	a = GCM(1448, 2896);
	a.a_asked = END;
	expect(a, T6_SHORT, 1437, 2896, 1448, 1424, 1459, 11);
}

static void
test_who_repeats_it_and_has_asked_for_more_before_gets_what_is_needed(
    void **state)
{
	struct t6_ask a = GCM(16400, 16402);

	a.a_asked = END;
	expect(a, T6_FULL, 0, END, 16397, 0, 16384, 16400);
	a = CBC(21 + 33, 21 + 40);
	a.a_asked = 21 + 48;
	expect(a, T6_SHORT, 0, 21 + 48, 21 + 32, 0, 48, 54);
	/* The last block before the trailer is all of it. */
	a = CBC(16405 + 3, 16405 + 5);
	a.a_asked = CBC_END - 1;
	assert_int_equal(plan(a).pl_kind, T6_SHORT);
	a.a_asked = CBC_END;
	expect(a, T6_FULL, 0, CBC_END, 16405, 0, 16384, 16408);
}

/* --- sizes --- */

static void
test_work_requests_have_the_sizes_of_the_sheet(void **state)
{
	static const struct {
		const char *suite;
		bool inline_key;
		uint32_t base, full, part, full_desc, part_desc;
	} rows[] = {
		{ "aes128-gcm-1.2", false, 96, 168, 184, 3, 3 },
		{ "aes256-gcm-1.2", false, 96, 168, 184, 3, 3 },
		{ "aes128-gcm-1.2", true, 128, 200, 216, 4, 4 },
		{ "aes256-gcm-1.2", true, 144, 216, 232, 4, 4 },
		{ "aes128-cbc-sha1-1.2", true, 176, 264, 280, 5, 5 },
		{ "aes256-cbc-sha384-1.2", true, 256, 344, 360, 6, 6 },
	};

	for (unsigned i = 0; i < nitems(rows); i++) {
		const struct tls_suite *s = tls_suite_byname(rows[i].suite);
		uint32_t key = rows[i].inline_key ? t6_keyctx_len(s) : 0;

		assert_int_equal(t6_tls_wr_len(T6_FULL, 0, key, 0),
		    rows[i].base);
		assert_int_equal(t6_tls_wr_len(T6_FULL, s->hlen, key, 4),
		    rows[i].full);
		assert_int_equal(t6_tls_wr_len(T6_SHORT, s->hlen, key, 4),
		    rows[i].part);
		assert_int_equal(nic_blocks(rows[i].full), rows[i].full_desc);
		assert_int_equal(nic_blocks(rows[i].part), rows[i].part_desc);
	}
	/* The edge: 17 segments still go, 18 do not. */
	assert_int_equal(t6_tls_wr_len(T6_SHORT, 21, 176, 16), 504);
	assert_int_equal(t6_tls_wr_len(T6_SHORT, 21, 176, 17), T6_WR_MAX);
	assert_true(t6_tls_wr_len(T6_SHORT, 21, 176, 18) > T6_WR_MAX);
}

static void
test_key_contexts_have_the_sizes_of_the_sheet(void **state)
{
	static const struct {
		const char *suite;
		uint32_t len;
	} rows[] = { { "aes128-gcm-1.2", 48 }, { "aes256-gcm-1.2", 64 },
		{ "aes128-cbc-sha1-1.2", 96 }, { "aes256-cbc-sha256-1.2", 112 },
		{ "aes256-cbc-sha384-1.2", 176 } };

	for (unsigned i = 0; i < nitems(rows); i++)
		assert_int_equal(t6_keyctx_len(tls_suite_byname(rows[i].suite)),
		    rows[i].len);
}

/* --- writes to the control block --- */

static void
writes(const struct t6_shadow *sh, const struct t6_now *now, uint32_t tx_max,
    uint32_t off, const enum t6_tcb_field *want, unsigned nwant)
{
	struct t6_write w[T6_WRITES_MAX];
	unsigned n = t6_tcb_writes(sh, now, tx_max, off, w);

	assert_int_equal(n, nwant);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(w[i].w_field, want[i]);
}
#define WRITES(sh, now, tx_max, off, ...)                   \
	writes(&(sh), &(now), tx_max, off,                  \
	    (enum t6_tcb_field[]) { __VA_ARGS__ },          \
	    sizeof((enum t6_tcb_field[]) { __VA_ARGS__ }) / \
		sizeof(enum t6_tcb_field))

static void
test_only_fields_that_changed_are_written(void **state)
{
	struct t6_shadow sh = { 0 };
	struct t6_now now = { .n_ack = 7,
		.n_win = 9,
		.n_tsecr = 3,
		.n_timestamps = true };

	WRITES(sh, now, 1000, 0, TCB_T_RTSEQ_RECENT, TCB_TX_MAX,
	    TCB_SND_UNA_RAW, TCB_RCV_NXT, TCB_RCV_WND);
	sh = (struct t6_shadow) { .sh_seq = 1000,
		.sh_ack = 7,
		.sh_win = 9,
		.sh_tsecr = 3 };
	writes(&sh, &now, 1000, 0, NULL, 0);
	WRITES(sh, now, 1000, 5, TCB_SND_UNA_RAW);
	WRITES(sh, now, 999, 0, TCB_TX_MAX, TCB_SND_UNA_RAW);
	now.n_l2t = 1;
	WRITES(sh, now, 1000, 0, TCB_L2T_IX);
	now.n_l2t = 0;
	now.n_tsecr = 4;
	WRITES(sh, now, 1000, 0, TCB_T_RTSEQ_RECENT);
	now.n_timestamps = false;
	writes(&sh, &now, 1000, 0, NULL, 0);
	now.n_ack = 8;
	WRITES(sh, now, 1000, 0, TCB_RCV_NXT);
	now.n_ack = 7;
	now.n_win = 10;
	WRITES(sh, now, 1000, 0, TCB_RCV_WND);
	/* The first one writes TX_MAX also where it would be 0. */
	sh = (struct t6_shadow) { 0 };
	now = (struct t6_now) { 0 };
	WRITES(sh, now, 0, 0, TCB_TX_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_range_that_reaches_the_end_is_the_whole_record),
		cmocka_unit_test(
		    test_a_range_that_ends_in_the_payload_is_short),
		cmocka_unit_test(test_no_part_of_a_trailer_is_ever_sent),
		cmocka_unit_test(
		    test_a_range_within_the_header_goes_in_the_clear),
		cmocka_unit_test(
		    test_who_repeats_a_range_of_which_nothing_can_be_sent_gets_the_bytes_before),
		cmocka_unit_test(
		    test_who_repeats_it_and_has_asked_for_more_before_gets_what_is_needed),
		cmocka_unit_test(
		    test_work_requests_have_the_sizes_of_the_sheet),
		cmocka_unit_test(test_key_contexts_have_the_sizes_of_the_sheet),
		cmocka_unit_test(test_only_fields_that_changed_are_written),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
