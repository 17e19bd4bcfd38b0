/* What a tap reads out of a frame's headers: one TCP segment. */
#ifndef KTSIM_SIM_FLOWKEY_H
#define KTSIM_SIM_FLOWKEY_H

#include <stdbool.h>
#include <stdint.h>

struct frame;

#define SEG_FIN 0x01
#define SEG_SYN 0x02
#define SEG_RST 0x04
#define SEG_ACK 0x10

struct flowkey { /* no holes: compared and hashed as bytes */
	uint8_t fk_src[16], fk_dst[16];
	uint16_t fk_sport, fk_dport;
	uint32_t fk_vlan_v6;
};

struct segment {
	struct flowkey sg_key;
	uint32_t sg_seq, sg_ack;
	uint32_t sg_len; /* payload bytes */
	uint8_t sg_flags;
	uint16_t sg_win;	       /* as it stands there */
	uint16_t sg_optoff, sg_optlen; /* TCP options, in f_hdr */
};

/* False: not an unfragmented TCP segment with all headers in f_hdr. */
bool segment_parse(const struct frame *, struct segment *);
/* Ethertype behind VLAN tags; 0 when the frame is too short. */
uint16_t segment_ethertype(const struct frame *, unsigned *l3off,
    uint16_t *vlan);

#endif
