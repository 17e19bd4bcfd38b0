/*
 * Claims about how often something happens: trace records, drops, frames of
 * the capture; and in which order events come. They are counted as they
 * happen, until expectations freeze; the record that was one too many, or the
 * first one, is kept as evidence.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world_priv.h"

/* Of an order: when its first one came. */
struct seen_event {
	bool se_seen;
	simtime_t se_when;
	uint64_t se_frame;
};

/* Whose records say `reason`, and count as drops. */
static const enum trace_id drop_points[] = { TP_ip_drop, TP_lagg_drop,
	TP_vlan_drop, TP_nic_drop, TP_wire_drop, TP_tcp_discard };

static bool
glob(const char *pattern, const char *text)
{
	return (pattern == NULL || fnmatch(pattern, text, 0) == 0);
}

/* --- which records are meant --- */

static bool
number_is(const struct sc_match *m, int64_t v)
{
	switch (m->cmp) {
	case SC_LT:
		return (v < m->number);
	case SC_LE:
		return (v <= m->number);
	case SC_GT:
		return (v > m->number);
	case SC_GE:
		return (v >= m->number);
	case SC_NE:
		return (v != m->number);
	default:
		return (v == m->number);
	}
}

/* The host that tells of it; of an application, the one it runs on. */
static const char *
teller(struct world *w, const struct trace_rec *rec)
{
	const struct trace_arg *app = trace_getarg(rec, "app");

	if (rec->tr_who[0] != '\0' || app == NULL || app->ta_type != 's')
		return (rec->tr_who);
	for (unsigned i = 0; i < w->w_sc->napps; i++)
		if (strcmp(w->w_sc->apps[i].loc.name, app->s) == 0)
			return (w->w_sc->apps[i].host);
	return (rec->tr_who);
}

static bool
event_is(struct world *w, const struct sc_event *e, const struct trace_rec *rec)
{
	const struct trace_arg *a;
	const struct sc_match *m;

	if ((int)rec->tr_id != e->point ||
	    (e->host != NULL && strcmp(e->host, teller(w, rec)) != 0))
		return (false);
	for (m = e->match; m < e->match + e->nwhere; m++) {
		a = &rec->tr_args[m->arg];
		if (m->kind == SC_MATCH_TEXT ? !glob(m->glob, a->s)
					     : !number_is(m, a->i))
			return (false);
	}
	return (true);
}

static bool
is_drop(enum trace_id id)
{
	for (size_t i = 0; i < nitems(drop_points); i++)
		if (drop_points[i] == id)
			return (true);
	return (false);
}

/* Where: the host, or a text of the record that is not the reason, or both with
 * a dot between them. */
static bool
drop_is(const struct sc_exp_drops *e, const char *where,
    const struct trace_rec *rec)
{
	char both[256];
	const struct trace_arg *reason = trace_getarg(rec, "reason");
	bool there = glob(where, rec->tr_who);

	for (unsigned i = 0; i < rec->tr_nargs; i++)
		if (rec->tr_args[i].ta_type == 's' &&
		    &rec->tr_args[i] != reason && !there) {
			snprintf(both, sizeof(both), "%s.%s", rec->tr_who,
			    rec->tr_args[i].s);
			there =
			    glob(where, rec->tr_args[i].s) || glob(where, both);
		}
	return (there && glob(e->reason, reason->s));
}

/* --- counting --- */

/* From which one on there are too many; UINT64_MAX: never. */
static uint64_t
too_many(const struct sc_bounds *b)
{
	return (b->has_max ? b->max + 1 : b->has_is ? b->is + 1 : UINT64_MAX);
}

static void
count_frame(struct wlook *lo, uint64_t frame)
{
	if (frame != 0 && lo->lo_nframes < CLAIM_FRAMES)
		lo->lo_frames[lo->lo_nframes++] = frame;
}

static uint64_t
record_frame(const struct world *w, const struct trace_rec *rec)
{
	const struct trace_arg *f = trace_getarg(rec, "frame");

	return (f != NULL ? f->u : w->w_frames);
}

/* A record that names none happened between two. */
static void
claim_frames_near(const struct world *w, const struct wlook *lo,
    struct claim_result *cl)
{
	claim_frame(cl, lo->lo_frame);
	if (lo->lo_between && lo->lo_frame < w->w_frames)
		claim_frame(cl, lo->lo_frame + 1);
}

/* The first one, and then the one that is too many, is kept. */
static void
count_record(struct world *w, struct wlook *lo, const struct sc_bounds *b,
    const struct trace_rec *rec)
{
	struct strbuf sb = { 0 };

	lo->lo_count++;
	if (lo->lo_count != 1 && lo->lo_count != too_many(b))
		return;
	trace_text(rec, &sb);
	free(lo->lo_text);
	/* Without its time and the line's end: those are told apart. */
	lo->lo_text = xasprintf("%.*s", (int)sb.sb_len - 1, strbuf_str(&sb));
	if (strchr(lo->lo_text, ' ') != NULL)
		memmove(lo->lo_text, strchr(lo->lo_text, ' ') + 1,
		    strlen(strchr(lo->lo_text, ' ')));
	strbuf_fini(&sb);
	lo->lo_when = rec->tr_when;
	lo->lo_frame = record_frame(w, rec);
	lo->lo_between = trace_getarg(rec, "frame") == NULL;
}

