/*
 * The engine: owner of virtual time. Pops the earliest event, sets now,
 * dispatches; nothing else in the simulator waits for anything.
 */
#ifndef KTSIM_SIM_ENGINE_H
#define KTSIM_SIM_ENGINE_H

#include <ktsim/base/jobpool.h>
#include <ktsim/base/timebase.h>

struct engine;

enum engine_stop {
	ENGINE_QUIET,	/* no event is pending */
	ENGINE_HORIZON, /* the next event lies beyond `until` */
	ENGINE_STOPPED	/* engine_stop was called */
};

struct engine *engine_create(void);
void engine_destroy(struct engine *);
struct timebase *engine_timebase(struct engine *);
/*
 * Dispatch events with when <= until. At ENGINE_HORIZON now is `until`. May be
 * called again. Not from inside an event (asserted).
 */
enum engine_stop engine_run(struct engine *, simtime_t until);
/* One event; false when none is pending at or before until: now is `until`
 * then if there are later ones, and stays where it is if there are none. */
bool engine_step(struct engine *, simtime_t until);
/* From a handler: return from engine_run after this event. */
void engine_stop(struct engine *);
uint64_t engine_events(const struct engine *); /* dispatched so far */
/* Earliest pending event; SIM_NEVER: none. */
simtime_t engine_next(const struct engine *);
/* All pending events, in their order; base/dump.h. */
struct strbuf;
void engine_dump(const struct engine *, struct strbuf *, int indent);
/* The event being dispatched (its name), or NULL. */
const char *engine_current(const struct engine *);
/* That, or between two events the one before; "" before the first. */
const char *engine_last(const struct engine *);

/*
 * A pool of host threads (0 to 64) behind the job-pool port. 0: jobs run
 * inside wait.
 */
struct jobpool *hostpool_create(unsigned threads);
void hostpool_destroy(struct jobpool *); /* no job may be submitted */

#endif
