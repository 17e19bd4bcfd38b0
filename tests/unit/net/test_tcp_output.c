/* What goes out, when, in which packets, and what refusals do. */
#include "netwire.h"

#include <errno.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/tcp.h>

#include "tcp_private.h"

#define CSUM (IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6 | IFCAP_MEXTPG)
#define TSO  (CSUM | IFCAP_TSO4 | IFCAP_TSO6)

static struct tw *w;
static struct tw_pair p;

static void
start(uint64_t caps)
{
	w = tw_new(7, caps);
	memset(&p, 0, sizeof(p));
	tw_connect(w, &p, KAF_INET);
}

static void
finish(void)
{
	w->hook = NULL;
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	tw_free(w);
}

/* Bytes that are not made yet, as sendfile and software TLS append them. */
static struct mbuf *
send_notready(struct tw_app *a, uint32_t len)
{
	struct mbuf *m;

	m = m_getjcl(a->so->so_vnet->v_mb, M_WAITOK, MT_DATA, 0, MJUM16BYTES);
	m->m_len = (int32_t)len;
	m->m_flags |= M_NOTREADY;
	memset(m->m_data, 0x5a, len);
	assert_int_equal(a->so->so_proto->pr_send(a->so, PRUS_NOTREADY, m, NULL,
			     NULL),
	    0);
	return (m);
}

static void
test_fin_waits_for_what_is_not_ready(void **state)
{
	struct mbuf *m;

	start(TSO);
	p.c.raw = true;
	m = send_notready(&p.s, 5000);
	soshutdown(p.s.so, 1);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 0);
	assert_false(p.c.eof);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_1);
	assert_int_equal(p.s.so->so_proto->pr_ready(p.s.so, m, 1), 0);
	tw_run(w, SIM_SEC);
	assert_int_equal(p.c.rcvd, 5000);
	assert_true(p.c.eof);
	finish();
}

static void
test_ready_behind_not_ready_sends_nothing(void **state)
{
	struct mbuf *m1, *m2;

	start(TSO);
	p.c.raw = true;
	m1 = send_notready(&p.s, 1000);
	m2 = send_notready(&p.s, 1000);
	assert_int_equal(p.s.so->so_proto->pr_ready(p.s.so, m2, 1),
	    EINPROGRESS);
	tw_run(w, SIM_SEC);
	assert_int_equal(p.c.rcvd, 0);
	assert_int_equal(p.s.so->so_proto->pr_ready(p.s.so, m1, 1), 0);
	tw_run(w, SIM_SEC);
	assert_int_equal(p.c.rcvd, 2000);
	finish();
}

static void
test_ready_after_drop_frees_and_says_so(void **state)
{
	struct mbuf *m;

	start(TSO);
	m = send_notready(&p.s, 1000);
	inp_drop(inp_of_socket(p.s.so), EIO, "test");
	assert_int_equal(p.s.so->so_proto->pr_ready(p.s.so, m, 1), ECONNRESET);
	inp_drop(inp_of_socket(p.s.so), EPERM, "again");
	assert_int_equal(so_geterror(p.s.so), EPERM);
	finish();
}

static void
test_not_ready_send_on_dropped_leaves_the_mbuf(void **state)
{
	struct mbuf *m;

	start(TSO);
	inp_drop(inp_of_socket(p.s.so), EIO, "test");
	m = m_getjcl(w->b.v->v_mb, M_WAITOK, MT_DATA, 0, MCLBYTES);
	m->m_len = 10;
	assert_int_equal(p.s.so->so_proto->pr_send(p.s.so, PRUS_NOTREADY, m,
			     NULL, NULL),
	    ECONNRESET);
	m_freem(m); /* was ours */
	m = m_get(w->b.v->v_mb, M_WAITOK, MT_DATA);
	assert_int_equal(p.s.so->so_proto->pr_send(p.s.so, 0, m, NULL, NULL),
	    ECONNRESET);
	finish();
}

static void
test_refusal_makes_cwnd_one_segment_and_rto_resumes(void **state)
{
	struct tcpcb *s;

	start(TSO);
	s = tw_tp(&p.s);
	w->b.port[0].refuse_data = 1;
	p.s.to_send = 50000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_MS);
	assert_int_equal(s->t_stats.enobufs, 1);
	assert_int_equal(s->snd_cwnd, 1448);
	assert_int_equal(s->snd_nxt, s->snd_una);
	assert_true(callout_active(&s->t_rexmt));
	assert_int_equal(p.c.rcvd, 0);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 50000);
	assert_int_equal(s->t_stats.rto, 1);
	finish();
}

