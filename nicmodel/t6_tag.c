/*
 * The T6's driver: send tags. A tag is a pseudo-connection in the card: its
 * active open is asked for on the control queue, and where FreeBSD's driver
 * sleeps for the answer (uninterruptible, without a time limit), ours gives it
 * later. Then the control block and the key are written on the queue that the
 * session will use, whose order is all that there is between them and the
 * first record.
 *
 * After the card's reset its tids are gone: packets of the tags of before are
 * refused with EAGAIN, upon which the stack takes a new tag.
 *
 * Source: nic-models.md 5.3 to 5.6.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>

#include "t6_drv.h"

/* --- what the card can do: 5.3 --- */

static int
key_check(const struct tls_session_params *tp)
{
	switch (tp->cipher_key_len) {
	case 16:
	case 24:
	case 32:
		return (0);
	default:
		return (EINVAL);
	}
}

int
t6_cipher_check(const struct tls_session_params *tp)
{
	const struct tls_suite *s = tp->suite;

	if (s->vminor != TLS_MINOR_VER_ONE && s->vminor != TLS_MINOR_VER_TWO)
		return (EPROTONOSUPPORT);
	if (s->cipher == TLS_CIPHER_GCM)
		return (
		    tp->iv_len != TLS_AEAD_GCM_LEN ? EINVAL : key_check(tp));
	if (s->cipher != TLS_CIPHER_CBC)
		return (EPROTONOSUPPORT);
	if (s->auth_algorithm != CRYPTO_SHA1_HMAC &&
	    s->auth_algorithm != CRYPTO_SHA2_256_HMAC &&
	    s->auth_algorithm != CRYPTO_SHA2_384_HMAC)
		return (EPROTONOSUPPORT);
	/* No HMAC key of TLS is longer than its hash's block. */
	if (tp->auth_key_len > t6_hmac_block(s))
		return (EINVAL);
	return (key_check(tp));
}

uint32_t
t6_keyctx_fill(uint8_t *ctx, const struct tls_session_params *tp)
{
	const struct tls_suite *s = tp->suite;
	struct t6_keyctx_hdr *kh = (void *)ctx;
	uint8_t *key = ctx + sizeof(*kh);

	kh->kh_len16 = (uint8_t)(t6_keyctx_len(s) / 16);
	kh->kh_keylen = s->key_len;
	memcpy(key, tp->cipher_key, s->key_len);
	if (s->cipher == TLS_CIPHER_GCM) {
		/* The GHASH subkey's room: our engine makes it of the key. */
		memcpy(kh->kh_salt, tp->iv, sizeof(kh->kh_salt));
		return (t6_keyctx_len(s));
	}
	kh->kh_maclen = (uint8_t)t6_hmac_block(s);
	memcpy(key + T6_ROUND16(s->key_len), tp->auth_key, tp->auth_key_len);
	return (t6_keyctx_len(s));
}

/* --- the end of a tag --- */

static void
tag_resources(struct t6_tag *tt)
{
	struct t6_softc *sc = tt->tt_nic->n_softc;

	t6_key_free(&sc->sc_keys, tt->tt_key);
	tt->tt_key = NULL;
	if (tt->tt_l2t_any)
		t6_l2t_release(sc, tt->tt_l2t);
	tt->tt_l2t_any = false;
}

static void
tag_destroy(struct t6_tag *tt)
{
	struct t6_softc *sc = tt->tt_nic->n_softc;

	if (tt->tt_open && !tt->tt_dead)
		t6_ctrl(tt->tt_nic,
		    &(struct nic_cmd) { .c_op = T6_TID_RELEASE,
			.c_in[0] = tt->tt_tid });
	tag_resources(tt);
	TAILQ_REMOVE(&sc->sc_list, tt, tt_link);
	explicit_bzero(tt, sizeof(*tt));
	kzone_free(&sc->sc_tags, tt);
}

