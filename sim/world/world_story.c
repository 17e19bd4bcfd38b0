/*
 * The storybook: what the trace tells of each connection, kept by host and the
 * number that the host's kernel gave the connection.
 *
 * A trace point that names no connection is brought home: a tag's release by
 * the tag's number, which its allocation told with the connection; a frame
 * that a wire, a switch or a receiving card lost by the frame's number, which
 * the tap saw leave its sender. Of frames the last FRAMES_KNOWN are known: who
 * is under way longer than that is in the report's sum, and in no story.
 */
#include <stdlib.h>
#include <string.h>

#include "world_priv.h"

#define FRAMES_KNOWN 65536 /* a power of two */

struct known_frame {
	uint64_t kf_id;
	uint32_t kf_conn;
	uint32_t kf_host;
};

struct known_tag {
	uint32_t kt_conn;
	bool kt_inner;
	const char *kt_type; /* NULL: nobody told */
};

struct book_host {
	struct story **bh_stories; /* by the connection's number */
	uint32_t bh_size;
	struct known_tag *bh_tags; /* by the tag's number */
	uint32_t bh_ntags;
};

struct storybook {
	struct book_host *b_hosts; /* as w_hosts */
	unsigned b_nhosts;
	struct known_frame *b_frames; /* by the low bits of the number */
	char **b_texts;
	unsigned b_ntexts;
	bool b_port_changed; /* a link went down */
};

void
story_init(struct world *w)
{
	struct storybook *b = xcalloc(1, sizeof(*b));

	b->b_nhosts = w->w_sc->nhosts;
	b->b_hosts = xcalloc(b->b_nhosts, sizeof(*b->b_hosts));
	b->b_frames = xcalloc(FRAMES_KNOWN, sizeof(*b->b_frames));
	w->w_story = b;
}

static void
story_free(struct story *s)
{
	if (s == NULL)
		return;
	free(s->s_ifs);
	free(s->s_drops);
	free(s->s_modes);
	free(s);
}

void
story_fini(struct world *w)
{
	struct storybook *b = w->w_story;
	struct book_host *h;

	for (h = b->b_hosts; h < b->b_hosts + b->b_nhosts; h++) {
		for (uint32_t i = 0; i < h->bh_size; i++)
			story_free(h->bh_stories[i]);
		free(h->bh_stories);
		free(h->bh_tags);
	}
	for (unsigned i = 0; i < b->b_ntexts; i++)
		free(b->b_texts[i]);
	free(b->b_texts);
	free(b->b_hosts);
	free(b->b_frames);
	free(b);
	w->w_story = NULL;
}

const struct story *
story_of(const struct world *w, const struct whost *host, uint32_t conn)
{
	const struct book_host *h = &w->w_story->b_hosts[host - w->w_hosts];

	return (conn < h->bh_size ? h->bh_stories[conn] : NULL);
}

/* Texts of the trace live until the sink returns; there are few of them. */
static const char *
text_kept(struct storybook *b, const char *text)
{
	for (unsigned i = 0; i < b->b_ntexts; i++)
		if (strcmp(b->b_texts[i], text) == 0)
			return (b->b_texts[i]);
	b->b_texts =
	    xrealloc(b->b_texts, (b->b_ntexts + 1) * sizeof(*b->b_texts));
	b->b_texts[b->b_ntexts] = xstrdup(text);
	return (b->b_texts[b->b_ntexts++]);
}

/* Numbers are dense: an array, doubled. New elements are zero. */
static void *
array_reach(void *array, uint32_t *size, uint32_t number, size_t each)
{
	uint32_t old = *size, new = old != 0 ? old : 16;

	if (number < old)
		return (array);
	while (new <= number)
		new *= 2;
	array = xrealloc(array, new *each);
	memset((char *)array + old * each, 0, (new - old) * each);
	*size = new;
	return (array);
}

/* NULL: it is nobody's. */
static struct story *
story_get(struct storybook *b, unsigned host, uint64_t conn)
{
	struct book_host *h = &b->b_hosts[host];

	if (conn == 0)
		return (NULL);
	h->bh_stories = array_reach(h->bh_stories, &h->bh_size, (uint32_t)conn,
	    sizeof(*h->bh_stories));
	if (h->bh_stories[conn] == NULL)
		h->bh_stories[conn] = xcalloc(1, sizeof(struct story));
	return (h->bh_stories[conn]);
}

