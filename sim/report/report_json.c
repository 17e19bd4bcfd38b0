/* The report for programs: version 1 of the result format. */
#include <stdlib.h>

#include <jansson.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/sim/result.h>

#include "report_priv.h"

static json_t *
j_tcp(const struct conn_side *s)
{
	json_t *o;

	if (!s->has_tcp)
		return (json_null());
	o = json_pack("{s:s}", "congestion_control", s->cc);
	for (unsigned i = 0; i < tcp_info_nfields; i++)
		json_object_set_new(o, tcp_info_fields[i].name,
		    json_integer((json_int_t)tcp_info_value(&s->tcp,
			&tcp_info_fields[i])));
	return (o);
}

static json_t *
j_side(const struct conn_side *s)
{
	return (json_pack("{s:s, s:s, s:s?, s:s?, s:I, s:I, s:I, s:I, s:I, s:I,"
			  " s:I, s:I, s:I, s:b, s:I, s:o}",
	    "tx_mode", ktls_mode_name(s->tx_mode), "rx_mode",
	    ktls_mode_name(s->rx_mode), "tx_reason", s->tx_why, "rx_reason",
	    s->rx_why, "segments", (json_int_t)s->segs, "bursts",
	    (json_int_t)s->bursts, "bytes", (json_int_t)s->bytes,
	    "retransmitted_bytes", (json_int_t)s->rexmit_bytes,
	    "retransmitted_packets", (json_int_t)s->rexmit_packs, "timeouts",
	    (json_int_t)s->rto, "fast_retransmits", (json_int_t)s->fast_rexmit,
	    "enobufs", (json_int_t)s->enobufs, "records",
	    (json_int_t)s->kernel_records, "offloaded", s->offloaded,
	    "card_retransmitted_packets", (json_int_t)s->card_rexmit_packs,
	    "tcp", j_tcp(s)));
}

/* The client's side is not known: what the server tells is there instead. */
static void
j_outside(json_t *o, const struct conn_result *c)
{
	json_object_del(o, "client_side");
	json_object_del(o, "body_bytes");
	json_object_set_new(o, "requests",
	    json_integer((json_int_t)c->c_requests));
	json_object_set_new(o, "sent_bytes",
	    json_integer((json_int_t)c->c_sent));
	json_object_set_new(o, "received_bytes",
	    json_integer((json_int_t)c->c_received));
}

static json_t *
j_ifs(const struct story *s)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < s->s_nifs; i++) {
		const struct story_if *si = &s->s_ifs[i];

		json_object_set_new(o, si->si_name,
		    json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			"tags_taken", (json_int_t)si->si_taken, "tags_released",
			(json_int_t)si->si_released, "tags_refused",
			(json_int_t)si->si_refused, "inner_tags_taken",
			(json_int_t)si->si_inner_taken, "inner_tags_released",
			(json_int_t)si->si_inner_released, "reread_bytes",
			(json_int_t)si->si_reread, "recoveries",
			(json_int_t)si->si_restarts));
	}
	return (o);
}

static json_t *
j_drops(const struct story *s)
{
	static const char *const places[] = { "kernel", "card", "wire" };
	json_t *a = json_array();

	for (unsigned i = 0; i < s->s_ndrops; i++) {
		const struct story_drop *d = &s->s_drops[i];

		json_array_append_new(a,
		    json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}",
			"place", places[d->sd_place], "at", d->sd_at, "reason",
			d->sd_why, "error", errno_name(d->sd_error), "packets",
			(json_int_t)d->sd_count, "bytes",
			(json_int_t)d->sd_bytes, "first_ps",
			(json_int_t)d->sd_first, "last_ps",
			(json_int_t)d->sd_last));
	}
	return (a);
}

static json_t *
j_modes(const struct story *s)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < s->s_nmodes; i++) {
		const struct story_mode *m = &s->s_modes[i];

		json_array_append_new(a,
		    json_pack("{s:I, s:s, s:s, s:s, s:s}", "ps",
			(json_int_t)m->sm_when, "direction",
			m->sm_rx ? "rx" : "tx", "mode", m->sm_mode, "reason",
			m->sm_why, "error", errno_name(m->sm_error)));
	}
	return (a);
}

static json_t *
j_story_side(const struct story *s)
{
	if (s == NULL)
		return (json_null());
	return (json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}",
	    "interfaces", j_ifs(s), "drops", j_drops(s), "modes", j_modes(s),
	    "resets", (json_int_t)s->s_resets, "resets_failed",
	    (json_int_t)s->s_resets_failed, "interfaces_left_out",
	    (json_int_t)s->s_ifs_left, "drops_left_out",
	    (json_int_t)s->s_drops_left, "modes_left_out",
	    (json_int_t)s->s_modes_left));
}

