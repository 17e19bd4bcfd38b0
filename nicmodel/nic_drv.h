/*
 * The drivers' common half: queues as the host sees them, mapping a packet for
 * DMA, what must be freed when a completion comes, and commands to the card.
 * Never included by a card's file (*_hw.c).
 */
#ifndef NIC_DRV_H
#define NIC_DRV_H

#include "nic_hw.h"
#include "nic_parse.h"

/* Counters of a send queue, under FreeBSD's names. */
struct nic_txq_stats {
	uint64_t packets, bytes;	 /* posted; dumps count too */
	uint64_t tso_packets, tso_bytes; /* bursts; with a header per segment */
	uint64_t csum_offload_none;
	uint64_t defragged;
	uint64_t dropped;
	uint64_t enobuf;
	uint64_t cqe_err; /* completions with an error */
	uint64_t nop;	  /* completions of work requests that send nothing */
};

/* One queue as its driver sees it. */
struct nic_txq {
	struct nic *t_nic;
	struct nic_queue *t_q; /* shared with the card */
	uint32_t t_pi;	       /* posted, or about to be */
	uint32_t t_ci;	       /* completions reaped below this */
	uint32_t t_size;       /* blocks that may be in use at once */
	bool t_running;
	/* By block: freed when a completion passes it. */
	struct nic_slot {
		struct mbuf *sl_m;
		uint32_t sl_mappings;
		void (*sl_done)(struct nic_txq *, void *arg); /* NULL: none */
		void *sl_arg;
		bool sl_nop;
	} * t_slots;
	uint32_t t_packets; /* mbufs in the slots */
	struct nic_txq_stats t_stats;
};

struct nic_driver {
	struct nic_txq *d_txqs;
	unsigned d_ntxqs;
	unsigned d_nsend;    /* the first; behind them the model's own (control
			     queues, rate limited ones) */
	uint64_t d_dma_fail; /* by order: so many mappings fail */
	STAILQ_HEAD(nic_cmds, nic_cmd) d_cmds; /* the mailbox, in order */
	struct sim_event d_cmd_ev;
	simtime_t d_cmd_time;  /* that one takes */
	simtime_t d_cmd_usual; /* and took before an order ... */
	bool d_cmd_ordered;    /* ... said how long */
	struct sim_event d_stall_ev;
	uint64_t d_cmd_fail; /* by order: so many fail */
	uint64_t d_cmds_done, d_cmds_failed;
};
#define NIC_MAXQUEUES 128

static inline struct nic_txq *
nic_txq(struct nic *n, const struct nic_queue *q)
{
	return (&n->n_drv->d_txqs[q->q_index]);
}
/* Blocks that may still be posted. */
static inline uint32_t
nic_txq_room(const struct nic_txq *t)
{
	return (t->t_size - (t->t_pi - t->t_ci));
}

/*
 * The blocks of one work request (wr, len bytes) go into the ring at t_pi,
 * which moves on. m (may be NULL) is freed, and mappings given back, when its
 * completion comes. lab may be NULL. There must be room. Not yet told to the
 * card: nic_txq_ring does that.
 */
void nic_txq_post(struct nic_txq *, const void *wr, uint32_t len,
    struct mbuf *m, uint32_t mappings, const struct nic_lab *lab);
/* The slot of the work request posted last. */
struct nic_slot *nic_txq_last(struct nic_txq *);
void nic_txq_ring(struct nic_txq *);

/* A segment of a packet, reachable for the card. */
struct nic_seg {
	uint64_t s_addr;
	uint32_t s_len;
};
/*
 * Map bytes [off, off+len) of an mbuf chain (M_EXTPG by its pieces), at most
 * max segments. Returns how many; -EFBIG: more than max; -EIO: mapping failed
 * (an order of the scenario). Nothing is left mapped then.
 */
int nic_map_chain(struct nic_txq *, const struct mbuf *, uint32_t off,
    uint32_t len, struct nic_seg *, unsigned max);
/*
 * The mbuf of a TLS record holds references to all of the record's pages, also
 * when only a part of it is to be sent. Between open and close the mbuf is the
 * whole record, so that any part of it can be mapped.
 */
struct nic_record {
	uint32_t r_off; /* where the mbuf began in the record */
	int32_t r_mlen; /* and its length */
	uint32_t r_hlen, r_paylen, r_tlen;
	uint32_t r_len; /* of the whole record */
};
void nic_record_open(struct mbuf *, struct nic_record *);
void nic_record_close(struct mbuf *, const struct nic_record *);
/* Behind the packet's first mbuf: the same bytes in few mbufs. False: no
 * memory, all is as it was. */
bool nic_defrag(struct nic *, struct mbuf *);

/*
 * The number in FreeBSD's dev.mce.N (nm_unit): the digits the interface's name
 * ends in, 0 without; the next that is free if another card of the host has
 * the sysctl dev.mce.N.probe already.
 */
unsigned nic_unit(const struct nic *, const char *probe);
/* A send tag was made: counters. */
void nic_tag_taken(struct nic *);

/* nic_drv.c */
int nic_transmit(struct ifnet *, struct mbuf *);
int nic_drv_init(struct nic *);
void nic_drv_fini(struct nic *);
/* The card's interrupt: completions were written back. */
void nic_drv_interrupt(struct nic *);
/* All that was posted is given up: packets freed, indexes as at attach. */
void nic_drv_drop_all(struct nic *);

/* --- commands: the card's mailbox --- */
/*
 * Commands are carried out one after the other, each in d_cmd_time (from the
 * model's knob, or an order); c_done is called then, from an event. The
 * structure is the caller's, and must live until then. On detach c_done comes
 * with ENXIO. A command that the scenario makes fail has the status EIO.
 */
void nic_cmd_submit(struct nic *, struct nic_cmd *);
/* For cards whose commands cost nothing: carried out here; its status. */
int nic_cmd_now(struct nic *, struct nic_cmd *);
/* All that are in the mailbox are answered so. ECANCELED: the card was reset,
 * what it had is gone. */
void nic_cmd_flush(struct nic *, int status);
void nic_cmd_init(struct nic *);
void nic_cmd_fini(struct nic *);

#endif
