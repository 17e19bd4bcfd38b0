/* Header edits of a burst: nic-models.md section 2, field by field. */
#include "nicbench.h"

#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/netinet/tcp.h>

static struct nicbench b;

static int
setup(void **state)
{
	nb_init(&b, "basic", 0);
	return (0);
}

static int
teardown(void **state)
{
	nb_fini(&b);
	return (0);
}

static void
send_bytes(const struct nb_hdr *h, uint32_t paylen, const struct pkt_note *pn)
{
	struct nb_port *p = &b.port[0];
	struct mbuf *m = nb_packet(&b, h, nb_bytes(&b, paylen, 3));

	if (pn != NULL)
		m->m_pkthdr.note = *pn;
	nb_clear(p);
	assert_int_equal(p->n->n_if.if_transmit(&p->n->n_if, m), 0);
	nb_run(&b);
}

static const uint8_t *
l3(const struct frame *f)
{
	return (f->f_hdr + f->f_l2len);
}

static const uint8_t *
l4(const struct frame *f)
{
	return (f->f_hdr + f->f_l2len + f->f_l3len);
}

/* Everything of the template that no segment may change. */
static void
check_untouched(const struct nb_hdr *h, const struct frame *f)
{
	struct nb_hdr plain = *h;
	uint8_t a[FRAME_HDR_MAX], c[FRAME_HDR_MAX];
	struct mbuf *m = nb_packet(&b, &plain, NULL);
	uint32_t l2len = f->f_l2len, l3len = f->f_l3len;

	assert_int_equal(m->m_len, f->f_hdrlen);
	memcpy(a, m->m_data, f->f_hdrlen);
	memcpy(c, f->f_hdr, f->f_hdrlen);
	m_freem(m);
	for (int i = 0; i < 2; i++) {
		uint8_t *p = i == 0 ? a : c;

		if (h->v6)
			memset(p + l2len + 4, 0, 2);
		else {
			memset(p + l2len + 2, 0, 4); /* length, id */
			memset(p + l2len + 10, 0, 2);
		}
		memset(p + l2len + l3len + 4, 0, 4); /* seq */
		p[l2len + l3len + 13] = 0;	     /* flags */
		memset(p + l2len + l3len + 16, 0, 2);
	}
	assert_memory_equal(a, c, f->f_hdrlen);
}

static void
check_burst(const struct nb_hdr *h, uint32_t paylen)
{
	const struct nb_port *p = &b.port[0];
	uint8_t tmpl = h->flags, flags;
	uint32_t nseg = howmany(paylen, h->mss), at = 0, len;
	uint8_t buf[70000];
	struct frame *f;

	send_bytes(h, paylen, NULL);
	assert_int_equal(p->count, nseg);
	for (unsigned i = 0; i < nseg; i++, at += len) {
		f = nb_frame(p, i);
		len = MIN(h->mss, paylen - at);
		assert_int_equal(f->f_paylen, len);
		assert_int_equal(be32dec(l4(f) + 4), (uint32_t)(h->seq + at));
		flags = tmpl;
		if (i + 1 < nseg)
			flags &= (uint8_t) ~(KTH_FIN | KTH_PUSH | KTH_RST);
		if (i > 0)
			flags &= (uint8_t)~KTH_CWR;
		assert_int_equal(l4(f)[13], flags);
		if (h->v6)
			assert_int_equal(be16dec(l3(f) + 4),
			    20 + h->optlen + len);
		else {
			assert_int_equal(be16dec(l3(f) + 2),
			    40 + h->optlen + len);
			assert_int_equal(be16dec(l3(f) + 4),
			    (uint16_t)(h->id + i));
		}
		check_untouched(h, f);
	}
	assert_int_equal(nb_payload(p, buf, sizeof(buf)), paylen);
	for (uint32_t i = 0; i < paylen; i++)
		if (buf[i] != (uint8_t)(3 + i))
			fail_msg("payload byte %u", i);
}

