/*
 * The T6: one TLS record. The crypto engine makes stream bytes of what the
 * work request brings: key (or where it is), TLS header, IV of a part, and a
 * gather list. TP, which takes the tid for a connection of its own, cuts the
 * bytes into packets of the MSS from their first on, leaves out those that
 * are wholly below SND_UNA, and writes headers from the control block.
 *
 * So the stack's IP ID, TOS and ECN bits, TTL, CWR, ECE and urgent pointer do
 * not reach the wire: TP never sees the stack's header.
 *
 * Source: nic-models.md 5.11.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/tcp.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "t6_hw.h"

#define TTL 64 /* of the packets that TP builds; nothing tells it another */

/* A TLS work request, found to make sense. */
struct t6_tls {
	struct t6_tcb *r_tcb;
	const struct cpl_tx_sec_pdu *r_sec;
	const uint8_t *r_ctx;
	const struct cpl_tx_data *r_data;
	const uint8_t *r_hdr, *r_iv;
	const uint8_t *r_sgl;
	uint32_t r_sgl_len;
	uint32_t r_hdrlen; /* of the header that is sent; 0: not this time */
};

/* --- taking it apart --- */

/* The key context: here, or in the card's memory. */
static const uint8_t *
tls_keyctx(struct nic_card *c, const struct cpl_tx_sec_pdu *sp,
    const uint8_t *at, uint32_t *len)
{
	const struct ulptx_sc_memrd *mr = (const void *)at;
	struct t6_hw *th = c->c_softc;
	const struct t6_keyctx_hdr *kh;

	*len = sp->sp_keylen != 0 ? sp->sp_keylen : (uint32_t)sizeof(*mr);
	if (sp->sp_keylen != 0) {
		kh = (const void *)at;
		return (sp->sp_keylen >= sizeof(*kh) &&
			    sp->sp_keylen == kh->kh_len16 * 16u
			? at
			: NULL);
	}
	return (
	    mr->mr_op == ULP_TX_SC_MEMRD ? t6_key_at(th, mr->mr_addr) : NULL);
}

static bool
tls_parse(struct nic_card *c, const uint8_t *p, uint32_t len, struct t6_tls *r)
{
	uint32_t at = sizeof(struct t6_tls_head), n;

	r->r_sec = &((const struct t6_tls_head *)(const void *)p)->h_sec;
	if (len < at + sizeof(struct ulptx_sc_memrd) + sizeof(*r->r_data) ||
	    len < at + r->r_sec->sp_keylen + sizeof(*r->r_data) ||
	    (r->r_ctx = tls_keyctx(c, r->r_sec, p + at, &n)) == NULL)
		return (false);
	at += n;
	r->r_data = (const void *)(p + at);
	r->r_tcb = t6_tcb(c, r->r_data->td_tid);
	at += sizeof(*r->r_data);
	r->r_hdr = p + at;
	r->r_iv = r->r_hdr + r->r_sec->sp_hdrlen;
	n = T6_ROUND16(r->r_sec->sp_hdrlen + r->r_sec->sp_ivlen);
	if (r->r_tcb == NULL || r->r_data->td_op != CPL_TX_DATA ||
	    r->r_data->td_mss == 0 || len < at + n || r->r_sec->sp_hdrlen < 5)
		return (false);
	at += n;
	r->r_sgl = p + at;
	r->r_sgl_len = len - at;
	r->r_hdrlen = r->r_sec->sp_nohdr ? 0 : r->r_sec->sp_hdrlen;
	if (r->r_sec->sp_pldlen > FRAMEBUF_SIZE ||
	    r->r_sec->sp_tail > FRAMEBUF_SIZE)
		return (false);
	n = r->r_hdrlen + r->r_sec->sp_pldlen + r->r_sec->sp_tail;
	return (n == r->r_data->td_len && n <= FRAMEBUF_SIZE);
}

