/*
 * The scoreboard of a sender (RFC 6675): which bytes the peer has beyond
 * snd_una, kept as the list of holes between them; what of the holes has been
 * sent again; how much is taken for lost; and so how much is in flight.
 *
 * After each ACK the sums are counted anew over the list, which is short
 * (net.inet.tcp.sack.maxholes), instead of being carried along.
 *
 * Source: netinet/tcp_sack.c of late 2024 for what is decided; the list is
 * walked forwards here.
 */
#include <ktsim/base/kassert.h>

#include "tcp_private.h"

/* --- holes --- */

static struct sackhole *
sackhole_alloc(struct tcpcb *tp, uint32_t start, uint32_t end)
{
	struct inet_state *is = tp->t_inpcb->inp_vnet->v_inet;
	struct sackhole *p = NULL;

	KASSERT(SEQ_LT(start, end), ("conn %u: an empty hole", tp->t_conn));
	if (tp->snd_numholes < is->is_tune.sack_maxholes)
		p = kzone_alloc(&is->is_holes, M_NOWAIT | M_ZERO);
	if (p == NULL) {
		is->is_tcp.sack_sboverflow++;
		return (NULL);
	}
	p->start = p->rxmit = start;
	p->end = end;
	tp->snd_numholes++;
	return (p);
}

static void
sackhole_remove(struct tcpcb *tp, struct sackhole *p)
{
	TAILQ_REMOVE(&tp->snd_holes, p, scblink);
	tp->snd_numholes--;
	kzone_free(&tp->t_inpcb->inp_vnet->v_inet->is_holes, p);
}

void
tcp_free_sackholes(struct tcpcb *tp)
{
	struct sackhole *p;

	while ((p = TAILQ_FIRST(&tp->snd_holes)) != NULL)
		sackhole_remove(tp, p);
	tp->snd_fack = tp->snd_una;
	tp->t_sack_rexmit = tp->t_sacked = tp->t_lost = 0;
}

void
tcp_resend_sackholes(struct tcpcb *tp)
{
	struct sackhole *p;

	TAILQ_FOREACH(p, &tp->snd_holes, scblink)
		p->rxmit = p->start;
	tp->t_sack_rexmit = 0;
}

/* --- counting --- */

/*
 * Bytes in a hole count as lost when enough lies beyond it that the peer has
 * (IsLost of RFC 6675): three separate pieces, or more than two segments.
 */
static void
sack_count(struct tcpcb *tp)
{
	uint32_t mss = tcp_maxseg(tp), above = 0, pieces = 0, holes = 0;
	uint32_t upper = tp->snd_fack;
	const struct sackhole *p;

	tp->t_sack_rexmit = tp->t_lost = 0;
	TAILQ_FOREACH_REVERSE(p, &tp->snd_holes, sackhole_head, scblink)
	{
		above += upper - p->end;
		pieces++;
		upper = p->start;
		holes += p->end - p->start;
		tp->t_sack_rexmit += p->rxmit - p->start;
		if (pieces >= TCP_REXMTTHRESH ||
		    above > (TCP_REXMTTHRESH - 1) * mss)
			tp->t_lost += p->end - p->start;
	}
	tp->t_sacked = tp->snd_fack - tp->snd_una - holes;
}

uint32_t
tcp_compute_pipe(const struct tcpcb *tp)
{
	uint32_t out = tp->snd_max - tp->snd_una + tp->t_sack_rexmit;
	uint32_t in = tp->t_sacked + tp->t_lost;

	return (out > in ? out - in : 0);
}

/* --- what an ACK says --- */

/* Everything below seq is there. */
static void
sack_advance(struct tcpcb *tp, uint32_t seq)
{
	struct sackhole *p;

	while ((p = TAILQ_FIRST(&tp->snd_holes)) != NULL &&
	    SEQ_LT(p->start, seq)) {
		if (SEQ_LEQ(p->end, seq)) {
			sackhole_remove(tp, p);
			continue;
		}
		p->start = seq;
		p->rxmit = SEQ_MAX(p->rxmit, seq);
	}
	tp->snd_fack = SEQ_MAX(tp->snd_fack, seq);
}

