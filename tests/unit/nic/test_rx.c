/*
 * The receive side: one interrupt takes all that arrived, and LRO makes one
 * packet of segments that follow on one another; what the stack is handed is
 * compared with what was put on the wire, byte by byte and in order.
 */
#include "nicbench.h"

#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/prng.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/tcp.h>

static struct nicbench b;

static int
setup(void **state)
{
	nb_init(&b, "basic", 0);
	assert_int_equal(if_setcap(&b.port[1].n->n_if,
			     b.port[1].n->n_if.if_capabilities),
	    0);
	return (0);
}

static int
teardown(void **state)
{
	nb_fini(&b);
	return (0);
}

struct seg {
	uint32_t seq, len;
	uint16_t port;
	uint8_t flags; /* 0: ACK */
	bool v6, bad_sum;
	uint32_t tsval; /* 0: no timestamps */
	uint32_t ack;	/* 0: whatever; so is win */
	uint16_t win;
};

/* Onto port 0's wire. */
static void
put(const struct seg *s)
{
	struct nb_hdr h = { .seq = s->seq,
		.flags = s->flags,
		.v6 = s->v6,
		.optlen = s->tsval != 0 ? 12 : 0 };
	struct mbuf *m = nb_packet(&b, &h,
	    s->len > 0 ? nb_bytes(&b, s->len, (uint8_t)s->seq) : NULL);
	uint8_t *th = m->m_data + 14 + (s->v6 ? 40 : 20);

	if (s->port != 0)
		be16enc(th, s->port);
	if (s->ack != 0) {
		be32enc(th + 8, s->ack);
		be16enc(th + 14, s->win);
	}
	if (s->tsval != 0) {
		be32enc(th + 20, 0x0101080a);
		be32enc(th + 24, s->tsval);
		be32enc(th + 28, s->tsval - 1);
	}
	assert_int_equal(b.port[0].n->n_if.if_transmit(&b.port[0].n->n_if, m),
	    0);
	nb_run(&b);
	if (s->bad_sum) {
		struct frame *f = nb_frame(&b.port[0], b.port[0].count - 1);

		frame_csum_settle(f);
		f->f_hdr[f->f_l2len + f->f_l3len + 16] ^= 1;
	}
}

/* All of it arrives at port 1 before the interrupt. */
static void
deliver(void)
{
	struct nb_port *p = &b.port[0];
	struct frame *f;

	while ((f = STAILQ_FIRST(&p->got)) != NULL) {
		STAILQ_REMOVE_HEAD(&p->got, f_link);
		memcpy(f->f_hdr, nb_mac, 6);
		nic_rx(b.port[1].n, f);
		assert_null(b.rx); /* not before the interrupt */
	}
	p->count = 0;
	nb_run(&b);
}

/* The next packet that the stack was handed is exactly this one. */
static void
expect(const struct seg *s, unsigned nsegs)
{
	uint32_t th = 14 + (s->v6 ? 40 : 20);
	uint32_t hdr = th + 20 + (s->tsval != 0 ? 12 : 0);
	struct mbuf *m = b.rx;
	uint8_t byte;

	assert_non_null(m);
	b.rx = m->m_nextpkt;
	m->m_nextpkt = NULL;
	assert_int_equal(m->m_pkthdr.len, hdr + s->len);
	assert_int_equal(m_length(m, NULL), hdr + s->len);
	assert_int_equal(be16dec(m->m_data + (s->v6 ? 18 : 16)),
	    hdr - (s->v6 ? 54 : 14) + s->len);
	assert_int_equal(be32dec(m->m_data + th + 4), s->seq);
	assert_int_equal(m->m_data[th + 13],
	    s->flags != 0 ? s->flags : KTH_ACK);
	if (s->port != 0)
		assert_int_equal(be16dec(m->m_data + th), s->port);
	if (s->ack != 0) {
		assert_int_equal(be32dec(m->m_data + th + 8), s->ack);
		assert_int_equal(be16dec(m->m_data + th + 14), s->win);
	}
	if (s->tsval != 0)
		assert_int_equal(be32dec(m->m_data + th + 24), s->tsval);
	for (uint32_t i = 0; i < s->len; i++) {
		m_copydata(m, (int)(hdr + i), 1, &byte);
		assert_int_equal(byte, (uint8_t)(s->seq + i));
	}
	assert_int_equal(MAX(m->m_pkthdr.lro_nsegs, 1), nsegs);
	m_freem(m);
}

