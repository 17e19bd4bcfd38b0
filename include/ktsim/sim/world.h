/*
 * A world: the hosts, wires, applications, taps and checkers of one scenario,
 * built, run, judged and taken down again.
 */
#ifndef KTSIM_SIM_WORLD_H
#define KTSIM_SIM_WORLD_H

#include <ktsim/base/defect.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/sim/result.h>
#include <ktsim/sim/scenario.h>

struct world;

struct world_opts {
	unsigned wo_threads; /* host threads, 0 to 64 */
	const char *wo_out;  /* existing folder; NULL: nothing written */
	struct defects wo_defects;
	uint64_t wo_seed;
	bool wo_dry;	      /* built to be checked: files stay cold */
	bool wo_pcap;	      /* even if the scenario does not ask */
	const char *wo_trace; /* file for the trace; NULL */
	bool wo_trace_text;   /* text instead of NDJSON */
	uint64_t wo_trace_mask[TRACE_MASK_WORDS]; /* points in that file */
	/* Called for each of these points as it happens; NULL: nobody. */
	void (*wo_tell)(void *arg, const struct trace_rec *);
	void *wo_tell_arg;
	uint64_t wo_tell_mask[TRACE_MASK_WORDS];
	/* Called now and then on the engine's thread; true: stop the run. */
	bool (*wo_poll)(void *arg, simtime_t now, simtime_t until);
	void *wo_poll_arg;
};

/*
 * 0; EINVAL: the scenario cannot be built (text in err); other errnos: a file
 * could not be created (named in err).
 */
int world_create(const struct scenario *, const struct world_opts *,
    struct world **, struct strbuf *err);
/* Run, judge, drain, look for leaks. The captures are closed when it returns. */
void world_run(struct world *);
const struct result *world_result(const struct world *);
/*
 * Takes the world down. After a broken invariant or a panic the wreck is left
 * to the process's end: its memory cannot be trusted.
 */
void world_destroy(struct world *);

#endif
