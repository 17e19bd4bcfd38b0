/* ConnectX-6 Dx, driver: packets become SEND and LSO work requests. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>

#include "cx6dx_rx_drv.h"

#define MAX_SEGS \
	((CX_MAX_WQE - sizeof(struct cx_ctrl) - sizeof(struct cx_eth)) / 16)

/* --- pieces of work requests --- */

void
cx_ctrl_init(struct cx_ctrl *c, const struct nic_txq *t, enum cx_opcode opcode,
    uint8_t opmod, unsigned ds)
{
	memset(c, 0, sizeof(*c));
	c->wc_opmod = opmod;
	be16enc(c->wc_index, (uint16_t)t->t_pi);
	c->wc_opcode = (uint8_t)opcode;
	c->wc_qpn[2] = (uint8_t)t->t_q->q_index;
	c->wc_ds = (uint8_t)ds;
	c->wc_fm_ce_se = CX_CQ_UPDATE;
}

static void
slot_tag_done(struct nic_txq *t, void *arg)
{
	m_snd_tag_rele(arg);
}

void
cx_post_nop(struct nic_txq *t, uint8_t fence, struct cx_tag *ct)
{
	uint8_t wqe[NIC_BLOCK] = { 0 };
	struct nic_slot *sl;

	cx_ctrl_init((struct cx_ctrl *)(void *)wqe, t, CX_OPCODE_NOP, 0,
	    CX_NOP_DS);
	((struct cx_ctrl *)(void *)wqe)->wc_fm_ce_se |= fence;
	nic_txq_post(t, wqe, sizeof(wqe), NULL, 0, NULL);
	sl = nic_txq_last(t);
	sl->sl_nop = true;
	if (ct != NULL) {
		sl->sl_done = slot_tag_done;
		sl->sl_arg = m_snd_tag_ref(&ct->ct_tag);
	}
}

/* --- SEND, LSO --- */

struct cx_build {
	uint8_t b_wqe[CX_MAX_WQE];
	uint32_t b_len;
	struct nic_seg b_segs[MAX_SEGS];
	int b_nsegs;
};

/* Control, Ethernet segment, the header inlined. EINVAL: it is too long. */
static int
build_header(struct cx_build *b, const struct nic_txq *t,
    const struct nic_pkt *p, uint32_t tisn)
{
	struct cx_ctrl *c = (void *)b->b_wqe;
	struct cx_eth *e = (void *)(c + 1);
	struct nic_hdr h = p->p_hdr;
	uint32_t len;

	/* The driver puts the VLAN tag in: the header is inlined anyway. */
	nic_hdr_vlan(&h, nic_vtag(p->p_m));
	len = h.h_len;
	if (len > nic_knob(t->t_nic, CX_KNOB_MAX_INLINE))
		return (EINVAL);
	memset(b->b_wqe, 0, sizeof(*c) + sizeof(*e));
	cx_ctrl_init(c, t, p->p_mss != 0 ? CX_OPCODE_LSO : CX_OPCODE_SEND, 0,
	    0);
	be32enc(c->wc_imm, tisn << 8);
	if (p->p_csum)
		e->we_cs_flags = CX_ETH_L3_CSUM | CX_ETH_L4_CSUM;
	be16enc(e->we_mss, (uint16_t)p->p_mss);
	memcpy(b->b_wqe + sizeof(*c) + CX_ETH_INLINE, h.h_bytes, len);
	be16enc(e->we_inline_size, (uint16_t)len);
	b->b_len = (uint32_t)(sizeof(*c) + CX_ETH_INLINE + len + 15) & ~15u;
	memset(b->b_wqe + sizeof(*c) + CX_ETH_INLINE + len, 0,
	    b->b_len - (sizeof(*c) + CX_ETH_INLINE + len));
	return (0);
}

/* Payload pointers; a packet of too many pieces is copied once. */
static int
build_payload(struct cx_build *b, struct nic_txq *t, const struct nic_pkt *p)
{
	unsigned max = (CX_MAX_WQE - b->b_len) / 16;
	struct cx_data *d;

	b->b_nsegs = nic_map_chain(t, p->p_m, p->p_hdr.h_len, p->p_paylen,
	    b->b_segs, max);
	if (b->b_nsegs == -EFBIG) {
		t->t_stats.defragged++;
		if (!nic_defrag(t->t_nic, p->p_m))
			return (EFBIG);
		b->b_nsegs = nic_map_chain(t, p->p_m, p->p_hdr.h_len,
		    p->p_paylen, b->b_segs, max);
	}
	if (b->b_nsegs < 0)
		return (-b->b_nsegs);
	for (int i = 0; i < b->b_nsegs; i++) {
		d = (void *)(b->b_wqe + b->b_len);
		be32enc(d->wd_len, b->b_segs[i].s_len);
		be32enc(d->wd_lkey, 0);
		be64enc(d->wd_addr, b->b_segs[i].s_addr);
		b->b_len += sizeof(*d);
	}
	((struct cx_ctrl *)(void *)b->b_wqe)->wc_ds = (uint8_t)(b->b_len / 16);
	return (0);
}

