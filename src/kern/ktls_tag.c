/*
 * The one place where kernel TLS meets the connection block and the
 * interface: send tags, their replacement when the route's port changes, and
 * dropping a connection. Errnos say why a tag was refused: at enable time a
 * refusal means software, at reset time it ends the connection.
 */
#include <errno.h>

#include <ktsim/base/errnoname.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/in_pcb.h>

#include "ktls_priv.h"

static void ktls_reset_send_tag(void *arg, int pending);
static void ktls_tag_done(struct if_snd_tag_wait *, int error,
    struct m_snd_tag *);

void
ktls_inp_attach(struct ktls_session *tls, struct socket *so)
{
	tls->inp = inp_of_socket(so);
	in_pcbref(tls->inp);
	task_init(&tls->reset_tag_task, ktls_reset_send_tag, tls);
	task_init(&tls->disable_ifnet_task, ktls_disable_ifnet_help, tls);
}

void
ktls_inp_detach(struct ktls_session *tls)
{
	if (tls->inp != NULL)
		(void)in_pcbrele(tls->inp);
	tls->inp = NULL;
}

void
ktls_inp_xmit(struct ktls_session *tls, bool on)
{
	if (tls->inp != NULL)
		inp_ktls_xmit_set(tls->inp, on);
}

bool
ktls_inp_xmit_on(struct socket *so)
{
	return (inp_ktls_xmit(inp_of_socket(so)));
}

bool
ktls_inp_xmit_disable(struct socket *so)
{
	return (inp_ktls_xmit_disable(inp_of_socket(so)));
}

bool
ktls_inp_xmit_disabled(struct socket *so)
{
	return (inp_ktls_xmit_disabled(inp_of_socket(so)));
}

bool
ktls_inp_gone(struct socket *so)
{
	return (inp_dropped(inp_of_socket(so)));
}

uint32_t
ktls_inp_conn(struct socket *so)
{
	return (inp_conn(inp_of_socket(so)));
}

unsigned
ktls_inp_flowid(struct socket *so)
{
	return (inp_of_socket(so)->inp_flowid);
}

uint8_t
ktls_inp_numa_domain(struct socket *so)
{
	return (inp_of_socket(so)->inp_numa_domain);
}

struct socket *
ktls_session_socket(const struct ktls_session *tls)
{
	return (inp_dropped(tls->inp) ? NULL : tls->inp->inp_socket);
}

void
ktls_drop(struct socket *so, int error, const char *why)
{
	inp_drop(inp_of_socket(so), error, why);
}

/* --- tags --- */

/* May this connection have a tag on its route's interface? */
static int
ktls_tag_ifp(struct inpcb *inp, const struct ktls_session *tls, bool force,
    struct ifnet **ifpp)
{
	struct nhop *nh;
	uint64_t need;

	if (inp_dropped(inp) || inp->inp_socket == NULL)
		return (ECONNRESET);
	if (tls->vnet->v_ktls->ks_permitted == 0 && !force)
		return (ENXIO);
	if (in_any_zero(&inp->inp_faddr.sa_addr) || in_pcbroute(inp, &nh) != 0)
		return (ENXIO);
	need = IFCAP_MEXTPG |
	    (inp->inp_family == KAF_INET6 ? IFCAP_TXTLS6 : IFCAP_TXTLS4);
	if ((nh->nh_ifp->if_capenable & need) != need)
		return (EOPNOTSUPP);
	*ifpp = nh->nh_ifp;
	return (0);
}

/* A paced connection asks for both in one, where the interface has it. */
static void
ktls_tag_rate(struct inpcb *inp, struct ifnet *ifp,
    struct if_snd_tag_alloc_params *params)
{
	params->max_rate = inp_tls_rate(inp, ifp);
	if (params->max_rate != 0)
		params->type = IF_SND_TAG_TYPE_TLS_RATE_LIMIT;
}

