/*
 * Internet protocol control blocks: the connection's addresses, its cached
 * route, and its life. Reference counted: the socket's, one per transmit TLS
 * session, one per queued tag task.
 * Source: netinet/in_pcb.h.
 */
#ifndef KTSIM_NETINET_IN_PCB_H
#define KTSIM_NETINET_IN_PCB_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/queue.h>
#include <ktsim/kern/sockaddr.h>
#include <ktsim/net/if_var.h>

struct socket;
struct tcpcb;
struct vnet;

/* inp_flags */
#define INP_DROPPED	0x1	/* the connection is over; the socket may live */

struct inpcb {
	struct vnet	*inp_vnet;
	struct socket	*inp_socket;	/* NULL once detached */
	struct tcpcb	*inp_ppcb;
	uint32_t	inp_refcount;
	uint32_t	inp_flags;
	uint8_t		inp_family;
	struct ksockaddr inp_laddr, inp_faddr;
	uint32_t	inp_flowid;	/* hash of the four-tuple */
	uint8_t		inp_flowtype;
	uint16_t	inp_ip_id;	/* per-connection IPv4 ID counter */
	struct nhop	inp_route;	/* cached: valid while inp_route_ok */
	bool		inp_route_ok;
	LIST_ENTRY(inpcb) inp_hash, inp_list;
};

void	in_pcbref(struct inpcb *);
/* True when that was the last reference and inp is gone. */
bool	in_pcbrele(struct inpcb *);

/*
 * The connection's route: the cached one, looked up again when stale.
 * EHOSTUNREACH. Source: inp->inp_route with its generation check.
 */
int	in_pcbroute(struct inpcb *, struct nhop **);

#endif
