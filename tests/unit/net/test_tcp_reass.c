/* The out-of-order queue against a plain array that remembers every byte. */
#include "netwire.h"

#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/tcp.h>

#include "tcp_private.h"

static struct tw *w;
static struct tw_pair p;
static struct tcpcb *tp;

static int
setup(void **state)
{
	memset(&p, 0, sizeof(p));
	w = tw_new(1, 0);
	tw_connect(w, &p, KAF_INET);
	p.c.stop_reading = true;
	tp = tw_tp(&p.c);
	return (0);
}

static int
teardown(void **state)
{
	/* One end has bytes that the other never sent: no more talking. */
	inp_drop(inp_of_socket(p.c.so), ECONNABORTED, "test");
	inp_drop(inp_of_socket(p.s.so), ECONNABORTED, "test");
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	tw_free(w);
	return (0);
}

static uint8_t
byte_at(uint32_t off)
{
	return ((uint8_t)(off * 31 + (off >> 8)));
}

static uint32_t put_csum; /* what the card said of the next segments */

static bool
put(uint32_t base, uint32_t off, uint32_t len, bool fin, bool *isfin)
{
	struct tcp_seg ts = { .ts_vnet = w->a.v,
		.ts_seq = base + off,
		.ts_len = len,
		.ts_flags = KTH_ACK | (fin ? KTH_FIN : 0) };

	ts.ts_m =
	    m_getjcl(w->a.v->v_mb, M_WAITOK, MT_DATA, M_PKTHDR, MJUM16BYTES);
	for (uint32_t i = 0; i < len; i++)
		ts.ts_m->m_data[i] = byte_at(off + i);
	ts.ts_m->m_len = ts.ts_m->m_pkthdr.len = (int32_t)len;
	ts.ts_m->m_pkthdr.csum_flags = put_csum;
	return (tcp_reass(tp, &ts, isfin));
}

static void
check_bytes(uint32_t n)
{
	struct mbuf *m = p.c.so->so_rcv.sb_mb;
	uint8_t *buf = malloc(n + 1);

	assert_int_equal(sbavail(&p.c.so->so_rcv), n);
	if (n > 0)
		m_copydata(m, 0, (int)n, buf);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(buf[i], byte_at(i));
	free(buf);
}

static void
test_gap_is_filled_and_everything_behind_it_follows(void **state)
{
	uint32_t base = tp->rcv_nxt;
	bool fin;

	assert_false(put(base, 100, 50, false, &fin));
	assert_false(put(base, 200, 50, false, &fin));
	assert_true(put(base, 0, 100, false, &fin));
	assert_int_equal(tp->rcv_nxt, base + 150);
	assert_true(put(base, 150, 60, false, &fin));
	assert_int_equal(tp->rcv_nxt, base + 250);
	assert_null(tp->t_segq);
	check_bytes(250);
}

static void
test_what_is_there_already_wins_over_the_newcomer(void **state)
{
	uint32_t base = tp->rcv_nxt;
	bool fin;

	put(base, 10, 10, false, &fin);
	put(base, 30, 10, false, &fin);
	put(base, 5, 40, false, &fin);
	assert_int_equal(tp->t_segqbytes, 40);
	put(base, 0, 5, false, &fin);
	check_bytes(45);
}

/* A peer that contradicts itself, found by the fuzzer. */
static void
test_a_fin_with_bytes_behind_it_ends_nothing(void **state)
{
	uint32_t base = tp->rcv_nxt;
	bool fin;

	put(base, 20, 10, false, &fin);
	put(base, 40, 10, false, &fin);
	put(base, 60, 10, false, &fin);
	put(base, 15, 20, true, &fin); /* into the first gap's end */
	put(base, 30, 10, true, &fin); /* up to the next */
	put(base, 10, 5, true, &fin);  /* before the first */
	put(base, 20, 10, true, &fin); /* again */
	assert_true(put(base, 0, 10, false, &fin));
	assert_false(fin);
	assert_int_equal(tp->rcv_nxt, base + 50);
	assert_true(put(base, 50, 10, true, &fin));
	assert_false(fin);
	assert_int_equal(tp->rcv_nxt, base + 70);
	assert_null(tp->t_segq);
	check_bytes(70);
}

static void
test_fin_comes_when_all_before_it_is_there(void **state)
{
	uint32_t base = tp->rcv_nxt;
	bool fin;

	put(base, 50, 50, true, &fin);
	assert_false(fin);
	put(base, 100, 0, true, &fin); /* again, alone */
	assert_false(fin);
	assert_true(put(base, 0, 50, false, &fin));
	assert_true(fin);
	check_bytes(100);
	assert_null(tp->t_segq);
}

static void
test_random_pieces_make_the_whole(void **state)
{
	bool have[3000], fin, sawfin;
	uint32_t base, off, len, next;
	struct prng r;

	for (uint64_t seed = 0; seed < 200; seed++) {
		prng_init(&r, seed, "pieces");
		sbflush(&p.c.so->so_rcv);
		base = tp->rcv_nxt;
		memset(have, 0, sizeof(have));
		sawfin = false;
		for (next = 0; next < sizeof(have) || !sawfin;) {
			off = next;
			if (prng_below(&r, 4) != 0)
				off += (uint32_t)prng_below(&r,
				    MIN(600, sizeof(have) - next + 1));
			len = (uint32_t)prng_below(&r, sizeof(have) - off + 1);
			len = MIN(len, 400);
			put(base, off, len, off + len == sizeof(have), &fin);
			sawfin |= fin;
			for (uint32_t i = off; i < off + len; i++)
				have[i] = true;
			while (next < sizeof(have) && have[next])
				next++;
			assert_int_equal(tp->rcv_nxt - base, next);
		}
		assert_null(tp->t_segq);
		check_bytes(sizeof(have));
	}
}

