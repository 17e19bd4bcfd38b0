/*
 * ConnectX-6 Dx, transmit: send tags. Their states, what is made in the card
 * for them and when, every refusal, limits, the two generations of the driver,
 * and what a reset of the card does to those that live.
 */
#include "nicstream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ktsim/kern/sysctl.h>

#include "cx6dx_drv.h"
#include "cx6dx_hw.h"

#define CMD (20 * SIM_US) /* a firmware command's time */

static const uint32_t sizes[2] = { 3000, 16384 };

static struct nicbench b;
static struct nb_stream st;
static struct nb_port *p;

static void
bench(const char *knobs)
{
	nb_init_knobs(&b, "cx6dx", 0, knobs);
	nb_stream_init(&b, &st, tls_suite_byname("aes256-gcm-1.3"), sizes, 2);
	p = &b.port[0];
}

static int
teardown(void **state)
{
	nb_run(&b);
	nb_clear(p);
	nb_stream_fini(&st);
	nb_fini(&b);
	return (0);
}

static int
setup_new(void **state)
{
	bench("driver=1");
	return (0);
}

static int
setup_old(void **state)
{
	bench("driver=0");
	return (0);
}

static const struct cx_tag *
tag(const struct m_snd_tag *mst)
{
	return ((const void *)mst);
}

static struct if_snd_tag_alloc_params
ask(enum if_snd_tag_type type)
{
	return ((struct if_snd_tag_alloc_params) { .type = type,
	    .flowid = 6,
	    .flowtype = M_HASHTYPE_OPAQUE,
	    .tls = &st.t.tls,
	    .max_rate = 125000000 /* 1 Gbit/s */ });
}

static int
try_type(enum if_snd_tag_type type, struct m_snd_tag **mst)
{
	struct if_snd_tag_alloc_params par = ask(type);

	return (nb_tag_try(p, &par, mst));
}

static uint64_t
counter(const char *name)
{
	uint64_t val;

	assert_int_equal(sysctl_read(b.v, name, &val), 0);
	return (val);
}

static simtime_t
now(void)
{
	return (timebase_now(b.v->v_tb));
}

static struct cx_hw *
hw(void)
{
	return (p->n->n_card->c_softc);
}

/* --- states --- */

static void
test_a_tag_goes_from_setup_to_txrdy_and_back_into_the_zone(void **state)
{
	simtime_t t0 = now();
	struct m_snd_tag *mst;
	uint32_t tisn;

	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	assert_int_equal(now() - t0, 2 * CMD); /* TIS, DEK */
	assert_int_equal(tag(mst)->ct_state, CX_TAG_SETUP);
	tisn = tag(mst)->ct_tisn;
	(void)nb_stream_go(&st, p, mst, 0, 100, 0);
	assert_int_equal(tag(mst)->ct_state, CX_TAG_TXRDY);
	assert_int_equal(hw()->h_dek_table.t_used, 1);
	m_snd_tag_rele(mst);
	assert_int_equal(p->n->n_stats.tls_tags, 0);
	assert_int_equal(hw()->h_dek_table.t_used, 1); /* queued */
	nb_run(&b);
	assert_int_equal(hw()->h_dek_table.t_used, 0);
	/* The TIS is the tag's: the next session on it has one command less. */
	assert_int_equal(hw()->h_tis_table.t_used, 1);
	t0 = now();
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	assert_int_equal(now() - t0, CMD);
	assert_int_equal(tag(mst)->ct_tisn, tisn);
	m_snd_tag_rele(mst);
}

/* One worker: set-up is bounded by the firmware's latency. */
struct waiter {
	struct if_snd_tag_wait iw;
	simtime_t when;
	struct m_snd_tag *mst;
	int error;
};

static void
waiter_done(struct if_snd_tag_wait *iw, int error, struct m_snd_tag *mst)
{
	struct waiter *w = containerof(iw, struct waiter, iw);

	w->when = now();
	w->error = error;
	w->mst = mst;
}

