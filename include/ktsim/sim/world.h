/*
 * A world: the hosts, wires, applications, taps and checkers of one scenario,
 * built, run, judged and taken down again.
 */
#ifndef KTSIM_SIM_WORLD_H
#define KTSIM_SIM_WORLD_H

#include <setjmp.h>

#include <ktsim/base/defect.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/sim/result.h>
#include <ktsim/sim/scenario.h>

struct timebase;
struct vnet;
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
	/* Instants, in order, at which the state is told: after everything
	 * else that happens then. Looking does not change the run. */
	const simtime_t *wo_dump_at;
	unsigned wo_ndump_at;
	/*
	 * Gets the state as text, with the name of a file for it: of the
	 * instants above, "state-805us.txt"; of the first broken invariant,
	 * "state-broken.txt"; of a panic, "state-panic.txt", without what
	 * may be in pieces then. NULL: nobody.
	 */
	void (*wo_state)(void *arg, const char *name, const struct strbuf *);
	void *wo_state_arg;
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

/*
 * The same in steps, for a program that lives in the world (libktlssim):
 * begin, advance as often as it likes, end. The horizon of the scenario does
 * not count. A panic of a simulated kernel jumps to world_panic_env, which
 * whoever steps must have set with setjmp; the wreck may then only be looked
 * at (world_result), ended and destroyed.
 */
void world_begin(struct world *);
jmp_buf *world_panic_env(struct world *);
/* One event, and now and then the cheap checks. False: nothing is pending, or
 * an invariant broke so that going on makes no sense. */
bool world_advance(struct world *);
/*
 * Events go on (timers of TCP never end) but for longer than any timeout, disk
 * and link need no byte has arrived, no connection has come or gone, and
 * nothing that the scenario timed is to come. Asked anew after it was true.
 */
bool world_stuck(struct world *);
void world_end(struct world *);
struct timebase *world_timebase(struct world *);
/* The kernel of a host of the scenario; NULL. For sockets of its programs. */
struct vnet *world_vnet(struct world *, const char *host);
const struct result *world_result(const struct world *);
/* How many of wo_dump_at were told; the run did not come to the others. */
unsigned world_states(const struct world *);
/*
 * Takes the world down. After a broken invariant or a panic the wreck is left
 * to the process's end: its memory cannot be trusted.
 */
void world_destroy(struct world *);

#endif
