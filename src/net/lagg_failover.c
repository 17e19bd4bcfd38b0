/*
 * lagg's failover protocol: the primary port while its link is up, otherwise
 * another one that is. Only the active port is heard, unless
 * net.link.lagg.failover_rx_all.
 */
#include "lagg_private.h"

static struct lagg_port *
lagg_fail_port(struct lagg_softc *sc, const struct mbuf *m)
{
	return (lagg_link_active(sc, sc->sc_primary));
}

static struct lagg_port *
lagg_fail_tag_port(struct lagg_softc *sc,
    const struct if_snd_tag_alloc_params *params)
{
	return (lagg_link_active(sc, sc->sc_primary));
}

static bool
lagg_fail_input(struct lagg_softc *sc, struct lagg_port *lp)
{
	struct lagg_port *active;

	if (sc->sc_vnet->v_net->ns_lagg_rx_all != 0)
		return (true);
	active = lagg_link_active(sc, sc->sc_primary);
	/* With all links down whoever still hears something is believed. */
	return (active == NULL || active == lp);
}

const struct lagg_proto lagg_failover = {
	.lpr_name = "failover",
	.lpr_port = lagg_fail_port,
	.lpr_tag_port = lagg_fail_tag_port,
	.lpr_input = lagg_fail_input,
};
