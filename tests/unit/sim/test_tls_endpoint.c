/*
 * Endpoints against each other over memory, judged by the record oracle:
 * all versions, suites and handshakes, no kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/record_oracle.h>
#include <ktsim/sim/tls_endpoint.h>

#include "fakewire.h"
#include "ktest.h"
#include "mem_io.h"

#define BODY 100000

static simtime_t now;
static struct tls_userland *tu;
static struct record_oracle *ro;
static struct fakewire fw;
static struct mem_pipe mp;
static struct tls_endpoint *ep[2]; /* 0: client */
static struct strbuf transcript;
static struct strbuf written[2]; /* not yet on the wire */
static int lines, reports;
static uint8_t body[BODY];

static const char *const suites[] = { "aes128-gcm", "aes256-gcm",
	"chacha20-poly1305" };

static void
keylog(void *arg, const char *line)
{
	assert_null(strchr(line, '\n'));
	lines++;
	if (ro != NULL)
		record_oracle_keylog(ro, line);
}

static void
report(void *arg, int invariant, uint64_t frame, const char *text)
{
	print_message("oracle: %d %s\n", invariant, text);
	reports++;
}

static void
to_oracle(void *arg, struct frame *f, simtime_t when, int from)
{
	record_oracle_frame(ro, f->f_id, f->f_hdr, f->f_hdrlen, f->f_payload,
	    f->f_paylen);
}

/* What an end has put into the pipe since the last look. */
static void
watch(void)
{
	for (int i = 0; i < 2; i++) {
		struct strbuf *sb = &written[i];

		if (sb->sb_len == 0)
			continue;
		fakewire_send(&fw, i, sb->sb_str, sb->sb_len);
		strbuf_addf(&transcript, "<%d>", i);
		strbuf_add(&transcript, sb->sb_str, sb->sb_len);
		strbuf_clear(sb);
	}
}

static void
begin(int version, const char *suite, enum tls_handshake hs, uint64_t seed,
    enum tls_place place)
{
	struct tls_params tp = { .tp_version = version,
		.tp_suite = suite,
		.tp_tx = place,
		.tp_rx = place,
		.tp_handshake = hs,
		.tp_seed = seed };
	const char *why;

	lines = reports = 0;
	memset(&transcript, 0, sizeof(transcript));
	now = 0;
	ro = record_oracle_create(report, NULL);
	fakewire_init(&fw, false, 50000, to_oracle, NULL);
	fakewire_open(&fw);
	assert_int_equal(tls_userland_create(&now, 1700000000, seed, keylog,
			     NULL, &tu, &why),
	    0);
	assert_int_equal(lines, 0); /* the self-test is silent */
	mem_pipe_init(&mp);
	for (int i = 0; i < 2; i++) {
		mp.mp_end[i].me_copy = &written[i];
		tp.tp_server = i == 1;
		tp.tp_name = i == 1 ? "server#1" : "client#1";
		assert_int_equal(tls_endpoint_create_io(tu, &mem_io,
				     &mp.mp_end[i], &tp, &ep[i]),
		    0);
	}
}

static void
end(void)
{
	tls_endpoint_destroy(ep[0]);
	tls_endpoint_destroy(ep[1]);
	tls_userland_destroy(tu);
	mem_pipe_fini(&mp);
	record_oracle_destroy(ro);
	ro = NULL;
	fakewire_fini(&fw);
	strbuf_fini(&transcript);
	for (int i = 0; i < 2; i++) {
		strbuf_fini(&written[i]);
		memset(&written[i], 0, sizeof(written[i]));
	}
}

static void
shake(void)
{
	int error[2] = { EWOULDBLOCK, EWOULDBLOCK };
	struct tls_endpoint_info te;

	for (int i = 0; i < 500 && (error[0] != 0 || error[1] != 0); i++) {
		error[i & 1] = tls_endpoint_handshake(ep[i & 1]);
		tls_endpoint_info(ep[i & 1], &te);
		if (te.te_error != NULL)
			print_message("%s\n", te.te_error);
		watch();
		now += SIM_MS;
	}
	assert_int_equal(error[0], 0);
	assert_int_equal(error[1], 0);
}

