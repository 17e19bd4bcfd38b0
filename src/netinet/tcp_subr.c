/*
 * The life of TCP control blocks: how a connection begins, changes state, is
 * dropped and ends; and packets that belong to no connection.
 *
 * A control block lives as long as its inpcb. tcp_close makes it INP_DROPPED:
 * no timer, no hash entry, nothing to send; the socket may still be read.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/hash.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/in_cksum.h>
#include <ktsim/netinet/ip.h>
#include <ktsim/netinet/tcp_offload.h>

#include "tcp_private.h"

#define ISN_BYTES_PER_SECOND 1048576
#define ISN_STATIC_INCREMENT 4096
#define ISN_RANDOM_INCREMENT 4096

/* Enough for data behind 40 bytes of options, as tcp_mss_update has it. */
#define TCP_MINSEG 64

#define TCP_TTL	   64

static const char *const tcp_state_names[] = {
	[TCPS_CLOSED] = "CLOSED",
	[TCPS_LISTEN] = "LISTEN",
	[TCPS_SYN_SENT] = "SYN_SENT",
	[TCPS_SYN_RECEIVED] = "SYN_RECEIVED",
	[TCPS_ESTABLISHED] = "ESTABLISHED",
	[TCPS_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCPS_FIN_WAIT_1] = "FIN_WAIT_1",
	[TCPS_CLOSING] = "CLOSING",
	[TCPS_LAST_ACK] = "LAST_ACK",
	[TCPS_FIN_WAIT_2] = "FIN_WAIT_2",
	[TCPS_TIME_WAIT] = "TIME_WAIT",
};

const char *
tcp_state_name(enum tcp_state s)
{
	return (tcp_state_names[s]);
}

void
tcp_state_change(struct tcpcb *tp, enum tcp_state to)
{
	if (tp->t_state == to)
		return;
	TRACE(tcp_tracer(tp), tcp_state, TU(tp->t_conn),
	    TS(tcp_state_name(tp->t_state)), TS(tcp_state_name(to)));
	tp->t_state = to;
}

void
tcp_set_iss(struct vnet *vnet, uint32_t iss)
{
	vnet->v_inet->is_iss_given = true;
	vnet->v_inet->is_iss_first = iss;
}

void
tcp_set_coarse_ts(struct vnet *vnet)
{
	vnet->v_inet->is_ts_coarse = true;
}

struct tcpcb *
tcp_newtcpcb(struct inpcb *inp)
{
	struct inet_state *is = inp->inp_vnet->v_inet;
	struct tcp_tunables *tt = &is->is_tune;
	struct tcpcb *tp;

	tp = kzone_alloc(&is->is_tcpcbs, M_NOWAIT | M_ZERO);
	if (tp == NULL)
		return (NULL);
	inp->inp_ppcb = tp;
	tp->t_inpcb = inp;
	tp->t_state = TCPS_CLOSED;
	tp->t_conn = ++is->is_conns;
	tp->t_maxseg = (uint16_t)(inp->inp_family == KAF_INET6 ? tt->v6mssdflt
							       : tt->mssdflt);
	if (tt->rfc1323 != 0)
		tp->t_flags |= TF_REQ_SCALE | TF_REQ_TSTMP;
	if (tt->sack != 0)
		tp->t_flags |= TF_SACK_PERMIT;
	tp->ts_offset = (uint32_t)prng_u64(&is->is_ts);
	if (is->is_ts_coarse)
		tp->ts_offset &= 0xf0000000;
	tp->t_rttvar = tt->rexmit_initial * SIM_MS / 4;
	tp->t_rxtcur = tt->rexmit_initial * SIM_MS;
	tp->snd_cwnd = tp->snd_ssthresh = (uint32_t)TCP_MAXWIN
	    << TCP_MAX_WINSHIFT;
	TAILQ_INIT(&tp->snd_holes);
	cc_choose(tp, cc_algos[tt->cc_algorithm]);
	tcp_timer_init(tp);
	return (tp);
}

/* The scale with which the largest buffer can be told. */
static uint8_t
tcp_request_scale(const struct tcpcb *tp)
{
	uint64_t max = MAX(tcp_tune(tp)->recvbuf_max, SB_MAX);
	uint8_t scale = 0;

	while (
	    scale < TCP_MAX_WINSHIFT && ((uint64_t)TCP_MAXWIN << scale) < max)
		scale++;
	return (scale);
}

/*
 * RFC 6528: a secret function of the addresses and ports, and a clock, so that
 * a connection that follows another one of the same four begins above it: an
 * end that still waits for old segments takes it for a new one.
 * Source: tcp_new_isn.
 */
