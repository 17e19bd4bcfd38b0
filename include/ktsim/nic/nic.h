/*
 * A simulated network card: one port, its driver and its hardware.
 *
 * To the host it is an ifnet with if_transmit; to the laboratory it is a port
 * that emits frames and takes frames. In between stand two halves that share
 * only descriptors, doorbells and completions (nicmodel/nic_hw.h):
 *
 *   if_transmit  the driver chooses a queue, maps the packet for DMA, posts
 *                work requests and rings the doorbell (ENOBUFS: no room)
 *   fetch        the card takes a work request; payload bytes are read over
 *                the bus and so frozen, TSO cuts, TLS encrypts      [event]
 *   egress       frames leave back to back at the link's rate; the port's
 *                np_egress gets each with the instant it left
 *   completion   the card writes back how far it is; the driver's interrupt
 *                frees the packets (and lets their send tags go)    [event]
 *
 * A port whose link is down processes its work requests at once: the card
 * builds the frames, nobody receives them (FRAME_LOST_RING).
 *
 * A card is a constant table, struct nic_model: a description and what it does
 * differently. docs/nics.md tells how to add one; tests/unit/nic/example.c
 * adds one.
 */
#ifndef KTSIM_NIC_NIC_H
#define KTSIM_NIC_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/timebase.h>
#include <ktsim/net/if_var.h>
#include <ktsim/nic/frame.h>

struct lro_ctrl;
struct nic;
struct nic_bus;
struct nic_card;
struct nic_cmd;
struct nic_driver; /* nic_drv.h */
struct nic_exec;
struct nic_queue;

/* --- the laboratory's side of a port --- */
struct nic_port_ops {
	/*
	 * The frame's last bit leaves the port at f->f_when (now or later, in
	 * order per port), if the link is up until then. Takes the reference.
	 * FRAME_LOST_RING: only for the record.
	 */
	void (*np_egress)(void *arg, struct nic *, struct frame *);
	/*
	 * The frames that arrived at this port before `before` and were not
	 * taken yet, with their references, in order, into the queue. Returns
	 * when the next one arrives; SIM_NEVER: none is on its way. NULL:
	 * every frame is brought by nic_rx.
	 */
	simtime_t (*np_pull)(void *arg, struct nic *, simtime_t before,
	    struct frameq *);
	/*
	 * The card begins a work request, or wrote a completion: bytes as they
	 * stand in memory, text what they mean. NULL: nobody looks.
	 */
	void (*np_dma)(void *arg, struct nic *, unsigned queue, bool completion,
	    const uint8_t *bytes, uint32_t len, const char *text);
};

/* --- what a scenario may say of a card --- */

/* A setting of one model: a number (or one of a list of words). */
struct nic_knob {
	const char *k_name; /* "log_max_dek" */
	uint64_t k_def, k_min, k_max;
	const char *const
	    *k_words;	    /* the value is one of these; NULL: number */
	const char *k_unit; /* "ns", "entries"; "" none */
	const char *k_text;
	const char *k_source; /* or "assumed" with the reason for the default */
};
#define NIC_MAXKNOBS 16

/* Largest IP packets that a port may be set to. */
#define NIC_MTU_MIN 576
#define NIC_MTU_MAX 9216

/* Orders of a scenario: what goes wrong in the card from now on. */
enum nic_order {
	NIC_ORDER_RESET,    /* the driver resets the card */
	NIC_ORDER_STALL,    /* it takes no work requests for so long (ps) */
	NIC_ORDER_DMA_FAIL, /* so many mappings fail */
	NIC_ORDER_CORRUPT,  /* so many TLS work requests have a bit flipped */
	NIC_ORDER_CMD_FAIL, /* so many commands fail */
	NIC_ORDER_CMD_TIME, /* a command takes so long (ps) */
	NIC_ORDER_KEYS,	    /* the key table has so many entries */
	NIC_ORDER_CONTEXTS, /* so many contexts (TIS, atid) there are */
	NIC_ORDER_COUNT
};
struct nic_order_info {
	const char *o_name; /* "reset", "stall", "dma-fail", ... */
	const char *o_unit; /* "time", "count", "" no value */
	const char *o_text;
};
extern const struct nic_order_info nic_orders[NIC_ORDER_COUNT];

