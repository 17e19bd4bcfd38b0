/*
 * ConnectX-6 Dx: what driver and card share. Work-queue elements stand in the
 * ring as on the real card: big-endian, 16-byte units (DS), 64-byte blocks.
 *
 * Source: mlx5_ifc.h, mlx5_en/en_hw_tls.h; nic-models.md 3.3 and 3.8.
 */
#ifndef CX6DX_WQE_H
#define CX6DX_WQE_H

#include "nic_hw.h"

enum cx_opcode {
	CX_OPCODE_NOP = 0x00,
	CX_OPCODE_SEND = 0x0a,
	CX_OPCODE_LSO = 0x0e,
	CX_OPCODE_SET_PSV = 0x20,
	CX_OPCODE_GET_PSV = 0x21,
	CX_OPCODE_DUMP = 0x23,
	CX_OPCODE_UMR = 0x25,
};
#define CX_OPMOD_TIS		 0x01 /* UMR: static parameters; SET_PSV: progress */
#define CX_OPMOD_TIR		 0x02

#define CX_FENCE_INITIATOR_SMALL 0x20 /* in ws_fm_ce_se */
#define CX_CQ_UPDATE		 0x08

struct cx_ctrl { /* 16 bytes */
	uint8_t wc_opmod;
	uint8_t wc_index[2]; /* of its first block */
	uint8_t wc_opcode;
	uint8_t wc_qpn[3];
	uint8_t wc_ds; /* units of 16 bytes, this one included */
	uint8_t wc_signature;
	uint8_t wc_rsvd[2];
	uint8_t wc_fm_ce_se;
	uint8_t wc_imm[4]; /* TIS number << 8; 0: no TLS */
};

#define CX_ETH_L3_CSUM 0x40
#define CX_ETH_L4_CSUM 0x80
#define CX_ETH_INLINE  14 /* the inlined header begins here in it */

struct cx_eth { /* 16 bytes, and what of the header goes beyond */
	uint8_t we_rsvd0[4];
	uint8_t we_cs_flags;
	uint8_t we_rsvd1;
	uint8_t we_mss[2];
	uint8_t we_rsvd2[4];
	uint8_t we_inline_size[2];
	uint8_t we_inline[2];
};

struct cx_data { /* 16 bytes */
	uint8_t wd_len[4];
	uint8_t wd_lkey[4];
	uint8_t wd_addr[8];
};

/* Static parameters of a context, 64 bytes. */
#define CX_TLS_1_2 2
#define CX_TLS_1_3 3
#define CX_STD_TLS 1 /* encryption standard */
struct cx_static {
	uint8_t ps_version; /* const 01, version << 2, const 01 */
	uint8_t ps_rsvd1[2];
	uint8_t ps_standard;
	uint8_t ps_rsvd2[4];
	uint8_t ps_recno[8]; /* initial record number */
	uint8_t ps_resync_seq[4];
	uint8_t ps_gcm_iv[4]; /* salt */
	uint8_t ps_implicit_iv[8];
	uint8_t ps_dek[4]; /* 24 bits */
	uint8_t ps_rsvd3[28];
};

/* Progress parameters, 16 bytes. */
struct cx_progress {
	uint8_t pp_tisn[4]; /* TIS, TIR: 24 bits */
	uint8_t pp_next_seq[4];
	uint8_t pp_hw_resync_seq[4];
	uint8_t pp_state; /* tracker << 6, auth << 4 */
	uint8_t pp_offset[3];
};

struct cx_umr_wqe { /* 192 bytes: 3 blocks */
	struct cx_ctrl wu_ctrl;
	uint8_t wu_umr[48];
	uint8_t wu_mkey[64];
	struct cx_static wu_static;
};
struct cx_psv_wqe { /* 32 bytes: 1 block */
	struct cx_ctrl wp_ctrl;
	struct cx_progress wp_progress;
};
struct cx_dump_wqe { /* 32 bytes: 1 block */
	struct cx_ctrl wd_ctrl;
	struct cx_data wd_data;
};

