/*
 * ConnectX-6 Dx, driver: receive tags. Set-up is a chain of steps: TIR, DEK,
 * the two parameter work requests on the internal queue, the steering rule.
 * Later the card may lose the way; it is then told, when it asks, which record
 * begins where it thinks that one begins.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>

#include "cx6dx_rx_drv.h"

struct cx_rx {
	TAILQ_HEAD(, cx_rx_tag) x_tags; /* given */
	struct kzone x_zone;
	uint64_t x_used, x_limit;
	struct cx_rx_stats x_stats;
};

static struct cx_rx *
rx(const struct nic *n)
{
	return (cx_softc(n)->cs_rx);
}

static struct nic_txq *
iq(const struct nic *n)
{
	return (&n->n_drv->d_txqs[n->n_drv->d_nsend + CX_IQ]);
}

/* --- release --- */

static void
tag_home(struct cx_rx_tag *rt)
{
	struct cx_rx *x = rx(rt->rt_nic);

	explicit_bzero(rt->rt_key, sizeof(rt->rt_key));
	x->x_used--;
	kzone_free(&x->x_zone, rt);
}

static void release_next(struct cx_rx_tag *);

static void
released_one(struct nic *n, struct nic_cmd *cmd)
{
	release_next(cmd->c_arg);
}

static void
command(struct cx_rx_tag *rt, enum cx_cmd op, uint64_t arg, const void *data,
    void (*done)(struct nic *, struct nic_cmd *))
{
	rt->rt_cmd = (struct nic_cmd) { .c_op = op,
		.c_in[0] = arg,
		.c_data = data,
		.c_done = done,
		.c_arg = rt };
	nic_cmd_submit(rt->rt_nic, &rt->rt_cmd);
}

/* First the TIR with its rule, then the key. */
static void
release_next(struct cx_rx_tag *rt)
{
	uint32_t tirn = rt->rt_tirn;

	if (tirn != 0) {
		rt->rt_tirn = 0;
		command(rt, CX_DESTROY_TIR, tirn, NULL, released_one);
	} else if (rt->rt_dek_valid) {
		rt->rt_dek_valid = false;
		command(rt, CX_DESTROY_DEK, rt->rt_dek, NULL, released_one);
	} else
		tag_home(rt);
}

/* Not while the card may still write into it. */
static void
release(struct cx_rx_tag *rt)
{
	rt->rt_state = CX_TAG_RELEASE;
	if (rt->rt_posted == 0)
		release_next(rt);
}

static void
rx_tag_free(struct m_snd_tag *mst)
{
	struct cx_rx_tag *rt = (struct cx_rx_tag *)(void *)mst;

	TAILQ_REMOVE(&rx(rt->rt_nic)->x_tags, rt, rt_link);
	rt->rt_nic->n_stats.tls_tags--;
	rt->rt_nic->n_stats.tls_tags_released++;
	rt->rt_released = true;
	release(rt);
}

/* --- control work requests --- */

static void
posted_done(struct nic_txq *t, void *arg)
{
	struct cx_rx_tag *rt = arg;

	rt->rt_posted--;
	if (rt->rt_state == CX_TAG_RELEASE && rt->rt_posted == 0)
		release_next(rt);
}

/* ENOMEM: the queue is full. */
static int
post(struct cx_rx_tag *rt, const void *wqe, uint32_t len, uint32_t mappings,
    void (*done)(struct nic_txq *, void *))
{
	struct nic_txq *t = iq(rt->rt_nic);
	struct nic_slot *sl;

	nic_txq_post(t, wqe, len, NULL, mappings, NULL);
	sl = nic_txq_last(t);
	sl->sl_nop = true;
	sl->sl_done = done;
	sl->sl_arg = rt;
	rt->rt_posted++;
	return (0);
}

/* No work request lies across the ring's end. */
static int
room(struct nic_txq *t, uint32_t blocks)
{
	uint32_t tail = t->t_q->q_blocks - (t->t_pi & (t->t_q->q_blocks - 1));

	if (nic_txq_room(t) < blocks + CX_MAX_WQEBBS)
		return (ENOMEM);
	if (tail < blocks)
		while (tail-- > 0)
			cx_post_nop(t, 0, NULL);
	return (0);
}