static void
order_record(struct world *w, struct wlook *lo, const struct sc_exp_order *e,
    const struct trace_rec *rec)
{
	for (unsigned i = 0; i < e->nevents; i++)
		if (!lo->lo_seen[i].se_seen && event_is(w, &e->events[i], rec))
			lo->lo_seen[i] = (struct seen_event) { true,
				rec->tr_when, record_frame(w, rec) };
}

void
counted_trace(struct world *w, const struct trace_rec *rec)
{
	const struct sc_exp_event *ev;
	const struct sc_expect *e;
	struct wlook *lo;

	for (unsigned i = 0; i < w->w_sc->nexpect; i++) {
		e = &w->w_sc->expect[i];
		lo = &w->w_looks[i];
		ev = &e->event;
		if (e->kind == SC_EXP_EVENT && rec->tr_when >= ev->after &&
		    (!ev->has_before || rec->tr_when < ev->before) &&
		    event_is(w, &ev->event, rec))
			count_record(w, lo, &ev->bounds, rec);
		else if (e->kind == SC_EXP_DROPS && is_drop(rec->tr_id) &&
		    drop_is(&e->drops,
			lo->lo_where != NULL ? lo->lo_where : e->drops.where,
			rec))
			count_record(w, lo, &e->drops.bounds, rec);
		else if (e->kind == SC_EXP_ORDER)
			order_record(w, lo, &e->order, rec);
	}
}

void
counted_frame(struct world *w, const struct frame *f, const char *comment)
{
	const struct sc_expect *e;
	struct wlook *lo;

	for (unsigned i = 0; i < w->w_sc->nexpect; i++) {
		e = &w->w_sc->expect[i];
		lo = &w->w_looks[i];
		if (e->kind != SC_EXP_FRAMES ||
		    !glob(e->frames.comment, comment) ||
		    (lo->lo_filter != NULL &&
			!tap_filter_match(lo->lo_filter, f)))
			continue;
		lo->lo_count++;
		if (lo->lo_count == 1 ||
		    lo->lo_count == too_many(&e->frames.bounds))
			lo->lo_when = timebase_now(w->w_tb);
		if (lo->lo_count >= too_many(&e->frames.bounds) ||
		    too_many(&e->frames.bounds) == UINT64_MAX)
			count_frame(lo, f->f_id);
	}
}

/* --- before and after --- */

static int
filter_open(struct world *w, const struct sc_exp_frames *e, struct wlook *lo,
    struct strbuf *err)
{
	struct strbuf why = { 0 };

	w->w_counts_frames = true;
	w->w_counts_comments |= e->comment != NULL;
	if (e->filter == NULL)
		return (0);
	lo->lo_filter = tap_filter_create(e->filter, &why);
	if (lo->lo_filter == NULL)
		scenario_error(w->w_sc, scenario_text_at(e->filter), err,
		    "`%s` is no filter of libpcap: %s", e->filter,
		    strbuf_str(&why));
	strbuf_fini(&why);
	return (lo->lo_filter != NULL ? 0 : EINVAL);
}

/* The link of this name as the trace has it; NULL: none has it. */
static const char *
link_of(const struct world *w, const char *name)
{
	for (unsigned i = 0; name != NULL && i < w->w_sc->nlinks; i++)
		if (w->w_sc->links[i].name != NULL &&
		    strcmp(w->w_sc->links[i].name, name) == 0)
			return (wire_name(w->w_links[i].l_wire));
	return (NULL);
}

static void
want_events(struct world *w, const struct sc_expect *e, struct wlook *lo)
{
	uint64_t *mask = w->w_sink.ts_mask;

	w->w_counts_records = true;
	if (e->kind == SC_EXP_EVENT)
		trace_mask_add(mask, (enum trace_id)e->event.event.point);
	else if (e->kind == SC_EXP_DROPS) {
		lo->lo_where = link_of(w, e->drops.where);
		for (size_t i = 0; i < nitems(drop_points); i++)
			trace_mask_add(mask, drop_points[i]);
	} else {
		lo->lo_seen = xcalloc(e->order.nevents, sizeof(*lo->lo_seen));
		for (unsigned i = 0; i < e->order.nevents; i++)
			trace_mask_add(mask,
			    (enum trace_id)e->order.events[i].point);
	}
}

int
counted_create(struct world *w, struct strbuf *err)
{
	const struct sc_expect *e;
	int error = 0;

	w->w_looks = xcalloc(w->w_sc->nexpect + 1, sizeof(*w->w_looks));
	for (unsigned i = 0; i < w->w_sc->nexpect; i++) {
		e = &w->w_sc->expect[i];
		if (e->kind == SC_EXP_FRAMES) {
			if (filter_open(w, &e->frames, &w->w_looks[i], err) !=
			    0)
				error = EINVAL;
		} else if (e->kind == SC_EXP_EVENT || e->kind == SC_EXP_ORDER ||
		    e->kind == SC_EXP_DROPS)
			want_events(w, e, &w->w_looks[i]);
	}
	return (error);
}

