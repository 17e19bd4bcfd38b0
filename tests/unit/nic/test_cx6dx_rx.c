/*
 * ConnectX-6 Dx, receive: a peer's stream in frames, in order and not; what
 * the card decrypts is the plaintext, what it does not is what was sent, and
 * after a lost header it finds its way back with the driver's help.
 */
#include "nicstream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/kern/sysctl.h>

#include "cx6dx_hw.h"
#include "cx6dx_rx_drv.h"

#define MSS 1448u

static struct nicbench b;
static struct nb_stream st;
static struct nb_port *p;
static struct m_snd_tag *mst;
static uint8_t plain[NB_MAXBYTES]; /* the stream with its payload in clear */
static uint32_t seq_of_tag;	   /* what rx_sequence answers, stream offset */
static uint64_t recno_of_tag;
static int seq_error;

static int
rx_sequence(const struct ktls_session *tls, uint32_t *tcpseq, uint64_t *recno)
{
	*tcpseq = NB_SEQ + seq_of_tag;
	*recno = recno_of_tag;
	return (seq_error);
}

static struct if_snd_tag_alloc_params
ask(void)
{
	struct if_snd_tag_alloc_params par = { .type = IF_SND_TAG_TYPE_TLS_RX,
		.flowid = 1,
		.flowtype = M_HASHTYPE_OPAQUE,
		.tls = &st.t.tls,
		.rx_sequence = rx_sequence };

	/* The bench's headers, as the receiver sees them. */
	memcpy(&par.conn.foreign.sa_addr, "\x0a\x00\x00\x01", 4);
	memcpy(&par.conn.local.sa_addr, "\x0a\x00\x00\x02", 4);
	par.conn.foreign.sa_port = 443;
	par.conn.local.sa_port = 50000;
	return (par);
}

static void
bench(const char *suite, const uint32_t *sizes, unsigned n, const char *knobs)
{
	struct if_snd_tag_alloc_params par;

	nb_init_knobs(&b, "cx6dx", 0, knobs);
	nb_stream_init(&b, &st, tls_suite_byname(suite), sizes, n);
	p = &b.port[0];
	seq_of_tag = 0;
	recno_of_tag = NB_SEQNO;
	seq_error = 0;
	for (unsigned i = 0; i < n; i++)
		m_copydata(st.rec[i], 0, st.rec[i]->m_len, plain + st.at[i]);
	par = ask();
	assert_int_equal(nb_tag_try(p, &par, &mst), 0);
}

static const uint32_t usual[6] = { 3000, 3000, 3000, 5000, 100, 16384 };

static int
setup(void **state)
{
	bench("aes128-gcm-1.2", usual, 6, "");
	return (0);
}

static int
teardown(void **state)
{
	if (mst != NULL)
		m_snd_tag_rele(mst);
	nb_run(&b);
	nb_stream_fini(&st);
	nb_fini(&b);
	return (0);
}

static uint64_t
counter(const char *name)
{
	uint64_t val;

	assert_int_equal(sysctl_read(b.v, name, &val), 0);
	return (val);
}
#define OK_PKTS counter("dev.mce.0.pstats.rx_decrypted_ok_packets")

/* --- frames of the peer --- */

static struct frame *
peer_frame(uint32_t from, uint32_t to)
{
	struct nb_hdr h = { .seq = NB_SEQ + from };
	struct mbuf *m = nb_packet(&b, &h, NULL);
	struct framebuf *fb = framebuf_alloc(&b.pool);
	struct frame *f = frame_alloc(&b.pool);
	uint8_t bytes[54 + 4096];

	m_copydata(m, 0, 54, bytes);
	m_freem(m);
	memcpy(bytes, nb_mac, 6);
	be16enc(bytes + 16, (uint16_t)(40 + to - from));
	memcpy(bytes + 54, st.bytes + from, to - from);
	frame_fill(f, fb, 0, bytes, 54 + to - from);
	f->f_flags |= FRAME_CSUM_LAZY;
	framebuf_rele(fb);
	return (f);
}

