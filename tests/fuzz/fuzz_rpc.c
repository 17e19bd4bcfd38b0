/*
 * Any bytes as a TCP stream of RPC, in pieces whose size the first byte says:
 * record marks, then each record as a call with its arguments and as a reply
 * with results of every procedure. What is read stays within the record, and
 * what was taken for arguments is the same again when it was written.
 */
#include "fuzz.h"

#include <errno.h>

#include <ktsim/sim/rpc.h>

static void
must_be_inside(const uint8_t *p, size_t n, const uint8_t *rec, size_t len)
{
	MUST(n == 0 || (p >= rec && p + n <= rec + len));
}

static void
must_come_back(unsigned proc, const struct nfs_args *na)
{
	struct strbuf sb = { 0 };
	struct nfs_args again;
	struct xdr_in xi;

	nfs_put_args(&sb, proc, na);
	xi = (struct xdr_in) { (const uint8_t *)sb.sb_str, sb.sb_len, false };
	MUST(nfs_get_args(&xi, proc, &again) == 0);
	MUST(xi.xi_left == 0);
	MUST(again.na_fh.fh_len == na->na_fh.fh_len);
	MUST(memcmp(again.na_fh.fh_data, na->na_fh.fh_data, NFS_FHSIZE) == 0);
	MUST(strcmp(again.na_name, na->na_name) == 0);
	MUST(again.na_offset == na->na_offset);
	MUST(again.na_count == na->na_count);
	if (proc == NFSPROC_WRITE && na->na_count > 0)
		MUST(memcmp(again.na_data, na->na_data, na->na_count) == 0);
	strbuf_fini(&sb);
}

static void
as_call(const uint8_t *rec, size_t len)
{
	struct xdr_in xi = { rec, len, false };
	const char *why = NULL;
	struct nfs_args na;
	struct rpc_call rc;

	if (rpc_get_call(&xi, &rc, &why) != 0) {
		MUST(why != NULL);
		return;
	}
	MUST(rc.rc_cred_len <= RPC_AUTH_BODY_MAX);
	must_be_inside(xi.xi_p, xi.xi_left, rec, len);
	if (nfs_proc_name(rc.rc_proc) == NULL ||
	    nfs_get_args(&xi, rc.rc_proc, &na) != 0)
		return;
	if (rc.rc_proc == NFSPROC_WRITE)
		must_be_inside(na.na_data, na.na_count, rec, len);
	must_come_back(rc.rc_proc, &na);
}

static void
as_reply(const uint8_t *rec, size_t len)
{
	struct xdr_in xi = { rec, len, false }, results;
	const char *why = NULL;
	struct rpc_reply rp;
	struct nfs_res nr;

	if (rpc_get_reply(&xi, &rp, &why) != 0) {
		MUST(why != NULL);
		return;
	}
	MUST(rpc_auth_stat_name(rp.rp_auth_stat) != NULL);
	for (unsigned proc = 0; proc < NFS_NPROCS; proc++) {
		if (nfs_proc_name(proc) == NULL)
			continue;
		results = xi;
		if (nfs_get_res(&results, proc, &nr, &why) != 0)
			continue;
		MUST(nr.nr_fh.fh_len <= NFS_FHSIZE);
		if (proc == NFSPROC_READ)
			must_be_inside(nr.nr_data, nr.nr_count, rec, len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_reader rr = { 0 };
	const char *why = NULL;
	size_t step, n, used;
	int error = 0;

	if (size == 0)
		return (0);
	step = data[0] + 1u;
	for (size_t off = 1; off < size && error != EBADMSG; off += used) {
		n = size - off < step ? size - off : step;
		error = rpc_reader_put(&rr, data + off, n, &used, &why);
		MUST(used <= n && (error != EAGAIN || used == n));
		MUST(rr.rr_len <= RPC_RECORD_MAX && rr.rr_len < size);
		if (error != 0)
			continue;
		as_call(rr.rr_buf, rr.rr_len);
		as_reply(rr.rr_buf, rr.rr_len);
		rpc_reader_next(&rr);
		MUST(!rpc_reader_mid(&rr));
	}
	MUST(error != EBADMSG || why != NULL);
	rpc_reader_fini(&rr);
	return (0);
}
