/*
 * What the T6's driver and its hardware share of TCP offload: work requests on
 * the send queues, writes on the control queue, and the response queue, by
 * which the card tells what has become of connections. Formats have the parts
 * of the real ones; the numbers inside fields are ours.
 *
 *   FW_OFLD_TX_DATA_WR  header, t6_ofld_tx, sgl: bytes of the stream
 *   FW_TLSTX_DATA_WR    header, then a TLS record as NIC TLS has it: sec_pdu,
 *                       memrd of the key, tx_data, TLS header with its
 *                       explicit IV, sgl of the payload
 *   FW_TP_WR            header, cpl_close_con: a FIN behind all of that
 *
 * A connection may have so many credits (16 bytes of work requests each) out;
 * they come back (CPL_FW4_ACK) when the peer has acknowledged the bytes.
 */
#ifndef T6_TOE_H
#define T6_TOE_H

#include "t6_wr.h"

#define FW_OFLD_TX_DATA_WR 0x0b
#define FW_TLSTX_DATA_WR   0x68
#define CPL_CLOSE_CON_REQ  0x08

struct t6_ofld_tx {
	uint32_t ot_tid;
	uint32_t ot_len; /* stream bytes of this work request */
	uint64_t ot_pad;
};
_Static_assert(sizeof(struct t6_ofld_tx) == 16, "a multiple of 16");

struct cpl_close_con {
	uint8_t cc_op;
	uint8_t cc_pad[3];
	uint32_t cc_tid;
	uint64_t cc_pad2;
};

/* --- the control queue, besides enum t6_cmd --- */
enum t6_toe_cmd {
	T6_TOE_START = 64, /* data: struct t6_rspq */
	T6_TOE_CLIP,	   /* data: ksockaddr: an address of the port */
	T6_TOE_LISTEN,	   /* in: stid; data: ksockaddr */
	T6_TOE_UNLISTEN,   /* in: stid */
	T6_TOE_CONN,	   /* in: tid, number for notes */
	T6_TOE_RX_CREDITS, /* in: tid, bytes that may come besides */
	T6_TOE_SETOPT,	   /* in: tid, option, bytes; data: its value */
	T6_TOE_ABORT,	   /* in: tid: a reset to the peer */
	T6_TOE_RELEASE,	   /* in: tid: the host is done with it */
	T6_TOE_RX_QUIESCE, /* in: tid: nothing comes from now on */
	T6_TOE_RX_BYTE,	   /* in: tid: one byte, then CPL_RX_QUIESCED */
	T6_TOE_RX_TLS,	   /* data: t6_toe_rx_tls; EINVAL: no such key */
	T6_TOE_KEY_WRITE,  /* in: address, bytes; data: key context */
	T6_TOE_ACT_OPEN,   /* data: t6_toe_open; out: tid. ENOMEM */
	T6_TOE_INFO,	   /* in: tid; data: ktcp_info, to be filled */
};
struct t6_toe_open {
	struct ksockaddr to_local, to_foreign, to_nexthop;
};
struct t6_toe_rx_tls {
	uint32_t rt_tid;
	uint32_t rt_resid;	      /* bytes that come as they are, before */
	uint64_t rt_seqno;	      /* of the record behind them */
	uint32_t rt_key;	      /* address */
	struct cpl_tx_sec_pdu rt_sec; /* version, mode, MAC */
};

/* --- the response queue --- */
enum t6_cpl_rx {
	CPL_ACT_ESTABLISH = 0x40,  /* data: t6_established */
	CPL_PASS_ESTABLISH = 0x41, /* the same */
	CPL_FW4_ACK = 0xc0,	   /* c_val: credits */
	CPL_RX_DATA = 0x39,	   /* data: bytes */
	CPL_RX_TLS_CMP = 0xb0,	   /* c_val: wire bytes; data: payload */
	CPL_RX_QUIESCED = 0x3a,
	CPL_PEER_CLOSE = 0x26,
	CPL_CLOSE_CON_RPL = 0x32,
	CPL_ABORT_REQ_RSS = 0x2b, /* c_error */
};
struct t6_rsp {
	STAILQ_ENTRY(t6_rsp) c_link;
	enum t6_cpl_rx c_op;
	uint32_t c_tid;
	uint32_t c_val;
	int c_error;	  /* TLS: 0, EBADMSG, EMSGSIZE, EINVAL */
	bool c_eof;	  /* TLS: the end of the stream is within it */
	bool c_fatal;	  /* TLS: nothing behind it can be read */
	uint8_t c_type;	  /* TLS: of the record */
	uint64_t c_seqno; /* TLS: its number */
	uint8_t c_vmajor, c_vminor;
	uint32_t c_len; /* of the data */
	uint8_t c_data[];
};
struct t6_established {
	uint32_t es_stid;
	struct ksockaddr es_local, es_foreign;
	uint32_t es_iss, es_irs;
	uint16_t es_maxseg;
	uint8_t es_snd_scale, es_rcv_scale;
	bool es_timestamps;
};

/* Written by the card into the host's memory. */
struct t6_toe_stats {
	uint64_t tx_toe_tls_records, tx_toe_tls_octets;
	uint64_t rx_toe_tls_records, rx_toe_tls_octets;
	uint64_t tcp_in_segs, tcp_out_segs, tcp_retrans_segs, tcp_out_rsts;
	uint64_t declined; /* SYNs left to the host: no tid */
};
/* In the host's memory; the card appends, the interrupt takes. */
struct t6_rspq {
	STAILQ_HEAD(, t6_rsp) rq_cpls;
	struct sim_event rq_intr; /* the driver's handler */
	struct t6_toe_stats rq_stats;
};

#endif