/* Frames are told from the first one on; those before `seen` are lost. */
static uint32_t wire_end;
static unsigned straddling, lost;

static enum tw_verdict
no_straddling(struct tw *tw, struct tw_port *from, const struct tw_pkt *pkt)
{
	uint32_t end = pkt->seq + pkt->paylen;

	if (from != &tw->b.port[0] || pkt->paylen == 0)
		return (TW_PASS);
	if (wire_end != 0 && SEQ_LT(pkt->seq, wire_end) &&
	    SEQ_GT(end, wire_end))
		straddling++;
	if (wire_end == 0 || SEQ_GT(end, wire_end))
		wire_end = end;
	if (lost == 0)
		return (TW_PASS);
	lost--;
	return (TW_DROP);
}

/*
 * Two segments and a half are lost, what comes behind them was refused: to TCP
 * all of it was sent, on the wire the second half is new. No segment may be
 * both.
 */
static void
test_what_was_refused_begins_a_segment_of_its_own(void **state)
{
	for (unsigned odd = 1; odd < 1448; odd += 289) {
		start(TSO);
		w->hook = no_straddling;
		wire_end = straddling = 0;
		lost = 3;
		p.s.chunk = 2 * 1448 + odd;
		tw_app_attach(&p.s, w, p.s.so, 3);
		p.s.to_send = p.s.chunk;
		tw_app_kick(&p.s);
		tw_run(w, SIM_MS);
		assert_int_equal(lost, 0);
		w->b.port[0].refuse_data = 1;
		p.s.chunk = 0;
		p.s.to_send = 20000;
		tw_app_kick(&p.s);
		tw_run(w, 5 * SIM_SEC);
		assert_int_equal(p.c.rcvd, 20000);
		assert_int_equal(tw_tp(&p.s)->t_stats.enobufs, 1);
		assert_int_equal(straddling, 0);
		finish();
	}
}

static void
test_long_refusal_ends_well_or_with_timeout(void **state)
{
	start(TSO);
	w->b.port[0].refuse_data = 5;
	p.s.to_send = 50000;
	tw_app_kick(&p.s);
	tw_run(w, 60 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 50000);
	w->b.port[0].refuse_data = 1000;
	p.s.to_send = 60000;
	tw_app_kick(&p.s);
	tw_run(w, 1000 * SIM_SEC);
	assert_int_equal(p.s.error, ETIMEDOUT);
	finish();
}

/* --- losses --- */

struct loss {
	uint32_t lose_at; /* offset from the first byte, once */
	uint32_t base;
	bool done;
	int limited, fast, rto, probes, acks, fins_in_data;
	int data;
};

static enum tw_verdict
watch(struct tw *tw, struct tw_port *from, const struct tw_pkt *k)
{
	struct loss *l = tw->arg;

	if (!k->tcp)
		return (TW_PASS);
	if (from == &tw->a.port[0]) {
		l->acks++;
		return (TW_PASS);
	}
	if (k->paylen > 0)
		l->data++;
	if (k->why != NULL) {
		l->limited += strcmp(k->why, "limited transmit") == 0;
		l->fast += strcmp(k->why, "fast retransmit") == 0 ||
		    strcmp(k->why, "SACK") == 0;
		l->rto += strcmp(k->why, "RTO") == 0;
		l->probes += strcmp(k->why, "window probe") == 0;
	}
	if (!l->done && k->paylen > 0 &&
	    SEQ_LEQ(k->seq, l->base + l->lose_at) &&
	    SEQ_GT(k->seq + k->paylen, l->base + l->lose_at)) {
		l->done = true;
		return (TW_DROP);
	}
	return (TW_PASS);
}

static void
test_fast_retransmit_after_three_dupacks(void **state)
{
	struct loss l = { .lose_at = 20000 };
	struct tcpcb *s;

	start(CSUM);
	s = tw_tp(&p.s);
	l.base = s->snd_una;
	w->hook = watch;
	w->arg = &l;
	p.s.to_send = 200000;
	tw_app_kick(&p.s);
	tw_run(w, 100 * SIM_MS); /* before any timeout */
	assert_int_equal(p.c.rcvd, 200000);
	assert_int_equal(s->t_stats.fast_rexmit, 1);
	assert_int_equal(s->t_stats.rto, 0);
	assert_int_equal(s->t_stats.rexmit_bytes, 1448);
	assert_int_equal(l.fast, 1);
	assert_true(s->snd_ssthresh < 65535u << 14);
	assert_false((s->t_flags & TF_FASTRECOVERY) != 0);
	finish();
}

