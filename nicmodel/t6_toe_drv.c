/*
 * The T6's driver, TCP offload: listeners and connections, and what the card
 * tells of them.
 *
 * A connection (toep) lives until the host's control block is over, and then
 * until the card is done with its work requests; its tid is given back last,
 * so that no work request can name another connection's.
 *
 * Source: cxgbe/tom/t4_tom.c, t4_listen.c, t4_cpl_io.c; nic-models.md 6.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/netinet/tcp_info.h>

#include "t6_toe_drv.h"

/* --- to the card, without an answer --- */

void
t6_toep_ctrl(struct t6_toep *te, enum t6_toe_cmd op, uint64_t arg)
{
	if (te->te_lost || te->te_opening)
		return;
	t6_ctrl(te->te_nic,
	    &(struct nic_cmd) { .c_op = op, .c_in = { te->te_tid, arg } });
}

/* --- a connection's life --- */

static struct t6_toep *
toep_find(const struct t6_toe *to, uint32_t tid)
{
	return (tid < to->to_ntids ? to->to_bytid[tid] : NULL);
}

static void
toep_tid(struct t6_toep *te, uint32_t tid)
{
	struct t6_toe *to = t6_toe(te->te_nic);
	uint32_t size;

	if (tid >= to->to_ntids) {
		size = MAX(tid + 1, to->to_ntids * 2);
		to->to_bytid =
		    xrealloc(to->to_bytid, size * sizeof(*to->to_bytid));
		memset(to->to_bytid + to->to_ntids, 0,
		    (size - to->to_ntids) * sizeof(*to->to_bytid));
		to->to_ntids = size;
	}
	te->te_tid = tid;
	to->to_bytid[tid] = te;
}

static struct t6_toep *
toep_new(struct nic *n)
{
	struct t6_toe *to = t6_toe(n);
	struct t6_toep *te;

	te = kzone_alloc(&to->to_zone, M_NOWAIT | M_ZERO);
	if (te == NULL)
		return (NULL);
	te->te_nic = n;
	te->te_credits = (uint32_t)nic_knob(n, T6_KNOB_TOE_CREDITS);
	STAILQ_INIT(&te->te_txsds);
	TAILQ_INSERT_TAIL(&to->to_toeps, te, te_link);
	return (te);
}

void
t6_toep_check(struct t6_toep *te)
{
	struct t6_toe *to = t6_toe(te->te_nic);

	if (te->te_tp != NULL || te->te_wrs > 0 || te->te_cmd_busy)
		return;
	t6_toep_ctrl(te, T6_TOE_RELEASE, 0);
	if (!te->te_opening && toep_find(to, te->te_tid) == te)
		to->to_bytid[te->te_tid] = NULL;
	t6_toep_tx_free(te);
	t6_toep_keys_free(te);
	TAILQ_REMOVE(&to->to_toeps, te, te_link);
	kzone_free(&to->to_zone, te);
}

void
t6_toep_abort(struct t6_toep *te)
{
	if (te->te_over)
		return;
	te->te_over = true;
	t6_toep_ctrl(te, T6_TOE_ABORT, 0);
}

void
t6_toep_rx_credits(struct t6_toep *te)
{
	uint32_t space = toe_rcv_space(te->te_tp);

	if (space <= te->te_rx_credits)
		return;
	t6_toep_ctrl(te, T6_TOE_RX_CREDITS, space - te->te_rx_credits);
	te->te_rx_credits = space;
}

/* --- what the stack asks --- */

static int
tod_output(struct toedev *tod, struct tcpcb *tp)
{
	t6_toep_push(toe_of(tp));
	return (0);
}

static int
tod_send_fin(struct toedev *tod, struct tcpcb *tp)
{
	struct t6_toep *te = toe_of(tp);

	te->te_fin = true;
	t6_toep_push(te);
	return (0);
}

static int
tod_send_rst(struct toedev *tod, struct tcpcb *tp)
{
	t6_toep_abort(toe_of(tp));
	return (0);
}

static void
tod_rcvd(struct toedev *tod, struct tcpcb *tp)
{
	t6_toep_rx_credits(toe_of(tp));
}

/* Without both FINs the card's end would live on. */
static void
tod_pcb_detach(struct toedev *tod, struct tcpcb *tp)
{
	struct t6_toep *te = toe_of(tp);

	te->te_tp = NULL;
	t6_toep_abort(te);
	t6_toep_check(te);
}

