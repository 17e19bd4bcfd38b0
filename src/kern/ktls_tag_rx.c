/*
 * Receive tags: a card that decrypts what it receives. The tag is the leaf
 * port's own. When the bytes come by another port, a task lets the old tag go
 * and asks there; a refusal means software, never the end of the connection.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/net/if_var.h>
#include <ktsim/netinet/in_pcb.h>

#include "ktls_priv.h"

static void ktls_reset_receive_tag(void *arg, int pending);

void
ktls_inp_attach_rx(struct ktls_session *tls, struct socket *so)
{
	ktls_inp_attach(tls, so);
	task_init(&tls->reset_tag_task, ktls_reset_receive_tag, tls);
}

static int
ktls_rx_sequence(const struct ktls_session *tls, uint32_t *tcpseq,
    uint64_t *recno)
{
	return (ktls_get_rx_sequence(tls->inp, tcpseq, recno));
}

static void
ktls_rx_told(const struct ktls_session *tls, int error,
    const struct m_snd_tag *mst)
{
	struct tracer *tr = &tls->vnet->v_tracer;
	const struct ifnet *ifp = mst != NULL ? mst->ifp : tls->rx_ifp;
	const char *name = ifp != NULL ? ifp->if_xname : "-";

	if (error == EINPROGRESS)
		return;
	if (error != 0)
		TRACE(tr, tag_refused, TU(tls->conn), TS(name), TI(error),
		    TS("receive"));
	else
		TRACE(tr, tag_alloc, TU(tls->conn), TS(name), TU(mst->number),
		    TS("TLS receive"));
}

static void
ktls_rx_tag_done(struct if_snd_tag_wait *iw, int error, struct m_snd_tag *mst)
{
	struct ktls_session *tls =
	    containerof(iw, struct ktls_session, tag_wait);

	ktls_rx_told(tls, error, mst);
	tls->snd_tag = mst;
	tls->tag_then(tls, error);
	ktls_free(tls);
}

/* From this interface: the route's, or the card that the bytes come by. */
static int
ktls_rx_tag_from(struct ktls_session *tls, struct ifnet *ifp, bool leaf,
    struct m_snd_tag **mstp)
{
	struct inpcb *inp = tls->inp;
	struct if_snd_tag_alloc_params params = { .type =
						      IF_SND_TAG_TYPE_TLS_RX,
		.flowid = inp->inp_flowid,
		.flowtype = inp->inp_flowtype,
		.numa_domain = inp->inp_numa_domain,
		.tls = tls,
		.vlan_id = leaf ? tls->rx_vlan_id : 0,
		.vlan_told = leaf ? NULL : &tls->rx_vlan_id,
		.rx_sequence = ktls_rx_sequence,
		.wait = &tls->tag_wait };
	int error;

	*mstp = NULL;
	tls->tag_wait.iw_done = ktls_rx_tag_done;
	inp_snapshot(inp, &params.conn);
	error = m_snd_tag_alloc(ifp, &params, mstp);
	if (error == EINPROGRESS)
		ktls_hold(tls);
	ktls_rx_told(tls, error, *mstp);
	return (error);
}

/* May this connection have a receive tag on its route's interface? */
static int
ktls_rx_tag_ifp(struct inpcb *inp, const struct ktls_session *tls,
    struct ifnet **ifpp)
{
	struct nhop *nh;
	uint64_t need;

	/* What a card left half done must be undone: AES-GCM. */
	if (tls->params.suite->cipher != TLS_CIPHER_GCM)
		return (ENXIO);
	if (inp_dropped(inp) || inp->inp_socket == NULL)
		return (ECONNRESET);
	if (tls->vnet->v_ktls->ks_permitted == 0)
		return (ENXIO);
	if (in_any_zero(&inp->inp_faddr.sa_addr) || in_pcbroute(inp, &nh) != 0)
		return (ENXIO);
	need = inp->inp_family == KAF_INET6 ? IFCAP_RXTLS6 : IFCAP_RXTLS4;
	if ((nh->nh_ifp->if_capenable & need) == 0)
		return (EOPNOTSUPP);
	*ifpp = nh->nh_ifp;
	return (0);
}

int
ktls_try_ifnet_rx(struct socket *so, struct ktls_session *tls,
    void (*then)(struct ktls_session *, int error))
{
	struct m_snd_tag *mst;
	struct ifnet *ifp;
	int error;

	tls->tag_then = then;
	if ((error = ktls_rx_tag_ifp(tls->inp, tls, &ifp)) != 0)
		return (error);
	tls->rx_ifp = ifp;
	error = ktls_rx_tag_from(tls, ifp, false, &mst);
	if (error == 0)
		tls->snd_tag = mst;
	else if (error != EINPROGRESS)
		tls->rx_ifp = NULL;
	return (error);
}

/* --- another port --- */

void
ktls_input_ifp_mismatch(struct sockbuf *sb, struct ifnet *ifp)
{
	struct ktls_session *tls = sb->sb_tls_info;

	if (tls == NULL || tls->mode != TCP_TLS_MODE_IFNET ||
	    tls->rx_ifp == ifp || tls->reset_pending ||
	    (tls->rx_vlan_id != 0 && V_DEFECT(tls->vnet, RX_PORT_IGNORED)))
		return;
	tls->rx_ifp = ifp;
	tls->reset_pending = true;
	ktls_hold(tls);
	taskqueue_enqueue(&tls->vnet->v_taskq, &tls->reset_tag_task);
}

static void
ktls_rx_reset_finish(struct ktls_session *tls, int error)
{
	struct ktls_stats *st = ktls_stats(tls->vnet);

	if (error == 0)
		st->ifnet_reset++;
	else
		st->ifnet_reset_failed++;
	tls->reset_pending = false;
	TRACE(&tls->vnet->v_tracer, tag_reset, TU(tls->conn), TI(error),
	    TS(error == 0 ? "new receive tag" : "software decrypts"));
}

static void
ktls_reset_receive_tag(void *arg, int pending)
{
	struct ktls_session *tls = arg;
	struct m_snd_tag *mst = NULL;
	int error = ECONNRESET;

	ktls_tag_release(tls);
	tls->tag_then = ktls_rx_reset_finish;
	if (!inp_dropped(tls->inp))
		error = ktls_rx_tag_from(tls, tls->rx_ifp, true, &mst);
	if (error != EINPROGRESS) {
		tls->snd_tag = mst;
		ktls_rx_reset_finish(tls, error);
	}
	ktls_free(tls);
}
