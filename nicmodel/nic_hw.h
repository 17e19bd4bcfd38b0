/*
 * What a driver and its card share, and the card's common part.
 *
 * They share three things only: memory that both can reach (a queue's ring,
 * and host memory behind bus addresses), the doorbell, by which the driver
 * says how far it has posted, and the completion, by which the card says how
 * far it is done. A driver's file (*_drv.c) does not see the card's state, nor
 * a card's file (*_hw.c) the driver's: a driver's mistake cannot be hidden.
 *
 *   driver                                card
 *   nic_ring_put, nic_dma_map
 *   nic_doorbell(pi)              ->      fetch: one work request at a time
 *                                         prepare, process: nm_hw_exec
 *                                         frames leave at the link's rate
 *   nm interrupt: reap up to ci   <-      write back: ci, errors
 *
 * Two things limit a card: its link, and its bus (struct nic_bus), over which
 * descriptors and payload are read. A work request's bytes are read one after
 * the other at the bus's rate; a frame leaves when its bytes are there and the
 * link is free; the next work request is begun when the bus is free and the
 * frames that wait for the link are not more than the card's buffer holds.
 * What is read is frozen when the work request is begun.
 */
#ifndef NIC_HW_H
#define NIC_HW_H

#include "nic_parse.h"

#define NIC_BLOCK  64	/* bytes: the unit of every ring */
#define NIC_WR_MAX 2048 /* longest work request, bytes */

/*
 * For captures and reports only, beside the descriptors: which packet of the
 * stack a work request is for. No card's decision may depend on it; nic_note.c
 * alone reads it. The first byte sent is l_skip bytes behind the beginning of
 * l_rec (before it, if negative: a card that sends a record's earlier bytes
 * again).
 */
struct nic_lab {
	const struct mbuf *l_m;	  /* the packet; lives until its completion */
	const struct mbuf *l_rec; /* an mbuf of it; NULL: no payload */
	int32_t l_skip;
	uint32_t l_reread; /* read again for it by work requests before */
	uint32_t l_tag;	   /* number of its send tag; 0: none */
	uint32_t l_conn;   /* without l_m: whose bytes it reads; 0: nobody's */
};

/* --- a queue --- */
struct nic_queue {
	struct nic_card *q_card;
	unsigned q_index;

	/* The ring: q_blocks blocks of NIC_BLOCK bytes, a power of two. All
	 * indexes run free, modulo 2^32. */
	uint8_t *q_ring;
	uint32_t q_blocks;
	uint32_t q_pi;	/* doorbell: the driver has posted blocks below this */
	uint32_t q_ci;	/* written back: the card is done with those below */
	bool q_error;	/* written back: the card has stopped this queue */
	uint64_t q_bad; /* written back: completions with an error */

	/* Bus addresses: what the driver has mapped, oldest first. */
	struct nic_mapping {
		const uint8_t *nm_p;
		uint32_t nm_len;
	} * q_map;
	uint32_t q_map_size; /* a power of two */
	uint32_t q_map_head, q_map_tail;

	struct nic_lab *q_lab; /* by block */

	/* The card's own. */
	uint32_t q_fetched;  /* work requests below this were begun */
	uint64_t q_rate_bps; /* of a rate limited queue; 0: the link's */
	simtime_t q_next;    /* not before this instant (rate limit) */
	bool q_hung;	     /* by order: takes nothing (nic_order) */
};

/* Bytes at block `at`, around the ring's end. */
void nic_ring_put(struct nic_queue *, uint32_t at, const void *bytes,
    uint32_t len);
/* The same bytes in one piece: in the ring, or copied to tmp if they wrap. */
const uint8_t *nic_ring_get(const struct nic_queue *, uint32_t at, uint32_t len,
    uint8_t *tmp);
static inline uint8_t *
nic_ring_block(const struct nic_queue *q, uint32_t at)
{
	return (q->q_ring + (size_t)(at & (q->q_blocks - 1)) * NIC_BLOCK);
}
static inline uint32_t
nic_blocks(uint32_t bytes)
{
	return ((bytes + NIC_BLOCK - 1) / NIC_BLOCK);
}

/*
 * Driver: make len bytes reachable; the address, never 0. 0: the mapping
 * failed (no room, or an order of the scenario). Addresses are the same in
 * every run. Mappings are given back oldest first.
 */
uint64_t nic_dma_map(struct nic_queue *, const uint8_t *, uint32_t len);
void nic_dma_unmap(struct nic_queue *, uint32_t mappings);

/* --- the bus --- */
enum nic_dma {
	NIC_DMA_DESC,	 /* work requests and doorbells, read */
	NIC_DMA_PAYLOAD, /* bytes that go on the wire, read */
	NIC_DMA_REREAD,	 /* bytes read only to rebuild or close a record */
	NIC_DMA_CQE,	 /* completions, written */
	NIC_DMA_RX,	 /* received frames, written */
	NIC_DMA_CAUSES
};
extern const char *const nic_dma_names[NIC_DMA_CAUSES];

