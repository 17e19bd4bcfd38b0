/*
 * What is remembered of hosts: the MTU of the path to them, as ICMP told it.
 * Few hosts are ever in it, so it is a list, newest first; the oldest goes
 * when there are too many. Entries last an hour.
 * Source: netinet/tcp_hostcache.c (net.inet.tcp.hostcache.expire), of which
 * only the MTU is kept: round trips and thresholds are not carried from one
 * connection to the next, so that each starts from the same.
 */
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/base/kmem.h>

#include "inet_private.h"

#define HC_MAX	  256
#define HC_EXPIRE (3600 * SIM_SEC)

struct hc_entry {
	TAILQ_ENTRY(hc_entry) he_link;
	int he_family;
	struct in_any he_addr;
	uint32_t he_mtu;
	simtime_t he_expire;
};

struct hostcache {
	TAILQ_HEAD(hc_head, hc_entry) hc_list;
	unsigned hc_count;
};

void
tcp_hc_attach(struct vnet *vnet)
{
	struct hostcache *hc = xcalloc(1, sizeof(*hc));

	TAILQ_INIT(&hc->hc_list);
	vnet->v_inet->is_hostcache = hc;
}

static void
hc_remove(struct hostcache *hc, struct hc_entry *he)
{
	TAILQ_REMOVE(&hc->hc_list, he, he_link);
	hc->hc_count--;
	free(he);
}

void
tcp_hc_detach(struct vnet *vnet)
{
	struct hostcache *hc = vnet->v_inet->is_hostcache;
	struct hc_entry *he;

	while ((he = TAILQ_FIRST(&hc->hc_list)) != NULL)
		hc_remove(hc, he);
	free(hc);
	vnet->v_inet->is_hostcache = NULL;
}

static struct hc_entry *
hc_find(const struct vnet *vnet, int family, const struct in_any *addr)
{
	struct hc_entry *he;

	TAILQ_FOREACH(he, &vnet->v_inet->is_hostcache->hc_list, he_link)
		if (he->he_family == family && in_any_eq(&he->he_addr, addr))
			break;
	return (he);
}

uint32_t
tcp_hc_getmtu(const struct vnet *vnet, int family, const struct in_any *addr)
{
	const struct hc_entry *he;

	if (vnet->v_inet->is_hostcache->hc_count == 0)
		return (0);
	he = hc_find(vnet, family, addr);
	return (he != NULL && he->he_expire > timebase_now(vnet->v_tb)
		? he->he_mtu
		: 0);
}

void
tcp_hc_updatemtu(struct vnet *vnet, int family, const struct in_any *addr,
    uint32_t mtu)
{
	struct hostcache *hc = vnet->v_inet->is_hostcache;
	struct hc_entry *he = hc_find(vnet, family, addr);

	if (he == NULL) {
		if (hc->hc_count == HC_MAX)
			hc_remove(hc, TAILQ_LAST(&hc->hc_list, hc_head));
		he = xcalloc(1, sizeof(*he));
		he->he_family = family;
		he->he_addr = *addr;
		TAILQ_INSERT_HEAD(&hc->hc_list, he, he_link);
		hc->hc_count++;
	}
	he->he_mtu = mtu;
	he->he_expire = timebase_now(vnet->v_tb) + HC_EXPIRE;
}
