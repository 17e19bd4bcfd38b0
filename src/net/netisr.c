/* From link layer to protocols: direct dispatch through one table per host. */
#include <ktsim/base/kassert.h>

#include "net_private.h"

void
netisr_register(struct vnet *vnet, enum netisr proto,
    void (*fn)(struct vnet *, struct mbuf *))
{
	KASSERT(proto < NETISR_COUNT, ("netisr %d", proto));
	vnet->v_net->ns_isr[proto] = fn;
}

void
netisr_dispatch(struct vnet *vnet, enum netisr proto, struct mbuf *m)
{
	KASSERT(proto < NETISR_COUNT, ("netisr %d", proto));
	if (vnet->v_net->ns_isr[proto] == NULL) {
		m_freem(m);
		return;
	}
	vnet->v_net->ns_isr[proto](vnet, m);
}
