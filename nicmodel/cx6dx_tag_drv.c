/*
 * ConnectX-6 Dx, driver: send tags, and the card's objects behind them.
 *
 * A TIS belongs to the tag and survives its sessions; a DEK is made for each.
 * Two generations of the driver: the old one makes both in its single worker
 * and answers success whatever came of it (a tag that stays in INIT drops all
 * its packets); the new one makes the DEK in the caller's context and answers
 * the firmware's errno.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>

#include "cx6dx_rx_drv.h"

static bool
driver_new(const struct nic *n)
{
	return (nic_knob(n, CX_KNOB_DRIVER) == 1);
}

/* --- channels and rate limited queues --- */

/*
 * Bytes/s. Model's choice: an administrator adds rates to the driver's table
 * (rate_limit.tx_limit_add); its 13 defaults are not in the sources read.
 */
static const uint64_t rl_rates[] = { 125000, 625000, 1250000, 2500000, 6250000,
	12500000, 25000000, 62500000, 125000000, 250000000, 625000000,
	1250000000, 3125000000 };
#define RL_DEVIATION 50 /* permille: rate_limit.tx_allowed_deviation */

void
cx_ratelimit_query(struct ifnet *ifp, struct if_ratelimit_query_results *rl)
{
	rl->flags = RT_IS_FIXED_TABLE;
	rl->rate_table = rl_rates;
	rl->number_of_rates = nitems(rl_rates);
}

/* The nearest of the table's rates, the lower of two; 0, unlimited: it is
 * too far off. Source: mlx5e_rl_find_best_rate_locked. */
static uint64_t
rl_best_rate(uint64_t want)
{
	uint64_t best = 0, distance = UINT64_MAX, d, rate;

	for (unsigned i = 0; i < nitems(rl_rates); i++) {
		rate = rl_rates[i];
		d = rate > want ? rate - want : want - rate;
		if (d < distance) {
			distance = d;
			best = rate;
		}
	}
	want = MIN(want, rl_rates[nitems(rl_rates) - 1]);
	return (distance > howmany(want * RL_DEVIATION, 1000) ? 0 : best);
}

/* As the driver: a rate that the card cannot have is counted, not refused. */
static void
rl_set_rate(struct nic *n, struct nic_txq *t, uint64_t want)
{
	uint64_t rate = rl_best_rate(want);

	if (rate == 0)
		cx_softc(n)->cs_rl_stats.tx_modify_rate_failure++;
	nic_queue_set_rate(n->n_card, t->t_q, rate * 8);
}

static void
sq_tag_free(struct m_snd_tag *mst)
{
	struct cx_sq_tag *st = (struct cx_sq_tag *)(void *)mst;
	struct nic *n = ifp_to_nic(mst->ifp);
	struct cx_softc *cs = cx_softc(n);

	if (st->sq_limited) {
		cs->cs_rl_used[st->sq_txq->t_q->q_index - n->n_drv->d_nsend] =
		    false;
		cs->cs_rl_stats.tx_active_connections--;
	}
	kzone_free(&cs->cs_sq_zone, st);
}

static int
rl_tag_modify(struct m_snd_tag *mst, const void *params)
{
	struct cx_sq_tag *st = (struct cx_sq_tag *)(void *)mst;

	rl_set_rate(ifp_to_nic(mst->ifp), st->sq_txq,
	    *(const uint64_t *)params);
	return (0);
}

static int
rl_tag_query(struct m_snd_tag *mst, void *params)
{
	struct cx_sq_tag *st = (struct cx_sq_tag *)(void *)mst;

	*(uint64_t *)params = st->sq_txq->t_q->q_rate_bps / 8;
	return (0);
}

static int
no_modify(struct m_snd_tag *mst, const void *params)
{
	return (EOPNOTSUPP);
}

static int
no_query(struct m_snd_tag *mst, void *params)
{
	return (EOPNOTSUPP);
}

static struct m_snd_tag *
no_next(struct m_snd_tag *mst)
{
	return (NULL);
}

