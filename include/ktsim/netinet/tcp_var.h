/*
 * TCP's control block and the functions its files share.
 *
 * Files: tcp_usrreq (socket's calls), tcp_subr (life of control blocks,
 * tcp_drop, sysctls), tcp_input (demultiplexing, connection states, options),
 * tcp_established (ACK and data processing of a synchronised connection),
 * tcp_reass (out-of-order queue), tcp_sack (the sender's scoreboard),
 * tcp_recovery (what duplicate and partial ACKs mean), tcp_output (whether and
 * how much to send), tcp_send (sending it), tcp_segment (building one packet:
 * tcp_m_copym, options, header), tcp_timer, tcp_keepalive, tcp_ecn, tcp_info,
 * tcp_ctlinput (what ICMP says), tcp_offload (a card's), cc (congestion control: cc.h), tcp_dump.
 *
 * Times are ps of virtual time; the timestamp option counts milliseconds.
 * Source: netinet/tcp_var.h and the files of the same name.
 */
#ifndef KTSIM_NETINET_TCP_VAR_H
#define KTSIM_NETINET_TCP_VAR_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>
#include <ktsim/kern/callout.h>
#include <ktsim/kern/protosw.h>
#include <ktsim/netinet/cc.h>
#include <ktsim/netinet/in_pcb.h>

enum tcp_state {
	TCPS_CLOSED,
	TCPS_LISTEN,
	TCPS_SYN_SENT,
	TCPS_SYN_RECEIVED,
	TCPS_ESTABLISHED,
	TCPS_CLOSE_WAIT,
	TCPS_FIN_WAIT_1,
	TCPS_CLOSING,
	TCPS_LAST_ACK,
	TCPS_FIN_WAIT_2,
	TCPS_TIME_WAIT
};

/* t_flags */
#define TF_ACKNOW	0x00000001
#define TF_DELACK	0x00000002
#define TF_NODELAY	0x00000004
#define TF_SENTFIN	0x00000010
#define TF_REQ_SCALE	0x00000020
#define TF_RCVD_SCALE	0x00000040
#define TF_REQ_TSTMP	0x00000080
#define TF_RCVD_TSTMP	0x00000100
#define TF_SACK_PERMIT	0x00000200
#define TF_NEEDFIN	0x00000800
#define TF_NOPUSH	0x00001000
#define TF_PREVVALID	0x00002000 /* what a first timeout changed is kept */
#define TF_LASTIDLE	0x00008000
#define TF_MORETOCOME	0x00010000
#define TF_RXWIN0SENT	0x00080000
#define TF_FASTRECOVERY 0x00100000 /* in NewReno or SACK recovery */
#define TF_WASFRECOVERY 0x00200000 /* ... when the timer fired */
#define TF_FORCEDATA	0x00800000 /* window probe */
#define TF_TOE		0x00400000 /* the card's: tcp_offload.h */
#define TF_CLOSED	0x01000000 /* the user has closed the socket */
#define TF_LIMITED	0x02000000 /* in a limited transmit, for notes */
#define TF_CONGRECOVERY 0x20000000 /* a window was reduced, once per window */
#define TF_WASCRECOVERY 0x40000000
/* t_flags2: explicit congestion notification, RFC 3168 */
#define TF2_ECN_PERMIT	   0x01 /* both ends speak it */
#define TF2_ECN_SND_CWR	   0x02 /* tell that the window was reduced */
#define TF2_ECN_SND_ECE	   0x04 /* echo a mark until the peer has told so */
#define TF2_PMTU_REDUCED   0x08 /* ICMP said that less fits */

#define IN_FASTRECOVERY(f) (((f)&TF_FASTRECOVERY) != 0)
#define IN_CONGRECOVERY(f) (((f)&TF_CONGRECOVERY) != 0)
#define IN_RECOVERY(f)	   (((f) & (TF_CONGRECOVERY | TF_FASTRECOVERY)) != 0)

#define TCP_MAXWIN	   65535
#define TCP_MAX_WINSHIFT   14
#define TCP_MAXRXTSHIFT	   12
#define TCP_NSACK	   4 /* blocks one option can hold at most */
#define TCP_SACK_TOLD	   6 /* runs that are remembered as told of */
#define TCP_MAXOLEN	   40

struct tcp_reass_seg;
struct toedev;

/*
 * Bytes that the peer has not told to have, below bytes that it has. The holes
 * of a connection are in order, disjoint and between snd_una and snd_fack.
 */
struct sackhole {
	TAILQ_ENTRY(sackhole) scblink;
	uint32_t start, end;
	uint32_t rxmit; /* sent again in this recovery up to here */
	/* snd_max when all of it had been sent again: bytes sent later being
	 * there and these not means that they were lost once more. */
	uint32_t lost_mark;
};

struct tcp_range { /* [start, end) of a sequence space */
	uint32_t start, end;
};

