/*
 * ConnectX-6 Dx, transmit: the rows of nic-models.md 3.12 by their numbers,
 * each with its work requests, blocks, bytes read, counters, and the sequence
 * number that is expected next.
 */
#include "nicstream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/netinet/tcp.h>

#include "cx6dx_drv.h"

#define MSS  1448u
#define FULL 16413u /* a full record of TLS 1.2 in the stream */
#define HDR  54u    /* of the bench's packets */

static const uint32_t full[5] = { 16384, 16384, 16384, 16384, 16384 };

static struct nicbench b;
static struct nb_stream st;
static struct nb_port *p;
static struct m_snd_tag *mst;

static void
bench(uint32_t ring, const char *knobs)
{
	nb_init_knobs(&b, "cx6dx", ring, knobs);
	nb_stream_init(&b, &st, tls_suite_byname("aes128-gcm-1.2"), full, 5);
	p = &b.port[0];
	mst = nb_tag(p, &st.t);
}

static int
setup(void **state)
{
	bench(0, "");
	return (0);
}

static int
teardown(void **state)
{
	if (mst != NULL)
		m_snd_tag_rele(mst);
	nb_run(&b);
	nb_clear(&b.port[0]);
	nb_clear(&b.port[1]);
	nb_stream_fini(&st);
	nb_fini(&b);
	return (0);
}

static uint64_t
counter(unsigned unit, const char *name)
{
	char full_name[64];
	uint64_t val;

	snprintf(full_name, sizeof(full_name), "dev.mce.%u.%s", unit, name);
	assert_int_equal(sysctl_read(b.v, full_name, &val), 0);
	return (val);
}

#define TLS(name) counter(0, "tls.stats." name)
#define SQ(name)  counter(0, "txstat1tc0." name)

static uint32_t
expected(const struct m_snd_tag *tag)
{
	return (((const struct cx_tag *)(const void *)tag)->ct_expected_seq -
	    NB_SEQ);
}

/* What one packet did. */
struct row {
	uint64_t ooo, bytes_ooo, packets, bytes, error;
	uint64_t blocks, reread, payload;
};

static struct row
snap(const struct nb_port *port)
{
	unsigned unit = port == &b.port[1];
	const struct nic_stats *s = &port->n->n_stats;

	return ((struct row) { counter(unit, "tls.stats.tx_packets_ooo"),
	    counter(unit, "tls.stats.tx_bytes_ooo"),
	    counter(unit, "tls.stats.tx_packets"),
	    counter(unit, "tls.stats.tx_bytes"),
	    counter(unit, "tls.stats.tx_error"), s->dma_desc / NIC_BLOCK,
	    s->dma_reread, s->dma_payload - s->dma_reread });
}

/* Bytes [from, to) again or for the first time; the row's claims. */
static void
row_on(struct nb_port *port, struct m_snd_tag *tag, uint32_t from, uint32_t to,
    const char *wqes, unsigned extra_blocks, uint32_t reread)
{
	struct row was = snap(port), now;
	unsigned send_blocks;

	(void)nb_wqes(port);
	assert_int_equal(nb_stream_go(&st, port, tag, from, to,
			     to - from > MSS ? MSS : 0),
	    to - from);
	now = snap(port);
	assert_string_equal(nb_wqes(port), wqes);
	assert_int_equal(now.ooo - was.ooo, extra_blocks > 0);
	assert_int_equal(now.bytes_ooo - was.bytes_ooo, reread);
	assert_int_equal(now.packets - was.packets, 1);
	assert_int_equal(now.bytes - was.bytes, HDR + to - from);
	assert_int_equal(now.error, was.error);
	assert_int_equal(now.reread - was.reread, reread);
	assert_int_equal(now.payload - was.payload, to - from);
	/* A SEND: 16 + 14 + 54 bytes, and 16 a segment. */
	send_blocks = (unsigned)(now.blocks - was.blocks) - extra_blocks;
	assert_in_range(send_blocks, 2, CX_MAX_WQEBBS);
	assert_int_equal(expected(tag), to);
}

#define row(from, to, wqes, extra, reread) \
	row_on(p, mst, from, to, wqes, extra, reread)

/* The context stands at `at` (in order). */
static void
start_at(uint32_t at)
{
	for (uint32_t from = 0; from < at; from += 44 * MSS)
		(void)nb_stream_go(&st, p, mst, from, MIN(at, from + 44 * MSS),
		    MSS);
}

