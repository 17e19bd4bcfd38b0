/*
 * Trace records into facts: one per (point, host, texts, errno), counted. The
 * report's reasons are these texts; they were said by the branch that was
 * taken, nobody guesses them afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world_priv.h"

/* Points worth keeping; the others only go to the trace file. */
static const enum trace_id fact_points[] = {
	TP_tcp_drop,
	TP_tcp_rexmit,
	TP_tcp_enobufs,
	TP_tcp_discard,
	TP_ip_drop,
	TP_if_link,
	TP_lagg_active,
	TP_lagg_drop,
	TP_vlan_drop,
	TP_lacp_state,
	TP_nic_drop,
	TP_nic_tls_restart,
	TP_tag_alloc,
	TP_tag_refused,
	TP_tag_free,
	TP_tag_reset,
	TP_tls_enable,
	TP_tls_mode,
	TP_tls_error,
	TP_tls_disable_ifnet,
	TP_wire_drop,
	TP_timeline,
	TP_switch_tls_list,
	TP_app_error,
};

static bool
fact_matches(const struct fact *f, const struct fact *g)
{
	if (f->f_id != g->f_id || f->f_error != g->f_error ||
	    strcmp(f->f_who, g->f_who) != 0)
		return (false);
	for (int i = 0; i < 3; i++)
		if ((f->f_s[i] == NULL) != (g->f_s[i] == NULL) ||
		    (f->f_s[i] != NULL && strcmp(f->f_s[i], g->f_s[i]) != 0))
			return (false);
	return (true);
}

static void
fact_from(struct fact *f, const struct trace_rec *rec)
{
	const struct trace_arg *len = trace_getarg(rec, "len");
	unsigned s = 0;

	*f = (struct fact) { .f_id = rec->tr_id,
		.f_who = rec->tr_who,
		.f_count = 1,
		.f_first = rec->tr_when,
		.f_last = rec->tr_when };
	for (unsigned i = 0; i < rec->tr_nargs; i++) {
		if (rec->tr_args[i].ta_type == 's' && s < 3)
			f->f_s[s++] = rec->tr_args[i].s;
		else if (rec->tr_args[i].ta_type == 'i')
			f->f_error = (int)rec->tr_args[i].i;
	}
	f->f_len = len != NULL ? len->u : 0;
}

static void
fact_add(struct world *w, const struct trace_rec *rec)
{
	struct result *r = &w->w_res;
	struct fact f, *g;

	fact_from(&f, rec);
	if (rec->tr_id == TP_tag_free)
		f.f_s[1] = story_tag_type(w, rec);
	for (unsigned i = 0; i < r->r_nfacts; i++) {
		g = &r->r_facts[i];
		if (!fact_matches(g, &f))
			continue;
		g->f_count++;
		g->f_len += f.f_len;
		g->f_last = f.f_last;
		return;
	}
	if (r->r_nfacts == w->w_facts_size) {
		w->w_facts_size =
		    w->w_facts_size != 0 ? 2 * w->w_facts_size : 64;
		r->r_facts =
		    xrealloc(r->r_facts, w->w_facts_size * sizeof(*r->r_facts));
	}
	/* Texts may be the kernel's: keep them beyond its life. */
	f.f_who = xstrdup(f.f_who);
	for (int i = 0; i < 3; i++)
		if (f.f_s[i] != NULL)
			f.f_s[i] = xstrdup(f.f_s[i]);
	r->r_facts[r->r_nfacts++] = f;
}

static void
trace_write(struct world *w, const struct trace_rec *rec)
{
	struct strbuf *sb = &w->w_trace_line;

	strbuf_clear(sb);
	if (w->w_opts.wo_trace_text)
		trace_text(rec, sb);
	else
		trace_ndjson(rec, sb);
	fwrite(sb->sb_str, 1, sb->sb_len, w->w_trace);
}

static bool
is_fact(enum trace_id id)
{
	for (size_t i = 0; i < nitems(fact_points); i++)
		if (fact_points[i] == id)
			return (true);
	return (false);
}

static void
facts_emit(struct trace_sink *ts, const struct trace_rec *rec)
{
	struct world *w = containerof(ts, struct world, w_sink);

	if (w->w_trace != NULL &&
	    trace_mask_has(w->w_opts.wo_trace_mask, rec->tr_id))
		trace_write(w, rec);
	if (w->w_perfetto != NULL)
		perfetto_trace(w, rec);
	if (w->w_opts.wo_tell != NULL &&
	    trace_mask_has(w->w_opts.wo_tell_mask, rec->tr_id))
		w->w_opts.wo_tell(w->w_opts.wo_tell_arg, rec);
	prints_trace(w, rec);
	if (w->w_draining)
		return;
	if (w->w_counts_records)
		counted_trace(w, rec);
	if (w->w_capture != NULL)
		reasons_trace(w, rec);
	/* Whatever else is asked for: the report does not depend on it. */
	if (!trace_mask_has(w->w_report_points, rec->tr_id))
		return;
	story_trace(w, rec);
	charts_trace(w, rec);
	if (is_fact(rec->tr_id))
		fact_add(w, rec);
}

void
facts_init(struct world *w)
{
	w->w_sink.ts_emit = facts_emit;
	/* The report needs its own points whatever else is asked for. */
	for (size_t i = 0; i < nitems(fact_points); i++)
		trace_mask_add(w->w_sink.ts_mask, fact_points[i]);
	story_init(w);
	timeline_init(w);
	story_points_want(w->w_sink.ts_mask);
	charts_init(w);
	memcpy(w->w_report_points, w->w_sink.ts_mask,
	    sizeof(w->w_report_points));
	prints_init(w);
	for (unsigned i = 0; i < TRACE_MASK_WORDS; i++) {
		if (w->w_opts.wo_trace != NULL)
			w->w_sink.ts_mask[i] |= w->w_opts.wo_trace_mask[i];
		if (w->w_opts.wo_tell != NULL)
			w->w_sink.ts_mask[i] |= w->w_opts.wo_tell_mask[i];
	}
	w->w_tracer = (struct tracer) { .t_sink = &w->w_sink,
		.t_now = &w->w_tb->tb_now,
		.t_who = "" };
}

void
facts_fini(struct world *w)
{
	struct fact *f;

	for (unsigned i = 0; i < w->w_res.r_nfacts; i++) {
		f = &w->w_res.r_facts[i];
		free((char *)(uintptr_t)f->f_who);
		for (int s = 0; s < 3; s++)
			free((char *)(uintptr_t)f->f_s[s]);
	}
	free(w->w_res.r_facts);
	prints_fini(w);
	charts_fini(w);
	timeline_fini(w);
	reasons_fini(w);
	story_fini(w);
	strbuf_fini(&w->w_trace_line);
}

void
invariant_broken_at(struct world *w, int number, const char *text,
    simtime_t when)
{
	struct invariant_result *inv = &w->w_res.r_inv[number - 1];

	TRACE(&w->w_tracer, invariant, TU(number), TS(inv->i_name),
	    TS("broken"));
	if (inv->i_broken++ > 0)
		return;
	w->w_broken = true;
	inv->i_first = xstrdup(text);
	inv->i_when = when;
}

void
invariant_broken(struct world *w, int number, const char *text)
{
	invariant_broken_at(w, number, text, timebase_now(w->w_tb));
}
