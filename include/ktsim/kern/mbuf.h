/*
 * mbufs: the unit of packet and socket memory.
 *
 * Four kinds, told by m_flags:
 *   plain      up to MLEN bytes inside (MHLEN when M_PKTHDR is set)
 *   cluster    M_EXT: m_data points into counted external storage
 *   driver     M_EXT with EXT_NET_DRV: received frame bytes, read-only
 *   M_EXTPG    M_EXT|M_EXTPG|M_RDONLY: "unmapped": up to MBUF_PEXT_MAX_PGS
 *              pages named by physical address, with room for a TLS header
 *              in front and a TLS trailer behind. There is no address: the
 *              bytes are header || pages || trailer, and m_epg_off says where
 *              in them this mbuf begins.
 *
 * External storage is counted in the mbuf that was born with it ("embedded
 * reference count"): copies point at that count, and the original mbuf
 * structure stays allocated, after it was freed, until the last copy goes.
 * For M_EXTPG the session reference belongs to the original as well: the copy
 * shares the pointer without a reference.
 *
 * Difference from FreeBSD: m_data of an M_EXTPG mbuf is not abused as an
 * offset; the field is m_epg_off. Everything else has its FreeBSD name.
 * Source: sys/mbuf.h, kern_mbuf.c, uipc_mbuf.c.
 */
#ifndef KTSIM_KERN_MBUF_H
#define KTSIM_KERN_MBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ktsim/base/kmem.h>
#include <ktsim/base/queue.h>
#include <ktsim/kern/vm.h>

#define MSIZE		    256 /* what a socket buffer is charged per mbuf */
#define MLEN		    224
#define MHLEN		    168
#define MCLBYTES	    2048
#define MJUMPAGESIZE	    4096
#define MJUM16BYTES	    16640 /* one whole TLS record, decrypted out of place */

#define MBUF_PEXT_HDR_LEN   23
#define MBUF_PEXT_TRAIL_LEN 64
#define MBUF_PEXT_MAX_PGS   5
#define MBUF_PEXT_MAX_BYTES                                  \
	(MBUF_PEXT_MAX_PGS * PAGE_SIZE + MBUF_PEXT_HDR_LEN + \
	    MBUF_PEXT_TRAIL_LEN)

/* m_flags, FreeBSD's values where they have one */
#define M_EXT	     0x00000001
#define M_PKTHDR     0x00000002
#define M_EOR	     0x00000004
#define M_RDONLY     0x00000008
#define M_BCAST	     0x00000010
#define M_MCAST	     0x00000020
#define M_VLANTAG    0x00000080
#define M_EXTPG	     0x00000100
#define M_PROTO1     0x00002000
#define M_PROTO2     0x00004000
#define M_PROTO5     0x00020000
#define M_NOTREADY   M_PROTO1 /* contents still being made */
#define M_BLOCKED    M_PROTO2 /* ready, but behind a not ready one */
#define M_NOTAVAIL   (M_NOTREADY | M_BLOCKED)
#define M_DECRYPTED  M_PROTO5 /* the card decrypted these bytes */
#define M_PROTOFLAGS (M_PROTO1 | M_PROTO2 | M_PROTO5)

enum mbuf_type { MT_DATA = 1, MT_HEADER = 1, MT_CONTROL = 14, MT_SONAME = 8 };

enum ext_type {
	EXT_CLUSTER = 1,
	EXT_JUMBOP,
	EXT_JUMBO16,
	EXT_NET_DRV,
	EXT_SFBUF, /* a mapped page of a file */
	EXT_PGS
};

