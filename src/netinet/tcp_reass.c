/*
 * The out-of-order queue. Its entries are runs, sorted, with holes between: a
 * segment that touches one makes it longer. What is there already wins, the
 * newcomer is trimmed. The receive window bounds the bytes in it, a sysctl the
 * runs. SACK blocks are made from them.
 */
#include <string.h>

#include <ktsim/base/kassert.h>

#include "tcp_private.h"

CTASSERT(sizeof(struct tcp_reass_seg) <= 64); /* the zone's item */

static void
tcp_reass_free(struct tcpcb *tp, struct tcp_reass_seg *rs)
{
	tp->t_segqbytes -= rs->rs_len;
	tp->t_segqlen--;
	m_freem(rs->rs_m);
	kzone_free(&tp->t_inpcb->inp_vnet->v_inet->is_segs, rs);
}

void
tcp_reass_flush(struct tcpcb *tp)
{
	struct tcp_reass_seg *rs;

	while ((rs = tp->t_segq) != NULL) {
		tp->t_segq = rs->rs_next;
		tcp_reass_free(tp, rs);
	}
	KASSERT(tp->t_segqbytes == 0,
	    ("reass: %u bytes left", tp->t_segqbytes));
}

/*
 * What is behind the first len bytes. What a card said of the packet, that it
 * decrypted it, is said of both parts. NULL: no memory, nothing changed.
 */
static struct mbuf *
tcp_reass_split(struct mbuf *m, uint32_t len)
{
	struct mbuf *head, *rest;

	if ((m->m_flags & M_PKTHDR) == 0 ||
	    (m->m_pkthdr.csum_flags & CSUM_TLS_MASK) == 0)
		return (m_split(m, (int)len, M_NOWAIT));
	if ((head = m_gethdr(m->m_mb, M_NOWAIT, MT_DATA)) == NULL)
		return (NULL);
	head->m_pkthdr = m->m_pkthdr;
	head->m_pkthdr.len -= (int32_t)len;
	if ((rest = m_split(m, (int)len, M_NOWAIT)) == NULL) {
		m_freem(head);
		return (NULL);
	}
	head->m_next = rest;
	return (head);
}

/* A copy of the payload reference for [seq, seq+len) of the segment. */
static struct mbuf *
tcp_reass_slice(struct tcp_seg *ts, uint32_t seq, uint32_t len)
{
	struct mbuf *m = ts->ts_m, *rest;
	uint32_t front = seq - ts->ts_seq;

	if (front > 0) {
		m_adj(m, (int)front);
		ts->ts_seq += front;
		ts->ts_len -= front;
	}
	if (len == ts->ts_len) {
		ts->ts_m = NULL;
		return (m);
	}
	if ((rest = tcp_reass_split(m, len)) == NULL)
		return (NULL);
	ts->ts_m = rest;
	ts->ts_seq += len;
	ts->ts_len -= len;
	return (m);
}

/* Put [seq, seq+len) in front of *next. False: no memory. */
static bool
tcp_reass_insert(struct tcpcb *tp, struct tcp_reass_seg **next,
    struct tcp_seg *ts, uint32_t seq, uint32_t len, bool fin)
{
	struct kzone *z = &tp->t_inpcb->inp_vnet->v_inet->is_segs;
	struct tcp_reass_seg *rs;
	struct mbuf *m = NULL;

	rs = kzone_alloc(z, M_NOWAIT | M_ZERO);
	if (rs == NULL)
		return (false);
	if (len > 0 && (m = tcp_reass_slice(ts, seq, len)) == NULL) {
		kzone_free(z, rs);
		return (false);
	}
	rs->rs_m = m;
	if (m != NULL)
		(void)m_length(m, &rs->rs_last);
	rs->rs_seq = seq;
	rs->rs_len = len;
	rs->rs_fin = fin;
	rs->rs_next = *next;
	*next = rs;
	tp->t_segqbytes += len;
	tp->t_segqlen++;
	return (true);
}

