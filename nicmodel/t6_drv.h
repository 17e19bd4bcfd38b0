/* The T6's driver; no hardware file includes this. */
#ifndef T6_DRV_H
#define T6_DRV_H

#include <ktsim/base/kmem.h>
#include <ktsim/kern/ktls.h>

#include "nic_drv.h"
#include "t6_plan.h"

enum t6_knob {
	T6_KNOB_KERN_TLS,
	T6_KNOB_TOE,
	T6_KNOB_INLINE_KEYS,
	T6_KNOB_COMBO_WRS,
	T6_KNOB_ATIDS,
	T6_KNOB_TIDS,
	T6_KNOB_KEY_MEMORY,
	T6_KNOB_OPEN_TIME,
	T6_KNOB_SOFT_RING,
	T6_KNOB_TOE_CREDITS,
};

/* A transmit queue: the software ring before it (mp_ring), counters under
 * FreeBSD's names. */
struct t6_txq {
	struct mbuf *tx_soft, **tx_soft_last; /* by m_nextpkt */
	uint32_t tx_nsoft;
	uint64_t txpkt_wrs, imm_wrs, sgl_wrs, raw_wrs, tso_wrs, txcsum;
	uint64_t tx_parse_error;
	uint64_t kern_tls_records, kern_tls_short, kern_tls_partial,
	    kern_tls_full, kern_tls_octets, kern_tls_waste, kern_tls_options,
	    kern_tls_header, kern_tls_fin, kern_tls_fin_short, kern_tls_cbc,
	    kern_tls_gcm;
};

/* Key memory: extents in use, by address. */
struct t6_extent {
	TAILQ_ENTRY(t6_extent) e_link;
	uint32_t e_addr, e_len;
};
struct t6_keymem {
	TAILQ_HEAD(, t6_extent) km_used;
	uint32_t km_size; /* bytes */
	uint64_t km_count;
};

/* Layer-2 entries: a MAC and a VLAN, shared by those that go there. */
struct t6_l2 {
	uint8_t l_mac[6];
	uint16_t l_vlan;
	uint32_t l_refs; /* 0: free */
};

/* A record of a packet on its way down. */
struct t6_rec {
	struct mbuf *r_m;
	struct t6_plan r_plan;
	uint32_t r_seq; /* of the record's first byte */
	uint32_t r_off; /* where in it the packet begins */
	uint32_t r_hlen, r_paylen, r_tlen;
	uint32_t r_nsegs; /* that the work request names */
};

struct t6_tag;
struct t6_toe;
struct t6_softc {
	struct kzone sc_tags, sc_opens;
	TAILQ_HEAD(, t6_tag) sc_list;
	struct t6_txq *sc_txqs;
	unsigned sc_unit;		 /* dev.cc.N */
	uint64_t sc_atids, sc_atids_max; /* taken; there are */
	struct t6_keymem sc_keys;
	struct t6_l2 sc_l2t[T6_L2T_SIZE];
	uint16_t sc_l2t_hint; /* entries below this are taken */
	/* Of the packet under way: its records, and what they map. */
	struct t6_rec *sc_recs;
	struct nic_seg *sc_segs;
	struct t6_toe *sc_toe; /* NULL: TOE is off */
	uint32_t sc_recs_size, sc_segs_size;
};

/* A send tag: struct tlspcb. */
struct t6_tag {
	struct m_snd_tag tt_tag; /* first: containerof by cast */
	TAILQ_ENTRY(t6_tag) tt_link;
	struct nic *tt_nic;
	struct if_snd_tag_wait *tt_wait;
	struct nic_cmd tt_cmd;	/* the active open */
	struct t6_open *tt_req; /* its data; NULL: answered */
	bool tt_open;		/* tid is valid */
	bool tt_counted;	/* among the port's tags */
	bool tt_dead;		/* the card was reset: tid and key are gone */

	uint32_t tt_tid;
	unsigned tt_txq;
	uint32_t tt_ts_offset;
	bool tt_timestamps;
	struct t6_shadow tt_shadow;
	uint32_t tt_asked; /* TCP asked for bytes up to here; valid with: */
	bool tt_asked_any;
	uint16_t tt_l2t; /* its layer-2 entry; valid with: */
	bool tt_l2t_any;

