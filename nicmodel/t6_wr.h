/*
 * What the T6's driver and its hardware share: work requests, commands, key
 * contexts. Sizes are the real ones (nic-models.md 5.6, 5.8), so that a work
 * request has as many descriptors here as there; the numbers inside fields
 * are ours.
 *
 *   FW_ULPTX_WR       header, then packets of the upper-layer engine, each
 *                     with its own length: SET_TCB_FIELD, a TLS record, a
 *                     write to the card's memory
 *   FW_TP_WR          a layer-2 entry
 *   FW_ETH_TX_PKT_WR  a packet as it is, with or without LSO
 *
 * A TLS record:
 *   txpkt 8, idata 8, sec_pdu 32, key context | memrd 16, tx_data 16,
 *   immediate: TLS header and, of a part, an IV (rounded up to 16), sgl
 */
#ifndef T6_WR_H
#define T6_WR_H

#include <ktsim/opencrypto/tls_suite.h>

#include "nic_hw.h"

#define T6_WR_MAX     512 /* SGE_MAX_WR_LEN: 8 descriptors */
#define T6_SEGS	      39  /* TX_SGL_SEGS */
#define T6_ROUND16(n) (((uint32_t)(n) + 15) & ~15u)

enum t6_wr_op { FW_ULPTX_WR = 0x04, FW_TP_WR = 0x05, FW_ETH_TX_PKT_WR = 0x08 };
enum t6_ulp_op { ULP_TX_MEM_WRITE = 3, ULP_TX_PKT = 4, ULP_TX_SC_MEMRD = 0x86 };
enum t6_cpl {
	CPL_SET_TCB_FIELD = 0x05,
	CPL_L2T_WRITE_REQ = 0x12,
	CPL_TX_DATA = 0x0c,
	CPL_TX_SEC_PDU = 0x8a,
	CPL_TX_PKT_LSO = 0xed,
	CPL_TX_PKT_XT = 0xee,
};

struct t6_wr_hdr {
	uint8_t wh_op;
	uint8_t wh_pad[3];
	uint32_t wh_len16; /* of the work request, in 16 bytes */
	uint64_t wh_cookie;
};

struct ulp_txpkt {
	uint8_t up_op;
	uint8_t up_pad[3];
	uint32_t up_len16; /* with this */
};

struct ulptx_idata {
	uint32_t id_cmd;
	uint32_t id_len;
};

struct ulptx_sc_memrd {
	uint8_t mr_op;
	uint8_t mr_pad[3];
	uint32_t mr_addr; /* key memory */
	struct ulptx_idata mr_idata;
};

/* A gather list: this, and pairs of segments behind it. */
struct ulptx_sgl {
	uint32_t sg_nsegs;
	uint32_t sg_len0;
	uint64_t sg_addr0;
};
struct ulptx_sge_pair {
	uint32_t sp_len[2];
	uint64_t sp_addr[2];
};

/* --- SET_TCB_FIELD --- */
enum t6_tcb_field {
	TCB_T_FLAGS,	 /* T6_TF_* */
	TCB_L2T_IX,	 /* layer-2 entry */
	TCB_TX_MAX,	 /* behind the last byte sent */
	TCB_SND_UNA_RAW, /* these three: how far below TX_MAX */
	TCB_SND_NXT_RAW,
	TCB_SND_MAX_RAW,
	TCB_RCV_NXT,
	TCB_RCV_WND,
	TCB_T_RTSEQ_RECENT, /* timestamp to be echoed */
	TCB_TS_OFFSET,	    /* top 4 bits of the offset */
	TCB_FIELDS
};
#define T6_TF_NON_OFFLOAD 0x1
#define T6_TF_CORE_BYPASS 0x2
#define T6_RAW_MASK	  0x0fffffffu
#define T6_TS_SHIFT	  28

struct cpl_set_tcb_field {
	uint8_t st_op;
	uint8_t st_pad;
	uint16_t st_word; /* enum t6_tcb_field */
	uint32_t st_tid;
	uint64_t st_mask;
	uint64_t st_val;
};
struct t6_set_tcb {
	struct ulp_txpkt s_txpkt;
	struct ulptx_idata s_idata;
	struct cpl_set_tcb_field s_cpl;
	uint64_t s_noop; /* ULP_TX_SC_NOOP: to a multiple of 16 */
};

/* --- a TLS record --- */
enum t6_cipher_mode { T6_GCM, T6_CTR, T6_CBC_HMAC, T6_CBC };
struct cpl_tx_sec_pdu {
	uint8_t sp_op;
	uint8_t sp_mode; /* enum t6_cipher_mode */
	uint8_t sp_vminor;
	uint8_t sp_hdrlen;  /* TLS header: first of the immediate data */
	uint32_t sp_pldlen; /* payload bytes in the gather list */
	uint32_t sp_tail;   /* bytes behind the payload that are made */
	uint16_t sp_auth;   /* CRYPTO_*_HMAC; 0: none */
	uint8_t sp_ivlen;   /* of the IV behind the header; 0: from it */
	uint8_t sp_keylen;  /* context in here; 0: a memrd stands there */
	uint8_t sp_nohdr;   /* the header is not to be sent */
	uint8_t sp_pad[7];
	uint64_t sp_seqno; /* of the TLS record */
};
struct cpl_tx_data {
	uint8_t td_op;
	uint8_t td_shove; /* PSH on the last packet */
	uint16_t td_mss;
	uint32_t td_tid;
	uint32_t td_len; /* stream bytes */
	uint32_t td_seq; /* of the first of them */
};
/* What every TLS work request begins with. */
struct t6_tls_head {
	struct ulp_txpkt h_txpkt;
	struct ulptx_idata h_idata;
	struct cpl_tx_sec_pdu h_sec;
};
#define T6_IV_LEN 16

