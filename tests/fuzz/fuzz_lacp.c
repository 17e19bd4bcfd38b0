/*
 * A system with LACP that hears anything, at any time: PDUs and markers that
 * are nearly right, its own frames thrown back, links that come and go, ports
 * that leave. It keeps its own promises, and a silence heals it.
 */
#include <ktsim/base/bytes.h>
#include <ktsim/net/ieee8023ad_lacp.h>
#include <ktsim/sim/engine.h>

#include "fuzz.h"

#define PORTS 4

static struct sys {
	struct engine *en;
	struct lacp_softc *lsc;
	bool running;
	struct port {
		struct lacp_port *lp; /* NULL: not there */
		bool link;	      /* full duplex, too */
		simtime_t since;
		unsigned pdus; /* it sent since then */
		uint8_t last[LACP_FRAME_LEN];
	} port[PORTS];
	unsigned refuse;
} sys;

static simtime_t
now(void)
{
	return (timebase_now(engine_timebase(sys.en)));
}

static int
transmit(void *owner, const uint8_t *frame)
{
	struct port *p = owner;

	MUST(lacp_is_slow(frame, LACP_FRAME_LEN));
	if (sys.refuse > 0) {
		sys.refuse--;
		return (55 /* ENOBUFS */);
	}
	p->pdus += frame[14] == 1;
	memcpy(p->last, frame, LACP_FRAME_LEN);
	return (0);
}

static void
changed(void *arg, const char *reason)
{
	MUST(arg == &sys && reason != NULL);
}

static void
resumed(void *arg)
{
	MUST(!lacp_suppressed(sys.lsc));
}

static const struct lacp_ops ops = { .lo_transmit = transmit,
	.lo_changed = changed,
	.lo_resumed = resumed };
static const struct tracer silent;

static void
port_add(unsigned i)
{
	struct lacp_port_params pp = { .lpp_owner = &sys.port[i],
		.lpp_name = "mce",
		.lpp_portno = (uint16_t)(i + 1),
		.lpp_lladdr = { 2, 0, 0, 0, 0, (uint8_t)i },
		.lpp_sysmac = { 2, 0, 0, 0, 0, 1 } };

	sys.port[i] = (struct port) { .since = now() };
	sys.port[i].lp = lacp_port_create(sys.lsc, &pp);
}

static void
make(uint8_t how)
{
	struct lacp_params p = { .lpa_tracer = &silent,
		.lpa_ops = &ops,
		.lpa_arg = &sys,
		.lpa_name = "lagg0",
		.lpa_index = 3,
		.lpa_strict = how & 1,
		.lpa_fast_timeout = how >> 1 & 1 };

	memset(&sys, 0, sizeof(sys));
	sys.en = engine_create();
	p.lpa_tb = engine_timebase(sys.en);
	sys.lsc = lacp_create(&p);
	for (unsigned i = 0; i < PORTS; i++)
		port_add(i);
	lacp_start(sys.lsc);
	sys.running = true;
}

/* An allocation of its own: a byte too far is seen. */
static bool
hear(struct port *p, const uint8_t *frame, uint32_t len)
{
	uint8_t *copy = malloc(len + (len == 0));
	bool mine;

	memcpy(copy, frame, len);
	mine = lacp_input(p->lp, copy, len);
	MUST(!mine || lacp_is_slow(copy, len));
	free(copy);
	return (mine);
}

static void
peer_in(struct fuzz_in *in, uint8_t *tlv, const struct lacp_peerinfo *ours)
{
	uint8_t how = fuzz_u8(in);
	struct lacp_peerinfo lip = { .lip_sysprio = 0x8000,
		.lip_sysmac = { 2, 0, 0, 0, 0, (uint8_t)(8 + how % 4) },
		.lip_key = how >> 2 & 3,
		.lip_portprio = 0x8000,
		.lip_portno = how >> 4 & 3 };

	if (ours != NULL && (how & 0xc0) != 0xc0)
		lip = *ours; /* mostly right */
	if (ours == NULL || (how & 0x40) != 0)
		lip.lip_state = fuzz_u8(in);
	tlv[1] = 20;
	be16enc(tlv + 2, lip.lip_sysprio);
	memcpy(tlv + 4, lip.lip_sysmac, 6);
	be16enc(tlv + 10, lip.lip_key);
	be16enc(tlv + 12, lip.lip_portprio);
	be16enc(tlv + 14, lip.lip_portno);
	tlv[16] = lip.lip_state;
}

static const uint8_t head[] = { 1, 0x80, 0xc2, 0, 0, 2, 2, 0, 0, 0, 0, 9, 0x88,
	0x09, 1, 1 };

static void
hear_pdu(struct fuzz_in *in, struct port *p)
{
	uint8_t frame[LACP_FRAME_LEN] = { 0 };

	memcpy(frame, head, sizeof(head));
	frame[16] = 1;
	peer_in(in, frame + 16, NULL);
	frame[36] = 2;
	peer_in(in, frame + 36, lacp_port_actor(p->lp));
	frame[56] = 3;
	frame[57] = 16;
	MUST(hear(p, frame, sizeof(frame)));
}