/* One more of a short list. */
static void *
list_more(void *list, unsigned n, size_t each)
{
	list = xrealloc(list, (n + 1) * each);
	memset((char *)list + n * each, 0, each);
	return (list);
}

/* NULL: there is no room for another one. */
static struct story_if *
story_if(struct storybook *b, struct story *s, const char *name)
{
	name = text_kept(b, name);
	for (unsigned i = 0; i < s->s_nifs; i++)
		if (s->s_ifs[i].si_name == name)
			return (&s->s_ifs[i]);
	if (s->s_nifs == STORY_IFS) {
		s->s_ifs_left++;
		return (NULL);
	}
	s->s_ifs = list_more(s->s_ifs, s->s_nifs, sizeof(*s->s_ifs));
	s->s_ifs[s->s_nifs].si_name = name;
	return (&s->s_ifs[s->s_nifs++]);
}

/* --- what a record says --- */

static bool
is_host(const struct world *w, const struct trace_rec *rec, unsigned *host)
{
	for (*host = 0; *host < w->w_sc->nhosts; ++*host)
		if (strcmp(w->w_sc->hosts[*host].loc.name, rec->tr_who) == 0)
			return (true);
	return (false);
}

/* --- tags --- */

static void
tag_taken(struct storybook *b, unsigned host, const struct trace_rec *rec)
{
	struct book_host *h = &b->b_hosts[host];
	uint32_t number = (uint32_t)trace_arg_u(rec, "tag");
	struct story *s = story_get(b, host, trace_arg_u(rec, "conn"));
	struct known_tag *kt;
	struct story_if *si;

	h->bh_tags =
	    array_reach(h->bh_tags, &h->bh_ntags, number, sizeof(*h->bh_tags));
	kt = &h->bh_tags[number];
	kt->kt_conn = (uint32_t)trace_arg_u(rec, "conn");
	kt->kt_type = text_kept(b, trace_arg_s(rec, "type"));
	kt->kt_inner = strstr(kt->kt_type, "inside") != NULL;
	if (s == NULL || (si = story_if(b, s, trace_arg_s(rec, "ifp"))) == NULL)
		return;
	if (kt->kt_inner)
		si->si_inner_taken++;
	else
		si->si_taken++;
}

static const struct known_tag *
tag_known(const struct storybook *b, unsigned host, uint64_t number)
{
	const struct book_host *h = &b->b_hosts[host];

	if (number >= h->bh_ntags || h->bh_tags[number].kt_type == NULL)
		return (NULL);
	return (&h->bh_tags[number]);
}

static void
tag_released(struct storybook *b, unsigned host, const struct trace_rec *rec)
{
	const struct known_tag *kt =
	    tag_known(b, host, trace_arg_u(rec, "tag"));
	struct story_if *si;
	struct story *s;

	if (kt == NULL || (s = story_get(b, host, kt->kt_conn)) == NULL ||
	    (si = story_if(b, s, trace_arg_s(rec, "ifp"))) == NULL)
		return;
	if (kt->kt_inner)
		si->si_inner_released++;
	else
		si->si_released++;
}

static void
tag_refused(struct storybook *b, struct story *s, const struct trace_rec *rec)
{
	const char *name = trace_arg_s(rec, "ifp");
	struct story_if *si;

	/* Without a route or the right to it no interface was asked. */
	if (strcmp(name, "-") != 0 && (si = story_if(b, s, name)) != NULL)
		si->si_refused++;
}

const char *
story_tag_type(const struct world *w, const struct trace_rec *rec)
{
	const struct known_tag *kt;
	unsigned host;

	if (!is_host(w, rec, &host))
		return (NULL);
	kt = tag_known(w->w_story, host, trace_arg_u(rec, "tag"));
	return (kt != NULL ? kt->kt_type : NULL);
}

/* --- drops --- */

