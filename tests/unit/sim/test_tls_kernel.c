/*
 * Endpoints over kernel sockets, with keys in every combination of places.
 * What the kernel puts on the wire is judged by the record oracle.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/uio.h>
#include <ktsim/kern/vnode.h>
#include <ktsim/sim/record_oracle.h>
#include <ktsim/sim/tls_endpoint.h>

#include "fakewire.h"
#include "ktest.h"
#include "sockpair.h"

#define BODY 300000

static struct sockpair sp;
static struct tls_userland *tu;
static struct record_oracle *ro;
static struct fakewire fw;
static struct tls_endpoint *ep[2];
static int reports;
static const char *alpn[2]; /* client's and server's protocol */
static uint8_t body[BODY];

static const struct {
	const char *name;
	int first, last; /* versions */
} suites[] = {
	{ "aes128-gcm", 12, 13 },
	{ "aes256-gcm", 12, 13 },
	{ "chacha20-poly1305", 12, 13 },
	{ "aes128-cbc-sha1", 10, 12 },
	{ "aes256-cbc-sha1", 10, 12 },
	{ "aes128-cbc-sha256", 12, 12 },
	{ "aes256-cbc-sha384", 12, 12 },
};

static void
keylog(void *arg, const char *line)
{
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

static void
tap(void *arg, int from, const void *p, size_t n)
{
	fakewire_send(&fw, from, p, n);
}

static void
begin(int version, const char *suite, enum tls_handshake hs, unsigned places)
{
	struct tls_params tp = { .tp_version = version,
		.tp_suite = suite,
		.tp_handshake = hs,
		.tp_seed = 3 };
	const char *why;

	reports = 0;
	ro = record_oracle_create(report, NULL);
	fakewire_init(&fw, false, 50000, to_oracle, NULL);
	fakewire_open(&fw);
	sockpair_init(&sp, tap, NULL);
	assert_int_equal(tls_userland_create(&engine_timebase(sp.sp_engine)
						  ->tb_now,
			     1700000000, 3, keylog, NULL, &tu, &why),
	    0);
	for (int i = 0; i < 2; i++) {
		tp.tp_server = i == 1;
		tp.tp_alpn = alpn[i];
		tp.tp_name = i == 1 ? "server#1" : "client#1";
		tp.tp_tx = (places >> (2 * i)) & 1 ? TLS_PLACE_KERNEL
						   : TLS_PLACE_OPENSSL;
		tp.tp_rx = (places >> (2 * i + 1)) & 1 ? TLS_PLACE_KERNEL
						       : TLS_PLACE_OPENSSL;
		assert_int_equal(tls_endpoint_create(tu, sp.sp_so[i], &tp,
				     &ep[i]),
		    0);
	}
}

static void
end(void)
{
	tls_endpoint_destroy(ep[0]);
	tls_endpoint_destroy(ep[1]);
	tls_userland_destroy(tu);
	assert_int_equal(sockpair_fini(&sp), 0);
	record_oracle_destroy(ro);
	fakewire_fini(&fw);
}

static void
shake(void)
{
	int error[2] = { EWOULDBLOCK, EWOULDBLOCK };
	struct tls_endpoint_info te;

	for (int i = 0; i < 100 && (error[0] != 0 || error[1] != 0); i++) {
		error[i & 1] = tls_endpoint_handshake(ep[i & 1]);
		tls_endpoint_info(ep[i & 1], &te);
		if (te.te_error != NULL)
			print_message("%s\n", te.te_error);
		sockpair_run(&sp);
	}
	assert_int_equal(error[0], 0);
	assert_int_equal(error[1], 0);
}

static uint8_t got[BODY];

static void
transfer(int from, size_t len, size_t piece)
{
	struct tls_endpoint_info te;
	size_t sent = 0, have = 0, n, want;
	int error;

	for (int i = 0; have < len; i++) {
		assert_true(i < 100000);
		if (sent < len) {
			error = tls_endpoint_write(ep[from], body + sent,
			    len - sent, &n);
			sent += n;
			assert_true(error == 0 || error == EWOULDBLOCK);
		}
		sockpair_run(&sp);
		want = len - have < piece ? len - have : piece;
		error = tls_endpoint_read(ep[!from], got + have, want, &n);
		have += n;
		tls_endpoint_info(ep[!from], &te);
		if (te.te_error != NULL)
			print_message("%s\n", te.te_error);
		assert_true(error == 0 || error == EWOULDBLOCK);
		sockpair_run(&sp);
	}
	assert_memory_equal(got, body, len);
}

static void
close_both(void)
{
	struct tls_endpoint_info te;
	uint8_t b;
	size_t n;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(tls_endpoint_shutdown(ep[i]), 0);
		sockpair_run(&sp);
		assert_int_equal(tls_endpoint_read(ep[!i], &b, 1, &n), 0);
		assert_int_equal(n, 0);
		tls_endpoint_info(ep[!i], &te);
		assert_true(te.te_got_close_notify);
		assert_null(te.te_error);
	}
}

