/*
 * One direction's bytes, put in order. Whole records are then contiguous in
 * memory, so they are opened where they lie. Bytes stay until they are
 * acknowledged and a little longer, for comparison when they come again.
 */
#include <stdlib.h>
#include <string.h>

#include "oracle_int.h"

#define AHEAD_MAX (256u << 20) /* further ahead is not believed */

int64_t
ostream_offset(const struct ostream *st, uint32_t seq)
{
	uint32_t next_seq = st->st_base_seq + (uint32_t)st->st_next;

	return ((int64_t)st->st_next + (int32_t)(seq - next_seq));
}

const uint8_t *
ostream_at(const struct ostream *st, uint64_t off)
{
	return (st->st_buf + st->st_head + (off - st->st_low));
}

/* Room for bytes up to offset `to`; moves the live ones down when that pays. */
static void
ostream_room(struct ostream *st, uint64_t to, uint64_t live_to)
{
	size_t live = (size_t)(live_to - st->st_low);
	size_t want = (size_t)(to - st->st_low);

	if (st->st_head + want <= st->st_size)
		return;
	if (st->st_head > 0 && st->st_head >= live) {
		memmove(st->st_buf, st->st_buf + st->st_head, live);
		st->st_head = 0;
	}
	if (st->st_head + want <= st->st_size)
		return;
	st->st_size = 2 * (st->st_head + want);
	if (st->st_size < 4096)
		st->st_size = 4096;
	st->st_buf = oracle_realloc(st->st_buf, st->st_size);
}

static uint64_t
ostream_high(const struct ostream *st)
{
	if (st->st_nahead == 0)
		return (st->st_next);
	return (st->st_ahead[st->st_nahead - 1].to);
}

static void
ahead_insert(struct ostream *st, unsigned i, uint64_t from, uint64_t to)
{
	if (st->st_nahead == st->st_ahead_size) {
		st->st_ahead_size = 2 * st->st_ahead_size + 8;
		st->st_ahead = oracle_realloc(st->st_ahead,
		    st->st_ahead_size * sizeof(*st->st_ahead));
	}
	memmove(st->st_ahead + i + 1, st->st_ahead + i,
	    (st->st_nahead - i) * sizeof(*st->st_ahead));
	st->st_ahead[i] = (struct orange) { from, to };
	st->st_nahead++;
}

static void
ahead_remove(struct ostream *st, unsigned i)
{
	st->st_nahead--;
	memmove(st->st_ahead + i, st->st_ahead + i + 1,
	    (st->st_nahead - i) * sizeof(*st->st_ahead));
}

/* [from, to) is present now; it touches no present byte. */
static void
ostream_present(struct ostream *st, uint64_t from, uint64_t to)
{
	unsigned i;

	if (from == st->st_next) {
		st->st_next = to;
		if (st->st_nahead > 0 && st->st_ahead[0].from == to) {
			st->st_next = st->st_ahead[0].to;
			ahead_remove(st, 0);
		}
		return;
	}
	for (i = 0; i < st->st_nahead && st->st_ahead[i].from < from; i++)
		;
	if (i > 0 && st->st_ahead[i - 1].to == from) {
		st->st_ahead[i - 1].to = to;
		if (i < st->st_nahead && st->st_ahead[i].from == to) {
			st->st_ahead[i - 1].to = st->st_ahead[i].to;
			ahead_remove(st, i);
		}
	} else if (i < st->st_nahead && st->st_ahead[i].from == to)
		st->st_ahead[i].from = from;
	else
		ahead_insert(st, i, from, to);
}

/* Is the byte at off present, and how far does that go (below limit)? */
static bool
ostream_known(const struct ostream *st, uint64_t off, uint64_t limit,
    uint64_t *to)
{
	*to = limit;
	if (off < st->st_next) {
		if (st->st_next < limit)
			*to = st->st_next;
		return (true);
	}
	for (unsigned i = 0; i < st->st_nahead; i++) {
		const struct orange *r = &st->st_ahead[i];

		if (off < r->from) {
			if (r->from < limit)
				*to = r->from;
			return (false);
		}
		if (off < r->to) {
			if (r->to < limit)
				*to = r->to;
			return (true);
		}
	}
	return (false);
}

enum ost_result
ostream_put(struct ostream *st, uint64_t off, const uint8_t *p, size_t len,
    uint64_t *rexmit)
{
	enum ost_result result = OST_OK;
	uint64_t end = off + len, to;
	size_t n;

	if (off < st->st_low) { /* forgotten: nothing to compare with */
		n = end < st->st_low ? len : (size_t)(st->st_low - off);
		p += n;
		off += n;
	}
	if (off >= end || end > st->st_next + AHEAD_MAX)
		return (OST_OK);
	ostream_room(st, end, ostream_high(st));
	for (; off < end; off = to, p += n) {
		uint8_t *at = (uint8_t *)(uintptr_t)ostream_at(st, off);

		if (ostream_known(st, off, end, &to)) {
			n = (size_t)(to - off);
			if (memcmp(at, p, n) == 0)
				*rexmit += n;
			else
				result = OST_DIFFERS;
		} else {
			n = (size_t)(to - off);
			memcpy(at, p, n);
			ostream_present(st, off, to);
		}
	}
	return (result);
}

void
ostream_trim(struct ostream *st, uint64_t below)
{
	if (below > st->st_next)
		below = st->st_next;
	if (below <= st->st_low)
		return;
	st->st_head += (size_t)(below - st->st_low);
	st->st_low = below;
}

void
ostream_fini(struct ostream *st)
{
	free(st->st_buf);
	free(st->st_ahead);
	st->st_buf = NULL;
	st->st_ahead = NULL;
	st->st_size = st->st_head = 0;
	st->st_nahead = st->st_ahead_size = 0;
}
