/*
 * LACP's machines against 802.1AX's tables: one engine that is spoken to by
 * hand, and two that speak to each other.
 */
#include "support/ktest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/net/ieee8023ad_lacp.h>
#include <ktsim/sim/engine.h>

#define A      LACP_STATE_ACTIVITY
#define SHORT  LACP_STATE_TIMEOUT
#define AGG    LACP_STATE_AGGREGATION
#define SYNC   LACP_STATE_SYNC
#define COLL   LACP_STATE_COLLECTING
#define DIST   LACP_STATE_DISTRIBUTING
#define DEF    LACP_STATE_DEFAULTED
#define EXP    LACP_STATE_EXPIRED
#define GIGA   1000000000ULL
#define DELAY  (10 * SIM_US)
#define FRAMES 4096

struct end {
	struct lacp_softc *lsc;
	struct lacp_port *port[LACP_MAX_PORTS];
	struct who {
		struct end *end;
		unsigned i;
	} who[LACP_MAX_PORTS];
	unsigned n, changes;
	struct end *peer; /* frames go there; NULL: nowhere */
	bool cut;	  /* they are lost */
	int refuse;	  /* so many transmissions */
};

static struct engine *en;
static struct end x, y;

/* What x and y sent, from the first on. */
static struct {
	struct end *by;
	unsigned port;
	simtime_t when;
	uint8_t bytes[LACP_FRAME_LEN];
} sent[FRAMES];
static unsigned nsent;

struct flight {
	struct sim_event ev;
	struct flight *next;
	struct lacp_port *to;
	uint8_t bytes[LACP_FRAME_LEN];
};
static struct flight *flights;

static void
land(void *arg)
{
	struct flight *f = arg, **pf;

	for (pf = &flights; *pf != f; pf = &(*pf)->next)
		;
	*pf = f->next;
	assert_true(lacp_input(f->to, f->bytes, LACP_FRAME_LEN));
	free(f);
}

static int
transmit(void *owner, const uint8_t *bytes)
{
	struct who *who = owner;
	struct end *e = who->end;
	struct flight *f;

	if (e->refuse > 0) {
		e->refuse--;
		return (ENOBUFS);
	}
	assert_true(nsent < FRAMES);
	sent[nsent].by = e;
	sent[nsent].port = who->i;
	sent[nsent].when = timebase_now(engine_timebase(en));
	memcpy(sent[nsent++].bytes, bytes, LACP_FRAME_LEN);
	if (e->peer == NULL || e->cut)
		return (0);
	f = calloc(1, sizeof(*f));
	f->to = e->peer->port[who->i];
	memcpy(f->bytes, bytes, LACP_FRAME_LEN);
	f->next = flights;
	flights = f;
	sim_event_init(&f->ev, EV_WIRE, "pdu", land, f);
	timebase_post_in(engine_timebase(en), &f->ev, DELAY);
	return (0);
}

static void
changed(void *arg, const char *reason)
{
	((struct end *)arg)->changes++;
}

static const struct lacp_ops ops = { .lo_transmit = transmit,
	.lo_changed = changed };
static const struct tracer silent;

static void
make(struct end *e, unsigned ports, uint8_t mac, bool strict, bool fast)
{
	struct lacp_params p = { .lpa_tb = engine_timebase(en),
		.lpa_tracer = &silent,
		.lpa_ops = &ops,
		.lpa_arg = e,
		.lpa_name = "lagg0",
		.lpa_index = 3,
		.lpa_strict = strict,
		.lpa_fast_timeout = fast };
	struct lacp_port_params pp = { .lpp_name = "mce", .lpp_sysmac = { 2 } };

	memset(e, 0, sizeof(*e));
	e->lsc = lacp_create(&p);
	e->n = ports;
	pp.lpp_sysmac[5] = mac;
	for (unsigned i = 0; i < ports; i++) {
		e->who[i] = (struct who) { e, i };
		pp.lpp_owner = &e->who[i];
		pp.lpp_portno = (uint16_t)(i + 1);
		pp.lpp_lladdr[0] = (uint8_t)(0x10 * mac + i);
		e->port[i] = lacp_port_create(e->lsc, &pp);
	}
	lacp_start(e->lsc);
}

static void
links(struct end *e, bool up)
{
	for (unsigned i = 0; i < e->n; i++)
		lacp_port_link(e->port[i], up, true, GIGA);
}

static void
run(simtime_t delta)
{
	(void)engine_run(en, timebase_now(engine_timebase(en)) + delta);
}

static int
setup(void **state)
{
	en = engine_create();
	nsent = 0;
	make(&x, 1, 1, true, false);
	return (0);
}

static int
teardown(void **state)
{
	struct flight *f;

	lacp_destroy(x.lsc);
	lacp_destroy(y.lsc);
	y.lsc = NULL;
	while ((f = flights) != NULL) {
		flights = f->next;
		timebase_cancel(engine_timebase(en), &f->ev);
		free(f);
	}
	engine_destroy(en);
	return (0);
}

/* x anew, with other ports or options. */
static void
again(unsigned ports, bool strict, bool fast)
{
	lacp_destroy(x.lsc);
	make(&x, ports, 1, strict, fast);
}

/* --- a partner made by hand --- */