/* csum_flags: what the stack wants done, and what the card has done */
#define CSUM_IP		   0x00000001 /* transmit: IPv4 header checksum */
#define CSUM_IP_TCP	   0x00000004
#define CSUM_IP_TSO	   0x00000010
#define CSUM_IP6_TCP	   0x00000400
#define CSUM_IP6_TSO	   0x00001000
#define CSUM_TSO	   (CSUM_IP_TSO | CSUM_IP6_TSO)
#define CSUM_TCP_ANY	   (CSUM_IP_TCP | CSUM_IP6_TCP)
#define CSUM_L3_CALC	   0x01000000 /* receive: checked, and valid or not */
#define CSUM_L3_VALID	   0x02000000
#define CSUM_L4_CALC	   0x04000000
#define CSUM_L4_VALID	   0x08000000
#define CSUM_L5_CALC	   0x10000000
#define CSUM_L5_VALID	   0x20000000
#define CSUM_TLS_MASK	   (CSUM_L5_CALC | CSUM_L5_VALID)
#define CSUM_TLS_DECRYPTED CSUM_L5_CALC
#define CSUM_SND_TAG	   0x80000000 /* snd_tag below is valid */

struct mbuf;
struct ifnet;
struct ktls_session;
struct socket;
struct m_snd_tag;
struct mb_state;

/*
 * What the simulator wants to know of a packet: written by TCP and the cards
 * for the capture comments, read by taps and checkers only. No branch of the
 * datapath may depend on it.
 */
enum pkt_mode { PKT_PLAIN, PKT_KTLS_SW, PKT_KTLS_IFNET, PKT_KTLS_TOE };

struct pkt_note {
	uint32_t pn_conn;      /* connection of the sender; 0: none */
	uint64_t pn_frame;     /* received: the frame's number; else 0 */
	uint32_t pn_snd_max;   /* TCP bytes below this went out before */
	uint64_t pn_rec_seqno; /* first TLS record in the packet */
	uint32_t pn_rec_off;   /* where in that record it begins */
	uint32_t pn_tag;       /* send tag's number; 0: none */
	uint32_t pn_reread;    /* bytes the card had to fetch again */
	uint32_t pn_burst;     /* number of the TSO burst, 0: none */
	uint16_t pn_queue;
	uint8_t pn_mode;    /* enum pkt_mode */
	bool pn_tcp;	    /* pn_conn, pn_snd_max are set */
	bool pn_rexmit;	    /* resent bytes, set per wire segment */
	const char *pn_why; /* "RTO", "fast retransmit" ...; static */
};

struct pkthdr {
	struct ifnet *rcvif;	   /* received from */
	struct ifnet *leaf_rcvif;  /* the same: the port itself, no lagg */
	struct m_snd_tag *snd_tag; /* with CSUM_SND_TAG: a reference */
	int32_t len;		   /* of the whole packet */
	uint32_t flowid;
	uint32_t csum_flags;
	uint16_t tso_segsz;
	uint16_t ether_vtag;
	uint16_t lro_nsegs;  /* segments merged into this; 0: one */
	uint8_t rsstype;     /* M_HASHTYPE_* */
	uint8_t numa_domain; /* received: the card's; M_NODOM: unknown */
	uint8_t l2hlen, l3hlen, l4hlen; /* filled where known */
	struct pkt_note note;
};
#define M_HASHTYPE_NONE	  0
#define M_HASHTYPE_OPAQUE 63
#define M_NODOM		  255

typedef void m_ext_free_t(struct mbuf *);

/* External storage; the count lives in the mbuf that has EXT_EMBREF. */
struct m_ext {
	uint32_t *ext_cnt;  /* points to the original's ext_count */
	uint32_t ext_count; /* used when this is the original */
	uint32_t ext_size;  /* for accounting (mbcnt) */
	uint8_t ext_type;
	bool ext_embref;	   /* this is the original */
	struct mbuf *ext_orig;	   /* the original (may be this one) */
	uint8_t *ext_buf;	   /* not for M_EXTPG */
	m_ext_free_t *ext_free;	   /* last reference; gets the original */
	void *ext_arg1, *ext_arg2; /* for ext_free */
};

