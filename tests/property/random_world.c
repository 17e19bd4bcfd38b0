/* See property.h. Every bound here is one that the scenario's keys allow. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "random_priv.h"

uint64_t
range(struct maker *m, uint64_t lo, uint64_t hi)
{
	return (lo + prng_below(&m->rnd, hi - lo + 1));
}

bool
maybe(struct maker *m, unsigned percent)
{
	return (prng_below(&m->rnd, 100) < percent);
}

uint64_t
spread(struct maker *m, uint64_t lo, uint64_t hi)
{
	unsigned octaves = 0;
	uint64_t top;

	while ((lo << octaves) < hi)
		octaves++;
	top = lo << range(m, 0, octaves);
	return (range(m, lo, top < hi ? top : hi));
}

const char *
one_of(struct maker *m, const char *const *words, unsigned n)
{
	return (words[prng_below(&m->rnd, n)]);
}

struct part *
part(struct maker *m, enum place at, const char *fmt, ...)
{
	struct strbuf sb = { 0 };
	struct part *p;
	va_list ap;

	KASSERT(m->m->rw_nparts < PARTS_MAX, ("a world of too many parts"));
	va_start(ap, fmt);
	strbuf_vaddf(&sb, fmt, ap);
	va_end(ap);
	p = &m->m->rw_part[m->m->rw_nparts++];
	p->p_at = at;
	p->p_text = strbuf_take(&sb);
	return (p);
}

/* "3.07%": up to so many hundredths of a percent. */
static char *
percent(struct maker *m, unsigned hundredths)
{
	unsigned v = (unsigned)range(m, 1, hundredths);

	return (xasprintf("%u.%02u%%", v / 100, v % 100));
}

static void
add_percent(struct maker *m, enum place at, const char *fmt, unsigned most)
{
	char *p = percent(m, most);
	char *text = xasprintf("%s: %s", fmt, p);

	part(m, at, "%s", text);
	free(text);
	free(p);
}

/* --- hosts --- */

static const struct tunable {
	const char *name;
	unsigned chance; /* percent of worlds */
	unsigned lo, hi;
} tunables[] = {
	{ "net.inet.tcp.ecn.enable", 40, 0, 2 }, /* the first: see below */
	{ "net.inet.tcp.sack.enable", 25, 0, 0 },
	{ "net.inet.tcp.rfc1323", 25, 0, 0 },
	{ "net.inet.tcp.rfc3042", 10, 0, 0 },
	{ "net.inet.tcp.cc.algorithm", 50, 0, 1 },
	{ "net.inet.tcp.delayed_ack", 25, 0, 0 },
	{ "net.inet.tcp.delacktime", 10, 1, 200 },
	{ "net.inet.tcp.tso", 20, 0, 0 },
	{ "net.inet.tcp.initcwnd_segments", 20, 1, 40 },
	{ "net.inet.tcp.sack.maxholes", 10, 1, 8 },
	{ "net.inet.tcp.reass.maxqueuelen", 15, 1, 12 },
	{ "net.inet.tcp.persmin", 10, 100, 5000 },
	{ "net.inet.tcp.rexmit_min", 10, 1, 1000 },
	{ "net.inet.tcp.rexmit_slop", 15, 0, 400 },
	{ "net.inet.tcp.recvbuf_auto", 10, 0, 0 },
	{ "net.inet.tcp.sendbuf_auto", 10, 0, 0 },
};

