/*
 * ConnectX-6 Dx, driver: receive tags. Never seen by the card.
 *
 * Source: mlx5_en_hw_tls_rx.c; nic-models.md 4.
 */
#ifndef CX6DX_RX_DRV_H
#define CX6DX_RX_DRV_H

#include "cx6dx_drv.h"

/* Runs of equal records that software took: about a GB of history. */
#define CX_RX_RUNS	32
#define CX_RX_RUN_COUNT 2048
struct cx_rx_run {
	uint32_t rr_seq; /* of its first header */
	uint32_t rr_len; /* of each record */
	uint32_t rr_count;
	uint64_t rr_recno; /* of its first */
};

struct cx_rx_tag {
	struct m_snd_tag rt_tag; /* first */
	struct nic *rt_nic;
	TAILQ_ENTRY(cx_rx_tag) rt_link;
	enum cx_tag_state rt_state;
	uint32_t rt_tirn, rt_dek;
	bool rt_dek_valid;
	struct cx_static rt_params;
	uint8_t rt_key[32];
	uint8_t rt_keylen;
	struct cx_rule rt_rule;
	uint32_t rt_conn;

	struct nic_cmd rt_cmd;
	struct if_snd_tag_wait *rt_wait;
	bool rt_given;	    /* it is somebody's */
	bool rt_released;   /* and no longer */
	unsigned rt_posted; /* control work requests under way */

	bool rt_active;			      /* the card is out of step */
	bool rt_pending;		      /* GET_PSV is under way */
	struct cx_rx_run rt_runs[CX_RX_RUNS]; /* newest last */
	unsigned rt_nruns;
	struct cx_progress rt_progress; /* the card writes it */
};

struct cx_rx_stats { /* dev.mce.N.tls_rx.stats, pstats */
	uint64_t rx_resync_ok, rx_resync_err, rx_error;
	uint64_t rx_decrypted_ok_packets, rx_decrypted_error_packets;
};

void cx_rx_init(struct nic *, unsigned unit);
void cx_rx_fini(struct nic *);
void cx_rx_tags_reset(struct nic *);
int cx_rx_tag_alloc(struct nic *, const struct if_snd_tag_alloc_params *);
void cx_rx_packet(struct nic *, const struct frame *, struct mbuf *);

#endif
