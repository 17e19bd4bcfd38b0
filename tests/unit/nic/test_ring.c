/* The transmit ring: order, refusal, and the line's time to the picosecond. */
#include "nicbench.h"

#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/net/ethernet.h>

#define RING 4
#define PS   8000u /* per byte at 1 Gbit/s */

static struct nicbench b;

static int
setup(void **state)
{
	nb_init(&b, "basic", RING);
	return (0);
}

static int
teardown(void **state)
{
	nb_fini(&b);
	return (0);
}

static uint32_t
frame_seq(const struct frame *f)
{
	return (be32dec(f->f_hdr + 14 + 20 + 4));
}

static void
test_a_full_ring_refuses_and_frees_the_packet(void **state)
{
	struct nic *n = b.port[0].n;

	for (int i = 0; i < RING; i++)
		assert_int_equal(nb_send(&b, 100, (uint32_t)i, 0), 0);
	assert_int_equal(nb_send(&b, 100, 99, 0), ENOBUFS);
	assert_int_equal(n->n_stats.enobuf, 1);
	assert_int_equal(n->n_if.if_ctr.oqdrops, 1);
	assert_int_equal(nic_tx_pending(n), RING);
	assert_int_equal(n->n_stats.tx_packets, RING);
	/* header and payload mbuf of each packet in the ring, no more */
	assert_int_equal(b.v->v_mb->mb_zone.z_inuse, 2 * RING);
	nb_run(&b);
	assert_int_equal(b.port[0].count, RING);
	assert_int_equal(nic_tx_pending(n), 0);
	assert_int_equal(b.v->v_mb->mb_zone.z_inuse, 0);
	assert_int_equal(nb_send(&b, 100, 5, 0), 0);
	nb_run(&b);
}

static void
test_packets_leave_in_the_order_they_came(void **state)
{
	for (int i = 0; i < RING; i++)
		assert_int_equal(nb_send(&b, 10u + 300u * (uint32_t)(RING - i),
				     (uint32_t)i * 10, 0),
		    0);
	nb_run(&b);
	for (unsigned i = 0; i < RING; i++)
		assert_int_equal(frame_seq(nb_frame(&b.port[0], i)), i * 10);
}

static void
test_frames_occupy_the_line_for_exactly_their_bits(void **state)
{
	simtime_t t = b.port[0].n->n_model->nm_fetch;

	assert_int_equal(nb_send(&b, 1000, 0, 0), 0);  /* 1054 + 24 */
	assert_int_equal(nb_send(&b, 1, 1, 0), 0);     /* 60 + 24 */
	assert_int_equal(nb_send(&b, 300, 2, 100), 0); /* 3 x (154 + 24) */
	nb_run(&b);
	assert_int_equal(b.port[0].count, 5);
	t += 1078 * PS;
	assert_int_equal(nb_frame(&b.port[0], 0)->f_when, t);
	t += 84 * PS;
	assert_int_equal(nb_frame(&b.port[0], 1)->f_when, t);
	for (unsigned i = 2; i < 5; i++) {
		t += 178 * PS;
		assert_int_equal(nb_frame(&b.port[0], i)->f_when, t);
	}
	assert_int_equal(engine_timebase(b.eng)->tb_now, t);
}

static void
test_a_slot_is_free_again_when_the_last_bit_is_out(void **state)
{
	simtime_t done = b.port[0].n->n_model->nm_fetch + 1078 * PS;

	assert_int_equal(nb_send(&b, 1000, 0, 0), 0);
	(void)engine_run(b.eng, done - 1);
	assert_int_equal(nic_tx_pending(b.port[0].n), 1);
	assert_int_equal(b.port[0].count, 1);
	(void)engine_run(b.eng, done);
	assert_int_equal(nic_tx_pending(b.port[0].n), 0);
	assert_int_equal(b.v->v_mb->mb_zone.z_inuse, 0);
}

/* What the card has read is frozen; what it has not read yet is not. */
static void
test_payload_is_read_when_the_packet_is_fetched(void **state)
{
	struct ifnet *ifp = &b.port[0].n->n_if;
	struct nb_hdr h = { .seq = 0 };
	struct mbuf *pay = nb_bytes(&b, 100, 0);

	assert_int_equal(ifp->if_transmit(ifp, nb_packet(&b, &h, pay)), 0);
	pay->m_data[0] = 0xee;
	(void)engine_run(b.eng, b.port[0].n->n_model->nm_fetch);
	pay->m_data[0] = 0xdd;
	nb_run(&b);
	assert_int_equal(nb_frame(&b.port[0], 0)->f_payload[0], 0xee);
}