/* What the host got for bytes [from, to): true: decrypted. Checked. */
static bool
taken(uint32_t from, uint32_t to)
{
	struct mbuf *m;
	static uint8_t got[4096];
	bool dec;

	nb_run(&b);
	m = b.rx;
	assert_non_null(m);
	b.rx = m->m_nextpkt;
	m->m_nextpkt = NULL;
	dec = (m->m_pkthdr.csum_flags & CSUM_TLS_MASK) == CSUM_TLS_DECRYPTED;
	assert_int_equal(m->m_pkthdr.len, 54 + to - from);
	assert_true(m->m_pkthdr.csum_flags & CSUM_L4_VALID);
	m_copydata(m, 54, (int)(to - from), got);
	m_freem(m);
	for (uint32_t i = 0; dec && i < to - from; i++) {
		uint32_t at = from + i;
		unsigned r = 0;

		while (at >= st.at[r + 1])
			r++;
		/* A tag is what it was; all else is clear. */
		if (at >= st.at[r + 1] - 16)
			assert_int_equal(got[i], st.bytes[at]);
		else
			assert_int_equal(got[i], plain[at]);
	}
	if (!dec)
		assert_memory_equal(got, st.bytes + from, to - from);
	return (dec);
}

static bool
receive(uint32_t from, uint32_t to)
{
	nic_rx(p->n, peer_frame(from, to));
	return (taken(from, to));
}

/* In order, all decrypted. */
static void
receive_all(uint32_t from, uint32_t to, uint32_t mss)
{
	for (uint32_t at = from; at < to; at += mss)
		assert_true(receive(at, MIN(to, at + mss)));
}

/* The stack took record r in software. */
static void
tell(unsigned r)
{
	struct if_snd_tag_modify_tls_rx par = { .tcp_sn = NB_SEQ + st.at[r],
		.tls_rec_length = st.at[r + 1] - st.at[r],
		.tls_seq_number = NB_SEQNO + r };

	assert_int_equal(mst->sw->snd_tag_modify(mst, &par), 0);
	nb_run(&b);
}

static const struct cx_tir *
card(void)
{
	return (cx_tir(p->n->n_card->c_softc, 1));
}

/* --- in order --- */

static void
test_in_order_everything_is_decrypted_whatever_the_cuts(void **state)
{
	static const char *const suites[] = { "aes128-gcm-1.2",
		"aes256-gcm-1.2", "aes128-gcm-1.3", "aes256-gcm-1.3" };
	static const uint32_t sizes[5] = { 1, 100, 1448, 16, 700 };

	teardown(NULL);
	for (unsigned s = 0; s < nitems(suites); s++)
		for (uint32_t mss = 1; mss < 1600; mss += mss < 60 ? 1 : 97) {
			bench(suites[s], sizes, 5, "");
			receive_all(0, nb_stream_len(&st), mss);
			if (s < nitems(suites) - 1 || mss + 97 < 1600)
				teardown(NULL);
		}
	assert_true(OK_PKTS > 0);
}

static void
test_frames_of_other_connections_pass(void **state)
{
	struct frame *f = peer_frame(0, 100);

	f->f_hdr[14 + 15] = 9; /* another source address */
	nic_rx(p->n, f);
	assert_false(taken(0, 100));
	assert_true(receive(0, 100));
	assert_int_equal(OK_PKTS, 1);
}

/* A context that begins later in the stream leaves what is before. */
static void
test_bytes_before_the_resync_sequence_are_left(void **state)
{
	struct if_snd_tag_alloc_params par;

	m_snd_tag_rele(mst);
	nb_run(&b);
	seq_of_tag = st.at[1];
	recno_of_tag = NB_SEQNO + 1;
	par = ask();
	assert_int_equal(nb_tag_try(p, &par, &mst), 0);
	assert_false(receive(0, 1000));
	assert_false(receive(1000, st.at[1]));
	receive_all(st.at[1], st.at[3], MSS);
}

