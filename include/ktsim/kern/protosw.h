/*
 * The switch between sockets and their protocol. All methods run on the
 * engine's thread. Source: sys/protosw.h, sys/protosw pr_* methods.
 */
#ifndef KTSIM_KERN_PROTOSW_H
#define KTSIM_KERN_PROTOSW_H

#include <ktsim/kern/sockaddr.h>

struct socket;
struct mbuf;
struct sockopt;

/* pr_send flags */
#define PRUS_OOB	0x1
#define PRUS_EOF	0x2
#define PRUS_MORETOCOME 0x4
#define PRUS_NOTREADY	0x8

struct protosw {
	int pr_protocol; /* IPPROTO_TCP */
	/* New socket: protocol control block. ENOBUFS. */
	int (*pr_attach)(struct socket *);
	/* The last use of the socket; frees the control block. */
	void (*pr_detach)(struct socket *);
	int (*pr_bind)(struct socket *, const struct ksockaddr *);
	int (*pr_listen)(struct socket *, int backlog);
	int (*pr_connect)(struct socket *, const struct ksockaddr *);
	/*
	 * Append and send. m is consumed, on error too, except with
	 * PRUS_NOTREADY: then an error leaves it with the caller, and success
	 * does not transmit. nam (may be NULL): where to connect first.
	 * control: TCP refuses any with EINVAL (consumed).
	 */
	int (*pr_send)(struct socket *, int flags, struct mbuf *m,
	    const struct ksockaddr *nam, struct mbuf *control);
	/*
	 * count units from m are ready. ECONNRESET: the connection is gone,
	 * the mbufs were freed. EINPROGRESS: not the front, nothing was sent.
	 */
	int (*pr_ready)(struct socket *, struct mbuf *m, int count);
	/* The user took bytes out of the receive buffer: window update. */
	void (*pr_rcvd)(struct socket *, int flags);
	int (*pr_shutdown)(struct socket *); /* FIN after the data */
	int (*pr_disconnect)(struct socket *);
	void (*pr_close)(struct socket *);
	void (*pr_abort)(struct socket *); /* RST */
	int (*pr_ctloutput)(struct socket *, struct sockopt *);
	int (*pr_sockaddr)(struct socket *, struct ksockaddr *);
	int (*pr_peeraddr)(struct socket *, struct ksockaddr *);
};

#endif
