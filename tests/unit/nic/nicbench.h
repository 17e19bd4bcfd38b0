/*
 * A bench for cards: one host, two cards that emit into lists, packets made
 * by hand, TLS records with a session that no socket has.
 */
#ifndef NICBENCH_H
#define NICBENCH_H

#include "support/ktest.h"

#include <ktsim/base/kassert.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/nic/nic.h>
#include <ktsim/sim/engine.h>

#define NB_RATE 1000000000ULL /* 1 Gbit/s: 8000 ps per byte */

struct nb_port {
	struct nic *n;
	struct frameq got; /* what left, in order */
	unsigned count;
	/* The first words of the work requests begun, one behind the other;
	 * the same several times: DUMPx9. Kept by nb_wqes. */
	struct strbuf wqes;
	char last[32];
	unsigned repeats;
	struct strbuf lines; /* each as a line; only with: */
	bool log;
};

struct nicbench {
	struct engine *eng;
	struct jobpool *jobs;
	struct vnet *v;
	struct framepool pool;
	struct nb_port port[2];
	struct mbuf *rx; /* what if_input was given, by m_nextpkt */
};

/* What the headers of a packet say. */
struct nb_hdr {
	bool v6, vlan, udp;
	uint8_t flags;	/* KTH_*; 0: ACK */
	uint8_t optlen; /* TCP options, multiple of 4 */
	uint16_t id;	/* IPv4 */
	uint32_t seq;
	uint32_t mss; /* 0: no TSO */
	bool nocsum;  /* the stack wrote the checksums */
};

extern const uint8_t nb_mac[6]; /* of both ports */

/* ring 0: the model's. The links are up, the interfaces too. */
void nb_init(struct nicbench *, const char *model, uint32_t ring);
/* With a model that is in no table. */
void nb_init_model(struct nicbench *, const struct nic_model *, uint32_t ring);
/* The same with settings of the model, "driver=0 log_max_dek=2". */
void nb_init_knobs(struct nicbench *, const char *model, uint32_t ring,
    const char *knobs);
/* The work requests begun since it was asked last, as text; valid until then. */
const char *nb_wqes(struct nb_port *);
/* Asserts that nothing is left. */
void nb_fini(struct nicbench *);
void nb_run(struct nicbench *);
/* Drop the frames a port has emitted. */
void nb_clear(struct nb_port *);
/* Payload bytes of all frames emitted, in order; returns their number. */
size_t nb_payload(const struct nb_port *, uint8_t *buf, size_t max);
struct frame *nb_frame(const struct nb_port *, unsigned i);

/* A header mbuf; chain: the payload (may be NULL), owned by the packet. */
struct mbuf *nb_packet(struct nicbench *, const struct nb_hdr *,
    struct mbuf *chain);
/* One with nb_bytes(paylen, 0), out of port 0; the errno. */
int nb_send(struct nicbench *, uint32_t paylen, uint32_t seq, uint32_t mss);
/* len plain bytes b, b+1, ... */
struct mbuf *nb_bytes(struct nicbench *, uint32_t len, uint8_t b);

/* --- TLS --- */
struct nb_tls {
	struct ktls_session tls;
	uint8_t key[32], iv[12];
	struct if_snd_tag_conn conn; /* what a driver is told of it */
};
/* The first so many suites are AEAD, which is what cards know. */
#define NB_NSUITES 6
void nb_tls_init(struct nicbench *, struct nb_tls *, const struct tls_suite *);
/* Asserts that no record refers to it any more. */
void nb_tls_fini(struct nb_tls *);
/* A framed record of paylen pattern bytes; not encrypted. */
struct mbuf *nb_record(struct nicbench *, struct nb_tls *, uint64_t seqno,
    uint32_t paylen);
/* Bytes [off, end) of a record, as TCP copies them for a packet. */
struct mbuf *nb_slice(struct mbuf *rec, uint32_t off, uint32_t end);
/* Runs until the card has answered; asserts that it gives one. */
struct m_snd_tag *nb_tag(struct nb_port *, struct nb_tls *);
/* The same with a word on what is asked; the errno. */
int nb_tag_try(struct nb_port *, const struct if_snd_tag_alloc_params *,
    struct m_snd_tag **);
/* Give the packet a tag (a reference of its own). */
void nb_settag(struct mbuf *, struct m_snd_tag *);

#endif
