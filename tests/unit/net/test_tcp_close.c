/* How connections begin and end: handshake, FIN, RST, timeouts, TIME_WAIT. */
#include "netwire.h"

#include <errno.h>
#include <string.h>

#include <ktsim/netinet/tcp.h>

#define CARD (IFCAP_TXCSUM | IFCAP_TXCSUM_IPV6 | IFCAP_TSO4 | IFCAP_TSO6)

static struct tw *w;
static struct tw_pair p;

static int
setup(void **state)
{
	w = tw_new(1, CARD);
	memset(&p, 0, sizeof(p));
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
test_handshake_agrees_on_options(void **state)
{
	struct tcpcb *c, *s;

	tw_connect(w, &p, KAF_INET6);
	c = tw_tp(&p.c);
	s = tw_tp(&p.s);
	assert_int_equal(c->t_state, TCPS_ESTABLISHED);
	assert_int_equal(s->t_state, TCPS_ESTABLISHED);
	assert_int_equal(c->t_maxseg, 1440);
	assert_int_equal(s->t_maxseg, 1440);
	assert_int_equal(c->snd_scale, s->rcv_scale);
	assert_int_equal(c->snd_scale, 6);
	assert_true((c->t_flags & TF_RCVD_TSTMP) != 0);
	assert_true((s->t_flags & TF_SACK_PERMIT) != 0);
	assert_int_equal(s->snd_cwnd, 10 * 1428);
}

static void
test_without_rfc1323_no_scale_and_no_timestamps(void **state)
{
	sysctl_write(w->b.v, "net.inet.tcp.rfc1323", 0);
	sysctl_write(w->b.v, "net.inet.tcp.sack.enable", 0);
	tw_connect(w, &p, KAF_INET);
	assert_int_equal(tw_tp(&p.c)->rcv_scale, 0);
	assert_true(
	    (tw_tp(&p.c)->t_flags & (TF_RCVD_TSTMP | TF_SACK_PERMIT)) == 0);
	p.s.to_send = 300000;
	p.s.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 300000);
}

static void
test_connect_to_a_port_nobody_listens_on_is_refused(void **state)
{
	tw_connect_start(w, &p, KAF_INET);
	tw_run(w, SIM_SEC);
	assert_int_equal(p.c.error, ECONNREFUSED);
	assert_int_equal(tcp_stats(w->b.v)->sndrst, 1);
}

static enum tw_verdict
lose_all(struct tw *tw, struct tw_port *from, const struct tw_pkt *pkt)
{
	return (pkt->tcp ? TW_DROP : TW_PASS);
}

static void
test_syn_is_repeated_and_times_out(void **state)
{
	w->hook = lose_all;
	tw_connect_start(w, &p, KAF_INET);
	tw_run(w, 8 * SIM_SEC);
	/* at 0, 1, 3, 7 seconds */
	assert_int_equal(w->dropped, 4);
	tw_run(w, 80 * SIM_SEC);
	assert_int_equal(p.c.error, ETIMEDOUT);
}

static enum tw_verdict
lose_first_synack(struct tw *tw, struct tw_port *from, const struct tw_pkt *pkt)
{
	if (pkt->tcp &&
	    (pkt->flags & (KTH_SYN | KTH_ACK)) == (KTH_SYN | KTH_ACK) &&
	    tw->dropped == 0)
		return (TW_DROP);
	return (TW_PASS);
}

static void
test_lost_synack_is_repeated(void **state)
{
	w->hook = lose_first_synack;
	tw_connect(w, &p, KAF_INET);
	assert_int_equal(w->dropped, 1);
}

static void
test_half_close_lets_the_other_side_go_on(void **state)
{
	tw_connect(w, &p, KAF_INET);
	soshutdown(p.c.so, 1);
	tw_run(w, SIM_SEC);
	assert_true(p.s.eof);
	assert_int_equal(tw_tp(&p.c)->t_state, TCPS_FIN_WAIT_2);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_CLOSE_WAIT);
	p.s.to_send = 200000;
	p.s.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(p.c.rcvd, 200000);
	assert_true(p.c.eof);
	assert_int_equal(tw_tp(&p.c)->t_state, TCPS_TIME_WAIT);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_CLOSED);
}

