/*
 * Proof that software kernel TLS is no flag set and cleared in one call: a
 * held worker, real TCP around it, and completions in another order.
 */
#include "../net/netwire.h"

#include <errno.h>

#include <ktsim/base/hash.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/uio.h>
#include <ktsim/netinet/tcp.h>

#define CARD (IFCAP_TXCSUM | IFCAP_TSO4 | IFCAP_MEXTPG)
#define REC  (5 + 16384 + 17) /* a full TLS 1.3 record in the stream */

static struct tw *w;
static struct tw_pair p;
static uint8_t data[3 * 16384];
static uint64_t wire_end; /* highest stream byte seen leaving the server */
static uint32_t base_seq;
static bool fin_seen;

static enum tw_verdict
watch(struct tw *tw, struct tw_port *from, const struct tw_pkt *pkt)
{
	if (pkt->tcp && from == &tw->b.port[0]) {
		if (pkt->paylen > 0 &&
		    pkt->seq + pkt->paylen - base_seq > wire_end)
			wire_end = pkt->seq + pkt->paylen - base_seq;
		fin_seen |= (pkt->flags & KTH_FIN) != 0;
	}
	return (TW_PASS);
}

static void
enable_tls13(struct socket *so)
{
	static const uint8_t key[16] = "0123456789abcdef",
			     iv[12] = "iviviviviviv";
	struct tls_enable en = { .cipher_key = key,
		.iv = iv,
		.cipher_algorithm = CRYPTO_AES_NIST_GCM_16,
		.cipher_key_len = 16,
		.iv_len = 12,
		.tls_vmajor = 3,
		.tls_vminor = 4 };
	struct sockopt sopt = { .sopt_level = KIPPROTO_TCP,
		.sopt_name = TCP_TXTLS_ENABLE,
		.sopt_val = &en,
		.sopt_valsize = sizeof(en) };

	assert_int_equal(sosetopt(so, &sopt), 0);
}

static void
write_bytes(struct socket *so, size_t len)
{
	struct kiovec iov = { data, len };
	struct uio uio;

	uio_init(&uio, &iov, 1);
	assert_int_equal(sosend(so, &uio, NULL, 0), 0);
	assert_int_equal(uio.uio_resid, 0);
}

static int
setup(void **state)
{
	w = tw_new(1, CARD);
	memset(&p, 0, sizeof(p));
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true; /* ciphertext: not the pattern */
	base_seq = tw_tp(&p.s)->snd_nxt;
	wire_end = 0;
	fin_seen = false;
	w->hook = watch;
	enable_tls13(p.s.so);
	return (0);
}

static int
teardown(void **state)
{
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	tw_free(w);
	return (0);
}

static void
hold_all(struct vnet *v, bool hold)
{
	for (int i = 0; i < v->v_ncpus; i++) {
		if (hold)
			ktls_wq_hold(v, (unsigned)i);
		else
			ktls_wq_release(v, (unsigned)i);
	}
}

static void
test_held_worker_keeps_acc_and_fin_and_the_wire(void **state)
{
	struct sockbuf *sb = &p.s.so->so_snd;

	hold_all(w->b.v, true);
	write_bytes(p.s.so, 100);
	assert_int_equal(sbavail(sb), 0);
	assert_int_equal(sbused(sb), 5 + 100 + 17);
	soshutdown(p.s.so, 1);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(sbavail(sb), 0);
	assert_int_equal(wire_end, 0);
	assert_false(fin_seen);
	assert_false(p.c.eof);
	SBCHECK(sb);

	hold_all(w->b.v, false);
	tw_run(w, SIM_SEC);
	assert_int_equal(wire_end, 5 + 100 + 17);
	assert_true(fin_seen);
	assert_true(p.c.eof);
	assert_int_equal(p.c.rcvd, 5 + 100 + 17);
}

/* What was encrypted before the hold goes out, and not one byte more. */
static void
test_frames_stop_at_exactly_the_byte_that_is_not_ready(void **state)
{
	struct sockbuf *sb = &p.s.so->so_snd;

	write_bytes(p.s.so, 1000);
	tw_run(w, SIM_SEC);
	assert_int_equal(wire_end, 5 + 1000 + 17);
	hold_all(w->b.v, true);
	write_bytes(p.s.so, 2000);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(wire_end, 5 + 1000 + 17);
	assert_int_equal(sbused(sb), 5 + 2000 + 17);
	hold_all(w->b.v, false);
	tw_run(w, SIM_SEC);
	assert_int_equal(wire_end, 2 * 22 + 3000);
}

/* --- completion order --- */

static simtime_t delays[8];

