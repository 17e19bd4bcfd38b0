/* What the files of the world share. */
#ifndef WORLD_PRIV_H
#define WORLD_PRIV_H

#include <setjmp.h>
#include <stdio.h>

#include <ktsim/base/kassert.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/kern/vnode.h>
#include <ktsim/net/if_lagg.h>
#include <ktsim/nic/nic.h>
#include <ktsim/opencrypto/crypto_accel.h>
#include <ktsim/sim/charts.h>
#include <ktsim/sim/engine.h>
#include <ktsim/sim/ledger.h>
#include <ktsim/sim/record_oracle.h>
#include <ktsim/sim/switch.h>
#include <ktsim/sim/tap.h>
#include <ktsim/sim/tls_endpoint.h>
#include <ktsim/sim/wire.h>
#include <ktsim/sim/world.h>

#include "ng_tls.h"

struct app;
struct chartbook;
struct conn;
struct judge;
struct perfetto;
struct prints;
struct storybook;

struct whost {
	const struct sc_host *h_sc;
	struct vnet *h_vnet;
	struct nic **h_nics;	   /* as h_sc->nics */
	struct wire_port *h_ports; /* as h_nics: their ends of the links */
	struct nic_bus **h_buses;  /* as h_nics: shared, of the first card */
	struct lagg_softc **h_laggs;
	struct ifvlan **h_vlans;
	struct filegen *h_filegens; /* as h_sc->files */
	struct crypto_accel_params h_accel;
	struct prng h_disk; /* disk_jitter's */
	simtime_t h_disk_latency, h_disk_jitter;
	bool h_disk_error;	    /* every page: EIO */
	int h_completion;	    /* enum sc_completion */
	struct sim_event h_release; /* workers that were held */
};

struct wlink {
	const struct sc_link *l_sc;
	struct wire *l_wire;
	struct wire_port l_outside; /* of the end that is a device */
	int l_device;		    /* which end that is; -1: none */
};

/* world_card_results.c */
void collect_cards(struct world *);

struct wstep {
	struct sim_event s_event;
	struct world *s_world;
	const struct sc_step *s_sc;
	/* With a condition: */
	bool s_armed;		 /* it is waited for */
	bool s_was;		 /* true when last looked at */
	uint64_t s_fired;	 /* times it came true */
	simtime_t s_first;	 /* the step of the first time */
	simtime_t s_at;		 /* when it came true last */
	unsigned s_at_once;	 /* and how often at that instant */
	const uint64_t *s_value; /* the counter */
	struct conn *s_conn;	 /* found so far */
};

/* A claim that is judged at its own instant. */
struct wlook {
	struct sim_event lo_event;
	struct world *lo_world;
	unsigned lo_index;
	bool lo_judged;
	/* A counter that must not become more than lo_most: watched until it
	 * does, NULL then. */
	const uint64_t *lo_value;
	uint64_t lo_most, lo_tripped_to;
	const char *lo_event_name;
	bool lo_tripped;
	/* Events and frames that were counted; when one was too many, or the
	 * first one. */
	uint64_t lo_count;
	simtime_t lo_when;
	uint64_t lo_frame;
	bool lo_between; /* that frame and the next */
	char *lo_text;
	const char *lo_where; /* drops: a link's whole name; NULL */
	uint64_t lo_frames[CLAIM_FRAMES];
	unsigned lo_nframes;
	struct tap_filter *lo_filter;
	struct seen_event *lo_seen; /* order: of each event */
};

