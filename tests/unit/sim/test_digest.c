/* SHA-256 in pieces, against the standard's own example (FIPS 180-4). */
#include "ktest.h"

#include <ktsim/sim/digest.h>

static void
test_pieces_make_the_whole(void **state)
{
	struct digest *d = digest_create();
	char hex[DIGEST_HEX];

	digest_add(d, "a", 1);
	digest_add(d, "", 0);
	digest_add(d, "bc", 2);
	digest_take(d, hex);
	assert_string_equal(hex,
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_make_the_whole),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