static const struct if_snd_tag_sw sq_tag_sw = { .snd_tag_modify = no_modify,
	.snd_tag_query = no_query,
	.snd_tag_free = sq_tag_free,
	.next_snd_tag = no_next,
	.type = IF_SND_TAG_TYPE_UNLIMITED };

static const struct if_snd_tag_sw rl_tag_sw = { .snd_tag_modify = rl_tag_modify,
	.snd_tag_query = rl_tag_query,
	.snd_tag_free = sq_tag_free,
	.next_snd_tag = no_next,
	.type = IF_SND_TAG_TYPE_RATE_LIMIT };

static int
sq_tag_make(struct nic *n, struct nic_txq *t, bool limited,
    struct cx_sq_tag **out)
{
	struct cx_sq_tag *st;

	st = kzone_alloc(&cx_softc(n)->cs_sq_zone, M_NOWAIT | M_ZERO);
	if (st == NULL)
		return (ENOMEM);
	st->sq_txq = t;
	st->sq_limited = limited;
	m_snd_tag_init(&st->sq_tag, &n->n_if,
	    limited ? &rl_tag_sw : &sq_tag_sw);
	*out = st;
	return (0);
}

static int
ul_tag_alloc(struct nic *n, const struct if_snd_tag_alloc_params *params,
    struct cx_sq_tag **out)
{
	struct nic_txq *t;

	if (params->flowtype == M_HASHTYPE_NONE)
		return (EOPNOTSUPP);
	t = &n->n_drv->d_txqs[(params->flowid % 128) % n->n_drv->d_nsend];
	if (!t->t_running)
		return (ENXIO);
	return (sq_tag_make(n, t, false, out));
}

/* A queue of its own, if one is free. */
static int
rl_tag_alloc(struct nic *n, const struct if_snd_tag_alloc_params *params,
    struct cx_sq_tag **out)
{
	struct cx_softc *cs = cx_softc(n);
	unsigned i = 0;
	int error;

	while (i < CX_RL_QUEUES && cs->cs_rl_used[i])
		i++;
	if (i == CX_RL_QUEUES) {
		cs->cs_rl_stats.tx_available_resource_failure++;
		return (ENOMEM);
	}
	error =
	    sq_tag_make(n, &n->n_drv->d_txqs[n->n_drv->d_nsend + i], true, out);
	if (error != 0)
		return (error);
	cs->cs_rl_used[i] = true;
	(*out)->sq_txq->t_q->q_next = 0; /* of who had it before */
	cs->cs_rl_stats.tx_active_connections++;
	rl_set_rate(n, (*out)->sq_txq, params->max_rate);
	return (0);
}

/* --- the zone of TLS tags --- */

static void
tag_wipe(struct cx_tag *ct)
{
	explicit_bzero(ct->ct_key, sizeof(ct->ct_key));
	explicit_bzero(&ct->ct_params, sizeof(ct->ct_params));
}

/* Back into the zone; the TIS stays with it. */
static void
tag_freed(struct cx_tag *ct)
{
	struct cx_softc *cs = cx_softc(ct->ct_nic);

	tag_wipe(ct);
	ct->ct_state = CX_TAG_FREED;
	cs->cs_ntags--;
	TAILQ_INSERT_HEAD(&cs->cs_free, ct, ct_link);
}

static struct cx_tag *
tag_take(struct nic *n)
{
	struct cx_softc *cs = cx_softc(n);
	struct cx_tag *ct = TAILQ_FIRST(&cs->cs_free);
	uint32_t tisn = 0;

	if (cs->cs_ntags >= MIN(cs->cs_max_tag, cs->cs_limit))
		return (NULL);
	if (ct != NULL) {
		TAILQ_REMOVE(&cs->cs_free, ct, ct_link);
		tisn = ct->ct_tisn;
	} else if ((ct = kzone_alloc(&cs->cs_zone, M_NOWAIT)) == NULL)
		return (NULL);
	memset(ct, 0, sizeof(*ct));
	ct->ct_nic = n;
	ct->ct_tisn = tisn;
	cs->cs_ntags++;
	return (ct);
}

