/*
 * The T6: work requests taken apart, pseudo-connections, key memory, layer-2
 * entries.
 *
 * What a work request says of a connection stands in its control block (TCB)
 * from then on; nothing of a record's cipher does: each TLS work request can
 * be processed without any other. A reset forgets all of it.
 *
 * Source: nic-models.md 5.1, 5.5, 5.11; the silicon's inside is inferred there
 * from what the driver hands it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/base/strbuf.h>
#include <ktsim/opencrypto/crypto_backend.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "t6_tp.h"

#define KEYS_MAX (256u << 20) /* no board has more */

struct t6_tcb *
t6_tcb(struct nic_card *c, uint32_t tid)
{
	struct t6_hw *th = c->c_softc;

	if (tid >= th->th_ntcbs || !th->th_tcbs[tid].tc_live)
		return (NULL);
	return (&th->th_tcbs[tid]);
}

/* --- keys --- */

static const struct tls_suite *
sec_suite(const struct cpl_tx_sec_pdu *sp, const struct t6_keyctx_hdr *kh)
{
	bool cbc = sp->sp_mode == T6_CBC_HMAC || sp->sp_mode == T6_CBC;

	if (sp->sp_vminor != TLS_MINOR_VER_ONE &&
	    sp->sp_vminor != TLS_MINOR_VER_TWO)
		return (NULL);
	return (tls_suite_find(cbc ? CRYPTO_AES_CBC : CRYPTO_AES_NIST_GCM_16,
	    sp->sp_auth, kh->kh_keylen, sp->sp_vminor));
}

static struct tls_crypt *
sec_crypt(const struct cpl_tx_sec_pdu *sp, const uint8_t *ctx,
    const struct tls_suite **suite)
{
	struct t6_keyctx_hdr kh;
	const struct tls_suite *s;
	struct tls_keys k;

	memcpy(&kh, ctx, sizeof(kh));
	if ((s = sec_suite(sp, &kh)) == NULL ||
	    t6_keyctx_len(s) != kh.kh_len16 * 16u ||
	    (s->cipher == TLS_CIPHER_CBC && kh.kh_maclen != t6_hmac_block(s)))
		return (NULL);
	k = (struct tls_keys) { .key = ctx + sizeof(kh),
		.iv = kh.kh_salt,
		.auth = ctx + sizeof(kh) + T6_ROUND16(kh.kh_keylen),
		.auth_len = kh.kh_maclen };
	*suite = s;
	return (tls_crypt_create(&crypto_openssl, s, &k, 1));
}

const uint8_t *
t6_key_at(const struct t6_hw *th, uint32_t addr)
{
	const struct t6_keyctx_hdr *kh;

	if ((uint64_t)addr + sizeof(*kh) > th->th_keys_len)
		return (NULL);
	kh = (const void *)(th->th_keys + addr);
	return ((uint64_t)addr + kh->kh_len16 * 16u <= th->th_keys_len
		? th->th_keys + addr
		: NULL);
}

struct tls_crypt *
t6_key_crypt(struct nic_card *c, const struct cpl_tx_sec_pdu *sp, uint32_t addr,
    const struct tls_suite **suite)
{
	const uint8_t *ctx = t6_key_at(c->c_softc, addr);

	return (ctx != NULL ? sec_crypt(sp, ctx, suite) : NULL);
}

struct tls_crypt *
t6_tcb_crypt(struct t6_tcb *tcb, const struct cpl_tx_sec_pdu *sp,
    const uint8_t *ctx)
{
	const struct tls_suite *s;
	struct t6_keyctx_hdr kh;
	struct tls_crypt *tc;

	memcpy(&kh, ctx, sizeof(kh));
	if ((s = sec_suite(sp, &kh)) != NULL && tcb->tc_crypt != NULL &&
	    tcb->tc_suite == s && t6_keyctx_len(s) == kh.kh_len16 * 16u &&
	    memcmp(tcb->tc_ctx, ctx, t6_keyctx_len(s)) == 0)
		return (tcb->tc_crypt);
	if ((tc = sec_crypt(sp, ctx, &s)) == NULL)
		return (NULL);
	tls_crypt_destroy(tcb->tc_crypt);
	tcb->tc_crypt = tc;
	tcb->tc_suite = s;
	memcpy(tcb->tc_ctx, ctx, t6_keyctx_len(s));
	return (tc);
}

