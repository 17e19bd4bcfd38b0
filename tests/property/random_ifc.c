/*
 * Random worlds: what somebody types on a host while connections are there,
 * ifconfig and route. What is taken away comes back within a second, so that
 * TCP outlasts it; what it may lawfully lead to meanwhile stands with the part.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "random_priv.h"

/* A command and the one that takes it back. */
struct pair {
	bool server, forever, alone;
	const char *on; /* the interface; NULL: route */
	const char *there, *back;
	unsigned lawful;
	char *when; /* NULL: at */
	uint64_t at, to;
};

/* The instant of a step, in microseconds. */
static void
instant(struct strbuf *sb, const struct pair *p, uint64_t at)
{
	if (p->when == NULL)
		strbuf_addf(sb, "  - {at: %" PRIu64 "us, ", at);
	else
		strbuf_addf(sb, "  - {when: \"%s\", after: %" PRIu64 "us, ",
		    p->when, at);
}

static void
line(struct strbuf *sb, const struct pair *p, uint64_t at, const char *args)
{
	const char *host = p->server ? "server" : "client";

	instant(sb, p, at);
	if (p->on != NULL)
		strbuf_addf(sb, "do: ifconfig, on: %s.%s, args: \"%s\"}\n",
		    host, p->on, args);
	else
		strbuf_addf(sb, "do: route, on: %s, args: \"%s\"}\n", host,
		    args);
}

/* Meanwhile a port goes, so that tags have to be taken anew. */
static void
flap(struct maker *m, struct strbuf *sb, const struct pair *p)
{
	uint64_t gone, back = p->at;
	unsigned n = (unsigned)range(m, 1, 3);

	for (unsigned i = 0; i < n; i++) {
		gone = range(m, back, p->to);
		back = range(m, gone, p->to);
		instant(sb, p, gone);
		strbuf_adds(sb, "do: link_down, on: wire0}\n");
		instant(sb, p, back);
		strbuf_adds(sb, "do: link_up, on: wire0}\n");
	}
}

/* One behind the other, or each when its condition comes true. */
static void
pair(struct maker *m, struct pair *p)
{
	struct strbuf sb = { 0 };
	struct part *q;

	p->at = p->when != NULL ? 0 : m->from + spread(m, 1, 300000);
	p->to = p->at + spread(m, 1, 1000000);
	line(&sb, p, p->at, p->there);
	if (m->m->rw_lagg && !p->alone && maybe(m, m->m->rw_card ? 70 : 30)) {
		flap(m, &sb, p);
		p->lawful |= LAW_PORT0;
	}
	if (p->back != NULL)
		line(&sb, p, p->to, p->back);
	q = part(m, AT_TIMELINE, "%s", strbuf_str(&sb));
	strbuf_fini(&sb);
	q->p_lawful = p->lawful;
	q->p_client = !p->server;
	q->p_when = p->when != NULL;
	q->p_forever = p->forever;
	q->p_from = p->at;
	q->p_to = p->to;
	m->from = p->to;
}

static const char *
port(const struct pair *p, unsigned i)
{
	static const char *const names[2][2] = { { "em0", "em1" },
		{ "mce0", "mce1" } };

	return (names[p->server][i]);
}

static bool
is_lagg(const struct maker *m, const struct pair *p)
{
	return (rworld_lagg(m->m, p->server));
}

static const char *
parent(const struct maker *m, const struct pair *p)
{
	return (is_lagg(m, p) ? "lagg0" : port(p, 0));
}

static bool
has_t6(const struct rworld *w)
{
	return (w->rw_card && strncmp(w->rw_model[0], "t6", 2) == 0);
}

/* --- what is typed --- */

/* The address's interface, or that which a vlan stands on; a lagg's port that
 * changed alone would have changed the others for good. */
