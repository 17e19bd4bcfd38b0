/* A run, had once more: its events and frames, kept in memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/nic/frame.h>
#include <ktsim/sim/flowkey.h>

#include <ktsim/sim/recording.h>

#define GROW(array, n, size)                                              \
	do {                                                              \
		if ((n) == (size)) {                                      \
			(size) = MAX(2 * (size), 64);                     \
			(array) =                                         \
			    xrealloc((array), (size) * sizeof(*(array))); \
		}                                                         \
	} while (0)

/* --- texts, each kept once --- */

static unsigned
string_slot(const struct recording *rg, const char *s)
{
	unsigned mask = rg->rg_strings_size - 1;
	unsigned i = (unsigned)hash64(s, strlen(s), 0) & mask;

	while (rg->rg_strings[i] != NULL && strcmp(rg->rg_strings[i], s) != 0)
		i = (i + 1) & mask;
	return (i);
}

static void
strings_grow(struct recording *rg)
{
	unsigned was = rg->rg_strings_size;
	char **old = rg->rg_strings;

	rg->rg_strings_size = MAX(2 * was, 256u);
	rg->rg_strings = xcalloc(rg->rg_strings_size, sizeof(*old));
	for (unsigned i = 0; i < was; i++)
		if (old[i] != NULL)
			rg->rg_strings[string_slot(rg, old[i])] = old[i];
	free(old);
}

static const char *
keep(struct recording *rg, const char *s)
{
	unsigned i;

	if (s == NULL)
		return (NULL);
	if (2 * rg->rg_nstrings >= rg->rg_strings_size)
		strings_grow(rg);
	i = string_slot(rg, s);
	if (rg->rg_strings[i] == NULL) {
		rg->rg_strings[i] = xstrdup(s);
		rg->rg_nstrings++;
	}
	return (rg->rg_strings[i]);
}

/* --- events --- */

static void
on_event(void *arg, const struct trace_rec *rec)
{
	struct recording *rg = arg;
	struct rec_event *e;

	GROW(rg->rg_events, rg->rg_nevents, rg->rg_events_size);
	e = &rg->rg_events[rg->rg_nevents++];
	*e = (struct rec_event) { .e_when = rec->tr_when,
		.e_id = rec->tr_id,
		.e_who = keep(rg, rec->tr_who),
		.e_nargs = rec->tr_nargs,
		.e_frames = rg->rg_nframes };
	for (unsigned i = 0; i < rec->tr_nargs; i++) {
		e->e_args[i] = rec->tr_args[i];
		if (e->e_args[i].ta_type == 's')
			e->e_args[i].s = keep(rg, rec->tr_args[i].s);
	}
}

static const struct trace_arg *
event_arg(const struct rec_event *e, const char *name)
{
	const struct trace_rec rec = { .tr_id = e->e_id,
		.tr_args = e->e_args,
		.tr_nargs = e->e_nargs };

	return (trace_getarg(&rec, name));
}

uint64_t
event_num(const struct rec_event *e, const char *name)
{
	const struct trace_arg *a = event_arg(e, name);

	return (a != NULL ? a->u : 0);
}

const char *
event_text(const struct rec_event *e, const char *name)
{
	const struct trace_arg *a = event_arg(e, name);

	return (a != NULL && a->ta_type == 's' && a->s != NULL ? a->s : "");
}

bool
event_has(const struct rec_event *e, const char *name)
{
	return (event_arg(e, name) != NULL);
}

/* --- directions and their TLS records --- */

static char *
end_text(const struct flowkey *fk, bool dst)
{
	const uint8_t *addr = dst ? fk->fk_dst : fk->fk_src;
	bool v6 = (fk->fk_vlan_v6 & 0x10000) != 0;
	struct in_any a = { 0 };
	struct strbuf sb = { 0 };

	memcpy(&a, addr, sizeof(a));
	strbuf_adds(&sb, v6 ? "[" : "");
	format_addr(v6 ? KAF_INET6 : KAF_INET, &a, &sb);
	strbuf_addf(&sb, "%s:%u", v6 ? "]" : "",
	    dst ? fk->fk_dport : fk->fk_sport);
	return (strbuf_take(&sb));
}

static int
dir_find(const struct recording *rg, const char *from, const char *to)
{
	/* The latest of this name: ports are used again. */
	for (int i = (int)rg->rg_ndirs - 1; i >= 0; i--)
		if (strcmp(rg->rg_dirs[i].d_from, from) == 0 &&
		    strcmp(rg->rg_dirs[i].d_to, to) == 0)
			return (i);
	return (-1);
}