/* [start, end) of the hole is there. Returns the hole to go on with. */
static struct sackhole *
sackhole_fill(struct tcpcb *tp, struct sackhole *p, uint32_t start,
    uint32_t end, enum sackstatus *st)
{
	struct sackhole *next = TAILQ_NEXT(p, scblink), *q;

	*st = MAX(*st, SACK_CHANGE);
	if (SEQ_LEQ(start, p->start) && SEQ_GEQ(end, p->end)) {
		sackhole_remove(tp, p);
	} else if (SEQ_LEQ(start, p->start)) {
		p->start = end;
		p->rxmit = SEQ_MAX(p->rxmit, end);
	} else if (SEQ_GEQ(end, p->end)) {
		p->end = start;
		p->rxmit = SEQ_MIN(p->rxmit, start);
	} else {
		*st = SACK_NEWLOSS;
		if ((q = sackhole_alloc(tp, end, p->end)) == NULL)
			return (next); /* as if it had not been said */
		q->rxmit = SEQ_MAX(p->rxmit, end);
		q->lost_mark = p->lost_mark;
		TAILQ_INSERT_AFTER(&tp->snd_holes, p, q, scblink);
		p->end = start;
		p->rxmit = SEQ_MIN(p->rxmit, start);
	}
	return (next);
}

static void
sack_block(struct tcpcb *tp, uint32_t start, uint32_t end, enum sackstatus *st)
{
	struct sackhole *p;

	if (SEQ_GT(start, tp->snd_fack)) {
		/* What lies between has not been told of: a new hole. */
		if ((p = sackhole_alloc(tp, tp->snd_fack, start)) == NULL) {
			*st = SACK_NEWLOSS;
			return;
		}
		TAILQ_INSERT_TAIL(&tp->snd_holes, p, scblink);
		tp->snd_fack = end;
		*st = MAX(*st, SACK_CHANGE);
		return;
	}
	for (p = TAILQ_FIRST(&tp->snd_holes); p != NULL;) {
		if (SEQ_GEQ(p->start, end))
			break;
		if (SEQ_LEQ(p->end, start))
			p = TAILQ_NEXT(p, scblink);
		else
			p = sackhole_fill(tp, p, SEQ_MAX(start, p->start),
			    SEQ_MIN(end, p->end), st);
	}
	if (SEQ_GT(end, tp->snd_fack)) {
		tp->snd_fack = end;
		*st = MAX(*st, SACK_CHANGE);
	}
}

/* A duplicate that the peer reports (RFC 2883): counted, no more. */
static void
sack_dsack(struct tcpcb *tp, const struct tcp_range *b)
{
	tcp_stats_rw(tp)->dsack_count++;
	tcp_stats_rw(tp)->dsack_bytes += b->end - b->start;
	tp->t_stats.dsacks++;
}

/*
 * The blocks of the option that speak of what is in flight, by their start.
 * What is not possible is ignored: beyond snd_max, empty, far below.
 */
static unsigned
sack_blocks(struct tcpcb *tp, const struct tcpopt *to, uint32_t ack, bool fresh,
    struct tcp_range *out)
{
	struct tcp_range b;
	unsigned n = 0, j;

	for (unsigned i = 0; i < to->to_nsacks; i++) {
		b = to->to_sacks[i];
		if (!SEQ_GT(b.end, b.start) || SEQ_GT(b.end, tp->snd_max))
			continue;
		if (SEQ_LEQ(b.end, ack)) {
			/* Old ACKs tell what was news once. */
			if (fresh && SEQ_GEQ(b.start, ack - tp->max_sndwnd))
				sack_dsack(tp, &b);
			continue;
		}
		/* Within the second block: a duplicate of what waits there. */
		if (i == 0 && to->to_nsacks > 1 &&
		    SEQ_GEQ(b.start, to->to_sacks[1].start) &&
		    SEQ_LEQ(b.end, to->to_sacks[1].end)) {
			sack_dsack(tp, &b);
			continue;
		}
		if (SEQ_LEQ(b.start, ack))
			continue;
		tcp_stats_rw(tp)->sack_rcv_blocks++;
		for (j = n++; j > 0 && SEQ_GT(out[j - 1].start, b.start); j--)
			out[j] = out[j - 1];
		out[j] = b;
	}
	return (n);
}

