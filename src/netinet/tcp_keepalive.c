/*
 * Is the peer still there? One timer serves the handshake (keepinit) and, when
 * it is done, silence: after keepidle a probe every keepintvl, and after
 * keepcnt of them the connection is given up. And answers to segments that an
 * attacker may have sent are rationed.
 *
 * The timer is not moved by each segment: when it fires it looks how long the
 * peer has been silent.
 *
 * Source: tcp_timer.c (tcp_timer_keep), tcp_subr.c (tcp_send_challenge_ack).
 */
#include <errno.h>

#include "tcp_private.h"

static simtime_t
tcp_keepidle(const struct tcpcb *tp)
{
	return (tp->t_keepidle != 0 ? tp->t_keepidle
				    : tcp_tune(tp)->keepidle * SIM_MS);
}

static simtime_t
tcp_keepintvl(const struct tcpcb *tp)
{
	return (tp->t_keepintvl != 0 ? tp->t_keepintvl
				     : tcp_tune(tp)->keepintvl * SIM_MS);
}

static simtime_t
tcp_maxidle(const struct tcpcb *tp)
{
	uint64_t cnt =
	    tp->t_keepcnt != 0 ? tp->t_keepcnt : tcp_tune(tp)->keepcnt;

	return (cnt * tcp_keepintvl(tp));
}

void
tcp_keep_start(struct tcpcb *tp)
{
	callout_reset(&tp->t_keep, tcp_keepidle(tp));
}

static bool
tcp_keep_wanted(const struct tcpcb *tp)
{
	return (tp->t_state <= TCPS_CLOSING &&
	    (tcp_tune(tp)->always_keepalive != 0 ||
		(tp->t_inpcb->inp_socket->so_options & KSO_KEEPALIVE) != 0));
}

/* One below what the peer expects: it must answer. */
static void
tcp_keep_probe(struct tcpcb *tp)
{
	tcp_stats_rw(tp)->keepprobe++;
	tcp_respond_probe(tp, tp->snd_una - 1);
}

void
tcp_keep_expired(struct tcpcb *tp)
{
	simtime_t idle = tcp_now(tp) - tp->t_rcvtime, limit = tcp_keepidle(tp);

	tcp_stats_rw(tp)->keeptimeo++;
	if (!TCPS_HAVEESTABLISHED(tp->t_state)) {
		tcp_stats_rw(tp)->keepdrops++;
		tcp_drop(tp, ETIMEDOUT, "handshake not completed in time");
		return;
	}
	if (!tcp_keep_wanted(tp)) {
		callout_reset(&tp->t_keep, limit);
		return;
	}
	if (idle < limit) {
		callout_reset(&tp->t_keep, limit - idle);
		return;
	}
	if (idle >= limit + tcp_maxidle(tp)) {
		tcp_stats_rw(tp)->keepdrops++;
		tcp_drop(tp, ETIMEDOUT, "keepalive probes are not answered");
		return;
	}
	tcp_keep_probe(tp);
	callout_reset(&tp->t_keep, tcp_keepintvl(tp));
}

bool
tcp_challenge_ack(struct tcpcb *tp)
{
	struct tcp_tunables *tt = tcp_tune(tp);

	if (tt->ack_war_timewindow > 0 && tt->ack_war_cnt > 0) {
		if (tcp_now(tp) > tp->t_challenge_end) {
			tp->t_challenges = 0;
			tp->t_challenge_end =
			    tcp_now(tp) + tt->ack_war_timewindow * SIM_MS;
		}
		if (tp->t_challenges >= tt->ack_war_cnt) {
			tcp_stats_rw(tp)->challenge_limited++;
			return (false);
		}
		tp->t_challenges++;
	}
	tcp_stats_rw(tp)->challenge_acks++;
	return (true);
}
