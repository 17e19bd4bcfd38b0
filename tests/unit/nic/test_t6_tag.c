/* The T6's send tags: nic-models.md 5.3, 5.4, each refusal in its order; TOE;
 * orders of a scenario; a reset. */
#include "t6bench.h"

#include <errno.h>
#include <string.h>

#include <ktsim/kern/sysctl.h>

#define REC 16413

static struct t6b tb;

static int
setup(void **state)
{
	tb_init(&tb, "aes128-gcm-1.2", "");
	tb_records(&tb, 2, 16384);
	return (0);
}

static int
teardown(void **state)
{
	tb_fini(&tb);
	return (0);
}

static void
again(const char *knobs)
{
	tb_fini(&tb);
	tb_init(&tb, "aes128-gcm-1.2", knobs);
	tb_records(&tb, 2, 16384);
}

static void
refused(int error)
{
	struct nic *n = tb.b.port[0].n;
	uint64_t before = n->n_stats.tls_tags_refused;
	struct m_snd_tag *mst;

	assert_int_equal(tb_tag(&tb, 0, &mst), error);
	assert_null(mst);
	nb_run(&tb.b);
	assert_int_equal(n->n_stats.tls_tags_refused, before + 1);
	assert_int_equal(n->n_if.if_tags, 0);
	assert_int_equal(n->n_stats.tls_tags_taken, 0);
}

static void
test_only_plain_tls_tags_are_made(void **state)
{
	static const enum if_snd_tag_type types[] = {
		IF_SND_TAG_TYPE_RATE_LIMIT, IF_SND_TAG_TYPE_UNLIMITED,
		IF_SND_TAG_TYPE_TLS_RATE_LIMIT, IF_SND_TAG_TYPE_TLS_RX
	};
	struct if_snd_tag_alloc_params par = { .tls = &tb.t.tls };
	struct m_snd_tag *mst;

	for (unsigned i = 0; i < nitems(types); i++) {
		par.type = types[i];
		assert_int_equal(m_snd_tag_alloc(&tb.b.port[0].n->n_if, &par,
				     &mst),
		    EOPNOTSUPP);
		assert_null(mst);
	}
	tb_open(&tb);
	assert_int_equal(tb.tag->sw->snd_tag_modify(tb.tag, NULL), EOPNOTSUPP);
	assert_int_equal(tb.tag->sw->snd_tag_query(tb.tag, NULL), EOPNOTSUPP);
	assert_null(tb.tag->sw->next_snd_tag(tb.tag));
}

static int
ask_for(struct nb_tls *t, struct m_snd_tag **mst)
{
	struct if_snd_tag_alloc_params par = { .type = IF_SND_TAG_TYPE_TLS,
		.tls = &t->tls,
		.conn = t->conn };

	return (nb_tag_try(&tb.b.port[0], &par, mst));
}

/* The suites that it knows, and no other. */
static void
test_versions_and_ciphers_are_the_sheets(void **state)
{
	struct tls_session_params *tp = &tb.t.tls.params;
	const struct tls_suite *was = tp->suite, *s;
	struct m_snd_tag *mst;
	struct nb_tls t;
	bool known;
	int error;

	for (unsigned i = 0; i < tls_nsuites; i++) {
		s = &tls_suites[i];
		known = (s->vminor == TLS_MINOR_VER_ONE ||
			    s->vminor == TLS_MINOR_VER_TWO) &&
		    s->cipher != TLS_CIPHER_CHACHA20;
		nb_tls_init(&tb.b, &t, s);
		error = ask_for(&t, &mst);
		assert_int_equal(error, known ? 0 : EPROTONOSUPPORT);
		if (mst != NULL)
			m_snd_tag_rele(mst);
		nb_run(&tb.b);
	}
	assert_int_equal(tb_ctr(&tb, "kern_tls_gcm"), 2);
	assert_int_equal(tb_ctr(&tb, "kern_tls_cbc"), 8);
	tp->suite = was;
}

