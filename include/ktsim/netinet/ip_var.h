/*
 * IP output and input, and the check that keeps plaintext off the wire.
 * Source: netinet/ip_output.c, netinet6/ip6_output.c, ip_input.c.
 */
#ifndef KTSIM_NETINET_IP_VAR_H
#define KTSIM_NETINET_IP_VAR_H

#include <ktsim/net/if_var.h>

struct inpcb;
struct vnet;

struct ip_stats {
	uint64_t	total_in, bad_version, bad_header, bad_sum, too_short;
	uint64_t	not_mine, fragments, no_proto, delivered;
	uint64_t	total_out, no_route, tls_eagain, tls_refused;
};

/* IP and TCP of a host; after net_attach. */
void	inet_attach(struct vnet *);
void	inet_detach(struct vnet *);
const struct ip_stats *ip_stats(const struct vnet *, int family);

/*
 * Send a TCP packet of the connection. m begins with the IP header, addresses
 * and ports filled in; consumed always. Errors: EHOSTUNREACH; EMSGSIZE (larger
 * than the MTU and not TSO); ENOBUFS, also for EAGAIN of a TLS packet (a tag
 * reset was queued); ENETDOWN.
 *
 * The check (ip_output_send): a packet whose first payload mbuf carries a
 * session needs a send tag of the very interface it leaves by, else it is
 * freed and EAGAIN; and an interface with M_EXTPG. Nothing else may carry
 * plaintext of a session.
 */
int	ip_output(struct vnet *, struct mbuf *, struct inpcb *);
int	ip6_output(struct vnet *, struct mbuf *, struct inpcb *);

void	ip_input(struct vnet *, struct mbuf *);
void	ip6_input(struct vnet *, struct mbuf *);
void	arp_input(struct vnet *, struct mbuf *);
void	icmp6_input(struct vnet *, struct mbuf *, int off);

/* Link address of the next hop. 0: filled in. EWOULDBLOCK: m was queued (or
 * dropped) until the answer comes. EHOSTUNREACH after no answer: m freed. */
int	lle_resolve(struct ifnet *, const struct ksockaddr *gw, struct mbuf *m,
	    uint8_t lladdr[6]);

#endif
