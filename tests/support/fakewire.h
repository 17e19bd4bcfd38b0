/*
 * A hand-made wire for tests: turns two byte streams into Ethernet, IP and
 * TCP frames with right checksums and gives each to a callback. It is no TCP:
 * nothing is lost and every second segment is acknowledged, unless the test
 * asks for something else.
 */
#ifndef FAKEWIRE_H
#define FAKEWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/nic/frame.h>

struct fakewire;

/* The frame and its bytes are valid during the call; from: 0 or 1. */
typedef void fakewire_emit_fn(void *arg, struct frame *, simtime_t when,
    int from);

struct fakewire_end {
	uint8_t mac[6];
	uint8_t ip[16]; /* IPv4: the first four bytes */
	uint16_t port;
	uint32_t iss;
	uint8_t *sent; /* all bytes so far */
	size_t sent_len, sent_size;
	size_t acked; /* of the other side's bytes */
};

struct fakewire {
	struct fakewire_end end[2]; /* 0: client */
	fakewire_emit_fn *emit;
	void *arg;
	simtime_t now;
	uint64_t frames;
	unsigned mss;
	bool v6, vlan, no_acks;
};

void fakewire_init(struct fakewire *, bool v6, uint16_t client_port,
    fakewire_emit_fn *, void *arg);
void fakewire_fini(struct fakewire *);
void fakewire_open(struct fakewire *); /* three-way handshake */
void fakewire_send(struct fakewire *, int from, const void *, size_t);
/* Append bytes without a frame: for gaps that a resend fills. */
void fakewire_stash(struct fakewire *, int from, const void *, size_t);
/* Bytes [off, off+len) of `from` once more, as one or more segments. */
void fakewire_resend(struct fakewire *, int from, size_t off, size_t len,
    const char *why);
void fakewire_ack(struct fakewire *, int from);
void fakewire_close(struct fakewire *); /* FIN both ways */

#endif
