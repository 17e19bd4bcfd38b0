/*
 * TCP offload: connections whose TCP is a card's.
 *
 * A card that can has a struct toedev, whose methods the stack calls (tod_*),
 * and calls back when something has become of a connection (toe_*). The host
 * keeps the socket, its buffers and a control block (TF_TOE) that only mirrors
 * the states: it has no timer, and neither sends nor receives a segment.
 *
 *   listen       tod_listen_start; toe_accepted for each new connection
 *   connect      tod_connect; toe_connected, or toe_open_failed
 *   send         tod_output: the driver takes what it has not taken yet from
 *                the send buffer (toe_snd_copy); the bytes stay there until
 *                the card says that the peer has them (toe_acked)
 *   receive      toe_data, toe_record; tod_rcvd when the user took bytes
 *   close        tod_send_fin behind the data; toe_fin_acked, toe_peer_close
 *   end          toe_aborted by the card, tod_send_rst by the host;
 *                tod_pcb_detach: the control block is over, the driver must
 *                not name it any more
 *   TLS          tod_alloc_tls_session
 *
 * No toe_* may be called from inside a tod_*. Each may end the connection;
 * then tod_pcb_detach was called when it returns.
 *
 * Source: netinet/toecore.h, tcp_offload.h, toecore.c; nic-models.md 6.
 */
#ifndef KTSIM_NETINET_TCP_OFFLOAD_H
#define KTSIM_NETINET_TCP_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/queue.h>
#include <ktsim/kern/sockaddr.h>

struct ifnet;
struct ktcp_info;
struct ktls_session;
struct mbuf;
struct tcpcb;
struct tls_get_record;
struct toedev;
struct vnet;

/* A connection, as the card has it. */
struct toe_conn {
	struct ksockaddr local, foreign;
	uint32_t iss, irs;
	uint16_t maxseg;
	uint8_t snd_scale, rcv_scale;
	bool timestamps;
};

struct toedev {
	struct ifnet *tod_ifp;
	void *tod_softc; /* the driver's */
	/*
	 * The card shall open this connection, whose ends are known;
	 * nexthop: to whom on the link. 0: toe_connected, toe_open_failed or
	 * toe_aborted follows. ENOMEM: it cannot; the host's TCP does it.
	 */
	int (*tod_connect)(struct toedev *, struct tcpcb *,
	    const struct toe_conn *, const struct ksockaddr *nexthop,
	    void **toep);
	/* The card shall take connections of this listener. */
	void (*tod_listen_start)(struct toedev *, struct tcpcb *);
	void (*tod_listen_stop)(struct toedev *, struct tcpcb *);
	/* There may be something to send. 0, or an errno for tests: what does
	 * not go now goes later. */
	int (*tod_output)(struct toedev *, struct tcpcb *);
	/* A FIN behind what is in the send buffer. */
	int (*tod_send_fin)(struct toedev *, struct tcpcb *);
	int (*tod_send_rst)(struct toedev *, struct tcpcb *);
	/* There may be more room in the receive buffer. */
	void (*tod_rcvd)(struct toedev *, struct tcpcb *);
	void (*tod_pcb_detach)(struct toedev *, struct tcpcb *);
	/*
	 * The card shall encrypt (decrypt) this session. EPROTONOSUPPORT
	 * version or cipher; EINVAL key or IV length; EOPNOTSUPP this
	 * direction has a key already; ENOSPC no room in the key memory;
	 * EAGAIN no descriptors to write the key; ENOMEM.
	 */
	int (*tod_alloc_tls_session)(struct toedev *, struct tcpcb *,
	    struct ktls_session *, int direction);
	/* What the card's control block says. */
	void (*tod_tcp_info)(struct toedev *, const struct tcpcb *,
	    struct ktcp_info *);
	/* A TCP option (KTCP_*) that the connection has got. */
	void (*tod_ctloutput)(struct toedev *, struct tcpcb *, int name,
	    const void *val, size_t len);
	TAILQ_ENTRY(toedev) tod_link;
};