/* Per connection, over its life: what reports tell of it. */
struct tcp_conn_stats {
	uint64_t snd_segs;   /* segments that carried data (wire) */
	uint64_t snd_bursts; /* packets handed to IP with data */
	uint64_t snd_bytes;  /* first-time payload bytes */
	uint64_t rexmit_bytes;
	uint64_t rexmit_packs;
	uint64_t rto, fast_rexmit, dupacks, enobufs;
	uint64_t rcv_segs, rcv_bytes, rcv_ooo, rcv_dup;
	uint64_t probes;
	uint64_t sack_rexmit_bytes; /* of rexmit_bytes: from the scoreboard */
	uint64_t sack_episodes;	    /* recoveries that SACK drove */
	uint64_t spurious_rto;	    /* timeouts taken back */
	uint64_t dsacks;	    /* duplicates that the peer reported */
	uint64_t ecn_ce, ecn_ece;   /* marks received; reductions by echo */
};

struct tcpcb {
	struct inpcb *t_inpcb;
	enum tcp_state t_state;
	uint32_t t_flags;
	uint32_t t_conn; /* number of this host, from 1 */

	/* send sequence space */
	uint32_t iss, snd_una, snd_nxt, snd_max, snd_recover;
	uint32_t snd_out; /* behind the last byte that was not refused below */
	uint32_t snd_wnd, snd_wl1, snd_wl2, max_sndwnd;
	uint8_t snd_scale, rcv_scale, request_r_scale;
	/* receive sequence space */
	uint32_t irs, rcv_nxt, rcv_adv, rcv_wnd, last_ack_sent;

	/* segments */
	uint16_t t_maxseg; /* without options */
	uint32_t t_tsomax, t_tsomaxsegcount, t_tsomaxsegsize;
	bool t_tso; /* the route's interface can */

	/* congestion */
	const struct cc_algo *t_cc;
	union cc_data t_ccdata;
	uint32_t snd_cwnd, snd_ssthresh;
	uint32_t t_dupacks, t_bytes_acked;
	uint32_t t_limited; /* segments sent by limited transmit */
	const char *t_why;  /* why snd_nxt < snd_max: "RTO" ... */
	uint32_t t_flags2;

	/* the scoreboard, RFC 6675; bytes */
	TAILQ_HEAD(sackhole_head, sackhole) snd_holes;
	uint32_t snd_numholes;
	uint32_t snd_fack;	   /* behind the highest that is SACKed */
	uint32_t t_sack_rexmit;	   /* of the holes, sent again */
	uint32_t t_sacked, t_lost; /* SACKed; in holes and taken for lost */
	uint32_t t_delivered;	   /* that the latest ACK told of */
	uint32_t t_prr_delivered, t_prr_out, t_recover_fs; /* RFC 6937 */
	struct tcp_range t_dsack; /* duplicate to report with the next ACK */

	/* what the first timeout changed, while it may have been a mistake */
	uint32_t snd_cwnd_prev, snd_ssthresh_prev, snd_recover_prev;
	uint32_t t_badrxtwin; /* timestamp of the first segment sent again */

	/* round trips, RFC 6298; ps */
	simtime_t t_srtt, t_rttvar, t_rxtcur;
	simtime_t t_rtttime; /* of the timed segment; 0 none */
	uint32_t t_rtseq;
	uint64_t t_rttupdated; /* samples taken */
	uint32_t t_rxtshift;   /* consecutive timeouts */
	uint32_t ts_recent, ts_offset;
	simtime_t ts_recent_age;

	struct callout t_rexmt, t_persist, t_delack, t_2msl, t_keep;
	uint32_t t_persistshift;
	/* of the connection; 0: the host's (net.inet.tcp.keep*) */
	simtime_t t_keepidle, t_keepintvl;
	uint32_t t_keepcnt;
	/* answers to what an attacker may have sent, RFC 5961 */
	simtime_t t_challenge_end;
	uint32_t t_challenges;
	simtime_t t_starttime; /* established */
	simtime_t t_sndtime;   /* latest data sent */

	struct tcp_reass_seg *t_segq;
	uint32_t t_segqbytes, t_segqlen;
	/* a number in each run that was told of, the latest first */
	uint32_t t_sack_told[TCP_SACK_TOLD];
	unsigned t_nsack_told;

	/* sizing of the receive buffer: bytes since rfbuf_ts */
	simtime_t rfbuf_ts;
	uint32_t rfbuf_cnt;
	simtime_t t_rcvtime; /* last segment from the peer */

	/* kernel TLS */
	uint32_t t_nic_ktls_xmit;   /* a non-software session lives */
	bool t_nic_ktls_xmit_dis;   /* auto-disabled for good */
	uint64_t t_pacing_rate;	    /* bytes/s, of a card's table; 0: none */
	uint64_t t_snd_rxt_bytes;   /* resent payload, for life */
	uint64_t t_snd_first_bytes; /* payload sent first time */
	/* offloaded (TF_TOE): the card, and what its driver calls this */
	struct toedev *tod;
	void *t_toe;
	bool t_offloaded;	     /* it was, or is, a card's */
	uint64_t t_toe_rexmit_packs; /* of the card, when it ended */
	const char *t_softreason;    /* why the connection ended, static */
	int t_softerror;

