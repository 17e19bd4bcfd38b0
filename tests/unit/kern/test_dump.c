/*
 * What mbufs, socket buffers, sockets, sessions and workers look like as
 * text: no address, no key, the state and nothing else.
 */
#include "tlsbench.h"

#include <ktsim/base/dump.h>
#include <ktsim/kern/vm.h>
#include <ktsim/kern/vnode.h>
#include <ktsim/opencrypto/crypto_accel.h>
#include <ktsim/opencrypto/crypto_backend.h>

static struct sockpair sp;
static struct strbuf sb;

static int
setup(void **state)
{
	sockpair_init(&sp, NULL, NULL);
	return (0);
}

static int
teardown(void **state)
{
	strbuf_fini(&sb);
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

/* The text is this, and the printer said it twice the same. */
static void
is(const char *want)
{
	assert_string_equal(strbuf_str(&sb), want);
	strbuf_clear(&sb);
}

static void
test_times_are_exact_microseconds(void **state)
{
	const simtime_t t[] = { 0, 805 * SIM_US, 1, 12 * SIM_US + 1500,
		SIM_SEC };

	for (unsigned i = 0; i < nitems(t); i++) {
		dump_time(&sb, t[i]);
		strbuf_adds(&sb, " ");
	}
	is("0us 805us 0.000001us 12.0015us 1000000us ");
}

static void
test_bits_without_a_name_are_shown(void **state)
{
	static const struct dump_flag names[] = { { 1, "ONE" }, { 4, "FOUR" } };

	dump_flags(&sb, 5, names, nitems(names));
	dump_flags(&sb, 0, names, nitems(names));
	dump_flags(&sb, 0x84, names, nitems(names));
	is(" ONE FOUR FOUR 0x80");
}

static void
test_a_chain_of_all_kinds(void **state)
{
	struct mb_state *mb = sp.sp_vnet->v_mb;
	struct mbuf *m = m_gethdr(mb, M_WAITOK, MT_DATA), *n;

	m->m_len = m->m_pkthdr.len = 66;
	m->m_pkthdr.csum_flags = CSUM_IP | CSUM_IP_TSO;
	m->m_pkthdr.tso_segsz = 1448;
	m->m_pkthdr.note.pn_conn = 7;
	m->m_pkthdr.note.pn_why = "RTO";
	m->m_next = n = m_getjcl(mb, M_WAITOK, MT_DATA, 0, MCLBYTES);
	n->m_len = 1000;
	n->m_next = m_get(mb, M_WAITOK, MT_DATA);
	mb_dupcl(n->m_next, n);
	n = n->m_next;
	n->m_len = 10;
	n->m_next = mb_alloc_ext_pgs(mb, M_WAITOK, mb_free_mext_pgs);
	n = n->m_next;
	n->m_epg.pa[0] = vm_page_alloc(sp.sp_vnet->v_vm);
	n->m_epg.pa[1] = vm_page_alloc(sp.sp_vnet->v_vm);
	n->m_epg.npgs = 2;
	n->m_epg.nrdy = 1;
	n->m_epg.first_off = PAGE_SIZE - 60;
	n->m_epg.last_len = 40;
	n->m_epg.flags = EPG_FLAG_ANON;
	n->m_len = 100;
	n->m_flags |= M_NOTREADY;
	m_dump(m, &sb, 2);
	is("  packet len 66 csum IP IP_TSO tso_segsz 1448 conn 7 (RTO)\n"
	   "  mbuf 0: len 66 PKTHDR\n"
	   "  mbuf 1: len 1000 EXT; cluster 2048 refs 2\n"
	   "  mbuf 2: len 10 EXT; cluster 2048 refs 2\n"
	   "  mbuf 3: len 100 EXT RDONLY EXTPG NOTREADY; pages 2 nrdy 1 "
	   "first_off 4036 last_len 40 anonymous\n");
	m_freem(m);
}

static void
test_a_long_chain_is_summed_up(void **state)
{
	struct mbuf *top = NULL, **mp = &top;
	const char *end;

	for (int i = 0; i < 70; i++, mp = &(*mp)->m_next) {
		*mp = m_get(sp.sp_vnet->v_mb, M_WAITOK, MT_DATA);
		(*mp)->m_len = 3;
	}
	m_dump(top, &sb, 0);
	end = strstr(strbuf_str(&sb), "mbuf 63: len 3\n");
	assert_non_null(end);
	assert_string_equal(end,
	    "mbuf 63: len 3\nand 6 mbufs more: 18 bytes\n");
	m_freem(top);
}

static void
test_a_software_session_before_and_after_its_worker(void **state)
{
	const struct tls_suite *s = tls_suite_byname("aes128-gcm-1.3");
	struct tls_enable en = tb_enable(s, 5);
	struct socket *so = sp.sp_so[0];
	char data[5000] = { 0 };

	assert_int_equal(ktls_enable_tx(so, &en), 0);
	assert_int_equal(tb_write(so, data, sizeof(data), -1, NULL), 0);
	socket_dump(so, &sb, 0);
	sockbuf_dump(&so->so_snd, &sb, 2);
	sockbuf_dump_mbufs(&so->so_snd, &sb, 2);
	ktls_session_dump(so->so_snd.sb_tls_info, &sb, 2);
	ktls_dump(sp.sp_vnet, &sb, 0);
	assert_null(strstr(strbuf_str(&sb), "0x"));
	is("socket 1 refs 2 error 0 ISCONNECTED\n"
	   "  acc 0 ccc 5022 mbcnt 8448 of 524288 ctl 0 hiwat 65536 lowat 2048\n"
	   "  tls 1 next record 6 undecrypted 0 being decrypted 0\n"
	   "  fnrdy is mbuf 0 of chain 0\n"
	   "  chain 0:\n"
	   "    mbuf 0: len 5022 EXT RDONLY EXTPG NOTREADY; pages 2 nrdy 2 first_off 0 last_len 904 hdr 5 trl 17 anonymous tls 1 record 5 type 23\n"
	   "  tls 1 tx conn 1 mode sw aes128-gcm-1.3 refs 2 hdr 5 trl 17 max 16384 worker 0\n"
	   "ktls: sessions 1 of 1 ever, batches queued to encrypt 1 decrypt 0\n"
	   "  worker 0: awake, in flight 0 wake@1us\n"
	   "    queued: record 5 pages 2 of socket 1\n"
	   "  worker 1: asleep, in flight 0\n");
	sockpair_run(&sp);
	sockbuf_dump(&so->so_snd, &sb, 2);
	sockbuf_dump_mbufs(&so->so_snd, &sb, 2);
	is("  acc 0 ccc 0 mbcnt 0 of 524288 ctl 0 hiwat 65536 lowat 2048\n"
	   "  tls 1 next record 6 undecrypted 0 being decrypted 0\n");
}

static void
zeros(void *arg, uint64_t off, void *buf, uint32_t len)
{
	memset(buf, 0, len);
}

static void
test_buffers_reclaiming_and_an_accelerator(void **state)
{
	const struct crypto_accel_params ap = { .ca_depth = 1,
		.ca_engines = 1,
		.ca_rate_bps = 1000000000,
		.ca_latency = SIM_US };
	struct tls_enable en = tb_enable(tls_suite_byname("aes128-gcm-1.3"), 5);
	struct vnode *vp = vnode_create(sp.sp_vnet, "f", 32768, zeros, NULL);
	struct vnet *v = sp.sp_vnet;
	uint64_t sent;

	v->v_crypto = crypto_backend_find("accel");
	v->v_accel = crypto_accel_create(engine_timebase(sp.sp_engine), &ap);
	vnode_warm(vp);
	assert_int_equal(ktls_enable_tx(sp.sp_so[0], &en), 0);
	assert_int_equal(sosendfile(sp.sp_so[0], vp, 0, 0, NULL, 0, &sent), 0);
	vm_fragment(v->v_vm, true);
	(void)engine_run(sp.sp_engine, 10 * SIM_US);
	ktls_dump(v, &sb, 0);
	is("ktls: sessions 1 of 1 ever, batches queued to encrypt 0 decrypt 0\n"
	   "  worker 0: asleep, in flight 2\n"
	   "  worker 1: asleep, in flight 0\n"
	   "  domain 0: woken 1 reclaimed 0 done@20481us\n"
	   "  accelerator: inside 1 most 1 taken 1 refused 10\n");
	sockpair_run(&sp);
	assert_int_equal(sosendfile(sp.sp_so[0], vp, 0, 0, NULL, 0, &sent), 0);
	sockpair_run(&sp);
	ktls_dump(v, &sb, 0);
	assert_non_null(
	    strstr(strbuf_str(&sb), "domain 0: woken 1 reclaimed 1024\n"));
	strbuf_clear(&sb);
	vnode_rele(vp);
}

/* TLS 1.0: a write behind a page that is still being read. */
static void
test_a_batch_that_waits_for_its_turn(void **state)
{
	struct tls_enable en =
	    tb_enable(tls_suite_byname("aes256-cbc-sha1-1.0"), 5);
	struct vnode *vp = vnode_create(sp.sp_vnet, "f", 100, zeros, NULL);
	struct socket *so = sp.sp_so[0];
	uint64_t sent;

	assert_int_equal(ktls_enable_tx(so, &en), 0);
	assert_int_equal(sosendfile(so, vp, 0, 100, NULL, 0, &sent), 0);
	assert_int_equal(tb_write(so, "abc", 3, -1, NULL), 0);
	ktls_session_dump(so->so_snd.sb_tls_info, &sb, 0);
	is("tls 1 tx conn 1 mode sw aes256-cbc-sha1-1.0 refs 3 hdr 5 trl 36 max 16384 worker 0 next to encrypt 5\n"
	   "  waits for its turn: record 6 pages 1 of socket 1\n");
	sockpair_run(&sp);
	ktls_session_dump(so->so_snd.sb_tls_info, &sb, 0);
	is("tls 1 tx conn 1 mode sw aes256-cbc-sha1-1.0 refs 1 hdr 5 trl 36 max 16384 worker 0 next to encrypt 7\n");
	vnode_rele(vp);
}

static void
test_memory_in_short(void **state)
{
	struct mbuf *m = m_get(sp.sp_vnet->v_mb, M_WAITOK, MT_DATA);

	m_freem(m);
	m = m_get(sp.sp_vnet->v_mb, M_WAITOK, MT_DATA);
	vm_dump(sp.sp_vnet->v_vm, &sb, 1);
	kmem_dump(&sp.sp_vnet->v_kmem, &sb, 1);
	is(" pages: in use 0 most 0 limit 16777216, no contiguous run 0 times\n"
	   " zone socket: in use 2 most 2 allocated 2 failed 0\n"
	   " zone mbuf: in use 1 most 1 allocated 2 failed 0\n");
	m_freem(m);
}

static void
fill(void *arg, uint64_t off, void *buf, uint32_t len)
{
	memset(buf, 'x', len);
}

static void
page_came(void *arg, int error)
{
}

static void
test_files_and_their_pages(void **state)
{
	struct vnode *vp =
	    vnode_create(sp.sp_vnet, "/f", 3 * PAGE_SIZE + 1, fill, NULL);
	vm_paddr_t pa;
	bool io;

	vfs_dump(sp.sp_vnet, &sb, 0);
	pa = vnode_getpage(vp, 1, false, &io, page_came, NULL);
	vfs_dump(sp.sp_vnet, &sb, 0);
	sockpair_run(&sp);
	vm_page_rele(sp.sp_vnet->v_vm, pa);
	vfs_dump(sp.sp_vnet, &sb, 0);
	is("file /f: bytes 12289 refs 1, pages 4: resident 0 being read 0, "
	   "wired by others 0 times\n"
	   "file /f: bytes 12289 refs 1, pages 4: resident 0 being read 1, "
	   "wired by others 1 times\n"
	   "file /f: bytes 12289 refs 1, pages 4: resident 1 being read 0, "
	   "wired by others 0 times\n");
	vnode_rele(vp);
}

static void
nothing(void *arg, int pending)
{
}

static void
test_tasks_that_wait(void **state)
{
	struct task t;

	task_init(&t, nothing, NULL);
	taskqueue_enqueue(&sp.sp_vnet->v_taskq, &t);
	taskqueue_enqueue(&sp.sp_vnet->v_taskq, &t);
	taskqueue_dump(&sp.sp_vnet->v_taskq, &sb, 0);
	sockpair_run(&sp);
	taskqueue_dump(&sp.sp_vnet->v_taskq, &sb, 0);
	is("tasks: 1 queued run@0us\ntasks: 0 queued\n");
}

static void
test_addresses(void **state)
{
	struct ksockaddr sa = { KAF_INET, 443, { { 10, 0, 0, 1 } } };

	ksockaddr_dump(&sa, &sb);
	sa = (struct ksockaddr) { KAF_INET6, 80, { { 0xfd, 0, [15] = 2 } } };
	ksockaddr_dump(&sa, &sb);
	is("10.0.0.1:443[fd00::2]:80");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_times_are_exact_microseconds),
		T(test_bits_without_a_name_are_shown),
		T(test_a_chain_of_all_kinds),
		T(test_a_long_chain_is_summed_up),
		T(test_a_software_session_before_and_after_its_worker),
		T(test_buffers_reclaiming_and_an_accelerator),
		T(test_a_batch_that_waits_for_its_turn),
		T(test_memory_in_short),
		T(test_files_and_their_pages),
		T(test_tasks_that_wait),
		T(test_addresses),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
