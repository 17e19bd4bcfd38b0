/*
 * Framing: what a record looks like on the outside, before anybody encrypts.
 * Header and trailer sizes come from the suite; lengths on the mbuf grow here,
 * so TCP's sequence numbers are the same in every mode.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/sockbuf.h>

#include "ktls_priv.h"

bool
ktls_permit_empty_frames(const struct ktls_session *tls)
{
	/* Only TLS 1.0 CBC needs them, against its chained IV. */
	return (tls_suite_chained(tls->params.suite) ||
	    V_DEFECT(tls->vnet, KTLS_EMPTY_RECORDS));
}

/* TLS 1.2 AES-GCM: an eight-byte counter of the session, begun at random. */
static void
ktls_explicit_nonce(struct ktls_session *tls, uint8_t *p)
{
	uint64_t n = be64dec(tls->params.iv + 8);

	be64enc(p, n);
	if (V_DEFECT(tls->vnet, KTLS_NONCE_REUSE) && n % 4 == 3)
		return;
	be64enc(tls->params.iv + 8, n + 1);
}

/*
 * TLS 1.1, 1.2 AES-CBC: any bytes that nobody can foresee. The last ones are
 * kept for the planted defect only.
 */
static void
ktls_explicit_iv(struct ktls_session *tls, uint8_t *p)
{
	prng_bytes(&tls->vnet->v_ktls->ks_prng, p, TLS_CBC_BLOCK_LEN);
	if (V_DEFECT(tls->vnet, KTLS_NONCE_REUSE) && p[0] % 4 == 3)
		memcpy(p, tls->params.iv, TLS_CBC_BLOCK_LEN);
	memcpy(tls->params.iv, p, TLS_CBC_BLOCK_LEN);
}

static void
ktls_frame_one(struct mbuf *m, struct ktls_session *tls, uint8_t type)
{
	const struct tls_session_params *tp = &tls->params;
	struct m_extpg *e = &m->m_epg;
	bool v13 = tp->tls_vminor == TLS_MINOR_VER_THREE;

	KASSERT(m->m_len <= tp->max_frame_len,
	    ("ktls_frame: %d bytes", m->m_len));
	/* Planted: a kernel whose assertions are compiled out. */
	KASSERT(m->m_len > 0 || tp->suite->cipher == TLS_CIPHER_CBC ||
		V_DEFECT(tls->vnet, KTLS_EMPTY_RECORDS),
	    ("ktls_frame: an empty record"));
	KASSERT((m->m_flags & M_EXTPG) != 0 && e->tls == NULL,
	    ("ktls_frame: not a fresh M_EXTPG mbuf"));
	e->tls = ktls_hold(tls);
	e->hdrlen = tp->tls_hlen;
	e->trllen = (uint8_t)tls_suite_trailer(tp->suite, (unsigned)m->m_len);
	e->record_type = type;
	m->m_len += e->hdrlen + e->trllen;
	e->hdr[0] = v13 ? TLS_RLTYPE_APP : type;
	e->hdr[1] = tp->tls_vmajor;
	e->hdr[2] = v13 ? TLS_MINOR_VER_TWO : tp->tls_vminor;
	be16enc(e->hdr + 3, (uint16_t)(m->m_len - 5));
	if (v13)
		e->trail[0] = type;
	if (tp->tls_vminor == TLS_MINOR_VER_TWO &&
	    tp->suite->cipher == TLS_CIPHER_GCM)
		ktls_explicit_nonce(tls, e->hdr + 5);
	if (tp->suite->cipher == TLS_CIPHER_CBC && tp->tls_hlen > 5)
		ktls_explicit_iv(tls, e->hdr + 5);
}

void
ktls_frame(struct mbuf *top, struct ktls_session *tls, int *enq_cnt,
    uint8_t record_type)
{
	struct mbuf *m;

	for (m = top; m != NULL; m = m->m_next) {
		TRACE(&tls->vnet->v_tracer, tls_frame, TU(tls->conn),
		    TU(record_type), TU(m->m_len));
		ktls_frame_one(m, tls, record_type);
		if (tls->mode != TCP_TLS_MODE_SW)
			continue;
		m->m_flags |= M_NOTREADY;
		m->m_epg.nrdy = m->m_epg.npgs;
		*enq_cnt += MAX(m->m_epg.npgs, 1);
	}
}

void
ktls_seq(struct sockbuf *sb, struct mbuf *m)
{
	struct vnet *vnet = sb->sb_tls_info->vnet;

	for (; m != NULL; m = m->m_next) {
		KASSERT(m->m_flags & M_EXTPG, ("ktls_seq: not a record"));
		m->m_epg.seqno = sb->sb_tls_seqno;
		if (V_DEFECT(vnet, KTLS_NONCE_REUSE) &&
		    sb->sb_tls_seqno % 8 == 5 &&
		    m->m_epg.record_type == TLS_RLTYPE_APP &&
		    m->m_next != NULL) {
			m = m->m_next;
			m->m_epg.seqno = sb->sb_tls_seqno;
		}
		sb->sb_tls_seqno++;
		TRACE(&vnet->v_tracer, tls_record, TU(sb->sb_tls_info->conn),
		    TU(m->m_epg.seqno), TU(m->m_len));
	}
}
