#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/hash.h>

#include "flows.h"

void
flows_fini(struct flows *fs)
{
	for (uint64_t i = 0; i < fs->fs_n; i++) {
		records_fini(&fs->fs_v[i]->fl_dir[0].fd_records);
		records_fini(&fs->fs_v[i]->fl_dir[1].fd_records);
		free(fs->fs_v[i]);
	}
	free(fs->fs_v);
	free(fs->fs_hash);
	*fs = (struct flows) { 0 };
}

/* --- finding --- */

static bool
same_end(const struct endpoint *a, const struct endpoint *b)
{
	return (memcmp(a, b, sizeof(*a)) == 0);
}

/* The same for both directions. */
static unsigned
flows_slot(const struct flows *fs, const struct endpoint *a,
    const struct endpoint *b)
{
	uint64_t h = hash64(a, sizeof(*a), 0) + hash64(b, sizeof(*b), 0);

	return ((unsigned)(h ^ (h >> 32)) & (fs->fs_hash_size - 1));
}

static void
flows_grow(struct flows *fs)
{
	struct flow *fl, *next, **old = fs->fs_hash;
	unsigned n = fs->fs_hash_size, slot;

	fs->fs_hash_size = n != 0 ? 2 * n : 64;
	fs->fs_hash = xcalloc(fs->fs_hash_size, sizeof(*fs->fs_hash));
	for (unsigned i = 0; i < n; i++)
		for (fl = old[i]; fl != NULL; fl = next) {
			next = fl->fl_next;
			slot = flows_slot(fs, &fl->fl_dir[0].fd_src,
			    &fl->fl_dir[1].fd_src);
			fl->fl_next = fs->fs_hash[slot];
			fs->fs_hash[slot] = fl;
		}
	free(old);
}

static struct flow **
flows_find(struct flows *fs, const struct packet *pk, unsigned *dir)
{
	struct flow **flp;

	flp = &fs->fs_hash[flows_slot(fs, &pk->pk_src, &pk->pk_dst)];
	for (; *flp != NULL; flp = &(*flp)->fl_next)
		for (*dir = 0; *dir < 2; (*dir)++)
			if (same_end(&pk->pk_src,
				&(*flp)->fl_dir[*dir].fd_src) &&
			    same_end(&pk->pk_dst,
				&(*flp)->fl_dir[1 - *dir].fd_src))
				return (flp);
	*dir = 0;
	return (flp);
}

static struct flow *
flows_new(struct flows *fs, const struct packet *pk)
{
	struct flow *fl = xcalloc(1, sizeof(*fl));

	if (fs->fs_n == fs->fs_size) {
		fs->fs_size = 2 * fs->fs_size + 16;
		fs->fs_v = xrealloc(fs->fs_v, fs->fs_size * sizeof(*fs->fs_v));
	}
	fl->fl_number = fs->fs_n;
	fl->fl_dir[0].fd_src = pk->pk_src;
	fl->fl_dir[1].fd_src = pk->pk_dst;
	for (unsigned d = 0; d < 2; d++) {
		fl->fl_dir[d].fd_wscale = -1;
		fl->fl_dir[d].fd_records.rt_keep_all = fs->fs_keep_all;
	}
	fs->fs_v[fs->fs_n++] = fl;
	return (fl);
}

/* A SYN with another number than the flow's: the ports are used again. */
static bool
begins_anew(const struct flow_dir *fd, const struct packet *pk)
{
	return ((pk->pk_flags & (TH_SYN | TH_ACK)) == TH_SYN && fd->fd_based &&
	    fd->fd_base != pk->pk_seq);
}

static struct flow *
flows_get(struct flows *fs, const struct packet *pk, unsigned *dir)
{
	struct flow **flp, *fl;

	if (fs->fs_n >= 2 * (uint64_t)fs->fs_hash_size)
		flows_grow(fs);
	flp = flows_find(fs, pk, dir);
	fl = *flp;
	if (fl != NULL && !begins_anew(&fl->fl_dir[*dir], pk))
		return (fl);
	fl = flows_new(fs, pk);
	fl->fl_next = *flp != NULL ? (*flp)->fl_next : NULL;
	*flp = fl;
	*dir = 0;
	return (fl);
}

