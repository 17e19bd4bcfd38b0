/* Changing the mode of a connection that lives, over a card that can. */
#include "../net/netwire.h"

#include <errno.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/kern/uio.h>
#include <ktsim/opencrypto/crypto_backend.h>

#define CARD (IFCAP_TXCSUM | IFCAP_TSO4 | IFCAP_MEXTPG | IFCAP_TXTLS4)

static struct tw *w;
static struct tw_pair p;

static int
setup(void **state)
{
	w = tw_new(1, CARD);
	memset(&p, 0, sizeof(p));
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
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

static int
mode(void)
{
	int m = -1;

	assert_int_equal(ktls_get_tx_mode(p.s.so, &m), 0);
	return (m);
}

static void
test_not_permitted_means_software_and_asking_forces_the_card(void **state)
{
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_SW);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	assert_int_equal(ktls_stats(w->b.v)->switch_to_ifnet, 1);
	assert_int_equal(w->b.port[0].ifn.if_tags, 1);
}

static void
rates(struct ifnet *ifp, struct if_ratelimit_query_results *rl)
{
	static const uint64_t table[] = { 500000, 1250000 };

	rl->flags = RT_IS_FIXED_TABLE;
	rl->rate_table = table;
	rl->number_of_rates = nitems(table);
}

/* A paced connection asks for both in one, where the interface has it. */
static void
test_a_paced_connection_asks_for_a_rate_limited_tag(void **state)
{
	struct tw_port *port = &w->b.port[0];

	p.s.so->so_max_pacing_rate = 1000000;
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(port->tag_type, IF_SND_TAG_TYPE_TLS);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_SW), 0);
	port->ifn.if_capenable |= IFCAP_TXRTLMT | IFCAP_TXTLS_RTLMT;
	port->ifn.if_ratelimit_query = rates;
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET), 0);
	assert_int_equal(port->tag_type, IF_SND_TAG_TYPE_TLS_RATE_LIMIT);
	assert_int_equal(port->tag_rate, 1250000); /* of the table */
}

static void
test_back_to_software_and_again_to_the_card(void **state)
{
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	/* While a card session lives, the card cannot be asked for again. */
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET),
	    EALREADY);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_SW), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_SW);
	assert_int_equal(ktls_stats(w->b.v)->switch_to_sw, 1);
	assert_int_equal(w->b.port[0].ifn.if_tags, 0);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET), 0);
}

/* Until the last record of the card's is acknowledged, it has a session. */
static void
test_the_card_is_busy_while_its_records_are_in_flight(void **state)
{
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tw_tp(&p.s)->t_snd_first_bytes = tw_tp(&p.s)->t_snd_rxt_bytes = 0;
	p.s.to_send = p.s.sent + 10000;
	tw_app_kick(&p.s);
	tw_run(w, 0);
	assert_true(sbused(&p.s.so->so_snd) > 0);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_SW), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_SW);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET),
	    EALREADY);
	/* Also when it has been given up for good. */
	tcp_account_for_send(tw_tp(&p.s), 1000, true, true);
	assert_true(tw_tp(&p.s)->t_nic_ktls_xmit_dis);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET),
	    EALREADY);
	assert_int_equal(ktls_stats(w->b.v)->switch_failed, 0);
	tw_run(w, SIM_SEC);
	assert_int_equal(sbused(&p.s.so->so_snd), 0);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET), ENXIO);
}

/* Also when the connection hashes to another by now: one worker, one order. */
static void
test_the_new_session_stays_with_the_old_ones_worker(void **state)
{
	struct tcpcb *tp = tw_tp(&p.s);
	unsigned worker;

	assert_int_equal(tw_tls_tx(&p.s), 0);
	worker = p.s.so->so_snd.sb_tls_info->wq_index;
	tp->t_inpcb->inp_flowid++;
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET), 0);
	assert_int_equal(p.s.so->so_snd.sb_tls_info->wq_index, worker);
	tp->t_inpcb->inp_flowid--;
}