static void
tag_free(struct m_snd_tag *mst)
{
	struct t6_tag *tt = (struct t6_tag *)(void *)mst;
	struct nic_stats *st = &tt->tt_nic->n_stats;

	if (V_DEFECT(tt->tt_nic->n_vnet, NIC_TAG_LEAK))
		return;
	if (tt->tt_counted) {
		st->tls_tags--;
		st->tls_tags_released++;
	}
	tag_destroy(tt);
}

static int
tag_modify(struct m_snd_tag *mst, const void *params)
{
	return (EOPNOTSUPP);
}

static int
tag_query(struct m_snd_tag *mst, void *params)
{
	return (EOPNOTSUPP);
}

static struct m_snd_tag *
tag_next(struct m_snd_tag *mst)
{
	return (NULL);
}

static const struct if_snd_tag_sw t6_tag_sw = {
	.snd_tag_modify = tag_modify,
	.snd_tag_query = tag_query,
	.snd_tag_free = tag_free,
	.next_snd_tag = tag_next,
	.type = IF_SND_TAG_TYPE_TLS,
};

/* --- behind the active open: steps 11 to 14 --- */

/* A raw work request, which holds the tag until the card is done with it. */
static int
raw_wr(struct t6_tag *tt, const uint8_t *wr, uint32_t len)
{
	struct nic *n = tt->tt_nic;
	struct mbuf *m;
	int error;

	m = m_getjcl(n->n_vnet->v_mb, M_NOWAIT, MT_DATA, M_PKTHDR, MCLBYTES);
	if (m == NULL)
		return (ENOMEM);
	memcpy(m->m_data, wr, len);
	m->m_len = m->m_pkthdr.len = (int32_t)len;
	m->m_flags |= MC_RAW_WR;
	m->m_pkthdr.csum_flags = CSUM_SND_TAG;
	m->m_pkthdr.snd_tag = m_snd_tag_ref(&tt->tt_tag);
	error = t6_enqueue(n, &n->n_drv->d_txqs[tt->tt_txq], m);
	if (error != 0)
		m_freem(m);
	return (error);
}

static int
write_tcb(struct t6_tag *tt)
{
	_Alignas(16) uint8_t wr[sizeof(struct t6_wr_hdr) +
	    5 * sizeof(struct t6_set_tcb)] = { 0 };
	struct t6_set_tcb *s = (void *)(wr + sizeof(struct t6_wr_hdr));
	uint32_t tid = tt->tt_tid, len;

	*s = t6_set_tcb(tid, TCB_T_FLAGS, T6_TF_CORE_BYPASS);
	s->s_cpl.st_mask = T6_TF_NON_OFFLOAD | T6_TF_CORE_BYPASS;
	s++;
	*s++ = t6_set_tcb(tid, TCB_SND_NXT_RAW, 0);
	*s++ = t6_set_tcb(tid, TCB_SND_UNA_RAW, 0);
	*s++ = t6_set_tcb(tid, TCB_SND_MAX_RAW, 0);
	if (tt->tt_timestamps)
		*s++ = t6_set_tcb(tid, TCB_TS_OFFSET,
		    tt->tt_ts_offset >> T6_TS_SHIFT);
	len = (uint32_t)((uint8_t *)s - wr);
	*(struct t6_wr_hdr *)(void *)wr =
	    (struct t6_wr_hdr) { .wh_op = FW_ULPTX_WR, .wh_len16 = len / 16 };
	return (raw_wr(tt, wr, len));
}

