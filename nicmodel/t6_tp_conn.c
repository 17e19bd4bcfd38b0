/*
 * TP's connections. A connection is a socket of the card's stack; its send
 * buffer is the card's transmit memory, and what leaves it, because the peer
 * has it, gives the driver its credits back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/netinet/tcp.h>
#include <ktsim/netinet/tcp_info.h>
#include <ktsim/netinet/tcp_var.h>
#include <ktsim/opencrypto/tls_crypt.h>

#include "t6_tp.h"

struct tp_conn *
tp_conn_find(struct nic_card *card, uint32_t tid)
{
	const struct t6_tcb *tcb = t6_tcb(card, tid);

	return (tcb != NULL ? tcb->tc_toe : NULL);
}

/* --- it begins --- */

static void
tp_conn_upcall(struct socket *so, void *arg, enum so_event ev)
{
	tp_conn_touch(arg);
}

static void
tp_tell_established(const struct tp_conn *c, enum t6_cpl_rx op, uint32_t stid)
{
	const struct tcpcb *tp = sototcpcb(c->c_so);
	struct t6_established es = { .es_stid = stid,
		.es_local = tp->t_inpcb->inp_laddr,
		.es_foreign = tp->t_inpcb->inp_faddr,
		.es_iss = tp->iss,
		.es_irs = tp->irs,
		.es_maxseg = tp->t_maxseg,
		.es_snd_scale = tp->snd_scale,
		.es_rcv_scale = tp->rcv_scale,
		.es_timestamps = (tp->t_flags & TF_RCVD_TSTMP) != 0 };
	struct t6_rsp *cpl;

	cpl = tp_cpl(c->c_tp, op, c->c_tid, sizeof(es));
	memcpy(cpl->c_data, &es, sizeof(es));
}

/* The socket has a tid from now on; NULL: there is none. */
static struct tp_conn *
tp_conn_new(struct t6_tp *tp, struct socket *so)
{
	struct tp_conn *c;
	uint32_t tid;

	if (!t6_tid_take(tp->tp_card, &tid))
		return (NULL);
	c = xcalloc(1, sizeof(*c));
	c->c_tp = tp;
	c->c_tid = tid;
	c->c_so = so;
	STAILQ_INIT(&c->c_wrs);
	t6_tcb(tp->tp_card, tid)->tc_toe = c;
	TAILQ_INSERT_TAIL(&tp->tp_conns, c, c_link);
	soupcall_set(so, tp_conn_upcall, c);
	return (c);
}

void
tp_accept(struct tp_listener *l, struct socket *so)
{
	struct tp_conn *c = NULL;

	if ((sotoinpcb(so)->inp_flags & INP_DROPPED) == 0)
		c = tp_conn_new(l->l_tp, so);
	if (c == NULL) {
		soabort(so);
		return;
	}
	tp_tell_established(c, CPL_PASS_ESTABLISH, l->l_stid);
	tp_conn_touch(c);
}

/* By whom one gets there, if it is not on the link. */
static void
tp_nexthop(struct t6_tp *tp, const struct t6_toe_open *to)
{
	if (in_any_eq(&to->to_nexthop.sa_addr, &to->to_foreign.sa_addr))
		return;
	(void)route_add(tp->tp_vnet, to->to_foreign.sa_family,
	    &to->to_foreign.sa_addr,
	    to->to_foreign.sa_family == KAF_INET6 ? 128 : 32,
	    &to->to_nexthop.sa_addr, &tp->tp_if);
}

int
tp_connect(struct t6_tp *tp, const struct t6_toe_open *to, uint32_t *tid)
{
	struct socket *so;
	struct tp_conn *c;
	int error;

	if (t6_tids_left(tp->tp_card->c_softc) == 0)
		return (ENOMEM);
	if ((error = tp_socket(tp, &to->to_local, &so)) != 0)
		return (error);
	tp_nexthop(tp, to);
	c = tp_conn_new(tp, so);
	KASSERT(c != NULL, ("no tid, though one was left"));
	*tid = c->c_tid;
	c->c_opening = true;
	error = soconnect(so, &to->to_foreign);
	if (error == 0 || error == EINPROGRESS)
		return (0);
	tp_conn_free(c);
	return (error);
}

