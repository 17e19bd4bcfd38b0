/*
 * Rows C1 to C23 of nic-models.md 5.12: work requests, bytes over the bus,
 * bytes on the wire, counters, and what the next packet finds.
 */
#include "t6bench.h"

#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/netinet/tcp.h>

#define REC 16413 /* a full record of AES-GCM */
#define PAY 16384

static struct t6b tb;

static void
begin(const char *suite, const char *knobs, unsigned nrecs)
{
	tb_init(&tb, suite, knobs);
	tb_records(&tb, nrecs, PAY);
}

static int
setup(void **state)
{
	begin("aes128-gcm-1.2", "", 4);
	tb_open(&tb);
	return (0);
}

static int
teardown(void **state)
{
	tb_fini(&tb);
	return (0);
}

/* The first packet is behind us: fields are known, the next byte is at. */
static void
sent_up_to(uint32_t at)
{
	for (uint32_t from = 0; from < at; from += 20000)
		tb_sent(&tb, from, MIN(from + 20000, at), NULL);
}

static void
wire(uint32_t lo, uint32_t hi, uint32_t bytes)
{
	assert_int_equal(tb.lo, lo);
	assert_int_equal(tb.hi, hi);
	assert_int_equal(tb.bytes, bytes);
}

static uint64_t
moved(const char *name, uint64_t before)
{
	return (tb_ctr(&tb, name) - before);
}

static const uint8_t *
tcp_of(const struct frame *f)
{
	return (f->f_hdr + f->f_l2len + f->f_l3len);
}

static void
test_T6_C1_the_first_packet_writes_every_field(void **state)
{
	uint64_t raw = tb_ctr(&tb, "raw_wrs");

	tb_sent(&tb, 0, 2 * REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=5000, SND_UNA_RAW=0, "
	    "RCV_NXT=700, RCV_WND=1000\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 GCM full tlen 16413 seq 5000 "
	    "mss 1448\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 GCM full tlen 16413 seq 21413 "
	    "mss 1448\n");
	wire(0, 2 * REC, 2 * REC);
	assert_int_equal(tb_dma(&tb), 2 * PAY);
	assert_int_equal(tb_waste(&tb), 0);
	assert_int_equal(tb_ctr(&tb, "kern_tls_records"), 2);
	assert_int_equal(tb_ctr(&tb, "kern_tls_full"), 2);
	assert_int_equal(tb_ctr(&tb, "kern_tls_octets"), 2 * REC);
	assert_int_equal(moved("raw_wrs", raw), 1);
	assert_int_equal(tb.b.port[0].n->n_stats.tls_packets, 1);
	assert_int_equal(tb.b.port[0].n->n_stats.tls_bytes, 2 * REC);
}

static void
test_T6_C1_the_echo_too_when_timestamps_are_used(void **state)
{
	tb_fini(&tb);
	begin("aes128-gcm-1.2", "", 2);
	tb.ts = true;
	tb.tsecr = 42;
	tb.t.conn.ts_offset = 0xa0000000;
	tb_open(&tb);
	tb_sent(&tb, 0, REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: T_RTSEQ_RECENT=42, TX_MAX=5000, "
	    "SND_UNA_RAW=0, RCV_NXT=700, RCV_WND=1000\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 GCM full tlen 16413 seq 5000 "
	    "mss 1448\n");
	/* The card's own clock, and its offset. */
	assert_int_equal(be32dec(tcp_of(nb_frame(&tb.b.port[0], 0)) + 24),
	    0xa0000000u);
	assert_int_equal(be32dec(tcp_of(nb_frame(&tb.b.port[0], 0)) + 28), 42);
	tb.tsecr = 43;
	tb_sent(&tb, REC, 2 * REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: T_RTSEQ_RECENT=43\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 GCM full tlen 16413 seq 21413 "
	    "mss 1448\n");
}

static void
test_T6_C2_in_order_whole_records_need_no_writes(void **state)
{
	sent_up_to(REC);
	tb_sent(&tb, REC, 2 * REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR TLS tid 0 record 1 GCM full tlen 16413 seq 21413 "
	    "mss 1448\n");
	wire(REC, 2 * REC, REC);
	assert_int_equal(tb_dma(&tb), PAY);
}

static void
test_T6_C3_a_burst_that_ends_inside_a_record_reads_what_it_sends(void **state)
{
	sent_up_to(REC);
	tb_sent(&tb, REC, REC + 5792, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR TLS tid 0 record 1 CTR short tlen 5792 seq 21413 "
	    "mss 1448\n");
	wire(REC, REC + 5792, 5792);
	assert_int_equal(tb_dma(&tb), 5792 - 13);
	assert_int_equal(tb_waste(&tb), 0);
	assert_int_equal(tb_ctr(&tb, "kern_tls_short"), 1);
	assert_int_equal(tb_ctr(&tb, "kern_tls_waste"), 0);
}

