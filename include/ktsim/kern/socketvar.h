/*
 * Sockets: what applications (and kernel consumers) call.
 *
 * Nothing here sleeps. A call that would block in FreeBSD returns
 * EWOULDBLOCK (EINPROGRESS for connect) and the caller is told by the upcall
 * when it is worth trying again; a blocking caller is made of that by the
 * library above. Partial progress is always reported exactly.
 *
 * Upcalls run from inside the kernel: they may only note that something
 * happened and post an event; they must not call back into the socket.
 *
 * References: the creator's (dropped by soclose), one per queued encryption
 * batch, one per queued receive decryption, one per sendfile in progress, and
 * the protocol's while the connection lives on without the user.
 * Source: sys/socketvar.h, uipc_socket.c.
 */
#ifndef KTSIM_KERN_SOCKETVAR_H
#define KTSIM_KERN_SOCKETVAR_H

#include <ktsim/base/queue.h>
#include <ktsim/kern/protosw.h>
#include <ktsim/kern/sockaddr.h>
#include <ktsim/kern/sockbuf.h>
#include <ktsim/kern/taskqueue.h>

struct uio;
struct vnet;
struct vnode;

/* so_state */
#define SS_ISCONNECTED	   0x0002
#define SS_ISCONNECTING	   0x0004
#define SS_ISDISCONNECTING 0x0008
#define SS_ISDISCONNECTED  0x2000
#define SS_NOFDREF	   0x0001 /* the user has closed it */

/* message flags */
#define KMSG_OOB	0x00000001
#define KMSG_PEEK	0x00000002
#define KMSG_EOR	0x00000008
#define KMSG_TRUNC	0x00000010
#define KMSG_CTRUNC	0x00000020
#define KMSG_WAITALL	0x00000040
#define KMSG_MORETOCOME 0x00100000
#define KMSG_TLSAPPDATA 0x00400000 /* kernel readers: data records only */

/* socket options */
#define KSOL_SOCKET	    0xffff
#define KSO_KEEPALIVE	    0x0008
#define KSO_SNDBUF	    0x1001
#define KSO_RCVBUF	    0x1002
#define KSO_SNDLOWAT	    0x1003
#define KSO_ERROR	    0x1007
#define KSO_MAX_PACING_RATE 0x1018 /* bytes per second; 0: any */
#define KIPPROTO_TCP	    6
#define KTCP_NODELAY	    1
#define KTCP_MAXSEG	    2
#define KTCP_NOPUSH	    4
#define KTCP_INFO	    32	/* struct ktcp_info, netinet/tcp_info.h */
#define KTCP_CONGESTION	    64	/* name of the module, a string */
#define KTCP_KEEPINIT	    128 /* seconds, these three */
#define KTCP_KEEPIDLE	    256
#define KTCP_KEEPINTVL	    512
#define KTCP_KEEPCNT	    1024

struct sockopt {
	bool sopt_set;
	int sopt_level;
	int sopt_name;
	void *sopt_val;	     /* in or out */
	size_t sopt_valsize; /* out: bytes filled */
};

enum so_event {	     /* reasons of an upcall */
	SO_READABLE, /* data, EOF, error, or a connection to accept */
	SO_WRITABLE, /* room, connected, or error */
	SO_ERROR_EVENT
};
typedef void so_upcall_fn(struct socket *, void *arg, enum so_event);

struct socket {
	struct vnet *so_vnet;
	const struct protosw *so_proto;
	void *so_pcb; /* struct inpcb */
	int so_refs;
	uint16_t so_state;
	uint8_t so_family;
	uint32_t so_options;	     /* KSO_KEEPALIVE */
	uint32_t so_max_pacing_rate; /* bytes per second; 0: any */
	int so_error;		     /* one-shot */
	struct sockbuf so_snd, so_rcv;
	so_upcall_fn *so_upcall;
	void *so_upcall_arg;
	uint32_t so_number;		 /* of this host, from 1 */
	STAILQ_ENTRY(socket) so_ktls_rx; /* work queue of its receive session */

	struct so_splice *so_splice;	  /* where what arrives goes */
	struct so_splice *so_splice_back; /* where what is sent comes from */
	uint64_t so_splice_sent;	  /* bytes of the (last) splice */

	/* listening */
	bool so_listening;
	int so_qlimit, so_qlen;
	struct socket *so_listen;	/* whose queue this one is in */
	TAILQ_HEAD(, socket) so_comp;	/* connected, not yet accepted */
	TAILQ_HEAD(, socket) so_incomp; /* handshake not finished */
	TAILQ_ENTRY(socket) so_list;
	bool so_oncomp;	       /* which of the two this one is in */
	struct task so_orphan; /* drops one that died in so_incomp */
	uint32_t so_overflow;  /* connections refused: queue full */
};

/* --- calls of users; each returns 0 or an errno --- */

/* ENOBUFS. The result has one reference and no upcall. */
int socreate(struct vnet *, const struct protosw *, int family,
    struct socket **out);
void soupcall_set(struct socket *, so_upcall_fn *, void *arg);
int sobind(struct socket *, const struct ksockaddr *);
/*
 * EINVAL: connected, connecting, or a TLS session in either direction.
 */
int solisten(struct socket *, int backlog);
/* EINPROGRESS: SO_WRITABLE follows (so_error tells). EISCONN, EADDRNOTAVAIL,
 * ENETUNREACH, EOPNOTSUPP on a listener. */
