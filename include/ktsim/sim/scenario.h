/*
 * A scenario as the rest of the laboratory sees it: plain structures, filled
 * from YAML by one table of keys (sim/scenario/keys.c), with defaults applied,
 * units resolved and references checked. Times are ps, rates bit/s, sizes
 * bytes, percentages parts per billion.
 *
 * Everything is owned by the scenario and lives until scenario_free.
 */
#ifndef KTSIM_SIM_SCENARIO_H
#define KTSIM_SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/sockaddr.h>

struct sc_via;

/* A file that is read: the scenario, or one that it includes. */
struct sc_source {
	const char *sr_name; /* below the scenario's folder, as it is named */
	const char *sr_path; /* to open it */
	const char *sr_text;
	size_t sr_len;
};

/* Where something stands in a file; name: its key, or NULL in lists. */
struct sc_loc {
	const char *name;
	int line, col;		     /* from 1; 0: not in the file */
	const struct sc_via *via;    /* what put it there; NULL: it stands
					there itself */
	const struct sc_source *src; /* NULL: the scenario's own file */
};

/* An alias, a default or a parameter: a note to what is wrong with it. */
struct sc_via {
	struct sc_loc at;
	const char *text; /* "the alias `*nic` puts it here" */
};

struct sc_strlist {
	const char **v;
	struct sc_loc *loc;
	unsigned n;
};

/* What a sysctl is set to. */
struct sc_value {
	uint64_t number;
	const char *word; /* the value's name instead; NULL: number */
};

struct sc_setting { /* sysctl: value */
	struct sc_loc loc;
	struct sc_value value;
};

/* A setting of a card's model; the checks find what it comes to. */
struct sc_knob {
	struct sc_loc loc; /* name: the setting */
	const char *text;  /* as written */
	unsigned index;	   /* of the model's nm_knobs */
	uint64_t value;
};

struct sc_nic {
	struct sc_loc loc;
	const char *model;
	uint64_t rate; /* 0: the link's */
	uint64_t mtu;
	uint64_t ring;	 /* 0: the model's */
	uint64_t queues; /* 0: the model's */
	simtime_t rx_coalesce, tx_coalesce;
	uint64_t pcie;	 /* of its bus; 0: the model's */
	const char *bus; /* shared with cards of the same word; NULL: own */
	bool lro;
	uint64_t numa_domain;
	bool has_domain;
	struct sc_knob *settings;
	unsigned nsettings;
};

struct sc_lagg {
	struct sc_loc loc;
	int proto; /* index of sc_lagg_protos */
	struct sc_strlist ports;
	bool use_flowid;
	uint64_t flowid_shift, rr_limit;
	struct sc_strlist hash; /* "l2", "l3", "l4" */
	bool use_numa, lacp_strict, lacp_fast_timeout;
};
extern const char *const sc_lagg_protos[];

struct sc_vlan {
	struct sc_loc loc;
	uint64_t vlan;
	const char *vlandev;
	bool rxtls; /* hands the parent's receive TLS on */
};

struct sc_addrs {
	struct sc_loc loc; /* name: the interface */
	struct sc_strlist cidr;
};

struct sc_file {
	struct sc_loc loc; /* name: the path */
	uint64_t size;
	bool cached;
	uint64_t bad_page; /* cannot be read */
	bool has_bad_page;
};

/* In which order the records of a window are encrypted. */
enum sc_completion { SC_IN_ORDER, SC_REVERSE, SC_SHUFFLE };

#define SC_COMPLETION_WINDOW 4
struct sc_host {
	struct sc_loc loc;
	uint64_t cpus, numa_domains;
	bool fragmented; /* memory, at the start */
	struct sc_setting *sysctl;
	unsigned nsysctl;
	struct sc_nic *nics;
	unsigned nnics;
	struct sc_lagg *laggs;
	unsigned nlaggs;
	struct sc_vlan *vlans;
	unsigned nvlans;
	struct sc_addrs *addrs;
	unsigned naddrs;
	struct sc_file *files;
	unsigned nfiles; /* those of the catalogue behind the others */
	struct sc_catalogue {
		struct sc_loc loc;
		bool present;
		uint64_t files, min, max;
		const char *path; /* what their names begin with */
		bool cached;
	} catalogue;
	uint64_t page_cache; /* bytes; 0: no limit */
	simtime_t disk_latency, disk_jitter;
	int crypto; /* index of sc_crypto_names */
	bool kern_tls, direct_map;
	struct sc_accel {
		struct sc_loc loc;
		bool present; /* given */
		uint64_t depth, engines, rate, fail_op;
		simtime_t latency;
	} accel;
	int completion;		    /* enum sc_completion */
	uint64_t completion_window; /* SC_COMPLETION_WINDOW: not given */
	uint64_t fail_alloc;	    /* 0: none */
	uint64_t initial_seq;	    /* of every connection */
	bool has_initial_seq;
	bool coarse_timestamps;
};

