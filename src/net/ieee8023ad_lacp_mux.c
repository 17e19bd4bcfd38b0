/*
 * LACP: which aggregator a port belongs to (selection), how far it is let in
 * (mux), which aggregator sends, and the pause after its ports changed.
 *
 * 802.1AX-2008 5.4.14, 5.4.15 (independent control).
 */
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "lacp_private.h"

const char *const lacp_mux_names[] = { "DETACHED", "WAITING", "ATTACHED",
	"COLLECTING", "DISTRIBUTING" };

/* --- the pause --- */

void
lacp_resume(struct lacp_softc *lsc, const char *reason)
{
	if (!lsc->lsc_suppress)
		return;
	lsc->lsc_suppress = false;
	callout_stop(&lsc->lsc_transit);
	TRACE(lsc->lsc_p.lpa_tracer, lacp_state, TS(lsc->lsc_p.lpa_name),
	    TS("distribution"), TS("resumed"), TS(reason));
	if (lsc->lsc_p.lpa_ops->lo_resumed != NULL)
		lsc->lsc_p.lpa_ops->lo_resumed(lsc->lsc_p.lpa_arg);
}

/*
 * What is on its way by the old set of ports shall arrive before anything by
 * the new one: a marker follows it on each port, one without a link included,
 * whose answer will not come.
 */
static void
lacp_suppress_distributing(struct lacp_softc *lsc, const char *reason)
{
	struct lacp_port *lp;

	if (!lsc->lsc_running)
		return;
	if (!lsc->lsc_suppress)
		TRACE(lsc->lsc_p.lpa_tracer, lacp_state,
		    TS(lsc->lsc_p.lpa_name), TS("distribution"),
		    TS("suppressed"), TS(reason));
	lsc->lsc_suppress = true;
	callout_reset(&lsc->lsc_transit, LACP_TRANSIT_DELAY * SIM_SEC);
	LIST_FOREACH(lp, &lsc->lsc_ports, lp_next)
		lp->lp_mark = lacp_xmit_marker(lp) == 0;
}

/* --- aggregators --- */

static uint64_t
lacp_aggregator_bandwidth(const struct lacp_aggregator *la)
{
	const struct lacp_port *lp = TAILQ_FIRST(&la->la_ports);

	return (lp != NULL ? lp->lp_speed * la->la_nports : 0);
}

uint64_t
lacp_active_speed(const struct lacp_softc *lsc)
{
	return (lsc->lsc_active != NULL
		? lacp_aggregator_bandwidth(lsc->lsc_active)
		: 0);
}

/* The partner's priority first, then what it can carry, then what is. */
static void
lacp_select_active_aggregator(struct lacp_softc *lsc, const char *reason)
{
	struct lacp_aggregator *la, *best = NULL;
	uint64_t speed, best_speed = 0;

	TAILQ_FOREACH(la, &lsc->lsc_aggregators, la_q) {
		if (la->la_nports == 0)
			continue;
		speed = lacp_aggregator_bandwidth(la);
		if (best == NULL ||
		    la->la_partner.lip_sysprio < best->la_partner.lip_sysprio ||
		    speed > best_speed ||
		    (speed == best_speed && la == lsc->lsc_active)) {
			best = la;
			best_speed = speed;
		}
	}
	if (best == lsc->lsc_active)
		return;
	lsc->lsc_active = best;
	if (best != NULL)
		lacp_suppress_distributing(lsc, reason);
}

static void
lacp_disable_distributing(struct lacp_port *lp, const char *reason)
{
	struct lacp_aggregator *la = lp->lp_aggregator;
	struct lacp_softc *lsc = lp->lp_lsc;

	if ((lp->lp_state & LACP_STATE_DISTRIBUTING) == 0)
		return;
	KASSERT(la != NULL && la->la_nports > 0,
	    ("lacp: %s distributes for nobody", lp->lp_p.lpp_name));
	TAILQ_REMOVE(&la->la_ports, lp, lp_dist_q);
	la->la_nports--;
	lp->lp_state &= (uint8_t)~LACP_STATE_DISTRIBUTING;
	if (lsc->lsc_active != la)
		return;
	lacp_suppress_distributing(lsc, reason);
	lacp_select_active_aggregator(lsc, reason);
	lsc->lsc_p.lpa_ops->lo_changed(lsc->lsc_p.lpa_arg, reason);
}

static void
lacp_enable_distributing(struct lacp_port *lp, const char *reason)
{
	struct lacp_aggregator *la = lp->lp_aggregator;
	struct lacp_softc *lsc = lp->lp_lsc;

	TAILQ_INSERT_HEAD(&la->la_ports, lp, lp_dist_q);
	la->la_nports++;
	lp->lp_state |= LACP_STATE_DISTRIBUTING;
	if (lsc->lsc_active == la)
		lacp_suppress_distributing(lsc, reason);
	else
		lacp_select_active_aggregator(lsc, reason);
	if (lsc->lsc_active == la)
		lsc->lsc_p.lpa_ops->lo_changed(lsc->lsc_p.lpa_arg, reason);
}

/* --- selection --- */

static bool
lacp_same_group(const struct lacp_peerinfo *a, const struct lacp_peerinfo *b)
{
	return (lacp_same_system(a, b) && a->lip_key == b->lip_key);
}

static bool
lacp_compatible(const struct lacp_aggregator *la, const struct lacp_port *lp)
{
	return ((lp->lp_partner.lip_state & LACP_STATE_AGGREGATION) != 0 &&
	    (la->la_partner.lip_state & LACP_STATE_AGGREGATION) != 0 &&
	    lacp_same_group(&la->la_partner, &lp->lp_partner) &&
	    lacp_same_group(&la->la_actor, &lp->lp_actor));
}

