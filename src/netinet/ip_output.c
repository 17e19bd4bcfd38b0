/*
 * IP output: route, size, checksums, and the check that keeps the plaintext
 * of TLS records off the wire.
 *
 * An mbuf that carries a session is plaintext. It may leave only through the
 * interface its session has a send tag of, and only with that tag on the
 * packet: the card encrypts what carries a tag. A packet that fails the check
 * is freed and answered with EAGAIN, which makes the session take a new tag.
 * The check looks at the first payload mbuf alone; tcp_m_copym sees to it
 * that a packet never mixes sessions.
 *
 * Source: ip_output.c, ip6_output.c: ip_output_send and the lines before it.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/tcp.h>

#include "inet_private.h"

CTASSERT(sizeof(struct kip) == 20);
CTASSERT(sizeof(struct kip6) == 40);

int
ip_drop_packet(struct vnet *vnet, struct mbuf *m, int error, const char *why)
{
	TRACE(&vnet->v_tracer, ip_drop, TU(m->m_pkthdr.note.pn_conn),
	    TU(m->m_pkthdr.len), TI(error), TS(why),
	    TU(m->m_pkthdr.note.pn_frame));
	/* Planted: M05, the packet keeps its session and tag for ever. */
	if (error != EAGAIN || !V_DEFECT(vnet, NET_EAGAIN_LEAK))
		m_freem(m);
	return (error);
}

static struct ktls_session *
ip_session(const struct mbuf *m)
{
	const struct mbuf *n = m->m_next;

	return (n != NULL && (n->m_flags & M_EXTPG) != 0 ? n->m_epg.tls : NULL);
}

/* Planted: bytes of no session, of a connection that has one by now. */
static struct ktls_session *
ip_session_of_clear(const struct inpcb *inp, const struct mbuf *m)
{
	struct ktls_session *tls;

	if (inp == NULL || inp->inp_socket == NULL || m->m_next == NULL)
		return (NULL);
	tls = inp->inp_socket->so_snd.sb_tls_info;
	return (tls != NULL && tls->snd_tag != NULL ? tls : NULL);
}

/* What tcp_m_copym promises: one packet, one session. */
static void
ip_assert_one_session(const struct mbuf *m)
{
	const struct ktls_session *tls = ip_session(m);
	const struct mbuf *n;

	for (n = m->m_next; n != NULL; n = n->m_next)
		KASSERT(((n->m_flags & M_EXTPG) != 0 ? n->m_epg.tls : NULL) ==
			tls,
		    ("packet of connection %u mixes sessions",
			m->m_pkthdr.note.pn_conn));
}

/* 0: the packet has its tag. EAGAIN: it must not go (it was freed). */
static int
ip_stamp_tag(struct vnet *vnet, struct ifnet *ifp, struct mbuf *m,
    struct ktls_session *tls, struct ip_stats *st)
{
	/* Planted: nobody compares, and nothing tells the card to encrypt. */
	if (V_DEFECT(vnet, NET_NO_TAG_CHECK))
		return (0);
	if (tls->snd_tag == NULL || tls->snd_tag->ifp != ifp) {
		st->tls_eagain++;
		return (ip_drop_packet(vnet, m, EAGAIN,
		    tls->snd_tag == NULL ? "the session has no send tag"
					 : "send tag is of another interface"));
	}
	m->m_pkthdr.snd_tag = m_snd_tag_ref(tls->snd_tag);
	m->m_pkthdr.csum_flags |= CSUM_SND_TAG;
	return (0);
}

static int
ip_output_send(struct vnet *vnet, struct inpcb *inp, struct ifnet *ifp,
    struct mbuf *m, const struct ksockaddr *gw, struct ip_stats *st)
{
	struct ktls_session *tls;
	int error = 0;

