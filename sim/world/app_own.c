/*
 * An application of the user's own: a process for each connection, which is
 * told what happened and says what it wants (sim/own). Virtual time stands
 * still meanwhile, so the run is what it would be with a program in here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/errnoname.h>

#include "own_priv.h"

enum { ST_CONNECT, ST_HANDSHAKE, ST_RUN, ST_DONE };

static const char *const states[] = { "connects", "shakes hands", "runs",
	"done" };

/* --- asking --- */

static uint64_t
now_ns(const struct own *o)
{
	return (timebase_now(o->o_conn->c_app->a_world->w_tb) / SIM_NS);
}

/* The reason is kept; the first one counts. */
static int
own_wrong(struct own *o, const char *text)
{
	if (o->o_reason == NULL)
		o->o_reason = xasprintf("own program: %s", text);
	return (EPROTO);
}

/* Of an event and its bytes. */
static int
ask(struct own *o, struct strbuf *event)
{
	struct strbuf why = { 0 };
	int error;

	if (++o->o_turns > OWN_TURNS)
		error = own_wrong(o, "it was asked a million times");
	else {
		error = own_proc_ask(o->o_proc, strbuf_str(event),
		    event->sb_len, own_obey, o, &why);
		if (error == EPROTO)
			(void)own_wrong(o, strbuf_str(&why));
	}
	/* It ended: it says no more, and whatever comes is of no interest. */
	if (error == ENOENT) {
		own_proc_destroy(o->o_proc);
		o->o_proc = NULL;
		o->o_gone = o->o_close = true;
		o->o_may_read = OWN_NO_NUMBER;
		error = 0;
	}
	strbuf_fini(&why);
	strbuf_clear(event);
	return (error);
}

/* An event that is a word and a number or none. */
static int
tell(struct own *o, const char *event, uint64_t number)
{
	struct strbuf sb = { 0 };
	int error = 0;

	if (o->o_gone)
		return (0);
	strbuf_addf(&sb, "%s %" PRIu64, event, now_ns(o));
	if (number != OWN_NO_NUMBER)
		strbuf_addf(&sb, " %" PRIu64, number);
	strbuf_adds(&sb, "\n");
	error = ask(o, &sb);
	strbuf_fini(&sb);
	return (error);
}

static void
timer(void *arg)
{
	struct own *o = arg;

	o->o_timer_due = true;
	conn_post(o->o_conn, 0);
}

static int
start(struct own *o)
{
	const struct conn *c = o->o_conn;
	const struct app *a = c->c_app;
	const struct own_start os = { .os_file = a->a_program,
		.os_folder = a->a_folder,
		.os_words = a->a_sc->program.v };
	struct strbuf sb = { 0 };
	int error;

	o->o_started = true;
	if ((error = own_proc_start(&os, &o->o_proc)) != 0) {
		strbuf_addf(&sb, "`%s` cannot be started: %s",
		    a->a_sc->program.v[0], strerror(error));
		error = own_wrong(o, strbuf_str(&sb));
		o->o_cannot_start = true;
	} else {
		strbuf_addf(&sb, "connected %" PRIu64 " %s %s %u %" PRIu64 "\n",
		    now_ns(o), c->c_server ? "server" : "client",
		    a->a_sc->loc.name, c->c_index, a->a_world->w_opts.wo_seed);
		error = ask(o, &sb);
	}
	strbuf_fini(&sb);
	return (error);
}

/* --- sending --- */

static int
send_file(struct conn *c, const struct own_item *oi, uint64_t *sent)
{
	uint64_t at = oi->oi_at + oi->oi_sent, left = oi->oi_len - oi->oi_sent;
	uint32_t from = conn_stream_end(c);
	int error;

	if (c->c_ep != NULL)
		error = tls_endpoint_sendfile(c->c_ep, oi->oi_vp, at, left,
		    NULL, sent);
	else
		error = sosendfile(c->c_so, oi->oi_vp, at, left, NULL, 0, sent);
	if (error != EOPNOTSUPP)
		conn_wrote(c, *sent, from, "sendfile");
	return (error == EAGAIN ? EWOULDBLOCK : error);
}