static void
ktls_tag_told(const struct ktls_session *tls, const struct ifnet *ifp,
    int error, const struct m_snd_tag *mst)
{
	const char *name = ifp != NULL ? ifp->if_xname : "-";

	if (error == EINPROGRESS)
		return;
	if (error != 0)
		TRACE(&tls->vnet->v_tracer, tag_refused, TU(tls->conn),
		    TS(name), TI(error),
		    TS(ktls_tag_reason(tls->inp->inp_socket, error)));
	else
		TRACE(&tls->vnet->v_tracer, tag_alloc, TU(tls->conn), TS(name),
		    TU(mst->number),
		    TS(mst->sw->type == IF_SND_TAG_TYPE_TLS_RATE_LIMIT
			    ? "TLS rate limit"
			    : "TLS"));
}

/* The card has answered what it could not at once. */
static void
ktls_tag_done(struct if_snd_tag_wait *iw, int error, struct m_snd_tag *mst)
{
	struct ktls_session *tls =
	    containerof(iw, struct ktls_session, tag_wait);

	ktls_tag_told(tls, mst != NULL ? mst->ifp : NULL, error, mst);
	tls->snd_tag = mst;
	tls->tag_then(tls, error);
	ktls_free(tls);
}

int
ktls_alloc_snd_tag(struct inpcb *inp, struct ktls_session *tls, bool force,
    struct m_snd_tag **mstp)
{
	struct if_snd_tag_alloc_params params = { .type = IF_SND_TAG_TYPE_TLS,
		.tls = tls,
		.wait = &tls->tag_wait };
	struct ifnet *ifp = NULL;
	int error;

	*mstp = NULL;
	tls->tag_wait.iw_done = ktls_tag_done;

	error = ktls_tag_ifp(inp, tls, force, &ifp);
	if (error == 0) {
		params.flowid = inp->inp_flowid;
		params.flowtype = inp->inp_flowtype;
		params.numa_domain = inp->inp_numa_domain;
		inp_snapshot(inp, &params.conn);
		ktls_tag_rate(inp, ifp, &params);
		error = m_snd_tag_alloc(ifp, &params, mstp);
	}
	if (error == EINPROGRESS)
		ktls_hold(tls);
	ktls_tag_told(tls, ifp, error, *mstp);
	return (error);
}

/* What an errno of the above means, told by asking the conditions again in
 * their order, so that the text cannot name one that did not decide. */
const char *
ktls_tag_reason(const struct socket *so, int error)
{
	const struct ktls_state *ks;

	if (so == NULL || error == ECONNRESET)
		return ("connection is gone");
	ks = so->so_vnet->v_ktls;
	switch (error) {
	case ENXIO:
		return (ks->ks_permitted == 0
			? "kern.ipc.tls.ifnet.permitted is 0"
			: "connection has no route");
	case EOPNOTSUPP:
		return ("the route's interface does not offer transmit TLS");
	case EPROTONOSUPPORT:
		return ("the card does not know this version and cipher");
	case ENOMEM:
		return ("the card's table of sessions is full");
	case EINPROGRESS:
		return ("the card has not answered");
	default:
		return ("the card refused");
	}
}

int
ktls_try_ifnet(struct socket *so, struct ktls_session *tls, bool force,
    void (*then)(struct ktls_session *, int error))
{
	struct m_snd_tag *mst;
	int error;

	tls->tag_then = then;
	error = ktls_alloc_snd_tag(tls->inp, tls, force, &mst);
	if (error == 0)
		tls->snd_tag = mst;
	return (error);
}

void
ktls_tag_release(struct ktls_session *tls)
{
	if (tls->snd_tag == NULL)
		return;
	m_snd_tag_rele(tls->snd_tag);
	tls->snd_tag = NULL;
}

/* The TCP sequence number of the first byte that is not yet decrypted. */
static uint32_t
ktls_rx_tcp_seq(struct inpcb *inp, const struct sockbuf *sb)
{
	struct if_snd_tag_conn conn;

	inp_snapshot(inp, &conn);
	return (conn.rcv_nxt - sb->sb_tlscc);
}

int
ktls_resync_ifnet(struct socket *so, uint32_t tls_len, uint64_t tls_rcd_num)
{
	struct m_snd_tag *mst = so->so_rcv.sb_tls_info->snd_tag;
	struct if_snd_tag_modify_tls_rx params = { .tls_rec_length = tls_len,
		.tls_seq_number = tls_rcd_num };

	if (mst == NULL)
		return (EINVAL);
	params.tcp_sn =
	    ktls_rx_tcp_seq(inp_of_socket(so), &so->so_rcv) - tls_len;
	return (mst->sw->snd_tag_modify(mst, &params));
}

