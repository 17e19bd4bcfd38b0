/*
 * Segments of a connection that has seen the peer's SYN: is the segment
 * acceptable (RFC 9293 3.10.7.4, RFC 5961, RFC 7323), its acknowledgement
 * (tcp_ack.c), its window, its data, its FIN.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>

#include "tcp_private.h"

#define PAWS_IDLE (24 * 24 * 3600 * SIM_SEC)

/*
 * RFC 5961: only a reset at exactly the expected place is believed; one
 * elsewhere in the window is asked about with an acknowledgement.
 */
static enum tcp_verdict
tcp_rst_input(struct tcpcb *tp, struct tcp_seg *ts)
{
	ts->ts_why = "reset";
	if (tp->t_state == TCPS_TIME_WAIT)
		return (TV_DROP); /* RFC 1337 */
	if (SEQ_LT(ts->ts_seq, tp->last_ack_sent) ||
	    (SEQ_GEQ(ts->ts_seq, tp->last_ack_sent + tp->rcv_wnd) &&
		ts->ts_seq != tp->last_ack_sent)) {
		ts->ts_why = "reset outside of the window";
		tcp_stats_rw(tp)->badrst++;
		return (TV_DROP);
	}
	if (ts->ts_seq != tp->rcv_nxt && ts->ts_seq != tp->last_ack_sent) {
		ts->ts_why = "reset not at the expected place";
		tcp_stats_rw(tp)->badrst++;
		return (tcp_challenge_ack(tp) ? TV_ACK : TV_DROP);
	}
	tcp_stats_rw(tp)->rcvrst++;
	switch (tp->t_state) {
	case TCPS_SYN_RECEIVED:
		soerror_set(tp->t_inpcb->inp_socket, ECONNREFUSED);
		break;
	case TCPS_ESTABLISHED:
	case TCPS_FIN_WAIT_1:
	case TCPS_FIN_WAIT_2:
	case TCPS_CLOSE_WAIT:
		soerror_set(tp->t_inpcb->inp_socket, ECONNRESET);
		break;
	default:
		break;
	}
	tp->t_softreason = "reset by the peer";
	TRACE(tcp_tracer(tp), tcp_drop, TU(tp->t_conn),
	    TI(tp->t_inpcb->inp_socket->so_error), TS("reset by the peer"));
	tcp_close(tp);
	return (TV_DROP);
}

/* Protection against wrapped sequence numbers. */
static enum tcp_verdict
tcp_paws(struct tcpcb *tp, struct tcp_seg *ts)
{
	struct tcpopt *to = &ts->ts_opt;

	if ((tp->t_flags & TF_RCVD_TSTMP) == 0)
		return (TV_GO);
	if ((to->to_flags & TOF_TS) == 0) {
		ts->ts_why = "timestamp is missing";
		return (TV_DROP);
	}
	if (SEQ_GEQ(to->to_tsval, tp->ts_recent))
		return (TV_GO);
	if (tcp_now(tp) - tp->ts_recent_age > PAWS_IDLE) {
		tp->ts_recent = 0;
		return (TV_GO);
	}
	tcp_stats_rw(tp)->pawsdrop++;
	ts->ts_why = "timestamp is old";
	return (ts->ts_len != 0 ? TV_ACK : TV_DROP);
}

static void
tcp_seg_trim_front(struct tcp_seg *ts, uint32_t n)
{
	ts->ts_seq += n;
	ts->ts_len -= n;
	m_adj(ts->ts_m, (int)n);
}