/* --- one work request being processed --- */
struct nic_exec {
	struct nic_card *x_card;
	struct nic_queue *x_q;
	uint32_t x_at;			/* its first block */
	uint32_t x_blocks;		/* it has; the method sets it */
	uint32_t x_room;		/* blocks posted from x_at on */
	struct nic_lab x_lab;		/* the laboratory's; see nic_lab */
	uint64_t x_dma[NIC_DMA_CAUSES]; /* bytes it moved */
	struct frameq x_out;		/* frames it made */
	simtime_t x_delay;		/* more time than its bytes take */
};

/*
 * Card: the bytes at a bus address, charged to the work request. NULL: no such
 * mapping (the driver made a mistake; the queue must be stopped).
 */
const uint8_t *nic_dma_read(struct nic_exec *, uint64_t addr, uint32_t len,
    enum nic_dma);

/* --- the card --- */
struct nic_card {
	const struct nic_model *c_model;
	struct nic *c_nic;   /* for np_egress and the drivers' interrupt only */
	struct vnet *c_vnet; /* clock, tracer and defects */
	const char *c_name;
	struct framepool *c_pool;
	struct nic_stats *c_stats;
	void *c_softc; /* the model's hardware half */

	struct nic_queue *c_queues;
	unsigned c_nqueues, c_turn; /* whose turn it is */

	struct nic_bus *c_bus, *c_own_bus;
	uint64_t c_link_bps;
	bool c_link_up;
	simtime_t c_link_free; /* the last bit that waits for the link */
	simtime_t c_buffer;    /* so much waiting is allowed when a work request
				  is begun */
	simtime_t c_next;      /* next begin at the earliest */
	simtime_t c_latency;   /* doorbell to first begin, when idle */

	/* completions to come, oldest first */
	struct nic_cqe {
		simtime_t e_when;
		struct nic_queue *e_q;
		uint32_t e_ci;
	} * c_cqes;
	uint32_t c_cqe_size, c_cqe_head, c_cqe_tail;
	simtime_t c_cqe_last;
	simtime_t c_moderation; /* an interrupt is held back so long */
	void (*c_interrupt)(struct nic *); /* the line to the driver */
	struct sim_event c_ev;
	bool c_rx_now; /* it looks into frames itself: as they arrive */
	bool c_running;
	uint32_t c_bursts;  /* numbers bursts */
	uint64_t c_corrupt; /* by order: so many TLS sends are damaged */
};

/* nm_hw_exec's answer to a work request that makes no sense: the queue is
 * stopped (q_error), as a real card stops one; counted as cqe_err. */
#define NIC_EXEC_BAD 1

/* blocks: of each queue, a power of two. */
void nic_card_init(struct nic_card *, struct nic *, unsigned queues,
    uint32_t blocks);
void nic_card_fini(struct nic_card *);
/* Driver: blocks below pi are posted. */
void nic_doorbell(struct nic_queue *, uint32_t pi);
/* All queues forget what they were given; frames on the wire are on the wire.
 * The model's nm_hw_reset is called. */
void nic_card_reset(struct nic_card *);
/*
 * The queue's rate from now on, bits/s (0: the link's). What the wait after its
 * latest work request still lacks in bytes is waited for at the new rate.
 */
void nic_queue_set_rate(struct nic_card *, struct nic_queue *,
    uint64_t rate_bps);
/* After a change from outside (link, a rate, an order): look anew. */
void nic_card_kick(struct nic_card *);
/* Nothing posted is left, all is written back. */
bool nic_card_idle(const struct nic_card *);
/* Frames that the card makes by itself leave when the link is free; the queue
 * is empty then. */
void nic_card_emit(struct nic_card *, struct frameq *);
/*
 * A frame in host memory, or a card's, as a packet: header bytes are copied,
 * payload is shared with whoever holds the frame. NULL: no memory.
 */
struct mbuf *nic_frame_mbuf(struct mb_state *, struct frame *);
/* The cipher state was rebuilt: counter and trace. */
void nic_card_restart(const struct nic_exec *, uint64_t seqno, uint32_t off,
    uint32_t reread);

/* --- a command, as it stands in the mailbox --- */
struct nic_cmd {
	STAILQ_ENTRY(nic_cmd) c_link;
	unsigned c_op; /* the model's */
	uint64_t c_in[6];
	const void *c_data; /* with it: a key, a parameter block */
	uint64_t c_out[2];
	int c_status; /* 0, or an errno: what the firmware answered;
			 ECANCELED: the card was reset first */
	/* the driver's */
	void (*c_done)(struct nic *, struct nic_cmd *);
	void *c_arg;
};

/* --- from a header and bytes to frames (nic_tso.c) --- */
struct nic_send {
	struct nic_hdr s_hdr; /* parsed; see nic_parse.h */
	uint32_t s_paylen;
	uint32_t s_mss;	       /* 0: one frame, header as it is */
	bool s_csum;	       /* write the checksums */
	struct framebuf *s_fb; /* payload from its beginning; NULL: none */
	uint32_t s_skip;       /* payload begins here in s_fb */
	bool s_tls;	       /* the payload was encrypted by the card */
};
/* Cut and append to x_out; s_fb's reference remains the caller's. */
void nic_segment(struct nic_exec *, const struct nic_send *);

#endif
