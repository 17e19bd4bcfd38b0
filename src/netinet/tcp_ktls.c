/*
 * What kernel TLS wants of a connection, in plain functions: kern/ may not
 * look into control blocks.
 */
#include <string.h>

#include <ktsim/base/kassert.h>

#include "tcp_private.h"

void
inp_ktls_xmit_set(struct inpcb *inp, bool on)
{
	struct tcpcb *tp = intotcpcb(inp);

	KASSERT(tp != NULL, ("inp_ktls_xmit_set: no control block"));
	tp->t_nic_ktls_xmit = on;
}

bool
inp_ktls_xmit(const struct inpcb *inp)
{
	return (inp->inp_ppcb->t_nic_ktls_xmit != 0);
}

bool
inp_ktls_xmit_disable(struct inpcb *inp)
{
	struct tcpcb *tp = inp->inp_ppcb;

	if (tp->t_nic_ktls_xmit_dis)
		return (false);
	tp->t_nic_ktls_xmit_dis = true;
	return (true);
}

bool
inp_ktls_xmit_disabled(const struct inpcb *inp)
{
	const struct tcpcb *tp = inp->inp_ppcb;

	return (tp->t_nic_ktls_xmit_dis);
}

uint32_t
inp_conn(const struct inpcb *inp)
{
	return (inp->inp_ppcb->t_conn);
}

bool
inp_dropped(const struct inpcb *inp)
{
	return ((inp->inp_flags & INP_DROPPED) != 0);
}

void
inp_snapshot(const struct inpcb *inp, struct if_snd_tag_conn *c)
{
	const struct tcpcb *tp = inp->inp_ppcb;

	memset(c, 0, sizeof(*c));
	c->conn = tp->t_conn;
	c->dropped = inp_dropped(inp);
	c->ipv6 = inp->inp_family == KAF_INET6;
	c->ts_offset = tp->ts_offset;
	c->snd_una = tp->snd_una;
	c->snd_nxt = tp->snd_nxt;
	c->rcv_nxt = tp->rcv_nxt;
	c->timestamps = (tp->t_flags & TF_RCVD_TSTMP) != 0;
	c->maxseg = tp->t_maxseg;
	c->local = inp->inp_laddr;
	c->foreign = inp->inp_faddr;
}

void
inp_drop(struct inpcb *inp, int error, const char *why)
{
	if (!inp_dropped(inp)) {
		in_pcbref(inp);
		tcp_drop(intotcpcb(inp), error, why);
		(void)in_pcbrele(inp);
	} else if (inp->inp_socket != NULL)
		soerror_set(inp->inp_socket, error);
}

struct inpcb *
inp_of_socket(struct socket *so)
{
	return (so->so_pcb);
}