int
ktls_get_rx_sequence(struct inpcb *inp, uint32_t *tcpseq, uint64_t *tlsseq)
{
	struct socket *so = inp->inp_socket;

	if (so == NULL)
		return (EINVAL);
	if (inp_dropped(inp))
		return (ECONNRESET);
	*tcpseq = ktls_rx_tcp_seq(inp, &so->so_rcv);
	*tlsseq = so->so_rcv.sb_tls_seqno;
	return (0);
}

int
ktls_output_eagain(struct inpcb *inp, struct ktls_session *tls)
{
	if (!tls->reset_pending) {
		tls->reset_pending = true;
		ktls_hold(tls);
		taskqueue_enqueue(&tls->vnet->v_taskq, &tls->reset_tag_task);
	}
	return (ENOBUFS);
}

int
ktls_modify_txrtlmt(struct ktls_session *tls, uint64_t max_pacing_rate)
{
	struct m_snd_tag *mst = tls->snd_tag;

	/* None: the next one has the connection's rate. */
	if (mst == NULL)
		return (0);
	KASSERT(mst->sw->type == IF_SND_TAG_TYPE_TLS_RATE_LIMIT,
	    ("conn %u: its TLS tag has no rate", tls->conn));
	if (mst->sw->snd_tag_modify == NULL)
		return (EOPNOTSUPP);
	return (mst->sw->snd_tag_modify(mst, &max_pacing_rate));
}

/* The tag that a session has no use for any more. */
static void
ktls_release_early(struct ktls_session *tls)
{
	tls->tx_done = true;
	if (tls->snd_tag == NULL)
		return;
	tls->vnet->v_ktls->ks_stats.ifnet_released_early++;
	ktls_tag_release(tls);
}

void
ktls_tx_done(struct socket *so)
{
	struct ktls_session *tls = so->so_snd.sb_tls_info;

	if (tls == NULL || tls->mode != TCP_TLS_MODE_IFNET ||
	    so->so_vnet->v_ktls->ks_release_early == 0 ||
	    V_DEFECT(so->so_vnet, KTLS_TAGS_KEPT))
		return;
	KASSERT(sbused(&so->so_snd) == 0,
	    ("conn %u: done with %u bytes in the send buffer", tls->conn,
		sbused(&so->so_snd)));
	ktls_release_early(tls);
}

static void
ktls_reset_finish(struct ktls_session *tls, int error)
{
	struct ktls_stats *st = &tls->vnet->v_ktls->ks_stats;

	if (tls->tx_done) { /* while the card made up its mind */
		ktls_release_early(tls);
		return;
	}
	if (error == 0) {
		tls->reset_pending = false;
		st->ifnet_reset++;
	} else {
		if (!inp_dropped(tls->inp)) {
			inp_drop(tls->inp, ECONNABORTED,
			    "no TLS send tag after the port changed");
			st->ifnet_reset_dropped++;
		}
		st->ifnet_reset_failed++;
	}
	TRACE(&tls->vnet->v_tracer, tag_reset, TU(tls->conn), TI(error),
	    TS(error == 0 ? "new tag" : "connection dropped"));
}

/*
 * The old tag goes first, so that the card's slot is free when the new one is
 * asked for; until it is there the session has none, and its packets are
 * dropped. Nothing kicks output: the retransmit timer resumes the flow. A
 * refusal ends the connection, and reset_pending stays set for good.
 */
static void
ktls_reset_send_tag(void *arg, int pending)
{
	struct ktls_session *tls = arg;
	struct m_snd_tag *mst;
	int error;

	if (tls->tx_done) {
		ktls_free(tls);
		return;
	}
	ktls_tag_release(tls);
	tls->tag_then = ktls_reset_finish;
	error = ktls_alloc_snd_tag(tls->inp, tls, true, &mst);
	if (error != EINPROGRESS) {
		tls->snd_tag = mst;
		ktls_reset_finish(tls, error);
	}
	ktls_free(tls);
}
