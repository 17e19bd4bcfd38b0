/* What the files of the switch share. */
#ifndef SWITCH_PRIV_H
#define SWITCH_PRIV_H

#include <ktsim/net/ethernet.h>
#include <ktsim/net/ieee8023ad_lacp.h>
#include <ktsim/sim/switch.h>

#define SWITCH_BUCKETS 256

struct sport {
	struct lanswitch *p_switch;
	char *p_name; /* "lan.1" */
	struct wire_port p_port;
	struct wire_end *p_end; /* NULL: nothing is plugged in */
	bool p_up;
	struct sim_event p_ev; /* the next arrival */
	simtime_t p_busy;      /* sends until then */
	struct switch_stats p_stats;
	/* Its lagg, NULL: none; and the first port of that, or itself: where
	 * addresses are learnt, and what is flooded to. */
	struct slagg *p_lagg;
	struct sport *p_home;
	struct lacp_port *p_lacp; /* of a lagg that speaks it */
};

struct slagg {
	struct lanswitch *g_switch;
	char *g_name; /* "lan.po1" */
	struct sport **g_ports;
	unsigned g_nports;
	struct lacp_softc *g_lacp; /* NULL: static */
};

struct learnt {
	struct learnt *l_next;
	uint8_t l_addr[KETHER_ADDR_LEN];
	struct sport *l_port; /* a home */
};

struct lanswitch {
	struct switch_params s_p;
	char *s_name;
	struct sport *s_ports;
	struct slagg *s_laggs;
	struct learnt *s_table[SWITCH_BUCKETS];
};

/* --- switch.c --- */
/* Out of this very port; takes the frame. */
void sport_send(struct sport *, struct frame *);
/* The frame is lost: a word to the trace. */
void sport_drop(struct sport *, struct frame *, const char *why);
/* All that was learnt of a port; NULL: of every one. */
void switch_forget(struct lanswitch *, const struct sport *);

/* --- switch_lagg.c --- */
void slaggs_create(struct lanswitch *);
void slaggs_destroy(struct lanswitch *);
/* Its port for this frame; NULL: none sends, and why. */
struct sport *slagg_port(struct slagg *, const struct frame *,
    const char **why);
/* Frames from this port are heard. */
bool slagg_hears(const struct sport *);
/* The port's link or speed changed. */
void slagg_link(struct sport *);
/* For the engine, if it is one of its frames; false: it is not. */
bool slagg_control(struct sport *, const struct frame *);
void slagg_dump(const struct slagg *, struct strbuf *, int indent);

#endif
