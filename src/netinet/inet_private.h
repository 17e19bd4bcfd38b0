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
};

struct inet_state {
	struct ip_stats is_ip[2]; /* v4, v6 */
	struct tcp_stats is_tcp;
	struct tcp_tunables is_tune;
	struct inpcblist is_pcbs;
	struct inpcbhead is_conn[INP_HASHSIZE]; /* by four-tuple */
	struct inpcbhead is_port[INP_PORTHASH]; /* by local port */
	struct prng is_iss, is_ports, is_ts;
	uint64_t is_hashseed;
	uint32_t is_conns; /* last number given */
	struct kzone is_inpcbs, is_tcpcbs, is_segs;
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
/* A TCP segment; m begins with the IP header. */
void tcp_input(struct vnet *, struct mbuf *m, uint32_t iphlen, int family);

#endif
