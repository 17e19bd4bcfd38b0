#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "records.h"

#define BODY_MAX (16384 + 2048) /* RFC 5246; TLS 1.3 allows less */
#define SEEN_MAX 1024

uint64_t
record_end(const struct tls_record *r)
{
	return (r->r_start + RECORD_HDR + r->r_len);
}

const char *
record_type_name(unsigned type)
{
	static const char *const names[] = { "ccs", "alert", "handshake",
		"app_data", "heartbeat" };

	return (
	    type >= 20 && type - 20 < nitems(names) ? names[type - 20] : "?");
}

void
records_fini(struct records *rt)
{
	for (unsigned i = 0; i < rt->rt_nahead; i++)
		free(rt->rt_ahead[i].c_bytes);
	free(rt->rt_ahead);
	free(rt->rt_v);
	free(rt->rt_seen);
	*rt = (struct records) { 0 };
}

/* --- which bytes were sent before --- */

/* First span that ends at or behind off. */
static unsigned
seen_search(const struct records *rt, uint64_t off)
{
	unsigned lo = 0, hi = rt->rt_nseen, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (rt->rt_seen[mid].to < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

static uint64_t
seen_bytes(const struct records *rt, struct span at)
{
	uint64_t n = 0, from, to;

	for (unsigned i = seen_search(rt, at.from); i < rt->rt_nseen; i++) {
		from = MAX(rt->rt_seen[i].from, at.from);
		to = MIN(rt->rt_seen[i].to, at.to);
		if (rt->rt_seen[i].from >= at.to)
			break;
		n += to > from ? to - from : 0;
	}
	return (n);
}

static void
seen_add(struct records *rt, struct span at)
{
	unsigned i = seen_search(rt, at.from), j = i;

	while (j < rt->rt_nseen && rt->rt_seen[j].from <= at.to) {
		at.from = MIN(at.from, rt->rt_seen[j].from);
		at.to = MAX(at.to, rt->rt_seen[j].to);
		j++;
	}
	if (rt->rt_nseen == rt->rt_seen_size) {
		rt->rt_seen_size = 2 * rt->rt_seen_size + 4;
		rt->rt_seen = xrealloc(rt->rt_seen,
		    rt->rt_seen_size * sizeof(*rt->rt_seen));
	}
	memmove(rt->rt_seen + i + 1, rt->rt_seen + j,
	    (rt->rt_nseen - j) * sizeof(*rt->rt_seen));
	rt->rt_seen[i] = at;
	rt->rt_nseen = rt->rt_nseen - (j - i) + 1;
	/* So many holes have no honest sender: the oldest is taken as filled. */
	if (rt->rt_nseen > SEEN_MAX) {
		rt->rt_seen[1].from = rt->rt_seen[0].from;
		rt->rt_nseen--;
		memmove(rt->rt_seen, rt->rt_seen + 1,
		    rt->rt_nseen * sizeof(*rt->rt_seen));
	}
}

/* --- records --- */

uint64_t
records_count(const struct records *rt)
{
	return (rt->rt_gone + rt->rt_n);
}

static struct tls_record *
record_at(const struct records *rt, uint64_t n)
{
	if (n < rt->rt_gone || n - rt->rt_gone >= rt->rt_n)
		return (NULL);
	return (&rt->rt_v[n - rt->rt_gone]);
}

const struct tls_record *
records_get(const struct records *rt, uint64_t n)
{
	return (record_at(rt, n));
}

int64_t
records_find(const struct records *rt, uint64_t off)
{
	size_t lo = 0, hi = rt->rt_n, mid;

	if (off >= rt->rt_head || rt->rt_n == 0 || off < rt->rt_v[0].r_start)
		return (-1);
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (rt->rt_v[mid].r_start <= off)
			lo = mid;
		else
			hi = mid;
	}
	return ((int64_t)(rt->rt_gone + lo));
}

/* A frame carried [from, to), which may reach beyond the record. */
static void
record_account(struct tls_record *r, struct span at, uint64_t again,
    uint64_t frame)
{
	if (at.from >= record_end(r) || at.to <= r->r_start)
		return;
	r->r_frames++;
	r->r_again += again > 0;
	r->r_bytes_again += again;
	if (r->r_first == 0 || frame < r->r_first)
		r->r_first = frame;
	r->r_last = MAX(r->r_last, frame);
}

static struct span
span_within(struct span at, const struct tls_record *r)
{
	return ((struct span) { MAX(at.from, r->r_start),
	    MIN(at.to, record_end(r)) });
}

static void
records_room(struct records *rt)
{
	size_t half = RECORDS_KEEP / 2;

	if (!rt->rt_keep_all && rt->rt_n == RECORDS_KEEP) {
		memmove(rt->rt_v, rt->rt_v + half, half * sizeof(*rt->rt_v));
		rt->rt_n -= half;
		rt->rt_gone += half;
	}
	if (rt->rt_n == rt->rt_size) {
		rt->rt_size = 2 * rt->rt_size + 8;
		rt->rt_v = xrealloc(rt->rt_v, rt->rt_size * sizeof(*rt->rt_v));
	}
}

/* What waited for this record's header belongs to it now. */
static void
records_push(struct records *rt, const uint8_t hdr[RECORD_HDR])
{
	struct tls_record *r;
	struct span at;

	records_room(rt);
	r = &rt->rt_v[rt->rt_n++];
	*r = (struct tls_record) { .r_start = rt->rt_head,
		.r_len = be16dec(hdr + 3),
		.r_type = hdr[0] };
	rt->rt_head = record_end(r);
	for (unsigned i = 0; i < rt->rt_nahead; i++) {
		const struct chunk *c = &rt->rt_ahead[i];

		at = span_within(c->c_at, r);
		record_account(r, c->c_at,
		    c->c_again && at.to > at.from ? at.to - at.from : 0,
		    c->c_frame);
	}
}

static bool
header_ok(const uint8_t hdr[RECORD_HDR])
{
	return (hdr[0] >= 20 && hdr[0] <= 24 && hdr[1] == 3 && hdr[2] <= 4 &&
	    be16dec(hdr + 3) <= BODY_MAX);
}

/* RPC in clear may stand in front of TLS (RFC 9289): the length of a fragment
 * whose record mark begins here; 0: none. No TLS record begins so. */
static uint32_t
rpc_fragment(const uint8_t hdr[RECORD_HDR])
{
	return (
	    hdr[0] == 0x80 || hdr[0] == 0 ? 4 + (be32dec(hdr) & 0xffffff) : 0);
}

/* --- bytes that wait --- */

static bool
chunk_byte(const struct chunk *c, uint64_t off, uint8_t *b)
{
	if (off < c->c_at.from || off - c->c_at.from >= c->c_cap)
		return (false);
	*b = c->c_bytes[off - c->c_at.from];
	return (true);
}

/* The header at rt_head, from the segment at hand and what waits. */
static bool
header_collect(const struct records *rt, const struct chunk *now,
    uint8_t hdr[RECORD_HDR])
{
	bool found;

	for (unsigned b = 0; b < RECORD_HDR; b++) {
		found = chunk_byte(now, rt->rt_head + b, &hdr[b]);
		for (unsigned i = 0; i < rt->rt_nahead && !found; i++)
			found = chunk_byte(&rt->rt_ahead[i], rt->rt_head + b,
			    &hdr[b]);
		if (!found)
			return (false);
	}
	return (true);
}

/* Keep what lies beyond the known records; repetitions too, they are counted
 * when their record becomes known. */
static void
ahead_keep(struct records *rt, const struct chunk *now)
{
	struct chunk c = *now;
	uint64_t below =
	    rt->rt_head > c.c_at.from ? rt->rt_head - c.c_at.from : 0;

	c.c_at.from += below;
	c.c_bytes += MIN(below, c.c_cap);
	c.c_cap -= MIN(below, c.c_cap);
	if (c.c_at.from >= c.c_at.to || rt->rt_nahead == RECORDS_CHUNK_MAX ||
	    c.c_cap > RECORDS_AHEAD_MAX - rt->rt_ahead_bytes)
		return;
	if (rt->rt_nahead == rt->rt_ahead_size) {
		rt->rt_ahead_size = 2 * rt->rt_ahead_size + 4;
		rt->rt_ahead = xrealloc(rt->rt_ahead,
		    rt->rt_ahead_size * sizeof(*rt->rt_ahead));
	}
	if (c.c_cap > 0)
		c.c_bytes = memcpy(xrealloc(NULL, c.c_cap), c.c_bytes, c.c_cap);
	else
		c.c_bytes = NULL;
	rt->rt_ahead_bytes += c.c_cap;
	rt->rt_ahead[rt->rt_nahead++] = c;
}

static void
ahead_trim(struct records *rt, bool all)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rt->rt_nahead; i++) {
		if (!all && rt->rt_ahead[i].c_at.to > rt->rt_head) {
			rt->rt_ahead[n++] = rt->rt_ahead[i];
			continue;
		}
		rt->rt_ahead_bytes -= rt->rt_ahead[i].c_cap;
		free(rt->rt_ahead[i].c_bytes);
	}
	rt->rt_nahead = n;
}

