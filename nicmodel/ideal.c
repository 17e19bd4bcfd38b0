/*
 * The ideal TLS card: no limits, no cost besides the bytes it must read. It
 * keeps one running cipher state per tag. Bytes that follow on go straight
 * through; anything else (a retransmission, the first bytes after failover)
 * makes it read the record again from its beginning up to the place asked
 * for, throwing the output away, and go on from there.
 *
 * Exact for every cut: a record may begin, break and end anywhere, its tag
 * may be split over frames and bursts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/opencrypto/crypto_backend.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "nic_parse.h"

struct ideal_softc {
	struct kzone is_tags;
};

struct ideal_tag {
	struct m_snd_tag it_tag; /* first: containerof by cast */
	struct nic *it_nic;
	struct tls_crypt *it_crypt;
	struct tls_stream *it_stream;
	uint32_t it_conn;
	bool it_running;   /* the two below are valid */
	uint64_t it_seqno; /* record the cipher is in */
	uint32_t it_off;   /* next byte of that record */
	bool it_have_tag;
	uint8_t it_auth[16]; /* the record's tag, once computed */
};

/* A record as the card reads it: header || payload || trailer. */
struct ideal_rec {
	struct mbuf ir_whole; /* the mbuf, widened to the whole record */
	uint32_t ir_hlen, ir_cipher_end, ir_end;
};

static void
ideal_rec_init(struct ideal_rec *r, const struct mbuf *m)
{
	const struct m_extpg *e = &m->m_epg;
	uint32_t pay = 0, pgoff = e->first_off;

	for (int i = 0; i < e->npgs; i++, pgoff = 0)
		pay += (uint32_t)m_epg_pagelen(m, i, (int)pgoff);
	r->ir_whole = *m;
	r->ir_hlen = e->hdrlen;
	r->ir_end = e->hdrlen + pay + e->trllen;
	/* All but the tag's 16 bytes goes through the cipher: for TLS 1.3 the
	 * type byte in front of the tag too. */
	r->ir_cipher_end = r->ir_end - 16;
	r->ir_whole.m_epg_off = 0;
	r->ir_whole.m_len = (int32_t)r->ir_end;
}

/* Run bytes [from, to) of the record through the cipher; out may be NULL. */
static void
ideal_cipher(struct ideal_tag *it, const struct ideal_rec *r, uint32_t from,
    uint32_t to, uint8_t *out)
{
	struct m_piece pc[MBUF_PEXT_MAX_PGS + 2];
	unsigned n;

	n = m_pieces(&r->ir_whole, from, to - from, pc, nitems(pc));
	for (unsigned i = 0; i < n; i++) {
		tls_stream_update(it->it_stream, pc[i].p, out, pc[i].len);
		if (out != NULL)
			out += pc[i].len;
	}
}

static void
ideal_begin(struct ideal_tag *it, const struct mbuf *m)
{
	tls_stream_start(it->it_stream, m->m_epg.hdr, m->m_epg.seqno);
	it->it_running = true;
	it->it_seqno = m->m_epg.seqno;
	it->it_off = 0;
	it->it_have_tag = false;
}

static void
ideal_auth(struct ideal_tag *it)
{
	if (!it->it_have_tag)
		tls_stream_tag(it->it_stream, it->it_auth);
	it->it_have_tag = true;
}

/* Bytes up to off have to be read again: returns how many. */
static uint32_t
ideal_restart(struct ideal_tag *it, const struct ideal_rec *r,
    const struct mbuf *m, uint32_t off)
{
	uint32_t upto = MIN(off, r->ir_cipher_end);

	ideal_begin(it, m);
	if (V_DEFECT(it->it_nic->n_vnet, NIC_RESTART_COUNTER))
		upto -= MIN(upto, 16u);
	if (upto > r->ir_hlen)
		ideal_cipher(it, r, r->ir_hlen, upto, NULL);
	it->it_off = off;
	return (off);
}