/* docs/report.md */
static json_t *
j_story(const struct conn_result *c)
{
	const struct story_gap *g = &c->c_gap;

	return (json_pack("{s:{s:I, s:I, s:I, s:I, s:I}, s:o, s:o}", "receiver",
	    "reads", (json_int_t)g->g_reads, "first_ps", (json_int_t)g->g_first,
	    "last_ps", (json_int_t)g->g_last, "gap_ps",
	    (json_int_t)g->g_longest, "gap_from_ps", (json_int_t)g->g_from,
	    "client", j_story_side(c->c_side[0].story), "server",
	    j_story_side(c->c_side[1].story)));
}

static json_t *
j_conns(const struct result *r)
{
	json_t *a = json_array(), *o;

	for (unsigned i = 0; i < r->r_nconns; i++) {
		const struct conn_result *c = &r->r_conns[i];

		o = json_pack("{s:s, s:s, s:s, s:s?, s:s,"
			      " s:b, s:s?, s:I, s:I, s:I, s:I, s:o, s:o}",
		    "name", c->c_name, "client", c->c_client, "server",
		    c->c_server, "tls", c->c_tls, "suite", c->c_suite, "done",
		    c->c_done, "failed", c->c_failed, "start_ps",
		    (json_int_t)c->c_start, "established_ps",
		    (json_int_t)c->c_established, "end_ps",
		    (json_int_t)c->c_end, "body_bytes", (json_int_t)c->c_body,
		    "client_side", j_side(&c->c_side[0]), "server_side",
		    j_side(&c->c_side[1]));
		json_object_set_new(o, "story", j_story(c));
		if (c->c_outside)
			j_outside(o, c);
		json_array_append_new(a, o);
	}
	return (a);
}

static json_t *
j_facts(const struct result *r)
{
	json_t *a = json_array(), *texts;

	for (unsigned i = 0; i < r->r_nfacts; i++) {
		const struct fact *f = &r->r_facts[i];

		texts = json_array();
		for (int s = 0; s < 3 && f->f_s[s] != NULL; s++)
			json_array_append_new(texts, json_string(f->f_s[s]));
		json_array_append_new(a,
		    json_pack("{s:s, s:s, s:o, s:s, s:I,"
			      " s:I, s:I, s:I}",
			"point", trace_catalogue[f->f_id].ti_name, "at",
			f->f_who, "texts", texts, "error",
			errno_name(f->f_error), "count", (json_int_t)f->f_count,
			"bytes", (json_int_t)f->f_len, "first_ps",
			(json_int_t)f->f_first, "last_ps",
			(json_int_t)f->f_last));
	}
	return (a);
}

static json_t *
j_counters(const struct result *r)
{
	json_t *o = json_object(), *h;

	for (unsigned i = 0; i < r->r_ncounters; i++) {
		const struct counter_result *c = &r->r_counters[i];

		if ((h = json_object_get(o, c->ct_host)) == NULL) {
			h = json_object();
			json_object_set_new(o, c->ct_host, h);
		}
		json_object_set_new(h, c->ct_name,
		    json_integer((json_int_t)(c->ct_after - c->ct_before)));
	}
	return (o);
}

static json_t *
j_invariants(const struct result *r)
{
	json_t *a = json_array();

	for (int i = 0; i < INVARIANTS; i++)
		json_array_append_new(a,
		    json_pack("{s:i, s:s, s:b, s:I, s:I,"
			      " s:s?, s:I}",
			"number", i + 1, "name", r->r_inv[i].i_name, "on",
			!r->r_inv[i].i_off, "looked",
			(json_int_t)r->r_inv[i].i_looked, "broken",
			(json_int_t)r->r_inv[i].i_broken, "first",
			r->r_inv[i].i_first, "first_ps",
			(json_int_t)r->r_inv[i].i_when));
	return (a);
}

/* What made it fail, if that is known. */
static void
j_evidence(json_t *o, const struct claim_result *cl)
{
	json_t *frames = json_array();

	if (cl->cl_first != NULL) {
		json_object_set_new(o, "first", json_string(cl->cl_first));
		json_object_set_new(o, "first_ps",
		    json_integer((json_int_t)cl->cl_when));
	}
	for (unsigned i = 0; i < cl->cl_nframes; i++)
		json_array_append_new(frames,
		    json_integer((json_int_t)cl->cl_frames[i]));
	if (cl->cl_nframes > 0)
		json_object_set_new(o, "frames", frames);
	else
		json_decref(frames);
}