/* Some of an item. Where there is no sendfile a record at a time is read and
 * written: what libssl could not write it looks for where it was. */
static int
send_item(struct conn *c, struct own_item *oi)
{
	struct world *w = c->c_app->a_world;
	uint64_t sent = 0;
	uint32_t left;
	size_t n = 0;
	int error = EOPNOTSUPP;

	if (oi->oi_vp != NULL)
		error = send_file(c, oi, &sent);
	if (error == EOPNOTSUPP && oi->oi_vp != NULL) {
		left = (uint32_t)MIN(oi->oi_len - oi->oi_sent, 16384);
		vnode_peek(oi->oi_vp, oi->oi_at + oi->oi_sent, w->w_scratch,
		    left);
		error = conn_write(c, w->w_scratch, left, &n);
		sent = n;
		c->c_copied += n;
	} else if (oi->oi_vp == NULL) {
		error = conn_write(c, oi->oi_bytes + oi->oi_sent,
		    (size_t)(oi->oi_len - oi->oi_sent), &n);
		sent = n;
	}
	oi->oi_sent += sent;
	return (error);
}

/* Until nothing is left, or the kernel takes no more. */
static int
send_all(struct own *o)
{
	struct own_item *oi;
	uint64_t before;
	int error = 0;

	while (error == 0 && (oi = STAILQ_FIRST(&o->o_out)) != NULL) {
		before = oi->oi_sent;
		error = send_item(o->o_conn, oi);
		o->o_sent += oi->oi_sent - before;
		if (oi->oi_sent < oi->oi_len)
			continue;
		STAILQ_REMOVE_HEAD(&o->o_out, oi_link);
		if (oi->oi_vp == NULL)
			o->o_queued -= oi->oi_len;
		free(oi);
	}
	return (error);
}

/* --- receiving --- */

static void
count_read(struct own *o, size_t n)
{
	struct conn *c = o->o_conn;
	struct world *w = c->c_app->a_world;

	conn_was_read(c, w->w_scratch, n);
	story_read(w, c, n);
	o->o_got += n;
	if (c->c_server)
		c->c_received += n;
	else {
		c->c_app->a_delivered += n;
		c->c_off += n;
	}
}

/* Bytes, or the peer's end; *any: there was something. */
static int
receive(struct own *o, bool *any)
{
	struct world *w = o->o_conn->c_app->a_world;
	struct strbuf sb = { 0 };
	size_t n;
	int error;

	error = conn_read(o->o_conn, w->w_scratch,
	    (size_t)MIN(o->o_may_read, (uint64_t)WORLD_SCRATCH), &n);
	if (error == EWOULDBLOCK && n == 0)
		return (0);
	if (error != 0 && error != EWOULDBLOCK && n == 0)
		return (error);
	*any = true;
	if (n == 0) {
		o->o_peer_closed = true;
		return (tell(o, "closed", OWN_NO_NUMBER));
	}
	count_read(o, n);
	if (o->o_gone)
		return (0);
	if (o->o_may_read != OWN_NO_NUMBER)
		o->o_may_read -= n;
	strbuf_addf(&sb, "data %" PRIu64 " %zu\n", now_ns(o), n);
	strbuf_add(&sb, w->w_scratch, n);
	error = ask(o, &sb);
	strbuf_fini(&sb);
	return (error);
}

/* --- the machine --- */

/* What happened since it was asked, each thing once. */
static int
events(struct own *o, bool *any)
{
	int error = send_all(o);

	*any = false;
	if (error != 0 && error != EWOULDBLOCK)
		return (error);
	if (o->o_owes_sent && STAILQ_EMPTY(&o->o_out)) {
		o->o_owes_sent = false;
		*any = true;
		if ((error = tell(o, "sent", o->o_sent)) != 0)
			return (error);
	}
	if (o->o_timer_due) {
		o->o_timer_due = false;
		*any = true;
		if ((error = tell(o, "timer", OWN_NO_NUMBER)) != 0)
			return (error);
	}
	if (o->o_peer_closed || o->o_may_read == 0)
		return (0);
	return (receive(o, any));
}

