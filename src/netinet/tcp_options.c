/* TCP options: reading them, writing them, and agreeing on them. */
#include <string.h>

#include <ktsim/base/bytes.h>
#include <ktsim/base/kassert.h>

#include "tcp_private.h"

static void
tcp_parse_sack(struct tcpopt *to, const uint8_t *p, uint32_t n)
{
	to->to_flags |= TOF_SACK;
	to->to_nsacks = MIN(n, TCP_MAX_SACK);
	for (unsigned i = 0; i < to->to_nsacks; i++, p += 8)
		to->to_sacks[i] =
		    (struct tcp_range) { be32dec(p), be32dec(p + 4) };
}

static void
tcp_parse_option(struct tcpopt *to, const uint8_t *p, uint32_t len, bool syn)
{
	switch (p[0]) {
	case KTCPOPT_MAXSEG:
		if (len != 4 || !syn)
			return;
		to->to_flags |= TOF_MSS;
		to->to_mss = be16dec(p + 2);
		break;
	case KTCPOPT_WINDOW:
		if (len != 3 || !syn)
			return;
		to->to_flags |= TOF_SCALE;
		to->to_wscale = MIN(p[2], TCP_MAX_WINSHIFT);
		break;
	case KTCPOPT_TIMESTAMP:
		if (len != 10)
			return;
		to->to_flags |= TOF_TS;
		to->to_tsval = be32dec(p + 2);
		to->to_tsecr = be32dec(p + 6);
		break;
	case KTCPOPT_SACK_PERMITTED:
		if (len == 2 && syn)
			to->to_flags |= TOF_SACKPERM;
		break;
	case KTCPOPT_SACK:
		if (len > 2 && (len - 2) % 8 == 0)
			tcp_parse_sack(to, p + 2, (len - 2) / 8);
		break;
	}
}

void
tcp_parse_options(struct tcpopt *to, const uint8_t *p, uint32_t len, bool syn)
{
	uint32_t n;

	memset(to, 0, sizeof(*to));
	while (len > 0 && p[0] != KTCPOPT_EOL) {
		if (p[0] == KTCPOPT_NOP) {
			p++;
			len--;
			continue;
		}
		if (len < 2 || (n = p[1]) < 2 || n > len)
			return;
		tcp_parse_option(to, p, n, syn);
		p += n;
		len -= n;
	}
}

void
tcp_negotiate(struct tcpcb *tp, const struct tcp_seg *ts)
{
	const struct tcpopt *to = &ts->ts_opt;

	if ((to->to_flags & TOF_SCALE) != 0 &&
	    (tp->t_flags & TF_REQ_SCALE) != 0) {
		tp->t_flags |= TF_RCVD_SCALE;
		tp->snd_scale = to->to_wscale;
		tp->rcv_scale = tp->request_r_scale;
	}
	if ((to->to_flags & TOF_TS) != 0 && (tp->t_flags & TF_REQ_TSTMP) != 0) {
		tp->t_flags |= TF_RCVD_TSTMP;
		tp->ts_recent = to->to_tsval;
		tp->ts_recent_age = tcp_now(tp);
	}
	if ((to->to_flags & TOF_SACKPERM) == 0)
		tp->t_flags &= ~TF_SACK_PERMIT;
	tcp_mss(tp, (to->to_flags & TOF_MSS) != 0 ? to->to_mss : 0);
}

static void
tcp_add_syn_options(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	bool first = tp->t_state == TCPS_SYN_SENT;
	uint8_t *p = tx->tx_opt;

	p[0] = KTCPOPT_MAXSEG;
	p[1] = 4;
	be16enc(p + 2, (uint16_t)tcp_maxseg_route(tp));
	p += 4;
	if ((tp->t_flags & TF_REQ_SCALE) != 0 &&
	    (first || (tp->t_flags & TF_RCVD_SCALE) != 0)) {
		p[0] = KTCPOPT_NOP;
		p[1] = KTCPOPT_WINDOW;
		p[2] = 3;
		p[3] = tp->request_r_scale;
		p += 4;
	}
	if ((tp->t_flags & TF_SACK_PERMIT) != 0) {
		p[0] = p[1] = KTCPOPT_NOP;
		p[2] = KTCPOPT_SACK_PERMITTED;
		p[3] = 2;
		p += 4;
	}
	tx->tx_optlen = (uint8_t)(p - tx->tx_opt);
}

static void
tcp_add_timestamp(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	uint8_t *p = tx->tx_opt + tx->tx_optlen;

	p[0] = p[1] = KTCPOPT_NOP;
	p[2] = KTCPOPT_TIMESTAMP;
	p[3] = 10;
	be32enc(p + 4, tcp_ts_now(tp) + tp->ts_offset);
	be32enc(p + 8, tp->ts_recent);
	tx->tx_optlen += 12;
}

static void
tcp_add_sack(struct tcp_xmit *tx)
{
	struct tcp_range blk[TCP_NSACK];
	uint8_t *p = tx->tx_opt + tx->tx_optlen;
	unsigned n, room = (TCP_MAXOLEN - tx->tx_optlen - 4u) / 8;

	n = tcp_reass_sack(tx->tx_tp, blk, MIN(room, TCP_NSACK));
	if (n == 0)
		return;
	p[0] = p[1] = KTCPOPT_NOP;
	p[2] = KTCPOPT_SACK;
	p[3] = (uint8_t)(2 + 8 * n);
	tcp_stats_rw(tx->tx_tp)->sack_send_blocks += n;
	for (unsigned i = 0; i < n; i++) {
		be32enc(p + 4 + 8 * i, blk[i].start);
		be32enc(p + 8 + 8 * i, blk[i].end);
	}
	tx->tx_optlen = (uint8_t)(tx->tx_optlen + 4 + 8 * n);
}

void
tcp_add_options(struct tcp_xmit *tx)
{
	struct tcpcb *tp = tx->tx_tp;
	bool syn = (tx->tx_flags & KTH_SYN) != 0;

	tx->tx_optlen = 0;
	if (syn)
		tcp_add_syn_options(tx);
	if ((tp->t_flags & TF_REQ_TSTMP) != 0 &&
	    ((tp->t_flags & TF_RCVD_TSTMP) != 0 ||
		(syn && tp->t_state == TCPS_SYN_SENT)))
		tcp_add_timestamp(tx);
	if (!syn && (tp->t_flags & TF_SACK_PERMIT) != 0 &&
	    (tp->t_segq != NULL || tp->t_dsack.start != tp->t_dsack.end))
		tcp_add_sack(tx);
}