static void
test_T6_C4_the_middle_of_a_record_begins_at_a_block(void **state)
{
	sent_up_to(5792);
	tb_sent(&tb, 5792, 8688, NULL);
	/* 5792 - 13 = 16 * 361 + 3 */
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 CTR short tlen 2899 seq 10789 "
	    "mss 1448\n");
	wire(5789, 8688, 2899);
	assert_int_equal(tb_dma(&tb), 2899);
	assert_int_equal(tb_ctr(&tb, "kern_tls_waste"), 3);
	assert_int_equal(tb_ctr(&tb, "kern_tls_octets"), 8688);
}

static void
test_T6_C5_the_end_of_a_record_reads_all_of_it(void **state)
{
	sent_up_to(8688);
	tb_sent(&tb, 8688, REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 GCM full tlen 16413 seq 5000 "
	    "mss 1448\n");
	/* 8688 = 6 MSS: packets before it are wholly below SND_UNA. */
	wire(8688, REC, REC - 8688);
	assert_int_equal(tb_dma(&tb), PAY);
	assert_int_equal(tb_waste(&tb), 8688 - 13);
	assert_int_equal(tb_ctr(&tb, "kern_tls_partial"), 1);
	assert_int_equal(tb_ctr(&tb, "kern_tls_waste"), 8688);
	assert_int_equal(tb_ctr(&tb, "kern_tls_full"), 0);
}

static void
test_T6_C5_a_packet_that_straddles_is_sent_whole(void **state)
{
	sent_up_to(9000);
	tb_sent(&tb, 9000, REC, NULL);
	wire(8688, REC, REC - 8688);
	assert_int_equal(tb_waste(&tb), 8688 - 13);
	sent_up_to(2 * 1448 - 1);
	tb_sent(&tb, 2 * 1448 - 1, REC, NULL);
	wire(1448, REC, REC - 1448); /* MSS - 1 early bytes: the most */
}

static void
test_T6_C6_a_retransmission_at_a_records_start(void **state)
{
	sent_up_to(REC);
	tb_sent(&tb, 0, 1448, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=5000, SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 CTR short tlen 1448 seq 5000 "
	    "mss 1448\n");
	wire(0, 1448, 1448);
	assert_int_equal(tb_dma(&tb), 1448 - 13);
	/* New data behind it: prev_seq is not where the stream goes on. */
	tb_sent(&tb, REC, 2 * REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=21413, SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 GCM full tlen 16413 seq 21413 "
	    "mss 1448\n");
}

static void
test_T6_C7_a_retransmission_inside_a_record_is_a_segment_and_a_block(
    void **state)
{
	sent_up_to(2 * REC);
	tb_sent(&tb, 4344, 5792, NULL);
	/* 4344 - 13 = 16 * 270 + 11: 11 bytes more, and two packets. */
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=9344, SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 CTR short tlen 1459 seq 9333 "
	    "mss 1448\n");
	wire(4333, 5792, 1459);
	assert_int_equal(tb.frames, 2);
	assert_int_equal(nb_frame(&tb.b.port[0], 0)->f_paylen, 1448);
	assert_int_equal(nb_frame(&tb.b.port[0], 1)->f_paylen, 11);
	assert_int_equal(tb_dma(&tb), 1459);
	assert_int_equal(tb_waste(&tb), 0);
}

static void
test_P6_a_retransmission_inside_costs_at_most_a_block_more(void **state)
{
	sent_up_to(2 * REC);
	for (uint32_t at = 13; at < 16000 - 1448; at += 97) {
		tb_sent(&tb, at, at + 1448, NULL);
		assert_true(tb_dma(&tb) <= 1448 + 15);
		assert_true(tb.bytes <= 1448 + 15);
	}
}

static void
test_T6_C8_retransmit_of_the_tail(void **state)
{
	sent_up_to(2 * REC);
	tb_sent(&tb, REC - 1448, REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=19965, SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 GCM full tlen 16413 seq 5000 "
	    "mss 1448\n");
	wire(10 * 1448, REC, REC - 10 * 1448);
	assert_int_equal(tb_dma(&tb), PAY);
	assert_int_equal(tb_waste(&tb), 10 * 1448 - 13);
	assert_int_equal(tb_ctr(&tb, "kern_tls_partial"), 2);
}

