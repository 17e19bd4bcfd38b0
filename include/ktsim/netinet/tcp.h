/* TCP on the wire: byte arrays, network order. */
#ifndef KTSIM_NETINET_TCP_H
#define KTSIM_NETINET_TCP_H

#include <stdint.h>

struct ktcphdr {
	uint8_t th_sport[2];
	uint8_t th_dport[2];
	uint8_t th_seq[4];
	uint8_t th_ack[4];
	uint8_t th_off; /* header words in the high nibble */
	uint8_t th_flags;
	uint8_t th_win[2];
	uint8_t th_sum[2];
	uint8_t th_urp[2];
};

#define KTH_FIN		       0x01
#define KTH_SYN		       0x02
#define KTH_RST		       0x04
#define KTH_PUSH	       0x08
#define KTH_ACK		       0x10
#define KTH_URG		       0x20
#define KTH_ECE		       0x40
#define KTH_CWR		       0x80

#define KTCPOPT_EOL	       0
#define KTCPOPT_NOP	       1
#define KTCPOPT_MAXSEG	       2
#define KTCPOPT_WINDOW	       3
#define KTCPOPT_SACK_PERMITTED 4
#define KTCPOPT_SACK	       5
#define KTCPOPT_TIMESTAMP      8

/* Sequence space */
#define SEQ_LT(a, b)  ((int32_t)((a) - (b)) < 0)
#define SEQ_LEQ(a, b) ((int32_t)((a) - (b)) <= 0)
#define SEQ_GT(a, b)  ((int32_t)((a) - (b)) > 0)
#define SEQ_GEQ(a, b) ((int32_t)((a) - (b)) >= 0)
#define SEQ_MAX(a, b) (SEQ_GT(a, b) ? (a) : (b))
#define SEQ_MIN(a, b) (SEQ_LT(a, b) ? (a) : (b))

#endif
