/* What the files of TCP share among themselves. */
#ifndef KTSIM_SRC_TCP_PRIVATE_H
#define KTSIM_SRC_TCP_PRIVATE_H

#include <ktsim/kern/socketvar.h>
#include <ktsim/netinet/tcp.h>

#include "inet_private.h"

/* --- options of one segment --- */
#define TOF_MSS		0x01
#define TOF_SCALE	0x02
#define TOF_TS		0x04
#define TOF_SACKPERM	0x08
#define TOF_SACK	0x10

#define TCP_MAX_SACK	4 /* that an option can hold */
#define TCP_REXMTTHRESH 3

struct tcpopt {
	uint32_t to_flags;
	uint16_t to_mss;
	uint8_t to_wscale;
	uint32_t to_tsval, to_tsecr;
	unsigned to_nsacks;
	struct tcp_range to_sacks[TCP_MAX_SACK];
};

/* --- a received segment, parsed; m holds the payload alone --- */
struct tcp_seg {
	struct vnet *ts_vnet;
	struct mbuf *ts_m; /* NULL once consumed */
	struct ksockaddr ts_laddr, ts_faddr;
	uint32_t ts_seq, ts_ack;
	uint32_t ts_len;  /* payload bytes */
	uint32_t ts_win;  /* as in the header; scaled later */
	uint8_t ts_flags; /* KTH_* */
	uint8_t ts_tos;	  /* of the IP header, ECN in the low two bits */
	bool ts_output;	  /* tcp_output is wanted afterwards */
	struct tcpopt ts_opt;
	const char *ts_why; /* of the verdict below */
};

/* What is to happen with a segment after one stage of its processing. */
enum tcp_verdict {
	TV_GO,	 /* next stage */
	TV_DONE, /* processed; maybe output */
	TV_DROP, /* forget it */
	TV_ACK,	 /* forget it and acknowledge what we have */
	TV_RST	 /* forget it and answer with a reset */
};

struct tcp_reass_seg { /* out of order; kept sorted, not overlapping */
	struct tcp_reass_seg *rs_next;
	struct mbuf *rs_m, *rs_last;
	uint32_t rs_seq, rs_len;
	bool rs_fin;
};

/* --- one packet to send --- */
struct tcp_xmit {
	struct tcpcb *tx_tp;
	struct socket *tx_so;
	uint32_t tx_off; /* of the send buffer */
	uint32_t tx_len;
	uint32_t tx_sendwin, tx_recwin;
	uint32_t tx_seq;
	uint8_t tx_flags; /* KTH_* */
	uint8_t tx_optlen;
	bool tx_idle, tx_tso, tx_sendalot;
	bool tx_rexmit;		  /* begins below snd_max */
	bool tx_ect;		  /* marked as ECN capable */
	struct sackhole *tx_hole; /* these bytes of it are sent again */
	const char *tx_why;	  /* for the packet's note */
	uint8_t tx_opt[TCP_MAXOLEN];
};

static inline struct tcp_tunables *
tcp_tune(const struct tcpcb *tp)
{
	return (&tp->t_inpcb->inp_vnet->v_inet->is_tune);
}

static inline struct tcp_stats *
tcp_stats_rw(const struct tcpcb *tp)
{
	return (&tp->t_inpcb->inp_vnet->v_inet->is_tcp);
}

static inline simtime_t
tcp_now(const struct tcpcb *tp)
{
	return (timebase_now(tp->t_inpcb->inp_vnet->v_tb));
}

/* The clock of timestamps: milliseconds. */
static inline uint32_t
tcp_ts_now(const struct tcpcb *tp)
{
	return ((uint32_t)(tcp_now(tp) / SIM_MS));
}

/* What a full segment carries: the timestamp option takes its share. */
static inline uint32_t
tcp_maxseg(const struct tcpcb *tp)
{
	return (tp->t_maxseg - ((tp->t_flags & TF_RCVD_TSTMP) != 0 ? 12 : 0));
}

static inline struct tracer *
tcp_tracer(const struct tcpcb *tp)
{
	return (&tp->t_inpcb->inp_vnet->v_tracer);
}