static void
check_places(int version, unsigned places)
{
	struct tls_endpoint_info te;
	int mode;

	for (int i = 0; i < 2 && version == 10; i++) {
		tls_endpoint_info(ep[i], &te);
		if ((places & (2u << (2 * i))) != 0)
			assert_int_equal(te.te_rx_error, EPROTONOSUPPORT);
	}
	if (version == 10) /* receiving stays in userland */
		places &= 5;

	for (int i = 0; i < 2; i++) {
		tls_endpoint_info(ep[i], &te);
		assert_int_equal(te.te_tx == TLS_PLACE_KERNEL,
		    (places >> (2 * i)) & 1);
		assert_int_equal(te.te_rx == TLS_PLACE_KERNEL,
		    (places >> (2 * i + 1)) & 1);
		assert_int_equal(ktls_get_tx_mode(sp.sp_so[i], &mode), 0);
		assert_int_equal(mode,
		    te.te_tx == TLS_PLACE_KERNEL ? TCP_TLS_MODE_SW
						 : TCP_TLS_MODE_NONE);
		assert_int_equal(ktls_get_rx_mode(sp.sp_so[i], &mode), 0);
		assert_int_equal(mode,
		    te.te_rx == TLS_PLACE_KERNEL ? TCP_TLS_MODE_SW
						 : TCP_TLS_MODE_NONE);
	}
}

static void
expect(unsigned dir, int version, const void *p, size_t bytes)
{
	const struct oracle_dir *od = record_oracle_dir(ro, dir);
	uint8_t want[32];

	EVP_Digest(p, bytes, want, NULL, EVP_sha256(), NULL);
	assert_int_equal(od->od_tls, version);
	assert_int_equal(od->od_app_bytes, bytes);
	assert_memory_equal(od->od_app_sha256, want, 32);
}

static void
all_places(enum tls_handshake hs)
{
	for (size_t i = 0; i < nitems(suites); i++)
		for (int version = suites[i].first; version <= suites[i].last;
		     version++)
			for (unsigned places = 0; places < 16; places++) {
				begin(version, suites[i].name, hs, places);
				shake();
				check_places(version, places);
				transfer(0, 3000, 1000);
				transfer(1, 100000, 40000);
				transfer(0, 50000, 7);
				close_both();
				record_oracle_finish(ro);
				assert_int_equal(reports, 0);
				expect(1, version, body, 100000);
				end();
			}
}

static void
test_libssl_hands_keys_over_in_every_combination(void **state)
{
	all_places(TLS_HS_OPENSSL);
}

static void
test_synthetic_keys_work_in_every_combination(void **state)
{
	all_places(TLS_HS_SYNTHETIC);
}

