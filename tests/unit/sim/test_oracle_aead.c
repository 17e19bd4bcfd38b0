/* Published vectors and the set of nonces. */
#include <stdlib.h>
#include <string.h>

#include "ktest.h"
#include "oracle_int.h"

/*
 * RFC 8448 section 3: the server's application traffic secret and its first
 * record after the tickets is not there as such; the client's first
 * application record (50 bytes 00..31) is.
 */
static const char *const kl_line =
    "CLIENT_TRAFFIC_SECRET_0 "
    "0101010101010101010101010101010101010101010101010101010101010101 "
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
static const uint8_t record[] = { 0x17, 0x03, 0x03, 0x00, 0x43, 0xa2, 0x3f,
	0x70, 0x54, 0xb6, 0x2c, 0x94, 0xd0, 0xaf, 0xfa, 0xfe, 0x82, 0x28, 0xba,
	0x55, 0xcb, 0xef, 0xac, 0xea, 0x42, 0xf9, 0x14, 0xaa, 0x66, 0xbc, 0xab,
	0x3f, 0x2b, 0x98, 0x19, 0xa8, 0xa5, 0xb4, 0x6b, 0x39, 0x5b, 0xd5, 0x4a,
	0x9a, 0x20, 0x44, 0x1e, 0x2b, 0x62, 0x97, 0x4e, 0x1f, 0x5a, 0x62, 0x92,
	0xa2, 0x97, 0x70, 0x14, 0xbd, 0x1e, 0x3d, 0xea, 0xe6, 0x3a, 0xee, 0xbb,
	0x21, 0x69, 0x49, 0x15, 0xe4 };

static void
test_rfc8448_application_record_opens(void **state)
{
	uint8_t random[32], secret[48], out[128];
	struct okeylog *kl = okeylog_create();
	struct okey k = { 0 };
	int n;

	memset(random, 1, sizeof(random));
	okeylog_line(kl, kl_line);
	assert_int_equal(okeylog_find(kl, "CLIENT_TRAFFIC_SECRET_0", random,
			     secret),
	    32);
	assert_int_equal(okeylog_find(kl, "CLIENT_RANDOM", random, secret), 0);
	assert_true(okey_from_secret13(&k, osuite_find(0x1301, 13), secret));
	n = okey_open(&k, record, sizeof(record), 0, out);
	assert_int_equal(n, 51);
	for (int i = 0; i < 50; i++)
		assert_int_equal(out[i], i);
	assert_int_equal(out[50], 23);
	assert_int_equal(okey_open(&k, record, sizeof(record), 1, out), -1);
	okey_reset(&k);
	okeylog_destroy(kl);
}

static void
test_a_key_log_grows_and_ignores_nonsense(void **state)
{
	struct okeylog *kl = okeylog_create();
	uint8_t random[32] = { 0 }, out[48];
	char line[256];
	int n;

	okeylog_line(kl, "");
	okeylog_line(kl, "# comment");
	okeylog_line(kl, "CLIENT_RANDOM 12 34");
	okeylog_line(kl, "CLIENT_RANDOM");
	for (int i = 0; i < 1000; i++) {
		n = snprintf(line, sizeof(line), "CLIENT_RANDOM %064x ",
		    (unsigned)i);
		snprintf(line + n, sizeof(line) - (size_t)n, "%096x",
		    (unsigned)i * 3);
		okeylog_line(kl, line);
	}
	random[30] = 3;
	random[31] = 0xe7; /* 999 */
	assert_int_equal(okeylog_find(kl, "CLIENT_RANDOM", random, out), 48);
	assert_int_equal(rd16(out + 46), 2997);
	okeylog_destroy(kl);
}

