/*
 * Congestion control, the part that all modules share: when they are asked,
 * and what is done for each event whatever the module.
 */
#include <string.h>

#include <ktsim/base/kassert.h>

#include "tcp_private.h"

const struct cc_algo *const cc_algos[] = { &cc_newreno, &cc_cubic, NULL };

const char *const cc_names[] = { "newreno", "cubic", NULL };
CTASSERT(nitems(cc_names) == nitems(cc_algos));

const struct cc_algo *
cc_find(const char *name)
{
	for (unsigned i = 0; cc_algos[i] != NULL; i++)
		if (strcmp(cc_algos[i]->name, name) == 0)
			return (cc_algos[i]);
	return (NULL);
}

void
cc_choose(struct tcpcb *tp, const struct cc_algo *cc)
{
	tp->t_cc = cc;
	memset(&tp->t_ccdata, 0, sizeof(tp->t_ccdata));
	if (cc->conn_init != NULL)
		cc->conn_init(tp);
}

uint32_t
tcp_compute_initwnd(const struct tcpcb *tp)
{
	uint32_t mss = tcp_maxseg(tp);
	uint32_t seg = (uint32_t)tcp_tune(tp)->initcwnd_segments;

	return (MIN(seg * mss, MAX(2 * mss, seg * 1460)));
}

void
cc_conn_init(struct tcpcb *tp)
{
	/* A SYN that was lost costs the initial window (RFC 6928). */
	tp->snd_cwnd =
	    tp->t_rxtshift > 1 ? tcp_maxseg(tp) : tcp_compute_initwnd(tp);
	tp->snd_ssthresh = (uint32_t)TCP_MAXWIN << TCP_MAX_WINSHIFT;
	if (tp->t_cc->conn_init != NULL)
		tp->t_cc->conn_init(tp);
}

void
cc_ack_received(struct tcpcb *tp, uint32_t acked)
{
	KASSERT(!IN_RECOVERY(tp->t_flags),
	    ("conn %u: a window grows in recovery", tp->t_conn));
	/* What the peer's window holds back says nothing about the path. */
	if (tp->snd_cwnd > tp->snd_wnd) {
		if (tp->t_cc->app_limited != NULL)
			tp->t_cc->app_limited(tp);
		return;
	}
	tp->t_cc->ack_received(tp, acked);
	tp->snd_cwnd = MIN(tp->snd_cwnd, (uint32_t)TCP_MAXWIN << tp->snd_scale);
}

/* Once per window of data: the flags say that it was done. */
static void
cc_loss(struct tcpcb *tp)
{
	if (!IN_CONGRECOVERY(tp->t_flags))
		tp->t_cc->cong_signal(tp, CC_NDUPACK);
	tp->t_flags |= TF_FASTRECOVERY | TF_CONGRECOVERY;
	tp->snd_recover = tp->snd_max;
}

static void
cc_mark(struct tcpcb *tp)
{
	if (IN_CONGRECOVERY(tp->t_flags))
		return;
	tcp_stats_rw(tp)->ecn_rcwnd++;
	tp->t_stats.ecn_ece++;
	tp->t_cc->cong_signal(tp, CC_ECN);
	tp->t_flags |= TF_CONGRECOVERY;
	tp->snd_recover = tp->snd_max + 1;
}

static void
cc_timeout(struct tcpcb *tp)
{
	tp->t_dupacks = 0;
	tp->t_bytes_acked = 0;
	tp->t_flags &= ~(TF_FASTRECOVERY | TF_CONGRECOVERY);
	tp->t_cc->cong_signal(tp, CC_RTO);
}

/* All is as if the timer had not fired. */
static void
cc_timeout_undo(struct tcpcb *tp)
{
	tcp_stats_rw(tp)->sndrexmitbad++;
	tp->t_stats.spurious_rto++;
	tp->snd_cwnd = tp->snd_cwnd_prev;
	tp->snd_ssthresh = tp->snd_ssthresh_prev;
	tp->snd_recover = tp->snd_recover_prev;
	if ((tp->t_flags & TF_WASFRECOVERY) != 0)
		tp->t_flags |= TF_FASTRECOVERY;
	if ((tp->t_flags & TF_WASCRECOVERY) != 0)
		tp->t_flags |= TF_CONGRECOVERY;
	tp->t_flags &= ~TF_PREVVALID;
	tp->snd_nxt = tp->snd_max;
	tp->t_why = NULL;
	tp->t_cc->cong_signal(tp, CC_RTO_ERR);
}

void
cc_cong_signal(struct tcpcb *tp, enum cc_signal sig)
{
	if (sig != CC_RTO_ERR && (tp->t_flags2 & TF2_ECN_PERMIT) != 0 &&
	    !(sig == CC_ECN && IN_CONGRECOVERY(tp->t_flags)))
		tp->t_flags2 |= TF2_ECN_SND_CWR;
	switch (sig) {
	case CC_NDUPACK:
		cc_loss(tp);
		break;
	case CC_ECN:
		cc_mark(tp);
		break;
	case CC_RTO:
		cc_timeout(tp);
		break;
	case CC_RTO_ERR:
		cc_timeout_undo(tp);
		break;
	}
}

void
cc_post_recovery(struct tcpcb *tp)
{
	tp->t_cc->post_recovery(tp);
	tp->t_flags &= ~(TF_FASTRECOVERY | TF_CONGRECOVERY);
	tp->t_bytes_acked = 0;
	tp->t_delivered = tp->t_prr_delivered = tp->t_prr_out = 0;
}

void
cc_after_idle(struct tcpcb *tp)
{
	tp->t_cc->after_idle(tp);
}
