/*
 * The shape of mbuf chains against an array of bytes: plain, cluster, driver
 * and page-backed mbufs, mixed at random; and who frees shared storage when.
 */
#include "support/ktest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/prng.h>
#include <ktsim/kern/uio.h>

#include "support/kpanic.h"
#include "support/sockpair.h"

static struct sockpair sp;
static struct mb_state *mb;
static struct vm *vm;
static struct prng rnd;

#define MAXB 60000
static uint8_t model[MAXB], buf[MAXB];

static int
setup(void **state)
{
	sockpair_init(&sp, NULL, NULL);
	mb = sp.sp_vnet->v_mb;
	vm = sp.sp_vnet->v_vm;
	prng_init(&rnd, 7, "test_mbuf");
	return (0);
}

static int
teardown(void **state)
{
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

/* --- making chains --- */

static unsigned ext_freed;

static void
count_free(struct mbuf *m)
{
	ext_freed++;
}

static uint8_t drv_bytes[2048];

/* header || pages || trailer with everything at odd places. */
static struct mbuf *
extpg(uint32_t hdrlen, uint32_t first_off, uint32_t pay, uint32_t trllen)
{
	struct mbuf *m = mb_alloc_ext_pgs(mb, M_WAITOK, mb_free_mext_pgs);
	uint32_t room, n, at = 0;
	vm_paddr_t pa;

	m->m_epg.first_off = (uint16_t)first_off;
	m->m_epg.hdrlen = (uint8_t)hdrlen;
	m->m_epg.trllen = (uint8_t)trllen;
	prng_bytes(&rnd, m->m_epg.hdr, hdrlen);
	prng_bytes(&rnd, m->m_epg.trail, trllen);
	for (; at < pay; at += n) {
		pa = vm_page_alloc(vm);
		room = PAGE_SIZE - (m->m_epg.npgs == 0 ? first_off : 0);
		n = MIN(pay - at, room);
		prng_bytes(&rnd,
		    PHYS_TO_DMAP(vm, pa) + (m->m_epg.npgs == 0 ? first_off : 0),
		    n);
		m->m_epg.pa[m->m_epg.npgs++] = pa;
		m->m_epg.last_len = (uint16_t)n;
		m->m_ext.ext_size += PAGE_SIZE;
	}
	m->m_len = (int32_t)(hdrlen + pay + trllen);
	return (m);
}

static struct mbuf *
random_mbuf(void)
{
	struct mbuf *m;

	switch (prng_below(&rnd, 4)) {
	case 0:
		m = m_get(mb, M_WAITOK, MT_DATA);
		m->m_len = (int32_t)prng_below(&rnd, MLEN + 1);
		break;
	case 1:
		m = m_getjcl(mb, M_WAITOK, MT_DATA, 0, MCLBYTES);
		m->m_len = (int32_t)prng_below(&rnd, MCLBYTES + 1);
		break;
	case 2:
		m = m_get(mb, M_WAITOK, MT_DATA);
		m_extadd(m, drv_bytes, sizeof(drv_bytes), count_free, NULL,
		    NULL, M_RDONLY, EXT_NET_DRV);
		m->m_len = (int32_t)prng_below(&rnd, sizeof(drv_bytes));
		return (m);
	default:
		return (extpg((uint32_t)prng_below(&rnd, 24),
		    (uint32_t)prng_below(&rnd, PAGE_SIZE),
		    (uint32_t)prng_below(&rnd, 14000),
		    (uint32_t)prng_below(&rnd, 65)));
	}
	prng_bytes(&rnd, m->m_data, (size_t)m->m_len);
	return (m);
}

/* A packet of up to four mbufs; its bytes in model. Returns the length. */
static uint32_t
random_chain(struct mbuf **top)
{
	struct mbuf *m;
	uint32_t len;

	*top = m = m_gethdr(mb, M_WAITOK, MT_DATA);
	m->m_data += prng_below(&rnd, 60);
	m->m_len = (int32_t)prng_below(&rnd, 100);
	prng_bytes(&rnd, m->m_data, (size_t)m->m_len);
	for (uint64_t n = prng_below(&rnd, 4); n > 0; n--)
		m = m->m_next = random_mbuf();
	len = m_length(*top, NULL);
	(*top)->m_pkthdr.len = (int32_t)len;
	m_copydata(*top, 0, (int)len, model);
	return (len);
}

static void
expect_bytes(const struct mbuf *m, const uint8_t *want, uint32_t len)
{
	assert_int_equal(m_length(m, NULL), len);
	if (len == 0)
		return;
	m_copydata(m, 0, (int)len, buf);
	assert_memory_equal(buf, want, len);
}

/* --- bytes --- */

static void
test_copydata_reads_header_pages_and_trailer_in_order(void **state)
{
	struct mbuf *m = extpg(13, 4000, 9000, 16);
	uint8_t want[9029];
	vm_paddr_t *pa = m->m_epg.pa;

	assert_int_equal(m->m_epg.npgs, 4); /* 96 + 4096 + 4096 + 712 */
	memcpy(want, m->m_epg.hdr, 13);
	memcpy(want + 13, PHYS_TO_DMAP(vm, pa[0]) + 4000, 96);
	memcpy(want + 109, PHYS_TO_DMAP(vm, pa[1]), 4096);
	memcpy(want + 4205, PHYS_TO_DMAP(vm, pa[2]), 4096);
	memcpy(want + 8301, PHYS_TO_DMAP(vm, pa[3]), 712);
	memcpy(want + 9013, m->m_epg.trail, 16);
	expect_bytes(m, want, 9029);
	for (uint32_t off = 0; off < 9029; off += 113) {
		m_copydata(m, (int)off, (int)(9029 - off), buf);
		assert_memory_equal(buf, want + off, 9029 - off);
	}
	m_freem(m);
}

static void
test_pieces_cover_any_range_without_overlap(void **state)
{
	struct mbuf *m = extpg(5, 100, 16384, 17);
	struct m_piece pc[MBUF_PEXT_MAX_PGS + 2];
	uint32_t len = (uint32_t)m->m_len, sum;
	unsigned n;

	m_copydata(m, 0, (int)len, model);
	for (int i = 0; i < 3000; i++) {
		uint32_t off = (uint32_t)prng_below(&rnd, len + 1);
		uint32_t want = (uint32_t)prng_below(&rnd, len - off + 1);

		n = m_pieces(m, off, want, pc, nitems(pc));
		sum = 0;
		for (unsigned k = 0; k < n; k++) {
			assert_true(pc[k].len > 0);
			assert_memory_equal(pc[k].p, model + off + sum,
			    pc[k].len);
			sum += pc[k].len;
		}
		assert_int_equal(sum, want);
	}
	EXPECT_PANIC(m_pieces(m, 1, len, pc, nitems(pc)), "m_pieces");
	m_freem(m);
}

static void
test_random_trims_agree_with_an_array(void **state)
{
	for (int i = 0; i < 2000; i++) {
		struct mbuf *m;
		uint32_t len = random_chain(&m);
		uint32_t cut = (uint32_t)prng_below(&rnd, len + 20);

		if (prng_below(&rnd, 2) == 0) {
			m_adj(m, (int)cut);
			cut = MIN(cut, len);
			expect_bytes(m, model + cut, len - cut);
		} else {
			m_adj(m, -(int)cut);
			cut = MIN(cut, len);
			expect_bytes(m, model, len - cut);
		}
		assert_int_equal(m->m_pkthdr.len, len - cut);
		m_freem(m);
	}
}

static void
test_random_splits_agree_with_an_array(void **state)
{
	for (int i = 0; i < 2000; i++) {
		struct mbuf *m, *n;
		uint32_t len = random_chain(&m), at;

		if (len < 2) {
			m_freem(m);
			continue;
		}
		at = 1 + (uint32_t)prng_below(&rnd, len - 1);
		n = m_split(m, (int)at, M_WAITOK);
		assert_non_null(n);
		expect_bytes(m, model, at);
		expect_bytes(n, model + at, len - at);
		assert_int_equal(m->m_pkthdr.len, at);
		/* In either order: storage is shared. */
		m_freem(i % 2 == 0 ? m : n);
		if (i % 2 == 0)
			expect_bytes(n, model + at, len - at);
		else
			expect_bytes(m, model, at);
		m_freem(i % 2 == 0 ? n : m);
	}
}

static void
test_split_without_memory_changes_nothing(void **state)
{
	struct mbuf *m = m_getjcl(mb, M_WAITOK, MT_DATA, M_PKTHDR, MCLBYTES);

	m->m_len = m->m_pkthdr.len = 1000;
	memset(m->m_data, 5, 1000);
	sp.sp_vnet->v_kmem.km_fail_at = sp.sp_vnet->v_kmem.km_nowait + 1;
	assert_null(m_split(m, 400, M_NOWAIT));
	assert_int_equal(m->m_len, 1000);
	assert_int_equal(m->m_pkthdr.len, 1000);
	m_freem(m);
}

static void
test_split_moves_eor_and_keeps_protocol_flags(void **state)
{
	struct mbuf *m = m_getjcl(mb, M_WAITOK, MT_DATA, 0, MCLBYTES), *n;

	m->m_len = 1000;
	m->m_flags |= M_EOR | M_NOTREADY | M_DECRYPTED;
	n = m_split(m, 1, M_WAITOK);
	assert_int_equal(m->m_flags & (M_EOR | M_PROTOFLAGS),
	    M_NOTREADY | M_DECRYPTED);
	assert_int_equal(n->m_flags & (M_EOR | M_PROTOFLAGS),
	    M_EOR | M_NOTREADY | M_DECRYPTED);
	m_freem(m);
	m_freem(n);
}

static void
test_random_pullups_agree_with_an_array(void **state)
{
	for (int i = 0; i < 2000; i++) {
		struct mbuf *m;
		uint32_t len = random_chain(&m);
		uint32_t want = (uint32_t)prng_below(&rnd, MHLEN + 1);

		m->m_pkthdr.flowid = 77;
		m = m_pullup(m, (int)want);
		if (want > len) {
			assert_null(m);
			continue;
		}
		assert_non_null(m);
		assert_true((uint32_t)m->m_len >= want);
		assert_int_equal(m->m_flags & M_EXTPG, 0);
		assert_memory_equal(m->m_data, model, want);
		expect_bytes(m, model, len);
		assert_true(m->m_flags & M_PKTHDR);
		assert_int_equal(m->m_pkthdr.flowid, 77);
		assert_int_equal(m->m_pkthdr.len, len);
		m_freem(m);
	}
}

static void
test_a_failed_pullup_or_prepend_frees_the_chain(void **state)
{
	struct mbuf *m;

	m = m_gethdr(mb, M_WAITOK, MT_DATA);
	m->m_len = 10;
	m->m_next = extpg(0, 0, 100, 0);
	m->m_pkthdr.len = 110;
	sp.sp_vnet->v_kmem.km_fail_at = sp.sp_vnet->v_kmem.km_nowait + 1;
	assert_null(m_pullup(m, 50));
	m = extpg(0, 0, 100, 0);
	sp.sp_vnet->v_kmem.km_fail_at = sp.sp_vnet->v_kmem.km_nowait + 1;
	assert_null(m_prepend(m, 50, M_NOWAIT));
	m = m_gethdr(mb, M_WAITOK, MT_DATA);
	m->m_next = extpg(0, 0, 400, 0);
	m->m_pkthdr.len = 400;
	assert_null(m_pullup(m, MHLEN + 1));
	assert_int_equal(mb->mb_zone.z_inuse, 0);
}

static void
test_random_prepends_agree_with_an_array(void **state)
{
	static uint8_t whole[MAXB + 200];

	for (int i = 0; i < 2000; i++) {
		struct mbuf *m;
		uint32_t len = random_chain(&m), n, front = 0;

		for (int k = 0; k < 3; k++) {
			n = 1 + (uint32_t)prng_below(&rnd, 54);
			memmove(whole + n, front == 0 ? model : whole,
			    len + front);
			m = m_prepend(m, (int)n, M_WAITOK);
			prng_bytes(&rnd, m->m_data, n);
			memcpy(whole, m->m_data, n);
			front += n;
			assert_true((uint32_t)m->m_len >= n);
			assert_int_equal(m->m_pkthdr.len, len + front);
		}
		expect_bytes(m, whole, len + front);
		m_freem(m);
	}
}

static void
test_prepending_never_writes_into_shared_bytes(void **state)
{
	struct mbuf *m = m_getjcl(mb, M_WAITOK, MT_DATA, M_PKTHDR, MCLBYTES);
	struct mbuf *n = m_get(mb, M_WAITOK, MT_DATA), *p;

	m->m_data += 100;
	m->m_len = m->m_pkthdr.len = 10;
	mb_dupcl(n, m);
	assert_false(m_writable(m));
	p = m_prepend(m, 14, M_WAITOK);
	assert_ptr_not_equal(p, m);
	assert_ptr_equal(p->m_next, m);
	m_free(n);
	assert_true(m_writable(m));
	m_freem(p);
}

/* --- shared storage --- */

static void
test_the_original_outlives_its_own_free_until_the_last_copy_goes(void **state)
{
	struct mbuf *m = m_get(mb, M_WAITOK, MT_DATA), *c1, *c2;

	ext_freed = 0;
	m_extadd(m, drv_bytes, 100, count_free, NULL, NULL, M_RDONLY,
	    EXT_NET_DRV);
	m->m_len = 100;
	c1 = m_get(mb, M_WAITOK, MT_DATA);
	mb_dupcl(c1, m);
	c2 = m_get(mb, M_WAITOK, MT_DATA);
	mb_dupcl(c2, c1); /* a copy of a copy */
	assert_ptr_equal(c2->m_ext.ext_orig, m);
	assert_int_equal(m->m_ext.ext_count, 3);
	m_free(m);
	assert_int_equal(mb->mb_zone.z_inuse, 3); /* kept for the count */
	m_free(c1);
	assert_int_equal(mb->mb_zone.z_inuse, 2);
	assert_int_equal(ext_freed, 0);
	m_free(c2);
	assert_int_equal(ext_freed, 1);
	assert_int_equal(mb->mb_zone.z_inuse, 0);
}

static void
test_every_order_of_freeing_gives_storage_back_once(void **state)
{
	static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	for (int k = 0; k < 6; k++) {
		struct mbuf *m[3];

		m[0] = extpg(5, 0, 5000, 16);
		for (int i = 1; i < 3; i++) {
			m[i] = m_get(mb, M_WAITOK, MT_DATA);
			mb_dupcl(m[i], m[i - 1]);
			m[i]->m_len = m[i - 1]->m_len;
		}
		m_copydata(m[0], 0, 5021, model);
		for (int i = 0; i < 3; i++) {
			expect_bytes(m[order[k][i]], model, 5021);
			assert_int_equal(vm_stats(vm)->vs_inuse, 2);
			m_free(m[order[k][i]]);
		}
		assert_int_equal(vm_stats(vm)->vs_inuse, 0);
		assert_int_equal(mb->mb_zone.z_inuse, 0);
	}
}

static void
test_clusters_go_back_to_the_zone_they_came_from(void **state)
{
	static const int sizes[] = { MCLBYTES, MJUMPAGESIZE, MJUM16BYTES };
	struct kzone *z[] = { &mb->mb_cl, &mb->mb_jumbop, &mb->mb_jumbo16 };

	for (int i = 0; i < 3; i++) {
		struct mbuf *m = m_getjcl(mb, M_WAITOK, MT_DATA, 0, sizes[i]);

		assert_int_equal(M_SIZE(m), sizes[i]);
		for (int k = 0; k < 3; k++)
			assert_int_equal(z[k]->z_inuse, i == k);
		m_free(m);
		assert_int_equal(z[i]->z_inuse, 0);
	}
}

static void
test_zone_limits_and_ordered_failures_make_allocations_fail(void **state)
{
	struct mbuf *m;

	mb->mb_zone.z_limit = 1;
	m = m_get(mb, M_NOWAIT, MT_DATA);
	assert_non_null(m);
	assert_null(m_get(mb, M_NOWAIT, MT_DATA));
	m_free(m);
	mb->mb_zone.z_limit = 0;
	for (uint64_t k = 1; k <= 2; k++) { /* the mbuf, the cluster */
		sp.sp_vnet->v_kmem.km_fail_at =
		    sp.sp_vnet->v_kmem.km_nowait + k;
		assert_null(m_getjcl(mb, M_NOWAIT, MT_DATA, 0, MCLBYTES));
		assert_int_equal(mb->mb_zone.z_inuse, 0);
	}
}

static void
test_a_driver_mbuf_is_never_writable(void **state)
{
	struct mbuf *m = m_get(mb, M_WAITOK, MT_DATA);

	assert_true(m_writable(m));
	m_extadd(m, drv_bytes, 10, count_free, NULL, NULL, M_RDONLY,
	    EXT_NET_DRV);
	assert_false(m_writable(m));
	m_free(m);
}

/* --- compress --- */

static void
test_small_unmapped_mbufs_become_plain_at_any_offset(void **state)
{
	for (uint32_t len = 0; len <= MLEN; len += 7)
		for (uint32_t off = 0; off < 60; off += 19) {
			struct mbuf *m = extpg(5, 4090, 300, 16);

			m_advance(m, (int)off);
			m->m_len = (int32_t)len;
			m_copydata(m, 0, (int)len, model);
			assert_int_equal(mb_unmapped_compress(m), 0);
			assert_int_equal(m->m_flags &
				(M_EXT | M_EXTPG | M_RDONLY),
			    0);
			expect_bytes(m, model, len);
			assert_int_equal(vm_stats(vm)->vs_inuse, 0);
			m_free(m);
		}
}

static void
test_shared_or_large_unmapped_mbufs_stay(void **state)
{
	struct mbuf *m = extpg(0, 0, MLEN + 1, 0), *n;

	assert_int_equal(mb_unmapped_compress(m), EFBIG);
	m->m_len = MLEN;
	n = m_get(mb, M_WAITOK, MT_DATA);
	mb_dupcl(n, m);
	n->m_len = MLEN;
	assert_int_equal(mb_unmapped_compress(m), EBUSY);
	assert_int_equal(mb_unmapped_compress(n), EBUSY);
	m_free(m);
	assert_int_equal(mb_unmapped_compress(n), EBUSY);
	m_free(n);
}

/* --- uio --- */

static struct mbuf *
from_uio(uint32_t len, int maxseg, int flags)
{
	struct kiovec iov[3] = { { model, len / 3 }, { model + len / 3, 0 },
		{ model + len / 3, len - len / 3 } };
	struct mbuf *m;
	struct uio uio;

	prng_bytes(&rnd, model, len);
	uio_init(&uio, iov, 3);
	m = m_uiotombuf(mb, &uio, M_WAITOK, (int)len, maxseg, flags);
	assert_int_equal(uio.uio_resid, 0);
	assert_int_equal(uio.uio_offset, len);
	expect_bytes(m, model, len);
	return (m);
}

static void
test_uio_is_cut_into_records_of_maxseg_with_one_short_at_the_end(void **state)
{
	static const uint32_t lens[] = { 1, 4095, 4096, 4097, 16384, 16385,
		32768, 50001 };
	struct mbuf *top, *m;
	uint32_t left;

	for (unsigned i = 0; i < nitems(lens); i++) {
		for (uint32_t seg = 4096; seg <= 16384; seg += 4096) {
			top = from_uio(lens[i], (int)seg, M_EXTPG);
			left = lens[i];
			for (m = top; m != NULL; m = m->m_next) {
				assert_int_equal(m->m_len, MIN(left, seg));
				assert_int_equal(m->m_epg.npgs,
				    howmany(m->m_len, PAGE_SIZE));
				assert_int_equal(m->m_epg.flags, EPG_FLAG_ANON);
				left -= (uint32_t)m->m_len;
			}
			assert_int_equal(left, 0);
			m_freem(top);
		}
		m_freem(from_uio(lens[i], 0, 0));
	}
}

static void
test_a_uio_of_nothing_is_one_empty_anonymous_mbuf(void **state)
{
	struct mbuf *m = from_uio(0, 16384, M_EXTPG);

	assert_int_equal(m->m_len, 0);
	assert_int_equal(m->m_epg.npgs, 0);
	assert_int_equal(m->m_epg.flags, EPG_FLAG_ANON);
	assert_null(m->m_next);
	m_freem(m);
}

static void
test_uio_without_memory_leaves_nothing_behind(void **state)
{
	struct kiovec iov;
	struct uio uio;

	for (uint64_t k = 1; k <= 3; k++) {
		iov = (struct kiovec) { model, 40000 };
		uio_init(&uio, &iov, 1);
		sp.sp_vnet->v_kmem.km_fail_at =
		    sp.sp_vnet->v_kmem.km_nowait + k;
		assert_null(
		    m_uiotombuf(mb, &uio, M_NOWAIT, 40000, 16384, M_EXTPG));
		assert_int_equal(mb->mb_zone.z_inuse, 0);
		assert_int_equal(vm_stats(vm)->vs_inuse, 0);
	}
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_copydata_reads_header_pages_and_trailer_in_order),
		T(test_pieces_cover_any_range_without_overlap),
		T(test_random_trims_agree_with_an_array),
		T(test_random_splits_agree_with_an_array),
		T(test_split_without_memory_changes_nothing),
		T(test_split_moves_eor_and_keeps_protocol_flags),
		T(test_random_pullups_agree_with_an_array),
		T(test_a_failed_pullup_or_prepend_frees_the_chain),
		T(test_random_prepends_agree_with_an_array),
		T(test_prepending_never_writes_into_shared_bytes),
		T(test_the_original_outlives_its_own_free_until_the_last_copy_goes),
		T(test_every_order_of_freeing_gives_storage_back_once),
		T(test_clusters_go_back_to_the_zone_they_came_from),
		T(test_zone_limits_and_ordered_failures_make_allocations_fail),
		T(test_a_driver_mbuf_is_never_writable),
		T(test_small_unmapped_mbufs_become_plain_at_any_offset),
		T(test_shared_or_large_unmapped_mbufs_stay),
		T(test_uio_is_cut_into_records_of_maxseg_with_one_short_at_the_end),
		T(test_a_uio_of_nothing_is_one_empty_anonymous_mbuf),
		T(test_uio_without_memory_leaves_nothing_behind),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