static void
test_a_port_without_link_builds_frames_that_are_lost_at_once(void **state)
{
	struct nic *n = b.port[0].n;

	nic_link(n, false);
	assert_int_equal(n->n_if.if_link_state, LINK_STATE_DOWN);
	assert_int_equal(nb_send(&b, 1000, 0, 100), 0);
	assert_int_equal(nb_send(&b, 10, 0, 0), 0);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 11);
	for (unsigned i = 0; i < 11; i++) {
		assert_true(nb_frame(&b.port[0], i)->f_flags & FRAME_LOST_RING);
		assert_int_equal(nb_frame(&b.port[0], i)->f_when,
		    n->n_model->nm_fetch);
	}
	assert_int_equal(n->n_stats.tx_lost_ring, 11);
	assert_int_equal(nic_tx_pending(n), 0);
	nic_link(n, true);
	nb_clear(&b.port[0]);
	assert_int_equal(nb_send(&b, 10, 0, 0), 0);
	nb_run(&b);
	assert_false(nb_frame(&b.port[0], 0)->f_flags & FRAME_LOST_RING);
}

static void
test_an_interface_that_is_down_refuses(void **state)
{
	struct ifnet *ifp = &b.port[0].n->n_if;

	assert_int_equal(if_setflags(ifp, ifp->if_flags & ~(uint32_t)IFF_UP),
	    0);
	assert_int_equal(nb_send(&b, 10, 0, 0), ENETDOWN);
	nb_run(&b);
	assert_int_equal(b.port[0].count, 0);
	assert_int_equal(b.v->v_mb->mb_zone.z_inuse, 0);
}

static void
test_a_packet_the_card_cannot_cut_is_dropped_and_the_next_goes(void **state)
{
	struct ifnet *ifp = &b.port[0].n->n_if;
	struct nb_hdr udp = { .udp = true, .mss = 100 };

	assert_int_equal(ifp->if_transmit(ifp,
			     nb_packet(&b, &udp, nb_bytes(&b, 300, 0))),
	    EINVAL);
	assert_int_equal(nb_send(&b, 10, 6, 0), 0);
	nb_run(&b);
	assert_int_equal(ifp->if_ctr.oerrors, 1);
	assert_int_equal(b.port[0].count, 1);
	assert_int_equal(frame_seq(nb_frame(&b.port[0], 0)), 6);
}

static void
test_detaching_frees_what_is_in_the_ring(void **state)
{
	/* teardown detaches and counts */
	for (int i = 0; i < RING; i++)
		assert_int_equal(nb_send(&b, 100, 0, 0), 0);
	assert_int_equal(nic_tx_pending(b.port[0].n), RING);
}

static void
test_bad_parameters_are_refused_at_attach(void **state)
{
	struct nic_params np = b.port[0].n->n_params;
	struct nic *n;

	np.np_xname = "mce9";
	np.np_model = "no-such-card";
	assert_int_equal(nic_attach(b.v, &np, &n), EINVAL);
	np.np_model = "basic";
	np.np_mtu = 575;
	assert_int_equal(nic_attach(b.v, &np, &n), EINVAL);
	np.np_mtu = 9217;
	assert_int_equal(nic_attach(b.v, &np, &n), EINVAL);
	np.np_mtu = 9216;
	np.np_ring = 65537;
	assert_int_equal(nic_attach(b.v, &np, &n), EINVAL);
	assert_null(if_lookup(b.v, "mce9"));
}

/* --- receive --- */

static struct frame *
one_frame(uint32_t paylen)
{
	struct frame *f;

	assert_int_equal(nb_send(&b, paylen, 0, 0), 0);
	nb_run(&b);
	f = STAILQ_FIRST(&b.port[0].got);
	STAILQ_REMOVE_HEAD(&b.port[0].got, f_link);
	b.port[0].count--;
	memcpy(f->f_hdr, nb_mac, 6); /* to ourselves */
	return (f);
}

static void
test_receiving_shares_the_payload_and_gives_it_back(void **state)
{
	struct frame *f = one_frame(700);
	const uint8_t *payload = f->f_payload;
	struct mbuf *m;

	frame_ref(f);
	nic_rx(b.port[1].n, f);
	nb_run(&b);
	m = b.rx;
	assert_non_null(m);
	assert_int_equal(m->m_pkthdr.len, 54 + 700);
	assert_ptr_equal(m->m_pkthdr.rcvif, &b.port[1].n->n_if);
	assert_ptr_equal(m->m_next->m_data, payload);
	assert_true(m->m_next->m_flags & M_RDONLY);
	assert_int_equal(m->m_next->m_ext.ext_size, 2048);
	assert_int_equal(f->f_buf->fb_refs, 2);
	frame_rele(f);
	assert_int_equal(b.pool.fp_frames.z_inuse, 0);
	assert_int_equal(b.pool.fp_bufs.z_inuse, 1); /* the mbuf's */
	b.rx = NULL;
	m_freem(m);
	assert_int_equal(b.pool.fp_bufs.z_inuse, 0);
	assert_int_equal(b.port[1].n->n_stats.rx_frames, 1);
	assert_int_equal(b.port[1].n->n_stats.rx_bytes, 754);
}

