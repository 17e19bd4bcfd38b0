/*
 * The neighbour table. What is common to ARP and ND: entries, the packets
 * that wait in them, and the timer that asks again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>

#include "net_private.h"

void
lle_register(struct vnet *vnet, int family, lle_ask_fn *solicit,
    lle_ask_fn *announce)
{
	vnet->v_net->ns_solicit[net_is_v6(family)] = solicit;
	vnet->v_net->ns_announce[net_is_v6(family)] = announce;
}

static struct llentry *
lle_lookup(struct ifnet *ifp, int family, const struct in_any *addr)
{
	struct llentry *lle;

	LIST_FOREACH(lle, &ifp->if_vnet->v_net->ns_lles, lle_link)
		if (lle->lle_ifp == ifp && lle->lle_addr.sa_family == family &&
		    in_any_eq(&lle->lle_addr.sa_addr, addr))
			break;
	return (lle);
}

const struct llentry *
lle_find(struct ifnet *ifp, int family, const struct in_any *addr)
{
	return (lle_lookup(ifp, family, addr));
}

static void
lle_drop_packet(struct llentry *lle, struct mbuf *m, int error, const char *why)
{
	TRACE(&lle->lle_ifp->if_vnet->v_tracer, ip_drop,
	    TU(m->m_pkthdr.note.pn_conn), TU(m->m_pkthdr.len), TI(error),
	    TS(why), TU(m->m_pkthdr.note.pn_frame));
	m_freem(m);
}

static struct mbuf *
lle_hold_pop(struct llentry *lle)
{
	struct mbuf *m = lle->lle_hold;

	if (m == NULL)
		return (NULL);
	if ((lle->lle_hold = m->m_nextpkt) == NULL)
		lle->lle_holdtail = NULL;
	m->m_nextpkt = NULL;
	lle->lle_holdcnt--;
	return (m);
}

static void
lle_hold_push(struct llentry *lle, struct mbuf *m)
{
	if (lle->lle_holdcnt == LLE_HOLD_MAX)
		lle_drop_packet(lle, lle_hold_pop(lle), ENOBUFS,
		    "too many packets wait for the neighbour");
	m->m_nextpkt = NULL;
	if (lle->lle_hold == NULL)
		lle->lle_hold = m;
	else
		lle->lle_holdtail->m_nextpkt = m;
	lle->lle_holdtail = m;
	lle->lle_holdcnt++;
}

static void
lle_hold_drop(struct llentry *lle, int error, const char *why)
{
	struct mbuf *m;

	while ((m = lle_hold_pop(lle)) != NULL)
		lle_drop_packet(lle, m, error, why);
}

static void
lle_solicit(struct llentry *lle)
{
	struct ifnet *ifp = lle->lle_ifp;
	lle_ask_fn *ask;

	ask =
	    ifp->if_vnet->v_net->ns_solicit[net_is_v6(lle->lle_addr.sa_family)];
	lle->lle_asked++;
	callout_reset(&lle->lle_timer, LLE_RETRY);
	if (ask != NULL)
		ask(ifp, &lle->lle_addr.sa_addr);
}

static void
lle_free(struct llentry *lle)
{
	callout_stop(&lle->lle_timer);
	lle_hold_drop(lle, ENETDOWN, "the neighbour's interface went away");
	LIST_REMOVE(lle, lle_link);
	free(lle);
}

static void
lle_timeout(void *arg)
{
	struct llentry *lle = arg;

	if (lle->lle_state == LLE_FAILED) { /* may be asked again */
		lle_free(lle);
		return;
	}
	if (lle->lle_asked < LLE_TRIES) {
		lle_solicit(lle);
		return;
	}
	lle->lle_state = LLE_FAILED;
	lle_hold_drop(lle, EHOSTUNREACH, "the neighbour does not answer");
	callout_reset(&lle->lle_timer, LLE_DOWN_TIME);
}

static struct llentry *
lle_create(struct ifnet *ifp, int family, const struct in_any *addr)
{
	struct llentry *lle;

	lle = xcalloc(1, sizeof(*lle));
	lle->lle_ifp = ifp;
	lle->lle_addr.sa_family = (uint8_t)family;
	lle->lle_addr.sa_addr = *addr;
	lle->lle_state = LLE_INCOMPLETE;
	callout_init(&lle->lle_timer, ifp->if_vnet->v_tb, "lle", lle_timeout,
	    lle);
	LIST_INSERT_HEAD(&ifp->if_vnet->v_net->ns_lles, lle, lle_link);
	return (lle);
}

int
lle_resolve(struct ifnet *ifp, const struct ksockaddr *gw, struct mbuf *m,
    uint8_t lladdr[6])
{
	struct llentry *lle;

	lle = lle_lookup(ifp, gw->sa_family, &gw->sa_addr);
	if (lle == NULL)
		lle = lle_create(ifp, gw->sa_family, &gw->sa_addr);
	switch (lle->lle_state) {
	case LLE_REACHABLE:
		memcpy(lladdr, lle->lle_lladdr, sizeof(lle->lle_lladdr));
		return (0);
	case LLE_FAILED:
		lle_drop_packet(lle, m, EHOSTUNREACH,
		    "the neighbour did not answer");
		return (EHOSTUNREACH);
	case LLE_INCOMPLETE:
		break;
	}
	lle_hold_push(lle, m);
	if (lle->lle_asked == 0)
		lle_solicit(lle);
	return (EWOULDBLOCK);
}

void
lle_learn(struct ifnet *ifp, int family, const struct in_any *addr,
    const uint8_t lladdr[6], bool create)
{
	struct llentry *lle;
	struct mbuf *m;

	lle = lle_lookup(ifp, family, addr);
	if (lle == NULL) {
		if (!create)
			return;
		lle = lle_create(ifp, family, addr);
	}
	memcpy(lle->lle_lladdr, lladdr, sizeof(lle->lle_lladdr));
	lle->lle_state = LLE_REACHABLE;
	callout_stop(&lle->lle_timer);
	while ((m = lle_hold_pop(lle)) != NULL)
		(void)ifp->if_output(ifp, m, &lle->lle_addr);
}

void
lle_flush(struct ifnet *ifp)
{
	struct llentry *lle, *next;

	LIST_FOREACH_SAFE(lle, &ifp->if_vnet->v_net->ns_lles, lle_link, next)
		if (lle->lle_ifp == ifp)
			lle_free(lle);
}

void
lle_announce(struct ifnet *ifp)
{
	struct net_state *ns = ifp->if_vnet->v_net;
	const struct ifaddr *ifa;
	lle_ask_fn *announce;

	if ((ifp->if_flags & (IFF_UP | IFF_BROADCAST)) !=
	    (IFF_UP | IFF_BROADCAST))
		return;
	for (ifa = ifp->if_addrs; ifa != NULL; ifa = ifa->ifa_next) {
		announce = ns->ns_announce[net_is_v6(ifa->ifa_family)];
		if (announce != NULL)
			announce(ifp, &ifa->ifa_addr);
	}
}