static void
make_host(struct maker *m, enum place host, enum place sysctl, enum place nic)
{
	const struct tunable *t;

	if (m->ecn)
		part(m, sysctl, "net.inet.tcp.ecn.enable: 1");
	for (unsigned i = m->ecn ? 1 : 0; i < nitems(tunables); i++) {
		t = &tunables[i];
		if (maybe(m, t->chance))
			part(m, sysctl, "%s: %" PRIu64, t->name,
			    range(m, t->lo, t->hi));
	}
	if (maybe(m, 25))
		part(m, host, "initial_seq: %" PRIu64,
		    UINT64_C(4294967295) - spread(m, 1, 400000));
	if (maybe(m, 30))
		part(m, nic, "lro: false");
	if (maybe(m, 30))
		part(m, nic, "rx_coalesce: %" PRIu64 "us", range(m, 0, 100));
	if (maybe(m, 15))
		part(m, nic, "ring: %" PRIu64, spread(m, 4, 256));
	if (maybe(m, 15))
		part(m, host, "completion: %s",
		    ONE_OF(m, "reverse", "shuffle"));
	else if (maybe(m, 8))
		part(m, host, "crypto: accel, accel: {depth: %" PRIu64 "}",
		    spread(m, 1, 64));
	if (maybe(m, 10))
		part(m, host, "fragmented_memory: true");
}

static void
make_hosts(struct maker *m)
{
	struct rworld *w = m->m;
	/* IPv6 asks for 1280. */
	static const unsigned mtus[] = { 576, 1000, 1280, 1500, 4000, 9000 };
	unsigned lo = w->rw_ipv6 ? 2 : 0;
	unsigned a = mtus[range(m, lo, 5)],
		 b = maybe(m, 70) ? a : mtus[range(m, lo, 5)];

	m->mtu[0] = a;
	m->mtu[1] = b;
	m->mtu[2] = MIN(a, b);
	part(m, AT_SERVER_NIC, "mtu: %u", a);
	part(m, AT_CLIENT_NIC, "mtu: %u", b);
	make_host(m, AT_SERVER, AT_SERVER_SYSCTL, AT_SERVER_NIC);
	make_host(m, AT_CLIENT, AT_CLIENT_SYSCTL, AT_CLIENT_NIC);
	if (maybe(m, 20)) {
		part(m, AT_SERVER_FILE, "cached: false");
		part(m, AT_SERVER, "disk_jitter: %" PRIu64 "us",
		    range(m, 1, 2000));
	}
	if (w->rw_card)
		part(m, AT_SERVER_SYSCTL,
		    "kern.ipc.tls.ifnet_max_rexmit_pct: %" PRIu64,
		    maybe(m, 30) ? 100 : spread(m, 1, 100) - 1);
}

/* --- the wire --- */

static void
make_link(struct maker *m)
{
	if (maybe(m, 15))
		part(m, AT_LINK, "preset: %s",
		    ONE_OF(m, "datacentre", "broadband", "4g", "satellite"));
	else {
		part(m, AT_LINK, "rate: %" PRIu64 "kbit/s",
		    spread(m, 500, 100000000));
		part(m, AT_LINK, "delay: %" PRIu64 "us", spread(m, 1, 100000));
	}
	if (maybe(m, 60))
		add_percent(m, AT_LINK, "loss", maybe(m, 30) ? 2000 : 300);
	if (maybe(m, 20))
		part(m, AT_LINK, "jitter: %" PRIu64 "us", spread(m, 1, 20000));
	if (maybe(m, 20))
		part(m, AT_LINK, "queue: %" PRIu64 "B",
		    m->mtu[2] + 100 + spread(m, 1, 100000));
	if (maybe(m, 40))
		add_percent(m, AT_BACK, "loss", 2000);
	if (maybe(m, 15))
		part(m, AT_BACK, "rate: %" PRIu64 "kbit/s",
		    spread(m, 500, 1000000));
	if (maybe(m, 15))
		part(m, AT_BACK, "delay: %" PRIu64 "us", spread(m, 1, 100000));
}

static const char *
from(struct maker *m)
{
	return (ONE_OF(m, "", "", "from: server.mce0, ", "from: client.em0, "));
}

/* A bad time that lasts is one of frames, not of seconds: it may outlast the
 * twelve repetitions of a connection that has nothing else to send. */
