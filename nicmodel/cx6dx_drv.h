/*
 * ConnectX-6 Dx: the driver's own state (mlx5en). Never seen by the card.
 *
 * A TLS tag wraps a channel's tag (UNLIMITED) or a rate limited one; its
 * packets go to that one's send queue. It expects the TCP sequence number that
 * comes next; anything else is recovered from by loading the context anew and
 * running the record's earlier bytes through the cipher (DUMP).
 *
 * Source: mlx5_en_hw_tls.c, mlx5_en_tx.c, mlx5_en_rl.c; nic-models.md 3.
 */
#ifndef CX6DX_DRV_H
#define CX6DX_DRV_H

#include <ktsim/base/kmem.h>
#include <ktsim/kern/ktls.h>

#include "cx6dx_wqe.h"
#include "nic_drv.h"

enum cx_tag_state {
	CX_TAG_INIT,	/* the card's objects are not ready */
	CX_TAG_SETUP,	/* TIS and DEK exist, no packet seen */
	CX_TAG_TXRDY,	/* has carried data */
	CX_TAG_RELEASE, /* free requested */
	CX_TAG_FREED	/* keys wiped, back in the zone */
};

/* UNLIMITED and RATE_LIMIT: a send queue. */
struct cx_sq_tag {
	struct m_snd_tag sq_tag; /* first */
	struct nic_txq *sq_txq;
	bool sq_limited;
};

struct cx_tag {
	struct m_snd_tag ct_tag; /* first: containerof by cast */
	struct nic *ct_nic;
	TAILQ_ENTRY(cx_tag) ct_link; /* alive, or free with its TIS */
	enum cx_tag_state ct_state;
	uint32_t ct_tisn; /* 0: none yet */
	uint32_t ct_dek;
	bool ct_dek_valid;
	uint32_t ct_expected_seq;
	struct cx_sq_tag *ct_rl; /* inner; a reference */
	struct cx_static ct_params;
	uint8_t ct_key[32];
	uint8_t ct_keylen;
	uint32_t ct_conn;
	bool ct_limited; /* TLS_RATE_LIMIT */

	/* The firmware's answer is awaited: */
	struct nic_cmd ct_cmd;
	struct if_snd_tag_wait *ct_wait; /* NULL: nobody waits */
	bool ct_again; /* it is set up anew after a reset of the card */
	bool ct_dead;  /* let go while that was under way */
};

struct cx_tls_stats { /* dev.mce.N.tls.stats */
	uint64_t tx_packets, tx_bytes;
	uint64_t tx_packets_ooo, tx_bytes_ooo;
	uint64_t tx_error;
};

struct cx_rl_stats { /* dev.mce.N.rate_limit.stats */
	uint64_t tx_active_connections, tx_available_resource_failure;
	uint64_t tx_modify_rate_failure;
};

struct cx_softc {
	TAILQ_HEAD(, cx_tag) cs_tags; /* alive */
	TAILQ_HEAD(, cx_tag) cs_free; /* in the zone, with their TIS */
	struct kzone cs_zone, cs_sq_zone;
	uint64_t cs_ntags;   /* alive, or being released */
	uint64_t cs_max_tag; /* dev.mce.N.tls.tls_max_tag */
	uint64_t cs_limit;   /* what it may be at most */
	bool cs_tls;	     /* the firmware has it */
	unsigned cs_unit;    /* dev.mce.N */
	struct cx_tls_stats cs_stats;
	struct cx_rx *cs_rx; /* receive: cx6dx_rx_drv.c */
	struct cx_rl_stats cs_rl_stats;
	bool cs_rl_used[CX_RL_QUEUES]; /* a tag has this queue */
};

static inline struct cx_softc *
cx_softc(const struct nic *n)
{
	return (n->n_softc);
}

/* cx6dx_drv.c */
int cx_attach(struct nic *);
void cx_detach(struct nic *);
void cx_reset(struct nic *);
unsigned cx_select(struct nic *, const struct mbuf *);
int cx_transmit(struct nic *, struct nic_queue *, struct mbuf *,
    const char **why);
void cx_dump(const struct nic *, struct strbuf *, int indent);
void cx_ctrl_init(struct cx_ctrl *, const struct nic_txq *, enum cx_opcode,
    uint8_t opmod, unsigned ds);
void cx_post_nop(struct nic_txq *, uint8_t fence, struct cx_tag *);

/* cx6dx_tls_drv.c: the hook before a packet is built. */
enum cx_hook { CX_CONTINUE, CX_LOOP, CX_FAILURE, CX_NO_TAG };
enum cx_hook cx_tls_hook(struct nic_txq *, struct mbuf *,
    const struct nic_pkt *, uint32_t *tisn, uint32_t *reread, const char **why);

/* cx6dx_tag_drv.c */
void cx_tags_init(struct nic *);
void cx_tags_fini(struct nic *);
void cx_tags_reset(struct nic *);
if_snd_tag_alloc_fn cx_snd_tag_alloc;
void cx_ratelimit_query(struct ifnet *, struct if_ratelimit_query_results *);
/* EPROTONOSUPPORT, EINVAL: what the card cannot do. */
int cx_check_cipher(const struct tls_session_params *);
void cx_fill_params(struct cx_static *, uint8_t key[32], uint8_t *keylen,
    const struct tls_session_params *);
/* Its objects are not there, nor will they be: the new driver's tag whose
 * set-up after a reset failed. The old driver's is a black hole. */
bool cx_tag_lost(const struct cx_tag *);
/* The tag of a packet if it is one of TLS: NULL. */
struct cx_tag *cx_mbuf_tag(const struct nic *, const struct mbuf *);

#endif
