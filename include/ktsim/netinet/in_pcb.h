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

struct ktls_session;
struct socket;
struct mbuf;
struct tcpcb;
struct vnet;

/* inp_flags */
#define INP_DROPPED 0x1 /* connection is over; the socket may live */
#define INP_SOCKREF \
	0x2	       /* the connection holds a socket reference: the
				   user has closed it */
#define INP_HASHED 0x4 /* bound: on a hash chain */

struct inpcb {
	struct vnet *inp_vnet;
	struct socket *inp_socket; /* NULL once detached */
	struct tcpcb *inp_ppcb;
	uint32_t inp_refcount;
	uint32_t inp_flags;
	uint8_t inp_family;
	struct ksockaddr inp_laddr, inp_faddr;
	uint32_t inp_flowid; /* hash of the four-tuple */
	uint8_t inp_flowtype;
	/*
	 * Of an accepted connection the card that its handshake came in by;
	 * M_NODOM: unknown, as of every connection begun here.
	 */
	uint8_t inp_numa_domain;
	uint16_t inp_ip_id;	       /* per-connection IPv4 ID counter */
	struct m_snd_tag *inp_snd_tag; /* of its pacing rate; NULL: none */
	uint32_t inp_pacing_rate;      /* asked for last, bytes per second */
	struct nhop inp_route;	       /* cached: valid while inp_route_ok */
	bool inp_route_ok;
	LIST_ENTRY(inpcb) inp_hash;  /* four-tuple, or local port */
	TAILQ_ENTRY(inpcb) inp_list; /* of the host, in order of creation */
};
LIST_HEAD(inpcbhead, inpcb);
TAILQ_HEAD(inpcblist, inpcb);

/* A control block for the socket (so_pcb), one reference. ENOBUFS. */
int in_pcballoc(struct socket *);
/* EINVAL bound already; EAFNOSUPPORT; EADDRNOTAVAIL not ours; EADDRINUSE. */
int in_pcbbind(struct inpcb *, const struct ksockaddr *);
/*
 * Set the foreign address; chooses local address and port where missing.
 * EADDRNOTAVAIL, ENETUNREACH (no route), EADDRINUSE (that four-tuple lives).
 */
int in_pcbconnect(struct inpcb *, const struct ksockaddr *faddr);
/* The same for an accepted connection, whose both ends are known. */
void in_pcbaccepted(struct inpcb *, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr);
/* The connection is over: off the hash, INP_DROPPED. */
void in_pcbdrop(struct inpcb *);
/* The connection with these ends, else a listener of the local one, or NULL. */
struct inpcb *in_pcblookup(struct vnet *, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr);

void in_pcbref(struct inpcb *);
/* True when that was the last reference and inp is gone. */
bool in_pcbrele(struct inpcb *);

/*
 * The connection's route: the cached one, looked up again when stale.
 * EHOSTUNREACH. Source: inp->inp_route with its generation check.
 */
int in_pcbroute(struct inpcb *, struct nhop **);

/* --- netinet/in_pcb_txrtlmt.c: pacing by the card --- */
/*
 * A packet of the connection is about to leave by ifp: its rate
 * (SO_MAX_PACING_RATE) gets a send tag of that interface, another rate, or
 * none, as it has changed since; the packet is stamped with it. A card that
 * cannot pace is asked once for each rate: the packet goes unpaced. A packet
 * of a TLS session is not stamped: its session's tag is.
 * Source: in_pcb.c in_pcboutput_txrtlmt.
 */
void in_pcboutput_txrtlmt(struct inpcb *, struct ifnet *, struct mbuf *);
/*
 * Such a tag of bytes/s rate, where there is none. The driver's errno. Counted:
 * net.inet.ip.rl.set_ok and active, or alloc_fail (unless EOPNOTSUPP).
 */
int in_pcbattach_txrtlmt(struct inpcb *, struct ifnet *, uint64_t rate);
/* EINVAL: there is no tag. EOPNOTSUPP, or the driver's errno. */
int in_pcbmodify_txrtlmt(struct inpcb *, uint64_t rate);
void in_pcbdetach_txrtlmt(struct inpcb *);
/*
 * A packet with that tag came back with EAGAIN: a layer below sends by another
 * port by now. The next packet takes a new tag. Always returns ENOBUFS.
 * Source: in_pcboutput_eagain (where TCP is told EAGAIN).
 */
int in_pcboutput_eagain(struct inpcb *);

/* --- netinet/tcp_ktls.c: what kernel TLS wants of a connection --- */
/* A transmit session that is not software lives (or no longer does). */
void inp_ktls_xmit_set(struct inpcb *, bool on);
bool inp_ktls_xmit(const struct inpcb *);
/* No card TLS for the rest of this connection; false: that was so before. */
bool inp_ktls_xmit_disable(struct inpcb *);
bool inp_ktls_xmit_disabled(const struct inpcb *);
/* The connection's number of this host, from 1. */
uint32_t inp_conn(const struct inpcb *);
/* What a driver may know; valid for a dropped connection too. */
void inp_snapshot(const struct inpcb *, struct if_snd_tag_conn *);
/*
 * The rate that a transmit tag of the interface is asked for, bytes/s; 0: none,
 * or no TXTLS_RTLMT. tcp_ratelimit.h.
 */
uint64_t inp_tls_rate(struct inpcb *, struct ifnet *);
/* tcp_drop when alive; else error to the socket, if any, which is woken. */
void inp_drop(struct inpcb *, int error, const char *why);
struct inpcb *inp_of_socket(struct socket *);
/* Its TCP is a card's, which is asked to take the session: the errnos of
 * tod_alloc_tls_session (netinet/tcp_offload.h). */
bool inp_toe(const struct inpcb *);
int inp_toe_alloc_tls(struct inpcb *, struct ktls_session *);
bool inp_dropped(const struct inpcb *);

#endif
