/* What framing writes on the outside of a record, suite by suite. */
#include "tlsbench.h"

static struct sockpair sp;

static int
setup(void **state)
{
	sockpair_init(&sp, NULL, NULL);
	return (0);
}

static int
teardown(void **state)
{
	sockpair_run(&sp);
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

static struct ktls_session *
session(const struct tls_suite *s)
{
	struct tls_enable en = tb_enable(s, 0);

	assert_int_equal(ktls_enable_tx(sp.sp_so[0], &en), 0);
	return (sp.sp_so[0]->so_snd.sb_tls_info);
}

static struct mbuf *
records(const size_t *len, unsigned n)
{
	static uint8_t bytes[16384];
	struct mbuf *top = NULL, **mp = &top;
	struct kiovec iov;
	struct uio uio;

	for (unsigned i = 0; i < n; i++, mp = &(*mp)->m_next) {
		iov = (struct kiovec) { bytes, len[i] };
		uio_init(&uio, &iov, 1);
		*mp = m_uiotombuf(sp.sp_vnet->v_mb, &uio, M_WAITOK, (int)len[i],
		    16384, M_EXTPG);
	}
	return (top);
}

/* MAC, then 1 to 16 bytes up to the block. */
static size_t
cbc_trailer(const struct tls_suite *s, size_t len)
{
	size_t n = len + s->tag_len;

	return (s->tag_len + 16 - n % 16);
}

static void
test_header_trailer_and_lengths_of_every_suite(void **state)
{
	const size_t len[] = { 1, 5000, 16384 };
	const struct tls_suite *s;
	struct ktls_session *tls;
	struct mbuf *top, *m;
	uint32_t refs;
	size_t trl;
	int pages;

	for (unsigned k = 0; k < tls_nsuites; k++) {
		s = &tls_suites[k];
		tls = session(s);
		refs = tls->refcount;
		top = records(len, 3);
		pages = 0;
		ktls_frame(top, tls, &pages, 22);
		assert_int_equal(pages, 1 + 2 + 4);
		assert_int_equal(tls->refcount, refs + 3);
		m = top;
		for (unsigned i = 0; i < 3; i++, m = m->m_next) {
			trl = tb_cbc(s) ? cbc_trailer(s, len[i]) : s->tlen;
			assert_int_equal(m->m_len, s->hlen + len[i] + trl);
			assert_int_equal(m->m_epg.hdrlen, s->hlen);
			assert_int_equal(m->m_epg.trllen, trl);
			assert_int_equal(m->m_epg.hdr[0],
			    s->vminor == 4 ? 23 : 22);
			assert_int_equal(be16dec(m->m_epg.hdr + 1),
			    0x0300 | MIN(s->vminor, 3));
			assert_int_equal(be16dec(m->m_epg.hdr + 3),
			    m->m_len - 5);
			assert_int_equal(m->m_epg.record_type, 22);
			if (s->vminor == 4)
				assert_int_equal(m->m_epg.trail[0], 22);
			assert_true((m->m_flags & M_NOTREADY) != 0);
			assert_int_equal(m->m_epg.nrdy, m->m_epg.npgs);
		}
		m_freem(top);
		teardown(NULL);
		setup(NULL);
	}
}

static void
test_explicit_nonces_count_up_from_anywhere(void **state)
{
	const size_t len[] = { 10, 10, 10 };
	struct ktls_session *tls = session(&tls_suites[0]);
	struct mbuf *top, *m;
	uint64_t first;
	int pages = 0;

	assert_int_equal(tls_suites[0].hlen, 13);
	top = records(len, 3);
	ktls_frame(top, tls, &pages, 23);
	first = be64dec(top->m_epg.hdr + 5);
	assert_true(first != 0); /* not the record number */
	for (m = top; m != NULL; m = m->m_next, first++)
		assert_true(be64dec(m->m_epg.hdr + 5) == first);
	m_freem(top);
}

static void
test_explicit_ivs_are_the_hosts_own_chance(void **state)
{
	const size_t len[] = { 10, 10, 10 };
	uint8_t iv[2][3][16];
	struct mbuf *top, *m;
	int pages = 0, i;

	for (int run = 0; run < 2; run++) {
		top = records(len, 3);
		ktls_frame(top,
		    session(tls_suite_byname("aes128-cbc-sha1-1.1")), &pages,
		    23);
		for (m = top, i = 0; m != NULL; m = m->m_next, i++)
			memcpy(iv[run][i], m->m_epg.hdr + 5, 16);
		m_freem(top);
		teardown(NULL);
		setup(NULL);
	}
	assert_memory_equal(iv[0], iv[1], sizeof(iv[0]));
	assert_memory_not_equal(iv[0][0], iv[0][1], 16);
	assert_memory_not_equal(iv[0][1], iv[0][2], 16);
	assert_memory_not_equal(iv[0][0], iv[0][0] + 8, 8);
}

static void
test_a_card_session_frames_records_that_are_ready(void **state)
{
	const size_t len[] = { 100 };
	struct ktls_session *tls = session(&tls_suites[3]);
	struct mbuf *top = records(len, 1);
	int pages = 0;

	tls->mode = TCP_TLS_MODE_IFNET;
	ktls_frame(top, tls, &pages, 23);
	assert_int_equal(pages, 0);
	assert_int_equal(top->m_flags & M_NOTREADY, 0);
	assert_int_equal(top->m_epg.nrdy, 0);
	tls->mode = TCP_TLS_MODE_SW;
	m_freem(top);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_header_trailer_and_lengths_of_every_suite),
		T(test_explicit_nonces_count_up_from_anywhere),
		T(test_explicit_ivs_are_the_hosts_own_chance),
		T(test_a_card_session_frames_records_that_are_ready),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
