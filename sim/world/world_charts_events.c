/*
 * Charts: the events that matter, in words, with the number of the frame that
 * each concerns: the one that it happened to, or the next that the connection
 * (or the host, or anybody) sent.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/nic/frame.h>

#include "charts_priv.h"

static const struct {
	enum trace_id id;
	enum chart_kind kind;
} kinds[] = {
	{ TP_timeline, CE_STEP },
	{ TP_if_link, CE_LINK },
	{ TP_lagg_active, CE_PORT },
	{ TP_tls_enable, CE_MODE }, /* a refusal */
	{ TP_tls_mode, CE_MODE },
	{ TP_tls_disable_ifnet, CE_MODE },
	{ TP_tag_reset, CE_TAG },
	{ TP_tag_refused, CE_TAG },
	{ TP_tcp_rto, CE_RTO },
	{ TP_tcp_rto_undone, CE_RTO },
	{ TP_wire_drop, CE_DROP },
	{ TP_nic_drop, CE_DROP },
	{ TP_lagg_drop, CE_DROP },
	{ TP_vlan_drop, CE_DROP },
	{ TP_ip_drop, CE_DROP },
	{ TP_nic_tls_restart, CE_REREAD },
	{ TP_tls_error, CE_ERROR },
	{ TP_tcp_drop, CE_ERROR },
	{ TP_app_error, CE_ERROR },
	{ TP_invariant, CE_ERROR },
};

void
charts_points_want(uint64_t mask[TRACE_MASK_WORDS])
{
	for (size_t i = 0; i < nitems(kinds); i++)
		trace_mask_add(mask, kinds[i].id);
}

/* --- in words --- */

static void
text_drop(const struct trace_rec *rec, struct strbuf *sb)
{
	static const char *const where[] = { "link", "ifp", "lagg", "vlan" };

	for (size_t i = 0; i < nitems(where); i++)
		if (trace_getarg(rec, where[i]) != NULL)
			strbuf_addf(sb, "%s: ", trace_arg_s(rec, where[i]));
	strbuf_adds(sb, trace_arg_s(rec, "reason"));
}

static void
text_mode(const struct trace_rec *rec, struct strbuf *sb)
{
	if (rec->tr_id == TP_tls_mode)
		strbuf_addf(sb, "%s: mode %s: %s", trace_arg_s(rec, "dir"),
		    trace_arg_s(rec, "mode"), trace_arg_s(rec, "reason"));
	else if (rec->tr_id == TP_tls_enable)
		strbuf_addf(sb, "%s: kernel TLS refused: %s",
		    trace_arg_s(rec, "dir"), trace_arg_s(rec, "reason"));
	else
		strbuf_addf(sb, "the card is given up: %s",
		    trace_arg_s(rec, "reason"));
}

static void
text_tcp(const struct trace_rec *rec, struct strbuf *sb)
{
	if (rec->tr_id == TP_tcp_rto)
		strbuf_addf(sb,
		    "retransmission timer fired (in a row: %ju), "
		    "next after %ju \u00b5s",
		    (uintmax_t)trace_arg_u(rec, "shift"),
		    (uintmax_t)trace_arg_u(rec, "rto_us"));
	else
		strbuf_adds(sb, "the timeout was a mistake: taken back");
}

static void
text_error(const struct trace_rec *rec, struct strbuf *sb)
{
	switch (rec->tr_id) {
	case TP_app_error:
		strbuf_addf(sb, "application %s: %s failed",
		    trace_arg_s(rec, "app"), trace_arg_s(rec, "call"));
		break;
	case TP_invariant:
		strbuf_addf(sb, "invariant %ju %s: %s",
		    (uintmax_t)trace_arg_u(rec, "number"),
		    trace_arg_s(rec, "what"), trace_arg_s(rec, "name"));
		break;
	case TP_tls_error:
		strbuf_addf(sb, "TLS record %ju failed: %s",
		    (uintmax_t)trace_arg_u(rec, "seqno"),
		    trace_arg_s(rec, "reason"));
		break;
	default:
		strbuf_addf(sb, "connection given up: %s",
		    trace_arg_s(rec, "reason"));
		break;
	}
}

