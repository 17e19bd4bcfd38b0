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

static struct tls_crypt *
crypt_new(const struct tls_suite *s, unsigned slots)
{
	struct tls_keys k = { .key = tb_key,
		.iv = tb_iv,
		.auth = (const uint8_t *)REFTLS_AUTH_KEY,
		.auth_len = REFTLS_AUTH_KEY_LEN };

	return (tls_crypt_create(cb, s, &k, slots));
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
		struct tls_crypt *tc = crypt_new(s, 2);

		assert_ptr_equal(tls_crypt_suite(tc), s);
		for (unsigned k = 0; k < nitems(numbers); k++)
			for (uint32_t len = 0; len < 200; len += 13) {
				uint8_t type = k % 2 ? 23 : 21, *o = out;

				if (tls_suite_chained(s))
					continue; /* below */
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
				assert_int_equal(n,
				    s->hlen + len + tls_suite_trailer(s, len));
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
	uint32_t paylen = 0;
	int error;

	if (tb_cbc(s)) {
		iov.len += 16;
		error = tls_record_decrypt_cbc(tc, 0, ref, seqno, &iov, 1, out,
		    &paylen);
		if (error == 0)
			assert_int_equal(paylen, 50);
		return (error);
	}
	return (tls_record_decrypt(tc, 0, ref, seqno, &iov, 1, ref + n - 16));
}

static void
test_decryption_gives_back_and_every_flipped_bit_is_ebadmsg(void **state)
{
	size_t n;

	for (unsigned i = 0; i < tls_nsuites; i++) {
		const struct tls_suite *s = &tls_suites[i];
		struct tls_crypt *tc = crypt_new(s, 1);

		if (tls_suite_chained(s)) {
			tls_crypt_destroy(tc);
			continue; /* not received */
		}
		n = seal(s, 9, 22, 50);
		assert_int_equal(open_record(tc, 9, n), 0);
		assert_memory_equal(out, pay, 50);
		if (s->vminor == 4)
			assert_int_equal(out[50], 22);
		assert_int_equal(open_record(tc, 10, n), EBADMSG);
		for (size_t bit = 0; bit < n * 8; bit++) {
			if (tb_cbc(s) && (bit / 8 == 3 || bit / 8 == 4))
				continue; /* the length is told by iov */
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

	for (unsigned i = 0; i < tls_nsuites && !tb_cbc(&tls_suites[i]); i++) {
		const struct tls_suite *s = &tls_suites[i];
		struct tls_crypt *tc = crypt_new(s, 1);
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

		assert_ptr_equal(tls_suite_find(s->algorithm, s->auth_algorithm,
				     s->key_len, s->vminor),
		    s);
		assert_ptr_equal(tls_suite_byname(s->name), s);
		assert_int_equal(strncmp(s->name, "aes128", 6) == 0,
		    s->key_len == 16);
		assert_true(s->hlen <= MBUF_PEXT_HDR_LEN);
		assert_true(s->tlen <= MBUF_PEXT_TRAIL_LEN);
		if (tb_cbc(s))
			continue;
		assert_int_equal(s->tlen, s->vminor == 4 ? 17 : 16);
		assert_int_equal(s->hlen, s->iv_len == 4 ? 13 : 5);
	}
	assert_int_equal(tls_nsuites, 16);
	assert_null(tls_suite_find(CRYPTO_AES_NIST_GCM_16, 0, 24, 3));
	assert_null(tls_suite_find(CRYPTO_AES_CBC, 0, 16, 3));
	assert_null(tls_suite_find(CRYPTO_AES_CBC, CRYPTO_SHA2_256_HMAC, 0, 2));
	assert_null(tls_suite_byname("aes128-gcm"));
	tls_crypt_destroy(NULL);
}

/* Table 2.1 of freebsd-ktls.md. */
static void
test_sizes_of_cbc_suites_are_freebsds(void **state)
{
	static const struct {
		const char *name;
		uint8_t hlen, tlen, mac;
	} t[] = { { "aes128-cbc-sha1-1.0", 5, 36, 20 },
		{ "aes256-cbc-sha1-1.1", 21, 36, 20 },
		{ "aes128-cbc-sha1-1.2", 21, 36, 20 },
		{ "aes256-cbc-sha256-1.2", 21, 48, 32 },
		{ "aes128-cbc-sha384-1.2", 21, 64, 48 } };
	const struct tls_suite *s;
	unsigned n;

	for (unsigned i = 0; i < nitems(t); i++) {
		assert_non_null(s = tls_suite_byname(t[i].name));
		assert_int_equal(s->hlen, t[i].hlen);
		assert_int_equal(s->tlen, t[i].tlen);
		assert_int_equal(s->tag_len, t[i].mac);
		assert_int_equal(s->iv_len, s->vminor == 1 ? 16 : 0);
		/* Always the least padding. */
		for (unsigned len = 0; len < 100; len++) {
			n = tls_suite_trailer(s, len);
			assert_int_equal((len + n) % 16, 0);
			assert_true(n > t[i].mac && n <= t[i].mac + 16u);
		}
	}
}

/* One record after the other, each with the last block of the one before. */
static void
test_tls10_chains_its_records(void **state)
{
	const struct tls_suite *s = tls_suite_byname("aes256-cbc-sha1-1.0");
	struct tls_crypt *tc = crypt_new(s, 2);
	uint8_t iv[16];
	struct tls_iov iov[2];
	size_t n;

	memcpy(iv, tb_iv, 16);
	for (uint32_t len = 0; len < 70; len++) {
		n = reftls_seal(s, tb_key, iv, 0, len, 23, pay, len, 0, ref);
		memcpy(iv, ref + n - 16, 16);
		memcpy(out, ref, 5);
		memcpy(out + 5, pay, len); /* in place, in two pieces */
		iov[0] = (struct tls_iov) { out + 5, out + 5, len / 2 };
		iov[1] = (struct tls_iov) { out + 5 + len / 2,
			out + 5 + len / 2, len - len / 2 };
		assert_int_equal(tls_record_encrypt(tc, len % 2, out, len, 23,
				     iov, 2, out + 5 + len),
		    0);
		assert_memory_equal(out, ref, n);
	}
	tls_crypt_destroy(tc);
}

/* Pieces of 1 to 40 bytes: every way a block can lie over their borders. */
static void
test_cbc_blocks_run_on_over_pieces(void **state)
{
	static uint8_t got[4096];
	struct tls_iov iov[400];
	uint32_t paylen, len, at, take;
	unsigned np;
	size_t n;

	for (unsigned i = 0; i < tls_nsuites; i++) {
		const struct tls_suite *s = &tls_suites[i];
		struct tls_crypt *tc;

		if (!tb_cbc(s) || tls_suite_chained(s))
			continue;
		tc = crypt_new(s, 1);
		for (uint32_t piece = 1; piece <= 40; piece++)
			for (len = 0; len < 50; len += 7) {
				n = seal(s, 5, 23, len);
				np = 0;
				for (at = s->hlen; at < n; at += take) {
					take = MIN(piece, (uint32_t)n - at);
					iov[np++] = (struct tls_iov) { ref + at,
						got + at - s->hlen, take };
				}
				assert_int_equal(tls_record_decrypt_cbc(tc, 0,
						     ref, 5, iov, np, got,
						     &paylen),
				    0);
				assert_int_equal(paylen, len);
				assert_memory_equal(got, pay, len);
			}
		tls_crypt_destroy(tc);
	}
}

static void
test_cbc_padding_up_to_256_bytes_is_taken(void **state)
{
	const struct tls_suite *s = tls_suite_byname("aes128-cbc-sha256-1.2");
	struct tls_crypt *tc = crypt_new(s, 1);
	size_t n;

	for (size_t pad = 0; pad <= 240; pad += 16) {
		n = reftls_seal(s, tb_key, tb_iv, 7, 9, 23, pay, 50, pad, ref);
		assert_int_equal(n, s->hlen + 50 + 32 + 14 + pad);
		assert_int_equal(open_record(tc, 9, n), 0);
		assert_memory_equal(out, pay, 50);
		/* Blocks of nothing but padding: the MAC does not see them. */
		if (pad >= 48) {
			ref[n - 48] ^= 1;
			assert_int_equal(open_record(tc, 9, n), EBADMSG);
			ref[n - 48] ^= 1;
		}
		/* From here the padding byte itself is another. */
		ref[n - 17] ^= 1;
		assert_int_equal(open_record(tc, 9, n), EBADMSG);
	}
	tls_crypt_destroy(tc);
}

static void
test_a_part_of_a_record_is_what_it_is_in_the_whole(void **state)
{
	static const uint32_t offs[] = { 0, 1, 15, 16, 17, 31, 32, 500, 1999 };
	static const uint32_t lens[] = { 0, 1, 15, 16, 17, 33, 800 };

	for (unsigned i = 0; i < tls_nsuites; i++) {
		const struct tls_suite *s = &tls_suites[i];
		struct tls_crypt *tc = crypt_new(s, 1);

		(void)seal(s, 77, 23, 3000);
		if (s->cipher == TLS_CIPHER_GCM)
			for (unsigned k = 0; k < 9 * 7; k++) {
				uint32_t off = offs[k / 7], len = lens[k % 7];

				memset(out, 0, sizeof(out));
				assert_int_equal(tls_record_ctr(tc, 0, ref, 77,
						     off, pay + off, out, len),
				    0);
				assert_memory_equal(out, ref + s->hlen + off,
				    len);
				assert_int_equal(out[len], 0);
			}
		if (s->cipher == TLS_CIPHER_CBC && !tls_suite_chained(s))
			for (uint32_t len = 0; len < 3000; len += 496) {
				assert_int_equal(tls_record_blocks_cbc(tc, 0,
						     ref, pay, out, len),
				    0);
				assert_memory_equal(out, ref + s->hlen, len);
			}
		tls_crypt_destroy(tc);
	}
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
		cmocka_unit_test(test_sizes_of_cbc_suites_are_freebsds),
		cmocka_unit_test(test_tls10_chains_its_records),
		cmocka_unit_test(test_cbc_blocks_run_on_over_pieces),
		cmocka_unit_test(test_cbc_padding_up_to_256_bytes_is_taken),
		cmocka_unit_test(
		    test_a_part_of_a_record_is_what_it_is_in_the_whole),
	};

	int failed = 0, run = 0;
	const char *why;

	/* Every backend that this machine has, against the same reference. */
	for (unsigned i = 0; (cb = crypto_backends[i]) != NULL; i++) {
		if (cb->cb_new == NULL)
			continue; /* "none" */
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
