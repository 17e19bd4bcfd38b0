/* Arguments and results of NFS version 3, RFC 1813 section 3.3; both sides in
 * one file, so that one sees that they agree. */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/sim/rpc.h>

#define NF3REG 1u
#define NF3DIR 2u

const char *
nfs_proc_name(unsigned proc)
{
	static const char *const names[NFS_NPROCS] = { [NFSPROC_NULL] = "null",
		[NFSPROC_GETATTR] = "getattr",
		[NFSPROC_LOOKUP] = "lookup",
		[NFSPROC_READ] = "read",
		[NFSPROC_WRITE] = "write",
		[NFSPROC_CREATE] = "create" };

	return (proc < NFS_NPROCS ? names[proc] : NULL);
}

const char *
nfs_stat_name(uint32_t stat)
{
	switch (stat) {
	case NFS_OK:
		return ("NFS3_OK");
	case NFSERR_NOENT:
		return ("NFS3ERR_NOENT");
	case NFSERR_IO:
		return ("NFS3ERR_IO");
	case NFSERR_STALE:
		return ("NFS3ERR_STALE");
	case NFSERR_NOTSUPP:
		return ("NFS3ERR_NOTSUPP");
	default:
		return ("NFS3ERR_?");
	}
}

/* --- small things --- */

static void
get_fh(struct xdr_in *xi, struct nfs_fh *fh)
{
	const uint8_t *p = xdr_get_opaque(xi, NFS_FHSIZE, &fh->fh_len);

	if (p != NULL)
		memcpy(fh->fh_data, p, fh->fh_len);
}

static void
put_fh(struct strbuf *sb, const struct nfs_fh *fh)
{
	xdr_put_opaque(sb, fh->fh_data, fh->fh_len);
}

/* nfstime3, three of them: nothing here changes. */
static void
put_times(struct strbuf *sb)
{
	for (int i = 0; i < 3; i++)
		xdr_put64(sb, 0);
}

static void
put_attr(struct strbuf *sb, const struct nfs_attr *at)
{
	xdr_put32(sb, at->at_dir ? NF3DIR : NF3REG);
	xdr_put32(sb, at->at_dir ? 0755 : 0644);
	xdr_put32(sb, at->at_dir ? 2 : 1); /* links */
	xdr_put32(sb, 0);		   /* uid, gid */
	xdr_put32(sb, 0);
	xdr_put64(sb, at->at_size);
	xdr_put64(sb, at->at_size); /* used */
	xdr_put64(sb, 0);	    /* rdev */
	xdr_put64(sb, 1);	    /* fsid */
	xdr_put64(sb, at->at_fileid);
	put_times(sb);
}

static void
get_attr(struct xdr_in *xi, struct nfs_attr *at)
{
	at->at_dir = xdr_get32(xi) == NF3DIR;
	for (int i = 0; i < 4; i++) /* mode, links, uid, gid */
		(void)xdr_get32(xi);
	at->at_size = xdr_get64(xi);
	for (int i = 0; i < 3; i++) /* used, rdev, fsid */
		(void)xdr_get64(xi);
	at->at_fileid = xdr_get64(xi);
	for (int i = 0; i < 3; i++)
		(void)xdr_get64(xi);
}

/* post_op_attr */
static void
put_post(struct strbuf *sb, const struct nfs_res *nr)
{
	xdr_put32(sb, nr->nr_has_attr);
	if (nr->nr_has_attr)
		put_attr(sb, &nr->nr_attr);
}

static void
get_post(struct xdr_in *xi, struct nfs_res *nr)
{
	nr->nr_has_attr = xdr_get32(xi) != 0;
	if (nr->nr_has_attr)
		get_attr(xi, &nr->nr_attr);
}

/* One that nobody asks for. */
static void
skip_post(struct xdr_in *xi)
{
	struct nfs_attr at;

	if (xdr_get32(xi) != 0)
		get_attr(xi, &at);
}

