/*
 * The loop: events that are due, frames that came, orders, and then libevent
 * waits until the next event's instant or until something is readable.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/timebase.h>
#include <ktsim/sim/live.h>

#include "ctl.h"
#include "pace.h"
#include "port.h"

/* Bounds of one turn, so that neither side starves. */
#define TURN_EVENTS 512
#define TURN_FRAMES 128
#define TURN_BYTES  (128 * 1024)
/* Timers are not finer than that: it is no use to sleep for less. */
#define SLEEP_MIN_NS 20000

struct live {
	const struct live_opts *lv_opts;
	const struct scenario *lv_sc;
	struct world *lv_world;
	struct world_outside lv_outside;
	struct event_base *lv_base;
	struct event *lv_sig[3], *lv_timer;
	struct lport {
		struct live_port *port;
		struct event *ev;
	} * lv_ports;
	unsigned lv_nports;
	struct ctl *lv_ctl;
	struct pace lv_pace;
	unsigned lv_signals;
	bool lv_stop, lv_begun, lv_complained;
	int lv_error; /* of a device */
};

static uint64_t
clock_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
}

static simtime_t
live_now(const struct live *lv)
{
	return (timebase_now(world_timebase(lv->lv_world)));
}

/* --- devices --- */

static void
live_readable(evutil_socket_t fd, short what, void *arg)
{
	struct live_port *p = arg;

	p->lp_readable = true;
}

static int
live_attach(void *arg, const struct outside_params *op, struct wire_port *wp,
    struct strbuf *err)
{
	struct live *lv = arg;
	struct live_dev *d;
	struct lport *lp;
	int error;

	error = live_dev_open(op->op_end, op->op_mtu, &d, err);
	if (error != 0) {
		strbuf_adds(err, "\n");
		return (error == EINVAL ? ENODEV : error);
	}
	lv->lv_ports =
	    xrealloc(lv->lv_ports, (lv->lv_nports + 1) * sizeof(*lv->lv_ports));
	lp = &lv->lv_ports[lv->lv_nports++];
	lp->port = live_port_create(d, op, wp);
	lp->ev = event_new(lv->lv_base, d->d_ops->do_fd(d),
	    EV_READ | EV_PERSIST, live_readable, lp->port);
	event_add(lp->ev, NULL);
	return (0);
}

static void
live_detach(void *arg)
{
	struct live *lv = arg;

	for (unsigned i = 0; i < lv->lv_nports; i++) {
		event_del(lv->lv_ports[i].ev);
		live_port_detach(lv->lv_ports[i].port);
	}
}

/* Told once, while something can still be done about it. */
static void
live_complain(struct live *lv, const struct live_port *p)
{
	struct strbuf sb = { 0 };

	if (lv->lv_complained || !live_port_complaint(p, &sb))
		return;
	lv->lv_complained = true;
	if (lv->lv_opts->lo_tell != NULL)
		lv->lv_opts->lo_tell(lv->lv_opts->lo_tell_arg, strbuf_str(&sb));
	strbuf_fini(&sb);
}

/* True: some came, or there may be more. */
static bool
live_read(struct live *lv, struct strbuf *err)
{
	struct live_port *p;
	bool some = false;
	int error;

	for (unsigned i = 0; i < lv->lv_nports; i++) {
		p = lv->lv_ports[i].port;
		if (!p->lp_readable)
			continue;
		error = live_port_read(p, TURN_FRAMES, TURN_BYTES);
		p->lp_readable = error == EAGAIN;
		some = true;
		live_complain(lv, p);
		if (error != 0 && error != EAGAIN) {
			strbuf_addf(err, "%s: %s: the device is gone\n",
			    p->lp_op.op_end, strerror(error));
			lv->lv_error = error;
			lv->lv_stop = true;
		}
	}
	return (some);
}

/* --- signals --- */

static void
live_signal(evutil_socket_t sig, short what, void *arg)
{
	struct live *lv = arg;

	lv->lv_signals++;
	lv->lv_stop = true;
}

/* While the world goes home it looks here. */
static bool
live_poll(void *arg, simtime_t now, simtime_t until)
{
	struct live *lv = arg;

	if (lv->lv_stop)
		(void)event_base_loop(lv->lv_base,
		    EVLOOP_ONCE | EVLOOP_NONBLOCK);
	return (lv->lv_signals > 1);
}

/* --- orders --- */

