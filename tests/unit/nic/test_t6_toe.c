/* T6 TOE: connections that are the card's, and how they end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/kern/uio.h>
#include <ktsim/netinet/tcp_info.h>

#include "toebench.h"

static struct toeb ob;
static uint8_t big[300000];

static int
setup(void **state)
{
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
	ob_init(&ob, "", false);
	return (0);
}

static int
teardown(void **state)
{
	ob_close(&ob);
	ob_fini(&ob);
	return (0);
}

static struct tcpcb *
tcb(int host)
{
	return (sototcpcb(ob.so[host]));
}

static const struct tcp_stats *
stats(void)
{
	return (tcp_stats(ob.h[SRV].v));
}

/* The writer waits for room as an application does. */
static void
transfer(int from, size_t len)
{
	struct socket *so = ob.so[from];
	struct kiovec iov = { big, len };
	size_t taken = 0;
	struct uio uio;

	uio_init(&uio, &iov, 1);
	while (taken < len) {
		(void)sosend(so, &uio, NULL, 0);
		ob_read(&ob, ob.so[!from], big + taken, uio.uio_offset - taken);
		taken = uio.uio_offset;
		ob_run(&ob, SIM_MS);
	}
}

static void
test_an_accepted_connection_is_the_cards(void **state)
{
	ob_pair(&ob);
	assert_true((tcb(SRV)->t_flags & TF_TOE) != 0);
	assert_int_equal(tcb(SRV)->t_state, TCPS_ESTABLISHED);
	transfer(CLI, 100000);
	transfer(SRV, 100000);
	/* The host has sent and received no segment at all. */
	assert_int_equal(stats()->sndtotal, 0);
	assert_int_equal(stats()->rcvtotal, 0);
	assert_true(ob_sysctl(&ob, SRV, "dev.cc.0.toe.tcp_out_segs") > 70);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.toe.conns"), 1);
}

static void
test_what_is_lost_the_card_sends_again(void **state)
{
	ob.lose = 17;
	ob_pair(&ob);
	transfer(SRV, sizeof(big));
	assert_true(ob.lost > 5);
	assert_true(
	    ob_sysctl(&ob, SRV, "dev.cc.0.toe.tcp_retrans_segs") >= ob.lost);
	assert_int_equal(stats()->sndrexmitpack, 0);
}

static void
test_bytes_stay_in_the_host_until_acknowledged(void **state)
{
	ob_pair(&ob);
	ob.cut = true;
	ob_write(ob.so[SRV], big, 5000);
	ob_run(&ob, 50 * SIM_MS);
	assert_int_equal(sbused(&ob.so[SRV]->so_snd), 5000);
	assert_int_equal(tcb(SRV)->snd_nxt - tcb(SRV)->snd_una, 5000);
	ob.cut = false;
	ob_read(&ob, ob.so[CLI], big, 5000);
	ob_run(&ob, SIM_SEC);
	assert_int_equal(sbused(&ob.so[SRV]->so_snd), 0);
}

static void
test_out_of_credits_it_waits(void **state)
{
	teardown(NULL);
	ob_init(&ob, "toe_credits=32", false);
	ob_pair(&ob);
	ob.cut = true;
	/* 3 credits each: ten are out, the others wait in the host. */
	for (int i = 0; i < 20; i++)
		ob_write(ob.so[SRV], big + 100 * i, 100);
	assert_int_equal(tcb(SRV)->snd_nxt - tcb(SRV)->snd_una, 1000);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.toe.suspended"), 1);
	ob.cut = false;
	ob_read(&ob, ob.so[CLI], big, 2000);
}

static void
test_the_receive_window_is_the_hosts_room(void **state)
{
	struct uio uio;
	struct kiovec iov = { big, sizeof(big) };

	ob_pair(&ob);
	ob.so[SRV]->so_rcv.sb_flags &= (uint16_t)~SB_AUTOSIZE;
	uio_init(&uio, &iov, 1);
	for (int i = 0; i < 50; i++) {
		(void)sosend(ob.so[CLI], &uio, NULL, 0);
		ob_run(&ob, SIM_MS);
	}
	/* Nobody reads: the host holds what it has room for, no more. */
	assert_true(sbused(&ob.so[SRV]->so_rcv) <= ob.so[SRV]->so_rcv.sb_hiwat);
	assert_true(sbused(&ob.so[SRV]->so_rcv) > 60000);
	ob_read(&ob, ob.so[SRV], big, uio.uio_offset);
}

