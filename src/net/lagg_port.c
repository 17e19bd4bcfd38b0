/*
 * lagg's ports: joining and leaving, link state, and what all of them can do
 * together (capabilities are the intersection, TSO limits the minimum).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "lagg_private.h"

struct lagg_port *
lagg_link_active(struct lagg_softc *sc, struct lagg_port *lp)
{
	struct lagg_port *next;

	if (lp == NULL)
		return (NULL);
	if (lagg_port_active(lp))
		return (lp);
	next = TAILQ_NEXT(lp, lp_link);
	if (next != NULL && lagg_port_active(next))
		return (next);
	TAILQ_FOREACH(next, &sc->sc_ports, lp_link)
		if (lagg_port_active(next))
			break;
	return (next);
}

/* The active port's, or of all that are. */
static uint64_t
lagg_speed(struct lagg_softc *sc, const struct lagg_port *active)
{
	uint64_t sum = 0;
	struct lagg_port *lp;

	if (sc->sc_proto->lpr_speed != NULL)
		return (sc->sc_proto->lpr_speed(sc));
	if (!sc->sc_proto->lpr_all)
		return (active->lp_ifp->if_baudrate);
	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
		if (lagg_port_active(lp))
			sum += lp->lp_ifp->if_baudrate;
	return (sum);
}

void
lagg_announce(struct lagg_softc *sc)
{
	sc->sc_untold = false;
	lle_announce(&sc->sc_ifnet);
	vlan_announce(&sc->sc_ifnet);
}

/*
 * The active port as the protocol sees it for no flow in particular. The
 * trace and the neighbours hear of each change; packets ask for themselves.
 */
void
lagg_update(struct lagg_softc *sc, const char *reason)
{
	struct ifnet *ifp = &sc->sc_ifnet;
	struct lagg_port *lp, *old = sc->sc_active;

	lp = sc->sc_proto->lpr_active != NULL
	    ? sc->sc_proto->lpr_active(sc)
	    : lagg_link_active(sc, sc->sc_primary);
	sc->sc_active = lp;
	if (lp != NULL)
		ifp->if_baudrate = lagg_speed(sc, lp);
	if (lp != old) {
		TRACE(&sc->sc_vnet->v_tracer, lagg_active, TS(ifp->if_xname),
		    TS(lp != NULL ? lp->lp_ifp->if_xname : "none"), TS(reason));
		if (old != NULL)
			sc->sc_stats.failovers++;
	}
	if_link_state_change(ifp, lp != NULL ? LINK_STATE_UP : LINK_STATE_DOWN);
	if (lp != NULL && old != NULL && lp != old)
		lagg_announce(sc);
}

void
lagg_linkstate(struct lagg_port *lp)
{
	lp->lp_softc->sc_stats.flapping++;
	if (lp->lp_softc->sc_proto->lpr_linkstate != NULL)
		lp->lp_softc->sc_proto->lpr_linkstate(lp);
	lagg_update(lp->lp_softc,
	    lagg_port_active(lp) ? "link came up" : "link went down");
}

static void
lagg_tso_limits(struct lagg_softc *sc)
{
	struct ifnet *ifp = &sc->sc_ifnet, *pifp;
	struct lagg_port *lp;
	bool first = true;

	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link) {
		pifp = lp->lp_ifp;
		if (first) {
			ifp->if_hw_tsomax = pifp->if_hw_tsomax;
			ifp->if_hw_tsomaxsegcount = pifp->if_hw_tsomaxsegcount;
			ifp->if_hw_tsomaxsegsize = pifp->if_hw_tsomaxsegsize;
			first = false;
			continue;
		}
		ifp->if_hw_tsomax = MIN(ifp->if_hw_tsomax, pifp->if_hw_tsomax);
		ifp->if_hw_tsomaxsegcount =
		    MIN(ifp->if_hw_tsomaxsegcount, pifp->if_hw_tsomaxsegcount);
		ifp->if_hw_tsomaxsegsize =
		    MIN(ifp->if_hw_tsomaxsegsize, pifp->if_hw_tsomaxsegsize);
	}
}

