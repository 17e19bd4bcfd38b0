/*
 * TCP's timers: retransmission, persistence, delayed acknowledgement, 2 MSL
 * (and the wait in FIN_WAIT_2). Establishment and keepalive share one, see
 * tcp_keepalive.c.
 *
 * The timeout is RFC 6298's with FreeBSD's limits: at least rexmit_min, plus
 * rexmit_slop for the delayed acknowledgements of the peer, at most 64 s.
 */
#include <errno.h>

#include <ktsim/base/kassert.h>

#include "tcp_private.h"

#define TCPTV_REXMTMAX (64 * SIM_SEC)

static const uint32_t tcp_backoff[TCP_MAXRXTSHIFT + 1] = { 1, 2, 4, 8, 16, 32,
	64, 128, 256, 512, 512, 512, 512 };

static simtime_t
tcp_range(const struct tcpcb *tp, simtime_t t, simtime_t min, simtime_t max)
{
	t += tcp_tune(tp)->rexmit_slop * SIM_MS;
	return (MIN(MAX(t, min), max));
}

simtime_t
tcp_rexmtval(const struct tcpcb *tp)
{
	simtime_t min = tcp_tune(tp)->rexmit_min * SIM_MS;

	/* Without an estimate, or behind one, it is all in the variation. */
	return (MAX(tp->t_srtt + 4 * tp->t_rttvar, min));
}

void
tcp_set_rxtcur(struct tcpcb *tp)
{
	struct tcp_tunables *tt = tcp_tune(tp);
	simtime_t t;

	t = tcp_rexmtval(tp) * tcp_backoff[tp->t_rxtshift];
	/* No slop on a SYN: nobody delays its acknowledgement. */
	if (tp->t_state == TCPS_SYN_SENT || tp->t_state == TCPS_SYN_RECEIVED)
		tp->t_rxtcur = MIN(tt->rexmit_initial * SIM_MS *
			tcp_backoff[tp->t_rxtshift],
		    TCPTV_REXMTMAX);
	else
		tp->t_rxtcur =
		    tcp_range(tp, t, tt->rexmit_min * SIM_MS, TCPTV_REXMTMAX);
}

void
tcp_setpersist(struct tcpcb *tp)
{
	struct tcp_tunables *tt = tcp_tune(tp);
	simtime_t t;

	KASSERT(!callout_active(&tp->t_rexmt),
	    ("conn %u: persist while "
	     "retransmitting",
		tp->t_conn));
	t = (tp->t_srtt + 4 * tp->t_rttvar) / 2 *
	    tcp_backoff[tp->t_persistshift];
	callout_reset(&tp->t_persist,
	    tcp_range(tp, t, tt->persmin * SIM_MS, tt->persmax * SIM_MS));
	if (tp->t_persistshift < TCP_MAXRXTSHIFT)
		tp->t_persistshift++;
}

static void
tcp_rexmt_give_up(struct tcpcb *tp)
{
	tp->t_rxtshift = TCP_MAXRXTSHIFT;
	tcp_stats_rw(tp)->timeoutdrop++;
	tcp_drop(tp, ETIMEDOUT, "retransmitted too often");
}

/*
 * A first timeout may be a mistake: remember what it changes, until an ACK
 * tells (tcp_rto_was_spurious). What the peer has told to have is skipped when
 * all is sent again; a second timeout does not believe it any more (it may
 * have forgotten, RFC 2018).
 */
static void
tcp_rexmt_remember(struct tcpcb *tp)
{
	if (tp->t_rxtshift != 1) {
		tp->t_flags &= ~TF_PREVVALID;
		tcp_free_sackholes(tp);
		return;
	}
	tp->snd_cwnd_prev = tp->snd_cwnd;
	tp->snd_ssthresh_prev = tp->snd_ssthresh;
	tp->snd_recover_prev = tp->snd_recover;
	tp->t_flags &= ~(TF_WASFRECOVERY | TF_WASCRECOVERY);
	if (IN_FASTRECOVERY(tp->t_flags))
		tp->t_flags |= TF_WASFRECOVERY;
	if (IN_CONGRECOVERY(tp->t_flags))
		tp->t_flags |= TF_WASCRECOVERY;
	tp->t_flags |= TF_PREVVALID;
	tp->t_badrxtwin = tcp_ts_now(tp) + tp->ts_offset;
	tcp_resend_sackholes(tp);
}

