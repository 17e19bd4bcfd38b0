/*
 * The ConnectX-6 Dx against a driver that makes mistakes: work requests with
 * flipped bits, of every kind. It sends something else, or stops its queue; it
 * reads nothing that it was not given.
 */
#include "nicstream.h"

#include <string.h>

#include <ktsim/base/bytes.h>

#include "cx6dx_drv.h"

#define MSS 1448u

static const uint32_t sizes[4] = { 16384, 300, 16384, 16384 };

static struct nicbench b;
static struct nb_stream st;
static struct nb_port *p;

static struct nic_queue *
queue_of(struct m_snd_tag *mst)
{
	return (((struct cx_tag *)(void *)mst)->ct_rl->sq_txq->t_q);
}

/* A bit of what was posted and not yet fetched. */
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
mistakes(const char *suite, uint32_t seed)
{
	static const struct {
		uint32_t from, to;
	} asks[] = { { 0, 9000 }, { 9000, 20000 }, { 5000, 5000 + MSS },
		{ 16000, 16000 + MSS }, { 16000 + 2 * MSS, 30000 },
		{ 30000, 30100 } };
	struct m_snd_tag *mst;
	uint32_t x = seed;
	struct nic *n;

	nb_init_knobs(&b, "cx6dx", 0, "");
	nb_stream_init(&b, &st, tls_suite_byname(suite), sizes, 4);
	p = &b.port[0];
	n = p->n;
	mst = nb_tag(p, &st.t);
	for (unsigned i = 0; i < 400; i++) {
		if (nb_stream_send(&st, p, mst, asks[i % 6].from,
			asks[i % 6].to, MSS) == 0)
			for (unsigned k = 0; k <= i % 3; k++)
				flip(queue_of(mst), &x);
		nb_run(&b);
		nb_clear(p);
		(void)nb_wqes(p);
		assert_int_equal(nic_tx_pending(n), 0);
		if (!queue_of(mst)->q_error)
			continue;
		/* The driver's remedy; the tag is set up anew. */
		assert_int_equal(nic_order(n, NIC_ORDER_RESET, 0), 0);
		nb_run(&b);
	}
	assert_true(n->n_stats.cqe_err > 0);
	m_snd_tag_rele(mst);
	nb_run(&b);
	nb_stream_fini(&st);
	nb_fini(&b);
}

static void
test_flipped_bits_of_work_requests_are_survived(void **state)
{
	for (uint32_t seed = 1; seed <= 6; seed++) {
		mistakes("aes128-gcm-1.2", seed);
		mistakes("aes256-gcm-1.3", seed);
	}
}

/* Its end is beyond the mapping only if 32 bits hold it. */
static void
test_a_dump_whose_end_wraps_stops_the_queue(void **state)
{
	struct cx_dump_wqe w;
	struct m_snd_tag *mst;
	struct nic_txq *t;
	struct nic *n;
	uint64_t v;

	nb_init_knobs(&b, "cx6dx", 0, "");
	nb_stream_init(&b, &st, tls_suite_byname("aes128-gcm-1.2"), sizes, 4);
	p = &b.port[0];
	n = p->n;
	mst = nb_tag(p, &st.t);
	(void)nb_stream_go(&st, p, mst, 0, 9000, MSS);
	t = ((struct cx_tag *)(void *)mst)->ct_rl->sq_txq;
	memset(&w, 0, sizeof(w));
	cx_ctrl_init(&w.wd_ctrl, t, CX_OPCODE_DUMP, 0, sizeof(w) / 16);
	be32enc(w.wd_ctrl.wc_imm, ((struct cx_tag *)(void *)mst)->ct_tisn << 8);
	be32enc(w.wd_data.wd_len, UINT32_MAX - 10);
	be64enc(w.wd_data.wd_addr, nic_dma_map(t->t_q, st.bytes, 4096) + 100);
	nic_txq_post(t, &w, sizeof(w), NULL, 1, NULL);
	nic_txq_ring(t);
	nb_run(&b);
	assert_int_equal(n->n_stats.cqe_err, 1);
	assert_int_equal(sysctl_read(b.v, "dev.mce.0.txstat1tc0.cqe_err", &v),
	    0);
	assert_int_equal(v, 1);
	assert_true(t->t_q->q_error);
	m_snd_tag_rele(mst);
	nb_run(&b);
	nb_stream_fini(&st);
	nb_fini(&b);
}

/* Captures show the work requests: what is in none of their fields is zero,
 * not what the driver's stack happened to hold. */
static void
test_there_is_nothing_between_the_fields(void **state)
{
	struct nb_hdr h = { .seq = 1, .optlen = 4 };
	const struct cx_ctrl *c;
	const struct cx_eth *e;
	const uint8_t *end;
	struct nic_queue *q;
	uint32_t used;

	nb_init_knobs(&b, "cx6dx", 0, "");
	p = &b.port[0];
	q = p->n->n_drv->d_txqs[0].t_q;
	memset(q->q_ring, 0xa5, 4 * NIC_BLOCK);
	assert_int_equal(p->n->n_if.if_transmit(&p->n->n_if,
			     nb_packet(&b, &h, nb_bytes(&b, 100, 1))),
	    0);
	for (q = p->n->n_card->c_queues; q->q_pi == 0;)
		q++;
	c = (const void *)nic_ring_block(q, 0);
	e = (const void *)(c + 1);
	used = be16dec(e->we_inline_size);
	end = (const uint8_t *)e + CX_ETH_INLINE + used;
	used += (uint32_t)sizeof(*c) + CX_ETH_INLINE;
	assert_int_not_equal(used % 16, 0);
	for (; used % 16 != 0; used++)
		assert_int_equal(*end++, 0);
	nb_run(&b);
	nb_clear(p);
	nb_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_flipped_bits_of_work_requests_are_survived),
		cmocka_unit_test(test_a_dump_whose_end_wraps_stops_the_queue),
		cmocka_unit_test(test_there_is_nothing_between_the_fields),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