static void
test_mlx5_M1_first_packet_of_the_session(void **state)
{
	row(0, 4 * MSS, "UMR SET_PSV NOP LSO", 5, 0);
	assert_int_equal(SQ("nop"), 3);
}

static void
test_mlx5_M2_in_order_whatever_the_cuts(void **state)
{
	static const uint32_t cut[] = { 1, 13, 500, 1448, 20000, 16413 };
	uint32_t at = MSS, n;

	start_at(MSS);
	for (unsigned i = 0; i < nitems(cut); i++, at += n) {
		n = cut[i];
		row(at, at + n, n > MSS ? "LSO" : "SEND", 0, 0);
	}
}

static void
test_mlx5_M3_retransmit_at_a_records_start(void **state)
{
	start_at(2 * FULL);
	row(FULL, FULL + MSS, "UMR SET_PSV NOP SEND", 5, 0);
}

static void
test_mlx5_M4_retransmit_inside_a_record(void **state)
{
	start_at(2 * FULL);
	/* 13 + 4096 + 891 bytes: 1 + 4 + 1 pieces of at most 1024. */
	row(FULL + 5000, FULL + 5000 + MSS, "UMR SET_PSV DUMPx6 SEND", 10,
	    5000);
}

static void
test_mlx5_M5_retransmit_over_a_records_end(void **state)
{
	start_at(3 * FULL);
	row(FULL - 700, FULL - 700 + MSS, "UMR SET_PSV DUMPx17 SEND", 21,
	    FULL - 700);
}

static void
test_mlx5_M6_new_data_after_a_retransmit_is_a_second_recovery(void **state)
{
	start_at(2 * FULL + 3000);
	row(5000, 5000 + MSS, "UMR SET_PSV DUMPx6 SEND", 10, 5000);
	row(2 * FULL + 3000, 2 * FULL + 3000 + MSS, "UMR SET_PSV DUMPx4 SEND",
	    8, 3000);
	/* Also at a record's start: no bytes, but a barrier. */
	start_at(2 * FULL);
	row(FULL, FULL + MSS, "UMR SET_PSV NOP SEND", 5, 0);
	row(2 * FULL, 2 * FULL + MSS, "UMR SET_PSV NOP SEND", 5, 0);
}

static void
test_mlx5_M7_gap_in_the_same_record_dumps_only_the_gap(void **state)
{
	start_at(2 * FULL);
	(void)nb_stream_go(&st, p, mst, FULL + MSS, FULL + 2 * MSS, 0);
	/* From 2896 to 5000 of the record: 1213 and 891 bytes of two pages. */
	row(FULL + 5000, FULL + 5000 + MSS, "DUMPx3 SEND", 3, 5000 - 2 * MSS);
}

static void
test_mlx5_M8_gap_from_the_records_start_is_a_full_rebuild(void **state)
{
	start_at(FULL);
	row(FULL + 3000, FULL + 3000 + MSS, "UMR SET_PSV DUMPx4 SEND", 8, 3000);
}

static void
test_mlx5_M9_new_tag_after_failover_mid_record(void **state)
{
	struct m_snd_tag *other = nb_tag(&b.port[1], &st.t);

	start_at(FULL + 5000);
	row_on(&b.port[1], other, FULL + 5000, FULL + 5000 + MSS,
	    "UMR SET_PSV DUMPx6 SEND", 10, 5000);
	assert_int_equal(TLS("tx_packets_ooo"), 1); /* its own first */
	m_snd_tag_rele(other);
}

static void
plant(const char *name)
{
	int d = defect_find(name);

	assert_true(d >= 0);
	defect_set(&b.v->v_defects, (enum defect)d);
}

/* FreeBSD's E = ~S differs from S, and is yet no step back where 2S + 1 is
 * less than O: sequence numbers wrap in this stream. */
static void
test_mlx5_M9_the_first_packet_of_a_tag_is_never_a_gap(void **state)
{
	struct m_snd_tag *other = nb_tag(&b.port[1], &st.t);
	uint32_t off = 4096 + 500; /* S is 500: 1001 < O */

	start_at(off);
	row_on(&b.port[1], other, off, off + MSS, "UMR SET_PSV DUMPx6 SEND", 10,
	    off);
	m_snd_tag_rele(other);
}