/* A write to key memory; the board has as much as its driver deals out. */
static int
key_write(struct t6_hw *th, uint32_t addr, const void *p, uint32_t len)
{
	if (addr > KEYS_MAX)
		return (NIC_EXEC_BAD);
	if (addr + len > th->th_keys_len) {
		th->th_keys = xrealloc(th->th_keys, addr + len);
		memset(th->th_keys + th->th_keys_len, 0,
		    addr + len - th->th_keys_len);
		th->th_keys_len = addr + len;
	}
	memcpy(th->th_keys + addr, p, len);
	return (0);
}

static int
exec_mem_write(struct nic_card *c, const uint8_t *p, uint32_t len)
{
	const struct t6_mem_write *mw = (const void *)p;

	if (len < sizeof(*mw) || mw->mw_len > len - sizeof(*mw))
		return (NIC_EXEC_BAD);
	return (key_write(c->c_softc, mw->mw_addr, mw + 1, mw->mw_len));
}

/* --- work requests --- */

static int
exec_set_tcb(struct nic_card *c, const uint8_t *p, uint32_t len)
{
	const struct t6_set_tcb *s = (const void *)p;
	struct t6_tcb *tcb;

	if (len < sizeof(*s) || s->s_cpl.st_word >= TCB_FIELDS ||
	    (tcb = t6_tcb(c, s->s_cpl.st_tid)) == NULL)
		return (NIC_EXEC_BAD);
	tcb->tc_field[s->s_cpl.st_word] =
	    (tcb->tc_field[s->s_cpl.st_word] & ~s->s_cpl.st_mask) |
	    (s->s_cpl.st_val & s->s_cpl.st_mask);
	return (0);
}

/* One packet for the upper-layer engine: what it is says its first CPL. */
static int
exec_ulp(struct nic_exec *x, const uint8_t *p, uint32_t len)
{
	const struct ulp_txpkt *up = (const void *)p;
	struct nic_card *c = x->x_card;

	if (up->up_op == ULP_TX_MEM_WRITE)
		return (exec_mem_write(c, p, len));
	if (up->up_op != ULP_TX_PKT ||
	    len <= sizeof(struct ulp_txpkt) + sizeof(struct ulptx_idata))
		return (NIC_EXEC_BAD);
	switch (p[sizeof(struct ulp_txpkt) + sizeof(struct ulptx_idata)]) {
	case CPL_SET_TCB_FIELD:
		return (exec_set_tcb(c, p, len));
	case CPL_TX_SEC_PDU:
		return (t6_exec_tls(x, p, len));
	default:
		return (NIC_EXEC_BAD);
	}
}

static int
exec_ulptx(struct nic_exec *x, const uint8_t *wr, uint32_t len)
{
	uint32_t at = sizeof(struct t6_wr_hdr), n;

	while (at < len) {
		n = ((const struct ulp_txpkt *)(const void *)(wr + at))
			->up_len16;
		if (n == 0 || n > (len - at) / 16)
			return (NIC_EXEC_BAD);
		if (exec_ulp(x, wr + at, n * 16) != 0)
			return (NIC_EXEC_BAD);
		at += n * 16;
	}
	return (0);
}

static void
l2t_write(struct nic_card *c, const struct cpl_l2t_write *lw)
{
	struct t6_hw *th = c->c_softc;
	struct t6_l2e *l = &th->th_l2t[lw->lw_idx % T6_L2T_SIZE];

	memcpy(l->l_mac, lw->lw_mac, sizeof(l->l_mac));
	l->l_vlan = lw->lw_vlan;
}

