/* The hash is XXH3: names, files and streams must come out the same on every
 * machine and with every version of the library. */
#include "ktest.h"

#include <string.h>

#include <ktsim/base/hash.h>

static void
test_xxh3_has_not_changed(void **state)
{
	uint8_t page[4096];

	memset(page, 'x', sizeof(page));
	/* XXH3_64bits("") as its authors publish it */
	assert_true(hash64("", 0, 0) == 0x2d06800538d394c2ULL);
	assert_true(hash64("a", 1, 0) == 0xe6c632b61e964e1fULL);
	assert_true(hash64("a", 1, 0) != hash64("a", 1, 1));
	assert_true(hash64(page, 4096, 0) != hash64(page, 4095, 0));
	page[4000] ^= 1;
	assert_true(hash64(page, 4096, 7) == hash64(page, 4096, 7));
}

static void
test_a_stream_is_the_same_however_it_was_cut(void **state)
{
	struct hash_stream *a = hash_stream_create(), *b = hash_stream_create();
	const uint64_t v[] = { 1, 0x0203040506070809ULL };
	char ha[HASH_HEX_SIZE], hb[HASH_HEX_SIZE];

	/* XXH3_128bits("") as its authors publish it */
	hash_stream_hex(a, ha);
	assert_string_equal(ha, "99aa06d3014798d86001c324468d497f");
	hash_stream_adds(a, "ab");
	hash_stream_addu(a, v, 2);
	hash_stream_add(b, "a", 1);
	hash_stream_add(b, "b\0\1\0\0\0\0", 7);
	hash_stream_add(b, "\0\0\0\x9\x8\x7\x6\x5\x4\x3\x2", 11);
	hash_stream_hex(a, ha);
	hash_stream_hex(b, hb);
	assert_string_equal(ha, hb);
	hash_stream_adds(b, "");
	hash_stream_hex(b, hb);
	assert_string_not_equal(ha, hb);
	hash_stream_destroy(a);
	hash_stream_destroy(b);
	hash_stream_destroy(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xxh3_has_not_changed),
		cmocka_unit_test(test_a_stream_is_the_same_however_it_was_cut),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
