/* What the files of the charts share. */
#ifndef CHARTS_PRIV_H
#define CHARTS_PRIV_H

#include <ktsim/sim/charts.h>

#include "world_priv.h"

#define SLOT_NEW  0    /* nobody has asked */
#define SLOT_NONE 0xff /* it is not followed */
#define SLOT_WANT 0xfe /* something befell it: it should be */
#define RECENT	  8192 /* frames; a power of two */
#define PENDING	  32   /* events that wait for a frame */

/* A connection of a host, by its kernel's number. */
struct book_conn {
	struct conn *bc_conn; /* the application's; NULL */
	uint8_t bc_slot;      /* in ch_conns, from 1; or SLOT_* */
	uint8_t bc_side;
};

/* A frame with payload of a connection that is followed. */
struct recent {
	uint64_t re_id, re_lo;
	uint32_t re_len;
	uint8_t re_slot, re_side; /* slot from 0 */
	bool re_lost;		  /* told already */
};

struct chartbook {
	struct charts *b_charts;
	struct {
		struct book_conn *bh_conns;
		uint32_t bh_size;
	} * b_hosts; /* as w_hosts */
	struct conn *b_conns[CHART_CONNS][2];
	struct recent *b_recent; /* by the low bits of the number */
	unsigned b_pending[PENDING];
	unsigned b_npending;
	bool b_all_rich; /* no slot is to be had any more */
};

/* world_charts.c */
struct book_conn *book_conn(struct world *, unsigned host, uint32_t number);

/* world_charts_seq.c */
void chart_conn_fini(struct chart_conn *);
/* The frame with this number did not arrive. */
void chart_frame_lost(struct world *, uint64_t id);
/* Whose it was; unchanged where nobody knows. */
void chart_frame_whose(const struct world *, uint64_t id, unsigned *host,
    uint32_t *number);

/* world_charts_events.c */
/* A frame leaves: events that wait for it get their number. host:
 * CHART_NOHOST: none. */
void chart_events_frame(struct world *, unsigned host, const struct frame *);
void chart_events_close(struct world *);

#endif