/* The answer to our SYN; true: it is there. */
static bool
tp_opened(struct tp_conn *c)
{
	if (!c->c_opening)
		return (true);
	if ((c->c_so->so_state & SS_ISCONNECTED) == 0)
		return (false);
	c->c_opening = false;
	tp_tell_established(c, CPL_ACT_ESTABLISH, 0);
	return (true);
}

/* --- from the driver --- */

/* Bytes in pieces that a TSO burst can take apart. */
static struct mbuf *
tp_mbufs(struct mb_state *mb, const uint8_t *p, uint32_t len)
{
	struct mbuf *top = NULL, **tail = &top, *m;
	uint32_t take;

	for (; len > 0; len -= take, p += take) {
		take = MIN(len, (uint32_t)MJUM16BYTES);
		m = m_getjcl(mb, M_WAITOK, MT_DATA, 0,
		    take <= MCLBYTES ? MCLBYTES : MJUM16BYTES);
		memcpy(m->m_data, p, take);
		m->m_len = (int32_t)take;
		*tail = m;
		tail = &m->m_next;
	}
	return (top);
}

void
tp_conn_send(struct tp_conn *c, struct framebuf *fb, uint32_t len,
    const struct tp_wr *proto)
{
	struct t6_toe_stats *st = &c->c_tp->tp_rspq->rq_stats;
	struct tp_wr *w = xcalloc(1, sizeof(*w));

	*w = *proto;
	w->w_start = c->c_appended;
	w->w_end = c->c_appended + len;
	c->c_appended += len;
	STAILQ_INSERT_TAIL(&c->c_wrs, w, w_link);
	if (w->w_tls) {
		st->tx_toe_tls_records++;
		st->tx_toe_tls_octets += len;
	}
	/* Credits bound it, not the buffer's marks. One that is over frees
	 * the bytes, and the host hears of its end. */
	(void)c->c_so->so_proto->pr_send(c->c_so, 0,
	    tp_mbufs(c->c_tp->tp_vnet->v_mb, fb->fb_data, len), NULL, NULL);
	tp_conn_touch(c);
}

void
tp_conn_fin(struct tp_conn *c)
{
	c->c_fin = true;
	(void)c->c_so->so_proto->pr_shutdown(c->c_so);
	tp_conn_touch(c);
}

static void
tp_setopt(struct tp_conn *c, const struct nic_cmd *cmd)
{
	struct sockopt sopt = { .sopt_level = KIPPROTO_TCP,
		.sopt_name = (int)cmd->c_in[1],
		.sopt_val = (void *)(uintptr_t)cmd->c_data,
		.sopt_valsize = (size_t)cmd->c_in[2] };

	(void)sosetopt(c->c_so, &sopt);
}

void
tp_conn_cmd(struct tp_conn *c, struct nic_cmd *cmd)
{
	switch ((int)cmd->c_op) {
	case T6_TOE_CONN:
		c->c_note = (uint32_t)cmd->c_in[1];
		break;
	case T6_TOE_SETOPT:
		tp_setopt(c, cmd);
		break;
	case T6_TOE_INFO:
		tcp_fill_info(sototcpcb(c->c_so),
		    (void *)(uintptr_t)cmd->c_data);
		break;
	case T6_TOE_ABORT:
		tp_conn_abort(c, "reset by the host");
		break;
	case T6_TOE_RELEASE:
		tp_conn_free(c);
		break;
	default:
		tp_rx_cmd(c, cmd);
		break;
	}
}

/* --- to the host --- */

static bool
tp_gone(const struct tp_conn *c)
{
	return ((sotoinpcb(c->c_so)->inp_flags & INP_DROPPED) != 0);
}

/* What the peer has gives credits back, a work request at a time. */
static void
tp_acks(struct tp_conn *c)
{
	uint64_t acked = c->c_appended - sbused(&c->c_so->so_snd);
	uint32_t credits = 0;
	struct tp_wr *w;

	while ((w = STAILQ_FIRST(&c->c_wrs)) != NULL && w->w_end <= acked) {
		credits += w->w_credits;
		STAILQ_REMOVE_HEAD(&c->c_wrs, w_link);
		free(w);
	}
	if (credits > 0)
		tp_cpl(c->c_tp, CPL_FW4_ACK, c->c_tid, 0)->c_val = credits;
}

