/*
 * Switching a connection's transmit TLS between software and card from
 * outside, as the switch_tls(8) tool does through a pair of sysctls.
 */
#include <errno.h>

#include <string.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>

#include "inet_private.h"
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

/* The sysctls' form: foreign end first. */
static int
tcp_switch_pair(struct vnet *vnet, const void *val, size_t len, int mode)
{
	struct ksockaddr addrs[2];

	if (len < sizeof(addrs))
		return (ENOMEM);
	memcpy(addrs, val, sizeof(addrs));
	return (tcp_switch_tls(vnet, &addrs[0], &addrs[1], mode));
}

static int
tcp_switch_to_sw(struct vnet *vnet, const void *val, size_t len)
{
	return (tcp_switch_pair(vnet, val, len, TCP_TLS_MODE_SW));
}

static int
tcp_switch_to_ifnet(struct vnet *vnet, const void *val, size_t len)
{
	return (tcp_switch_pair(vnet, val, len, TCP_TLS_MODE_IFNET));
}

void
tcp_switch_tls_init(struct vnet *vnet)
{
	if (!vnet->v_kern_tls)
		return;
	sysctl_add_proc(vnet, "net.inet.tcp.switch_to_sw_tls", tcp_switch_to_sw,
	    "a connection's two ends: to software TLS");
	sysctl_add_proc(vnet, "net.inet.tcp.switch_to_ifnet_tls",
	    tcp_switch_to_ifnet, "a connection's two ends: to card TLS");
}