static void
test_a_set_of_nonces_finds_the_second_use(void **state)
{
	struct oset os = { 0 };
	uint64_t base = UINT64_MAX - 500;

	for (uint64_t i = 0; i < 1000; i++) /* wraps */
		assert_true(oset_add(&os, base + i));
	assert_true(os.n <= 2);
	assert_false(oset_add(&os, base));
	assert_false(oset_add(&os, 0));
	assert_false(oset_add(&os, base + 999));
	assert_true(oset_add(&os, base - 1));
	assert_true(oset_add(&os, base + 2000));
	assert_false(oset_add(&os, base + 2000));
	oset_fini(&os);
	for (uint64_t i = 0; i < 3000; i++) /* no order at all */
		assert_true(oset_add(&os, i * 0x9e3779b97f4a7c15ull));
	for (uint64_t i = 0; i < 3000; i++)
		assert_false(oset_add(&os, i * 0x9e3779b97f4a7c15ull));
	oset_fini(&os);
}

/*
 * RFC 5246 6.2.3.2: all padding is of one value. Of its 76 bytes some in the
 * middle are garbled, which the MAC does not see.
 */
static void
test_padding_of_cbc_is_looked_at(void **state)
{
	static const uint8_t key[16] = "key", mackey[20] = "another";
	struct okey k = { .ok_suite = osuite_find(0xc009, 12) };
	uint8_t rec[5 + 16 + 96] = { 23, 3, 3, 0, 112 }, out[128];
	uint8_t plain[96], head[13] = { [8] = 23, 3, 3 };
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	size_t maclen;
	int n;

	k.ok_ctx = EVP_CIPHER_CTX_new();
	EVP_DecryptInit_ex(k.ok_ctx, EVP_aes_128_cbc(), NULL, key, NULL);
	assert_true(ocbc_set(&k, mackey));
	assert_int_equal(EVP_MAC_init(k.ok_mac, NULL, 0, NULL), 1);
	assert_int_equal(EVP_MAC_update(k.ok_mac, head, sizeof(head)), 1);
	assert_int_equal(EVP_MAC_final(k.ok_mac, plain, &maclen, 20), 1);
	memset(plain + 20, 75, 76);
	EVP_EncryptInit_ex(c, EVP_aes_128_cbc(), NULL, key, rec + 5);
	EVP_CIPHER_CTX_set_padding(c, 0);
	EVP_EncryptUpdate(c, rec + 21, &n, plain, sizeof(plain));
	EVP_CIPHER_CTX_free(c);
	assert_int_equal(okey_open(&k, rec, sizeof(rec), 0, out), 0);
	rec[21 + 40] ^= 1;
	assert_int_equal(okey_open(&k, rec, sizeof(rec), 0, out), -1);
	okey_reset(&k);
}

/* Many random IVs, so that the table grows; each is new exactly once. */
static void
test_an_explicit_iv_is_new_once(void **state)
{
	struct okey k = { .ok_suite = osuite_find(0xc009, 11) };
	uint8_t rec[37] = { 23, 3, 2, 0, 32 };

	for (int again = 0; again < 2; again++)
		for (uint64_t i = 1; i <= 1000; i++) {
			wr64(rec + 5, i * 0x9e3779b97f4a7c15u);
			wr64(rec + 13, i / 7);
			assert_int_equal(ocbc_passed(&k, rec, sizeof(rec)),
			    again == 0);
		}
	okey_reset(&k);
	/* TLS 1.0: not in the record, but its last block is the next IV. */
	k.ok_suite = osuite_find(0xc009, 10);
	for (int i = 0; i < 2; i++)
		assert_true(ocbc_passed(&k, rec, sizeof(rec)));
	assert_memory_equal(k.ok_iv, rec + 21, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_padding_of_cbc_is_looked_at),
		cmocka_unit_test(test_an_explicit_iv_is_new_once),
		cmocka_unit_test(test_rfc8448_application_record_opens),
		cmocka_unit_test(test_a_key_log_grows_and_ignores_nonsense),
		cmocka_unit_test(test_a_set_of_nonces_finds_the_second_use),
	};

	return (cmocka_run_group_tests_name("oracle_aead", tests, NULL, NULL));
}