/* wcc_data: what it was before is not told. */
static void
put_wcc(struct strbuf *sb, const struct nfs_res *nr)
{
	xdr_put32(sb, 0);
	put_post(sb, nr);
}

static void
skip_wcc(struct xdr_in *xi, struct nfs_res *nr)
{
	if (xdr_get32(xi) != 0)
		for (int i = 0; i < 3; i++) /* size, mtime, ctime */
			(void)xdr_get64(xi);
	get_post(xi, nr);
}

/* --- arguments --- */

static void
get_name(struct xdr_in *xi, struct nfs_args *na)
{
	uint32_t len;
	const uint8_t *p = xdr_get_opaque(xi, NFS_NAMEMAX, &len);

	if (p == NULL || len == 0 || memchr(p, '\0', len) != NULL) {
		xi->xi_bad = true;
		return;
	}
	memcpy(na->na_name, p, len);
	na->na_name[len] = '\0';
}

/* createhow3, unchecked or guarded: a sattr3, whose values are skipped. */
static void
get_how(struct xdr_in *xi)
{
	uint32_t how = xdr_get32(xi);

	if (how > 1) {
		xi->xi_bad = true;
		return;
	}
	for (int i = 0; i < 3; i++) /* mode, uid, gid */
		if (xdr_get32(xi) != 0)
			(void)xdr_get32(xi);
	if (xdr_get32(xi) != 0)
		(void)xdr_get64(xi);
	for (int i = 0; i < 2; i++) /* times: 2 is the client's */
		if (xdr_get32(xi) == 2)
			(void)xdr_get64(xi);
}

static void
get_write(struct xdr_in *xi, struct nfs_args *na)
{
	uint32_t len;

	na->na_count = xdr_get32(xi);
	na->na_stable = xdr_get32(xi);
	na->na_data = xdr_get_opaque(xi, NFS_IOMAX, &len);
	if (len != na->na_count || na->na_stable > NFS_FILE_SYNC)
		xi->xi_bad = true;
}

int
nfs_get_args(struct xdr_in *xi, unsigned proc, struct nfs_args *na)
{
	memset(na, 0, sizeof(*na));
	if (proc == NFSPROC_NULL)
		return (0);
	get_fh(xi, &na->na_fh);
	if (proc == NFSPROC_LOOKUP || proc == NFSPROC_CREATE)
		get_name(xi, na);
	if (proc == NFSPROC_CREATE)
		get_how(xi);
	if (proc == NFSPROC_READ || proc == NFSPROC_WRITE)
		na->na_offset = xdr_get64(xi);
	if (proc == NFSPROC_READ)
		na->na_count = xdr_get32(xi);
	if (proc == NFSPROC_WRITE)
		get_write(xi, na);
	return (xi->xi_bad ? EBADMSG : 0);
}

void
nfs_put_args(struct strbuf *sb, unsigned proc, const struct nfs_args *na)
{
	if (proc == NFSPROC_NULL)
		return;
	put_fh(sb, &na->na_fh);
	if (proc == NFSPROC_LOOKUP || proc == NFSPROC_CREATE)
		xdr_put_opaque(sb, na->na_name, (uint32_t)strlen(na->na_name));
	if (proc == NFSPROC_CREATE) {
		xdr_put32(sb, 0); /* unchecked */
		xdr_put32(sb, 1); /* a mode, and nothing else */
		xdr_put32(sb, 0644);
		for (int i = 0; i < 5; i++)
			xdr_put32(sb, 0);
	}
	if (proc == NFSPROC_READ || proc == NFSPROC_WRITE) {
		xdr_put64(sb, na->na_offset);
		xdr_put32(sb, na->na_count);
	}
	if (proc == NFSPROC_WRITE) {
		xdr_put32(sb, na->na_stable);
		xdr_put_opaque(sb, na->na_data, na->na_count);
	}
}

/* --- results --- */

static void
put_failed(struct strbuf *sb, unsigned proc, const struct nfs_res *nr)
{
	if (proc == NFSPROC_WRITE || proc == NFSPROC_CREATE)
		put_wcc(sb, nr);
	else if (proc != NFSPROC_GETATTR)
		put_post(sb, nr);
}