int
t6_hw_exec(struct nic_exec *x)
{
	_Alignas(16) uint8_t tmp[T6_WR_MAX];
	const struct t6_wr_hdr *wh =
	    (const void *)nic_ring_block(x->x_q, x->x_at);
	uint32_t len = wh->wh_len16 * 16;
	const uint8_t *wr;

	if (len < 32 || len > T6_WR_MAX || nic_blocks(len) > x->x_room)
		return (NIC_EXEC_BAD);
	x->x_blocks = nic_blocks(len);
	wr = nic_ring_get(x->x_q, x->x_at, len, tmp);
	switch (wh->wh_op) {
	case FW_ULPTX_WR:
		return (exec_ulptx(x, wr, len));
	case FW_ETH_TX_PKT_WR:
		return (t6_exec_pkt(x, wr, len));
	case FW_OFLD_TX_DATA_WR:
	case FW_TLSTX_DATA_WR:
		return (t6_exec_toe(x, wr, len));
	case FW_TP_WR:
		if (wr[sizeof(*wh)] == CPL_CLOSE_CON_REQ)
			return (t6_exec_toe(x, wr, len));
		l2t_write(x->x_card, (const void *)(wr + sizeof(*wh)));
		return (0);
	default:
		return (NIC_EXEC_BAD);
	}
}

/* --- the control queue --- */

static struct t6_tcb *
tcb_new(struct t6_hw *th)
{
	uint32_t i = th->th_free, size;

	while (i < th->th_ntcbs && th->th_tcbs[i].tc_live)
		i++;
	if (i >= th->th_tids)
		return (NULL);
	if (i == th->th_ntcbs) {
		size = MIN(MAX(16u, th->th_ntcbs * 2), th->th_tids);
		th->th_tcbs =
		    xrealloc(th->th_tcbs, size * sizeof(*th->th_tcbs));
		memset(th->th_tcbs + i, 0, (size - i) * sizeof(*th->th_tcbs));
		th->th_ntcbs = size;
	}
	th->th_free = i + 1;
	th->th_nlive++;
	return (&th->th_tcbs[i]);
}

static void
act_open(struct t6_hw *th, struct nic_cmd *cmd)
{
	const struct t6_open *o = cmd->c_data;
	struct t6_tcb *tcb = tcb_new(th);

	if (tcb == NULL) {
		cmd->c_status = ENOMEM;
		return;
	}
	*tcb = (struct t6_tcb) { .tc_live = true,
		.tc_ipv6 = o->o_ipv6,
		.tc_timestamps = o->o_timestamps,
		.tc_local = o->o_local,
		.tc_foreign = o->o_foreign };
	memcpy(tcb->tc_lladdr, o->o_lladdr, sizeof(tcb->tc_lladdr));
	tcb->tc_field[TCB_T_FLAGS] = T6_TF_NON_OFFLOAD;
	cmd->c_out[0] = (uint64_t)(tcb - th->th_tcbs);
}

static void
tid_release(struct t6_hw *th, struct t6_tcb *tcb)
{
	tls_crypt_destroy(tcb->tc_crypt);
	explicit_bzero(tcb, sizeof(*tcb));
	th->th_nlive--;
	th->th_free = MIN(th->th_free, (uint32_t)(tcb - th->th_tcbs));
}

uint32_t
t6_tids_left(const struct t6_hw *th)
{
	return (th->th_tids > th->th_nlive ? th->th_tids - th->th_nlive : 0);
}

bool
t6_tid_take(struct nic_card *c, uint32_t *tid)
{
	struct t6_hw *th = c->c_softc;
	struct t6_tcb *tcb = tcb_new(th);

	if (tcb == NULL)
		return (false);
	*tcb = (struct t6_tcb) { .tc_live = true };
	*tid = (uint32_t)(tcb - th->th_tcbs);
	return (true);
}