static void
test_close_ends_it_on_both_sides(void **state)
{
	uint8_t b;
	struct kiovec iov = { &b, 1 };
	struct uio uio;

	ob_pair(&ob);
	ob_write(ob.so[SRV], "bye", 3);
	soclose(ob.so[SRV]);
	ob.so[SRV] = NULL;
	ob_read(&ob, ob.so[CLI], "bye", 3);
	uio_init(&uio, &iov, 1);
	assert_int_equal(soreceive(ob.so[CLI], &uio, NULL, NULL), 0);
	assert_int_equal(uio.uio_resid, 1);
	soclose(ob.so[CLI]);
	ob.so[CLI] = NULL;
	ob_run(&ob, SIM_SEC);
	assert_int_equal(stats()->closed, 1);
	assert_int_equal(stats()->drops, 0);
}

static void
test_the_peer_closes_first(void **state)
{
	ob_pair(&ob);
	soclose(ob.so[CLI]);
	ob.so[CLI] = NULL;
	ob_run(&ob, 10 * SIM_MS);
	assert_int_equal(tcb(SRV)->t_state, TCPS_CLOSE_WAIT);
	assert_true((ob.so[SRV]->so_rcv.sb_state & SBS_CANTRCVMORE) != 0);
	soclose(ob.so[SRV]);
	ob.so[SRV] = NULL;
	ob_run(&ob, SIM_SEC);
	assert_int_equal(stats()->closed, 1);
}

static void
test_resets_go_both_ways(void **state)
{
	ob_pair(&ob);
	soabort(ob.so[CLI]);
	ob.so[CLI] = NULL;
	ob_run(&ob, 10 * SIM_MS);
	assert_int_equal(so_geterror(ob.so[SRV]), ECONNRESET);
	ob_close(&ob);
	ob_pair(&ob);
	soabort(ob.so[SRV]);
	ob.so[SRV] = NULL;
	ob_run(&ob, 10 * SIM_MS);
	assert_int_equal(so_geterror(ob.so[CLI]), ECONNRESET);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.toe.tcp_out_rsts"), 1);
	assert_int_equal(stats()->sndrst, 0);
}

static void
test_a_peer_that_is_silent_times_out(void **state)
{
	ob_pair(&ob);
	ob.cut = true;
	ob_write(ob.so[SRV], big, 100);
	ob_run(&ob, 2000 * SIM_SEC);
	assert_int_equal(so_geterror(ob.so[SRV]), ETIMEDOUT);
}

static void
test_a_reset_of_the_card_ends_its_connections(void **state)
{
	ob_pair(&ob);
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_RESET, 0), 0);
	assert_int_equal(so_geterror(ob.so[SRV]), ECONNRESET);
	assert_int_equal(inp_dropped(sotoinpcb(ob.so[SRV])), true);
	/* The peer hears of it from the host, which knows no such connection.
	 */
	ob_write(ob.so[CLI], big, 100);
	ob_run(&ob, 10 * SIM_MS);
	assert_int_equal(so_geterror(ob.so[CLI]), ECONNRESET);
	/* And the listener is the card's again. */
	soclose(ob.so[CLI]);
	soclose(ob.so[SRV]);
	ob.so[CLI] = ob_connect(&ob, CLI, SRV);
	ob.so[SRV] = ob_accept(&ob);
	assert_true((tcb(SRV)->t_flags & TF_TOE) != 0);
}

static void
test_a_link_that_was_down_is_made_up_for(void **state)
{
	ob_pair(&ob);
	nic_link(ob.h[SRV].n, false);
	ob_write(ob.so[SRV], big, 20000);
	ob_run(&ob, 100 * SIM_MS);
	nic_link(ob.h[SRV].n, true);
	ob_read(&ob, ob.so[CLI], big, 20000);
	assert_true(ob_sysctl(&ob, SRV, "dev.cc.0.toe.tcp_retrans_segs") > 0);
}

static void
test_what_comes_late_of_an_ended_connection_is_not_the_hosts(void **state)
{
	uint64_t segs;

	ob_pair(&ob);
	ob_write(ob.so[SRV], big, 100);
	ob_read(&ob, ob.so[CLI], big, 100);
	soclose(ob.so[CLI]);
	ob_run(&ob, SIM_MS);
	ob.twice = true;
	segs = ob_sysctl(&ob, SRV, "dev.cc.0.toe.tcp_in_segs");
	/* What the card tells takes 5 us; the copy is there in 1 us. */
	ob.h[SRV].n->n_params.np_rx_coalesce = 5 * SIM_US;
	soclose(ob.so[SRV]);
	ob.so[CLI] = ob.so[SRV] = NULL;
	while (ob_sysctl(&ob, SRV, "dev.cc.0.toe.tcp_in_segs") == segs)
		ob_run(&ob, SIM_US / 10);
	ob.h[SRV].n->n_params.np_rx_coalesce = 0;
	ob_run(&ob, SIM_SEC);
	assert_int_equal(ob_sysctl(&ob, SRV, "net.inet.tcp.stats.rcvtotal"), 1);
	assert_int_equal(ob_sysctl(&ob, SRV,
			     "net.inet.tcp.stats.rcvacktoomuch"),
	    0);
	assert_int_equal(ob_sysctl(&ob, SRV, "net.inet.tcp.stats.sndtotal"), 0);
}

