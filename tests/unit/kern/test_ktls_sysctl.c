/* The tree of kern.ipc.tls: names, kinds, defaults, and the kernels and
 * machines that have less of it. */
#include "tlsbench.h"

#include <ktsim/opencrypto/crypto_backend.h>

static struct sockpair sp;
static struct vnet *v;

static int
setup(void **state)
{
	sockpair_init(&sp, NULL, NULL);
	v = sp.sp_vnet;
	return (0);
}

static int
teardown(void **state)
{
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

/* As FreeBSD has them, and two of our own; `enable` was switched on by the bench. */
static const struct {
	const char *name;
	enum sysctl_kind kind;
	uint64_t val;
} tree[] = {
	{ "enable", CTL_RW, 1 },
	{ "rx_enable", CTL_RW, 1 },
	{ "cbc_enable", CTL_RW, 1 },
	{ "maxlen", CTL_TUN, 16384 },
	{ "bind_threads", CTL_TUN, 0 },
	{ "ifnet_max_rexmit_pct", CTL_RW, 2 },
	{ "sw_buffer_cache", CTL_TUN, 1 },
	{ "max_reclaim", CTL_RW, 1024 },
	{ "tasks_active", CTL_RD, 0 },
	{ "ifnet.permitted", CTL_RW, 0 },
	{ "ifnet.reset", CTL_CTR, 0 },
	{ "ifnet.reset_dropped", CTL_CTR, 0 },
	{ "ifnet.reset_failed", CTL_CTR, 0 },
	{ "ifnet.release_early", CTL_RW, 0 },	/* the simulator's */
	{ "ifnet.released_early", CTL_CTR, 0 }, /* the simulator's */
	{ "sw.cbc", CTL_CTR, 0 },
	{ "sw.gcm", CTL_CTR, 0 },
	{ "sw.chacha20", CTL_CTR, 0 },
	{ "ifnet.cbc", CTL_CTR, 0 },
	{ "ifnet.gcm", CTL_CTR, 0 },
	{ "ifnet.chacha20", CTL_CTR, 0 },
	{ "toe.cbc", CTL_CTR, 0 },
	{ "toe.gcm", CTL_CTR, 0 },
	{ "toe.chacha20", CTL_CTR, 0 },
	{ "stats.threads", CTL_CTR, 0 },
	{ "stats.sw_tx_pending", CTL_CTR, 0 },
	{ "stats.sw_tx_inqueue", CTL_CTR, 0 },
	{ "stats.sw_rx_inqueue", CTL_CTR, 0 },
	{ "stats.enable_calls", CTL_CTR, 0 },
	{ "stats.offload_total", CTL_CTR, 0 },
	{ "stats.active", CTL_CTR, 0 },
	{ "stats.corrupted_records", CTL_CTR, 0 },
	{ "stats.failed_crypto", CTL_CTR, 0 },
	{ "stats.switch_to_ifnet", CTL_CTR, 0 },
	{ "stats.switch_to_sw", CTL_CTR, 0 },
	{ "stats.switch_failed", CTL_CTR, 0 },
	{ "stats.ifnet_disable_ok", CTL_CTR, 0 },
	{ "stats.ifnet_disable_failed", CTL_CTR, 0 },
	{ "stats.destroy_task", CTL_CTR, 0 },
	{ "stats.ocf.tls10_cbc_encrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls11_cbc_encrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls11_cbc_decrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls12_gcm_encrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls12_gcm_decrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls12_gcm_recrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls12_chacha20_encrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls12_chacha20_decrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls13_gcm_encrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls13_gcm_decrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls13_gcm_recrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls13_chacha20_encrypts", CTL_CTR, 0 },
	{ "stats.ocf.tls13_chacha20_decrypts", CTL_CTR, 0 },
	{ "stats.ocf.inplace", CTL_CTR, 0 },
	{ "stats.ocf.separate_output", CTL_CTR, 0 },
	{ "stats.ocf.retries", CTL_CTR, 0 },
	{ "domain0.reclaims", CTL_CTR, 0 },
	{ "domain0.wakeups", CTL_CTR, 0 },
	{ "domain0.running", CTL_RD, 0 },
};

static unsigned
names_under(const struct vnet *vnet, const char *prefix)
{
	unsigned n = 0;

	for (unsigned i = 0; i < vnet->v_sysctl.st_count; i++)
		n += strncmp(vnet->v_sysctl.st_oids[i].oid_name, prefix,
			 strlen(prefix)) == 0;
	return (n);
}

static void
test_the_tree_is_freebsds_but_for_two(void **state)
{
	const struct sysctl_oid *o;
	char name[96];

	for (size_t i = 0; i < nitems(tree); i++) {
		snprintf(name, sizeof(name), "kern.ipc.tls.%s", tree[i].name);
		if ((o = sysctl_find(v, name)) == NULL)
			fail_msg("no %s", name);
		if (o->oid_kind != tree[i].kind || *o->oid_val != tree[i].val)
			fail_msg("%s: kind %d, %ju", name, o->oid_kind,
			    (uintmax_t)*o->oid_val);
	}
	assert_int_equal(names_under(v, "kern.ipc.tls."), nitems(tree));
}

static void
test_maxlen_is_whole_pages(void **state)
{
	const char *n = "kern.ipc.tls.maxlen";

	assert_int_equal(sysctl_write(v, n, 8192), 0);
	assert_int_equal(sysctl_write(v, n, 8191), EINVAL);
	assert_int_equal(sysctl_write(v, n, 0), EINVAL);
	v->v_sysctl.st_booted = true;
	assert_int_equal(sysctl_write(v, n, 4096), EPERM);
}

static struct vnet *
other_kernel(bool no_kern_tls, bool no_direct_map)
{
	struct vnet_params vp = { .vp_name = "other",
		.vp_ncpus = 1,
		.vp_tb = engine_timebase(sp.sp_engine),
		.vp_jobs = sp.sp_jobs,
		.vp_no_kern_tls = no_kern_tls,
		.vp_no_direct_map = no_direct_map };

	return (vnet_create(&vp));
}

static void
test_a_kernel_without_kern_tls_has_no_tree(void **state)
{
	struct vnet *other = other_kernel(true, false);
	uint64_t val = 0;

	assert_int_equal(names_under(other, "kern.ipc.tls"), 0);
	/* Unmapped mbufs are not of TLS alone. */
	assert_int_equal(sysctl_read(other, "kern.ipc.mb_use_ext_pgs", &val),
	    0);
	assert_int_equal(val, 1);
	vnet_destroy(other);
}

static void
test_without_a_direct_map_there_are_no_unmapped_mbufs(void **state)
{
	struct vnet *other = other_kernel(false, true);
	uint64_t val = 1;

	assert_int_equal(sysctl_read(other, "kern.ipc.mb_use_ext_pgs", &val),
	    0);
	assert_int_equal(val, 0);
	assert_int_equal(sysctl_write(other, "kern.ipc.mb_use_ext_pgs", 1),
	    EOPNOTSUPP);
	assert_int_equal(sysctl_write(other, "kern.ipc.mb_use_ext_pgs", 0), 0);
	assert_null(mb_alloc_ext_pgs(other->v_mb, M_WAITOK, mb_free_mext_pgs));
	vnet_destroy(other);
	assert_int_equal(sysctl_write(v, "kern.ipc.mb_use_ext_pgs", 0), 0);
	assert_int_equal(sysctl_write(v, "kern.ipc.mb_use_ext_pgs", 1), 0);
}

static void
test_without_ext_pgs_transmit_is_enxio_and_receive_is_not_asked(void **state)
{
	struct tls_enable en = tb_enable(&tls_suites[0], 0);

	(void)sysctl_write(v, "kern.ipc.mb_use_ext_pgs", 0);
	assert_int_equal(ktls_enable_tx(sp.sp_so[0], &en), ENXIO);
	assert_int_equal(ktls_enable_rx(sp.sp_so[0], &en), 0);
}

static void
test_no_backend_is_eopnotsupp_both_ways(void **state)
{
	struct tls_enable en = tb_enable(&tls_suites[0], 0);

	v->v_crypto = crypto_backend_find("none");
	assert_int_equal(ktls_enable_tx(sp.sp_so[0], &en), EOPNOTSUPP);
	assert_int_equal(ktls_enable_rx(sp.sp_so[0], &en), EOPNOTSUPP);
	assert_int_equal(ktls_stats(v)->enable_calls, 2);
	assert_int_equal(ktls_stats(v)->active, 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_the_tree_is_freebsds_but_for_two),
		T(test_maxlen_is_whole_pages),
		T(test_a_kernel_without_kern_tls_has_no_tree),
		T(test_without_a_direct_map_there_are_no_unmapped_mbufs),
		T(test_without_ext_pgs_transmit_is_enxio_and_receive_is_not_asked),
		T(test_no_backend_is_eopnotsupp_both_ways),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