static void
answer_order(struct live *lv, const char *yaml, struct strbuf *err)
{
	struct strbuf diag = { 0 };
	struct sc_order *so;

	if (scenario_order(lv->lv_sc, yaml, &so, &diag) == 0) {
		(void)world_order(lv->lv_world, &so->step, err);
		scenario_order_free(so);
	} else
		ctl_one_line(strbuf_str(&diag), err);
	strbuf_fini(&diag);
}

/* Lines of an answer begin with a blank. */
static void
add_lines(struct strbuf *out, const char *text)
{
	size_t len;

	for (; *text != '\0'; text += len) {
		len = strcspn(text, "\n");
		strbuf_adds(out, " ");
		strbuf_add(out, text, len);
		strbuf_adds(out, "\n");
		len += text[len] == '\n';
	}
}

static void
answer_status(struct live *lv, struct strbuf *sb)
{
	strbuf_adds(sb, "time ");
	format_time(live_now(lv), sb);
	strbuf_adds(sb, " lag ");
	format_time(lv->lv_pace.pa_lag, sb);
	strbuf_adds(sb, "\n");
	world_status(lv->lv_world, sb);
}

static void
answer_status_json(struct live *lv, struct strbuf *sb)
{
	strbuf_addf(sb, "{\"time_ps\": %ju, \"lag_ps\": %ju, ",
	    (uintmax_t)live_now(lv), (uintmax_t)lv->lv_pace.pa_lag);
	world_status_json(lv->lv_world, sb);
	strbuf_adds(sb, "}\n");
}

static void
answer_words(struct live *lv, const struct ctl_words *cw, struct strbuf *text,
    struct strbuf *err)
{
	struct strbuf value = { 0 };

	switch (cw->cw_kind) {
	case CTL_ORDER:
		answer_order(lv, strbuf_str(&cw->cw_yaml), err);
		break;
	case CTL_READ_SYSCTL:
		if (world_sysctl(lv->lv_world, cw->cw_host, cw->cw_name, &value,
			err) == 0)
			strbuf_addf(text, "%s: %s\n", cw->cw_name,
			    strbuf_str(&value));
		strbuf_fini(&value);
		break;
	case CTL_IFCONFIG:
		if (world_ifconfig_text(lv->lv_world, cw->cw_name, text) != 0)
			strbuf_addf(err, "there is no interface or host `%s`",
			    cw->cw_name);
		break;
	case CTL_STATUS:
		answer_status(lv, text);
		break;
	case CTL_STATUS_JSON:
		answer_status_json(lv, text);
		break;
	case CTL_STOP:
		lv->lv_stop = true;
		break;
	case CTL_HELP:
		strbuf_adds(text, ctl_help);
		break;
	}
}

static void
live_answer(void *arg, const char *line, struct strbuf *out)
{
	struct strbuf text = { 0 }, err = { 0 };
	struct live *lv = arg;
	struct ctl_words cw;

	if (ctl_words_parse(lv->lv_sc, line, &cw, &err))
		answer_words(lv, &cw, &text, &err);
	ctl_words_fini(&cw);
	add_lines(out, strbuf_str(&text));
	if (err.sb_len > 0)
		strbuf_addf(out, "error: %s\n", strbuf_str(&err));
	else
		strbuf_adds(out, "ok\n");
	strbuf_fini(&text);
	strbuf_fini(&err);
}

/* --- the loop --- */

static simtime_t
live_end(const struct live *lv)
{
	return (lv->lv_sc->has_until ? lv->lv_sc->until : SIM_NEVER);
}

/* True: everything that is due is done. */
static bool
live_forward(struct live *lv)
{
	simtime_t t =
	    pace_target(&lv->lv_pace, clock_ns(), world_next(lv->lv_world));
	bool done;

	done = world_run_to(lv->lv_world, MIN(t, live_end(lv)), TURN_EVENTS);
	if (world_is_stopped(lv->lv_world) ||
	    (done && live_now(lv) >= live_end(lv)))
		lv->lv_stop = true;
	return (done);
}

/* Until the next event's instant, or until something comes. */
static void
live_wait(struct live *lv)
{
	simtime_t next = MIN(world_next(lv->lv_world), live_end(lv));
	struct timeval tv;
	uint64_t ns;

	event_del(lv->lv_timer);
	if (next != SIM_NEVER) {
		ns = pace_wait(&lv->lv_pace, clock_ns(), next);
		ns = MAX(ns, (uint64_t)SLEEP_MIN_NS);
		tv = (struct timeval) { (time_t)(ns / 1000000000),
			(suseconds_t)((ns % 1000000000 + 999) / 1000) };
		if (tv.tv_usec >= 1000000)
			tv = (struct timeval) { tv.tv_sec + 1, 0 };
		event_add(lv->lv_timer, &tv);
	}
	(void)event_base_loop(lv->lv_base, EVLOOP_ONCE);
}

