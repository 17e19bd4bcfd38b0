/*
 * LACP (IEEE 802.1AX), one system's end of one link aggregation: ports whose
 * links reach the same partner become one. Knows neither interfaces nor
 * switches: who owns it hands in frames and link states, and is told when a
 * frame is to be sent and when the set of usable ports changed.
 *
 * The machines are 802.1AX's: receive, periodic, selection, mux (independent
 * control), transmit, marker responder and generator. As in FreeBSD they run
 * once a second (lacp_start), and at a PDU's arrival only receive and transmit
 * do; times are counted in those seconds. Not here: churn detection.
 *
 * Life: lacp_create, ports, lacp_start; a port begins without a link. All is
 * deterministic; callouts carry the time. `owner` of a port and `arg` come back
 * in the callbacks, which must not create or destroy ports.
 *
 * Source: net/ieee8023ad_lacp.c; IEEE 802.1AX-2008 5.4. What is different from
 * either: docs/differences.md.
 */
#ifndef KTSIM_NET_IEEE8023AD_LACP_H
#define KTSIM_NET_IEEE8023AD_LACP_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>
#include <ktsim/base/timebase.h>
#include <ktsim/base/trace.h>

/* Seconds. */
#define LACP_FAST_PERIODIC_TIME	 1
#define LACP_SLOW_PERIODIC_TIME	 30
#define LACP_SHORT_TIMEOUT_TIME	 3
#define LACP_LONG_TIMEOUT_TIME	 90
#define LACP_AGGREGATE_WAIT_TIME 2
#define LACP_TRANSIT_DELAY	 1 /* at most so long nothing is sent */
#define LACP_TX_PER_SECOND	 3 /* PDUs of one port */

/* Both kinds of frame, from the link header on: 14 + 110 bytes. */
#define LACP_FRAME_LEN	 124
#define LACP_SYSTEM_PRIO 0x8000
#define LACP_PORT_PRIO	 0x8000
#define LACP_MAX_PORTS	 32

/* lip_state */
#define LACP_STATE_ACTIVITY	0x01 /* sends without being asked */
#define LACP_STATE_TIMEOUT	0x02 /* short: wants one every second */
#define LACP_STATE_AGGREGATION	0x04 /* can be one of several */
#define LACP_STATE_SYNC		0x08 /* in the right aggregation */
#define LACP_STATE_COLLECTING	0x10
#define LACP_STATE_DISTRIBUTING 0x20
#define LACP_STATE_DEFAULTED	0x40 /* nothing was heard */
#define LACP_STATE_EXPIRED	0x80

/* One end of a link as PDUs describe it; numbers in host order. */
struct lacp_peerinfo {
	uint16_t lip_sysprio;
	uint8_t lip_sysmac[6];
	uint16_t lip_key;
	uint16_t lip_portprio;
	uint16_t lip_portno;
	uint8_t lip_state;
};

enum lacp_rx_state {
	LACP_RX_INITIALIZE,
	LACP_RX_PORT_DISABLED,
	LACP_RX_EXPIRED,
	LACP_RX_LACP_DISABLED,
	LACP_RX_DEFAULTED,
	LACP_RX_CURRENT
};

/* PERIODIC_TX is passed through in the instant a PDU becomes due. */
enum lacp_ptx_state {
	LACP_PTX_NO_PERIODIC,
	LACP_PTX_FAST_PERIODIC,
	LACP_PTX_SLOW_PERIODIC
};

enum lacp_mux_state {
	LACP_MUX_DETACHED,
	LACP_MUX_WAITING,
	LACP_MUX_ATTACHED,
	LACP_MUX_COLLECTING,
	LACP_MUX_DISTRIBUTING
};

struct lacp_softc;
struct lacp_port;

struct lacp_ops {
	/* Send LACP_FRAME_LEN bytes, which stay the engine's. An errno: it was
	 * refused, and is tried again a second later (PDUs) or not (markers). */
	int (*lo_transmit)(void *owner, const uint8_t *frame);
	/* The ports of the active aggregator are others than before. */
	void (*lo_changed)(void *arg, const char *reason);
	/* The pause is over; NULL: nobody waits for it. */
	void (*lo_resumed)(void *arg);
};