static void
count_send(struct nic_txq *t, const struct nic_pkt *p)
{
	struct nic_txq_stats *st = &t->t_stats;
	uint64_t len = p->p_hdr.h_len + p->p_paylen, n;

	if (p->p_mss != 0) {
		n = (p->p_paylen + p->p_mss - 1) / p->p_mss;
		len = p->p_paylen + n * p->p_hdr.h_len;
		st->tso_packets++;
		st->tso_bytes += len;
	}
	if (!p->p_csum)
		st->csum_offload_none++;
	st->packets++;
	st->bytes += len;
}

/* The payload's first mbuf, for whoever looks at the capture. */
static void
lab_init(struct nic_lab *lab, const struct nic_pkt *p, uint32_t reread,
    bool tls)
{
	const struct mbuf *m = p->p_m;
	uint32_t skip = p->p_hdr.h_len;

	*lab = (struct nic_lab) { .l_m = p->p_m, .l_reread = reread };
	while (m != NULL && skip >= (uint32_t)m->m_len) {
		skip -= (uint32_t)m->m_len;
		m = m->m_next;
	}
	lab->l_rec = m;
	lab->l_skip = (int32_t)skip;
	if (tls)
		lab->l_tag = p->p_m->m_pkthdr.snd_tag->number;
}

static int
post_packet(struct nic_txq *t, const struct nic_pkt *p, uint32_t tisn,
    uint32_t reread, const char **why)
{
	struct cx_build b;
	struct nic_lab lab;
	int error;

	if ((error = build_header(&b, t, p, tisn)) != 0) {
		*why = "the header is longer than can be inlined";
		return (error);
	}
	if ((error = build_payload(&b, t, p)) != 0) {
		*why = "its payload could not be mapped";
		return (error);
	}
	lab_init(&lab, p, reread, tisn != 0);
	nic_txq_post(t, b.b_wqe, b.b_len, p->p_m, (uint32_t)b.b_nsegs, &lab);
	count_send(t, p);
	return (0);
}

/* --- the way through --- */

/*
 * Room for two of the longest work requests; and none lies across the ring's
 * end. ENOBUFS, ENOMEM.
 */
static int
make_room(struct nic_txq *t, const char **why)
{
	uint32_t tail;

	if (nic_txq_room(t) < 2 * CX_MAX_WQEBBS) {
		t->t_stats.enobuf++;
		*why = "send queue is full";
		return (ENOBUFS);
	}
	tail = t->t_q->q_blocks - (t->t_pi & (t->t_q->q_blocks - 1));
	if (tail < CX_MAX_WQEBBS)
		while (tail-- > 0)
			cx_post_nop(t, 0, NULL);
	if (nic_txq_room(t) < CX_MAX_WQEBBS) {
		*why = "send queue is full at the ring's end";
		return (ENOMEM);
	}
	return (0);
}

static bool
plain_refused(struct nic *n, const struct mbuf *m)
{
	for (; m != NULL; m = m->m_next)
		if ((m->m_flags & M_EXTPG) != 0 && m->m_epg.tls != NULL &&
		    !V_DEFECT(n->n_vnet, NET_NO_TAG_CHECK) &&
		    !V_DEFECT(n->n_vnet, NIC_OOO_PLAIN)) {
			n->n_stats.tls_plain_refused++;
			return (true);
		}
	return (false);
}

static int
xmit(struct nic_txq *t, struct mbuf *m, const char **why)
{
	uint32_t tisn, reread = 0;
	enum cx_hook hook;
	struct nic_pkt p;
	int error;

	do {
		if ((error = make_room(t, why)) != 0)
			return (error);
		if (nic_parse(m, &p) != 0) {
			*why = "no frame, or longer than a card takes";
			return (EINVAL);
		}
		hook = cx_tls_hook(t, m, &p, &tisn, &reread, why);
	} while (hook == CX_LOOP);
	if (hook == CX_NO_TAG)
		return (EAGAIN);
	if (hook == CX_FAILURE)
		return (ENOMEM);
	if (tisn == 0 && plain_refused(t->t_nic, m)) {
		*why = "TLS record without a send tag of this port";
		return (EINVAL);
	}
	return (post_packet(t, &p, tisn, reread, why));
}

/* Whatever went wrong, the stack hears ENOBUFS; or EAGAIN, and takes a new
 * tag. */
int
cx_transmit(struct nic *n, struct nic_queue *q, struct mbuf *m,
    const char **why)
{
	struct nic_txq *t = nic_txq(n, q);
	uint64_t enobuf = t->t_stats.enobuf;
	int error;

	if (!t->t_running) {
		*why = "the send queue is not running";
		return (ENXIO);
	}
	error = xmit(t, m, why);
	/* Also what was posted for a packet that did not go. */
	nic_txq_ring(t);
	if (error == 0)
		return (0);
	if (t->t_stats.enobuf == enobuf || error != ENOBUFS)
		t->t_stats.dropped++;
	return (error == EAGAIN ? EAGAIN : ENOBUFS);
}

