/* Connections as text: for dumps and failing tests. */
#include <inttypes.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/ktls.h>

#include "tcp_private.h"

static const struct dump_flag tcp_flag_names[] = { { TF_ACKNOW, "ACKNOW" },
	{ TF_DELACK, "DELACK" }, { TF_NODELAY, "NODELAY" }, { TF_TOE, "TOE" },
	{ TF_NOPUSH, "NOPUSH" }, { TF_SENTFIN, "SENTFIN" },
	{ TF_REQ_SCALE, "REQ_SCALE" }, { TF_RCVD_SCALE, "RCVD_SCALE" },
	{ TF_REQ_TSTMP, "REQ_TSTMP" }, { TF_RCVD_TSTMP, "RCVD_TSTMP" },
	{ TF_SACK_PERMIT, "SACK_PERMIT" }, { TF_NEEDFIN, "NEEDFIN" },
	{ TF_FASTRECOVERY, "FASTRECOVERY" }, { TF_FORCEDATA, "FORCEDATA" },
	{ TF_MORETOCOME, "MORETOCOME" }, { TF_RXWIN0SENT, "RXWIN0SENT" },
	{ TF_CLOSED, "CLOSED" } };

static const struct dump_flag inp_flag_names[] = { { INP_DROPPED, "DROPPED" },
	{ INP_SOCKREF, "SOCKREF" }, { INP_HASHED, "HASHED" } };

static void
tcp_dump_head(const struct tcpcb *tp, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*stcp %u %s flags", indent, "", tp->t_conn,
	    tcp_state_name(tp->t_state));
	dump_flags(sb, tp->t_flags, tcp_flag_names, nitems(tcp_flag_names));
	if (tp->t_softreason != NULL)
		strbuf_addf(sb, " (%s)", tp->t_softreason);
	strbuf_adds(sb, "\n");
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
	dump_event(sb, "rexmt", &tp->t_rexmt.c_event);
	dump_event(sb, "persist", &tp->t_persist.c_event);
	dump_event(sb, "delack", &tp->t_delack.c_event);
	dump_event(sb, "2msl", &tp->t_2msl.c_event);
	dump_event(sb, "keep", &tp->t_keep.c_event);
	strbuf_adds(sb, "\n");
	strbuf_addf(sb,
	    "%*sktls nic %u disabled %d; first %" PRIu64 " resent %" PRIu64
	    " bytes\n",
	    indent, "", tp->t_nic_ktls_xmit, tp->t_nic_ktls_xmit_dis,
	    tp->t_snd_first_bytes, tp->t_snd_rxt_bytes);
}

/* What the connection sends by and with: route, session, send tags. */
static void
inp_dump_out(const struct inpcb *inp, struct strbuf *sb, int indent)
{
	const struct nhop *nh = &inp->inp_route;

	if (!inp->inp_route_ok)
		return;
	strbuf_addf(sb, "%*sroute by %s next hop ", indent, "",
	    nh->nh_ifp->if_xname);
	in_any_dump(nh->nh_gw.sa_family, &nh->nh_gw.sa_addr, sb);
	strbuf_addf(sb, " mtu %u generation %u\n", nh->nh_mtu, nh->nh_gen);
}

void
inpcb_dump(const struct inpcb *inp, struct strbuf *sb, int indent)
{
	strbuf_addf(sb, "%*sinpcb ", indent, "");
	ksockaddr_dump(&inp->inp_laddr, sb);
	strbuf_adds(sb, " - ");
	ksockaddr_dump(&inp->inp_faddr, sb);
	strbuf_addf(sb, " refs %u flowid %#x", inp->inp_refcount,
	    inp->inp_flowid);
	dump_flags(sb, inp->inp_flags, inp_flag_names, nitems(inp_flag_names));
	strbuf_adds(sb, "\n");
	inp_dump_out(inp, sb, indent + 2);
}

static void
inet_dump_buffer(const struct sockbuf *b, const char *name, bool chains,
    struct strbuf *sb, int indent)
{
	const struct ktls_session *tls = b->sb_tls_info;

	strbuf_addf(sb, "%*s%s\n", indent, "", name);
	indent += 2;
	sockbuf_dump(b, sb, indent);
	if (tls != NULL)
		ktls_session_dump(tls, sb, indent);
	if (tls != NULL && tls->snd_tag != NULL)
		m_snd_tag_dump(tls->snd_tag, sb, indent);
	if (chains)
		sockbuf_dump_mbufs(b, sb, indent);
}

void
inet_dump(const struct vnet *vnet, bool chains, struct strbuf *sb, int indent)
{
	const struct socket *so;
	const struct inpcb *inp;

	TAILQ_FOREACH(inp, &vnet->v_inet->is_pcbs, inp_list) {
		inpcb_dump(inp, sb, indent);
		if (inp->inp_ppcb != NULL)
			tcp_dump(inp->inp_ppcb, sb, indent + 2);
		if ((so = inp->inp_socket) == NULL)
			continue;
		socket_dump(so, sb, indent + 2);
		if (so->so_listening)
			continue;
		inet_dump_buffer(&so->so_snd, "so_snd", chains, sb, indent + 2);
		inet_dump_buffer(&so->so_rcv, "so_rcv", chains, sb, indent + 2);
	}
}
