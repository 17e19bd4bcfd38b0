/*
 * Charts: their life, and levels that are looked at between two events:
 * send buffers, windows, workers' queues, cards' rings and buses.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/tcp_var.h>

#include "charts_priv.h"

#define LOOK_SHIFT 3 /* the first looks are 8 us apart */

static void
level_init(struct series *s)
{
	s->s_level = true;
	s->s_most = CHART_BINS;
}

static void
peak_init(struct series *s)
{
	s->s_peak = true;
	s->s_most = CHART_BINS;
}

static void
charts_count(struct world *w)
{
	struct charts *ch = &w->w_charts;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		ch->ch_nworkers += (unsigned)w->w_sc->hosts[i].cpus;
		ch->ch_ncards += w->w_sc->hosts[i].nnics;
	}
	ch->ch_workers = xcalloc(ch->ch_nworkers, sizeof(*ch->ch_workers));
	ch->ch_cards = xcalloc(ch->ch_ncards, sizeof(*ch->ch_cards));
}

static void
charts_name(struct world *w)
{
	struct chart_worker *cw = w->w_charts.ch_workers;
	struct chart_card *cc = w->w_charts.ch_cards;
	const struct sc_host *h = w->w_sc->hosts;

	for (; h < w->w_sc->hosts + w->w_sc->nhosts; h++) {
		for (unsigned i = 0; i < h->cpus; i++, cw++) {
			cw->cw_host = h->loc.name;
			cw->cw_cpu = i;
			peak_init(&cw->cw_depth);
		}
		for (unsigned i = 0; i < h->nnics; i++, cc++) {
			cc->cc_host = h->loc.name;
			cc->cc_name = h->nics[i].loc.name;
			peak_init(&cc->cc_ring);
			for (int b = 0; b < BUS_CAUSES; b++)
				cc->cc_bus[b].s_most = CHART_BINS;
		}
	}
}

void
charts_init(struct world *w)
{
	struct chartbook *b;

	w->w_charts_at = SIM_NEVER;
	if (!w->w_sc->capture.html || w->w_opts.wo_out == NULL)
		return;
	b = xcalloc(1, sizeof(*b));
	b->b_charts = &w->w_charts;
	b->b_hosts = xcalloc(w->w_sc->nhosts, sizeof(*b->b_hosts));
	b->b_recent = xcalloc(RECENT, sizeof(*b->b_recent));
	w->w_chartbook = b;
	w->w_charts.ch_on = true;
	w->w_charts.ch_wider = LOOK_SHIFT;
	w->w_charts_at = 0;
	charts_count(w);
	charts_name(w);
	charts_points_want(w->w_sink.ts_mask);
}

void
charts_fini(struct world *w)
{
	struct charts *ch = &w->w_charts;
	struct chartbook *b = w->w_chartbook;

	if (b == NULL)
		return;
	for (unsigned i = 0; i < CHART_CONNS; i++)
		chart_conn_fini(&ch->ch_conns[i]);
	for (unsigned i = 0; i < ch->ch_nworkers; i++)
		series_fini(&ch->ch_workers[i].cw_depth);
	for (unsigned i = 0; i < ch->ch_ncards; i++) {
		series_fini(&ch->ch_cards[i].cc_ring);
		for (int c = 0; c < BUS_CAUSES; c++)
			series_fini(&ch->ch_cards[i].cc_bus[c]);
	}
	for (unsigned i = 0; i < ch->ch_nevents; i++) {
		free(ch->ch_events[i].ce_who);
		free(ch->ch_events[i].ce_text);
	}
	free(ch->ch_workers);
	free(ch->ch_cards);
	free(ch->ch_events);
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		free(b->b_hosts[i].bh_conns);
	free(b->b_hosts);
	free(b->b_recent);
	free(b);
	w->w_chartbook = NULL;
}

/* The run is over for the report: nothing is recorded any more. */
void
charts_freeze(struct world *w, bool wreck)
{
	if (w->w_charts_at == SIM_NEVER)
		return;
	if (!wreck)
		charts_look(w);
	chart_events_close(w);
	w->w_charts_at = SIM_NEVER;
}

struct book_conn *
book_conn(struct world *w, unsigned host, uint32_t number)
{
	uint32_t old = w->w_chartbook->b_hosts[host].bh_size, new = old;
	struct book_conn *v = w->w_chartbook->b_hosts[host].bh_conns;

	if (number >= old) {
		while (new <= number)
			new = new != 0 ? 2 * new : 16;
		v = xrealloc(v, new * sizeof(*v));
		memset(v + old, 0, (new - old) * sizeof(*v));
		w->w_chartbook->b_hosts[host].bh_conns = v;
		w->w_chartbook->b_hosts[host].bh_size = new;
	}
	return (&v[number]);
}