static void
node_bursts(struct maker *m, unsigned i)
{
	char *enter = percent(m, 200),
	     *leave = xasprintf("%" PRIu64 "%%", range(m, 60, 90));

	part(m, AT_IMPAIR,
	    "{name: n%u, %sbursts: {enter: %s, leave: %s, bad: %" PRIu64 "%%}}",
	    i, from(m), enter, leave, range(m, 50, 100));
	free(enter);
	free(leave);
}

static void
node_drop(struct maker *m, unsigned i)
{
	uint64_t n = range(m, 0, 40);

	switch (range(m, 0, m->m->rw_tls ? 3 : 1)) {
	case 0:
		part(m, AT_IMPAIR,
		    "{name: n%u, drop: {flags: %s, first: %" PRIu64 "}}", i,
		    ONE_OF(m, "syn", "syn-ack", "fin", "rst", "pure-ack"),
		    range(m, 1, 3));
		break;
	case 1:
		part(m, AT_IMPAIR,
		    "{name: n%u, drop: {data: %" PRIu64 ", whose: any}}", i,
		    n + 1);
		break;
	case 2:
		part(m, AT_IMPAIR,
		    "{name: n%u, drop: {record: %" PRIu64 ", whose: %s}}", i, n,
		    ONE_OF(m, "server", "client", "any"));
		break;
	default:
		part(m, AT_IMPAIR, "{name: n%u, drop: {mask: \"0b0%s%s%s\"}}",
		    i, ONE_OF(m, "11111", "10101", "0001", "01"),
		    ONE_OF(m, "1", "001", "0000001"),
		    ONE_OF(m, "1", "0110", "00011111111"));
	}
}

static void
node_some(struct maker *m, unsigned i, const char *kind, unsigned most,
    const char *more)
{
	char *p = percent(m, most);

	part(m, AT_IMPAIR, "{name: n%u, %s%s%s%s}", i, from(m), kind, p, more);
	free(p);
}

static void
node_reorder(struct maker *m, unsigned i)
{
	char *more = xasprintf(", delay: %" PRIu64 "us}", spread(m, 1, 30000));

	if (maybe(m, 50))
		node_some(m, i, "reorder: {chance: ", 2000, more);
	else
		part(m, AT_IMPAIR,
		    "{name: n%u, reorder: {every: %" PRIu64 "%s}", i,
		    range(m, 2, 50), more);
	free(more);
}

static void
node_corrupt(struct maker *m, unsigned i)
{
	if (m->m->rw_damage)
		part(m, AT_IMPAIR,
		    "{name: n%u, corrupt: {checksum: right, app_record: %" PRIu64
		    ", segment: 1, count: 1, whose: %s}}",
		    i, range(m, 0, 6), ONE_OF(m, "server", "client"));
	else
		node_some(m, i, "corrupt: {chance: ", 500,
		    maybe(m, 50) ? ", where: header}" : "}");
}

static void
node_rate(struct maker *m, unsigned i)
{
	uint64_t queue = m->mtu[2] + 100 + spread(m, 1, 200000);
	char *red = NULL;

	/* The average of the queue hardly moves in a short transfer. */
	if (maybe(m, 50))
		red = xasprintf(", red: {min: 100B, max: %" PRIu64
				"B, chance: %" PRIu64 "%%, ecn: %s}",
		    queue / 4, range(m, 10, 100), ONE_OF(m, "true", "false"));
	part(m, AT_IMPAIR,
	    "{name: n%u, %srate: {rate: %" PRIu64 "kbit/s, queue: %" PRIu64
	    "B%s}}",
	    i, from(m), spread(m, 500, 10000000), queue,
	    red != NULL ? red : "");
	free(red);
}

/* Room for many: the average has to rise before it is full. */
static void
node_marks(struct maker *m, unsigned i)
{
	part(m, AT_IMPAIR,
	    "{name: n%u, rate: {rate: %" PRIu64 "kbit/s, queue: %uB, "
	    "red: {min: 100B, max: %uB, chance: 90%%, ecn: true}}}",
	    i, spread(m, 500, 100000), 40 * m->mtu[2], 40 * m->mtu[2]);
}