/* What all ports can, limited to `want`; 0 without ports. */
static uint64_t
lagg_common(const struct lagg_softc *sc, uint64_t want, bool enabled)
{
	const struct lagg_port *lp;

	if (TAILQ_EMPTY(&sc->sc_ports))
		return (0);
	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
		want &= enabled ? lp->lp_ifp->if_capenable
				: lp->lp_ifp->if_capabilities;
	return (want);
}

/*
 * Enable `ena` on every port. A driver may refuse, or enable less (one bit
 * can depend on another), so the common set is taken again until it rests.
 */
static uint64_t
lagg_push(struct lagg_softc *sc, uint64_t ena)
{
	struct lagg_port *lp;
	uint64_t was;

	do {
		was = ena;
		TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
			(void)if_setcap(lp->lp_ifp,
			    ena & lp->lp_ifp->if_capabilities);
		ena = lagg_common(sc, ena, true);
	} while (ena != was);
	return (ena);
}

void
lagg_capabilities(struct lagg_softc *sc)
{
	struct ifnet *ifp = &sc->sc_ifnet;
	uint64_t ena;

	if (sc->sc_capchange)
		return;
	sc->sc_capchange = true;
	ena = lagg_push(sc, lagg_common(sc, UINT64_MAX, true));
	ifp->if_capabilities = lagg_common(sc, UINT64_MAX, false);
	lagg_tso_limits(sc);
	(void)if_setcap(ifp, ena & ifp->if_capabilities);
	sc->sc_capchange = false;
}

void
lagg_port_capchange(struct lagg_port *lp)
{
	lagg_capabilities(lp->lp_softc);
}

/* The user changes the lagg: the ports follow. */
int
lagg_ioctl(struct ifnet *ifp, uint64_t *capenable, uint32_t flags)
{
	struct lagg_softc *sc = ifp->if_softc;

	if (((flags ^ ifp->if_flags) & IFF_UP) != 0 &&
	    sc->sc_proto->lpr_running != NULL)
		sc->sc_proto->lpr_running(sc, (flags & IFF_UP) != 0);
	if (sc->sc_capchange || *capenable == ifp->if_capenable)
		return (0);
	sc->sc_capchange = true;
	*capenable = lagg_push(sc, *capenable);
	sc->sc_capchange = false;
	return (0);
}

/* Some port's driver may refuse: then those that had agreed go back. */
int
lagg_setmtu(struct ifnet *ifp, uint32_t mtu)
{
	struct lagg_softc *sc = ifp->if_softc;
	struct lagg_port *lp, *back;
	int error;

	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link) {
		error = lp->lp_ifp->if_set_mtu != NULL
		    ? lp->lp_ifp->if_set_mtu(lp->lp_ifp, mtu)
		    : EINVAL;
		if (error == 0) {
			lp->lp_ifp->if_mtu = mtu;
			continue;
		}
		for (back = TAILQ_FIRST(&sc->sc_ports); back != lp;
		     back = TAILQ_NEXT(back, lp_link))
			back->lp_ifp->if_mtu = ifp->if_mtu;
		return (error);
	}
	return (0);
}

static void
lagg_port_insert(struct lagg_softc *sc, struct lagg_port *lp)
{
	struct lagg_port *next;

	TAILQ_FOREACH(next, &sc->sc_ports, lp_link)
		if (next->lp_ifp->if_index > lp->lp_ifp->if_index)
			break;
	if (next != NULL)
		TAILQ_INSERT_BEFORE(next, lp, lp_link);
	else
		TAILQ_INSERT_TAIL(&sc->sc_ports, lp, lp_link);
	sc->sc_count++;
}

