/* A wire's insides, for the file that moves frames and the one that tells. */
#ifndef WIRE_PRIV_H
#define WIRE_PRIV_H

#include <ktsim/sim/wire.h>

/* One direction: this end's port sends, the other end's receives. */
struct wire_end {
	struct wire *d_wire;
	int d_end;
	struct wire_port *d_port;
	struct wire_way d_way;
	struct frameq d_out;	/* handed over, not out yet */
	struct frameq d_flight; /* out, not arrived, in order */
	struct frameq d_late;	/* made late: sorted by arrival */
	simtime_t d_last;	/* arrival of the last in d_flight */
	struct sim_event d_out_ev;
	simtime_t d_busy; /* the link is sending until then */
	struct impair *d_impair;
	struct wire_stats d_stats;
};

struct wire {
	struct wire_params w_p;
	char *w_name;
	bool w_up, w_suspended;
	struct flowtrack *w_flows; /* NULL: no impairment asks */
	struct strbuf w_remark;	   /* of the frame being sent */
	struct wire_end w_dir[2];
};

#endif
