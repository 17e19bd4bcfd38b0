/*
 * A stream of TLS records on a bench: what TCP would hand to a card, and the
 * bytes that must be on the wire, made by libcrypto without the product's help
 * (reftls).
 */
#ifndef NICSTREAM_H
#define NICSTREAM_H

#include "nicbench.h"

#define NB_MAXREC   16
#define NB_SEQ	    0xfffff000u /* TCP sequence number of stream byte 0: wraps */
#define NB_SEQNO    100		/* of the first record */
#define NB_MAXBYTES (8 * 17000)

struct nb_stream {
	struct nicbench *b;
	struct nb_tls t;
	unsigned nrec;
	struct mbuf *rec[NB_MAXREC];
	uint32_t at[NB_MAXREC + 1]; /* where each begins in the stream */
	uint8_t *bytes;		    /* of the wire */
};

void nb_stream_init(struct nicbench *, struct nb_stream *,
    const struct tls_suite *, const uint32_t *sizes, unsigned nrec);
void nb_stream_fini(struct nb_stream *);
static inline uint32_t
nb_stream_len(const struct nb_stream *st)
{
	return (st->at[st->nrec]);
}
/* Stream bytes [from, to), as a chain. */
struct mbuf *nb_stream_chain(struct nb_stream *, uint32_t from, uint32_t to);
/* A packet of them (mss 0: no TSO) with the tag; if_transmit's answer. */
int nb_stream_send(struct nb_stream *, struct nb_port *, struct m_snd_tag *,
    uint32_t from, uint32_t to, uint32_t mss);
/*
 * Everything runs; each frame's payload must be the stream's bytes at its
 * sequence number, and the frames together must hold [from, to). Returns the
 * payload bytes on the wire; the port is empty then.
 */
uint32_t nb_stream_check(struct nb_stream *, struct nb_port *, uint32_t from,
    uint32_t to);
/* Send and check: what a lawful card does. */
uint32_t nb_stream_go(struct nb_stream *, struct nb_port *, struct m_snd_tag *,
    uint32_t from, uint32_t to, uint32_t mss);

#endif