static void
test_defect_the_first_packet_is_taken_for_a_gap(void **state)
{
	struct m_snd_tag *other = nb_tag(&b.port[1], &st.t);
	uint32_t off = 4096 + 500;

	plant("nic.cx6dx-first-packet-gap");
	start_at(off);
	(void)nb_wqes(&b.port[1]);
	assert_int_equal(nb_stream_send(&st, &b.port[1], other, off, off + MSS,
			     0),
	    0);
	nb_run(&b);
	assert_string_equal(nb_wqes(&b.port[1]), "DUMP");
	assert_int_equal(b.port[1].count, 0); /* the queue has stopped */
	assert_true(b.port[1].n->n_stats.cqe_err > 0);
	m_snd_tag_rele(other);
}

/* --- packets without record bytes --- */

static struct mbuf *
packet(uint32_t from, uint32_t to, uint8_t flags, uint8_t optlen, uint32_t mss)
{
	struct nb_hdr h = { .seq = NB_SEQ + from,
		.flags = flags,
		.optlen = optlen,
		.mss = mss };

	return (nb_packet(&b, &h, nb_stream_chain(&st, from, to)));
}

static int
transmit(struct mbuf *m)
{
	nb_settag(m, mst);
	return (p->n->n_if.if_transmit(&p->n->n_if, m));
}

static void
test_mlx5_M11_an_ack_has_no_context_and_no_counter(void **state)
{
	struct row was, now;

	start_at(FULL);
	was = snap(p);
	(void)nb_wqes(p);
	assert_int_equal(transmit(packet(FULL, FULL, KTH_ACK, 0, 0)), 0);
	nb_run(&b);
	now = snap(p);
	assert_string_equal(nb_wqes(p), "SEND");
	assert_int_equal(now.packets, was.packets);
	assert_int_equal(now.ooo, was.ooo);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_tag, 0);
	assert_int_equal(expected(mst), FULL);
}

static void
test_mlx5_M12_a_fin_takes_no_sequence_of_the_context(void **state)
{
	start_at(FULL);
	assert_int_equal(transmit(
			     packet(FULL, FULL + 10, KTH_ACK | KTH_FIN, 0, 0)),
	    0);
	(void)nb_stream_check(&st, p, FULL, FULL + 10);
	assert_int_equal(expected(mst), FULL + 10);
}

/* --- a ring that is full --- */

/* The card takes nothing while the driver posts in-order packets until `room`
 * blocks or fewer are left. */
static void
fill(uint32_t *at, uint32_t room)
{
	struct nic_txq *t = &p->n->n_drv->d_txqs[1];

	assert_int_equal(nic_order(p->n, NIC_ORDER_STALL, SIM_SEC), 0);
	while (nic_txq_room(t) > room) {
		assert_int_equal(nb_stream_send(&st, p, mst, *at, *at + 10, 0),
		    0);
		*at += 10;
	}
}

static void
test_mlx5_M13_a_full_ring_consumes_nothing(void **state)
{
	uint32_t at = FULL, was;

	teardown(NULL);
	bench(128, "");
	start_at(FULL);
	fill(&at, 31);
	was = expected(mst);
	assert_int_equal(nb_stream_send(&st, p, mst, at, at + 10, 0), ENOBUFS);
	assert_int_equal(SQ("enobuf"), 1);
	assert_int_equal(SQ("dropped"), 0);
	assert_int_equal(TLS("tx_packets_ooo"), 1);
	assert_int_equal(expected(mst), was);
	(void)nb_stream_check(&st, p, FULL, at);
	(void)nb_stream_go(&st, p, mst, at, at + 10, 0);
	assert_int_equal(TLS("tx_packets_ooo"), 1);
}

