/*
 * LACP: its frames, and when they go out: periodic and transmit machine, the
 * marker protocol's two ends.
 *
 * 802.1AX-2008 5.4.2.2 (LACPDU), 5.4.13, 5.4.16, 5.5 (marker).
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/net/ethernet.h>

#include "lacp_private.h"

/* Offsets from the link header's begin. */
#define SUBTYPE	      14
#define VERSION	      15
#define ACTOR	      16 /* TLV: type, length, 18 bytes */
#define PARTNER	      36
#define COLLECTOR     56
#define TERMINATOR    72
#define MARKER	      16
#define MARKER_END    32

#define SUBTYPE_LACP  1
#define SUBTYPE_MARK  2
#define TLV_ACTOR     1
#define TLV_PARTNER   2
#define TLV_COLLECTOR 3
#define TLV_PEER_LEN  20
#define TLV_COLL_LEN  16
#define MARK_INFO     1
#define MARK_RESPONSE 2
#define MARK_LEN      16

static const uint8_t slow_addr[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x02 };

bool
lacp_is_slow(const uint8_t *p, uint32_t len)
{
	return (len > SUBTYPE && be16dec(p + 12) == KETHERTYPE_SLOW &&
	    memcmp(p, slow_addr, sizeof(slow_addr)) == 0);
}

/* --- bytes --- */

static void
put_header(const struct lacp_port *lp, uint8_t *p, uint8_t subtype)
{
	memset(p, 0, LACP_FRAME_LEN);
	memcpy(p, slow_addr, sizeof(slow_addr));
	memcpy(p + 6, lp->lp_p.lpp_lladdr, 6);
	be16enc(p + 12, KETHERTYPE_SLOW);
	p[SUBTYPE] = subtype;
	p[VERSION] = 1;
}

static void
put_peer(uint8_t *p, uint8_t type, const struct lacp_peerinfo *lip)
{
	p[0] = type;
	p[1] = TLV_PEER_LEN;
	be16enc(p + 2, lip->lip_sysprio);
	memcpy(p + 4, lip->lip_sysmac, 6);
	be16enc(p + 10, lip->lip_key);
	be16enc(p + 12, lip->lip_portprio);
	be16enc(p + 14, lip->lip_portno);
	p[16] = lip->lip_state;
}

static void
get_peer(const uint8_t *p, struct lacp_peerinfo *lip)
{
	lip->lip_sysprio = be16dec(p + 2);
	memcpy(lip->lip_sysmac, p + 4, 6);
	lip->lip_key = be16dec(p + 10);
	lip->lip_portprio = be16dec(p + 12);
	lip->lip_portno = be16dec(p + 14);
	lip->lip_state = p[16];
}

/* --- out --- */

static int
lacp_xmit(struct lacp_port *lp, const uint8_t *frame)
{
	return (
	    lp->lp_lsc->lsc_p.lpa_ops->lo_transmit(lp->lp_p.lpp_owner, frame));
}

static int
lacp_xmit_lacpdu(struct lacp_port *lp)
{
	uint8_t p[LACP_FRAME_LEN];

	put_header(lp, p, SUBTYPE_LACP);
	put_peer(p + ACTOR, TLV_ACTOR, &lp->lp_actor);
	put_peer(p + PARTNER, TLV_PARTNER, &lp->lp_partner);
	p[COLLECTOR] = TLV_COLLECTOR;
	p[COLLECTOR + 1] = TLV_COLL_LEN; /* the greatest delay: 0 */
	return (lacp_xmit(lp, p));
}

int
lacp_xmit_marker(struct lacp_port *lp)
{
	struct lacp_markerinfo *mi = &lp->lp_marker;
	uint8_t p[LACP_FRAME_LEN];

	mi->mi_xid++;
	put_header(lp, p, SUBTYPE_MARK);
	p[MARKER] = MARK_INFO;
	p[MARKER + 1] = MARK_LEN;
	be16enc(p + MARKER + 2, mi->mi_port);
	memcpy(p + MARKER + 4, mi->mi_system, 6);
	be32enc(p + MARKER + 10, mi->mi_xid);
	return (lacp_xmit(lp, p));
}

/* Two passive ends have nothing to tell each other. */
static bool
lacp_silent(const struct lacp_port *lp)
{
	return (((lp->lp_state | lp->lp_partner.lip_state) &
		    LACP_STATE_ACTIVITY) == 0);
}

void
lacp_sm_tx(struct lacp_port *lp)
{
	const struct lacp_softc *lsc = lp->lp_lsc;
	simtime_t now = timebase_now(lsc->lsc_p.lpa_tb);

	if ((lp->lp_state & LACP_STATE_AGGREGATION) == 0 || lacp_silent(lp))
		lp->lp_ntt = false;
	if (!lp->lp_ntt || !lsc->lsc_running)
		return;
	if (lp->lp_tx_since == SIM_NEVER || now - lp->lp_tx_since >= SIM_SEC) {
		lp->lp_tx_since = now;
		lp->lp_tx_sent = 0;
	}
	if (lp->lp_tx_sent == LACP_TX_PER_SECOND)
		return; /* the next second asks again */
	lp->lp_tx_sent++;
	if (lacp_xmit_lacpdu(lp) == 0)
		lp->lp_ntt = false;
}

