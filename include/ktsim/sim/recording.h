/*
 * A run, had once more and remembered: trace records and frames in memory, so
 * that questions about it can be answered. Who asks says which points matter.
 */
#ifndef KTSIM_SIM_RECORDING_H
#define KTSIM_SIM_RECORDING_H

#include <ktsim/sim/world.h>

struct rec_event {
	simtime_t e_when;
	enum trace_id e_id;
	const char *e_who; /* host; "": the laboratory */
	struct trace_arg e_args[TRACE_MAXARGS];
	unsigned e_nargs;
	uint64_t e_frames; /* frames that had left before it */
};

/* One direction of a TCP connection, as frames show it. */
struct rec_dir {
	char *d_from, *d_to; /* "10.0.0.1:443" */
	unsigned d_flow;     /* from 1, in the order of SYNs; 0: none seen */
	bool d_server;	     /* it is sent by who accepted */
	uint32_t d_iss;
	bool d_has_iss;
	/* TLS records, by what their headers say, as long as bytes come in
	 * order. */
	struct rec_record *d_recs;
	unsigned d_nrecs, d_size;
	uint32_t d_next; /* stream offset of the next header */
	uint8_t d_head[5];
	unsigned d_have; /* bytes of it */
	uint32_t d_seen; /* stream offset behind what was seen */
	bool d_lost;	 /* records are not known any more */
};
struct rec_record {
	uint32_t r_off, r_len; /* in the stream; header and all */
	uint8_t r_type, r_minor;
};

struct rec_frame {
	uint64_t f_id;
	simtime_t f_when, f_arrives;
	const char *f_from;	       /* port */
	const char *f_lost, *f_remark; /* NULL */
	uint64_t f_rexmit_of;
	int f_dir;	       /* of rg_dirs; -1: no TCP */
	uint32_t f_off, f_len; /* payload: place in the stream, bytes */
	uint32_t f_size;       /* of the whole frame */
	uint8_t f_flags;       /* TCP's */
	uint8_t f_mode;	       /* enum pkt_mode */
	uint64_t f_rec;	       /* first kernel record; and where in it */
	uint32_t f_rec_off, f_tag;
	const char *f_why; /* of a retransmission; NULL */
};

struct recording {
	struct world *rg_world; /* its result can be looked at */
	struct rec_event *rg_events;
	unsigned rg_nevents, rg_events_size;
	struct rec_frame *rg_frames; /* f_id is its place + 1 */
	unsigned rg_nframes, rg_frames_size;
	struct rec_dir *rg_dirs;
	unsigned rg_ndirs, rg_dirs_size;
	char **rg_strings; /* texts of events, each once */
	unsigned rg_nstrings, rg_strings_size;
	struct strbuf rg_state; /* what wo_shows told */
};

/*
 * Run it, with these points (NULL: none) and, if wanted, frames; opts has seed,
 * defects and shows. 0, or world_create's errno with a text in err. The world
 * stands until recording_fini; a broken one is left as it is.
 */
int recording_make(struct recording *, const struct scenario *,
    const struct world_opts *opts, const char *points, bool frames,
    struct strbuf *err);
void recording_fini(struct recording *);

/* The argument of this name; of a text: "" if there is none. */
uint64_t event_num(const struct rec_event *, const char *name);
const char *event_text(const struct rec_event *, const char *name);
bool event_has(const struct rec_event *, const char *name);

/*
 * A connection by its name, "get#0", or by its flow, "flow1" (in the order of
 * SYNs); NULL: none.
 */
const struct conn_result *recording_conn(const struct recording *,
    const char *name);
/* The direction that this side (0 client, 1 server) sends; NULL: none seen. */
const struct rec_dir *recording_dir(const struct recording *,
    const struct conn_result *, int side);

#endif
