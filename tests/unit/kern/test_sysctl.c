/* Named integers: order, kinds, refusals; and tasks in virtual time. */
#include "support/ktest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "support/kpanic.h"
#include "support/sockpair.h"

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

static int
below_ten(struct vnet *vnet, uint64_t newval)
{
	return (newval < 10 ? 0 : ERANGE);
}

static void
test_each_kind_allows_its_writes(void **state)
{
	uint64_t rd = 1, rw = 2, tun = 3, ctr = 4, val;

	sysctl_add(v, "t.rd", &rd, CTL_RD, NULL, "");
	sysctl_add(v, "t.rw", &rw, CTL_RW, below_ten, "");
	sysctl_add(v, "t.tun", &tun, CTL_TUN, NULL, "");
	sysctl_add(v, "t.ctr", &ctr, CTL_CTR, NULL, "");
	assert_int_equal(sysctl_write(v, "t.rd", 5), EPERM);
	assert_int_equal(sysctl_write(v, "t.ctr", 5), EPERM);
	assert_int_equal(sysctl_write(v, "t.rw", 10), ERANGE);
	assert_int_equal(rw, 2);
	assert_int_equal(sysctl_write(v, "t.rw", 9), 0);
	assert_int_equal(rw, 9);
	assert_int_equal(sysctl_write(v, "t.tun", 8), 0);
	v->v_sysctl.st_booted = true;
	assert_int_equal(sysctl_write(v, "t.tun", 7), EPERM);
	assert_int_equal(sysctl_write(v, "t.rw", 1), 0);
	assert_int_equal(sysctl_write(v, "t.none", 1), ENOENT);
	assert_int_equal(sysctl_read(v, "t.none", &val), ENOENT);
	assert_int_equal(sysctl_read(v, "t.tun", &val), 0);
	assert_int_equal(val, 8);
	assert_int_equal(sysctl_find(v, "t.rw")->oid_initial, 2);
	EXPECT_PANIC_VOID(sysctl_add(v, "t.rw", &rw, CTL_RW, NULL, ""),
	    "registered twice");
	sysctl_remove(v, "t.");
}

static uint8_t got[4];
static size_t gotlen;

static int
take_bytes(struct vnet *vnet, const void *val, size_t len)
{
	gotlen = len;
	if (len < sizeof(got))
		return (ENOMEM);
	memcpy(got, val, sizeof(got));
	return (0);
}

static void
test_bytes_go_to_a_procedure_and_numbers_are_eight_of_them(void **state)
{
	uint64_t rw = 2, val = 7;

	sysctl_add(v, "t.rw", &rw, CTL_RW, below_ten, "");
	sysctl_add_proc(v, "t.wr", take_bytes, "");
	assert_int_equal(sysctl_write_bytes(v, "t.wr", "abcd", 4), 0);
	assert_memory_equal(got, "abcd", 4);
	assert_int_equal(sysctl_write_bytes(v, "t.wr", "abcd", 3), ENOMEM);
	assert_int_equal(sysctl_write_bytes(v, "t.wr", NULL, 0), EPERM);
	assert_int_equal(sysctl_read(v, "t.wr", &val), EPERM);
	assert_int_equal(sysctl_write(v, "t.wr", 1), 0);
	assert_int_equal(gotlen, 8);
	assert_int_equal(sysctl_write_bytes(v, "t.rw", &val, 7), ENOMEM);
	assert_int_equal(sysctl_write_bytes(v, "t.rw", &val, 8), 0);
	assert_int_equal(rw, 7);
	assert_int_equal(sysctl_write_bytes(v, "t.no", &val, 8), ENOENT);
	sysctl_remove(v, "t.");
}

static void
test_the_table_is_sorted_and_a_prefix_goes_alone(void **state)
{
	const struct sysctl_tree *st = &v->v_sysctl;
	unsigned before = st->st_count;
	uint64_t x = 0;

	sysctl_add(v, "dev.b.x", &x, CTL_RD, NULL, "");
	sysctl_add(v, "dev.a.x", &x, CTL_RD, NULL, "");
	sysctl_add(v, "dev.ab.x", &x, CTL_RD, NULL, "");
	sysctl_add(v, "dev.a.a", &x, CTL_RD, NULL, "");
	for (unsigned i = 1; i < st->st_count; i++)
		assert_true(strcmp(st->st_oids[i - 1].oid_name,
				st->st_oids[i].oid_name) < 0);
	sysctl_remove(v, "dev.a.");
	assert_null(sysctl_find(v, "dev.a.x"));
	assert_null(sysctl_find(v, "dev.a.a"));
	assert_non_null(sysctl_find(v, "dev.ab.x"));
	assert_non_null(sysctl_find(v, "dev.b.x"));
	sysctl_remove(v, "no such prefix");
	sysctl_remove(v, "dev.");
	assert_int_equal(st->st_count, before);
}

/* --- taskqueue --- */

static char order[64];
static int pendings[8];
static struct task tasks[4];

static void
note(void *ctx, int pending)
{
	const char *name = ctx;

	pendings[strlen(order)] = pending;
	strcat(order, name);
	if (name[0] == 'r') /* asks for d while it runs */
		taskqueue_enqueue(&v->v_taskq, &tasks[3]);
}

static void
tasks_init(void)
{
	static char names[4][2] = { "a", "b", "r", "d" };

	order[0] = '\0';
	for (int i = 0; i < 4; i++)
		task_init(&tasks[i], note, names[i]);
}

static void
test_tasks_run_in_order_once_and_know_how_often_they_were_asked(void **state)
{
	tasks_init();
	taskqueue_enqueue(&v->v_taskq, &tasks[1]);
	taskqueue_enqueue(&v->v_taskq, &tasks[0]);
	taskqueue_enqueue(&v->v_taskq, &tasks[1]);
	taskqueue_enqueue(&v->v_taskq, &tasks[1]);
	assert_string_equal(order, "");
	sockpair_run(&sp);
	assert_string_equal(order, "ba");
	assert_int_equal(pendings[0], 3);
	assert_int_equal(pendings[1], 1);
	taskqueue_enqueue(&v->v_taskq, &tasks[1]);
	sockpair_run(&sp);
	assert_string_equal(order, "bab");
	assert_int_equal(pendings[2], 1);
}

static void
test_a_task_queued_by_a_task_runs_in_the_next_event(void **state)
{
	simtime_t t0 = engine_timebase(sp.sp_engine)->tb_now;

	tasks_init();
	v->v_taskq.tq_latency = 5;
	taskqueue_enqueue(&v->v_taskq, &tasks[2]);
	taskqueue_enqueue(&v->v_taskq, &tasks[0]);
	(void)engine_run(sp.sp_engine, t0 + 5);
	assert_string_equal(order, "ra");
	(void)engine_run(sp.sp_engine, t0 + 9);
	assert_string_equal(order, "ra");
	sockpair_run(&sp);
	assert_string_equal(order, "rad");
	assert_int_equal(engine_timebase(sp.sp_engine)->tb_now, t0 + 10);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_each_kind_allows_its_writes),
		T(test_bytes_go_to_a_procedure_and_numbers_are_eight_of_them),
		T(test_the_table_is_sorted_and_a_prefix_goes_alone),
		T(test_tasks_run_in_order_once_and_know_how_often_they_were_asked),
		T(test_a_task_queued_by_a_task_runs_in_the_next_event),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