struct m_extpg {
	uint8_t npgs; /* pages */
	uint8_t nrdy; /* pages still to be made ready */
	uint8_t hdrlen;
	uint8_t trllen;
	uint16_t first_off;	  /* offset in the first page */
	uint16_t last_len;	  /* bytes in the last page */
	uint8_t flags;		  /* EPG_FLAG_* */
	uint8_t record_type;	  /* TLS_RLTYPE_* */
	int32_t enc_cnt;	  /* pages of the batch (its first mbuf) */
	struct ktls_session *tls; /* set: the bytes are plaintext */
	struct socket *so;	  /* while queued for encryption */
	uint64_t seqno;		  /* TLS record number */
	vm_paddr_t pa[MBUF_PEXT_MAX_PGS];
	uint8_t hdr[MBUF_PEXT_HDR_LEN];
	uint8_t trail[MBUF_PEXT_TRAIL_LEN];
	STAILQ_ENTRY(mbuf) stailq; /* work queue */
};
#define EPG_FLAG_ANON  0x1 /* pages are the mbuf's own: encrypt in place */
#define EPG_FLAG_2FREE 0x2 /* queued to the worker only to be freed */

struct mbuf {
	struct mbuf *m_next;	/* next of this packet or record */
	struct mbuf *m_nextpkt; /* next packet or record */
	uint8_t *m_data;	/* NULL for M_EXTPG */
	int32_t m_len;
	uint32_t m_flags;
	uint8_t m_type;
	uint32_t m_epg_off;    /* M_EXTPG: begin within hdr||pages||trail */
	struct mb_state *m_mb; /* the zones it goes back to */
	/* Its counters are in the first cache line, with what lists walk by. */
	struct m_ext m_ext;	/* valid with M_EXT */
	struct pkthdr m_pkthdr; /* valid with M_PKTHDR */
	union {
		uint8_t m_dat[MLEN];
		struct m_extpg m_epg; /* valid with M_EXTPG */
	};
};

STAILQ_HEAD(mbufq, mbuf);

#define M_SIZE(m)                                                 \
	(((m)->m_flags & M_EXT)		    ? (m)->m_ext.ext_size \
		: ((m)->m_flags & M_PKTHDR) ? MHLEN               \
					    : MLEN)
#define mtod(m, t) ((t)(void *)((m)->m_data))

/* Per host. */
struct mb_state {
	struct kzone mb_zone; /* struct mbuf */
	struct kzone mb_cl, mb_jumbop, mb_jumbo16;
	struct vm *mb_vm;
	bool mb_direct_map;
	void (*mb_free_extpg_tls)(struct mbuf *orig);
	/* ktls: drops the session, may keep the mbuf */
};

struct vnet;
void mb_attach(struct vnet *);
void mb_detach(struct vnet *);

/* --- allocation: NULL only for M_NOWAIT --- */
struct mbuf *m_get(struct mb_state *, int how, int type);
struct mbuf *m_gethdr(struct mb_state *, int how, int type);
/* size: MCLBYTES, MJUMPAGESIZE or MJUM16BYTES. flags: M_PKTHDR or 0. */
struct mbuf *m_getjcl(struct mb_state *, int how, int type, int flags,
    int size);
/* A host without a direct map (vnet.h) has no M_EXTPG mbufs: NULL always. */
/* An empty M_EXTPG mbuf. freefn runs on the last reference (original mbuf). */
struct mbuf *mb_alloc_ext_pgs(struct mb_state *, int how, m_ext_free_t *freefn);
/* Attach external bytes: refcount 1; freefn(orig) on the last reference. */
void m_extadd(struct mbuf *, uint8_t *buf, uint32_t size, m_ext_free_t *freefn,
    void *arg1, void *arg2, int flags, enum ext_type type);
/* Free routine of anonymous pages: releases them one by one. */
void mb_free_mext_pgs(struct mbuf *);

struct mbuf *m_free(struct mbuf *); /* returns m_next */
void m_freem(struct mbuf *);	    /* a chain; NULL allowed */
/* Frees the structure of an original whose external storage is already gone. */
void mb_free_raw(struct mbuf *);

/* --- shape --- */
uint32_t m_length(const struct mbuf *, struct mbuf **last);
/* Trim req bytes from the front, or -req from the end. Keeps pkthdr.len. */
void m_adj(struct mbuf *, int req);
/* Advance the beginning of one mbuf, whichever kind; len <= m_len. */
void m_advance(struct mbuf *, int len);
/*
 * First `len` bytes contiguous in the first mbuf (len <= MHLEN). On failure the
 * chain is freed and NULL returned.
 */