static void
test_the_explicit_nonce_goes_on_where_it_was(void **state)
{
	struct ktls_session *old;
	uint8_t before[16];

	assert_int_equal(tw_tls_tx(&p.s), 0); /* TLS 1.2, AES-GCM */
	old = p.s.so->so_snd.sb_tls_info;
	memcpy(before, old->params.iv, sizeof(before));
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET), 0);
	assert_ptr_not_equal(p.s.so->so_snd.sb_tls_info, old);
	assert_memory_equal(p.s.so->so_snd.sb_tls_info->params.iv, before,
	    sizeof(before));
}

static void
test_wrong_modes_and_no_session(void **state)
{
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_NONE); /* silently nothing */
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_NONE), EINVAL);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_TOE), EINVAL);
	assert_int_equal(ktls_set_tx_mode(p.lso, TCP_TLS_MODE_SW), EINVAL);
}

static void
test_a_card_without_tls_refuses_and_the_old_session_stays(void **state)
{
	struct ktls_session *old;

	assert_int_equal(if_setcap(&w->b.port[0].ifn, CARD & ~IFCAP_TXTLS4), 0);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	old = p.s.so->so_snd.sb_tls_info;
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET),
	    EOPNOTSUPP);
	assert_ptr_equal(p.s.so->so_snd.sb_tls_info, old);
	assert_int_equal(ktls_stats(w->b.v)->switch_failed, 1);
}

/* Its next IV is the end of a record that may not be encrypted yet. */
static void
plant(const char *name)
{
	int d = defect_find(name);

	assert_true(d >= 0);
	defect_set(&w->b.v->v_defects, (enum defect)d);
}

static const uint8_t tls10_key[20] = "0123456789abcdefghi";
static const struct tls_enable tls10 = { .cipher_key = tls10_key,
	.iv = tls10_key,
	.auth_key = tls10_key,
	.cipher_algorithm = CRYPTO_AES_CBC,
	.cipher_key_len = 16,
	.iv_len = 16,
	.auth_algorithm = CRYPTO_SHA1_HMAC,
	.auth_key_len = 20,
	.tls_vmajor = 3,
	.tls_vminor = 1 };

/*
 * On a card that takes TLS 1.0 (the bench's takes all). The clone has neither
 * the order of the records nor the chained IV: what the peer gets is not TLS.
 */
static void
test_defect_tls10_comes_back_to_software_without_its_order(void **state)
{
	struct ktls_session *tls;

	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	assert_int_equal(ktls_enable_tx(p.s.so, &tls10), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_SW),
	    EPROTONOSUPPORT);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	plant("kern.switch-tls10");
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_SW), 0);
	tls = p.s.so->so_snd.sb_tls_info;
	assert_int_equal(tls->mode, TCP_TLS_MODE_SW);
	assert_false(tls->sequential_records);
}

static void
test_tls10_stays_where_it_began(void **state)
{
	struct ktls_session *old;

	assert_int_equal(ktls_enable_tx(p.s.so, &tls10), 0);
	old = p.s.so->so_snd.sb_tls_info;
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_SW), 0);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET),
	    EPROTONOSUPPORT);
	assert_ptr_equal(p.s.so->so_snd.sb_tls_info, old);
	assert_int_equal(ktls_stats(w->b.v)->switch_failed, 1);
	assert_int_equal(w->b.port[0].ifn.if_tags, 0);
}

/* 1.1 and later can change: each record has its own IV. */
static void
test_cbc_with_explicit_ivs_takes_its_mac_key_along(void **state)
{
	static const uint8_t key[20] = "0123456789abcdefghi";
	struct tls_enable en = { .cipher_key = key,
		.auth_key = key,
		.cipher_algorithm = CRYPTO_AES_CBC,
		.cipher_key_len = 16,
		.auth_algorithm = CRYPTO_SHA1_HMAC,
		.auth_key_len = 20,
		.tls_vmajor = 3,
		.tls_vminor = 2 };
	const struct tls_session_params *tp;

	assert_int_equal(ktls_enable_tx(p.s.so, &en), 0);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	tp = &p.s.so->so_snd.sb_tls_info->params;
	assert_int_equal(tp->auth_key_len, 20);
	assert_memory_equal(tp->auth_key, key, 20);
}

/* --- the automatic return to software --- */

