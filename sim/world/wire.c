#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>

#include "wire_priv.h"

static void wire_out_event(void *);

/* The link's own loss: the first node, there from the start. */
static void
wire_add_loss(struct wire_end *d, uint32_t ppb)
{
	struct sc_impair loss = { .kind = SC_IMPAIR_LOSS,
		.enabled = true,
		.loss = ppb,
		.has_loss = true };

	impair_add(d->d_impair, &loss);
}

struct wire *
wire_create(const struct wire_params *p)
{
	struct wire *w = xcalloc(1, sizeof(*w));
	struct wire_end *d;

	w->w_p = *p;
	w->w_name = xstrdup(p->wp_name);
	for (int i = 0; i < 2; i++) {
		d = &w->w_dir[i];
		d->d_wire = w;
		d->d_end = i;
		d->d_way = (struct wire_way) { .ww_rate_bps = p->wp_rate_bps,
			.ww_delay = p->wp_delay,
			.ww_queue = p->wp_queue,
			.ww_loss_ppb = p->wp_loss_ppb };
		STAILQ_INIT(&d->d_out);
		STAILQ_INIT(&d->d_flight);
		STAILQ_INIT(&d->d_late);
		sim_event_init(&d->d_out_ev, EV_WIRE, "egress", wire_out_event,
		    d);
		d->d_impair = impair_create(w->w_name, i, p->wp_seed);
		wire_add_loss(d, p->wp_loss_ppb);
	}
	return (w);
}

static void
frameq_free(struct frameq *q)
{
	struct frame *f;

	while ((f = STAILQ_FIRST(q)) != NULL) {
		STAILQ_REMOVE_HEAD(q, f_link);
		frame_rele(f);
	}
}

void
wire_destroy(struct wire *w)
{
	if (w == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		timebase_cancel(w->w_p.wp_tb, &w->w_dir[i].d_out_ev);
		frameq_free(&w->w_dir[i].d_out);
		frameq_free(&w->w_dir[i].d_flight);
		frameq_free(&w->w_dir[i].d_late);
		impair_destroy(w->w_dir[i].d_impair);
	}
	flowtrack_destroy(w->w_flows);
	strbuf_fini(&w->w_remark);
	free(w->w_name);
	free(w);
}

struct wire_end *
wire_end(struct wire *w, int end)
{
	return (&w->w_dir[end]);
}

void
wire_attach(struct wire *w, int end, struct wire_port *pt)
{
	w->w_dir[end].d_port = pt;
}

/* --- out of the port --- */

void
wire_send(struct wire_end *d, struct frame *f)
{
	STAILQ_INSERT_TAIL(&d->d_out, f, f_link);
	if (!sim_event_pending(&d->d_out_ev))
		timebase_post(d->d_wire->w_p.wp_tb, &d->d_out_ev, f->f_when);
}

static const char queue_full[] = "link: queue full";

/* What the port sends faster than the link can take waits, or is lost. */
static void
wire_queue(struct wire_end *d, const struct frame *f, struct impair_fate *fate)
{
	const struct wire_way *ww = &d->d_way;
	simtime_t ser, backlog, now = fate->if_when;
	uint32_t len;

	if (d->d_port->pt_rate_bps <= ww->ww_rate_bps)
		return;
	len = MAX(frame_len(f), KETHER_MIN_LEN) + KETHER_LINE_OVERHEAD;
	ser = simtime_bytes(len, ww->ww_rate_bps);
	backlog = d->d_busy > now ? d->d_busy - now : 0;
	if (backlog + ser > simtime_bytes(ww->ww_queue, ww->ww_rate_bps)) {
		d->d_stats.queue_drops++;
		fate->if_lost = queue_full;
		return;
	}
	fate->if_when = d->d_busy = now + backlog + ser;
}

