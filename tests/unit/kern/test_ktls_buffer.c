/* Contiguous output buffers: the cache, what happens without, reclaiming. */
#include "tlsbench.h"

#include <ktsim/kern/vm.h>
#include <ktsim/kern/vnode.h>

#define FSIZE 200000

static struct sockpair sp;
static struct vnet *v;
static struct socket *so, *peer;
static struct vnode *vp;
static uint8_t buf[20000];

static void
fill(void *arg, uint64_t off, void *to, uint32_t len)
{
	memset(to, (int)(off >> 12), len);
}

static int
setup(void **state)
{
	struct tls_enable en = tb_enable(&tls_suites[3], 0);

	sockpair_init(&sp, NULL, NULL);
	v = sp.sp_vnet;
	so = sp.sp_so[0];
	peer = sp.sp_so[1];
	vp = vnode_create(v, "file", FSIZE, fill, NULL);
	vnode_warm(vp);
	so->so_snd.sb_hiwat = peer->so_rcv.sb_hiwat = 60000;
	so->so_snd.sb_mbmax = peer->so_rcv.sb_mbmax = 4000000;
	assert_int_equal(ktls_enable_tx(so, &en), 0);
	return (0);
}

static int
teardown(void **state)
{
	sockpair_run(&sp);
	assert_int_equal(sockpair_fini(&sp), 0);
	return (0);
}

static uint64_t
ctl(const char *name)
{
	char full[64];
	uint64_t val = 0;

	snprintf(full, sizeof(full), "kern.ipc.tls.%s", name);
	assert_int_equal(sysctl_read(v, full, &val), 0);
	return (val);
}

/* Time goes on by no more than the worker needs. */
static void
one_record(uint32_t len)
{
	simtime_t now = engine_timebase(sp.sp_engine)->tb_now;
	uint64_t sent, got = 0;
	size_t n;
	int t, flags = 0;

	assert_int_equal(sosendfile(so, vp, 0, len, NULL, 0, &sent), 0);
	assert_int_equal(sent, len);
	(void)engine_run(sp.sp_engine, now + SIM_MS);
	while (sbavail(&peer->so_rcv) > 0) {
		assert_int_equal(tb_read(peer, buf, sizeof(buf), &n, &t,
				     &flags),
		    0);
		got += n;
		(void)engine_run(sp.sp_engine, now + SIM_MS);
	}
	assert_int_equal(got, len + 22);
}

static void
later(void *arg)
{
}

static void
wait_for(simtime_t delta)
{
	struct sim_event ev;

	/* Without an event time would stand still. */
	sim_event_init(&ev, EV_TASK, "later", later, NULL);
	timebase_post_in(engine_timebase(sp.sp_engine), &ev, delta);
	(void)engine_run(sp.sp_engine, ev.ev_when);
}

static void
test_buffers_come_back_to_the_cache_and_are_used_again(void **state)
{
	one_record(16384);
	assert_int_equal(ktls_cached_pages(v), 4);
	one_record(16384);
	one_record(9000); /* three pages: a whole buffer too */
	assert_int_equal(ktls_cached_pages(v), 4);
	assert_int_equal(ktls_stats(v)->contig_fails, 0);
	assert_int_equal(ktls_stats(v)->ocf_separate, 3);
}

static void
test_two_pages_are_not_worth_a_buffer(void **state)
{
	one_record(8192);
	assert_int_equal(ktls_cached_pages(v), 0);
	vm_fragment(v->v_vm, true);
	one_record(8192);
	assert_int_equal(ktls_stats(v)->contig_fails, 0);
	assert_int_equal(ctl("domain0.wakeups"), 0);
}

static void
test_without_the_cache_records_go_into_single_pages(void **state)
{
	assert_int_equal(sysctl_write(v, "kern.ipc.tls.sw_buffer_cache", 0), 0);
	one_record(16384);
	assert_int_equal(ktls_cached_pages(v), 0);
	assert_int_equal(ktls_stats(v)->contig_fails, 1);
	assert_int_equal(ctl("domain0.wakeups"), 0);
}