static simtime_t
by_number(void *arg, const struct ktls_session *tls, uint64_t seqno,
    simtime_t cost)
{
	return (delays[seqno % 8]);
}

static void
test_later_record_ready_first_stays_blocked(void **state)
{
	struct sockbuf *sb = &p.s.so->so_snd;
	struct mbuf *m;

	delays[0] = 10 * SIM_MS;
	delays[1] = 1 * SIM_MS;
	delays[2] = 2 * SIM_MS;
	ktls_set_completion(w->b.v, by_number, NULL);
	sb->sb_hiwat = 65536;
	write_bytes(p.s.so, 3 * 16384);
	tw_run(w, 5 * SIM_MS);
	/* Records 1 and 2 are done, 0 is not: nothing may be sent. */
	assert_int_equal(sbavail(sb), 0);
	assert_int_equal(sbused(sb), 3 * REC);
	assert_int_equal(wire_end, 0);
	m = sb->sb_fnrdy;
	assert_ptr_equal(m, sb->sb_mb);
	assert_int_equal(m->m_flags & M_NOTAVAIL, M_NOTREADY);
	assert_int_equal(m->m_next->m_flags & M_NOTAVAIL, M_BLOCKED);
	assert_int_equal(m->m_next->m_next->m_flags & M_NOTAVAIL, M_BLOCKED);
	assert_non_null(m->m_epg.tls);
	assert_null(m->m_next->m_epg.tls); /* ciphertext already */
	SBCHECK(sb);

	tw_run(w, SIM_SEC);
	assert_int_equal(wire_end, 3 * REC);
	assert_int_equal(p.c.rcvd, 3 * REC);
}

/* The stream's bytes may not depend on the order of completion. */
static uint64_t
stream_hash(simtime_t d0, simtime_t d1, simtime_t d2)
{
	static uint8_t all[3 * REC];
	uint32_t n = 0;

	delays[0] = d0;
	delays[1] = d1;
	delays[2] = d2;
	ktls_set_completion(w->b.v, by_number, NULL);
	p.s.so->so_snd.sb_hiwat = 65536;
	p.c.stop_reading = true;
	p.c.so->so_rcv.sb_hiwat = 100000;
	write_bytes(p.s.so, 3 * 16384);
	tw_run(w, SIM_SEC);
	assert_int_equal(sbavail(&p.c.so->so_rcv), 3 * REC);
	for (struct mbuf *m = p.c.so->so_rcv.sb_mb; m != NULL; m = m->m_next) {
		memcpy(all + n, m->m_data, (size_t)m->m_len);
		n += (uint32_t)m->m_len;
	}
	p.c.stop_reading = false;
	tw_app_kick(&p.c);
	return (hash64(all, sizeof(all), 0));
}

static void
test_swapped_completions_give_the_same_bytes(void **state)
{
	uint64_t in_order, swapped;

	in_order = stream_hash(SIM_MS, 2 * SIM_MS, 3 * SIM_MS);
	teardown(NULL);
	setup(NULL);
	swapped = stream_hash(3 * SIM_MS, SIM_MS, 2 * SIM_MS);
	assert_true(in_order == swapped);
}

/* --- the connection goes while the worker works --- */

static void
test_dropped_connection_frees_records_at_completion(void **state)
{
	struct sockbuf *sb = &p.s.so->so_snd;

	hold_all(w->b.v, true);
	write_bytes(p.s.so, 3000);
	tw_run(w, SIM_MS);
	tcp_drop(tw_tp(&p.s), ECONNRESET, "test");
	assert_int_equal(sbused(sb), 0);
	assert_null(sb->sb_mb);
	hold_all(w->b.v, false);
	tw_run(w, SIM_SEC);
	assert_true(ktls_idle(w->b.v));
	/* tw_free asserts that mbufs, pages and sessions came home */
}

static void
test_closed_socket_lives_until_its_records_are_encrypted(void **state)
{
	hold_all(w->b.v, true);
	write_bytes(p.s.so, 3000);
	tw_app_close(&p.s);
	tw_run(w, SIM_SEC);
	assert_int_equal(wire_end, 0);
	hold_all(w->b.v, false);
	tw_run(w, SIM_SEC);
	assert_int_equal(p.c.rcvd, 3000 + 22);
	assert_true(p.c.eof);
}

static void
test_worker_takes_all_batches_of_a_round_before_new_ones(void **state)
{
	struct ktls_stats *st = ktls_stats(w->b.v);

	hold_all(w->b.v, true);
	for (int i = 0; i < 5; i++)
		write_bytes(p.s.so, 500);
	assert_int_equal(st->sw_tx_inqueue, 5);
	hold_all(w->b.v, false);
	tw_run(w, SIM_SEC);
	assert_int_equal(st->sw_tx_inqueue, 0);
	assert_int_equal(st->records_tx, 5);
	assert_int_equal(st->ocf_inplace, 5);
	assert_int_equal(wire_end, 5 * 522);
}

