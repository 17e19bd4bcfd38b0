/*
 * Send tags: allocation through the interface's driver, counting, and the end
 * of the last reference. The driver's structure embeds the tag.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>

#include "net_private.h"

void
m_snd_tag_init(struct m_snd_tag *mst, struct ifnet *ifp,
    const struct if_snd_tag_sw *sw)
{
	struct net_state *ns = ifp->if_vnet->v_net;

	mst->ifp = ifp;
	mst->sw = sw;
	mst->refcount = 1;
	mst->number = ++ns->ns_tagnumber;
	ifp->if_tags++;
	ns->ns_num_snd_tags++;
}

/* Who asks tells the trace: the session for its tag, lagg for the inner one. */
int
m_snd_tag_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	*mstp = NULL;
	if (ifp->if_snd_tag_alloc == NULL)
		return (EOPNOTSUPP);
	return (ifp->if_snd_tag_alloc(ifp, params, mstp));
}

void
m_snd_tag_destroy(struct m_snd_tag *mst)
{
	struct ifnet *ifp = mst->ifp;
	struct net_state *ns = ifp->if_vnet->v_net;

	KASSERT(mst->refcount == 0,
	    ("tag %u freed with %u references", mst->number, mst->refcount));
	KASSERT(ifp->if_tags > 0 && ns->ns_num_snd_tags > 0,
	    ("tag %u of %s was not counted", mst->number, ifp->if_xname));
	TRACE(&ifp->if_vnet->v_tracer, tag_free, TS(ifp->if_xname),
	    TU(mst->number));
	ifp->if_tags--;
	ns->ns_num_snd_tags--;
	mst->sw->snd_tag_free(mst);
}