static void
tod_tcp_info(struct toedev *tod, const struct tcpcb *tp, struct ktcp_info *ti)
{
	const struct t6_toep *te = toe_of(tp);
	struct ktcp_info card = *ti;

	if (te->te_lost)
		return;
	t6_ctrl(te->te_nic,
	    &(struct nic_cmd) { .c_op = T6_TOE_INFO,
		.c_in = { te->te_tid },
		.c_data = &card });
	/* The buffers are the host's. */
	card.tcpi_state = ti->tcpi_state;
	card.tcpi_snd_buffered = ti->tcpi_snd_buffered;
	card.tcpi_snd_notready = ti->tcpi_snd_notready;
	card.tcpi_rcv_buffered = ti->tcpi_rcv_buffered;
	*ti = card;
}

static void
tod_ctloutput(struct toedev *tod, struct tcpcb *tp, int name, int val)
{
	t6_toep_ctrl(toe_of(tp), T6_TOE_NODELAY, val != 0);
}

/* The port's addresses (of IPv6 the real card has a table: CLIP). */
static void
clip_all(struct nic *n)
{
	const struct ifaddr *ifa;
	struct ksockaddr sa = { 0 };

	for (ifa = n->n_if.if_addrs; ifa != NULL; ifa = ifa->ifa_next) {
		sa.sa_family = ifa->ifa_family;
		sa.sa_addr = ifa->ifa_addr;
		t6_ctrl(n,
		    &(struct nic_cmd) { .c_op = T6_TOE_CLIP, .c_data = &sa });
	}
}

/* --- an active open --- */

/* The card has a tid for it, or has not: then the host does it. */
static void
act_open_done(struct nic *n, struct nic_cmd *cmd)
{
	struct t6_toep *te = cmd->c_arg;
	struct tcpcb *tp = te->te_tp;

	te->te_cmd_busy = false;
	if (cmd->c_status == 0) {
		te->te_opening = false;
		toep_tid(te, (uint32_t)cmd->c_out[0]);
		/* Its user has gone meanwhile. */
		if (tp == NULL)
			t6_toep_ctrl(te, T6_TOE_ABORT, 0);
	} else if (tp != NULL && cmd->c_status != ECANCELED &&
	    cmd->c_status != ENXIO) {
		te->te_tp = NULL;
		toe_open_failed(tp);
	}
	t6_toep_check(te);
}

static int
tod_connect(struct toedev *tod, struct tcpcb *tp, const struct toe_conn *tc,
    const struct ksockaddr *nexthop, void **toep)
{
	struct nic *n = tod->tod_softc;
	struct t6_toep *te = toep_new(n);

	if (te == NULL)
		return (ENOMEM);
	clip_all(n);
	te->te_tp = tp;
	te->te_opening = true;
	te->te_open = (struct t6_toe_open) { .to_local = tc->local,
		.to_foreign = tc->foreign,
		.to_nexthop = *nexthop };
	te->te_cmd = (struct nic_cmd) { .c_op = T6_TOE_ACT_OPEN,
		.c_data = &te->te_open,
		.c_done = act_open_done,
		.c_arg = te };
	te->te_cmd_busy = true;
	nic_cmd_submit(n, &te->te_cmd);
	*toep = te;
	return (0);
}

/* --- listeners --- */

/* False: not a place of this port. */
static bool
listen_card(struct nic *n, const struct t6_lctx *l)
{
	struct nic_cmd cmd = { .c_op = T6_TOE_LISTEN,
		.c_in = { l->l_stid },
		.c_data = &l->l_addr };

	clip_all(n);
	t6_ctrl(n, &cmd);
	return (cmd.c_status == 0);
}

static void
tod_listen_start(struct toedev *tod, struct tcpcb *tp)
{
	struct nic *n = tod->tod_softc;
	struct t6_toe *to = t6_toe(n);
	struct t6_lctx *l = xcalloc(1, sizeof(*l));

	l->l_tp = tp;
	l->l_stid = ++to->to_stid;
	toe_listen_addr(tp, &l->l_addr);
	if (!listen_card(n, l)) {
		free(l);
		return;
	}
	TAILQ_INSERT_TAIL(&to->to_listeners, l, l_link);
}