static void
tcp_rexmt_expired(struct tcpcb *tp)
{
	if (++tp->t_rxtshift > TCP_MAXRXTSHIFT) {
		tcp_rexmt_give_up(tp);
		return;
	}
	tcp_stats_rw(tp)->rexmttimeo++;
	tp->t_stats.rto++;
	TRACE(tcp_tracer(tp), tcp_rto, TU(tp->t_conn), TU(tp->t_rxtshift),
	    TU(tp->t_rxtcur / SIM_US));
	tcp_rexmt_remember(tp);
	tcp_set_rxtcur(tp);
	/* A third of the way to giving up the estimate is of no use. */
	if (tp->t_rxtshift > TCP_MAXRXTSHIFT / 4 && tp->t_srtt != 0) {
		tp->t_rttvar += tp->t_srtt / 4;
		tp->t_srtt = 0;
	}
	tp->snd_nxt = tp->snd_una;
	tp->snd_recover = tp->snd_max;
	tp->t_flags |= TF_ACKNOW;
	tp->t_rtttime = 0; /* Karn */
	tp->t_why = "RTO";
	/* A SYN that was lost says it when the connection is made. */
	if (tp->t_state != TCPS_SYN_SENT)
		cc_cong_signal(tp, CC_RTO);
	tcp_output(tp);
}

static void
tcp_persist_expired(struct tcpcb *tp)
{
	simtime_t idle = tcp_now(tp) - tp->t_rcvtime;

	tcp_stats_rw(tp)->persisttimeo++;
	/* A peer that is there answers probes; this one is gone. */
	if (tp->t_persistshift == TCP_MAXRXTSHIFT &&
	    idle >= TCP_MAXRXTSHIFT * tcp_tune(tp)->persmax * SIM_MS) {
		tcp_stats_rw(tp)->persistdrop++;
		tcp_drop(tp, ETIMEDOUT, "window probes are not answered");
		return;
	}
	if (tp->t_state > TCPS_CLOSE_WAIT && (tp->t_flags & TF_CLOSED) != 0 &&
	    idle >= tcp_tune(tp)->persmax * SIM_MS) {
		tcp_stats_rw(tp)->persistdrop++;
		tcp_drop(tp, ETIMEDOUT, "closed, and the window stays shut");
		return;
	}
	tcp_setpersist(tp);
	tp->t_flags |= TF_FORCEDATA;
	tcp_output(tp);
	tp->t_flags &= ~TF_FORCEDATA;
}

static void
tcp_delack_expired(struct tcpcb *tp)
{
	tp->t_flags |= TF_ACKNOW;
	tcp_stats_rw(tp)->delack++;
	tcp_output(tp);
}

static void
tcp_2msl_expired(struct tcpcb *tp)
{
	tcp_close(tp);
}

/* Every timer runs with a reference: closing may take everything away. */
#define TCP_TIMER(name)                          \
	static void tcp_timer_##name(void *arg)  \
	{                                        \
		struct tcpcb *tp = arg;          \
		struct inpcb *inp = tp->t_inpcb; \
                                                 \
		in_pcbref(inp);                  \
		tcp_##name##_expired(tp);        \
		in_pcbrele(inp);                 \
	}

TCP_TIMER(rexmt)
TCP_TIMER(persist)
TCP_TIMER(delack)
TCP_TIMER(2msl)
TCP_TIMER(keep)

void
tcp_timer_init(struct tcpcb *tp)
{
	struct timebase *tb = tp->t_inpcb->inp_vnet->v_tb;

	callout_init(&tp->t_rexmt, tb, "tcp rexmt", tcp_timer_rexmt, tp);
	callout_init(&tp->t_persist, tb, "tcp persist", tcp_timer_persist, tp);
	callout_init(&tp->t_delack, tb, "tcp delack", tcp_timer_delack, tp);
	callout_init(&tp->t_2msl, tb, "tcp 2msl", tcp_timer_2msl, tp);
	callout_init(&tp->t_keep, tb, "tcp keep", tcp_timer_keep, tp);
}

void
tcp_timer_stop(struct tcpcb *tp)
{
	callout_stop(&tp->t_rexmt);
	callout_stop(&tp->t_persist);
	callout_stop(&tp->t_delack);
	callout_stop(&tp->t_2msl);
	callout_stop(&tp->t_keep);
}