/* One connection of a client or server application. */
struct conn {
	TAILQ_ENTRY(conn) c_link; /* of the application */
	struct app *c_app;
	struct socket *c_so;	   /* NULL once closed */
	struct tls_endpoint *c_ep; /* NULL: plain */
	struct sim_event c_event;  /* EV_APP: look what can be done */
	int c_state;
	unsigned c_index;
	struct ledger_flow *c_flow;
	bool c_server;
	bool c_outside;	     /* server: its client is no host of the scenario */
	bool c_upload;	     /* this request has a body */
	bool c_head;	     /* server: this answer has none */
	bool c_connecting;   /* its connect was begun */
	struct strbuf c_buf; /* request or response header */
	size_t c_bufoff;
	struct vnode *c_vp;
	uint64_t c_off, c_len;	 /* this request's body */
	uint64_t c_before;	 /* bytes of the bodies before */
	uint64_t c_sent;	 /* of files, all requests */
	uint64_t c_received;	 /* server: of all uploads */
	struct digest *c_digest; /* server: of this upload */
	unsigned c_requests;	 /* client: written so far; server: read */
	bool c_more;		 /* another request follows this one */
	int c_error;		 /* how it failed */
	const char *c_failed;
	char *c_tls_error; /* its endpoint's words; NULL */
	struct ksockaddr c_local, c_remote;
	simtime_t c_start, c_established, c_end;
	struct conn_side c_side;
	char c_suite[48];
	int c_version;		/* enum sc_tls_version: offered, then agreed */
	uint32_t c_number;	/* the kernel's, as the trace has it */
	struct story_gap c_gap; /* of the bodies that were read here */
	uint64_t c_end_frame;	/* of the capture, when it ended */
	uint64_t c_write_off, c_read_off; /* of all that it sent, and read */
	uint32_t c_write_from;	/* of the stream: where this write began */
	bool c_write_begun;	/* ... and blocked */
	bool c_resent;		/* it misread a partial count */
	void *c_data;		/* of its type */
	int c_misreads;		/* enum sc_misreads */
	uint64_t c_abort_after; /* body bytes; 0: never */
	uint64_t c_read_bps;	/* bodies, no faster; 0 */
	simtime_t c_read_from;	/* since then ... */
	uint64_t c_read_bytes;	/* ... so many */
	uint64_t c_empty;	/* writes of no bytes, for this answer */
	/* Server, where the kernel does not send files: */
	uint64_t c_copied; /* bytes of files that it read and wrote */
	uint64_t c_paged;  /* of this file, had from the page cache */
	unsigned c_paging; /* pages that it waits for */
	int c_page_error;  /* of such a page */
	/* In the queue of its server's thread: */
	TAILQ_ENTRY(conn) c_ready_link;
	bool c_ready;
	struct ng_tls *c_node; /* NULL: TLS is the socket's, or the library's */
	/* To compare: its machine ran so often; bytes by write, by sendfile. */
	uint64_t c_wakeups, c_by_write, c_by_sendfile;
};

/* What an application of a type does. */
struct app_ops {
	void (*ao_run)(struct conn *); /* as far as it goes */
	void (*ao_end)(struct conn *); /* the socket is about to go; NULL */
	const char *const *ao_states;  /* names, by c_state */
	const char *ao_alpn;	       /* protocol in TLS; NULL */
	/* What it waits for beside its socket; false: nothing. NULL */
	bool (*ao_waits)(const struct conn *, struct strbuf *);
	void (*ao_start)(struct app *); /* a client: makes its connections;
					   NULL: at intervals */
	/* What it counted, into the world's result; NULL: nothing. */
	void (*ao_collect)(struct app *);
	void (*ao_free)(struct conn *);	   /* c_data, which it made */
	void (*ao_free_app)(struct app *); /* a_data; NULL */
};

struct app {
	const struct sc_app *a_sc;
	const struct app_ops *a_ops;
	struct world *a_world;
	struct whost *a_host;
	struct socket *a_listen[2]; /* IPv4, IPv6 */
	struct sim_event a_event;   /* accept */
	struct evloop *a_loop;	    /* server: its thread; NULL: none */
	void *a_data;		    /* of its type */
	TAILQ_HEAD(, conn) a_conns;
	unsigned a_nconns, a_open;
	uint64_t a_delivered;
	uint64_t a_failed;
	bool a_daemon_dead; /* nfs: who shakes hands for it */
	simtime_t a_done_at;
	char *a_folder, *a_program; /* own: resolved */
};