static void
test_sack_names_the_latest_run_first(void **state)
{
	struct tcp_range b[TCP_NSACK];
	uint32_t base = tp->rcv_nxt;
	bool fin;

	for (uint32_t i = 1; i <= 6; i++)
		put(base, 200 * i, 100, false, &fin);
	put(base, 700, 50, false, &fin);
	assert_int_equal(tcp_reass_sack(tp, b, 3), 3);
	assert_int_equal(b[0].start, base + 600);
	assert_int_equal(b[0].end, base + 750);
	assert_int_equal(b[1].start, base + 1200);
	assert_int_equal(tcp_reass_sack(tp, b, 1), 1);
	assert_int_equal(b[0].start, base + 600);
	assert_int_equal(tcp_reass_sack(tp, b, 0), 0);
	tcp_reass_flush(tp);
	assert_int_equal(tcp_reass_sack(tp, b, 4), 0);
}

static void
test_no_memory_loses_the_segment_and_nothing_else(void **state)
{
	struct kmem *km = &w->a.v->v_kmem;
	uint32_t base = tp->rcv_nxt;
	bool fin;

	put(base, 100, 100, false, &fin);
	km->km_fail_at = km->km_nowait + 1;
	put(base, 0, 50, false, &fin);
	km->km_fail_at = 0;
	assert_int_equal(tp->rcv_nxt, base);
	put(base, 0, 150, false, &fin);
	check_bytes(200);
}

/* Around bytes that were there in cipher, both ends of a segment that the card
 * decrypted are in clear, and the stack must know. */
static void
test_what_a_card_decrypted_stays_marked_when_it_is_cut(void **state)
{
	struct ktls_session tls = { .vnet = w->a.v, .mode = TCP_TLS_MODE_SW };
	struct sockbuf *sb = &p.c.so->so_rcv;
	uint32_t base = tp->rcv_nxt, off = 0;
	bool fin;

	/* Nobody takes what comes. */
	sb->sb_tls_info = &tls;
	sb->sb_flags |= SB_TLS_RX | SB_TLS_RX_RUNNING;
	assert_false(put(base, 100, 100, false, &fin));
	put_csum = CSUM_TLS_DECRYPTED;
	assert_true(put(base, 0, 300, false, &fin));
	put_csum = 0;
	assert_int_equal(sb->sb_tlscc, 300);
	for (struct mbuf *m = sb->sb_mtls; m != NULL; m = m->m_next) {
		for (int i = 0; i < m->m_len; i++, off++) {
			assert_int_equal(m->m_data[i], byte_at(off));
			assert_int_equal((m->m_flags & M_DECRYPTED) != 0,
			    off < 100 || off >= 200);
		}
	}
	assert_int_equal(off, 300);
	/* And those that wait are not mixed. */
	assert_false(put(base, 400, 50, false, &fin));
	put_csum = CSUM_TLS_DECRYPTED;
	assert_false(put(base, 450, 50, false, &fin));
	put_csum = 0;
	assert_int_equal(tp->t_segqlen, 2);
	sb->sb_tls_info = NULL;
}

static void
test_options_of_any_shape_do_no_harm(void **state)
{
	uint8_t buf[TCP_MAXOLEN];
	struct tcpopt to;
	struct prng r;

	prng_init(&r, 1, "options");
	for (int i = 0; i < 100000; i++) {
		uint32_t n = (uint32_t)prng_below(&r, sizeof(buf) + 1);
		uint8_t *exact = malloc(n); /* so that ASan sees */

		prng_bytes(&r, buf, sizeof(buf));
		for (unsigned k = 0; k < sizeof(buf); k++)
			if (buf[k] & 0x80)
				buf[k] %= 11;
		memcpy(exact, buf, n);
		tcp_parse_options(&to, exact, n, i & 1);
		free(exact);
	}
	memcpy(buf,
	    "\x02\x04\x05\xb4\x01\x03\x03\x0f\x04\x02\x08\x0a"
	    "\x00\x00\x00\x07\x00\x00\x00\x09",
	    20);
	tcp_parse_options(&to, buf, 20, true);
	assert_int_equal(to.to_flags,
	    TOF_MSS | TOF_SCALE | TOF_SACKPERM | TOF_TS);
	assert_int_equal(to.to_mss, 1460);
	assert_int_equal(to.to_wscale, 14);
	assert_int_equal(to.to_tsval, 7);
	assert_int_equal(to.to_tsecr, 9);
	tcp_parse_options(&to, buf, 20, false);
	assert_int_equal(to.to_flags, TOF_TS);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_gap_is_filled_and_everything_behind_it_follows),
		T(test_what_is_there_already_wins_over_the_newcomer),
		T(test_a_fin_with_bytes_behind_it_ends_nothing),
		T(test_fin_comes_when_all_before_it_is_there),
		T(test_random_pieces_make_the_whole),
		T(test_sack_names_the_latest_run_first),
		T(test_no_memory_loses_the_segment_and_nothing_else),
		T(test_what_a_card_decrypted_stays_marked_when_it_is_cut),
		T(test_options_of_any_shape_do_no_harm),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