static void
on_the_card(void)
{
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	tw_tp(&p.s)->t_snd_first_bytes = tw_tp(&p.s)->t_snd_rxt_bytes = 0;
}

static void
test_two_percent_resent_stays_three_percent_leaves_the_card(void **state)
{
	struct ktls_stats *st = ktls_stats(w->b.v);
	struct tcpcb *tp = tw_tp(&p.s);

	on_the_card();
	tcp_account_for_send(tp, 97001, false, true);
	tcp_account_for_send(tp, 2999, true, true); /* 2.999 %: 2 */
	tw_run(w, SIM_MS);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	assert_false(tp->t_nic_ktls_xmit_dis);
	tcp_account_for_send(tp, 2, true, true); /* 3.0009 %: 3 */
	assert_true(tp->t_nic_ktls_xmit_dis);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET); /* a task does it */
	tw_run(w, SIM_MS);
	assert_int_equal(mode(), TCP_TLS_MODE_SW);
	assert_int_equal(st->ifnet_disable_ok, 1);
	assert_int_equal(st->ifnet_disable_failed, 0);
	assert_int_equal(st->switch_to_sw, 1);
	/* For the rest of the connection. */
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET), ENXIO);
	tcp_account_for_send(tp, 50000, true, true);
	tw_run(w, SIM_MS);
	assert_int_equal(st->ifnet_disable_ok, 1);
}

static void
test_first_sends_software_and_the_knob_are_no_reason_to_leave(void **state)
{
	struct tcpcb *tp = tw_tp(&p.s);

	on_the_card();
	tcp_account_for_send(tp, 5000, true, false); /* it was software's */
	tcp_account_for_send(tp, 5000, false, true);
	tcp_account_for_send(tp, 0, true, true);
	assert_false(tp->t_nic_ktls_xmit_dis);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet_max_rexmit_pct", 100);
	tcp_account_for_send(tp, 5000, true, true);
	assert_false(tp->t_nic_ktls_xmit_dis);
	tw_run(w, SIM_MS);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
}

static void
test_leaving_the_card_can_fail_and_is_not_tried_again(void **state)
{
	struct ktls_stats *st = ktls_stats(w->b.v);
	const struct crypto_backend *was = w->b.v->v_crypto;
	struct tcpcb *tp = tw_tp(&p.s);

	on_the_card();
	w->b.v->v_crypto = crypto_backend_find("none");
	tcp_account_for_send(tp, 100, true, true);
	tw_run(w, SIM_MS);
	assert_int_equal(st->ifnet_disable_failed, 1);
	assert_int_equal(st->switch_failed, 1);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	w->b.v->v_crypto = was;
	tcp_account_for_send(tp, 100, true, true);
	tw_run(w, SIM_MS);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
}

/* The task finds the connection gone: neither counter moves. */
static void
test_a_dropped_connection_leaves_no_card(void **state)
{
	struct ktls_stats *st = ktls_stats(w->b.v);

	on_the_card();
	tcp_account_for_send(tw_tp(&p.s), 100, true, true);
	tcp_drop(tw_tp(&p.s), ECONNRESET, "test");
	tw_run(w, SIM_MS);
	assert_int_equal(st->ifnet_disable_ok + st->ifnet_disable_failed, 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_not_permitted_means_software_and_asking_forces_the_card),
		T(test_a_paced_connection_asks_for_a_rate_limited_tag),
		T(test_back_to_software_and_again_to_the_card),
		T(test_the_card_is_busy_while_its_records_are_in_flight),
		T(test_the_new_session_stays_with_the_old_ones_worker),
		T(test_the_explicit_nonce_goes_on_where_it_was),
		T(test_wrong_modes_and_no_session),
		T(test_a_card_without_tls_refuses_and_the_old_session_stays),
		T(test_defect_tls10_comes_back_to_software_without_its_order),
		T(test_tls10_stays_where_it_began),
		T(test_cbc_with_explicit_ivs_takes_its_mac_key_along),
		T(test_two_percent_resent_stays_three_percent_leaves_the_card),
		T(test_first_sends_software_and_the_knob_are_no_reason_to_leave),
		T(test_leaving_the_card_can_fail_and_is_not_tried_again),
		T(test_a_dropped_connection_leaves_no_card),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