static void
story_drop(struct storybook *b, struct story *s, enum story_place place,
    const char *at, const struct trace_rec *rec)
{
	const char *why = text_kept(b, trace_arg_s(rec, "reason"));
	struct story_drop *d = s->s_drops, *end = d + s->s_ndrops;
	int error = (int)trace_arg_i(rec, "error");

	at = text_kept(b, at);
	/* A lagg or a vlan drops what its port, or tag, is not right for. */
	if (b->b_port_changed || rec->tr_id == TP_lagg_drop ||
	    rec->tr_id == TP_vlan_drop)
		s->s_drops_after_port++;
	while (d < end &&
	    (d->sd_place != place || d->sd_at != at || d->sd_why != why ||
		d->sd_error != error))
		d++;
	if (d == end && s->s_ndrops == STORY_DROPS) {
		s->s_drops_left++;
		return;
	}
	if (d == end) {
		s->s_drops =
		    list_more(s->s_drops, s->s_ndrops, sizeof(*s->s_drops));
		d = &s->s_drops[s->s_ndrops++];
		d->sd_place = place;
		d->sd_at = at;
		d->sd_why = why;
		d->sd_error = error;
		d->sd_first = rec->tr_when;
	}
	d->sd_count++;
	d->sd_bytes += trace_arg_u(rec, "len");
	d->sd_last = rec->tr_when;
}

static enum story_place
drop_place(const struct trace_rec *rec)
{
	switch (rec->tr_id) {
	case TP_wire_drop:
		return (STORY_WIRE);
	case TP_nic_drop:
		return (STORY_CARD);
	default:
		return (STORY_KERNEL);
	}
}

static const char *
drop_at(const struct trace_rec *rec)
{
	switch (rec->tr_id) {
	case TP_wire_drop:
		return (trace_arg_s(rec, "link"));
	case TP_nic_drop:
		return (trace_arg_s(rec, "ifp"));
	case TP_lagg_drop:
		return (trace_arg_s(rec, "lagg"));
	case TP_vlan_drop:
		return (trace_arg_s(rec, "vlan"));
	default:
		return ("IP");
	}
}

/* On the way down the packet says whose it is. */
static void
drop_down(struct storybook *b, unsigned host, const struct trace_rec *rec)
{
	struct story *s = story_get(b, host, trace_arg_u(rec, "conn"));

	if (s != NULL)
		story_drop(b, s, drop_place(rec), drop_at(rec), rec);
}

/* On its way, and on the way up: the frame's number says whose it was. */
static void
drop_frame(struct storybook *b, const struct trace_rec *rec)
{
	uint64_t id = trace_arg_u(rec, "frame");
	const struct known_frame *kf = &b->b_frames[id % FRAMES_KNOWN];
	struct strbuf at = { 0 };
	struct story *s;

	if (id == 0 || kf->kf_id != id ||
	    (s = story_get(b, kf->kf_host, kf->kf_conn)) == NULL)
		return;
	if (rec->tr_id != TP_wire_drop)
		strbuf_addf(&at, "%s ", rec->tr_who);
	strbuf_adds(&at, drop_at(rec));
	story_drop(b, s, drop_place(rec), strbuf_str(&at), rec);
	strbuf_fini(&at);
}

void
story_frame(struct world *w, unsigned host, const struct frame *f)
{
	w->w_story->b_frames[f->f_id % FRAMES_KNOWN] =
	    (struct known_frame) { .kf_id = f->f_id,
		    .kf_conn = f->f_note.pn_conn,
		    .kf_host = host };
}

/* --- the mode --- */

static void
story_mode(struct world *w, struct story *s, const struct trace_rec *rec)
{
	struct storybook *b = w->w_story;
	bool rx = strcmp(trace_arg_s(rec, "dir"), "rx") == 0;
	const char *mode = text_kept(b, trace_arg_s(rec, "mode"));

	for (unsigned i = 0; i < s->s_nmodes; i++)
		if (s->s_modes[i].sm_rx == rx && s->s_modes[i].sm_mode != mode)
			w->w_timeline.tl_worth = true;
	if (s->s_nmodes == STORY_MODES) {
		s->s_modes_left++;
		return;
	}
	s->s_modes = list_more(s->s_modes, s->s_nmodes, sizeof(*s->s_modes));
	s->s_modes[s->s_nmodes++] =
	    (struct story_mode) { .sm_when = rec->tr_when,
		    .sm_frame = w->w_frames,
		    .sm_rx = rx,
		    .sm_error = (int)trace_arg_i(rec, "error"),
		    .sm_mode = mode,
		    .sm_why = text_kept(b, trace_arg_s(rec, "reason")) };
}