static void
node_mtu(struct maker *m, unsigned i)
{
	part(m, AT_IMPAIR,
	    "{name: n%u, from: server.mce0, mtu: {size: %" PRIu64
	    ", icmp: true, router: \"%s\"}}",
	    i, range(m, m->m->rw_ipv6 ? 1280 : 400, 1500),
	    m->m->rw_ipv6 ? "fd00::fe" : "10.0.0.254");
}

static void
make_node(struct maker *m, unsigned i)
{
	switch (range(m, 0, 9)) {
	case 0:
		return (node_bursts(m, i));
	case 1:
	case 2:
		return (node_drop(m, i));
	case 3:
		return (node_some(m, i, "duplicate: ", 2000, ""));
	case 4:
		return (node_reorder(m, i));
	case 5:
		return (node_corrupt(m, i));
	case 6:
		part(m, AT_IMPAIR,
		    "{name: n%u, %sjitter: {up_to: %" PRIu64
		    "us, keep_order: %s}}",
		    i, from(m), spread(m, 1, 20000),
		    ONE_OF(m, "true", "false"));
		return;
	case 7:
		return (node_rate(m, i));
	case 8:
		part(m, AT_IMPAIR, "{name: n%u, %sdelay: %" PRIu64 "us}", i,
		    from(m), spread(m, 1, 50000));
		return;
	default:
		return (node_mtu(m, i));
	}
}

/* --- applications --- */

static void
make_tls(struct maker *m)
{
	const char *version = ONE_OF(m, "1.2", "1.3");
	const char *suite =
	    ONE_OF(m, "aes128-gcm", "aes256-gcm", "chacha20-poly1305");
	const char *hand = maybe(m, 70) ? "synthetic" : "openssl";
	char *both = xasprintf("version: \"%s\", suite: %s, handshake: %s",
	    version, suite, hand);

	part(m, AT_WEB_TLS, "%s", both);
	part(m, AT_GET_TLS, "%s", both);
	free(both);
	part(m, AT_WEB_TLS, "tx: %s",
	    m->m->rw_card || maybe(m, 70) ? "kernel" : "openssl");
	part(m, AT_GET_TLS, "tx: %s", ONE_OF(m, "kernel", "openssl"));
	if (maybe(m, 30))
		part(m, AT_WEB_TLS, "rx: kernel");
	if (maybe(m, 50))
		part(m, AT_GET_TLS, "rx: kernel");
}

static void
make_apps(struct maker *m)
{
	if (m->m->rw_tls)
		make_tls(m);
	if (maybe(m, 25))
		part(m, AT_WEB, "sndbuf: %" PRIu64 "B", spread(m, 600, 100000));
	if (maybe(m, 25))
		part(m, AT_GET, "rcvbuf: %" PRIu64 "B", spread(m, 600, 100000));
	if (maybe(m, 10))
		part(m, AT_WEB, "rcvbuf: %" PRIu64 "B", spread(m, 600, 20000));
	if (maybe(m, 10))
		part(m, AT_GET, "sndbuf: %" PRIu64 "B", spread(m, 600, 20000));
	if (maybe(m, 30))
		part(m, AT_WEB, "header: sendfile");
	if (maybe(m, 40))
		part(m, AT_GET, "interval: %" PRIu64 "us",
		    spread(m, 1, 100000));
}

/* --- steps --- */

static void
step_pair(struct maker *m, const char *there, const char *back, uint64_t most)
{
	uint64_t at = m->from + spread(m, 1, 1000000);
	uint64_t lasts = spread(m, 1, most);
	const char *on = m->m->rw_lagg ? ONE_OF(m, "wire0", "wire1") : "wire0";
	struct part *p;

	p = part(m, AT_TIMELINE,
	    "  - {at: %" PRIu64 "us, do: %s, on: %s}\n"
	    "  - {at: %" PRIu64 "us, do: %s, on: %s}\n",
	    at, there, on, at + lasts, back, on);
	/* Who is suspended seems to have a link. */
	if (strcmp(there, "link_down") == 0)
		p->p_lawful = LAW_PORT0 << (on[4] - '0');
	p->p_from = at;
	p->p_to = at + lasts;
}

