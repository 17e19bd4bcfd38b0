/*
 * The port through which the laboratory gives time to kernels and cards.
 *
 * Events are embedded in their owner, so posting never allocates and never
 * fails. They fire in the total order (when, class, order of posting); the
 * classes settle what comes first when several things fall on one instant.
 * Handlers run on the engine's thread, one at a time, and may post, move and
 * cancel any event, their own included.
 */
#ifndef KTSIM_BASE_TIMEBASE_H
#define KTSIM_BASE_TIMEBASE_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>

enum event_class {   /* earlier in the list fires first */
	EV_TIMELINE, /* scenario steps */
	EV_WIRE,     /* frame arrivals */
	EV_NIC,	     /* ring fetches and completions */
	EV_CRYPTO,   /* encryption and decryption completions */
	EV_DISK,     /* page I/O completions */
	EV_TASK,     /* taskqueues, worker wake-ups */
	EV_CALLOUT,  /* protocol timers */
	EV_APP,	     /* applications see what all that led to */
	EV_JUDGE,    /* claims are judged after all of that */
	EV_NCLASSES
};

typedef void sim_event_fn(void *arg);

struct sim_event {
	simtime_t ev_when; /* valid while pending */
	uint64_t ev_order; /* set by post: order of posting */
	sim_event_fn *ev_fn;
	void *ev_arg;
	const char *ev_name; /* static string, for traces and dumps */
	uint32_t ev_slot;    /* place in the queue + 1; 0: not pending */
	uint8_t ev_class;    /* enum event_class */
};

struct timebase;

struct timebase_ops {
	void (*post)(struct timebase *, struct sim_event *, simtime_t when);
	void (*cancel)(struct timebase *, struct sim_event *);
};

struct timebase {
	simtime_t tb_now;
	const struct timebase_ops *tb_ops;
};

static inline void
sim_event_init(struct sim_event *ev, enum event_class cls, const char *name,
    sim_event_fn *fn, void *arg)
{
	*ev = (struct sim_event) { .ev_fn = fn,
		.ev_arg = arg,
		.ev_name = name,
		.ev_class = (uint8_t)cls };
}

static inline bool
sim_event_pending(const struct sim_event *ev)
{
	return (ev->ev_slot != 0);
}

static inline simtime_t
timebase_now(const struct timebase *tb)
{
	return (tb->tb_now);
}

/*
 * Fire ev at `when` (not before now; a pending event is moved). Firing makes
 * it not pending before its handler is called.
 */
static inline void
timebase_post(struct timebase *tb, struct sim_event *ev, simtime_t when)
{
	tb->tb_ops->post(tb, ev, when);
}

static inline void
timebase_post_in(struct timebase *tb, struct sim_event *ev, simtime_t delta)
{
	tb->tb_ops->post(tb, ev, tb->tb_now + delta);
}

/* No-op when ev is not pending. */
static inline void
timebase_cancel(struct timebase *tb, struct sim_event *ev)
{
	tb->tb_ops->cancel(tb, ev);
}

#endif