struct nic_params {
	const char *np_model; /* "basic", "ideal" ... */
	const char *np_xname; /* "mce0" */
	uint8_t np_lladdr[6];
	uint64_t np_rate_bps; /* of the link */
	uint32_t np_mtu;
	uint32_t np_ring;   /* blocks of each queue; 0: the model's. Models
			       round up to a power of two, except those with
			       nm_ring_any */
	uint32_t np_queues; /* 0: the model's */
	simtime_t np_rx_coalesce; /* from an arrival to its interrupt */
	simtime_t np_tx_coalesce; /* from a completion to its interrupt */
	bool np_lro;		  /* enabled, where the model can */
	uint8_t np_numa_domain;	  /* M_NODOM: unknown */
	struct framepool *np_pool;
	/* A bus that several ports share; NULL: one of its own. */
	struct nic_bus *np_bus;
	uint64_t np_bus_bps; /* of its own: bits/s; 0: the model's */
	/* By the model's nm_knobs; unset: k_def. */
	uint64_t np_knobs[NIC_MAXKNOBS];
	uint32_t np_knobs_set; /* bit per knob */
	const struct nic_port_ops *np_ops;
	void *np_arg;
};

struct nic_stats {
	/* driver */
	uint64_t tx_packets; /* from the stack */
	uint64_t enobuf;     /* no room in the ring */
	uint64_t tls_packets;
	uint64_t tls_tags; /* alive */
	uint64_t tls_tags_max, tls_tags_taken, tls_tags_released,
	    tls_tags_refused;
	uint64_t tls_black_holes;   /* tags taken with nothing behind them: all
				     packets of the session are dropped */
	uint64_t tls_plain_refused; /* record without a tag of this port */
	uint64_t dma_map_failed;
	uint64_t resets;
	/* card */
	uint64_t tx_frames, tx_bytes; /* on the wire */
	uint64_t tx_bursts;	      /* work requests that were TSO */
	uint64_t tx_lost_ring;	      /* frames built with the link down */
	uint64_t dma_payload;	      /* bytes fetched, reread included */
	uint64_t dma_reread;   /* of these, to rebuild or close a record */
	uint64_t dma_desc;     /* bytes of work requests fetched */
	uint64_t dma_cqe;      /* bytes of completions written */
	uint64_t dma_rx;       /* bytes of received frames written */
	uint64_t tls_bytes;    /* record bytes that left encrypted */
	uint64_t tls_restarts; /* cipher state rebuilt in mid-record */
	uint64_t cqe_err;      /* work requests that made no sense */
	uint64_t rx_frames, rx_bytes, rx_bad_csum, rx_link_down, rx_not_mine,
	    rx_interrupts;
	uint64_t rx_decrypted; /* packets that the card decrypted */
};

/* --- a model --- */
struct nic_model {
	/* The description: what `list models` and docs/nics.md say. */
	const char *nm_name;
	const char *nm_text;   /* one line */
	const char *nm_driver; /* FreeBSD's: "mlx5en(4)"; "" none */
	const char *nm_unit;   /* sysctl unit "mce": dev.mce.N...; NULL: none */
	const char *nm_source; /* where its behaviour is taken from */
	uint64_t nm_caps;      /* IFCAP_*, all on by default */
	uint32_t nm_tsomax, nm_tsomaxsegcount, nm_tsomaxsegsize;
	uint32_t nm_ring; /* blocks */
	uint32_t nm_ring_min, nm_ring_max;
	bool nm_ring_any; /* any number of blocks, one per packet */
	uint32_t nm_queues;
	uint32_t nm_extra_queues; /* behind them, the model's own */
	simtime_t nm_fetch;	  /* doorbell to first bit, idle */
	uint64_t nm_bus_bps;	  /* usable; 0: without limit */
	uint32_t nm_buffer; /* bytes of frames that may wait for the link when
				 the next work request is begun */
	const struct nic_knob *nm_knobs; /* k_name NULL ends; NULL none */

