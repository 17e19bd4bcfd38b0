/* Pacing by the card: see netinet/in_pcb.h. */
#include <errno.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/mbuf.h>
#include <ktsim/kern/socketvar.h>

#include "inet_private.h"

void
in_pcbdetach_txrtlmt(struct inpcb *inp)
{
	if (inp->inp_snd_tag != NULL) {
		inp->inp_vnet->v_inet->is_rl.active--;
		m_snd_tag_rele(inp->inp_snd_tag);
	}
	inp->inp_snd_tag = NULL;
	inp->inp_pacing_rate = 0;
}

int
in_pcbattach_txrtlmt(struct inpcb *inp, struct ifnet *ifp, uint64_t rate)
{
	struct if_snd_tag_alloc_params params = {
		.type = IF_SND_TAG_TYPE_RATE_LIMIT,
		.flowid = inp->inp_flowid,
		.flowtype = inp->inp_flowtype,
		.numa_domain = inp->inp_numa_domain,
		.max_rate = rate
	};
	struct rl_stats *st = &inp->inp_vnet->v_inet->is_rl;
	struct tracer *tr = &inp->inp_vnet->v_tracer;
	int error;

	inp_snapshot(inp, &params.conn);
	error = m_snd_tag_alloc(ifp, &params, &inp->inp_snd_tag);
	if (error == 0) {
		st->set_ok++;
		st->active++;
		TRACE(tr, tag_alloc, TU(inp_conn(inp)), TS(ifp->if_xname),
		    TU(inp->inp_snd_tag->number), TS("rate limit"));
		return (0);
	}
	if (error != EOPNOTSUPP)
		st->alloc_fail++;
	TRACE(tr, tag_refused, TU(inp_conn(inp)), TS(ifp->if_xname), TI(error),
	    TS("the interface cannot pace"));
	return (error);
}

int
in_pcbmodify_txrtlmt(struct inpcb *inp, uint64_t rate)
{
	struct m_snd_tag *mst = inp->inp_snd_tag;

	if (mst == NULL)
		return (EINVAL);
	if (mst->sw->snd_tag_modify == NULL)
		return (EOPNOTSUPP);
	return (mst->sw->snd_tag_modify(mst, &rate));
}

/* The rate is another one, or the way is. */
static void
in_pcbupdate_txrtlmt(struct inpcb *inp, struct ifnet *ifp, uint32_t rate)
{
	struct m_snd_tag *mst = inp->inp_snd_tag;
	/* With card TLS it is one of the card's table: tcp_ratelimit.h. */
	uint64_t of_table = intotcpcb(inp)->t_pacing_rate;
	uint64_t want = of_table != 0 ? of_table : rate;

	if (rate != 0 && mst != NULL && mst->ifp == ifp &&
	    in_pcbmodify_txrtlmt(inp, want) == 0) {
		inp->inp_pacing_rate = rate;
		return;
	}
	in_pcbdetach_txrtlmt(inp);
	if (rate != 0)
		(void)in_pcbattach_txrtlmt(inp, ifp, want);
	inp->inp_pacing_rate = rate; /* also when it was refused: once */
}

void
in_pcboutput_txrtlmt(struct inpcb *inp, struct ifnet *ifp, struct mbuf *m)
{
	const struct socket *so = inp->inp_socket;
	uint32_t rate = so != NULL ? so->so_max_pacing_rate : 0;

	if (rate != inp->inp_pacing_rate ||
	    (inp->inp_snd_tag != NULL && inp->inp_snd_tag->ifp != ifp))
		in_pcbupdate_txrtlmt(inp, ifp, rate);
	if (inp->inp_snd_tag == NULL)
		return;
	m->m_pkthdr.snd_tag = m_snd_tag_ref(inp->inp_snd_tag);
	m->m_pkthdr.csum_flags |= CSUM_SND_TAG;
}

int
in_pcboutput_eagain(struct inpcb *inp)
{
	in_pcbdetach_txrtlmt(inp);
	return (ENOBUFS);
}
