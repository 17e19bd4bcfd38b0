/* Headers of a packet, as a driver and a card read them. */
#ifndef NIC_PARSE_H
#define NIC_PARSE_H

#include <ktsim/nic/nic.h>

struct nic_hdr {
	uint8_t h_bytes[FRAME_HDR_MAX];
	uint16_t h_len;			    /* all headers (or what fits) */
	uint16_t h_l2len, h_l3len, h_l4len; /* 0: not TCP/IP */
	bool h_ipv6;
	uint32_t h_seq; /* TCP */
};

struct nic_pkt {
	struct nic_hdr p_hdr;
	uint32_t p_paylen;
	uint32_t p_mss;	  /* 0: no segmentation asked for */
	bool p_csum;	  /* the card writes the checksums */
	struct mbuf *p_m; /* the whole packet */
};

/* Offsets in a frame's header: l2, l3, l4 lengths; 0 when not TCP over IP. */
void nic_parse_hdr(const uint8_t *hdr, uint32_t len, uint16_t *l2, uint16_t *l3,
    uint16_t *l4);
/* h_bytes and h_len are set: the rest. h_len becomes that of the headers. */
void nic_hdr_parse(struct nic_hdr *);
/* The VLAN tag that the stack left to the card; 0: none. */
uint16_t nic_vtag(const struct mbuf *);
/* Put it in; 0: nothing. There must be room for it. */
void nic_hdr_vlan(struct nic_hdr *, uint16_t vtag);
/* EINVAL: too short to be a frame, TSO without TCP, more than a card takes. */
int nic_parse(struct mbuf *, struct nic_pkt *);

/* nic_note.c: frames of one work request, for captures. */
struct nic_lab;
void nic_note(struct frame *, const struct nic_lab *, uint32_t at, uint32_t seq,
    uint32_t burst, uint32_t reread, unsigned queue);

/* nic_rx.c */
void nic_rx_init(struct nic *);
void nic_rx_fini(struct nic *);
/* Before the link's or the interface's state changes: frames that are on
 * their way are judged by the state at their arrival. */
void nic_rx_settle(struct nic *);

#endif