unsigned
cx_select(struct nic *n, const struct mbuf *m)
{
	const struct pkthdr *ph = &m->m_pkthdr;
	struct cx_tag *ct = cx_mbuf_tag(n, m);
	struct nic_txq *t = NULL;

	if (ct != NULL)
		t = ct->ct_rl->sq_txq;
	else if ((ph->csum_flags & CSUM_SND_TAG) != 0 &&
	    ph->snd_tag->ifp == &n->n_if)
		t = ((struct cx_sq_tag *)(void *)ph->snd_tag)->sq_txq;
	/* A queue that does not run: the ordinary choice, out of order. */
	if (t != NULL && t->t_running)
		return (t->t_q->q_index);
	if (ph->rsstype == M_HASHTYPE_NONE)
		return (0);
	return ((ph->flowid % 128) % n->n_drv->d_nsend);
}

/* --- life --- */

static void
txq_sysctl(struct nic *n, unsigned unit, struct nic_txq *t, unsigned i)
{
	struct nic_txq_stats *st = &t->t_stats;
	char name[64];

#define CTR(field, descr)                                                      \
	do {                                                                   \
		snprintf(name, sizeof(name), "dev.mce.%u.%s%utc0." #field,     \
		    unit, i < n->n_drv->d_nsend ? "txstat" : "rlstat",         \
		    i < n->n_drv->d_nsend ? i : i - n->n_drv->d_nsend);        \
		sysctl_add(n->n_vnet, name, &st->field, CTL_CTR, NULL, descr); \
	} while (0)
	CTR(packets, "work requests of packets and dumps posted");
	CTR(bytes, "their bytes; bursts with a header per segment");
	CTR(tso_packets, "bursts to be segmented by the card");
	CTR(tso_bytes, "their bytes, with a header per segment");
	CTR(csum_offload_none, "packets whose checksums are left alone");
	CTR(defragged, "packets copied for having too many pieces");
	CTR(dropped, "packets dropped by the driver");
	CTR(enobuf, "packets refused: no room in the send queue");
	CTR(cqe_err, "completions with an error: the queue is stopped");
	CTR(nop, "completions of work requests that send nothing");
#undef CTR
}

static void
tls_sysctl(struct nic *n, unsigned unit)
{
	struct cx_tls_stats *st = &cx_softc(n)->cs_stats;
	char name[64];

#define CTR(field, descr)                                                      \
	do {                                                                   \
		snprintf(name, sizeof(name), "dev.mce.%u.tls.stats." #field,   \
		    unit);                                                     \
		sysctl_add(n->n_vnet, name, &st->field, CTL_CTR, NULL, descr); \
	} while (0)
	CTR(tx_packets, "TLS packets from the stack, a burst is one");
	CTR(tx_bytes, "their bytes, headers included");
	CTR(tx_packets_ooo,
	    "recoveries: sequence not expected; the first packet is one");
	CTR(tx_bytes_ooo, "bytes run through the cipher by DUMP");
	CTR(tx_error, "objects that could not be made, malformed packets");
#undef CTR
	snprintf(name, sizeof(name), "dev.mce.%u.tls.tls_max_tag", unit);
	sysctl_add(n->n_vnet, name, &cx_softc(n)->cs_max_tag, CTL_RW, NULL,
	    "most TLS tags at once");
	sysctl_bound(n->n_vnet, name, 1, cx_softc(n)->cs_limit);
}

static void
rl_sysctl(struct nic *n, unsigned unit)
{
	struct cx_rl_stats *st = &cx_softc(n)->cs_rl_stats;
	char name[64];

#define CTR(field, descr)                                                      \
	do {                                                                   \
		snprintf(name, sizeof(name),                                   \
		    "dev.mce.%u.rate_limit.stats." #field, unit);              \
		sysctl_add(n->n_vnet, name, &st->field, CTL_CTR, NULL, descr); \
	} while (0)
	CTR(tx_active_connections, "rate limited queues that a tag has now");
	CTR(tx_available_resource_failure,
	    "rate limited tags refused: no queue is free");
	CTR(tx_modify_rate_failure,
	    "rates more than 5 % off all of the card's: unlimited");
#undef CTR
}

int
cx_attach(struct nic *n)
{
	unsigned unit = nic_unit(n, "txstat0tc0.packets");

	n->n_softc = xcalloc(1, sizeof(struct cx_softc));
	cx_softc(n)->cs_unit = unit;
	n->n_drv->d_cmd_time = nic_knob(n, CX_KNOB_CMD_TIME) * SIM_NS;
	cx_tags_init(n);
	for (unsigned i = 0; i < n->n_drv->d_ntxqs; i++)
		txq_sysctl(n, unit, &n->n_drv->d_txqs[i], i);
	rl_sysctl(n, unit);
	if (cx_softc(n)->cs_tls)
		tls_sysctl(n, unit);
	cx_rx_init(n, unit);
	return (0);
}

void
cx_detach(struct nic *n)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "dev.mce.%u.", cx_softc(n)->cs_unit);
	sysctl_remove(n->n_vnet, prefix);
	cx_rx_fini(n);
	cx_tags_fini(n);
	free(n->n_softc);
}

void
cx_reset(struct nic *n)
{
	cx_tags_reset(n);
	cx_rx_tags_reset(n);
}