/* --- what a link does to frames --- */

/*
 * Which frames, exactly: one of data, record, app_record, flags and mask.
 * Flows, segments and records are those of sim/flowtrack.h; only segments
 * with new bytes are meant, so a retransmission gets through.
 */
struct sc_pick {
	uint64_t data;		     /* n-th data segment, from 1 */
	uint64_t record, app_record; /* from 0 */
	uint64_t segment;	     /* of the record, from 1; 0: each */
	int flags;		     /* enum sc_pick_flags */
	const char *mask;	     /* n-th character: n-th data segment */
	uint64_t flow;		     /* from 1; 0: each */
	int side;		     /* enum sc_side: whose segments */
	uint64_t first;		     /* flags: so many of each flow; 0: all */
	uint64_t count;		     /* so many in all; 0: no limit */
	bool has_data, has_record, has_app_record, has_flags;
};
enum sc_pick_flags {
	SC_PICK_SYN,
	SC_PICK_SYN_ACK,
	SC_PICK_FIN,
	SC_PICK_RST,
	SC_PICK_PURE_ACK
};
enum sc_side { SC_SIDE_SERVER, SC_SIDE_CLIENT, SC_SIDE_ANY };

enum sc_impair_kind {
	SC_IMPAIR_LOSS,
	SC_IMPAIR_BURSTS,
	SC_IMPAIR_DROP,
	SC_IMPAIR_DUPLICATE,
	SC_IMPAIR_REORDER,
	SC_IMPAIR_CORRUPT,
	SC_IMPAIR_JITTER,
	SC_IMPAIR_RATE,
	SC_IMPAIR_DELAY,
	SC_IMPAIR_MTU,
	SC_IMPAIR_KINDS
};
extern const char *const sc_impair_names[]; /* by kind */

/* A node of a link's stack; chances are ppb. */
struct sc_impair {
	struct sc_loc loc;
	int kind;	  /* set by the checks */
	const char *name; /* NULL: its kind */
	const char *from; /* "host.nic": only what leaves there; NULL: both */
	bool enabled;
	uint64_t loss;
	/* Gilbert-Elliott: two states, each with its loss. */
	struct sc_bursts {
		struct sc_loc loc;
		bool present;
		uint64_t enter, leave; /* good to bad, bad to good */
		uint64_t good, bad;    /* loss in each */
	} bursts;
	struct sc_drop {
		struct sc_loc loc;
		bool present;
		struct sc_pick pick;
	} drop;
	uint64_t duplicate;
	struct sc_reorder {
		struct sc_loc loc;
		bool present;
		uint64_t chance, every; /* one of them; every N-th frame */
		simtime_t delay;
	} reorder;
	struct sc_corrupt {
		struct sc_loc loc;
		bool present;
		uint64_t chance;
		bool has_chance; /* else exactly those of pick */
		int checksum;	 /* 0 wrong, 1 right */
		int where;	 /* 0 payload, 1 TCP header */
		struct sc_pick pick;
	} corrupt;
	struct sc_jitter {
		struct sc_loc loc;
		bool present;
		simtime_t up_to;
		bool keep_order;
	} jitter;
	struct sc_bottleneck {
		struct sc_loc loc;
		bool present;
		uint64_t rate;
		uint64_t queue;	  /* bytes; 0: no limit */
		uint64_t packets; /* 0: no limit */
		struct sc_red {
			struct sc_loc loc;
			bool present;
			uint64_t min, max, chance; /* bytes, bytes, ppb */
			bool ecn;
		} red;
	} rate;
	simtime_t delay;
	struct sc_mtu {
		struct sc_loc loc;
		bool present;
		uint64_t size; /* largest IP packet */
		bool icmp;
		const char *router; /* address; who answers */
	} mtu;
	bool has_loss, has_duplicate, has_delay;
};

enum sc_preset {
	SC_PRESET_NONE,
	SC_PRESET_DATACENTRE,
	SC_PRESET_BROADBAND,
	SC_PRESET_4G,
	SC_PRESET_SATELLITE
};

/* One direction of a link where it differs from the other. */
struct sc_back {
	struct sc_loc loc;
	bool present;
	uint64_t rate, queue, loss;
	simtime_t delay, jitter;
	bool has_rate, has_queue, has_loss, has_delay, has_jitter;
};

