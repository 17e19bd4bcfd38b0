/* A card that takes its time for a send tag: who writes waits, and what may
 * happen meanwhile. */
#include "../net/netwire.h"

#include <errno.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/kern/uio.h>
#include <ktsim/opencrypto/crypto_backend.h>

#define CARD (IFCAP_TXCSUM | IFCAP_TSO4 | IFCAP_MEXTPG | IFCAP_TXTLS4)
#define TIME (50 * SIM_US)

static struct tw *w;
static struct tw_pair p;

static int
setup(void **state)
{
	w = tw_new(1, CARD);
	memset(&p, 0, sizeof(p));
	sysctl_write(w->b.v, "kern.ipc.tls.enable", 1);
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 1);
	tw_connect(w, &p, KAF_INET);
	p.c.raw = true;
	w->b.port[0].tag_time = TIME;
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

static int
put(size_t len)
{
	static uint8_t bytes[100000];
	struct uio uio;
	struct kiovec iov = { bytes, len };

	uio_init(&uio, &iov, 1);
	return (sosend(p.s.so, &uio, NULL, 0));
}

static void
test_writers_wait_until_the_card_has_answered(void **state)
{
	int result;

	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_NONE);
	assert_true(ktls_tx_pending(p.s.so, &result));
	assert_false(sowriteable(p.s.so));
	assert_int_equal(put(10), EWOULDBLOCK);
	tw_run(w, TIME - SIM_US);
	assert_int_equal(put(10), EWOULDBLOCK);
	tw_run(w, TIME);
	assert_false(ktls_tx_pending(p.s.so, &result));
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	assert_true(sowriteable(p.s.so));
	assert_int_equal(put(10), 0);
	assert_int_equal(ktls_stats(w->b.v)->mode_cipher[TCP_TLS_MODE_IFNET][1],
	    1);
	tw_run(w, SIM_SEC);
	assert_int_equal(sbused(&p.s.so->so_snd), 0);
}

static void
test_a_refusal_at_enable_means_software(void **state)
{
	w->b.port[0].tag_error = ENOMEM;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tw_run(w, TIME);
	assert_int_equal(mode(), TCP_TLS_MODE_SW);
	assert_int_equal(put(10), 0);
	tw_run(w, SIM_SEC);
	assert_int_equal(sbused(&p.s.so->so_snd), 0);
	assert_int_equal(w->b.port[0].tags, 0);
}

static void
test_neither_card_nor_software_ends_the_connection(void **state)
{
	const struct crypto_backend *was = w->b.v->v_crypto;

	w->b.port[0].tag_error = ENOMEM;
	w->b.v->v_crypto = crypto_backend_find("none");
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tw_run(w, TIME);
	assert_int_equal(p.s.error, EOPNOTSUPP);
	w->b.v->v_crypto = was;
}

static void
test_a_connection_that_ends_meanwhile_takes_its_tag_along(void **state)
{
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tcp_drop(tw_tp(&p.s), ECONNRESET, "test");
	tw_run(w, TIME);
	tw_run(w, SIM_MS);
	tw_app_close(&p.s);
	tw_run(w, SIM_MS);
	assert_int_equal(w->b.port[0].tags, 0);
	assert_int_equal(ktls_stats(w->b.v)->active, 0);
}

static void
test_a_socket_closed_meanwhile_takes_its_tag_along(void **state)
{
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tw_app_close(&p.s);
	tw_run(w, TIME);
	tw_app_close(&p.c);
	tw_run(w, 200 * SIM_SEC);
	assert_int_equal(w->b.port[0].tags, 0);
	assert_int_equal(ktls_stats(w->b.v)->active, 0);
}

/* The new session comes later; records go on with the old one, and the
 * explicit nonce goes on where that one stops. */
