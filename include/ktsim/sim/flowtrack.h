/*
 * What a wire can know of the TCP flows on it, from headers and bytes alone:
 * which flow a frame belongs to, which of its bytes were never there before,
 * and of which TLS records they are.
 *
 * Flows are numbered from 1, in the order of their SYNs as this tracker saw
 * them; a flow whose SYN it did not see has no number. The client is who sent
 * the SYN.
 *
 * TLS records are counted for each direction of a flow, from 0 with the first
 * one, handshake and data alike: the numbers of `ktls-sim dump`. Only bytes
 * that are there for the first time count, so retransmissions neither move a
 * number nor strike twice: segment K of record N is the K-th frame (from 1)
 * that carries bytes of it for the first time.
 *
 * A hole in the sequence (the flow went another way for a while) is bridged
 * where it lies inside of one record; else records are not told any more.
 */
#ifndef KTSIM_SIM_FLOWTRACK_H
#define KTSIM_SIM_FLOWTRACK_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/kern/sockaddr.h>

struct frame;
struct flowtrack;

/* The new bytes of one TLS record in a frame. */
struct flow_rec {
	uint64_t fr_number; /* of its direction, from 0 */
	uint64_t fr_app;    /* among its records of type 23, from 0 */
	uint8_t fr_type;    /* 20 to 24; fr_app is of type 23 only */
	bool fr_last;	    /* the record's last byte is among them */
	uint64_t fr_segment;
	uint32_t fr_off, fr_len; /* in the payload, without record header */
};

struct flow_seg {
	unsigned fs_flow;    /* 0: no TCP segment of a flow that is known */
	bool fs_from_server; /* else from the client */
	uint8_t fs_flags;    /* TCP's */
	uint32_t fs_len;     /* payload bytes */
	uint32_t fs_new;     /* of these, never there before */
	uint64_t fs_data; /* with new bytes: the so-manieth such segment of its
			     direction, from 1; else 0 */
	const struct flow_rec *fs_rec; /* until the next frame */
	unsigned fs_nrecs;
};

struct flowtrack *flowtrack_create(void);
void flowtrack_destroy(struct flowtrack *); /* NULL allowed */
/* Every frame once, in the order in which they leave their senders. */
void flowtrack_frame(struct flowtrack *, const struct frame *,
    struct flow_seg *);
unsigned flowtrack_flows(const struct flowtrack *); /* so far */
/* The ends of flow n, from 1 to flowtrack_flows. */
void flowtrack_ends(const struct flowtrack *, unsigned n,
    struct ksockaddr *client, struct ksockaddr *server);

#endif
