/* The T6's own state; no driver includes this. */
#ifndef T6_HW_H
#define T6_HW_H

#include "t6_wr.h"

struct t6_tp;
struct tls_crypt;
struct tp_conn;

/* One tid: the pseudo-connection's control block. */
struct t6_tcb {
	bool tc_live;
	struct tp_conn *tc_toe; /* TP has its TCP; NULL: a pseudo-connection */
	bool tc_ipv6, tc_timestamps;
	struct ksockaddr tc_local, tc_foreign;
	uint8_t tc_lladdr[6];
	uint64_t tc_field[TCB_FIELDS];
	/*
	 * The ciphers made from the key context used last: a cache of work
	 * that the real engine does anew each time, none of its state.
	 */
	struct tls_crypt *tc_crypt;
	const struct tls_suite *tc_suite;
	uint8_t tc_ctx[T6_KEYCTX_MAX];
};

struct t6_l2e {
	uint8_t l_mac[6];
	uint16_t l_vlan;
};

struct t6_hw {
	struct t6_tcb *th_tcbs;
	uint32_t th_ntcbs; /* allocated so far */
	uint32_t th_free;  /* the lowest that may be free */
	uint32_t th_nlive;
	uint32_t th_tids;      /* there are at most */
	uint8_t *th_keys;      /* key memory, made on the first write */
	uint32_t th_keys_len;  /* bytes */
	uint64_t th_key_slots; /* by order: so many keys at most */
	struct t6_l2e th_l2t[T6_L2T_SIZE];
	uint16_t th_ipid;    /* of the headers it builds */
	struct t6_tp *th_tp; /* with TOE; NULL */
};

/* NULL: no such tid. */
struct t6_tcb *t6_tcb(struct nic_card *, uint32_t tid);
/* The ciphers of a key context; NULL: it makes no sense. */
struct tls_crypt *t6_tcb_crypt(struct t6_tcb *, const struct cpl_tx_sec_pdu *,
    const uint8_t *ctx);

/* The ciphers of the context in key memory, made anew. NULL: as above. */
struct tls_crypt *t6_key_crypt(struct nic_card *, const struct cpl_tx_sec_pdu *,
    uint32_t addr, const struct tls_suite **);
/* The context at an address of key memory; NULL: no such. */
const uint8_t *t6_key_at(const struct t6_hw *, uint32_t addr);
/* tids of TP's connections. */
uint32_t t6_tids_left(const struct t6_hw *);
bool t6_tid_take(struct nic_card *, uint32_t *tid);
void t6_tid_give(struct nic_card *, uint32_t tid);

/* Bytes [off, off+len) of what a gather list names. 0, NIC_EXEC_BAD. */
int t6_sgl_read(struct nic_exec *, const uint8_t *sgl, uint32_t sgl_len,
    uint32_t off, uint32_t len, uint8_t *dst, enum nic_dma cause);

/* One TLS record: p is its txpkt, of len bytes. */
int t6_exec_tls(struct nic_exec *, const uint8_t *p, uint32_t len);
/* t6_toe_hw.c: work requests and commands of TOE. */
int t6_exec_toe(struct nic_exec *, const uint8_t *wr, uint32_t len);
/* A record for TP's connection: made already, len bytes. */
int t6_exec_toe_record(struct nic_exec *, struct tp_conn *, struct framebuf *,
    uint32_t len, uint32_t wr_len, uint64_t seqno);
/* A work request FW_ETH_TX_PKT_WR. */
int t6_exec_pkt(struct nic_exec *, const uint8_t *wr, uint32_t len);

#endif
