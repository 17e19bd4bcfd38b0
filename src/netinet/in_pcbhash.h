/* Between in_pcb.c and in_pcbhash.c. */
#ifndef KTSIM_SRC_IN_PCBHASH_H
#define KTSIM_SRC_IN_PCBHASH_H

#include "inet_private.h"

/* A free local port, at random. EADDRNOTAVAIL. (in_pcb.c) */
int in_pcbport(struct inpcb *);
uint32_t in_pcbflowid(const struct inpcb *);
void in_pcbunhash(struct inpcb *);
void in_pcbhash_port(struct inpcb *);
void in_pcbhash_conn(struct inpcb *);
struct inpcb *in_pcblookup_conn(struct vnet *, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr);
/*
 * Somebody on this port whose address does not exclude laddr; listening: only
 * listeners, for a packet's destination.
 */
struct inpcb *in_pcblookup_port(struct vnet *, const struct ksockaddr *laddr,
    bool listening);

#endif