enum sackstatus
tcp_sack_doack(struct tcpcb *tp, const struct tcpopt *to, uint32_t ack)
{
	enum sackstatus st = SACK_NOCHANGE;
	struct tcp_range blocks[TCP_MAX_SACK];
	uint32_t had = tp->t_sacked, moved = 0;
	unsigned n;

	if (TAILQ_EMPTY(&tp->snd_holes))
		tp->snd_fack = tp->snd_una;
	if (SEQ_GT(ack, tp->snd_una)) {
		moved = ack - tp->snd_una;
		sack_advance(tp, ack);
	}
	n = sack_blocks(tp, to, SEQ_MAX(ack, tp->snd_una),
	    SEQ_GEQ(ack, tp->snd_una), blocks);
	for (unsigned i = 0; i < n; i++)
		sack_block(tp, blocks[i].start, blocks[i].end, &st);
	sack_count(tp);
	/* The sums are those of snd_una, which moves to ack soon. */
	tp->t_delivered = tp->t_sacked > had ? tp->t_sacked - had : 0;
	tp->t_sacked -= MIN(moved, tp->t_sacked);
	/* RFC 6675: an ACK without blocks is no duplicate. */
	return ((to->to_flags & TOF_SACK) != 0 ? st : SACK_NOCHANGE);
}

/* --- sending from it --- */

struct sackhole *
tcp_sack_output(const struct tcpcb *tp)
{
	struct sackhole *p;

	TAILQ_FOREACH(p, &tp->snd_holes, scblink)
		if (SEQ_LT(p->rxmit, SEQ_MIN(p->end, tp->snd_recover)))
			return (p);
	return (NULL);
}

void
tcp_sack_sent(struct tcpcb *tp, struct sackhole *p, uint32_t len)
{
	p->rxmit += len;
	tp->t_sack_rexmit += len;
	if (SEQ_GEQ(p->rxmit, p->end))
		p->lost_mark = tp->snd_max;
}

void
tcp_sack_unsent(struct tcpcb *tp, struct sackhole *p, uint32_t len)
{
	p->rxmit -= len;
	tp->t_sack_rexmit -= len;
}

void
tcp_sack_adjust(struct tcpcb *tp)
{
	const struct sackhole *p;

	if (TAILQ_EMPTY(&tp->snd_holes) || SEQ_GEQ(tp->snd_nxt, tp->snd_fack))
		return;
	TAILQ_FOREACH(p, &tp->snd_holes, scblink)
		if (SEQ_LT(tp->snd_nxt, p->end)) {
			tp->snd_nxt = SEQ_MAX(tp->snd_nxt, p->start);
			return;
		}
	tp->snd_nxt = tp->snd_fack;
}

uint32_t
tcp_sack_unsacked(const struct tcpcb *tp, uint32_t seq)
{
	const struct sackhole *p;

	TAILQ_FOREACH(p, &tp->snd_holes, scblink)
		if (SEQ_GEQ(seq, p->start) && SEQ_LT(seq, p->end))
			return (p->end - seq);
	return (tp->snd_max - seq);
}

bool
tcp_sack_lost_retransmission(struct tcpcb *tp)
{
	struct sackhole *p = TAILQ_FIRST(&tp->snd_holes);

	if (!IN_FASTRECOVERY(tp->t_flags) || p == NULL ||
	    SEQ_LT(p->rxmit, p->end) || SEQ_LEQ(tp->snd_fack, p->lost_mark))
		return (false);
	tcp_stats_rw(tp)->sack_lostrexmt++;
	TAILQ_FOREACH(p, &tp->snd_holes, scblink)
		if (SEQ_GEQ(p->rxmit, p->end) &&
		    SEQ_GT(tp->snd_fack, p->lost_mark))
			p->rxmit = p->start;
	sack_count(tp);
	return (true);
}
