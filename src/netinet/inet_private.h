/* What the files of src/netinet share: the layer's state of a host. */
#ifndef KTSIM_SRC_INET_PRIVATE_H
#define KTSIM_SRC_INET_PRIVATE_H

#include <ktsim/base/prng.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/netinet/in_pcb.h>
#include <ktsim/netinet/ip_var.h>
#include <ktsim/netinet/tcp_var.h>

#define INP_HASHSIZE 512
#define INP_PORTHASH 64

/* Values of sysctls; times in ms. */
struct tcp_tunables {
	uint64_t sendspace, recvspace;
	uint64_t sendbuf_auto, sendbuf_max, sendbuf_inc;
	uint64_t recvbuf_auto, recvbuf_max;
	uint64_t mssdflt, v6mssdflt;
	uint64_t delayed_ack, delacktime;
	uint64_t rexmit_min, rexmit_slop, rexmit_initial;
	uint64_t persmin, persmax, keepinit, finwait2_timeout, msl;
	uint64_t initcwnd_segments, sack, rfc1323, rfc3042, tso;
	uint64_t cc_algorithm;	/* index of cc_algos */
	uint64_t sack_maxholes; /* of one connection */
	uint64_t ecn_enable, ecn_maxretries;
	uint64_t keepidle, keepintvl, keepcnt, always_keepalive;
	uint64_t ack_war_timewindow, ack_war_cnt;
	uint64_t reass_maxqueuelen;
	uint64_t minmss, path_mtu_discovery, icmp_may_rst;
};

/* Rate limits: net.inet.ip.rl.* */
struct rl_stats {
	uint64_t active, alloc_fail, set_ok, newrl, chgrl;
	uint64_t refused; /* simulator's own */
};

struct inet_state {
	struct rl_stats is_rl;
	struct ip_stats is_ip[2]; /* v4, v6 */
	struct tcp_stats is_tcp;
	struct tcp_tunables is_tune;
	struct inpcblist is_pcbs;
	struct inpcbhead is_conn[INP_HASHSIZE]; /* by four-tuple */
	struct inpcbhead is_port[INP_PORTHASH]; /* by local port */
	TAILQ_HEAD(, toedev) is_toedevs;
	struct prng is_iss, is_ports, is_ts;
	uint64_t is_isn_secret;
	uint32_t is_isn_offset; /* what the connections so far have added */
	bool is_iss_given;	/* every connection begins at is_iss_first */
	uint32_t is_iss_first;
	bool is_ts_coarse; /* tcp_set_coarse_ts */
	struct hostcache *is_hostcache;
	uint64_t is_hashseed;
	uint32_t is_conns; /* last number given */
	struct kzone is_inpcbs, is_tcpcbs, is_segs, is_holes;
};

static inline int
inet_is6(int family)
{
	return (family == KAF_INET6);
}

static inline struct ip_stats *
ip_stats_rw(struct vnet *vnet, int family)
{
	return (&vnet->v_inet->is_ip[inet_is6(family)]);
}

/* Sysctls and counters of TCP; tcp_subr.c. */
void tcp_sysctl_init(struct vnet *);
void tcp_switch_tls_init(struct vnet *);

/* Frees m, traces ip_drop; returns error. */
int ip_drop_packet(struct vnet *, struct mbuf *m, int error, const char *why);
void arp_attach(struct vnet *);
void nd6_attach(struct vnet *);

/*
 * What is known of hosts out there: the path's MTU, when ICMP has told that
 * less fits than the interface takes. Source: tcp_hostcache.c.
 */
void tcp_hc_attach(struct vnet *);
void tcp_hc_detach(struct vnet *);
uint32_t tcp_hc_getmtu(const struct vnet *, int family,
    const struct in_any *); /* 0: nothing is known */
void tcp_hc_updatemtu(struct vnet *, int family, const struct in_any *,
    uint32_t mtu);
/* ICMP speaks of a segment that we sent: ip begins with its IP header, of
 * which len bytes came. mtu: of the next hop, for EMSGSIZE (0: not told). */
void tcp_ctlinput(struct vnet *, int family, int error, uint32_t mtu,
    const uint8_t *ip, uint32_t len);
/* A received packet as one that may be written, in one piece; the received one
 * is freed. NULL: no memory, or larger than any of ours. */
struct mbuf *ip_copy_packet(struct vnet *, struct mbuf *);
void icmp_input(struct vnet *, struct mbuf *m, uint32_t hlen);
/* A message of neighbour discovery with a right checksum; len bytes of it. */
void nd6_message(struct vnet *, struct ifnet *, const uint8_t *ip,
    const uint8_t *icmp, uint32_t len);
/* A TCP segment; m begins with the IP header. */
void tcp_input(struct vnet *, struct mbuf *m, uint32_t iphlen, int family);

#endif