/* Cut what lies before rcv_nxt. */
static enum tcp_verdict
tcp_trim_old(struct tcpcb *tp, struct tcp_seg *ts)
{
	int32_t todrop = (int32_t)(tp->rcv_nxt - ts->ts_seq);

	if (todrop <= 0)
		return (TV_GO);
	if ((ts->ts_flags & KTH_SYN) != 0) {
		ts->ts_flags &= (uint8_t)~KTH_SYN;
		ts->ts_seq++;
		todrop--;
	}
	if ((uint32_t)todrop > ts->ts_len ||
	    ((uint32_t)todrop == ts->ts_len && (ts->ts_flags & KTH_FIN) == 0)) {
		/* All of it, an old FIN too. Say again what we have. */
		ts->ts_flags &= (uint8_t)~KTH_FIN;
		tp->t_flags |= TF_ACKNOW;
		todrop = (int32_t)ts->ts_len;
		tcp_stats_rw(tp)->rcvduppack++;
	}
	if (todrop > 0) {
		tp->t_dsack = (struct tcp_range) { ts->ts_seq,
			ts->ts_seq + (uint32_t)todrop };
		tp->t_stats.rcv_dup += (uint64_t)todrop;
		tcp_seg_trim_front(ts, (uint32_t)todrop);
	}
	return (TV_GO);
}

/* Cut what lies behind the window. */
static enum tcp_verdict
tcp_trim_window(struct tcpcb *tp, struct tcp_seg *ts)
{
	int32_t todrop;

	todrop =
	    (int32_t)(ts->ts_seq + ts->ts_len - (tp->rcv_nxt + tp->rcv_wnd));
	if (todrop <= 0)
		return (TV_GO);
	tcp_stats_rw(tp)->rcvafterwin++;
	if ((uint32_t)todrop >= ts->ts_len) {
		ts->ts_why = "beyond the window";
		/* A window probe is answered, its acknowledgement used. */
		if (tp->rcv_wnd != 0 || ts->ts_seq != tp->rcv_nxt)
			return (TV_ACK);
		tcp_stats_rw(tp)->rcvwinprobe++;
		tp->t_flags |= TF_ACKNOW;
	}
	m_adj(ts->ts_m, -todrop);
	ts->ts_len -= (uint32_t)todrop;
	ts->ts_flags &= (uint8_t) ~(KTH_PUSH | KTH_FIN);
	return (TV_GO);
}

/* The receive window as the buffer allows; never less than was promised. */
static void
tcp_rcv_wnd(struct tcpcb *tp)
{
	long space = sbspace(&tp->t_inpcb->inp_socket->so_rcv);
	int32_t promised = (int32_t)(tp->rcv_adv - tp->rcv_nxt);

	tp->rcv_wnd = (uint32_t)MAX(MAX(space, 0), (long)promised);
}

/*
 * The SYN once more: our answer was lost, and goes once more. One with another
 * number is from a client that began anew; the answer makes it reset us
 * (syncache_add does not look at the number either).
 */
static bool
tcp_syn_again(struct tcpcb *tp, const struct tcp_seg *ts)
{
	if (tp->t_state != TCPS_SYN_RECEIVED ||
	    (ts->ts_flags & (KTH_SYN | KTH_ACK | KTH_RST)) != KTH_SYN)
		return (false);
	tp->snd_nxt = tp->iss;
	tp->t_why = "SYN again";
	return (true);
}

static enum tcp_verdict
tcp_acceptable(struct tcpcb *tp, struct tcp_seg *ts)
{
	enum tcp_verdict v;

	if (tcp_syn_again(tp, ts)) {
		ts->ts_why = "SYN once more: answered again";
		return (TV_ACK);
	}
	if (tp->t_state == TCPS_SYN_RECEIVED && (ts->ts_flags & KTH_ACK) != 0 &&
	    (ts->ts_flags & KTH_RST) == 0 &&
	    (SEQ_LT(ts->ts_ack, tp->snd_una) ||
		SEQ_GT(ts->ts_ack, tp->snd_max))) {
		ts->ts_why = "acknowledges what was not sent";
		return (TV_RST);
	}
	if ((ts->ts_flags & KTH_RST) != 0)
		return (tcp_rst_input(tp, ts));
	if ((ts->ts_flags & KTH_SYN) != 0 &&
	    TCPS_HAVEESTABLISHED(tp->t_state)) {
		ts->ts_why = "SYN in a connection";
		tcp_stats_rw(tp)->badsyn++;
		return (tcp_challenge_ack(tp) ? TV_ACK : TV_DROP);
	}
	if ((v = tcp_paws(tp, ts)) != TV_GO ||
	    (v = tcp_trim_old(tp, ts)) != TV_GO)
		return (v);
	/* Data for a user who is gone cannot be delivered. */
	if ((tp->t_flags & TF_CLOSED) != 0 && ts->ts_len > 0 &&
	    tp->t_state > TCPS_CLOSE_WAIT && tp->t_state != TCPS_TIME_WAIT) {
		ts->ts_why = "data after the user closed";
		TRACE(tcp_tracer(tp), tcp_drop, TU(tp->t_conn), TI(ECONNRESET),
		    TS(ts->ts_why));
		tp->t_softreason = ts->ts_why;
		tcp_close(tp);
		return (TV_RST);
	}
	return (tcp_trim_window(tp, ts));
}