	/* --- driver half; all run on the engine --- */
	/*
	 * State behind n->n_softc and the model's sysctls. 0; ENOMEM; EINVAL:
	 * knobs that do not fit together. NULL: none.
	 */
	int (*nm_attach)(struct nic *);
	void (*nm_detach)(struct nic *);
	/* The queue of a packet; NULL: flowid modulo queues, 0 without one. */
	unsigned (*nm_select)(struct nic *, const struct mbuf *);
	/*
	 * Post a packet. 0: the driver has it, and frees it when its completion
	 * comes (nic_txq_post). An errno: it remains the caller's, who drops and
	 * traces it and gives the errno to the stack: ENOBUFS no room; EINVAL
	 * EFBIG malformed; ENOMEM, EIO mapping. why: static text.
	 */
	int (*nm_transmit)(struct nic *, struct nic_queue *, struct mbuf *,
	    const char **why);
	/*
	 * A send tag; the model embeds m_snd_tag in its own and copies from
	 * the session what it needs (keys live in the card). The tag's own
	 * methods (if_snd_tag_sw): modify and query answer EOPNOTSUPP where
	 * the type has none, free gets the last reference, next the inner tag
	 * or NULL. NULL method: EOPNOTSUPP. Errnos: EINPROGRESS the answer
	 * comes through params->wait; EOPNOTSUPP type; EPROTONOSUPPORT version
	 * or cipher; EINVAL key or IV length; ENOMEM table full; others: the
	 * model's sheet.
	 */
	if_snd_tag_alloc_fn *nm_snd_tag_alloc;
	/* The card's rates (net/if_var.h); NULL: none. */
	void (*nm_ratelimit_query)(struct ifnet *,
	    struct if_ratelimit_query_results *);
	/* Completions were reaped: room in the rings. NULL: nothing to do. */
	void (*nm_reaped)(struct nic *);
	/* A packet was received: what the completion said of it goes into the
	 * mbuf (CSUM_TLS_DECRYPTED). NULL: nothing. */
	void (*nm_rx)(struct nic *, const struct frame *, struct mbuf *);
	/* The card has lost its state: make it anew. NULL: nothing to make. */
	void (*nm_reset)(struct nic *);
	void (*nm_dump)(const struct nic *, struct strbuf *, int indent);

	/* --- hardware half --- */
	int (*nm_hw_attach)(
	    struct nic_card *); /* c_softc. ENOMEM. NULL: none */
	void (*nm_hw_detach)(struct nic_card *);
	/* Power-on state; the queues are empty already. NULL: nothing. */
	void (*nm_hw_reset)(struct nic_card *);
	/*
	 * Process the work request at x->x_at: sets x_blocks, reads through
	 * nic_dma_read, appends frames. 0, or NIC_EXEC_BAD.
	 */
	int (*nm_hw_exec)(struct nic_exec *);
	/* A command of the driver; sets its status. NULL: the card has none. */
	void (*nm_hw_cmd)(struct nic_card *, struct nic_cmd *);
	/* A frame arrives; it may be replaced (decrypted: *f, with its
	 * reference) and f_rxtls set, or taken (*f NULL: the card's own). NULL:
	 * nothing to do. */
	void (*nm_hw_rx)(struct nic_card *, struct frame **);
	/* Orders besides the common ones. EOPNOTSUPP: the card has no such
	 * thing. NULL: none. */
	int (*nm_hw_order)(struct nic_card *, enum nic_order, uint64_t value);
	void (
	    *nm_hw_dump)(const struct nic_card *, struct strbuf *, int indent);
	/* A work request as text, for the DMA capture. */
	void (*nm_decode)(const struct nic_queue *, uint32_t at,
	    uint32_t *blocks, struct strbuf *);
};

