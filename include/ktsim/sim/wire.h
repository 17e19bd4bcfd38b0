/*
 * A wire between two ports. Each direction: frames handed over by the port
 * wait for the instant their last bit is out (egress: they get their number,
 * their fate is decided, the tap sees them), may queue where the port is
 * faster than the link, go through the direction's impairments (sim/impair.h,
 * of which the link's own loss is the first, before the queue) and arrive a
 * delay later. Both stages are queues with one event each, so a thousand
 * frames in flight cost the engine no more than one. What is in flight
 * arrives in order, except what a reordering impairment made late.
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
#include <ktsim/sim/impair.h>

struct wire;
struct wire_end;

struct wire_port_ops {
	/*
	 * A frame will arrive at `when` (now or later). Said of the first
	 * frame and perhaps of later ones, which may come before those that
	 * were told; who was told asks with wire_pull, whose answer says when
	 * the next one comes.
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
	 * was recorded where it began (a switch's port). So was, anywhere, a
	 * frame that has its number. */
	unsigned pt_capif;
	bool pt_outside; /* what it sends is nobody's here */
};
#define WIRE_NOT_RECORDED UINT32_MAX

/* What becomes of a frame, as the tap may know it. */
struct wire_fate {
	const char *wf_lost;	    /* why; NULL: it will arrive */
	const char *wf_remark;	    /* what else happens to it; NULL */
	simtime_t wf_arrives;	    /* if it does */
	const struct wire *wf_wire; /* that it is sent into ... */
	int wf_end;		    /* ... by this end */
};

struct wire_params {
	struct timebase *wp_tb;
	const char *wp_name; /* "server.mce0 - client.mce0"; copied */
	/* Of both directions; wire_set_way changes one. */
	uint64_t wp_rate_bps;
	simtime_t wp_delay;
	uint64_t wp_queue; /* bytes */
	uint32_t wp_loss_ppb;
	uint64_t wp_seed;
	struct tracer wp_tracer;
	/* Each frame at egress, in time order, undamaged. */
	void (*wp_tap)(void *arg, const struct wire_port *from, struct frame *,
	    const struct wire_fate *);
	/* What the card at an end reads and writes over its bus; NULL: nobody
	 * looks. As np_dma of nic.h. */
	void (*wp_dma)(void *arg, const struct wire_port *, struct nic *,
	    unsigned queue, bool completion, const uint8_t *bytes, uint32_t len,
	    const char *text);
	void *wp_tap_arg; /* of both */
};

/* What one direction is like. */
struct wire_way {
	uint64_t ww_rate_bps;
	simtime_t ww_delay;
	uint64_t ww_queue; /* bytes, where the port is faster */
	uint32_t ww_loss_ppb;
};

struct wire_stats {
	uint64_t frames, bytes;
	uint64_t lost; /* by the link's loss or another impairment */
	uint64_t queue_drops, down_drops, suspended_drops;
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

/* A card at an end: np_arg of its nic_port_ops is the wire_end. The second
 * ones call wp_dma. */
extern const struct nic_port_ops wire_nic_ops, wire_nic_dma_ops;
void wire_nic_port(struct wire_port *, struct nic *, unsigned capif);

void wire_set_link(struct wire *, bool up); /* both ends learn of it */
/* The carrier stays and nothing gets through; nobody learns of it. */
void wire_suspend(struct wire *, bool);
void wire_set_loss(struct wire *, uint32_t ppb);
/* Of what leaves this end. Frames under way are not overtaken. */
void wire_set_way(struct wire *, int end, const struct wire_way *);
const struct wire_way *wire_way(const struct wire *, int end);
/* The impairments of what leaves this end, to look at: the first is the loss. */
const struct impair *wire_impair(const struct wire *, int end);
/* Before anything is sent: flows are counted from the first SYN on. */
void wire_impair_add(struct wire *, int end, const struct sc_impair *);
/* As impair_set and impair_enable, in each direction that has the node. */
int wire_impair_set(struct wire *, const char *node, const struct sc_impair *);
int wire_impair_enable(struct wire *, const char *node, bool);
/* Up, not suspended, and no impairment strikes any more. */
void wire_faults_off(struct wire *);
bool wire_is_up(const struct wire *);
const char *wire_name(const struct wire *);
const struct wire_stats *wire_stats(const struct wire *, int end);
/* Both directions: state, counters, what is under way; base/dump.h. */
void wire_dump(const struct wire *, struct strbuf *, int indent);
bool wire_idle(const struct wire *);

#endif