static void
test_wrong_lengths_of_keys_and_ivs_are_EINVAL(void **state)
{
	struct tls_session_params *tp = &tb.t.tls.params;
	struct tls_suite odd = *tp->suite;

	tp->iv_len = 12;
	refused(EINVAL);
	tp->iv_len = 4;
	tp->cipher_key_len = 17;
	refused(EINVAL);
	tp->cipher_key_len = 16;
	tp->auth_key_len = 65;
	odd = *tls_suite_byname("aes128-cbc-sha1-1.2");
	tp->suite = &odd;
	refused(EINVAL); /* longer than the hash's block */
	odd.auth_algorithm = 5;
	refused(EPROTONOSUPPORT);
	odd.auth_algorithm = CRYPTO_SHA1_HMAC;
	tp->auth_key_len = 20;
	tp->cipher_key_len = 15;
	refused(EINVAL);
	tp->suite = tls_suite_byname("aes128-gcm-1.2");
	tp->cipher_key_len = 16;
}

/* The n-th allocation from here that may fail does. */
static void
fail_next(unsigned n)
{
	struct kmem *km = &tb.b.v->v_kmem;

	km->km_fail_at = km->km_nowait + n;
}

static void
test_each_refusal_has_its_errno_and_its_place(void **state)
{
	struct if_snd_tag_conn *conn = &tb.t.conn;

	/* All at once; then one cause after the other is taken away. */
	conn->dropped = conn->timestamps = conn->ipv6 = true;
	conn->ts_offset = 0x10000001;
	tb.t.tls.params.iv_len = 12;
	fail_next(1);
	refused(ENOMEM); /* 1: the session */
	refused(EINVAL); /* 2: the cipher */
	tb.t.tls.params.iv_len = 4;
	again("atids=1");
	conn->dropped = conn->timestamps = conn->ipv6 = true;
	conn->ts_offset = 0x10000001;
	refused(ECONNRESET); /* 5 */
	conn->dropped = false;
	refused(EINVAL); /* 6 */
	conn->ts_offset = 0x10000000;
	refused(ENOENT); /* 7: no such local address */
	conn->ipv6 = false;
	fail_next(2);
	refused(ENOMEM); /* 8: the control queue's work request */
	fail_next(3);
	refused(ENOMEM); /* 12: of the control block */
	fail_next(5);
	refused(ENOMEM); /* 13: of the key */
	/* Nothing was kept: the only atid is free. */
	tb_open(&tb);
}

static void
test_timestamp_offsets_need_low_bits_of_zero_only_if_timestamps_are_used(
    void **state)
{
	tb.t.conn.ts_offset = 1;
	tb_open(&tb);
	m_snd_tag_rele(tb.tag);
	tb.tag = NULL;
	for (uint32_t i = 0; i < 28; i++) {
		tb.t.conn.timestamps = true;
		tb.t.conn.ts_offset = 1u << i;
		assert_int_equal(tb_tag(&tb, 0, &tb.tag), EINVAL);
	}
	for (uint32_t i = 0; i < 16; i++) {
		tb.t.conn.ts_offset = i << 28;
		assert_int_equal(tb_tag(&tb, 0, &tb.tag), 0);
		m_snd_tag_rele(tb.tag);
		nb_run(&tb.b);
	}
	tb.tag = NULL;
}

/* Who asks and does not run the engine. */
struct asker {
	struct if_snd_tag_wait wait;
	int error;
	struct m_snd_tag *mst;
	simtime_t when;
};

static void
asker_done(struct if_snd_tag_wait *iw, int error, struct m_snd_tag *mst)
{
	struct asker *a = (struct asker *)(void *)iw;

	a->error = error;
	a->mst = mst;
	a->when = timebase_now(tb.b.v->v_tb);
}

static int
ask(struct asker *a)
{
	struct if_snd_tag_alloc_params par = { .type = IF_SND_TAG_TYPE_TLS,
		.tls = &tb.t.tls,
		.conn = tb.t.conn,
		.wait = &a->wait };

	*a = (struct asker) { .wait = { asker_done }, .error = -1 };
	return (m_snd_tag_alloc(&tb.b.port[0].n->n_if, &par, &a->mst));
}