/* Produce wire bytes [off, off+len) of the record; the cipher stands at off. */
static void
ideal_produce(struct ideal_tag *it, const struct ideal_rec *r, uint32_t off,
    uint32_t len, uint8_t *dst)
{
	uint32_t end = off + len, n;

	if (off < r->ir_hlen) {
		n = MIN(end, r->ir_hlen) - off;
		memcpy(dst, r->ir_whole.m_epg.hdr + off, n);
		dst += n;
		off += n;
	}
	if (off < end && off < r->ir_cipher_end) {
		n = MIN(end, r->ir_cipher_end) - off;
		ideal_cipher(it, r, off, off + n, dst);
		dst += n;
		off += n;
	}
	if (off < end) {
		ideal_auth(it);
		memcpy(dst, it->it_auth + (off - r->ir_cipher_end), end - off);
	}
	it->it_off = end;
}

/* The planted defect: DMA in the wrong direction. */
static void
ideal_write_back(const struct ideal_rec *r, uint32_t off, uint32_t len,
    const uint8_t *from)
{
	struct m_piece pc[MBUF_PEXT_MAX_PGS + 2];
	unsigned n;

	n = m_pieces(&r->ir_whole, off, len, pc, nitems(pc));
	for (unsigned i = 0; i < n; i++) {
		memcpy((uint8_t *)(uintptr_t)pc[i].p, from, pc[i].len);
		from += pc[i].len;
	}
}

static int
ideal_fetch(struct nic *n, const struct nic_pkt *p, struct mbuf *m,
    uint32_t off, uint32_t len, uint8_t *dst, struct nic_payload *pl)
{
	const struct pkthdr *ph = &p->p_m->m_pkthdr;
	struct ideal_tag *it;
	struct ideal_rec r;
	uint32_t reread = 0;

	if ((m->m_flags & M_EXTPG) == 0 || m->m_epg.tls == NULL ||
	    (ph->csum_flags & CSUM_SND_TAG) == 0 ||
	    ph->snd_tag->ifp != &n->n_if)
		return (nic_fetch_plain(n, p, m, off, len, dst, pl));
	it = (struct ideal_tag *)(void *)ph->snd_tag;
	pl->pl_tag = it->it_tag.number;
	n->n_stats.tls_bytes += len;
	if (V_DEFECT(n->n_vnet, NIC_NO_ENCRYPT)) {
		nic_copy(m, off, len, dst);
		return (0);
	}
	ideal_rec_init(&r, m);
	off += m->m_epg_off;
	if (!it->it_running || it->it_seqno != m->m_epg.seqno ||
	    it->it_off != off) {
		if (off == 0)
			ideal_begin(it, m);
		else {
			reread = ideal_restart(it, &r, m, off);
			pl->pl_reread += reread;
			n->n_stats.tls_restarts++;
			TRACE(&n->n_vnet->v_tracer, nic_tls_restart,
			    TS(n->n_if.if_xname), TU(it->it_conn),
			    TU(it->it_tag.number), TU(m->m_epg.seqno), TU(off),
			    TU(reread));
		}
	}
	ideal_produce(it, &r, off, len, dst);
	if (V_DEFECT(n->n_vnet, NIC_WRITE_BACK))
		ideal_write_back(&r, off, len, dst);
	return (0);
}

static int
ideal_tx(struct nic *n, struct mbuf *m, struct frameq *out)
{
	struct nic_pkt p;
	int error;

	if ((error = nic_parse(m, &p)) != 0)
		return (error);
	if (m->m_pkthdr.csum_flags & CSUM_SND_TAG)
		n->n_stats.tls_packets++;
	return (nic_segment(n, &p, ideal_fetch, out));
}

/* --- tags --- */

static void
ideal_tag_free(struct m_snd_tag *mst)
{
	struct ideal_tag *it = (struct ideal_tag *)(void *)mst;
	struct ideal_softc *sc = it->it_nic->n_softc;

	if (V_DEFECT(it->it_nic->n_vnet, NIC_TAG_LEAK))
		return;
	it->it_nic->n_stats.tls_tags--;
	it->it_nic->n_stats.tls_tags_released++;
	tls_stream_destroy(it->it_stream);
	tls_crypt_destroy(it->it_crypt);
	explicit_bzero(it->it_auth, sizeof(it->it_auth));
	kzone_free(&sc->is_tags, it);
}