static struct lacp_peerinfo
partner(uint8_t state, uint16_t key, uint16_t portno)
{
	return ((struct lacp_peerinfo) { .lip_sysprio = 0x8000,
	    .lip_sysmac = { 2, 0, 0, 0, 0, 9 },
	    .lip_key = key,
	    .lip_portprio = 0x8000,
	    .lip_portno = portno,
	    .lip_state = state });
}

static void
put(uint8_t *p, uint8_t type, const struct lacp_peerinfo *lip)
{
	p[0] = type;
	p[1] = 20;
	be16enc(p + 2, lip->lip_sysprio);
	memcpy(p + 4, lip->lip_sysmac, 6);
	be16enc(p + 10, lip->lip_key);
	be16enc(p + 12, lip->lip_portprio);
	be16enc(p + 14, lip->lip_portno);
	p[16] = lip->lip_state;
}

static void
pdu(uint8_t *p, const struct lacp_peerinfo *actor,
    const struct lacp_peerinfo *of_us)
{
	static const uint8_t head[] = { 1, 0x80, 0xc2, 0, 0, 2, 2, 0, 0, 0, 0,
		9, 0x88, 0x09, 1, 1 };

	memset(p, 0, LACP_FRAME_LEN);
	memcpy(p, head, sizeof(head));
	put(p + 16, 1, actor);
	put(p + 36, 2, of_us);
	p[56] = 3;
	p[57] = 16;
}

static void
tell(unsigned port, const struct lacp_peerinfo *actor,
    const struct lacp_peerinfo *of_us)
{
	uint8_t p[LACP_FRAME_LEN];

	pdu(p, actor, of_us);
	assert_true(lacp_input(x.port[port], p, sizeof(p)));
}

/* A PDU of a partner that has our data right. */
static void
hear(unsigned port, uint8_t state)
{
	struct lacp_peerinfo who = partner(state, 7, (uint16_t)(port + 1));

	tell(port, &who, lacp_port_actor(x.port[port]));
}

static uint8_t
actor_state(unsigned port)
{
	return (lacp_port_actor(x.port[port])->lip_state);
}

static uint8_t
partner_state(unsigned port)
{
	return (lacp_port_partner(x.port[port])->lip_state);
}

static unsigned
count(uint8_t subtype, simtime_t from, simtime_t to)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nsent; i++)
		n += sent[i].bytes[14] == subtype && sent[i].when >= from &&
		    sent[i].when < to;
	return (n);
}

/* --- receive machine --- */

enum event { UP, DOWN, HALF, PDU, TIMER };

static void
rx_event(enum event e)
{
	switch (e) {
	case UP:
		lacp_port_link(x.port[0], true, true, GIGA);
		break;
	case DOWN:
		lacp_port_link(x.port[0], false, true, GIGA);
		break;
	case HALF:
		lacp_port_link(x.port[0], true, false, GIGA);
		break;
	case PDU:
		hear(0, A | AGG | SYNC);
		break;
	case TIMER: /* the longer of both */
		run((lacp_port_rx(x.port[0]) == LACP_RX_CURRENT
			    ? LACP_LONG_TIMEOUT_TIME
			    : LACP_SHORT_TIMEOUT_TIME) *
		    SIM_SEC);
		break;
	}
}

static void
rx_bring(enum lacp_rx_state state)
{
	again(1, true, false);
	if (state == LACP_RX_LACP_DISABLED)
		rx_event(HALF);
	else if (state != LACP_RX_PORT_DISABLED)
		rx_event(UP);
	if (state == LACP_RX_CURRENT)
		rx_event(PDU);
	else if (state == LACP_RX_DEFAULTED)
		rx_event(TIMER);
	assert_int_equal(lacp_port_rx(x.port[0]), state);
}

static void
test_receive_machine_goes_as_the_table_says(void **state)
{
	static const struct {
		enum lacp_rx_state from;
		enum event event;
		enum lacp_rx_state to;
		uint8_t actor;	 /* of DEFAULTED, EXPIRED, AGGREGATION */
		uint8_t partner; /* of SYNC, TIMEOUT, AGGREGATION */
	} t[] = {
#define R(f, e, t, a, p) { LACP_RX_##f, e, LACP_RX_##t, a, p }
		R(PORT_DISABLED, PDU, PORT_DISABLED, DEF, 0),
		R(PORT_DISABLED, TIMER, PORT_DISABLED, DEF, 0),
		R(PORT_DISABLED, UP, EXPIRED, DEF | EXP | AGG, SHORT),
		R(PORT_DISABLED, HALF, LACP_DISABLED, DEF, 0),
		R(EXPIRED, PDU, CURRENT, AGG, SYNC | AGG),
		R(EXPIRED, TIMER, DEFAULTED, DEF | AGG, 0),
		R(EXPIRED, DOWN, PORT_DISABLED, DEF, 0),
		R(EXPIRED, HALF, LACP_DISABLED, DEF, 0),
		R(EXPIRED, UP, EXPIRED, DEF | EXP | AGG, SHORT),
		R(LACP_DISABLED, PDU, LACP_DISABLED, DEF, 0),
		R(LACP_DISABLED, TIMER, LACP_DISABLED, DEF, 0),
		R(LACP_DISABLED, DOWN, PORT_DISABLED, DEF, 0),
		R(LACP_DISABLED, UP, EXPIRED, DEF | EXP | AGG, SHORT),
		R(DEFAULTED, PDU, CURRENT, AGG, SYNC | AGG),
		R(DEFAULTED, TIMER, DEFAULTED, DEF | AGG, 0),
		R(DEFAULTED, DOWN, PORT_DISABLED, DEF, 0),
		R(DEFAULTED, HALF, LACP_DISABLED, DEF, 0),
		R(CURRENT, PDU, CURRENT, AGG, SYNC | AGG),
		R(CURRENT, TIMER, EXPIRED, EXP | AGG, SHORT | AGG),
		R(CURRENT, DOWN, PORT_DISABLED, DEF, 0),
		R(CURRENT, HALF, LACP_DISABLED, DEF, 0),
#undef R
	};

	for (unsigned i = 0; i < nitems(t); i++) {
		rx_bring(t[i].from);
		rx_event(t[i].event);
		assert_int_equal(lacp_port_rx(x.port[0]), t[i].to);
		assert_int_equal(actor_state(0) & (DEF | EXP | AGG),
		    t[i].actor);
		assert_int_equal(partner_state(0) & (SYNC | SHORT | AGG),
		    t[i].partner);
	}
}

