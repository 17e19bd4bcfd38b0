/* Keys from secrets, records sealed and opened in userland. */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "ktest.h"
#include "tls_int.h"

static const char *const names[] = { "aes128-gcm", "aes256-gcm",
	"chacha20-poly1305" };
static const char *const cbc[] = { "aes128-cbc-sha1", "aes256-cbc-sha1",
	"aes128-cbc-sha256", "aes256-cbc-sha384" };
static uint8_t plain[REC_MAX_PLAIN], rec[REC_MAX + 64], copy[REC_MAX + 64];

/* RFC 8448 section 3: client application traffic secret, its key and IV. */
static void
test_rfc8448_traffic_keys(void **state)
{
	static const uint8_t secret[] = { 0x9e, 0x40, 0x64, 0x6c, 0xe7, 0x9a,
		0x7f, 0x9d, 0xc0, 0x5a, 0xf8, 0x88, 0x9b, 0xce, 0x65, 0x52,
		0x87, 0x5a, 0xfa, 0x0b, 0x06, 0xdf, 0x00, 0x87, 0xf7, 0x92,
		0xeb, 0xb7, 0xc1, 0x75, 0x04, 0xa5 };
	static const uint8_t key[] = { 0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5,
		0xd9, 0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f, 0x50, 0x51 };
	static const uint8_t iv[] = { 0x5b, 0x78, 0x92, 0x3d, 0xee, 0x08, 0x57,
		0x90, 0x33, 0xe5, 0x23, 0xd9 };
	const struct user_suite *us = user_suite_find("aes128-gcm", 13);
	struct user_kdf kd = { 0 };
	struct user_keys uk;

	assert_true(user_keys13(&kd, us, secret, &uk));
	assert_memory_equal(uk.uk_key, key, sizeof(key));
	assert_memory_equal(uk.uk_iv, iv, sizeof(iv));
	user_kdf_fini(&kd);
}

static void
one_suite(const struct user_suite *us)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 16383, 16384 };
	struct user_rec tx = { NULL }, rx = { NULL };
	struct user_kdf kd = { 0 };
	struct prng rng = { { 1, 2, 3, 4 } };
	uint8_t random[32] = { 7 }, master[48] = { 9 }, type, *p;
	struct user_keys a, b;
	size_t len, n;

	tx.ur_rng = &rng;
	if (us->us_version <= 12)
		assert_true(user_keys12(us, master, random, random, &a, &b));
	else
		assert_true(user_keys13(&kd, us, master, &a));
	assert_true(user_rec_set(&tx, us, &a, true));
	assert_true(user_rec_set(&rx, us, &a, false));
	for (size_t i = 0; i < nitems(sizes); i++) {
		len = user_rec_seal(&tx, RT_APP, plain, sizes[i], rec);
		assert_int_equal(len - REC_HDR, rec[3] << 8 | rec[4]);
		memcpy(copy, rec, len);
		copy[len - 1] ^= 1;
		assert_false(user_rec_open(&rx, copy, len, &type, &p, &n));
		memcpy(copy, rec, len);
		assert_true(user_rec_open(&rx, copy, len, &type, &p, &n));
		assert_int_equal(type, RT_APP);
		assert_int_equal(n, sizes[i]);
		assert_memory_equal(p, plain, n);
		assert_false(user_rec_open(&rx, rec, len, &type, &p, &n));
	}
	assert_false(user_rec_open(&rx, rec, REC_HDR + 3, &type, &p, &n));
	user_kdf_fini(&kd);
	user_rec_fini(&tx);
	user_rec_fini(&rx);
}

static void
test_every_suite_opens_what_it_sealed_once(void **state)
{
	memset(plain, 0x5a, sizeof(plain));
	for (int version = 12; version <= 13; version++)
		for (size_t i = 0; i < nitems(names); i++)
			one_suite(user_suite_find(names[i], version));
	for (int version = 10; version <= 12; version++)
		for (size_t i = 0; i < (version < 12 ? 2 : nitems(cbc)); i++)
			one_suite(user_suite_find(cbc[i], version));
}

static void
test_the_kernels_argument_for_cbc_has_a_mac_key(void **state)
{
	static const uint8_t maclen[] = { 20, 20, 32, 48 };
	const struct user_suite *us;
	struct user_keys uk;
	struct tls_enable en;

	for (int version = 10; version <= 12; version++)
		for (size_t i = 0; i < (version < 12 ? 2 : nitems(cbc)); i++) {
			us = user_suite_find(cbc[i], version);
			user_enable(us, &uk, 258, &en);
			assert_int_equal(en.cipher_algorithm, CRYPTO_AES_CBC);
			assert_int_equal(en.auth_key_len, maclen[i]);
			assert_ptr_equal(en.auth_key, uk.uk_mac);
			assert_int_equal(en.iv_len, version == 10 ? 16 : 0);
			assert_int_equal(en.tls_vminor, version - 9);
			assert_memory_equal(en.rec_seq, "\0\0\0\0\0\0\1\2", 8);
		}
	assert_null(user_suite_find("aes128-cbc-sha256", 11));
	assert_null(user_suite_find("aes128-cbc-sha1", 13));
}

static void
test_the_kernels_argument_has_the_ivs_the_kernel_wants(void **state)
{
	struct user_keys uk;
	struct tls_enable en;

	for (int version = 12; version <= 13; version++)
		for (size_t i = 0; i < nitems(names); i++) {
			user_enable(user_suite_find(names[i], version), &uk, 0,
			    &en);
			assert_int_equal(en.iv_len,
			    version == 12 && i < 2 ? 4 : 12);
			assert_int_equal(en.cipher_key_len, i == 0 ? 16 : 32);
			assert_int_equal(en.tls_vminor, version == 12 ? 3 : 4);
			assert_int_equal(en.flags, 0);
			assert_int_equal(en.auth_key_len, 0);
		}
	assert_null(user_suite_find("aes128-gcm", 11));
	assert_null(user_suite_find(NULL, 13));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8448_traffic_keys),
		cmocka_unit_test(test_every_suite_opens_what_it_sealed_once),
		cmocka_unit_test(
		    test_the_kernels_argument_for_cbc_has_a_mac_key),
		cmocka_unit_test(
		    test_the_kernels_argument_has_the_ivs_the_kernel_wants),
	};

	return (cmocka_run_group_tests_name("rec_user", tests, NULL, NULL));
}