struct nic {
	struct ifnet n_if; /* first: containerof both ways */
	const struct nic_model *n_model;
	struct vnet *n_vnet;
	struct nic_params n_params;
	struct nic_stats n_stats;
	struct nic_driver *n_drv; /* the common driver's: nic_drv.h */
	struct nic_card *n_card;  /* the hardware: nic_hw.h */
	void *n_softc;		  /* the model's driver's */

	/* receive: arrived, and not yet taken by an interrupt */
	bool n_link_up;
	struct frameq n_rxq;
	struct sim_event n_intr_ev;
	struct sim_event n_look_ev; /* the card looks into frames itself */
	struct lro_ctrl *n_lro;
};

extern const struct nic_model *const nic_models[]; /* NULL-terminated */
const struct nic_model *nic_model_find(const char *name);
/* -1: the model has no such setting. */
int nic_knob_find(const struct nic_model *, const char *name);

/* --- a bus, which ports of one card share --- */
/* bps 0: without limit. */
struct nic_bus *nic_bus_create(uint64_t bps);
void nic_bus_destroy(struct nic_bus *); /* NULL allowed */
void nic_bus_set_rate(struct nic_bus *, uint64_t bps);
/* The rate of the bus a card is at, and how long that has been busy reading. */
uint64_t nic_bus_rate(const struct nic *);
simtime_t nic_bus_busy(const struct nic *);

/*
 * Create the card and attach its interface, administratively down, link
 * state unknown. EINVAL: no such model, bad MTU, ring, queues or knobs;
 * ENOMEM.
 */
int nic_attach(struct vnet *, const struct nic_params *, struct nic **);
/*
 * As nic_attach for a model that is not in the table: for tests, and for
 * models of a user's own.
 */
int nic_attach_model(struct vnet *, const struct nic_model *,
    const struct nic_params *, struct nic **);
/* Packets in the rings are freed; tags must be gone; who waits for a tag gets
 * ENXIO. NULL allowed. */
void nic_detach(struct nic *);
/* The physical link's state, from the wire. */
void nic_link(struct nic *, bool up);
/*
 * An order of the scenario, now. 0; EOPNOTSUPP: this model has no such thing;
 * EINVAL: value.
 */
int nic_order(struct nic *, enum nic_order, uint64_t value);
/* False: a card of this model answers EOPNOTSUPP, whatever the value. */
bool nic_order_fits(const struct nic_model *, enum nic_order);
/* No order strikes any more; a stall is over. */
void nic_faults_off(struct nic *);
/*
 * Receive. A frame that arrives is in host memory at once; an interrupt takes
 * it and all that came since np_rx_coalesce later, so nothing has to happen at
 * the arrivals themselves. The laboratory either brings frames one by one
 * (nic_rx: has arrived now; takes the reference) or says when one will arrive
 * (nic_rx_expect) and gives it when asked (np_pull).
 */
void nic_rx(struct nic *, struct frame *);
void nic_rx_expect(struct nic *, simtime_t when);
/* Packets the driver has posted and the card has not completed. */
uint32_t nic_tx_pending(const struct nic *);

/* Rings (chains: what is in them), receive queue, counters, the model's part;
 * base/dump.h. */
void nic_dump(const struct nic *, bool chains, struct strbuf *, int indent);

static inline struct nic *
ifp_to_nic(struct ifnet *ifp)
{
	return ((struct nic *)(void *)ifp);
}

static inline uint64_t
nic_knob(const struct nic *n, unsigned i)
{
	return (n->n_params.np_knobs[i]);
}

#endif
