/* Record marking: a record is fragments, each behind four bytes that say its
 * length and whether it is the last. RFC 5531 section 11. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/rpc.h>

static int
bad(const char **why, const char *text)
{
	*why = text;
	return (EBADMSG);
}

/* The mark is whole. */
static int
fragment_begins(struct rpc_reader *rr, const char **why)
{
	uint32_t mark = be32dec(rr->rr_mark);

	rr->rr_last = (mark & RPC_LAST) != 0;
	rr->rr_left = mark & ~RPC_LAST;
	rr->rr_all_frags++;
	if (rr->rr_left > RPC_RECORD_MAX - rr->rr_len)
		return (
		    bad(why, "record mark: the record is longer than 2 MiB"));
	if (++rr->rr_frags > RPC_FRAGS_MAX)
		return (bad(why, "record mark: more than 64 fragments"));
	if (rr->rr_left == 0 && !rr->rr_last)
		return (bad(why,
		    "record mark: an empty fragment that is not the last"));
	if (rr->rr_left == 0 && rr->rr_len == 0)
		return (bad(why, "record mark: an empty record"));
	return (0);
}

static void
take(struct rpc_reader *rr, const uint8_t *p, size_t n)
{
	if (rr->rr_len + n > rr->rr_size) {
		rr->rr_size = 2 * (rr->rr_len + n);
		rr->rr_buf = xrealloc(rr->rr_buf, rr->rr_size);
	}
	memcpy(rr->rr_buf + rr->rr_len, p, n);
	rr->rr_len += n;
	rr->rr_left -= (uint32_t)n;
}

int
rpc_reader_put(struct rpc_reader *rr, const uint8_t *p, size_t len,
    size_t *used, const char **why)
{
	size_t n;
	int error;

	for (*used = 0; *used < len || rr->rr_nmark == RPC_MARK;) {
		if (rr->rr_nmark < RPC_MARK) {
			rr->rr_mark[rr->rr_nmark++] = p[(*used)++];
			if (rr->rr_nmark == RPC_MARK &&
			    (error = fragment_begins(rr, why)) != 0)
				return (error);
			continue;
		}
		n = MIN(len - *used, (size_t)rr->rr_left);
		if (n > 0)
			take(rr, p + *used, n);
		*used += n;
		if (rr->rr_left > 0)
			break;
		rr->rr_nmark = 0;
		if (rr->rr_last) {
			rr->rr_records++;
			return (0);
		}
	}
	return (EAGAIN);
}

void
rpc_reader_next(struct rpc_reader *rr)
{
	rr->rr_len = 0;
	rr->rr_frags = 0;
}

bool
rpc_reader_mid(const struct rpc_reader *rr)
{
	return (rr->rr_nmark > 0 || rr->rr_frags > 0);
}

void
rpc_reader_fini(struct rpc_reader *rr)
{
	free(rr->rr_buf);
	*rr = (struct rpc_reader) { 0 };
}

/* --- the other way --- */

static void
put_mark(struct strbuf *sb, size_t len, bool last)
{
	xdr_put32(sb, (uint32_t)len | (last ? RPC_LAST : 0));
}

void
rpc_put_end(struct strbuf *sb, uint32_t fragment)
{
	size_t len = sb->sb_len - RPC_MARK, n;
	struct strbuf cut = { 0 };
	uint8_t mark[RPC_MARK];

	if (fragment == 0 || fragment >= len) {
		be32enc(mark, (uint32_t)len | RPC_LAST);
		memcpy(sb->sb_str, mark, sizeof(mark));
		return;
	}
	for (size_t off = 0; off < len; off += n) {
		n = MIN(len - off, (size_t)fragment);
		put_mark(&cut, n, off + n == len);
		strbuf_add(&cut, sb->sb_str + RPC_MARK + off, n);
	}
	strbuf_fini(sb);
	*sb = cut;
}
