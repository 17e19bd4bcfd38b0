/*
 * An Ethernet switch: store and forward, learning, one queue in front of each
 * port. It stands at the ends of wires as a card does (sim/wire.h). What goes
 * to an address that it has not seen as a source, or to a group, goes out of
 * every other port that has a link. An address stays learnt until it is seen
 * on another port, or its port loses the link. No spanning tree: switches
 * must not be joined in loops.
 *
 * Ports can be one lagg, static or by LACP (net/ieee8023ad_lacp.h): addresses
 * are learnt of it as a whole, a frame to it leaves by one port, chosen by a
 * hash of addresses, IP addresses and TCP's or UDP's ports that is the same
 * for both directions of a flow. With LACP only its ports that distribute send,
 * and only those that collect are heard. What is addressed to bridges
 * (01:80:c2:00:00:00 to 0f), LACP's frames among it, never goes on.
 *
 * What leaves a switch was recorded where it began (WIRE_NOT_RECORDED). What
 * begins here, LACP's frames, has no number yet (f_id 0): give ports of such a
 * lagg an interface of the capture (switch_port_speaks), and do not record
 * what has its number.
 */
#ifndef KTSIM_SIM_SWITCH_H
#define KTSIM_SIM_SWITCH_H

#include <ktsim/sim/wire.h>

struct lanswitch;

struct switch_lagg {
	const char *sl_name;   /* copied */
	bool sl_lacp;	       /* false: static */
	bool sl_fast_timeout;  /* asks the partner for a PDU every second */
	unsigned sl_ports[32]; /* numbers of ports, each in one lagg at most */
	unsigned sl_nports;    /* from 1 */
};

struct switch_params {
	struct timebase *sp_tb;
	const char *sp_name; /* copied */
	const char *const *sp_ports;
	unsigned sp_nports;
	simtime_t sp_latency; /* last bit in to first bit out */
	uint64_t sp_queue;    /* bytes in front of each port */
	/* Of use in switch_create alone. */
	const struct switch_lagg *sp_laggs;
	unsigned sp_nlaggs;
	struct framepool *sp_pool; /* of LACP's frames */
	struct tracer sp_tracer;
};

struct switch_stats { /* of one port */
	uint64_t in, out, flooded, filtered, queue_drops;
};

struct lanswitch *switch_create(const struct switch_params *);
/* After the wires at its ports. NULL allowed. */
void switch_destroy(struct lanswitch *);
/* What to attach to a wire; lives as long as the switch. */
struct wire_port *switch_port(struct lanswitch *, unsigned port);
/* The end of the wire that is attached to it, and how fast it sends there. */
void switch_connect(struct lanswitch *, unsigned port, struct wire_end *,
    uint64_t rate_bps);
/* Frames begin at this port: it is of a lagg with LACP. */
bool switch_port_speaks(const struct lanswitch *, unsigned port);
const char *switch_name(const struct lanswitch *);
const struct switch_stats *switch_stats(const struct lanswitch *,
    unsigned port);
/* Ports with their counters, what was learnt; base/dump.h. */
void switch_dump(const struct lanswitch *, struct strbuf *, int indent);

#endif
