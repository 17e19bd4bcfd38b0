/* Headers as the oracle reads them. */
#include <string.h>

#include "fakewire.h"
#include "ktest.h"
#include "oracle_int.h"

static struct oseg sg;
static bool ok;
static uint8_t flat[4096];
static size_t flat_len;

static void
parse(void *arg, struct frame *f, simtime_t when, int from)
{
	memcpy(flat, f->f_hdr, f->f_hdrlen);
	if (f->f_paylen > 0)
		memcpy(flat + f->f_hdrlen, f->f_payload, f->f_paylen);
	flat_len = frame_len(f);
	ok =
	    oseg_parse(&sg, flat, f->f_hdrlen, flat + f->f_hdrlen, f->f_paylen);
}

static void
one(bool v6, bool vlan)
{
	struct fakewire fw;

	fakewire_init(&fw, v6, 50000, parse, NULL);
	fw.vlan = vlan;
	fw.no_acks = true;
	fakewire_send(&fw, 0, "hello", 5);
	fakewire_fini(&fw);
}

static void
test_both_families_with_and_without_vlan(void **state)
{
	char name[128];

	for (int i = 0; i < 4; i++) {
		one((i & 1) != 0, (i & 2) != 0);
		assert_true(ok);
		assert_int_equal(sg.n[0] + sg.n[1], 5);
		assert_memory_equal(sg.p[sg.n[0] == 0], "hello", 5);
		oseg_name(&sg, false, name, sizeof(name));
		assert_string_equal(name,
		    (i & 1) != 0 ? "[fd00::1]:50000 > [fd00::2]:443"
				 : "10.0.0.1:50000 > 10.0.0.2:443");
		oseg_name(&sg, true, name, sizeof(name));
		assert_string_equal(name,
		    (i & 1) != 0 ? "[fd00::2]:443 > [fd00::1]:50000"
				 : "10.0.0.2:443 > 10.0.0.1:50000");
	}
}

static void
test_any_cut_between_header_and_payload_is_the_same(void **state)
{
	one(false, false);
	for (size_t cut = 0; cut <= flat_len; cut++) {
		uint8_t got[8];

		assert_true(
		    oseg_parse(&sg, flat, cut, flat + cut, flat_len - cut));
		assert_int_equal(sg.n[0] + sg.n[1], 5);
		memcpy(got, sg.n[0] > 0 ? sg.p[0] : got, sg.n[0]);
		if (sg.n[1] > 0)
			memcpy(got + sg.n[0], sg.p[1], sg.n[1]);
		assert_memory_equal(got, "hello", 5);
	}
}

static void
test_ip_options_and_ethernet_padding_are_no_payload(void **state)
{
	one(false, false);
	memmove(flat + 38, flat + 34, flat_len - 34);
	flat[14] = 0x46;
	flat[17] = (uint8_t)(flat[17] + 4);
	memset(flat + 34, 1, 4);
	memset(flat + flat_len + 4, 0, 10);
	assert_true(oseg_parse(&sg, flat, flat_len + 14, NULL, 0));
	assert_int_equal(sg.n[0], 5);
	assert_memory_equal(sg.p[0], "hello", 5);
}

static void
test_what_is_not_tcp_is_refused(void **state)
{
	one(false, false);
	flat[23] = 17;
	assert_false(oseg_parse(&sg, flat, flat_len, NULL, 0));
	one(false, false);
	flat[20] |= 0x20; /* a fragment */
	assert_false(oseg_parse(&sg, flat, flat_len, NULL, 0));
	one(false, false);
	for (size_t n = 0; n < 54; n++)
		assert_false(oseg_parse(&sg, flat, n, NULL, 0));
	flat[12] = 8;
	flat[13] = 6;
	assert_false(oseg_parse(&sg, flat, flat_len, NULL, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_families_with_and_without_vlan),
		cmocka_unit_test(
		    test_any_cut_between_header_and_payload_is_the_same),
		cmocka_unit_test(
		    test_ip_options_and_ethernet_padding_are_no_payload),
		cmocka_unit_test(test_what_is_not_tcp_is_refused),
	};

	return (cmocka_run_group_tests_name("oracle_frame", tests, NULL, NULL));
}
