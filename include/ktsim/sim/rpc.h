/*
 * ONC RPC over TCP, as NFS speaks it: record marking and message heads (RFC
 * 5531), the probe for TLS (RFC 9289), and of NFS version 3 (RFC 1813) what a
 * mount here does: NULL, GETATTR, LOOKUP, READ, WRITE, CREATE. Bytes in, bytes
 * out: no socket, no time. Readers never look behind their bytes and say in a
 * static text what is wrong.
 */
#ifndef KTSIM_SIM_RPC_H
#define KTSIM_SIM_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>

/* --- record marking, RFC 5531 section 11 --- */
#define RPC_MARK       4u	   /* bytes */
#define RPC_LAST       0x80000000u /* this fragment ends the record */
#define RPC_RECORD_MAX (2u << 20)  /* of those that are taken */
#define RPC_FRAGS_MAX  64u	   /* fragments of one record */

/* Collects one record after the other; zero-initialise. */
struct rpc_reader {
	uint8_t rr_mark[RPC_MARK];
	unsigned rr_nmark; /* bytes of the mark that are there */
	uint32_t rr_left;  /* of the fragment */
	bool rr_last;
	unsigned rr_frags; /* of this record */
	uint8_t *rr_buf;   /* the record so far, without marks */
	size_t rr_len, rr_size;
	uint64_t rr_all_frags, rr_records;
};
/*
 * Takes bytes of the stream, *used of them: up to the end of a record, then 0,
 * and the record is in rr_buf until rpc_reader_next; or all of them and EAGAIN.
 * EBADMSG: a mark that cannot be; *why.
 */
int rpc_reader_put(struct rpc_reader *, const uint8_t *, size_t, size_t *used,
    const char **why);
void rpc_reader_next(struct rpc_reader *);
/* Within a record, or a mark. */
bool rpc_reader_mid(const struct rpc_reader *);
void rpc_reader_fini(struct rpc_reader *);

/* --- XDR --- */
struct xdr_in {
	const uint8_t *xi_p;
	size_t xi_left;
	bool xi_bad; /* it was too short; values are 0 */
};
uint32_t xdr_get32(struct xdr_in *);
uint64_t xdr_get64(struct xdr_in *);
/* Variable length, at most max; NULL and xi_bad: longer, or not there. */
const uint8_t *xdr_get_opaque(struct xdr_in *, uint32_t max, uint32_t *len);
void xdr_put32(struct strbuf *, uint32_t);
void xdr_put64(struct strbuf *, uint64_t);
void xdr_put_opaque(struct strbuf *, const void *, uint32_t len);

/* --- messages --- */
enum rpc_flavor { AUTH_NONE, AUTH_SYS, AUTH_TLS = 7 };
enum rpc_accept_stat {
	RPC_SUCCESS,
	RPC_PROG_UNAVAIL,
	RPC_PROG_MISMATCH,
	RPC_PROC_UNAVAIL,
	RPC_GARBAGE_ARGS,
	RPC_SYSTEM_ERR
};
enum rpc_auth_stat {
	RPC_AUTH_OK,
	RPC_AUTH_BADCRED,
	RPC_AUTH_REJECTEDCRED,
	RPC_AUTH_BADVERF,
	RPC_AUTH_REJECTEDVERF,
	RPC_AUTH_TOOWEAK,
	RPC_AUTH_INVALIDRESP,
	RPC_AUTH_FAILED
};
#define RPC_STARTTLS	  "STARTTLS" /* 8 bytes, the verifier's body */
#define RPC_AUTH_BODY_MAX 400u	     /* RFC 5531 section 8.2 */

struct rpc_call {
	uint32_t rc_xid, rc_prog, rc_vers, rc_proc;
	uint32_t rc_flavor, rc_cred_len;
	uint32_t rc_verf_flavor, rc_verf_len;
};
struct rpc_reply {
	uint32_t rp_xid;
	bool rp_denied;
	uint32_t rp_stat;      /* accept_stat; denied: 0 RPC version, 1 auth */
	uint32_t rp_auth_stat; /* denied for that */
	uint32_t rp_verf_flavor;
	bool rp_starttls; /* the verifier says so */
};

/* Head of a record; xi then stands at its arguments or results. 0; EBADMSG and
 * *why. */
int rpc_get_call(struct xdr_in *, struct rpc_call *, const char **why);
int rpc_get_reply(struct xdr_in *, struct rpc_reply *, const char **why);
/* Each begins a record: room for the mark, then the head. */
void rpc_put_call(struct strbuf *, uint32_t xid, uint32_t prog, uint32_t vers,
    uint32_t proc, enum rpc_flavor, const char *machine);
void rpc_put_accepted(struct strbuf *, uint32_t xid, enum rpc_accept_stat,
    bool starttls);
void rpc_put_denied(struct strbuf *, uint32_t xid, enum rpc_auth_stat);
/*
 * The record is whole: its marks. fragment: bytes of each fragment, 0: one for
 * all.
 */
void rpc_put_end(struct strbuf *, uint32_t fragment);
/* "AUTH_TOOWEAK" */
const char *rpc_auth_stat_name(uint32_t);

/* --- NFS version 3 --- */
#define NFS_PROGRAM 100003u
#define NFS_V3	    3u
#define NFS_PORT    2049u
#define NFS_FHSIZE  64u
#define NFS_NAMEMAX 255u
#define NFS_IOMAX   (1u << 20)
enum nfs_proc {
	NFSPROC_NULL = 0,
	NFSPROC_GETATTR = 1,
	NFSPROC_LOOKUP = 3,
	NFSPROC_READ = 6,
	NFSPROC_WRITE = 7,
	NFSPROC_CREATE = 8,
	NFS_NPROCS = 22
};
enum nfs_stat {
	NFS_OK = 0,
	NFSERR_NOENT = 2,
	NFSERR_IO = 5,
	NFSERR_STALE = 70,
	NFSERR_NOTSUPP = 10004
};
#define NFS_FILE_SYNC 2u
const char *nfs_proc_name(unsigned proc); /* "read"; NULL: not done here */
const char *nfs_stat_name(uint32_t);	  /* "NFS3ERR_NOENT" */

struct nfs_fh {
	uint32_t fh_len;
	uint8_t fh_data[NFS_FHSIZE];
};
/* The arguments of all that are done here. */
struct nfs_args {
	struct nfs_fh na_fh; /* of the file, or of the folder */
	char na_name[NFS_NAMEMAX + 1];
	uint64_t na_offset;
	uint32_t na_count;
	uint32_t na_stable;
	const uint8_t *na_data; /* na_count bytes, in the record */
};
struct nfs_attr {
	bool at_dir;
	uint64_t at_size, at_fileid;
};
/* And their results. */
struct nfs_res {
	uint32_t nr_status;
	struct nfs_fh nr_fh;
	bool nr_has_attr;
	struct nfs_attr nr_attr;
	uint32_t nr_count;
	bool nr_eof;
	uint32_t nr_committed;
	const uint8_t *nr_data; /* nr_count bytes, READ */
};
/* 0; EBADMSG: RPC_GARBAGE_ARGS is the answer. proc: one that is done here. */
int nfs_get_args(struct xdr_in *, unsigned proc, struct nfs_args *);
void nfs_put_args(struct strbuf *, unsigned proc, const struct nfs_args *);
int nfs_get_res(struct xdr_in *, unsigned proc, struct nfs_res *,
    const char **why);
void nfs_put_res(struct strbuf *, unsigned proc, const struct nfs_res *);

#endif
