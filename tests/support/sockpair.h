/*
 * Two connected kernel sockets without a network: a protocol switch that
 * moves available bytes of one send buffer into the other's receive buffer.
 * A tap sees every byte that moves. Interfaces refuse all send tags.
 */
#ifndef SOCKPAIR_H
#define SOCKPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/sim/engine.h>

typedef void sockpair_tap_fn(void *arg, int from, const void *, size_t);

struct sockpair {
	struct engine *sp_engine;
	struct jobpool *sp_jobs;
	struct vnet *sp_vnet;
	struct socket *sp_so[2];
	bool sp_shut[2];     /* FIN wanted behind the data */
	uint32_t sp_rcv_nxt; /* what a driver is told of TCP */
	bool sp_dropped;
	bool sp_toe;	  /* its TCP is a card's ... */
	int sp_toe_error; /* ... that answers this to TLS */
	sockpair_tap_fn *sp_tap;
	void *sp_tap_arg;
};

void sockpair_init(struct sockpair *, sockpair_tap_fn *, void *arg);
/* Let everything happen that can. */
void sockpair_run(struct sockpair *);
/* Number of leaks. */
int sockpair_fini(struct sockpair *);

#endif
