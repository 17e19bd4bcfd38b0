/*
 * Kernel TLS over an accelerator: the same bytes as with libcrypto for every
 * suite, retries, who waits for what, and a failed operation.
 */
#include "tlsbench.h"

#include <ktsim/kern/vnode.h>
#include <ktsim/opencrypto/crypto_accel.h>
#include <ktsim/opencrypto/crypto_backend.h>

#define FSIZE 150000

static struct sockpair sp;
static struct vnet *v;
static uint8_t stream[2][200000], plain[200000];
static size_t len[2];
static unsigned sequence[64], nsequence; /* records as they completed */
static struct trace_sink sink;

static void
fill(void *arg, uint64_t off, void *to, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		((uint8_t *)to)[i] = (uint8_t)((off + i) * 7 >> 3);
}

static void
emit(struct trace_sink *ts, const struct trace_rec *rec)
{
	if (rec->tr_id == TP_tls_encrypted && nsequence < nitems(sequence))
		sequence[nsequence++] = (unsigned)rec->tr_args[1].u;
}

/* NULL: the sockpair's own backend, libcrypto. */
static void
bench_init(const struct crypto_accel_params *ap)
{
	sockpair_init(&sp, NULL, NULL);
	v = sp.sp_vnet;
	sink = (struct trace_sink) { .ts_emit = emit };
	trace_mask_add(sink.ts_mask, TP_tls_encrypted);
	v->v_tracer.t_sink = &sink;
	nsequence = 0;
	for (int i = 0; i < 2; i++) {
		struct sockbuf *sb =
		    i == 0 ? &sp.sp_so[0]->so_snd : &sp.sp_so[1]->so_rcv;

		sb->sb_hiwat = 190000;
		sb->sb_mbmax = 4000000;
	}
	if (ap == NULL)
		return;
	v->v_crypto = crypto_backend_find("accel");
	v->v_accel = crypto_accel_create(engine_timebase(sp.sp_engine), ap);
}

static void
bench_fini(void)
{
	sockpair_run(&sp);
	v->v_tracer.t_sink = NULL;
	assert_int_equal(sockpair_fini(&sp), 0);
}

/* 16 bytes by write, then a file by sendfile; what leaves the socket. */
static void
run_stream(const struct tls_suite *s, const struct crypto_accel_params *ap,
    unsigned which)
{
	struct tls_enable en = tb_enable(s, 5);
	int t, flags = 0;
	struct vnode *vp;
	uint64_t sent;
	size_t n;

	bench_init(ap);
	vp = vnode_create(v, "file", FSIZE, fill, NULL);
	vnode_warm(vp);
	assert_int_equal(ktls_enable_tx(sp.sp_so[0], &en), 0);
	assert_int_equal(tb_write(sp.sp_so[0], "header of a file", 16, -1,
			     NULL),
	    0);
	assert_int_equal(sosendfile(sp.sp_so[0], vp, 0, 0, NULL, 0, &sent), 0);
	assert_int_equal(sent, FSIZE);
	sockpair_run(&sp);
	len[which] = 0;
	while (sbavail(&sp.sp_so[1]->so_rcv) > 0) {
		assert_int_equal(tb_read(sp.sp_so[1],
				     stream[which] + len[which],
				     sizeof(stream[0]) - len[which], &n, &t,
				     &flags),
		    0);
		len[which] += n;
		sockpair_run(&sp);
	}
}

static const struct crypto_accel_params small = { .ca_depth = 2,
	.ca_engines = 2,
	.ca_rate_bps = 1000000000,
	.ca_latency = SIM_US };

static bool
sequence_sorted(void)
{
	for (unsigned i = 1; i < nsequence; i++)
		if (sequence[i] < sequence[i - 1])
			return (false);
	return (true);
}

static void
test_every_suite_gives_libcryptos_bytes_in_any_order(void **state)
{
	const struct tls_suite *s;

	for (unsigned i = 0; i < tls_nsuites; i++) {
		s = &tls_suites[i];
		run_stream(s, NULL, 0);
		bench_fini();
		run_stream(s, &small, 1);
		if (len[0] != len[1] ||
		    memcmp(stream[0], stream[1], len[0]) != 0)
			fail_msg("%s: another stream", s->name);
		assert_int_equal(nsequence, 11);
		/* CBC: the worker waits for each record. */
		assert_int_equal(sequence_sorted(), tb_cbc(s));
		assert_int_equal(ktls_stats(v)->ocf_retries > 0, !tb_cbc(s));
		assert_int_equal(crypto_accel_stats(v->v_accel)->ops, 11);
		assert_int_equal(crypto_accel_stats(v->v_accel)->inside_max,
		    tb_cbc(s) ? 1 : 2);
		bench_fini();
	}
	assert_true(tls_nsuites >= 16);
}

/* Completions in reverse and by chance: the library's form of the same. */
static simtime_t
reverse(void *arg, const struct ktls_session *tls, uint64_t seqno,
    simtime_t cost)
{
	return (cost * (16 - seqno % 16));
}

