/* The loopback interface: IP's output is IP's input, a moment later. */
#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/net/if_loop.h>

#include "net_private.h"

#define LO_DELAY (1 * SIM_US)

struct lo_softc {
	struct ifnet lo_if;
	struct mbuf *lo_first, **lo_last; /* waiting, by m_nextpkt */
	struct sim_event lo_isr;
};

/* Takes all: what these packets cause to be sent waits for the next time. */
static void
lo_isr(void *arg)
{
	struct lo_softc *lo = arg;
	struct mbuf *m = lo->lo_first, *next;

	lo->lo_first = NULL;
	lo->lo_last = &lo->lo_first;
	for (; m != NULL; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		lo->lo_if.if_ctr.ipackets++;
		lo->lo_if.if_ctr.ibytes += (uint64_t)m->m_pkthdr.len;
		netisr_dispatch(lo->lo_if.if_vnet,
		    (*m->m_data >> 4) == 6 ? NETISR_IPV6 : NETISR_IP, m);
	}
}

static int
lo_output(struct ifnet *ifp, struct mbuf *m, const struct ksockaddr *dst)
{
	struct lo_softc *lo = ifp->if_softc;
	struct vnet *vnet = ifp->if_vnet;

	KASSERT((m->m_flags & M_PKTHDR) != 0 &&
		(m->m_pkthdr.csum_flags & (CSUM_SND_TAG | CSUM_TSO)) == 0,
	    ("lo_output: a packet for a card"));
	if ((ifp->if_flags & IFF_UP) == 0) {
		ifp->if_ctr.oerrors++;
		m_freem(m);
		return (ENETDOWN);
	}
	ifp->if_ctr.opackets++;
	ifp->if_ctr.obytes += (uint64_t)m->m_pkthdr.len;
	m->m_pkthdr.rcvif = ifp;
	m->m_pkthdr.csum_flags =
	    CSUM_L3_CALC | CSUM_L3_VALID | CSUM_L4_CALC | CSUM_L4_VALID;
	m->m_nextpkt = NULL;
	*lo->lo_last = m;
	lo->lo_last = &m->m_nextpkt;
	if (!sim_event_pending(&lo->lo_isr))
		timebase_post_in(vnet->v_tb, &lo->lo_isr, LO_DELAY);
	return (0);
}

void
loif_attach(struct vnet *vnet)
{
	static const struct in_any v4 = { { 127, 0, 0, 1 } },
				   v6 = { { [15] = 1 } };
	struct lo_softc *lo = xcalloc(1, sizeof(*lo));
	struct ifnet *ifp = &lo->lo_if;
	int error;

	lo->lo_last = &lo->lo_first;
	sim_event_init(&lo->lo_isr, EV_TASK, "loopback", lo_isr, lo);
	ifp->if_softc = lo;
	ifp->if_mtu = LOMTU;
	ifp->if_flags = IFF_LOOPBACK | IFF_MULTICAST | IFF_UP | IFF_DRV_RUNNING;
	ifp->if_link_state = LINK_STATE_UP;
	ifp->if_capabilities = ifp->if_capenable =
	    IFCAP_RXCSUM | IFCAP_TXCSUM | IFCAP_RXCSUM_IPV6 | IFCAP_TXCSUM_IPV6;
	ifp->if_output = lo_output;
	if_attach(vnet, ifp, "lo0");
	vnet->v_net->ns_loif = ifp;
	error = if_addr_add(ifp, KAF_INET, &v4, 8);
	KASSERT(error == 0, ("127.0.0.1 is taken"));
	error = if_addr_add(ifp, KAF_INET6, &v6, 128);
	KASSERT(error == 0, ("::1 is taken"));
}

void
loif_detach(struct vnet *vnet)
{
	struct ifnet *ifp = vnet->v_net->ns_loif;
	struct lo_softc *lo;
	struct mbuf *m;

	if (ifp == NULL)
		return;
	lo = ifp->if_softc;
	timebase_cancel(vnet->v_tb, &lo->lo_isr);
	while ((m = lo->lo_first) != NULL) {
		lo->lo_first = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m_freem(m);
	}
	vnet->v_net->ns_loif = NULL;
	if_detach(ifp);
	free(lo);
}