	struct tcp_conn_stats t_stats;
};

struct tcp_stats {
	uint64_t connattempt, accepts, connects, drops, closed;
	uint64_t sndtotal, sndpack, sndbyte, sndrexmitpack, sndrexmitbyte;
	uint64_t rexmttimeo, persisttimeo, delack, timeoutdrop;
	uint64_t rcvtotal, rcvpack, rcvbyte, rcvbadsum, rcvbadoff, rcvshort;
	uint64_t rcvduppack, rcvoopack, rcvdupack, rcvackpack, rcvafterwin;
	uint64_t listendrop, sndrst, rcvrst, pawsdrop, badrst;
	uint64_t fastrexmit, sndrexmitbad;
	uint64_t sack_recovery_episode, sack_rexmits, sack_rexmit_bytes;
	uint64_t sack_rcv_blocks, sack_send_blocks, sack_sboverflow;
	uint64_t sack_lostrexmt, sack_rescue, dsack_count, dsack_bytes;
	uint64_t rcvacktoomuch, rcvwinupd, rcvwinprobe, sndprobe;
	uint64_t keeptimeo, keepprobe, keepdrops, persistdrop;
	uint64_t challenge_acks, challenge_limited, badsyn;
	uint64_t ecn_shs, ecn_rcvce, ecn_rcvect0, ecn_rcvect1;
	uint64_t ecn_sndect0, ecn_rcvece, ecn_rcwnd;
	uint64_t mturesent, minmssdrops, reassoverflow;
};

extern const struct protosw tcp_protosw;

const struct tcp_stats *tcp_stats(const struct vnet *);
/* Every connection of this host begins at this sequence number from now on, so
 * that one can be near 2^32. */
void tcp_set_iss(struct vnet *, uint32_t iss);
/* The timestamp offsets of connections made from now on have zeros in their
 * low 28 bits: Chelsio's T6 can represent no others. */
void tcp_set_coarse_ts(struct vnet *);

static inline struct tcpcb *
intotcpcb(struct inpcb *inp)
{
	return (inp->inp_ppcb);
}
struct inpcb *sotoinpcb(struct socket *);
struct tcpcb *sototcpcb(struct socket *);

/* --- tcp_subr --- */
struct tcpcb *tcp_newtcpcb(struct inpcb *);
/*
 * Drop the connection with an error for the user (RST to the peer when
 * synchronised). why: static text for the report. The control block is over
 * (INP_DROPPED) when it returns.
 */
void tcp_drop(struct tcpcb *, int error, const char *why);
/*
 * The connection is over, nothing is sent. May free the socket and, with it,
 * the control block, unless the caller holds a reference of the inpcb.
 */
void tcp_close(struct tcpcb *);
void tcp_state_change(struct tcpcb *, enum tcp_state);
const char *tcp_state_name(enum tcp_state);

/* --- tcp_switch_tls --- */
/*
 * net.inet.tcp.switch_to_sw_tls and switch_to_ifnet_tls: the connection of
 * these two ends changes its transmit mode as TCP_TXTLS_MODE would change it.
 * EINVAL: families differ or are unknown; ESRCH: no such connection;
 * ECONNRESET: it is over; otherwise what ktls_set_tx_mode answers (0 also
 * for a connection without TLS).
 * The sysctls themselves take two struct ksockaddr, the foreign one first
 * (sysctl_write_bytes; ENOMEM: fewer bytes, EPERM: none).
 * Source: tcp_subr.c sysctl_switch_tls.
 */
int tcp_switch_tls(struct vnet *, const struct ksockaddr *foreign,
    const struct ksockaddr *local, int mode);

/* --- tcp_output --- */
/* Send what may be sent. Errors are handled inside; the value is for tests. */
int tcp_output(struct tcpcb *);
/* From rexmit and first-time bytes: the automatic return to software. */
void tcp_account_for_send(struct tcpcb *, uint32_t len, bool rexmit,
    bool hw_tls);

/* --- tcp_segment --- */
/*
 * References to the bytes [off, off+*len) of the send buffer, ending early
 * where the TLS session of the mbufs changes, and within the interface's
 * segment limits when TSO is used. *len is what was taken. NULL: no memory.
 * Source: tcp_output.c tcp_m_copym.
 */
struct mbuf *tcp_m_copym(struct tcpcb *, struct mbuf *m, uint32_t off,
    uint32_t *len, uint32_t maxsegcnt, uint32_t maxsegsize, bool hw_tls);

/* --- tcp_dump; base/dump.h --- */

/* Addresses and route of one connection. */
void inpcb_dump(const struct inpcb *, struct strbuf *, int indent);
/*
 * All connections and listeners in order of creation, with their sockets and
 * sessions; chains: also what is in the buffers.
 */
void inet_dump(const struct vnet *, bool chains, struct strbuf *, int indent);
/* The control block. */
void tcp_dump(const struct tcpcb *, struct strbuf *, int indent);

#endif
