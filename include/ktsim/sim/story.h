/*
 * What happened to connections on their way, told from trace points: tags
 * that were taken and released, packets that were dropped and by whom, what
 * the cards read again, how the mode changed, how long the receiver waited.
 *
 * One story per connection and side, which exists once there is something to
 * tell. Every list is bounded, and says how much was left out of it. Texts
 * are the storybook's (world_story.c), and live as long as the world.
 */
#ifndef KTSIM_SIM_STORY_H
#define KTSIM_SIM_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/sim/series.h>

#define STORY_IFS   8
#define STORY_DROPS 8
#define STORY_MODES 16

/* An interface, a card or what stands on cards, as the connection used it. */
struct story_if {
	const char *si_name;
	uint64_t si_taken, si_released; /* send tags */
	uint64_t si_refused;
	/* Tags for a queue, which the driver holds inside its TLS tags. */
	uint64_t si_inner_taken, si_inner_released;
	uint64_t si_reread;   /* payload bytes that the card read again */
	uint64_t si_restarts; /* cipher states rebuilt in mid-record */
};

enum story_place {
	STORY_KERNEL, /* lagg, vlan, IP: on the way down */
	STORY_CARD,   /* a card or its driver, either end's */
	STORY_WIRE    /* a link or a switch; in a ring whose link went down */
};

struct story_drop {
	enum story_place sd_place;
	const char *sd_at; /* "lagg0", "client em0", "IP", a link */
	const char *sd_why;
	int sd_error; /* 0: nobody was told */
	uint64_t sd_count, sd_bytes;
	simtime_t sd_first, sd_last;
};

struct story_mode {
	simtime_t sm_when;
	uint64_t sm_frame; /* of wire.pcapng, the last one then */
	bool sm_rx;
	int sm_error; /* what the better mode answered; 0 */
	const char *sm_mode, *sm_why;
};

struct story {
	struct story_if *s_ifs;
	struct story_drop *s_drops; /* by reason, in order of the first */
	struct story_mode *s_modes; /* in order */
	unsigned s_nifs, s_ndrops, s_nmodes;
	/* Interfaces' events, packets, modes that found no room. */
	uint64_t s_ifs_left, s_drops_left, s_modes_left;
	uint64_t s_resets, s_resets_failed;
	/* Packets that were dropped after some port had changed. */
	uint64_t s_drops_after_port;
};

/* What a receiving application saw: bytes of bodies, read by read. */
struct story_gap {
	uint64_t g_reads;
	simtime_t g_first, g_last;	/* read; meaningless without reads */
	simtime_t g_longest, g_from;	/* between two reads, and since when */
	uint64_t g_last_frame, g_frame; /* of wire.pcapng, the last one then */
	bool g_open; /* its end is the run's: it waited for more in vain */
};

/* --- the run over time, for the picture --- */

#define TL_MARKS 4096
#define TL_STEPS 64

enum tl_what {
	TL_LINK,  /* its link is up */
	TL_SENDS, /* its lagg gives it packets: active, or distributing */
	TL_PAUSED /* LACP holds the whole lagg back */
};

struct tl_mark {
	simtime_t tm_when;
	enum tl_what tm_what;
	bool tm_on;
};

struct tl_port {
	const char *tp_name, *tp_model;
	const char *tp_lagg; /* NULL: alone */
	/* The lagg says which port sends; else whoever has a link does. */
	bool tp_told;
	/* In order. With some left out nothing is known after the last. */
	struct tl_mark tp_marks[TL_MARKS];
	unsigned tp_nmarks, tp_marks_left;
	struct series tp_sent; /* bytes, from destination address to payload */
	uint64_t tp_bytes;     /* of them, in all */
	struct series tp_tags; /* level; without those inside of others */
	uint64_t tp_alive, tp_tags_most;
};

struct tl_host {
	const char *th_name;
	struct tl_port *th_ports;
	unsigned th_nports;
	struct series th_resets, th_failed; /* of tags */
};

/* A step; the first of a text knows how often it came. Beyond TL_REPEATS the
 * others are not kept, and the first one stands for all. */
struct tl_step {
	simtime_t ts_when;
	char *ts_text; /* "link down server.mce0" */
	unsigned ts_times;
};
#define TL_REPEATS 4

struct timeline {
	/* There is a lagg or a vlan, or a tag was reset, or a mode changed. */
	bool tl_worth;
	struct tl_host *tl_hosts;
	unsigned tl_nhosts;
	struct tl_step tl_steps[TL_STEPS];
	unsigned tl_nsteps, tl_steps_left;
	struct series tl_delivered; /* body bytes, all receivers together */
	uint64_t tl_delivered_bytes;
};

#endif
