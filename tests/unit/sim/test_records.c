/* Which TLS records the bytes of a stream belong to. */
#include <stdlib.h>
#include <string.h>

#include "ktest.h"
#include "records.h"

#define STREAM 20000

/* Three records of 100, 16401 and 0 bytes of body, then one of 50. */
static uint8_t stream[STREAM];
static const uint16_t bodies[] = { 100, 16401, 0, 50 };
static const uint8_t types[] = { 22, 23, 23, 21 };
static uint64_t starts[5];

static void
put_header(uint8_t *p, uint8_t type, uint16_t len)
{
	p[0] = type;
	p[1] = p[2] = 3;
	p[3] = (uint8_t)(len >> 8);
	p[4] = (uint8_t)len;
}

static int
setup(void **state)
{
	uint64_t off = 0;

	memset(stream, 0x5a, sizeof(stream));
	for (int i = 0; i < 4; i++) {
		starts[i] = off;
		put_header(stream + off, types[i], bodies[i]);
		off += 5 + bodies[i];
	}
	starts[4] = off;
	return (0);
}

static void
send_bytes(struct records *rt, uint64_t from, uint64_t to, uint64_t frame)
{
	records_segment(rt, from, stream + from, (uint32_t)(to - from),
	    (uint32_t)(to - from), frame);
}

static void
assert_all_known(const struct records *rt)
{
	assert_int_equal(records_count(rt), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(records_get(rt, i)->r_start, starts[i]);
		assert_int_equal(records_get(rt, i)->r_len, bodies[i]);
		assert_int_equal(records_get(rt, i)->r_type, types[i]);
	}
}

static void
test_records_cut_across_segments(void **state)
{
	struct records rt = { 0 };
	uint64_t frame = 0;

	for (uint64_t at = 0; at < starts[4]; at += 1448)
		send_bytes(&rt, at,
		    at + 1448 < starts[4] ? at + 1448 : starts[4], ++frame);
	assert_all_known(&rt);
	assert_int_equal(records_find(&rt, 0), 0);
	assert_int_equal(records_find(&rt, 104), 0);
	assert_int_equal(records_find(&rt, 105), 1);
	assert_int_equal(records_find(&rt, starts[2] - 1), 1);
	assert_int_equal(records_find(&rt, starts[2]), 2);
	assert_int_equal(records_find(&rt, starts[4]), -1);
	assert_int_equal(records_get(&rt, 1)->r_frames, 12);
	assert_int_equal(records_get(&rt, 1)->r_first, 1);
	assert_int_equal(records_get(&rt, 1)->r_last, 12);
	assert_int_equal(records_get(&rt, 1)->r_again, 0);
	records_fini(&rt);
}

static void
test_segments_of_one_byte(void **state)
{
	struct records rt = { 0 };

	for (uint64_t at = 0; at < starts[4]; at++)
		send_bytes(&rt, at, at + 1, at + 1);
	assert_all_known(&rt);
	assert_int_equal(rt.rt_nahead, 0);
	assert_int_equal(records_get(&rt, 0)->r_frames, 105);
	assert_int_equal(records_get(&rt, 0)->r_first, 1);
	assert_int_equal(records_get(&rt, 2)->r_frames, 5);
	records_fini(&rt);
}

static void
test_out_of_order_waits_for_the_header(void **state)
{
	struct records rt = { 0 };

	send_bytes(&rt, 1000, 2000, 1);
	assert_int_equal(rt.rt_state, RS_START);
	assert_int_equal(records_find(&rt, 1000), -1);
	send_bytes(&rt, 3, 1000, 2);
	assert_int_equal(records_count(&rt), 0);
	send_bytes(&rt, 0, 3, 3);
	assert_int_equal(records_count(&rt), 2);
	assert_int_equal(records_find(&rt, 1000), 1);
	/* What waited is counted where it belongs. */
	assert_int_equal(records_get(&rt, 0)->r_frames, 2);
	assert_int_equal(records_get(&rt, 0)->r_first, 2);
	assert_int_equal(records_get(&rt, 1)->r_frames, 2);
	assert_int_equal(records_get(&rt, 1)->r_first, 1);
	assert_int_equal(records_get(&rt, 1)->r_again, 0);
	records_fini(&rt);
}

