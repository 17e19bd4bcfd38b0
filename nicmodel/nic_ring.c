/*
 * The transmit ring: packets wait in order, one is fetched at a time, its
 * frames leave back to back, and the next fetch begins when the last bit is
 * out. A full ring is ENOBUFS: that is how the link's rate reaches TCP.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/net/ethernet.h>

#include "nic_parse.h"

static void
nic_kick(struct nic *n, simtime_t delay)
{
	if (n->n_ring_head != NULL && !sim_event_pending(&n->n_fetch_ev) &&
	    !sim_event_pending(&n->n_done_ev))
		timebase_post_in(n->n_vnet->v_tb, &n->n_fetch_ev, delay);
}

static void
nic_drop(struct nic *n, struct mbuf *m, int error, const char *why)
{
	TRACE(&n->n_vnet->v_tracer, nic_drop, TS(n->n_if.if_xname),
	    TU(m->m_pkthdr.note.pn_conn), TU(m->m_pkthdr.len), TI(error),
	    TS(why));
	m_freem(m);
}

int
nic_transmit(struct ifnet *ifp, struct mbuf *m)
{
	struct nic *n = ifp_to_nic(ifp);

	if ((ifp->if_flags & IFF_UP) == 0) {
		nic_drop(n, m, ENETDOWN, "interface is down");
		return (ENETDOWN);
	}
	if (n->n_ring_used == n->n_ring_size) {
		n->n_stats.enobuf++;
		ifp->if_ctr.oqdrops++;
		nic_drop(n, m, ENOBUFS, "transmit ring is full");
		return (ENOBUFS);
	}
	m->m_nextpkt = NULL;
	*n->n_ring_tail = m;
	n->n_ring_tail = &m->m_nextpkt;
	n->n_ring_used++;
	n->n_stats.tx_packets++;
	nic_kick(n, n->n_model->nm_fetch);
	return (0);
}

/* The head slot is done with: free it, go on with the next. */
static void
nic_tx_done(void *arg)
{
	struct nic *n = arg;
	struct mbuf *m = n->n_ring_head;

	if ((n->n_ring_head = m->m_nextpkt) == NULL)
		n->n_ring_tail = &n->n_ring_head;
	m->m_nextpkt = NULL;
	n->n_ring_used--;
	m_freem(m);
	nic_kick(n, 0);
}

static simtime_t
nic_egress(struct nic *n, struct frameq *q)
{
	simtime_t when = timebase_now(n->n_vnet->v_tb);
	struct ifnet *ifp = &n->n_if;
	struct frame *f;
	uint32_t len;

	while ((f = STAILQ_FIRST(q)) != NULL) {
		STAILQ_REMOVE_HEAD(q, f_link);
		len = frame_len(f);
		n->n_stats.tx_frames++;
		n->n_stats.tx_bytes += len;
		ifp->if_ctr.opackets++;
		ifp->if_ctr.obytes += len;
		if (n->n_link_up)
			when += simtime_bytes(MAX(len, KETHER_MIN_LEN) +
				KETHER_LINE_OVERHEAD,
			    n->n_params.np_rate_bps);
		else {
			f->f_flags |= FRAME_LOST_RING;
			n->n_stats.tx_lost_ring++;
		}
		f->f_when = when;
		n->n_params.np_ops->np_egress(n->n_params.np_arg, n, f);
	}
	return (when);
}

static void
nic_tx_fetch(void *arg)
{
	struct nic *n = arg;
	struct frameq q = STAILQ_HEAD_INITIALIZER(q);
	struct mbuf *m = n->n_ring_head;
	int error;

	error = n->n_model->nm_tx(n, m, &q);
	if (error != 0) {
		n->n_if.if_ctr.oerrors++;
		TRACE(&n->n_vnet->v_tracer, nic_drop, TS(n->n_if.if_xname),
		    TU(m->m_pkthdr.note.pn_conn), TU(m->m_pkthdr.len),
		    TI(error), TS("the card could not process the packet"));
	}
	timebase_post(n->n_vnet->v_tb, &n->n_done_ev, nic_egress(n, &q));
}

void
nic_ring_init(struct nic *n)
{
	n->n_ring_tail = &n->n_ring_head;
	n->n_ring_size = n->n_params.np_ring != 0 ? n->n_params.np_ring
						  : n->n_model->nm_ring;
	sim_event_init(&n->n_fetch_ev, EV_NIC, "nic fetch", nic_tx_fetch, n);
	sim_event_init(&n->n_done_ev, EV_NIC, "nic completion", nic_tx_done, n);
}

void
nic_ring_fini(struct nic *n)
{
	struct mbuf *m;

	timebase_cancel(n->n_vnet->v_tb, &n->n_fetch_ev);
	timebase_cancel(n->n_vnet->v_tb, &n->n_done_ev);
	while ((m = n->n_ring_head) != NULL) {
		n->n_ring_head = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m_freem(m);
	}
	n->n_ring_tail = &n->n_ring_head;
	n->n_ring_used = 0;
}