static uint32_t
tcp_new_isn(const struct inpcb *inp)
{
	struct inet_state *is = inp->inp_vnet->v_inet;
	struct {
		struct in_any laddr, faddr;
		uint16_t lport, fport;
	} key;

	if (is->is_iss_given)
		return (is->is_iss_first);
	memset(&key, 0, sizeof(key));
	key.laddr = inp->inp_laddr.sa_addr;
	key.faddr = inp->inp_faddr.sa_addr;
	key.lport = inp->inp_laddr.sa_port;
	key.fport = inp->inp_faddr.sa_port;
	is->is_isn_offset += ISN_STATIC_INCREMENT +
	    (uint32_t)prng_below(&is->is_iss, ISN_RANDOM_INCREMENT);
	return ((uint32_t)hash64(&key, sizeof(key), is->is_isn_secret) +
	    is->is_isn_offset +
	    (uint32_t)((uint64_t)timebase_now(inp->inp_vnet->v_tb) /
		(SIM_SEC / ISN_BYTES_PER_SECOND)));
}

void
tcp_connecting(struct tcpcb *tp, enum tcp_state state)
{
	tp->iss = tcp_new_isn(tp->t_inpcb);
	tp->snd_una = tp->snd_nxt = tp->snd_max = tp->snd_fack = tp->iss;
	tp->snd_out = tp->iss;
	tp->snd_recover = tp->iss;
	tp->request_r_scale = tcp_request_scale(tp);
	tp->t_rcvtime = tcp_now(tp);
	tcp_state_change(tp, state);
	callout_reset(&tp->t_keep, tcp_tune(tp)->keepinit * SIM_MS);
}

uint32_t
tcp_maxseg_route(struct tcpcb *tp)
{
	uint32_t hdr = sizeof(struct ktcphdr) +
	    (tp->t_inpcb->inp_family == KAF_INET6 ? sizeof(struct kip6)
						  : sizeof(struct kip));
	struct nhop *nh;
	uint32_t mtu;

	if (in_pcbroute(tp->t_inpcb, &nh) != 0)
		return (tp->t_maxseg);
	mtu = tcp_hc_getmtu(tp->t_inpcb->inp_vnet, tp->t_inpcb->inp_family,
	    &tp->t_inpcb->inp_faddr.sa_addr);
	mtu = mtu != 0 ? MIN(mtu, nh->nh_mtu) : nh->nh_mtu;
	/* ifconfig lets an interface have less than TCP's least segment needs:
	 * what is then cut does not fit, and IP says so (EMSGSIZE). */
	if (mtu < hdr + TCP_MINSEG)
		return (TCP_MINSEG);
	return (MIN(mtu - hdr, 65535 - hdr));
}

void
tcp_update_tso(struct tcpcb *tp)
{
	uint32_t want =
	    tp->t_inpcb->inp_family == KAF_INET6 ? CSUM_IP6_TSO : CSUM_IP_TSO;
	struct nhop *nh;

	tp->t_tso = false;
	if (tcp_tune(tp)->tso == 0 || in_pcbroute(tp->t_inpcb, &nh) != 0 ||
	    (nh->nh_ifp->if_hwassist & want) == 0)
		return;
	tp->t_tso = true;
	tp->t_tsomax = nh->nh_ifp->if_hw_tsomax;
	tp->t_tsomaxsegcount = nh->nh_ifp->if_hw_tsomaxsegcount;
	tp->t_tsomaxsegsize = nh->nh_ifp->if_hw_tsomaxsegsize;
}

void
tcp_mss(struct tcpcb *tp, uint32_t offer)
{
	struct tcp_tunables *tt = tcp_tune(tp);

	if (offer == 0)
		offer = (uint32_t)(tp->t_inpcb->inp_family == KAF_INET6
			? tt->v6mssdflt
			: tt->mssdflt);
	offer = MAX(offer, TCP_MINSEG);
	tp->t_maxseg = (uint16_t)MIN(offer, tcp_maxseg_route(tp));
	tcp_update_tso(tp);
}

/* The handshake is done (or, with FIN wanted already, the closing begins). */
void
tcp_established(struct tcpcb *tp)
{
	struct socket *so = tp->t_inpcb->inp_socket;

	tcp_stats_rw(tp)->connects++;
	tp->t_starttime = tcp_now(tp);
	if ((tp->t_flags & TF_TOE) == 0)
		tcp_keep_start(tp);
	if ((tp->t_flags & TF_NEEDFIN) != 0) {
		tp->t_flags &= ~TF_NEEDFIN;
		tcp_state_change(tp, TCPS_FIN_WAIT_1);
	} else
		tcp_state_change(tp, TCPS_ESTABLISHED);
	cc_conn_init(tp);
	soisconnected(so);
}

