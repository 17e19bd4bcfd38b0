/* Bytes in order, whatever the order of their coming. */
#include <stdlib.h>
#include <string.h>

#include "ktest.h"
#include "oracle_int.h"

#define TOTAL 200000

static uint8_t data[TOTAL];
static struct ostream st;
static uint64_t rexmit;

static int
setup(void **state)
{
	memset(&st, 0, sizeof(st));
	rexmit = 0;
	srandom(7);
	for (size_t i = 0; i < TOTAL; i++)
		data[i] = (uint8_t)random();
	return (0);
}

static int
teardown(void **state)
{
	ostream_fini(&st);
	return (0);
}

static enum ost_result
put(uint64_t off, size_t len)
{
	return (ostream_put(&st, off, data + off, len, &rexmit));
}

static void
test_any_order_gives_the_same_bytes(void **state)
{
	while (st.st_next < TOTAL) {
		uint64_t off = (uint64_t)random() % TOTAL;
		size_t len = 1 + (size_t)random() % 5000;

		if (random() % 4 == 0)
			off = st.st_next;
		if (len > TOTAL - off)
			len = TOTAL - off;
		assert_int_equal(put(off, len), OST_OK);
	}
	assert_int_equal(st.st_nahead, 0);
	assert_memory_equal(ostream_at(&st, 0), data, TOTAL);
}

static void
test_trimmed_streams_keep_their_end(void **state)
{
	for (uint64_t off = 0; off < TOTAL; off += 1000) {
		put(off, 1000);
		if (off > 10000)
			ostream_trim(&st, off - 10000);
	}
	assert_memory_equal(ostream_at(&st, TOTAL - 5000), data + TOTAL - 5000,
	    5000);
	assert_true(st.st_size < 100000);
	assert_int_equal(put(0, 5000), OST_OK); /* forgotten */
	assert_int_equal(rexmit, 0);
}

static void
test_equal_repetition_is_counted(void **state)
{
	put(0, 3000);
	assert_int_equal(put(1000, 1000), OST_OK);
	assert_int_equal(rexmit, 1000);
	assert_int_equal(put(2500, 1000), OST_OK);
	assert_int_equal(rexmit, 1500);
	assert_int_equal(st.st_next, 3500);
}

static void
test_one_different_byte_is_found(void **state)
{
	uint8_t other[3000];

	put(0, 3000);
	put(5000, 1000);
	memcpy(other, data, sizeof(other));
	other[2999] ^= 1;
	assert_int_equal(ostream_put(&st, 0, other, 3000, &rexmit),
	    OST_DIFFERS);
	memcpy(other, data + 4500, 1000);
	other[999] ^= 1; /* in the part ahead */
	assert_int_equal(ostream_put(&st, 4500, other, 1000, &rexmit),
	    OST_DIFFERS);
	assert_int_equal(put(3000, 2000), OST_OK);
	assert_int_equal(st.st_next, 6000);
	assert_memory_equal(ostream_at(&st, 0), data, 6000);
}

static void
test_offsets_follow_a_wrapping_sequence(void **state)
{
	st.st_base_seq = 0xfffffff0u;
	put(0, 1000);
	assert_int_equal(ostream_offset(&st, 0xfffffff0u), 0);
	assert_int_equal(ostream_offset(&st, 0x10), 0x20);
	assert_int_equal(ostream_offset(&st, 0xffffffefu), -1);
	st.st_next = 0x180000000ull;
	assert_int_equal(ostream_offset(&st, 0x7ffffff0u), 0x180000000ull);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_any_order_gives_the_same_bytes),
		T(test_trimmed_streams_keep_their_end),
		T(test_equal_repetition_is_counted),
		T(test_one_different_byte_is_found),
		T(test_offsets_follow_a_wrapping_sequence),
	};

	return (
	    cmocka_run_group_tests_name("oracle_stream", tests, NULL, NULL));
}
