/*
 * lagg(4): the interface above the ports. Creation, transmission, reception.
 *
 * A packet comes with lagg's tag or none. Which port sends it is the
 * protocol's decision at that moment; a tag of another port means that the
 * decision changed since the tag was taken: the packet is given up with
 * EAGAIN and the session must take a new tag.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "lagg_private.h"

static const struct lagg_proto *const lagg_protos[] = { &lagg_failover,
	&lagg_loadbalance, &lagg_roundrobin, &lagg_broadcast, &lagg_lacp };

static const struct lagg_proto *
lagg_proto_find(const char *name)
{
	for (size_t i = 0; i < nitems(lagg_protos); i++)
		if (strcmp(lagg_protos[i]->lpr_name, name) == 0)
			return (lagg_protos[i]);
	return (NULL);
}

int
lagg_drop(struct lagg_softc *sc, struct mbuf *m, int error, const char *why)
{
	TRACE(&sc->sc_vnet->v_tracer, lagg_drop, TS(sc->sc_ifnet.if_xname),
	    TU(m->m_pkthdr.note.pn_conn), TU(m->m_pkthdr.len), TI(error),
	    TS(why), TU(m->m_pkthdr.note.pn_frame));
	sc->sc_ifnet.if_ctr.oerrors++;
	/* Planted: M05, the packet keeps its session and tag for ever. */
	if (error != EAGAIN || !V_DEFECT(sc->sc_vnet, NET_EAGAIN_LEAK))
		m_freem(m);
	return (error);
}

int
lagg_enqueue(struct lagg_softc *sc, struct lagg_port *lp, struct mbuf *m)
{
	uint32_t len = (uint32_t)m->m_pkthdr.len;
	int error;

	if ((m->m_pkthdr.csum_flags & CSUM_SND_TAG) != 0 &&
	    snd_tag_unwrap(m, &sc->sc_ifnet, lp->lp_ifp) != 0) {
		sc->sc_stats.tag_mismatch++;
		return (lagg_drop(sc, m, EAGAIN,
		    "send tag is not of the active port"));
	}
	error = lp->lp_ifp->if_transmit(lp->lp_ifp, m);
	if (error == 0) {
		sc->sc_ifnet.if_ctr.opackets++;
		sc->sc_ifnet.if_ctr.obytes += len;
	} else
		sc->sc_ifnet.if_ctr.oerrors++;
	return (error);
}

int
lagg_no_port(struct lagg_softc *sc, struct mbuf *m)
{
	sc->sc_stats.no_port++;
	return (lagg_drop(sc, m, ENETDOWN, "no port is active"));
}

static int
lagg_transmit(struct ifnet *ifp, struct mbuf *m)
{
	struct lagg_softc *sc = ifp->if_softc;
	struct lagg_port *lp;

	KASSERT((m->m_pkthdr.csum_flags & CSUM_SND_TAG) == 0 ||
		m->m_pkthdr.snd_tag->ifp == ifp,
	    ("%s: packet with a tag of %s", ifp->if_xname,
		m->m_pkthdr.snd_tag->ifp->if_xname));
	if (sc->sc_proto->lpr_transmit != NULL)
		return (sc->sc_proto->lpr_transmit(sc, m));
	if ((lp = sc->sc_proto->lpr_port(sc, m)) == NULL)
		return (lagg_no_port(sc, m));
	return (lagg_enqueue(sc, lp, m));
}

static void
lagg_input_told(struct lagg_softc *sc, const struct mbuf *m, const char *why)
{
	TRACE(&sc->sc_vnet->v_tracer, lagg_drop, TS(sc->sc_ifnet.if_xname),
	    TU(m->m_pkthdr.note.pn_conn), TU(m->m_pkthdr.len), TI(0), TS(why),
	    TU(m->m_pkthdr.note.pn_frame));
}

void
lagg_input(struct ifnet *ifp, struct mbuf *m)
{
	struct lagg_softc *sc = ifp->if_lagg->lp_softc;
	struct ifnet *lifp = &sc->sc_ifnet;

	if ((lifp->if_flags & IFF_UP) == 0) {
		lagg_input_told(sc, m, "received while the lagg was not up");
		m_freem(m);
		return;
	}
	if (sc->sc_proto->lpr_control != NULL &&
	    sc->sc_proto->lpr_control(ifp->if_lagg, m))
		return;
	if (!sc->sc_proto->lpr_input(sc, ifp->if_lagg)) {
		lagg_input_told(sc, m, "received on a port that is not active");
		sc->sc_stats.rx_inactive++;
		m_freem(m);
		return;
	}
	lifp->if_ctr.ipackets++;
	lifp->if_ctr.ibytes += (uint64_t)m->m_pkthdr.len;
	/* Above the lagg it is the lagg's; receive tags are of its port. */
	m->m_pkthdr.leaf_rcvif = ifp;
	lifp->if_input(lifp, m);
}

int
lagg_create(struct vnet *vnet, const char *xname, const char *proto,
    struct lagg_softc **scp)
{
	static const uint8_t nolladdr[6];
	const struct lagg_proto *lpr;
	struct lagg_softc *sc;
	struct ifnet *ifp;