/* Reads what is there into buf at *got. */
static int
take(int to, uint8_t *buf, size_t size, size_t *got)
{
	size_t n;
	int error;

	error = tls_endpoint_read(ep[to], buf + *got, size - *got, &n);
	*got += n;
	return (error);
}

static void
transfer(int from, size_t len)
{
	static uint8_t got[BODY];
	size_t sent = 0, have = 0, n;
	int error;

	for (int i = 0; have < len; i++) {
		assert_true(i < 100000);
		if (sent < len) {
			error = tls_endpoint_write(ep[from], body + sent,
			    len - sent, &n);
			sent += n;
			assert_true(error == 0 || error == EWOULDBLOCK);
			watch();
		}
		error = take(!from, got, sizeof(got), &have);
		assert_true(error == 0 || error == EWOULDBLOCK);
	}
	assert_int_equal(sent, len);
	assert_int_equal(have, len);
	assert_memory_equal(got, body, len);
}

static void
expect(unsigned dir, int version, size_t bytes)
{
	const struct oracle_dir *od = record_oracle_dir(ro, dir);
	uint8_t want[32];

	EVP_Digest(body, bytes, want, NULL, EVP_sha256(), NULL);
	assert_int_equal(od->od_tls, version);
	assert_int_equal(od->od_app_bytes, bytes);
	assert_memory_equal(od->od_app_sha256, want, 32);
}

static void
test_all_suites_and_handshakes_carry_data_both_ways(void **state)
{
	struct tls_endpoint_info te;
	size_t got;
	uint8_t b;

	for (int hs = TLS_HS_OPENSSL; hs <= TLS_HS_SYNTHETIC; hs++)
		for (int version = 12; version <= 13; version++)
			for (size_t i = 0; i < nitems(suites); i++) {
				begin(version, suites[i],
				    (enum tls_handshake)hs, 5,
				    TLS_PLACE_OPENSSL);
				shake();
				transfer(0, 1000);
				transfer(1, BODY);
				assert_int_equal(tls_endpoint_shutdown(ep[1]),
				    0);
				watch();
				got = 0;
				assert_int_equal(take(0, &b, 1, &got), 0);
				assert_int_equal(got, 0);
				tls_endpoint_info(ep[0], &te);
				assert_true(te.te_got_close_notify);
				assert_null(te.te_error);
				assert_string_equal(te.te_tx_reason,
				    "the "
				    "scenario keeps these keys in userland");
				assert_int_equal(te.te_tickets,
				    hs == TLS_HS_OPENSSL && version == 13 ? 2
									  : 0);
				record_oracle_finish(ro);
				assert_int_equal(reports, 0);
				expect(0, version, 1000);
				expect(1, version, BODY);
				assert_int_equal(lines,
				    version == 12	       ? 1
					: hs == TLS_HS_OPENSSL ? 5
							       : 4);
				end();
			}
}

/* The server of begin() once more, with versions from `least` to 1.3. */
static void
begin_least(int client, int least)
{
	struct tls_params tp = { .tp_server = true,
		.tp_version = 13,
		.tp_least = least,
		.tp_suite = "aes256-gcm",
		.tp_seed = 5,
		.tp_name = "server#1" };

	begin(client, "aes256-gcm", TLS_HS_OPENSSL, 5, TLS_PLACE_OPENSSL);
	tls_endpoint_destroy(ep[1]);
	assert_int_equal(tls_endpoint_create_io(tu, &mem_io, &mp.mp_end[1], &tp,
			     &ep[1]),
	    0);
}

static void
test_a_server_of_several_versions_takes_what_the_client_offers(void **state)
{
	struct tls_endpoint_info te;

	for (int version = 12; version <= 13; version++) {
		begin_least(version, 12);
		shake();
		transfer(0, 1000);
		transfer(1, BODY);
		for (int i = 0; i < 2; i++) {
			tls_endpoint_info(ep[i], &te);
			assert_int_equal(te.te_version, version);
		}
		record_oracle_finish(ro);
		assert_int_equal(reports, 0);
		expect(1, version, BODY);
		end();
	}
}