/* --- a write to the card's memory --- */
struct t6_mem_write {
	uint8_t mw_op;
	uint8_t mw_pad[3];
	uint32_t mw_len16;
	uint32_t mw_addr;
	uint32_t mw_len;
	struct ulptx_idata mw_idata;
	uint64_t mw_align;
};

/* --- a layer-2 entry --- */
struct cpl_l2t_write {
	uint8_t lw_op;
	uint8_t lw_mac[6];
	uint8_t lw_pad;
	uint16_t lw_idx;
	uint16_t lw_vlan; /* 0: none */
	uint32_t lw_pad2;
};
#define T6_L2T_SIZE 4096

/* --- a packet --- */
struct cpl_tx_pkt_lso {
	uint8_t ls_op;
	uint8_t ls_pad[3];
	uint16_t ls_ipid_ofst, ls_mss;
	uint32_t ls_seq_ofst, ls_len;
};
struct cpl_tx_pkt {
	uint8_t tp_op;
	uint8_t tp_csum;  /* write the checksums */
	uint16_t tp_vlan; /* tag to put in; 0: none */
	uint32_t tp_len;  /* of the packet */
	uint64_t tp_imm;  /* it stands behind this; 0: a gather list does */
};

_Static_assert(sizeof(struct t6_wr_hdr) == 16, "sheet 5.8");
_Static_assert(sizeof(struct ulp_txpkt) == 8, "sheet 5.8");
_Static_assert(sizeof(struct ulptx_idata) == 8, "sheet 5.8");
_Static_assert(sizeof(struct cpl_tx_sec_pdu) == 32, "sheet 5.8");
_Static_assert(sizeof(struct ulptx_sc_memrd) == 16, "sheet 5.8");
_Static_assert(sizeof(struct cpl_tx_data) == 16, "sheet 5.8");
_Static_assert(sizeof(struct ulptx_sgl) == 16, "sheet 5.8");
_Static_assert(sizeof(struct ulptx_sge_pair) == 24, "sheet 5.8");
_Static_assert(sizeof(struct t6_set_tcb) == 48, "LEN__SET_TCB_FIELD_ULP");
_Static_assert(sizeof(struct t6_mem_write) == 32, "a multiple of 16");
_Static_assert(sizeof(struct cpl_tx_pkt) == 16, "cpl_tx_pkt_core");
_Static_assert(sizeof(struct cpl_tx_pkt_lso) == 16, "cpl_tx_pkt_lso_core");

/*
 * A key context, sheet 5.6: header, the key, and what belongs to the tag. Of
 * an HMAC the real card is given the two partial states; ours the block-sized
 * key of which they are made, which is as long.
 */
struct t6_keyctx_hdr {
	uint8_t kh_len16;
	uint8_t kh_keylen;
	uint8_t kh_maclen; /* of the block-sized key; 0: GCM */
	uint8_t kh_pad;
	uint8_t kh_salt[4]; /* GCM */
	uint8_t kh_pad2[8];
};
_Static_assert(sizeof(struct t6_keyctx_hdr) == 16, "sheet 5.6");
#define T6_KEYCTX_MAX 176
#define T6_GHASH_LEN  16

static inline uint32_t
t6_hmac_block(const struct tls_suite *s)
{
	return (s->auth_algorithm == CRYPTO_SHA2_384_HMAC ? 128 : 64);
}
/* Bytes of a suite's context. */
static inline uint32_t
t6_keyctx_len(const struct tls_suite *s)
{
	return ((uint32_t)sizeof(struct t6_keyctx_hdr) +
	    T6_ROUND16(s->key_len) +
	    (s->cipher == TLS_CIPHER_GCM ? T6_GHASH_LEN : t6_hmac_block(s)));
}
static inline uint32_t
t6_sgl_len(uint32_t nsegs)
{
	uint32_t more = nsegs > 0 ? nsegs - 1 : 0;

	return (nsegs == 0 ? 0 : 16 + more / 2 * 24 + (more & 1) * 16);
}

/* --- the control queue --- */
enum t6_cmd {
	T6_ACT_OPEN,	/* data: t6_open; out: tid. ENOMEM: no tid */
	T6_TID_L2T,	/* in: tid, layer-2 entry */
	T6_TID_RELEASE, /* in: tid */
	T6_L2T_WRITE,	/* data: cpl_l2t_write */
	T6_TIDS,	/* in: so many there are */
	T6_KEY_SLOTS,	/* out: so many keys its memory may hold */
};
struct t6_open {
	bool o_ipv6, o_timestamps;
	struct ksockaddr o_local, o_foreign;
	uint8_t o_lladdr[6]; /* the port's */
};

/* --- the hardware's methods, for the model's table --- */
int t6_hw_attach(struct nic_card *);
void t6_hw_detach(struct nic_card *);
void t6_hw_reset(struct nic_card *);
int t6_hw_exec(struct nic_exec *);
void t6_hw_cmd(struct nic_card *, struct nic_cmd *);
void t6_tp_rx(struct nic_card *, struct frame **);
int t6_hw_order(struct nic_card *, enum nic_order, uint64_t value);
void t6_hw_dump(const struct nic_card *, struct strbuf *, int indent);
void t6_decode(const struct nic_queue *, uint32_t at, uint32_t *blocks,
    struct strbuf *);

#endif
