/*
 * The oracle against a real libssl pair over memory BIOs, and against the
 * same bytes with one thing wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ktsim/sim/record_oracle.h>

#include "fakewire.h"
#include "ktest.h"

#define BODY 300000

static struct record_oracle *ro;
static struct fakewire fw;
static SSL_CTX *sctx, *cctx;
static SSL *ssl[2]; /* 0: client */
static BIO *out[2]; /* what each has to send */
static uint8_t body[BODY];
static int reports, invariant;
static uint64_t report_frame;
static char report_text[512];
static bool mute_keylog;
static void (*tamper)(uint8_t *, size_t, int from);

static void
report(void *arg, int inv, uint64_t frame, const char *text)
{
	reports++;
	invariant = inv;
	report_frame = frame;
	snprintf(report_text, sizeof(report_text), "%s", text);
}

static void
keylog(const SSL *s, const char *line)
{
	if (!mute_keylog)
		record_oracle_keylog(ro, line);
}

static void
to_oracle(void *arg, struct frame *f, simtime_t when, int from)
{
	record_oracle_frame(ro, f->f_id, f->f_hdr, f->f_hdrlen, f->f_payload,
	    f->f_paylen);
}

static X509 *
make_cert(EVP_PKEY *key)
{
	X509 *x = X509_new();

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	return (x);
}

static int
group_setup(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = make_cert(key);

	sctx = SSL_CTX_new(TLS_server_method());
	cctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_use_certificate(sctx, x);
	SSL_CTX_use_PrivateKey(sctx, key);
	SSL_CTX_set_keylog_callback(sctx, keylog);
	SSL_CTX_set_keylog_callback(cctx, keylog); /* knows 1.2's first */
	X509_free(x);
	EVP_PKEY_free(key);
	for (size_t i = 0; i < BODY; i++)
		body[i] = (uint8_t)(i * 7 + i / 251);
	return (0);
}

static int
group_teardown(void **state)
{
	SSL_CTX_free(sctx);
	SSL_CTX_free(cctx);
	return (0);
}

static void
open_pair(int version, const char *suite)
{
	int v = TLS1_VERSION + version - 10;

	ssl[0] = SSL_new(cctx);
	ssl[1] = SSL_new(sctx);
	for (int i = 0; i < 2; i++) {
		SSL_set_security_level(ssl[i], 0); /* TLS 1.0, 1.1 */
		SSL_set_options(ssl[i],
		    SSL_OP_NO_ENCRYPT_THEN_MAC |
			SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS);
		SSL_set_min_proto_version(ssl[i], v);
		SSL_set_max_proto_version(ssl[i], v);
		if (version == 13)
			SSL_set_ciphersuites(ssl[i], suite);
		else
			SSL_set_cipher_list(ssl[i], suite);
		out[i] = BIO_new(BIO_s_mem());
	}
	for (int i = 0; i < 2; i++) {
		BIO_up_ref(out[0]);
		BIO_up_ref(out[1]);
		SSL_set_bio(ssl[i], out[!i], out[i]);
	}
	SSL_set_connect_state(ssl[0]);
	SSL_set_accept_state(ssl[1]);
}

static void
close_pair(void)
{
	for (int i = 0; i < 2; i++) {
		SSL_free(ssl[i]);
		BIO_free(out[i]);
	}
}

/* What `from` has to send goes through the wire to the oracle and the peer. */
static void
wire(int from)
{
	char *p;
	long n = BIO_get_mem_data(out[from], &p);
	uint8_t *copy;

	if (n <= 0)
		return;
	copy = malloc((size_t)n);
	memcpy(copy, p, (size_t)n);
	if (tamper != NULL)
		tamper(copy, (size_t)n, from);
	fakewire_send(&fw, from, copy, (size_t)n);
	free(copy);
}

static void
drain(int to)
{
	static uint8_t buf[20000];

	while (SSL_read(ssl[to], buf, sizeof(buf)) > 0)
		;
}

