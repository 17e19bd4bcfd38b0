/*
 * Fingerprints of a run, in layers, so that a change says which of them it
 * moved: what happened (every trace point, with its time), what went over the
 * wires (bytes and times), what the counters came to, and what was decided
 * (modes, tags, ports and why: in their order, without times). They cover the
 * whole run, with its end; nothing in them depends on which files it wrote.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/hash.h>

#include "world_priv.h"

/* What kernels and cards decide, and the reasons they give. */
static const enum trace_id decision_points[] = {
	TP_tls_enable,
	TP_tls_mode,
	TP_tls_disable_ifnet,
	TP_tls_error,
	TP_tag_alloc,
	TP_tag_refused,
	TP_tag_free,
	TP_tag_reset,
	TP_lagg_active,
	TP_switch_tls_list,
	TP_tcp_drop,
};

struct prints {
	struct hash_stream *p_payload; /* of the frames, for PRINT_WIRE */
	struct hash_stream *p_layer[PRINTS];
	uint64_t p_decisions[TRACE_MASK_WORDS];
};

void
prints_init(struct world *w)
{
	struct prints *p;

	if (!w->w_opts.wo_prints)
		return;
	p = xcalloc(1, sizeof(*p));
	p->p_payload = hash_stream_create();
	for (int i = 0; i < PRINTS; i++)
		p->p_layer[i] = hash_stream_create();
	for (size_t i = 0; i < nitems(decision_points); i++)
		trace_mask_add(p->p_decisions, decision_points[i]);
	for (int i = 0; i < TP_COUNT; i++)
		trace_mask_add(w->w_sink.ts_mask, (enum trace_id)i);
	w->w_prints = p;
}

/* By name, not by number: a new point moves nobody else. */
static void
prints_record(struct hash_stream *hs, const struct trace_rec *rec)
{
	hash_stream_adds(hs, trace_catalogue[rec->tr_id].ti_name);
	hash_stream_adds(hs, rec->tr_who);
	for (unsigned i = 0; i < rec->tr_nargs; i++)
		if (rec->tr_args[i].ta_type == 's')
			hash_stream_adds(hs, rec->tr_args[i].s);
		else
			hash_stream_addu(hs, &rec->tr_args[i].u, 1);
}

void
prints_trace(struct world *w, const struct trace_rec *rec)
{
	struct prints *p = w->w_prints;

	if (p == NULL)
		return;
	hash_stream_addu(p->p_layer[PRINT_EVENTS], &rec->tr_when, 1);
	prints_record(p->p_layer[PRINT_EVENTS], rec);
	if (trace_mask_has(p->p_decisions, rec->tr_id))
		prints_record(p->p_layer[PRINT_DECISIONS], rec);
}

/* As its sender let it go: checksums that follow from the rest and that nobody
 * has computed are not computed for this. */
void
prints_frame(struct world *w, const struct wire_port *from,
    const struct frame *f)
{
	const uint64_t v[] = { timebase_now(w->w_tb), from->pt_capif,
		f->f_hdrlen, f->f_paylen };
	struct hash_stream *hs;

	if (w->w_prints == NULL)
		return;
	hs = w->w_prints->p_layer[PRINT_WIRE];
	hash_stream_addu(hs, v, nitems(v));
	hash_stream_add(hs, f->f_hdr, f->f_hdrlen);
}

/* On a host thread, of one frame after the other. */
void
prints_payload(struct prints *p, const struct frame *f)
{
	if (p != NULL && f->f_paylen > 0)
		hash_stream_add(p->p_payload, f->f_payload, f->f_paylen);
}

static void
prints_counters(struct world *w)
{
	struct hash_stream *hs = w->w_prints->p_layer[PRINT_COUNTERS];
	const struct counter_result *c = w->w_res.r_counters;
	uint64_t moved;

	for (unsigned i = 0; i < w->w_res.r_ncounters; i++) {
		hash_stream_adds(hs, c[i].ct_host);
		hash_stream_adds(hs, c[i].ct_name);
		moved = c[i].ct_after - c[i].ct_before;
		hash_stream_addu(hs, &moved, 1);
	}
}

void
prints_end(struct world *w)
{
	struct prints *p = w->w_prints;
	char hex[HASH_HEX_SIZE];

	if (p == NULL)
		return;
	prints_counters(w);
	hash_stream_hex(p->p_payload, hex);
	hash_stream_adds(p->p_layer[PRINT_WIRE], hex);
	for (int i = 0; i < PRINTS; i++)
		hash_stream_hex(p->p_layer[i], w->w_res.r_prints[i]);
	w->w_res.r_has_prints = true;
}

void
prints_fini(struct world *w)
{
	if (w->w_prints == NULL)
		return;
	for (int i = 0; i < PRINTS; i++)
		hash_stream_destroy(w->w_prints->p_layer[i]);
	hash_stream_destroy(w->w_prints->p_payload);
	free(w->w_prints);
}