/* --- gaps --- */

static void
test_a_gap_inside_a_record_ends_at_the_next_header(void **state)
{
	receive_all(0, MSS, MSS);
	/* 500 bytes of record 0 are lost. */
	assert_false(receive(MSS + 500, st.at[1] - 100));
	/* Its end and the next one's begin in one frame: left as a whole. */
	assert_false(receive(st.at[1] - 100, st.at[1] + 900));
	/* And the rest of that record is decrypted: a mixed record. */
	receive_all(st.at[1] + 900, st.at[3], MSS);
	assert_int_equal(card()->ct_tracker, CX_TRACKER_TRACKING);
}

static void
test_a_retransmission_is_left_and_changes_nothing(void **state)
{
	receive_all(0, 2 * MSS, MSS);
	assert_false(receive(0, MSS));
	assert_false(receive(MSS, 2 * MSS));
	/* Old and new bytes in one frame. */
	assert_false(receive(2 * MSS - 100, 2 * MSS + 100));
	receive_all(2 * MSS + 100, st.at[4], MSS);
}

static void
lose_a_header(void)
{
	receive_all(0, MSS, MSS);
	/* Record 1's header is lost with 0's end. */
	assert_false(receive(st.at[1] + 300, st.at[1] + 1300));
	assert_int_equal(card()->ct_tracker, CX_TRACKER_SEARCHING);
	assert_int_equal(card()->ct_auth, CX_AUTH_NO_OFFLOAD);
}

static void
test_a_lost_header_is_searched_found_and_confirmed(void **state)
{
	lose_a_header();
	assert_false(receive(st.at[1] + 1300, st.at[2]));
	/* Record 2's header is one like a header; record 3's confirms it. */
	for (uint32_t at = st.at[2]; at < st.at[3]; at += 1000)
		assert_false(receive(at, MIN(st.at[3], at + 1000)));
	assert_int_equal(card()->ct_tracker, CX_TRACKER_SEARCHING);
	assert_false(receive(st.at[3], st.at[3] + 1000));
	assert_int_equal(card()->ct_tracker, CX_TRACKER_TRACKING);
	assert_int_equal(card()->ct_resync_seq, NB_SEQ + st.at[3]);
	/* Software tells what it took; the answer comes with record 3. */
	tell(0);
	tell(1);
	tell(2);
	assert_false(card()->ct_confirmed);
	tell(3);
	assert_true(card()->ct_confirmed);
	assert_int_equal(counter("dev.mce.0.tls_rx.stats.rx_resync_ok"), 4);
	for (uint32_t at = st.at[3] + 1000; at < st.at[4]; at += 1000)
		assert_false(receive(at, MIN(st.at[4], at + 1000)));
	/* Offloaded from the next header on. */
	receive_all(st.at[4], nb_stream_len(&st), MSS);
}

/* Records that went by since the card asked are counted. */
static void
test_a_late_answer_is_still_right(void **state)
{
	lose_a_header();
	assert_false(receive(st.at[1] + 1300, st.at[2]));
	for (uint32_t at = st.at[2]; at < st.at[5]; at += 1000)
		assert_false(receive(at, MIN(st.at[5], at + 1000)));
	tell(3);
	assert_true(card()->ct_confirmed);
	receive_all(st.at[5], nb_stream_len(&st), MSS);
}

static void
test_an_answer_to_an_old_question_is_ignored(void **state)
{
	lose_a_header();
	assert_false(receive(st.at[1] + 1300, st.at[2]));
	for (uint32_t at = st.at[2]; at < st.at[4]; at += 1000)
		assert_false(receive(at, MIN(st.at[4], at + 1000)));
	assert_int_equal(card()->ct_resync_seq, NB_SEQ + st.at[3]);
	/* Another place is no record's that software knows. */
	tell(1);
	assert_false(card()->ct_confirmed);
	tell(4);
	assert_false(card()->ct_confirmed);
}