struct mbuf *m_pullup(struct mbuf *, int len);
/* Room for plen bytes in front (new header mbuf if needed); M_PKTHDR moves. */
struct mbuf *m_prepend(struct mbuf *, int plen, int how);
void m_copydata(const struct mbuf *, int off, int len, void *dst);
void m_move_pkthdr(struct mbuf *to, struct mbuf *from);
/* Make n share m's storage: takes a storage reference. */
void mb_dupcl(struct mbuf *n, struct mbuf *m);
/*
 * Split one mbuf chain in two after len0 bytes; external storage is shared.
 * NULL: out of memory (M_NOWAIT), nothing changed.
 */
struct mbuf *m_split(struct mbuf *, int len0, int how);
/*
 * A packet that shares the storage of this one (header bytes are copied). NULL:
 * no memory. It must have no send tag.
 */
struct mbuf *m_copypacket(struct mbuf *, int how);
bool m_writable(const struct mbuf *);

/*
 * Copy uio bytes into a new chain. With M_EXTPG in flags: page-backed mbufs of
 * at most maxseg payload bytes each, and for length 0 one empty anonymous
 * mbuf. NULL: out of memory. Source: uipc_mbuf.c m_uiotombuf.
 */
struct uio;
struct mbuf *m_uiotombuf(struct mb_state *, struct uio *, int how, int len,
    int maxseg, int flags);

/* The chain by m_next, a line each: mbuf_dump.c; base/dump.h. */
struct strbuf;
void m_dump(const struct mbuf *, struct strbuf *, int indent);

/* --- M_EXTPG --- */
static inline int
m_epg_pagelen(const struct mbuf *m, int pidx, int pgoff)
{
	if (pidx == m->m_epg.npgs - 1)
		return (m->m_epg.last_len);
	return (PAGE_SIZE - pgoff);
}
/*
 * The i-th contiguous piece of the byte range [off, off+len) of this mbuf
 * (off counts from its beginning): header, a page, or trailer. Returns the
 * pointer through the direct map and its length; 0 when len is exhausted.
 */
struct m_piece {
	const uint8_t *p;
	uint32_t len;
};
unsigned m_pieces(const struct mbuf *, uint32_t off, uint32_t len,
    struct m_piece *out, unsigned max);
/* Turn a small unshared M_EXTPG mbuf into a plain one. EBUSY shared, EFBIG. */
int mb_unmapped_compress(struct mbuf *);
/*
 * Give back a chain of not ready mbufs that nobody will complete: `count`
 * units are dropped; mbufs whose last unit it was are freed. Returns EINPROGRESS.
 */
int mb_free_notready(struct mbuf *, int count);

/* --- send tags (net/if_var.h makes them) --- */
struct if_snd_tag_sw;
struct m_snd_tag {
	struct ifnet *ifp; /* holds a reference by contract: the
					   interface frees its tags on detach */
	const struct if_snd_tag_sw *sw;
	uint32_t refcount;
	uint32_t number; /* of this host, for reports; from 1 */
};
/*
 * Where FreeBSD's driver sleeps until the card has answered, ours answers
 * EINPROGRESS and calls iw_done once, later, from an event: error 0 and a tag
 * (one reference), or an errno and NULL. Embedded in who asks, who must live
 * until then.
 */
struct if_snd_tag_wait {
	void (
	    *iw_done)(struct if_snd_tag_wait *, int error, struct m_snd_tag *);
};

void m_snd_tag_destroy(struct m_snd_tag *); /* last reference; net/ */

static inline struct m_snd_tag *
m_snd_tag_ref(struct m_snd_tag *mst)
{
	mst->refcount++;
	return (mst);
}

static inline void
m_snd_tag_rele(struct m_snd_tag *mst)
{
	if (--mst->refcount == 0)
		m_snd_tag_destroy(mst);
}

#endif
