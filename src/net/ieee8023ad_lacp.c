/*
 * LACP: the engine's life, its ports and its second. Selection and mux, the
 * receive machine, and frames have files of their own.
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "lacp_private.h"

bool
lacp_same_system(const struct lacp_peerinfo *a, const struct lacp_peerinfo *b)
{
	return (a->lip_sysprio == b->lip_sysprio &&
	    memcmp(a->lip_sysmac, b->lip_sysmac, sizeof(a->lip_sysmac)) == 0);
}

bool
lacp_same_peer(const struct lacp_peerinfo *a, const struct lacp_peerinfo *b)
{
	return (lacp_same_system(a, b) && a->lip_key == b->lip_key &&
	    a->lip_portprio == b->lip_portprio &&
	    a->lip_portno == b->lip_portno);
}

void
lacp_told(const struct lacp_port *lp, const char *machine, const char *state,
    const char *reason)
{
	TRACE(lp->lp_lsc->lsc_p.lpa_tracer, lacp_state, TS(lp->lp_p.lpp_name),
	    TS(machine), TS(state), TS(reason));
}

/* --- time --- */

static void
lacp_run_timer(struct lacp_port *lp, enum lacp_timer t)
{
	const struct lacp_softc *lsc = lp->lp_lsc;

	if (lp->lp_timer[t] == 0)
		return;
	/* What was heard less than a second ago has not aged by one. */
	if (t == LACP_TIMER_CURRENT_WHILE && lp->lp_last_rx != SIM_NEVER &&
	    timebase_now(lsc->lsc_p.lpa_tb) - lp->lp_last_rx < SIM_SEC)
		return;
	if (--lp->lp_timer[t] > 0)
		return;
	switch (t) {
	case LACP_TIMER_CURRENT_WHILE:
		lacp_sm_rx_timer(lp);
		break;
	case LACP_TIMER_PERIODIC:
		lp->lp_ntt = true; /* PERIODIC_TX */
		break;
	default:
		lacp_wait_while_expired(lp);
		break;
	}
}

static void
lacp_tick(void *arg)
{
	struct lacp_softc *lsc = arg;
	struct lacp_port *lp;

	callout_reset(&lsc->lsc_tick, SIM_SEC);
	LIST_FOREACH(lp, &lsc->lsc_ports, lp_next) {
		if ((lp->lp_state & LACP_STATE_AGGREGATION) == 0)
			continue;
		for (enum lacp_timer t = 0; t < LACP_NTIMER; t++)
			lacp_run_timer(lp, t);
		lacp_select(lp);
		lacp_sm_mux(lp);
		lacp_sm_tx(lp);
		lacp_sm_ptx_schedule(lp);
	}
}

static void
lacp_transit_expire(void *arg)
{
	lacp_resume(arg, "the transit delay is over");
}

/* --- life --- */

struct lacp_softc *
lacp_create(const struct lacp_params *p)
{
	struct lacp_softc *lsc = xcalloc(1, sizeof(*lsc));

	lsc->lsc_p = *p;
	LIST_INIT(&lsc->lsc_ports);
	TAILQ_INIT(&lsc->lsc_aggregators);
	callout_init(&lsc->lsc_tick, p->lpa_tb, "lacp", lacp_tick, lsc);
	callout_init(&lsc->lsc_transit, p->lpa_tb, "lacp transit",
	    lacp_transit_expire, lsc);
	return (lsc);
}

void
lacp_destroy(struct lacp_softc *lsc)
{
	struct lacp_aggregator *la;
	struct lacp_port *lp;

	if (lsc == NULL)
		return;
	lacp_stop(lsc);
	while ((lp = LIST_FIRST(&lsc->lsc_ports)) != NULL) {
		LIST_REMOVE(lp, lp_next);
		free(lp);
	}
	while ((la = TAILQ_FIRST(&lsc->lsc_aggregators)) != NULL) {
		TAILQ_REMOVE(&lsc->lsc_aggregators, la, la_q);
		free(la);
	}
	free(lsc);
}

void
lacp_start(struct lacp_softc *lsc)
{
	lsc->lsc_running = true;
	callout_reset(&lsc->lsc_tick, SIM_SEC);
}