/* A second that is not over when a PDU comes does not count. */
static void
test_the_timeouts_are_3_and_90_seconds(void **state)
{
	for (unsigned fast = 0; fast < 2; fast++) {
		again(1, true, fast != 0);
		rx_event(UP);
		rx_event(PDU);
		run((fast ? 3 : 90) * SIM_SEC - 1);
		assert_int_equal(lacp_port_rx(x.port[0]), LACP_RX_CURRENT);
		run(1);
		assert_int_equal(lacp_port_rx(x.port[0]), LACP_RX_EXPIRED);
		run(3 * SIM_SEC);
		assert_int_equal(lacp_port_rx(x.port[0]), LACP_RX_DEFAULTED);
	}
	again(1, true, true);
	rx_event(UP);
	run(SIM_SEC - SIM_MS);
	for (unsigned i = 0; i < 20; i++) {
		rx_event(PDU);
		run(i < 19 ? SIM_SEC : 0);
	}
	assert_int_equal(lacp_port_rx(x.port[0]), LACP_RX_CURRENT);
	/* The last one was 1 ms before a tick: three more count. */
	run(3 * SIM_SEC);
	assert_int_equal(lacp_port_rx(x.port[0]), LACP_RX_CURRENT);
	run(SIM_SEC);
	assert_int_equal(lacp_port_rx(x.port[0]), LACP_RX_EXPIRED);
}

/* recordPDU: in sync is who has our data right and keeps the link alive. */
static void
test_who_is_taken_to_be_in_sync(void **state)
{
	static const struct {
		uint8_t actor, us; /* states in the PDU */
		int wrong;	   /* which part of our data */
		bool strict, loose;
	} t[] = {
		{ A | AGG | SYNC, A | AGG, 0, true, true },
		{ A | AGG, A | AGG, 0, true, false },
		{ A | AGG | SYNC, A, 0, true, true },	/* individual */
		{ AGG | SYNC, A | AGG, 0, true, true }, /* we are active */
		{ AGG | SYNC, AGG, 0, false, false },
		{ A | AGG | SYNC, A | AGG, 1, false, false },
		{ A | AGG | SYNC, A | AGG, 2, false, false },
		{ A | AGG | SYNC, A | AGG, 3, false, false },
	};

	for (unsigned i = 0; i < nitems(t); i++)
		for (unsigned strict = 0; strict < 2; strict++) {
			struct lacp_peerinfo us;
			struct lacp_peerinfo who = partner(t[i].actor, 7, 1);

			again(1, strict != 0, false);
			rx_event(UP);
			us = *lacp_port_actor(x.port[0]);
			us.lip_state = t[i].us;
			us.lip_key ^= t[i].wrong == 1;
			us.lip_portno ^= t[i].wrong == 2;
			us.lip_sysmac[5] ^= t[i].wrong == 3;
			tell(0, &who, &us);
			assert_int_equal((partner_state(0) & SYNC) != 0,
			    strict ? t[i].strict : t[i].loose);
		}
}

static void
test_who_is_not_heard_is_what_the_mode_says(void **state)
{
	rx_bring(LACP_RX_DEFAULTED);
	assert_int_equal(partner_state(0), 0);
	assert_int_equal(lacp_port_partner(x.port[0])->lip_sysprio, 0xffff);
	again(1, false, false);
	rx_event(UP);
	run(3 * SIM_SEC);
	assert_int_equal(partner_state(0), SYNC | AGG | COLL | DIST);
	/* And yet nothing is sent to somebody who never spoke. */
	run(20 * SIM_SEC);
	assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_DETACHED);
}

/* update_NTT: an old idea of us is put right at once. */
static void
test_a_partner_with_old_data_is_told(void **state)
{
	struct lacp_peerinfo who = partner(A | AGG | SYNC, 7, 1), us;

	rx_event(UP);
	hear(0, A | AGG | SYNC);
	run(5 * SIM_SEC);
	nsent = 0;
	hear(0, A | AGG | SYNC);
	assert_int_equal(nsent, 0);
	for (unsigned wrong = 0; wrong < 4; wrong++) {
		us = *lacp_port_actor(x.port[0]);
		us.lip_key ^= wrong == 0;
		us.lip_state ^= wrong == 1 ? SYNC
		    : wrong == 2	   ? AGG
		    : wrong == 3	   ? A
					   : 0;
		tell(0, &who, &us);
		assert_int_equal(nsent, 1);
		nsent = 0;
		run(2 * SIM_SEC);
		nsent = 0;
	}
	us = *lacp_port_actor(x.port[0]);
	us.lip_state ^= COLL | DIST | SHORT; /* these do not matter */
	tell(0, &who, &us);
	assert_int_equal(nsent, 0);
}

