/*
 * The T6 against a driver that makes mistakes: work requests with flipped
 * bits, of every kind. It sends something else, or stops its queue; it reads
 * nothing that it was not given.
 */
#include "t6bench.h"

#include <string.h>


#include "nic_drv.h"
#include "t6_wr.h"

#define REC 16413

static struct t6b tb;

/* Bits of what was posted and not yet fetched. */
static void
flip(struct nic_queue *q, uint32_t *x)
{
	uint32_t blocks = q->q_pi - q->q_fetched, at;

	*x = *x * 1103515245 + 12345;
	at = (*x >> 8) % (blocks * NIC_BLOCK);
	nic_ring_block(q, q->q_fetched + at / NIC_BLOCK)[at % NIC_BLOCK] ^=
	    (uint8_t)(1u << (*x >> 28 & 7));
}

static void
mistakes(const char *suite, const char *knobs, uint32_t seed)
{
	static const struct {
		uint32_t from, to;
	} asks[] = { { 0, REC }, { 1448, 4344 }, { 9000, REC + 700 }, { 0, 10 },
		{ 0, 2 * REC } };
	struct nic *n;
	struct nb_hdr h = { .seq = 5000 };
	struct mbuf *m;
	uint32_t x = seed;

	tb_init(&tb, suite, knobs);
	tb_records(&tb, 2, 16384);
	tb_open(&tb);
	n = tb.b.port[0].n;
	for (unsigned i = 0; i < 400; i++) {
		h.mss = TB_MSS;
		m = nb_packet(&tb.b, &h,
		    i % 6 == 5
			? nb_bytes(&tb.b, 9000, 1)
			: tb_chain(&tb, asks[i % 6].from, asks[i % 6].to));
		if (i % 6 != 5)
			nb_settag(m, tb.tag);
		if (n->n_if.if_transmit(&n->n_if, m) == 0)
			for (unsigned k = 0; k <= i % 3; k++)
				flip(&n->n_card->c_queues[0], &x);
		nb_run(&tb.b);
		nb_clear(&tb.b.port[0]);
		(void)tb_wrs(&tb);
		assert_int_equal(nic_tx_pending(n), 0);
		if (!n->n_card->c_queues[0].q_error)
			continue;
		/* The driver's remedy. */
		assert_int_equal(nic_order(n, NIC_ORDER_RESET, 0), 0);
		m_snd_tag_rele(tb.tag);
		tb_open(&tb);
	}
	assert_true(n->n_stats.cqe_err > 0);
	tb_fini(&tb);
}

static void
test_flipped_bits_of_work_requests_are_survived(void **state)
{
	for (uint32_t seed = 1; seed <= 4; seed++) {
		mistakes("aes128-gcm-1.2", "", seed);
		mistakes("aes256-gcm-1.2", "inline_keys=1", seed);
		mistakes("aes128-cbc-sha1-1.1", "combo_wrs=1", seed);
		mistakes("aes256-cbc-sha384-1.2", "inline_keys=1 combo_wrs=1",
		    seed);
	}
}

/* --- each thing that makes no sense, by itself --- */

static void
stops_the_queue(const void *wr, uint32_t len)
{
	struct nic *n = tb.b.port[0].n;
	struct nic_txq *t = &n->n_drv->d_txqs[0];
	uint64_t before = n->n_stats.cqe_err;

	nic_txq_post(t, wr, len, NULL, 0, NULL);
	nic_txq_ring(t);
	nb_run(&tb.b);
	assert_int_equal(n->n_stats.cqe_err, before + 1);
	assert_int_equal(tb.b.port[0].count, 0);
	assert_int_equal(nic_order(n, NIC_ORDER_RESET, 0), 0);
}

static void
test_what_makes_no_sense_stops_the_queue(void **state)
{
	struct {
		struct t6_wr_hdr wh;
		union {
			struct t6_set_tcb tcb;
			struct t6_mem_write mw;
			struct ulp_txpkt up;
			struct {
				struct cpl_tx_pkt tp;
				uint8_t bytes[32];
			} pkt;
		};
	} wr;

	tb_init(&tb, "aes128-gcm-1.2", "");
#define WR(op, blocks16, ...)                                             \
	memset(&wr, 0, sizeof(wr));                                       \
	wr.wh = (struct t6_wr_hdr) { .wh_op = op, .wh_len16 = blocks16 }; \
	__VA_ARGS__;                                                      \
	stops_the_queue(&wr, sizeof(wr))
	WR(0x55, 4, (void)0);		/* no such work request */
	WR(FW_ULPTX_WR, 0, (void)0);	/* no length */
	WR(FW_ULPTX_WR, 1000, (void)0); /* too long */
	WR(FW_ULPTX_WR, 4, (void)0);	/* an empty packet in it */
	WR(FW_ULPTX_WR, 4, wr.up.up_len16 = 9);
	WR(FW_ULPTX_WR, 4, wr.up = ((struct ulp_txpkt) { 77, { 0 }, 3 }));
	/* A tid that is not open, a field that there is not. */
	WR(FW_ULPTX_WR, 4,
	    wr.tcb.s_txpkt = ((struct ulp_txpkt) { ULP_TX_PKT, { 0 }, 3 });
	    wr.tcb.s_cpl.st_op = CPL_SET_TCB_FIELD);
	WR(FW_ULPTX_WR, 4,
	    wr.tcb.s_txpkt = ((struct ulp_txpkt) { ULP_TX_PKT, { 0 }, 3 });
	    wr.tcb.s_cpl.st_op = CPL_SET_TCB_FIELD;
	    wr.tcb.s_cpl.st_word = TCB_FIELDS);
	/* More key than the work request has. */
	WR(FW_ULPTX_WR, 4,
	    wr.mw = ((struct t6_mem_write) { .mw_op = ULP_TX_MEM_WRITE,
		.mw_len16 = 3,
		.mw_len = 17 }));
	/* A packet longer than its bytes, and one shorter than a header. */
	WR(FW_ETH_TX_PKT_WR, 4,
	    wr.pkt.tp = ((struct cpl_tx_pkt) { CPL_TX_PKT_XT, 0, 0, 60, 1 }));
	WR(FW_ETH_TX_PKT_WR, 4,
	    wr.pkt.tp = ((struct cpl_tx_pkt) { CPL_TX_PKT_XT, 0, 0, 5, 1 }));
	tb_fini(&tb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_flipped_bits_of_work_requests_are_survived),
		cmocka_unit_test(test_what_makes_no_sense_stops_the_queue),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
