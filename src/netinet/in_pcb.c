/*
 * Control blocks of connections: life, addresses and ports, cached route.
 *
 * The socket has one reference; transmit TLS sessions and queued tasks have
 * theirs. The TCP control block lives exactly as long as this one, so that
 * who holds a reference may look at a connection that is over.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/kern/socketvar.h>

#include "in_pcbhash.h"

#define PORT_FIRST 10000 /* net.inet.ip.portrange.first */
#define PORT_LAST  65535

int
in_pcballoc(struct socket *so)
{
	struct vnet *vnet = so->so_vnet;
	struct inpcb *inp;

	inp = kzone_alloc(&vnet->v_inet->is_inpcbs, M_NOWAIT | M_ZERO);
	if (inp == NULL)
		return (ENOBUFS);
	inp->inp_vnet = vnet;
	inp->inp_socket = so;
	inp->inp_refcount = 1;
	inp->inp_family = so->so_family;
	inp->inp_numa_domain = M_NODOM;
	inp->inp_laddr.sa_family = inp->inp_faddr.sa_family = so->so_family;
	TAILQ_INSERT_TAIL(&vnet->v_inet->is_pcbs, inp, inp_list);
	so->so_pcb = inp;
	return (0);
}

int
in_pcbbind(struct inpcb *inp, const struct ksockaddr *nam)
{
	struct vnet *vnet = inp->inp_vnet;
	int error;

	if (inp->inp_laddr.sa_port != 0)
		return (EINVAL);
	if (nam->sa_family != inp->inp_family)
		return (EAFNOSUPPORT);
	if (!in_any_zero(&nam->sa_addr) &&
	    if_addr_owner(vnet, nam->sa_family, &nam->sa_addr) == NULL)
		return (EADDRNOTAVAIL);
	if (nam->sa_port != 0 && in_pcblookup_port(vnet, nam, false) != NULL)
		return (EADDRINUSE);
	inp->inp_laddr = *nam;
	if (nam->sa_port == 0 && (error = in_pcbport(inp)) != 0) {
		memset(&inp->inp_laddr.sa_addr, 0,
		    sizeof(inp->inp_laddr.sa_addr));
		return (error);
	}
	in_pcbhash_port(inp);
	return (0);
}

/* Free for this block: as a connection, if it has a peer, else as a port. */
static bool
in_pcbport_free(struct inpcb *inp)
{
	if (in_pcblookup_port(inp->inp_vnet, &inp->inp_laddr, false) != NULL)
		return (false);
	return (inp->inp_faddr.sa_port == 0 ||
	    in_pcblookup_conn(inp->inp_vnet, &inp->inp_laddr,
		&inp->inp_faddr) == NULL);
}

int
in_pcbport(struct inpcb *inp)
{
	const uint32_t count = PORT_LAST - PORT_FIRST + 1;
	uint32_t start;

	start = (uint32_t)prng_below(&inp->inp_vnet->v_inet->is_ports, count);
	for (uint32_t i = 0; i < count; i++) {
		inp->inp_laddr.sa_port =
		    (uint16_t)(PORT_FIRST + (start + i) % count);
		if (in_pcbport_free(inp))
			return (0);
	}
	inp->inp_laddr.sa_port = 0;
	return (EADDRNOTAVAIL);
}

static void
in_pcbconnected(struct inpcb *inp)
{
	in_pcbhash_conn(inp);
	inp->inp_flowid = in_pcbflowid(inp);
	inp->inp_flowtype = M_HASHTYPE_OPAQUE;
	inp->inp_ip_id = (uint16_t)inp->inp_flowid;
}

int
in_pcbconnect(struct inpcb *inp, const struct ksockaddr *faddr)
{
	struct nhop nh;
	int error;

	if (faddr->sa_family != inp->inp_family)
		return (EAFNOSUPPORT);
	if (in_any_zero(&faddr->sa_addr) || faddr->sa_port == 0)
		return (EADDRNOTAVAIL);
	if (route_lookup(inp->inp_vnet, faddr->sa_family, &faddr->sa_addr,
		&nh) != 0)
		return (ENETUNREACH);
	if (in_any_zero(&inp->inp_laddr.sa_addr)) {
		if (in_any_zero(&nh.nh_src))
			return (EADDRNOTAVAIL);
		inp->inp_laddr.sa_addr = nh.nh_src;
	}
	inp->inp_faddr = *faddr;
	error = 0;
	if (inp->inp_laddr.sa_port == 0)
		error = in_pcbport(inp);
	else if (in_pcblookup_conn(inp->inp_vnet, &inp->inp_laddr, faddr) !=
	    NULL)
		error = EADDRINUSE;
	if (error != 0) {
		inp->inp_faddr =
		    (struct ksockaddr) { .sa_family = inp->inp_family };
		return (error);
	}
	in_pcbconnected(inp);
	return (0);
}

void
in_pcbaccepted(struct inpcb *inp, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr)
{
	inp->inp_laddr = *laddr;
	inp->inp_faddr = *faddr;
	in_pcbconnected(inp);
}

void
in_pcbdrop(struct inpcb *inp)
{
	in_pcbunhash(inp);
	in_pcbdetach_txrtlmt(inp);
	inp->inp_flags |= INP_DROPPED;
}

void
in_pcbref(struct inpcb *inp)
{
	inp->inp_refcount++;
}

bool
in_pcbrele(struct inpcb *inp)
{
	struct inet_state *is = inp->inp_vnet->v_inet;

	KASSERT(inp->inp_refcount > 0, ("in_pcbrele: no reference"));
	if (--inp->inp_refcount > 0)
		return (false);
	KASSERT(inp->inp_socket == NULL,
	    ("in_pcbrele: socket %u is attached", inp->inp_socket->so_number));
	in_pcbunhash(inp);
	TAILQ_REMOVE(&is->is_pcbs, inp, inp_list);
	if (inp->inp_ppcb != NULL)
		kzone_free(&is->is_tcpcbs, inp->inp_ppcb);
	kzone_free(&is->is_inpcbs, inp);
	return (true);
}

int
in_pcbroute(struct inpcb *inp, struct nhop **nhp)
{
	int error;

	if (!inp->inp_route_ok ||
	    inp->inp_route.nh_gen != route_generation(inp->inp_vnet)) {
		error = route_lookup(inp->inp_vnet, inp->inp_family,
		    &inp->inp_faddr.sa_addr, &inp->inp_route);
		inp->inp_route_ok = (error == 0);
		if (error != 0)
			return (error);
	}
	*nhp = &inp->inp_route;
	return (0);
}