/* The link's loss, its queue, what else there is, and the way itself. */
static void
wire_path(struct wire_end *d, const struct frame *f,
    const struct flow_seg *flow, struct impair_fate *fate)
{
	fate->if_lost = impair_loss(d->d_impair);
	if (fate->if_lost == NULL)
		wire_queue(d, f, fate);
	if (impair_count(d->d_impair) > 1)
		impair_apply(d->d_impair, 1, f, flow, fate);
	if (fate->if_lost != NULL && fate->if_lost != queue_full)
		d->d_stats.lost++;
	fate->if_when += d->d_way.ww_delay;
	/* A delay that became shorter lets nobody overtake. */
	if (!fate->if_late)
		fate->if_when = MAX(fate->if_when, d->d_last);
}

/* What becomes of a frame that has left its port. */
static void
wire_decide(struct wire_end *d, const struct frame *f, struct impair_fate *fate)
{
	struct wire *w = d->d_wire;
	struct flow_seg flow;

	if (w->w_flows != NULL)
		flowtrack_frame(w->w_flows, f, &flow);
	fate->if_when = f->f_when;
	if ((f->f_flags & FRAME_LOST_RING) != 0 || !w->w_up) {
		d->d_stats.down_drops++;
		fate->if_lost = "link down";
	} else if (w->w_suspended) {
		d->d_stats.suspended_drops++;
		fate->if_lost = "link: suspended";
	} else
		wire_path(d, f, w->w_flows != NULL ? &flow : NULL, fate);
}

/* Sorted, behind those of the same instant. */
static void
late_insert(struct frameq *q, struct frame *f)
{
	struct frame *at, *before = NULL;

	STAILQ_FOREACH(at, q, f_link) {
		if (at->f_when > f->f_when)
			break;
		before = at;
	}
	if (before == NULL)
		STAILQ_INSERT_HEAD(q, f, f_link);
	else
		STAILQ_INSERT_AFTER(q, before, f, f_link);
}

static void
wire_fly(struct wire_end *d, const struct impair_fate *fate, struct frame *f)
{
	const struct wire_port *to = d->d_wire->w_dir[1 - d->d_end].d_port;

	f->f_when = fate->if_when;
	if (fate->if_late)
		late_insert(&d->d_late, f);
	else {
		d->d_last = f->f_when;
		STAILQ_INSERT_TAIL(&d->d_flight, f, f_link);
	}
	to->pt_ops->expect(to->pt_arg, f->f_when);
}

static void wire_out_one(struct wire_end *, const struct wire_port *from,
    struct frame *);

static void
wire_lost(struct wire_end *d, const struct impair_fate *fate, struct frame *f)
{
	struct wire *w = d->d_wire;
	const struct wire_port *from;
	struct frame *answer = NULL;

	TRACE(&w->w_p.wp_tracer, wire_drop, TS(w->w_name), TU(f->f_id),
	    TU(frame_len(f)), TS(fate->if_lost));
	if (fate->if_answer != NULL)
		answer = icmp_too_big(fate->if_answer, f);
	frame_rele(f);
	if (answer == NULL)
		return;
	/* It comes out of the other end, as if its port had sent it. Where a
	 * switch stands there, it is recorded at this one. */
	answer->f_when = timebase_now(w->w_p.wp_tb);
	from = w->w_dir[1 - d->d_end].d_port;
	if (from->pt_capif == WIRE_NOT_RECORDED)
		from = d->d_port;
	wire_out_one(&w->w_dir[1 - d->d_end], from, answer);
}

static void
wire_arrives(struct wire_end *d, const struct impair_fate *fate,
    struct frame *f)
{
	struct frame *c;

	if (fate->if_ce || fate->if_damaged)
		f = impair_arriving(fate, f);
	for (unsigned i = fate->if_copies; i > 0; i--) {
		c = impair_copy(f);
		wire_fly(d, fate, c);
	}
	wire_fly(d, fate, f);
}

/* NULL: nothing that is worth a word happens to it. */
static const char *
wire_remark(struct wire_end *d, const struct frame *f,
    const struct impair_fate *fate)
{
	struct strbuf *sb = &d->d_wire->w_remark;

	strbuf_clear(sb);
	impair_remark(fate, f->f_when + d->d_way.ww_delay, sb);
	return (sb->sb_len > 0 ? strbuf_str(sb) : NULL);
}

