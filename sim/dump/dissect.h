/*
 * The bytes of any Ethernet frame, taken apart as far as a line about it
 * needs: VLAN tags, ARP, IPv4, IPv6 with extension headers, TCP, UDP, ICMP.
 *
 * The frames may come from anywhere and may be cut by a snapshot length:
 * nothing behind the captured bytes is read, and lengths that contradict each
 * other make the frame malformed, with a text that says which.
 */
#ifndef SIM_DUMP_DISSECT_H
#define SIM_DUMP_DISSECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/strbuf.h>

#define TH_FIN	0x01
#define TH_SYN	0x02
#define TH_RST	0x04
#define TH_PUSH 0x08
#define TH_ACK	0x10
#define TH_URG	0x20
#define TH_ECE	0x40
#define TH_CWR	0x80

enum pkt_kind {
	PK_MALFORMED, /* pk_text says what is wrong */
	PK_OTHER,     /* pk_text tells it in short */
	PK_TCP
};

struct endpoint { /* no holes: compared as bytes */
	uint8_t en_addr[16];
	uint16_t en_port;
	uint16_t en_v6; /* 0 or 1 */
};

struct packet {
	enum pkt_kind pk_kind;
	char pk_text[160];
	struct endpoint pk_src, pk_dst;
	uint8_t pk_ecn; /* the IP header's two bits */

	/* TCP alone */
	uint32_t pk_seq, pk_ack;
	uint16_t pk_win; /* as it stands in the header */
	uint8_t pk_flags;
	const uint8_t *pk_opts; /* in the frame */
	unsigned pk_optlen;
	const uint8_t *pk_data; /* in the frame */
	uint32_t pk_len;	/* payload bytes on the wire */
	uint32_t pk_caplen;	/* of these, captured */
};

/* p: the captured bytes; wirelen: what the frame had on the wire. */
void dissect(const uint8_t *p, size_t caplen, size_t wirelen, struct packet *);
/* "10.0.0.1:443", "[fd00::1]:443" */
void endpoint_text(const struct endpoint *, struct strbuf *);
/*
 * TCP options as "mss 1460,sackOK,TS val 1 ecr 0,wscale 6"; an option that
 * does not fit its list ends the text with "malformed". sack_base is taken off
 * the edges of SACK blocks.
 */
void tcp_options_text(const uint8_t *, unsigned len, uint32_t sack_base,
    struct strbuf *);
/* Shift of the window scale option, at most 14; -1 when there is none. */
int tcp_options_wscale(const uint8_t *, unsigned len);

#endif
