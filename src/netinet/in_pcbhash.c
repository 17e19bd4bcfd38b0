/*
 * Finding control blocks: connections by their four-tuple, listeners and
 * merely bound ones by their local port. The flow identifier that cards and
 * lagg see is a seeded hash of the four-tuple.
 */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>

#include "in_pcbhash.h"

static uint64_t
in_pcbhashval(const struct inet_state *is, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr)
{
	uint8_t key[37];

	memcpy(key, laddr->sa_addr.a, 16);
	memcpy(key + 16, faddr->sa_addr.a, 16);
	be16enc(key + 32, laddr->sa_port);
	be16enc(key + 34, faddr->sa_port);
	key[36] = laddr->sa_family;
	return (hash64(key, sizeof(key), is->is_hashseed));
}

static struct inpcbhead *
in_pcbporthead(struct inet_state *is, uint16_t port)
{
	return (&is->is_port[port % INP_PORTHASH]);
}

uint32_t
in_pcbflowid(const struct inpcb *inp)
{
	return ((uint32_t)(in_pcbhashval(inp->inp_vnet->v_inet, &inp->inp_laddr,
			       &inp->inp_faddr) >>
	    16));
}

void
in_pcbunhash(struct inpcb *inp)
{
	if ((inp->inp_flags & INP_HASHED) == 0)
		return;
	LIST_REMOVE(inp, inp_hash);
	inp->inp_flags &= ~INP_HASHED;
}

void
in_pcbhash_port(struct inpcb *inp)
{
	struct inet_state *is = inp->inp_vnet->v_inet;

	in_pcbunhash(inp);
	LIST_INSERT_HEAD(in_pcbporthead(is, inp->inp_laddr.sa_port), inp,
	    inp_hash);
	inp->inp_flags |= INP_HASHED;
}

void
in_pcbhash_conn(struct inpcb *inp)
{
	struct inet_state *is = inp->inp_vnet->v_inet;
	uint64_t h = in_pcbhashval(is, &inp->inp_laddr, &inp->inp_faddr);

	in_pcbunhash(inp);
	LIST_INSERT_HEAD(&is->is_conn[h % INP_HASHSIZE], inp, inp_hash);
	inp->inp_flags |= INP_HASHED;
}

static bool
sa_eq(const struct ksockaddr *x, const struct ksockaddr *y)
{
	return (x->sa_family == y->sa_family && x->sa_port == y->sa_port &&
	    in_any_eq(&x->sa_addr, &y->sa_addr));
}

struct inpcb *
in_pcblookup_conn(struct vnet *vnet, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr)
{
	struct inet_state *is = vnet->v_inet;
	struct inpcb *inp;
	uint64_t h = in_pcbhashval(is, laddr, faddr);

	LIST_FOREACH(inp, &is->is_conn[h % INP_HASHSIZE], inp_hash)
		if (sa_eq(&inp->inp_laddr, laddr) &&
		    sa_eq(&inp->inp_faddr, faddr))
			break;
	return (inp);
}

struct inpcb *
in_pcblookup_port(struct vnet *vnet, const struct ksockaddr *laddr,
    bool listening)
{
	struct inet_state *is = vnet->v_inet;
	struct inpcb *inp, *wild = NULL;

	LIST_FOREACH(inp, in_pcbporthead(is, laddr->sa_port), inp_hash) {
		if (inp->inp_laddr.sa_family != laddr->sa_family ||
		    inp->inp_laddr.sa_port != laddr->sa_port)
			continue;
		if (listening && !inp->inp_socket->so_listening)
			continue;
		if (in_any_eq(&inp->inp_laddr.sa_addr, &laddr->sa_addr))
			return (inp);
		if (in_any_zero(&inp->inp_laddr.sa_addr) ||
		    (!listening && in_any_zero(&laddr->sa_addr)))
			wild = inp;
	}
	return (wild);
}

struct inpcb *
in_pcblookup(struct vnet *vnet, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr)
{
	struct inpcb *inp;

	inp = in_pcblookup_conn(vnet, laddr, faddr);
	return (inp != NULL ? inp : in_pcblookup_port(vnet, laddr, true));
}
