/* The ledger: content, order, once; and what is lawfully missing. */
#include "ktest.h"

#include <stdio.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/kern/vnode.h>
#include <ktsim/sim/engine.h>
#include <ktsim/sim/ledger.h>

static struct ledger *l;
static struct ledger_flow *f;
static char told[256];
static int reports;

static void
report(void *arg, const char *text)
{
	snprintf(told, sizeof(told), "%s", text);
	reports++;
}

static struct ksockaddr
sa(uint16_t port)
{
	struct ksockaddr a = { .sa_family = KAF_INET, .sa_port = port };

	a.sa_addr.a[0] = 10;
	return (a);
}

static int
setup(void **state)
{
	struct ksockaddr c = sa(50000), s = sa(443);

	reports = 0;
	told[0] = '\0';
	l = ledger_create(report, NULL);
	f = ledger_open(l, &c, &s, "get#0");
	return (0);
}

static int
teardown(void **state)
{
	ledger_destroy(l);
	return (0);
}

static void
test_bytes_read_as_sent_are_fine_however_they_are_cut(void **state)
{
	struct ledger_totals t;

	ledger_origin_bytes(f, LEDGER_C2S, "hello ", 6);
	ledger_origin_bytes(f, LEDGER_C2S, "world", 5);
	ledger_read(f, LEDGER_C2S, "hel", 3);
	ledger_read(f, LEDGER_C2S, "lo wor", 6);
	ledger_read(f, LEDGER_C2S, "ld", 2);
	ledger_finish(l);
	assert_int_equal(reports, 0);
	ledger_totals(l, &t);
	assert_int_equal(t.flows, 1);
	assert_int_equal(t.origin, 11);
	assert_int_equal(t.delivered, 11);
}

static void
test_both_ends_find_the_same_flow(void **state)
{
	struct ksockaddr c = sa(50000), s = sa(443), other = sa(50001);

	assert_ptr_equal(ledger_open(l, &c, &s, NULL), f);
	assert_ptr_not_equal(ledger_open(l, &other, &s, NULL), f);
}

static void
test_wrong_byte_is_told_with_its_place_and_only_once(void **state)
{
	ledger_origin_bytes(f, LEDGER_S2C, "abcdef", 6);
	ledger_read(f, LEDGER_S2C, "abc", 3);
	ledger_read(f, LEDGER_S2C, "dXf", 3);
	assert_int_equal(reports, 1);
	assert_string_equal(told,
	    "get#0, server to client: another byte than "
	    "was sent at byte 4 of the stream");
	ledger_read(f, LEDGER_S2C, "zzz", 3);
	ledger_finish(l);
	assert_int_equal(reports, 1);
}

static void
test_more_bytes_than_were_sent(void **state)
{
	ledger_origin_bytes(f, LEDGER_S2C, "ab", 2);
	ledger_read(f, LEDGER_S2C, "abab", 4);
	assert_string_equal(told,
	    "get#0, server to client: more bytes than "
	    "were sent at byte 2 of the stream");
}

static void
test_missing_bytes_are_told_at_the_end_unless_excused(void **state)
{
	struct ksockaddr c = sa(50001), s = sa(443);
	struct ledger_flow *g = ledger_open(l, &c, &s, "get#1");
	struct ledger_totals t;

	ledger_origin_bytes(f, LEDGER_C2S, "abc", 3);
	ledger_origin_bytes(g, LEDGER_C2S, "abc", 3);
	ledger_read(f, LEDGER_C2S, "a", 1);
	ledger_excuse(g, "the connection failed");
	ledger_finish(l);
	assert_int_equal(reports, 1);
	assert_string_equal(told,
	    "get#0, client to server: bytes never "
	    "arrived, from there on at byte 1 of the stream");
	ledger_totals(l, &t);
	assert_int_equal(t.excused, 3);
}

static void
fill(void *arg, uint64_t off, void *buf, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)((off + i) * 7 + 3);
}

/* Resident or not, the file's bytes are compared; a page that somebody wrote
 * into is no offence of the delivery. */
static void
test_file_ranges_are_compared_with_the_file(void **state)
{
	struct engine *en = engine_create();
	struct jobpool *jp = hostpool_create(0);
	struct vnet_params vp = { .vp_name = "h",
		.vp_ncpus = 1,
		.vp_tb = engine_timebase(en),
		.vp_jobs = jp };
	struct vnet *v = vnet_create(&vp);
	struct vnode *vn = vnode_create(v, "/f", 20000, fill, NULL);
	uint8_t buf[20000];

	fill(NULL, 0, buf, sizeof(buf));
	ledger_origin_file(f, LEDGER_S2C, vn, 1000, 15000);
	ledger_read(f, LEDGER_S2C, buf + 1000, 5000); /* cold */
	vnode_warm(vn);
	ledger_read(f, LEDGER_S2C, buf + 6000, 3000);
	((uint8_t *)(uintptr_t)vnode_resident(vn, 2))[3000] ^= 1;
	ledger_read(f, LEDGER_S2C, buf + 9000, 6000);
	assert_int_equal(reports, 0);
	buf[15500] ^= 1;
	ledger_read(f, LEDGER_S2C, buf + 15000, 1000);
	assert_int_equal(reports, 1);
	assert_string_equal(told,
	    "get#0, server to client: another byte than "
	    "was sent at byte 14500 of the stream");
	ledger_destroy(l);
	l = NULL;
	vnet_destroy(v);
	hostpool_destroy(jp);
	engine_destroy(en);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_bytes_read_as_sent_are_fine_however_they_are_cut),
		T(test_both_ends_find_the_same_flow),
		T(test_wrong_byte_is_told_with_its_place_and_only_once),
		T(test_more_bytes_than_were_sent),
		T(test_missing_bytes_are_told_at_the_end_unless_excused),
		T(test_file_ranges_are_compared_with_the_file),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
