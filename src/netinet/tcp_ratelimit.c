/* Rates of cards' tables for card TLS: see netinet/tcp_ratelimit.h. */
#include <errno.h>

#include <ktsim/kern/ktls.h>
#include <ktsim/netinet/tcp_ratelimit.h>

#include "tcp_private.h"

/* To find out which card it would be; bytes/s. */
#define COMMON_RATE 200000

static struct rl_stats *
rl_stats(const struct tcpcb *tp)
{
	return (&tp->t_inpcb->inp_vnet->v_inet->is_rl);
}

static int
rl_refuse(const struct tcpcb *tp, const struct ifnet *ifp, int error,
    const char *why)
{
	rl_stats(tp)->refused++;
	TRACE(tcp_tracer(tp), tag_refused, TU(tp->t_conn), TS(ifp->if_xname),
	    TI(error), TS(why));
	return (error);
}

static struct ifnet *
rt_innermost(struct m_snd_tag *mst)
{
	struct m_snd_tag *inner;

	while (
	    (inner = mst->sw->next_snd_tag != NULL ? mst->sw->next_snd_tag(mst)
						   : NULL) != NULL)
		mst = inner;
	return (mst->ifp);
}

/* The interface below that this connection's packets leave by: a tag tells. */
static struct ifnet *
rt_find_real_interface(struct ifnet *ifp, struct inpcb *inp)
{
	struct if_snd_tag_alloc_params params = {
		.type = IF_SND_TAG_TYPE_RATE_LIMIT,
		.flowid = inp->inp_flowid,
		.flowtype = inp->inp_flowtype,
		.numa_domain = inp->inp_numa_domain,
		.max_rate = COMMON_RATE
	};
	struct m_snd_tag *mst;
	struct ifnet *real;

	inp_snapshot(inp, &params.conn);
	if (m_snd_tag_alloc(ifp, &params, &mst) != 0)
		return (NULL);
	TRACE(&inp->inp_vnet->v_tracer, tag_alloc, TU(inp_conn(inp)),
	    TS(ifp->if_xname), TU(mst->number), TS("to find the port"));
	real = rt_innermost(mst);
	m_snd_tag_rele(mst);
	return (real);
}

static void
rt_query(struct ifnet *ifp, struct if_ratelimit_query_results *rl)
{
	*rl = (struct if_ratelimit_query_results) { .flags = RT_NOSUPPORT };
	if (ifp->if_ratelimit_query != NULL)
		ifp->if_ratelimit_query(ifp, rl);
}

/* *ratep: the lowest of the interface's rates that is not below want. */
static int
rt_find_rate(struct ifnet *ifp, struct inpcb *inp, uint64_t want,
    uint64_t *ratep)
{
	struct if_ratelimit_query_results rl;
	struct ifnet *real;

	rt_query(ifp, &rl);
	if (rl.flags == RT_IS_INDIRECT) {
		if ((real = rt_find_real_interface(ifp, inp)) == NULL)
			return (ENODEV);
		rt_query(real, &rl);
	}
	if (rl.flags != RT_IS_FIXED_TABLE)
		return (ENODEV);
	for (unsigned i = 0; i < rl.number_of_rates; i++)
		if (rl.rate_table[i] >= want) {
			*ratep = rl.rate_table[i];
			return (0);
		}
	return (ENOENT);
}

/* From no rate to one: the ordinary tag. */
static int
rt_setup_rate(struct tcpcb *tp, struct ifnet *ifp, uint64_t want)
{
	uint64_t rate;
	int error;

	error = rt_find_rate(ifp, tp->t_inpcb, want, &rate);
	if (error != 0)
		return (rl_refuse(tp, ifp, error,
		    error == ENOENT ? "the card has no rate as high"
				    : "the interface has no table of rates"));
	error = in_pcbattach_txrtlmt(tp->t_inpcb, ifp, rate);
	if (error != 0) {
		rl_stats(tp)->refused++; /* the trace knows */
		return (error);
	}
	rl_stats(tp)->newrl++;
	tp->t_pacing_rate = rate;
	return (0);
}

static struct ktls_session *
tcp_hw_session(const struct tcpcb *tp)
{
	return (tp->t_nic_ktls_xmit != 0
		? tp->t_inpcb->inp_socket->so_snd.sb_tls_info
		: NULL);
}

int
tcp_set_pacing_rate(struct tcpcb *tp, struct ifnet *ifp, uint64_t want)
{
	struct ktls_session *tls = tcp_hw_session(tp);
	int error;

	if (tp->t_inpcb->inp_snd_tag != NULL)
		return (EINVAL);
	if ((ifp->if_capenable & IFCAP_TXRTLMT) == 0)
		return (rl_refuse(tp, ifp, ENODEV, "no TXRTLMT"));
	if (tls != NULL && (ifp->if_capenable & IFCAP_TXTLS_RTLMT) == 0)
		return (rl_refuse(tp, ifp, ENODEV, "no TXTLS_RTLMT"));
	if (tls != NULL && tls->mode != TCP_TLS_MODE_IFNET)
		return (rl_refuse(tp, ifp, ENODEV,
		    "the session for new data is not the card's"));
	if ((error = rt_setup_rate(tp, ifp, want)) != 0)
		return (error);
	if (tls != NULL && tls->snd_tag != NULL)
		(void)ktls_output_eagain(tp->t_inpcb, tls);
	return (0);
}

