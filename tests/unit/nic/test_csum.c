/* Checksums left open are settled as the textbook has them, and checked. */
#include "nicbench.h"

#include <string.h>

#include <ktsim/base/bytes.h>

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

/* RFC 1071, byte by byte; the checksum field as it stands. */
static uint16_t
textbook(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return ((uint16_t)~sum);
}

static uint16_t
tcp_textbook(const struct frame *f)
{
	const uint8_t *ip = f->f_hdr + f->f_l2len;
	uint32_t l4 = (uint32_t)f->f_hdrlen - f->f_l2len - f->f_l3len, sum = 0;
	uint8_t buf[70000];
	size_t n = 0;

	if (ip[0] >> 4 == 4) {
		memcpy(buf, ip + 12, 8);
		n = 8;
	} else {
		memcpy(buf, ip + 8, 32);
		n = 32;
	}
	sum = 6 + l4 + f->f_paylen;
	memcpy(buf + n, ip + f->f_l3len, l4);
	memset(buf + n + 16, 0, 2);
	n += l4;
	if (f->f_paylen > 0)
		memcpy(buf + n, f->f_payload, f->f_paylen);
	return (textbook(buf, n + f->f_paylen, sum));
}

static void
send_bytes(const struct nb_hdr *h, uint32_t paylen)
{
	struct nb_port *p = &b.port[0];

	nb_clear(p);
	assert_int_equal(p->n->n_if.if_transmit(&p->n->n_if,
			     nb_packet(&b, h, nb_bytes(&b, paylen, 200))),
	    0);
	nb_run(&b);
}

static void
check_settled(struct frame *f)
{
	const uint8_t *ip = f->f_hdr + f->f_l2len;
	bool l3ok, l4ok;

	assert_true(f->f_flags & FRAME_CSUM_LAZY);
	frame_csum_check(f, &l3ok, &l4ok);
	assert_true(l3ok && l4ok);
	frame_csum_settle(f);
	assert_false(f->f_flags & FRAME_CSUM_LAZY);
	if (ip[0] >> 4 == 4)
		assert_int_equal(textbook(ip, 20, 0), 0);
	assert_int_equal(be16dec(ip + f->f_l3len + 16), tcp_textbook(f));
	frame_csum_check(f, &l3ok, &l4ok);
	assert_true(l3ok && l4ok);
}

static void
test_a_settled_frame_has_the_textbook_checksums(void **state)
{
	static const uint32_t lens[] = { 0, 1, 2, 3, 511, 1448, 9000 };
	struct nb_hdr h = { .seq = 99, .id = 5 };

	for (int k = 0; k < 8; k++) {
		h.v6 = (k & 1) != 0;
		h.vlan = (k & 2) != 0;
		h.optlen = (k & 4) != 0 ? 12 : 0;
		for (unsigned i = 0; i < nitems(lens); i++) {
			send_bytes(&h, lens[i]);
			check_settled(nb_frame(&b.port[0], 0));
		}
	}
}

static void
test_each_segment_of_a_burst_has_its_own_checksum(void **state)
{
	struct nb_hdr h = { .seq = 99, .id = 5, .mss = 333 };

	for (int v6 = 0; v6 < 2; v6++) {
		h.v6 = v6 != 0;
		send_bytes(&h, 10001);
		assert_int_equal(b.port[0].count, 31);
		for (unsigned i = 0; i < 31; i++)
			check_settled(nb_frame(&b.port[0], i));
	}
}

static void
test_checksums_of_the_stack_are_not_touched(void **state)
{
	struct nb_hdr h = { .seq = 99, .nocsum = true };
	struct frame *f;
	bool l3ok, l4ok;

	send_bytes(&h, 100);
	f = nb_frame(&b.port[0], 0);
	assert_false(f->f_flags & FRAME_CSUM_LAZY);
	frame_csum_settle(f);
	assert_int_equal(be16dec(f->f_hdr + 14 + 20 + 16), 0);
	frame_csum_check(f, &l3ok, &l4ok);
	assert_false(l3ok);
	assert_false(l4ok);
}

/* Every single bit of header and payload counts. */
static void
test_one_flipped_bit_is_found_wherever_it_is(void **state)
{
	struct nb_hdr h = { .seq = 99, .id = 5, .optlen = 4 };
	struct frame *f, *c;
	bool l3ok, l4ok;

	send_bytes(&h, 37);
	f = nb_frame(&b.port[0], 0);
	frame_csum_settle(f);
	for (uint32_t bit = 14 * 8; bit < frame_len(f) * 8; bit++) {
		uint32_t byte = bit / 8;

		/* version, lengths, protocol decide what is summed at all */
		if (byte == 14 || (byte >= 16 && byte < 18) || byte == 23 ||
		    byte == 46)
			continue;
		c = frame_copy(f);
		if (byte < f->f_hdrlen)
			c->f_hdr[byte] ^= (uint8_t)(1 << bit % 8);
		else
			c->f_buf->fb_data[byte - f->f_hdrlen] ^=
			    (uint8_t)(1 << bit % 8);
		frame_csum_check(c, &l3ok, &l4ok);
		if (l3ok && l4ok)
			fail_msg("bit %u of byte %u", bit % 8, byte);
		frame_rele(c);
	}
}

static void
test_a_copy_is_private(void **state)
{
	struct nb_hdr h = { .seq = 99 };
	struct frame *f, *c;

	send_bytes(&h, 10);
	f = nb_frame(&b.port[0], 0);
	c = frame_copy(f);
	assert_ptr_not_equal(c->f_payload, f->f_payload);
	assert_memory_equal(c->f_payload, f->f_payload, 10);
	assert_int_equal(f->f_buf->fb_refs, 1);
	frame_rele(c);
}

static void
rx_copy(struct frame *f, uint32_t want)
{
	struct frame *c = frame_copy(f);
	struct mbuf *m;

	memcpy(c->f_hdr, nb_mac, 6);
	nic_rx(b.port[1].n, c);
	nb_run(&b);
	m = b.rx;
	b.rx = NULL;
	assert_non_null(m);
	assert_int_equal(m->m_pkthdr.csum_flags, want);
	m_freem(m);
}

static void
test_reception_tells_which_checksum_is_wrong(void **state)
{
	const uint32_t calc = CSUM_L3_CALC | CSUM_L4_CALC;
	struct nic_stats *st = &b.port[1].n->n_stats;
	struct nb_hdr h = { .seq = 99 };
	struct frame *f;

	send_bytes(&h, 100);
	f = nb_frame(&b.port[0], 0);
	rx_copy(f, calc | CSUM_L3_VALID | CSUM_L4_VALID); /* lazy */
	frame_csum_settle(f);
	rx_copy(f, calc | CSUM_L3_VALID | CSUM_L4_VALID);
	assert_int_equal(st->rx_bad_csum, 0);
	f->f_buf->fb_data[50] ^= 1;
	rx_copy(f, calc | CSUM_L3_VALID);
	assert_int_equal(st->rx_bad_csum, 1);
	f->f_buf->fb_data[50] ^= 1;
	f->f_hdr[14 + 8] ^= 1; /* TTL */
	rx_copy(f, calc | CSUM_L4_VALID);
	assert_int_equal(st->rx_bad_csum, 2);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_settled_frame_has_the_textbook_checksums),
		T(test_each_segment_of_a_burst_has_its_own_checksum),
		T(test_checksums_of_the_stack_are_not_touched),
		T(test_one_flipped_bit_is_found_wherever_it_is),
		T(test_a_copy_is_private),
		T(test_reception_tells_which_checksum_is_wrong),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
