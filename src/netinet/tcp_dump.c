/* A control block as text: for panics, dumps and failing tests. */
#include <inttypes.h>

#include <ktsim/base/kassert.h>

#include "tcp_private.h"

static const struct {
	uint32_t flag;
	const char *name;
} tcp_flag_names[] = {
	{ TF_ACKNOW, "ACKNOW" },
	{ TF_DELACK, "DELACK" },
	{ TF_NODELAY, "NODELAY" },
	{ TF_NOPUSH, "NOPUSH" },
	{ TF_SENTFIN, "SENTFIN" },
	{ TF_REQ_SCALE, "REQ_SCALE" },
	{ TF_RCVD_SCALE, "RCVD_SCALE" },
	{ TF_REQ_TSTMP, "REQ_TSTMP" },
	{ TF_RCVD_TSTMP, "RCVD_TSTMP" },
	{ TF_SACK_PERMIT, "SACK_PERMIT" },
	{ TF_NEEDFIN, "NEEDFIN" },
	{ TF_FASTRECOVERY, "FASTRECOVERY" },
	{ TF_FORCEDATA, "FORCEDATA" },
	{ TF_MORETOCOME, "MORETOCOME" },
	{ TF_RXWIN0SENT, "RXWIN0SENT" },
	{ TF_CLOSED, "CLOSED" },
};

static void
tcp_dump_addr(const struct ksockaddr *sa, struct strbuf *sb)
{
	const uint8_t *a = sa->sa_addr.a;

	if (sa->sa_family == KAF_INET) {
		strbuf_addf(sb, "%u.%u.%u.%u:%u", a[0], a[1], a[2], a[3],
		    sa->sa_port);
		return;
	}
	for (int i = 0; i < 16; i += 2)
		strbuf_addf(sb, "%s%x", i == 0 ? "[" : ":",
		    (unsigned)(a[i] << 8 | a[i + 1]));
	strbuf_addf(sb, "]:%u", sa->sa_port);
}

static void
tcp_dump_timer(const char *name, const struct callout *c, struct strbuf *sb)
{
	if (callout_active(c))
		strbuf_addf(sb, " %s@%" PRIu64 "us", name,
		    c->c_event.ev_when / SIM_US);
}

static void
tcp_dump_head(const struct tcpcb *tp, struct strbuf *sb, int indent)
{
	const struct inpcb *inp = tp->t_inpcb;

	strbuf_addf(sb, "%*stcp %u ", indent, "", tp->t_conn);
	tcp_dump_addr(&inp->inp_laddr, sb);
	strbuf_adds(sb, " - ");
	tcp_dump_addr(&inp->inp_faddr, sb);
	strbuf_addf(sb, " %s%s flags", tcp_state_name(tp->t_state),
	    (inp->inp_flags & INP_DROPPED) != 0 ? " dropped" : "");
	for (size_t i = 0; i < nitems(tcp_flag_names); i++)
		if ((tp->t_flags & tcp_flag_names[i].flag) != 0)
			strbuf_addf(sb, " %s", tcp_flag_names[i].name);
	if (tp->t_softreason != NULL)
		strbuf_addf(sb, " (%s)", tp->t_softreason);
	strbuf_adds(sb, "\n");
}

static void
tcp_dump_buffers(const struct tcpcb *tp, struct strbuf *sb, int indent)
{
	const struct socket *so = tp->t_inpcb->inp_socket;

	if (so == NULL)
		return;
	strbuf_addf(sb,
	    "%*sso_snd acc %u ccc %u hiwat %u, so_rcv acc %u "
	    "ccc %u hiwat %u, error %d\n",
	    indent, "", so->so_snd.sb_acc, so->so_snd.sb_ccc,
	    so->so_snd.sb_hiwat, so->so_rcv.sb_acc, so->so_rcv.sb_ccc,
	    so->so_rcv.sb_hiwat, so->so_error);
}

void
tcp_dump(const struct tcpcb *tp, struct strbuf *sb, int indent)
{
	tcp_dump_head(tp, sb, indent);
	indent += 2;
	strbuf_addf(sb,
	    "%*siss %u una +%u nxt +%u max +%u recover +%u wnd %u "
	    "max %u scale %u\n",
	    indent, "", tp->iss, tp->snd_una - tp->iss, tp->snd_nxt - tp->iss,
	    tp->snd_max - tp->iss, tp->snd_recover - tp->iss, tp->snd_wnd,
	    tp->max_sndwnd, tp->snd_scale);
	strbuf_addf(sb, "%*sirs %u nxt +%u adv +%u wnd %u scale %u reass %u\n",
	    indent, "", tp->irs, tp->rcv_nxt - tp->irs, tp->rcv_adv - tp->irs,
	    tp->rcv_wnd, tp->rcv_scale, tp->t_segqbytes);
	strbuf_addf(sb,
	    "%*smaxseg %u tso %s %u/%u/%u cwnd %u ssthresh %u "
	    "dupacks %u\n",
	    indent, "", tp->t_maxseg, tp->t_tso ? "yes" : "no", tp->t_tsomax,
	    tp->t_tsomaxsegcount, tp->t_tsomaxsegsize, tp->snd_cwnd,
	    tp->snd_ssthresh, tp->t_dupacks);
	strbuf_addf(sb,
	    "%*ssrtt %" PRIu64 "us var %" PRIu64 "us rto %" PRIu64
	    "us shift %u persist %u timers",
	    indent, "", tp->t_srtt / SIM_US, tp->t_rttvar / SIM_US,
	    tp->t_rxtcur / SIM_US, tp->t_rxtshift, tp->t_persistshift);
	tcp_dump_timer("rexmt", &tp->t_rexmt, sb);
	tcp_dump_timer("persist", &tp->t_persist, sb);
	tcp_dump_timer("delack", &tp->t_delack, sb);
	tcp_dump_timer("2msl", &tp->t_2msl, sb);
	tcp_dump_timer("keep", &tp->t_keep, sb);
	strbuf_adds(sb, "\n");
	strbuf_addf(sb,
	    "%*sktls nic %u disabled %d; first %" PRIu64 " resent %" PRIu64
	    " bytes\n",
	    indent, "", tp->t_nic_ktls_xmit, tp->t_nic_ktls_xmit_dis,
	    tp->t_snd_first_bytes, tp->t_snd_rxt_bytes);
	tcp_dump_buffers(tp, sb, indent);
}
