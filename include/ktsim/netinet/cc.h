/*
 * Congestion control: a table of modules. TCP tells a module what happened
 * (bytes acknowledged, a loss, a mark, a timeout, a timeout that was a mistake,
 * the end of a recovery, idleness); the module answers by setting snd_cwnd and
 * snd_ssthresh of the control block. When a recovery begins and ends, and
 * what is sent in it, is TCP's business (tcp_recovery.c).
 *
 * The host's default is net.inet.tcp.cc.algorithm; a socket chooses by
 * TCP_CONGESTION. A new module is one file and a line in cc.c.
 *
 * Source: netinet/cc/cc.h, tcp_input.c (cc_ack_received, cc_cong_signal ...).
 */
#ifndef KTSIM_NETINET_CC_H
#define KTSIM_NETINET_CC_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/simtime.h>

struct tcpcb;

enum cc_signal {
	CC_NDUPACK, /* duplicate ACKs or SACK say: a segment was lost */
	CC_ECN,	    /* the peer echoes a mark */
	CC_RTO,	    /* the retransmission timer fired */
	CC_RTO_ERR  /* ... and had no reason to */
};

/* CUBIC's, RFC 9438 section 4.1.2; bytes unless said otherwise. */
struct cubic_data {
	bool cu_congested;  /* had a loss or a mark before */
	bool cu_in_ca;	    /* an epoch of congestion avoidance runs */
	bool cu_after_rto;  /* slow start behind a timeout */
	uint32_t cu_w_max;  /* window before the latest reduction */
	uint32_t cu_prior;  /* cwnd_prior */
	uint64_t cu_w_est;  /* what Reno would have; 1/1024 bytes */
	uint64_t cu_k_us;   /* from the epoch's start until w_max */
	simtime_t cu_epoch; /* its start */
};
struct cubic_state {
	struct cubic_data now, before_rto;
};

union cc_data {
	struct cubic_state cubic;
};

struct cc_algo {
	const char *name; /* "cubic" */
	const char *text; /* one line for people */
	/* Chosen for a connection, or the connection is established (the
	 * initial window is set already). */
	void (*conn_init)(struct tcpcb *);
	/*
	 * acked bytes were acknowledged, outside of any recovery, while the
	 * window was in use. Not called otherwise, so that a window that is
	 * not used does not grow; app_limited says that instead.
	 */
	void (*ack_received)(struct tcpcb *, uint32_t acked);
	void (*app_limited)(struct tcpcb *); /* NULL: does not matter */
	/*
	 * CC_NDUPACK and CC_ECN: set snd_ssthresh, for a mark snd_cwnd too.
	 * CC_RTO: both. CC_RTO_ERR: TCP has restored both. Called once per
	 * recovery (TCP holds it back during one).
	 */
	void (*cong_signal)(struct tcpcb *, enum cc_signal);
	/* Out of recovery: snd_cwnd for what is in flight now. */
	void (*post_recovery)(struct tcpcb *);
	void (*after_idle)(struct tcpcb *);
};

/* In order of the sysctl's values; NULL-terminated. */
extern const struct cc_algo *const cc_algos[];
extern const struct cc_algo cc_newreno, cc_cubic;
/* NULL: there is none of this name. */
const struct cc_algo *cc_find(const char *name);

/* --- what TCP calls --- */

/* The connection gets this module, and its state. */
void cc_choose(struct tcpcb *, const struct cc_algo *);
/* Established: initial window (RFC 6928; one segment if the SYN was lost). */
void cc_conn_init(struct tcpcb *);
void cc_ack_received(struct tcpcb *, uint32_t acked);
void cc_cong_signal(struct tcpcb *, enum cc_signal);
void cc_post_recovery(struct tcpcb *);
void cc_after_idle(struct tcpcb *);

#endif
