/*
 * The T6's driver, TCP offload: what the send buffer has goes down, a record
 * of TLS in a work request of its own, other bytes as many as one holds, as
 * long as there are credits and descriptors. The bytes remain in the buffer
 * until their credits come back: then the peer has them.
 *
 * Source: t4_cpl_io.c t4_push_data, do_fw4_ack; t4_tls.c t4_push_ktls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>

#include "t6_toe_drv.h"

#define DATA_MAX  32768 /* bytes of one work request */
#define DATA_SEGS 36
#define RETRY	  SIM_MS /* when memory was short */

static struct nic_txq *
toep_txq(const struct t6_toep *te)
{
	return (&te->te_nic->n_drv->d_txqs[te->te_txq]);
}

void
t6_toep_wr_done(struct nic_txq *t, void *arg)
{
	struct t6_toep *te = arg;

	te->te_wrs--;
	t6_toep_check(te);
}

/* There is room. m goes with it. */
static void
toep_post(struct t6_toep *te, const uint8_t *wr, uint32_t len, struct mbuf *m,
    uint32_t maps, uint32_t plen)
{
	struct nic_txq *t = toep_txq(te);
	struct t6_txsd *sd;

	nic_txq_post(t, wr, len, m, maps, NULL);
	nic_txq_last(t)->sl_done = t6_toep_wr_done;
	nic_txq_last(t)->sl_arg = te;
	te->te_wrs++;
	if (plen == 0)
		return;
	sd = xcalloc(1, sizeof(*sd));
	sd->sd_credits = len / 16;
	sd->sd_plen = plen;
	te->te_credits -= sd->sd_credits;
	STAILQ_INSERT_TAIL(&te->te_txsds, sd, sd_link);
	toe_sent(te->te_tp, plen);
}

/* Enough of both for a work request of so many bytes? */
static bool
toep_may(struct t6_toep *te, uint32_t len)
{
	if (te->te_credits < len / 16) {
		if (!te->te_suspended)
			t6_toe(te->te_nic)->to_suspended++;
		te->te_suspended = true;
		return (false);
	}
	if (nic_txq_room(toep_txq(te)) < nic_blocks(len)) {
		te->te_blocked = true;
		return (false);
	}
	return (true);
}

static void
toep_later(struct t6_toep *te)
{
	te->te_blocked = true;
	timebase_post_in(te->te_nic->n_vnet->v_tb,
	    &t6_toe(te->te_nic)->to_retry, RETRY);
}

/* A mapping that an order of the scenario lets fail is tried again later:
 * here there is nobody to whom one could say that it failed. */
static int
toep_map(struct t6_toep *te, const struct mbuf *m, uint32_t off, uint32_t len,
    struct nic_seg *segs, unsigned max)
{
	int n;

	KASSERT(t6_count_segs(m, off, len) <= max,
	    ("%u bytes in more than %u pieces", len, max));
	n = nic_map_chain(toep_txq(te), m, off, len, segs, max);
	if (n < 0)
		toep_later(te);
	return (n);
}

/* --- bytes --- */

static bool
push_data(struct t6_toep *te, struct mbuf *m, uint32_t len)
{
	_Alignas(16) uint8_t wr[T6_WR_MAX] = { 0 };
	struct t6_wr_hdr *wh = (void *)wr;
	struct t6_ofld_tx *ot = (void *)(wh + 1);
	struct nic_seg segs[DATA_SEGS];
	uint32_t nsegs = t6_count_segs(m, 0, len), wrlen;
	int n;

	wrlen = T6_ROUND16(sizeof(*wh) + sizeof(*ot) + t6_sgl_len(nsegs));
	if (!toep_may(te, wrlen))
		return (false);
	if ((n = toep_map(te, m, 0, len, segs, DATA_SEGS)) < 0)
		return (false);
	*wh = (struct t6_wr_hdr) { .wh_op = FW_OFLD_TX_DATA_WR,
		.wh_len16 = wrlen / 16 };
	*ot = (struct t6_ofld_tx) { .ot_tid = te->te_tid, .ot_len = len };
	t6_put_sgl((uint8_t *)(ot + 1), segs, (uint32_t)n);
	toep_post(te, wr, wrlen, m, (uint32_t)n, len);
	return (true);
}

/* --- a record --- */

enum t6_cipher_mode
t6_toe_mode(const struct tls_suite *s)
{
	return (s->cipher == TLS_CIPHER_GCM ? T6_GCM : T6_CBC_HMAC);
}