/* count segments of 256 * k bytes, so that the pattern goes on. */
static void
put_row(struct seg s, unsigned count)
{
	for (unsigned i = 0; i < count; i++, s.seq += s.len)
		put(&s);
}

static void
test_segments_in_a_row_become_one(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		put_row((struct seg) { .seq = 5000, .len = 1024, .v6 = v6 },
		    19);
		put(&(struct seg) { .seq = 5000 + 19 * 1024,
		    .len = 700,
		    .v6 = v6,
		    .flags = KTH_ACK | KTH_PUSH });
		deliver();
		expect(&(struct seg) { .seq = 5000,
			   .len = 19 * 1024 + 700,
			   .v6 = v6,
			   .flags = KTH_ACK | KTH_PUSH },
		    20);
		assert_null(b.rx);
	}
	assert_int_equal(b.port[1].n->n_stats.rx_frames, 40);
	assert_int_equal(b.port[1].n->n_stats.rx_interrupts, 2);
}

static void
test_sequence_numbers_wrap(void **state)
{
	put_row((struct seg) { .seq = 0xffffff00u, .len = 512 }, 3);
	deliver();
	expect(&(struct seg) { .seq = 0xffffff00u, .len = 1536 }, 3);
}

static void
test_a_hole_parts_the_rows(void **state)
{
	put_row((struct seg) { .seq = 0, .len = 512 }, 3);
	put_row((struct seg) { .seq = 2048, .len = 512 }, 2);
	put(&(struct seg) { .seq = 1536, .len = 512 }); /* late */
	deliver();
	expect(&(struct seg) { .seq = 0, .len = 1536 }, 3);
	expect(&(struct seg) { .seq = 2048, .len = 1024 }, 2);
	expect(&(struct seg) { .seq = 1536, .len = 512 }, 1);
	assert_null(b.rx);
}

/* What cannot be merged must not overtake what was collected. */
static void
test_other_segments_of_the_connection_keep_their_place(void **state)
{
	static const struct seg odd[] = {
		{ .seq = 1024, .len = 512, .flags = KTH_ACK | KTH_FIN },
		{ .seq = 1024, .len = 512, .flags = KTH_ACK | KTH_URG },
		{ .seq = 1024, .len = 0 }, /* an ACK alone */
		{ .seq = 1024, .len = 512, .flags = KTH_ACK | KTH_CWR },
		{ .seq = 1024, .len = 0, .flags = KTH_RST },
	};

	for (unsigned i = 0; i < nitems(odd); i++) {
		put_row((struct seg) { .seq = 0, .len = 512 }, 2);
		put(&odd[i]);
		put_row((struct seg) { .seq = 1536, .len = 512 }, 2);
		deliver();
		expect(&(struct seg) { .seq = 0, .len = 1024 }, 2);
		expect(&odd[i], 1);
		expect(&(struct seg) { .seq = 1536, .len = 1024 }, 2);
		assert_null(b.rx);
	}
}

static void
test_a_bad_checksum_is_handed_up_alone(void **state)
{
	put(&(struct seg) { .seq = 0, .len = 512 });
	put(&(struct seg) { .seq = 512, .len = 512, .bad_sum = true });
	put(&(struct seg) { .seq = 1024, .len = 512 });
	deliver();
	expect(&(struct seg) { .seq = 0, .len = 512 }, 1);
	assert_false(b.rx->m_pkthdr.csum_flags & CSUM_L4_VALID);
	expect(&(struct seg) { .seq = 512, .len = 512 }, 1);
	expect(&(struct seg) { .seq = 1024, .len = 512 }, 1);
}