struct world {
	const struct scenario *w_sc;
	struct world_opts w_opts;
	struct engine *w_engine;
	struct timebase *w_tb;
	struct jobpool *w_jobs;
	struct trace_sink w_sink;
	uint64_t w_report_points[TRACE_MASK_WORDS];
	struct tracer w_tracer; /* the laboratory's own */
	struct framepool w_pool;
	struct tls_userland *w_userland;
	struct whost *w_hosts;
	struct wlink *w_links;
	struct lanswitch **w_switches;
	bool w_outside; /* attached, in part at least */
	struct app *w_apps;
	struct wstep *w_steps;
	struct wlook *w_looks;
	struct flowtrack *w_flows; /* NULL: no step asks */
	unsigned w_whens_polled;   /* conditions to look at after each event */
	unsigned w_watched;	   /* counters of claims, likewise */
	/* Some claim does. */
	bool w_counts_records, w_counts_frames, w_counts_comments;
	unsigned w_clients;	 /* client connections of the scenario */
	unsigned w_clients_open; /* of these, not finished */
	bool w_draining;
	simtime_t w_drain_at; /* since when */

	/* taps and checkers */
	struct capture *w_capture;
	struct pcapfile *w_pcap;
	int w_keylog_fd;
	struct rexmit_index *w_rexmit;
	struct strbuf w_comment;   /* of the frame being captured */
	struct reasons *w_reasons; /* that its comment may tell; NULL */
	struct judge *w_judge;
	struct ledger *w_ledger;
	uint64_t w_frames;
	unsigned w_ncapif; /* interfaces of the capture, as cards are built */
	struct capture **w_dma;	    /* by interface; NULL: not asked for */
	struct capture **w_ports;   /* by link; NULL: not asked for */
	struct strbuf w_dma_packet; /* scratch */
	FILE *w_trace;
	FILE *w_tcpinfo; /* NULL: not asked for */
	struct sim_event w_tcpinfo_ev;
	struct strbuf w_trace_line; /* scratch */
	char *w_trace_path, *w_keylog_path;

	struct result w_res;
	unsigned w_facts_size;
	struct storybook *w_story;
	struct prints *w_prints; /* NULL: not asked for */
	struct timeline w_timeline;
	struct charts w_charts;
	struct chartbook *w_chartbook; /* NULL: no charts */
	simtime_t w_charts_at;	       /* next look; SIM_NEVER: off */
	struct perfetto *w_perfetto;   /* NULL: not asked for */
	simtime_t w_perfetto_at;       /* the same */
	jmp_buf w_panic;
	uint64_t w_progress;	 /* as world_stuck saw it last move ... */
	simtime_t w_progress_at; /* ... and when */
	unsigned w_until_look;	 /* events until the next cheap check */
	unsigned w_shown;	 /* of wo_shows, told so far */
	struct sim_event w_tick; /* live: the instant that time has come to */
	bool w_broken;		 /* an invariant */
	bool w_broken_told, w_panic_told;
	bool w_going; /* the hosts are being taken down */
	struct world *w_next_wreck;
	bool w_wrecked;	    /* do not touch the kernels any more */
	uint8_t *w_scratch; /* applications' read buffer */
};
#define WORLD_SCRATCH 65536

/* world_build.c */
int world_build(struct world *, struct strbuf *err);
struct whost *world_host(struct world *, const char *name);
void world_take_down(struct world *);
void world_detach_stacks(struct world *);

/* The scenario is told what cannot be made; EINVAL. */
int build_error(struct world *, struct strbuf *err, const struct sc_loc *,
    const char *what, int error);

/* world_cards.c */
int card_build(struct world *, struct whost *, unsigned i, struct strbuf *err);
void cards_forget_buses(struct whost *); /* the cards are gone */
/* The errno of who refused. */
int card_order(struct world *, const struct sc_step *);
void cards_faults_off(struct world *);
/* A driver took a session that its card cannot carry, as it is known to; or a
 * command left one. */
bool cards_black_hole(const struct world *);