static void
test_the_answer_comes_when_the_firmware_has_opened(void **state)
{
	struct asker a, c;

	tb.b.port[0].log = true;
	assert_int_equal(ask(&a), EINPROGRESS);
	assert_int_equal(ask(&c), EINPROGRESS);
	assert_null(a.mst);
	nb_run(&tb.b);
	assert_int_equal(a.error, 0);
	assert_int_equal(a.when, 15000 * SIM_NS);
	assert_int_equal(c.when, 2 * 15000 * SIM_NS);
	assert_int_equal(tb.b.port[0].n->n_stats.tls_tags, 2);
	/* The control block, then the key, on the session's queue. */
	assert_string_equal(tb_wrs(&tb),
	    "FW_ULPTX_WR SET_TCB tid 0: T_FLAGS=2, SND_NXT_RAW=0, "
	    "SND_UNA_RAW=0, SND_MAX_RAW=0\n"
	    "FW_ULPTX_WR MEM_WRITE 48 bytes at 0x0\n"
	    "FW_ULPTX_WR SET_TCB tid 1: T_FLAGS=2, SND_NXT_RAW=0, "
	    "SND_UNA_RAW=0, SND_MAX_RAW=0\n"
	    "FW_ULPTX_WR MEM_WRITE 48 bytes at 0x30\n");
	assert_int_equal(tb_ctr(&tb, "raw_wrs"), 4);
	assert_int_equal(tb_ctr(&tb, "kern_tls_gcm"), 2);
	m_snd_tag_rele(a.mst);
	m_snd_tag_rele(c.mst);
}

static void
test_with_timestamps_the_offset_is_written_too(void **state)
{
	tb.b.port[0].log = true;
	tb.t.conn.timestamps = true;
	tb.t.conn.ts_offset = 0xb0000000;
	assert_int_equal(tb_tag(&tb, 0, &tb.tag), 0);
	nb_run(&tb.b);
	assert_non_null(strstr(tb_wrs(&tb), "SND_MAX_RAW=0, TS_OFFSET=11\n"));
}

static void
test_atids_are_for_opens_under_way(void **state)
{
	struct asker a[3];

	again("atids=2");
	assert_int_equal(ask(&a[0]), EINPROGRESS);
	assert_int_equal(ask(&a[1]), EINPROGRESS);
	assert_int_equal(ask(&a[2]), ENOMEM);
	nb_run(&tb.b);
	assert_int_equal(ask(&a[2]), EINPROGRESS);
	nb_run(&tb.b);
	for (int i = 0; i < 3; i++)
		m_snd_tag_rele(a[i].mst);
}

static void
test_no_tid_is_ENOMEM_and_tids_come_back(void **state)
{
	struct m_snd_tag *mst;

	again("tids=1");
	tb_open(&tb);
	assert_int_equal(tb_tag(&tb, 0, &mst), ENOMEM);
	m_snd_tag_rele(tb.tag);
	tb_open(&tb);
	tb_sent(&tb, 0, 2 * REC, NULL);
}

static void
test_orders_limit_contexts_and_keys_and_make_opens_fail(void **state)
{
	struct nic *n = tb.b.port[0].n;
	struct asker a;

	assert_int_equal(nic_order(n, NIC_ORDER_CONTEXTS, 0), 0);
	refused(ENOMEM);
	assert_int_equal(nic_order(n, NIC_ORDER_CONTEXTS, 10), 0);
	assert_int_equal(nic_order(n, NIC_ORDER_CMD_FAIL, 1), 0);
	refused(ENOMEM);
	assert_int_equal(nic_order(n, NIC_ORDER_KEYS, 0), 0);
	tb.b.port[0].log = true;
	assert_int_equal(tb_tag(&tb, 0, &tb.tag), 0);
	nb_run(&tb.b);
	assert_null(strstr(tb_wrs(&tb), "MEM_WRITE")); /* inline */
	tb_sent(&tb, 0, REC, NULL);
	assert_int_equal(nic_order(n, NIC_ORDER_CMD_TIME, 7 * SIM_MS), 0);
	assert_int_equal(ask(&a), EINPROGRESS);
	nb_run(&tb.b);
	assert_true(a.when >= 7 * SIM_MS);
	m_snd_tag_rele(a.mst);
}

static void
test_a_full_software_ring_is_ENOBUFS(void **state)
{
	struct nic *n;
	struct nb_hdr h = { .seq = 1 };
	struct asker a;

	again("soft_ring=1");
	n = tb.b.port[0].n;
	assert_int_equal(ask(&a), EINPROGRESS);
	assert_int_equal(nic_order(n, NIC_ORDER_STALL, SIM_MS), 0);
	while (n->n_if.if_transmit(&n->n_if, nb_packet(&tb.b, &h, NULL)) == 0)
		;
	nb_run(&tb.b);
	assert_int_equal(a.error, ENOBUFS);
	assert_null(a.mst);
	assert_int_equal(n->n_if.if_tags, 0);
}