static void
put_done(struct strbuf *sb, unsigned proc, const struct nfs_res *nr)
{
	switch (proc) {
	case NFSPROC_GETATTR:
		put_attr(sb, &nr->nr_attr);
		break;
	case NFSPROC_LOOKUP:
		put_fh(sb, &nr->nr_fh);
		put_post(sb, nr);
		xdr_put32(sb, 0); /* the folder's attributes: not told */
		break;
	case NFSPROC_READ:
		put_post(sb, nr);
		xdr_put32(sb, nr->nr_count);
		xdr_put32(sb, nr->nr_eof);
		xdr_put_opaque(sb, nr->nr_data, nr->nr_count);
		break;
	case NFSPROC_WRITE:
		put_wcc(sb, nr);
		xdr_put32(sb, nr->nr_count);
		xdr_put32(sb, nr->nr_committed);
		xdr_put64(sb, 1); /* the server was started once */
		break;
	default: /* CREATE */
		xdr_put32(sb, 1);
		put_fh(sb, &nr->nr_fh);
		put_post(sb, nr);
		xdr_put64(sb, 0); /* the folder's wcc_data: not told */
		break;
	}
}

void
nfs_put_res(struct strbuf *sb, unsigned proc, const struct nfs_res *nr)
{
	if (proc == NFSPROC_NULL)
		return;
	xdr_put32(sb, nr->nr_status);
	if (nr->nr_status != NFS_OK)
		put_failed(sb, proc, nr);
	else
		put_done(sb, proc, nr);
}

static void
get_failed(struct xdr_in *xi, unsigned proc, struct nfs_res *nr)
{
	if (proc == NFSPROC_WRITE || proc == NFSPROC_CREATE)
		skip_wcc(xi, nr);
	else if (proc != NFSPROC_GETATTR)
		get_post(xi, nr);
}

static void
get_read(struct xdr_in *xi, struct nfs_res *nr)
{
	uint32_t len;

	get_post(xi, nr);
	nr->nr_count = xdr_get32(xi);
	nr->nr_eof = xdr_get32(xi) != 0;
	nr->nr_data = xdr_get_opaque(xi, NFS_IOMAX, &len);
	if (len != nr->nr_count)
		xi->xi_bad = true;
}

static void
get_created(struct xdr_in *xi, struct nfs_res *nr)
{
	struct nfs_res folder;

	if (xdr_get32(xi) != 0)
		get_fh(xi, &nr->nr_fh);
	get_post(xi, nr);
	skip_wcc(xi, &folder);
}

static void
get_done(struct xdr_in *xi, unsigned proc, struct nfs_res *nr)
{
	switch (proc) {
	case NFSPROC_GETATTR:
		nr->nr_has_attr = true;
		get_attr(xi, &nr->nr_attr);
		break;
	case NFSPROC_LOOKUP:
		get_fh(xi, &nr->nr_fh);
		get_post(xi, nr);
		skip_post(xi);
		break;
	case NFSPROC_READ:
		get_read(xi, nr);
		break;
	case NFSPROC_WRITE:
		skip_wcc(xi, nr);
		nr->nr_count = xdr_get32(xi);
		nr->nr_committed = xdr_get32(xi);
		(void)xdr_get64(xi);
		break;
	default: /* CREATE */
		get_created(xi, nr);
		break;
	}
}

int
nfs_get_res(struct xdr_in *xi, unsigned proc, struct nfs_res *nr,
    const char **why)
{
	memset(nr, 0, sizeof(*nr));
	if (proc == NFSPROC_NULL)
		return (0);
	nr->nr_status = xdr_get32(xi);
	if (nr->nr_status != NFS_OK)
		get_failed(xi, proc, nr);
	else
		get_done(xi, proc, nr);
	if (!xi->xi_bad)
		return (0);
	*why = "results that are cut off, or too long";
	return (EBADMSG);
}
