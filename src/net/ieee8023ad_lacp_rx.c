/*
 * LACP: the receive machine, 802.1AX-2008 5.4.12: what is believed of the
 * partner, and for how long.
 */
#include <string.h>

#include "lacp_private.h"

const char *const lacp_rx_names[] = { "INITIALIZE", "PORT_DISABLED", "EXPIRED",
	"LACP_DISABLED", "DEFAULTED", "CURRENT" };

static void
rx_state(struct lacp_port *lp, enum lacp_rx_state state, const char *reason)
{
	if (lp->lp_rx != state)
		lacp_told(lp, "rx", lacp_rx_names[state], reason);
	lp->lp_rx = state;
}

/* --- the standard's functions --- */

/* What is thought of a partner that is not heard. */
static struct lacp_peerinfo
partner_admin(const struct lacp_port *lp)
{
	return ((struct lacp_peerinfo) { .lip_sysprio = 0xffff,
	    .lip_portprio = 0xffff,
	    .lip_state = lp->lp_lsc->lsc_p.lpa_strict
		? 0
		: LACP_STATE_SYNC | LACP_STATE_AGGREGATION |
		    LACP_STATE_COLLECTING | LACP_STATE_DISTRIBUTING });
}

static void
record_default(struct lacp_port *lp)
{
	uint8_t old = lp->lp_partner.lip_state;

	lp->lp_partner = partner_admin(lp);
	lp->lp_state |= LACP_STATE_DEFAULTED;
	lacp_sm_ptx_update_timeout(lp, old);
}

/* update_Selected: is it still the one that was selected for? */
static void
update_selected(struct lacp_port *lp, const struct lacp_peerinfo *now)
{
	if (!lacp_same_peer(&lp->lp_partner, now) ||
	    ((lp->lp_partner.lip_state ^ now->lip_state) &
		LACP_STATE_AGGREGATION) != 0)
		lp->lp_selected = false;
}

/* The partner has an old idea of us. */
static void
update_ntt(struct lacp_port *lp, const struct lacp_peerinfo *us)
{
	const uint8_t mask =
	    LACP_STATE_ACTIVITY | LACP_STATE_SYNC | LACP_STATE_AGGREGATION;

	if (!lacp_same_peer(&lp->lp_actor, us) ||
	    ((lp->lp_state ^ us->lip_state) & mask) != 0)
		lp->lp_ntt = true;
}

static void
record_pdu(struct lacp_port *lp, const struct lacp_pdu *du)
{
	const struct lacp_peerinfo *us = &du->lpd_partner;
	uint8_t old = lp->lp_partner.lip_state;
	bool active, match;

	active = (du->lpd_actor.lip_state & LACP_STATE_ACTIVITY) != 0 ||
	    (lp->lp_state & us->lip_state & LACP_STATE_ACTIVITY) != 0;
	match = (lacp_same_peer(&lp->lp_actor, us) &&
		    ((lp->lp_state ^ us->lip_state) & LACP_STATE_AGGREGATION) ==
			0) ||
	    (us->lip_state & LACP_STATE_AGGREGATION) == 0;
	lp->lp_partner = du->lpd_actor;
	if (!active || !match)
		lp->lp_partner.lip_state &= (uint8_t)~LACP_STATE_SYNC;
	else if (lp->lp_lsc->lsc_p.lpa_strict)
		lp->lp_partner.lip_state |= LACP_STATE_SYNC;
	lp->lp_state &= (uint8_t)~LACP_STATE_DEFAULTED;
	lacp_sm_ptx_update_timeout(lp, old);
}

/* --- states --- */

static void
enter_expired(struct lacp_port *lp, const char *reason)
{
	uint8_t old = lp->lp_partner.lip_state;

	rx_state(lp, LACP_RX_EXPIRED, reason);
	lp->lp_partner.lip_state &= (uint8_t)~LACP_STATE_SYNC;
	lp->lp_partner.lip_state |= LACP_STATE_TIMEOUT;
	lacp_sm_ptx_update_timeout(lp, old);
	lp->lp_timer[LACP_TIMER_CURRENT_WHILE] = LACP_SHORT_TIMEOUT_TIME;
	lp->lp_state |= LACP_STATE_EXPIRED;
}

static void
enter_defaulted(struct lacp_port *lp)
{
	struct lacp_peerinfo admin = partner_admin(lp);

	rx_state(lp, LACP_RX_DEFAULTED, "nothing was heard");
	update_selected(lp, &admin);
	record_default(lp);
	lp->lp_state &= (uint8_t)~LACP_STATE_EXPIRED;
}

/* Without a link, or without what aggregation wants of one. */
static void
enter_disabled(struct lacp_port *lp, enum lacp_rx_state state,
    const char *reason)
{
	rx_state(lp, state, reason);
	lacp_set_mux(lp, LACP_MUX_DETACHED, reason);
	lp->lp_selected = false;
	record_default(lp);
	lp->lp_partner.lip_state &= (uint8_t)~LACP_STATE_AGGREGATION;
	lp->lp_state &=
	    (uint8_t) ~(LACP_STATE_AGGREGATION | LACP_STATE_EXPIRED);
	memset(lp->lp_timer, 0, sizeof(lp->lp_timer));
}

void
lacp_rx_begin(struct lacp_port *lp)
{
	lp->lp_rx = LACP_RX_INITIALIZE;
	enter_disabled(lp, LACP_RX_PORT_DISABLED, "the port is new");
}

void
lacp_rx_enable(struct lacp_port *lp, bool port_enabled, bool lacp_enabled)
{
	bool was = (lp->lp_state & LACP_STATE_AGGREGATION) != 0;

	if (!port_enabled)
		enter_disabled(lp, LACP_RX_PORT_DISABLED, "the link is down");
	else if (!lacp_enabled)
		enter_disabled(lp, LACP_RX_LACP_DISABLED,
		    "the link is not full duplex");
	else if (!was) {
		lp->lp_state |= LACP_STATE_AGGREGATION;
		enter_expired(lp, "the link is up");
	}
}

void
lacp_sm_rx(struct lacp_port *lp, const struct lacp_pdu *du)
{
	if ((lp->lp_state & LACP_STATE_AGGREGATION) == 0)
		return;
	if (lacp_same_system(&du->lpd_actor, &lp->lp_actor))
		return; /* our own: a loop */
	rx_state(lp, LACP_RX_CURRENT, "a PDU came");
	lp->lp_last_rx = timebase_now(lp->lp_lsc->lsc_p.lpa_tb);
	update_selected(lp, &du->lpd_actor);
	update_ntt(lp, &du->lpd_partner);
	record_pdu(lp, du);
	lp->lp_timer[LACP_TIMER_CURRENT_WHILE] =
	    (lp->lp_state & LACP_STATE_TIMEOUT) != 0 ? LACP_SHORT_TIMEOUT_TIME
						     : LACP_LONG_TIMEOUT_TIME;
	lp->lp_state &= (uint8_t)~LACP_STATE_EXPIRED;
	lacp_sm_tx(lp);
}

void
lacp_sm_rx_timer(struct lacp_port *lp)
{
	if (lp->lp_rx == LACP_RX_CURRENT)
		enter_expired(lp, "no PDU came in time");
	else
		enter_defaulted(lp);
}