static void
test_commands_are_carried_out_one_after_the_other(void **state)
{
	struct waiter w[5];
	struct if_snd_tag_alloc_params par = ask(IF_SND_TAG_TYPE_TLS);
	struct m_snd_tag *none;

	for (unsigned i = 0; i < 5; i++) {
		w[i] = (struct waiter) { .iw.iw_done = waiter_done };
		par.wait = &w[i].iw;
		assert_int_equal(m_snd_tag_alloc(&p->n->n_if, &par, &none),
		    EINPROGRESS);
	}
	nb_run(&b);
	/* Five TIS; their keys follow. */
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(w[i].error, 0);
		assert_int_equal(w[i].when, (6 + i) * CMD);
		m_snd_tag_rele(w[i].mst);
	}
}

/* --- refusals --- */

static void
refuse(int error)
{
	uint64_t was = p->n->n_stats.tls_tags_refused;
	struct m_snd_tag *mst;

	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), error);
	assert_int_equal(p->n->n_stats.tls_tags_refused, was + 1);
	nb_run(&b);
	assert_int_equal(cx_softc(p->n)->cs_ntags, 0);
}

static void
test_versions_and_ciphers_that_the_card_does_not_know(void **state)
{
	struct tls_session_params *tp = &st.t.tls.params;

	tp->tls_vminor = TLS_MINOR_VER_ONE;
	refuse(EPROTONOSUPPORT);
	tp->tls_vminor = TLS_MINOR_VER_THREE;
	tp->suite = tls_suite_byname("chacha20-poly1305-1.3");
	refuse(EPROTONOSUPPORT);
	tp->suite = tls_suite_byname("aes128-cbc-sha256-1.2");
	assert_non_null(tp->suite);
	refuse(EPROTONOSUPPORT);
}

static void
test_keys_and_ivs_of_another_length(void **state)
{
	struct tls_session_params *tp = &st.t.tls.params;

	tp->cipher_key_len = 24;
	refuse(EINVAL);
	tp->cipher_key_len = 32;
	tp->iv_len = 4; /* TLS 1.2's */
	refuse(EINVAL);
	tp->iv_len = 12;
	tp->tls_vminor = TLS_MINOR_VER_TWO;
	refuse(EINVAL);
	tp->tls_vminor = TLS_MINOR_VER_THREE;
}

static void
test_no_flow_hash_means_no_channel(void **state)
{
	struct if_snd_tag_alloc_params par = ask(IF_SND_TAG_TYPE_TLS);
	struct m_snd_tag *mst;

	par.flowtype = M_HASHTYPE_NONE;
	assert_int_equal(nb_tag_try(p, &par, &mst), EOPNOTSUPP);
	par.type = IF_SND_TAG_TYPE_UNLIMITED;
	assert_int_equal(nb_tag_try(p, &par, &mst), EOPNOTSUPP);
}

static void
test_a_queue_that_does_not_run(void **state)
{
	struct m_snd_tag *mst;

	p->n->n_drv->d_txqs[6 % 4].t_running = false;
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), ENXIO);
	p->n->n_drv->d_txqs[6 % 4].t_running = true;
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	/* A session whose queue stops goes by the ordinary choice. */
	p->n->n_drv->d_txqs[6 % 4].t_running = false;
	(void)nb_stream_go(&st, p, mst, 0, 100, 0);
	assert_int_equal(p->n->n_drv->d_txqs[0].t_stats.packets, 1);
	p->n->n_drv->d_txqs[6 % 4].t_running = true;
	m_snd_tag_rele(mst);
}

static int
setup_without(void **state)
{
	bench("tls=0");
	return (0);
}

static void
test_firmware_without_tls_lists_the_capability_and_refuses(void **state)
{
	struct m_snd_tag *mst;

	assert_true(p->n->n_if.if_capabilities & IFCAP_TXTLS4);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), EOPNOTSUPP);
	assert_null(sysctl_find(b.v, "dev.mce.0.tls.tls_max_tag"));
	assert_int_equal(try_type(IF_SND_TAG_TYPE_UNLIMITED, &mst), 0);
	m_snd_tag_rele(mst);
}

/* --- limits --- */

static int
setup_small(void **state)
{
	bench("log_max_dek=2 log_max_tis=8"); /* 4 keys: 2 tags */
	return (0);
}