static void
test_a_detach_answers_who_waits(void **state)
{
	struct asker a;

	assert_int_equal(ask(&a), EINPROGRESS);
	tb_fini(&tb);
	assert_int_equal(a.error, ENXIO);
	(void)setup(NULL);
}

static void
test_a_tag_that_goes_at_once_leaves_nothing(void **state)
{
	assert_int_equal(tb_tag(&tb, 0, &tb.tag), 0);
	m_snd_tag_rele(tb.tag); /* its work requests are in the ring */
	tb.tag = NULL;
	nb_run(&tb.b);
	assert_int_equal(tb.b.port[0].n->n_stats.tls_tags, 0);
	assert_int_equal(tb.b.port[0].n->n_stats.cqe_err, 0);
	assert_int_equal(tb.b.port[0].n->n_stats.tls_tags_released, 1);
}

/* --- TOE, and switching on --- */

static void
test_TOE_excludes_nic_tls(void **state)
{
	struct ifnet *ifp;

	again("toe=1");
	ifp = &tb.b.port[0].n->n_if;
	assert_int_equal(ifp->if_capenable & IFCAP_TXTLS4, 0);
	assert_int_equal(if_setcap(ifp, ifp->if_capenable | IFCAP_TXTLS4),
	    EAGAIN);
	assert_int_equal(if_setcap(ifp, ifp->if_capenable & ~IFCAP_TSO4), 0);
	refused(EAGAIN);
}

static void
test_without_the_tunable_ifconfig_txtls_switches_it_on(void **state)
{
	struct ifnet *ifp;

	again("kern_tls=0");
	ifp = &tb.b.port[0].n->n_if;
	assert_int_equal(ifp->if_capenable & (IFCAP_TXTLS4 | IFCAP_TXTLS6), 0);
	assert_int_equal(if_setcap(ifp, ifp->if_capenable | IFCAP_TXTLS4), 0);
	tb_open(&tb);
}

/* --- reset --- */

static void
test_a_reset_kills_the_tids_and_a_new_tag_goes_on(void **state)
{
	struct nic *n = tb.b.port[0].n;
	struct m_snd_tag *dead;

	tb_open(&tb);
	tb_sent(&tb, 0, 9000, NULL);
	assert_int_equal(nic_order(n, NIC_ORDER_RESET, 0), 0);
	assert_int_equal(tb_send(&tb, 9000, REC, NULL), EAGAIN);
	assert_int_equal(tb.frames, 0);
	dead = tb.tag;
	tb_open(&tb);
	m_snd_tag_rele(dead); /* and leaves the new one's tid alone */
	tb_sent(&tb, 9000, 2 * REC, NULL);
	assert_int_equal(tb.hi, 2 * REC);
	assert_int_equal(n->n_stats.tls_tags, 1);
}

static void
test_an_open_under_way_is_lost_in_a_reset(void **state)
{
	struct asker a;

	assert_int_equal(ask(&a), EINPROGRESS);
	assert_int_equal(nic_order(tb.b.port[0].n, NIC_ORDER_RESET, 0), 0);
	assert_int_equal(a.error, ENOMEM);
	nb_run(&tb.b);
	tb_open(&tb);
	tb_sent(&tb, 0, 2 * REC, NULL);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_only_plain_tls_tags_are_made),
		T(test_versions_and_ciphers_are_the_sheets),
		T(test_wrong_lengths_of_keys_and_ivs_are_EINVAL),
		T(test_each_refusal_has_its_errno_and_its_place),
		T(test_timestamp_offsets_need_low_bits_of_zero_only_if_timestamps_are_used),
		T(test_the_answer_comes_when_the_firmware_has_opened),
		T(test_with_timestamps_the_offset_is_written_too),
		T(test_atids_are_for_opens_under_way),
		T(test_no_tid_is_ENOMEM_and_tids_come_back),
		T(test_orders_limit_contexts_and_keys_and_make_opens_fail),
		T(test_a_full_software_ring_is_ENOBUFS),
		T(test_a_detach_answers_who_waits),
		T(test_a_tag_that_goes_at_once_leaves_nothing),
		T(test_TOE_excludes_nic_tls),
		T(test_without_the_tunable_ifconfig_txtls_switches_it_on),
		T(test_a_reset_kills_the_tids_and_a_new_tag_goes_on),
		T(test_an_open_under_way_is_lost_in_a_reset),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