#define TCPS_HAVERCVDSYN(s)	((s) >= TCPS_SYN_RECEIVED)
#define TCPS_HAVEESTABLISHED(s) ((s) >= TCPS_ESTABLISHED)
#define TCPS_HAVERCVDFIN(s)                               \
	((s) == TCPS_CLOSE_WAIT || (s) == TCPS_CLOSING || \
	    (s) == TCPS_LAST_ACK || (s) == TCPS_TIME_WAIT)

/* --- tcp_subr --- */
/*
 * A packet without payload for nobody's connection: resets. Addresses as of
 * the sender.
 */
void tcp_respond(struct vnet *, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr, uint32_t seq, uint32_t ack, uint8_t flags,
    uint32_t conn);
/* An ACK out of turn at seq, with the connection's window and timestamps. */
void tcp_respond_probe(struct tcpcb *, uint32_t seq);
/* Answer a segment that has no connection (RFC 9293, 3.10.7.1). */
void tcp_respond_rst(const struct tcp_seg *, uint32_t conn);
/* Initial sequence numbers, timers' start: a connection is being made. */
void tcp_connecting(struct tcpcb *, enum tcp_state);
/* The ends are known: the next output is a SYN. tcp_usrreq.c */
void tcp_open(struct tcpcb *);
/* MSS from the route and the peer's offer (0: none came); TSO. */
void tcp_mss(struct tcpcb *, uint32_t offer);
/* The largest segment we could take by this route. */
uint32_t tcp_maxseg_route(struct tcpcb *);
/* What the route's interface can do now. */
void tcp_update_tso(struct tcpcb *);
/* The user will send no more: the state's FIN transition. */
void tcp_usrclosed(struct tcpcb *);
void tcp_established(struct tcpcb *);
void tcp_twstart(struct tcpcb *);
/* A header in m at p; returns its length. Source and ports from laddr... */
uint32_t tcp_fill_iphdr(uint8_t *p, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr, uint32_t tcplen);

/* --- tcp_listen --- */
/* A new connection of a listener, as it takes after it; no state yet. */
struct tcpcb *tcp_inherit(struct tcpcb *listener, struct socket *,
    const struct ksockaddr *laddr, const struct ksockaddr *faddr,
    uint8_t numa_domain);

/* --- tcp_options --- */
void tcp_parse_options(struct tcpopt *, const uint8_t *p, uint32_t len,
    bool syn);
/* Fills tx_opt, tx_optlen. */
void tcp_add_options(struct tcp_xmit *);
/* Options of a SYN: what both can do. */
void tcp_negotiate(struct tcpcb *, const struct tcp_seg *);

/* --- tcp_input and the stages --- */
void tcp_trace_discard(struct tcpcb *, const struct tcp_seg *);
void tcp_listen_input(struct tcpcb *listener, struct tcp_seg *);
enum tcp_verdict tcp_synsent_input(struct tcpcb *, struct tcp_seg *);
enum tcp_verdict tcp_segment_input(struct tcpcb *, struct tcp_seg *);
enum tcp_verdict tcp_ack_input(struct tcpcb *, struct tcp_seg *);
void tcp_xmit_timer(struct tcpcb *, simtime_t rtt);

/* --- tcp_reass --- */
/*
 * Keep an out-of-order segment, or fill the gap with it. Takes ts_m. True:
 * rcv_nxt moved and so_rcv grew (or FIN became next: *fin).
 */
bool tcp_reass(struct tcpcb *, struct tcp_seg *, bool *fin);
void tcp_reass_flush(struct tcpcb *);
/* Up to max blocks: a duplicate to report, then the one that holds the latest
 * segment. */
unsigned tcp_reass_sack(const struct tcpcb *, struct tcp_range *, unsigned max);

/* --- tcp_sack --- */
/* What an ACK changed: the more, the greater. */
enum sackstatus {
	SACK_NOCHANGE,
	SACK_CHANGE, /* more bytes are there */
	SACK_NEWLOSS /* ... and between them a hole that was not known */
};
/*
 * The ACK, before snd_una moves: cumulative part and blocks go into the
 * scoreboard, the sums are counted. An ACK without blocks is SACK_NOCHANGE
 * whatever it moved.
 */
