/*
 * Socket buffers with exact M_NOTREADY semantics.
 *
 *   sb_ccc   bytes claimed: everything that is in the buffer
 *   sb_acc   bytes available: those in front of the first not ready mbuf
 *   sb_fnrdy the first not ready mbuf, or NULL (then sb_acc == sb_ccc, but
 *            for a receive buffer's undecrypted bytes)
 *   sb_mbcnt memory charged: MSIZE per mbuf plus its external size
 *
 * TCP transmits only sb_acc bytes, but thinks of FIN and window with sb_ccc.
 * Mbufs at or behind sb_fnrdy are M_NOTREADY, or M_BLOCKED when they are
 * ready themselves. A not ready mbuf belongs to whoever completes it: cutting
 * the buffer takes it out of the accounting and leaves the mbuf alone.
 *
 * A receive buffer with a session keeps ciphertext apart (sb_mtls, sb_tlscc
 * bytes) until a worker takes a record out (sb_tlsdcc bytes) and gives back a
 * control message and plaintext into sb_mb.
 *
 * sbcheck recomputes all of it from the chains.
 * Source: sys/sockbuf.h, uipc_sockbuf.c.
 */
#ifndef KTSIM_KERN_SOCKBUF_H
#define KTSIM_KERN_SOCKBUF_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/kern/mbuf.h>

/* sb_flags */
#define SB_TLS_RX	  0x01
#define SB_TLS_RX_RUNNING 0x02
#define SB_AUTOSIZE	  0x800
#define SB_STOP		  0x1000 /* backpressure: no space */
#define SB_NOCOALESCE	  0x200
#define SB_SPLICED	  0x4000 /* SO_SPLICE takes from it, or fills it */
#define SB_TLS_RX_RESYNC  0x8000
#define SB_TLS_WAIT	  0x100 /* mode not decided yet: writers wait */

/* sb_state */
#define SBS_CANTSENDMORE 0x0010
#define SBS_CANTRCVMORE	 0x0020
#define SBS_RCVATMARK	 0x0040

#define SB_MAX		 (2 * 1024 * 1024)

struct socket;
struct ktls_session;

struct sockbuf {
	struct socket *sb_so;
	struct vnet *sb_vnet;
	struct mbuf *sb_mb;	    /* first record */
	struct mbuf *sb_mbtail;	    /* last mbuf of the last record */
	struct mbuf *sb_lastrecord; /* first mbuf of the last record */
	struct mbuf *sb_sndptr;	    /* where TCP sends next (hint) ... */
	uint32_t sb_sndptroff;	    /* ... and its offset in the buffer */
	struct mbuf *sb_fnrdy;
	uint32_t sb_acc;
	uint32_t sb_ccc;
	uint32_t sb_mbcnt;
	uint32_t sb_ctl; /* bytes of control mbufs in sb_ccc */
	uint32_t sb_hiwat;
	uint32_t sb_mbmax;
	int32_t sb_lowat;
	uint16_t sb_state;
	uint16_t sb_flags;

	struct mbuf *sb_mtls, *sb_mtlstail; /* undecrypted, M_NOTREADY */
	uint32_t sb_tlscc;		    /* bytes in it */
	uint32_t sb_tlsdcc;		    /* bytes being decrypted */
	uint64_t sb_tls_seqno;		    /* next record number */
	struct ktls_session *sb_tls_info;   /* a reference */
};

void sbinit(struct sockbuf *, struct vnet *, struct socket *);
/* Reserve cc bytes. ENOBUFS when cc is 0 or above SB_MAX. */
int soreserve_sb(struct sockbuf *, uint32_t cc);

static inline uint32_t
sbavail(const struct sockbuf *sb)
{
	return (sb->sb_acc);
}
static inline uint32_t
sbused(const struct sockbuf *sb)
{
	return (sb->sb_ccc);
}
/* Bytes one may still add; 0 when full, over memory, or SB_STOP
 * or SB_TLS_WAIT. */
long sbspace(const struct sockbuf *);

/* What one mbuf costs in sb_mbcnt. */
static inline uint32_t
mb_charge(const struct mbuf *m)
{
	return (MSIZE + ((m->m_flags & M_EXT) ? m->m_ext.ext_size : 0));
}

/* Accounting of one mbuf entering or leaving. */
void sballoc(struct sockbuf *, struct mbuf *);
void sbfree(struct sockbuf *, struct mbuf *);
/* The same for sb_mtls. */
void sballoc_ktls_rx(struct sockbuf *, struct mbuf *);
void sbfree_ktls_rx(struct sockbuf *, struct mbuf *);
/* Free what is in it. */
void sbdrop_ktls_rx(struct sockbuf *);

/*
 * Append a chain to a stream. flags: PRUS_NOTREADY keeps M_NOTREADY, all
 * other protocol flags are cleared. With a transmit session the records get
 * their numbers here (ktls_seq). A receive buffer with a session diverts to
 * sbappend_ktls_rx. The buffer owns the chain.
 */
void sbappendstream(struct sockbuf *, struct mbuf *, int flags);
void sbappend_ktls_rx(struct sockbuf *, struct mbuf *);
/* Append control (may be NULL) + data as one record. The buffer owns both. */
void sbappendcontrol(struct sockbuf *, struct mbuf *data, struct mbuf *control);

/*
 * `count` units of the chain from m0 became ready: an M_EXTPG mbuf with pages
 * counts its m_epg nrdy units, any other one unit. Returns 0 when sb_acc grew
 * (m0 was the blocker): output may go. EINPROGRESS: still blocked.
 */
int sbready(struct sockbuf *, struct mbuf *m0, int count);

void sbdrop(struct sockbuf *, uint32_t len);
/* The same, and what was freed is the caller's to free. */
struct mbuf *sbcut(struct sockbuf *, uint32_t len);
/* Everything; not ready mbufs are left to their completers. */
void sbflush(struct sockbuf *);
void sbdestroy(struct sockbuf *);
void sbdroprecord(struct sockbuf *);

/*
 * mbuf and offset in it where the byte `off` of the buffer is. The hint moves
 * on with sbsndptr_adv. Source: sbsndptr_noadv.
 */
struct mbuf *sbsndptr_noadv(struct sockbuf *, uint32_t off, uint32_t *moff);
void sbsndptr_adv(struct sockbuf *, struct mbuf *, uint32_t len);

/* Slow recomputation against the fast accounting; panics with the place. */
void sbcheck(const struct sockbuf *, const char *file, int line);
#define SBCHECK(sb) sbcheck((sb), __FILE__, __LINE__)

/* The accounting; what is in it (walks the chains). base/dump.h. */
struct strbuf;
void sockbuf_dump(const struct sockbuf *, struct strbuf *, int indent);
void sockbuf_dump_mbufs(const struct sockbuf *, struct strbuf *, int indent);

/* Control message mbuf with a cmsghdr-like header; NULL when out of memory. */
struct kcmsghdr {
	uint32_t cmsg_len; /* header and data */
	int32_t cmsg_level;
	int32_t cmsg_type;
};
#define KCMSG_DATA(c) ((uint8_t *)(void *)((c) + 1))
struct mbuf *sbcreatecontrol(struct mb_state *, const void *p, int size,
    int type, int level, int how);

#endif