#define ALLFLAGS (KTH_FIN | KTH_PUSH | KTH_ACK | KTH_CWR | KTH_ECE | KTH_URG)

static void
test_each_segment_has_its_own_length_id_sequence_and_flags(void **state)
{
	struct nb_hdr h = { .flags = ALLFLAGS,
		.optlen = 12,
		.id = 0x1234,
		.seq = 7000,
		.mss = 1448 };

	check_burst(&h, 1449);
	check_burst(&h, 3 * 1448);
	check_burst(&h, 65000);
	h.mss = 1;
	check_burst(&h, 17);
	h.mss = 536;
	h.optlen = 40;
	h.flags |= KTH_RST;
	check_burst(&h, 5000);
}

static void
test_ipv6_and_vlan_bursts_are_edited_in_the_right_place(void **state)
{
	struct nb_hdr h = { .v6 = true,
		.flags = ALLFLAGS,
		.optlen = 12,
		.seq = 7000,
		.mss = 1428 };

	check_burst(&h, 10000);
	h.vlan = true;
	check_burst(&h, 10000);
	h.v6 = false;
	h.id = 9;
	check_burst(&h, 10000);
}

static void
test_identification_and_sequence_wrap(void **state)
{
	struct nb_hdr h = { .flags = KTH_ACK,
		.id = 0xfffe,
		.seq = 0xffffff00u,
		.mss = 100 };

	check_burst(&h, 1000);
}

static void
test_a_burst_of_one_segment_keeps_the_template(void **state)
{
	struct nb_hdr h = { .flags = ALLFLAGS | KTH_RST,
		.id = 77,
		.seq = 5,
		.mss = 1448 };

	check_burst(&h, 1448);
	check_burst(&h, 1);
	assert_int_equal(b.port[0].n->n_stats.tx_bursts, 0);
}

static void
test_a_packet_without_tso_leaves_as_it_is(void **state)
{
	struct nb_hdr h = { .flags = ALLFLAGS, .id = 77, .seq = 5 };
	struct frame *f;

	send_bytes(&h, 1000, NULL);
	assert_int_equal(b.port[0].count, 1);
	f = nb_frame(&b.port[0], 0);
	assert_int_equal(l4(f)[13], ALLFLAGS);
	assert_int_equal(be16dec(l3(f) + 4), 77);
	assert_int_equal(f->f_note.pn_burst, 0);
	check_untouched(&h, f);
}

static void
test_bursts_are_numbered_and_counted(void **state)
{
	struct nb_hdr h = { .mss = 100 };

	send_bytes(&h, 250, NULL);
	assert_int_equal(nb_frame(&b.port[0], 0)->f_note.pn_burst, 1);
	assert_int_equal(nb_frame(&b.port[0], 2)->f_note.pn_burst, 1);
	send_bytes(&h, 101, NULL);
	assert_int_equal(nb_frame(&b.port[0], 1)->f_note.pn_burst, 2);
	assert_int_equal(b.port[0].n->n_stats.tx_bursts, 2);
	assert_int_equal(b.port[0].n->n_stats.tx_packets, 2);
	assert_int_equal(b.port[0].n->n_stats.tx_frames, 5);
	assert_int_equal(b.port[0].n->n_stats.tx_bytes, 5 * 54 + 351);
	assert_int_equal(b.port[0].n->n_stats.dma_payload, 351);
}

/* A segment is resent if its first byte was sent before. */
static void
test_the_resent_mark_is_set_per_segment(void **state)
{
	struct nb_hdr h = { .seq = 0xfffffff0u, .mss = 100 };
	struct pkt_note pn = { .pn_tcp = true, .pn_conn = 4 };

	pn.pn_snd_max = 0xfffffff0u + 201; /* wraps */
	send_bytes(&h, 500, &pn);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(nb_frame(&b.port[0], i)->f_note.pn_rexmit,
		    i < 3);
		assert_int_equal(nb_frame(&b.port[0], i)->f_note.pn_conn, 4);
	}
	pn.pn_snd_max = h.seq;
	send_bytes(&h, 500, &pn);
	for (unsigned i = 0; i < 5; i++)
		assert_false(nb_frame(&b.port[0], i)->f_note.pn_rexmit);
	pn.pn_tcp = false;
	pn.pn_snd_max = h.seq + 1000;
	send_bytes(&h, 500, &pn);
	assert_false(nb_frame(&b.port[0], 0)->f_note.pn_rexmit);
}