/* RFC 7323: remember the timestamp of what our next ACK will answer. */
static void
tcp_ts_recent(struct tcpcb *tp, const struct tcp_seg *ts)
{
	uint32_t end = ts->ts_seq + ts->ts_len +
	    ((ts->ts_flags & (KTH_SYN | KTH_FIN)) != 0);

	if ((ts->ts_opt.to_flags & TOF_TS) == 0 ||
	    (tp->t_flags & TF_RCVD_TSTMP) == 0)
		return;
	if (SEQ_LEQ(ts->ts_seq, tp->last_ack_sent) &&
	    SEQ_LEQ(tp->last_ack_sent, end)) {
		tp->ts_recent = ts->ts_opt.to_tsval;
		tp->ts_recent_age = tcp_now(tp);
	}
}

static void
tcp_window_update(struct tcpcb *tp, struct tcp_seg *ts)
{
	if (!(SEQ_LT(tp->snd_wl1, ts->ts_seq) ||
		(tp->snd_wl1 == ts->ts_seq &&
		    (SEQ_LT(tp->snd_wl2, ts->ts_ack) ||
			(tp->snd_wl2 == ts->ts_ack &&
			    ts->ts_win > tp->snd_wnd)))))
		return;
	if (ts->ts_len == 0 && tp->snd_wl2 == ts->ts_ack &&
	    ts->ts_win > tp->snd_wnd)
		tcp_stats_rw(tp)->rcvwinupd++;
	tp->snd_wnd = ts->ts_win;
	tp->snd_wl1 = ts->ts_seq;
	tp->snd_wl2 = ts->ts_ack;
	tp->max_sndwnd = MAX(tp->max_sndwnd, tp->snd_wnd);
	if (ts->ts_len > 0 ||
	    !V_DEFECT(tp->t_inpcb->inp_vnet, WINDOW_OPENS_SILENT))
		ts->ts_output = true;
}

/*
 * Let the buffer grow when a round trip fills most of it: the window was what
 * limited the sender.
 */
static void
tcp_rcvbuf_autoscale(struct tcpcb *tp, uint32_t len)
{
	struct sockbuf *sb = &tp->t_inpcb->inp_socket->so_rcv;
	struct tcp_tunables *tt = tcp_tune(tp);

	if (tt->recvbuf_auto == 0 || (sb->sb_flags & SB_AUTOSIZE) == 0 ||
	    tp->t_srtt == 0)
		return;
	tp->rfbuf_cnt += len;
	if (tp->rfbuf_ts == 0) {
		tp->rfbuf_ts = tcp_now(tp);
		return;
	}
	if (tcp_now(tp) - tp->rfbuf_ts < tp->t_srtt)
		return;
	if (tp->rfbuf_cnt > sb->sb_hiwat / 8 * 3 &&
	    sb->sb_hiwat < tt->recvbuf_max)
		(void)soreserve_sb(sb,
		    (uint32_t)MIN(sb->sb_hiwat + sb->sb_hiwat / 2,
			tt->recvbuf_max));
	tp->rfbuf_ts = tcp_now(tp);
	tp->rfbuf_cnt = 0;
}

static bool
tcp_delay_ack(const struct tcpcb *tp, uint32_t len)
{
	return (tcp_tune(tp)->delayed_ack != 0 &&
	    !callout_active(&tp->t_delack) &&
	    (tp->t_flags & TF_RXWIN0SENT) == 0 && len <= tp->t_maxseg);
}