void
lacp_stop(struct lacp_softc *lsc)
{
	lsc->lsc_running = false;
	callout_stop(&lsc->lsc_tick);
	callout_stop(&lsc->lsc_transit);
	lsc->lsc_suppress = false; /* nobody would end it */
}

void
lacp_setopts(struct lacp_softc *lsc, bool strict, bool fast_timeout)
{
	struct lacp_port *lp;

	lsc->lsc_p.lpa_strict = strict;
	lsc->lsc_p.lpa_fast_timeout = fast_timeout;
	LIST_FOREACH(lp, &lsc->lsc_ports, lp_next)
		if (fast_timeout)
			lp->lp_state |= LACP_STATE_TIMEOUT;
		else
			lp->lp_state &= (uint8_t)~LACP_STATE_TIMEOUT;
}

/* --- ports --- */

struct lacp_port *
lacp_port_create(struct lacp_softc *lsc, const struct lacp_port_params *p)
{
	struct lacp_port *lp = xcalloc(1, sizeof(*lp));

	KASSERT(lsc->lsc_nports < LACP_MAX_PORTS, ("lacp: too many ports"));
	lp->lp_lsc = lsc;
	lp->lp_p = *p;
	lp->lp_last_rx = SIM_NEVER;
	lp->lp_tx_since = SIM_NEVER;
	lp->lp_actor = (struct lacp_peerinfo) { .lip_sysprio = LACP_SYSTEM_PRIO,
		.lip_portprio = LACP_PORT_PRIO,
		.lip_portno = p->lpp_portno,
		.lip_state = LACP_STATE_ACTIVITY };
	if (lsc->lsc_p.lpa_fast_timeout)
		lp->lp_state |= LACP_STATE_TIMEOUT;
	memcpy(lp->lp_actor.lip_sysmac, p->lpp_sysmac, 6);
	lp->lp_marker.mi_port = p->lpp_portno;
	memcpy(lp->lp_marker.mi_system, p->lpp_sysmac, 6);
	LIST_INSERT_HEAD(&lsc->lsc_ports, lp, lp_next);
	lsc->lsc_nports++;
	lacp_rx_begin(lp);
	return (lp);
}

void
lacp_port_destroy(struct lacp_port *lp)
{
	struct lacp_softc *lsc = lp->lp_lsc;

	lacp_set_mux(lp, LACP_MUX_DETACHED, "the port is taken out");
	LIST_REMOVE(lp, lp_next);
	lsc->lsc_nports--;
	free(lp);
}

/* Bits 0 to 4: class of speed; 5 to 14: the aggregation. */
uint16_t
lacp_compose_key(uint64_t speed, uint16_t index)
{
	/* Mbit/s */
	static const uint32_t classes[] = { 10, 100, 1000, 2500, 5000, 10000,
		20000, 25000, 40000, 50000, 56000, 100000, 200000, 400000,
		800000 };
	uint16_t key = 0;

	while (
	    key < nitems(classes) && speed >= (uint64_t)classes[key] * 1000000)
		key++;
	return ((uint16_t)(key | (0x7fe0 & (index << 5))));
}

/* Without a port that could be aggregated: a key that nobody else has. */
static uint16_t
lacp_key(const struct lacp_port *lp)
{
	if ((lp->lp_state & LACP_STATE_AGGREGATION) == 0)
		return ((uint16_t)(0x8000 | lp->lp_p.lpp_portno));
	return (lacp_compose_key(lp->lp_speed, lp->lp_lsc->lsc_p.lpa_index));
}

void
lacp_port_link(struct lacp_port *lp, bool up, bool full_duplex, uint64_t speed)
{
	uint16_t old_key = lp->lp_actor.lip_key;
	uint8_t old_state = lp->lp_state;

	lp->lp_speed = speed;
	lacp_rx_enable(lp, up, full_duplex);
	lp->lp_actor.lip_key = lacp_key(lp);
	if (old_state != lp->lp_state || old_key != lp->lp_actor.lip_key)
		lp->lp_selected = false;
	if (lp->lp_lsc->lsc_running &&
	    (lp->lp_state & LACP_STATE_AGGREGATION) != 0)
		lacp_sm_ptx_schedule(lp);
}