static int
write_key(struct t6_tag *tt)
{
	_Alignas(16) uint8_t wr[sizeof(struct t6_wr_hdr) +
	    sizeof(struct t6_mem_write) + T6_KEYCTX_MAX] = { 0 };
	struct t6_mem_write *mw = (void *)(wr + sizeof(struct t6_wr_hdr));
	uint32_t len = (uint32_t)sizeof(*mw) + tt->tt_ctxlen;

	if (tt->tt_key == NULL)
		return (0);
	*mw = (struct t6_mem_write) { .mw_op = ULP_TX_MEM_WRITE,
		.mw_len16 = len / 16,
		.mw_addr = tt->tt_key->e_addr,
		.mw_len = tt->tt_ctxlen };
	memcpy(mw + 1, tt->tt_ctx, tt->tt_ctxlen);
	len += (uint32_t)sizeof(struct t6_wr_hdr);
	*(struct t6_wr_hdr *)(void *)wr =
	    (struct t6_wr_hdr) { .wh_op = FW_ULPTX_WR, .wh_len16 = len / 16 };
	return (raw_wr(tt, wr, len));
}

static void
tag_answer(struct nic *n, struct if_snd_tag_wait *wait, int error,
    struct m_snd_tag *mst)
{
	if (error != 0)
		n->n_stats.tls_tags_refused++;
	wait->iw_done(wait, error, mst);
}

/* The tid is there; the tag becomes one. */
static void
tag_opened(struct t6_tag *tt)
{
	struct nic *n = tt->tt_nic;
	struct t6_softc *sc = n->n_softc;
	struct t6_txq *tx = &sc->sc_txqs[tt->tt_txq];
	int error;

	tt->tt_open = true;
	m_snd_tag_init(&tt->tt_tag, &n->n_if, &t6_tag_sw);
	if ((error = write_tcb(tt)) != 0 || (error = write_key(tt)) != 0) {
		struct if_snd_tag_wait *wait = tt->tt_wait;

		m_snd_tag_rele(&tt->tt_tag);
		tag_answer(n, wait, error, NULL);
		return;
	}
	nic_tag_taken(n);
	tt->tt_counted = true;
	if (tt->tt_suite->cipher == TLS_CIPHER_GCM)
		tx->kern_tls_gcm++;
	else
		tx->kern_tls_cbc++;
	tag_answer(n, tt->tt_wait, 0, &tt->tt_tag);
}

static void
open_done(struct nic *n, struct nic_cmd *cmd)
{
	struct t6_softc *sc = n->n_softc;
	struct t6_tag *tt = cmd->c_arg;
	struct if_snd_tag_wait *wait = tt->tt_wait;
	int status = cmd->c_status;

	sc->sc_atids--;
	kzone_free(&sc->sc_opens, tt->tt_req);
	tt->tt_req = NULL;
	if (status == 0) {
		tt->tt_tid = (uint32_t)cmd->c_out[0];
		tag_opened(tt);
		return;
	}
	tag_destroy(tt);
	/* Whatever the firmware says: no tid. But a card that is gone. */
	tag_answer(n, wait, status == ENXIO ? ENXIO : ENOMEM, NULL);
}

/* --- up to the active open: steps 1 to 9 --- */

/* Of what the offset has, the control block keeps the top bits. */
static int
conn_check(struct nic *n, const struct if_snd_tag_conn *conn)
{
	if (conn->dropped)
		return (ECONNRESET);
	if (conn->timestamps &&
	    (conn->ts_offset & ((1u << T6_TS_SHIFT) - 1)) != 0)
		return (EINVAL);
	/* The compressed local IP table has the host's addresses. */
	if (conn->ipv6 &&
	    if_addr_owner(n->n_vnet, KAF_INET6, &conn->local.sa_addr) == NULL)
		return (ENOENT);
	return (0);
}

static int
open_request(struct t6_tag *tt, const struct if_snd_tag_conn *conn)
{
	struct nic *n = tt->tt_nic;
	struct t6_softc *sc = n->n_softc;

	tt->tt_req = kzone_alloc(&sc->sc_opens, M_NOWAIT | M_ZERO);
	if (tt->tt_req == NULL)
		return (ENOMEM);
	*tt->tt_req = (struct t6_open) { .o_ipv6 = conn->ipv6,
		.o_timestamps = conn->timestamps,
		.o_local = conn->local,
		.o_foreign = conn->foreign };
	memcpy(tt->tt_req->o_lladdr, n->n_if.if_lladdr, 6);
	tt->tt_cmd = (struct nic_cmd) { .c_op = T6_ACT_OPEN,
		.c_data = tt->tt_req,
		.c_done = open_done,
		.c_arg = tt };
	nic_cmd_submit(n, &tt->tt_cmd);
	return (0);
}