static int
post_static(struct cx_rx_tag *rt)
{
	struct nic_txq *t = iq(rt->rt_nic);
	struct cx_umr_wqe w;

	if (room(t, nic_blocks(sizeof(w))) != 0)
		return (ENOMEM);
	memset(&w, 0, sizeof(w));
	cx_ctrl_init(&w.wu_ctrl, t, CX_OPCODE_UMR, CX_OPMOD_TIR,
	    sizeof(w) / 16);
	w.wu_ctrl.wc_fm_ce_se |= CX_FENCE_INITIATOR_SMALL;
	be32enc(w.wu_ctrl.wc_imm, rt->rt_tirn << 8);
	w.wu_static = rt->rt_params;
	(void)post(rt, &w, sizeof(w), 0, posted_done);
	nic_txq_ring(t);
	return (0);
}

static int
post_progress(struct cx_rx_tag *rt, void (*done)(struct nic_txq *, void *))
{
	struct nic_txq *t = iq(rt->rt_nic);
	struct cx_psv_wqe w;

	if (room(t, 1) != 0)
		return (ENOMEM);
	memset(&w, 0, sizeof(w));
	cx_ctrl_init(&w.wp_ctrl, t, CX_OPCODE_SET_PSV, CX_OPMOD_TIR,
	    sizeof(w) / 16);
	be32enc(w.wp_progress.pp_tisn, rt->rt_tirn);
	w.wp_progress.pp_state =
	    CX_TRACKER_START << 6 | CX_AUTH_NO_OFFLOAD << 4;
	(void)post(rt, &w, sizeof(w), 0, done);
	nic_txq_ring(t);
	return (0);
}

/* --- resync: nic-models.md 4.4 --- */

/* Which record's header is at this sequence number? */
static bool
runs_find(const struct cx_rx_tag *rt, uint32_t seq, uint64_t *recno)
{
	const struct cx_rx_run *rr;
	uint32_t off;

	for (unsigned i = 0; i < rt->rt_nruns; i++) {
		rr = &rt->rt_runs[i];
		off = seq - rr->rr_seq;
		if (off % rr->rr_len == 0 && off / rr->rr_len < rr->rr_count) {
			*recno = rr->rr_recno + off / rr->rr_len;
			return (true);
		}
	}
	return (false);
}

static void
runs_add(struct cx_rx_tag *rt, uint32_t seq, uint32_t len, uint64_t recno)
{
	struct cx_rx_run *last = NULL;

	if (rt->rt_nruns > 0) {
		last = &rt->rt_runs[rt->rt_nruns - 1];
		if (seq != last->rr_seq + last->rr_len * last->rr_count ||
		    recno != last->rr_recno + last->rr_count) {
			rt->rt_nruns = 0; /* a discontinuity */
			last = NULL;
		}
	}
	if (last != NULL && last->rr_len == len &&
	    last->rr_count < CX_RX_RUN_COUNT) {
		last->rr_count++;
		return;
	}
	if (rt->rt_nruns == CX_RX_RUNS) {
		memmove(&rt->rt_runs[0], &rt->rt_runs[1],
		    (CX_RX_RUNS - 1) * sizeof(rt->rt_runs[0]));
		rt->rt_nruns--;
	}
	rt->rt_runs[rt->rt_nruns++] = (struct cx_rx_run) { seq, len, 1, recno };
}

/* The card's state is there. If it asks, and we know, it gets its answer;
 * otherwise nothing: the next record tries again. */
static void
resync_answer(struct cx_rx_tag *rt)
{
	const struct cx_progress *pp = &rt->rt_progress;
	uint64_t recno;

	rt->rt_pending = false;
	if (pp->pp_state >> 6 != CX_TRACKER_TRACKING ||
	    ((pp->pp_state >> 4) & 3) != CX_AUTH_NO_OFFLOAD ||
	    !runs_find(rt, be32dec(pp->pp_hw_resync_seq), &recno))
		return;
	be64enc(rt->rt_params.ps_recno, recno);
	memcpy(rt->rt_params.ps_resync_seq, pp->pp_hw_resync_seq, 4);
	if (post_static(rt) != 0)
		rx(rt->rt_nic)->x_stats.rx_error++;
}

static void
get_psv_done(struct nic_txq *t, void *arg)
{
	struct cx_rx_tag *rt = arg;

	if (rt->rt_state == CX_TAG_TXRDY)
		resync_answer(rt);
	posted_done(t, arg);
}

static int
post_get_psv(struct cx_rx_tag *rt)
{
	struct nic_txq *t = iq(rt->rt_nic);
	struct cx_get_psv_wqe w;

	if (room(t, 1) != 0)
		return (ENOMEM);
	memset(&w, 0, sizeof(w));
	cx_ctrl_init(&w.wg_ctrl, t, CX_OPCODE_GET_PSV, CX_OPMOD_TIR,
	    sizeof(w) / 16);
	be32enc(w.wg_psvn, rt->rt_tirn);
	be64enc(w.wg_addr,
	    nic_dma_map(t->t_q, (const uint8_t *)&rt->rt_progress,
		sizeof(rt->rt_progress)));
	(void)post(rt, &w, sizeof(w), 1, get_psv_done);
	nic_txq_ring(t);
	return (0);
}

