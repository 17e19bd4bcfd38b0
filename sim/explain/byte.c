/*
 * The life of one byte: who wrote it, in which TLS record and where in the TCP
 * stream it went, who encrypted it, every frame it was in and what became of
 * each, who decrypted it, when it was read.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/sim/scenario.h>

#include <ktsim/sim/explain.h>

#define REC_PLAIN_MAX 16384

struct life {
	const struct recording *rg;
	const struct conn_result *c;
	int side;
	uint64_t off; /* of the byte, in what the application sends */
	struct tale *ta;
	const struct rec_dir *dir;
	uint32_t at; /* of the byte, in the TCP stream; as far as known */
};

/* The application and connection number of "get#0" for one side. */
static bool
is_side(const struct life *l, const struct rec_event *e, int side)
{
	const struct conn_result *c = l->c;
	const char *app = event_text(e, "app");
	size_t n = strlen(app);

	if (side == 0)
		return (strncmp(c->c_name, app, n) == 0 &&
		    c->c_name[n] == '#' &&
		    strtoull(c->c_name + n + 1, NULL, 10) ==
			event_num(e, "conn"));
	return (c->c_server_name != NULL &&
	    strncmp(c->c_server_name, app, n) == 0 &&
	    c->c_server_name[n] == '#' &&
	    strtoull(c->c_server_name + n + 1, NULL, 10) ==
		event_num(e, "conn"));
}

static const struct rec_event *
find_io(const struct life *l, enum trace_id id, int side)
{
	const struct rec_event *e;

	for (e = l->rg->rg_events; e < l->rg->rg_events + l->rg->rg_nevents;
	     e++)
		if (e->e_id == id && event_num(e, "off") <= l->off &&
		    l->off < event_num(e, "off") + event_num(e, "len") &&
		    is_side(l, e, side))
			return (e);
	return (NULL);
}

/* A kernel's event about a record of this connection. */
static const struct rec_event *
find_record(const struct life *l, enum trace_id id, int side, uint64_t seqno)
{
	const struct conn_side *s = &l->c->c_side[side];
	const struct rec_event *e;

	for (e = l->rg->rg_events; e < l->rg->rg_events + l->rg->rg_nevents;
	     e++)
		if (e->e_id == id && s->host != NULL &&
		    strcmp(e->e_who, s->host) == 0 &&
		    event_num(e, "conn") == s->number &&
		    event_num(e, "seqno") == seqno)
			return (e);
	return (NULL);
}

/* --- record and place --- */

/* Bytes of a record in front of its payload, and behind it, of this suite. */
static void
overhead(const struct conn_result *c, uint32_t *head, uint32_t *tail)
{
	bool cbc = strstr(c->c_suite, "CBC") != NULL ||
	    strstr(c->c_suite, "SHA256") == NULL;
	bool v13 = strcmp(c->c_tls, "TLS 1.3") == 0;
	bool gcm = strstr(c->c_suite, "GCM") != NULL;
	bool chacha = strstr(c->c_suite, "CHACHA") != NULL;

	*tail = 16u + v13;
	*head = 5u + (gcm && !v13 ? 8u : 0u);
	if (!gcm && !chacha && cbc) {
		*head = strcmp(c->c_tls, "TLS 1.0") == 0 ? 5 : 5 + 16;
		*tail = 0; /* padding: not known from outside */
	}
}

/*
 * The record among those of the write that has the byte; its place in it.
 * Records are filled from the write's first byte on.
 */
static const struct rec_record *
place_in_record(struct life *l, const struct rec_event *w, uint32_t *in)
{
	uint64_t left = l->off - event_num(w, "off"), plain;
	uint32_t head, tail, from = (uint32_t)event_num(w, "seq"),
			     end = (uint32_t)event_num(w, "end");
	const struct rec_record *r;

	overhead(l->c, &head, &tail);
	for (r = l->dir->d_recs; r < l->dir->d_recs + l->dir->d_nrecs; r++) {
		if (r->r_off < from || r->r_off >= end || r->r_type != 23)
			continue;
		plain = tail > 0 ? r->r_len - head - tail : REC_PLAIN_MAX;
		if (left < plain) {
			*in = (uint32_t)left;
			l->at = r->r_off + head + (uint32_t)left;
			return (r);
		}
		left -= plain;
	}
	return (NULL);
}

static void
tell_write(struct life *l, const struct rec_event *w)
{
	tale_add(l->ta, w->e_when, event_text(w, "app"), 0,
	    "%s of %ju bytes takes it: byte %ju of them", event_text(w, "call"),
	    (uintmax_t)event_num(w, "len"),
	    (uintmax_t)(l->off - event_num(w, "off")));
}

static void
tell_place(struct life *l, const struct rec_event *w)
{
	const struct rec_record *r;
	uint32_t in = 0;

	l->at = (uint32_t)(event_num(w, "seq") + l->off - event_num(w, "off"));
	if (l->c->c_tls == NULL) {
		tale_add(l->ta, w->e_when, "", 0, "byte %u of the TCP stream",
		    l->at);
		return;
	}
	r = l->dir != NULL ? place_in_record(l, w, &in) : NULL;
	if (r == NULL) {
		tale_add(l->ta, w->e_when, "", 0,
		    "between byte %ju and %ju of the TCP stream; its record "
		    "never left, or cannot be told",
		    (uintmax_t)event_num(w, "seq"),
		    (uintmax_t)event_num(w, "end"));
		return;
	}
	tale_add(l->ta, w->e_when, "", 0,
	    "TLS record %u of its direction (%u bytes from byte %u of the TCP "
	    "stream), byte %u of its plaintext: byte %u of the stream, "
	    "sequence %u",
	    (unsigned)(r - l->dir->d_recs), r->r_len, r->r_off, in, l->at,
	    l->at + l->dir->d_iss + 1);
}