static void
test_bytes_that_look_like_a_header_do_not_mislead(void **state)
{
	/* Ciphertext that happens to look like one, in the middle of record 3. */
	memcpy(st.bytes + st.at[3] + 2000, "\x17\x03\x03\x06\x00", 5);
	receive_all(0, MSS, MSS);
	assert_false(receive(st.at[3] + 1500, st.at[3] + 2400));
	assert_true(card()->ct_candidate);
	for (uint32_t at = st.at[3] + 2400; at < nb_stream_len(&st); at += 1400)
		assert_false(receive(at, MIN(nb_stream_len(&st), at + 1400)));
	assert_int_not_equal(card()->ct_auth, CX_AUTH_OFFLOAD);
}

/* --- a wrong tag --- */

static void
test_a_wrong_tag_passes_the_bytes_and_is_counted(void **state)
{
	st.bytes[st.at[1] + 50] ^= 1;
	plain[st.at[1] + 50] ^= 1; /* a stream cipher's */
	receive_all(0, st.at[2] - 200, MSS);
	assert_false(receive(st.at[2] - 200, st.at[2]));
	assert_int_equal(counter("dev.mce.0.pstats.rx_decrypted_error_packets"),
	    1);
	receive_all(st.at[2], st.at[3], MSS);
}

static void
test_frames_with_a_bad_checksum_are_not_the_contexts(void **state)
{
	struct frame *f = peer_frame(0, 100);

	f->f_flags &= ~(uint32_t)FRAME_CSUM_LAZY;
	nic_rx(p->n, f); /* checksum bytes are those of no packet */
	nb_run(&b);
	m_freem(b.rx);
	b.rx = NULL;
	assert_int_equal(p->n->n_stats.rx_bad_csum, 1);
	assert_true(receive(0, 100));
}

/* --- the driver --- */

static void
refuse(int error)
{
	struct if_snd_tag_alloc_params par = ask();
	struct m_snd_tag *none;

	assert_int_equal(nb_tag_try(p, &par, &none), error);
	nb_run(&b);
}

static void
test_refusals_of_a_receive_tag(void **state)
{
	const struct cx_hw *h = p->n->n_card->c_softc;
	struct if_snd_tag_alloc_params par = ask();
	struct m_snd_tag *none;

	par.flowtype = M_HASHTYPE_NONE;
	assert_int_equal(nb_tag_try(p, &par, &none), EOPNOTSUPP);
	st.t.tls.params.suite = tls_suite_byname("chacha20-poly1305-1.2");
	refuse(EPROTONOSUPPORT);
	st.t.tls.params.suite = tls_suite_byname("aes128-gcm-1.2");
	st.t.tls.params.cipher_key_len = 24;
	refuse(EINVAL);
	st.t.tls.params.cipher_key_len = 16;
	seq_error = EINVAL;
	refuse(EINVAL);
	seq_error = 0;
	/* TIR, key: whatever the firmware says. */
	assert_int_equal(nic_order(p->n, NIC_ORDER_CMD_FAIL, 1), 0);
	refuse(ENOMEM);
	assert_int_equal(nic_order(p->n, NIC_ORDER_KEYS, 1), 0);
	refuse(ENOMEM);
	assert_int_equal(h->h_tir_table.t_used, 1);
	assert_int_equal(h->h_dek_table.t_used, 1);
}

static void
test_half_of_the_keys_are_receives(void **state)
{
	struct if_snd_tag_alloc_params par;
	struct m_snd_tag *two, *three;

	teardown(NULL);
	bench("aes128-gcm-1.2", usual, 6, "log_max_dek=2");
	par = ask();
	par.conn.foreign.sa_port = 444;
	assert_int_equal(nb_tag_try(p, &par, &two), 0);
	assert_int_equal(nb_tag_try(p, &par, &three), ENOMEM);
	m_snd_tag_rele(two);
	nb_run(&b);
	assert_int_equal(nb_tag_try(p, &par, &three), 0);
	m_snd_tag_rele(three);
}