/* [start, end) came although it was there. */
static void
tcp_reass_dup(struct tcpcb *tp, uint32_t start, uint32_t end)
{
	if (SEQ_LT(start, end))
		tp->t_dsack = (struct tcp_range) { start, end };
}

/*
 * Fill the gaps that the segment can fill. Each turn takes the bytes between
 * where we are and the next segment that is there. A FIN is taken with the
 * last byte; one that has other bytes behind it is no end of anything.
 */
static void
tcp_reass_fill(struct tcpcb *tp, struct tcp_seg *ts)
{
	struct tcp_reass_seg **prs = &tp->t_segq, *rs;
	uint32_t seq = ts->ts_seq, end = seq + ts->ts_len;
	bool fin = (ts->ts_flags & KTH_FIN) != 0;

	while ((rs = *prs) != NULL) {
		if (SEQ_GEQ(seq, end) && SEQ_GEQ(rs->rs_seq, end))
			break;
		if (SEQ_LT(seq, rs->rs_seq)) {
			if (!tcp_reass_insert(tp, prs, ts, seq,
				SEQ_MIN(end, rs->rs_seq) - seq, false))
				return;
			prs = &(*prs)->rs_next;
		}
		tcp_reass_dup(tp, SEQ_MAX(seq, rs->rs_seq),
		    SEQ_MIN(end, rs->rs_seq + rs->rs_len));
		seq = SEQ_MAX(seq, rs->rs_seq + rs->rs_len);
		if (rs->rs_fin)
			return; /* nothing lies behind a FIN */
		prs = &rs->rs_next;
	}
	if (SEQ_LT(seq, end) || (fin && seq == end && rs == NULL))
		(void)tcp_reass_insert(tp, prs, ts, seq, end - seq, fin);
}

/* What a card decrypted is not mixed with the rest: the mark is a packet's. */
static uint32_t
tcp_reass_tls(const struct tcp_reass_seg *rs)
{
	if (rs->rs_m == NULL || (rs->rs_m->m_flags & M_PKTHDR) == 0)
		return (0);
	return (rs->rs_m->m_pkthdr.csum_flags & CSUM_TLS_MASK);
}

/* The run behind this one becomes part of it, if there is no hole between. */
static bool
tcp_reass_join(struct tcpcb *tp, struct tcp_reass_seg *rs)
{
	struct tcp_reass_seg *next = rs->rs_next;
	struct mbuf *tail;

	if (next == NULL || rs->rs_len == 0 || rs->rs_fin ||
	    next->rs_seq != rs->rs_seq + rs->rs_len ||
	    tcp_reass_tls(rs) != tcp_reass_tls(next))
		return (false);
	if (next->rs_m != NULL) {
		tail = rs->rs_last;
		tail->m_next = next->rs_m;
		rs->rs_last = next->rs_last;
	}
	rs->rs_len += next->rs_len;
	rs->rs_fin = next->rs_fin;
	rs->rs_next = next->rs_next;
	tp->t_segqlen--;
	kzone_free(&tp->t_inpcb->inp_vnet->v_inet->is_segs, next);
	return (true);
}

static void
tcp_reass_join_all(struct tcpcb *tp)
{
	struct tcp_reass_seg *rs = tp->t_segq;

	while (rs != NULL)
		if (!tcp_reass_join(tp, rs))
			rs = rs->rs_next;
}

/* A segment that would be one run more than there may be. What is next is
 * always taken, or nothing would move again. */
static bool
tcp_reass_is_full(const struct tcpcb *tp, const struct tcp_seg *ts)
{
	const struct sockbuf *sb = &tp->t_inpcb->inp_socket->so_rcv;
	uint64_t most = MIN((uint64_t)sb->sb_hiwat / tp->t_maxseg + 1,
	    tcp_tune(tp)->reass_maxqueuelen);
	uint32_t end = ts->ts_seq + ts->ts_len;

	if (ts->ts_seq == tp->rcv_nxt || tp->t_segqlen < most)
		return (false);
	for (const struct tcp_reass_seg *rs = tp->t_segq; rs != NULL;
	     rs = rs->rs_next)
		if (SEQ_LEQ(ts->ts_seq, rs->rs_seq + rs->rs_len) &&
		    SEQ_GEQ(end, rs->rs_seq))
			return (false);
	return (true);
}

