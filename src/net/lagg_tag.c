/*
 * lagg's send tags: a wrapper around the tag of the port that the protocol
 * chooses for the flow. What the stack above compares is the wrapper's
 * interface, the lagg; what lagg compares is the inner one's, the port.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>

#include "lagg_private.h"

static struct lagg_snd_tag *
mst_to_lst(struct m_snd_tag *mst)
{
	return ((struct lagg_snd_tag *)(void *)mst);
}

static int
lagg_snd_tag_modify(struct m_snd_tag *mst, const void *params)
{
	struct m_snd_tag *inner = mst_to_lst(mst)->lst_inner;

	if (inner->sw->snd_tag_modify == NULL)
		return (EOPNOTSUPP);
	return (inner->sw->snd_tag_modify(inner, params));
}

static int
lagg_snd_tag_query(struct m_snd_tag *mst, void *params)
{
	struct m_snd_tag *inner = mst_to_lst(mst)->lst_inner;

	if (inner->sw->snd_tag_query == NULL)
		return (EOPNOTSUPP);
	return (inner->sw->snd_tag_query(inner, params));
}

static void
lagg_snd_tag_free(struct m_snd_tag *mst)
{
	struct lagg_snd_tag *lst = mst_to_lst(mst);
	struct kzone *zone = &mst->ifp->if_vnet->v_net->ns_lagg_tags;

	m_snd_tag_rele(lst->lst_inner);
	kzone_free(zone, lst);
}

static struct m_snd_tag *
lagg_next_snd_tag(struct m_snd_tag *mst)
{
	return (mst_to_lst(mst)->lst_inner);
}

/* One table per type, since the table names the type. */
#define LAGG_SND_TAG_SW(t)                                      \
	{                                                       \
		.snd_tag_modify = lagg_snd_tag_modify,          \
		.snd_tag_query = lagg_snd_tag_query,            \
		.snd_tag_free = lagg_snd_tag_free,              \
		.next_snd_tag = lagg_next_snd_tag, .type = (t), \
	}

static const struct if_snd_tag_sw lagg_snd_tag_sw[] = {
	[IF_SND_TAG_TYPE_RATE_LIMIT] =
	    LAGG_SND_TAG_SW(IF_SND_TAG_TYPE_RATE_LIMIT),
	[IF_SND_TAG_TYPE_UNLIMITED] =
	    LAGG_SND_TAG_SW(IF_SND_TAG_TYPE_UNLIMITED),
	[IF_SND_TAG_TYPE_TLS] = LAGG_SND_TAG_SW(IF_SND_TAG_TYPE_TLS),
	[IF_SND_TAG_TYPE_TLS_RATE_LIMIT] =
	    LAGG_SND_TAG_SW(IF_SND_TAG_TYPE_TLS_RATE_LIMIT),
};

/* The port has answered for its tag: a word to the trace. */
static void
lagg_inner_told(const struct ifnet *pifp, uint32_t conn, int error,
    const struct m_snd_tag *mst)
{
	struct tracer *tr = &pifp->if_vnet->v_tracer;

	if (error == EINPROGRESS)
		return;
	if (error != 0)
		TRACE(tr, tag_refused, TU(conn), TS(pifp->if_xname), TI(error),
		    TS("the port refused"));
	else
		TRACE(tr, tag_alloc, TU(conn), TS(pifp->if_xname),
		    TU(mst->number), TS("port's"));
}

static int
lagg_inner_tag(struct ifnet *pifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	int error;

	error = m_snd_tag_alloc(pifp, params, mstp);
	lagg_inner_told(pifp, params->conn.conn, error, *mstp);
	return (error);
}

/* The wrapper is complete, or is not needed after all. */
static int
lagg_tag_finish(struct lagg_snd_tag *lst, int error, struct m_snd_tag **mstp)
{
	*mstp = NULL;
	if (error != 0) {
		kzone_free(&lst->lst_ifp->if_vnet->v_net->ns_lagg_tags, lst);
		return (error);
	}
	m_snd_tag_init(&lst->lst_com, lst->lst_ifp,
	    &lagg_snd_tag_sw[lst->lst_type]);
	*mstp = &lst->lst_com;
	return (0);
}

static void
lagg_tag_done(struct if_snd_tag_wait *iw, int error, struct m_snd_tag *inner)
{
	struct lagg_snd_tag *lst =
	    containerof(iw, struct lagg_snd_tag, lst_wait);
	struct if_snd_tag_wait *outer = lst->lst_outer;
	struct m_snd_tag *mst;

	lagg_inner_told(lst->lst_pifp, lst->lst_conn, error, inner);
	lst->lst_inner = inner;
	error = lagg_tag_finish(lst, error, &mst);
	outer->iw_done(outer, error, mst);
}

static int
lagg_wrap(struct ifnet *ifp, struct ifnet *pifp,
    const struct if_snd_tag_alloc_params *params, struct m_snd_tag **mstp)
{
	struct kzone *zone = &ifp->if_vnet->v_net->ns_lagg_tags;
	struct if_snd_tag_alloc_params inner = *params;
	struct lagg_snd_tag *lst;
	int error;

	if ((lst = kzone_alloc(zone, M_NOWAIT | M_ZERO)) == NULL)
		return (ENOMEM);
	lst->lst_ifp = ifp;
	lst->lst_pifp = pifp;
	lst->lst_type = params->type;
	lst->lst_conn = params->conn.conn;
	lst->lst_wait.iw_done = lagg_tag_done;
	lst->lst_outer = params->wait;
	if (params->wait != NULL)
		inner.wait = &lst->lst_wait;
	error = lagg_inner_tag(pifp, &inner, &lst->lst_inner);
	if (error == EINPROGRESS)
		return (error);
	return (lagg_tag_finish(lst, error, mstp));
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
	/* A receive tag is the leaf's own. */
	if (params->type == IF_SND_TAG_TYPE_TLS_RX)
		return (lagg_inner_tag(lp->lp_ifp, params, mstp));
	if ((unsigned)params->type >= nitems(lagg_snd_tag_sw))
		return (EOPNOTSUPP);
	return (lagg_wrap(ifp, lp->lp_ifp, params, mstp));
}

int
lagg_snd_tag_swap(struct mbuf *m, const struct lagg_port *lp)
{
	struct m_snd_tag *outer = m->m_pkthdr.snd_tag, *inner;

	KASSERT(outer->ifp == &lp->lp_softc->sc_ifnet,
	    ("tag %u is of %s", outer->number, outer->ifp->if_xname));
	inner = mst_to_lst(outer)->lst_inner;
	if (inner->ifp != lp->lp_ifp)
		return (EAGAIN);
	/* The packet's reference moves from the wrapper to what is in it. */
	m->m_pkthdr.snd_tag = m_snd_tag_ref(inner);
	m_snd_tag_rele(outer);
	return (0);
}