/* --- release --- */

static void
dek_destroyed(struct nic *n, struct nic_cmd *cmd)
{
	tag_freed(cmd->c_arg);
}

static void
tag_release(struct cx_tag *ct)
{
	ct->ct_state = CX_TAG_RELEASE;
	if (!ct->ct_dek_valid) {
		tag_freed(ct);
		return;
	}
	ct->ct_dek_valid = false;
	ct->ct_cmd = (struct nic_cmd) { .c_op = CX_DESTROY_DEK,
		.c_in[0] = ct->ct_dek,
		.c_done = dek_destroyed,
		.c_arg = ct };
	nic_cmd_submit(ct->ct_nic, &ct->ct_cmd);
}

/* The last reference: no work request of the ring uses it any more (M20). */
static void
tls_tag_free(struct m_snd_tag *mst)
{
	struct cx_tag *ct = (struct cx_tag *)(void *)mst;
	struct nic *n = ct->ct_nic;

	if (V_DEFECT(n->n_vnet, NIC_TAG_LEAK))
		return;
	n->n_stats.tls_tags--;
	n->n_stats.tls_tags_released++;
	TAILQ_REMOVE(&cx_softc(n)->cs_tags, ct, ct_link);
	m_snd_tag_rele(&ct->ct_rl->sq_tag);
	ct->ct_rl = NULL;
	if (ct->ct_again)
		ct->ct_dead = true; /* the worker comes to it */
	else
		tag_release(ct);
}

static int
tls_tag_modify(struct m_snd_tag *mst, const void *params)
{
	struct m_snd_tag *inner =
	    &((struct cx_tag *)(void *)mst)->ct_rl->sq_tag;

	return (inner->sw->snd_tag_modify(inner, params));
}

static int
tls_tag_query(struct m_snd_tag *mst, void *params)
{
	struct m_snd_tag *inner =
	    &((struct cx_tag *)(void *)mst)->ct_rl->sq_tag;

	return (inner->sw->snd_tag_query(inner, params));
}

static struct m_snd_tag *
tls_tag_next(struct m_snd_tag *mst)
{
	return (&((struct cx_tag *)(void *)mst)->ct_rl->sq_tag);
}

#define TLS_TAG_SW(t)                                                         \
	{                                                                     \
		.snd_tag_modify = tls_tag_modify,                             \
		.snd_tag_query = tls_tag_query, .snd_tag_free = tls_tag_free, \
		.next_snd_tag = tls_tag_next, .type = (t),                    \
	}
static const struct if_snd_tag_sw tls_tag_sw = TLS_TAG_SW(IF_SND_TAG_TYPE_TLS);
static const struct if_snd_tag_sw tls_rl_tag_sw =
    TLS_TAG_SW(IF_SND_TAG_TYPE_TLS_RATE_LIMIT);

/* --- set up: TIS if there is none, then DEK --- */

static void setup_done(struct cx_tag *, int error);

static void
dek_created(struct nic *n, struct nic_cmd *cmd)
{
	struct cx_tag *ct = cmd->c_arg;

	if (cmd->c_status == 0) {
		ct->ct_dek = (uint32_t)cmd->c_out[0];
		ct->ct_dek_valid = true;
		be32enc(ct->ct_params.ps_dek, ct->ct_dek);
	}
	setup_done(ct, cmd->c_status);
}

static void
dek_create(struct cx_tag *ct)
{
	ct->ct_cmd = (struct nic_cmd) { .c_op = CX_CREATE_DEK,
		.c_in[0] = ct->ct_keylen,
		.c_data = ct->ct_key,
		.c_done = dek_created,
		.c_arg = ct };
	nic_cmd_submit(ct->ct_nic, &ct->ct_cmd);
}