static void
text_lower(const struct trace_rec *rec, struct strbuf *sb)
{
	switch (rec->tr_id) {
	case TP_timeline:
		strbuf_addf(sb, "%s: %s", trace_arg_s(rec, "action"),
		    trace_arg_s(rec, "target"));
		break;
	case TP_if_link:
		strbuf_addf(sb, "%s: link %s", trace_arg_s(rec, "ifp"),
		    trace_arg_s(rec, "state"));
		break;
	case TP_lagg_active:
		strbuf_addf(sb, "%s: active port is now %s (%s)",
		    trace_arg_s(rec, "lagg"), trace_arg_s(rec, "port"),
		    trace_arg_s(rec, "reason"));
		break;
	case TP_tag_reset:
		strbuf_addf(sb, "tag reset task: %s",
		    trace_arg_s(rec, "result"));
		break;
	case TP_tag_refused:
		if (strcmp(trace_arg_s(rec, "ifp"), "-") != 0)
			strbuf_addf(sb, "%s: ", trace_arg_s(rec, "ifp"));
		strbuf_addf(sb, "tag refused: %s", trace_arg_s(rec, "reason"));
		break;
	default:
		strbuf_addf(sb,
		    "%s rebuilds cipher state %ju bytes into "
		    "record %ju, reads %ju bytes again",
		    trace_arg_s(rec, "ifp"),
		    (uintmax_t)trace_arg_u(rec, "offset"),
		    (uintmax_t)trace_arg_u(rec, "seqno"),
		    (uintmax_t)trace_arg_u(rec, "reread"));
		break;
	}
}

static char *
event_text(const struct trace_rec *rec, enum chart_kind kind)
{
	struct strbuf sb = { 0 };

	switch (kind) {
	case CE_DROP:
		text_drop(rec, &sb);
		break;
	case CE_MODE:
		text_mode(rec, &sb);
		break;
	case CE_RTO:
		text_tcp(rec, &sb);
		break;
	case CE_ERROR:
		text_error(rec, &sb);
		break;
	default:
		text_lower(rec, &sb);
		break;
	}
	if ((int)trace_arg_i(rec, "error") != 0)
		strbuf_addf(&sb, " (%s)",
		    errno_name((int)trace_arg_i(rec, "error")));
	return (strbuf_take(&sb));
}

/* --- with their frames --- */

static unsigned
host_named(const struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		if (strcmp(w->w_sc->hosts[i].loc.name, name) == 0)
			return (i);
	return (CHART_NOHOST);
}

/* Whose: its own words, or the frame's. */
static void
event_whose(struct world *w, const struct trace_rec *rec, struct chart_event *e)
{
	unsigned host = e->ce_host;
	uint32_t number = (uint32_t)trace_arg_u(rec, "conn");

	if (number == 0 && e->ce_how == CF_THIS)
		chart_frame_whose(w, e->ce_frame, &host, &number);
	if (host == CHART_NOHOST || number == 0)
		return;
	e->ce_conn_host = w->w_sc->hosts[host].loc.name;
	e->ce_conn = number;
}

/* Frames are lost in bursts. */
static bool
drop_joins(struct chart_event *last, const struct chart_event *e)
{
	if (last->ce_kind != CE_DROP || e->ce_kind != CE_DROP ||
	    last->ce_how != CF_THIS || e->ce_how != CF_THIS ||
	    last->ce_conn != e->ce_conn ||
	    strcmp(last->ce_who, e->ce_who) != 0 ||
	    strcmp(last->ce_text, e->ce_text) != 0)
		return (false);
	last->ce_packets++;
	last->ce_bytes += e->ce_bytes;
	last->ce_frame = MIN(last->ce_frame, e->ce_frame);
	last->ce_last_frame = MAX(last->ce_last_frame, e->ce_last_frame);
	return (true);
}

