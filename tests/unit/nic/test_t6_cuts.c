/*
 * The T6 against whole records by libcrypto: whatever piece of the stream it
 * is asked for, each byte on the wire is that of one encryption, and what it
 * leaves out is what the sheet says it must.
 */
#include "t6bench.h"

#include <stdlib.h>
#include <string.h>

#include <ktsim/netinet/tcp.h>

static const char *const suites[] = { "aes128-gcm-1.2", "aes256-gcm-1.2",
	"aes128-cbc-sha1-1.1", "aes256-cbc-sha1-1.1", "aes128-cbc-sha1-1.2",
	"aes256-cbc-sha1-1.2", "aes128-cbc-sha256-1.2", "aes256-cbc-sha256-1.2",
	"aes128-cbc-sha384-1.2", "aes256-cbc-sha384-1.2" };

static struct t6b tb;

/* Where the bytes on the wire end when [.., to) was asked for, written down
 * a second time. */
static uint32_t
wire_end(uint32_t to)
{
	const struct tls_suite *s = tb.t.tls.params.suite;
	uint32_t h = s->hlen, trail, end;
	unsigned i = 0;

	while (tb.at[i + 1] < to)
		i++;
	if (to == tb.at[i + 1])
		return (to);
	trail = tb.at[i + 1] - tb.recs[i]->m_epg.trllen;
	end = MIN(to, trail);
	if (s->cipher == TLS_CIPHER_CBC && end > tb.at[i] + h)
		end = tb.at[i] + h + (end - tb.at[i] - h) / 16 * 16;
	return (end);
}

static void
cut(uint32_t from, uint32_t to)
{
	uint32_t end = wire_end(to), asked = tb.asked;
	/* A block and a trailer go as a whole. */
	uint32_t back = tb.t.tls.params.tls_tlen + 15;

	tb_sent(&tb, from, to, NULL);
	/* Not a byte of it can be sent: at most what was asked for before. */
	if (end <= from) {
		assert_true(tb.hi <= MAX(from, asked));
		return;
	}
	/* All that was asked for and can be sent, nothing beyond. */
	assert_true(tb.lo <= from);
	assert_int_equal(tb.hi, end);
	/* Early bytes: less than a packet before what must go as a whole. */
	assert_true(from - tb.lo <= TB_MSS - 1 + back);
}

static void
every_cut(const char *suite, uint32_t paylen)
{
	tb_init(&tb, suite, "");
	tb_records(&tb, 1, paylen);
	tb_open(&tb);
	tb.b.port[0].log = false;
	for (uint32_t from = 0; from < tb.at[1]; from++)
		for (uint32_t to = from + 1; to <= tb.at[1]; to++)
			cut(from, to);
	tb_fini(&tb);
}

static void
test_every_cut_of_records_of_1_16_and_100_bytes_is_exact(void **state)
{
	for (unsigned i = 0; i < nitems(suites); i++) {
		every_cut(suites[i], 1);
		every_cut(suites[i], 16);
		every_cut(suites[i], 100);
	}
}

static void
test_every_cut_over_three_records_is_exact(void **state)
{
	for (unsigned i = 0; i < nitems(suites); i++) {
		tb_init(&tb, suites[i], "");
		tb_records(&tb, 1, 16);
		tb_records(&tb, 1, 1);
		tb_records(&tb, 1, 20);
		tb_open(&tb);
		tb.b.port[0].log = false;
		for (uint32_t from = 0; from < tb.at[2]; from++)
			for (uint32_t to = MAX(from, tb.at[1]) + 1;
			     to <= tb.at[3]; to++)
				cut(from, to);
		tb_fini(&tb);
	}
}

static void
test_every_start_and_every_end_of_a_segment_sized_record_is_exact(void **state)
{
	static const uint32_t some[] = { 1, 13, 14, 21, 22, 28, 37, 500, 1447,
		1448, 1449 };

	for (unsigned i = 0; i < nitems(suites); i++) {
		tb_init(&tb, suites[i], "");
		tb_records(&tb, 2, 1448);
		tb_open(&tb);
		tb.b.port[0].log = false;
		for (uint32_t from = 0; from < tb.at[1]; from++) {
			cut(from, tb.at[1]);
			for (unsigned k = 0; k < nitems(some); k++)
				cut(from, from + some[k]);
		}
		tb_fini(&tb);
	}
}

/* Cuts around a border, of all lengths that matter. */
static void
around(uint32_t border)
{
	static const uint32_t lens[] = { 1, 2, 16, 700, 1448, 2896, 20000,
		40000 };
	uint32_t from, to;

	for (int d = -18; d <= 18; d++)
		for (unsigned k = 0; k < nitems(lens); k++) {
			from = (uint32_t)MAX((int)border + d, 0);
			to = from + lens[k];
			if (to <= tb.at[tb.nrecs] && to - from < 65000)
				cut(from, to);
			if (from > lens[k] && from <= tb.at[tb.nrecs])
				cut(from - lens[k], from);
		}
}

