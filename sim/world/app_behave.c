/*
 * Applications that are slow, that go in the middle, or that misread what the
 * kernel told them. What a misreading server sends is wrong: invariant 1 says
 * so, as it would of a server whose programmer misread it.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/kern/uio.h>

#include "world_priv.h"

#define SLOW_CHUNK 4096 /* a slow reader reads so much at a time */

/* Bytes that a reader of this rate may have had by now. */
static uint64_t
allowed(const struct conn *c)
{
	simtime_t t = timebase_now(c->c_app->a_world->w_tb) - c->c_read_from;

	/* 10 Tbit/s for a day are beyond 64 bits of picoseconds. */
	return (
	    (uint64_t)((unsigned __int128)t * (c->c_read_bps / 8) / SIM_SEC));
}

size_t
conn_may_read(struct conn *c, size_t want)
{
	uint64_t may, chunk;
	simtime_t wait;

	if (c->c_read_bps == 0)
		return (want);
	if (c->c_read_bytes == 0)
		c->c_read_from = MAX(c->c_read_from, c->c_established);
	chunk = MIN((uint64_t)want, (uint64_t)SLOW_CHUNK);
	may =
	    allowed(c) + 1 > c->c_read_bytes ? allowed(c) - c->c_read_bytes : 0;
	if (may >= chunk)
		return ((size_t)MIN(may, (uint64_t)want));
	wait = (simtime_t)((unsigned __int128)(chunk - may) * SIM_SEC * 8 /
		   c->c_read_bps) +
	    1;
	conn_post(c, wait);
	return (0);
}

/*
 * The kernel is asked for empty records. What it answers is told; an answer
 * is not the connection's end.
 */
int
conn_empty_writes(struct conn *c)
{
	const struct sc_app *a = c->c_app->a_sc;
	struct tracer *tr = &c->c_app->a_world->w_tracer;
	struct kiovec iov = { "", 0 };
	struct uio uio;
	int error;

	for (; c->c_empty < a->empty_writes; c->c_empty++) {
		uio_init(&uio, &iov, 1);
		error = sosend(c->c_so, &uio, NULL, 0);
		if (error == EWOULDBLOCK)
			return (error);
		if (error != 0)
			TRACE(tr, app_error, TS(a->loc.name), TU(c->c_index),
			    TS("empty write"), TI(error));
		else
			TRACE(tr, app_event, TS(a->loc.name), TU(c->c_index),
			    TS("empty write"), TU(c->c_off));
	}
	return (0);
}

bool
conn_aborts(struct conn *c)
{
	uint64_t after = c->c_abort_after;

	if (after == 0 || c->c_before + c->c_off < after)
		return (false);
	(void)do_abort_conn(c, NULL);
	return (true);
}

int
do_abort_conn(struct conn *c, const struct sc_step *st)
{
	TRACE(&c->c_app->a_world->w_tracer, app_event,
	    TS(c->c_app->a_sc->loc.name), TU(c->c_index), TS("abort"),
	    TU(c->c_off));
	c->c_error = ECONNABORTED;
	c->c_failed = "aborted by the application";
	if (c->c_flow != NULL)
		ledger_excuse(c->c_flow, "the application aborted");
	conn_end(c, soabort);
	return (0);
}

static int
behave_conn(struct conn *c, const struct sc_step *st)
{
	if (st->has_misreads)
		c->c_misreads = st->misreads;
	if (!st->has_rate)
		return (0);
	c->c_read_bps = st->rate;
	c->c_read_from = timebase_now(c->c_app->a_world->w_tb);
	c->c_read_bytes = 0;
	timebase_cancel(c->c_app->a_world->w_tb, &c->c_event);
	conn_post(c, 0);
	return (0);
}

int
do_behave(struct world *w, const struct sc_step *st, const char **call)
{
	return (conns_meant(w, st, behave_conn));
}

int
do_abort(struct world *w, const struct sc_step *st, const char **call)
{
	return (conns_meant(w, st, do_abort_conn));
}
