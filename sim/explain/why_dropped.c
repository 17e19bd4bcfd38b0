/* What became of a frame. */
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/scenario.h>

#include <ktsim/sim/explain.h>

/* --- what is told of one frame --- */

static void
add_head(const struct recording *rg, const struct rec_frame *f, struct tale *ta)
{
	const struct rec_dir *d;

	if (f->f_dir < 0) {
		tale_add(ta, f->f_when, f->f_from, f->f_id,
		    "leaves: %u bytes, no TCP", f->f_size);
		return;
	}
	d = &rg->rg_dirs[f->f_dir];
	if (f->f_len == 0)
		tale_add(ta, f->f_when, f->f_from, f->f_id,
		    "leaves: %s to %s, flow%u, no data", d->d_from, d->d_to,
		    d->d_flow);
	else
		tale_add(ta, f->f_when, f->f_from, f->f_id,
		    "leaves: %s to %s, flow%u, bytes %u to %u of the "
		    "stream%s%s",
		    d->d_from, d->d_to, d->d_flow, f->f_off,
		    f->f_off + f->f_len - 1,
		    f->f_why != NULL && f->f_rexmit_of != 0 ? ", sent again: "
							    : "",
		    f->f_why != NULL && f->f_rexmit_of != 0 ? f->f_why : "");
	if (f->f_rexmit_of != 0)
		tale_add(ta, f->f_when, f->f_from, f->f_rexmit_of,
		    "these bytes were in an earlier frame");
}

/* Events of links, cards and kernels that name the frame. */
static const struct rec_event *
add_events(const struct recording *rg, uint64_t frame, struct tale *ta)
{
	const struct rec_event *e, *drop = NULL;
	int error;

	for (e = rg->rg_events; e < rg->rg_events + rg->rg_nevents; e++) {
		if (!event_has(e, "frame") || event_num(e, "frame") != frame)
			continue;
		if (e->e_id == TP_wire_impair) {
			tale_add(ta, e->e_when, event_text(e, "link"), frame,
			    "%s", event_text(e, "what"));
			continue;
		}
		error = (int)event_num(e, "error");
		drop = drop == NULL ? e : drop;
		tale_add(ta, e->e_when,
		    e->e_id == TP_wire_drop ? event_text(e, "link") : e->e_who,
		    frame, "dropped (%s): %s%s%s",
		    trace_catalogue[e->e_id].ti_name, event_text(e, "reason"),
		    error != 0 ? ", " : "",
		    error != 0 ? errno_name(error) : "");
	}
	return (drop);
}

/* Later frames with these bytes: the first that arrives ends the story. */
static uint64_t
add_repairs(const struct recording *rg, const struct rec_frame *f,
    struct tale *ta)
{
	const struct rec_frame *g;
	unsigned told = 0;

	for (g = f + 1; f->f_len > 0 && g < rg->rg_frames + rg->rg_nframes;
	     g++) {
		if (g->f_dir != f->f_dir || g->f_len == 0 ||
		    g->f_off > f->f_off || g->f_off + g->f_len <= f->f_off)
			continue;
		if (told++ < 16)
			tale_add(ta, g->f_when, g->f_from, g->f_id,
			    "its first byte again%s%s: %s%s",
			    g->f_why != NULL ? ", because of " : "",
			    g->f_why != NULL ? g->f_why : "",
			    g->f_lost != NULL ? "dropped, " : "",
			    g->f_lost != NULL ? g->f_lost : "arrives");
		if (g->f_lost == NULL)
			return (g->f_id);
	}
	return (0);
}

/* TCP took it and had no use for it. */
static bool
add_discard(const struct recording *rg, const struct rec_frame *f,
    struct tale *ta)
{
	const struct rec_dir *d;
	const struct rec_event *e;

	if (f->f_dir < 0 || f->f_len == 0)
		return (false);
	d = &rg->rg_dirs[f->f_dir];
	for (e = rg->rg_events; e < rg->rg_events + rg->rg_nevents; e++)
		if (e->e_id == TP_tcp_discard &&
		    event_num(e, "seq") == f->f_off + d->d_iss + 1 &&
		    event_num(e, "len") == f->f_len &&
		    e->e_when >= f->f_arrives &&
		    e->e_when - f->f_arrives < SIM_MS) {
			tale_add(ta, e->e_when, e->e_who, f->f_id,
			    "TCP does not use it: %s", event_text(e, "reason"));
			return (true);
		}
	return (false);
}

bool
explain_dropped(const struct recording *rg, uint64_t frame, struct tale *ta)
{
	const struct rec_event *drop;
	const struct rec_frame *f;
	uint64_t repair;
	bool discarded;

	if (frame == 0 || frame > rg->rg_nframes)
		return (false);
	f = &rg->rg_frames[frame - 1];
	add_head(rg, f, ta);
	drop = add_events(rg, frame, ta);
	if (drop == NULL && f->f_lost != NULL)
		tale_add(ta, f->f_when, f->f_from, frame, "dropped: %s",
		    f->f_lost);
	if (drop == NULL && f->f_lost == NULL) {
		tale_add(ta, f->f_arrives, "", frame, "arrives%s%s",
		    f->f_remark != NULL ? ", " : "",
		    f->f_remark != NULL ? f->f_remark : "");
		discarded = add_discard(rg, f, ta);
		tale_sum(ta,
		    discarded ? "frame %ju arrived, and TCP had no use for it"
			      : "frame %ju was not dropped",
		    (uintmax_t)frame);
		tale_sort(ta);
		return (true);
	}
	repair = add_repairs(rg, f, ta);
	tale_sort(ta);
	if (repair != 0)
		tale_sum(ta,
		    "frame %ju was dropped: %s; frame %ju brought its first "
		    "byte",
		    (uintmax_t)frame,
		    drop != NULL ? event_text(drop, "reason") : f->f_lost,
		    (uintmax_t)repair);
	else
		tale_sum(ta, "frame %ju was dropped: %s%s", (uintmax_t)frame,
		    drop != NULL ? event_text(drop, "reason") : f->f_lost,
		    f->f_len > 0 ? "; its bytes never arrived" : "");
	return (true);
}