static int
lagg_may_join(const struct lagg_softc *sc, struct ifnet *ifp)
{
	if (sc->sc_count == LAGG_MAX_PORTS)
		return (ENOSPC);
	if (ifp->if_lagg != NULL)
		return (ifp->if_lagg->lp_softc == sc ? EEXIST : EBUSY);
	if ((ifp->if_flags & IFF_BROADCAST) == 0)
		return (EPROTONOSUPPORT);
	if (ifp_to_lagg(ifp) != NULL)
		return (EINVAL);
	if (sc->sc_count == 0 || ifp->if_mtu == sc->sc_ifnet.if_mtu)
		return (0);
	return (if_setmtu(ifp, sc->sc_ifnet.if_mtu));
}

/* Vlans that stand on the port itself follow. */
static void
lagg_port_lladdr(struct lagg_port *lp, const uint8_t lladdr[6])
{
	memcpy(lp->lp_ifp->if_lladdr, lladdr, 6);
	vlan_lladdr(lp->lp_ifp);
}

/* All ports speak with the one address, which is the primary's own. */
static void
lagg_lladdr(struct lagg_softc *sc)
{
	struct ifnet *ifp = &sc->sc_ifnet;
	struct lagg_port *lp;

	if (sc->sc_primary != NULL)
		memcpy(ifp->if_lladdr, sc->sc_primary->lp_lladdr, 6);
	else
		memset(ifp->if_lladdr, 0, 6);
	TAILQ_FOREACH(lp, &sc->sc_ports, lp_link)
		lagg_port_lladdr(lp, ifp->if_lladdr);
	vlan_lladdr(ifp);
}

int
lagg_addport(struct lagg_softc *sc, struct ifnet *ifp)
{
	struct lagg_port *lp;
	int error;

	if ((error = lagg_may_join(sc, ifp)) != 0)
		return (error);
	lp = xcalloc(1, sizeof(*lp));
	lp->lp_softc = sc;
	lp->lp_ifp = ifp;
	lp->lp_if_input = ifp->if_input;
	memcpy(lp->lp_lladdr, ifp->if_lladdr, sizeof(lp->lp_lladdr));
	if (sc->sc_count == 0) {
		sc->sc_primary = lp;
		sc->sc_ifnet.if_mtu = ifp->if_mtu;
	}
	ifp->if_input = lagg_input;
	lagg_port_insert(sc, lp);
	lagg_lladdr(sc);
	ifp->if_lagg = lp;
	if (sc->sc_proto->lpr_addport != NULL)
		sc->sc_proto->lpr_addport(lp);
	lagg_capabilities(sc);
	lagg_update(sc, "port added");
	return (0);
}

int
lagg_delport(struct lagg_softc *sc, struct ifnet *ifp)
{
	struct lagg_port *lp = ifp->if_lagg, *active;
	bool moved = false;

	if (lp == NULL || lp->lp_softc != sc)
		return (ENOENT);
	if (lp->lp_psc != NULL)
		sc->sc_proto->lpr_delport(lp);
	TAILQ_REMOVE(&sc->sc_ports, lp, lp_link);
	sc->sc_count--;
	ifp->if_lagg = NULL;
	ifp->if_input = lp->lp_if_input;
	lagg_port_lladdr(lp, lp->lp_lladdr);
	if (sc->sc_primary == lp) {
		sc->sc_primary = TAILQ_FIRST(&sc->sc_ports);
		lagg_lladdr(sc);
		/* Who tells its partner the address begins anew with it, and
		 * the others hear of it when it sends again. */
		if (sc->sc_psc != NULL) {
			lagg_restart(sc, sc->sc_proto);
			sc->sc_untold = true;
		} else
			moved = true;
	}
	lagg_capabilities(sc);
	/* A change of the active port is announced anyway. */
	active = sc->sc_active;
	lagg_update(sc, "port removed");
	if (moved && sc->sc_active == active)
		lagg_announce(sc);
	free(lp);
	return (0);
}