static void
wire_out_one(struct wire_end *d, const struct wire_port *from, struct frame *f)
{
	struct wire *w = d->d_wire;
	const struct wire_params *p = &w->w_p;
	struct impair_fate fate = { 0 };
	struct wire_fate wf;

	wire_decide(d, f, &fate);
	d->d_stats.frames++;
	d->d_stats.bytes += frame_len(f);
	wf = (struct wire_fate) { .wf_lost = fate.if_lost,
		.wf_arrives = fate.if_when,
		.wf_wire = w,
		.wf_end = d->d_end };
	if (fate.if_lost == NULL && impair_count(d->d_impair) > 1)
		wf.wf_remark = wire_remark(d, f, &fate);
	p->wp_tap(p->wp_tap_arg, from, f, &wf);
	if (wf.wf_remark != NULL)
		TRACE(&p->wp_tracer, wire_impair, TS(w->w_name), TU(f->f_id),
		    TS(wf.wf_remark));
	if (fate.if_lost != NULL)
		wire_lost(d, &fate, f);
	else
		wire_arrives(d, &fate, f);
}

static void
wire_out_event(void *arg)
{
	struct wire_end *d = arg;
	struct timebase *tb = d->d_wire->w_p.wp_tb;
	struct frame *f;

	while ((f = STAILQ_FIRST(&d->d_out)) != NULL &&
	    f->f_when <= timebase_now(tb)) {
		STAILQ_REMOVE_HEAD(&d->d_out, f_link);
		wire_out_one(d, d->d_port, f);
	}
	if (f != NULL && !sim_event_pending(&d->d_out_ev))
		timebase_post(tb, &d->d_out_ev, f->f_when);
}

/* --- into the other port --- */

/* The next one to arrive: of the same instant, the one that left first. */
static struct frameq *
wire_next(struct wire_end *d)
{
	const struct frame *f = STAILQ_FIRST(&d->d_flight);
	const struct frame *late = STAILQ_FIRST(&d->d_late);

	if (late == NULL)
		return (&d->d_flight);
	if (f == NULL || late->f_when < f->f_when ||
	    (late->f_when == f->f_when && late->f_id < f->f_id))
		return (&d->d_late);
	return (&d->d_flight);
}

simtime_t
wire_pull(struct wire_end *d, simtime_t before, struct frameq *q)
{
	struct wire_end *from = &d->d_wire->w_dir[1 - d->d_end];
	struct frameq *next;
	struct frame *f;

	for (;;) {
		next = wire_next(from);
		f = STAILQ_FIRST(next);
		if (f == NULL || f->f_when >= before)
			break;
		STAILQ_REMOVE_HEAD(next, f_link);
		STAILQ_INSERT_TAIL(q, f, f_link);
	}
	return (f != NULL ? f->f_when : SIM_NEVER);
}

/* --- a card at an end --- */

static void
wire_np_egress(void *arg, struct nic *n, struct frame *f)
{
	wire_send(arg, f);
}

static simtime_t
wire_np_pull(void *arg, struct nic *n, simtime_t before, struct frameq *q)
{
	return (wire_pull(arg, before, q));
}

static void
wire_np_dma(void *arg, struct nic *n, unsigned queue, bool completion,
    const uint8_t *bytes, uint32_t len, const char *text)
{
	const struct wire_end *d = arg;
	const struct wire_params *p = &d->d_wire->w_p;

	if (d->d_port != NULL)
		p->wp_dma(p->wp_tap_arg, d->d_port, n, queue, completion, bytes,
		    len, text);
}

const struct nic_port_ops wire_nic_ops = { .np_egress = wire_np_egress,
	.np_pull = wire_np_pull };
const struct nic_port_ops wire_nic_dma_ops = { .np_egress = wire_np_egress,
	.np_pull = wire_np_pull,
	.np_dma = wire_np_dma };

