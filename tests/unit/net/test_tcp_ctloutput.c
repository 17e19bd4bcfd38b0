/* TCP's socket options: which there are, and which errno for the others. */
#include "netwire.h"

#include <errno.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/ip.h>

#include "tcp_ctloutput.h"

static struct tw *w;
static struct tw_pair p;

static int
setup(void **state)
{
	memset(&p, 0, sizeof(p));
	w = tw_new(1, 0);
	tw_connect(w, &p, KAF_INET);
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
option(bool set, int name, void *val, size_t size)
{
	struct sockopt so = { .sopt_set = set,
		.sopt_level = KIPPROTO_TCP,
		.sopt_name = name,
		.sopt_val = val,
		.sopt_valsize = size };

	return (tcp_ctloutput(p.c.so, &so));
}

static void
test_options_of_one_direction_only_are_enoprotoopt(void **state)
{
	struct tls_enable en = { 0 };
	int val = 1;

	assert_int_equal(option(false, TCP_TXTLS_ENABLE, &en, sizeof(en)),
	    ENOPROTOOPT);
	assert_int_equal(option(false, TCP_RXTLS_ENABLE, &en, sizeof(en)),
	    ENOPROTOOPT);
	assert_int_equal(option(true, TCP_RXTLS_MODE, &val, sizeof(val)),
	    ENOPROTOOPT);
	assert_int_equal(option(true, 12345, &val, sizeof(val)), ENOPROTOOPT);
	assert_int_equal(option(false, 12345, &val, sizeof(val)), ENOPROTOOPT);
}

static void
test_short_values_are_einval(void **state)
{
	struct tls_enable en = { 0 };
	int val = 1;

	assert_int_equal(option(true, KTCP_NODELAY, &val, 3), EINVAL);
	assert_int_equal(option(true, TCP_TXTLS_MODE, &val, 0), EINVAL);
	assert_int_equal(option(true, TCP_TXTLS_ENABLE, &en, sizeof(en) - 1),
	    EINVAL);
	assert_int_equal(option(true, TCP_RXTLS_ENABLE, &en, sizeof(en) - 1),
	    EINVAL);
	assert_true((tw_tp(&p.c)->t_flags & TF_NODELAY) == 0);
}

/* sys/ktls.h once had no rec_seq; transmit still takes that, receive never. */
static void
test_enable_takes_the_old_size_and_longer_ones(void **state)
{
	static const uint8_t key[16], iv[4];
	struct {
		struct tls_enable en;
		char surplus[8];
	} v = { .en = { .cipher_key = key,
		    .iv = iv,
		    .cipher_algorithm = CRYPTO_AES_NIST_GCM_16,
		    .cipher_key_len = 16,
		    .iv_len = 4,
		    .tls_vmajor = TLS_MAJOR_VER_ONE,
		    .tls_vminor = TLS_MINOR_VER_TWO,
		    .rec_seq = { [7] = 9 } } };
	struct socket *so = p.c.so;

	assert_int_equal(sysctl_write(so->so_vnet, "kern.ipc.tls.enable", 1),
	    0);
	for (size_t size = 0; size < sizeof(v.en); size++)
		if (size != 56)
			assert_int_equal(option(true, TCP_TXTLS_ENABLE, &v,
					     size),
			    EINVAL);
	assert_int_equal(option(true, TCP_RXTLS_ENABLE, &v, 56), EINVAL);
	assert_int_equal(option(true, TCP_TXTLS_ENABLE, &v, 56), 0);
	assert_int_equal(so->so_snd.sb_tls_seqno, 0);
	assert_int_equal(option(true, TCP_RXTLS_ENABLE, &v, sizeof(v)), 0);
	assert_int_equal(so->so_rcv.sb_tls_seqno, 9);
}

static void
test_a_kernel_without_kern_tls_knows_none_of_the_options(void **state)
{
	struct tls_enable en = { 0 };
	int val = TCP_TLS_MODE_SW;

	w->a.v->v_kern_tls = false;
	assert_int_equal(option(true, TCP_TXTLS_ENABLE, &en, sizeof(en)),
	    ENOPROTOOPT);
	assert_int_equal(option(true, TCP_RXTLS_ENABLE, &en, sizeof(en)),
	    ENOPROTOOPT);
	assert_int_equal(option(true, TCP_TXTLS_MODE, &val, sizeof(val)),
	    ENOPROTOOPT);
	assert_int_equal(option(false, TCP_TXTLS_MODE, &val, sizeof(val)),
	    ENOPROTOOPT);
	assert_int_equal(option(false, TCP_RXTLS_MODE, &val, sizeof(val)),
	    ENOPROTOOPT);
	assert_int_equal(option(true, KTCP_NODELAY, &val, sizeof(val)), 0);
}

static void
test_dropped_connection_answers_econnreset(void **state)
{
	int val = 1;

	tcp_drop(tw_tp(&p.c), ECONNABORTED, "test");
	assert_int_equal(option(true, KTCP_NODELAY, &val, sizeof(val)),
	    ECONNRESET);
	assert_int_equal(option(false, KTCP_NODELAY, &val, sizeof(val)),
	    ECONNRESET);
	assert_int_equal(option(false, 12345, &val, sizeof(val)), ECONNRESET);
}

static void
test_nodelay_and_nopush_read_as_they_were_set(void **state)
{
	const int names[] = { KTCP_NODELAY, KTCP_NOPUSH };
	int val;

	for (int i = 0; i < 2; i++)
		for (int on = 1; on >= 0; on--) {
			val = on * 7;
			assert_int_equal(option(true, names[i], &val,
					     sizeof(val)),
			    0);
			val = -1;
			assert_int_equal(option(false, names[i], &val,
					     sizeof(val)),
			    0);
			assert_int_equal(val, on);
		}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_options_of_one_direction_only_are_enoprotoopt),
		T(test_a_kernel_without_kern_tls_knows_none_of_the_options),
		T(test_short_values_are_einval),
		T(test_enable_takes_the_old_size_and_longer_ones),
		T(test_dropped_connection_answers_econnreset),
		T(test_nodelay_and_nopush_read_as_they_were_set),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
