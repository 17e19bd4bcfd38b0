/*
 * Failovers, for people: what each connection went through when ports, tags
 * or modes changed, and what its receiver saw of it.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/sim/scenario.h>

#include "report_priv.h"

/* A session that begins in software until the card has answered changes its
 * mode, too, but nothing befell it: only after a mode that the card decided. */
static bool
mode_changed(const struct story *s, bool rx)
{
	const char *mode = NULL;
	simtime_t first = 0;

	for (unsigned i = 0; i < s->s_nmodes; i++) {
		if (s->s_modes[i].sm_rx != rx)
			continue;
		if (mode != NULL && strcmp(mode, s->s_modes[i].sm_mode) != 0 &&
		    s->s_modes[i].sm_when > first)
			return (true);
		mode = s->s_modes[i].sm_mode;
		first = s->s_modes[i].sm_when;
	}
	return (false);
}

bool
story_is_eventful(const struct story *s)
{
	return (s != NULL &&
	    (s->s_resets > 0 || s->s_drops_after_port > 0 ||
		mode_changed(s, false) || mode_changed(s, true)));
}

static bool
conn_is_eventful(const struct conn_result *c)
{
	return (story_is_eventful(c->c_side[0].story) ||
	    story_is_eventful(c->c_side[1].story));
}

/* --- one connection --- */

static void
text_gap(const struct conn_result *c, struct strbuf *sb)
{
	const struct story_gap *g = &c->c_gap;

	if (g->g_reads < 2 && !g->g_open) {
		strbuf_addf(sb, "the receiver read %s of a body\n",
		    g->g_reads == 0 ? "nothing" : "once");
		return;
	}
	strbuf_adds(sb, "gap seen by the receiver: ");
	format_time(g->g_longest, sb);
	strbuf_adds(sb, ", from ");
	format_time(g->g_from, sb);
	strbuf_adds(sb, " to ");
	format_time(g->g_from + g->g_longest, sb);
	strbuf_adds(sb, g->g_open ? ", when it still waited\n" : "\n");
}

static void
text_mode_lines(const struct story *s, const char *who, bool rx,
    struct strbuf *sb)
{
	const struct story_mode *m;
	unsigned n = 0;

	for (m = s->s_modes; m < s->s_modes + s->s_nmodes; m++) {
		if (m->sm_rx != rx)
			continue;
		strbuf_addf(sb, "    %s %s: %s%s since ", who, rx ? "rx" : "tx",
		    n++ > 0 ? "then " : "", m->sm_mode);
		format_time(m->sm_when, sb);
		strbuf_addf(sb, ": %s", m->sm_why);
		if (m->sm_error != 0)
			strbuf_addf(sb, " (%s)", errno_name(m->sm_error));
		strbuf_adds(sb, "\n");
	}
}

static void
text_modes_of(const struct story *s, const char *who, struct strbuf *sb)
{
	text_mode_lines(s, who, false, sb);
	text_mode_lines(s, who, true, sb);
	if (s->s_modes_left > 0)
		strbuf_addf(sb, "    %s: %ju more mode changes\n", who,
		    (uintmax_t)s->s_modes_left);
}

static void
text_if_tags(const struct story_if *si, struct strbuf *sb)
{
	strbuf_addf(sb, "%s %ju taken, %ju released", si->si_name,
	    (uintmax_t)si->si_taken, (uintmax_t)si->si_released);
	if (si->si_refused > 0)
		strbuf_addf(sb, ", %ju refused", (uintmax_t)si->si_refused);
}

static void
text_if_reread(const struct story_if *si, struct strbuf *sb)
{
	strbuf_addf(sb, "%s ", si->si_name);
	format_bytes(si->si_reread, sb);
	if (si->si_restarts > 0)
		strbuf_addf(sb, " (%ju record%s begun in the middle)",
		    (uintmax_t)si->si_restarts, plural(si->si_restarts));
}

static bool
if_has_tags(const struct story_if *si)
{
	return (si->si_taken + si->si_refused > 0);
}

static bool
if_read_again(const struct story_if *si)
{
	return (si->si_reread + si->si_restarts > 0);
}

/* One line over the interfaces that have something to say. */
static void
text_ifs(const struct story *s, const char *who, const char *what,
    bool (*has)(const struct story_if *),
    void (*text)(const struct story_if *, struct strbuf *), struct strbuf *sb)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->s_nifs; i++) {
		if (!has(&s->s_ifs[i]))
			continue;
		if (n++ == 0)
			strbuf_addf(sb, "    %s %s: ", who, what);
		else
			strbuf_adds(sb, "; ");
		text(&s->s_ifs[i], sb);
	}
	if (n > 0)
		strbuf_adds(sb, "\n");
}

static void
text_drop_of(const struct story_drop *d, const char *who, struct strbuf *sb)
{
	static const char *const places[] = { "kernel", "card", "wire" };

	strbuf_addf(sb, "    %s dropped (%s): %ju packet%s, ", who,
	    places[d->sd_place], (uintmax_t)d->sd_count, plural(d->sd_count));
	format_bytes(d->sd_bytes, sb);
	strbuf_addf(sb, ", %s: %s", d->sd_at, d->sd_why);
	if (d->sd_error != 0)
		strbuf_addf(sb, " (%s)", errno_name(d->sd_error));
	strbuf_adds(sb, "  [");
	format_time(d->sd_first, sb);
	if (d->sd_last != d->sd_first) {
		strbuf_adds(sb, " to ");
		format_time(d->sd_last, sb);
	}
	strbuf_adds(sb, "]\n");
}

