/*
 * The T6's driver, TCP offload: TLS sessions. Both keys must have a place in
 * the card's key memory. For transmit that is all: the key is written in front
 * of the first record, on the connection's queue. For receive the card stops
 * delivering, and is given the key when the host has been delivered whole
 * records.
 *
 * Source: t4_tls.c tls_alloc_ktls, tls_update_tcb; nic-models.md 6.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>

#include "t6_toe_drv.h"

/* --- keys --- */

static int
key_write_tx(struct t6_toep *te, uint32_t addr, const uint8_t *ctx,
    uint32_t len)
{
	struct nic_txq *t = &te->te_nic->n_drv->d_txqs[te->te_txq];
	_Alignas(16) uint8_t wr[sizeof(struct t6_wr_hdr) +
	    sizeof(struct t6_mem_write) + T6_KEYCTX_MAX] = { 0 };
	struct t6_wr_hdr *wh = (void *)wr;
	struct t6_mem_write *mw = (void *)(wh + 1);
	uint32_t wrlen = (uint32_t)(sizeof(*wh) + sizeof(*mw)) + len;

	if (nic_txq_room(t) < nic_blocks(wrlen))
		return (EAGAIN);
	*wh =
	    (struct t6_wr_hdr) { .wh_op = FW_ULPTX_WR, .wh_len16 = wrlen / 16 };
	*mw = (struct t6_mem_write) { .mw_op = ULP_TX_MEM_WRITE,
		.mw_len16 = (wrlen - (uint32_t)sizeof(*wh)) / 16,
		.mw_addr = addr,
		.mw_len = len };
	memcpy(mw + 1, ctx, len);
	nic_txq_post(t, wr, wrlen, NULL, 0, NULL);
	/* Its place is taken until it is written. */
	nic_txq_last(t)->sl_done = t6_toep_wr_done;
	nic_txq_last(t)->sl_arg = te;
	te->te_wrs++;
	nic_txq_ring(t);
	return (0);
}

static int
key_write(struct t6_toep *te, int direction, uint32_t addr, const uint8_t *ctx,
    uint32_t len)
{
	if (direction == KTLS_TX)
		return (key_write_tx(te, addr, ctx, len));
	t6_ctrl(te->te_nic,
	    &(struct nic_cmd) { .c_op = T6_TOE_KEY_WRITE,
		.c_in = { addr, len },
		.c_data = ctx });
	return (0);
}

static int
key_install(struct t6_toep *te, int direction,
    const struct tls_session_params *tp)
{
	struct t6_toe_key *tk = &te->te_key[direction == KTLS_RX];
	struct t6_softc *sc = te->te_nic->n_softc;
	uint8_t ctx[T6_KEYCTX_MAX] = { 0 };
	struct t6_extent *place;
	uint32_t len;
	int error;

	if (tk->tk_suite != NULL)
		return (EOPNOTSUPP);
	if ((error = t6_cipher_check(tp)) != 0)
		return (error);
	len = t6_keyctx_fill(ctx, tp);
	if ((place = t6_key_take(te->te_nic, len)) == NULL)
		error = ENOSPC;
	else
		error = key_write(te, direction, place->e_addr, ctx, len);
	explicit_bzero(ctx, sizeof(ctx));
	if (error != 0) {
		t6_key_free(&sc->sc_keys, place);
		return (error);
	}
	tk->tk_place = place;
	tk->tk_suite = tp->suite;
	return (0);
}

static void
key_free(struct t6_toep *te, struct t6_toe_key *tk)
{
	struct t6_softc *sc = te->te_nic->n_softc;

	t6_key_free(&sc->sc_keys, tk->tk_place);
	*tk = (struct t6_toe_key) { 0 };
}

void
t6_toep_keys_free(struct t6_toep *te)
{
	key_free(te, &te->te_key[0]);
	key_free(te, &te->te_key[1]);
}

/* --- receive: to a record's boundary --- */

static void
rx_failed(struct t6_toep *te, int error)
{
	te->te_rx_tls = TOE_RX_NONE;
	if (te->te_tp != NULL)
		toe_rx_tls_failed(te->te_tp, error);
}

static void
rx_program(struct t6_toep *te, uint64_t seqno, uint32_t resid)
{
	const struct t6_toe_key *tk = &te->te_key[1];
	struct t6_toe_rx_tls rt = { .rt_tid = te->te_tid,
		.rt_resid = resid,
		.rt_seqno = seqno,
		.rt_key = tk->tk_place->e_addr,
		.rt_sec = { .sp_mode = (uint8_t)t6_toe_mode(tk->tk_suite),
		    .sp_vminor = tk->tk_suite->vminor,
		    .sp_auth = (uint16_t)tk->tk_suite->auth_algorithm } };
	struct nic_cmd cmd = { .c_op = T6_TOE_RX_TLS,
		.c_in = { te->te_tid },
		.c_data = &rt };

	t6_ctrl(te->te_nic, &cmd);
	KASSERT(cmd.c_status == 0,
	    ("tid %u: the card did not find the key", te->te_tid));
	te->te_rx_tls = TOE_RX_ON;
	t6_toep_rx_credits(te);
}

/* The host has all that was delivered: where does that end? */
void
t6_toep_rx_quiesced(struct t6_toep *te)
{
	uint64_t seqno;
	uint32_t resid;

	if (te->te_tp == NULL || te->te_over)
		return;
	if (toe_pending_rx_info(te->te_tp, &seqno, &resid)) {
		rx_program(te, seqno, resid);
		return;
	}
	/* Within a header, which does not tell yet how long the record is. */
	te->te_rx_tls = TOE_RX_HEADER;
	t6_toep_ctrl(te, T6_TOE_RX_BYTE, 0);
}

static void
quiesce_done(struct nic *n, struct nic_cmd *cmd)
{
	struct t6_toep *te = cmd->c_arg;

	if (cmd->c_status == 0) {
		t6_toe_responses(n); /* they came before */
		t6_toep_rx_quiesced(te);
	} else if (cmd->c_status == EIO)
		rx_failed(te, cmd->c_status);
	te->te_cmd_busy = false;
	/* Otherwise the connection is gone, or about to be. */
	t6_toep_check(te);
}

static void
rx_begin(struct t6_toep *te)
{
	te->te_rx_tls = TOE_RX_STOPPING;
	te->te_cmd = (struct nic_cmd) { .c_op = T6_TOE_RX_QUIESCE,
		.c_in = { te->te_tid },
		.c_done = quiesce_done,
		.c_arg = te };
	te->te_cmd_busy = true;
	t6_toep_rx_credits(te);
	nic_cmd_submit(te->te_nic, &te->te_cmd);
}

int
t6_toe_alloc_tls(struct toedev *tod, struct tcpcb *tp, struct ktls_session *tls,
    int direction)
{
	struct t6_toep *te = toe_of(tp);
	int error;

	error = key_install(te, direction, &tls->params);
	if (error != 0)
		return (error);
	if (direction == KTLS_RX)
		rx_begin(te);
	return (0);
}
