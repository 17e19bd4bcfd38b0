/*
 * A bench for the T6: one session, its records one behind the other as a TCP
 * stream, and the stream's bytes on the wire from libcrypto (reftls). What is
 * sent is checked frame by frame against the reference at its sequence.
 */
#ifndef T6BENCH_H
#define T6BENCH_H

#include "nicbench.h"

#define TB_MSS	   1448
#define TB_MAXRECS 512

struct t6b {
	struct nicbench b;
	struct nb_tls t;
	struct m_snd_tag *tag;
	struct mbuf *recs[TB_MAXRECS];
	uint32_t at[TB_MAXRECS + 1]; /* of each record in the stream */
	unsigned nrecs;
	uint8_t *ref;
	uint32_t isn; /* sequence of the stream's first byte */
	/* the next packet's header */
	uint32_t ack, tsecr;
	uint16_t win;
	bool ts, v6;
	uint32_t asked; /* stream bytes below were asked for */
	/* of what was sent last */
	uint32_t lo, hi; /* stream bytes on the wire, from, to */
	uint32_t bytes;	 /* payload bytes, duplicates too */
	unsigned frames;
	unsigned bad; /* frames that differ from the reference */
	struct nic_stats before;
};

/* What a packet has besides. */
struct tb_pkt {
	uint8_t flags; /* 0: ACK */
	bool plain;    /* no TSO */
	bool sack;     /* SACK blocks among the options */
	uint8_t mac;   /* last byte of the destination's; 0: 2 */
	uint16_t vtag;
	unsigned port;
};

/* knobs: as nb_init_knobs. */
void tb_init(struct t6b *, const char *suite, const char *knobs);
/* n records of so much payload more. */
void tb_records(struct t6b *, unsigned n, uint32_t paylen);
void tb_fini(struct t6b *);
void tb_open(struct t6b *); /* the tag, on port 0 */
/* A tag without flow, so for queue 0; its errno, also one that comes later. */
int tb_tag(struct t6b *, unsigned port, struct m_snd_tag **);
/* One packet with stream bytes [from, to); its frames are checked. The errno
 * of if_transmit. */
int tb_send(struct t6b *, uint32_t from, uint32_t to, const struct tb_pkt *);
/* The same, which goes; frames that differ are an error. */
void tb_sent(struct t6b *, uint32_t from, uint32_t to, const struct tb_pkt *);
/* Stream bytes [from, to), as TCP copies them. */
struct mbuf *tb_chain(struct t6b *, uint32_t from, uint32_t to);
/* A counter: dev.cc.0.txq.0.<name>. */
uint64_t tb_ctr(const struct t6b *, const char *name);
/* Since the last tb_send began. */
uint64_t tb_dma(const struct t6b *);
uint64_t tb_waste(const struct t6b *);
/* Work requests since then; "" when told again. */
const char *tb_wrs(struct t6b *);

#endif