/* Its word that it is at its end, when all before is out. */
static int
say_close(struct own *o)
{
	int error;

	if (!o->o_close || o->o_notified || !STAILQ_EMPTY(&o->o_out))
		return (0);
	if ((error = conn_notify(o->o_conn)) == 0)
		o->o_notified = true;
	return (error == EWOULDBLOCK ? 0 : error);
}

/* Does anything come that it could be told of? */
static bool
has_hope(const struct own *o)
{
	return (!STAILQ_EMPTY(&o->o_out) || (o->o_close && !o->o_notified) ||
	    sim_event_pending(&o->o_timer) ||
	    (!o->o_peer_closed && o->o_may_read > 0));
}

static int
run(struct own *o)
{
	bool any = true;
	int error;

	if (!o->o_started && (error = start(o)) != 0)
		return (error);
	while (any) {
		if ((error = events(o, &any)) != 0 ||
		    (error = say_close(o)) != 0)
			return (error);
	}
	if (o->o_notified && o->o_peer_closed)
		return (0);
	if (has_hope(o))
		return (EWOULDBLOCK);
	return (own_wrong(o,
	    o->o_peer_closed
		? "it waits for nothing: its peer closed, no timer runs; "
		  "`close` ends it"
		: "it waits for nothing: it reads no more, and no timer runs"));
}

static int
own_step(struct conn *c, const char **call)
{
	*call = states[c->c_state];
	switch (c->c_state) {
	case ST_CONNECT:
		return (c->c_server ? 0 : conn_connect(c));
	case ST_HANDSHAKE:
		return (conn_handshake(c));
	default:
		return (run(c->c_data));
	}
}

static int
own_next_state(struct conn *c)
{
	struct own *o = c->c_data;

	o->o_over = c->c_state == ST_RUN;
	return (c->c_state + 1);
}

static void
own_run(struct conn *c)
{
	static const struct conn_machine m = { own_step, own_next_state,
		ST_DONE };
	struct own *o = c->c_data;

	if (o == NULL) {
		c->c_data = o = xcalloc(1, sizeof(*o));
		o->o_conn = c;
		o->o_may_read = OWN_NO_NUMBER;
		STAILQ_INIT(&o->o_out);
		sim_event_init(&o->o_timer, EV_APP, "own program's timer",
		    timer, o);
	}
	conn_machine(c, &m);
	/* The report says more than EPROTO. */
	if (c->c_failed != NULL && o->o_reason != NULL)
		c->c_failed = o->o_reason;
}

/* The numbers stay for the report. */
static void
own_end(struct conn *c)
{
	struct own *o = c->c_data;
	struct strbuf why = { 0 };

	if (o == NULL)
		return;
	timebase_cancel(c->c_app->a_world->w_tb, &o->o_timer);
	if (o->o_over && o->o_proc != NULL &&
	    own_proc_end(o->o_proc, &why) != 0) {
		(void)own_wrong(o, strbuf_str(&why));
		c->c_failed = o->o_reason;
		c->c_error = EPROTO;
	}
	own_proc_destroy(o->o_proc);
	o->o_proc = NULL;
	strbuf_fini(&why);
}

static bool
own_waits(const struct conn *c, struct strbuf *sb)
{
	const struct own *o = c->c_data;

	if (o == NULL || !o->o_started || !STAILQ_EMPTY(&o->o_out))
		return (false);
	if (sim_event_pending(&o->o_timer)) {
		strbuf_addf(sb, "its program waits for its timer, at ");
		format_time(o->o_timer.ev_when, sb);
		return (true);
	}
	if (o->o_may_read > 0)
		return (false);
	strbuf_adds(sb, "its program said `read 0`");
	return (true);
}

const struct app_ops own_ops = { .ao_run = own_run,
	.ao_end = own_end,
	.ao_collect = own_collect,
	.ao_free = own_free,
	.ao_states = states,
	.ao_waits = own_waits };