static void
test_the_newest_timestamp_counts_and_an_older_one_parts(void **state)
{
	put(&(struct seg) { .seq = 0, .len = 512, .tsval = 7 });
	put(&(struct seg) { .seq = 512, .len = 512, .tsval = 9 });
	put(&(struct seg) { .seq = 1024, .len = 512, .tsval = 8 });
	put(&(struct seg) { .seq = 1536, .len = 512 });
	deliver();
	expect(&(struct seg) { .seq = 0, .len = 1024, .tsval = 9 }, 2);
	expect(&(struct seg) { .seq = 1024, .len = 512, .tsval = 8 }, 1);
	expect(&(struct seg) { .seq = 1536, .len = 512 }, 1);
}

static void
test_the_newest_acknowledgement_and_window_count(void **state)
{
	put(&(struct seg) { .seq = 0, .len = 512, .ack = 100, .win = 9 });
	put(&(struct seg) { .seq = 512, .len = 512, .ack = 300, .win = 7 });
	deliver();
	expect(&(struct seg) { .seq = 0, .len = 1024, .ack = 300, .win = 7 },
	    2);
}

static void
test_a_packet_stays_below_64_kib(void **state)
{
	put_row((struct seg) { .seq = 0, .len = 1280 }, 60);
	deliver();
	expect(&(struct seg) { .seq = 0, .len = 51 * 1280 }, 51);
	expect(&(struct seg) { .seq = 51 * 1280, .len = 9 * 1280 }, 9);
	assert_null(b.rx);
}

/* More connections than entries, interleaved: each stays in order. */
static void
test_many_connections(void **state)
{
	uint32_t next[12] = { 0 }, got[12] = { 0 }, th = 14 + 20, c, n;
	struct prng r;
	struct mbuf *m;

	prng_init(&r, 1, "lro");
	for (int i = 0; i < 600; i++) {
		c = (uint32_t)prng_below(&r, i % 2 == 0 ? 3 : 12);
		n = 256 * (1 + (uint32_t)prng_below(&r, 5));
		put(&(struct seg) { .seq = next[c],
		    .len = n,
		    .port = (uint16_t)(1000 + c) });
		next[c] += n;
	}
	deliver();
	for (n = 0; (m = b.rx) != NULL; n++) {
		b.rx = m->m_nextpkt;
		m->m_nextpkt = NULL;
		c = be16dec(m->m_data + th) - 1000u;
		assert_int_equal(be32dec(m->m_data + th + 4), got[c]);
		got[c] += (uint32_t)m->m_pkthdr.len - th - 20;
		m_freem(m);
	}
	assert_memory_equal(got, next, sizeof(got));
	assert_in_range(n, 12, 500);
}

static void
test_without_lro_every_segment_is_handed_up(void **state)
{
	struct ifnet *ifp = &b.port[1].n->n_if;

	assert_int_equal(if_setcap(ifp,
			     ifp->if_capabilities & ~(uint64_t)IFCAP_LRO),
	    0);
	put_row((struct seg) { .seq = 0, .len = 512 }, 3);
	deliver();
	for (uint32_t i = 0; i < 3; i++)
		expect(&(struct seg) { .seq = 512 * i, .len = 512 }, 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_segments_in_a_row_become_one),
		T(test_sequence_numbers_wrap),
		T(test_a_hole_parts_the_rows),
		T(test_other_segments_of_the_connection_keep_their_place),
		T(test_a_bad_checksum_is_handed_up_alone),
		T(test_the_newest_timestamp_counts_and_an_older_one_parts),
		T(test_the_newest_acknowledgement_and_window_count),
		T(test_a_packet_stays_below_64_kib),
		T(test_many_connections),
		T(test_without_lro_every_segment_is_handed_up),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
