/*
 * What a run came to: one structure, from which every format is rendered.
 * Nothing in it depends on paths, threads, the machine or the wall clock.
 */
#ifndef KTSIM_SIM_RESULT_H
#define KTSIM_SIM_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/netinet/tcp_info.h>
#include <ktsim/base/hash.h>
#include <ktsim/base/hdr.h>
#include <ktsim/base/simtime.h>
#include <ktsim/base/trace.h>
#include <ktsim/sim/charts.h>
#include <ktsim/sim/story.h>

#define INVARIANTS 7 /* numbered from 1 */

/* What trace points said, added up: one fact per point, host, texts, errno. */
struct fact {
	enum trace_id f_id;
	const char *f_who;  /* host; "" laboratory */
	const char *f_s[3]; /* the point's text arguments, in order */
	int f_error;	    /* its signed argument */
	uint64_t f_count;
	uint64_t f_len; /* sum of an argument called len */
	simtime_t f_first, f_last;
};

struct conn_result {
	char *c_name;		   /* "get#0" */
	char *c_server_name;	   /* "web#0": its other end; NULL */
	char *c_client, *c_server; /* addresses with port */
	const char *c_tls;	   /* "TLS 1.3", NULL plain */
	char c_suite[48];
	bool c_done;
	const char *c_failed; /* why it is not done; NULL */
	simtime_t c_start, c_established, c_end;
	uint64_t c_body; /* bytes the client read, or sent if it uploads */
	/* The client is outside: it is the server who tells, of requests and
	 * bodies both ways; c_side[0] is not known. */
	bool c_outside;
	uint64_t c_requests, c_sent, c_received;
	struct story_gap c_gap; /* whoever the bodies went to */
	struct conn_side {
		const char *host;     /* NULL: outside, or never came */
		uint32_t number;      /* the kernel's, as the trace has it */
		int tx_mode, rx_mode; /* TCP_TLS_MODE_*, at its end */
		bool tx_kernel, rx_kernel;   /* asked for */
		const char *tx_why, *rx_why; /* the library's account */
		uint64_t segs, bursts, bytes, rexmit_bytes, rexmit_packs;
		uint64_t rto, fast_rexmit, enobufs;
		uint64_t tickets, key_updates;
		bool resumed;
		uint64_t kernel_records;
		/* TCP was the card's (TOE), which sent again. */
		bool offloaded;
		uint64_t card_rexmit_packs;
		bool has_tcp;
		const char *cc;		   /* congestion control's name */
		struct ktcp_info tcp;	   /* at its end */
		const struct story *story; /* NULL: nothing to tell */
	} c_side[2];			   /* 0 client, 1 server */
	const struct chart_conn *c_chart;  /* NULL: it was not followed */
	unsigned c_chart_client; /* which of its sides is the client */
};

#define CLAIM_FRAMES 8
struct claim_result {
	int cl_line, cl_col;
	const char *cl_file; /* an included one; NULL: the scenario */
	const char *cl_name; /* the scenario's word for it; NULL */
	const char *cl_kind; /* its key: "delivered" */
	char *cl_claim;	     /* "client get has received 8388608 bytes" */
	char *cl_found;	     /* NULL: not judged, the run broke off */
	bool cl_ok;
	/* Of one that failed: the first event that made it so, with its time,
	 * and the frames of wire.pcapng that show it. NULL, 0: nothing to
	 * point at. */
	char *cl_first;
	simtime_t cl_when;
	uint64_t cl_frames[CLAIM_FRAMES];
	unsigned cl_nframes;
};

/* What became of a call of an OpenSSL program on one connection. */
struct call_result {
	const char *cr_call;
	bool cr_begun, cr_ended;
	simtime_t cr_from, cr_to;
	uint64_t cr_bytes;
	uint64_t cr_calls; /* of the library */
	uint64_t cr_short; /* that took less than they were given */
	uint64_t cr_again; /* that said: call again */
	int cr_error;	   /* it was refused; the program goes on */
	const char *cr_why;
};