/* Wake-up, then so much per record and per byte: to the picosecond. */
static void
test_worker_takes_exactly_its_modelled_time(void **state)
{
	const struct ktls_cost cost = { .per_record = 3 * SIM_US,
		.ps_per_byte = { 0, 1000, 0 },
		.wakeup = 2 * SIM_US };
	struct sockbuf *sb = &p.s.so->so_snd;

	ktls_set_cost(w->b.v, &cost);
	write_bytes(p.s.so, 1000);
	tw_run(w, 2 * SIM_US + 3 * SIM_US + 1000 * 1000 - 1);
	assert_int_equal(sbavail(sb), 0);
	tw_run(w, 1);
	assert_int_equal(sbavail(sb), 1022);
}

/* --- which worker --- */

static unsigned
worker_with(unsigned domain, uint64_t bind)
{
	struct vnet *v = w->b.v;
	struct inpcb *inp = tw_tp(&p.s)->t_inpcb;

	v->v_ndomains = domain == M_NODOM ? 1 : 2;
	assert_int_equal(sysctl_write(v, "kern.ipc.tls.bind_threads", bind), 0);
	inp->inp_numa_domain = (uint8_t)domain;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	return (p.s.so->so_snd.sb_tls_info->wq_index);
}

static int
setup_plain(void **state)
{
	w = tw_new(1, CARD);
	memset(&p, 0, sizeof(p));
	w->b.v->v_ncpus = 4; /* before the workers are made */
	w->b.port[0].ifn.if_numa_domain = 1;
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	return (0);
}

static void
test_all_workers_are_chosen_from_by_flowid(void **state)
{
	uint32_t flow = tw_tp(&p.s)->t_inpcb->inp_flowid;

	assert_int_equal(worker_with(1, 1), flow % 4);
}

static void
test_bound_to_domains_a_session_stays_in_its_cards(void **state)
{
	uint32_t flow = tw_tp(&p.s)->t_inpcb->inp_flowid;

	unsigned domain = flow % 4 < 2; /* the one that is not all workers' */

	assert_int_equal(worker_with(domain, 2), 2 * domain + flow % 2);
}

static void
test_an_unknown_domain_means_all_workers(void **state)
{
	uint32_t flow = tw_tp(&p.s)->t_inpcb->inp_flowid;

	assert_int_equal(worker_with(M_NODOM, 2), flow % 4);
}

static void
test_a_domain_without_cpus_undoes_the_binding(void **state)
{
	struct vnet *v = w->b.v;
	uint64_t val = 0;

	v->v_ndomains = 8;
	assert_int_equal(sysctl_write(v, "kern.ipc.tls.bind_threads", 2), 0);
	tw_tp(&p.s)->t_inpcb->inp_numa_domain = 0;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(sysctl_read(v, "kern.ipc.tls.bind_threads", &val), 0);
	assert_int_equal(val, 1);
	assert_int_equal(p.s.so->so_snd.sb_tls_info->wq_index,
	    tw_tp(&p.s)->t_inpcb->inp_flowid % 4);
}

/* An accepted connection is where its card is; a begun one nowhere. */
static void
test_the_handshakes_card_gives_the_domain(void **state)
{
	assert_int_equal(tw_tp(&p.s)->t_inpcb->inp_numa_domain, 1);
	assert_int_equal(tw_tp(&p.c)->t_inpcb->inp_numa_domain, M_NODOM);
}

#define P(t) cmocka_unit_test_setup_teardown(t, setup_plain, teardown)
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_held_worker_keeps_acc_and_fin_and_the_wire),
		T(test_frames_stop_at_exactly_the_byte_that_is_not_ready),
		T(test_later_record_ready_first_stays_blocked),
		T(test_swapped_completions_give_the_same_bytes),
		T(test_dropped_connection_frees_records_at_completion),
		T(test_closed_socket_lives_until_its_records_are_encrypted),
		T(test_worker_takes_all_batches_of_a_round_before_new_ones),
		T(test_worker_takes_exactly_its_modelled_time),
		P(test_all_workers_are_chosen_from_by_flowid),
		P(test_bound_to_domains_a_session_stays_in_its_cards),
		P(test_an_unknown_domain_means_all_workers),
		P(test_a_domain_without_cpus_undoes_the_binding),
		P(test_the_handshakes_card_gives_the_domain),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
