/*
 * taskqueue(9) in virtual time: tasks run one after another, in the order
 * they were queued, as events at the instant they were enqueued (class
 * EV_TASK) or tq_latency later. Enqueueing a queued task only counts it
 * (`pending`), as in FreeBSD.
 */
#ifndef KTSIM_KERN_TASKQUEUE_H
#define KTSIM_KERN_TASKQUEUE_H

#include <ktsim/base/queue.h>
#include <ktsim/base/timebase.h>

typedef void task_fn(void *context, int pending);

struct task {
	STAILQ_ENTRY(task) ta_link;
	task_fn *ta_func;
	void *ta_context;
	int ta_pending; /* times enqueued since it last ran */
};

struct taskqueue {
	STAILQ_HEAD(, task) tq_queue;
	struct sim_event tq_event;
	struct timebase *tq_tb;
	simtime_t tq_latency; /* from enqueue to run */
};

static inline void
task_init(struct task *t, task_fn *fn, void *context)
{
	*t = (struct task) { .ta_func = fn, .ta_context = context };
}

void taskqueue_init(struct taskqueue *, struct timebase *);
/* Queued tasks are dropped. */
void taskqueue_fini(struct taskqueue *);
void taskqueue_enqueue(struct taskqueue *, struct task *);
/* How many wait, and when they run; base/dump.h. */
struct strbuf;
void taskqueue_dump(const struct taskqueue *, struct strbuf *, int indent);

#endif