static void
event_keep(struct world *w, const struct trace_rec *rec, enum chart_kind kind)
{
	struct charts *ch = &w->w_charts;
	struct chartbook *b = w->w_chartbook;
	uint64_t frame = trace_arg_u(rec, "frame");
	struct chart_event *e;

	if (ch->ch_nevents == ch->ch_events_size) {
		ch->ch_events_size =
		    ch->ch_events_size != 0 ? 2 * ch->ch_events_size : 16;
		ch->ch_events = xrealloc(ch->ch_events,
		    ch->ch_events_size * sizeof(*ch->ch_events));
	}
	e = &ch->ch_events[ch->ch_nevents];
	*e = (struct chart_event) { .ce_kind = kind,
		.ce_when = rec->tr_when,
		.ce_who = xstrdup(rec->tr_who),
		.ce_host = host_named(w, rec->tr_who),
		.ce_text = event_text(rec, kind),
		.ce_how = frame != 0  ? CF_THIS
		    : w->w_frames > 0 ? CF_LAST
				      : CF_NONE,
		.ce_frame = frame != 0 ? frame : w->w_frames,
		.ce_packets = 1,
		.ce_bytes = trace_arg_u(rec, "len"),
		.ce_last_frame = frame };
	event_whose(w, rec, e);
	if (ch->ch_nevents > 0 && drop_joins(e - 1, e)) {
		free(e->ce_who);
		free(e->ce_text);
		return;
	}
	ch->ch_kept[kind]++;
	if (frame == 0) {
		if (b->b_npending == PENDING) /* the oldest waits in vain */
			memmove(b->b_pending, b->b_pending + 1,
			    --b->b_npending * sizeof(b->b_pending[0]));
		b->b_pending[b->b_npending++] = ch->ch_nevents;
	}
	ch->ch_nevents++;
}

static bool
event_is(const struct trace_rec *rec, enum chart_kind *kind)
{
	for (size_t i = 0; i < nitems(kinds); i++)
		if (kinds[i].id == rec->tr_id) {
			*kind = kinds[i].kind;
			return (rec->tr_id != TP_tls_enable ||
			    (int)trace_arg_i(rec, "error") != 0);
		}
	return (false);
}

void
charts_trace(struct world *w, const struct trace_rec *rec)
{
	enum chart_kind kind;
	unsigned host;

	if (w->w_charts_at == SIM_NEVER || !event_is(rec, &kind))
		return;
	if (kind == CE_TAG || rec->tr_id == TP_tcp_rto ||
	    rec->tr_id == TP_tls_disable_ifnet) {
		host = host_named(w, rec->tr_who);
		if (host != CHART_NOHOST)
			charts_rich(w, host,
			    (uint32_t)trace_arg_u(rec, "conn"));
	}
	if (kind == CE_DROP && trace_arg_u(rec, "frame") != 0)
		chart_frame_lost(w, trace_arg_u(rec, "frame"));
	if (w->w_charts.ch_kept[kind] == CHART_EVENTS)
		w->w_charts.ch_left[kind]++;
	else
		event_keep(w, rec, kind);
}

void
chart_events_frame(struct world *w, unsigned host, const struct frame *f)
{
	struct chartbook *b = w->w_chartbook;
	unsigned left = 0;

	for (unsigned i = 0; i < b->b_npending; i++) {
		struct chart_event *e = &w->w_charts.ch_events[b->b_pending[i]];

		if ((e->ce_host != CHART_NOHOST && e->ce_host != host) ||
		    (e->ce_conn != 0 && e->ce_conn != f->f_note.pn_conn)) {
			b->b_pending[left++] = b->b_pending[i];
			continue;
		}
		e->ce_how = CF_NEXT;
		e->ce_frame = f->f_id;
	}
	b->b_npending = left;
}

void
chart_events_close(struct world *w)
{
	w->w_chartbook->b_npending = 0;
}
