/* What the report says of cards that know TLS. */
#include <ktsim/base/kmem.h>

#include "world_priv.h"

static void
collect_card(struct card_result *cd, const struct whost *h, const struct nic *n)
{
	const struct nic_stats *s = &n->n_stats;

	*cd = (struct card_result) { .cd_host = h->h_sc->loc.name,
		.cd_name = n->n_params.np_xname,
		.cd_model = n->n_model->nm_name,
		.payload = s->dma_payload - s->dma_reread,
		.reread = s->dma_reread,
		.desc = s->dma_desc,
		.cqe = s->dma_cqe,
		.rx = s->dma_rx,
		.bus_bps = nic_bus_rate(n),
		.bus_busy = nic_bus_busy(n),
		.tags = s->tls_tags_taken,
		.tags_max = s->tls_tags_max,
		.refused = s->tls_tags_refused,
		.restarts = s->tls_restarts,
		.tls_packets = s->tls_packets,
		.rx_decrypted = s->rx_decrypted,
		.resets = s->resets };
}

void
collect_cards(struct world *w)
{
	struct result *r = &w->w_res;
	const struct whost *h;
	unsigned most = 0;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		most += w->w_sc->hosts[i].nnics;
	r->r_cards = xcalloc(most, sizeof(*r->r_cards));
	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		h = &w->w_hosts[i];
		for (unsigned j = 0; j < h->h_sc->nnics; j++)
			if (h->h_nics[j]->n_model->nm_snd_tag_alloc != NULL)
				collect_card(&r->r_cards[r->r_ncards++], h,
				    h->h_nics[j]);
	}
}
