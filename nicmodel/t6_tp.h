/*
 * TP, the T6's TCP: a network stack of the card's own (a vnet with one
 * interface, which is the port), and for each offloaded connection a socket
 * of it. Only the hardware's files include this.
 *
 * t6_tp.c       life, the port, which frames are TP's
 * t6_tp_cmd.c   the control queue, listeners
 * t6_tp_conn.c  connections: what the driver sends, what the peer
 *               acknowledges, how they end
 * t6_tp_rx.c    what is received, as bytes or as decrypted records
 */
#ifndef T6_TP_H
#define T6_TP_H

#include <ktsim/base/queue.h>
#include <ktsim/kern/sockaddr.h>

#include "t6_hw.h"
#include "t6_toe.h"

struct socket;
struct tp_conn;

/* SYNs left to the host, the last ones of the time that it tries for. */
#define TP_DECLINED	128
#define TP_DECLINED_FOR (75 * SIM_SEC) /* TCPTV_KEEP_INIT */

struct tp_declined {
	struct ksockaddr d_src, d_dst;
	simtime_t d_until;
};

struct t6_tp {
	struct nic_card *tp_card;
	struct vnet *tp_vnet;
	struct ifnet tp_if;
	bool tp_dying; /* nothing gets out any more */
	struct t6_rspq *tp_rspq;
	TAILQ_HEAD(, tp_listener) tp_listeners;
	TAILQ_HEAD(, tp_conn) tp_conns, tp_dirty;
	struct sim_event tp_ev; /* something has happened */
	struct tp_declined tp_declined[TP_DECLINED];
	unsigned tp_ndeclined; /* so far */
};

struct tp_listener {
	TAILQ_ENTRY(tp_listener) l_link;
	struct t6_tp *l_tp;
	uint32_t l_stid;
	struct socket *l_so;
};

/* A work request whose bytes are not all acknowledged. */
struct tp_wr {
	STAILQ_ENTRY(tp_wr) w_link;
	uint64_t w_start, w_end; /* in the stream */
	uint32_t w_credits;
	bool w_tls;
	bool w_damaged;	  /* by order, a bit of it is wrong */
	uint64_t w_seqno; /* of its record */
};

enum tp_rx { TP_RX_RAW, TP_RX_QUIESCED, TP_RX_TLS, TP_RX_BROKEN };

struct tp_conn {
	TAILQ_ENTRY(tp_conn) c_link;
	struct t6_tp *c_tp;
	uint32_t c_tid;
	struct socket *c_so;
	TAILQ_ENTRY(tp_conn) c_dlink;
	bool c_opening;	 /* a SYN of ours is out */
	bool c_dirty;	 /* on tp_dirty: look at it */
	uint32_t c_note; /* the host's number of it, for notes */

	STAILQ_HEAD(, tp_wr) c_wrs;
	uint64_t c_appended; /* stream bytes so far */
	bool c_fin;	     /* asked for */

	enum tp_rx c_rx;
	uint32_t c_rx_credits; /* bytes that the host will take */
	/* Bytes that still come as they are; then c_rx_then. */
	uint32_t c_rx_left;
	bool c_rx_counted; /* c_rx_left is meant */
	enum tp_rx c_rx_then;
	struct tls_crypt *c_rx_crypt;
	const struct tls_suite *c_rx_suite;
	uint64_t c_rx_seqno;

	bool c_told_close, c_told_fin, c_told_abort;
};

/* --- t6_tp.c --- */
struct t6_tp *t6_tp_create(struct nic_card *);
void t6_tp_destroy(struct t6_tp *); /* NULL allowed */
void t6_tp_cmd(struct nic_card *, struct nic_cmd *);
void tp_post(struct t6_tp *);	      /* tp_ev will run */
void tp_conn_touch(struct tp_conn *); /* ... and look at it */
/* To the response queue; the data is to be filled in. */
struct t6_rsp *tp_cpl(struct t6_tp *, enum t6_cpl_rx op, uint32_t tid,
    uint32_t len);

/* --- t6_tp_cmd.c --- */
void tp_listener_free(struct tp_listener *);
/* A socket of TP's stack, its buffers as the card's memory has them. */
int tp_socket(struct t6_tp *, const struct ksockaddr *, struct socket **);

/* --- t6_tp_conn.c --- */
/* A connection of the listener is complete. */
void tp_accept(struct tp_listener *, struct socket *);
/* ENOMEM: no tid; what soconnect answers. */
int tp_connect(struct t6_tp *, const struct t6_toe_open *, uint32_t *tid);
void tp_conn_work(struct tp_conn *);
void tp_conn_free(struct tp_conn *);
struct tp_conn *tp_conn_find(struct nic_card *, uint32_t tid);
/*
 * The driver's work request: fb's bytes [0, len) are the stream's next. Of
 * proto all but the place.
 */
void tp_conn_send(struct tp_conn *, struct framebuf *fb, uint32_t len,
    const struct tp_wr *proto);
void tp_conn_fin(struct tp_conn *);
void tp_conn_abort(struct tp_conn *, const char *why);
void tp_conn_cmd(struct tp_conn *, struct nic_cmd *);
/* What a frame of the connection is about. */
void tp_conn_note(const struct tp_conn *, struct frame *);

/* --- t6_tp_rx.c --- */
void tp_rx_work(struct tp_conn *);
void tp_rx_cmd(struct tp_conn *, struct nic_cmd *);
/* No more will come: is a part of a record left? */
void tp_rx_eof(struct tp_conn *);

#endif