/* world_links.c */
void links_build(struct world *);
/* Interfaces of the capture for ports of switches at which frames begin. */
void links_capture_switches(struct world *);
void links_take_down(struct world *);
/* How long so many bytes may be under way on the slowest link. */
simtime_t links_slowest(const struct world *, uint64_t bytes);
/* How long LACP may send to nobody, with all faults off. */
simtime_t links_deaf_time(const struct world *);
void links_collect_nodes(struct world *); /* impairments, for the result */
/* By a link's name, or the port at one of its ends. */
struct wire *world_wire_of(struct world *, const char *name);
/* The host of the scenario that has the address; NULL. */
struct whost *world_host_at(const struct world *, const struct ksockaddr *);

/* world_outside.c */
int outside_attach(struct world *, struct strbuf *err);
void outside_detach(struct world *);
void outside_reset(struct world *); /* clients outside hear the end */

/* world.c */
bool world_step(struct world *, simtime_t until);
void world_settle(struct world *, simtime_t time);
void world_look(struct world *);

/* world_steps.c */
/* Steps that were checked get their events. EINVAL: text in err. */
int steps_create(struct world *, struct strbuf *err);
/* What is still to come does not. */
void steps_cancel(struct world *);
/* Carry out a step that was checked, now; refusals are traced. call: the name
 * of what was refused, or NULL; may be NULL. */
int world_do(struct world *, const struct sc_step *, const char **call);
const char *step_name(const struct sc_step *); /* "link down" */

/* world_ifconfig.c */
/* A step ifconfig or route; the errno of the call that was refused, and its
 * name. */
int world_ifconfig(struct world *, const struct sc_step *, const char **call);
int world_route(struct world *, const struct sc_step *, const char **call);
/* They took what others still send to: a port, an address. */
bool commands_black_hole(const struct world *);

/* world_when.c */
/* Wait for the step's condition. EINVAL: text in err. */
int when_arm(struct world *, struct wstep *, struct strbuf *err);
void whens_off(struct world *);
/* A frame leaves its card, with this fate. */
void whens_frame(struct world *, const struct frame *,
    const struct wire_fate *);
void whens_poll(struct world *);  /* after an event */
void whens_claim(struct world *); /* those that must happen */
/* At the end: how that came out, and a list of the others that did not. */
void whens_judge(struct world *);

/* world_crypto.c */
/* ENOTSUP: it is not there, or not on this machine. */
int world_crypto(struct world *, struct whost *, struct vnet_params *,
    struct strbuf *err);
void world_completion(struct whost *, int order);

/* world_sysctl.c: 0, or EINVAL with what is wrong in err */
int world_sysctls(struct world *, struct whost *, struct strbuf *err);
int world_sysctl_step(struct world *, const struct sc_step *,
    struct strbuf *err);
int world_sysctl_claims(struct world *, struct strbuf *err);
/* Says so, with the nearest one; EINVAL. */
int world_no_sysctl(struct world *, struct strbuf *err, const struct sc_loc *,
    const struct vnet *, const char *name);

/* The errno of sysctl_write, sysctl_write_word. */
int world_sysctl_set(struct vnet *, const char *name, const struct sc_value *);
/* "sysctl `x` refuses 7 (EINVAL)", or which words it takes. */
void sysctl_refusal(const struct sysctl_oid *, const struct sc_value *,
    int error, struct strbuf *);
/* Nearest name of a sysctl of this kernel; NULL. */
const char *sysctl_nearest(const struct vnet *, const char *name);

/* world_tap.c */
int tap_open(struct world *, struct strbuf *err);
void tap_frame(void *arg, const struct wire_port *, struct frame *,
    const struct wire_fate *);
void tap_keylog(void *arg, const char *line);
void tap_close(struct world *);
/* A file could not be written: the run ends. */
void tap_error(struct world *, int error, const char *path);

/* world_dma.c: as wp_dma of wire.h */
/* world_ports.c: `capture.ports` */
int ports_open(struct world *, struct strbuf *err);
/* A frame goes into a link. */
void ports_frame(struct world *, const struct frame *,
    const struct wire_fate *);
void ports_secrets(struct world *, const char *lines);
void ports_close(struct world *);