struct program_result {
	const char *pg_app;
	unsigned pg_conn;
	bool pg_server;
	/* The five steps of establishing: connected, handshake, and keys given
	 * at the same instant; 0: not reached. */
	simtime_t pg_connected, pg_shaken;
	bool pg_tx_asked, pg_rx_asked; /* SSL_OP_ENABLE_KTLS */
	bool pg_send, pg_recv;	       /* BIO_get_ktls_send, _recv */
	const char *pg_send_why, *pg_recv_why;
	int pg_send_error, pg_recv_error;
	bool pg_resumed;
	uint64_t pg_tickets, pg_key_updates;
	const char *pg_failed; /* NULL: it came to its end */
	const char *pg_error;  /* libssl's words for it; NULL */
	struct call_result *pg_calls;
	unsigned pg_ncalls;
};

struct counter_result {
	const char *ct_host;
	char *ct_name;
	uint64_t ct_before, ct_after;
	const char *ct_descr;
};

struct link_result {
	char *l_name;
	struct {
		uint64_t frames, bytes, lost, queue_drops, down_drops,
		    suspended_drops;
	} l_dir[2];
};

/* A card that knows TLS and took part: what it read and wrote over its bus. */
struct card_result {
	const char *cd_host, *cd_name, *cd_model;
	uint64_t payload; /* of packets it sent, read once */
	uint64_t reread;  /* read again to rebuild or close a record */
	uint64_t desc, cqe, rx;
	uint64_t bus_bps; /* its budget; 0: without limit */
	simtime_t bus_busy;
	uint64_t tags, tags_max, refused; /* taken; at once */
	uint64_t restarts;
	uint64_t tls_packets;
	uint64_t rx_decrypted; /* packets */
	uint64_t resets;
};

/* An impairment of one direction; the link's own loss only where it struck
 * beside others. */
struct node_result {
	char *n_from; /* "server.mce0", whose frames */
	const char *n_name, *n_kind;
	uint64_t seen, lost, duplicated, delayed, corrupted, marked;
};

/* A step whose condition never came true. */
struct waiting_result {
	char *ws_text; /* "link down on wan when ..." */
	int ws_line;
};

/* A capture of what a card read and wrote. */
struct dma_result {
	char *d_file; /* "dma-server-mce0.pcapng" */
	uint64_t d_packets;
};

struct invariant_result {
	const char *i_name;
	const char *i_checked; /* what was looked at, short */
	uint64_t i_looked;     /* how much of it */
	bool i_off;	       /* the scenario does not want it */
	uint64_t i_broken;     /* times */
	char *i_first;	       /* text of the first, with its time */
	simtime_t i_when;
};

/* Layers of a run's fingerprint (docs/testing.md). */
enum {
	PRINT_EVENTS,	 /* trace points, with times */
	PRINT_WIRE,	 /* frames, with times */
	PRINT_COUNTERS,	 /* what the report shows of them */
	PRINT_DECISIONS, /* modes, tags and why, without times */
	PRINTS
};
extern const char *const print_names[PRINTS];

/* One end of an iperf stream: what it counted, in intervals. */
struct iperf_slice {
	uint64_t is_sent, is_got, is_rexmits;
	uint32_t is_cwnd, is_rtt_us; /* at its end */
};
struct iperf_side {
	simtime_t is_from, is_last; /* the line was through; last byte */
	bool is_sends, is_reads;
	uint64_t is_sent, is_got, is_rexmits;
	const struct iperf_slice *is_slices;
	unsigned is_nslices;
};
/* Of an iperf client: its streams, each with 0 the client's end, 1 the
 * server's. */
struct iperf_result {
	const char *ir_name;
	simtime_t ir_every;
	struct iperf_side (*ir_streams)[2];
	unsigned ir_nstreams;
};

