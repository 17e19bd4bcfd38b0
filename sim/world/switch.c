#include <stdlib.h>
#include <string.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>

#include "switch_priv.h"

static void switch_expect(void *, simtime_t when);
static void switch_link(void *, bool up);
static void switch_arrival(void *);

static const struct wire_port_ops switch_ops = { .expect = switch_expect,
	.link = switch_link };

struct lanswitch *
switch_create(const struct switch_params *sp)
{
	struct lanswitch *s = xcalloc(1, sizeof(*s));
	struct sport *p;

	s->s_p = *sp;
	s->s_name = xstrdup(sp->sp_name);
	s->s_ports = xcalloc(sp->sp_nports, sizeof(*s->s_ports));
	for (unsigned i = 0; i < sp->sp_nports; i++) {
		p = &s->s_ports[i];
		p->p_switch = s;
		p->p_name = xasprintf("%s.%s", sp->sp_name, sp->sp_ports[i]);
		p->p_port = (struct wire_port) { .pt_name = p->p_name,
			.pt_ops = &switch_ops,
			.pt_arg = p,
			.pt_capif = WIRE_NOT_RECORDED };
		p->p_home = p;
		sim_event_init(&p->p_ev, EV_WIRE, "switch", switch_arrival, p);
	}
	slaggs_create(s);
	return (s);
}

/* --- what was learnt --- */

static struct learnt **
table_at(struct lanswitch *s, const uint8_t *addr)
{
	struct learnt **lp;

	lp = &s->s_table[hash64(addr, KETHER_ADDR_LEN, 0) % SWITCH_BUCKETS];
	while (*lp != NULL && memcmp((*lp)->l_addr, addr, KETHER_ADDR_LEN) != 0)
		lp = &(*lp)->l_next;
	return (lp);
}

static void
learn(struct sport *p, const uint8_t *addr)
{
	struct learnt **lp;

	if ((addr[0] & 1) != 0)
		return; /* no station's */
	lp = table_at(p->p_switch, addr);
	if (*lp == NULL) {
		*lp = xcalloc(1, sizeof(**lp));
		memcpy((*lp)->l_addr, addr, KETHER_ADDR_LEN);
	}
	(*lp)->l_port = p->p_home;
}

void
switch_forget(struct lanswitch *s, const struct sport *p)
{
	struct learnt **lp, *l;

	for (unsigned i = 0; i < SWITCH_BUCKETS; i++)
		for (lp = &s->s_table[i]; (l = *lp) != NULL;) {
			if (p != NULL && l->l_port != p) {
				lp = &l->l_next;
				continue;
			}
			*lp = l->l_next;
			free(l);
		}
}

void
switch_destroy(struct lanswitch *s)
{
	if (s == NULL)
		return;
	switch_forget(s, NULL);
	slaggs_destroy(s);
	for (unsigned i = 0; i < s->s_p.sp_nports; i++) {
		timebase_cancel(s->s_p.sp_tb, &s->s_ports[i].p_ev);
		free(s->s_ports[i].p_name);
	}
	free(s->s_ports);
	free(s->s_name);
	free(s);
}

/* --- forwarding --- */

void
sport_drop(struct sport *p, struct frame *f, const char *why)
{
	TRACE(&p->p_switch->s_p.sp_tracer, wire_drop, TS(p->p_name),
	    TU(f->f_id), TU(frame_len(f)), TS(why));
	frame_rele(f);
}

void
sport_send(struct sport *p, struct frame *f)
{
	struct lanswitch *s = p->p_switch;
	simtime_t start, ser, now = timebase_now(s->s_p.sp_tb);
	uint32_t len;

	len = MAX(frame_len(f), KETHER_MIN_LEN) + KETHER_LINE_OVERHEAD;
	ser = simtime_bytes(len, p->p_port.pt_rate_bps);
	start = MAX(now + s->s_p.sp_latency, p->p_busy);
	if (start - now + ser > s->s_p.sp_latency +
		simtime_bytes(s->s_p.sp_queue, p->p_port.pt_rate_bps)) {
		p->p_stats.queue_drops++;
		sport_drop(p, f, "switch: queue full");
		return;
	}
	p->p_stats.out++;
	f->f_when = p->p_busy = start + ser;
	wire_send(p->p_end, f);
}

/* To what is behind a port, or behind the lagg whose first port it is. */
static void
send_home(struct sport *p, struct frame *f)
{
	const char *why = NULL;
	struct sport *member = p;

	if (p->p_lagg != NULL)
		member = slagg_port(p->p_lagg, f, &why);
	if (member != NULL)
		sport_send(member, f);
	else
		sport_drop(p, f, why);
}

/* Something that sends is there. */
static bool
home_up(const struct sport *p)
{
	const struct slagg *g = p->p_lagg;

	if (g == NULL)
		return (p->p_end != NULL && p->p_up);
	for (unsigned i = 0; i < g->g_nports; i++)
		if (g->g_ports[i]->p_end != NULL && g->g_ports[i]->p_up)
			return (true);
	return (false);
}