/* As libssl does it: against the known IV of what is written. */
static void
test_tls10_writes_an_empty_record_in_front(void **state)
{
	for (int hs = 0; hs < 2; hs++) {
		begin(10, "aes128-cbc-sha1", (enum tls_handshake)hs, 4);
		shake();
		transfer(1, 1000, 1000);
		transfer(1, 1000, 1000);
		record_oracle_finish(ro);
		assert_int_equal(reports, 0);
		assert_int_equal(record_oracle_dir(ro, 1)->od_app_records, 4);
		assert_int_equal(record_oracle_dir(ro, 1)->od_app_bytes, 2000);
		end();
	}
}

static void
test_unknown_pairs_of_version_and_suite_are_einval(void **state)
{
	struct tls_params tp = { .tp_seed = 3 };
	struct tls_endpoint *e;
	bool known;

	begin(13, "aes128-gcm", TLS_HS_OPENSSL, 0);
	for (size_t i = 0; i < nitems(suites); i++)
		for (tp.tp_version = 9; tp.tp_version <= 14; tp.tp_version++) {
			known = tp.tp_version >= suites[i].first &&
			    tp.tp_version <= suites[i].last;
			tp.tp_suite = suites[i].name;
			assert_int_equal(tls_endpoint_create(tu, sp.sp_so[0],
					     &tp, &e),
			    known ? 0 : EINVAL);
			tls_endpoint_destroy(e);
		}
	end();
}

static void
test_tickets_are_counted_and_not_delivered(void **state)
{
	struct tls_endpoint_info te;
	uint8_t b;
	size_t n;

	begin(13, "aes128-gcm", TLS_HS_OPENSSL, 15);
	shake();
	assert_int_equal(tls_endpoint_read(ep[0], &b, 1, &n), EWOULDBLOCK);
	tls_endpoint_info(ep[0], &te);
	assert_int_equal(te.te_tickets, 2);
	assert_string_equal(te.te_suite, "TLS_AES_128_GCM_SHA256");
	assert_string_equal(te.te_rx_reason, "the kernel has the keys");
	end();
}

static void
fill(void *arg, uint64_t off, void *buf, uint32_t len)
{
	memcpy(buf, body + off, len);
}

static void
test_sendfile_goes_through_the_kernel_or_not_at_all(void **state)
{
	uint64_t off = 0, sent;
	struct vnode *vp;
	size_t have = 0, n;
	int error;

	begin(13, "aes256-gcm", TLS_HS_OPENSSL, 0);
	shake();
	vp = vnode_create(sp.sp_vnet, "f", BODY, fill, NULL);
	assert_int_equal(tls_endpoint_sendfile(ep[1], vp, 0, BODY, NULL, &sent),
	    EOPNOTSUPP);
	vnode_rele(vp);
	end();
	begin(13, "aes256-gcm", TLS_HS_OPENSSL, 4);
	shake();
	vp = vnode_create(sp.sp_vnet, "f", BODY, fill, NULL);
	while (have < BODY) {
		if (off < BODY) {
			error = tls_endpoint_sendfile(ep[1], vp, off,
			    BODY - off, NULL, &sent);
			assert_true(error == 0 || error == EWOULDBLOCK);
			off += sent;
		}
		sockpair_run(&sp);
		error = tls_endpoint_read(ep[0], got + have, BODY - have, &n);
		assert_true(error == 0 || error == EWOULDBLOCK);
		have += n;
	}
	assert_memory_equal(got, body, BODY);
	vnode_rele(vp);
	close_both();
	record_oracle_finish(ro);
	assert_int_equal(reports, 0);
	expect(1, 13, body, BODY);
	end();
}

