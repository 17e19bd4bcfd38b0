/*
 * A wire between two ports. Each direction: frames handed over by the port
 * wait for the instant their last bit is out (egress: they get their number,
 * their fate is decided, the tap sees them), may queue where the port is
 * faster than the link, and arrive a delay later. Both stages are FIFOs with
 * one event each, so a thousand frames in flight cost the engine no more than
 * one.
 *
 * A port is whatever stands at an end: a simulated card (wire_nic_port), a
 * switch's port, a device of the machine outside. It sends with wire_send, is
 * told when a frame will arrive, and takes it with wire_pull.
 */
#ifndef KTSIM_SIM_WIRE_H
#define KTSIM_SIM_WIRE_H

#include <ktsim/base/prng.h>
#include <ktsim/base/trace.h>
#include <ktsim/nic/nic.h>

struct wire;
struct wire_end;

struct wire_port_ops {
	/*
	 * A frame will arrive at `when` (now or later). Said of the first
	 * frame and perhaps of later ones; who was told asks with wire_pull,
	 * whose answer says when the next one comes.
	 */
	void (*expect)(void *arg, simtime_t when);
	/* The link's state, whenever it changes, and once at the start. */
	void (*link)(void *arg, bool up);
};

/* Owned by who stands there; outlives the wire. */
struct wire_port {
	const char *pt_name;  /* "mce0": for dumps and traces */
	uint64_t pt_rate_bps; /* how fast it sends */
	const struct wire_port_ops *pt_ops;
	void *pt_arg;
	/* Its interface in the capture; WIRE_NOT_RECORDED: what leaves here
	 * was recorded where it began (a switch's port). */
	unsigned pt_capif;
	bool pt_outside; /* what it sends is nobody's here */
};
#define WIRE_NOT_RECORDED UINT32_MAX

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
	void (*wp_tap)(void *arg, const struct wire_port *from, struct frame *,
	    const char *verdict);
	void *wp_tap_arg;
};

struct wire_stats {
	uint64_t frames, bytes, lost, queue_drops, down_drops;
};

struct wire *wire_create(const struct wire_params *);
/* Frames under way are dropped. NULL allowed. */
void wire_destroy(struct wire *);
/* Both ends are attached before anything is sent. */
void wire_attach(struct wire *, int end, struct wire_port *);
struct wire_end *wire_end(struct wire *, int end);
/*
 * The frame's last bit leaves this end at f->f_when (now or later, in order).
 * Takes the reference. FRAME_LOST_RING: only for the record.
 */
void wire_send(struct wire_end *, struct frame *);
/*
 * The frames that arrived at this end before `before` and were not taken yet,
 * with their references, in order, into the queue. Returns when the next one
 * arrives; SIM_NEVER: none is on its way.
 */
simtime_t wire_pull(struct wire_end *, simtime_t before, struct frameq *);

/* A card at an end: np_arg of its nic_port_ops is the wire_end. */
extern const struct nic_port_ops wire_nic_ops;
void wire_nic_port(struct wire_port *, struct nic *, unsigned capif);

void wire_set_link(struct wire *, bool up); /* both ends learn of it */
void wire_set_loss(struct wire *, uint32_t ppb);
bool wire_is_up(const struct wire *);
const char *wire_name(const struct wire *);
const struct wire_stats *wire_stats(const struct wire *, int end);
/* Both directions: state, counters, what is under way; base/dump.h. */
void wire_dump(const struct wire *, struct strbuf *, int indent);
bool wire_idle(const struct wire *);

#endif
