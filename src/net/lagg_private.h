/* What the files of lagg(4) share. */
#ifndef KTSIM_SRC_LAGG_PRIVATE_H
#define KTSIM_SRC_LAGG_PRIVATE_H

#include <ktsim/net/if_lagg.h>

#include "net_private.h"

struct lagg_port {
	TAILQ_ENTRY(lagg_port) lp_link;
	struct lagg_softc *lp_softc;
	struct ifnet *lp_ifp;
	/* what the port was before it joined */
	void (*lp_if_input)(struct ifnet *, struct mbuf *);
	uint8_t lp_lladdr[6];
	void *lp_psc; /* the protocol's own; NULL: has none */
};

/* A protocol decides which port sends and which one is heard. */
struct lagg_proto {
	const char *lpr_name;
	/* The port of a packet; NULL: none is active. With lpr_transmit: not
	 * needed. */
	struct lagg_port *(*lpr_port)(struct lagg_softc *, const struct mbuf *);
	/* The port for a send tag: the one that the flow's packets will have.
	 * NULL method, or none: there is no such thing. */
	struct lagg_port *(*lpr_tag_port)(struct lagg_softc *,
	    const struct if_snd_tag_alloc_params *);
	/* More than handing it to its port; takes the packet. NULL: that. */
	int (*lpr_transmit)(struct lagg_softc *, struct mbuf *);
	bool (*lpr_input)(struct lagg_softc *, struct lagg_port *);
	bool lpr_all; /* all active ports are used: their speeds add up */

	/* What follows may be NULL. --- received frames of the protocol's own:
	 * true: it was one, and is taken. */
	bool (*lpr_control)(struct lagg_port *, struct mbuf *);
	/* State of its own (sc_psc, lp_psc), at any time, whatever ports there
	 * are. Between detach and attach only ports are removed. */
	void (*lpr_attach)(struct lagg_softc *);
	void (*lpr_detach)(struct lagg_softc *);
	void (*lpr_running)(struct lagg_softc *, bool up); /* IFF_UP changes */
	void (*lpr_setopts)(struct lagg_softc *);
	/* The port is in the list: already, and still. */
	void (*lpr_addport)(struct lagg_port *);
	void (*lpr_delport)(struct lagg_port *);
	void (*lpr_linkstate)(struct lagg_port *);
	/* For no flow in particular, and all together; NULL method: by the
	 * ports' links. */
	struct lagg_port *(*lpr_active)(struct lagg_softc *);
	uint64_t (*lpr_speed)(struct lagg_softc *);
	/* LAGG_PORT_*; NULL: by the ports' links. */
	uint32_t (*lpr_port_flags)(const struct lagg_port *);
	/* Lines of `ifconfig -v`, of the lagg and behind each port's. */
	void (*lpr_show)(struct lagg_softc *, struct strbuf *);
	void (*lpr_port_show)(const struct lagg_port *, struct strbuf *);
	void (*lpr_dump)(struct lagg_softc *, struct strbuf *, int indent);
	void (*lpr_port_dump)(const struct lagg_port *, struct strbuf *,
	    int indent);
};

extern const struct lagg_proto lagg_failover, lagg_loadbalance, lagg_roundrobin,
    lagg_broadcast, lagg_lacp;

struct lagg_softc {
	struct ifnet sc_ifnet; /* first */
	struct vnet *sc_vnet;
	const struct lagg_proto *sc_proto;
	TAILQ_HEAD(, lagg_port) sc_ports; /* by if_index */
	unsigned sc_count;
	struct lagg_port *sc_primary;
	struct lagg_port *sc_active; /* last told to the trace */
	struct lagg_opts sc_opts;
	uint32_t sc_hash_init;	  /* the seed, hashed */
	uint32_t sc_seq;	  /* roundrobin: packets so far */
	bool sc_capchange;	  /* we are pushing capabilities */
	bool sc_untold;		  /* nobody knows its new address yet */
	struct ifnet *sc_tag_ifp; /* who was to make the last tag (planted) */
	void *sc_psc;		  /* the protocol's own */
	struct lagg_stats sc_stats;
};

static inline bool
lagg_port_active(const struct lagg_port *lp)
{
	return (lp->lp_ifp->if_link_state == LINK_STATE_UP &&
	    (lp->lp_ifp->if_flags & IFF_UP) != 0);
}

/* lp when its link is up, else the next one in the list, else the first. */
struct lagg_port *lagg_link_active(struct lagg_softc *, struct lagg_port *lp);

/* Where the addresses are now, to those on the link. */
void lagg_announce(struct lagg_softc *);

/* --- if_lagg.c --- */
/* To this port; takes the packet. EAGAIN: its send tag is another port's. */
int lagg_enqueue(struct lagg_softc *, struct lagg_port *, struct mbuf *);
/* The packet is freed, with a word to the trace; returns error. */
int lagg_drop(struct lagg_softc *, struct mbuf *, int error, const char *why);
/* Its protocol begins anew, or another one does: all ports are asked again. */
void lagg_restart(struct lagg_softc *, const struct lagg_proto *);
/* No port is active: the packet is dropped. ENETDOWN. */
int lagg_no_port(struct lagg_softc *, struct mbuf *);

/* LAGG_PORT_*: what the protocol makes of the port now. */
uint32_t lagg_port_flags(struct lagg_softc *, const struct lagg_port *);
/* Options as the kernel tells ifconfig. */
#define LAGG_OPT_USE_FLOWID	0x01
#define LAGG_OPT_USE_NUMA	0x04
#define LAGG_OPT_LACP_STRICT	0x10
#define LAGG_OPT_LACP_FAST_TIMO 0x80
uint32_t lagg_opt_flags(const struct lagg_opts *);

/* --- lagg_hash.c --- */
uint32_t lagg_fnv32(const void *, size_t len, uint32_t hash);
uint32_t lagg_hash_init(struct vnet *, const char *xname);
uint32_t lagg_hash(const struct mbuf *, uint32_t layers, uint32_t init);

/* --- lagg_port.c --- */
/* The set of ports or a port's state changed: choice, link, speed. */
void lagg_update(struct lagg_softc *, const char *reason);
/* Capabilities and TSO limits from the ports'. */
void lagg_capabilities(struct lagg_softc *);
int lagg_ioctl(struct ifnet *, uint64_t *capenable, uint32_t flags);
void lagg_input(struct ifnet *, struct mbuf *);

/* --- lagg_tag.c --- */
if_snd_tag_alloc_fn lagg_snd_tag_alloc;
/* Its ports are to be asked. */
void lagg_ratelimit_query(struct ifnet *, struct if_ratelimit_query_results *);

#endif