/* Bytes of the packets that need not be sent: wholly below SND_UNA. */
static uint32_t
tp_discard(const struct t6_tls *r)
{
	uint32_t tx_max = (uint32_t)r->r_tcb->tc_field[TCB_TX_MAX];
	uint32_t una = tx_max - (uint32_t)r->r_tcb->tc_field[TCB_SND_UNA_RAW];
	uint32_t seq = r->r_data->td_seq, len = r->r_data->td_len;
	uint32_t mss = r->r_data->td_mss, at = 0;

	while (at < len && SEQ_LEQ(seq + MIN(at + mss, len), una))
		at = MIN(at + mss, len);
	return (at);
}

/* --- the crypto engine --- */

/* The header is right for a record of this suite and this length. */
static bool
tls_whole(const struct t6_tls *r, const struct tls_suite *s)
{
	const struct cpl_tx_sec_pdu *sp = r->r_sec;

	return (sp->sp_hdrlen == s->hlen &&
	    sp->sp_tail == tls_suite_trailer(s, sp->sp_pldlen) &&
	    be16dec(r->r_hdr + 3) ==
		sp->sp_hdrlen - 5u + sp->sp_pldlen + sp->sp_tail);
}

/* Payload at p becomes ciphertext, the tail is written behind it. */
static int
tls_crypt_bytes(const struct t6_tls *r, struct tls_crypt *tc, uint8_t *p)
{
	const struct cpl_tx_sec_pdu *sp = r->r_sec;
	uint32_t len = sp->sp_pldlen, ctr;
	struct tls_iov iov = { p, p, len };

	switch (sp->sp_mode) {
	case T6_GCM:
	case T6_CBC_HMAC:
		if (!tls_whole(r, tls_crypt_suite(tc)))
			return (NIC_EXEC_BAD);
		return (tls_record_encrypt(tc, 0, r->r_hdr, sp->sp_seqno,
		    r->r_hdr[0], &iov, 1, p + len));
	case T6_CTR:
		ctr = sp->sp_ivlen == T6_IV_LEN ? be32dec(r->r_iv + 12) : 0;
		if (ctr < 2 || sp->sp_tail != 0)
			return (NIC_EXEC_BAD);
		return (tls_record_ctr(tc, 0, r->r_hdr, sp->sp_seqno,
		    (ctr - 2) * 16, p, p, len));
	case T6_CBC:
		if (len % 16 != 0 || sp->sp_tail != 0 || sp->sp_hdrlen != 21)
			return (NIC_EXEC_BAD);
		return (tls_record_blocks_cbc(tc, 0, r->r_hdr, p, p, len));
	default:
		return (NIC_EXEC_BAD);
	}
}

/*
 * Planted: of a record whose first bytes are below SND_UNA, the tag is made of
 * those that are sent.
 */
static bool
tls_part_tag(struct nic_exec *x, const struct t6_tls *r, struct tls_crypt *tc,
    const uint8_t *p, uint8_t tag[16])
{
	const struct cpl_tx_sec_pdu *sp = r->r_sec;
	uint32_t skip = tp_discard(r), from;
	struct framebuf *fb;
	struct tls_iov iov;
	bool ok;

	if (sp->sp_mode != T6_GCM || skip <= r->r_hdrlen)
		return (false);
	from = MIN(skip - r->r_hdrlen, sp->sp_pldlen);
	fb = framebuf_alloc(x->x_card->c_pool);
	iov = (struct tls_iov) { p + from, fb->fb_data, sp->sp_pldlen - from };
	ok = tls_record_encrypt(tc, 0, r->r_hdr, sp->sp_seqno, r->r_hdr[0],
		 &iov, 1, tag) == 0;
	framebuf_rele(fb);
	return (ok);
}