static void
test_half_of_the_keys_are_tags(void **state)
{
	struct m_snd_tag *mst[2], *third;

	assert_int_equal(counter("dev.mce.0.tls.tls_max_tag"), 2);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst[0]), 0);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst[1]), 0);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &third), ENOMEM);
	m_snd_tag_rele(mst[0]);
	/* Its place is free when the worker has been there. */
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &third), ENOMEM);
	nb_run(&b);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &third), 0);
	m_snd_tag_rele(mst[1]);
	m_snd_tag_rele(third);
}

static void
test_the_limit_can_be_lowered_at_run_time(void **state)
{
	struct m_snd_tag *mst, *other;
	const char *name = "dev.mce.0.tls.tls_max_tag";

	assert_int_equal(sysctl_write(b.v, name, 0), EINVAL);
	assert_int_equal(sysctl_write(b.v, name, 3), EINVAL);
	assert_int_equal(sysctl_write(b.v, name, 1), 0);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &other), ENOMEM);
	m_snd_tag_rele(mst);
}

static int
setup_prealloc(void **state)
{
	bench("log_max_dek=4 log_max_tis=3 tls_prealloc_tags=1");
	return (0);
}

static void
test_preallocated_tags_have_their_tis_from_boot(void **state)
{
	simtime_t t0 = now();
	struct m_snd_tag *mst;

	assert_int_equal(counter("dev.mce.0.tls.tls_max_tag"), 4);
	assert_int_equal(hw()->h_tis_table.t_used, 4);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	assert_int_equal(now() - t0, CMD);
	m_snd_tag_rele(mst);
}

static int
setup_old_tis(void **state)
{
	bench("driver=0 log_max_dek=6 log_max_tis=1 tls_max_tags=1");
	return (0);
}

/* It looks at keys alone, and knows no tunable. */
static void
test_the_old_driver_does_not_count_tis(void **state)
{
	assert_int_equal(counter("dev.mce.0.tls.tls_max_tag"), 32);
}

/* --- the firmware fails --- */

static void
test_new_driver_answers_the_firmwares_errno(void **state)
{
	assert_int_equal(nic_order(p->n, NIC_ORDER_CMD_FAIL, 1), 0);
	refuse(EIO); /* the TIS */
	assert_int_equal(counter("dev.mce.0.tls.stats.tx_error"), 1);
	assert_int_equal(nic_order(p->n, NIC_ORDER_KEYS, 0), 0);
	refuse(ENOMEM); /* the DEK */
	assert_int_equal(counter("dev.mce.0.tls.stats.tx_error"), 2);
	assert_int_equal(nic_order(p->n, NIC_ORDER_CONTEXTS, 0), 0);
	/* There is one in the zone. */
	assert_int_equal(hw()->h_tis_table.t_used, 1);
	refuse(ENOMEM);
}

/* M10: alloc succeeds, and every packet of the session is dropped. */
static void
test_mlx5_M10_old_driver_takes_a_session_it_cannot_carry(void **state)
{
	struct m_snd_tag *mst;

	assert_int_equal(nic_order(p->n, NIC_ORDER_CMD_FAIL, 1), 0);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	assert_int_equal(tag(mst)->ct_state, CX_TAG_INIT);
	assert_int_equal(counter("dev.mce.0.tls.stats.tx_error"), 1);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(nb_stream_send(&st, p, mst, 0, 100, 0),
		    ENOBUFS);
		assert_int_equal(counter("dev.mce.0.txstat2tc0.dropped"), i);
	}
	assert_int_equal(counter("dev.mce.0.tls.stats.tx_error"), 1);
	assert_int_equal(counter("dev.mce.0.tls.stats.tx_packets"), 0);
	m_snd_tag_rele(mst);
}

static void
test_slow_firmware_makes_set_up_slow(void **state)
{
	simtime_t t0 = now();
	struct m_snd_tag *mst;

	assert_int_equal(nic_order(p->n, NIC_ORDER_CMD_TIME, SIM_MS), 0);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	assert_int_equal(now() - t0, 2 * SIM_MS);
	m_snd_tag_rele(mst);
}

/* --- the card loses everything --- */

