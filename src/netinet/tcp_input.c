/*
 * TCP input: from an IP packet to a parsed segment, to its connection, and
 * what becomes of it.
 *
 * A segment goes through stages (tcp_established.c, tcp_ack.c, tcp_listen.c),
 * each of which answers with a verdict; who answers anything but "go on" has
 * said in ts_why what the trace shall tell.
 */
#include <errno.h>
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>
#include <ktsim/netinet/ip.h>

#include "tcp_private.h"

CTASSERT(sizeof(struct ktcphdr) == 20);

void
tcp_trace_discard(struct tcpcb *tp, const struct tcp_seg *ts)
{
	TRACE(&ts->ts_vnet->v_tracer, tcp_discard,
	    TU(tp != NULL ? tp->t_conn : 0), TU(ts->ts_seq), TU(ts->ts_len),
	    TS(ts->ts_why != NULL ? ts->ts_why : "not wanted"));
}

static void
tcp_seg_addrs(struct tcp_seg *ts, const uint8_t *ip, const struct ktcphdr *th,
    int family)
{
	bool v6 = inet_is6(family);
	size_t alen = v6 ? 16 : 4, off = v6 ? 8 : 12;

	ts->ts_faddr.sa_family = ts->ts_laddr.sa_family = (uint8_t)family;
	memcpy(ts->ts_faddr.sa_addr.a, ip + off, alen);
	memcpy(ts->ts_laddr.sa_addr.a, ip + off + alen, alen);
	ts->ts_faddr.sa_port = be16dec(th->th_sport);
	ts->ts_laddr.sa_port = be16dec(th->th_dport);
}

static uint8_t
tcp_seg_tos(const uint8_t *ip, int family)
{
	if (inet_is6(family))
		return ((uint8_t)(ip[0] << 4 | ip[1] >> 4));
	return (ip[1]);
}

static bool
tcp_sum_ok(const struct mbuf *m, int family, uint32_t iphlen)
{
	if ((m->m_pkthdr.csum_flags & CSUM_L4_CALC) != 0)
		return ((m->m_pkthdr.csum_flags & CSUM_L4_VALID) != 0);
	return (ip_tcp_sum(m, family, iphlen,
		    (uint32_t)m->m_pkthdr.len - iphlen) == 0xffff);
}

/* Counts, traces and frees what is not a segment. */
static bool
tcp_bad(struct vnet *vnet, struct mbuf *m, uint64_t *counter, const char *why)
{
	struct tcp_seg ts = { .ts_vnet = vnet, .ts_why = why };

	(*counter)++;
	tcp_trace_discard(NULL, &ts);
	m_freem(m);
	return (false);
}

/* On success the headers are gone from ts_m. Otherwise m is freed. */
static bool
tcp_seg_parse(struct tcp_seg *ts, struct vnet *vnet, struct mbuf *m,
    uint32_t iphlen, int family)
{
	struct tcp_stats *st = &vnet->v_inet->is_tcp;
	const struct ktcphdr *th;
	uint32_t len = (uint32_t)m->m_pkthdr.len - iphlen, hlen;

	memset(ts, 0, sizeof(*ts));
	ts->ts_vnet = vnet;
	if (len < sizeof(*th))
		return (tcp_bad(vnet, m, &st->rcvshort, "too short"));
	if (!tcp_sum_ok(m, family, iphlen))
		return (tcp_bad(vnet, m, &st->rcvbadsum, "bad checksum"));
	if ((m = m_pullup(m, (int)(iphlen + sizeof(*th)))) == NULL)
		return (false);
	th = (const struct ktcphdr *)(void *)(m->m_data + iphlen);
	hlen = (uint32_t)(th->th_off >> 4) << 2;
	if (hlen < sizeof(*th) || hlen > len)
		return (tcp_bad(vnet, m, &st->rcvbadoff, "bad data offset"));
	if ((m = m_pullup(m, (int)(iphlen + hlen))) == NULL)
		return (false);
	th = (const struct ktcphdr *)(void *)(m->m_data + iphlen);
	tcp_seg_addrs(ts, m->m_data, th, family);
	ts->ts_seq = be32dec(th->th_seq);
	ts->ts_ack = be32dec(th->th_ack);
	ts->ts_win = be16dec(th->th_win);
	ts->ts_flags = th->th_flags;
	ts->ts_tos = tcp_seg_tos(m->m_data, family);
	ts->ts_len = len - hlen;
	tcp_parse_options(&ts->ts_opt, (const uint8_t *)(th + 1),
	    hlen - (uint32_t)sizeof(*th), (th->th_flags & KTH_SYN) != 0);
	m_adj(m, (int)(iphlen + hlen));
	ts->ts_m = m;
	return (true);
}

/*
 * Stage of SYN_SENT (RFC 9293, 3.10.7.3): a SYN|ACK completes, a SYN alone is
 * the other side opening at the same time.
 */