static void
test_mlx5_M14_dumps_that_do_not_fit_rewind(void **state)
{
	uint32_t at = FULL;

	teardown(NULL);
	bench(128, "");
	p->n->n_if.if_mtu = 576; /* pieces of 512: 33 for a record's tail */
	start_at(FULL);
	fill(&at, 36);
	assert_int_equal(nb_stream_send(&st, p, mst, FULL - 20, FULL, 0),
	    ENOBUFS);
	assert_int_equal(TLS("tx_packets_ooo"), 2);
	assert_int_equal(TLS("tx_bytes_ooo"), FULL - 20);
	assert_int_equal(SQ("enobuf"), 1);
	assert_int_equal(SQ("dropped"), 1);
	assert_int_equal(expected(mst), 0); /* the record's begin */
	/* The next one cannot match, and is right. */
	(void)nb_stream_check(&st, p, FULL, at);
	(void)nb_stream_go(&st, p, mst, FULL - 20, FULL, 0);
	assert_int_equal(TLS("tx_packets_ooo"), 3);
}

static void
test_mlx5_M14b_recovery_without_room_for_the_packet_is_not_repeated(
    void **state)
{
	uint32_t at = FULL;

	teardown(NULL);
	bench(128, "");
	start_at(FULL);
	fill(&at, 40);
	/* 4 + 6 blocks leave less than two maximal work requests. */
	assert_int_equal(nb_stream_send(&st, p, mst, 5000, 5100, 0), ENOBUFS);
	assert_int_equal(TLS("tx_packets_ooo"), 2);
	assert_int_equal(SQ("enobuf"), 1);
	assert_int_equal(expected(mst), 5000);
	(void)nb_stream_check(&st, p, FULL, at);
	(void)nb_wqes(p);
	(void)nb_stream_go(&st, p, mst, 5000, 5100, 0);
	assert_string_equal(nb_wqes(p), "SEND");
	assert_int_equal(TLS("tx_packets_ooo"), 2);
}

/* --- E moves before the packet is posted --- */

/* The stack must come back with the same bytes. One that goes on behind them
 * matches E, and the peer gets a bad record: no card can notice. */
static void
expect_garbage(uint32_t from)
{
	assert_int_equal(nb_stream_send(&st, p, mst, from, from + 200, 0), 0);
	nb_run(&b);
	assert_memory_not_equal(nb_frame(p, 0)->f_payload, st.bytes + from,
	    200);
	nb_clear(p);
}

static void
test_mlx5_M15_header_too_long_to_be_inlined(void **state)
{
	teardown(NULL);
	bench(0, "max_inline=60");
	start_at(FULL);
	assert_int_equal(transmit(packet(FULL, FULL + MSS, 0, 12, 0)), ENOBUFS);
	assert_int_equal(TLS("tx_packets"), 1 + 1);
	assert_int_equal(SQ("dropped"), 1);
	assert_int_equal(expected(mst), FULL + MSS);
	row(FULL, FULL + MSS, "UMR SET_PSV NOP SEND", 5, 0);
	assert_int_equal(transmit(packet(FULL + MSS, FULL + 2 * MSS, 0, 12, 0)),
	    ENOBUFS);
	expect_garbage(FULL + 2 * MSS);
}

static void
test_mlx5_M16_too_many_segments_are_copied_once(void **state)
{
	struct mbuf *m, **mp, *chain = NULL;

	start_at(FULL);
	for (uint32_t at = 0, i = 0; i < 70; i++, at += 20) {
		for (mp = &chain; *mp != NULL; mp = &(*mp)->m_next)
			;
		*mp = nb_slice(st.rec[1], at, at + 20);
	}
	m = nb_packet(&b, &(struct nb_hdr) { .seq = NB_SEQ + FULL }, chain);
	assert_int_equal(transmit(m), 0);
	(void)nb_stream_check(&st, p, FULL, FULL + 1400);
	assert_int_equal(SQ("defragged"), 1);
	assert_int_equal(expected(mst), FULL + 1400);
}

static void
test_mlx5_M16_a_mapping_that_fails_has_the_same_hazard(void **state)
{
	start_at(FULL);
	assert_int_equal(nic_order(p->n, NIC_ORDER_DMA_FAIL, 1), 0);
	assert_int_equal(nb_stream_send(&st, p, mst, FULL, FULL + 100, 0),
	    ENOBUFS);
	assert_int_equal(SQ("dropped"), 1);
	assert_int_equal(p->n->n_stats.dma_map_failed, 1);
	assert_int_equal(expected(mst), FULL + 100);
	row(FULL, FULL + 100, "UMR SET_PSV NOP SEND", 5, 0);
}

