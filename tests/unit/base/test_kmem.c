/* Zones that count, strings that grow, names of errors and defects, traces. */
#include "support/ktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/defect.h>
#include <ktsim/base/errnoname.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/base/trace.h>

#include "support/kpanic.h"

static void
test_zones_count_what_is_out_and_the_most_there_was(void **state)
{
	struct kmem km;
	struct kzone a, b;
	void *p[3], *q;

	kmem_init(&km);
	kzone_init(&a, &km, "a", 100);
	kzone_init(&b, &km, "b", 1);
	for (int i = 0; i < 3; i++)
		p[i] = kzone_alloc(&a, M_WAITOK);
	q = kzone_alloc(&b, M_WAITOK | M_ZERO);
	assert_int_equal(*(uint8_t *)q, 0);
	assert_int_equal(kmem_inuse(&km), 4);
	for (int i = 0; i < 3; i++)
		kzone_free(&a, p[i]);
	assert_int_equal(a.z_inuse, 0);
	assert_int_equal(a.z_max, 3);
	assert_int_equal(a.z_allocs, 3);
	EXPECT_PANIC_VOID(kzone_free(&a, p[0]), "zone a is empty");
	EXPECT_PANIC_VOID(kmem_fini(&km), "lives");
	kzone_free(&b, q);
	kzone_fini(&a);
	kzone_fini(&b);
	kmem_fini(&km);
}

static void
test_only_nowait_allocations_fail_at_the_limit_or_on_order(void **state)
{
	struct kmem km;
	struct kzone z;
	void *p[4];

	kmem_init(&km);
	kzone_init(&z, &km, "z", 16);
	z.z_limit = 2;
	p[0] = kzone_alloc(&z, M_NOWAIT);
	p[1] = kzone_alloc(&z, M_NOWAIT);
	assert_null(kzone_alloc(&z, M_NOWAIT));
	p[2] = kzone_alloc(&z, M_WAITOK);
	assert_non_null(p[2]);
	assert_int_equal(z.z_fails, 1);
	z.z_limit = 0;
	km.km_fail_at = km.km_nowait + 2;
	p[3] = kzone_alloc(&z, M_NOWAIT);
	assert_non_null(p[3]);
	assert_null(kzone_alloc(&z, M_NOWAIT));
	for (int i = 0; i < 4; i++)
		kzone_free(&z, p[i]);
	p[0] = kzone_alloc(&z, M_NOWAIT); /* only that one failed */
	assert_non_null(p[0]);
	kzone_free(&z, p[0]);
	kzone_fini(&z);
	kmem_fini(&km);
}

static void
test_strings_grow_and_are_always_terminated(void **state)
{
	struct strbuf sb = { 0 };
	char *s;

	assert_string_equal(strbuf_str(&sb), "");
	for (int i = 0; i < 1000; i++) {
		strbuf_addf(&sb, "%d,", i);
		assert_int_equal(strlen(strbuf_str(&sb)), sb.sb_len);
	}
	assert_int_equal(sb.sb_len, 10 * 2 + 90 * 3 + 900 * 4);
	strbuf_clear(&sb);
	assert_string_equal(strbuf_str(&sb), "");
	strbuf_adds(&sb, "ab");
	strbuf_add(&sb, "cd\0e", 4);
	assert_int_equal(sb.sb_len, 6);
	assert_memory_equal(strbuf_str(&sb), "abcd\0e", 7);
	s = strbuf_take(&sb);
	assert_string_equal(s, "abcd");
	free(s);
	assert_null(sb.sb_str);
	s = strbuf_take(&sb);
	assert_string_equal(s, "");
	free(s);
	s = xasprintf("%s-%05d", "x", 42);
	assert_string_equal(s, "x-00042");
	free(s);
	strbuf_fini(&sb);
}

static void
test_every_errno_name_comes_back_as_its_number(void **state)
{
	const char *name;

	for (int e = 0; e < 200; e++) {
		name = errno_name(e);
		if (strncmp(name, "E?", 2) == 0)
			assert_int_equal(atoi(name + 2), e);
		else
			assert_int_equal(errno_value(name), e);
	}
	assert_string_equal(errno_name(0), "0");
	assert_string_equal(errno_name(EAGAIN), "EAGAIN");
	assert_int_equal(errno_value("EWOULDBLOCK"), EAGAIN);
	assert_int_equal(errno_value("ENOSUCH"), -1);
}

