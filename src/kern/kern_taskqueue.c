#include <ktsim/base/dump.h>
#include <ktsim/kern/taskqueue.h>

/* Run what is queued; tasks queued meanwhile wait for the next event. */
static void
taskqueue_run(void *arg)
{
	struct taskqueue *tq = arg;
	STAILQ_HEAD(, task) now;
	struct task *t;
	int pending;

	STAILQ_INIT(&now);
	STAILQ_CONCAT(&now, &tq->tq_queue);
	while ((t = STAILQ_FIRST(&now)) != NULL) {
		STAILQ_REMOVE_HEAD(&now, ta_link);
		pending = t->ta_pending;
		t->ta_pending = 0;
		t->ta_func(t->ta_context, pending); /* may free t */
	}
}

void
taskqueue_init(struct taskqueue *tq, struct timebase *tb)
{
	*tq = (struct taskqueue) { .tq_tb = tb };
	STAILQ_INIT(&tq->tq_queue);
	sim_event_init(&tq->tq_event, EV_TASK, "taskqueue", taskqueue_run, tq);
}

void
taskqueue_fini(struct taskqueue *tq)
{
	timebase_cancel(tq->tq_tb, &tq->tq_event);
	STAILQ_INIT(&tq->tq_queue);
}

void
taskqueue_enqueue(struct taskqueue *tq, struct task *t)
{
	if (t->ta_pending++ > 0)
		return;
	STAILQ_INSERT_TAIL(&tq->tq_queue, t, ta_link);
	if (!sim_event_pending(&tq->tq_event))
		timebase_post_in(tq->tq_tb, &tq->tq_event, tq->tq_latency);
}

void
taskqueue_dump(const struct taskqueue *tq, struct strbuf *sb, int indent)
{
	const struct task *t;
	unsigned n = 0;

	STAILQ_FOREACH(t, &tq->tq_queue, ta_link)
		n++;
	strbuf_addf(sb, "%*stasks: %u queued", indent, "", n);
	dump_event(sb, "run", &tq->tq_event);
	strbuf_adds(sb, "\n");
}
