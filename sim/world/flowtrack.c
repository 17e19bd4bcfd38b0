/*
 * Flows by their SYNs, records by their headers. Per direction one number
 * (the first sequence number that was never there) and a parser of five-byte
 * headers that is fed with new bytes only.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/flowkey.h>
#include <ktsim/sim/flowtrack.h>

#define BUCKETS	      4096
#define RECORD_HEADER 5
#define RECORD_MAX    (16384 + 2048) /* RFC 5246 6.2.3 */
#define TYPE_MIN      20
#define TYPE_MAX      24
#define TYPE_DATA     23
#define TLS_MAJOR     3
#define RPC_MARK      4 /* of a record of RPC in front of TLS, RFC 9289 */

struct fdir {
	bool d_known;	 /* its SYN was there */
	bool d_off;	 /* no TLS, or its place was lost */
	uint32_t d_next; /* first sequence number never seen */
	uint64_t d_data; /* segments with new bytes */
	uint8_t d_hdr[RECORD_HEADER];
	unsigned d_hdrlen;
	uint32_t d_left; /* of the record's body */
	uint64_t d_recs; /* begun */
	uint64_t d_apps; /* of these, of type 23 */
	uint64_t d_segs; /* frames with bytes of the current one */
	bool d_counted;	 /* this frame is among them */
	bool d_rpc;	 /* what is being read is a fragment of RPC */
};

struct tflow {
	struct tflow *f_hash;
	struct flowkey f_key; /* as the client sends */
	uint32_t f_isn;
	unsigned f_number;
	struct fdir f_dir[2]; /* 0: from the client */
};

struct flowtrack {
	struct tflow *t_hash[BUCKETS];
	struct tflow **t_flows; /* by number - 1 */
	unsigned t_n, t_size;
	struct flow_rec *t_recs;
	unsigned t_nrecs, t_recsize;
};

struct flowtrack *
flowtrack_create(void)
{
	return (xcalloc(1, sizeof(struct flowtrack)));
}

void
flowtrack_destroy(struct flowtrack *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->t_n; i++)
		free(t->t_flows[i]);
	free(t->t_flows);
	free(t->t_recs);
	free(t);
}

/* --- flows --- */

static struct flowkey
key_turned(const struct flowkey *k)
{
	struct flowkey r = *k;

	memcpy(r.fk_src, k->fk_dst, sizeof(r.fk_src));
	memcpy(r.fk_dst, k->fk_src, sizeof(r.fk_dst));
	r.fk_sport = k->fk_dport;
	r.fk_dport = k->fk_sport;
	return (r);
}

static unsigned
bucket(const struct flowkey *k)
{
	return ((unsigned)(hash64(k, sizeof(*k), 0) % BUCKETS));
}

static struct tflow *
find(const struct flowtrack *t, const struct flowkey *k)
{
	struct tflow *f;

	for (f = t->t_hash[bucket(k)]; f != NULL; f = f->f_hash)
		if (memcmp(&f->f_key, k, sizeof(*k)) == 0)
			break;
	return (f);
}

/* The latest flow of these ends stands first in its bucket. */
static struct tflow *
add(struct flowtrack *t, const struct segment *sg)
{
	struct tflow *f = xcalloc(1, sizeof(*f)), **head;

	f->f_key = sg->sg_key;
	f->f_isn = sg->sg_seq;
	head = &t->t_hash[bucket(&f->f_key)];
	f->f_hash = *head;
	*head = f;
	if (t->t_n == t->t_size) {
		t->t_size = t->t_size != 0 ? 2 * t->t_size : 64;
		t->t_flows =
		    xrealloc(t->t_flows, t->t_size * sizeof(*t->t_flows));
	}
	t->t_flows[t->t_n++] = f;
	f->f_number = t->t_n;
	return (f);
}

/* The segment's flow, and whether it comes from the server. */
static struct tflow *
flow_of(struct flowtrack *t, const struct segment *sg, bool *server)
{
	struct flowkey turned;
	struct tflow *f;

	*server = false;
	f = find(t, &sg->sg_key);
	if ((sg->sg_flags & (SEG_SYN | SEG_ACK)) == SEG_SYN)
		return (f != NULL && f->f_isn == sg->sg_seq ? f : add(t, sg));
	if (f != NULL)
		return (f);
	turned = key_turned(&sg->sg_key);
	*server = true;
	return (find(t, &turned));
}

/* --- records --- */

/* The current record's entry of this frame, made when it is not there. */
static struct flow_rec *
rec_entry(struct flowtrack *t, struct fdir *d)
{
	struct flow_rec *r;

	if (d->d_counted)
		return (&t->t_recs[t->t_nrecs - 1]);
	if (t->t_nrecs == t->t_recsize) {
		t->t_recsize = t->t_recsize != 0 ? 2 * t->t_recsize : 16;
		t->t_recs =
		    xrealloc(t->t_recs, t->t_recsize * sizeof(*t->t_recs));
	}
	d->d_counted = true;
	d->d_segs++;
	r = &t->t_recs[t->t_nrecs++];
	*r = (struct flow_rec) { .fr_number = d->d_recs - 1,
		.fr_app = d->d_apps - 1,
		.fr_type = d->d_hdr[0],
		.fr_segment = d->d_segs };
	return (r);
}

/* The header is whole: is this TLS? */
static void
header_done(struct fdir *d)
{
	d->d_left = (uint32_t)d->d_hdr[3] << 8 | d->d_hdr[4];
	if (d->d_hdr[1] != TLS_MAJOR || d->d_left > RECORD_MAX)
		d->d_off = true;
}

/* Of a record mark, whose first byte is 0x80 or, where more fragments follow,
 * 0: no TLS record begins so. */