void
counted_destroy(struct world *w)
{
	for (unsigned i = 0; w->w_looks != NULL && i < w->w_sc->nexpect; i++) {
		free(w->w_looks[i].lo_text);
		free(w->w_looks[i].lo_seen);
		tap_filter_destroy(w->w_looks[i].lo_filter);
	}
	free(w->w_looks);
	w->w_looks = NULL;
}

/* --- judging --- */

static void
event_text(const struct sc_event *e, struct strbuf *sb)
{
	if (e->host != NULL)
		strbuf_addf(sb, "%s ", e->host);
	strbuf_adds(sb, e->name);
	for (unsigned i = 0; i < e->nwhere; i++)
		strbuf_addf(sb, "%s%s=%s", i == 0 ? " (" : " ",
		    e->where[i].loc.name, e->where[i].text);
	if (e->nwhere > 0)
		strbuf_adds(sb, ")");
}

static void
times_text(const struct sc_bounds *b, struct strbuf *sb)
{
	if (b->has_is)
		strbuf_addf(sb, ", %ju times", (uintmax_t)b->is);
	if (b->has_min)
		strbuf_addf(sb, ", at least %ju", (uintmax_t)b->min);
	if (b->has_max && b->max == 0)
		strbuf_adds(sb, ", never");
	else if (b->has_max)
		strbuf_addf(sb, ", at most %ju", (uintmax_t)b->max);
}

static const struct sc_bounds *
counted_bounds(const struct sc_expect *e)
{
	return (e->kind == SC_EXP_EVENT	  ? &e->event.bounds
		: e->kind == SC_EXP_DROPS ? &e->drops.bounds
					  : &e->frames.bounds);
}

static void
order_text(const struct sc_exp_order *e, struct strbuf *sb)
{
	for (unsigned i = 0; i < e->nevents; i++) {
		if (i > 0)
			strbuf_adds(sb, ", then ");
		event_text(&e->events[i], sb);
	}
}

void
counted_text(const struct sc_expect *e, struct strbuf *sb)
{
	switch (e->kind) {
	case SC_EXP_ORDER:
		order_text(&e->order, sb);
		return;
	case SC_EXP_EVENT:
		event_text(&e->event.event, sb);
		if (e->event.after > 0) {
			strbuf_adds(sb, " from ");
			format_time_exact(e->event.after, sb);
		}
		if (e->event.has_before) {
			strbuf_adds(sb, " before ");
			format_time_exact(e->event.before, sb);
		}
		break;
	case SC_EXP_DROPS:
		strbuf_adds(sb, "drops");
		if (e->drops.reason != NULL)
			strbuf_addf(sb, " because of \"%s\"", e->drops.reason);
		if (e->drops.where != NULL)
			strbuf_addf(sb, " at %s", e->drops.where);
		break;
	default:
		strbuf_adds(sb, "frames");
		if (e->frames.filter != NULL)
			strbuf_addf(sb, " \"%s\"", e->frames.filter);
		if (e->frames.comment != NULL)
			strbuf_addf(sb, " with comment \"%s\"",
			    e->frames.comment);
		break;
	}
	times_text(counted_bounds(e), sb);
}

static void
claim_order(const struct sc_exp_order *e, const struct wlook *lo,
    struct claim_result *cl)
{
	struct strbuf sb = { 0 };
	const struct seen_event *a, *b;

	cl->cl_ok = lo->lo_seen[0].se_seen;
	for (unsigned i = 1; i < e->nevents && cl->cl_ok; i++) {
		a = &lo->lo_seen[i - 1];
		b = &lo->lo_seen[i];
		cl->cl_ok = b->se_seen && b->se_when >= a->se_when;
	}
	for (unsigned i = 0; i < e->nevents; i++) {
		strbuf_adds(&sb, i > 0 ? ", " : "");
		if (lo->lo_seen[i].se_seen)
			format_time_exact(lo->lo_seen[i].se_when, &sb);
		else
			strbuf_adds(&sb, "never");
		if (!cl->cl_ok)
			claim_frame(cl, lo->lo_seen[i].se_frame);
	}
	cl->cl_found = strbuf_take(&sb);
}

void
claim_counted(struct world *w, unsigned i, struct claim_result *cl)
{
	const struct sc_expect *e = &w->w_sc->expect[i];
	const struct wlook *lo = &w->w_looks[i];

	if (e->kind == SC_EXP_ORDER) {
		claim_order(&e->order, lo, cl);
		return;
	}
	cl->cl_found = xasprintf("%ju", (uintmax_t)lo->lo_count);
	cl->cl_ok = claim_within(counted_bounds(e), lo->lo_count);
	if (cl->cl_ok || lo->lo_count == 0)
		return;
	if (lo->lo_text != NULL) {
		claim_evidence(cl, lo->lo_when, 0, "%s", lo->lo_text);
		claim_frames_near(w, lo, cl);
	}
	for (unsigned j = 0; j < lo->lo_nframes; j++)
		claim_frame(cl, lo->lo_frames[j]);
}
