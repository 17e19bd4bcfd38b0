/* An application of the user's own: what its files share. */
#ifndef OWN_PRIV_H
#define OWN_PRIV_H

#include <ktsim/sim/own.h>

#include "world_priv.h"

#define OWN_TURNS   1000000		 /* of a connection */
#define OWN_QUEUE   ((uint64_t)64 << 20) /* bytes that it may have in memory */
#define OWN_LINES   100			 /* of its log */
#define OWN_NUMBERS 64

/* What it wants to send, in order. */
struct own_item {
	STAILQ_ENTRY(own_item) oi_link;
	struct vnode *oi_vp;	/* NULL: oi_bytes */
	uint64_t oi_at, oi_len; /* of the file; of all */
	uint64_t oi_sent;
	uint8_t oi_bytes[];
};

struct own {
	struct conn *o_conn;
	struct own_proc *o_proc; /* NULL: not started, or gone */
	bool o_started, o_gone;	 /* gone: it ended, and all was well */
	STAILQ_HEAD(, own_item) o_out;
	uint64_t o_queued; /* bytes in o_out that are not of files */
	bool o_owes_sent;  /* it is to be told when all is taken */
	uint64_t o_may_read;
	bool o_close, o_notified; /* it will say no more; the peer knows */
	bool o_peer_closed;
	struct sim_event o_timer;
	bool o_timer_due;
	bool o_over; /* the connection came to its end */
	/* for the report */
	uint64_t o_turns, o_sent, o_got;
	char *o_reason;
	bool o_cannot_start;
	struct own_line o_log[OWN_LINES];
	unsigned o_nlog;
	uint64_t o_log_left_out;
	struct own_number o_numbers[OWN_NUMBERS];
	unsigned o_nnumbers;
};

/* own_say.c: what it said, carried out. own_cmd_fn's; arg: struct own */
const char *own_obey(void *arg, const struct own_cmd *);
/* own_world.c */
void own_collect(struct app *);
void own_free(struct conn *);

#endif