struct lacp_params {
	struct timebase *lpa_tb;
	const struct tracer *lpa_tracer; /* outlives the engine */
	const struct lacp_ops *lpa_ops;
	void *lpa_arg;
	const char *lpa_name; /* "lagg0"; outlives the engine */
	uint16_t lpa_index;   /* of this aggregation in its system: in keys */
	/*
	 * FreeBSD's lacp_strict. true: who has our data right is taken to be
	 * in sync, whatever its PDU says. false: SYNC is what its PDU says, as
	 * 802.1AX has it, and who is not heard is thought to collect.
	 */
	bool lpa_strict;
	bool lpa_fast_timeout; /* ask the partner for a PDU every second */
};

struct lacp_port_params {
	void *lpp_owner;
	const char *lpp_name;  /* "mce0"; outlives the port */
	uint16_t lpp_portno;   /* in its system, from 1 */
	uint8_t lpp_lladdr[6]; /* source of its frames */
	uint8_t lpp_sysmac[6]; /* the system's identity */
};

/* Stopped, without ports. */
struct lacp_softc *lacp_create(const struct lacp_params *);
/* With its ports, and without a word to anybody. NULL allowed. */
void lacp_destroy(struct lacp_softc *);
/* The machines run from the next second on. */
void lacp_start(struct lacp_softc *);
/* They stand still, and nothing is sent; what is received still counts. */
void lacp_stop(struct lacp_softc *);
/* lpa_strict, lpa_fast_timeout; from the next PDU on. */
void lacp_setopts(struct lacp_softc *, bool strict, bool fast_timeout);

/* At most LACP_MAX_PORTS. */
struct lacp_port *lacp_port_create(struct lacp_softc *,
    const struct lacp_port_params *);
/* Leaves its aggregator first. */
void lacp_port_destroy(struct lacp_port *);
/*
 * The link's state, whenever it, the speed (bits/s) or the duplex may have
 * changed. A link that is not full duplex is not aggregated (LACP_DISABLED).
 */
void lacp_port_link(struct lacp_port *, bool up, bool full_duplex,
    uint64_t speed);
/*
 * A frame of the slow protocols with its link header, FCS cut off. True: it was
 * for LACP or the marker protocol, valid or not; false: for somebody else.
 */
bool lacp_input(struct lacp_port *, const uint8_t *frame, uint32_t len);
/* Addressed to the slow protocols? Bridges never pass these on. */
bool lacp_is_slow(const uint8_t *frame, uint32_t len);

/* Of the aggregator that is used for sending; bits/s of all its ports. */
bool lacp_port_active(const struct lacp_port *);
bool lacp_port_collecting(const struct lacp_port *);
bool lacp_port_distributing(const struct lacp_port *);
unsigned lacp_active_count(const struct lacp_softc *);
/* Owner of the i-th distributing port of the active aggregator: the one that
 * began last is the first. NULL: there are not so many. */
void *lacp_active_port(const struct lacp_softc *, unsigned i);
uint64_t lacp_active_speed(const struct lacp_softc *);
/*
 * The set of ports changed less than LACP_TRANSIT_DELAY ago, and not every port
 * has answered its marker: nothing may be sent, so that no flow's packets
 * overtake each other.
 */
bool lacp_suppressed(const struct lacp_softc *);

const struct lacp_peerinfo *lacp_port_actor(const struct lacp_port *);
const struct lacp_peerinfo *lacp_port_partner(const struct lacp_port *);
enum lacp_rx_state lacp_port_rx(const struct lacp_port *);
enum lacp_ptx_state lacp_port_ptx(const struct lacp_port *);
enum lacp_mux_state lacp_port_mux(const struct lacp_port *);

/*
 * The key of a port that can be aggregated: the speed's class (what Ethernet
 * has; a rate in between counts as the one below) and the aggregation. Ports of
 * different classes never have the same key.
 */
uint16_t lacp_compose_key(uint64_t speed, uint16_t index);

/* "ACTIVE,COLLECTING rx CURRENT periodic SLOW mux ..." and both tuples, two
 * lines; base/dump.h. */
void lacp_port_dump(const struct lacp_port *, struct strbuf *, int indent);

#endif