static void
test_frames_that_are_wrong_change_nothing(void **state)
{
	struct lacp_peerinfo who = partner(A | AGG | SYNC, 7, 1);
	static const unsigned lengths[] = { 17, 37, 57, 73 };
	uint8_t good[LACP_FRAME_LEN], p[LACP_FRAME_LEN];

	rx_event(UP);
	pdu(good, &who, lacp_port_actor(x.port[0]));
	for (unsigned i = 0; i < nitems(lengths); i++) {
		memcpy(p, good, sizeof(p));
		p[lengths[i]]++;
		assert_true(lacp_input(x.port[0], p, sizeof(p)));
	}
	assert_true(lacp_input(x.port[0], good, LACP_FRAME_LEN - 1));
	/* A system that hears itself. */
	tell(0, lacp_port_actor(x.port[0]), lacp_port_actor(x.port[0]));
	assert_int_equal(lacp_port_rx(x.port[0]), LACP_RX_EXPIRED);
	/* Not for us: another subtype, address, type. */
	memcpy(p, good, sizeof(p));
	p[14] = 3;
	assert_false(lacp_input(x.port[0], p, sizeof(p)));
	p[14] = 1;
	p[5] = 3;
	assert_false(lacp_input(x.port[0], p, sizeof(p)));
	memcpy(p, good, sizeof(p));
	p[12] = 0x08;
	assert_false(lacp_input(x.port[0], p, sizeof(p)));
	assert_false(lacp_input(x.port[0], good, 14));
	/* A later version, other types: it is read. */
	good[15] = 9;
	good[16] = good[36] = 77;
	assert_true(lacp_input(x.port[0], good, sizeof(good)));
	assert_int_equal(lacp_port_rx(x.port[0]), LACP_RX_CURRENT);
}

/* --- periodic and transmit machine --- */

static void
test_the_period_is_what_the_partner_wants(void **state)
{
	assert_int_equal(lacp_port_ptx(x.port[0]), LACP_PTX_NO_PERIODIC);
	run(100 * SIM_SEC);
	assert_int_equal(nsent, 0);
	rx_event(UP);
	assert_int_equal(lacp_port_ptx(x.port[0]), LACP_PTX_FAST_PERIODIC);
	hear(0, A | AGG | SYNC | SHORT);
	assert_int_equal(lacp_port_ptx(x.port[0]), LACP_PTX_FAST_PERIODIC);
	run(10 * SIM_SEC);
	nsent = 0;
	run(60 * SIM_SEC);
	assert_int_equal(nsent, 60);
	hear(0, A | AGG | SYNC);
	assert_int_equal(lacp_port_ptx(x.port[0]), LACP_PTX_SLOW_PERIODIC);
	nsent = 0;
	run(70 * SIM_SEC);
	assert_int_equal(nsent, 2);
	/* PERIODIC_TX: shorter from now on, and one at once. */
	nsent = 0;
	hear(0, A | AGG | SYNC | SHORT);
	assert_int_equal(nsent, 1);
	rx_event(HALF);
	assert_int_equal(lacp_port_ptx(x.port[0]), LACP_PTX_NO_PERIODIC);
}

static void
test_three_pdus_in_a_second_and_the_rest_in_the_next(void **state)
{
	struct lacp_peerinfo who = partner(A | AGG | SYNC, 7, 1);
	struct lacp_peerinfo us = { .lip_state = A };
	simtime_t t;

	rx_event(UP);
	hear(0, A | AGG | SYNC);
	run(10 * SIM_SEC + SIM_MS);
	nsent = 0;
	for (unsigned i = 0; i < 10; i++) {
		tell(0, &who, &us);
		run(SIM_MS);
	}
	assert_int_equal(nsent, LACP_TX_PER_SECOND);
	/* The tick at 11 s is still within the second that began at 10.001 s. */
	t = 12 * SIM_SEC;
	run(t + SIM_MS - timebase_now(engine_timebase(en)));
	assert_int_equal(nsent, LACP_TX_PER_SECOND + 1);
	assert_int_equal(sent[nsent - 1].when, t);
}

static void
test_what_was_refused_is_sent_a_second_later(void **state)
{
	rx_event(UP);
	x.refuse = 2;
	run(2 * SIM_SEC);
	assert_int_equal(nsent, 0);
	run(SIM_SEC);
	assert_int_equal(nsent, 1);
}