static void
test_T6_C9_a_retransmission_over_two_records(void **state)
{
	uint64_t shorts, partial;

	sent_up_to(2 * REC);
	shorts = tb_ctr(&tb, "kern_tls_short");
	partial = tb_ctr(&tb, "kern_tls_partial");
	tb_sent(&tb, REC - 700, REC + 748, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=20713, SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 GCM full tlen 16413 seq 5000 "
	    "mss 1448\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 CTR short tlen 748 seq 21413 "
	    "mss 1448\n");
	assert_int_equal(tb_dma(&tb), PAY + 748 - 13);
	assert_int_equal(moved("kern_tls_short", shorts), 1);
	assert_int_equal(moved("kern_tls_partial", partial), 1);
	/* No more than B's header: in the clear. */
	tb_sent(&tb, REC - 700, REC + 9, NULL);
	assert_int_equal(moved("kern_tls_short", shorts), 1);
	assert_int_equal(moved("kern_tls_partial", partial), 2);
	assert_int_equal(tb_ctr(&tb, "kern_tls_header"), 1);
	assert_int_equal(tb_dma(&tb), PAY);
	assert_int_equal(tb.hi, REC + 9);
}

static void
test_T6_C10_a_range_that_ends_in_the_trailer_is_cut_before_it(void **state)
{
	sent_up_to(14480);
	tb_sent(&tb, 14480, REC - 6, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 CTR short tlen 1920 seq 19477 "
	    "mss 1448\n");
	assert_int_equal(tb.hi, REC - 16);
	/* prev_seq is the trailer's start: no TX_MAX, and all of the tag. */
	tb_sent(&tb, REC - 6, REC + 1442, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 GCM full tlen 16413 seq 5000 "
	    "mss 1448\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 CTR short tlen 1442 seq 21413 "
	    "mss 1448\n");
	/* The packet that the tag is in: the record's last. */
	assert_int_equal(tb.lo, 11 * 1448);
	assert_int_equal(tb.hi, REC + 1442);
}

static void
test_T6_C11_a_range_that_ends_in_the_header_goes_in_the_clear(void **state)
{
	const struct frame *f;

	sent_up_to(REC);
	tb_sent(&tb, REC, REC + 13, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ETH_TX_PKT_WR 67 bytes, immediate\n");
	wire(REC, REC + 13, 13);
	assert_int_equal(tb_dma(&tb), 0);
	assert_int_equal(tb_ctr(&tb, "kern_tls_header"), 1);
	/* The stack's own header: its IP ID and TOS. */
	f = nb_frame(&tb.b.port[0], 0);
	assert_int_equal(be16dec(f->f_hdr + 18), 0x7777);
	assert_int_equal(f->f_hdr[15], 2);
	/* Neither prev_seq nor the control block moved. */
	tb_sent(&tb, REC + 13, REC + 1461, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=21426, SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 CTR short tlen 1448 seq 21426 "
	    "mss 1448\n");
	wire(REC + 13, REC + 1461, 1448);
}

static void
test_T6_C12_a_range_from_the_trailer_to_the_end_sends_the_tag(void **state)
{
	sent_up_to(2 * REC);
	tb_sent(&tb, REC - 5, REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=21397, SND_UNA_RAW=0\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 GCM full tlen 16413 seq 5000 "
	    "mss 1448\n");
	wire(11 * 1448, REC, REC - 11 * 1448);
	assert_int_equal(tb_dma(&tb), PAY);
}

static void
test_T6_C13_a_range_inside_the_trailer_sends_nothing_yet(void **state)
{
	uint64_t shorts;

	sent_up_to(REC - 16);
	shorts = tb_ctr(&tb, "kern_tls_short");
	tb_sent(&tb, REC - 16, REC - 10, NULL);
	assert_string_equal(tb_wrs(&tb), "");
	assert_int_equal(tb.frames, 0);
	assert_int_equal(tb_dma(&tb), 0);
	assert_int_equal(moved("kern_tls_short", shorts), 1);
	assert_int_equal(nic_tx_pending(tb.b.port[0].n), 0);
	/* Asked for again: the block before goes, so that the peer speaks. */
	tb_sent(&tb, REC - 16, REC - 10, NULL);
	wire(REC - 32, REC - 16, 16);
	/* The next send has the tag. */
	tb_sent(&tb, REC - 10, REC, NULL);
	assert_int_equal(tb.hi, REC);
	assert_true(tb.lo <= REC - 16);
}

static void
test_T6_C14_a_fin_goes_behind_the_data_in_a_packet_of_its_own(void **state)
{
	struct tb_pkt p = { .flags = KTH_ACK | KTH_PUSH | KTH_FIN };
	struct frame *f;

	sent_up_to(3 * REC);
	tb_sent(&tb, 3 * REC, 4 * REC, &p);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR TLS tid 0 record 3 GCM full tlen 16413 seq 54239 "
	    "mss 1448 PSH\n"
	    "FW_ETH_TX_PKT_WR 54 bytes, immediate\n");
	assert_int_equal(tb.frames, 13);
	f = nb_frame(&tb.b.port[0], 12);
	assert_int_equal(f->f_paylen, 0);
	assert_int_equal(be32dec(tcp_of(f) + 4), tb.isn + 4 * REC);
	assert_int_equal(tcp_of(f)[13], KTH_ACK | KTH_PUSH | KTH_FIN);
	assert_int_equal(tcp_of(nb_frame(&tb.b.port[0], 11))[13],
	    KTH_ACK | KTH_PUSH);
	assert_int_equal(tcp_of(nb_frame(&tb.b.port[0], 10))[13], KTH_ACK);
	assert_int_equal(tb_ctr(&tb, "kern_tls_fin"), 1);
	assert_int_equal(tb_ctr(&tb, "kern_tls_fin_short"), 0);
}