/* Data in sequence, nothing waiting: straight into the buffer. */
static void
tcp_data_next(struct tcpcb *tp, struct tcp_seg *ts)
{
	struct socket *so = tp->t_inpcb->inp_socket;

	if (tcp_delay_ack(tp, ts->ts_len))
		tp->t_flags |= TF_DELACK;
	else
		tp->t_flags |= TF_ACKNOW;
	tp->rcv_nxt += ts->ts_len;
	tcp_stats_rw(tp)->rcvpack++;
	tcp_stats_rw(tp)->rcvbyte += ts->ts_len;
	tp->t_stats.rcv_bytes += ts->ts_len;
	tcp_rcvbuf_autoscale(tp, ts->ts_len);
	if ((so->so_rcv.sb_state & SBS_CANTRCVMORE) != 0)
		return; /* nobody reads: the segment is freed */
	sbappendstream(&so->so_rcv, ts->ts_m, 0);
	ts->ts_m = NULL;
	sorwakeup(so);
}

/* Returns true when the FIN is next. */
static bool
tcp_data_input(struct tcpcb *tp, struct tcp_seg *ts)
{
	uint32_t was = tp->rcv_nxt;
	bool fin;

	if (ts->ts_seq == tp->rcv_nxt && tp->t_segq == NULL &&
	    TCPS_HAVEESTABLISHED(tp->t_state)) {
		if (ts->ts_len > 0)
			tcp_data_next(tp, ts);
		return ((ts->ts_flags & KTH_FIN) != 0);
	}
	tp->t_flags |= TF_ACKNOW;
	if (ts->ts_seq != tp->rcv_nxt) {
		tcp_stats_rw(tp)->rcvoopack++;
		tp->t_stats.rcv_ooo++;
	}
	if (tcp_reass(tp, ts, &fin)) {
		tcp_stats_rw(tp)->rcvbyte += tp->rcv_nxt - was;
		tp->t_stats.rcv_bytes += tp->rcv_nxt - was;
		tcp_rcvbuf_autoscale(tp, tp->rcv_nxt - was);
	}
	return (fin);
}

static void
tcp_fin_input(struct tcpcb *tp)
{
	struct socket *so = tp->t_inpcb->inp_socket;

	tp->rcv_nxt++;
	tp->t_flags |= TF_ACKNOW;
	socantrcvmore(so);
	switch (tp->t_state) {
	case TCPS_ESTABLISHED:
		tcp_state_change(tp, TCPS_CLOSE_WAIT);
		break;
	case TCPS_FIN_WAIT_1:
		tcp_state_change(tp, TCPS_CLOSING);
		break;
	case TCPS_FIN_WAIT_2:
		tcp_twstart(tp);
		break;
	default:
		break;
	}
}

enum tcp_verdict
tcp_segment_input(struct tcpcb *tp, struct tcp_seg *ts)
{
	enum tcp_verdict v;

	tcp_rcv_wnd(tp);
	if ((v = tcp_acceptable(tp, ts)) != TV_GO)
		return (v);
	tcp_ts_recent(tp, ts);
	if ((ts->ts_flags & KTH_ACK) == 0) {
		ts->ts_why = "no acknowledgement";
		return (TV_DROP);
	}
	if ((ts->ts_flags & KTH_SYN) == 0)
		ts->ts_win <<= tp->snd_scale;
	if ((v = tcp_ack_input(tp, ts)) != TV_GO)
		return (v);
	tcp_window_update(tp, ts);
	if ((ts->ts_len > 0 || (ts->ts_flags & KTH_FIN) != 0) &&
	    !TCPS_HAVERCVDFIN(tp->t_state)) {
		if (tcp_data_input(tp, ts))
			tcp_fin_input(tp);
	}
	if ((tp->t_flags & TF_DELACK) != 0 && (tp->t_flags & TF_ACKNOW) == 0 &&
	    !callout_active(&tp->t_delack))
		callout_reset(&tp->t_delack, tcp_tune(tp)->delacktime * SIM_MS);
	return (TV_DONE);
}