static void
test_defects_have_unique_names_and_lawful_invariants(void **state)
{
	struct defects df = { { 0 } };

	for (int i = 0; i < DEFECT_COUNT; i++) {
		const struct defect_info *di = &defect_catalogue[i];

		assert_int_equal(defect_find(di->di_name), i);
		assert_non_null(strchr(di->di_name, '.'));
		assert_in_range(di->di_invariant + 1, 0, 8);
		assert_true(strlen(di->di_text) > 10);
		assert_false(defect_on(&df, (enum defect)i));
		defect_set(&df, (enum defect)i);
		assert_true(defect_on(&df, (enum defect)i));
		for (int k = i + 1; k < DEFECT_COUNT; k++)
			assert_false(defect_on(&df, (enum defect)k));
	}
	assert_int_equal(defect_find("no.such"), -1);
}

/* --- traces --- */

static unsigned emitted;
static struct trace_rec last;

static void
emit(struct trace_sink *ts, const struct trace_rec *rec)
{
	emitted++;
	last = *rec;
	if (rec->tr_id == TP_tcp_drop) {
		assert_int_equal(trace_getarg(rec, "conn")->u, 7);
		assert_int_equal(trace_getarg(rec, "error")->i, -3);
		assert_string_equal(trace_getarg(rec, "reason")->s, "why");
		assert_null(trace_getarg(rec, "con"));
		assert_null(trace_getarg(rec, "reasons"));
	}
}

static void
test_traces_reach_the_sink_only_when_wanted(void **state)
{
	struct trace_sink sink = { .ts_emit = emit };
	simtime_t now = 99;
	struct tracer tr = { NULL, &now, "host" };

	emitted = 0;
	TRACE(&tr, tcp_drop, TU(7), TI(-3), TS("why"));
	tr.t_sink = &sink;
	TRACE(&tr, tcp_drop, TU(7), TI(-3), TS("why"));
	assert_int_equal(emitted, 0);
	sink.ts_mask[TP_tcp_drop / 64] |= 1ULL << (TP_tcp_drop % 64);
	TRACE(&tr, tcp_drop, TU(7), TI(-3), TS("why"));
	TRACE(&tr, tcp_rto, TU(7), TU(1), TU(2));
	assert_int_equal(emitted, 1);
	assert_true(last.tr_when == 99);
	assert_string_equal(last.tr_who, "host");
}

static void
test_arguments_unlike_the_catalogue_panic(void **state)
{
	struct trace_sink sink = { .ts_emit = emit };
	simtime_t now = 0;
	struct tracer tr = { &sink, &now, "host" };
	const struct trace_arg wrong[] = { TU(1), TU(2), TS("x") };
	const struct trace_arg right[] = { TU(7), TI(-3), TS("why"), TU(1) };

	EXPECT_PANIC_VOID(trace_emit(&tr, TP_tcp_drop, wrong, 3),
	    "argument 1 is 'u'");
	EXPECT_PANIC_VOID(trace_emit(&tr, TP_tcp_drop, right, 2),
	    "2 arguments");
	EXPECT_PANIC_VOID(trace_emit(&tr, TP_tcp_drop, right, 4),
	    "4 arguments");
	trace_emit(&tr, TP_tcp_drop, right, 3);
}

static void
test_the_catalogue_is_well_formed(void **state)
{
	for (int i = 0; i < TP_COUNT; i++) {
		const struct trace_info *ti = &trace_catalogue[i];
		const char *p = ti->ti_args;
		int n = 0;

		assert_int_equal(trace_find(ti->ti_name), i);
		for (; *p != '\0'; n++) {
			assert_non_null(strchr("uis", p[0]));
			assert_int_equal(p[1], ':');
			p += strcspn(p, " ");
			p += strspn(p, " ");
		}
		assert_true(n <= TRACE_MAXARGS);
	}
	assert_int_equal(trace_find("no_such_point"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_zones_count_what_is_out_and_the_most_there_was),
		cmocka_unit_test(
		    test_only_nowait_allocations_fail_at_the_limit_or_on_order),
		cmocka_unit_test(test_strings_grow_and_are_always_terminated),
		cmocka_unit_test(
		    test_every_errno_name_comes_back_as_its_number),
		cmocka_unit_test(
		    test_defects_have_unique_names_and_lawful_invariants),
		cmocka_unit_test(test_traces_reach_the_sink_only_when_wanted),
		cmocka_unit_test(test_arguments_unlike_the_catalogue_panic),
		cmocka_unit_test(test_the_catalogue_is_well_formed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