/* Once somebody was heard. An aggregator is made for who fits into none. */
void
lacp_select(struct lacp_port *lp)
{
	struct lacp_softc *lsc = lp->lp_lsc;
	struct lacp_aggregator *la;

	if (lp->lp_aggregator != NULL ||
	    (lp->lp_state & LACP_STATE_DEFAULTED) != 0)
		return;
	TAILQ_FOREACH(la, &lsc->lsc_aggregators, la_q)
		if (lacp_compatible(la, lp))
			break;
	if (la == NULL) {
		la = xcalloc(1, sizeof(*la));
		TAILQ_INIT(&la->la_ports);
		la->la_actor = lp->lp_actor;
		la->la_partner = lp->lp_partner;
		TAILQ_INSERT_TAIL(&lsc->lsc_aggregators, la, la_q);
	}
	la->la_refcnt++;
	lp->lp_aggregator = la;
	lp->lp_selected = true;
}

static void
lacp_unselect(struct lacp_port *lp)
{
	struct lacp_softc *lsc = lp->lp_lsc;
	struct lacp_aggregator *la = lp->lp_aggregator;

	if (la == NULL)
		return;
	lp->lp_aggregator = NULL;
	if (--la->la_refcnt > 0)
		return;
	KASSERT(lsc->lsc_active != la,
	    ("lacp: the active aggregator is empty"));
	TAILQ_REMOVE(&lsc->lsc_aggregators, la, la_q);
	free(la);
}

/* --- mux --- */

static void
lacp_enter_detached(struct lacp_port *lp, const char *reason)
{
	lp->lp_state &= (uint8_t) ~(LACP_STATE_SYNC | LACP_STATE_COLLECTING);
	lacp_disable_distributing(lp, reason);
	lp->lp_ntt = true;
	if (lp->lp_timer[LACP_TIMER_WAIT_WHILE] > 0)
		lp->lp_aggregator->la_pending--;
	lp->lp_timer[LACP_TIMER_WAIT_WHILE] = 0;
	lacp_unselect(lp);
}

void
lacp_set_mux(struct lacp_port *lp, enum lacp_mux_state to, const char *reason)
{
	if (lp->lp_mux == to)
		return;
	lp->lp_mux = to;
	lacp_told(lp, "mux", lacp_mux_names[to], reason);
	switch (to) {
	case LACP_MUX_DETACHED:
		lacp_enter_detached(lp, reason);
		break;
	case LACP_MUX_WAITING:
		lp->lp_timer[LACP_TIMER_WAIT_WHILE] = LACP_AGGREGATE_WAIT_TIME;
		lp->lp_aggregator->la_pending++;
		break;
	case LACP_MUX_ATTACHED:
		lp->lp_state |= LACP_STATE_SYNC;
		lp->lp_state &= (uint8_t)~LACP_STATE_COLLECTING;
		lp->lp_ntt = true;
		break;
	case LACP_MUX_COLLECTING:
		lp->lp_state |= LACP_STATE_COLLECTING;
		lacp_disable_distributing(lp, reason);
		lp->lp_ntt = true;
		break;
	case LACP_MUX_DISTRIBUTING:
		lacp_enable_distributing(lp, reason);
		break;
	}
}

/* Ports of one aggregator are let in together: nobody's time may run. */
void
lacp_wait_while_expired(struct lacp_port *lp)
{
	KASSERT(lp->lp_aggregator != NULL && lp->lp_aggregator->la_pending > 0,
	    ("lacp: %s waits for nothing", lp->lp_p.lpp_name));
	lp->lp_aggregator->la_pending--;
}

/* The state after this one; NULL why: it stays. */
static enum lacp_mux_state
lacp_mux_next(const struct lacp_port *lp, const char **why)
{
	bool sync = (lp->lp_partner.lip_state & LACP_STATE_SYNC) != 0;
	bool coll = (lp->lp_partner.lip_state & LACP_STATE_COLLECTING) != 0;
	bool in = lp->lp_selected;

	*why = !in  ? "the port's or its partner's data changed"
	    : !sync ? "the partner is not in sync"
		    : "the partner does not collect";
	switch (lp->lp_mux) {
	case LACP_MUX_DETACHED:
		if (in) {
			*why = "an aggregator is selected";
			return (LACP_MUX_WAITING);
		}
		break;
	case LACP_MUX_WAITING:
		if (!in)
			return (LACP_MUX_DETACHED);
		if (lp->lp_aggregator->la_pending == 0) {
			*why = "all ports have waited";
			return (LACP_MUX_ATTACHED);
		}
		break;
	case LACP_MUX_ATTACHED:
		if (!in)
			return (LACP_MUX_DETACHED);
		if (sync) {
			*why = "the partner is in sync";
			return (LACP_MUX_COLLECTING);
		}
		break;
	case LACP_MUX_COLLECTING:
		if (!in || !sync)
			return (LACP_MUX_ATTACHED);
		if (coll) {
			*why = "the partner collects";
			return (LACP_MUX_DISTRIBUTING);
		}
		break;
	case LACP_MUX_DISTRIBUTING:
		if (!in || !sync || !coll)
			return (LACP_MUX_COLLECTING);
		break;
	}
	*why = NULL;
	return (lp->lp_mux);
}

void
lacp_sm_mux(struct lacp_port *lp)
{
	enum lacp_mux_state next;
	const char *why;

	while (next = lacp_mux_next(lp, &why), why != NULL)
		lacp_set_mux(lp, next, why);
}
