/*
 * The Internet layer of a host: attach and detach, and IP's counters as
 * sysctls.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>

#include "inet_private.h"

static const struct {
	const char *name;
	size_t off;
	const char *descr;
} ip_counters[] = {
#define C(f, d)                                     \
	{                                           \
#f, offsetof(struct ip_stats, f), d \
	}
	C(total_in, "packets received"),
	C(bad_version, "wrong version"),
	C(bad_header, "header length wrong"),
	C(bad_sum, "header checksum wrong"),
	C(too_short, "shorter than the header says"),
	C(not_mine, "not for an address of this host"),
	C(fragments, "fragments dropped: never reassembled here"),
	C(no_proto, "no such upper protocol"),
	C(delivered, "packets given to TCP or ICMP"),
	C(total_out, "packets sent"),
	C(no_route, "no route to destination"),
	C(tls_eagain,
	    "plaintext records refused: send tag missing or of "
	    "another interface"),
	C(tls_refused, "plaintext records refused: interface without M_EXTPG"),
	C(too_big, "larger than the MTU"),
	C(icmp_echo, "echo requests answered"),
	C(icmp_unreach, "ICMP errors given to TCP"),
	C(icmp_bad, "ICMP messages too short or with a wrong checksum"),
	C(unmapped, "M_EXTPG packets copied for an interface without it"),
#undef C
};

static void
ip_sysctl_init(struct vnet *vnet, const char *prefix, struct ip_stats *st)
{
	char name[64];

	for (size_t i = 0; i < nitems(ip_counters); i++) {
		snprintf(name, sizeof(name), "%s.stats.%s", prefix,
		    ip_counters[i].name);
		sysctl_add(vnet, name,
		    (uint64_t *)(void *)((char *)st + ip_counters[i].off),
		    CTL_CTR, NULL, ip_counters[i].descr);
	}
}

void
inet_attach(struct vnet *vnet)
{
	struct inet_state *is;
	struct prng hash;

	KASSERT(vnet->v_net != NULL, ("inet_attach before net_attach"));
	is = xcalloc(1, sizeof(*is));
	vnet->v_inet = is;
	TAILQ_INIT(&is->is_pcbs);
	TAILQ_INIT(&is->is_toedevs);
	vnet_prng(vnet, &is->is_iss, "tcp.iss");
	is->is_isn_secret = prng_u64(&is->is_iss);
	vnet_prng(vnet, &is->is_ports, "tcp.ports");
	vnet_prng(vnet, &is->is_ts, "tcp.ts");
	vnet_prng(vnet, &hash, "tcp.flowid");
	is->is_hashseed = prng_u64(&hash);
	kzone_init(&is->is_inpcbs, &vnet->v_kmem, "inpcb",
	    sizeof(struct inpcb));
	kzone_init(&is->is_tcpcbs, &vnet->v_kmem, "tcpcb",
	    sizeof(struct tcpcb));
	kzone_init(&is->is_segs, &vnet->v_kmem, "tcpreass", 64);
	kzone_init(&is->is_holes, &vnet->v_kmem, "sackhole",
	    sizeof(struct sackhole));
	tcp_hc_attach(vnet);
	ip_sysctl_init(vnet, "net.inet.ip", &is->is_ip[0]);
	ip_sysctl_init(vnet, "net.inet6.ip6", &is->is_ip[1]);
	tcp_sysctl_init(vnet);
	tcp_switch_tls_init(vnet);
	netisr_register(vnet, NETISR_IP, ip_input);
	netisr_register(vnet, NETISR_IPV6, ip6_input);
	arp_attach(vnet);
	nd6_attach(vnet);
}

void
inet_purge(struct vnet *vnet)
{
	struct inpcb *inp, *next;
	struct socket *so;

	if (vnet->v_inet == NULL)
		return;
	TAILQ_FOREACH(inp, &vnet->v_inet->is_pcbs, inp_list)
		in_pcbref(inp); /* nobody goes while we walk */
	TAILQ_FOREACH_SAFE(inp, &vnet->v_inet->is_pcbs, inp_list, next) {
		so = inp->inp_socket;
		if ((inp->inp_flags & INP_DROPPED) == 0 && so != NULL &&
		    !so->so_listening && so->so_listen == NULL &&
		    intotcpcb(inp)->t_state != TCPS_CLOSED) {
			if (intotcpcb(inp)->t_state != TCPS_TIME_WAIT &&
			    (inp->inp_flags & INP_SOCKREF) == 0)
				so->so_error = ECONNABORTED;
			tcp_close(intotcpcb(inp));
		}
	}
	TAILQ_FOREACH_SAFE(inp, &vnet->v_inet->is_pcbs, inp_list, next)
		in_pcbrele(inp);
}

void
inet_detach(struct vnet *vnet)
{
	struct inet_state *is = vnet->v_inet;

	if (is == NULL)
		return;
	inet_purge(vnet);
	sysctl_remove(vnet, "net.inet.");
	sysctl_remove(vnet, "net.inet6.");
	netisr_register(vnet, NETISR_IP, NULL);
	netisr_register(vnet, NETISR_IPV6, NULL);
	netisr_register(vnet, NETISR_ARP, NULL);
	kzone_fini(&is->is_inpcbs);
	kzone_fini(&is->is_tcpcbs);
	kzone_fini(&is->is_segs);
	kzone_fini(&is->is_holes);
	tcp_hc_detach(vnet);
	vnet->v_inet = NULL;
	free(is);
}

const struct ip_stats *
ip_stats(const struct vnet *vnet, int family)
{
	return (&vnet->v_inet->is_ip[inet_is6(family)]);
}