int dma_open(struct world *, struct strbuf *err);
void dma_packet(void *arg, const struct wire_port *, struct nic *,
    unsigned queue, bool completion, const uint8_t *bytes, uint32_t len,
    const char *text);
void dma_close(struct world *);

/* world_oracle.c: the record oracle beside the run */
struct judge *judge_create(struct world *);
/* Takes a reference. outside: followed, but not to be blamed on a kernel. */
void judge_frame(struct judge *, struct frame *, bool outside);
void judge_secret(struct judge *, const char *line);
void judge_settle(struct judge *); /* all frames so far are judged and told */
const struct record_oracle *judge_finish(struct judge *);
void judge_destroy(struct judge *);

/* world_facts.c */
void facts_init(struct world *);
void facts_fini(struct world *);
void invariant_broken(struct world *, int number, const char *text);
void invariant_broken_at(struct world *, int number, const char *text,
    simtime_t when);

/* world_prints.c: wo_prints */
void prints_init(struct world *);
void prints_fini(struct world *);
void prints_trace(struct world *, const struct trace_rec *);
void prints_frame(struct world *, const struct wire_port *from,
    const struct frame *);
void prints_payload(struct prints *, const struct frame *); /* NULL: nobody */
void prints_end(struct world *); /* the result is collected, all is over */

/* world_story.c: until the drain begins */
void story_init(struct world *);
void story_fini(struct world *);
void story_points_want(uint64_t mask[TRACE_MASK_WORDS]);
void story_trace(struct world *, const struct trace_rec *);
/* A frame has its number and leaves a card of this host. */
void story_frame(struct world *, unsigned host, const struct frame *);
void story_gap_open(struct story_gap *, simtime_t now);
void story_read(struct world *, struct conn *, uint64_t len); /* of a body */
/* What kind of tag it was that the record says is released; NULL. */
const char *story_tag_type(const struct world *, const struct trace_rec *);
/* By the kernel's number; NULL: there is nothing to tell. */
const struct story *story_of(const struct world *, const struct whost *,
    uint32_t conn);

/* world_timeline.c: the same, by time */
void timeline_init(struct world *);
void timeline_fini(struct world *);
void timeline_trace(struct world *, unsigned host, const struct trace_rec *);
void timeline_step(struct world *, const struct trace_rec *);
void timeline_frame(struct world *, const struct wire_port *from,
    const struct frame *);
void timeline_delivered(struct world *, uint64_t len);

/* world_charts.c: curves for report.html; all of these do nothing where none is
 * asked for, but for those that say so */
void charts_init(struct world *);
void charts_fini(struct world *);
void charts_look(struct world *); /* only when w_charts_at has come */
void charts_freeze(struct world *, bool wreck);
void charts_conn(struct world *, struct conn *); /* it has its number */
/* What is known of the connection, and which side this end is; NULL. */
const struct chart_conn *charts_of(const struct world *, const struct conn *,
    unsigned *side);
/* world_charts_seq.c: a frame leaves; host: CHART_NOHOST: none. Only while
 * w_charts_at is not SIM_NEVER. */
void charts_frame(struct world *, unsigned host, const struct frame *);
/* Something befell it. */
void charts_rich(struct world *, unsigned host, uint32_t number);
/* world_charts_events.c */
void charts_points_want(uint64_t mask[TRACE_MASK_WORDS]);
void charts_trace(struct world *, const struct trace_rec *);

/* world_perfetto.c: trace.perfetto.json */
int perfetto_open(struct world *, struct strbuf *err);
void perfetto_trace(struct world *,
    const struct trace_rec *);	    /* if it is open */
void perfetto_look(struct world *); /* only when w_perfetto_at has come */
void perfetto_conn(struct world *, const struct conn *); /* it has its number */
void perfetto_close(struct world *);

/* world_state.c */
/* Before the next event: what of wo_shows is due, up to `until`. */
void state_due(struct world *, simtime_t until);
void state_broken(struct world *); /* after an event: is it time to tell? */
void state_panic(struct world *);

