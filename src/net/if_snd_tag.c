/*
 * Send tags: allocation through the interface's driver, counting, and the end
 * of the last reference. The driver's structure embeds the tag.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>

#include "net_private.h"

static const char *
snd_tag_type_name(enum if_snd_tag_type type)
{
	static const char *const names[] = {
		[IF_SND_TAG_TYPE_RATE_LIMIT] = "rate-limit",
		[IF_SND_TAG_TYPE_UNLIMITED] = "unlimited",
		[IF_SND_TAG_TYPE_TLS] = "tls",
		[IF_SND_TAG_TYPE_TLS_RATE_LIMIT] = "tls-rate-limit",
		[IF_SND_TAG_TYPE_TLS_RX] = "tls-rx",
	};

	return ((unsigned)type < nitems(names) ? names[type] : "?");
}

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

int
m_snd_tag_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	struct tracer *tr = &ifp->if_vnet->v_tracer;
	int error;

	*mstp = NULL;
	if (ifp->if_snd_tag_alloc == NULL)
		error = EOPNOTSUPP;
	else
		error = ifp->if_snd_tag_alloc(ifp, params, mstp);
	if (error != 0) {
		TRACE(tr, tag_refused, TU(params->conn.conn), TS(ifp->if_xname),
		    TI(error), TS(ifp->if_snd_tag_alloc == NULL ?
		    "the interface has no send tags" : "the driver refused"));
		return (error);
	}
	TRACE(tr, tag_alloc, TU(params->conn.conn), TS(ifp->if_xname),
	    TU((*mstp)->number), TS(snd_tag_type_name(params->type)));
	return (0);
}

void
m_snd_tag_destroy(struct m_snd_tag *mst)
{
	struct ifnet *ifp = mst->ifp;
	struct net_state *ns = ifp->if_vnet->v_net;

	KASSERT(mst->refcount == 0, ("tag %u freed with %u references",
	    mst->number, mst->refcount));
	KASSERT(ifp->if_tags > 0 && ns->ns_num_snd_tags > 0,
	    ("tag %u of %s was not counted", mst->number, ifp->if_xname));
	TRACE(&ifp->if_vnet->v_tracer, tag_free, TS(ifp->if_xname),
	    TU(mst->number));
	ifp->if_tags--;
	ns->ns_num_snd_tags--;
	mst->sw->snd_tag_free(mst);
}
