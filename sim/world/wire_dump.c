/* A wire as text, for state files. */
#include <ktsim/base/dump.h>

#include "wire_priv.h"

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
	if (!STAILQ_EMPTY(&d->d_late))
		wire_dump_queue("late", "arriving at", &d->d_late, sb,
		    indent + 2);
	if (impair_count(d->d_impair) > 1)
		impair_dump(d->d_impair, sb, indent + 2);
}

static bool
wire_same_ways(const struct wire_way *a, const struct wire_way *b)
{
	return (a->ww_rate_bps == b->ww_rate_bps &&
	    a->ww_delay == b->ww_delay && a->ww_queue == b->ww_queue &&
	    a->ww_loss_ppb == b->ww_loss_ppb);
}

void
wire_dump(const struct wire *w, struct strbuf *sb, int indent)
{
	const struct wire_way *ww = &w->w_dir[0].d_way;
	const struct wire_way *back = &w->w_dir[1].d_way;

	strbuf_addf(sb, "%*swire %s link %s%s %ju bit/s delay ", indent, "",
	    w->w_name, w->w_up ? "up" : "down",
	    w->w_suspended ? " suspended" : "", (uintmax_t)ww->ww_rate_bps);
	dump_time(sb, ww->ww_delay);
	strbuf_addf(sb, " loss %u ppb queue %ju", ww->ww_loss_ppb,
	    (uintmax_t)ww->ww_queue);
	if (!wire_same_ways(ww, back)) {
		strbuf_addf(sb, ", back %ju bit/s delay ",
		    (uintmax_t)back->ww_rate_bps);
		dump_time(sb, back->ww_delay);
		strbuf_addf(sb, " loss %u ppb queue %ju", back->ww_loss_ppb,
		    (uintmax_t)back->ww_queue);
	}
	strbuf_adds(sb, "\n");
	for (int i = 0; i < 2; i++)
		wire_dir_dump(&w->w_dir[i], sb, indent + 2);
}