	ip_assert_one_session(m);
	KASSERT((m->m_pkthdr.csum_flags & CSUM_SND_TAG) == 0,
	    ("ip_output_send: packet has a tag already"));
	tls = ktls_hold(ip_session(m));
	if (tls == NULL && V_DEFECT(vnet, NIC_CLEAR_RESYNC))
		tls = ktls_hold(ip_session_of_clear(inp, m));
	if (tls != NULL) {
		KASSERT(inp != NULL, ("plaintext without a connection"));
		error = ip_stamp_tag(vnet, ifp, m, tls, st);
	} else if (inp != NULL)
		in_pcboutput_txrtlmt(inp, ifp, m);
	if (error == 0)
		error = ifp->if_output(ifp, m, gw);
	if (error == 0)
		st->total_out++;
	if (tls != NULL) {
		if (error == EAGAIN)
			error = ktls_output_eagain(inp, tls);
		ktls_free(tls);
	} else if (error == EAGAIN && inp != NULL)
		error = in_pcboutput_eagain(inp);
	return (error);
}

/*
 * The packet is for an interface that cannot take unmapped mbufs. Plaintext
 * is refused like a wrong tag, so that the session looks for a new one (and,
 * finding none here, ends the connection). The rest is copied.
 */
static int
ip_refuse_plaintext(struct vnet *vnet, struct inpcb *inp, struct mbuf *m,
    struct ktls_session *tls, struct ip_stats *st)
{
	int error;

	ktls_hold(tls);
	ktls_stats(vnet)->plaintext_refused++;
	st->tls_refused++;
	(void)ip_drop_packet(vnet, m, EAGAIN,
	    "plaintext for an interface without M_EXTPG");
	error = ktls_output_eagain(inp, tls);
	ktls_free(tls);
	return (error);
}

static bool
ip_has_extpg(const struct mbuf *m)
{
	for (m = m->m_next; m != NULL; m = m->m_next)
		if ((m->m_flags & M_EXTPG) != 0)
			return (true);
	return (false);
}

/* Replace what follows the header mbuf by plain clusters. ENOBUFS: m freed. */
static int
ip_unmap(struct vnet *vnet, struct mbuf *m)
{
	struct mbuf *old = m->m_next, **tail, *n;
	int off = 0, left = (int)m_length(old, NULL), take;

	tail = &m->m_next;
	*tail = NULL;
	while (left > 0) {
		take = MIN(left, MJUMPAGESIZE);
		n = m_getjcl(vnet->v_mb, M_NOWAIT, MT_DATA, 0,
		    take <= MCLBYTES ? MCLBYTES : MJUMPAGESIZE);
		if (n == NULL) {
			m_freem(old);
			return (ip_drop_packet(vnet, m, ENOBUFS,
			    "no memory to copy unmapped mbufs"));
		}
		m_copydata(old, off, take, n->m_data);
		n->m_len = take;
		*tail = n;
		tail = &n->m_next;
		off += take;
		left -= take;
	}
	m_freem(old);
	return (0);
}

uint16_t
ip_tcp_sum(const struct mbuf *m, int family, uint32_t iphlen, uint32_t len)
{
	const uint8_t *ip = m->m_data;
	int alen = inet_is6(family) ? 16 : 4;
	int off = inet_is6(family) ? 8 : 12;

	return (in_sum_add(in_sum_pseudo(ip + off, ip + off + alen, alen,
			       KIPPROTO_TCP, len),
	    in_sum_mbuf(m, iphlen, len), 0));
}

/*
 * Transport checksum in software where the card does not do it. TCP left the
 * pseudo header's sum in the field, as cards want it. A packet of a session
 * always goes to a card that computes: its bytes will be other ones.
 */
static void
ip_software_sum(struct ifnet *ifp, struct mbuf *m, uint32_t iphlen)
{
	uint32_t want = m->m_pkthdr.csum_flags & CSUM_TCP_ANY;
	struct ktcphdr *th;
	uint16_t sum;

	if (want == 0 || (ifp->if_hwassist & want) == want ||
	    ip_session(m) != NULL)
		return;
	th = (struct ktcphdr *)(void *)(m->m_data + iphlen);
	sum = in_sum_mbuf(m, iphlen, (uint32_t)m->m_pkthdr.len - iphlen);
	be16enc(th->th_sum, (uint16_t)~sum);
	m->m_pkthdr.csum_flags &= ~want;
}