static void
listener_free(struct t6_toe *to, struct t6_lctx *l)
{
	TAILQ_REMOVE(&to->to_listeners, l, l_link);
	free(l);
}

static void
tod_listen_stop(struct toedev *tod, struct tcpcb *tp)
{
	struct nic *n = tod->tod_softc;
	struct t6_toe *to = t6_toe(n);
	struct t6_lctx *l, *next;

	TAILQ_FOREACH_SAFE(l, &to->to_listeners, l_link, next) {
		if (l->l_tp != tp)
			continue;
		t6_ctrl(n,
		    &(struct nic_cmd) { .c_op = T6_TOE_UNLISTEN,
			.c_in = { l->l_stid } });
		listener_free(to, l);
	}
}

/* --- what the card tells --- */

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
	if (toe_nodelay(te->te_tp))
		t6_toep_ctrl(te, T6_TOE_NODELAY, 1);
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
		te = toep_new(n);
	if (te == NULL) {
		pass_refuse(n, cpl->c_tid);
		return;
	}
	toep_tid(te, cpl->c_tid);
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
		toe_record(te->te_tp, &tgr, cpl_mbuf(te->te_nic, cpl),
		    cpl->c_val);
	else
		toe_record_bad(te->te_tp, cpl->c_error, cpl->c_fatal,
		    cpl->c_val);
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

void
t6_toe_responses(struct nic *n)
{
	struct t6_toe *to = t6_toe(n);
	struct t6_rsp *cpl;
	struct t6_toep *te;

	while ((cpl = STAILQ_FIRST(&to->to_rspq.rq_cpls)) != NULL) {
		STAILQ_REMOVE_HEAD(&to->to_rspq.rq_cpls, c_link);
		te = toep_find(to, cpl->c_tid);
		if (cpl->c_op == CPL_PASS_ESTABLISH)
			pass_establish(n, cpl);
		else if (te != NULL && te->te_tp != NULL)
			response(te, cpl);
		/* The buffer may have grown; the connection may be gone. */
		te = toep_find(to, cpl->c_tid);
		if (te != NULL && te->te_tp != NULL && te->te_established &&
		    !te->te_over)
			t6_toep_rx_credits(te);
		free(cpl);
	}
}

static void
toe_intr(void *arg)
{
	t6_toe_responses(arg);
}

/* --- room in the rings, memory again --- */

void
t6_toe_reaped(struct nic *n)
{
	struct t6_toe *to = t6_toe(n);
	struct t6_toep *te;

	if (to == NULL)
		return;
	TAILQ_FOREACH(te, &to->to_toeps, te_link)
		if (te->te_blocked)
			t6_toep_push(te);
}

static void
toe_retry(void *arg)
{
	t6_toe_reaped(arg);
}

/* --- life --- */