/* A step of one side; its output is seen on the wire before the peer reads. */
static void
handshake(void)
{
	for (int i = 0; i < 6; i++) {
		int from = i & 1;
		long before = (long)BIO_ctrl_pending(out[from]);

		assert_int_equal(before, 0);
		SSL_do_handshake(ssl[from]);
		wire(from);
		if (SSL_is_init_finished(ssl[!from]))
			drain(!from); /* tickets */
	}
	assert_true(SSL_is_init_finished(ssl[0]));
	assert_true(SSL_is_init_finished(ssl[1]));
}

static void
transfer(int from, size_t off, size_t len)
{
	assert_int_equal(SSL_write(ssl[from], body + off, (int)len), len);
	wire(from);
	drain(!from);
}

static void
begin_clear(int version, const char *suite)
{
	reports = 0;
	tamper = NULL;
	ro = record_oracle_create(report, NULL);
	fakewire_init(&fw, false, 50000, to_oracle, NULL);
	fakewire_open(&fw);
	open_pair(version, suite);
}

static void
begin(int version, const char *suite)
{
	begin_clear(version, suite);
	handshake();
}

static void
end(void)
{
	record_oracle_finish(ro);
	record_oracle_destroy(ro);
	fakewire_fini(&fw);
	close_pair();
	tamper = NULL;
	mute_keylog = false;
}

