/*
 * lagg's send tags: a wrapper around the tag of the port that the protocol
 * chooses for the flow. A receive tag is the leaf's own.
 */
#include <errno.h>

#include "lagg_private.h"

/* The port found just now; planted: the one that was found the time before. */
static struct ifnet *
lagg_tag_ifp(struct lagg_softc *sc, const struct lagg_port *lp)
{
	struct ifnet *before = sc->sc_tag_ifp;

	sc->sc_tag_ifp = lp->lp_ifp;
	if (before != NULL && V_DEFECT(sc->sc_vnet, LAGG_TAG_GONE))
		return (before);
	return (lp->lp_ifp);
}

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
	return (
	    snd_tag_wrap(ifp, lagg_tag_ifp(sc, lp), params, "port's", mstp));
}

void
lagg_ratelimit_query(struct ifnet *ifp, struct if_ratelimit_query_results *rl)
{
	rl->flags = RT_IS_INDIRECT;
}