/* --- segments --- */

/* Read headers as long as they are there. */
static void
records_advance(struct records *rt, const struct chunk *now)
{
	uint8_t hdr[RECORD_HDR];

	while (header_collect(rt, now, hdr)) {
		if (rt->rt_state == RS_START && rpc_fragment(hdr) != 0) {
			rt->rt_head += rpc_fragment(hdr);
			continue;
		}
		if (!header_ok(hdr)) {
			rt->rt_state =
			    rt->rt_state == RS_START ? RS_PLAIN : RS_LOST;
			ahead_trim(rt, true);
			return;
		}
		rt->rt_state = RS_TLS;
		records_push(rt, hdr);
	}
	ahead_trim(rt, false);
}

static void
records_account(struct records *rt, const struct chunk *now)
{
	struct tls_record *r;
	int64_t n = -1;

	if (rt->rt_n > 0)
		n = records_find(rt, MAX(now->c_at.from, rt->rt_v[0].r_start));
	if (n < 0)
		return;
	for (; (r = record_at(rt, (uint64_t)n)) != NULL; n++) {
		if (r->r_start >= now->c_at.to)
			return;
		record_account(r, now->c_at,
		    seen_bytes(rt, span_within(now->c_at, r)), now->c_frame);
	}
}

void
records_segment(struct records *rt, uint64_t off, const uint8_t *p,
    uint32_t caplen, uint32_t len, uint64_t frame)
{
	struct chunk now = { .c_at = { off, off + len },
		.c_cap = caplen,
		.c_frame = frame,
		.c_bytes = (uint8_t *)(uintptr_t)p };

	if (rt->rt_state == RS_PLAIN || len == 0)
		return;
	now.c_again = seen_bytes(rt, now.c_at) == len;
	if (rt->rt_state != RS_LOST)
		records_advance(rt, &now);
	if (rt->rt_state == RS_PLAIN)
		return;
	records_account(rt, &now);
	seen_add(rt, now.c_at);
	if (rt->rt_state != RS_LOST)
		ahead_keep(rt, &now);
}