static void
test_changing_to_the_card_while_records_are_written(void **state)
{
	struct ktls_session *old;
	uint8_t iv[16];
	int result;

	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 0);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(mode(), TCP_TLS_MODE_SW);
	old = p.s.so->so_snd.sb_tls_info;
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET),
	    EINPROGRESS);
	assert_true(ktls_tx_pending(p.s.so, &result));
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET),
	    EALREADY);
	assert_int_equal(put(40000), 0); /* three records */
	memcpy(iv, old->params.iv, sizeof(iv));
	tw_run(w, TIME);
	assert_false(ktls_tx_pending(p.s.so, &result));
	assert_int_equal(result, 0);
	assert_int_equal(mode(), TCP_TLS_MODE_IFNET);
	assert_memory_equal(p.s.so->so_snd.sb_tls_info->params.iv, iv, 16);
	assert_int_equal(ktls_stats(w->b.v)->switch_to_ifnet, 1);
	assert_int_equal(put(100), 0);
	tw_run(w, SIM_SEC);
	assert_int_equal(sbused(&p.s.so->so_snd), 0);
	assert_int_equal(ktls_stats(w->b.v)->active, 1);
}

static void
test_a_change_that_the_card_refuses_changes_nothing(void **state)
{
	struct ktls_session *old;
	int result;

	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 0);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	old = p.s.so->so_snd.sb_tls_info;
	w->b.port[0].tag_error = ENOMEM;
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET),
	    EINPROGRESS);
	tw_run(w, TIME);
	assert_false(ktls_tx_pending(p.s.so, &result));
	assert_int_equal(result, ENOMEM);
	assert_ptr_equal(p.s.so->so_snd.sb_tls_info, old);
	assert_int_equal(ktls_stats(w->b.v)->switch_failed, 1);
	assert_int_equal(ktls_stats(w->b.v)->active, 1);
}

static void
test_a_change_of_a_connection_that_ended_is_busy(void **state)
{
	sysctl_write(w->b.v, "kern.ipc.tls.ifnet.permitted", 0);
	assert_int_equal(tw_tls_tx(&p.s), 0);
	assert_int_equal(ktls_set_tx_mode(p.s.so, TCP_TLS_MODE_IFNET),
	    EINPROGRESS);
	tcp_drop(tw_tp(&p.s), ECONNRESET, "test");
	tw_run(w, TIME);
	assert_int_equal(ktls_stats(w->b.v)->switch_failed, 1);
	assert_int_equal(w->b.port[0].tags, 0);
}

/* Between the old tag and the new one the session has none. */
static void
test_a_reset_waits_for_the_card_without_a_tag(void **state)
{
	struct ktls_session *tls;

	w->b.port[0].tag_time = 0;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tls = p.s.so->so_snd.sb_tls_info;
	w->b.port[0].tag_time = TIME;
	assert_int_equal(ktls_output_eagain(tls->inp, tls), ENOBUFS);
	tw_run(w, 0);
	assert_null(tls->snd_tag);
	assert_true(tls->reset_pending);
	assert_int_equal(w->b.port[0].tags, 0);
	tw_run(w, TIME);
	assert_non_null(tls->snd_tag);
	assert_false(tls->reset_pending);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset, 1);
}

static void
test_a_reset_that_the_card_refuses_ends_the_connection(void **state)
{
	struct ktls_session *tls;

	w->b.port[0].tag_time = 0;
	assert_int_equal(tw_tls_tx(&p.s), 0);
	tls = p.s.so->so_snd.sb_tls_info;
	w->b.port[0].tag_time = TIME;
	w->b.port[0].tag_error = ENOMEM;
	assert_int_equal(ktls_output_eagain(tls->inp, tls), ENOBUFS);
	tw_run(w, TIME + SIM_US);
	assert_int_equal(p.s.error, ECONNABORTED);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset_failed, 1);
	assert_int_equal(ktls_stats(w->b.v)->ifnet_reset_dropped, 1);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_writers_wait_until_the_card_has_answered),
		T(test_a_refusal_at_enable_means_software),
		T(test_neither_card_nor_software_ends_the_connection),
		T(test_a_connection_that_ends_meanwhile_takes_its_tag_along),
		T(test_a_socket_closed_meanwhile_takes_its_tag_along),
		T(test_changing_to_the_card_while_records_are_written),
		T(test_a_change_that_the_card_refuses_changes_nothing),
		T(test_a_change_of_a_connection_that_ended_is_busy),
		T(test_a_reset_waits_for_the_card_without_a_tag),
		T(test_a_reset_that_the_card_refuses_ends_the_connection),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
