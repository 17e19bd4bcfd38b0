/* How a card finds the headers, and what it refuses to understand. */
#include "nicbench.h"

#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>

#include "nic_parse.h"

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

struct lens {
	uint16_t l2, l3, l4;
};

static struct lens
parse(const struct nb_hdr *h, void (*edit)(uint8_t *), uint32_t cut)
{
	struct mbuf *m = nb_packet(&b, h, NULL);
	struct lens l;

	if (edit != NULL)
		edit(m->m_data);
	nic_parse_hdr(m->m_data, MIN(cut, (uint32_t)m->m_len), &l.l2, &l.l3,
	    &l.l4);
	m_freem(m);
	return (l);
}

static void
expect(struct lens l, uint16_t l2, uint16_t l3, uint16_t l4)
{
	assert_int_equal(l.l2, l2);
	assert_int_equal(l.l3, l3);
	assert_int_equal(l.l4, l4);
}

static void
test_tcp_is_found_over_both_families_with_and_without_vlan(void **state)
{
	struct nb_hdr h = { .optlen = 12 };

	expect(parse(&h, NULL, 200), 14, 20, 32);
	h.vlan = true;
	expect(parse(&h, NULL, 200), 18, 20, 32);
	h.v6 = true;
	h.optlen = 40;
	expect(parse(&h, NULL, 200), 18, 40, 60);
	h.vlan = false;
	h.optlen = 0;
	expect(parse(&h, NULL, 200), 14, 40, 20);
}

static void
edit_fragment(uint8_t *p)
{
	be16enc(p + 20, 0x0001);
}
static void
edit_more(uint8_t *p)
{
	be16enc(p + 20, 0x2000);
}
static void
edit_ihl(uint8_t *p)
{
	p[14] = 0x44;
}
static void
edit_version(uint8_t *p)
{
	p[14] = 0x65;
}
static void
edit_type(uint8_t *p)
{
	be16enc(p + 12, 0x0806);
}
static void
edit_off_small(uint8_t *p)
{
	p[14 + 20 + 12] = 0x40;
}
static void
edit_off_large(uint8_t *p)
{
	p[14 + 20 + 12] = 0xf0;
}

static void
test_what_is_not_plain_tcp_over_ip_has_no_transport_header(void **state)
{
	static void (*const edits[])(uint8_t *) = { edit_fragment, edit_more,
		edit_ihl, edit_version, edit_type, edit_off_small,
		edit_off_large };
	struct nb_hdr h = { .udp = false };
	struct lens l;

	for (unsigned i = 0; i < nitems(edits); i++) {
		l = parse(&h, edits[i], 200);
		assert_int_equal(l.l3, 0);
		assert_int_equal(l.l4, 0);
	}
	h.udp = true;
	expect(parse(&h, NULL, 200), 14, 0, 0);
	h.v6 = true;
	expect(parse(&h, NULL, 200), 14, 0, 0);
}

static void
test_a_header_cut_short_anywhere_is_not_tcp(void **state)
{
	struct nb_hdr h = { .optlen = 12 };

	for (int k = 0; k < 4; k++) {
		h.v6 = (k & 1) != 0;
		h.vlan = (k & 2) != 0;
		for (uint32_t cut = 0;
		     cut < 14u + 4 * h.vlan + (h.v6 ? 40u : 20u) + 32; cut++)
			assert_int_equal(parse(&h, NULL, cut).l4, 0);
	}
}

static void
test_headers_may_lie_in_many_mbufs(void **state)
{
	struct nb_hdr h = { .optlen = 12, .seq = 0xabcdef01 };
	struct mbuf *m = nb_packet(&b, &h, nb_bytes(&b, 100, 0)), *t;
	struct nic_pkt p;

	/* one byte per mbuf */
	for (t = m; t->m_len > 1 && t->m_next != NULL; t = t->m_next) {
		struct mbuf *n = m_get(b.v->v_mb, M_WAITOK, MT_DATA);

		n->m_len = t->m_len - 1;
		memcpy(n->m_data, t->m_data + 1, (size_t)n->m_len);
		n->m_next = t->m_next;
		t->m_next = n;
		t->m_len = 1;
		if (n->m_len == 1)
			break;
	}
	assert_int_equal(nic_parse(m, &p), 0);
	assert_int_equal(p.p_hdr.h_len, 14 + 20 + 32);
	assert_int_equal(p.p_paylen, 100);
	assert_int_equal(p.p_hdr.h_seq, 0xabcdef01);
	assert_true(p.p_csum);
	assert_int_equal(p.p_mss, 0);
	assert_false(p.p_hdr.h_ipv6);
	m_freem(m);
}

static int
parse_error(const struct nb_hdr *h, uint32_t paylen)
{
	struct mbuf *m = nb_packet(&b, h, nb_bytes(&b, paylen, 0));
	struct nic_pkt p;
	int error;

	error = nic_parse(m, &p);
	m_freem(m);
	return (error);
}

static void
test_packets_no_card_could_send_are_einval(void **state)
{
	struct nb_hdr tcp = { .mss = 1000 }, udp = { .udp = true };
	struct nic_pkt p;
	struct mbuf *m;

	assert_int_equal(parse_error(&tcp, 65536), 0);
	assert_int_equal(parse_error(&tcp, 65537), EINVAL);
	assert_int_equal(parse_error(&udp, 1000), 0);
	udp.mss = 100;
	assert_int_equal(parse_error(&udp, 1000), EINVAL);
	m = m_gethdr(b.v->v_mb, M_WAITOK, MT_DATA);
	memset(m->m_data, 0, 13);
	m->m_len = m->m_pkthdr.len = 13;
	assert_int_equal(nic_parse(m, &p), EINVAL);
	m_freem(m);
}

static void
test_a_frame_that_is_not_tcp_goes_out_whole(void **state)
{
	struct nb_hdr h = { .udp = true };
	struct nb_port *p = &b.port[0];
	struct mbuf *m = nb_packet(&b, &h, nb_bytes(&b, 1000, 1));
	uint8_t in[1100], out[1100];
	struct frame *f;

	m_copydata(m, 0, 1054, in);
	assert_int_equal(p->n->n_if.if_transmit(&p->n->n_if, m), 0);
	nb_run(&b);
	assert_int_equal(p->count, 1);
	f = nb_frame(p, 0);
	assert_int_equal(frame_len(f), 1054);
	memcpy(out, f->f_hdr, f->f_hdrlen);
	memcpy(out + f->f_hdrlen, f->f_payload, f->f_paylen);
	assert_memory_equal(in, out, 1054);
	assert_false(f->f_flags & FRAME_CSUM_LAZY);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_tcp_is_found_over_both_families_with_and_without_vlan),
		T(test_what_is_not_plain_tcp_over_ip_has_no_transport_header),
		T(test_a_header_cut_short_anywhere_is_not_tcp),
		T(test_headers_may_lie_in_many_mbufs),
		T(test_packets_no_card_could_send_are_einval),
		T(test_a_frame_that_is_not_tcp_goes_out_whole),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