static unsigned
flows_seen(const struct recording *rg)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rg->rg_ndirs; i++)
		n = MAX(n, rg->rg_dirs[i].d_flow);
	return (n);
}

/* The direction of this segment; a SYN begins a new one. */
static int
dir_of(struct recording *rg, const struct segment *sg)
{
	char *from = end_text(&sg->sg_key, false);
	char *to = end_text(&sg->sg_key, true);
	int d = dir_find(rg, from, to), back;
	bool syn = (sg->sg_flags & 0x02) != 0, ack = (sg->sg_flags & 0x10) != 0;
	struct rec_dir *rd;

	if (d >= 0 &&
	    !(syn && rg->rg_dirs[d].d_has_iss &&
		rg->rg_dirs[d].d_iss != sg->sg_seq)) {
		free(from);
		free(to);
	} else {
		GROW(rg->rg_dirs, rg->rg_ndirs, rg->rg_dirs_size);
		back = dir_find(rg, to, from);
		d = (int)rg->rg_ndirs++;
		rd = &rg->rg_dirs[d];
		*rd = (struct rec_dir) { .d_from = from,
			.d_to = to,
			.d_server = syn && ack,
			.d_flow = ack
			    ? (back >= 0 ? rg->rg_dirs[back].d_flow : 0)
			    : 0 };
		if (syn && !ack)
			rd->d_flow = flows_seen(rg) + 1;
	}
	rd = &rg->rg_dirs[d];
	if (syn && !rd->d_has_iss) {
		rd->d_has_iss = true;
		rd->d_iss = sg->sg_seq;
	}
	return (d);
}

/* RPC in clear may stand in front of TLS (RFC 9289): over its fragment, whose
 * mark begins with a byte that begins no TLS record. */
static bool
rpc_passed(struct rec_dir *d)
{
	uint32_t len = be32dec(d->d_head) & 0xffffff;

	if (d->d_nrecs > 0 || (d->d_head[0] & 0x7f) != 0 || len == 0)
		return (false);
	d->d_next += 4 + len;
	d->d_have = 0;
	return (true);
}

static void
record_add(struct rec_dir *d)
{
	struct rec_record *r;

	if (rpc_passed(d))
		return;
	GROW(d->d_recs, d->d_nrecs, d->d_size);
	r = &d->d_recs[d->d_nrecs++];
	*r = (struct rec_record) { .r_off = d->d_next,
		.r_len = 5u + be16dec(d->d_head + 3),
		.r_type = d->d_head[0],
		.r_minor = d->d_head[2] };
	d->d_next += r->r_len;
	d->d_have = 0;
	/* What is no record header is no TLS. */
	if (r->r_type < 20 || r->r_type > 24 || d->d_head[1] != 3)
		d->d_lost = true;
}

/* New bytes of the stream, from `off` on: headers among them. */
static void
dir_bytes(struct rec_dir *d, uint32_t off, const uint8_t *p, uint32_t len)
{
	uint32_t skip;

	if (d->d_lost || off + len <= d->d_seen || !d->d_has_iss)
		return;
	if (off > d->d_seen) {
		/* A hole is bridged inside of one record. */
		if (d->d_have > 0 || off > d->d_next) {
			d->d_lost = true;
			return;
		}
		d->d_seen = off;
	}
	skip = d->d_seen - off;
	p += skip;
	len -= skip;
	off = d->d_seen;
	d->d_seen += len;
	while (len > 0 && !d->d_lost) {
		skip = d->d_next + d->d_have - off;
		if (skip >= len)
			return;
		p += skip;
		len -= skip;
		off += skip;
		d->d_head[d->d_have++] = *p++;
		off++;
		len--;
		if (d->d_have == sizeof(d->d_head))
			record_add(d);
	}
}

/* --- frames --- */