/* What one end of an NFS connection counted: a mount, or the server's end. */
#define NFS_RESULT_PROCS 6
struct nfs_proc_result {
	const char *np_name;
	uint64_t np_calls, np_replies, np_errors;
	simtime_t np_p50, np_p90, np_p99, np_max; /* client */
};
struct nfs_end {
	char *ne_name;	       /* "mnt#0" */
	const char *ne_state;  /* "done", "refused", "broken", "unfinished" */
	const char *ne_reason; /* NULL */
	const char *ne_probe;  /* what was answered to it; NULL: none sent */
	const char *ne_transport; /* "clear", "kernel", "daemon" */
	simtime_t ne_handshake;	  /* from the upcall to its end; 0 */
	uint64_t ne_upcalls, ne_upcalls_failed, ne_late;
	uint64_t ne_rpc_sent, ne_rpc_got, ne_fragments_got;
	uint64_t ne_bytes_sent, ne_bytes_got; /* marks and all */
	uint64_t ne_read, ne_written;	      /* file bytes */
	uint64_t ne_tls_records;	      /* that the kernel framed */
	uint64_t ne_alerts, ne_discarded, ne_alerts_sent;
	uint64_t ne_bad; /* messages, and marks, that were none */
	struct nfs_proc_result ne_procs[NFS_RESULT_PROCS];
};
struct nfs_result {
	const char *nf_name; /* of the application */
	bool nf_server;
	struct nfs_end *nf_ends;
	unsigned nf_nends;
};
/* Of a server's thread around kevent. */
struct evloop_result {
	bool ev_present;
	uint64_t ev_turns, ev_events, ev_wakeups; /* calls that returned some */
	uint64_t ev_batch_max,
	    ev_waiting_max; /* events at once: served, ready */
	simtime_t ev_busy;
};

/* Who a crowd's answers came from: by TCP_TLS_MODE_* of the server's end. */
#define LOAD_MODES 4
/* Of a crowd of HTTPS clients. */
enum load_error {
	LOAD_REFUSED,
	LOAD_RESET,
	LOAD_TIMED_OUT,
	LOAD_UNREACHABLE,
	LOAD_TLS,
	LOAD_OTHER,
	LOAD_ERRORS
};
/* What they asked for on purpose. */
enum load_kind {
	LOAD_SLOW,
	LOAD_ABORT,
	LOAD_HALF_CLOSE,
	LOAD_OVERSIZED,
	LOAD_EARLY_DATA,
	LOAD_KINDS
};
struct load_result {
	const char *lr_name, *lr_server;
	uint64_t lr_conns, lr_established, lr_done, lr_aborted, lr_unfinished;
	uint64_t lr_errors[LOAD_ERRORS];
	uint64_t lr_kinds[LOAD_KINDS]; /* connections of each */
	uint64_t lr_versions[4];       /* by enum sc_tls_version */
	uint64_t lr_plain;	       /* or without TLS */
	uint64_t lr_asked, lr_answered, lr_bytes;
	uint64_t lr_status[600];  /* answers, by status */
	simtime_t lr_from, lr_to; /* first arrival, last answer */
	struct hdr lr_connect, lr_first, lr_whole; /* ps */
	struct {
		uint64_t conns, bytes; /* of bodies */
	} lr_modes[LOAD_MODES];
};
/* Of a server that a crowd asks; of its host, what is not said otherwise. */
struct https_result {
	const char *hs_name, *hs_host;
	uint64_t hs_conns, hs_requests;
	uint64_t hs_bytes; /* of bodies, sent by this server */
	struct evloop_result hs_loop;
	uint64_t hs_hits, hs_misses, hs_joined, hs_evicted; /* pages */
	uint64_t hs_cache; /* its size in bytes; 0: no limit */
	/* Bytes that crossed memory, by cause. */
	uint64_t hs_disk, hs_software, hs_copied, hs_card;
	uint64_t hs_body; /* for so many of bodies, by all its servers */
};

/* What one program of the user's came to: a connection's end. */
struct own_line {
	simtime_t ol_at;
	char *ol_text;
};
struct own_number {
	char *on_key;
	uint64_t on_value;
};
struct own_end {
	char *oe_name;	       /* "ask#0" */
	const char *oe_state;  /* "done", "failed", "unfinished" */
	const char *oe_reason; /* NULL */
	bool oe_cannot_start;
	uint64_t oe_turns, oe_sent, oe_got;
	const struct own_line *oe_log;
	unsigned oe_nlog;
	uint64_t oe_left_out; /* lines */
	const struct own_number *oe_numbers;
	unsigned oe_nnumbers;
};
struct own_result {
	const char *ow_name, *ow_program;
	bool ow_server;
	struct own_end *ow_ends;
	unsigned ow_nends;
};

