/*
 * What ICMP says about connections. A message quotes the packet it is about;
 * it is believed when that packet's sequence number is one in flight.
 *
 *  - Less fits: the segment size shrinks (for the host out there as well, see
 *    tcp_hostcache.c), and everything in flight is sent again.
 *  - Unreachable: ends a connection that is being opened when a port or
 *    protocol is meant (net.inet.tcp.icmp_may_rst). A connection that stands
 *    only remembers it, as the reason should it time out.
 *
 * Source: tcp_subr.c (tcp_ctlinput_with_port, tcp_notify, tcp_mtudisc,
 * tcp6_ctlinput_with_port).
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/ip.h>

#include "tcp_private.h"

#define ICMP_QUOTED 8 /* of TCP's header: ports and sequence number */

/* The MTU when a router of before RFC 1191 did not tell: the next one of its
 * section 7. */
static uint32_t
tcp_next_mtu(uint32_t mtu)
{
	static const uint32_t plateau[] = { 17914, 8166, 4352, 2002, 1492, 1006,
		508, 296 };

	for (size_t i = 0; i < nitems(plateau); i++)
		if (plateau[i] < mtu)
			return (plateau[i]);
	return (296);
}

/* All in flight was too large, or behind what was: from the start. */
static void
tcp_mtudisc(struct tcpcb *tp, uint32_t maxseg)
{
	if (maxseg >= tp->t_maxseg)
		return;
	tp->t_maxseg = (uint16_t)maxseg;
	tp->t_flags2 |= TF2_PMTU_REDUCED;
	tcp_stats_rw(tp)->mturesent++;
	TRACE(tcp_tracer(tp), tcp_mtu, TU(tp->t_conn), TU(maxseg),
	    TS("ICMP: the path takes less"));
	tp->t_rtttime = 0;
	tp->snd_nxt = tp->snd_una;
	tcp_free_sackholes(tp);
	/* With SACK what is lost from here on is a recovery of its own. */
	tp->snd_recover =
	    (tp->t_flags & TF_SACK_PERMIT) != 0 ? tp->snd_una : tp->snd_max;
	tp->t_flags &= ~(TF_FASTRECOVERY | TF_CONGRECOVERY);
	tp->t_why = "path MTU";
	(void)tcp_output(tp);
}

static void
tcp_toobig(struct tcpcb *tp, uint32_t mtu, uint32_t pktlen)
{
	struct inpcb *inp = tp->t_inpcb;
	uint32_t hdr =
	    (uint32_t)(inp->inp_family == KAF_INET6 ? sizeof(struct kip6)
						    : sizeof(struct kip)) +
	    (uint32_t)sizeof(struct ktcphdr);

	if (tcp_tune(tp)->path_mtu_discovery == 0)
		return;
	if (mtu == 0)
		mtu = tcp_next_mtu(pktlen);
	if (inp->inp_family == KAF_INET6)
		mtu = MAX(mtu, 1280); /* RFC 8201 */
	if (mtu < tcp_tune(tp)->minmss + hdr) {
		tcp_stats_rw(tp)->minmssdrops++;
		mtu = (uint32_t)tcp_tune(tp)->minmss + hdr;
	}
	tcp_hc_updatemtu(inp->inp_vnet, inp->inp_family,
	    &inp->inp_faddr.sa_addr, mtu);
	tcp_mtudisc(tp, mtu - hdr);
}

static void
tcp_notify(struct tcpcb *tp, int error)
{
	if (tp->t_state == TCPS_SYN_SENT && error == ECONNREFUSED &&
	    tcp_tune(tp)->icmp_may_rst != 0) {
		tcp_drop(tp, error, "ICMP: unreachable");
		return;
	}
	/* Routes come back; a connection that stands waits for that. */
	if (tp->t_state == TCPS_ESTABLISHED &&
	    (error == EHOSTUNREACH || error == ENETUNREACH))
		return;
	if (!TCPS_HAVEESTABLISHED(tp->t_state) && tp->t_rxtshift > 3 &&
	    tp->t_softerror != 0) {
		tcp_drop(tp, error, "ICMP: unreachable, again and again");
		return;
	}
	tp->t_softerror = error;
}

/* The quoted packet's ends: it was ours. */
static void
ctl_addrs(int family, const uint8_t *ip, const uint8_t *th,
    struct ksockaddr *laddr, struct ksockaddr *faddr)
{
	size_t alen = inet_is6(family) ? 16 : 4,
	       off = inet_is6(family) ? 8 : 12;

	memset(laddr, 0, sizeof(*laddr));
	memset(faddr, 0, sizeof(*faddr));
	laddr->sa_family = faddr->sa_family = (uint8_t)family;
	memcpy(laddr->sa_addr.a, ip + off, alen);
	memcpy(faddr->sa_addr.a, ip + off + alen, alen);
	laddr->sa_port = be16dec(th);
	faddr->sa_port = be16dec(th + 2);
}

void
tcp_ctlinput(struct vnet *vnet, int family, int error, uint32_t mtu,
    const uint8_t *ip, uint32_t len)
{
	uint32_t hlen = inet_is6(family) ? (uint32_t)sizeof(struct kip6)
					 : (uint32_t)(ip[0] & 0x0f) << 2;
	struct ksockaddr laddr, faddr;
	struct inpcb *inp;
	struct tcpcb *tp;
	uint32_t seq;

	if (len < hlen + ICMP_QUOTED ||
	    ip[inet_is6(family) ? 6 : 9] != KIPPROTO_TCP)
		return;
	ctl_addrs(family, ip, ip + hlen, &laddr, &faddr);
	inp = in_pcblookup(vnet, &laddr, &faddr);
	if (inp == NULL || inp->inp_faddr.sa_port == 0)
		return;
	tp = intotcpcb(inp);
	if ((tp->t_flags & TF_TOE) != 0)
		return; /* the card heard it too */
	seq = be32dec(ip + hlen + 4);
	if (SEQ_LT(seq, tp->snd_una) || SEQ_GEQ(seq, tp->snd_max))
		return;
	TRACE(&vnet->v_tracer, tcp_icmp, TU(tp->t_conn), TI(error),
	    TS(error == EMSGSIZE ? "too big" : "unreachable"));
	in_pcbref(inp);
	if (error == EMSGSIZE)
		tcp_toobig(tp, mtu,
		    inet_is6(family) ? be16dec(ip + 4) + hlen
				     : be16dec(ip + 2));
	else
		tcp_notify(tp, error);
	(void)in_pcbrele(inp);
}