static void
test_T6_C15_a_fin_behind_a_short_record_leaves_a_hole(void **state)
{
	struct tb_pkt p = { .flags = KTH_ACK | KTH_FIN };
	struct frame *f;

	tb_sent(&tb, 0, REC - 3, &p);
	assert_int_equal(tb_ctr(&tb, "kern_tls_fin_short"), 1);
	f = nb_frame(&tb.b.port[0], tb.frames - 1);
	assert_int_equal(be32dec(tcp_of(f) + 4), tb.isn + REC - 16);
	assert_int_equal(tcp_of(f)[13] & KTH_FIN, KTH_FIN);
}

static void
test_T6_C16_options_go_before_the_data_in_a_packet_of_their_own(void **state)
{
	struct tb_pkt p = { .flags = KTH_ACK | KTH_PUSH, .sack = true };
	const struct frame *f;

	sent_up_to(REC);
	tb_sent(&tb, REC, REC + 1000, &p);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ETH_TX_PKT_WR 66 bytes, immediate\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 CTR short tlen 1000 seq 21413 "
	    "mss 1448 PSH\n");
	f = nb_frame(&tb.b.port[0], 0);
	assert_int_equal(f->f_paylen, 0);
	assert_int_equal(f->f_l4len, 32);
	assert_int_equal(tcp_of(f)[22], KTCPOPT_SACK);
	assert_int_equal(be32dec(tcp_of(f) + 4), tb.isn + REC);
	assert_int_equal(tcp_of(f)[13], KTH_ACK);
	assert_int_equal(nb_frame(&tb.b.port[0], 1)->f_l4len, 20);
	assert_int_equal(tb_ctr(&tb, "kern_tls_options"), 1);
}

static void
test_T6_C17_a_moved_ack_or_window_costs_a_work_request(void **state)
{
	uint64_t raw;

	sent_up_to(REC);
	raw = tb_ctr(&tb, "raw_wrs");
	tb.ack = 800;
	tb_sent(&tb, REC, 2 * REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: RCV_NXT=800\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 GCM full tlen 16413 seq 21413 "
	    "mss 1448\n");
	tb.ack = 900;
	tb.win = 77;
	tb_sent(&tb, 2 * REC, 3 * REC, NULL);
	assert_int_equal(be32dec(tcp_of(nb_frame(&tb.b.port[0], 5)) + 8), 900);
	assert_int_equal(be16dec(tcp_of(nb_frame(&tb.b.port[0], 5)) + 14), 77);
	assert_int_equal(moved("raw_wrs", raw), 2);
}

static void
test_T6_C18_another_mac_or_vlan_is_another_layer_2_entry(void **state)
{
	struct tb_pkt p = { .mac = 9 };
	uint64_t raw;

	sent_up_to(REC);
	raw = tb_ctr(&tb, "raw_wrs");
	tb_sent(&tb, REC, 2 * REC, &p);
	assert_string_equal(tb_wrs(&tb),
	    "FW_TP_WR L2T_WRITE entry 1 vlan 0\n"
	    "FW_ULPTX_WR SET_TCB tid 0: L2T_IX=1\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 GCM full tlen 16413 seq 21413 "
	    "mss 1448\n");
	assert_int_equal(moved("raw_wrs", raw), 2);
	assert_int_equal(nb_frame(&tb.b.port[0], 3)->f_hdr[5], 9);
	p.vtag = 100;
	tb_sent(&tb, 2 * REC, 3 * REC, &p);
	assert_int_equal(nb_frame(&tb.b.port[0], 3)->f_l2len, 18);
	assert_int_equal(be16dec(nb_frame(&tb.b.port[0], 3)->f_hdr + 14), 100);
	/* Nothing changed: nothing written. */
	tb_sent(&tb, 3 * REC, 4 * REC, &p);
	assert_int_equal(moved("raw_wrs", raw), 4);
}

