/*
 * lagg(4): several ports as one interface.
 *
 * This protocol is failover; the switch of protocols is a table so
 * that the others can be added. Ports are kept sorted by interface index.
 * Capabilities are the intersection of the ports', TSO limits the minimum.
 * Tags nest: lagg's tag wraps the tag of the port that the protocol chooses
 * for the flow, by the same function that chooses the port for packets.
 * Source: net/if_lagg.c; freebsd-ktls.md section 6.
 */
#ifndef KTSIM_NET_IF_LAGG_H
#define KTSIM_NET_IF_LAGG_H

#include <ktsim/net/if_var.h>

#define LAGG_MAX_PORTS 32

struct lagg_softc;
struct lagg_port;

struct lagg_stats {
	uint64_t tag_mismatch; /* packets freed with EAGAIN */
	uint64_t no_port;      /* ENETDOWN */
	uint64_t rx_inactive;  /* received on a non-active port, dropped */
	uint64_t failovers;    /* times the active port changed */
};

/* proto: "failover". EPROTONOSUPPORT for anything else. */
int lagg_create(struct vnet *, const char *xname, const char *proto,
    struct lagg_softc **);
/* Ports are removed first. */
void lagg_destroy(struct lagg_softc *);
struct ifnet *lagg_ifp(struct lagg_softc *);
/* The first port added is the primary. ENOSPC, EBUSY (in a lagg already),
 * EINVAL (a lagg in a lagg). Takes over the port's if_input. */
int lagg_addport(struct lagg_softc *, struct ifnet *);
/* ENOENT. */
int lagg_delport(struct lagg_softc *, struct ifnet *);
struct ifnet *lagg_active_port(struct lagg_softc *); /* NULL: all down */
const struct lagg_stats *lagg_stats(const struct lagg_softc *);
/* Protocol, ports, which one is active; base/dump.h. */
void lagg_dump(struct lagg_softc *, struct strbuf *, int indent);
/* A port's link changed; called by if_link_state_change. */
void lagg_linkstate(struct lagg_port *);

#endif