static int
ideal_tag_modify(struct m_snd_tag *mst, const void *params)
{
	return (EOPNOTSUPP);
}

static int
ideal_tag_query(struct m_snd_tag *mst, void *params)
{
	return (EOPNOTSUPP);
}

static struct m_snd_tag *
ideal_tag_next(struct m_snd_tag *mst)
{
	return (NULL);
}

static const struct if_snd_tag_sw ideal_tag_sw = {
	.snd_tag_modify = ideal_tag_modify,
	.snd_tag_query = ideal_tag_query,
	.snd_tag_free = ideal_tag_free,
	.next_snd_tag = ideal_tag_next,
	.type = IF_SND_TAG_TYPE_TLS,
};

static int
ideal_tag_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	struct nic *n = ifp_to_nic(ifp);
	struct ideal_softc *sc = n->n_softc;
	const struct tls_session_params *tp;
	struct ideal_tag *it;

	if (params->type != IF_SND_TAG_TYPE_TLS)
		return (EOPNOTSUPP);
	tp = &params->tls->params;
	if (tp->suite->cipher == TLS_CIPHER_CBC)
		return (EPROTONOSUPPORT);
	it = kzone_alloc(&sc->is_tags, M_NOWAIT | M_ZERO);
	if (it == NULL)
		return (ENOMEM);
	it->it_nic = n;
	it->it_conn = params->conn.conn;
	it->it_crypt = tls_crypt_create(&crypto_openssl, tp->suite,
	    &(struct tls_keys) { .key = tp->cipher_key, .iv = tp->iv }, 1);
	if (it->it_crypt != NULL)
		it->it_stream = tls_stream_create(it->it_crypt);
	if (it->it_stream == NULL) {
		tls_crypt_destroy(it->it_crypt);
		kzone_free(&sc->is_tags, it);
		return (ENOMEM);
	}
	m_snd_tag_init(&it->it_tag, ifp, &ideal_tag_sw);
	n->n_stats.tls_tags_taken++;
	if (++n->n_stats.tls_tags > n->n_stats.tls_tags_max)
		n->n_stats.tls_tags_max = n->n_stats.tls_tags;
	*mstp = &it->it_tag;
	return (0);
}

/* --- the model --- */

static int
ideal_attach(struct nic *n)
{
	struct ideal_softc *sc;

	n->n_softc = sc = xcalloc(1, sizeof(*sc));
	kzone_init(&sc->is_tags, &n->n_vnet->v_kmem, "ideal_tag",
	    sizeof(struct ideal_tag));
	return (0);
}

static void
ideal_detach(struct nic *n)
{
	struct ideal_softc *sc = n->n_softc;

	KASSERT(sc->is_tags.z_inuse == 0,
	    ("%s detached with %ju send tags", n->n_if.if_xname,
		(uintmax_t)sc->is_tags.z_inuse));
	kzone_fini(&sc->is_tags);
	free(sc);
}

static void
ideal_dump(const struct nic *n, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*stags %ju (most %ju), restarts %ju\n", indent, "",
	    (uintmax_t)n->n_stats.tls_tags, (uintmax_t)n->n_stats.tls_tags_max,
	    (uintmax_t)n->n_stats.tls_restarts);
}

extern const struct nic_model nic_ideal;
const struct nic_model nic_ideal = {
	.nm_name = "ideal",
	.nm_text =
	    "TLS card without limits: AES-GCM, ChaCha20, TLS 1.2 and 1.3",
	.nm_caps = IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 |
	    IFCAP_TXCSUM_IPV6 | IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_LRO |
	    IFCAP_MEXTPG | IFCAP_TXTLS4 | IFCAP_TXTLS6,
	.nm_tsomax = 65518,
	.nm_tsomaxsegcount = 50,
	.nm_tsomaxsegsize = 65536,
	.nm_ring = 1024,
	.nm_fetch = 500 * SIM_NS,
	.nm_attach = ideal_attach,
	.nm_detach = ideal_detach,
	.nm_tx = ideal_tx,
	.nm_snd_tag_alloc = ideal_tag_alloc,
	.nm_dump = ideal_dump,
};