static void
toe_sysctl(struct nic *n)
{
	struct t6_toe *to = t6_toe(n);
	struct t6_toe_stats *st = &to->to_rspq.rq_stats;
	unsigned unit = ((struct t6_softc *)n->n_softc)->sc_unit;
	char name[64];

#define CTR(where, field, val, descr)                                          \
	do {                                                                   \
		snprintf(name, sizeof(name), "dev.cc.%u." where #field, unit); \
		sysctl_add(n->n_vnet, name, val, CTL_CTR, NULL, descr);        \
	} while (0)
	CTR("", tx_toe_tls_records, &st->tx_toe_tls_records,
	    "records that TOE encrypted");
	CTR("", tx_toe_tls_octets, &st->tx_toe_tls_octets, "their bytes");
	CTR("", rx_toe_tls_records, &st->rx_toe_tls_records,
	    "records that TOE decrypted");
	CTR("", rx_toe_tls_octets, &st->rx_toe_tls_octets, "their bytes");
	CTR("toe.", tcp_in_segs, &st->tcp_in_segs,
	    "segments to the card's TCP");
	CTR("toe.", tcp_out_segs, &st->tcp_out_segs,
	    "segments of the card's TCP");
	CTR("toe.", tcp_retrans_segs, &st->tcp_retrans_segs,
	    "of these, sent again");
	CTR("toe.", tcp_out_rsts, &st->tcp_out_rsts, "of these, resets");
	CTR("toe.", declined, &st->declined, "SYNs left to the host: no tid");
	CTR("toe.", conns, &to->to_conns, "connections offloaded");
	CTR("toe.", refused, &to->to_refused,
	    "connections that the host did not want: reset");
	CTR("toe.", suspended, &to->to_suspended,
	    "times a connection ran out of credits");
#undef CTR
}

/* The card begins, and has again the listeners that it had. */
static void
toe_start(struct nic *n)
{
	struct t6_toe *to = t6_toe(n);
	struct t6_lctx *l;

	t6_ctrl(n,
	    &(struct nic_cmd) { .c_op = T6_TOE_START, .c_data = &to->to_rspq });
	TAILQ_FOREACH(l, &to->to_listeners, l_link)
		(void)listen_card(n, l);
}

/* The card's connections are gone: so are the host's. */
static void
toe_end_all(struct nic *n, const char *why)
{
	struct t6_toe *to = t6_toe(n);
	struct t6_toep *te, *next;
	struct t6_rsp *cpl;

	timebase_cancel(n->n_vnet->v_tb, &to->to_rspq.rq_intr);
	while ((cpl = STAILQ_FIRST(&to->to_rspq.rq_cpls)) != NULL) {
		STAILQ_REMOVE_HEAD(&to->to_rspq.rq_cpls, c_link);
		free(cpl);
	}
	TAILQ_FOREACH_SAFE(te, &to->to_toeps, te_link, next) {
		te->te_lost = te->te_over = true;
		if (!te->te_opening)
			to->to_bytid[te->te_tid] = NULL;
		if (te->te_tp != NULL)
			toe_aborted(te->te_tp, ECONNRESET, why);
	}
}

static struct toedev
toe_methods(struct nic *n)
{
	return ((struct toedev) { .tod_ifp = &n->n_if,
	    .tod_softc = n,
	    .tod_connect = tod_connect,
	    .tod_listen_start = tod_listen_start,
	    .tod_listen_stop = tod_listen_stop,
	    .tod_output = tod_output,
	    .tod_send_fin = tod_send_fin,
	    .tod_send_rst = tod_send_rst,
	    .tod_rcvd = tod_rcvd,
	    .tod_pcb_detach = tod_pcb_detach,
	    .tod_alloc_tls_session = t6_toe_alloc_tls,
	    .tod_tcp_info = tod_tcp_info,
	    .tod_ctloutput = tod_ctloutput });
}

/* A host without IP has no connections to be offloaded. */
void
t6_toe_attach(struct nic *n)
{
	struct t6_softc *sc = n->n_softc;
	struct t6_toe *to;

	if (n->n_vnet->v_inet == NULL)
		return;
	sc->sc_toe = to = xcalloc(1, sizeof(*to));
	to->to_nic = n;
	kzone_init(&to->to_zone, &n->n_vnet->v_kmem, "t6_toep",
	    sizeof(struct t6_toep));
	TAILQ_INIT(&to->to_toeps);
	TAILQ_INIT(&to->to_listeners);
	STAILQ_INIT(&to->to_rspq.rq_cpls);
	sim_event_init(&to->to_rspq.rq_intr, EV_NIC, "t6 responses", toe_intr,
	    n);
	sim_event_init(&to->to_retry, EV_NIC, "t6 toe memory", toe_retry, n);
	to->to_tod = toe_methods(n);
	register_toedev(n->n_vnet, &to->to_tod);
	toe_sysctl(n);
	toe_start(n);
}

void
t6_toe_reset(struct nic *n)
{
	if (t6_toe(n) == NULL)
		return;
	toe_end_all(n, "the card was reset");
	toe_start(n);
}

void
t6_toe_detach(struct nic *n)
{
	struct t6_softc *sc = n->n_softc;
	struct t6_toe *to = sc->sc_toe;

	if (to == NULL)
		return;
	toe_end_all(n, "the card was detached");
	while (!TAILQ_EMPTY(&to->to_listeners))
		listener_free(to, TAILQ_FIRST(&to->to_listeners));
	unregister_toedev(n->n_vnet, &to->to_tod);
	timebase_cancel(n->n_vnet->v_tb, &to->to_retry);
	KASSERT(TAILQ_EMPTY(&to->to_toeps),
	    ("%s detached with offloaded connections", n->n_if.if_xname));
	kzone_fini(&to->to_zone);
	free(to->to_bytid);
	free(to);
	sc->sc_toe = NULL;
}