/* --- when --- */

enum lacp_ptx_state
lacp_port_ptx(const struct lacp_port *lp)
{
	if ((lp->lp_state & LACP_STATE_AGGREGATION) == 0 || lacp_silent(lp))
		return (LACP_PTX_NO_PERIODIC);
	return ((lp->lp_partner.lip_state & LACP_STATE_TIMEOUT) != 0
		? LACP_PTX_FAST_PERIODIC
		: LACP_PTX_SLOW_PERIODIC);
}

void
lacp_sm_ptx_schedule(struct lacp_port *lp)
{
	unsigned *timer = &lp->lp_timer[LACP_TIMER_PERIODIC];

	switch (lacp_port_ptx(lp)) {
	case LACP_PTX_NO_PERIODIC:
		*timer = 0;
		break;
	case LACP_PTX_FAST_PERIODIC:
		if (*timer == 0)
			*timer = LACP_FAST_PERIODIC_TIME;
		break;
	case LACP_PTX_SLOW_PERIODIC:
		if (*timer == 0)
			*timer = LACP_SLOW_PERIODIC_TIME;
		break;
	}
}

/* The other period begins anew; who wants it short gets one at once. */
void
lacp_sm_ptx_update_timeout(struct lacp_port *lp, uint8_t old)
{
	if (((old ^ lp->lp_partner.lip_state) & LACP_STATE_TIMEOUT) == 0)
		return;
	lp->lp_timer[LACP_TIMER_PERIODIC] = 0;
	if ((lp->lp_partner.lip_state & LACP_STATE_TIMEOUT) != 0)
		lp->lp_ntt = true;
}

/* --- in --- */

static bool
tlv_is(const uint8_t *p, uint8_t type, uint8_t len)
{
	return (p[0] == type && p[1] == len);
}

/* Types and the version may be a later standard's; lengths stay. */
static void
lacp_pdu_input(struct lacp_port *lp, const uint8_t *p)
{
	struct lacp_pdu du;

	if (p[ACTOR + 1] != TLV_PEER_LEN || p[PARTNER + 1] != TLV_PEER_LEN ||
	    p[COLLECTOR + 1] != TLV_COLL_LEN || p[TERMINATOR + 1] != 0)
		return;
	get_peer(p + ACTOR, &du.lpd_actor);
	get_peer(p + PARTNER, &du.lpd_partner);
	lacp_sm_rx(lp, &du);
}

/* An answer to the last one that we sent here: this port is empty. */
static void
lacp_marker_response(struct lacp_port *lp, const uint8_t *p)
{
	const struct lacp_markerinfo *mi = &lp->lp_marker;
	const struct lacp_port *other;

	if (be16dec(p + MARKER + 2) != mi->mi_port ||
	    memcmp(p + MARKER + 4, mi->mi_system, 6) != 0 ||
	    be32dec(p + MARKER + 10) != mi->mi_xid)
		return;
	lp->lp_mark = false;
	LIST_FOREACH(other, &lp->lp_lsc->lsc_ports, lp_next)
		if (other->lp_mark)
			return;
	lacp_resume(lp->lp_lsc, "every port has answered its marker");
}

static void
lacp_marker_input(struct lacp_port *lp, const uint8_t *p)
{
	uint8_t answer[LACP_FRAME_LEN];

	if (p[VERSION] != 1 || !tlv_is(p + MARKER_END, 0, 0))
		return;
	if (tlv_is(p + MARKER, MARK_RESPONSE, MARK_LEN))
		lacp_marker_response(lp, p);
	if (!tlv_is(p + MARKER, MARK_INFO, MARK_LEN) ||
	    !lp->lp_lsc->lsc_running)
		return;
	memcpy(answer, p, sizeof(answer));
	memcpy(answer + 6, lp->lp_p.lpp_lladdr, 6);
	answer[MARKER] = MARK_RESPONSE;
	(void)lacp_xmit(lp, answer); /* who asked waits, but not for ever */
}

bool
lacp_input(struct lacp_port *lp, const uint8_t *p, uint32_t len)
{
	if (!lacp_is_slow(p, len) ||
	    (p[SUBTYPE] != SUBTYPE_LACP && p[SUBTYPE] != SUBTYPE_MARK))
		return (false);
	if (len != LACP_FRAME_LEN)
		return (true);
	if (p[SUBTYPE] == SUBTYPE_LACP)
		lacp_pdu_input(lp, p);
	else
		lacp_marker_input(lp, p);
	return (true);
}
