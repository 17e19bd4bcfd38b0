/*
 * Large receive offload in software: a driver hands the packets that one
 * interrupt brought to tcp_lro_rx; segments of a connection that follow on
 * one another become one, and what was collected goes to if_input at
 * tcp_lro_flush_all, before the interrupt ends.
 *
 * Only data segments with valid checksums, no flags but ACK and PUSH and no
 * option but timestamps are merged. Anything else is left to the driver, and
 * what the same connection has collected goes up in front of it, so that the
 * order within a connection never changes.
 *
 * Source: sys/netinet/tcp_lro.c (the direct path, without mbuf queues and
 * compressed ACKs).
 */
#ifndef KTSIM_NETINET_TCP_LRO_H
#define KTSIM_NETINET_TCP_LRO_H

#include <stdint.h>

#include <ktsim/kern/mbuf.h>

struct ifnet;
struct lro_ctrl;

#define TCP_LRO_ENTRIES 8
#define TCP_LRO_CANNOT	(-1)

struct lro_stats {
	uint64_t lro_queued;  /* segments taken */
	uint64_t lro_flushed; /* packets handed up for them */
};

struct lro_ctrl *tcp_lro_init(struct ifnet *);
/* Nothing may be collected any more. NULL allowed. */
void tcp_lro_free(struct lro_ctrl *);
/*
 * 0: taken. TCP_LRO_CANNOT: the packet stays the caller's, who hands it to
 * if_input now. m begins with the Ethernet header; its first mbuf has all
 * headers.
 */
int tcp_lro_rx(struct lro_ctrl *, struct mbuf *m);
void tcp_lro_flush_all(struct lro_ctrl *);
struct lro_stats *tcp_lro_stats(struct lro_ctrl *);

#endif
