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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xxh3_has_not_changed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