static void
cap(struct maker *m, struct pair *p)
{
	static const struct {
		const char *off, *on;
		unsigned lawful;
	} caps[] = { { "-tso", "tso", 0 }, { "-tso4", "tso4", 0 },
		{ "-lro", "lro", 0 }, { "-rxcsum -rxcsum6", "rxcsum rxcsum6" },
		{ "-txcsum -txcsum6", "txcsum txcsum6", 0 },
		{ "-vlanhwtag", "vlanhwtag", 0 },
		{ "-vlanhwcsum", "vlanhwcsum", 0 },
		{ "-vlanhwtso", "vlanhwtso", 0 }, { "-txrtlmt", "txrtlmt", 0 },
		{ "-txtlsrtlmt", "txtlsrtlmt", 0 }, { "-rxtls", "rxtls", 0 },
		{ "-mextpg", "mextpg", LAW_NO_TAG },
		{ "-txtls", "txtls", LAW_NO_TAG },
		{ "-txtls", "txtls", LAW_NO_TAG },
		{ "-txtls", "txtls", LAW_NO_TAG } };
	unsigned i = (unsigned)range(m, 0, nitems(caps) - 1);

	/* A T6 sends no record in a frame that the stack has tagged. */
	if (p->when != NULL && has_t6(m->m) &&
	    strncmp(caps[i].off, "-vlan", 5) == 0)
		i = 0;
	p->on = maybe(m, 60) ? rworld_ifname(m->m, p->server) : parent(m, p);
	p->there = caps[i].off;
	p->back = caps[i].on;
	p->lawful = caps[i].lawful;
	pair(m, p);
}

/* Up again: connections of the address's interface have no route meanwhile. */
static void
down(struct maker *m, struct pair *p)
{
	unsigned i = (unsigned)range(m, 0, 1);

	p->there = "down";
	p->back = "up";
	p->on = maybe(m, 50) ? rworld_ifname(m->m, p->server) : parent(m, p);
	p->lawful = LAW_NO_ROUTE;
	if (is_lagg(m, p) && maybe(m, 50)) {
		p->on = port(p, i);
		p->lawful = LAW_PORT0 << i;
	}
	pair(m, p);
}

/* Smaller, and as it was. A T6 does not learn of it: see path_mtu(). */
static void
mtu(struct maker *m, struct pair *p, unsigned was)
{
	static const unsigned mtus[] = { 576, 1000, 1280, 1400, 1500, 4000 };
	unsigned to = mtus[range(m, m->m->rw_ipv6 ? 2 : 0, 5)];
	char *there = xasprintf("mtu %u", MIN(to, m->mtu[2]));
	char *back = xasprintf("mtu %u", was);

	p->on = parent(m, p);
	p->there = there;
	p->back = maybe(m, 70) ? back : NULL;
	if (!has_t6(m->m))
		pair(m, p);
	free(there);
	free(back);
}

static void
address(struct maker *m, struct pair *p)
{
	char *text =
	    xasprintf("%s%s%u/%u", m->m->rw_ipv6 ? "inet6 fd00::" : "inet ",
		m->m->rw_ipv6 ? "" : "10.0.0.", p->server ? 1u : 2u,
		m->m->rw_ipv6 ? 64u : 24u);
	char *there = xasprintf("%s -alias", text);
	char *back = xasprintf("%s alias", text);

	p->on = rworld_ifname(m->m, p->server);
	p->there = there;
	p->back = back;
	p->lawful = LAW_NO_ROUTE | LAW_NO_ADDR;
	pair(m, p);
	free(text);
	free(there);
	free(back);
}

static void
vlan(struct maker *m, struct pair *p)
{
	char *back = xasprintf("vlan 7 vlandev %s", parent(m, p));

	p->on = "vlan7";
	p->there = "-vlandev";
	p->back = back;
	p->lawful = LAW_NO_TAG | LAW_NO_ROUTE;
	pair(m, p);
	free(back);
}

static void
route(struct maker *m, struct pair *p)
{
	const char *net = m->m->rw_ipv6 ? "fd00::/64" : "10.0.0.0/24";
	const char *name = rworld_ifname(m->m, p->server);
	char *there, *back = NULL;

	if (maybe(m, 60)) {
		there = xasprintf("delete %s", net);
		back = xasprintf("add %s -interface %s", net, name);
		p->lawful = LAW_NO_ROUTE;
	} else
		there = xasprintf("change %s -interface %s", net, name);
	p->there = there;
	p->back = back;
	pair(m, p);
	free(there);
	free(back);
}

/* --- of a lagg --- */

/*
 * The second port. Who loses the first has another address, and whoever does
 * not hear of it waits for longer than TCP does: only at a switch (two hosts
 * with failover would never agree on a port again), and where nothing is lost:
 * make_quiet().
 */