static void
tp_tell_abort(struct tp_conn *c)
{
	int error = c->c_so->so_error;

	c->c_told_abort = true;
	tp_cpl(c->c_tp, CPL_ABORT_REQ_RSS, c->c_tid, 0)->c_error =
	    error != 0 ? error : ECONNRESET;
}

/* The peer's FIN, when all in front of it is told; ours, when acknowledged. */
static void
tp_tell_ends(struct tp_conn *c)
{
	const struct tcpcb *tp = sototcpcb(c->c_so);
	enum tcp_state st = tp->t_state;
	bool over = tp_gone(c);

	if (!c->c_told_close && sbavail(&c->c_so->so_rcv) == 0 &&
	    (over || st == TCPS_CLOSE_WAIT || st == TCPS_CLOSING ||
		st == TCPS_LAST_ACK || st == TCPS_TIME_WAIT)) {
		c->c_told_close = true;
		(void)tp_cpl(c->c_tp, CPL_PEER_CLOSE, c->c_tid, 0);
	}
	if (c->c_fin && !c->c_told_fin &&
	    (over || st == TCPS_FIN_WAIT_2 || st == TCPS_TIME_WAIT)) {
		c->c_told_fin = true;
		(void)tp_cpl(c->c_tp, CPL_CLOSE_CON_RPL, c->c_tid, 0);
	}
}

/* It ended otherwise than by two FINs. */
static bool
tp_aborted(const struct tp_conn *c)
{
	return (tp_gone(c) && (c->c_so->so_error != 0 || !c->c_fin));
}

void
tp_conn_work(struct tp_conn *c)
{
	if (c->c_told_abort)
		return;
	if (!tp_gone(c) && !tp_opened(c))
		return;
	tp_rx_work(c);
	if (tp_aborted(c)) {
		tp_tell_abort(c);
		return;
	}
	tp_acks(c);
	if (!tp_gone(c) && (c->c_so->so_rcv.sb_state & SBS_CANTRCVMORE) != 0)
		tp_rx_eof(c);
	tp_tell_ends(c);
}

/* --- notes --- */

void
tp_conn_note(const struct tp_conn *c, struct frame *f)
{
	uint32_t seq = be32dec(f->f_hdr + f->f_l2len + f->f_l3len + 4);
	struct pkt_note *pn = &f->f_note;
	const struct tp_wr *w = STAILQ_FIRST(&c->c_wrs);
	uint64_t at;

	pn->pn_conn = c->c_note;
	if (f->f_paylen == 0 || w == NULL)
		return;
	/* The stream is longer than sequence numbers: from its end. */
	at = c->c_appended -
	    (uint32_t)(sototcpcb(c->c_so)->iss + 1 + (uint32_t)c->c_appended -
		seq);
	while (w != NULL && w->w_end <= at)
		w = STAILQ_NEXT(w, w_link);
	if (w == NULL || !w->w_tls)
		return;
	if (w->w_damaged)
		f->f_flags |= FRAME_DAMAGED;
	pn->pn_mode = PKT_KTLS_TOE;
	pn->pn_rec_seqno = w->w_seqno;
	pn->pn_rec_off = (uint32_t)(at - w->w_start);
}

/* --- it ends --- */

void
tp_conn_abort(struct tp_conn *c, const char *why)
{
	c->c_told_abort = true; /* the host knows */
	if (!tp_gone(c))
		tcp_drop(sototcpcb(c->c_so), ECONNRESET, why);
}

/* The socket may live on without the host, in TIME_WAIT. */
void
tp_conn_free(struct tp_conn *c)
{
	struct t6_tp *tp = c->c_tp;
	struct tp_wr *w;

	while ((w = STAILQ_FIRST(&c->c_wrs)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->c_wrs, w_link);
		free(w);
	}
	if (c->c_dirty)
		TAILQ_REMOVE(&tp->tp_dirty, c, c_dlink);
	TAILQ_REMOVE(&tp->tp_conns, c, c_link);
	soupcall_set(c->c_so, NULL, NULL);
	soclose(c->c_so);
	tls_crypt_destroy(c->c_rx_crypt);
	t6_tid_give(tp->tp_card, c->c_tid);
	free(c);
}
