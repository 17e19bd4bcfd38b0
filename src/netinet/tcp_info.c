/* TCP_INFO: see netinet/tcp_info.h. */
#include <string.h>

#include <ktsim/base/kassert.h>
#include <ktsim/netinet/tcp_info.h>
#include <ktsim/netinet/tcp_offload.h>

#include "tcp_private.h"

#define F(name, text)                                                \
	{                                                            \
#name, offsetof(struct ktcp_info, tcpi_##name), text \
	}
const struct tcp_info_field tcp_info_fields[] = {
	F(state, "state of the connection: 4 is ESTABLISHED"),
	F(options, "agreed on: 1 timestamps, 2 SACK, 4 window scale, 8 ECN"),
	F(rto, "retransmission timeout, us"),
	F(rtt, "smoothed round trip, us"),
	F(rttvar, "its variation, us"),
	F(snd_mss, "payload of a full segment"),
	F(snd_cwnd, "congestion window"),
	F(snd_ssthresh, "slow start threshold"),
	F(snd_wnd, "the peer's window"),
	F(rcv_space, "our window"),
	F(snd_una, "acknowledged, from the initial sequence number"),
	F(snd_nxt, "next to send"),
	F(snd_max, "highest sent"),
	F(rcv_nxt, "received in order"),
	F(in_flight, "sent and not acknowledged"),
	F(pipe, "of these, thought to be on the path"),
	F(sacked, "of these, told by SACK to be there"),
	F(lost, "of these, taken for lost"),
	F(holes, "holes of the scoreboard"),
	F(recovery, "0 none, 1 after a mark, 2 after a loss"),
	F(snd_buffered, "in the send buffer"),
	F(snd_notready, "of these, not encrypted or not read yet"),
	F(rcv_buffered, "in the receive buffer"),
	F(rcv_ooo_bytes, "received out of order, waiting"),
	F(bytes_sent, "payload sent for the first time"),
	F(bytes_rexmit, "payload sent again"),
	F(bytes_received, "payload received in order"),
	F(rexmit_packs, "packets with payload sent again"),
	F(rto_count, "retransmission timeouts"),
	F(fast_recoveries, "recoveries begun by duplicate ACKs or SACK"),
	F(spurious_rto, "timeouts that were mistakes"),
	F(dupacks, "duplicate ACKs received"),
	F(dsacks, "duplicates that the peer reported"),
	F(rcv_ooo, "segments received out of order"),
	F(rcv_dup, "payload received twice"),
	F(rtt_samples, "round trips measured"),
	F(persist, "1: waiting for the peer's window to open"),
};
#undef F
const unsigned tcp_info_nfields = nitems(tcp_info_fields);

const struct tcp_info_field *
tcp_info_find(const char *name)
{
	for (unsigned i = 0; i < tcp_info_nfields; i++)
		if (strcmp(tcp_info_fields[i].name, name) == 0)
			return (&tcp_info_fields[i]);
	return (NULL);
}

static void
info_windows(const struct tcpcb *tp, struct ktcp_info *ti)
{
	ti->tcpi_snd_mss = tcp_maxseg(tp);
	ti->tcpi_snd_cwnd = tp->snd_cwnd;
	ti->tcpi_snd_ssthresh = tp->snd_ssthresh;
	ti->tcpi_snd_wnd = tp->snd_wnd;
	ti->tcpi_rcv_space = tp->rcv_wnd;
	ti->tcpi_snd_una = tp->snd_una - tp->iss;
	ti->tcpi_snd_nxt = tp->snd_nxt - tp->iss;
	ti->tcpi_snd_max = tp->snd_max - tp->iss;
	ti->tcpi_rcv_nxt = tp->rcv_nxt - tp->irs;
	ti->tcpi_in_flight = tp->snd_max - tp->snd_una;
	ti->tcpi_pipe = tcp_compute_pipe(tp);
	ti->tcpi_sacked = tp->t_sacked;
	ti->tcpi_lost = tp->t_lost;
	ti->tcpi_holes = tp->snd_numholes;
	ti->tcpi_recovery = IN_FASTRECOVERY(tp->t_flags) ? 2
	    : IN_CONGRECOVERY(tp->t_flags)		 ? 1
							 : 0;
}

static void
info_buffers(const struct socket *so, struct ktcp_info *ti)
{
	if (so == NULL || so->so_listening)
		return;
	ti->tcpi_snd_buffered = sbused(&so->so_snd);
	ti->tcpi_snd_notready = sbused(&so->so_snd) - sbavail(&so->so_snd);
	ti->tcpi_rcv_buffered = sbused(&so->so_rcv);
}

static void
info_counts(const struct tcpcb *tp, struct ktcp_info *ti)
{
	const struct tcp_conn_stats *st = &tp->t_stats;

	ti->tcpi_rcv_ooo_bytes = tp->t_segqbytes;
	ti->tcpi_bytes_sent = st->snd_bytes;
	ti->tcpi_bytes_rexmit = st->rexmit_bytes;
	ti->tcpi_bytes_received = st->rcv_bytes;
	ti->tcpi_rexmit_packs = st->rexmit_packs;
	ti->tcpi_rto_count = st->rto;
	ti->tcpi_fast_recoveries = st->fast_rexmit;
	ti->tcpi_spurious_rto = st->spurious_rto;
	ti->tcpi_dupacks = st->dupacks;
	ti->tcpi_dsacks = st->dsacks;
	ti->tcpi_rcv_ooo = st->rcv_ooo;
	ti->tcpi_rcv_dup = st->rcv_dup;
	ti->tcpi_rtt_samples = tp->t_rttupdated;
}

void
tcp_fill_info(const struct tcpcb *tp, struct ktcp_info *ti)
{
	memset(ti, 0, sizeof(*ti));
	ti->tcpi_state = tp->t_state;
	if ((tp->t_flags & TF_RCVD_TSTMP) != 0)
		ti->tcpi_options |= TCPI_OPT_TIMESTAMPS;
	if ((tp->t_flags & TF_SACK_PERMIT) != 0)
		ti->tcpi_options |= TCPI_OPT_SACK;
	if ((tp->t_flags & TF_RCVD_SCALE) != 0)
		ti->tcpi_options |= TCPI_OPT_WSCALE;
	if ((tp->t_flags2 & TF2_ECN_PERMIT) != 0)
		ti->tcpi_options |= TCPI_OPT_ECN;
	ti->tcpi_rto = tp->t_rxtcur / SIM_US;
	ti->tcpi_rtt = tp->t_srtt / SIM_US;
	ti->tcpi_rttvar = tp->t_rttvar / SIM_US;
	ti->tcpi_persist = callout_active(&tp->t_persist);
	info_windows(tp, ti);
	info_buffers(tp->t_inpcb->inp_socket, ti);
	info_counts(tp, ti);
	if ((tp->t_flags & TF_TOE) != 0)
		tp->tod->tod_tcp_info(tp->tod, tp, ti);
}