static void
test_the_kernels_refusal_is_told(void **state)
{
	struct tls_endpoint_info te;

	for (int version = 10; version <= 13; version++) {
		begin(version, version < 12 ? "aes128-cbc-sha1" : "aes128-gcm",
		    TLS_HS_OPENSSL, 15);
		assert_int_equal(sysctl_write(sp.sp_vnet,
				     version < 12 ? "kern.ipc.tls.cbc_enable"
						  : "kern.ipc.tls.enable",
				     0),
		    0);
		shake();
		for (int i = 0; i < 2; i++) {
			tls_endpoint_info(ep[i], &te);
			assert_int_equal(te.te_tx, TLS_PLACE_OPENSSL);
			assert_int_equal(te.te_tx_error, ENOTSUP);
			assert_int_equal(te.te_rx_error, ENOTSUP);
		}
		transfer(1, 20000, 20000);
		end();
	}
}

static void
test_a_bad_record_is_the_sockets_errno(void **state)
{
	static const uint8_t bad[] = "\x17\x03\x03\x00\x20"
				     "0123456789abcdef0123456789abcdef";
	struct tls_endpoint_info te;
	struct mbuf *m;
	uint8_t b;
	size_t n;

	for (int version = 12; version <= 13; version++) {
		begin(version, "aes128-gcm", TLS_HS_OPENSSL, 15);
		shake();
		(void)tls_endpoint_read(ep[0], &b, 1, &n);
		m = m_getjcl(sp.sp_vnet->v_mb, M_WAITOK, MT_DATA, 0, MCLBYTES);
		memcpy(m->m_data, bad, sizeof(bad) - 1);
		m->m_len = (int)sizeof(bad) - 1;
		sbappendstream(&sp.sp_so[0]->so_rcv, m, 0);
		sockpair_run(&sp);
		assert_int_equal(tls_endpoint_read(ep[0], &b, 1, &n), EBADMSG);
		tls_endpoint_info(ep[0], &te);
		assert_non_null(te.te_error);
		end();
	}
}

/* A kernel's reader: data records only. Bytes read, or an errno below 0. */
static int
kernel_read(int i, uint8_t *buf, size_t len)
{
	struct kiovec iov = { buf, len };
	struct mbuf *control = NULL;
	int error, flags = KMSG_TLSAPPDATA;
	struct uio uio;

	uio_init(&uio, &iov, 1);
	error = soreceive(sp.sp_so[i], &uio, &control, &flags);
	m_freem(control);
	return (error != 0 ? -error : (int)uio.uio_offset);
}

static void
alert_between(int version, const char *suite, enum tls_handshake hs)
{
	uint8_t buf[64];
	bool closed;
	size_t n;

	begin(version, suite, hs, 15);
	shake();
	assert_int_equal(tls_endpoint_write(ep[0], body, 5, &n), 0);
	assert_int_equal(tls_endpoint_warn(ep[0], TLS_ALERT_USER_CANCELED), 0);
	assert_int_equal(tls_endpoint_write(ep[0], body + 5, 7, &n), 0);
	sockpair_run(&sp);
	assert_int_equal(kernel_read(1, buf, sizeof(buf)), 5);
	assert_int_equal(kernel_read(1, buf, sizeof(buf)), -ENXIO);
	assert_int_equal(kernel_read(1, buf, sizeof(buf)), -ENXIO);
	assert_int_equal(tls_endpoint_handle_record(ep[1], &closed), 0);
	assert_false(closed);
	assert_int_equal(kernel_read(1, buf, sizeof(buf)), 7);
	assert_memory_equal(buf, body + 5, 7);
	assert_int_equal(kernel_read(1, buf, sizeof(buf)), -EWOULDBLOCK);
	assert_int_equal(tls_endpoint_handle_record(ep[1], &closed),
	    EWOULDBLOCK);
	assert_int_equal(tls_endpoint_shutdown(ep[0]), 0);
	sockpair_run(&sp);
	assert_int_equal(kernel_read(1, buf, sizeof(buf)), -ENXIO);
	assert_int_equal(tls_endpoint_handle_record(ep[1], &closed), 0);
	assert_true(closed);
	end();
}

