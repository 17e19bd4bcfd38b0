/*
 * Switching a connection's transmit TLS between software and card from
 * outside, as the switch_tls(8) tool does through a pair of sysctls.
 */
#include <errno.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>

#include "tcp_private.h"

int
tcp_switch_tls(struct vnet *vnet, const struct ksockaddr *foreign,
    const struct ksockaddr *local, int mode)
{
	struct inpcb *inp;

	if (foreign->sa_family != local->sa_family ||
	    (foreign->sa_family != KAF_INET && foreign->sa_family != KAF_INET6))
		return (EINVAL);
	inp = in_pcblookup(vnet, local, foreign);
	if (inp == NULL || inp->inp_socket == NULL ||
	    intotcpcb(inp)->t_state == TCPS_LISTEN)
		return (ESRCH);
	if ((inp->inp_flags & INP_DROPPED) != 0 ||
	    intotcpcb(inp)->t_state == TCPS_TIME_WAIT)
		return (ECONNRESET);
	return (ktls_set_tx_mode(inp->inp_socket, mode));
}
