/* What the files of the LACP engine share. */
#ifndef KTSIM_SRC_LACP_PRIVATE_H
#define KTSIM_SRC_LACP_PRIVATE_H

#include <ktsim/base/queue.h>
#include <ktsim/kern/callout.h>
#include <ktsim/net/ieee8023ad_lacp.h>

enum lacp_timer {
	LACP_TIMER_CURRENT_WHILE,
	LACP_TIMER_PERIODIC,
	LACP_TIMER_WAIT_WHILE,
	LACP_NTIMER
};

struct lacp_aggregator {
	TAILQ_ENTRY(lacp_aggregator) la_q;
	TAILQ_HEAD(, lacp_port) la_ports; /* distributing, the latest first */
	unsigned la_nports;
	unsigned la_refcnt;  /* ports that selected it */
	unsigned la_pending; /* of these, in WAITING with time left */
	struct lacp_peerinfo la_actor, la_partner; /* system, key, state */
};

struct lacp_markerinfo {
	uint16_t mi_port;
	uint8_t mi_system[6];
	uint32_t mi_xid;
};

struct lacp_port {
	LIST_ENTRY(lacp_port) lp_next;
	TAILQ_ENTRY(lacp_port) lp_dist_q;
	struct lacp_softc *lp_lsc;
	struct lacp_port_params lp_p;
	struct lacp_peerinfo lp_actor, lp_partner;
	uint64_t lp_speed;
	enum lacp_rx_state lp_rx;
	enum lacp_mux_state lp_mux;
	bool lp_selected;
	struct lacp_aggregator *lp_aggregator;
	unsigned lp_timer[LACP_NTIMER];	  /* seconds left; 0: not running */
	simtime_t lp_last_rx;		  /* a PDU's arrival */
	bool lp_ntt;			  /* need to transmit */
	simtime_t lp_tx_since;		  /* the second of the limit, and */
	unsigned lp_tx_sent;		  /* what went out in it */
	bool lp_mark;			  /* its marker is not answered yet */
	struct lacp_markerinfo lp_marker; /* the last one sent */
};
#define lp_state lp_actor.lip_state

struct lacp_softc {
	struct lacp_params lsc_p;
	LIST_HEAD(, lacp_port) lsc_ports; /* the latest first */
	TAILQ_HEAD(, lacp_aggregator) lsc_aggregators;
	struct lacp_aggregator *lsc_active;
	bool lsc_running, lsc_suppress;
	struct callout lsc_tick, lsc_transit;
	unsigned lsc_nports;
};

/* What a PDU says. */
struct lacp_pdu {
	struct lacp_peerinfo lpd_actor, lpd_partner;
};

/* Equal but for lip_state? */
bool lacp_same_peer(const struct lacp_peerinfo *, const struct lacp_peerinfo *);
bool lacp_same_system(const struct lacp_peerinfo *,
    const struct lacp_peerinfo *);
/* To the trace: a machine of lp went into this state. */
void lacp_told(const struct lacp_port *, const char *machine, const char *state,
    const char *reason);

/* --- ieee8023ad_lacp_mux.c: selection, aggregators, mux, port map --- */
void lacp_select(struct lacp_port *);
void lacp_sm_mux(struct lacp_port *);
void lacp_set_mux(struct lacp_port *, enum lacp_mux_state, const char *reason);
void lacp_wait_while_expired(struct lacp_port *);
/* All markers were answered, or waiting took too long. */
void lacp_resume(struct lacp_softc *, const char *reason);

/* --- ieee8023ad_lacp_rx.c: the receive machine --- */
void lacp_sm_rx(struct lacp_port *, const struct lacp_pdu *);
void lacp_sm_rx_timer(struct lacp_port *);
/* BEGIN; port_enabled and LACP_Enabled, each for itself. */
void lacp_rx_begin(struct lacp_port *);
void lacp_rx_enable(struct lacp_port *, bool port_enabled, bool lacp_enabled);
extern const char *const lacp_rx_names[], *const lacp_mux_names[];

/* --- ieee8023ad_lacp_pdu.c: frames, transmit and periodic machine --- */
void lacp_sm_tx(struct lacp_port *);
void lacp_sm_ptx_schedule(struct lacp_port *);
/* The partner's idea of the period may have changed. */
void lacp_sm_ptx_update_timeout(struct lacp_port *, uint8_t oldpstate);
/* 0, or what the owner answered. */
int lacp_xmit_marker(struct lacp_port *);

#endif
