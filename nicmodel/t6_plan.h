/*
 * What the T6's driver decides about one record of a packet: the table of
 * nic-models.md 5.10 as functions without state.
 *
 * Offsets are in the record, from the first byte of its TLS header.
 */
#ifndef T6_PLAN_H
#define T6_PLAN_H

#include "t6_wr.h"

/* What TCP asks for: bytes [a_off, a_end) of a record. */
struct t6_ask {
	bool a_cbc;
	uint32_t a_off, a_end;
	uint32_t a_asked; /* it asked for what is below this before */
	uint32_t a_hlen, a_paylen, a_tlen; /* header, payload, trailer */
};

enum t6_kind {
	T6_FULL,   /* the whole record is encrypted, tag made */
	T6_SHORT,  /* from pl_start to pl_tlen, no tag */
	T6_HEADER, /* a piece of the TLS header, in the clear */
	T6_NOTHING /* not a byte of it can be sent now */
};

struct t6_plan {
	enum t6_kind pl_kind;
	uint32_t pl_tlen;	    /* end of what is covered */
	uint32_t pl_start;	    /* the card's output begins here */
	uint32_t pl_dma, pl_dmalen; /* payload bytes it reads */
	uint32_t pl_tx_max;	    /* what is below need not be sent */
	uint32_t pl_octets, pl_waste;
};

void t6_plan(const struct t6_ask *, struct t6_plan *);

/*
 * Bytes of the work request for a record. keylen: of an inline context, 0:
 * it is in the card's memory. EFBIG is the caller's when this is more than
 * T6_WR_MAX.
 */
uint32_t t6_tls_wr_len(enum t6_kind, uint32_t hlen, uint32_t keylen,
    uint32_t nsegs);

/* What the card's control block was told last. */
struct t6_shadow {
	uint32_t sh_seq; /* behind the last byte that the card has sent */
	uint32_t sh_ack, sh_tsecr;
	uint16_t sh_win;
	uint16_t sh_mss; /* 0: none seen yet */
	uint16_t sh_l2t;
};
/* What the packet's header says. */
struct t6_now {
	uint32_t n_ack, n_tsecr;
	uint16_t n_win;
	uint16_t n_l2t;
	bool n_timestamps;
};
struct t6_write {
	enum t6_tcb_field w_field;
	uint64_t w_val;
};
#define T6_WRITES_MAX 6
/* The writes that a TLS work request needs before it; returns how many.
 * tx_max: as a TCP sequence; off: where in the record the packet begins. */
unsigned t6_tcb_writes(const struct t6_shadow *, const struct t6_now *,
    uint32_t tx_max, uint32_t off, struct t6_write[T6_WRITES_MAX]);

#endif