static void
test_an_alert_is_taken_alone_for_a_reader_in_the_kernel(void **state)
{
	for (int v = 12; v <= 13; v++) {
		alert_between(v, "aes128-gcm", TLS_HS_OPENSSL);
		alert_between(v, "aes256-gcm", TLS_HS_SYNTHETIC);
	}
	alert_between(12, "aes128-cbc-sha256", TLS_HS_OPENSSL);
}

static void
test_the_fifth_warning_without_data_is_too_many(void **state)
{
	struct tls_endpoint_info te;
	bool closed;
	int error;

	for (int v = 12; v <= 13; v++) {
		begin(v, "aes128-gcm", TLS_HS_OPENSSL, 15);
		shake();
		for (int i = 1; i <= 5; i++) {
			assert_int_equal(tls_endpoint_warn(ep[0],
					     TLS_ALERT_USER_CANCELED),
			    0);
			sockpair_run(&sp);
			error = tls_endpoint_handle_record(ep[1], &closed);
			assert_int_equal(error, i < 5 ? 0 : EPROTO);
		}
		tls_endpoint_info(ep[1], &te);
		assert_non_null(strstr(te.te_error, "too many warn alerts"));
		end();
	}
}

static void
test_what_the_kernel_does_not_do_is_not_supported(void **state)
{
	bool closed;

	begin(13, "aes128-gcm", TLS_HS_OPENSSL, 0);
	shake();
	assert_int_equal(tls_endpoint_warn(ep[0], TLS_ALERT_USER_CANCELED),
	    EOPNOTSUPP);
	assert_int_equal(tls_endpoint_handle_record(ep[1], &closed),
	    EOPNOTSUPP);
	end();
}

static void
test_a_protocol_is_offered_and_taken_or_the_handshake_fails(void **state)
{
	static const struct {
		const char *client, *server;
		bool fails;
	} cases[] = {
		{ "sunrpc", "sunrpc", false },
		{ "sunrpc", NULL, false },
		{ NULL, "sunrpc", false },
		{ "sunrp", "sunrpc", true },
		{ "http/1.1", "sunrpc", true },
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		alpn[0] = cases[i].client;
		alpn[1] = cases[i].server;
		begin(13, "aes128-gcm", TLS_HS_OPENSSL, 15);
		if (!cases[i].fails)
			shake();
		for (int k = 0; k < 4 && cases[i].fails; k++) {
			error = tls_endpoint_handshake(ep[k & 1]);
			sockpair_run(&sp);
			if (error != EWOULDBLOCK)
				break;
		}
		if (cases[i].fails)
			assert_int_equal(error, EPROTO);
		end();
	}
	alpn[0] = alpn[1] = NULL;
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
		    test_libssl_hands_keys_over_in_every_combination),
		cmocka_unit_test(test_synthetic_keys_work_in_every_combination),
		cmocka_unit_test(test_tls10_writes_an_empty_record_in_front),
		cmocka_unit_test(
		    test_unknown_pairs_of_version_and_suite_are_einval),
		cmocka_unit_test(test_tickets_are_counted_and_not_delivered),
		cmocka_unit_test(
		    test_sendfile_goes_through_the_kernel_or_not_at_all),
		cmocka_unit_test(test_the_kernels_refusal_is_told),
		cmocka_unit_test(test_a_bad_record_is_the_sockets_errno),
		cmocka_unit_test(
		    test_an_alert_is_taken_alone_for_a_reader_in_the_kernel),
		cmocka_unit_test(
		    test_the_fifth_warning_without_data_is_too_many),
		cmocka_unit_test(
		    test_what_the_kernel_does_not_do_is_not_supported),
		cmocka_unit_test(
		    test_a_protocol_is_offered_and_taken_or_the_handshake_fails),
	};

	return (cmocka_run_group_tests_name("tls_kernel", tests, group_setup,
	    NULL));
}