struct sc_link {
	struct sc_loc loc;
	const char *name;	/* for the timeline; NULL: none */
	struct sc_strlist ends; /* two of "host.nic", "switch.port", a device */
	int preset;		/* enum sc_preset; applied by the loader */
	uint64_t rate;
	simtime_t delay;
	uint64_t queue;	  /* bytes, where the port is faster */
	uint64_t loss;	  /* ppb */
	simtime_t jitter; /* keeps the order */
	bool has_rate, has_delay, has_queue, has_loss, has_jitter;
	struct sc_back back; /* from the second end; complete */
	uint64_t port_rate;  /* of cards that give none; 0: the link's */
	struct sc_impair *impair;
	unsigned nimpair;
};

enum sc_switch_proto { SC_SWITCH_LACP, SC_SWITCH_STATIC };
#define SC_SWITCH_LAGG_PORTS 32

/* Ports of a switch that are one. */
struct sc_switch_lagg {
	struct sc_loc loc;
	int proto; /* enum sc_switch_proto */
	struct sc_strlist ports;
	bool lacp_fast_timeout;
};

struct sc_switch {
	struct sc_loc loc;
	struct sc_strlist ports; /* names */
	uint64_t rate;		 /* of each port; 0: its link's */
	simtime_t latency;
	uint64_t queue; /* bytes in front of each port */
	struct sc_switch_lagg *laggs;
	unsigned nlaggs;
};

/* An application that misbehaves: one of its records is wrong. */
struct sc_spoil {
	struct sc_loc loc;
	bool present;
	uint64_t record; /* of its application data, from 0 */
	int how;	 /* enum tls_spoil - 1 */
};

struct sc_tls {
	struct sc_loc loc;
	bool present;
	int version; /* enum sc_tls_version */
	int least;   /* server: the lowest it takes */
	bool has_least;
	int suite;     /* index in sc_suite_names */
	int tx, rx;    /* enum tls_place */
	int handshake; /* enum tls_handshake */
	struct sc_spoil spoil;
	int stack; /* enum sc_stack */
};
enum sc_stack { SC_STACK_SOCKET, SC_STACK_NODE };
enum sc_tls_version { SC_TLS_10, SC_TLS_11, SC_TLS_12, SC_TLS_13 };
extern const char *const sc_suite_names[];
/* By index in sc_suite_names: the versions that have it, both included. */
extern const struct sc_suite_range {
	enum sc_tls_version first, last;
} sc_suite_ranges[];
extern const char *const sc_crypto_names[]; /* NULL-terminated */

/* Of SO_MAX_PACING_RATE: 2^32 - 1 bytes per second, in bits. */
#define SC_PACING_MAX 34359738360ULL

enum sc_app_type {
	SC_APP_HTTPS_SERVER,
	SC_APP_HTTPS_CLIENT,
	SC_APP_IPERF_SERVER,
	SC_APP_IPERF_CLIENT,
	SC_APP_NFS_SERVER,
	SC_APP_NFS_CLIENT,
	SC_APP_OPENSSL_SERVER,
	SC_APP_OPENSSL_CLIENT,
	SC_APP_HTTPS_LOAD,
	SC_APP_OWN_SERVER,
	SC_APP_OWN_CLIENT
};
static inline bool
sc_app_is_client(int type)
{
	return (type == SC_APP_HTTPS_CLIENT || type == SC_APP_IPERF_CLIENT ||
	    type == SC_APP_NFS_CLIENT || type == SC_APP_OPENSSL_CLIENT ||
	    type == SC_APP_HTTPS_LOAD || type == SC_APP_OWN_CLIENT);
}
/* The type of server that a client of this one asks. */
static inline int
sc_app_server_type(int client)
{
	return (client == SC_APP_HTTPS_LOAD ? SC_APP_HTTPS_SERVER : client - 1);
}

/* Of an iperf client: who sends. */
enum sc_direction { SC_SEND, SC_RECEIVE, SC_BOTH };
#define SC_OWN_CONNS	   64	 /* of an own-client: a process each */
#define SC_IPERF_INTERVALS 10000 /* of one report */

/* NFS: what is done when TLS cannot be had in the kernel; its daemon; what is
 * wrong with a client's record marks. */
