/*
 * A wire between two ports. Each direction: frames handed over by the card
 * wait for the instant their last bit is out (egress: they get their number,
 * their fate is decided, the tap sees them), may queue where the port is
 * faster than the link, and arrive a delay later. Both stages are FIFOs with
 * one event each, so a thousand frames in flight cost the engine no more than
 * one.
 */
#ifndef KTSIM_SIM_WIRE_H
#define KTSIM_SIM_WIRE_H

#include <ktsim/base/prng.h>
#include <ktsim/base/trace.h>
#include <ktsim/nic/nic.h>

struct wire;

struct wire_params {
	struct timebase *wp_tb;
	const char *wp_name; /* "server.mce0 - client.mce0"; copied */
	uint64_t wp_rate_bps;
	simtime_t wp_delay;
	uint64_t wp_queue; /* bytes */
	uint32_t wp_loss_ppb;
	uint64_t wp_seed;
	struct tracer wp_tracer;
	/* Each frame at egress, in time order; verdict NULL: it will arrive. */
	void (*wp_tap)(void *arg, struct nic *from, struct frame *,
	    const char *verdict);
	void *wp_tap_arg;
};

struct wire_stats {
	uint64_t frames, bytes, lost, queue_drops, down_drops;
};

struct wire *wire_create(const struct wire_params *);
/* Frames under way are dropped. NULL allowed. */
void wire_destroy(struct wire *);
/* The two ports; their egress goes to wire_port_ops with the end as argument. */
void wire_attach(struct wire *, int end, struct nic *);
extern const struct nic_port_ops wire_port_ops;
void *wire_end(struct wire *, int end);	    /* np_arg for the card */
void wire_set_link(struct wire *, bool up); /* both ends learn of it */
void wire_set_loss(struct wire *, uint32_t ppb);
const char *wire_name(const struct wire *);
const struct wire_stats *wire_stats(const struct wire *, int end);
/* Both directions: state, counters, what is under way; base/dump.h. */
void wire_dump(const struct wire *, struct strbuf *, int indent);
bool wire_idle(const struct wire *);

#endif