static void
test_mlx5_M17_encapsulated_packets_are_dropped(void **state)
{
	struct nb_hdr h = { .seq = NB_SEQ + FULL, .udp = true };

	start_at(FULL);
	assert_int_equal(transmit(nb_packet(&b, &h,
			     nb_stream_chain(&st, FULL, FULL + 9))),
	    ENOBUFS);
	assert_int_equal(SQ("dropped"), 1);
	assert_int_equal(TLS("tx_error"), 0);
	assert_int_equal(expected(mst), FULL);
}

static void
test_mlx5_M18_two_holes_in_two_records_alternating(void **state)
{
	start_at(3 * FULL);
	for (uint32_t i = 0; i < 3; i++) {
		row(5000 + i * MSS, 5000 + (i + 1) * MSS,
		    i == 0	 ? "UMR SET_PSV DUMPx6 SEND"
			: i == 1 ? "UMR SET_PSV DUMPx8 SEND"
				 : "UMR SET_PSV DUMPx9 SEND",
		    i == 0	 ? 10
			: i == 1 ? 12
				 : 13,
		    5000 + i * MSS);
		row(FULL + 200, FULL + 200 + MSS, "UMR SET_PSV DUMPx2 SEND", 6,
		    200);
	}
}

static void
test_mlx5_M19_a_duplicate_of_the_packet_just_sent(void **state)
{
	start_at(FULL + MSS);
	row(FULL, FULL + MSS, "UMR SET_PSV NOP SEND", 5, 0);
	row(FULL, FULL + MSS, "UMR SET_PSV NOP SEND", 5, 0);
}

static void
test_mlx5_M20_a_tag_outlives_its_holder_until_its_packets_are_out(void **state)
{
	uint32_t at = FULL;

	start_at(FULL);
	fill(&at, 1000);
	m_snd_tag_rele(mst);
	assert_int_equal(p->n->n_stats.tls_tags, 1);
	(void)nb_stream_check(&st, p, FULL, at);
	assert_int_equal(p->n->n_stats.tls_tags, 0);
	mst = NULL;
}

/* The stack leaves the tag to the driver, which puts it into the inlined
 * header; the stream's bytes are the same. */
static void
test_mlx5_a_vlan_tag_is_inserted_into_the_inlined_header(void **state)
{
	struct mbuf *m = packet(0, 3 * MSS, 0, 0, MSS);

	m->m_flags |= M_VLANTAG;
	m->m_pkthdr.ether_vtag = 0x2123;
	assert_int_equal(transmit(m), 0);
	nb_run(&b);
	assert_int_equal(p->count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(nb_frame(p, i)->f_l2len, 18);
		assert_memory_equal(nb_frame(p, i)->f_hdr + 12,
		    "\x81\x00\x21\x23\x08\x00", 6);
	}
	(void)nb_stream_check(&st, p, 0, 3 * MSS);
	/* In band, by the stack: the same. */
	m = nb_packet(&b,
	    &(struct nb_hdr) { .seq = NB_SEQ + 3 * MSS, .vlan = true },
	    nb_stream_chain(&st, 3 * MSS, 4 * MSS));
	assert_int_equal(transmit(m), 0);
	(void)nb_stream_check(&st, p, 3 * MSS, 4 * MSS);
	assert_int_equal(TLS("tx_packets_ooo"), 1);
}

/* --- figures of the sheet --- */

/* P4: the last segment of a full record, 11.3 times itself. */
static void
test_mlx5_P4_the_tail_of_a_record_reads_all_of_it(void **state)
{
	struct row was, now;

	start_at(2 * FULL);
	was = snap(p);
	(void)nb_stream_go(&st, p, mst, FULL - MSS, FULL, 0);
	now = snap(p);
	assert_int_equal(now.reread - was.reread, FULL - MSS);
	assert_int_equal((now.reread - was.reread + now.payload - was.payload) *
		10 / MSS,
	    113);
}

/* Pieces are the highest power of two that the MTU lets pass. */
static void
test_mlx5_dump_of_a_record_at_mtu_9000_is_five_pieces(void **state)
{
	p->n->n_if.if_mtu = 9000;
	start_at(2 * FULL);
	row(FULL - 20, FULL, "UMR SET_PSV DUMPx5 SEND", 9, FULL - 20);
}