/* How an application's TLS was made, where the scenario compares: of what it
 * sent. */
struct compare_result {
	const char *cp_name, *cp_host;
	const char *cp_how; /* "socket, sw", "socket, ifnet", "node" */
	bool cp_node;
	uint64_t cp_sent, cp_copied, cp_records;
	uint64_t cp_thread_wakeups; /* node, or the host's TLS workers */
	uint64_t cp_app_wakeups;
	simtime_t cp_thread; /* of their cryptography */
	simtime_t cp_time;   /* from the first connection to the last end */
};

struct result {
	const char *r_name, *r_description;
	uint64_t r_seed;
	simtime_t r_end; /* when the expectations froze */
	uint64_t r_events;
	bool r_live;	 /* virtual time followed the wall clock ... */
	simtime_t r_lag; /* ... and fell so much behind in all */
	bool r_interrupted;
	char *r_panic;	       /* a simulated kernel's last words */
	const char *r_defects; /* names, "" none */
	struct conn_result *r_conns;
	unsigned r_nconns;
	struct fact *r_facts;
	unsigned r_nfacts;
	struct claim_result *r_claims;
	unsigned r_nclaims;
	struct counter_result *r_counters;
	unsigned r_ncounters;
	struct link_result *r_links;
	unsigned r_nlinks;
	struct card_result *r_cards;
	unsigned r_ncards;
	bool r_disorder; /* wire.pcapng needs reassemble_out_of_order */
	struct iperf_result *r_iperf;
	unsigned r_niperf;
	struct nfs_result *r_nfs;
	unsigned r_nnfs;
	struct program_result *r_programs;
	unsigned r_nprograms;
	struct load_result *r_loads; /* of crowds */
	unsigned r_nloads;
	struct https_result *r_https; /* servers that they ask */
	unsigned r_nhttps;
	struct own_result *r_own;
	unsigned r_nown;
	struct compare_result *r_compare;
	unsigned r_ncompare;
	struct node_result *r_nodes;
	unsigned r_nnodes;
	struct waiting_result *r_waiting;
	unsigned r_nwaiting;
	struct invariant_result r_inv[INVARIANTS];
	uint64_t r_frames;	   /* in the capture */
	uint64_t r_records_judged; /* opened by the oracle */
	int r_capture_error;	   /* errno of a capture file */
	char *r_capture_path;	   /* of that file */
	struct dma_result *r_dma;
	unsigned r_ndma;
	struct dma_result *r_ports; /* captures of links */
	unsigned r_nports;
	bool r_has_prints;
	char r_prints[PRINTS][HASH_HEX_SIZE];
	bool r_has_wire, r_has_pcap, r_has_tcpinfo;
	const struct timeline *r_timeline; /* NULL: no picture */
	/* For report.html; ch_on false: nothing was recorded. NULL: the run
	 * never began. */
	const struct timeline *r_over_time;
	const struct charts *r_charts;
};

/* Exit code, several causes in their order: 130, 3, 4, 1, 0. */
int result_exit_code(const struct result *);
/* Why a program of the user's could not be started; NULL: all could. */
const char *own_cannot_start(const struct result *);

/* For people and for programs. The commands that open the capture contain
 * paths: the command line adds them, on the terminal only. */
struct strbuf;
/* file: what the terminal calls the scenario, in claims that stand there; NULL:
 * "line 41" must do, in files that are the same wherever the scenario is. */
void report_text(const struct result *, const char *file, struct strbuf *);
void report_json(const struct result *, struct strbuf *);
struct report_number {
	uint64_t whole;
	double rest; /* less than 1 */
};
/*
 * A number of report.json by its path, "connections[0].server_side.timeouts"; [*] adds up
 * over a list. NULL, or why there is none. The path was checked.
 */
const char *report_number(const struct result *, const char *path,
    struct report_number *);
/* JSON Schema of what report_json writes. */
void report_schema(struct strbuf *);
/* timeline.svg: the run over time, if there is one to be drawn. */
void report_timeline(const struct result *, struct strbuf *);
/* report.html, self-contained. */
void report_html(const struct result *, struct strbuf *);

#endif
