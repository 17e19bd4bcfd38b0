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
	const struct rec_record *rec; /* the one that has it; NULL: unknown */
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
	bool v13 = strcmp(c->c_tls, "TLS 1.3") == 0;
	bool gcm = strstr(c->c_suite, "GCM") != NULL;
	bool chacha = strstr(c->c_suite, "CHACHA") != NULL;

	*tail = 16u + v13;
	*head = 5u + (gcm && !v13 ? 8u : 0u);
	if (!gcm && !chacha) { /* CBC */
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
	    "%s has taken it: byte %ju of its %ju bytes", event_text(w, "call"),
	    (uintmax_t)(l->off - event_num(w, "off")),
	    (uintmax_t)event_num(w, "len"));
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
	if (l->dir != NULL && l->dir->d_nrecs > 0 &&
	    event_num(w, "end") <= l->dir->d_recs[0].r_off) {
		tale_add(l->ta, w->e_when, "", 0,
		    "byte %u of the TCP stream, in clear, in front of TLS",
		    l->at);
		return;
	}
	r = l->dir != NULL ? place_in_record(l, w, &in) : NULL;
	l->rec = r;
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

/* --- the kernel's numbers --- */

/*
 * Kernels number the records of a session, from the one on that came after the
 * keys; frames show the handshake's records, too. The numbers that a kernel
 * told are laid along the records of the stream where lengths and types fit.
 */
struct numbers {
	const struct life *l;
	int side; /* whose kernel */
	enum trace_id id;
	uint64_t first;
};

static const struct rec_event *
numbers_next(const struct numbers *nu, const struct rec_event *e)
{
	const struct recording *rg = nu->l->rg;
	const struct conn_side *s = &nu->l->c->c_side[nu->side];

	e = e == NULL ? rg->rg_events : e + 1;
	for (; e < rg->rg_events + rg->rg_nevents && s->host != NULL; e++)
		if ((e->e_id == nu->id ||
			(e->e_id == TP_tls_error && nu->side != nu->l->side)) &&
		    event_num(e, "conn") == s->number &&
		    strcmp(e->e_who, s->host) == 0)
			return (e);
	return (NULL);
}

/* Can the record be the one of this event? What it does not say, fits. */
static bool
number_fits(const struct life *l, const struct rec_event *e,
    const struct rec_record *r)
{
	uint32_t head, tail;

	if (e->e_id == TP_tls_error)
		return (true);
	if (e->e_id == TP_tls_record)
		return (event_num(e, "len") == r->r_len);
	if (strcmp(l->c->c_tls, "TLS 1.3") != 0 &&
	    event_num(e, "type") != r->r_type)
		return (false);
	overhead(l->c, &head, &tail);
	return (tail == 0 || event_num(e, "len") + head + tail == r->r_len);
}

static bool
numbers_fit(const struct numbers *nu, unsigned from)
{
	const struct rec_dir *d = nu->l->dir;
	const struct rec_event *e = NULL;
	uint64_t at;

	while ((e = numbers_next(nu, e)) != NULL) {
		at = from + event_num(e, "seqno") - nu->first;
		if (at < d->d_nrecs && !number_fits(nu->l, e, &d->d_recs[at]))
			return (false);
	}
	return (true);
}

/* The number of the byte's record in the kernel of a side; false: none. */
static bool
kernel_number(const struct life *l, int side, uint64_t *seqno)
{
	struct numbers nu = { .l = l,
		.side = side,
		.id = side == l->side ? TP_tls_record : TP_tls_decrypted };
	const struct rec_event *e = numbers_next(&nu, NULL);
	unsigned n, from;

	if (l->rec == NULL || e == NULL)
		return (false);
	n = (unsigned)(l->rec - l->dir->d_recs);
	nu.first = event_num(e, "seqno");
	for (from = 0; from <= n; from++)
		if (numbers_fit(&nu, from)) {
			*seqno = nu.first + n - from;
			return (true);
		}
	return (false);
}

/* --- who encrypted it --- */

static void
tell_encryption(struct life *l, const struct rec_frame *f)
{
	const struct rec_event *e;
	uint64_t seqno;

	if (f->f_mode == PKT_KTLS_TOE)
		tale_add(l->ta, f->f_when, f->f_from, f->f_id,
		    "the card's own TCP encrypts and sends it");
	else if (!kernel_number(l, l->side, &seqno)) {
		if (l->rec != NULL && f->f_mode == PKT_PLAIN)
			tale_add(l->ta, f->f_when, "", 0,
			    "its application encrypted it (OpenSSL, user "
			    "space)");
	} else if (f->f_mode == PKT_KTLS_IFNET)
		tale_add(l->ta, f->f_when, f->f_from, f->f_id,
		    "the card encrypts it on its way out: kernel record %ju, "
		    "send tag %u",
		    (uintmax_t)seqno, f->f_tag);
	else if ((e = find_record(l, TP_tls_encrypted, l->side, seqno)) != NULL)
		tale_add(l->ta, e->e_when, e->e_who, 0,
		    "a worker has encrypted kernel record %ju (%ju bytes)",
		    (uintmax_t)seqno, (uintmax_t)event_num(e, "len"));
}

/* --- frames --- */

static bool
tell_frames(struct life *l)
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
		if (told == 0)
			tell_encryption(l, f);
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
tell_decryption(struct life *l, int other)
{
	const struct rec_event *e;
	uint64_t seqno;

	if (!kernel_number(l, other, &seqno))
		return;
	e = find_record(l, TP_tls_decrypted, other, seqno);
	if (e != NULL)
		tale_add(l->ta, e->e_when, e->e_who, 0,
		    "the kernel has decrypted record %ju", (uintmax_t)seqno);
	e = find_record(l, TP_tls_error, other, seqno);
	if (e != NULL)
		tale_add(l->ta, e->e_when, e->e_who, 0,
		    "record %ju cannot be used: %s (%s)", (uintmax_t)seqno,
		    event_text(e, "reason"),
		    errno_name((int)event_num(e, "error")));
}

static void
tell_receiver(struct life *l, bool arrived)
{
	int other = 1 - l->side;
	const struct rec_event *e;

	tell_decryption(l, other);
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
	bool arrived;

	if (w == NULL)
		return (false);
	tell_write(&l, w);
	tell_place(&l, w);
	arrived = l.dir != NULL && tell_frames(&l);
	tell_receiver(&l, arrived);
	tale_sort(ta);
	return (true);
}