static void
test_time_wait_lasts_two_msl(void **state)
{
	tw_connect(w, &p, KAF_INET);
	soshutdown(p.c.so, 1);
	tw_run(w, SIM_SEC);
	soshutdown(p.s.so, 1);
	tw_run(w, SIM_SEC);
	assert_int_equal(tw_tp(&p.c)->t_state, TCPS_TIME_WAIT);
	tw_run(w, 57 * SIM_SEC);
	assert_int_equal(tw_tp(&p.c)->t_state, TCPS_TIME_WAIT);
	tw_run(w, 3 * SIM_SEC);
	assert_int_equal(tw_tp(&p.c)->t_state, TCPS_CLOSED);
}

static void
test_closing_at_the_same_time(void **state)
{
	tw_connect(w, &p, KAF_INET);
	soshutdown(p.c.so, 1);
	soshutdown(p.s.so, 1);
	tw_run(w, 50 * SIM_US);
	assert_int_equal(tw_tp(&p.c)->t_state, TCPS_FIN_WAIT_1);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_1);
	tw_run(w, SIM_SEC);
	assert_int_equal(tw_tp(&p.c)->t_state, TCPS_TIME_WAIT);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_TIME_WAIT);
}

static enum tw_verdict
lose_two_fins(struct tw *tw, struct tw_port *from, const struct tw_pkt *pkt)
{
	return (pkt->tcp && (pkt->flags & KTH_FIN) != 0 && tw->dropped < 2
		? TW_DROP
		: TW_PASS);
}

static void
test_lost_fin_is_repeated(void **state)
{
	tw_connect(w, &p, KAF_INET);
	w->hook = lose_two_fins;
	soshutdown(p.c.so, 1);
	tw_run(w, 10 * SIM_SEC);
	assert_true(p.s.eof);
	assert_int_equal(tw_tp(&p.c)->t_state, TCPS_FIN_WAIT_2);
}

static void
test_abort_resets_the_peer(void **state)
{
	tw_connect(w, &p, KAF_INET);
	timebase_cancel(engine_timebase(w->eng), &p.c.ev);
	soabort(p.c.so);
	p.c.so = NULL;
	tw_run(w, SIM_SEC);
	assert_int_equal(p.s.error, ECONNRESET);
	assert_string_equal(tw_tp(&p.s)->t_softreason, "reset by the peer");
}

static void
test_data_for_a_closed_user_is_answered_with_reset(void **state)
{
	tw_connect(w, &p, KAF_INET);
	tw_app_close(&p.c);
	tw_run(w, SIM_SEC);
	assert_true(p.s.eof);
	p.s.to_send = 100000;
	tw_app_kick(&p.s);
	tw_run(w, SIM_SEC);
	assert_int_equal(p.s.error, ECONNRESET);
}

static void
test_closed_fin_wait_2_does_not_wait_for_ever(void **state)
{
	tw_connect(w, &p, KAF_INET);
	tw_app_close(&p.c);
	tw_run(w, SIM_SEC);
	assert_int_equal(tcp_stats(w->a.v)->closed, 0);
	tw_run(w, 61 * SIM_SEC);
	assert_int_equal(tcp_stats(w->a.v)->closed, 1);
}

static void
test_peer_that_vanished_times_out(void **state)
{
	tw_connect(w, &p, KAF_INET);
	w->hook = lose_all;
	p.s.to_send = 100000;
	tw_app_kick(&p.s);
	tw_run(w, 1000 * SIM_SEC);
	assert_int_equal(p.s.error, ETIMEDOUT);
	assert_int_equal(tw_tp(&p.s)->t_stats.rto, 12);
	assert_int_equal(tcp_stats(w->b.v)->timeoutdrop, 1);
}

static void
test_backlog_refuses_silently_and_the_syn_comes_again(void **state)
{
	struct ksockaddr to = tw_sa(KAF_INET, 2, 443);
	struct socket *so[4], *acc;

	tw_listen(w, &p, KAF_INET, 1);
	soupcall_set(p.lso, NULL, NULL);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET,
				     &so[i]),
		    0);
		assert_int_equal(soconnect(so[i], &to), EINPROGRESS);
	}
	tw_run(w, SIM_SEC / 2);
	assert_int_equal(p.lso->so_qlen, 2);
	assert_true(p.lso->so_overflow >= 2);
	while (soaccept(p.lso, &acc) == 0)
		soclose(acc);
	tw_run(w, 4 * SIM_SEC);
	assert_int_equal(p.lso->so_qlen, 2);
	for (int i = 0; i < 4; i++)
		soclose(so[i]);
}

static void
test_closing_a_listener_resets_what_was_not_accepted(void **state)
{
	tw_listen(w, &p, KAF_INET, 4);
	soupcall_set(p.lso, NULL, NULL);
	tw_connect_start(w, &p, KAF_INET);
	tw_run(w, SIM_SEC);
	assert_true(p.c.connected);
	soclose(p.lso);
	p.lso = NULL;
	tw_run(w, SIM_SEC);
	assert_int_equal(p.c.error, ECONNRESET);
}