enum tcp_verdict
tcp_synsent_input(struct tcpcb *tp, struct tcp_seg *ts)
{
	bool ack = (ts->ts_flags & KTH_ACK) != 0;

	if (ack &&
	    (SEQ_LEQ(ts->ts_ack, tp->iss) || SEQ_GT(ts->ts_ack, tp->snd_max))) {
		ts->ts_why = "acknowledges a SYN that was not sent";
		return (TV_RST);
	}
	if ((ts->ts_flags & KTH_RST) != 0) {
		if (ack) {
			tcp_stats_rw(tp)->rcvrst++;
			tcp_drop(tp, ECONNREFUSED, "connection refused");
		}
		ts->ts_why = "reset";
		return (TV_DROP);
	}
	if ((ts->ts_flags & KTH_SYN) == 0) {
		ts->ts_why = "no SYN in SYN_SENT";
		return (TV_DROP);
	}
	tp->irs = ts->ts_seq;
	tp->rcv_nxt = tp->rcv_adv = tp->last_ack_sent = tp->irs + 1;
	tcp_negotiate(tp, ts);
	if (ack)
		tcp_ecn_input_synack(tp, ts);
	else
		tcp_ecn_input_syn(tp, ts);
	tp->rcv_adv += MIN(tp->rcv_wnd, TCP_MAXWIN);
	tp->snd_wnd = tp->max_sndwnd = ts->ts_win; /* never scaled here */
	tp->snd_wl1 = ts->ts_seq;
	tp->snd_wl2 = ts->ts_ack;
	tp->t_flags |= TF_ACKNOW;
	ts->ts_output = true;
	ts->ts_seq++;
	ts->ts_win >>= tp->snd_scale; /* as the later stages expect it */
	ts->ts_flags &= (uint8_t)~KTH_SYN;
	if (!ack) {
		callout_stop(&tp->t_rexmt);
		tp->snd_nxt = tp->snd_una; /* our SYN, now with an ACK */
		tcp_state_change(tp, TCPS_SYN_RECEIVED);
		return (TV_DONE);
	}
	tp->snd_una = ts->ts_ack;
	tp->snd_nxt = SEQ_MAX(tp->snd_nxt, tp->snd_una);
	callout_stop(&tp->t_rexmt);
	tcp_established(tp);
	tp->t_rxtshift = 0;
	if (tp->t_rtttime != 0)
		tcp_xmit_timer(tp, tcp_now(tp) - tp->t_rtttime);
	else
		tcp_set_rxtcur(tp);
	return (TV_GO);
}

static enum tcp_verdict
tcp_stages(struct tcpcb *tp, struct tcp_seg *ts)
{
	enum tcp_verdict v = TV_GO;

	if (tp->t_state == TCPS_SYN_SENT) {
		v = tcp_synsent_input(tp, ts);
		if (v != TV_GO)
			return (v);
		/* Data or FIN with the SYN|ACK goes on below. */
		if (ts->ts_len == 0 && (ts->ts_flags & KTH_FIN) == 0)
			return (TV_DONE);
	}
	return (tcp_segment_input(tp, ts));
}

static void
tcp_do_segment(struct tcpcb *tp, struct tcp_seg *ts)
{
	struct inpcb *inp = tp->t_inpcb;
	enum tcp_verdict v;

	in_pcbref(inp);
	tp->t_stats.rcv_segs++;
	tp->t_rcvtime = tcp_now(tp);
	v = tcp_stages(tp, ts);
	if (v == TV_DROP || v == TV_ACK || v == TV_RST)
		tcp_trace_discard(tp, ts);
	if (v == TV_RST)
		tcp_respond_rst(ts, tp->t_conn);
	if ((inp->inp_flags & INP_DROPPED) == 0 && v != TV_DROP &&
	    v != TV_RST) {
		if (v == TV_ACK)
			tp->t_flags |= TF_ACKNOW;
		if (ts->ts_output || (tp->t_flags & TF_ACKNOW) != 0)
			(void)tcp_output(tp);
	}
	in_pcbrele(inp);
}

/*
 * A SYN for a connection that is only waiting for its old segments to die
 * begins a new one, when its number shows that it is not one of them.
 */
static bool
tcp_twrecycle(struct inpcb *inp, const struct tcp_seg *ts)
{
	struct tcpcb *tp = intotcpcb(inp);

	if (tp->t_state != TCPS_TIME_WAIT ||
	    (ts->ts_flags & (KTH_SYN | KTH_ACK | KTH_RST)) != KTH_SYN ||
	    SEQ_LEQ(ts->ts_seq, tp->rcv_nxt))
		return (false);
	tcp_close(tp);
	return (true);
}

void
tcp_input(struct vnet *vnet, struct mbuf *m, uint32_t iphlen, int family)
{
	struct inpcb *inp;
	struct tcp_seg ts;

	vnet->v_inet->is_tcp.rcvtotal++;
	if (!tcp_seg_parse(&ts, vnet, m, iphlen, family))
		return;
	inp = in_pcblookup(vnet, &ts.ts_laddr, &ts.ts_faddr);
	if (inp != NULL && tcp_twrecycle(inp, &ts))
		inp = in_pcblookup(vnet, &ts.ts_laddr, &ts.ts_faddr);
	if (inp == NULL) {
		ts.ts_why = "no connection";
		tcp_trace_discard(NULL, &ts);
		tcp_respond_rst(&ts, 0);
	} else if (intotcpcb(inp)->t_state == TCPS_LISTEN)
		tcp_listen_input(intotcpcb(inp), &ts);
	else if ((intotcpcb(inp)->t_flags & TF_TOE) != 0) {
		/* Late, of one that the card has ended already, and will tell. */
		ts.ts_why = "the connection is a card's";
		tcp_trace_discard(intotcpcb(inp), &ts);
	} else
		tcp_do_segment(intotcpcb(inp), &ts);
	m_freem(ts.ts_m);
}