static void
test_after_a_reset_living_tags_are_set_up_anew(void **state)
{
	struct m_snd_tag *mst;

	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	(void)nb_stream_go(&st, p, mst, 0, 5000, 1448);
	assert_int_equal(nb_stream_send(&st, p, mst, 5000, 6000, 0), 0);
	assert_int_equal(nic_order(p->n, NIC_ORDER_RESET, 0), 0);
	assert_int_equal(p->n->n_stats.resets, 1);
	assert_int_equal(nic_tx_pending(p->n), 0); /* lost */
	assert_int_equal(tag(mst)->ct_state, CX_TAG_INIT);
	assert_int_equal(nb_stream_send(&st, p, mst, 5000, 6000, 0), ENOBUFS);
	nb_run(&b);
	assert_int_equal(p->count, 0);
	assert_int_equal(tag(mst)->ct_state, CX_TAG_SETUP);
	/* In the middle of a record, as after failover. */
	(void)nb_wqes(p);
	(void)nb_stream_go(&st, p, mst, 5000, 6000, 0);
	assert_non_null(strstr(nb_wqes(p), "UMR SET_PSV DUMP"));
	m_snd_tag_rele(mst);
}

/* The new driver has no black holes: the stack takes another tag. The old one
 * drops the session's packets for good. */
static void
set_up_anew_fails(int error)
{
	struct m_snd_tag *mst, *other;

	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	(void)nb_stream_go(&st, p, mst, 0, 5000, 1448);
	assert_int_equal(nic_order(p->n, NIC_ORDER_CMD_FAIL, 1), 0);
	assert_int_equal(nic_order(p->n, NIC_ORDER_RESET, 0), 0);
	assert_int_equal(nb_stream_send(&st, p, mst, 5000, 6000, 0), ENOBUFS);
	nb_run(&b);
	assert_int_equal(tag(mst)->ct_state, CX_TAG_INIT);
	assert_int_equal(nb_stream_send(&st, p, mst, 5000, 6000, 0), error);
	m_snd_tag_rele(mst);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &other), 0);
	(void)nb_stream_go(&st, p, other, 5000, 6000, 0);
	m_snd_tag_rele(other);
}

static void
test_after_a_reset_the_set_up_fails(void **state)
{
	set_up_anew_fails(EAGAIN);
}

static void
test_after_a_reset_the_set_up_fails_old(void **state)
{
	set_up_anew_fails(ENOBUFS);
}

/* Its last reference is a work request's that the card never came to. */
static void
test_a_tag_in_the_ring_at_detach(void **state)
{
	struct nic_params np;
	struct m_snd_tag *mst;

	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	assert_int_equal(nb_stream_send(&st, p, mst, 0, 1000, 0), 0);
	m_snd_tag_rele(mst);
	np = p->n->n_params;
	nic_detach(p->n);
	assert_int_equal(nic_attach(b.v, &np, &p->n), 0);
}

static void
test_a_tag_let_go_during_a_reset_goes_home(void **state)
{
	struct m_snd_tag *mst;

	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &mst), 0);
	assert_int_equal(nic_order(p->n, NIC_ORDER_RESET, 0), 0);
	m_snd_tag_rele(mst);
	nb_run(&b);
	assert_int_equal(cx_softc(p->n)->cs_ntags, 0);
	assert_int_equal(hw()->h_dek_table.t_used, 0);
}

static void
test_a_reset_while_a_tag_is_being_made_refuses_it(void **state)
{
	struct waiter w = { .iw.iw_done = waiter_done };
	struct if_snd_tag_alloc_params par = ask(IF_SND_TAG_TYPE_TLS);
	struct m_snd_tag *none;

	par.wait = &w.iw;
	assert_int_equal(m_snd_tag_alloc(&p->n->n_if, &par, &none),
	    EINPROGRESS);
	(void)engine_run(b.eng, now() + CMD + CMD / 2); /* has a TIS */
	assert_int_equal(nic_order(p->n, NIC_ORDER_RESET, 0), 0);
	assert_int_equal(w.error, ECANCELED); /* its command is lost */
	nb_run(&b);
	assert_int_equal(cx_softc(p->n)->cs_ntags, 0);
	assert_int_equal(hw()->h_tis_table.t_used, 0);
}

/* --- rate limits --- */