static void
test_limited_transmit_keeps_a_small_window_alive(void **state)
{
	struct loss l = { .lose_at = 0 };
	struct tcpcb *s;

	start(CSUM);
	s = tw_tp(&p.s);
	s->snd_cwnd = 3 * 1448; /* too small for three duplicates */
	l.base = s->snd_una;
	w->hook = watch;
	w->arg = &l;
	p.s.to_send = 100000;
	tw_app_kick(&p.s);
	tw_run(w, 150 * SIM_MS);
	assert_true(l.limited >= 1);
	assert_int_equal(s->t_stats.fast_rexmit, 1);
	assert_int_equal(s->t_stats.rto, 0);
	finish();
}

static enum tw_verdict
lose_tail(struct tw *tw, struct tw_port *from, const struct tw_pkt *k)
{
	struct loss *l = tw->arg;

	(void)watch(tw, from, k);
	return (k->tcp && from == &tw->b.port[0] && l->data > 5 &&
		    k->why == NULL && k->paylen > 0
		? TW_DROP
		: TW_PASS);
}

static void
test_lost_tail_needs_the_timeout(void **state)
{
	struct loss l = { .lose_at = UINT32_MAX / 2, .done = true };
	struct tcpcb *s;

	start(CSUM);
	s = tw_tp(&p.s);
	w->hook = lose_tail;
	w->arg = &l;
	p.s.to_send = 10 * 1448;
	tw_app_kick(&p.s);
	tw_run(w, 200 * SIM_MS);
	assert_int_equal(p.c.rcvd, 5 * 1448);
	tw_run(w, 300 * SIM_MS);
	assert_int_equal(p.c.rcvd, 10 * 1448);
	assert_int_equal(s->t_stats.rto, 1);
	assert_true(l.rto >= 1);
	finish();
}

static void
test_two_losses_in_a_window_take_one_recovery(void **state)
{
	struct loss l = { .lose_at = 30000 };
	struct tcpcb *s;

	start(CSUM);
	s = tw_tp(&p.s);
	l.base = s->snd_una;
	w->hook = watch;
	w->arg = &l;
	p.s.to_send = 300000;
	tw_app_kick(&p.s);
	while (!l.done)
		engine_step(w->eng, SIM_NEVER);
	l.done = false;
	l.lose_at = 30000 + 3 * 1448;
	tw_run(w, 150 * SIM_MS);
	assert_int_equal(p.c.rcvd, 300000);
	assert_int_equal(s->t_stats.fast_rexmit, 1);
	assert_int_equal(s->t_stats.rto, 0);
	assert_int_equal(s->t_stats.rexmit_packs, 2);
	finish();
}

/* --- acknowledgements --- */

static void
test_every_second_segment_is_acked_and_a_single_one_late(void **state)
{
	struct loss l = { .done = true };

	start(CSUM);
	w->hook = watch;
	w->arg = &l;
	p.s.to_send = 10 * 1448;
	tw_app_kick(&p.s);
	tw_run(w, 20 * SIM_MS);
	assert_int_equal(l.acks, 5);
	p.s.to_send += 100;
	tw_app_kick(&p.s);
	tw_run(w, 30 * SIM_MS);
	assert_int_equal(l.acks, 5);
	tw_run(w, 30 * SIM_MS);
	assert_int_equal(l.acks, 6);
	assert_int_equal(tcp_stats(w->a.v)->delack, 1);
	finish();
}

static void
write_small(int n)
{
	for (int i = 0; i < n; i++) {
		p.s.to_send += 10;
		tw_app_kick(&p.s);
		tw_run(w, SIM_US);
	}
}

static void
test_nagle_holds_small_segments_and_nodelay_does_not(void **state)
{
	struct loss l = { .done = true };
	int one = 1;
	struct sockopt so = { .sopt_level = KIPPROTO_TCP,
		.sopt_name = KTCP_NODELAY,
		.sopt_val = &one,
		.sopt_valsize = sizeof(one) };

	start(CSUM);
	w->hook = watch;
	w->arg = &l;
	write_small(10);
	tw_run(w, SIM_SEC);
	assert_int_equal(p.c.rcvd, 100);
	assert_int_equal(l.data, 2);
	assert_int_equal(sosetopt(p.s.so, &so), 0);
	l.data = 0;
	write_small(10);
	tw_run(w, SIM_SEC);
	assert_int_equal(l.data, 10);
	finish();
}