/* NULL: no room, or an order of the scenario left no slots; the key will be
 * in each work request. */
static struct t6_extent *
key_alloc(struct t6_tag *tt)
{
	if (nic_knob(tt->tt_nic, T6_KNOB_INLINE_KEYS) != 0)
		return (NULL);
	return (t6_key_take(tt->tt_nic, tt->tt_ctxlen));
}

/* Steps 3 to 9; what was taken is given back on an error. */
static int
tag_begin(struct t6_tag *tt, const struct if_snd_tag_conn *conn)
{
	struct nic *n = tt->tt_nic;
	struct t6_softc *sc = n->n_softc;
	int error;

	if (sc->sc_atids >= sc->sc_atids_max)
		return (ENOMEM);
	sc->sc_atids++;
	tt->tt_key = key_alloc(tt);
	error = conn_check(n, conn);
	if (error == 0)
		error = open_request(tt, conn);
	if (error != 0)
		sc->sc_atids--;
	return (error);
}

static struct t6_tag *
tag_new(struct nic *n, const struct if_snd_tag_alloc_params *params)
{
	struct t6_softc *sc = n->n_softc;
	struct t6_tag *tt;

	tt = kzone_alloc(&sc->sc_tags, M_NOWAIT | M_ZERO);
	if (tt == NULL)
		return (NULL);
	TAILQ_INSERT_TAIL(&sc->sc_list, tt, tt_link);
	tt->tt_nic = n;
	tt->tt_wait = params->wait;
	tt->tt_timestamps = params->conn.timestamps;
	tt->tt_ts_offset = params->conn.ts_offset;
	tt->tt_txq = params->flowtype == M_HASHTYPE_NONE
	    ? 0
	    : params->flowid % n->n_drv->d_nsend;
	return (tt);
}

static int
tag_alloc(struct nic *n, const struct if_snd_tag_alloc_params *params)
{
	struct t6_tag *tt;
	int error;

	if (nic_knob(n, T6_KNOB_TOE) != 0)
		return (EAGAIN);
	if ((tt = tag_new(n, params)) == NULL)
		return (ENOMEM);
	error = t6_cipher_check(&params->tls->params);
	if (error == 0) {
		tt->tt_suite = params->tls->params.suite;
		tt->tt_ctxlen =
		    t6_keyctx_fill(tt->tt_ctx, &params->tls->params);
		error = tag_begin(tt, &params->conn);
	}
	if (error != 0) {
		tag_destroy(tt);
		return (error);
	}
	return (EINPROGRESS);
}

int
t6_tag_alloc(struct ifnet *ifp, const struct if_snd_tag_alloc_params *params,
    struct m_snd_tag **mstp)
{
	struct nic *n = ifp_to_nic(ifp);
	int error;

	*mstp = NULL;
	if (params->type != IF_SND_TAG_TYPE_TLS)
		return (EOPNOTSUPP);
	KASSERT(params->wait != NULL, ("a TLS tag without a way to answer"));
	error = tag_alloc(n, params);
	if (error != EINPROGRESS)
		n->n_stats.tls_tags_refused++;
	return (error);
}

/* --- the card was reset --- */

void
t6_reset(struct nic *n)
{
	struct t6_softc *sc = n->n_softc;
	struct t6_tag *tt;

	t6_soft_flush(n);
	t6_toe_reset(n);
	if (V_DEFECT(n->n_vnet, T6_TIDS_STALE))
		return;
	TAILQ_FOREACH(tt, &sc->sc_list, tt_link)
		if (tt->tt_open && !tt->tt_dead) {
			tt->tt_dead = true;
			tag_resources(tt);
		}
}