enum sc_fallback { SC_REFUSE, SC_BY_DAEMON, SC_IN_CLEAR };
enum sc_dies { SC_DIES_NEVER, SC_DIES_IN_HANDSHAKE, SC_DIES_MOUNTED };
enum sc_marks { SC_MARKS_RIGHT, SC_MARKS_TOO_LONG, SC_MARKS_EMPTY };
struct sc_daemon {
	struct sc_loc loc;
	bool present;
	bool absent;
	simtime_t delay;   /* from an upcall until it comes to it */
	int dies;	   /* enum sc_dies */
	simtime_t timeout; /* of the kernel's upcalls */
};
/* What an OpenSSL program calls, in the order of its list. */
enum sc_call_kind {
	SC_CALL_WRITE,	  /* SSL_write: it returns when all is written */
	SC_CALL_WRITE_EX, /* SSL_write_ex with partial writes */
	SC_CALL_SENDFILE, /* SSL_sendfile */
	SC_CALL_READ,
	SC_CALL_KEY_UPDATE,
	SC_CALL_RENEGOTIATE,
	SC_CALL_TAKE_BACK, /* getsockopt for the keys' state */
	SC_CALL_PAUSE,
	SC_CALL_SHUTDOWN
};
extern const char *const sc_call_names[];
struct sc_call {
	struct sc_loc loc;
	int call;	/* enum sc_call_kind */
	uint64_t bytes; /* read: 0, to the end; sendfile: 0, to the end */
	uint64_t size;	/* of each call at most */
	const char *file;
	uint64_t offset;
	simtime_t time;
	bool request; /* key_update: the peer is to do it too */
};

struct sc_app {
	struct sc_loc loc;
	int type;
	const char *host;
	uint64_t port; /* server: listens */
	uint64_t backlog;
	const char *server; /* client: name of the server app */
	int family;	    /* 0 IPv4, 1 IPv6 */
	const char *path;
	const char *upload;   /* client: sent by PUT, instead of path */
	uint64_t connections; /* client */
	uint64_t requests;    /* client: of each connection */
	simtime_t start;
	simtime_t interval;	 /* between the connections' starts */
	uint64_t sndbuf, rcvbuf; /* 0: the kernel's */
	uint64_t pacing_rate;	 /* bits/s; 0: none */
	uint64_t read_rate;	 /* client: bits/s; 0: as fast as it can */
	uint64_t abort_after;	 /* client: body bytes; 0: never */
	int misreads;		 /* enum sc_misreads */
	int header;		 /* server: 0 by write, 1 with sendfile */
	/* iperf-client */
	int direction;	    /* enum sc_direction */
	simtime_t duration; /* 0: by bytes */
	uint64_t bytes;	    /* of each stream and direction; 0: by time */
	uint64_t block;	    /* of each write */
	simtime_t report_every;
	bool zerocopy;	       /* by sendfile */
	uint64_t empty_writes; /* server: of no bytes, before each header */
	/* openssl-* */
	struct sc_call *calls;
	unsigned ncalls;
	int key_update; /* enum tls_key_update */
	bool resume;	/* client */
	/* https-server */
	struct sc_kqueue {
		struct sc_loc loc;
		bool present;
		uint64_t batch; /* events that one kevent may return */
		simtime_t cost; /* of serving one, in its thread */
	} kqueue;
	/* https-load; shares are parts per billion */
	uint64_t arrivals, pipeline;
	const char *zipf;  /* as written ... */
	uint64_t zipf_ppb; /* ... and what it comes to */
	simtime_t think;
	uint64_t ranges, slow_readers, aborts, half_closes, oversized,
	    early_data, tls12;
	struct sc_tls tls;
	/* nfs */
	struct sc_daemon daemon;
	int fallback;	      /* enum sc_fallback */
	bool require_tls;     /* server */
	uint64_t rsize;	      /* client: bytes of a READ or WRITE */
	uint64_t readahead;   /* client: calls under way besides the first */
	uint64_t fragment;    /* of RPC records; 0: one for all */
	uint64_t alert_every; /* RPC records; 0: never */
	int marks;	      /* client: enum sc_marks */
	bool half_close;      /* client: its end, before the last reply */
	/* own */
	struct sc_strlist program; /* a file beside, and its arguments */
};

enum sc_action {
	SC_DO_LINK_DOWN,
	SC_DO_LINK_UP,
	SC_DO_LOSS,
	SC_DO_SYSCTL,
	SC_DO_SWITCH_TLS,
	SC_DO_FRAGMENT,
	SC_DO_DEFRAGMENT,
	SC_DO_LINK_SUSPEND,
	SC_DO_LINK_RESUME,
	SC_DO_RATE,
	SC_DO_DELAY,
	SC_DO_QUEUE,
	SC_DO_IMPAIR,
	SC_DO_CARD,
	SC_DO_PACING,
	SC_DO_IFCONFIG,
	SC_DO_ROUTE,
	SC_DO_DISK,
	SC_DO_WORKERS,
	SC_DO_COMPLETION,
	SC_DO_FAIL_ALLOC,
	SC_DO_BEHAVE,
	SC_DO_ABORT
};

