/*
 * An Ethernet switch: store and forward, learning, one queue in front of each
 * port. It stands at the ends of wires as a card does (sim/wire.h). What goes
 * to an address that it has not seen as a source, or to a group, goes out of
 * every other port that has a link. An address stays learnt until it is seen
 * on another port, or its port loses the link. No spanning tree: switches
 * must not be joined in loops.
 *
 * What leaves a switch was recorded where it began (WIRE_NOT_RECORDED).
 */
#ifndef KTSIM_SIM_SWITCH_H
#define KTSIM_SIM_SWITCH_H

#include <ktsim/sim/wire.h>

struct lanswitch;

struct switch_params {
	struct timebase *sp_tb;
	const char *sp_name; /* copied */
	const char *const *sp_ports;
	unsigned sp_nports;
	simtime_t sp_latency; /* last bit in to first bit out */
	uint64_t sp_queue;    /* bytes in front of each port */
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
const char *switch_name(const struct lanswitch *);
const struct switch_stats *switch_stats(const struct lanswitch *,
    unsigned port);
/* Ports with their counters, what was learnt; base/dump.h. */
void switch_dump(const struct lanswitch *, struct strbuf *, int indent);

#endif