static void
step_value(struct maker *m)
{
	uint64_t at = m->from + spread(m, 1, 1000000);

	switch (range(m, 0, 2)) {
	case 0:
		part(m, AT_TIMELINE,
		    "  - {at: %" PRIu64 "us, do: rate, on: wire0, rate: "
		    "%" PRIu64 "kbit/s}\n",
		    at, spread(m, 500, 1000000));
		break;
	case 1:
		part(m, AT_TIMELINE,
		    "  - {at: %" PRIu64 "us, do: delay, on: wire0, delay: "
		    "%" PRIu64 "us}\n",
		    at, spread(m, 1, 50000));
		break;
	default:
		part(m, AT_TIMELINE,
		    "  - {at: %" PRIu64 "us, do: loss, on: wire0, loss: "
		    "%" PRIu64 "%%}\n",
		    at, range(m, 0, 20));
	}
}

static void
step_switch(struct maker *m)
{
	part(m, AT_TIMELINE,
	    "  - {when: \"delivered(get) >= %" PRIu64
	    "B\", do: switch_tls, on: web, to: %s}\n",
	    range(m, 1, m->m->rw_size), ONE_OF(m, "sw", "ifnet"));
}

static void
make_step(struct maker *m)
{
	switch (range(m, 0, 4)) {
	case 0:
		return (step_pair(m, "link_suspend", "link_resume", 3000000));
	case 1:
		return (step_pair(m, "link_down", "link_up", 3000000));
	case 2:
	case 3:
		return (step_value(m));
	default:
		if (m->m->rw_tls)
			return (step_switch(m));
		return (step_value(m));
	}
}

/* --- cards: chosen last, so that the rest of a world does not change --- */

/*
 * A T6 learns a smaller MTU of the path from TSO bursts alone: a connection
 * that sends single packets never gets through (docs/nics.md).
 */
static bool
path_mtu(const struct rworld *w)
{
	for (unsigned i = 0; i < w->rw_nparts; i++)
		if (strstr(w->rw_part[i].p_text, "mtu:") != NULL)
			return (true);
	return (false);
}

static const char *
card_model(struct maker *m)
{
	if (path_mtu(m->m))
		return (ONE_OF(m, "ideal", "cx6dx"));
	/* A port that refuses the session of another ends the connection. */
	if (m->m->rw_lagg)
		return (ONE_OF(m, "ideal", "cx6dx", "t6"));
	return (ONE_OF(m, "ideal", "cx6dx", "cx6dx, settings: {driver: old}",
	    "cx6dx, settings: {log_max_dek: 2}", "t6", "t6",
	    "t6, settings: {inline_keys: 1, combo_wrs: 1}"));
}

/* What goes wrong in a card. One that has no such thing refuses the step. */
static void
step_card(struct maker *m)
{
	uint64_t at = m->from + spread(m, 1, 1000000);
	const char *on = m->m->rw_lagg ? ONE_OF(m, "mce0", "mce1") : "mce0";

	/* A ConnectX whose mapping fails expects what it did not send: a bad
	 * record is lawful then (nic-models.md 3.14). */
	bool connectx = strncmp(m->m->rw_model[0], "cx6dx", 5) == 0;

	switch (range(m, 0, connectx ? 1 : 3)) {
	case 0:
		m->m->rw_toe_reset = m->m->rw_toe;
		part(m, AT_TIMELINE,
		    "  - {at: %" PRIu64 "us, do: card, on: server.%s, order: "
		    "reset}\n",
		    at, on);
		break;
	case 1:
		part(m, AT_TIMELINE,
		    "  - {at: %" PRIu64 "us, do: card, on: server.%s, order: "
		    "stall, for: %" PRIu64 "us}\n",
		    at, on, spread(m, 1, 100000));
		break;
	default:
		part(m, AT_TIMELINE,
		    "  - {at: %" PRIu64 "us, do: card, on: server.%s, order: "
		    "dma-fail, count: %" PRIu64 "}\n",
		    at, on, spread(m, 1, 6));
	}
}