static void
test_a_rate_limited_tag_has_a_queue_of_its_own(void **state)
{
	struct m_snd_tag *mst, *inner;
	uint64_t rate = 0;
	simtime_t t0;

	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, &mst), 0);
	inner = mst->sw->next_snd_tag(mst);
	assert_int_equal(inner->sw->type, IF_SND_TAG_TYPE_RATE_LIMIT);
	assert_int_equal(mst->sw->snd_tag_query(mst, &rate), 0);
	assert_int_equal(rate, 125000000);
	rate = 1250000; /* 10 Mbit/s */
	assert_int_equal(mst->sw->snd_tag_modify(mst, &rate), 0);
	(void)nb_stream_go(&st, p, mst, 0, 1000, 0);
	t0 = now();
	(void)nb_stream_go(&st, p, mst, 1000, 2000, 0);
	(void)nb_stream_go(&st, p, mst, 2000, 3000, 0);
	/* Each frame waits for the one before: 1000 bytes and 54 of headers at
	 * 10 Mbit/s. */
	assert_int_equal(now() - t0, 2 * 843200 * SIM_NS);
	assert_int_equal(counter("dev.mce.0.rlstat0tc0.packets"), 3);
	m_snd_tag_rele(mst);
}

/* What a slow rate still owes is waited for at the new one. */
static void
test_a_new_rate_holds_for_what_waits(void **state)
{
	uint64_t slow = 125000, fast = 12500000; /* 1 and 100 Mbit/s */
	struct m_snd_tag *mst;
	simtime_t t0;

	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS_RATE_LIMIT, &mst), 0);
	assert_int_equal(mst->sw->snd_tag_modify(mst, &slow), 0);
	(void)nb_stream_go(&st, p, mst, 0, 1000, 0); /* owes 8.5 ms */
	t0 = now();
	assert_int_equal(mst->sw->snd_tag_modify(mst, &fast), 0);
	(void)nb_stream_go(&st, p, mst, 1000, 2000, 0);
	assert_in_range(now() - t0, 85 * SIM_US - 5 * SIM_US, 95 * SIM_US);
	m_snd_tag_rele(mst);
}

/* The nearest rate, if it is within 5 %; the driver refuses none. */
static void
test_the_nearest_rate_or_none(void **state)
{
	static const struct {
		uint64_t want, get;
	} rows[] = { { 125000, 125000 }, { 131579, 125000 }, { 131580, 0 },
		{ 119047, 125000 }, { 119046, 0 }, { 1000, 0 },
		{ 3125000000, 3125000000 }, { 3281250000, 3125000000 },
		{ 3281250001, 0 } };
	struct if_snd_tag_alloc_params par = ask(IF_SND_TAG_TYPE_RATE_LIMIT);
	struct m_snd_tag *mst;
	unsigned failures = 0;
	uint64_t rate;

	for (unsigned i = 0; i < nitems(rows); i++) {
		par.max_rate = rows[i].want;
		assert_int_equal(nb_tag_try(p, &par, &mst), 0);
		assert_int_equal(mst->sw->snd_tag_query(mst, &rate), 0);
		assert_int_equal(rate, rows[i].get);
		failures += rows[i].get == 0;
		m_snd_tag_rele(mst);
	}
	assert_int_equal(
	    counter("dev.mce.0.rate_limit.stats.tx_modify_rate_failure"),
	    failures);
}

static void
test_each_tag_has_a_queue_while_there_are_some(void **state)
{
	struct if_snd_tag_alloc_params par = ask(IF_SND_TAG_TYPE_RATE_LIMIT);
	struct m_snd_tag *mst[CX_RL_QUEUES + 1];
	uint64_t rate = 62500000, other = 0;

	for (unsigned i = 0; i < CX_RL_QUEUES; i++)
		assert_int_equal(nb_tag_try(p, &par, &mst[i]), 0);
	assert_int_equal(nb_tag_try(p, &par, &mst[CX_RL_QUEUES]), ENOMEM);
	assert_int_equal(counter("dev.mce.0.rate_limit.stats."
				 "tx_available_resource_failure"),
	    1);
	/* Of its own: the others keep their rate. */
	assert_int_equal(mst[8]->sw->snd_tag_modify(mst[8], &rate), 0);
	assert_int_equal(mst[7]->sw->snd_tag_query(mst[7], &other), 0);
	assert_int_equal(other, 125000000);
	m_snd_tag_rele(mst[8]);
	assert_int_equal(nb_tag_try(p, &par, &mst[8]), 0);
	for (unsigned i = 0; i < CX_RL_QUEUES; i++)
		m_snd_tag_rele(mst[i]);
	assert_int_equal(
	    counter("dev.mce.0.rate_limit.stats.tx_active_connections"), 0);
}

