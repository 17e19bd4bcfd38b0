/* RPC records, the probe for TLS, and NFS's arguments and results. */
#include "ktest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/sim/rpc.h>

static const char *why;

static int
put(struct rpc_reader *rr, const struct strbuf *sb, size_t from, size_t n,
    size_t *used)
{
	why = NULL;
	return (rpc_reader_put(rr, (const uint8_t *)sb->sb_str + from, n, used,
	    &why));
}

/* A record of the letters, in fragments of so many. */
static void
record(struct strbuf *sb, const char *text, uint32_t fragment)
{
	struct strbuf one = { 0 };

	xdr_put32(&one, 0);
	strbuf_adds(&one, text);
	rpc_put_end(&one, fragment);
	strbuf_add(sb, one.sb_str, one.sb_len);
	strbuf_fini(&one);
}

static void
test_records_come_out_whole_however_they_are_cut(void **state)
{
	static const char *const texts[] = { "abcdefgh", "x", "0123456789" };

	for (uint32_t fragment = 0; fragment < 5; fragment++)
		for (size_t step = 1; step < 30; step++) {
			struct strbuf sb = { 0 };
			struct rpc_reader rr = { 0 };
			size_t off = 0, used, n = 0;

			for (size_t i = 0; i < nitems(texts); i++)
				record(&sb, texts[i], fragment);
			while (off < sb.sb_len) {
				size_t len = MIN(step, sb.sb_len - off);
				int error = put(&rr, &sb, off, len, &used);

				off += used;
				if (error == EAGAIN) {
					assert_int_equal(used, len);
					continue;
				}
				assert_int_equal(error, 0);
				assert_int_equal(rr.rr_len, strlen(texts[n]));
				assert_memory_equal(rr.rr_buf, texts[n],
				    rr.rr_len);
				n++;
				rpc_reader_next(&rr);
			}
			assert_int_equal(n, 3);
			assert_false(rpc_reader_mid(&rr));
			assert_int_equal(rr.rr_records, 3);
			rpc_reader_fini(&rr);
			strbuf_fini(&sb);
		}
}

static void
test_fragments_are_marked_as_the_rfc_says(void **state)
{
	static const uint8_t want[] = { 0, 0, 0, 3, 'a', 'b', 'c', 0x80, 0, 0,
		2, 'd', 'e' };
	struct strbuf sb = { 0 };

	record(&sb, "abcde", 3);
	assert_int_equal(sb.sb_len, sizeof(want));
	assert_memory_equal(sb.sb_str, want, sizeof(want));
	strbuf_fini(&sb);
}

/* Marks alone, and what is said of them. */
static void
refused(uint32_t mark, unsigned times, const char *text)
{
	struct strbuf sb = { 0 };
	struct rpc_reader rr = { 0 };
	size_t used;
	int error;

	for (unsigned i = 0; i < times; i++) {
		xdr_put32(&sb, mark);
		if (mark == 1)
			strbuf_adds(&sb, "x");
	}
	error = put(&rr, &sb, 0, sb.sb_len, &used);
	assert_int_equal(error, EBADMSG);
	assert_string_equal(why, text);
	assert_true(used >= 4);
	rpc_reader_fini(&rr);
	strbuf_fini(&sb);
}

static void
test_marks_that_cannot_be_are_refused(void **state)
{
	refused(RPC_LAST | (RPC_RECORD_MAX + 1), 1,
	    "record mark: the record is longer than 2 MiB");
	refused(0x7fffffff, 1, "record mark: the record is longer than 2 MiB");
	refused(0xffffffff, 1, "record mark: the record is longer than 2 MiB");
	refused(0, 1, "record mark: an empty fragment that is not the last");
	refused(RPC_LAST, 1, "record mark: an empty record");
	refused(1, 65, "record mark: more than 64 fragments");
}

static void
test_an_empty_last_fragment_ends_a_record(void **state)
{
	struct strbuf sb = { 0 };
	struct rpc_reader rr = { 0 };
	size_t used;

	xdr_put32(&sb, 2);
	strbuf_adds(&sb, "hi");
	xdr_put32(&sb, RPC_LAST);
	assert_int_equal(put(&rr, &sb, 0, sb.sb_len, &used), 0);
	assert_int_equal(used, 10);
	assert_int_equal(rr.rr_len, 2);
	assert_int_equal(rr.rr_all_frags, 2);
	rpc_reader_fini(&rr);
	strbuf_fini(&sb);
}

static struct xdr_in
body(const struct strbuf *sb)
{
	return ((struct xdr_in) { (const uint8_t *)sb->sb_str + RPC_MARK,
	    sb->sb_len - RPC_MARK, false });
}