/* --- what others want to know --- */

bool
lacp_port_active(const struct lacp_port *lp)
{
	return (lp->lp_aggregator != NULL &&
	    lp->lp_aggregator == lp->lp_lsc->lsc_active);
}

bool
lacp_port_collecting(const struct lacp_port *lp)
{
	return ((lp->lp_state & LACP_STATE_COLLECTING) != 0);
}

bool
lacp_port_distributing(const struct lacp_port *lp)
{
	return ((lp->lp_state & LACP_STATE_DISTRIBUTING) != 0);
}

unsigned
lacp_active_count(const struct lacp_softc *lsc)
{
	return (lsc->lsc_active != NULL ? lsc->lsc_active->la_nports : 0);
}

void *
lacp_active_port(const struct lacp_softc *lsc, unsigned i)
{
	const struct lacp_port *lp;

	if (lsc->lsc_active == NULL)
		return (NULL);
	TAILQ_FOREACH(lp, &lsc->lsc_active->la_ports, lp_dist_q)
		if (i-- == 0)
			return (lp->lp_p.lpp_owner);
	return (NULL);
}

bool
lacp_suppressed(const struct lacp_softc *lsc)
{
	return (lsc->lsc_suppress);
}

const struct lacp_peerinfo *
lacp_port_actor(const struct lacp_port *lp)
{
	return (&lp->lp_actor);
}

const struct lacp_peerinfo *
lacp_port_partner(const struct lacp_port *lp)
{
	return (&lp->lp_partner);
}

enum lacp_rx_state
lacp_port_rx(const struct lacp_port *lp)
{
	return (lp->lp_rx);
}

enum lacp_mux_state
lacp_port_mux(const struct lacp_port *lp)
{
	return (lp->lp_mux);
}

static void
flag_add(struct strbuf *sb, bool on, const char *sep, const char *name)
{
	if (!on)
		return;
	if (sb->sb_len > 0)
		strbuf_adds(sb, sep);
	strbuf_adds(sb, name);
}

static void
peer_dump(const struct lacp_peerinfo *p, struct strbuf *sb)
{
	static const char *const names[] = { "ACTIVITY", "TIMEOUT",
		"AGGREGATION", "SYNC", "COLLECTING", "DISTRIBUTING",
		"DEFAULTED", "EXPIRED" };
	struct strbuf st = { 0 };
	const uint8_t *m = p->lip_sysmac;

	for (unsigned i = 0; i < nitems(names); i++)
		flag_add(&st, ((p->lip_state >> i) & 1) != 0, ",", names[i]);
	strbuf_addf(sb,
	    "(%04X,%02X-%02X-%02X-%02X-%02X-%02X,%04X,%04X,%04X) <%s>",
	    p->lip_sysprio, m[0], m[1], m[2], m[3], m[4], m[5], p->lip_key,
	    p->lip_portprio, p->lip_portno, strbuf_str(&st));
	strbuf_fini(&st);
}

void
lacp_port_dump(const struct lacp_port *lp, struct strbuf *sb, int indent)
{
	static const char *const ptx[] = { "NO", "FAST", "SLOW" };
	struct strbuf st = { 0 };

	flag_add(&st, lacp_port_active(lp), ",", "ACTIVE");
	flag_add(&st, lacp_port_collecting(lp), ",", "COLLECTING");
	flag_add(&st, lacp_port_distributing(lp), ",", "DISTRIBUTING");
	strbuf_addf(sb, "%*slacp <%s> rx %s periodic %s mux %s%s\n", indent, "",
	    strbuf_str(&st), lacp_rx_names[lp->lp_rx], ptx[lacp_port_ptx(lp)],
	    lacp_mux_names[lp->lp_mux],
	    lp->lp_mark && lp->lp_lsc->lsc_suppress ? ", marker not answered"
						    : "");
	strbuf_addf(sb, "%*sactor ", indent, "");
	peer_dump(&lp->lp_actor, sb);
	strbuf_adds(sb, " partner ");
	peer_dump(&lp->lp_partner, sb);
	strbuf_adds(sb, "\n");
	strbuf_fini(&st);
}
