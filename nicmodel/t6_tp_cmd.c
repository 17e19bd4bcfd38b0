/* TP: what the driver writes to the control queue; listeners. */
#include <errno.h>
#include <stdlib.h>

#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>
#include <ktsim/kern/vnet.h>
#include <ktsim/netinet/tcp_var.h>

#include "t6_tp.h"

#define TP_RCVBUF (512 * 1024) /* assumed: card memory for a connection */

static void
tp_listener_upcall(struct socket *so, void *arg, enum so_event ev)
{
	struct tp_listener *l = arg;

	tp_post(l->l_tp);
}

/* --- the control queue --- */

int
tp_socket(struct t6_tp *tp, const struct ksockaddr *local, struct socket **out)
{
	struct socket *so;
	int error;

	error = socreate(tp->tp_vnet, &tcp_protosw, local->sa_family, &so);
	if (error != 0)
		return (error);
	(void)soreserve_sb(&so->so_rcv, TP_RCVBUF);
	so->so_rcv.sb_flags &= (uint16_t)~SB_AUTOSIZE;
	if ((error = sobind(so, local)) != 0) {
		soclose(so);
		return (error);
	}
	*out = so;
	return (0);
}

static int
tp_listen(struct t6_tp *tp, uint32_t stid, const struct ksockaddr *sa)
{
	struct tp_listener *l = xcalloc(1, sizeof(*l));
	int error;

	error = tp_socket(tp, sa, &l->l_so);
	if (error == 0 && (error = solisten(l->l_so, -1)) != 0)
		soclose(l->l_so);
	if (error != 0) {
		free(l);
		return (error);
	}
	l->l_tp = tp;
	l->l_stid = stid;
	soupcall_set(l->l_so, tp_listener_upcall, l);
	TAILQ_INSERT_TAIL(&tp->tp_listeners, l, l_link);
	return (0);
}

void
tp_listener_free(struct tp_listener *l)
{
	TAILQ_REMOVE(&l->l_tp->tp_listeners, l, l_link);
	soclose(l->l_so);
	free(l);
}

static void
tp_unlisten(struct t6_tp *tp, uint32_t stid)
{
	struct tp_listener *l, *next;

	TAILQ_FOREACH_SAFE(l, &tp->tp_listeners, l_link, next)
		if (l->l_stid == stid)
			tp_listener_free(l);
}

static void
tp_start(struct nic_card *c, struct nic_cmd *cmd)
{
	struct t6_hw *th = c->c_softc;

	th->th_tp = t6_tp_create(c);
	th->th_tp->tp_rspq = (void *)(uintptr_t)cmd->c_data;
	c->c_rx_now = true;
}

static void
tp_clip(struct t6_tp *tp, const struct ksockaddr *sa)
{
	(void)if_addr_add(&tp->tp_if, sa->sa_family, &sa->sa_addr,
	    sa->sa_family == KAF_INET6 ? 128 : 32);
}

void
t6_tp_cmd(struct nic_card *card, struct nic_cmd *cmd)
{
	struct t6_hw *th = card->c_softc;
	struct t6_tp *tp = th->th_tp;
	uint32_t id = (uint32_t)cmd->c_in[0], tid = 0;
	struct tp_conn *c;

	switch ((int)cmd->c_op) {
	case T6_TOE_START:
		tp_start(card, cmd);
		return;
	case T6_TOE_CLIP:
		tp_clip(tp, cmd->c_data);
		return;
	case T6_TOE_LISTEN:
		cmd->c_status = tp_listen(tp, id, cmd->c_data);
		return;
	case T6_TOE_ACT_OPEN:
		cmd->c_status = tp_connect(tp, cmd->c_data, &tid);
		cmd->c_out[0] = tid;
		return;
	case T6_TOE_UNLISTEN:
		tp_unlisten(tp, id);
		return;
	default:
		break;
	}
	if ((c = tp_conn_find(card, id)) == NULL) {
		cmd->c_status = EINVAL;
		return;
	}
	tp_conn_cmd(c, cmd);
}