static int
rx_tag_modify(struct m_snd_tag *mst, const void *params)
{
	struct cx_rx_tag *rt = (struct cx_rx_tag *)(void *)mst;
	const struct if_snd_tag_modify_tls_rx *p = params;
	struct cx_rx_stats *st = &rx(rt->rt_nic)->x_stats;

	if (rt->rt_state != CX_TAG_TXRDY)
		return (ENXIO);
	if (p->tls_rec_length == 0) { /* the card is in step */
		rt->rt_nruns = 0;
		rt->rt_active = false;
		return (0);
	}
	runs_add(rt, p->tcp_sn, p->tls_rec_length, p->tls_seq_number);
	rt->rt_active = true;
	if (rt->rt_pending)
		return (0);
	if (post_get_psv(rt) != 0) {
		st->rx_resync_err++;
		return (ENOMEM);
	}
	st->rx_resync_ok++; /* posted: no more is known */
	rt->rt_pending = true;
	return (0);
}

static int
rx_tag_query(struct m_snd_tag *mst, void *params)
{
	return (EOPNOTSUPP);
}

static struct m_snd_tag *
rx_tag_next(struct m_snd_tag *mst)
{
	return (NULL);
}

static const struct if_snd_tag_sw rx_tag_sw = { .snd_tag_modify = rx_tag_modify,
	.snd_tag_query = rx_tag_query,
	.snd_tag_free = rx_tag_free,
	.next_snd_tag = rx_tag_next,
	.type = IF_SND_TAG_TYPE_TLS_RX };

/* --- set-up --- */

static void
refuse(struct cx_rx_tag *rt, int error)
{
	struct if_snd_tag_wait *iw = rt->rt_wait;

	rt->rt_nic->n_stats.tls_tags_refused++;
	release(rt);
	iw->iw_done(iw, error, NULL);
}

/* A step failed. After a reset of the card there is nothing to give back. */
static void
step_failed(struct cx_rx_tag *rt, int status)
{
	if (status == ECANCELED) {
		rt->rt_tirn = 0;
		rt->rt_dek_valid = false;
	}
	refuse(rt, status == ENXIO ? ENXIO : ENOMEM);
}

static void
give(struct nic *n, struct nic_cmd *cmd)
{
	struct cx_rx_tag *rt = cmd->c_arg;

	if (cmd->c_status != 0) {
		step_failed(rt, cmd->c_status);
		return;
	}
	rt->rt_state = CX_TAG_TXRDY;
	rt->rt_given = true;
	m_snd_tag_init(&rt->rt_tag, &n->n_if, &rx_tag_sw);
	TAILQ_INSERT_TAIL(&rx(n)->x_tags, rt, rt_link);
	nic_tag_taken(n);
	rt->rt_wait->iw_done(rt->rt_wait, 0, &rt->rt_tag);
}

/* The parameters are in the card; frames may be led there. */
static void
parameters_done(struct nic_txq *t, void *arg)
{
	struct cx_rx_tag *rt = arg;

	rt->rt_posted--;
	if (rt->rt_state == CX_TAG_RELEASE) { /* the card was reset */
		if (rt->rt_posted == 0)
			release_next(rt);
		return;
	}
	command(rt, CX_ADD_RULE, rt->rt_tirn, &rt->rt_rule, give);
}

static void
dek_created(struct nic *n, struct nic_cmd *cmd)
{
	struct cx_rx_tag *rt = cmd->c_arg;

	if (cmd->c_status != 0) {
		step_failed(rt, cmd->c_status);
		return;
	}
	rt->rt_dek = (uint32_t)cmd->c_out[0];
	rt->rt_dek_valid = true;
	be32enc(rt->rt_params.ps_dek, rt->rt_dek);
	rt->rt_state = CX_TAG_SETUP;
	if (post_static(rt) != 0 || post_progress(rt, parameters_done) != 0)
		refuse(rt, ENOMEM);
}

static void
tir_created(struct nic *n, struct nic_cmd *cmd)
{
	struct cx_rx_tag *rt = cmd->c_arg;

	if (cmd->c_status != 0) {
		step_failed(rt, cmd->c_status);
		return;
	}
	rt->rt_tirn = (uint32_t)cmd->c_out[0];
	command(rt, CX_CREATE_DEK, rt->rt_keylen, rt->rt_key, dek_created);
}

