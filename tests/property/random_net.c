/*
 * Random worlds: LACP, a switch between the hosts, vlans, pacing and small
 * tables of cards. Each is drawn from a stream of its own, so that worlds
 * without it stay what they were.
 */
#include <inttypes.h>
#include <string.h>

#include "random_priv.h"

/* LACP wants six seconds to come up, and more where its frames are lost. */
#define LACP_START 8

void
make_lacp(struct rworld *w)
{
	struct maker m = { .m = w };

	prng_init(&m.rnd, w->rw_seed, "property lacp");
	w->rw_lacp = w->rw_lagg = maybe(&m, 12);
	w->rw_start = w->rw_lacp ? LACP_START : 0;
}

/* Two repetitions of a millisecond would not outlast what LACP takes. */
void
rworld_patient(struct rworld *w)
{
	for (unsigned i = 0; i < w->rw_nparts; i++)
		if (strstr(w->rw_part[i].p_text, "tcp.rexmit_") != NULL)
			w->rw_part[i].p_out = true;
}

static void
lacp_end(struct maker *m, enum place at)
{
	if (maybe(m, 65)) {
		part(m, at, "use_flowid: true");
		if (maybe(m, 70))
			part(m, at, "flowid_shift: %" PRIu64,
			    maybe(m, 60) ? 0 : range(m, 0, 31));
	}
	if (maybe(m, 25))
		part(m, at, "use_numa: false");
	if (maybe(m, 25))
		part(m, at, "lacp_strict: false");
	if (maybe(m, 35))
		part(m, at, "lacp_fast_timeout: true");
	if (maybe(m, 15))
		part(m, at, "lagghash: [%s]", ONE_OF(m, "l2", "l3", "l4"));
}

static void
make_lacp_ends(struct maker *m)
{
	struct rworld *w = m->m;

	w->rw_proto = ", proto: lacp";
	lacp_end(m, AT_SERVER_LAGG);
	lacp_end(m, AT_CLIENT_LAGG);
	if (maybe(m, 40)) {
		w->rw_numa = true;
		part(m, AT_SERVER, "numa_domains: 2");
	}
	rworld_patient(w);
}

static void
make_switch(struct maker *m)
{
	struct rworld *w = m->m;

	w->rw_switch = w->rw_lagg && maybe(m, 45);
	if (!w->rw_switch)
		return;
	w->rw_single = maybe(m, 40);
	if (w->rw_lacp && maybe(m, 35))
		part(m, AT_SWITCH_LAGG, "lacp_fast_timeout: true");
}

/* A card's own TCP knows no vlans. */
static void
make_vlan(struct maker *m)
{
	struct rworld *w = m->m;

	w->rw_vlan = !w->rw_toe && maybe(m, 18);
	if (!w->rw_vlan)
		return;
	if (maybe(m, 30))
		part(m, AT_SERVER_VLAN, "rxtls: true");
	if (maybe(m, 50))
		part(m, AT_CLIENT_VLAN, "rxtls: true");
}

static void
step_pacing(struct maker *m)
{
	const char *app = ONE_OF(m, "web", "web", "get");
	uint64_t at = m->from + spread(m, 1, 1000000);
	uint64_t rate = maybe(m, 20) ? 0 : spread(m, 500, 34000000);

	part(m, AT_TIMELINE,
	    "  - {at: %" PRIu64 "us, do: pacing, on: %s, rate: %" PRIu64
	    "kbit/s}\n",
	    at, app, rate);
}

/*
 * A ConnectX sends a paced connection's TLS by a queue of its own. A timeout
 * just where software took over sends a segment's two halves by both of them,
 * in either order; where only one frame has room the same one is lost each
 * time.
 */
static void
make_room(struct rworld *w)
{
	struct part *p;

	for (p = w->rw_part; w->rw_card && p < w->rw_part + w->rw_nparts; p++)
		if (p->p_at == AT_LINK || p->p_at == AT_IMPAIR)
			p->p_out |= strstr(p->p_text, "queue: ") != NULL;
}

static void
make_pacing(struct maker *m)
{
	unsigned n;

	if (!maybe(m, 20))
		return;
	make_room(m->m);
	if (maybe(m, 60))
		part(m, AT_WEB, "pacing_rate: %" PRIu64 "kbit/s",
		    spread(m, 500, 34000000));
	if (maybe(m, 20))
		part(m, AT_GET, "pacing_rate: %" PRIu64 "kbit/s",
		    spread(m, 500, 34000000));
	n = (unsigned)range(m, 0, 3);
	for (unsigned i = 0; i < n; i++)
		step_pacing(m);
}

/* A card that is full refuses: at the beginning, that is software; when a tag
 * is exchanged, the end of the connection. */
static void
make_tables(struct maker *m)
{
	struct rworld *w = m->m;
	const char *model = NULL;

	if (maybe(m, 35))
		part(m, AT_SERVER_SYSCTL,
		    "kern.ipc.tls.ifnet.release_early: 1");
	if (w->rw_model[2] != NULL && maybe(m, 35))
		part(m, AT_CLIENT_SYSCTL,
		    "kern.ipc.tls.ifnet.release_early: 1");
	if (!maybe(m, 30))
		return;
	if (strcmp(w->rw_model[0], "cx6dx") == 0)
		model = ONE_OF(m, "cx6dx, settings: {tls_max_tags: 1}",
		    "cx6dx, settings: {tls_max_tags: 2}",
		    "cx6dx, settings: {tls_max_tags: 3, tls_prealloc_tags: 1}",
		    "cx6dx, settings: {log_max_tis: 2}",
		    "cx6dx, settings: {log_max_dek: 3}",
		    "cx6dx, settings: {key_cache: 1}");
	else if (strcmp(w->rw_model[0], "t6") == 0)
		model = ONE_OF(m, "t6, settings: {tids: 1}",
		    "t6, settings: {tids: 2}", "t6, settings: {atids: 1}",
		    "t6, settings: {key_memory: 128}");
	if (model == NULL)
		return;
	w->rw_full = true;
	w->rw_model[0] = w->rw_model[1] = model;
}

void
make_net(struct rworld *w)
{
	struct maker m = { .m = w, .from = w->rw_start * UINT64_C(1000000) };

	prng_init(&m.rnd, w->rw_seed, "property lacp ends");
	if (w->rw_lacp) {
		make_lacp_ends(&m);
		part(&m, AT_GET, "start: %us", w->rw_start);
	}
	prng_init(&m.rnd, w->rw_seed, "property switch");
	make_switch(&m);
	prng_init(&m.rnd, w->rw_seed, "property vlan");
	make_vlan(&m);
	prng_init(&m.rnd, w->rw_seed, "property pacing");
	make_pacing(&m);
	prng_init(&m.rnd, w->rw_seed, "property tables");
	if (w->rw_card)
		make_tables(&m);
}