/* world_tcpinfo.c: TCP_INFO over time, and claims about it */
int tcpinfo_open(struct world *, struct strbuf *err);
void tcpinfo_close(struct world *);
int tcpinfo_check_claims(struct world *, struct strbuf *err);
void claim_tcp_info(struct world *, const struct sc_exp_tcp_info *,
    struct claim_result *);

/* world_check.c */
void check_now(struct world *);	 /* cheap ones, while running */
void check_end(struct world *);	 /* ledger, oracle, files */
bool check_tags(struct world *); /* before the stacks go */
void check_home(struct world *); /* everything came home */
/* " is at least 7 is at most 9" */
/* The included file it stands in; NULL: the scenario itself. */
const char *claim_file(const struct scenario *, const struct sc_loc *);
bool claim_within(const struct sc_bounds *, uint64_t);
void collect_result(struct world *);

/* world_step_host.c: steps about a host's kernel. An errno as world_do's. */
bool steps_disk(const struct world *, const struct whost *); /* some is one */
int do_disk(struct world *, const struct sc_step *, const char **call);
int do_workers(struct world *, const struct sc_step *, const char **call);
int do_completion(struct world *, const struct sc_step *, const char **call);
int do_fail_alloc(struct world *, const struct sc_step *, const char **call);
/* EINVAL: it names what is not there. */
int step_host_check(struct world *, const struct sc_step *, struct strbuf *err);
void hosts_faults_off(struct world *);

/* world_reasons.c: decisions about TLS, told by the next frame's comment */
void reasons_trace(struct world *, const struct trace_rec *);
void reasons_frame(struct world *, const struct wire_port *,
    const struct frame *, struct strbuf *comment);
void reasons_fini(struct world *);

/* world_why.c: the chain of what a connection waits for; ENOENT: none of that
 * name. */
int world_why_stalled(struct world *, const char *conn, struct strbuf *);

/* app_behave.c */
int do_behave(struct world *, const struct sc_step *, const char **call);
int do_abort(struct world *, const struct sc_step *, const char **call);
int do_abort_conn(struct conn *, const struct sc_step *);
/* How many body bytes may be read now, `want` at most; 0: it was told to come
 * again. */
size_t conn_may_read(struct conn *, size_t want);
/* The scenario's writes of no bytes: 0, or EWOULDBLOCK: not all of them. */
int conn_empty_writes(struct conn *);
/* After so many more: true if that was too much, and it is gone. */
bool conn_aborts(struct conn *);