static void
wire_nic_expect(void *arg, simtime_t when)
{
	nic_rx_expect(arg, when);
}

static void
wire_nic_link(void *arg, bool up)
{
	nic_link(arg, up);
}

void
wire_nic_port(struct wire_port *pt, struct nic *n, unsigned capif)
{
	static const struct wire_port_ops ops = { .expect = wire_nic_expect,
		.link = wire_nic_link };

	*pt = (struct wire_port) { .pt_name = n->n_params.np_xname,
		.pt_rate_bps = n->n_params.np_rate_bps,
		.pt_ops = &ops,
		.pt_arg = n,
		.pt_capif = capif };
}

/* --- state --- */

/* Frames already in flight arrive (the receiving card refuses them if its
 * link is down by then); frames still in the card are lost. */
void
wire_set_link(struct wire *w, bool up)
{
	const struct wire_port *pt;

	if (w->w_up == up)
		return;
	w->w_up = up;
	for (int i = 0; i < 2; i++) {
		pt = w->w_dir[i].d_port;
		pt->pt_ops->link(pt->pt_arg, up);
	}
}

void
wire_suspend(struct wire *w, bool suspended)
{
	w->w_suspended = suspended;
}

void
wire_set_loss(struct wire *w, uint32_t ppb)
{
	struct wire_way ww;

	for (int i = 0; i < 2; i++) {
		ww = w->w_dir[i].d_way;
		ww.ww_loss_ppb = ppb;
		wire_set_way(w, i, &ww);
	}
}

void
wire_set_way(struct wire *w, int end, const struct wire_way *ww)
{
	const struct sc_impair loss = { .kind = SC_IMPAIR_LOSS,
		.loss = ww->ww_loss_ppb };

	w->w_dir[end].d_way = *ww;
	(void)impair_set(w->w_dir[end].d_impair, "loss", &loss);
}

const struct wire_way *
wire_way(const struct wire *w, int end)
{
	return (&w->w_dir[end].d_way);
}

const struct impair *
wire_impair(const struct wire *w, int end)
{
	return (w->w_dir[end].d_impair);
}

void
wire_impair_add(struct wire *w, int end, const struct sc_impair *p)
{
	impair_add(w->w_dir[end].d_impair, p);
	if (w->w_flows == NULL && impair_asks_flows(w->w_dir[end].d_impair))
		w->w_flows = flowtrack_create();
}

/* In both directions, where it is: 0 if it is in any. */
int
wire_impair_set(struct wire *w, const char *node, const struct sc_impair *p)
{
	int error[2];

	for (int i = 0; i < 2; i++)
		error[i] = impair_set(w->w_dir[i].d_impair, node, p);
	return (error[0] != 0 ? error[1] : 0);
}

int
wire_impair_enable(struct wire *w, const char *node, bool on)
{
	int error[2];

	for (int i = 0; i < 2; i++)
		error[i] = impair_enable(w->w_dir[i].d_impair, node, on);
	return (error[0] != 0 ? error[1] : 0);
}

void
wire_faults_off(struct wire *w)
{
	for (int i = 0; i < 2; i++)
		impair_faults_off(w->w_dir[i].d_impair);
	wire_suspend(w, false);
	wire_set_link(w, true);
}

bool
wire_is_up(const struct wire *w)
{
	return (w->w_up);
}

const char *
wire_name(const struct wire *w)
{
	return (w->w_name);
}

const struct wire_stats *
wire_stats(const struct wire *w, int end)
{
	return (&w->w_dir[end].d_stats);
}

bool
wire_idle(const struct wire *w)
{
	for (int i = 0; i < 2; i++)
		if (!STAILQ_EMPTY(&w->w_dir[i].d_out) ||
		    !STAILQ_EMPTY(&w->w_dir[i].d_flight) ||
		    !STAILQ_EMPTY(&w->w_dir[i].d_late))
			return (false);
	return (true);
}
