/* tcp_m_copym: what one packet may contain. */
#include "netwire.h"

#include <ktsim/kern/ktls.h>

#include "tcp_private.h"

static struct tw *w;
static struct mb_state *mb;
static struct tcpcb tp;
static struct inpcb inp;

static int
setup(void **state)
{
	w = tw_new(1, IFCAP_MEXTPG);
	mb = w->b.v->v_mb;
	inp.inp_vnet = w->b.v;
	tp.t_inpcb = &inp;
	return (0);
}

static int
teardown(void **state)
{
	tw_free(w);
	return (0);
}

/* A record of `pages` full pages with a 13 byte header and 16 byte trailer. */
static struct mbuf *
record(int pages, struct ktls_session *tls, uint64_t seqno)
{
	struct mbuf *m = mb_alloc_ext_pgs(mb, M_WAITOK, mb_free_mext_pgs);

	for (int i = 0; i < pages; i++) {
		m->m_epg.pa[i] = vm_page_alloc(w->b.v->v_vm);
		memset(PHYS_TO_DMAP(w->b.v->v_vm, m->m_epg.pa[i]), i + 1,
		    PAGE_SIZE);
	}
	m->m_epg.npgs = (uint8_t)pages;
	m->m_epg.last_len = PAGE_SIZE;
	m->m_epg.hdrlen = 13;
	m->m_epg.trllen = 16;
	m->m_epg.tls = tls;
	m->m_epg.seqno = seqno;
	m->m_len = pages * PAGE_SIZE + 29;
	return (m);
}

static struct mbuf *
plain(uint32_t len)
{
	struct mbuf *m = m_getjcl(mb, M_WAITOK, MT_DATA, 0, MJUM16BYTES);

	m->m_len = (int32_t)len;
	memset(m->m_data, 0x77, len);
	return (m);
}

/* The sessions are not real: nobody must find them at freeing time. */
static void
free_chain(struct mbuf *m)
{
	for (struct mbuf *n = m; n != NULL; n = n->m_next)
		if ((n->m_flags & M_EXTPG) != 0) {
			n->m_epg.tls = NULL;
			n->m_ext.ext_orig->m_epg.tls = NULL;
		}
	m_freem(m);
}

static void
test_packet_ends_where_plain_bytes_end(void **state)
{
	struct ktls_session s1;
	struct mbuf *m = plain(1000), *c;
	uint32_t len = 5000;

	m->m_next = record(4, &s1, 0);
	c = tcp_m_copym(&tp, m, 300, &len, 0, 0, true);
	assert_int_equal(len, 700);
	assert_null(c->m_next);
	free_chain(c);
	free_chain(m);
}

static void
test_packet_ends_where_the_session_changes(void **state)
{
	struct ktls_session s1, s2;
	struct mbuf *m = record(4, &s1, 0), *c;
	uint32_t len = 60000;

	m->m_next = record(4, &s1, 1);
	m->m_next->m_next = record(4, &s2, 2);
	c = tcp_m_copym(&tp, m, 0, &len, 0, 0, true);
	assert_int_equal(len, 2 * (4 * PAGE_SIZE + 29));
	assert_int_equal(m_length(c, NULL), len);
	free_chain(c);
	len = 100;
	c = tcp_m_copym(&tp, m->m_next->m_next, 50, &len, 0, 0, true);
	assert_int_equal(len, 100);
	assert_ptr_equal(c->m_epg.tls, &s2);
	assert_int_equal(c->m_epg_off, 50);
	assert_int_equal(c->m_epg.seqno, 2);
	free_chain(c);
	free_chain(m);
}

static void
test_ciphertext_and_plain_bytes_share_a_packet(void **state)
{
	struct mbuf *m = record(2, NULL, 0), *c;
	uint32_t len = 2 * PAGE_SIZE + 29 + 500;

	m->m_next = plain(1000);
	c = tcp_m_copym(&tp, m, 0, &len, 0, 0, false);
	assert_int_equal(len, 2 * PAGE_SIZE + 29 + 500);
	free_chain(c);
	free_chain(m);
}

static void
test_ciphertext_does_not_share_with_plaintext(void **state)
{
	struct ktls_session s1;
	struct mbuf *m = record(2, NULL, 0), *c;
	uint32_t len = 30000;

	m->m_next = record(2, &s1, 1);
	c = tcp_m_copym(&tp, m, 13, &len, 0, 0, true);
	assert_int_equal(len, 2 * PAGE_SIZE + 16);
	free_chain(c);
	free_chain(m);
}

static void
test_payload_is_shared_and_not_copied(void **state)
{
	struct mbuf *m = plain(3000), *c;
	uint32_t len = 1448;

	c = tcp_m_copym(&tp, m, 100, &len, 0, 0, false);
	assert_ptr_equal(c->m_data, m->m_data + 100);
	assert_int_equal(m->m_ext.ext_count, 2);
	m_freem(m); /* acknowledged meanwhile */
	assert_int_equal(c->m_data[0], 0x77);
	m_freem(c);
}

static void
test_segment_count_bounds_a_burst(void **state)
{
	struct ktls_session s1;
	struct mbuf *m = record(4, &s1, 0), *c;
	uint32_t len = 60000;

	m->m_next = record(4, &s1, 1);
	m->m_next->m_next = record(4, &s1, 2);
	/* A record of 16413 bytes costs 3 + 5 segments of a page. */
	c = tcp_m_copym(&tp, m, 0, &len, 16, 4096, true);
	assert_int_equal(len, 2 * (4 * PAGE_SIZE + 29));
	free_chain(c);
	len = 60000;
	c = tcp_m_copym(&tp, m, 0, &len, 13, 4096, true);
	assert_int_equal(len, 4 * PAGE_SIZE + 29 + 2 * 4096);
	free_chain(c);
	len = 60000;
	c = tcp_m_copym(&tp, m, 0, &len, 11, 2048, true);
	assert_int_equal(len, 8 * 2048);
	free_chain(c);
	free_chain(m);
}

static void
test_plain_mbufs_cost_what_they_are_long(void **state)
{
	struct mbuf *m = plain(10000), *c;
	uint32_t len = 10000;

	c = tcp_m_copym(&tp, m, 0, &len, 3, 2048, false);
	assert_int_equal(len, 3 * 2048);
	m_freem(c);
	m_freem(m);
}

static void
test_no_memory_gives_nothing_and_leaks_nothing(void **state)
{
	struct kmem *km = &w->b.v->v_kmem;
	struct mbuf *m = plain(1000);
	uint32_t len;

	m->m_next = plain(1000);
	for (int i = 1; i <= 2; i++) {
		len = 2000;
		km->km_fail_at = km->km_nowait + (uint64_t)i;
		assert_null(tcp_m_copym(&tp, m, 0, &len, 0, 0, false));
	}
	km->km_fail_at = 0;
	m_freem(m);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_packet_ends_where_plain_bytes_end),
		T(test_packet_ends_where_the_session_changes),
		T(test_ciphertext_and_plain_bytes_share_a_packet),
		T(test_ciphertext_does_not_share_with_plaintext),
		T(test_payload_is_shared_and_not_copied),
		T(test_segment_count_bounds_a_burst),
		T(test_plain_mbufs_cost_what_they_are_long),
		T(test_no_memory_gives_nothing_and_leaks_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