/* How an application takes a sendfile that came to EAGAIN. */
enum sc_misreads {
	SC_MISREADS_NOTHING,
	SC_MISREADS_PARTIAL, /* as if it had sent nothing, once */
	SC_MISREADS_EAGAIN   /* as the file's end */
};

/* A word of ifconfig(8) with its argument. */
enum sc_ifc_word {
	SC_IFC_UP,
	SC_IFC_DOWN,
	SC_IFC_CAP, /* ic_name, or without (ic_minus) */
	SC_IFC_MTU,
	SC_IFC_LAGGPROTO,
	SC_IFC_LAGGPORT, /* ic_minus: leaves */
	SC_IFC_LAGGHASH,
	SC_IFC_LAGGOPT, /* ic_name, or not */
	SC_IFC_FLOWID_SHIFT,
	SC_IFC_RR_LIMIT,
	SC_IFC_VLAN,	/* ic_number on ic_arg */
	SC_IFC_NO_VLAN, /* from its parent */
	SC_IFC_ADDR	/* ic_family, ic_addr, ic_plen; ic_minus: goes */
};
struct sc_ifconfig {
	int ic_word;
	bool ic_minus;
	const char *ic_name;
	const char *ic_arg;
	uint64_t ic_number;
	int ic_family, ic_plen;
	struct in_any ic_addr;
};

/* A line of route(8). */
enum sc_route_verb { SC_ROUTE_ADD, SC_ROUTE_DELETE, SC_ROUTE_CHANGE };
struct sc_route {
	int rc_verb;
	int rc_family, rc_plen;
	struct in_any rc_dst, rc_gw; /* gw zero: by the interface itself */
	const char *rc_ifname;	     /* NULL: that by which gw is reached */
};

/* What a step waits for, instead of an instant. */
enum sc_when_kind {
	SC_WHEN_RECORD,
	SC_WHEN_COUNTER,
	SC_WHEN_STATE,
	SC_WHEN_DELIVERED
};
enum sc_when_fate { SC_FATE_SENT, SC_FATE_DELIVERED, SC_FATE_LOST };
enum sc_when_cmp { SC_LT, SC_LE, SC_EQ, SC_NE, SC_GE, SC_GT };
struct sc_when {
	int kind;
	/* A flow by its number in the order of SYNs, or a connection. */
	unsigned flow;	     /* from 1; 0: app and connection say it */
	const char *app;     /* or the application of SC_WHEN_DELIVERED */
	unsigned connection; /* of app, from 0 */
	uint64_t record;     /* from 0 */
	bool any_record;     /* `*` */
	uint64_t segment;    /* from 1; 0: all of the record */
	int side;	     /* SC_SIDE_SERVER or SC_SIDE_CLIENT */
	int fate;
	const char *host, *counter;
	int cmp;
	uint64_t value;
	int state; /* index of sc_tcp_states */
};
extern const char *const sc_tcp_states[];   /* NULL-terminated */
extern const char *const sc_order_names[];  /* by enum nic_order */
extern const char *const sc_action_names[]; /* by enum sc_action */

struct sc_step {
	struct sc_loc loc;
	simtime_t at;
	const char *when;    /* text; NULL: at */
	struct sc_when cond; /* parsed, if there is one */
	simtime_t after;     /* from the condition to the step */
	simtime_t every;     /* at: again and again; 0: once */
	uint64_t times;	     /* at most; 0: always */
	bool must;	     /* it is a claim that it happens */
	int action;
	const char *on; /* link, "host.nic", host, or an application */
	uint64_t rate, queue;
	simtime_t delay;
	const char *node; /* impair: of the link's stack */
	bool enabled;
	struct sc_impair set; /* impair: new values */
	bool has_at, has_after, has_times, has_must, has_every;
	bool has_rate, has_queue, has_delay, has_enabled, has_set;
	uint64_t loss;	  /* ppb */
	const char *name; /* sysctl */
	struct sc_value value;
	int to;			 /* switch_tls: 0 sw, 1 ifnet */
	uint64_t connection;	 /* switch_tls, pacing: only this one */
	const char *peer;	 /* switch_tls: only those to this address */
	bool list;		 /* switch_tls: only tell */
	const char *args;	 /* ifconfig, route */
	struct sc_ifconfig *ifc; /* args of ifconfig, parsed */
	unsigned nifc;
	struct sc_route route;	   /* args of route */
	int order;		   /* card: enum nic_order */
	simtime_t time;		   /* card: for so long */
	uint64_t count;		   /* card, fail_alloc */
	simtime_t latency, jitter; /* disk */
	bool disk_error;	   /* disk: EIO */
	uint64_t worker;	   /* workers: only this one */
	int completion;		   /* enum sc_completion */
	const char *zone;	   /* fail_alloc */
	uint64_t nth;		   /* fail_alloc, from 1 */
	int misreads;		   /* behave: enum sc_misreads */
	bool has_latency, has_jitter, has_disk_error, has_worker,
	    has_completion, has_nth, has_misreads;
	bool has_order, has_time, has_count;
	bool has_loss, has_value, has_to, has_connection, has_list;
};