/* The peer's frames as they arrive here. */
static void
fill_rule(struct cx_rule *r, const struct if_snd_tag_alloc_params *params)
{
	const struct if_snd_tag_conn *c = &params->conn;
	size_t len = c->ipv6 ? 16 : 4;

	r->r_ipv6 = c->ipv6;
	memcpy(r->r_src, &c->foreign.sa_addr, len);
	memcpy(r->r_dst, &c->local.sa_addr, len);
	r->r_sport = c->foreign.sa_port;
	r->r_dport = c->local.sa_port;
	r->r_vlan = params->vlan_id;
}

int
cx_rx_tag_alloc(struct nic *n, const struct if_snd_tag_alloc_params *params)
{
	struct cx_rx *x = rx(n);
	struct cx_rx_tag *rt;
	uint32_t seq;
	uint64_t recno;
	int error;

	if (x->x_limit == 0 || params->flowtype == M_HASHTYPE_NONE)
		return (EOPNOTSUPP);
	if (x->x_used >= x->x_limit)
		return (ENOMEM);
	if ((error = cx_check_cipher(&params->tls->params)) != 0)
		return (error);
	if (params->rx_sequence(params->tls, &seq, &recno) != 0)
		return (EINVAL);
	rt = kzone_alloc(&x->x_zone, M_NOWAIT | M_ZERO);
	if (rt == NULL)
		return (ENOMEM);
	x->x_used++;
	rt->rt_nic = n;
	rt->rt_conn = params->conn.conn;
	rt->rt_wait = params->wait;
	cx_fill_params(&rt->rt_params, rt->rt_key, &rt->rt_keylen,
	    &params->tls->params);
	be64enc(rt->rt_params.ps_recno, recno);
	be32enc(rt->rt_params.ps_resync_seq, seq);
	fill_rule(&rt->rt_rule, params);
	command(rt, CX_CREATE_TIR, 0, NULL, tir_created);
	return (EINPROGRESS);
}

/* --- packets, reset, life --- */

void
cx_rx_packet(struct nic *n, const struct frame *f, struct mbuf *m)
{
	if (f->f_rxtls == RXTLS_DECRYPTED) {
		m->m_pkthdr.csum_flags |= CSUM_TLS_DECRYPTED;
		rx(n)->x_stats.rx_decrypted_ok_packets++;
	} else if (f->f_rxtls == RXTLS_ERROR)
		rx(n)->x_stats.rx_decrypted_error_packets++;
}

/* The card forgot all of them: software decrypts, the tags stay until their
 * sessions end. */
void
cx_rx_tags_reset(struct nic *n)
{
	struct cx_rx_tag *rt;

	TAILQ_FOREACH(rt, &rx(n)->x_tags, rt_link) {
		rt->rt_state = CX_TAG_INIT;
		rt->rt_tirn = 0;
		rt->rt_dek_valid = false;
		rt->rt_pending = false;
	}
}

void
cx_rx_init(struct nic *n, unsigned unit)
{
	struct cx_rx *x = xcalloc(1, sizeof(*x));
	struct cx_rx_stats *st = &x->x_stats;
	char name[64];

	cx_softc(n)->cs_rx = x;
	TAILQ_INIT(&x->x_tags);
	kzone_init(&x->x_zone, &n->n_vnet->v_kmem, "mlx5_tls_rx_tag",
	    sizeof(struct cx_rx_tag));
	if (!cx_softc(n)->cs_tls)
		return;
	x->x_limit = 1ULL << (nic_knob(n, CX_KNOB_LOG_MAX_DEK) - 1);
#define CTR(node, field, descr)                                                \
	do {                                                                   \
		snprintf(name, sizeof(name), "dev.mce.%u." node "." #field,    \
		    unit);                                                     \
		sysctl_add(n->n_vnet, name, &st->field, CTL_CTR, NULL, descr); \
	} while (0)
	CTR("tls_rx.stats", rx_resync_ok, "questions to the card posted");
	CTR("tls_rx.stats", rx_resync_err, "questions that found no room");
	CTR("tls_rx.stats", rx_error, "answers that found no room");
	CTR("pstats", rx_decrypted_ok_packets, "packets the card decrypted");
	CTR("pstats", rx_decrypted_error_packets,
	    "packets with a record whose tag is wrong");
#undef CTR
}

void
cx_rx_fini(struct nic *n)
{
	struct cx_rx *x = rx(n);

	KASSERT(TAILQ_EMPTY(&x->x_tags),
	    ("%s detached with receive tags", n->n_if.if_xname));
	kzone_fini(&x->x_zone);
	free(x);
}