/* Drawn from a stream of its own: worlds without it stay what they were. */
static void
make_toe(struct rworld *w)
{
	struct maker m = { .m = w };

	prng_init(&m.rnd, w->rw_seed, "property toe");
	w->rw_toe = !w->rw_lagg && maybe(&m, 15);
	if (w->rw_toe)
		w->rw_model[0] = "t6, settings: {toe: 1}";
}

static void
make_cards(struct maker *m)
{
	struct rworld *w = m->m;

	w->rw_model[0] = w->rw_model[1] = card_model(m);
	make_toe(w);
	/* Now and then the client's decrypts. */
	if (maybe(m, 50))
		w->rw_model[2] = "cx6dx";
	part(m, AT_SERVER, "coarse_timestamps: %s",
	    maybe(m, 85) ? "true" : "false");
	if (maybe(m, 30))
		step_card(m);
}

void
rworld_make(struct rworld *w, uint64_t seed)
{
	struct maker m = { .m = w };
	unsigned n;

	memset(w, 0, sizeof(*w));
	w->rw_seed = seed;
	make_lacp(w);
	make_commanded(w);
	m.from = w->rw_start * UINT64_C(1000000);
	prng_init(&m.rnd, seed, "property world");
	w->rw_ipv6 = maybe(&m, 40);
	w->rw_lagg |= maybe(&m, 20);
	w->rw_tls |= maybe(&m, 85);
	w->rw_card |= w->rw_tls && maybe(&m, 45);
	w->rw_damage = w->rw_tls && maybe(&m, 8);
	m.ecn = maybe(&m, 8);
	w->rw_conns = maybe(&m, 50) ? 1 : (unsigned)range(&m, 2, 4);
	w->rw_requests = maybe(&m, 75) ? 1 : (unsigned)range(&m, 2, 3);
	w->rw_size = spread(&m, 1, 300 * 1024);
	make_hosts(&m);
	make_link(&m);
	if (w->rw_damage)
		node_corrupt(&m, 9);
	if (m.ecn)
		node_marks(&m, 8);
	n = (unsigned)range(&m, 0, 4);
	for (unsigned i = 0; i < n; i++)
		make_node(&m, i);
	make_apps(&m);
	n = maybe(&m, 50) ? 0 : (unsigned)range(&m, 1, 3);
	for (unsigned i = 0; i < n; i++)
		make_step(&m);
	if (w->rw_card)
		make_cards(&m);
	if (w->rw_lagg && maybe(&m, 40))
		w->rw_proto = ONE_OF(&m,
		    ", proto: loadbalance, use_flowid: true, flowid_shift: 0",
		    ", proto: loadbalance", ", proto: roundrobin",
		    ", proto: broadcast");
	make_net(w);
	make_commands(w, &m);
}

void
rworld_fini(struct rworld *w)
{
	for (unsigned i = 0; i < w->rw_nparts; i++)
		free(w->rw_part[i].p_text);
}

/* --- as a scenario --- */

bool
rworld_lagg(const struct rworld *w, bool server)
{
	return (w->rw_lagg && (server || !w->rw_single));
}

const char *
rworld_ifname(const struct rworld *w, bool server)
{
	if (w->rw_vlan)
		return ("vlan7");
	if (rworld_lagg(w, server))
		return ("lagg0");
	return (server ? "mce0" : "em0");
}

/* Parts of one place, with commas: behind something, or alone. */
static void
parts(const struct rworld *w, enum place at, struct strbuf *sb, bool behind)
{
	for (unsigned i = 0; i < w->rw_nparts; i++) {
		if (w->rw_part[i].p_at != at || w->rw_part[i].p_out)
			continue;
		strbuf_addf(sb, "%s%s", behind ? ", " : "",
		    w->rw_part[i].p_text);
		behind = true;
	}
}