static void
test_T6_C19_a_new_tag_on_the_other_port_begins_in_mid_record(void **state)
{
	struct tb_pkt p = { .port = 1 };
	struct m_snd_tag *old = tb.tag;
	const char *text;

	sent_up_to(9000);
	assert_int_equal(tb_tag(&tb, 1, &tb.tag), 0);
	nb_run(&tb.b);
	tb.b.port[1].log = true;
	assert_int_equal(tb_send(&tb, 9000, REC + 500, &p), 0);
	assert_int_equal(tb.bad, 0);
	text = strbuf_str(&tb.b.port[1].lines);
	assert_string_equal(text,
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=14000, SND_UNA_RAW=0, "
	    "RCV_NXT=700, RCV_WND=1000\n"
	    "FW_ULPTX_WR TLS tid 0 record 0 GCM full tlen 16413 seq 5000 "
	    "mss 1448\n"
	    "FW_ULPTX_WR TLS tid 0 record 1 CTR short tlen 500 seq 21413 "
	    "mss 1448\n");
	wire(8688, REC + 500, REC + 500 - 8688);
	m_snd_tag_rele(old);
}

static void
test_T6_C21_without_key_memory_the_key_is_in_each_work_request(void **state)
{
	uint64_t desc;

	sent_up_to(REC);
	tb_sent(&tb, REC, 2 * REC, NULL);
	desc = tb.b.port[0].n->n_stats.dma_desc - tb.before.dma_desc;
	assert_int_equal(desc, 3 * 64);
	for (int i = 0; i < 2; i++) {
		tb_fini(&tb);
		begin("aes128-gcm-1.2",
		    i == 0 ? "key_memory=0" : "inline_keys=1", 2);
		tb_open(&tb);
		sent_up_to(REC);
		tb_sent(&tb, REC, 2 * REC, NULL);
		desc = tb.b.port[0].n->n_stats.dma_desc - tb.before.dma_desc;
		assert_int_equal(desc, 4 * 64);
		assert_non_null(strstr(tb_wrs(&tb), "inline key"));
	}
}

static void
test_T6_C22_a_packet_of_more_descriptors_than_the_queue_is_EFBIG(void **state)
{
	tb_fini(&tb);
	tb_init(&tb, "aes128-gcm-1.2", "");
	tb_records(&tb, 512, 1); /* of 2 descriptors each */
	tb_open(&tb);
	assert_int_equal(tb_send(&tb, 0, tb.at[512], NULL), EFBIG);
	assert_int_equal(tb_ctr(&tb, "tx_parse_error"), 1);
	assert_int_equal(tb.frames, 0);
	tb_sent(&tb, 0, tb.at[300], NULL);
	assert_int_equal(tb_ctr(&tb, "kern_tls_full"), 300);
}

static void
test_key_memory_is_first_fit_and_comes_back(void **state)
{
	struct m_snd_tag *a, *c;

	tb_fini(&tb);
	begin("aes128-gcm-1.2", "key_memory=100", 2);
	tb.b.port[0].log = true;
	assert_int_equal(tb_tag(&tb, 0, &a), 0);
	nb_run(&tb.b);
	assert_non_null(strstr(tb_wrs(&tb), "MEM_WRITE 48 bytes at 0x0\n"));
	assert_int_equal(tb_tag(&tb, 0, &c), 0);
	nb_run(&tb.b);
	assert_non_null(strstr(tb_wrs(&tb), "MEM_WRITE 48 bytes at 0x30\n"));
	assert_int_equal(tb_tag(&tb, 0, &tb.tag), 0);
	nb_run(&tb.b);
	assert_null(strstr(tb_wrs(&tb), "MEM_WRITE"));
	m_snd_tag_rele(tb.tag);
	m_snd_tag_rele(a);
	assert_int_equal(tb_tag(&tb, 0, &tb.tag), 0);
	nb_run(&tb.b);
	assert_non_null(strstr(tb_wrs(&tb), "MEM_WRITE 48 bytes at 0x0\n"));
	m_snd_tag_rele(c);
	tb_sent(&tb, 0, 2 * REC, NULL);
}