static void
test_frames_for_others_or_without_link_are_counted_and_freed(void **state)
{
	struct nic *n = b.port[1].n;
	struct frame *f = one_frame(50);

	f->f_hdr[5] ^= 0x55;
	nic_rx(n, f);
	assert_int_equal(n->n_stats.rx_not_mine, 1);
	f = one_frame(50);
	memset(f->f_hdr, 0xff, 6); /* broadcast */
	nic_rx(n, f);
	nb_run(&b);
	assert_int_equal(n->n_stats.rx_frames, 1);
	nic_link(n, false);
	nic_rx(n, one_frame(50));
	nb_run(&b);
	assert_int_equal(n->n_stats.rx_link_down, 1);
	assert_int_equal(n->n_stats.rx_frames, 1);
}

static void
test_reception_without_memory_drops_the_frame(void **state)
{
	struct nic *n = b.port[1].n;
	struct frame *f;

	for (uint64_t k = 1; k <= 2; k++) {
		f = one_frame(50);
		b.v->v_kmem.km_fail_at = b.v->v_kmem.km_nowait + k;
		nic_rx(n, f);
		nb_run(&b);
		assert_int_equal(n->n_if.if_ctr.iqdrops, k);
		assert_null(b.rx);
	}
	assert_int_equal(b.pool.fp_bufs.z_inuse, 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static void
test_the_ring_as_text(void **state)
{
	struct strbuf sb = { 0 };

	assert_int_equal(nb_send(&b, 3000, 7, 1448), 0);
	assert_int_equal(nb_send(&b, 100, 8, 0), 0);
	nic_dump(b.port[0].n, true, &sb, 0);
	assert_string_equal(strbuf_str(&sb),
	    "card mce0 model basic link up\n"
	    "  bursts 0 next@0.5us\n"
	    "  queue 0: 2 of 4 blocks, posted 2 begun 0 done 0 reaped 0, packets 2\n"
	    "    block 0:\n"
	    "      packet len 3054 csum IP IP_TCP IP_TSO tso_segsz 1448\n"
	    "      mbuf 0: len 54 PKTHDR\n"
	    "      mbuf 1: len 2048 EXT; cluster 2048\n"
	    "      mbuf 2: len 952 EXT; cluster 2048\n"
	    "    block 1:\n"
	    "      packet len 154 csum IP IP_TCP\n"
	    "      mbuf 0: len 54 PKTHDR\n"
	    "      mbuf 1: len 100 EXT; cluster 2048\n"
	    "  receive queue 0 frames, lro took 0 gave 0\n"
	    "  sent 2 packets 0 frames 0 bytes, ring full 0 lost in the ring 0\n"
	    "  received 0 frames 0 bytes, interrupts 0 bad checksum 0 link down 0 not mine 0\n"
	    "  tls packets 0 bytes 0 read again 0 refused 0\n");
	strbuf_clear(&sb);
	nb_run(&b);
	nic_dump(b.port[0].n, false, &sb, 1);
	assert_string_equal(strbuf_str(&sb),
	    " card mce0 model basic link up\n"
	    "   sent 2 packets 4 frames 3316 bytes, ring full 0 lost in the ring 0\n"
	    "   received 0 frames 0 bytes, interrupts 0 bad checksum 0 link down 0 not mine 0\n"
	    "   tls packets 0 bytes 0 read again 0 refused 0\n");
	strbuf_fini(&sb);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_the_ring_as_text),
		T(test_a_full_ring_refuses_and_frees_the_packet),
		T(test_packets_leave_in_the_order_they_came),
		T(test_frames_occupy_the_line_for_exactly_their_bits),
		T(test_a_slot_is_free_again_when_the_last_bit_is_out),
		T(test_payload_is_read_when_the_packet_is_fetched),
		T(test_a_port_without_link_builds_frames_that_are_lost_at_once),
		T(test_an_interface_that_is_down_refuses),
		T(test_a_packet_the_card_cannot_cut_is_dropped_and_the_next_goes),
		T(test_detaching_frees_what_is_in_the_ring),
		T(test_bad_parameters_are_refused_at_attach),
		T(test_receiving_shares_the_payload_and_gives_it_back),
		T(test_frames_for_others_or_without_link_are_counted_and_freed),
		T(test_reception_without_memory_drops_the_frame),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