static void
test_runs_of_equal_records_are_one_entry_and_a_jump_forgets(void **state)
{
	struct cx_rx_tag *rt = (struct cx_rx_tag *)(void *)mst;

	tell(0);
	tell(1);
	tell(2);
	assert_int_equal(rt->rt_nruns, 1);
	assert_int_equal(rt->rt_runs[0].rr_count, 3);
	tell(3);
	assert_int_equal(rt->rt_nruns, 2);
	tell(5); /* 4 was not told */
	assert_int_equal(rt->rt_nruns, 1);
	/* Length 0: the card is in step. */
	assert_int_equal(mst->sw->snd_tag_modify(mst,
			     &(struct if_snd_tag_modify_tls_rx) { 0 }),
	    0);
	assert_int_equal(rt->rt_nruns, 0);
	assert_false(rt->rt_active);
}

static void
test_a_full_internal_queue_is_counted(void **state)
{
	struct if_snd_tag_modify_tls_rx par = { .tls_rec_length = 100 };
	struct nic_txq *t = &p->n->n_drv->d_txqs[p->n->n_drv->d_nsend + CX_IQ];
	uint32_t size = t->t_size;

	t->t_size = 4;
	assert_int_equal(mst->sw->snd_tag_modify(mst, &par), ENOMEM);
	assert_int_equal(counter("dev.mce.0.tls_rx.stats.rx_resync_err"), 1);
	assert_int_equal(counter("dev.mce.0.tls_rx.stats.rx_resync_ok"), 0);
	t->t_size = size;
}

static void
test_after_a_reset_the_card_decrypts_nothing_and_the_tag_ends(void **state)
{
	receive_all(0, MSS, MSS);
	assert_int_equal(nic_order(p->n, NIC_ORDER_RESET, 0), 0);
	assert_false(receive(MSS, 2 * MSS));
	assert_int_equal(mst->sw->snd_tag_modify(mst,
			     &(struct if_snd_tag_modify_tls_rx) {
				 .tls_rec_length = 10 }),
	    ENXIO);
}

static void
test_a_tag_let_go_while_the_card_writes_into_it(void **state)
{
	struct if_snd_tag_modify_tls_rx par = { .tls_rec_length = 100 };

	assert_int_equal(mst->sw->snd_tag_modify(mst, &par), 0);
	m_snd_tag_rele(mst);
	mst = NULL;
	nb_run(&b);
	assert_int_equal(((struct cx_hw *)p->n->n_card->c_softc)
			     ->h_tir_table.t_used,
	    0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_in_order_everything_is_decrypted_whatever_the_cuts),
		T(test_frames_of_other_connections_pass),
		T(test_bytes_before_the_resync_sequence_are_left),
		T(test_a_gap_inside_a_record_ends_at_the_next_header),
		T(test_a_retransmission_is_left_and_changes_nothing),
		T(test_a_lost_header_is_searched_found_and_confirmed),
		T(test_a_late_answer_is_still_right),
		T(test_an_answer_to_an_old_question_is_ignored),
		T(test_bytes_that_look_like_a_header_do_not_mislead),
		T(test_a_wrong_tag_passes_the_bytes_and_is_counted),
		T(test_frames_with_a_bad_checksum_are_not_the_contexts),
		T(test_refusals_of_a_receive_tag),
		T(test_half_of_the_keys_are_receives),
		T(test_runs_of_equal_records_are_one_entry_and_a_jump_forgets),
		T(test_a_full_internal_queue_is_counted),
		T(test_after_a_reset_the_card_decrypts_nothing_and_the_tag_ends),
		T(test_a_tag_let_go_while_the_card_writes_into_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
