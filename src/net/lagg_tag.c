/*
 * lagg's send tags: a wrapper around the tag of the port that the protocol
 * chooses for the flow. A receive tag is the leaf's own.
 */
#include <errno.h>

#include "lagg_private.h"

int
lagg_snd_tag_alloc(struct ifnet *ifp,
    const struct if_snd_tag_alloc_params *params, struct m_snd_tag **mstp)
{
	struct lagg_softc *sc = ifp->if_softc;
	struct lagg_port *lp;

	if (sc->sc_proto->lpr_tag_port == NULL)
		return (EOPNOTSUPP);
	lp = sc->sc_proto->lpr_tag_port(sc, params);
	if (lp == NULL)
		return (EOPNOTSUPP);
	if (params->type == IF_SND_TAG_TYPE_TLS_RX)
		return (snd_tag_lower(lp->lp_ifp, params, "port's", mstp));
	return (snd_tag_wrap(ifp, lp->lp_ifp, params, "port's", mstp));
}

void
lagg_ratelimit_query(struct ifnet *ifp, struct if_ratelimit_query_results *rl)
{
	rl->flags = RT_IS_INDIRECT;
}
