/*
 * Socket buffer accounting: freebsd-ktls.md 3.2 by example, and ten thousand
 * random operations against an array of bytes and pieces.
 */
#include "support/ktest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/base/prng.h>
#include <ktsim/kern/ktls.h>

#include "support/kpanic.h"
#include "support/sockpair.h"

static struct sockpair sp;
static struct sockbuf sb;
static struct mb_state *mb;
static uint8_t next_byte;

static int
setup(void **state)
{
	sockpair_init(&sp, NULL, NULL);
	mb = sp.sp_vnet->v_mb;
	sbinit(&sb, sp.sp_vnet, NULL);
	assert_int_equal(soreserve_sb(&sb, 200000), 0);
	next_byte = 0;
	return (0);
}

static int
teardown(void **state)
{
	sbflush(&sb);
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

/* A plain mbuf of len counting bytes. */
static struct mbuf *
plain(uint32_t len)
{
	struct mbuf *m;

	m = len <= MLEN ? m_get(mb, M_WAITOK, MT_DATA)
			: m_getjcl(mb, M_WAITOK, MT_DATA, 0, MCLBYTES);
	for (uint32_t i = 0; i < len; i++)
		m->m_data[i] = next_byte++;
	m->m_len = (int32_t)len;
	return (m);
}

static struct mbuf *
notready(uint32_t len)
{
	struct mbuf *m = plain(len);

	m->m_flags |= M_NOTREADY;
	return (m);
}

/* A page-backed mbuf of as many pages as len wants, not ready. */
static struct mbuf *
paged(uint32_t len)
{
	struct mbuf *m;
	uint32_t n;

	m = mb_alloc_ext_pgs(mb, M_WAITOK, mb_free_mext_pgs);
	for (uint32_t at = 0; at < len; at += n) {
		vm_paddr_t pa = vm_page_alloc(sp.sp_vnet->v_vm);

		n = MIN(len - at, (uint32_t)PAGE_SIZE);
		for (uint32_t i = 0; i < n; i++)
			PHYS_TO_DMAP(sp.sp_vnet->v_vm, pa)[i] = next_byte++;
		m->m_epg.pa[m->m_epg.npgs++] = pa;
		m->m_epg.last_len = (uint16_t)n;
		m->m_ext.ext_size += PAGE_SIZE;
	}
	m->m_len = (int32_t)len;
	m->m_epg.nrdy = m->m_epg.npgs;
	m->m_flags |= M_NOTREADY;
	return (m);
}

static void
append(struct mbuf *m)
{
	sbappendstream(&sb, m, PRUS_NOTREADY);
	SBCHECK(&sb);
}

static void
expect(uint32_t acc, uint32_t ccc)
{
	SBCHECK(&sb);
	assert_int_equal(sb.sb_acc, acc);
	assert_int_equal(sb.sb_ccc, ccc);
}

/* --- not ready --- */

static void
test_bytes_behind_the_first_not_ready_mbuf_are_claimed_not_available(
    void **state)
{
	struct mbuf *n1 = notready(50), *r2;

	append(plain(10));
	append(n1);
	r2 = plain(100);
	append(r2);
	expect(10, 160);
	assert_ptr_equal(sb.sb_fnrdy, n1);
	assert_int_equal(n1->m_flags & M_NOTAVAIL, M_NOTREADY);
	assert_int_equal(r2->m_flags & M_NOTAVAIL, M_BLOCKED);
	assert_int_equal(sbready(&sb, n1, 1), 0);
	expect(160, 160);
	assert_null(sb.sb_fnrdy);
}

static void
test_a_middle_record_ready_first_leaves_acc_alone(void **state)
{
	struct mbuf *a = paged(5000), *b = paged(6000), *c = paged(7000);

	append(a);
	append(b);
	append(c);
	assert_int_equal(sbready(&sb, b, 2), EINPROGRESS);
	expect(0, 18000);
	assert_int_equal(b->m_flags & M_NOTAVAIL, M_BLOCKED);
	assert_int_equal(sbready(&sb, a, 2), 0);
	expect(11000, 18000); /* b came along */
	assert_ptr_equal(sb.sb_fnrdy, c);
	assert_int_equal(c->m_flags & M_NOTREADY, M_NOTREADY);
	assert_int_equal(sbready(&sb, c, 2), 0);
	expect(18000, 18000);
}

static void
test_a_record_is_ready_when_its_last_unit_is(void **state)
{
	struct mbuf *m = paged(16384);

	append(m);
	assert_int_equal(m->m_epg.nrdy, 4);
	assert_int_equal(sbready(&sb, m, 1), EINPROGRESS);
	assert_int_equal(m->m_epg.nrdy, 3);
	expect(0, 16384);
	assert_int_equal(sbready(&sb, m, 2), EINPROGRESS);
	expect(0, 16384);
	assert_int_equal(sbready(&sb, m, 1), 0);
	expect(16384, 16384);
	assert_int_equal(m->m_epg.nrdy, 0);
}

static void
test_one_call_may_complete_several_records_and_part_of_the_next(void **state)
{
	struct mbuf *a = paged(8192), *b = notready(300), *c = paged(16384);

	append(a);
	append(b);
	append(c);
	assert_int_equal(sbready(&sb, a, 2 + 1 + 3), 0);
	expect(8492, 8492 + 16384);
	assert_ptr_equal(sb.sb_fnrdy, c);
	assert_int_equal(c->m_epg.nrdy, 1);
	assert_int_equal(sbready(&sb, c, 1), 0);
	expect(8492 + 16384, 8492 + 16384);
}

static void
test_protocol_flags_do_not_enter_without_notready(void **state)
{
	struct mbuf *m = notready(30);

	m->m_flags |= M_PROTO5 | M_PROTO2;
	sbappendstream(&sb, m, 0);
	assert_int_equal(m->m_flags & M_PROTOFLAGS, 0);
	expect(30, 30);
}

static void
test_flush_leaves_not_ready_mbufs_to_their_owner_with_their_links(void **state)
{
	struct mbuf *a = paged(5000), *b = notready(100);
	uint64_t inuse;

	append(plain(10));
	append(a);
	append(b);
	append(plain(900));
	sbflush(&sb);
	expect(0, 0);
	assert_int_equal(sb.sb_mbcnt, 0);
	assert_null(sb.sb_mb);
	assert_null(sb.sb_fnrdy);
	assert_ptr_equal(a->m_next, b);
	inuse = mb->mb_zone.z_inuse;
	assert_int_equal(inuse, 2);
	/* The worker is done with one page, then with the rest and b. */
	assert_int_equal(mb_free_notready(a, 1), EINPROGRESS);
	assert_int_equal(mb->mb_zone.z_inuse, 2);
	assert_int_equal(mb_free_notready(a, 2), EINPROGRESS);
	assert_int_equal(mb->mb_zone.z_inuse, 0);
}

static void
test_a_planted_early_sbready_is_found(void **state)
{
	struct mbuf *a = notready(300), *b = notready(300);

	defect_set(&sp.sp_vnet->v_defects, DEFECT_SB_READY_EARLY);
	append(a);
	append(b);
	EXPECT_PANIC(sbready(&sb, a, 1), "sbcheck");
	sp.sp_vnet->v_defects = (struct defects) { { 0 } };
	sb.sb_acc -= 300;
	assert_int_equal(sbready(&sb, b, 1), 0);
}

static void
test_sbready_of_what_is_ready_panics(void **state)
{
	struct mbuf *a = notready(300), *b = plain(600);

	append(a);
	EXPECT_PANIC(sbready(&sb, a, 0), "count");
	append(b);
	EXPECT_PANIC(sbready(&sb, a, 2), "mbuf is ready");
	sb.sb_fnrdy = NULL;
	a->m_flags &= ~(uint32_t)M_NOTAVAIL;
	b->m_flags &= ~(uint32_t)M_NOTAVAIL;
	sb.sb_acc = 900;
	EXPECT_PANIC(sbready(&sb, a, 1), "nothing is not ready");
	expect(900, 900);
}

/* --- cutting --- */

static void
test_dropping_frees_whole_mbufs_and_trims_the_next(void **state)
{
	struct mbuf *cut;
	uint8_t c;

	append(plain(1000));
	append(plain(1000));
	cut = sbcut(&sb, 1300);
	assert_non_null(cut);
	assert_null(cut->m_next);
	assert_int_equal(cut->m_len, 1000);
	m_freem(cut);
	expect(700, 700);
	m_copydata(sb.sb_mb, 0, 1, &c);
	assert_int_equal(c, (uint8_t)1300);
	sbdrop(&sb, 700);
	expect(0, 0);
	assert_null(sb.sb_mb);
	assert_null(sb.sb_mbtail);
	assert_null(sb.sb_lastrecord);
}

/* --- space --- */

static void
test_space_is_what_bytes_and_memory_both_allow(void **state)
{
	assert_int_equal(soreserve_sb(&sb, 0), ENOBUFS);
	assert_int_equal(soreserve_sb(&sb, SB_MAX + 1), ENOBUFS);
	assert_int_equal(soreserve_sb(&sb, 10000), 0);
	assert_int_equal(sbspace(&sb), 10000);
	append(plain(1000));
	assert_int_equal(sbspace(&sb), 9000);
	assert_int_equal(sb.sb_mbcnt, MSIZE + MCLBYTES);
	sb.sb_mbmax = sb.sb_mbcnt + 17;
	assert_int_equal(sbspace(&sb), 17);
	sb.sb_mbmax = sb.sb_mbcnt - 1;
	assert_int_equal(sbspace(&sb), 0);
	sb.sb_mbmax = 1000000;
	sb.sb_hiwat = 900;
	assert_int_equal(sbspace(&sb), 0);
	sb.sb_hiwat = 5000;
	sb.sb_flags |= SB_STOP;
	assert_int_equal(sbspace(&sb), 0);
}

/* --- merging --- */

static unsigned
chain_length(void)
{
	unsigned n = 0;

	for (struct mbuf *m = sb.sb_mb; m != NULL; m = m->m_next)
		n++;
	return (n);
}

static void
test_small_ready_mbufs_merge_up_to_a_quarter_cluster(void **state)
{
	append(plain(1000)); /* a cluster with 1048 bytes of room */
	append(plain(MCLBYTES / 4));
	assert_int_equal(chain_length(), 1);
	append(plain(MCLBYTES / 4));
	assert_int_equal(chain_length(), 1);
	append(plain(25)); /* 24 bytes of room */
	assert_int_equal(chain_length(), 2);
	append(plain(MCLBYTES / 4 + 1));
	assert_int_equal(chain_length(), 3);
	expect(1000 + 1024 + 25 + 513, 1000 + 1024 + 25 + 513);
}

static void
test_nothing_merges_with_not_ready_shared_or_eor(void **state)
{
	struct mbuf *n1 = notready(20), *n2 = notready(20), *s, *copy;

	append(n1);
	append(plain(20));
	assert_int_equal(chain_length(), 2);
	append(n2);
	assert_int_equal(chain_length(), 3);
	sbflush(&sb);
	(void)mb_free_notready(n1, 1);
	(void)mb_free_notready(n2, 1);
	/* shared cluster */
	s = plain(300);
	append(s);
	copy = m_get(mb, M_WAITOK, MT_DATA);
	mb_dupcl(copy, s);
	append(plain(20));
	assert_int_equal(chain_length(), 2);
	m_free(copy);
	sb.sb_mbtail->m_flags |= M_EOR;
	append(plain(20));
	assert_int_equal(chain_length(), 3);
	sb.sb_flags |= SB_NOCOALESCE;
	append(plain(20));
	assert_int_equal(chain_length(), 4);
}

static void
test_empty_mbufs_do_not_stay(void **state)
{
	struct mbuf *m = plain(0);

	m->m_next = plain(5);
	m->m_next->m_next = plain(0);
	append(m);
	assert_int_equal(chain_length(), 1);
	expect(5, 5);
}

static void
test_small_records_become_plain_mbufs_when_ready(void **state)
{
	struct mbuf *a = paged(100), *b = paged(100), *c = paged(MLEN + 1);
	uint64_t pages = vm_stats(sp.sp_vnet->v_vm)->vs_inuse;
	uint8_t buf[300];

	append(a);
	append(b);
	append(c);
	assert_int_equal(sbready(&sb, a, 3), 0);
	expect(200 + MLEN + 1, 200 + MLEN + 1);
	assert_int_equal(a->m_flags & M_EXTPG, 0);
	assert_int_equal(c->m_flags & M_EXTPG, M_EXTPG);
	assert_int_equal(vm_stats(sp.sp_vnet->v_vm)->vs_inuse, pages - 2);
	m_copydata(sb.sb_mb, 0, 300, buf);
	for (int i = 0; i < 300; i++)
		assert_int_equal(buf[i], (uint8_t)i);
}

/* --- records --- */

static struct mbuf *
control(uint8_t type)
{
	return (sbcreatecontrol(mb, &type, 1, TLS_GET_RECORD, 6, M_WAITOK));
}

static void
test_records_keep_apart_and_are_cut_from_the_front(void **state)
{
	struct mbuf *c1 = control(23), *d1 = plain(100), *c2 = control(21);

	sbappendcontrol(&sb, d1, c1);
	sbappendcontrol(&sb, NULL, c2);
	sbappendcontrol(&sb, plain(5), NULL);
	expect(13 + 100 + 13 + 5, 13 + 100 + 13 + 5);
	assert_int_equal(sb.sb_ctl, 26);
	assert_ptr_equal(sb.sb_mb, c1);
	assert_ptr_equal(c1->m_next, d1);
	assert_ptr_equal(c1->m_nextpkt, c2);
	sbdrop(&sb, 13); /* the control message */
	expect(118, 118);
	assert_ptr_equal(sb.sb_mb, d1);
	assert_ptr_equal(d1->m_nextpkt, c2);
	assert_int_equal(sb.sb_ctl, 13);
	sbdrop(&sb, 101); /* into the second record */
	expect(17, 17);
	assert_int_equal(sb.sb_ctl, 12);
	sbdroprecord(&sb);
	expect(5, 5);
	assert_ptr_equal(sb.sb_mb, sb.sb_lastrecord);
	sbdroprecord(&sb);
	expect(0, 0);
	sbdroprecord(&sb); /* nothing happens */
}

static void
test_control_messages_carry_level_type_and_data(void **state)
{
	uint8_t data[6] = { 1, 2, 3, 4, 5, 6 };
	struct mbuf *m =
	    sbcreatecontrol(mb, data, 6, TLS_GET_RECORD, 6, M_WAITOK);
	struct kcmsghdr *cm = mtod(m, struct kcmsghdr *);

	assert_int_equal(m->m_type, MT_CONTROL);
	assert_int_equal(cm->cmsg_len, sizeof(*cm) + 6);
	assert_int_equal(cm->cmsg_level, 6);
	assert_int_equal(cm->cmsg_type, TLS_GET_RECORD);
	assert_memory_equal(KCMSG_DATA(cm), data, 6);
	m_freem(m);
	sp.sp_vnet->v_kmem.km_fail_at = sp.sp_vnet->v_kmem.km_nowait + 1;
	assert_null(sbcreatecontrol(mb, data, 6, 1, 6, M_NOWAIT));
}

/* --- the checker itself --- */

static void
test_each_falsified_counter_is_found(void **state)
{
	uint32_t *const counters[] = { &sb.sb_acc, &sb.sb_ccc, &sb.sb_mbcnt,
		&sb.sb_ctl, &sb.sb_tlscc, &sb.sb_tlsdcc };

	append(plain(300));
	append(notready(400));
	for (unsigned i = 0; i < nitems(counters); i++) {
		++*counters[i];
		EXPECT_PANIC_VOID(SBCHECK(&sb), "sbcheck at test_sockbuf.c:");
		--*counters[i];
		SBCHECK(&sb);
	}
	assert_int_equal(sbready(&sb, sb.sb_fnrdy, 1), 0);
}

static void
test_each_falsified_pointer_or_flag_is_found(void **state)
{
	struct mbuf *a, *n = notready(400), *r = plain(600), *tail, other;

	append(plain(300));
	append(n);
	append(r);
	a = sb.sb_mb;
	sb.sb_fnrdy = r;
	EXPECT_PANIC_VOID(SBCHECK(&sb), "in front of sb_fnrdy");
	sb.sb_fnrdy = &other;
	EXPECT_PANIC_VOID(SBCHECK(&sb), "sbcheck");
	sb.sb_fnrdy = NULL;
	EXPECT_PANIC_VOID(SBCHECK(&sb), "in front of sb_fnrdy");
	sb.sb_fnrdy = n;
	r->m_flags &= ~(uint32_t)M_BLOCKED;
	EXPECT_PANIC_VOID(SBCHECK(&sb), "available mbuf behind");
	r->m_flags |= M_BLOCKED;
	a->m_flags |= M_BLOCKED;
	EXPECT_PANIC_VOID(SBCHECK(&sb), "in front of sb_fnrdy");
	a->m_flags &= ~(uint32_t)M_BLOCKED;
	tail = sb.sb_mbtail;
	sb.sb_mbtail = a;
	EXPECT_PANIC_VOID(SBCHECK(&sb), "not the tail");
	sb.sb_mbtail = tail;
	sb.sb_mtlstail = a;
	EXPECT_PANIC_VOID(SBCHECK(&sb), "sb_mtlstail");
	sb.sb_mtlstail = NULL;
	SBCHECK(&sb);
	assert_int_equal(sbready(&sb, n, 1), 0);
}

/* --- random --- */

#define MAXPIECES 512
#define MAXBYTES  400000

struct piece {
	struct mbuf *m; /* valid while left > 0 */
	uint32_t len;
	int left; /* units to come */
};

static struct model {
	struct piece p[MAXPIECES];
	unsigned n;
	uint8_t bytes[MAXBYTES];
	uint32_t len;
} md;

static uint32_t
model_acc(void)
{
	uint32_t acc = 0;

	for (unsigned i = 0; i < md.n && md.p[i].left == 0; i++)
		acc += md.p[i].len;
	return (acc);
}

static void
model_append(struct mbuf *m, int units)
{
	m_copydata(m, 0, m->m_len, md.bytes + md.len);
	md.len += (uint32_t)m->m_len;
	md.p[md.n++] = (struct piece) { m, (uint32_t)m->m_len, units };
}

static void
model_drop(uint32_t len)
{
	uint32_t left = len;

	while (left > 0 && md.p[0].len <= left) {
		left -= md.p[0].len;
		memmove(&md.p[0], &md.p[1], --md.n * sizeof(md.p[0]));
	}
	if (left > 0)
		md.p[0].len -= left;
	md.len -= len;
	memmove(md.bytes, md.bytes + len, md.len);
}

/* Units for a random not ready piece, perhaps reaching into the next ones. */
static void
random_ready(struct prng *r)
{
	uint32_t before = model_acc();
	unsigned i, j, k = 0;
	int total, count, left;
	bool front;

	for (i = 0; i < md.n; i++)
		k += md.p[i].left > 0;
	if (k == 0)
		return;
	k = (unsigned)prng_below(r, prng_below(r, 2) ? 1 : k);
	for (i = 0; md.p[i].left == 0 || k-- > 0; i++)
		;
	for (j = i, total = 0; j < md.n && md.p[j].left > 0 && j < i + 3; j++)
		total += md.p[j].left;
	count = left = 1 + (int)prng_below(r, (uint64_t)total);
	front = sb.sb_fnrdy == md.p[i].m;
	for (j = i; left > 0; j++) {
		int take = MIN(left, md.p[j].left);

		md.p[j].left -= take;
		left -= take;
	}
	assert_int_equal(sbready(&sb, md.p[i].m, count),
	    front && md.p[i].left == 0 ? 0 : EINPROGRESS);
	if (!front)
		assert_int_equal(model_acc(), before);
}

static uint32_t
naive_offset(const struct mbuf *want)
{
	uint32_t off = 0;

	for (struct mbuf *m = sb.sb_mb; m != NULL; m = m->m_next) {
		if (m == want)
			return (off);
		off += (uint32_t)m->m_len;
	}
	fail_msg("the hint is not in the buffer");
	return (0);
}

static void
random_sndptr(struct prng *r)
{
	uint32_t acc = model_acc(), off, moff;
	struct mbuf *m;
	uint8_t c;

	if (sb.sb_sndptr != NULL)
		assert_int_equal(naive_offset(sb.sb_sndptr), sb.sb_sndptroff);
	if (acc == 0)
		return;
	off = (uint32_t)prng_below(r, acc);
	m = sbsndptr_noadv(&sb, off, &moff);
	assert_non_null(m);
	assert_int_equal(naive_offset(m) + moff, off);
	assert_true(moff < (uint32_t)m->m_len);
	m_copydata(m, (int)moff, 1, &c);
	assert_int_equal(c, md.bytes[off]);
	if (prng_below(r, 2) == 0)
		return;
	sbsndptr_adv(&sb, m, (uint32_t)prng_below(r, acc - off + 1));
	assert_int_equal(naive_offset(sb.sb_sndptr), sb.sb_sndptroff);
}

static void
random_append(struct prng *r)
{
	struct mbuf *m;

	if (md.n + 4 > MAXPIECES || md.len + 20000 > MAXBYTES / 2)
		return;
	switch (prng_below(r, 4)) {
	case 0:
	case 1:
		m = plain(1 + (uint32_t)prng_below(r, 700));
		model_append(m, 0);
		break;
	case 2:
		m = notready(1 + (uint32_t)prng_below(r, 700));
		model_append(m, 1);
		break;
	default:
		m = paged(1 +
		    (uint32_t)prng_below(r, prng_below(r, 2) ? 300 : 16384));
		model_append(m, m->m_epg.npgs);
		break;
	}
	sbappendstream(&sb, m, PRUS_NOTREADY);
}

static void
random_flush(void)
{
	sbflush(&sb);
	for (unsigned i = 0; i < md.n; i++)
		if (md.p[i].left > 0)
			(void)mb_free_notready(md.p[i].m, md.p[i].left);
	md.n = md.len = 0;
}

static void
random_compare(struct prng *r)
{
	static uint8_t buf[MAXBYTES];
	uint32_t acc = model_acc();

	SBCHECK(&sb);
	assert_int_equal(sb.sb_acc, acc);
	assert_int_equal(sb.sb_ccc, md.len);
	if (acc > 0 && prng_below(r, 8) == 0) {
		m_copydata(sb.sb_mb, 0, (int)acc, buf);
		assert_memory_equal(buf, md.bytes, acc);
	}
}

static void
test_ten_thousand_random_operations_agree_with_an_array(void **state)
{
	struct prng r;

	prng_init(&r, 1, "test_sockbuf");
	md.n = md.len = 0;
	sb.sb_mbmax = UINT32_MAX;
	for (int i = 0; i < 10000; i++) {
		switch (prng_below(&r, 8)) {
		case 0:
		case 1:
		case 2:
			random_append(&r);
			break;
		case 3:
		case 4:
			random_ready(&r);
			break;
		case 5: {
			uint32_t n = (uint32_t)prng_below(&r, model_acc() + 1);

			sbdrop(&sb, n);
			model_drop(n);
			break;
		}
		default:
			random_sndptr(&r);
		}
		if (prng_below(&r, 400) == 0)
			random_flush();
		random_compare(&r);
	}
	random_flush();
	assert_int_equal(mb->mb_zone.z_inuse, 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_bytes_behind_the_first_not_ready_mbuf_are_claimed_not_available),
		T(test_a_middle_record_ready_first_leaves_acc_alone),
		T(test_a_record_is_ready_when_its_last_unit_is),
		T(test_one_call_may_complete_several_records_and_part_of_the_next),
		T(test_protocol_flags_do_not_enter_without_notready),
		T(test_flush_leaves_not_ready_mbufs_to_their_owner_with_their_links),
		T(test_a_planted_early_sbready_is_found),
		T(test_sbready_of_what_is_ready_panics),
		T(test_dropping_frees_whole_mbufs_and_trims_the_next),
		T(test_space_is_what_bytes_and_memory_both_allow),
		T(test_small_ready_mbufs_merge_up_to_a_quarter_cluster),
		T(test_nothing_merges_with_not_ready_shared_or_eor),
		T(test_empty_mbufs_do_not_stay),
		T(test_small_records_become_plain_mbufs_when_ready),
		T(test_records_keep_apart_and_are_cut_from_the_front),
		T(test_control_messages_carry_level_type_and_data),
		T(test_each_falsified_counter_is_found),
		T(test_each_falsified_pointer_or_flag_is_found),
		T(test_ten_thousand_random_operations_agree_with_an_array),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
