/*
 * The event queue is a 4-ary heap ordered by (when, class, order of posting).
 * The keys stand in the heap: with many connections the events themselves are
 * cold. Events know their slot, so moving and cancelling cost one sift.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/sim/engine.h>

struct heap_slot {
	simtime_t hs_when;
	uint64_t hs_tie; /* class and order */
	struct sim_event *hs_ev;
};

struct engine {
	struct timebase en_tb; /* first: the port is the engine */
	struct heap_slot *en_heap;
	uint32_t en_count, en_size;
	uint64_t en_order; /* events posted so far */
	uint64_t en_dispatched;
	bool en_running, en_stop;
	const char *en_last;
	const char *en_current;
};

#define TIE_CLASS_SHIFT 56

static struct heap_slot
ev_key(struct sim_event *ev)
{
	return ((struct heap_slot) { ev->ev_when,
	    (uint64_t)ev->ev_class << TIE_CLASS_SHIFT | ev->ev_order, ev });
}

static bool
key_before(const struct heap_slot *a, const struct heap_slot *b)
{
	if (a->hs_when != b->hs_when)
		return (a->hs_when < b->hs_when);
	return (a->hs_tie < b->hs_tie);
}

static void
heap_put(struct engine *en, uint32_t i, const struct heap_slot *hs)
{
	en->en_heap[i] = *hs;
	hs->hs_ev->ev_slot = i + 1;
}

static void
heap_up(struct engine *en, uint32_t i, struct heap_slot hs)
{
	uint32_t parent;

	while (i > 0) {
		parent = (i - 1) / 4;
		if (!key_before(&hs, &en->en_heap[parent]))
			break;
		heap_put(en, i, &en->en_heap[parent]);
		i = parent;
	}
	heap_put(en, i, &hs);
}

static void
heap_down(struct engine *en, uint32_t i, struct heap_slot hs)
{
	const struct heap_slot *heap = en->en_heap;
	uint32_t child, best, end;

	for (;;) {
		child = 4 * i + 1;
		if (child >= en->en_count)
			break;
		end = MIN(child + 4, en->en_count);
		best = child;
		for (child++; child < end; child++)
			if (key_before(&heap[child], &heap[best]))
				best = child;
		if (!key_before(&heap[best], &hs))
			break;
		heap_put(en, i, &heap[best]);
		i = best;
	}
	heap_put(en, i, &hs);
}

static void
heap_remove(struct engine *en, struct sim_event *ev)
{
	struct heap_slot last;
	uint32_t i = ev->ev_slot - 1;

	ev->ev_slot = 0;
	last = en->en_heap[--en->en_count];
	if (last.hs_ev == ev)
		return;
	if (i > 0 && key_before(&last, &en->en_heap[(i - 1) / 4]))
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
	heap_up(en, en->en_count++, ev_key(ev));
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
		heap_remove(en, en->en_heap[en->en_count - 1].hs_ev);
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
	en->en_current = en->en_last = ev->ev_name;
	en->en_dispatched++;
	ev->ev_fn(ev->ev_arg); /* may free ev */
	en->en_current = NULL;
}

bool
engine_step(struct engine *en, simtime_t until)
{
	if (en->en_count == 0)
		return (false);
	if (en->en_heap[0].hs_when > until) {
		en->en_tb.tb_now = MAX(until, en->en_tb.tb_now);
		return (false);
	}
	engine_dispatch(en, en->en_heap[0].hs_ev);
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

const char *
engine_last(const struct engine *en)
{
	return (en->en_last);
}

simtime_t
engine_next(const struct engine *en)
{
	return (en->en_count > 0 ? en->en_heap[0].hs_when : SIM_NEVER);
}

static int
by_order(const void *va, const void *vb)
{
	return (key_before(va, vb) ? -1 : 1);
}

void
engine_dump(const struct engine *en, struct strbuf *sb, int indent)
{
	static const char *const classes[EV_NCLASSES] = { "timeline", "wire",
		"nic", "crypto", "disk", "task", "callout", "app", "judge" };
	const struct sim_event *ev;
	struct heap_slot *all;

	strbuf_addf(sb, "%*sevents: %ju dispatched, %u pending\n", indent, "",
	    (uintmax_t)en->en_dispatched, en->en_count);
	if (en->en_count == 0)
		return;
	all = xcalloc(en->en_count, sizeof(*all));
	memcpy(all, en->en_heap, en->en_count * sizeof(*all));
	qsort(all, en->en_count, sizeof(*all), by_order);
	for (uint32_t i = 0; i < en->en_count; i++) {
		ev = all[i].hs_ev;
		strbuf_addf(sb, "%*s", indent + 2, "");
		dump_time(sb, ev->ev_when);
		strbuf_addf(sb, " %s: %s\n", classes[ev->ev_class],
		    ev->ev_name);
	}
	free(all);
}