static void
test_backwards_in_one_byte_segments(void **state)
{
	struct records rt = { 0 };

	for (uint64_t at = 110; at-- > 0;)
		send_bytes(&rt, at, at + 1, 110 - at);
	assert_int_equal(records_count(&rt), 2);
	assert_int_equal(records_get(&rt, 0)->r_frames, 105);
	assert_int_equal(rt.rt_nahead, 0);
	records_fini(&rt);
}

static void
test_a_gap_in_a_body_does_not_matter(void **state)
{
	struct records rt = { 0 };

	send_bytes(&rt, 0, 200, 1);
	send_bytes(&rt, starts[2] - 10, starts[4], 2);
	assert_all_known(&rt);
	records_fini(&rt);
}

static void
test_a_gap_at_a_header_makes_what_follows_unknown(void **state)
{
	struct records rt = { 0 };

	send_bytes(&rt, 0, starts[1] + 2, 1);
	send_bytes(&rt, starts[1] + 3, starts[4], 2);
	assert_int_equal(records_count(&rt), 1);
	assert_int_equal(records_find(&rt, starts[1] + 3), -1);
	send_bytes(&rt, starts[1], starts[1] + 10, 3);
	assert_all_known(&rt);
	records_fini(&rt);
}

static void
test_a_retransmission_belongs_to_the_same_record(void **state)
{
	struct records rt = { 0 };

	send_bytes(&rt, 0, 3000, 1);
	send_bytes(&rt, 3000, starts[4], 2);
	send_bytes(&rt, 1000, 2448, 3);
	assert_all_known(&rt);
	assert_int_equal(records_get(&rt, 1)->r_frames, 3);
	assert_int_equal(records_get(&rt, 1)->r_again, 1);
	assert_int_equal(records_get(&rt, 1)->r_bytes_again, 1448);
	assert_int_equal(records_get(&rt, 1)->r_last, 3);
	assert_int_equal(records_get(&rt, 0)->r_frames, 1);
	records_fini(&rt);
}

static void
test_an_overlap_counts_only_the_repeated_bytes(void **state)
{
	struct records rt = { 0 };

	send_bytes(&rt, 0, 50, 1);
	send_bytes(&rt, 40, 200, 2);
	assert_int_equal(records_get(&rt, 0)->r_bytes_again, 10);
	assert_int_equal(records_get(&rt, 0)->r_again, 1);
	assert_int_equal(records_get(&rt, 1)->r_bytes_again, 0);
	records_fini(&rt);
}

static void
test_a_body_cut_by_the_snapshot_length(void **state)
{
	struct records rt = { 0 };

	records_segment(&rt, 0, stream, 10, 105, 1);
	send_bytes(&rt, 105, 200, 2);
	assert_int_equal(records_count(&rt), 2);
	/* A header in the cut part is not there. */
	records_segment(&rt, 200, stream + 200, 5, 17000, 3);
	assert_int_equal(records_count(&rt), 2);
	assert_int_equal(records_find(&rt, starts[2]), -1);
	records_fini(&rt);
}

static void
test_what_does_not_begin_with_a_record_is_plain(void **state)
{
	struct records rt = { 0 };
	static const uint8_t get[] = "GET / HTTP/1.1\r\n";

	records_segment(&rt, 0, get, 3, 3, 1);
	assert_int_equal(rt.rt_state, RS_START);
	records_segment(&rt, 3, get + 3, 13, 13, 2);
	assert_int_equal(rt.rt_state, RS_PLAIN);
	assert_int_equal(rt.rt_nahead, 0);
	records_fini(&rt);
}

static void
test_a_hostile_length_is_no_header(void **state)
{
	struct records rt = { 0 };
	uint8_t bytes[10] = { 0 };

	put_header(bytes, 22, 0);
	put_header(bytes + 5, 23, 16384 + 2048 + 1);
	records_segment(&rt, 0, bytes, 10, 10, 1);
	assert_int_equal(rt.rt_state, RS_LOST);
	assert_int_equal(records_count(&rt), 1);
	assert_int_equal(records_find(&rt, 5), -1);
	records_segment(&rt, 10, stream, 1000, 1000, 2);
	assert_int_equal(records_count(&rt), 1);
	assert_int_equal(rt.rt_nahead, 0);
	records_fini(&rt);
}