	const struct tls_suite *tt_suite;
	struct t6_extent *tt_key; /* NULL: inline */
	uint8_t tt_ctx[T6_KEYCTX_MAX];
	uint32_t tt_ctxlen;
};

static inline struct t6_txq *
t6_txq(const struct nic_txq *t)
{
	struct t6_softc *sc = t->t_nic->n_softc;

	return (&sc->sc_txqs[t->t_q->q_index]);
}

/* A raw work request, made into an mbuf for the software ring. */
#define MC_RAW_WR M_PROTO5

/* t6_drv.c: packets */
unsigned t6_select(struct nic *, const struct mbuf *);
int t6_transmit(struct nic *, struct nic_queue *, struct mbuf *,
    const char **why);
void t6_reaped(struct nic *);
/* Into the software ring, and out of it as far as there are descriptors.
 * ENOBUFS: it is full; m remains the caller's. */
int t6_enqueue(struct nic *, struct nic_txq *, struct mbuf *);
void t6_soft_flush(struct nic *);
/* A short packet, all of it in the descriptor; csum: the card's. */
void t6_post_imm(struct nic_txq *, const uint8_t *pkt, uint32_t len, bool csum,
    uint16_t vlan, struct mbuf *m, const struct nic_lab *);
uint32_t t6_imm_blocks(uint32_t len); /* descriptors of such a packet */
/* Segments of bytes [off, off+len) of a chain, not yet mapped. */
unsigned t6_count_segs(const struct mbuf *, uint32_t off, uint32_t len);
static inline struct t6_set_tcb
t6_set_tcb(uint32_t tid, enum t6_tcb_field field, uint64_t val)
{
	return ((struct t6_set_tcb) {
	    .s_txpkt = { .up_op = ULP_TX_PKT,
		.up_len16 = sizeof(struct t6_set_tcb) / 16 },
	    .s_cpl = { .st_op = CPL_SET_TCB_FIELD,
		.st_word = (uint16_t)field,
		.st_tid = tid,
		.st_mask = UINT64_MAX,
		.st_val = val } });
}
void t6_put_sgl(uint8_t *, const struct nic_seg *, uint32_t nsegs);

/* t6_tls_drv.c: packets with a tag */
/* The tag of a packet of records; NULL: an ordinary packet. */
struct t6_tag *t6_packet_tag(const struct nic *, const struct mbuf *);
/* Checks, and the most descriptors it will take. EINVAL, EFBIG. */
int t6_tls_parse(struct nic *, const struct t6_tag *, struct mbuf *,
    uint32_t *blocks, const char **why);
/* A parsed packet for which there is room. 0, EIO: mapping failed, nothing
 * was posted. */
int t6_tls_write(struct nic_txq *, struct t6_tag *, struct mbuf *);

/* t6_tag.c */
if_snd_tag_alloc_fn t6_tag_alloc;
void t6_reset(struct nic *);

/* What the card can do of TLS: EPROTONOSUPPORT, EINVAL. */
struct tls_session_params;
int t6_cipher_check(const struct tls_session_params *);
/* A key context, at most T6_KEYCTX_MAX; its length. */
uint32_t t6_keyctx_fill(uint8_t *ctx, const struct tls_session_params *);

/* t6_toe_drv.c */
void t6_toe_attach(struct nic *); /* with the knob `toe` */
void t6_toe_detach(struct nic *);
void t6_toe_reset(struct nic *);
void t6_toe_dump(const struct nic *, struct strbuf *, int indent);
/* There is room in the rings. */
void t6_toe_reaped(struct nic *);

/* t6_res.c: what tags share */
/* So many keys at most may be in key memory, by order; a place for one more.
 * NULL: no room. */
struct t6_extent *t6_key_take(struct nic *, uint32_t len);
void t6_keymem_init(struct t6_keymem *, uint32_t size);
/* NULL: no room. */
struct t6_extent *t6_key_alloc(struct t6_keymem *, uint32_t len);
void t6_key_free(struct t6_keymem *, struct t6_extent *); /* NULL allowed */
uint16_t t6_l2t_alloc(struct t6_softc *, const uint8_t mac[6], uint16_t vlan,
    bool *fresh);
void t6_l2t_release(struct t6_softc *, uint16_t idx);
/* On the control queue, which answers nothing. */
void t6_ctrl(struct nic *, struct nic_cmd *);

#endif