static void
test_probe_says_that_it_is_one(void **state)
{
	struct loss l = { .done = true };

	start(TSO);
	w->hook = watch;
	w->arg = &l;
	p.c.stop_reading = true;
	p.s.to_send = 1000000;
	tw_app_kick(&p.s);
	tw_run(w, 30 * SIM_SEC);
	assert_true(l.probes >= 1);
	finish();
}

/* --- bursts --- */

static void
test_burst_limit_is_the_interfaces(void **state)
{
	start(TSO);
	w->b.port[0].ifn.if_hw_tsomax = 20000; /* the card asserts it */
	p.s.to_send = 1000000;
	p.s.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 1000000);
	assert_true(w->b.port[0].bursts >= 50);
	finish();
}

static void
test_losing_tso_in_mid_stream_is_survived(void **state)
{
	struct ifnet *ifp;

	start(TSO);
	ifp = &w->b.port[0].ifn;
	p.s.to_send = 4000000;
	tw_app_kick(&p.s);
	tw_run(w, 10 * SIM_MS);
	assert_int_equal(if_setcap(ifp, CSUM), 0);
	w->b.port[0].bursts = 0;
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 4000000);
	assert_int_equal(w->b.port[0].bursts, 0);
	finish();
}

static void
test_smaller_mtu_of_the_route_is_taken_up(void **state)
{
	start(CSUM);
	p.s.to_send = 500000;
	tw_app_kick(&p.s);
	tw_run(w, 2 * SIM_MS);
	w->b.port[0].ifn.if_mtu = 1000;
	route_changed(w->b.v);
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 500000);
	assert_int_equal(tw_tp(&p.s)->t_maxseg, 960);
	finish();
}

static void
test_no_route_is_a_soft_error(void **state)
{
	struct in_any net = tw_addr(KAF_INET, 0);

	start(CSUM);
	assert_int_equal(route_delete(w->b.v, KAF_INET, &net, 24), 0);
	p.s.to_send = 5000;
	tw_app_kick(&p.s);
	tw_run(w, 300 * SIM_MS);
	assert_int_equal(p.s.error, 0);
	assert_int_equal(tw_tp(&p.s)->t_softerror, EHOSTUNREACH);
	net = (struct in_any) { { 0 } };
	assert_int_equal(route_add(w->b.v, KAF_INET, &net, 0, NULL,
			     &w->b.port[0].ifn),
	    0);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 5000);
	finish();
}

static void
test_sack_blocks_are_reported(void **state)
{
	struct tcp_range blk[TCP_NSACK];
	struct loss l = { .lose_at = 0 };

	start(CSUM);
	l.base = tw_tp(&p.s)->snd_una;
	w->hook = watch;
	w->arg = &l;
	p.s.to_send = 4 * 1448;
	tw_app_kick(&p.s);
	tw_run(w, 200 * SIM_US);
	assert_true(tw_tp(&p.c)->t_segq != NULL);
	assert_int_equal(tcp_reass_sack(tw_tp(&p.c), blk, TCP_NSACK), 1);
	assert_int_equal(blk[0].start, l.base + 1448);
	finish();
}

#define T(f) cmocka_unit_test(f)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fin_waits_for_what_is_not_ready),
		T(test_ready_behind_not_ready_sends_nothing),
		T(test_ready_after_drop_frees_and_says_so),
		T(test_not_ready_send_on_dropped_leaves_the_mbuf),
		T(test_refusal_makes_cwnd_one_segment_and_rto_resumes),
		T(test_what_was_refused_begins_a_segment_of_its_own),
		T(test_long_refusal_ends_well_or_with_timeout),
		T(test_fast_retransmit_after_three_dupacks),
		T(test_limited_transmit_keeps_a_small_window_alive),
		T(test_lost_tail_needs_the_timeout),
		T(test_two_losses_in_a_window_take_one_recovery),
		T(test_every_second_segment_is_acked_and_a_single_one_late),
		T(test_nagle_holds_small_segments_and_nodelay_does_not),
		T(test_probe_says_that_it_is_one),
		T(test_burst_limit_is_the_interfaces),
		T(test_losing_tso_in_mid_stream_is_survived),
		T(test_smaller_mtu_of_the_route_is_taken_up),
		T(test_no_route_is_a_soft_error),
		T(test_sack_blocks_are_reported),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
