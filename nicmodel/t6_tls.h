/* A packet of records between the two files of the T6's TLS driver. */
#ifndef T6_TLS_H
#define T6_TLS_H

#include "t6_drv.h"

struct t6_pkt {
	struct mbuf *p_m;
	struct nic_hdr p_hdr; /* the stack's: mostly for its values */
	struct t6_now p_now;
	uint8_t p_flags;   /* TCP's */
	bool p_options;	   /* others than NOP and timestamps */
	uint32_t p_nrecs;  /* in sc_recs */
	uint32_t p_end;	   /* sequence behind its payload */
	uint32_t p_blocks; /* descriptors at most */
};

/* EINVAL, EFBIG: why says it. The records are in sc_recs. */
int t6_pkt_parse(struct t6_softc *, const struct t6_tag *, struct mbuf *,
    struct t6_pkt *, const char **why);
uint32_t t6_rec_wr_len(const struct t6_tag *, const struct t6_rec *);

#endif