static void
test_what_waits_is_bounded(void **state)
{
	struct records rt = { 0 };
	uint64_t off = 5;

	for (int i = 0; i < 10000; i++, off += 1001)
		records_segment(&rt, off, stream, 1000, 1000, 1);
	assert_true(rt.rt_ahead_bytes <= RECORDS_AHEAD_MAX);
	assert_true(rt.rt_nahead <= RECORDS_CHUNK_MAX);
	assert_true(rt.rt_nseen <= 1024);
	records_fini(&rt);
}

static void
test_old_records_are_forgotten_unless_asked_for(void **state)
{
	struct records rt = { 0 }, all = { .rt_keep_all = true };
	uint8_t empty[5];

	put_header(empty, 23, 0);
	for (uint64_t i = 0; i < RECORDS_KEEP + 10; i++) {
		records_segment(&rt, i * 5, empty, 5, 5, i + 1);
		records_segment(&all, i * 5, empty, 5, 5, i + 1);
	}
	assert_int_equal(records_count(&rt), RECORDS_KEEP + 10);
	assert_null(records_get(&rt, 0));
	assert_int_equal(records_find(&rt, 0), -1);
	assert_int_equal(records_find(&rt, 5 * (RECORDS_KEEP + 9)),
	    RECORDS_KEEP + 9);
	assert_int_equal(records_get(&all, 0)->r_first, 1);
	assert_int_equal(records_find(&all, 7), 1);
	/* A forgotten record's bytes come again. */
	records_segment(&rt, 0, empty, 5, 5, RECORDS_KEEP + 20);
	assert_int_equal(records_count(&rt), RECORDS_KEEP + 10);
	records_fini(&rt);
	records_fini(&all);
}

static void
test_rpc_in_front_is_passed_over(void **state)
{
	static const uint8_t rpc[] = { 0, 0, 0, 3, 1, 2, 3, 0x80, 0, 0, 5, 0x16,
		3, 1, 0, 1 };
	uint8_t bytes[sizeof(rpc) + 300];

	for (size_t step = 1; step < 40; step++) {
		struct records rt = { 0 };
		uint64_t frame = 0;

		memcpy(bytes, rpc, sizeof(rpc));
		memcpy(bytes + sizeof(rpc), stream, 300);
		for (size_t at = 0, n; at < sizeof(bytes); at += n) {
			n = sizeof(bytes) - at < step ? sizeof(bytes) - at
						      : step;
			records_segment(&rt, at, bytes + at, (uint32_t)n,
			    (uint32_t)n, ++frame);
		}
		assert_int_equal(rt.rt_state, RS_TLS);
		assert_int_equal(records_count(&rt), 2);
		assert_int_equal(records_get(&rt, 0)->r_start, sizeof(rpc));
		assert_int_equal(records_get(&rt, 0)->r_len, bodies[0]);
		assert_int_equal(records_find(&rt, 3), -1);
		records_fini(&rt);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_cut_across_segments),
		cmocka_unit_test(test_rpc_in_front_is_passed_over),
		cmocka_unit_test(test_segments_of_one_byte),
		cmocka_unit_test(test_out_of_order_waits_for_the_header),
		cmocka_unit_test(test_backwards_in_one_byte_segments),
		cmocka_unit_test(test_a_gap_in_a_body_does_not_matter),
		cmocka_unit_test(
		    test_a_gap_at_a_header_makes_what_follows_unknown),
		cmocka_unit_test(
		    test_a_retransmission_belongs_to_the_same_record),
		cmocka_unit_test(
		    test_an_overlap_counts_only_the_repeated_bytes),
		cmocka_unit_test(test_a_body_cut_by_the_snapshot_length),
		cmocka_unit_test(
		    test_what_does_not_begin_with_a_record_is_plain),
		cmocka_unit_test(test_a_hostile_length_is_no_header),
		cmocka_unit_test(test_what_waits_is_bounded),
		cmocka_unit_test(
		    test_old_records_are_forgotten_unless_asked_for),
	};

	return (cmocka_run_group_tests(tests, setup, NULL));
}