static void
test_a_full_record_is_exact_around_every_segment_and_record_border(void **state)
{
	for (unsigned i = 0; i < nitems(suites); i++) {
		tb_init(&tb, suites[i], "");
		tb_records(&tb, 3, 16384);
		tb_open(&tb);
		tb.b.port[0].log = false;
		for (uint32_t at = 0; at < tb.at[2]; at += 5 * TB_MSS)
			around(at);
		for (unsigned r = 0; r < 3; r++) {
			around(tb.at[r]);
			around(tb.at[r] + tb.t.tls.params.tls_hlen);
			around(tb.at[r + 1] - tb.recs[r]->m_epg.trllen);
		}
		tb_fini(&tb);
	}
}

/* A seeded walk: forwards, and back again now and then. */
static void
test_a_walk_with_retransmissions_puts_every_byte_on_the_wire(void **state)
{
	uint32_t x = 1, at, len, total, *seen;

	for (unsigned i = 0; i < nitems(suites); i++) {
		tb_init(&tb, suites[i], "");
		tb.isn = 0xffff8000; /* sequences wrap on the way */
		tb_records(&tb, 3, 16384);
		tb_records(&tb, 40, 37);
		tb_records(&tb, 2, 9000);
		tb_open(&tb);
		tb.b.port[0].log = false;
		total = tb.at[tb.nrecs];
		seen = calloc(total, sizeof(*seen));
		for (at = 0; at < total; at += len) {
			x = x * 1103515245 + 12345;
			len = MIN(1 + (x >> 16) % 4000, total - at);
			cut(at, at + len);
			for (uint32_t k = tb.lo; k < tb.hi; k++)
				seen[k]++;
			if (x % 5 == 0 && at > 3000)
				cut(at - 3000, at - 3000 + TB_MSS);
		}
		for (uint32_t k = 0; k < total; k++)
			assert_true(seen[k] > 0);
		free(seen);
		tb_fini(&tb);
	}
}

static void
test_a_card_that_does_not_encrypt_is_seen(void **state)
{
	for (unsigned i = 0; i < nitems(suites); i++) {
		tb_init(&tb, suites[i], "");
		tb_records(&tb, 1, 2000);
		tb_open(&tb);
		defect_set(&tb.b.v->v_defects, DEFECT_NIC_NO_ENCRYPT);
		assert_int_equal(tb_send(&tb, 0, 1448, NULL), 0);
		assert_true(tb.bad > 0);
		assert_int_equal(tb_send(&tb, 1448, tb.at[1], NULL), 0);
		assert_true(tb.bad > 0);
		tb_fini(&tb);
	}
}

/* DMA payload for stream payload: nic-models.md 5.13. */
static double
in_order(unsigned burst)
{
	uint64_t dma = 0;
	uint32_t to, total;

	tb_init(&tb, "aes128-gcm-1.2", "");
	tb_records(&tb, 100, 16384);
	tb_open(&tb);
	tb.b.port[0].log = false;
	total = tb.at[tb.nrecs];
	for (uint32_t at = 0; at < total; at = to) {
		to = MIN(at + burst * TB_MSS, total);
		tb_sent(&tb, at, to, NULL);
		dma += tb_dma(&tb);
	}
	tb_fini(&tb);
	return ((double)dma / total);
}

static void
test_P5_loss_free_dma_follows_the_size_of_bursts(void **state)
{
	static const struct {
		unsigned burst;
		double ratio;
	} rows[] = { { 1, 1.96 }, { 2, 1.91 }, { 4, 1.82 }, { 10, 1.56 },
		{ 20, 1.28 }, { 44, 1.13 } };

	for (unsigned i = 0; i < nitems(rows); i++) {
		double r = in_order(rows[i].burst);

		if (r < rows[i].ratio * 0.98 || r > rows[i].ratio * 1.02)
			fail_msg("bursts of %u MSS: %.3f, expected %.2f",
			    rows[i].burst, r, rows[i].ratio);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_every_cut_of_records_of_1_16_and_100_bytes_is_exact),
		cmocka_unit_test(test_every_cut_over_three_records_is_exact),
		cmocka_unit_test(
		    test_every_start_and_every_end_of_a_segment_sized_record_is_exact),
		cmocka_unit_test(
		    test_a_full_record_is_exact_around_every_segment_and_record_border),
		cmocka_unit_test(
		    test_a_walk_with_retransmissions_puts_every_byte_on_the_wire),
		cmocka_unit_test(test_a_card_that_does_not_encrypt_is_seen),
		cmocka_unit_test(
		    test_P5_loss_free_dma_follows_the_size_of_bursts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
