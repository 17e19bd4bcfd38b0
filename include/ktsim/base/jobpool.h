/*
 * The port through which the laboratory lends labour: real host threads that
 * do the cryptography while virtual time goes on.
 *
 * A job is embedded in its owner. Between submit and wait its inputs must not
 * change and its outputs must not be read, also when the pool has no threads
 * (then the work is done inside wait, the latest moment allowed, so that
 * somebody who breaks the rule gets other bytes and is found out).
 *
 * Job functions may touch only what the job points at. `slot` (0 to
 * jp_slots - 1) names the executing thread, for per-thread scratch state;
 * nothing that depends on it may reach an output.
 */
#ifndef KTSIM_BASE_JOBPOOL_H
#define KTSIM_BASE_JOBPOOL_H

#include <stdbool.h>
#include <stdint.h>

struct job;
typedef void job_fn(struct job *job, unsigned slot);

struct job {
	job_fn *job_run;
	uint32_t job_ns;      /* about how long it takes, set by the owner */
	struct job *job_next; /* the pool's */
	int job_state;	      /* the pool's; 0: idle, may be submitted */
};

struct jobpool;

struct jobpool_ops {
	void (*submit)(struct jobpool *, struct job *);
	void (*wait)(struct jobpool *, struct job *);
};

struct jobpool {
	const struct jobpool_ops *jp_ops;
	unsigned jp_slots; /* at least 1 */
};

static inline void
jobpool_submit(struct jobpool *jp, struct job *job)
{
	jp->jp_ops->submit(jp, job);
}

/* Returns when the submitted job is done; it may then be submitted again. */
static inline void
jobpool_wait(struct jobpool *jp, struct job *job)
{
	jp->jp_ops->wait(jp, job);
}

#endif
