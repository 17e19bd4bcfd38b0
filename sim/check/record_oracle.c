/*
 * The oracle's public face: which connection a frame belongs to, and what is
 * said about it. Each kind of offence is reported once per direction: the
 * first one is what matters, and everything behind it may follow from it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oracle_int.h"

#define TH_FIN 0x01
#define TH_SYN 0x02
#define TH_RST 0x04
#define TH_ACK 0x10

/* Acknowledged bytes are kept a while for late repetitions; all flows. */
#define HISTORY_TOTAL (256u << 20)
#define HISTORY_MIN   (64u << 10)
#define HISTORY_MAX   (2u << 20)

/* As everywhere (kmem.c), which the oracle does not know. */
static void *
out_of_memory(void)
{
	fputs("ktls-sim: out of memory\n", stderr);
	_exit(3);
}

void *
oracle_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		return (out_of_memory());
	return (p);
}

void *
oracle_realloc(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (p == NULL)
		return (out_of_memory());
	return (p);
}

struct record_oracle *
record_oracle_create(oracle_report_fn *report, void *arg)
{
	struct record_oracle *ro;

	ro = oracle_alloc(sizeof(*ro));
	ro->report = report;
	ro->arg = arg;
	ro->keylog = okeylog_create();
	ro->hash_size = 256;
	ro->hash = oracle_alloc(ro->hash_size * sizeof(*ro->hash));
	ro->scratch = oracle_alloc(ORACLE_SCRATCH);
	return (ro);
}

void
record_oracle_no_digest(struct record_oracle *ro)
{
	ro->no_digest = true;
}

void
record_oracle_destroy(struct record_oracle *ro)
{
	if (ro == NULL)
		return;
	for (unsigned i = 0; i < ro->nall; i++) {
		for (int k = 0; k < 2; k++) {
			otls_fini(&ro->all[i]->dir[k]);
			ostream_fini(&ro->all[i]->dir[k].st);
		}
		free(ro->all[i]);
	}
	okeylog_destroy(ro->keylog);
	free(ro->all);
	free(ro->dirs);
	free(ro->hash);
	free(ro->scratch);
	free(ro);
}

void
record_oracle_keylog(struct record_oracle *ro, const char *line)
{
	okeylog_line(ro->keylog, line);
}

void
oracle_say(struct odir *d, enum osaid what, int invariant, uint64_t frame,
    const char *fmt, ...)
{
	struct record_oracle *ro = d->conn->ro;
	char text[512];
	va_list ap;
	int n;

	if ((d->said & what) != 0)
		return;
	d->said |= what;
	n = snprintf(text, sizeof(text), "%s: ", d->od.od_name);
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	if (ro->report != NULL)
		ro->report(ro->arg, invariant, frame, text);
}

/* --- connections --- */

static unsigned
conn_slot(const struct record_oracle *ro, const uint8_t key[40])
{
	uint64_t h = 0;

	for (int i = 0; i < 40; i += 8)
		h = (h ^ rd64(key + i)) * 0x9e3779b97f4a7c15u;
	return ((unsigned)(h >> 32) & (ro->hash_size - 1));
}

static void
conn_rehash(struct record_oracle *ro)
{
	struct oconn **old = ro->hash, *oc, *next;
	unsigned n = ro->hash_size, slot;

	ro->hash_size *= 4;
	ro->hash = oracle_alloc(ro->hash_size * sizeof(*ro->hash));
	for (unsigned i = 0; i < n; i++)
		for (oc = old[i]; oc != NULL; oc = next) {
			next = oc->next;
			slot = conn_slot(ro, oc->key);
			oc->next = ro->hash[slot];
			ro->hash[slot] = oc;
		}
	free(old);
}

static void
add_dir(struct record_oracle *ro, struct odir *d)
{
	if (ro->ndirs == ro->dirs_size) {
		ro->dirs_size = 2 * ro->dirs_size + 16;
		ro->dirs =
		    oracle_realloc(ro->dirs, ro->dirs_size * sizeof(*ro->dirs));
	}
	ro->dirs[ro->ndirs++] = d;
}

static struct oconn *
conn_new(struct record_oracle *ro, const struct oseg *sg)
{
	struct oconn *oc;
	unsigned slot;

	if (++ro->nconns > 2 * ro->hash_size)
		conn_rehash(ro);
	oc = oracle_alloc(sizeof(*oc));
	oc->ro = ro;
	memcpy(oc->key, sg->key, sizeof(oc->key));
	for (int i = 0; i < 2; i++) {
		oc->dir[i].conn = oc;
		oseg_name(sg, sg->swapped != (i == 1), oc->dir[i].od.od_name,
		    sizeof(oc->dir[i].od.od_name));
	}
	add_dir(ro, &oc->dir[sg->swapped]); /* the first speaker first */
	add_dir(ro, &oc->dir[!sg->swapped]);
	if (ro->nall == ro->all_size) {
		ro->all_size = 2 * ro->all_size + 16;
		ro->all =
		    oracle_realloc(ro->all, ro->all_size * sizeof(*ro->all));
	}
	ro->all[ro->nall++] = oc;
	slot = conn_slot(ro, oc->key);
	oc->next = ro->hash[slot];
	ro->hash[slot] = oc;
	return (oc);
}

