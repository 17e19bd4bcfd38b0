/*
 * A live session: a world whose time follows the wall clock, with devices of
 * this machine at the ends of its links and a control socket beside it.
 *
 * Virtual time is never ahead of the wall clock, and never hurries to catch up
 * with it: what the simulation could not do in time is added to the lag, so
 * that a retransmission timer never fires before the peer could have answered.
 */
#ifndef KTSIM_SIM_LIVE_H
#define KTSIM_SIM_LIVE_H

#include <ktsim/sim/world.h>

struct live;

/* The orders that a session takes, a line for each. */
extern const char ctl_help[];

struct live_opts {
	const struct scenario *lo_sc;
	struct world_opts lo_world; /* wo_outside, wo_poll: the session's */
	const char *lo_control;	    /* path of the control socket */
	/* Lines for a person: a device's peer that leaves checksums open. */
	void (*lo_tell)(void *arg, const char *line);
	void *lo_tell_arg;
};

/*
 * Open the devices, build the world, listen on the control socket. EINVAL: the
 * scenario cannot be built; other errnos: a device, a right or a file is
 * missing. Text in err.
 */
int live_create(const struct live_opts *, struct live **, struct strbuf *err);
/*
 * Until the scenario's `until` if it has one, an order to stop, or a signal:
 * the first SIGINT or SIGTERM ends the session in order, a second one at once
 * (r_interrupted). The world is ended when it returns. 0, or the errno of a
 * device that failed under way (text in err).
 */
int live_run(struct live *, struct strbuf *err);
struct world *live_world(struct live *);
void live_destroy(struct live *); /* not the world; NULL allowed */

/* Enter a network namespace that `ip netns` made, before anything is opened.
 * An errno, with text in err. */
int live_netns(const char *name, struct strbuf *err);

#endif