static const struct {
	int version;
	const char *suite, *name;
} combos[] = {
	{ 13, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256" },
	{ 13, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384" },
	{ 13, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256" },
	{ 12, "ECDHE-ECDSA-AES128-GCM-SHA256",
	    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	{ 12, "ECDHE-ECDSA-AES256-GCM-SHA384",
	    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
	{ 12, "ECDHE-ECDSA-CHACHA20-POLY1305",
	    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 10, "ECDHE-ECDSA-AES128-SHA",
	    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" },
	{ 10, "ECDHE-ECDSA-AES256-SHA",
	    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" },
	{ 11, "ECDHE-ECDSA-AES256-SHA",
	    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" },
	{ 12, "ECDHE-ECDSA-AES128-SHA",
	    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" },
	{ 12, "ECDHE-ECDSA-AES128-SHA256",
	    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256" },
	{ 12, "ECDHE-ECDSA-AES256-SHA384",
	    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384" },
};
#define NCOMBOS (sizeof(combos) / sizeof(combos[0]))

static void
expect_dir(unsigned i, int version, const char *name, const void *p, size_t n,
    uint64_t records)
{
	const struct oracle_dir *od = record_oracle_dir(ro, i);
	uint8_t want[32];

	EVP_Digest(p, n, want, NULL, EVP_sha256(), NULL);
	assert_int_equal(od->od_tls, version);
	assert_string_equal(od->od_suite, name);
	assert_int_equal(od->od_app_bytes, n);
	assert_int_equal(od->od_app_records, records);
	assert_memory_equal(od->od_app_sha256, want, 32);
}

static void
test_good_streams_of_all_suites_pass_with_right_counts(void **state)
{
	for (size_t i = 0; i < NCOMBOS; i++) {
		begin(combos[i].version, combos[i].suite);
		transfer(0, 0, 1000);
		transfer(1, 0, BODY);
		transfer(0, 1000, 1);
		SSL_shutdown(ssl[0]);
		wire(0);
		record_oracle_finish(ro);
		assert_int_equal(reports, 0);
		assert_int_equal(record_oracle_ndirs(ro), 2);
		assert_string_equal(record_oracle_dir(ro, 0)->od_name,
		    "10.0.0.1:50000 > 10.0.0.2:443");
		expect_dir(0, combos[i].version, combos[i].name, body, 1001, 2);
		expect_dir(1, combos[i].version, combos[i].name, body, BODY,
		    (BODY + 16383) / 16384);
		assert_true(record_oracle_dir(ro, 0)->od_records >= 4);
		end();
	}
}

static void
test_key_updates_are_followed(void **state)
{
	begin(13, combos[1].suite);
	transfer(1, 0, 50000);
	assert_int_equal(SSL_key_update(ssl[1], SSL_KEY_UPDATE_REQUESTED), 1);
	transfer(1, 50000, 50000);
	transfer(0, 0, 20000); /* answers with its own update */
	transfer(1, 100000, 10);
	record_oracle_finish(ro);
	assert_int_equal(reports, 0);
	expect_dir(1, 13, combos[1].name, body, 100010, 9);
	end();
}

/* Encrypts into memory without the wire; the test decides what is sent. */
static size_t
encrypt(int from, size_t off, size_t len, uint8_t *buf, size_t size)
{
	int n;

	assert_int_equal(SSL_write(ssl[from], body + off, (int)len), len);
	n = BIO_read(out[from], buf, (int)size);
	assert_true(n > 0);
	return ((size_t)n);
}

static uint8_t ct[400000];

static void
test_reordering_gaps_and_retransmission_are_lawful(void **state)
{
	size_t n, base;

	for (size_t i = 0; i < NCOMBOS; i++) {
		begin(combos[i].version, combos[i].suite);
		n = encrypt(1, 0, BODY, ct, sizeof(ct));
		base = fw.end[1].sent_len;
		fw.no_acks = true;
		fakewire_stash(&fw, 1, ct, n);
		fakewire_resend(&fw, 1, base + 20000, 30000, "x");
		fakewire_resend(&fw, 1, base + 60000, n - 60000, "x");
		fakewire_resend(&fw, 1, base, 40000, "x");
		fakewire_resend(&fw, 1, base + 45000, 20000, "x");
		fakewire_resend(&fw, 1, base, 1448, "x");
		record_oracle_finish(ro);
		assert_int_equal(reports, 0);
		assert_int_equal(record_oracle_dir(ro, 1)->od_rexmit_bytes,
		    20000 + 5000 + 5000 + 1448);
		expect_dir(1, combos[i].version, combos[i].name, body, BODY,
		    (BODY + 16383) / 16384);
		end();
	}
}

static void
test_a_plaintext_record_breaks_invariant_2(void **state)
{
	size_t n;

	for (size_t i = 0; i < NCOMBOS; i++) {
		begin(combos[i].version, combos[i].suite);
		transfer(1, 0, 1000);
		n = encrypt(1, 0, 3000, ct, sizeof(ct));
		memcpy(ct + 13, body, 2900); /* right header, no cipher */
		fakewire_send(&fw, 1, ct, n);
		assert_int_equal(reports, 1);
		assert_int_equal(invariant, 2);
		assert_true(report_frame > 0);
		assert_non_null(strstr(report_text, "does not open"));
		n = encrypt(1, 0, 3000, ct, sizeof(ct));
		fakewire_send(&fw, 1, ct, n); /* and goes on */
		assert_int_equal(reports, 1);
		record_oracle_finish(ro);
		assert_int_equal(record_oracle_dir(ro, 1)->od_app_bytes, 4000);
		end();
	}
}

static void
test_bytes_that_are_no_record_break_invariant_2(void **state)
{
	begin(13, combos[0].suite);
	transfer(1, 0, 1000);
	fakewire_send(&fw, 1, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_int_equal(reports, 1);
	assert_int_equal(invariant, 2);
	assert_non_null(strstr(report_text, "no TLS record"));
	end();
}

static void
test_a_reused_record_number_breaks_invariant_3(void **state)
{
	size_t n;

	for (size_t i = 0; i < NCOMBOS; i++) {
		begin(combos[i].version, combos[i].suite);
		n = encrypt(1, 0, 1000, ct, sizeof(ct));
		fakewire_send(&fw, 1, ct, n);
		fakewire_send(&fw, 1, ct, n); /* the same record again */
		assert_int_equal(reports, 1);
		/* Of 1.0 its beginning is garbage: the IV is another. */
		assert_int_equal(invariant, combos[i].version == 10 ? 2 : 3);
		if (combos[i].version == 10) {
			end();
			continue;
		}
		n = encrypt(1, 0, 1000, ct, sizeof(ct));
		fakewire_send(&fw, 1, ct, n);
		assert_int_equal(reports, 1);
		end();
	}
}

/* What the pending list of TLS 1.0 is for, seen from the wire. */
static void
test_records_of_tls10_in_another_order_break_invariant_2(void **state)
{
	size_t n, m;

	begin(10, "ECDHE-ECDSA-AES128-SHA");
	n = encrypt(1, 0, 1000, ct, sizeof(ct));
	m = encrypt(1, 1000, 500, ct + n, sizeof(ct) - n);
	fakewire_send(&fw, 1, ct + n, m);
	assert_int_equal(reports, 1);
	assert_int_equal(invariant, 2);
	assert_non_null(strstr(report_text, "does not open"));
	end();
}

static void
test_empty_fragments_are_records_without_bytes(void **state)
{
	begin(10, "ECDHE-ECDSA-AES128-SHA");
	SSL_clear_options(ssl[1], SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS);
	transfer(1, 0, 1000);
	record_oracle_finish(ro);
	assert_int_equal(reports, 0);
	assert_int_equal(record_oracle_dir(ro, 1)->od_app_bytes, 1000);
	end();
}

static void
test_a_different_retransmission_breaks_invariant_3(void **state)
{
	size_t n, base;

	begin(13, combos[0].suite);
	n = encrypt(1, 0, 5000, ct, sizeof(ct));
	base = fw.end[1].sent_len;
	fakewire_send(&fw, 1, ct, n);
	fw.end[1].sent[base + 2000] ^= 0x40;
	fakewire_resend(&fw, 1, base, 4000, "RTO");
	assert_int_equal(reports, 1);
	assert_int_equal(invariant, 3);
	assert_int_equal(report_frame, fw.frames - 1);
	fakewire_resend(&fw, 1, base, 4000, "RTO");
	assert_int_equal(reports, 1); /* once per direction */
	end();
}

static void
test_a_missing_secret_breaks_invariant_2(void **state)
{
	mute_keylog = true;
	begin(12, combos[3].suite);
	assert_int_equal(reports, 2); /* both directions */
	assert_int_equal(invariant, 2);
	assert_non_null(strstr(report_text, "no secret"));
	end();
}

static void
test_a_connection_without_tls_is_only_compared(void **state)
{
	reports = 0;
	ro = record_oracle_create(report, NULL);
	fakewire_init(&fw, true, 50000, to_oracle, NULL);
	fakewire_open(&fw);
	fakewire_send(&fw, 0, "GET / HTTP/1.1\r\n\r\n", 18);
	fakewire_send(&fw, 1, body, BODY);
	fakewire_resend(&fw, 1, 0, 100, "RTO");
	assert_int_equal(reports, 0);
	fw.end[1].sent[BODY - 1] ^= 1;
	fakewire_resend(&fw, 1, BODY - 10, 10, "RTO");
	assert_int_equal(reports, 1);
	assert_int_equal(invariant, 3);
	record_oracle_finish(ro);
	assert_int_equal(record_oracle_dir(ro, 0)->od_tls, 0);
	record_oracle_destroy(ro);
	fakewire_fini(&fw);
}

static void
test_ports_used_again_are_another_connection(void **state)
{
	begin(13, combos[0].suite);
	transfer(1, 0, 1000);
	fakewire_fini(&fw);
	close_pair();
	fakewire_init(&fw, false, 50000, to_oracle, NULL);
	fw.end[0].iss += 1000000;
	fakewire_open(&fw);
	open_pair(12, combos[3].suite);
	handshake();
	transfer(1, 0, 2000);
	record_oracle_finish(ro);
	assert_int_equal(reports, 0);
	assert_int_equal(record_oracle_ndirs(ro), 4);
	assert_int_equal(record_oracle_dir(ro, 1)->od_app_bytes, 1000);
	assert_int_equal(record_oracle_dir(ro, 3)->od_app_bytes, 2000);
	end();
}

/* What comes of the connection before, while the new one's SYN is answered. */
static void
stray_after_syn(void *arg, struct frame *f, simtime_t when, int from)
{
	bool *done = arg;

	to_oracle(NULL, f, when, from);
	if (*done)
		return;
	*done = true;
	fw.end[1].iss += 77777;
	fakewire_ack(&fw, 1);
	fw.end[1].iss -= 77777;
}

static void
test_an_ack_of_the_connection_before_may_come_between_the_syns(void **state)
{
	bool done = false;

	begin(13, combos[0].suite);
	transfer(1, 0, 1000);
	fakewire_fini(&fw);
	close_pair();
	fakewire_init(&fw, false, 50000, stray_after_syn, &done);
	fw.end[0].iss += 1000000;
	fakewire_open(&fw);
	open_pair(13, combos[0].suite);
	handshake();
	transfer(1, 0, 2000);
	record_oracle_finish(ro);
	assert_true(done);
	assert_int_equal(reports, 0);
	assert_int_equal(record_oracle_ndirs(ro), 4);
	assert_int_equal(record_oracle_dir(ro, 3)->od_app_bytes, 2000);
	end();
}

/* A record of RPC in two fragments, then one in one. */
static const uint8_t rpc[] = { 0, 0, 0, 3, 1, 2, 3, 0x80, 0, 0, 5, 0x16, 3, 1,
	0, 1, 0x80, 0, 0, 2, 8, 9 };

static void
test_rpc_in_clear_may_stand_in_front_of_tls(void **state)
{
	for (size_t cut = 1; cut <= sizeof(rpc); cut++)
		for (size_t i = 0; i < 4; i += 3) { /* 1.3 and 1.2 */
			begin_clear(combos[i].version, combos[i].suite);
			fakewire_send(&fw, 0, rpc, cut);
			fakewire_send(&fw, 0, rpc + cut, sizeof(rpc) - cut);
			fakewire_send(&fw, 1, rpc, sizeof(rpc));
			handshake();
			transfer(0, 0, 1000);
			transfer(1, 0, 30000);
			record_oracle_finish(ro);
			assert_int_equal(reports, 0);
			expect_dir(0, combos[i].version, combos[i].name, body,
			    1000, 1);
			expect_dir(1, combos[i].version, combos[i].name, body,
			    30000, 2);
			end();
		}
}

static void
test_rpc_in_clear_behind_the_client_hello_breaks_invariant_2(void **state)
{
	for (int from = 0; from < 2; from++) {
		begin_clear(13, combos[0].suite);
		fakewire_send(&fw, 0, rpc, sizeof(rpc));
		fakewire_send(&fw, 1, rpc, sizeof(rpc));
		handshake();
		transfer(from, 0, 10);
		assert_int_equal(reports, 0);
		fakewire_send(&fw, from, rpc, sizeof(rpc));
		assert_int_equal(reports, 1);
		assert_int_equal(invariant, 2);
		end();
	}
}

/* NFS without TLS: nothing is asked of it, and nothing is said. */
static void
test_rpc_alone_is_only_compared(void **state)
{
	begin_clear(13, combos[0].suite);
	for (int i = 0; i < 10; i++)
		fakewire_send(&fw, i & 1, rpc, sizeof(rpc));
	record_oracle_finish(ro);
	assert_int_equal(reports, 0);
	assert_int_equal(record_oracle_dir(ro, 0)->od_tls, 0);
	assert_int_equal(record_oracle_dir(ro, 0)->od_records, 0);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_good_streams_of_all_suites_pass_with_right_counts),
		cmocka_unit_test(test_key_updates_are_followed),
		cmocka_unit_test(
		    test_reordering_gaps_and_retransmission_are_lawful),
		cmocka_unit_test(test_a_plaintext_record_breaks_invariant_2),
		cmocka_unit_test(
		    test_bytes_that_are_no_record_break_invariant_2),
		cmocka_unit_test(
		    test_a_reused_record_number_breaks_invariant_3),
		cmocka_unit_test(
		    test_records_of_tls10_in_another_order_break_invariant_2),
		cmocka_unit_test(
		    test_empty_fragments_are_records_without_bytes),
		cmocka_unit_test(
		    test_a_different_retransmission_breaks_invariant_3),
		cmocka_unit_test(test_a_missing_secret_breaks_invariant_2),
		cmocka_unit_test(
		    test_a_connection_without_tls_is_only_compared),
		cmocka_unit_test(test_ports_used_again_are_another_connection),
		cmocka_unit_test(
		    test_an_ack_of_the_connection_before_may_come_between_the_syns),
		cmocka_unit_test(test_rpc_in_clear_may_stand_in_front_of_tls),
		cmocka_unit_test(
		    test_rpc_in_clear_behind_the_client_hello_breaks_invariant_2),
		cmocka_unit_test(test_rpc_alone_is_only_compared),
	};

	return (cmocka_run_group_tests_name("record_oracle", tests, group_setup,
	    group_teardown));
}