static void
test_a_failed_mapping_is_tried_again_later(void **state)
{
	simtime_t from;

	ob_pair(&ob);
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_DMA_FAIL, 3), 0);
	from = timebase_now(ob.h[SRV].v->v_tb);
	ob_write(ob.so[SRV], big, 1000);
	ob_read(&ob, ob.so[CLI], big, 1000);
	assert_true(timebase_now(ob.h[SRV].v->v_tb) - from >= 3 * SIM_MS);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc0.dma_map_failed"), 3);
}

static void
test_without_a_tid_the_host_does_it(void **state)
{
	struct socket *so2[2];

	teardown(NULL);
	ob_init(&ob, "tids=1", false);
	ob_pair(&ob);
	so2[CLI] = ob_connect(&ob, CLI, SRV);
	so2[SRV] = ob_accept(&ob);
	assert_true((tcb(SRV)->t_flags & TF_TOE) != 0);
	assert_true((sototcpcb(so2[SRV])->t_flags & TF_TOE) == 0);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.toe.declined"), 1);
	soclose(so2[CLI]);
	soclose(so2[SRV]);
}

static void
test_a_syn_that_the_host_has_stays_the_hosts(void **state)
{
	struct socket *so2[2];

	teardown(NULL);
	ob_init(&ob, "tids=1", false);
	ob_pair(&ob);
	/* The host's SYN|ACK does not arrive, and a tid is free meanwhile. */
	so2[CLI] = ob_connect(&ob, CLI, SRV);
	ob_run(&ob, 5 * SIM_US);
	ob.cut = true;
	ob_run(&ob, 100 * SIM_MS);
	ob.cut = false;
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.toe.declined"), 1);
	soabort(ob.so[SRV]);
	ob.so[SRV] = NULL;
	ob_run(&ob, 10 * SIM_SEC);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.toe.conns"), 1);
	so2[SRV] = ob_accept(&ob);
	assert_true((sototcpcb(so2[SRV])->t_flags & TF_TOE) == 0);
	assert_true((so2[CLI]->so_state & SS_ISCONNECTED) != 0);
	soclose(so2[CLI]);
	soclose(so2[SRV]);
}

static void
test_what_the_host_does_not_want_is_reset(void **state)
{
	struct socket *so[12];

	ob_listen(&ob); /* a queue of 4, and half as many again */
	for (int i = 0; i < 12; i++)
		so[i] = ob_connect(&ob, CLI, SRV);
	ob_run(&ob, 10 * SIM_MS);
	assert_int_equal(ob_sysctl(&ob, SRV, "dev.cc.0.toe.refused"), 5);
	assert_int_equal(stats()->listendrop, 5);
	assert_int_equal(so_geterror(so[11]), ECONNRESET);
	for (int i = 0; i < 12; i++)
		soclose(so[i]);
}

static void
test_behind_a_closed_listener_the_host_refuses(void **state)
{
	struct socket *so;

	ob_listen(&ob);
	soclose(ob.lso);
	ob.lso = NULL;
	so = ob_connect(&ob, CLI, SRV);
	ob_run(&ob, 10 * SIM_MS);
	assert_int_equal(so_geterror(so), ECONNREFUSED);
	assert_int_equal(stats()->sndrst, 1);
	soclose(so);
}

static void
listen_client(void)
{
	struct ksockaddr any = { .sa_family = ob.h[CLI].addr.sa_family,
		.sa_port = OB_PORT };

	assert_int_equal(socreate(ob.h[CLI].v, &tcp_protosw, any.sa_family,
			     &ob.lso),
	    0);
	assert_int_equal(sobind(ob.lso, &any), 0);
	assert_int_equal(solisten(ob.lso, 4), 0);
}

static void
test_connect_is_the_cards_too(void **state)
{
	listen_client();
	ob.so[SRV] = ob_connect(&ob, SRV, CLI);
	assert_int_equal(tcb(SRV)->t_state, TCPS_SYN_SENT);
	ob.so[CLI] = ob_accept(&ob);
	assert_true((tcb(SRV)->t_flags & TF_TOE) != 0);
	transfer(SRV, 50000);
	transfer(CLI, 50000);
	assert_int_equal(stats()->sndtotal, 0);
}

