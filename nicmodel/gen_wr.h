/*
 * The work request of the cards that are nobody's product (basic, ideal): one
 * block a packet, which points to a table in host memory.
 *
 * Source: our own; the indirect table is virtio's idea.
 */
#ifndef GEN_WR_H
#define GEN_WR_H

#include <ktsim/base/kmem.h>

#include "nic_hw.h"

/* What stands in the ring. */
struct gen_desc {
	uint64_t g_table; /* bus address of what follows */
	uint32_t g_len;	  /* its bytes */
	uint32_t g_pad;
};

#define GEN_CSUM 0x1
#define GEN_TSO	 0x2

/* The table: this, the header (rounded up to 16 bytes), the parts. */
struct gen_wr {
	uint8_t w_flags;
	uint8_t w_pad;
	uint16_t w_hdrlen;
	uint16_t w_mss;
	uint16_t w_nparts;
	uint32_t w_paylen;
	uint32_t w_context; /* of the records; 0: there are none */
};

enum gen_part_kind { GEN_PLAIN, GEN_RECORD };

/*
 * A run of payload: its segments follow. GEN_RECORD: the segments hold the
 * record from its beginning up to the last byte asked for (the header in any
 * case); bytes [r_off,
 * r_off + p_len) of it are to be sent, encrypted.
 */
struct gen_part {
	uint8_t p_kind;
	uint8_t p_hlen; /* record: of its header */
	uint16_t p_nsegs;
	uint32_t p_len;
	uint32_t r_off;
	uint32_t r_len; /* the whole record */
	uint64_t r_seqno;
	uint64_t r_pad;
};

struct gen_seg {
	uint64_t s_addr;
	uint32_t s_len;
	uint32_t s_pad;
};

#define GEN_HDR_ROOM(hdrlen) (((uint32_t)(hdrlen) + 15) & ~15u)

/* Commands of a card with contexts (ideal). */
enum gen_op {
	GEN_CONTEXT_CREATE,  /* data: tls_session_params; out: context */
	GEN_CONTEXT_DESTROY, /* in: context */
};

/* The driver's state begins with this. */
struct gen_softc {
	struct kzone gs_tables;
};
void gen_softc_init(struct gen_softc *, struct nic *);
void gen_softc_fini(struct gen_softc *);

/* The common halves. context: of the packet's send tag; 0: none. */
int gen_transmit(struct nic *, struct nic_queue *, struct mbuf *,
    uint32_t context, const char **why);
/* How the bytes of a record get into the burst. Returns NIC_EXEC_BAD, 0. */
typedef int gen_record_fn(struct nic_exec *, const struct gen_wr *,
    const struct gen_part *, const struct gen_seg *, uint8_t *dst);
int gen_exec(struct nic_exec *, gen_record_fn *);
void gen_decode(const struct nic_queue *, uint32_t at, uint32_t *blocks,
    struct strbuf *);

#endif
