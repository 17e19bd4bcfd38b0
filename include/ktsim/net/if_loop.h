/*
 * lo0: what a host says to itself.
 *
 * A packet is taken from IP and given back to it a moment later (netisr runs
 * 1 us after the first packet that waits, and takes all). Checksums are not
 * computed: the packet never leaves memory. There is no TSO, no unmapped mbuf
 * (M_EXTPG is copied by ip_output) and no send tag, so kernel TLS over lo0 is
 * always software.
 *
 * Source: net/if_loop.c.
 */
#ifndef KTSIM_NET_IF_LOOP_H
#define KTSIM_NET_IF_LOOP_H

struct vnet;

#define LOMTU 16384

/*
 * Create lo0, up, with 127.0.0.1/8 and ::1/128. After net_attach and before
 * the addresses of other interfaces, which then get a host route through it.
 */
void loif_attach(struct vnet *);
/* Drops what waits. A host without lo0: nothing happens. Before net_detach. */
void loif_detach(struct vnet *);

#endif
