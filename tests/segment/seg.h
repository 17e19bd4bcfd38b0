/*
 * Segment-level tests of TCP, after packetdrill's idea: a script says what
 * comes in, what the program calls, and what must go out, at exact virtual
 * times. One simulated host with a plain card; the script is its peer.
 * docs/tcp.md describes the language.
 */
#ifndef SEG_H
#define SEG_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/tcp_var.h>
#include <ktsim/sim/engine.h>

#define SEG_MAXOPTS 12
#define SEG_ISS	    1000 /* of the host, unless the script says otherwise */
#define SEG_IRS	    5000 /* of the script */
#define SEG_MTU	    1500

enum seg_optkind { SO_MSS, SO_NOP, SO_WSCALE, SO_SACKOK, SO_TS, SO_SACK };

struct seg_opt {
	enum seg_optkind kind;
	uint32_t v[8]; /* value; TS: val, ecr; SACK: pairs */
	unsigned n;    /* of SACK: numbers in v */
	bool any[2];   /* "*": whatever stands there */
};

/* A segment; numbers as in scripts, relative to the sender's first one. */
struct seg_pkt {
	uint8_t flags; /* KTH_* */
	uint32_t seq, len, ack, win;
	uint8_t ecn; /* 0 none, 2 ECT(0), 3 CE */
	bool has_ack, has_win, has_opts, has_why;
	char why[32]; /* the stack's own note: "SACK", "RTO" ... */
	struct seg_opt opt[SEG_MAXOPTS];
	unsigned nopts;
};

struct seg_sent { /* what the host sent and no line has claimed yet */
	struct seg_sent *next;
	simtime_t when;
	struct seg_pkt p;
};

struct seg_host {
	struct ifnet ifn; /* first */
	struct engine *eng;
	struct jobpool *jobs;
	struct timebase *tb;
	struct vnet *v;
	int family;
	uint32_t iss, mss; /* $MSS: what the MTU leaves */
	struct socket *lso, *so;
	uint16_t lport, fport;
	struct seg_sent *sent, **sent_tail;
	struct sim_event tick;
	uint64_t to_write, written; /* by the program, as room allows */
	int refuse;		    /* next packets refused, ENOBUFS */
	uint32_t ip_id_len;	    /* of the last frame: IP length */
	struct mbuf *notready;	    /* being encrypted */
	struct strbuf log;	    /* every packet, for messages */
};

/* --- seg_text.c: notation and back --- */

/*
 * "S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 6>" and so on. False: err
 * says what is wrong. $MSS stands for h->mss, $H for the headers' length.
 */
bool seg_parse(const struct seg_host *, const char *text, struct seg_pkt *,
    struct strbuf *err);
/* Round trip of seg_parse; only what `like` mentions, NULL: all. */
void seg_print(const struct seg_pkt *, const struct seg_pkt *like,
    struct strbuf *);
/* Does what was sent match, as far as `want` says? */
bool seg_match(const struct seg_pkt *want, const struct seg_pkt *got);

/* --- seg_host.c --- */

void seg_host_init(struct seg_host *, int family, uint32_t mtu, bool tso);
/* Ends everything; false: something leaked, text in err. */
bool seg_host_fini(struct seg_host *, struct strbuf *err);
/* The connection, also one that was not accepted yet; NULL. */
struct tcpcb *seg_tcpcb(const struct seg_host *);
void seg_run_until(struct seg_host *, simtime_t);
void seg_inject(struct seg_host *, const struct seg_pkt *);
/* ICMP about a segment in flight at seq; mtu 0: port unreachable. */
void seg_icmp(struct seg_host *, uint32_t seq, uint32_t mtu);
void seg_echo(struct seg_host *, uint32_t len);

/* --- seg_cmd.c --- */

/* A line that is no packet. False: failed, err says how. */
bool seg_command(struct seg_host *, char *line, struct strbuf *err);
/* Before the host is: `mtu 9000`, `tso`, `iss N`. False: not of these. */
struct seg_setup {
	uint32_t mtu, iss;
	bool tso;
};
bool seg_setup_line(struct seg_setup *, const char *line);

#endif