/* world_claims.c */
void judge_claims_begin(struct world *);
struct app *claim_app(struct world *, const char *name);
void judge_claims_end(struct world *);
void judge_report_claims(struct world *); /* the result is collected */
/* After an event: counters that somebody makes a claim about. */
void claims_watch(struct world *);
/* What made a claim fail; frame 0: none shows it. */
void claim_evidence(struct claim_result *, simtime_t, uint64_t frame,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void claim_frame(struct claim_result *, uint64_t frame);
/* By its name, "get#0"; NULL. */
struct conn *world_conn(struct world *, const char *name);
/* The other end of a client's connection, a server's; NULL. */
struct conn *conn_peer(struct world *, const struct conn *);

/* world_counted.c: claims about events, drops and frames */
/* Before anything happens; an errno: a filter that is none. */
int counted_create(struct world *, struct strbuf *err);
void counted_destroy(struct world *);
void counted_trace(struct world *, const struct trace_rec *);
void counted_frame(struct world *, const struct frame *, const char *comment);
void claim_counted(struct world *, unsigned i, struct claim_result *);
void counted_text(const struct sc_expect *, struct strbuf *);

/* world_claim_text.c */
char *claim_text(struct world *, const struct sc_expect *);

/* app.c */
int apps_create(struct world *, struct strbuf *err);
void apps_start(struct world *);
void apps_call_off(struct world *); /* connections not begun */
/* The last refusal's errno; ESRCH: no connection is meant. */
int apps_switch_tls(struct world *, const struct sc_step *);
int apps_pacing(struct world *, const struct sc_step *);
/* To each connection that the step means; the last error. ESRCH: there is
 * none. */
int conns_meant(struct world *, const struct sc_step *,
    int (*fn)(struct conn *, const struct sc_step *));
/* The socket goes: closed, or with a reset (soclose, soabort). */
void conn_end(struct conn *, void (*end)(struct socket *));
void apps_deafen(struct world *); /* no more connections are taken */
void apps_reset_outside(struct world *);
/* Ends whose other end is gone, which only a keepalive would tell them: hours
 * are not waited for. Whether there was one. */
bool apps_end_half_open(struct world *);
void apps_destroy(struct world *);
void app_conn_modes(struct conn *);
void conn_post(struct conn *, simtime_t delay);
struct conn *conn_create(struct app *, struct socket *, bool server);
void conn_fail(struct conn *, const char *call, int error);
void conn_close(struct conn *);
/* Of a type of application: a step, and where it goes behind one that is done. */
struct conn_machine {
	int (*cm_step)(struct conn *, const char **call);
	int (*cm_next)(struct conn *);
	int cm_done; /* the state behind the last one */
};
void conn_machine(struct conn *, const struct conn_machine *);
int conn_read(struct conn *, void *, size_t, size_t *);
int conn_write(struct conn *, const void *, size_t, size_t *);
/* Bytes of its TCP stream that the kernel has taken: the place of the next. */
uint32_t conn_stream_end(const struct conn *);
/* The kernel took n bytes more of what it sends; from: conn_stream_end before. */
void conn_wrote(struct conn *, size_t n, uint32_t from, const char *call);
extern const struct app_ops http_ops, iperf_ops, nfs_ops, program_ops, load_ops,
    own_ops;
/* One SSL_write, or SSL_write_ex with partial writes. */
int conn_write_call(struct conn *, const void *, size_t, bool partial,
    size_t *);
/* app_results.c */
void apps_collect(struct world *); /* into the result */
void apps_free(struct world *);	   /* and what the result has of them */
/* A client's connection that begins at this time; NULL: there is no socket for
 * it, which is told. */
struct conn *app_client_conn(struct app *, unsigned number, simtime_t start);
void app_accept(struct app *); /* all that is there to be accepted */
/* app_kqueue.c: a server's thread around kevent */
struct evloop *evloop_create(struct app *);
void evloop_destroy(struct evloop *); /* NULL allowed */
void evloop_accept(struct evloop *);  /* somebody has connected */
/* There is something to do for the connection; nothing to be done any more. */
void evloop_ready(struct conn *);
void evloop_forget(struct conn *);
/* Would kevent report this of the connection's socket? */
bool evloop_wants(const struct conn *, enum so_event);
struct evloop_result;
void evloop_collect(const struct evloop *, struct evloop_result *);
/* load_collect.c */
void http_collect(struct app *);
/* own_world.c: may its program be started? An errno, with a text. */
int own_create(struct app *, struct strbuf *err);
void own_kill(struct world *);		  /* no process is left */
uint64_t own_turns(const struct world *); /* that they were asked */
/* app_iperf.c: what streams send, on hosts that have an iperf */
#define IPERF_FILE	"(iperf)"
#define IPERF_FILE_SIZE ((uint64_t)1 << 20)
const char *conn_state_name(const struct conn *);
bool app_uploads(const struct app *); /* a client that sends bodies */

/* world_compare.c: socket layer and node, where there is a node */
void compare_collect(struct world *);

/* app_conn.c: what applications of all types do alike. Each: 0, EWOULDBLOCK
 * (call again after the upcall), or the error. */
int conn_connect(struct conn *); /* a client's */
/* The connection stands: the ledger's flow, and which of its directions is ours
 * to send. */
void conn_flow(struct conn *);
/* The TLS endpoint; 0 also without TLS. */
int conn_tls(struct conn *);
/* Both, and the handshake; returns 0 when all stand. */
int conn_handshake(struct conn *);
int conn_notify(struct conn *); /* close_notify, and no more is sent */
int conn_linger(struct conn *); /* wait for the peer's end */
/* The ledger hears what was read, if it knows what was sent. */
void conn_was_read(struct conn *, const void *, size_t);

#endif
