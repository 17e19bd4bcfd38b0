/*
 * Virtual time against a clock. It never runs ahead of the clock, and where it
 * fell behind by more than a little it does not catch up: see live.h.
 */
#ifndef LIVE_PACE_H
#define LIVE_PACE_H

#include <stdint.h>

#include <ktsim/base/simtime.h>

/* So much may be caught up: less than any timer of TCP. */
#define PACE_SLACK (2 * SIM_MS)

struct pace {
	uint64_t pa_start; /* the clock, ns, at virtual time 0 */
	simtime_t pa_lag;  /* virtual time fell behind by so much */
};

void pace_start(struct pace *, uint64_t clock_ns);
/*
 * Up to where events are due at this clock. next: the earliest event
 * (SIM_NEVER: none); what was due more than the slack ago is late by then,
 * and everything after it as late.
 */
simtime_t pace_target(struct pace *, uint64_t clock_ns, simtime_t next);
/* How long, ns, until virtual time t comes; 0: it is there. */
uint64_t pace_wait(const struct pace *, uint64_t clock_ns, simtime_t t);

#endif