static void
test_connect_is_refused_or_given_up(void **state)
{
	ob.so[SRV] = ob_connect(&ob, SRV, CLI);
	ob_run(&ob, 10 * SIM_MS);
	assert_int_equal(so_geterror(ob.so[SRV]), ECONNREFUSED);
	ob_close(&ob);
	ob.so[SRV] = ob_connect(&ob, SRV, CLI);
	ob_close(&ob); /* before the card has answered */
	ob.cut = true;
	ob.so[SRV] = ob_connect(&ob, SRV, CLI);
	ob_run(&ob, 200 * SIM_SEC);
	assert_int_equal(so_geterror(ob.so[SRV]), ETIMEDOUT);
}

static void
test_a_card_without_room_leaves_connect_to_the_host(void **state)
{
	listen_client();
	assert_int_equal(nic_order(ob.h[SRV].n, NIC_ORDER_CONTEXTS, 0), 0);
	ob.so[SRV] = ob_connect(&ob, SRV, CLI);
	ob.so[CLI] = ob_accept(&ob);
	assert_true((tcb(SRV)->t_flags & TF_TOE) == 0);
	transfer(SRV, 50000);
}

static void
test_tcp_info_is_the_cards(void **state)
{
	struct ktcp_info ti;

	ob_pair(&ob);
	transfer(SRV, 50000);
	tcp_fill_info(tcb(SRV), &ti);
	assert_int_equal(ti.tcpi_bytes_sent, 50000);
	assert_true(ti.tcpi_rtt >= 100);
	assert_true(ti.tcpi_snd_cwnd > 10000);
}

static void
test_IPv6(void **state)
{
	teardown(NULL);
	ob_init(&ob, "", true);
	ob_pair(&ob);
	assert_true((tcb(SRV)->t_flags & TF_TOE) != 0);
	transfer(SRV, 50000);
	transfer(CLI, 50000);
	assert_int_equal(stats()->sndtotal, 0);
}

static void
test_a_card_that_is_pulled_ends_its_connections(void **state)
{
	ob_pair(&ob);
	ob_write(ob.so[SRV], big, 30000);
	ob_run(&ob, 60 * SIM_US); /* work requests and frames are under way */
	nic_detach(ob.h[SRV].n);
	ob.h[SRV].n = NULL;
	assert_int_equal(so_geterror(ob.so[SRV]), ECONNRESET);
	ob.cut = true;
}

static void
test_options_are_passed_on(void **state)
{
	char cc[] = "newreno";
	int on = 1;
	struct sockopt sopt = { .sopt_level = KIPPROTO_TCP,
		.sopt_name = KTCP_CONGESTION,
		.sopt_val = cc,
		.sopt_valsize = sizeof(cc) };

	ob_pair(&ob);
	assert_int_equal(sosetopt(ob.so[SRV], &sopt), 0);
	sopt = (struct sockopt) { .sopt_level = KIPPROTO_TCP,
		.sopt_name = KTCP_NODELAY,
		.sopt_val = &on,
		.sopt_valsize = sizeof(on) };
	assert_int_equal(sosetopt(ob.so[SRV], &sopt), 0);
	/* Without NODELAY the second waits for the first one's ACK. */
	ob_write(ob.so[SRV], "a", 1);
	ob_write(ob.so[SRV], "b", 1);
	ob_run(&ob, 90 * SIM_US);
	assert_int_equal(sbavail(&ob.so[CLI]->so_rcv), 2);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_an_accepted_connection_is_the_cards),
		T(test_what_is_lost_the_card_sends_again),
		T(test_bytes_stay_in_the_host_until_acknowledged),
		T(test_out_of_credits_it_waits),
		T(test_the_receive_window_is_the_hosts_room),
		T(test_close_ends_it_on_both_sides),
		T(test_the_peer_closes_first),
		T(test_resets_go_both_ways),
		T(test_a_peer_that_is_silent_times_out),
		T(test_a_reset_of_the_card_ends_its_connections),
		T(test_a_link_that_was_down_is_made_up_for),
		T(test_what_comes_late_of_an_ended_connection_is_not_the_hosts),
		T(test_a_failed_mapping_is_tried_again_later),
		T(test_without_a_tid_the_host_does_it),
		T(test_a_syn_that_the_host_has_stays_the_hosts),
		T(test_what_the_host_does_not_want_is_reset),
		T(test_behind_a_closed_listener_the_host_refuses),
		T(test_connect_is_the_cards_too),
		T(test_connect_is_refused_or_given_up),
		T(test_a_card_without_room_leaves_connect_to_the_host),
		T(test_tcp_info_is_the_cards),
		T(test_IPv6),
		T(test_a_card_that_is_pulled_ends_its_connections),
		T(test_options_are_passed_on),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