enum sackstatus tcp_sack_doack(struct tcpcb *, const struct tcpopt *,
    uint32_t ack);
void tcp_free_sackholes(struct tcpcb *);
/* All holes count as not sent again (a timeout). */
void tcp_resend_sackholes(struct tcpcb *);
/* The hole from whose rxmit on bytes are to be sent again; NULL: none. */
struct sackhole *tcp_sack_output(const struct tcpcb *);
/* len bytes of the hole from its rxmit on were handed down, or taken back. */
void tcp_sack_sent(struct tcpcb *, struct sackhole *, uint32_t len);
void tcp_sack_unsent(struct tcpcb *, struct sackhole *, uint32_t len);
/* Behind a timeout: snd_nxt jumps over what the peer has. */
void tcp_sack_adjust(struct tcpcb *);
/* How many bytes from seq on the peer has not; to snd_max behind all holes. */
uint32_t tcp_sack_unsacked(const struct tcpcb *, uint32_t seq);
/* The first hole, sent again, was lost once more; it and others like it will
 * be sent again. False: not so. */
bool tcp_sack_lost_retransmission(struct tcpcb *);
/* Bytes in flight, RFC 6675. */
uint32_t tcp_compute_pipe(const struct tcpcb *);

/* --- tcp_recovery --- */
/* An ACK of nothing new. May send. */
void tcp_dupack(struct tcpcb *, struct tcp_seg *, enum sackstatus);
/* After the scoreboard changed: was something lost that was sent again? */
void tcp_lost_again(struct tcpcb *);
/* snd_una has moved by acked: partial or full end of a recovery, or the
 * beginning of one. May send. */
void tcp_recovery_ack(struct tcpcb *, struct tcp_seg *, uint32_t acked,
    enum sackstatus);

/* --- cc --- */
extern const char *const cc_names[]; /* as cc_algos; NULL-terminated */
#define CC_DEFAULT 1		     /* cubic */
uint32_t tcp_compute_initwnd(const struct tcpcb *);
/* What modules share. */
void newreno_slow_start(struct tcpcb *, uint32_t acked);
void newreno_post_recovery(struct tcpcb *);
void newreno_after_idle(struct tcpcb *);

/* --- tcp_ecn, RFC 3168 --- */
/* A SYN has come to a listener, or to us; the answer to ours has. */
void tcp_ecn_input_syn(struct tcpcb *, const struct tcp_seg *);
void tcp_ecn_input_synack(struct tcpcb *, const struct tcp_seg *);
/* Marks and echoes of a segment that is acceptable. */
void tcp_ecn_input(struct tcpcb *, const struct tcp_seg *);
/* Flags and tx_ect of the packet that is about to be built. */
void tcp_ecn_output(struct tcp_xmit *);

/* --- tcp_keepalive --- */
void tcp_keep_start(struct tcpcb *); /* established */
void tcp_keep_expired(struct tcpcb *);
/*
 * An ACK that answers what an attacker may have sent: net.inet.tcp.ack_war_cnt
 * per ack_war_timewindow (RFC 5961, section 7). False: no more for now.
 */
bool tcp_challenge_ack(struct tcpcb *);

/* --- tcp_send --- */
/* Build and hand down what was measured. 0, also when a refusal was dealt with
 * (tx_sendalot: try again at once), else an errno. */
int tcp_send(struct tcp_xmit *);

/* --- tcp_segment --- */
/*
 * Build the packet. May shorten tx_len (session boundary, segment count), then
 * tx_sendalot is set and the FIN goes. NULL: no memory.
 */
struct mbuf *tcp_build(struct tcp_xmit *);

/* --- tcp_timer --- */
void tcp_timer_init(struct tcpcb *);
void tcp_timer_stop(struct tcpcb *);
void tcp_setpersist(struct tcpcb *);
/* Retransmission timeout from the round trip estimate and t_rxtshift. */
simtime_t tcp_rexmtval(const struct tcpcb *);
void tcp_set_rxtcur(struct tcpcb *);

#endif
