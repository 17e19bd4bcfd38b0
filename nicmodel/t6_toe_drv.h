/* The T6's driver, TCP offload (FreeBSD's t4_tom); no hardware file includes
 * this. */
#ifndef T6_TOE_DRV_H
#define T6_TOE_DRV_H

#include <ktsim/netinet/tcp_offload.h>

#include "t6_drv.h"
#include "t6_toe.h"

/* A listener that the card has, too. */
struct t6_lctx {
	TAILQ_ENTRY(t6_lctx) l_link;
	struct tcpcb *l_tp;
	uint32_t l_stid;
	struct ksockaddr l_addr;
};

/* Bytes that were handed down in one work request. */
struct t6_txsd {
	STAILQ_ENTRY(t6_txsd) sd_link;
	uint32_t sd_credits, sd_plen;
};

/* The key of one direction. */
struct t6_toe_key {
	struct t6_extent *tk_place; /* NULL: there is none */
	const struct tls_suite *tk_suite;
};

enum toe_rx_tls { /* on the way to decrypted records */
	TOE_RX_NONE,
	TOE_RX_STOPPING, /* the card was told to stop delivering */
	TOE_RX_HEADER,	 /* byte by byte to the end of a header */
	TOE_RX_ON
};

/* An offloaded connection. */
struct t6_toep {
	TAILQ_ENTRY(t6_toep) te_link;
	struct nic *te_nic;
	struct tcpcb *te_tp; /* NULL: the host's is over */
	uint32_t te_tid;
	unsigned te_txq;
	/* An active open: what was asked, until the card has said the tid; */
	struct t6_toe_open te_open;
	bool te_opening; /* ... there is no tid yet */
	bool te_established;
	unsigned te_held; /* in use further up: not to be freed */
	bool te_lost;	  /* the card was reset: the tid is gone */
	bool te_over;	  /* the card's is over: both FINs, or a reset */
	bool te_peer_closed, te_fin_acked;

	/* send */
	uint32_t te_credits; /* that may still go out */
	STAILQ_HEAD(, t6_txsd) te_txsds;
	uint32_t te_wrs;	       /* in the queue, not completed */
	bool te_suspended, te_blocked; /* no credits; no descriptors */
	bool te_fin;		       /* wanted behind the data */
	bool te_fin_sent;

	/* receive */
	uint32_t te_rx_credits;	     /* bytes that the card may still deliver */
	struct t6_toe_key te_key[2]; /* transmit, receive */
	enum toe_rx_tls te_rx_tls;
	struct nic_cmd te_cmd;
	bool te_cmd_busy;
};

struct t6_toe {
	struct toedev to_tod;
	struct nic *to_nic;
	bool to_registered;
	struct kzone to_zone;
	TAILQ_HEAD(, t6_toep) to_toeps;
	struct t6_toep **to_bytid;
	uint32_t to_ntids;
	TAILQ_HEAD(, t6_lctx) to_listeners;
	uint32_t to_stid; /* the last that was given */
	struct t6_rspq to_rspq;
	struct sim_event to_retry; /* memory was short */
	uint64_t to_conns, to_refused, to_suspended;
};

static inline struct t6_toe *
t6_toe(const struct nic *n)
{
	return (((struct t6_softc *)n->n_softc)->sc_toe);
}

/* t6_toe_rx.c */
/* All the responses that are there. */
void t6_toe_responses(struct nic *);

/* t6_toe_drv.c */
struct t6_toep *t6_toep_new(struct nic *);	  /* NULL: no memory */
void t6_toep_tid(struct t6_toep *, uint32_t tid); /* it has this one */
struct t6_toep *t6_toep_find(const struct t6_toe *, uint32_t tid);
/* Nobody needs it any more? Then it is gone. */
void t6_toep_check(struct t6_toep *);
/* The host has room for so much more. */
void t6_toep_rx_credits(struct t6_toep *);
void t6_toep_ctrl(struct t6_toep *, enum t6_toe_cmd, uint64_t arg);
/* The card cannot do it any more: the host's end is over. */
void t6_toep_abort(struct t6_toep *);

/* t6_toe_tx.c */
void t6_toep_push(struct t6_toep *);
/* A work request of the connection (arg) is done; it may have waited. */
void t6_toep_wr_done(struct nic_txq *, void *arg);
/* So many credits came back. */
void t6_toep_acked(struct t6_toep *, uint32_t credits);
void t6_toep_tx_free(struct t6_toep *);

/* t6_toe_tls.c */
int t6_toe_alloc_tls(struct toedev *, struct tcpcb *, struct ktls_session *,
    int direction);
void t6_toep_rx_quiesced(struct t6_toep *);
void t6_toep_keys_free(struct t6_toep *);
enum t6_cipher_mode t6_toe_mode(const struct tls_suite *);

#endif