static int
tls_make(struct nic_exec *x, const struct t6_tls *r, uint8_t *out)
{
	const struct cpl_tx_sec_pdu *sp = r->r_sec;
	struct tls_crypt *tc = t6_tcb_crypt(r->r_tcb, sp, r->r_ctx);
	uint8_t tag[16];
	bool part;
	int error;

	if (tc == NULL)
		return (NIC_EXEC_BAD);
	memcpy(out, r->r_hdr, r->r_hdrlen);
	if (t6_sgl_read(x, r->r_sgl, r->r_sgl_len, 0, sp->sp_pldlen,
		out + r->r_hdrlen, NIC_DMA_PAYLOAD) != 0)
		return (NIC_EXEC_BAD);
	if (V_DEFECT(x->x_card->c_vnet, NIC_NO_ENCRYPT)) {
		memset(out + r->r_hdrlen + sp->sp_pldlen, 0, sp->sp_tail);
		return (0);
	}
	part = V_DEFECT(x->x_card->c_vnet, T6_PART_TAG) &&
	    tls_part_tag(x, r, tc, out + r->r_hdrlen, tag);
	error = tls_crypt_bytes(r, tc, out + r->r_hdrlen);
	if (part)
		memcpy(out + r->r_hdrlen + sp->sp_pldlen, tag, sizeof(tag));
	return (error);
}

/* --- TP --- */

/* What was sent moves TX_MAX; the others stay, so their distance grows. */
static void
tp_sent(struct t6_tcb *tcb, uint32_t end)
{
	static const enum t6_tcb_field raw[] = { TCB_SND_UNA_RAW,
		TCB_SND_NXT_RAW, TCB_SND_MAX_RAW };
	uint32_t step = end - (uint32_t)tcb->tc_field[TCB_TX_MAX];

	tcb->tc_field[TCB_TX_MAX] = end;
	for (unsigned i = 0; i < nitems(raw); i++)
		tcb->tc_field[raw[i]] =
		    ((uint32_t)tcb->tc_field[raw[i]] + step) & T6_RAW_MASK;
}

static uint32_t
tp_ether(const struct t6_tcb *tcb, const struct t6_l2e *l, uint8_t *p)
{
	uint16_t type = tcb->tc_ipv6 ? KETHERTYPE_IPV6 : KETHERTYPE_IP;

	memcpy(p, l->l_mac, 6);
	memcpy(p + 6, tcb->tc_lladdr, 6);
	if (l->l_vlan == 0) {
		be16enc(p + 12, type);
		return (KETHER_HDR_LEN);
	}
	be16enc(p + 12, KETHERTYPE_VLAN);
	be16enc(p + 14, l->l_vlan);
	be16enc(p + 16, type);
	return (KETHER_HDR_LEN + KETHER_VLAN_LEN);
}

static uint32_t
tp_ip(const struct t6_tcb *tcb, uint16_t id, uint32_t l4len, uint8_t *p)
{
	if (tcb->tc_ipv6) {
		memset(p, 0, sizeof(struct kip6));
		p[0] = 0x60;
		be16enc(p + 4, (uint16_t)l4len);
		p[6] = KIPPROTO_TCP;
		p[7] = TTL;
		memcpy(p + 8, tcb->tc_local.sa_addr.a, 16);
		memcpy(p + 24, tcb->tc_foreign.sa_addr.a, 16);
		return (sizeof(struct kip6));
	}
	memset(p, 0, sizeof(struct kip));
	p[0] = 0x45;
	be16enc(p + 2, (uint16_t)(sizeof(struct kip) + l4len));
	be16enc(p + 4, id);
	be16enc(p + 6, KIP_DF);
	p[8] = TTL;
	p[9] = KIPPROTO_TCP;
	memcpy(p + 12, tcb->tc_local.sa_addr.a, 4);
	memcpy(p + 16, tcb->tc_foreign.sa_addr.a, 4);
	return (sizeof(struct kip));
}