static void
test_a_pdu_byte_for_byte(void **state)
{
	static const uint8_t want[] = { 0x01, 0x80, 0xc2, 0, 0, 2, 0x10, 0, 0,
		0, 0, 0, 0x88, 0x09, 1, 1,
		/* actor */
		1, 20, 0x80, 0, 2, 0, 0, 0, 0, 1, 0, 0x63, 0x80, 0, 0, 1,
		A | AGG | DEF | EXP, 0, 0, 0,
		/* partner */
		2, 20, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0,
		SHORT, 0, 0, 0,
		/* collector, and the end */
		3, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	rx_event(UP);
	run(SIM_SEC);
	assert_int_equal(nsent, 1);
	assert_memory_equal(sent[0].bytes, want, sizeof(want));
	for (unsigned i = sizeof(want); i < LACP_FRAME_LEN; i++)
		assert_int_equal(sent[0].bytes[i], 0);
}

static void
test_a_stopped_engine_says_nothing(void **state)
{
	rx_event(UP);
	lacp_stop(x.lsc);
	hear(0, A | AGG | SYNC | SHORT);
	run(100 * SIM_SEC);
	assert_int_equal(nsent, 0);
	lacp_start(x.lsc);
	run(SIM_SEC);
	assert_int_equal(nsent, 1);
}

/* --- selection, mux --- */

static void
test_mux_goes_as_the_table_says(void **state)
{
	static const struct {
		uint8_t hears;
		enum lacp_mux_state mux;
		uint8_t actor; /* of SYNC, COLLECTING, DISTRIBUTING */
	} t[] = {
		/* each from where the one before left it */
		{ A | AGG, LACP_MUX_ATTACHED, SYNC },
		{ A | AGG | SYNC, LACP_MUX_COLLECTING, SYNC | COLL },
		{ A | AGG, LACP_MUX_ATTACHED, SYNC },
		{ A | AGG | SYNC | COLL, LACP_MUX_DISTRIBUTING,
		    SYNC | COLL | DIST },
		{ A | AGG | SYNC, LACP_MUX_COLLECTING, SYNC | COLL },
		{ A | AGG | SYNC | COLL, LACP_MUX_DISTRIBUTING,
		    SYNC | COLL | DIST },
		{ A | AGG | COLL, LACP_MUX_ATTACHED, SYNC },
	};

	again(1, false, false);
	rx_event(UP);
	hear(0, A | AGG);
	run(4 * SIM_SEC);
	for (unsigned i = 0; i < nitems(t); i++) {
		hear(0, t[i].hears);
		run(SIM_SEC);
		assert_int_equal(lacp_port_mux(x.port[0]), t[i].mux);
		assert_int_equal(actor_state(0) & (SYNC | COLL | DIST),
		    t[i].actor);
		assert_int_equal(lacp_port_collecting(x.port[0]),
		    (t[i].actor & COLL) != 0);
		assert_int_equal(lacp_active_count(x.lsc),
		    (t[i].actor & DIST) != 0);
	}
	/* Other data: through DETACHED, and everything anew. */
	hear(0, A | AGG | SYNC | COLL);
	run(SIM_SEC);
	assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_DISTRIBUTING);
	struct lacp_peerinfo who = partner(A | AGG | SYNC | COLL, 8, 1);
	tell(0, &who, lacp_port_actor(x.port[0]));
	run(SIM_SEC);
	assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_DETACHED);
	assert_int_equal(lacp_active_count(x.lsc), 0);
}

static void
test_a_port_waits_two_seconds_before_it_attaches(void **state)
{
	rx_event(UP);
	hear(0, A | AGG | SYNC);
	run(SIM_SEC);
	assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_WAITING);
	run(LACP_AGGREGATE_WAIT_TIME * SIM_SEC - 1);
	assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_WAITING);
	run(1);
	assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_COLLECTING);
}

/* One that comes while another waits is waited for: they go in together. */
static void
test_ports_of_one_aggregator_wait_for_each_other(void **state)
{
	again(2, true, false);
	links(&x, true);
	hear(0, A | AGG | SYNC);
	run(2 * SIM_SEC);
	hear(1, A | AGG | SYNC);
	run(SIM_SEC); /* the first one's time is over at 3 s */
	assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_WAITING);
	assert_int_equal(lacp_port_mux(x.port[1]), LACP_MUX_WAITING);
	run(2 * SIM_SEC);
	assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_COLLECTING);
	assert_int_equal(lacp_port_mux(x.port[1]), LACP_MUX_COLLECTING);
	/* Who goes while it is waited for lets the others in. */
	again(2, true, false);
	links(&x, true);
	hear(0, A | AGG | SYNC);
	hear(1, A | AGG | SYNC);
	run(2 * SIM_SEC);
	lacp_port_link(x.port[1], false, true, GIGA);
	run(SIM_SEC);
	assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_COLLECTING);
}

/* Two ports and what the partner says of them: one aggregator or two? */
static void
test_who_fits_together(void **state)
{
	static const struct {
		uint64_t speed;	   /* of our second port */
		uint16_t key;	   /* its partner's */
		uint8_t mac, mask; /* its partner's, what it lacks */
		unsigned together;
	} t[] = {
		{ GIGA, 7, 9, 0, 2 },
		{ 10 * GIGA, 7, 9, 0, 1 },
		{ GIGA, 8, 9, 0, 1 },
		{ GIGA, 7, 10, 0, 1 },
		{ GIGA, 7, 9, AGG, 1 },
	};

	for (unsigned i = 0; i < nitems(t); i++) {
		struct lacp_peerinfo who;

		again(2, true, false);
		lacp_port_link(x.port[0], true, true, GIGA);
		lacp_port_link(x.port[1], true, true, t[i].speed);
		for (unsigned s = 0; s < 8; s++) {
			hear(0, A | AGG | SYNC | COLL);
			who = partner((uint8_t)((A | AGG | SYNC | COLL) &
					  ~t[i].mask),
			    t[i].key, 2);
			who.lip_sysmac[5] = t[i].mac;
			tell(1, &who, lacp_port_actor(x.port[1]));
			run(SIM_SEC);
		}
		assert_true(lacp_port_distributing(x.port[0]));
		assert_true(lacp_port_distributing(x.port[1]));
		assert_int_equal(lacp_active_count(x.lsc), t[i].together);
		assert_int_equal(lacp_port_active(x.port[0]) &&
			lacp_port_active(x.port[1]),
		    t[i].together == 2);
	}
}

