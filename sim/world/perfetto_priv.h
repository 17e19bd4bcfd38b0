/* What the files of the Perfetto trace share. */
#ifndef PERFETTO_PRIV_H
#define PERFETTO_PRIV_H

#include "world_priv.h"

#define PID_LAB	     1
#define PID_HOST     2 /* and on */
#define TID_KERNEL   1
#define TID_WIRES    2
#define TID_IF	     10
#define TID_WORKER   200
#define TID_CONN     1000 /* two for each */

#define COUNTED	     128 /* connections with counters */
#define LOOK_FIRST   (4 * SIM_US)
#define LOOK_DOUBLES 1024 /* looks, then half as often */

/* A connection: what its threads are called, slices that are open. */
struct known {
	bool kn_named;
	bool kn_mode[2];	     /* tx, rx */
	uint64_t kn_begun, kn_ended; /* records: the next number of each */
};

struct counted {
	const struct conn *co_conn;
	uint32_t co_ready, co_all, co_cwnd;
};

struct perfetto {
	FILE *p_file;
	char *p_path;
	struct strbuf p_line; /* scratch */
	bool p_any;
	struct {
		struct known *ph_conns; /* by number */
		uint32_t ph_size;
		bool *ph_links;		      /* as interface() numbers them */
		uint64_t *ph_depth, *ph_ring; /* as last told */
		bool *ph_busy;
	} * p_hosts;
	struct counted p_counted[COUNTED];
	unsigned p_ncounted;
	simtime_t p_every;
	unsigned p_looks;
};

/* A line begins, up to its time; has a name; is written. */
void pf_event(struct perfetto *, const char *ph, unsigned pid, unsigned tid,
    simtime_t when);
void pf_named(struct perfetto *, const char *name);
void pf_put(struct perfetto *);

#endif
