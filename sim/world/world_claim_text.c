/* Claims in words, as they are told before and after they are judged. */
#include "world_priv.h"

static void
claim_bounds(const struct sc_bounds *b, struct strbuf *sb)
{
	if (b->has_is)
		strbuf_addf(sb, " is %ju", (uintmax_t)b->is);
	if (b->has_min)
		strbuf_addf(sb, " is at least %ju", (uintmax_t)b->min);
	if (b->has_max)
		strbuf_addf(sb, " is at most %ju", (uintmax_t)b->max);
}

static void
time_bounds(const struct sc_exp_time *e, struct strbuf *sb)
{
	strbuf_addf(sb, "%s is done", e->app);
	if (e->has_is) {
		strbuf_adds(sb, " at ");
		format_time_exact(e->is, sb);
	}
	if (e->has_min) {
		strbuf_adds(sb, " not before ");
		format_time_exact(e->min, sb);
	}
	if (e->has_max) {
		strbuf_adds(sb, " by ");
		format_time_exact(e->max, sb);
	}
}

static void
gap_text(const struct sc_exp_gap *e, struct strbuf *sb)
{
	strbuf_addf(sb, "%s waits", e->app);
	if (e->has_min) {
		strbuf_adds(sb, " once at least ");
		format_time_exact(e->min, sb);
	}
	if (e->has_max) {
		strbuf_adds(sb, " never more than ");
		format_time_exact(e->max, sb);
	}
}

static void
delivered_text(bool up, const struct sc_exp_delivered *e, struct strbuf *sb)
{
	const struct sc_bounds *b = &e->bounds;

	strbuf_addf(sb, "%s %s", e->app, up ? "delivers" : "receives");
	if (b->has_is)
		strbuf_addf(sb, " %ju", (uintmax_t)b->is);
	if (b->has_min)
		strbuf_addf(sb, " at least %ju", (uintmax_t)b->min);
	if (b->has_max)
		strbuf_addf(sb, "%s at most %ju", b->has_min ? " and" : "",
		    (uintmax_t)b->max);
	strbuf_adds(sb, " body bytes");
	if (e->has_at) {
		strbuf_adds(sb, " by ");
		format_time_exact(e->at, sb);
	}
}

/* "get", or "get#1" of one that is meant alone. */
static void
app_text(const char *app, bool one, uint64_t connection, struct strbuf *sb)
{
	strbuf_adds(sb, app);
	if (one)
		strbuf_addf(sb, "#%ju", (uintmax_t)connection);
}

char *
claim_text(struct world *w, const struct sc_expect *e)
{
	struct strbuf sb = { 0 };

	switch (e->kind) {
	case SC_EXP_DELIVERED:
		delivered_text(app_uploads(claim_app(w, e->delivered.app)),
		    &e->delivered, &sb);
		break;
	case SC_EXP_COUNTER:
		strbuf_addf(&sb, "%s %s", e->counter.host, e->counter.name);
		claim_bounds(&e->counter.bounds, &sb);
		break;
	case SC_EXP_MODE:
		app_text(e->mode.app, e->mode.has_connection,
		    e->mode.connection, &sb);
		strbuf_addf(&sb, " %s mode is %s",
		    e->mode.dir == 0 ? "tx" : "rx", ktls_mode_name(e->mode.is));
		break;
	case SC_EXP_TCP_INFO:
		app_text(e->tcp_info.app, e->tcp_info.has_connection,
		    e->tcp_info.connection, &sb);
		strbuf_addf(&sb, " %s", e->tcp_info.field);
		claim_bounds(&e->tcp_info.bounds, &sb);
		break;
	case SC_EXP_TIME:
		time_bounds(&e->time, &sb);
		break;
	case SC_EXP_ERROR:
		app_text(e->error.app, e->error.has_connection,
		    e->error.connection, &sb);
		strbuf_addf(&sb, " fails with %s", e->error.is);
		break;
	case SC_EXP_GAP:
		gap_text(&e->gap, &sb);
		break;
	case SC_EXP_REPORT:
		strbuf_addf(&sb, "report %s", e->report.path);
		claim_bounds(&e->report.bounds, &sb);
		break;
	default:
		counted_text(e, &sb);
		break;
	}
	return (strbuf_take(&sb));
}
