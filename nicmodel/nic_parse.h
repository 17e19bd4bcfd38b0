/* A packet as a card sees it: headers parsed, payload not yet fetched. */
#ifndef NIC_PARSE_H
#define NIC_PARSE_H

#include <ktsim/nic/nic.h>

struct nic_pkt {
	uint8_t p_hdr[FRAME_HDR_MAX];
	uint16_t p_hdrlen;		    /* all headers (or what fits) */
	uint16_t p_l2len, p_l3len, p_l4len; /* 0: not TCP/IP */
	bool p_ipv6;
	uint32_t p_seq; /* TCP */
	uint32_t p_paylen;
	uint32_t p_mss;	  /* 0: no segmentation asked for */
	bool p_csum;	  /* the card writes the checksums */
	struct mbuf *p_m; /* the whole packet */
};

/* EINVAL: too short to be a frame, or TSO without TCP. */
int nic_parse(struct mbuf *, struct nic_pkt *);
/* Offsets in a frame's header: l2, l3, l4 lengths; 0 when not TCP over IP. */
void nic_parse_hdr(const uint8_t *hdr, uint32_t len, uint16_t *l2, uint16_t *l3,
    uint16_t *l4);

/* One TLS record that begins or goes on in a burst, for the frames' notes. */
struct nic_recmark {
	uint32_t rm_at; /* payload offset in the burst */
	uint64_t rm_seqno;
	uint32_t rm_off; /* offset in the record there */
	uint8_t rm_mode; /* enum pkt_mode */
};
#define NIC_MAXMARKS 1024

struct nic_payload {
	uint8_t *pl_bytes; /* where to put it, p_paylen bytes */
	struct nic_recmark pl_marks[NIC_MAXMARKS];
	unsigned pl_nmarks;
	uint32_t pl_reread;
	uint32_t pl_tag; /* number of the tag, 0 none */
};

/* How the bytes of one mbuf get into the burst; a model may encrypt them. */
typedef int nic_fetch_fn(struct nic *, const struct nic_pkt *, struct mbuf *,
    uint32_t off, uint32_t len, uint8_t *dst, struct nic_payload *);

/* Copies; refuses plaintext records (EINVAL, counted, traced). */
nic_fetch_fn nic_fetch_plain;
/* Payload of pkt through fn, cut into frames. */
int nic_segment(struct nic *, const struct nic_pkt *, nic_fetch_fn *fn,
    struct frameq *out);
/* Copy bytes [off, off+len) of an mbuf. */
void nic_copy(struct mbuf *, uint32_t off, uint32_t len, uint8_t *dst);

/* nic_ring.c */
int nic_transmit(struct ifnet *, struct mbuf *);
void nic_ring_init(struct nic *);
void nic_ring_fini(struct nic *);

/* nic_rx.c */
void nic_rx_init(struct nic *);
void nic_rx_fini(struct nic *);
/* Before the link's or the interface's state changes: frames that are on
 * their way are judged by the state at their arrival. */
void nic_rx_settle(struct nic *);

#endif