static void
test_combo_work_requests_hold_both_when_they_fit(void **state)
{
	uint64_t raw;

	tb_fini(&tb);
	begin("aes128-gcm-1.2", "combo_wrs=1", 2);
	tb_open(&tb);
	raw = tb_ctr(&tb, "raw_wrs");
	tb_sent(&tb, 0, REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: TX_MAX=5000, SND_UNA_RAW=0, "
	    "RCV_NXT=700, RCV_WND=1000 TLS tid 0 record 0 GCM full "
	    "tlen 16413 seq 5000 mss 1448\n");
	assert_int_equal(moved("raw_wrs", raw), 0);
	/* With the key inside they do not: 4 * 48 + 344 > 512. */
	tb_fini(&tb);
	tb_init(&tb, "aes256-cbc-sha384-1.2", "combo_wrs=1 inline_keys=1");
	tb_records(&tb, 1, PAY);
	tb_open(&tb);
	raw = tb_ctr(&tb, "raw_wrs");
	tb_sent(&tb, 0, tb.at[1], NULL);
	assert_int_equal(moved("raw_wrs", raw), 1);
}

static void
test_T6_C23_packets_without_data_go_the_ordinary_way(void **state)
{
	struct nb_hdr h = { .seq = 1, .flags = KTH_ACK | KTH_FIN };
	struct nic *n = tb.b.port[0].n;
	uint64_t pkts = tb_ctr(&tb, "txpkt_wrs");
	struct mbuf *m = nb_packet(&tb.b, &h, NULL);

	assert_int_equal(n->n_if.if_transmit(&n->n_if, m), 0);
	nb_run(&tb.b);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ETH_TX_PKT_WR 54 bytes, immediate\n");
	assert_int_equal(moved("txpkt_wrs", pkts), 1);
	assert_int_equal(tb_ctr(&tb, "imm_wrs"), 1);
	m = nb_packet(&tb.b, &(struct nb_hdr) { .seq = 1, .mss = 1448 },
	    nb_bytes(&tb.b, 5000, 3));
	assert_int_equal(n->n_if.if_transmit(&n->n_if, m), 0);
	nb_run(&tb.b);
	assert_int_equal(tb_ctr(&tb, "tso_wrs"), 1);
	assert_int_equal(tb_ctr(&tb, "txcsum"), 2);
	assert_int_equal(tb.b.port[0].count, 1 + 4);
}

static void
test_the_mss_is_the_bursts_or_the_last_ones_or_the_mtus(void **state)
{
	tb_sent(&tb, 0, 1000, NULL);
	assert_non_null(strstr(tb_wrs(&tb), "mss 1460\n"));
	tb_sent(&tb, 1000, 4000, NULL);
	assert_non_null(strstr(tb_wrs(&tb), "mss 1448\n"));
	tb_sent(&tb, 4000, 5000, NULL);
	assert_non_null(strstr(tb_wrs(&tb), "mss 1448\n"));
}

/* --- headers --- */

static void
test_the_card_writes_headers_of_its_own(void **state)
{
	const struct frame *f;
	struct tb_pkt p = { .flags = KTH_ACK | KTH_CWR | KTH_ECE | KTH_URG };

	tb_sent(&tb, 0, 3 * 1448, &p);
	for (unsigned i = 0; i < 3; i++) {
		f = nb_frame(&tb.b.port[0], i);
		assert_memory_equal(f->f_hdr, "\2\0\0\0\0\2", 6);
		assert_memory_equal(f->f_hdr + 6, nb_mac, 6);
		assert_int_equal(f->f_hdr[15], 0); /* ECT is lost */
		assert_int_equal(be16dec(f->f_hdr + 16), 40 + 1448);
		assert_int_equal(be16dec(f->f_hdr + 18), i); /* its own ID */
		assert_int_equal(f->f_hdr[22], 64);
		assert_memory_equal(f->f_hdr + 26, "\12\0\0\1\12\0\0\2", 8);
		assert_int_equal(be16dec(tcp_of(f)), 443);
		assert_int_equal(be16dec(tcp_of(f) + 2), 50000);
		assert_int_equal(tcp_of(f)[13], KTH_ACK);
		assert_int_equal(be16dec(tcp_of(f) + 18), 0);
	}
	tb_sent(&tb, 3 * 1448, 4 * 1448, NULL);
	assert_int_equal(be16dec(nb_frame(&tb.b.port[0], 0)->f_hdr + 18), 3);
}