/*
 * Aggregators with partners 9 and 10, the second port's made first. As in
 * FreeBSD each is better than those before it by its partner's priority or by
 * its speed, so that a faster one that comes later beats a better priority.
 */
static void
test_the_active_aggregator_is_the_best_one(void **state)
{
	static const struct {
		uint16_t first, prio; /* of the ports' partners */
		uint64_t speed;	      /* the second port's */
		unsigned active;
	} t[] = {
		{ 0x8000, 0x8000, GIGA, 1 }, /* was there before */
		{ 0x8000, 0x8000, 10 * GIGA, 1 },
		{ 0x8000, 0x8000, 100000000, 0 },
		{ 0x7fff, 0x8000, 10 * GIGA, 0 },
		{ 0x8000, 0x7fff, 100000000, 0 },
		{ 0x8000, 0x7fff, GIGA, 1 },
	};

	for (unsigned i = 0; i < nitems(t); i++) {
		struct lacp_peerinfo who;

		again(2, true, false);
		lacp_port_link(x.port[0], true, true, GIGA);
		lacp_port_link(x.port[1], true, true, t[i].speed);
		for (unsigned s = 0; s < 12; s++) {
			who = partner(A | AGG | SYNC | COLL, 7, 1);
			who.lip_sysprio = t[i].first;
			if (s > 3)
				tell(0, &who, lacp_port_actor(x.port[0]));
			who.lip_portno = 2;
			who.lip_sysmac[5] = 10;
			who.lip_sysprio = t[i].prio;
			tell(1, &who, lacp_port_actor(x.port[1]));
			run(SIM_SEC);
		}
		assert_true(lacp_port_distributing(x.port[0]));
		assert_true(lacp_port_distributing(x.port[1]));
		assert_ptr_equal(lacp_active_port(x.lsc, 0),
		    &x.who[t[i].active]);
		assert_int_equal(lacp_active_speed(x.lsc),
		    t[i].active == 0 ? GIGA : t[i].speed);
	}
}

/* Of two that are as good, the one that is in use: nothing moves for nothing. */
static void
test_the_active_aggregator_stays_when_another_is_as_good(void **state)
{
	struct lacp_peerinfo who = partner(A | AGG | SYNC, 7, 2);

	again(2, true, false);
	links(&x, true);
	who.lip_sysmac[5] = 10;
	for (unsigned s = 0; s < 16; s++) {
		if (s > 3)
			hear(0, A | AGG | SYNC | COLL);
		if (s == 12)
			who.lip_state |= COLL; /* the one that is first */
		tell(1, &who, lacp_port_actor(x.port[1]));
		run(SIM_SEC);
	}
	assert_true(lacp_port_distributing(x.port[1]));
	assert_ptr_equal(lacp_active_port(x.lsc, 0), &x.who[0]);
}

static void
test_who_begins_to_distribute_comes_first_in_the_map(void **state)
{
	again(3, true, false);
	links(&x, true);
	for (unsigned s = 0; s < 20; s++) {
		/* Port 1 at first, then 2, then 0. */
		hear(1, A | AGG | SYNC | COLL);
		hear(2, (uint8_t)(A | AGG | SYNC | (s > 9 ? COLL : 0)));
		hear(0, (uint8_t)(A | AGG | SYNC | (s > 12 ? COLL : 0)));
		run(SIM_SEC);
	}
	assert_ptr_equal(lacp_active_port(x.lsc, 0), &x.who[0]);
	assert_ptr_equal(lacp_active_port(x.lsc, 1), &x.who[2]);
	assert_ptr_equal(lacp_active_port(x.lsc, 2), &x.who[1]);
}

static void
test_keys_tell_speeds_and_laggs_apart(void **state)
{
	static const uint64_t mbit[] = { 1, 10, 100, 1000, 2500, 5000, 10000,
		20000, 25000, 40000, 50000, 56000, 100000, 200000, 400000,
		800000 };

	for (unsigned i = 0; i < nitems(mbit); i++) {
		assert_int_equal(lacp_compose_key(mbit[i] * 1000000, 1),
		    0x20 | i);
		assert_int_equal(lacp_compose_key(mbit[i] * 1000000 + 1, 2),
		    0x40 | i);
	}
	/* A port without a link has a key of its own. */
	rx_event(DOWN);
	assert_int_equal(lacp_port_actor(x.port[0])->lip_key, 0x8001);
	rx_event(UP);
	assert_int_equal(lacp_port_actor(x.port[0])->lip_key, 0x63);
}

/* --- the pause, markers --- */

static void
marker(unsigned port, uint8_t type, const uint8_t *of)
{
	uint8_t p[LACP_FRAME_LEN];

	memcpy(p, of, sizeof(p));
	p[16] = type;
	assert_true(lacp_input(x.port[port], p, sizeof(p)));
}

/* Both ports distribute, and the pause of that is over. */
static void
two_ports(void)
{
	again(2, true, false);
	links(&x, true);
	for (unsigned s = 0; s < 9; s++) {
		hear(0, A | AGG | SYNC | COLL);
		hear(1, A | AGG | SYNC | COLL);
		run(SIM_SEC);
	}
	assert_int_equal(lacp_active_count(x.lsc), 2);
	assert_false(lacp_suppressed(x.lsc));
	nsent = x.changes = 0;
}

