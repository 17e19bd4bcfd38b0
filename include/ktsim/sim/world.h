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

struct frame;
struct framepool;
struct timebase;
struct vnet;
struct wire_end;
struct wire_port;
struct world;

/* A link's end that is a device of this machine. */
struct outside_params {
	const char *op_end;	  /* as the scenario has it: "tap:ktls0" */
	uint32_t op_mtu;	  /* of the card at the other end */
	struct wire_end *op_wire; /* what comes from the device is sent here */
	struct timebase *op_tb;
	struct framepool *op_pool; /* in frames of this pool */
};

/*
 * Who stands outside of a live world: brings frames to the ends of links that
 * name a device and takes those that arrive there.
 */
struct world_outside {
	/*
	 * Fills in the port that stands at this end; its pt_capif and rate are
	 * the world's. It is used until ou_detach. An errno: what is missing
	 * is said in err, one line.
	 */
	int (*ou_attach)(void *arg, const struct outside_params *,
	    struct wire_port *, struct strbuf *err);
	/*
	 * Once: nothing is brought or taken from now on, frames and buffers
	 * that were kept are back in the pool.
	 */
	void (*ou_detach)(void *arg);
	void *ou_arg;
};

enum world_show_what {
	SHOW_STATE,    /* everything (base/dump.h) */
	SHOW_IFCONFIG, /* interfaces, as ifconfig -v */
	SHOW_STALLED   /* what a connection waits for: a line each */
};
struct world_show {
	int ws_what;
	simtime_t ws_at;
	const char *ws_of; /* host.interface, or host; NULL: all. SHOW_STALLED:
			      a connection, "get#0" */
};

/* A frame as it leaves its sender. */
struct world_frame {
	const struct frame *wf_frame;
	const char *wf_from; /* the port: "server.mce0" */
	simtime_t wf_when;
	const char *wf_lost;   /* why; NULL: it will arrive ... */
	simtime_t wf_arrives;  /* ... then */
	const char *wf_remark; /* what else happens to it; NULL */
	uint64_t wf_rexmit_of; /* the frame that had these bytes first; 0 */
};

struct world_opts {
	unsigned wo_threads; /* host threads, 0 to 64 */
	const char *wo_out;  /* existing folder; NULL: nothing written */
	struct defects wo_defects;
	uint64_t wo_seed;
	bool wo_dry;	      /* built to be checked: files stay cold */
	bool wo_programs;     /* of the scenario's own may be started */
	bool wo_prints;	      /* the result gets its fingerprints */
	bool wo_pcap;	      /* even if the scenario does not ask */
	const char *wo_trace; /* file for the trace; NULL */
	bool wo_trace_text;   /* text instead of NDJSON */
	uint64_t wo_trace_mask[TRACE_MASK_WORDS]; /* points in that file */
	const char *wo_perfetto; /* file for ui.perfetto.dev; NULL */
	/* Called for each of these points as it happens; NULL: nobody. */
	void (*wo_tell)(void *arg, const struct trace_rec *);
	void *wo_tell_arg;
	uint64_t wo_tell_mask[TRACE_MASK_WORDS];
	/* Called for each frame of wire.pcapng; NULL: nobody. */
	void (*wo_frame)(void *arg, const struct world_frame *);
	void *wo_frame_arg;
	/* What is shown at an instant, in order: after everything else that
	 * happens then. Looking does not change the run. */
	const struct world_show *wo_shows;
	unsigned wo_nshows;
	/*
	 * Gets the state as text, with the name of a file for it: of the
	 * instants above, "state-805us.txt", "ifconfig-805us.txt",
	 * "ifconfig-server.lagg0-805us.txt"; of the first broken invariant,
	 * "state-broken.txt"; of a panic, "state-panic.txt", without what
	 * may be in pieces then. NULL: nobody.
	 */
	void (*wo_state)(void *arg, const char *name, const struct strbuf *);
	void *wo_state_arg;
	/* A live world's; NULL: links that end at a device are refused, or with
	 * wo_dry lead nowhere. */
	const struct world_outside *wo_outside;
	/* Called now and then on the engine's thread; true: stop the run. */
	bool (*wo_poll)(void *arg, simtime_t now, simtime_t until);
	void *wo_poll_arg;
};

/*
 * Of a file that scenario_load refused: add to diag what kernels say of those
 * of its parts that have no mistake, if it is the same whatever wrong values
 * are meant to be. Nothing of standard input, which can be read once.
 */
void world_refuses(const char *path, const char *const *sets,
    struct strbuf *diag);

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

/*
 * A live world is begun, brought forward as the wall clock goes, and ended: it
 * stops listening, its claims are judged, connections of clients outside are
 * reset.
 */

/* When something is to be done next; SIM_NEVER. */
simtime_t world_next(const struct world *);
/*
 * Do what is due up to `until`, at most so many events, which is what bounds
 * the time it takes. True: all is done, and now is `until`.
 */
bool world_run_to(struct world *, simtime_t until, unsigned events);
/* It makes no sense to go on: an invariant broke, a capture cannot be written,
 * wo_poll said stop. */
bool world_is_stopped(const struct world *);
/*
 * Carry out a step that scenario_order accepted, now. An errno: it was refused
 * and changed nothing; one line in err says why.
 */
int world_order(struct world *, const struct sc_step *, struct strbuf *err);
/* A host's sysctl: its value, or the value's name, is appended. ENOENT, EPERM:
 * one line in err. */
int world_sysctl(struct world *, const char *host, const char *name,
    struct strbuf *value, struct strbuf *err);
/* Interfaces of "host.interface" or "host" as ifconfig -v prints them; ENXIO:
 * there are none. */
int world_ifconfig_text(struct world *, const char *of, struct strbuf *);
/* Links and open connections, a line each. */
void world_status(struct world *, struct strbuf *);
/* The same as two members of a JSON object: "links": [...], "connections":. */
void world_status_json(struct world *, struct strbuf *);
/* What is left of the session is not waited for: r_interrupted. */
void world_break_off(struct world *);
/* How far virtual time fell behind the wall clock; before world_end. */
void world_set_lag(struct world *, simtime_t);

struct timebase *world_timebase(struct world *);
/* The kernel of a host of the scenario; NULL. For sockets of its programs. */
struct vnet *world_vnet(struct world *, const char *host);
const struct result *world_result(const struct world *);
/*
 * The first words of what broke: an invariant, or a kernel that panicked; NULL:
 * all held. Destroying such a world keeps its memory, and what the broken
 * kernel's stack held is lost: leave the program by _exit.
 */
const char *world_broken(const struct world *);
/* How many of wo_shows were told; the run did not come to the others. */
unsigned world_shown(const struct world *);
/*
 * Takes the world down. After a broken invariant or a panic the wreck is left
 * to the process's end: its memory cannot be trusted.
 */
void world_destroy(struct world *);

#endif
