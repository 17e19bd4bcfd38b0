/*
 * A simulated network card: one port, its transmit ring, and its model.
 *
 * To the host it is an ifnet with if_transmit; to the laboratory it is a port
 * that emits frames and takes frames. In between:
 *
 *   if_transmit  ring slot taken (ENOBUFS when full)            [host, now]
 *   fetch        the model's nm_tx turns one packet into frames: headers are
 *                parsed, payload bytes are read through the direct map and so
 *                frozen, TSO cuts, TLS encrypts                  [event]
 *   egress       frames leave back to back at the link's rate; the port's
 *                np_egress gets each with the instant it left
 *   completion   after the burst's last bit the packet's mbufs (and its send
 *                tag) are freed and the next slot is fetched     [event]
 *
 * A port whose link is down completes its slots at once: the card builds the
 * frames, nobody receives them (FRAME_LOST_RING).
 *
 * A model is a constant table (struct nic_model): a new card is one file.
 */
#ifndef KTSIM_NIC_NIC_H
#define KTSIM_NIC_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/timebase.h>
#include <ktsim/net/if_var.h>
#include <ktsim/nic/frame.h>

struct nic;
struct lro_ctrl;

/* The laboratory's side of a port. */
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
};

struct nic_params {
	const char *np_model; /* "basic", "ideal" */
	const char *np_xname; /* "mce0" */
	uint8_t np_lladdr[6];
	uint64_t np_rate_bps; /* of the link */
	uint32_t np_mtu;
	uint32_t np_ring;	  /* slots; 0: the model's */
	simtime_t np_rx_coalesce; /* from an arrival to its interrupt */
	bool np_lro;		  /* enabled, where the model can */
	uint8_t np_numa_domain;	  /* M_NODOM: unknown */
	struct framepool *np_pool;
	const struct nic_port_ops *np_ops;
	void *np_arg;
};

struct nic_stats {
	uint64_t tx_packets, tx_frames,
	    tx_bytes;	       /* from the stack; on the wire */
	uint64_t tx_bursts;    /* packets that were TSO */
	uint64_t enobuf;       /* ring full */
	uint64_t tx_lost_ring; /* frames built with the link down */
	uint64_t rx_frames, rx_bytes, rx_bad_csum, rx_link_down, rx_not_mine,
	    rx_interrupts;
	uint64_t dma_payload;		 /* bytes fetched */
	uint64_t dma_reread;		 /* of these, to rebuild cipher state */
	uint64_t tls_packets, tls_bytes; /* encrypted */
	uint64_t tls_restarts;		 /* sequence was not the expected one */
	uint64_t tls_tags;		 /* alive */
	uint64_t tls_tags_max, tls_tags_taken, tls_tags_released;
	uint64_t tls_plain_refused; /* record without a tag of this port */
};

/* What sets one card apart from another. All methods run on the engine. */
struct nic_model {
	const char *nm_name;
	const char *nm_text; /* one line for `list models` */
	uint64_t nm_caps;    /* IFCAP_* */
	uint32_t nm_tsomax, nm_tsomaxsegcount, nm_tsomaxsegsize;
	uint32_t nm_ring;   /* default slots */
	simtime_t nm_fetch; /* doorbell to first bit */

	/* Card state behind n->n_softc; NULL: none. ENOMEM. */
	int (*nm_attach)(struct nic *);
	void (*nm_detach)(struct nic *);
	/*
	 * Frames of one packet, appended to out. The packet remains the
	 * ring's. 0, or an errno: the packet is dropped and counted.
	 */
	int (*nm_tx)(struct nic *, struct mbuf *, struct frameq *out);
	/*
	 * A send tag; the model embeds m_snd_tag in its own and copies from
	 * the session what it needs (keys live in the card). NULL method:
	 * EOPNOTSUPP. Errnos: EOPNOTSUPP type; EPROTONOSUPPORT version or
	 * cipher; EINVAL key or IV length; ENOMEM table full.
	 */
	if_snd_tag_alloc_fn *nm_snd_tag_alloc;
	void (*nm_dump)(const struct nic *, struct strbuf *, int indent);
};

struct nic {
	struct ifnet n_if; /* first: containerof both ways */
	const struct nic_model *n_model;
	struct vnet *n_vnet;
	struct nic_params n_params;
	void *n_softc;
	struct nic_stats n_stats;

	/* transmit ring: a FIFO of packets (by m_nextpkt), the head is being sent */
	struct mbuf *n_ring_head, **n_ring_tail;
	uint32_t n_ring_used, n_ring_size;
	bool n_link_up;
	struct sim_event n_fetch_ev, n_done_ev;
	uint32_t n_bursts; /* numbers bursts */

	/* receive: arrived, and not yet taken by an interrupt */
	struct frameq n_rxq;
	struct sim_event n_intr_ev;
	struct lro_ctrl *n_lro;
};

extern const struct nic_model *const nic_models[]; /* NULL-terminated */
const struct nic_model *nic_model_find(const char *name);

/*
 * Create the card and attach its interface, administratively down, link
 * state unknown. EINVAL: no such model, bad MTU or ring.
 */
int nic_attach(struct vnet *, const struct nic_params *, struct nic **);
/* Packets in the ring are freed; tags must be gone. NULL allowed. */
void nic_detach(struct nic *);
/* The physical link's state, from the wire. */
void nic_link(struct nic *, bool up);
/*
 * Receive. A frame that arrives is in host memory at once; an interrupt takes
 * it and all that came since np_rx_coalesce later, so nothing has to happen at
 * the arrivals themselves. The laboratory either brings frames one by one
 * (nic_rx: has arrived now; takes the reference) or says when one will arrive
 * (nic_rx_expect) and gives it when asked (np_pull).
 */
void nic_rx(struct nic *, struct frame *);
void nic_rx_expect(struct nic *, simtime_t when);

/* Ring, receive queue (chains: what is in them), counters, the model's part;
 * base/dump.h. */
void nic_dump(const struct nic *, bool chains, struct strbuf *, int indent);

static inline struct nic *
ifp_to_nic(struct ifnet *ifp)
{
	return ((struct nic *)(void *)ifp);
}

#endif