static void
on_frame(void *arg, const struct world_frame *wf)
{
	const struct frame *f = wf->wf_frame;
	struct recording *rg = arg;
	struct rec_frame *rf;
	struct segment sg;
	struct rec_dir *d;

	GROW(rg->rg_frames, rg->rg_nframes, rg->rg_frames_size);
	rf = &rg->rg_frames[rg->rg_nframes++];
	*rf = (struct rec_frame) { .f_id = f->f_id,
		.f_when = wf->wf_when,
		.f_arrives = wf->wf_arrives,
		.f_from = keep(rg, wf->wf_from),
		.f_lost = keep(rg, wf->wf_lost),
		.f_remark = keep(rg, wf->wf_remark),
		.f_rexmit_of = wf->wf_rexmit_of,
		.f_dir = -1,
		.f_size = frame_len(f),
		.f_mode = f->f_note.pn_mode,
		.f_rec = f->f_note.pn_rec_seqno,
		.f_rec_off = f->f_note.pn_rec_off,
		.f_tag = f->f_note.pn_tag,
		.f_why = keep(rg, f->f_note.pn_why) };
	if (!segment_parse(f, &sg))
		return;
	rf->f_dir = dir_of(rg, &sg);
	d = &rg->rg_dirs[rf->f_dir];
	rf->f_off = sg.sg_seq - d->d_iss - 1;
	rf->f_len = sg.sg_len;
	rf->f_flags = sg.sg_flags;
	if (sg.sg_len > 0)
		dir_bytes(d, rf->f_off, f->f_payload, sg.sg_len);
}

/* --- the run --- */

static void
on_state(void *arg, const char *name, const struct strbuf *text)
{
	struct recording *rg = arg;

	/* What tells of a broken invariant is not what was asked. */
	if (strcmp(name, "state-broken.txt") == 0 ||
	    strcmp(name, "state-panic.txt") == 0)
		return;
	strbuf_add(&rg->rg_state, strbuf_str(text), text->sb_len);
}

int
recording_make(struct recording *rg, const struct scenario *sc,
    const struct world_opts *opts, const char *points, bool frames,
    struct strbuf *err)
{
	struct world_opts wo = *opts;
	int error;

	*rg = (struct recording) { 0 };
	wo.wo_state = on_state;
	wo.wo_state_arg = rg;
	if (points != NULL) {
		if (trace_select(points, wo.wo_tell_mask, err) != 0)
			return (EINVAL);
		wo.wo_tell = on_event;
		wo.wo_tell_arg = rg;
	}
	if (frames) {
		wo.wo_frame = on_frame;
		wo.wo_frame_arg = rg;
	}
	if ((error = world_create(sc, &wo, &rg->rg_world, err)) != 0)
		return (error);
	world_run(rg->rg_world);
	return (0);
}

void
recording_fini(struct recording *rg)
{
	for (unsigned i = 0; i < rg->rg_strings_size; i++)
		free(rg->rg_strings[i]);
	free(rg->rg_strings);
	for (unsigned i = 0; i < rg->rg_ndirs; i++) {
		free(rg->rg_dirs[i].d_from);
		free(rg->rg_dirs[i].d_to);
		free(rg->rg_dirs[i].d_recs);
	}
	free(rg->rg_dirs);
	free(rg->rg_events);
	free(rg->rg_frames);
	strbuf_fini(&rg->rg_state);
	if (rg->rg_world != NULL)
		world_destroy(rg->rg_world);
	*rg = (struct recording) { 0 };
}

/* --- connections --- */

const struct conn_result *
recording_conn(const struct recording *rg, const char *name)
{
	const struct result *r = world_result(rg->rg_world);
	const struct rec_dir *d;
	unsigned flow;

	for (unsigned i = 0; i < r->r_nconns; i++)
		if (strcmp(r->r_conns[i].c_name, name) == 0)
			return (&r->r_conns[i]);
	if (strncmp(name, "flow", 4) != 0)
		return (NULL);
	flow = (unsigned)strtoul(name + 4, NULL, 10);
	for (d = rg->rg_dirs; d < rg->rg_dirs + rg->rg_ndirs; d++)
		if (d->d_flow == flow && flow != 0 && !d->d_server)
			for (unsigned i = 0; i < r->r_nconns; i++)
				if (strcmp(r->r_conns[i].c_client, d->d_from) ==
					0 &&
				    strcmp(r->r_conns[i].c_server, d->d_to) ==
					0)
					return (&r->r_conns[i]);
	return (NULL);
}

const struct rec_dir *
recording_dir(const struct recording *rg, const struct conn_result *c, int side)
{
	int d = side == 0 ? dir_find(rg, c->c_client, c->c_server)
			  : dir_find(rg, c->c_server, c->c_client);

	return (d >= 0 ? &rg->rg_dirs[d] : NULL);
}