int soconnect(struct socket *, const struct ksockaddr *);
/* EWOULDBLOCK: none waiting. ECONNABORTED. The caller owns *out. */
int soaccept(struct socket *listener, struct socket **out);
int so_sockname(struct socket *, struct ksockaddr *);
int so_peername(struct socket *, struct ksockaddr *);
/* Takes and clears so_error. */
int so_geterror(struct socket *);

/*
 * write, send, sendmsg. Takes from uio what it took; 0 also for a partial
 * write (uio_resid tells). control: a TLS_SET_RECORD_TYPE message makes the
 * call atomic; consumed in any case.
 * EWOULDBLOCK nothing taken; EPIPE; ENOTCONN; EMSGSIZE atomic and larger than
 * the buffer; EINVAL zero length with a session (except TLS 1.0), KMSG_EOR;
 * ENOBUFS; a pending so_error.
 * Source: uipc_socket.c sosend_generic.
 */
int sosend(struct socket *, struct uio *, struct mbuf *control, int flags);
/*
 * The same with an address: what is not connected is connected to it, by the
 * first bytes (implied connect), and these wait in the buffer. A socket that
 * is connected, or on its way, does not look at the address. Besides sosend's
 * errors: EACCES the broadcast address; EAFNOSUPPORT a group, or another
 * family than the socket's; soconnect's.
 * Source: tcp_usrreq.c tcp_usr_send.
 */
int sosendto(struct socket *, const struct ksockaddr *nam, struct uio *,
    struct mbuf *control, int flags);
/*
 * Kernel senders: with a session, a chain of M_EXTPG mbufs cut to record size
 * already (KASSERT: plain mbufs, records beyond max_frame_len, empty ones).
 * All or nothing, and consumed in any case. Errors as sosend's.
 */
int sosend_chain(struct socket *, struct mbuf *top, struct mbuf *control,
    int flags);

/*
 * read, recv, recvmsg. control may be NULL (control messages are discarded).
 * *flagsp: KMSG_PEEK, KMSG_WAITALL, KMSG_TLSAPPDATA in; KMSG_EOR out. Returns
 * 0 with nothing moved at EOF. EWOULDBLOCK; ENOTCONN; ENXIO with
 * KMSG_TLSAPPDATA before an alert; EBADMSG, EMSGSIZE where a TLS record stood
 * that could not be read (the next call reads on); a pending so_error.
 * Source: uipc_socket.c soreceive_generic, soreceive_stream.
 */
int soreceive(struct socket *, struct uio *, struct mbuf **control,
    int *flagsp);

/*
 * sendfile(2), never blocking: as much of [off, off+nbytes) (nbytes 0: to the
 * end) as there is room for. hdr (may be NULL) goes first and counts.
 * *sent is exact also beside an error. EAGAIN no more room; EBUSY SF_NODISKIO
 * and a page is not resident; EPIPE, ENOTCONN, ENOBUFS; EIO.
 * Source: kern_sendfile.c vn_sendfile.
 */
#define SF_NODISKIO 0x00000001
int sosendfile(struct socket *, struct vnode *, uint64_t off, uint64_t nbytes,
    struct uio *hdr, int flags, uint64_t *sent);

/*
 * SO_SPLICE: what arrives at so goes to so2's send buffer, without its user:
 * at most max bytes (0: any number), until it was idle for so long (0: for
 * ever), so_unsplice, the source's end of file, or an error of either. Users
 * are not told of bytes that a splice will move. so_splice_sent counts them.
 * EINVAL: max is negative, another host's socket, a listener, or a TLS session
 * in the buffer; EPROTONOSUPPORT: not TCP; ENOTCONN: neither connected nor
 * connecting; EBUSY: so is spliced already, or so2 to another source.
 * so_unsplice: ENOTCONN not spliced, EINVAL a listener.
 * Source: uipc_socket.c so_splice, so_unsplice, so_splice_xfer.
 */
int so_splice(struct socket *so, struct socket *so2, int64_t max,
    simtime_t idle);
int so_unsplice(struct socket *);

/* set and get. ENOPROTOOPT, EINVAL; TCP's in netinet/tcp_var.h. */
int sosetopt(struct socket *, struct sockopt *);
int sogetopt(struct socket *, struct sockopt *);
/* how: 0 read, 1 write, 2 both. ENOTCONN. */
int soshutdown(struct socket *, int how);
/* The user's reference goes; data queued is still sent. Never fails. */
void soclose(struct socket *);
void soabort(struct socket *);

/* Readiness as poll(2) sees it. */
bool soreadable(const struct socket *);
bool sowriteable(const struct socket *);

/* All but its buffers: uipc_dump.c; base/dump.h. */
void socket_dump(const struct socket *, struct strbuf *, int indent);

/* --- for protocols and ktls --- */
/*
 * May it send at all? EPIPE, a pending so_error (taken), ENOTCONN unless the
 * call names an address.
 */
int so_cansend(struct socket *, bool named);
void soref(struct socket *);
void sorele(struct socket *); /* the last one frees */
/* A new connection on a listener: NULL when its queue is full. */
struct socket *sonewconn(struct socket *head);
void soisconnecting(struct socket *);
/* Also moves a socket of a listener into so_comp and wakes the listener. */
void soisconnected(struct socket *);
void soisdisconnecting(struct socket *);
void soisdisconnected(struct socket *);
void socantsendmore(struct socket *);
void socantrcvmore(struct socket *);
void sorwakeup(struct socket *);
void sowwakeup(struct socket *);
void soerror_set(struct socket *, int error); /* and wakes both sides */
/* There may be work for the splice: its task looks. */
void so_splice_dispatch(struct so_splice *);
void so_splice_undo(struct so_splice *);
void so_splice_attach(struct vnet *); /* vnet_create */

#endif