static void
test_a_server_of_one_version_refuses_another(void **state)
{
	struct tls_endpoint_info te;
	int error = EWOULDBLOCK;

	begin_least(12, 0);
	for (int i = 0; i < 10 && error == EWOULDBLOCK; i++) {
		(void)tls_endpoint_handshake(ep[0]);
		error = tls_endpoint_handshake(ep[1]);
	}
	assert_int_equal(error, EPROTO);
	tls_endpoint_info(ep[1], &te);
	assert_non_null(strstr(te.te_error, "protocol"));
	end();
}

/* A record of application data in front of the ClientHello. */
static void
test_data_before_the_handshake_is_refused(void **state)
{
	static const char early[] = { 23, 3, 3, 0, 4, 1, 2, 3, 4 };
	struct tls_endpoint_info te;

	begin(13, "aes128-gcm", TLS_HS_OPENSSL, 5, TLS_PLACE_OPENSSL);
	strbuf_add(&mp.mp_bytes[0], early, sizeof(early));
	assert_int_equal(tls_endpoint_handshake(ep[0]), EWOULDBLOCK);
	assert_int_equal(tls_endpoint_handshake(ep[1]), EPROTO);
	tls_endpoint_info(ep[1], &te);
	assert_non_null(te.te_error);
	assert_int_equal(tls_endpoint_handshake(ep[0]), EPROTO);
	end();
}

static void
test_a_narrow_transport_only_makes_it_slower(void **state)
{
	for (int hs = TLS_HS_OPENSSL; hs <= TLS_HS_SYNTHETIC; hs++)
		for (int version = 12; version <= 13; version++) {
			begin(version, "aes256-gcm", (enum tls_handshake)hs, 6,
			    TLS_PLACE_OPENSSL);
			mp.mp_end[0].me_room = mp.mp_end[1].me_room = 777;
			shake();
			transfer(1, 50000);
			transfer(0, 20000);
			record_oracle_finish(ro);
			assert_int_equal(reports, 0);
			expect(1, version, 50000);
			end();
		}
}

static void
test_a_kernel_that_refuses_leaves_the_endpoint_working(void **state)
{
	struct tls_endpoint_info te;

	for (int hs = TLS_HS_OPENSSL; hs <= TLS_HS_SYNTHETIC; hs++)
		for (int version = 12; version <= 13; version++) {
			begin(version, "aes128-gcm", (enum tls_handshake)hs, 7,
			    TLS_PLACE_KERNEL);
			mp.mp_end[0].me_refuse = ENOTSUP;
			shake();
			transfer(1, 50000);
			transfer(0, 5000);
			tls_endpoint_info(ep[0], &te);
			assert_int_equal(te.te_tx, TLS_PLACE_OPENSSL);
			assert_int_equal(te.te_rx, TLS_PLACE_OPENSSL);
			assert_int_equal(te.te_tx_error, ENOTSUP);
			assert_int_equal(te.te_rx_error, ENOTSUP);
			assert_string_equal(te.te_rx_reason,
			    "the kernel refused the keys");
			record_oracle_finish(ro);
			assert_int_equal(reports, 0);
			end();
		}
}

static void
test_fin_without_close_notify_is_an_end_that_is_told_apart(void **state)
{
	struct tls_endpoint_info te;
	size_t got = 0;
	uint8_t b;

	for (int hs = TLS_HS_OPENSSL; hs <= TLS_HS_SYNTHETIC; hs++) {
		begin(13, "aes128-gcm", (enum tls_handshake)hs, 8,
		    TLS_PLACE_OPENSSL);
		shake();
		mp.mp_end[0].me_closed = true;
		assert_int_equal(take(0, &b, 1, &got), 0);
		assert_int_equal(got, 0);
		tls_endpoint_info(ep[0], &te);
		assert_false(te.te_got_close_notify);
		assert_null(te.te_error);
		end();
	}
}

static void
test_a_peer_that_leaves_during_the_handshake_is_an_error(void **state)
{
	struct tls_endpoint_info te;

	for (int hs = TLS_HS_OPENSSL; hs <= TLS_HS_SYNTHETIC; hs++) {
		begin(13, "aes128-gcm", (enum tls_handshake)hs, 8,
		    TLS_PLACE_OPENSSL);
		mp.mp_end[0].me_closed = true;
		assert_int_equal(tls_endpoint_handshake(ep[0]), EPROTO);
		tls_endpoint_info(ep[0], &te);
		assert_non_null(te.te_error);
		end();
	}
}