static void
member(struct maker *m, struct pair *p)
{
	unsigned i = m->m->rw_switch && maybe(m, 40) ? 0 : 1;
	char *there = xasprintf("-laggport %s", port(p, i));
	char *back = xasprintf("laggport %s", port(p, i));

	p->there = there;
	p->back = back;
	p->lawful = LAW_PORT0 << i;
	p->alone = i == 0;
	pair(m, p);
	free(there);
	free(back);
}

static const char *
proto_of(const struct rworld *w)
{
	if (w->rw_proto == NULL)
		return ("failover");
	return (strstr(w->rw_proto, "proto: ") + strlen("proto: "));
}

/* Does the lagg of this end give tags, as the world has it? */
static bool
gives_tags(const struct rworld *w, bool server)
{
	enum place at = server ? AT_SERVER_LAGG : AT_CLIENT_LAGG;
	bool flowid =
	    w->rw_proto == NULL || strstr(w->rw_proto, "use_flowid") != NULL;

	for (unsigned i = 0; i < w->rw_nparts; i++)
		flowid |= w->rw_part[i].p_at == at &&
		    strstr(w->rw_part[i].p_text, "use_flowid") != NULL;
	return (flowid);
}

/* Who took a tag meanwhile may need another when none are given again. */
static void
proto(struct maker *m, struct pair *p)
{
	const char *was = proto_of(m->m);
	const char *to = ONE_OF(m, "failover", "loadbalance", "roundrobin",
	    "broadcast", "lacp");
	char *there = xasprintf("laggproto %s", to);
	char *back = xasprintf("laggproto %.*s", (int)strcspn(was, ", "), was);

	p->there = there;
	p->back = back;
	p->forever = !gives_tags(m->m, p->server);
	p->lawful = strcmp(to, "failover") == 0 && !p->forever ? 0 : LAW_NO_TAG;
	pair(m, p);
	free(there);
	free(back);
}

static void
options(struct maker *m, struct pair *p)
{
	switch (range(m, 0, 5)) {
	case 0:
		p->there = "-use_flowid";
		p->back = "use_flowid";
		p->lawful = LAW_NO_TAG;
		break;
	case 1:
		p->there = "flowid_shift 3";
		p->back = "flowid_shift 0";
		break;
	case 2:
		p->there = ONE_OF(m, "lagghash l2", "lagghash l3,l4");
		break;
	case 3:
		p->there = "rr_limit 7";
		break;
	case 4:
		p->there = "-use_numa";
		p->back = "use_numa";
		break;
	default:
		p->there = "-lacp_strict lacp_fast_timeout";
	}
	pair(m, p);
}

static void
lagg(struct maker *m, struct pair *p)
{
	p->on = "lagg0";
	switch (range(m, 0, 3)) {
	case 0:
	case 1:
		return (member(m, p));
	case 2:
		/* A switch that took two ports for one address goes on with
		 * the wrong one until the host sends something. */
		if (m->m->rw_switch && m->m->rw_proto == NULL)
			return (options(m, p));
		return (proto(m, p));
	default:
		return (options(m, p));
	}
}

static void
command(struct maker *m, char *when)
{
	struct pair p = { .server = maybe(m, 65), .when = when };
	unsigned was = m->mtu[p.server ? 0 : 1];

	if (is_lagg(m, &p) && maybe(m, 40))
		return (lagg(m, &p));
	if (m->m->rw_vlan && maybe(m, 20))
		return (vlan(m, &p));
	switch (range(m, 0, 6)) {
	case 0:
	case 1:
	case 2:
		return (cap(m, &p));
	case 3:
		return (down(m, &p));
	case 4:
		return (mtu(m, &p, was));
	case 5:
		return (address(m, &p));
	default:
		return (route(m, &p));
	}
}

/* Enough bytes to be struck, and a card that is not given up before. */
static void
make_busy(struct maker *m)
{
	struct rworld *w = m->m;

	if (w->rw_size < 50000 && maybe(m, 70))
		w->rw_size = spread(m, 50000, 600 * 1024);
	if (!w->rw_card || !maybe(m, 60))
		return;
	for (unsigned i = 0; i < w->rw_nparts; i++)
		if (strstr(w->rw_part[i].p_text, "max_rexmit_pct") != NULL)
			w->rw_part[i].p_out = true;
	part(m, AT_SERVER_SYSCTL, "kern.ipc.tls.ifnet_max_rexmit_pct: 100");
}