/* Out of every port but its own; each gets a frame of its own. */
static void
flood(struct sport *from, struct frame *f)
{
	struct lanswitch *s = from->p_switch;
	struct sport *p;

	from->p_stats.flooded++;
	for (unsigned i = 0; i < s->s_p.sp_nports; i++) {
		p = &s->s_ports[i];
		if (p == p->p_home && p != from->p_home && home_up(p))
			send_home(p, impair_copy(f));
	}
	frame_rele(f);
}

/* 802.1D: addresses that mean the nearest bridge, and are never passed on. */
static bool
is_reserved(const uint8_t *addr)
{
	static const uint8_t bridges[] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

	return (memcmp(addr, bridges, sizeof(bridges)) == 0 && addr[5] < 16);
}

static void
forward(struct sport *from, struct frame *f)
{
	const struct learnt *l;

	from->p_stats.in++;
	if (slagg_control(from, f)) {
		frame_rele(f);
		return;
	}
	if (is_reserved(f->f_hdr)) {
		from->p_stats.filtered++;
		frame_rele(f);
		return;
	}
	if (!slagg_hears(from)) {
		sport_drop(from, f, "switch: LACP, the port does not collect");
		return;
	}
	learn(from, f->f_hdr + KETHER_ADDR_LEN);
	l = (f->f_hdr[0] & 1) != 0 ? NULL : *table_at(from->p_switch, f->f_hdr);
	if (l == NULL)
		flood(from, f);
	else if (l->l_port != from->p_home)
		send_home(l->l_port, f);
	else {
		from->p_stats.filtered++; /* it is there already */
		frame_rele(f);
	}
}

static void
switch_arrival(void *arg)
{
	struct sport *p = arg;
	struct timebase *tb = p->p_switch->s_p.sp_tb;
	struct frameq q = STAILQ_HEAD_INITIALIZER(q);
	simtime_t next;
	struct frame *f;

	next = wire_pull(p->p_end, timebase_now(tb) + 1, &q);
	if (next != SIM_NEVER)
		timebase_post(tb, &p->p_ev, next);
	while ((f = STAILQ_FIRST(&q)) != NULL) {
		STAILQ_REMOVE_HEAD(&q, f_link);
		if (p->p_up)
			forward(p, f);
		else
			frame_rele(f); /* it arrived at a dead port */
	}
}

static void
switch_expect(void *arg, simtime_t when)
{
	struct sport *p = arg;

	if (!sim_event_pending(&p->p_ev) || p->p_ev.ev_when > when)
		timebase_post(p->p_switch->s_p.sp_tb, &p->p_ev, when);
}

static void
switch_link(void *arg, bool up)
{
	struct sport *p = arg;

	p->p_up = up;
	if (p->p_lagg != NULL)
		slagg_link(p);
	else if (!up)
		switch_forget(p->p_switch, p);
}

/* --- ports --- */

struct wire_port *
switch_port(struct lanswitch *s, unsigned port)
{
	return (&s->s_ports[port].p_port);
}

void
switch_connect(struct lanswitch *s, unsigned port, struct wire_end *end,
    uint64_t rate_bps)
{
	s->s_ports[port].p_end = end;
	s->s_ports[port].p_port.pt_rate_bps = rate_bps;
}

bool
switch_port_speaks(const struct lanswitch *s, unsigned port)
{
	return (s->s_ports[port].p_lacp != NULL);
}

const char *
switch_name(const struct lanswitch *s)
{
	return (s->s_name);
}

const struct switch_stats *
switch_stats(const struct lanswitch *s, unsigned port)
{
	return (&s->s_ports[port].p_stats);
}

void
switch_dump(const struct lanswitch *s, struct strbuf *sb, int indent)
{
	const struct sport *p;
	const struct learnt *l;

	strbuf_addf(sb, "%*sswitch %s\n", indent, "", s->s_name);
	for (unsigned i = 0; i < s->s_p.sp_nports; i++) {
		p = &s->s_ports[i];
		strbuf_addf(sb,
		    "%*sport %s link %s: in %ju out %ju flooded %ju filtered "
		    "%ju queue full %ju\n",
		    indent + 2, "", p->p_name, p->p_up ? "up" : "down",
		    (uintmax_t)p->p_stats.in, (uintmax_t)p->p_stats.out,
		    (uintmax_t)p->p_stats.flooded,
		    (uintmax_t)p->p_stats.filtered,
		    (uintmax_t)p->p_stats.queue_drops);
	}
	for (unsigned i = 0; i < s->s_p.sp_nlaggs; i++)
		slagg_dump(&s->s_laggs[i], sb, indent + 2);
	for (unsigned i = 0; i < SWITCH_BUCKETS; i++)
		for (l = s->s_table[i]; l != NULL; l = l->l_next)
			strbuf_addf(sb,
			    "%*s%02x:%02x:%02x:%02x:%02x:%02x at %s\n",
			    indent + 2, "", l->l_addr[0], l->l_addr[1],
			    l->l_addr[2], l->l_addr[3], l->l_addr[4],
			    l->l_addr[5],
			    l->l_port->p_lagg != NULL
				? l->l_port->p_lagg->g_name
				: l->l_port->p_name);
}