static void
test_blind_reset_is_challenged(void **state)
{
	struct tcpcb *s;
	struct tcpcb *c;

	tw_connect(w, &p, KAF_INET);
	s = tw_tp(&p.s);
	c = tw_tp(&p.c);
	/* A reset in the window, but not where the next byte is. */
	c->snd_max += 100;
	in_pcbref(c->t_inpcb);
	tcp_drop(c, ECONNABORTED, "test");
	in_pcbrele(c->t_inpcb);
	tw_run(w, 150 * SIM_US);
	assert_int_equal(s->t_state, TCPS_ESTABLISHED);
	assert_int_equal(tcp_stats(w->b.v)->badrst, 1);
	/* The challenge finds no connection, and the next reset is exact. */
	tw_run(w, SIM_SEC);
	assert_int_equal(p.s.error, ECONNRESET);
}

static void
test_bind_errors(void **state)
{
	struct ksockaddr sa = tw_sa(KAF_INET, 2, 443);
	struct socket *so;

	tw_listen(w, &p, KAF_INET, 1);
	assert_int_equal(socreate(w->b.v, &tcp_protosw, KAF_INET, &so), 0);
	assert_int_equal(sobind(so, &sa), EADDRINUSE);
	sa.sa_addr.a[3] = 77;
	assert_int_equal(sobind(so, &sa), EADDRNOTAVAIL);
	sa.sa_family = KAF_INET6;
	assert_int_equal(sobind(so, &sa), EAFNOSUPPORT);
	sa = tw_sa(KAF_INET, 2, 0);
	assert_int_equal(sobind(so, &sa), 0);
	assert_int_equal(sobind(so, &sa), EINVAL);
	sa.sa_addr.a[0] = 99;
	sa.sa_port = 1;
	assert_int_equal(soconnect(so, &sa), ENETUNREACH);
	soclose(so);
}

static void
test_sockets_die_without_having_connected(void **state)
{
	struct socket *so;

	assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET, &so), 0);
	soclose(so);
	w->hook = lose_all;
	tw_connect_start(w, &p, KAF_INET);
	tw_run(w, SIM_SEC);
	tw_app_close(&p.c);
}

/* The server closed first and waits for old segments; a SYN of the same four
 * is above them, and begins a new connection at once. */
static void
test_the_same_four_again_while_the_peer_waits(void **state)
{
	struct ksockaddr from = tw_sa(KAF_INET, 1, 22222),
			 to = tw_sa(KAF_INET, 2, 443);
	struct socket *so;

	for (int i = 0; i < 12; i++) {
		tw_listen(w, &p, KAF_INET, 8);
		assert_int_equal(socreate(w->a.v, &tcp_protosw, KAF_INET, &so),
		    0);
		assert_int_equal(sobind(so, &from), 0);
		assert_int_equal(soconnect(so, &to), EINPROGRESS);
		tw_app_attach(&p.c, w, so, 2);
		tw_run(w, SIM_MS);
		assert_true(p.c.connected);
		assert_int_equal(tw_tp(&p.s)->t_state, TCPS_ESTABLISHED);
		tw_app_close(&p.s);
		tw_run(w, SIM_MS);
		tw_app_close(&p.c);
		tw_run(w, SIM_MS);
		soclose(p.lso);
		memset(&p, 0, sizeof(p));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_handshake_agrees_on_options),
		T(test_without_rfc1323_no_scale_and_no_timestamps),
		T(test_connect_to_a_port_nobody_listens_on_is_refused),
		T(test_syn_is_repeated_and_times_out),
		T(test_lost_synack_is_repeated),
		T(test_half_close_lets_the_other_side_go_on),
		T(test_time_wait_lasts_two_msl),
		T(test_the_same_four_again_while_the_peer_waits),
		T(test_closing_at_the_same_time),
		T(test_lost_fin_is_repeated),
		T(test_abort_resets_the_peer),
		T(test_data_for_a_closed_user_is_answered_with_reset),
		T(test_closed_fin_wait_2_does_not_wait_for_ever),
		T(test_peer_that_vanished_times_out),
		T(test_backlog_refuses_silently_and_the_syn_comes_again),
		T(test_closing_a_listener_resets_what_was_not_accepted),
		T(test_blind_reset_is_challenged),
		T(test_bind_errors),
		T(test_sockets_die_without_having_connected),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
