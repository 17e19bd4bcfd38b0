/*
 * lagg(4): several ports as one interface.
 *
 * Protocols: failover, loadbalance, roundrobin, broadcast, lacp
 * (ieee8023ad_lacp.h). Ports are kept sorted by interface index.
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

/* Fields that a packet's hash takes in: `lagghash`. */
#define LAGG_HASH_L2  0x1 /* addresses, VLAN tag */
#define LAGG_HASH_L3  0x2 /* addresses */
#define LAGG_HASH_L4  0x4 /* ports; IPv6: the flow label */
#define LAGG_HASH_ALL 0x7

struct lagg_opts {
	/*
	 * loadbalance, lacp: a packet's port is that of its flow number, if it has
	 * one, and not of its headers' hash. Without it there are no send tags,
	 * and so no TLS in the card. FreeBSD's default: false.
	 */
	bool use_flowid;
	uint32_t flowid_shift; /* bits of the flow number that are left out, to
				  31 */
	uint32_t hash_layers;  /* LAGG_HASH_* */
	uint32_t rr_limit;     /* roundrobin: packets in a row to one port */
	/*
	 * lacp: a flow of a NUMA domain has a port of that domain, where ports
	 * of several domains distribute. FreeBSD's default: true.
	 */
	bool use_numa;
	bool lacp_strict;	/* lpa_strict; FreeBSD's default: true */
	bool lacp_fast_timeout; /* FreeBSD's default: false */
};

/* Of a port, as the kernel tells ifconfig. */
#define LAGG_PORT_MASTER       0x01
#define LAGG_PORT_ACTIVE       0x04
#define LAGG_PORT_COLLECTING   0x08
#define LAGG_PORT_DISTRIBUTING 0x10

struct lagg_stats {
	uint64_t tag_mismatch; /* packets freed with EAGAIN */
	uint64_t no_port;      /* ENETDOWN */
	uint64_t rx_inactive;  /* received on a non-active port, dropped */
	uint64_t failovers;    /* times the active port changed */
	uint64_t flapping;     /* times a port's link came or went */
	uint64_t suppressed;   /* lacp: ENOBUFS while markers are out */
};

/* proto: "failover", "loadbalance", "roundrobin", "broadcast", "lacp".
 * EPROTONOSUPPORT for anything else. Options: FreeBSD's defaults. */
int lagg_create(struct vnet *, const char *xname, const char *proto,
    struct lagg_softc **);
/* Ports are removed first. */
void lagg_destroy(struct lagg_softc *);
/* EINVAL: out of its bounds. */
int lagg_setopts(struct lagg_softc *, const struct lagg_opts *);
const struct lagg_opts *lagg_opts(const struct lagg_softc *);
/* Another protocol; the ports stay. EPROTONOSUPPORT. */
int lagg_setproto(struct lagg_softc *, const char *proto);
const char *lagg_protoname(const struct lagg_softc *);
/* The lagg behind an interface; NULL: it is none. */
struct lagg_softc *ifp_to_lagg(struct ifnet *);
struct ifnet *lagg_ifp(struct lagg_softc *);
/*
 * The first port added is the primary and gives its address to all. A port gets
 * the lagg's MTU. ENOSPC: 32 ports; EEXIST: it is a port of this lagg, EBUSY: of
 * another; EPROTONOSUPPORT: no Ethernet interface; EINVAL: a lagg, or a card
 * that cannot have the MTU. Takes over the port's if_input.
 */
int lagg_addport(struct lagg_softc *, struct ifnet *);
/* It has its own address again; when it was the primary, the next one gives
 * its own to the lagg. ENOENT: no port of this lagg. */
int lagg_delport(struct lagg_softc *, struct ifnet *);
struct ifnet *lagg_active_port(struct lagg_softc *); /* NULL: all down */
const struct lagg_stats *lagg_stats(const struct lagg_softc *);
/* Protocol, ports, which one is active; base/dump.h. */
void lagg_dump(struct lagg_softc *, struct strbuf *, int indent);
/* A port's link changed; called by if_link_state_change. */
void lagg_linkstate(struct lagg_port *);

#endif