/* --- who encrypted it --- */

static void
tell_kernel_record(struct life *l, const struct rec_frame *f, uint64_t seqno)
{
	const struct rec_event *e;

	if (f->f_mode == PKT_KTLS_IFNET) {
		tale_add(l->ta, f->f_when, f->f_from, f->f_id,
		    "the card encrypts it on its way out: kernel record %ju, "
		    "send tag %u",
		    (uintmax_t)seqno, f->f_tag);
		return;
	}
	if (f->f_mode == PKT_KTLS_TOE) {
		tale_add(l->ta, f->f_when, f->f_from, f->f_id,
		    "the card's own TCP encrypts and sends it");
		return;
	}
	e = find_record(l, TP_tls_encrypted, l->side, seqno);
	if (f->f_mode == PKT_KTLS_SW && e != NULL)
		tale_add(l->ta, e->e_when, e->e_who, 0,
		    "a worker has encrypted kernel record %ju (%ju bytes)",
		    (uintmax_t)seqno, (uintmax_t)event_num(e, "len"));
	else if (f->f_mode == PKT_PLAIN && l->c->c_tls != NULL)
		tale_add(l->ta, f->f_when, "", 0,
		    "its application encrypted it (OpenSSL, user space)");
}

/* The kernel's number of the record that the byte is in; by the first frame
 * that has it: its first record, and those behind. */
static uint64_t
kernel_record(const struct life *l, const struct rec_frame *f)
{
	const struct rec_record *r;
	uint32_t first = f->f_off - f->f_rec_off;
	uint64_t n = f->f_rec;

	for (r = l->dir->d_recs; r < l->dir->d_recs + l->dir->d_nrecs; r++)
		if (r->r_off > first && r->r_off <= l->at)
			n++;
	return (n);
}

/* --- frames --- */

static bool
tell_frames(struct life *l, uint64_t *kernel)
{
	const struct rec_frame *f;
	unsigned told = 0;
	bool arrived = false;

	for (f = l->rg->rg_frames; f < l->rg->rg_frames + l->rg->rg_nframes;
	     f++) {
		if (f->f_dir < 0 || &l->rg->rg_dirs[f->f_dir] != l->dir ||
		    f->f_len == 0 || f->f_off > l->at ||
		    f->f_off + f->f_len <= l->at)
			continue;
		if (told == 0) {
			*kernel = kernel_record(l, f);
			tell_kernel_record(l, f, *kernel);
		}
		if (told++ >= 32)
			continue;
		tale_add(l->ta, f->f_when, f->f_from, f->f_id,
		    "byte %u of %u in the segment%s%s%s", l->at - f->f_off,
		    f->f_len, f->f_rexmit_of != 0 ? ", sent again" : "",
		    f->f_rexmit_of != 0 && f->f_why != NULL ? ": " : "",
		    f->f_rexmit_of != 0 && f->f_why != NULL ? f->f_why : "");
		if (f->f_lost != NULL)
			tale_add(l->ta, f->f_when, f->f_from, f->f_id,
			    "dropped: %s", f->f_lost);
		else
			tale_add(l->ta, f->f_arrives, "", f->f_id,
			    "arrives%s%s", f->f_remark != NULL ? ", " : "",
			    f->f_remark != NULL ? f->f_remark : "");
		arrived |= f->f_lost == NULL;
	}
	if (told > 32)
		tale_note(l->ta, "", "%u more frames have it", told - 32);
	return (arrived);
}

static void
tell_receiver(struct life *l, uint64_t kernel, bool arrived)
{
	int other = 1 - l->side;
	const struct rec_event *e;

	e = find_record(l, TP_tls_decrypted, other, kernel);
	if (e != NULL && l->c->c_tls != NULL)
		tale_add(l->ta, e->e_when, e->e_who, 0,
		    "the kernel has decrypted record %ju", (uintmax_t)kernel);
	e = find_record(l, TP_tls_error, other, kernel);
	if (e != NULL)
		tale_add(l->ta, e->e_when, e->e_who, 0,
		    "record %ju cannot be used: %s (%s)", (uintmax_t)kernel,
		    event_text(e, "reason"),
		    errno_name((int)event_num(e, "error")));
	e = find_io(l, TP_app_read, other);
	if (e != NULL) {
		tale_add(l->ta, e->e_when, event_text(e, "app"), 0,
		    "reads it, in a read of %ju bytes",
		    (uintmax_t)event_num(e, "len"));
		tale_sum(l->ta, "it was delivered");
	} else
		tale_sum(l->ta,
		    arrived ? "it arrived, and was never read"
			    : "it never arrived");
}

bool
explain_byte(const struct recording *rg, const struct conn_result *c, int side,
    uint64_t off, struct tale *ta)
{
	struct life l = { .rg = rg,
		.c = c,
		.side = side,
		.off = off,
		.ta = ta,
		.dir = recording_dir(rg, c, side) };
	const struct rec_event *w = find_io(&l, TP_app_write, side);
	uint64_t kernel = UINT64_MAX;
	bool arrived;

	if (w == NULL)
		return (false);
	tell_write(&l, w);
	tell_place(&l, w);
	arrived = l.dir != NULL && tell_frames(&l, &kernel);
	tell_receiver(&l, kernel, arrived);
	tale_sort(ta);
	return (true);
}