static uint32_t
tp_tcp(const struct nic_card *c, const struct t6_tcb *tcb, uint32_t seq,
    bool shove, uint8_t *p)
{
	uint32_t len = sizeof(struct ktcphdr) + (tcb->tc_timestamps ? 12 : 0);
	uint32_t clock = (uint32_t)(timebase_now(c->c_vnet->v_tb) / SIM_MS);

	memset(p, 0, sizeof(struct ktcphdr));
	be16enc(p, tcb->tc_local.sa_port);
	be16enc(p + 2, tcb->tc_foreign.sa_port);
	be32enc(p + 4, seq);
	be32enc(p + 8, (uint32_t)tcb->tc_field[TCB_RCV_NXT]);
	p[12] = (uint8_t)(len / 4 << 4);
	p[13] = KTH_ACK | (shove ? KTH_PUSH : 0);
	be16enc(p + 14, (uint16_t)tcb->tc_field[TCB_RCV_WND]);
	if (!tcb->tc_timestamps)
		return (len);
	p[20] = p[21] = KTCPOPT_NOP;
	p[22] = KTCPOPT_TIMESTAMP;
	p[23] = 10;
	be32enc(p + 24,
	    clock + ((uint32_t)tcb->tc_field[TCB_TS_OFFSET] << T6_TS_SHIFT));
	be32enc(p + 28, (uint32_t)tcb->tc_field[TCB_T_RTSEQ_RECENT]);
	return (len);
}

static void
tp_header(struct nic_card *c, const struct t6_tls *r, uint32_t seq,
    uint32_t paylen, struct nic_hdr *h)
{
	const struct t6_tcb *tcb = r->r_tcb;
	struct t6_hw *th = c->c_softc;
	uint32_t l2, l3, l4;

	l2 = tp_ether(tcb, &th->th_l2t[tcb->tc_field[TCB_L2T_IX] % T6_L2T_SIZE],
	    h->h_bytes);
	l3 = tcb->tc_ipv6 ? sizeof(struct kip6) : sizeof(struct kip);
	l4 = tp_tcp(c, tcb, seq, r->r_data->td_shove, h->h_bytes + l2 + l3);
	(void)tp_ip(tcb, th->th_ipid, l4 + paylen, h->h_bytes + l2);
	h->h_len = (uint16_t)(l2 + l3 + l4);
	nic_hdr_parse(h);
}

/* Bytes read to close the record that leave in none of its packets. */
static void
tp_account(struct nic_exec *x, const struct t6_tls *r, uint32_t skip)
{
	uint32_t unsent = skip > r->r_hdrlen ? skip - r->r_hdrlen : 0;

	unsent = MIN(unsent, r->r_sec->sp_pldlen);
	x->x_dma[NIC_DMA_PAYLOAD] -= unsent;
	x->x_dma[NIC_DMA_REREAD] += unsent;
	x->x_card->c_stats->tls_bytes += r->r_data->td_len - skip;
}

static void
tp_send(struct nic_exec *x, const struct t6_tls *r, struct framebuf *fb)
{
	struct t6_hw *th = x->x_card->c_softc;
	uint32_t skip = tp_discard(r), len = r->r_data->td_len - skip;
	uint32_t mss = r->r_data->td_mss;
	struct nic_send s = { .s_paylen = len,
		.s_mss = mss,
		.s_csum = true,
		.s_fb = fb,
		.s_skip = skip,
		.s_tls = true };

	tp_account(x, r, skip);
	tp_sent(r->r_tcb, r->r_data->td_seq + r->r_data->td_len);
	if (len == 0)
		return;
	x->x_lab.l_skip += (int32_t)skip;
	tp_header(x->x_card, r, r->r_data->td_seq + skip, MIN(len, mss),
	    &s.s_hdr);
	nic_segment(x, &s);
	th->th_ipid = (uint16_t)(th->th_ipid + (len + mss - 1) / mss);
}

int
t6_exec_tls(struct nic_exec *x, const uint8_t *p, uint32_t len)
{
	struct t6_tls r = { 0 };
	struct framebuf *fb;
	int error;

	if (!tls_parse(x->x_card, p, len, &r))
		return (NIC_EXEC_BAD);
	fb = framebuf_alloc(x->x_card->c_pool);
	error = tls_make(x, &r, fb->fb_data);
	if (error == 0 && r.r_tcb->tc_toe != NULL)
		error = t6_exec_toe_record(x, r.r_tcb->tc_toe, fb,
		    r.r_data->td_len, len, r.r_sec->sp_seqno);
	else if (error == 0)
		tp_send(x, &r, fb);
	framebuf_rele(fb);
	return (error == 0 ? 0 : NIC_EXEC_BAD);
}