static void
test_a_channel_has_no_rate(void **state)
{
	struct if_snd_tag_alloc_params par = ask(IF_SND_TAG_TYPE_UNLIMITED);
	struct m_snd_tag *mst;
	uint64_t rate = 125000000;

	assert_int_equal(nb_tag_try(p, &par, &mst), 0);
	assert_int_equal(mst->sw->snd_tag_modify(mst, &rate), EOPNOTSUPP);
	assert_int_equal(mst->sw->snd_tag_query(mst, &rate), EOPNOTSUPP);
	m_snd_tag_rele(mst);
}

/* --- the key cache --- */

static int
setup_cache(void **state)
{
	bench("key_cache=1 key_miss=1000000");
	return (0);
}

static void
test_keys_that_are_not_at_hand_cost_time(void **state)
{
	struct m_snd_tag *a, *c;
	simtime_t t0;

	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &a), 0);
	assert_int_equal(try_type(IF_SND_TAG_TYPE_TLS, &c), 0);
	t0 = now();
	(void)nb_stream_go(&st, p, a, 0, 100, 0);
	assert_in_range(now() - t0, SIM_MS, SIM_MS + 10 * SIM_US);
	t0 = now();
	(void)nb_stream_go(&st, p, a, 100, 200, 0);
	assert_in_range(now() - t0, 0, 10 * SIM_US);
	(void)nb_stream_go(&st, p, c, 0, 100, 0); /* pushes the other out */
	t0 = now();
	(void)nb_stream_go(&st, p, a, 200, 300, 0);
	assert_in_range(now() - t0, SIM_MS, SIM_MS + 10 * SIM_US);
	assert_int_equal(hw()->h_key_misses, 3);
	m_snd_tag_rele(a);
	m_snd_tag_rele(c);
}

#define NEW(t)	cmocka_unit_test_setup_teardown(t, setup_new, teardown)
#define OLD(t)	cmocka_unit_test_setup_teardown(t, setup_old, teardown)
#define T(t, s) cmocka_unit_test_setup_teardown(t, s, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NEW(test_a_tag_goes_from_setup_to_txrdy_and_back_into_the_zone),
		NEW(test_commands_are_carried_out_one_after_the_other),
		NEW(test_versions_and_ciphers_that_the_card_does_not_know),
		NEW(test_keys_and_ivs_of_another_length),
		NEW(test_no_flow_hash_means_no_channel),
		NEW(test_a_queue_that_does_not_run),
		T(test_firmware_without_tls_lists_the_capability_and_refuses,
		    setup_without),
		T(test_half_of_the_keys_are_tags, setup_small),
		T(test_the_limit_can_be_lowered_at_run_time, setup_small),
		T(test_preallocated_tags_have_their_tis_from_boot,
		    setup_prealloc),
		T(test_the_old_driver_does_not_count_tis, setup_old_tis),
		NEW(test_new_driver_answers_the_firmwares_errno),
		OLD(test_mlx5_M10_old_driver_takes_a_session_it_cannot_carry),
		NEW(test_slow_firmware_makes_set_up_slow),
		NEW(test_after_a_reset_living_tags_are_set_up_anew),
		NEW(test_after_a_reset_the_set_up_fails),
		OLD(test_after_a_reset_the_set_up_fails_old),
		NEW(test_a_tag_in_the_ring_at_detach),
		NEW(test_a_tag_let_go_during_a_reset_goes_home),
		NEW(test_a_reset_while_a_tag_is_being_made_refuses_it),
		NEW(test_a_rate_limited_tag_has_a_queue_of_its_own),
		NEW(test_a_new_rate_holds_for_what_waits),
		NEW(test_the_nearest_rate_or_none),
		NEW(test_each_tag_has_a_queue_while_there_are_some),
		NEW(test_a_channel_has_no_rate),
		T(test_keys_that_are_not_at_hand_cost_time, setup_cache),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
