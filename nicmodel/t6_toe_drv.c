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
#include <ktsim/base/strbuf.h>
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

struct t6_toep *
t6_toep_find(const struct t6_toe *to, uint32_t tid)
{
	return (tid < to->to_ntids ? to->to_bytid[tid] : NULL);
}

void
t6_toep_tid(struct t6_toep *te, uint32_t tid)
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

struct t6_toep *
t6_toep_new(struct nic *n)
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

	if (te->te_tp != NULL || te->te_wrs > 0 || te->te_cmd_busy ||
	    te->te_held > 0)
		return;
	t6_toep_ctrl(te, T6_TOE_RELEASE, 0);
	if (!te->te_opening && t6_toep_find(to, te->te_tid) == te)
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
tod_ctloutput(struct toedev *tod, struct tcpcb *tp, int name, const void *val,
    size_t len)
{
	const struct t6_toep *te = toe_of(tp);

	if (te->te_lost || te->te_opening)
		return;
	t6_ctrl(te->te_nic,
	    &(struct nic_cmd) { .c_op = T6_TOE_SETOPT,
		.c_in = { te->te_tid, (uint64_t)name, len },
		.c_data = val });
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
		t6_toep_tid(te, (uint32_t)cmd->c_out[0]);
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
	struct t6_toep *te = t6_toep_new(n);

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

/* --- events --- */

static void
toe_intr(void *arg)
{
	t6_toe_responses(arg);
}


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

void
t6_toe_dump(const struct nic *n, struct strbuf *sb, int indent)
{
	const struct t6_toe *to = t6_toe(n);
	const struct t6_toep *te;

	if (to == NULL)
		return;
	TAILQ_FOREACH(te, &to->to_toeps, te_link)
		strbuf_addf(sb,
		    "%*stid %u: conn %u, credits %u, receive credits %u%s%s%s\n",
		    indent, "", te->te_tid,
		    te->te_tp != NULL ? toe_conn_number(te->te_tp) : 0,
		    te->te_credits, te->te_rx_credits,
		    te->te_suspended ? ", suspended" : "",
		    te->te_blocked ? ", no descriptors" : "",
		    te->te_over ? ", over" : "");
}
