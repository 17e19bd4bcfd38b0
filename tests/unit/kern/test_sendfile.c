/*
 * sendfile with and without a session: page-aligned records, cold pages in
 * any order, and every way a call can end early with its exact count.
 */
#include "tlsbench.h"

#include <ktsim/kern/vnode.h>

static struct sockpair sp;
static struct socket *so, *peer;
static struct vnode *vp;
static uint8_t raw[250000], plain[20000], want[250000];
static size_t rawlen;

#define FSIZE 100000

static void
fill(void *arg, uint64_t off, void *buf, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] =
		    (uint8_t)((off + i) * 11 + ((off + i) >> 12));
}

static int
setup(void **state)
{
	sockpair_init(&sp, NULL, NULL);
	so = sp.sp_so[0];
	peer = sp.sp_so[1];
	rawlen = 0;
	vp = vnode_create(sp.sp_vnet, "file", FSIZE, fill, NULL);
	for (int i = 0; i < 2; i++) {
		struct sockbuf *sb = i == 0 ? &so->so_snd : &peer->so_rcv;

		sb->sb_hiwat = 230000;
		sb->sb_mbmax = 4000000;
	}
	return (0);
}

static int
teardown(void **state)
{
	struct strbuf sb = { 0 };

	sockpair_run(&sp);
	if (vfs_verify(sp.sp_vnet, &sb) != 0)
		fail_msg("%s", strbuf_str(&sb));
	strbuf_fini(&sb);
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

static void
start(void)
{
	struct tls_enable en = tb_enable(&tls_suites[3], 0);

	assert_int_equal(ktls_enable_tx(so, &en), 0);
}

static void
drain(void)
{
	int t, flags = 0;
	size_t got;

	sockpair_run(&sp);
	SBCHECK(&so->so_snd);
	while (sbavail(&peer->so_rcv) > 0) {
		assert_int_equal(tb_read(peer, raw + rawlen,
				     sizeof(raw) - rawlen, &got, &t, &flags),
		    0);
		rawlen += got;
		sockpair_run(&sp);
	}
}

/* The stream is these records, whose payload is want. */
static void
expect_records(const uint32_t *lens, unsigned n)
{
	size_t at = 0, off = 0, len;
	uint8_t type;

	drain();
	for (unsigned i = 0; i < n; i++) {
		assert_true(at + 5 <= rawlen);
		len = 5u + be16dec(raw + at + 3);
		assert_int_equal(len, 22 + lens[i]);
		assert_int_equal(reftls_open(&tls_suites[3], tb_key, tb_iv, i,
				     raw + at, len, plain, &type),
		    lens[i]);
		assert_memory_equal(plain, want + off, lens[i]);
		at += len;
		off += lens[i];
	}
	assert_int_equal(at, rawlen);
}

static int
send_file(uint64_t off, uint64_t n, const char *hdr, int flags, uint64_t *sent)
{
	struct kiovec iov = { (void *)(uintptr_t)hdr,
		hdr != NULL ? strlen(hdr) : 0 };
	struct uio uio;
	int error;

	uio_init(&uio, &iov, 1);
	error =
	    sosendfile(so, vp, off, n, hdr != NULL ? &uio : NULL, flags, sent);
	SBCHECK(&so->so_snd);
	return (error);
}

static void
test_records_follow_pages_the_first_is_short_by_the_offset(void **state)
{
	static const uint32_t lens[] = { 16384 - 1000, 16384, 16384, 1848 };
	uint64_t sent;

	start();
	for (int warm = 0; warm < 2; warm++) {
		if (warm)
			vnode_warm(vp);
		fill(NULL, 5096, want, 50000);
		assert_int_equal(send_file(5096, 50000, NULL, 0, &sent), 0);
		assert_int_equal(sent, 50000);
		if (warm == 0) {
			assert_int_equal(sbavail(&so->so_snd), 0);
			expect_records(lens, nitems(lens));
			teardown(NULL);
			setup(NULL);
			start();
		}
	}
	expect_records(lens, nitems(lens));
	assert_int_equal(ktls_stats(sp.sp_vnet)->ocf_separate, 4);
	assert_int_equal(ktls_stats(sp.sp_vnet)->ocf_inplace, 0);
}

/* D57134: header records in front of cold pages must be encrypted too. */
static void
test_a_header_in_front_of_a_cold_file_does_not_hang(void **state)
{
	static const uint32_t lens[] = { 6, 16384, 3616 };
	uint64_t sent;

	start();
	memcpy(want, "header", 6);
	fill(NULL, 0, want + 6, 20000);
	assert_int_equal(send_file(0, 20000, "header", 0, &sent), 0);
	assert_int_equal(sent, 20006);
	expect_records(lens, nitems(lens));
	assert_int_equal(sbused(&so->so_snd), 0);
	assert_true(ktls_idle(sp.sp_vnet));
}

static void
plant(const char *name)
{
	int d = defect_find(name);

	assert_true(d >= 0);
	defect_set(&sp.sp_vnet->v_defects, (enum defect)d);
}

/* What it was like: nothing is under way, and the header is never ready. */
static void
test_defect_a_header_in_front_of_a_cold_file_hangs(void **state)
{
	struct mbuf *header;
	uint64_t sent;

	start();
	plant("kern.sendfile-header-forgotten");
	assert_int_equal(send_file(0, 20000, "header", 0, &sent), 0);
	drain();
	assert_int_equal(rawlen, 0);
	assert_true(ktls_idle(sp.sp_vnet));
	assert_int_equal(sbavail(&so->so_snd), 0);
	assert_true(sbused(&so->so_snd) > 20006);
	header = so->so_snd.sb_mb;
	so->so_proto->pr_abort(so);
	header->m_next = NULL;
	(void)mb_free_notready(header, 1); /* nobody else will */
}

static void
test_a_header_alone_and_a_header_without_tls_go_too(void **state)
{
	uint64_t sent;

	memcpy(want, "header", 6);
	fill(NULL, 100, want + 6, 9000);
	assert_int_equal(send_file(100, 9000, "header", 0, &sent), 0);
	assert_int_equal(sent, 9006);
	assert_int_equal(send_file(FSIZE, 0, "tail", 0, &sent), 0);
	assert_int_equal(sent, 4);
	memcpy(want + 9006, "tail", 4);
	drain();
	assert_int_equal(rawlen, 9010);
	assert_memory_equal(raw, want, rawlen);
}

/* --- the disk --- */

static int bad_page = -1;

static simtime_t
backwards(void *arg, struct vnode *v, uint64_t pageno, int *error)
{
	if ((int)pageno == bad_page)
		*error = EIO;
	return ((1000 - pageno) * SIM_US);
}

/* Without M_EXTPG: a mapped page each, also one that is still being read. */
static void
test_without_unmapped_mbufs_each_page_is_mapped(void **state)
{
	uint64_t sent;

	(void)sysctl_write(sp.sp_vnet, "kern.ipc.mb_use_ext_pgs", 0);
	fill(NULL, 5000, want, 20000);
	for (int warm = 0; warm < 2; warm++) {
		rawlen = 0;
		assert_int_equal(send_file(5000, 20000, NULL, 0, &sent), 0);
		assert_int_equal(sent, 20000);
		if (warm == 0) {
			assert_int_equal(sbavail(&so->so_snd), 0);
			assert_int_equal(so->so_snd.sb_mb->m_flags & M_EXTPG,
			    0);
			assert_int_equal(so->so_snd.sb_mb->m_ext.ext_type,
			    EXT_SFBUF);
		}
		drain();
		assert_int_equal(rawlen, 20000);
		assert_memory_equal(raw, want, 20000);
	}
}

static void
test_pages_arriving_in_reverse_order_give_the_same_stream(void **state)
{
	static const uint32_t lens[] = { 16384, 16384, 16384, 848 };
	uint64_t sent;

	bad_page = -1;
	vfs_set_disk(sp.sp_vnet, 0, backwards, NULL);
	start();
	fill(NULL, 0, want, 50000);
	assert_int_equal(send_file(0, 50000, NULL, 0, &sent), 0);
	expect_records(lens, nitems(lens));
	assert_int_equal(vfs_stats(sp.sp_vnet)->reads, 13);
	/* And without TLS, two files' worth interleaved. */
	teardown(NULL);
	setup(NULL);
	vfs_set_disk(sp.sp_vnet, 0, backwards, NULL);
	assert_int_equal(send_file(0, 30000, NULL, 0, &sent), 0);
	assert_int_equal(send_file(60000, 30000, NULL, 0, &sent), 0);
	fill(NULL, 0, want, 30000);
	fill(NULL, 60000, want + 30000, 30000);
	assert_int_equal(sbavail(&so->so_snd), 0);
	drain();
	assert_int_equal(rawlen, 60000);
	assert_memory_equal(raw, want, rawlen);
}

static void
test_a_disk_error_ends_the_connection_and_leaks_nothing(void **state)
{
	uint64_t sent;

	for (int tls = 0; tls < 2; tls++) {
		bad_page = 2;
		vfs_set_disk(sp.sp_vnet, 0, backwards, NULL);
		if (tls)
			start();
		assert_int_equal(send_file(0, 40000, "hdr", 0, &sent), 0);
		sockpair_run(&sp);
		assert_int_equal(so->so_error, EIO);
		assert_int_equal(vfs_stats(sp.sp_vnet)->errors, 1);
		assert_true(so->so_state & SS_ISDISCONNECTED);
		assert_int_equal(sbused(&so->so_snd), 0);
		assert_true(ktls_idle(sp.sp_vnet));
		if (tls == 0) {
			teardown(NULL);
			setup(NULL);
		}
	}
}

/* --- TLS 1.0: records are encrypted in the stream's order --- */

static void
start10(void)
{
	struct tls_enable en =
	    tb_enable(tls_suite_byname("aes128-cbc-sha1-1.0"), 7);

	assert_int_equal(ktls_enable_tx(so, &en), 0);
}

/* Each record opens with the last block of the one before. */
static void
expect_chain(const uint32_t *lens, unsigned n)
{
	const struct tls_suite *s = tls_suite_byname("aes128-cbc-sha1-1.0");
	size_t at = 0, off = 0, len;
	uint8_t type, iv[16];

	drain();
	memcpy(iv, tb_iv, 16);
	for (unsigned i = 0; i < n; i++) {
		assert_true(at + 5 <= rawlen);
		len = 5u + be16dec(raw + at + 3);
		assert_int_equal(reftls_open(s, tb_key, iv, 7 + i, raw + at,
				     len, plain, &type),
		    lens[i]);
		assert_memory_equal(plain, want + off, lens[i]);
		at += len;
		off += lens[i];
		memcpy(iv, raw + at - 16, 16);
	}
	assert_int_equal(at, rawlen);
}

static void
test_tls10_waits_for_cold_pages_of_earlier_records(void **state)
{
	static const uint32_t lens[] = { 5, 16384, 3616, 100, 16384, 13616, 2 };
	struct ktls_stats *st = ktls_stats(sp.sp_vnet);
	uint64_t sent;

	bad_page = -1;
	vfs_set_disk(sp.sp_vnet, 0, backwards, NULL);
	start10();
	memcpy(want, "first", 5);
	fill(NULL, 0, want + 5, 20000);
	memset(want + 20005, 'm', 100);
	fill(NULL, 40960, want + 20105, 30000);
	memcpy(want + 50105, "\1\0", 2);
	assert_int_equal(tb_write(so, want, 5, -1, NULL), 0);
	assert_int_equal(send_file(0, 20000, NULL, 0, &sent), 0);
	assert_int_equal(tb_write(so, want + 20005, 100, -1, NULL), 0);
	/* These pages come before the others. */
	assert_int_equal(send_file(40960, 30000, NULL, 0, &sent), 0);
	assert_int_equal(tb_write(so, want + 50105, 2, 21, NULL), 0);
	assert_int_equal(st->sw_tx_pending, 2); /* the writes */
	assert_int_equal(st->sw_tx_inqueue, 1);
	expect_chain(lens, nitems(lens));
	assert_int_equal(st->sw_tx_pending, 0);
	assert_int_equal(st->records_tx, nitems(lens));
}

static simtime_t
swapped(void *arg, const struct ktls_session *tls, uint64_t seqno,
    simtime_t cost)
{
	return ((20 - seqno) * SIM_MS);
}

static void
test_tls10_is_never_dispatched_asynchronously(void **state)
{
	static const uint32_t lens[] = { 16384, 3616, 100 };
	uint64_t sent;

	bad_page = -1;
	vfs_set_disk(sp.sp_vnet, 0, backwards, NULL);
	ktls_set_completion(sp.sp_vnet, swapped, NULL);
	start10();
	fill(NULL, 0, want, 20100);
	assert_int_equal(send_file(0, 20000, NULL, 0, &sent), 0);
	assert_int_equal(tb_write(so, want + 20000, 100, -1, NULL), 0);
	expect_chain(lens, nitems(lens));
}

static void
test_tls10_batches_behind_a_disk_error_go_home(void **state)
{
	struct ktls_stats *st = ktls_stats(sp.sp_vnet);
	uint64_t sent;

	bad_page = 2;
	vfs_set_disk(sp.sp_vnet, 0, backwards, NULL);
	start10();
	assert_int_equal(send_file(0, 20000, NULL, 0, &sent), 0);
	assert_int_equal(tb_write(so, want, 100, -1, NULL), 0);
	/* One batch comes before the error, one after. */
	assert_int_equal(send_file(40960, 30000, NULL, 0, &sent), 0);
	assert_int_equal(tb_write(so, want, 100, -1, NULL), 0);
	assert_int_equal(st->sw_tx_pending, 2);
	sockpair_run(&sp);
	assert_int_equal(so->so_error, EIO);
	assert_int_equal(st->sw_tx_pending, 0);
	assert_true(ktls_idle(sp.sp_vnet));
	assert_int_equal(rawlen, 0);
}

static void
test_nodiskio_stops_at_the_first_cold_page_with_the_exact_count(void **state)
{
	uint64_t sent;

	start();
	/* Pages 0 to 3 become resident by being sent. */
	assert_int_equal(send_file(0, 16384, NULL, 0, &sent), 0);
	drain();
	rawlen = 0;
	assert_int_equal(send_file(1000, 40000, NULL, SF_NODISKIO, &sent),
	    EBUSY);
	assert_int_equal(sent, 16384 - 1000);
	drain();
	assert_int_equal(rawlen, 16384 - 1000 + 22);
	assert_int_equal(send_file(16384, 100, "h", SF_NODISKIO, &sent), EBUSY);
	assert_int_equal(sent, 0);
	assert_int_equal(vfs_stats(sp.sp_vnet)->reads, 4);
}

static void
test_a_full_buffer_is_eagain_with_the_exact_count(void **state)
{
	uint64_t sent;

	for (int tls = 0; tls < 2; tls++) {
		vnode_warm(vp);
		if (tls)
			start();
		so->so_snd.sb_hiwat = 30000;
		peer->so_rcv.sb_hiwat = 1;
		assert_int_equal(send_file(0, FSIZE, NULL, 0, &sent), EAGAIN);
		assert_int_equal(so->so_snd.sb_lowat, 15000);
		assert_true(sent >= 15000 && sent <= 30001);
		assert_int_equal(send_file(sent, FSIZE, NULL, 0, &sent),
		    EAGAIN);
		assert_int_equal(sent, 0);
		peer->so_rcv.sb_hiwat = 200000;
		sockpair_run(&sp);
		if (tls == 0) {
			teardown(NULL);
			setup(NULL);
		}
	}
}

/* FreeBSD takes of it what fits, vn_sendfile's `space`, and goes on later. */
static void
test_a_header_larger_than_the_buffer_goes_in_pieces(void **state)
{
	char hdr[800];
	struct kiovec iov = { hdr, sizeof(hdr) };
	uint64_t sent, total = 0;
	struct uio uio;
	int error;

	memset(hdr, 'h', sizeof(hdr));
	memcpy(want, hdr, sizeof(hdr));
	fill(NULL, 0, want + sizeof(hdr), 3000);
	so->so_snd.sb_hiwat = 600;
	so->so_snd.sb_lowat = 1;
	peer->so_rcv.sb_hiwat = 1;
	uio_init(&uio, &iov, 1);
	assert_int_equal(sosendfile(so, vp, 0, 3000, &uio, 0, &sent), EAGAIN);
	assert_in_range(sent, 1, sizeof(hdr) - 1);
	assert_int_equal(uio.uio_resid, sizeof(hdr) - sent);
	peer->so_rcv.sb_hiwat = 200000;
	for (unsigned i = 0; i < 100 && total < 3800; i++) {
		total += sent;
		drain();
		error = sosendfile(so, vp, total - MIN(total, sizeof(hdr)),
		    3800 - MAX(total, sizeof(hdr)), &uio, 0, &sent);
		if (error == 0)
			total += sent;
		if (error == 0)
			break;
	}
	assert_int_equal(total, 3800);
	drain();
	assert_int_equal(rawlen, 3800);
	assert_memory_equal(raw, want, rawlen);
}

static void
test_ranges_beyond_the_end_send_what_there_is(void **state)
{
	uint64_t sent;

	assert_int_equal(send_file(FSIZE - 10, 5000, NULL, 0, &sent), 0);
	assert_int_equal(sent, 10);
	assert_int_equal(send_file(FSIZE, 5000, NULL, 0, &sent), 0);
	assert_int_equal(sent, 0);
	assert_int_equal(send_file(FSIZE + 7, 0, NULL, 0, &sent), 0);
	assert_int_equal(sent, 0);
	assert_int_equal(send_file(0, 0, NULL, 0, &sent), 0);
	assert_int_equal(sent, FSIZE);
	drain();
	fill(NULL, FSIZE - 10, want, 10);
	fill(NULL, 0, want + 10, FSIZE);
	assert_int_equal(rawlen, FSIZE + 10);
	assert_memory_equal(raw, want, rawlen);
}

static void
test_states_refuse_sendfile(void **state)
{
	uint64_t sent;

	so->so_error = EIO;
	assert_int_equal(send_file(0, 10, NULL, 0, &sent), EIO);
	so->so_state &= (uint16_t)~SS_ISCONNECTED;
	assert_int_equal(send_file(0, 10, NULL, 0, &sent), ENOTCONN);
	so->so_state |= SS_ISCONNECTED;
	so->so_snd.sb_state |= SBS_CANTSENDMORE;
	assert_int_equal(send_file(0, 10, NULL, 0, &sent), EPIPE);
	so->so_snd.sb_state = 0;
	assert_int_equal(sent, 0);
}

/* The planted defect writes into the page cache: the check must see it. */
static void
test_a_file_page_that_was_written_is_found(void **state)
{
	struct strbuf sb = { 0 };
	uint64_t sent;

	defect_set(&sp.sp_vnet->v_defects, DEFECT_KTLS_INPLACE_FILE);
	start();
	assert_int_equal(send_file(0, 8192, NULL, 0, &sent), 0);
	drain();
	assert_int_equal(vnode_verify(vp, &sb), 2);
	assert_non_null(strstr(strbuf_str(&sb), "page 1 of file file"));
	strbuf_fini(&sb);
	vnode_chill(vp);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_records_follow_pages_the_first_is_short_by_the_offset),
		T(test_a_header_in_front_of_a_cold_file_does_not_hang),
		T(test_defect_a_header_in_front_of_a_cold_file_hangs),
		T(test_a_header_alone_and_a_header_without_tls_go_too),
		T(test_without_unmapped_mbufs_each_page_is_mapped),
		T(test_pages_arriving_in_reverse_order_give_the_same_stream),
		T(test_a_disk_error_ends_the_connection_and_leaks_nothing),
		T(test_tls10_waits_for_cold_pages_of_earlier_records),
		T(test_tls10_is_never_dispatched_asynchronously),
		T(test_tls10_batches_behind_a_disk_error_go_home),
		T(test_nodiskio_stops_at_the_first_cold_page_with_the_exact_count),
		T(test_a_full_buffer_is_eagain_with_the_exact_count),
		T(test_a_header_larger_than_the_buffer_goes_in_pieces),
		T(test_ranges_beyond_the_end_send_what_there_is),
		T(test_states_refuse_sendfile),
		T(test_a_file_page_that_was_written_is_found),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
