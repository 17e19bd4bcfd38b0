#include <stdlib.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/sim/wire.h>

/* One direction: this end's port sends, the other end's receives. */
struct wire_end {
	struct wire *d_wire;
	int d_end;
	struct wire_port *d_port;
	struct frameq d_out;	/* handed over, not out yet */
	struct frameq d_flight; /* out, not arrived */
	struct sim_event d_out_ev;
	simtime_t d_busy; /* the link is sending until then */
	struct prng d_prng;
	struct wire_stats d_stats;
};

struct wire {
	struct wire_params w_p;
	char *w_name;
	bool w_up;
	struct wire_end w_dir[2];
};

static void wire_out_event(void *);

struct wire *
wire_create(const struct wire_params *p)
{
	struct wire *w = xcalloc(1, sizeof(*w));
	struct wire_end *d;
	char *stream;

	w->w_p = *p;
	w->w_name = xstrdup(p->wp_name);
	for (int i = 0; i < 2; i++) {
		d = &w->w_dir[i];
		d->d_wire = w;
		d->d_end = i;
		STAILQ_INIT(&d->d_out);
		STAILQ_INIT(&d->d_flight);
		sim_event_init(&d->d_out_ev, EV_WIRE, "egress", wire_out_event,
		    d);
		stream = xasprintf("wire %s %d loss", p->wp_name, i);
		prng_init(&d->d_prng, p->wp_seed, stream);
		free(stream);
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
	}
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

/* What becomes of a frame that has left its port; NULL: it arrives at *when. */
static const char *
wire_fate(struct wire_end *d, struct frame *f, simtime_t *when)
{
	const struct wire_params *p = &d->d_wire->w_p;
	simtime_t ser, backlog;
	uint32_t len;

	*when = f->f_when;
	if ((f->f_flags & FRAME_LOST_RING) != 0 || !d->d_wire->w_up) {
		d->d_stats.down_drops++;
		return ("link down");
	}
	/* One number per frame whatever the chance: changing the loss later
	 * does not move the others' fate. */
	if (prng_chance(&d->d_prng, p->wp_loss_ppb)) {
		d->d_stats.lost++;
		return ("link: loss");
	}
	if (d->d_port->pt_rate_bps > p->wp_rate_bps) {
		len = MAX(frame_len(f), KETHER_MIN_LEN) + KETHER_LINE_OVERHEAD;
		ser = simtime_bytes(len, p->wp_rate_bps);
		backlog = d->d_busy > *when ? d->d_busy - *when : 0;
		if (backlog + ser >
		    simtime_bytes(p->wp_queue, p->wp_rate_bps)) {
			d->d_stats.queue_drops++;
			return ("link: queue full");
		}
		*when = d->d_busy = *when + backlog + ser;
	}
	*when += p->wp_delay;
	return (NULL);
}

static void
wire_out_one(struct wire_end *d, struct frame *f)
{
	const struct wire_params *p = &d->d_wire->w_p;
	const struct wire_port *to;
	const char *verdict;
	simtime_t when;

	verdict = wire_fate(d, f, &when);
	d->d_stats.frames++;
	d->d_stats.bytes += frame_len(f);
	p->wp_tap(p->wp_tap_arg, d->d_port, f, verdict);
	if (verdict != NULL) {
		TRACE(&p->wp_tracer, wire_drop, TS(d->d_wire->w_name),
		    TU(f->f_id), TU(frame_len(f)), TS(verdict));
		frame_rele(f);
		return;
	}
	f->f_when = when;
	STAILQ_INSERT_TAIL(&d->d_flight, f, f_link);
	to = d->d_wire->w_dir[1 - d->d_end].d_port;
	to->pt_ops->expect(to->pt_arg, when);
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
		wire_out_one(d, f);
	}
	if (f != NULL && !sim_event_pending(&d->d_out_ev))
		timebase_post(tb, &d->d_out_ev, f->f_when);
}

/* --- into the other port --- */

simtime_t
wire_pull(struct wire_end *d, simtime_t before, struct frameq *q)
{
	struct wire_end *from = &d->d_wire->w_dir[1 - d->d_end];
	struct frame *f;

	while (
	    (f = STAILQ_FIRST(&from->d_flight)) != NULL && f->f_when < before) {
		STAILQ_REMOVE_HEAD(&from->d_flight, f_link);
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

const struct nic_port_ops wire_nic_ops = { .np_egress = wire_np_egress,
	.np_pull = wire_np_pull };

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
wire_set_loss(struct wire *w, uint32_t ppb)
{
	w->w_p.wp_loss_ppb = ppb;
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
		    !STAILQ_EMPTY(&w->w_dir[i].d_flight))
			return (false);
	return (true);
}

/* "12 frames 17400 bytes, the first one 3 ..." of one stage. */
static void
wire_dump_queue(const char *what, const char *then, const struct frameq *q,
    struct strbuf *sb, int indent)
{
	const struct frame *f, *last = NULL;
	uint64_t frames = 0, bytes = 0;

	STAILQ_FOREACH(f, q, f_link) {
		frames++;
		bytes += frame_len(f);
		last = f;
	}
	strbuf_addf(sb, "%*s%s %ju frames %ju bytes", indent, "", what,
	    (uintmax_t)frames, (uintmax_t)bytes);
	if ((f = STAILQ_FIRST(q)) != NULL) {
		strbuf_addf(sb, ", %s ", then);
		dump_time(sb, f->f_when);
		strbuf_adds(sb, " to ");
		dump_time(sb, last->f_when);
	}
	strbuf_adds(sb, "\n");
}

static void
wire_dir_dump(const struct wire_end *d, struct strbuf *sb, int indent)
{
	const struct wire_stats *s = &d->d_stats;

	strbuf_addf(sb,
	    "%*sfrom %s: %ju frames %ju bytes, lost %ju queue full %ju link "
	    "down %ju",
	    indent, "", d->d_port->pt_name, (uintmax_t)s->frames,
	    (uintmax_t)s->bytes, (uintmax_t)s->lost, (uintmax_t)s->queue_drops,
	    (uintmax_t)s->down_drops);
	dump_event(sb, "egress", &d->d_out_ev);
	if (d->d_busy != 0) {
		strbuf_adds(sb, " busy until ");
		dump_time(sb, d->d_busy);
	}
	strbuf_adds(sb, "\n");
	wire_dump_queue("leaving", "out at", &d->d_out, sb, indent + 2);
	wire_dump_queue("in flight", "arriving at", &d->d_flight, sb,
	    indent + 2);
}

void
wire_dump(const struct wire *w, struct strbuf *sb, int indent)
{
	const struct wire_params *p = &w->w_p;

	strbuf_addf(sb, "%*swire %s link %s %ju bit/s delay ", indent, "",
	    w->w_name, w->w_up ? "up" : "down", (uintmax_t)p->wp_rate_bps);
	dump_time(sb, p->wp_delay);
	strbuf_addf(sb, " loss %u ppb queue %ju\n", p->wp_loss_ppb,
	    (uintmax_t)p->wp_queue);
	for (int i = 0; i < 2; i++)
		wire_dir_dump(&w->w_dir[i], sb, indent + 2);
}
