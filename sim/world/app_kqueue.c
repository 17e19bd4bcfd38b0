/*
 * A server as nginx is one: a single thread that asks kevent(2) for what is
 * ready, at most so many events at a time, and serves one after the other;
 * then it asks again, and sleeps when there is nothing. Its sockets are
 * registered for both filters with EV_CLEAR, and never block.
 *
 * The kernel's part is in the upcalls: an event is queued when the filter's
 * condition holds (filt_soread, filt_sowrite), once however often that happens
 * before it is served. The thread's part is the time that it takes: so long
 * other connections wait.
 */
#include <stdlib.h>

#include <ktsim/base/kmem.h>
#include <ktsim/kern/sockbuf.h>
#include <ktsim/sim/result.h>

#include "world_priv.h"

struct evloop {
	struct app *el_app;
	struct sim_event el_event; /* the thread wakes, or goes on */
	TAILQ_HEAD(, conn) el_ready;
	uint64_t el_nready;
	bool el_accept;	  /* the listening sockets are ready */
	uint64_t el_left; /* of what the last kevent returned */
	struct evloop_result el_r;
};

void
evloop_collect(const struct evloop *el, struct evloop_result *er)
{
	*er = el->el_r;
	er->ev_present = true;
}

/* kevent(2): how many it returns. */
static uint64_t
evloop_kevent(struct evloop *el)
{
	uint64_t n = el->el_nready + el->el_accept;
	struct evloop_result *er = &el->el_r;

	if (n == 0)
		return (0);
	er->ev_waiting_max = MAX(er->ev_waiting_max, n);
	n = MIN(n, el->el_app->a_sc->kqueue.batch);
	er->ev_turns++;
	er->ev_batch_max = MAX(er->ev_batch_max, n);
	return (n);
}

static void
evloop_serve(struct evloop *el)
{
	struct conn *c;

	if (el->el_accept) {
		el->el_accept = false;
		app_accept(el->el_app);
	} else if ((c = TAILQ_FIRST(&el->el_ready)) != NULL) {
		evloop_forget(c);
		el->el_app->a_ops->ao_run(c);
	}
}

static void
evloop_run(void *arg)
{
	struct evloop *el = arg;
	simtime_t cost = el->el_app->a_sc->kqueue.cost;

	if (el->el_left == 0 && (el->el_left = evloop_kevent(el)) == 0)
		return; /* it sleeps */
	el->el_left--;
	el->el_r.ev_events++;
	el->el_r.ev_busy += cost;
	timebase_post_in(el->el_app->a_world->w_tb, &el->el_event, cost);
	evloop_serve(el);
}

/* Something is ready: who sleeps in kevent wakes up. */
static void
evloop_wake(struct evloop *el)
{
	if (sim_event_pending(&el->el_event))
		return;
	el->el_r.ev_wakeups++;
	timebase_post_in(el->el_app->a_world->w_tb, &el->el_event, 0);
}

void
evloop_accept(struct evloop *el)
{
	el->el_accept = true;
	evloop_wake(el);
}

void
evloop_ready(struct conn *c)
{
	struct evloop *el = c->c_app->a_loop;

	if (c->c_ready)
		return;
	c->c_ready = true;
	TAILQ_INSERT_TAIL(&el->el_ready, c, c_ready_link);
	el->el_nready++;
	evloop_wake(el);
}

void
evloop_forget(struct conn *c)
{
	struct evloop *el = c->c_app->a_loop;

	if (!c->c_ready)
		return;
	c->c_ready = false;
	TAILQ_REMOVE(&el->el_ready, c, c_ready_link);
	el->el_nready--;
}

bool
evloop_wants(const struct conn *c, enum so_event ev)
{
	return (ev == SO_ERROR_EVENT ||
	    (ev == SO_READABLE ? soreadable(c->c_so) : sowriteable(c->c_so)));
}

struct evloop *
evloop_create(struct app *a)
{
	struct evloop *el = xcalloc(1, sizeof(*el));

	el->el_app = a;
	TAILQ_INIT(&el->el_ready);
	sim_event_init(&el->el_event, EV_APP, "kevent", evloop_run, el);
	return (el);
}

void
evloop_destroy(struct evloop *el)
{
	if (el != NULL)
		timebase_cancel(el->el_app->a_world->w_tb, &el->el_event);
	free(el);
}
