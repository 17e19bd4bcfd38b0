/* The Internet checksum against the sum as RFC 1071 writes it. */
#include "netwire.h"

#include <ktsim/kern/mbuf.h>
#include <ktsim/netinet/in_cksum.h>

static struct tw *w;
static uint8_t bytes[9000];

static int
setup(void **state)
{
	struct prng rnd;

	w = tw_new(1, 0);
	prng_init(&rnd, 11, "test_in_cksum");
	prng_bytes(&rnd, bytes, sizeof(bytes));
	return (0);
}

static int
teardown(void **state)
{
	tw_free(w);
	return (0);
}

static uint16_t
textbook(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += (i & 1) != 0 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return ((uint16_t)sum);
}

static void
test_example_of_rfc_1071(void **state)
{
	const uint8_t p[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	assert_int_equal(in_sum(p, sizeof(p)), 0xddf2);
	assert_int_equal(in_sum(p, 0), 0);
	assert_int_equal(in_sum(p + 2, 1), 0xf200);
}

static void
test_every_length_and_alignment_agrees_with_the_textbook(void **state)
{
	for (size_t off = 0; off < 8; off++)
		for (size_t len = 0; len < 200; len++)
			assert_int_equal(in_sum(bytes + off, len),
			    textbook(bytes + off, len));
	assert_int_equal(in_sum(bytes, sizeof(bytes)),
	    textbook(bytes, sizeof(bytes)));
}

static void
test_two_pieces_make_the_sum_of_the_whole_odd_ones_too(void **state)
{
	for (size_t cut = 0; cut <= 101; cut++)
		assert_int_equal(in_sum_add(in_sum(bytes, cut),
				     in_sum(bytes + cut, 101 - cut), cut & 1),
		    textbook(bytes, 101));
}

static void
test_pseudo_header_is_the_sum_of_its_bytes(void **state)
{
	uint8_t v4[12], v6[40] = { 0 };

	memcpy(v4, bytes, 8);
	v4[8] = 0;
	v4[9] = 6;
	v4[10] = 0x12;
	v4[11] = 0x34;
	assert_int_equal(in_sum_pseudo(bytes, bytes + 4, 4, 6, 0x1234),
	    textbook(v4, sizeof(v4)));
	memcpy(v6, bytes, 32);
	v6[33] = 1; /* length 0x12345 */
	v6[34] = 0x23;
	v6[35] = 0x45;
	v6[39] = 58;
	assert_int_equal(in_sum_pseudo(bytes, bytes + 16, 16, 58, 0x12345),
	    textbook(v6, sizeof(v6)));
}

/* Header of 5 bytes, pages from 4001 on, trailer of 3: all at odd places. */
static struct mbuf *
extpg(const uint8_t *p, uint32_t pay)
{
	struct vm *vm = w->a.v->v_vm;
	struct mbuf *m;
	uint32_t n, off = 4001;
	vm_paddr_t pa;

	m = mb_alloc_ext_pgs(w->a.v->v_mb, M_WAITOK, mb_free_mext_pgs);
	m->m_epg.first_off = (uint16_t)off;
	m->m_epg.hdrlen = 5;
	m->m_epg.trllen = 3;
	memcpy(m->m_epg.hdr, p, 5);
	memcpy(m->m_epg.trail, p + 5 + pay, 3);
	for (uint32_t at = 0; at < pay; at += n, off = 0) {
		pa = vm_page_alloc(vm);
		n = MIN(pay - at, PAGE_SIZE - off);
		memcpy(PHYS_TO_DMAP(vm, pa) + off, p + 5 + at, n);
		m->m_epg.pa[m->m_epg.npgs++] = pa;
		m->m_epg.last_len = (uint16_t)n;
		m->m_ext.ext_size += PAGE_SIZE;
	}
	m->m_len = (int32_t)(8 + pay);
	return (m);
}

static void
test_chain_with_unmapped_pages_sums_like_its_bytes(void **state)
{
	struct mbuf *m = m_get(w->a.v->v_mb, M_WAITOK, MT_DATA);
	const uint32_t pay = 5000, all = 21 + 8 + pay;

	memcpy(m->m_data, bytes, 21);
	m->m_len = 21;
	m->m_next = extpg(bytes + 21, pay);
	assert_int_equal(in_sum_mbuf(m, 0, all), textbook(bytes, all));
	for (uint32_t skip = 0; skip < 130; skip++)
		assert_int_equal(in_sum_mbuf(m, skip, all - 2 * skip),
		    textbook(bytes + skip, all - 2 * skip));
	m_freem(m);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_example_of_rfc_1071),
		T(test_every_length_and_alignment_agrees_with_the_textbook),
		T(test_two_pieces_make_the_sum_of_the_whole_odd_ones_too),
		T(test_pseudo_header_is_the_sum_of_its_bytes),
		T(test_chain_with_unmapped_pages_sums_like_its_bytes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
