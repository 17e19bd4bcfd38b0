/*
 * The T6's driver, TCP offload: what the card tells of connections. Each
 * response may be the last of its connection.
 *
 * Source: cxgbe/tom/t4_cpl_io.c, t4_listen.c, t4_connect.c, t4_tls.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>

#include "t6_toe_drv.h"

/* --- a connection begins --- */

static struct tcpcb *
listener_tp(const struct t6_toe *to, uint32_t stid)
{
	struct t6_lctx *l;

	TAILQ_FOREACH(l, &to->to_listeners, l_link)
		if (l->l_stid == stid)
			return (l->l_tp);
	return (NULL);
}

/* Nobody wants it: a reset to the peer, and the tid is free again. */
static void
pass_refuse(struct nic *n, uint32_t tid)
{
	t6_toe(n)->to_refused++;
	t6_ctrl(n, &(struct nic_cmd) { .c_op = T6_TOE_ABORT, .c_in = { tid } });
	t6_ctrl(n,
	    &(struct nic_cmd) { .c_op = T6_TOE_RELEASE, .c_in = { tid } });
}

static struct toe_conn
toe_conn_of(const struct t6_established *es)
{
	return ((struct toe_conn) { .local = es->es_local,
	    .foreign = es->es_foreign,
	    .iss = es->es_iss,
	    .irs = es->es_irs,
	    .maxseg = es->es_maxseg,
	    .snd_scale = es->es_snd_scale,
	    .rcv_scale = es->es_rcv_scale,
	    .timestamps = es->es_timestamps });
}

/* Both ends have it. */
static void
toep_established(struct t6_toep *te)
{
	struct nic *n = te->te_nic;

	te->te_established = true;
	t6_toe(n)->to_conns++;
	te->te_txq = toe_flowid(te->te_tp) % n->n_drv->d_nsend;
	t6_toep_ctrl(te, T6_TOE_CONN, toe_conn_number(te->te_tp));
	t6_toep_rx_credits(te);
}

static void
act_establish(struct t6_toep *te, const struct t6_rsp *cpl)
{
	struct t6_established es;
	struct toe_conn tc;

	memcpy(&es, cpl->c_data, sizeof(es));
	tc = toe_conn_of(&es);
	toep_established(te);
	toe_connected(te->te_tp, &tc);
}

static void
pass_establish(struct nic *n, const struct t6_rsp *cpl)
{
	struct t6_toe *to = t6_toe(n);
	struct t6_established es;
	struct toe_conn tc;
	struct tcpcb *listener;
	struct t6_toep *te = NULL;

	memcpy(&es, cpl->c_data, sizeof(es));
	tc = toe_conn_of(&es);
	if ((listener = listener_tp(to, es.es_stid)) != NULL)
		te = t6_toep_new(n);
	if (te == NULL) {
		pass_refuse(n, cpl->c_tid);
		return;
	}
	t6_toep_tid(te, cpl->c_tid);
	te->te_tp = toe_accepted(&to->to_tod, listener, &tc, te);
	if (te->te_tp == NULL) {
		to->to_refused++;
		t6_toep_abort(te);
		t6_toep_check(te);
		return;
	}
	toep_established(te);
}

static struct mbuf *
cpl_mbuf(struct nic *n, const struct t6_rsp *cpl)
{
	struct mbuf *m;

	if (cpl->c_len == 0)
		return (NULL);
	m = m_getjcl(n->n_vnet->v_mb, M_WAITOK, MT_DATA, 0,
	    cpl->c_len <= MCLBYTES ? MCLBYTES : MJUM16BYTES);
	memcpy(m->m_data, cpl->c_data, cpl->c_len);
	m->m_len = (int32_t)cpl->c_len;
	return (m);
}

static void
rx_spent(struct t6_toep *te, uint32_t len)
{
	te->te_rx_credits -= MIN(te->te_rx_credits, len);
}

static void
rx_tls_cmp(struct t6_toep *te, const struct t6_rsp *cpl)
{
	struct tls_get_record tgr = { .tls_type = cpl->c_type,
		.tls_vmajor = cpl->c_vmajor,
		.tls_vminor = cpl->c_vminor,
		.tls_length = { (uint8_t)(cpl->c_len >> 8),
		    (uint8_t)cpl->c_len } };

	rx_spent(te, cpl->c_val);
	if (cpl->c_eof)
		toe_truncated(te->te_tp, cpl->c_val);
	else if (cpl->c_error == 0)
		toe_record(te->te_tp, cpl->c_seqno, &tgr,
		    cpl_mbuf(te->te_nic, cpl), cpl->c_val);
	else
		toe_record_bad(te->te_tp, cpl->c_seqno, cpl->c_error,
		    cpl->c_fatal, cpl->c_val);
}

static void
aborted(struct t6_toep *te, int error)
{
	te->te_over = true;
	toe_aborted(te->te_tp, error,
	    error == ETIMEDOUT		? "the card gave up"
		: error == ECONNREFUSED ? "connection refused"
					: "reset by the peer");
}

static void
both_closed(struct t6_toep *te)
{
	if (te->te_peer_closed && te->te_fin_acked)
		te->te_over = true;
}

/* Of a connection that the host has. It may be over then. */
static void
response(struct t6_toep *te, const struct t6_rsp *cpl)
{
	switch (cpl->c_op) {
	case CPL_ACT_ESTABLISH:
		act_establish(te, cpl);
		break;
	case CPL_FW4_ACK:
		t6_toep_acked(te, cpl->c_val);
		break;
	case CPL_RX_DATA:
		rx_spent(te, cpl->c_len);
		toe_data(te->te_tp, cpl_mbuf(te->te_nic, cpl));
		break;
	case CPL_RX_TLS_CMP:
		rx_tls_cmp(te, cpl);
		break;
	case CPL_RX_QUIESCED:
		t6_toep_rx_quiesced(te);
		break;
	case CPL_PEER_CLOSE:
		te->te_peer_closed = true;
		both_closed(te);
		toe_peer_close(te->te_tp);
		break;
	case CPL_CLOSE_CON_RPL:
		te->te_fin_acked = true;
		both_closed(te);
		toe_fin_acked(te->te_tp);
		break;
	case CPL_ABORT_REQ_RSS:
		aborted(te, cpl->c_error);
		break;
	default:
		KASSERT(false, ("response %d", cpl->c_op));
	}
}

/* What it says may end the connection, or let its user end it. */
static void
response_held(struct t6_toep *te, const struct t6_rsp *cpl)
{
	te->te_held++;
	response(te, cpl);
	/* The buffer may have grown. */
	if (te->te_tp != NULL && te->te_established && !te->te_over)
		t6_toep_rx_credits(te);
	te->te_held--;
	t6_toep_check(te);
}

void
t6_toe_responses(struct nic *n)
{
	struct t6_toe *to = t6_toe(n);
	struct t6_rsp *cpl;
	struct t6_toep *te;

	while ((cpl = STAILQ_FIRST(&to->to_rspq.rq_cpls)) != NULL) {
		STAILQ_REMOVE_HEAD(&to->to_rspq.rq_cpls, c_link);
		te = t6_toep_find(to, cpl->c_tid);
		if (cpl->c_op == CPL_PASS_ESTABLISH)
			pass_establish(n, cpl);
		else if (te != NULL && te->te_tp != NULL)
			response_held(te, cpl);
		free(cpl);
	}
}