/* --- what the card did --- */

static void
story_card(struct storybook *b, struct story *s, const struct trace_rec *rec)
{
	struct story_if *si = story_if(b, s, trace_arg_s(rec, "ifp"));

	if (si == NULL)
		return;
	if (rec->tr_id == TP_nic_reread)
		si->si_reread += trace_arg_u(rec, "len");
	else
		si->si_restarts++;
}

static void
story_reset(struct world *w, struct story *s, const struct trace_rec *rec)
{
	s->s_resets++;
	if ((int)trace_arg_i(rec, "error") != 0)
		s->s_resets_failed++;
	w->w_timeline.tl_worth = true;
}

/* --- all of it --- */

static const enum trace_id story_points[] = { TP_tag_alloc, TP_tag_free,
	TP_tag_refused, TP_tag_reset, TP_tls_mode, TP_nic_reread,
	TP_nic_tls_restart, TP_nic_drop, TP_lagg_drop, TP_vlan_drop, TP_ip_drop,
	TP_wire_drop, TP_lagg_active, TP_if_link, TP_lacp_state, TP_timeline };

void
story_points_want(uint64_t mask[TRACE_MASK_WORDS])
{
	for (size_t i = 0; i < nitems(story_points); i++)
		trace_mask_add(mask, story_points[i]);
}

static void
story_of_conn(struct world *w, unsigned host, const struct trace_rec *rec)
{
	struct story *s = story_get(w->w_story, host, trace_arg_u(rec, "conn"));

	if (s == NULL)
		return;
	switch (rec->tr_id) {
	case TP_tag_refused:
		tag_refused(w->w_story, s, rec);
		break;
	case TP_tag_reset:
		story_reset(w, s, rec);
		break;
	case TP_tls_mode:
		story_mode(w, s, rec);
		break;
	default:
		story_card(w->w_story, s, rec);
		break;
	}
}

static void
story_of_host(struct world *w, unsigned host, const struct trace_rec *rec)
{
	struct storybook *b = w->w_story;

	switch (rec->tr_id) {
	case TP_tag_alloc:
		tag_taken(b, host, rec);
		break;
	case TP_tag_free:
		tag_released(b, host, rec);
		break;
	case TP_nic_drop:
	case TP_lagg_drop:
	case TP_vlan_drop:
	case TP_ip_drop:
		drop_down(b, host, rec);
		break;
	case TP_if_link:
		if (strcmp(trace_arg_s(rec, "state"), "down") == 0)
			b->b_port_changed = true;
		break;
	case TP_tag_refused:
	case TP_tag_reset:
	case TP_tls_mode:
	case TP_nic_reread:
	case TP_nic_tls_restart:
		story_of_conn(w, host, rec);
		break;
	default:
		break;
	}
}

void
story_trace(struct world *w, const struct trace_rec *rec)
{
	unsigned host;

	if (is_host(w, rec, &host)) {
		story_of_host(w, host, rec);
		timeline_trace(w, host, rec);
	} else if (rec->tr_id == TP_timeline)
		timeline_step(w, rec);
	if (trace_getarg(rec, "frame") != NULL)
		drop_frame(w->w_story, rec);
}

static void
gap_until(struct story_gap *g, simtime_t now)
{
	if (now - g->g_last <= g->g_longest)
		return;
	g->g_longest = now - g->g_last;
	g->g_from = g->g_last;
	g->g_frame = g->g_last_frame;
}

void
story_gap_open(struct story_gap *g, simtime_t now)
{
	if (g->g_reads == 0)
		return;
	gap_until(g, now);
	g->g_open = g->g_from == g->g_last && g->g_longest > 0;
}

void
story_read(struct world *w, struct conn *c, uint64_t len)
{
	struct story_gap *g = &c->c_gap;
	simtime_t now = timebase_now(w->w_tb);

	if (w->w_draining)
		return;
	if (g->g_reads++ == 0)
		g->g_first = now;
	else
		gap_until(g, now);
	g->g_last = now;
	g->g_last_frame = w->w_frames;
	timeline_delivered(w, len);
}