static void
test_a_library_in_reverse_gives_the_same_bytes(void **state)
{
	struct tls_enable en;
	const struct tls_suite *s = &tls_suites[0];
	struct vnode *vp;
	uint64_t sent;
	int t, flags = 0;
	size_t n;

	run_stream(s, NULL, 0);
	bench_fini();
	bench_init(NULL);
	ktls_set_completion(v, reverse, NULL);
	en = tb_enable(s, 5);
	vp = vnode_create(v, "file", FSIZE, fill, NULL);
	vnode_warm(vp);
	assert_int_equal(ktls_enable_tx(sp.sp_so[0], &en), 0);
	assert_int_equal(tb_write(sp.sp_so[0], "header of a file", 16, -1,
			     NULL),
	    0);
	assert_int_equal(sosendfile(sp.sp_so[0], vp, 0, 0, NULL, 0, &sent), 0);
	sockpair_run(&sp);
	assert_false(sequence_sorted());
	len[1] = 0;
	while (sbavail(&sp.sp_so[1]->so_rcv) > 0) {
		assert_int_equal(tb_read(sp.sp_so[1], plain, sizeof(plain), &n,
				     &t, &flags),
		    0);
		assert_memory_equal(plain, stream[0] + len[1], n);
		len[1] += n;
		sockpair_run(&sp);
	}
	assert_int_equal(len[1], len[0]);
	bench_fini();
}

static void
test_a_failed_operation_drops_the_connection_with_eio(void **state)
{
	struct crypto_accel_params p = small;
	const unsigned suites[] = { 0, tls_nsuites - 1 };

	p.ca_fail_op = 3;
	for (unsigned i = 0; i < nitems(suites); i++) {
		run_stream(&tls_suites[suites[i]], &p, 0);
		assert_int_equal(ktls_stats(v)->failed_crypto, 1);
		assert_int_equal(sp.sp_so[0]->so_error, EIO);
		assert_true(ktls_idle(v));
		bench_fini();
	}
}

static void
other_done(void *arg, int error)
{
}

/* Somebody else has the card's only place when the record comes. */
static void
test_decryption_asks_again_until_there_is_room(void **state)
{
	const struct tls_suite *s = &tls_suites[0];
	struct tls_enable en = tb_enable(s, 0);
	struct crypto_accel_params p = small;
	struct crypto_op other;
	int t, flags = 0;
	size_t n;

	p.ca_depth = 1;
	p.ca_latency = 100 * SIM_US;
	bench_init(&p);
	assert_int_equal(ktls_enable_tx(sp.sp_so[0], &en), 0);
	assert_int_equal(tb_write(sp.sp_so[0], "0123456789", 10, -1, NULL), 0);
	sockpair_run(&sp);
	assert_int_equal(ktls_stats(v)->ocf_retries, 0);
	crypto_op_init(&other, v->v_accel, other_done, NULL);
	crypto_accel_dispatch(&other, 125000); /* 1 ms, and told 100 us later */
	assert_int_equal(ktls_enable_rx(sp.sp_so[1], &en), 0);
	sockpair_run(&sp);
	assert_int_equal(tb_read(sp.sp_so[1], plain, sizeof(plain), &n, &t,
			     &flags),
	    0);
	assert_int_equal(n, 10);
	assert_memory_equal(plain, "0123456789", 10);
	assert_int_equal(ktls_stats(v)->ocf_retries, 11);
	assert_int_equal(crypto_accel_stats(v->v_accel)->ops, 3);
	bench_fini();
}

static void
test_a_failed_decryption_is_ebadmsg_and_the_connection_stays(void **state)
{
	const struct tls_suite *s = &tls_suites[0];
	struct tls_enable en = tb_enable(s, 0);
	struct crypto_accel_params p = small;
	int t, flags = 0;
	size_t n;

	p.ca_fail_op = 2; /* the first one was the encryption */
	bench_init(&p);
	assert_int_equal(ktls_enable_tx(sp.sp_so[0], &en), 0);
	assert_int_equal(ktls_enable_rx(sp.sp_so[1], &en), 0);
	assert_int_equal(tb_write(sp.sp_so[0], "lost", 4, -1, NULL), 0);
	sockpair_run(&sp);
	assert_int_equal(tb_read(sp.sp_so[1], plain, sizeof(plain), &n, &t,
			     &flags),
	    EBADMSG);
	assert_int_equal(tb_write(sp.sp_so[0], "good", 4, -1, NULL), 0);
	sockpair_run(&sp);
	assert_int_equal(tb_read(sp.sp_so[1], plain, sizeof(plain), &n, &t,
			     &flags),
	    0);
	assert_memory_equal(plain, "good", 4);
	bench_fini();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_every_suite_gives_libcryptos_bytes_in_any_order),
		cmocka_unit_test(
		    test_a_library_in_reverse_gives_the_same_bytes),
		cmocka_unit_test(
		    test_a_failed_operation_drops_the_connection_with_eio),
		cmocka_unit_test(
		    test_decryption_asks_again_until_there_is_room),
		cmocka_unit_test(
		    test_a_failed_decryption_is_ebadmsg_and_the_connection_stays),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