/* What some port sent last, with up to three bytes of it changed. An answer to
 * a marker is one byte away from the marker. */
static void
hear_echo(struct fuzz_in *in, struct port *p)
{
	uint8_t frame[LACP_FRAME_LEN], how = fuzz_u8(in);

	memcpy(frame, sys.port[how % PORTS].last, sizeof(frame));
	if ((how & 4) != 0)
		frame[16] = 2;
	for (unsigned i = how >> 6; i > 0; i--)
		frame[fuzz_upto(in, sizeof(frame) - 1)] = fuzz_u8(in);
	(void)hear(p, frame, sizeof(frame));
}

static void
hear_raw(struct fuzz_in *in, struct port *p)
{
	uint8_t frame[LACP_FRAME_LEN + 6] = { 0 };
	uint32_t len = fuzz_upto(in, sizeof(frame)), from = fuzz_u8(in);

	memcpy(frame, head, sizeof(head));
	if (from < len)
		(void)fuzz_bytes(in, frame + from, len - from);
	(void)hear(p, frame, len);
}

static void
link_in(struct fuzz_in *in, struct port *p)
{
	static const uint64_t speeds[] = { 0, 10000000ULL, 25000000000ULL,
		100000000000ULL };
	uint8_t how = fuzz_u8(in);

	p->link = (how & 3) == 3;
	lacp_port_link(p->lp, (how & 1) != 0, (how & 2) != 0,
	    speeds[how >> 2 & 3]);
}

static void
stop_or_start(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);

	if ((how & 1) != 0)
		lacp_setopts(sys.lsc, (how & 2) != 0, (how & 4) != 0);
	else if (sys.running)
		lacp_stop(sys.lsc);
	else
		lacp_start(sys.lsc);
	if ((how & 1) == 0)
		sys.running = !sys.running;
	sys.refuse = how >> 6;
}

static void
check(void)
{
	unsigned n = lacp_active_count(sys.lsc), distributing = 0;

	for (unsigned i = 0; i < PORTS; i++) {
		struct port *p = &sys.port[i];

		if (p->lp == NULL)
			continue;
		if (lacp_port_distributing(p->lp)) {
			distributing++;
			MUST(lacp_port_collecting(p->lp) && p->link);
		}
		MUST(lacp_port_mux(p->lp) != LACP_MUX_DISTRIBUTING ||
		    lacp_port_distributing(p->lp));
		MUST(p->pdus <=
		    LACP_TX_PER_SECOND * ((now() - p->since) / SIM_SEC + 2));
	}
	MUST(n <= distributing);
	for (unsigned i = 0; i < n; i++) {
		struct port *p = lacp_active_port(sys.lsc, i);

		MUST(p != NULL && lacp_port_active(p->lp));
	}
	MUST(lacp_active_port(sys.lsc, n) == NULL);
	MUST((lacp_active_speed(sys.lsc) > 0) <= (n > 0));
}

static void
wait_for(simtime_t delta)
{
	(void)engine_run(sys.en, now() + delta);
}

static void
step(struct fuzz_in *in)
{
	uint8_t op = fuzz_u8(in);
	unsigned i = op >> 4 & (PORTS - 1);
	struct port *p = &sys.port[i];

	if (op % 8 == 0)
		wait_for(fuzz_u8(in) * 100 * SIM_MS);
	else if (op % 8 == 1)
		stop_or_start(in);
	else if (p->lp == NULL)
		port_add(i);
	else if (op % 8 == 2) {
		lacp_port_destroy(p->lp);
		p->lp = NULL;
	} else if (op % 8 == 3)
		link_in(in, p);
	else if (op % 8 == 4)
		hear_echo(in, p);
	else if (op % 8 == 5)
		hear_raw(in, p);
	else
		hear_pdu(in, p);
}

/* Whoever hears nothing for long enough stops believing, and sends again. */
static void
silence(void)
{
	enum lacp_rx_state rx;

	if (!sys.running)
		lacp_start(sys.lsc);
	wait_for(2 * LACP_LONG_TIMEOUT_TIME * SIM_SEC);
	check();
	MUST(!lacp_suppressed(sys.lsc));
	for (unsigned i = 0; i < PORTS; i++) {
		if (sys.port[i].lp == NULL)
			continue;
		rx = lacp_port_rx(sys.port[i].lp);
		MUST(rx ==
			(sys.port[i].link ? LACP_RX_DEFAULTED
					  : LACP_RX_PORT_DISABLED) ||
		    (!sys.port[i].link && rx == LACP_RX_LACP_DISABLED));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	make(fuzz_u8(&in));
	for (int i = 0; in.left > 0 && i < 200; i++) {
		step(&in);
		check();
	}
	silence();
	lacp_destroy(sys.lsc);
	engine_destroy(sys.en);
	return (0);
}
