/* When a transmit session's send tag goes: with the session, or before. */
#include "../net/netwire.h"

#include <errno.h>

#include <ktsim/kern/ktls.h>

#define CARD (IFCAP_TXCSUM | IFCAP_TSO4 | IFCAP_MEXTPG | IFCAP_TXTLS4)

static struct tw *w;
static struct tw_pair p;
static bool deaf; /* nothing gets to b */

static enum tw_verdict
lose_acks(struct tw *tw, struct tw_port *from, const struct tw_pkt *k)
{
	return (deaf && from == &tw->a.port[0] ? TW_DROP : TW_PASS);
}

static int
setup(void **state)
{
	deaf = false;
	w = tw_new(1, CARD);
	w->hook = lose_acks;
	memset(&p, 0, sizeof(p));
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	return (0);
}

static int
teardown(void **state)
{
	w->hook = NULL;
	tw_pair_close(&p);
	tw_run(w, 300 * SIM_SEC);
	tw_free(w);
	return (0);
}

static void
early(void)
{
	assert_int_equal(sysctl_write(w->b.v,
			     "kern.ipc.tls.ifnet.release_early", 1),
	    0);
}

static uint64_t
released(void)
{
	return (ktls_stats(w->b.v)->ifnet_released_early);
}

static unsigned
tags(void)
{
	return (w->b.port[0].ifn.if_tags);
}

/* Sends, and its FIN behind it; delta later. */
static void
send_and_shut(simtime_t delta)
{
	p.s.to_send += 5000;
	p.s.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, delta);
}

static void
use_card(void)
{
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(tags(), 1);
}

static void
test_a_session_keeps_its_tag_through_time_wait(void **state)
{
	use_card();
	send_and_shut(SIM_SEC);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_2);
	assert_int_equal(tags(), 1);
	tw_app_close(&p.c);
	tw_run(w, SIM_SEC);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_TIME_WAIT);
	tw_app_close(&p.s);
	tw_run(w, 50 * SIM_SEC);
	assert_int_equal(tags(), 1);
	tw_run(w, 20 * SIM_SEC);
	assert_int_equal(tags(), 0);
	assert_int_equal(released(), 0);
}

static void
test_early_it_goes_in_fin_wait_2(void **state)
{
	early();
	use_card();
	send_and_shut(SIM_SEC);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_2);
	assert_int_equal(tags(), 0);
	assert_int_equal(released(), 1);
	/* The session stays what it is. */
	assert_int_equal(p.s.so->so_snd.sb_tls_info->mode, TCP_TLS_MODE_IFNET);
	tw_app_close(&p.c);
	tw_run(w, SIM_SEC);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_TIME_WAIT);
	assert_int_equal(released(), 1);
}

/* Both FINs cross: from CLOSING to TIME_WAIT. */
static void
test_early_it_goes_in_time_wait_too(void **state)
{
	early();
	use_card();
	p.c.shut_after = true;
	tw_app_kick(&p.c);
	send_and_shut(SIM_SEC);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_TIME_WAIT);
	assert_int_equal(tags(), 0);
	assert_int_equal(released(), 1);
}

static void
test_not_while_something_may_have_to_be_sent_again(void **state)
{
	uint64_t before;

	early();
	use_card();
	before = p.c.rcvd;
	deaf = true;
	send_and_shut(5 * SIM_SEC);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_1);
	assert_true(tw_tp(&p.s)->t_stats.rexmit_packs > 0);
	assert_int_equal(tags(), 1);
	assert_int_equal(released(), 0);
	deaf = false;
	tw_run(w, 30 * SIM_SEC);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_2);
	assert_true(p.c.rcvd >= before + 5000);
	assert_int_equal(tags(), 0);
	assert_int_equal(released(), 1);
}

/* A reset task that comes too late takes no tag any more. */
static void
test_a_reset_that_is_pending_finds_nothing_to_do(void **state)
{
	struct ktls_session *tls;

	early();
	use_card();
	send_and_shut(SIM_SEC);
	tls = p.s.so->so_snd.sb_tls_info;
	(void)ktls_output_eagain(tw_tp(&p.s)->t_inpcb, tls);
	tw_run(w, SIM_SEC);
	assert_int_equal(tags(), 0);
	assert_null(tls->snd_tag);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset, 0);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_2);
}

/* The card was asked already, and answers into a session that is done. */
static void
late_answer(int error, uint64_t early_ones)
{
	struct tw_port *port = &w->b.port[0];

	early();
	use_card();
	port->tag_time = 10 * SIM_SEC;
	p.s.to_send += 5000;
	p.s.shut_after = true;
	tw_app_kick(&p.s);
	tw_run(w, 0); /* all is on its way */
	(void)ktls_output_eagain(tw_tp(&p.s)->t_inpcb,
	    p.s.so->so_snd.sb_tls_info);
	tw_run(w, 5 * SIM_SEC);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_2);
	assert_int_equal(released(), 0); /* there was none */
	port->tag_error = error;
	tw_run(w, 10 * SIM_SEC);
	assert_int_equal(tags(), 0);
	assert_int_equal(released(), early_ones);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_2);
	assert_int_equal(p.s.error, 0);
}

static void
test_a_tag_that_comes_too_late_goes_at_once(void **state)
{
	late_answer(0, 1);
}

static void
test_a_tag_refused_too_late_ends_nothing(void **state)
{
	late_answer(ENOMEM, 0);
}

static void
test_a_software_session_has_none(void **state)
{
	early();
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 0);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	send_and_shut(SIM_SEC);
	assert_int_equal(tw_tp(&p.s)->t_state, TCPS_FIN_WAIT_2);
	assert_int_equal(released(), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_session_keeps_its_tag_through_time_wait),
		T(test_early_it_goes_in_fin_wait_2),
		T(test_early_it_goes_in_time_wait_too),
		T(test_not_while_something_may_have_to_be_sent_again),
		T(test_a_reset_that_is_pending_finds_nothing_to_do),
		T(test_a_tag_that_comes_too_late_goes_at_once),
		T(test_a_tag_refused_too_late_ends_nothing),
		T(test_a_software_session_has_none),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