static bool
has(const struct rworld *w, enum place at)
{
	for (unsigned i = 0; i < w->rw_nparts; i++)
		if (w->rw_part[i].p_at == at && !w->rw_part[i].p_out)
			return (true);
	return (false);
}

static void
text_nics(const struct rworld *w, struct strbuf *sb, enum place at,
    const char *nic, bool server, bool card)
{
	for (unsigned i = 0; i < (rworld_lagg(w, server) ? 2u : 1u); i++) {
		strbuf_addf(sb, "      %s%u: {model: %s", nic, i,
		    card ? w->rw_model[server ? i : 2] : "basic");
		parts(w, at, sb, true);
		if (server && w->rw_numa)
			strbuf_addf(sb, ", numa_domain: %u", i);
		strbuf_adds(sb, "}\n");
	}
}

static void
text_upper(const struct rworld *w, struct strbuf *sb, bool server)
{
	const char *nic = server ? "mce" : "em";

	if (rworld_lagg(w, server)) {
		strbuf_addf(sb, "    laggs: {lagg0: {ports: [%s0, %s1]%s", nic,
		    nic, w->rw_proto != NULL ? w->rw_proto : "");
		parts(w, server ? AT_SERVER_LAGG : AT_CLIENT_LAGG, sb, true);
		strbuf_adds(sb, "}}\n");
	}
	if (w->rw_vlan) {
		strbuf_addf(sb, "    vlans: {vlan7: {vlan: 7, vlandev: %s0",
		    rworld_lagg(w, server) ? "lagg" : nic);
		parts(w, server ? AT_SERVER_VLAN : AT_CLIENT_VLAN, sb, true);
		strbuf_adds(sb, "}}\n");
	}
}

static void
text_host(const struct rworld *w, struct strbuf *sb, bool server)
{
	enum place first = server ? AT_SERVER : AT_CLIENT;
	const char *nic = server ? "mce" : "em";

	strbuf_addf(sb, "  %s:\n", server ? "server" : "client");
	for (unsigned i = 0; i < w->rw_nparts; i++)
		if (w->rw_part[i].p_at == first && !w->rw_part[i].p_out) {
			char *text = xstrdup(w->rw_part[i].p_text), *more;

			/* An accelerator has two keys. */
			if ((more = strstr(text, ", accel:")) != NULL)
				*more = '\0';
			strbuf_addf(sb, "    %s\n", text);
			if (more != NULL)
				strbuf_addf(sb, "    %s\n", more + 2);
			free(text);
		}
	strbuf_adds(sb, "    sysctl: {kern.ipc.tls.enable: 1");
	strbuf_addf(sb, ", kern.ipc.tls.ifnet.permitted: %d", w->rw_card);
	parts(w, first + (AT_SERVER_SYSCTL - AT_SERVER), sb, true);
	strbuf_adds(sb, "}\n    nics:\n");
	text_nics(w, sb, first + (AT_SERVER_NIC - AT_SERVER), nic, server,
	    w->rw_card && (server || w->rw_model[2] != NULL));
	text_upper(w, sb, server);
	strbuf_addf(sb, "    addresses: {%s: \"%s%d/%d\"}\n",
	    rworld_ifname(w, server), w->rw_ipv6 ? "fd00::" : "10.0.0.",
	    server ? 1 : 2, w->rw_ipv6 ? 64 : 24);
}

/* A node that was for the client's frames is for those of its link's end. */
static char *
node_text(const struct rworld *w)
{
	static const char old[] = "from: client.em0", new[] = "from: lan.s0";
	struct strbuf sb = { 0 }, out = { 0 };
	const char *p, *at;
	char *text;

	parts(w, AT_IMPAIR, &sb, false);
	text = strbuf_take(&sb);
	if (!w->rw_switch)
		return (text);
	for (p = text; (at = strstr(p, old)) != NULL; p = at + strlen(old))
		strbuf_addf(&out, "%.*s%s", (int)(at - p), p, new);
	strbuf_adds(&out, p);
	free(text);
	return (strbuf_take(&out));
}