static json_t *
j_claims(const struct result *r)
{
	const struct claim_result *cl;
	json_t *a = json_array(), *o;

	for (cl = r->r_claims; cl < r->r_claims + r->r_nclaims; cl++) {
		o = json_pack("{s:s?, s:s?, s:s?, s:b, s:i}", "kind",
		    cl->cl_kind, "claim", cl->cl_claim, "found", cl->cl_found,
		    "met", cl->cl_ok, "line", cl->cl_line);
		if (cl->cl_name != NULL)
			json_object_set_new(o, "name",
			    json_string(cl->cl_name));
		if (cl->cl_file != NULL)
			json_object_set_new(o, "file",
			    json_string(cl->cl_file));
		j_evidence(o, cl);
		json_array_append_new(a, o);
	}
	return (a);
}

/* Members that are there only when there is something to say. */
static void
j_nodes(json_t *o, const struct result *r)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < r->r_nnodes; i++) {
		const struct node_result *n = &r->r_nodes[i];

		json_array_append_new(a,
		    json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
			"from", n->n_from, "name", n->n_name, "kind", n->n_kind,
			"seen", (json_int_t)n->seen, "lost",
			(json_int_t)n->lost, "duplicated",
			(json_int_t)n->duplicated, "delayed",
			(json_int_t)n->delayed, "corrupted",
			(json_int_t)n->corrupted, "marked",
			(json_int_t)n->marked));
	}
	if (r->r_nnodes > 0)
		json_object_set(o, "impairments", a);
	json_decref(a);
}

static void
j_cards(json_t *o, const struct result *r)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < r->r_ncards; i++) {
		const struct card_result *c = &r->r_cards[i];

		json_array_append_new(a,
		    json_pack("{s:s, s:s, s:s, s:{s:I, s:I, s:I, s:I, s:I},"
			      " s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			"host", c->cd_host, "name", c->cd_name, "model",
			c->cd_model, "bus_bytes", "payload",
			(json_int_t)c->payload, "reread", (json_int_t)c->reread,
			"descriptors", (json_int_t)c->desc, "completions",
			(json_int_t)c->cqe, "received", (json_int_t)c->rx,
			"bus_bps", (json_int_t)c->bus_bps, "bus_busy_ps",
			(json_int_t)c->bus_busy, "contexts",
			(json_int_t)c->tags, "contexts_most",
			(json_int_t)c->tags_max, "contexts_refused",
			(json_int_t)c->refused, "recoveries",
			(json_int_t)c->restarts, "tls_packets",
			(json_int_t)c->tls_packets, "rx_decrypted",
			(json_int_t)c->rx_decrypted, "resets",
			(json_int_t)c->resets));
	}
	if (r->r_ncards > 0)
		json_object_set(o, "cards", a);
	json_decref(a);
}

static void
j_waiting(json_t *o, const struct result *r)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < r->r_nwaiting; i++)
		json_array_append_new(a,
		    json_pack("{s:s, s:i}", "step", r->r_waiting[i].ws_text,
			"line", r->r_waiting[i].ws_line));
	if (r->r_nwaiting > 0)
		json_object_set(o, "never_happened", a);
	json_decref(a);
}

static void
j_prints(json_t *o, const struct result *r)
{
	json_t *p;

	if (!r->r_has_prints)
		return;
	p = json_object();
	for (int i = 0; i < PRINTS; i++)
		json_object_set_new(p, print_names[i],
		    json_string(r->r_prints[i]));
	json_object_set_new(o, "fingerprints", p);
}

json_t *
report_tree(const struct result *r)
{
	json_t *o;

	o = json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:b, s:s?, s:i,"
		      " s:o, s:o, s:o, s:o, s:o}",
	    "ktls_sim_result", 1, "name", r->r_name, "description",
	    r->r_description, "seed", (json_int_t)r->r_seed, "end_ps",
	    (json_int_t)r->r_end, "events", (json_int_t)r->r_events, "frames",
	    (json_int_t)r->r_frames, "defects", r->r_defects, "interrupted",
	    r->r_interrupted, "panic", r->r_panic, "exit_code",
	    result_exit_code(r), "connections", j_conns(r), "facts", j_facts(r),
	    "counters", j_counters(r), "invariants", j_invariants(r),
	    "expectations", j_claims(r));
	j_prints(o, r);
	j_cards(o, r);
	j_iperf(o, r);
	j_programs(o, r);
	j_nfs(o, r);
	j_https(o, r);
	j_own(o, r);
	j_compare(o, r);
	j_nodes(o, r);
	j_waiting(o, r);
	if (r->r_live) {
		json_object_set_new(o, "live", json_true());
		json_object_set_new(o, "lag_ps",
		    json_integer((json_int_t)r->r_lag));
	}
	return (o);
}

void
report_json(const struct result *r, struct strbuf *sb)
{
	json_t *o = report_tree(r);
	char *text;

	text = json_dumps(o, JSON_INDENT(1));
	strbuf_adds(sb, text);
	strbuf_adds(sb, "\n");
	free(text);
	json_decref(o);
}