static void
v6_conn(void)
{
	struct in_any a;

	memset(a.a, 0xfd, 16);
	tb.t.conn.local.sa_family = tb.t.conn.foreign.sa_family = KAF_INET6;
	tb.t.conn.local.sa_addr = a;
	memset(tb.t.conn.foreign.sa_addr.a, 0xfe, 16);
	assert_int_equal(if_addr_add(&tb.b.port[0].n->n_if, KAF_INET6, &a, 64),
	    0);
	tb.v6 = true;
}

static void
test_ipv6_headers_are_the_cards_too(void **state)
{
	const struct frame *f;

	tb_fini(&tb);
	begin("aes128-gcm-1.2", "", 1);
	v6_conn();
	tb_open(&tb);
	tb_sent(&tb, 0, REC, NULL);
	f = nb_frame(&tb.b.port[0], 11);
	assert_int_equal(be32dec(f->f_hdr + 14), 0x60000000);
	assert_int_equal(be16dec(f->f_hdr + 18), 20 + REC - 11 * 1448);
	assert_int_equal(f->f_hdr[20], 6);
	assert_int_equal(f->f_hdr[21], 64);
	assert_int_equal(f->f_hdr[22], 0xfd);
	assert_int_equal(f->f_hdr[38], 0xfe);
	tb_sent(&tb, 0, 9, NULL); /* in the clear */
}

/* --- checks before the queue: 5.7 --- */

static void
refused(struct mbuf *m, int error, uint64_t parse)
{
	struct nic *n = tb.b.port[0].n;

	assert_int_equal(n->n_if.if_transmit(&n->n_if, m), error);
	nb_run(&tb.b);
	assert_int_equal(tb_ctr(&tb, "tx_parse_error"), parse);
	assert_int_equal(tb.b.port[0].count, 0);
}

static struct mbuf *
tagged(const struct nb_hdr *h, struct mbuf *chain)
{
	struct mbuf *m = nb_packet(&tb.b, h, chain);

	nb_settag(m, tb.tag);
	return (m);
}

static void
test_malformed_packets_are_refused_before_they_are_queued(void **state)
{
	struct nb_hdr h = { .seq = 5000 };
	struct mbuf *m, *chain;

	h.vlan = true; /* in-band */
	refused(tagged(&h, nb_slice(tb.recs[0], 0, 100)), EINVAL, 1);
	h = (struct nb_hdr) { .seq = 5000, .udp = true };
	refused(tagged(&h, nb_slice(tb.recs[0], 0, 100)), EINVAL, 2);
	h = (struct nb_hdr) { .seq = 5000 };
	refused(tagged(&h, nb_bytes(&tb.b, 100, 1)), EINVAL, 3);
	chain = nb_slice(tb.recs[0], 0, REC);
	chain->m_next = nb_bytes(&tb.b, 100, 1);
	refused(tagged(&h, chain), EINVAL, 4);
	/* A header-only record that is not the last. */
	chain = nb_slice(tb.recs[0], 0, 10);
	chain->m_next = nb_slice(tb.recs[1], 0, 10);
	refused(tagged(&h, chain), EINVAL, 5);
	m = tagged(&h, nb_slice(tb.recs[0], 0, 100));
	m->m_len += 4; /* payload in the header's mbuf */
	m->m_pkthdr.len += 4;
	refused(m, EINVAL, 6);
	/* A record without a tag. */
	refused(nb_packet(&tb.b, &h, nb_slice(tb.recs[0], 0, 100)), EINVAL, 7);
	assert_int_equal(tb.b.port[0].n->n_stats.tls_plain_refused, 1);
}

static void
test_nothing_is_taken_while_the_link_is_down(void **state)
{
	nic_link(tb.b.port[0].n, false);
	assert_int_equal(tb_send(&tb, 0, 100, NULL), ENETDOWN);
	nic_link(tb.b.port[0].n, true);
	tb_sent(&tb, 0, 100, NULL);
}

/* --- the software ring --- */

static void
test_what_does_not_fit_in_descriptors_waits_and_then_it_is_ENOBUFS(void **state)
{
	struct nb_hdr h = { .seq = 1 };
	unsigned taken = 0;
	struct nic *n;
	int error;

	tb_fini(&tb);
	begin("aes128-gcm-1.2", "soft_ring=50", 1);
	n = tb.b.port[0].n;
	while ((error = n->n_if.if_transmit(&n->n_if,
		    nb_packet(&tb.b, &h, NULL))) == 0)
		taken++;
	assert_int_equal(error, ENOBUFS);
	assert_int_equal(taken, 1024 / 2 + 50);
	assert_int_equal(n->n_stats.enobuf, 1);
	nb_run(&tb.b);
	assert_int_equal(tb.b.port[0].count, taken);
}

