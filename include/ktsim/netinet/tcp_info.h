/*
 * A connection at an instant, for programs (getsockopt TCP_INFO) and for
 * reports: windows, round trips, what is in flight, what was sent again.
 *
 * FreeBSD's struct tcp_info in content, with own names for what that lacks;
 * all in bytes, and times in microseconds unless said otherwise.
 * Source: netinet/tcp.h, tcp_usrreq.c (tcp_fill_info).
 */
#ifndef KTSIM_NETINET_TCP_INFO_H
#define KTSIM_NETINET_TCP_INFO_H

#include <stddef.h>
#include <stdint.h>

struct tcpcb;

struct ktcp_info {
	uint64_t tcpi_state;   /* enum tcp_state */
	uint64_t tcpi_options; /* TCPI_OPT_* */
	uint64_t tcpi_rto, tcpi_rtt, tcpi_rttvar;
	uint64_t tcpi_snd_mss; /* payload of a full segment */
	uint64_t tcpi_snd_cwnd, tcpi_snd_ssthresh, tcpi_snd_wnd;
	uint64_t tcpi_rcv_space;			   /* receive window */
	uint64_t tcpi_snd_una, tcpi_snd_nxt, tcpi_snd_max; /* from the ISS */
	uint64_t tcpi_rcv_nxt;	 /* from the peer's ISS */
	uint64_t tcpi_in_flight; /* snd_max - snd_una */
	uint64_t tcpi_pipe;	 /* of these, thought to be on the path */
	uint64_t tcpi_sacked, tcpi_lost, tcpi_holes;
	uint64_t tcpi_recovery;	    /* 0 none, 1 after a mark, 2 after a loss */
	uint64_t tcpi_snd_buffered; /* in the send buffer ... */
	uint64_t tcpi_snd_notready; /* ... and not encrypted or read yet */
	uint64_t tcpi_rcv_buffered;
	uint64_t tcpi_rcv_ooo_bytes; /* out of order, waiting */
	uint64_t tcpi_bytes_sent;    /* first time */
	uint64_t tcpi_bytes_rexmit;
	uint64_t tcpi_bytes_received; /* in order */
	uint64_t tcpi_rexmit_packs, tcpi_rto_count, tcpi_fast_recoveries;
	uint64_t tcpi_spurious_rto, tcpi_dupacks, tcpi_dsacks;
	uint64_t tcpi_rcv_ooo, tcpi_rcv_dup;
	uint64_t tcpi_rtt_samples;
	uint64_t tcpi_persist; /* 1: the peer's window is shut */
};

#define TCPI_OPT_TIMESTAMPS 0x01
#define TCPI_OPT_SACK	    0x02
#define TCPI_OPT_WSCALE	    0x04
#define TCPI_OPT_ECN	    0x08

/* The connection may be over: what it had then. */
void tcp_fill_info(const struct tcpcb *, struct ktcp_info *);

/* The fields by name, for reports and claims: "snd_cwnd" ... */
struct tcp_info_field {
	const char *name;
	size_t off; /* of a uint64_t in struct ktcp_info */
	const char *text;
};
extern const struct tcp_info_field tcp_info_fields[];
extern const unsigned tcp_info_nfields;
/* NULL: there is none of this name. */
const struct tcp_info_field *tcp_info_find(const char *name);

static inline uint64_t
tcp_info_value(const struct ktcp_info *ti, const struct tcp_info_field *f)
{
	return (*(const uint64_t *)(const void *)((const char *)ti + f->off));
}

#endif
