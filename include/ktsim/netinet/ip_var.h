/*
 * IP output and input, and the check that keeps plaintext off the wire.
 * Source: netinet/ip_output.c, netinet6/ip6_output.c, ip_input.c.
 */
#ifndef KTSIM_NETINET_IP_VAR_H
#define KTSIM_NETINET_IP_VAR_H

#include <ktsim/net/if_llatbl.h>
#include <ktsim/net/if_var.h>

struct inpcb;
struct vnet;

/* One per family: net.inet.ip.stats, net.inet6.ip6.stats. */
struct ip_stats {
	uint64_t total_in, bad_version, bad_header, bad_sum, too_short;
	uint64_t not_mine, fragments, no_proto, delivered;
	uint64_t total_out, no_route, tls_eagain, tls_refused;
	uint64_t too_big, unmapped; /* EMSGSIZE; M_EXTPG copied */
	uint64_t icmp_echo, icmp_unreach, icmp_bad; /* answered; for TCP */
};

/* IP and TCP of a host; after net_attach. */
void inet_attach(struct vnet *);
/*
 * End every connection that is left, silently (no packet, no event): those in
 * TIME_WAIT, and those whose user closed them. Sockets in users' hands get
 * ECONNABORTED. Then vnet_leaks tells the truth about control blocks.
 */
void inet_purge(struct vnet *);
/* After inet_purge (called again here) and before net_detach. */
void inet_detach(struct vnet *);
const struct ip_stats *ip_stats(const struct vnet *, int family);

/*
 * Send a TCP packet of the connection. m begins with the IP header, addresses
 * and ports filled in; consumed always. Errors: EHOSTUNREACH; EMSGSIZE (larger
 * than the MTU and not TSO); ENOBUFS, also for EAGAIN of a TLS packet (a tag
 * reset was queued); ENETDOWN.
 *
 * The check (ip_output_send): a packet whose first payload mbuf carries a
 * session needs a send tag of the very interface it leaves by, else it is
 * freed and EAGAIN; and an interface with M_EXTPG (else EAGAIN as well, and
 * plaintext_refused is counted: the reset will find no tag there and end the
 * connection). Nothing else may carry plaintext of a session.
 */
int ip_output(struct vnet *, struct mbuf *, struct inpcb *);
int ip6_output(struct vnet *, struct mbuf *, struct inpcb *);

/*
 * Sum of a TCP segment with its pseudo header: 0xffff when its checksum is
 * right. m begins with the IP header of iphlen bytes; len of TCP.
 */
uint16_t ip_tcp_sum(const struct mbuf *m, int family, uint32_t iphlen,
    uint32_t len);

void ip_input(struct vnet *, struct mbuf *);
void ip6_input(struct vnet *, struct mbuf *);
void arp_input(struct vnet *, struct mbuf *);
void icmp6_input(struct vnet *, struct mbuf *, int off);

#endif