static void
live_turn(struct live *lv, struct strbuf *err)
{
	bool done = live_forward(lv), more;

	more = live_read(lv, err);
	ctl_serve(lv->lv_ctl);
	if (lv->lv_stop)
		return;
	/* ONCE: devices stay readable until the next turn reads them. */
	if (done && !more)
		live_wait(lv);
	else
		(void)event_base_loop(lv->lv_base,
		    EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
live_woken(evutil_socket_t fd, short what, void *arg)
{
}

int
live_run(struct live *lv, struct strbuf *err)
{
	if (setjmp(*world_panic_env(lv->lv_world)) == 0) {
		world_begin(lv->lv_world);
		pace_start(&lv->lv_pace, clock_ns());
		while (!lv->lv_stop)
			live_turn(lv, err);
	}
	lv->lv_stop = true;
	(void)event_base_loop(lv->lv_base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	if (lv->lv_signals > 1)
		world_break_off(lv->lv_world);
	world_set_lag(lv->lv_world, lv->lv_pace.pa_lag);
	world_end(lv->lv_world);
	return (lv->lv_error);
}

/* --- life --- */

static int
live_base(struct live *lv, struct strbuf *err)
{
	struct event_config *cfg = event_config_new();

	/* A timer's instant matters, and what time it is now. */
	if (cfg != NULL) {
		(void)event_config_set_flag(cfg, EVENT_BASE_FLAG_PRECISE_TIMER);
		(void)event_config_set_flag(cfg, EVENT_BASE_FLAG_NO_CACHE_TIME);
		lv->lv_base = event_base_new_with_config(cfg);
		event_config_free(cfg);
	}
	if (lv->lv_base == NULL) {
		strbuf_adds(err, "libevent finds nothing to wait with\n");
		return (ENOSYS);
	}
	lv->lv_sig[0] = evsignal_new(lv->lv_base, SIGINT, live_signal, lv);
	lv->lv_sig[1] = evsignal_new(lv->lv_base, SIGTERM, live_signal, lv);
	lv->lv_sig[2] = evsignal_new(lv->lv_base, SIGHUP, live_signal, lv);
	for (size_t i = 0; i < nitems(lv->lv_sig); i++)
		event_add(lv->lv_sig[i], NULL);
	lv->lv_timer = evtimer_new(lv->lv_base, live_woken, lv);
	return (0);
}

static int
live_build(struct live *lv, struct strbuf *err)
{
	struct world_opts wo = lv->lv_opts->lo_world;
	int error;

	lv->lv_outside = (struct world_outside) { .ou_attach = live_attach,
		.ou_detach = live_detach,
		.ou_arg = lv };
	wo.wo_outside = &lv->lv_outside;
	wo.wo_poll = live_poll;
	wo.wo_poll_arg = lv;
	error = world_create(lv->lv_sc, &wo, &lv->lv_world, err);
	if (error != 0)
		return (error);
	error = ctl_create(lv->lv_base, lv->lv_opts->lo_control, live_answer,
	    lv, &lv->lv_ctl, err);
	if (error == 0)
		return (0);
	strbuf_adds(err, "\n");
	world_destroy(lv->lv_world);
	return (error);
}

int
live_create(const struct live_opts *lo, struct live **out, struct strbuf *err)
{
	struct live *lv = xcalloc(1, sizeof(*lv));
	int error;

	lv->lv_opts = lo;
	lv->lv_sc = lo->lo_sc;
	if ((error = live_base(lv, err)) != 0 ||
	    (error = live_build(lv, err)) != 0) {
		live_destroy(lv);
		return (error);
	}
	*out = lv;
	return (0);
}

struct world *
live_world(struct live *lv)
{
	return (lv->lv_world);
}

void
live_destroy(struct live *lv)
{
	if (lv == NULL)
		return;
	ctl_destroy(lv->lv_ctl);
	for (unsigned i = 0; i < lv->lv_nports; i++) {
		event_free(lv->lv_ports[i].ev);
		live_port_destroy(lv->lv_ports[i].port);
	}
	free(lv->lv_ports);
	if (lv->lv_base != NULL) {
		for (size_t i = 0; i < nitems(lv->lv_sig); i++)
			event_free(lv->lv_sig[i]);
		event_free(lv->lv_timer);
		event_base_free(lv->lv_base);
	}
	free(lv);
}
