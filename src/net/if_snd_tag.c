/*
 * Send tags: allocation through the interface's driver, counting, and the end
 * of the last reference. The driver's structure embeds the tag.
 *
 * An interface that stands on another (lagg, vlan) wraps the lower one's tag.
 * What the layer above compares is the wrapper's interface; what the interface
 * itself compares, packet by packet, is the inner tag's.
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

/* --- wrappers --- */

/* Holds a reference of the inner tag. */
struct wrap_snd_tag {
	struct m_snd_tag ws_com; /* first */
	struct m_snd_tag *ws_inner;
	/* while the layer below has not answered */
	struct if_snd_tag_wait ws_wait, *ws_outer;
	struct ifnet *ws_ifp, *ws_lower;
	enum if_snd_tag_type ws_type;
	uint32_t ws_conn;
	const char *ws_whose;
};

static struct wrap_snd_tag *
mst_to_ws(struct m_snd_tag *mst)
{
	return ((struct wrap_snd_tag *)(void *)mst);
}

static int
wrap_modify(struct m_snd_tag *mst, const void *params)
{
	struct m_snd_tag *inner = mst_to_ws(mst)->ws_inner;

	if (inner->sw->snd_tag_modify == NULL)
		return (EOPNOTSUPP);
	return (inner->sw->snd_tag_modify(inner, params));
}

static int
wrap_query(struct m_snd_tag *mst, void *params)
{
	struct m_snd_tag *inner = mst_to_ws(mst)->ws_inner;

	if (inner->sw->snd_tag_query == NULL)
		return (EOPNOTSUPP);
	return (inner->sw->snd_tag_query(inner, params));
}

static void
wrap_free(struct m_snd_tag *mst)
{
	struct wrap_snd_tag *ws = mst_to_ws(mst);
	struct kzone *zone = &mst->ifp->if_vnet->v_net->ns_wrap_tags;

	m_snd_tag_rele(ws->ws_inner);
	kzone_free(zone, ws);
}

static struct m_snd_tag *
wrap_next(struct m_snd_tag *mst)
{
	return (mst_to_ws(mst)->ws_inner);
}

/* One table per type, since the table names the type. */
#define WRAP_SND_TAG_SW(t)                     \
	[t] = {                                \
		.snd_tag_modify = wrap_modify, \
		.snd_tag_query = wrap_query,   \
		.snd_tag_free = wrap_free,     \
		.next_snd_tag = wrap_next,     \
		.type = (t),                   \
	}

static const struct if_snd_tag_sw wrap_snd_tag_sw[] = {
	WRAP_SND_TAG_SW(IF_SND_TAG_TYPE_RATE_LIMIT),
	WRAP_SND_TAG_SW(IF_SND_TAG_TYPE_UNLIMITED),
	WRAP_SND_TAG_SW(IF_SND_TAG_TYPE_TLS),
	WRAP_SND_TAG_SW(IF_SND_TAG_TYPE_TLS_RATE_LIMIT),
};

void
snd_tag_wrap_attach(struct vnet *vnet)
{
	kzone_init(&vnet->v_net->ns_wrap_tags, &vnet->v_kmem, "wrap_tag",
	    sizeof(struct wrap_snd_tag));
}

/* The lower interface has answered for its tag: a word to the trace. */
static void
wrap_told(const struct ifnet *lower, uint32_t conn, const char *whose,
    int error, const struct m_snd_tag *mst)
{
	struct tracer *tr = &lower->if_vnet->v_tracer;

	if (error == EINPROGRESS)
		return;
	if (error != 0)
		TRACE(tr, tag_refused, TU(conn), TS(lower->if_xname), TI(error),
		    TS("the port refused"));
	else
		TRACE(tr, tag_alloc, TU(conn), TS(lower->if_xname),
		    TU(mst->number), TS(whose));
}

int
snd_tag_lower(struct ifnet *lower, const struct if_snd_tag_alloc_params *params,
    const char *whose, struct m_snd_tag **mstp)
{
	int error;

	error = m_snd_tag_alloc(lower, params, mstp);
	wrap_told(lower, params->conn.conn, whose, error, *mstp);
	return (error);
}

/* The wrapper is complete, or is not needed after all. */
static int
wrap_finish(struct wrap_snd_tag *ws, int error, struct m_snd_tag **mstp)
{
	*mstp = NULL;
	if (error != 0) {
		kzone_free(&ws->ws_ifp->if_vnet->v_net->ns_wrap_tags, ws);
		return (error);
	}
	m_snd_tag_init(&ws->ws_com, ws->ws_ifp, &wrap_snd_tag_sw[ws->ws_type]);
	*mstp = &ws->ws_com;
	return (0);
}

static void
wrap_done(struct if_snd_tag_wait *iw, int error, struct m_snd_tag *inner)
{
	struct wrap_snd_tag *ws = containerof(iw, struct wrap_snd_tag, ws_wait);
	struct if_snd_tag_wait *outer = ws->ws_outer;
	struct m_snd_tag *mst;

	wrap_told(ws->ws_lower, ws->ws_conn, ws->ws_whose, error, inner);
	ws->ws_inner = inner;
	error = wrap_finish(ws, error, &mst);
	outer->iw_done(outer, error, mst);
}

int
snd_tag_wrap(struct ifnet *ifp, struct ifnet *lower,
    const struct if_snd_tag_alloc_params *params, const char *whose,
    struct m_snd_tag **mstp)
{
	struct kzone *zone = &ifp->if_vnet->v_net->ns_wrap_tags;
	struct if_snd_tag_alloc_params inner = *params;
	struct wrap_snd_tag *ws;
	int error;

	*mstp = NULL;
	if ((unsigned)params->type >= nitems(wrap_snd_tag_sw))
		return (EOPNOTSUPP);
	if ((ws = kzone_alloc(zone, M_NOWAIT | M_ZERO)) == NULL)
		return (ENOMEM);
	ws->ws_ifp = ifp;
	ws->ws_lower = lower;
	ws->ws_type = params->type;
	ws->ws_conn = params->conn.conn;
	ws->ws_whose = whose;
	ws->ws_wait.iw_done = wrap_done;
	ws->ws_outer = params->wait;
	if (params->wait != NULL)
		inner.wait = &ws->ws_wait;
	error = snd_tag_lower(lower, &inner, whose, &ws->ws_inner);
	if (error == EINPROGRESS)
		return (error);
	return (wrap_finish(ws, error, mstp));
}

int
snd_tag_unwrap(struct mbuf *m, const struct ifnet *ifp,
    const struct ifnet *lower)
{
	struct m_snd_tag *outer = m->m_pkthdr.snd_tag, *inner;

	KASSERT(outer->ifp == ifp,
	    ("tag %u is of %s", outer->number, outer->ifp->if_xname));
	inner = mst_to_ws(outer)->ws_inner;
	if (inner->ifp != lower)
		return (EAGAIN);
	/* The packet's reference moves from the wrapper to what is in it. */
	m->m_pkthdr.snd_tag = m_snd_tag_ref(inner);
	m_snd_tag_rele(outer);
	return (0);
}