/* Hand over what has become next. */
static bool
tcp_reass_present(struct tcpcb *tp, bool *fin)
{
	struct socket *so = tp->t_inpcb->inp_socket;
	struct tcp_reass_seg *rs;
	bool moved = false;

	while ((rs = tp->t_segq) != NULL && rs->rs_seq == tp->rcv_nxt) {
		tp->t_segq = rs->rs_next;
		tp->rcv_nxt += rs->rs_len;
		*fin = rs->rs_fin;
		moved = true;
		if (rs->rs_m != NULL &&
		    (so->so_rcv.sb_state & SBS_CANTRCVMORE) == 0) {
			sbappendstream(&so->so_rcv, rs->rs_m, 0);
			rs->rs_m = NULL;
		}
		tcp_reass_free(tp, rs);
	}
	if (moved)
		sorwakeup(so);
	return (moved);
}

/* The run that has this number; NULL. */
static const struct tcp_reass_seg *
tcp_reass_at(const struct tcpcb *tp, uint32_t seq)
{
	const struct tcp_reass_seg *rs;

	for (rs = tp->t_segq; rs != NULL; rs = rs->rs_next)
		if (SEQ_LEQ(rs->rs_seq, seq) &&
		    SEQ_LT(seq, rs->rs_seq + rs->rs_len))
			return (rs);
	return (NULL);
}

/* The run that grew is told of first, then those that were told of before. */
static void
tcp_reass_news(struct tcpcb *tp, uint32_t seq)
{
	const struct tcp_reass_seg *run = tcp_reass_at(tp, seq), *rs;
	uint32_t told[TCP_SACK_TOLD];
	unsigned n = 0;

	if (run != NULL)
		told[n++] = seq;
	for (unsigned i = 0; i < tp->t_nsack_told && n < TCP_SACK_TOLD; i++) {
		rs = tcp_reass_at(tp, tp->t_sack_told[i]);
		if (rs != NULL && rs != run)
			told[n++] = tp->t_sack_told[i];
	}
	memcpy(tp->t_sack_told, told, n * sizeof(told[0]));
	tp->t_nsack_told = n;
}

bool
tcp_reass(struct tcpcb *tp, struct tcp_seg *ts, bool *fin)
{
	uint32_t seq = ts->ts_seq;
	bool moved;

	*fin = false;
	if (tcp_reass_is_full(tp, ts))
		tcp_stats_rw(tp)->reassoverflow++;
	else {
		tcp_reass_fill(tp, ts);
		tcp_reass_join_all(tp);
	}
	m_freem(ts->ts_m);
	ts->ts_m = NULL;
	moved = tcp_reass_present(tp, fin);
	tcp_reass_news(tp, seq);
	return (moved);
}

/* The order of RFC 2018, section 4: what is lost of one report is in the next. */
static unsigned
tcp_reass_runs(const struct tcpcb *tp, struct tcp_range *blk, unsigned max)
{
	const struct tcp_reass_seg *rs;
	unsigned n = 0;

	for (unsigned i = 0; i < tp->t_nsack_told && n < max; i++)
		if ((rs = tcp_reass_at(tp, tp->t_sack_told[i])) != NULL)
			blk[n++] = (struct tcp_range) { rs->rs_seq,
				rs->rs_seq + rs->rs_len };
	return (n);
}

/* A duplicate is reported once, in front of all (RFC 2883). */
unsigned
tcp_reass_sack(const struct tcpcb *tp, struct tcp_range *blk, unsigned max)
{
	bool dup = tp->t_dsack.start != tp->t_dsack.end;

	if (max == 0)
		return (0);
	if (dup)
		blk[0] = tp->t_dsack;
	return (tcp_reass_runs(tp, blk + dup, max - dup) + dup);
}