static void
test_a_session_keeps_its_order_through_the_software_ring(void **state)
{
	struct nic *n = tb.b.port[0].n;
	struct nb_hdr h = { .mss = TB_MSS };
	uint32_t seq = 5000, next = 5000;
	struct frame *f;
	struct mbuf *m;

	tb_sent(&tb, 0, 4 * REC, NULL);
	nb_clear(&tb.b.port[0]);
	for (int i = 0; i < 600; i++, seq += REC) {
		h.seq = seq;
		m = tagged(&h, nb_slice(tb.recs[0], 0, REC));
		assert_int_equal(n->n_if.if_transmit(&n->n_if, m), 0);
	}
	nb_run(&tb.b);
	STAILQ_FOREACH(f, &tb.b.port[0].got, f_link) {
		assert_int_equal(be32dec(tcp_of(f) + 4), next);
		next += f->f_paylen;
	}
	assert_int_equal(next, seq);
}

static void
test_a_failed_mapping_loses_the_packet_and_nothing_else(void **state)
{
	struct nic *n = tb.b.port[0].n;

	sent_up_to(REC);
	assert_int_equal(nic_order(n, NIC_ORDER_DMA_FAIL, 1), 0);
	(void)tb_send(&tb, REC, 3 * REC, NULL);
	assert_int_equal(tb.frames, 0);
	assert_int_equal(n->n_if.if_ctr.oerrors, 1);
	assert_int_equal(nic_tx_pending(n), 0);
	/* prev_seq did not move. */
	tb_sent(&tb, REC, 2 * REC, NULL);
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR TLS tid 0 record 1 GCM full tlen 16413 seq 21413 "
	    "mss 1448\n");
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_T6_C1_the_first_packet_writes_every_field),
		T(test_T6_C1_the_echo_too_when_timestamps_are_used),
		T(test_T6_C2_in_order_whole_records_need_no_writes),
		T(test_T6_C3_a_burst_that_ends_inside_a_record_reads_what_it_sends),
		T(test_T6_C4_the_middle_of_a_record_begins_at_a_block),
		T(test_T6_C5_the_end_of_a_record_reads_all_of_it),
		T(test_T6_C5_a_packet_that_straddles_is_sent_whole),
		T(test_T6_C6_a_retransmission_at_a_records_start),
		T(test_T6_C7_a_retransmission_inside_a_record_is_a_segment_and_a_block),
		T(test_P6_a_retransmission_inside_costs_at_most_a_block_more),
		T(test_T6_C8_retransmit_of_the_tail),
		T(test_T6_C9_a_retransmission_over_two_records),
		T(test_T6_C10_a_range_that_ends_in_the_trailer_is_cut_before_it),
		T(test_T6_C11_a_range_that_ends_in_the_header_goes_in_the_clear),
		T(test_T6_C12_a_range_from_the_trailer_to_the_end_sends_the_tag),
		T(test_T6_C13_a_range_inside_the_trailer_sends_nothing_yet),
		T(test_T6_C14_a_fin_goes_behind_the_data_in_a_packet_of_its_own),
		T(test_T6_C15_a_fin_behind_a_short_record_leaves_a_hole),
		T(test_T6_C16_options_go_before_the_data_in_a_packet_of_their_own),
		T(test_T6_C17_a_moved_ack_or_window_costs_a_work_request),
		T(test_T6_C18_another_mac_or_vlan_is_another_layer_2_entry),
		T(test_T6_C19_a_new_tag_on_the_other_port_begins_in_mid_record),
		T(test_T6_C21_without_key_memory_the_key_is_in_each_work_request),
		T(test_T6_C22_a_packet_of_more_descriptors_than_the_queue_is_EFBIG),
		T(test_key_memory_is_first_fit_and_comes_back),
		T(test_combo_work_requests_hold_both_when_they_fit),
		T(test_T6_C23_packets_without_data_go_the_ordinary_way),
		T(test_the_mss_is_the_bursts_or_the_last_ones_or_the_mtus),
		T(test_the_card_writes_headers_of_its_own),
		T(test_ipv6_headers_are_the_cards_too),
		T(test_malformed_packets_are_refused_before_they_are_queued),
		T(test_nothing_is_taken_while_the_link_is_down),
		T(test_what_does_not_fit_in_descriptors_waits_and_then_it_is_ENOBUFS),
		T(test_a_session_keeps_its_order_through_the_software_ring),
		T(test_a_failed_mapping_loses_the_packet_and_nothing_else),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
