/* A device at the end of a wire: frames out, frames in, and what is counted. */
#ifndef LIVE_PORT_H
#define LIVE_PORT_H

#include <ktsim/sim/wire.h>
#include <ktsim/sim/world.h>

#include "device.h"

struct port_stats {
	uint64_t ps_in, ps_out; /* frames */
	uint64_t ps_refused;	/* by the device: it is down, or full */
	uint64_t ps_bad_sums;	/* came with a checksum that is not computed */
	uint64_t ps_oversize;	/* came longer than its MTU allows */
	uint64_t ps_cut;	/* too long to be taken at all */
};

struct live_port {
	struct live_dev *lp_dev; /* owned */
	struct outside_params lp_op;
	struct sim_event lp_out; /* the next frame arrives here */
	struct framebuf *lp_buf; /* of frames that came, being filled */
	uint32_t lp_used;	 /* of it */
	struct port_stats lp_stats;
	bool lp_readable, lp_closed;
	int lp_refusal; /* the device's last errno */
	struct live_port *lp_next;
};

/* Takes the device; fills in the wire's port, whose argument it is. */
struct live_port *live_port_create(struct live_dev *,
    const struct outside_params *, struct wire_port *);
/*
 * Read frames into the wire, now: at most so many and so many bytes. 0: there
 * are no more; EAGAIN: perhaps there are; an errno: the device is gone.
 */
int live_port_read(struct live_port *, unsigned frames, size_t bytes);
/* Nothing goes in or out any more; buffers are back in the pool. */
void live_port_detach(struct live_port *);
void live_port_destroy(struct live_port *);
/* What a person should do about what came; false: all is well. */
bool live_port_complaint(const struct live_port *, struct strbuf *);

#endif