enum sc_cmp { SC_CMP_NONE, SC_CMP_IS, SC_CMP_MIN, SC_CMP_MAX };

/* One claim; exactly one of the kinds is set. */
enum sc_expect_kind {
	SC_EXP_DELIVERED,
	SC_EXP_COUNTER,
	SC_EXP_MODE,
	SC_EXP_TIME,
	SC_EXP_ERROR,
	SC_EXP_TCP_INFO,
	SC_EXP_EVENT,
	SC_EXP_ORDER,
	SC_EXP_DROPS,
	SC_EXP_FRAMES,
	SC_EXP_GAP,
	SC_EXP_REPORT,
	SC_EXP_KINDS
};
extern const char *const sc_expect_names[SC_EXP_KINDS];

/* What an argument of a trace point has to be. */
enum sc_match_kind { SC_MATCH_TEXT, SC_MATCH_NUMBER, SC_MATCH_ERRNO };
struct sc_match {
	unsigned arg; /* of the point */
	int kind;
	const char *glob; /* text */
	int cmp;	  /* enum sc_when_cmp */
	int64_t number;
};

/* Which trace records are meant. */
struct sc_event {
	struct sc_loc loc;
	const char *name;      /* of the point */
	const char *host;      /* NULL: any */
	struct sc_knob *where; /* argument: what it is, as written */
	unsigned nwhere;
	int point;		/* enum trace_id; parsed by the checks, as is */
	struct sc_match *match; /* nwhere of them */
};
/* What a claim says of a number. */
struct sc_bounds {
	uint64_t is, min, max;
	bool has_is, has_min, has_max;
};

struct sc_expect {
	struct sc_loc loc;
	int kind;	  /* set by the checks */
	const char *name; /* NULL */
	struct sc_exp_delivered {
		struct sc_loc loc;
		const char *app; /* the client */
		struct sc_bounds bounds;
		simtime_t at;
		bool has_at;
	} delivered;
	struct sc_exp_counter {
		struct sc_loc loc;
		const char *host, *name;
		struct sc_bounds bounds;
		simtime_t at;
		bool has_at;
	} counter;
	struct sc_exp_mode {
		struct sc_loc loc;
		const char *app;
		int dir; /* 0 tx, 1 rx */
		int is;	 /* TCP_TLS_MODE_* */
		uint64_t connection;
		bool has_connection;
		simtime_t at;
		bool has_at;
	} mode;
	struct sc_exp_time {
		struct sc_loc loc;
		const char *app;
		simtime_t is, min, max; /* when its last connection is done */
		bool has_is, has_min, has_max;
	} time;
	struct sc_exp_error {
		struct sc_loc loc;
		const char *app;
		const char *is; /* errno's name */
		uint64_t connection;
		bool has_connection;
	} error;
	struct sc_exp_tcp_info {
		struct sc_loc loc;
		const char *app, *field;
		struct sc_bounds bounds;
		uint64_t connection;
		bool has_connection;
		simtime_t at;
		bool has_at;
	} tcp_info;
	struct sc_exp_event {
		struct sc_loc loc;
		struct sc_event event;
		struct sc_bounds bounds;
		simtime_t after, before;
		bool has_before;
	} event;
	struct sc_exp_order {
		struct sc_loc loc;
		struct sc_event *events;
		unsigned nevents;
	} order;
	struct sc_exp_drops {
		struct sc_loc loc;
		const char *reason, *where; /* globs; NULL: any */
		struct sc_bounds bounds;
	} drops;
	struct sc_exp_frames {
		struct sc_loc loc;
		const char *filter;  /* pcap-filter(7); NULL: all */
		const char *comment; /* glob; NULL: any */
		struct sc_bounds bounds;
	} frames;
	struct sc_exp_gap {
		struct sc_loc loc;
		const char *app;
		simtime_t min, max;
		bool has_min, has_max;
	} gap;
	struct sc_exp_report {
		struct sc_loc loc;
		const char *path;
		struct sc_bounds bounds;
	} report;
};