/*
 * Whose tag gets the new rate. *tlsp NULL: the connection's ordinary one,
 * also while the session's is being exchanged.
 */
static int
tcp_chg_whose(struct tcpcb *tp, struct ktls_session **tlsp)
{
	struct ktls_session *tls = tcp_hw_session(tp);

	*tlsp = NULL;
	if (tls == NULL || tls->mode != TCP_TLS_MODE_IFNET)
		return (0);
	if (tls->snd_tag == NULL ||
	    tls->snd_tag->sw->type == IF_SND_TAG_TYPE_TLS_RATE_LIMIT)
		*tlsp = tls;
	else if (!tls->reset_pending)
		return (EOPNOTSUPP);
	return (0);
}

/* Before anything changes: the session's tag, and the rate. */
static int
tcp_chg_checks(struct tcpcb *tp, uint64_t want, struct ktls_session **tlsp,
    uint64_t *ratep, const char **why)
{
	struct inpcb *inp = tp->t_inpcb;
	int error;

	if ((error = tcp_chg_whose(tp, tlsp)) != 0) {
		*why = "the session's tag is not rate limited";
		return (error);
	}
	if (inp->inp_snd_tag == NULL) {
		*why = "the connection's ordinary tag is gone";
		return (EINVAL);
	}
	*why = "the card has no rate as high";
	return (rt_find_rate(rt_innermost(inp->inp_snd_tag), inp, want, ratep));
}

int
tcp_chg_pacing_rate(struct tcpcb *tp, struct ifnet *ifp, uint64_t want)
{
	struct ktls_session *tls;
	const char *why;
	uint64_t rate;
	int error;

	if (tp->t_pacing_rate == 0)
		return (EINVAL);
	error = tcp_chg_checks(tp, want, &tls, &rate, &why);
	if (error == 0 && rate == tp->t_pacing_rate)
		return (0);
	if (error == 0) {
		why = "the card refused";
		error = tls != NULL ? ktls_modify_txrtlmt(tls, rate)
				    : in_pcbmodify_txrtlmt(tp->t_inpcb, rate);
	}
	if (error != 0) {
		tcp_rel_pacing_rate(tp);
		return (rl_refuse(tp, ifp, error, why));
	}
	rl_stats(tp)->chgrl++;
	tp->t_pacing_rate = rate;
	return (0);
}

void
tcp_rel_pacing_rate(struct tcpcb *tp)
{
	tp->t_pacing_rate = 0;
	in_pcbdetach_txrtlmt(tp->t_inpcb);
}

/* From one rate, or none, to another. */
static int
tcp_pacing_to(struct tcpcb *tp, struct ifnet *ifp, uint32_t rate)
{
	struct inpcb *inp = tp->t_inpcb;
	int error;

	if (tp->t_pacing_rate != 0)
		error = tcp_chg_pacing_rate(tp, ifp, rate);
	else {
		in_pcbdetach_txrtlmt(inp); /* from before TLS */
		error = tcp_set_pacing_rate(tp, ifp, rate);
	}
	if (error == 0)
		inp->inp_pacing_rate = rate;
	else if (tp->t_pacing_rate == 0)
		inp->inp_socket->so_max_pacing_rate = 0;
	return (error);
}

int
tcp_pacing_socket(struct tcpcb *tp, uint32_t rate)
{
	struct nhop *nh;
	int error;

	if (tp->t_nic_ktls_xmit == 0 && tp->t_pacing_rate == 0)
		return (0);
	if (rate == 0) {
		tcp_rel_pacing_rate(tp);
		return (0);
	}
	if ((error = in_pcbroute(tp->t_inpcb, &nh)) != 0)
		return (error);
	return (tcp_pacing_to(tp, nh->nh_ifp, rate));
}

uint64_t
inp_tls_rate(struct inpcb *inp, struct ifnet *ifp)
{
	uint32_t want = inp->inp_socket->so_max_pacing_rate;
	struct tcpcb *tp = intotcpcb(inp);

	if ((ifp->if_capenable & IFCAP_TXTLS_RTLMT) == 0)
		return (0);
	if (tp->t_pacing_rate == 0 && want != 0 &&
	    (ifp->if_capenable & IFCAP_TXRTLMT) != 0) {
		in_pcbdetach_txrtlmt(inp);
		if (rt_setup_rate(tp, ifp, want) == 0)
			inp->inp_pacing_rate = want;
	}
	return (tp->t_pacing_rate);
}