/* The newest marker that this port sent. */
static const uint8_t *
last_marker(unsigned port)
{
	const uint8_t *p = NULL;

	for (unsigned i = 0; i < nsent; i++)
		if (sent[i].bytes[14] == 2 && sent[i].port == port)
			p = sent[i].bytes;
	assert_non_null(p);
	return (p);
}

static void
test_a_change_is_followed_by_a_pause_of_one_second(void **state)
{
	simtime_t now;

	two_ports();
	now = timebase_now(engine_timebase(en));
	lacp_port_link(x.port[0], false, true, GIGA);
	assert_true(lacp_suppressed(x.lsc));
	assert_int_equal(lacp_active_count(x.lsc), 1);
	assert_ptr_equal(lacp_active_port(x.lsc, 0), &x.who[1]);
	assert_null(lacp_active_port(x.lsc, 1));
	assert_int_equal(x.changes, 1);
	/* On both: the one without a link will not be answered. */
	assert_int_equal(count(2, now, now + 1), 2);
	marker(1, 2, last_marker(1));
	run(LACP_TRANSIT_DELAY * SIM_SEC - 1);
	assert_true(lacp_suppressed(x.lsc));
	run(1);
	assert_false(lacp_suppressed(x.lsc));
}

static void
test_answers_to_all_markers_end_the_pause(void **state)
{
	uint8_t old[LACP_FRAME_LEN];

	two_ports();
	/* The partner stops collecting on one port, and begins again. */
	hear(0, A | AGG | SYNC);
	run(SIM_SEC);
	memcpy(old, last_marker(0), sizeof(old));
	run(5 * SIM_SEC + SIM_MS);
	hear(0, A | AGG | SYNC | COLL);
	run(SIM_SEC - SIM_MS);
	assert_true(lacp_suppressed(x.lsc));
	assert_int_equal(be32dec(last_marker(0) + 26), be32dec(old + 26) + 1);
	marker(0, 2, old); /* of the time before */
	marker(1, 2, last_marker(1));
	assert_true(lacp_suppressed(x.lsc));
	marker(1, 2, last_marker(0)); /* the other port's */
	assert_true(lacp_suppressed(x.lsc));
	marker(0, 2, last_marker(0));
	assert_false(lacp_suppressed(x.lsc));
}

static void
test_a_marker_that_was_refused_is_not_waited_for(void **state)
{
	two_ports();
	x.refuse = 1; /* the newest port's, which is asked first */
	lacp_port_link(x.port[1], false, true, GIGA);
	assert_int_equal(nsent, 1);
	marker(0, 2, last_marker(0));
	assert_false(lacp_suppressed(x.lsc));
}

static void
test_a_marker_is_answered_with_itself(void **state)
{
	uint8_t p[LACP_FRAME_LEN] = { 1, 0x80, 0xc2, 0, 0, 2, 2, 0, 0, 0, 0, 9,
		0x88, 0x09, 2, 1, 1, 16, 0x12, 0x34, 2, 0, 0, 0, 0, 9, 0xde,
		0xad, 0xbe, 0xef };

	assert_true(lacp_input(x.port[0], p, sizeof(p)));
	assert_int_equal(nsent, 1);
	p[6] = 0x10; /* from us */
	p[7] = p[11] = 0;
	p[16] = 2;
	assert_memory_equal(sent[0].bytes, p, sizeof(p));
	/* Nothing is said to what is no marker. */
	p[16] = 1;
	p[15] = 2; /* version */
	assert_true(lacp_input(x.port[0], p, sizeof(p)));
	p[15] = 1;
	p[17] = 15;
	assert_true(lacp_input(x.port[0], p, sizeof(p)));
	p[17] = 16;
	p[32] = 1;
	assert_true(lacp_input(x.port[0], p, sizeof(p)));
	p[32] = 0;
	p[16] = 3;
	assert_true(lacp_input(x.port[0], p, sizeof(p)));
	assert_int_equal(nsent, 1);
}

/* --- two engines --- */

static void
pair(unsigned ports, bool fast)
{
	again(ports, true, fast);
	make(&y, ports, 2, true, fast);
	x.peer = &y;
	y.peer = &x;
	links(&x, true);
	links(&y, true);
}

static void
test_two_systems_come_together(void **state)
{
	pair(3, false);
	run(4 * SIM_SEC - 1);
	assert_int_equal(lacp_active_count(x.lsc), 0);
	run(4 * SIM_SEC);
	assert_int_equal(lacp_active_count(x.lsc), 3);
	assert_int_equal(lacp_active_count(y.lsc), 3);
	assert_int_equal(lacp_active_speed(x.lsc), 3 * GIGA);
	assert_false(lacp_suppressed(x.lsc));
	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < i; j++)
			assert_ptr_not_equal(lacp_active_port(x.lsc, i),
			    lacp_active_port(x.lsc, j));
	nsent = 0;
	run(600 * SIM_SEC);
	assert_int_equal(lacp_active_count(x.lsc), 3);
	/* Six ports, one every 30 s. */
	assert_int_equal(count(1, 0, SIM_NEVER), 6 * 600 / 30);
	assert_int_equal(count(2, 0, SIM_NEVER), 0);
}