void
charts_conn(struct world *w, struct conn *c)
{
	struct book_conn *bc;

	if (w->w_chartbook == NULL)
		return;
	bc = book_conn(w, (unsigned)(c->c_app->a_host - w->w_hosts),
	    c->c_number);
	bc->bc_conn = c;
	if (bc->bc_slot != SLOT_NEW && bc->bc_slot < SLOT_WANT)
		w->w_chartbook->b_conns[bc->bc_slot - 1][bc->bc_side] = c;
}

const struct chart_conn *
charts_of(const struct world *w, const struct conn *c, unsigned *side)
{
	const struct book_conn *bc;

	if (w->w_chartbook == NULL || c == NULL)
		return (NULL);
	bc = book_conn((struct world *)(uintptr_t)w,
	    (unsigned)(c->c_app->a_host - w->w_hosts), c->c_number);
	if (bc->bc_slot == SLOT_NEW || bc->bc_slot >= SLOT_WANT)
		return (NULL);
	*side = bc->bc_side;
	return (&w->w_charts.ch_conns[bc->bc_slot - 1]);
}

/* --- levels --- */

static uint64_t
series_last(const struct series *s)
{
	return (s->s_n > 0 ? s->s_bins[s->s_n - 1].sb_value : 0);
}

static void
level_is(struct series *s, simtime_t now, uint64_t value)
{
	if (series_last(s) != value)
		series_add(s, now, value);
}

static void
look_buffer(struct chart_buffer *cb, const struct conn *c, simtime_t now)
{
	if (!cb->cb_known) {
		cb->cb_known = true;
		level_init(&cb->cb_ready);
		level_init(&cb->cb_all);
		level_init(&cb->cb_cwnd);
	}
	if (c->c_so == NULL) { /* closed, perhaps since long */
		if (series_last(&cb->cb_cwnd) == 0)
			return;
		level_is(&cb->cb_ready, now, 0);
		level_is(&cb->cb_all, now, 0);
		level_is(&cb->cb_cwnd, now, 0);
		return;
	}
	level_is(&cb->cb_ready, now, sbavail(&c->c_so->so_snd));
	level_is(&cb->cb_all, now, sbused(&c->c_so->so_snd));
	if (c->c_so->so_pcb != NULL)
		level_is(&cb->cb_cwnd, now, sototcpcb(c->c_so)->snd_cwnd);
}

static void
look_card(struct chart_card *cc, const struct nic *n, simtime_t now)
{
	const struct nic_stats *s = &n->n_stats;
	const uint64_t total[BUS_CAUSES] = {
		[BUS_PAYLOAD] = s->dma_payload - s->dma_reread,
		[BUS_REREAD] = s->dma_reread,
		[BUS_DESC] = s->dma_desc,
		[BUS_CQE] = s->dma_cqe,
		[BUS_RX] = s->dma_rx,
	};
	uint64_t ring = nic_tx_pending(n);

	cc->cc_most = MAX(cc->cc_most, ring);
	if (ring > 0)
		series_add(&cc->cc_ring, now, ring);
	for (int b = 0; b < BUS_CAUSES; b++) {
		if (total[b] == cc->cc_total[b])
			continue;
		series_add(&cc->cc_bus[b], now, total[b] - cc->cc_total[b]);
		cc->cc_total[b] = total[b];
	}
}

static void
look_hosts(struct world *w, simtime_t now)
{
	struct chart_worker *cw = w->w_charts.ch_workers;
	struct chart_card *cc = w->w_charts.ch_cards;
	const struct whost *h = w->w_hosts;
	uint64_t depth;

	for (; h < w->w_hosts + w->w_sc->nhosts; h++) {
		for (unsigned i = 0; i < h->h_sc->cpus; i++, cw++) {
			depth = ktls_wq_peak(h->h_vnet, i);
			cw->cw_most = MAX(cw->cw_most, depth);
			if (depth > 0)
				series_add(&cw->cw_depth, now, depth);
		}
		for (unsigned i = 0; i < h->h_sc->nnics; i++, cc++)
			look_card(cc, h->h_nics[i], now);
	}
}

void
charts_look(struct world *w)
{
	struct charts *ch = &w->w_charts;
	struct chartbook *b = w->w_chartbook;
	simtime_t now = timebase_now(w->w_tb);

	for (unsigned i = 0; i < CHART_CONNS; i++)
		for (int s = 0; s < 2 && ch->ch_conns[i].cn_used; s++)
			if (b->b_conns[i][s] != NULL)
				look_buffer(&ch->ch_conns[i].cn_buffer[s],
				    b->b_conns[i][s], now);
	look_hosts(w, now);
	ch->ch_looks++;
	if (++ch->ch_samples == CHART_BINS) {
		ch->ch_wider++;
		ch->ch_samples = CHART_BINS / 2;
	}
	w->w_charts_at = now + ((simtime_t)1 << (SERIES_SHIFT + ch->ch_wider));
}