/* Failover's ports are no lagg of the switch; it learns. */
static void
text_switch(const struct rworld *w, struct strbuf *sb)
{
	const char *proto = w->rw_lacp ? "lacp" : "static";

	strbuf_adds(sb, "switches:\n  lan: {ports: [s0, s1, c0, c1]");
	if (w->rw_proto != NULL) {
		strbuf_addf(sb, ", laggs: {po1: {ports: [s0, s1], proto: %s",
		    proto);
		parts(w, AT_SWITCH_LAGG, sb, true);
		strbuf_adds(sb, "}");
		if (!w->rw_single)
			strbuf_addf(sb, ", po2: {ports: [c0, c1], proto: %s}",
			    proto);
		strbuf_adds(sb, "}");
	}
	strbuf_adds(sb, "}\n");
}

static void
text_links(const struct rworld *w, struct strbuf *sb)
{
	char *text;

	if (w->rw_switch)
		text_switch(w, sb);
	strbuf_adds(sb, "links:\n");
	for (unsigned i = 0; w->rw_switch && i < (w->rw_single ? 1u : 2u); i++)
		strbuf_addf(sb,
		    "  - {name: tail%u, ends: [client.em%u, lan.c%u], "
		    "rate: 10Gbit/s, delay: 5us}\n",
		    i, i, i);
	for (unsigned i = 0; i < (w->rw_lagg ? 2u : 1u); i++) {
		strbuf_addf(sb, "  - {name: wire%u, ends: [server.mce%u, %s%u]",
		    i, i, w->rw_switch ? "lan.s" : "client.em", i);
		parts(w, AT_LINK, sb, true);
		if (has(w, AT_BACK)) {
			strbuf_adds(sb, ",\n     back: {");
			parts(w, AT_BACK, sb, false);
			strbuf_adds(sb, "}");
		}
		if (i == 0 && has(w, AT_IMPAIR)) {
			text = node_text(w);
			strbuf_addf(sb, ",\n     impair: [%s]", text);
			free(text);
		}
		strbuf_adds(sb, "}\n");
	}
}

static void
text_app(const struct rworld *w, struct strbuf *sb, bool server)
{
	if (server)
		strbuf_adds(sb, "  web: {type: https-server, host: server");
	else
		strbuf_addf(sb,
		    "  get: {type: https-client, host: client, server: web, "
		    "path: /f, family: %s, connections: %u, requests: %u",
		    w->rw_ipv6 ? "ipv6" : "ipv4", w->rw_conns, w->rw_requests);
	parts(w, server ? AT_WEB : AT_GET, sb, true);
	if (w->rw_tls) {
		strbuf_adds(sb, ",\n        tls: {");
		parts(w, server ? AT_WEB_TLS : AT_GET_TLS, sb, false);
		strbuf_adds(sb, "}");
	}
	strbuf_adds(sb, "}\n");
}

void
rworld_text(const struct rworld *w, struct strbuf *sb)
{
	strbuf_addf(sb,
	    "ktls_sim: 1\nname: property\nseed: %" PRIu64
	    "\nuntil: 40000s\nhosts:\n",
	    w->rw_seed);
	text_host(w, sb, true);
	strbuf_addf(sb, "    files: {/f: {size: %" PRIu64 "B", w->rw_size);
	parts(w, AT_SERVER_FILE, sb, true);
	strbuf_adds(sb, "}}\n");
	text_host(w, sb, false);
	text_links(w, sb);
	strbuf_adds(sb, "apps:\n");
	text_app(w, sb, true);
	text_app(w, sb, false);
	if (has(w, AT_TIMELINE))
		strbuf_adds(sb, "timeline:\n");
	for (unsigned i = 0; i < w->rw_nparts; i++)
		if (w->rw_part[i].p_at == AT_TIMELINE && !w->rw_part[i].p_out)
			strbuf_adds(sb, w->rw_part[i].p_text);
}