static void
test_mlx5_the_first_frame_tells_what_was_read_again(void **state)
{
	start_at(2 * FULL);
	assert_int_equal(nb_stream_send(&st, p, mst, 5000, 5000 + 2 * MSS, MSS),
	    0);
	nb_run(&b);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_reread, 5000);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_rec_seqno, NB_SEQNO);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_rec_off, 5000);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_tag, mst->number);
	assert_int_equal(nb_frame(p, 0)->f_note.pn_queue, 1);
	assert_int_equal(nb_frame(p, 1)->f_note.pn_reread, 0);
}

/* A record may only leave with a tag of this port. */
static void
test_mlx5_records_without_a_tag_of_this_port_are_refused(void **state)
{
	struct m_snd_tag *other = nb_tag(&b.port[1], &st.t);

	assert_int_equal(nb_stream_send(&st, p, NULL, 0, 100, 0), ENOBUFS);
	assert_int_equal(nb_stream_send(&st, p, other, 0, 100, 0), ENOBUFS);
	assert_int_equal(p->n->n_stats.tls_plain_refused, 2);
	nb_run(&b);
	assert_int_equal(p->count, 0);
	m_snd_tag_rele(other);
}

/* A bus that is slower than the link: bytes read again take its time. */
static void
test_mlx5_P8_a_slow_bus_bounds_the_rate(void **state)
{
	simtime_t t0, clean, again;

	start_at(FULL);
	t0 = timebase_now(b.v->v_tb);
	(void)nb_stream_go(&st, p, mst, FULL, FULL + MSS, 0);
	clean = timebase_now(b.v->v_tb) - t0;
	nic_bus_set_rate(p->n->n_card->c_bus, NB_RATE / 10);
	t0 = timebase_now(b.v->v_tb);
	(void)nb_stream_go(&st, p, mst, FULL - MSS, FULL, 0);
	again = timebase_now(b.v->v_tb) - t0;
	/* 16.4 KB and 25 blocks at a tenth of the link's rate. */
	assert_in_range(again - clean, simtime_bytes(16413, NB_RATE / 10),
	    simtime_bytes(16413 + 40 * 64, NB_RATE / 10));
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mlx5_M1_first_packet_of_the_session),
		T(test_mlx5_M2_in_order_whatever_the_cuts),
		T(test_mlx5_M3_retransmit_at_a_records_start),
		T(test_mlx5_M4_retransmit_inside_a_record),
		T(test_mlx5_M5_retransmit_over_a_records_end),
		T(test_mlx5_M6_new_data_after_a_retransmit_is_a_second_recovery),
		T(test_mlx5_M7_gap_in_the_same_record_dumps_only_the_gap),
		T(test_mlx5_M8_gap_from_the_records_start_is_a_full_rebuild),
		T(test_mlx5_M9_new_tag_after_failover_mid_record),
		T(test_mlx5_M9_the_first_packet_of_a_tag_is_never_a_gap),
		T(test_defect_the_first_packet_is_taken_for_a_gap),
		T(test_mlx5_M11_an_ack_has_no_context_and_no_counter),
		T(test_mlx5_M12_a_fin_takes_no_sequence_of_the_context),
		T(test_mlx5_M13_a_full_ring_consumes_nothing),
		T(test_mlx5_M14_dumps_that_do_not_fit_rewind),
		T(test_mlx5_M14b_recovery_without_room_for_the_packet_is_not_repeated),
		T(test_mlx5_M15_header_too_long_to_be_inlined),
		T(test_mlx5_M16_too_many_segments_are_copied_once),
		T(test_mlx5_M16_a_mapping_that_fails_has_the_same_hazard),
		T(test_mlx5_M17_encapsulated_packets_are_dropped),
		T(test_mlx5_M18_two_holes_in_two_records_alternating),
		T(test_mlx5_M19_a_duplicate_of_the_packet_just_sent),
		T(test_mlx5_M20_a_tag_outlives_its_holder_until_its_packets_are_out),
		T(test_mlx5_a_vlan_tag_is_inserted_into_the_inlined_header),
		T(test_mlx5_P4_the_tail_of_a_record_reads_all_of_it),
		T(test_mlx5_dump_of_a_record_at_mtu_9000_is_five_pieces),
		T(test_mlx5_the_first_frame_tells_what_was_read_again),
		T(test_mlx5_records_without_a_tag_of_this_port_are_refused),
		T(test_mlx5_P8_a_slow_bus_bounds_the_rate),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