/* Ciphertext records: number and offset where each segment begins. */
static void
test_each_segment_tells_the_record_it_begins_in(void **state)
{
	static const uint32_t at[] = { 0, 50, 0, 50, 0 }, mss = 50;
	const struct tls_suite *s = &tls_suites[3]; /* 22 bytes of framing */
	struct nb_hdr h = { .mss = mss };
	struct nb_port *p = &b.port[0];
	struct mbuf *r[2], *m;
	struct nb_tls t;

	nb_tls_init(&b, &t, s);
	for (unsigned i = 0; i < 2; i++) {
		r[i] = nb_record(&b, &t, 40 + i, 78); /* 100 on the wire */
		ktls_free(r[i]->m_epg.tls);
		r[i]->m_epg.tls = NULL;
	}
	r[0]->m_next = r[1];
	r[1]->m_next = nb_bytes(&b, 20, 0);
	m = nb_packet(&b, &h, r[0]);
	assert_int_equal(p->n->n_if.if_transmit(&p->n->n_if, m), 0);
	nb_run(&b);
	assert_int_equal(p->count, 5);
	for (unsigned i = 0; i < 5; i++) {
		const struct pkt_note *pn = &nb_frame(p, i)->f_note;

		assert_int_equal(pn->pn_mode, i < 4 ? PKT_KTLS_SW : PKT_PLAIN);
		assert_int_equal(pn->pn_rec_seqno, i < 4 ? 40 + i / 2 : 0);
		assert_int_equal(pn->pn_rec_off, at[i]);
	}
	nb_tls_fini(&t);
}

static void
test_a_pure_ack_is_one_frame_without_payload(void **state)
{
	struct nb_hdr h = { .seq = 5 };
	struct nb_port *p = &b.port[0];

	assert_int_equal(p->n->n_if.if_transmit(&p->n->n_if,
			     nb_packet(&b, &h, NULL)),
	    0);
	nb_run(&b);
	assert_int_equal(p->count, 1);
	assert_int_equal(nb_frame(p, 0)->f_paylen, 0);
	assert_null(nb_frame(p, 0)->f_buf);
	assert_int_equal(b.pool.fp_bufs.z_allocs, 0);
}

static void
test_one_buffer_serves_all_frames_of_a_burst(void **state)
{
	struct nb_hdr h = { .mss = 10 };
	struct frame *f;

	send_bytes(&h, 1000, NULL);
	assert_int_equal(b.pool.fp_bufs.z_inuse, 1);
	f = nb_frame(&b.port[0], 99);
	assert_int_equal(f->f_buf->fb_refs, 100);
	frame_ref(f);
	nb_clear(&b.port[0]);
	assert_int_equal(b.pool.fp_bufs.z_inuse, 1);
	assert_int_equal(f->f_payload[9], (uint8_t)(3 + 999));
	frame_rele(f);
	assert_int_equal(b.pool.fp_bufs.z_inuse, 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_each_segment_has_its_own_length_id_sequence_and_flags),
		T(test_ipv6_and_vlan_bursts_are_edited_in_the_right_place),
		T(test_identification_and_sequence_wrap),
		T(test_a_burst_of_one_segment_keeps_the_template),
		T(test_a_packet_without_tso_leaves_as_it_is),
		T(test_bursts_are_numbered_and_counted),
		T(test_the_resent_mark_is_set_per_segment),
		T(test_each_segment_tells_the_record_it_begins_in),
		T(test_a_pure_ack_is_one_frame_without_payload),
		T(test_one_buffer_serves_all_frames_of_a_burst),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