/* Words that a parameter may be, by its name. */
struct sc_axis {
	struct sc_loc loc; /* name: the parameter */
	struct sc_strlist values;
};
/* A cell, or several, of the matrix. */
struct sc_cell {
	struct sc_loc loc;
	struct sc_axis *axes;
	unsigned naxes;
};
struct sc_matrix {
	struct sc_loc loc;
	struct sc_axis *axes;
	unsigned naxes;
	uint64_t strength; /* 0: every combination */
	struct sc_cell *exclude;
	unsigned nexclude;
	/* That leaves out the cell of the values that are put in here; NULL. */
	const struct sc_cell *left_out;
};

/* The scenario reproduces a bug that there was. */
struct sc_exhibit {
	struct sc_loc loc;
	bool present;
	const char *id;	   /* "M05" */
	const char *title; /* the bug in some words */
	struct sc_strlist links;
	struct sc_strlist defects;
	const char *caught_by; /* "invariant 6", "claim NAME" */
};

struct sc_capture {
	struct sc_loc loc;
	bool wire;
	bool pcap;
	bool dma;	    /* of every card */
	bool ports;	    /* of every link */
	bool timeline;	    /* the picture */
	bool html;	    /* report.html */
	simtime_t tcp_info; /* 0: none */
};

struct sc_checks {
	struct sc_loc loc;
	bool records; /* the record oracle: invariants 2 and 3 */
};

struct scenario {
	struct sc_loc loc;
	char *path;	 /* as given */
	uint64_t format; /* ktls_sim: 1 */
	const char *name, *description;
	uint64_t seed;
	simtime_t until;
	bool has_until; /* given */
	uint64_t epoch; /* seconds since 1970 of virtual time 0 */
	struct sc_host *hosts;
	unsigned nhosts;
	struct sc_switch *switches;
	unsigned nswitches;
	struct sc_link *links;
	unsigned nlinks;
	struct sc_app *apps;
	unsigned napps;
	struct sc_step *timeline;
	unsigned nsteps;
	struct sc_expect *expect;
	unsigned nexpect;
	struct sc_capture capture;
	struct sc_checks checks;
	struct sc_strlist tags;
	struct sc_matrix matrix;
	uint64_t repeat; /* seeds of each cell */
	struct sc_exhibit exhibit;
	char *text; /* the file */
	size_t textlen;
	struct sc_source source; /* the same */
	/*
	 * The file as processed, for scenario.yaml: it says the same on its
	 * own. The file itself, unless it includes, has defaults, parameters
	 * or a matrix, or something was set.
	 */
	const char *processed;
	const char *const *sets; /* the caller's, to quote them */
	void *arena;		 /* the loader's */
	bool remainder;		 /* scenario_remainder made it */
};

/*
 * Read and check a file ("-": standard input), with `sets` ("seed=7",
 * "apps.get.connections=3", "links[0].loss=1%"; NULL-terminated, may be NULL)
 * put over what it says. Problems are appended to diag as "file:line:col:
 * error: ..." with the source line and a caret ("--set X: error: ..." for a
 * set, so they must outlive the scenario); returns 0, or EINVAL when there were
 * problems, or the errno of opening the file.
 */
int scenario_load(const char *path, const char *const *sets, struct scenario **,
    struct strbuf *diag);
/*
 * Of a file that scenario_load refuses: what is left of it without the parts
 * (hosts, links, applications, steps, claims) that have mistakes, or name such a
 * part. Wrong values are replaced, for each `which` (2: the most, false; 3: the
 * default, true) by others: only what is true of both is true of the file.
 * ENOENT: too little is left.
 */
int scenario_remainder(const char *path, const char *const *sets,
    unsigned which, struct scenario **);
/* The same of a text that is there already, and is taken over. */
int scenario_remainder_parse(const char *path, struct strbuf *file,
    const char *const *sets, unsigned which, struct scenario **);
/* What `processed` of the scenario would be with this seed in it. EINVAL: a file
 * that it includes is no longer what it was. */
int scenario_with_seed(const struct scenario *, uint64_t seed,
    struct strbuf *yaml, struct strbuf *diag);
/* The same of a text that is there already, and is taken over. */
int scenario_parse(const char *path, struct strbuf *file,
    const char *const *sets, struct scenario **, struct strbuf *diag);