static void
conn_unhash(struct record_oracle *ro, struct oconn *oc)
{
	struct oconn **p = &ro->hash[conn_slot(ro, oc->key)];

	while (*p != oc)
		p = &(*p)->next;
	*p = oc->next;
	ro->nconns--;
	ostream_fini(&oc->dir[0].st);
	ostream_fini(&oc->dir[1].st);
}

/* A SYN with another initial number begins another connection. */
static struct oconn *
conn_find(struct record_oracle *ro, const struct oseg *sg)
{
	struct oconn *oc;
	struct odir *d;

	for (oc = ro->hash[conn_slot(ro, sg->key)]; oc != NULL; oc = oc->next)
		if (memcmp(oc->key, sg->key, sizeof(oc->key)) == 0)
			break;
	if (oc == NULL)
		return (conn_new(ro, sg));
	d = &oc->dir[sg->swapped];
	if ((sg->flags & TH_SYN) != 0 && d->have_isn && d->isn != sg->seq) {
		conn_unhash(ro, oc);
		return (conn_new(ro, sg));
	}
	return (oc);
}

/* --- frames --- */

static void
take_ack(struct odir *d, uint32_t ack)
{
	int64_t off;

	if (!d->st.st_started)
		return;
	off = ostream_offset(&d->st, ack);
	if (off > (int64_t)d->st.st_acked)
		d->st.st_acked = (uint64_t)off;
}

static void
forget(struct odir *d)
{
	struct record_oracle *ro = d->conn->ro;
	uint64_t keep = HISTORY_TOTAL / 2 / ro->nconns, below;

	if (keep < HISTORY_MIN)
		keep = HISTORY_MIN;
	if (keep > HISTORY_MAX)
		keep = HISTORY_MAX;
	if (d->fin && d->st.st_acked > d->st.st_next)
		keep = 0; /* it is over */
	if (d->st.st_acked <= keep)
		return;
	below = d->st.st_acked - keep;
	if (!d->dead && below > d->pos)
		below = d->pos;
	ostream_trim(&d->st, below);
	if (keep == 0 && d->st.st_low == d->st.st_next)
		ostream_fini(&d->st);
}

static void
take_bytes(struct odir *d, uint32_t seq, const uint8_t *p, size_t n)
{
	int64_t off = ostream_offset(&d->st, seq);

	if (off < 0) { /* before we began to look */
		if ((uint64_t)-off >= n)
			return;
		p -= off;
		n -= (size_t)-off;
		off = 0;
	}
	if (ostream_put(&d->st, (uint64_t)off, p, n, &d->od.od_rexmit_bytes) ==
	    OST_DIFFERS)
		oracle_say(d, SAID_REXMIT, 3, d->conn->ro->frame,
		    "sequence %" PRIu32 " carries other bytes than before "
		    "(stream offset %" PRId64 ", %zu bytes)",
		    seq, off, n);
}

void
record_oracle_frame(struct record_oracle *ro, uint64_t frame_id,
    const uint8_t *hdr, size_t hdrlen, const uint8_t *pay, size_t paylen)
{
	struct oconn *oc;
	struct odir *d;
	struct oseg sg;
	bool syn;

	if (ro->finished || !oseg_parse(&sg, hdr, hdrlen, pay, paylen))
		return;
	ro->frame = frame_id;
	oc = conn_find(ro, &sg);
	d = &oc->dir[sg.swapped];
	syn = (sg.flags & TH_SYN) != 0;
	/* An ACK of the connection before, on the same ports, came between. */
	if (syn && !d->have_isn && d->st.st_next == 0 && d->st.st_nahead == 0) {
		d->st.st_started = false;
		d->st.st_acked = 0;
		d->fin = false;
	}
	if (syn) {
		d->isn = sg.seq;
		d->have_isn = true;
	}
	if (!d->st.st_started) {
		d->st.st_started = true;
		d->st.st_base_seq = sg.seq + syn;
	}
	if ((sg.flags & TH_ACK) != 0)
		take_ack(&oc->dir[!sg.swapped], sg.ack);
	for (int i = 0; i < 2; i++)
		if (sg.n[i] > 0)
			take_bytes(d,
			    sg.seq + syn + (i == 1 ? (uint32_t)sg.n[0] : 0),
			    sg.p[i], sg.n[i]);
	if ((sg.flags & TH_FIN) != 0)
		d->fin = true;
	if (sg.n[0] + sg.n[1] > 0)
		otls_run(d);
	forget(d);
	forget(&oc->dir[!sg.swapped]);
}

void
record_oracle_finish(struct record_oracle *ro)
{
	if (ro->finished)
		return;
	ro->finished = true;
	for (unsigned i = 0; i < ro->ndirs; i++) {
		struct odir *d = ro->dirs[i];

		if (d->sha != NULL && !ro->no_digest)
			EVP_DigestFinal_ex(d->sha, d->od.od_app_sha256, NULL);
		else if (!ro->no_digest)
			EVP_Digest("", 0, d->od.od_app_sha256, NULL,
			    EVP_sha256(), NULL);
		otls_fini(d);
		ostream_fini(&d->st);
	}
}

unsigned
record_oracle_ndirs(const struct record_oracle *ro)
{
	return (ro->ndirs);
}

const struct oracle_dir *
record_oracle_dir(const struct record_oracle *ro, unsigned i)
{
	return (&ro->dirs[i]->od);
}