static void
tis_created(struct nic *n, struct nic_cmd *cmd)
{
	struct cx_tag *ct = cmd->c_arg;
	int error = cmd->c_status;

	if (error == 0 && cmd->c_out[0] == 0)
		error = EINVAL;
	if (error != 0) {
		setup_done(ct, error);
		return;
	}
	ct->ct_tisn = (uint32_t)cmd->c_out[0];
	dek_create(ct);
}

static void
setup(struct cx_tag *ct)
{
	if (ct->ct_tisn != 0) {
		dek_create(ct);
		return;
	}
	ct->ct_cmd = (struct nic_cmd) { .c_op = CX_CREATE_TIS,
		.c_done = tis_created,
		.c_arg = ct };
	nic_cmd_submit(ct->ct_nic, &ct->ct_cmd);
}

bool
cx_tag_lost(const struct cx_tag *ct)
{
	return (ct->ct_state == CX_TAG_INIT && !ct->ct_again &&
	    driver_new(ct->ct_nic));
}

/* The tag is the caller's from here on. */
static void
tag_give(struct cx_tag *ct)
{
	struct nic *n = ct->ct_nic;
	struct if_snd_tag_wait *iw = ct->ct_wait;

	m_snd_tag_init(&ct->ct_tag, &n->n_if,
	    ct->ct_limited ? &tls_rl_tag_sw : &tls_tag_sw);
	nic_tag_taken(n);
	TAILQ_INSERT_TAIL(&cx_softc(n)->cs_tags, ct, ct_link);
	ct->ct_wait = NULL;
	iw->iw_done(iw, 0, &ct->ct_tag);
}

static void
tag_refuse(struct cx_tag *ct, int error)
{
	struct if_snd_tag_wait *iw = ct->ct_wait;
	struct nic *n = ct->ct_nic;

	n->n_stats.tls_tags_refused++;
	/* The planted defect: inner tag and tag are forgotten. */
	if (!V_DEFECT(n->n_vnet, NIC_DEK_LEAK)) {
		m_snd_tag_rele(&ct->ct_rl->sq_tag);
		ct->ct_rl = NULL;
		tag_release(ct);
	}
	iw->iw_done(iw, error, NULL);
}

static void
setup_done(struct cx_tag *ct, int error)
{
	struct nic *n = ct->ct_nic;

	if (error == 0)
		ct->ct_state = CX_TAG_SETUP;
	else {
		cx_softc(n)->cs_stats.tx_error++;
		n->n_stats.tls_black_holes += !driver_new(n);
	}
	if (ct->ct_again) {
		ct->ct_again = false;
		if (ct->ct_dead)
			tag_release(ct);
	} else if (error != 0 && (driver_new(n) || error == ENXIO))
		tag_refuse(ct, error);
	else
		tag_give(ct); /* the old driver: whatever came of it */
}

/* --- allocation: the checks in the driver's order --- */

int
cx_check_cipher(const struct tls_session_params *tp)
{
	if (tp->tls_vminor != TLS_MINOR_VER_TWO &&
	    tp->tls_vminor != TLS_MINOR_VER_THREE)
		return (EPROTONOSUPPORT);
	if (tp->suite->algorithm != CRYPTO_AES_NIST_GCM_16)
		return (EPROTONOSUPPORT);
	if (tp->cipher_key_len != 16 && tp->cipher_key_len != 32)
		return (EINVAL);
	if (tp->iv_len !=
	    (tp->tls_vminor == TLS_MINOR_VER_TWO ? TLS_AEAD_GCM_LEN
						 : TLS_1_3_GCM_IV_LEN))
		return (EINVAL);
	return (0);
}

void
cx_fill_params(struct cx_static *ps, uint8_t key[32], uint8_t *keylen,
    const struct tls_session_params *tp)
{
	bool v13 = tp->tls_vminor == TLS_MINOR_VER_THREE;

	ps->ps_version = (uint8_t)(0x41 | (v13 ? CX_TLS_1_3 : CX_TLS_1_2) << 2);
	ps->ps_standard = CX_STD_TLS;
	memcpy(ps->ps_gcm_iv, tp->iv, sizeof(ps->ps_gcm_iv));
	if (v13)
		memcpy(ps->ps_implicit_iv, tp->iv + 4,
		    sizeof(ps->ps_implicit_iv));
	*keylen = (uint8_t)tp->cipher_key_len;
	memcpy(key, tp->cipher_key, tp->cipher_key_len);
}

