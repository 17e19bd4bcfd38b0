/* Record protection against libcrypto used directly (tests/support/reftls). */
#include "tlsbench.h"

#include <ktsim/opencrypto/crypto_backend.h>
#include <ktsim/opencrypto/tls_crypt.h>

static const struct crypto_backend *cb; /* under test */
static uint8_t pay[3000], ref[REFTLS_MAX], out[REFTLS_MAX];

static int
fill(void **state)
{
	for (unsigned i = 0; i < sizeof(pay); i++)
		pay[i] = (uint8_t)(i * 17 + 3);
	return (0);
}

static size_t
seal(const struct tls_suite *s, uint64_t seqno, uint8_t type, size_t len)
{
	return (reftls_seal(s, tb_key, tb_iv, seqno * 3 + 1, seqno, type, pay,
	    len, 0, ref));
}

static void
test_encryption_equals_libcrypto_for_every_suite_length_and_number(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 255, 256, 0xffffffff,
		0x100000000ULL, 0x0123456789abcdefULL, UINT64_MAX };
	struct tls_iov iov[3];
	size_t n, cut;

	for (unsigned i = 0; i < tls_nsuites; i++) {
		const struct tls_suite *s = &tls_suites[i];
		struct tls_crypt *tc =
		    tls_crypt_create(cb, s, tb_key, tb_iv, 2);

		assert_ptr_equal(tls_crypt_suite(tc), s);
		for (unsigned k = 0; k < nitems(numbers); k++)
			for (uint32_t len = 0; len < 200; len += 13) {
				uint8_t type = k % 2 ? 23 : 21, *o = out;

				n = seal(s, numbers[k], type, len);
				memcpy(o, ref, s->hlen);
				cut = len / 3;
				iov[0] = (struct tls_iov) { pay, o + s->hlen,
					(uint32_t)cut };
				iov[1] = (struct tls_iov) { pay + cut,
					o + s->hlen + cut, 0 };
				iov[2] = (struct tls_iov) { pay + cut,
					o + s->hlen + cut,
					(uint32_t)(len - cut) };
				assert_int_equal(tls_record_encrypt(tc, k % 2,
						     o, numbers[k], type, iov,
						     3, o + s->hlen + len),
				    0);
				assert_int_equal(n, s->hlen + len + s->tlen);
				assert_memory_equal(out, ref, n);
			}
		tls_crypt_destroy(tc);
	}
}

static int
open_record(struct tls_crypt *tc, uint64_t seqno, size_t n)
{
	const struct tls_suite *s = tls_crypt_suite(tc);
	struct tls_iov iov = { ref + s->hlen, out,
		(uint32_t)(n - s->hlen - 16) };

	return (tls_record_decrypt(tc, 0, ref, seqno, &iov, 1, ref + n - 16));
}

static void
test_decryption_gives_back_and_every_flipped_bit_is_ebadmsg(void **state)
{
	size_t n;

	for (unsigned i = 0; i < tls_nsuites; i++) {
		const struct tls_suite *s = &tls_suites[i];
		struct tls_crypt *tc =
		    tls_crypt_create(cb, s, tb_key, tb_iv, 1);

		n = seal(s, 9, 22, 50);
		assert_int_equal(open_record(tc, 9, n), 0);
		assert_memory_equal(out, pay, 50);
		if (s->vminor == 4)
			assert_int_equal(out[50], 22);
		assert_int_equal(open_record(tc, 10, n), EBADMSG);
		for (size_t bit = 0; bit < n * 8; bit++) {
			ref[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(open_record(tc, 9, n), EBADMSG);
			ref[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(open_record(tc, 9, n), 0);
		tls_crypt_destroy(tc);
	}
}

static void
test_the_stream_form_equals_the_whole_for_every_cut(void **state)
{
	const uint32_t len = 300;

	for (unsigned i = 0; i < tls_nsuites; i++) {
		const struct tls_suite *s = &tls_suites[i];
		struct tls_crypt *tc =
		    tls_crypt_create(cb, s, tb_key, tb_iv, 1);
		struct tls_stream *ts = tls_stream_create(tc);
		uint8_t type = 23, *body = ref + s->hlen;
		size_t n = seal(s, 77, type, len);

		for (uint32_t cut = 0; cut <= len; cut++) {
			memset(out, 0, sizeof(out));
			tls_stream_start(ts, ref, 77);
			/* thrown away up to the cut, every other time */
			tls_stream_update(ts, pay, cut % 2 ? NULL : out, cut);
			tls_stream_update(ts, pay + cut, out + cut, len - cut);
			if (s->vminor == 4)
				tls_stream_update(ts, &type, out + len, 1);
			assert_memory_equal(out + cut, body + cut,
			    n - s->hlen - 16 - cut);
			if (cut % 2 == 0)
				assert_memory_equal(out, body, cut);
			tls_stream_tag(ts, out);
			assert_memory_equal(out, ref + n - 16, 16);
		}
		tls_stream_destroy(ts);
		tls_crypt_destroy(tc);
	}
}

static void
test_suites_are_found_by_what_they_are_and_by_name(void **state)
{
	for (unsigned i = 0; i < tls_nsuites; i++) {
		const struct tls_suite *s = &tls_suites[i];

		assert_ptr_equal(tls_suite_find(s->algorithm, s->key_len,
				     s->vminor),
		    s);
		assert_ptr_equal(tls_suite_byname(s->name), s);
		assert_int_equal(s->tlen, s->vminor == 4 ? 17 : 16);
		assert_int_equal(s->hlen, s->iv_len == 4 ? 13 : 5);
	}
	assert_int_equal(tls_nsuites, 6);
	assert_null(tls_suite_find(CRYPTO_AES_NIST_GCM_16, 24, 3));
	assert_null(tls_suite_find(CRYPTO_AES_CBC, 16, 3));
	assert_null(tls_suite_byname("aes128-gcm"));
	tls_crypt_destroy(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_encryption_equals_libcrypto_for_every_suite_length_and_number),
		cmocka_unit_test(
		    test_decryption_gives_back_and_every_flipped_bit_is_ebadmsg),
		cmocka_unit_test(
		    test_the_stream_form_equals_the_whole_for_every_cut),
		cmocka_unit_test(
		    test_suites_are_found_by_what_they_are_and_by_name),
	};

	int failed = 0, run = 0;
	const char *why;

	/* Every backend that this machine has, against the same reference. */
	for (unsigned i = 0; (cb = crypto_backends[i]) != NULL; i++) {
		if (cb->cb_usable != NULL && !cb->cb_usable(&why)) {
			print_message("%s: %s\n", cb->cb_name, why);
			continue;
		}
		failed +=
		    cmocka_run_group_tests_name(cb->cb_name, tests, fill, NULL);
		run++;
	}
	return (run == 0 ? 1 : failed);
}
