/*
 * libevent serves the two things of a run that come from outside virtual
 * time: signals, and telling a person how far it is.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "cli.h"

/* They end a run in order; the last when its terminal goes away. */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

struct progress {
	struct event_base *pg_base;
	struct event *pg_signals[nitems(signals)], *pg_timer;
	bool pg_stop, pg_show, pg_shown;
	simtime_t pg_now;
};

static void
progress_signal(evutil_socket_t sig, short what, void *arg)
{
	struct progress *pg = arg;

	pg->pg_stop = true;
}

static void
progress_tick(evutil_socket_t fd, short what, void *arg)
{
	struct progress *pg = arg;

	if (!pg->pg_show)
		return;
	fprintf(stderr, "\rvirtual time %ju.%03ju ms",
	    (uintmax_t)(pg->pg_now / SIM_MS),
	    (uintmax_t)(pg->pg_now / SIM_US % 1000));
	fflush(stderr);
	pg->pg_shown = true;
}

struct progress *
progress_start(bool show)
{
	struct timeval tick = { 0, 200000 };
	struct progress *pg = xcalloc(1, sizeof(*pg));

	pg->pg_show = show && isatty(STDERR_FILENO) != 0;
	pg->pg_base = event_base_new();
	if (pg->pg_base == NULL)
		return (pg); /* no signals, no progress: still a run */
	for (size_t i = 0; i < nitems(signals); i++) {
		pg->pg_signals[i] =
		    evsignal_new(pg->pg_base, signals[i], progress_signal, pg);
		event_add(pg->pg_signals[i], NULL);
	}
	pg->pg_timer =
	    event_new(pg->pg_base, -1, EV_PERSIST, progress_tick, pg);
	event_add(pg->pg_timer, &tick);
	return (pg);
}

bool
progress_poll(void *arg, simtime_t now, simtime_t until)
{
	struct progress *pg = arg;

	pg->pg_now = now;
	if (pg->pg_base != NULL)
		event_base_loop(pg->pg_base, EVLOOP_NONBLOCK);
	return (pg->pg_stop);
}

void
progress_end(struct progress *pg)
{
	if (pg->pg_shown)
		fprintf(stderr, "\r%40s\r", "");
	if (pg->pg_base != NULL) {
		for (size_t i = 0; i < nitems(signals); i++)
			event_free(pg->pg_signals[i]);
		event_free(pg->pg_timer);
		event_base_free(pg->pg_base);
	}
	free(pg);
}