static char *
condition(struct maker *m)
{
	uint64_t record = range(m, 0, 4 + m->m->rw_size / 16384);

	if (!m->m->rw_tls || maybe(m, 50))
		return (xasprintf("delivered(get) >= %" PRIu64 "B",
		    range(m, 1, m->m->rw_size)));
	if (maybe(m, 30))
		return (xasprintf("record(flow1, %" PRIu64 ").%s", record,
		    ONE_OF(m, "sent", "lost", "delivered")));
	return (xasprintf("record(flow1, %" PRIu64 ").segment(%" PRIu64 ").%s",
	    record, range(m, 1, 8), ONE_OF(m, "sent", "sent", "delivered")));
}

/*
 * Conditions may overlap. A lagg takes what its ports can do together, and a
 * vlan without a parent forgets what is asked of it: a capability that should
 * be there again may then be lost for good.
 */
static void
make_overlap(struct maker *m)
{
	unsigned n = (unsigned)range(m, 1, 3);
	bool lost = false;
	struct part *p;

	for (unsigned i = 0; i < n; i++) {
		char *when = condition(m);

		command(m, when);
		free(when);
	}
	for (p = m->m->rw_part; p < m->m->rw_part + m->m->rw_nparts; p++)
		lost |= p->p_when &&
		    (strstr(p->p_text, "-laggport") != NULL ||
			strstr(p->p_text, "-vlandev") != NULL);
	for (p = m->m->rw_part; lost && p < m->m->rw_part + m->m->rw_nparts;
	     p++)
		p->p_forever |= p->p_when &&
		    (strstr(p->p_text, "-txtls\"") != NULL ||
			strstr(p->p_text, "-mextpg") != NULL);
}

static void
commands(struct maker *m)
{
	unsigned n = (unsigned)range(m, 1, 4);

	if (maybe(m, 55))
		return (make_overlap(m));
	for (unsigned i = 0; i < n; i++)
		command(m, NULL);
}

/* Steps that the world would be judged wrongly with. */
static void
leave_out(struct rworld *w, bool (*is)(const struct part *))
{
	for (unsigned i = 0; i < w->rw_nparts; i++)
		w->rw_part[i].p_out |= is(&w->rw_part[i]);
}

static bool
moves_port(const struct part *p)
{
	return ((p->p_lawful & (LAW_PORT0 | LAW_PORT1)) != 0 ||
	    strstr(p->p_text, "link_suspend") != NULL);
}

static bool
has_new_address(const struct part *p)
{
	return (strstr(p->p_text, "-laggport mce0") != NULL ||
	    strstr(p->p_text, "-laggport em0") != NULL);
}

/* What loses frames, lets those of one wire overtake the other's, or has a port
 * send before its partner listens. */
static bool
disturbs(const struct part *p)
{
	static const char *const words[] = { "loss", "queue", "preset",
		"jitter", "ring", "lacp_strict: false" };

	for (unsigned i = 0; i < nitems(words); i++)
		if (strstr(p->p_text, words[i]) != NULL)
			return (true);
	return (p->p_at == AT_IMPAIR || p->p_at == AT_TIMELINE);
}

/*
 * A host with failover that has nothing to send is looked for at the port at
 * which the switch heard it last (docs/differences.md: addresses do not age),
 * which a frame that waited behind the change can undo. Whoever did not hear
 * that it has another address, or heard the old one again, sends to that. Both
 * last longer than TCP waits, in FreeBSD too.
 */
static void
make_quiet(struct rworld *w)
{
	struct part *p;

	if (w->rw_switch && w->rw_proto == NULL)
		leave_out(w, moves_port);
	for (p = w->rw_part; p < w->rw_part + w->rw_nparts; p++)
		if (has_new_address(p) && !p->p_out) {
			leave_out(w, disturbs);
			p->p_out = false;
			return;
		}
}

void
make_commanded(struct rworld *w)
{
	struct maker m = { .m = w };

	prng_init(&m.rnd, w->rw_seed, "property commanded");
	w->rw_commands = maybe(&m, 35);
	if (!w->rw_commands)
		return;
	w->rw_lagg |= maybe(&m, 50);
	w->rw_tls = w->rw_card = maybe(&m, 60);
}

void
make_commands(struct rworld *w, const struct maker *hosts)
{
	struct maker m = *hosts;

	prng_init(&m.rnd, w->rw_seed, "property commands");
	if (w->rw_commands && !w->rw_toe) {
		rworld_patient(w);
		make_busy(&m);
		commands(&m);
	}
	make_quiet(w);
}
