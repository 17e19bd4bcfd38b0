/* What the files of the impairments share. */
#ifndef IMPAIR_PRIV_H
#define IMPAIR_PRIV_H

#include <ktsim/base/prng.h>
#include <ktsim/sim/impair.h>

/* Exactly these frames: what was struck so far. */
struct picker {
	uint64_t pk_struck; /* in all */
	uint32_t *pk_flows; /* flags: by flow number - 1 */
	unsigned pk_nflows;
};

/* A bottleneck and its queue. */
struct bottleneck {
	simtime_t bn_busy; /* sends until then */
	simtime_t *bn_out; /* when each waiting frame is out: a ring */
	unsigned bn_first, bn_n, bn_size;
	uint64_t bn_avg;      /* RED: average bytes, times 512 */
	uint64_t bn_unmarked; /* RED: frames since the last mark */
	simtime_t bn_idle;    /* RED: the queue was empty since */
};

struct node {
	struct sc_impair n_p;
	const char *n_name;
	char *n_lost, *n_red; /* reasons */
	struct prng n_prng;
	struct impair_stats n_stats;
	bool n_bad;	  /* bursts */
	uint64_t n_since; /* reorder: frames since the last one */
	simtime_t n_last; /* jitter: the latest arrival so far */
	struct picker n_picker;
	struct bottleneck n_queue;
};

/* impair_pick.c: is it one of those? Moves the counts. */
bool pick_frame(struct picker *, const struct sc_pick *,
    const struct flow_seg *);
/* impair_queue.c: the time it leaves the bottleneck, or why not; u: one value
 * of chance. */
void bottleneck_apply(struct node *, const struct frame *, uint64_t u,
    struct impair_fate *);
bool frame_is_ect(const struct frame *);

#endif