static int
tls_tag_alloc(struct nic *n, const struct if_snd_tag_alloc_params *params)
{
	bool limited = params->type == IF_SND_TAG_TYPE_TLS_RATE_LIMIT;
	struct cx_tag *ct;
	int error;

	if (!cx_softc(n)->cs_tls)
		return (EOPNOTSUPP);
	if ((error = cx_check_cipher(&params->tls->params)) != 0)
		return (error);
	if ((ct = tag_take(n)) == NULL)
		return (ENOMEM);
	error = limited ? rl_tag_alloc(n, params, &ct->ct_rl)
			: ul_tag_alloc(n, params, &ct->ct_rl);
	if (error != 0) {
		tag_freed(ct);
		return (error);
	}
	/* Only the driver knows of it, so that nobody else can tell. */
	TRACE(&n->n_vnet->v_tracer, tag_alloc, TU(params->conn.conn),
	    TS(n->n_if.if_xname), TU(ct->ct_rl->sq_tag.number),
	    TS(limited ? "queue with a rate, inside a TLS tag"
		       : "queue, inside a TLS tag"));
	ct->ct_limited = limited;
	ct->ct_conn = params->conn.conn;
	ct->ct_wait = params->wait;
	cx_fill_params(&ct->ct_params, ct->ct_key, &ct->ct_keylen,
	    &params->tls->params);
	setup(ct);
	return (EINPROGRESS);
}

int
cx_snd_tag_alloc(struct ifnet *ifp,
    const struct if_snd_tag_alloc_params *params, struct m_snd_tag **mstp)
{
	struct nic *n = ifp_to_nic(ifp);
	struct cx_sq_tag *st = NULL;
	int error;

	switch (params->type) {
	case IF_SND_TAG_TYPE_UNLIMITED:
		error = ul_tag_alloc(n, params, &st);
		break;
	case IF_SND_TAG_TYPE_RATE_LIMIT:
		error = rl_tag_alloc(n, params, &st);
		break;
	case IF_SND_TAG_TYPE_TLS:
	case IF_SND_TAG_TYPE_TLS_RATE_LIMIT:
		error = tls_tag_alloc(n, params);
		if (error != EINPROGRESS)
			n->n_stats.tls_tags_refused++;
		return (error);
	case IF_SND_TAG_TYPE_TLS_RX:
		error = cx_rx_tag_alloc(n, params);
		if (error != EINPROGRESS)
			n->n_stats.tls_tags_refused++;
		return (error);
	default:
		return (EOPNOTSUPP);
	}
	if (error == 0)
		*mstp = &st->sq_tag;
	return (error);
}

/* --- the card lost everything --- */

/*
 * Contexts and keys are gone. Tags that live are set up anew by the worker;
 * until it comes to them their packets are dropped. If it fails, they stay so
 * with the old driver; with the new one EAGAIN tells the stack to take another
 * tag. Cached TIS of free tags are none any more.
 */
void
cx_tags_reset(struct nic *n)
{
	struct cx_softc *cs = cx_softc(n);
	struct cx_tag *ct;

	TAILQ_FOREACH(ct, &cs->cs_free, ct_link)
		ct->ct_tisn = 0;
	TAILQ_FOREACH(ct, &cs->cs_tags, ct_link) {
		ct->ct_tisn = 0;
		ct->ct_dek_valid = false;
		ct->ct_state = CX_TAG_INIT;
		if (ct->ct_again)
			continue;
		ct->ct_again = true;
		setup(ct);
	}
}

/* --- life --- */