static void
test_the_probe_is_what_rfc_9289_says(void **state)
{
	static const uint8_t want[] = { 0x80, 0, 0, 40, 0, 0, 0, 9, 0, 0, 0, 0,
		0, 0, 0, 2, 0, 1, 0x86, 0xa3, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
		7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct strbuf sb = { 0 };
	struct rpc_call rc;
	struct xdr_in xi;

	rpc_put_call(&sb, 9, NFS_PROGRAM, NFS_V3, NFSPROC_NULL, AUTH_TLS, "");
	rpc_put_end(&sb, 0);
	assert_int_equal(sb.sb_len, sizeof(want));
	assert_memory_equal(sb.sb_str, want, sizeof(want));
	xi = body(&sb);
	assert_int_equal(rpc_get_call(&xi, &rc, &why), 0);
	assert_int_equal(rc.rc_flavor, AUTH_TLS);
	assert_int_equal(rc.rc_cred_len, 0);
	assert_int_equal(rc.rc_verf_flavor, AUTH_NONE);
	assert_int_equal(xi.xi_left, 0);
	strbuf_fini(&sb);
}

static void
test_its_answer_says_starttls(void **state)
{
	static const uint8_t want[] = { 0x80, 0, 0, 32, 0, 0, 0, 9, 0, 0, 0, 1,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 'S', 'T', 'A', 'R', 'T',
		'T', 'L', 'S', 0, 0, 0, 0 };
	struct strbuf sb = { 0 };
	struct rpc_reply rp;
	struct xdr_in xi;

	rpc_put_accepted(&sb, 9, RPC_SUCCESS, true);
	rpc_put_end(&sb, 0);
	assert_int_equal(sb.sb_len, sizeof(want));
	assert_memory_equal(sb.sb_str, want, sizeof(want));
	xi = body(&sb);
	assert_int_equal(rpc_get_reply(&xi, &rp, &why), 0);
	assert_true(rp.rp_starttls);
	sb.sb_str[27] = 's'; /* some other eight bytes */
	xi = body(&sb);
	assert_int_equal(rpc_get_reply(&xi, &rp, &why), 0);
	assert_false(rp.rp_starttls);
	sb.sb_str[27] = 'R';
	sb.sb_str[19] = 1; /* of another flavor */
	xi = body(&sb);
	assert_int_equal(rpc_get_reply(&xi, &rp, &why), 0);
	assert_false(rp.rp_starttls);
	strbuf_fini(&sb);
}

static void
test_denials_say_why(void **state)
{
	struct strbuf sb = { 0 };
	struct rpc_reply rp;
	struct xdr_in xi;

	rpc_put_denied(&sb, 3, RPC_AUTH_TOOWEAK);
	rpc_put_end(&sb, 0);
	xi = body(&sb);
	assert_int_equal(rpc_get_reply(&xi, &rp, &why), 0);
	assert_true(rp.rp_denied);
	assert_int_equal(rp.rp_stat, 1);
	assert_string_equal(rpc_auth_stat_name(rp.rp_auth_stat),
	    "AUTH_TOOWEAK");
	for (size_t n = 0; n < 20; n++) { /* every cut of it */
		xi = body(&sb);
		xi.xi_left = n;
		assert_int_equal(rpc_get_reply(&xi, &rp, &why), EBADMSG);
		assert_non_null(why);
	}
	strbuf_fini(&sb);
}

static void
test_heads_that_are_none_are_refused(void **state)
{
	struct strbuf sb = { 0 };
	struct rpc_reply rp;
	struct rpc_call rc;
	struct xdr_in xi;

	rpc_put_call(&sb, 1, NFS_PROGRAM, NFS_V3, NFSPROC_READ, AUTH_SYS,
	    "client");
	rpc_put_end(&sb, 0);
	xi = body(&sb);
	assert_int_equal(rpc_get_call(&xi, &rc, &why), 0);
	assert_int_equal(rc.rc_flavor, AUTH_SYS);
	assert_int_equal(rc.rc_cred_len, 28);
	xi = body(&sb);
	assert_int_equal(rpc_get_reply(&xi, &rp, &why), EBADMSG);
	assert_string_equal(why, "no reply");
	for (size_t n = 0; n < sb.sb_len - RPC_MARK; n++) {
		xi = body(&sb);
		xi.xi_left = n;
		assert_int_equal(rpc_get_call(&xi, &rc, &why), EBADMSG);
	}
	sb.sb_str[RPC_MARK + 11] = 3; /* of RPC version 3 */
	xi = body(&sb);
	assert_int_equal(rpc_get_call(&xi, &rc, &why), EBADMSG);
	assert_string_equal(why, "a call of another RPC version than 2");
	sb.sb_str[RPC_MARK + 11] = 2;
	be32enc(sb.sb_str + RPC_MARK + 28, 401); /* a longer credential */
	xi = body(&sb);
	assert_int_equal(rpc_get_call(&xi, &rc, &why), EBADMSG);
	strbuf_fini(&sb);
}

static const unsigned procs[] = { NFSPROC_NULL, NFSPROC_GETATTR, NFSPROC_LOOKUP,
	NFSPROC_READ, NFSPROC_WRITE, NFSPROC_CREATE };

static void
test_arguments_are_read_as_they_were_written(void **state)
{
	const struct nfs_args na = { .na_fh = { 5, "abcde" },
		.na_name = "file",
		.na_offset = 0x123456789a,
		.na_count = 7,
		.na_stable = NFS_FILE_SYNC,
		.na_data = (const uint8_t *)"0123456" };
	struct nfs_args got;

	for (size_t i = 0; i < nitems(procs); i++) {
		struct strbuf sb = { 0 };
		struct xdr_in xi;

		nfs_put_args(&sb, procs[i], &na);
		xi = (struct xdr_in) { (const uint8_t *)sb.sb_str, sb.sb_len,
			false };
		assert_int_equal(nfs_get_args(&xi, procs[i], &got), 0);
		assert_int_equal(xi.xi_left, 0);
		if (procs[i] != NFSPROC_NULL)
			assert_int_equal(got.na_fh.fh_len, 5);
		if (procs[i] == NFSPROC_WRITE)
			assert_memory_equal(got.na_data, "0123456", 7);
		if (procs[i] == NFSPROC_READ)
			assert_int_equal(got.na_offset, 0x123456789a);
		if (procs[i] == NFSPROC_LOOKUP)
			assert_string_equal(got.na_name, "file");
		for (size_t n = 0; n < sb.sb_len; n++) {
			xi = (struct xdr_in) { (const uint8_t *)sb.sb_str, n,
				false };
			assert_int_equal(nfs_get_args(&xi, procs[i], &got),
			    EBADMSG);
		}
		strbuf_fini(&sb);
	}
}

static void
test_results_are_read_as_they_were_written(void **state)
{
	struct nfs_res nr = { .nr_fh = { 3, "abc" },
		.nr_has_attr = true,
		.nr_attr = { false, 999, 4 },
		.nr_count = 6,
		.nr_eof = true,
		.nr_committed = NFS_FILE_SYNC,
		.nr_data = (const uint8_t *)"abcdef" };
	static const uint32_t stats[] = { NFS_OK, NFSERR_NOENT };
	struct nfs_res got;

	for (size_t i = 0; i < 2 * nitems(procs); i++) {
		unsigned proc = procs[i / 2];
		struct strbuf sb = { 0 };
		struct xdr_in xi;

		nr.nr_status = proc == NFSPROC_NULL ? NFS_OK : stats[i % 2];
		nfs_put_res(&sb, proc, &nr);
		xi = (struct xdr_in) { (const uint8_t *)sb.sb_str, sb.sb_len,
			false };
		assert_int_equal(nfs_get_res(&xi, proc, &got, &why), 0);
		assert_int_equal(xi.xi_left, 0);
		assert_int_equal(got.nr_status, nr.nr_status);
		if (proc == NFSPROC_READ && nr.nr_status == NFS_OK) {
			assert_memory_equal(got.nr_data, "abcdef", 6);
			assert_true(got.nr_eof);
			assert_int_equal(got.nr_attr.at_size, 999);
		}
		for (size_t n = 0; n < sb.sb_len; n++) {
			xi = (struct xdr_in) { (const uint8_t *)sb.sb_str, n,
				false };
			assert_int_equal(nfs_get_res(&xi, proc, &got, &why),
			    EBADMSG);
		}
		strbuf_fini(&sb);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_records_come_out_whole_however_they_are_cut),
		cmocka_unit_test(test_fragments_are_marked_as_the_rfc_says),
		cmocka_unit_test(test_marks_that_cannot_be_are_refused),
		cmocka_unit_test(test_an_empty_last_fragment_ends_a_record),
		cmocka_unit_test(test_the_probe_is_what_rfc_9289_says),
		cmocka_unit_test(test_its_answer_says_starttls),
		cmocka_unit_test(test_denials_say_why),
		cmocka_unit_test(test_heads_that_are_none_are_refused),
		cmocka_unit_test(test_arguments_are_read_as_they_were_written),
		cmocka_unit_test(test_results_are_read_as_they_were_written),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
