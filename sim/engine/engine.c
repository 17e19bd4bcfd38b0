/*
 * The event queue is a 4-ary heap of pointers ordered by (when, class, order
 * of posting). Events know their slot, so moving and cancelling cost one sift.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/engine.h>

struct engine {
	struct timebase en_tb; /* first: the port is the engine */
	struct sim_event **en_heap;
	uint32_t en_count, en_size;
	uint64_t en_order; /* events posted so far */
	uint64_t en_dispatched;
	bool en_running, en_stop;
	const char *en_current;
};

static bool
ev_before(const struct sim_event *a, const struct sim_event *b)
{
	if (a->ev_when != b->ev_when)
		return (a->ev_when < b->ev_when);
	if (a->ev_class != b->ev_class)
		return (a->ev_class < b->ev_class);
	return (a->ev_order < b->ev_order);
}

static void
heap_put(struct engine *en, uint32_t i, struct sim_event *ev)
{
	en->en_heap[i] = ev;
	ev->ev_slot = i + 1;
}

static void
heap_up(struct engine *en, uint32_t i, struct sim_event *ev)
{
	uint32_t parent;

	while (i > 0) {
		parent = (i - 1) / 4;
		if (!ev_before(ev, en->en_heap[parent]))
			break;
		heap_put(en, i, en->en_heap[parent]);
		i = parent;
	}
	heap_put(en, i, ev);
}

static void
heap_down(struct engine *en, uint32_t i, struct sim_event *ev)
{
	uint32_t child, best, end;

	for (;;) {
		child = 4 * i + 1;
		if (child >= en->en_count)
			break;
		end = MIN(child + 4, en->en_count);
		best = child;
		for (child++; child < end; child++)
			if (ev_before(en->en_heap[child], en->en_heap[best]))
				best = child;
		if (!ev_before(en->en_heap[best], ev))
			break;
		heap_put(en, i, en->en_heap[best]);
		i = best;
	}
	heap_put(en, i, ev);
}

static void
heap_remove(struct engine *en, struct sim_event *ev)
{
	struct sim_event *last;
	uint32_t i = ev->ev_slot - 1;

	ev->ev_slot = 0;
	last = en->en_heap[--en->en_count];
	if (last == ev)
		return;
	if (i > 0 && ev_before(last, en->en_heap[(i - 1) / 4]))
		heap_up(en, i, last);
	else
		heap_down(en, i, last);
}

static void
engine_post(struct timebase *tb, struct sim_event *ev, simtime_t when)
{
	struct engine *en = (struct engine *)tb;

	KASSERT(when >= tb->tb_now,
	    ("event %s posted %ju ps into the past", ev->ev_name,
		(uintmax_t)(tb->tb_now - when)));
	KASSERT(ev->ev_fn != NULL && ev->ev_class < EV_NCLASSES,
	    ("event posted without sim_event_init"));
	if (ev->ev_slot != 0)
		heap_remove(en, ev);
	ev->ev_when = when;
	ev->ev_order = en->en_order++;
	if (en->en_count == en->en_size) {
		en->en_size = en->en_size != 0 ? 2 * en->en_size : 256;
		en->en_heap =
		    xrealloc(en->en_heap, en->en_size * sizeof(*en->en_heap));
	}
	heap_up(en, en->en_count++, ev);
}

static void
engine_cancel(struct timebase *tb, struct sim_event *ev)
{
	if (ev->ev_slot != 0)
		heap_remove((struct engine *)tb, ev);
}

static const struct timebase_ops engine_ops = { engine_post, engine_cancel };

struct engine *
engine_create(void)
{
	struct engine *en;

	en = xcalloc(1, sizeof(*en));
	en->en_tb.tb_ops = &engine_ops;
	return (en);
}

void
engine_destroy(struct engine *en)
{
	if (en == NULL)
		return;
	/* Events belong to their owners, who may look at them once more. */
	while (en->en_count > 0)
		heap_remove(en, en->en_heap[en->en_count - 1]);
	free(en->en_heap);
	free(en);
}

struct timebase *
engine_timebase(struct engine *en)
{
	return (&en->en_tb);
}

static void
engine_dispatch(struct engine *en, struct sim_event *ev)
{
	heap_remove(en, ev);
	en->en_tb.tb_now = ev->ev_when;
	en->en_current = ev->ev_name;
	en->en_dispatched++;
	ev->ev_fn(ev->ev_arg); /* may free ev */
	en->en_current = NULL;
}

bool
engine_step(struct engine *en, simtime_t until)
{
	if (en->en_count == 0)
		return (false);
	if (en->en_heap[0]->ev_when > until) {
		en->en_tb.tb_now = MAX(until, en->en_tb.tb_now);
		return (false);
	}
	engine_dispatch(en, en->en_heap[0]);
	return (true);
}

enum engine_stop
engine_run(struct engine *en, simtime_t until)
{
	KASSERT(!en->en_running,
	    ("engine_run from inside event %s", en->en_current));
	en->en_running = true;
	en->en_stop = false;
	while (!en->en_stop && engine_step(en, until))
		;
	en->en_running = false;
	if (en->en_stop)
		return (ENGINE_STOPPED);
	if (en->en_count == 0)
		return (ENGINE_QUIET);
	return (ENGINE_HORIZON);
}

void
engine_stop(struct engine *en)
{
	en->en_stop = true;
}

uint64_t
engine_events(const struct engine *en)
{
	return (en->en_dispatched);
}

const char *
engine_current(const struct engine *en)
{
	return (en->en_current);
}

simtime_t
engine_next(const struct engine *en)
{
	return (en->en_count > 0 ? en->en_heap[0]->ev_when : SIM_NEVER);
}

static int
by_order(const void *va, const void *vb)
{
	const struct sim_event *a = *(struct sim_event *const *)va;
	const struct sim_event *b = *(struct sim_event *const *)vb;

	return (ev_before(a, b) ? -1 : 1);
}

void
engine_dump(const struct engine *en, struct strbuf *sb, int indent)
{
	static const char *const classes[EV_NCLASSES] = { "timeline", "wire",
		"nic", "crypto", "disk", "task", "callout", "app", "judge" };
	struct sim_event **all;

	strbuf_addf(sb, "%*sevents: %ju dispatched, %u pending\n", indent, "",
	    (uintmax_t)en->en_dispatched, en->en_count);
	if (en->en_count == 0)
		return;
	all = xcalloc(en->en_count, sizeof(struct sim_event *));
	memcpy(all, en->en_heap, en->en_count * sizeof(struct sim_event *));
	qsort(all, en->en_count, sizeof(struct sim_event *), by_order);
	for (uint32_t i = 0; i < en->en_count; i++) {
		strbuf_addf(sb, "%*s", indent + 2, "");
		dump_time(sb, all[i]->ev_when);
		strbuf_addf(sb, " %s: %s\n", classes[all[i]->ev_class],
		    all[i]->ev_name);
	}
	free(all);
}