/* --- sequence numbers --- */

static void
set_base(struct flow_dir *fd, const struct packet *pk)
{
	if ((pk->pk_flags & TH_SYN) != 0 && !fd->fd_syn) {
		fd->fd_base = pk->pk_seq;
		fd->fd_syn = fd->fd_based = true;
		fd->fd_searching = false;
		fd->fd_wscale = tcp_options_wscale(pk->pk_opts, pk->pk_optlen);
	} else if (!fd->fd_based) {
		fd->fd_base = pk->pk_seq - 1;
		fd->fd_based = fd->fd_searching = true;
	}
}

bool
flow_offset(const struct flow_dir *fd, uint32_t seq, uint64_t *off)
{
	const struct records *rt = &fd->fd_records;
	uint64_t near = rt->rt_head;
	int64_t o;

	if (!fd->fd_based || fd->fd_searching)
		return (false);
	if (rt->rt_nseen > 0 && rt->rt_seen[0].to > near)
		near = rt->rt_seen[0].to;
	o = (int64_t)near + (int32_t)(seq - flow_seq(fd, near));
	*off = (uint64_t)o;
	return (o >= 0);
}

uint32_t
flow_seq(const struct flow_dir *fd, uint64_t off)
{
	return (fd->fd_base + 1 + (uint32_t)off);
}

unsigned
flow_window_scale(const struct flow *fl, unsigned dir)
{
	const struct flow_dir *fd = fl->fl_dir;

	if (!fd[0].fd_syn || !fd[1].fd_syn)
		return (0);
	if (fd[0].fd_wscale < 0 || fd[1].fd_wscale < 0)
		return (1); /* both must offer it */
	return (1u << fd[dir].fd_wscale);
}

/* --- payload --- */

/*
 * A capture that begins in the middle: senders often begin a segment with a
 * record, so one that looks like a record's start is taken as such. Offsets
 * count from there.
 */
static bool
records_begin_here(const struct packet *pk)
{
	const uint8_t *p = pk->pk_data;

	return (pk->pk_caplen >= RECORD_HDR && p[0] >= 20 && p[0] <= 23 &&
	    p[1] == 3 && p[2] <= 4 && be16dec(p + 3) > 0 &&
	    be16dec(p + 3) <= 16384 + 256);
}

static void
flow_payload(struct flow_dir *fd, const struct packet *pk, uint64_t frame)
{
	uint32_t seq = pk->pk_seq + ((pk->pk_flags & TH_SYN) != 0), before = 0;
	uint64_t off;

	if (pk->pk_len == 0 || (pk->pk_flags & TH_RST) != 0)
		return;
	if (fd->fd_searching && records_begin_here(pk)) {
		fd->fd_searching = false;
		fd->fd_records.rt_head = (uint32_t)(seq - fd->fd_base - 1);
	}
	if (fd->fd_searching)
		return;
	if (!flow_offset(fd, seq, &off)) {
		/* A keep-alive's byte, or older than the capture's first. */
		before = 0 - (uint32_t)off;
		if (before >= pk->pk_len)
			return;
		off = 0;
	}
	records_segment(&fd->fd_records, off,
	    pk->pk_data + (before < pk->pk_caplen ? before : pk->pk_caplen),
	    pk->pk_caplen > before ? pk->pk_caplen - before : 0,
	    pk->pk_len - before, frame);
}

struct flow *
flows_packet(struct flows *fs, const struct packet *pk, uint64_t frame,
    unsigned *dir)
{
	struct flow *fl = flows_get(fs, pk, dir);
	struct flow_dir *fd = &fl->fl_dir[*dir], *back = &fl->fl_dir[1 - *dir];

	set_base(fd, pk);
	if (!back->fd_based && (pk->pk_flags & TH_ACK) != 0) {
		back->fd_base = pk->pk_ack - 1;
		back->fd_based = back->fd_searching = true;
	}
	flow_payload(fd, pk, frame);
	return (fl);
}
