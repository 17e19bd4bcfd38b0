/* TLS sessions and the workers' queues as text. Keys are never printed. */
#include <inttypes.h>

#include <ktsim/base/dump.h>
#include <ktsim/base/kassert.h>
#include <ktsim/kern/socketvar.h>

#include "ktls_priv.h"

static void
ktls_dump_batches(const char *what, const struct mbufq *q, struct strbuf *sb,
    int indent)
{
	const struct mbuf *m;

	STAILQ_FOREACH(m, q, m_epg.stailq) {
		strbuf_addf(sb, "%*s%s: record %" PRIu64 " pages %d", indent,
		    "", what, m->m_epg.seqno, m->m_epg.enc_cnt);
		if (m->m_epg.so != NULL)
			strbuf_addf(sb, " of socket %u",
			    m->m_epg.so->so_number);
		if ((m->m_epg.flags & EPG_FLAG_2FREE) != 0)
			strbuf_adds(sb, " to be freed");
		strbuf_adds(sb, "\n");
	}
}

void
ktls_session_dump(const struct ktls_session *tls, struct strbuf *sb, int indent)
{
	const struct tls_session_params *tp = &tls->params;

	strbuf_addf(sb, "%*stls %u %s conn %u mode %s %s refs %u", indent, "",
	    tls->number, tls->direction == KTLS_TX ? "tx" : "rx", tls->conn,
	    ktls_mode_name(tls->mode), tp->suite->name, tls->refcount);
	strbuf_addf(sb, " hdr %u trl %u max %u", tp->tls_hlen, tp->tls_tlen,
	    tp->max_frame_len);
	if (tls->mode == TCP_TLS_MODE_SW)
		strbuf_addf(sb, " worker %u", tls->wq_index);
	if (tls->snd_tag != NULL)
		strbuf_addf(sb, " tag %u", tls->snd_tag->number);
	if (tls->reset_pending)
		strbuf_adds(sb, " reset pending");
	if (tls->sequential_records)
		strbuf_addf(sb, " next to encrypt %" PRIu64, tls->next_seqno);
	strbuf_adds(sb, "\n");
	ktls_dump_batches("waits for its turn", &tls->pending_records, sb,
	    indent + 2);
}

static void
ktls_wq_dump(const struct ktls_wq *wq, struct strbuf *sb, int indent)
{
	const struct socket *so;

	strbuf_addf(sb, "%*sworker %u: %s%s%s in flight %u", indent, "",
	    wq->wq_cpu, wq->wq_running ? "awake" : "asleep",
	    wq->wq_held ? " held" : "",
	    wq->wq_waiting ? " waits for a completion," : ",", wq->wq_inflight);
	dump_event(sb, "wake", &wq->wq_wake);
	strbuf_adds(sb, "\n");
	indent += 2;
	ktls_dump_batches("taken", &wq->wq_cur_m, sb, indent);
	ktls_dump_batches("queued", &wq->wq_m, sb, indent);
	STAILQ_FOREACH(so, &wq->wq_cur_so, so_ktls_rx)
		strbuf_addf(sb, "%*staken: to decrypt, socket %u\n", indent, "",
		    so->so_number);
	STAILQ_FOREACH(so, &wq->wq_so, so_ktls_rx)
		strbuf_addf(sb, "%*squeued: to decrypt, socket %u\n", indent,
		    "", so->so_number);
}

void
ktls_dump(const struct vnet *vnet, struct strbuf *sb, int indent)
{
	const struct ktls_state *ks = vnet->v_ktls;

	strbuf_addf(sb,
	    "%*sktls: sessions %" PRIu64 " of %" PRIu64
	    " ever, batches queued to encrypt %" PRIu64 " decrypt %" PRIu64
	    "\n",
	    indent, "", ks->ks_stats.active, ks->ks_stats.offload_total,
	    ks->ks_stats.sw_tx_inqueue, ks->ks_stats.sw_rx_inqueue);
	for (int i = 0; ks->ks_wq != NULL && i < vnet->v_ncpus; i++)
		ktls_wq_dump(&ks->ks_wq[i], sb, indent + 2);
}
