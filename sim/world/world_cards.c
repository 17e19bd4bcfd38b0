/* The scenario's cards: what they are like, and orders to them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kmem.h>
#include <ktsim/kern/vm.h>

#include "world_priv.h"

/* The link that ends at host.nic; every card of a running host has one. */
static struct wlink *
link_of(struct world *w, const struct whost *h, const char *nic, int *end)
{
	char *name = xasprintf("%s.%s", h->h_sc->loc.name, nic);
	struct wlink *found = NULL;

	for (unsigned i = 0; i < w->w_sc->nlinks && found == NULL; i++)
		for (int j = 0; j < 2; j++)
			if (strcmp(w->w_sc->links[i].ends.v[j], name) == 0) {
				found = &w->w_links[i];
				*end = j;
			}
	free(name);
	return (found);
}

/* --- the bus --- */

static bool
same_bus(const struct sc_nic *a, const struct sc_nic *b)
{
	return (a == b ||
	    (a->bus != NULL && b->bus != NULL && strcmp(a->bus, b->bus) == 0));
}

/* The largest `pcie` of those on it; if none says it, their models'. */
static uint64_t
bus_rate(const struct sc_host *h, const struct sc_nic *of)
{
	const struct sc_nic *n;
	uint64_t given = 0, model = 0, bps;
	bool limit = true;

	for (n = h->nics; n < h->nics + h->nnics; n++) {
		if (!same_bus(n, of))
			continue;
		given = MAX(given, n->pcie);
		bps = nic_model_find(n->model)->nm_bus_bps;
		model = MAX(model, bps);
		limit &= bps != 0;
	}
	return (given != 0 ? given : limit ? model : 0);
}

/* NULL: it is the card's own. */
static struct nic_bus *
card_bus(struct whost *h, unsigned i)
{
	const struct sc_nic *nics = h->h_sc->nics;
	unsigned first = 0;

	if (nics[i].bus == NULL)
		return (NULL);
	while (!same_bus(&nics[first], &nics[i]))
		first++;
	if (h->h_buses[first] == NULL)
		h->h_buses[first] = nic_bus_create(bus_rate(h->h_sc, &nics[i]));
	return (h->h_buses[first]);
}

void
cards_forget_buses(struct whost *h)
{
	for (unsigned i = 0; h->h_buses != NULL && i < h->h_sc->nnics; i++) {
		nic_bus_destroy(h->h_buses[i]);
		h->h_buses[i] = NULL;
	}
}

/* --- a card --- */

static struct nic_params
card_params(struct world *w, struct whost *h, unsigned i)
{
	const struct sc_nic *sn = &h->h_sc->nics[i];
	struct nic_params np = { .np_model = sn->model,
		.np_xname = sn->loc.name,
		.np_mtu = (uint32_t)sn->mtu,
		.np_ring = (uint32_t)sn->ring,
		.np_queues = (uint32_t)sn->queues,
		.np_rx_coalesce = sn->rx_coalesce,
		.np_tx_coalesce = sn->tx_coalesce,
		.np_lro = sn->lro,
		.np_numa_domain =
		    sn->has_domain ? (uint8_t)sn->numa_domain : M_NODOM,
		.np_pool = &w->w_pool,
		.np_bus = card_bus(h, i),
		.np_bus_bps = sn->pcie,
		.np_ops =
		    w->w_sc->capture.dma ? &wire_nic_dma_ops : &wire_nic_ops };

	/* Locally administered: 02:00:00:00:host:card. */
	memcpy(np.np_lladdr, "\x02\x00\x00\x00", 4);
	np.np_lladdr[4] = (uint8_t)(h - w->w_hosts + 1);
	np.np_lladdr[5] = (uint8_t)(i + 1);
	for (unsigned j = 0; j < sn->nsettings; j++) {
		np.np_knobs[sn->settings[j].index] = sn->settings[j].value;
		np.np_knobs_set |= 1u << sn->settings[j].index;
	}
	return (np);
}

int
card_build(struct world *w, struct whost *h, unsigned i, struct strbuf *err)
{
	const struct sc_nic *sn = &h->h_sc->nics[i];
	struct nic_params np = card_params(w, h, i);
	struct wlink *l;
	int end = 0, error;

	l = link_of(w, h, sn->loc.name, &end);
	KASSERT(l != NULL, ("card %s without a link", sn->loc.name));
	np.np_rate_bps = sn->rate != 0 ? sn->rate
	    : l->l_sc->port_rate != 0  ? l->l_sc->port_rate
				       : wire_way(l->l_wire, end)->ww_rate_bps;
	np.np_arg = wire_end(l->l_wire, end);
	error = nic_attach(h->h_vnet, &np, &h->h_nics[i]);
	if (error == EINVAL && sn->nsettings > 0) {
		scenario_error(w->w_sc, &sn->loc, err,
		    "card `%s`: its `settings` do not fit together: "
		    "`ktls-sim list models %s` says what they mean",
		    sn->loc.name, sn->model);
		return (EINVAL);
	}
	if (error != 0)
		return (build_error(w, err, &sn->loc, "card", error));
	wire_nic_port(&h->h_ports[i], h->h_nics[i], w->w_ncapif++);
	wire_attach(l->l_wire, end, &h->h_ports[i]);
	return (0);
}

/* --- orders --- */

/* "host.nic", which the checks have found. */
static struct nic *
card_of(struct world *w, const char *name)
{
	const size_t len = strcspn(name, ".");
	const struct sc_host *h;

	for (unsigned i = 0; i < w->w_sc->nhosts; i++) {
		h = &w->w_sc->hosts[i];
		if (strlen(h->loc.name) != len ||
		    memcmp(h->loc.name, name, len) != 0)
			continue;
		for (unsigned j = 0; j < h->nnics; j++)
			if (strcmp(h->nics[j].loc.name, name + len + 1) == 0)
				return (w->w_hosts[i].h_nics[j]);
	}
	return (NULL);
}

int
card_order(struct world *w, const struct sc_step *st)
{
	return (nic_order(card_of(w, st->on), (enum nic_order)st->order,
	    st->has_time ? (uint64_t)st->time : st->count));
}

void
cards_faults_off(struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		for (unsigned j = 0; j < w->w_sc->hosts[i].nnics; j++)
			nic_faults_off(w->w_hosts[i].h_nics[j]);
}

bool
cards_black_hole(const struct world *w)
{
	for (unsigned i = 0; i < w->w_sc->nhosts; i++)
		for (unsigned j = 0; j < w->w_sc->hosts[i].nnics; j++)
			if (w->w_hosts[i].h_nics[j]->n_stats.tls_black_holes >
			    0)
				return (true);
	return (commands_black_hole(w));
}