/* The link stays and nothing gets through: the timeouts find it out. */
static void
test_a_partner_that_falls_silent_is_left(void **state)
{
	for (unsigned fast = 0; fast < 2; fast++) {
		lacp_destroy(y.lsc);
		pair(2, fast != 0);
		run(10 * SIM_SEC);
		assert_int_equal(lacp_active_count(x.lsc), 2);
		y.cut = true;
		run(fast ? 2 * SIM_SEC : 60 * SIM_SEC);
		assert_int_equal(lacp_active_count(x.lsc), 2);
		run(fast ? 3 * SIM_SEC : 60 * SIM_SEC);
		assert_int_equal(lacp_active_count(x.lsc), 0);
		if (fast) /* EXPIRED, not DEFAULTED yet */
			assert_int_equal(lacp_port_mux(x.port[0]),
			    LACP_MUX_ATTACHED);
		run(5 * SIM_SEC);
		assert_int_equal(lacp_port_mux(x.port[0]), LACP_MUX_DETACHED);
		y.cut = false;
		run(fast ? 10 * SIM_SEC : 45 * SIM_SEC);
		assert_int_equal(lacp_active_count(x.lsc), 2);
	}
}

static void
test_options_reach_the_partner(void **state)
{
	pair(1, false);
	run(10 * SIM_SEC);
	assert_int_equal(lacp_port_ptx(y.port[0]), LACP_PTX_SLOW_PERIODIC);
	lacp_setopts(x.lsc, true, true);
	run(31 * SIM_SEC);
	assert_int_equal(lacp_port_ptx(y.port[0]), LACP_PTX_FAST_PERIODIC);
	lacp_setopts(x.lsc, true, false);
	run(31 * SIM_SEC);
	assert_int_equal(lacp_port_ptx(y.port[0]), LACP_PTX_SLOW_PERIODIC);
}

static void
test_a_port_that_is_taken_out_leaves_the_others(void **state)
{
	pair(2, false);
	run(10 * SIM_SEC);
	y.cut = x.cut = true;
	run(SIM_MS);
	x.changes = 0;
	lacp_port_destroy(x.port[0]);
	assert_int_equal(x.changes, 1);
	assert_int_equal(lacp_active_count(x.lsc), 1);
	assert_ptr_equal(lacp_active_port(x.lsc, 0), &x.who[1]);
	lacp_port_destroy(x.port[1]);
	assert_int_equal(lacp_active_count(x.lsc), 0);
	run(5 * SIM_SEC);
	assert_false(lacp_suppressed(x.lsc));
}

static void
test_a_port_as_text(void **state)
{
	struct strbuf sb = { 0 };

	two_ports();
	lacp_port_dump(x.port[0], &sb, 2);
	assert_string_equal(strbuf_str(&sb),
	    "  lacp <ACTIVE,COLLECTING,DISTRIBUTING> rx CURRENT periodic SLOW "
	    "mux DISTRIBUTING\n"
	    "  actor (8000,02-00-00-00-00-01,0063,8000,0001) "
	    "<ACTIVITY,AGGREGATION,SYNC,COLLECTING,DISTRIBUTING> partner "
	    "(8000,02-00-00-00-00-09,0007,8000,0001) "
	    "<ACTIVITY,AGGREGATION,SYNC,COLLECTING>\n");
	strbuf_clear(&sb);
	lacp_port_link(x.port[0], false, true, GIGA);
	lacp_port_dump(x.port[0], &sb, 0);
	assert_string_equal(strbuf_str(&sb),
	    "lacp <> rx PORT_DISABLED periodic NO mux DETACHED, marker not "
	    "answered\n"
	    "actor (8000,02-00-00-00-00-01,8001,8000,0001) "
	    "<ACTIVITY,DEFAULTED> partner "
	    "(FFFF,00-00-00-00-00-00,0000,FFFF,0000) <>\n");
	strbuf_fini(&sb);
}

#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_receive_machine_goes_as_the_table_says),
		T(test_the_timeouts_are_3_and_90_seconds),
		T(test_who_is_taken_to_be_in_sync),
		T(test_who_is_not_heard_is_what_the_mode_says),
		T(test_a_partner_with_old_data_is_told),
		T(test_frames_that_are_wrong_change_nothing),
		T(test_the_period_is_what_the_partner_wants),
		T(test_three_pdus_in_a_second_and_the_rest_in_the_next),
		T(test_what_was_refused_is_sent_a_second_later),
		T(test_a_pdu_byte_for_byte),
		T(test_a_stopped_engine_says_nothing),
		T(test_mux_goes_as_the_table_says),
		T(test_a_port_waits_two_seconds_before_it_attaches),
		T(test_ports_of_one_aggregator_wait_for_each_other),
		T(test_who_fits_together),
		T(test_the_active_aggregator_is_the_best_one),
		T(test_the_active_aggregator_stays_when_another_is_as_good),
		T(test_who_begins_to_distribute_comes_first_in_the_map),
		T(test_keys_tell_speeds_and_laggs_apart),
		T(test_a_change_is_followed_by_a_pause_of_one_second),
		T(test_answers_to_all_markers_end_the_pause),
		T(test_a_marker_that_was_refused_is_not_waited_for),
		T(test_a_marker_is_answered_with_itself),
		T(test_two_systems_come_together),
		T(test_a_partner_that_falls_silent_is_left),
		T(test_options_reach_the_partner),
		T(test_a_port_that_is_taken_out_leaves_the_others),
		T(test_a_port_as_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