static uint8_t *
put_record_head(uint8_t *p, const struct t6_toep *te, const struct mbuf *m,
    uint32_t paylen, uint32_t wrlen)
{
	const struct t6_toe_key *tk = &te->te_key[0];
	struct t6_tls_head *h = (void *)p;

	h->h_txpkt = (struct ulp_txpkt) { .up_op = ULP_TX_PKT,
		.up_len16 = (wrlen - (uint32_t)sizeof(struct t6_wr_hdr)) / 16 };
	h->h_sec = (struct cpl_tx_sec_pdu) { .sp_op = CPL_TX_SEC_PDU,
		.sp_mode = (uint8_t)t6_toe_mode(tk->tk_suite),
		.sp_vminor = tk->tk_suite->vminor,
		.sp_hdrlen = m->m_epg.hdrlen,
		.sp_pldlen = paylen,
		.sp_tail = m->m_epg.trllen,
		.sp_auth = (uint16_t)tk->tk_suite->auth_algorithm,
		.sp_seqno = m->m_epg.seqno };
	p += sizeof(*h);
	*(struct ulptx_sc_memrd *)(void *)p =
	    (struct ulptx_sc_memrd) { .mr_op = ULP_TX_SC_MEMRD,
		    .mr_addr = tk->tk_place->e_addr };
	p += sizeof(struct ulptx_sc_memrd);
	*(struct cpl_tx_data *)(void *)p =
	    (struct cpl_tx_data) { .td_op = CPL_TX_DATA,
		    .td_mss = 1, /* TP has its own */
		    .td_tid = te->te_tid,
		    .td_len = (uint32_t)m->m_len };
	p += sizeof(struct cpl_tx_data);
	memcpy(p, m->m_epg.hdr, m->m_epg.hdrlen);
	return (p + T6_ROUND16(m->m_epg.hdrlen));
}

static bool
push_record(struct t6_toep *te, struct mbuf *m)
{
	_Alignas(16) uint8_t wr[T6_WR_MAX] = { 0 };
	struct t6_wr_hdr *wh = (void *)wr;
	uint32_t hlen = m->m_epg.hdrlen;
	uint32_t paylen = (uint32_t)m->m_len - hlen - m->m_epg.trllen;
	struct nic_seg segs[MBUF_PEXT_MAX_PGS + 2];
	uint32_t nsegs = t6_count_segs(m, hlen, paylen), wrlen;
	int n;
	uint8_t *p;

	wrlen = T6_ROUND16(sizeof(*wh) + sizeof(struct t6_tls_head) +
	    sizeof(struct ulptx_sc_memrd) + sizeof(struct cpl_tx_data) +
	    T6_ROUND16(hlen) + t6_sgl_len(nsegs));
	if (!toep_may(te, wrlen))
		return (false);
	if ((n = toep_map(te, m, hlen, paylen, segs, nitems(segs))) < 0)
		return (false);
	*wh = (struct t6_wr_hdr) { .wh_op = FW_TLSTX_DATA_WR,
		.wh_len16 = wrlen / 16 };
	p = put_record_head((uint8_t *)(wh + 1), te, m, paylen, wrlen);
	t6_put_sgl(p, segs, (uint32_t)n);
	te->te_nic->n_stats.tls_packets++;
	toep_post(te, wr, wrlen, m, (uint32_t)n, (uint32_t)m->m_len);
	return (true);
}

/* --- all of it --- */

static void
push_fin(struct t6_toep *te)
{
	_Alignas(16) uint8_t wr[NIC_BLOCK] = { 0 };
	struct t6_wr_hdr *wh = (void *)wr;
	uint32_t len = sizeof(*wh) + sizeof(struct cpl_close_con);

	if (nic_txq_room(toep_txq(te)) < 1) {
		te->te_blocked = true;
		return;
	}
	*wh = (struct t6_wr_hdr) { .wh_op = FW_TP_WR, .wh_len16 = len / 16 };
	*(struct cpl_close_con *)(void *)(wh + 1) =
	    (struct cpl_close_con) { .cc_op = CPL_CLOSE_CON_REQ,
		    .cc_tid = te->te_tid };
	toep_post(te, wr, len, NULL, 0, 0);
	te->te_fin_sent = true;
}

/* One work request. False: it must wait, or there is nothing. */
static bool
push_one(struct t6_toep *te)
{
	uint32_t len = DATA_MAX;
	bool record, went;
	struct mbuf *m;

	if (toe_snd_avail(te->te_tp) == 0)
		return (false);
	m = toe_snd_copy(te->te_tp, &len, DATA_SEGS, &record);
	if (m == NULL) {
		toep_later(te);
		return (false);
	}
	went = record ? push_record(te, m) : push_data(te, m, len);
	if (!went)
		m_freem(m);
	return (went);
}

void
t6_toep_push(struct t6_toep *te)
{
	if (te->te_tp == NULL || te->te_over || te->te_fin_sent ||
	    !te->te_established)
		return;
	if (te->te_suspended)
		return; /* until credits come back */
	te->te_blocked = false;
	while (push_one(te))
		;
	if (te->te_fin && toe_snd_done(te->te_tp))
		push_fin(te);
	nic_txq_ring(toep_txq(te));
}

void
t6_toep_acked(struct t6_toep *te, uint32_t credits)
{
	uint32_t plen = 0;
	struct t6_txsd *sd;

	te->te_credits += credits;
	te->te_suspended = false;
	while (credits > 0) {
		sd = STAILQ_FIRST(&te->te_txsds);
		KASSERT(sd != NULL && sd->sd_credits <= credits,
		    ("tid %u: %u credits too many", te->te_tid, credits));
		credits -= sd->sd_credits;
		plen += sd->sd_plen;
		STAILQ_REMOVE_HEAD(&te->te_txsds, sd_link);
		free(sd);
	}
	if (te->te_tp == NULL)
		return;
	toe_acked(te->te_tp, plen);
	t6_toep_push(te);
}

void
t6_toep_tx_free(struct t6_toep *te)
{
	struct t6_txsd *sd;

	while ((sd = STAILQ_FIRST(&te->te_txsds)) != NULL) {
		STAILQ_REMOVE_HEAD(&te->te_txsds, sd_link);
		free(sd);
	}
}