	*scp = NULL;
	lpr = lagg_proto_find(proto);
	if (lpr == NULL)
		return (EPROTONOSUPPORT);
	sc = xcalloc(1, sizeof(*sc));
	sc->sc_vnet = vnet;
	sc->sc_proto = lpr;
	sc->sc_opts = (struct lagg_opts) { .flowid_shift = 16,
		.hash_layers = LAGG_HASH_L2 | LAGG_HASH_L3 | LAGG_HASH_L4,
		.rr_limit = 1,
		.use_numa = true,
		.lacp_strict = true };
	sc->sc_hash_init = lagg_hash_init(vnet, xname);
	TAILQ_INIT(&sc->sc_ports);
	ifp = &sc->sc_ifnet;
	ifp->if_softc = sc;
	ifp->if_transmit = lagg_transmit;
	ifp->if_snd_tag_alloc = lagg_snd_tag_alloc;
	ifp->if_ratelimit_query = lagg_ratelimit_query;
	ifp->if_ioctl = lagg_ioctl;
	ifp->if_set_mtu = lagg_setmtu;
	ifp->if_flags = IFF_DRV_RUNNING;
	ifp->if_link_state = LINK_STATE_DOWN;
	ether_ifattach(ifp, nolladdr);
	if_attach(vnet, ifp, xname);
	if (lpr->lpr_attach != NULL)
		lpr->lpr_attach(sc);
	*scp = sc;
	return (0);
}

void
lagg_destroy(struct lagg_softc *sc)
{
	struct lagg_port *lp;

	if (sc == NULL)
		return;
	/* First, so that nothing is said any more, to neighbours or a partner. */
	sc->sc_ifnet.if_flags &= ~(uint32_t)IFF_UP;
	if (sc->sc_proto->lpr_detach != NULL)
		sc->sc_proto->lpr_detach(sc);
	while ((lp = TAILQ_FIRST(&sc->sc_ports)) != NULL)
		(void)lagg_delport(sc, lp->lp_ifp);
	if_detach(&sc->sc_ifnet);
	free(sc);
}

int
lagg_setopts(struct lagg_softc *sc, const struct lagg_opts *lo)
{
	if (lo->flowid_shift > 31 || lo->rr_limit == 0 ||
	    (lo->hash_layers & ~LAGG_HASH_ALL) != 0)
		return (EINVAL);
	sc->sc_opts = *lo;
	if (sc->sc_proto->lpr_setopts != NULL)
		sc->sc_proto->lpr_setopts(sc);
	return (0);
}

const struct lagg_opts *
lagg_opts(const struct lagg_softc *sc)
{
	return (&sc->sc_opts);
}

struct ifnet *
lagg_ifp(struct lagg_softc *sc)
{
	return (&sc->sc_ifnet);
}

struct ifnet *
lagg_active_port(struct lagg_softc *sc)
{
	return (sc->sc_active != NULL ? sc->sc_active->lp_ifp : NULL);
}

const struct lagg_stats *
lagg_stats(const struct lagg_softc *sc)
{
	return (&sc->sc_stats);
}

const char *
lagg_protoname(const struct lagg_softc *sc)
{
	return (sc->sc_proto->lpr_name);
}

void
lagg_restart(struct lagg_softc *sc, const struct lagg_proto *lpr)
{
	if (sc->sc_proto->lpr_detach != NULL)
		sc->sc_proto->lpr_detach(sc);
	sc->sc_proto = lpr;
	if (lpr->lpr_attach != NULL)
		lpr->lpr_attach(sc);
}

int
lagg_setproto(struct lagg_softc *sc, const char *proto)
{
	const struct lagg_proto *lpr = lagg_proto_find(proto);

	if (lpr == NULL)
		return (EPROTONOSUPPORT);
	lagg_restart(sc, lpr);
	lagg_update(sc, "another protocol");
	return (0);
}

struct lagg_softc *
ifp_to_lagg(struct ifnet *ifp)
{
	return (ifp->if_transmit == lagg_transmit ? ifp->if_softc : NULL);
}

uint32_t
lagg_opt_flags(const struct lagg_opts *lo)
{
	return ((lo->use_flowid ? LAGG_OPT_USE_FLOWID : 0) |
	    (lo->use_numa ? LAGG_OPT_USE_NUMA : 0) |
	    (lo->lacp_strict ? LAGG_OPT_LACP_STRICT : 0) |
	    (lo->lacp_fast_timeout ? LAGG_OPT_LACP_FAST_TIMO : 0));
}

/* Failover has one port at work, the other protocols all whose link is up. */
uint32_t
lagg_port_flags(struct lagg_softc *sc, const struct lagg_port *lp)
{
	uint32_t flags = 0;

	if (sc->sc_proto->lpr_port_flags != NULL)
		return (sc->sc_proto->lpr_port_flags(lp));
	if (!sc->sc_proto->lpr_all && lp == sc->sc_primary)
		flags |= LAGG_PORT_MASTER;
	if (sc->sc_proto->lpr_all ? lagg_port_active(lp) : lp == sc->sc_active)
		flags |= LAGG_PORT_ACTIVE;
	return (flags);
}