void
t6_tid_give(struct nic_card *c, uint32_t tid)
{
	tid_release(c->c_softc, t6_tcb(c, tid));
}

void
t6_hw_cmd(struct nic_card *c, struct nic_cmd *cmd)
{
	struct t6_hw *th = c->c_softc;
	struct t6_tcb *tcb;

	if (cmd->c_op == T6_TOE_KEY_WRITE) {
		(void)key_write(th, (uint32_t)cmd->c_in[0], cmd->c_data,
		    (uint32_t)cmd->c_in[1]);
		return;
	}
	if (cmd->c_op >= T6_TOE_START) {
		t6_tp_cmd(c, cmd);
		return;
	}
	switch (cmd->c_op) {
	case T6_ACT_OPEN:
		act_open(th, cmd);
		return;
	case T6_L2T_WRITE:
		l2t_write(c, cmd->c_data);
		return;
	case T6_TIDS:
		th->th_tids = (uint32_t)cmd->c_in[0];
		return;
	case T6_KEY_SLOTS:
		cmd->c_out[0] = th->th_key_slots;
		return;
	default:
		break;
	}
	if ((tcb = t6_tcb(c, (uint32_t)cmd->c_in[0])) == NULL)
		cmd->c_status = EINVAL;
	else if (cmd->c_op == T6_TID_L2T)
		tcb->tc_field[TCB_L2T_IX] = cmd->c_in[1];
	else
		tid_release(th, tcb);
}

/* --- life --- */

int
t6_hw_attach(struct nic_card *c)
{
	struct t6_hw *th;

	c->c_softc = th = xcalloc(1, sizeof(*th));
	th->th_key_slots = UINT64_MAX;
	return (0);
}

int
t6_hw_order(struct nic_card *c, enum nic_order order, uint64_t value)
{
	struct t6_hw *th = c->c_softc;

	if (order == NIC_ORDER_KEYS)
		th->th_key_slots = value;
	else if (order == NIC_ORDER_CONTEXTS)
		th->th_tids = (uint32_t)MIN(value, UINT32_MAX);
	else
		return (EOPNOTSUPP);
	return (0);
}

void
t6_hw_reset(struct nic_card *c)
{
	struct t6_hw *th = c->c_softc;

	t6_tp_destroy(th->th_tp);
	th->th_tp = NULL;
	for (uint32_t i = 0; i < th->th_ntcbs; i++)
		if (th->th_tcbs[i].tc_live)
			tid_release(th, &th->th_tcbs[i]);
	if (th->th_keys_len > 0)
		explicit_bzero(th->th_keys, th->th_keys_len);
	memset(th->th_l2t, 0, sizeof(th->th_l2t));
}

void
t6_hw_detach(struct nic_card *c)
{
	struct t6_hw *th = c->c_softc;

	t6_hw_reset(c);
	free(th->th_keys);
	free(th->th_tcbs);
	free(th);
}

#define DUMP_MAX 16

void
t6_hw_dump(const struct nic_card *c, struct strbuf *sb, int indent)
{
	const struct t6_hw *th = c->c_softc;
	const struct t6_tcb *tcb;
	unsigned shown = 0;

	for (uint32_t i = 0; i < th->th_ntcbs && shown < DUMP_MAX; i++) {
		tcb = &th->th_tcbs[i];
		/* TP's connections have no fields of the driver's. */
		if (!tcb->tc_live || tcb->tc_toe != NULL)
			continue;
		strbuf_addf(sb,
		    "%*stid %u: TX_MAX %u SND_UNA -%u RCV_NXT %u RCV_WND %u\n",
		    indent, "", i, (uint32_t)tcb->tc_field[TCB_TX_MAX],
		    (uint32_t)tcb->tc_field[TCB_SND_UNA_RAW],
		    (uint32_t)tcb->tc_field[TCB_RCV_NXT],
		    (uint32_t)tcb->tc_field[TCB_RCV_WND]);
		shown++;
	}
}