void
tcp_usrclosed(struct tcpcb *tp)
{
	switch (tp->t_state) {
	case TCPS_CLOSED:
	case TCPS_LISTEN:
		tcp_close(tp);
		return;
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECEIVED:
		tp->t_flags |= TF_NEEDFIN;
		return;
	case TCPS_ESTABLISHED:
		tcp_state_change(tp, TCPS_FIN_WAIT_1);
		return;
	case TCPS_CLOSE_WAIT:
		tcp_state_change(tp, TCPS_LAST_ACK);
		return;
	case TCPS_FIN_WAIT_2:
		/* Nobody will read what may still come: do not wait long. */
		if ((tp->t_flags & TF_CLOSED) != 0)
			callout_reset(&tp->t_2msl,
			    tcp_tune(tp)->finwait2_timeout * SIM_MS);
		return;
	default:
		return;
	}
}

void
tcp_twstart(struct tcpcb *tp)
{
	tcp_timer_stop(tp);
	tcp_reass_flush(tp);
	tcp_free_sackholes(tp);
	tcp_state_change(tp, TCPS_TIME_WAIT);
	callout_reset(&tp->t_2msl, 2 * tcp_tune(tp)->msl * SIM_MS);
	ktls_tx_done(tp->t_inpcb->inp_socket);
	soisdisconnected(tp->t_inpcb->inp_socket);
}

void
tcp_close(struct tcpcb *tp)
{
	struct inpcb *inp = tp->t_inpcb;
	struct socket *so = inp->inp_socket;

	if ((inp->inp_flags & INP_DROPPED) != 0)
		return;
	if (tp->t_state == TCPS_LISTEN)
		tcp_offload_listen_stop(tp);
	if ((tp->t_flags & TF_TOE) != 0)
		tcp_offload_detach(tp);
	tcp_timer_stop(tp);
	tcp_reass_flush(tp);
	tcp_free_sackholes(tp);
	tcp_state_change(tp, TCPS_CLOSED);
	tcp_stats_rw(tp)->closed++;
	in_pcbdrop(inp);
	if (so == NULL)
		return;
	soisdisconnected(so);
	if ((inp->inp_flags & INP_SOCKREF) != 0) {
		inp->inp_flags &= ~INP_SOCKREF;
		sorele(so); /* inp may go with it */
	}
}

void
tcp_drop(struct tcpcb *tp, int error, const char *why)
{
	struct inpcb *inp = tp->t_inpcb;
	struct socket *so = inp->inp_socket;

	KASSERT((inp->inp_flags & INP_DROPPED) == 0,
	    ("tcp_drop of conn %u: "
	     "dropped already",
		tp->t_conn));
	if (error == ETIMEDOUT && tp->t_softerror != 0)
		error = tp->t_softerror;
	TRACE(tcp_tracer(tp), tcp_drop, TU(tp->t_conn), TI(error), TS(why));
	tp->t_softreason = why;
	tcp_stats_rw(tp)->drops++;
	if ((tp->t_flags & TF_TOE) != 0)
		tcp_offload_rst(tp);
	else if (TCPS_HAVERCVDSYN(tp->t_state) && tp->t_state != TCPS_TIME_WAIT)
		tcp_respond(inp->inp_vnet, &inp->inp_laddr, &inp->inp_faddr,
		    tp->snd_max, tp->rcv_nxt, KTH_RST | KTH_ACK, tp->t_conn);
	if (so != NULL)
		soerror_set(so, error);
	tcp_close(tp);
}

uint32_t
tcp_fill_iphdr(uint8_t *p, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr, uint32_t tcplen)
{
	struct kip6 *ip6 = (struct kip6 *)(void *)p;
	struct kip *ip = (struct kip *)(void *)p;

	if (laddr->sa_family == KAF_INET6) {
		memset(ip6, 0, sizeof(*ip6));
		ip6->ip6_flow[0] = 0x60;
		be16enc(ip6->ip6_plen, (uint16_t)tcplen);
		ip6->ip6_nxt = KIPPROTO_TCP;
		ip6->ip6_hlim = TCP_TTL;
		memcpy(ip6->ip6_src, laddr->sa_addr.a, 16);
		memcpy(ip6->ip6_dst, faddr->sa_addr.a, 16);
		return (sizeof(*ip6));
	}
	memset(ip, 0, sizeof(*ip));
	ip->ip_vhl = 0x45;
	be16enc(ip->ip_off, KIP_DF);
	ip->ip_ttl = TCP_TTL;
	ip->ip_p = KIPPROTO_TCP;
	memcpy(ip->ip_src, laddr->sa_addr.a, 4);
	memcpy(ip->ip_dst, faddr->sa_addr.a, 4);
	return (sizeof(*ip));
}

