/* callout(9): a one-shot timer on virtual time. Embedded in its owner. */
#ifndef KTSIM_KERN_CALLOUT_H
#define KTSIM_KERN_CALLOUT_H

#include <ktsim/base/timebase.h>

struct callout {
	struct sim_event c_event;
	struct timebase *c_tb;
};

static inline void
callout_init(struct callout *c, struct timebase *tb, const char *name,
    sim_event_fn *fn, void *arg)
{
	sim_event_init(&c->c_event, EV_CALLOUT, name, fn, arg);
	c->c_tb = tb;
}

/* (Re)arm to fire `delta` from now. */
static inline void
callout_reset(struct callout *c, simtime_t delta)
{
	timebase_post_in(c->c_tb, &c->c_event, delta);
}

static inline void
callout_stop(struct callout *c)
{
	timebase_cancel(c->c_tb, &c->c_event);
}

static inline bool
callout_active(const struct callout *c)
{
	return (sim_event_pending(&c->c_event));
}

#endif
