/* Enabling: tables 1.3 to 1.5 of freebsd-ktls.md, the first failure wins. */
#include "tlsbench.h"

#define NAEAD 6 /* the first of tls_suites */

static struct sockpair sp;
static struct socket *so;
static struct ktls_stats *st;

static int
setup(void **state)
{
	sockpair_init(&sp, NULL, NULL);
	so = sp.sp_so[0];
	st = ktls_stats(sp.sp_vnet);
	return (0);
}

static int
teardown(void **state)
{
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

static void
sysctl_set(const char *name, uint64_t v)
{
	assert_int_equal(sysctl_write(sp.sp_vnet, name, v), 0);
}

static void
test_all_suites_are_taken_in_both_directions(void **state)
{
	int mode;

	for (unsigned i = 0; i < tls_nsuites; i++) {
		struct tls_enable en = tb_enable(&tls_suites[i], 7);

		if (tls_suite_chained(&tls_suites[i]))
			continue; /* below */
		assert_int_equal(ktls_get_tx_mode(so, &mode), 0);
		assert_int_equal(mode, TCP_TLS_MODE_NONE);
		assert_int_equal(ktls_enable_tx(so, &en), 0);
		assert_int_equal(ktls_enable_rx(so, &en), 0);
		assert_int_equal(ktls_get_tx_mode(so, &mode), 0);
		assert_int_equal(mode, TCP_TLS_MODE_SW);
		assert_int_equal(ktls_get_rx_mode(so, &mode), 0);
		assert_int_equal(mode, TCP_TLS_MODE_SW);
		assert_int_equal(so->so_snd.sb_tls_seqno, 7);
		assert_int_equal(so->so_rcv.sb_tls_seqno, 7);
		assert_ptr_equal(so->so_snd.sb_tls_info->params.suite,
		    &tls_suites[i]);
		assert_int_equal(st->enable_calls, 2);
		assert_int_equal(st->offload_total, 2);
		assert_int_equal(st->active, 2);
		assert_int_equal(st->mode_cipher[TCP_TLS_MODE_SW]
						[tls_suites[i].cipher],
		    2);
		teardown(NULL);
		setup(NULL);
	}
}

static void
both(const struct tls_enable *en, int error)
{
	assert_int_equal(ktls_enable_tx(so, en), error);
	assert_int_equal(ktls_enable_rx(so, en), error);
	assert_null(so->so_snd.sb_tls_info);
	assert_null(so->so_rcv.sb_tls_info);
	assert_int_equal(st->active, 0);
	assert_int_equal(st->offload_total, 0);
}

static void
test_wrong_parameters_are_einval(void **state)
{
	static const struct tls_suite *s;

	for (unsigned i = 0; i < NAEAD; i++) {
		s = &tls_suites[i];
		struct tls_enable en;
#define BAD(assignment)               \
	do {                          \
		en = tb_enable(s, 0); \
		assignment;           \
		both(&en, EINVAL);    \
	} while (0)
		BAD(en.tls_vmajor = 2);
		BAD(en.tls_vmajor = 4);
		BAD(en.tls_vminor = 0);
		BAD(en.tls_vminor = 1);
		BAD(en.tls_vminor = 2);
		BAD(en.tls_vminor = 5);
		BAD(en.cipher_key_len = 0);
		BAD(en.cipher_key_len = -1);
		BAD(en.cipher_key_len = 24);
		BAD(en.cipher_key_len = 1025);
		BAD(en.iv_len = -1);
		BAD(en.iv_len = 17);
		BAD(en.iv_len = 8);
		BAD(en.iv_len = s->iv_len == 4 ? 12 : 4);
		BAD(en.auth_key_len = -1);
		BAD(en.auth_key_len = 1025);
		BAD(en.auth_key_len = 20);
		BAD(en.auth_algorithm = 7);
		BAD(en.flags = 1);
		BAD(en.cipher_algorithm = CRYPTO_AES_CBC);
		BAD(en.cipher_algorithm = 0);
		BAD(en.cipher_algorithm = 99);
#undef BAD
	}
	assert_int_equal(st->enable_calls, NAEAD * 22 * 2);
}

static void
bad_cbc(const struct tls_suite *s)
{
	struct tls_enable en;
#define BAD(assignment)               \
	do {                          \
		en = tb_enable(s, 0); \
		assignment;           \
		both(&en, EINVAL);    \
	} while (0)
	BAD(en.tls_vmajor = 2);
	BAD(en.tls_vminor = 0);
	BAD(en.tls_vminor = 4); /* TLS 1.3 has none */
	BAD(en.tls_vminor = 5);
	BAD(en.cipher_key_len = 0);
	BAD(en.cipher_key_len = 24);
	BAD(en.cipher_key_len = 1025);
	BAD(en.iv_len = -1);
	BAD(en.iv_len = 17);
	BAD(en.auth_key_len = -1);
	BAD(en.auth_key_len = 0);
	BAD(en.auth_key_len = 1025);
	BAD(en.auth_algorithm = 0);
	BAD(en.auth_algorithm = CRYPTO_AES_CBC);
	BAD(en.flags = 1);
	BAD(en.cipher_algorithm = CRYPTO_AES_NIST_GCM_16);
	BAD(en.cipher_algorithm = 99);
	if (s->vminor != TLS_MINOR_VER_TWO) {
		BAD(en.auth_algorithm = CRYPTO_SHA2_256_HMAC);
		BAD(en.auth_algorithm = CRYPTO_SHA2_384_HMAC);
	}
	if (s->vminor == TLS_MINOR_VER_ZERO) {
		BAD(en.iv_len = 0);
		BAD(en.iv_len = 12);
	}
#undef BAD
}

static void
test_wrong_parameters_of_cbc_are_einval(void **state)
{
	for (unsigned i = NAEAD; i < tls_nsuites; i++)
		bad_cbc(&tls_suites[i]);
}

/* The eleven combinations that ktls_test.c calls invalid. */
static void
test_the_invalid_combinations_of_freebsds_test_are_einval(void **state)
{
	static const struct {
		int algorithm, auth;
		uint8_t vminor, iv_len;
	} t[] = { { CRYPTO_AES_CBC, CRYPTO_SHA2_256_HMAC, 1, 16 },
		{ CRYPTO_AES_CBC, CRYPTO_SHA2_384_HMAC, 1, 16 },
		{ CRYPTO_AES_NIST_GCM_16, 0, 1, 4 },
		{ CRYPTO_CHACHA20_POLY1305, 0, 1, 12 },
		{ CRYPTO_AES_CBC, CRYPTO_SHA2_256_HMAC, 2, 0 },
		{ CRYPTO_AES_CBC, CRYPTO_SHA2_384_HMAC, 2, 0 },
		{ CRYPTO_AES_NIST_GCM_16, 0, 2, 4 },
		{ CRYPTO_CHACHA20_POLY1305, 0, 2, 12 },
		{ CRYPTO_AES_CBC, CRYPTO_SHA1_HMAC, 4, 0 },
		{ CRYPTO_AES_CBC, CRYPTO_SHA2_256_HMAC, 4, 0 },
		{ CRYPTO_AES_CBC, CRYPTO_SHA2_384_HMAC, 4, 0 } };
	struct tls_enable en;

	for (unsigned i = 0; i < nitems(t); i++) {
		en = (struct tls_enable) { .cipher_key = tb_key,
			.iv = tb_iv,
			.auth_key = tb_key,
			.cipher_algorithm = t[i].algorithm,
			.cipher_key_len = 32,
			.iv_len = t[i].iv_len,
			.auth_algorithm = t[i].auth,
			.auth_key_len = t[i].auth != 0 ? 20 : 0,
			.tls_vmajor = 3,
			.tls_vminor = t[i].vminor };
		both(&en, EINVAL);
	}
}

static void
test_tls10_is_sent_but_not_received(void **state)
{
	struct tls_enable en;

	for (unsigned i = NAEAD; i < tls_nsuites; i++) {
		if (!tls_suite_chained(&tls_suites[i]))
			continue;
		en = tb_enable(&tls_suites[i], 0);
		assert_int_equal(ktls_enable_rx(so, &en), EPROTONOSUPPORT);
		assert_null(so->so_rcv.sb_tls_info);
		assert_int_equal(st->active, 0);
		assert_int_equal(ktls_enable_tx(so, &en), 0);
		assert_int_equal(st->mode_cipher[TCP_TLS_MODE_SW]
						[TLS_CIPHER_CBC],
		    1);
		teardown(NULL);
		setup(NULL);
	}
}

/* What is ignored need not even be there; the MAC's key has any length. */
static void
test_cbc_with_explicit_ivs_ignores_any_iv(void **state)
{
	struct tls_enable en =
	    tb_enable(tls_suite_byname("aes128-cbc-sha1-1.1"), 0);

	en.iv = NULL;
	en.iv_len = 16;
	en.auth_key_len = 1;
	assert_int_equal(ktls_enable_tx(so, &en), 0);
	assert_int_equal(so->so_snd.sb_tls_info->params.iv_len, 0);
}

static void
test_cbc_has_a_switch_of_its_own(void **state)
{
	struct tls_enable en =
	    tb_enable(tls_suite_byname("aes256-cbc-sha384-1.2"), 0);
	struct tls_enable gcm = tb_enable(&tls_suites[0], 0);

	sysctl_set("kern.ipc.tls.cbc_enable", 0);
	sysctl_set("kern.ipc.mb_use_ext_pgs", 0);
	en.tls_vmajor = 9; /* judged later */
	both(&en, ENOTSUP);
	assert_int_equal(st->enable_calls, 2);
	assert_int_equal(ktls_enable_rx(so, &gcm), 0);
	assert_int_equal(ktls_enable_rx(so, &en), EALREADY);
}

static void
test_null_keys_are_efault_after_the_parameters(void **state)
{
	struct tls_enable en = tb_enable(&tls_suites[0], 0);

	en.cipher_key = NULL;
	both(&en, EFAULT);
	en.iv_len = 8;
	both(&en, EINVAL);
	en = tb_enable(&tls_suites[0], 0);
	en.iv = NULL;
	both(&en, EFAULT);
	en = tb_enable(tls_suite_byname("aes128-cbc-sha1-1.2"), 0);
	en.auth_key = NULL;
	both(&en, EFAULT);
	en.cipher_key_len = 24; /* only the software backend minds */
	both(&en, EFAULT);
}

static void
test_the_switches_come_before_everything(void **state)
{
	struct tls_enable en = tb_enable(&tls_suites[0], 0);

	en.tls_vmajor = 9;
	sysctl_set("kern.ipc.tls.enable", 0);
	both(&en, ENOTSUP);
	assert_int_equal(st->enable_calls, 0); /* not even counted */
	sysctl_set("kern.ipc.tls.enable", 1);
	sysctl_set("kern.ipc.tls.rx_enable", 0);
	assert_int_equal(ktls_enable_rx(so, &en), ENOTSUP);
	assert_int_equal(ktls_enable_tx(so, &en), EINVAL);
	sysctl_set("kern.ipc.mb_use_ext_pgs", 0);
	assert_int_equal(ktls_enable_tx(so, &en), ENXIO);
	en = tb_enable(&tls_suites[0], 0);
	assert_int_equal(ktls_enable_tx(so, &en), ENXIO);
	sysctl_set("kern.ipc.tls.rx_enable", 1);
	assert_int_equal(ktls_enable_rx(so, &en), 0); /* needs no pages */
}

static void
test_a_direction_is_enabled_once_for_life(void **state)
{
	struct tls_enable en = tb_enable(&tls_suites[0], 0);

	assert_int_equal(ktls_enable_tx(so, &en), 0);
	assert_int_equal(ktls_enable_rx(so, &en), 0);
	sysctl_set("kern.ipc.mb_use_ext_pgs", 0);
	en.tls_vmajor = 9;
	assert_int_equal(ktls_enable_tx(so, &en), EALREADY);
	assert_int_equal(ktls_enable_rx(so, &en), EALREADY);
	assert_int_equal(st->enable_calls, 4);
	assert_int_equal(st->offload_total, 2);
}

static void
test_listeners_and_sessions_exclude_each_other(void **state)
{
	struct tls_enable en = tb_enable(&tls_suites[0], 0);
	int mode;

	assert_int_equal(ktls_enable_tx(so, &en), 0);
	so->so_state = 0;
	assert_int_equal(solisten(so, 5), EINVAL);
	so->so_state = SS_ISCONNECTED;
	so = sp.sp_so[1];
	so->so_listening = true;
	assert_int_equal(ktls_enable_tx(so, &en), ENOTCONN);
	assert_int_equal(ktls_enable_rx(so, &en), ENOTCONN);
	en.flags = 1;
	assert_int_equal(ktls_enable_tx(so, &en), EINVAL);
	assert_int_equal(ktls_get_tx_mode(so, &mode), EINVAL);
	assert_int_equal(ktls_get_rx_mode(so, &mode), EINVAL);
	assert_int_equal(ktls_set_tx_mode(so, TCP_TLS_MODE_SW), EINVAL);
	so->so_listening = false;
	assert_int_equal(st->active, 1);
	assert_int_equal(st->mode_cipher[TCP_TLS_MODE_SW][TLS_CIPHER_GCM], 1);
}

static void
test_a_session_without_memory_is_enomem(void **state)
{
	struct tls_enable en = tb_enable(&tls_suites[0], 0);
	struct kmem *km = &sp.sp_vnet->v_kmem;

	km->km_fail_at = km->km_nowait + 1;
	assert_int_equal(ktls_enable_tx(so, &en), ENOMEM);
	km->km_fail_at = km->km_nowait + 1;
	assert_int_equal(ktls_enable_rx(so, &en), ENOMEM);
	assert_int_equal(st->active, 0);
}

static void
test_the_mode_option_follows_table_1_5(void **state)
{
	static const int bad[] = { TCP_TLS_MODE_NONE, TCP_TLS_MODE_TOE, 4, -1 };
	struct tls_enable en = tb_enable(&tls_suites[0], 0);
	struct ktls_session *tls;

	for (unsigned i = 0; i < nitems(bad); i++)
		assert_int_equal(ktls_set_tx_mode(so, bad[i]), EINVAL);
	assert_int_equal(ktls_set_tx_mode(so, TCP_TLS_MODE_SW), 0);
	assert_int_equal(ktls_set_tx_mode(so, TCP_TLS_MODE_IFNET), 0);
	assert_int_equal(ktls_enable_tx(so, &en), 0);
	tls = so->so_snd.sb_tls_info;
	assert_int_equal(ktls_set_tx_mode(so, TCP_TLS_MODE_SW), 0);
	assert_int_equal(st->switch_failed, 0);
	/* No route here: the tag is refused, the session stays. */
	assert_int_equal(ktls_set_tx_mode(so, TCP_TLS_MODE_IFNET), ENXIO);
	assert_ptr_equal(so->so_snd.sb_tls_info, tls);
	assert_int_equal(st->switch_failed, 1);
	assert_int_equal(st->switch_to_ifnet + st->switch_to_sw, 0);
	assert_int_equal(st->active, 1);
	for (unsigned i = 0; i < nitems(bad); i++)
		assert_int_equal(ktls_set_tx_mode(so, bad[i]), EINVAL);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_all_suites_are_taken_in_both_directions),
		T(test_wrong_parameters_are_einval),
		T(test_wrong_parameters_of_cbc_are_einval),
		T(test_the_invalid_combinations_of_freebsds_test_are_einval),
		T(test_tls10_is_sent_but_not_received),
		T(test_cbc_with_explicit_ivs_ignores_any_iv),
		T(test_cbc_has_a_switch_of_its_own),
		T(test_null_keys_are_efault_after_the_parameters),
		T(test_the_switches_come_before_everything),
		T(test_a_direction_is_enabled_once_for_life),
		T(test_listeners_and_sessions_exclude_each_other),
		T(test_a_session_without_memory_is_enomem),
		T(test_the_mode_option_follows_table_1_5),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
