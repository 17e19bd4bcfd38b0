/*
 * Frames: what is on a wire. Counted, immutable once sent (who wants to
 * corrupt one copies it first).
 *
 * The headers stand inside, the payload is a slice of a counted buffer that a
 * whole TSO burst shares; the receiver's mbufs point into the same buffer, so
 * a payload byte is written once when the sending card fetches it and read
 * once when the receiving user takes it.
 *
 * Checksums: with FRAME_CSUM_LAZY the IPv4 header and TCP checksums are right
 * by definition and not yet computed; frame_csum_settle writes them. Whoever
 * looks at bytes (tap, corruption) settles first. The receiving card may take
 * a lazy frame as good without computing.
 */
#ifndef KTSIM_NIC_FRAME_H
#define KTSIM_NIC_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/kmem.h>
#include <ktsim/base/queue.h>
#include <ktsim/base/simtime.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/kern/mbuf.h>

#define FRAME_HDR_MAX 160

/* f_flags */
#define FRAME_CSUM_LAZY 0x1
#define FRAME_LOST_RING 0x2 /* built by a card whose link was down */
#define FRAME_CORRUPTED 0x4
#define FRAME_DAMAGED	0x8 /* its card turned a bit over, by order */

enum frame_rxtls {
	RXTLS_NONE,
	RXTLS_DECRYPTED, /* the payload is plaintext */
	RXTLS_ERROR	 /* a record's tag was wrong; payload as it came */
};

struct framepool { /* one per world */
	struct kmem fp_kmem;
	struct kzone fp_frames;
	struct kzone fp_bufs; /* FRAMEBUF_SIZE bytes of payload */
};
#define FRAMEBUF_SIZE 65536

struct framebuf {
	uint32_t fb_refs;
	struct framepool *fb_pool;
	uint8_t fb_data[FRAMEBUF_SIZE];
};

struct frame {
	STAILQ_ENTRY(frame) f_link; /* of the queue it is in */
	struct framepool *f_pool;
	uint32_t f_refs;
	uint32_t f_flags;
	uint8_t
	    f_rxtls; /* enum frame_rxtls: what a receiving card made of it */
	uint16_t f_hdrlen;		    /* link to transport header */
	uint16_t f_l2len, f_l3len, f_l4len; /* 0: not known */
	uint32_t f_paylen;
	const uint8_t *f_payload;
	struct framebuf *f_buf; /* a reference; NULL without payload */
	simtime_t f_when;	/* left the sender; then: arrives */
	uint64_t f_id;		/* number in the run, given at egress; from 1 */
	struct pkt_note f_note;
	uint8_t f_hdr[FRAME_HDR_MAX];
};

STAILQ_HEAD(frameq, frame);

void framepool_init(struct framepool *);
/* Frames and buffers still out are reported by framepool_leaks. */
void framepool_fini(struct framepool *);
int framepool_leaks(const struct framepool *, struct strbuf *);

struct frame *frame_alloc(struct framepool *);	     /* one reference, empty */
struct framebuf *framebuf_alloc(struct framepool *); /* one reference */
void frame_ref(struct frame *);
void frame_rele(struct frame *); /* NULL allowed */
void framebuf_ref(struct framebuf *);
void framebuf_rele(struct framebuf *);

static inline uint32_t
frame_len(const struct frame *f)
{
	return (f->f_hdrlen + f->f_paylen);
}

/*
 * An empty frame becomes these bytes, from a link's header on: headers inside,
 * the rest copied to fb_data + at, where len bytes must have room. Padding
 * behind a TCP/IP packet is cut off.
 */
void frame_fill(struct frame *, struct framebuf *, uint32_t at,
    const uint8_t *bytes, uint32_t len);
/* Write the checksums that were left open. */
void frame_csum_settle(struct frame *);
/* Both checksums of an IP/TCP frame as a card would verify them. */
void frame_csum_check(const struct frame *, bool *l3ok, bool *l4ok);
/* A private copy of header and payload (for corruption). */
struct frame *frame_copy(const struct frame *);

#endif