void scenario_free(struct scenario *);
/*
 * A file (a text) in canonical form; comments stay. 0; EINVAL: it is not YAML,
 * with the reason in diag; or the errno of opening it, told too.
 */
int scenario_format(const char *path, const struct strbuf *file,
    struct strbuf *out, struct strbuf *diag);
int scenario_read_format(const char *path, struct strbuf *file,
    struct strbuf *out, struct strbuf *diag);
/* A mistake that shows only when the scenario is built, told as the loader
 * tells its own: with the line, and the alias that put it there. */
void scenario_error(const struct scenario *, const struct sc_loc *,
    struct strbuf *diag, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/*
 * Where a text of the scenario stands (a word of a structure above, not of a
 * list), to say what is wrong with it.
 */
const struct sc_loc *scenario_text_at(const char *);
/* "host" or "host.interface" of the scenario; lo0 is everybody's. */
bool scenario_has_interface(const struct scenario *, const char *name);
/*
 * Words of ifconfig(8), parsed into the arena of a scenario. 0; EINVAL: why,
 * and the word where (static texts, or of the arena).
 */
int scenario_ifconfig(const char *text, void *arena, struct sc_ifconfig **,
    unsigned *n, const char **why, const char **where);
/* The same of route(8), without its name: "change 10.0.0.0/24 -interface x". */
int scenario_route(const char *text, void *arena, struct sc_route *,
    const char **why, const char **where);
/*
 * A link's end that is a device of this machine, "tap:NAME" or "veth:NAME":
 * NAME; NULL: it is a port, "host.nic".
 */
const char *scenario_device(const char *end);
/* It has such an end: only `ktls-sim live` runs it. */
bool scenario_is_live(const struct scenario *);

/* A step that was not in the file: an order to a scenario that runs. */
struct sc_order {
	struct sc_step step;
	void *arena; /* its texts */
};
/*
 * yaml is one item of a timeline as a flow map, "{at: 0s, do: link_down, on:
 * server.mce0}": read by the same table of keys, under the same rules. 0, or
 * EINVAL with the diagnostics in diag as scenario_load gives them, of a file
 * called "order".
 */
int scenario_order(const struct scenario *, const char *yaml,
    struct sc_order **, struct strbuf *diag);
void scenario_order_free(struct sc_order *);

/* The link that has this name, or an end of this name; NULL. */
const struct sc_link *scenario_link(const struct scenario *, const char *);
/* A switch's port, "sw.3": which switch, and which of its ports; NULL. */
const struct sc_switch *scenario_switch_port(const struct scenario *,
    const char *, unsigned *port);

/* --- the key table, for people --- */

/* The whole table as a reference page (Markdown). */
void keys_reference(struct strbuf *);
/* The same as a list of a manual page (mdoc). */
void keys_mdoc(struct strbuf *);
/* Every key as one writes it, NAME for names of one's own, with its text. */
void keys_paths(void (*fn)(void *arg, const char *path, const char *text),
    void *arg);
/* As a JSON Schema (draft-07): what the loader accepts is valid, where numbers
 * and booleans are YAML's, without quotes. */
void keys_schema(struct strbuf *);
/*
 * What is known of one key, by its path: "seed", "hosts.cpus",
 * "apps.tls.suite"; names in between (hosts.server.cpus) and list marks are
 * skipped. A key's bare name explains every key of that name. ENOENT.
 */
int keys_explain(const char *path, struct strbuf *);
/* Nearest known path or name to a misspelt one; NULL. Static storage. */
const char *keys_nearest(const char *path);

/* --- values --- */

/* "10.0.0.1/24", "fd00::1/64". EINVAL. */
int parse_cidr(const char *, int *family, struct in_any *, int *plen);
/* "10.0.0.2", "10.0.0.2:443", "fd00::2", "[fd00::2]:443"; without a port it
 * is 0. EINVAL. */
int parse_endpoint(const char *, struct ksockaddr *);
int parse_time(const char *, simtime_t *);	/* "10us", "5s". EINVAL. */
int parse_rate(const char *, uint64_t *);	/* "100Gbit/s" */
int parse_size(const char *, uint64_t *);	/* "8MiB", "1500B" */
int parse_percent(const char *, uint64_t *ppb); /* "0.5%" */
int parse_uint(const char *, uint64_t *);

/* Text of an address, of a time with a fitting unit, of a size. */
void format_addr(int family, const struct in_any *, struct strbuf *);
void format_time(simtime_t, struct strbuf *);
/* With all its digits: what is compared must not look equal. */
void format_time_exact(simtime_t, struct strbuf *);
void format_bytes(uint64_t, struct strbuf *);

#endif