static void
ip_finish_v4(struct ifnet *ifp, struct inpcb *inp, struct mbuf *m)
{
	struct kip *ip = (struct kip *)(void *)m->m_data;

	be16enc(ip->ip_len, (uint16_t)m->m_pkthdr.len);
	be16enc(ip->ip_id, inp != NULL ? inp->inp_ip_id++ : 0);
	be16enc(ip->ip_sum, 0);
	if ((ifp->if_hwassist & CSUM_IP) != 0)
		m->m_pkthdr.csum_flags |= CSUM_IP;
	else
		be16enc(ip->ip_sum, (uint16_t)~in_sum(ip, sizeof(*ip)));
}

static void
ip_finish_v6(struct mbuf *m)
{
	struct kip6 *ip6 = (struct kip6 *)(void *)m->m_data;

	be16enc(ip6->ip6_plen, (uint16_t)(m->m_pkthdr.len - (int)sizeof(*ip6)));
}

/* May the packet leave in this size? TSO that the card lost is EMSGSIZE. */
static bool
ip_fits(const struct ifnet *ifp, const struct nhop *nh, const struct mbuf *m)
{
	uint32_t tso = m->m_pkthdr.csum_flags & CSUM_TSO;

	if (tso != 0)
		return ((ifp->if_hwassist & tso) == tso);
	return ((uint32_t)m->m_pkthdr.len <= nh->nh_mtu);
}

static int
ip_output_common(struct vnet *vnet, struct mbuf *m, struct inpcb *inp,
    int family, const struct in_any *dst)
{
	struct ip_stats *st = ip_stats_rw(vnet, family);
	struct nhop local, *nh = &local;
	struct ktls_session *tls;
	int error;

	error = inp != NULL ? in_pcbroute(inp, &nh)
			    : route_lookup(vnet, family, dst, &local);
	if (error != 0) {
		st->no_route++;
		return (ip_drop_packet(vnet, m, error, "no route to host"));
	}
	if (!ip_fits(nh->nh_ifp, nh, m)) {
		st->too_big++;
		return (ip_drop_packet(vnet, m, EMSGSIZE,
		    "larger than the interface takes"));
	}
	tls = ip_session(m);
	if ((nh->nh_ifp->if_capenable & IFCAP_MEXTPG) == 0 && ip_has_extpg(m)) {
		/* Planted: the assertion that would see it is compiled out. */
		if (tls != NULL && !V_DEFECT(vnet, NET_PLAIN_CONVERTED))
			return (ip_refuse_plaintext(vnet, inp, m, tls, st));
		if ((error = ip_unmap(vnet, m)) != 0)
			return (error);
		st->unmapped++;
	}
	if (inet_is6(family))
		ip_finish_v6(m);
	else
		ip_finish_v4(nh->nh_ifp, inp, m);
	ip_software_sum(nh->nh_ifp, m,
	    inet_is6(family) ? sizeof(struct kip6) : sizeof(struct kip));
	return (ip_output_send(vnet, inp, nh->nh_ifp, m, &nh->nh_gw, st));
}

int
ip_output(struct vnet *vnet, struct mbuf *m, struct inpcb *inp)
{
	const struct kip *ip = (const struct kip *)(void *)m->m_data;
	struct in_any dst = { { 0 } };

	KASSERT(m->m_len >= (int)sizeof(*ip), ("ip_output: no header"));
	memcpy(dst.a, ip->ip_dst, 4);
	return (ip_output_common(vnet, m, inp, KAF_INET, &dst));
}

int
ip6_output(struct vnet *vnet, struct mbuf *m, struct inpcb *inp)
{
	const struct kip6 *ip6 = (const struct kip6 *)(void *)m->m_data;
	struct in_any dst;

	KASSERT(m->m_len >= (int)sizeof(*ip6), ("ip6_output: no header"));
	memcpy(dst.a, ip6->ip6_dst, 16);
	return (ip_output_common(vnet, m, inp, KAF_INET6, &dst));
}