static void
rpc_byte(struct fdir *d, uint8_t byte)
{
	d->d_hdr[d->d_hdrlen++] = byte;
	if (d->d_hdrlen == RPC_MARK)
		d->d_left = (uint32_t)d->d_hdr[1] << 16 |
		    (uint32_t)d->d_hdr[2] << 8 | d->d_hdr[3];
}

/* Its inside, n bytes at most; how many were taken. */
static uint32_t
rpc_body(struct fdir *d, uint32_t n)
{
	n = MIN(n, d->d_left);
	d->d_left -= n;
	if (d->d_left == 0) {
		d->d_rpc = false;
		d->d_hdrlen = 0;
	}
	return (n);
}

static void
header_byte(struct flowtrack *t, struct fdir *d, uint8_t byte)
{
	if (d->d_hdrlen == 0 && d->d_recs == 0)
		d->d_rpc = byte == 0x80 || byte == 0;
	if (d->d_rpc) {
		rpc_byte(d, byte);
		return;
	}
	if (d->d_hdrlen == 0) {
		if (byte < TYPE_MIN || byte > TYPE_MAX) {
			d->d_off = true;
			return;
		}
		d->d_recs++;
		d->d_apps += byte == TYPE_DATA;
		d->d_segs = 0;
		d->d_counted = false;
	}
	d->d_hdr[d->d_hdrlen++] = byte;
	if (d->d_hdrlen == RECORD_HEADER)
		header_done(d);
	if (!d->d_off)
		(void)rec_entry(t, d);
}

static void
record_end(struct flowtrack *t, struct fdir *d)
{
	rec_entry(t, d)->fr_last = true;
	d->d_hdrlen = 0;
	d->d_counted = false;
}

/* New bytes, in order; off: where they begin in the frame's payload. */
static void
feed(struct flowtrack *t, struct fdir *d, const uint8_t *p, uint32_t off,
    uint32_t len)
{
	struct flow_rec *r;
	uint32_t end = off + len, n;

	while (off < end && !d->d_off) {
		if (d->d_rpc && d->d_hdrlen == RPC_MARK) {
			off += rpc_body(d, end - off);
			continue;
		}
		if (d->d_hdrlen < RECORD_HEADER)
			header_byte(t, d, p[off++]);
		else {
			n = MIN(end - off, d->d_left);
			r = rec_entry(t, d);
			if (r->fr_len == 0)
				r->fr_off = off;
			r->fr_len += n;
			d->d_left -= n;
			off += n;
		}
		if (!d->d_off && d->d_hdrlen == RECORD_HEADER && d->d_left == 0)
			record_end(t, d);
	}
}

/* Bytes that went another way: only the inside of a body can be missed. */
static void
skip(struct fdir *d, uint32_t hole)
{
	if (d->d_hdrlen == RECORD_HEADER && d->d_left > hole)
		d->d_left -= hole;
	else
		d->d_off = true;
}

/* --- frames --- */

/* A SYN begins its direction; what it says is behind it. */
static void
dir_syn(struct fdir *d, const struct segment *sg)
{
	if ((sg->sg_flags & SEG_SYN) == 0 || d->d_known)
		return;
	d->d_known = true;
	d->d_next = sg->sg_seq + 1;
}

static void
dir_data(struct flowtrack *t, struct fdir *d, const struct segment *sg,
    const struct frame *f, struct flow_seg *fs)
{
	uint32_t seq = sg->sg_seq + ((sg->sg_flags & SEG_SYN) != 0);
	int32_t ahead = (int32_t)(seq - d->d_next);
	uint32_t old = ahead < 0 ? (uint32_t)-ahead : 0;

	if (!d->d_known || sg->sg_len <= old)
		return;
	fs->fs_new = sg->sg_len - old;
	fs->fs_data = ++d->d_data;
	if (ahead > 0)
		skip(d, (uint32_t)ahead);
	d->d_next = seq + sg->sg_len;
	d->d_counted = false;
	if (f->f_paylen >= sg->sg_len)
		feed(t, d, f->f_payload, old, fs->fs_new);
	else
		d->d_off = true; /* its bytes cannot be read */
}

void
flowtrack_frame(struct flowtrack *t, const struct frame *f, struct flow_seg *fs)
{
	struct segment sg;
	struct tflow *fl;
	struct fdir *d;

	*fs = (struct flow_seg) { 0 };
	t->t_nrecs = 0;
	if (!segment_parse(f, &sg) ||
	    (fl = flow_of(t, &sg, &fs->fs_from_server)) == NULL)
		return;
	fs->fs_flow = fl->f_number;
	fs->fs_flags = sg.sg_flags;
	fs->fs_len = sg.sg_len;
	d = &fl->f_dir[fs->fs_from_server];
	dir_syn(d, &sg);
	dir_data(t, d, &sg, f, fs);
	fs->fs_rec = t->t_recs;
	fs->fs_nrecs = t->t_nrecs;
}

unsigned
flowtrack_flows(const struct flowtrack *t)
{
	return (t->t_n);
}

void
flowtrack_ends(const struct flowtrack *t, unsigned n, struct ksockaddr *client,
    struct ksockaddr *server)
{
	const struct flowkey *k = &t->t_flows[n - 1]->f_key;
	uint8_t family = (k->fk_vlan_v6 & 0x10000) != 0 ? KAF_INET6 : KAF_INET;

	*client =
	    (struct ksockaddr) { .sa_family = family, .sa_port = k->fk_sport };
	*server =
	    (struct ksockaddr) { .sa_family = family, .sa_port = k->fk_dport };
	memcpy(client->sa_addr.a, k->fk_src, sizeof(k->fk_src));
	memcpy(server->sa_addr.a, k->fk_dst, sizeof(k->fk_dst));
}