static void
test_a_failure_stops_attempts_for_a_second_and_wakes_the_thread(void **state)
{
	(void)sysctl_write(v, "kern.ipc.tls.max_reclaim", 100);
	vm_fragment(v->v_vm, true);
	one_record(16384);
	assert_int_equal(ctl("domain0.wakeups"), 1);
	assert_int_equal(ctl("domain0.running"), 1);
	assert_int_equal(ctl("domain0.reclaims"), 0);
	wait_for(2 * SIM_MS); /* that is what 100 runs take */
	assert_int_equal(ctl("domain0.running"), 0);
	assert_int_equal(ctl("domain0.reclaims"), 100);
	/* There would be some, but the second is not over. */
	wait_for(900 * SIM_MS);
	one_record(16384);
	assert_int_equal(ktls_stats(v)->contig_fails, 2);
	assert_int_equal(vm_stats(v->v_vm)->vs_contig_fails, 1);
	wait_for(100 * SIM_MS);
	one_record(16384);
	assert_int_equal(ktls_stats(v)->contig_fails, 2);
	assert_int_equal(ktls_cached_pages(v), 4);
	assert_int_equal(ctl("domain0.wakeups"), 1);
}

/* The next attempt is exactly a second after the one that failed. */
static void
test_the_second_is_a_second(void **state)
{
	struct timebase *tb = engine_timebase(sp.sp_engine);
	simtime_t start = timebase_now(tb);

	(void)sysctl_write(v, "kern.ipc.tls.max_reclaim", 5000000); /* 100 s */
	vm_fragment(v->v_vm, true);
	one_record(16384);
	assert_int_equal(vm_stats(v->v_vm)->vs_contig_fails, 1);
	wait_for(start + SIM_SEC - 1 - timebase_now(tb));
	one_record(16384);
	assert_int_equal(vm_stats(v->v_vm)->vs_contig_fails, 1);
	wait_for(SIM_SEC); /* long over: this one fails, and is the start */
	start = timebase_now(tb);
	one_record(16384);
	assert_int_equal(vm_stats(v->v_vm)->vs_contig_fails, 2);
	wait_for(start + SIM_SEC - timebase_now(tb));
	one_record(16384);
	assert_int_equal(vm_stats(v->v_vm)->vs_contig_fails, 3);
}

/* It is not woken while it runs; single pages always do. */
static void
test_a_running_thread_is_not_woken(void **state)
{
	(void)sysctl_write(v, "kern.ipc.tls.max_reclaim", 100000); /* 2 s */
	vm_fragment(v->v_vm, true);
	one_record(16384);
	wait_for(1500 * SIM_MS);
	assert_int_equal(ctl("domain0.running"), 1);
	one_record(16384); /* an attempt, and a failure */
	assert_int_equal(vm_stats(v->v_vm)->vs_contig_fails, 2);
	assert_int_equal(ctl("domain0.wakeups"), 1);
	wait_for(SIM_SEC);
	assert_int_equal(ctl("domain0.reclaims"), 100000);
	assert_int_equal(ktls_stats(v)->contig_fails, 2);
}

static void
test_what_cannot_be_reclaimed_is_not_counted(void **state)
{
	(void)sysctl_write(v, "kern.ipc.tls.max_reclaim", 5000000);
	vm_fragment(v->v_vm, true);
	one_record(16384);
	wait_for(200 * SIM_SEC);
	assert_int_equal(ctl("domain0.wakeups"), 1);
	assert_int_equal(ctl("domain0.running"), 0);
	assert_int_equal(ctl("domain0.reclaims"), 0);
}

/* A number that no thread would ever be done with: a day. */
static void
test_a_thread_that_is_asked_for_too_much(void **state)
{
	(void)sysctl_write(v, "kern.ipc.tls.max_reclaim", UINT64_MAX);
	vm_fragment(v->v_vm, true);
	one_record(16384);
	assert_int_equal(ctl("domain0.running"), 1);
	wait_for(86400 * SIM_SEC);
	assert_int_equal(ctl("domain0.running"), 0);
	assert_int_equal(ctl("domain0.reclaims"), 0);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_buffers_come_back_to_the_cache_and_are_used_again),
		T(test_two_pages_are_not_worth_a_buffer),
		T(test_without_the_cache_records_go_into_single_pages),
		T(test_a_failure_stops_attempts_for_a_second_and_wakes_the_thread),
		T(test_the_second_is_a_second),
		T(test_a_running_thread_is_not_woken),
		T(test_what_cannot_be_reclaimed_is_not_counted),
		T(test_a_thread_that_is_asked_for_too_much),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