static void
text_resets(const struct story *s, const char *who, struct strbuf *sb)
{
	uint64_t done = s->s_resets - s->s_resets_failed;

	if (s->s_resets == 0)
		return;
	strbuf_addf(sb, "    %s: tag replaced %ju time%s", who, (uintmax_t)done,
	    plural(done));
	if (s->s_resets_failed > 0)
		strbuf_addf(sb, ", %ju time%s not",
		    (uintmax_t)s->s_resets_failed, plural(s->s_resets_failed));
	strbuf_adds(sb, "\n");
}

static void
text_story(const struct story *s, const char *who, struct strbuf *sb)
{
	if (s == NULL)
		return;
	text_modes_of(s, who, sb);
	text_resets(s, who, sb);
	text_ifs(s, who, "tags", if_has_tags, text_if_tags, sb);
	text_ifs(s, who, "cards read again", if_read_again, text_if_reread, sb);
	if (s->s_ifs_left > 0)
		strbuf_addf(sb, "    %s: %ju more events of other interfaces\n",
		    who, (uintmax_t)s->s_ifs_left);
	for (unsigned i = 0; i < s->s_ndrops; i++)
		text_drop_of(&s->s_drops[i], who, sb);
	if (s->s_drops_left > 0)
		strbuf_addf(sb, "    %s dropped: %ju more, for other reasons\n",
		    who, (uintmax_t)s->s_drops_left);
}

/* --- all of them --- */

struct story_sums {
	unsigned ss_conns, ss_gaps;
	simtime_t *ss_gap; /* of those with gaps */
	uint64_t ss_resets, ss_failed, ss_reread, ss_drops, ss_bytes;
};

static void
sums_add(struct story_sums *ss, const struct story *s)
{
	if (s == NULL)
		return;
	ss->ss_resets += s->s_resets - s->s_resets_failed;
	ss->ss_failed += s->s_resets_failed;
	ss->ss_drops += s->s_drops_left;
	for (unsigned i = 0; i < s->s_nifs; i++)
		ss->ss_reread += s->s_ifs[i].si_reread;
	for (unsigned i = 0; i < s->s_ndrops; i++) {
		ss->ss_drops += s->s_drops[i].sd_count;
		ss->ss_bytes += s->s_drops[i].sd_bytes;
	}
}

static int
gap_order(const void *a, const void *b)
{
	simtime_t x = *(const simtime_t *)a, y = *(const simtime_t *)b;

	return (x < y ? -1 : x > y);
}

static void
text_sums(struct story_sums *ss, unsigned all, struct strbuf *sb)
{
	strbuf_addf(sb, "  all %u of %u connections: ", ss->ss_conns, all);
	if (ss->ss_gaps > 0) {
		qsort(ss->ss_gap, ss->ss_gaps, sizeof(*ss->ss_gap), gap_order);
		strbuf_adds(sb, "gaps from ");
		format_time(ss->ss_gap[0], sb);
		strbuf_adds(sb, " to ");
		format_time(ss->ss_gap[ss->ss_gaps - 1], sb);
		strbuf_adds(sb, ", median ");
		format_time(ss->ss_gap[ss->ss_gaps / 2], sb);
		strbuf_adds(sb, "; ");
	}
	strbuf_addf(sb, "%ju tag%s replaced, %ju not; ",
	    (uintmax_t)ss->ss_resets, plural(ss->ss_resets),
	    (uintmax_t)ss->ss_failed);
	format_bytes(ss->ss_reread, sb);
	strbuf_addf(sb, " read again by cards; %ju packet%s dropped (",
	    (uintmax_t)ss->ss_drops, plural(ss->ss_drops));
	format_bytes(ss->ss_bytes, sb);
	strbuf_adds(sb, ")\n");
}

void
text_stories(const struct result *r, struct strbuf *sb)
{
	struct story_sums ss = { 0 };
	const struct conn_result *c;

	for (c = r->r_conns; c < r->r_conns + r->r_nconns; c++) {
		if (!conn_is_eventful(c))
			continue;
		if (ss.ss_conns == 0) {
			heading(sb, "Failovers and changes of mode");
			ss.ss_gap = calloc(r->r_nconns, sizeof(*ss.ss_gap));
		}
		if (ss.ss_conns++ < CONNS_SHOWN) {
			strbuf_addf(sb, "  %s: ", c->c_name);
			text_gap(c, sb);
			text_story(c->c_side[1].story, "server", sb);
			text_story(c->c_side[0].story, "client", sb);
		}
		if (c->c_gap.g_reads > 1 || c->c_gap.g_open)
			ss.ss_gap[ss.ss_gaps++] = c->c_gap.g_longest;
		sums_add(&ss, c->c_side[0].story);
		sums_add(&ss, c->c_side[1].story);
	}
	if (ss.ss_conns > 1)
		text_sums(&ss, r->r_nconns, sb);
	free(ss.ss_gap);
}