/* At boot nobody waits: all tags with their TIS, for good. */
static void
zone_fill(struct nic *n)
{
	struct cx_softc *cs = cx_softc(n);
	struct nic_cmd cmd;
	struct cx_tag *ct;

	for (uint64_t i = 0; i < cs->cs_limit; i++) {
		cmd = (struct nic_cmd) { .c_op = CX_CREATE_TIS };
		if (nic_cmd_now(n, &cmd) != 0)
			return;
		ct = kzone_alloc(&cs->cs_zone, M_WAITOK | M_ZERO);
		ct->ct_nic = n;
		ct->ct_state = CX_TAG_FREED;
		ct->ct_tisn = (uint32_t)cmd.c_out[0];
		TAILQ_INSERT_TAIL(&cs->cs_free, ct, ct_link);
	}
}

void
cx_tags_init(struct nic *n)
{
	struct cx_softc *cs = cx_softc(n);
	struct kmem *km = &n->n_vnet->v_kmem;

	TAILQ_INIT(&cs->cs_tags);
	TAILQ_INIT(&cs->cs_free);
	kzone_init(&cs->cs_zone, km, "mlx5_tls_tag", sizeof(struct cx_tag));
	kzone_init(&cs->cs_sq_zone, km, "mlx5_sq_tag",
	    sizeof(struct cx_sq_tag));
	cs->cs_tls = nic_knob(n, CX_KNOB_TLS) != 0 &&
	    nic_knob(n, CX_KNOB_LOG_MAX_DEK) != 0;
	if (!cs->cs_tls)
		return;
	/* Half of the key table is receive's. */
	cs->cs_limit = 1ULL << (nic_knob(n, CX_KNOB_LOG_MAX_DEK) - 1);
	if (driver_new(n)) {
		cs->cs_limit = MIN(cs->cs_limit,
		    1ULL << (nic_knob(n, CX_KNOB_LOG_MAX_TIS) - 1));
		if (nic_knob(n, CX_KNOB_MAX_TAGS) != 0)
			cs->cs_limit =
			    MIN(cs->cs_limit, nic_knob(n, CX_KNOB_MAX_TAGS));
	}
	cs->cs_max_tag = cs->cs_limit;
	if (driver_new(n) && nic_knob(n, CX_KNOB_PREALLOC) != 0)
		zone_fill(n);
}

void
cx_tags_fini(struct nic *n)
{
	struct cx_softc *cs = cx_softc(n);
	struct cx_tag *ct;

	KASSERT(TAILQ_EMPTY(&cs->cs_tags),
	    ("%s detached with send tags", n->n_if.if_xname));
	while ((ct = TAILQ_FIRST(&cs->cs_free)) != NULL) {
		TAILQ_REMOVE(&cs->cs_free, ct, ct_link);
		kzone_free(&cs->cs_zone, ct);
	}
	kzone_fini(&cs->cs_zone);
	kzone_fini(&cs->cs_sq_zone);
}

void
cx_dump(const struct nic *n, struct strbuf *sb, int indent)
{
	static const char *const states[] = { "INIT", "SETUP", "TXRDY",
		"RELEASE", "FREED" };
	const struct cx_softc *cs = cx_softc(n);
	const struct cx_tag *ct;
	unsigned shown = 0;

	strbuf_addf(sb,
	    "%*stags %ju of %ju, recoveries %ju, dumped %ju bytes, errors "
	    "%ju\n",
	    indent, "", (uintmax_t)cs->cs_ntags, (uintmax_t)cs->cs_limit,
	    (uintmax_t)cs->cs_stats.tx_packets_ooo,
	    (uintmax_t)cs->cs_stats.tx_bytes_ooo,
	    (uintmax_t)cs->cs_stats.tx_error);
	TAILQ_FOREACH(ct, &cs->cs_tags, ct_link)
		if (shown++ < 64)
			strbuf_addf(sb,
			    "%*stag %u conn %u %s TIS %u DEK %u expects %u "
			    "queue %u\n",
			    indent + 2, "", ct->ct_tag.number, ct->ct_conn,
			    states[ct->ct_state], ct->ct_tisn, ct->ct_dek,
			    ct->ct_expected_seq,
			    ct->ct_rl->sq_txq->t_q->q_index);
}