static void
test_a_damaged_record_is_refused(void **state)
{
	size_t n, got = 0;
	uint8_t b[100];
	int error;

	for (int hs = TLS_HS_OPENSSL; hs <= TLS_HS_SYNTHETIC; hs++) {
		begin(13, "aes128-gcm", (enum tls_handshake)hs, 9,
		    TLS_PLACE_OPENSSL);
		shake();
		while (take(0, b, sizeof(b), &got) == 0) /* tickets */
			;
		tls_endpoint_write(ep[1], body, 1000, &n);
		mp.mp_bytes[1].sb_str[mp.mp_bytes[1].sb_len - 20] ^= 1;
		error = take(0, b, sizeof(b), &got);
		assert_true(error == EPROTO || error == EBADMSG);
		end();
	}
}

static void
test_unknown_parameters_are_refused(void **state)
{
	struct tls_params tp = { .tp_version = 13, .tp_suite = "rot13" };
	struct tls_endpoint *e;

	begin(13, "aes128-gcm", TLS_HS_OPENSSL, 1, TLS_PLACE_OPENSSL);
	assert_int_equal(tls_endpoint_create_io(tu, &mem_io, NULL, &tp, &e),
	    EINVAL);
	tp.tp_suite = "aes128-gcm";
	tp.tp_version = 11;
	assert_int_equal(tls_endpoint_create_io(tu, &mem_io, NULL, &tp, &e),
	    EINVAL);
	assert_null(e);
	end();
}

static void
run_for_transcript(int version, enum tls_handshake hs, uint64_t seed,
    uint8_t digest[32])
{
	begin(version, "aes128-gcm", hs, seed, TLS_PLACE_OPENSSL);
	shake();
	transfer(0, 500);
	transfer(1, 30000);
	EVP_Digest(transcript.sb_str, transcript.sb_len, digest, NULL,
	    EVP_sha256(), NULL);
	end();
}

static void
test_same_seed_same_bytes_a_second_later(void **state)
{
	uint8_t first[4][32], again[32], other[32];
	struct timespec ts = { 2, 100000000 };

	for (int i = 0; i < 4; i++)
		run_for_transcript(12 + (i & 1), (enum tls_handshake)(i >> 1),
		    42, first[i]);
	nanosleep(&ts, NULL);
	for (int i = 0; i < 4; i++) {
		run_for_transcript(12 + (i & 1), (enum tls_handshake)(i >> 1),
		    42, again);
		assert_memory_equal(first[i], again, 32);
		run_for_transcript(12 + (i & 1), (enum tls_handshake)(i >> 1),
		    43, other);
		assert_memory_not_equal(first[i], other, 32);
	}
}

static void
test_outside_of_libssl_time_is_the_machines(void **state)
{
	struct timespec ts;
	time_t t = 0;

	clock_gettime(CLOCK_REALTIME, &ts);
	assert_true(time(&t) - ts.tv_sec <= 1);
	assert_true(t >= ts.tv_sec);
}

static int
group_setup(void **state)
{
	for (size_t i = 0; i < BODY; i++)
		body[i] = (uint8_t)(i * 31 + i / 255);
	return (0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_all_suites_and_handshakes_carry_data_both_ways),
		cmocka_unit_test(test_a_narrow_transport_only_makes_it_slower),
		cmocka_unit_test(
		    test_a_server_of_several_versions_takes_what_the_client_offers),
		cmocka_unit_test(test_a_server_of_one_version_refuses_another),
		cmocka_unit_test(test_data_before_the_handshake_is_refused),
		cmocka_unit_test(
		    test_a_kernel_that_refuses_leaves_the_endpoint_working),
		cmocka_unit_test(
		    test_fin_without_close_notify_is_an_end_that_is_told_apart),
		cmocka_unit_test(
		    test_a_peer_that_leaves_during_the_handshake_is_an_error),
		cmocka_unit_test(test_a_damaged_record_is_refused),
		cmocka_unit_test(test_unknown_parameters_are_refused),
		cmocka_unit_test(test_same_seed_same_bytes_a_second_later),
		cmocka_unit_test(test_outside_of_libssl_time_is_the_machines),
	};

	return (cmocka_run_group_tests_name("tls_endpoint", tests, group_setup,
	    NULL));
}
