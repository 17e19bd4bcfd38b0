/*
 * The neighbour table: link addresses of next hops, for ARP and ND alike.
 *
 * An entry begins incomplete: packets wait in it (LLE_HOLD_MAX, the oldest
 * goes first) while requests are sent once a second, LLE_TRIES times. Then it
 * is bad for LLE_DOWN_TIME and resolution fails at once. Entries are learned
 * from answers, and from requests that were addressed to us. They do not age:
 * links of the laboratory change with if_link_state_change, and a neighbour
 * that changes its address says so (gratuitous ARP, unsolicited ND).
 *
 * The two protocols plug in their ways to ask and to announce.
 * Source: net/if_llatbl.c, netinet/if_ether.c arpresolve_full.
 */
#ifndef KTSIM_NET_IF_LLATBL_H
#define KTSIM_NET_IF_LLATBL_H

#include <stdbool.h>
#include <stdint.h>

#include <ktsim/base/queue.h>
#include <ktsim/base/simtime.h>
#include <ktsim/kern/callout.h>
#include <ktsim/kern/sockaddr.h>

struct ifnet;
struct mbuf;
struct vnet;

#define LLE_HOLD_MAX  16
#define LLE_TRIES     5
#define LLE_RETRY     SIM_SEC
#define LLE_DOWN_TIME (20 * SIM_SEC)

enum lle_state { LLE_INCOMPLETE, LLE_REACHABLE, LLE_FAILED };

struct llentry {
	LIST_ENTRY(llentry) lle_link;
	struct ifnet *lle_ifp;
	struct ksockaddr lle_addr; /* port 0 */
	enum lle_state lle_state;
	uint8_t lle_lladdr[6]; /* valid when reachable */
	unsigned lle_asked;    /* requests sent */
	struct mbuf *lle_hold, *lle_holdtail;
	unsigned lle_holdcnt;
	struct callout lle_timer; /* next request; end of LLE_FAILED */
};

/* Ask who has `addr` on the interface's link; or tell that we have it. */
typedef void lle_ask_fn(struct ifnet *, const struct in_any *addr);
void lle_register(struct vnet *, int family, lle_ask_fn *solicit,
    lle_ask_fn *announce);

/* Link address of the next hop. 0: filled in. EWOULDBLOCK: m was queued (or
 * dropped) until the answer comes. EHOSTUNREACH after no answer: m freed. */
int lle_resolve(struct ifnet *, const struct ksockaddr *gw, struct mbuf *m,
    uint8_t lladdr[6]);
/*
 * The neighbour told its address: waiting packets go. create: make an entry
 * when there is none.
 */
void lle_learn(struct ifnet *, int family, const struct in_any *addr,
    const uint8_t lladdr[6], bool create);
/* NULL when there is none. */
const struct llentry *lle_find(struct ifnet *, int family,
    const struct in_any *addr);
/* Forget everything of the interface; waiting packets are freed. */
void lle_flush(struct ifnet *);
/* The whole table; base/dump.h. */
struct strbuf;
void lle_dump(const struct vnet *, struct strbuf *, int indent);
/* Announce all addresses of the interface to its link. */
void lle_announce(struct ifnet *);

#endif