/* A header of optlen bytes of options behind it, ready to be sent. */
static void
tcp_respond_send(struct vnet *vnet, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr, const struct ktcphdr *proto,
    const uint8_t *opt, uint32_t optlen, uint32_t conn)
{
	bool v6 = laddr->sa_family == KAF_INET6;
	uint32_t iphlen, thlen = sizeof(*proto) + optlen;
	struct ktcphdr *th;
	struct mbuf *m;

	m = m_gethdr(vnet->v_mb, M_NOWAIT, MT_DATA);
	if (m == NULL)
		return;
	m->m_data += 16; /* the link header's place */
	iphlen = tcp_fill_iphdr(m->m_data, laddr, faddr, thlen);
	m->m_len = m->m_pkthdr.len = (int32_t)(iphlen + thlen);
	th = (struct ktcphdr *)(void *)(m->m_data + iphlen);
	*th = *proto;
	if (optlen > 0)
		memcpy(th + 1, opt, optlen);
	be16enc(th->th_sport, laddr->sa_port);
	be16enc(th->th_dport, faddr->sa_port);
	th->th_off = (uint8_t)((thlen >> 2) << 4);
	be16enc(th->th_sum,
	    in_sum_pseudo(laddr->sa_addr.a, faddr->sa_addr.a, v6 ? 16 : 4,
		KIPPROTO_TCP, thlen));
	m->m_pkthdr.csum_flags = v6 ? CSUM_IP6_TCP : CSUM_IP_TCP;
	m->m_pkthdr.l3hlen = (uint8_t)iphlen;
	m->m_pkthdr.l4hlen = (uint8_t)thlen;
	m->m_pkthdr.note.pn_conn = conn;
	m->m_pkthdr.note.pn_snd_max = be32dec(proto->th_seq);
	m->m_pkthdr.note.pn_tcp = true;
	vnet->v_inet->is_tcp.sndtotal++;
	if ((proto->th_flags & KTH_RST) != 0)
		vnet->v_inet->is_tcp.sndrst++;
	(void)(v6 ? ip6_output(vnet, m, NULL) : ip_output(vnet, m, NULL));
}

void
tcp_respond(struct vnet *vnet, const struct ksockaddr *laddr,
    const struct ksockaddr *faddr, uint32_t seq, uint32_t ack, uint8_t flags,
    uint32_t conn)
{
	struct ktcphdr th;

	memset(&th, 0, sizeof(th));
	be32enc(th.th_seq, seq);
	be32enc(th.th_ack, ack);
	th.th_flags = flags;
	tcp_respond_send(vnet, laddr, faddr, &th, NULL, 0, conn);
}

void
tcp_respond_probe(struct tcpcb *tp, uint32_t seq)
{
	struct inpcb *inp = tp->t_inpcb;
	struct tcp_xmit tx = { .tx_tp = tp };
	uint32_t win =
	    SEQ_GT(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;
	struct ktcphdr th;

	memset(&th, 0, sizeof(th));
	be32enc(th.th_seq, seq);
	be32enc(th.th_ack, tp->rcv_nxt);
	be16enc(th.th_win, (uint16_t)MIN(win >> tp->rcv_scale, TCP_MAXWIN));
	th.th_flags = KTH_ACK;
	tcp_add_options(&tx);
	tcp_respond_send(inp->inp_vnet, &inp->inp_laddr, &inp->inp_faddr, &th,
	    tx.tx_opt, tx.tx_optlen, tp->t_conn);
}

void
tcp_respond_rst(const struct tcp_seg *ts, uint32_t conn)
{
	uint32_t ack;

	if ((ts->ts_flags & KTH_RST) != 0)
		return;
	if ((ts->ts_flags & KTH_ACK) != 0) {
		tcp_respond(ts->ts_vnet, &ts->ts_laddr, &ts->ts_faddr,
		    ts->ts_ack, 0, KTH_RST, conn);
		return;
	}
	ack = ts->ts_seq + ts->ts_len + ((ts->ts_flags & KTH_SYN) != 0) +
	    ((ts->ts_flags & KTH_FIN) != 0);
	tcp_respond(ts->ts_vnet, &ts->ts_laddr, &ts->ts_faddr, 0, ack,
	    KTH_RST | KTH_ACK, conn);
}