/* --- the driver registers: before the first listen, until detach --- */
void register_toedev(struct vnet *, struct toedev *);
/* Its listeners and connections must be gone. */
void unregister_toedev(struct vnet *, struct toedev *);

/* --- what the driver tells --- */
/*
 * The card has a connection of this listener. NULL: the host does not want it
 * (listen queue full), the card is to reset it.
 */
struct tcpcb *toe_accepted(struct toedev *, struct tcpcb *listener,
    const struct toe_conn *, void *toep);
/* What tod_connect began: it is there; or the card could not, and the host's
 * TCP opens it. */
void toe_connected(struct tcpcb *, const struct toe_conn *);
void toe_open_failed(struct tcpcb *);
/* The peer has so many bytes more: they leave the send buffer. */
void toe_acked(struct tcpcb *, uint32_t bytes);
/* Bytes of the stream as they came; m is consumed. */
void toe_data(struct tcpcb *, struct mbuf *);
/*
 * A record that the card decrypted, wirelen bytes of the stream; m (NULL: it
 * is empty) is consumed. toe_record_bad: one that it could not: EBADMSG tag
 * or MAC; EMSGSIZE too short. fatal: nothing behind it can be read (EINVAL
 * version; EMSGSIZE too long): the connection is dropped.
 */
void toe_record(struct tcpcb *, uint64_t seqno, const struct tls_get_record *,
    struct mbuf *m, uint32_t wirelen);
void toe_record_bad(struct tcpcb *, uint64_t seqno, int error, bool fatal,
    uint32_t wirelen);
/* The peer will send no more, and this is no whole record: EMSGSIZE. */
void toe_truncated(struct tcpcb *, uint32_t wirelen);
void toe_peer_close(struct tcpcb *);
void toe_fin_acked(struct tcpcb *);
/* Reset by the peer (ECONNRESET), timed out (ETIMEDOUT), the card was reset. */
void toe_aborted(struct tcpcb *, int error, const char *why);
/* After tod_alloc_tls_session had taken a receive session: the card cannot
 * after all, software goes on. */
void toe_rx_tls_failed(struct tcpcb *, int error);

/* --- what the driver asks --- */
void *toe_of(const struct tcpcb *);		/* toep of toe_accepted */
uint32_t toe_conn_number(const struct tcpcb *); /* of the host; for notes */
uint32_t toe_flowid(const struct tcpcb *);
/* Where a listener listens; its address may be zero. */
void toe_listen_addr(const struct tcpcb *, struct ksockaddr *);
/* Bytes of the send buffer that may go and were not taken yet. */
uint32_t toe_snd_avail(const struct tcpcb *);
/* There is nothing else: nor anything that must be encrypted or read first. */
bool toe_snd_done(const struct tcpcb *);
/*
 * References to the next of them: a whole record (*record, its session still
 * on it), or up to *len other bytes in at most maxsegs pieces. *len: how many.
 * NULL: none, or no memory. toe_sent: they were taken.
 */
struct mbuf *toe_snd_copy(struct tcpcb *, uint32_t *len, unsigned maxsegs,
    bool *record);
void toe_sent(struct tcpcb *, uint32_t len);
/* Room in the receive buffer. */
uint32_t toe_rcv_space(const struct tcpcb *);
/* ktls_pending_rx_info of the receive buffer. */
bool toe_pending_rx_info(const struct tcpcb *, uint64_t *seqnop,
    uint32_t *residp);

/* --- for TCP --- */
/* Its ends and its route are known. 0: a card opens it. EOPNOTSUPP: there is
 * none by the route; ENOMEM: it cannot. */
int tcp_offload_connect(struct tcpcb *);
int tcp_offload_output(struct tcpcb *);
void tcp_offload_rcvd(struct tcpcb *);
void tcp_offload_rst(struct tcpcb *);
/* The control block is over. */
void tcp_offload_detach(struct tcpcb *);
void tcp_offload_listen_start(struct tcpcb *);
void tcp_offload_listen_stop(struct tcpcb *);

#endif