_Static_assert(sizeof(struct cx_ctrl) == 16, "ctrl");
_Static_assert(sizeof(struct cx_eth) == 16, "eth");
_Static_assert(sizeof(struct cx_data) == 16, "data");
_Static_assert(sizeof(struct cx_static) == 64, "static");
_Static_assert(sizeof(struct cx_progress) == 16, "progress");
_Static_assert(sizeof(struct cx_umr_wqe) == 192, "UMR");
_Static_assert(sizeof(struct cx_psv_wqe) == 32, "SET_PSV");

#define CX_MAX_WQEBBS 16
#define CX_MAX_WQE    (CX_MAX_WQEBBS * NIC_BLOCK)
#define CX_NOP_DS     4

/* Commands of the firmware. */
enum cx_cmd {
	CX_CREATE_TIS,	/* out: number */
	CX_DESTROY_TIS, /* in: number */
	CX_CREATE_DEK,	/* in: bytes of the key; data: the key; out: index */
	CX_DESTROY_DEK, /* in: index */
	CX_CREATE_TIR,	/* out: number */
	CX_DESTROY_TIR, /* in: number; its rule goes with it */
	CX_ADD_RULE,	/* in: TIR; data: struct cx_rule */
};

/* A steering rule: the TCP connection whose frames go through a TIR, as the
 * receiver sees it. */
struct cx_rule {
	bool r_ipv6;
	uint8_t r_src[16], r_dst[16];
	uint16_t r_sport, r_dport;
	uint16_t r_vlan; /* 0: untagged */
};

/* What GET_PSV says: tracker and authentication state of a TIR. */
enum cx_tracker { CX_TRACKER_START, CX_TRACKER_TRACKING, CX_TRACKER_SEARCHING };
enum cx_auth { CX_AUTH_NO_OFFLOAD, CX_AUTH_OFFLOAD };
struct cx_get_psv_wqe { /* 48 bytes: 1 block */
	struct cx_ctrl wg_ctrl;
	uint8_t wg_psvn[4]; /* TIR */
	uint8_t wg_rsvd[12];
	uint8_t wg_addr[8]; /* the card writes struct cx_progress there */
	uint8_t wg_rsvd2[8];
};

/* What the model's knobs are, by index; cx6dx.c. */
enum cx_knob {
	CX_KNOB_DRIVER, /* 0 old, 1 new */
	CX_KNOB_LOG_MAX_DEK,
	CX_KNOB_LOG_MAX_TIS,
	CX_KNOB_MAX_TAGS,
	CX_KNOB_PREALLOC,
	CX_KNOB_CMD_TIME,
	CX_KNOB_MAX_INLINE,
	CX_KNOB_TLS,
	CX_KNOB_KEY_CACHE,
	CX_KNOB_KEY_MISS,
};

/* Behind the channels: rate limited send queues, and the internal queue (IQ)
 * of receive's control work requests. */
#define CX_RL_QUEUES 32
#define CX_IQ	     CX_RL_QUEUES /* its index behind the channels */

/* cx6dx_hw.c, cx6dx_tls_hw.c */
int cx_hw_attach(struct nic_card *);
void cx_hw_detach(struct nic_card *);
void cx_hw_reset(struct nic_card *);
int cx_hw_exec(struct nic_exec *);
void cx_hw_cmd(struct nic_card *, struct nic_cmd *);
void cx_hw_rx(struct nic_card *, struct frame **);
void cx_hw_dump(const struct nic_card *, struct strbuf *, int indent);
int cx_hw_order(struct nic_card *, enum nic_order, uint64_t value);
/* cx6dx_decode.c */
void cx_decode(const struct nic_queue *, uint32_t at, uint32_t *blocks,
    struct strbuf *);

#endif
